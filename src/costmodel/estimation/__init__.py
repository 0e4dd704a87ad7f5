"""Estimate numbers from data: elasticity, decline, price at fixed capability, scarcity, depreciation.

Estimates have standard errors, and held-out data are scored separately from fitted data. ``costmodel estimate`` does
the same from tables. Names are imported when they are first used.

Examples
--------
>>> from costmodel.estimation import CostSeries, Form, fit_decline
>>> round(float(fit_decline(CostSeries([2020.0, 2021.0, 2022.0], [4.0, 2.0, 1.0]), Form.MOORE).slope("time")), 4)
0.6931
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.estimation.decline import CostSeries, DeclineFit, Form, Noise, fit_decline, held_out
    from costmodel.estimation.depreciation import DepreciationBacktest, backtest_depreciation
    from costmodel.estimation.elasticity import ElasticityEstimate, estimate_elasticity, estimate_elasticity_of_frame
    from costmodel.estimation.fixed_capability import (
        CapabilityDecline,
        PriceRecords,
        decline_at_capability,
        years_of_rise,
    )
    from costmodel.estimation.forecast import DeclineForecast, forecast_moore, forecast_wright
    from costmodel.estimation.price_history import FLAGSHIP_LINES, flagship_moves, published_declines
    from costmodel.estimation.scaling import ScalingEstimate, fit_scaling
    from costmodel.estimation.scarcity import RentBacktest, contract_rents, rent_backtest

__all__ = [
    "FLAGSHIP_LINES",
    "CapabilityDecline",
    "CostSeries",
    "DeclineFit",
    "DeclineForecast",
    "DepreciationBacktest",
    "ElasticityEstimate",
    "Form",
    "Noise",
    "PriceRecords",
    "RentBacktest",
    "ScalingEstimate",
    "backtest_depreciation",
    "contract_rents",
    "decline_at_capability",
    "estimate_elasticity",
    "estimate_elasticity_of_frame",
    "fit_decline",
    "fit_scaling",
    "flagship_moves",
    "forecast_moore",
    "forecast_wright",
    "held_out",
    "published_declines",
    "rent_backtest",
    "years_of_rise",
]

__getattr__, __dir__ = attach(__name__)
