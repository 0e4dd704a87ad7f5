"""``costmodel usage``: what logged calls cost at the prices in force when they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import check_writable, print_json, write_whole
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.tables import Table


def usage_command(
    log: Annotated[Path, typer.Argument(help="A usage log: .csv, .jsonl or .ndjson.")],
    counting: Annotated[
        str | None, typer.Option(help="Cached tokens are counted in the input ('inclusive') or 'beside' it.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="plain, opentelemetry, litellm or langfuse; known by the columns where absent.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="LiteLLM's price map (.json) or an own table (.csv); genai-prices where absent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    focus: Annotated[Path | None, typer.Option(help="Write the cost as a FOCUS 1.2 table to this file.")] = None,
    account: Annotated[str, typer.Option(help="Billing account in that table.")] = "usage-log",
) -> None:
    """Price a usage log: cost by month and model, and what has no price."""
    from costmodel.formats.focus import write
    from costmodel.studies.usage_cost import focus_rows, price_usage

    if focus is not None:
        check_writable(focus)
    cost = price_usage(log, prices=_book(prices), counting=counting, layout=layout)  # type: ignore[arg-type]
    if focus is not None:
        text = write(focus_rows(cost, account))

        def put(path: Path) -> None:
            path.write_text(text, encoding="utf-8")

        write_whole(focus, put)
    if as_json:
        print_json(_form(cost))
        return
    _show(cost)


def _book(path: Path | None) -> Any:
    from costmodel.studies.price_books import LiteLLMPrices, TablePrices

    if path is None:
        return None
    if path.suffix == ".json":
        return LiteLLMPrices(path)
    if path.suffix == ".csv":
        return TablePrices(path)
    raise ScenarioError(f"--prices {path}: LiteLLM's map ends in .json, an own table in .csv")


def _form(cost: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "total": cost.total,
        "unit": "USD",
        "calls": cost.calls,
        "prices": cost.prices,
        "lines": [{**asdict(line), "total": line.total} for line in cost.lines],
        "unpriced": [asdict(entry) for entry in cost.unpriced],
        "unread": {"count": cost.unread.count, "rows": [list(row) for row in cost.unread.kept]},
    }


def _show(cost: Any) -> None:
    left = sum(entry.calls for entry in cost.unpriced)
    without = f"; {left:,} calls have no price and are not in it" if left else ""
    print_lines([f"{cost.total:,.2f} USD for {cost.calls - left:,} calls, at the prices of {cost.prices}{without}"])
    notes = []
    for entry in cost.unpriced:
        first = ", ".join(map(str, entry.examples))
        notes.append(f"no price: {entry.calls:,} calls of {entry.model}, first rows {first}: {entry.reason}")
    if cost.unread.count:
        notes.append(f"{cost.unread.count:,} rows could not be read and are in no figure:")
        notes += [f"  row {row}: {reason}" for row, reason in cost.unread.kept[:10]]
    rows = [
        {
            "month": line.month,
            "provider": line.provider,
            "model": " ".join(part for part in (line.model, line.processing, line.service_tier) if part),
            "calls": line.calls,
            "input": float(line.tokens["input"] + line.tokens["cache_write"]),
            "cached": float(line.tokens["cache_read"]),
            "output": float(line.tokens["output"]),
            "cost": f"{line.total:,.2f} USD",
        }
        for line in cost.lines
    ]
    show(Table.of(rows, units=dict.fromkeys(("input", "cached", "output"), "token"), notes=notes))
