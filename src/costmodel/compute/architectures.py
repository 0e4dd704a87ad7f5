"""Shapes of models: by a name in the catalog, from a published ``config.json``, or from a table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from costmodel.catalog import table
from costmodel.compute.config_fields import CONFIG
from costmodel.compute.config_precision import scheme_from_config
from costmodel.compute.config_shapes import shape_from_config
from costmodel.compute.precision import Scheme, scheme
from costmodel.compute.shapes import Shape, is_published
from costmodel.compute.uniform import Uniform
from costmodel.foundation.errors import CatalogError, DomainError, near_matches

_TABLE = "architectures"
_KINDS = {item.name: str(item.type) for kind in (Uniform, Shape) for item in fields(kind) if item.name != "name"}
PUBLISHED = "published"
"""Name of the precision that a model's own ``config.json`` states."""


def architecture_names() -> tuple[str, ...]:
    """Return the names of all architectures in the catalog.

    Examples
    --------
    >>> "Llama-3-8B" in architecture_names()
    True
    """
    return tuple(table(_TABLE))


def shape(source: str | Path | Mapping[str, Any], name: str | None = None) -> Shape:
    """Return the shape of a model.

    Parameters
    ----------
    source
        A name in the catalog or an alias; the path of a ``config.json`` or of its folder; or a table with the fields of
        a ``config.json``, of a shape, or of a shape in groups.
    name
        Name of the shape where the source gives none.

    Raises
    ------
    CatalogError
        If there is neither an architecture nor a file of that name; the message lists near matches.
    DomainError
        If a file or table can't be read as a shape; the message names the field.

    Examples
    --------
    >>> shape("DeepSeek-V3").attention
    'MLA'
    >>> shape("DeepSeek-R1") is shape("DeepSeek-V3")
    True
    >>> shape({"layers": 2, "d_model": 64, "heads": 8, "kv_heads": 2, "head_dim": 8, "vocabulary": 100, "d_ff": 256},
    ...       "tiny").name
    'tiny'
    """
    if isinstance(source, Mapping):
        return Shape.from_record({"name": name or "own", **source})
    if not _is_path(source):
        return _recorded(str(source))
    return shape_from_config(source, name)


def stored_scheme(
    source: str | Path | Mapping[str, Any], precision: str | Mapping[str, Any] | Scheme, **changes: Any
) -> Scheme:
    """Return the storage scheme of a model.

    Parameters
    ----------
    source
        The model, as for :func:`shape`.
    precision
        ``"published"``: as the model's ``config.json`` states; else as for :func:`~costmodel.compute.scheme`.
    **changes
        Formats of parts in place of the scheme's, such as ``cache``.

    Raises
    ------
    DomainError
        If ``"published"`` is given for a model without a ``config.json``, or the precision is not known.

    Examples
    --------
    >>> stored_scheme("Llama-3.1-405B", "fp8").attention
    'bf16'
    """
    if precision != PUBLISHED:
        return scheme(precision, _catalog_name(source), **changes)
    own = is_published(source) if isinstance(source, Mapping) else _is_path(source)
    if not own:
        raise DomainError(
            f"precision = {PUBLISHED!r} needs a model from its {CONFIG}; {_catalog_name(source) or 'this one'!r} has "
            f"none: name a scheme"
        )
    return scheme(scheme_from_config(source), **changes)


def names_a_model(source: str | Path | Mapping[str, Any]) -> bool:
    """Return whether a source identifies a model: a recorded name, the path of a file, or a table.

    Examples
    --------
    >>> names_a_model("Llama-3-8B"), names_a_model("path/config.json"), names_a_model("mine")
    (True, True, False)
    """
    return isinstance(source, Mapping) or bool(_catalog_name(source)) or _is_path(source)


def _is_path(source: str | Path) -> bool:
    """Return whether a name is a path: it has the ending or a separator, or exists and is not a catalog name."""
    text = str(source)
    if isinstance(source, Path) or text.endswith(".json") or "/" in text or "\\" in text:
        return text not in _canonical_names()
    return text not in _canonical_names() and os.path.isfile(os.path.join(text, CONFIG))


def _catalog_name(source: str | Path | Mapping[str, Any]) -> str:
    """Return the name of a model on record; empty for any other."""
    return "" if isinstance(source, Mapping) else _canonical_names().get(str(source), "")


@cache
def _recorded(name: str) -> Shape:
    """Return the shape of a model in the catalog."""
    known = _canonical_names()
    if name not in known:
        raise CatalogError(
            f"no architecture {name!r} in the catalog, nor a {CONFIG} of that name: allowed are "
            f"{', '.join(architecture_names())}{near_matches(name, known)}"
        )
    if known[name] != name:
        return _recorded(known[name])
    record = table(_TABLE)[name]
    groups = record.label("groups")
    written = {field: record.value(field) for field in record.fields if field in _KINDS and field != "groups"}
    numbers = {field: bool(value) if _KINDS[field] == "bool" else round(value) for field, value in written.items()}
    read = Shape.from_record({"name": name, **numbers, **({"groups": json.loads(groups)} if groups else {})})
    return read.noted(())  # records assume equal heads only where the published file has them


@cache
def _canonical_names() -> dict[str, str]:
    """Return the record of every name and alias."""
    names = {}
    for name, record in table(_TABLE).items():
        others = record.label("also") or ""
        for other in (name, *filter(None, (part.strip() for part in others.split(",")))):
            names[other] = name
    return names
