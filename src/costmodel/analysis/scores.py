"""Scores of forecasts given as draws, once the outcome is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.errors import DomainError
from costmodel.foundation.reducers import exact_quantile

_ROUNDING = 1e-12
"""Relative tolerance for rounding of sums of weights against a rank [1]."""


def _pair(draws: ArrayLike, observed: ArrayLike) -> tuple[FloatArray, FloatArray]:
    sample = np.asarray(draws, dtype=np.float64)
    outcome = np.asarray(observed, dtype=np.float64)
    if sample.ndim == 0 or sample.shape[:-1] != outcome.shape:
        raise DomainError(f"draws must have the outcome's shape + (draw,); got {sample.shape} for {outcome.shape}")
    if not (np.isfinite(sample).all() and np.isfinite(outcome).all()):
        raise DomainError("draws and outcomes must be finite: leave out draws that are not, and count them")
    return sample, outcome


def _weights(weights: ArrayLike | None, count: int) -> FloatArray:
    if weights is None:
        return np.full(count, 1.0 / count)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (count,) or not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0.0:
        raise DomainError(f"weights must be {count} finite numbers, 0 or more and not all 0; got shape {given.shape}")
    normal: FloatArray = given / given.sum()
    return normal


def crps(draws: ArrayLike, observed: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Return the continuous ranked probability score of a forecast, in units of the outcome; 0 is perfect.

    For one draw it is the absolute error, so that it compares a point forecast with an ensemble.

    Parameters
    ----------
    draws
        Forecast draws, ``(…, draw)``, finite.
    observed
        Outcomes, ``(…)``, finite.
    weights
        Weight of each draw, ``(draw,)``, 0 or more; None: equal weights.

    Returns
    -------
    FloatArray
        Score per outcome, 0 or more, in the outcome's unit.

    Raises
    ------
    DomainError
        If shapes do not agree or a number is not finite.

    Notes
    -----
    CRPS = E|X − y| − ½E|X − X′| of the (weighted) empirical distribution, computed from the sorted draws.

    References
    ----------
    Gneiting and Raftery, *Strictly proper scoring rules, prediction, and estimation*, JASA 102 (2007), equation 21.

    Examples
    --------
    >>> float(crps([2.0], 5.0)), round(float(crps([0.0, 1.0], 0.5)), 12)
    (3.0, 0.25)
    """
    sample, outcome = _pair(draws, observed)
    weight = _weights(weights, sample.shape[-1])
    order = np.argsort(sample, axis=-1, kind="stable")
    ranked = np.take_along_axis(sample, order, axis=-1)
    share = weight[order]
    below = np.cumsum(share, axis=-1) - 0.5 * share  # mid-ranks
    score: FloatArray = (share * np.abs(ranked - outcome[..., None])).sum(axis=-1) - (
        share * ranked * (2.0 * below - 1.0)
    ).sum(axis=-1)
    return np.maximum(score, 0.0)


