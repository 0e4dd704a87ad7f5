"""History reproduced at several price elasticities, and the forward figures of each."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from costmodel.analysis.by_elasticity import elasticity_range
from costmodel.cli.app import app
from costmodel.entry import load_scenario
from costmodel.flywheel.history import read_off
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import ScenarioError


@pytest.mark.regression
def test_draws_at_each_elasticity_tell_history_and_part_ways_afterwards() -> None:
    scenario = load_scenario("bond-flywheel")
    found = elasticity_range(scenario, ["user_spend@2030", "capex@2030"], elasticities=(-0.5, -1.5), draws=300, rng=0)
    low, high = found.found
    for item in found.found:
        assert item.consistent.misfit[1] < 1.5 < item.consistent.misfit[0]
        assert item.token_error < 0.25
        # The design works for any run: single draws, not only the median, reproduce the tokens of history.
        run = simulate(item.scenario, design=item.consistent.design)
        rows = [row for row in scenario.observations if row.output == "tokens"]
        misses = np.array([np.log(read_off(run, row) / row.value) for row in rows])
        assert np.quantile(np.abs(misses), 0.8) < 0.25
        assert np.array_equal(run.by_year("user_spend")[1][-1], item.values[0])
        assert np.all(item.scenario.market["chat"].price_elasticity == item.elasticity)
    assert np.median(high.values[1]) > 1.3 * np.median(low.values[1])
    pooled = found.pooled("capex@2030")
    assert pooled[2] / pooled[0] > 3.0
    assert {(row["elasticity"], row["output"]) for row in found.table().records()} == {
        (at, name) for at in (-0.5, -1.5) for name in ("user_spend@2030", "capex@2030")
    }


@pytest.mark.contract
def test_the_command_leads_with_the_range_and_refuses_what_has_no_history() -> None:
    words = ["refit", "bond-flywheel", "--elasticity", "-0.6", "--elasticity", "-1.4", "--draws", "100"]
    shown = CliRunner().invoke(app, [*words, "--output", "capex@2029"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("capex@2029: ")
    form = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert {row["output"] for row in form["rows"]} == {"user_spend@2030", "capex@2030", "facility_power@2030"}
    assert len(form["pooled 5, 50, 95 %"]["capex@2030"]) == 3
    for name, message in (("from-2026", "used_in_fit"), ("h100-hour", "takes a flywheel")):
        with pytest.raises(ScenarioError, match=message):
            CliRunner().invoke(app, ["refit", name], catch_exceptions=False)
