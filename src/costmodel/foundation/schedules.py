"""Schedules of dated knots, and the time grid on which they are read.

Stocks are on step bounds (T+1 values), flows on steps (T values). A schedule is read at mid-step.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.distributions import Distribution, strict_number
from costmodel.foundation.errors import DomainError, ScenarioError, near_matches

STEPS_PER_YEAR = {"half-month": 24, "month": 12, "quarter": 4, "year": 1}
"""Number of steps per year, by name of the step."""

INTERPOLATIONS = ("step", "linear", "log-linear")

Knot: TypeAlias = tuple[dt.date, float | Distribution]


@lru_cache(maxsize=4096)
def year_fraction(date: dt.date) -> float:
    """Return a date as a decimal year, in which a month is a twelfth.

    Examples
    --------
    >>> year_fraction(dt.date(2026, 7, 1))
    2026.5
    """
    days_in_month = calendar.monthrange(date.year, date.month)[1]
    return date.year + (date.month - 1 + (date.day - 1) / days_in_month) / 12.0


def date_at(year: float) -> dt.date:
    """Return the date of a decimal year, to the nearest day: the inverse of :func:`year_fraction`.

    Examples
    --------
    >>> date_at(2026.5)
    datetime.date(2026, 7, 1)
    """
    months = year * 12.0
    whole = int(np.floor(months + 1e-6))
    first = dt.date(whole // 12, whole % 12 + 1, 1)
    days = calendar.monthrange(first.year, first.month)[1]
    return first + dt.timedelta(days=round(max(months - whole, 0.0) * days))


def parse_date(value: object) -> dt.date:
    """Parse a date: ``2026-07-01``, ``2026-07`` (its first day) or a TOML date.

    Raises
    ------
    ScenarioError
        If the value has none of these forms.

    Examples
    --------
    >>> parse_date("2026-07")
    datetime.date(2026, 7, 1)
    """
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        for text in (value, f"{value}-01"):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                continue
    raise ScenarioError(f"{value!r} is not a date: write 2026-07-01 or 2026-07")


@lru_cache(maxsize=1024)
def _years_on(start: dt.date, first: float, count: int, per_year: int) -> FloatArray:
    """Return decimal years a step apart, from ``first`` steps after a date on; cached, so read-only."""
    return readonly(year_fraction(start) + (np.arange(count) + first) / per_year)


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """Time grid of equal steps from a start date.

    Parameters
    ----------
    start
        First day of the first step.
    steps
        Number of steps, at least 1.
    step
        ``half-month``, ``month``, ``quarter`` or ``year``.

    Examples
    --------
    >>> grid = TimeGrid(dt.date(2026, 1, 1), 4, "quarter")
    >>> grid.length, [float(t) for t in grid.mid]
    (0.25, [2026.125, 2026.375, 2026.625, 2026.875])
    """

    start: dt.date
    steps: int
    step: str

    @property
    def length(self) -> float:
        """Length of a step [year]."""
        return 1.0 / STEPS_PER_YEAR[self.step]

    @property
    def begin(self) -> float:
        """Start as a decimal year."""
        return year_fraction(self.start)

    @property
    def bounds(self) -> FloatArray:
        """Decimal years of the step bounds, shape ``(bound,)``."""
        return _years_on(self.start, 0.0, self.steps + 1, STEPS_PER_YEAR[self.step])

    @property
    def mid(self) -> FloatArray:
        """Decimal years of the middles of the steps, shape ``(step,)``."""
        return _years_on(self.start, 0.5, self.steps, STEPS_PER_YEAR[self.step])

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """Dates of the step bounds, to the nearest day; step ``i`` runs from date ``i`` to date ``i + 1``."""
        return _dates_of(self)

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years that the grid covers completely."""
        return _whole_years(self)

    def year_steps(self, year: int) -> slice:
        """Return the steps of a calendar year as a slice.

        Raises
        ------
        DomainError
            If the grid does not cover the whole year.
        """
        if year not in self.years:
            raise DomainError(f"the grid does not cover the whole year {year}; it covers {self.years}")
        first = int(np.searchsorted(np.floor(self.mid + 1e-9), year))
        return slice(first, first + STEPS_PER_YEAR[self.step])


@lru_cache(maxsize=256)
def _dates_of(grid: TimeGrid) -> tuple[dt.date, ...]:
    return tuple(date_at(float(year)) for year in grid.bounds)


