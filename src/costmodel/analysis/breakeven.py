"""Break-even: find the values of one parameter at which a target holds, or report how close it came."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.analysis.problem import Model, Problem, Ranges, as_problem
from costmodel.analysis.roots import Batched, IndexArray, Scan, scan_roots
from costmodel.analysis.search_ranges import Range, Scale, range_of, widened
from costmodel.analysis.targets import Target
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.engines import Engine, chosen_engine, using
from costmodel.foundation.errors import ConvergenceError, DomainError, NonFiniteResultError
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Table, Tabled

WIDENINGS = 3
"""Times that a default range is widened, tenfold on both sides each time."""
_DEEPEST_TURN = 100.0
"""Largest distance from zero at which a turn between grid points is searched for roots, over its rise to the next
point [1]; a parabola reaches an eighth of this rise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven(Tabled):
    """All values of a parameter in its range at which a target holds."""

    target: str
    range: Range
    roots: tuple[float, ...]
    jumps: tuple[float, ...]
    """Values at which the gap jumps across zero, so that the target never holds exactly."""
    holds: tuple[tuple[float, float], ...]
    """Intervals of the range in which an inequality holds; empty for an equation."""
    low_value: float
    """Gap to the target, left minus right, at the low end."""
    high_value: float

    def table(self) -> Table:
        """Return a table with a row per root, or per interval in which an inequality holds."""
        path = self.range.path
        if self.holds:
            return Table.of(({"parameter": path, "from": low, "to": high} for low, high in self.holds), self.target)
        return Table.of(({"parameter": path, "value": root} for root in self.roots), self.target)


def break_even(
    inputs: Scenario | Ranges,
    solve: str,
    target: str | Target,
    *,
    low: float | str | None = None,
    high: float | str | None = None,
    points: int = 129,
    scale: Scale = "auto",
    model: Model | None = None,
    engine: Engine = "auto",
) -> BreakEven:
    """Find every value of one parameter at which a target holds, with the others at their medians.

    Parameters
    ----------
    inputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    solve
        Path of the parameter, or its last part where only one path ends in it; for a schedule, a multiple of the
        whole schedule is solved for.
    target
        Condition on the result, as ``"npv = 0"`` or ``"margin@2030 >= 0.3"``.
    low, high
        Ends of the range: numbers in the parameter's unit, or texts with a unit. By default a distribution's support
        (its 0.1 % and 99.9 % quantiles where that is open), or a tenth to ten times a number, within the allowed
        bounds; if that has no break-even, it is widened tenfold, up to three times.
    points
        Points of the scan; two roots between neighbours are found only if the gap turns there.
    scale
        ``"log"`` or ``"linear"`` scan; ``"auto"`` takes logarithms if the ends differ by a factor of 20 or more.
    engine
        ``"numpy"``, ``"compiled"`` (extra ``fast``; of the flywheel alone), or ``"auto"``: compiled where it is
        installed, since a search runs the model from ten to hundreds of times.

    Returns
    -------
    BreakEven

    Raises
    ------
    ConvergenceError
        If no value in the range meets the target: the message names the range and the values at its ends.
    UnknownParameterError
        If there is no such path.

    Examples
    --------
    >>> def margin(price, cost):
    ...     return {"npv": price - cost}
    >>> found = break_even({"price": 3.0, "cost": 1.0}, "cost", "npv = 0", model=margin)
    >>> [round(root, 9) for root in found.roots]
    [3.0]
    """
    condition = Target.parse(target)
    problem = as_problem(inputs, [condition.left], model=model)
    span = range_of(inputs, solve, low, high, scale)

    def gap(values: FloatArray, _: IndexArray) -> FloatArray:
        return _gaps(problem, condition, span, values, {})

    by_engine = _by_engine(gap, engine)

    found, refusal = _look(by_engine, span, condition, points)
    for _ in range(WIDENINGS if low is None and high is None else 0):
        wider = widened(span, inputs) if refusal else None
        if wider is None:
            break
        try:
            found, reason = _look(by_engine, wider, condition, points)
        except (NonFiniteResultError, DomainError):
            break  # the model is not defined so far out
        span, refusal = wider, reason
    if refusal:
        raise ConvergenceError(f"{refusal}; give low and high to look elsewhere")
    return found


def _look(gap: Batched, span: Range, condition: Target, points: int) -> tuple[BreakEven, str]:
    """Look for break-evens in one range; return them, and the reason if there are none."""
    scan = scan_roots(gap, span.grid(points))
    roots = tuple(sorted({*scan.of(0), *_touching(gap, scan)}))
    found = BreakEven(
        target=condition.text,
        range=span,
        roots=roots,
        jumps=scan.jumps_of(0),
        holds=_stretches(gap, condition, span, (*roots, *scan.jumps_of(0))),
        low_value=float(scan.values[0, 0]),
        high_value=float(scan.values[-1, 0]),
    )
    return found, "" if found.roots or found.holds else _refusal(found, scan)


