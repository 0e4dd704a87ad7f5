"""The field of a scenario that holds the shape of a model of one's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from costmodel.compute.architectures import shape


def _checked(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table as it was written, after a shape could be read from it."""
    shape(table, "own_shape")
    return table


OwnShape = Annotated[dict[str, Any], AfterValidator(_checked)]
"""A table with the fields of a shape, of a shape in groups, or of a ``config.json``; checked when it is written."""
