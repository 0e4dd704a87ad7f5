"""Prices that follow cost with a lag."""

import math

import numpy as np
import pytest
from scipy import integrate

from costmodel.market.pricing import (
    closing_share,
    first_order_lag,
    lagged_target_weight,
)

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.pricing:closing_share")
def test_closing_share_is_complete_for_an_instant_price_and_zero_for_a_frozen_one():
    assert closing_share(2.0, 0.25) == pytest.approx(1 - math.exp(-0.5), rel=1e-15)
    assert closing_share(math.inf, 0.25) == 1.0
    assert closing_share(0.0, 0.25) == 0.0


@pytest.mark.reference("costmodel.market.pricing:lagged_target_weight")
@pytest.mark.parametrize("h", [1e-9, 1e-3, 0.05, 0.0999999, 0.1, 0.1000001, 0.5, 3.0, 40.0])
def test_lagged_target_weight_is_the_mean_of_the_previous_target_under_the_lag(h):
    weighted, _ = integrate.quad(lambda u: h * math.exp(-h * u) * u, 0, 1, epsabs=1e-15, epsrel=1e-13)
    assert lagged_target_weight(h / 0.25, 0.25) == pytest.approx(weighted / -math.expm1(-h), rel=2e-12)


def test_lagged_target_weight_runs_from_one_half_to_zero():
    assert lagged_target_weight(0.0, 1.0) == 0.5
    assert lagged_target_weight(1e6, 1.0) == pytest.approx(1e-6, rel=1e-12)
    assert lagged_target_weight(math.inf, 1.0) == 0.0
    weights = lagged_target_weight(np.geomspace(1e-6, 1e3, 400), 1.0)
    assert np.all(np.diff(weights) < 0)


@pytest.mark.reference("costmodel.market.pricing:first_order_lag")
def test_first_order_lag_is_exact_for_a_target_that_moves_linearly():
    # y' = θ(a + b t - y): y = a + b t - b/θ + (y0 - a + b/θ) exp(-θ t)
    theta, dt, y0, a, b = 2.0, 0.25, 0.3, 1.0, 4.0
    exact = a + b * dt - b / theta + (y0 - a + b / theta) * math.exp(-theta * dt)
    assert first_order_lag(y0, a, a + b * dt, theta, dt) == pytest.approx(exact, rel=1e-14)


def test_the_lag_agrees_with_its_weights():
    theta, dt = 3.0, 1 / 12
    alpha, weight = closing_share(theta, dt), lagged_target_weight(theta, dt)
    by_weights = 0.7 + alpha * (weight * 1.2 + (1 - weight) * -0.4 - 0.7)
    assert first_order_lag(0.7, 1.2, -0.4, theta, dt) == pytest.approx(by_weights, rel=1e-13)


def test_no_lag_follows_at_once_and_no_speed_does_not_move():
    assert first_order_lag(0.7, 1.2, -0.4, math.inf, 0.25) == pytest.approx(-0.4, abs=1e-15)
    assert first_order_lag(0.7, 1.2, -0.4, 0.0, 0.25) == pytest.approx(0.7, abs=1e-15)


def test_two_half_steps_equal_one_step():
    theta = 2.0
    half = first_order_lag(0.0, 1.0, 1.5, theta, 0.125)
    assert first_order_lag(half, 1.5, 2.0, theta, 0.125) == pytest.approx(
        first_order_lag(0.0, 1.0, 2.0, theta, 0.25), rel=1e-13
    )
