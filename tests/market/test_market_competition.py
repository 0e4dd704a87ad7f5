"""Substitution between workloads, and competition between operators."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError
from costmodel.market.competition import choice_utility, compete, followed_share, logit_markup
from costmodel.market.substitution import ces_price_index, logit_shares

PRICES = np.array([1.0, 4.0, 2.5])
WEIGHTS = np.array([0.5, 0.2, 0.3])


@pytest.mark.closed_form
def test_logit_shares_by_hand_with_and_without_an_outside_option():
    assert np.allclose(logit_shares([0.0, math.log(3.0)]), [0.25, 0.75], rtol=1e-14)
    assert np.allclose(logit_shares([0.0, math.log(3.0)], outside=math.log(4.0)), [1 / 8, 3 / 8], rtol=1e-14)
    assert np.allclose(logit_shares([1e4, 1e4 - math.log(2)]), [2 / 3, 1 / 3], rtol=1e-10)


@pytest.mark.closed_form
@pytest.mark.parametrize("substitution", [0.0, 0.6, 2.0, 5.0])
def test_the_index_is_the_power_mean_of_prices(substitution):
    power = 1.0 - substitution
    assert ces_price_index(PRICES, WEIGHTS, substitution) == pytest.approx(
        sum(w * p**power for w, p in zip(WEIGHTS, PRICES, strict=True)) ** (1.0 / power), rel=1e-12
    )
    cobb_douglas = 1.0**0.5 * 4.0**0.2 * 2.5**0.3
    assert ces_price_index(PRICES, WEIGHTS, 1.0) == pytest.approx(cobb_douglas, rel=1e-14)


@pytest.mark.law
@given(
    prices=st.lists(st.floats(0.01, 100), min_size=3, max_size=3),
    substitution=st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0]),
)
def test_the_index_lies_between_the_cheapest_and_the_dearest(prices, substitution):
    index = ces_price_index(prices, WEIGHTS, substitution)
    assert min(prices) * (1 - 1e-9) <= index <= max(prices) * (1 + 1e-9)
    draws = np.array(prices)[:, np.newaxis] * np.array([1.0, 2.0])
    assert ces_price_index(draws, WEIGHTS, substitution)[0] == pytest.approx(float(index), rel=1e-12)


@pytest.mark.contract
def test_substitution_refuses_nonsense():
    with pytest.raises(DomainError, match="weights sum"):
        ces_price_index(PRICES, [0.5, 0.5, 0.5], 2.0)
    with pytest.raises(DomainError, match="above 0"):
        ces_price_index([1.0, 0.0, 1.0], WEIGHTS, 2.0)
    with pytest.raises(DomainError, match="substitution"):
        ces_price_index(PRICES, WEIGHTS, -1.0)
    with pytest.raises(DomainError, match="utility"):
        logit_shares([])


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.competition:choice_utility")
def test_a_user_pays_in_price_for_capability():
    # b/a = 2: twice the capability is worth four times the price
    assert choice_utility(4.0, 2.0, 1.0, 2.0) == pytest.approx(choice_utility(1.0, 1.0, 1.0, 2.0), abs=1e-14)
    assert choice_utility(2.0, 8.0, 1.0, 1.0) == pytest.approx(math.log(4), rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.competition:followed_share")
def test_shares_follow_at_the_switching_rate():
    assert followed_share(0.8, 0.2, math.log(2), 1.0) == pytest.approx(0.5, rel=1e-14)
    assert followed_share(0.8, 0.2, 0.0, 1.0) == 0.8


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.competition:logit_markup")
def test_the_best_mark_up_is_where_profit_is_flat():
    sensitivity, cost = 4.0, 2.0
    price = np.linspace(2.01, 6, 40_001)
    rivals = np.full_like(price, 3.0)
    share = logit_shares(-sensitivity * np.log(np.stack([price, rivals])))[0]
    best = np.argmax((price - cost) * share)
    assert price[best] / cost - 1 == pytest.approx(logit_markup(sensitivity, share[best]), rel=2e-4)


@pytest.mark.closed_form
def test_a_leapfrog_takes_the_lead_later_the_slower_users_switch():
    steps = 40
    capability = np.ones((steps, 2)) * [3.0, 1.0]
    capability[5:, 1] = 12.0  # the rival jumps ahead at step 5
    price = np.ones((steps, 2))
    leads = []
    for rate in (4.0, 1.0, 0.5):
        contest = compete(
            price, capability, price_sensitivity=1.0, capability_sensitivity=1.0, switching_rate=rate, step=1 / 12
        )
        assert contest.leader[0] == 0 and contest.leader[-1] == 1
        assert contest.lead_changes == 1
        assert np.allclose(contest.share.sum(axis=1), 1.0, rtol=1e-13)
        leads.append(int(np.argmax(contest.leader == 1)))
    assert 5 <= leads[0] < leads[1] < leads[2]
    # shares start at 3:1 and aim at 1:4; the lead changes when the gap has closed from .25 to 0 of .25 … -.3
    crossing = math.log((0.75 - 0.2) / (0.5 - 0.2)) / 1.0
    assert leads[1] == 5 + math.floor(crossing * 12)


@pytest.mark.closed_form
def test_cutting_the_price_works_like_capability_and_lowers_what_is_paid():
    price, capability = np.ones((3, 2)), np.ones((3, 2))
    price[:, 1] = 0.25
    contest = compete(
        price, capability, price_sensitivity=2.0, capability_sensitivity=1.0, switching_rate=np.inf, step=0.25
    )
    assert np.allclose(contest.share[-1], [1 / 17, 16 / 17], rtol=1e-13)
    assert contest.paid_price[-1] == pytest.approx((1 + 16 * 0.25) / 17, rel=1e-13)
    assert contest.concentration[-1] == pytest.approx((1 + 256) / 289, rel=1e-13)


@pytest.mark.law
def test_a_slice_of_an_ensemble_of_contests_is_the_scalar_contest():
    rng = np.random.default_rng(4)
    price, capability = rng.lognormal(size=(6, 3, 4)), rng.lognormal(size=(6, 3, 4))
    rates = np.array([0.5, 1.0, 2.0, 4.0])
    given_share = np.array([0.5, 0.3, 0.2])
    weights = {"price_sensitivity": 1.5, "capability_sensitivity": 0.7, "step": 0.25, "initial_share": given_share}
    together = compete(price, capability, switching_rate=rates, **weights)
    for draw in range(4):
        alone = compete(price[..., draw], capability[..., draw], switching_rate=rates[draw], **weights)
        assert np.array_equal(together.share[..., draw], alone.share)
        assert together.lead_changes[draw] == alone.lead_changes


@pytest.mark.contract
def test_contests_refuse_nonsense():
    weights = {"price_sensitivity": 1.0, "capability_sensitivity": 1.0, "switching_rate": 1.0}
    with pytest.raises(DomainError, match="must both be"):
        compete(np.ones((3, 2)), np.ones((3, 3)), step=0.25, **weights)
    with pytest.raises(DomainError, match="above 0"):
        compete(np.zeros((3, 2)), np.ones((3, 2)), step=0.25, **weights)
    with pytest.raises(DomainError, match="summing to 1"):
        compete(np.ones((3, 2)), np.ones((3, 2)), step=0.25, initial_share=[0.5, 0.6], **weights)
    with pytest.raises(DomainError, match="below 0"):
        compete(np.ones((3, 2)), np.ones((3, 2)), step=0.25, initial_share=[1.5, -0.5], **weights)


@pytest.mark.closed_form
def test_what_is_paid_is_weighted_by_the_shares_that_users_have_and_not_by_those_they_aim_at():
    # a rival at a quarter of the price draws 4/5 of choices; at rate ln 2 users go half of the way in a year
    contest = compete(
        [[4.0, 1.0]],
        [[1.0, 1.0]],
        price_sensitivity=1.0,
        capability_sensitivity=0.0,
        switching_rate=math.log(2.0),
        step=1.0,
        initial_share=[1.0, 0.0],
    )
    held = (1.0 + 0.2) / 2.0
    assert contest.share[0] == pytest.approx([held, 1.0 - held], rel=1e-13)
    assert contest.paid_price[0] == pytest.approx(held * 4.0 + (1.0 - held) * 1.0, rel=1e-13)
    assert contest.concentration[0] == pytest.approx(held**2 + (1.0 - held) ** 2, rel=1e-13)
