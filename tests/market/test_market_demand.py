"""Demand: elasticity, adoption, intensity, capability and the budget ceiling."""

import math

import numpy as np
import pytest

from costmodel.market.demand import (
    bass_adoption,
    budget_ceiling,
    capability_response,
    constant_elasticity,
    fading_growth,
    launch_ramp,
    logistic_adoption,
)

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.demand:constant_elasticity")
def test_price_halved_at_minus_1_11_gives_2_158_times_the_quantity_and_1_079_times_the_spend():
    quantity = constant_elasticity(1.0, 0.5, -1.11)
    assert quantity == pytest.approx(2**1.11, rel=1e-12)
    assert quantity == pytest.approx(2.158, abs=5e-4)
    assert 0.5 * quantity == pytest.approx(1.079, abs=5e-4)


def test_a_tenth_of_the_price_at_minus_a_half_leaves_0_316_of_the_spend():
    assert 0.1 * constant_elasticity(1.0, 0.1, -0.5) == pytest.approx(1 / math.sqrt(10), rel=1e-12)
    assert 0.1 * constant_elasticity(1.0, 0.1, -0.5) == pytest.approx(0.316, abs=5e-4)


def test_elasticity_zero_means_no_response():
    assert constant_elasticity(7.0, 1e-3, 0.0) == 7.0


@pytest.mark.reference("costmodel.market.demand:logistic_adoption")
def test_logistic_starts_at_one_with_the_stated_growth_and_saturates():
    g, ceiling = 1.3, 15.0
    assert logistic_adoption(0.0, g, ceiling) == pytest.approx(1.0, abs=1e-15)
    assert logistic_adoption(100.0, g, ceiling) == pytest.approx(ceiling, rel=1e-12)
    # half of the ceiling is passed when (C - 1) exp(-g t) = 1
    assert logistic_adoption(math.log(14.0) / g, g, ceiling) == pytest.approx(7.5, rel=1e-12)
    h = 1e-6
    slope = (logistic_adoption(h, g, ceiling) - logistic_adoption(-h, g, ceiling)) / (2 * h)
    assert slope == pytest.approx(g * (1 - 1 / ceiling), rel=1e-8)


def test_a_ceiling_of_one_means_that_adoption_is_complete():
    times = np.linspace(-3, 10, 14)
    assert np.all(logistic_adoption(times, 1.3, 1.0) == 1.0)
    assert np.all(bass_adoption(times, 0.03, 0.38, 1.0) == 1.0)


@pytest.mark.reference("costmodel.market.demand:bass_adoption")
def test_bass_fills_the_remaining_market_by_its_own_equation():
    p, q, ceiling = 0.03, 0.38, 10.0
    assert bass_adoption(0.0, p, q, ceiling) == 1.0
    assert bass_adoption(200.0, p, q, ceiling) == pytest.approx(ceiling, rel=1e-12)
    share, h, t = (lambda t: (bass_adoption(t, p, q, ceiling) - 1) / (ceiling - 1)), 1e-5, 4.0
    slope = (share(t + h) - share(t - h)) / (2 * h)
    assert slope == pytest.approx((p + q * share(t)) * (1 - share(t)), rel=1e-8)
    # the inflection of Bass (1969), eq. 11: T* = ln(q/p)/(p + q), with F(T*) = 1/2 - p/(2q)
    assert share(math.log(q / p) / (p + q)) == pytest.approx(0.5 - p / (2 * q), rel=1e-12)


def test_bass_without_innovation_or_before_its_start_stays_at_one():
    assert bass_adoption(5.0, 0.0, 0.4, 10.0) == 1.0
    assert bass_adoption(5.0, 0.0, 0.0, 10.0) == 1.0
    assert bass_adoption(-5.0, 0.03, 0.4, 10.0) == 1.0


@pytest.mark.reference("costmodel.market.demand:fading_growth")
def test_fading_growth_totals_rate_times_fade_time():
    assert fading_growth(0.0, 0.58, 4.0) == 1.0
    assert fading_growth(1e4, 0.58, 4.0) == pytest.approx(math.exp(0.58 * 4.0), rel=1e-12)
    assert fading_growth(4.0, 0.58, 4.0) == pytest.approx(math.exp(0.58 * 4 * (1 - math.exp(-1))), rel=1e-12)


def test_growth_that_never_fades_is_exponential():
    assert fading_growth(3.0, 0.58, math.inf) == pytest.approx(math.exp(0.58 * 3), rel=1e-15)
    assert fading_growth(3.0, 0.58, 1e12) == pytest.approx(math.exp(0.58 * 3), rel=1e-11)


@pytest.mark.reference("costmodel.market.demand:launch_ramp")
def test_launch_ramp_is_linear_between_nothing_and_all():
    times = np.array([2024.0, 2024.5, 2024.75, 2025.0, 2026.0])
    assert np.allclose(launch_ramp(times, 2024.5, 0.5), [0, 0, 0.5, 1, 1], atol=1e-12)
    assert np.array_equal(launch_ramp(times, 2024.5, 0.0), [0, 0, 1, 1, 1])
    assert launch_ramp(2024.0, -math.inf, 0.5) == 1.0


@pytest.mark.reference("costmodel.market.demand:capability_response")
def test_capability_response_is_a_power():
    assert capability_response(16.0, 0.25) == pytest.approx(2.0, rel=1e-15)
    assert capability_response(1e9, 0.0) == 1.0


@pytest.mark.reference("costmodel.market.demand:budget_ceiling")
def test_budget_ceiling_by_hand_and_in_its_limits():
    # D = 3, p·D/B = 3/4, κ = 2: 3/sqrt(1 + 9/16) = 3/(5/4) = 2.4
    assert budget_ceiling(3.0, 1.0, 4.0, 2.0) == pytest.approx(2.4, rel=1e-14)
    assert budget_ceiling(3.0, 1.0, math.inf, 2.0) == 3.0
    assert budget_ceiling(0.0, 1.0, 4.0, 2.0) == 0.0
    # far above the budget, spend is the budget, however large the ratio
    assert 1e-6 * budget_ceiling(1e200, 1e-6, 5e9, 8.0) == pytest.approx(5e9, rel=1e-10)


def test_a_sharp_ceiling_is_the_minimum():
    demand = np.array([0.1, 0.5, 2.0, 10.0])
    assert np.allclose(budget_ceiling(demand, 1.0, 1.0, 200.0), np.minimum(demand, 1.0), rtol=1e-12)
