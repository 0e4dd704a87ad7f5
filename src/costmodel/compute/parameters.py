"""Parameter counts: all parameters of a shape, and those that one token or one batch uses.

Published totals go wrong in four places: query heads read as key-value heads, experts counted once, a gated
MLP counted with two matrices, tied embeddings counted twice. Every term is kept separate here, so that a sum can
be checked against a model card line by line.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from costmodel.compute.groups import Dense, FeedForward, Group, Routed
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula, ordered_sum

_ALMOST_ALL = 1.0 - 2.0**-53
"""Largest share of experts below 1 [1], so that the logarithm of its complement is finite."""


@formula()
def mlp_parameters(d_model: Numeric, inner: Numeric, matrices: Numeric) -> Numeric:
    """Return the weights of one MLP or of one expert.

    Parameters
    ----------
    d_model
        Width of the residual stream, > 0 [1], any shape.
    inner
        Inner width, > 0 [1].
    matrices
        Weight matrices, > 0 [1]: 3 for a gated MLP, 2 for a plain one.

    Returns
    -------
    Numeric
        Parameters [1], without biases.

    References
    ----------
    Shazeer 2020, "GLU Variants Improve Transformer", arXiv 2002.05202.

    Examples
    --------
    >>> mlp_parameters(4096, 14336, 3) / 1e6
    176.160768
    """
    return matrices * d_model * inner


@formula(pointwise=True)
def expected_experts_touched(experts: Numeric, top_k: Numeric, tokens: Numeric) -> Numeric:
    """Return the routed experts of one block that a batch is expected to touch, under balanced independent routing.

    They determine how many weights a decode step reads: few at batch 1, all at a large batch.

    Parameters
    ----------
    experts
        Routed experts per block, ≥ 1 [1], any shape.
    top_k
        Experts that one token passes, from 0 to ``experts`` [1].
    tokens
        Tokens in the batch, ≥ 0 [token].

    Returns
    -------
    Numeric
        Distinct experts [1], from ``top_k`` at one token up to ``experts``.

    Notes
    -----
    ``E·(1 − (1 − k/E)^b)``. Real routing is correlated and touches fewer.

    Examples
    --------
    >>> round(float(expected_experts_touched(256, 8, 64)), 2)
    222.44
    """
    missed = np.log1p(-np.minimum(top_k / experts, _ALMOST_ALL))
    return -experts * np.expm1(tokens * missed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Parameters of a shape or of one of its layers, term by term [1].

    Parameters
    ----------
    attention
        Projections of attention and weights of recurrent mixers.
    dense_mlp, routed_experts, shared_experts, router
        Dense MLPs; all routed experts; shared experts, with the projections that every routed token passes; routers.
    vectors
        Norms, biases, convolutions and sinks.
    input_embedding, output_embedding
        Embedding tables; learned positions count with the input, and a tied table counts once, as output.
    routed_active
        Weights of the routed experts that one token passes.
    """

    attention: int = 0
    dense_mlp: int = 0
    routed_experts: int = 0
    shared_experts: int = 0
    router: int = 0
    vectors: int = 0
    input_embedding: int = 0
    output_embedding: int = 0
    routed_active: int = 0

    @property
    def embeddings(self) -> int:
        """Input and output embedding."""
        return self.input_embedding + self.output_embedding

    @property
    def always_active(self) -> int:
        """Parameters that multiply every token, whatever its routing: without input table and routed experts."""
        blocks = self.attention + self.dense_mlp + self.shared_experts + self.router
        return blocks + self.vectors + self.output_embedding

    @property
    def total(self) -> int:
        """All parameters."""
        return self.always_active + self.input_embedding + self.routed_experts

    @property
    def active(self) -> int:
        """Parameters active for one token, both embedding tables included."""
        return self.matmul_active + self.input_embedding

    @property
    def matmul_active(self) -> int:
        """Parameters that multiply one token: the active ones without the input embedding, which is a look-up."""
        return self.always_active + self.routed_active

    def __add__(self, other: ParameterCounts) -> ParameterCounts:
        """Add term by term."""
        return ParameterCounts(**{name: getattr(self, name) + getattr(other, name) for name in _TERMS})

    def times(self, count: int) -> ParameterCounts:
        """Return the terms of ``count`` equal layers."""
        return ParameterCounts(**{name: count * getattr(self, name) for name in _TERMS})


_TERMS = tuple(item.name for item in fields(ParameterCounts))


@lru_cache(maxsize=4096)
def layer_parameters(group: Group, d_model: int) -> ParameterCounts:
    """Count the parameters of one layer of a group, term by term.

    Parameters
    ----------
    group
        The equal layers.
    d_model
        Width of the residual stream [1].

    Examples
    --------
    >>> from costmodel.compute.mixers import Attention
    >>> layer = Group(layers=32, mixer=Attention(heads=32, kv_heads=8, head_dim=128), feed_forward=Dense(d_ff=14336))
    >>> layer_parameters(layer, 4096).attention / 1e6
    41.94304
    """
    norm = d_model * (2 if group.norm_bias else 1)
    vectors = group.norms * norm + group.extra
    attention = 0
    if group.mixer is not None:
        attention = sum(matrix.parameters for matrix in group.mixer.matrices(d_model))
        vectors += group.mixer.vectors(d_model)
    block = _feed_forward(group.feed_forward, d_model)
    return ParameterCounts(attention=attention, vectors=vectors) + block


