"""A missing side figure blanks the outputs that depend on it, by name, but never the cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from costmodel import catalog, load_scenario, run
from costmodel.foundation.errors import CatalogError
from costmodel.serving.records import power_in_use

ACCELERATORS = catalog.names("accelerators")


@pytest.mark.published
def test_draw_is_estimated_from_rated_power_by_batch() -> None:
    # ML.ENERGY v3: 0.65 of rated power at batches up to 8, 0.70 to 64, 0.82 above, median 0.75; A100: 400 W
    power, note = power_in_use("A100-SXM-80", np.array([1.0, 8.0, 9.0, 64.0, 65.0, 512.0]))
    assert power == pytest.approx(400.0 * np.array([0.65, 0.65, 0.70, 0.70, 0.82, 0.82]))
    assert power_in_use("A100-SXM-80")[0] == pytest.approx(400.0 * 0.75)
    assert "estimated" in note and "accelerator alone" in note
    recorded, note = power_in_use("H100-SXM")
    assert (recorded, note) == (catalog.record("accelerator_hours", "H100").value("it_power"), "")
    missing, note = power_in_use("MI455X")
    assert math.isnan(missing) and "give energy.power" in note


@pytest.mark.contract
def test_a_deployment_runs_on_every_accelerator_or_says_why_it_cannot() -> None:
    scenario = load_scenario("token-on-h100")
    served = 0
    for name in ACCELERATORS:
        result = run(scenario.replace({"accelerator": name, "precision": "bf16", "layout.tensor": 8}))
        assert bool(result.infeasible) == bool(result.reasons), name
        assert np.isfinite(result.blended_cost) != bool(result.infeasible), name
        served += not bool(result.infeasible)
        if not result.infeasible:
            assert result.energy > 0, name
            recorded = power_in_use(name)[1] == ""
            assert ("estimated" in (result.basis("energy") or "")) != recorded, name
    assert served >= 25


@pytest.mark.contract
def test_without_any_power_on_record_energy_is_blank_by_name_and_the_cost_stands() -> None:
    scenario = load_scenario("token-on-h100").replace(
        {"accelerator": "MI455X", "precision": "bf16", "layout.tensor": 8, "chip.scale_up_bandwidth": "900 GB/s"}
    )
    result = run(scenario)
    assert result.blended_cost > 0 and math.isnan(result.energy)
    assert "give energy.power" in (result.basis("energy") or "")
    given = run(scenario.replace({"energy.power": "2 kW"}))
    assert given.energy > 0 and given.blended_cost == result.blended_cost


@pytest.mark.contract
def test_an_hour_of_every_accelerator_has_a_total_or_names_the_figure_that_is_missing() -> None:
    scenario, priced, totals = load_scenario("h100-hour"), 0, set()
    for name in ACCELERATORS:
        named = scenario.replace({"accelerator": name})
        try:
            total = float(run(named).total)
        except CatalogError:
            with pytest.raises(CatalogError, match=f"no purchase price of '{name}'.*give chip_price"):
                run(named)
        else:
            priced, totals = priced + 1, totals | {round(total, 6)}
    assert priced >= 20 and len(totals) >= 18, "the accelerator that is named moves the hour"
    with pytest.raises(CatalogError, match="nonsense"):
        run(scenario.replace({"accelerator": "nonsense"}))
