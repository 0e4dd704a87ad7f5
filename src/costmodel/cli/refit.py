"""``costmodel refit``: forward figures over price elasticities, each fitted to history."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from costmodel.cli.common import print_json, progress, scenario_with
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import ScenarioError


def refit_command(
    name: Annotated[str, typer.Argument(help="A flywheel with observations: a built-in scenario or a TOML file.")],
    output: Annotated[
        list[str] | None,
        typer.Option(help="Forward figure, as capex@2030; repeatable. Spend, capex and power if absent."),
    ] = None,
    elasticity: Annotated[
        list[float] | None, typer.Option(help="Price elasticity at which history is fitted; repeatable.")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Draws at each elasticity.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Replace a parameter; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Fit history at several price elasticities, which it does not tell apart, and give the figures that follow."""
    from costmodel.analysis.by_elasticity import ELASTICITIES, elasticity_range
    from costmodel.flywheel.inputs import FlywheelScenario

    scenario = scenario_with(name, set_)
    if not isinstance(scenario, FlywheelScenario):
        raise ScenarioError(f"{name} is a scenario of {scenario.model!r}: refit takes a flywheel")
    last = scenario.grid.years[-1]
    wanted = output or [f"{stem}@{last}" for stem in ("user_spend", "capex", "facility_power")]
    with progress("fitting") as bar:
        found = elasticity_range(
            scenario, wanted, elasticities=elasticity or ELASTICITIES, draws=draws, rng=seed, on_progress=bar
        )
    if as_json:
        pooled = {label: found.pooled(label).tolist() for label in found.outputs}
        print_json({"rows": found.table().records(), "pooled 5, 50, 95 %": pooled})
        return
    lines = []
    for label, unit in zip(found.outputs, found.units, strict=True):
        medians, (low, _, high) = found.medians(label), found.pooled(label)
        ends = f"{min(medians.values()):.4g} to {max(medians.values()):.4g}"
        lines.append(
            f"{label}: {ends} {unit} over elasticities, medians; {low:.4g} to {high:.4g} over all draws, 5 to 95 %"
        )
    print_lines(lines)
    show(replace(found.table(), title=f"{scenario.name}, history fitted at each price elasticity, {draws} draws"))
