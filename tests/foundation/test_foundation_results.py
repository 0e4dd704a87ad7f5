"""Results: read-only arrays with declared dims, labelled on request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ScenarioError, UnknownParameterError
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.version import VERSION

pytestmark = pytest.mark.contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Result):
    cost: FloatArray = output("USD", dims=("step",), label="cost")
    total: FloatArray = output("USD", label="total")

    def coords(self):
        return {"step": [2026.0, 2027.0]}


def toy(draws: bool) -> Toy:
    cost = np.arange(6.0).reshape(2, 3) if draws else np.arange(2.0)
    return Toy(scenario=Scenario(name="s", model="toy"), cost=cost, total=cost.sum(axis=0))


def test_arrays_are_read_only_and_named() -> None:
    result = toy(draws=True)
    with pytest.raises(ValueError, match="read-only"):
        result.cost[0, 0] = 1.0
    assert result.draws == 3 and toy(draws=False).draws is None
    assert result["cost"] is result.cost
    with pytest.raises(UnknownParameterError, match="did you mean 'cost'"):
        result["costs"]


def test_summary_has_quantiles_for_ensembles() -> None:
    assert toy(draws=False).summary()["cost"]["value"].tolist() == [0.0, 1.0]
    assert toy(draws=True).summary()["total"]["p50"] == 5.0


def test_labelled_forms() -> None:
    pytest.importorskip("xarray")
    data = toy(draws=True).to_xarray()
    assert data["cost"].dims == ("step", "draw") and data["cost"].attrs["units"] == "USD"
    assert data.attrs["costmodel_version"] == VERSION
    frame = toy(draws=False).to_frame(("step",))
    assert frame["cost"].tolist() == [0.0, 1.0] and frame.attrs["units"] == {"cost": "USD"}
    assert toy(draws=False).to_frame(()).shape == (1, 1)
    with pytest.raises(ScenarioError, match="no output has the axes"):
        toy(draws=True).to_frame(("vintage",))
