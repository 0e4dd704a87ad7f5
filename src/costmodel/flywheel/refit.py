"""A small fit to history: some values of a scenario are moved until a run agrees with what was reported.

Every value is moved by a factor, whose log is held near 0 by a prior, since history pins fewer of them than there are.
One run carries all changed values in its draws, so that a whole fit takes seconds; it is repeated for other
elasticities, none of which history tells apart (:func:`refit_by_elasticity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from costmodel.flywheel.history import read_off
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import run_resolved
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.formulas import Formula, scaled_text
from costmodel.foundation.scenario import Observation
from costmodel.foundation.schedules import Schedule
from costmodel.foundation.values import ParameterSpec, Resolver

NUDGE = 1e-4
"""Change of a log factor by which slopes are measured [1]."""
ROUNDS = 12
"""Most rounds of a fit [1]."""
SETTLED = 1e-5
"""Fall of the sum of squares in a round below which a fit stops, as a share of it [1]."""
TOLERANCES: Mapping[str, float] = {
    "tokens": 0.10,
    "accelerators_shipped": 0.04,
    "rental_price": 0.10,
    "user_spend": 0.12,
    "capex": 0.05,
    "training_share_of_compute": 0.10,
}
"""Relative error at which an observation counts as one, by output [1]: chosen from how its sources differ."""
USUAL_TOLERANCE = 0.15
"""Relative error for any other output [1]."""


@dataclass(frozen=True, slots=True)
class Free:
    """A value that a fit may move: a parameter, or one knot of its schedule, counted from 0.

    ``prior`` is the log factor that counts as one error [1].
    """

    path: str
    knot: int | None = None
    prior: float = 0.5


@dataclass(frozen=True, slots=True)
class Miss:
    """An observation beside a fitted run; ``error`` is the model over the report less 1 [1]."""

    observation: Observation
    model: float
    error: float


@dataclass(frozen=True, slots=True)
class Refit:
    """A fitted scenario, the factors by which its values were moved, and how well it agrees."""

    scenario: FlywheelScenario
    factors: dict[str, float]
    fitted: tuple[Miss, ...]
    unseen: tuple[Miss, ...]
    rounds: int

    @property
    def token_error(self) -> float:
        """Mean size of the relative error of tokens at the dates that were fitted [1]."""
        sizes = [abs(miss.error) for miss in self.fitted if miss.observation.output == "tokens"]
        return float(np.mean(sizes))


class _Moved:
    """Resolves a written scenario with some values multiplied, a column of factors per draw."""

    def __init__(self, scenario: FlywheelScenario, free: Sequence[Free], factors: FloatArray) -> None:
        self.plain = Resolver(scenario.outlook, None)
        self.by_path: dict[str, list[tuple[int | None, FloatArray]]] = {}
        for item, row in zip(free, factors, strict=True):
            self.by_path.setdefault(item.path, []).append((item.knot, row))

    def resolve(self, path: str, value: Any, spec: ParameterSpec) -> Any:
        """Return the resolved value, with the draws last where it is moved."""
        moves = self.by_path.get(path)
        if moves is None:
            return self.plain.resolve(path, value, spec)
        if isinstance(value, Formula) and self.plain.grid is not None:
            value = value.schedule(self.plain.grid)
        columns = [
            self.plain.resolve(path, _multiplied(value, [(k, row[draw]) for k, row in moves]), spec)
            for draw in range(len(moves[0][1]))
        ]
        return np.stack(columns, axis=-1)


def _multiplied(value: Any, moves: Sequence[tuple[int | None, float]]) -> Any:
    """Return a written value with factors applied, as a number or a schedule of numbers."""
    if isinstance(value, Schedule):
        knots = [(date, _middle(number)) for date, number in value.knots]
        for knot, factor in moves:
            for index in range(len(knots)) if knot is None else (knot,):
                knots[index] = (knots[index][0], knots[index][1] * float(factor))
        return replace(value, knots=tuple(knots))
    for _, factor in moves:
        value = _middle(value) * float(factor)
    return value


def _middle(value: Any) -> float:
    return float(value.median() if isinstance(value, Distribution) else value)


def refit(scenario: FlywheelScenario, free: Sequence[Free], *, tolerances: Mapping[str, float] = TOLERANCES) -> Refit:
    """Fit some values of a scenario to its observations that are used in fitting.

    Parameters
    ----------
    scenario
        A written scenario with observations; distributions count at their medians.
    free
        What may be moved.
    tolerances
        Relative error that counts as one, by output [1].

    Raises
    ------
    ScenarioError
        If nothing is free, a path does not exist, or no observation is used in fitting.
    """
    rows = [row for row in scenario.observations if row.used_in_fit]
    if not free or not rows:
        raise ScenarioError("a fit needs something free and observations with used_in_fit = true")
    for item in free:
        scenario.get(item.path)
    scale = np.array([tolerances.get(row.output, USUAL_TOLERANCE) for row in rows])
    prior = np.array([item.prior for item in free])
    at, damping, taken = np.zeros(len(free)), 1e-2, 0
    residuals, slopes = _residuals(scenario, free, at, rows, scale, prior)
    for _ in range(ROUNDS):
        taken += 1
        square = float(residuals @ residuals)
        step = np.linalg.solve(slopes.T @ slopes + damping * np.eye(len(free)), -slopes.T @ residuals)
        trial, trial_slopes = _residuals(scenario, free, at + step, rows, scale, prior)
        if not np.all(np.isfinite(trial)) or float(trial @ trial) >= square:
            damping *= 10.0
            continue
        at, residuals, slopes, damping = at + step, trial, trial_slopes, damping / 5.0
        if float(trial @ trial) > square * (1.0 - SETTLED):
            break
    fitted = moved(scenario, free, np.exp(at))
    run = run_resolved(fitted.resolve())
    misses = [
        Miss(row, float(read_off(run, row)), float(read_off(run, row)) / row.value - 1.0)
        for row in scenario.observations
    ]
    names = [item.path if item.knot is None else f"{item.path}[{item.knot}]" for item in free]
    return Refit(
        fitted,
        dict(zip(names, np.exp(at).tolist(), strict=True)),
        tuple(miss for miss in misses if miss.observation.used_in_fit),
        tuple(miss for miss in misses if not miss.observation.used_in_fit),
        taken,
    )


def _residuals(
    scenario: FlywheelScenario,
    free: Sequence[Free],
    at: FloatArray,
    rows: Sequence[Observation],
    scale: FloatArray,
    prior: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return residuals of observations and prior, and their slopes in the log factors."""
    columns = np.concatenate([at[:, None], at[:, None] + NUDGE * np.eye(len(free))], axis=1)
    run = run_resolved(scenario.resolved(_Moved(scenario, free, np.exp(columns))))  # type: ignore[arg-type]
    model = np.log(np.array([np.maximum(read_off(run, row), 1e-300) / row.value for row in rows])) / scale[:, None]
    residuals = np.concatenate([model[:, 0], at / prior])
    slopes = np.concatenate([(model[:, 1:] - model[:, :1]) / NUDGE, np.diag(1.0 / prior)])
    return residuals, slopes


