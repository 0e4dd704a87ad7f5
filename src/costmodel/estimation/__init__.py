"""What learns a number from data: elasticity, decline, price at fixed capability, scarcity of rent, depreciation.

Estimates carry their error, and what was held out is scored apart from what was fitted. ``costmodel estimate`` does
the same from tables. Names are imported when they are first used.

Examples
--------
>>> from costmodel.estimation import CostSeries, Form, fit_decline
>>> round(float(fit_decline(CostSeries([2020.0, 2021.0, 2022.0], [4.0, 2.0, 1.0]), Form.MOORE).slope("time")), 4)
0.6931
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "backtest_depreciation": "depreciation",
    "CapabilityDecline": "fixed_capability",
    "contract_rents": "scarcity",
    "CostSeries": "decline",
    "decline_at_capability": "fixed_capability",
    "DeclineFit": "decline",
    "DeclineForecast": "forecast",
    "DepreciationBacktest": "depreciation",
    "ElasticityEstimate": "elasticity",
    "estimate_elasticity": "elasticity",
    "estimate_elasticity_of_frame": "elasticity",
    "fit_decline": "decline",
    "fit_scaling": "scaling",
    "FLAGSHIP_LINES": "price_history",
    "flagship_moves": "price_history",
    "forecast_moore": "forecast",
    "forecast_wright": "forecast",
    "Form": "decline",
    "held_out": "decline",
    "Noise": "decline",
    "PriceRecords": "fixed_capability",
    "published_declines": "price_history",
    "rent_backtest": "scarcity",
    "RentBacktest": "scarcity",
    "ScalingEstimate": "scaling",
    "years_of_rise": "fixed_capability",
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
