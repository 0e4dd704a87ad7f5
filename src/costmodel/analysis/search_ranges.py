"""Search range of a parameter: from its written value, its allowed bounds, or the caller's ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from costmodel.analysis.problem import Ranges, read_range
from costmodel.analysis.roots import scan_grid
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError, UnknownParameterError, near_matches
from costmodel.foundation.formulas import Formula
from costmodel.foundation.quantities import parse_quantity
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule

Scale = Literal["auto", "linear", "log"]
_TAIL = 0.001
"""Quantile [1] that replaces the end of an unbounded distribution."""
_SPAN = 10.0
"""Factor [1] around a number without other limits."""
_LOG_FROM = 20.0
"""Ratio of the ends [1] at and above which a positive range is scanned in logarithms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Search range of a parameter, or of a multiple of a schedule."""

    path: str
    low: float
    high: float
    log: bool
    multiple: bool
    """Whether the parameter is a schedule, so that the range is of a multiple of the whole schedule."""

    def grid(self, points: int) -> FloatArray:
        """Return the scanning grid."""
        return scan_grid(self.low, self.high, points, log=self.log)

    def __str__(self) -> str:
        """Return the range as text."""
        what = f"the multiple of {self.path}" if self.multiple else self.path
        return f"{what} between {self.low:.6g} and {self.high:.6g}"


def range_of(
    inputs: Scenario | Ranges,
    solve: str,
    low: float | str | None = None,
    high: float | str | None = None,
    scale: Scale = "auto",
) -> Range:
    """Return the search range of a parameter; an end is a number in the parameter's unit, or a text with a unit.

    Raises
    ------
    UnknownParameterError
        If there is no such path.
    DomainError
        If the ends do not rise or leave the allowed bounds.
    UnitError
        If an end is a text that does not convert to the parameter's unit.

    Examples
    --------
    >>> range_of({"price": (1.0, 3.0)}, "price")
    Range(path='price', low=1.0, high=3.0, log=False, multiple=False)
    """
    if isinstance(inputs, Scenario):
        solve = resolve_path(solve, (path for path, *_ in inputs.walk()))
    written, bounds = _written(inputs, solve)
    multiple = isinstance(written, Schedule | Formula)
    first, last = _default_ends(1.0 if multiple else written)
    if not multiple:
        first, last = max(first, bounds[0]), min(last, bounds[1])
        if not (np.isfinite(first) and np.isfinite(last)):
            first, last = _sizes(inputs, solve, first, last)
    unit = _unit(inputs, solve)
    first, last = first if low is None else read_end(low, unit), last if high is None else read_end(high, unit)
    if written is None and not (np.isfinite(first) and np.isfinite(last)):
        raise DomainError(f"{solve}: is absent, so there is no range to search: give low and high")
    if not first < last:
        raise DomainError(f"{solve}: the range {first:g} … {last:g} does not rise; give low and high")
    if not multiple and (first < bounds[0] or last > bounds[1]):
        raise DomainError(f"{solve}: the range {first:g} … {last:g} exceeds the allowed {bounds[0]:g} … {bounds[1]:g}")
    log = scale == "log" or (scale == "auto" and first > 0.0 and last / first >= _LOG_FROM)
    return Range(path=solve, low=first, high=last, log=log, multiple=multiple)


def read_end(given: float | str, unit: str) -> float:
    """Return an end of a range: a number in ``unit``, bare or as text, or a quantity with its own unit.

    Examples
    --------
    >>> read_end("$2/hr", "USD/hour"), read_end("1.5", "USD/hour"), read_end(3.0, "USD/hour")
    (2.0, 1.5, 3.0)
    """
    try:
        return float(given)
    except ValueError:
        return parse_quantity(str(given), unit)


def _sizes(inputs: Scenario | Ranges, path: str, first: float, last: float) -> tuple[float, float]:
    """Return ends for an absent parameter: the plausible values of its unit, if known."""
    spec = (
        next((spec for where, _, spec, _ in inputs.walk() if where == path), None)
        if isinstance(inputs, Scenario)
        else None
    )
    if spec is None or spec.plausible is None:
        return first, last
    least, most = spec.plausible
    return (first if np.isfinite(first) and first > 0.0 else least), (last if np.isfinite(last) else most)


def _unit(inputs: Scenario | Ranges, path: str) -> str:
    """Return the unit of a parameter; 1 for an argument of a plain function or a multiple of a schedule."""
    if not isinstance(inputs, Scenario):
        return "1"
    units = {
        where: "1" if isinstance(value, Schedule | Formula) else spec.unit for where, value, spec, _ in inputs.walk()
    }
    return units.get(path, "1")


def widened(span: Range, inputs: Scenario | Ranges) -> Range | None:
    """Return a range widened tenfold on both sides, within the allowed bounds; None if it cannot be widened.

    Examples
    --------
    >>> span = range_of({"price": (1.0, 3.0)}, "price")
    >>> widened(span, {"price": (1.0, 3.0)})
    Range(path='price', low=0.1, high=30.0, log=True, multiple=False)
    """
    bounds = (0.0, np.inf) if span.multiple else _written(inputs, span.path)[1]
    outward = [
        end / _SPAN if (end > 0) == (side < 0) else end * _SPAN for side, end in ((-1, span.low), (1, span.high))
    ]
    low, high = max(outward[0], bounds[0]), min(outward[1], bounds[1])
    if low >= span.low and high <= span.high:
        return None
    low, high = min(low, span.low), max(high, span.high)
    return replace(span, low=low, high=high, log=span.log or (low > 0.0 and high / low >= _LOG_FROM))


def resolve_path(name: str, known: Iterable[str]) -> str:
    """Return the path of a name: the name itself, or the only path that ends in it.

    Examples
    --------
    >>> resolve_path("utilisation", ["hour_price", "load.utilisation"])
    'load.utilisation'
    >>> resolve_path("price", ["a.price", "b.price"])
    'price'
    """
    paths = list(known)
    ends = [path for path in paths if path.endswith(f".{name}")]
    return ends[0] if name not in paths and len(ends) == 1 else name


def _written(inputs: Scenario | Ranges, solve: str) -> tuple[object, tuple[float, float]]:
    """Return the written value of a parameter, and its allowed bounds."""
    if not isinstance(inputs, Scenario):
        if solve not in inputs:
            raise UnknownParameterError(f"{solve}: there is no such argument{near_matches(solve, list(inputs))}")
        return read_range(solve, inputs[solve]), (-np.inf, np.inf)
    for path, value, spec, _ in inputs.walk():
        if path == solve:
            floor = [bound for bound in (spec.ge, spec.gt) if bound is not None]
            ceiling = [bound for bound in (spec.le, spec.lt) if bound is not None]
            inward = 1e-9
            low = max(floor, default=-np.inf) + (inward if spec.gt is not None else 0.0)
            high = min(ceiling, default=np.inf) - (inward if spec.lt is not None else 0.0)
            return value, (low, high)
    raise UnknownParameterError(
        f"{solve}: there is no such parameter{near_matches(solve, (path for path, *_ in inputs.walk()))}"
    )


def _default_ends(written: object) -> tuple[float, float]:
    if isinstance(written, Distribution):
        low, high = written.support()
        return (
            float(low if np.isfinite(low) and (low != 0.0 or np.isfinite(high)) else written.ppf(_TAIL)),
            float(high if np.isfinite(high) else written.ppf(1.0 - _TAIL)),
        )
    if not isinstance(written, int | float) or written == 0.0:
        return -np.inf, np.inf  # no default: the caller gives the ends
    ends = sorted((float(written) / _SPAN, float(written) * _SPAN))
    return ends[0], ends[1]
