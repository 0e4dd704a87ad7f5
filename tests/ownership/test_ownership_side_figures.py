"""The cost of an hour is available without figures that only the cost of an operation needs."""

from __future__ import annotations

import math

import pytest

from costmodel import load_scenario, run


@pytest.mark.closed_form
def test_without_a_peak_the_cost_of_an_operation_is_blank_and_the_hour_stands() -> None:
    prices = {"chip_price": "$30k", "server_price": "$10k", "network_price": "$5k"}
    hour = load_scenario("h100-hour")
    without = run(hour.replace({"accelerator": {"name": "without peak", "power": "700 W"}, **prices}))
    peaked = run(hour.replace({"accelerator": {"name": "with peak", "power": "700 W", "bf16": "1 PFLOPS"}, **prices}))
    assert math.isnan(without.flop_cost)
    assert without.total == peaked.total > 0
    assert float(peaked.flop_cost) == pytest.approx(float(peaked.total) / (1e15 * 3600 * 0.4), rel=1e-12)
