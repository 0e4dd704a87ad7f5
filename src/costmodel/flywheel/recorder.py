"""Storage for a run: one array per stored output, with its draw axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from costmodel.flywheel.drivers import ASSETS
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.results import outputs_of

FLAGS = frozenset({"runaway", "lag_raised"})
"""Outputs that are true or false."""


class Recorder:
    """Collects the outputs of a run step by step; the step or bound is the first axis of each.

    Parameters
    ----------
    steps, workloads, operators, batch
        Sizes of the axes.
    """

    def __init__(self, steps: int, workloads: int, operators: int, batch: int) -> None:
        sizes = {
            "step": steps,
            "bound": steps + 1,
            "workload": workloads,
            "operator": operators,
            "asset": len(ASSETS),
        }
        self.arrays: dict[str, Any] = {
            spec.name: np.empty(
                (*(sizes[dim] for dim in spec.dims), batch), dtype=np.bool_ if spec.name in FLAGS else np.float64
            )
            for spec in outputs_of(Trajectory, derived=False)
        }

    def put(self, index: int | None, **values: Any) -> None:
        """Store values at a step or bound, or whole where ``index`` is absent."""
        for name, value in values.items():
            self.arrays[name][... if index is None else index] = value

    def outputs(self, scalar: bool) -> dict[str, Any]:
        """Return the arrays; without the draw axis for a scalar run."""
        if not scalar:
            return dict(self.arrays)
        return {name: array[..., 0][()] for name, array in self.arrays.items()}
