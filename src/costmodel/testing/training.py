"""Strategies for the formulas of the training domain."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive, rate, share

__all__ = ["STRATEGIES"]

_PROGRAMME = "costmodel.training.programme"

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PROGRAMME}:reserve_growth": {
        "initial": positive(1.0, 1e7),
        "growth_rate": rate(-2.0, 2.0),
        "time": positive(0.0, 15.0),
    },
    f"{_PROGRAMME}:training_reserve": {
        "unconstrained": positive(0.0, 1e9),
        "share_limit": share(),
        "capacity": positive(0.0, 1e9),
        "budget_limit": positive(0.0, 1e9),
    },
    f"{_PROGRAMME}:capability_index": {
        "reserve_ratio": positive(0.0, 1e6),
        "algorithmic_growth": rate(-2.0, 3.0),
        "time": positive(0.0, 15.0),
    },
}
