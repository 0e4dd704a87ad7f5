"""Price at fixed capability, flagship lines, and the parts of declines and growth."""

import math

import numpy as np
import pytest

from costmodel.estimation.fixed_capability import (
    PriceRecords,
    decline_at_capability,
    decline_rate,
    price_moves,
    years_of_rise,
)
from costmodel.foundation.errors import DomainError
from costmodel.market.attribution import split_usage_growth

RECORDS = PriceRecords(
    ("first", "better", "cheap", "dear", "cheapest", "late"),
    [2021.0, 2022.0, 2022.5, 2023.0, 2024.0, 2024.5],
    [60.0, 30.0, 20.0, 90.0, 5.0, 6.0],
    [40.0, 60.0, 45.0, 95.0, 42.0, 70.0],
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.estimation.fixed_capability:decline_rate")
def test_a_thousandth_in_three_years_is_a_tenth_a_year():
    assert decline_rate(60.0, 0.06, 3.0) == pytest.approx(math.log(1000) / 3, rel=1e-14)


@pytest.mark.closed_form
def test_the_frontier_only_falls_and_holds_only_models_that_reach_the_score():
    assert RECORDS.frontier(40.0).names == ("first", "better", "cheap", "cheapest")
    assert RECORDS.frontier(50.0).names == ("better", "late")
    assert np.all(np.diff(RECORDS.frontier(40.0).price) < 0)
    times = [2020.0, 2021.0, 2022.4, 2025.0]
    assert np.array_equal(RECORDS.cheapest(40.0, np.array(times)), [np.inf, 60.0, 30.0, 5.0])
    with pytest.raises(DomainError, match="highest score is 95"):
        RECORDS.frontier(99.0)


@pytest.mark.closed_form
def test_decline_at_capability_is_the_rate_between_ends_and_a_trend_through_all_steps():
    decline = decline_at_capability(RECORDS, 40.0)
    assert (decline.first, decline.last, decline.years) == ("first", "cheapest", 3.0)
    assert decline.rate == pytest.approx(math.log(12) / 3, rel=1e-14)
    slope = np.polyfit([2021.0, 2022.0, 2022.5, 2024.0], np.log([60.0, 30.0, 20.0, 5.0]), 1)[0]
    assert decline.fit.slope("time") == pytest.approx(-slope, rel=1e-10)
    assert decline_at_capability(RECORDS, 50.0).fit is None
    with pytest.raises(DomainError, match="only one step"):
        decline_at_capability(RECORDS, 90.0)


@pytest.mark.closed_form
def test_years_of_rise_compare_the_end_of_a_year_with_its_start():
    moves = price_moves("abcd", [2023.2, 2025.1, 2025.6, 2026.2], [20.0, 5.0, 6.0, 9.0])
    assert [move.ratio for move in moves] == pytest.approx([0.25, 1.2, 1.5])
    assert years_of_rise(moves) == (2026,)


@pytest.mark.contract
def test_records_are_checked():
    with pytest.raises(DomainError, match="score has shape"):
        PriceRecords(("a",), [2020.0], [1.0], [1.0, 2.0])
    with pytest.raises(DomainError, match="above 0"):
        PriceRecords(("a",), [2020.0], [0.0], [1.0])


@pytest.mark.closed_form
def test_growth_of_usage_adds_up_and_an_uncertain_elasticity_gives_a_range():
    elasticity = np.linspace(-1.8, -0.5, 1001)
    split = split_usage_growth(49.5, 0.25, elasticity, 2.0)
    assert np.allclose(split.total, math.log(49.5), rtol=1e-13)
    assert split.price[0] == pytest.approx(1.8 * math.log(4), rel=1e-14)
    low, high = split.interval("price", 0.9)
    # 5 % and 95 % of the range of elasticity, times ln 4, over ln 49.5
    assert low == pytest.approx((0.5 + 0.05 * 1.3) * math.log(4) / math.log(49.5), rel=1e-9)
    assert high == pytest.approx((1.8 - 0.05 * 1.3) * math.log(4) / math.log(49.5), rel=1e-9)


@pytest.mark.law
def test_flagship_list_prices_are_not_the_price_at_fixed_capability():
    # a line whose price rises while each step of ability gets cheaper: the two answers differ in sign
    years = np.arange(2023.0, 2027.0)
    names = tuple(f"flagship {year:g}" for year in years) + tuple(f"small {year:g}" for year in years)
    flagship, small = 10 * 1.2 ** np.arange(4), 2 * 0.2 ** np.arange(4)
    records = PriceRecords(
        names,
        np.tile(years, 2),
        np.concatenate([flagship, small]),
        np.concatenate([50 + 10 * np.arange(4.0), np.full(4, 50.0)]),
    )
    assert decline_at_capability(records, 50.0).rate > 1.0
    assert years_of_rise(price_moves(names[:4], years, flagship)) == (2024, 2025, 2026)
