"""A company's yearly figures from a spreadsheet: a CSV with a row a year, or a column a year.

The first column names years or figures. A header states its unit in brackets or at its end, as ``Capex ($B)``,
``Revenue (USD m)`` or ``revenue_musd``; cells are numbers with separators of thousands, ``(123)`` for a negative one, a
text with a unit, or empty. Columns are separated by commas, tabs or semicolons; with semicolons, a comma marks
decimals.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from costmodel.catalog.named_records import Company
from costmodel.catalog.own import add, read_file
from costmodel.catalog.records import NOT_RECORDED, Datum
from costmodel.catalog.schema import FieldSpec, kind
from costmodel.foundation.errors import CatalogError, CostModelError, ScenarioError
from costmodel.foundation.outside import number_from
from costmodel.foundation.provenance import Grade, Source
from costmodel.foundation.quantities import parse_quantity

NAMES = {
    "revenue": ("revenues", "sales", "net sales", "total revenue", "turnover"),
    "operating_income": ("ebit", "operating profit", "income from operations"),
    "net_income": ("net profit", "profit"),
    "capex": ("capital expenditure", "capital expenditures", "purchases of property and equipment"),
    "depreciation": ("depreciation expense", "depreciation of property and equipment"),
    "depreciation_and_amortization": ("d&a", "depreciation & amortization", "depreciation and amortisation"),
    "net_ppe": (
        "ppe",
        "pp&e",
        "net pp&e",
        "ppe net",
        "pp&e net",
        "property and equipment net",
        "property and equipment",
    ),
    "gross_ppe": ("gross pp&e", "ppe gross", "pp&e gross", "property and equipment gross"),
    "not_in_service": ("construction in progress", "cip", "assets not yet in service"),
    "cash": ("cash and securities", "cash and marketable securities", "cash and equivalents"),
    "debt": ("total debt", "long-term debt", "long term debt", "borrowings"),
    "interest": ("interest expense", "interest paid"),
    "finance_lease_debt": ("finance leases owed", "finance lease liability", "finance lease liabilities"),
    "leases_not_commenced": ("leases signed", "leases not yet commenced"),
    "commitments": ("purchase commitments", "purchase obligations"),
}
"""Fields of the catalog's companies, and other names in use for them."""
BALANCES = frozenset(
    {
        "net_ppe",
        "gross_ppe",
        "not_in_service",
        "cash",
        "debt",
        "finance_lease_debt",
        "leases_not_commenced",
        "commitments",
    }
)
"""Fields that hold at the end of a year; the others run over it."""
OUTFLOWS = frozenset({"capex", "depreciation", "depreciation_and_amortization", "interest"})
"""Fields that a cash-flow statement writes with a minus."""
LEAST_MONEY = 1e7
"""Largest figure of a table below which its unit was left out [USD]: no company of this size builds data centres."""
_YEAR = re.compile(
    r"(?:FY|CY)?\s*((?:19|20|21)[0-9]{2})\s*[AEF]?"  # 2025, FY2025, 2025A
    r"|(?:FY|CY)\s*'?([0-9]{2})\s*[AEF]?"  # FY25
    r"|((?:19|20|21)[0-9]{2})-[0-9]{2}-[0-9]{2}"  # 2025-12-31
    r"|[0-9]{1,2}/[0-9]{1,2}/((?:19|20|21)[0-9]{2})",  # 12/31/2025
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r",[0-9]{1,2}\D*$|,[0-9]{4,}\D*$")
"""A decimal comma: one that three digits do not follow."""
_WORDS = ("net", "gross", "audited", "unaudited", "restated", "reported", "as reported", "gaap", "non-gaap")
"""Words in a header's brackets that are not units."""
_END_UNIT = re.compile(r"[ _](?:(k|m|b|bn|mn)?usd|usd[ _](k|m|mn|b|bn))$", re.IGNORECASE)
"""A unit at the end of a header without brackets."""
_EMPTY = frozenset({"", "-", "–", "—", "n/a", "na", "nm", "none"})


@dataclass(frozen=True, slots=True)
class YearlyTable:
    """A company's record, and the figures of the table that were not read."""

    company: Company
    unread: tuple[str, ...]


def read_yearly(path: str | Path, name: str, *, unit: str | None = None, year_end: str = "12-31") -> YearlyTable:
    r"""Read a company's yearly figures from a CSV, and make them a record of the catalog in this process.

    Parameters
    ----------
    path
        The file.
    name
        Name of the company.
    unit
        Unit of every figure whose header states none, as ``"MUSD"``.
    year_end
        Last day of the fiscal year, as ``"06-30"``.

    Returns
    -------
    YearlyTable
        The company, its figures graded ``unverified`` with the file as source; and what was not read, by name.

    Raises
    ------
    ScenarioError
        If it is not such a table, a cell is not a figure, or the unit is missing; the message names row and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "acme.csv"
    ...     _ = file.write_text("Year,Revenue ($B),Capex ($B)\n2024,10.5,4\n2025,14,7.5\n")
    ...     read_yearly(file, "Acme").company.annual("capex")[2025].value
    7500000000.0
    """
    try:
        text = read_file(Path(path)).decode("utf-8-sig")
        apart = _separator(text)
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=apart) if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path}: {error}") from None
    except CatalogError as error:
        raise ScenarioError(str(error)) from None
    if len(rows) < 2:
        raise ScenarioError(f"{path}: a header and a row of figures are needed")
    if apart == ";" and any(_DECIMAL_COMMA.search(cell) for row in rows[1:] for cell in row[1:]):
        pointed = ([row[0], *(cell.replace(".", "").replace(",", ".") for cell in row[1:])] for row in rows[1:])
        rows = [rows[0], *pointed]
    across = any(_year_of(cell) is not None for cell in rows[0][1:])
    table = [list(column) for column in zip(*_padded(rows), strict=True)] if across else _padded(rows)
    columns = [_column(header, unit, str(path)) for header in table[0][1:]]
    unread = tuple(header for header, found in zip(table[0][1:], columns, strict=True) if found is None)
    data = list(_data(table, columns, name, str(path), year_end))
    if not data:
        raise ScenarioError(f"{path}: no figure is read; known are {', '.join(NAMES)}")
    stated = any(_unit_of(header) for header in table[0][1:]) or unit is not None
    if not stated and max(abs(datum.number) for datum in data) < LEAST_MONEY:
        raise ScenarioError(f"{path}: no figure reaches {LEAST_MONEY:,.0f} USD: give the unit, as unit='MUSD'")
    return YearlyTable(add(Company("companies", name, tuple(data))), unread)


