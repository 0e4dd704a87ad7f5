"""FLOP per token: one multiply-add per weight, and attention by the number of tokens attended to.

A multiply-add counts as 2 FLOP. Training counts forward once and backward twice; recomputed work is extra
and belongs to hardware utilisation (HFU), not to model utilisation (MFU).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np

from costmodel.compute.parameters import matmul_parameters
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula, ordered_sum
from costmodel.foundation.grids import in_pieces

FLOP_PER_MULTIPLY_ADD = 2
"""FLOP of one weight applied to one token [FLOP]."""
TRAINING_OVER_FORWARD = 3
"""FLOP of forward and backward over FLOP of forward [1]: gradients by input and by weight cost one forward each."""


@formula(pointwise=True)
def mean_attended_tokens(tokens: Numeric, window: Numeric, cached: Numeric) -> Numeric:
    """Return the mean number of earlier tokens that a new token attends to under causal masking.

    Parameters
    ----------
    tokens
        New tokens of the sequence, > 0 [token], any shape.
    window
        Tokens that a block attends to, > 0 [token]; infinite for full attention.
    cached
        Tokens already in the cache, ≥ 0 [token].

    Returns
    -------
    Numeric
        Tokens [token]: ``tokens/2`` with full attention and an empty cache.

    Notes
    -----
    ``(F(c + n) − F(c))/n`` with ``F(x) = m·(x − m/2)``, ``m = min(x, w)``: the integral of ``min(x, w)``.

    Examples
    --------
    >>> float(mean_attended_tokens(4096, float("inf"), 0))
    2048.0
    >>> float(mean_attended_tokens(4096, 128, 0))
    126.0
    """
    end = cached + tokens
    inside_end = np.minimum(end, window)
    inside_start = np.minimum(cached, window)
    area = inside_end * (end - inside_end / 2.0) - inside_start * (cached - inside_start / 2.0)
    return area / tokens


def forward_flop_per_token(shape: Shape, tokens: Numeric, causal: bool = True, cached: Numeric = 0.0) -> Numeric:
    """Return the FLOP per new token of a forward pass over a sequence: prefill, or the first third of training.

    Parameters
    ----------
    shape
        The structure.
    tokens
        New tokens of the sequence, > 0 [token], any shape.
    causal
        Whether work on masked pairs is left out; ``False`` counts the full square, as some papers do.
    cached
        Tokens already in the cache, ≥ 0 [token].

    Returns
    -------
    Numeric
        FLOP per token [FLOP/token].

    Notes
    -----
    ``2·P + Σ_layers 2·n·(d_qk + d_v)·attended``; P excludes the input embedding. Sparse attention attends to the
    tokens it selects, and its indexer to all; a recurrence works on its state alone. Softmax, norms and rotations are
    not counted: below 1 % at any width in use.

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> [round(float(forward_flop_per_token(llama, 2048, cached=cached)) / 1e9, 2) for cached in (0, 8192)]
    [15.55, 19.84]
    """
    mixing = mixing_work(shape)
    weights = FLOP_PER_MULTIPLY_ADD * (matmul_parameters(shape) + mixing.state)

    def attended(new: Numeric, held: Numeric, reach: float) -> Numeric:
        if causal:
            return mean_attended_tokens(new, reach, held)
        return held + new if reach == inf else np.minimum(held + new, reach)

    def work(new: Numeric, held: Numeric) -> Numeric:
        spans = (FLOP_PER_MULTIPLY_ADD * width * attended(new, held, reach) for reach, width in mixing.scores)
        return ordered_sum((weights, *spans)) if mixing.scores else weights + 0.0 * (new + held)

    return in_pieces(work)(tokens, cached)


def training_flop_per_token(shape: Shape, tokens: Numeric, causal: bool = True) -> Numeric:
    """Return the model FLOP per training token, forward and backward, without recomputation.

    Parameters
    ----------
    shape
        The structure.
    tokens
        Sequence length, > 0 [token], any shape.
    causal
        Whether work on masked pairs is left out.

    Returns
    -------
    Numeric
        FLOP per token [FLOP/token].

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> round(float(training_flop_per_token(llama, 8192)) / 1e9, 2)
    51.47
    """
    return TRAINING_OVER_FORWARD * forward_flop_per_token(shape, tokens, causal)


def decode_flop_per_token(shape: Shape, context: Numeric, absorbed: bool = True) -> Numeric:
    """Return the FLOP of decoding one token with a context in the cache.

    Parameters
    ----------
    shape
        The structure.
    context
        Tokens in the cache, ≥ 0 [token], any shape.
    absorbed
        For latent attention: whether scores and values are computed on the latent itself, as decoders do. If not, keys
        and values of every head count as unfolded already, and unfolding them is not counted.

    Returns
    -------
    Numeric
        FLOP per token [FLOP/token].

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> round(float(decode_flop_per_token(llama, 8192)) / 1e9, 2)
    19.3
    """
    mixing = mixing_work(shape)
    weights = FLOP_PER_MULTIPLY_ADD * (matmul_parameters(shape) + mixing.state)
    widths = mixing.decode_scores if absorbed else mixing.scores

    def work(held: Numeric) -> Numeric:
        spans = (
            FLOP_PER_MULTIPLY_ADD * width * (held if reach == inf else np.minimum(held, reach))
            for reach, width in widths
        )
        return ordered_sum((weights, *spans)) if widths else weights + 0.0 * held

    return in_pieces(work)(context)


@dataclass(frozen=True, slots=True)
class MixingWork:
    """Multiply-adds of a token beside the weights, summed over layers.

    Parameters
    ----------
    scores, decode_scores
        Pairs of reach [token] and multiply-adds per token attended to [1]; ``decode_scores`` counts decoding on cached
        elements.
    state
        Multiply-adds on recurrent states [1].
    """

    scores: tuple[tuple[float, int], ...]
    decode_scores: tuple[tuple[float, int], ...]
    state: int


@lru_cache(maxsize=1024)
def mixing_work(shape: Shape) -> MixingWork:
    """Return the work of mixing tokens; layers of equal reach are combined, to compute a grid once per reach.

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> mixing_work(llama).scores == ((inf, 32 * 32 * 256),)
    True
    """
    scores: dict[float, int] = {}
    decode: dict[float, int] = {}
    state = 0
    for group in shape.groups:
        mixer = group.mixer
        if mixer is None:
            continue
        state += group.layers * mixer.state_work
        if mixer.score_width:
            scores[mixer.reach] = scores.get(mixer.reach, 0) + group.layers * mixer.score_width
            decode[mixer.reach] = decode.get(mixer.reach, 0) + group.layers * mixer.decode_score_width
        if mixer.indexer is not None:
            width = group.layers * mixer.indexer.heads * mixer.indexer.dim
            scores[inf] = scores.get(inf, 0) + width
            decode[inf] = decode.get(inf, 0) + width
    return MixingWork(tuple(scores.items()), tuple(decode.items()), state)
