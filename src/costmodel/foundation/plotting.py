"""Access to the plotting module, which is in a higher layer and imported only when a figure is drawn."""

from __future__ import annotations

from importlib import import_module
from typing import Any

GALLERY = "costmodel.reporting.gallery"
"""Module whose ``plot`` draws a result or a study."""


def gallery() -> Any:
    """Return the module that draws."""
    return import_module(GALLERY)
