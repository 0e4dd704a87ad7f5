"""Changes of a scenario: switches that set several values at once, patterns, and correlations to drop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from costmodel.foundation.errors import (
    CorrelationWarning,
    CostModelError,
    PartialChangeWarning,
    ScenarioError,
    UnknownParameterError,
    near_matches,
)
from costmodel.foundation.inheritance import bare_value
from costmodel.foundation.inputs import Inputs
from costmodel.foundation.values import read_parameter, scaled_value, written_value

if TYPE_CHECKING:
    from costmodel.foundation.scenario import Scenario


class Switch(Inputs):
    """Common name of several values that belong together; setting it changes all of them.

    Uncertain values of one switch share one rank, so that they move together in every draw as well.

    Parameters
    ----------
    description
        Meaning of the switch, in one sentence.
    moves
        Factor from the switch to each value, by path [1], above 0. All values have the same unit.
    """

    description: str
    moves: dict[str, float] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        for path, factor in self.moves.items():
            if not math.isfinite(factor) or factor <= 0.0:
                raise ScenarioError(f"moves: {path} has the factor {factor!r}: give a finite number above 0")
        return self


def check_switches(scenario: Scenario) -> None:
    """Raise an error for a switch whose paths do not exist, differ in unit or belong to another switch."""
    specs = {path: spec for path, _, spec, _ in scenario.walk()}
    taken: dict[str, str] = {}
    for name, switch in scenario.switches.items():
        if name in specs or "." in name or name in type(scenario).model_fields:
            raise ScenarioError(f"switches.{name}: the name of a switch must not contain dots or be that of an entry")
        for path in switch.moves:
            if path not in specs:
                raise UnknownParameterError(f"switches.{name}.moves: no parameter {path!r}{near_matches(path, specs)}")
            if path in taken:
                raise ScenarioError(f"switches.{name}: the switch {taken[path]!r} already moves {path}")
            taken[path] = name
        units = {specs[path].unit for path in switch.moves}
        if len(units) > 1:
            raise ScenarioError(f"switches.{name}: its values differ in unit: {', '.join(sorted(units))}")


def direct_changes(scenario: Scenario, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes with switches and patterns expanded to paths."""
    direct: dict[str, Any] = {}
    for name, value in changes.items():
        if name in scenario.switches:
            direct.update(_switched(scenario, name, value))
        elif "*" in name:
            direct.update(dict.fromkeys(scenario.matching(name), value))
        else:
            direct[name] = value
    for name, switch in scenario.switches.items():
        alone = [path for path in switch.moves if path in direct]
        left = [path for path in switch.moves if path not in direct]
        if alone and left:
            warnings.warn(
                f"{', '.join(alone)} changed alone, {', '.join(left)} not: set {name} to move them together",
                PartialChangeWarning,
                stacklevel=4,
            )
    return direct


def _switched(scenario: Scenario, name: str, value: Any) -> dict[str, Any]:
    """Return the written value of every path that a switch moves."""
    moves = scenario.switches[name].moves
    specs = {path: spec for path, _, spec, _ in scenario.walk() if path in moves}
    free = replace(next(iter(specs.values())), ge=None, gt=None, le=None, lt=None, trajectory=True)
    try:
        read, provenance = read_parameter(value, free)
    except CostModelError as error:
        raise type(error)(f"{name}: {error}") from None
    return {path: written_value(scaled_value(read, factor), provenance, specs[path]) for path, factor in moves.items()}


def kept_correlations(scenario: Scenario, form: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Any]:
    """Return the correlations whose two inputs are still uncertain; drop the others with a warning."""
    kept = []
    for row in form["correlations"]:
        fixed = [path for path in (row["a"], row["b"]) if _fixes(path.split("[")[0], changes, scenario.switches)]
        if not fixed:
            kept.append(row)
            continue
        warnings.warn(
            f"{' and '.join(fixed)} is now one value: its correlation of {row['rank']:g} with "
            f"{row['b'] if fixed[0] == row['a'] else row['a']} is dropped",
            CorrelationWarning,
            stacklevel=4,
        )
    return kept


def _fixes(path: str, changes: Mapping[str, Any], switches: Mapping[str, Switch]) -> bool:
    """Whether changes give an input a fixed value."""
    members = switches[path].moves if path in switches else (path,)
    return any(member in changes and isinstance(bare_value(changes[member]), int | float | str) for member in members)
