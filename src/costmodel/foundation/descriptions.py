"""Descriptions of parameters: path, value, unit, bounds, evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from costmodel.foundation.differences import entry_text
from costmodel.foundation.errors import UnknownParameterError, near_matches
from costmodel.foundation.provenance import Citation, Provenance
from costmodel.foundation.tables import UNIT, Table
from costmodel.foundation.values import ParameterSpec, written_value

if TYPE_CHECKING:
    from costmodel.foundation.scenario import Scenario

MOST_MOVED = 6
"""Largest number of parameters for which a table lists the outputs that each moves [1]; each takes a run."""
LOOKED_UP = "looked up"
"""Text for a figure that comes from the catalog."""
SWITCH = "switch"
"""Text shown as the value of a switch."""
COLUMNS = ("path", "value", "unit", "bounds", "meaning", "grade", "source")


@dataclass(frozen=True, slots=True)
class Described:
    """A parameter as text."""

    path: str
    value: str
    unit: str
    bounds: str
    meaning: str
    grade: str
    source: str

    def row(self) -> tuple[str, ...]:
        """Return the texts in the order of ``COLUMNS``."""
        return tuple(getattr(self, name) for name in COLUMNS)


def described(scenario: Scenario) -> Iterator[Described]:
    """Yield every parameter of a scenario and every switch, in declared order."""
    for name, switch in scenario.switches.items():
        moved = ", ".join(f"{path} × {factor:g}" if factor != 1.0 else path for path, factor in switch.moves.items())
        yield Described(name, SWITCH, "", "", f"{switch.description} Moves {moved}.", "", "")
    cited = {row.path: row for row in scenario.sources()}
    for path, value, spec, provenance in scenario.walk():
        line = _described(scenario, path, value, spec, provenance)
        found = cited.get(path) if value is None else None
        yield line if found is None else _looked_up(line, found)


def _looked_up(line: Described, found: Citation) -> Described:
    """Return the line of an absent entry with its substitute: a figure of the catalog, with its source."""
    origin = found.source
    source = "" if origin is None else " ".join(filter(None, (origin.title, origin.date and f"({origin.date})")))
    return replace(line, value=f"{found.value}, {LOOKED_UP}", grade=found.grade.value, source=source)


def _described(scenario: Scenario, path: str, value: Any, spec: ParameterSpec, provenance: Provenance) -> Described:
    entry = scenario.source_table.get(provenance.source or "")
    source = (
        "" if entry is None else " ".join(filter(None, (entry.title, entry.date and f"({entry.date})", entry.link)))
    )
    text = entry_text(written_value(value, None, spec))
    return Described(path, text, spec.unit, spec.bounds(), spec.description, provenance.grade.value, source)


def describe_scenario(scenario: Scenario, words: str = "") -> Table:
    """Return the parameters that match a path, a pattern or words.

    Parameters
    ----------
    scenario
        A scenario.
    words
        A path, the beginning of one, a pattern with ``*``, or words in path or meaning; empty: all parameters.

    Raises
    ------
    UnknownParameterError
        If nothing matches; the message names near matches.
    """
    lines = list(described(scenario))
    found = [line for line in lines if _fits(line, words.strip())] if words.strip() else lines
    if not found:
        known = [line.path for line in lines]
        leaves = {path.split(".")[-1] for path in known}
        raise UnknownParameterError(f"{words}: no parameter matches{near_matches(words, [*known, *leaves])}")
    notes = tuple(line.source for line in found if line.source) if len(found) == 1 else ()
    title = f"{scenario.name}: {scenario.title or scenario.model}"
    rows = tuple(line.row() for line in found)
    if len(found) > MOST_MOVED:
        return Table(COLUMNS, rows, title, notes)
    from costmodel.foundation.moves import moved_outputs

    moved = moved_outputs(scenario, tuple(line.path for line in found if line.value != SWITCH))
    wide = tuple((*row, moved.get(row[0], "")) for row in rows)
    return Table((*COLUMNS, "moves most, per 1 %"), wide, title, notes)


def describe_paths(scenario: Scenario, paths: Sequence[str]) -> Table:
    """Return some parameters as a short table: path, value, unit, grade.

    Parameters
    ----------
    scenario
        A scenario.
    paths
        Paths of parameters; a path of another entry, such as a switch, has no row.
    """
    wanted = set(paths)
    rows = ((line.path, line.value, line.unit, line.grade) for line in described(scenario) if line.path in wanted)
    return Table(("path", "value", UNIT, "grade"), tuple(rows))


def _fits(line: Described, words: str) -> bool:
    """Return whether a line is the path or below it, matches the pattern, or contains every word."""
    if line.path == words or line.path.startswith(f"{words}.") or ("*" in words and fnmatchcase(line.path, words)):
        return True
    text = f"{line.path} {line.path.replace('.', ' ').replace('_', ' ')} {line.meaning}".lower()
    return all(word in text for word in words.lower().split())
