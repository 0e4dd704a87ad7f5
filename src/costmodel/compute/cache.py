"""The key-value cache: bytes that a token adds, and bytes that a sequence holds and reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np

from costmodel.compute.precision import Precision, by_part
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula, ordered_sum


@formula()
def held_tokens(context: Numeric, window: Numeric) -> Numeric:
    """Return the tokens of a context that a block keeps, given its window.

    Parameters
    ----------
    context
        Tokens so far, ≥ 0 [token], any shape.
    window
        Tokens that the block attends to, > 0 [token]; infinite for full attention.

    Returns
    -------
    Numeric
        Tokens kept [token].

    Examples
    --------
    >>> int(held_tokens(4096, 128))
    128
    """
    return np.minimum(context, window)


def cache_bytes_per_token(shape: Shape, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes that one token adds to the cache while no window is full.

    Model cards print this figure; for a long sequence use ``cache_bytes``.

    Parameters
    ----------
    shape
        The structure.
    precision
        Stored bytes per element by part, or one figure for all, > 0 [byte], any shape; 2 for bf16.

    Returns
    -------
    Numeric
        Bytes per token [byte/token].

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> int(cache_bytes_per_token(llama))
    131072
    """
    stored = by_part(precision)
    held = _held(shape)
    cached = sum(elements for _, elements in held.cached)
    return cached * stored.cache + (held.index * stored.index if held.index else 0.0)


def cache_bytes(shape: Shape, context: Numeric, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes that one sequence holds in the cache.

    Parameters
    ----------
    shape
        The structure.
    context
        Tokens of the sequence so far, ≥ 0 [token], any shape.
    precision
        Stored bytes per element by part, or one figure for all, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes [byte]: full blocks keep every token, windowed blocks the last ``window`` tokens, recurrent blocks a
        fixed state, and blocks that read another's cache nothing.

    Examples
    --------
    >>> hybrid = Shape(name="half", layers=2, d_model=64, heads=8, kv_heads=8, head_dim=8, vocabulary=10,
    ...                d_ff=64, window=128, windowed_layers=1)
    >>> int(cache_bytes(hybrid, 1024)) == 256 * (1024 + 128)
    True
    """
    return _bytes(_held(shape).cached, _held(shape), context, by_part(precision))


def cache_read_bytes(shape: Shape, context: Numeric, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes of cache that a decode step over one sequence reads.

    Without sparse attention that is all that the sequence holds. Sparse attention reads the selected tokens and every
    key of the indexer. Blocks that reuse a cache read it again.

    Parameters
    ----------
    shape
        The structure.
    context
        Tokens of the sequence so far, ≥ 0 [token], any shape.
    precision
        Stored bytes per element by part, or one figure for all, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes [byte].

    Examples
    --------
    >>> from costmodel.compute import Attention, Dense, Group
    >>> sparse = Group(layers=1, mixer=Attention(heads=8, kv_heads=8, head_dim=8, selected=64),
    ...                feed_forward=Dense(d_ff=64))
    >>> int(cache_read_bytes(Shape(name="s", d_model=64, vocabulary=10, groups=(sparse,)), 1024)) == 256 * 64
    True
    """
    return _bytes(_held(shape).read, _held(shape), context, by_part(precision))


def growing_cache_bytes(shape: Shape, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes that one token adds to caches without a window [byte/token]."""
    held = _held(shape)
    unbounded = sum(elements for reach, elements in held.cached if reach == inf)
    stored = by_part(precision)
    return unbounded * stored.cache + (held.index * stored.index if held.index else 0.0)


def state_bytes(shape: Shape, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes of recurrent state that one sequence keeps, whatever its length [byte]."""
    return _held(shape).state * by_part(precision).state


@dataclass(frozen=True, slots=True)
class _Held:
    """Elements that a sequence keeps: per token by reach, per token of the indexers, and independent of its length."""

    cached: tuple[tuple[float, int], ...]
    read: tuple[tuple[float, int], ...]
    index: int
    state: int


@lru_cache(maxsize=1024)
def _held(shape: Shape) -> _Held:
    """Sum the elements kept over groups, by reach, so that a grid is computed once per reach."""
    cached: dict[float, int] = {}
    read: dict[float, int] = {}
    index = state = 0
    for group in shape.groups:
        mixer = group.mixer
        if mixer is None:
            continue
        index += group.layers * mixer.index_elements
        state += group.layers * mixer.state_elements
        if mixer.cached_elements:
            kept = float(mixer.window or inf)
            cached[kept] = cached.get(kept, 0) + group.layers * mixer.cached_elements
        if mixer.read_elements:
            read[mixer.reach] = read.get(mixer.reach, 0) + group.layers * mixer.read_elements
    return _Held(tuple(cached.items()), tuple(read.items()), index, state)


def _bytes(kept: tuple[tuple[float, int], ...], held: _Held, context: Numeric, stored: Precision) -> Numeric:
    """Return the bytes of elements per token up to a reach, of the indexers' keys and of the state."""
    spans = (
        elements * (context if reach == inf else held_tokens(context, reach)) * stored.cache for reach, elements in kept
    )
    total = ordered_sum(spans) if kept else 0.0 * context
    if held.index:
        total = total + held.index * context * stored.index
    return total + held.state * stored.state if held.state else total
