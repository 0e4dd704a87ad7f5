"""Term structure, fill and the scarcity exponent of rents."""

import math

import numpy as np
import pytest
from scipy import integrate

from costmodel.foundation.errors import DomainError
from costmodel.market.scarcity import foretold_rent, scarcity_exponent
from costmodel.market.terms import (
    TermStructure,
    break_even_fill,
    forward_rent,
    idle_rent,
    mean_rent_of_term,
    yearly_rent_ratio,
)


@pytest.mark.published
@pytest.mark.reference("costmodel.market.terms:yearly_rent_ratio")
@pytest.mark.reference("costmodel.market.terms:forward_rent")
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
    [((7.2, 5.4, 0.0), "on_demand"), ((7.2, 2.3, 9.0), "less than nothing"), ((math.nan, 1.0), "one_year")],
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
@pytest.mark.reference("costmodel.market.terms:mean_rent_of_term")
def test_flat_rent_is_the_mean_of_the_falling_one():
    mean, _ = integrate.quad(lambda t: 2.0 * math.exp(-0.3 * t), 0, 3, epsrel=1e-13)
    assert mean_rent_of_term(2.0, 0.3, 3.0) == pytest.approx(mean / 3, rel=1e-12)
    assert mean_rent_of_term(2.0, 0.0, 3.0) == 2.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.terms:idle_rent")
@pytest.mark.reference("costmodel.market.terms:break_even_fill")
def test_fill_at_break_even_earns_exactly_the_cost():
    cost, rent, committed, discount = 1.69, 2.35, 0.6, 0.4
    fill = break_even_fill(cost, rent, committed, discount)
    assert rent * committed + (1 - committed) * idle_rent(rent, fill, discount) == pytest.approx(cost, rel=1e-14)
    assert idle_rent(2.0, 0.5, 0.25) == 0.75


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.scarcity:scarcity_exponent")
@pytest.mark.reference("costmodel.market.scarcity:foretold_rent")
def test_the_exponent_reproduces_the_rent_it_was_found_from():
    phi = scarcity_exponent(2.35 / 1.70, 0.94, 1.067)
    assert foretold_rent(1.70, 0.94, 1.067, phi) == pytest.approx(2.35, rel=1e-14)
    assert scarcity_exponent(8.0, 1.0, 2.0) == pytest.approx(3.0, rel=1e-14)
    assert foretold_rent(3.0, 0.5, 2.0, 3.0) == pytest.approx(12.0, rel=1e-14)


@pytest.mark.law
def test_without_scarcity_the_rent_only_falls():
    fall = np.exp(-0.15 * np.linspace(0, 5, 20))
    tightness = 1 + 0.4 * np.sin(np.linspace(0, 9, 20))
    assert np.all(np.diff(foretold_rent(1.70, fall, tightness, 0.0)) < 0)
    assert np.any(np.diff(foretold_rent(1.70, fall, tightness, 3.0)) > 0)
