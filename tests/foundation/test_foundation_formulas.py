"""Formulas in scenario files: their values, their written form, and their limits."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import costmodel
from costmodel.foundation.errors import CostModelError, DomainError, MissingExtraError, ScenarioError, UnitError
from costmodel.foundation.formulas import LONGEST, Formula, evaluate
from costmodel.foundation.schedules import TimeGrid

GRID = TimeGrid(dt.date(2026, 1, 1), 8, "quarter")
PRICE = "80 if year < 2027 else 60"
needs_sandbox = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_monty") is None, reason="a formula needs the extra 'sandbox'"
)


def planned(written, path="energy.price"):
    return costmodel.load_scenario("from-2026").replace({path: written})


def campaign_module():
    path = Path(__file__).parents[1] / "campaigns" / "hostile_formulas.py"
    spec = importlib.util.spec_from_file_location("hostile_formulas", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@needs_sandbox
@pytest.mark.closed_form
def test_a_formula_is_a_schedule_of_its_values_at_the_middle_of_each_step():
    schedule = Formula.parse({"formula": "2 * (year - 2026) if year < 2027 else 5"}, "1").schedule(GRID)
    expected = [0.25, 0.75, 1.25, 1.75, 5.0, 5.0, 5.0, 5.0]
    np.testing.assert_allclose(schedule.at(GRID.mid), expected, rtol=1e-12)


@needs_sandbox
@pytest.mark.closed_form
def test_a_formula_in_a_unit_of_its_own_is_converted_and_reaches_the_model():
    scenario = planned({"formula": PRICE, "unit": "USD/MWh"})
    prices = scenario.resolve().energy.price
    np.testing.assert_allclose(prices[:2], 80e-6, rtol=1e-12)
    np.testing.assert_allclose(prices[2:], 60e-6, rtol=1e-12)


@needs_sandbox
@pytest.mark.contract
def test_a_formula_is_written_back_with_its_source_described_scaled_and_cited():
    value = {"value": {"formula": PRICE, "unit": "USD/MWh"}, "grade": "assumed", "note": "as the contract says"}
    scenario = planned(value)
    for text in (scenario.to_toml(), scenario.to_toml(base=costmodel.load_scenario("from-2026"))):
        assert PRICE in text
    assert type(scenario).from_toml(scenario.to_toml()) == scenario
    assert PRICE in str(scenario.describe("energy.price"))
    cited = next(line for line in scenario.sources() if line.path == "energy.price")
    assert (cited.value, cited.note) == (PRICE, "as the contract says")
    halved = scenario.scale({"energy.price": 0.5})
    np.testing.assert_allclose(halved.resolve().energy.price, 0.5 * scenario.resolve().energy.price, rtol=1e-12)


@needs_sandbox
@pytest.mark.contract
def test_a_scenario_file_with_a_formula_runs_as_the_schedule_that_it_stands_for(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nbase = "from-2026"\n[energy]\nprice = { formula = "%s", unit = "USD/MWh" }\n' % PRICE  # noqa: UP031
    )
    knots = [["2026-07-01", "80 USD/MWh"], ["2027-01-01", "60 USD/MWh"]]
    stepped = planned({"knots": knots, "interpolation": "step"})
    spend = [costmodel.simulate(item).user_spend for item in (costmodel.load_scenario(file), stepped)]
    np.testing.assert_allclose(spend[0], spend[1], rtol=1e-9)


@needs_sandbox
@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sum(range(10**15))", "takes more than 0.5 s"),
        ("[0] * 10**9", "takes more than 16 MB"),
        ("open('/etc/hosts')", "no name 'open'"),
        ("__import__('os')", "no name '__import__'"),
        ("import os", "not one expression"),
        ("print('a')", "no name 'print'"),
        ("yaer", "did you mean 'year'?"),
        ("(1).real", "attribute is not allowed"),
        ("1 / (year - year)", "ZeroDivisionError"),
        ("year > 2027", "a value of type bool"),
        ("1e999", "gives inf"),
        ("10**400", "a value of type int"),
        ("-1e-6", "outside the allowed range"),
        ("160", "did you mean '160 USD/MWh'"),
        ("(" * 400, "not one expression"),
        ("1" * (LONGEST + 1), "at most 1,000"),
    ],
)
def test_a_formula_that_does_harm_or_gives_no_allowed_number_is_refused_in_one_line_that_names_its_path(text, said):
    with pytest.raises(CostModelError) as caught:
        planned({"formula": text})
    assert said in str(caught.value)
    assert "energy.price" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("written", "path", "error"),
    [
        ({"formula": "1", "knots": []}, "energy.price", ScenarioError),
        ({"formula": 3}, "energy.price", ScenarioError),
        ({"formula": "1", "unit": "USD"}, "energy.price", UnitError),
        ({"formula": "1"}, "training.initial_growth", ScenarioError),
    ],
)
def test_a_formula_of_the_wrong_form_or_where_nothing_is_scheduled_is_refused(written, path, error):
    with pytest.raises(error):
        planned(written, path)


@pytest.mark.contract
def test_without_the_sandbox_a_formula_is_refused_with_the_command_that_installs_it(monkeypatch):
    evaluate.cache_clear()
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ai-costmodel\[sandbox\]"'):
        planned({"formula": PRICE, "unit": "USD/MWh"})


@needs_sandbox
@pytest.mark.contract
def test_a_number_that_is_not_finite_is_named_with_its_date():
    with pytest.raises(DomainError, match=r"gives nan in 2026\.12"):
        Formula.parse({"formula": "float('nan')"}, "1").schedule(GRID)


@needs_sandbox
@pytest.mark.contract
def test_hostile_formulas_are_stopped_and_harm_nothing():
    counts, harms = campaign_module().campaign(120, seed=7)
    assert not harms
    assert sum(counts.values()) == 120
    assert sum(times for (_, outcome), times in counts.items() if outcome == "stopped") > 80
