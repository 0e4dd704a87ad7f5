"""Consumer surplus, rebound, and user spend."""

import numpy as np
import pytest
from scipy import integrate

from costmodel.market.demand import constant_elasticity
from costmodel.market.welfare import (
    consumer_surplus_change,
    rebound_of_saving,
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.welfare:consumer_surplus_change")
@pytest.mark.parametrize("elasticity", [-0.5, -1.0, -1.0 - 1e-9, -1.11, -1.8])
def test_surplus_is_the_area_left_of_the_demand_curve(elasticity):
    area, _ = integrate.quad(lambda p: 100.0 * (p / 2.0) ** elasticity, 0.4, 2.0, epsabs=0, epsrel=1e-12)
    assert consumer_surplus_change(100.0, 2.0, 0.4, elasticity) == pytest.approx(area, rel=1e-9)


@pytest.mark.closed_form
def test_surplus_of_a_return_trip_is_nothing():
    there = consumer_surplus_change(100.0, 2.0, 0.4, -1.11)
    back = consumer_surplus_change(constant_elasticity(100.0, 0.2, -1.11), 0.4, 2.0, -1.11)
    assert there + back == pytest.approx(0.0, abs=1e-10)
    assert consumer_surplus_change(100.0, 2.0, 2.0, -1.11) == 0.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.welfare:rebound_of_saving")
def test_rebound_is_minus_elasticity_in_the_limit_of_a_small_saving():
    assert rebound_of_saving(1.0, -1.11) == 1.11
    assert rebound_of_saving(1 - 1e-9, -1.11) == pytest.approx(1.11, rel=1e-7)
    # halved price: quantity 2**1.11, so 0.5 × (2**1.11 - 1) is spent of the 0.5 saved
    assert rebound_of_saving(0.5, -1.11) == pytest.approx(2**1.11 - 1, rel=1e-13)
    assert np.allclose(rebound_of_saving(np.array([0.9, 0.5, 0.01]), -1.0), 1.0, rtol=1e-13)
