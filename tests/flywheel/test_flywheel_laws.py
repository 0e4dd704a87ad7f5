"""Laws of the flywheel over random scenarios, scalar and ensemble, of one operator and of several."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.design import Design
from costmodel.foundation.results import outputs_of
from costmodel.foundation.units import dimensions
from costmodel.market import clearing
from costmodel.testing.flywheel import steady_scenarios, steady_tables

pytestmark = pytest.mark.law
BUILT_IN = ("bond-flywheel", "from-2026")
STORED = outputs_of(Trajectory, derived=False)


def close(left: Any, right: Any, scale: Any = 0.0, tolerance: float = 1e-9) -> None:
    assert np.all(np.abs(left - right) <= tolerance * (np.abs(right) + np.abs(scale) + 1e-300))


def check_identities(r: Trajectory) -> None:
    operators = r.scenario.resolve(r.design).operators.values()
    wide = (lambda rows: np.stack([np.broadcast_to(row, r.draws) for row in rows])) if r.draws else np.stack
    opening = wide([np.asarray(o.opening.units) for o in operators])
    start = opening + wide([np.asarray(o.opening.on_order) for o in operators])
    flows = np.cumsum(r.arrived_by_operator - r.retired_by_operator - r.failed_by_operator - r.left_by_operator, axis=0)
    bought = np.cumsum(r.bought_by_operator, axis=0)
    # Bought = in service, on order, retired, failed and left.
    in_service = opening + flows
    gone = np.cumsum(r.retired_by_operator + r.failed_by_operator + r.left_by_operator, axis=0)
    close(in_service + r.on_order_by_operator + gone, start + bought, scale=start)
    assert in_service.min() >= -1e-9 * (start.max() + bought.max())
    check_books(r)
    check_money(r)
    # Hours offered are hours used; nothing above the largest use.
    used = np.asarray(r.accelerators_by_workload).sum(axis=1) + r.training_compute + r.internal
    close((r.use_by_operator * r.capacity_by_operator).sum(axis=1), used, tolerance=1e-12, scale=used.max())
    most = float(np.max(r.scenario.resolve(r.design).clearing.max_use))
    assert np.all(r.use_by_operator <= most * (1 + 1e-9))
    assert np.all(r.tokens_served <= r.tokens_demanded * (1 + 1e-12))
    served, demanded = (np.asarray(row).sum(axis=1) for row in (r.tokens_served, r.tokens_demanded))
    close(r.fill * demanded, served)
    close(r.cumulative_tokens[:-1] + r.tokens, r.cumulative_tokens[1:])


def check_books(r: Trajectory) -> None:
    book, building = r.book_in_service, r.construction_by_class
    scale = np.abs(book).max() + np.abs(r.bought_by_class).max()
    out = r.depreciation_by_class + r.write_offs_by_class
    close(book[:-1] + building[:-1] + r.bought_by_class - out, book[1:] + building[1:], scale)
    close(building[:-1] + r.bought_by_class - r.additions_by_class, building[1:], scale)
    assert min(book.min(), building.min()) >= -1e-9 * scale


def check_money(r: Trajectory) -> None:
    # Rents paid are rents received, and so with contracts.
    rents = np.max(r.rental_price[:, None] * r.capacity_by_operator) * 8766.0
    close(np.asarray(r.net_rents).sum(axis=1), 0.0, rents, 1e-12)
    close(np.asarray(r.contract_gain).sum(axis=1), 0.0, np.abs(r.contract_gain).max() + 1.0, 1e-12)
    close((r.realised_price * r.paid_share * r.tokens_served).sum(axis=1), r.user_spend, r.user_spend.max())
    close(np.asarray(r.token_revenue).sum(axis=1), r.user_spend, r.user_spend.max())
    flow = r.operating_cash_flow_by_operator - r.capex_by_operator
    flow = flow + r.borrowed + r.investors_money + r.owners_money + r.rescue - r.repaid - r.lease_repaid - r.paid_out
    scale = np.abs(r.cash).max() + np.abs(r.capex_by_operator).max() + np.abs(r.revenue_by_operator).max()
    close(r.cash[:-1] + flow, r.cash[1:], scale)
    close(r.debt[:-1] + r.borrowed - r.repaid, r.debt[1:], scale)
    close(r.lease_debt[:-1] + r.leased - r.lease_repaid, r.lease_debt[1:], scale)
    assert min(r.debt.min(), r.lease_debt.min()) >= -1e-9 * scale


@pytest.mark.parametrize("name", BUILT_IN)
def test_identities_of_the_built_in_scenarios(name: str) -> None:
    check_identities(simulate(load_scenario(name)))
    check_identities(simulate(load_scenario(name), draws=8, rng=0))


@settings(max_examples=25)
@given(scenario=steady_scenarios())
def test_identities_of_any_scenario(scenario: FlywheelScenario) -> None:
    check_identities(simulate(scenario))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_slice_of_an_ensemble_is_the_scalar_run(name: str) -> None:
    scenario = load_scenario(name)
    design = Design.random(scenario, 16, rng=0)
    ensemble = simulate(scenario, design=design)
    for draw in (0, 7, 15):
        one = Design.from_ranks({path: ranks[draw : draw + 1] for path, ranks in design.ranks().items()})
        alone = simulate(scenario, design=one)
        for spec in STORED:
            together, single = ensemble[spec.name][..., draw], alone[spec.name][..., 0]
            assert np.allclose(together, single, rtol=1e-12, atol=1e-300, equal_nan=True), spec.name


def test_seed_zero_is_a_seed_and_repeats() -> None:
    scenario = load_scenario("from-2026")
    one, two, other = (simulate(scenario, draws=5, rng=seed).user_spend for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("dimension", "factor"), [("money", 7.0), ("text", 0.1)])
def test_rescaling_a_unit_rescales_what_bears_it(dimension: str, factor: float) -> None:
    scenario = load_scenario("bond-flywheel").replace({"time.end": "2029-01-01"})
    changes = {}
    for path, value, spec, _ in scenario.walk():
        power = dimensions(spec.unit).get(dimension, 0.0)
        if power and value is not None:
            changes[path] = _scaled(value, factor**power)
    base, scaled = simulate(scenario), simulate(scenario.replace(changes))
    for spec in STORED:
        power = dimensions(spec.unit).get(dimension, 0.0)
        expected = base[spec.name] * factor**power
        size = max(np.abs(expected).max(), np.abs(base.revenue).max() * factor**power if spec.unit == "USD" else 0.0)
        assert np.allclose(scaled[spec.name], expected, rtol=1e-10, atol=1e-11 * size), spec.name


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, float):
        return value * factor
    return value.scaled(factor).written()


def test_the_solver_has_settled_in_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rents and premiums of uncertain supply: many more passes change nothing."""
    scenario, outputs = load_scenario("bond-flywheel"), ("rental_price", "chip_premium", "site_premium", "capex")
    usual = simulate(scenario, draws=300, rng=0, engine="numpy")
    monkeypatch.setattr(clearing, "PASSES", 60)
    longer = simulate(scenario, draws=300, rng=0, engine="numpy")
    for name in outputs:
        np.testing.assert_allclose(usual[name], longer[name], rtol=1e-9, atol=1e-12, err_msg=name)


