"""A scaling law fitted to one's own training runs: loss by parameters and tokens, with errors and unseen runs apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.design import RandomSource, seed_of
from costmodel.foundation.errors import ConvergenceError, DomainError
from costmodel.training.fits import ScalingFit

HUBER_WIDTH = 1e-3
"""Residual of log loss up to which errors count by their square [1]. Hoffmann et al. (2022), arXiv 2203.15556, D.2."""
LEAST_RUNS = 8
"""Fewest runs from which five numbers are fitted [1]; assumed."""
_STARTS = [(n, d, e) for n in (0.2, 0.5, 1.0) for d in (0.2, 0.5, 1.0) for e in (0.5, 0.8, 0.95)]
"""Exponents, and shares of the lowest loss that are irreducible, from which the fit starts."""
_TOLERANCE = 1e-12
"""Relative change at which the search ends [1]."""
_NAMES = ("irreducible_loss", "parameter_coefficient", "token_coefficient", "parameter_exponent", "token_exponent")


@dataclass(frozen=True, slots=True, eq=False)
class ScalingEstimate:
    """A fitted scaling law.

    Parameters
    ----------
    fit
        The law, with the range of the runs that it was fitted to.
    standard_error
        Of E, A, B, α and β, over resampled runs; A and B mean little apart from their exponents.
    error
        Root mean square error of log loss of the fitted runs [1].
    unseen_error
        The same of the runs held out; absent where none were [1].
    fitted, unseen
        Numbers of runs [1].
    """

    fit: ScalingFit
    standard_error: Mapping[str, float]
    error: float
    unseen_error: float | None
    fitted: int
    unseen: int


def fit_scaling(
    parameters: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    *,
    hold: float = 0.0,
    resamples: int = 100,
    rng: RandomSource = 0,
    name: str = "own runs",
) -> ScalingEstimate:
    """Fit ``L(N, D) = E + A/N^α + B/D^β`` to training runs.

    Parameters
    ----------
    parameters, tokens
        Size of each run, > 0, (run,) [1], [token].
    loss
        Its final loss, > 0, (run,) [nat/token].
    hold
        Share of the runs, those of most compute, that are held out before anything is fitted, 0 to less than 1 [1].
    resamples
        Resampled fits behind the standard errors [1]; none below 2.
    rng
        Seed of the resampling.
    name
        Name of the fit.

    Returns
    -------
    ScalingEstimate
        The law, its errors, and the error on runs that it has not seen.

    Raises
    ------
    DomainError
        If columns differ in length, a value is not above 0, or fewer runs than ``LEAST_RUNS`` are left to fit.
    ConvergenceError
        If no start leads to a fit.

    Notes
    -----
    Minimises a Huber loss of ``log L`` less its prediction, from a grid of starts, on the scale of the middle run, so
    that starts do not depend on units. Runs of most compute are what a law is used to foretell: these are held out.

    References
    ----------
    Hoffmann et al. (2022), arXiv 2203.15556, section 3.3 and D.2; Besiroglu et al. (2024), arXiv 2404.10102.

    Examples
    --------
    >>> size, data = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e8, 1e10, 4), np.geomspace(2e9, 2e11, 4)))
    >>> found = fit_scaling(size, data, 1.8 + 482.0 / size**0.35 + 2085.0 / data**0.37, resamples=0)
    >>> round(found.fit.parameter_exponent, 3), round(found.fit.token_exponent, 3), round(found.fit.irreducible_loss, 3)
    (0.35, 0.37, 1.8)
    """
    named = {"parameters": parameters, "tokens": tokens, "loss": loss}
    columns = [_positive(values, label) for label, values in named.items()]
    sizes = {column.size for column in columns}
    if len(sizes) > 1:
        raise DomainError(f"parameters, tokens and loss have {', '.join(str(column.size) for column in columns)} runs")
    if not 0.0 <= hold < 1.0:
        raise DomainError(f"hold is {hold!r}: a share from 0 to less than 1 is needed")
    runs = np.log(np.stack(columns))
    order = np.argsort(runs[0] + runs[1], kind="stable")
    seen = order[: order.size - int(np.floor(hold * order.size))]
    if seen.size < LEAST_RUNS:
        raise DomainError(f"{seen.size} runs are too few to fit five numbers: {LEAST_RUNS} or more")
    centre = np.median(runs[:2, seen], axis=1)
    solution = _best(runs[:, seen], centre)
    unseen = np.setdiff1d(order, seen)
    return ScalingEstimate(
        fit=_as_fit(solution, centre, runs[:2, seen], name),
        standard_error=_errors(runs[:, seen], centre, solution, resamples, rng),
        error=_rms(solution, runs[:, seen], centre),
        unseen_error=_rms(solution, runs[:, unseen], centre) if unseen.size else None,
        fitted=int(seen.size),
        unseen=int(unseen.size),
    )


def _positive(values: ArrayLike, label: str) -> FloatArray:
    column = readonly(values)
    if column.ndim != 1 or not np.all(np.isfinite(column) & (column > 0)):
        raise DomainError(f"{label}: one finite value above 0 for each run is needed")
    return column


def _residual(solution: FloatArray, runs: FloatArray, centre: FloatArray) -> FloatArray:
    """Return predicted less actual log loss; the solution is log a, log b, log e, α, β about the middle run."""
    a, b, e, alpha, beta = solution
    size, data = runs[0] - centre[0], runs[1] - centre[1]
    terms = np.stack([a - alpha * size, b - beta * data, np.full_like(size, e)])
    return np.asarray(np.logaddexp.reduce(terms, axis=0) - runs[2])


def _minimum(runs: FloatArray, centre: FloatArray, start: FloatArray) -> Any:
    from scipy.optimize import least_squares

    return least_squares(
        _residual,
        start,
        args=(runs, centre),
        loss="huber",
        f_scale=HUBER_WIDTH,
        x_scale="jac",
        xtol=_TOLERANCE,
        ftol=_TOLERANCE,
        gtol=_TOLERANCE,
    )


def _best(runs: FloatArray, centre: FloatArray) -> FloatArray:
    """Return the best of the fits from all starts."""
    lowest, spread = float(runs[2].min()), float(np.exp(runs[2]).mean())
    best = None
    for alpha, beta, share in _STARTS:
        floor = share * np.exp(lowest)
        half = np.log(max((spread - floor) / 2.0, 1e-3 * floor))
        found = _minimum(runs, centre, np.array([half, half, np.log(floor), alpha, beta]))
        if found.success and np.all(np.isfinite(found.x)) and (best is None or found.cost < best.cost):
            best = found
    if best is None:
        raise ConvergenceError("the scaling law fits these runs from no start")
    return np.asarray(best.x)


def _coefficients(solution: FloatArray, centre: FloatArray) -> dict[str, Any]:
    """Return E, A, B, α and β by name."""
    a, b, e, alpha, beta = solution
    values = (np.exp(e), np.exp(a + alpha * centre[0]), np.exp(b + beta * centre[1]), alpha, beta)
    return dict(zip(_NAMES, map(float, values), strict=True))


def _as_fit(solution: FloatArray, centre: FloatArray, sizes: FloatArray, name: str) -> ScalingFit:
    """Return the law with the range of what it was fitted to."""
    low, high = np.exp(sizes.min(axis=1)), np.exp(sizes.max(axis=1))
    return replace(
        ScalingFit(name=name, **_coefficients(solution, centre)),
        parameter_range=(float(low[0]), float(high[0])),
        token_range=(float(low[1]), float(high[1])),
    )


def _errors(
    runs: FloatArray, centre: FloatArray, solution: FloatArray, resamples: int, rng: RandomSource
) -> dict[str, float]:
    """Return the standard deviation of every coefficient over resampled runs."""
    if resamples < 2:
        return {}
    generator = np.random.default_rng(seed_of(rng))
    drawn = []
    for _ in range(resamples):
        rows = generator.integers(0, runs.shape[1], runs.shape[1])
        drawn.append(list(_coefficients(_minimum(runs[:, rows], centre, solution).x, centre).values()))
    return dict(zip(_NAMES, map(float, np.std(drawn, axis=0, ddof=1)), strict=True))


def _rms(solution: FloatArray, runs: FloatArray, centre: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(_residual(solution, runs, centre)))))
