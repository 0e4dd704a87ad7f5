"""Find the outputs that an ensemble reads, so that a model can avoid storing the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

from costmodel.foundation.arrays import quiet
from costmodel.foundation.design import Design
from costmodel.foundation.results import Result, outputs_of
from costmodel.foundation.running import Model
from costmodel.foundation.scenario import Scenario

TRIAL_DRAWS = 2
"""Draws of the trial run [1]: the fewest with an axis of draws."""


def stored_outputs_read(model: Model, scenario: Scenario, read: Callable[[Any, int], Any]) -> frozenset[str] | None:
    """Return the stored outputs that a reader uses of a model's result.

    Parameters
    ----------
    model, scenario
        Model and scenario of the trial run.
    read
        Callable that reads a result; also takes its number of draws.

    Returns
    -------
    frozenset or None
        Names; None for a model that always stores everything, or a scenario without draws.

    Notes
    -----
    A trial run of two draws is read while access to its attributes is recorded.
    """
    kind = get_type_hints(model).get("return") if hasattr(model, "__annotations__") else None
    if not isinstance(kind, type) or not getattr(kind, "STORES_ASKED", False):
        return None
    design = Design.random(scenario, TRIAL_DRAWS, 0)
    with quiet():
        result = model(scenario.resolve(design))
        if result.draws is None:
            return None
        seen = _watch(result)
        read(result, TRIAL_DRAWS)
    return frozenset(seen) & {spec.name for spec in outputs_of(kind, derived=False)}


def _watch(result: Result) -> set[str]:
    """Record, from now on, which attributes of a result are read."""
    seen: set[str] = set()
    kind: Any = type(result)

    def noted(self: Any, name: str) -> Any:
        seen.add(name)
        return kind.__getattribute__(self, name)

    watched = type(kind.__name__, (kind,), {"__slots__": (), "__getattribute__": noted})
    object.__setattr__(result, "__class__", watched)
    return seen
