"""Term structure of rents, and the fill at which sold idle hours pay."""

import math

import pytest

from costmodel.foundation.errors import DomainError
from costmodel.market.commitment_terms import (
    TermStructure,
    break_even_fill,
    forward_rent,
    yearly_rent_ratio,
)


@pytest.mark.published
@pytest.mark.reference("costmodel.market.commitment_terms:yearly_rent_ratio")
@pytest.mark.reference("costmodel.market.commitment_terms:forward_rent")
def test_launch_quotes_of_p5_give_a_ratio_and_two_forwards():
    # AWS p5 at launch, per H100-hour: 1-year 7.20, 3-year 5.40 (secondary); 1 + r + r² = 3 · 5.40/7.20
    quotes = TermStructure(one_year=7.20, three_year=5.40)
    assert quotes.yearly_ratio == pytest.approx(0.7247, abs=5e-5)
    assert quotes.forwards == pytest.approx((7.20, 5.218, 3.782), abs=5e-4)
    assert sum(quotes.forwards) / 3 == pytest.approx(5.40, rel=1e-14)
    assert 1 + quotes.yearly_ratio + quotes.yearly_ratio**2 == pytest.approx(3 * 5.40 / 7.20, rel=1e-14)
    assert yearly_rent_ratio(4.0, 4.0) == 1.0
    assert forward_rent(4.0, 0.5, 3.0) == 0.5
    assert math.exp(-quotes.decline) == pytest.approx(quotes.yearly_ratio, rel=1e-14)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("quotes", "said"),
    [((7.2, 5.4, 0.0), "on_demand"), ((7.2, 2.3, 9.0), "would be negative"), ((math.nan, 1.0), "one_year")],
)
def test_impossible_quotes_are_refused(quotes, said):
    with pytest.raises(DomainError, match=said):
        TermStructure(*quotes)


@pytest.mark.contract
def test_without_an_on_demand_quote_there_is_no_discount():
    with pytest.raises(DomainError, match="on_demand is absent"):
        _ = TermStructure(7.2, 5.4).discounts
    assert TermStructure(5.0, 4.0, 10.0).discounts == (0.5, 0.6)
    assert TermStructure(5.0, 4.0, 10.0).on_demand_premium == 2.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.commitment_terms:break_even_fill")
def test_fill_at_break_even_earns_exactly_the_cost():
    cost, rent, committed, discount = 1.69, 2.35, 0.6, 0.4
    fill = break_even_fill(cost, rent, committed, discount)
    assert rent * committed + (1 - committed) * fill * rent * (1 - discount) == pytest.approx(cost, rel=1e-14)
