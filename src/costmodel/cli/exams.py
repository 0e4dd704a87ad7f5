"""``costmodel validate exams``: compare predictions with tables of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import typer

from costmodel.cli.common import print_json
from costmodel.cli.rows import show
from costmodel.foundation.tables import Table
from costmodel.validation.exams import Line, Mark, markdown, marks, table
from costmodel.validation.exams_training import mark_file


def exams_table(by: Sequence[str], as_json: bool, as_markdown: bool, steps: Sequence[Path] = ()) -> None:
    """Compute the errors of all exams, or of your own measured training steps, and print them.

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
    rows = (
        {
            "group": line.group,
            "rows": line.rows,
            "infeasible": line.infeasible,
            "bias": _percent(line.bias, "+"),
            "median": _percent(line.median),
            "mean": _percent(line.mean),
            "in 80 %": _percent(line.covered),
        }
        for line in lines
    )
    notes = [f"left out · {count:,} rows: {rule}" for rule, count in mark.excluded.items()]
    show(Table.of(rows, f"{mark.exam}: {mark.quantity}", notes=[*notes, f"source · {mark.source}"]))


def _percent(value: float, sign: str = "") -> str:
    return f"{value:{sign}.1%}" if isfinite(value) else "–"
