"""Idle capacity sold raw or as hosted tokens."""

import math

import numpy as np
import pytest

import costmodel
from costmodel.studies.idle_capacity import IdleCapacity, fill_that_carries, gain_of_idle_hour, sell_idle

WRITTEN = {"fixed_cost": 1.6, "running_cost": 0.2, "rent": 2.6, "raw_fill": 0.7, "token_revenue": 6.0}


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.idle_capacity:gain_of_idle_hour")
def test_a_sold_hour_brings_its_price_less_fees_and_energy():
    # three of four hours sold at 2.00, of which a tenth is a fee, for 0.30 of energy
    assert gain_of_idle_hour(0.75, 2.0, 0.9, 0.3) == pytest.approx(0.75 * (1.8 - 0.3))
    assert gain_of_idle_hour(0.75, 2.0, 0.1, 0.3) < 0.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.idle_capacity:fill_that_carries")
def test_the_fill_that_carries_pays_the_fixed_cost_exactly():
    fill = fill_that_carries(2.0, 0.9, 0.3, 1.2)
    assert fill == pytest.approx(1.2 / 1.5)
    assert gain_of_idle_hour(fill, 2.0, 0.9, 0.3) == pytest.approx(1.2)
    assert math.isinf(fill_that_carries(2.0, 0.1, 0.3, 1.2))


@pytest.mark.closed_form
def test_margins_count_the_whole_cost_and_a_royalty_only_where_models_are_others():
    idle = IdleCapacity(name="i", hosted_fill=0.3, royalty=0.5, platform_share=0.25, fee=0.1, **WRITTEN)
    sold = sell_idle(idle.resolve())
    assert sold.raw_gain == pytest.approx(0.7 * (0.9 * 2.6 - 0.2))
    assert sold.raw_margin == pytest.approx((0.7 * (0.9 * 2.6 - 0.2) - 1.6) / (0.7 * 2.6))
    assert sold.hosted_gain == pytest.approx(0.3 * (0.75 * 6.0 - 0.2))
    assert sold.hosted_gain_of_others == pytest.approx(0.3 * (0.375 * 6.0 - 0.2))
    # at the lowest rent the gain is the fixed cost
    floor = gain_of_idle_hour(0.7, sold.lowest_rent, 0.9, 0.2)
    assert floor == pytest.approx(1.6)


@pytest.mark.contract
def test_a_fill_that_no_sale_reaches_is_blank():
    dear = IdleCapacity(name="i", hosted_fill=0.3, **{**WRITTEN, "fixed_cost": 5.0})
    assert np.isnan(costmodel.run(dear).raw_fill_needed)
