"""Speculative decoding."""

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.serving.speculative import best_draft_length, expected_tokens_per_pass, speculative_speedup


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.speculative:expected_tokens_per_pass")
def test_expected_tokens_is_the_geometric_sum():
    assert expected_tokens_per_pass(0.7, 3.0) == pytest.approx(1 + 0.7 + 0.7**2 + 0.7**3)
    assert expected_tokens_per_pass(0.0, 5.0) == 1.0
    assert expected_tokens_per_pass(1.0, 5.0) == 6.0
    assert expected_tokens_per_pass(1.0 - 1e-9, 5.0) == pytest.approx(6.0, rel=1e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.speculative:speculative_speedup")
def test_speedup_is_tokens_over_time():
    assert speculative_speedup(0.7, 3.0, 0.1, 1.2) == pytest.approx((1 + 0.7 + 0.49 + 0.343) / (0.3 + 1.2))
    assert speculative_speedup(0.3, 0.0, 0.1, 1.0) == 1.0


@pytest.mark.closed_form
def test_best_length_is_the_best_of_all_lengths():
    length, speedup = best_draft_length(np.array([0.0, 0.6, 0.9]), 0.1, 0.02)
    every = np.array([[speculative_speedup(p, g, 0.1, 1 + 0.02 * g) for g in range(17)] for p in (0.0, 0.6, 0.9)])
    assert length.tolist() == every.argmax(axis=1).tolist()
    assert speedup == pytest.approx(every.max(axis=1))
    assert length[0] == 0.0


@pytest.mark.contract
@pytest.mark.parametrize("arguments", [(1.2, 0.1), (0.5, -0.1), (0.5, 0.1, -1.0), (0.5, 0.1, 0.0, -1)])
def test_arguments_outside_their_range_are_refused(arguments):
    with pytest.raises(DomainError):
        best_draft_length(*arguments)
