"""Texts that only look like numbers, unknown words and unknown keys are each refused in one line."""

from __future__ import annotations

import time
from typing import Any

import pytest

from costmodel import load_scenario
from costmodel.cli.common import parse_value
from costmodel.foundation.errors import CostModelError, ScenarioError, near_matches
from costmodel.foundation.toml import parse_toml

NO_NUMBERS = ["30000", True, float("nan"), float("inf"), None, [1.0], {"a": 1}]
POINT = {"tokens_per_second": 1000.0, "user_speed": 20.0}
SEEN = {"output": "capex", "date": "2025", "value": 4e11, "unit": "USD", "source": "epoch"}
SHAPE = {"layers": 2, "d_model": 64, "heads": 8, "kv_heads": 2, "head_dim": 8, "vocabulary": 100, "d_ff": 256}


def deployment(**changes: Any) -> Any:
    return load_scenario("token-on-h100").replace(changes)


def flywheel(**changes: Any) -> Any:
    scenario = load_scenario("bond-flywheel")
    row = {**SEEN, "source": next(iter(scenario.source_table)), **changes}
    return scenario.replace({"observations": [row]})


@pytest.mark.contract
@pytest.mark.parametrize("bad", NO_NUMBERS, ids=str)
def test_measured_points_are_numbers(bad: Any) -> None:
    assert len(deployment(measured=[POINT]).measured) == 1
    for field in POINT:
        with pytest.raises(CostModelError, match=rf"measured\.0\.{field}"):
            deployment(measured=[{**POINT, field: bad}])


@pytest.mark.contract
@pytest.mark.parametrize("bad", NO_NUMBERS, ids=str)
def test_observed_values_and_targets_are_numbers(bad: Any) -> None:
    assert flywheel().observations[0].value == 4e11
    with pytest.raises(CostModelError, match=r"observations\.0\.value"):
        flywheel(value=bad)
    with pytest.raises(CostModelError, match="targets"):
        load_scenario("frontier-ladder").replace({"targets": [bad]})


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "dollar"}, "unknown unit 'dollar'"),
        ({"grade": "sure"}, "grade"),
        ({"date": "soon"}, "is not a date"),
        ({"date": "20251"}, "is not a date"),
        ({"output": "capexx"}, "no output 'capexx'; did you mean 'capex'"),
        ({"source": "nowhere"}, "is not in"),
        ({"used_in_fit": "yes"}, "used_in_fit"),
    ],
)
def test_observations_have_known_words(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CostModelError, match=message):
        flywheel(**change)


@pytest.mark.contract
@pytest.mark.parametrize("bad", [*NO_NUMBERS[:4], -1, 2.5], ids=str)
def test_a_shape_of_ones_own_is_read_when_it_is_written(bad: Any) -> None:
    named = {"architecture": "tiny", "precision": "bf16", "layout.tensor": 1}
    assert deployment(**named, own_shape=SHAPE).own_shape == SHAPE
    with pytest.raises(CostModelError, match=r"own_shape.*layers"):
        deployment(**named, own_shape={**SHAPE, "layers": bad})
    with pytest.raises(CostModelError, match=r"own_shape.*did you mean 'layers'"):
        deployment(**named, own_shape={**SHAPE, "layerz": 3})


@pytest.mark.contract
@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 40_000) + " = 1",
        "[" + ".".join(["a"] * 40_000) + "]",
        "x = {" + ".".join(["a"] * 40_000) + " = 1}",
        "x = [1, {" + ".".join(["a"] * 40_000) + " = 1}]",
        'name = "x"\n' + "a" * 200_000 + " = 1",
    ],
    ids=["key", "table", "inline", "nested", "long"],
)
def test_a_key_of_many_parts_is_refused_before_it_is_parsed(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ScenarioError, match="a key has"):
        parse_toml(text)
    assert time.perf_counter() - began < 5.0, "the parser alone takes minutes and gigabytes"


@pytest.mark.contract
def test_an_override_of_many_parts_is_refused_too() -> None:
    with pytest.raises(ScenarioError, match="a key has"):
        parse_value("{" + ".".join(["a"] * 40_000) + " = 1}")
    with pytest.raises(CostModelError, match="no such parameter"):
        load_scenario("h100-hour").replace({".".join(["a"] * 10_000): 1.0})


@pytest.mark.contract
def test_long_texts_and_sentences_are_no_keys() -> None:
    sentence = "Figures of 2025. " * 60 + "x = y. " * 40
    form = parse_toml(f'note = "{sentence}"\nlist = [{", ".join(["1.5"] * 500)}]\n[a.b]\nc.d = 1.5')
    assert form["note"] == sentence and form["a"]["b"]["c"]["d"] == 1.5


@pytest.mark.contract
def test_near_matches_of_a_text_longer_than_any_name_are_not_looked_for() -> None:
    assert near_matches("a" * 120_000, ["a" * 100, "b"]) == ""
    assert near_matches("pric", ["price"]) == "; did you mean 'price'?"
