"""``costmodel margin``: explain the change of the operating margin between two years, under several book lives."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from costmodel.cli.arguments import Changes
from costmodel.cli.common import print_json, scenario_with
from costmodel.cli.rows import show
from costmodel.foundation.errors import ScenarioError


def margin_command(
    name: Annotated[str, typer.Argument(help="A flywheel scenario (costmodel list) or the path of a TOML file.")],
    before: Annotated[int, typer.Argument(help="Calendar year that the bridge starts from.")],
    after: Annotated[int, typer.Argument(help="Calendar year that the bridge ends at.")],
    book_life: Annotated[
        list[float] | None,
        typer.Option(min=0.25, help="Another useful life of servers and network in the books [year]; repeatable."),
    ] = None,
    overrides: Changes = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Number of draws (default: medians of the inputs).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Split the change of the operating margin between two years: depreciation, energy, other cost and revenue."""
    from costmodel.entry import simulate
    from costmodel.flywheel.margin import margin_bridge, with_book_life, year_accounts

    scenario = scenario_with(name, overrides)
    if scenario.model != "flywheel":
        raise ScenarioError(f"{name} is a {scenario.model}: a margin bridge needs a flywheel scenario")
    chosen = {"as written": scenario}
    chosen |= {f"book life {life:g} years": with_book_life(scenario, life) for life in book_life or []}
    bridges = {}
    for label, written in chosen.items():
        run = simulate(written, draws=draws, rng=seed)
        bridges[label] = margin_bridge(year_accounts(run, before), year_accounts(run, after)).table()
    if as_json:
        print_json({"scenario": scenario.name, "bridges": {label: table.records() for label, table in bridges.items()}})
        return
    for label, table in bridges.items():
        show(replace(table, title=f"{scenario.name}, {label}: operating margin, {before} to {after}"))
