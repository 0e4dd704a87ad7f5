"""A report as a workbook that a finance team can audit: inputs with sources, yearly results, live formulas.

A figure that is a sum, a difference, a product or a ratio of others in the workbook is a formula, from the parts of an
hour to a token, a request, a user and a site; it is written only where it reproduces the library's own figures, so that
a spreadsheet that recalculates agrees. Texts are written as texts, even those that begin like a formula.
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
from costmodel.foundation.units import HOURS_PER_YEAR, MONTHS_PER_YEAR, SECONDS_PER_HOUR, SECONDS_PER_YEAR
from costmodel.foundation.version import VERSION
from costmodel.reporting.report import Report, evidence

AGREE = 1e-9
"""Largest relative difference between a formula and the library's figure at which the formula is written [1]."""
SUMS: Mapping[str, tuple[str, ...]] = {
    "operating_income": ("+revenue", "-operator_cost"),
    "free_cash_flow": ("+operating_cash_flow", "-capex"),
    "training_and_inference_cost": ("+training_cost", "+inference_cost"),
    "site_profit": ("+site_revenue", "-site_cost"),
    "run_cost": (
        *("+chip_cost", "+server_cost", "+network_cost", "+energy_cost", "+facility_cost"),
        *("+operations_cost", "+rental_cost"),
    ),
    "programme_cost": (
        *("+run_cost", "+experiments_cost", "+failed_runs_cost", "+post_training_cost"),
        *("+reinforcement_cost", "+staff_cost", "+data_cost"),
    ),
}
"""Outputs that are signed sums of others."""
TOTALS: Mapping[str, str] = {"hour_cost": "hour_parts"}
"""Outputs that are the sum of another one's items."""
PRODUCTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
    "hour_cost": (("run_cost",), ("paid_hours",), 1.0),
    "cost_without_loss": (("run_cost", "productive_hours"), ("paid_hours",), 1.0),
    "blended_cost": (("hour_cost",), ("utilisation", "tokens_per_second"), 1.0 / SECONDS_PER_HOUR),
    "blended_parts": (("blended_cost", "hour_parts"), ("hour_cost",), 1.0),
    "request_cost": (("blended_cost", "tokens_per_second"), ("requests_per_second",), 1.0),
    "user_cost": (("request_cost", "requests_per_user"), (), 1.0),
    "site_tokens": (("site_accelerators", "utilisation", "tokens_per_second"), (), SECONDS_PER_YEAR),
    "site_users": (
        ("site_accelerators", "utilisation", "requests_per_second"),
        ("requests_per_user",),
        SECONDS_PER_YEAR / MONTHS_PER_YEAR,
    ),
    "site_cost": (("site_accelerators", "hour_cost"), (), HOURS_PER_YEAR),
    "site_revenue": (("site_tokens", "blended_price"), (), 1.0),
    "gross_margin": (("site_profit",), ("site_revenue",), 1.0),
}
"""Outputs that are some outputs over others, times a number in the outputs' units; by item where they have any."""
PROPORTIONAL: Mapping[str, str] = dict.fromkeys(("input_cost", "cached_cost", "output_cost"), "hour_cost")
"""Outputs in proportion to another: the ratio, paid accelerator-hours of a token, stands in the formula as a number."""
DISCOUNT_RATE = 0.10
"""Yearly rate at which the sheet of values discounts until its reader changes the cell [1/year]; assumed."""
DISCOUNTED = ("free_cash_flow", "operating_cash_flow", "operating_income")
"""The first of these that a result has is discounted."""
YEAR_COLUMN = 3
"""Column of the first year; before it stand output, item and unit."""
FIGURE_COLUMN = 2
"""Column of a figure without years; before it stand output and item."""


@dataclass(slots=True)
class _Line:
    """A row of figures: one by year, or a single one."""

    name: str
    label: str
    item: str
    unit: str
    scale: float
    values: FloatArray
    row: int = 0
    column: int = YEAR_COLUMN


_Lines = dict[tuple[str, str], _Line]


@dataclass(slots=True)
class _Book:
    """A workbook that is being written."""

    workbook: Any
    bold: Any
    figure: Any
    share: Any
    wrap: Any
    link: Any
    lines: _Lines = field(default_factory=dict)


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
            formula = _formula(book.lines, result, line, place)
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


def _formula(lines: _Lines, result: Result, line: _Line, place: int) -> str:
    """Return the formula of a figure where it is a sum over items, a signed sum, a product or a ratio; else nothing."""
    spec = result.spec(line.name)
    if spec.of is not None and spec.over is not None:
        return _product(lines, line, place, ((spec.of,), (spec.over,), 1.0))
    product = _product(lines, line, place, PRODUCTS[line.name]) if line.name in PRODUCTS else ""
    if product:
        return product
    other = lines.get((PROPORTIONAL.get(line.name, ""), ""))
    if other is not None and other.values[place] > 0.0:
        ratio = float(line.values[place] / other.values[place])
        return _product(lines, line, place, ((other.name,), (), ratio))
    parts = _summed(lines, line)
    if not parts or not _agrees(line.values[place], sum(sign * part.values[place] for sign, part in parts)):
        return ""
    terms = [f"{'+' if sign > 0 else '-'}{_cell(part, place)}{_times(line.scale / part.scale)}" for sign, part in parts]
    return f"={''.join(terms).removeprefix('+')}"