@settings(max_examples=15)
@given(scenario=steady_scenarios(), years=st.sampled_from([1, 2]))
def test_the_end_of_the_run_moves_nothing_before_it(scenario: FlywheelScenario, years: int) -> None:
    short = simulate(scenario.replace({"time.end": f"{2030 - years}-01-01"}))
    whole, steps = simulate(scenario), short.scenario.grid.steps
    for spec in STORED:
        if spec.dims:
            last = steps + 1 if spec.dims[0] == "bound" else steps
            assert np.array_equal(whole[spec.name][:last], short[spec.name][:last], equal_nan=True), spec.name


def test_the_end_of_the_run_moves_nothing_with_schedules_plans_grid_and_suppliers() -> None:
    scenario = load_scenario("bond-flywheel")
    whole, short = simulate(scenario), simulate(scenario.replace({"time.end": "2028-01-01"}))
    for name in ("tokens_served", "bought_by_operator", "sites_ordered_by_operator", "capex", "rental_price"):
        assert np.array_equal(np.asarray(whole[name])[: short.scenario.grid.steps], np.asarray(short[name])), name


def split(scenario: FlywheelScenario, parts: dict[str, float]) -> FlywheelScenario:
    """Return a scenario whose single operator is split into several that differ only in size."""
    form = scenario.written()
    (only,) = form["operators"].values()
    sized = ("units", "on_order", "shipped", "site_power", "sites_building", "cash", "debt", "lease_debt", "tax_losses",
             "leases_signed", "commitments")  # fmt: skip
    operators = {}
    for name, part in parts.items():
        one = _copy(only)
        tables = [(one["opening"], sized), (one["financing"], ("own_cash", "minimum_cash", "maximum_cash"))]
        tables += [(one["opening"][key], ("book", "construction")) for key in ("accelerators", "network", "sites")]
        tables += [(one.get("plan", {}), ("capex", "sites")), (one, ("staff", "other_capex"))]
        for table, entries in tables:
            for entry in entries:
                if entry in table:
                    table[entry] = _part_of(table[entry], part)
        operators[name] = one
    return FlywheelScenario(**{**form, "operators": operators})