@formula()
def interval_score(low: Numeric, high: Numeric, observed: Numeric, level: Numeric) -> Numeric:
    """Return the score of a central interval: its width, plus a penalty in proportion to the distance of a miss.

    Parameters
    ----------
    low, high
        Ends of the interval, in the outcome's unit; low at most high.
    observed
        Outcome.
    level
        Nominal probability of the interval, between 0 and 1 exclusive, [1].

    Returns
    -------
    Numeric
        Score, 0 or more, in the outcome's unit; lower is better.

    Notes
    -----
    (u − l) + 2/α (l − y)⁺ + 2/α (y − u)⁺ with α = 1 − level.

    References
    ----------
    Gneiting and Raftery, JASA 102 (2007), equation 43.

    Examples
    --------
    >>> round(float(interval_score(1.0, 3.0, 3.5, 0.8)), 12)
    7.0
    """
    miss = np.maximum(low - observed, 0.0) + np.maximum(observed - high, 0.0)
    return (high - low) + 2.0 / (1.0 - level) * miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Coverage of central intervals: the number of outcomes, and how many the intervals contained."""

    level: float
    inside: int
    n: int
    low: float
    """Lower end of the 95 % interval of the true coverage (Clopper and Pearson)."""
    high: float

    @property
    def share(self) -> float:
        """Observed coverage; NaN without outcomes."""
        return self.inside / self.n if self.n else float("nan")

    def __str__(self) -> str:
        """Return one line with the number of outcomes."""
        if not self.n:
            return f"coverage of the {self.level:.0%} interval: no outcomes"
        return (
            f"coverage of the {self.level:.0%} interval: {self.inside} of {self.n} ({self.share:.0%}; "
            f"true coverage {self.low:.0%} to {self.high:.0%} if outcomes were independent)"
        )


def coverage(draws: ArrayLike, observed: ArrayLike, level: float = 0.8, weights: ArrayLike | None = None) -> Coverage:
    """Count the outcomes inside the central intervals of their draws.

    Parameters
    ----------
    draws
        Forecast draws, ``(…, draw)``, finite.
    observed
        Outcomes, ``(…)``, finite.
    level
        Probability of the interval, between 0 and 1, [1].
    weights
        Weight of each draw, ``(draw,)``; None: equal weights.

    Raises
    ------
    DomainError
        If shapes do not agree, a number is not finite, or the level is not between 0 and 1.

    Examples
    --------
    >>> print(coverage([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]], [1.0, 9.0], 0.5))
    coverage of the 50% interval: 1 of 2 (50%; true coverage 1% to 99% if outcomes were independent)
    """
    sample, outcome = _pair(draws, observed)
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must be a probability between 0 and 1; got {level}")
    tails = quantiles(sample, [0.5 - level / 2.0, 0.5 + level / 2.0], weights)
    held = (tails[0] <= outcome) & (outcome <= tails[1])
    inside, n = int(held.sum()), int(held.size)
    from scipy.special import betaincinv

    low = float(betaincinv(inside, n - inside + 1, 0.025)) if inside else 0.0
    high = float(betaincinv(inside + 1, n - inside, 0.975)) if inside < n else 1.0
    return Coverage(level=level, inside=inside, n=n, low=low, high=high)


def fit_weights(misfit: ArrayLike) -> tuple[FloatArray, float]:
    """Return likelihood weights of draws, summing to 1, and their effective number.

    Parameters
    ----------
    misfit
        Sum over figures of the squared misfit in standard deviations, ``(draw,)``, at least 0 [1].

    Returns
    -------
    tuple
        ``w ∝ exp(−½ misfit)``, ``(draw,)``, and the effective sample size ``(Σw)²/Σw²`` [1].

    Examples
    --------
    >>> weights, effective = fit_weights([0.0, 0.0, 1e9])
    >>> weights.tolist(), effective
    ([0.5, 0.5, 0.0], 2.0)
    """
    given = np.asarray(misfit, dtype=np.float64)
    weights = np.exp(-0.5 * (given - given.min()))
    weights = weights / weights.sum()
    return weights, float(1.0 / np.square(weights).sum())


def quantiles(draws: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Return quantiles over the last axis, weighted if weights are given.

    Parameters
    ----------
    draws
        Draws, ``(…, draw)``.
    probabilities
        Probabilities of the quantiles, ``(k,)``, between 0 and 1, [1].
    weights
        Weight of each draw, ``(draw,)``; None: equal weights.

    Returns
    -------
    FloatArray
        ``(k, …)``: the smallest draw that at least a share ``probability`` of the weight does not exceed.

    Examples
    --------
    >>> quantiles([3.0, 1.0, 2.0], [0.5], weights=[1.0, 1.0, 1.0]).tolist()
    [2.0]
    """
    sample = np.asarray(draws, dtype=np.float64)
    wanted = np.asarray(probabilities, dtype=np.float64)
    if weights is None:
        return np.asarray(exact_quantile(sample, wanted), dtype=np.float64)
    weight = _weights(weights, sample.shape[-1])
    flat = sample.reshape(-1, sample.shape[-1])
    found = np.empty((wanted.size, flat.shape[0]))
    for row, line in enumerate(flat):
        order = np.argsort(line, kind="stable")
        place = np.searchsorted(np.cumsum(weight[order]), wanted * (1.0 - _ROUNDING))
        found[:, row] = line[order][np.minimum(place, line.size - 1)]
    return found.reshape(wanted.shape + sample.shape[:-1])


def pit(draws: ArrayLike, observed: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Return the probability integral transform: the share of draws below each outcome, ties counted half.

    Values are uniform for calibrated forecasts, near 0 for forecasts that were too high, near 1 for too low.

    Parameters
    ----------
    draws
        Forecast draws, ``(…, draw)``, finite.
    observed
        Outcomes, ``(…)``, finite.
    weights
        Weight of each draw, ``(draw,)``; None: equal weights.

    Examples
    --------
    >>> float(pit([1.0, 2.0, 3.0, 4.0], 2.5))
    0.5
    """
    sample, outcome = _pair(draws, observed)
    weight = _weights(weights, sample.shape[-1])
    below = (sample < outcome[..., None]) + 0.5 * (sample == outcome[..., None])
    share: FloatArray = (below * weight).sum(axis=-1)
    return share
