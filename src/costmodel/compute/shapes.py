"""Shape of a model: the numbers that determine parameters, bytes and FLOP.

A `Shape` is a few groups of equal layers between embedding tables. It holds structure only: no published totals, no
prices. Every count (`parameters`, `cache`, `flop`, `memory`) is a function of a shape and of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, ClassVar

from costmodel.compute.groups import GATED, Adapter, Dense, Group, Prediction, Routed
from costmodel.compute.mixers import Attention, LatentAttention, Mixer, Recurrent
from costmodel.compute.uniform import Uniform, contradictions
from costmodel.compute.written import check_kind, check_parts, from_table, to_table
from costmodel.foundation.errors import DomainError, near_matches


def _replaced(part: Any, changes: dict[str, Any]) -> Any:
    """Return a part with some fields replaced."""
    return replace(part, **changes)


class _Shared:
    """A number shared by all groups that have it; reading it raises an error if the groups differ."""

    part: str
    attribute: str
    only: type[Any] | tuple[type[Any], ...]
    absent: Any
    name: str

    def __init__(self, part: str, attribute: str, only: type[Any] | tuple[type[Any], ...], absent: Any = 0) -> None:
        self.part, self.attribute, self.only, self.absent = part, attribute, only, absent

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, shape: Any, owner: type[Any]) -> Any:
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
        found = [group if not self.part else getattr(group, self.part) for group in groups]
        return [part for part in found if isinstance(part, self.only)]

    def written(self, groups: tuple[Group, ...], value: Any) -> tuple[Group, ...]:
        """Return the groups with a value in place of theirs, wherever they have one."""
        changed = []
        for group in groups:
            part: Any = group if not self.part else getattr(group, self.part)
            if isinstance(part, self.only):
                part = _replaced(part, {self.attribute: value})
                changed.append(part if not self.part else replace(group, **{self.part: part}))
            else:
                changed.append(group)
        return tuple(changed)


_SOFTMAX = (Attention, LatentAttention)


@dataclass(frozen=True, slots=True, init=False)
class Shape:
    """The structure of a model.

    Parameters
    ----------
    name
        Name of the shape, for messages.
    d_model
        Width of the residual stream.
    vocabulary
        Rows of the embedding table as stored.
    groups
        Groups of equal layers. Alternatively give the fields of :class:`Uniform`.
    tied_embeddings
        Whether input and output embedding are one matrix.
    positions
        Rows of a learned position table.
    norm_bias, final_norm, embedding_norm
        Whether the norms outside the layers have biases; whether there is a norm after the last layer; whether there is
        one after the embedding.
    embedding_width
        Width of the embedding tables where two projections lead to ``d_model`` and back; 0: the same.
    head_bias
        Whether the output embedding has a bias per entry.
    layer_input
        Width of a separate embedding that every layer takes in beside the residual stream; 0: none.
    prediction
        Heads for multi-token prediction, counted separately.
    adapters
        Low-rank adapters, counted separately.
    notes
        Remarks on what was assumed, or could not be represented, when the source was read.
    **uniform
        Fields of :class:`Uniform`. With ``groups``, they replace the number in every group that has it.

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

    heads: ClassVar[_Shared] = _Shared("mixer", "heads", _SOFTMAX)
    kv_heads: ClassVar[_Shared] = _Shared("mixer", "kv_heads", Attention)
    head_dim: ClassVar[_Shared] = _Shared("mixer", "head_dim", Attention)
    query_dim: ClassVar[_Shared] = _Shared("mixer", "query_dim", _SOFTMAX)
    head_value_dim: ClassVar[_Shared] = _Shared("mixer", "head_value_dim", _SOFTMAX)
    q_rank: ClassVar[_Shared] = _Shared("mixer", "q_rank", LatentAttention)
    kv_rank: ClassVar[_Shared] = _Shared("mixer", "kv_rank", LatentAttention)
    nope_dim: ClassVar[_Shared] = _Shared("mixer", "nope_dim", LatentAttention)
    rope_dim: ClassVar[_Shared] = _Shared("mixer", "rope_dim", LatentAttention)
    value_dim: ClassVar[_Shared] = _Shared("mixer", "value_dim", LatentAttention)
    attention_sinks: ClassVar[_Shared] = _Shared("mixer", "sinks", _SOFTMAX, False)
    d_ff: ClassVar[_Shared] = _Shared("feed_forward", "d_ff", Dense)
    experts: ClassVar[_Shared] = _Shared("feed_forward", "experts", Routed)
    shared_experts: ClassVar[_Shared] = _Shared("feed_forward", "shared_experts", Routed)
    top_k: ClassVar[_Shared] = _Shared("feed_forward", "top_k", Routed)
    d_ff_expert: ClassVar[_Shared] = _Shared("feed_forward", "d_ff_expert", Routed)
    router_bias: ClassVar[_Shared] = _Shared("feed_forward", "router_bias", Routed, False)
    mlp_matrices: ClassVar[_Shared] = _Shared("feed_forward", "mlp_matrices", (Dense, Routed), GATED)
    mlp_bias: ClassVar[_Shared] = _Shared("feed_forward", "bias", (Dense, Routed), False)
    parallel_blocks: ClassVar[_Shared] = _Shared("", "parallel", Group, False)
    norms_per_layer: ClassVar[_Shared] = _Shared("", "norms", Group)

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
            own["notes"] = (*entries.get("notes", ()), *_taken_alike(uniform))
        for item in allowed.values():
            value = built if item.name == "groups" else own.get(item.name, item.default)
            object.__setattr__(self, item.name, tuple(value) if isinstance(value, list) else value)
        _check(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Shape:
        """Build a shape from a mapping of its fields; groups and their parts are tables.

        A mapping with the fields of a published ``config.json`` is read as one. With ``parameters``, missing fields of
        a uniform shape are derived from the count, and a note lists them.

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
        if is_published(record):
            from costmodel.compute.config_shapes import shape_from_config  # it builds shapes

            return shape_from_config({key: value for key, value in record.items() if key != "name"}, record.get("name"))
        where = f"shape {record.get('name', '')!r}"
        allowed = {item.name for item in fields(cls)} | _UNIFORM | {"parameters"}
        for key in record:
            if key not in allowed:
                raise DomainError(f"{where}: unknown entry {key!r}{near_matches(key, allowed)}")
        if record.get("parameters") is not None and "groups" not in record:
            from costmodel.compute.closing import closed  # it builds shapes

            return closed(record)
        layers = () if "groups" in record else ("layers", "heads")
        needed = ("name", *layers[:1], "d_model", *layers[1:], "vocabulary")
        missing = [key for key in needed if key not in record]
        if missing:
            hint = ", or parameters, from which missing fields follow" if layers else ""
            raise DomainError(f"{where}: missing {', '.join(missing)}{hint}")
        if record.get("parameters") is not None:
            raise DomainError(f"{where}: parameters belongs to a shape of equal layers; groups state their widths")
        built = {key: value for key, value in record.items() if key != "parameters"}
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

    def noted(self, notes: tuple[str, ...]) -> Shape:
        """Return the shape with notes in place of its own."""
        return replace(self, notes=notes)

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

        For windows and recurrences see the layer counts.
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


def is_published(record: Mapping[str, Any]) -> bool:
    """Return whether a record has the fields of a published ``config.json``, not those of a shape.

    Examples
    --------
    >>> is_published({"model_type": "llama"}), is_published({"d_model": 8})
    (True, False)
    """
    return bool({"model_type", "architectures", "text_config"} & record.keys()) or (
        "d_model" not in record and bool({"hidden_size", "n_embd"} & record.keys())
    )


def _attention_word(mixer: Mixer | None) -> str:
    """Return the word for a mixer's attention; None for a recurrence."""
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
    for key, problem in contradictions(uniform):
        raise DomainError(f"{where}: {key} = {getattr(uniform, key)!r} {problem}")
    return uniform.groups()


def _taken_alike(given: dict[str, Any]) -> tuple[str, ...]:
    """Return a remark that layers without a window were assumed to have the windowed layers' heads, if they were."""
    if not given.get("windowed_layers") or given.get("kv_rank") or given["windowed_layers"] == given["layers"]:
        return ()
    if given.get("full_kv_heads") or given.get("full_head_dim"):
        return ()
    heads, width = given.get("kv_heads"), given.get("head_dim")
    return (
        f"layers without a window are assumed to have {heads} key-value heads of {width} like those with one: give "
        "full_kv_heads and full_head_dim where they differ",
    )


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
    """Raise an error for a shape with fields of the wrong type or parts that contradict each other."""
    where = f"shape {shape.name!r}"
    check_parts(shape, where)
    for name in ("d_model", "vocabulary"):
        if getattr(shape, name) < 1:
            raise DomainError(f"{where}: {name} = {getattr(shape, name)!r} must be ≥ 1")
    if not all(isinstance(group, Group) for group in shape.groups):
        raise DomainError(f"{where}: groups must be Group objects; from_record reads tables")
