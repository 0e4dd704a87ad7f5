"""Contract of every registered model: a strategy, exact round trips, slices equal to scalar runs, effective inputs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.analysis.problem import PointResolver
from costmodel.entry import MODEL_MODULES, load_scenario, scenario_names
from costmodel.foundation.arrays import FloatArray, quiet
from costmodel.foundation.errors import CostModelError
from costmodel.foundation.results import Result, outputs_of
from costmodel.foundation.scenario import MODELS, Scenario
from costmodel.testing import SCENARIOS

for _module in MODEL_MODULES.values():
    import_module(_module)

REGISTERED = sorted(MODELS.keys() & MODEL_MODULES.keys())
COVERED = sorted(set(REGISTERED) & set(SCENARIOS))
TRIED_ELSEWHERE = {
    "flywheel": "tests/flywheel/test_flywheel_parameters.py",
    "training_run": "tests/training/test_training_run.py",
}
"""Models whose inputs have their own test, on scenarios with every entry present."""
FEWER, ADDED = 0.97, 0.01
"""Factor for a number, and replacement for a zero, to see whether an output changes."""


def run_at(scenario: Scenario, values: dict[str, FloatArray], factors: dict[str, FloatArray]) -> Result:
    """Run a scenario's model with some parameters replaced or scaled by vectors."""
    with quiet():
        result: Result = MODELS[scenario.model].load()(
            scenario.resolved(PointResolver(scenario.outlook, None, values, factors))
        )
    return result


def outputs(result: Result, draws: int) -> Iterator[tuple[str, FloatArray]]:
    """Return every numeric or Boolean output as ``(…, draw)``."""
    for spec in outputs_of(type(result)):
        value = np.asarray(getattr(result, spec.name))
        if value.dtype.kind in "biuf":
            varies = value.ndim > len(spec.dims)
            array = value if varies else np.broadcast_to(value[..., None], (*value.shape, draws))
            yield spec.name, np.asarray(array, dtype=np.float64)


def numbers(scenario: Scenario) -> list[str]:
    """Return the paths of the parameters that are present."""
    return [path for path, value, _, _ in scenario.walk() if value is not None]


@pytest.mark.contract
def test_every_model_is_registered_under_its_name() -> None:
    assert sorted(MODEL_MODULES) == REGISTERED


@pytest.mark.contract
@pytest.mark.parametrize("name", REGISTERED)
def test_model_has_a_strategy(name: str) -> None:
    assert name in SCENARIOS, f"add {name!r} to SCENARIOS in src/costmodel/testing/<room>.py"


@pytest.mark.law
@pytest.mark.parametrize("name", COVERED)
def test_any_scenario_survives_its_text_and_runs(name: str) -> None:
    @settings(max_examples=5)
    @given(SCENARIOS[name])
    def law(scenario: Scenario) -> None:
        assert type(scenario).from_toml(scenario.to_toml()) == scenario
        result = run_at(scenario, {}, {})
        for output, value in outputs(result, 1):
            assert result.spec(output).blank or np.isfinite(value).all(), output

    law()


@pytest.mark.contract
@pytest.mark.parametrize("name", scenario_names())
def test_built_in_scenario_survives_its_text(name: str) -> None:
    scenario = load_scenario(name)
    assert type(scenario).from_toml(scenario.to_toml()) == scenario
    assert scenario.model in MODEL_MODULES
    assert scenario.title
    assert scenario.name == name


@pytest.mark.law
@pytest.mark.parametrize("name", COVERED)
def test_slice_of_an_ensemble_equals_the_scalar_run(name: str) -> None:
    @settings(max_examples=3)
    @given(SCENARIOS[name], st.data())
    def law(scenario: Scenario, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(numbers(scenario)))
        factors = np.array([1.0, 0.999, 0.99])
        try:
            together = dict(outputs(run_at(scenario, {}, {path: factors}), 3))
        except CostModelError:
            return  # for example, a whole number that was scaled
        for draw, factor in enumerate(factors):
            alone = run_at(scenario, {}, {path: np.float64(factor)})
            for output, value in outputs(alone, 1):
                part = np.broadcast_to(together[output], (*value.shape[:-1], 3))[..., draw]
                np.testing.assert_allclose(part, value[..., 0], rtol=1e-12, atol=1e-300, err_msg=f"{path}: {output}")

    law()


def _generic(scenario: Any, path: str) -> str:
    """Return a path with ``*`` for keys and positions, so that one workload stands for all."""
    parts, node = [], scenario
    for part in path.split("."):
        if isinstance(node, dict | tuple):
            parts.append("*")
            node = node[part] if isinstance(node, dict) else node[int(part)]
        else:
            parts.append(part)
            node = getattr(node, part)
    return ".".join(parts)


def _live(scenario: Scenario) -> dict[str, bool]:
    """Return, for every parameter, whether an output depends on it: one run with a draw per parameter."""
    specs = {path: spec for path, value, spec, _ in scenario.walk() if value is not None}
    paths = list(specs)
    draws, values, factors = len(paths) + 1, {}, {}
    for i, path in enumerate(paths):
        zero = scenario.get(path) == 0.0
        vector = np.full(draws, 0.0 if zero else 1.0)
        ceiling = specs[path].le
        moved = -ADDED if ceiling is not None and ceiling <= 0.0 else ADDED
        vector[i + 1] = moved if zero else FEWER
        (values if zero else factors)[path] = vector
    follows = np.zeros(draws, dtype=bool)
    for _, value in outputs(run_at(scenario, values, factors), draws):
        flat = value.reshape(-1, draws)
        blank = np.isnan(flat) & np.isnan(flat[:, :1])
        follows |= ((flat != flat[:, :1]) & ~blank).any(axis=0)
    return {_generic(scenario, path): bool(follows[i + 1]) for i, path in enumerate(paths)}


@cache
def _examples(name: str) -> tuple[Scenario, ...]:
    """Return the built-in scenarios of a model and some of its strategy."""
    found = [scenario for scenario in map(load_scenario, scenario_names()) if scenario.model == name]

    @settings(max_examples=40)
    @given(SCENARIOS[name])
    def collect(scenario: Scenario) -> None:
        found.append(scenario)

    collect()
    return tuple(found)


@pytest.mark.law
@pytest.mark.parametrize("name", sorted(set(COVERED) - set(TRIED_ELSEWHERE)))
def test_every_parameter_changes_some_output_in_some_scenario(name: str) -> None:
    live: dict[str, bool] = {}
    for scenario in _examples(name):
        for path, follows in _live(scenario).items():
            live[path] = live.get(path, False) or follows
    assert [path for path, follows in live.items() if not follows] == []
