"""Quantities as people write them: ``$2.50/hr``, ``300B tokens``, ``3640 PFLOP/s-day``, ``3 USD/1M tokens``.

A text has at most 64 characters: a number, with separators of thousands or a power of ten, and units. Units are joined
by ``/`` or ``per`` (division), by ``*`` (multiplication), and by a space or a dash, which bind more tightly:
``USD/GPU-hour`` is ``USD/(GPU·hour)``. A rate keeps its second: ``PFLOP/s-day`` is ``(PFLOP/s)·day``. The error for an
invalid text suggests a valid one.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from costmodel.foundation.currencies import CODES, MONEY_WORDS, code_of, usd_for_one
from costmodel.foundation.errors import UnitError, near_matches
from costmodel.foundation.spellings import CONTAINERS, MONEY_MULTIPLIERS, REFUSED, Meaning, folded, spellings
from costmodel.foundation.units import MAX_LENGTH, conversion_factor, dimensions

MAX_READINGS = 64
"""Largest number of readings of one text that are tried."""
_SAME = str.maketrans({"−": "-", "–": "-", "‑": "-", "·": "*", "⋅": "*", "∕": "/", "µ": "u", "μ": "u", "\u00a0": " ",
                       "\u2009": " ", "\u202f": " "})  # fmt: skip
_PER = ("per", "a", "an")
_SECOND = ("s", "sec", "second")
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)*)"
_PLAIN = rf"(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}}(?![0-9A-Za-z]))?"
_POWER = r"10\s*(?:\^|\*\*)\s*(?P<power>[+-]?[0-9]{1,3})"
_TOKENS = re.compile(
    rf"\s*(?:(?:(?P<times>{_PLAIN})\s*[x×*]\s*)?{_POWER}|(?P<number>{_PLAIN})"
    r"|(?P<name>US\$|[kMBGT]\$|[$€£¥%¢×]|[A-Za-z]+(?:[0-9]+[A-Za-z]*)?)|(?P<sign>[-+*/()]))"
)
EXAMPLES = {
    "1": "0.4 or '40%'",
    "1/year": "0.05 or '5%/year'",
    "USD": "'1,200 USD' or '$1.5M'",
    "USD/hour": "'2.50 USD/hour'",
    "USD/token": "'3 USD/Mtoken'",
    "USD/Wh": "'80 USD/MWh'",
    "FLOP": "'51 ZFLOP'",
    "FLOP/s": "'989 TFLOP/s'",
    "byte": "'80 GB'",
    "byte/s": "'3.35 TB/s'",
    "token": "'15 trillion tokens'",
    "W": "'0.7 kW'",
    "year": "'36 months'",
    "hour": "'90 minutes'",
}
"""Example of a valid quantity for each common unit."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Factor of a text: its meanings, whether it is in the denominator, and whether it is a name."""

    meanings: tuple[Meaning, ...]
    below: bool = False
    named: bool = False


def parse_quantity(text: str, unit: str) -> float:
    """Parse a quantity as people write it and return its number in ``unit``.

    Parameters
    ----------
    text
        A number with a unit, at most 64 characters.
    unit
        The canonical unit to return.

    Raises
    ------
    UnitError
        If the text has another form, an unknown unit or the wrong dimension; the message gives a valid spelling.

    Examples
    --------
    >>> parse_quantity("15 USD/Mtoken", "USD/token")
    1.5e-05
    >>> parse_quantity("$2.50/hr", "USD/hour"), parse_quantity("300B tokens", "token")
    (2.5, 300000000000.0)
    >>> parse_quantity("3640 PFLOP/s-day", "FLOP")
    3.14496e+23
    """
    if len(text) > MAX_LENGTH:
        raise UnitError(f"{text[:MAX_LENGTH]!r}… is longer than {MAX_LENGTH} characters; {_help(unit)}")
    parts, wanted = _parts(text, unit), dimensions(unit)
    if not any(part.named for part in parts):
        raise UnitError(f"{text!r} is not a quantity: it has no unit; {_help(unit)}")
    for reading in itertools.islice(itertools.product(*(part.meanings for part in parts)), MAX_READINGS):
        value, name = _joined(parts, reading)
        if dimensions(name) == wanted:
            number = _float(value * _size(name, unit))
            if not math.isfinite(number):
                raise UnitError(f"{text!r} is not a finite number")
            return number
    raise UnitError(f"{text!r} has the wrong dimension: it must convert to {unit!r}; {_help(unit)}")


