"""Convert tables to groups of layers and back, and check their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from costmodel.compute.groups import GATED, PLAIN, Adapter, Dense, Group, Routed
from costmodel.compute.mixers import Attention, Indexer, LatentAttention, Matrix, Recurrent
from costmodel.foundation.errors import DomainError, near_matches

LARGEST = 10**12
"""Largest whole number that an entry may be [1]."""
_KINDS: dict[str, tuple[Any, ...]] = {
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
        Fields of the group or part; a mixer or feed-forward gives its ``kind``: ``grouped``, ``latent``, ``recurrent``,
        ``dense`` or ``routed``.
    where
        Name of the owner of the table, for messages.

    Raises
    ------
    DomainError
        If an entry is unknown, missing or of the wrong type.

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
    """Build the part that a nested entry describes; leave plain values as they are."""
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
    written: dict[str, Any] = {}
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
    """Raise an error for parts whose numbers are not whole numbers ≥ 0 or contradict each other.

    Raises
    ------
    DomainError
        At the first fault, with its place.
    """
    for item in fields(part):
        value = getattr(part, item.name)
        if isinstance(value, tuple):
            if "tuple" not in str(item.type):
                raise DomainError(f"{where}: {item.name} = {str(value)[:60]} must be one value, not a list")
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
    """Raise an error for a value of the wrong type.

    Raises
    ------
    DomainError
        If it is not text, a flag, a whole number ≥ 0 or one of the allowed words, as ``kind`` requires.
    """
    if kind.startswith("Literal"):
        words = kind.removeprefix("Literal[").removesuffix("]")
        if repr(value) not in words.replace('"', "'").split(", "):
            raise DomainError(f"{where}: {name} = {value!r}: allowed are {words}")
    elif kind == "str":
        if not isinstance(value, str):
            raise DomainError(f"{where}: {name} = {value!r} must be text")
    elif kind == "bool":
        if not isinstance(value, bool):
            raise DomainError(f"{where}: {name} = {value!r} must be true or false")
    elif kind == "int" and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST):
        raise DomainError(f"{where}: {name} = {value!r} must be a whole number ≥ 0")


def _rules(part: Any) -> list[tuple[str, bool, str]]:
    """Return for each rule the field, whether the rule holds, and the rule in words."""
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
