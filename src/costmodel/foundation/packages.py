"""Entry points: catalogs, scenarios, formats and models of installed packages, loaded on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from costmodel.foundation.errors import CostModelError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CATALOGS = "costmodel.catalogs"
"""Records: a folder, or a function that returns one."""
SCENARIOS = "costmodel.scenarios"
"""Scenarios: a folder of TOML files, or a function that returns one."""
FORMATS = "costmodel.formats"
"""Readers of outside files: a module, available as ``costmodel.formats.NAME``."""


MODELS = "costmodel.models"
"""Models: a module that registers the model of that name."""


def _points(group: str) -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # slow to import, and rarely needed

    return entry_points(group=group)


def provided_names(group: str) -> tuple[str, ...]:
    """Return the names that installed packages register in a group."""
    return tuple(sorted({point.name for point in _points(group)}))


def provided(group: str, name: str | None = None) -> list[Any]:
    """Load the entries that installed packages register in a group: all, or one by name.

    Raises
    ------
    CostModelError
        If loading fails; the message names the package and its error.
    """
    found = []
    for point in _points(group):
        if name is not None and point.name != name:
            continue
        try:
            found.append(point.load())
        except Exception as error:  # noqa: BLE001 - any error of another package is reported in one line
            raise CostModelError(f"{group} {point.name!r} ({point.value}): {type(error).__name__}: {error}") from None
    return found


def called(given: Any | Callable[[], Any]) -> Any:
    """Return an entry, or the value that it returns if it is a function."""
    return given() if callable(given) else given
