"""Speculative decoding."""

import pytest

from costmodel.serving.speculative import expected_tokens_per_pass


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.speculative:expected_tokens_per_pass")
def test_expected_tokens_is_the_geometric_sum():
    assert expected_tokens_per_pass(0.7, 3.0) == pytest.approx(1 + 0.7 + 0.7**2 + 0.7**3)
    assert expected_tokens_per_pass(0.0, 5.0) == 1.0
    assert expected_tokens_per_pass(1.0, 5.0) == 6.0
    assert expected_tokens_per_pass(1.0 - 1e-9, 5.0) == pytest.approx(6.0, rel=1e-6)
