"""Storage for a run: one array per stored output, with its draw axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.flywheel.drivers import ASSETS
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.results import outputs_of

DIMS = {spec.name: spec.dims for spec in outputs_of(Trajectory, derived=False)}
"""Axes of every stored output."""
FLAGS = frozenset({"runaway", "lag_raised"})
"""Boolean outputs."""


def shape_of(dims: Sequence[str], steps: int, workloads: int, operators: int) -> tuple[int, ...]:
    """Return the shape of an output, without draws, from the names of its axes."""
    sizes = {"step": steps, "bound": steps + 1, "workload": workloads, "operator": operators, "asset": len(ASSETS)}
    return tuple(sizes[dim] for dim in dims)


class Recorder:
    """Recorder of a run's outputs, step by step; the first axis of each is the step or bound.

    Parameters
    ----------
    steps, workloads, operators, batch
        Sizes of the axes.
    asked
        Outputs to store; None: all. Other outputs are held as a broadcast NaN.
    """

    def __init__(
        self, steps: int, workloads: int, operators: int, batch: int, asked: frozenset[str] | None = None
    ) -> None:
        self.sizes = steps, workloads, operators
        self.batch = batch
        self.asked = asked
        self.arrays: dict[str, Any] = {}

    def _new(self, name: str) -> Any:
        """Return a new array for an output."""
        shape = (*shape_of(DIMS[name], *self.sizes), self.batch)
        if name in FLAGS:
            return np.empty(shape, dtype=np.bool_)
        return np.empty(shape) if self.asked is None or name in self.asked else np.broadcast_to(np.nan, shape)

    def put(self, index: int | None, **values: Any) -> None:
        """Store values at a step or bound, or whole outputs if ``index`` is None."""
        for name, value in values.items():
            if name not in self.arrays:
                self.arrays[name] = self._new(name)
            array = self.arrays[name]
            if array.flags.writeable:
                array[... if index is None else index] = value

    def fill(self, arrays: Mapping[str, Any]) -> None:
        """Store whole outputs."""
        self.arrays.update(arrays)

    def outputs(self, scalar: bool) -> dict[str, Any]:
        """Return all stored outputs; without the draw axis for a scalar run."""
        arrays = {name: self.arrays[name] if name in self.arrays else self._new(name) for name in DIMS}
        return {name: array[..., 0][()] for name, array in arrays.items()} if scalar else arrays
