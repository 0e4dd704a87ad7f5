"""Hostile values and changes for files."""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

NUMBERS = (
    0, 0.0, -0.0, 1, -1, 1.0, -1.0, 2, 0.5, 1e-308, 5e-324, 1e-30, 1e30, 1e154, 1e200, 1e308, -1e308,
    float("inf"), float("-inf"), float("nan"), 2**31, 2**53 + 1, 2**63, 2**64, 10**400, -(10**400), 1_000_000_000,
)  # fmt: skip
"""Numbers at and beyond the limits."""
TEXTS = (
    "", " ", "30000", "1e999", "nan", "inf", "-", "²", "½", "1²", "٣", "x" * 200, "y" * 120_000, "a." * 100 + "a",
    "[/]", "[bold]x[/bold]", "\x1b[31mred\x1b[0m", "a\nb", "a\rb", "a\x00b", "\u202eabc", "<script>alert(1)</script>",
    "=1+1", "@SUM(A1)", "+1", "-1", "javascript:alert(1)", "../../etc/passwd", "/dev/zero", "{0}", "%s", "${x}",
    "2.5 USD/hour", "30 MW", "15 USD/Mtoken", "5 %", "3 apples", "1 USD/USD/USD", "1e400 USD", "2026-02-30",
    "9999-12-31", "1" + " " * 60_000 + "x", "1,0" * 30_000, "-" * 60_000, "0001-01-01T00:00:00+14:00", "1_000",
    "2026-07", "0001-01-01", "true", "True", "None", "\ud800", "é" * 40, "🦆", "__class__", "scenario.get",
)  # fmt: skip
"""Texts with another meaning, or none."""
OTHERS: tuple[Any, ...] = (
    True, False, [], {}, [1], [[]], {"value": 1}, {"value": float("nan")}, {"dist": "normal"}, {"knots": {}},
    dt.date(2026, 1, 1), dt.date(9999, 12, 31), dt.datetime(2026, 1, 1, 3), dt.time(3), {"value": 1, "grade": "best"},
    {"value": 1, "source": "nobody"}, {"": 1}, {"a.b": 1}, [None], [True, "x", 3],
)  # fmt: skip
"""Values of other types."""
SHAPES = ("uniform", "normal", "lognormal", "triangular", "pert", "beta", "discrete", "empirical", "cauchy", "")
KEYS = ("low", "high", "mean", "sd", "p5", "p95", "p50", "p0", "p100", "mode", "values", "weights", "a", "b", "p²", "p")


def value(chance: random.Random) -> Any:
    """Return a hostile value."""
    way = chance.random()
    if way < 0.35:
        return chance.choice(NUMBERS)
    if way < 0.6:
        return chance.choice(TEXTS)
    if way < 0.75:
        return copy.deepcopy(chance.choice(OTHERS))
    if way < 0.88:
        return distribution(chance)
    if way < 0.97:
        return schedule(chance)
    return nested(chance)


def figure(chance: random.Random) -> Any:
    """Return a number, valid or hostile."""
    if chance.random() < 0.3:
        return chance.choice(NUMBERS)
    return chance.choice((1.0, -1.0)) * 10.0 ** chance.uniform(-3, 6)


def distribution(chance: random.Random) -> dict[str, Any]:
    """Return a table that resembles a distribution."""
    keys = chance.sample(KEYS, chance.randrange(4))
    return {"dist": chance.choice(SHAPES), **{key: figure(chance) for key in keys}}


def schedule(chance: random.Random) -> dict[str, Any]:
    """Return a table that resembles a schedule."""
    dates = chance.sample(("2024-01", "2026-01-01", "2027", "2030-07-01", "9999-12", "0001-01", "x"), 3)
    knots = {date: figure(chance) if chance.random() < 0.8 else value(chance) for date in dates}
    return {"knots": knots, "interpolation": chance.choice(("linear", "log-linear", "step", "cubic", 3))}


def nested(chance: random.Random) -> Any:
    """Return a deeply nested list."""
    form: Any = 1
    for _ in range(chance.choice((3, 30, 300))):
        form = [form] if chance.random() < 0.5 else {"a": form}
    return form


def places(form: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a form with every key of it."""
    pairs = form.items() if isinstance(form, dict) else enumerate(form)
    for key, item in list(pairs):
        yield form, key
        if isinstance(item, dict | list):
            yield from places(item)


def mutated(form: Any, chance: random.Random, changes: int | None = None) -> Any:
    """Return a copy of nested tables with some entries changed, removed, moved or added."""
    form = copy.deepcopy(form)
    for _ in range(changes or chance.choice((1, 1, 1, 2, 3))):
        spots = list(places(form))
        if not spots:
            return value(chance)
        _change(*chance.choice(spots), spots, chance)
    return form


def _change(holder: Any, key: Any, spots: list[tuple[Any, Any]], chance: random.Random) -> None:
    """Change one entry in place."""
    way = chance.random()
    number = isinstance(holder[key], int | float) and not isinstance(holder[key], bool)
    if number and way < 0.4:
        times = chance.choice((-1, 0, 2, 10, 1000, 0.1, 1e-6, 10.0 ** chance.uniform(-30, 30)))
        holder[key] = (holder[key] if abs(holder[key]) < 1e308 else 1e308) * times
    elif way < 0.7:
        holder[key] = value(chance)
    elif way < 0.8:
        del holder[key]
    elif way < 0.87 and isinstance(holder, dict):
        holder[renamed(str(key), chance)] = holder.pop(key)
    elif way < 0.93 and isinstance(holder, dict):
        holder[str(value(chance))[:150_000]] = value(chance)
    else:
        other, spot = chance.choice(spots)
        if (isinstance(other, dict) and spot in other) or (isinstance(other, list) and spot < len(other)):
            holder[key] = copy.deepcopy(other[spot])


def renamed(key: str, chance: random.Random) -> str:
    """Return a key that closely resembles another."""
    if not key:
        return "x"
    i = chance.randrange(len(key))
    return chance.choice(
        (key[:i] + key[i + 1 :], key[:i] + key[i:] * 2, key.upper(), key + " ", key * 3000, f"{key}.x")
    )


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Return the bytes of a file with some changed, removed, doubled or added."""
    content = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(content) + 1)
        way = chance.randrange(7)
        if way == 0 and at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            content[at : at + chance.choice((1, 10, 1000))] = b""
        elif way == 2:
            content[at:at] = content[at : at + chance.choice((1, 20, 400))]
        elif way == 3:
            content[at:at] = str(chance.choice(NUMBERS)).encode()
        elif way == 4:
            content[at:at] = chance.choice(TEXTS)[:300].encode("utf-8", "surrogatepass")
        elif way == 5:
            content[at:at] = chance.choice(
                (b"[", b"{", b'"', b"'", b",", b"\n", b"\r", b"\x00", b"\xff\xfe", b"=", b"#")
            )
        else:
            content = content[:at]
    return bytes(content)
