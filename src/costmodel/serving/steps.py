"""Time of a prefill pass and of a decode step, and the memory that a batch needs.

A pass through one stage is the sum of two rooflines, because their kernels run one after the other: products
with weights, and attention over the cache; then launches, collectives and, over all of it, the engine's
overhead. All quantities are per accelerator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.cache import cache_bytes_per_token, cache_read_bytes
from costmodel.compute.flop import decode_flop_per_token, forward_flop_per_token
from costmodel.compute.groups import Group, Routed
from costmodel.compute.memory import touched_weight_bytes
from costmodel.compute.mixers import Attention, LatentAttention, Recurrent
from costmodel.compute.parameters import count_parameters, touched_experts
from costmodel.compute.roofline import compute_time, memory_time
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.links import stage_communication_time, stage_send_time

KERNELS_PER_BLOCK = 4.0
"""Kernels of a block whose fixed times add up, dimensionless: into attention, out of it, into the MLP, out of it
(as Erdil 2025 counts them, arXiv 2506.04645, section 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassWork:
    """Work of one accelerator in one pass through its stage.

    Parameters
    ----------
    product_flop, attention_flop
        Products with weights, and scores and values of attention [FLOP].
    weight_bytes, cache_bytes, activation_bytes
        Bytes moved to and from memory [byte].
    """

    product_flop: Numeric
    attention_flop: Numeric
    weight_bytes: Numeric
    cache_bytes: Numeric
    activation_bytes: Numeric


def cache_shards(shape: Shape, layout: Layout) -> Numeric:
    """Parts into which tensor parallelism can split a cache [1]: by key-value heads; a latent cannot be split.

    Where groups of layers differ, the mean over what they cache.
    """
    cached: dict[int, int] = {}
    for group in shape.groups:
        if group.mixer is not None and group.mixer.cached_elements:
            parts = group.mixer.cache_shards
            cached[parts] = cached.get(parts, 0) + group.layers * group.mixer.cached_elements
    if not cached:
        return layout.tensor
    if len(cached) == 1:
        parts = next(iter(cached))
        return 1.0 if parts == 1 else np.minimum(layout.tensor, float(parts))
    held = sum(elements / np.minimum(layout.tensor, float(parts)) for parts, elements in cached.items())
    return sum(cached.values()) / held


def activation_elements(shape: Shape) -> float:
    """Elements per token that a pass reads or writes between kernels, all blocks [1]."""
    return float(sum(group.layers * _layer_elements(group, shape.d_model) for group in shape.groups))


def _layer_elements(group: Group, d_model: int) -> int:
    """Elements per token of one layer: residual and norm around each part, then what goes in and out of it."""
    mixer, block = group.mixer, group.feed_forward
    found = 0
    if isinstance(mixer, Attention | LatentAttention):
        # queries, values and cache entries
        found += 4 * d_model + 2 * mixer.heads * (mixer.query_dim + mixer.head_value_dim) + mixer.cached_elements
    elif isinstance(mixer, Recurrent):
        found += 4 * d_model + sum(matrix.columns for matrix in mixer.weights if matrix.side == "columns")
    if block is not None:
        found += 4 * d_model + block.mlp_matrices * block.active_width
    return found


def decode_work(what: Configuration, sequences: Numeric, context: Numeric, new_tokens: Numeric) -> PassWork:
    """Work of a decode pass.

    Parameters
    ----------
    what
        The configuration.
    sequences
        Sequences of one attention group in the pass, > 0 [1].
    context
        Tokens in the cache of each, >= 0 [token].
    new_tokens
        Tokens per sequence and pass: 1, or the draft and one with speculation [token].

    Returns
    -------
    PassWork
        Per accelerator.
    """
    shape, stored = what.shape, what.precision
    counts = count_parameters(shape)
    tokens = sequences * new_tokens
    attention = decode_flop_per_token(shape, context) - 2.0 * counts.matmul_active
    held = cache_read_bytes(shape, context, stored)
    return _pass_work(
        what,
        tokens=tokens,
        product_flop=2.0 * counts.matmul_active * tokens,
        attention_flop=attention * tokens,
        cache_traffic=sequences * held + tokens * cache_bytes_per_token(shape, stored),
    )


def prefill_work(what: Configuration, tokens: Numeric, length: Numeric, cached_share: Numeric) -> PassWork:
    """Work of a prefill pass over part of prompts.

    Parameters
    ----------
    what
        The configuration.
    tokens
        New tokens of one attention group in the pass, > 0 [token].
    length
        Prompt length whose attention is met on average: ``E[I²]/E[I]`` [token].
    cached_share
        Share of it in the prefix cache, 0 <= s < 1 [1].

    Returns
    -------
    PassWork
        Per accelerator. The output table is read for the last token only and is left out.
    """
    shape = what.shape
    counts = count_parameters(shape)
    products = 2.0 * (counts.matmul_active - counts.output_embedding)
    forward = forward_flop_per_token(shape, length * (1.0 - cached_share), cached=length * cached_share)
    attention = forward - 2.0 * counts.matmul_active
    # tokens written, and the prefix read once for the share of a prompt that a pass covers
    read = cached_share / (1.0 - cached_share) + 1.0
    return _pass_work(
        what,
        tokens=tokens,
        product_flop=products * tokens,
        attention_flop=attention * tokens,
        cache_traffic=tokens * read * cache_bytes_per_token(shape, what.precision),
    )


def _pass_work(
    what: Configuration,
    *,
    tokens: Numeric,
    product_flop: Numeric,
    attention_flop: Numeric,
    cache_traffic: Numeric,
) -> PassWork:
    """Share the work of an attention group among its accelerators."""
    shape, layout, precision = what.shape, what.layout, what.precision
    split = layout.tensor * layout.pipeline
    steady = touched_weight_bytes(shape, 0.0, precision)
    routed = touched_experts(shape, tokens * layout.groups) * precision.experts
    return PassWork(
        product_flop=product_flop / split,
        attention_flop=attention_flop / split,
        weight_bytes=(steady + routed / layout.groups) / split,
        cache_bytes=cache_traffic / (cache_shards(shape, layout) * layout.pipeline),
        activation_bytes=tokens * activation_elements(shape) * precision.activation / split,
    )


def mean_inverse_inner(shape: Shape, layout: Layout) -> Numeric:
    """Mean of the inverse shared dimension over a token's products, weighted by their work.

    A product loses the start and end of every tile, a share ``half_inner / k`` of its time; tensor parallelism
    shortens ``k`` of the products out of attention and out of the MLP.

    Parameters
    ----------
    shape, layout
        The model and how it lies.

    Returns
    -------
    float or array
        Mean inverse [1].
    """
    columns = sum(group.layers * _inner_columns(group, shape.d_model, layout) for group in shape.groups)
    return (columns + shape.vocabulary) / count_parameters(shape).matmul_active


def _inner_columns(group: Group, d_model: int, layout: Layout) -> Numeric:
    """Columns of a layer's products: one of k by c weights adds k·c/k = c, times what cuts its k."""
    columns: Numeric = 0.0
    mixer, block = group.mixer, group.feed_forward
    if mixer is not None:
        for matrix in mixer.matrices(d_model):
            columns = columns + matrix.columns * (layout.tensor if matrix.side == "inner" else 1.0)
    if block is None:
        return columns
    into, split = block.mlp_matrices - 1.0, float(d_model) * layout.tensor
    if not isinstance(block, Routed):
        return columns + into * block.d_ff + split
    back = np.where(np.greater(layout.expert, 1.0), float(d_model), split)
    shared = into * (block.d_ff_shared or block.d_ff_expert) + back
    routed = into * block.d_ff_expert + back
    return columns + block.top_k * routed + block.shared_experts * shared + block.experts


def busy_time(what: Configuration, work: PassWork) -> Numeric:
    """Time of a pass's kernels on one accelerator, without communication and overhead.

    Parameters
    ----------
    what
        The configuration.
    work
        What the pass does.

    Returns
    -------
    float or array
        Time [s]; never below the roofline of the same work.
    """
    shape, chip, engine, layout = what.shape, what.chip, what.engine, what.layout
    share = engine.compute_share / (1.0 + engine.half_inner * mean_inverse_inner(shape, layout))
    weights = np.maximum(
        compute_time(work.product_flop, chip.peak, share),
        memory_time(work.weight_bytes + work.activation_bytes, chip.bandwidth, engine.memory_share),
    )
    attention = np.maximum(
        compute_time(work.attention_flop, chip.attention_peak, engine.attention_share),
        memory_time(work.cache_bytes, chip.bandwidth, engine.memory_share),
    )
    return weights + attention + engine.kernel_launch * KERNELS_PER_BLOCK * shape.layers / layout.pipeline


def stage_time(what: Configuration, work: PassWork, tokens: Numeric) -> Numeric:
    """Time that a stage needs for all micro-batches of a pass, with communication and overhead.

    Parameters
    ----------
    what
        The configuration.
    work
        Work of one micro-batch.
    tokens
        Tokens of one attention group in one micro-batch [token].

    Returns
    -------
    float or array
        Time [s]: work and communication add, less what overlaps.
    """
    layout = what.layout
    busy = layout.micro_batches * busy_time(what, work)
    talk = layout.micro_batches * stage_communication_time(what, tokens)
    return what.engine.overhead * (busy + talk - layout.overlap * np.minimum(busy, talk))


def decode_step_time(what: Configuration, batch: Numeric, context: Numeric, new_tokens: Numeric = 1.0) -> Numeric:
    """Time for a batch to decode one step.

    Parameters
    ----------
    what
        The configuration.
    batch
        Sequences decoded by one copy of the model, >= 1 [1].
    context
        Tokens in the cache of each, >= 0 [token].
    new_tokens
        Tokens per sequence and pass: 1, or the draft and one with speculation [token].

    Returns
    -------
    float or array
        Time [s]: all stages one after the other, each on its part of the batch.

    Notes
    -----
    A batch is divided among stages, attention groups and micro-batches; a part holds at least one sequence.
    """
    sequences = np.maximum(batch / what.layout.parts, 1.0)
    tokens = sequences * new_tokens
    stage = stage_time(what, decode_work(what, sequences, context, new_tokens), tokens)
    return what.layout.pipeline * (stage + stage_send_time(what, tokens))


def prefill_time_per_token(what: Configuration, traffic: Traffic) -> Numeric:
    """Time of one copy of the model per new input token, at steady state.

    Parameters
    ----------
    what
        The configuration.
    traffic
        Lengths, prefix cache and chunk.

    Returns
    -------
    float or array
        Time per new token [s/token], all stages and attention groups at work.
    """
    tokens = traffic.chunk
    work = prefill_work(what, tokens, _met_length(traffic), traffic.cached_share)
    passed = stage_time(what, work, tokens) + stage_send_time(what, tokens)
    return passed / (tokens * what.layout.groups * what.layout.micro_batches)


def prefill_latency(what: Configuration, traffic: Traffic) -> Numeric:
    """Time to read the prompt of one request of mean length that has an attention group to itself.

    Parameters
    ----------
    what
        The configuration.
    traffic
        Lengths, prefix cache and chunk.

    Returns
    -------
    float or array
        Time [s], without waiting in a queue.
    """
    new = traffic.mean_input * (1.0 - traffic.cached_share)
    tokens = np.minimum(traffic.chunk, new)
    work = prefill_work(what, tokens, traffic.mean_input, traffic.cached_share)
    passed = stage_time(what, work, tokens) + stage_send_time(what, tokens)
    return (new / tokens - 1.0 + what.layout.pipeline) * passed


def _met_length(traffic: Traffic) -> Numeric:
    """Prompt length that a new token meets on average: ``E[I²]/E[I]`` [token]."""
    return traffic.mean_input * (1.0 + traffic.variation_input * traffic.variation_input)
