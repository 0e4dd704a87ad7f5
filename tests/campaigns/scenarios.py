"""Mutated scenarios: each is refused in one line, or survives a round trip through TOML and gives finite figures."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import nasty
import numpy as np
from attack import Campaign

from costmodel import entry
from costmodel.analysis import run_ensemble
from costmodel.foundation.errors import CostModelError
from costmodel.foundation.running import not_finite

RUN_OF_A_SLOW_MODEL = 0.04
"""Share of the scenarios of slow models to run [1]; a run takes 0.2 s."""
RUN_OF_A_MODEL = 0.6
SLOW = frozenset({"flywheel"})


@cache
def written() -> dict[str, dict[str, Any]]:
    """Return the written forms of the built-in scenarios."""
    return {name: entry.load_scenario(name).written() for name in entry.scenario_names()}


@cache
def weights() -> tuple[list[str], list[float]]:
    """Return the scenarios with weights that give every model the same probability."""
    models = [form["model"] for form in written().values()]
    return list(written()), [1.0 / models.count(model) for model in models]


def case(chance: random.Random, folder: Path) -> str | None:
    name = chance.choices(*weights())[0]
    form = nasty.mutated(written()[name], chance)
    scenario = _built(form, chance, folder)
    fault = _text_fault(scenario)
    if fault is not None:
        return f"{fault} | {name}"
    repr(scenario)
    scenario.describe().to_csv()
    scenario.sources()
    share = RUN_OF_A_SLOW_MODEL if scenario.model in SLOW else RUN_OF_A_MODEL
    return _run_fault(scenario, chance) if chance.random() < share else None


def _built(form: Any, chance: random.Random, folder: Path) -> Any:
    """Build a scenario from tables, or from a file of them."""
    if chance.random() < 0.8 or not isinstance(form, dict):
        return entry.scenario_from(form)
    import tomli_w

    try:
        text = tomli_w.dumps(form)
    except (TypeError, ValueError, AttributeError, RecursionError):  # values that TOML cannot represent
        return entry.scenario_from(form)
    path = folder / "mine.toml"
    raw = text.encode("utf-8", "surrogatepass")
    path.write_bytes(nasty.damaged(raw, chance) if chance.random() < 0.3 else raw)
    return entry.load_scenario(path)


def _text_fault(scenario: Any) -> str | None:
    """Return the fault of a scenario's round trip through TOML, or None."""
    text = scenario.to_toml()
    try:
        again = type(scenario).from_toml(text)
    except CostModelError as error:
        return f"text is refused: {type(error).__name__} {str(error)[:120]}"
    if again != scenario or again.to_toml() != text:
        return "text gives back another scenario"
    return None


def _run_fault(scenario: Any, chance: random.Random) -> str | None:
    """Run a scenario in one of several ways; return an output that is silently not finite, or None."""
    way = chance.random()
    if way < 0.7 or not scenario.uncertain_paths():
        return finite_fault(entry.run(scenario))
    if way < 0.9:
        return finite_fault(entry.run(scenario, draws=chance.choice((1, 2, 7)), rng=chance.randrange(3)))
    if way < 0.97 or scenario.model in {*SLOW, "project"}:  # an ensemble computes a whole block of draws
        return finite_fault(entry.run(scenario, draws=7, rng=0, on_nonfinite="mask"), masked=True)
    found = run_ensemble(scenario, draws=20, rng=0)
    for name in found:
        if not np.isfinite(found.quantile(name, 0.5)).all() and not found[name].spec.blank:
            return f"ensemble: {name} is not finite in silence | {scenario.name}"
    return None


def finite_fault(result: Any, masked: bool = False) -> str | None:
    """Return an output of a result that is silently not finite, in its values or its JSON, or None."""
    for name, spec in result.outputs().items():
        value = result[name]
        if masked and result.left_out is not None and np.ndim(value) > len(spec.dims):
            value = np.asarray(value)[..., ~result.left_out]
        if not_finite(value, spec).any():
            return f"{name} is not finite in silence | {result.scenario.name}"
    for name, row in result.summary().items():
        if result.outputs()[name].blank:
            continue
        figures = {key: np.asarray(item).tolist() for key, item in row.items()}
        try:
            json.dumps(figures, allow_nan=False)
        except ValueError:
            return f"summary of {name} is not finite in silence | {result.scenario.name}"
    repr(result)
    return None


CAMPAIGN = Campaign(case, whole=60_000)
