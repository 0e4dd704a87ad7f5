"""Score forecasts given as draws, once the outcome is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.errors import DomainError
from costmodel.foundation.reducers import exact_quantile

_ROUNDING = 1e-12
"""Share of a rank that sums of weights may be short of it by rounding [1]."""


def _pair(draws: ArrayLike, observed: ArrayLike) -> tuple[FloatArray, FloatArray]:
    sample = np.asarray(draws, dtype=np.float64)
    outcome = np.asarray(observed, dtype=np.float64)
    if sample.ndim == 0 or sample.shape[:-1] != outcome.shape:
        raise DomainError(f"draws are outcome's shape + (draw,), not {sample.shape} for {outcome.shape}")
    if not (np.isfinite(sample).all() and np.isfinite(outcome).all()):
        raise DomainError("draws and outcomes are finite: leave out, and count, what is not")
    return sample, outcome


def _weights(weights: ArrayLike | None, count: int) -> FloatArray:
    if weights is None:
        return np.full(count, 1.0 / count)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (count,) or not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0.0:
        raise DomainError(f"weights are {count} numbers, 0 or more, not all 0; shape {given.shape} was given")
    normal: FloatArray = given / given.sum()
    return normal


def crps(draws: ArrayLike, observed: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Score a forecast by the continuous ranked probability score: 0 is perfect, in units of the outcome.

    For one draw it is the absolute error, so that a point forecast and an ensemble can be compared.

    Parameters
    ----------
    draws
        Forecast draws, ``(…, draw)``, finite.
    observed
        What happened, ``(…)``, finite.
    weights
        Weight of each draw, ``(draw,)``, 0 or more; equal where absent.

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
    """Score a central interval: its width, plus a penalty for each unit by which the outcome misses it.

    Parameters
    ----------
    low, high
        Ends of the interval, in the outcome's unit; low at most high.
    observed
        What happened.
    level
        Probability that the interval claims, between 0 and 1 exclusive, [1].

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
    """Coverage of central intervals: how often they contained the outcome, with the number of outcomes."""

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
        """Return one line with n."""
        if not self.n:
            return f"coverage of the {self.level:.0%} interval: no outcomes"
        return (
            f"coverage of the {self.level:.0%} interval: {self.inside} of {self.n} ({self.share:.0%}; "
            f"true coverage {self.low:.0%} to {self.high:.0%} if outcomes were independent)"
        )


def coverage(draws: ArrayLike, observed: ArrayLike, level: float = 0.8, weights: ArrayLike | None = None) -> Coverage:
    """Count the outcomes inside the central interval of their draws.

    Parameters
    ----------
    draws
        Forecast draws, ``(…, draw)``, finite.
    observed
        What happened, ``(…)``, finite.
    level
        Probability of the interval, between 0 and 1, [1].
    weights
        Weight of each draw, ``(draw,)``; equal where absent.

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
        raise DomainError(f"level is a probability between 0 and 1, not {level}")
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
    """Return quantiles over the last axis, weighted where weights are given.

    Parameters
    ----------
    draws
        ``(…, draw)``.
    probabilities
        ``(k,)``, between 0 and 1, [1].
    weights
        Weight of each draw, ``(draw,)``; equal where absent.

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

    Uniform values mean calibrated forecasts; values near 0 or 1 mean that they were too high or too low.

    Parameters
    ----------
    draws
        ``(…, draw)``, finite.
    observed
        ``(…)``, finite.
    weights
        Weight of each draw, ``(draw,)``; equal where absent.

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
