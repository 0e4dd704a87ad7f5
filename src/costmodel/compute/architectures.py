"""Shapes of named models, read from the catalog."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from costmodel.catalog import table
from costmodel.compute.shapes import Shape
from costmodel.compute.uniform import Uniform
from costmodel.foundation.errors import CatalogError, near_matches

_TABLE = "architectures"
_KINDS = {item.name: str(item.type) for kind in (Uniform, Shape) for item in fields(kind) if item.name != "name"}


def architecture_names() -> tuple[str, ...]:
    """Return the names of all architectures in the catalog.

    Examples
    --------
    >>> len(architecture_names())
    17
    """
    return tuple(table(_TABLE))


@cache
def shape(name: str) -> Shape:
    """Return the shape of a model in the catalog.

    Parameters
    ----------
    name
        Name of the architecture, or one of its other names.

    Raises
    ------
    CatalogError
        If no architecture has that name; the message lists near matches.

    Examples
    --------
    >>> shape("DeepSeek-V3").attention
    'MLA'
    >>> shape("DeepSeek-R1") is shape("DeepSeek-V3")
    True
    """
    known = _canonical_names()
    if name not in known:
        raise CatalogError(
            f"no architecture {name!r} in the catalog: allowed are {', '.join(architecture_names())}"
            f"{near_matches(name, known)}"
        )
    if known[name] != name:
        return shape(known[name])
    record = table(_TABLE)[name]
    written = {field: record.value(field) for field in record.fields if field in _KINDS}
    numbers = {field: bool(value) if _KINDS[field] == "bool" else round(value) for field, value in written.items()}
    return Shape.from_record({"name": name, **numbers})


@cache
def _canonical_names() -> dict[str, str]:
    """Return the record of every name and other name."""
    names = {}
    for name, record in table(_TABLE).items():
        others = record.label("also") or ""
        for other in (name, *filter(None, (part.strip() for part in others.split(",")))):
            names[other] = name
    return names
