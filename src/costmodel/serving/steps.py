"""Time of a prefill pass and of a decode step, and the memory that a batch needs.

A pass through one stage is the sum of two rooflines, because their kernels run one after the other: products
with weights, and attention over the cache; then launches, collectives and, over all of it, the engine's
overhead. All quantities are per accelerator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.cache import cache_bytes, cache_bytes_per_token
from costmodel.compute.flop import decode_flop_per_token, forward_flop_per_token
from costmodel.compute.memory import touched_weight_bytes
from costmodel.compute.parameters import count_parameters
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
    """Parts into which tensor parallelism can split a cache [1]: by key-value heads; a latent cannot be split."""
    return 1.0 if shape.latent else np.minimum(layout.tensor, float(shape.kv_heads))


def activation_elements(shape: Shape) -> float:
    """Elements per token that a pass reads or writes between kernels, all blocks [1]."""
    heads = shape.heads * (shape.query_dim + shape.head_value_dim)
    cached = shape.kv_rank + shape.rope_dim if shape.latent else 2 * shape.kv_heads * shape.head_dim
    inner = shape.plain_layers * shape.d_ff + shape.moe_layers * (
        (shape.top_k + shape.shared_experts) * shape.d_ff_expert
    )
    # residual and norm around attention and MLP; then queries, values and cache entries; then the MLP's width
    return float(shape.layers * (8 * shape.d_model + 2 * heads + cached) + shape.mlp_matrices * inner)


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
    shape, element = what.shape, what.precision.cache
    counts = count_parameters(shape)
    tokens = sequences * new_tokens
    attention = decode_flop_per_token(shape, context) - 2.0 * counts.matmul_active
    held = cache_bytes(shape, context, element)
    return _pass_work(
        what,
        tokens=tokens,
        product_flop=2.0 * counts.matmul_active * tokens,
        attention_flop=attention * tokens,
        cache_traffic=sequences * held + tokens * cache_bytes_per_token(shape, element),
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
        cache_traffic=tokens * read * cache_bytes_per_token(shape, what.precision.cache),
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
    counts = count_parameters(shape)
    split = layout.tensor * layout.pipeline
    steady = counts.always_active * precision.weight
    routed = touched_weight_bytes(shape, tokens * layout.groups, 0.0, precision.expert_weight)
    routed = routed - counts.shared_experts * precision.expert_weight
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
    d_model, into = float(shape.d_model), shape.mlp_matrices - 1.0
    split = d_model * layout.tensor
    if shape.latent:
        query_side = shape.heads * shape.query_dim + (shape.q_rank if shape.q_rank else 0.0)
        latent_side = shape.kv_rank + shape.rope_dim + shape.heads * (shape.nope_dim + shape.value_dim)
        attention = query_side + latent_side + split
    else:
        attention = (shape.heads + 2.0 * shape.kv_heads) * shape.head_dim + split
    # a product of k by c weights adds k·c/k = c
    dense = into * shape.d_ff + split
    expert = into * shape.d_ff_expert + np.where(np.greater(layout.expert, 1.0), d_model, split)
    routed = (shape.top_k + shape.shared_experts) * expert + shape.experts
    columns = shape.attention_layers * attention + shape.plain_layers * dense + shape.moe_layers * routed
    return (columns + shape.vocabulary) / count_parameters(shape).matmul_active


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
