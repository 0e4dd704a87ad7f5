"""Strategies for the formulas that estimates rest on."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive, share

_RATIO = positive(1e-3, 1e3)

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.estimation.price_history:blended_price": {
        "input_price": positive(0.0, 1e3),
        "output_price": positive(0.0, 1e3),
        "input_share": share(),
    },
    "costmodel.estimation.scarcity:scarcity_exponent": {
        "rent_ratio": positive(0.2, 5.0),
        "required_rent_ratio": positive(0.2, 2.0),
        "tightness_ratio": positive(1.01, 3.0),
    },
    "costmodel.estimation.scarcity:foretold_rent": {
        "rent": positive(0.1, 20.0),
        "required_rent_ratio": positive(0.2, 2.0),
        "tightness_ratio": positive(0.3, 3.0),
        "exponent": positive(0.0, 10.0),
    },
    "costmodel.validation.replicas.forecast_variance:drift_forecast_variance": {
        "variance": positive(1e-6, 1.0),
        "horizon": positive(1.0, 30.0),
        "observations": positive(1.0, 60.0),
        "moving_average": share(),
    },
    "costmodel.validation.replicas.forecast_variance:experience_forecast_variance": {
        "variance": positive(1e-6, 1.0),
        "horizon": positive(1.0, 30.0),
        "future_experience": positive(0.0, 20.0),
        "past_experience_squares": positive(1e-2, 100.0),
    },
    "costmodel.estimation.fixed_capability:decline_rate": {
        "price": positive(),
        "later_price": positive(),
        "years": positive(0.1, 10.0),
    },
}
"""One strategy for each argument of each formula."""
