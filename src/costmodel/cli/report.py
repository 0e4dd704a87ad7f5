"""``costmodel report``: a page or a workbook of a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.arguments import Changes, Name, complete_scenario
from costmodel.cli.common import check_draws, check_writable, say, scenario_with, write_whole
from costmodel.entry import load_scenario
from costmodel.foundation.errors import DomainError, ScenarioError


def report_command(
    name: Name,
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .html or .xlsx.")],
    set_: Changes = None,
    draws: Annotated[int | None, typer.Option(help="Draw the uncertain parameters: intervals and a tornado.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws, 0 or more.")] = None,
    output: Annotated[
        list[str] | None, typer.Option(help="What is put first, as operating_margin@2030; repeatable.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Another scenario: a bridge between the two.", autocompletion=complete_scenario),
    ] = None,
) -> None:
    """Write a report: answer, figures, tables, every assumption with its source, and how to repeat it."""
    from costmodel.reporting.report import build_report

    if out.suffix not in (".html", ".xlsx"):
        raise ScenarioError(f"--out {out}: the name must end in .html or .xlsx")
    if seed is not None and draws is None:
        raise DomainError("--seed belongs to --draws")
    check_draws(draws)
    check_writable(out)
    scenario = scenario_with(name, set_)
    other = None if against is None else load_scenario(against)
    report = build_report(
        scenario, draws=draws, rng=seed, changes=set_ or (), name=name, outputs=output or (), against=other
    )
    if out.suffix == ".html":
        from costmodel.reporting.page import render

        text = render(report)

        def put(path: Path) -> None:
            path.write_text(text, encoding="utf-8")

        write_whole(out, put)
    else:
        from costmodel.reporting.workbook import write_workbook

        write_workbook(report, out)
    say(report.answer)
    say(f"written: {out}")
