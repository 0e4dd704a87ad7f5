"""Time of a prefill pass and of a decode step.

A pass through one stage runs kernel after kernel: products with weights, what moves between them, attention over the
cache, collectives. Each product has its own roofline; the engine's factor multiplies the sum, and the host's time is
added once. All quantities are per accelerator.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from costmodel.compute.cache import cache_bytes_per_token, cache_read_bytes, state_bytes
from costmodel.compute.flop import decode_flop_per_token, forward_flop_per_token, mixing_work
from costmodel.compute.layer import block_time, blocks
from costmodel.compute.parameters import matmul_parameters
from costmodel.compute.roofline import together
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.links import stage_communication_time, stage_send_time


@dataclass(frozen=True, slots=True, kw_only=True)
class PassWork:
    """Work of one accelerator in one pass through its stage, apart from products, which follow from the tokens.

    Parameters
    ----------
    tokens
        Tokens of one attention group that pass through the layers [token].
    head_tokens
        Those that reach the output table [token].
    attention_flop
        Scores and values of attention, with what its kernels lose at the edge of what a token may attend to [FLOP].
    cache_bytes
        Cache and recurrent state, read and written [byte].
    """

    tokens: Numeric
    head_tokens: Numeric
    attention_flop: Numeric
    cache_bytes: Numeric


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
    shape, stored, layout = what.shape, what.precision, what.layout
    tokens = sequences * new_tokens
    attention = decode_flop_per_token(shape, context) - 2.0 * matmul_parameters(shape)
    state = state_bytes(shape, stored)
    cached = cache_read_bytes(shape, context, stored) - state
    moved = (sequences * cached + tokens * cache_bytes_per_token(shape, stored)) / cache_shards(shape, layout)
    # a state is read and written by every token, and split like the heads that keep it
    moved = moved + 2.0 * tokens * state / layout.tensor
    return PassWork(
        tokens=tokens,
        head_tokens=tokens,
        attention_flop=attention * tokens / (layout.tensor * layout.pipeline),
        cache_bytes=moved / layout.pipeline,
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
        Prompt length to which a new token belongs on average: ``E[I²]/E[I]`` [token].
    cached_share
        Share of it in the prefix cache, 0 <= s < 1 [1].

    Returns
    -------
    PassWork
        Per accelerator. The output table is read for the last token only and is left out.
    """
    shape, layout, machine = what.shape, what.layout, what.machine
    new = length * (1.0 - cached_share)
    forward = forward_flop_per_token(shape, new, cached=length * cached_share)
    attention = forward - 2.0 * matmul_parameters(shape)
    # a causal token meets half of the sequence on average; tiles at the edge cost as much as this many tokens more
    widths = sum(width for _, width in mixing_work(shape).scores)
    attention = attention + 2.0 * widths * 0.5 * machine.half_sequence
    # tokens written, and the prefix read once for the share of a prompt that a pass covers
    read = cached_share / (1.0 - cached_share) + 1.0
    moved = tokens * read * cache_bytes_per_token(shape, what.precision) / cache_shards(shape, layout)
    return PassWork(
        tokens=tokens,
        head_tokens=0.0,
        attention_flop=attention * tokens / (layout.tensor * layout.pipeline),
        cache_bytes=moved / layout.pipeline,
    )


def attention_time(what: Configuration, work: PassWork) -> Numeric:
    """Time of attention over the cache in one pass, without its kernels' fixed times [s]."""
    machine = what.machine
    scores = work.attention_flop / (machine.scores_peak * machine.scores_share)
    return together(scores, work.cache_bytes / (machine.bandwidth * machine.cache_share))


def products_time(what: Configuration, tokens: Numeric, head_tokens: Numeric) -> Numeric:
    """Time of a pass's products, of what moves between them and of all kernels' fixed times.

    Parameters
    ----------
    what
        The configuration.
    tokens
        Tokens of one attention group, > 0 [token].
    head_tokens
        Those that reach the output table; the number 0 leaves it out [token].

    Returns
    -------
    float or array
        Time [s].
    """
    layout, stored = what.layout, what.precision
    routed = tokens * layout.groups
    time: Numeric = 0.0
    for block in blocks(what.shape, routed, layout.tensor, layout.expert):
        if block.kind != "head":
            time = time + block_time(what.machine, block, tokens, routed, stored)
        elif np.ndim(head_tokens) or head_tokens:
            time = time + block_time(what.machine, block, head_tokens, routed, stored)
    return time / layout.pipeline


def stage_time(what: Configuration, *works: PassWork) -> Numeric:
    """Time that a stage needs for all micro-batches of a pass, with communication, before the engine's factor.

    Parameters
    ----------
    what
        The configuration.
    *works
        Work of one micro-batch; several share one pass over the weights.

    Returns
    -------
    float or array
        Time [s]: work and communication add, less what overlaps.
    """
    layout = what.layout
    tokens: Numeric = 0.0
    head_tokens: Numeric = 0.0
    busy: Numeric = 0.0
    for work in works:
        tokens, head_tokens = tokens + work.tokens, head_tokens + work.head_tokens
        busy = busy + attention_time(what, work)
    busy = layout.micro_batches * (busy + products_time(what, tokens, head_tokens))
    talk = layout.micro_batches * stage_communication_time(what, tokens)
    return busy + talk - layout.overlap * np.minimum(busy, talk)


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
    stage = stage_time(what, decode_work(what, sequences, context, new_tokens))
    passed = what.layout.pipeline * (stage + stage_send_time(what, tokens))
    return what.engine.decode_factor * passed + what.engine.host_time


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
    passed = what.engine.prefill_factor * (stage_time(what, work) + stage_send_time(what, tokens))
    return passed / (tokens * what.layout.groups * what.layout.micro_batches)


def prefill_latency(what: Configuration, traffic: Traffic) -> Numeric:
    """Time to the first token of a request of mean length that has an attention group to itself.

    Parameters
    ----------
    what
        The configuration.
    traffic
        Lengths, prefix cache and chunk.

    Returns
    -------
    float or array
        Time [s]: to read the prompt, times the engine's factor, and to launch the pass; without waiting in a queue.
    """
    new = traffic.mean_input * (1.0 - traffic.cached_share)
    tokens = np.minimum(traffic.chunk, new)
    work = prefill_work(what, tokens, traffic.mean_input, traffic.cached_share)
    passed = what.engine.prefill_factor * (stage_time(what, work) + stage_send_time(what, tokens))
    read = (new / tokens - 1.0 + what.layout.pipeline) * passed
    return read + launch_time(what)


def launch_time(what: Configuration) -> Numeric:
    """Time of the host to launch a pass over prompts, kernel after kernel [s]."""
    return what.engine.launch_time * kernels_of_pass(what.shape)


@lru_cache(maxsize=1024)
def kernels_of_pass(shape: Shape) -> float:
    """Kernels of a pass through all layers of a model, collectives aside [1].

    Examples
    --------
    >>> from costmodel.compute import shape
    >>> kernels_of_pass(shape("Llama-3-70B"))  # 80 layers of 11, norm, product and choice of the head
    883.0
    """
    return float(sum(block.layers * (block.kernels + len(block.products)) for block in blocks(shape, 1.0)))


def _met_length(traffic: Traffic) -> Numeric:
    """Prompt length to which a new token belongs on average: ``E[I²]/E[I]`` [token]."""
    return traffic.mean_input * (1.0 + traffic.variation_input * traffic.variation_input)
