"""Stability of the flywheel's loops, and growth at a point of the path (diagnostics).

The spectral radius is that of the numerical log-Jacobian of one step: each state of the run is nudged in one draw
of an ensemble, and all states are read one step later. A loop is cut by removing the entries through which it
runs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from costmodel.flywheel.capital import COST, UNITS, WATTS
from costmodel.flywheel.drivers import drivers_of
from costmodel.flywheel.growth import closed_form_growth, loop_gain
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import Run
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.errors import ScenarioError

NUDGE = 1e-6
"""Log change of a state by which the Jacobian is measured [1]."""


LEAST_STEPS = 3
"""Least steps of a run whose stability is measured [1]: a step answers to the orders of two steps before it."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A feedback loop: its gain or multiplier, and what that means."""

    name: str
    value: float
    meaning: str


@dataclass(frozen=True, slots=True)
class LocalGrowth:
    """Growth at a point of the path: log growth of tokens, and the long-run formula at the same parameters."""

    year: int
    tokens: float
    """Log growth of tokens served from the year before [1/year]."""
    unit_cost: float
    """Log growth of unit cost at constant quality [1/year]."""
    hardware_share: float
    """Share of required rent that falls with hardware; the rest is facility, energy and upkeep [1]."""
    closed_form: float
    """Long-run growth at the rates of the start, their fades left out, if all of unit cost fell with hardware and
    nothing bound: the same in every year [1/year]."""


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """Loops, spectral radii with each loop cut in turn, and local growth by year."""

    scenario: str
    loops: tuple[Loop, ...]
    radii: dict[str, float]
    local_growth: tuple[LocalGrowth, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain tables."""
        return asdict(self)


def stability_report(scenario: FlywheelScenario) -> StabilityReport:
    """Report the loops of a scenario at its medians.

    Parameters
    ----------
    scenario
        A written flywheel scenario.

    Raises
    ------
    ScenarioError
        If the run has too few steps for a step near its end to have a past.
    """
    if scenario.grid.steps < LEAST_STEPS:
        raise ScenarioError(f"time: the stability of a step needs {LEAST_STEPS} steps, not {scenario.grid.steps}")
    resolved = scenario.resolve()
    run = Run.start(resolved)
    with quiet():
        for step in range(run.drivers.grid.steps - 1):
            run.take(step)
        radii = spectral_radii(run, run.drivers.grid.steps - 1)
        run.take(run.drivers.grid.steps - 1)
    trajectory = run.result(resolved)
    return StabilityReport(scenario.name, _loops(resolved, run, trajectory), radii, local_growth(trajectory))


def _loops(scenario: FlywheelScenario, run: Run, trajectory: Trajectory) -> tuple[Loop, ...]:
    """Return the gains of the loops at the last step."""
    elasticity = -np.array([float(np.min(item.price_elasticity)) for item in scenario.market.values()])
    fixed = trajectory.depreciation[-1] + trajectory.facility_operation[-1] + trajectory.maintenance[-1]
    share = float(fixed / trajectory.capacity_cost[-1])
    busy = float(ordered_sum(trajectory.accelerators_by_workload[:, -1]))
    used = busy + float(trajectory.training_reserve[-1] + trajectory.internal[-1])
    psi = float(np.max(scenario.pricing.tightness_exponent))
    alpha = 1.0 - float(np.exp(-np.max(scenario.pricing.speed) * run.drivers.step))
    feedback = psi * float(elasticity.max()) * (busy / used if used > 0.0 else 0.0)
    explicit, implicit = 1.0 - alpha * (1.0 + feedback), 1.0 - alpha * (1.0 + feedback) / (1.0 + alpha * feedback)
    reserve = float(trajectory.training_reserve[-1] / trajectory.accelerators_in_service[-1])
    reach = float((run.investment.damping * -np.expm1(-run.investment.horizon / run.investment.damping))[0])
    trend = float(run.investment.trend[0])
    order = reserve * float(np.exp(trend * reach)) / float(run.investment.target[0])
    accounting = "drives the price here" if scenario.pricing.basis == "accounting" else "reported; does not drive price"
    return (
        Loop("experience and capability", float(loop_gain(scenario)[0]), "below 1: growth settles; else it runs away"),
        Loop("accounting price", float(elasticity.max()) * share, f"above 1: slack feeds a death spiral; {accounting}"),
        Loop("scarcity", -feedback, "negative feedback of tightness on price"),
        Loop("scarcity, explicit step", explicit, "below −1 the price would oscillate without end"),
        Loop("scarcity, step taken", implicit, "between −1 and 1: quiet"),
        Loop("investment", order, "below 1: a forecast that includes the reserve's share does not feed on itself"),
        Loop(
            "orders",
            1.0 - run.drivers.step / (float(np.min(run.investment.adjustment)) + run.drivers.step / 2.0),
            "multiplier of the gap per step",
        ),
    )


def local_growth(trajectory: Trajectory) -> tuple[LocalGrowth, ...]:
    """Return growth by year beside the long-run formula, at the shares of cost of that year; medians only."""
    grid, resolved = trajectory.scenario.grid, trajectory.scenario.resolve()
    drivers = drivers_of(resolved)
    hardware = drivers.rent[0] + drivers.rent[1]
    formula = float(closed_form_growth(resolved)[0])
    rows = []
    for year in grid.years:
        if year - 1 not in grid.years:
            continue
        now, before = grid.year_steps(year), grid.year_steps(year - 1)
        with quiet():  # without tokens there is no growth, and NaN says so
            tokens = np.log(trajectory.tokens[now].sum() / trajectory.tokens[before].sum())
            unit_cost = trajectory.fixed_weight_unit_cost
            cost = np.log(unit_cost[now].mean() / unit_cost[before].mean())
        share = float((hardware[now] / drivers.total_rent[now]).mean())
        rows.append(LocalGrowth(year, float(tokens), float(cost), share, formula))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _State:
    """One state of a run: a name, how to read its log, how to nudge it in one draw."""

    name: str
    read: Callable[[Run, int], FloatArray]
    nudge: Callable[[Run, int, int], None]


def _states(run: Run) -> list[_State]:
    """List the states that carry over from one step to the next."""
    fields, workloads = ("log_price", "log_memory", "log_target"), range(run.state.log_price.shape[0])
    found = [_State(f"{field}.{w}", _reader(field, w), _nudger(field, w)) for w in workloads for field in fields]
    found.append(_State("cumulative", lambda r, k: np.log(r.state.cumulative), _scale_cumulative))
    found.append(_State("fleet", lambda r, k: np.log(r.fleet.stock[UNITS]), _scale_fleet))
    found.extend(_State(f"bought.{back}", _bought_reader(back), _bought_nudger(back)) for back in (1, 2))
    found.append(_State("trend", lambda r, k: np.asarray(r.investment.trend), _shift_trend))
    found.append(_State("orders", lambda r, k: np.log(np.maximum(_rate(r), 1e-300)), _scale_orders))
    return found


def _reader(field: str, workload: int) -> Callable[[Run, int], FloatArray]:
    return lambda run, step: np.asarray(getattr(run.state, field)[workload])


def _nudger(field: str, workload: int) -> Callable[[Run, int, int], None]:
    def nudge(run: Run, step: int, draw: int) -> None:
        values = np.array(getattr(run.state, field))
        values[workload, draw] += NUDGE
        setattr(run.state, field, values)

    return nudge


def _bought_reader(back: int) -> Callable[[Run, int], FloatArray]:
    return lambda run, step: np.log(np.maximum(run.fleet.bought[UNITS, step - back], 1e-300))


def _bought_nudger(back: int) -> Callable[[Run, int, int], None]:
    def nudge(run: Run, step: int, draw: int) -> None:
        extra = run.fleet.bought[:, step - back, draw] * NUDGE
        run.fleet.bought[:, step - back, draw] += extra
        ordered = np.array(run.fleet.ordered)
        ordered[:, draw] += extra
        run.fleet.ordered = ordered

    return nudge


def _scale_cumulative(run: Run, step: int, draw: int) -> None:
    values = np.array(run.state.cumulative)
    values[draw] *= np.exp(NUDGE)
    run.state.cumulative = values


def _scale_fleet(run: Run, step: int, draw: int) -> None:
    values = np.array(run.fleet.stock)
    values[[UNITS, WATTS, COST], draw] *= np.exp(NUDGE)
    run.fleet.stock = values


def _shift_trend(run: Run, step: int, draw: int) -> None:
    values = np.array(run.investment.trend)
    values[draw] += NUDGE
    run.investment.trend = values


def _rate(run: Run) -> FloatArray:
    rate = run.investment.last_rate
    return run.investment.trend * 0.0 + 1.0 if rate is None else np.asarray(rate)


def _scale_orders(run: Run, step: int, draw: int) -> None:
    values = np.array(_rate(run))
    values[draw] *= np.exp(NUDGE)
    run.investment.last_rate = values


CUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    "price response": (("log_memory",), ("cumulative", "log_price", "log_target", "trend", "orders", "bought")),
    "experience": (("cumulative",), ("log_price", "log_target", "trend", "orders", "bought", "log_memory")),
    "scarcity": (("fleet", "bought", "trend", "orders"), ("log_price", "log_target", "log_memory")),
    "investment": (("fleet", "bought", "trend", "log_memory", "log_price", "cumulative"), ("orders", "bought.1")),
}
"""For each loop the couplings that cutting it removes: from these states to those."""


def spectral_radii(run: Run, step: int) -> dict[str, float]:
    """Return the spectral radius of a step's log-Jacobian, whole and with each loop cut in turn.

    Parameters
    ----------
    run
        A scalar run that has taken every step before ``step``; it is left as it was.
    step
        The step to take.
    """
    states = _states(run)
    wide = Run.start(run.scenario, batch=len(states) + 1)
    for earlier in range(step):
        wide.take(earlier)
    nudged = copy.deepcopy(wide)
    for draw, state in enumerate(states):
        state.nudge(nudged, step, draw)
    nudged.take(step)
    after = np.array([state.read(nudged, step + 1) for state in states])
    jacobian = (after[:, :-1] - after[:, -1:]) / NUDGE
    names = [state.name for state in states]
    return {cut: _radius(_cut(jacobian, names, *couplings)) for cut, couplings in CUTS.items()}


def _cut(jacobian: FloatArray, names: list[str], sources: tuple[str, ...], targets: tuple[str, ...]) -> FloatArray:
    matrix = jacobian.copy()
    for column, source in enumerate(names):
        for row, target in enumerate(names):
            if row != column and source.startswith(sources or ("-",)) and target.startswith(targets or ("-",)):
                matrix[row, column] = 0.0
    return matrix


def _radius(matrix: FloatArray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())
