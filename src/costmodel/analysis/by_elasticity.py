"""Forward figures as a range over price elasticities, each with draws adjusted to history.

History does not identify the price elasticity, so that a forward figure at one elasticity understates the uncertainty.
Here every elasticity has an ensemble of its own: other inputs have wide priors and are moved until each draw
reproduces history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from costmodel.analysis.assimilation import ConsistentDraws, consistent_draws
from costmodel.analysis.calibration import Observed
from costmodel.analysis.problem import Progress, as_problem
from costmodel.analysis.targets import Output, Selector
from costmodel.flywheel.history import read_off
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import RandomSource, seed_of
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.scenario import Observation
from costmodel.foundation.schedules import Schedule, parse_date
from costmodel.foundation.tables import Table

ELASTICITIES = (-0.5, -0.8, -1.1, -1.5)
"""Price elasticities at which history is fitted [1]: shared facts hold 0.5 to 1.8 for possible, 1.1 for central."""
FREE: Mapping[str, Mapping[str, Any]] = {
    "market.*.intensity_growth": {"dist": "normal", "p5": 0.0, "p95": 1.5},
    "market.*.adoption.growth": {"dist": "normal", "p5": 0.6, "p95": 2.0},
    "market.*.capability_elasticity": {"dist": "uniform", "low": 0.0, "high": 0.5},
    "market.*.model_growth": {"dist": "normal", "p5": 0.4, "p95": 1.8},
    "software.algorithmic_growth": {"dist": "normal", "p5": 0.5, "p95": 2.0},
    "software.experience_exponent": {"dist": "uniform", "low": 0.0, "high": 0.3},
    "clearing.scarcity_exponent": {"dist": "uniform", "low": 1.0, "high": 5.0},
}
"""Parameters fitted to history, with their prior ranges: assumed, as in the plans of the backtests."""
SUPPLY: Mapping[str, Mapping[str, Any]] = {
    "hardware.accelerators.lag": {"dist": "uniform", "low": 0.25, "high": 0.55},
    "hardware.sites.lag": {"dist": "uniform", "low": 1.0, "high": 2.0},
    "suppliers.max_build_up": {"dist": "uniform", "low": 0.2, "high": 0.8},
}
"""Supply parameters that history hardly identifies: 3 to 6.6 months to service, 12 to 24 months to build; assumed."""
AROUND: Mapping[str, float] = {
    "market.*.tokens": 2.0,
    "market.*.compute_per_token": 2.0,
    "market.*.budget_share": 2.0,
    "suppliers.supply_elasticity": 3.0,
    "suppliers.build_up": 2.5,
    "operators.*.financing.wacc": 1.25,
}
"""Parameters drawn around their written value; the factor at 5 and 95 % [1] is assumed."""
AHEAD: Mapping[str, float] = {
    "power_grid.energised": 1.6,
    "training.investors": 2.5,
    "operators.*.plan.capex": 1.15,
}
"""Schedules whose knots after the last observation are drawn; the factor at 5 and 95 % [1] is assumed."""
TOLERANCES: Mapping[str, float] = {
    "tokens": 0.10,
    "accelerators_shipped": 0.04,
    "rental_price": 0.10,
    "user_spend": 0.12,
    "capex": 0.05,
    "training_share_of_compute": 0.10,
}
"""Relative standard error of an observation, by output [1]; assumed, from the differences between sources."""
USUAL_TOLERANCE = 0.15
"""Relative standard error of an observation of any other output [1]; assumed."""
BANDS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtElasticity:
    """Draws at one price elasticity that reproduce history, and their forward figures."""

    elasticity: float
    scenario: FlywheelScenario
    """Scenario with that elasticity and the free inputs, for any other run with ``consistent.design``."""
    consistent: ConsistentDraws
    token_error: float
    """Mean absolute relative error of tokens over the dates with a figure, at the median draw [1]."""
    values: FloatArray
    """Forward figures, ``(output, draw)``, in the outputs' units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticityRange:
    """Forward figures over several elasticities; draws at one elasticity give too narrow a range."""

    outputs: tuple[str, ...]
    units: tuple[str, ...]
    found: tuple[AtElasticity, ...]

    def medians(self, output: str) -> dict[float, float]:
        """Return the median of an output by elasticity."""
        row = self.outputs.index(output)
        return {item.elasticity: float(np.median(item.values[row])) for item in self.found}

    def pooled(self, output: str, ranks: Sequence[float] = BANDS) -> FloatArray:
        """Return quantiles over the draws of all elasticities, with equal weight for each elasticity."""
        row = self.outputs.index(output)
        least = min(item.values.shape[1] for item in self.found)
        return np.asarray(exact_quantile(np.concatenate([item.values[row, :least] for item in self.found]), ranks))

    def table(self) -> Table:
        """Return a table with a row per elasticity and output."""
        return Table.of(row for item in self.found for row in self._rows(item))

    def _rows(self, item: AtElasticity) -> Iterator[dict[str, object]]:
        for row, (name, unit) in enumerate(zip(self.outputs, self.units, strict=True)):
            low, middle, high = exact_quantile(item.values[row], BANDS)
            yield {
                "elasticity": item.elasticity,
                "output": name,
                "unit": unit,
                "5 %": float(low),
                "median": float(middle),
                "95 %": float(high),
                "token error": item.token_error,
                "misfit": item.consistent.misfit[1],
            }


