"""``costmodel run`` and ``costmodel list``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import (
    check_draws,
    check_writable,
    executor_of,
    print_json,
    progress,
    scenario_with,
    write_whole,
)
from costmodel.cli.money import Money
from costmodel.cli.outputs import print_outputs
from costmodel.cli.rows import print_text_table
from costmodel.cli.tables import ROWS, YearTable, print_history, print_table, table_of, write_table
from costmodel.entry import load_scenario, run, scenario_names, simulate
from costmodel.foundation.errors import DomainError, ScenarioError


def run_command(
    name: Annotated[str, typer.Argument(help="A built-in scenario (costmodel list) or the path of a TOML file.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Replace a parameter; repeatable.")
    ] = None,
    draws: Annotated[int | None, typer.Option(help="Draw the uncertain parameters: 5/50/95 % bands.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws, 0 or more.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the draws.")] = None,
    weighted: Annotated[bool, typer.Option(help="With draws: also bands weighted by the fit to history.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the table: .csv, .parquet or .nc.")] = None,
    money_of: Annotated[int | None, typer.Option(help="Show amounts in money of this year, by US CPI-U.")] = None,
    inflation: Annotated[
        float | None, typer.Option(help="With --money-of: rise of prices a year after the index ends, as 0.02.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Show amounts in this currency, as EUR.")] = None,
    rate: Annotated[float | None, typer.Option(help="With --currency: USD for one.")] = None,
    on: Annotated[str | None, typer.Option(help="With --currency: day of the reference rate, as 2026-05-15.")] = None,
) -> None:
    """Run a scenario and print its result by year, beside history where there is history."""
    money = Money(money_of, inflation, currency, rate, on)
    if out is not None and out.suffix not in (".csv", ".parquet", ".nc"):
        raise ScenarioError(f"--out {out}: the name must end in .csv, .parquet or .nc")
    if draws is None and (seed is not None or weighted or workers is not None):
        raise DomainError("--seed, --workers and --weighted belong to --draws")
    check_draws(draws)
    if out is not None:
        check_writable(out)
    scenario = scenario_with(name, set_)
    if scenario.model != "flywheel":
        if workers is not None or weighted:
            raise DomainError(f"--workers and --weighted belong to the flywheel, not to {scenario.model!r}")
        _show_other(money.of(run(scenario, draws=draws, rng=seed)), as_json, out, set_ or [])
        return
    if money.asked:
        if workers is not None or weighted or out is not None:
            raise DomainError("--workers, --weighted and --out show amounts as they are: leave the currency out")
        names = [row.output for row in ROWS]
        print_text_table(money.of(run(scenario, draws=draws, rng=seed)).table(*names), as_json)
        return
    if not scenario.grid.years:
        time = scenario.time
        raise ScenarioError(f"time: {time.start} to {time.end} holds no whole calendar year to show; use simulate()")
    median = simulate(scenario)
    if draws is None:
        table = table_of(median)
    else:
        with executor_of(workers) as pool, progress("drawing") as shown:
            table = YearTable.of_ensemble(scenario, draws, seed, pool, shown, weighted)
    if as_json:
        print_json(table.as_json(median))
    else:
        print_table(table, scenario, median)
        print_history(median)
    if out is not None:
        write_whole(out, lambda path: write_table(path, table))


def _show_other(result: Any, as_json: bool, out: Path | None, changes: list[str]) -> None:
    """Print the outputs of a model without a yearly table."""
    table = YearTable.of_outputs(result)
    if out is not None and not table.rows:
        raise ScenarioError(
            f"--out {out}: every output of {result.scenario.model!r} has axes: use --json, or to_frame()"
        )
    print_outputs(result, as_json, changes)
    if out is not None:
        write_whole(out, lambda path: write_table(path, table))


def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the built-in scenarios."""
    from rich.console import Console
    from rich.table import Table

    rows = [(name, load_scenario(name)) for name in scenario_names()]
    if as_json:
        items = [{"name": name, "model": item.model, "title": item.title} for name, item in rows]
        print_json(items)
        return
    table = Table("name", "model", "title")
    for name, item in rows:
        table.add_row(name, item.model, item.title)
    Console().print(table)
