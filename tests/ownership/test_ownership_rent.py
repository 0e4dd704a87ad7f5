"""Levelized cost, required rent and the value of a vintage."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.ownership.rent import (
    annuity,
    capital_recovery_factor,
    economic_life,
    levelized_cost,
    rent_per_hour_used,
    required_rent,
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:capital_recovery_factor")
def test_a_loan_repaid_with_the_recovery_factor_ends_at_zero() -> None:
    payment = 1000.0 * capital_recovery_factor(0.07, 3.0)
    assert ((1000.0 * 1.07 - payment) * 1.07 - payment) * 1.07 - payment == pytest.approx(0.0, abs=1e-9)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:levelized_cost")
def test_levelized_cost_of_two_years_at_ten_percent() -> None:
    # 2100 = x/1.1 + x/1.21  ->  x = 2100 * 1.21/2.1 = 1210
    assert levelized_cost(2100.0, 0.10, 2.0, 90.0) == pytest.approx(1210.0 + 90.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:required_rent")
def test_required_rent_without_decline_is_the_continuous_annuity() -> None:
    wacc = 0.10
    year_end = levelized_cost(30_000.0, wacc, 5.0, 0.0)
    expected = math.log(1 + wacc) / wacc * year_end
    assert required_rent(30_000.0, math.log(1 + wacc), 0.0, 5.0, 0.0) == pytest.approx(expected, rel=1e-14)


@pytest.mark.closed_form
def test_required_rent_limits() -> None:
    assert required_rent(600.0, 0.0, 0.0, 6.0, 7.0) == pytest.approx(100.0 + 7.0, rel=1e-15)
    assert required_rent(600.0, 0.05, -0.05, 6.0, 7.0) == pytest.approx(100.0 + 7.0, rel=1e-15)
    assert required_rent(600.0, 0.1, 0.2, np.inf, 7.0) == pytest.approx(600.0 * 0.3 + 7.0)
    # Epoch's user cost of capital: an endless life and no interest leave price x decline
    assert required_rent(1.0, 0.0, 0.14 * math.log(10), np.inf, 0.0) == pytest.approx(0.3224, abs=5e-5)


def vintage_value(rent: float, decline: float, rate: float, life: float, running: float) -> float:
    """Return the worth of falling rents less a level running cost, by two annuities."""
    return float(rent * annuity(rate + decline, life) - running * annuity(rate, life))


@pytest.mark.peer
def test_value_of_a_vintage_is_the_integral_of_its_discounted_rent() -> None:
    from scipy.integrate import quad

    integral, _ = quad(lambda t: (9000.0 * math.exp(-0.3 * t) - 1200.0) * math.exp(-0.08 * t), 0.0, 4.5)
    assert vintage_value(9000.0, 0.3, 0.08, 4.5, 1200.0) == pytest.approx(integral, rel=1e-12)


@pytest.mark.law
@given(st.floats(0.0, 0.3), st.floats(-0.2, 0.7), st.floats(0.25, 20.0))
def test_new_capacity_at_its_required_rent_is_worth_its_price(r: float, decline: float, life: float) -> None:
    rent = required_rent(100.0, r, decline, life, 0.0)
    assert vintage_value(rent, decline, r, life, 0.0) == pytest.approx(100.0, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:economic_life")
def test_economic_life_ends_where_rent_meets_running_cost() -> None:
    years = economic_life(1000.0, 100.0, 0.5, 9.0)
    assert 1000.0 * math.exp(-0.5 * years) == pytest.approx(100.0)
    assert economic_life(1000.0, 100.0, 0.5, 3.0) == 3.0
    assert economic_life(50.0, 100.0, 0.5, 3.0) == 0.0
    assert economic_life(1000.0, 100.0, 0.0, 7.0) == 7.0
    assert economic_life(1000.0, 0.0, 0.5, 7.0) == 7.0


@pytest.mark.law
@given(st.floats(100.0, 1e4), st.floats(1.0, 1e4), st.floats(0.05, 0.7), st.floats(0.0, 12.0))
def test_no_other_stop_is_worth_more_than_the_economic_life(
    rent: float, running: float, decline: float, other: float
) -> None:
    best = economic_life(rent, running, decline, 12.0)
    value = vintage_value(rent, decline, 0.08, best, running)
    assert value >= vintage_value(rent, decline, 0.08, other, running) - 1e-6


@pytest.mark.contract
def test_rent_formulas_compile_unchanged() -> None:
    numba = pytest.importorskip("numba")
    for function, arguments in (
        (capital_recovery_factor, (0.07, 5.0)),
        (levelized_cost, (30_000.0, 0.07, 4.0, 10.0)),
        (required_rent, (30_000.0, 0.1, 0.26, 5.0, 10.0)),
        (annuity, (0.3, 4.5)),
    ):
        assert numba.njit(inspect.unwrap(function))(*arguments) == pytest.approx(float(function(*arguments)), rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:annuity")
def test_annuity_is_the_limit_of_many_small_payments() -> None:
    small = [0.001 * math.exp(-0.3 * 0.001 * (i + 0.5)) for i in range(4000)]
    assert annuity(0.3, 4.0) == pytest.approx(math.fsum(small), rel=1e-7)
    assert annuity(0.0, 4.0) == 4.0
    assert annuity(0.1, math.inf) == pytest.approx(10.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.rent:rent_per_hour_used")
def test_rent_per_hour_used_pays_for_chip_site_and_running_cost() -> None:
    # Earned continuously over the chip's life at a falling rent, and over the site's at a level one.
    r, decline, chip, site = 0.09, 0.25, 30_000.0, 12_000.0
    chip_rent = chip / sum(0.001 * math.exp(-(r + decline) * 0.001 * (i + 0.5)) for i in range(5000))
    site_rent = site / sum(0.001 * math.exp(-r * 0.001 * (i + 0.5)) for i in range(20_000))
    expected = (chip_rent + site_rent + 1_400.0) / 6_000.0
    assert rent_per_hour_used(chip, r, decline, 5.0, site, 20.0, 1_400.0, 6_000.0) == pytest.approx(expected, rel=1e-7)
    # Without cost of capital and decline each is recovered evenly.
    even = (30_000.0 / 5 + 12_000.0 / 20) / 8_000.0
    assert rent_per_hour_used(chip, 0.0, 0.0, 5.0, site, 20.0, 0.0, 8_000.0) == pytest.approx(even)


@pytest.mark.closed_form
@pytest.mark.parametrize("rate", [0.0, 1e-300, 1e-17, 1e-9, -1e-12])
def test_recovery_and_annuity_are_stable_as_the_rate_goes_to_zero(rate: float) -> None:
    # r/(1 - (1+r)^-n) = (1 + (n+1) r/2 + …)/n, and (1 - e^-rn)/r = n (1 - n r/2 + …)
    assert capital_recovery_factor(rate, 20.0) == pytest.approx((1 + 21 * rate / 2) / 20.0, rel=1e-14)
    assert annuity(rate, 20.0) == pytest.approx(20.0 * (1 - 20 * rate / 2), rel=1e-14)


@pytest.mark.law
@given(st.floats(-0.5, 1.0), st.floats(0.1, 60.0))
def test_recovery_pays_back_at_its_rate(rate: float, periods: float) -> None:
    # Paid at the ends of periods it is worth the annuity at ln(1 + rate), up to the interest within a period.
    within = 1.0 if abs(rate) < 1e-12 else rate / math.log1p(rate)
    worth = capital_recovery_factor(rate, periods) * annuity(math.log1p(rate), periods) / within
    assert worth == pytest.approx(1.0, rel=1e-12)
