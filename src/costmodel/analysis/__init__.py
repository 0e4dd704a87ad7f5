"""Ensembles, sensitivity, break-even, calibration, comparison and backtest of any model.

A model is any callable from a resolved scenario to a result, or a plain function of arrays with a table of ranges.
Names are imported when they are first used.

Examples
--------
>>> from costmodel.analysis import break_even
>>> found = break_even({"price": 3.0, "cost": 1.0}, "cost", "npv = 0", model=lambda price, cost: {"npv": price - cost})
>>> [round(root, 9) for root in found.roots]
[3.0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.analysis.assimilation import consistent_draws
    from costmodel.analysis.backtesting import backtest, backtest_dates, plan_for
    from costmodel.analysis.breakeven import break_even, break_even_distribution, break_even_frontier
    from costmodel.analysis.by_elasticity import elasticity_range
    from costmodel.analysis.calibration import Multiple, Observed, fit
    from costmodel.analysis.comparison import compare, waterfall
    from costmodel.analysis.ensemble import run_ensemble
    from costmodel.analysis.evidence import evidence_shares
    from costmodel.analysis.given_data import given_data_indices, rank_correlations
    from costmodel.analysis.known_at_a_date import Plan, as_known
    from costmodel.analysis.morris import morris_effects, morris_sample
    from costmodel.analysis.one_at_a_time import elasticities, tornado
    from costmodel.analysis.pick_freeze import base_sample, mixed_samples
    from costmodel.analysis.problem import as_problem
    from costmodel.analysis.scores import coverage, crps, interval_score, pit
    from costmodel.analysis.sensitivity import first_order_of, given_data_study, morris_study, sobol_study
    from costmodel.analysis.shapley import shapley_values
    from costmodel.analysis.sobol import sobol_indices
    from costmodel.analysis.store import EnsembleStore, store_ensemble
    from costmodel.analysis.targets import Selector, Target
    from costmodel.analysis.weights import weighted_ensemble

__all__ = [
    "EnsembleStore",
    "Multiple",
    "Observed",
    "Plan",
    "Selector",
    "Target",
    "as_known",
    "as_problem",
    "backtest",
    "backtest_dates",
    "base_sample",
    "break_even",
    "break_even_distribution",
    "break_even_frontier",
    "compare",
    "consistent_draws",
    "coverage",
    "crps",
    "elasticities",
    "elasticity_range",
    "evidence_shares",
    "first_order_of",
    "fit",
    "given_data_indices",
    "given_data_study",
    "interval_score",
    "mixed_samples",
    "morris_effects",
    "morris_sample",
    "morris_study",
    "pit",
    "plan_for",
    "rank_correlations",
    "run_ensemble",
    "shapley_values",
    "sobol_indices",
    "sobol_study",
    "store_ensemble",
    "tornado",
    "waterfall",
    "weighted_ensemble",
]

__getattr__, __dir__ = attach(__name__)
