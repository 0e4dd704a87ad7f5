"""Lazy packages: names are imported on first use, so that importing the package stays fast.

A package states its imports once, under ``if TYPE_CHECKING:``, for editors and type checkers, and lists them in
``__all__``; :func:`attach` reads the same lines and imports each name on first use.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pkgutil import get_data
from types import ModuleType
from typing import Any


def attach(
    package: str, rooms: Sequence[str] = (), kept: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    rooms
        Subpackages that are available as attributes before they are imported, though not in ``__all__``.
    kept
        Names that a module of the package has too; importing this module does not change the package's attribute.

    Returns
    -------
    tuple
        Two functions, to be assigned to ``__getattr__`` and ``__dir__``.

    Examples
    --------
    >>> import costmodel
    >>> costmodel.analysis.break_even.__module__, "run" in dir(costmodel)
    ('costmodel.analysis.breakeven', True)
    """
    homes: dict[str, str] = {}

    def find(name: str) -> Any:
        if not homes:
            homes.update(_homes(package))
        if name in homes:
            value = getattr(import_module(homes[name]), name)
        elif name in rooms or (not name.startswith("_") and find_spec(f"{package}.{name}") is not None):
            value = import_module(f"{package}.{name}")
        else:
            from costmodel.foundation.errors import near_matches

            hint = "" if name.startswith("_") else near_matches(name, [*homes, *rooms])
            raise AttributeError(f"module {package!r} has no attribute {name!r}{hint}")
        setattr(sys.modules[package], name, value)
        return value

    if kept:

        class Keeping(ModuleType):
            """Package in which importing a module does not replace a listed name of the same spelling."""

            def __setattr__(self, name: str, value: Any) -> None:
                if name not in kept or not isinstance(value, ModuleType):
                    super().__setattr__(name, value)

        sys.modules[package].__class__ = Keeping

    def listed() -> list[str]:
        return sorted({*getattr(sys.modules[package], "__all__", ()), *rooms})

    return find, listed


def _homes(package: str) -> dict[str, str]:
    """Return the module of every name that a package imports for type checkers."""
    text = get_data(package, "__init__.py")
    found: dict[str, str] = {}
    for node in ast.parse(text or b"").body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for line in node.body:
                if isinstance(line, ast.ImportFrom) and line.module is not None:
                    found.update({alias.asname or alias.name: line.module for alias in line.names})
    return found
