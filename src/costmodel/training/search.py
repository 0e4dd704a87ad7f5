"""The best layout of a run on a cluster: step time, utilisation and memory of every candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from costmodel.compute import activation_bytes, count_parameters, training_state_bytes
from costmodel.foundation.arrays import FloatArray, Numeric, readonly
from costmodel.foundation.errors import DomainError
from costmodel.training.cluster import RESERVED_MEMORY_SHARE, Cluster, TrainingJob
from costmodel.training.duration import hardware_flop_utilisation
from costmodel.training.layout import Layouts, candidate_layouts
from costmodel.training.parallelism import (
    exposed_time,
    microbatches_per_step,
    optimizer_time,
    pipeline_bubble_share,
    pipeline_layers_in_flight,
    slowest_stage_time,
    stage_layers,
)
from costmodel.training.step import (
    RESULT_BYTES,
    head_time,
    hop_time,
    inner_width,
    layer_time,
    product_inputs,
    unfolded_elements,
)

__all__ = ["LayoutSearch", "evaluate_layouts", "search_layouts"]

LOGIT_BYTES = 6.0
"""Bytes kept per logit between forward and backward of the loss [byte]: half and single precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutSearch:
    """Time, memory and utilisation of candidate layouts, shape ``(layout,)`` each, fastest feasible one first.

    Parameters
    ----------
    job, cluster
        The step and the cluster that were searched.
    layouts
        Candidates in the order of the arrays.
    work
        Time in which the slowest stage computes and waits for tensor, context and expert parallelism [s].
    bubble
        Time in which the pipeline fills and drains [s].
    hops
        Time of hand-overs between stages that nothing hides [s].
    data
        Exposed time of gradient and weight collectives [s].
    optimizer
        Time of the update [s].
    memory
        Bytes on the fullest device [byte].
    """

    job: TrainingJob
    cluster: Cluster
    layouts: Layouts
    work: FloatArray
    bubble: FloatArray
    hops: FloatArray
    data: FloatArray
    optimizer: FloatArray
    memory: FloatArray

    @property
    def step_time(self) -> FloatArray:
        """Time of an optimizer step [s]."""
        return self.work + self.bubble + self.hops + self.data + self.optimizer + self.overhead

    @property
    def overhead(self) -> FloatArray:
        """Time that the parts don't account for, by the recipe's overhead [s]."""
        computed = self.work + self.bubble + self.hops + self.data + self.optimizer
        return computed * (self.job.recipe.step_overhead - 1.0)

    @property
    def utilisation(self) -> FloatArray:
        """Model FLOP utilisation (MFU), attention counted causally [1]."""
        return np.asarray(self.job.flop / (self.step_time * self.cluster.accelerators * self.cluster.peak))

    @property
    def hardware_utilisation(self) -> FloatArray:
        """Hardware FLOP utilisation (HFU): layers computed a second time count [1]."""
        return np.asarray(
            hardware_flop_utilisation(self.utilisation, np.where(self.layouts.recompute >= 2.0, 1.0, 0.0))
        )

    @property
    def fits(self) -> Any:
        """Mask of the layouts that fit into memory."""
        return self.memory <= self.cluster.machine.memory * (1.0 - RESERVED_MEMORY_SHARE)

    @property
    def best(self) -> dict[str, int]:
        """The fastest feasible layout."""
        return self.layouts.row(0)

    @property
    def best_utilisation(self) -> float:
        """Utilisation (MFU) of the fastest feasible layout [1]."""
        return float(self.utilisation[0])

    def utilisation_range(self, index: int = 0, coverage: float = 0.8) -> tuple[float, float]:
        """Return the interval of a layout's utilisation, by the recipe's spread on steps that it was not fitted on.

        Parameters
        ----------
        index
            Index of the layout.
        coverage
            Probability that the interval holds the measured one, between 0 and 1 [1].

        Raises
        ------
        DomainError
            If the coverage is not between 0 and 1.
        """
        if not 0.0 < coverage < 1.0:
            raise DomainError(f"coverage = {coverage!r}: must be between 0 and 1")
        factor = math.exp(NormalDist().inv_cdf(0.5 + coverage / 2.0) * self.job.recipe.spread)
        middle = float(self.utilisation[index])
        return middle / factor, min(middle * factor, 1.0)

    def breakdown(self, index: int = 0) -> dict[str, float]:
        """Return the parts of one layout's step time by name [s]."""
        names = ("work", "bubble", "hops", "data", "optimizer", "overhead")
        return {name: float(getattr(self, name)[index]) for name in names}

    def layer_breakdown(self, index: int = 0) -> dict[str, float]:
        """Return the parts of one layout's forward pass through one layer by name [s]."""
        layer = layer_time(self.job, self.cluster, self.layouts.take([index]))
        names = ("matmul", "attention", "memory", "tensor", "context", "expert")
        return {name: float(np.broadcast_to(getattr(layer, name), 1)[0]) for name in names}


