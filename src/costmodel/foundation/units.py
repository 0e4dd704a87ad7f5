"""Units: one canonical unit per kind of quantity, and conversion of strings with units in inputs.

Inside the library every number is in the unit that its field declares. Strings such as ``"2.5 USD/hour"`` are
accepted only in inputs, where `costmodel.foundation.quantities` converts them to these units. A unit is written
``UNIT([*/]UNIT)*``, in at most 64 characters. FLOP is a count and FLOP/s a rate. Money is USD of a stated year.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TypeAlias

from costmodel.foundation.errors import UnitError, near_matches

HOURS_PER_YEAR = 8766.0
"""Hours in a year of 365.25 days: the only conversion between calendar years and operating hours [hour/year]."""
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_YEAR = HOURS_PER_YEAR * SECONDS_PER_HOUR
DAYS_PER_YEAR = 365.25
MONTHS_PER_YEAR = 12.0

CANONICAL_UNITS = {
    "money": "USD",
    "calendar time": "year",
    "operating time": "hour",
    "step time of a computation": "s",
    "work": "FLOP",
    "rate of work": "FLOP/s",
    "data": "byte",
    "bandwidth": "byte/s",
    "text": "token",
    "power": "W",
    "energy": "Wh",
    "mass": "g",
    "volume": "L",
    "share or count": "1",
}
"""The canonical unit of each kind of quantity."""

MAX_LENGTH = 64
"""Longest accepted string with a unit [character]."""

_SI = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21, "Y": 1e24}
_DEFINITIONS = (  # each in units defined before it
    "USD = [money]",
    "token = [text]",
    "FLOP = [work]",
    "byte = [data]",
    "bit = byte / 8",
    *(f"{prefix}iB = {1024**power} * byte" for power, prefix in enumerate("KMGTP", 1)),
    "s = [time]",
    "ms = 1e-3 * s",
    "us = 1e-6 * s",
    "ns = 1e-9 * s",
    "minute = 60 * s",
    "hour = 3600 * s",
    "day = 24 * hour",
    "week = 7 * day",
    f"year = {HOURS_PER_YEAR} * hour",
    "quarter = year / 4",
    "month = year / 12",
    "Wh = [energy]",
    "W = Wh / hour",
    "J = W * s",
    "g = [mass]",
    "tonne = 1e6 * g",
    "L = [volume]",
    "percent = 0.01",
    *(
        f"{prefix}{unit} = {scale} * {unit}"
        for prefix, scale in _SI.items()
        if prefix
        for unit in ("USD", "token", "FLOP", "byte", "bit", "W", "Wh", "J", "g")
    ),
)
_ALIASES = {"%": "percent", "tokens": "token", "hours": "hour", "years": "year", "h": "hour", "y": "year"}
_VOCABULARY = frozenset(definition.split(" = ")[0] for definition in _DEFINITIONS) | {"1"}

_NAME = r"(?:[A-Za-z]+|%|1)"
_UNIT_PATTERN = re.compile(rf"{_NAME}(?:[*/]{_NAME})*")


_Terms: TypeAlias = dict[str, int]
"""Exponents by name of a unit or of a base dimension."""


def _terms(text: str) -> tuple[float, _Terms]:
    """Return the numerical factor of ``FACTOR([*/]FACTOR)*``, and the exponents of its names."""
    number, names, power = 1.0, _Terms(), 1
    for part in re.split(r"([*/])", text):
        if part in ("*", "/"):
            power = 1 if part == "*" else -1
        elif part in _VOCABULARY - {"1"}:
            names[part] = names.get(part, 0) + power
        else:
            number = number * float(part) if power == 1 else number / float(part)
    return number, names


@cache
def _meanings() -> dict[str, str | tuple[float, _Terms]]:
    """Return the definition of every name of the vocabulary: a base dimension, or a multiple of other units."""
    written = dict(definition.split(" = ") for definition in _DEFINITIONS)
    return {
        name: meaning.strip("[]") if meaning.startswith("[") else _terms(meaning.replace(" ", ""))
        for name, meaning in written.items()
    }


def _in_base_units(names: _Terms) -> tuple[float, _Terms]:
    """Return the size of a product of units in base units, and its exponents by base dimension.

    As in pint, the number of each definition is raised to its exponent before multiplication, so that figures keep the
    last digit that they had in earlier releases, which used pint.
    """
    scale, dimensions = 1.0, _Terms()
    waiting = list(names.items())[::-1]
    while waiting:
        name, power = waiting.pop()
        meaning = _meanings()[name]
        if isinstance(meaning, str):
            dimensions[meaning] = dimensions.get(meaning, 0) + power
            continue
        number, parts = meaning
        scale *= number**power
        waiting.extend((part, each * power) for part, each in reversed(parts.items()))
    return scale, {dimension: power for dimension, power in dimensions.items() if power}


@cache
def _scale_and_dimension(unit: str) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Return a unit's size in base units and its exponents by base dimension."""
    if len(unit) > MAX_LENGTH or not _UNIT_PATTERN.fullmatch(unit):
        raise UnitError(f"unit {unit!r} is not of the form UNIT([*/]UNIT)*, at most {MAX_LENGTH} characters")
    names = [_ALIASES.get(part, part) for part in re.split(r"([*/])", unit)]
    for name in names[::2]:
        if name not in _VOCABULARY:
            hint = near_matches(name, _VOCABULARY)
            raise UnitError(f"unknown unit {name!r} in {unit!r}{hint}")
    scale, powers = _in_base_units({name: power for name, power in _terms("".join(names))[1].items() if power})
    return scale, tuple(sorted((name, float(power)) for name, power in powers.items()))


