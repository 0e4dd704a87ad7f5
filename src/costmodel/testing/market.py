"""Strategies for the formulas of demand, decline, price and rent."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import elasticity, positive, rate, share

_TIME = rate(-5.0, 15.0)
_STEP = st.sampled_from([1 / 24, 1 / 12, 1 / 4, 1.0])
_SPEED = positive(0.0, 50.0)
_RATIO = positive(1e-3, 1e3)
_LOW = positive(0.1, 1.0)
_HIGH = positive(1.0, 5.0)

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.market.demand:constant_elasticity": {
        "quantity": positive(0.0, 1e18),
        "price_ratio": _RATIO,
        "elasticity": elasticity(),
    },
    "costmodel.market.demand:logistic_adoption": {
        "time": _TIME,
        "growth_rate": rate(0.0, 3.0),
        "ceiling": positive(1.0, 1e3),
    },
    "costmodel.market.demand:bass_adoption": {
        "time": _TIME,
        "innovation": positive(0.0, 0.2),
        "imitation": positive(0.0, 2.0),
        "ceiling": positive(1.0, 1e3),
    },
    "costmodel.market.demand:fading_growth": {
        "time": rate(-1.0, 15.0),
        "growth_rate": rate(-1.0, 2.0),
        "fade_time": positive(0.5, 100.0),
    },
    "costmodel.market.demand:launch_ramp": {"time": _TIME, "launch": _TIME, "ramp": positive(0.0, 5.0)},
    "costmodel.market.demand:capability_response": {
        "capability_ratio": positive(1e-3, 1e9),
        "elasticity": share(),
    },
    "costmodel.market.demand:budget_ceiling": {
        "demand": positive(0.0, 1e20),
        "price": positive(1e-9, 1.0),
        "budget": positive(0.0, 1e15),
        "sharpness": positive(0.2, 20.0),
    },
    "costmodel.market.pricing:cost_plus": {"unit_cost": positive(0.0, 1e3), "markup": rate(-0.9, 6.0)},
    "costmodel.market.pricing:closing_share": {"speed": _SPEED, "step": _STEP},
    "costmodel.market.pricing:lagged_target_weight": {"speed": _SPEED, "step": _STEP},
    "costmodel.market.pricing:semi_implicit_log_step": {
        "log_gap": rate(-5.0, 5.0),
        "closing_share": share(),
        "cost_feedback": positive(0.0, 10.0),
    },
    "costmodel.market.pricing:first_order_lag": {
        "previous": rate(-20.0, 20.0),
        "target_previous": rate(-20.0, 20.0),
        "target": rate(-20.0, 20.0),
        "speed": _SPEED,
        "step": _STEP,
    },
    "costmodel.market.rental:scarcity_factor": {
        "tightness_ratio": positive(0.0, 10.0),
        "exponent": positive(0.0, 6.0),
        "low": _LOW,
        "high": _HIGH,
    },
    "costmodel.market.rental:rental_price": {
        "required_rent": positive(1e-2, 20.0),
        "tightness_ratio": positive(0.0, 10.0),
        "exponent": positive(0.0, 6.0),
        "low": _LOW,
        "high": _HIGH,
        "running_cost": positive(0.0, 2.0),
    },
    "costmodel.market.rental:scarcity_premium": {
        "fill": share(),
        "cleared_share": share(),
        "elasticity": elasticity(-3.0, 0.0),
        "max_premium": positive(1.0, 20.0),
    },
    "costmodel.market.rental:old_vintage_rent": {
        "rent": positive(0.0, 20.0),
        "relative_performance": positive(1e-3, 10.0),
        "extra_running_cost": rate(-1.0, 1.0),
    },
    "costmodel.market.decline:wright": {
        "cost": positive(),
        "cumulative_ratio": positive(1e-3, 1e6),
        "exponent": share(),
    },
    "costmodel.market.decline:moore": {"cost": positive(), "rate": rate(-1.0, 4.0), "time": _TIME},
    "costmodel.market.decline:goddard": {"cost": positive(), "output_ratio": _RATIO, "exponent": share()},
    "costmodel.market.decline:sinclair_klepper_cohen": {
        "cost": positive(),
        "output_ratio": _RATIO,
        "cumulative_ratio": _RATIO,
        "scale_exponent": share(),
        "experience_exponent": share(),
    },
    "costmodel.market.decline:nordhaus": {
        "cost": positive(),
        "cumulative_ratio": _RATIO,
        "time": _TIME,
        "exponent": share(),
        "rate": rate(-1.0, 4.0),
    },
    "costmodel.market.decline:learning_rate": {"exponent": rate(-1.0, 3.0)},
    "costmodel.market.decline:progress_ratio": {"exponent": rate(-1.0, 3.0)},
    "costmodel.market.decline:exponent_of_learning_rate": {"learning_rate": rate(-1.0, 0.95)},
    "costmodel.market.decline:exponent_of_progress_ratio": {"progress_ratio": positive(0.05, 2.0)},
    "costmodel.market.decline:sahal_rate": {"exponent": share(), "output_growth": rate(-1.0, 4.0)},
}
"""One scalar strategy per argument of every formula, in the range where it has a meaning."""
