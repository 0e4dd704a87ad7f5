"""The flywheel's fleet and books against the ownership domain's, which were written on their own."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.ownership.fleet import AssetClass, ClassFleet
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.peer


@pytest.mark.parametrize(("lag", "life", "failure"), [(0.4, 3.0, 0.0), (0.5, 2.3, 0.05), (1.1, 4.0, 0.02)])
def test_units_in_service_agree(lag: float, life: float, failure: float) -> None:
    scenario = FlywheelScenario(
        **steady_tables(
            time__end="2034-01-01",
            hardware__accelerators__lag=lag,
            hardware__fleet__physical_life=life,
            hardware__fleet__failure_rate=failure,
            hardware__fleet__opening_units=0.0,
            market__chat__tokens=1e6,
            investment__plan={"knots": [["2026-01-01", 1e9], ["2034-01-01", 8e9]]},
            investment__plan_end="2035-01-01",
        )
    )
    result = simulate(scenario)
    asset = AssetClass(lag=lag, book_life=5.0, physical_life=life, failure_rate=failure)
    peer = ClassFleet(asset, step=0.25, steps=scenario.grid.steps)
    history = peer.run(np.asarray(result.accelerators_bought), np.full(scenario.grid.steps, 1.0))
    ours, theirs = np.asarray(result.accelerators_in_service), np.asarray(history.in_service)
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-6 * ours.max())


def test_book_values_agree_up_to_half_a_step() -> None:
    scenario = FlywheelScenario(
        **steady_tables(
            time__end="2034-01-01",
            time__step="half-month",
            market__chat__tokens=1e6,
            investment__plan=4e9,
            investment__plan_end="2035-01-01",
        )
    )
    result = simulate(scenario)
    peer = ClassFleet(AssetClass(lag=0.5, book_life=5.0), step=1 / 24, steps=scenario.grid.steps)
    units = np.asarray(result.accelerators_bought)
    prices = np.asarray(result.capex_by_class[0]) / units
    history = peer.run(units, prices)
    # The flywheel books additions between step bounds, the peer at mid-step: half a step of 5 years is 0.4 %.
    ours, theirs = (np.asarray(x)[48:] for x in (result.depreciation_by_class[0], history.depreciation))
    assert np.allclose(ours, theirs, rtol=0.02)