def from_pint(quantity: Any, unit: str) -> float:
    """Return the number of a ``pint.Quantity`` of any registry in ``unit``.

    Raises
    ------
    UnitError
        If it is not a single number, or its unit is not in the vocabulary or has the wrong dimension.
    """
    value, powers = quantity.magnitude, quantity.unit_items()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnitError(f"{str(quantity)[:MAX_LENGTH]!r}: give a single finite number with a unit; {_help(unit)}")
    above: list[str] = []
    below: list[str] = []
    for name, power in powers:
        if power != int(power) or abs(power) > 2:
            raise UnitError(
                f"{str(quantity)[:MAX_LENGTH]!r}: {name} to the power {power} is not supported; {_help(unit)}"
            )
        (above if power > 0 else below).extend([name.replace("_", "*")] * abs(int(power)))
    units = "*".join(above) or "x"
    return parse_quantity(f"{float(value)!r} {units}{''.join(f'/({name})' for name in below)}", unit)


def _size(name: str, unit: str) -> Fraction:
    """Return the size of one unit in another, accurate enough for a decimal number to keep its last digit."""
    factor = conversion_factor(name, unit)
    return Fraction(repr(factor)) if factor >= 1.0 else 1 / Fraction(repr(conversion_factor(unit, name)))


def _help(unit: str) -> str:
    example = EXAMPLES.get(unit, f"'1 {unit}'")
    return f"write {example}" if unit in ("1", "1/year") else f"write {example}, or a bare number in {unit!r}"


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _tokens(text: str, unit: str) -> Iterator[tuple[str, str, Any]]:
    """Split a text into (kind, spelling, value); kinds are number, name and sign."""
    plain, position = text.translate(_SAME).replace("p.a.", "annually").strip(), 0
    while position < len(plain):
        match = _TOKENS.match(plain, position)
        if match is None:
            raise UnitError(f"{text!r} is not a quantity at {plain[position:]!r}; {_help(unit)}")
        position = match.end()
        if match["power"] is not None:
            size = Fraction(10) ** int(match["power"])
            yield "number", match[0].strip(), size * _number(match["times"] or "1")
        elif match["number"] is not None:
            if plain[position : position + 1] in (",", ".", "_"):
                raise UnitError(f"{text!r}: write a point for decimals and a comma for thousands, as in 1,200.50")
            yield "number", match["number"], _number(match["number"])
        elif match["name"] is not None:
            yield ("sign", "/", None) if match["name"].lower() in _PER else ("name", match["name"], None)
        else:
            yield "sign", match["sign"], None


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", "").replace("_", "").rstrip("."))


def _parts(text: str, unit: str) -> list[_Part]:
    """Parse a text into the factors of its numerator and denominator."""
    negative, tokens = _sign(list(_tokens(text, unit)))
    reader = _Reader(text, unit, tokens)
    parts = reader.term(below=False)
    while reader.more:
        operator = reader.take("*", "/")
        if not operator:
            raise reader.error(f"is not a quantity at {tokens[reader.position][1]!r}")
        parts += reader.term(below=operator == "/", first=False)
    if not any(kind == "number" for kind, _, _ in tokens[:2]):
        raise reader.error("has no number")
    _refuse_container(text, unit, tokens)
    return [*parts, _Part(((Fraction(-1), "1"),))] if negative else parts


