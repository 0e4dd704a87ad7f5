"""Early retirement and impairment: what happens to capital that no longer earns its keep (items 3 and 10)."""

from __future__ import annotations

import numpy as np

from costmodel.flywheel.accounts import AccountParameters
from costmodel.flywheel.capital import COST, UNITS, WATTS, BookState, FleetState
from costmodel.flywheel.clearing import Clearing
from costmodel.flywheel.drivers import Drivers, draws
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.energy import load_factor
from costmodel.ownership.rent import vintage_value

MOST_COHORTS_PER_STEP = 4
"""Cohorts that may retire early in one step and draw [1]: a bound that keeps a step's cost flat."""


def retire_early(
    step: int,
    oldest: FloatArray,
    parameters: AccountParameters,
    clearing: Clearing,
    fleet: FleetState,
    books: BookState,
) -> tuple[FloatArray, FloatArray]:
    """Retire cohorts, oldest first, whose running cost exceeds the rent that they could earn.

    Returns
    -------
    tuple
        The oldest cohort still in service by draw, and the book value written off ``(draw,)`` [USD].
    """
    lost = np.zeros_like(clearing.rent)
    load = parameters.full_load * load_factor(clearing.utilisation, parameters.idle_fraction)
    for _ in range(MOST_COHORTS_PER_STEP):
        index = np.minimum(oldest, step).astype(int)
        arrived = np.take_along_axis(fleet.arrived, np.broadcast_to(index, fleet.stock.shape)[:, None, :], axis=1)[:, 0]
        units = np.maximum(arrived[UNITS], 1e-300)
        energy = arrived[WATTS] / units * load * HOURS_PER_YEAR * parameters.electricity[step]
        running = energy + parameters.maintenance * arrived[COST] / units
        gone = (arrived[UNITS] <= 0.0) | (step - index >= fleet.life.offset)
        empty = gone & (index < step)
        doomed = (running > clearing.rent) & ~gone & (index < step)
        if not np.any(doomed | empty):
            break
        fleet.retire_oldest(step, index, doomed)
        lost = lost + books.write_off(step, 0, index, np.where(doomed, 1.0, 0.0))
        oldest = np.where(doomed | empty, oldest + 1, oldest)
    return oldest, lost


def value_in_use_shortfall(
    step: int,
    scenario: FlywheelScenario,
    drivers: Drivers,
    clearing: Clearing,
    fleet: FleetState,
    books: BookState,
) -> FloatArray:
    """Return by how much the fleet's value in use falls short of its book value, as a share ``(draw,)``.

    Value in use is the present value of the present rent, falling as new hardware does, over what is left of
    each cohort's physical life, for all classes together (they earn one rent).
    """
    rate = np.log1p(draws(scenario.accounts.wacc))
    decline = np.maximum(-draws(next(iter(scenario.hardware.lines.values())).price_trend), 0.0)
    life = draws(scenario.hardware.fleet.physical_life)
    ages = (step - np.arange(step + 1))[:, None] * drivers.step
    alive = fleet.arrived[UNITS, : step + 1] * np.exp(-draws(scenario.hardware.fleet.failure_rate) * ages)
    remaining = np.maximum(life - ages, 0.0)
    rent, running = clearing.rent * clearing.utilisation, drivers.running[step]
    value = ordered_sum(alive * vintage_value(rent, decline, rate, remaining, running))
    left = np.maximum(fleet.opening_life - (step + 0.5) * drivers.step, 0.0) / 2.0
    opening = fleet.opening_left[UNITS] * vintage_value(rent, decline, rate, left, running)
    book = np.asarray(ordered_sum(books.in_service))
    short = 1.0 - np.maximum(value + opening, 0.0) / np.maximum(book, 1e-300)
    return np.where(book > 0.0, np.clip(short, 0.0, 1.0), 0.0)
