"""The shape of a model: the numbers from which parameters, bytes and FLOP follow.

A `Shape` is a few groups of equal layers between embedding tables, and holds structure only: no published totals, no
prices. Every count in this floor (`parameters`, `cache`, `flop`, `memory`) is a function of a shape and of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from costmodel.compute.groups import (
    GATED,
    PLAIN,
    Adapter,
    Attention,
    Dense,
    FeedForward,
    Group,
    LatentAttention,
    Matrix,
    Mixer,
    Prediction,
    Recurrent,
    Routed,
    check_kind,
    check_parts,
    from_table,
    to_table,
)
from costmodel.foundation.errors import DomainError, near_matches

__all__ = ["GATED", "PLAIN", "Shape", "Uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """The layers of a transformer whose layers are alike but for windows, recurrences and leading dense blocks.

    What :class:`Shape` takes in place of ``groups``.

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
        Sliding-window attention: tokens that a windowed block attends to, and how many blocks have it; the same heads
        in both. Where they differ, write ``groups``.
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

        Dense blocks lead; which of the mixers they meet does not matter, as every count sums over both apart.
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
            kv_heads=self.kv_heads,
            head_dim=self.head_dim,
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
    """Cut two runs of layers where either changes."""
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


class _Shared:
    """A number that all groups that have it share; reading it from groups that differ is refused."""

    def __init__(self, part: str, attribute: str, only: type | tuple[type, ...], absent: Any = 0) -> None:
        self.part, self.attribute, self.only, self.absent = part, attribute, only, absent

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, shape: Any, owner: type) -> Any:
        if shape is None:
            return self
        values = {getattr(part, self.attribute) for part in self._parts(shape.groups)}
        if len(values) > 1:
            raise DomainError(
                f"shape {shape.name!r}: {self.name} differs between its groups of layers "
                f"({', '.join(map(str, sorted(values)))}): read it from each of .groups"
            )
        return values.pop() if values else self.absent

    def _parts(self, groups: tuple[Group, ...]) -> list[Any]:
        found = groups if not self.part else [getattr(group, self.part) for group in groups]
        return [part for part in found if isinstance(part, self.only)]

    def written(self, groups: tuple[Group, ...], value: Any) -> tuple[Group, ...]:
        """Return the groups with a value in place of theirs, wherever they have one."""
        changed = []
        for group in groups:
            part = group if not self.part else getattr(group, self.part)
            if isinstance(part, self.only):
                part = replace(part, **{self.attribute: value})
                group = part if not self.part else replace(group, **{self.part: part})
            changed.append(group)
        return tuple(changed)


_SOFTMAX = (Attention, LatentAttention)


