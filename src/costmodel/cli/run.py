"""``costmodel run`` and ``costmodel list``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.arguments import Changes, Name
from costmodel.cli.common import (
    check_draws,
    check_writable,
    executor_of,
    print_json,
    progress,
    scenario_with,
    write_whole,
)
from costmodel.cli.files import ENDINGS, collected, write_tables
from costmodel.cli.money import Money
from costmodel.cli.outputs import print_outputs
from costmodel.cli.rows import print_lines, show, show_or_json
from costmodel.entry import load_scenario, run, scenario_names, simulate
from costmodel.foundation.engines import Engine
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.result_tables import long_of, long_table
from costmodel.foundation.results import Result
from costmodel.foundation.table_files import save_table
from costmodel.foundation.tables import Table

ROWS = (
    "fixed_weight_unit_cost",
    "average_unit_cost",
    "average_price",
    "tokens",
    "accelerators_in_service",
    "facility_power",
    "utilisation",
    "rental_price",
    "capex",
    "depreciation",
    "training_cost",
    "inference_cost",
    "training_share_of_cost",
    "training_share_of_compute",
    "user_spend",
    "revenue",
    "operator_cost",
    "operating_income",
    "operating_margin",
    "free_cash_flow",
)
"""Outputs of the yearly table where none is asked for."""
WHOLE = (".nc", ".zarr")
"""Endings of the names under which the whole result is written, for :func:`costmodel.load_result`."""


def run_command(
    name: Name,
    set_: Changes = None,
    rows: Annotated[
        list[str] | None, typer.Option("--rows", metavar="OUTPUT", help="Show this output alone; repeatable.")
    ] = None,
    draws: Annotated[int | None, typer.Option(help="Draw the uncertain parameters: 5/50/95 % bands.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws, 0 or more.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the draws.")] = None,
    weighted: Annotated[bool, typer.Option(help="With draws: also bands weighted by the fit to history.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="Also write the table (.csv, .html, .parquet, .xlsx) or the whole result (.nc, .zarr)."
        ),
    ] = None,
    iamc: Annotated[
        Path | None, typer.Option(help="Write the outputs by year as a long table of IAMC (.csv) instead of printing.")
    ] = None,
    money_of: Annotated[int | None, typer.Option(help="Show amounts in money of this year, by US CPI-U.")] = None,
    inflation: Annotated[
        float | None, typer.Option(help="With --money-of: rise of prices a year after the index ends, as 0.02.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Show amounts in this currency, as EUR.")] = None,
    rate: Annotated[float | None, typer.Option(help="With --currency: USD for one.")] = None,
    on: Annotated[str | None, typer.Option(help="With --currency: day of the reference rate, as 2026-05-15.")] = None,
    engine: Annotated[
        Engine, typer.Option(help="numpy, compiled (extra fast), or auto: compiled where it pays.")
    ] = "auto",
) -> None:
    """Run a scenario: the answer first, then its outputs, beside history where there is history."""
    money = Money(money_of, inflation, currency, rate, on)
    if out is not None and out.suffix not in (*ENDINGS, *WHOLE):
        raise ScenarioError(f"--out {out}: the name must end in {', '.join((*ENDINGS, *WHOLE))}")
    if draws is None and (seed is not None or weighted or workers is not None):
        raise DomainError("--seed, --workers and --weighted belong to --draws")
    check_draws(draws)
    if out is not None and out.suffix == ".html" and as_json:
        raise DomainError(f"--out {out}: a page holds the tables that are shown: leave --json out")
    if out is not None:
        check_writable(out)
    scenario = scenario_with(name, set_)
    if iamc is not None:
        if workers is not None or weighted or out is not None or as_json:
            raise DomainError("--iamc stands alone: leave --workers, --weighted, --out and --json out")
        _write_iamc(money.of(run(scenario, draws=draws, rng=seed)), iamc)
        return
    if scenario.model != "flywheel":
        if workers is not None or weighted:
            raise DomainError(f"--workers and --weighted belong to the flywheel, not to {scenario.model!r}")
        shown_result = money.of(run(scenario, draws=draws, rng=seed, engine=engine))
        _show_other(shown_result, as_json, out, set_ or [], rows or [])
        return
    if money.asked:
        if workers is not None or weighted or out is not None:
            raise DomainError("--workers, --weighted and --out show amounts as they are: leave the currency out")
        show_or_json(money.of(run(scenario, draws=draws, rng=seed, engine=engine)).table(*(rows or ROWS)), as_json)
        return
    _run_flywheel(scenario, rows or ROWS, draws, seed, workers, weighted, as_json, out, engine, whole=not rows)


def _run_flywheel(
    scenario: Any,
    names: Sequence[str],
    draws: int | None,
    seed: int | None,
    workers: int | None,
    weighted: bool,
    as_json: bool,
    out: Path | None,
    engine: Engine,
    *,
    whole: bool,
) -> None:
    """Run the flywheel and print its yearly table; whole, beside history."""
    from costmodel.cli import tables

    if not scenario.grid.years:
        time = scenario.time
        raise ScenarioError(f"time: {time.start} to {time.end} holds no whole calendar year to show; use simulate()")
    median = simulate(scenario, engine=engine)
    if draws is None:
        written, table = tables.yearly(median, names)
    else:
        with executor_of(workers) as pool, progress("drawing") as shown:
            written, table = tables.yearly_ensemble(median, names, draws, seed, pool, shown, weighted, engine)
    with collected() as shown_tables:
        if as_json:
            print_json(tables.as_json(written, table, median))
        else:
            _answer(median)
            tables.print_run(table, median, whole=whole)

    def whole_run() -> Result:
        return median if draws is None else run(scenario, draws=draws, rng=seed, engine=engine)

    _save(out, whole_run, lambda: long_table(written, table), shown_tables)


def _save(out: Path | None, result: Callable[[], Result], long: Callable[[], Table], shown: list[Table]) -> None:
    """Write the file of ``--out``: the whole result, a page of what was shown, or a row for each figure."""
    if out is None:
        return
    if out.suffix in WHOLE:
        result().save(out)
    elif out.suffix == ".html":
        write_tables(shown, out)
    else:
        save_table(long(), out)


def _answer(result: Result) -> None:
    """Print what the run answers first, in a sentence."""
    from costmodel.reporting.report import answer_of

    print_lines([text for text in [answer_of(result)] if text])


def _show_other(result: Result, as_json: bool, out: Path | None, changes: list[str], names: list[str]) -> None:
    """Print the outputs of a model without a yearly table of its own; refuse an unknown name before anything."""
    for name in names:
        result.spec(name)
    with collected() as shown:
        if not as_json:
            _answer(result)
        print_outputs(result, as_json, changes, names)
    _save(out, lambda: result, lambda: long_of(result, names), shown)


def _write_iamc(result: Result, path: Path) -> None:
    from costmodel.formats.iamc import write

    if path.suffix != ".csv":
        raise ScenarioError(f"--iamc {path}: the name must end in .csv")
    text = write(result)

    def put(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    write_whole(path, put)
    typer.echo(f"written: {path}")


def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the questions of each document with the scenarios that answer them, then all built-in scenarios."""
    from costmodel.answers.registry import by_document

    documents = by_document()
    rows = [(name, load_scenario(name)) for name in scenario_names()]
    table = Table.of({"name": name, "model": item.model, "title": item.title} for name, item in rows)
    if as_json:
        asked = [(document, one) for document, items in documents.items() for _, one in items]
        told = {
            name: [[document, one.text] for document, one in asked if name in one.scenarios]
            for name in scenario_names()
        }
        print_json([{**row, "questions": told[str(row["name"])]} for row in table.records()])
        return
    for document, questions in documents.items():
        typer.echo(document)
        for number, question in questions:
            typer.echo(f"  {number:2}  {question.text}  {', '.join(question.scenarios)}".rstrip())
    typer.echo("\ncostmodel answer NUMBER answers a question; costmodel run NAME runs a scenario:\n")
    show(table)
