"""Depreciation methods, their books and the tax tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError
from costmodel.ownership import depreciation, macrs

ROUNDED = 0.01 + 1e-9
"""The printed tables are rounded to 0.01 percentage points, the last digits alternating."""

COSTS = st.floats(1.0, 1e6)
SHARES = st.floats(0.0, 0.9)
LIVES = st.floats(0.5, 30.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.depreciation:sum_of_years_digits_fraction")
def test_sum_of_years_digits() -> None:
    assert depreciation.sum_of_years_digits_fraction(2.0, 5.0) == pytest.approx((5 + 4) / (5 + 4 + 3 + 2 + 1))


@pytest.mark.published
@pytest.mark.reference("costmodel.ownership.depreciation:economic_fraction")
def test_economic_decline_of_machine_learning_hardware() -> None:
    # Cottier et al. 2024: 0.14 orders of magnitude a year is 27.6 % a year
    assert depreciation.economic_fraction(1.0, 0.14 * math.log(10)) == pytest.approx(0.276, abs=5e-4)


@pytest.mark.peer
@pytest.mark.reference("costmodel.ownership.depreciation:rent_value_fraction")
def test_value_from_rents_is_the_ratio_of_two_integrals() -> None:
    from scipy.integrate import quad

    r, decline, life, age = 0.08, 0.25, 6.0, 2.5
    new, _ = quad(lambda t: math.exp(-(r + decline) * t), 0.0, life)
    old, _ = quad(lambda t: math.exp(-decline * (age + t) - r * t), 0.0, life - age)
    assert depreciation.rent_value_fraction(age, life, r, decline) == pytest.approx(1 - old / new, rel=1e-12)
    assert depreciation.rent_value_fraction(1.5, 6.0, 0.0, 0.0) == pytest.approx(0.25)


@pytest.mark.published
@pytest.mark.parametrize(
    ("period", "convention", "quarter", "printed"),
    [
        # IRS Publication 946, table A-1, half-year
        (3, "half_year", None, [33.33, 44.45, 14.81, 7.41]),
        (5, "half_year", None, [20.00, 32.00, 19.20, 11.52, 11.52, 5.76]),
        (7, "half_year", None, [14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46]),
        (
            15,
            "half_year",
            None,
            [5.00, 9.50, 8.55, 7.70, 6.93, 6.23, *[5.90, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91], 2.95],
        ),
        # table A-2, first quarter
        (3, "mid_quarter", 1, [58.33, 27.78, 12.35, 1.54]),
        (5, "mid_quarter", 1, [35.00, 26.00, 15.60, 11.01, 11.01, 1.38]),
        (7, "mid_quarter", 1, [25.00, 21.43, 15.31, 10.93, 8.75, 8.74, 8.75, 1.09]),
        (10, "mid_quarter", 1, [17.50, 16.50, 13.20, 10.56, 8.45, 6.76, 6.55, 6.55, 6.56, 6.55, 0.82]),
        (
            15,
            "mid_quarter",
            1,
            [8.75, 9.13, 8.21, 7.39, 6.65, 5.99, *[5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 5.90], 0.74],
        ),
        (
            20,
            "mid_quarter",
            1,
            [6.563, 7.000, 6.482, 5.996, 5.546, 5.130, 4.746, *[4.459] * 13, 0.557],
        ),
        # tables A-5, last quarter
        (5, "mid_quarter", 4, [5.00, 38.00, 22.80, 13.68, 10.94, 9.58]),
        (7, "mid_quarter", 4, [3.57, 27.55, 19.68, 14.06, 10.04, 8.73, 8.73, 7.64]),
    ],
)
def test_macrs_reproduces_the_printed_tables(
    period: int, convention: str, quarter: int | None, printed: list[float]
) -> None:
    rates = macrs.macrs_rates(period, convention, quarter=quarter)  # type: ignore[arg-type]
    assert rates.shape == (len(printed),)
    np.testing.assert_allclose(100 * rates, printed, rtol=0, atol=ROUNDED)


@pytest.mark.closed_form
def test_macrs_of_a_building_is_even_from_the_middle_of_its_month() -> None:
    rates = macrs.macrs_rates(39, "mid_month", month=3)
    assert rates[0] == pytest.approx(9.5 / 12 / 39)
    np.testing.assert_allclose(rates[1:-1], 1 / 39)
    assert len(rates) == 40
    assert rates[-1] == pytest.approx(2.5 / 12 / 39)


@pytest.mark.closed_form
@pytest.mark.parametrize("period", [3, 5, 7, 10, 15, 20])
def test_macrs_sums_to_one_unrounded(period: int) -> None:
    for quarter in (None, 1, 2, 3, 4):
        rates = macrs.macrs_rates(period, "mid_quarter" if quarter else "half_year", quarter=quarter)
        assert rates.sum() == pytest.approx(1.0, abs=1e-15)
        assert (rates > 0).all()


@pytest.mark.contract
def test_macrs_refuses_what_is_not_in_the_law() -> None:
    with pytest.raises(DomainError, match=r"3, 5, 7, 10, 15, 20, 27\.5, 39 years; given 6"):
        macrs.macrs_rates(6)
    with pytest.raises(DomainError, match="quarter = 1, 2, 3 or 4; given None"):
        macrs.macrs_rates(5, "mid_quarter")
    with pytest.raises(DomainError, match="39-year property takes mid_month"):
        macrs.macrs_rates(39)
    with pytest.raises(DomainError, match="given 'quarterly'"):
        macrs.macrs_rates(5, "quarterly")  # type: ignore[arg-type]
    with pytest.raises(DomainError, match="month = 1"):
        macrs.macrs_rates(39, "mid_month", month=13)


@pytest.mark.closed_form
def test_bonus_comes_off_before_the_table() -> None:
    books = macrs.macrs([100.0, 50.0], 5, bonus=[0.4, 1.0])
    np.testing.assert_allclose(books.expense[0], [40 + 60 * 0.20, 50.0])
    np.testing.assert_allclose(books.expense.sum(axis=0), [100.0, 50.0])


@pytest.mark.closed_form
def test_declining_balance_switches_where_straight_line_gives_more() -> None:
    # 10,000 over 5 years, salvage 1,000, double declining: 40 % of 10,000, 6,000, 3,600, then down to 1,000
    books = depreciation.declining_balance(10_000.0, 1_000.0, 5)
    np.testing.assert_allclose(books.expense, [4000, 2400, 1440, 864, 2160 - 864 - 1000], rtol=1e-12)
    plain = depreciation.declining_balance(100.0, 0.0, 5, switch=False)
    np.testing.assert_allclose(plain.expense, [100 * 0.4 * 0.6**t for t in range(5)])
    assert plain.book_value[-1] == pytest.approx(100 * 0.6**5)


@pytest.mark.law
@given(COSTS, SHARES, LIVES, st.floats(0.5, 3.0))
def test_closing_methods_expense_cost_less_salvage(cost: float, share: float, life: float, factor: float) -> None:
    salvage = share * cost
    for books in (
        depreciation.declining_balance(cost, salvage, life, factor),
        depreciation.sum_of_years_digits(cost, salvage, life),
        depreciation.units_of_production(cost, salvage, [life, 0.0, 2 * life, 1.0], 3 * life),
    ):
        assert books.expense.sum() == pytest.approx(cost - salvage, rel=1e-12, abs=1e-12 * cost)
        assert (books.expense >= -1e-12 * cost).all()
        assert books.book_value[-1] == pytest.approx(salvage, rel=1e-12, abs=1e-12 * cost)


@pytest.mark.law
@given(COSTS, LIVES, st.floats(-0.2, 0.8))
def test_economic_methods_leave_the_value_that_they_say(cost: float, life: float, decline: float) -> None:
    books = depreciation.economic(cost, decline, 7)
    assert books.expense.sum() + cost * math.exp(-7 * decline) == pytest.approx(cost, rel=1e-12)
    rents = depreciation.expected_rents(cost, life, 0.08, decline)
    assert rents.expense.sum() == pytest.approx(cost, rel=1e-12)


@pytest.mark.law
@given(st.lists(st.tuples(COSTS, SHARES, LIVES), min_size=2, max_size=4))
def test_draws_broadcast_in_every_method(rows: list[tuple[float, float, float]]) -> None:
    cost, share, life = (np.array(column) for column in zip(*rows, strict=True))
    for method in (depreciation.declining_balance, depreciation.sum_of_years_digits):
        together = method(cost, share * cost, life, periods=31)
        for i in range(len(rows)):
            alone = method(cost[i], share[i] * cost[i], life[i], periods=31)
            np.testing.assert_array_equal(together.expense[:, i], alone.expense)
        np.testing.assert_array_equal(together.accumulated[-1], np.cumsum(together.expense, axis=0)[-1])


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0, 0.0, 5.0), "cost must be ≥ 0 .*given -1"),
        ((1.0, 2.0, 5.0), "salvage must be at most the cost"),
        ((1.0, 0.0, 0.0), "life must be > 0"),
        ((1.0, 0.0, [2.0, -3.0]), "given -3.0 at 1"),
        ((math.nan, 0.0, 5.0), "cost must be finite"),
        ((True, 0.0, 5.0), "cost must be numbers"),
        (("9", 0.0, 5.0), "cost must be numbers"),
    ],
)
def test_what_has_no_meaning_is_refused(arguments: tuple[object, ...], message: str) -> None:
    for method in (depreciation.declining_balance, depreciation.sum_of_years_digits):
        with pytest.raises(DomainError, match=message):
            method(*arguments)  # type: ignore[arg-type]


@pytest.mark.contract
def test_a_schedule_needs_its_periods() -> None:
    with pytest.raises(DomainError, match="periods must be a whole number"):
        depreciation.sum_of_years_digits(1.0, 0.0, 4, periods=0)
    with pytest.raises(DomainError, match="one value per period"):
        depreciation.units_of_production(1.0, 0.0, 3.0, 3.0)