def dimensions(unit: str) -> dict[str, float]:
    """Return the exponents of a unit by base dimension (money, text, work, data, time, energy).

    Raises
    ------
    UnitError
        If the unit is not in the vocabulary.

    Examples
    --------
    >>> dimensions("USD/Mtoken")
    {'money': 1.0, 'text': -1.0}
    >>> dimensions("1")
    {}
    """
    return dict(_scale_and_dimension(unit)[1])


def conversion_factor(unit: str, to: str) -> float:
    """Return the factor that converts ``unit`` to ``to``.

    Raises
    ------
    UnitError
        If a unit is unknown or the dimensions differ.

    Examples
    --------
    >>> conversion_factor("USD/Mtoken", "USD/token")
    1e-06
    >>> conversion_factor("year", "hour")
    8766.0
    """
    if unit == to:
        return 1.0
    scale, dimension = _scale_and_dimension(unit)
    target_scale, target_dimension = _scale_and_dimension(to)
    if dimension != target_dimension:
        raise UnitError(f"{unit!r} has the wrong dimension: it must convert to {to!r}")
    return _exact_ratio(scale, target_scale)


def _exact_ratio(scale: float, target: float) -> float:
    """Divide two scales, rounding away the last bit if the ratio is a short decimal."""
    ratio = scale / target
    short = float(f"{ratio:.12g}")
    return short if math.isclose(short, ratio, rel_tol=1e-14) else ratio


def convert(value: float, unit: str, to: str) -> float:
    """Convert a number from one unit to another; exact if the ratio is a power of ten.

    Raises
    ------
    UnitError
        If a unit is unknown or the dimensions differ.

    Examples
    --------
    >>> convert(15.0, "USD/Mtoken", "USD/token")
    1.5e-05
    """
    factor = conversion_factor(unit, to)
    return value * factor if factor >= 1.0 else value / conversion_factor(to, unit)


def check_unit(unit: str) -> None:
    """Raise ``UnitError`` unless ``unit`` is in the vocabulary.

    Examples
    --------
    >>> check_unit("byte/token")
    """
    _scale_and_dimension(unit)
