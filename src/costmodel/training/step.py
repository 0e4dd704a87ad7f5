"""Time of one layer, of the output and of a hand-over within an optimizer step, for many layouts at once.

Every function takes arrays of layouts. Matrix products are those of :mod:`costmodel.compute`, forward and as
gradients; attention, traffic outside products and communication are added; communication is hidden only where
independent work runs at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from costmodel.compute import compute_time, mean_attended_tokens, point_to_point_time
from costmodel.compute.groups import Group, Routed
from costmodel.compute.layer import Product, blocks
from costmodel.compute.machine import PARTS, Machine
from costmodel.compute.mixers import LatentAttention
from costmodel.foundation.arrays import Numeric, ordered_sum
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import Layouts
from costmodel.training.parallelism import exposed_time
from costmodel.training.recipe import Recipe

__all__ = [
    "RESULT_BYTES",
    "LayerTime",
    "head_time",
    "hop_time",
    "inner_width",
    "layer_time",
    "product_inputs",
    "unfolded_elements",
]

BACKWARD_OVER_FORWARD = 2.0
"""Traffic of the backward pass over that of the forward pass [1]: values are read again, with their gradients."""
ATTENTION_BACKWARD_OVER_FORWARD = 2.5
"""FLOP of fused attention's backward pass over its forward pass [1]: five products instead of two, as scores are
recomputed. Dao (2023), FlashAttention-2, arXiv 2307.08691, section 4.1."""
SCORE_BYTES_FORWARD = 13.0
"""Bytes moved per score where attention is not fused [byte]: the product writes 2, softmax reads and writes 2, dropout
reads 2 and writes 2 and a mask of 1, the product with values reads 2."""
SCORE_BYTES_BACKWARD = 19.0
"""The same in the backward pass [byte]: probabilities and their gradient (2 and 2), dropout (5), softmax (6), and two
products that read the gradient of the scores (4)."""
NORM_AND_RESIDUAL_ACCESSES = 5.0
"""Elements read and written per token and width by a norm and a residual addition [1]: 1 + 1 and 2 + 1."""
ROUTING_ACCESSES = 4.0
"""Elements read and written per routed copy of a token when tokens are sorted to experts and back [1]."""
RESULT_BYTES = 2.0
"""Bytes per element of a product's result and of tensors outside products: half precision [byte]."""
LOW_PRECISION_COPIES = 2.0
"""Copies that casting to 8 or 4 bits writes [1]: one for each of the two products that an operand enters."""


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Time of one microbatch through one layer on one device, shape ``(layout,)`` each [s].

    Parameters
    ----------
    matmul, attention, memory
        Work of the forward pass: matrix products, attention scores and values, operations that only move memory.
    matmul_backward, attention_backward, memory_backward
        The same of the backward pass.
    unfold
        Part of the forward products that unfolds latent attention's queries, keys and values: work that the
        backward pass repeats instead of keeping its results.
    host
        Time in which the host prepares the forward pass's kernels; a pass takes the longer of host and work. The
        backward pass has twice the kernels.
    tensor, context, expert
        Exposed communication of the forward pass.
    tensor_backward, context_backward, expert_backward
        Exposed communication of the backward pass.
    """

    matmul: Numeric
    attention: Numeric
    memory: Numeric
    matmul_backward: Numeric
    attention_backward: Numeric
    memory_backward: Numeric
    unfold: Numeric
    host: Numeric
    tensor: Numeric
    context: Numeric
    expert: Numeric
    tensor_backward: Numeric
    context_backward: Numeric
    expert_backward: Numeric

    @property
    def forward(self) -> Numeric:
        """Forward pass [s]."""
        work = np.maximum(self.matmul + self.attention + self.memory, self.host)
        return work + self.tensor + self.context + self.expert

    @property
    def backward(self) -> Numeric:
        """Backward pass without recomputation [s]."""
        busy = self.matmul_backward + self.attention_backward + self.memory_backward
        work = np.maximum(busy, BACKWARD_OVER_FORWARD * self.host)
        return work + self.tensor_backward + self.context_backward + self.expert_backward


def layer_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> LayerTime:
    """Return the time of one microbatch through one layer, averaged over a model's layers.

    Parameters
    ----------
    job
        The step.
    cluster
        The accelerators.
    layouts
        Candidates.

    Notes
    -----
    Tensor parallelism with sequence parallelism gathers before and scatters after attention and MLP. In the backward
    pass the gather of inputs and the scatter of gradients run beside products that do not need them; the other two
    collectives wait (Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.2). Without sequence parallelism
    all-reductions move as much, and none of them is hidden.
    """
    recipe, machine = job.recipe, as_run(cluster.machine, job.recipe)
    rows = layouts.microbatch * job.sequence / layouts.context
    matmul, matmul_backward = _matmul_time(job, machine, layouts, rows)
    attention, attention_backward = _attention_time(job, machine, layouts, rows)
    memory, memory_backward = _memory_time(job, machine, layouts, rows)
    exchange = _expert_time(job, machine, layouts, rows)
    hides = recipe.overlap_experts
    covering = matmul + attention + memory if hides else 0.0
    covering_backward = matmul_backward + attention_backward + memory_backward if hides else 0.0
    gather = machine.all_gather(job.shape.d_model * rows * RESULT_BYTES, layouts.tensor)
    halves = _halves(job)
    beside = exposed_time(2.0 * halves * gather, matmul_backward) if recipe.overlap_tensor else 0.0
    context = _context_time(job, machine, layouts)
    return LayerTime(
        matmul=matmul,
        attention=attention,
        memory=memory,
        matmul_backward=matmul_backward,
        attention_backward=attention_backward,
        memory_backward=memory_backward,
        unfold=_unfold_time(job, machine, layouts, rows),
        host=_host_time(job, layouts),
        tensor=2.0 * halves * gather,
        context=context,
        expert=exposed_time(exchange, covering),
        tensor_backward=halves * gather + beside if recipe.overlap_tensor else 2.0 * halves * gather,
        context_backward=BACKWARD_OVER_FORWARD * context,
        expert_backward=exposed_time(exchange, covering_backward),
    )


def head_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return forward and backward of the output projection, in 16 bits, and the loss for one microbatch [s]."""
    machine = as_run(cluster.machine, job.recipe)
    rows = layouts.microbatch * job.sequence / layouts.context
    columns = job.shape.vocabulary / layouts.tensor
    forward, backward = _times(job, machine, Product("head", columns, float(job.shape.d_model)), rows)
    return forward + backward + machine.moved(rows * columns * job.recipe.loss_bytes)


