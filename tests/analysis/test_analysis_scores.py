"""Scores of forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.analysis.scores import coverage, crps, interval_score, pit, quantiles
from costmodel.foundation.errors import DomainError


@pytest.mark.closed_form
def test_crps_of_two_draws_by_hand():
    """Draws 0 and 1, outcome 3: E|X − y| = 2.5, ½E|X − X'| = ½ · ½."""
    assert crps([0.0, 1.0], 3.0) == pytest.approx(2.5 - 0.25, rel=1e-14)


@pytest.mark.closed_form
def test_crps_of_a_normal_forecast():
    """Gneiting and Raftery: σ [z(2Φ(z) − 1) + 2φ(z) − 1/√π], at z = 0.5."""
    from scipy.stats import norm

    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    z = 0.5
    exact = z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi)
    assert crps(draws, z) == pytest.approx(exact, rel=1e-3)


@pytest.mark.law
@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=12), st.floats(-100.0, 100.0))
def test_crps_is_the_pairwise_definition_and_weights_repeat_draws(draws, outcome):
    x = np.array(draws)
    pairwise = np.abs(x - outcome).mean() - 0.5 * np.abs(x[:, None] - x[None, :]).mean()
    assert crps(x, outcome) == pytest.approx(pairwise, abs=1e-9)
    twice = np.concatenate([x, x[:1]])
    weights = np.ones(x.size)
    weights[0] = 2.0
    assert crps(x, outcome, weights) == pytest.approx(float(crps(twice, outcome)), abs=1e-9)


@pytest.mark.reference("costmodel.analysis.scores:interval_score")
@pytest.mark.closed_form
def test_interval_score_by_hand():
    assert interval_score(2.0, 6.0, 1.0, 0.8) == pytest.approx((6.0 - 2.0) + 2.0 / 0.2 * 1.0)
    assert interval_score(2.0, 6.0, 5.0, 0.8) == pytest.approx(4.0)


@pytest.mark.closed_form
def test_coverage_counts_and_says_what_the_count_is_worth():
    draws = np.tile(np.linspace(0.0, 1.0, 1001), (10, 1))
    found = coverage(draws, [0.05, 0.11, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.89, 0.95], level=0.8)
    assert (found.inside, found.n) == (8, 10)
    # Clopper and Pearson, 8 of 10: 44.4 % to 97.5 %
    assert (found.low, found.high) == pytest.approx((0.4439, 0.9748), abs=5e-4)
    assert "8 of 10" in str(found)
    assert "no outcomes" in str(coverage(np.empty((0, 5)), np.empty(0)))
    assert coverage([[0.0, 1.0]], [5.0]).low == 0.0


@pytest.mark.closed_form
def test_weighted_quantiles_and_pit():
    draws = np.array([3.0, 1.0, 2.0])
    assert quantiles(draws, [0.0, 0.5, 1.0]) == pytest.approx([1.0, 2.0, 3.0])
    assert quantiles(draws, [0.5], weights=[0.0, 1.0, 1.0]) == pytest.approx([1.0])  # half the weight is at 1
    assert quantiles(draws, [0.51, 1 / 3], weights=[1.0, 1.0, 1.0]).tolist() == [2.0, 1.0]
    assert pit(draws, 2.0) == pytest.approx(1.5 / 3.0)


@pytest.mark.contract
def test_scores_refuse_what_they_cannot_score():
    with pytest.raises(DomainError, match="draw,"):
        crps([[1.0, 2.0]], 1.0)
    with pytest.raises(DomainError, match="finite"):
        crps([1.0, np.nan], 1.0)
    with pytest.raises(DomainError, match="weights must be 2 finite numbers"):
        crps([1.0, 2.0], 1.0, weights=[1.0, -1.0])
    with pytest.raises(DomainError, match="between 0 and 1"):
        coverage([[1.0, 2.0]], [1.0], level=1.0)


@pytest.mark.closed_form
def test_crps_of_two_forecasts_at_once() -> None:
    """2 or 4 against 5: misses of 3 and 1, less half of a mean distance of 1; 0 or 1 against 0.5: 0.5 less 0.25."""
    assert crps([[2.0, 4.0], [0.0, 1.0]], [5.0, 0.5]).tolist() == pytest.approx([1.5, 0.25], rel=1e-12)