def moved(scenario: FlywheelScenario, free: Sequence[Free], factors: Sequence[float] | FloatArray) -> FlywheelScenario:
    """Return a written scenario with some values multiplied; grades and notes stay.

    Parameters
    ----------
    scenario
        A written scenario.
    free, factors
        What is moved, and by what factor each.
    """
    form: dict[str, Any] = scenario.written()
    for item, factor in zip(free, factors, strict=True):
        node: Any = form
        *parents, last = item.path.split(".")
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        entry = node[last]
        holder, key = (entry, "value") if isinstance(entry, dict) and "value" in entry else (node, last)
        holder[key] = _scaled(holder[key], item.knot, float(factor))
    return type(scenario)(**form)


_SHIFTED = frozenset({"p5", "p95", "low", "high", "mean", "median", "mode", "value"})
"""Entries of a distribution that scale with it."""


def _scaled(value: Any, knot: int | None, factor: float) -> Any:
    """Return a written number, schedule or distribution times a factor."""
    if isinstance(value, dict) and "knots" in value:
        rows = [
            [date, number * factor if knot is None or knot == index else number]
            for index, (date, number) in enumerate(value["knots"])
        ]
        return {**value, "knots": rows}
    if isinstance(value, dict) and "formula" in value:
        return {**value, "formula": scaled_text(value["formula"], factor)}
    if isinstance(value, dict):
        return {key: number * factor if key in _SHIFTED else number for key, number in value.items()}
    return value * factor


def refit_by_elasticity(
    scenario: FlywheelScenario, free: Sequence[Free], elasticities: Sequence[float]
) -> dict[float, Refit]:
    """Fit a scenario once for each price elasticity, the same for all workloads.

    Parameters
    ----------
    scenario, free
        As for :func:`refit`.
    elasticities
        Price elasticities, signed [1].
    """
    fits = {}
    for elasticity in elasticities:
        changes = {f"market.{name}.price_elasticity": elasticity for name in scenario.market}
        fits[elasticity] = refit(scenario.replace(changes), free)
    return fits
