"""Uniform layers: identical except for windows, recurrences and leading dense blocks."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.compute.groups import GATED, PLAIN, Dense, FeedForward, Group, Routed
from costmodel.compute.mixers import Attention, LatentAttention, Matrix, Mixer, Recurrent


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Layers of a transformer that are identical except for windows, recurrences and leading dense blocks.

    :class:`Shape` accepts these fields in place of ``groups``.

    Parameters
    ----------
    layers
        Transformer blocks.
    d_model
        Width of the residual stream.
    heads
        Query heads.
    kv_heads
        Key-value heads: equal to ``heads`` for multi-head, 1 for multi-query, between for grouped-query
        attention; ignored by latent attention.
    head_dim
        Width of one head's queries, keys and values; ignored by latent attention.
    d_ff
        Inner width of the dense MLP; 0 where every block is a mixture of experts.
    mlp_matrices
        3 for a gated MLP, 2 for a plain one; the same for experts.
    parallel_blocks
        Whether attention and MLP of a block run side by side on one input.
    experts, shared_experts, top_k, d_ff_expert, dense_layers
        Mixture of experts: routed experts of a block, experts that every token passes, routed experts a
        token passes, inner width of one expert, and leading blocks that keep the dense MLP.
    q_rank, kv_rank, nope_dim, rope_dim, value_dim
        Latent attention: rank of the compressed queries (0: not compressed), rank of the cached latent,
        per-head width without and with position, per-head width of values.
    window, windowed_layers
        Sliding-window attention: tokens that a windowed block attends to, and how many blocks have it.
    full_kv_heads, full_head_dim
        Key-value heads and width of a head in the blocks without a window; 0: as ``kv_heads`` and ``head_dim``.
    recurrent_layers, recurrent_parameters, recurrent_state
        Hybrid models: blocks whose attention is replaced by a recurrence, weights of one such mixer, and
        elements of state that one sequence keeps in it.
    attention_bias, mlp_bias, norm_bias, norms_per_layer, qk_norm, attention_sinks, router_bias
        Small terms: bias vectors, norms of ``d_model`` per block, norms on queries and keys, one sink per
        query head, one bias per routed expert.
    """

    layers: int
    d_model: int
    heads: int
    kv_heads: int = 0
    head_dim: int = 0
    d_ff: int = 0
    mlp_matrices: int = GATED
    parallel_blocks: bool = False
    experts: int = 0
    shared_experts: int = 0
    top_k: int = 0
    d_ff_expert: int = 0
    dense_layers: int = 0
    q_rank: int = 0
    kv_rank: int = 0
    nope_dim: int = 0
    rope_dim: int = 0
    value_dim: int = 0
    window: int = 0
    windowed_layers: int = 0
    full_kv_heads: int = 0
    full_head_dim: int = 0
    recurrent_layers: int = 0
    recurrent_parameters: int = 0
    recurrent_state: int = 0
    attention_bias: bool = False
    mlp_bias: bool = False
    norm_bias: bool = False
    norms_per_layer: int = 2
    qk_norm: bool = False
    attention_sinks: bool = False
    router_bias: bool = False

    def groups(self) -> tuple[Group, ...]:
        """Return the groups of equal layers, at most four.

        Dense blocks lead. Which mixers they are paired with does not matter: every count sums over mixers and blocks
        separately.
        """
        recurrent, windowed = self.recurrent_layers, self.windowed_layers
        mixers: list[tuple[int, Mixer]] = [(self.layers - windowed - recurrent, self._attention(0))]
        mixers.append((windowed, self._attention(self.window)))
        opaque = (Matrix("recurrence", self.recurrent_parameters, 1),)
        mixers.append((recurrent, Recurrent(heads=self.heads, weights=opaque, state=self.recurrent_state)))
        dense = self.dense_layers if self.experts else self.layers
        blocks: list[tuple[int, FeedForward]] = [(dense, self._dense()), (self.layers - dense, self._routed())]
        return tuple(
            Group(
                layers=layers,
                mixer=mixer,
                feed_forward=block,
                norms=self.norms_per_layer,
                norm_bias=self.norm_bias,
                parallel=self.parallel_blocks,
            )
            for layers, mixer, block in _overlay(mixers, blocks)
        )

    def _attention(self, window: int) -> Mixer:
        if self.kv_rank:
            return LatentAttention(
                heads=self.heads,
                q_rank=self.q_rank,
                kv_rank=self.kv_rank,
                nope_dim=self.nope_dim,
                rope_dim=self.rope_dim,
                value_dim=self.value_dim,
                window=window,
                qk_norm="head" if self.qk_norm else "none",
                bias=self.attention_bias,
                sinks=self.attention_sinks,
            )
        return Attention(
            heads=self.heads,
            kv_heads=self.kv_heads if window else self.full_kv_heads or self.kv_heads,
            head_dim=self.head_dim if window else self.full_head_dim or self.head_dim,
            window=window,
            qk_norm="head" if self.qk_norm else "none",
            bias=self.attention_bias,
            output_bias=self.attention_bias,
            sinks=self.attention_sinks,
        )

    def _dense(self) -> Dense:
        return Dense(d_ff=self.d_ff, mlp_matrices=self.mlp_matrices, bias=self.mlp_bias)

    def _routed(self) -> Routed:
        return Routed(
            experts=self.experts,
            top_k=self.top_k,
            d_ff_expert=self.d_ff_expert,
            shared_experts=self.shared_experts,
            mlp_matrices=self.mlp_matrices,
            bias=self.mlp_bias,
            router_bias=self.router_bias,
        )


