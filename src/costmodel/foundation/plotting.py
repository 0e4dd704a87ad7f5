"""Where figures are drawn: a room above this one, imported by name when a figure is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

GALLERY = "costmodel.reporting.gallery"
"""The module whose ``plot`` draws a result or a study."""


def gallery() -> Any:
    """Return the module that draws."""
    return import_module(GALLERY)
