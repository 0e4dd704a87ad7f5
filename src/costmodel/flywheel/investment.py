"""Investment of a step: orders of capacity that earns its required rent, limited by chips and sites (items 6 and 7).

Investment sees no results beyond the present step; of the future it reads only schedules, at their own dates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from costmodel.flywheel.drivers import Drivers, draws, path, shares_of, since, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.market_side import TINY, MarketParameters, MarketState, Situation
from costmodel.flywheel.orders import capability_growth, forecast_factor, orders_towards
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.market.clearing import PriceState, outcome_at, price_lines, response_in_the_long_run, solve_decreasing
from costmodel.market.paths import by_step
from costmodel.market.pricing import closing_share
from costmodel.ownership.fleet import Fleet

SMALL = 1e-6
"""Change of a log premium over which a slope is measured [1]."""


class Bound(IntEnum):
    """Limit that binds an operator's orders in a step."""

    PLAN = 0
    RETURN = 1
    CHIPS = 2
    ROOM = 3
    CREDIT = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """Compute demand if prices had always followed the required rent, ``(draw,)``."""

    accelerators: FloatArray
    elasticity: FloatArray
    """Long-run fall of log demand per unit of log rent, ≥ 0 [1]."""
    log_rent: FloatArray
    """Log of the mean required rent at which demand is computed [USD/hour]."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An operator's required rent and its shares, ``(operator, draw)``."""

    required: FloatArray
    paid: FloatArray
    running: FloatArray
    chip_share: FloatArray
    site_share: FloatArray
    rate: FloatArray
    """Logarithmic cost of capital [1/year]."""


