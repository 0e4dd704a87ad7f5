"""Reset a scenario to what was known at a past date, parameter by parameter.

A parameter keeps its value if its source was published by then. If it was known only later, or has no dated source, it
takes an as-of record, a stated prior or, for a schedule, only its knots up to then; otherwise the plan must list it as
hindsight, or the backtest is refused.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field

from costmodel.foundation.errors import ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.inputs import Inputs
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule, parse_date
from costmodel.foundation.toml import parse_toml

_DAY = dt.timedelta(days=1)
"""Tolerance of a day: 1 January counts as the end of 31 December."""


class Standing(StrEnum):
    """Basis of a parameter at the as-of date."""

    KNOWN = "known"
    """Kept: its source was published by then."""
    RECORD = "record"
    """Replaced by a figure published by then."""
    PRIOR = "prior"
    """Replaced by a stated prior."""
    CUT = "cut"
    """Schedule, kept only up to then."""
    ABSENT = "absent"
    """Left out, so that the model's own rule applies."""
    HINDSIGHT = "hindsight"
    """Kept, although it was known only later."""


@dataclass(frozen=True, slots=True)
class Line:
    """One parameter's standing, with the reason or the source behind it."""

    path: str
    standing: Standing
    why: str


class Entry(Inputs):
    """A replacement in a plan: its written value and its source."""

    value: Any
    why: str
    known: str | None = None
    """Date of publication; required for a record."""
    later: bool = False
    """Whether the centre of a prior was set with later knowledge; it is then listed as hindsight too."""


class Plan(Inputs):
    """Plan for resetting a scenario to a past date, and for scoring it.

    Keys of the tables are dotted paths, in which ``*`` matches any part; the first key that matches counts.
    """

    scenario: str
    as_of: str
    description: str = ""
    records: dict[str, Entry] = Field(default_factory=dict)
    priors: dict[str, Entry] = Field(default_factory=dict)
    cut: dict[str, str] = Field(default_factory=dict)
    absent: dict[str, str] = Field(default_factory=dict)
    """Optional entries to leave out, with the reason."""
    hindsight: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    """Entries that are not numbers, with their value at the as-of date: the end of a capex plan, the date from which
    a trend applies."""
    errors: dict[str, float] = Field(default_factory=dict)
    """Logarithmic standard error of the observations of an output, [1]."""
    default_error: float = 0.2
    outputs: tuple[str, ...] = ()
    """Outputs to score; empty: all observed outputs."""

    @property
    def date(self) -> dt.date:
        """The as-of date."""
        return parse_date(self.as_of)

    @classmethod
    def from_toml(cls, text: str, where: str = "plan") -> Plan:
        """Read a plan.

        Raises
        ------
        ScenarioError
            If the text is not TOML or not a valid plan.
        """
        return cls(**parse_toml(text, where))


@dataclass(frozen=True, slots=True)
class AsKnown:
    """A scenario as it could have been written at a past date."""

    scenario: Scenario
    lines: tuple[Line, ...]
    as_of: dt.date

    def of(self, standing: Standing) -> tuple[Line, ...]:
        """Return the parameters with a standing."""
        return tuple(line for line in self.lines if line.standing is standing)

    def counts(self) -> dict[str, int]:
        """Return the number of parameters of each standing."""
        return {standing.value: len(self.of(standing)) for standing in Standing}


@dataclass(slots=True)
class _Judgement:
    changes: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def latest_day(date: str) -> dt.date:
    """Return the last day of a published date: 31 December 2024 for ``2024``.

    Raises
    ------
    ScenarioError
        If the text is not a year, a month or a day.

    Examples
    --------
    >>> latest_day("2024-02").isoformat(), latest_day("2024").isoformat()
    ('2024-02-29', '2024-12-31')
    """
    if len(date) == 4:
        return parse_date(f"{date}-12-31")
    day = parse_date(date)
    if date.count("-") == 1:
        return day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return day


