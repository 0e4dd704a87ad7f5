"""The built-in scenarios against history, against frozen demand, and against shorter steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from costmodel.analysis.targets import Selector
from costmodel.analysis.weights import weighted_ensemble
from costmodel.entry import load_scenario
from costmodel.estimation.scarcity import contract_rents, rent_backtest
from costmodel.flywheel.decomposition import range_of_parts
from costmodel.flywheel.history import compare_with_history, read_off
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.opening import opening_balance
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.stability import CUTS, response_to_demand, stability_report
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.scenario import Observation
from costmodel.testing.flywheel import steady_tables

BUILT_IN = ("bond-flywheel", "from-2026")


def by_year(result, name: str, reduce: str = "sum") -> np.ndarray:
    series = np.asarray(getattr(result, name))
    grid = result.scenario.grid
    return np.array([getattr(series[grid.year_steps(year)], reduce)(axis=0) for year in grid.years])


@pytest.mark.published
def test_history_is_met_or_the_miss_is_printed() -> None:
    compared = compare_with_history(simulate(load_scenario("bond-flywheel")))
    worst = {}
    for item in compared:
        name = item.observation.output
        worst[name] = max(worst.get(name, 0.0), abs(float(item.error)))
    assert worst["tokens"] <= 0.25
    assert worst["accelerators_shipped"] <= 0.10
    assert worst["rental_price"] <= 0.20
    assert worst["user_spend"] <= 0.20
    assert set(worst) == {
        "tokens", "accelerators_shipped", "capex", "rental_price", "user_spend", "training_share_of_compute",
    }  # fmt: skip
    assert len(load_scenario("bond-flywheel").misses) >= 3


@pytest.mark.regression
@pytest.mark.parametrize("name", BUILT_IN)
def test_unit_cost_falls_and_user_spend_rises_in_the_base_case(name: str) -> None:
    result = simulate(load_scenario(name))
    assert np.all(np.diff(by_year(result, "fixed_weight_unit_cost", "mean")) < 0)
    assert np.all(np.diff(by_year(result, "user_spend")) > 0)


def frozen(elasticity: float, **changes: Any) -> FlywheelScenario:
    """Return a small market in which only the price of compute moves demand."""
    still = {
        "time__end": "2034-01-01",
        "market__chat__price_elasticity": elasticity,
        "market__chat__adoption": {"growth": 0.0},
        "software__experience_exponent": 0.0,
        "investment__initial_trend": 0.0,
    }
    return FlywheelScenario(**steady_tables(**{**still, **changes}))


@pytest.mark.closed_form
def test_inelastic_demand_alone_lowers_user_spend() -> None:
    spend = by_year(simulate(frozen(-0.5)), "user_spend")
    assert np.all(np.diff(spend[2:]) < 0)


@pytest.mark.closed_form
def test_unit_elasticity_keeps_user_spend_flat() -> None:
    # Users notice at once, so D(p)·p stays at its opening value for any price; capacity is ample.
    result = simulate(
        frozen(
            -1.0,
            operators__all__opening__units=1e9,
            operators__all__opening__life=50.0,
            hardware__accelerators__physical_life=50.0,
        )
    )
    assert np.allclose(result.fill, 1.0, rtol=1e-12)
    spend = np.asarray(result.user_spend)
    assert np.max(np.abs(spend / spend[0] - 1)) < 1e-9


FLOWS = ("tokens", "user_spend", "capex", "depreciation", "operator_cost", "energy_used", "accelerators_bought")


QUARTER_AND_MONTH = {"capex": 0.06, "accelerators_bought": 0.08}
"""Largest difference between quarters and months where it is above 3 %: orders of the year in which the plan ends."""


@pytest.mark.regression
def test_yearly_totals_hardly_depend_on_the_step() -> None:
    scenario = load_scenario("bond-flywheel")
    runs = {step: simulate(scenario.replace({"time.step": step})) for step in ("quarter", "month", "half-month")}
    for name in FLOWS:
        quarter, month, half = (by_year(runs[step], name) for step in ("quarter", "month", "half-month"))
        assert np.max(np.abs(quarter / month - 1)) < QUARTER_AND_MONTH.get(name, 0.03), name
        assert np.max(np.abs(month / half - 1)) < 0.02, name


@pytest.mark.closed_form
@pytest.mark.parametrize("draws", [None, 20])
def test_the_decomposition_adds_up_in_every_year(draws: int | None) -> None:
    result = simulate(load_scenario("bond-flywheel"), draws=draws, rng=0)
    for parts in (result.decompose_user_spend(), result.decompose_compute()):
        gap = np.abs(parts.parts.sum(axis=0) - parts.change)
        assert np.max(gap / np.abs(parts.parts).sum(axis=0)) < 1e-12
    units = [result.decompose_user_spend().outputs()["parts"].unit, result.decompose_compute().outputs()["parts"].unit]
    assert units == ["USD", "1"]
    spend = by_year(result, "user_spend")
    assert np.allclose(result.decompose_user_spend().change, np.diff(spend, axis=0), rtol=1e-9)


@pytest.mark.closed_form
def test_another_elasticity_moves_growth_between_price_and_adoption_only() -> None:
    result = simulate(load_scenario("bond-flywheel"))
    own, other = result.decompose_user_spend(), result.decompose_user_spend(elasticity=-0.5)
    assert np.allclose(other.part("price response"), own.part("price response") * 0.5 / 1.1, rtol=1e-12)
    moved = own.part("price response") - other.part("price response")
    assert np.allclose(other.part("adoption"), own.part("adoption") + moved, rtol=1e-12)
    low, high = range_of_parts(result, ["price response"], until=2026)
    assert 0 < low < float(own.share("price response", until=2026)) < high
    with pytest.raises(DomainError, match="no factor"):
        own.part("hardwear")


@pytest.mark.closed_form
def test_history_read_at_a_response_of_nothing_is_that_of_a_run_without_it() -> None:
    """A workload that does not respond to capability holds no response: read at 0 nothing moves, else it is refused."""
    scenario = FlywheelScenario(**steady_tables(time__end="2028-01-01", market__chat__capability_elasticity=0.0))
    result = simulate(scenario)
    own, other = result.decompose_user_spend(), result.decompose_user_spend(capability_elasticity=0.0)
    assert np.array_equal(other.parts, own.parts)
    with pytest.raises(DomainError, match=r"capability_elasticity = 0\.2: a workload's own value is 0"):
        result.decompose_user_spend(capability_elasticity=0.2)
    with pytest.raises(DomainError, match="two whole years"):
        simulate(scenario.replace({"time.end": "2027-01-01"})).decompose_compute()


@pytest.mark.closed_form
def test_gains_of_the_loops_by_hand() -> None:
    """A quarter's step, b = 0.2, an elasticity of -1 and 0.1, orders over a year, half a year of lag."""
    scenario = FlywheelScenario(
        **steady_tables(
            time__end="2029-01-01",
            market__chat__capability_elasticity=0.1,
            training={"revenue_share": 0.2, "algorithmic_growth": 0.3},
            internal={"accelerators": 2e4, "rent_elasticity": -0.5, "reference_rent": 2.0},
        )
    )
    report, run = stability_report(scenario), simulate(scenario)
    gains = {loop.name: loop.value for loop in report.loops}
    assert gains["experience and capability"] == pytest.approx(0.2 * 1.0 + 0.1 * (1.0 - 0.2), rel=1e-12)
    assert gains["orders"] == pytest.approx(1.0 - 0.25 / (1.0 + 0.125), rel=1e-12)
    assert gains["forecast"] == pytest.approx((1.0 + 0.5) / 0.4, rel=1e-12)
    busy, training, internal = (
        float(np.asarray(row)[-1].sum()) for row in (run.accelerators_by_workload, run.training_compute, run.internal)
    )
    used = busy + training + internal
    assert min(busy, training, internal) > 0.01 * used
    assert gains["training from revenue"] == pytest.approx(training / used, rel=1e-12)
    # Of all hours: tokens fall by 1, training by 1 and internal work by 0.5 as the rent rises; it rises by 3.
    assert gains["scarcity"] == pytest.approx(-3.0 * (busy + training + 0.5 * internal) / used, rel=1e-12)
    tokens = np.asarray(run.tokens).reshape(3, 4).sum(axis=1)
    assert [row.year for row in report.local_growth] == [2027, 2028]
    assert [row.tokens for row in report.local_growth] == pytest.approx(list(np.diff(np.log(tokens))), rel=1e-12)
    # G = 0.28; hardware falls by 0.3, software gains 0.5 and the model takes 0.2; training gains 0.3 + 0.2 - 0.5 = 0.
    assert [row.closed_form for row in report.local_growth] == pytest.approx([(0.1 + 0.6) / 0.72] * 2, rel=1e-12)
    assert [row.hardware_share for row in report.local_growth] == pytest.approx([1.0] * 2, rel=1e-12)
    with pytest.raises(ScenarioError, match=r"stability needs 3 whole years, .* the run has 2"):
        stability_report(scenario.replace({"time.end": "2028-01-01"}))


