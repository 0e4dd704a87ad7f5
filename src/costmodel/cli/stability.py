"""``costmodel stability``: the gain of every loop of a flywheel scenario, and its local growth."""

from __future__ import annotations

from typing import Annotated

import typer

from costmodel.cli.common import print_json, scenario_with
from costmodel.foundation.errors import ScenarioError


def stability_command(
    name: Annotated[str, typer.Argument(help="A flywheel scenario: built in, or the path of a TOML file.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Replace a parameter; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Report each loop's gain, what a rise of demand does with each loop cut in turn, and local growth by year."""
    from rich.console import Console
    from rich.table import Table

    from costmodel.flywheel.stability import stability_report

    scenario = scenario_with(name, set_)
    if scenario.model != "flywheel":
        raise ScenarioError(f"{name}: only flywheel scenarios have loops; this one's model is {scenario.model!r}")
    report = stability_report(scenario)
    if as_json:
        print_json(report.as_json())
        return
    console = Console()
    loops = Table("loop", "gain or multiplier", "what it says", title=f"loops of {scenario.name}")
    for loop in report.loops:
        loops.add_row(loop.name, f"{loop.value:.3f}", loop.meaning)
    console.print(loops)
    responses = Table(
        "loop cut", "peak", "last year", "settled after", title="fleet after demand rises by 30 %, over 30 %"
    )
    for cut, row in report.responses.items():
        settled = "–" if row.settled is None else f"{row.settled:.1f} years"
        responses.add_row(cut, f"{row.peak:.2f}", f"{row.last:.2f}", settled)
    console.print(responses)
    growth = Table("year", "tokens", "hardware share of unit cost", "closed form", title="log growth per year")
    for local in report.local_growth:
        figures = f"{local.tokens:.2f}", f"{local.hardware_share:.0%}", f"{local.closed_form:.2f}"
        growth.add_row(str(local.year), *figures)
    console.print(growth)