def _refusal(found: BreakEven, scan: Scan) -> str:
    nearest = int(np.argmin(np.abs(scan.values[:, 0])))
    jump = f"; it is passed by a jump at {', '.join(f'{x:.6g}' for x in found.jumps)}" if found.jumps else ""
    return (
        f"no value of {found.range} meets {found.target!r}: left minus right is {found.low_value:.6g} at the low end, "
        f"{found.high_value:.6g} at the high end, and nearest to 0 at {scan.grid[nearest]:.6g} with "
        f"{scan.values[nearest, 0]:.6g}{jump}"
    )


def _by_engine(gap: Batched, engine: Engine) -> Batched:
    """Return a gap whose runs use an engine, chosen once for the whole search."""
    chosen = chosen_engine(engine, None, often=True)

    def computed(values: FloatArray, draw: IndexArray) -> FloatArray:
        with using(chosen):
            return gap(values, draw)

    return computed


def _gaps(
    problem: Problem,
    target: Target,
    span: Range,
    values: FloatArray,
    ranks: dict[str, FloatArray],
    others: dict[str, FloatArray] | None = None,
) -> FloatArray:
    """Return the gap to the target at values of the solved parameter, one draw each, in blocks."""
    parts = []
    for first in range(0, values.size, BLOCK):
        cut = slice(first, first + BLOCK)
        point = {span.path: np.ascontiguousarray(values[cut])}
        fixed = {path: row[cut] for path, row in (others or {}).items()}
        count = point[span.path].size
        result = problem.raw(
            count,
            ranks={name: row[cut] for name, row in ranks.items()} or None,
            values=fixed if span.multiple else {**fixed, **point},
            factors=point if span.multiple else {},
        )
        parts.append(target.gap(result, count))
    return np.concatenate(parts)


def _touching(gap: Batched, scan: Scan) -> list[float]:
    """Return roots that a scan by sign misses: where the gap touches zero, or crosses it twice, between points."""
    from scipy.optimize import brentq, minimize_scalar

    values, grid = scan.values[:, 0], scan.grid
    size = np.abs(values)

    def at(x: float) -> float:
        return float(gap(np.array([x]), np.zeros(1, dtype=int))[0])

    found: list[float] = []
    for k in range(1, grid.size - 1):
        same = values[k - 1] * values[k] > 0.0 and values[k] * values[k + 1] > 0.0
        if not same or size[k] > size[k - 1] or size[k] > size[k + 1] or size[k] == size[k - 1] == size[k + 1]:
            continue
        if size[k] > _DEEPEST_TURN * (max(size[k - 1], size[k + 1]) - size[k]):
            continue  # far from zero, compared with its change
        sign = float(np.sign(values[k]))
        spot = minimize_scalar(
            lambda x, sign=sign: sign * at(x),
            bounds=(grid[k - 1], grid[k + 1]),
            method="bounded",
            options={"xatol": 1e-9 * (grid[k + 1] - grid[k - 1])},
        )
        if spot.fun < -1e-12 * size.max():
            found += [float(brentq(at, grid[k - 1], spot.x)), float(brentq(at, spot.x, grid[k + 1]))]
        elif spot.fun <= 1e-10 * size.max():
            found.append(float(spot.x))
    return found


