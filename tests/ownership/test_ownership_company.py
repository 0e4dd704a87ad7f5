"""Company depreciation from vintages, and the effect of a change of useful life."""

import math

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.ownership.company import (
    LifePolicy,
    long_lived_depreciation,
    opening_depreciation,
    policy_of,
    short_lived_depreciation,
    useful_life_effect,
)


@pytest.mark.closed_form
def test_assets_of_even_ages_run_off_in_a_falling_line() -> None:
    # ages spread over a life of 10; the book value left is the sum of the remaining lives
    ages = (np.arange(1000) + 0.5) / 100
    left = np.maximum(10 - ages - 3.0, 0.0).sum() / (10 - ages).sum()
    assert opening_depreciation(1.0, 3, 10.0).sum() == pytest.approx(1 - left, abs=1e-6)
    assert opening_depreciation(50.0, 4, 3.0).sum() == pytest.approx(50.0)


@pytest.mark.closed_form
def test_spending_is_even_over_its_year_and_waits_for_its_lag() -> None:
    # capex 12 in year 1, lag 0.5, life 3: in service grows from t = 0.5 to 1.5
    first = 12 * 0.5**2 / 2 / 3
    second = 12 * (1 - 0.5**2 / 2) / 3
    np.testing.assert_allclose(long_lived_depreciation([12.0, 0.0, 0.0], 3.0, 0.5), [first, second, 4.0])


@pytest.mark.closed_form
def test_everything_is_depreciated_once() -> None:
    capex = [3.0, 9.0, 0.0, 4.0, *[0.0] * 12]
    policy = LifePolicy(3.0, ((2.0, 4.0), (4.0, 6.0)))
    total = short_lived_depreciation(capex, policy, np.array([0.0, 0.4, 1.3])).sum(axis=0)
    np.testing.assert_allclose(total, 16.0)
    np.testing.assert_allclose(long_lived_depreciation(capex, np.array([3.0, 7.5]), 0.7).sum(axis=0), 16.0)


@pytest.mark.closed_form
def test_a_change_at_the_start_is_the_life_itself() -> None:
    changed = short_lived_depreciation([5.0, 6.0], LifePolicy(3.0, ((0.0, 5.0),)), 0.5)
    np.testing.assert_array_equal(changed, long_lived_depreciation([5.0, 6.0], 5.0, 0.5))


@pytest.mark.closed_form
def test_policy_leaves_out_what_changes_nothing() -> None:
    policy = policy_of([(1.0, 4.0, 4.5), (1.5, 4.5, 5.0), (2.0, 4.5, 5.0)])
    assert policy == LifePolicy(4.0, ((1.0, 4.5), (1.5, 5.0)))
    assert policy.without(0) == LifePolicy(4.0, ((1.5, 5.0),))
    with pytest.raises(DomainError, match="no useful life"):
        policy_of([])


@pytest.mark.closed_form
def test_life_effect_of_a_steady_fleet() -> None:
    # constant purchases, life 4 -> 6, assets in service alone: before, those of age 3..4 run out in the year:
    # (3 + 1/2)/4; after, ∫ (1 - a/4)/(6 - a) da over 0..4 = (4 - 2 ln 3)/4
    effect = useful_life_effect(1.0, 4.0, 6.0, new_purchases=False)
    assert effect["before"] == pytest.approx(3.5 / 4, rel=1e-4)
    assert effect["after"] == pytest.approx((4 - 2 * math.log(3)) / 4, rel=1e-4)
    # with the year's purchases the expense without the change stays what it was
    assert useful_life_effect(1.0, 4.0, 6.0)["before"] == pytest.approx(1.0, rel=1e-4)
    # and grows with purchases that grow
    grown = useful_life_effect(1.0, 4.0, 4.0, growth=0.3)
    assert grown["before"] == pytest.approx((math.exp(0.3) - 1) / 0.3, rel=1e-4)
    assert grown["effect"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.closed_form
def test_life_effect_agrees_with_the_vintage_model() -> None:
    # steady growth of 20 % (log) a year for 12 years, no lag; the change at the end of the eleventh
    growth, years = 0.2, 14
    capex = np.exp(growth * np.arange(years))
    with_change = short_lived_depreciation(capex, LifePolicy(4.0, ((11.0, 6.0),)), 0.0)
    without = short_lived_depreciation(capex, LifePolicy(4.0), 0.0)
    # the rate at the end of the year is that of its middle times half a year's growth
    rate = without[10] * math.exp(growth / 2)
    estimate = useful_life_effect(rate, 4.0, 6.0, growth=growth)
    assert estimate["effect"] == pytest.approx((with_change - without)[11], rel=0.03)


@pytest.mark.law
def test_life_effect_has_the_sign_of_the_change() -> None:
    shorter = useful_life_effect(np.array([1.0, 2.0]), 6.0, 5.0)
    assert (shorter["effect"] > 0).all()
    assert useful_life_effect(10.0, 5.0, 5.5, share_concerned=0.5)["effect"] < 0


@pytest.mark.contract
def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(DomainError, match="one series by fiscal year"):
        long_lived_depreciation(3.0, 4.0, 0.5)
    with pytest.raises(DomainError, match="capex must be ≥ 0"):
        long_lived_depreciation([-3.0], 4.0, 0.5)
    with pytest.raises(DomainError, match="life must be > 0"):
        long_lived_depreciation([3.0], 0.0, 0.5)
    with pytest.raises(DomainError, match="life_after must be ≥ 1"):
        useful_life_effect(1.0, 4.0, 0.5)
