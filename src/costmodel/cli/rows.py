"""Rows of a study on the screen or as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from costmodel.cli.common import print_json
from costmodel.cli.tables import WIDTH
from costmodel.foundation.tables import Table as TextTable


def console() -> Console:
    """Return a console, wide where the output is not a terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], *, limit: int | None = None) -> None:
    """Print rows as a table; a cut is said."""
    if not rows:
        return
    # a narrow terminal folds a figure, it never cuts it
    columns = [Column(str(key).replace("_", " "), overflow="fold") for key in rows[0]]
    table = Table(*columns, title=title, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows[:limit]:
        table.add_row(*(cell(value) for value in row.values()))
    shown = console()
    shown.print(table)
    if limit is not None and len(rows) > limit:
        shown.print(f"{limit} of {len(rows)} rows; --all shows the rest", highlight=False)


def print_text_table(table: TextTable, as_json: bool) -> None:
    """Print a table of texts, or its rows as JSON."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    if as_json:
        print_json({"title": table.title, "rows": rows, "notes": list(table.notes)})
        return
    print_rows(table.title, rows)
    print_lines(table.notes)


def parameter_units(scenario: Any) -> dict[str, str]:
    """Return the unit of every written parameter, by path."""
    return {path: spec.unit for path, _, spec, _ in scenario.walk()}


def output_units(scenario: Any, outputs: Sequence[str]) -> dict[str, str]:
    """Return the unit of each output, from a run at the medians; empty where a result declares none."""
    from costmodel.analysis.targets import Selector
    from costmodel.entry import run

    result = run(scenario)
    return {label: Selector.parse(label).unit(result) or "" for label in outputs}


def print_lines(lines: Sequence[str]) -> None:
    """Print plain lines."""
    shown = console()
    for line in lines:
        shown.print(line, highlight=False, markup=False)


def cell(value: Any) -> str:
    """Return a value as one cell.

    Examples
    --------
    >>> cell(0.123456), cell(1.5e12), cell(None), cell(float("nan")), cell(True)
    ('0.1235', '1.5e+12', '', '–', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    return str(value)
