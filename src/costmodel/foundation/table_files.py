"""Write tables as CSV, workbook sheets or Parquet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import DomainError, missing_extra
from costmodel.foundation.files import write_whole
from costmodel.foundation.tables import Cell, Linked, Table

SUFFIXES = (".csv", ".xlsx", ".parquet")
"""File endings of saved tables."""
_SHEET_NAME = 31
"""Longest name of a sheet [character]."""
_WIDEST = 60
"""Widest column of a sheet [character]."""


def save_table(table: Table, path: str | Path) -> None:
    r"""Write a table completely or not at all, with full figures in canonical units.

    Parameters
    ----------
    table
        Table to write.
    path
        A name that ends in ``.csv``, ``.xlsx`` (extra ``report``) or ``.parquet`` (extra ``parquet``).

    Raises
    ------
    DomainError
        If the name has another ending.
    ScenarioError
        If the file cannot be written.
    MissingExtraError
        If the package that writes such files is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_table(Table(("part", "cost"), (("chip", 2.5),)), f"{folder}/parts.csv")
    ...     Path(f"{folder}/parts.csv").read_text()
    'part,cost\nchip,2.5\n'
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise DomainError(f"{target}: the name of a saved table must end in {', '.join(SUFFIXES)}")
    if target.suffix == ".csv":
        text = table.to_csv()

        def put(partial: Path) -> None:
            partial.write_text(text, encoding="utf-8", newline="")

        write_whole(target, put)
    elif target.suffix == ".xlsx":
        write_whole(target, lambda partial: write_sheets({table.title or "table": table}, partial))
    else:
        frame = _one_kind(table.to_frame())
        try:
            write_whole(target, lambda partial: frame.to_parquet(partial, engine="pyarrow"))
        except ImportError:
            raise missing_extra("parquet", "writing .parquet") from None


def stacked(tables: Sequence[Table]) -> Table:
    """Return tables as one: rows below each other, with a column for the title of each row's table.

    Parameters
    ----------
    tables
        At least one; a single table is returned unchanged. A head with figures in several units gets a column for each
        unit.

    Examples
    --------
    >>> cost = Table(("part", "cost"), (("chip", 2.0),), "cost", units=("", "USD"))
    >>> print(stacked([cost, Table(("part", "life"), (("chip", 5.0),), "life", units=("", "year"))]).to_csv())
    table,part,cost [USD],life [year]
    cost,chip,2.0,
    life,chip,,5.0
    <BLANKLINE>
    """
    if len(tables) == 1:
        return tables[0]
    flat = [table.flat() for table in tables]
    keys = [tuple(zip(one.columns, one.units or ("",) * len(one.columns), strict=True)) for one in flat]
    heads = tuple(dict.fromkeys(key for row in keys for key in row))
    rows: list[tuple[Cell, ...]] = []
    for place, (one, own) in enumerate(zip(flat, keys, strict=True), 1):
        for cells in one.rows:
            held = dict(zip(own, cells, strict=True))
            rows.append((one.title or f"table {place}", *(held.get(head) for head in heads)))
    twice = {head for head, unit in heads if any(head == other and unit != own for other, own in heads)}
    names = (f"{head} [{unit}]" if head in twice and unit else head for head, unit in heads)
    units = ("", *("" if head in twice else unit for head, unit in heads))
    return Table(("table", *names), tuple(rows), tables[0].title, units=units)


def _one_kind(frame: Any) -> Any:
    """Return a frame whose columns each hold only figures or only texts, since a Parquet column has one type."""
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        kinds = {isinstance(cell, str) for cell in column if cell is not None}
        if len(kinds) > 1 or kinds == {True}:
            frame[name] = [None if cell is None else str(cell) for cell in column]
    return frame


def write_sheets(tables: Mapping[str, Table], path: Path) -> None:
    """Write tables as the sheets of one workbook (extra ``report``).

    Parameters
    ----------
    tables
        Tables by name of their sheet.
    path
        File to write.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise missing_extra("report", "a workbook") from None
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        bold = workbook.add_format({"bold": True, "bottom": 1})
        for name, table in tables.items():
            sheet = workbook.add_worksheet(_sheet_name(name, {one.name.lower() for one in workbook.worksheets()}))
            fill_sheet(sheet, table, bold)


def fill_sheet(sheet: Any, table: Table, bold: Any, link: Any = None) -> None:
    """Write a table to a sheet: figures as numbers, links as links, texts as text; notes and sources below.

    Parameters
    ----------
    sheet
        A sheet of XlsxWriter.
    table
        Table to write.
    bold, link
        Formats of heads and links.
    """
    flat = table.flat()
    units = flat.units or ("",) * len(flat.columns)
    for column, (head, unit) in enumerate(zip(flat.columns, units, strict=True)):
        sheet.write_string(0, column, f"{head} [{unit}]" if unit else head, bold)
        longest = max((len(str(row[column])) for row in flat.rows), default=0)
        sheet.set_column(column, column, min(_WIDEST, max(len(head), longest) + 2))
    for place, row in enumerate(flat.rows, start=1):
        for column, cell in enumerate(row):
            _put(sheet, place, column, cell, link)
    for place, text in enumerate((*table.notes, *table.said_sources()), start=len(flat.rows) + 2):
        sheet.write_string(place, 0, text)
    sheet.freeze_panes(1, 1)
    if flat.rows:
        sheet.autofilter(0, 0, len(flat.rows), len(flat.columns) - 1)


def _put(sheet: Any, row: int, column: int, cell: Any, link: Any) -> None:
    if isinstance(cell, Linked) and cell.link:
        sheet.write_url(row, column, cell.link, link, str(cell))
        return
    value = _number(cell)
    if value is not None:
        sheet.write_number(row, column, value)
    elif cell is not None and not isinstance(cell, float):
        sheet.write_string(row, column, ("yes" if cell else "no") if isinstance(cell, bool) else str(cell))


def _number(cell: Any) -> float | None:
    """Return the number of a cell, even if it is a text; None for words and non-finite values."""
    try:
        value = float("nan") if cell is None or isinstance(cell, bool) else float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a valid sheet name that is not taken yet."""
    plain = "".join(" " if sign in "[]:*?/\\" else sign for sign in name).strip("' ")[:_SHEET_NAME] or "table"
    found, count = plain, 2
    while found.lower() in taken:
        found, count = f"{plain[: _SHEET_NAME - 4]} {count}", count + 1
    return found
