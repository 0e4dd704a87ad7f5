"""``costmodel validate``: published numbers beside what the library gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from costmodel.cli.common import print_json
from costmodel.cli.exams import exams_table
from costmodel.validation import Outcome, Refused, as_row, cases, failures, run, verdict

EXAMS = "exams"
"""Word that asks for tables of measurements instead of cases."""
_COLOURS = {"ok": "green", "miss": "yellow", "FAIL": "bold red"}
_COLUMNS = [
    Column(name, no_wrap=True) for name in ["evidence", "published", "model", "unit", "error", "tolerance", "verdict"]
]
WIDTH = 150
"""Columns of the table where the output is not a terminal."""


def validate_command(
    domain: Annotated[str | None, typer.Argument(help="Only the cases of this domain, such as training.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    by: Annotated[list[str] | None, typer.Option(help="With exams: also group by this label; may repeat.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="With exams: print the table as Markdown.")] = False,
    steps: Annotated[
        list[Path] | None,
        typer.Option(help="With exams: mark measured training steps of your own, a CSV file, instead; may repeat."),
    ] = None,
) -> None:
    """Run the published cases; exit status 1 if one that is not a recorded miss is outside its tolerance.

    `costmodel validate exams` marks tables of measurements instead: fitted and unseen rows apart.
    """
    if domain == EXAMS:
        exams_table(by or [], as_json, markdown, steps or [])
        return
    if by or markdown or steps:
        raise typer.BadParameter("it belongs to `costmodel validate exams`", param_hint="--by, --markdown, --steps")
    outcomes = run(cases(domain))
    if as_json:
        print_json([as_row(outcome) for outcome in outcomes])
    else:
        _print(outcomes)
    if failures(outcomes):
        raise typer.Exit(1)


def _print(outcomes: tuple[Outcome, ...]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table(Column("case and source", ratio=1), *_COLUMNS, box=SIMPLE)
    for outcome in outcomes:
        case, word = outcome.case, verdict(outcome)
        table.add_row(
            f"{escape(case.name)}\n[dim]{escape(case.source)}[/]",
            case.evidence.value,
            f"{case.published:.5g}",
            f"{outcome.value:.5g}",
            case.unit,
            f"{outcome.error:+.2%}" if case.published else f"{outcome.error:+.3g}",
            f"{case.tolerance:.2%}" if case.published else f"{case.tolerance:.3g}",
            f"[{_COLOURS[word]}]{word}[/]",
        )
    console.print(table)
    for outcome in outcomes:
        if verdict(outcome) == "miss":
            console.print(f"miss · {outcome.case.name}: {outcome.case.miss}", markup=False)
        elif isinstance(outcome, Refused):
            console.print(f"refused · {outcome.case.name}: {outcome.reason}", markup=False)
    counts = {word: sum(verdict(outcome) == word for outcome in outcomes) for word in _COLOURS}
    console.print(
        f"{len(outcomes)} cases: {counts['ok']} ok, {counts['miss']} recorded misses, {counts['FAIL']} failed"
    )
