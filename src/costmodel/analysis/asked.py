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
"""Draws of the run that is watched [1]: as few as still have an axis of draws."""


def stored_outputs_read(model: Model, scenario: Scenario, read: Callable[[Any, int], Any]) -> frozenset[str] | None:
    """Return the stored outputs that are read of a model's result.

    Parameters
    ----------
    model, scenario
        What is run.
    read
        Reads a result of so many draws.

    Returns
    -------
    frozenset or None
        Names; None for a model that stores everything whatever is asked for, or a scenario without draws.

    Notes
    -----
    A run of two draws is read while its attributes are watched.
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
    """Note from now on which attributes of a result are read."""
    seen: set[str] = set()
    kind: Any = type(result)

    def noted(self: Any, name: str) -> Any:
        seen.add(name)
        return kind.__getattribute__(self, name)

    watched = type(kind.__name__, (kind,), {"__slots__": (), "__getattribute__": noted})
    object.__setattr__(result, "__class__", watched)
    return seen
