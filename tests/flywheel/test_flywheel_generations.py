"""Dated generations from the catalog as a product line."""

from __future__ import annotations

import numpy as np
import pytest

import costmodel.catalog as catalog
from costmodel.entry import load_scenario
from costmodel.flywheel.generations import Generation, line_of_generations
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import CatalogError, DomainError

GENERATIONS = (
    Generation("2022-01", "A100-SXM-80", "A100-80"),
    Generation("2023-07", "H100-SXM", "H100"),
    Generation("2025-07", "B200", "B200"),
)


@pytest.mark.closed_form
def test_price_and_power_are_those_of_the_catalog_per_reference_peak() -> None:
    line, sources = line_of_generations(GENERATIONS, pue=1.1)
    price = dict(line["price"]["value"]["knots"])
    power = dict(line["power"]["value"]["knots"])
    h100, b200 = catalog.accelerator("H100-SXM"), catalog.accelerator("B200")
    assert price["2023-07"] == pytest.approx(float(catalog.accelerator_price("H100").datum("server").value), rel=1e-3)
    assert power["2023-07"] == pytest.approx(700 * 1.8 * 1.1 * 1.979e15 / float(h100.datum("fp8").value), rel=1e-12)
    assert power["2025-07"] == pytest.approx(1000 * 1.8 * 1.1 * 1.979e15 / float(b200.datum("fp8").value), rel=1e-12)
    assert set(sources) >= {line["price"].get("source")} - {None}


@pytest.mark.contract
def test_a_scenario_runs_on_generations() -> None:
    form = load_scenario("bond-flywheel").written()
    line, sources = line_of_generations(GENERATIONS, pue=1.1)
    form["hardware"]["lines"] = {"merchant": line}
    form["sources"] |= sources
    form["correlations"] = []
    scenario = type(load_scenario("bond-flywheel"))(**form)
    result = simulate(scenario)
    unit = np.asarray(result.capex_by_class[:, 0] / result.accelerators_bought)
    steps = np.flatnonzero(np.abs(np.diff(unit)) > 1e-6 * unit[:-1])
    dates = [float(scenario.grid.bounds[i + 1]) for i in steps]
    assert [date for date in dates if date < 2027.0] == [2023.5, 2025.5]  # premiums move prices after the plan


@pytest.mark.contract
def test_what_is_missing_is_named() -> None:
    with pytest.raises(DomainError, match="at least one"):
        line_of_generations([], pue=1.1)
    with pytest.raises(DomainError, match="pue"):
        line_of_generations(GENERATIONS, pue=0.9)
    with pytest.raises(CatalogError, match="H100"):
        line_of_generations([Generation("2023-01", "H100-SMX", "H100")], pue=1.1)
    with pytest.raises(CatalogError, match="8-bit"):
        line_of_generations([Generation("2018-01", "V100-SXM2-32", "V100")], pue=1.1)
