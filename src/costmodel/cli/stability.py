"""``costmodel stability``: the gain of every loop of a flywheel scenario, and its local growth."""

from __future__ import annotations

from typing import Annotated

import typer

from costmodel.cli.arguments import Changes
from costmodel.cli.common import print_json, scenario_with
from costmodel.cli.rows import show
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.tables import Table


def stability_command(
    name: Annotated[str, typer.Argument(help="A flywheel scenario: built in, or the path of a TOML file.")],
    set_: Changes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Report each loop's gain, what a rise of demand does with each loop cut in turn, and local growth by year."""
    from costmodel.flywheel.stability import stability_report

    scenario = scenario_with(name, set_)
    if scenario.model != "flywheel":
        raise ScenarioError(f"{name}: only flywheel scenarios have loops; this one's model is {scenario.model!r}")
    report = stability_report(scenario)
    if as_json:
        print_json(report.as_json())
        return
    loops = (
        {"loop": loop.name, "gain or multiplier": loop.value, "what it says": loop.meaning} for loop in report.loops
    )
    show(Table.of(loops, f"loops of {scenario.name}"))
    responses = (
        {"loop cut": cut, "peak": row.peak, "last year": row.last, "settled after [years]": row.settled}
        for cut, row in report.responses.items()
    )
    show(Table.of(responses, "fleet after demand rises by 30 %, over 30 %"))
    growth = (
        {
            "year": str(local.year),
            "tokens": local.tokens,
            "hardware share of unit cost": local.hardware_share,
            "closed form": local.closed_form,
        }
        for local in report.local_growth
    )
    show(Table.of(growth, "log growth per year"))
