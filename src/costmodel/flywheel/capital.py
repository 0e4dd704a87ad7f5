"""The fleet and its books as stocks and flows: running totals over cohorts, so that a step's cost is flat.

A cohort bought in a step enters service, retires and leaves the books after lags of its own. Each event of a
cohort falls in two neighbouring steps (a fractional delay), so a step needs two earlier purchases for each
event, never a sum over vintages. Only early retirement and impairment touch all cohorts, in the draws and steps
where they happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.flywheel.drivers import ASSETS, Drivers, draws, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray
from costmodel.ownership.vintages import delay_offset, delay_weight

UNITS, WATTS, COST = 0, 1, 2
"""Rows of the fleet's stock: accelerators, their facility power [W], their purchase cost [USD]."""


def gather(history: FloatArray, step: int, offset: FloatArray) -> FloatArray:
    """Return ``history[:, step − offset]``, draw by draw; zero before the start.

    Parameters
    ----------
    history
        Shape ``(row, step, draw)``.
    step
        Number of the present step.
    offset
        Whole numbers of steps, ``(draw,)`` or ``(row, draw)``, or of length 1 where all draws share them.
    """
    if offset.size == 1:
        shared = step - int(offset.flat[0])
        return history[:, shared] if shared >= 0 else np.zeros_like(history[:, 0])
    index = step - np.broadcast_to(offset.astype(int), (history.shape[0], history.shape[2]))
    taken = np.take_along_axis(history, np.maximum(index, 0)[:, None, :], axis=1)[:, 0]
    return np.where(index >= 0, taken, 0.0)


@dataclass(frozen=True, slots=True)
class Delay:
    """A fractional delay: two whole offsets and the weight of the first."""

    offset: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, delay: FloatArray, step: float) -> Delay:
        """Return the delay of a time in years."""
        return cls(np.asarray(delay_offset(delay, step)), np.asarray(delay_weight(delay, step)))

    def flow(self, history: FloatArray, step: int) -> FloatArray:
        """Return what arrives in a step of what entered before."""
        first = gather(history, step, self.offset)
        return self.weight * first + (1.0 - self.weight) * gather(history, step, self.offset + 1.0)


def opening_share(start: float, end: float, over: FloatArray) -> FloatArray:
    """Return the share of an even flow over ``over`` years that falls between two times since the start."""
    last, first = np.minimum(end, over), np.minimum(start, over)
    return np.where(over > 0.0, (last - first) / np.where(over > 0.0, over, 1.0), float(start <= 0.0))


def run_off_share(start: float, end: float, over: FloatArray, shape: FloatArray) -> FloatArray:
    """Return the share of an opening book that is depreciated between two times since the start.

    Notes
    -----
    What is left falls as ``(1 − t/over)^shape``: evenly at a shape of 1; at 2 as a stock of assets of all ages,
    each in a straight line.
    """
    left, after = (1.0 - np.minimum(time / over, 1.0) for time in (start, end))
    return np.asarray(np.power(left, shape) - np.power(after, shape))


