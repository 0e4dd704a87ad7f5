"""``costmodel breakeven``: find the parameter values at which a target holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from costmodel.cli.arguments import Changes, Name
from costmodel.cli.common import print_json, scenario_with
from costmodel.cli.rows import parameter_units, show
from costmodel.foundation.engines import Engine
from costmodel.foundation.errors import DomainError
from costmodel.foundation.tables import Table


def breakeven_command(
    name: Name,
    solve: Annotated[str, typer.Option(help="Path of the parameter to solve for.")],
    target: Annotated[str, typer.Option(help='Condition on the result: "npv = 0", "operating_margin@2030 >= 0.2".')],
    low: Annotated[
        str | None, typer.Option(help="Low end of the range: a number, or a quantity such as '2 USD/hour'.")
    ] = None,
    high: Annotated[str | None, typer.Option(help="High end of the range.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Path of a second parameter: solve along its values (a frontier).")
    ] = None,
    value: Annotated[
        list[float] | None, typer.Option(help="With --against: a value of the second parameter; repeatable.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=2, help="Number of draws of the other inputs; solve in each.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    set_: Changes = None,
    engine: Annotated[
        Engine, typer.Option(help="numpy, compiled (extra fast), or auto: compiled where it is installed.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Find every value of a parameter at which a target holds; exit status 2 if there is none in the range."""
    if against is not None and draws is not None:
        raise DomainError("--against and --draws cannot be combined: leave one out")
    if value and against is None:
        raise DomainError("--value works only with --against")
    scenario = scenario_with(name, set_)
    if against is not None:
        form = _frontier(scenario, solve, against, target, value, low, high, engine)
    elif draws is not None:
        form = _distribution(scenario, solve, target, draws, seed, low, high, engine)
    else:
        form = _single(scenario, solve, target, low, high, engine)
    if as_json:
        print_json({"scenario": scenario.name, "target": target, **form})
        return
    units = parameter_units(scenario)
    asked = ", ".join(f"{path} [{units[path]}]" for path in (solve, against) if path in units)
    show(Table.of(form["rows"], f"{target}: {asked}", notes=form["notes"]))


def _single(
    scenario: Any, solve: str, target: str, low: str | None, high: str | None, engine: Engine
) -> dict[str, Any]:
    from costmodel.analysis.breakeven import break_even

    found = break_even(scenario, solve, target, low=low, high=high, engine=engine)
    notes = [
        f"searched {found.range}",
        f"left minus right is {found.low_value:.6g} at the low end and {found.high_value:.6g} at the high end",
    ]
    if found.jumps:
        notes.append(
            f"the output jumps across the target, without meeting it, at {', '.join(f'{x:.6g}' for x in found.jumps)}"
        )
    return {"rows": found.table().records(), "notes": notes}


def _frontier(
    scenario: Any,
    solve: str,
    against: str,
    target: str,
    values: list[float] | None,
    low: str | None,
    high: str | None,
    engine: Engine,
) -> dict[str, Any]:
    from costmodel.analysis.breakeven import break_even_frontier

    found = break_even_frontier(scenario, solve, against, target, values=values, low=low, high=high, engine=engine)
    return {
        "rows": found.table().records(),
        "notes": [f"searched {found.range}; an empty cell means that no value meets the target"],
    }


def _distribution(
    scenario: Any,
    solve: str,
    target: str,
    draws: int,
    seed: int,
    low: str | None,
    high: str | None,
    engine: Engine,
) -> dict[str, Any]:
    from costmodel.analysis.breakeven import break_even_distribution

    found = break_even_distribution(scenario, solve, target, draws=draws, rng=seed, low=low, high=high, engine=engine)
    ranks = (0.05, 0.25, 0.5, 0.75, 0.95)
    rows = [{"quantile": f"{rank:.0%}", solve: float(x)} for rank, x in zip(ranks, found.quantiles(ranks), strict=True)]
    notes = [
        f"searched {found.range}, in {draws} draws, seed {seed}",
        f"a value meets the target in {found.share:.1%} of the draws; the quantiles are over these draws",
        f"no value in the others: {found.none_above} above the target and {found.none_below} below it at both ends; "
        f"{found.several} draws have several values, of which the lowest is used",
    ]
    return {"rows": rows, "notes": notes, "share": found.share}