def search_layouts(
    job: TrainingJob, cluster: Cluster, fixed: Mapping[str, int | Sequence[int]] | None = None
) -> LayoutSearch:
    """Return all layouts of a run on a cluster, the fastest that fits into memory first.

    Parameters
    ----------
    job
        One optimizer step of the run.
    cluster
        The accelerators.
    fixed
        Dimension → value or values to try instead of all; see :func:`candidate_layouts`.

    Returns
    -------
    LayoutSearch
        Feasible layouts by step time, then the ones that don't fit.

    Raises
    ------
    DomainError
        If no layout divides everything evenly, or none fits into memory: the least memory is in the message.

    Examples
    --------
    >>> from costmodel.compute import shape
    >>> cluster = Cluster.recorded("H100-SXM", 64, scale_out_bandwidth=50e9)
    >>> found = search_layouts(TrainingJob(shape=shape("Llama-3-8B"), sequence=8192, batch=512), cluster)
    >>> found.best["data"] * found.best["tensor"] * found.best["pipeline"] * found.best["context"]
    64
    >>> 0.4 < found.best_utilisation < 0.7
    True
    """
    found = evaluate_layouts(job, cluster, candidate_layouts(job, cluster, fixed))
    if not found.fits.any():
        least = float(found.memory.min()) / 1e9
        room = cluster.machine.memory * (1.0 - RESERVED_MEMORY_SHARE) / 1e9
        raise DomainError(
            f"none of {len(found.layouts)} layouts of {job.shape.name!r} on {cluster.accelerators} accelerators fits: "
            f"the least takes {least:.1f} GB of {room:.1f} GB; take more accelerators or fix fewer dimensions"
        )
    order = np.lexsort((found.step_time, ~found.fits))
    return LayoutSearch(
        job=job,
        cluster=cluster,
        layouts=found.layouts.take(order),
        **{name: readonly(getattr(found, name)[order]) for name in _ARRAYS},
    )


_ARRAYS = ("work", "bubble", "hops", "data", "optimizer", "memory")