def _part_of(value: Any, part: float) -> Any:
    """Return a part of a written number or schedule, with its evidence or without."""
    if isinstance(value, dict) and "value" in value:
        return {**value, "value": _part_of(value["value"], part)}
    if isinstance(value, dict) and "dist" in value:
        return {key: number if key in ("dist", "sigma") else number * part for key, number in value.items()}
    if isinstance(value, dict):
        return {**value, "knots": [[date, _part_of(number, part)] for date, number in value["knots"]]}
    return value * part


def _copy(table: Any) -> Any:
    return {key: _copy(value) for key, value in table.items()} if isinstance(table, dict) else table


@settings(max_examples=15)
@given(scenario=steady_scenarios(), part=st.floats(0.1, 0.9))
def test_merging_identical_operators_changes_no_total(scenario: FlywheelScenario, part: float) -> None:
    form = scenario.written()
    form["operators"] = {"all": next(iter(form["operators"].values()))}
    one = FlywheelScenario(**form)
    whole, two = simulate(one), simulate(split(one, {"small": part, "large": 1.0 - part}))
    check_same_totals(whole, two)


@pytest.mark.parametrize("name", BUILT_IN)
def test_merging_identical_operators_changes_no_total_of_the_industry(name: str) -> None:
    scenario = load_scenario(name)
    check_same_totals(simulate(scenario), simulate(split(scenario, {"small": 0.3, "large": 0.7})))


def check_same_totals(whole: Trajectory, two: Trajectory) -> None:
    for name in ("tokens", "user_spend", "capex", "operator_cost", "accelerators_in_service", "depreciation"):
        left, right = np.asarray(two[name]), np.asarray(whole[name])
        assert np.allclose(left, right, rtol=1e-12, atol=1e-12 * np.abs(right).max()), name
    assert np.allclose(two.rental_price, whole.rental_price, rtol=1e-12)


STEADY = {"hardware__accelerators__failure_rate": 0.0}


@pytest.mark.parametrize("wacc", [0.0, 0.1, 0.4])
@pytest.mark.parametrize(("elasticity", "life"), [(-0.6, 6.0), (-1.0, 4.0), (-1.4, 12.0)])
def test_free_entry_makes_capacity_earn_what_it_must(wacc: float, elasticity: float, life: float) -> None:
    tables = steady_tables(
        **STEADY,
        operators__all__financing__wacc=wacc,
        market__chat__price_elasticity=elasticity,
        hardware__accelerators__physical_life=life,
    )
    assert simulate(FlywheelScenario(**tables)).q[-1, 0] == pytest.approx(1.0, abs=1e-3)


def test_steady_q_does_not_depend_on_the_cost_of_capital_but_the_fleet_does() -> None:
    runs = [simulate(FlywheelScenario(**steady_tables(operators__all__financing__wacc=w))) for w in (0.05, 0.10, 0.20)]
    assert np.ptp([run.q[-1, 0] for run in runs]) < 1e-6
    fleets = [run.accelerators_in_service[-1] for run in runs]
    assert fleets[0] > fleets[1] > fleets[2]