def _separator(text: str) -> str:
    """Return the separator of columns: the sign that is most frequent in the header."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def _year_of(cell: str) -> int | None:
    """Return the year that a cell names, if it names one."""
    match = _YEAR.fullmatch(cell.strip())
    found = next(filter(None, match.groups()), "") if match else ""
    return (int(found) if len(found) == 4 else 2000 + int(found)) if found else None


def _padded(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows))
    return [row + [""] * (width - len(row)) for row in rows]


def _unit_of(header: str) -> str:
    for match in re.finditer(r"[(\[]([^)\]]*)[)\]]", header):
        if match[1].strip().lower() not in _WORDS:
            return match[1].strip()
    end = _END_UNIT.search(header.strip())
    return f"{end[1] or end[2] or ''}".rstrip("Nn").replace("k", "K").upper() + "USD" if end else ""


def _column(header: str, unit: str | None, where: str) -> tuple[FieldSpec, float] | None:
    """Return the field that a header names and the size of its unit, or nothing."""
    plain = _plain(header)
    fields = kind("companies").fields
    key = plain.replace(" ", "_")
    field = key if key in fields else next((name for name, known in NAMES.items() if plain in known), None)
    if field is None:
        return None
    stated = _unit_of(header) or unit
    if stated is None:
        return fields[field], 1.0
    for text in (f"1 {stated}", f"1 USD {stated}"):
        try:
            return fields[field], parse_quantity(text, fields[field].unit)
        except CostModelError as error:
            reason = error
    raise ScenarioError(f"{where}: column {header!r}: {reason}")


def _plain(header: str) -> str:
    """Return the words of a header without its unit, in lower case."""
    bare = re.sub(
        r"[(\[]([^)\]]*)[)\]]",
        lambda part: f" {part[1]}" if part[1].strip().lower() in ("net", "gross") else "",
        header,
    )
    return " ".join(_END_UNIT.sub("", bare.strip()).replace(",", " ").replace("_", " ").lower().split())


def _data(
    table: list[list[str]], columns: list[tuple[FieldSpec, float] | None], name: str, where: str, year_end: str
) -> Iterator[Datum]:
    source = Source(f"{name}: {Path(where).name}")
    for number, row in enumerate(table[1:], start=2):
        year = _year_of(row[0])
        if year is None:
            raise ScenarioError(f"{where}: row {number}: {row[0]!r} is not a year: write 2025, FY2025 or 2025-12-31")
        begin, end = _fiscal_year(year, year_end, where)
        for cell, found in zip(row[1:], columns, strict=True):
            value = None if found is None else _figure(cell, found[0], found[1], f"{where}: {year}")
            if found is None or value is None:
                continue
            yield Datum(
                kind="companies",
                record=name,
                field=found[0].name,
                value=value,
                unit=found[0].unit,
                price_year=end.year,
                period=end.isoformat() if found[0].name in BALANCES else f"{begin}/{end}",
                known=None,
                source=source,
                source_key=NOT_RECORDED,
                grade=Grade.UNVERIFIED,
                note=None,
                file=where,
                line=number,
            )


def _fiscal_year(year: int, year_end: str, where: str) -> tuple[date, date]:
    try:
        end = date.fromisoformat(f"{year}-{year_end}")
        before = date.fromisoformat(f"{year - 1}-{year_end}")
    except ValueError:
        raise ScenarioError(f"{where}: year_end {year_end!r} is not a day: write 06-30") from None
    return date.fromordinal(before.toordinal() + 1), end


def _figure(cell: str, spec: FieldSpec, scale: float, where: str) -> float | None:
    """Return the figure of a cell, if it has one."""
    text = cell.strip()
    if text.lower() in _EMPTY:
        return None
    bracketed = re.fullmatch(r"\((.*)\)", text)
    plain = (bracketed[1] if bracketed else text).replace(" ", "")
    try:
        if re.fullmatch(r"[-−+]?[0-9][0-9,]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?", plain):
            number = number_from(plain.replace(",", "").replace("−", "-")) * scale
        else:
            number = parse_quantity(bracketed[1] if bracketed else text, spec.unit)
    except CostModelError as error:
        raise ScenarioError(f"{where}: {spec.name}: {error}") from None
    number = -number if bracketed else number
    if spec.name in OUTFLOWS:
        number = abs(number)
    if not spec.low <= number <= spec.high:
        raise ScenarioError(f"{where}: {spec.name} = {number:g} {spec.unit} is outside {spec.low:g} to {spec.high:g}")
    return number
