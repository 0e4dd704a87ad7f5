"""Scenario fields that name a model or contain its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from costmodel.compute.architectures import shape


def written_shape(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a model for a scenario: without absent entries, and checked to be readable as a shape.

    Parameters
    ----------
    given
        Fields of a shape, flat or in groups, or of a ``config.json``.

    Raises
    ------
    DomainError
        If it can't be read as a shape; the message names the field.

    Examples
    --------
    >>> mamba = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 9, "state_size": 4}
    >>> sorted(written_shape(mamba | {"head_dim": None}))
    ['hidden_size', 'model_type', 'num_hidden_layers', 'state_size', 'vocab_size']
    """
    table: dict[str, Any] = _without_none(given)
    shape(table, "own_shape")
    return table


def _without_none(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {str(key): _without_none(item) for key, item in given.items() if item is not None}
    return [_without_none(item) for item in given] if isinstance(given, list | tuple) else given


def _source(given: str | dict[str, Any]) -> str | dict[str, Any]:
    return written_shape(given) if isinstance(given, dict) else given


OwnShape = Annotated[dict[str, Any], AfterValidator(written_shape)]
"""A table with the fields of a shape, of a shape in groups, or of a ``config.json``; checked when it is written."""
ShapeSource = Annotated[str | dict[str, Any], AfterValidator(_source)]
"""A model in a scenario: a name in the catalog, the path of a ``config.json``, or a table of its fields."""
