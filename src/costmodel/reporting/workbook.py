"""A report as a workbook that a finance team can audit: inputs with sources, yearly results, live formulas.

Every figure that is a sum, a difference or a ratio of others in the workbook is a formula; it is written only where
it reproduces the library's own figures, so that a spreadsheet that recalculates agrees. Texts are written as texts,
even those that begin like a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import missing_extra
from costmodel.foundation.files import write_whole
from costmodel.foundation.outputs import TIME_AXES
from costmodel.foundation.result_tables import words_of
from costmodel.foundation.results import Result
from costmodel.foundation.table_files import fill_sheet
from costmodel.foundation.tables import shown_unit
from costmodel.foundation.version import VERSION
from costmodel.reporting.report import Report, evidence

AGREE = 1e-9
"""Largest relative difference between a formula and the library's figure at which the formula is written [1]."""
SUMS: Mapping[str, tuple[str, ...]] = {
    "operating_income": ("+revenue", "-operator_cost"),
    "free_cash_flow": ("+operating_cash_flow", "-capex"),
    "training_and_inference_cost": ("+training_cost", "+inference_cost"),
    "site_profit": ("+site_revenue", "-site_cost"),
}
"""Outputs that are signed sums of others."""
DISCOUNT_RATE = 0.10
"""Yearly rate at which the sheet of values discounts until its reader changes the cell [1/year]; assumed."""
DISCOUNTED = ("free_cash_flow", "operating_cash_flow", "operating_income")
"""The first of these that a result has is discounted."""
YEAR_COLUMN = 3
"""Column of the first year; before it stand output, item and unit."""


@dataclass(slots=True)
class _Line:
    """A row of the yearly sheet."""

    name: str
    label: str
    item: str
    unit: str
    scale: float
    values: FloatArray
    row: int = 0


@dataclass(slots=True)
class _Book:
    """A workbook that is being written."""

    workbook: Any
    bold: Any
    figure: Any
    share: Any
    wrap: Any
    link: Any
    lines: dict[tuple[str, str], _Line] = field(default_factory=dict)


