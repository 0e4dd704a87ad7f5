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
    matmul_bytes,
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

__all__ = ["LayerTime", "gather_time", "head_time", "layer_time"]

BACKWARD_OVER_FORWARD = 2.0
"""Matrix products and traffic of the backward pass over those of the forward pass [1]: gradients by input and by
weight."""
ATTENTION_BACKWARD_OVER_FORWARD = 2.5
"""FLOP of fused attention's backward pass over its forward pass [1]: five products instead of two, as scores are
recomputed. Dao (2023), FlashAttention-2, arXiv 2307.08691, section 4.1."""
NORM_AND_RESIDUAL_ACCESSES = 10.0
"""Elements read and written per token and width in two norms and two residual additions [1]: (1+1)·2 + (2+1)·2."""
ROUTING_ACCESSES = 4.0
"""Elements read and written per routed copy of a token when tokens are sorted to experts and back [1]."""
RESULT_BYTES = 2.0
"""Bytes of a result that leaves a product: half precision, also where operands have 8 bits [byte]."""
HEAD_BYTES = 12.0
"""Bytes moved per logit in the loss: single precision written, read twice [byte]."""


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Time of one microbatch through one layer on one device, shape ``(layout,)`` each [s].

    Parameters
    ----------
    matmul, attention, memory
        Work of the forward pass: matrix products, attention scores and values, everything that moves memory only.
    tensor, context, expert
        Exposed communication of the forward pass.
    tensor_backward, expert_backward
        Exposed communication of the backward pass, where it differs.
    """

    matmul: Numeric
    attention: Numeric
    memory: Numeric
    tensor: Numeric
    context: Numeric
    expert: Numeric
    tensor_backward: Numeric
    expert_backward: Numeric

    @property
    def forward(self) -> Numeric:
        """Forward pass [s]."""
        return self.matmul + self.attention + self.memory + self.tensor + self.context + self.expert

    @property
    def backward(self) -> Numeric:
        """Backward pass without recomputation [s]."""
        work = BACKWARD_OVER_FORWARD * (self.matmul + self.memory + self.context)
        return work + ATTENTION_BACKWARD_OVER_FORWARD * self.attention + self.tensor_backward + self.expert_backward


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
    collectives wait (Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.2).
    """
    rows = layouts.microbatch * job.sequence / layouts.context
    matmul = _matmul_time(job, cluster, layouts, rows)
    width = job.shape.d_model * rows * job.operand_bytes
    gather = gather_time(cluster, width, layouts.tensor, 1.0)
    blocks = 1.0 if job.shape.parallel_blocks else 2.0
    beside = exposed_time(2.0 * blocks * gather, BACKWARD_OVER_FORWARD * matmul)
    attention = _attention_time(job, cluster, layouts, rows)
    memory = _memory_time(job, cluster, layouts, rows)
    exchange = _expert_time(job, cluster, layouts, rows)
    covering = matmul + attention + memory if job.overlap_experts else 0.0
    return LayerTime(
        matmul=matmul,
        attention=attention,
        memory=memory,
        tensor=2.0 * blocks * gather,
        context=_context_time(job, cluster, layouts),
        expert=exposed_time(exchange, covering),
        tensor_backward=blocks * gather + beside,
        expert_backward=exposed_time(exchange, BACKWARD_OVER_FORWARD * covering),
    )


def head_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return forward and backward of the output projection and the loss for one microbatch [s]."""
    rows = layouts.microbatch * job.sequence / layouts.context
    columns = job.shape.vocabulary / layouts.tensor
    product = _product_time(job, cluster, rows, columns, job.shape.d_model, 1.0)
    logits = memory_time(rows * columns * HEAD_BYTES, cluster.bandwidth, cluster.efficiencies.memory_share)
    return (1.0 + BACKWARD_OVER_FORWARD) * (product + logits)


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
    size = rows * job.shape.d_model * job.operand_bytes / layouts.tensor
    times = [
        point_to_point_time(
            size,
            bandwidth * protocol.bandwidth_share,
            protocol.base_latency + np.where(inside, protocol.scale_up_latency, protocol.scale_out_latency),
        )
        for protocol in reached.protocols
    ]
    return np.where(layouts.pipeline > 1.0, reduce(np.minimum, times), 0.0)


def _product_time(
    job: TrainingJob, cluster: Cluster, rows: Numeric, columns: Numeric, inner: Numeric, count: Numeric
) -> Numeric:
    """Return the time of a matrix product, or of a group of equal ones launched together."""
    reached = cluster.efficiencies
    flop = count * matmul_flop(rows, columns, inner)
    moved = count * matmul_bytes(rows, columns, inner, job.operand_bytes, job.operand_bytes)
    share = saturating_share(inner, reached.compute_share, reached.half_inner)
    return roofline_time(
        flop, moved, cluster.peak, cluster.bandwidth, share, reached.memory_share, reached.kernel_launch
    )


def _matmul_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of a layer's matrix products."""
    shape, tensor = job.shape, layouts.tensor
    products: list[Numeric] = [_product_time(job, cluster, rows, *product) for product in _projections(job, tensor)]
    dense, routed = shape.plain_layers / shape.layers, shape.moe_layers / shape.layers
    if shape.d_ff and dense:
        products.extend(dense * time for time in _mlp(job, cluster, rows, shape.d_ff / tensor, 1.0))
    if routed:
        local = shape.experts / layouts.expert
        share = rows * shape.top_k * layouts.expert / shape.experts
        products.extend(routed * time for time in _mlp(job, cluster, share, shape.d_ff_expert / tensor, local))
        products.append(routed * _product_time(job, cluster, rows, shape.experts, shape.d_model, 1.0))
        if shape.shared_experts:
            width = shape.shared_experts * shape.d_ff_expert / tensor
            products.extend(routed * time for time in _mlp(job, cluster, rows, width, 1.0))
    return ordered_sum(products)


