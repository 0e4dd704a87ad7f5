"""Bounds and defaults of the flywheel's parameters, each read again from what the parameter means."""

from __future__ import annotations

from typing import Any

import pytest
from tests.default_numbers import declared, default_numbers

from costmodel.flywheel import inputs, operator_inputs, workload_inputs
from costmodel.foundation.errors import ScenarioError
from costmodel.testing.flywheel import steady_tables

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


DECLARED = tuple(declared(inputs, operator_inputs, workload_inputs))


def test_every_bound_is_that_of_its_meaning() -> None:
    bounds = {path: kind.specs()[name].bounds() for path, kind, name in DECLARED}
    assert set(BOUNDS) <= set(bounds)
    assert bounds == {path: BOUNDS.get(path, "≥ 0") for path in bounds}


def test_every_default_is_the_stated_one() -> None:
    defaults = {path: kind.model_fields[name].default for path, kind, name in DECLARED}
    numbers = {path: value for path, value in defaults.items() if isinstance(value, float | int) and value != 0.0}
    assert numbers == DEFAULTS


def shock(**entries: Any) -> dict[str, Any]:
    return {"shocks": [{"kind": "demand", "date": "2027-01-01", "factor": 0.5, **entries}]}


LIFE = {"kind": "book_life", "factor": 1.2}
REFUSED: list[tuple[dict[str, Any], str | None]] = [
    ({"clearing__target_use": 0.8, "clearing__max_use": 0.8}, None),
    ({"clearing__target_use": 0.8, "clearing__max_use": 0.79}, r"target_use 0\.8 is above max_use 0\.79"),
    (shock(until="2027-01-02"), None),
    (shock(until="2027-01-01"), r"until \(2027-01-01\) must be after date \(2027-01-01\)"),
    (shock(**LIFE), None),
    (shock(**LIFE, until="2028-01-01"), "takes no until"),
    (shock(**LIFE, growth=0.1), "changes at its date"),
    (shock(factor=0.0), None),
    *((shock(kind=kind, factor=0.0), "factor must be above 0") for kind in ("serving", "training", "book_life")),
    ({"market__chat__budget_share": 0.001}, r"market\.chat\.budget_share needs economy\.world_product"),
    ({"market__chat__budget_share": 0.001, "economy__world_product": 1e14}, None),
    (
        {"market__chat__budget_share": 0.001, "market__chat__budget": 1e9, "economy__world_product": 1e14},
        "give budget or budget_share, not both",
    ),
    ({"operators__all__silicon": {"one": {"share": 1.0}}}, None),
    ({"operators__all__silicon": {"won": {"share": 1.0}}}, r"silicon\.won: hardware\.lines has no such line.*'one'"),
    *(
        (
            {"operators__all__contracts": [
                {"buyer": buyer, "start": "2026-07-01", "end": "2027-07-01", "accelerators": 1.0, "rent": 1.0}
            ]},
            f"buyer '{buyer}' is not another operator",
        )
        for buyer in ("all", "nobody")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_what_does_not_fit_together_is_refused_and_its_neighbour_taken(
    changes: dict[str, Any], said: str | None
) -> None:
    tables = steady_tables(**changes)
    if said is None:
        inputs.FlywheelScenario(**tables)
    else:
        with pytest.raises(ScenarioError, match=said):
            inputs.FlywheelScenario(**tables)


def test_what_functions_take_where_nothing_is_given() -> None:
    """Ends of the elasticities that history cannot tell apart; a whole line; the dense 8-bit peak of an H100."""
    found = default_numbers("flywheel")
    found.pop("compiled.steps_taken", None)  # threads
    assert found == {
        "decomposition.range_of_parts": {"elasticities": (-0.5, -1.8), "capability_elasticities": (0.0, 0.3)},
        "generations.line_of_generations": {"share": 1.0, "power_factor": 1.8, "reference_peak": 1979e12},
    }
