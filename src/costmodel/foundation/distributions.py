"""Distributions, usually given by quantiles, since people think in 90 % intervals.

A distribution is written as a table, ``{dist = "lognormal", p5 = 1.1, p95 = 2.0}``, and maps a rank ``u`` in (0, 1)
to a value. It has no arithmetic: a parameter has one rank per draw, so that ``x - x`` is 0 in every draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.errors import DomainError, ScenarioError, near_matches
from costmodel.foundation.quantities import parse_quantity

LEAST_MASS = 1e-12
"""Least probability of a normal or lognormal between low and high [1]."""
USUAL_QUANTILES = {0.05: -1.6448536269514729, 0.5: 0.0, 0.95: 1.6448536269514722}
"""Quantiles of the standard normal at the usual ranks of scenarios [1], equal to those of `scipy.special.ndtri`.

A run at medians needs no others, and importing SciPy would take longer than the run.
"""
PERT_WEIGHT = 4.0
"""Weight of the mode in the PERT distribution [1] (Malcolm et al. 1959)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of one parameter.

    Parameters
    ----------
    kind
        uniform, normal, lognormal, triangular, pert, beta, discrete or empirical.
    parameters
        Parameters in order, as numbers in the field's unit.

    Examples
    --------
    >>> price = Distribution.parse({"dist": "lognormal", "p5": 1.0, "p95": 4.0}, "USD")
    >>> round(float(price.median()), 6)
    2.0
    """

    kind: str
    parameters: tuple[tuple[str, float | tuple[float, ...]], ...]

    @classmethod
    def parse(cls, written: Mapping[str, Any], unit: str) -> Distribution:
        """Parse the written form; values may be numbers in ``unit`` or strings with a unit.

        Raises
        ------
        ScenarioError
            If the kind or its parameters are not among the allowed ones.
        DomainError
            If the parameters are out of order or not finite.
        """
        kind = written.get("dist")
        if not isinstance(kind, str) or kind not in _KINDS:
            hint = near_matches(kind, _KINDS) if isinstance(kind, str) else ""
            raise ScenarioError(f"unknown distribution {kind!r}: allowed are {', '.join(_KINDS)}{hint}")
        entries: dict[str, float | tuple[float, ...]] = {}
        for key, value in written.items():
            if key == "dist":
                continue
            plain = key in SHAPE_KEYS
            if isinstance(value, list | tuple) != (key in _LIST_KEYS):
                needed = "a list of numbers" if key in _LIST_KEYS else "a number or a string with a unit"
                raise DomainError(f"{key} = {value!r}: give {needed}")
            if isinstance(value, list | tuple):
                entries[key] = tuple(strict_number(item, "1" if plain else unit, key) for item in value)
            else:
                entries[key] = strict_number(value, "1" if plain else unit, key)
        self = cls(kind, tuple(entries.items()))
        lower, upper = self.support()
        _require(lower <= upper, f"distribution {kind!r}: the support {lower:g} … {upper:g} is empty")
        wide = math.isfinite(lower) and math.isfinite(upper) and not math.isfinite(upper - lower)
        _require(
            not wide,
            f"distribution {kind!r}: the support {lower:g} … {upper:g} exceeds the range of numbers; narrow it",
        )
        return self

    def ppf(self, rank: ArrayLike) -> Any:
        """Return the values at the given ranks (inverse of the cumulative distribution).

        Parameters
        ----------
        rank
            Ranks between 0 and 1 [1], any shape.
        """
        with np.errstate(over="ignore"):  # overflow gives infinity, for which results are checked
            values = _KINDS[self.kind].ppf(dict(self.parameters), np.asarray(rank, dtype=np.float64))
        return np.asarray(values, dtype=np.float64)[()]

    def median(self) -> float:
        """Return the median, which a run without draws uses."""
        return _median(self)

    def support(self) -> tuple[float, float]:
        """Return the lowest and highest possible value; infinite without a bound."""
        return _KINDS[self.kind].support(dict(self.parameters))

    def scaled(self, factor: float) -> Distribution:
        """Return the distribution of ``factor`` (> 0) times the value, as for a change of unit."""
        entries = tuple((key, value if key in SHAPE_KEYS else _scale(value, factor)) for key, value in self.parameters)
        return Distribution(self.kind, entries)

    def written(self) -> dict[str, Any]:
        """Return the written form, numbers in the field's unit."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in self.parameters}
        return {"dist": self.kind, **plain}


