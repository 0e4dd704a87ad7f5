"""Inheritance of scenarios: bases, differences, switches, patterns, and correlations of inputs no longer uncertain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel
from costmodel.foundation.design import Design
from costmodel.foundation.errors import (
    CorrelationWarning,
    DomainError,
    PartialChangeWarning,
    ScenarioError,
    UnknownParameterError,
)
from costmodel.foundation.inheritance import changed_entries, difference, merged
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario

LEAVES = st.one_of(
    st.integers(0, 3),
    st.floats(0, 3),
    st.sampled_from(["a", "b"]),
    st.lists(st.integers(0, 2), max_size=2),
    st.just({"value": 1.0, "source": "s"}),
    st.just({"dist": "uniform", "low": 0.0, "high": 1.0}),
)
FORMS = st.dictionaries(
    st.sampled_from("xyz"),
    st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("pq"), inner, max_size=2), max_leaves=6),
    max_size=3,
)


class Part(Inputs):
    life: Parameter = parameter("year", gt=0, description="Life.")
    price: Parameter = parameter("USD/hour", ge=0, default=2.0, description="Price.")


class Plan(Scenario):
    chips: Part
    network: Part
    growth: Parameter = parameter("1/year", default=0.1, description="Growth.")


def plan(**changes: Any) -> Plan:
    form: dict[str, Any] = {
        "name": "plan",
        "model": "plan",
        "chips": {"life": 6.0},
        "network": {"life": 3.0},
        "switches": {"life": {"description": "Life of all.", "moves": {"chips.life": 1.0, "network.life": 0.5}}},
    }
    return Plan(**{**form, **changes})


@pytest.mark.law
@given(FORMS, FORMS)
def test_what_is_laid_over_a_base_gives_the_form_back(base: dict[str, Any], form: dict[str, Any]) -> None:
    change = difference(base, form)
    assert merged(base, change) == form
    assert (difference(form, form), merged(base, {})) == ({}, base)
    assert (changed_entries(base, form) == {}) or change != {}


@pytest.mark.contract
def test_values_are_replaced_whole_and_tables_merge() -> None:
    base = {"a": {"x": {"value": 1.0, "source": "s"}, "y": 2.0}, "l": [1, 2]}
    assert merged(base, {"a": {"x": 3.0}, "l": [9]}) == {"a": {"x": 3.0, "y": 2.0}, "l": [9]}
    assert merged(base, {"a": {"x": {"dist": "uniform", "low": 0.0, "high": 1.0}}})["a"]["x"]["dist"] == "uniform"
    assert base["a"]["x"] == {"value": 1.0, "source": "s"}  # merging does not change the base
    with pytest.raises(ScenarioError, match=r"the base has no 'a.z'"):
        merged(base, {"remove": ["a.z"]})
    with pytest.raises(ScenarioError, match="a list of paths"):
        merged(base, {"remove": "a"})


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.contract
def test_a_file_inherits_from_built_in_scenarios_and_from_files_beside_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        mine='base = "h100-hour"\nname = "mine"\nutilisation = 0.5\n',
        sub__deep='base = "deeper.toml"\nname = "deep"\nwacc = 0.2\n',
        sub__deeper='base = "h100-hour"\nname = "deeper"\nutilisation = 0.4\n',
        outer='base = "sub/deep.toml"\nname = "outer"\n',
    )
    base, mine = costmodel.load_scenario("h100-hour"), costmodel.load_scenario(tmp_path / "mine.toml")
    assert mine == base.replace({"name": "mine", "utilisation": 0.5})
    outer = costmodel.load_scenario(str(tmp_path / "outer.toml"))
    assert (outer.utilisation, outer.wacc, outer.chip_price) == (0.4, 0.2, base.chip_price)
    again = tmp_path / "again.toml"
    again.write_text(mine.to_toml(base=base))
    assert costmodel.load_scenario(again) == mine
    assert again.read_text() == 'base = "h100-hour"\nname = "mine"\nutilisation = 0.5\n'
    assert type(mine).from_toml(mine.to_toml()) == mine


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "two.toml"', r"form a circle: .*one.toml → .*two.toml → .*one.toml"),
        ('base = "../outside.toml"', "leaves the folder"),
        ('base = "link.toml"', "leaves the folder"),
        ('base = "/etc/x.toml"', "neither a built-in scenario nor a path"),
        ('base = "h100-our"', "did you mean 'h100-hour'"),
        ("base = 5", "a name or a relative path"),
        ('base = "absent.toml"', "No such file"),
        ('base = "h100-hour"\nmodel = "flywheel"', "is not that of its base"),
        ('base = "h100-hour"\nremove = ["wac"]', "did you mean 'wacc'"),
        ('remove = ["x"]', "belongs to a scenario with a base"),
        ('base = "h100-hour"\nutilisatoin = 0.5', "did you mean 'utilisation'"),
    ],
)
def test_bases_that_are_not(tmp_path: Path, text: str, message: str) -> None:
    inside = tmp_path / "in"
    write(inside, one=text, two='base = "one.toml"')
    write(tmp_path, outside='base = "h100-hour"\nname = "o"')
    (inside / "link.toml").symlink_to(tmp_path / "outside.toml")
    with pytest.raises(ScenarioError, match=message):
        costmodel.load_scenario(inside / "one.toml")


@pytest.mark.contract
def test_bases_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, f0='base = "h100-hour"\nname = "x"', **{f"f{k}": f'base = "f{k - 1}.toml"' for k in range(1, 12)})
    assert costmodel.load_scenario(tmp_path / "f5.toml").name == "x"
    with pytest.raises(ScenarioError, match="more than 8 bases"):
        costmodel.load_scenario(tmp_path / "f11.toml")


@pytest.mark.closed_form
def test_a_switch_moves_all_that_it_names() -> None:
    moved = plan().replace({"life": "48 month"})
    assert (moved.chips.life, moved.network.life) == (4.0, 2.0)
    spread = plan().replace({"life": {"dist": "uniform", "low": 4.0, "high": 6.0}})
    assert spread.uncertain_paths() == ("life",)
    drawn = spread.resolve(Design.random(spread, 50, 0))
    assert (drawn.network.life == 0.5 * drawn.chips.life).all()  # one rank for both
    assert drawn.chips.life.std() > 0.0
    assert Plan.from_toml(spread.to_toml()) == spread
    scaled = plan().scale({"life": 0.5, "*.price": 2.0})
    assert (scaled.chips.life, scaled.network.life, scaled.chips.price, scaled.network.price) == (3.0, 1.5, 4.0, 4.0)


@pytest.mark.contract
def test_a_partial_change_says_what_it_leaves() -> None:
    with pytest.warns(PartialChangeWarning, match=r"chips.life changed alone, network.life not: set life"):
        alone = plan().replace({"chips.life": 4.0})
    assert (alone.chips.life, alone.network.life) == (4.0, 3.0)
    assert plan().replace({"chips.life": 4.0, "network.life": 4.0}).network.life == 4.0


@pytest.mark.contract
@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ({"chips.lif": 1.0}, "did you mean 'chips.life'"),
        ({"chips.life": 0.0}, "above 0"),
        ({"chips.life": 1.0, "chips.price": 1.0}, "differ in unit"),
        ({}, "at least 1"),
    ],
)
def test_switches_that_are_not(moves: dict[str, float], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        plan(switches={"life": {"description": "x", "moves": moves}})
    with pytest.raises(ScenarioError, match="or be that of an entry"):
        plan(switches={"growth": {"description": "x", "moves": {"chips.life": 1.0}}})
    twice = {name: {"description": "x", "moves": {"chips.life": 1.0}} for name in ("one", "two")}
    with pytest.raises(ScenarioError, match="the switch 'one' already moves"):
        plan(switches=twice)
    with pytest.raises(DomainError, match="outside the allowed range"):
        plan().replace({"life": -1.0})
    with pytest.raises(ScenarioError, match="did you mean"):
        plan().replace({"lif": 1.0})


@pytest.mark.contract
def test_patterns_replace_every_path_that_they_fit() -> None:
    assert plan().replace({"*.price": 5.0}).network.price == 5.0
    with pytest.raises(UnknownParameterError, match="no such parameter"):
        plan().replace({"*.prices": 5.0})
    with pytest.raises(DomainError, match="above 0"):
        plan().scale({"growth": -1.0})


@pytest.mark.contract
def test_a_correlated_input_set_to_a_number_drops_its_correlation_with_a_notice() -> None:
    spread = {"dist": "uniform", "low": 0.1, "high": 0.3}
    tied = plan(
        growth=spread,
        chips={"life": 6.0, "price": spread},
        network={"life": 3.0, "price": spread},
        correlations=[
            {"a": "growth", "b": "chips.price", "rank": 0.5},
            {"a": "chips.price", "b": "network.price", "rank": 0.2},
        ],
    )
    with pytest.warns(
        CorrelationWarning, match="growth is now one value: its correlation of 0.5 with chips.price is dropped"
    ):
        fixed = tied.replace({"growth": 0.2})
    assert [(row.a, row.b) for row in fixed.correlations] == [("chips.price", "network.price")]
    assert tied.replace({"growth": {"dist": "uniform", "low": 0.2, "high": 0.3}}).correlations == tied.correlations


@pytest.mark.contract
def test_a_difference_shows_values_units_and_sources() -> None:
    sources = {"s": {"title": "Report"}}
    first = plan(sources=sources, growth={"value": 0.1, "source": "s", "grade": "published"})
    second = first.replace({"growth": {"dist": "uniform", "low": 0.1, "high": 0.3}, "chips.price": 3.0, "name": "b"})
    rows = {row.path: row for row in first.diff(second).changes}
    assert set(rows) == {"growth", "chips.price"}
    assert (rows["chips.price"].first, rows["chips.price"].second, rows["chips.price"].unit) == ("2", "3", "USD/hour")
    assert rows["growth"].second == "uniform(low=0.1, high=0.3)" and rows["growth"].first_source == "Report [published]"
    assert "chips.price" in str(first.diff(second))
    assert "no entry that changes a number differs" in str(first.diff(first.replace({"title": "x"})))
    with pytest.raises(DomainError, match="of model"):
        first.diff(costmodel.load_scenario("h100-hour"))


@pytest.mark.contract
def test_a_resolved_scenario_has_no_text() -> None:
    spread = plan(growth={"dist": "uniform", "low": 0.1, "high": 0.3})
    with pytest.raises(ScenarioError, match="holds arrays"):
        spread.resolve(Design.random(spread, 3, 0)).to_toml()
