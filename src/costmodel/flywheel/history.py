"""Compare the flywheel with history: read each reported figure off a run in its own unit and at its date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.provenance import Grade, parse_grade
from costmodel.foundation.scenario import Observation
from costmodel.foundation.schedules import parse_date, year_fraction
from costmodel.foundation.units import conversion_factor, dimensions

ROOM = 1e-3
"""Tolerance at the ends of the run, so that a year end counts as the start of the next year [year]."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reported figure with the model's.

    ``model`` is ``()`` or ``(draw,)``, in the observation's unit.
    """

    observation: Observation
    model: FloatArray
    grade: Grade

    @property
    def error(self) -> FloatArray:
        """Relative error: the model's figure over the reported one, less 1 [1]."""
        return np.asarray(self.model / self.observation.value - 1.0)


def compare_with_history(trajectory: Trajectory) -> tuple[Comparison, ...]:
    """Return every observation of the scenario with the run's figure.

    Raises
    ------
    ScenarioError
        If an observation names an output, date or unit that the run does not have.
    """
    return tuple(
        Comparison(row, read_off(trajectory, row), parse_grade(row.grade)) for row in trajectory.scenario.observations
    )


def read_off(trajectory: Trajectory, row: Observation) -> FloatArray:
    """Return a run's figure for an observation, in the observation's unit, ``()`` or ``(draw,)``."""
    spec, grid = trajectory.outputs().get(row.output), trajectory.scenario.grid
    if spec is None or spec.dims != ("step",):
        raise ScenarioError(f"observation {row.output!r} at {row.date}: the run has no series of that name by step")
    values = np.asarray(trajectory[row.output])
    whole_year = row.date.isdigit()
    if spec.kind == "flow":
        return _flow(values, spec.unit, row, trajectory)
    factor = conversion_factor(spec.unit, row.unit)
    if whole_year:
        return np.asarray(values[grid.year_steps(int(row.date))].mean(axis=0) * factor)
    when = _when(row, trajectory)
    if spec.kind == "stock":
        start = np.broadcast_to(_at_start(trajectory, row.output, values), values[0].shape)
        return _interpolate(grid.bounds, np.concatenate([start[None], values]), when) * factor
    return _interpolate(grid.mid, values, when) * factor


def _at_start(trajectory: Trajectory, output: str, values: FloatArray) -> FloatArray:
    """Return a stock at the start: as the scenario states it, or extrapolated a step back from its first value."""
    openings = [item.opening for item in trajectory.scenario.operators.values()]
    known = [item.shipped for item in openings]
    if output == "accelerators_shipped" and all(isinstance(value, float) for value in known):
        return np.asarray(sum(float(value) for value in known if isinstance(value, float)))
    return np.asarray(values[0] - (values[1] - values[0] if len(values) > 1 else 0.0))


def _flow(values: FloatArray, unit: str, row: Observation, trajectory: Trajectory) -> FloatArray:
    """Return a flow's sum over a calendar year, or its rate at a date, in the observation's unit."""
    grid = trajectory.scenario.grid
    if row.date.isdigit():
        factor = conversion_factor(unit, row.unit)
        return np.asarray(values[grid.year_steps(int(row.date))].sum(axis=0) * factor)
    if dimensions(row.unit) == dimensions(unit):
        raise ScenarioError(
            f"observation {row.output!r} at {row.date}: at a date, give a flow as a rate, in {unit}/year"
        )
    factor = conversion_factor(f"{unit}/year", row.unit)
    rates = np.log(np.maximum(values / grid.length, 1e-300))
    return np.asarray(np.exp(_interpolate(grid.mid, rates, _when(row, trajectory))) * factor)


def _when(row: Observation, trajectory: Trajectory) -> float:
    grid = trajectory.scenario.grid
    when = year_fraction(parse_date(row.date))
    if not grid.begin - 2.0 / 365.25 - ROOM <= when <= float(grid.bounds[-1]) + ROOM:
        first, last = grid.years[0], grid.years[-1]
        raise ScenarioError(f"observation {row.output!r} at {row.date} lies outside the run, {first} to {last}")
    return when


def _interpolate(times: FloatArray, values: FloatArray, when: float) -> FloatArray:
    """Interpolate along the leading axis; before the first time by its slope, a step at most, after the last flat."""
    low = int(np.clip(np.searchsorted(times, when) - 1, 0, len(times) - 2))
    share = (when - times[low]) / (times[low + 1] - times[low])
    share = max(share, -1.0) if low == 0 else min(share, 1.0)
    return np.asarray(values[low] * (1.0 - share) + values[low + 1] * share)
