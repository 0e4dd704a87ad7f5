"""The closed form of growth, the gain, and the refusal of a runaway."""

from __future__ import annotations

import math

import numpy as np
import pytest

from costmodel.flywheel.decomposition import log_mean
from costmodel.flywheel.growth import loop_gain, token_growth_exogenous, token_growth_fixed_share
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import ConvergenceError
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.closed_form


def growth_at_end(scenario: FlywheelScenario) -> float:
    result = simulate(scenario)
    per_year = round(1 / scenario.grid.length)
    return float(np.log(result.tokens[-1] / result.tokens[-1 - per_year]))


@pytest.mark.reference("costmodel.flywheel.growth:token_growth_exogenous")
@pytest.mark.parametrize("step", ["quarter", "month"])
@pytest.mark.parametrize("elasticity", [-0.6, -1.4])
def test_training_paid_by_investors_converges_to_the_formula(step: str, elasticity: float) -> None:
    # Investors' money stands still and rents fall by 0.3 a year, so training compute grows by 0.3.
    expected = (0.1 + 0.1 * (0.4 + 0.3) - elasticity * (0.3 + 0.5 - 0.2)) / (1 - 0.2 * -elasticity)
    scenario = FlywheelScenario(
        **steady_tables(
            time__step=step,
            market__chat__price_elasticity=elasticity,
            market__chat__capability_elasticity=0.1,
            training__investors=1.0,
            training__initial_growth=0.3,
            training__algorithmic_growth=0.4,
            software__initial_cumulative_tokens=1e15 / expected,
            investment__initial_trend=expected,
        )
    )
    assert token_growth_exogenous(0.1, 0.1, 0.7, elasticity, 0.3, 0.5, 0.2, 0.2) == pytest.approx(expected, rel=1e-12)
    assert abs(growth_at_end(scenario) - expected) < 0.001


@pytest.mark.reference("costmodel.flywheel.growth:token_growth_fixed_share")
@pytest.mark.parametrize("step", ["quarter", "month"])
def test_training_paid_from_revenue_converges_to_the_formula(step: str) -> None:
    gain = 0.2 * 1.1 + 0.15 * (1 - 0.2)
    expected = (0.1 + 1.1 * (0.3 + 0.5 - 0.2) + 0.15 * (0.4 + 0.2 - 0.5)) / (1 - gain)
    scenario = FlywheelScenario(
        **steady_tables(
            time__step=step,
            time__end="2076-01-01",
            market__chat__price_elasticity=-1.1,
            market__chat__capability_elasticity=0.15,
            training__revenue_share=0.2,
            training__algorithmic_growth=0.4,
            training__capability_lag=0.5,
            software__initial_cumulative_tokens=1e15 / expected,
            investment__initial_trend=0.6,
        )
    )
    assert float(loop_gain(scenario.resolve())[0]) == pytest.approx(gain, rel=1e-12)
    assert token_growth_fixed_share(0.1, 0.15, 0.4, -1.1, 0.3, 0.5, 0.2, 0.2) == pytest.approx(expected, rel=1e-12)
    assert abs(growth_at_end(scenario) - expected) < 0.001


def test_a_runaway_is_refused_with_its_gain() -> None:
    runaway = FlywheelScenario(**steady_tables(market__chat__price_elasticity=-2.5, software__experience_exponent=0.5))
    with pytest.raises(ConvergenceError, match=r"largest loop gain is 1\.250.*100\.0% of draws"):
        simulate(runaway)
    fast = FlywheelScenario(**steady_tables(market__chat__adoption={"growth": 6.0}))
    with pytest.raises(ConvergenceError, match=r"100×"):
        simulate(fast)
    tables = {"software__experience_exponent": 0.5, "market__chat__price_elasticity": -2.5, "time__end": "2030-01-01"}
    result = simulate(FlywheelScenario(**steady_tables(**tables, power_grid__energised=1e9)))
    assert bool(result.runaway)
    assert np.isfinite(result.tokens).all()


def test_the_share_of_runaway_draws_is_stated() -> None:
    scenario = FlywheelScenario(
        **steady_tables(
            software__experience_exponent=0.5,
            market__chat__price_elasticity={"dist": "discrete", "values": [-2.5, -0.5], "probabilities": [0.25, 0.75]},
        )
    )
    with pytest.raises(ConvergenceError, match=r"in 2\d\.\d% of draws"):
        simulate(scenario, draws=2000, rng=0)


@pytest.mark.reference("costmodel.flywheel.decomposition:log_mean")
def test_log_mean_is_between_the_means() -> None:
    assert log_mean(1.0, 4.0) == pytest.approx(3 / math.log(4), rel=1e-14)
    assert log_mean(3.0, 3.0 * (1 + 1e-9)) == pytest.approx(3.0, rel=1e-9)
