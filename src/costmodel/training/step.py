"""Time and memory of an optimizer step for many layouts at once.

Every function takes arrays of layouts. Matrix products run at a roofline whose share of peak grows with their size;
what is not a matrix product moves memory; collectives run over scale-up links inside a domain and over the network
between domains; communication is hidden only where independent work runs beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from costmodel.compute import (
    all_gather_time,
    all_to_all_time,
    attention_flop_per_token,
    compute_time,
    local_ranks,
    matmul_flop,
    mean_attended_tokens,
    memory_time,
    point_to_point_time,
    saturating_share,
)
from costmodel.compute import step_time as roofline_time
from costmodel.foundation.arrays import Numeric, ordered_sum
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import Layouts
from costmodel.training.parallelism import exposed_time

__all__ = ["LayerTime", "gather_time", "head_time", "hop_time", "inner_width", "layer_time", "product_inputs"]

BACKWARD_OVER_FORWARD = 2.0
"""Traffic of the backward pass over that of the forward pass [1]: what was written is read, with its gradient."""
ATTENTION_BACKWARD_OVER_FORWARD = 2.5
"""FLOP of fused attention's backward pass over its forward pass [1]: five products instead of two, as scores are
recomputed. Dao (2023), FlashAttention-2, arXiv 2307.08691, section 4.1."""
SCORE_BYTES_FORWARD = 13.0
"""Bytes moved per score where attention is not fused [byte]: the product writes 2, softmax reads and writes 2, dropout
reads 2 and writes 2 and a mask of 1, the product with values reads 2."""
SCORE_BYTES_BACKWARD = 19.0
"""The same in the backward pass [byte]: probabilities and their gradient (2 and 2), dropout (5), softmax (6), and two
products that read the gradient of the scores (4)."""
NORM_AND_RESIDUAL_ACCESSES = 10.0
"""Elements read and written per token and width in two norms and two residual additions [1]: (1+1)·2 + (2+1)·2."""
ROUTING_ACCESSES = 4.0
"""Elements read and written per routed copy of a token when tokens are sorted to experts and back [1]."""
RESULT_BYTES = 2.0
"""Bytes of a result that leaves a product, and of what is not a product: half precision [byte]."""
LOW_PRECISION_COPIES = 2.0
"""Copies that casting to 8 or 4 bits writes [1]: one for each of the two products that an operand enters."""


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Time of one microbatch through one layer on one device, shape ``(layout,)`` each [s].

    Parameters
    ----------
    matmul, attention, memory
        Work of the forward pass: matrix products, attention scores and values, everything that moves memory only.
    matmul_backward, attention_backward, memory_backward
        The same of the backward pass.
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


@dataclass(frozen=True, slots=True)
class _Product:
    """A matrix product of a layer's forward pass on one device: its sizes, and the share of layers that have it."""

    rows: Numeric
    columns: Numeric
    inner: Numeric
    count: Numeric = 1.0
    layers: float = 1.0
    wide: bool = False


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
    recipe = job.recipe
    rows = layouts.microbatch * job.sequence / layouts.context
    products = _products(job, layouts, rows)
    matmul = ordered_sum(item.layers * _product_time(job, cluster, item) for item in products)
    by_input = ordered_sum(item.layers * _input_gradient_time(job, cluster, item) for item in products)
    by_weight = ordered_sum(item.layers * _weight_gradient_time(job, cluster, item) for item in products)
    matmul_backward = by_input if job.frozen else by_input + by_weight
    gather = gather_time(cluster, job.shape.d_model * rows * RESULT_BYTES, layouts.tensor, 1.0)
    blocks = 1.0 if job.shape.parallel_blocks else 2.0
    collectives = 2.0 * blocks * gather
    beside = exposed_time(collectives, matmul_backward) if recipe.overlap_tensor else 0.0
    attention, attention_backward = _attention_time(job, cluster, layouts, rows)
    memory, memory_backward = _memory_time(job, cluster, layouts, rows)
    exchange = _expert_time(job, cluster, layouts, rows)
    covering = matmul + attention + memory if recipe.overlap_experts else 0.0
    covering_backward = matmul_backward + attention_backward + memory_backward if recipe.overlap_experts else 0.0
    context = _context_time(job, cluster, layouts)
    return LayerTime(
        matmul=matmul,
        attention=attention,
        memory=memory,
        matmul_backward=matmul_backward,
        attention_backward=attention_backward,
        memory_backward=memory_backward,
        host=_host_time(job, layouts),
        tensor=collectives,
        context=context,
        expert=exposed_time(exchange, covering),
        tensor_backward=blocks * gather + beside if recipe.overlap_tensor else collectives,
        context_backward=BACKWARD_OVER_FORWARD * context,
        expert_backward=exposed_time(exchange, covering_backward),
    )


