"""The cost of a run is available without figures that only its energy needs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from costmodel import catalog, run
from costmodel.foundation.errors import CatalogError
from costmodel.training import TrainingRun

TOKENS, PARAMETERS, MFU = 1e12, 8e9, 0.4


def trained(accelerator: str, **changes: Any) -> Any:
    form = {"method": "rental", "rental": {"price": "$2/hr"}, **changes}
    return run(
        TrainingRun(
            name="t",
            tokens="1T tokens",
            parameters="8B",
            mfu="40%",
            accelerator=accelerator,
            accelerators=64.0,
            **form,
        )
    )


@pytest.mark.closed_form
def test_every_accelerator_on_record_trains_and_energy_is_blank_only_without_rated_power() -> None:
    for name in catalog.names("accelerators"):
        chip, result = catalog.accelerator(name), trained(name)
        hours = 6 * PARAMETERS * TOKENS / (chip.peak("bf16") * MFU) / 3600
        assert float(result.run_cost) == pytest.approx(2.0 * hours, rel=1e-12), name
        assert math.isnan(result.energy) == ("power" not in chip), name
    given = trained("MI455X", power={"chip_power": "2 kW"})
    assert given.energy > 0 and given.run_cost == trained("MI455X").run_cost


@pytest.mark.contract
def test_a_cost_that_holds_energy_names_the_power_that_is_missing() -> None:
    amortized = {
        "method": "amortized",
        "rental": None,
        "amortized": {"acquisition_price": "$40k", "years_in_use": 0.1, "energy_price": "$80/MWh"},
    }
    with pytest.raises(CatalogError, match="'power' of 'MI455X'"):
        trained("MI455X", **amortized)
