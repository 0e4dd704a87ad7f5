"""Early retirement and impairment in a step, by hand: retired units, and book value above value in use."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Bound, Cost
from costmodel.flywheel.shares import BOUND_OUTPUTS
from costmodel.flywheel.simulate import Run
from costmodel.flywheel.statement import weighted
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.outputs import outputs_of
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.closed_form
RENT = 2.0
"""Required rent [USD/hour]."""
OWN = RENT * 8766.0 * 0.5
"""Required yearly earnings of new equipment at half use [USD/year]."""
ALIVE = 3e5 * np.exp(-0.03 * 0.25) * (1.0 - 0.25 / 5.0)
"""Of 300,000 accelerators that retire evenly over five years, those in service after a quarter."""


def started(**changes: Any) -> Run:
    """Return a run in its first step, without orders; its old accelerators take twice the power."""
    opening = {"units": 3e5, "life": 5.0, "power": 2000.0}
    changes = {"hardware__accelerators__early_leaving": True, "operators__all__opening": opening, **changes}
    run = Run.start(FlywheelScenario(**steady_tables(time__end="2028-01-01", **changes)).resolve())
    run.fleets.arrive(0)
    nothing = np.zeros((1, 1))
    run.fleets.build_sites(nothing, 0, run.drivers, np.zeros(1))
    run.fleets.buy_chips(nothing, 0, run.drivers, np.zeros(1))
    return run


def cost(chips: float = 1.0, sites: float = 0.0, rate: float = 0.1) -> Cost:
    required, chip_share, site_share, cost_rate = (np.full((1, 1), value) for value in (RENT, chips, sites, rate))
    return Cost(required, required, np.zeros((1, 1)), chip_share, site_share, cost_rate)


HORIZON = 0.5
"""Time until the next orders need power [year]."""


def leave(run: Run, earned: float, use: float = 1.0) -> Any:
    """Let vintages leave at earnings given over what is required; return the step's account."""
    run.fleets.leave(0, run.drivers, cost(), np.full((1, 1), earned * OWN), np.full((1, 1), use), np.full(1, HORIZON))
    return run.fleets.chips.close()


def staying(years: float) -> float:
    """Return the watts of the old accelerators some years after the start."""
    return 2000.0 * 3e5 * float(np.exp(-0.03 * years)) * (1.0 - years / 5.0)


@pytest.mark.parametrize(
    ("earned", "energy", "upkeep", "leaves"),
    [
        # A watt is worth the earnings of new equipment beyond its own rent; an old accelerator takes twice the watts.
        (2.1, 0.0, 0.0, True),
        (1.9, 0.0, 0.0, False),
        # Earnings less energy of 2,000 W and upkeep.
        (1.0, 0.9, 0.0, False),
        (1.0, 1.1, 0.0, True),
        (1.0, 0.5, 0.4, False),
        (1.0, 0.5, 0.6, True),
    ],
)
def test_what_does_not_earn_its_running_cost_and_its_room_leaves(
    earned: float, energy: float, upkeep: float, leaves: bool
) -> None:
    """With half of the site power that they take, as many leave as can in a step."""
    price = 25000.0 * 1.2 * np.exp(-0.3 * 0.125)  # with network, in the middle of the first quarter
    opening = {"units": 3e5, "life": 5.0, "power": 2000.0, "site_power": 3e8}
    run = started(
        operators__all__opening=opening,
        energy__price=energy * OWN / (2000.0 * 8766.0),
        hardware__maintenance=upkeep * OWN / price,
    )
    step = leave(run, earned)
    share = -np.expm1(-0.25 / 0.75) if leaves else 0.0  # leaving time of three quarters
    assert float(step.left[0, 0, 0]) == pytest.approx(share * ALIVE, rel=1e-12)
    assert float(step.in_service[0, 0, 0]) == pytest.approx((1.0 - share) * ALIVE, rel=1e-12)
    kept = (1.0 - share) * -np.expm1(-HORIZON / 0.75) if leaves else 0.0
    assert float(run.fleets.freed[0, 0]) == pytest.approx(kept * staying(0.25 + HORIZON), rel=1e-12)


def test_no_more_leave_than_make_room_for_the_others() -> None:
    """With nine tenths of the site power, what leaves brings the power of accelerators to that of sites."""
    run = started(operators__all__opening={"units": 3e5, "life": 5.0, "power": 2000.0, "site_power": 5e8})
    room = float(run.fleets.sites.in_service[0, 0, 0])
    assert 0.8 < room / staying(0.25) < 0.95
    step = leave(run, 2.1)
    assert float(step.in_service[run.fleets.chips.index["watts"], 0, 0]) == pytest.approx(room, rel=1e-12)
    assert float(step.left[0, 0, 0]) == pytest.approx(ALIVE - room / 2000.0, rel=1e-9)


def test_where_site_power_is_enough_they_serve_until_their_successors_arrive() -> None:
    """Orders count on their power: the room is larger by what they free until then."""
    opening = {"units": 3e5, "life": 5.0, "power": 2000.0, "site_power": 6e8}
    run = started(operators__all__opening=opening, hardware__sites__lag=1.5)
    step = leave(run, 2.1)
    assert float(step.left[0, 0, 0]) == 0.0
    invest, fleets, drivers = run.investment, run.fleets, run.drivers
    assert float(invest.room_horizon[0]) == pytest.approx(0.5 + 0.25)
    freed = staying(0.25 + HORIZON) * -np.expm1(-HORIZON / 0.75)
    without, counted = (
        invest.room(0, drivers, fleets.chips, fleets.sites, power) for power in (np.zeros((1, 1)), fleets.freed)
    )
    power = float(np.ravel(drivers.power[0])[0])
    assert float((counted - without)[0, 0]) == pytest.approx(freed / power / (0.25 + 0.125), rel=1e-9)