def _product(lines: _Lines, line: _Line, place: int, of: tuple[tuple[str, ...], tuple[str, ...], float]) -> str:
    """Return the formula of some outputs over others, times a number, where it is the figure; else nothing."""
    above, below = ([lines.get((name, line.item)) or lines.get((name, "")) for name in names] for names in of[:2])
    value, scale, text = of[2], line.scale * of[2], ""
    for factor, power in [*((factor, 1) for factor in above), *((factor, -1) for factor in below)]:
        if factor is None or (power < 0 and not factor.values[place]):
            return ""
        value *= float(factor.values[place]) ** power
        scale /= factor.scale**power
        text += ("*" if power > 0 else "/") + _cell(factor, place)
    return f"={text[1:]}{_times(scale)}" if _agrees(line.values[place], value) else ""


def _times(factor: float) -> str:
    return "" if factor == 1.0 else f"*{factor!r}".upper()


def _summed(lines: _Lines, line: _Line) -> list[tuple[float, _Line]]:
    """Return the signed lines that a line is the sum of: those of `SUMS`, or the items of an output by something."""
    if line.item:
        return []
    if line.name in SUMS:
        found = [(1.0 if text[0] == "+" else -1.0, lines.get((text[1:], ""))) for text in SUMS[line.name]]
        return [] if any(part is None for _, part in found) else [(sign, part) for sign, part in found if part]
    whole, by = TOTALS.get(line.name), f"{line.name}_by_"
    return [(1.0, part) for (name, item), part in lines.items() if item and (name == whole or name.startswith(by))]


def _agrees(value: float, by_formula: float) -> bool:
    return bool(abs(value - by_formula) <= AGREE * max(abs(value), abs(by_formula)))


def _cell(line: _Line, place: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(line.row, line.column + place))


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
    """Write the outputs without years: figures, parts with their sum, words for codes, formulas as in the years."""
    specs = [spec for spec in result.outputs().values() if spec.time_axis is None]
    if not specs:
        return
    sheet = _sheet(book, "Outputs", [("output", 48), ("item", 20), ("figure", 18), ("unit", 14), ("basis", 60)])
    lines: _Lines = {}
    row = 1
    for spec in specs:
        values = np.asarray(result[spec.name])
        if spec.words or values.dtype.kind not in "fiub" or values.ndim > 1:
            sheet.write_string(row, 0, spec.label)
            sheet.write_string(row, FIGURE_COLUMN, _in_words(result.words(spec.name), values))
            row += 1
            continue
        numbers = np.atleast_1d(values.astype(np.float64))
        unit, scale = shown_unit(spec.unit, float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0)))
        names = [str(label) for label in result.labels().get(spec.dims[0], ())] if spec.dims else [""]
        start = row
        for item, value in zip(names, numbers, strict=False):
            one = np.array([value])
            lines[spec.name, item] = _Line(spec.name, spec.label, item, unit, scale, one, row, FIGURE_COLUMN)
            row += 1
        if spec.dims == ("part",) and np.isfinite(numbers).all():
            sheet.write_string(row, 0, f"{spec.label}, sum of the parts")
            total = float(numbers.sum()) * scale
            sheet.write_formula(row, FIGURE_COLUMN, f"=SUM(C{start + 1}:C{row})", book.figure, total)
            sheet.write_string(row, 3, unit)
            row += 1
    for line in lines.values():
        for column, text in ((0, line.label), (1, line.item), (3, line.unit), (4, result.basis(line.name) or "")):
            sheet.write_string(line.row, column, text)
        _figure(book, sheet, result, lines, line)


def _figure(book: _Book, sheet: Any, result: Result, lines: _Lines, line: _Line) -> None:
    """Write the figure of a line without years, as a formula where it is one of others."""
    value = float(line.values[0]) * line.scale
    if not np.isfinite(value):
        return
    formula = _formula(lines, result, line, 0)
    if formula:
        sheet.write_formula(line.row, line.column, formula, book.figure, value)
    else:
        sheet.write_number(line.row, line.column, value, book.figure)


def _in_words(words: Sequence[str], values: Any) -> str:
    if words:
        return words_of(words, values)
    if values.dtype.kind == "b" and values.ndim == 0:
        return "yes" if bool(values) else "no"
    return "has more axes than a sheet: see to_frame()"