@settings(max_examples=10)
@given(
    elasticity=st.floats(-1.4, -0.3),
    learning=st.floats(0.0, 0.2),
    eta=st.floats(0.0, 0.2),
    hardware=st.floats(0.1, 0.4),
    algorithms=st.floats(0.1, 0.8),
)
def test_growth_rents_and_fleet_settle_on_the_closed_form(
    elasticity: float, learning: float, eta: float, hardware: float, algorithms: float
) -> None:
    size, g_m, g_a, g_train = -elasticity, 0.2, 0.1, 0.4
    tokens = (g_a + size * (hardware + algorithms - g_m) + eta * (g_train - algorithms + g_m)) / (
        1.0 - learning * size - eta * (1.0 - learning)
    )
    fleet = tokens * (1.0 - learning) - algorithms + g_m
    tables = steady_tables(
        time__end="2066-01-01",
        market__chat__price_elasticity=elasticity,
        market__chat__capability_elasticity=eta,
        software__experience_exponent=learning,
        software__algorithmic_growth=algorithms,
        hardware__lines__one__price_trend=-hardware,
        training__revenue_share=0.3,
        training__algorithmic_growth=g_train,
        investment__initial_trend=fleet,
        investment__max_growth=1e4,
    )
    r = simulate(FlywheelScenario(**tables))

    def growth(series: Any) -> float:
        return float(np.log(series[-1] / series[-5]))

    assert growth(r.tokens) == pytest.approx(tokens, abs=1e-3)
    assert growth(r.accelerators_in_service) == pytest.approx(fleet, abs=1e-3)
    assert growth(r.rental_price) == pytest.approx(-hardware, abs=1e-3)
    assert growth(r.user_spend) == pytest.approx(fleet - hardware, abs=1e-3)
    # The list price lags its falling target: cost's share of it is e^(v/θ) / (1 + mark-up), with v < 0 the fall's sign.
    fall = hardware + algorithms - g_m + learning * tokens
    cost = r.unit_cost[-1, 0] * r.rental_price[-1] / r.required_rent[-1] / r.price[-1, 0]
    assert cost == pytest.approx(np.exp(-fall / 2.0) / 1.5, rel=1e-3)


SHOCKS = [
    {"kind": "serving", "factor": 3.0},
    {"kind": "demand", "factor": 0.5},
    {"kind": "demand", "factor": 2.0},
    {"kind": "chip_price", "factor": 0.5},
    {"kind": "energy", "factor": 2.0},
    {"kind": "training", "factor": 3.0},
]


@pytest.mark.parametrize("shock", SHOCKS, ids=lambda s: f"{s['kind']}-{s['factor']}")
def test_two_years_after_any_shock_what_is_wanted_is_served(shock: dict[str, Any]) -> None:
    shock = {**shock, "date": "2040-01-01"}
    run = simulate(
        FlywheelScenario(**steady_tables(shocks=[shock], energy__price=8e-5, market__chat__price_memory=2.0))
    )
    assert run.fill[run.scenario.grid.mid > 2042.0].min() >= 0.99


def test_the_solver_leaves_nothing_over() -> None:
    run = simulate(load_scenario("bond-flywheel"), draws=200, rng=0)
    assert np.all(run.rationing >= 1.0 - 1e-9)
    used = np.asarray(run.accelerators_by_workload).sum(axis=1) + run.training_compute + run.internal
    target, most, phi = 0.75, 0.88, 3.0
    gap = (run.rental_price[:, None] - run.running_cost_by_operator) / (
        run.paid_rent_by_operator - run.running_cost_by_operator
    )
    offered = np.minimum(most, target * np.maximum(gap, 0.0) ** (1 / phi)) * run.capacity_by_operator
    assert np.max(np.abs(used / offered[:, 0] - 1.0)) <= 1e-9


CHEAPER = {
    "chips": {"hardware.lines.one.price": 0.6},
    "capital": {"operators.all.financing.wacc": 0.3},
    "power": {"energy.price": 0.2},
    "sites": {"hardware.sites.cost_per_watt": 0.3},
}


@settings(max_examples=20)
@given(elasticity=st.floats(-1.6, -0.1), what=st.sampled_from(sorted(CHEAPER)))
def test_cheaper_chips_capital_power_or_sites_never_lower_tokens(elasticity: float, what: str) -> None:
    tables = steady_tables(
        time__end="2036-01-01",
        energy__price=8e-5,
        hardware__sites__cost_per_watt=10.0,
        hardware__sites__lag=1.5,
        market__chat__price_elasticity=elasticity,
        investment__trend_damping=6.0,
    )
    dear = FlywheelScenario(**tables)
    (path, factor), *_ = CHEAPER[what].items()
    cheap = simulate(dear.replace({path: dear.get(path) * factor}))
    base = simulate(dear)
    late = slice(16, None)
    assert np.all(cheap.tokens[late].cumsum() >= base.tokens[late].cumsum() * (1 - 1e-9))


