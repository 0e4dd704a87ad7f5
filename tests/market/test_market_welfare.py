"""Consumer surplus, rebound, and user spend."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from costmodel.market.demand import constant_elasticity
from costmodel.market.welfare import (
    consumer_surplus_change,
    direct_rebound,
    rebound_of_saving,
    user_spend_ratio,
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
@pytest.mark.reference("costmodel.market.welfare:user_spend_ratio")
def test_user_spend_after_halving_and_after_a_tenth():
    assert user_spend_ratio(0.5, -1.11) == pytest.approx(2**0.11, rel=1e-14)
    assert user_spend_ratio(0.5, -1.11) == pytest.approx(1.079, abs=5e-4)
    assert user_spend_ratio(0.1, -0.5) == pytest.approx(0.316, abs=5e-4)


@pytest.mark.law
@given(price_ratio=st.floats(0.01, 0.99), elasticity=st.floats(-2.5, -0.05))
def test_user_spend_rises_with_a_falling_price_if_and_only_if_demand_is_elastic(price_ratio, elasticity):
    ratio = user_spend_ratio(price_ratio, elasticity)
    assert ratio == pytest.approx(price_ratio * constant_elasticity(1.0, price_ratio, elasticity), rel=1e-12)
    assert (ratio > 1) == (elasticity < -1) or math.isclose(elasticity, -1.0, rel_tol=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.welfare:direct_rebound")
@pytest.mark.reference("costmodel.market.welfare:rebound_of_saving")
def test_direct_rebound_is_minus_elasticity_and_the_limit_of_any_saving():
    assert direct_rebound(-1.11, 1.0) == 1.11
    assert direct_rebound(-1.11, 0.5) == 0.555
    assert rebound_of_saving(1.0, -1.11) == 1.11
    assert rebound_of_saving(1 - 1e-9, -1.11) == pytest.approx(1.11, rel=1e-7)
    # halved price: quantity 2**1.11, so 0.5 × (2**1.11 - 1) is spent of the 0.5 saved
    assert rebound_of_saving(0.5, -1.11) == pytest.approx(2**1.11 - 1, rel=1e-13)
    assert np.allclose(rebound_of_saving(np.array([0.9, 0.5, 0.01]), -1.0), 1.0, rtol=1e-13)
