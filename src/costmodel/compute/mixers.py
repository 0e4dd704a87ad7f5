"""Token mixers of a layer: several kinds of attention, and recurrences.

Each describes structure only, through the same properties. Parameters, bytes and FLOP are computed from these:
``matrices``, ``vectors``, ``cached_elements``, ``read_elements``, ``index_elements``, ``state_elements``,
``state_work``, ``reach``, ``score_width`` and ``decode_score_width``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix that a token is multiplied with.

    Parameters
    ----------
    name
        Role of the matrix: ``query``, ``key_value``, ``output`` …
    inner, columns
        Dimension summed over, and width of the result.
    shards
        Largest number of parts into which tensor parallelism can split it; a device of ``t`` holds
        ``1/min(t, shards)`` of it.
    side
        Side that is split: ``columns`` on the way into a block, ``inner`` on the way out.
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
    """The indexer of sparse attention: a light attention that selects the tokens to read.

    Parameters
    ----------
    heads, dim
        Its query heads and their width; one key of ``dim`` is cached per token.
    query_rank
        Width from which its queries are projected; 0: the residual stream's.
    head_weights
        Whether a projection weights its heads.
    norm
        Elements of the norms on its queries and keys.
    """

    heads: int
    dim: int
    query_rank: int = 0
    head_weights: bool = True
    norm: int = 0

    def matrices(self, d_model: int) -> tuple[Matrix, ...]:
        """Return the projections of queries, of keys and of the weights of heads."""
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
        Tokens that the layer attends to and keeps; 0: all.
    selected
        Tokens that a sparse attention reads of those it keeps; 0: all.
    indexer
        Indexer that selects them; absent also where another layer's selection is used.
    gate
        Columns of a projection that gates the output, 0: none.
    shared_values
        Whether the key projection also serves as values; both are cached.
    reuses_cache
        Whether it reads another layer's keys and values: it has no key-value projections and caches nothing.
    qk_norm
        Norms on queries and keys: ``none``, per ``head`` (one vector of a head's width each), or over the ``whole``.
    bias, output_bias
        Whether the input projections, and the output projection, have bias vectors.
    sinks
        Whether each query head has a learned sink.
    extra_norm
        Elements of further norms inside the mixer.
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
        """Most tokens that a token attends to [token]."""
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
        """Return the weight matrices that multiply every token."""
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
        """Return the elements of norms, biases and sinks [1]."""
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
        Rank of the compressed queries (0: not compressed), and of the cached latent.
    nope_dim, rope_dim, value_dim
        Per-head width of queries and keys without position, with position (its key is shared by all heads), and of
        values.
    window, selected, indexer, gate, qk_norm, sinks
        As for :class:`Attention`; ``qk_norm = "head"`` adds norms on queries and keys to those on the two latents.
    bias
        Whether the down-projections and the output projection have bias vectors.

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
        """Most tokens that a token attends to [token]."""
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
        """Return the weight matrices that multiply every token."""
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
        """Return the elements of norms, biases and sinks [1]."""
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
        Heads over which tensor parallelism can split it.
    weights
        Its weight matrices.
    state
        Elements of state that one sequence keeps, for the recurrence and the convolution.
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
        """Return the weight matrices that multiply every token."""
        return self.weights

    def vectors(self, d_model: int) -> int:
        """Return the elements of norms, biases, convolutions and decay rates [1]."""
        return self.elements


Mixer: TypeAlias = Attention | LatentAttention | Recurrent
