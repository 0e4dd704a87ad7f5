"""Records of the catalog: a named thing, and the sourced figures that are known about it.

A figure is a `Datum`: value, unit, source, ``period`` (what it describes), ``known`` (when it was published) and
grade. Several sources may give the same figure: all are kept, and `Record.datum` returns the preferred one.

**Preference rule.** Among figures of one field and period: the stronger grade first; then the later ``known``
(a blank counts as the earliest); then the later line of the file. Among periods, when none is asked for, the
one that begins last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from costmodel.catalog.periods import as_period, span
from costmodel.foundation.errors import CatalogError, near_matches
from costmodel.foundation.provenance import Grade, Source

NOT_RECORDED = "not recorded"
"""Source key of a figure whose source has not been read; its grade is ``unverified``."""
_RANK = {grade: rank for rank, grade in enumerate(Grade)}
_DAWN = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """One sourced figure, in the canonical unit of its field.

    Parameters
    ----------
    kind, record, field
        Table, record and field that it belongs to.
    value
        The figure in ``unit``; ``None`` where only a range or a text is recorded.
    low, high
        Range in ``unit``, where the source gives one.
    text
        The entry of a field of words or dates, such as a vendor's name.
    unit
        Canonical unit of the field; ``text`` for words, ``date`` for dates.
    price_year
        Year of the money, for figures in USD.
    period
        What the figure describes, or when it takes effect.
    known
        When it was published; blank if nobody recorded it.
    source, source_key
        The document, and its key in ``data/sources.toml``.
    grade
        Strength of the evidence.
    note
        Why it is doubtful, or how it was reached.
    file, line
        Where it is written.
    """

    kind: str
    record: str
    field: str
    value: float | None
    low: float | None = None
    high: float | None = None
    text: str | None = None
    unit: str
    price_year: int | None = None
    period: str | None = None
    known: str | None = None
    source: Source
    source_key: str
    grade: Grade
    note: str | None = None
    file: str
    line: int

    @property
    def number(self) -> float:
        """The value; the middle of the range where only a range is recorded.

        Raises
        ------
        CatalogError
            If the entry holds neither.
        """
        if self.value is not None:
            return self.value
        if self.low is not None and self.high is not None:
            return (self.low + self.high) / 2
        raise CatalogError(f"{self.where}: {self.field} of {self.record!r} holds no number")

    @property
    def figure(self) -> str:
        """The entry as it is shown: a text, or a number with its range in the unit that people use."""
        if self.text is not None:
            return self.text
        numbers = [number for number in (self.value, self.low, self.high) if number is not None]
        unit, size = _shown_in(self.unit, max(abs(number) for number in numbers))
        parts = [] if self.value is None else [f"{self.value / size:.10g}"]
        if self.low is not None and self.high is not None:
            parts.append(f"[{self.low / size:.10g}–{self.high / size:.10g}]")
        return " ".join([*parts, unit] if unit != "1" else parts)

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    def known_by(self, day: date) -> bool:
        """Return whether the figure had been published by ``day``; false where ``known`` is blank."""
        return self.known is not None and span(self.known)[1] <= day

    def preference(self) -> tuple[int, int, int]:
        """Sort key of the preference rule, preferred first."""
        published = span(self.known)[1] if self.known else _DAWN
        return (_RANK[self.grade], -published.toordinal(), -self.line)

    def __str__(self) -> str:
        dated = f" ({self.period})" if self.period else ""
        return f"{self.field}{dated}: {self.figure} · {self.grade} · {self.source.title}"


@dataclass(frozen=True, slots=True)
class Record:
    """A named thing and every figure recorded about it, in the order in which they are written."""

    kind: str
    name: str
    data: tuple[Datum, ...]

    def __iter__(self) -> Iterator[Datum]:
        return iter(self.data)

    def __contains__(self, field: object) -> bool:
        return any(datum.field == field for datum in self.data)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that hold an entry."""
        return tuple(dict.fromkeys(datum.field for datum in self.data))

    @property
    def source_keys(self) -> tuple[str, ...]:
        """Keys of the documents that the entries come from."""
        return tuple(dict.fromkeys(datum.source_key for datum in self.data))

    def all(self, field: str, period: str | int | None = None) -> tuple[Datum, ...]:
        """Return every entry of a field, preferred first: conflicting sources side by side."""
        wanted = None if period is None else span(as_period(period))
        found = [
            datum
            for datum in self.data
            if datum.field == field and (wanted is None or (datum.period is not None and _within(datum.period, wanted)))
        ]
        return tuple(sorted(found, key=_latest_then_preferred))

    def datum(self, field: str, period: str | int | None = None) -> Datum:
        """Return the preferred entry of a field.

        Parameters
        ----------
        field
            Name of the field.
        period
            Only entries whose period lies within this one; without it, the period that begins last.

        Raises
        ------
        CatalogError
            If nothing is recorded; the message lists the fields that are.
        """
        found = self.all(field, period)
        if found:
            return found[0]
        during = "" if period is None else f" for {period}"
        hint = near_matches(field, self.fields)
        listed = ", ".join(str(datum.period) for datum in self.all(field)) if field in self else ", ".join(self.fields)
        raise CatalogError(
            f"{field!r} of {self.name!r} ({self.kind}) is not recorded{during}; recorded: {listed}{hint}"
        )

    def value(self, field: str, period: str | int | None = None) -> float:
        """Return the preferred figure of a field in its canonical unit (middle of a range).

        Raises
        ------
        CatalogError
            If nothing is recorded: blanks are never filled.
        """
        return self.datum(field, period).number

    def get(self, field: str, period: str | int | None = None) -> float | None:
        """Return `value`, or ``None`` where nothing is recorded."""
        return self.value(field, period) if self.all(field, period) else None

    def text(self, field: str) -> str:
        """Return the preferred entry of a text field.

        Raises
        ------
        CatalogError
            If nothing is recorded, or the field holds numbers.
        """
        datum = self.datum(field)
        if datum.text is None:
            raise CatalogError(f"{field!r} of {self.name!r} ({self.kind}) is a number: use value()")
        return datum.text

    def label(self, field: str) -> str | None:
        """Return the entry of a text field, or ``None`` where nothing is recorded."""
        return self.text(field) if field in self else None

    def series(self, field: str) -> tuple[Datum, ...]:
        """Return the preferred entry of each period, in order of time."""
        chosen: dict[str, Datum] = {}
        for datum in self.all(field):
            if datum.period is not None:
                chosen.setdefault(datum.period, datum)
        return tuple(sorted(chosen.values(), key=lambda datum: span(datum.period or "")))

    def conflicts(self) -> dict[tuple[str, str | None], tuple[Datum, ...]]:
        """Return fields that several sources give for one period, preferred first."""
        groups: dict[tuple[str, str | None], list[Datum]] = {}
        for datum in self.data:
            groups.setdefault((datum.field, datum.period), []).append(datum)
        return {key: tuple(sorted(group, key=Datum.preference)) for key, group in groups.items() if len(group) > 1}


