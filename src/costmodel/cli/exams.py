"""``costmodel validate exams``: tables of measurements beside what the library predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from costmodel.cli.common import print_json
from costmodel.validation.exams import Line, Mark, markdown, marks, table
from costmodel.validation.exams_training import mark_file

_WIDTH = 120
"""Columns of the table where the output is not a terminal."""
_COLUMNS = ("rows", "infeasible", "bias", "median", "mean", "in 80 %")


def exams_table(by: Sequence[str], as_json: bool, as_markdown: bool, steps: Sequence[Path] = ()) -> None:
    """Mark all exams, or measured training steps of one's own, and print their errors.

    Parameters
    ----------
    by
        Labels to group by, after the part of the split.
    as_json, as_markdown
        Print JSON, or lines of a Markdown table, instead of a table.
    steps
        Files of measured training steps to mark instead of the exams.
    """
    marked = tuple(mark_file(path) for path in steps) or marks()
    if as_markdown:
        typer.echo(markdown(marked))
    elif as_json:
        print_json([_as_entry(mark, by) for mark in marked])
    else:
        for mark in marked:
            _print(mark, table(mark, *by))


def _as_entry(mark: Mark, by: Sequence[str]) -> dict[str, Any]:
    lines = [{key: _known(value) for key, value in asdict(line).items()} for line in table(mark, *by)]
    entry = {"exam": mark.exam, "quantity": mark.quantity, "unit": mark.unit, "source": mark.source}
    return {**entry, "excluded": dict(mark.excluded), "groups": lines}


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def _print(mark: Mark, lines: Sequence[Line]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    columns = [Column(name, justify="right", no_wrap=True) for name in _COLUMNS]
    shown = Table(Column("group", no_wrap=True), *columns, box=SIMPLE, title=f"{mark.exam}: {mark.quantity}")
    for line in lines:
        figures = [_percent(value) for value in (line.median, line.mean, line.covered)]
        bias = _percent(line.bias, "+")
        shown.add_row(escape(line.group), f"{line.rows:,}", f"{line.infeasible}", bias, *figures)
    console.print(shown)
    for rule, count in mark.excluded.items():
        console.print(f"left out · {count:,} rows: {rule}", markup=False)
    console.print(f"source · {mark.source}", markup=False)


def _percent(value: float, sign: str = "") -> str:
    return f"{value:{sign}.1%}" if isfinite(value) else "–"
