"""Analysis commands on built-in scenarios, with few draws."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from costmodel.cli.backtest import backtest_command
from costmodel.cli.breakeven import breakeven_command
from costmodel.cli.compare import compare_command
from costmodel.cli.sensitivity import sensitivity_command
from costmodel.foundation.errors import ConvergenceError, CostModelError, ScenarioError

pytestmark = pytest.mark.contract


def call(command, *words):
    app = typer.Typer()
    app.command()(command)
    found = CliRunner().invoke(app, list(words))
    if found.exception is not None and isinstance(found.exception, CostModelError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


def read(command, *words):
    return json.loads(call(command, *words, "--json"))


def test_sensitivity_prints_the_sum_of_first_order_indices_beside_the_tornado():
    text = call(
        sensitivity_command, "from-2026", "--output", "operating_margin@2030", "--base-points", "64", "--draws", "1024"
    )
    assert "sum of first-order indices" in text
    assert "rests on unmeasured inputs" in text
    assert "--all shows the rest" in text


@pytest.mark.parametrize("method", ["morris", "given-data", "elasticity", "sobol"])
def test_each_method_as_json(method):
    words = ["from-2026", "--output", "user_spend@2030", "--method", method, "--base-points", "64", "--draws", "512"]
    found = read(sensitivity_command, *words)
    rows, _ = found[method]["user_spend@2030"]
    assert {"input"} <= set(rows[0])
    assert len(rows) > 20


def test_break_even_by_value_draw_and_frontier():
    target = ["--target", "operating_margin@2030 = -0.1"]
    found = read(
        breakeven_command, "from-2026", "--solve", "market.agents.markup", *target, "--low", "0", "--high", "9"
    )
    assert len(found["rows"]) == 1
    found = read(breakeven_command, "from-2026", "--solve", "market.agents.markup", *target, "--draws", "30")
    assert found["share"] > 0.0
    words = ["--against", "market.agents.price_elasticity", "--value", "-1.2", "--value", "-1.0"]
    found = read(breakeven_command, "from-2026", "--solve", "market.agents.markup", *target, *words)
    assert [row["market.agents.price_elasticity"] for row in found["rows"]] == [-1.2, -1.0]


def test_a_break_even_that_nothing_makes_true_is_refused():
    words = ["from-2026", "--solve", "hardware.sites.cost_per_watt", "--target", "user_spend@2030 = 900 TUSD"]
    with pytest.raises(ConvergenceError, match=r"no value of the multiple of hardware\.sites\.cost_per_watt between"):
        call(breakeven_command, *words)


def test_compare_with_a_waterfall_that_adds_up():
    words = ["from-2026", "from-2026", "--set", "market.agents.markup=0.2", "--set", "software.algorithmic_growth=2"]
    found = read(compare_command, *words, "--output", "user_spend@2030", "--draws", "64", "--waterfall")
    steps = [row["value"] for row in found["waterfall"]["user_spend@2030"]]
    assert sum(steps[:-1]) == pytest.approx(steps[-1], rel=1e-12)
    text = call(compare_command, "bond-flywheel", "from-2026", "--draws", "16", "--output", "capex")
    assert "capex@2030" in text
    with pytest.raises(ScenarioError, match="NAME=PATH"):
        call(compare_command, *words, "--draws", "16", "--waterfall", "--part", "both")


def test_backtest_reports_coverage_with_n_and_lists_hindsight():
    text = call(backtest_command, "bond-flywheel", "--as-of", "2024-12-31", "--draws", "300")
    assert "coverage of the 80% interval" in text
    assert "hindsight, in" in text
    assert "no forecast weighted by history: only" in text
    found = read(backtest_command, "bond-flywheel", "--as-of", "2023-12-31", "--draws", "300")
    assert found["forecasts"]["unconditional"]["n"] == 20
    with pytest.raises(ScenarioError, match="either --as-of"):
        call(backtest_command, "bond-flywheel")
    with pytest.raises(ScenarioError, match="no built-in backtest"):
        call(backtest_command, "bond-flywheel", "--as-of", "2022-12-31")


def test_a_scenario_file_and_a_plan_file(tmp_path):
    missing = tmp_path / "none.toml"
    with pytest.raises(ScenarioError, match="No such file"):
        call(backtest_command, "bond-flywheel", "--plan", str(missing))
