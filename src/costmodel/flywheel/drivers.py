"""Everything that time alone drives: computed for all steps at once, before the loop.

Inside the flywheel the draw axis is always there, of length 1 for a scalar run: shapes are ``(draw,)``,
``(step, draw)``, ``(workload, draw)`` and ``(workload, step, draw)``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.compute.software import dated_jump, fading_trend
from costmodel.flywheel.inputs import AssetClass, FlywheelScenario, Line
from costmodel.flywheel.workload_inputs import Adoption, Workload
from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.errors import DomainError
from costmodel.foundation.schedules import TimeGrid, year_fraction
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.market.demand import bass_adoption, fading_growth, launch_ramp, logistic_adoption
from costmodel.ownership.energy import load_factor
from costmodel.ownership.rent import required_rent

NEVER = 1e9
"""A date that is never reached [year]."""
NO_LIMIT = np.inf
ASSETS = ("accelerators", "network", "facility")
"""The asset classes, in the order of every ``asset`` axis."""


def draws(value: Any) -> FloatArray:
    """Return a resolved parameter with its draw axis: ``(draw,)``, of length 1 for a number."""
    return np.atleast_1d(np.asarray(value, dtype=np.float64))


def path(value: Any) -> FloatArray:
    """Return a resolved trajectory with its draw axis: ``(step, draw)``."""
    array = np.asarray(value, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def stack(rows: list[FloatArray]) -> FloatArray:
    """Stack rows along a new leading axis after broadcasting them."""
    return np.stack(np.broadcast_arrays(*rows))


@dataclass(frozen=True, slots=True)
class WorkloadDrivers:
    """Parameters ``(workload, draw)`` and trajectories ``(workload, step, draw)`` of the workloads."""

    tokens: FloatArray
    elasticity: FloatArray
    capability_elasticity: FloatArray
    memory: FloatArray
    log_price: FloatArray
    log_reference: FloatArray
    compute: FloatArray
    compute_floor: FloatArray
    mfu: FloatArray
    log_margin: FloatArray
    sharpness: FloatArray
    adoption: FloatArray
    intensity: FloatArray
    rollout: FloatArray
    model_index: FloatArray
    budget: FloatArray
    paid_share: FloatArray
    realisation: FloatArray


@dataclass(frozen=True, slots=True)
class Drivers:
    """Trajectories that no state changes.

    ``unit_cost`` is the price of a class per accelerator bought ``(asset, step, draw)`` [USD]; ``rent`` the
    required rent of new capacity by class, without running cost [USD/year]; ``running`` its running cost
    [USD/year]; ``power`` facility power per accelerator bought [W].
    """

    grid: TimeGrid
    times: FloatArray
    span: FloatArray
    share: FloatArray
    unit_cost: FloatArray
    power: FloatArray
    rent: FloatArray
    running: FloatArray
    software_trend: FloatArray
    jumps: FloatArray
    reserve_wanted: FloatArray
    internal: FloatArray
    workloads: WorkloadDrivers
    total_unit_cost: FloatArray
    """Price of all classes per accelerator bought, ``(step, draw)`` [USD]."""
    total_rent: FloatArray
    """Required rent of new capacity with running cost, ``(step, draw)`` [USD/year]."""

    @property
    def step(self) -> float:
        """Length of a step [year]."""
        return self.grid.length


def drivers_of(scenario: FlywheelScenario) -> Drivers:
    """Compute the drivers of a resolved scenario."""
    grid = scenario.grid
    times = grid.mid - grid.begin
    span = np.full(grid.steps, grid.length)
    span[0] = grid.length / 2.0
    hardware = _hardware(scenario, grid, times)
    software = scenario.software
    trend = fading_trend(
        times[:, None],
        draws(software.algorithmic_growth),
        draws(software.algorithmic_fade),
        since(grid, software.fade_from),
    )
    jumps = np.ones((grid.steps, 1))
    for jump in software.jumps:
        jumps = jumps * dated_jump(times[:, None], since(grid, jump.date), draws(jump.share), draws(jump.factor))
    training, internal = scenario.training, scenario.internal
    reserve = draws(training.reserve) * np.exp(draws(training.reserve_growth) * times[:, None])
    busy = path(internal.accelerators) * trend_after(times, draws(internal.growth), since(grid, internal.growth_from))
    workloads = _workloads(scenario, grid, times)
    _, unit_cost, _, rent, running = hardware
    totals = (np.asarray(ordered_sum(unit_cost)), np.asarray(ordered_sum(rent) + running))
    return Drivers(grid, times, span, *hardware, trend, jumps, reserve, busy, workloads, *totals)


def since(grid: TimeGrid, date: dt.date | None) -> float:
    """Return a date as years since the start; absent is never."""
    return NEVER if date is None else year_fraction(date) - grid.begin


def trend_after(times: FloatArray, growth: FloatArray, start: float) -> FloatArray:
    """Return the factor of a log trend that begins at ``start``, ``(step, draw)``."""
    return np.asarray(np.exp(growth * np.maximum(times - start, 0.0)[:, None]))


def _hardware(
    scenario: FlywheelScenario, grid: TimeGrid, times: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return purchase shares, unit cost by class, power, required rent by class and running cost."""
    inputs, rate = scenario.hardware, np.log1p(draws(scenario.accounts.wacc))
    lines = list(inputs.lines.values())
    weights = stack([path(line.share) for line in lines])
    whole = ordered_sum(weights)
    if not np.all(whole > 0.0):
        step = int(np.argwhere(~(whole > 0.0))[0][0])
        raise DomainError(f"hardware.lines: every share of purchases is 0 in step {step}; one must be above 0")
    share = weights / whole
    costs, rents, watts = [], [], []
    for line in lines:
        price, power = _line(line, grid, times)
        watts.append(power)
        cost = [price, price * draws(inputs.network.cost_ratio), power * path(inputs.facility.cost_per_watt)]
        expected = line.expected_decline
        decline = np.maximum(-draws(line.price_trend), 0.0) if expected is None else draws(expected)
        falls = [decline, decline, draws(inputs.facility.rent_decline)]
        classes: list[AssetClass] = [inputs.accelerators, inputs.network, inputs.facility]
        rent = [
            required_rent(amount, rate, fall, draws(item.economic_life), 0.0)
            for amount, fall, item in zip(cost, falls, classes, strict=True)
        ]
        costs.append(stack(cost))
        rents.append(stack(rent))
    unit_cost = ordered_sum(part * cost for part, cost in zip(share, costs, strict=True))
    rents_total = ordered_sum(part * rent for part, rent in zip(share, rents, strict=True))
    power = ordered_sum(part * watt for part, watt in zip(share, watts, strict=True))
    return share, unit_cost, power, rents_total, running_cost(scenario, unit_cost, power)