@dataclass(slots=True)
class FleetState:
    """Accelerators in service, with their power and purchase cost; rows as ``UNITS, WATTS, COST``."""

    bought: FloatArray
    arrived: FloatArray
    lag: Delay
    life: Delay
    ship: Delay
    decay: FloatArray
    half_decay: FloatArray
    stock: FloatArray
    opening: FloatArray
    pipeline: FloatArray
    opening_life: FloatArray
    lag_years: FloatArray
    step: float
    retired: FloatArray = field(init=False)
    failed: FloatArray = field(init=False)
    opening_left: FloatArray = field(init=False)
    ordered: FloatArray = field(init=False)
    """Bought since the start and not yet in service, by row."""

    def __post_init__(self) -> None:
        self.ordered = np.zeros_like(self.stock)
        self.retired = np.zeros_like(self.stock)
        self.failed = np.zeros_like(self.stock)
        self.opening_left = self.opening.copy()

    def advance(self, step: int) -> None:
        """Move the fleet to the middle of a step: failures, arrivals, retirement at physical life."""
        decay = self.half_decay if step == 0 else self.decay
        before = self.stock
        self.failed = before * (1.0 - decay)
        survivors = before - self.failed
        middle = (step + 0.5) * self.step
        previous = 0.0 if step == 0 else middle - self.step
        coming = self.pipeline * opening_share(previous, middle, self.lag_years)
        due = self.lag.flow(self.bought, step)
        arrivals = due + coming
        self.ordered = self.ordered - due
        self.arrived[:, step] = arrivals
        self.retired = self._ageing(step) + self._opening_retirement(previous, middle, decay)
        self.stock = survivors + arrivals - self.retired

    def _ageing(self, step: int) -> FloatArray:
        """Return what reaches its physical life in this step, net of earlier failures."""
        first, second = (gather(self.arrived, step, self.life.offset + shift) for shift in (0.0, 1.0))
        early = np.power(self.decay, self.life.offset)
        return self.life.weight * first * early + (1.0 - self.life.weight) * second * early * self.decay

    def _opening_retirement(self, previous: float, middle: float, decay: FloatArray) -> FloatArray:
        """Return what retires of the opening fleet, which runs off evenly."""
        left = self.opening_left * decay
        share_before = 1.0 - np.minimum(previous / self.opening_life, 1.0)
        share_now = 1.0 - np.minimum(middle / self.opening_life, 1.0)
        kept = left * np.where(share_before > 0.0, share_now / np.where(share_before > 0.0, share_before, 1.0), 0.0)
        self.opening_left = kept
        return left - kept

    def buy(self, step: int, units: FloatArray, power: FloatArray, cost: FloatArray) -> None:
        """Record a step's purchases: accelerators, facility power per accelerator, purchase cost of each."""
        self.bought[UNITS, step] = units
        self.bought[WATTS, step] = units * power
        self.bought[COST, step] = units * cost
        self.ordered = self.ordered + self.bought[:, step]

    def retire_oldest(self, step: int, cohort: FloatArray, doomed: FloatArray) -> FloatArray:
        """Retire one cohort in the draws that are marked; return what left, by row.

        Parameters
        ----------
        step
            The present step.
        cohort
            Step in which the cohort arrived, ``(draw,)``.
        doomed
            Whether it retires, ``(draw,)``.
        """
        index = cohort.astype(int)
        arrived = np.take_along_axis(self.arrived, np.broadcast_to(index, self.stock.shape)[:, None, :], axis=1)[:, 0]
        alive = arrived * np.power(self.decay, step - index)
        leaving = np.where(doomed, alive, 0.0)
        keep = np.where(doomed, 0.0, arrived)
        np.put_along_axis(self.arrived, np.broadcast_to(index, self.stock.shape)[:, None, :], keep[:, None, :], axis=1)
        self.stock = self.stock - leaving
        self.retired = self.retired + leaving
        return leaving

    def pipeline_now(self, step: int) -> FloatArray:
        """Return what is paid but not in service at the middle of a step, by row."""
        middle = (step + 0.5) * self.step
        coming = self.pipeline * (1.0 - opening_share(0.0, middle, self.lag_years))
        return np.asarray(coming + self.ordered)


@dataclass(slots=True)
class BookState:
    """Book value by asset class, ``(asset, draw)``: in service, and construction in progress."""

    paid: FloatArray
    added: FloatArray
    lag: Delay
    last: FloatArray
    lives: FloatArray
    lag_years: FloatArray
    in_service: FloatArray
    construction: FloatArray
    opening_book: FloatArray
    opening_construction: FloatArray
    opening_life: FloatArray
    opening_shape: FloatArray
    step: float
    window: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.window = np.zeros_like(self.in_service)

    def advance(self, step: int) -> tuple[FloatArray, FloatArray]:
        """Book a step: return additions to service and straight-line depreciation, both ``(asset, draw)``.

        Notes
        -----
        A cohort enters at mid-step on average; with n = life/step its expense is 1/(2n) of cost in that step, 1/n in
        each of the next ``ceil(n − 1/2) − 1`` steps and the rest in the one after: a running window, no sum.
        """
        coming = self.opening_construction * opening_share(step * self.step, (step + 1) * self.step, self.lag_years)
        additions = self.lag.flow(self.paid, step) + coming
        self.added[:, step] = additions
        per_step = self.step / self.lives
        leaving = gather(self.added, step, self.last)
        if step:
            self.window = self.window + self.added[:, step - 1]
        self.window = self.window - leaving
        rest = 1.0 - (self.last - 0.5) * per_step
        times = (step * self.step, (step + 1) * self.step)
        opening = self.opening_book * run_off_share(*times, self.opening_life, self.opening_shape)
        expense = 0.5 * per_step * additions + per_step * self.window + rest * leaving + opening
        self.construction = self.construction - additions
        self.in_service = self.in_service + additions - expense
        return additions, expense

    def pay(self, step: int, amounts: FloatArray) -> None:
        """Record what a step buys by asset class, paid in cash or leased: construction in progress up."""
        self.paid[:, step] = amounts
        self.construction = self.construction + self.paid[:, step]

    def write_off(self, step: int, asset: int, cohort: FloatArray, share: FloatArray) -> FloatArray:
        """Write off a share of one cohort's remaining book value; return the amount, ``(draw,)``."""
        index = np.broadcast_to(cohort.astype(int), self.in_service[asset].shape)[None, :]
        cost = np.take_along_axis(self.added[asset], index, axis=0)[0]
        age = step - index[0]
        per_step = self.step / self.lives[asset]
        remaining = np.maximum(1.0 - (age + 0.5) * per_step, 0.0)
        amount = share * cost * remaining
        np.put_along_axis(self.added[asset], index, (cost * (1.0 - share))[None, :], axis=0)
        inside = (age >= 1) & (age < np.broadcast_to(self.last[asset], age.shape))
        self.window[asset] = self.window[asset] - np.where(inside, share * cost, 0.0)
        self.in_service[asset] = self.in_service[asset] - amount
        return np.asarray(amount)

    def impair(self, step: int, share: FloatArray) -> FloatArray:
        """Write down everything in service by a share ``(draw,)``; return the amount by asset class.

        Cost grows with the number of cohorts, so this is the one operation that is not flat in the horizon.
        """
        amount = self.in_service * share
        self.in_service = self.in_service - amount
        keep = 1.0 - share
        self.added[:, : step + 1] *= keep
        self.window = self.window * keep
        self.opening_book = self.opening_book * keep
        return amount