@pytest.mark.contract
def test_stability_report_names_every_loop() -> None:
    report = stability_report(load_scenario("bond-flywheel"))
    gains = {loop.name: loop.value for loop in report.loops}
    assert set(gains) == {"experience and capability", "scarcity", "forecast", "training from revenue", "orders"}
    assert gains["experience and capability"] < 1
    assert gains["scarcity"] < 0
    assert 0 < gains["training from revenue"] < 1
    assert set(report.responses) == set(CUTS)
    assert [row.year for row in report.local_growth] == list(range(2024, 2031))


@pytest.mark.closed_form
@pytest.mark.parametrize("lag", [0.4, 1.0, 2.0])
def test_a_rise_of_demand_overshoots_for_a_while_and_settles(lag: float) -> None:
    tables = steady_tables(
        market__chat__price_elasticity=-0.8, software__experience_exponent=0.0, market__chat__adoption={"growth": 0.0},
        investment__trend_damping=6.0, hardware__accelerators__lag=lag, investment__initial_trend=0.0,
    )  # fmt: skip
    response = response_to_demand(FlywheelScenario(**tables), {})
    # A lasting rise of demand by 30 % asks for 30 % more accelerators in the end.
    assert response.last == pytest.approx(1.0, abs=0.03)
    assert response.settled is not None
    assert 1.0 < response.peak < 2.5
    calm = response_to_demand(FlywheelScenario(**tables), {"investment.trend_memory": "1000000 year"})
    assert calm.peak < response.peak