def hop_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return the time of handing a microbatch from one pipeline stage to the next [s]."""
    machine = cluster.machine
    rows = layouts.microbatch * job.sequence / layouts.context
    inside = layouts.tensor * layouts.context * layouts.data * 2.0 <= machine.scale_up_domain
    bandwidth = np.where(
        inside,
        machine.scale_up_bandwidth * machine.scale_up_share,
        machine.scale_out_bandwidth * machine.scale_out_share,
    )
    size = rows * job.shape.d_model * RESULT_BYTES / layouts.tensor
    times = [
        point_to_point_time(
            size,
            bandwidth * protocol.bandwidth_share,
            protocol.base_latency + np.where(inside, protocol.scale_up_latency, protocol.scale_out_latency),
        )
        for protocol in machine.protocols
    ]
    return np.where(layouts.pipeline > 1.0, reduce(np.minimum, times), 0.0)


def as_run(machine: Machine, recipe: Recipe) -> Machine:
    """Return a machine with the efficiencies that a recipe's products reach inside a step."""
    rates = {part: machine.rate(part) for part in PARTS}
    changed = {
        part: replace(
            rate,
            share=rate.share * recipe.product_share,
            half_inner=rate.half_inner if recipe.half_inner is None else recipe.half_inner,
            lost_elements=rate.lost_elements if recipe.lost_elements is None else recipe.lost_elements,
        )
        for part, rate in rates.items()
    }
    attention = machine.scores_share if recipe.attention_share is None else recipe.attention_share
    return replace(machine, scores_share=attention, **changed)  # type: ignore[arg-type]


def _halves(job: TrainingJob) -> float:
    """Return how many halves of a layer gather and scatter, averaged over layers: mixer and MLP, or both at once."""
    return _mean(job, lambda group: 1.0 if group.parallel else _sublayers(group))


def _sublayers(group: Group) -> float:
    return float((group.mixer is not None) + (group.feed_forward is not None))


def _mean(job: TrainingJob, figure: Callable[[Group], float]) -> float:
    """Return a figure of a layer, averaged over a model's layers."""
    return sum(group.layers * figure(group) for group in job.shape.groups) / job.shape.layers


def _host_time(job: TrainingJob, layouts: Layouts) -> Numeric:
    """Return the time in which the host prepares the kernels of a forward pass through a layer."""
    recipe = job.recipe
    kernels = recipe.dense_kernels + recipe.routed_kernels * job.shape.moe_layers / job.shape.layers
    return (kernels + _halves(job) * np.where(layouts.tensor > 1.0, 1.0, 0.0)) * recipe.host_time


