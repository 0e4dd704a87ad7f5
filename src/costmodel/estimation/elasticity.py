"""Price elasticity of demand from a panel: who bought how much at which price, over time.

Two sets of fixed effects take out what differs between products and what moves all of them at once; what is left
is how quantity answers to a product's own price. Errors are clustered, since a product's shocks persist. If
sellers raise prices when demand is strong, least squares is biased towards 0 and an instrument (a cost shift) is
needed. A panel of hosts of one model identifies choice between hosts, not the market's elasticity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ConvergenceError, DomainError, ScenarioError, near_matches

_TOLERANCE = 1e-12
"""Largest mean of a group, relative to the column's spread, that counts as taken out [1]."""
_MOST_SWEEPS = 10_000
"""Sweeps over the two sets of effects before giving up [1]."""
_ABSORBED = 1e-9
"""Share of a column's variance below which the fixed effects have absorbed it [1]."""


@dataclass(frozen=True, slots=True)
class ElasticityEstimate:
    """A price elasticity with its error.

    Parameters
    ----------
    elasticity, standard_error
        Estimate and clustered standard error [1].
    degrees_of_freedom
        Of the Student t distribution: clusters less one [1].
    observations, entities, periods, clusters
        Size of the panel [1].
    residual_sd
        Standard deviation of log demand that is left [1].
    controls
        Coefficients of the controls by position.
    first_stage_f
        Strength of the instrument; absent for least squares. Below about 10 it is weak [1].
    """

    elasticity: float
    standard_error: float
    degrees_of_freedom: int
    observations: int
    entities: int
    periods: int
    clusters: int
    residual_sd: float
    controls: tuple[float, ...] = ()
    first_stage_f: float | None = None

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the Student t interval of the elasticity at a level between 0 and 1."""
        from scipy.special import stdtrit

        if not 0 < level < 1:
            raise DomainError(f"level is {level!r}: it must be between 0 and 1")
        reach = float(stdtrit(self.degrees_of_freedom, 0.5 + level / 2)) * self.standard_error
        return self.elasticity - reach, self.elasticity + reach


def estimate_elasticity(
    quantity: Any,
    price: Any,
    entity: Any,
    period: Any,
    *,
    controls: Sequence[Any] = (),
    instrument: Any | None = None,
    cluster: Any | None = None,
) -> ElasticityEstimate:
    """Estimate the price elasticity of demand with two-way fixed effects.

    Parameters
    ----------
    quantity, price
        Quantity and price, > 0, (row,); rows may be missing from the panel.
    entity, period
        Labels of the two sets of fixed effects, (row,). Any labels do: ``model × week`` and ``host × model``
        reproduces the design of Demirer et al. (2025).
    controls
        Further columns that move demand, (row,) each, entering as they are.
    instrument
        Column that moves price and not demand; two-stage least squares if given.
    cluster
        Labels within which shocks may be correlated; ``entity`` if absent.

    Returns
    -------
    ElasticityEstimate
        Elasticity, clustered standard error and the size of the panel.

    Raises
    ------
    DomainError
        If columns differ in length, a value is not finite or not above 0, the fixed effects absorb the price,
        controls move with it, or there are too few clusters.
    ConvergenceError
        If the fixed effects cannot be taken out.

    Notes
    -----
    ``ln q = α_i + γ_t + ε ln p + u``. Variance ``(X'X)^-1 (Σ_g X_g'u_g u_g'X_g)(X'X)^-1`` times
    ``G/(G-1) · (N-1)/(N-K)``, K the regressors and the effects that are not nested in a cluster.

    References
    ----------
    Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. J. Human
    Resources 50(2), eq. 11–12.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> model, week = np.repeat(np.arange(80), 20), np.tile(np.arange(20), 80)
    >>> price = np.exp(rng.normal(0.0, 0.2, 1600))
    >>> tokens = price**-1.11 * np.exp(0.1 * week + rng.normal(0.0, 0.3, 1600))
    >>> low, high = estimate_elasticity(tokens, price, model, week).interval(0.99)
    >>> low < -1.11 < high
    True
    """
    logs = [_log_column(quantity, "quantity"), _log_column(price, "price")]
    others = [_column(values, f"controls[{index}]") for index, values in enumerate(controls)]
    shifts = [] if instrument is None else [_column(instrument, "instrument")]
    rows = logs[0].size
    groups = [_codes(entity, "entity", rows), _codes(period, "period", rows)]
    clusters = groups[0] if cluster is None else _codes(cluster, "cluster", rows)
    columns = np.column_stack(_same_length([*logs, *others, *shifts], rows))
    within = _without_effects(columns, groups)
    last = 2 + len(others)
    return _solve(within[:, 0], within[:, 1:last], within[:, last:], groups, clusters)


def estimate_elasticity_of_frame(
    frame: Any,
    *,
    quantity: str,
    price: str,
    entity: str,
    period: str,
    controls: Sequence[str] = (),
    instrument: str | None = None,
    cluster: str | None = None,
) -> ElasticityEstimate:
    """Estimate the price elasticity of demand from a table of one's own.

    Parameters
    ----------
    frame
        A pandas DataFrame, or any mapping from column names to columns.
    quantity, price, entity, period, controls, instrument, cluster
        Names of the columns; as in :func:`estimate_elasticity`.

    Raises
    ------
    ScenarioError
        If a column does not exist; near matches are in the message.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> rows = {"model": np.repeat(np.arange(40), 12), "week": np.tile(np.arange(12), 40)}
    >>> rows |= {"usd": np.exp(rng.normal(0.0, 0.2, 480)), "tokens": np.exp(rng.normal(0.0, 0.3, 480))}
    >>> estimate_elasticity_of_frame(rows, quantity="tokens", price="usd", entity="model", period="week").observations
    480
    """

    def column(name: str) -> Any:
        if name not in frame:
            raise ScenarioError(f"the table has no column {name!r}{near_matches(name, [str(key) for key in frame])}")
        return np.asarray(frame[name])

    return estimate_elasticity(
        column(quantity),
        column(price),
        column(entity),
        column(period),
        controls=[column(name) for name in controls],
        instrument=None if instrument is None else column(instrument),
        cluster=None if cluster is None else column(cluster),
    )


def _column(values: Any, name: str) -> FloatArray:
    """Return a column of finite numbers."""
    column = np.asarray(values, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(column))
    if column.ndim != 1 or wrong.size:
        where = f"row {wrong[0]} is {column.ravel()[wrong[0]]}" if wrong.size else f"shape is {column.shape}"
        raise DomainError(f"{name}: one finite number per row is needed; {where}")
    return column


def _log_column(values: Any, name: str) -> FloatArray:
    """Return the logarithm of a column of numbers above 0."""
    column = _column(values, name)
    if not np.all(column > 0):
        row = int(np.flatnonzero(column <= 0)[0])
        raise DomainError(f"{name}: every value must be above 0; row {row} is {column[row]:g}")
    return np.log(column)


def _same_length(columns: Sequence[FloatArray], rows: int) -> Sequence[FloatArray]:
    for column in columns:
        if column.size != rows:
            raise DomainError(f"a column has {column.size} rows where quantity has {rows}")
    return columns


def _codes(labels: Any, name: str, rows: int) -> NDArray[np.intp]:
    """Return labels as whole numbers from 0."""
    values = np.asarray(labels)
    if values.shape != (rows,):
        raise DomainError(f"{name} has shape {values.shape}: one label for each of {rows} rows is needed")
    labels = values.astype(str) if values.dtype == object else values
    codes: NDArray[np.intp] = np.unique(labels, return_inverse=True)[1].reshape(-1)
    return codes


def _without_effects(columns: FloatArray, groups: Sequence[NDArray[np.intp]]) -> FloatArray:
    """Take the means by both sets of groups out of every column, sweep by sweep."""
    spread = np.std(columns, axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    within = (columns - np.mean(columns, axis=0)) / scale
    counts = [np.bincount(codes) for codes in groups]
    for _ in range(_MOST_SWEEPS):
        largest = 0.0
        for codes, count in zip(groups, counts, strict=True):
            for index in range(within.shape[1]):
                means = np.bincount(codes, within[:, index]) / count
                within[:, index] -= means[codes]
                largest = max(largest, float(np.max(np.abs(means))))
        if largest < _TOLERANCE:
            return np.asarray(within * scale)
    raise ConvergenceError(f"fixed effects still move by {largest:.1e} after {_MOST_SWEEPS} sweeps")


def _solve(
    response: FloatArray,
    regressors: FloatArray,
    shifts: FloatArray,
    groups: Sequence[NDArray[np.intp]],
    clusters: NDArray[np.intp],
) -> ElasticityEstimate:
    """Solve least squares, or two-stage least squares, on columns without effects."""
    rows, width = regressors.shape
    sizes = [int(codes.max()) + 1 for codes in groups]
    number = int(clusters.max()) + 1
    if np.mean(regressors[:, 0] ** 2) < _ABSORBED:
        raise DomainError("price does not move apart from the fixed effects: its elasticity cannot be found")
    nested = [_is_nested(codes, clusters) for codes in groups]
    counted = width + 1 + sum(size - 1 for size, inside in zip(sizes, nested, strict=True) if not inside)
    if number < 2 or rows <= counted:
        raise DomainError(f"{rows} rows in {number} clusters are too few for {counted} numbers")
    if width > 1 and _are_collinear(regressors):
        raise DomainError("price and controls move together: their effects cannot be told apart")
    moments = regressors if not shifts.size else np.column_stack([shifts[:, 0], regressors[:, 1:]])
    bread = np.linalg.inv(moments.T @ regressors)
    beta = bread @ (moments.T @ response)
    residual = response - regressors @ beta
    scores = np.stack([np.bincount(clusters, moments[:, k] * residual) for k in range(width)], axis=1)
    small_sample = number / (number - 1) * (rows - 1) / (rows - counted)
    covariance = small_sample * bread @ (scores.T @ scores) @ bread.T
    freedom = max(rows - width - sizes[0] - sizes[1] + 1, 1)
    return ElasticityEstimate(
        elasticity=float(beta[0]),
        standard_error=float(np.sqrt(covariance[0, 0])),
        degrees_of_freedom=number - 1,
        observations=rows,
        entities=sizes[0],
        periods=sizes[1],
        clusters=number,
        residual_sd=float(np.sqrt(residual @ residual / freedom)),
        controls=tuple(float(value) for value in beta[1:]),
        first_stage_f=_first_stage(regressors, moments, freedom) if shifts.size else None,
    )


def _are_collinear(columns: FloatArray) -> bool:
    """Whether a column is a mix of the others, to rounding."""
    lengths = np.sqrt(np.mean(columns**2, axis=0))
    if not np.all(lengths > 0):
        return True
    values = np.linalg.svd(columns / lengths, compute_uv=False)
    return bool(values[-1] < np.sqrt(_ABSORBED) * values[0])


def _is_nested(codes: NDArray[np.intp], clusters: NDArray[np.intp]) -> bool:
    """Whether every group lies within one cluster."""
    pairs = np.unique(np.column_stack([codes, clusters]), axis=0)
    return bool(pairs.shape[0] == int(codes.max()) + 1)


def _first_stage(regressors: FloatArray, moments: FloatArray, freedom: int) -> float:
    """Return the F statistic of the instrument in the regression of price on it and the controls."""
    price, controls = regressors[:, 0], regressors[:, 1:]

    def left(columns: FloatArray) -> float:
        if not columns.shape[1]:
            return float(price @ price)
        fitted = columns @ np.linalg.lstsq(columns, price, rcond=None)[0]
        return float((price - fitted) @ (price - fitted))

    full = left(moments)
    return (left(controls) - full) / (full / freedom)
