"""Load data files into records; every fault names its file, line and field.

The same entries can be written in three forms. A CSV file has one figure per line, under the header ``COLUMNS``; new
figures are appended and old ones stay. A wide CSV file has one record per line: ``id``, any of source, period, known,
grade, note and price_year, and fields in their canonical units, blank where there is none. A TOML file has one
``[[record]]`` per thing, which gives source, period, known, grade and note once; a field written as a table overrides
them. It may declare its own ``[fields]``; a CSV file's fields are in ``schema.toml``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from costmodel.catalog import own
from costmodel.catalog.periods import span
from costmodel.catalog.records import NOT_RECORDED, Datum, Record
from costmodel.catalog.schema import (
    DATE,
    FieldSpec,
    Kind,
    data_files,
    kind,
    kinds,
    parse_fields,
    parse_sources,
    parse_toml,
    read_data,
    sources,
    to_canonical,
)
from costmodel.foundation.errors import CatalogError, CostModelError, UnitError, near_matches
from costmodel.foundation.outside import number_from
from costmodel.foundation.provenance import Grade, Source, parse_grade

COLUMNS = ["id", "field", "value", "low", "high", "unit", "price_year", "period", "known", "source", "grade", "note"]
"""Header of every CSV file of the catalog."""
_YEAR = re.compile(r"(?:19|20|21)[0-9][0-9]")
_SHARED = ("source", "period", "known", "grade", "note", "price_year")


@dataclass(frozen=True, slots=True)
class Entry:
    """One written figure before parsing: its cells by column, file and line."""

    cells: Mapping[str, str]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an entry: what is wrong, and where."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


def parse_csv(raw: bytes, file: str, declared: Kind) -> list[Entry]:
    """Split a CSV file into entries: one per line under the header ``COLUMNS``, or one record per line.

    Raises
    ------
    CatalogError
        If the file is not UTF-8, its header is not a known one, or a line has too few or too many cells.
    """
    entries: list[Entry] = []
    try:
        reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        wide = header[:1] == ["id"] and "field" not in header and len(set(header)) == len(header)
        unknown = [name for name in header[1:] if name not in declared.fields and name not in _SHARED]
        if header != list(COLUMNS) and (not wide or unknown):
            allowed = (*declared.fields, *_SHARED)
            if len(header) == 1 and ";" in header[0]:
                raise CatalogError(f"{file}:1: columns are separated by semicolons: save it with commas")
            if wide:
                named = f"{unknown[0]!r} is not a column of this table{near_matches(unknown[0], allowed)}: allowed are"
                raise CatalogError(f"{file}:1: {named} id, {', '.join(allowed)}")
            raise CatalogError(
                f"{file}:1: header must be {','.join(COLUMNS)}, or id with fields and {', '.join(_SHARED)}"
            )
        for cells in reader:
            line = reader.line_num
            if len(cells) != len(header):
                raise CatalogError(f"{file}:{line}: {len(cells)} cells where {len(header)} are needed")
            row = dict(zip(header, cells, strict=True))
            entries += _entries_of_row(row, declared, file, line) if wide else [Entry(row, file, line)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise CatalogError(f"{file}: {error}") from None
    return entries


def _entries_of_row(row: Mapping[str, str], declared: Kind, file: str, line: int) -> Iterator[Entry]:
    """Yield an entry for each field that a record's line fills."""
    shared = dict.fromkeys(COLUMNS, "") | {key: row[key] for key in ("id", *_SHARED) if key in row}
    for name, value in row.items():
        if name in declared.fields and value.strip():
            yield Entry(shared | {"field": name, "value": value, "unit": declared.fields[name].unit}, file, line)


