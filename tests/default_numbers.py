"""What functions and dataclasses take where nothing is given: read by the tests that pin it, room by room."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from costmodel.foundation.inputs import Inputs


def default_numbers(room: str) -> dict[str, dict[str, Any]]:
    """Return the numbers, and tuples of them, that a room's public functions have for defaults, by function."""
    package = importlib.import_module(f"costmodel.{room}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"{package.__name__}.{module.name}"
        for name, member in vars(importlib.import_module(path)).items():
            function = inspect.unwrap(member) if callable(member) else member
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != path:
                continue
            given = {key: entry.default for key, entry in inspect.signature(function).parameters.items()}
            numbers = {key: value for key, value in given.items() if _is_number(value)}
            if numbers:
                found[f"{module.name}.{name}"] = numbers
    return found


def default_fields(room: str) -> dict[str, dict[str, Any]]:
    """Return the numbers and truths other than 0 and false that a room's dataclasses have for defaults, by class."""
    package = importlib.import_module(f"costmodel.{room}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"{package.__name__}.{module.name}"
        for name, kind in vars(importlib.import_module(path)).items():
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == path:
                own = [item for item in dataclasses.fields(kind) if item.name in inspect.get_annotations(kind)]
                given = {item.name: item.default for item in own if isinstance(item.default, int | float)}
                if stated := {key: value for key, value in given.items() if value}:
                    found[name] = stated
    return found


def declared(*modules: ModuleType) -> Iterator[tuple[str, type[Inputs], str]]:
    """Give every parameter that the tables of some modules declare themselves: its path, table and name."""
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Inputs) and kind.__module__ == module.__name__:
                own = kind.specs().keys() & inspect.get_annotations(kind)
                yield from ((f"{kind.__name__}.{name}", kind, name) for name in own)


def _is_number(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def kept_results(room: str) -> dict[str, int | None]:
    """Return how many results a room's functions keep, by function; None where they keep all."""
    package = importlib.import_module(f"costmodel.{room}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"{package.__name__}.{module.name}"
        for name, member in vars(importlib.import_module(path)).items():
            if hasattr(member, "cache_parameters") and member.__module__ == path:
                found[f"{module.name}.{name}"] = member.cache_parameters()["maxsize"]
    return found
