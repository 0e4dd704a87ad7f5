"""Scheduled rates of growth: every rate of the flywheel enters through its integral."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel
from costmodel.analysis.comparison import waterfall
from costmodel.analysis.one_at_a_time import elasticities
from costmodel.analysis.problem import as_problem
from costmodel.flywheel.accounts import account_parameters
from costmodel.flywheel.drivers import drivers_of
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.market_side import market_parameters
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.stability import local_growth
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.errors import ConvergenceError, ScenarioError
from costmodel.testing.flywheel import steady_tables

LITERAL = {"formula": "0.9 if year < 2027 else 0.4"}
needs_sandbox = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_monty") is None, reason="a formula needs the extra 'sandbox'"
)


def firm(**changes: Any) -> FlywheelScenario:
    """Return a small flywheel in which every rate of growth acts."""
    tables: dict[str, Any] = {
        "time__end": "2030-01-01",
        "hardware__sites__cost_per_watt": 10.0,
        "hardware__lines__one__power_trend": -0.2,
        "energy__price": 8e-5,
        "economy__price_growth": 0.02,
        "market__chat__capability_elasticity": 0.1,
        "market__chat__intensity_growth": 0.1,
        "training": {"revenue_share": 0.1, "algorithmic_growth": 0.4},
        "internal": {"accelerators": 1e4, "growth": 0.2, "growth_from": "2026-01-01"},
        "operators__all__other_revenue": 1e9,
        "operators__all__other_revenue_growth": 0.1,
        "operators__all__other_cost": 1e9,
        "operators__all__other_cost_growth": 0.1,
        "operators__all__other_growth_from": "2026-01-01",
        "shocks": [{"kind": "demand", "date": "2026-01-01", "factor": 1.1, "growth": 0.05}],
        "power_grid__energised": 1e12,
    }
    return FlywheelScenario(**steady_tables(**{**tables, **changes}))


RATES = [path for path, _, spec, _ in firm().walk() if spec.growth]


def scheduled(*knots: tuple[str, Any], kind: str = "step") -> dict[str, Any]:
    return {"knots": [list(knot) for knot in knots], "interpolation": kind}


def same(first: Trajectory, second: Trajectory, tolerance: float, steps: int | None = None) -> None:
    """Compare all outputs of two runs; net rents of a single operator are only rounding."""
    for name, spec in first.outputs().items():
        if name == "net_rents" or (steps and not (spec.dims and spec.dims[0] == "step")):
            continue
        one, other = (np.asarray(run[name], dtype=float)[slice(steps) if steps else ()] for run in (first, second))
        size = float(np.nanmax(np.abs(one), initial=1e-300))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * size, err_msg=name)


def driven(scenario: FlywheelScenario) -> dict[str, Any]:
    """Return the drivers of a run: every trajectory known before its first step."""
    resolved = scenario.resolve()
    drivers = drivers_of(resolved)
    account = account_parameters(resolved, drivers, np.ones((1, 1, 1)))
    found = {name: getattr(drivers, name) for name in type(drivers).__slots__}
    found |= {name: getattr(drivers.workloads, name) for name in ("adoption", "intensity")}
    found |= {"other_revenue": account.other_revenue, "other_cost": account.other_cost}
    found |= {"past_growth": market_parameters(resolved).past_growth}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


@pytest.mark.contract
def test_the_rates_that_may_be_scheduled_are_all_that_grow_from_a_date() -> None:
    assert sorted(RATES) == [
        "economy.price_growth",
        "hardware.lines.one.power_trend",
        "hardware.lines.one.price_trend",
        "internal.growth",
        "market.chat.adoption.growth",
        "market.chat.intensity_growth",
        "market.chat.model_growth",
        "operators.all.other_cost_growth",
        "operators.all.other_revenue_growth",
        "shocks.0.growth",
        "software.algorithmic_growth",
        "training.algorithmic_growth",
    ]


@pytest.mark.law
@given(
    st.sampled_from(RATES),
    st.floats(-0.2, 2.0),
    st.sampled_from(["2025-03-17", "2026-10-01", "2033-01-01"]),
    st.sampled_from(["step", "linear"]),
)
def test_a_rate_scheduled_as_the_same_number_is_the_number(path: str, rate: float, middle: str, kind: str) -> None:
    knots = ("2020-01-01", rate), (middle, rate), ("2050-01-01", rate)
    plain = driven(firm().replace({path: rate}))
    for name, value in driven(firm().replace({path: scheduled(*knots, kind=kind)})).items():
        np.testing.assert_allclose(*np.broadcast_arrays(value, plain[name]), rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.law
def test_all_rates_scheduled_as_the_same_numbers_give_the_same_run() -> None:
    plain = firm()
    held = {path: scheduled(("2020-01-01", plain.get(path)), ("2027-10-01", plain.get(path))) for path in RATES}
    same(simulate(plain), simulate(plain.replace(held)), 1e-9)


@pytest.mark.law
@pytest.mark.parametrize("path", RATES)
def test_a_rate_that_steps_moves_what_follows_and_nothing_before(path: str) -> None:
    plain = firm()
    rate: Any = plain.get(path)
    before = driven(plain)
    after = driven(plain.replace({path: scheduled(("2026-01-01", rate), ("2028-01-01", rate + 0.1))}))
    moved = {name for name in before if not np.allclose(*np.broadcast_arrays(before[name], after[name]), rtol=1e-9)}
    assert moved
    for name in moved:
        one, other = np.broadcast_arrays(before[name], after[name])
        np.testing.assert_allclose(one[:8], other[:8], rtol=1e-12, err_msg=name)


@pytest.mark.closed_form
def test_every_driver_grows_by_the_product_of_two_powers() -> None:
    jump = scheduled(("2026-01-01", 0.9), ("2027-01-01", 0.4))
    fall = scheduled(("2026-01-01", -0.9), ("2027-01-01", -0.4))
    changes = {**dict.fromkeys(RATES, jump), "hardware.lines.one.price_trend": fall}
    drivers = drivers_of(firm().replace(changes).resolve())
    grown = math.exp(0.9) ** 1 * math.exp(0.4) ** 0.875  # at the middle of the last quarter of 2027
    step = 7
    assert drivers.price[step].item() == pytest.approx(25000 * 1.2 / grown, rel=1e-12)
    assert drivers.power[step].item() == pytest.approx(1000 * grown, rel=1e-12)
    assert drivers.site_price[step].item() == pytest.approx(10 * grown, rel=1e-12)
    assert drivers.electricity[step].item() == pytest.approx(8e-5 * grown, rel=1e-12)
    assert drivers.internal[step].item() == pytest.approx(1e4 * grown, rel=1e-12)
    assert drivers.model_index[step].item() == pytest.approx(grown, rel=1e-12)
    assert drivers.demand_factor[step].item() == pytest.approx(1.1 * grown, rel=1e-12)
    assert drivers.software_trend[step].item() == pytest.approx(0.9 + 0.4 * 0.875, rel=1e-12)
    assert drivers.training_trend[step].item() == pytest.approx(0.9 + 0.4 * 0.875, rel=1e-12)
    assert drivers.workloads.adoption[step].item() == pytest.approx(grown, rel=1e-12)
    assert drivers.workloads.intensity[step].item() == pytest.approx(grown, rel=1e-12)
    assert drivers.decline[:, 0, 0][[3, 4]] == pytest.approx([0.9, 0.4], rel=1e-12)
    result = simulate(firm(operators__all__other_revenue_growth=jump))
    assert result.other_revenue[step].item() == pytest.approx(0.25e9 * grown, rel=1e-12)


@pytest.mark.closed_form
def test_growth_counts_from_its_own_date_and_stops_at_its_own() -> None:
    jump = scheduled(("2026-01-01", 0.9), ("2028-01-01", 0.4))
    late = drivers_of(firm(internal__growth=jump, internal__growth_from="2027-07-01").resolve())
    assert late.internal[5].item() == pytest.approx(1e4, rel=1e-12)
    assert late.internal[15].item() == pytest.approx(1e4 * math.exp(0.9) ** 0.5 * math.exp(0.4) ** 1.875, rel=1e-12)
    early = scheduled(("2020-01-01", 0.2), ("2025-07-01", 0.7), ("2027-01-01", 0.1))
    past = market_parameters(firm(training={"initial_growth": 0.3, "algorithmic_growth": early}).resolve()).past_growth
    assert past == pytest.approx([0.3 + 0.7], rel=1e-12)  # before the start, the rate of the start
    stopped = drivers_of(firm(software__algorithmic_growth=jump, software__progress_until="2028-07-01").resolve())
    assert stopped.software_trend[15].item() == pytest.approx(0.9 * 2 + 0.4 * 0.5, rel=1e-12)
    shock = {"kind": "demand", "date": "2027-07-01", "until": "2028-07-01", "factor": 2.0, "growth": jump}
    demand = drivers_of(firm(shocks=[shock]).resolve()).demand_factor[:, 0]
    assert demand[[5, 10]] == pytest.approx([1.0, 1.0])
    assert demand[9] == pytest.approx(2.0 * math.exp(0.9) ** 0.5 * math.exp(0.4) ** 0.375, rel=1e-12)


@needs_sandbox
@pytest.mark.law
def test_the_end_of_a_run_moves_nothing_before_it_and_grids_agree() -> None:
    changes = {"market.chat.adoption.growth": LITERAL, "internal.growth": LITERAL}
    long, short = firm().replace(changes), firm(time__end="2028-01-01").replace(changes)
    same(simulate(short), simulate(long), 1e-12, steps=short.grid.steps)
    monthly = drivers_of(firm(time__step="month").replace(changes).resolve())
    quarterly = drivers_of(long.resolve())
    np.testing.assert_allclose(monthly.internal[1::3], quarterly.internal, rtol=1e-12)  # middle of the second month
    np.testing.assert_allclose(monthly.workloads.adoption[1::3], quarterly.workloads.adoption, rtol=1e-12)


@needs_sandbox
@pytest.mark.contract
def test_a_file_with_a_formula_comes_back_as_it_was_and_equals_its_steps() -> None:
    scenario = costmodel.load_scenario("from-2026").replace({"internal.growth": LITERAL})
    for text in (scenario.to_toml(), scenario.to_toml(base=costmodel.load_scenario("from-2026"))):
        assert LITERAL["formula"] in text
    assert type(scenario).from_toml(scenario.to_toml()) == scenario
    steps = scenario.replace({"internal.growth": scheduled(("2026-07-01", 0.9), ("2027-01-01", 0.4))})
    for name, value in driven(scenario).items():
        np.testing.assert_allclose(value, driven(steps)[name], rtol=1e-12, err_msg=name)


@pytest.mark.contract
def test_a_scheduled_rate_beside_a_fade_is_refused_with_the_way_out() -> None:
    jump = scheduled(("2026-01-01", 0.9), ("2027-01-01", 0.4))
    base = costmodel.load_scenario("bond-flywheel")
    for path, fade, way, removed in (
        ("market.chat.intensity_growth", "market.chat.intensity_fade", "leave out intensity_fade", None),
        ("market.chat.model_growth", "market.chat.model_fade", "write model_fade = 0", 0.0),
        ("software.algorithmic_growth", "software.algorithmic_fade", "write algorithmic_fade = 0", 0.0),
    ):
        with pytest.raises(ScenarioError, match=rf"{path.split('.')[-1]} is scheduled.*{way}"):
            base.replace({path: jump})
        assert base.replace({path: jump, fade: removed}).get(path) is not None
    with pytest.raises(ScenarioError, match=r"training\.initial_growth: cannot be scheduled.*write a number"):
        base.replace({"training.initial_growth": jump})


@pytest.mark.closed_form
def test_the_closed_form_is_read_at_the_rates_of_each_step() -> None:
    late = scheduled(("2026-01-01", 0.1), ("2029-01-01", 6.0))
    with pytest.raises(ConvergenceError, match=r"fastest closed-form token growth"):
        simulate(firm(market__chat__adoption={"growth": late}, power_grid=None))
    step = scheduled(("2026-01-01", 0.1), ("2028-07-01", 0.5))
    rows = {row.year: row.closed_form for row in local_growth(simulate(firm(market__chat__adoption={"growth": step})))}
    # elasticity -1 and experience 0.2, capability paid from revenue: gain 0.2 + 0.1 * 0.8
    gain, cheaper = 0.28, 0.3 + 0.5 - 0.2
    learned = 0.1 * (0.4 + 0.2 - 0.5)
    for year, spread in ((2027, 0.1), (2028, 0.3), (2029, 0.5)):
        assert rows[year] == pytest.approx((spread + 0.1 + cheaper + learned) / (1 - gain), rel=1e-12)


@pytest.mark.law
def test_studies_read_a_scheduled_rate() -> None:
    rate = {"dist": "uniform", "low": 0.0, "high": 0.2}
    path = "market.chat.adoption.growth"
    uncertain = firm().replace({path: scheduled(("2026-01-01", 0.1), ("2027-01-01", rate))})
    result = simulate(uncertain, draws=7, rng=0)
    assert np.ptp(np.asarray(result.tokens)[-1]) > 0.0
    np.testing.assert_allclose(np.ptp(np.asarray(result.adoption)[3], axis=-1), 0.0, atol=1e-12)
    constant = firm().replace({path: 0.2})
    halved = as_problem(constant, "tokens@2029").at(2, factors={path: np.array([0.5, 1.0])})[1]
    step = firm().replace({path: scheduled(("2026-01-01", 0.2), ("2027-01-01", 0.2))})
    np.testing.assert_allclose(as_problem(step, "tokens@2029").at(2, factors={path: np.array([0.5, 1.0])})[1], halved)
    moves = elasticities(step, "tokens@2029")
    plain = elasticities(constant, "tokens@2029")
    assert moves.names == plain.names
    np.testing.assert_allclose(moves.values, plain.values, rtol=1e-6, atol=1e-9)
    later = step.replace({path: scheduled(("2026-01-01", 0.2), ("2027-01-01", 0.4)), "energy.price": 1e-4})
    split = waterfall(constant, later, "tokens@2029")
    assert split.parts.sum(axis=0) == pytest.approx(split.second - split.first, rel=1e-9)
    assert set(split.changes) == {path, "energy.price"}


@pytest.mark.peer
def test_the_compiled_engine_takes_scheduled_rates_as_numpy_does(tmp_path: Any, monkeypatch: Any) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("COSTMODEL_CACHE", str(tmp_path))
    rate = {"dist": "uniform", "low": 0.0, "high": 0.2}
    jump = scheduled(("2026-01-01", 0.1), ("2027-01-01", rate))
    scenario = firm().replace({"training.algorithmic_growth": jump, "market.chat.adoption.growth": jump})
    for options in ({}, {"draws": 13, "rng": 1}):
        same(simulate(scenario, engine="numpy", **options), simulate(scenario, engine="compiled", **options), 1e-12)


@pytest.mark.closed_form
@pytest.mark.parametrize(("stop", "years"), [("2028-07-01", 2.5), ("2027-01-01", 1.0), ("2040-01-01", 3.875)])
def test_hardware_gets_cheaper_up_to_the_date_at_which_progress_stops(stop: str, years: float) -> None:
    """The date counts, not the middle of the step before it."""
    drivers = drivers_of(firm(hardware__progress_until=stop).resolve())
    assert drivers.price[15].item() == pytest.approx(25000.0 * 1.2 * math.exp(-0.3 * years), rel=2e-3)
    assert drivers.power[15].item() == pytest.approx(1000.0 * math.exp(-0.2 * years), rel=2e-3)