def evaluate_layouts(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> LayoutSearch:
    """Return time and memory of given layouts, in their order."""
    forward, backward, head = _pass_times(job, cluster, layouts)
    microbatches = microbatches_per_step(job.batch, layouts.data, layouts.microbatch)
    layers, stages, interleave = job.shape.layers, layouts.pipeline, layouts.interleave
    each = forward + backward
    stage = slowest_stage_time(each, head, layers, stages, interleave)
    fullest = stage_layers(layers, stages, interleave)
    bubble = pipeline_bubble_share(stages, microbatches, interleave) * microbatches * fullest * each
    hop = hop_time(job, cluster, layouts)
    shown = 0.0 if job.recipe.overlap_hops else microbatches * interleave
    hops = 2.0 * (stages * interleave - 1.0 + shown) * hop
    data, update = _data_parallel(job, cluster, layouts, fullest * forward, fullest * backward, microbatches)
    parts = {
        "work": microbatches * stage,
        "bubble": bubble,
        "hops": hops,
        "data": data,
        "optimizer": update,
        "memory": _memory(job, cluster, layouts, microbatches),
    }
    full = {name: readonly(np.broadcast_to(part, len(layouts))) for name, part in parts.items()}
    return LayoutSearch(job=job, cluster=cluster, layouts=layouts, **full)


def _pass_times(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> tuple[Numeric, Numeric, Numeric]:
    """Return a layer's forward and backward times and the output's, computed once for layouts that share them."""
    keys = np.stack([layouts.tensor, layouts.context, layouts.expert, layouts.microbatch])
    _, first, back = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    distinct, back = layouts.take(first), back.reshape(-1)
    layer, head = layer_time(job, cluster, distinct), head_time(job, cluster, distinct)
    whole, cheap = (np.broadcast_to(time, len(first))[back] for time in (layer.forward, layer.memory + layer.unfold))
    again = np.where(layouts.recompute >= 2.0, whole, np.where(layouts.recompute >= 1.0, cheap, 0.0))
    backward, output = (np.broadcast_to(time, len(first))[back] for time in (layer.backward, head))
    return whole, backward + again, output


def _expert_group(layouts: Layouts) -> Numeric:
    """Return the devices that hold every expert once: those of expert parallelism, or the tensor-parallel ones."""
    return np.where(layouts.expert > 1.0, layouts.expert, layouts.tensor)


def _device_parameters(job: TrainingJob, layouts: Layouts) -> tuple[Numeric, Numeric]:
    """Return parameters on the fullest device: those that data-parallel devices replicate, and routed experts."""
    counts = count_parameters(job.shape)
    layers = counts.attention + counts.dense_mlp + counts.shared_experts + counts.router + counts.vectors
    stage = stage_layers(job.shape.layers, layouts.pipeline, layouts.interleave) / job.shape.layers
    table = max(counts.input_embedding, counts.output_embedding) / layouts.tensor
    tables = np.where(layouts.pipeline > 1.0, table, counts.embeddings / layouts.tensor)
    return layers * stage / layouts.tensor + tables, counts.routed_experts * stage / _expert_group(layouts)


def _data_parallel(
    job: TrainingJob,
    cluster: Cluster,
    layouts: Layouts,
    stage_forward: Numeric,
    stage_backward: Numeric,
    microbatches: Numeric,
) -> tuple[Numeric, Numeric]:
    """Return exposed time of gradient and weight collectives, and time of the update.

    Gradients are reduced during the backward pass and weights gathered during the forward pass: of one microbatch
    where only optimizer state is split, of every microbatch where gradients or weights are. The last layer's share
    is not hidden.
    """
    recipe, machine = job.recipe, cluster.machine
    common, experts = _device_parameters(job, layouts)
    ranks, stride = layouts.data * layouts.context, layouts.tensor
    holders = _expert_group(layouts)
    expert_ranks = ranks * layouts.tensor / holders

    def collected(size: float) -> Numeric:
        whole = machine.all_gather(common * size, ranks, stride)
        return whole + machine.all_gather(experts * size, expert_ranks, holders)

    moved = 0.0 if job.frozen else 1.0
    reduce = moved * collected(recipe.gradient_bytes)
    unsplit = layouts.sharding < 1.0
    gather = np.where(unsplit, reduce, collected(job.weight_bytes))
    gather = np.where(layouts.sharding >= 3.0, gather, moved * gather)
    each_gradient = np.where(layouts.sharding >= 2.0, microbatches, 1.0)
    each_weight = np.where(layouts.sharding >= 3.0, microbatches, 1.0)
    beside_backward = reduce + np.where(layouts.sharding >= 3.0, gather, 0.0)
    layers = stage_layers(job.shape.layers, layouts.pipeline, layouts.interleave)
    hidden = 1.0 if recipe.overlap_reduction else 0.0
    tail = (reduce + gather) / layers
    exposed = tail + each_gradient * exposed_time(beside_backward - reduce / layers, hidden * stage_backward)
    exposed = exposed + each_weight * exposed_time(gather - gather / layers, hidden * stage_forward)
    split = np.where(unsplit, 1.0, ranks), np.where(unsplit, 1.0, expert_ranks)
    updated = moved * (common / split[0] + experts / split[1])
    update = optimizer_time(updated, recipe.optimizer_traffic, machine.bandwidth, machine.memory_share)
    return exposed, update


def _memory(job: TrainingJob, cluster: Cluster, layouts: Layouts, microbatches: Numeric) -> Numeric:
    """Return the bytes on the fullest device: state, activations in flight, and logits where they are larger."""
    common, experts = _device_parameters(job, layouts)
    ranks = layouts.data * layouts.context
    state = _state_bytes(job, layouts, common, ranks)
    state = state + _state_bytes(job, layouts, experts, ranks * layouts.tensor / _expert_group(layouts))
    tokens = layouts.microbatch * job.sequence / layouts.context
    share, operand = tokens / layouts.tensor, cluster.operand_bytes
    kept = activation_bytes(job.shape, tokens, job.sequence, layouts.tensor, "selective")
    kept = kept - share * (RESULT_BYTES - operand) * product_inputs(job)  # inputs of products in their own format
    inputs = activation_bytes(job.shape, tokens, job.sequence, layouts.tensor, "full")
    given_up = operand * (2.0 * job.shape.d_model + inner_width(job))  # outputs of norms and activation functions
    lean = kept - share * (given_up + RESULT_BYTES * unfolded_elements(job))
    per_layer = np.where(layouts.recompute >= 2.0, inputs, np.where(layouts.recompute >= 1.0, lean, kept))
    on_stage = stage_layers(job.shape.layers, layouts.pipeline, layouts.interleave)
    in_flight = pipeline_layers_in_flight(on_stage, layouts.pipeline, microbatches, layouts.interleave)
    logits = tokens * job.shape.vocabulary / layouts.tensor * LOGIT_BYTES
    first = in_flight * per_layer + np.where(layouts.pipeline > 1.0, 0.0, logits)
    last = on_stage * per_layer + logits
    working = np.where(layouts.recompute >= 1.0, kept - per_layer, 0.0)
    return state + np.maximum(first, last) + working


def _state_bytes(job: TrainingJob, layouts: Layouts, parameters: Numeric, ranks: Numeric) -> Numeric:
    """Return bytes of weights, gradients and optimizer state of some parameters on one device."""
    trained = 0.0 if job.frozen else 1.0
    return training_state_bytes(
        parameters,
        job.weight_bytes,
        trained * job.recipe.gradient_bytes,
        trained * job.optimizer_bytes,
        np.where(layouts.sharding >= 3.0, ranks, 1.0),
        np.where(layouts.sharding >= 2.0, ranks, 1.0),
        np.where(layouts.sharding >= 1.0, ranks, 1.0),
    )
