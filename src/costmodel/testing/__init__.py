"""Hypothesis strategies for every registered formula and model (extra `testing`).

Downstream projects can try their own code on the same ranges::

    from hypothesis import given
    from costmodel.testing import arguments


    @given(arguments("costmodel.market.demand:constant_elasticity"))
    def test_mine(values): ...

Each domain has a module here with a table ``STRATEGIES``: a scalar strategy for every argument of every
formula, by ``module:function``; ``SCENARIOS``, where it has one, holds a strategy of written scenarios per
model. The tables are merged on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.foundation.arrays import FORMULAS
from costmodel.foundation.errors import UnknownParameterError, near_matches

__all__ = ["SCENARIOS", "STRATEGIES", "arguments", "registered_formulas"]

_NOT_A_FLOOR = frozenset({"costmodel.cli", "costmodel.testing"})

STRATEGIES: dict[str, dict[str, SearchStrategy[Any]]]
"""A scalar strategy for each argument of each formula, by ``module:function``."""
SCENARIOS: dict[str, SearchStrategy[Any]]
"""A strategy of written scenarios for each model, by its name."""


@cache
def _merged(table: str) -> dict[str, Any]:
    """Join one table of all modules of this package, refusing a name that is given twice."""
    joined: dict[str, Any] = {}
    for module in iter_modules(__path__, "costmodel.testing."):
        entries = getattr(import_module(module.name), table, {})
        twice = sorted(joined.keys() & entries.keys())
        if twice:
            raise ValueError(f"{module.name}.{table} repeats {', '.join(twice)}")
        joined.update(entries)
    return joined


def __getattr__(name: str) -> dict[str, Any]:
    """Merge a table when it is first asked for."""
    if name in {"STRATEGIES", "SCENARIOS"}:
        return _merged(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def registered_formulas() -> dict[str, Callable[..., Any]]:
    """Import every package of the library and return all formulas, by ``module:function``.

    Examples
    --------
    >>> all(":" in name for name in registered_formulas())
    True
    """
    root = Path(__file__).parents[1]
    for module in walk_packages([str(root)], "costmodel."):
        if not any((module.name + ".").startswith(prefix + ".") for prefix in _NOT_A_FLOOR):
            import_module(module.name)
    return dict(sorted(FORMULAS.items()))


def arguments(name: str) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of keyword arguments for a formula.

    Parameters
    ----------
    name
        ``module:function`` of the formula.

    Raises
    ------
    UnknownParameterError
        If no strategy is known under that name.
    """
    table = _merged("STRATEGIES")
    if name not in table:
        raise UnknownParameterError(f"no strategy for the formula {name!r}{near_matches(name, table)}")
    return st.fixed_dictionaries(table[name])