def _matmul_time(job: TrainingJob, machine: Machine, layouts: Layouts, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of a layer's matrix products, forward and backward.

    With expert parallelism an expert is whole on its device: the group spans tensor-parallel devices too, each of which
    sends its own tokens.
    """
    routed_tokens = np.where(layouts.expert > 1.0, rows * layouts.expert / layouts.tensor, rows)
    forward: list[Numeric] = []
    backward: list[Numeric] = []
    for block in blocks(job.shape, routed_tokens, layouts.tensor, layouts.expert):
        if block.kind == "head":
            continue
        share = block.layers / job.shape.layers
        for product in block.products:
            tokens = product.rows * (routed_tokens if product.part == "experts" else rows)
            there, back = _times(job, machine, product, tokens)
            forward.append(share * there)
            backward.append(share * back)
    return ordered_sum(forward), ordered_sum(backward)


def _unfold_time(job: TrainingJob, machine: Machine, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of the products that unfold latent attention's ranks, averaged over layers."""
    times: list[Numeric] = [np.zeros_like(rows)]
    for group in job.shape.groups:
        if isinstance(group.mixer, LatentAttention):
            share = group.layers / job.shape.layers
            for matrix in group.mixer.matrices(job.shape.d_model):
                if matrix.side == "columns" and matrix.inner != job.shape.d_model:
                    product = Product("attention", matrix.columns / layouts.tensor, float(matrix.inner))
                    times.append(share * _times(job, machine, product, rows)[0])
    return ordered_sum(times)


def unfolded_elements(job: TrainingJob) -> float:
    """Return the elements per token of latent attention's unfolded queries, keys and values in a layer [1]."""

    def of_group(group: Group) -> float:
        mixer = group.mixer
        return mixer.heads * (2.0 * mixer.query_dim + mixer.value_dim) if isinstance(mixer, LatentAttention) else 0.0

    return _mean(job, of_group)


def _times(job: TrainingJob, machine: Machine, product: Product, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of a product and of its gradients: the input's sums over columns, the weights' over rows.

    The weights' gradient is added to that of other microbatches, which reads and writes more than a result does.
    """
    part, columns, inner, groups = product.part, product.columns, product.inner, product.groups
    operand = machine.rate(part).operand_bytes
    forward = machine.product(part, rows, columns, inner, operand, groups)
    by_input = machine.product(part, rows, inner, columns, operand, groups)
    if job.frozen:
        return forward, by_input
    by_weight = machine.product(part, inner, columns, rows, operand, groups)
    added = machine.moved(groups * columns * inner * (2.0 * job.recipe.gradient_bytes - RESULT_BYTES))
    return forward, by_input + by_weight + added


def _attention_time(job: TrainingJob, machine: Machine, layouts: Layouts, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of scores and weighted values, forward and backward: in a fused kernel, or score by score."""
    sequence = float(job.sequence)
    share = machine.scores_share * sequence / (sequence + machine.half_sequence)
    if not job.recipe.fused_attention:
        widths = _mean(job, lambda group: float(group.mixer.score_width) if group.mixer is not None else 0.0)
        heads = _mean(job, lambda group: float(group.mixer.heads) if group.mixer is not None else 0.0)
        products = compute_time(rows * 2.0 * widths / layouts.tensor * sequence, machine.scores_peak, share)
        scores = rows * sequence * heads / layouts.tensor
        forward, backward = (machine.moved(scores * size) for size in (SCORE_BYTES_FORWARD, SCORE_BYTES_BACKWARD))
        return products + forward, 2.0 * products + backward
    work = _mean(job, lambda group: _mixing_work(group, sequence))
    fused = compute_time(rows * 2.0 * work / layouts.tensor, machine.scores_peak, share)
    return fused + machine.kernel_time, ATTENTION_BACKWARD_OVER_FORWARD * fused + machine.kernel_time


def _mixing_work(group: Group, sequence: float) -> float:
    """Return the multiply-adds per token of a layer's mixer outside products: scores and values, or a state."""
    mixer = group.mixer
    if mixer is None:
        return 0.0
    reach = min(mixer.reach, sequence)
    attended = float(mean_attended_tokens(sequence, reach, 0.0)) if mixer.score_width else 0.0
    return mixer.score_width * attended + mixer.state_work


def _memory_time(job: TrainingJob, machine: Machine, layouts: Layouts, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of operations that only move memory, forward and backward.

    These are norms, residuals, activation functions, positions, routing, and casts where products take 8 or 4 bits.
    """
    recipe, width = job.recipe, float(job.shape.d_model)
    share = layouts.tensor if recipe.sequence_parallel else 1.0
    outside = recipe.memory_factor * NORM_AND_RESIDUAL_ACCESSES * _mean(job, _sublayers) * width
    inside = _mean(job, lambda group: _elements(group, recipe, width))
    plain = rows * (outside / share + inside / layouts.tensor) * RESULT_BYTES
    operand = machine.dense.operand_bytes
    cast = RESULT_BYTES + LOW_PRECISION_COPIES * operand if operand < RESULT_BYTES else 0.0
    into, out_of = product_inputs(job), _product_gradients(job)
    forward = machine.moved(plain + rows * into * cast / layouts.tensor)
    backward = machine.moved(BACKWARD_OVER_FORWARD * plain + rows * out_of * cast / layouts.tensor)
    return forward, backward


def _elements(group: Group, recipe: Recipe, width: float) -> float:
    """Return the elements per token that a layer moves inside its halves, times the recipe's surplus traffic."""
    mixer, block = group.mixer, group.feed_forward
    positions = 0.0 if mixer is None else 2.0 * (mixer.heads + mixer.kv_heads) * mixer.query_dim
    found = recipe.memory_factor * positions
    if block is None:
        return found
    between = block.mlp_matrices * float(block.active_width)
    if not isinstance(block, Routed):
        return found + recipe.memory_factor * between
    factor = recipe.biased_factor if block.bias else recipe.routed_factor
    return found + factor * (between + ROUTING_ACCESSES * block.top_k * (block.width or width))


def inner_width(job: TrainingJob) -> float:
    """Return the inner width of the MLPs that a token passes in a layer, averaged over layers [1]."""
    return _mean(job, lambda group: 0.0 if group.feed_forward is None else float(group.feed_forward.active_width))


def product_inputs(job: TrainingJob) -> float:
    """Return the elements per token that enter a layer's products in the forward pass [1]."""
    width = float(job.shape.d_model)
    entering = _mean(job, lambda group: width * (group.mixer is not None) + _values(group))
    return entering + width * _mean(job, _copies) + inner_width(job)


def _product_gradients(job: TrainingJob) -> float:
    """Return the elements per token of gradients that enter a layer's products in the backward pass [1]."""
    width = float(job.shape.d_model)

    def of_group(group: Group) -> float:
        mixer, block = group.mixer, group.feed_forward
        found = width * _copies(group)
        if block is not None:
            found += (block.mlp_matrices - 1.0) * block.active_width
        if mixer is not None:
            keys = mixer.heads if mixer.kind == "latent" else mixer.kv_heads
            found += width + mixer.heads * mixer.query_dim + keys * (mixer.query_dim + mixer.head_value_dim)
        return found

    return _mean(job, of_group)


def _values(group: Group) -> float:
    """Return the elements of a token that leave a layer's mixer for its projection out [1]."""
    return 0.0 if group.mixer is None else float(group.mixer.heads * group.mixer.head_value_dim)


def _copies(group: Group) -> float:
    """Return how often a token enters an MLP in a layer [1]."""
    block = group.feed_forward
    return float(block.top_k + block.shared_experts) if isinstance(block, Routed) else float(block is not None)


def _context_time(job: TrainingJob, machine: Machine, layouts: Layouts) -> Numeric:
    """Return the time of gathering keys and values over the parts of a sequence, averaged over layers."""
    times: list[Numeric] = [0.0 * layouts.context]
    for group in job.shape.groups:
        mixer = group.mixer
        if mixer is not None and mixer.cached_elements:
            split = np.minimum(layouts.tensor, float(mixer.cache_shards))
            size = layouts.microbatch * job.sequence * mixer.cached_elements * RESULT_BYTES / split
            times.append(group.layers / job.shape.layers * machine.all_gather(size, layouts.context, layouts.tensor))
    return ordered_sum(times)


def _expert_time(job: TrainingJob, machine: Machine, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of sending tokens to their experts and back, averaged over layers."""
    recipe = job.recipe
    times: list[Numeric] = [np.zeros_like(rows)]
    tokens = rows / layouts.tensor
    for group in job.shape.groups:
        block = group.feed_forward
        if isinstance(block, Routed):
            width = float(block.width or job.shape.d_model)
            for size in (recipe.dispatch_bytes * width, RESULT_BYTES * width):
                if recipe.dispatch_once:
                    most = np.inf if job.routed_domains is None else float(job.routed_domains)
                    sent = machine.expert_exchange(tokens, size, float(block.top_k), layouts.expert, most)
                else:
                    sent = machine.all_to_all(tokens * block.top_k * size, layouts.expert)
                times.append(group.layers / job.shape.layers * sent)
    return ordered_sum(times)
