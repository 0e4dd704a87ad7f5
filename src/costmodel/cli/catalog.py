"""``costmodel catalog``: search the sourced figures, export them or check their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

import costmodel.catalog as catalog
from costmodel.catalog import Datum
from costmodel.cli.common import print_json, say
from costmodel.cli.files import keep
from costmodel.cli.rows import show
from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.foundation.tables import Linked, Table


def catalog_command(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words to search for, or 'check' to check the files.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Only figures published by this date, such as 2025-03.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
    money_of: Annotated[int | None, typer.Option(help="Convert amounts to prices of this year.")] = None,
    index: Annotated[str, typer.Option(help="Price index for --money-of, by its name in the catalog.")] = "US CPI-U",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of figures to show.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Export the whole catalog as a data package to this folder.")
    ] = None,
    verify: Annotated[Path | None, typer.Option(help="Check an exported catalog against its description.")] = None,
) -> None:
    """Search the catalog's figures, list its tables (no words), or check its files (`costmodel catalog check`)."""
    if export or verify:
        if (export and verify) or words or as_of or table or money_of is not None or as_json:
            raise DomainError("--export and --verify stand alone: leave words and other options out")
        _dataset(export, verify)
    elif words == ["check"]:
        _check(as_json)
    elif words or table:
        found = _found(" ".join(words or ()), as_of, table)
        _show(found if money_of is None else _in_money_of(money_of, found, index, limit), limit, as_json)
    else:
        _list_tables(as_json)


def _dataset(export: Path | None, verify: Path | None) -> None:
    """Export the catalog as a dataset, or list the files in which one differs from its description."""
    from costmodel.catalog.dataset import export_dataset, verify_dataset

    if export:
        say(f"wrote {export_dataset(export, catalog.Catalog())}")
    if verify:
        problems = verify_dataset(verify)
        for problem in problems:
            say(problem)
        if problems:
            raise typer.Exit(1)
        say(f"{verify}: every file is as described")


def _check(as_json: bool) -> None:
    from costmodel.catalog.check import check
    from costmodel.catalog.check_findings import Weight
    from costmodel.catalog.own import folders

    findings = check(folders=folders())
    heads = ("weight", "file", "line", "field", "message")
    rows = tuple((f.weight.value, f.file, f.line, f.field, f.message) for f in findings)
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        keep(Table(heads, rows, "findings in the catalog's files"))
        for finding in findings:
            say(str(finding))
        counts = {weight: sum(finding.weight is weight for finding in findings) for weight in Weight}
        typer.echo(", ".join(f"{weight.value}: {count}" for weight, count in counts.items()))
    if any(finding.weight is not Weight.REMARK for finding in findings):
        raise typer.Exit(1)


def _found(words: str, as_of: str | None, table: str | None) -> list[Datum]:
    """Return the figures that match the words and the table."""
    source = catalog.as_of(as_of) if as_of else catalog.Catalog()
    within = {id(datum) for record in source.table(table).values() for datum in record} if table else None
    if words:
        return [datum for datum in source.search(words) if within is None or id(datum) in within]
    return [datum for record in source.table(table or "").values() for datum in record]


def _in_money_of(year: int, found: list[Datum], index: str, limit: int) -> list[Datum]:
    """Convert amounts; a figure of a year that the index lacks keeps its price year, with a note."""
    from costmodel.catalog.money import in_money_of

    covered = {datum.period for datum in catalog.price_index(index).series("index")}
    if str(year) not in covered:
        raise CatalogError(
            f"--money-of {year}: {index} is recorded for {min(map(str, covered))} to {max(map(str, covered))}"
        )

    def real(datum: Datum) -> Datum:
        if datum.price_year is None or str(datum.price_year) in covered:
            return in_money_of(year, datum, index)
        said = f"money of {datum.price_year}, for which {index} has no figure"
        return replace(datum, note=said if datum.note is None else f"{datum.note}; {said}")

    return [*(real(datum) for datum in found[:limit]), *found[limit:]]


def _show(found: list[Datum], limit: int, as_json: bool) -> None:
    if as_json:
        print_json([_entries(datum) for datum in found[:limit]])
        return
    shown = Table.of(map(_row, found[:limit]))
    counted = f"{len(found)} figures"
    more = f"{limit} of {counted}: use more specific words, raise --limit, or write all of them with --out"
    show(replace(shown, notes=(more if len(found) > limit else counted,)), whole=Table.of(map(_row, found)))


def _row(datum: Datum) -> dict[str, Any]:
    """Return a figure as a row of a table."""
    return {
        "record": datum.record,
        "table": datum.kind,
        "field": datum.field,
        "figure": datum.figure,
        "period": datum.period or "",
        "known": datum.known or "",
        "grade": datum.grade.value,
        "source": Linked(datum.source.title, datum.source.link),
        "note": "; ".join([*filter(None, [datum.note]), *([f"{datum.file}:{datum.line}"] * ("/" in datum.file))]),
    }


def _list_tables(as_json: bool) -> None:
    from costmodel.catalog.loader import description

    rows = [
        {"table": name, "records": len(catalog.table(name)), "description": description(name)}
        for name in catalog.tables()
    ]
    if as_json:
        print_json(rows)
        return
    show(Table.of(rows))


def _entries(datum: Datum) -> dict[str, object]:
    from costmodel.catalog.library import as_row

    return as_row(datum)
