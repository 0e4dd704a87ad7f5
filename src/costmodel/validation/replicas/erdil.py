"""Erdil's two published models of decode time, re-implemented as printed.

They serve as references for the library's own step time (:mod:`costmodel.serving.steps`):
the first is a back-of-the-envelope estimate, the second adds measured all-reduce protocols,
activations and the key-value cache.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

SIMPLE_HOP_LATENCY = 2e-6
"""Seconds per rank beyond the first in an all-reduce of the simple model (Erdil 2025, section 2.2)."""
SIMPLE_BASE_LATENCY = 6e-6
"""Seconds per all-reduce of any size, in the simple model (Erdil 2025, section 2.2)."""
ALL_REDUCES_PER_LAYER = 4.0
"""All-reduces per layer with two-dimensional tensor parallelism, dimensionless (Erdil 2025, section 2.2)."""
KERNEL_LATENCY = 4e-6
"""Seconds between two all-reduces that no overlap hides, in the fuller model (Erdil 2025, section 3)."""
SCALE_UP_BANDWIDTH = 225e9
"""Bytes per second of an all-reduce inside a node of H100, as measured by the source."""
SCALE_OUT_BANDWIDTH = 25e9
"""Bytes per second of an all-reduce between nodes of H100, as measured by the source."""
ACCELERATORS_PER_NODE = 8.0
"""Accelerators of a node in the fuller model, dimensionless."""
ACTIVATION_BYTES = 2.0
"""Bytes per activation: bf16."""

_PROTOCOLS = (
    # intra-node hop, inter-node hop, base latency (all microseconds), share of bandwidth
    (0.6, 5.0, 6.8, 0.5),
    (1.25, 8.5, 14.0, 0.95),
    (28.0, 28.0, 0.0, 1.0),
)
"""Low-latency, low-latency-128 and simple protocols of the collective library, as fitted by the source."""


@formula()
def erdil_simple_step_time(
    layers: Numeric,
    parameters: Numeric,
    weight_bytes: Numeric,
    accelerators: Numeric,
    batch: Numeric,
    peak: Numeric,
    bandwidth: Numeric,
    all_reduces: Numeric = ALL_REDUCES_PER_LAYER,
) -> Numeric:
    """Time of one decode step by Erdil's simple model.

    A first estimate: it counts weights only, without context and without the bandwidth of links.

    Parameters
    ----------
    layers
        Layers of the model, >= 1 [1].
    parameters
        Parameters read and multiplied per step, > 0 [1].
    weight_bytes
        Bytes per weight, > 0 [byte].
    accelerators
        Accelerators that share the model by tensor parallelism, >= 1 [1].
    batch
        Sequences decoded together, >= 1 [1].
    peak
        Arithmetic rate of one accelerator, > 0 [FLOP/s].
    bandwidth
        Memory bandwidth of one accelerator, > 0 [byte/s].
    all_reduces
        All-reduces per layer, >= 0: 4, or 2 where attention and MLP run in parallel [1].

    Returns
    -------
    float or array
        Time of the step [s].

    Notes
    -----
    ``t = L n_ar (2 µs (√N − 1) + 6 µs) + max(w P / (N BW), 2 P b / (N F))``.

    References
    ----------
    Erdil (2025), *Inference economics of language models*, arXiv 2506.04645, section 2.2.

    Examples
    --------
    >>> round(float(erdil_simple_step_time(80, 70.5537e9, 2, 8, 64, 1e15, 3.3e12)) * 1e3, 3)
    8.435
    """
    hops = np.power(accelerators, 0.5) - 1.0
    latency = layers * all_reduces * (SIMPLE_HOP_LATENCY * hops + SIMPLE_BASE_LATENCY)
    memory = weight_bytes * parameters / (accelerators * bandwidth)
    arithmetic = 2.0 * parameters * batch / (accelerators * peak)
    return latency + np.maximum(memory, arithmetic)


@formula()
def erdil_all_reduce_time(message: Numeric, ranks: Numeric, nodes: Numeric) -> Numeric:
    """Time of one all-reduce, the fastest of three protocols, by Erdil's fuller model.

    Parameters
    ----------
    message
        Bytes that each rank contributes, >= 0 [byte].
    ranks
        Ranks of the all-reduce, >= 1; the model uses √N, so it need not be whole [1].
    nodes
        Nodes that the ranks span, from 1 to ``ranks`` [1].

    Returns
    -------
    float or array
        Time [s]; 0 for a single rank.

    Notes
    -----
    ``min over protocols [latency + (r − n)/r · B/(225e9 f) + (n − 1)/r · B/(25e9 f)]``.

    References
    ----------
    Erdil (2025), arXiv 2506.04645, section 3 and its notebook.

    Examples
    --------
    >>> round(float(erdil_all_reduce_time(16384.0, 2.0, 1.0)) * 1e6, 3)
    8.073
    """
    fastest: Numeric = np.inf
    for inside, between, base, share in _PROTOCOLS:
        latency = 2.0 * ((ranks / nodes - 1.0) * inside + between * np.log2(nodes)) + base
        within = (ranks - nodes) / ranks * message / (SCALE_UP_BANDWIDTH * share)
        across = (nodes - 1.0) / ranks * message / (SCALE_OUT_BANDWIDTH * share)
        fastest = np.minimum(fastest, latency * 1e-6 + within + across)
    return np.where(np.greater(ranks, 1.0), fastest, 0.0)[()]


@formula()
def erdil_full_step_time(
    layers: Numeric,
    d_model: Numeric,
    d_ff: Numeric,
    query_heads: Numeric,
    kv_heads: Numeric,
    head_size: Numeric,
    vocabulary: Numeric,
    weight_bytes: Numeric,
    accelerators: Numeric,
    batch: Numeric,
    context: Numeric,
    peak: Numeric,
    bandwidth: Numeric,
) -> Numeric:
    """Time of one decode step by Erdil's fuller model.

    It applies to dense decoders with gated MLPs and grouped-query attention on H100 nodes, whose all-reduce times it
    holds fixed.

    Parameters
    ----------
    layers, d_model, d_ff, query_heads, kv_heads, head_size, vocabulary
        Shape of the model, > 0 [1].
    weight_bytes
        Bytes per weight, > 0 [byte].
    accelerators
        Accelerators in two-dimensional tensor parallelism, >= 1 [1].
    batch
        Sequences decoded together, >= 1 [1].
    context
        Tokens already in the cache of each sequence, >= 0 [token].
    peak
        Arithmetic rate of one accelerator, > 0 [FLOP/s].
    bandwidth
        Memory bandwidth of one accelerator, > 0 [byte/s].

    Returns
    -------
    float or array
        Time of the step [s].

    Notes
    -----
    ``t = 4 L · 4 µs + L Σ_i AR(B_i) + max(bytes / (N BW), FLOP / (N F))`` with messages
    ``B_i = 2 b w_i / √N`` over √N ranks on √⌈N/8⌉ nodes.

    References
    ----------
    Erdil (2025), arXiv 2506.04645, section 3 and its notebook.

    Examples
    --------
    >>> time = erdil_full_step_time(80, 8192, 28672, 64, 8, 128, 128256, 2, 8, 64, 2048, 1e15, 3.3e12)
    >>> round(float(time) * 1e3, 2)
    12.93
    """
    side = np.power(accelerators, 0.5)
    nodes = np.power(np.ceil(accelerators / ACCELERATORS_PER_NODE), 0.5)
    widths = (head_size * (query_heads + kv_heads), d_model, 2.0 * d_ff, d_model)
    reduces: Numeric = 0.0
    for width in widths:
        reduces = reduces + erdil_all_reduce_time(ACTIVATION_BYTES * batch * width / side, side, nodes)

    qkv = head_size * (query_heads + 2.0 * kv_heads)
    layer_weights = d_model * qkv + head_size * query_heads * d_model + 3.0 * d_model * d_ff
    unembedding = vocabulary * d_model
    arithmetic = (
        2.0 * (layers * layer_weights + unembedding) * batch + 4.0 * head_size * query_heads * layers * context * batch
    )
    activations = (
        side
        * batch
        * (
            3.0 * ACTIVATION_BYTES * (d_model + d_ff)
            + (2.0 * d_model + qkv)
            + 2.0 * (d_model + head_size * query_heads)
        )
    )
    cache = 2.0 * ACTIVATION_BYTES * head_size * kv_heads * layers * batch * context
    memory = cache + weight_bytes * unembedding + layers * (weight_bytes * layer_weights + activations)
    work = np.maximum(memory / (accelerators * bandwidth), arithmetic / (accelerators * peak))
    return ALL_REDUCES_PER_LAYER * layers * KERNEL_LATENCY + layers * reduces + work