def _overlay(
    mixers: list[tuple[int, Mixer]], blocks: list[tuple[int, FeedForward]]
) -> list[tuple[int, Mixer, FeedForward]]:
    """Split two runs of layers wherever either changes."""
    found: list[tuple[int, Mixer, FeedForward]] = []
    rest = [(count, block) for count, block in blocks if count]
    for count, mixer in mixers:
        left = count
        while left:
            most, block = rest[0]
            taken = min(left, most)
            found.append((taken, mixer, block))
            left -= taken
            rest = [(most - taken, block), *rest[1:]] if most > taken else rest[1:]
    return found


def contradictions(shape: Uniform) -> list[tuple[str, str]]:
    """Return the fields that contradict others, with the rule that each breaks."""
    latent, routed = shape.kv_rank > 0, shape.experts > 0
    plain_layers = shape.dense_layers if routed else shape.layers
    checks = [
        ("layers", shape.layers >= 1, "must be ≥ 1"),
        ("d_model", shape.d_model >= 1, "must be ≥ 1"),
        ("heads", shape.heads >= 1, "must be ≥ 1"),
        ("mlp_matrices", shape.mlp_matrices in (PLAIN, GATED), "must be 2 (plain) or 3 (gated)"),
        ("kv_heads", latent or 1 <= shape.kv_heads <= shape.heads, "must be from 1 to heads"),
        ("kv_heads", latent or shape.heads % max(shape.kv_heads, 1) == 0, "must divide heads"),
        ("head_dim", latent or shape.head_dim >= 1, "must be ≥ 1"),
        ("full_kv_heads", not (latent and shape.full_kv_heads), "belongs to grouped attention, not to latent"),
        ("full_kv_heads", shape.heads % (shape.full_kv_heads or 1) == 0, "must divide heads"),
        ("full_head_dim", not (latent and shape.full_head_dim), "belongs to grouped attention, not to latent"),
        ("value_dim", not latent or shape.value_dim >= 1, "must be ≥ 1 with latent attention"),
        ("nope_dim", not latent or shape.nope_dim >= 1, "must be ≥ 1 with latent attention"),
        ("rope_dim", latent or shape.rope_dim == 0, "needs kv_rank: it belongs to latent attention"),
        ("top_k", not routed or 1 <= shape.top_k <= shape.experts, "must be from 1 to experts"),
        ("d_ff_expert", not routed or shape.d_ff_expert >= 1, "must be ≥ 1 with experts"),
        ("dense_layers", routed or shape.dense_layers == 0, "needs experts"),
        ("dense_layers", shape.dense_layers <= shape.layers, "must be at most layers"),
        ("shared_experts", routed or shape.shared_experts == 0, "needs experts"),
        ("d_ff", plain_layers == 0 or shape.d_ff >= 1, "must be ≥ 1: some blocks have a dense MLP"),
        ("window", (shape.window > 0) == (shape.windowed_layers > 0), "and windowed_layers go together"),
        (
            "windowed_layers",
            shape.windowed_layers + shape.recurrent_layers <= shape.layers,
            "and recurrent_layers must be at most layers together",
        ),
    ]
    return [(name, problem) for name, holds, problem in checks if not holds]
