"""Parameter counts: what a shape holds, and what one token or one batch touches.

Published totals go wrong in four places: query heads read as key-value heads, experts counted once, a gated
MLP counted with two matrices, tied embeddings counted twice. Every term here is apart, so that a sum can be
checked against a model card line by line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula


@formula()
def grouped_attention_parameters(d_model: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric) -> Numeric:
    """Weights of one attention block with grouped key-value heads.

    Multi-head attention has ``kv_heads = heads``, multi-query attention ``kv_heads = 1``.

    Parameters
    ----------
    d_model
        Width of the residual stream, > 0 [1], any shape.
    heads
        Query heads, > 0 [1].
    kv_heads
        Key-value heads, > 0 [1].
    head_dim
        Width of a head, > 0 [1].

    Returns
    -------
    Numeric
        Parameters [1] of the query, key, value and output projections, without biases.

    Notes
    -----
    ``2·d·h·n_q + 2·d·h·n_kv``.

    References
    ----------
    Ainslie et al. 2023, "GQA", arXiv 2305.13245, section 2.

    Examples
    --------
    >>> grouped_attention_parameters(4096, 32, 8, 128) / 1e6
    41.94304
    """
    return 2 * d_model * head_dim * (heads + kv_heads)


@formula()
def latent_attention_parameters(
    d_model: Numeric,
    heads: Numeric,
    q_rank: Numeric,
    kv_rank: Numeric,
    nope_dim: Numeric,
    rope_dim: Numeric,
    value_dim: Numeric,
) -> Numeric:
    """Weights of one block of multi-head latent attention with compressed queries.

    Parameters
    ----------
    d_model
        Width of the residual stream, > 0 [1], any shape.
    heads
        Query heads, > 0 [1].
    q_rank
        Rank of the compressed queries, > 0 [1].
    kv_rank
        Rank of the cached latent, > 0 [1].
    nope_dim
        Width of a head's part without position, > 0 [1].
    rope_dim
        Width of the part with position: per head in queries, shared in keys, ≥ 0 [1].
    value_dim
        Width of a head's value, > 0 [1].

    Returns
    -------
    Numeric
        Parameters [1] of down-, up- and output projections, without norms.

    Notes
    -----
    ``d·r_q + r_q·n·(d_n + d_r) + d·(r_kv + d_r) + r_kv·n·(d_n + d_v) + n·d_v·d``.

    References
    ----------
    DeepSeek-AI 2024, "DeepSeek-V3 Technical Report", arXiv 2412.19437, section 2.1.1.

    Examples
    --------
    >>> latent_attention_parameters(7168, 128, 1536, 512, 128, 64, 128) / 1e6
    187.10528
    """
    queries = d_model * q_rank + q_rank * heads * (nope_dim + rope_dim)
    latent = d_model * (kv_rank + rope_dim) + kv_rank * heads * (nope_dim + value_dim)
    return queries + latent + heads * value_dim * d_model


@formula()
def mlp_parameters(d_model: Numeric, inner: Numeric, matrices: Numeric) -> Numeric:
    """Weights of one MLP or of one expert.

    Parameters
    ----------
    d_model
        Width of the residual stream, > 0 [1], any shape.
    inner
        Inner width, > 0 [1].
    matrices
        3 for a gated MLP, 2 for a plain one [1].

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


@formula()
def expected_experts_touched(experts: Numeric, top_k: Numeric, tokens: Numeric) -> Numeric:
    """Routed experts of one block that a batch is expected to touch, under balanced independent routing.

    What decides how many weights a decode step reads: few at batch 1, all at a large batch.

    Parameters
    ----------
    experts
        Routed experts of a block, ≥ 1 [1], any shape.
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
    return experts * (1.0 - np.power(1.0 - top_k / experts, tokens))


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Parameters of a shape, term by term.

    Parameters
    ----------
    attention
        Projections of attention and weights of recurrent mixers, all blocks.
    dense_mlp, routed_experts, shared_experts, router
        Dense MLPs; routed experts (all of them); shared experts; routers.
    vectors
        Norms, biases and sinks.
    input_embedding, output_embedding
        Embedding tables, learned positions with the input; a tied table is counted once, as output.
    routed_active
        Weights of the routed experts that one token passes.
    """

    attention: int
    dense_mlp: int
    routed_experts: int
    shared_experts: int
    router: int
    vectors: int
    input_embedding: int
    output_embedding: int
    routed_active: int

    @property
    def embeddings(self) -> int:
        """Input and output embedding."""
        return self.input_embedding + self.output_embedding

    @property
    def always_active(self) -> int:
        """Everything that each token multiplies, whatever it is routed to: no input table, no routed expert."""
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
        """Parameters that one token is multiplied with: active without the input embedding, a look-up."""
        return self.always_active + self.routed_active


