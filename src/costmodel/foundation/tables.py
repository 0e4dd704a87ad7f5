"""Tables: the library's common form for presenting results, with several renderings.

A table keeps figures in canonical units; prefixes, digits and words are applied on display: ``12.3 GWh`` for
1.23e10 Wh, prices and costs of tokens per million. Text for a terminal, HTML for a notebook and a page, a sheet of a
workbook, a frame and CSV are renderings of the same rows; files hold figures in full.
"""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from costmodel.foundation.currencies import CODES
from costmodel.foundation.errors import DomainError, missing_extra
from costmodel.foundation.plotting import gallery

Cell: TypeAlias = "str | bool | int | float | tuple[float, ...] | None"
"""Content of a cell: words, a Boolean, a count, a figure, figures at the table's ranks, or None."""

UNIT = "unit"
"""Head of the column with the unit of each row's figures."""
NOTEBOOK_ROOM = 9000
"""Largest size of a table in a notebook [character]."""

_PREFIXES = (("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_PREFIXED = frozenset({"token", "FLOP", "byte", "W", "Wh", "g"})
"""Units whose figures are shown with a prefix."""
_MONEY = (("T", 1e12), ("B", 1e9), ("M", 1e6))
_COUNTS = (("billion", 1e9), ("million", 1e6))
LONG = 60
"""Length above which a cell of words gets more room on a page [character]."""
_IN_NOTEBOOK = (
    "<style>.cmt th,.cmt td{{text-align:right!important;padding:2px 8px!important;vertical-align:top}}"
    ".cmt .w{{text-align:left!important}}</style><div class='cmt'>{}</div>"
)
"""HTML around a table in a notebook: words left-aligned, figures right-aligned, despite the notebook's own style."""
SHOWN_ROWS, SHOWN_LABELS = 12, 4
"""Largest number of rows and outputs in the text of a study [1]."""
_DIGITS = 4
_PLAIN_BELOW, _WHOLE_BELOW = 1e4, 1e6
_SPAN = 1e4
"""Largest figure after the prefix [1], if other figures are small."""


def shown_unit(unit: str, size: float = 0.0) -> tuple[str, float]:
    """Return the unit for showing a figure, and the factor to multiply it by.

    Parameters
    ----------
    unit
        Canonical unit.
    size
        Largest magnitude to show, in that unit; determines the prefix.

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
    """Return a number as text with four digits; a dash for a missing one.

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


def safe_link(link: str | None) -> str:
    """Return an address to which a page may link; empty for anything but ``http``, ``https`` and arXiv numbers.

    Examples
    --------
    >>> safe_link("https://epoch.ai"), safe_link("arXiv:2405.21015"), safe_link("javascript:alert(1)")
    ('https://epoch.ai', 'https://arxiv.org/abs/2405.21015', '')
    """
    text = (link or "").strip()
    if text.lower().startswith("arxiv:"):
        return f"https://arxiv.org/abs/{text[6:].strip()}"
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


class Linked(str):
    """Text with a link, for renderings that support links.

    Parameters
    ----------
    text
        Text to show.
    link
        Address; kept only if `safe_link` accepts it.

    Examples
    --------
    >>> Linked("Epoch AI", "https://epoch.ai").link
    'https://epoch.ai'
    """

    __slots__ = ("link",)
    link: str

    def __new__(cls, text: str, link: str | None = None) -> Linked:
        """Keep the address only if it is a web address."""
        made = super().__new__(cls, text)
        made.link = safe_link(link)
        return made


@dataclass(frozen=True, slots=True)
class Table:
    """Table of rows under heads, with a title, units, notes and sources.

    Parameters
    ----------
    columns
        Heads. The column ``unit`` holds the unit of each row's figures.
    rows
        Cells, as many as heads in each row: words, figures in canonical units, or figures at ``ranks``.
    title
        One line above.
    notes
        Lines below.
    units
        Canonical unit of the figures of each column; empty if the row gives the unit or there is none.
    ranks
        Ranks, 0 to 1, of the quantiles in a cell with several figures.
    sources
        Sources of the figures; `Linked` texts for links.

    Raises
    ------
    DomainError
        If a row or the units differ from the heads in length.

    Examples
    --------
    >>> table = Table(("output", "unit", "2026", "2030"), (("capex", "USD", 1.5e11, 9.1e11),), "plan")
    >>> print(table)
    plan
    output   unit  2026  2030
    capex   B USD   150   910
    >>> table.records()
    [{'output': 'capex', 'unit': 'USD', '2026': 150000000000.0, '2030': 910000000000.0}]
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    ranks: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.columns), *(len(row) for row in self.rows), *([len(self.units)] if self.units else [])}
        if len(lengths) > 1:
            raise DomainError(f"a table has {len(self.columns)} heads, but rows or units of other lengths: {lengths}")

    @classmethod
    def of(
        cls,
        records: Iterable[Mapping[str, Any]],
        title: str = "",
        *,
        units: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
    ) -> Table:
        """Return records as a table; heads are their keys.

        Parameters
        ----------
        records
            One per row, with the same keys.
        title, notes
            As for a table.
        units
            Canonical unit of the figures under a key.

        Examples
        --------
        >>> print(Table.of([{"part": "chip", "cost": 2e9}], units={"cost": "USD"}))
        part  cost [B USD]
        chip             2
        """
        kept = list(records)
        heads = tuple(kept[0]) if kept else ()
        given = dict(units or {})
        return cls(
            heads,
            tuple(tuple(row[head] for head in heads) for row in kept),
            title,
            tuple(notes),
            tuple(given.get(head, "") for head in heads) if given else (),
        )

    def in_unit(self, unit: str, *heads: str) -> Table:
        """Return the table with a canonical unit for the figures under these heads; unchanged without a unit."""
        return replace(self, units=tuple(unit * (head in heads) for head in self.columns)) if unit else self

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows as dictionaries, figures in full and in canonical units."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def first(self, rows: int) -> Table:
        """Return the table cut after a number of rows, with a note on the total."""
        if len(self.rows) <= rows:
            return self
        return replace(self, rows=self.rows[:rows], notes=(f"{rows} of {len(self.rows)} rows", *self.notes))

    def shown(self) -> Table:
        """Return the table as texts: readable units and digits, yes and no, a dash for a missing figure."""
        by_column = [self._column_scale(place) for place in range(len(self.columns))]
        heads = [
            f"{head.replace('_', ' ')} [{unit}]" if unit else head.replace("_", " ")
            for head, (unit, _) in zip(self.columns, by_column, strict=True)
        ]
        rows = tuple(tuple(self._texts(row, [scale for _, scale in by_column])) for row in self.rows)
        return Table(tuple(heads), rows, self.title, self.notes, (), (), self.sources)

    def _column_scale(self, place: int) -> tuple[str, float]:
        unit = self.units[place] if self.units else ""
        return shown_unit(unit, _size(row[place] for row in self.rows)) if unit else ("", 1.0)

    def _texts(self, row: tuple[Cell, ...], scales: Sequence[float]) -> Iterator[str]:
        at = self.columns.index(UNIT) if UNIT in self.columns else None
        unit, factor = "", 1.0
        if at is not None:
            loose = [cell for j, cell in enumerate(row) if not (self.units and self.units[j])]
            unit = "" if row[at] is None else str(row[at])
            if any(isinstance(cell, float | tuple) for cell in loose):  # words keep their written unit
                unit, factor = shown_unit(unit, _size(loose))
            unit = "" if unit == "1" else unit
        for j, cell in enumerate(row):
            if j == at:
                yield unit
            else:
                yield _text(cell, scales[j] * (1.0 if self.units and self.units[j] else factor))

    def flat(self) -> Table:
        """Return the table with one figure in each cell: a column for each rank if cells hold several."""
        several = [any(isinstance(row[j], tuple) for row in self.rows) for j in range(len(self.columns))]
        if not any(several):
            return self
        names = [f"p{100 * rank:g}" for rank in self.ranks]
        heads = [
            name
            for head, split in zip(self.columns, several, strict=True)
            for name in ([f"{head} {n}" for n in names] if split else [head])
        ]
        units = [
            unit
            for unit, split in zip(self.units, several, strict=bool(self.units))
            for _ in range(len(names) if split else 1)
        ]
        rows = []
        for row in self.rows:
            cells: list[Cell] = []
            for cell, split in zip(row, several, strict=True):
                if split:
                    cells += list(cell) if isinstance(cell, tuple) else [cell] * len(names)
                else:
                    cells.append(cell)
            rows.append(tuple(cells))
        return Table(tuple(heads), tuple(rows), self.title, self.notes, tuple(units), (), self.sources)

    def words(self) -> tuple[bool, ...]:
        """Return which columns contain only words; these are left-aligned."""
        return tuple(
            place == 0 or all(row[place] is None or isinstance(row[place], str) for row in self.rows)
            for place in range(len(self.columns))
        )

    def __str__(self) -> str:
        """Return the table as aligned text."""
        shown, words = self.shown(), self.words()
        lines = [shown.columns, *shown.rows]
        widths = [max(len(str(line[j])) for line in lines) for j in range(len(shown.columns))]
        text = [
            "  ".join(
                str(cell).ljust(width) if words[j] else str(cell).rjust(width)
                for j, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*([self.title] if self.title else []), *text, *self.notes, *self.said_sources()])

    __repr__ = __str__

    def said_sources(self) -> tuple[str, ...]:
        """Return a line for each source."""
        return tuple(f"source: {text}" for text in self.sources)

    def to_html(self, *, sortable: bool = False) -> str:
        """Return the table as HTML, with texts escaped; if ``sortable``, heads are buttons for the page's script."""
        shown, words = self.shown(), self.words()
        head = "".join(_head(cell, left, sortable) for cell, left in zip(shown.columns, words, strict=True))
        body = "".join(
            "<tr>"
            + "".join(
                _html_cell(cell, text, words[j], sortable)
                for j, (cell, text) in enumerate(zip(row, texts, strict=True))
            )
            + "</tr>"
            for row, texts in zip(self.rows, shown.rows, strict=True)
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        notes += "".join(f"<p>source: {_anchor(source)}</p>" for source in self.sources)
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def _repr_html_(self) -> str:
        """Return the table as HTML, with as many rows as fit in a notebook."""
        whole = _IN_NOTEBOOK.format(self.to_html())
        kept = len(self.rows)
        while len(whole) > NOTEBOOK_ROOM and kept > 1:
            kept = min(kept - 1, max(1, int(kept * NOTEBOOK_ROOM / len(whole))))
            whole = _IN_NOTEBOOK.format(self.first(kept).to_html())
        return whole

    def to_csv(self) -> str:
        """Return the table as CSV text, figures in full.

        A head includes the unit of its column. A cell that a spreadsheet would run as a formula gets a leading quote.
        """
        flat = self.flat()
        units = flat.units or ("",) * len(flat.columns)
        heads = [f"{head} [{unit}]" if unit else head for head, unit in zip(flat.columns, units, strict=True)]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([[_written(cell) for cell in line] for line in (heads, *flat.rows)])
        return out.getvalue()

    def to_frame(self) -> Any:
        """Return the table as a ``pandas.DataFrame`` (extra ``frames``); its ``attrs`` hold title, units and notes."""
        try:
            import pandas
        except ImportError:
            raise missing_extra("frames", "to_frame()") from None
        flat = self.flat()
        frame = pandas.DataFrame(list(flat.rows), columns=list(flat.columns))
        units = {head: unit for head, unit in zip(flat.columns, flat.units, strict=bool(flat.units)) if unit}
        frame.attrs = {"title": self.title, "units": units, "notes": list(self.notes)}
        return frame


def _size(cells: Iterable[Cell]) -> float:
    """Return the magnitude that determines the prefix: the geometric mean of the smallest and the largest."""
    numbers = [
        abs(float(value))
        for cell in cells
        for value in (cell if isinstance(cell, tuple) else (cell,))
        if isinstance(value, float) and math.isfinite(value) and value
    ]
    if not numbers:
        return 0.0
    return max(math.sqrt(min(numbers)) * math.sqrt(max(numbers)), max(numbers) / _SPAN)


def _text(cell: Cell, scale: float) -> str:
    """Return the displayed text of a cell."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, tuple):
        return " / ".join(figure(value * scale) for value in cell)
    if isinstance(cell, float):
        return figure(cell * scale)
    return cell if isinstance(cell, str) else str(cell)


def _head(text: str, words: bool, sortable: bool) -> str:
    shown, kind = html.escape(text), ' class="w"' if words else ""
    return f'<th scope="col"{kind}>{f"""<button type="button">{shown}</button>""" if sortable else shown}</th>'


def _html_cell(cell: Cell, text: Cell, words: bool, sortable: bool) -> str:
    """Return an HTML cell: row names are left-aligned, and a figure carries its full value for sorting."""
    kind = f' class="w{" long" * (len(str(text)) > LONG)}"' if words else ""
    value, shown = "", html.escape(str(text))
    if sortable and isinstance(cell, tuple) and len(cell) == 3:  # the median, with the ends of its interval below
        low, middle_text, high = str(text).split(" / ")
        shown = f"{middle_text}<small>{low} to {high}</small>"
    if sortable and isinstance(cell, float | int | tuple) and not isinstance(cell, bool):
        middle = cell[len(cell) // 2] if isinstance(cell, tuple) else cell
        value = f' data-value="{middle!r}"' if math.isfinite(middle) else ""
    return f"<td{kind}{value}>{_anchor(cell) if isinstance(cell, Linked) else shown}</td>"


def _anchor(text: str) -> str:
    link = text.link if isinstance(text, Linked) else ""
    shown = html.escape(text)
    return f'<a href="{html.escape(link)}" rel="noopener noreferrer">{shown}</a>' if link else shown


def _written(cell: Cell) -> Cell:
    """Return a cell for CSV; text that a spreadsheet would run as a formula is escaped."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if not isinstance(cell, str):
        return "" if cell is None or cell != cell else cell
    return spreadsheet_cell(cell)


def spreadsheet_cell(text: str) -> str:
    """Escape text that a spreadsheet would run as a formula with a quote; signed numbers are unchanged.

    Examples
    --------
    >>> spreadsheet_cell("=1+1"), spreadsheet_cell("-1,000.5"), spreadsheet_cell("a-b")
    ("'=1+1", '-1,000.5', 'a-b')
    """
    try:
        float(text.replace(",", ""))
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return text


class Tabled:
    """Base of studies, comparisons and bridges that can be shown as a table."""

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # set here, so that dataclass does not generate its own in subclasses, with every array in it
        cls.__repr__ = Tabled.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """Return the first rows of the table as text."""
        return f"{type(self).__name__}\n{self.table().first(SHOWN_ROWS)}"

    def table(self) -> Table:
        """Return the findings as a table."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw it (extra ``plots``); see :func:`costmodel.reporting.gallery.plot`."""
        return gallery().plot(self, None, axes, **options)


class TabledByOutput:
    """Base of studies with a table for each output."""

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.__repr__ = TabledByOutput.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """Return the first rows of the first output's table as text, and the names of the other outputs."""
        head = f"{type(self).__name__} of {', '.join(self.labels[:SHOWN_LABELS])}"
        head += f" and {len(self.labels) - SHOWN_LABELS} more outputs" if len(self.labels) > SHOWN_LABELS else ""
        return f"{head}\n{self.table(self.labels[0]).first(SHOWN_ROWS)}" if self.labels else head

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the outputs."""
        return tuple(getattr(self, "outputs", ()))

    def table(self, output: str | None = None) -> Table:
        """Return the findings on an output as a table, by default the first output."""
        raise NotImplementedError

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw it (extra ``plots``); see :func:`costmodel.reporting.gallery.plot`."""
        return gallery().plot(self, None, axes, **options)

    def _repr_html_(self) -> str:
        """Return the tables as HTML, as many as fit in a notebook."""
        text, left = "", len(self.labels)
        for output in self.labels:
            title = "" if len(self.labels) == 1 else f"<p>{html.escape(output)}</p>"
            part = f"{title}{self.table(output)._repr_html_()}"
            if text and len(text) + len(part) > NOTEBOOK_ROOM:
                return f"{text}<p>and {left} more outputs: .table(output)</p>"
            text, left = text + part, left - 1
        return text
