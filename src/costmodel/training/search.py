"""The best layout of a run on a cluster: step time, utilisation and memory of every candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from costmodel.compute import activation_bytes, count_parameters, training_state_bytes
from costmodel.foundation.arrays import FloatArray, Numeric, readonly
from costmodel.foundation.design import RandomSource
from costmodel.foundation.errors import DomainError
from costmodel.training.cluster import RESERVED_MEMORY_SHARE, Cluster, Efficiencies, TrainingJob
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
    gather_time,
    head_time,
    hop_time,
    inner_width,
    layer_time,
    product_inputs,
)

__all__ = ["LayoutSearch", "evaluate_layouts", "sampled_utilisation", "search_layouts"]

LOGIT_BYTES = 6.0
"""Bytes kept per logit between forward and backward of the loss [byte]: half and single precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutSearch:
    """Time, memory and utilisation of candidate layouts, shape ``(layout,)`` each, fastest feasible one first.

    Parameters
    ----------
    job, cluster
        What was asked.
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
        return self.memory <= self.cluster.memory * (1.0 - RESERVED_MEMORY_SHARE)

    @property
    def best(self) -> dict[str, int]:
        """The fastest feasible layout."""
        return self.layouts.row(0)

    @property
    def best_utilisation(self) -> float:
        """Utilisation (MFU) of the fastest feasible layout [1]."""
        return float(self.utilisation[0])

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
        room = cluster.memory * (1.0 - RESERVED_MEMORY_SHARE) / 1e9
        raise DomainError(
            f"none of {len(found.layouts)} layouts of {job.shape.name!r} on {cluster.accelerators} accelerators fits: "
            f"the least takes {least:.1f} GB of {room:.1f} GB"
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
    layer = layer_time(job, cluster, layouts)
    again = np.where(layouts.recompute >= 2.0, layer.forward, np.where(layouts.recompute >= 1.0, layer.memory, 0.0))
    forward, backward = layer.forward, layer.backward + again
    microbatches = microbatches_per_step(job.batch, layouts.data, layouts.microbatch)
    layers, stages, interleave = job.shape.layers, layouts.pipeline, layouts.interleave
    each, head = forward + backward, head_time(job, cluster, layouts)
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
        "memory": _memory(job, layouts, microbatches),
    }
    full = {name: readonly(np.broadcast_to(part, len(layouts))) for name, part in parts.items()}
    return LayoutSearch(job=job, cluster=cluster, layouts=layouts, **full)


def sampled_utilisation(
    job: TrainingJob,
    cluster: Cluster,
    layout: Layouts,
    accelerator: str,
    precision: str = "bf16",
    draws: int = 200,
    rng: RandomSource = None,
) -> FloatArray:
    """Return utilisations (MFU) of one layout under the recorded ranges of kernels and links, and the recipe's spread.

    Parameters
    ----------
    job
        The step.
    cluster
        The accelerators; its own efficiencies are replaced by draws.
    layout
        One layout, such as ``search.layouts.take([0])``.
    accelerator
        Name in the catalog whose ranges are drawn.
    precision
        Of the matrix products.
    draws
        How many, at least 1.
    rng
        Seed, generator or nothing.

    Returns
    -------
    FloatArray
        Utilisations, shape ``(draw,)`` [1].

    Raises
    ------
    DomainError
        If there is not exactly one layout, or no draw.
    CatalogError
        If a figure or its range is not recorded.

    Examples
    --------
    >>> from costmodel.compute import shape
    >>> cluster = Cluster.recorded("H100-SXM", 64, scale_out_bandwidth=50e9)
    >>> job = TrainingJob(shape=shape("Llama-3-8B"), sequence=8192, batch=512)
    >>> best = search_layouts(job, cluster)
    >>> drawn = sampled_utilisation(job, cluster, best.layouts.take([0]), "H100-SXM", draws=50, rng=0)
    >>> bool(drawn.min() < best.best_utilisation < drawn.max())
    True
    """
    if len(layout) != 1 or draws < 1:
        raise DomainError(f"one layout and at least one draw are needed; given {len(layout)} and {draws}")
    generator = np.random.default_rng(rng)
    found = [
        evaluate_layouts(job, replace(cluster, efficiencies=reached), layout).best_utilisation
        for reached in Efficiencies.drawn(accelerator, precision, draws, generator)
    ]
    return readonly(np.minimum(found * np.exp(job.recipe.spread * generator.standard_normal(draws)), 1.0))


def _device_parameters(job: TrainingJob, layouts: Layouts) -> tuple[Numeric, Numeric]:
    """Return parameters on the fullest device: those of all data-parallel devices, and routed experts."""
    counts = count_parameters(job.shape)
    layers = counts.attention + counts.dense_mlp + counts.shared_experts + counts.router + counts.vectors
    stage = stage_layers(job.shape.layers, layouts.pipeline, layouts.interleave) / job.shape.layers
    table = max(counts.input_embedding, counts.output_embedding) / layouts.tensor
    tables = np.where(layouts.pipeline > 1.0, table, counts.embeddings / layouts.tensor)
    return layers * stage / layouts.tensor + tables, counts.routed_experts * stage / layouts.expert


def _data_parallel(
    job: TrainingJob,
    cluster: Cluster,
    layouts: Layouts,
    stage_forward: Numeric,
    stage_backward: Numeric,
    microbatches: Numeric,
) -> tuple[Numeric, Numeric]:
    """Return exposed time of gradient and weight collectives, and time of the update.

    Gradients are reduced beside the backward pass and weights gathered beside the forward pass: of one microbatch
    where only optimizer state is split, of every microbatch where gradients or weights are. The last layer's share
    has nothing to hide behind.
    """
    recipe = job.recipe
    common, experts = _device_parameters(job, layouts)
    ranks, stride = layouts.data * layouts.context, layouts.tensor
    expert_ranks = ranks * layouts.tensor / layouts.expert

    def collected(size: float) -> Numeric:
        whole = gather_time(cluster, common * size, ranks, stride)
        return whole + gather_time(cluster, experts * size, expert_ranks, layouts.expert)

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
    traffic = recipe.optimizer_traffic
    return exposed, optimizer_time(updated, traffic, cluster.bandwidth, cluster.efficiencies.memory_share)


def _memory(job: TrainingJob, layouts: Layouts, microbatches: Numeric) -> Numeric:
    """Return the bytes on the fullest device: state, activations in flight, and logits where they are larger."""
    common, experts = _device_parameters(job, layouts)
    ranks = layouts.data * layouts.context
    state = _state_bytes(job, layouts, common, ranks)
    state = state + _state_bytes(job, layouts, experts, ranks * layouts.tensor / layouts.expert)
    tokens = layouts.microbatch * job.sequence / layouts.context
    kept = activation_bytes(job.shape, tokens, job.sequence, layouts.tensor, "selective") - _narrow_bytes(job, layouts)
    inputs = activation_bytes(job.shape, tokens, job.sequence, layouts.tensor, "full")
    lean = kept - _cheap_bytes(job, tokens, layouts.tensor)
    per_layer = np.where(layouts.recompute >= 2.0, inputs, np.where(layouts.recompute >= 1.0, lean, kept))
    on_stage = stage_layers(job.shape.layers, layouts.pipeline, layouts.interleave)
    in_flight = pipeline_layers_in_flight(on_stage, layouts.pipeline, microbatches, layouts.interleave)
    logits = tokens * job.shape.vocabulary / layouts.tensor * LOGIT_BYTES
    first = in_flight * per_layer + np.where(layouts.pipeline > 1.0, 0.0, logits)
    last = on_stage * per_layer + logits
    working = np.where(layouts.recompute >= 1.0, kept - per_layer, 0.0)
    return state + np.maximum(first, last) + working


def _cheap_bytes(job: TrainingJob, tokens: Numeric, tensor: Numeric) -> Numeric:
    """Return the bytes of a layer that norms and activation functions give again: their outputs."""
    return tokens * job.operand_bytes * (2.0 * job.shape.d_model + inner_width(job)) / tensor


def _narrow_bytes(job: TrainingJob, layouts: Layouts) -> Numeric:
    """Return the bytes that a layer keeps less where the inputs of its products are kept in 8 or 4 bits."""
    tokens = layouts.microbatch * job.sequence / layouts.context
    return tokens * (RESULT_BYTES - job.operand_bytes) * product_inputs(job) / layouts.tensor


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
