"""List prices and what is really paid."""

import pytest

from costmodel.market.list_prices import (
    blended_price,
    cached_input_price,
    clearing_price,
    committed_unit_price,
    passed_through_price,
    realised_price,
)

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.list_prices:blended_price")
def test_three_to_one_blend():
    assert blended_price(1.25, 10.0, 0.75) == (3 * 1.25 + 10.0) / 4


@pytest.mark.reference("costmodel.market.list_prices:cached_input_price")
def test_cache_of_a_served_day():
    # 342 of 608 billion input tokens hit the cache, at 0.14 instead of 0.55 USD per million
    average = cached_input_price(0.55, 342 / 608, 1 - 0.14 / 0.55, 0.0, 0.0)
    assert average == pytest.approx((342 * 0.14 + 266 * 0.55) / 608, rel=1e-14)
    assert cached_input_price(3.0, 0.0, 0.9, 0.4, 0.25) == pytest.approx(3.0 * 1.1, rel=1e-14)


@pytest.mark.reference("costmodel.market.list_prices:realised_price")
def test_discounts_multiply():
    assert realised_price(10.0, 0.4, 0.5, 0.5, 0.2) == pytest.approx(10 * 0.8 * 0.9, rel=1e-14)
    assert realised_price(10.0, 0.0, 0.5, 0.0, 0.2) == 10.0


@pytest.mark.reference("costmodel.market.list_prices:committed_unit_price")
def test_a_commitment_pays_while_more_than_one_minus_its_discount_is_used():
    assert committed_unit_price(10.0, 0.41, 0.59) == pytest.approx(10.0, rel=1e-14)
    assert committed_unit_price(10.0, 0.41, 1.0) == pytest.approx(5.9, rel=1e-14)


@pytest.mark.reference("costmodel.market.list_prices:passed_through_price")
def test_pass_through_of_one_keeps_the_mark_up():
    assert passed_through_price(6.0, 0.5, 1.0) == 3.0
    assert passed_through_price(6.0, 0.5, 0.0) == 6.0


@pytest.mark.reference("costmodel.market.list_prices:clearing_price")
def test_clearing_price_brings_demand_to_what_can_be_served():
    price = clearing_price(2.0, 0.8, -1.11)
    assert (price / 2.0) ** -1.11 == pytest.approx(0.8, rel=1e-14)
