"""What a layer is made of: a token mixer, a feed-forward, and the group of equal layers that has them.

Mixers (:class:`Attention`, :class:`LatentAttention`, :class:`Recurrent`) and feed-forwards (:class:`Dense`,
:class:`Routed`) state structure only. Whatever counts, moves or computes reads the same few properties of each:
``matrices``, ``vectors``, ``cached_elements``, ``index_elements``, ``state_elements``, ``reach`` and ``score_width``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, ClassVar, Literal, TypeAlias

from costmodel.foundation.errors import DomainError, near_matches

GATED = 3
"""Weight matrices of a gated MLP (gate, up, down)."""
PLAIN = 2
"""Weight matrices of a plain MLP (up, down)."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix that a token is multiplied with.

    Parameters
    ----------
    name
        What it does: ``query``, ``key_value``, ``output`` …
    inner, columns
        The dimension that is summed over, and the width of the result.
    shards
        Most parts into which tensor parallelism can cut it; a device of ``t`` holds ``1/min(t, shards)`` of it.
    side
        The side that is cut: ``columns`` on the way into a block, ``inner`` on the way out.
    """

    name: str
    inner: int
    columns: int
    shards: int = 1
    side: Literal["columns", "inner"] = "columns"

    @property
    def parameters(self) -> int:
        """Weights [1]."""
        return self.inner * self.columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexer:
    """The light attention that chooses which tokens a sparse attention reads.

    Parameters
    ----------
    heads, dim
        Its query heads and their width; one key of ``dim`` is cached per token.
    query_rank
        Width that its queries are projected from; 0: the residual stream.
    head_weights
        Whether a projection weighs its heads.
    norm
        Elements of the norms on its queries and keys.
    """

    heads: int
    dim: int
    query_rank: int = 0
    head_weights: bool = True
    norm: int = 0

    def matrices(self, d_model: int) -> tuple[Matrix, ...]:
        """Projections of queries, of keys and of the weights of heads."""
        found = [
            Matrix("index_query", self.query_rank or d_model, self.heads * self.dim),
            Matrix("index_key", d_model, self.dim),
        ]
        if self.head_weights:
            found.append(Matrix("index_weight", d_model, self.heads))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Attention over cached keys and values: multi-head, grouped-query or multi-query.

    Parameters
    ----------
    heads, kv_heads
        Query heads; key-value heads.
    head_dim, value_dim
        Width of a head's query and key; of its value (0: the same).
    window
        Tokens that it attends to and keeps; 0: all.
    selected
        Tokens that a sparse attention reads of those it keeps; 0: all.
    indexer
        What selects them; absent also where another layer's choice is used.
    gate
        Columns of a projection that gates the output, 0: none.
    shared_values
        Whether the key projection serves for values too; both are cached.
    reuses_cache
        Whether keys and values of another layer are read: no projections of its own, nothing cached.
    qk_norm
        Norms on queries and keys: ``none``, per ``head`` (one vector of a head's width each), or over the ``whole``.
    bias, output_bias
        Bias vectors of the projections in, and of the projection out.
    sinks
        Whether each query head has a learned sink.
    extra_norm
        Elements of further norms inside.
    """

    kind: ClassVar[str] = "grouped"
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int = 0
    window: int = 0
    selected: int = 0
    indexer: Indexer | None = None
    gate: int = 0
    shared_values: bool = False
    reuses_cache: bool = False
    qk_norm: Literal["none", "head", "whole"] = "none"
    bias: bool = False
    output_bias: bool = False
    sinks: bool = False
    extra_norm: int = 0

    @property
    def query_dim(self) -> int:
        """Width of one head's query and key."""
        return self.head_dim

    @property
    def head_value_dim(self) -> int:
        """Width of one head's value."""
        return self.value_dim or self.head_dim

    @property
    def reach(self) -> float:
        """Tokens that a token attends to at most [token]."""
        return float(min(self.window or inf, self.selected or inf))

    @property
    def score_width(self) -> int:
        """Multiply-adds of scores and weighted values per token attended to [1]."""
        return self.heads * (self.query_dim + self.head_value_dim)

    @property
    def decode_score_width(self) -> int:
        """The same where decoding works on what is cached."""
        return self.score_width

    @property
    def cached_elements(self) -> int:
        """Elements that a token adds to the cache [1]."""
        return 0 if self.reuses_cache else self.kv_heads * (self.query_dim + self.head_value_dim)

    @property
    def read_elements(self) -> int:
        """Elements read per token attended to [1]."""
        return self.kv_heads * (self.query_dim + self.head_value_dim)

    @property
    def index_elements(self) -> int:
        """Elements that a token adds to the cache of the indexer [1]."""
        return 0 if self.indexer is None else self.indexer.dim

    @property
    def cache_shards(self) -> int:
        """Most parts into which the cache can be cut [1]."""
        return self.kv_heads

    state_elements: ClassVar[int] = 0
    state_work: ClassVar[int] = 0

    def matrices(self, d_model: int) -> tuple[Matrix, ...]:
        """Weight matrices that every token is multiplied with."""
        heads, kv_heads = self.heads, self.kv_heads
        found = [Matrix("query", d_model, heads * self.query_dim, heads)]
        if not self.reuses_cache:
            values = 0 if self.shared_values else self.head_value_dim
            found.append(Matrix("key_value", d_model, kv_heads * (self.query_dim + values), kv_heads))
        if self.gate:
            found.append(Matrix("gate", d_model, self.gate, heads))
        found.append(Matrix("output", heads * self.head_value_dim, d_model, heads, "inner"))
        return (*found, *(() if self.indexer is None else self.indexer.matrices(d_model)))

    def vectors(self, d_model: int) -> int:
        """Elements of norms, biases and sinks [1]."""
        own_keys = 0 if self.reuses_cache else 1
        keys = own_keys * self.kv_heads
        found = self.extra_norm + (0 if self.indexer is None else self.indexer.norm)
        if self.qk_norm == "head":
            found += (1 + own_keys) * self.query_dim
        elif self.qk_norm == "whole":
            found += (self.heads + keys) * self.query_dim
        if self.bias:
            found += self.heads * self.query_dim + keys * (self.query_dim + self.head_value_dim)
        if self.output_bias:
            found += d_model
        return found + (self.heads if self.sinks else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: a compressed latent is cached instead of keys and values.

    Parameters
    ----------
    heads
        Query heads.
    q_rank, kv_rank
        Rank of the compressed queries (0: not compressed); rank of the cached latent.
    nope_dim, rope_dim, value_dim
        Per-head width of queries and keys without position; with it (shared by the heads' keys); of values.
    window, selected, indexer, gate, qk_norm, sinks
        As of :class:`Attention`; ``qk_norm = "head"`` adds norms on queries and keys to those on the two latents.
    bias
        Bias vectors of the projections down and out.

    References
    ----------
    DeepSeek-AI 2024, "DeepSeek-V3 Technical Report", arXiv 2412.19437, section 2.1.1.
    """

    kind: ClassVar[str] = "latent"
    heads: int
    q_rank: int = 0
    kv_rank: int
    nope_dim: int
    rope_dim: int = 0
    value_dim: int
    window: int = 0
    selected: int = 0
    indexer: Indexer | None = None
    gate: int = 0
    qk_norm: Literal["none", "head"] = "none"
    bias: bool = False
    sinks: bool = False

    kv_heads: ClassVar[int] = 1
    reuses_cache: ClassVar[bool] = False
    cache_shards: ClassVar[int] = 1
    state_elements: ClassVar[int] = 0
    state_work: ClassVar[int] = 0

    @property
    def query_dim(self) -> int:
        """Width of one head's query and key."""
        return self.nope_dim + self.rope_dim

    @property
    def head_value_dim(self) -> int:
        """Width of one head's value."""
        return self.value_dim

    @property
    def reach(self) -> float:
        """Tokens that a token attends to at most [token]."""
        return float(min(self.window or inf, self.selected or inf))

    @property
    def score_width(self) -> int:
        """Multiply-adds of scores and weighted values per token attended to, on unfolded keys and values [1]."""
        return self.heads * (self.query_dim + self.value_dim)

    @property
    def decode_score_width(self) -> int:
        """The same where decoding works on the latent itself [1]."""
        return self.heads * (2 * self.kv_rank + self.rope_dim)

    @property
    def cached_elements(self) -> int:
        """Elements that a token adds to the cache [1]."""
        return self.kv_rank + self.rope_dim

    @property
    def read_elements(self) -> int:
        """Elements read per token attended to [1]."""
        return self.cached_elements

    @property
    def index_elements(self) -> int:
        """Elements that a token adds to the cache of the indexer [1]."""
        return 0 if self.indexer is None else self.indexer.dim

    def matrices(self, d_model: int) -> tuple[Matrix, ...]:
        """Weight matrices that every token is multiplied with."""
        heads = self.heads
        found = [Matrix("query_down", d_model, self.q_rank)] if self.q_rank else []
        found += [
            Matrix("query", self.q_rank or d_model, heads * self.query_dim, heads),
            Matrix("latent", d_model, self.kv_rank + self.rope_dim),
            Matrix("unfold", self.kv_rank, heads * (self.nope_dim + self.value_dim), heads),
            Matrix("output", heads * self.value_dim, d_model, heads, "inner"),
        ]
        if self.gate:
            found.append(Matrix("gate", d_model, self.gate, heads))
        return (*found, *(() if self.indexer is None else self.indexer.matrices(d_model)))

    def vectors(self, d_model: int) -> int:
        """Elements of norms, biases and sinks [1]."""
        found = self.q_rank + self.kv_rank + (0 if self.indexer is None else self.indexer.norm)
        found += 2 * self.query_dim if self.qk_norm == "head" else 0
        if self.bias:
            found += self.q_rank + self.kv_rank + self.rope_dim + d_model
        return found + (self.heads if self.sinks else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """A mixer with a fixed state instead of a cache: linear attention or a state-space model.

    ``costmodel.compute.recurrent`` builds the published kinds from their own fields.

    Parameters
    ----------
    heads
        Heads over which tensor parallelism can spread it.
    weights
        Its weight matrices.
    state
        Elements of the state that one sequence keeps, the recurrence's and the convolution's.
    work
        Multiply-adds per token on the state: decay, update and read.
    elements
        Elements of norms, biases, convolutions and decay rates.
    """

    kind: ClassVar[str] = "recurrent"
    heads: int = 1
    weights: tuple[Matrix, ...] = ()
    state: int
    work: int = 0
    elements: int = 0

    window: ClassVar[int] = 0
    selected: ClassVar[int] = 0
    kv_heads: ClassVar[int] = 0
    query_dim: ClassVar[int] = 0
    head_value_dim: ClassVar[int] = 0
    reach: ClassVar[float] = 0.0
    score_width: ClassVar[int] = 0
    decode_score_width: ClassVar[int] = 0
    cached_elements: ClassVar[int] = 0
    read_elements: ClassVar[int] = 0
    index_elements: ClassVar[int] = 0
    cache_shards: ClassVar[int] = 0
    reuses_cache: ClassVar[bool] = False
    indexer: ClassVar[None] = None

    @property
    def state_elements(self) -> int:
        """Elements of state that a sequence keeps [1]."""
        return self.state

    @property
    def state_work(self) -> int:
        """Multiply-adds per token on the state [1]."""
        return self.work

    def matrices(self, d_model: int) -> tuple[Matrix, ...]:
        """Weight matrices that every token is multiplied with."""
        return self.weights

    def vectors(self, d_model: int) -> int:
        """Elements of norms, biases, convolutions and decay rates [1]."""
        return self.elements


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A dense MLP.

    Parameters
    ----------
    d_ff
        Inner width.
    mlp_matrices
        3 for a gated MLP, 2 for a plain one.
    bias
        Whether its projections have bias vectors.
    """

    kind: ClassVar[str] = "dense"
    d_ff: int
    mlp_matrices: int = GATED
    bias: bool = False

    @property
    def active_width(self) -> int:
        """Inner width that a token passes [1]."""
        return self.d_ff


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A mixture of experts, with experts or an MLP beside it that every token passes.

    Parameters
    ----------
    experts, top_k
        Routed experts; those that a token passes.
    d_ff_expert
        Inner width of a routed expert.
    shared_experts, d_ff_shared
        Experts that every token passes, and their inner width (0: as the routed).
    mlp_matrices, bias
        As of :class:`Dense`.
    router_bias, shared_gate
        One bias per routed expert; a gate on the shared experts' output.
    width
        Width that routed experts work in, between a projection down and one up; 0: the residual stream's.
    width_norm
        Elements of norms around it.
    """

    kind: ClassVar[str] = "routed"
    experts: int
    top_k: int
    d_ff_expert: int
    shared_experts: int = 0
    d_ff_shared: int = 0
    mlp_matrices: int = GATED
    bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    width: int = 0
    width_norm: int = 0

    @property
    def shared_width(self) -> int:
        """Inner width of all shared experts together [1]."""
        return self.shared_experts * (self.d_ff_shared or self.d_ff_expert)

    @property
    def active_width(self) -> int:
        """Inner width that a token passes [1]."""
        return self.top_k * self.d_ff_expert + self.shared_width


Mixer: TypeAlias = Attention | LatentAttention | Recurrent
FeedForward: TypeAlias = Dense | Routed


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Equal layers of a model.

    Parameters
    ----------
    layers
        How many.
    mixer
        What mixes tokens; absent where the layer has none.
    feed_forward
        What works on each token alone; absent where the layer has none.
    norms
        Norms of the model's width per layer.
    norm_bias
        Whether they have bias vectors.
    parallel
        Whether mixer and feed-forward run side by side on one input.
    extra
        Further elements per layer, such as learned scalars.

    Examples
    --------
    >>> Group(layers=2, mixer=Attention(heads=8, kv_heads=2, head_dim=8), feed_forward=Dense(d_ff=256)).layers
    2
    """

    layers: int
    mixer: Mixer | None = None
    feed_forward: FeedForward | None = None
    norms: int = 2
    norm_bias: bool = False
    parallel: bool = False
    extra: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Heads that predict further tokens (multi-token prediction), each a projection, norms and a layer or two.

    Parameters
    ----------
    heads
        How many of them.
    groups
        The layers of one head.
    merge
        Whether a projection brings the last hidden state and the next token's embedding together.
    norms
        Norms of the model's width beside those of its layers.
    own_tables
        Embedding tables of its own, 0 to 2; 0: it uses the model's.
    """

    heads: int = 1
    groups: tuple[Group, ...] = ()
    merge: bool = True
    norms: int = 3
    own_tables: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A low-rank adapter (LoRA) on matrices of every layer.

    Parameters
    ----------
    rank
        Its rank.
    targets
        Names of the matrices it sits on, as :class:`Matrix` names them, ``feed_forward`` and ``head``.
    loaded
        Adapters kept in memory at once.

    References
    ----------
    Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685, section 4.1.
    """

    rank: int
    targets: tuple[str, ...] = field(default=("query", "key_value", "output"))
    loaded: int = 1


_KINDS: dict[str, tuple[type, ...]] = {
    "mixer": (Attention, LatentAttention, Recurrent),
    "feed_forward": (Dense, Routed),
}
_NESTED: dict[str, type] = {"indexer": Indexer, "weights": Matrix, "groups": Group}


def from_table(kind: type, table: Mapping[str, Any], where: str) -> Any:
    """Build a group, or a part of one, from a written table.

    Parameters
    ----------
    kind
        The class to build.
    table
        Its fields; a mixer or feed-forward names its ``kind``: ``grouped``, ``latent``, ``recurrent``, ``dense`` or
        ``routed``.
    where
        What the table belongs to, for messages.

    Raises
    ------
    DomainError
        If an entry is unknown, missing or not of its kind.

    Examples
    --------
    >>> from_table(Group, {"layers": 2, "feed_forward": {"kind": "dense", "d_ff": 8}}, "mine").feed_forward.d_ff
    8
    """
    if not isinstance(table, Mapping):
        raise DomainError(f"{where}: {table!r} must be a table of fields")
    allowed = {item.name for item in fields(kind)}
    built: dict[str, Any] = {}
    for key, value in table.items():
        if key not in allowed:
            raise DomainError(f"{where}: unknown entry {key!r}{near_matches(str(key), allowed)}")
        built[key] = _part(key, value, f"{where}, {key}")
    try:
        return kind(**built)
    except TypeError as error:
        raise DomainError(f"{where}: {str(error).partition('__init__() ')[2]}") from None


def _part(key: str, value: Any, where: str) -> Any:
    """Build what a nested entry describes; leave plain values as they are."""
    if value is None or not isinstance(value, Mapping | list | tuple):
        return value
    if key in _KINDS:
        named = {part.kind: part for part in _KINDS[key]}
        table = dict(value)
        chosen = table.pop("kind", None)
        if chosen not in named:
            raise DomainError(f"{where}: kind = {chosen!r}: allowed are {', '.join(map(repr, named))}")
        return from_table(named[chosen], table, where)
    if key not in _NESTED:
        return tuple(value) if isinstance(value, list) else value
    if isinstance(value, Mapping):
        return from_table(_NESTED[key], value, where)
    return tuple(from_table(_NESTED[key], item, f"{where}[{place}]") for place, item in enumerate(value))


def to_table(part: Any) -> dict[str, Any]:
    """Return the table that :func:`from_table` reads back, defaults left out.

    Examples
    --------
    >>> to_table(Group(layers=2, norms=1, feed_forward=Dense(d_ff=8)))
    {'layers': 2, 'feed_forward': {'kind': 'dense', 'd_ff': 8}, 'norms': 1}
    """
    kind = {"kind": part.kind} if hasattr(part, "kind") else {}
    written = {}
    for item in fields(part):
        value = getattr(part, item.name)
        if value == item.default or value is None:
            continue
        if isinstance(value, tuple):
            written[item.name] = [to_table(one) if hasattr(one, "__dataclass_fields__") else one for one in value]
        else:
            written[item.name] = to_table(value) if hasattr(value, "__dataclass_fields__") else value
    return kind | written


def check_parts(part: Any, where: str) -> None:
    """Refuse parts whose numbers are not whole and at least 0, or contradict each other.

    Raises
    ------
    DomainError
        The first fault, with where it is.
    """
    for item in fields(part):
        value = getattr(part, item.name)
        if isinstance(value, tuple):
            for place, one in enumerate(value):
                if hasattr(one, "__dataclass_fields__"):
                    check_parts(one, f"{where}, {item.name}[{place}]")
        elif hasattr(value, "__dataclass_fields__"):
            check_parts(value, f"{where}, {item.name}")
        else:
            check_kind(value, item.name, str(item.type), where)
    for name, holds, problem in _rules(part):
        if not holds:
            raise DomainError(f"{where}: {name} = {getattr(part, name)!r} {problem}")


def check_kind(value: object, name: str, kind: str, where: str) -> None:
    """Refuse a value that is not of its field's kind.

    Raises
    ------
    DomainError
        If it is not text, true or false, a whole number ≥ 0, or one of the words allowed.
    """
    if kind.startswith("Literal"):
        words = kind.removeprefix("Literal[").removesuffix("]")
        if repr(value).replace("'", '"') not in words.split(", "):
            raise DomainError(f"{where}: {name} = {value!r}: allowed are {words}")
    elif kind == "str":
        if not isinstance(value, str):
            raise DomainError(f"{where}: {name} = {value!r} must be text")
    elif kind == "bool":
        if not isinstance(value, bool):
            raise DomainError(f"{where}: {name} = {value!r} must be true or false")
    elif kind == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise DomainError(f"{where}: {name} = {value!r} must be a whole number ≥ 0")


def _rules(part: Any) -> list[tuple[str, bool, str]]:
    """Return field, whether its rule holds, and the rule."""
    match part:
        case Group():
            return [("layers", part.layers >= 1, "must be ≥ 1")]
        case Attention():
            return [
                ("heads", part.heads >= 1, "must be ≥ 1"),
                ("kv_heads", 1 <= part.kv_heads <= part.heads, "must be from 1 to heads"),
                ("kv_heads", part.heads % max(part.kv_heads, 1) == 0, "must divide heads"),
                ("head_dim", part.head_dim >= 1, "must be ≥ 1"),
            ]
        case LatentAttention():
            return [
                ("heads", part.heads >= 1, "must be ≥ 1"),
                ("kv_rank", part.kv_rank >= 1, "must be ≥ 1"),
                ("value_dim", part.value_dim >= 1, "must be ≥ 1 with latent attention"),
                ("nope_dim", part.nope_dim >= 1, "must be ≥ 1 with latent attention"),
            ]
        case Dense():
            return [
                ("d_ff", part.d_ff >= 1, "must be ≥ 1"),
                ("mlp_matrices", part.mlp_matrices in (PLAIN, GATED), "must be 2 (plain) or 3 (gated)"),
            ]
        case Routed():
            return [
                ("experts", part.experts >= 1, "must be ≥ 1"),
                ("top_k", 1 <= part.top_k <= part.experts, "must be from 1 to experts"),
                ("d_ff_expert", part.d_ff_expert >= 1, "must be ≥ 1 with experts"),
                ("mlp_matrices", part.mlp_matrices in (PLAIN, GATED), "must be 2 (plain) or 3 (gated)"),
            ]
        case Indexer():
            return [("heads", part.heads >= 1, "must be ≥ 1"), ("dim", part.dim >= 1, "must be ≥ 1")]
        case Adapter():
            return [("rank", part.rank >= 1, "must be ≥ 1"), ("loaded", part.loaded >= 1, "must be ≥ 1")]
        case _:
            return []