@dataclass(frozen=True, slots=True, init=False)
class Shape:
    """The structure of a model.

    Parameters
    ----------
    name
        What the shape is called in messages.
    d_model
        Width of the residual stream.
    vocabulary
        Rows of the embedding table as stored.
    groups
        Groups of equal layers; or, in place of them, the fields of :class:`Uniform`.
    tied_embeddings
        Whether input and output embedding are one matrix.
    positions
        Rows of a learned position table.
    norm_bias, final_norm, embedding_norm
        Whether the norms outside the layers have biases; whether there is one after the last layer; after the
        embedding.
    embedding_width
        Width of the embedding tables where two projections lead to ``d_model`` and back; 0: the same.
    head_bias
        Whether the output embedding has a bias per entry.
    layer_input
        Width of an embedding of its own that every layer takes in beside the residual stream; 0: none.
    prediction
        Heads for multi-token prediction, counted apart.
    adapters
        Low-rank adapters, counted apart.
    notes
        What a reader of the source could not hold here or took for granted, in words.
    **uniform
        Fields of :class:`Uniform`. Beside ``groups`` they replace that number in every group that has it.

    Raises
    ------
    DomainError
        If a field is not a whole number ≥ 0 or the fields contradict each other.

    Examples
    --------
    >>> tiny = Shape(name="tiny", layers=2, d_model=64, heads=8, kv_heads=2, head_dim=8, vocabulary=100,
    ...              d_ff=256)
    >>> tiny.attention, len(tiny.groups)
    ('GQA', 1)

    Two kinds of attention, each with its own heads:

    >>> near = Group(layers=5, mixer=Attention(heads=8, kv_heads=4, head_dim=16, window=128),
    ...              feed_forward=Dense(d_ff=256))
    >>> far = Group(layers=1, mixer=Attention(heads=8, kv_heads=1, head_dim=32), feed_forward=Dense(d_ff=256))
    >>> Shape(name="two", d_model=64, vocabulary=100, groups=(near, far)).layers
    6
    """

    name: str
    d_model: int
    vocabulary: int
    groups: tuple[Group, ...]
    tied_embeddings: bool = False
    positions: int = 0
    norm_bias: bool = False
    final_norm: bool = True
    embedding_norm: bool = False
    embedding_width: int = 0
    head_bias: bool = False
    layer_input: int = 0
    prediction: Prediction | None = None
    adapters: tuple[Adapter, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    heads = _Shared("mixer", "heads", _SOFTMAX)
    kv_heads = _Shared("mixer", "kv_heads", Attention)
    head_dim = _Shared("mixer", "head_dim", Attention)
    query_dim = _Shared("mixer", "query_dim", _SOFTMAX)
    head_value_dim = _Shared("mixer", "head_value_dim", _SOFTMAX)
    q_rank = _Shared("mixer", "q_rank", LatentAttention)
    kv_rank = _Shared("mixer", "kv_rank", LatentAttention)
    nope_dim = _Shared("mixer", "nope_dim", LatentAttention)
    rope_dim = _Shared("mixer", "rope_dim", LatentAttention)
    value_dim = _Shared("mixer", "value_dim", LatentAttention)
    attention_sinks = _Shared("mixer", "sinks", _SOFTMAX, False)
    d_ff = _Shared("feed_forward", "d_ff", Dense)
    experts = _Shared("feed_forward", "experts", Routed)
    shared_experts = _Shared("feed_forward", "shared_experts", Routed)
    top_k = _Shared("feed_forward", "top_k", Routed)
    d_ff_expert = _Shared("feed_forward", "d_ff_expert", Routed)
    router_bias = _Shared("feed_forward", "router_bias", Routed, False)
    mlp_matrices = _Shared("feed_forward", "mlp_matrices", (Dense, Routed), GATED)
    mlp_bias = _Shared("feed_forward", "bias", (Dense, Routed), False)
    parallel_blocks = _Shared("", "parallel", Group, False)
    norms_per_layer = _Shared("", "norms", Group)

    def __init__(
        self,
        *,
        name: str,
        d_model: int,
        vocabulary: int,
        groups: tuple[Group, ...] = (),
        **entries: Any,
    ) -> None:
        """Take groups, or the fields of uniform layers; check every field, then the fields against each other."""
        own = {"name": name, "d_model": d_model, "vocabulary": vocabulary, **entries}
        uniform = {key: own.pop(key) for key in entries if key in _UNIFORM}
        allowed = {item.name: item for item in fields(Shape)}
        for key in own:
            if key not in allowed:
                raise DomainError(f"shape {name!r}: unknown entry {key!r}{near_matches(key, {*allowed, *_UNIFORM})}")
        if groups:
            built = _rewritten(name, tuple(groups), uniform)
        else:
            built = _uniform(name, {"d_model": d_model, "norm_bias": entries.get("norm_bias", False), **uniform})
        for item in allowed.values():
            value = built if item.name == "groups" else own.get(item.name, item.default)
            object.__setattr__(self, item.name, tuple(value) if isinstance(value, list) else value)
        _check(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Shape:
        """Build a shape from a mapping of its fields; groups and their parts are tables.

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
        where = f"shape {record.get('name', '')!r}"
        allowed = {item.name for item in fields(cls)} | _UNIFORM
        for key in record:
            if key not in allowed:
                raise DomainError(f"{where}: unknown entry {key!r}{near_matches(key, allowed)}")
        layers = () if "groups" in record else ("layers", "heads")
        missing = [key for key in ("name", "layers", "d_model", "heads", "vocabulary") if key not in record]
        missing = [key for key in missing if key in layers or key not in ("layers", "heads")]
        if missing:
            raise DomainError(f"{where}: missing {', '.join(missing)}")
        built = dict(record)
        for key, kind in (("groups", Group), ("adapters", Adapter)):
            if key in built:
                tables = built[key]
                if not isinstance(tables, list | tuple):
                    raise DomainError(f"{where}: {key} = {tables!r} must be a list of tables")
                built[key] = tuple(from_table(kind, one, f"{where}, {key}[{at}]") for at, one in enumerate(tables))
        if isinstance(built.get("prediction"), Mapping):
            built["prediction"] = from_table(Prediction, built["prediction"], f"{where}, prediction")
        return cls(**built)

    def to_record(self) -> dict[str, Any]:
        """Return the table that :meth:`from_record` reads back, defaults left out.

        Examples
        --------
        >>> tiny = Shape(name="tiny", layers=2, d_model=64, heads=8, kv_heads=2, head_dim=8, vocabulary=100, d_ff=256)
        >>> Shape.from_record(tiny.to_record()) == tiny
        True
        """
        return to_table(self)

    @property
    def layers(self) -> int:
        """Layers of all groups."""
        return sum(group.layers for group in self.groups)

    @property
    def latent(self) -> bool:
        """Whether attention keeps a compressed latent instead of keys and values, in any group."""
        return any(isinstance(group.mixer, LatentAttention) for group in self.groups)

    @property
    def attention(self) -> str:
        """``"MHA"``, ``"GQA"``, ``"MQA"``, ``"MLA"``, ``"none"``, or kinds joined by ``" + "``, most layers first.

        Window and recurrence are told by the layer counts.
        """
        counts: dict[str, int] = {}
        for group in self.groups:
            word = _attention_word(group.mixer)
            if word:
                counts[word] = counts.get(word, 0) + group.layers
        return " + ".join(sorted(counts, key=lambda word: -counts[word])) or "none"

    @property
    def moe_layers(self) -> int:
        """Layers whose feed-forward is a mixture of experts."""
        return sum(group.layers for group in self.groups if isinstance(group.feed_forward, Routed))

    @property
    def plain_layers(self) -> int:
        """Layers whose feed-forward is dense."""
        return sum(group.layers for group in self.groups if isinstance(group.feed_forward, Dense))

    @property
    def dense_layers(self) -> int:
        """Layers that keep a dense feed-forward in a mixture of experts."""
        return self.plain_layers if self.moe_layers else 0

    @property
    def attention_layers(self) -> int:
        """Layers with attention, windowed or not."""
        return sum(group.layers for group in self.groups if isinstance(group.mixer, _SOFTMAX))

    @property
    def recurrent_layers(self) -> int:
        """Layers with a recurrence."""
        return sum(group.layers for group in self.groups if isinstance(group.mixer, Recurrent))

    @property
    def windowed_layers(self) -> int:
        """Layers whose attention has a window."""
        return self.attention_layers - self.full_layers

    @property
    def full_layers(self) -> int:
        """Layers whose attention keeps the whole context."""
        kept = (group for group in self.groups if isinstance(group.mixer, _SOFTMAX) and not group.mixer.window)
        return sum(group.layers for group in kept)

    @property
    def window(self) -> int:
        """Tokens that windowed layers attend to; 0 where there are none."""
        windows = {group.mixer.window for group in self.groups if group.mixer is not None} - {0}
        if len(windows) > 1:
            raise DomainError(f"shape {self.name!r}: windows differ between its groups: read them from each of .groups")
        return windows.pop() if windows else 0

    @property
    def attention_bias(self) -> bool:
        """Whether projections of attention have biases, in any group."""
        return any(isinstance(group.mixer, _SOFTMAX) and group.mixer.bias for group in self.groups)

    @property
    def qk_norm(self) -> bool:
        """Whether queries and keys are normed, in any group."""
        return any(isinstance(group.mixer, _SOFTMAX) and group.mixer.qk_norm != "none" for group in self.groups)


_UNIFORM = frozenset(item.name for item in fields(Uniform)) - {"d_model", "norm_bias"}
_REQUIRED = tuple(item.name for item in fields(Uniform) if item.default is MISSING)


def _attention_word(mixer: Mixer | None) -> str:
    """Return the word for a mixer's attention; none for a recurrence."""
    if isinstance(mixer, LatentAttention):
        return "MLA"
    if not isinstance(mixer, Attention):
        return ""
    if mixer.kv_heads == mixer.heads:
        return "MHA"
    return "MQA" if mixer.kv_heads == 1 else "GQA"


def _uniform(name: str, given: dict[str, Any]) -> tuple[Group, ...]:
    """Return the groups of uniform layers."""
    missing = [key for key in _REQUIRED if key not in given]
    if missing:
        raise DomainError(f"shape {name!r}: missing {', '.join(missing)}: give groups, or layers, heads and so on")
    where = f"shape {name!r}"
    uniform = Uniform(**given)
    for item in fields(uniform):
        check_kind(getattr(uniform, item.name), item.name, str(item.type), where)
    for key, problem in _contradictions(uniform):
        raise DomainError(f"{where}: {key} = {getattr(uniform, key)!r} {problem}")
    return uniform.groups()


def _rewritten(name: str, groups: tuple[Group, ...], changes: dict[str, Any]) -> tuple[Group, ...]:
    """Return groups with some numbers replaced in every group that has them."""
    for key, value in changes.items():
        shared = vars(Shape).get(key)
        if key == "layers" and len(groups) == 1:
            groups = (replace(groups[0], layers=value),)
        elif isinstance(shared, _Shared):
            groups = shared.written(groups, value)
        else:
            raise DomainError(f"shape {name!r}: {key} = {value!r} belongs to each group: write it there")
    return groups


def _check(shape: Shape) -> None:
    """Refuse a shape whose fields are not of their kinds or whose parts contradict each other."""
    where = f"shape {shape.name!r}"
    check_parts(shape, where)
    for name in ("d_model", "vocabulary"):
        if getattr(shape, name) < 1:
            raise DomainError(f"{where}: {name} = {getattr(shape, name)!r} must be ≥ 1")
    if not all(isinstance(group, Group) for group in shape.groups):
        raise DomainError(f"{where}: groups must be Group objects; from_record reads tables")


def _contradictions(shape: Uniform) -> list[tuple[str, str]]:
    """Return the fields that contradict others, with what is allowed."""
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
