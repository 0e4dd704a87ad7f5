"""``costmodel balance``: a company's balance on a day from its filings, and an operator's opening balance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.common import print_json, say
from costmodel.formats.companyfacts import read_companyfacts
from costmodel.formats.yearly import read_yearly
from costmodel.foundation.errors import ScenarioError, one_line
from costmodel.ownership.filings import filed_balance, opening_of


def balance_command(
    company: Annotated[str, typer.Argument(help="Name in the catalog, such as Meta.")],
    day: Annotated[str, typer.Argument(help="Day of the balance, such as 2025-12-31.")],
    opening: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            help="Depreciation a year [USD], life of equipment and of sites [year]: property by class, as a scenario "
            "takes it.",
            metavar="USD YEARS YEARS",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--from", help="Read the company from a file: SEC companyfacts JSON, or a CSV of yearly figures."),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="With a CSV: unit of its money, if the headers state none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Show a company's cash, debt, leases, commitments and property on a day, each with its evidence."""
    if unit is not None and (file is None or file.suffix == ".json"):
        raise ScenarioError("--unit works only with --from and a CSV")
    if file is not None and file.suffix == ".json":
        read_companyfacts(file, company)
    elif file is not None:
        for header in read_yearly(file, company, unit=unit).unread:
            typer.echo(one_line(f"not read: {header}"), err=True)
    balance = filed_balance(company, day)
    figures = dict(balance.figures)
    if opening is not None:
        spent, equipment, site = opening
        figures = opening_of(balance, depreciation=spent, equipment_life=equipment, site_life=site)
    if as_json:
        print_json({"figures": figures, "sources": balance.sources, "missing": list(balance.missing)})
        return
    say(str(balance))
    for name in ("accelerators", "network", "sites"):
        if name in figures:
            booked, built = (figures[name][part]["value"] / 1e9 for part in ("book", "construction"))
            typer.echo(f"{name:>14}  {booked:,.1f} billion in service, {built:,.1f} in construction")