def write_workbook(report: Report, path: str | Path | IO[bytes]) -> None:
    """Write a report as an Excel workbook.

    Parameters
    ----------
    report
        A report.
    path
        File to write, or an open one.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.
    ScenarioError
        If the file cannot be written.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise missing_extra("report", "a workbook") from None
    made = io.BytesIO()  # in memory, so that a full disk raises an error of ours, not the packer's
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    workbook = xlsxwriter.Workbook(made, options)
    workbook.set_properties({"title": report.result.scenario.title, "comments": f"costmodel {VERSION}"})
    book = _Book(
        workbook,
        workbook.add_format({"bold": True, "bottom": 1}),
        workbook.add_format({"num_format": "#,##0.00##"}),
        workbook.add_format({"num_format": "0.0%"}),
        workbook.add_format({"text_wrap": True, "valign": "top"}),
        workbook.add_format({"font_color": "#005a8f", "underline": 1}),
    )
    _answer(book, report)
    years = _years(report.result)
    if years:
        _by_year(book, report.result, years)
        _discounted(book, report.result, years)
    _single(book, report.result)
    _inputs(book, report)
    workbook.close()
    if isinstance(path, str | Path):
        write_whole(Path(path), lambda partial: partial.write_bytes(made.getvalue()))
    else:
        path.write(made.getvalue())


def _sheet(book: _Book, name: str, columns: Sequence[tuple[str, float]]) -> Any:
    """Add a sheet with a frozen head of columns of the given widths."""
    sheet = book.workbook.add_worksheet(name)
    for column, (head, width) in enumerate(columns):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, head, book.bold)
    sheet.freeze_panes(1, 1)
    return sheet


def _answer(book: _Book, report: Report) -> None:
    sheet = _sheet(book, "Answer", [("what", 48), ("5 %", 16), ("median", 16), ("95 %", 16), ("unit", 16)])
    for row, item in enumerate(report.headlines, start=1):
        sheet.write_string(row, 0, item.label)
        low, middle, high = item.values if len(item.values) == 3 else (None, item.values[0], None)
        for column, value in enumerate((low, middle, high), start=1):
            if value is not None and np.isfinite(value):
                sheet.write_number(row, column, value, book.figure)
        sheet.write_string(row, 4, item.unit)
    row = len(report.headlines) + 2
    scenario = report.result.scenario
    lines = [scenario.title or scenario.name, scenario.description, report.carried, f"Repeat it: {report.command}"]
    lines += [f"Not modelled: {text}" for text in scenario.not_modelled]
    lines += [f"Known miss: {text}" for text in scenario.misses]
    for text in filter(None, lines):
        sheet.write_string(row, 0, text)
        row += 1


def _inputs(book: _Book, report: Report) -> None:
    fill_sheet(book.workbook.add_worksheet("Inputs"), evidence(report.result.scenario), book.bold, book.link)


def _years(result: Result) -> tuple[int, ...]:
    for name, spec in result.outputs().items():
        if spec.time_axis is not None and spec.kind != "date":
            return result.by_year(name)[0]
    return ()


def _by_year(book: _Book, result: Result, years: tuple[int, ...]) -> None:
    """Write every output by year; sums over items, signed sums and ratios as formulas."""
    heads = [("output", 44), ("item", 16), ("unit", 12), *((str(year), 14) for year in years)]
    sheet = _sheet(book, "By year", heads)
    for line in _lines(result):
        line.row = len(book.lines) + 1
        book.lines[line.name, line.item] = line
    for line in book.lines.values():
        spec = result.spec(line.name)
        for column, text in enumerate((line.label, line.item, line.unit)):
            sheet.write_string(line.row, column, text)
        form = book.share if spec.unit == "1" and spec.kind == "ratio" else book.figure
        for place in range(len(years)):
            value, column = float(line.values[place]) * line.scale, YEAR_COLUMN + place
            if not np.isfinite(value):
                continue
            formula = _formula(book, result, line, place)
            if formula:
                sheet.write_formula(line.row, column, formula, form, value)
            else:
                sheet.write_number(line.row, column, value, form)


def _lines(result: Result) -> Iterator[_Line]:
    for name, spec in result.outputs().items():
        if spec.time_axis is None or spec.kind in ("code", "date") or spec.words:
            continue
        others = [dim for dim in spec.dims if dim not in TIME_AXES]
        if len(others) > 1:
            continue
        _, values = result.by_year(name)
        rows = values if values.ndim == 1 + len(others) else result.by_year(name)[1]
        finite = np.abs(rows[np.isfinite(rows)])
        unit, scale = shown_unit(spec.unit, float(finite.max(initial=0.0)))
        if not others:
            yield _Line(name, spec.label, "", unit, scale, np.asarray(rows))
            continue
        for position, label in enumerate(result.labels().get(others[0], range(rows.shape[1]))):
            yield _Line(name, spec.label, str(label), unit, scale, np.asarray(rows[:, position]))


def _formula(book: _Book, result: Result, line: _Line, place: int) -> str:
    """Return the formula of a figure where it is a sum over items, a signed sum or a ratio; else nothing."""
    spec = result.spec(line.name)
    if spec.of is not None and spec.over is not None:
        above, below = book.lines.get((spec.of, "")), book.lines.get((spec.over, ""))
        if above is None or below is None or not below.values[place]:
            return ""
        factor = line.scale * below.scale / above.scale
        text = f"={_cell(above, place)}/{_cell(below, place)}" + ("" if factor == 1.0 else f"*{factor!r}")
        return text if _agrees(line.values[place], above.values[place] / below.values[place]) else ""
    parts = _summed(book, line)
    if not parts or not _agrees(line.values[place], sum(sign * part.values[place] for sign, part in parts)):
        return ""
    terms = []
    for sign, part in parts:
        factor = line.scale / part.scale
        text = _cell(part, place) + ("" if factor == 1.0 else f"*{factor!r}")
        terms.append(f"{'+' if sign > 0 else '-'}{text}")
    return f"={''.join(terms)}"


def _summed(book: _Book, line: _Line) -> list[tuple[float, _Line]]:
    """Return the signed lines that a line is the sum of: those of `SUMS`, or the items of an output by something."""
    if line.item:
        return []
    if line.name in SUMS:
        found = [(1.0 if text[0] == "+" else -1.0, book.lines.get((text[1:], ""))) for text in SUMS[line.name]]
        return [] if any(part is None for _, part in found) else [(sign, part) for sign, part in found if part]
    items = [part for (name, item), part in book.lines.items() if item and name.startswith(f"{line.name}_by_")]
    return [(1.0, part) for part in items]


def _agrees(value: float, by_formula: float) -> bool:
    return bool(abs(value - by_formula) <= AGREE * max(abs(value), abs(by_formula)))


def _cell(line: _Line, place: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(line.row, YEAR_COLUMN + place))


def _discounted(book: _Book, result: Result, years: tuple[int, ...]) -> None:
    """Write a sheet that discounts a cash flow at a rate which its reader may change."""
    name = next((name for name in DISCOUNTED if (name, "") in book.lines), None)
    if name is None:
        return
    line = book.lines[name, ""]
    sheet = _sheet(book, "Value", [("what", 48), ("figure", 18), ("unit", 12), *((str(year), 14) for year in years)])
    sheet.write_string(1, 0, "discount rate, changeable")
    sheet.write_number(1, 1, DISCOUNT_RATE, book.share)
    sheet.write_string(2, 0, line.label)
    sheet.write_string(2, 2, line.unit)
    sheet.write_string(3, 0, "discount factor, year's end")
    sheet.write_string(4, 0, f"{line.label}, discounted")
    sheet.write_string(4, 2, line.unit)
    factors = [(1.0 + DISCOUNT_RATE) ** -(place + 1) for place in range(len(years))]
    for place, factor in enumerate(factors):
        column, value = YEAR_COLUMN + place, float(line.values[place]) * line.scale
        letter = _letter(column)
        sheet.write_formula(2, column, f"='By year'!{_cell(line, place)}", book.figure, value)
        sheet.write_formula(3, column, f"=1/(1+$B$2)^{place + 1}", book.figure, factor)
        sheet.write_formula(4, column, f"={letter}3*{letter}4", book.figure, value * factor)
    first, last = _letter(YEAR_COLUMN), _letter(YEAR_COLUMN + len(years) - 1)
    total = sum(float(value) * line.scale * factor for value, factor in zip(line.values, factors, strict=True))
    sheet.write_string(5, 0, f"present value of {line.label} in these years, no value after them")
    sheet.write_formula(5, 1, f"=SUM({first}5:{last}5)", book.figure, total)
    sheet.write_string(5, 2, line.unit)


def _letter(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def _single(book: _Book, result: Result) -> None:
    """Write the outputs without years: figures, parts with their sum, words for codes."""
    specs = [spec for spec in result.outputs().values() if spec.time_axis is None]
    if not specs:
        return
    sheet = _sheet(book, "Outputs", [("output", 48), ("item", 20), ("figure", 18), ("unit", 14), ("basis", 60)])
    row = 1
    for spec in specs:
        values = np.asarray(result[spec.name])
        if spec.words or values.dtype.kind not in "fiub" or values.ndim > 1:
            sheet.write_string(row, 0, spec.label)
            sheet.write_string(row, 2, _in_words(result.words(spec.name), values))
            row += 1
            continue
        numbers = np.atleast_1d(values.astype(np.float64))
        unit, scale = shown_unit(spec.unit, float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0)))
        names = [str(label) for label in result.labels().get(spec.dims[0], ())] if spec.dims else [""]
        start = row
        for label, value in zip(names, numbers, strict=False):
            sheet.write_string(row, 0, spec.label)
            sheet.write_string(row, 1, label)
            if np.isfinite(value):
                sheet.write_number(row, 2, float(value) * scale, book.figure)
            sheet.write_string(row, 3, unit)
            sheet.write_string(row, 4, result.basis(spec.name) or "")
            row += 1
        if spec.dims == ("part",) and np.isfinite(numbers).all():
            sheet.write_string(row, 0, f"{spec.label}, sum of the parts")
            sheet.write_formula(row, 2, f"=SUM(C{start + 1}:C{row})", book.figure, float(numbers.sum()) * scale)
            sheet.write_string(row, 3, unit)
            row += 1


def _in_words(words: Sequence[str], values: Any) -> str:
    if words:
        return words_of(words, values)
    if values.dtype.kind == "b" and values.ndim == 0:
        return "yes" if bool(values) else "no"
    return "has more axes than a sheet: see to_frame()"