@lru_cache(maxsize=4096)
def _median(distribution: Distribution) -> float:
    """Return a median, cached: runs that change one path need the medians of all others again."""
    return float(distribution.ppf(0.5))


SHAPE_KEYS = frozenset({"sigma", "a", "b", "probabilities", "weight"})
"""Keys that are pure numbers for any unit of the field."""
_LIST_KEYS = frozenset({"values", "probabilities"})
"""Keys that hold a list."""


def _scale(value: float | tuple[float, ...], factor: float) -> float | tuple[float, ...]:
    return tuple(item * factor for item in value) if isinstance(value, tuple) else value * factor


def strict_number(value: object, unit: str, key: str) -> float:
    """Return a finite number, or the number of a string with a unit."""
    if isinstance(value, str):
        return parse_quantity(value, unit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DomainError(f"{key} = {value!r}: give a number or a string with a unit")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DomainError(f"{key} = {str(value)[:40]}: give a finite number")
    return number


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise DomainError(message)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Functions for the values and the support of one kind of distribution."""

    ppf: Callable[[dict[str, Any], Any], Any]
    support: Callable[[dict[str, Any]], tuple[float, float]]


def _keys(entries: Mapping[str, Any], kind: str, *allowed: frozenset[str], optional: frozenset[str]) -> None:
    given = frozenset(entries) - optional
    if given not in allowed:
        forms = " or ".join("{" + ", ".join(sorted(form)) + "}" for form in allowed)
        raise ScenarioError(f"distribution {kind!r} takes {forms}; given {{{', '.join(sorted(entries))}}}")


def _quantile_pair(entries: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return the two given quantiles as (rank, value), or an empty list."""
    pairs = sorted((float(key[1:]) / 100.0, entries[key]) for key in entries if _is_quantile(key))
    if len(pairs) == 2:
        _require(pairs[0][0] < pairs[1][0], f"two quantiles at the same rank {pairs[0][0]:g}")
        _require(pairs[0][1] < pairs[1][1], f"quantiles out of order: {pairs[0][1]:g} ≥ {pairs[1][1]:g}")
    return pairs


def _is_quantile(key: str) -> bool:
    return key[:1] == "p" and key.isascii() and key[1:].replace(".", "", 1).isdigit() and 0 < float(key[1:]) < 100


def _location_scale(entries: dict[str, Any], kind: str, classic: frozenset[str]) -> tuple[float, float, float, float]:
    """Return location and scale on the (possibly logarithmic) axis, and the truncation bounds."""
    log = kind == "lognormal"
    low, high = entries.get("low", -math.inf), entries.get("high", math.inf)
    _require(low < high, f"distribution {kind!r}: low {low:g} must be below high {high:g}")
    given = {key: value for key, value in entries.items() if key not in {"low", "high"}}
    if frozenset(given) == classic:
        center, spread = (given[key] for key in (("median", "sigma") if log else ("mean", "sd")))
        _require(spread > 0, f"distribution {kind!r}: the spread must be above 0, given {spread:g}")
        _require(not log or center > 0, f"distribution 'lognormal': the median must be above 0, given {center:g}")
        return (math.log(center) if log else center), spread, low, high
    pairs = _quantile_pair(given)
    if len(pairs) != 2 or len(given) != 2:
        raise ScenarioError(
            f"distribution {kind!r} takes two quantiles such as {{p5, p95}}, or {{{', '.join(sorted(classic))}}}, "
            f"with optional low and high; given {{{', '.join(sorted(entries))}}}"
        )
    _require(not log or pairs[0][1] > 0, f"distribution 'lognormal': values must be above 0, given {pairs[0][1]:g}")
    (rank_a, a), (rank_b, b) = ((rank, math.log(value) if log else value) for rank, value in pairs)
    z_a, z_b = _standard_quantile(rank_a), _standard_quantile(rank_b)
    scale = (b - a) / (z_b - z_a)
    return a - scale * z_a, scale, low, high


def _standard_quantile(rank: float) -> float:
    """Return a quantile of the standard normal."""
    if rank in USUAL_QUANTILES:
        return USUAL_QUANTILES[rank]
    from scipy.special import ndtri

    return float(ndtri(rank))


def _gaussian_ppf(entries: dict[str, Any], rank: Any, kind: str, classic: frozenset[str]) -> Any:
    log = kind == "lognormal"
    location, scale, low, high = _location_scale(entries, kind, classic)
    z_low, z_high = ((bound - location) / scale for bound in _on_axis(low, high, log))
    z = _truncated_quantile(rank, z_low, z_high)
    value = location + scale * z
    return np.clip(np.exp(value) if log else value, low, high)


def _truncated_quantile(rank: Any, z_low: float, z_high: float) -> Any:
    """Return quantiles of the standard normal between two bounds."""
    if rank.ndim == 0 and math.isinf(z_low) and math.isinf(z_high):
        return _standard_quantile(float(rank))
    from scipy.special import ndtr, ndtri

    if z_low > 0.0:  # the bounds are in the upper tail, where only the mass above a value is exact
        above, beyond = float(ndtr(-z_low)), float(ndtr(-z_high))
        return -ndtri(above - (above - beyond) * rank)
    first, last = float(ndtr(z_low)), float(ndtr(z_high))
    return ndtri(first + (last - first) * rank)


def _on_axis(low: float, high: float, log: bool) -> tuple[float, float]:
    """Return truncation bounds on the axis of the normal: logarithms for a lognormal."""
    if not log:
        return low, high
    return (math.log(low) if low > 0 else -math.inf), (math.log(high) if high > 0 else -math.inf)


def _gaussian_support(entries: dict[str, Any], kind: str, classic: frozenset[str]) -> tuple[float, float]:
    location, scale, low, high = _location_scale(entries, kind, classic)
    if math.isinf(low) and math.isinf(high):
        return (0.0 if kind == "lognormal" else low), high
    from scipy.special import ndtr

    z_low, z_high = ((bound - location) / scale for bound in _on_axis(low, high, kind == "lognormal"))
    mirrored = (-z_high, -z_low) if z_low > 0.0 else (z_low, z_high)
    mass = float(ndtr(mirrored[1])) - float(ndtr(mirrored[0]))
    _require(
        mass >= LEAST_MASS,
        f"distribution {kind!r}: only {mass:.1g} of its probability is between low and high; widen them",
    )
    return (max(low, 0.0) if kind == "lognormal" else low), high


_NORMAL = frozenset({"mean", "sd"})
_LOGNORMAL = frozenset({"median", "sigma"})


def _uniform_bounds(entries: dict[str, Any]) -> tuple[float, float]:
    if frozenset(entries) == {"low", "high"}:
        low, high = entries["low"], entries["high"]
    else:
        pairs = _quantile_pair(entries)
        if len(pairs) != 2 or len(entries) != 2:
            raise ScenarioError(
                f"distribution 'uniform' takes {{low, high}} or two quantiles; given {{{', '.join(sorted(entries))}}}"
            )
        (rank_a, a), (rank_b, b) = pairs
        slope = (b - a) / (rank_b - rank_a)
        low, high = a - slope * rank_a, a + slope * (1.0 - rank_a)
    _require(low < high, f"distribution 'uniform': low {low:g} must be below high {high:g}")
    return low, high


def _uniform_ppf(entries: dict[str, Any], rank: Any) -> Any:
    low, high = _uniform_bounds(entries)
    return low + (high - low) * rank


def _three_points(entries: dict[str, Any], kind: str) -> tuple[float, float, float]:
    optional = frozenset({"weight"}) if kind == "pert" else frozenset()
    _keys(entries, kind, frozenset({"low", "mode", "high"}), optional=optional)
    low, mode, high = entries["low"], entries["mode"], entries["high"]
    _require(
        low <= mode <= high and low < high,
        f"distribution {kind!r}: need low ≤ mode ≤ high; given {low:g}, {mode:g}, {high:g}",
    )
    return low, mode, high


def _triangular_ppf(entries: dict[str, Any], rank: Any) -> Any:
    low, mode, high = _three_points(entries, "triangular")
    split = (mode - low) / (high - low)
    rising = low + np.sqrt(rank * (high - low) * (mode - low))
    falling = high - np.sqrt((1.0 - rank) * (high - low) * (high - mode))
    return np.where(rank < split, rising, falling)


def _pert_parameters(entries: dict[str, Any]) -> tuple[float, float, float, float]:
    low, mode, high = _three_points(entries, "pert")
    weight = entries.get("weight", PERT_WEIGHT)
    _require(weight > 0, f"distribution 'pert': weight must be above 0, given {weight:g}")
    a = 1.0 + weight * (mode - low) / (high - low)
    b = 1.0 + weight * (high - mode) / (high - low)
    return a, b, low, high


def _beta_parameters(entries: dict[str, Any]) -> tuple[float, float, float, float]:
    _keys(entries, "beta", frozenset({"a", "b"}), optional=frozenset({"low", "high"}))
    a, b, low, high = entries["a"], entries["b"], entries.get("low", 0.0), entries.get("high", 1.0)
    _require(a > 0 and b > 0, f"distribution 'beta': a and b must be above 0, given {a:g}, {b:g}")
    _require(low < high, f"distribution 'beta': low {low:g} must be below high {high:g}")
    return a, b, low, high


def _beta_quantile(a: float, b: float, low: float, high: float, rank: Any) -> Any:
    from scipy.special import betaincinv

    return low + (high - low) * betaincinv(a, b, rank)


def _discrete_table(entries: dict[str, Any]) -> tuple[Any, Any]:
    _keys(
        entries,
        "discrete",
        frozenset({"values", "probabilities"}),
        frozenset({"values"}),
        optional=frozenset(),
    )
    values = np.asarray(entries["values"], dtype=np.float64)
    count = values.size
    probabilities = np.asarray(entries.get("probabilities", (1.0 / max(count, 1),) * count), dtype=np.float64)
    _require(
        count > 0 and values.shape == probabilities.shape,
        f"distribution 'discrete': give as many probabilities as values; got {probabilities.size} and {count}",
    )
    _require(
        bool((probabilities >= 0).all()) and abs(float(probabilities.sum()) - 1.0) < 1e-9,
        f"distribution 'discrete': probabilities must be ≥ 0 and sum to 1, given {probabilities.tolist()}",
    )
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(probabilities[order])


def _discrete_ppf(entries: dict[str, Any], rank: Any) -> Any:
    values, cumulative = _discrete_table(entries)
    return values[np.minimum(np.searchsorted(cumulative, rank, side="right"), values.size - 1)]


def _sample(entries: dict[str, Any]) -> Any:
    _keys(entries, "empirical", frozenset({"values"}), optional=frozenset())
    values = np.sort(np.asarray(entries["values"], dtype=np.float64))
    _require(values.size >= 2, f"distribution 'empirical': give at least two values; given {values.size}")
    return values


def _empirical_ppf(entries: dict[str, Any], rank: Any) -> Any:
    values = _sample(entries)
    return np.interp(rank, np.linspace(0.0, 1.0, values.size), values)


def _ends(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[-1])


_KINDS: dict[str, _Kind] = {
    "uniform": _Kind(_uniform_ppf, _uniform_bounds),
    "normal": _Kind(
        lambda entries, rank: _gaussian_ppf(entries, rank, "normal", _NORMAL),
        lambda entries: _gaussian_support(entries, "normal", _NORMAL),
    ),
    "lognormal": _Kind(
        lambda entries, rank: _gaussian_ppf(entries, rank, "lognormal", _LOGNORMAL),
        lambda entries: _gaussian_support(entries, "lognormal", _LOGNORMAL),
    ),
    "triangular": _Kind(
        _triangular_ppf,
        lambda entries: _three_points(entries, "triangular")[::2],
    ),
    "pert": _Kind(
        lambda entries, rank: _beta_quantile(*_pert_parameters(entries), rank),
        lambda entries: _pert_parameters(entries)[2:],
    ),
    "beta": _Kind(
        lambda entries, rank: _beta_quantile(*_beta_parameters(entries), rank),
        lambda entries: _beta_parameters(entries)[2:],
    ),
    "discrete": _Kind(_discrete_ppf, lambda entries: _ends(_discrete_table(entries)[0])),
    "empirical": _Kind(_empirical_ppf, lambda entries: _ends(_sample(entries))),
}
