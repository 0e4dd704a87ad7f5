"""Differences between two scenarios, entry by entry, with units and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from costmodel.foundation.errors import DomainError
from costmodel.foundation.inheritance import bare_value, changed_entries
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Table

ABOUT = frozenset(
    {"name", "title", "description", "sources", "observations", "calibrated", "not_modelled", "misses", "switches"}
)
"""Entries that describe a scenario without changing a number."""


@dataclass(frozen=True, slots=True)
class Change:
    """One differing entry: its text in each scenario, with unit and source."""

    path: str
    unit: str
    first: str
    second: str
    first_source: str
    second_source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Differences between two scenarios of one model."""

    scenarios: tuple[str, str]
    changes: tuple[Change, ...]

    @classmethod
    def between(cls, first: Scenario, second: Scenario) -> Difference:
        """Compare two scenarios entry by entry, except for descriptive entries."""
        rows = []
        for path, pair in changed_paths(first, second).items():
            units = {spec.unit for scenario in (first, second) for p, _, spec, _ in scenario.walk() if p == path}
            texts = [entry_text(item) for item in pair]
            sources = [_source_text(scenario, item) for scenario, item in zip((first, second), pair, strict=True)]
            rows.append(Change(path, units.pop() if units else "", *texts, *sources))
        name = second.name if second.name != first.name else f"{second.name} (changed)"
        return cls((first.name, name), tuple(rows))

    def table(self) -> Table:
        """Return the difference as a table."""
        sourced = any(row.first_source or row.second_source for row in self.changes)
        columns = ("path", "unit", *self.scenarios, *(("source", "source (second)") if sourced else ()))
        rows = [
            (row.path, row.unit, row.first, row.second, *((row.first_source, row.second_source) if sourced else ()))
            for row in self.changes
        ]
        title = f"{self.scenarios[0]} against {self.scenarios[1].removesuffix(' (changed)')}"
        return Table(columns, tuple(rows), title, () if rows else ("no entry that changes a number differs",))

    def __str__(self) -> str:
        """Return the difference as text."""
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def changed_paths(first: Scenario, second: Scenario) -> dict[str, tuple[Any, Any]]:
    """Return the differences between two scenarios: dotted path → written entries of the first and the second.

    A parameter is compared by its value, not by its source. An entry that is missing in one scenario is None there; a
    missing table is one change.

    Raises
    ------
    DomainError
        If the scenarios are of different models.
    """
    if type(first) is not type(second) or first.model != second.model:
        raise DomainError(
            f"{first.name!r} is of model {first.model!r}, but {second.name!r} of {second.model!r}; use one model"
        )
    found = changed_entries(first.written(), second.written())
    return {path: pair for path, pair in found.items() if path.split(".")[0] not in ABOUT}


def entry_text(item: Any) -> str:
    """Return a written entry as short text."""
    bare = bare_value(item)
    if isinstance(bare, Mapping) and "dist" in bare:
        return f"{bare['dist']}({', '.join(f'{key}={entry_text(x)}' for key, x in bare.items() if key != 'dist')})"
    if isinstance(bare, Mapping) and "knots" in bare:
        ends = bare["knots"][0], bare["knots"][-1]
        return f"{len(bare['knots'])} knots, " + " … ".join(f"{entry_text(x)} ({date})" for date, x in ends)
    if isinstance(bare, Mapping) and "formula" in bare:
        return " ".join(filter(None, (bare["formula"], bare.get("unit"))))
    if isinstance(bare, Mapping | list | tuple):
        return f"{len(bare)} entries"
    if bare is None:
        return "absent"
    return f"{bare:.6g}" if isinstance(bare, float) else str(bare)


def _source_text(scenario: Scenario, item: Any) -> str:
    """Return the title and grade of a written entry's source."""
    if not isinstance(item, Mapping) or "value" not in item:
        return ""
    entry = scenario.source_table.get(str(item.get("source", "")))
    return f"{entry.title} [{item.get('grade', '')}]" if entry else str(item.get("grade", ""))
