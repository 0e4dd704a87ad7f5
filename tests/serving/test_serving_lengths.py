"""Moments of a batch at steady state, against a simulated one."""

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.serving.lengths import (
    decode_context_deviation,
    mean_decode_context,
    measured_lengths,
    second_moment,
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.lengths:second_moment")
def test_second_moment():
    # 1 and 3 with equal weight: mean 2, deviation 1, mean square (1 + 9) / 2
    assert second_moment(2.0, 0.5) == pytest.approx((1 + 9) / 2)


@pytest.mark.peer
@pytest.mark.reference("costmodel.serving.lengths:mean_decode_context")
@pytest.mark.reference("costmodel.serving.lengths:decode_context_deviation")
def test_moments_match_a_simulated_batch():
    rng = np.random.default_rng(7)
    size, correlation = 400_000, 0.3
    sigma = np.sqrt(np.log1p(np.array([0.8, 0.6]) ** 2))
    # correlation of the logs that gives the wanted correlation of the lengths
    log_correlation = np.log1p(correlation * 0.8 * 0.6) / (sigma[0] * sigma[1])
    normal = rng.standard_normal((2, size))
    normal[1] = log_correlation * normal[0] + np.sqrt(1 - log_correlation**2) * normal[1]
    inputs = 3000.0 * np.exp(sigma[0] * normal[0] - sigma[0] ** 2 / 2)
    outputs = 500.0 * np.exp(sigma[1] * normal[1] - sigma[1] ** 2 / 2)
    # a request is seen in the batch in proportion to its output, at a uniform point of it
    context = inputs + rng.uniform(size=size) * outputs
    weight = outputs / outputs.sum()
    mean = (weight * context).sum()
    deviation = np.sqrt((weight * (context - mean) ** 2).sum())
    assert mean_decode_context(3000.0, 500.0, 0.8, 0.6, correlation) == pytest.approx(mean, rel=0.01)
    assert decode_context_deviation(3000.0, 500.0, 0.8, 0.6, correlation) == pytest.approx(deviation, rel=0.02)
    measured = measured_lengths(inputs, outputs)
    assert measured.mean_input == pytest.approx(3000.0, rel=0.01)
    assert measured.variation_output == pytest.approx(0.6, rel=0.02)
    assert measured.correlation == pytest.approx(correlation, abs=0.02)


@pytest.mark.closed_form
def test_fixed_lengths_spread_only_by_progress():
    # uniform over the answer: deviation = length / sqrt(12)
    assert decode_context_deviation(8192.0, 1024.0) == pytest.approx(1024 / np.sqrt(12))
    assert mean_decode_context(8192.0, 1024.0) == 8192 + 512


@pytest.mark.contract
@pytest.mark.parametrize(
    ("inputs", "outputs"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0, 0.0], [1.0, 2.0])]
)
def test_a_log_without_moments_is_refused(inputs, outputs):
    with pytest.raises(DomainError):
        measured_lengths(inputs, outputs)


@pytest.mark.closed_form
def test_constant_lengths_have_no_correlation():
    assert measured_lengths([5.0, 5.0], [1.0, 3.0]).correlation == 0.0