@pytest.mark.parametrize(("threshold", "written"), [(0.4, True), (0.6, False)])
@pytest.mark.parametrize(("step", "tested"), [(3, True), (2, False)])
def test_value_in_use_is_tested_at_the_end_of_a_year(threshold: float, written: bool, step: int, tested: bool) -> None:
    """Half of the book value is covered: earnings times the annuity at the cost of capital plus the decline."""
    book = 4e9
    opening = {
        "units": 3e5, "life": 5.0, "power": 1000.0,
        "accelerators": {"book": book, "life": 3.0}, "network": {"book": 1e9, "life": 3.0},
    }  # fmt: skip
    run = started(operators__all__opening=opening, operators__all__financing__impairment_threshold=threshold)
    decline = 0.3  # of the price of new accelerators
    left = 0.5 * (5.0 - 0.25)  # mean remaining life of units that retire evenly
    annuity = -np.expm1(-(0.1 + decline) * left) / (0.1 + decline)
    earned = np.full((1, 1), 0.5 * 5e9 / (ALIVE * annuity))
    run.fleets.revalue(step, run.drivers, cost(), earned, np.ones((1, 1)))
    down = 0.5 if written and tested else 0.0
    assert run.fleets.uncovered[:, 0, 0] == pytest.approx([0.5 * book * tested, 0.5e9 * tested, 0.0], rel=1e-9)
    done = run.fleets.chips.close()
    left_to_charge = np.array([book, 1e9]) * (1.0 - 0.25 / 3.0) * np.exp(-0.03 * 0.25)
    assert done.impaired[:, 0, 0] == pytest.approx(down * left_to_charge, rel=1e-9)
    assert done.book_value[:, 0, 0] == pytest.approx((1.0 - down) * left_to_charge, rel=1e-9)


def test_equipment_and_sites_share_what_a_unit_earns() -> None:
    """Equipment has three quarters of the required rent; an asset worth more than its book value is covered."""
    opening = {"units": 3e5, "life": 5.0, "power": 1000.0, "accelerators": {"book": 4e9}, "network": {"book": 1e9}}
    run = started(operators__all__opening=opening)
    annuity = -np.expm1(-0.4 * 2.375) / 0.4
    for part, uncovered in ((0.4, 1.0 - 0.4 * 0.75), (1.4, 0.0)):
        earned = np.full((1, 1), part * 5e9 / (ALIVE * annuity))
        run.fleets.revalue(3, run.drivers, cost(0.6, 0.2), earned, np.ones((1, 1)))
        assert run.fleets.uncovered[:2, 0, 0] == pytest.approx([4e9 * uncovered, 1e9 * uncovered], rel=1e-9)


def test_earnings_are_remembered_over_half_a_year() -> None:
    fleets = started().fleets
    assert float(fleets.remember(np.full((1, 1), 8.0), 0.25)[0, 0]) == 8.0
    after = fleets.remember(np.full((1, 1), 4.0), 0.25)
    assert float(after[0, 0]) == pytest.approx(4.0 + 4.0 * np.exp(-0.25 / 0.5), rel=1e-12)


def test_each_limit_on_orders_has_its_code_and_word() -> None:
    assert [(bound.name, int(bound)) for bound in Bound] == [
        ("PLAN", 0), ("RETURN", 1), ("CHIPS", 2), ("ROOM", 3), ("CREDIT", 4),
    ]  # fmt: skip
    (words,) = (spec.words for spec in outputs_of(Trajectory) if spec.name == "bound_held")
    assert words == ("plan", "return", "chips", "room", "credit")


def test_a_mean_without_weights_is_plain() -> None:
    """Steps first, then what is weighed: 1 and 3, by 3 and 1, and by nothing."""
    rows = np.array([[[1.0], [3.0]], [[1.0], [3.0]]])
    weights = np.array([[[3.0], [1.0]], [[0.0], [0.0]]])
    assert weighted(rows, weights).tolist() == [[1.5], [2.0]]


def test_the_shares_of_the_last_year_in_which_each_limit_holds_add_up() -> None:
    """Two operators over four quarters and three draws: each limit's share of those eight, by draw."""
    grid = SimpleNamespace(years=(2026, 2027), year_steps=lambda year: slice(0, 4) if year == 2026 else slice(4, 8))
    held = np.zeros((8, 2, 3))
    held[4:, 0, 1] = int(Bound.ROOM)
    held[4:6, 1, 2] = int(Bound.CHIPS)
    run = SimpleNamespace(scenario=SimpleNamespace(grid=grid), bound_held=held)
    shares = {item.bound: item(run).tolist() for item in BOUND_OUTPUTS[1:]}
    assert shares[Bound.ROOM] == [0.0, 0.5, 0.0]
    assert shares[Bound.CHIPS] == [0.0, 0.0, 0.25]
    assert shares[Bound.PLAN] == [1.0, 0.5, 0.75]
