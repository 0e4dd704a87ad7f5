"""Substitution between workloads, and competition between operators."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.market.contest import Contest, choice_utility, followed_share, run_contest
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
@pytest.mark.reference("costmodel.market.contest:choice_utility")
def test_a_user_pays_in_price_for_capability():
    # b/a = 2: twice the capability is worth four times the price
    assert choice_utility(4.0, 2.0, 1.0, 2.0) == pytest.approx(choice_utility(1.0, 1.0, 1.0, 2.0), abs=1e-14)
    assert choice_utility(2.0, 8.0, 1.0, 1.0) == pytest.approx(math.log(4), rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.contest:followed_share")
def test_shares_follow_at_the_switching_rate():
    assert followed_share(0.8, 0.2, math.log(2), 1.0) == pytest.approx(0.5, rel=1e-14)
    assert followed_share(0.8, 0.2, 0.0, 1.0) == 0.8


def contest(operators, **entries):
    """Run a contest of operators given as (price in USD/Mtoken, capability[, initial share])."""
    tables = {}
    for name, (price, capability, *share) in operators.items():
        tables[name] = {"price": price, "capability": capability, **({"initial_share": share[0]} if share else {})}
    return run_contest(Contest(name="c", start="2026-01", operators=tables, **entries).resolve())


@pytest.mark.closed_form
def test_a_leapfrog_takes_the_lead_later_the_slower_users_switch():
    jump = {"knots": [["2026-01", 1.0], ["2026-06", 12.0]], "interpolation": "step"}  # at the sixth month
    leads = []
    for rate in (4.0, 1.0, 0.5):
        found = contest({"first": (2e-6, 3.0), "rival": (2e-6, jump)}, steps=40, switching_rate=rate)
        leader = np.argmax(found.share, axis=1)
        assert leader[0] == 0 and leader[-1] == 1
        assert found.lead_changes == 1
        assert np.allclose(found.share.sum(axis=1), 1.0, rtol=1e-13)
        leads.append(int(np.argmax(leader == 1)))
    assert 5 <= leads[0] < leads[1] < leads[2]
    # shares start at 3:1 and aim at 1:4; the lead changes when the gap has closed from .25 to 0 of .25 … -.3
    crossing = math.log((0.75 - 0.2) / (0.5 - 0.2)) / 1.0
    assert leads[1] == 5 + math.floor(crossing * 12)


@pytest.mark.closed_form
def test_cutting_the_price_works_like_capability_and_lowers_what_is_paid():
    found = contest(
        {"first": (4e-6, 1.0), "rival": (1e-6, 1.0)}, steps=3, step="quarter", price_sensitivity=2.0, switching_rate=1e3
    )
    assert np.allclose(found.share[-1], [1 / 17, 16 / 17], rtol=1e-13)
    assert found.paid_price[-1] == pytest.approx((4e-6 + 16 * 1e-6) / 17, rel=1e-13)
    assert found.concentration[-1] == pytest.approx((1 + 256) / 289, rel=1e-13)


@pytest.mark.closed_form
def test_what_is_paid_is_weighted_by_the_shares_that_users_have_and_not_by_those_they_aim_at():
    # a rival at a quarter of the price draws 4/5 of choices; at rate ln 2 users go half of the way in a year
    found = contest(
        {"first": (4e-6, 1.0, 1.0), "rival": (1e-6, 1.0, 0.0)},
        steps=1,
        step="year",
        capability_sensitivity=0.0,
        switching_rate=math.log(2.0),
    )
    held = (1.0 + 0.2) / 2.0
    assert found.share[0] == pytest.approx([held, 1.0 - held], rel=1e-13)
    assert found.target_share[0] == pytest.approx([0.2, 0.8], rel=1e-13)
    assert found.paid_price[0] == pytest.approx(held * 4e-6 + (1.0 - held) * 1e-6, rel=1e-13)
    assert found.concentration[0] == pytest.approx(held**2 + (1.0 - held) ** 2, rel=1e-13)


@pytest.mark.law
def test_draws_of_any_entry_make_an_ensemble_of_contests():
    price = {"dist": "uniform", "low": 1e-6, "high": 4e-6}
    operators = {"first": {"price": price, "capability": 2.0}, "second": {"price": 2e-6, "capability": 1.0}}
    rate = {"dist": "uniform", "low": 1.0, "high": 3.0}
    scenario = Contest(name="c", start="2026-01", operators=operators, switching_rate=rate)
    result = costmodel.run(scenario, draws=20, rng=0)
    assert result.share.shape == (12, 2, 20)
    assert result.paid_price.shape == (12, 20)
    assert np.asarray(result.lead_changes).shape == (20,)


@pytest.mark.contract
def test_contests_refuse_nonsense():
    with pytest.raises(ScenarioError, match="operators"):
        contest({"alone": (2e-6, 1.0)}, switching_rate=1.0)
    with pytest.raises(ScenarioError, match=r"sum to 1\.1"):
        contest({"a": (2e-6, 1.0, 0.5), "b": (2e-6, 1.0, 0.6)}, switching_rate=1.0)
    with pytest.raises(ScenarioError, match="for every operator, or for none"):
        contest({"a": (2e-6, 1.0, 0.5), "b": (2e-6, 1.0)}, switching_rate=1.0)
    with pytest.raises(DomainError, match="price"):
        contest({"a": (0.0, 1.0), "b": (2e-6, 1.0)}, switching_rate=1.0)


@pytest.mark.contract
@pytest.mark.parametrize("weights", [[0.0, 1.0], [-0.5, 1.5], [-2.0, 3.0]])
def test_weights_of_a_price_index_are_above_zero(weights: list[float]) -> None:
    with pytest.raises(DomainError, match="prices and weights must be above 0"):
        ces_price_index([1.0, 2.0], weights, 2.0)
