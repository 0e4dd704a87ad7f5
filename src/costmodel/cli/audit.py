"""``costmodel audit``: compare what a bill paid with market prices and with owning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import print_json
from costmodel.cli.files import keep
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import number_from
from costmodel.foundation.tables import Table


def audit_command(
    bill: Annotated[
        Path, typer.Argument(help="A FOCUS bill, or a table of accelerator-hours by type: .csv, .jsonl or .ndjson.")
    ],
    instances: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns instance, accelerator, count: the accelerators in the bill's SKUs or types."
        ),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(help="Price of a currency in USD, such as EUR=1.08 (default: the month's reference rate)."),
    ] = None,
    offers: Annotated[
        Path | None,
        typer.Option(help="SkyPilot price list vms.csv: the accelerators in a machine, and prices to compare with."),
    ] = None,
    serve: Annotated[
        list[str] | None,
        typer.Option(help="How a model would be served by oneself, as NAME=plan.toml (a scenario of 'service')."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Audit a bill: unit prices, charges above the market, idle commitments, and owning instead of renting."""
    from costmodel.formats import skypilot
    from costmodel.studies.audit import audit
    from costmodel.studies.bill import accelerator_family, read_bill

    listed = None if offers is None else skypilot.read(offers)
    held = {name: (accelerator_family(chip) or chip, n) for name, (chip, n) in skypilot.machines(listed or ()).items()}
    done = audit(read_bill(bill, instances={**held, **_instances(instances)}), _rates(rate), listed, _plans(serve))
    if as_json:
        print_json(_form(done))
        return
    _show(done)


def _instances(path: Path | None) -> dict[str, tuple[str, float]]:
    if path is None:
        return {}
    rows = csv_rows(read_text(path), f"--instances {path}")
    table: dict[str, tuple[str, float]] = {}
    for number, row in enumerate(rows, start=1):
        count = number_from(row.get("count"))
        if not count >= 0.0 or not {"instance", "accelerator"} <= row.keys():
            raise ScenarioError(
                f"--instances {path}: row {number}: fill in instance, accelerator and a number in count"
            )
        table[row["instance"]] = (row["accelerator"], count)
    return table


def _rates(texts: list[str] | None) -> dict[str, float]:
    rates: dict[str, float] = {}
    for text in texts or []:
        code, sign, value = text.partition("=")
        number = number_from(value)
        if not sign or len(code.strip()) != 3 or not number > 0.0:
            raise ScenarioError(f"--rate {text!r}: write a currency and its price in USD, such as EUR=1.08")
        rates[code.strip().upper()] = number
    return rates


def _plans(texts: list[str] | None) -> dict[str, Any]:
    from costmodel.entry import load_scenario
    from costmodel.studies.service import Service

    plans: dict[str, Any] = {}
    for text in texts or []:
        model, sign, path = text.partition("=")
        if not (model and sign and path):
            raise ScenarioError(f"--serve {text!r}: write the bill's name of the model and a plan, as NAME=plan.toml")
        plan = load_scenario(path)
        if not isinstance(plan, Service):
            raise ScenarioError(f"--serve {text!r}: {path} is a scenario of {plan.model!r}; 'service' is needed")
        plans[model] = plan
    return plans


def _form(done: Any) -> dict[str, Any]:
    from dataclasses import asdict

    bill = done.bill
    return {
        "source": bill.source,
        "rows": bill.rows,
        "unread": {"count": bill.unread.count, "rows": [list(row) for row in bill.unread.kept]},
        "totals": {cost: bill.total(cost) for cost in ("list", "effective", "billed")},
        "lines": [
            {**asdict(line), "list_unit_price": line.unit_price("list"), "effective_unit_price": line.unit_price()}
            for line in bill.lines
        ],
        "findings": [asdict(finding) for finding in done.findings],
        "not_judged": list(done.not_judged),
    }


def _lines(done: Any) -> Table:
    """Return what was bought, figures in full: an amount is in its line's currency."""
    rows = (
        {
            **{key: getattr(line, key) for key in ("month", "provider", "kind", "name", "side", "pricing", "quantity")},
            **{f"{cost} cost": amount for cost, amount in line.cost.items()},
            "list unit price": line.unit_price("list"),
            "effective unit price": line.unit_price(),
            "currency": line.currency,
        }
        for line in done.bill.lines
    )
    return Table.of(rows, "lines")


def _findings(done: Any) -> Table:
    """Return what was found, with the low, middle and high of what could have been saved."""
    saved = ("saving, low", "saving, middle", "saving, high")
    rows = tuple(
        (one.title, one.month, one.provider, one.name, one.paid, *one.saving, "; ".join(one.rests_on))
        for one in done.findings
    )
    units = ("", "", "", "", "USD", "USD", "USD", "USD", "")
    return Table(("finding", "month", "provider", "what", "paid", *saved, "rests on"), rows, "findings", units=units)


def _show(done: Any) -> None:
    bill = done.bill
    totals = ", ".join(f"{amount:,.2f} {code}" for code, amount in bill.total().items())
    print_lines([f"{bill.source}: {bill.rows:,} rows, effective cost {totals or 'unknown'}"])
    if bill.unread.count:
        print_lines([f"{bill.unread.count:,} rows could not be read and are not counted in any figure:"])
        print_lines([f"  row {row}: {reason}" for row, reason in bill.unread.kept[:10]])
    show(replace(done.table(), title=""), whole=_lines(done))
    keep(_findings(done))
    for finding in done.findings:
        print_lines([finding.sentence, f"  rests on: {'; '.join(finding.rests_on)}"])
    print_lines([f"not judged: {text}" for text in done.not_judged])
