"""Every parameter changes an output in at least one scenario; price bases and bounds have their stated effect."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Bound
from costmodel.flywheel.removed import REMOVED
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError, ScenarioError
from costmodel.foundation.results import outputs_of
from costmodel.foundation.schedules import Schedule
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.law


def everything_on() -> FlywheelScenario:
    """Return a small scenario with every optional entry."""
    return FlywheelScenario(
        **steady_tables(
            time__end="2031-01-01",
            software__fade_from="2027-01-01",
            software__algorithmic_fade=0.05,
            hardware__lines={
                "one": {
                    "share": 0.7, "price": 25000.0, "price_trend": -0.3, "power": 1000.0, "power_trend": -0.1,
                    "trend_from": "2026-07-01", "expected_decline": 0.2,
                },
                "two": {"share": 0.3, "price": 20000.0, "power": 900.0},
            },
            hardware__maintenance=0.04,
            hardware__sites__cost_per_watt=11.0,
            hardware__sites__lag=1.25,
            hardware__sites__operation=0.03,
            hardware__accelerators__shipping_lag=0.2,
            hardware__accelerators__physical_life=3.0,
            hardware__accelerators__availability=0.95,
            hardware__accelerators__early_leaving=True,
            energy__price=8e-5,
            energy__full_load=0.8,
            energy__idle_fraction=0.3,
            market__chat__launch="2026-03-01",
            market__chat__ramp=0.5,
            market__chat__intensity_growth=0.3,
            market__chat__intensity_fade=2.0,
            market__chat__capability_elasticity=0.2,
            market__chat__price_memory=2.0,
            market__chat__remembered_price=1.1e-6,
            market__chat__compute_floor=1e9,
            market__chat__model_fade=0.05,
            market__chat__model_fade_from="2027-01-01",
            market__chat__paid_share=0.6,
            market__chat__price_realisation=0.8,
            market__chat__budget_share=1e-3,
            market__agents={
                "tokens": 1e14, "price_elasticity": -1.2, "price": 2e-6, "compute_per_token": 2e12, "mfu": 0.3,
                "adoption": {"kind": "bass", "innovation": 0.05, "imitation": 0.6, "ceiling": 20.0},
                "budget": 5e9,
            },
            market__search={
                "tokens": 1e14, "price_elasticity": -0.5, "price": 2e-6, "compute_per_token": 5e11, "mfu": 0.3,
                "adoption": {"kind": "logistic", "growth": 0.8, "ceiling": 6.0},
            },
            economy__world_product=1.1e14,
            clearing__scarcity_exponent=3.0,
            clearing__max_use=0.55,
            training__revenue_share=0.3,
            training__investors=1e9,
            training__initial_growth=0.5,
            training__algorithmic_growth=0.5,
            training__capability_lag=0.4,
            training__staff=1e9,
            training__data=1e8,
            training__final_runs=[{"start": "2027-01-01", "duration": 0.4, "share": 0.5}],
            internal={
                "accelerators": 2e4, "growth": 0.3, "growth_from": "2027-01-01", "rent_elasticity": -0.5,
                "reference_rent": 2.0,
            },
            investment__trend_damping=6.0,
            suppliers={"capability": 1e5, "margin": 0.6},
            power_grid={"energised": 1e8},
            operators={"first": OPERATOR, "second": OTHER},
            shocks=[
                {"kind": "serving", "date": "2027-01-01", "factor": 1.5, "share": 0.5},
                {"kind": "demand", "date": "2027-07-01", "factor": 1.2, "share": 0.5},
            ],
        )
    )  # fmt: skip


OPERATOR: dict[str, Any] = {
    "share": 0.6, "token_share": 0.5, "training_share": 0.5, "internal_share": 0.7,
    "opening": {
        "units": 2e5, "life": 5.0, "power": 1000.0, "on_order": 5e4, "shipped": 3e5, "site_power": 2.1e8,
        "site_life": 15.0, "sites_building": 5e7,
        "accelerators": {"book": 5e9, "life": 3.0, "run_off": 1.5, "construction": 1e9},
        "network": {"book": 5e8, "life": 3.0, "run_off": 1.5, "construction": 1e8},
        "sites": {"book": 2e9, "life": 12.0, "run_off": 1.2, "construction": 2e8},
        "cash": 1e9, "debt": 1e9, "debt_life": 4.0, "lease_debt": 5e8, "leases_signed": 1e9, "leases_commence": 2.0,
        "commitments": 2e10, "commitments_over": 1.5, "tax_losses": 1e9,
    },
    "silicon": {"one": {"share": 0.5}, "two": {"share": 0.5, "price_ratio": 0.8}},
    "lives": {"accelerators_book": 4.0, "accelerators_economic": 4.5, "network_book": 6.0, "sites_book": 25.0},
    "plan": {"capex": 4e9, "until": "2026-07-01", "sites": 5e7},
    "other_capex": 1e8,
    "financing": {
        "wacc": 0.1, "claims_spread": 0.015, "credit_limit": 3.0, "own_cash": 1e9, "interest_rate": 0.08,
        "cash_yield": 0.02, "debt_term": 5.0, "lease_term": 8.0, "leased_share": 0.2, "minimum_cash": 5e8,
        "maximum_cash": 2e9, "tax_rate": 0.21, "bonus_depreciation": 0.5, "tax_life": 5.0, "impairment_threshold": 0.0,
    },
    "contracts": [
        {"buyer": "second", "start": "2026-07-01", "end": "2028-01-01", "accelerators": 1e4, "rent": 2.0},
    ],
    "staff": 1e9, "go_to_market": 0.1, "overhead": 0.05, "internal_value": 1.0, "resale_fee": 0.05,
    "hosted_share": 0.5, "hosted_licence": 0.2,
    "other_revenue": 2e10, "other_cost": 5e9, "other_revenue_growth": 0.1, "other_cost_growth": 0.05,
    "other_growth_from": "2027-01-01",
}  # fmt: skip
OTHER: dict[str, Any] = {
    "share": 0.4, "token_share": 0.5, "training_share": 0.5, "internal_share": 0.3,
    "opening": {"units": 1e5, "life": 5.0, "power": 1000.0},
    "financing": {"wacc": 0.08, "own_cash": 1e12},
}  # fmt: skip
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"operators.first.opening.cash": 5e10, "operators.first.financing.own_cash": 0.0},
    {"operators.first.financing.own_cash": 0.0, "operators.first.other_revenue": 0.0, "operators.first.staff": 1e10},
    {
        "operators.first.financing.own_cash": 0.0,
        "operators.first.opening.commitments": 8e10,
        "operators.first.other_revenue": 8e9,
        "operators.first.opening.cash": 0.0,
    },
    {"suppliers.capability": 3e6, "power_grid.energised": 1e10},
    {"suppliers.capability": 3e4, "suppliers.build_up": 0.1},
    {"suppliers.capability": 3e4, "suppliers.max_premium": 1.05},
    {"power_grid.energised": 1e7},
    {"market.chat.compute_floor": 9e11},
    {"software.experience_exponent": 0.1},
    {"operators.first.opening.units": 3e6, "operators.first.opening.site_power": 3e9},
    {"operators.first.opening.power": 3000.0},  # more than sites give: old accelerators leave early
    {  # a share of tokens that changes, so that its inertia has an effect
        "operators.first.token_share": {"knots": [["2026-01-01", 0.3], ["2028-01-01", 0.7]], "interpolation": "linear"},
        "operators.second.token_share": {
            "knots": [["2026-01-01", 0.7], ["2028-01-01", 0.3]],
            "interpolation": "linear",
        },
    },
)
NOT_A_NUMBER_OF_THE_RUN = {"investment.max_growth"}
"""Parameter that only decides whether a scenario is refused; tested with the refusal of a runaway."""


def general(path: str) -> str:
    """Return a path with wildcards for the names of workloads, lines and rows."""
    path = re.sub(r"^market\.\w+\.", "market.*.", path)
    path = re.sub(r"^operators\.\w+\.", "operators.*.", path)
    path = re.sub(r"^operators\.\*\.silicon\.\w+\.", "operators.*.silicon.*.", path)
    path = re.sub(r"^hardware\.lines\.\w+\.", "hardware.lines.*.", path)
    return re.sub(r"\.\d+\.", ".#.", path)


def nudged(value: Any) -> list[Any]:
    """Return values slightly above and below, one of which a bound may refuse."""
    if isinstance(value, Schedule | Distribution):
        return []
    return [value * 0.9, value * 1.1] if value else [0.05]


def fingerprint(result: Trajectory) -> list[np.ndarray]:
    extra = [result.chipmakers_gross_profit]
    return [np.asarray(result[spec.name]) for spec in outputs_of(Trajectory, derived=False)] + extra


def test_every_parameter_changes_some_output() -> None:
    base = everything_on()
    open_paths = {general(path) for path in base.paths()} - NOT_A_NUMBER_OF_THE_RUN
    for variant in VARIANTS:
        scenario = base.replace(variant)
        reference = fingerprint(simulate(scenario))
        for path, value, _, _ in scenario.walk():
            if general(path) not in open_paths or value is None:
                continue
            for change in nudged(value):
                try:
                    other = fingerprint(simulate(scenario.replace({path: change})))
                except CostModelError:
                    continue
                if any(not np.array_equal(a, b) for a, b in zip(reference, other, strict=True)):
                    open_paths.discard(general(path))
                    break
    assert sorted(open_paths) == []


BOUNDS = [
    ({"suppliers.capability": 3e4, "power_grid.energised": 1e11}, Bound.CHIPS),
    (
        {"suppliers.capability": 1e8, "power_grid.energised": 1e6, "operators.second.opening.site_power": 1e7},
        Bound.ROOM,
    ),
    ({"suppliers.capability": 1e8, "power_grid.energised": 1e11}, Bound.RETURN),
    ({}, Bound.PLAN),
    ({"operators.second.financing.own_cash": 0.0, "operators.second.staff": 1e11}, Bound.CREDIT),
]


@pytest.mark.parametrize(("change", "bound"), BOUNDS)
def test_each_bound_holds_and_is_named(change: dict[str, float], bound: Bound) -> None:
    result = simulate(everything_on().replace(change))
    assert int(bound) in set(np.asarray(result.bound_held).astype(int).ravel())
    if bound is Bound.CREDIT:
        assert float(result.rescue[:, 1].sum()) > 0.0
    if bound is Bound.CHIPS:
        # Orders stay within what suppliers deliver at the premium, and the premium within its bound.
        most = result.supplier_capability * (1.0 + np.asarray(result.chip_premium)) * result.scenario.grid.length
        assert np.all(np.asarray(result.accelerators_bought)[4:] <= np.asarray(most)[4:] * 1.2)
        assert float(result.chip_premium.max()) <= 1.0 + 1e-12


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [(path, successor.split()[0], successor) for path, successor in REMOVED.items()],
)
def test_a_removed_entry_is_refused_with_its_successor(path: str, value: str, names: str) -> None:
    tables = steady_tables(**{path.replace(".", "__"): {} if "." not in path else 1.0})
    with pytest.raises(ScenarioError, match=re.escape(names)) as refused:
        FlywheelScenario(**tables)
    assert path in str(refused.value)


def test_round_trips_of_the_built_in_scenarios_are_exact() -> None:
    for name in ("bond-flywheel", "from-2026"):
        scenario = load_scenario(name)
        assert FlywheelScenario.from_toml(scenario.to_toml()) == scenario


def test_a_small_lag_of_orders_is_raised_and_said() -> None:
    result = simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01", hardware__accelerators__lag=0.0)))
    assert result.lag_raised
    assert not simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01"))).lag_raised


def test_experience_and_shocks_lower_compute_per_token() -> None:
    base = everything_on()
    plain = simulate(base.replace({"shocks.0.factor": 1.0}))
    jumped = simulate(base)
    ratio = np.asarray(jumped.software_efficiency) / np.asarray(plain.software_efficiency)
    before = base.grid.mid < 2027.0
    assert np.allclose(ratio[before], 1.0, rtol=1e-12)
    # Half of the work runs 1.5 times as fast: 1 / (0.5 + 0.5/1.5) = 1.2, and experience adds to it.
    assert np.all(ratio[~before] >= 1.2 * (1 - 1e-12))
