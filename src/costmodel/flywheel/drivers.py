"""Exogenous drivers, computed for all steps and for the later years that orders look ahead to.

Inside the flywheel, arrays always have operator and draw axes, of length 1 where all entries are the same: shapes
are ``(draw,)``, ``(step, draw)``, ``(operator, draw)``, ``(step, operator, draw)`` and ``(step, workload, draw)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.software import amdahl_speedup, fading_trend
from costmodel.flywheel.inputs import FlywheelScenario, Line, Shock
from costmodel.flywheel.operator_inputs import Operator
from costmodel.flywheel.workload_inputs import Workload
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.errors import DomainError
from costmodel.foundation.rates import Rate, VaryingRate
from costmodel.foundation.row_loops import rows_at
from costmodel.foundation.schedules import TimeGrid
from costmodel.market.paths import (
    NEVER,
    WorkloadPaths,
    by_step,
    draws,
    log_growth,
    path,
    rate_at,
    since,
    stack,
    trend_after,
    workload_paths,
)

ASSETS = ("accelerators", "network", "sites")
"""The asset classes, in the order of every ``asset`` axis."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """Trajectories that do not depend on the state, ``(step, …, draw)``; some extend beyond the run, as noted.

    ``price`` is the list price of accelerator, server and network per accelerator bought, by operator [USD];
    ``power`` its facility power [W]; ``decline`` the expected fall of rents [1/year].
    """

    grid: TimeGrid
    times: FloatArray
    """Mid-steps of the run and the years ahead, since the start [year]."""
    price: FloatArray
    list_price: FloatArray
    """List price of the product lines, before an operator's own price ratio [USD]."""
    power: FloatArray
    decline: FloatArray
    hardware_growth: FloatArray
    """Log growth of the accelerators that a unit of money buys, ``(step, draw)`` [1/year]."""
    site_price: FloatArray
    electricity: FloatArray
    energised: FloatArray | None
    """Power that the grid energises, beyond the end of the run too, ``(step, draw)`` [W/year]."""
    chips_factor: FloatArray
    software_trend: FloatArray
    learning: FloatArray
    """1 while software learns by doing, else 0, ``(step, draw)``."""
    model_index: FloatArray
    training_trend: FloatArray
    """Growth of training efficiency since the start in logs, ``(step, draw)`` [1]."""
    training_shock: FloatArray
    investors: FloatArray
    internal: FloatArray
    markup: FloatArray
    """Mark-up in logs, ``(step, workload, draw)``."""
    demand_factor: FloatArray
    workloads: WorkloadPaths

    @property
    def step(self) -> float:
        """Length of a step [year]."""
        return self.grid.length

    def span(self, step: int) -> float:
        """Return the years since the last mid-step, or since the start."""
        return self.step / 2.0 if step == 0 else self.step

    def ahead(self, series: FloatArray, step: int, years: FloatArray) -> FloatArray:
        """Return a trajectory ``years`` after a mid-step, by linear interpolation; the last value holds beyond the end.

        Parameters
        ----------
        series
            ``(step, draw)`` or ``(step, operator, draw)``; may extend beyond the run.
        step
            Number of the present step.
        years
            How far ahead, at least 0, ``(draw,)`` [year].
        """
        position = step + years / self.step
        low = np.clip(np.floor(position).astype(int), 0, series.shape[0] - 1)
        high = np.minimum(low + 1, series.shape[0] - 1)
        part = position - np.floor(position)
        if low.size == 1:
            return as_array(series[low[0]] * (1.0 - part) + series[high[0]] * part)
        return as_array(rows_at(series, low) * (1.0 - part) + rows_at(series, high) * part)


def shock_index(scenario: FlywheelScenario, kind: str, grid: TimeGrid, *, work: bool = False) -> FloatArray:
    """Return the product of the shocks of a kind, ``(step, draw)`` [1].

    A shock that holds for part of a step counts with its factor to the power of that part; a factor of 0, linearly.

    Parameters
    ----------
    scenario
        A resolved scenario.
    kind
        Kind of shock, such as ``"demand"``.
    grid
        Time grid of the result.
    work
        Whether the factor speeds up only a share of the work (Amdahl's law).
    """
    index = np.ones((grid.steps, 1))
    for shock in scenario.shocks:
        if shock.kind == kind:
            factor = _factor(shock, work)
            first, last = _held(grid, shock)
            held = (last - first)[:, None] / grid.length
            index = index * np.where(factor > 0.0, np.power(np.maximum(factor, 1e-300), held), 1.0 - held)
            index = index * np.exp(log_growth(shock.growth, 0.5 * (first + last), since(grid, shock.date)) * held)
    return index


