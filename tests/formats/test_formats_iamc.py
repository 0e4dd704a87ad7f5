"""Long tables of IAMC: rows, units and quantiles from a result defined in the test."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.formats import iamc
from costmodel.foundation.errors import ScenarioError


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.closed_form
def test_a_row_for_each_variable_and_year() -> None:
    result: Any = costmodel.run("bond-flywheel")
    found = rows(iamc.write(result, ["user_spend", "training_share_of_compute"], region="R"))
    years, values = result.by_year("user_spend")
    assert list(found[0]) == ["model", "scenario", "region", "variable", "unit", "year", "value"]
    spend = [row for row in found if row["variable"] == "User spend"]
    assert [(int(row["year"]), float(row["value"])) for row in spend] == list(zip(years, values, strict=True))
    assert {(row["region"], row["scenario"], row["unit"]) for row in spend} == {("R", "bond-flywheel", "USD")}
    assert {row["unit"] for row in found if row["variable"] != "User spend"} == {""}


@pytest.mark.closed_form
def test_draws_are_quantiles_and_axes_are_part_of_the_name() -> None:
    result: Any = costmodel.run("token-market", draws=20, rng=0)
    found = rows(iamc.write(result))
    assert len({(row["variable"], row["year"]) for row in found}) == len(found)
    named = {row["variable"] for row in found}
    _, values = result.by_year("total_user_spend")
    label = result.spec("total_user_spend").label
    name = f"{label[:1].upper()}{label[1:]}|95th Percentile"
    assert name in named
    top = [float(row["value"]) for row in found if row["variable"] == name]
    assert top == pytest.approx(np.sort(values, axis=-1)[:, 18].tolist())  # the 19th of 20: 95 % do not exceed it
    workloads = result.labels()["workload"]
    assert any(variable.split("|")[1] in workloads for variable in named if variable.count("|") == 2)


@pytest.mark.contract
def test_what_has_no_years_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no output has years"):
        iamc.write(costmodel.run("h100-hour"))
    with pytest.raises(ScenarioError, match="total: has no figures by year"):
        iamc.write(costmodel.run("h100-hour"), ["total"])