@lru_cache(maxsize=256)
def _whole_years(grid: TimeGrid) -> tuple[int, ...]:
    steps = Counter(np.floor(grid.mid + 1e-9).astype(int).tolist())
    return tuple(year for year, count in sorted(steps.items()) if count == STEPS_PER_YEAR[grid.step])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Dated knots of one parameter; constant before the first and after the last.

    Parameters
    ----------
    knots
        Rising dates, each with a number or a distribution, in the field's unit.
    interpolation
        ``step`` (a knot holds until the next), ``linear`` or ``log-linear``.
    rank
        ``shared``: one rank of the design for all knots; ``independent``: one for each.

    Examples
    --------
    >>> written = {"knots": [["2026-01-01", 1.0], ["2027-01-01", 4.0]], "interpolation": "log-linear"}
    >>> Schedule.parse(written, "USD").at(np.array([2026.5])).tolist()
    [2.0]
    """

    knots: tuple[Knot, ...]
    interpolation: str = "linear"
    rank: str = "shared"

    @classmethod
    def parse(cls, written: Mapping[str, Any], unit: str) -> Schedule:
        """Parse the written form ``{knots = [[date, value], …], interpolation = …, rank = …}``.

        Raises
        ------
        ScenarioError
            If the form or a date is wrong, or the dates don't rise.
        DomainError
            If a value is not a finite number, or not above 0 for ``log-linear``.
        """
        extra = set(written) - {"knots", "interpolation", "rank"}
        if extra:
            raise ScenarioError(f"a schedule takes knots, interpolation and rank; given also {sorted(extra)}")
        interpolation, rank = written.get("interpolation", "linear"), written.get("rank", "shared")
        if interpolation not in INTERPOLATIONS:
            hint = near_matches(str(interpolation), INTERPOLATIONS)
            raise ScenarioError(
                f"unknown interpolation {interpolation!r}: allowed are {', '.join(INTERPOLATIONS)}{hint}"
            )
        if rank not in ("shared", "independent"):
            raise ScenarioError(f"unknown rank {rank!r}: allowed are shared, independent")
        rows = written.get("knots")
        if not isinstance(rows, list | tuple) or not rows:
            raise ScenarioError("a schedule needs knots = [[date, value], …]")
        knots = tuple(_knot(row, unit) for row in rows)
        for (before, _), (after, _) in itertools.pairwise(knots):
            if before >= after:
                raise ScenarioError(f"the dates of a schedule must rise: {before} is followed by {after}")
        schedule = cls(knots, interpolation, rank)
        if interpolation == "log-linear" and schedule.support()[0] <= 0:
            raise DomainError(f"a log-linear schedule needs values above 0; the lowest is {schedule.support()[0]:g}")
        return schedule

    @property
    def years(self) -> FloatArray:
        """Dates of the knots as decimal years, ``(knot,)``."""
        return np.array([year_fraction(date) for date, _ in self.knots])

    @property
    def distributed(self) -> tuple[int, ...]:
        """Positions of the knots that are distributions."""
        return tuple(i for i, (_, value) in enumerate(self.knots) if isinstance(value, Distribution))

    def support(self) -> tuple[float, float]:
        """Return the lowest and highest value that the schedule can take."""
        ends = [value.support() if isinstance(value, Distribution) else (value, value) for _, value in self.knots]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def at(self, times: FloatArray, ranks: Any = None) -> FloatArray:
        """Return the values at decimal years.

        Parameters
        ----------
        times
            Decimal years, shape ``(step,)``.
        ranks
            Ranks of the knots, shape ``(knot, draw)``; None: medians.

        Returns
        -------
        FloatArray
            Values, ``(step,)``, or ``(step, draw)`` if ranks are given and a knot is a distribution.
        """
        return interpolated(self.years, self.knot_values(ranks), times, self.interpolation)

    def on(self, grid: TimeGrid, ranks: Any = None) -> FloatArray:
        """Return the values at the middles of a grid's steps; those at medians are cached, so read-only."""
        return _medians_on(self, grid) if ranks is None else self.at(grid.mid, ranks)

    def scaled(self, factor: float) -> Schedule:
        """Return the schedule with every knot times a factor."""
        knots = tuple(
            (date, value.scaled(factor) if isinstance(value, Distribution) else value * factor)
            for date, value in self.knots
        )
        return Schedule(knots, self.interpolation, self.rank)

    def knot_values(self, ranks: Any = None) -> FloatArray:
        """Return the knots' values at their ranks, ``(knot, draw)``, or at their medians, ``(knot,)``."""
        if ranks is None or not self.distributed:
            medians = [v.median() if isinstance(v, Distribution) else v for _, v in self.knots]
            return np.array(medians, dtype=np.float64)
        rows = [
            value.ppf(ranks[i]) if isinstance(value, Distribution) else np.full(ranks.shape[1], value)
            for i, (_, value) in enumerate(self.knots)
        ]
        return np.array(rows, dtype=np.float64)

    def written(self) -> dict[str, Any]:
        """Return the written form, numbers in the field's unit."""
        knots = [
            [date.isoformat(), value.written() if isinstance(value, Distribution) else value]
            for date, value in self.knots
        ]
        form: dict[str, Any] = {"knots": knots, "interpolation": self.interpolation}
        return form if self.rank == "shared" else {**form, "rank": self.rank}


def interpolated(years: FloatArray, values: FloatArray, times: FloatArray, interpolation: str) -> FloatArray:
    """Return what knots give at some times, held flat before the first and after the last.

    Parameters
    ----------
    years
        Times of the knots, rising, ``(knot,)`` [year].
    values
        Their values, ``(knot,)`` or ``(knot, draw)``.
    times
        Times asked for, ``(time,)`` [year].
    interpolation
        One of ``INTERPOLATIONS``.
    """
    log = interpolation == "log-linear"
    position = np.clip(np.searchsorted(years, times + 1e-9, side="right") - 1, 0, len(years) - 1)
    if interpolation == "step" or len(years) == 1:
        return np.asarray(values[position], dtype=np.float64)
    left = np.minimum(position, len(years) - 2)
    share = np.clip((times - years[left]) / (years[left + 1] - years[left]), 0.0, 1.0)
    share = share.reshape(share.shape + (1,) * (values.ndim - 1))
    axis = np.log(values) if log else values
    mixed = axis[left] * (1.0 - share) + axis[left + 1] * share
    return np.asarray(np.exp(mixed) if log else mixed, dtype=np.float64)


@lru_cache(maxsize=4096)
def _medians_on(schedule: Schedule, grid: TimeGrid) -> FloatArray:
    return readonly(schedule.at(grid.mid))


def _knot(row: object, unit: str) -> Knot:
    """Parse one ``[date, value]``."""
    if not isinstance(row, list | tuple) or len(row) != 2:
        raise ScenarioError(f"a knot is [date, value]; given {row!r}")
    date, value = parse_date(row[0]), row[1]
    if isinstance(value, Distribution):
        return date, value
    if isinstance(value, Mapping):
        return date, Distribution.parse(value, unit)
    return date, strict_number(value, unit, f"knot {date}")
