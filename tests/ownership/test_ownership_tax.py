"""Bonus depreciation, deductions by vintage, losses, deferred tax."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError
from costmodel.ownership import finance, tax
from costmodel.ownership.macrs import macrs


@pytest.mark.published
@pytest.mark.parametrize(
    ("acquired", "placed", "share"),
    [
        # section 168(k) as summarized by Plante Moran and others; acquisition is the binding contract
        ("2009-06-30", None, 0.5),
        ("2010-09-09", None, 1.0),
        ("2015-01-01", None, 0.5),
        ("2017-09-28", None, 1.0),
        ("2022-12-31", None, 1.0),
        ("2022-12-31", "2023-02-01", 0.8),
        ("2024-07-01", None, 0.6),
        ("2025-01-19", None, 0.4),
        ("2024-11-01", "2025-06-30", 0.4),
        ("2025-01-19", "2026-06-30", 0.2),
        ("2025-01-19", "2027-01-01", 0.0),
        ("2025-01-20", None, 1.0),
        ("2026-05-01", "2029-05-01", 1.0),
        ("2031-05-01", None, 1.0),
    ],
)
def test_bonus_follows_its_dated_schedule(acquired: str, placed: str | None, share: float) -> None:
    assert tax.bonus_share(acquired, placed) == share


@pytest.mark.contract
def test_bonus_refuses_days_that_are_not_recorded() -> None:
    with pytest.raises(DomainError, match="no bonus share"):
        tax.bonus_share("2005-01-01")
    with pytest.raises(DomainError, match="cannot enter service"):
        tax.bonus_share("2025-01-20", "2024-01-20")


@pytest.mark.closed_form
def test_losses_shelter_later_income_up_to_the_limit() -> None:
    years = tax.tax_with_losses([-50.0, 30.0, 100.0], [0.2, 0.3], loss_limit=0.8, opening_losses=10.0)
    # carried: 60, less 0.8 * 30 = 24 -> 36, all used against 100
    np.testing.assert_allclose(years.losses_carried[:, 0], [10.0, 60.0, 36.0, 0.0])
    np.testing.assert_allclose(years.tax[:, 0], [0.0, 0.2 * 6, 0.2 * 64])
    np.testing.assert_allclose(years.tax[:, 1], [0.0, 0.3 * 6, 0.3 * 64])


@pytest.mark.law
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12), st.floats(0.0, 0.5), st.floats(0.0, 1.0))
def test_losses_are_used_once(income: list[float], rate: float, limit: float) -> None:
    years = tax.tax_with_losses(income, rate, limit)
    made = np.maximum(-np.array(income), 0.0).sum()
    assert years.losses_used.sum() + years.losses_carried[-1] == pytest.approx(made, abs=1e-9)
    assert (years.tax >= 0.0).all()
    assert (years.losses_carried >= -1e-12).all()


@pytest.mark.closed_form
def test_book_and_tax_lives_apart_leave_a_deferred_tax_that_returns() -> None:
    book = [100.0] * 6 + [0.0]
    deducted = macrs(600.0, 5).expense
    liability = tax.deferred_tax(book, [*deducted, 0.0], 0.21)
    # first year: 120 deducted, 100 expensed
    assert liability[1] == pytest.approx(0.21 * (120.0 - 100.0))
    assert liability.max() == pytest.approx(0.21 * (600 * (0.2 + 0.32 + 0.192) - 300))
    assert liability[-1] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.closed_form
def test_after_tax_value_of_deducting_at_once() -> None:
    # with full expensing the state is a partner: the after-tax value is (1 - t) of the value before tax
    operating, price = [500.0, 400.0, 300.0], 900.0
    flows = tax.after_tax_flows(price, operating, [price, 0.0, 0.0], 0.21, loss_limit=1.0)
    assert flows[0] == -900.0
    # the deduction comes with the first year's income here, a year after the outlay
    taxes = 0.21 * (sum(operating) - price)
    assert flows.sum() == pytest.approx(sum(operating) - price - taxes)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.tax:tax_shield_rent_factor")
def test_user_cost_factor_makes_an_asset_worth_its_price_after_tax() -> None:
    # one-year asset of 100: deducted after a year, discount 10 % -> z = 1/1.1
    rate, z = 0.25, 1 / 1.1
    before_tax_rent = 100.0 * 1.1 * tax.tax_shield_rent_factor(rate, z)
    after = before_tax_rent - rate * (before_tax_rent - 100.0)
    assert finance.npv(0.10, [-100.0, after]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.contract
def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(DomainError, match="rate must be between 0 and 1"):
        tax.tax_with_losses([1.0], 21.0)