def _projections(job: TrainingJob, tensor: Numeric) -> list[tuple[Numeric, Numeric, Numeric]]:
    """Return columns, inner dimension and count of attention's projections on one device."""
    shape = job.shape
    heads = shape.heads / tensor
    if not shape.latent:
        key_heads = np.maximum(shape.kv_heads / tensor, 1.0)
        return [
            (shape.head_dim * (heads + 2.0 * key_heads), shape.d_model, 1.0),
            (shape.d_model, heads * shape.head_dim, 1.0),
        ]
    query_inner = shape.q_rank or shape.d_model
    projections = [
        (heads * shape.query_dim, query_inner, 1.0),
        (shape.kv_rank + shape.rope_dim, shape.d_model, 1.0),
        (heads * (shape.nope_dim + shape.value_dim), shape.kv_rank, 1.0),
        (shape.d_model, heads * shape.value_dim, 1.0),
    ]
    return [*projections, (shape.q_rank, shape.d_model, 1.0)] if shape.q_rank else projections


def _mlp(job: TrainingJob, cluster: Cluster, rows: Numeric, inner: Numeric, count: Numeric) -> list[Numeric]:
    """Return the times of an MLP's two products, gate and up taken as one."""
    shape = job.shape
    up = _product_time(job, cluster, rows, (shape.mlp_matrices - 1.0) * inner, shape.d_model, count)
    return [up, _product_time(job, cluster, rows, shape.d_model, inner, count)]


def _attention_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of scores and weighted values, forward and causal, in a fused kernel."""
    shape, reached = job.shape, cluster.efficiencies
    full = mean_attended_tokens(float(job.sequence), np.inf, 0.0)
    near = mean_attended_tokens(float(job.sequence), float(shape.window or job.sequence), 0.0)
    attended = (shape.full_layers * full + shape.windowed_layers * near) / shape.layers
    per_token = attention_flop_per_token(shape.heads / layouts.tensor, shape.query_dim, shape.head_value_dim, attended)
    return compute_time(rows * per_token, cluster.peak, reached.attention_share) + reached.kernel_launch


def _memory_time(job: TrainingJob, cluster: Cluster, layouts: Layouts, rows: Numeric) -> Numeric:
    """Return the time of what only moves memory: norms, residuals, activation functions, positions, routing."""
    shape = job.shape
    dense, routed = shape.plain_layers / shape.layers, shape.moe_layers / shape.layers
    active = (shape.top_k + shape.shared_experts) * shape.d_ff_expert
    inner = shape.mlp_matrices * (dense * shape.d_ff + routed * active)
    heads = 2.0 * (shape.heads + shape.kv_heads) * shape.query_dim
    accesses = NORM_AND_RESIDUAL_ACCESSES * shape.d_model + inner + heads
    accesses += routed * ROUTING_ACCESSES * shape.top_k * shape.d_model
    size = rows * accesses * 2.0 / layouts.tensor
    return memory_time(size, cluster.bandwidth, cluster.efficiencies.memory_share)


def _context_time(job: TrainingJob, cluster: Cluster, layouts: Layouts) -> Numeric:
    """Return the time of gathering keys and values over the parts of a sequence."""
    shape = job.shape
    per_token = shape.kv_rank + shape.rope_dim if shape.latent else 2.0 * shape.kv_heads * shape.head_dim
    split = np.where(shape.latent, 1.0, np.minimum(layouts.tensor, max(shape.kv_heads, 1)))
    size = layouts.microbatch * job.sequence * per_token * 2.0 / split
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
    network = replace(cluster, scale_out_bandwidth=cluster.scale_out_bandwidth * saved)
    local = local_ranks(layouts.expert, layouts.tensor * layouts.context, cluster.scale_up_domain)
    sizes = (copies * job.operand_bytes, copies * RESULT_BYTES)
    both = ordered_sum(_fastest(all_to_all_time, network, size, layouts.expert, local) for size in sizes)
    return both * shape.moe_layers / shape.layers