def _line(line: Line, grid: TimeGrid, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return price and power of a product line, schedule first and trend after its last date."""
    start = since(grid, line.trend_from)
    price = path(line.price) * trend_after(times, draws(line.price_trend), start)
    power = path(line.power) * trend_after(times, draws(line.power_trend), start)
    return price, power


def running_cost(scenario: FlywheelScenario, unit_cost: FloatArray, power: FloatArray) -> FloatArray:
    """Return the running cost of an accelerator at target utilisation [USD/year]."""
    load = load_factor(draws(scenario.service.target_utilisation), draws(scenario.energy.idle_fraction))
    energy = power * draws(scenario.energy.full_load) * load * HOURS_PER_YEAR * path(scenario.energy.price)
    upkeep = draws(scenario.hardware.maintenance) * (unit_cost[0] + unit_cost[1])
    return np.asarray(energy + upkeep + draws(scenario.accounts.facility_operation) * unit_cost[2])


def _workloads(scenario: FlywheelScenario, grid: TimeGrid, times: FloatArray) -> WorkloadDrivers:
    """Stack the workloads' parameters and trajectories."""
    items = list(scenario.market.values())
    world = None if scenario.economy.world_product is None else path(scenario.economy.world_product)

    def row(name: str, absent: float | None = None) -> FloatArray:
        values = [getattr(item, name) for item in items]
        return stack([draws(absent if value is None else value) for value in values])

    def budget(item: Workload) -> FloatArray:
        if item.budget_share is None or world is None:
            return np.full((grid.steps, 1), NO_LIMIT)
        return np.asarray(draws(item.budget_share) * world)

    def intensity(item: Workload) -> FloatArray:
        fade = draws(NEVER if item.intensity_fade is None else item.intensity_fade)
        return np.asarray(fading_growth(times[:, None], draws(item.intensity_growth), fade))

    def rollout(item: Workload) -> FloatArray:
        begin = -NEVER if item.launch is None else since(grid, item.launch)
        return np.asarray(launch_ramp(times[:, None], begin, draws(item.ramp)))

    def model(item: Workload) -> FloatArray:
        start = since(grid, item.model_fade_from)
        return np.asarray(np.exp(fading_trend(times[:, None], draws(item.model_growth), draws(item.model_fade), start)))

    return WorkloadDrivers(
        tokens=row("tokens"),
        elasticity=row("price_elasticity"),
        capability_elasticity=row("capability_elasticity"),
        memory=row("price_memory", NEVER),
        log_price=np.log(row("price")),
        log_reference=np.log(
            stack([draws(item.price if item.remembered_price is None else item.remembered_price) for item in items])
        ),
        compute=row("compute_per_token"),
        compute_floor=row("compute_floor"),
        mfu=row("mfu"),
        log_margin=np.log1p(row("markup")),
        sharpness=row("budget_sharpness"),
        adoption=stack([_adoption(item.adoption, times) for item in items]),
        intensity=stack([intensity(item) for item in items]),
        rollout=stack([rollout(item) for item in items]),
        model_index=stack([model(item) for item in items]),
        budget=stack([budget(item) for item in items]),
        paid_share=stack([path(item.paid_share) for item in items]),
        realisation=stack([path(item.price_realisation) for item in items]),
    )


def _adoption(adoption: Adoption, times: FloatArray) -> FloatArray:
    """Return the adoption index of a workload, ``(step, draw)``."""
    t = times[:, None]
    growth, ceiling = draws(adoption.growth), draws(adoption.ceiling)
    if adoption.kind == "logistic":
        return np.asarray(logistic_adoption(t, growth, ceiling))
    if adoption.kind == "bass":
        return np.asarray(bass_adoption(t, draws(adoption.innovation), draws(adoption.imitation), ceiling))
    return np.asarray(path(adoption.index) * np.exp(growth * t))