@pytest.mark.contract
def test_weighting_by_history_narrows_and_refuses_too_few() -> None:
    scenario = load_scenario("bond-flywheel")
    run = weighted_ensemble(scenario, ["tokens@2026"], draws=2000, rng=0)
    assert run.effective > 50
    assert abs(float(run.weights.sum()) - 1) < 1e-12
    low, _, high = np.log(run.bands("tokens@2026"))
    wide_low, _, wide_high = np.log(run.unconditional("tokens@2026"))
    assert high - low < wide_high - wide_low
    with pytest.raises(DomainError, match="effective draws"):
        weighted_ensemble(scenario, ["tokens@2026"], draws=20, rng=0)
    with pytest.raises(DomainError, match="no observations"):
        weighted_ensemble(scenario.replace({"observations": []}), ["tokens@2026"], draws=20, rng=0)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("output", "date", "unit"),
    [("tokenz", "2024", "token"), ("tokens", "2040-01-01", "token/year"), ("tokens", "2024-05-01", "token")],
)
def test_an_observation_that_cannot_be_read_off_is_named(output: str, date: str, unit: str) -> None:
    row = Observation(output=output, date=date, value=1.0, unit=unit, source="x")
    with pytest.raises(ScenarioError, match=output):
        read_off(simulate(load_scenario("bond-flywheel")), row)