def head_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return forward and backward of the output projection, in 16 bits, and the loss for one microbatch [s]."""
    rows = layouts.microbatch * job.sequence / layouts.context
    columns = job.shape.vocabulary / layouts.tensor
    product = _Product(rows, columns, float(job.shape.d_model), wide=True)
    times = [_product_time(job, cluster, product), _input_gradient_time(job, cluster, product)]
    if not job.frozen:
        times.append(_weight_gradient_time(job, cluster, product))
    moved = rows * columns * job.recipe.loss_bytes
    loss = memory_time(moved, cluster.bandwidth, cluster.efficiencies.memory_share)
    return ordered_sum(times) + loss


def _host_time(job: TrainingJob, layouts: Layouts) -> Numeric:
    """Return the time in which the host prepares the kernels of a forward pass through a layer."""
    recipe, blocks = job.recipe, 1.0 if job.shape.parallel_blocks else 2.0
    kernels = recipe.dense_kernels + recipe.routed_kernels * job.shape.moe_layers / job.shape.layers
    return (kernels + blocks * np.where(layouts.tensor > 1.0, 1.0, 0.0)) * recipe.host_time


def gather_time(cluster: Cluster, size: Numeric, ranks: Numeric, stride: Numeric) -> Numeric:
    """Return the time of an all-gather, or of a reduce-scatter, of a buffer over neighbours of a given stride [s]."""
    local = local_ranks(ranks, stride, cluster.scale_up_domain)
    return _fastest(all_gather_time, cluster, size, ranks, local)


def _fastest(
    collective: Callable[..., Numeric], cluster: Cluster, size: Numeric, ranks: Numeric, local: Numeric
) -> Numeric:
    """Return the time of a collective under the fastest protocol, as a collective library chooses."""
    reached = cluster.efficiencies
    times = [
        collective(
            size,
            ranks,
            local,
            cluster.scale_up_bandwidth * reached.scale_up_share * protocol.bandwidth_share,
            cluster.scale_out_bandwidth * reached.scale_out_share * protocol.bandwidth_share,
            protocol.scale_up_latency,
            protocol.scale_out_latency,
            protocol.base_latency,
        )
        for protocol in reached.protocols
    ]
    return reduce(np.minimum, times)


def hop_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return the time of handing a microbatch from one pipeline stage to the next [s]."""
    reached = cluster.efficiencies
    rows = layouts.microbatch * job.sequence / layouts.context
    stride = layouts.tensor * layouts.context * layouts.data
    inside = stride * 2.0 <= cluster.scale_up_domain
    bandwidth = np.where(
        inside,
        cluster.scale_up_bandwidth * reached.scale_up_share,
        cluster.scale_out_bandwidth * reached.scale_out_share,
    )
    size = rows * job.shape.d_model * RESULT_BYTES / layouts.tensor
    times = [
        point_to_point_time(
            size,
            bandwidth * protocol.bandwidth_share,
            protocol.base_latency + np.where(inside, protocol.scale_up_latency, protocol.scale_out_latency),
        )
        for protocol in reached.protocols
    ]
    return np.where(layouts.pipeline > 1.0, reduce(np.minimum, times), 0.0)


def _product_time(job: TrainingJob, cluster: Cluster, item: _Product) -> Numeric:
    """Return the time of a matrix product, or of a group of equal ones launched together."""
    operands = RESULT_BYTES if item.wide else job.operand_bytes
    return _sized_product_time(job, cluster, item, (item.rows, item.columns, item.inner), operands, RESULT_BYTES)


def _input_gradient_time(job: TrainingJob, cluster: Cluster, item: _Product) -> Numeric:
    """Return the time of the product that gives the gradient by a product's input: it sums over the columns."""
    operands = RESULT_BYTES if item.wide else job.operand_bytes
    return _sized_product_time(job, cluster, item, (item.rows, item.inner, item.columns), operands, RESULT_BYTES)


def _weight_gradient_time(job: TrainingJob, cluster: Cluster, item: _Product) -> Numeric:
    """Return the time of the product that adds the gradient by a product's weights: it sums over the rows."""
    operands = RESULT_BYTES if item.wide else job.operand_bytes
    added = 2.0 * job.recipe.gradient_bytes  # read and written
    return _sized_product_time(job, cluster, item, (item.inner, item.columns, item.rows), operands, added)


