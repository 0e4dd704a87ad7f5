"""Equations of investment, with numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.flywheel.test_flywheel_retirement import cost, started

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Wanted
from costmodel.flywheel.orders import capability_growth, forecast_factor, orders_towards
from costmodel.flywheel.simulate import Run
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.closed_form
_MODULE = "costmodel.flywheel.orders"


@pytest.mark.reference(f"{_MODULE}:forecast_factor")
def test_a_forecast_without_damping_meets_steady_growth() -> None:
    # A gap that closes in a year lags growth of 0.5 by half a target: 1 + 0.5, and e^0.2 on the way.
    assert forecast_factor(0.5, 0.4, np.inf, 1.0) == pytest.approx(1.5 * np.exp(0.2), rel=1e-12)
    # Damped over six years: e^(0.5·6·(1 − e^(−0.25)))·(1 + 0.5 e^(−0.25)) over a year and a half.
    kept = np.exp(-0.25)
    assert forecast_factor(0.5, 1.5, 6.0, 1.0) == pytest.approx(np.exp(3.0 * (1 - kept)) * (1 + 0.5 * kept), rel=1e-12)
    assert forecast_factor(-3.0, 0.0, np.inf, 1.0) == 0.0


@pytest.mark.reference(f"{_MODULE}:orders_towards")
def test_a_gap_is_ordered_over_its_time_and_half_a_step() -> None:
    assert orders_towards(120.0, 100.0, 1.0, 0.5) == pytest.approx(20.0 / 1.25, rel=1e-15)
    assert orders_towards(80.0, 100.0, 1.0, 0.5) == 0.0


@pytest.mark.reference(f"{_MODULE}:capability_growth")
def test_capability_builds_up_with_the_premium_and_runs_down_slowly() -> None:
    """A gap of a twentieth closes over half a year at 0.1 a year; a wide one at what technology and premium allow."""
    terms = (0.26, 0.5, 1.0, 0.5, 0.1)  # technology, response, build-up, its most, run-down
    for shortage, premium, growth in (
        (0.05, 0.3, 0.1), (0.28, 0.3, 0.56), (0.4, 0.3, 0.56), (2.0, 0.9, 0.76), (0.0, 0.3, 0.0),
        (-0.02, 0.3, -0.04), (-3.0, 0.3, -0.1),
    ):  # fmt: skip
        assert capability_growth(shortage, premium, *terms) == pytest.approx(growth, rel=1e-12)


SITES = {
    "hardware__accelerators__failure_rate": 0.0,
    "investment__initial_trend": 0.0,
    "operators__all__opening": {"units": 3e5, "life": 5.0, "power": 2000.0, "site_power": 1e8},
}
STAY = 3e5 * (1.0 - 0.625 / 5.0) - 3e5 / 5.0
"""Accelerators to order against: there half a year after the middle of the first quarter, less what retires in the year
that a gap takes."""
STANDING = 1e8 * (1.0 - 0.625 / 20.0) - 1e8 / 20.0
"""Site power to order against, of sites that retire over twenty years [W]."""


@pytest.mark.parametrize(
    ("aim", "watts"),
    [
        (0.5 * STAY, 0.5 * STAY * 2000.0),  # half of the old ones, of 2,000 W, are wanted
        (STAY, STAY * 2000.0),
        (STAY + 5e4, STAY * 2000.0 + 5e4 * 1000.0),  # all of them, and new ones of 1,000 W
        (0.0, 0.0),
    ],
)
def test_sites_are_ordered_for_what_stays_and_what_comes(aim: float, watts: float) -> None:
    run = started(**SITES)
    wanted = Wanted(np.full(1, aim * 0.5), np.zeros(1), np.zeros(1))  # at half use an aim is twice what is wanted
    fleets, none = run.fleets, np.zeros((1, 1))
    ordered = run.investment.order_sites(0, run.drivers, wanted, cost(), fleets.chips, fleets.sites, none)
    assert float(ordered[0, 0]) == pytest.approx(max(watts - STANDING, 0.0) / (1.0 + 0.125), rel=1e-9)
    stopped = run.investment.order_sites(0, run.drivers, wanted, cost(), fleets.chips, fleets.sites, none + 1.0)
    assert float(stopped[0, 0]) == 0.0


def test_accelerators_are_ordered_into_the_room_that_there_will_be() -> None:
    """Over a quarter's room time, and half a step, after the lag; where sites come as fast, nothing is held up."""
    late = {**SITES, "hardware__sites__lag": 1.5}
    late["operators__all__opening"] = {"units": 3e5, "life": 5.0, "power": 1000.0, "site_power": 5e8}
    run = started(**late)
    there = 3e8 * (1.0 - 0.875 / 5.0)
    room = (5e8 * (1.0 - 0.875 / 20.0) - there) / 1000.0 / (0.25 + 0.125)
    fleets = run.fleets
    assert float(run.investment.room(0, run.drivers, fleets.chips, fleets.sites, fleets.freed)[0, 0]) == pytest.approx(
        room, rel=1e-9
    )
    soon = started(**SITES)
    assert np.isinf(
        soon.investment.room(0, soon.drivers, soon.fleets.chips, soon.fleets.sites, soon.fleets.freed)
    ).all()


@pytest.mark.parametrize(("units", "shares"), [((3e5, 1e5), (0.75, 0.25)), ((0.0, 0.0), (0.5, 0.5))])
def test_operators_share_what_is_wanted_as_they_begin_or_evenly(
    units: tuple[float, float], shares: tuple[float, float]
) -> None:
    tables = steady_tables(time__end="2027-01-01")
    operator = tables["operators"]["all"]
    tables["operators"] = {
        name: {**operator, "opening": {**operator["opening"], "units": number}}
        for name, number in zip(("one", "two"), units, strict=True)
    }
    share = Run.start(FlywheelScenario(**tables).resolve()).investment.share
    assert share[0, :, 0].tolist() == list(shares)
    assert np.array_equal(share[-1], share[0])
