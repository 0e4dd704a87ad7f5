"""The key-value cache: bytes a token adds, and bytes a sequence holds and reads."""

from __future__ import annotations

import numpy as np

from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula


@formula()
def grouped_cache_bytes(kv_heads: Numeric, head_dim: Numeric, bytes_per_element: Numeric) -> Numeric:
    """Bytes that one token adds to one block's cache of keys and values.

    Parameters
    ----------
    kv_heads
        Key-value heads, > 0 [1], any shape; query heads don't enter.
    head_dim
        Width of a head, > 0 [1].
    bytes_per_element
        Stored precision, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes per token and block [byte/token].

    References
    ----------
    Pope et al. 2022, "Efficiently Scaling Transformer Inference", arXiv 2211.05102, section 2.1.

    Examples
    --------
    >>> grouped_cache_bytes(8, 128, 2)
    4096
    """
    return 2 * kv_heads * head_dim * bytes_per_element


@formula()
def latent_cache_bytes(kv_rank: Numeric, rope_dim: Numeric, bytes_per_element: Numeric) -> Numeric:
    """Bytes that one token adds to one block's cache of latent attention.

    Parameters
    ----------
    kv_rank
        Rank of the cached latent, > 0 [1], any shape.
    rope_dim
        Width of the shared key part with position, ≥ 0 [1].
    bytes_per_element
        Stored precision, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes per token and block [byte/token].

    References
    ----------
    DeepSeek-AI 2024, "DeepSeek-V3 Technical Report", arXiv 2412.19437, section 2.1.1.

    Examples
    --------
    >>> latent_cache_bytes(512, 64, 2)
    1152
    """
    return (kv_rank + rope_dim) * bytes_per_element


@formula()
def held_tokens(context: Numeric, window: Numeric) -> Numeric:
    """Tokens that a block keeps of a context, given its window.

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


def layer_cache_bytes(shape: Shape, bytes_per_element: Numeric = 2.0) -> Numeric:
    """Bytes that one token adds to the cache of one attention block [byte/token]."""
    if shape.latent:
        return latent_cache_bytes(shape.kv_rank, shape.rope_dim, bytes_per_element)
    return grouped_cache_bytes(shape.kv_heads, shape.head_dim, bytes_per_element)


def cache_bytes_per_token(shape: Shape, bytes_per_element: Numeric = 2.0) -> Numeric:
    """Bytes that one token adds to the cache while every window still has room.

    This is the figure that model cards print; what a long sequence holds is ``cache_bytes``.

    Parameters
    ----------
    shape
        The structure.
    bytes_per_element
        Stored precision, > 0 [byte], any shape; 2 for bf16.

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
    return shape.attention_layers * layer_cache_bytes(shape, bytes_per_element)


def cache_bytes(shape: Shape, context: Numeric, bytes_per_element: Numeric = 2.0) -> Numeric:
    """Bytes that one sequence holds, and that a decode step over it reads.

    Parameters
    ----------
    shape
        The structure.
    context
        Tokens of the sequence so far, ≥ 0 [token], any shape.
    bytes_per_element
        Stored precision, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes [byte]: full blocks keep every token, windowed blocks the last ``window``, recurrent blocks a
        fixed state.

    Examples
    --------
    >>> hybrid = Shape(name="half", layers=2, d_model=64, heads=8, kv_heads=8, head_dim=8, vocabulary=10,
    ...                d_ff=64, window=128, windowed_layers=1)
    >>> int(cache_bytes(hybrid, 1024)) == 256 * (1024 + 128)
    True
    """
    layer = layer_cache_bytes(shape, bytes_per_element)
    held = shape.full_layers * context + shape.windowed_layers * held_tokens(context, shape.window)
    return layer * held + shape.recurrent_layers * shape.recurrent_state * bytes_per_element
