"""Moments of a batch at steady state, against a simulated one."""

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.serving.lengths import (
    decode_context_deviation,
    mean_decode_context,
    measured_lengths,
)


def _lognormal_pair(correlation, nodes=80):
    """Return inputs, outputs and weights of two correlated lognormal lengths by Gauss and Hermite."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    sigma = np.sqrt(np.log1p(np.array([0.8, 0.6]) ** 2))
    # correlation of the logs that gives the wanted correlation of the lengths
    log_correlation = np.log1p(correlation * 0.8 * 0.6) / (sigma[0] * sigma[1])
    first, second = points[:, None], log_correlation * points[:, None] + np.sqrt(1 - log_correlation**2) * points
    inputs = 3000.0 * np.exp(sigma[0] * first - sigma[0] ** 2 / 2)
    outputs = 500.0 * np.exp(sigma[1] * second - sigma[1] ** 2 / 2)
    probability = weights[:, None] * weights / weights.sum() ** 2
    return np.broadcast_to(inputs, outputs.shape), outputs, probability


@pytest.mark.peer
@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6])
@pytest.mark.reference("costmodel.serving.lengths:mean_decode_context")
@pytest.mark.reference("costmodel.serving.lengths:decode_context_deviation")
def test_moments_match_integration_over_a_batch(correlation):
    inputs, outputs, probability = _lognormal_pair(correlation)
    # a request is seen in the batch in proportion to its output, at a uniform point of it
    seen = probability * outputs / (probability * outputs).sum()
    mean = (seen * (inputs + outputs / 2)).sum()
    square = (seen * (inputs**2 + inputs * outputs + outputs**2 / 3)).sum()
    lengths = 3000.0, 500.0, 0.8, 0.6, correlation
    assert mean_decode_context(*lengths) == pytest.approx(mean, rel=1e-6)
    assert decode_context_deviation(*lengths) == pytest.approx(np.sqrt(square - mean**2), rel=1e-6)


@pytest.mark.closed_form
def test_a_log_of_requests_gives_its_moments_back():
    rng = np.random.default_rng(7)
    inputs = rng.lognormal(8.0, 0.5, 1000)
    outputs = inputs * rng.lognormal(-2.0, 0.4, 1000)
    measured = measured_lengths(inputs, outputs)
    assert measured.mean_input == pytest.approx(np.mean(inputs))
    assert measured.variation_output == pytest.approx(np.std(outputs) / np.mean(outputs))
    assert measured.correlation == pytest.approx(np.corrcoef(inputs, outputs)[0, 1])


@pytest.mark.closed_form
def test_moments_of_three_requests_by_hand():
    """Inputs 1, 2, 6: mean 3, squares of deviations 4 + 1 + 9; outputs 20, 50, 20: mean 30, squares 100 + 400 + 100."""
    measured = measured_lengths([1, 2, 6], [20, 50, 20])
    assert (measured.mean_input, measured.mean_output) == (3.0, 30.0)
    assert measured.variation_input == pytest.approx(np.sqrt(14 / 3) / 3, rel=1e-12)
    assert measured.variation_output == pytest.approx(np.sqrt(600 / 3) / 30, rel=1e-12)
    # products of deviations: 20, -20 and -30
    assert measured.correlation == pytest.approx(-30 / np.sqrt(14 * 600), rel=1e-12)
    wide = measured_lengths([1, 1, 1, 97], [1, 1, 1, 97])
    assert (
        wide.variation_input == wide.variation_output == pytest.approx(np.sqrt(3 * 24**2 + 72**2) / 2 / 25, rel=1e-12)
    )
    with pytest.raises(DomainError, match=r"input_tokens: shape \(1,\): a list of at least two requests is needed"):
        measured_lengths([1.0], [1.0])
    with pytest.raises(DomainError, match="2 input lengths but 3 output lengths"):
        measured_lengths([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(DomainError, match="output_tokens: every length must be finite and > 0"):
        measured_lengths([1.0, 2.0], [1.0, 0.0])


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
