"""Scenario fields that accept the name of a catalog record, or a table with its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import WrapValidator

from costmodel.catalog.access import Catalog
from costmodel.catalog.own import OwnRecord, own_record
from costmodel.foundation.errors import CatalogError


def _reader(kind: str, field: str) -> WrapValidator:
    """Return a validator that accepts a record's name, or a table with the record's figures."""

    def read(given: Any, read_text: Callable[[Any], Any]) -> Any:
        if not isinstance(given, Mapping):
            return given if isinstance(given, OwnRecord) else read_text(given)
        try:
            return own_record(kind, given)
        except CatalogError as error:
            raise CatalogError(f"{field}: {error}") from None

    return WrapValidator(read)


AcceleratorName = Annotated[str, _reader("accelerators", "accelerator")]
"""A field that takes an accelerator's name in the catalog, or a table with ``name`` and its figures."""
RegionName = Annotated[str, _reader("electricity", "region")]
"""A field that takes a region's name in the catalog, or a table with ``name`` and its price of electricity."""
OperatorName = Annotated[str, _reader("pue", "operator")]
"""A field that takes an operator's name in the catalog, or a table with ``name`` and its PUE."""


def catalog_model(printed: str) -> str | None:
    """Return the catalog's architecture for a model's name, comparing letters and digits only; None if there is none.

    Examples
    --------
    >>> catalog_model("llama_3.3 70b"), catalog_model("gpt-4o"), catalog_model("")
    ('Llama-3-70B', None, None)
    """
    return _architectures().get(_letters(printed))


@cache
def _architectures() -> dict[str, str]:
    """Return the catalog's architectures by their names and aliases, letters and digits only."""
    found = {}
    for name, record in Catalog().table("architectures").items():
        for other in (name, *filter(None, (record.label("also") or "").split(","))):
            found[_letters(other)] = name
    return found


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