def elasticity_range(
    scenario: FlywheelScenario,
    outputs: Sequence[Output],
    *,
    elasticities: Sequence[float] = ELASTICITIES,
    draws: int = 1000,
    rng: RandomSource = None,
    free: Mapping[str, Mapping[str, Any]] = FREE,
    on_progress: Progress | None = None,
) -> ElasticityRange:
    """Run a scenario at several price elasticities, each with draws that reproduce history.

    Parameters
    ----------
    scenario
        A flywheel scenario with observations that are used in fitting.
    outputs
        Forward figures, as ``user_spend@2030``.
    elasticities
        Price elasticities, the same for all workloads, signed [1].
    draws
        Draws at each elasticity.
    rng
        Seed, generator or nothing for fresh entropy.
    free
        Ranges of inputs that history may move, by path or pattern. The scenario's own distributions and the limits of
        supply move as well: lags, suppliers, the cost of capital, budgets, and future grid power, plans and investors'
        money.
    on_progress
        Called with elasticities done and elasticities in all.

    Raises
    ------
    ScenarioError
        If no observation is used in fitting, or no elasticity is given.
    """
    rows = [row for row in scenario.observations if row.used_in_fit]
    if not rows or not elasticities:
        raise ScenarioError(f"{scenario.name}: give at least one elasticity, and observations with used_in_fit = true")
    seen = [Observed(_reader(row), row.value, TOLERANCES.get(row.output, USUAL_TOLERANCE)) for row in rows]
    selectors = [Selector.parse(output) for output in outputs]
    wide, seed = _widened(scenario, free, rows), seed_of(rng)
    told = min(f"{_last(rows).year + 1}-01-01", scenario.time.end.isoformat())
    found: list[AtElasticity] = []
    units: tuple[str, ...] = ()
    for number, at in enumerate(elasticities):
        fixed = wide.replace({f"market.{name}.price_elasticity": at for name in wide.market})
        # only observations move draws, so the runs that move them end with the year of the last one
        consistent = consistent_draws(fixed.replace({"time.end": told}), seen, draws=draws, rng=seed)
        problem = as_problem(fixed, [*selectors, *(item.output for item in seen)])
        count = consistent.design.draws
        _, figures = problem.at(count, ranks=consistent.design.ranks())
        if not units:
            result = problem.raw(1)
            units = tuple(selector.unit(result) or "" for selector in selectors)
        values, history = figures[: len(selectors)], figures[len(selectors) :]
        errors = [
            abs(float(np.median(line)) / row.value - 1.0)
            for line, row in zip(history, rows, strict=True)
            if row.output == "tokens"
        ]
        found.append(
            AtElasticity(
                elasticity=float(at),
                scenario=fixed,
                consistent=consistent,
                token_error=float(np.mean(errors)) if errors else float("nan"),
                values=values,
            )
        )
        if on_progress is not None:
            on_progress(number + 1, len(elasticities))
    labels = tuple(selector.label for selector in selectors)
    return ElasticityRange(outputs=labels, units=units, found=tuple(found))


def _reader(row: Observation) -> Selector:
    return Selector(f"{row.output} at {row.date}", function=lambda result: read_off(result, row))


def _widened(
    scenario: FlywheelScenario, free: Mapping[str, Mapping[str, Any]], rows: Sequence[Observation]
) -> FlywheelScenario:
    """Return the scenario with ranges for the free inputs and for the limits of supply."""
    known = scenario.paths()
    changes: dict[str, Any] = {}
    for pattern, table in {**SUPPLY, **free}.items():
        changes.update({path: dict(table) for path in known if fnmatchcase(path, pattern)})
    for pattern, factor in AROUND.items():
        for path in known:
            written: Any = scenario.get(path) if fnmatchcase(path, pattern) else None
            if written is not None:
                changes[path] = _within(_middle(written), factor)
    last = _last(rows)
    for pattern, factor in AHEAD.items():
        for path in known:
            schedule = scenario.get(path) if fnmatchcase(path, pattern) else None
            if isinstance(schedule, Schedule):
                form = schedule.written()
                knots = zip(schedule.knots, form["knots"], strict=True)
                form["knots"] = [
                    [text, _within(_middle(value), factor) if date > last else kept]
                    for (date, value), (text, kept) in knots
                ]
                changes[path] = form
    return scenario.replace(changes)


def _last(rows: Sequence[Observation]) -> dt.date:
    """Return the last day that any observation covers."""
    return max(parse_date(f"{row.date}-12-31" if row.date.isdigit() else row.date) for row in rows)


def _middle(value: Any) -> float:
    return float(value.median() if isinstance(value, Distribution) else value)


def _within(number: float, factor: float) -> dict[str, Any]:
    """Return a written distribution whose 5 and 95 % quantiles are a factor away from a number."""
    return {"dist": "lognormal", "p5": number / factor, "p95": number * factor}