def _sized_product_time(
    job: TrainingJob,
    cluster: Cluster,
    item: _Product,
    sizes: tuple[Numeric, Numeric, Numeric],
    operand_bytes: float,
    result_bytes: float,
) -> Numeric:
    """Return the time of a group of equal products of given rows, columns and inner dimension."""
    rows, columns, inner = sizes
    reached, recipe = cluster.efficiencies, job.recipe
    moved = item.count * (inner * (rows + columns) * operand_bytes + rows * columns * result_bytes)
    half = reached.wide_half_inner if item.wide else reached.half_inner
    if recipe.half_inner is not None:
        half = recipe.half_inner
    largest = (reached.wide_share if item.wide else reached.compute_share) * recipe.product_share
    return roofline_time(
        item.count * matmul_flop(rows, columns, inner),
        moved,
        cluster.wide_peak if item.wide else cluster.peak,
        cluster.bandwidth,
        saturating_share(inner, saturating_share(item.count * rows * columns, largest, recipe.half_area), half),
        reached.memory_share,
        reached.kernel_launch,
    )


def _products(job: TrainingJob, layouts: Layouts, rows: Numeric) -> list[_Product]:
    """Return the matrix products of a layer's forward pass on one device.

    Experts are whole on a device: their group spans tensor-parallel devices too, each of which sends its own tokens.
    """
    shape, tensor = job.shape, layouts.tensor
    products = _projections(job, rows, tensor)
    dense, routed = shape.plain_layers / shape.layers, shape.moe_layers / shape.layers
    if shape.d_ff and dense:
        products += _mlp(job, rows, shape.d_ff / tensor, 1.0, dense)
    if routed:
        local = shape.experts / layouts.expert
        share = rows / tensor * shape.top_k / local
        products += _mlp(job, share, float(shape.d_ff_expert), local, routed)
        products.append(_Product(rows / tensor, float(shape.experts), float(shape.d_model), 1.0, routed, wide=True))
        if shape.shared_experts:
            products += _mlp(job, rows, shape.shared_experts * shape.d_ff_expert / tensor, 1.0, routed)
    return products


def _projections(job: TrainingJob, rows: Numeric, tensor: Numeric) -> list[_Product]:
    """Return attention's projections on one device."""
    shape = job.shape
    heads, width = shape.heads / tensor, float(shape.d_model)
    if not shape.latent:
        key_heads = np.maximum(shape.kv_heads / tensor, 1.0)
        return [
            _Product(rows, shape.head_dim * (heads + 2.0 * key_heads), width),
            _Product(rows, width, heads * shape.head_dim),
        ]
    projections = [
        _Product(rows, heads * shape.query_dim, float(shape.q_rank or shape.d_model)),
        _Product(rows, float(shape.kv_rank + shape.rope_dim), width),
        _Product(rows, heads * (shape.nope_dim + shape.value_dim), float(shape.kv_rank)),
        _Product(rows, width, heads * shape.value_dim),
    ]
    return [*projections, _Product(rows, float(shape.q_rank), width)] if shape.q_rank else projections


def _mlp(job: TrainingJob, rows: Numeric, inner: Numeric, count: Numeric, layers: float) -> list[_Product]:
    """Return an MLP's two products, gate and up taken as one."""
    width = float(job.shape.d_model)
    up = _Product(rows, (job.shape.mlp_matrices - 1.0) * inner, width, count, layers)
    return [up, _Product(rows, width, inner, count, layers)]


