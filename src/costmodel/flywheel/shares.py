"""Shares of draws that are near a runaway, and shares in which each bound limits capex in the last year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from costmodel.flywheel.investment import Bound
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray

NEAR_RUNAWAY = 0.8
"""Loop gain at and above which a draw counts as near a runaway [1]."""


def near_runaway(trajectory: Trajectory) -> FloatArray:
    """Return 1 where the loop gain is at least 0.8, else 0."""
    return np.asarray(np.asarray(trajectory.loop_gain) >= NEAR_RUNAWAY, dtype=np.float64)


class _Held:
    """Share of the last year's steps and operators whose orders a bound limits; picklable, for process pools."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.__name__ = f"held_by_{bound.name.lower()}"

    def __call__(self, trajectory: Trajectory) -> FloatArray:
        steps = trajectory.scenario.grid.year_steps(trajectory.scenario.grid.years[-1])
        held = np.asarray(trajectory.bound_held)[steps] == int(self.bound)
        return np.asarray(held.mean(axis=(0, 1)))


BOUND_OUTPUTS: tuple[Any, ...] = (near_runaway, *(_Held(bound) for bound in Bound))
"""Callables to pass to an ensemble as outputs."""


def bound_shares(result: Any, years: Sequence[int]) -> list[str]:
    """Return lines of text on these shares, from an ensemble run with ``BOUND_OUTPUTS`` as outputs."""
    held = [
        f"{bound.name.lower().replace('_', ' ')} {float(result.mean(f'held_by_{bound.name.lower()}')):.1%}"
        for bound in Bound
    ]
    return [
        f"near a runaway (loop gain of {NEAR_RUNAWAY} or more): {float(result.mean('near_runaway')):.2%} of draws",
        f"capex of {years[-1]} limited by: {', '.join(held)}",
    ]
