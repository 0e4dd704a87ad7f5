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
    """Report each loop's gain, the spectral radius with each loop cut in turn, and local growth by year."""
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
    radii = Table("loop cut", "spectral radius of a step", title="one step near the end of the run")
    for cut, radius in report.radii.items():
        radii.add_row(cut, f"{radius:.3f}")
    console.print(radii)
    growth = Table("year", "tokens", "hardware share of unit cost", "closed form", title="log growth per year")
    for row in report.local_growth:
        growth.add_row(str(row.year), f"{row.tokens:.2f}", f"{row.hardware_share:.0%}", f"{row.closed_form:.2f}")
    console.print(growth)