def fleet_state(scenario: FlywheelScenario, drivers: Drivers, batch: int, lag: FloatArray) -> FleetState:
    """Build the fleet's opening state.

    A life runs from arrival, already read at mid-steps, to retirement read there too: its delay is between equal
    points of two steps, half a step less than from purchases spread over theirs. Shipments are counted between step
    bounds, as purchases are: the same half step.
    """
    fleet, steps, dt = scenario.hardware.fleet, drivers.grid.steps, drivers.step
    units = np.broadcast_to(draws(fleet.opening_units), (batch,))
    cost = np.broadcast_to(drivers.unit_cost[0, 0] + drivers.unit_cost[1, 0], (batch,))
    opening = stack([units, units * draws(fleet.opening_power), units * cost])
    pipe = np.broadcast_to(draws(fleet.opening_pipeline), (batch,))
    pipeline = stack([pipe, pipe * drivers.power[0], pipe * cost])
    rate = draws(fleet.failure_rate)
    return FleetState(
        bought=np.zeros((3, steps, batch)),
        arrived=np.zeros((3, steps, batch)),
        lag=Delay.of(lag, dt),
        life=Delay.of(draws(fleet.physical_life) - dt / 2.0, dt),
        ship=Delay.of(draws(fleet.shipping_lag) - dt / 2.0, dt),
        decay=np.exp(-rate * dt),
        half_decay=np.exp(-rate * dt / 2.0),
        stock=opening,
        opening=opening,
        pipeline=pipeline,
        opening_life=draws(fleet.opening_life),
        lag_years=lag,
        step=dt,
    )


def book_state(scenario: FlywheelScenario, drivers: Drivers, batch: int, lags: FloatArray) -> BookState:
    """Build the opening books.

    Capital paid evenly over a step enters evenly over later ones, so the delay is read between step bounds:
    half a step less than between their middles.
    """
    classes = [getattr(scenario.hardware, name) for name in ASSETS]
    steps, dt = drivers.grid.steps, drivers.step

    def full(rows: list[FloatArray]) -> FloatArray:
        return np.array([np.broadcast_to(row, (batch,)) for row in rows])

    lives = stack([draws(item.book_life) for item in classes])
    opening = full([draws(item.opening_book) for item in classes])
    construction = full([draws(item.opening_construction) for item in classes])
    return BookState(
        paid=np.zeros((len(classes), steps, batch)),
        added=np.zeros((len(classes), steps, batch)),
        lag=Delay.of(lags - dt / 2.0, dt),
        last=np.ceil(lives / dt - 0.5 - 1e-9),
        lives=lives,
        lag_years=lags,
        in_service=opening,
        construction=construction,
        opening_book=opening.copy(),
        opening_construction=construction,
        opening_life=stack([draws(item.opening_book_life) for item in classes]),
        opening_shape=stack([draws(item.opening_run_off) for item in classes]),
        step=dt,
    )
