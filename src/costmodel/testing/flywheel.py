"""Strategies for the flywheel's formulas."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import elasticity, positive, rate

_GROWTH: dict[str, SearchStrategy[float]] = {
    "shifter_growth": rate(),
    "capability_elasticity": st.floats(0.0, 0.3),
    "elasticity": elasticity(-2.0, -0.1),
    "hardware_decline": positive(0.01, 0.6),
    "algorithmic_growth": rate(0.0, 2.0),
    "model_growth": rate(0.0, 1.5),
    "experience_exponent": st.floats(0.0, 0.25),
}

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.flywheel.growth:token_growth_exogenous": {**_GROWTH, "capability_growth": rate(0.0, 2.0)},
    "costmodel.flywheel.growth:token_growth_fixed_share": {**_GROWTH, "training_growth": rate(0.0, 2.0)},
}