def _factor(shock: Shock, work: bool) -> FloatArray:
    if work:
        return np.asarray(amdahl_speedup(draws(shock.share), draws(shock.factor)))
    return np.asarray(1.0 + draws(shock.share) * (draws(shock.factor) - 1.0))


def _held(grid: TimeGrid, shock: Shock) -> tuple[FloatArray, FloatArray]:
    """Return the times, since the start, between which a shock holds in each step, ``(step,)`` each [year]."""
    start, end = since(grid, shock.date), since(grid, shock.until)
    bounds = grid.bounds - grid.begin
    first = np.maximum(bounds[:-1], start)
    return first, np.maximum(np.minimum(bounds[1:], end), first)


def drivers_of(scenario: FlywheelScenario) -> Drivers:
    """Compute the drivers of a resolved scenario."""
    grid, outlook = scenario.grid, scenario.outlook
    times = outlook.mid - outlook.begin
    software, training, internal = scenario.software, scenario.training, scenario.internal
    progress = np.minimum(times, since(grid, software.progress_until))
    fade = draws(software.algorithmic_fade), since(grid, software.fade_from)
    trend = _fading(software.algorithmic_growth, progress, *fade)
    serving = np.log(shock_index(scenario, "serving", outlook, work=True))
    busy = path(internal.accelerators) * trend_after(times, internal.growth, since(grid, internal.growth_from))
    grid_power = scenario.power_grid
    items = list(scenario.market.values())
    level = trend_after(times, scenario.economy.price_growth, 0.0)
    workloads = workload_paths(items, grid, times, [_budget(scenario, item, times) * level for item in items])
    markup = np.log1p(np.expm1(workloads.log_margin) * shock_index(scenario, "markup", outlook)[:, None])
    return Drivers(
        grid,
        times,
        *_hardware(scenario, grid, times),
        site_price=path(scenario.hardware.sites.cost_per_watt) * level,
        electricity=path(scenario.energy.price) * shock_index(scenario, "energy", outlook) * level,
        energised=None if grid_power is None else path(grid_power.energised) * shock_index(scenario, "grid", outlook),
        chips_factor=shock_index(scenario, "chips", outlook),
        software_trend=trend + serving,
        learning=np.asarray(times <= since(grid, software.progress_until), dtype=np.float64)[:, None],
        model_index=by_step([_model(scenario, name, grid, times) for name in scenario.market]),
        training_trend=log_growth(training.algorithmic_growth, progress),
        training_shock=shock_index(scenario, "training", outlook, work=True),
        investors=path(training.investors) * shock_index(scenario, "investors", outlook),
        internal=busy,
        markup=markup,
        demand_factor=shock_index(scenario, "demand", outlook),
        workloads=workloads,
    )


def _budget(scenario: FlywheelScenario, item: Workload, times: FloatArray) -> FloatArray:
    """Return the budget of the users of a workload, ``(step, draw)`` [USD/year]."""
    if item.budget is not None:
        return path(item.budget)
    if item.budget_share is None:
        return np.full((len(times), 1), np.inf)
    return np.asarray(draws(item.budget_share) * path(scenario.economy.world_product))


def _model(scenario: FlywheelScenario, name: str, grid: TimeGrid, times: FloatArray) -> FloatArray:
    """Return the compute per token of the served model over that at the start, ``(step, draw)`` [1]."""
    item = scenario.market[name]
    start = since(grid, item.model_fade_from)
    return np.asarray(np.exp(_fading(item.model_growth, times, draws(item.model_fade), start)))


def _fading(rate: Rate, times: FloatArray, fade: FloatArray, fade_from: float) -> FloatArray:
    """Return the log growth since the start, ``(step, draw)`` [1]; a scheduled rate does not fade."""
    if isinstance(rate, VaryingRate):
        return log_growth(rate, times)
    return np.asarray(fading_trend(times[:, None], draws(rate), fade, fade_from))


