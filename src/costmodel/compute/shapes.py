"""The shape of a transformer: the numbers from which parameters, bytes and FLOP follow.

A `Shape` is built from an architecture record and holds structure only: no published totals, no prices.
Every count in this floor (`parameters`, `cache`, `flop`, `memory`) is a function of a shape and of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from costmodel.foundation.errors import DomainError, near_matches

GATED = 3
"""Weight matrices of a gated MLP (gate, up, down)."""
PLAIN = 2
"""Weight matrices of a plain MLP (up, down)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The structure of a transformer.

    Parameters
    ----------
    name
        What the shape is called in messages.
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
    vocabulary
        Rows of the embedding table as stored.
    d_ff
        Inner width of the dense MLP; 0 where every block is a mixture of experts.
    mlp_matrices
        3 for a gated MLP, 2 for a plain one; the same for experts.
    tied_embeddings
        Whether input and output embedding are one matrix.
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
    recurrent_layers, recurrent_parameters, recurrent_state
        Hybrid models: blocks whose attention is replaced by a recurrence, weights of one such mixer, and
        elements of state that one sequence keeps in it.
    attention_bias, mlp_bias, norm_bias, norms_per_layer, qk_norm, attention_sinks, router_bias, positions
        Small terms: bias vectors, norms of ``d_model`` per block, norms on queries and keys, one sink per
        query head, one bias per routed expert, rows of a learned position table.

    Raises
    ------
    DomainError
        If a field is not a whole number ≥ 0 or the fields contradict each other.

    Examples
    --------
    >>> tiny = Shape(name="tiny", layers=2, d_model=64, heads=8, kv_heads=2, head_dim=8, vocabulary=100,
    ...              d_ff=256)
    >>> tiny.attention
    'GQA'
    """

    name: str
    layers: int
    d_model: int
    heads: int
    vocabulary: int
    kv_heads: int = 0
    head_dim: int = 0
    d_ff: int = 0
    mlp_matrices: int = GATED
    tied_embeddings: bool = False
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
    positions: int = 0

    def __post_init__(self) -> None:
        """Check every field, then the fields against each other."""
        for field in fields(self):
            _check_kind(self.name, field.name, getattr(self, field.name), str(field.type))
        for name, problem in _contradictions(self):
            raise DomainError(f"shape {self.name!r}: {name} = {getattr(self, name)!r} {problem}")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Shape:
        """Build a shape from a mapping of its fields.

        Raises
        ------
        DomainError
            If an entry is unknown, missing or out of range.

        Examples
        --------
        >>> Shape.from_record({"name": "t", "layers": 1, "d_model": 8, "heads": 1, "vocab": 9})
        Traceback (most recent call last):
        ...
        costmodel.foundation.errors.DomainError: shape 't': unknown entry 'vocab'; did you mean 'vocabulary'?
        """
        allowed = {field.name for field in fields(cls)}
        for key in record:
            if key not in allowed:
                hint = near_matches(key, allowed)
                raise DomainError(f"shape {record.get('name', '')!r}: unknown entry {key!r}{hint}")
        missing = [key for key in ("name", "layers", "d_model", "heads", "vocabulary") if key not in record]
        if missing:
            raise DomainError(f"shape {record.get('name', '')!r}: missing {', '.join(missing)}")
        return cls(**record)

    @property
    def latent(self) -> bool:
        """Whether attention keeps a compressed latent instead of keys and values."""
        return self.kv_rank > 0

    @property
    def attention(self) -> str:
        """``"MHA"``, ``"GQA"``, ``"MQA"`` or ``"MLA"``; window and recurrence are told by the layer counts."""
        if self.latent:
            return "MLA"
        if self.kv_heads == self.heads:
            return "MHA"
        return "MQA" if self.kv_heads == 1 else "GQA"

    @property
    def query_dim(self) -> int:
        """Width of one head's query and key."""
        return self.nope_dim + self.rope_dim if self.latent else self.head_dim

    @property
    def head_value_dim(self) -> int:
        """Width of one head's value."""
        return self.value_dim if self.latent else self.head_dim

    @property
    def moe_layers(self) -> int:
        """Blocks whose MLP is a mixture of experts."""
        return self.layers - self.dense_layers if self.experts else 0

    @property
    def plain_layers(self) -> int:
        """Blocks whose MLP is dense."""
        return self.layers - self.moe_layers

    @property
    def attention_layers(self) -> int:
        """Blocks with attention, windowed or not."""
        return self.layers - self.recurrent_layers

    @property
    def full_layers(self) -> int:
        """Blocks whose attention reaches the whole context."""
        return self.attention_layers - self.windowed_layers


def _check_kind(shape: str, name: str, value: object, kind: str) -> None:
    """Refuse a value that is not of its field's kind."""
    if kind == "str":
        if not isinstance(value, str):
            raise DomainError(f"shape {shape!r}: {name} = {value!r} must be text")
    elif kind == "bool":
        if not isinstance(value, bool):
            raise DomainError(f"shape {shape!r}: {name} = {value!r} must be true or false")
    elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DomainError(f"shape {shape!r}: {name} = {value!r} must be a whole number ≥ 0")


def _contradictions(shape: Shape) -> list[tuple[str, str]]:
    """Return the fields that contradict others, with what is allowed."""
    latent, routed = shape.kv_rank > 0, shape.experts > 0
    checks = [
        ("layers", shape.layers >= 1, "must be ≥ 1"),
        ("d_model", shape.d_model >= 1, "must be ≥ 1"),
        ("heads", shape.heads >= 1, "must be ≥ 1"),
        ("vocabulary", shape.vocabulary >= 1, "must be ≥ 1"),
        ("mlp_matrices", shape.mlp_matrices in (PLAIN, GATED), "must be 2 (plain) or 3 (gated)"),
        ("kv_heads", latent or 1 <= shape.kv_heads <= shape.heads, "must be from 1 to heads"),
        ("kv_heads", latent or shape.heads % max(shape.kv_heads, 1) == 0, "must divide heads"),
        ("head_dim", latent or shape.head_dim >= 1, "must be ≥ 1"),
        ("value_dim", not latent or shape.value_dim >= 1, "must be ≥ 1 with latent attention"),
        ("nope_dim", not latent or shape.nope_dim >= 1, "must be ≥ 1 with latent attention"),
        ("rope_dim", latent or shape.rope_dim == 0, "needs kv_rank: it belongs to latent attention"),
        ("top_k", not routed or 1 <= shape.top_k <= shape.experts, "must be from 1 to experts"),
        ("d_ff_expert", not routed or shape.d_ff_expert >= 1, "must be ≥ 1 with experts"),
        ("dense_layers", routed or shape.dense_layers == 0, "needs experts"),
        ("dense_layers", shape.dense_layers <= shape.layers, "must be at most layers"),
        ("shared_experts", routed or shape.shared_experts == 0, "needs experts"),
        ("d_ff", shape.plain_layers == 0 or shape.d_ff >= 1, "must be ≥ 1: some blocks have a dense MLP"),
        ("window", (shape.window > 0) == (shape.windowed_layers > 0), "and windowed_layers go together"),
        (
            "windowed_layers",
            shape.windowed_layers + shape.recurrent_layers <= shape.layers,
            "and recurrent_layers must be at most layers together",
        ),
    ]
    return [(name, problem) for name, holds, problem in checks if not holds]