def _feed_forward(block: FeedForward | None, d_model: int) -> ParameterCounts:
    """Count a feed-forward; biases of a dense one are vectors, those of experts belong to the expert."""
    if block is None:
        return ParameterCounts()
    if isinstance(block, Dense):
        return ParameterCounts(
            dense_mlp=int(mlp_parameters(d_model, block.d_ff, block.mlp_matrices)),
            vectors=_mlp_bias(block, d_model, block.d_ff),
        )
    width = block.width or d_model
    expert = int(mlp_parameters(width, block.d_ff_expert, block.mlp_matrices)) + _mlp_bias(
        block, width, block.d_ff_expert
    )
    inner = block.d_ff_shared or block.d_ff_expert
    shared = int(mlp_parameters(d_model, inner, block.mlp_matrices)) + _mlp_bias(block, d_model, inner)
    between = 2 * d_model * block.width
    return ParameterCounts(
        routed_experts=block.experts * expert,
        routed_active=block.top_k * expert,
        shared_experts=block.shared_experts * shared + between,
        router=block.experts * (d_model + int(block.router_bias)) + (d_model if block.shared_gate else 0),
        vectors=block.width_norm,
    )


def _mlp_bias(block: FeedForward, d_model: int, inner: int) -> int:
    """Return the bias elements of one MLP or expert."""
    return ((block.mlp_matrices - 1) * inner + d_model) if block.bias else 0


@lru_cache(maxsize=1024)
def count_parameters(shape: Shape) -> ParameterCounts:
    """Count the parameters of a shape, term by term.

    Heads for multi-token prediction and adapters are not part of it: see ``prediction_parameters`` and
    ``adapter_parameters``.

    Parameters
    ----------
    shape
        The structure.

    Returns
    -------
    ParameterCounts
        Counts [1], summed over groups of layers.

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> count_parameters(llama).total
    8030261248
    """
    norm = shape.d_model * (2 if shape.norm_bias else 1)
    width = shape.embedding_width or shape.d_model
    table = shape.vocabulary * width
    between = shape.d_model * width if shape.embedding_width else 0
    bias = shape.vocabulary if shape.head_bias else 0
    outside = ParameterCounts(
        vectors=norm * (int(shape.final_norm) + int(shape.embedding_norm)) + bias,
        attention=2 * between,
        input_embedding=shape.positions * shape.d_model + (0 if shape.tied_embeddings else table),
        output_embedding=table,
    )
    inputs = _layer_inputs(shape)
    return sum((layer_parameters(group, shape.d_model).times(group.layers) for group in shape.groups), outside + inputs)


def _layer_inputs(shape: Shape) -> ParameterCounts:
    """Count the layers' input embeddings: one table and projection for all, and a gate and an output for each layer."""
    width, layers = shape.layer_input, shape.layers
    if not width:
        return ParameterCounts()
    return ParameterCounts(
        input_embedding=shape.vocabulary * layers * width,
        dense_mlp=3 * shape.d_model * layers * width,
        vectors=width + layers * shape.d_model,
    )


def total_parameters(shape: Shape) -> int:
    """Count all parameters of a shape [1], without heads for multi-token prediction and adapters."""
    return count_parameters(shape).total


def active_parameters(shape: Shape) -> int:
    """Count the parameters active for one token [1], both embedding tables included."""
    return count_parameters(shape).active


def embedding_parameters(shape: Shape) -> int:
    """Count the parameters of the embedding tables [1], a tied table once."""
    return count_parameters(shape).embeddings


def matmul_parameters(shape: Shape) -> int:
    """Count the parameters that multiply one token [1]: the active ones without the input embedding."""
    return count_parameters(shape).matmul_active


def touched_experts(shape: Shape, tokens: Numeric) -> Numeric:
    """Return the routed experts' weights that a step over a batch is expected to touch [1], shaped as ``tokens``."""
    blocks = routed_blocks(shape)
    if not blocks:
        return 0.0 * tokens
    return ordered_sum(
        counts.routed_experts / float(experts) * expected_experts_touched(float(experts), top_k, tokens)
        for experts, top_k, counts in blocks
    )


@lru_cache(maxsize=1024)
def routed_blocks(shape: Shape) -> tuple[tuple[int, int, ParameterCounts], ...]:
    """Return experts, experts per token and counts of every kind of routed layer, combined over groups."""
    found: dict[tuple[int, int], ParameterCounts] = {}
    for group in shape.groups:
        if isinstance(group.feed_forward, Routed):
            key = (group.feed_forward.experts, group.feed_forward.top_k)
            counts = layer_parameters(group, shape.d_model).times(group.layers)
            found[key] = found.get(key, ParameterCounts()) + counts
    return tuple((experts, top_k, counts) for (experts, top_k), counts in found.items())


def touched_parameters(shape: Shape, tokens: Numeric) -> Numeric:
    """Return the parameters that one step over a batch reads.

    Parameters
    ----------
    shape
        The structure.
    tokens
        Tokens in the step, ≥ 0 [token], any shape.

    Returns
    -------
    Numeric
        Parameters [1], shaped as ``tokens``: those that multiply every token, plus the routed experts that the batch is
        expected to touch; the input table is not read as a whole.

    Examples
    --------
    >>> grok = Shape(name="moe", layers=1, d_model=8, heads=1, kv_heads=1, head_dim=8, vocabulary=10,
    ...              experts=4, top_k=2, d_ff_expert=16)
    >>> float(touched_parameters(grok, 1)) == count_parameters(grok).matmul_active
    True
    """
    return count_parameters(shape).always_active + touched_experts(shape, tokens)