def count_parameters(shape: Shape) -> ParameterCounts:
    """Count the parameters of a shape, term by term.

    Parameters
    ----------
    shape
        The structure.

    Returns
    -------
    ParameterCounts
        Counts [1].

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> count_parameters(llama).total
    8030261248
    """
    expert = mlp_parameters(shape.d_model, shape.d_ff_expert, shape.mlp_matrices)
    expert += _mlp_bias(shape, shape.d_ff_expert)
    dense = mlp_parameters(shape.d_model, shape.d_ff, shape.mlp_matrices)
    table = shape.vocabulary * shape.d_model
    return ParameterCounts(
        attention=shape.attention_layers * _attention(shape) + shape.recurrent_layers * shape.recurrent_parameters,
        dense_mlp=shape.plain_layers * dense,
        routed_experts=shape.moe_layers * shape.experts * expert,
        shared_experts=shape.moe_layers * shape.shared_experts * expert,
        router=shape.moe_layers * shape.experts * (shape.d_model + int(shape.router_bias)),
        vectors=_vectors(shape),
        input_embedding=shape.positions * shape.d_model + (0 if shape.tied_embeddings else table),
        output_embedding=table,
        routed_active=shape.moe_layers * shape.top_k * expert,
    )


def total_parameters(shape: Shape) -> int:
    """All parameters of a shape [1]."""
    return count_parameters(shape).total


def active_parameters(shape: Shape) -> int:
    """Parameters active for one token [1], both embedding tables included."""
    return count_parameters(shape).active


def embedding_parameters(shape: Shape) -> int:
    """Parameters of the embedding tables [1], a tied table once."""
    return count_parameters(shape).embeddings


def matmul_parameters(shape: Shape) -> int:
    """Parameters that one token is multiplied with [1]: active without the input embedding."""
    return count_parameters(shape).matmul_active


def touched_parameters(shape: Shape, tokens: Numeric) -> Numeric:
    """Parameters that one step over a batch reads.

    Parameters
    ----------
    shape
        The structure.
    tokens
        Tokens in the step, ≥ 0 [token], any shape.

    Returns
    -------
    Numeric
        Parameters [1], shaped as ``tokens``: those of every token, plus the routed experts that the batch is
        expected to touch; the input table is looked up, not read.

    Examples
    --------
    >>> grok = Shape(name="moe", layers=1, d_model=8, heads=1, kv_heads=1, head_dim=8, vocabulary=10,
    ...              experts=4, top_k=2, d_ff_expert=16)
    >>> float(touched_parameters(grok, 1)) == count_parameters(grok).matmul_active
    True
    """
    counts = count_parameters(shape)
    routed_share = expected_experts_touched(max(shape.experts, 1), shape.top_k, tokens) / max(shape.experts, 1)
    return counts.always_active + counts.routed_experts * routed_share


def _attention(shape: Shape) -> int:
    """Weights of one block's attention."""
    if not shape.latent:
        return int(grouped_attention_parameters(shape.d_model, shape.heads, shape.kv_heads, shape.head_dim))
    if shape.q_rank:
        return int(
            latent_attention_parameters(
                shape.d_model,
                shape.heads,
                shape.q_rank,
                shape.kv_rank,
                shape.nope_dim,
                shape.rope_dim,
                shape.value_dim,
            )
        )
    queries = shape.d_model * shape.heads * shape.query_dim
    latent = shape.d_model * (shape.kv_rank + shape.rope_dim)
    unfolded = shape.kv_rank * shape.heads * (shape.nope_dim + shape.value_dim)
    return queries + latent + unfolded + shape.heads * shape.value_dim * shape.d_model


def _mlp_bias(shape: Shape, inner: int) -> int:
    """Bias elements of one MLP or expert."""
    return ((shape.mlp_matrices - 1) * inner + shape.d_model) if shape.mlp_bias else 0


def _vectors(shape: Shape) -> int:
    """Norms, biases and sinks of all blocks, with the last norm."""
    norm = shape.d_model * (2 if shape.norm_bias else 1)
    block = shape.norms_per_layer * norm
    attention = 0
    if shape.latent:
        attention += shape.q_rank + shape.kv_rank
    if shape.qk_norm:
        attention += 2 * shape.query_dim
    if shape.attention_bias:
        attention += (shape.heads + 2 * shape.kv_heads) * shape.head_dim + shape.d_model
    if shape.attention_sinks:
        attention += shape.heads
    mlp = shape.plain_layers * _mlp_bias(shape, shape.d_ff)
    return shape.layers * block + shape.attention_layers * attention + mlp + norm
