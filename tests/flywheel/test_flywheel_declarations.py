"""Bounds and defaults of the flywheel's parameters, each read again from what the parameter means."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from costmodel.flywheel import inputs, operator_inputs, workload_inputs
from costmodel.foundation.inputs import Inputs

pytestmark = pytest.mark.contract

SIGNED = """
    Software.algorithmic_growth Line.price_trend Line.power_trend Training.algorithmic_growth Training.initial_growth
    Internal.growth Investment.initial_trend Shock.growth Operator.other_revenue_growth Operator.other_cost_growth
    Workload.model_growth
"""
"""Growth in logs: it may fall."""
DIVISORS = """
    Software.initial_cumulative_tokens Line.price Line.power Accelerators.economic_life Accelerators.book_life
    Accelerators.physical_life Accelerators.leaving_time Network.book_life Sites.economic_life Sites.book_life
    Hardware.peak Clearing.speed Clearing.scarcity_exponent FinalRun.duration Training.revenue_memory
    Internal.reference_rent Economy.world_product Investment.adjustment Investment.trend_memory
    Investment.trend_damping Investment.room_time Investment.premium_memory OpeningClass.life OpeningBalance.life
    OpeningBalance.power OpeningBalance.site_life OpeningBalance.debt_life OpeningBalance.leases_commence
    OpeningBalance.commitments_over SiliconUse.price_ratio Lives.accelerators_book Lives.accelerators_economic
    Lives.network_book Lives.sites_book Financing.debt_term Financing.lease_term Financing.tax_life
    Workload.budget_sharpness Workload.remembered_price Workload.compute_per_token Workload.budget_share
"""
"""What something is divided by, or whose logarithm is taken: above 0, and half a year of life is allowed."""
PARTS = """
    Energy.idle_fraction FinalRun.share Shock.share Financing.leased_share Financing.bonus_depreciation
    Financing.loss_limit Operator.hosted_share
"""
"""Parts of a whole: none and all are allowed."""
REACHED = "Accelerators.availability Energy.full_load Clearing.target_use Clearing.max_use Workload.mfu"
"""Parts that something is divided by: not none."""
TAKEN = """
    Software.experience_exponent Suppliers.margin Financing.tax_rate Financing.impairment_threshold
    Operator.go_to_market Operator.overhead Operator.resale_fee Operator.hosted_licence
"""
"""Parts of which something must be left: not all."""
OTHERS = {
    "Accelerators.lag": "≥ 0 and ≤ 4",  # years that orders look ahead to
    "Sites.lag": "≥ 0 and ≤ 4",
    "Internal.rent_elasticity": "≤ 0",  # dearer hours, less work
    "Economy.price_growth": "≥ -0.5 and ≤ 3",
    "Investment.max_growth": "> 1",  # a factor of growth
    "Suppliers.max_premium": "≥ 1",  # over the list price
    "Grid.max_premium": "≥ 1",
    "OpeningClass.run_off": "≥ 1",  # 1 runs off evenly
}
BOUNDS = {
    **dict.fromkeys(SIGNED.split(), ""),
    **dict.fromkeys(DIVISORS.split(), "> 0"),
    **dict.fromkeys(PARTS.split(), "≥ 0 and ≤ 1"),
    **dict.fromkeys(REACHED.split(), "> 0 and ≤ 1"),
    **dict.fromkeys(TAKEN.split(), "≥ 0 and < 1"),
    **OTHERS,
}
"""All others are amounts or rates of at least 0."""
DEFAULTS = {
    # Law: 26 USC 11(b) taxes at 21 %; 172(a)(2) lets losses offset 80 %; 168(e)(3)(B) gives equipment five years.
    "Financing.tax_rate": 0.21,
    "Financing.loss_limit": 0.8,
    "Financing.tax_life": 5.0,
    # A factor or a share that leaves things as they are.
    "Line.share": 1.0,
    "Accelerators.availability": 1.0,
    "Energy.full_load": 1.0,
    "Clearing.max_use": 1.0,
    "Internal.reference_rent": 1.0,
    "Shock.share": 1.0,
    "OpeningClass.run_off": 1.0,
    "SiliconUse.price_ratio": 1.0,
    "Operator.internal_value": 1.0,
    "Workload.mfu": 1.0,
    "Workload.budget_sharpness": 1.0,
    # Lives and times in years, and the rule's own speeds: assumed, as the documentation of the flywheel states them.
    "Accelerators.leaving_time": 0.75,
    "Network.book_life": 5.0,
    "Sites.economic_life": 20.0,
    "Sites.book_life": 20.0,
    "OpeningBalance.site_life": 20.0,
    "OpeningClass.life": 3.0,
    "OpeningBalance.life": 4.5,
    "OpeningBalance.debt_life": 7.0,
    "OpeningBalance.leases_commence": 4.0,
    "OpeningBalance.commitments_over": 2.0,
    "Financing.debt_term": 10.0,
    "Financing.lease_term": 10.0,
    "Financing.credit_limit": 8.0,
    "Clearing.scarcity_exponent": 3.0,
    "Training.revenue_memory": 0.5,
    "Investment.adjustment": 1.0,
    "Investment.trend_memory": 0.4,
    "Investment.room_time": 0.25,
    "Investment.premium_memory": 0.5,
    "Investment.max_growth": 100.0,
    "Suppliers.supply_elasticity": 1.0,
    "Suppliers.build_up": 1.0,
    "Suppliers.max_build_up": 0.5,
    "Suppliers.run_down": 0.1,
    "Suppliers.max_premium": 2.0,
    "Grid.supply_elasticity": 1.0,
    "Grid.max_premium": 2.0,
}
"""Defaults other than 0 and absent."""


def declared() -> Iterator[tuple[str, type[Inputs], str]]:
    """Give every parameter that the flywheel's tables declare themselves."""
    for module in (inputs, operator_inputs, workload_inputs):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Inputs) and kind.__module__ == module.__name__:
                yield from (
                    (f"{kind.__name__}.{name}", kind, name)
                    for name in kind.specs().keys() & inspect.get_annotations(kind)
                )


def test_every_bound_is_that_of_its_meaning() -> None:
    bounds = {path: kind.specs()[name].bounds() for path, kind, name in declared()}
    assert set(BOUNDS) <= set(bounds)
    assert bounds == {path: BOUNDS.get(path, "≥ 0") for path in bounds}


def test_every_default_is_the_stated_one() -> None:
    defaults = {path: kind.model_fields[name].default for path, kind, name in declared()}
    numbers = {path: value for path, value in defaults.items() if isinstance(value, float | int) and value != 0.0}
    assert numbers == DEFAULTS