def half_cost_of_capital(scenario: FlywheelScenario) -> FlywheelScenario:
    names = (f"operators.{name}.financing.wacc" for name in scenario.operators)
    return scenario.replace({name: 0.5 * scenario.get(name) for name in names})


def half_cost_of_sites(scenario: FlywheelScenario) -> FlywheelScenario:
    return scenario.replace({"hardware.sites.cost_per_watt": 0.5 * scenario.get("hardware.sites.cost_per_watt")})


def with_shock(kind: str, factor: float) -> Callable[[FlywheelScenario], FlywheelScenario]:
    shocks = [{"kind": kind, "date": "2027-01-01", "factor": factor}]
    return lambda scenario: FlywheelScenario(**{**scenario.written(), "shocks": shocks})


IN_ANY = {
    "chips": with_shock("chip_price", 0.6),
    "energy": with_shock("energy", 0.2),
    "capital": half_cost_of_capital,
    "sites": half_cost_of_sites,
}
LARGEST_FALL = 0.02
"""Largest fall of a year's tokens [1]: 62 of 1,500 cases without a default fell, by up to 1.7 %, after an overshoot."""


@settings(max_examples=25)
@given(scenario=steady_scenarios(), what=st.sampled_from(sorted(IN_ANY)))
def test_what_gets_cheaper_hardly_lowers_tokens_of_any_scenario_without_a_default(
    scenario: FlywheelScenario, what: str
) -> None:
    """With one operator or two, plans, suppliers, a grid and early retirement, or without."""
    base, cheap = simulate(scenario), simulate(IN_ANY[what](scenario))
    assume(not (np.any(base.rescue > 0.0) or np.any(cheap.rescue > 0.0)))
    year = slice(-round(1.0 / scenario.grid.length), None)
    assert cheap.tokens[year].sum() >= (1.0 - LARGEST_FALL) * base.tokens[year].sum()


@settings(max_examples=8)
@given(elasticity=st.floats(-1.8, -0.1), cut=st.floats(0.3, 0.95))
def test_user_spend_rises_with_a_falling_price_only_if_demand_is_elastic(elasticity: float, cut: float) -> None:
    plain = {
        "time__end": "2046-01-01",
        "software__algorithmic_growth": 0.0,
        "software__experience_exponent": 0.0,
        "market__chat__price_elasticity": elasticity,
        "market__chat__model_growth": 0.0,
        "market__chat__adoption": {"growth": 0.0},
        "hardware__lines__one__price_trend": 0.0,
        "investment__initial_trend": 0.0,
    }
    dear = simulate(FlywheelScenario(**steady_tables(**plain)))
    cheap = simulate(FlywheelScenario(**steady_tables(**plain, hardware__lines__one__price=25000.0 * cut)))
    if abs(elasticity + 1) > 1e-3:
        assert (cheap.user_spend[-1] > dear.user_spend[-1]) == (elasticity < -1)


def test_no_demand_orders_nothing_and_only_runs_off() -> None:
    tables = steady_tables(time__end="2034-01-01", market__chat__tokens=0.0, training__revenue_share=0.3)
    run = simulate(FlywheelScenario(**tables))
    assert float(run.tokens.sum()) == float(run.capex.sum()) == float(run.training_budget.sum()) == 0.0
    assert np.all(np.diff(run.accelerators_in_service) <= 0.0)
    assert run.accelerators_in_service[-1] < 1e-6 * run.accelerators_in_service[0]


def test_a_plan_of_nothing_buys_nothing() -> None:
    tables = steady_tables(time__end="2028-01-01", operators__all__plan={"capex": 0.0, "until": "2030-01-01"})
    assert float(simulate(FlywheelScenario(**tables)).capex_by_class[:, :2].sum()) == 0.0


def test_results_are_frozen() -> None:
    run = simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01")))
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.price = run.unit_cost  # type: ignore[misc]
