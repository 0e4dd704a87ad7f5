"""Busts: shocks with growth, and book value that value in use does not cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.drivers import shock_index
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import ScenarioError
from costmodel.testing.flywheel import steady_tables

HALF = {"kind": "demand", "date": "2027-01-01", "factor": 0.5}
GONE = {"kind": "investors", "date": "2027-01-01", "factor": 0.0}


def shocked(*shocks: dict[str, Any]) -> FlywheelScenario:
    scenario: FlywheelScenario = load_scenario("from-2026").replace({"shocks": list(shocks)})
    return scenario


@pytest.mark.closed_form
def test_a_shock_that_drifts_grows_from_its_date_and_ends_with_it() -> None:
    scenario = shocked({**HALF, "date": "2027-02-15", "until": "2029-01-01", "growth": -0.6})
    grid = scenario.grid
    index = np.log(shock_index(scenario.resolve(), "demand", grid)[:, 0])
    start = 2027.0 + 1.5 / 12.0  # half of the second month
    fine = (np.arange(40_000) + 0.5) / 40_000
    for step in range(grid.steps):
        times = grid.bounds[step] + fine * grid.length
        held = (times >= start) & (times < 2029.0)
        assert index[step] == pytest.approx(np.mean(np.where(held, np.log(0.5) - 0.6 * (times - start), 0.0)), abs=2e-3)
    with pytest.raises(ScenarioError, match="a useful life changes at its date"):
        shocked({"kind": "book_life", "date": "2027-01-01", "factor": 1.2, "growth": 0.1})


@pytest.mark.regression
def test_the_deeper_the_bust_the_more_is_written_down() -> None:
    slower = {**HALF, "growth": -0.6}
    runs = [simulate(shocked(*shocks)) for shocks in ((), (HALF,), (slower,), (slower, GONE))]
    down = [float(run.impairments.sum()) for run in runs]
    assert down[0] == down[1] == 0.0
    assert 0.0 < down[2] < down[3]
    # An impairment was uncovered at the test, and is part of the write-offs.
    for run in runs:
        assert np.all(run.impairments_by_class <= run.uncovered_by_class * (1.0 + 1e-9) + 1.0)
        assert np.all(run.impairments_by_class <= run.write_offs_by_class * (1.0 + 1e-9) + 1.0)


@pytest.mark.law
def test_sites_that_stand_empty_cover_less_of_their_book_value() -> None:
    """With twice the site power at the same book value per watt, half the sites earn nothing, so half is uncovered."""

    def uncovered(watts: float) -> float:
        tables = steady_tables(
            time__end="2027-01-01",
            hardware__sites__cost_per_watt=10.0,
            hardware__sites__economic_life=20.0,
            hardware__sites__book_life=20.0,
            operators__all__plan={"capex": 0.0, "until": "2030-01-01"},
            operators__all__financing__impairment_threshold=0.99,
        )
        opening = tables["operators"]["all"]["opening"]
        full = opening["units"] * opening["power"]
        opening |= {"site_power": full * watts, "sites": {"book": full * watts * 20.0, "life": 20.0}}
        run = simulate(FlywheelScenario(**tables))
        return float(run.uncovered_by_class[3, 0, 2] / run.book_in_service[3, 0, 2])

    full, half_empty = 1.0 - uncovered(1.0), 1.0 - uncovered(2.0)
    assert full > 0.0
    assert half_empty == pytest.approx(full / 2.0, rel=0.02)