def _stretches(gap: Batched, target: Target, span: Range, turns: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """Return the intervals between roots, jumps and ends in whose middle an inequality holds."""
    if target.relation == "=":
        return ()
    ends = sorted({span.low, span.high, *turns})
    middles = np.array([0.5 * (low + high) for low, high in itertools.pairwise(ends)])
    good = target.holds(gap(middles, np.zeros(middles.size, dtype=int)))
    merged: list[tuple[float, float]] = []
    for low, high, holds in zip(ends[:-1], ends[1:], good, strict=True):
        if holds and merged and merged[-1][1] == low:
            merged[-1] = (merged[-1][0], high)
        elif holds:
            merged.append((low, high))
    return tuple(merged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier(Tabled):
    """Pairs of values of two parameters at which a target holds: for each value of one, all roots of the other."""

    target: str
    range: Range
    against: str
    values: FloatArray
    roots: tuple[tuple[float, ...], ...]
    """Roots for each value of ``against``; empty where no value of the solved parameter meets the target."""
    ends: FloatArray
    """Gap at the low and high end of the range, ``(2, value)``; shows how close a missing root came."""

    def table(self) -> Table:
        """Return a table with a row per root, and a row without a value where there is none."""
        rows = (
            {self.against: float(value), self.range.path: root}
            for value, roots in zip(self.values, self.roots, strict=True)
            for root in (roots or (None,))
        )
        return Table.of(rows, self.target)


def break_even_frontier(
    inputs: Scenario | Ranges,
    solve: str,
    against: str,
    target: str | Target,
    *,
    values: ArrayLike | None = None,
    low: float | str | None = None,
    high: float | str | None = None,
    points: int = 65,
    scale: Scale = "auto",
    model: Model | None = None,
    engine: Engine = "auto",
) -> Frontier:
    """Trace the frontier of two parameters on which a target holds.

    Parameters
    ----------
    inputs, solve, target, low, high, points, scale, model, engine
        See :func:`break_even`.
    against
        Path of the second parameter.
    values
        Values of the second parameter; None: nine over its default range.

    Returns
    -------
    Frontier

    Raises
    ------
    ConvergenceError
        If no pair meets the target.

    Examples
    --------
    >>> model = lambda price, volume, cost: {"profit": price * volume - cost}
    >>> line = break_even_frontier(
    ...     {"price": 2.0, "volume": 3.0, "cost": 6.0}, "price", "volume", "profit = 0", values=[2.0, 4.0], model=model
    ... )
    >>> [tuple(round(root, 9) for root in roots) for roots in line.roots]
    [(3.0,), (1.5,)]
    """
    condition = Target.parse(target)
    problem = as_problem(inputs, [condition.left], model=model)
    span, other = range_of(inputs, solve, low, high, scale), range_of(inputs, against) if values is None else None
    chosen = np.atleast_1d(np.asarray(values, dtype=np.float64)) if other is None else other.grid(9)
    if other is not None and other.multiple:
        raise DomainError(
            f"{against}: is a schedule; a frontier takes single values, so solve for this parameter instead"
        )

    def gap(at: FloatArray, draw: IndexArray) -> FloatArray:
        return _gaps(problem, condition, span, at, {}, {against: chosen[draw]})

    scan = scan_roots(_by_engine(gap, engine), span.grid(points), chosen.size)
    roots = tuple(scan.of(index) for index in range(chosen.size))
    if not any(roots):
        raise ConvergenceError(
            f"no value of {span} meets {condition.text!r} for any of {chosen.size} values of {against} between "
            f"{chosen.min():.6g} and {chosen.max():.6g}: left minus right lies between {scan.values.min():.6g} "
            f"and {scan.values.max():.6g}"
        )
    return Frontier(
        target=condition.text,
        range=span,
        against=against,
        values=chosen,
        roots=roots,
        ends=np.stack([scan.values[0], scan.values[-1]]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenDistribution:
    """The lowest break-even of each draw of an ensemble, and how many draws have none or several."""

    target: str
    range: Range
    values: FloatArray
    """Lowest root of each draw that has one."""
    draws: int
    several: int
    """Draws with more than one root."""
    none_above: int
    """Draws without a root whose gap is above 0 at both ends."""
    none_below: int
    """Draws without a root whose gap is below 0 at both ends."""

    @property
    def share(self) -> float:
        """Share of draws in which a value of the parameter meets the target, [1]."""
        return self.values.size / self.draws

    def quantiles(self, ranks: Sequence[float] = (0.05, 0.5, 0.95)) -> FloatArray:
        """Return quantiles among the draws that have a break-even."""
        return np.asarray(exact_quantile(self.values, ranks), dtype=np.float64)


def break_even_distribution(
    inputs: Scenario | Ranges,
    solve: str,
    target: str | Target,
    *,
    draws: int = 1000,
    rng: RandomSource = None,
    low: float | str | None = None,
    high: float | str | None = None,
    points: int = 33,
    scale: Scale = "auto",
    model: Model | None = None,
    engine: Engine = "auto",
) -> BreakEvenDistribution:
    """Solve for one parameter in every draw of all the others.

    Parameters
    ----------
    inputs, solve, target, low, high, points, scale, model, engine
        See :func:`break_even`.
    draws
        Number of draws of the other uncertain inputs.
    rng
        Seed.

    Returns
    -------
    BreakEvenDistribution

    Raises
    ------
    ConvergenceError
        If no draw meets the target anywhere in the range.

    Examples
    --------
    >>> model = lambda price, cost: {"npv": price - cost}
    >>> found = break_even_distribution({"price": (1.0, 3.0), "cost": 2.0}, "cost", "npv = 0", low=0.0,
    ...                                 high=2.0, draws=500, rng=0, model=model)
    >>> round(found.share, 1), found.none_above + found.none_below + found.values.size
    (0.5, 500)
    """
    condition = Target.parse(target)
    problem = as_problem(inputs, [condition.left], model=model)
    span = range_of(inputs, solve, low, high, scale)
    ranks = Design.random(problem, draws, rng).ranks()

    def gap(at: FloatArray, draw: IndexArray) -> FloatArray:
        return _gaps(problem, condition, span, at, {name: row[draw] for name, row in ranks.items()})

    scan = scan_roots(_by_engine(gap, engine), span.grid(points), draws)
    if scan.roots.size == 0:
        raise ConvergenceError(
            f"no value of {span} meets {condition.text!r} in any of {draws} draws: left minus right lies between "
            f"{scan.values.min():.6g} and {scan.values.max():.6g}"
        )
    lowest = np.full(draws, np.inf)
    np.minimum.at(lowest, scan.root_draws, scan.roots)
    having = np.isfinite(lowest)
    return BreakEvenDistribution(
        target=condition.text,
        range=span,
        values=lowest[having],
        draws=draws,
        several=int((np.bincount(scan.root_draws, minlength=draws) > 1).sum()),
        none_above=int((~having & (scan.values[0] > 0.0)).sum()),
        none_below=int((~having & (scan.values[0] <= 0.0)).sum()),
    )
