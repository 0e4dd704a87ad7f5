"""Rows of a study on the screen or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from costmodel.cli.tables import WIDTH


def console() -> Console:
    """Return a console, wide where the output is not a terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], *, limit: int | None = None) -> None:
    """Print rows as a table; a cut is said."""
    if not rows:
        return
    table = Table(*(str(key).replace("_", " ") for key in rows[0]), title=title)
    for row in rows[:limit]:
        table.add_row(*(cell(value) for value in row.values()))
    shown = console()
    shown.print(table)
    if limit is not None and len(rows) > limit:
        shown.print(f"{limit} of {len(rows)} rows; --all shows the rest", highlight=False)


def print_lines(lines: Sequence[str]) -> None:
    """Print plain lines."""
    shown = console()
    for line in lines:
        shown.print(line, highlight=False, markup=False)


def print_json(form: Any) -> None:
    """Print nested tables as JSON; what is not a number is null."""
    typer.echo(json.dumps(_plain(form), indent=1, ensure_ascii=False))


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


def _plain(form: Any) -> Any:
    if isinstance(form, Mapping):
        return {str(key): _plain(item) for key, item in form.items()}
    if isinstance(form, list | tuple):
        return [_plain(item) for item in form]
    if isinstance(form, float):
        return form if math.isfinite(form) else None
    return form