class _Reader:
    """Parser of the tokens of one text, term by term."""

    def __init__(self, text: str, unit: str, tokens: list[tuple[str, str, Any]]) -> None:
        self.text, self.unit, self.tokens, self.position = text, unit, tokens, 0
        self.money = any(kind == "name" and name.upper() in MONEY_WORDS for kind, name, _ in tokens)

    @property
    def more(self) -> bool:
        """Whether tokens are left."""
        return self.position < len(self.tokens)

    def take(self, *signs: str) -> str:
        """Take the next token if it is one of these signs; else return an empty string."""
        here = self.tokens[self.position] if self.more else ("", "", None)
        found = here[1] if here[0] == "sign" and here[1] in signs else ""
        self.position += bool(found)
        return found

    def error(self, message: str) -> UnitError:
        """Build the error for this text."""
        return UnitError(f"{self.text!r} {message}; {_help(self.unit)}")

    def term(self, *, below: bool, first: bool = True) -> list[_Part]:
        """Parse factors joined by a space or a dash, or a group in brackets."""
        group, parts, joined = bool(self.take("(")), [], ""
        start = self.position
        rate = below and self.more and self.tokens[self.position][1] in _SECOND
        while True:
            under = below and not (rate and joined == "-")
            parts.append(self._factor(start, first=first or below, below=under))
            joined = self.take("-", "*") if group else self.take("-")
            if not joined and (not self.more or self.tokens[self.position][0] == "sign"):
                break
        if group and not self.take(")"):
            raise self.error("has a bracket that is not closed")
        return parts

    def _factor(self, start: int, *, first: bool, below: bool) -> _Part:
        """Parse one number or name of the term that begins at ``start``."""
        if not self.more or self.tokens[self.position][0] == "sign":
            raise self.error("ends where a unit should follow")
        kind, name, value = self.tokens[self.position]
        self.position += 1
        if kind == "name":
            return _Part(_meanings(name, self.text, self.unit, money=self.money), below, named=True)
        before = self.tokens[start : self.position - 1]
        if before and value == 1 and self.more and self.tokens[self.position][1] == "/":
            return _Part(((value, "1"),), below)  # the numerator of a rate, as in 0.5 1/day
        if before and before[-1][1] == "-":
            raise UnitError(f"{self.text!r} is not one number: a range is {{dist = 'uniform', low = …, high = …}}")
        if name == "1" and before:  # the unit of a pure number, as in 0.0065 1/day
            return _Part(((Fraction(1), "1"),), below, named=True)
        if not first or not all(sign.upper() in MONEY_WORDS for _, sign, _ in before):
            raise self.error("has two numbers")
        if below and value == 0:
            raise self.error("divides by 0")
        return _Part(((value, "1"),), below)


def _refuse_container(text: str, unit: str, tokens: list[tuple[str, str, Any]]) -> None:
    """Raise an error for a price per server-hour, since prices are per accelerator-hour."""
    for _, name, _ in tokens:
        if name.lower().removesuffix("s") in CONTAINERS and "hour" in unit:
            raise UnitError(
                f"{text!r}: divide the price of a {name} by its number of accelerators, and write it in {unit!r}"
            )


def _sign(tokens: list[tuple[str, str, Any]]) -> tuple[bool, list[tuple[str, str, Any]]]:
    """Take the sign of the number, which may come after a currency sign."""
    at = 1 if tokens and tokens[0][1].upper() in MONEY_WORDS else 0
    signed = len(tokens) > at + 1 and tokens[at][1] in ("-", "+")
    return (tokens[at][1] == "-", tokens[:at] + tokens[at + 1 :]) if signed else (False, tokens)


def _meanings(name: str, text: str, unit: str, *, money: bool) -> tuple[Meaning, ...]:
    """Return the meanings of a name."""
    if money and name in MONEY_MULTIPLIERS:
        return ((Fraction(MONEY_MULTIPLIERS[name]), "1"),)
    if code_of(name) not in ("", "USD"):
        try:
            return ((usd_for_one(code_of(name)), "USD"),)
        except UnitError as error:
            raise UnitError(f"{text!r}: {error}") from None
    found = spellings().get(name)
    if found is None and name not in REFUSED:
        found = folded().get(name.lower())
    if name in REFUSED and not (found and name in spellings()):
        if name[-1] == "b" and re.search(rf"{name}\s*(?:/|per)\s*s(?:ec|econd)?\b", text):
            return ((Fraction(1), name[:-1].replace("K", "k") + "bit"),)  # a rate in Gb/s counts bits
        raise UnitError(f"{text!r}: {name!r}{'' if REFUSED[name][:2] in ('is', 'ma') else ':'} {REFUSED[name]}")
    if found is None:
        if any(character.isdigit() for character in name):
            raise UnitError(f"{text!r}: {name!r} is not a unit: write GPU for an accelerator; {_help(unit)}")
        raise UnitError(
            f"{text!r}: unknown unit {name!r}{near_matches(name[:MAX_LENGTH], [*spellings(), *CODES])}; {_help(unit)}"
        )
    return found


def _joined(parts: list[_Part], reading: tuple[Meaning, ...]) -> tuple[Fraction, str]:
    """Multiply the factors of one reading, and join the units of its numerator and denominator."""
    value = Fraction(1)
    above: list[str] = []
    below: list[str] = []
    for part, (factor, name) in zip(parts, reading, strict=True):
        value = value / factor if part.below else value * factor
        for position, unit in enumerate(name.split("/")):
            if unit != "1":
                (below if part.below != bool(position) else above).append(unit)
    return value, "*".join(above or ["1"]) + "".join(f"/{unit}" for unit in below)
