"""Every built-in scenario of any model: it loads, runs, draws, cites sources and survives a round trip through TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.entry import MODEL_MODULES
from costmodel.foundation.inheritance import bare_value, is_value, merged
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


FOLDER = Path(costmodel.__file__).parent / "scenarios"
RAW = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.toml"))}


def _whole(name: str) -> dict[str, Any]:
    form = RAW[name]
    return merged(_whole(form["base"]), {k: v for k, v in form.items() if k != "base"}) if "base" in form else form


def _leaves(form: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in form.items():
        if isinstance(item, dict) and not is_value(item):
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


@pytest.mark.parametrize("name", [name for name, form in RAW.items() if "base" in form])
def test_a_scenario_repeats_nothing_that_its_base_says(name: str) -> None:
    base = dict(_leaves(_whole(RAW[name]["base"])))
    own = dict(_leaves({key: item for key, item in RAW[name].items() if key not in ("base", "name")}))
    said = {path for path, item in own.items() if path in base and bare_value(item) == bare_value(base[path])}
    assert not said, f"{name} repeats what {RAW[name]['base']} says: {sorted(said)}"
