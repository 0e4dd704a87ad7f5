"""Every built-in scenario, whatever its model: it loads, runs, draws, cites and comes back from TOML exactly."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import costmodel
from costmodel.entry import MODEL_MODULES
from costmodel.foundation.results import Result
from costmodel.foundation.units import CANONICAL_UNITS

pytestmark = pytest.mark.contract
NAMES = costmodel.scenario_names()


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_scenario_runs_and_round_trips(name: str) -> None:
    scenario = costmodel.load_scenario(name)
    assert scenario.name == name
    assert type(scenario).from_toml(scenario.to_toml()) == scenario
    result = costmodel.run(scenario)
    assert isinstance(result, Result)
    assert result.scenario == scenario
    assert scenario.title
    cited = [line for line in scenario.sources() if line.grade.value not in ("assumed", "unverified")]
    assert all(line.source is not None or line.note for line in cited)


@pytest.mark.parametrize("name", NAMES)
def test_draws_of_a_built_in_scenario_repeat(name: str) -> None:
    scenario = costmodel.load_scenario(name)
    one, two = (costmodel.run(scenario, draws=8, rng=0) for _ in range(2))
    assert one.design is not None
    assert one.design.seed == 0
    for output in one.outputs():
        assert np.array_equal(np.asarray(one[output]), np.asarray(two[output]), equal_nan=True), output


@pytest.mark.parametrize("draws", [None, 8])
@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_read_back_equal(name: str, draws: int | None, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf")
    result = costmodel.run(costmodel.load_scenario(name), draws=draws, rng=0)
    result.save(tmp_path / "run.nc")
    again = costmodel.load_result(tmp_path / "run.nc")
    assert again == result
    assert again.scenario == result.scenario and again.design == result.design
    assert costmodel.run(again.scenario, design=again.design) == result
    assert len(repr(result).splitlines()) <= 10


def test_every_model_has_a_built_in_scenario() -> None:
    assert {costmodel.load_scenario(name).model for name in NAMES} == set(MODEL_MODULES)


def test_names_exported_at_the_top_exist() -> None:
    for name in costmodel.__all__:
        assert getattr(costmodel, name) is not None
    with pytest.raises(AttributeError):
        costmodel.nothing_of_that_name  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_every_unit_is_built_from_the_canonical_ones(name: str) -> None:
    allowed = {part for unit in CANONICAL_UNITS.values() for part in re.split("[*/]", unit)}
    scenario = costmodel.load_scenario(name)
    declared = [spec.unit for _, _, spec, _ in scenario.walk()]
    declared += [output.unit for output in costmodel.run(scenario).outputs().values()]
    assert {part for unit in declared for part in re.split("[*/]", unit)} <= allowed
