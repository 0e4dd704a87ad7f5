"""Ensembles, sensitivity, break-even, calibration, comparison and backtest of any model.

This floor knows one thing: a callable from a resolved scenario to a result. A plain function of arrays with a table of
ranges will do as well. Names are imported when they are first used.

Examples
--------
>>> from costmodel.analysis import break_even
>>> found = break_even({"price": 3.0, "cost": 1.0}, "cost", "npv = 0", model=lambda price, cost: {"npv": price - cost})
>>> [round(root, 9) for root in found.roots]
[3.0]
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "as_problem": "problem",
    "as_known": "knowledge",
    "backtest": "backtesting",
    "base_sample": "samples",
    "break_even": "breakeven",
    "break_even_distribution": "breakeven",
    "break_even_frontier": "breakeven",
    "compare": "comparison",
    "coverage": "scores",
    "crps": "scores",
    "elasticities": "one_at_a_time",
    "EnsembleStore": "store",
    "evidence_shares": "evidence",
    "first_order_of": "sensitivity",
    "fit": "calibration",
    "given_data_indices": "given_data",
    "given_data_study": "sensitivity",
    "interval_score": "scores",
    "mixed_samples": "samples",
    "morris_effects": "morris",
    "morris_sample": "morris",
    "morris_study": "sensitivity",
    "Multiple": "calibration",
    "Observed": "calibration",
    "pit": "scores",
    "Plan": "knowledge",
    "plan_for": "backtesting",
    "rank_correlations": "given_data",
    "run_ensemble": "ensemble",
    "Selector": "targets",
    "shapley_values": "shapley",
    "sobol_indices": "sobol",
    "sobol_study": "sensitivity",
    "store_ensemble": "store",
    "Target": "targets",
    "tornado": "one_at_a_time",
    "waterfall": "comparison",
    "weighted_ensemble": "weights",
}
"""The module of this package that holds each name."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return every public name."""
    return [*globals(), *_HOMES]
