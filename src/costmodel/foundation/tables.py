"""Tables of text: what a result shows of itself, on a terminal, in a notebook or as CSV.

Figures come with readable units: ``12.3 GWh`` for 1.23e10 Wh, and prices and costs of tokens per million.
"""

from __future__ import annotations

import csv
import html
import io
import math
from dataclasses import dataclass

from costmodel.foundation.currencies import CODES

_PREFIXES = (("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_PREFIXED = frozenset({"token", "FLOP", "byte", "W", "Wh", "g"})
"""Units whose figures are shown with a prefix that fits their size."""
_MONEY = (("T", 1e12), ("B", 1e9), ("M", 1e6))
_COUNTS = (("billion", 1e9), ("million", 1e6))
_DIGITS = 4
_PLAIN_BELOW, _WHOLE_BELOW = 1e4, 1e6


def shown_unit(unit: str, size: float = 0.0) -> tuple[str, float]:
    """Return the unit that a figure is shown in, and what its number is multiplied by.

    Parameters
    ----------
    unit
        Canonical unit.
    size
        Largest magnitude that is shown, in that unit; decides on the prefix.

    Examples
    --------
    >>> shown_unit("Wh", 1.2e10), shown_unit("USD/token"), shown_unit("USD", 3e9), shown_unit("1")
    (('GWh', 1e-09), ('USD/Mtoken', 1000000.0), ('B USD', 1e-09), ('', 1.0))
    """
    if unit == "1":
        name, scale = next(
            ((word, size_) for word, size_ in _COUNTS if math.isfinite(size) and abs(size) >= size_), ("", 1.0)
        )
        return name, 1.0 / scale
    head, stroke, rest = unit.partition("/")
    if rest == "token" and (head in ("Wh", "g", "L") or head in CODES):
        return f"{head}/Mtoken", 1e6
    steps: tuple[tuple[str, float], ...] = ()
    if head in CODES:
        steps = tuple((f"{letter} {head}", size_) for letter, size_ in _MONEY)
    elif head in _PREFIXED:
        steps = tuple((f"{prefix}{head}", size_) for prefix, size_ in _PREFIXES)
    for name, scale in steps:
        if math.isfinite(size) and abs(size) >= scale:
            return f"{name}{stroke}{rest}", 1.0 / scale
    return unit, 1.0


def figure(value: float) -> str:
    """Return a number to four digits; a dash where there is none.

    Examples
    --------
    >>> figure(0.123456), figure(12345.6), figure(1.5e12), figure(float("nan"))
    ('0.1235', '12,346', '1.5e+12', '–')
    """
    if math.isnan(value):
        return "–"
    size = abs(value)
    if size < _PLAIN_BELOW:
        return f"{value:,.{_DIGITS}g}"
    return f"{value:,.0f}" if size < _WHOLE_BELOW else f"{value:.{_DIGITS}g}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under heads, with a title and notes.

    Parameters
    ----------
    columns
        Heads.
    rows
        Cells, as many as heads in each row.
    title
        One line above.
    notes
        Lines below.

    Examples
    --------
    >>> print(Table(("output", "2026"), (("capex", "1.5"),), "plan"))
    plan
    output  2026
    capex    1.5
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the table as aligned text."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[j]) for line in lines) for j in range(len(self.columns))]
        text = [self._line(line, widths) for line in lines]
        return "\n".join([*([self.title] if self.title else []), *text, *self.notes])

    __repr__ = __str__

    def _line(self, cells: tuple[str, ...], widths: list[int]) -> str:
        words = sum(1 for head in self.columns if head in ("output", "unit"))
        shown = [
            cell.ljust(width) if j < words else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(shown).rstrip()

    def _repr_html_(self) -> str:
        """Return the table as compact HTML, every text escaped."""
        head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def to_csv(self) -> str:
        """Return the table as CSV text; a cell that a spreadsheet would run as a formula gets a quote before it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([[_cell(text) for text in line] for line in (self.columns, *self.rows)])
        return out.getvalue()


def _cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; a signed number stays."""
    try:
        float(text.replace(",", ""))
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return text