@dataclass(slots=True)
class Investment:
    """Parameters and state of investment, ``(draw,)`` unless stated."""

    share: FloatArray
    """Shares of wanted capacity, ``(step, operator, draw)``."""
    planned: FloatArray
    """1 while an operator's plan is in force, else 0, ``(step, operator, 1)``."""
    plan: FloatArray
    """Planned capex for AI, ``(step, operator, draw)`` [USD/year]."""
    plan_sites: FloatArray
    """Site power that plans energise, ``(step, operator, draw)`` [W/year]; NaN where the rule orders sites."""
    commitments: FloatArray
    """Committed capex, a minimum, ``(step, operator, draw)`` [USD/year]."""
    adjustment: FloatArray
    memory: FloatArray
    damping: FloatArray
    room_time: FloatArray
    premium_memory: FloatArray
    lag: FloatArray
    site_lag: FloatArray
    target: FloatArray
    """Target use times availability [1]."""
    supply_elasticity: FloatArray
    build_up: FloatArray
    max_build_up: FloatArray
    run_down: FloatArray
    max_premium: FloatArray
    site_elasticity: FloatArray
    max_site_premium: FloatArray
    supply: FloatArray | None
    """Accelerators that suppliers can deliver [1/year]; None: unlimited."""
    chip_premium: FloatArray
    site_premium: FloatArray
    trend: FloatArray
    lag_raised: bool
    """Whether a lag shorter than a step was raised to a step."""
    last_wanted: FloatArray | None = None

    # -- wanted compute --------------------------------------------------------------------------------------------

    def observe(
        self, step: int, drivers: Drivers, parameters: MarketParameters, state: MarketState, at: Situation, cost: Cost
    ) -> Wanted:
        """Return the compute wanted at the required rent; update the prices that follow this rent, and the trend."""
        mean = as_array(ordered_sum(self.share[step] * cost.required))
        log_rent = np.log(np.maximum(mean, TINY))
        if state.required is None:
            start = at.log_target + log_rent
            state.required = PriceState(start, start, start)
        span = drivers.span(step)
        lines = price_lines(state.required, at.log_target, parameters.speed, drivers.workloads.memory, span)
        tokens = outcome_at(log_rent, lines, at.conditions).demanded * at.conditions.hours
        training = as_array(ordered_sum(at.budget)) / mean
        internal = at.internal * np.power(mean / parameters.reference_rent, parameters.internal_elasticity)
        hours = as_array(ordered_sum(tokens) + training + internal)
        response = response_in_the_long_run(log_rent, at.log_target, at.conditions)
        falls = -ordered_sum(tokens * response) + training - parameters.internal_elasticity * internal
        state.required = lines.at(log_rent)
        self._follow(drivers.step, hours)
        return Wanted(hours / HOURS_PER_YEAR, falls / np.maximum(hours, TINY), log_rent)

    def _follow(self, dt: float, hours: FloatArray) -> None:
        """Update the smoothed trend of wanted compute."""
        now = np.log(np.maximum(hours, TINY))
        if self.last_wanted is not None:
            known = (hours > 0.0) & (self.last_wanted > np.log(TINY) + 1.0)
            growth = np.where(known, (now - self.last_wanted) / dt, 0.0)
            self.trend = self.trend + closing_share(1.0 / self.memory, dt) * (growth - self.trend)
        self.last_wanted = now

    def fleet_wanted(self, step: int, wanted: Wanted, cost: Cost, horizon: FloatArray) -> FloatArray:
        """Return an operator's target of accelerators at a horizon, without premiums, ``(operator, draw)``."""
        ahead = forecast_factor(self.trend, horizon, self.damping, self.adjustment)
        dearer = np.log(np.maximum(cost.required, TINY)) - wanted.log_rent
        own = np.exp(-wanted.elasticity * dearer)
        return as_array(self.share[step] * wanted.accelerators * own * ahead / self.target)

    # -- sites -----------------------------------------------------------------------------------------------------

    def order_sites(
        self, step: int, drivers: Drivers, wanted: Wanted, cost: Cost, chips: Fleet, sites: Fleet, stopped: FloatArray
    ) -> FloatArray:
        """Return site power ordered a year, ``(operator, draw)`` [W/year]; update the premium on sites."""
        staying = self._position(chips, self.site_lag, drivers.step)
        units, watts = staying[0], staying[chips.index["watts"]]
        power = drivers.ahead(drivers.power, step, np.maximum(self.site_lag - self.lag, 0.0))
        aim, position = (
            self.fleet_wanted(step, wanted, cost, self.site_lag),
            self._position(sites, self.site_lag, drivers.step)[0],
        )
        ruled = np.where(np.isnan(self.plan_sites[step]) | (self.planned[step] < 0.5), 1.0 - stopped, 0.0)

        def rule(premium: FloatArray) -> FloatArray:
            dear = np.exp(-wanted.elasticity * cost.site_share * premium)
            target = aim * dear
            kept = np.minimum(target / np.maximum(units, TINY), 1.0)
            need = np.where(units > 0.0, kept, 1.0) * watts + np.maximum(target - units, 0.0) * power
            return as_array(ruled * orders_towards(need, position, self.adjustment, drivers.step))

        scheduled = np.where(ruled > 0.0, 0.0, np.nan_to_num(self._sites_at_lag(step, drivers))) * self.planned[step]
        if drivers.energised is None:
            return as_array(rule(self.site_premium) + scheduled)
        given = drivers.ahead(drivers.energised, step, self.site_lag)
        room = np.maximum(given - ordered_sum(scheduled), 0.0)
        ordered, self.site_premium, _ = _cleared(
            rule, room, self.site_premium, self.site_elasticity, self.max_site_premium, self.premium_memory, drivers
        )
        return as_array(ordered + scheduled)

    def _sites_at_lag(self, step: int, drivers: Drivers) -> FloatArray:
        return drivers.ahead(self.plan_sites, step, self.site_lag)

    @property
    def room_horizon(self) -> FloatArray:
        """Time from an order until the orders of ``room_time`` have arrived [year]."""
        return as_array(self.lag + self.room_time)

    def room(self, step: int, drivers: Drivers, chips: Fleet, sites: Fleet, freed: FloatArray) -> FloatArray:
        """Return the accelerators a year that will find site power when they arrive, ``(operator, draw)`` [1/year].

        Parameters
        ----------
        step, drivers, chips, sites
            Number of the step, its drivers, and both fleets.
        freed
            Site power that unprofitable vintages will leave to them, ``(operator, draw)`` [W].

        Notes
        -----
        Orders over ``room_time`` fill the site power that is free by then. Where sites are built faster than
        accelerators arrive, they can still be ordered in time and limit nothing: the result is infinite.
        """
        horizon = self.room_horizon
        there = np.maximum(chips.surviving(horizon)[chips.index["watts"]] - freed, 0.0)
        free = np.maximum(sites.surviving(horizon)[0] - there, 0.0)
        room = free / drivers.power[step] / (self.room_time + 0.5 * drivers.step)
        return np.where(self.site_lag < horizon, np.inf, room)

    def _position(self, fleet: Fleet, lag: FloatArray, dt: float) -> FloatArray:
        """Return the position to order against, by row: what survives the lag, less what retires while a gap closes.

        Notes
        -----
        ``P(lag) − a·D``, with D the retirements a year when an order placed now enters service. Orders then replace
        capacity as it retires, and meet steady growth exactly for any life.
        """
        half = 0.5 * dt
        before, now, after = (fleet.surviving(lag + shift) for shift in (-half, 0.0, half))
        return as_array(np.maximum(now - self.adjustment * (before - after) / dt, 0.0))

    # -- chips -----------------------------------------------------------------------------------------------------

    def order_chips(
        self,
        step: int,
        drivers: Drivers,
        wanted: Wanted,
        cost: Cost,
        chips: Fleet,
        room: FloatArray,
        site_paid: FloatArray,
        stopped: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Return accelerators ordered a year and the limit that binds, ``(operator, draw)``; update premium and supply.

        Parameters
        ----------
        room
            Accelerators a year for which there will be site power, ``(operator, draw)`` [1/year].
        site_paid
            Part of the step's capex that sites take, ``(operator, draw)`` [USD/year].
        stopped
            1 where cash and credit are exhausted, else 0, ``(operator, draw)``.
        """
        dt, planned = drivers.step, self.planned[step]
        position = self._position(chips, self.lag, dt)[0]
        aim = self.fleet_wanted(step, wanted, cost, self.lag)
        price = np.maximum(drivers.price[step], TINY)
        left = np.maximum(self.plan[step] - site_paid, 0.0)
        least = np.maximum(self.commitments[step] - site_paid, 0.0)
        follows = (1.0 - planned) * (1.0 - stopped)

        def free_orders(premium: FloatArray) -> FloatArray:
            dear = np.exp(-wanted.elasticity * cost.chip_share * premium)
            return as_array(orders_towards(aim * dear, position, self.adjustment, dt))

        def rule(premium: FloatArray) -> FloatArray:
            money = np.exp(premium) * price
            ruled = np.maximum(np.minimum(free_orders(premium), room), least / money) * follows
            return as_array(ruled + planned * left / money)

        if self.supply is None:
            ordered, short = rule(self.chip_premium), np.zeros_like(self.chip_premium)
        else:
            plans = as_array(ordered_sum(planned * left / price))
            able = np.maximum(self.supply, plans) * drivers.chips_factor[step]
            ordered, premium, short = _cleared(
                rule, able, self.chip_premium, self.supply_elasticity, self.max_premium, self.premium_memory, drivers
            )
            growth = capability_growth(
                short, self.chip_premium, drivers.hardware_growth[step],
                self.premium_memory, self.build_up, self.max_build_up, self.run_down,
            )  # fmt: skip
            self.supply = np.maximum(self.supply, plans) * np.exp(growth * dt)
            self.chip_premium = premium
        held = np.where(free_orders(self.chip_premium) > room, int(Bound.ROOM), int(Bound.RETURN))
        held = np.where(short > 0.0, int(Bound.CHIPS), held)
        held = np.where(stopped > 0.0, int(Bound.CREDIT), held)
        return ordered, np.where(planned > 0.5, int(Bound.PLAN), held)


def _cleared(
    rule: Callable[[FloatArray], FloatArray],
    able: FloatArray,
    premium: FloatArray,
    elasticity: FloatArray,
    most: FloatArray,
    memory: FloatArray,
    drivers: Drivers,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return orders at the current premium, the next premium, and the log of orders at list price over supply.

    Parameters
    ----------
    rule
        Orders by operator at a log premium.
    able
        Supply at list price, ``(draw,)``.
    premium, elasticity, most, memory
        Log premium, d ln supply / d ln price, highest price over list price, and the time over which the premium
        closes the gap to its clearing level [year].
    """
    able = able + np.zeros_like(premium)
    top, none = np.log(most) + np.zeros_like(premium), np.zeros_like(premium)

    def excess(at: FloatArray) -> FloatArray:
        wanted = as_array(ordered_sum(rule(at)))
        return as_array(np.log(np.maximum(wanted, TINY)) - np.log(np.maximum(able, TINY)) - elasticity * at)

    short = excess(none)
    free, scarce = short <= 0.0, excess(top) >= 0.0

    def residual(at: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = excess(at)
        slope = (excess(at + SMALL) - value) / SMALL
        return np.where(free | scarce, 0.0, value), slope  # no premium clears these: they count as solved

    solved = solve_decreasing(residual, none, top, premium)
    clearing = np.where(free, 0.0, np.where(scarce, top, solved))
    wanted = rule(premium)
    room = able * np.exp(elasticity * premium)
    share = np.minimum(room / np.maximum(as_array(ordered_sum(wanted)), TINY), 1.0)
    nearer = premium + closing_share(1.0 / memory, drivers.step) * (clearing - premium)
    return as_array(wanted * share), as_array(nearer), short


def investment_state(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> Investment:
    """Build the state of investment at the start."""
    inputs, hardware, suppliers = scenario.investment, scenario.hardware, scenario.suppliers
    opening = stack([draws(item.opening.units) for item in scenario.operators.values()])
    even = np.full_like(opening, 1.0 / len(opening))
    whole = as_array(ordered_sum(opening))
    start = np.where(whole > 0.0, opening / np.maximum(whole, TINY), even)
    share = shares_of(scenario, "share", start[None])
    share = np.broadcast_to(share, (len(drivers.times), *share.shape[1:]))
    plan, sites, planned, least = _plans(scenario, drivers, share)
    premium = np.zeros(batch)
    grid = scenario.power_grid

    def of(value: float | FloatArray | None, absent: float) -> FloatArray:
        return draws(absent if value is None else value)

    return Investment(
        share=share,
        planned=planned,
        plan=plan,
        plan_sites=sites,
        commitments=least,
        adjustment=draws(inputs.adjustment),
        memory=draws(inputs.trend_memory),
        damping=of(inputs.trend_damping, np.inf),
        room_time=draws(inputs.room_time),
        premium_memory=draws(inputs.premium_memory),
        lag=np.maximum(draws(hardware.accelerators.lag), drivers.step),
        site_lag=np.maximum(draws(hardware.sites.lag), drivers.step),
        target=draws(scenario.clearing.target_use) * draws(hardware.accelerators.availability),
        supply_elasticity=of(None if suppliers is None else suppliers.supply_elasticity, 1.0),
        build_up=of(None if suppliers is None else suppliers.build_up, 0.0),
        max_build_up=of(None if suppliers is None else suppliers.max_build_up, 0.0),
        run_down=of(None if suppliers is None else suppliers.run_down, 0.0),
        max_premium=of(None if suppliers is None else suppliers.max_premium, 1.0),
        site_elasticity=of(None if grid is None else grid.supply_elasticity, 1.0),
        max_site_premium=of(None if grid is None else grid.max_premium, 1.0),
        supply=None if suppliers is None else np.broadcast_to(draws(suppliers.capability), (batch,)),
        chip_premium=premium,
        site_premium=premium,
        trend=np.broadcast_to(draws(inputs.initial_trend), (batch,)),
        lag_raised=bool(np.any(draws(hardware.accelerators.lag) < drivers.step)),
    )


def _plans(
    scenario: FlywheelScenario, drivers: Drivers, share: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return planned capex, planned sites, 1 while a plan is in force, and commitments, ``(step, operator, draw)``."""
    times, none = drivers.times, np.zeros((len(drivers.times), 1))
    capex: list[FloatArray] = []
    sites: list[FloatArray] = []
    holds: list[FloatArray] = []
    least: list[FloatArray] = []
    for number, operator in enumerate(scenario.operators.values()):
        plan, opening = operator.plan, operator.opening
        until = 0.0 if plan is None else since(drivers.grid, plan.until)
        left = none if plan is None else path(plan.capex) - path(operator.other_capex)
        capex.append(as_array(np.maximum(left, 0.0)))
        holds.append(np.asarray(times[:, None] < until, dtype=np.float64))
        if plan is not None and plan.sites is not None:
            sites.append(path(plan.sites))
        elif plan is not None and drivers.energised is not None:
            sites.append(as_array(drivers.energised * share[:, number]))
        else:
            sites.append(np.full_like(none, np.nan))
        due = np.maximum(_due_a_year(times, until, draws(opening.commitments_over), drivers.step), 0.0)
        least.append(draws(opening.commitments) * due)
    return by_step(capex), by_step(sites), by_step(holds), by_step(least)


def _due_a_year(times: FloatArray, until: float, over: FloatArray, dt: float) -> FloatArray:
    """Return the share of commitments due per year, evenly over ``over`` years after the plan, ``(step, draw)``."""
    start = (times - 0.5 * dt)[:, None]
    overlap = np.maximum(np.minimum(start + dt, until + over) - np.maximum(start, until), 0.0)
    return as_array(overlap / dt / over)
