"""Reports on the loops of a scenario, and history at dates before the first mid-step."""

from __future__ import annotations

import numpy as np
import pytest

import costmodel
from costmodel.flywheel.history import _interpolate
from costmodel.flywheel.stability import stability_report


@pytest.mark.closed_form
def test_orders_close_a_gap_implicitly() -> None:
    scenario = costmodel.load_scenario("bond-flywheel").replace({"investment.adjustment": 0.5})
    found = {loop.name: loop.value for loop in stability_report(scenario).loops}
    # a quarter closes 0.25/(0.5 + 0.125) of its gap, with half of the step counted: 0.6 remains
    assert found["orders"] == pytest.approx(1.0 - 0.25 / (0.5 + 0.25 / 2.0), rel=1e-12)


@pytest.mark.closed_form
def test_before_the_first_middle_a_series_goes_on_by_its_first_slope_and_after_the_last_it_holds() -> None:
    times, values = np.array([0.125, 0.375, 0.625]), np.array([10.0, 12.0, 20.0])
    assert _interpolate(times, values, 0.0) == pytest.approx(10.0 - 0.5 * 2.0)
    assert _interpolate(times, values, 0.25) == pytest.approx(11.0)
    assert _interpolate(times, values, 0.75) == pytest.approx(20.0)
    assert _interpolate(times, values, -1.0) == pytest.approx(10.0 - 2.0)  # at most one step further back
