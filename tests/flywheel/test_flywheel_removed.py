"""Every removed entry of earlier scenario files is refused by name, with its successor."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.errors import ScenarioError

pytestmark = pytest.mark.contract

GONE = (
    "accounts",
    "accounts.facility_operation",
    "accounts.go_to_market",
    "accounts.impairment_threshold",
    "accounts.interest_rate",
    "accounts.lease_term",
    "accounts.max_debt_ratio",
    "accounts.minimum_cash",
    "accounts.opening_cash",
    "accounts.opening_debt",
    "accounts.opening_lease_debt",
    "accounts.opening_losses",
    "accounts.other_cost",
    "accounts.other_cost_growth",
    "accounts.other_growth_from",
    "accounts.other_revenue",
    "accounts.other_revenue_growth",
    "accounts.overhead",
    "accounts.staff",
    "accounts.supplier_margin",
    "accounts.tax_rate",
    "accounts.wacc",
    "hardware.accelerators.leased_share",
    "hardware.accelerators.opening_book",
    "hardware.accelerators.opening_book_life",
    "hardware.accelerators.opening_construction",
    "hardware.accelerators.opening_run_off",
    "hardware.facility",
    "hardware.facility.book_life",
    "hardware.facility.cost_per_watt",
    "hardware.facility.economic_life",
    "hardware.facility.lag",
    "hardware.facility.leased_share",
    "hardware.facility.opening_book",
    "hardware.facility.opening_book_life",
    "hardware.facility.opening_construction",
    "hardware.facility.opening_run_off",
    "hardware.facility.rent_decline",
    "hardware.fleet",
    "hardware.fleet.availability",
    "hardware.fleet.early_retirement",
    "hardware.fleet.failure_rate",
    "hardware.fleet.opening_life",
    "hardware.fleet.opening_pipeline",
    "hardware.fleet.opening_power",
    "hardware.fleet.opening_shipped",
    "hardware.fleet.opening_units",
    "hardware.fleet.physical_life",
    "hardware.fleet.shipping_lag",
    "hardware.network.economic_life",
    "hardware.network.lag",
    "hardware.network.leased_share",
    "hardware.network.opening_book",
    "hardware.network.opening_book_life",
    "hardware.network.opening_construction",
    "hardware.network.opening_run_off",
    "investment.chip_supply",
    "investment.max_order_growth",
    "investment.max_world_share",
    "investment.other_capex",
    "investment.outside_funding",
    "investment.plan",
    "investment.plan_end",
    "investment.power_room",
    "pricing",
    "pricing.basis",
    "pricing.speed",
    "pricing.tightness_exponent",
    "pricing.tightness_high",
    "pricing.tightness_low",
    "rental",
    "rental.cleared_share",
    "rental.fill_rate",
    "rental.max_scarcity_premium",
    "rental.tightness_exponent",
    "rental.tightness_high",
    "rental.tightness_low",
    "service",
    "service.max_utilisation",
    "service.target_utilisation",
    "software.jumps",
    "software.jumps.date",
    "software.jumps.factor",
    "software.jumps.share",
    "training.budget",
    "training.fixed_share",
    "training.max_share",
    "training.reserve",
    "training.reserve_growth",
)
"""Entries of the flywheel's inputs in the previous release that no longer exist, as their classes declared them."""


@pytest.mark.parametrize("path", GONE)
def test_what_is_gone_is_refused_with_its_successor(path: str) -> None:
    *parents, last = path.split(".")
    form: dict[str, Any] = {}
    node = form
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = 1.0
    with pytest.raises(ScenarioError, match="is no longer read; write ") as caught:
        FlywheelScenario(**form)
    named = str(caught.value).split(" is no longer read")[0]
    assert path == named or path.startswith(f"{named}.")
