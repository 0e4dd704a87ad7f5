"""``costmodel compare``: compare two scenarios on shared draws, with a waterfall between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from costmodel.cli.arguments import SecondChanges
from costmodel.cli.common import print_json, progress, scenario_with
from costmodel.cli.rows import output_units, show, with_units
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.tables import Table

DEFAULT_OUTPUTS = {"flywheel": ("user_spend", "operator_cost", "capex", "tokens")}
"""Outputs compared by default; for other models, every output without axes."""


def compare_command(
    first: Annotated[str, typer.Argument(help="A built-in scenario or the path of a TOML file.")],
    second: Annotated[str, typer.Argument(help="A second scenario, or the first one again with --set.")],
    output: Annotated[
        list[str] | None, typer.Option(help="Output to compare, such as user_spend@2030; repeatable.")
    ] = None,
    set_: SecondChanges = None,
    draws: Annotated[int, typer.Option(min=2, help="Shared draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    waterfall: Annotated[
        bool, typer.Option("--waterfall", help="Attribute the change to the differing parameters; the parts add up.")
    ] = False,
    part: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PATH,PATH", help="One step of the waterfall; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare two scenarios draw by draw, with the same random draws, so that only the changes differ."""
    from costmodel.analysis import comparison

    if part and not waterfall:
        raise ScenarioError("--part works only with --waterfall")
    one, two = scenario_with(first, None), scenario_with(second, set_)
    outputs = output or _default(one)
    with progress("drawing") as bar:
        found = comparison.compare(one, two, outputs, draws=draws, rng=seed, on_progress=bar)
    units = output_units(one, found.outputs)
    rows = [{"output": row["output"], "unit": units[str(row["output"])], **row} for row in found.table().records()]
    steps: dict[str, Table] = {}
    if waterfall:
        divided = comparison.waterfall(one, two, outputs, parts=_parts(part), rng=seed)
        steps = {label: divided.table(label) for label in divided.outputs}
    if as_json:
        divided_form = {label: table.records() for label, table in steps.items()}
        print_json(
            {"scenarios": found.scenarios, "draws": draws, "seed": seed, "rows": rows, "waterfall": divided_form}
        )
        return
    notes = [
        f"{draws} shared draws, seed {seed}; spread kept: spread of the difference over its spread with separate draws"
    ]
    notes += [f"{found.dropped} draws left out: not finite"] if found.dropped else []
    shares = {"share_above": "1", "spread_kept": "1"}
    show(with_units(Table.of(rows, f"{found.scenarios[0]} against {found.scenarios[1]}", notes=notes), shares))
    for label, table in steps.items():
        measured = with_units(table, dict.fromkeys(("value", "error"), units.get(label, "")))
        show(replace(measured, title=f"waterfall at the medians: {label}"))


def _default(scenario: Any) -> list[str]:
    known = DEFAULT_OUTPUTS.get(scenario.model)
    if known is not None:
        return list(known)
    from costmodel.entry import run

    names = [name for name, spec in run(scenario).outputs().items() if not spec.dims]
    if not names:
        raise ScenarioError(f"model {scenario.model!r} has no output without axes: name one with --output")
    return names


def _parts(texts: list[str] | None) -> dict[str, list[str]]:
    """Read ``NAME=PATH,PATH``."""
    parts = {}
    for text in texts or []:
        name, sign, paths = text.partition("=")
        if not sign or not name or not paths:
            raise ScenarioError(f"--part {text!r}: write NAME=PATH,PATH")
        parts[name] = [path.strip() for path in paths.split(",")]
    return parts
