"""Every parameter changes some output in at least one scenario; price bases and bounds do what they say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Bound
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError
from costmodel.foundation.results import outputs_of
from costmodel.foundation.schedules import Schedule
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.law


def everything_on() -> FlywheelScenario:
    """A small scenario in which every entry that may be absent is there."""
    return FlywheelScenario(
        **steady_tables(
            time__end="2031-01-01",
            software__jumps=[{"date": "2027-01-01", "factor": 1.5, "share": 0.5}],
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
            hardware__accelerators__opening_book=5e9,
            hardware__accelerators__opening_construction=1e9,
            hardware__network__opening_book=5e8,
            hardware__network__opening_construction=1e8,
            hardware__facility__cost_per_watt=11.0,
            hardware__facility__rent_decline=0.01,
            hardware__facility__opening_book=2e9,
            hardware__facility__opening_construction=2e8,
            hardware__fleet__shipping_lag=0.2,
            hardware__fleet__opening_pipeline=5e4,
            hardware__fleet__physical_life=3.0,
            hardware__fleet__opening_shipped=4e5,
            hardware__fleet__availability=0.95,
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
            },
            market__search={
                "tokens": 1e14, "price_elasticity": -0.5, "price": 2e-6, "compute_per_token": 5e11, "mfu": 0.3,
                "adoption": {"kind": "logistic", "growth": 0.8, "ceiling": 6.0},
            },
            economy__world_product=1.1e14,
            pricing__tightness_exponent=1.0,
            rental__tightness_exponent=2.0,
            rental__cleared_share=0.5,
            rental__fill_rate=0.3,
            service__max_utilisation=0.55,
            training__reserve=3e4,
            training__reserve_growth=0.6,
            training__max_share=0.15,
            training__algorithmic_growth=0.5,
            training__capability_lag=0.4,
            training__staff=1e9,
            training__data=1e8,
            training__final_runs=[{"start": "2027-01-01", "duration": 0.4, "share": 0.5}],
            internal__accelerators=2e4,
            internal__growth=0.3,
            internal__growth_from="2027-01-01",
            investment__plan=4e9,
            investment__plan_end="2026-07-01",
            investment__max_order_growth=1.5,
            accounts__interest_rate=0.08,
            accounts__opening_cash=1e10,
            accounts__minimum_cash=1e9,
            accounts__opening_debt=1e9,
            accounts__opening_losses=1e9,
            accounts__max_debt_ratio=0.3,
            accounts__other_revenue=2e10,
            accounts__other_cost=5e9,
            accounts__other_growth_from="2027-01-01",
            accounts__opening_lease_debt=1e9,
            accounts__facility_operation=0.03,
            accounts__staff=1e9,
            accounts__go_to_market=0.1,
            accounts__overhead=0.05,
            accounts__supplier_margin=0.6,
            accounts__impairment_threshold=0.0,
        )
    )  # fmt: skip


VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"investment.max_order_growth": 0.02},
    {"investment.outside_funding": 1e9, "accounts.opening_cash": 2e9, "accounts.other_revenue": 0.0},
    {"investment.chip_supply": 3e4},
    {"investment.power_room": 6e8},
    {"investment.max_world_share": 1e-5},
    {"training.budget": 1e8, "training.max_share": 0.9},
    {"hardware.fleet.opening_units": 3e4, "rental.tightness_high": 1.2, "pricing.tightness_high": 1.2},
    {"hardware.fleet.opening_units": 3e6, "pricing.tightness_exponent": 1.0},
    {"hardware.fleet.opening_units": 3e4, "rental.max_scarcity_premium": 1.01},
    {"market.chat.compute_floor": 9e11},
    {"software.experience_exponent": 0.1},
    {"training.reserve_growth": 0.0, "training.fixed_share": 0.1},
)
NOT_A_NUMBER_OF_THE_RUN = {"investment.max_growth"}
"""Only decides whether a scenario is refused: tested with the refusal of a runaway."""


def general(path: str) -> str:
    """Return a path with the names of workloads, lines and rows left open."""
    path = re.sub(r"^market\.\w+\.", "market.*.", path)
    path = re.sub(r"^hardware\.lines\.\w+\.", "hardware.lines.*.", path)
    return re.sub(r"\.\d+\.", ".#.", path)


def nudged(value: Any) -> list[Any]:
    """Return values a little off, of which a bound may refuse one."""
    if isinstance(value, Schedule | Distribution):
        return []
    return [value * 0.9, value * 1.1] if value else [0.05]


def fingerprint(result: Trajectory) -> list[np.ndarray]:
    extra = [result.chipmakers_gross_profit]
    return [np.asarray(result[spec.name]) for spec in outputs_of(Trajectory)] + extra


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


@pytest.mark.parametrize(
    ("change", "bound"),
    [
        ({"investment.chip_supply": 3e4}, Bound.CHIP_SUPPLY),
        ({"investment.power_room": 4e8}, Bound.POWER),
        ({"investment.max_world_share": 1e-5}, Bound.WORLD_SHARE),
        ({"investment.max_order_growth": 0.02}, Bound.ORDER_GROWTH),
        ({"investment.outside_funding": 0.0, "accounts.opening_cash": 1e9, "accounts.other_cost": 1e11}, Bound.FUNDING),
    ],
)
def test_each_bound_holds_and_is_named(change: dict[str, float], bound: Bound) -> None:
    result = simulate(everything_on().replace(change))
    assert int(bound) in set(np.asarray(result.bound_held).astype(int))
    assert bool(result.bounded) == (bound in (Bound.CHIP_SUPPLY, Bound.POWER))
    if bound is Bound.POWER:
        assert float(result.facility_power.max()) <= 4e8 * 1.02


@pytest.mark.parametrize("basis", ["rental", "accounting"])
def test_other_price_bases_run(basis: str) -> None:
    tables = steady_tables(
        time__end="2030-01-01",
        pricing__basis=basis,
        rental__tightness_exponent=1.0,
        hardware__accelerators__opening_book=5e9,
    )
    result = simulate(FlywheelScenario(**tables))
    other = simulate(FlywheelScenario(**steady_tables(time__end="2030-01-01")))
    assert np.all(result.price > 0)
    assert not np.allclose(result.price, other.price)


def test_accounting_price_makes_a_death_spiral_of_slack() -> None:
    slack = {"time__end": "2029-01-01", "hardware__fleet__opening_units": 5e6, "market__chat__price_elasticity": -1.6}
    books = {"hardware__accelerators__opening_book": 8e10, "hardware__accelerators__opening_book_life": 20.0}
    spiral = simulate(FlywheelScenario(**steady_tables(**slack, **books, pricing__basis="accounting")))
    calm = simulate(FlywheelScenario(**steady_tables(**slack, **books)))
    assert spiral.price[0, 8] > spiral.price[0, 0]
    assert calm.price[0, 8] < calm.price[0, 0]


def test_round_trips_of_the_built_in_scenarios_are_exact() -> None:
    for name in ("bond-flywheel", "from-2026"):
        scenario = load_scenario(name)
        assert FlywheelScenario.from_toml(scenario.to_toml()) == scenario


def test_a_small_lag_of_orders_is_raised_and_said() -> None:
    result = simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01", hardware__accelerators__lag=0.0)))
    assert result.lag_raised
    assert not simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01"))).lag_raised


def test_experience_and_jumps_lower_compute_per_token() -> None:
    base = everything_on()
    plain = simulate(base.replace({"software.jumps.0.factor": 1.0}))
    jumped = simulate(base)
    ratio = np.asarray(jumped.software_efficiency) / np.asarray(plain.software_efficiency)
    before = base.grid.mid < 2027.0
    assert np.allclose(ratio[before], 1.0, rtol=1e-12)
    # Half of the work runs 1.5 times as fast: 1 / (0.5 + 0.5/1.5) = 1.2, and experience adds to it.
    assert np.all(ratio[~before] >= 1.2 * (1 - 1e-12))
