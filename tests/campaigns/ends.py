"""Every registered formula at the ends of its documented ranges, for one argument or several at once.

A call returns a finite value or raises an error that names the argument: no NaN, no infinity and no warning.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from attack import Campaign, message_fault
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from costmodel.foundation.errors import DomainError
from costmodel.foundation.ranges import Guard, Range, bound
from costmodel.testing import STRATEGIES, arguments, registered_formulas

CALLS = 50
"""Calls of one case [1]."""
FAR = (1.0, 1e3, 1e6, 1e12, 1e30, 1e100, 1e200, 1e300, 1.7e308)
"""Magnitudes to try if a range has no end [1]."""
NEAR = (0.0, 5e-324, 1e-300, 1e-100, 1e-12, 1e-3)
"""Distances from an end [1]."""


@cache
def names() -> tuple[str, ...]:
    return tuple(sorted(registered_formulas().keys() & STRATEGIES.keys()))


def ends(span: Range | None, row: dict[str, Any]) -> Iterator[float]:
    """Yield numbers at and near the ends of a range, and far away if it has none."""
    low, high = (bound(end, row) for end in (span.low, span.high)) if span else (None, None)
    for end, outwards in ((low, -1.0), (high, 1.0)):
        if end is None or (not math.isfinite(end) and not math.isinf(end)):
            yield from (outwards * size for size in FAR)
        elif math.isinf(end):
            yield end
            yield from (outwards * size for size in FAR)
        else:
            yield from (end - outwards * near for near in NEAR)
            yield math.nextafter(end, -outwards * math.inf)
            yield end - outwards * 1e-12 * abs(end)


def case(chance: random.Random, folder: Path) -> str | None:
    name = chance.choice(names())
    return next(iter(faults(name, chance, CALLS)), None)


def faults(name: str, chance: random.Random, calls: int) -> Iterator[str]:
    """Yield the faults of one formula at some ends."""
    function = registered_formulas()[name]
    guard = Guard(function)
    values = [key for key in guard.values if key in STRATEGIES[name]]
    rows: list[dict[str, Any]] = []

    @seeded(chance.randrange(2**32))
    @settings(max_examples=8, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(arguments(name))
    def collect(row: dict[str, Any]) -> None:
        rows.append(row)

    collect()
    for _ in range(calls):
        row = dict(chance.choice(rows))
        moved = (
            values if chance.random() < 0.3 else chance.sample(values, min(len(values), chance.choice((1, 1, 2, 3))))
        )
        for key in moved:
            row[key] = chance.choice(list(ends(guard.ranges.get(key), row)))
        fault = _fault(guard, function, row, values, chance)
        if fault:
            yield f"{name}: {fault} | {row}"


def _fault(guard: Guard, function: Any, row: dict[str, Any], values: list[str], chance: random.Random) -> str | None:
    """Call a formula with numbers or with arrays of two; return the fault of the result, or None."""
    made = row
    if chance.random() < 0.5:
        made = {key: np.array([row[key], row[key]]) if key in values else row[key] for key in row}
    try:
        result = function(**made)
    except DomainError as error:
        return message_fault(error)
    for part in result if isinstance(result, tuple) else (result,):
        if np.asarray(part).dtype != np.float64:
            return f"gives {np.asarray(part).dtype}"
        value = float(np.asarray(part).flat[0])
        infinite = math.isinf(value) and (guard.infinite or any(math.isinf(row[key]) for key in values))
        if not math.isfinite(value) and not infinite:
            return f"gives {value}"
    return None


CAMPAIGN = Campaign(case, whole=4_000)
