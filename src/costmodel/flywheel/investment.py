"""Investment: a dated plan until its last date, then orders that follow demand, within bounds (item 9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from costmodel.flywheel.capital import UNITS, WATTS, FleetState
from costmodel.flywheel.drivers import NO_LIMIT, Drivers, draws, path, since
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray

MOST_GROWTH = 50.0
"""Log growth of orders within a step beyond which there is no limit [1]."""


class Bound(IntEnum):
    """What held a step's capex."""

    PLAN = 0
    DEMAND = 1
    ORDER_GROWTH = 2
    FUNDING = 3
    WORLD_SHARE = 4
    CHIP_SUPPLY = 5
    POWER = 6


@dataclass(slots=True)
class Investment:
    """State and parameters of investment; money per year, ``(draw,)``."""

    plan: FloatArray | None
    other: FloatArray
    """Capex that is not for AI: within the plan, on top of orders after it, ``(step, draw)``."""
    plan_until: float
    adjustment: FloatArray
    memory: FloatArray
    damping: FloatArray
    max_growth: FloatArray
    world_limit: FloatArray
    outside: FloatArray
    supply: FloatArray
    power_at_service: FloatArray
    """Room when an order of this step enters service."""
    power_ahead: FloatArray
    """Room one adjustment time later, towards which orders close in."""
    horizon: FloatArray
    failure_rate: FloatArray
    opening_life: FloatArray
    target: FloatArray
    trend: FloatArray
    last_wanted: FloatArray | None = None
    last_rate: FloatArray | None = None

    def planned(self, step: int, drivers: Drivers) -> bool:
        """Whether a step lies within the plan."""
        return self.plan is not None and float(drivers.times[step]) < self.plan_until

    def planned_rate(self, step: int) -> FloatArray:
        """Return what a step's plan leaves for AI [USD/year]; zero without a plan."""
        plan = self.other[step] if self.plan is None else self.plan[step]
        return np.asarray(np.maximum(plan - self.other[step], 0.0))

    def observe(self, step: int, drivers: Drivers, wanted: FloatArray) -> None:
        """Update the smoothed trend of wanted compute."""
        if self.last_wanted is not None:
            ratio = np.maximum(wanted, 1e-300) / np.maximum(self.last_wanted, 1e-300)
            share = -np.expm1(-drivers.step / self.memory)
            self.trend = self.trend + share * (np.log(ratio) / drivers.step - self.trend)
        self.last_wanted = wanted

    def forecast(self, wanted: FloatArray) -> FloatArray:
        """Return the capacity for demand at the horizon, its trend damped on the way [accelerators]."""
        reach = self.damping * -np.expm1(-self.horizon / self.damping)
        return np.asarray(wanted * np.exp(self.trend * reach) / self.target)

    def position(self, step: int, fleet: FleetState) -> FloatArray:
        """Return accelerators in service and on the way, net of what will have left by the horizon."""
        lasting = fleet.stock[UNITS] - fleet.opening_left[UNITS]
        middle = (step + 0.5) * fleet.step
        remaining = np.maximum(fleet.opening_life - middle, fleet.step)
        opening = fleet.opening_left[UNITS] * np.maximum(1.0 - self.horizon / remaining, 0.0)
        kept = (lasting + opening) * np.exp(-self.failure_rate * self.horizon)
        return np.asarray(kept + fleet.pipeline_now(step)[UNITS])

    def decide(
        self, step: int, drivers: Drivers, fleet: FleetState, wanted: FloatArray, funds: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return a step's capex for AI [USD/year] and the bound that held it (codes of :class:`Bound`).

        Parameters
        ----------
        wanted
            Compute wanted now: training reserve, internal work and tokens [accelerators].
        funds
            Money per year from cash above the floor, operations and borrowing [USD/year].

        Notes
        -----
        What is already committed is known without this step's orders, of which half are placed by mid-step; the
        time over which a gap closes is longer by half a step for that.
        """
        self.observe(step, drivers, wanted)
        price = drivers.total_unit_cost[step]
        if self.planned(step, drivers) and self.plan is not None:
            rate = np.broadcast_to(self.planned_rate(step), wanted.shape)
            self.last_rate = rate
            return rate, np.full(wanted.shape, int(Bound.PLAN), dtype=np.int8)
        closing = self.adjustment + drivers.step / 2.0
        gap = np.maximum(self.forecast(wanted) - self.position(step, fleet), 0.0)
        last = gap / closing * price if self.last_rate is None else self.last_rate
        replacement = self.failure_rate * fleet.stock[UNITS] * price
        base, growth = np.maximum(last, replacement), np.exp(np.minimum(self.max_growth * drivers.step, MOST_GROWTH))
        committed = fleet.stock[WATTS] + fleet.pipeline_now(step)[WATTS]
        room = np.minimum(
            np.maximum(self.power_ahead[step] - committed, 0.0) / closing,
            np.maximum(self.power_at_service[step] - committed, 0.0) / drivers.step,
        )
        limits = {
            Bound.DEMAND: gap / closing * price,
            Bound.ORDER_GROWTH: np.where(base > 0.0, base * growth, NO_LIMIT),
            Bound.FUNDING: np.maximum(np.maximum(funds, 0.0) + self.outside[step] - self.other[step], 0.0),
            Bound.WORLD_SHARE: self.world_limit[step],
            Bound.CHIP_SUPPLY: self.supply[step] * price,
            Bound.POWER: room / drivers.power[step] * price,
        }
        table = np.array([np.broadcast_to(limit, wanted.shape) for limit in limits.values()])
        codes = np.array([int(bound) for bound in limits], dtype=np.int8)
        rate = table.min(axis=0)
        self.last_rate = rate
        return rate, codes[table.argmin(axis=0)]


def investment_state(scenario: FlywheelScenario, drivers: Drivers, batch: int, lag: FloatArray) -> Investment:
    """Build the state of investment."""
    inputs, steps = scenario.investment, drivers.grid.steps
    none = np.full((steps, 1), NO_LIMIT)

    def limit(value: object) -> FloatArray:
        return none if value is None else path(value)

    world = none
    if inputs.max_world_share is not None:
        world = draws(inputs.max_world_share) * path(scenario.economy.world_product)
    growth = inputs.max_order_growth
    availability = draws(scenario.hardware.fleet.availability)
    return Investment(
        plan=None if inputs.plan is None else path(inputs.plan),
        other=path(inputs.other_capex),
        plan_until=since(drivers.grid, inputs.plan_end),
        adjustment=draws(inputs.adjustment),
        memory=draws(inputs.trend_memory),
        damping=draws(inputs.trend_damping),
        max_growth=draws(NO_LIMIT if growth is None else growth),
        world_limit=world,
        outside=limit(inputs.outside_funding),
        supply=limit(inputs.chip_supply),
        power_at_service=_ahead(limit(inputs.power_room), lag, drivers),
        power_ahead=_ahead(limit(inputs.power_room), lag + draws(inputs.adjustment), drivers),
        horizon=lag + draws(inputs.adjustment),
        failure_rate=draws(scenario.hardware.fleet.failure_rate),
        opening_life=draws(scenario.hardware.fleet.opening_life),
        target=draws(scenario.service.target_utilisation) * availability,
        trend=np.broadcast_to(draws(inputs.initial_trend), (batch,)),
    )


def _ahead(series: FloatArray, by: FloatArray, drivers: Drivers) -> FloatArray:
    """Return a dated series read ``by`` years ahead, extended by its last slope, ``(step, draw)``."""
    steps = drivers.grid.steps
    if steps < 2 or not bool(np.isfinite(series).all()):
        return series
    position = np.arange(steps)[:, None] + by / drivers.step
    low = np.clip(np.floor(position), 0, steps - 2).astype(int)
    full = np.broadcast_to(series, (steps, position.shape[1])) if series.shape[1] == 1 else series
    low = np.broadcast_to(low, (steps, full.shape[1]))
    first, second = np.take_along_axis(full, low, axis=0), np.take_along_axis(full, low + 1, axis=0)
    return np.asarray(first + (position - low) * (second - first))
