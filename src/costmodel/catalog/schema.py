"""Schema of the catalog's tables: fields with their unit and range, read from ``data/schema.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from math import inf

from costmodel.foundation import toml
from costmodel.foundation.errors import CatalogError, near_matches
from costmodel.foundation.provenance import Source

TEXT = "text"
"""The unit of entries that are words."""
DATE = "date"
"""The unit of entries that are dates, written as in `costmodel.catalog.periods`."""
_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_PREFIXED = frozenset(
    prefix + unit for prefix in _PREFIXES for unit in ("USD", "token", "FLOP", "byte", "bit", "W", "Wh", "J")
)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field: canonical unit, plausible range in that unit, and meaning."""

    name: str
    unit: str
    low: float = -inf
    high: float = inf
    description: str = ""

    @property
    def is_words(self) -> bool:
        """Whether entries are words or dates, not numbers."""
        return self.unit in {TEXT, DATE}

    @property
    def is_money(self) -> bool:
        """Whether the unit contains USD, so that a price year is needed."""
        return "USD" in self.unit


@dataclass(frozen=True, slots=True)
class Kind:
    """A table: a description of its records, and its fields by name."""

    name: str
    description: str
    fields: dict[str, FieldSpec] = field(default_factory=dict)


def read_data(file: str) -> bytes:
    """Return the bytes of a file of the catalog.

    Raises
    ------
    CatalogError
        If there is no such file.
    """
    try:
        return resources.files(__package__).joinpath("data", file).read_bytes()
    except OSError as error:
        raise CatalogError(f"catalog file {file!r} cannot be read: {error}") from error


def data_files() -> tuple[str, ...]:
    """Return the names of the data files, without the schema, the sources and the bounds."""
    entries = resources.files(__package__).joinpath("data").iterdir()
    names = (entry.name for entry in entries)
    keep = (name for name in names if name.endswith((".csv", ".toml")))
    return tuple(sorted(name for name in keep if name not in {"bounds.toml", "schema.toml", "sources.toml"}))


def parse_toml(raw: bytes, file: str) -> dict[str, object]:
    """Parse a TOML file; every fault is a `CatalogError` that names the file."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{file}: {error}") from None
    return toml.parse_toml(text, file, CatalogError)


def parse_fields(table: object, where: str) -> dict[str, FieldSpec]:
    """Build the fields of a table from ``name = {unit, min, max, description}``."""
    if not isinstance(table, dict):
        raise CatalogError(f"{where}: fields must be a table")
    fields: dict[str, FieldSpec] = {}
    for name, entry in table.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("unit"), str):
            raise CatalogError(f"{where}.{name}: a field is written {{unit = …, min = …, max = …, description = …}}")
        extra = entry.keys() - {"unit", "min", "max", "description"}
        if extra:
            raise CatalogError(f"{where}.{name}: unknown entry {sorted(extra)}")
        fields[name] = FieldSpec(
            name,
            entry["unit"],
            _bound(entry.get("min", -inf), where, name),
            _bound(entry.get("max", inf), where, name),
            str(entry.get("description", "")),
        )
    return fields


def _bound(value: object, where: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CatalogError(f"{where}.{name}: a bound must be a number, got {value!r}")
    return float(value)


@cache
def kinds() -> dict[str, Kind]:
    """Return every declared table by name."""
    return parse_schema(read_data("schema.toml"))


def parse_schema(raw: bytes, file: str = "schema.toml") -> dict[str, Kind]:
    """Parse the schema file."""
    found: dict[str, Kind] = {}
    for name, entry in parse_toml(raw, file).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("description"), str):
            raise CatalogError(f"{file}: table {name!r} needs a description")
        found[name] = Kind(name, entry["description"], parse_fields(entry.get("fields", {}), f"{file}: {name}"))
    return found


def kind(name: str) -> Kind:
    """Return the declaration of a table.

    Raises
    ------
    CatalogError
        If there is no such table.
    """
    found = kinds()
    if name not in found:
        raise CatalogError(f"no table {name!r} in the catalog: {', '.join(sorted(found))}{near_matches(name, found)}")
    return found[name]


@cache
def sources() -> dict[str, Source]:
    """Return every document of ``data/sources.toml`` by key."""
    return parse_sources(read_data("sources.toml"))


def parse_sources(raw: bytes, file: str = "sources.toml") -> dict[str, Source]:
    """Parse the file of sources."""
    found: dict[str, Source] = {}
    for key, entry in parse_toml(raw, file).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("title"), str) or not entry["title"].strip():
            raise CatalogError(f"{file}: source {key!r} needs a title")
        extra = entry.keys() - {"title", "date", "link"}
        if extra or not all(isinstance(value, str) for value in entry.values()):
            raise CatalogError(f"{file}: source {key!r} holds title, date and link, as text")
        found[key] = Source(entry["title"], entry.get("date"), entry.get("link"))
    return found


@cache
def factor(unit: str, to: str) -> float:
    """Return the size of one ``unit`` in ``to``.

    SI prefixes are read here; the unit registry converts everything else.

    Raises
    ------
    UnitError
        If a unit is unknown or the dimensions differ.

    Examples
    --------
    >>> factor("TFLOP/s", "FLOP/s")
    1000000000000.0
    >>> factor("USD/Mtoken", "USD/token")
    1e-06
    """
    if unit == to:
        return 1.0
    (scale, inverse, names), (to_scale, to_inverse, to_names) = _bare(unit), _bare(to)
    if names == to_names:
        return (scale * to_inverse) / (inverse * to_scale)
    from costmodel.foundation.units import conversion_factor

    return conversion_factor(unit, to)


def _bare(unit: str) -> tuple[float, float, str]:
    """Split a unit into the prefixes of numerator and denominator, and the names without prefixes."""
    above, below, names, divided = 1.0, 1.0, "", False
    for token in re.split(r"([*/])", unit):
        if token in "*/":
            divided, names = token == "/", names + token
            continue
        size = _PREFIXES[token[0]] if token in _PREFIXED else 1.0
        names += token[1:] if token in _PREFIXED else token
        above, below = (above, below * size) if divided else (above * size, below)
    return above, below, names


def to_canonical(value: float, unit: str, to: str) -> float:
    """Convert a number, exactly if the ratio is a power of ten."""
    size = factor(unit, to)
    return value * size if size >= 1.0 else value / factor(to, unit)