def _attention_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of scores and weighted values, forward and backward: in a fused kernel, or score by score."""
    shape, reached = job.shape, cluster.efficiencies
    heads = shape.heads / layouts.tensor
    if not job.recipe.fused_attention:
        return _unfused_attention_time(job, cluster, rows, heads)
    full = mean_attended_tokens(float(job.sequence), np.inf, 0.0)
    near = mean_attended_tokens(float(job.sequence), float(shape.window or job.sequence), 0.0)
    attended = (shape.full_layers * full + shape.windowed_layers * near) / shape.layers
    per_token = attention_flop_per_token(heads, shape.query_dim, shape.head_value_dim, attended)
    forward = compute_time(rows * per_token, cluster.wide_peak, reached.attention_share)
    return forward + reached.kernel_launch, ATTENTION_BACKWARD_OVER_FORWARD * forward + reached.kernel_launch


def _unfused_attention_time(
    job: TrainingJob, cluster: Cluster, rows: Numeric, heads: Numeric
) -> tuple[Numeric, Numeric]:
    """Return forward and backward of attention that computes, writes and reads every score, masked ones too."""
    shape, reached = job.shape, cluster.efficiencies
    scores = rows * job.sequence * heads
    per_token = attention_flop_per_token(heads, shape.query_dim, shape.head_value_dim, float(job.sequence))
    products = compute_time(rows * per_token, cluster.wide_peak, reached.attention_share)
    moved = [
        memory_time(scores * size, cluster.bandwidth, reached.memory_share)
        for size in (SCORE_BYTES_FORWARD, SCORE_BYTES_BACKWARD)
    ]
    return products + moved[0], 2.0 * products + moved[1]


def _memory_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of what only moves memory, forward and backward.

    These are norms, residuals, activation functions, positions, routing, and casts where products take 8 or 4 bits.
    """
    shape, recipe = job.shape, job.recipe
    dense, routed = shape.plain_layers / shape.layers, shape.moe_layers / shape.layers
    outside = NORM_AND_RESIDUAL_ACCESSES * shape.d_model
    heads = 2.0 * (shape.heads + shape.kv_heads) * shape.query_dim
    inside = heads + shape.mlp_matrices * dense * shape.d_ff
    active = (shape.top_k + shape.shared_experts) * shape.d_ff_expert
    experts = routed * (ROUTING_ACCESSES * shape.top_k * shape.d_model + shape.mlp_matrices * active)
    share = layouts.tensor if recipe.sequence_parallel else 1.0
    common = recipe.memory_factor * (outside / share + inside / layouts.tensor)
    factor = recipe.biased_factor if shape.mlp_bias else recipe.routed_factor
    plain = rows * (common + factor * experts / layouts.tensor) * RESULT_BYTES
    cast = RESULT_BYTES + LOW_PRECISION_COPIES * job.operand_bytes if job.operand_bytes < RESULT_BYTES else 0.0
    sizes = (
        plain + rows * product_inputs(job) * cast / layouts.tensor,
        BACKWARD_OVER_FORWARD * plain + rows * _product_gradients(job) * cast / layouts.tensor,
    )
    forward, backward = (memory_time(size, cluster.bandwidth, cluster.efficiencies.memory_share) for size in sizes)
    return forward, backward


def inner_width(job: TrainingJob) -> float:
    """Return the inner width of the MLPs that a token passes in a layer, averaged over layers."""
    shape = job.shape
    active = (shape.top_k + shape.shared_experts) * shape.d_ff_expert
    return float((shape.plain_layers * shape.d_ff + shape.moe_layers * active) / shape.layers)


def product_inputs(job: TrainingJob) -> float:
    """Return the elements per token that enter a layer's products in the forward pass [1]."""
    shape = job.shape
    return float((1.0 + _copies(job)) * shape.d_model + shape.heads * shape.head_value_dim + inner_width(job))


def _product_gradients(job: TrainingJob) -> float:
    """Return the elements per token of gradients that enter a layer's products in the backward pass [1]."""
    shape = job.shape
    keys = (shape.heads if shape.latent else shape.kv_heads) * (shape.query_dim + shape.head_value_dim)
    outputs = shape.heads * shape.query_dim + keys + (1.0 + _copies(job)) * shape.d_model
    return float(outputs + (shape.mlp_matrices - 1.0) * inner_width(job))


def _copies(job: TrainingJob) -> float:
    """Return how often a token enters an MLP in a layer, averaged over layers [1]."""
    shape = job.shape
    return float((shape.plain_layers + shape.moe_layers * (shape.top_k + shape.shared_experts)) / shape.layers)


def _context_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return the time of gathering keys and values over the parts of a sequence."""
    shape = job.shape
    per_token = shape.kv_rank + shape.rope_dim if shape.latent else 2.0 * shape.kv_heads * shape.head_dim
    split = np.where(shape.latent, 1.0, np.minimum(layouts.tensor, max(shape.kv_heads, 1)))
    size = layouts.microbatch * job.sequence * per_token * RESULT_BYTES / split
    return gather_time(cluster, size, layouts.context, layouts.tensor)


def _expert_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of sending tokens to their experts and back, averaged over layers.

    Copies for experts of one domain travel between domains once where routing is limited to some domains, which is as
    if the network were faster by the copies saved.
    """
    shape = job.shape
    if not shape.experts:
        return np.zeros_like(rows)
    copies = rows * shape.top_k * shape.d_model / layouts.tensor
    saved = shape.top_k / min(job.routed_domains or shape.top_k, shape.top_k)
    links = replace(cluster, scale_out_bandwidth=cluster.scale_out_bandwidth * saved)
    local = local_ranks(layouts.expert, 1.0, cluster.scale_up_domain)
    sizes = (copies * job.recipe.dispatch_bytes, copies * RESULT_BYTES)
    both = ordered_sum(_fastest(all_to_all_time, links, size, layouts.expert, local) for size in sizes)
    return both * shape.moe_layers / shape.layers