_SHOWN = {
    "USD/token": (("USD/Mtoken", 1e-6, 0.0),),
    "FLOP/s": (("TFLOP/s", 1e12, 0.0),),
    "byte": (("Gbyte", 1e9, 0.0),),
    "byte/s": (("Gbyte/s", 1e9, 0.0),),
    "token": (("Ttoken", 1e12, 1e12), ("Gtoken", 1e9, 1e9)),
    "token/month": (("Ttoken/month", 1e12, 0.0),),
    "USD": (("GUSD", 1e9, 1e9), ("MUSD", 1e6, 1e6)),
    "USD/year": (("GUSD/year", 1e9, 1e9),),
    "W": (("GW", 1e9, 1e9), ("MW", 1e6, 1e6), ("kW", 1e3, 1e4)),
    "Wh": (("GWh", 1e9, 1e9), ("MWh", 1e6, 1e6)),
}
"""Display units by canonical unit: the unit, its size, and the smallest number shown in it."""


def _shown_in(unit: str, largest: float) -> tuple[str, float]:
    for shown, size, start in _SHOWN.get(unit, ()):
        if largest >= start:
            return shown, size
    return unit, 1.0


def _within(period: str, wanted: tuple[date, date]) -> bool:
    first, last = span(period)
    return wanted[0] <= first and last <= wanted[1]


def _latest_then_preferred(datum: Datum) -> tuple[int, int, tuple[int, int, int]]:
    first, last = span(datum.period) if datum.period else (_DAWN, _DAWN)
    return (-first.toordinal(), -last.toordinal(), datum.preference())