@pytest.mark.contract
def test_sources_list_every_assumption_by_grade() -> None:
    scenario = load_scenario("bond-flywheel")
    lines = scenario.sources()
    assert {line.path for line in lines} <= set(scenario.paths())
    grades = {line.path: line.grade.value for line in lines}
    assert grades["market.chat.adoption.ceiling"] == "assumed"
    assert grades["operators.industry.financing.tax_rate"] == "reported"
    assert grades["energy.price"] == "published"
    assert all(line.source is not None for line in lines if line.grade.value not in ("assumed", "unverified"))


@pytest.mark.closed_form
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_opening_balance_adds_up_and_names_the_remainder(name: str) -> None:
    result = simulate(load_scenario(name))
    lines = opening_balance(result)
    assert sum(line.accelerators for line in lines) == pytest.approx(
        float(result.accelerators_in_service[0]), rel=1e-12
    )
    assert all(line.accelerators >= 0 for line in lines)
    assert lines[-1].use == "idle (remainder)"


@pytest.mark.published
def test_the_rent_exponent_carries_the_interval_of_tightness() -> None:
    scenario = load_scenario("bond-flywheel")
    rents = [(row.time, row.rent) for row in contract_rents()]
    run = simulate(scenario, draws=2000, rng=0)
    test = rent_backtest(scenario.grid.mid, run.required_compute / run.usable_capacity, run.required_rent, rents)
    assert test.identified.mean() > 0.95
    low, middle, high = np.nanquantile(test.exponent, [0.05, 0.5, 0.95])
    assert 1.2 < low < middle < high < 8
    # June 2026: $2.65; the median run gives 2.4 to 2.5, and without scarcity the rent only falls from 1.70.
    assert abs(np.nanmedian(test.foretold) / 2.65 - 1) < 0.15
    assert np.all(test.without_scarcity < 1.70)


@pytest.mark.closed_form
def test_a_ratio_over_a_year_is_that_of_its_sums() -> None:
    result = simulate(load_scenario("from-2026"), draws=3, rng=0)
    margin = Selector.parse("operating_margin@2028").select(result, 3)[1][0]
    income, revenue = (
        Selector.parse(f"{name}@2028").select(result, 3)[1][0] for name in ("operating_income", "revenue")
    )
    assert np.allclose(margin, income / revenue, rtol=1e-14)
    price = Selector.parse("average_price@2028").select(result, 3)[1][0]
    tokens = Selector.parse("tokens@2028").select(result, 3)[1][0]
    steps = result.scenario.grid.year_steps(2028)
    assert np.allclose(price * tokens, (result.price * result.tokens_served)[steps].sum(axis=(0, 1)), rtol=1e-12)


@pytest.mark.closed_form
@pytest.mark.parametrize(("lag", "late"), [(0.0, 0), (0.25, 1), (0.5, 2)])
def test_shipments_follow_payment_by_their_lag(lag: float, late: int) -> None:
    scenario = load_scenario("bond-flywheel")
    result = simulate(
        scenario.replace(
            {"hardware.accelerators.lag": 0.5, "hardware.accelerators.shipping_lag": lag, "time.end": "2027-01-01"}
        )
    )
    paid = scenario.operators["industry"].opening.shipped + np.cumsum(result.accelerators_bought)
    shipped = np.asarray(result.accelerators_shipped)
    opening = scenario.operators["industry"].opening.on_order * lag / 0.5  # opening orders that had not shipped
    assert np.allclose(shipped[late:], paid[: len(paid) - late] + opening, rtol=1e-12)
