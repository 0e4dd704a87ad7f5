"""Strategies for the catalog's formulas."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.catalog.formulas:implied_utilisation": {
        "active_parameters": positive(1e6, 1e13),
        "tokens": positive(1e9, 1e15),
        "chip_hours": positive(1e3, 1e9),
        "peak": positive(1e13, 1e17),
    },
    "costmodel.catalog.money:to_real": {
        "amount": positive(1.0, 1e9),
        "index_then": positive(10.0, 500.0),
        "index_wanted": positive(10.0, 500.0),
    },
}
"""One strategy for each argument of each formula."""
