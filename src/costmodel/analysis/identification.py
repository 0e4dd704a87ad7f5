"""Identification: find the parameters that a set of observations does not determine separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.foundation.arrays import FloatArray

OPEN_SHARE = 0.25
"""Standard error, as a share of the range [1], above which a direction is open; a uniform prior has 0.29."""
LOADING = 0.3
"""Loading [1] above which a parameter belongs to a direction."""
TRADED = 0.95
"""Absolute correlation [1] above which two parameters trade off."""
EQUAL_FIT = 2.0
"""Difference of cost, in units of noise [1], below which fits are equally good: two log-likelihood units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Parameters and directions that a fit's observations do not identify."""

    unidentified: tuple[str, ...]
    """Parameters that take part in an open direction, or differ widely between equally good fits."""
    directions: tuple[dict[str, float], ...]
    """Open directions: loading of each parameter, in units of its range."""
    direction_errors: tuple[float, ...]
    """Standard error along each open direction, in units of the range."""
    traded: tuple[tuple[str, str, float], ...]
    """Pairs that trade off, with their correlation."""
    equally_good: dict[str, tuple[float, float]]
    """Span of each parameter over equally good fits, as positions in its range."""
    at_bound: tuple[str, ...]
    """Parameters that ended at an end of their range."""
    scaled_covariance: FloatArray
    """Covariance of the parameters, in units of their ranges."""

    def message(self) -> str:
        """Return the text of a warning: the parameters, their trade-offs, and what to report instead."""
        text = f"the observations do not identify {', '.join(self.unidentified)}"
        if self.traded:
            pairs = ", ".join(f"{a} with {b} ({value:+.2f})" for a, b, value in self.traded)
            text += f"; they trade off: {pairs}"
        if self.at_bound:
            text += f"; at an end of the range: {', '.join(self.at_bound)}"
        return f"{text}: quote a range over them, not the fitted point"


def identify(
    names: tuple[str, ...],
    jacobian: FloatArray,
    noise: float,
    best: FloatArray,
    tries: Sequence[tuple[FloatArray, float]],
) -> Identification:
    """Find unidentified parameters from the curvature at a fit's optimum and from equally good fits.

    Parameters
    ----------
    names
        Parameters.
    jacobian
        Derivative of the residuals, in observation errors, by the parameters, in units of their ranges:
        ``(observation, parameter)``.
    noise
        Variance of the residuals, 1 or more, [1].
    best
        The fitted parameters, as positions in their ranges.
    tries
        End point of each start: position and cost (half the sum of squares).

    Returns
    -------
    Identification

    Notes
    -----
    With J = U S Vᵀ the standard error along column v of V is √noise / s, in units of the ranges. A direction is open
    if that is above a quarter of the range (a uniform prior has 0.29), or if s is 0 to rounding; the parameters with a
    loading above 0.3 in it are unidentified. So is a parameter whose position differs by more than a quarter of its
    range between fits whose costs differ by less than two units of noise.

    Examples
    --------
    Only the sum of two parameters is observed:

    >>> seen = identify(("a", "b"), np.array([[9.0, 9.0], [9.0, 9.0]]), 1.0, np.array([0.5, 0.5]), [])
    >>> seen.unidentified, [(a, b) for a, b, _ in seen.traded]
    (('a', 'b'), [('a', 'b')])
    """
    k = len(names)
    _, singular, right = np.linalg.svd(jacobian, full_matrices=True)
    strength = np.zeros(k)
    strength[: singular.size] = singular
    floor = max(float(strength.max(initial=0.0)), 1.0) * np.finfo(np.float64).eps ** 0.5
    with np.errstate(divide="ignore"):
        errors = np.where(strength > floor, np.sqrt(noise) / strength, np.inf)
    opened = [i for i in range(k) if errors[i] > OPEN_SHARE]
    capped = np.minimum(errors, 1e6)
    covariance = (right.T * np.square(capped)) @ right
    size = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(size, size)
    traded = tuple(
        (names[i], names[j], float(correlation[i, j]))
        for i in range(k)
        for j in range(i + 1, k)
        if abs(correlation[i, j]) > TRADED and max(size[i], size[j]) > OPEN_SHARE
    )
    good = _equally_good(names, best, tries, noise)
    named = {names[j] for i in opened for j in range(k) if abs(right[i, j]) > LOADING}
    named |= {name for name, (low, high) in good.items() if high - low > OPEN_SHARE}
    return Identification(
        unidentified=tuple(name for name in names if name in named),
        directions=tuple({name: float(right[i, j]) for j, name in enumerate(names)} for i in opened),
        direction_errors=tuple(float(errors[i]) for i in opened),
        traded=traded,
        equally_good=good,
        at_bound=tuple(name for name, at in zip(names, best, strict=True) if at < 1e-6 or at > 1.0 - 1e-6),
        scaled_covariance=covariance,
    )


def _equally_good(
    names: tuple[str, ...], best: FloatArray, tries: Sequence[tuple[FloatArray, float]], noise: float
) -> dict[str, tuple[float, float]]:
    least = min((cost for _, cost in tries), default=0.0)
    alike = np.stack([best, *(point for point, cost in tries if cost - least < EQUAL_FIT * noise)])
    return {name: (float(alike[:, i].min()), float(alike[:, i].max())) for i, name in enumerate(names)}
