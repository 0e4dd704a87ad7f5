"""Layouts: how a run may be spread over a cluster, as arrays of candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError, UnknownParameterError, near_matches
from costmodel.training.cluster import Cluster, TrainingJob

__all__ = ["DIMENSIONS", "Layouts", "candidate_layouts"]

DIMENSIONS = ("tensor", "context", "expert", "pipeline", "interleave", "microbatch", "sharding", "recompute")
"""Dimensions that a search varies; the data-parallel degree follows from the size of the cluster."""

LARGEST_MICROBATCH = 8
"""Most sequences of a microbatch that a search tries [1]."""
LARGEST_INTERLEAVE = 12
"""Most model chunks on a stage that a search tries [1]."""
SHORTEST_CONTEXT_PART = 2048
"""Fewest tokens of a sequence that a search leaves to one context-parallel device [token]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layouts:
    """Candidate layouts, one array of shape ``(layout,)`` each.

    Parameters
    ----------
    tensor, context, expert, data, pipeline
        Degrees of parallelism [1]; expert parallelism lies within tensor, context and data parallelism, so that
        ``tensor · context · data · pipeline`` is the cluster, and an expert is whole on its device.
    interleave
        Model chunks on a stage [1].
    microbatch
        Sequences of a microbatch [1].
    sharding
        State split over data-parallel devices [1]: 0 none, 1 optimizer state, 2 also gradients, 3 also weights.
    recompute
        Work that the backward pass repeats [1]: 0 attention scores only, 1 also norms, activation functions
        and the unfolding of latent attention (DeepSeek 2024, arXiv 2412.19437, section 3.2.3), 2 the whole forward pass
        of a layer.
    """

    tensor: FloatArray
    context: FloatArray
    expert: FloatArray
    data: FloatArray
    pipeline: FloatArray
    interleave: FloatArray
    microbatch: FloatArray
    sharding: FloatArray
    recompute: FloatArray

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.tensor)

    def take(self, index: Any) -> Layouts:
        """Return the candidates at an index array or mask."""
        return Layouts(**{item.name: readonly(getattr(self, item.name)[index]) for item in fields(self)})

    def row(self, index: int) -> dict[str, int]:
        """Return one candidate as whole numbers by name."""
        return {item.name: int(getattr(self, item.name)[index]) for item in fields(self)}


def candidate_layouts(
    job: TrainingJob, cluster: Cluster, fixed: Mapping[str, int | Sequence[int]] | None = None
) -> Layouts:
    """Return every layout that divides the model, the batch and the cluster evenly.

    Parameters
    ----------
    job
        The step.
    cluster
        The accelerators.
    fixed
        Dimension → value or values to try instead of all, such as ``{"tensor": 8, "pipeline": 16}``.

    Returns
    -------
    Layouts
        Candidates, whether or not they fit into memory.

    Raises
    ------
    UnknownParameterError
        If a fixed dimension does not exist.
    DomainError
        If no layout divides everything evenly.

    Notes
    -----
    Tensor parallelism stays inside a scale-up domain; interleaved pipelines need microbatches in whole rounds of
    the stages (Narayanan et al. 2021, arXiv 2104.04473, section 2.2.2).
    """
    options = _options(job, cluster)
    for name, values in (fixed or {}).items():
        if name not in options:
            raise UnknownParameterError(f"{name!r} is not a dimension of a layout{near_matches(name, options)}")
        given: Iterable[int] = (values,) if isinstance(values, int) else values
        options[name] = [float(value) for value in given]
    grid = np.array(list(product(*(options[name] for name in DIMENSIONS))), dtype=np.float64).reshape(
        -1, len(DIMENSIONS)
    )
    columns = {name: grid[:, i] for i, name in enumerate(DIMENSIONS)}
    columns["data"] = cluster.accelerators / (columns["tensor"] * columns["context"] * columns["pipeline"])
    layouts = Layouts(**{name: readonly(column) for name, column in columns.items()})
    possible = layouts.take(_possible(job, layouts))
    if not len(possible):
        raise DomainError(
            f"no layout divides {cluster.accelerators} accelerators, {job.batch} sequences and "
            f"{job.shape.layers} layers of {job.shape.name!r} evenly; fixed: {dict(fixed or {})}; "
            "change the batch or the accelerators, or fix fewer dimensions"
        )
    return possible


def _options(job: TrainingJob, cluster: Cluster) -> dict[str, list[float]]:
    """Return the values that are worth trying in each dimension."""
    shape, devices = job.shape, cluster.accelerators
    parts = max(job.sequence // SHORTEST_CONTEXT_PART, 1)
    return {
        "tensor": _divisors(devices, min(int(cluster.machine.scale_up_domain), shape.heads)),
        "context": [value for value in _divisors(devices, parts) if _is_power_of_two(value)],
        "expert": _divisors(shape.experts, shape.experts) if shape.experts else [1.0],
        "pipeline": _divisors(devices, shape.layers),
        "interleave": [float(value) for value in range(1, LARGEST_INTERLEAVE + 1)],
        "microbatch": _divisors(job.batch, LARGEST_MICROBATCH),
        "sharding": [1.0, 2.0, 3.0],
        "recompute": [0.0, 1.0, 2.0],
    }


def _divisors(number: int, limit: int) -> list[float]:
    """Return the divisors of a number up to a limit."""
    return [float(value) for value in range(1, min(number, limit) + 1) if number % value == 0]


def _is_power_of_two(value: float) -> bool:
    return int(value) & (int(value) - 1) == 0


def _possible(job: TrainingJob, layouts: Layouts) -> Any:
    """Return a mask of the layouts that divide everything evenly."""
    shape = job.shape
    microbatches = job.batch / (layouts.data * layouts.microbatch)
    chunks = layouts.pipeline * layouts.interleave
    shared = shape.shared_experts * shape.d_ff_expert
    widths = [shape.heads, *(width for width in (shape.d_ff, shared) if width)]
    mask = (layouts.data >= 1.0) & (layouts.data == np.floor(layouts.data))
    mask &= (microbatches >= 1.0) & (microbatches == np.floor(microbatches))
    for width in widths:
        mask &= width % layouts.tensor == 0.0
    mask &= chunks <= shape.layers + 2.0  # embedding and output may take the place of a layer each
    mask &= (layouts.interleave == 1.0) | ((layouts.pipeline > 1.0) & (microbatches % layouts.pipeline == 0.0))
    mask &= (layouts.tensor * layouts.data * layouts.context) % layouts.expert == 0.0
    mask &= job.sequence % layouts.context == 0.0
    return mask
