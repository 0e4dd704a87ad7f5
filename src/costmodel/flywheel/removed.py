"""Entries of earlier scenario files, each with its successor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.foundation.errors import ScenarioError

REMOVED: Mapping[str, str] = {
    "pricing": "[clearing] (speed); prices follow the rent that clears the market, so basis and tightness are removed",
    "rental": "[clearing] (scarcity_exponent); resale is operators.NAME.resale_fee",
    "service.target_utilisation": "clearing.target_use",
    "service.max_utilisation": "clearing.max_use",
    "service": "[clearing]",
    "accounts.wacc": "operators.NAME.financing.wacc",
    "accounts.tax_rate": "operators.NAME.financing.tax_rate",
    "accounts.opening_cash": "operators.NAME.opening.cash",
    "accounts.minimum_cash": "operators.NAME.financing.minimum_cash",
    "accounts.opening_debt": "operators.NAME.opening.debt",
    "accounts.opening_losses": "operators.NAME.opening.tax_losses",
    "accounts.max_debt_ratio": "operators.NAME.financing.credit_limit, in turns of cash flow",
    "accounts.facility_operation": "hardware.sites.operation",
    "accounts.supplier_margin": "suppliers.margin",
    "accounts.impairment_threshold": "operators.NAME.financing.impairment_threshold",
    "accounts": "operators.NAME, .opening and .financing",
    "hardware.fleet.availability": "hardware.accelerators.availability",
    "hardware.fleet.opening_units": "operators.NAME.opening.units",
    "hardware.fleet.opening_pipeline": "operators.NAME.opening.on_order",
    "hardware.fleet.early_retirement": "hardware.accelerators.early_leaving",
    "hardware.fleet": "hardware.accelerators, and operators.NAME.opening for the opening fleet",
    "hardware.facility": "hardware.sites",
    "hardware.accelerators.opening_book": "operators.NAME.opening.accelerators.book",
    "hardware.accelerators.opening_book_life": "operators.NAME.opening.accelerators.life",
    "hardware.accelerators.opening_construction": "operators.NAME.opening.accelerators.construction",
    "hardware.accelerators.opening_run_off": "operators.NAME.opening.accelerators.run_off",
    "hardware.accelerators.leased_share": "operators.NAME.financing.leased_share, of sites",
    "hardware.network.opening_book": "operators.NAME.opening.network.book",
    "hardware.network.opening_book_life": "operators.NAME.opening.network.life",
    "hardware.network.opening_construction": "operators.NAME.opening.network.construction",
    "hardware.network.opening_run_off": "operators.NAME.opening.network.run_off",
    "hardware.network.economic_life": "hardware.accelerators.economic_life: network is recovered with accelerators",
    "hardware.network.lag": "hardware.accelerators.lag: network is bought with accelerators",
    "hardware.network.leased_share": "operators.NAME.financing.leased_share, of sites",
    "software.jumps": "[[shocks]] of kind 'serving'",
    "training.reserve": "training.investors and training.revenue_share: training is a budget",
    "training.reserve_growth": "training.investors, dated",
    "training.max_share": "training.revenue_share",
    "training.fixed_share": "training.revenue_share",
    "training.budget": "training.investors",
    "investment.plan": "operators.NAME.plan.capex",
    "investment.plan_end": "operators.NAME.plan.until",
    "investment.other_capex": "operators.NAME.other_capex",
    "investment.max_order_growth": "[suppliers], whose capability grows with their premium",
    "investment.max_world_share": "operators.NAME.financing.claims_spread: the cost of capital rises with claims",
    "investment.outside_funding": "operators.NAME.financing.own_cash",
    "investment.chip_supply": "suppliers.capability",
    "investment.power_room": "power_grid.energised, in watts a year",
}
"""Removed path → its successor. A longer path is looked up before the table that holds it."""


def _present(data: Mapping[str, Any], path: str) -> bool:
    node: Any = data
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True


def refuse_removed(data: object) -> object:
    """Refuse a written form that has a removed entry, and name the successor; return the form otherwise.

    Raises
    ------
    ScenarioError
        If it has one.
    """
    if isinstance(data, Mapping):
        for path, successor in REMOVED.items():
            if _present(data, path):
                raise ScenarioError(f"{path} is no longer read; write {successor}")
    return data
