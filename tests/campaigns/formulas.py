"""Every registered formula at extremes of its arguments, in every form of number.

Within the strategies of ``costmodel.testing``, which lie inside the documented ranges, results are in double precision,
have the broadcast shape and the value for plain numbers, and give no NaN, no infinity and no warning.
"""

from __future__ import annotations

import random
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from attack import Campaign
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from costmodel.foundation.arrays import holds_value
from costmodel.testing import STRATEGIES, arguments, registered_formulas

ROWS = 6
"""Number of argument sets of one case [1]."""
EXACT = 1e-12
"""Largest relative difference between two forms [1]."""


@cache
def names() -> tuple[str, ...]:
    return tuple(sorted(registered_formulas().keys() & STRATEGIES.keys()))


def case(chance: random.Random, folder: Path) -> str | None:
    return next(iter(faults(chance)), None)


def faults(chance: random.Random) -> list[str]:
    """Return the first fault of one formula over forms of its arguments, or None."""
    name = chance.choice(names())
    found: list[str] = []

    @seeded(chance.randrange(2**32))
    @settings(
        max_examples=ROWS, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(arguments(name))
    def collect(row: dict[str, Any]) -> None:
        rows.append(row)

    rows: list[dict[str, Any]] = []
    collect()
    function = registered_formulas()[name]
    parameters = signature(function).parameters
    values = [key for key in STRATEGIES[name] if holds_value(parameters[key].annotation)]
    for row in rows:
        for form, made in _forms(row, values).items():
            fault = _fault(function, form, made, row, values)
            if fault is not None:
                found.append(f"{name}: {form}: {fault} | {row}")
    fault = _together(function, rows, values)
    return [*found, *([f"{name}: an array of rows: {fault} | {rows}"] if fault else [])]


def _forms(row: dict[str, Any], values: list[str]) -> dict[str, dict[str, Any]]:
    """Return the same arguments in every form of number."""

    def each(change: Any) -> dict[str, Any]:
        return {key: change(row[key]) if key in values else row[key] for key in row}

    whole = [key for key in values if abs(row[key]) < 2**31 and row[key] == int(row[key])]
    forms = {
        "0-d": each(lambda x: np.asarray(x, dtype=np.float64)),
        "a list of one": each(lambda x: [x]),
        "an array of one": each(lambda x: np.array([x])),
        "2-d": each(lambda x: np.full((2, 3), x)),
        "empty": each(lambda _: np.empty(0)),
        "read-only": each(lambda x: np.broadcast_to(np.float64(x), (3,))),
        "float32": each(lambda x: np.array([x], dtype=np.float32)),
    }
    if whole:
        forms["int"] = {key: int(row[key]) if key in whole else row[key] for key in row}
        forms["int32"] = {key: np.int32(row[key]) if key in whole else row[key] for key in row}
        forms["int64"] = {key: np.array([int(row[key])]) if key in whole else row[key] for key in row}
    return forms


def _shape(made: dict[str, Any], values: list[str]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(np.shape(made[key]) for key in values)) if values else ()


def _results(function: Any, made: dict[str, Any]) -> tuple[Any, ...]:
    result = function(**made)
    return result if isinstance(result, tuple) else (result,)


def _fault(function: Any, form: str, made: dict[str, Any], row: dict[str, Any], values: list[str]) -> str | None:
    """Call a formula in one form; return the difference from the call with plain numbers, or None."""
    plain = _results(function, row)
    if not all(np.isfinite(part) for part in plain):
        return f"not finite within the range: {plain}"
    if any(isinstance(part, np.ndarray) for part in plain):
        return "numbers in, an array out"
    single = form == "float32"
    if single:  # rounding changes the numbers, so compare with doubles of the rounded ones
        rounded = {key: float(np.float32(row[key])) if key in values else row[key] for key in row}
        with np.errstate(all="ignore"):
            try:
                plain = _results(function, rounded)
            except ValueError:  # rounding left the range, which is refused
                return None
            parts = _results(function, made)
    else:
        parts = _results(function, made)
    wanted = _shape(made, values)
    for part, value in zip(parts, plain, strict=True):
        array = np.asarray(part)
        if array.dtype != np.float64:
            return f"gives {array.dtype}"
        if array.shape not in (wanted, ()):
            return f"gives the shape {array.shape}, not {wanted}"
        if form == "0-d" and isinstance(part, np.ndarray):
            return "0-d in, an array out"
        if array.size and np.isfinite(value) and not np.allclose(array, value, rtol=EXACT, atol=1e-300):
            return f"gives {array.flat[0]!r}, plain numbers give {value!r}"
        if array.size and not np.isfinite(array).all() and np.isfinite(value):
            return "not finite"
    return None


def _together(function: Any, rows: list[dict[str, Any]], values: list[str]) -> str | None:
    """Call a formula once with an array of all rows; choices of method come from the first."""
    if not rows or not values:
        return None
    rows = [{**rows[0], **{key: row[key] for key in values}} for row in rows]
    try:
        alone = [_results(function, row) for row in rows]
    except ValueError:  # the method of the first row does not accept the numbers of the others
        return None
    made = {key: np.array([row[key] for row in rows]) if key in values else rows[0][key] for key in rows[0]}
    for place, part in enumerate(_results(function, made)):
        whole = np.broadcast_to(part, (len(rows),))
        wanted = np.array([row[place] for row in alone], dtype=np.float64)
        if not np.allclose(whole, wanted, rtol=EXACT, atol=1e-300, equal_nan=True):
            return f"gives {whole.tolist()}, row by row {wanted.tolist()}"
    return None


CAMPAIGN = Campaign(case, whole=5_000)
