"""Fields of scenarios that name a record of the catalog, or hold its figures themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import WrapValidator

from costmodel.catalog.own import OwnRecord, own_record
from costmodel.foundation.errors import CatalogError


def _read_accelerator(given: Any, read_text: Callable[[Any], Any]) -> Any:
    if isinstance(given, Mapping):
        try:
            return own_record("accelerators", given)
        except CatalogError as error:
            raise CatalogError(f"accelerator: {error}") from None
    return given if isinstance(given, OwnRecord) else read_text(given)


AcceleratorName = Annotated[str, WrapValidator(_read_accelerator)]
"""A field that takes an accelerator's name in the catalog, or a table with ``name`` and its figures."""
