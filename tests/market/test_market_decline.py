"""Laws of decline, and the learning rate behind an exponent."""

import math

import pytest

from costmodel.market.decline import learning_rate, moore, wright

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.decline:wright")
def test_one_doubling_lowers_cost_by_the_learning_rate():
    exponent = -math.log2(1.0 - 0.2)
    assert wright(100.0, 2.0, exponent) == pytest.approx(80.0, rel=1e-14)
    assert wright(100.0, 8.0, exponent) == pytest.approx(100 * 0.8**3, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:moore")
def test_moore_halves_in_its_half_life():
    assert moore(100.0, math.log(2) / 2.1, 2.1) == pytest.approx(50.0, rel=1e-14)


@pytest.mark.reference("costmodel.market.decline:learning_rate")
def test_learning_rate_is_what_a_doubling_takes_off():
    assert learning_rate(1.0) == pytest.approx(0.5, rel=1e-14)
    for exponent in (0.0, 0.129, 0.319, 0.42):
        assert learning_rate(exponent) == pytest.approx(1 - 2.0**-exponent, abs=1e-15)
        assert learning_rate(exponent) == pytest.approx(1 - wright(1.0, 2.0, exponent), abs=1e-15)
