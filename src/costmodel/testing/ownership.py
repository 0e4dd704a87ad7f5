"""Strategies for the formulas of the ownership domain."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.ownership.accelerator_hour import AcceleratorHour
from costmodel.ownership.project import Method, Project
from costmodel.testing.scalars import positive, rate, share

_ENERGY = "costmodel.ownership.energy"
_RENT = "costmodel.ownership.rent"
_SITE = "costmodel.ownership.site"
_TAX = "costmodel.ownership.tax"
_FINANCE = "costmodel.ownership.finance"
_LOANS = "costmodel.ownership.loans"
_CONTRACTS = "costmodel.ownership.contracts"
_DEPRECIATION = "costmodel.ownership.depreciation"

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_RENT}:annuity": {"discount_rate": rate(-0.3, 0.7), "life": positive(0.0, 40.0)},
    f"{_RENT}:capital_recovery_factor": {"rate": rate(-0.2, 0.5), "periods": positive(0.25, 40.0)},
    f"{_RENT}:levelized_cost": {
        "price": positive(0.0, 1e6),
        "wacc": rate(-0.2, 0.5),
        "life": positive(0.25, 40.0),
        "running_cost": positive(0.0, 1e5),
    },
    f"{_RENT}:required_rent": {
        "price": positive(0.0, 1e6),
        "discount_rate": rate(0.0, 0.3),
        "decline": rate(-0.3, 0.7),
        "life": positive(0.25, 40.0),
        "running_cost": positive(0.0, 1e5),
    },
    f"{_RENT}:rent_per_hour_used": {
        "price": positive(0.0, 1e6),
        "discount_rate": rate(0.0, 0.3),
        "decline": rate(-0.3, 0.7),
        "life": positive(0.25, 40.0),
        "site_price": positive(0.0, 1e6),
        "site_life": positive(1.0, 40.0),
        "running_cost": positive(0.0, 1e5),
        "hours_used": positive(100.0, 8784.0),
    },
    f"{_RENT}:economic_life": {
        "rent": positive(1.0, 1e6),
        "running_cost": positive(0.0, 1e5),
        "decline": rate(-0.3, 0.7),
        "physical_life": positive(0.0, 20.0),
    },
    f"{_ENERGY}:load_factor": {"utilisation": share(), "idle_fraction": share()},
    f"{_ENERGY}:energy_use": {"power": positive(0.0, 1e9), "load": share(), "hours": positive(0.0, 8766.0)},
    f"{_ENERGY}:energy_cost": {
        "it_power": positive(0.0, 1e9),
        "load": share(),
        "pue": positive(1.0, 2.0),
        "hours": positive(0.0, 8766.0),
        "electricity_price": positive(0.0, 3e-4),
    },
    f"{_ENERGY}:facility_cost": {
        "it_power": positive(0.0, 1e9),
        "cost_per_watt": positive(1.0, 50.0),
        "reserve": share(),
    },
    f"{_DEPRECIATION}:sum_of_years_digits_fraction": {"age": rate(-5.0, 40.0), "life": positive(0.25, 40.0)},
    f"{_DEPRECIATION}:economic_fraction": {"age": positive(0.0, 40.0), "decline": rate(-0.2, 0.7)},
    f"{_DEPRECIATION}:rent_value_fraction": {
        "age": rate(-5.0, 40.0),
        "life": positive(0.25, 40.0),
        "discount_rate": rate(0.0, 0.3),
        "decline": rate(-0.2, 0.7),
    },
    f"{_FINANCE}:log_rate": {"rate": rate(-0.5, 1.0)},
    f"{_FINANCE}:rate_with_claims": {
        "wacc": rate(0.0, 0.4),
        "claims": rate(-1e12, 1e12),
        "cash_flow": positive(1e9, 1e12),
        "spread": positive(0.0, 0.05),
    },
    f"{_FINANCE}:weighted_cost_of_capital": {
        "equity_share": share(),
        "equity_cost": rate(0.0, 0.4),
        "debt_cost": rate(0.0, 0.3),
        "tax_rate": share(),
    },
    f"{_FINANCE}:cost_per_hour": {
        "yearly_cost": positive(0.0, 1e6),
        "utilisation": positive(0.01, 1.0),
        "hours_per_year": positive(1000.0, 8784.0),
    },
    f"{_FINANCE}:cost_per_flop": {
        "hourly_cost": positive(0.0, 100.0),
        "peak": positive(1e12, 1e17),
        "mfu": positive(0.01, 1.0),
    },
    f"{_SITE}:power_room": {
        "power_limit": positive(0.0, 1e9),
        "it_power": positive(0.0, 1e9),
        "pue": positive(1.0, 2.0),
    },
    "costmodel.ownership.filings:short_lived_share": {
        "depreciation_rate": positive(0.01, 0.6),
        "short_life": positive(2.0, 8.0),
        "short_shape": positive(1.0, 2.0),
        "long_life": positive(20.0, 40.0),
        "long_shape": positive(1.0, 2.0),
    },
    "costmodel.ownership.project:paid_share": {
        "time": positive(0.0, 10.0),
        "term": positive(0.0, 10.0),
        "default_rate": positive(0.0, 1.0),
    },
    f"{_TAX}:losses_used": {"income": rate(-1e9, 1e9), "losses": positive(0.0, 1e9), "loss_limit": share()},
    f"{_LOANS}:interest_of_step": {
        "owed": positive(0.0, 1e12),
        "rate": rate(-0.1, 0.5),
        "step": positive(0.04, 1.0),
    },
    f"{_TAX}:tax_shield_rent_factor": {"tax_rate": positive(0.0, 0.6), "deductions_value": share()},
    f"{_CONTRACTS}:lease_advantage": {
        "price": positive(0.0, 1e6),
        "owner_cost": positive(0.0, 1e5),
        "lease_rate": positive(0.0, 1e6),
        "wacc": rate(-0.2, 0.5),
        "term": positive(0.25, 20.0),
        "residual_value": positive(0.0, 1e6),
    },
    f"{_CONTRACTS}:take_or_pay_value": {
        "committed_rent": positive(0.0, 1e6),
        "market_rent": positive(0.0, 1e6),
        "decline": rate(-0.3, 0.7),
        "discount_rate": rate(0.0, 0.3),
        "term": positive(0.0, 15.0),
        "life": positive(15.0, 20.0),
        "default_rate": positive(0.0, 1.0),
        "fill_rate": share(),
    },
}
"""One scalar strategy per argument of every registered formula of the domain."""


def _accelerator_hours() -> SearchStrategy[AcceleratorHour]:
    return st.builds(
        AcceleratorHour,
        name=st.just("tried"),
        chip_price=positive(0.0, 1e5),
        server_price=positive(0.0, 1e5),
        network_price=positive(0.0, 1e5),
        it_power=positive(100.0, 5000.0),
        it_life=positive(1.0, 10.0),
        utilisation=positive(0.05, 1.0),
        busy_load=share(),
        idle_load=share(),
        pue=positive(1.0, 2.0),
        electricity_price=positive(0.0, 3e-4),
        facility_cost_per_watt=positive(0.0, 50.0),
        facility_life=positive(5.0, 40.0),
        maintenance_per_watt=positive(0.0, 2.0),
        wacc=positive(0.0, 0.3),
        rent_decline=rate(-0.1, 0.5),
        peak=positive(1e13, 1e16),
        mfu=positive(0.05, 1.0),
    )


def _projects() -> SearchStrategy[Project]:
    contract = st.fixed_dictionaries(
        {
            "share": positive(0.1, 0.9),
            "rent": positive(0.5, 5.0),
            "term": positive(0.5, 5.0),
            "default_rate": positive(0.01, 0.5),
        }
    )
    site = st.fixed_dictionaries(
        {
            "power_limit": positive(1e5, 1e6),
            "cost_per_watt": positive(1.0, 50.0),
            "construction_lag": positive(0.0, 3.0),
            "life": positive(5.0, 40.0),
            "electricity_price": positive(0.0, 3e-4),
            "cooling": st.fixed_dictionaries({"extra_cost_per_watt": positive(0.0, 3.0), "pue": positive(1.0, 2.0)}),
        }
    )
    return st.builds(
        Project,
        name=st.just("tried"),
        years=st.integers(1, 8),
        accelerators=positive(1.0, 1000.0),
        price=positive(100.0, 1e5),
        it_power=positive(100.0, 5000.0),
        lag=positive(0.0, 2.0),
        physical_life=positive(1.0, 8.0),
        failure_rate=positive(0.0, 0.3),
        resale_share=share(),
        site=site,
        rent=positive(0.1, 10.0),
        rent_decline=rate(-0.1, 0.5),
        utilisation=positive(0.05, 1.0),
        contract=st.none() | contract,
        rental_offer=positive(0.1, 10.0),
        busy_load=share(),
        idle_load=share(),
        maintenance_per_watt=positive(0.0, 2.0),
        books=st.fixed_dictionaries(
            {
                "method": st.sampled_from(get_args(Method)),
                "life": positive(0.5, 8.0),
                "salvage_share": positive(0.0, 0.5),
            }
        ),
        capital=st.fixed_dictionaries(
            {"equity_share": share(), "equity_cost": share(), "debt_cost": positive(0.0, 0.3)}
        ),
        tax=st.fixed_dictionaries({"rate": positive(0.0, 0.6), "bonus": share(), "loss_limit": share()}),
    )


SCENARIOS: dict[str, SearchStrategy[Any]] = {"accelerator_hour": _accelerator_hours(), "project": _projects()}
"""A strategy of written scenarios for every model of the domain."""
