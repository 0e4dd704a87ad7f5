"""Fitting decline: five forms, two kinds of noise, standard errors, and a comparison on held-out years.

``log cost`` is regressed on time (Moore), on log cumulative output (Wright), on log yearly output (Goddard),
on both outputs (Sinclair, Klepper and Cohen) or on cumulative output and time (Nordhaus). The noise decides how
far the past reaches: around a *curve*, shocks are forgotten and levels are fitted; along a *walk*, shocks stay
and yearly changes are fitted, which is what Farmer, Lafond and others find for technologies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError, ScenarioError

_COLLINEAR = 1e-7
"""Share of a regressor's length, apart from the others, below which it cannot be told from them [1]."""


class Form(StrEnum):
    """What cost is taken to follow."""

    MOORE = "moore"
    """Time."""
    WRIGHT = "wright"
    """Cumulative output."""
    GODDARD = "goddard"
    """Yearly output."""
    SINCLAIR_KLEPPER_COHEN = "sinclair-klepper-cohen"
    """Yearly and cumulative output."""
    NORDHAUS = "nordhaus"
    """Cumulative output and time."""


class Noise(StrEnum):
    """Persistence of a shock to cost."""

    CURVE = "curve"
    """Observations scatter about a curve: levels are fitted, with an intercept."""
    WALK = "walk"
    """Shocks stay: yearly changes are fitted, through the origin; variance is in proportion to time."""


REGRESSORS: dict[Form, tuple[str, ...]] = {
    Form.MOORE: ("time",),
    Form.WRIGHT: ("cumulative",),
    Form.GODDARD: ("output",),
    Form.SINCLAIR_KLEPPER_COHEN: ("output", "cumulative"),
    Form.NORDHAUS: ("cumulative", "time"),
}
"""The columns that each form needs; time enters as it is, output and cumulative output as logarithms."""


@dataclass(frozen=True, slots=True, eq=False)
class CostSeries:
    """Dated costs of one technology, with output where it is known.

    Parameters
    ----------
    time
        Dates, increasing, (n,) [year].
    cost
        Cost or price, > 0, (n,) or (n, draw) [any money].
    output
        Output per year, > 0, (n,) or (n, draw) [unit/year].
    cumulative
        Cumulative output, > 0, (n,) or (n, draw) [unit].

    Raises
    ------
    DomainError
        If dates don't increase, a column has another length, or a value is not above 0.

    Examples
    --------
    >>> CostSeries([2022.0, 2023.0, 2024.0], [8.0, 4.0, 2.0]).time.size
    3
    """

    time: FloatArray
    cost: FloatArray
    output: FloatArray | None = None
    cumulative: FloatArray | None = None

    def __post_init__(self) -> None:
        time = readonly(self.time)
        if time.ndim != 1 or time.size < 2 or not np.all(np.diff(time) > 0):
            raise DomainError("time: at least two dates are needed, each after the one before")
        object.__setattr__(self, "time", time)
        for name in ("cost", "output", "cumulative"):
            values = getattr(self, name)
            if values is None:
                continue
            column = readonly(values)
            if column.shape[:1] != time.shape:
                raise DomainError(f"{name} has {column.shape[:1]} entries for {time.size} dates")
            if not np.all(np.isfinite(column) & (column > 0)):
                raise DomainError(f"{name}: every value must be finite and above 0")
            object.__setattr__(self, name, column)

    @classmethod
    def from_output(cls, time: Any, cost: Any, output: Any) -> CostSeries:
        """Build a series whose cumulative output is summed, with what came before inferred from growth.

        Parameters
        ----------
        time, cost, output
            As above; yearly dates.

        Notes
        -----
        Output that has always grown at its mean rate g has summed to ``q/(e^g - 1)`` before the first year.
        """
        quantities = np.asarray(output, dtype=np.float64)
        growth = math.log(quantities[-1] / quantities[0]) / (np.asarray(time)[-1] - np.asarray(time)[0])
        if not growth > 0:
            raise DomainError(f"output grows by {growth:g} a year: cumulative output before the start is unknown")
        before = quantities[0] / math.expm1(growth)
        return cls(time, cost, output, before + np.cumsum(quantities))

    def upto(self, count: int) -> CostSeries:
        """Return the first ``count`` dates."""
        columns = (self.output, self.cumulative)
        cut = (None if column is None else column[:count] for column in columns)
        return CostSeries(self.time[:count], self.cost[:count], *cut)

    def regressors(self, form: Form) -> FloatArray:
        """Return the regressors of a form, (n, regressor) or (n, regressor, draw).

        Raises
        ------
        ScenarioError
            If the series doesn't hold a column that the form needs.
        """
        columns = []
        for name in REGRESSORS[form]:
            values = getattr(self, name)
            if values is None:
                raise ScenarioError(f"{form.value} needs {name}, which the series does not hold")
            columns.append(values if name == "time" else np.log(values))
        batch = self.cost.shape[1:]
        full = [np.broadcast_to(_trail(column, len(batch)), (self.time.size, *batch)) for column in columns]
        return np.stack(full, axis=1)


