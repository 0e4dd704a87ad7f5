"""Cost per token, load and energy."""

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.serving.cost import (
    CostBasis,
    blended_cost,
    cost_of_accelerator_time,
    cost_per_token,
    energy_per_token,
    gross_margin,
    mark_up,
    token_revenue,
)
from costmodel.serving.load import peak_to_average, utilisation_of_fleet


@pytest.mark.published
@pytest.mark.reference("costmodel.serving.cost:cost_per_token")
@pytest.mark.parametrize(
    ("price", "rate", "printed"),
    [
        # InferenceX, Llama-3.3-70B 8k/1k: own cost of October 2025 and tokens per second per accelerator
        (1.95, 12981.0, 0.04),
        (1.48, 8749.0, 0.05),
        (1.41, 5102.0, 0.08),
        (1.28, 4673.0, 0.08),
        (1.12, 3520.0, 0.09),
        (1.30, 2568.0, 0.14),
    ],
)
def test_cost_per_million_is_the_printed_one(price, rate, printed):
    assert round(float(cost_per_token(price, rate)) * 1e6, 2) == printed


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.cost:cost_of_accelerator_time")
def test_accelerator_time_and_throughput_agree():
    # 1,000 tokens at 500 token/s take 2 s; a quarter of the hours idle
    assert cost_of_accelerator_time(2.0, 2.0, 0.75) == pytest.approx(2.0 * 2.0 / 3600 / 0.75)
    assert cost_of_accelerator_time(2.0, 2.0, 0.75) == pytest.approx(1000 * cost_per_token(2.0, 500.0, 0.75))


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.cost:blended_cost")
def test_blend_weighs_by_tokens():
    # 800 computed and 200 cached input tokens, 500 output tokens
    expected = (800 * 1.0 + 200 * 0.1 + 500 * 5.0) / 1500
    assert blended_cost(1.0, 0.1, 5.0, 1000.0, 0.2, 500.0) == pytest.approx(expected)


@pytest.mark.published
@pytest.mark.reference("costmodel.serving.cost:token_revenue")
def test_deepseek_revenue():
    # DeepSeek (2025), Inference System Overview: 608 B input, 342 B of them hits, 168 B output -> 562,027 USD;
    # counts are rounded to a billion, so the day comes out 0.013 % high
    revenue = token_revenue(608e9, 342e9, 168e9, 0.55e-6, 0.14e-6, 2.19e-6)
    assert revenue == pytest.approx(562_027, rel=2e-4)


@pytest.mark.published
@pytest.mark.reference("costmodel.serving.cost:mark_up")
@pytest.mark.reference("costmodel.serving.cost:gross_margin")
def test_deepseek_mark_up_is_not_its_margin():
    cost = 226.75 * 8 * 24 * 2.0
    assert cost == 87_072
    assert mark_up(562_027, cost) == pytest.approx(5.45, abs=0.005)
    assert gross_margin(562_027, cost) == pytest.approx(0.845, abs=0.0005)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.cost:energy_per_token")
def test_energy_counts_idle_hours_and_the_building():
    # busy half of the time at 1,000 W, idle at 400 W: 700 W on average, PUE 1.2, 50 token/s on average
    assert energy_per_token(1000.0, 100.0, 0.5, 0.4, 1.2) == pytest.approx(1.2 * 700 / (50 * 3600))


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.load:utilisation_of_fleet")
def test_utilisation_from_the_shape_of_the_day():
    # sized for the peak: 1/1.25; a quarter of headroom on top: 1/(1.25 * 1.25); half of the trough handed back
    assert utilisation_of_fleet(1.25, 0.0, 0.0) == pytest.approx(0.8)
    assert utilisation_of_fleet(1.25, 0.25, 0.0) == pytest.approx(0.64)
    assert utilisation_of_fleet(1.25, 0.0, 0.5) == pytest.approx(1 / 1.125)
    assert utilisation_of_fleet(3.0, 0.0, 1.0) == pytest.approx(1.0)


@pytest.mark.contract
@pytest.mark.parametrize("curve", [[], [1.0, -1.0], [0.0, 0.0], [np.nan, 1.0], [[1.0]]])
def test_a_load_curve_without_meaning_is_refused(curve):
    with pytest.raises(DomainError, match="load"):
        peak_to_average(curve)


@pytest.mark.contract
def test_a_basis_is_closed_vocabulary():
    with pytest.raises(DomainError, match=r"CostBasis.price = 'cheap': allowed are owned, rented, list"):
        CostBasis(phases="decode only", tokens="output", idle_hours="in", price="cheap")
    basis = CostBasis(
        phases="prefill and decode", tokens="total", idle_hours="in", price="owned", depreciation="economic"
    )
    assert str(basis) == "per total token, prefill and decode, idle hours in, owned price, economic depreciation"
