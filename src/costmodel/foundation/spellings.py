"""Common spellings of units, and their meaning in the vocabulary of `costmodel.foundation.units`.

A spelling has one meaning, or one for each dimension: ``B`` is a billion in ``300B tokens`` and a byte in ``80 B``. The
dimension of the field then decides; a spelling whose meanings have the same dimension (``Gb``) is refused, and the
message suggests two unambiguous ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

Meaning = tuple[Fraction, str]
"""Factor, and unit of the vocabulary; ``1`` for a pure number."""

MULTIPLIERS = {
    "k": 10**3,
    "K": 10**3,
    "thousand": 10**3,
    "M": 10**6,
    "mn": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "G": 10**9,
    "bn": 10**9,
    "billion": 10**9,
    "billions": 10**9,
    "tn": 10**12,
    "trillion": 10**12,
    "trillions": 10**12,
    "quadrillion": 10**15,
}
"""Words and letters for a power of ten."""
MONEY_MULTIPLIERS = {"m": 10**6, "mm": 10**6, "b": 10**9, "t": 10**12}
"""Letters for a power of ten that are accepted only with money."""
_SYMBOLS = {"k": "k", "K": "k", "M": "M", "G": "G", "T": "T", "P": "P", "E": "E", "Z": "Z", "Y": "Y"}
_WORDS = {"kilo": "k", "mega": "M", "giga": "G", "tera": "T", "peta": "P", "exa": "E", "zetta": "Z", "yotta": "Y"}
_BINARY = {"Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "Pi": "pebi"}

_PREFIXED = {
    "USD": ("USD",),
    "token": ("token", "tokens", "tok", "toks", "Token", "Tokens", "Tok", "TOK"),
    "FLOP": ("FLOP", "flop"),
    "byte": ("B", "byte", "bytes"),
    "bit": ("bit", "bits"),
    "W": ("W", "watt", "watts"),
    "Wh": ("Wh", "Whr", "watthour", "watthours"),
    "J": ("J", "joule", "joules"),
    "g": ("g", "gram", "grams", "gCO2", "gCO2e", "gCO2eq"),
}
"""Units that accept a prefix, with their spellings."""
_PLAIN = {
    "USD": ("$", "US$", "dollar", "dollars"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "us": ("us", "usec", "microsecond", "microseconds"),
    "ns": ("ns", "nanosecond", "nanoseconds"),
    "minute": ("min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("wk", "wks", "week", "weeks"),
    "month": ("mo", "mos", "mth", "month", "months"),
    "quarter": ("qtr", "quarter", "quarters"),
    "year": ("y", "yr", "yrs", "year", "years", "annum"),
    "tonne": ("tonne", "tonnes", "tCO2", "tCO2e", "tCO2eq"),
    "L": ("L", "l", "litre", "litres", "liter", "liters"),
    "percent": ("%", "percent", "pct"),
    "1/hour": ("hourly",),
    "1/day": ("daily",),
    "1/month": ("monthly",),
    "1/year": ("yearly", "annually"),
}
_COUNTED = (
    *("GPU", "TPU", "NPU", "XPU", "chip", "accelerator", "card", "device", "die", "package"),
    *("user", "seat", "person", "employee", "agent", "request", "query", "message", "call", "task", "session"),
    *(
        "failure",
        "interruption",
        "parameter",
        "param",
        "weight",
        "layer",
        "expert",
        "head",
        "sequence",
        "sample",
        "step",
        "x",
        "×",
        "times",
    ),
)
"""Counted items, which have no unit: ``USD/GPU-hour`` is a price per accelerator-hour."""
CONTAINERS = ("server", "node", "instance", "host", "machine", "rack", "pod", "cluster", "system")
"""Words for a group of accelerators, which are refused: a server-hour is not an accelerator-hour."""
_SEVERAL: dict[str, tuple[Meaning, ...]] = {
    "B": ((Fraction(10**9), "1"), (Fraction(1), "byte")),
    "T": ((Fraction(10**12), "1"),),
    **dict.fromkeys(("cent", "cents", "¢"), ((Fraction(1, 100), "USD"),)),
    "bp": ((Fraction(1, 10**4), "1"),),
    "bps": ((Fraction(1, 10**4), "1"), (Fraction(1), "bit/s")),
    "queries": ((Fraction(1), "1"),),
    "people": ((Fraction(1), "1"),),
    "tps": ((Fraction(1), "token/s"),),
    "TPS": ((Fraction(1), "token/s"),),
    "mtok": ((Fraction(1), "Mtoken"),),
    **dict.fromkeys(("GPUh", "GPUhr", "GPUhrs"), ((Fraction(1), "hour"),)),
    **dict.fromkeys(("rps", "RPS", "qps", "QPS"), ((Fraction(1), "1/s"),)),
    **dict.fromkeys(("req", "reqs"), ((Fraction(1), "1"),)),
}
REFUSED = {
    **{f"{prefix}b": f"may be bits or bytes: write {prefix}bit or {prefix}B" for prefix in ("k", "K", "M", "G", "T")},
    **{f"{prefix}b": f"may be bits or bytes: write {prefix.upper()}bit or {prefix.upper()}B" for prefix in "mgt"},
    **{f"{prefix}OPS": f"write {prefix}FLOP/s, if an operation counts as one FLOP" for prefix in ("G", "T", "P", "E")},
    "¥": "may be yen or yuan: write JPY or CNY",
    "m": "may be a million, a minute, a month or a thousandth: write M, minute, month or a plain number",
    "b": "may be a bit or a billion: write bit or B",
    "c": "write cent",
    "mW": "write W: a thousandth of a watt is 0.001 W, a million are 1 MW",
    "mWh": "write Wh: a million are 1 MWh",
    "VA": "write W: a model of cost needs the real power",
    "kVA": "write kW: a model of cost needs the real power",
    "MVA": "write MW: a model of cost needs the real power",
    "input": "leave it out: the field determines the kind of tokens; write USD/1M tokens",
    "output": "leave it out: the field determines the kind of tokens; write USD/1M tokens",
    "cached": "leave it out: the field determines the kind of tokens; write USD/1M tokens",
    "word": "write token, at about 0.75 words of English a token",
    "words": "write token, at about 0.75 words of English a token",
}
"""Rejected spellings, and what to write instead."""


def _pairs() -> Iterator[tuple[str, Meaning]]:
    """Yield every spelling with one of its meanings."""
    for unit, names in _PREFIXED.items():
        for name in names:
            yield name, (Fraction(1), unit)
            yield from ((symbol + name, (Fraction(1), canonical + unit)) for symbol, canonical in _SYMBOLS.items())
            yield from ((word + name, (Fraction(1), canonical + unit)) for word, canonical in _WORDS.items())
    for unit, names in _PLAIN.items():
        yield from ((name, (Fraction(1), unit)) for name in names)
    for symbol, word in _BINARY.items():
        yield from ((name, (Fraction(1), f"{symbol}B")) for name in (f"{symbol}B", f"{word}byte", f"{word}bytes"))
    for prefix in ("", *_SYMBOLS, *_WORDS):
        canonical = _SYMBOLS.get(prefix, _WORDS.get(prefix, ""))
        yield from ((prefix + name, (Fraction(1), f"{canonical}FLOP/s")) for name in ("FLOPS", "FLOPs", "flops"))
        yield from ((prefix + name, (Fraction(1), f"{canonical}FLOP")) for name in ("FLOPs", "flops"))
        if prefix in _SYMBOLS:
            yield f"{prefix}bps", (Fraction(1), f"{canonical}bit/s")
            yield f"{prefix}Bps", (Fraction(1), f"{canonical}byte/s")
    # The vocabulary has G for a billion: Btoken, BUSD and B$ become Gtoken, GUSD.
    yield from ((f"B{name}", (Fraction(1), f"G{unit}")) for unit in ("USD", "token") for name in _PREFIXED[unit])
    yield from ((f"{letter}$", (Fraction(1), f"{unit}USD")) for letter, unit in zip("kMGBT", "kMGGT", strict=True))
    for name in _COUNTED + CONTAINERS:
        yield from ((spelling, (Fraction(1), "1")) for spelling in (name, f"{name}s"))
    yield from ((name, (Fraction(scale), "1")) for name, scale in MULTIPLIERS.items())


@cache
def spellings() -> dict[str, tuple[Meaning, ...]]:
    """Return every spelling with its meanings, each of another dimension."""
    found: dict[str, tuple[Meaning, ...]] = {}
    for name, meaning in _pairs():
        if meaning not in found.get(name, ()):
            found[name] = (*found.get(name, ()), meaning)
    return {**found, **_SEVERAL}


@cache
def folded() -> dict[str, tuple[Meaning, ...]]:
    """Return whole words in lower case, to accept spellings such as ``Hours`` or ``gpu``."""
    words = [*_COUNTED, *CONTAINERS, *(n for names in (*_PLAIN.values(), *_PREFIXED.values()) for n in names)]
    words += [*MULTIPLIERS, *(f"{word}s" for word in (*_COUNTED, *CONTAINERS))]
    return {word.lower(): spellings()[word] for word in words if len(word) > 2}