def _hardware(
    scenario: FlywheelScenario, grid: TimeGrid, times: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return price paid, list price, power, expected decline by operator, and growth per unit of money."""
    inputs, lines = scenario.hardware, scenario.hardware.lines
    stop = since(grid, inputs.progress_until)
    factor = shock_index(scenario, "chip_price", scenario.outlook)
    network = 1.0 + draws(inputs.network.cost_ratio)
    figures = {name: _line(line, grid, times, stop) for name, line in lines.items()}
    declines = {name: _decline(line, times) for name, line in lines.items()}
    rows: list[list[FloatArray]] = []
    for name, operator in scenario.operators.items():
        shares, ratios = _purchases(operator, lines, name)
        price = ordered_sum(shares[key] * ratios[key] * figures[key][0] for key in shares) * network * factor
        listed = ordered_sum(shares[key] * figures[key][0] for key in shares) * network * factor
        power = ordered_sum(shares[key] * figures[key][1] for key in shares)
        progress = (times <= stop)[:, None]
        decline = ordered_sum(shares[key] * declines[key] for key in shares) * progress
        rows.append([np.asarray(item) for item in (price, listed, power, decline)])
    price, listed, power, decline = (by_step(column) for column in zip(*rows, strict=True))
    return price, listed, power, decline, np.asarray(decline[:, 0])


def _purchases(
    operator: Operator, lines: dict[str, Line], name: str
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return an operator's shares of purchases by line, adding up to 1, and its price ratios, ``(step, draw)``."""
    if operator.silicon:
        weights = {key: path(use.share) for key, use in operator.silicon.items()}
        ratios = {key: path(use.price_ratio) for key, use in operator.silicon.items()}
    else:
        weights = {key: path(line.share) for key, line in lines.items()}
        ratios = {key: np.ones((1, 1)) for key in lines}
    whole = ordered_sum(weights.values())
    if not np.all(whole > 0.0):
        step = int(np.argwhere(~(whole > 0.0))[0][0])
        raise DomainError(f"operators.{name}: every share of purchases is 0 in step {step}; one must be above 0")
    return {key: weight / whole for key, weight in weights.items()}, ratios


def _line(line: Line, grid: TimeGrid, times: FloatArray, stop: float) -> tuple[FloatArray, FloatArray]:
    """Return price and power of a line: its schedule, then its trend, constant once progress stops.

    The trend runs up to that date, a schedule up to the last middle of a step before it.
    """
    start = since(grid, line.trend_from)
    last = max(int(np.searchsorted(times, stop, side="right")) - 1, 0)
    rows, until = np.minimum(np.arange(len(times)), last), np.minimum(times, stop)
    every = np.zeros((len(times), 1))
    price = (path(line.price) + every)[rows] * trend_after(until, line.price_trend, start)
    power = (path(line.power) + every)[rows] * trend_after(until, line.power_trend, start)
    return price, power


def _decline(line: Line, times: FloatArray) -> FloatArray:
    """Return the expected fall of a line's rent, ``(draw,)``, or ``(step, draw)`` where its price trend varies."""
    if line.expected_decline is None:
        return np.asarray(-np.minimum(rate_at(line.price_trend, times), 0.0))
    return draws(line.expected_decline)


def shares_of(scenario: FlywheelScenario, name: str, otherwise: FloatArray) -> FloatArray:
    """Return operators' shares by step, adding up to 1, ``(step, operator, draw)``.

    Parameters
    ----------
    scenario
        A resolved scenario.
    name
        Name of the operators' entry.
    otherwise
        Shares where no operator gives one, ``(step, operator, draw)`` or broadcasting to it.

    Raises
    ------
    ScenarioError, DomainError
        If some operators give a share and others don't, or all are 0 in a step.
    """
    given = {key: getattr(item, name) for key, item in scenario.operators.items()}
    absent = [key for key, value in given.items() if value is None]
    if len(absent) == len(given):
        return otherwise
    if absent:
        raise DomainError(f"operators.{absent[0]}.{name} is absent, but others give theirs; give all or none")
    weights = by_step([path(value) for value in given.values()])
    whole = np.asarray(ordered_sum(np.moveaxis(weights, 1, 0)))[:, None]
    if not np.all(whole > 0.0):
        number = int(np.argwhere(~(whole > 0.0))[0][0])
        raise DomainError(f"operators: every {name} is 0 in step {number}; one must be above 0")
    return np.asarray(weights / whole)


__all__ = [
    "ASSETS",
    "NEVER",
    "Drivers",
    "draws",
    "drivers_of",
    "path",
    "rate_at",
    "shares_of",
    "shock_index",
    "since",
    "stack",
    "trend_after",
]
