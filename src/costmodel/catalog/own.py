"""Users' own records, added to the library's: folders in the catalog's schema, and tables inside a scenario.

A folder holds files like the catalog's, such as ``accelerators.csv`` or ``electricity.toml``, and its own
``sources.toml``. Where the catalog has a record of the same name, your fields replace its fields and the rest stays.
Folders are added by `use`, by the environment variable `ENVIRONMENT`, or by installed packages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from costmodel.catalog.records import Record
from costmodel.foundation.errors import CatalogError, CostModelError, near_matches
from costmodel.foundation.files import read_whole
from costmodel.foundation.packages import CATALOGS, called, provided

ENVIRONMENT = "COSTMODEL_CATALOG"
"""Environment variable with folders of records, separated as in ``PATH``."""
MAX_FILE_BYTES = 16 * 2**20
"""Largest file of records that is read [byte]."""
MAX_FILES = 200
"""Largest number of files of records in a folder [1]."""
_NOT_RECORDS = frozenset({"bounds.toml", "schema.toml", "sources.toml"})
_used: list[Path] = []
_Record = TypeVar("_Record", bound=Record)


def use(folder: str | Path) -> None:
    """Add a folder of records to the catalog for this process.

    Call it before a model reads a record that the folder changes: models keep what they have read.

    Raises
    ------
    CatalogError
        If there is no such folder, or a file in it is not well formed; file, line and field are in the message.
    """
    from costmodel.catalog import loader

    path = checked_folder(folder)
    if path not in _used:
        _used.append(path)
    folders.cache_clear()
    loader.table.cache_clear()


@cache
def folders() -> tuple[Path, ...]:
    """Return the added folders: packages', then the environment's, then those of `use`; later ones take precedence."""
    named = os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    return tuple(checked_folder(folder) for folder in (*map(called, provided(CATALOGS)), *filter(None, named), *_used))


@cache
def checked_folder(folder: str | Path) -> Path:
    """Return a folder's path after reading every file in it as a check.

    Raises
    ------
    CatalogError
        If there is no such folder, it holds no records, or a file is not well formed.
    """
    from costmodel.catalog import loader

    path = Path(os.path.expanduser(folder))
    if not os.path.isdir(path):
        raise CatalogError(f"{path}: there is no such folder of records")
    path = path.resolve()
    files = record_files(path)
    if not files:
        raise CatalogError(f"{path}: holds no records: add CSV or TOML files named as tables, as accelerators.csv")
    for file in files:
        loader.own_table(file)
    return path


def record_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of records in a folder, by name.

    Raises
    ------
    CatalogError
        If there are too many.
    """
    found = sorted(file for file in folder.iterdir() if file.suffix in (".csv", ".toml") and file.is_file())
    if len(found) > MAX_FILES:
        raise CatalogError(f"{folder}: {len(found)} files of records, at most {MAX_FILES}")
    return tuple(file for file in found if file.name not in _NOT_RECORDS)


def read_file(file: Path) -> bytes:
    """Return the bytes of one file of records.

    Raises
    ------
    CatalogError
        If it cannot be read, or is too large.
    """
    return read_whole(file, MAX_FILE_BYTES, CatalogError)


def add(record: _Record) -> _Record:
    """Register a record read from elsewhere under its name, for this process, and return it.

    Raises
    ------
    CatalogError
        If the catalog has a record of that name.
    """
    from costmodel.catalog import loader

    if record.name in loader.table(record.kind):
        raise CatalogError(f"the catalog has a record {record.name!r} in {record.kind}: give yours another name")
    loader.add_inline(record)
    return record


_INLINE: dict[str, dict[str, Mapping[str, Any]]] = {}
"""Tables written inside scenarios, by kind and name."""


class OwnRecord(str):
    """Name of a record whose figures are written in the scenario itself.

    Use it wherever a name is expected. When it is written, copied or sent to another process, it turns into its table.
    """

    kind: str
    table: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling: rebuild the record in another process."""
        return own_record, (self.kind, dict(self.table))

    def written(self) -> dict[str, Any]:
        """Return the table of figures, as it was given."""
        return dict(self.table)


def own_record(kind: str, table: Mapping[str, Any]) -> OwnRecord:
    """Add a table of figures to the catalog as a record, and return the record's name.

    Parameters
    ----------
    kind
        Table of the catalog, such as ``"accelerators"``.
    table
        ``name``, and per field a number in the field's unit, a text with a unit, or
        ``{value, low, high, source, note}``.

    Returns
    -------
    OwnRecord
        The name, followed by a number if the catalog has another record of that name.

    Raises
    ------
    CatalogError
        If a field is unknown, or a figure is not a number or lies outside its plausible range.

    Examples
    --------
    >>> chip = own_record("accelerators", {"name": "mine", "bf16": "2 PFLOPS", "memory": "141 GB"})
    >>> from costmodel.catalog import accelerator
    >>> accelerator(chip).peak("bf16"), accelerator("mine").memory
    (2000000000000000.0, 141000000000.0)
    """
    from costmodel.catalog import loader

    name = table.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 100:
        raise CatalogError(f"a table of {kind} needs a name of its own, at most 100 characters")
    label, made = name, 1
    held = _INLINE.setdefault(kind, {})
    listed = loader.table(kind)
    while label in listed or (label in held and held[label] != table):  # changed figures make another record
        made += 1
        label = f"{name} ({made})"
    if label not in held:
        loader.inline_record(kind, label, {key: _cell(kind, key, table[key]) for key in table if key != "name"})
        held[label] = dict(table)
    record = OwnRecord(label)
    record.kind, record.table = kind, dict(table)
    return record


def _cell(kind: str, name: str, given: Any) -> dict[str, str]:
    """Return one written figure as the cells of a data file."""
    from costmodel.catalog.schema import kind as kind_of
    from costmodel.foundation.plausible import meant
    from costmodel.foundation.quantities import parse_quantity

    fields = kind_of(kind).fields
    if name not in fields:
        raise CatalogError(f"{name!r} is not a field of {kind}: {', '.join(fields)}{near_matches(name, fields)}")
    spec, own = fields[name], dict(given) if isinstance(given, Mapping) else {"value": given}
    extra = own.keys() - {"value", "low", "high", "note", "source", "grade", "period", "known", "price_year"}
    if extra:
        raise CatalogError(f"{name}: unknown entry {sorted(map(str, extra))}")
    cells = {"field": name, "unit": spec.unit}
    for key, value in own.items():
        if key not in ("value", "low", "high") or spec.is_words:
            cells[key] = str(value)
            continue
        try:
            number = parse_quantity(value, spec.unit) if isinstance(value, str) else value
        except CostModelError as error:
            raise CatalogError(f"{name}: {error}") from None
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise CatalogError(f"{name}: a number in {spec.unit!r} or a text with a unit is needed; given {value!r}")
        if not spec.low <= number <= spec.high:
            hint = meant(number, spec.unit)
            asked = f"; did you mean {hint}?" if hint else ""
            raise CatalogError(f"{name}: {number:g} {spec.unit} is outside {spec.low:g} to {spec.high:g}{asked}")
        cells[key] = repr(float(number))
    return cells