def parse_records(raw: bytes, file: str, declared: Kind | None) -> tuple[Kind, list[Entry]]:
    """Split a TOML file into entries, with the fields that it declares or those of ``declared``."""
    table = parse_toml(raw, file)
    extra = table.keys() - {"description", "fields", "record"}
    if extra:
        raise CatalogError(f"{file}: unknown entry {sorted(extra)}: allowed are description, fields and record")
    name = file.rsplit("/", 1)[-1].removesuffix(".toml")
    if "fields" in table:
        fields = parse_fields(table["fields"], f"{file}: fields")
        declared = Kind(name, str(table.get("description", name)), fields)
    if declared is None:
        raise CatalogError(f"{file}: declares no [fields] and schema.toml has no table {name!r}")
    blocks = table.get("record", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise CatalogError(f"{file}: records are written as [[record]]")
    lines = raw.decode("utf-8").splitlines()
    starts = [number for number, text in enumerate(lines, 1) if text.strip() == "[[record]]"]
    starts += [len(lines)] * (len(blocks) - len(starts))
    entries = [
        entry
        for block, start in zip(blocks, starts, strict=False)
        for entry in _entries_of_block(block, declared, file, start, lines)
    ]
    return declared, entries


def _entries_of_block(
    block: dict[str, object], declared: Kind, file: str, start: int, lines: list[str]
) -> Iterator[Entry]:
    shared = {key: _cell(block[key]) for key in _SHARED if key in block}
    for name, entry in block.items():
        if name == "id" or name in _SHARED:
            continue
        own = entry if isinstance(entry, dict) else {"value": entry}
        unit = declared.fields[name].unit if name in declared.fields else ""
        cells = dict.fromkeys(COLUMNS, "") | shared | {"unit": unit, "id": _cell(block.get("id", ""))}
        line = _line_of(name, start, lines)
        extra = own.keys() - set(COLUMNS)
        if extra:
            raise CatalogError(f"{file}:{line}: {name}: unknown entry {sorted(map(str, extra))}")
        yield Entry(cells | {key: _cell(value) for key, value in own.items()} | {"field": name}, file, line)


def _cell(value: object) -> str:
    return repr(value) if isinstance(value, bool | float) else str(value)


def _line_of(name: str, start: int, lines: list[str]) -> int:
    for number in range(start, len(lines)):
        text = lines[number].strip()
        if text == "[[record]]":
            break
        if text.partition("=")[0].strip(' "') == name:
            return number + 1
    return start


def examine(entry: Entry, declared: Kind, documents: Mapping[str, Source]) -> tuple[Datum | None, list[Fault]]:
    """Read an entry into a datum, or return its faults."""
    faults: list[Fault] = []
    cells = {key: text.strip() for key, text in entry.cells.items()}

    def fault(field: str, message: str) -> None:
        faults.append(Fault(entry.file, entry.line, field, message))

    if not cells["id"]:
        fault("id", "is empty")
    spec = declared.fields.get(cells["field"])
    if spec is None:
        hint = near_matches(cells["field"], declared.fields)
        fault("field", f"{cells['field']!r} is not a field of {declared.name!r}{hint}")
        return None, faults
    numbers, text = _figures(cells, spec, fault)
    grade = _grade_and_source(cells, documents, fault)
    for column in ("period", "known"):
        if cells[column]:
            _date(column, cells[column], fault)
    price_year = _price_year(cells, spec, fault)
    if faults or grade is None:
        return None, faults
    key = cells["source"]
    datum = Datum(
        kind=declared.name,
        record=cells["id"],
        field=spec.name,
        value=numbers["value"],
        low=numbers["low"],
        high=numbers["high"],
        text=text,
        unit=spec.unit,
        price_year=price_year,
        period=cells["period"] or None,
        known=cells["known"] or None,
        source=documents.get(key, Source(NOT_RECORDED)),
        source_key=key,
        grade=grade,
        note=cells["note"] or None,
        file=entry.file,
        line=entry.line,
    )
    return datum, faults


def _date(column: str, text: str, fault: Callable[[str, str], None]) -> None:
    try:
        span(text)
    except CatalogError as error:
        fault(column, str(error))


def _figures(
    cells: Mapping[str, str], spec: FieldSpec, fault: Callable[[str, str], None]
) -> tuple[dict[str, float | None], str | None]:
    numbers: dict[str, float | None] = dict.fromkeys(("value", "low", "high"))
    if spec.is_words:
        if cells["unit"] != spec.unit:
            fault("unit", f"{cells['unit']!r} where {spec.name!r} is a {spec.unit}")
        if not cells["value"]:
            fault("value", "is empty: leave the line out instead")
        elif spec.unit == DATE:
            _date("value", cells["value"], fault)
        return numbers, cells["value"]
    for column in numbers:
        if not cells[column]:
            continue
        number = number_from(cells[column])
        if math.isnan(number):
            fault(column, f"{cells[column]!r} is not a finite number")
            return numbers, None
        try:
            numbers[column] = to_canonical(number, cells["unit"], spec.unit)
        except UnitError as error:
            fault("unit", str(error))
            return numbers, None
    figures = (numbers[column] for column in ("low", "value", "high"))
    present = [figure for figure in figures if figure is not None]
    if numbers["value"] is None and (numbers["low"] is None or numbers["high"] is None):
        fault("value", "is empty, without a low and a high: leave the line out instead")
    elif any(first > second for first, second in pairwise(present)):
        fault("value", f"low ≤ value ≤ high does not hold: {present}")
    return numbers, None


def _grade_and_source(
    cells: Mapping[str, str], documents: Mapping[str, Source], fault: Callable[[str, str], None]
) -> Grade | None:
    try:
        grade: Grade | None = parse_grade(cells["grade"])
    except CostModelError as error:
        fault("grade", str(error))
        grade = None
    key = cells["source"]
    if not key:
        fault("source", f"is empty: give a key of sources.toml, or {NOT_RECORDED!r} with grade unverified")
    elif key == NOT_RECORDED:
        if grade not in {Grade.UNVERIFIED, Grade.ASSUMED, None}:
            fault("grade", f"{grade} needs a source; a figure whose source is {NOT_RECORDED} is unverified")
    elif key not in documents:
        fault("source", f"{key!r} is not a key of sources.toml{near_matches(key, documents)}")
    return grade


def _price_year(cells: Mapping[str, str], spec: FieldSpec, fault: Callable[[str, str], None]) -> int | None:
    written = cells["price_year"]
    if written and not _YEAR.fullmatch(written):
        fault("price_year", f"{written!r} is not a year")
        return None
    if written:
        return int(written)
    if not spec.is_money:
        return None
    try:
        if not cells["period"]:
            raise CatalogError("is empty")
        return span(cells["period"])[1].year
    except CatalogError:
        fault("price_year", "the year of the money is missing: give price_year, or the period of its prices")
        return None


def entries_of(file: str, raw: bytes) -> tuple[Kind, list[Entry]]:
    """Split a data file into entries, with the declaration of its table."""
    name = file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if file.endswith(".csv"):
        return kind(name), parse_csv(raw, file, kind(name))
    return parse_records(raw, file, kinds().get(name))


def parse(file: str, raw: bytes, documents: Mapping[str, Source] | None = None) -> dict[str, Record]:
    """Read a data file into records by name.

    Raises
    ------
    CatalogError
        At the first fault, with file, line and field.
    """
    declared, entries = entries_of(file, raw)
    known = sources() if documents is None else documents
    grouped: dict[str, list[Datum]] = {}
    for entry in entries:
        datum, faults = examine(entry, declared, known)
        if datum is None:
            raise CatalogError(str(faults[0]))
        grouped.setdefault(datum.record, []).append(datum)
    return {name: Record(declared.name, name, tuple(data)) for name, data in grouped.items()}


@cache
def table(name: str, more: tuple[Path, ...] = ()) -> dict[str, Record]:
    """Return every record of a table by name, with the user's own records added; read on first use, then cached.

    Parameters
    ----------
    name
        Name of the table.
    more
        Folders laid over those that are in use.

    Raises
    ------
    CatalogError
        If there is no such table or its file is not well formed.
    """
    folders = (*own.folders(), *more)
    owned = [own_table(file) for folder in folders for file in own.record_files(folder) if file.stem == name]
    whole = _packaged_table(name) if name in _packaged_names() or not owned else {}
    for records in owned:
        whole = {**whole, **{key: _over(record, whole.get(key)) for key, record in records.items()}}
    return whole


def _over(record: Record, below: Record | None) -> Record:
    """Merge a record into the record ``below`` of the same name; its fields replace those of ``below``."""
    kept = () if below is None else tuple(datum for datum in below.data if datum.field not in record)
    return Record(record.kind, record.name, (*kept, *record.data))


@cache
def _packaged_table(name: str) -> dict[str, Record]:
    file = file_of(name)
    return parse(file, read_data(file))


@cache
def own_table(file: Path) -> dict[str, Record]:
    """Return the records of a user's file, citing the sources of its folder and of the library.

    Raises
    ------
    CatalogError
        At the first fault, with file, line and field.
    """
    return parse(str(file), own.read_file(file), own_sources(file.parent))


@cache
def own_sources(folder: Path) -> dict[str, Source]:
    """Return the library's sources together with those of a folder, which take precedence."""
    file = folder / "sources.toml"
    return {**sources(), **(parse_sources(own.read_file(file), str(file)) if file.is_file() else {})}


_INLINE: dict[str, dict[str, Record]] = {}
"""Records written inside scenarios, by table and name; they can be found by name but are not listed."""


def inline(name: str, record: str) -> Record | None:
    """Return a record that is written inside a scenario, if there is one of that name."""
    return _INLINE.get(name, {}).get(record)


def inline_record(name: str, record: str, figures: Mapping[str, Mapping[str, str]]) -> None:
    """Add a record that is written inside a scenario.

    Raises
    ------
    CatalogError
        At the first fault, with its field.
    """
    declared, data = kind(name), []
    for figure in figures.values():
        cells = dict.fromkeys(COLUMNS, "") | {"id": record, "source": NOT_RECORDED, "grade": Grade.ASSUMED.value}
        datum, faults = examine(Entry({**cells, **figure}, "scenario", 0), declared, sources())
        if datum is None:
            raise CatalogError(f"{record}: {faults[0].field}: {faults[0].message}")
        data.append(datum)
    add_inline(Record(name, record, tuple(data)))


def add_inline(record: Record) -> None:
    """Add a record that was read from elsewhere; it replaces one of the same name."""
    _INLINE.setdefault(record.kind, {})[record.name] = Record(record.kind, record.name, record.data)


def description(name: str) -> str:
    """Return the description of a table."""
    if name not in _packaged_names():
        file = next(file for folder in own.folders() for file in own.record_files(folder) if file.stem == name)
        return entries_of(str(file), own.read_file(file))[0].description
    file_name = file_of(name)
    return entries_of(file_name, read_data(file_name))[0].description


def table_names(more: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """Return the names of all tables, including the user's own."""
    owned = {file.stem for folder in (*own.folders(), *more) for file in own.record_files(folder)}
    return tuple(sorted({*_packaged_names(), *owned}))


@cache
def _packaged_names() -> tuple[str, ...]:
    return tuple(file.rsplit(".", 1)[0] for file in data_files())


def file_of(name: str) -> str:
    """Return the data file of a table.

    Raises
    ------
    CatalogError
        If there is no such table.
    """
    for file in data_files():
        if file.rsplit(".", 1)[0] == name:
            return file
    names = table_names()
    raise CatalogError(f"no table {name!r} in the catalog: {', '.join(names)}{near_matches(name, names)}")
