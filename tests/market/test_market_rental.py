"""Rent of an accelerator-hour."""

import math

import numpy as np
import pytest

from costmodel.market.rental import (
    rental_price,
    scarcity_factor,
    scarcity_premium,
)

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.rental:scarcity_factor")
def test_scarcity_factor_is_one_at_target_and_held_within_its_bounds():
    assert scarcity_factor(1.0, 3.5, 0.7, 2.0) == 1.0
    assert scarcity_factor(1.5, 2.0, 0.7, 2.0) == 2.25
    assert scarcity_factor(9.0, 3.0, 0.7, 2.0) == 8.0
    assert scarcity_factor(0.0, 1.0, 0.7, 2.0) == 0.7
    assert scarcity_factor(1.8, 0.0, 0.7, 2.0) == 1.0


@pytest.mark.reference("costmodel.market.rental:rental_price")
def test_rental_price_is_required_rent_times_scarcity_above_running_cost():
    assert rental_price(2.0, 1.5, 2.0, 0.7, 2.0, 0.4) == 2.0 * 2.25
    assert rental_price(2.0, 0.5, 2.0, 0.1, 2.0, 0.6) == 0.6
    # without scarcity the rent is the required rent, whatever the tightness
    assert np.all(rental_price(2.0, np.linspace(0, 3, 7), 0.0, 0.1, 5.0, 0.4) == 2.0)


@pytest.mark.reference("costmodel.market.rental:scarcity_premium")
def test_scarcity_premium_clears_the_stated_share_of_a_shortage():
    premium = scarcity_premium(0.9, 0.5, -1.1, 3.0)
    assert premium == pytest.approx(0.9 ** (0.5 / -1.1), rel=1e-14)
    # at that price, demand falls to the square root of what is served: half of the shortage in logs
    assert premium**-1.1 == pytest.approx(math.sqrt(0.9), rel=1e-14)


def test_scarcity_premium_limits_raise_no_warning():
    assert scarcity_premium(1.0, 0.5, -1.1, 3.0) == 1.0
    assert scarcity_premium(0.5, 0.0, -1.1, 3.0) == 1.0
    assert scarcity_premium(1.0, 0.5, 0.0, 3.0) == 1.0
    assert scarcity_premium(0.5, 0.0, 0.0, 3.0) == 1.0
    assert scarcity_premium(1 - 1e-15, 0.5, 0.0, 3.0) == 3.0
    assert scarcity_premium(0.0, 0.5, -1.1, 3.0) == 3.0
    assert scarcity_premium(0.0, 1.0, 0.0, 3.0) == 3.0
    assert scarcity_premium(0.2, 1.0, -0.1, 1.0) == 1.0
