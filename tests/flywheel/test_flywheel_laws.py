"""Laws of the flywheel: identities, slices of ensembles, rescaled units, and that cheaper is never less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.design import Design
from costmodel.foundation.results import outputs_of
from costmodel.foundation.units import dimensions
from costmodel.testing.flywheel import steady_scenarios, steady_tables

pytestmark = pytest.mark.law
BUILT_IN = ("bond-flywheel", "from-2026")


def total(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows).sum(axis=0)


def close(left: np.ndarray, right: np.ndarray, scale: np.ndarray | float = 1.0) -> None:
    assert np.max(np.abs(left - right) / (np.abs(right) + np.abs(scale) + 1e-300)) < 1e-9


def check_identities(r: Trajectory) -> None:
    fleet = r.scenario.resolve().hardware.fleet
    gone = np.cumsum(r.accelerators_retired + r.accelerators_failed, axis=0)
    bought = np.cumsum(r.accelerators_bought, axis=0)
    there = r.accelerators_in_service + r.pipeline + gone
    start = fleet.opening_units + fleet.opening_pipeline
    if np.ndim(start) == 0:
        close(there, start + bought, start)
    for asset in range(3):
        book, construction = r.book_in_service[asset], r.construction[asset]
        capex, additions = r.capex_by_class[asset], r.additions_by_class[asset]
        out = r.depreciation_by_class[asset] + r.write_offs_by_class[asset]
        scale = np.abs(book).max() + np.abs(capex).max()
        close(book[:-1] + construction[:-1] + capex - out, book[1:] + construction[1:], scale)
        close(construction[:-1] + capex - additions, construction[1:], scale)
        assert book.min() >= -1e-9 * scale
        assert construction.min() >= -1e-9 * scale
    flow = r.free_cash_flow + r.borrowed + r.owners_money
    close(r.cash[:-1] + flow, r.cash[1:], np.abs(r.cash).max() + np.abs(r.capex).max())
    close(r.debt[:-1] + r.borrowed, r.debt[1:], np.abs(r.debt).max())
    # The three pockets: what one pays the next receives.
    close(r.paid_to_chipmakers + r.capex_by_class[2], r.capex, np.abs(r.capex).max())
    close(total(r.user_spend_by_workload), r.user_spend)
    close(total(r.realised_price * r.paid_share * r.tokens_served), r.user_spend)
    used = total(r.accelerators_by_workload) + r.training_reserve + r.internal
    availability = fleet.availability
    assert np.all(used <= r.accelerators_in_service * availability * (1 + 1e-9))
    assert np.all(r.tokens_served <= r.tokens_demanded * (1 + 1e-12))
    close(r.cumulative_tokens[:-1] + r.tokens, r.cumulative_tokens[1:])


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    "change", [{}, {"hardware.fleet.early_retirement": True, "accounts.impairment_threshold": 0.0}]
)
def test_identities_of_the_built_in_scenarios(name: str, change: dict) -> None:
    check_identities(simulate(load_scenario(name).replace(change)))


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
        for spec in outputs_of(Trajectory):
            together, single = ensemble[spec.name][..., draw], alone[spec.name][..., 0]
            assert np.allclose(together, single, rtol=1e-12, atol=1e-300), spec.name


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
    for spec in outputs_of(Trajectory):
        expected = base[spec.name] * factor ** dimensions(spec.unit).get(dimension, 0.0)
        assert np.allclose(scaled[spec.name], expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max()), spec.name


def _scaled(value, factor):
    if isinstance(value, float):
        return value * factor
    if hasattr(value, "knots"):
        form = value.written()
        form["knots"] = [[date, v * factor] for date, v in form["knots"]]
        return form
    return value.scaled(factor).written()


@settings(max_examples=20)
@given(elasticity=st.floats(-1.8, -0.1), cut=st.floats(0.3, 0.95))
def test_cheaper_compute_never_lowers_tokens_and_spend_rises_only_if_elastic(elasticity: float, cut: float) -> None:
    plain = {
        "time__end": "2028-01-01",
        "software__algorithmic_growth": 0.0,
        "software__experience_exponent": 0.0,
        "market__chat__price_elasticity": elasticity,
        "market__chat__model_growth": 0.0,
        "market__chat__adoption": {"growth": 0.0},
        "hardware__lines__one__price_trend": 0.0,
        "hardware__fleet__opening_units": 3e7,
        "pricing__speed": 1e6,
    }
    dear = simulate(FlywheelScenario(**steady_tables(**plain)))
    cheap = simulate(FlywheelScenario(**steady_tables(**plain, hardware__lines__one__price=25000.0 * cut)))
    assert np.all(cheap.tokens >= dear.tokens * (1 - 1e-12))
    rises = cheap.user_spend[-1] > dear.user_spend[-1]
    if abs(elasticity + 1) > 1e-6:
        assert rises == (elasticity < -1)


def test_limits_hold() -> None:
    still = FlywheelScenario(**steady_tables(time__end="2026-04-01", market__chat__tokens=0.0))
    nothing = simulate(still)
    assert float(nothing.tokens.sum()) == 0.0
    assert np.isfinite(nothing.capex).all()
    idle = FlywheelScenario(
        **steady_tables(time__end="2028-01-01", investment__plan=0.0, investment__plan_end="2030-01-01")
    )
    assert float(simulate(idle).capex.sum()) == 0.0
