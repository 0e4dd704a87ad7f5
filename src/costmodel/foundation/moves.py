"""Find the outputs that a parameter moves most, from a run with the parameter one per cent higher."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from costmodel.foundation.errors import CostModelError
from costmodel.foundation.outputs import OutputSpec
from costmodel.foundation.result_tables import has_years
from costmodel.foundation.results import Result
from costmodel.foundation.running import run_model
from costmodel.foundation.scenario import Scenario, model_entry

STEP = 0.01
"""Relative step of the parameter [1]."""
SAID = 3
"""Number of outputs to name [1]."""
LEAST = 1e-3
"""Smallest response that counts [per cent per per cent]."""


def moved_outputs(scenario: Scenario, paths: tuple[str, ...]) -> dict[str, str]:
    """Return texts on the outputs that each parameter moves most, at the medians and in the last year.

    Parameters
    ----------
    scenario
        A written scenario.
    paths
        Paths of parameters; a distribution or a schedule is moved as a whole.

    Returns
    -------
    dict
        Text by path: outputs with their change in per cent for a change of one per cent of the parameter. Empty if the
        parameter is absent or 0, or the scenario cannot be run.
    """
    found = dict.fromkeys(paths, "")
    with suppress(CostModelError):
        base = _figures(_run(scenario))
        for path in paths:
            with suppress(CostModelError):  # absent, 0, or at its bound on both sides
                found[path] = _said(base, _nearby(scenario, path))
    return found


def _run(scenario: Scenario) -> Result:
    result: Result = run_model(model_entry(scenario.model).load(), scenario)
    return result


def _nearby(scenario: Scenario, path: str) -> tuple[dict[str, float], float]:
    """Return figures with a parameter one per cent higher, or lower if higher is not allowed, and the step."""
    try:
        return _figures(_run(scenario.scale({path: 1.0 + STEP}))), STEP
    except CostModelError:
        return _figures(_run(scenario.scale({path: 1.0 - STEP}))), -STEP


def _said(base: dict[str, float], nearby: tuple[dict[str, float], float]) -> str:
    moved, step = nearby
    responses = {
        label: (moved[label] / value - 1.0) / step for label, value in base.items() if value and label in moved
    }
    finite = (label for label in responses if np.isfinite(responses[label]))
    ranked = sorted(finite, key=lambda label: -abs(responses[label]))
    named = [label for label in ranked[:SAID] if abs(responses[label]) >= LEAST]
    return ", ".join(f"{label} {responses[label]:+.2g} %" for label in named)


def _figures(result: Result) -> dict[str, float]:
    """Return every output with a single or yearly figure, by description; only the headlines if declared."""
    names = result.first() or tuple(result.outputs())
    return {label: value for name in names for label, value in _figure(result, result.spec(name))}


def _figure(result: Result, spec: OutputSpec) -> list[tuple[str, float]]:
    if spec.words or spec.kind in ("code", "date") or len(spec.dims) > has_years(spec):
        return []
    if has_years(spec):
        years, rows = result.by_year(spec.name)
        return [(f"{spec.name}@{years[-1]}", float(rows[-1]))] if years else []
    values = np.asarray(result[spec.name])
    return [(spec.name, float(values))] if values.ndim == 0 and values.dtype.kind in "fiu" else []
