"""Tables and lines on the screen, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid
from rich.text import Text

from costmodel.cli.common import print_json
from costmodel.cli.files import keep
from costmodel.foundation.errors import harmless
from costmodel.foundation.tables import Table

WIDTH = 130
"""Columns of a table where the output is not a terminal [1]."""
WORDS = 24
"""Width from which words fold where a table is wider than the screen [1]."""


def console() -> Console:
    """Return a console, wide where the output is not a terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def show(table: Table, *, limit: int | None = None, whole: Table | None = None) -> None:
    """Print a table; a cut is said, and columns for which there is no room go below. ``--out`` keeps all of it.

    Parameters
    ----------
    table
        What is printed; of one without rows, its notes.
    limit
        Rows that are printed; all where absent.
    whole
        What ``--out`` writes instead: with the figures behind texts, or the rows that are not shown.
    """
    keep(table if whole is None else whole)
    screen = console()
    shown = (table if limit is None else replace(table, rows=table.rows[:limit])).shown()
    words = table.words()
    left = next((place for place, said in enumerate(words) if not said), len(words))
    for group in groups(shown, left, screen.width) if table.rows else ():
        heads = [Column(Text(harmless(head)), overflow="fold", justify="left") for head in shown.columns[:left]]
        heads += [
            Column(
                Text(harmless(shown.columns[j])),
                no_wrap=_figures(shown, j),
                overflow="fold",
                width=_longest(shown, j) if _figures(shown, j) else None,  # known, so that rich need not measure it
                justify="left" if words[j] else "right",
            )
            for j in group
        ]
        # a narrow terminal folds words; it never cuts a figure
        long = len(table.title) > sum(_width(shown, j) + 2 for j in (*range(left), *group))
        if long:  # above a narrow table a title would stand in many short lines
            print_lines([table.title])
        title = Text(harmless(table.title)) if table.title and not long else None
        grid = Grid(*heads, title=title, box=SIMPLE_HEAD, pad_edge=False)
        for row in shown.rows:
            grid.add_row(*(Text(harmless(str(row[j]))) for j in (*range(left), *group)))
        screen.print(grid)
    notes = [*table.notes, *table.said_sources()]
    if limit is not None and len(table.rows) > limit:
        notes.insert(0, f"{limit} of {len(table.rows)} rows; --all shows the rest")
    print_lines(notes)


def groups(shown: Table, left: int, width: int) -> list[range]:
    """Return which columns right of the ``left`` first stand together on a screen so wide, at least one at a time.

    Examples
    --------
    >>> table = Table(("output", *"12345678"), (("x", *["123456789"] * 8),))
    >>> groups(table, 1, 138), groups(table, 1, 40)
    ([range(1, 9)], [range(1, 3), range(3, 5), range(5, 7), range(7, 9)])
    """
    needed = [_width(shown, j) + 2 for j in range(len(shown.columns))]
    room = width - sum(min(wide, WORDS) for wide in needed[:left])
    if sum(needed) <= width or left == len(needed):
        return [range(left, len(needed))]
    found, first, taken = [], left, 0
    for j in range(left, len(needed)):
        if j > first and taken + needed[j] > room:
            found.append(range(first, j))
            first, taken = j, 0
        taken += needed[j]
    return [*found, range(first, len(needed))]


def _width(shown: Table, place: int) -> int:
    """Return the width that a column needs: of words, no more than they fold to; of a head, its longest word."""
    cells = max((len(str(row[place])) for row in shown.rows), default=0)
    head = max(len(word) for word in shown.columns[place].split(" "))
    return max(head, cells if _figures(shown, place) else min(cells, WORDS))


def _longest(shown: Table, place: int) -> int:
    """Return the width of the longest line in a column, its head included, at least 1."""
    texts = "\n".join(harmless(str(text)) for text in (shown.columns[place], *(row[place] for row in shown.rows)))
    return max(map(cell_len, texts.splitlines()), default=0) or 1


def _figures(shown: Table, place: int) -> bool:
    """Return whether a column's texts are figures, which do not fold."""
    return all(len(str(row[place])) <= WORDS or str(row[place])[:1].isdigit() for row in shown.rows)


def show_or_json(table: Table, as_json: bool) -> None:
    """Print a table, or its rows as JSON with figures in full."""
    if as_json:
        print_json({"title": table.title, "rows": table.records(), "notes": list(table.notes)})
        return
    show(table)


def parameter_units(scenario: Any) -> dict[str, str]:
    """Return the unit of every written parameter, by path."""
    return {path: spec.unit for path, _, spec, _ in scenario.walk()}


def output_units(scenario: Any, outputs: Sequence[str]) -> dict[str, str]:
    """Return the unit of each output, from a run at the medians; empty where a result declares none."""
    from costmodel.analysis.targets import Selector
    from costmodel.entry import run

    result = run(scenario)
    return {label: Selector.parse(label).unit(result) or "" for label in outputs}


def with_units(table: Table, units: Mapping[str, str]) -> Table:
    """Return a table whose columns of these heads have these units."""
    return replace(table, units=tuple(units.get(head, "") for head in table.columns))


def print_lines(lines: Sequence[str]) -> None:
    """Print plain lines."""
    shown = console()
    for line in lines:
        shown.print(harmless(line), highlight=False, markup=False, emoji=False)
