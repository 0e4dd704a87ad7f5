"""Forms of decline and conversions of their slope."""

import math

import pytest

from costmodel.market.decline import (
    exponent_of_learning_rate,
    exponent_of_progress_ratio,
    goddard,
    learning_rate,
    moore,
    nordhaus,
    progress_ratio,
    sahal_rate,
    sinclair_klepper_cohen,
    wright,
)

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.decline:wright")
@pytest.mark.reference("costmodel.market.decline:exponent_of_learning_rate")
def test_one_doubling_lowers_cost_by_the_learning_rate():
    assert wright(100.0, 2.0, exponent_of_learning_rate(0.2)) == pytest.approx(80.0, rel=1e-14)
    assert wright(100.0, 8.0, exponent_of_learning_rate(0.2)) == pytest.approx(100 * 0.8**3, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:moore")
def test_moore_halves_in_its_half_life():
    assert moore(100.0, math.log(2) / 2.1, 2.1) == pytest.approx(50.0, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:goddard")
def test_goddard_answers_to_annual_output():
    assert goddard(8.0, 16.0, 0.25) == pytest.approx(4.0, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:sinclair_klepper_cohen")
def test_sinclair_klepper_cohen_is_the_product_of_scale_and_experience():
    assert sinclair_klepper_cohen(8.0, 16.0, 4.0, 0.25, 0.5) == pytest.approx(8.0 / 2 / 2, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:nordhaus")
def test_nordhaus_is_the_product_of_experience_and_time():
    assert nordhaus(8.0, 4.0, 3.0, 0.5, math.log(2)) == pytest.approx(8.0 / 2 / 8, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:learning_rate")
@pytest.mark.reference("costmodel.market.decline:progress_ratio")
@pytest.mark.reference("costmodel.market.decline:exponent_of_progress_ratio")
def test_three_names_of_one_slope():
    assert learning_rate(1.0) == pytest.approx(0.5, rel=1e-14)
    assert progress_ratio(1.0) == pytest.approx(0.5, rel=1e-14)
    assert exponent_of_progress_ratio(0.25) == pytest.approx(2.0, rel=1e-14)
    for exponent in (0.0, 0.129, 0.319, 0.42):
        assert learning_rate(exponent) == pytest.approx(1 - progress_ratio(exponent), abs=1e-15)
        assert exponent_of_learning_rate(learning_rate(exponent)) == pytest.approx(exponent, abs=1e-14)
        assert exponent_of_progress_ratio(progress_ratio(exponent)) == pytest.approx(exponent, abs=1e-14)


@pytest.mark.reference("costmodel.market.decline:sahal_rate")
def test_wright_under_steady_growth_is_moore():
    w, g = 0.32, 0.5
    assert wright(1.0, math.exp(g * 3), w) == pytest.approx(moore(1.0, sahal_rate(w, g), 3.0), rel=1e-14)
