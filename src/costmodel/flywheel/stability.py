"""Stability of the flywheel's loops, and growth at a point of the path (diagnostics).

A loop is measured by its effect: demand is raised permanently from a date on, and the fleet is compared with a run
without the rise. Repeating this with each loop cut in turn shows which loop makes the fleet overshoot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from costmodel.flywheel.growth import closed_form_growth, loop_gain
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import run_resolved
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.errors import ScenarioError

RISE = 1.3
"""Factor by which demand is raised [1]."""
LEAST_YEARS = 3
"""Fewest whole years of a run whose stability is measured [1]: a year before the rise and two after it."""
SETTLED = 0.02
"""Log distance from the last year's mean up to which the fleet counts as settled [1]."""
FORGETFUL = "1000000 year"
"""Smoothing time of a trend that does not move [year]."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A feedback loop: its gain, and the meaning of that gain."""

    name: str
    value: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Response:
    """Log response of accelerators in service and on order to a lasting rise of demand, over the log of the rise."""

    peak: float
    """Highest response [1]; 1 is in proportion to the rise."""
    last: float
    """Mean response of the last year [1]."""
    settled: float | None
    """Time after which the fleet stays within 0.02 of that, in logs [year]; None if it does not within the run."""


@dataclass(frozen=True, slots=True)
class LocalGrowth:
    """Growth in a year of the path: log growth of tokens, and the long-run formula at the same parameters."""

    year: int
    tokens: float
    """Log growth of tokens served from the year before [1/year]."""
    unit_cost: float
    """Log growth of unit cost at constant quality [1/year]."""
    hardware_share: float
    """Share of required rent that falls with hardware; the rest is sites, energy and upkeep [1]."""
    closed_form: float
    """Long-run growth if the year's rates lasted, their fades left out, all of unit cost fell with hardware and nothing
    bound: the same in every year where no rate of growth is scheduled [1/year]."""


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """Loops, the response to a rise of demand with each loop cut in turn, and local growth by year."""

    scenario: str
    loops: tuple[Loop, ...]
    responses: dict[str, Response]
    local_growth: tuple[LocalGrowth, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists."""
        return asdict(self)


CUTS: Mapping[str, Mapping[str, Any]] = {
    "nothing cut": {},
    "forecast": {"investment.trend_memory": FORGETFUL},
    "experience": {"software.experience_exponent": 0.0},
    "training from revenue": {"training.revenue_share": 0.0},
    "suppliers": {"suppliers": None},
    "grid": {"power_grid": None},
}
"""Changes that cut each loop: an entry to replace, or a table to leave out (None)."""


def stability_report(scenario: FlywheelScenario) -> StabilityReport:
    """Report the loops of a scenario at its medians.

    Parameters
    ----------
    scenario
        A written flywheel scenario.

    Raises
    ------
    ScenarioError
        If the run has fewer than three whole years.
    """
    if len(scenario.grid.years) < LEAST_YEARS:
        raise ScenarioError(
            f"time: stability needs {LEAST_YEARS} whole years, one before and two after a rise of demand; "
            f"the run has {len(scenario.grid.years)}; make it longer"
        )
    resolved = scenario.resolve()
    trajectory = run_resolved(resolved)
    responses = {name: response_to_demand(scenario, change) for name, change in CUTS.items()}
    return StabilityReport(scenario.name, _loops(resolved, trajectory), responses, local_growth(trajectory))


def response_to_demand(scenario: FlywheelScenario, change: Mapping[str, Any]) -> Response:
    """Return the response of the fleet to a lasting rise of demand after a third of the run, with a loop cut.

    Parameters
    ----------
    scenario
        A written flywheel scenario.
    change
        Change that cuts the loop, as in ``CUTS``.
    """
    form = scenario.replace({path: value for path, value in change.items() if value is not None}).written()
    for path, value in change.items():
        if value is None:
            form.pop(path, None)
    years = scenario.grid.years
    date = dt.date(years[max(1, len(years) // 3)], 1, 1)
    rise = {"kind": "demand", "date": date.isoformat(), "factor": RISE}
    calm = run_resolved(type(scenario)(**form).resolve())
    risen = run_resolved(type(scenario)(**{**form, "shocks": [*form.get("shocks", []), rise]}).resolve())
    grid = scenario.grid
    after = slice(int(np.searchsorted(grid.bounds, date.year)), None)
    logs = np.log(_fleet(risen)[after] / _fleet(calm)[after]) / np.log(RISE)
    last = float(logs[-round(1.0 / grid.length) :].mean())
    away = np.nonzero(np.abs(logs - last) * np.log(RISE) > SETTLED)[0]
    first = 0 if not len(away) else int(away[-1]) + 1
    settled = None if first >= len(logs) - 1 else first * grid.length
    return Response(float(logs.max()), last, settled)


def _fleet(run: Trajectory) -> FloatArray:
    """Return accelerators in service and on order, ``(step,)``."""
    both = np.asarray(run.units_by_operator) + np.asarray(run.on_order_by_operator)
    return np.asarray(ordered_sum(both.T))


def _loops(scenario: FlywheelScenario, run: Trajectory) -> tuple[Loop, ...]:
    """Return the gains of the loops at the last step."""
    busy = np.asarray(run.accelerators_by_workload[-1])
    training, internal = float(run.training_compute[-1]), float(run.internal[-1])
    used = max(float(ordered_sum(busy)) + training + internal, 1e-300)
    elasticity = np.array([float(np.min(item.price_elasticity)) for item in scenario.market.values()])
    tokens = float(ordered_sum(busy * -elasticity)) / used
    bought = tokens + training / used - internal / used * float(np.min(scenario.internal.rent_elasticity))
    exponent = float(np.min(scenario.clearing.scarcity_exponent))
    invest = scenario.investment
    jump = float(np.min(invest.adjustment)) + float(np.min(scenario.hardware.accelerators.lag))
    fed = training / used * float(np.min(scenario.training.revenue_share) > 0.0)
    return (
        Loop("experience and capability", float(loop_gain(scenario)[0]), "below 1: growth settles; else it runs away"),
        Loop("scarcity", -exponent * bought, "fall of compute bought when use raises the rent: negative"),
        Loop(
            "forecast",
            jump / float(np.min(invest.trend_memory)),
            "orders that mistake a jump of demand for growth, over the jump: above 1 the fleet overshoots for a while",
        ),
        Loop("training from revenue", fed, "share of compute used by training that revenue pays for: below 1"),
        Loop(
            "orders",
            1.0 - scenario.grid.length / (float(np.min(invest.adjustment)) + scenario.grid.length / 2.0),
            "gap to the target after a step over the gap before it",
        ),
    )


def local_growth(trajectory: Trajectory) -> tuple[LocalGrowth, ...]:
    """Return growth by year, with the long-run formula and that year's share of hardware in cost; medians only."""
    grid, run = trajectory.scenario.grid, trajectory
    formula = np.broadcast_to(closed_form_growth(run.scenario.resolve())[:, :1], (grid.steps, 1))
    rows = []
    for year in grid.years:
        if year - 1 not in grid.years:
            continue
        now, before = grid.year_steps(year), grid.year_steps(year - 1)
        with quiet():  # without tokens, growth is NaN
            tokens = np.log(run.tokens[now].sum() / run.tokens[before].sum())
            unit_cost = run.fixed_weight_unit_cost
            cost = np.log(unit_cost[now].mean() / unit_cost[before].mean())
        share = float(np.asarray(run.equipment_share_by_operator)[now].mean())
        rows.append(LocalGrowth(year, float(tokens), float(cost), share, float(formula[now].mean())))
    return tuple(rows)