def _trail(column: FloatArray, axes: int) -> FloatArray:
    """Append axes of length 1 until a column has ``axes`` of them after its first."""
    return column.reshape(column.shape + (1,) * (axes + 1 - column.ndim))


@dataclass(frozen=True, slots=True, eq=False)
class DeclineFit:
    """A fitted form of decline.

    Parameters
    ----------
    form, noise
        What was fitted.
    names
        Names of the slopes: ``time`` (rate, per year), ``cumulative`` and ``output`` (exponents).
    estimate, standard_error
        Slopes, positive where cost falls, (slope,) or (slope, draw).
    residual_sd
        Standard deviation of log cost about the curve, or of its change in a year [1].
    degrees_of_freedom
        Observations less fitted numbers [1].
    intercept
        Log cost where all regressors are 0; 0 for a walk.
    """

    form: Form
    noise: Noise
    names: tuple[str, ...]
    estimate: FloatArray
    standard_error: FloatArray
    residual_sd: FloatArray
    degrees_of_freedom: int
    intercept: FloatArray

    def interval(self, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return the Student t interval of every slope at a level between 0 and 1."""
        from scipy.special import stdtrit

        if not 0 < level < 1:
            raise DomainError(f"level is {level!r}: it must be between 0 and 1")
        reach = float(stdtrit(self.degrees_of_freedom, 0.5 + level / 2)) * self.standard_error
        return self.estimate - reach, self.estimate + reach

    def slope(self, name: str) -> Any:
        """Return one slope by name, positive where cost falls."""
        if name not in self.names:
            raise ScenarioError(f"{self.form.value} has no slope {name!r}: it has {', '.join(self.names)}")
        return self.estimate[self.names.index(name)]

    def predict(self, history: CostSeries, future: CostSeries) -> FloatArray:
        """Return cost at the dates of ``future``, whose own costs are not read, (n,) or (n, draw).

        A curve is followed as it was fitted; a walk starts at the last cost of ``history``.
        """
        ahead = future.regressors(self.form)
        if self.noise is Noise.CURVE:
            return readonly(np.exp(self.intercept - np.sum(self.estimate * ahead, axis=1)))
        behind = history.regressors(self.form)[-1]
        fall = np.sum(self.estimate * (ahead - behind), axis=1)
        return readonly(history.cost[-1] * np.exp(-fall))


def fit_decline(series: CostSeries, form: Form, noise: Noise = Noise.WALK) -> DeclineFit:
    """Fit one form of decline by least squares.

    Parameters
    ----------
    series
        The costs, with the columns that the form needs.
    form
        What cost is taken to follow.
    noise
        How a shock lives on; decides whether levels or changes are fitted.

    Returns
    -------
    DeclineFit
        Slopes with standard errors. With independent normal shocks the Student t intervals hold exactly.

    Raises
    ------
    DomainError
        If there are too few dates, or two regressors cannot be told apart in this series.

    Notes
    -----
    A curve: ``ln c = a - Σ b z + e``. A walk: ``Δ ln c = -Σ b Δz + e`` through the origin, each line divided by
    ``sqrt(Δt)``. Nordhaus' two slopes can only be told apart where the growth of output changes.

    References
    ----------
    Nagy, B., Farmer, J. D., Bui, Q. M., Trancik, J. E. (2013). Statistical basis for predicting technological
    progress. PLoS ONE 8(2): e52669.

    Examples
    --------
    >>> series = CostSeries([2020.0, 2021.0, 2022.0, 2023.0], [8.0, 4.2, 1.9, 1.0])
    >>> round(float(fit_decline(series, Form.MOORE).slope("time")), 4)
    0.6931
    """
    regressors, response = series.regressors(form), np.log(series.cost)
    if noise is Noise.WALK:
        root = np.sqrt(np.diff(series.time))
        regressors = np.diff(regressors, axis=0) / _trail(root, regressors.ndim - 1)
        response = np.diff(response, axis=0) / _trail(root, response.ndim - 1)
    else:
        regressors = np.concatenate([regressors, np.ones_like(regressors[:, :1])], axis=1)
    beta, errors, spread, freedom = _least_squares(regressors, response, form)
    slopes = len(REGRESSORS[form])
    intercept = beta[slopes] if noise is Noise.CURVE else np.zeros_like(spread)
    return DeclineFit(
        form,
        noise,
        REGRESSORS[form],
        readonly(-beta[:slopes]),
        readonly(errors[:slopes]),
        readonly(spread),
        freedom,
        readonly(intercept),
    )


def _least_squares(
    regressors: FloatArray, response: FloatArray, form: Form
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Solve least squares for every draw: coefficients, their standard errors, residual sd and freedom."""
    matrix = np.moveaxis(regressors, (0, 1), (-2, -1))
    target = np.moveaxis(response, 0, -1)[..., np.newaxis]
    rows, columns = matrix.shape[-2:]
    freedom = rows - columns
    if freedom < 1:
        raise DomainError(f"{form.value}: {rows} observations are too few for {columns} numbers and their errors")
    length = np.sqrt(np.sum(matrix**2, axis=-2, keepdims=True))
    if not np.all(length > 0):
        raise DomainError(f"{form.value}: a regressor does not move in this series")
    q, r = np.linalg.qr(matrix / length)
    if np.min(np.abs(np.diagonal(r, axis1=-2, axis2=-1))) < _COLLINEAR:
        raise DomainError(
            f"{form.value}: {' and '.join(REGRESSORS[form])} move together in this series and cannot be told apart"
        )
    beta = np.linalg.solve(r, np.swapaxes(q, -1, -2) @ target)
    residual = target - (matrix / length) @ beta
    variance = np.sum(residual**2, axis=-2) / freedom
    inverse = np.linalg.inv(r)
    errors = np.sqrt(variance * np.sum(inverse**2, axis=-1))
    scale = length[..., 0, :]
    spread = np.sqrt(variance[..., 0])
    return np.moveaxis(beta[..., 0] / scale, -1, 0), np.moveaxis(errors / scale, -1, 0), spread, freedom


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How one form predicted years that it was not fitted to.

    Parameters
    ----------
    form, noise
        What was fitted.
    rms_error
        Root mean square error of log cost [1].
    mean_error
        Mean of actual less predicted log cost; negative where cost fell faster than predicted [1].
    years
        Number of dates predicted [1].
    """

    form: Form
    noise: Noise
    rms_error: float
    mean_error: float
    years: int


def held_out(
    series: CostSeries, train: int, forms: Sequence[Form] = tuple(Form), noise: Noise = Noise.WALK
) -> tuple[HeldOut, ...]:
    """Fit forms to the first dates of a series and compare them on the rest, best first.

    Output of the held-out years is taken as known: the comparison is of forms, not of output forecasts.

    Parameters
    ----------
    series
        The costs.
    train
        Number of dates to fit to; at least one must be left.
    forms
        Forms to compare; the series must hold their columns.
    noise
        How a shock lives on.

    Returns
    -------
    tuple of HeldOut
        One per form, smallest error first.

    Raises
    ------
    DomainError
        If no date is left to predict.

    Examples
    --------
    >>> series = CostSeries([0.0, 1.0, 2.0, 3.0, 4.0], [16.0, 8.4, 3.9, 2.0, 1.0])
    >>> held_out(series, 4, [Form.MOORE])[0].years
    1
    """
    if not 2 <= train < series.time.size:
        raise DomainError(f"train is {train}: between 2 and {series.time.size - 1} of {series.time.size} dates")
    history, results = series.upto(train), []
    for form in forms:
        fit = fit_decline(history, form, noise)
        predicted = fit.predict(history, series)[train:]
        error = np.log(series.cost[train:]) - np.log(predicted)
        rms = float(np.sqrt(np.mean(error**2)))
        results.append(HeldOut(form, noise, rms, float(np.mean(error)), error.shape[0]))
    return tuple(sorted(results, key=lambda result: result.rms_error))
