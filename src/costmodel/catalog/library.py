"""Tables of records: look-up, search, the state of knowledge at a date, conflicts and data frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

from costmodel.catalog import loader, own, schema
from costmodel.catalog.own import checked_folder
from costmodel.catalog.periods import to_day
from costmodel.catalog.records import Datum, Record
from costmodel.foundation.errors import CatalogError, missing_extra, near_matches
from costmodel.foundation.provenance import Source

_Thing = TypeVar("_Thing", bound=Record)


class Tables:
    """Sourced records, complete or as known at a date.

    Tables are read on first use. Nothing is filled in: a record or a figure that is missing raises
    `CatalogError`, with near matches.

    Parameters
    ----------
    day
        Last day on which a figure may have been published; ``None`` for everything. A figure whose ``known`` is
        blank belongs to no past date.
    folders
        Folders of your own records, which take precedence over the library's; see `extended`.

    Examples
    --------
    >>> Tables().record("accelerators", "H100-SXM").value("bf16")
    989400000000000.0
    """

    def __init__(self, day: date | None = None, folders: tuple[Path, ...] = ()) -> None:
        self.day, self.folders = day, folders

    def as_of(self, when: str | date) -> Self:
        """Return the catalog as it was known at the end of a day, month, quarter or year.

        Examples
        --------
        >>> Tables().as_of("2025-03").record("companies", "Alphabet").value("capex_plan", 2025)
        75000000000.0
        """
        return type(self)(to_day(when), self.folders)

    def extended(self, folder: str | Path) -> Self:
        """Return the catalog with a folder of your own records added.

        Parameters
        ----------
        folder
            Folder with files in the catalog's schema, such as ``accelerators.csv``, and a ``sources.toml``.

        Raises
        ------
        CatalogError
            If there is no such folder, or a file in it is not well formed; file, line and field are in the message.

        See Also
        --------
        costmodel.catalog.use : Add a folder to the catalog that models read.
        """
        return type(self)(self.day, (*self.folders, checked_folder(folder)))

    # ------------------------------------------------------------------ any table

    def tables(self) -> tuple[str, ...]:
        """Return the names of all tables."""
        return loader.table_names(self.folders)

    def table(self, name: str) -> Mapping[str, Record]:
        """Return every record of a table by name.

        Raises
        ------
        CatalogError
            If there is no such table.
        """
        whole = loader.table(name, self.folders)
        return MappingProxyType(whole if self.day is None else _known_by(name, self.day, self.folders))

    def names(self, table: str) -> tuple[str, ...]:
        """Return the names of a table's records."""
        return tuple(self.table(table))

    def record(self, table: str, name: str) -> Record:
        """Return one record.

        Raises
        ------
        CatalogError
            If there is none of that name; near matches are in the message.
        """
        records = self.table(table)
        if name in records:
            return records[name]
        written = loader.inline(table, name)
        if written is not None:
            return written
        hint = near_matches(name, records)
        if self.day is not None and name in loader.table(table, self.folders):
            raise CatalogError(f"nothing about {name!r} ({table}) is recorded as known by {self.day}")
        raise CatalogError(f"no record {name!r} in {table}{hint or '; recorded: ' + ', '.join(sorted(records))}")

    def _thing(self, table: str, name: str, thing: type[_Thing]) -> _Thing:
        record = self.record(table, name)
        return thing(record.kind, record.name, record.data)

    # ------------------------------------------------------------------ across tables

    def source(self, key: str) -> Source:
        """Return a document by its key.

        Raises
        ------
        CatalogError
            If there is no such key.
        """
        documents = dict(schema.sources())
        for folder in (*own.folders(), *self.folders):
            documents |= loader.own_sources(folder)
        if key not in documents:
            raise CatalogError(f"no source {key!r} in the catalog{near_matches(key, documents)}")
        return documents[key]

    def search(self, words: str) -> tuple[Datum, ...]:
        """Return every figure whose table, record, field, text, source and note together contain all words.

        Figures whose record's name contains more of the words come first.

        Raises
        ------
        CatalogError
            If no word is given.

        Examples
        --------
        >>> {datum.record for datum in Tables().search("moltbook owners")}
        {'Moltbook'}
        """
        wanted = words.lower().split()
        if not wanted:
            raise CatalogError("search needs at least one word")
        found = [
            (-sum(word in datum.record.lower() for word in wanted), order, datum)
            for order, datum in enumerate(self._every())
            if all(word in _haystack(datum) for word in wanted)
        ]
        return tuple(datum for *_, datum in sorted(found, key=lambda hit: hit[:2]))

    def conflicts(self, table: str) -> dict[tuple[str, str, str | None], tuple[Datum, ...]]:
        """Return the fields of a table with several sources, by record, field and period, preferred source first."""
        return {
            (record.name, *key): data
            for record in self.table(table).values()
            for key, data in record.conflicts().items()
        }

    def to_frame(self, table: str | None = None) -> Any:
        """Return the figures of one table, or of all, as a pandas frame with one figure per row.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise missing_extra("frames", "to_frame()") from None
        data = self._every() if table is None else [d for r in self.table(table).values() for d in r]
        return pd.DataFrame([as_row(datum) for datum in data])

    def _every(self) -> list[Datum]:
        return [datum for name in self.tables() for record in self.table(name).values() for datum in record]


@lru_cache(maxsize=256)
def _known_by(name: str, day: date, folders: tuple[Path, ...]) -> dict[str, Record]:
    kept = {
        record.name: Record(record.kind, record.name, tuple(d for d in record if d.known_by(day)))
        for record in loader.table(name, folders).values()
    }
    return {key: record for key, record in kept.items() if record.data}


def _haystack(datum: Datum) -> str:
    parts = (datum.kind, datum.record, datum.field, datum.text, datum.source.title, datum.source_key, datum.note)
    return " ".join(part for part in (*parts, str(datum.grade), datum.period) if part).lower()


def as_row(datum: Datum) -> dict[str, object]:
    """Return a figure as plain entries, for a table or JSON."""
    names = [
        "kind",
        "record",
        "field",
        "value",
        "low",
        "high",
        "text",
        "unit",
        "price_year",
        "period",
        "known",
        "grade",
        "source_key",
        "note",
        "file",
        "line",
    ]
    row: dict[str, object] = {name: getattr(datum, name) for name in names}
    row["grade"] = str(datum.grade)
    return row | {"source": datum.source.title, "link": datum.source.link}
