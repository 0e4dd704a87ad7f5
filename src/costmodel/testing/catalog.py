"""Strategies for the catalog's formulas."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive, rate

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.catalog.formulas:implied_utilisation": {
        "active_parameters": positive(1e6, 1e13),
        "tokens": positive(1e9, 1e15),
        "chip_hours": positive(1e3, 1e9),
        "peak": positive(1e13, 1e17),
    },
    "costmodel.catalog.formulas:price_per_flop_per_second": {"price": positive(1.0, 1e6), "peak": positive(1e12, 1e17)},
    "costmodel.catalog.formulas:power_per_flop_per_second": {"power": positive(1.0, 1e5), "peak": positive(1e12, 1e17)},
    "costmodel.catalog.formulas:relative_change": {"first": positive(), "last": positive()},
    "costmodel.catalog.formulas:annual_fold": {
        "first": positive(),
        "last": positive(),
        "years": positive(0.1, 20.0),
    },
    "costmodel.catalog.formulas:annual_change": {
        "first": positive(),
        "last": positive(),
        "years": positive(0.1, 20.0),
    },
    "costmodel.catalog.formulas:change_from_orders": {"orders": rate(-2.0, 2.0)},
    "costmodel.catalog.formulas:doubling_time": {"log_slope": positive(1e-3, 5.0)},
    "costmodel.catalog.formulas:doubling_time_error": {
        "log_slope": positive(1e-2, 5.0),
        "standard_error": positive(1e-6, 1.0),
    },
    "costmodel.catalog.formulas:to_real": {
        "amount": positive(1.0, 1e9),
        "index_then": positive(10.0, 500.0),
        "index_wanted": positive(10.0, 500.0),
    },
}
"""One strategy for each argument of each formula."""