def as_known(scenario: Scenario, plan: Plan) -> AsKnown:
    """Reset a scenario to what was known at a past date.

    Parameters
    ----------
    scenario
        The scenario as written today; a figure became known on the date of its source.
    plan
        Records, priors, cuts, entries to leave out and stated hindsight.

    Returns
    -------
    AsKnown

    Raises
    ------
    ScenarioError
        If a parameter was not known by then and the plan has no entry for it (the message names all of them), if a
        record was published later, or if a cut leaves no knot.
    UnknownParameterError
        If an entry of the plan matches no parameter.
    """
    _check_patterns(scenario, plan)
    found = _Judgement()
    for path, value, _, provenance in scenario.walk():
        if value is not None:
            source = scenario.source_table.get(provenance.source or "")
            _judge(path, value, None if source is None else source.date, plan, found)
    if found.refused:
        shown = ", ".join(found.refused[:12]) + (
            f" and {len(found.refused) - 12} more" if len(found.refused) > 12 else ""
        )
        raise ScenarioError(
            f"backtest of {scenario.name!r} as of {plan.as_of}: parameters not known by then need a record, a prior, a "
            f"cut or an entry under hindsight in the plan: {shown}"
        )
    changed = scenario.replace({**plan.settings, **found.changes})
    lines = [*found.lines, *_later_dates(changed, plan)]
    return AsKnown(scenario=changed, lines=tuple(lines), as_of=plan.date)


def _judge(path: str, value: Any, published: str | None, plan: Plan, found: _Judgement) -> None:
    """Decide the standing of one parameter, and its replacement."""
    for table, standing in ((plan.records, Standing.RECORD), (plan.priors, Standing.PRIOR)):
        key = first_match(path, table)
        if key is not None:
            entry = table[key]
            if standing is Standing.RECORD and (entry.known is None or latest_day(entry.known) > plan.date):
                raise ScenarioError(
                    f"record {key!r}: published {entry.known or 'at no stated date'}, so not known by {plan.as_of}"
                )
            found.changes[path] = entry.value
            if entry.later:
                found.lines.append(Line(path, Standing.HINDSIGHT, f"centre of its prior: {entry.why}"))
            found.lines.append(
                Line(path, standing, entry.why if entry.known is None else f"{entry.why} ({entry.known})")
            )
            return
    if (key := first_match(path, plan.absent)) is not None:
        found.changes[path] = None
        found.lines.append(Line(path, Standing.ABSENT, plan.absent[key]))
        return
    key = first_match(path, plan.cut)
    if key is not None and isinstance(value, Schedule):
        found.changes[path] = _cut(path, value, plan.date)
        found.lines.append(Line(path, Standing.CUT, plan.cut[key]))
    elif published is not None and latest_day(published) <= plan.date:
        found.lines.append(Line(path, Standing.KNOWN, f"source of {published}"))
    elif (key := first_match(path, plan.hindsight)) is not None:
        found.lines.append(Line(path, Standing.HINDSIGHT, plan.hindsight[key]))
    else:
        found.refused.append(f"{path} ({'no dated source' if published is None else f'source of {published}'})")


def _cut(path: str, schedule: Schedule, as_of: dt.date) -> Schedule:
    kept = tuple(knot for knot in schedule.knots if knot[0] <= as_of + _DAY)
    if not kept:
        raise ScenarioError(
            f"{path}: a cut at {as_of} leaves no knot, as the first is at {schedule.knots[0][0]}; use a record or prior"
        )
    return Schedule(kept, schedule.interpolation, schedule.rank)


def first_match(path: str, patterns: Iterable[str]) -> str | None:
    """Return the first pattern that matches a path.

    Examples
    --------
    >>> first_match("market.chat.price", ["market.*.price"])
    'market.*.price'
    """
    return next((pattern for pattern in patterns if fnmatchcase(path, pattern)), None)


def _check_patterns(scenario: Scenario, plan: Plan) -> None:
    paths = scenario.paths()
    for pattern in (*plan.records, *plan.priors, *plan.cut, *plan.absent, *plan.hindsight):
        if not any(fnmatchcase(path, pattern) for path in paths):
            raise UnknownParameterError(f"plan: {pattern!r} matches no parameter{near_matches(pattern, paths)}")


def _later_dates(scenario: Scenario, plan: Plan) -> Iterator[Line]:
    """Yield the scenario's dates after the as-of date, such as launches, as hindsight."""
    outside = {"time", "observations", "sources"}
    for path, text in _dates({key: item for key, item in scenario.written().items() if key not in outside}):
        if latest_day(text) > plan.date + _DAY:
            yield Line(path, Standing.HINDSIGHT, f"dated {text}")


def _dates(form: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the dates written in nested tables, but not the knots of schedules."""
    if isinstance(form, Mapping):
        if "knots" in form or "dist" in form:
            return
        for key, item in form.items():
            yield from _dates(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(form, list | tuple):
        for index, item in enumerate(form):
            yield from _dates(item, f"{prefix}.{index}")
    elif isinstance(form, str) and len(form) == 10 and form[4:5] == "-" and form[7:8] == "-":
        yield prefix, form
