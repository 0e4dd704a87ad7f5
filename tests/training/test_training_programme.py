"""The training programme: reserve and capability over time."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.training import programme

pytestmark = pytest.mark.closed_form

_MODULE = "costmodel.training.programme"


@pytest.mark.reference(f"{_MODULE}:training_reserve")
@pytest.mark.parametrize(
    ("wanted", "budget", "expected"),
    [
        (1.0e6, 9.0e6, 1.0e6),  # nothing binds
        (5.0e6, 9.0e6, 0.35 * 6.0e6),  # the share of the fleet binds
        (5.0e6, 1.5e6, 1.5e6),  # the budget binds
    ],
)
def test_reserve_is_the_least_of_its_three_limits(wanted: float, budget: float, expected: float) -> None:
    assert programme.training_reserve(wanted, 0.35, 6.0e6, budget) == pytest.approx(expected, rel=1e-15)


@pytest.mark.reference(f"{_MODULE}:capability_index")
def test_capability_growth_is_reserve_growth_plus_algorithmic_growth() -> None:
    ratio = np.exp(1.1 * 3.0)
    index = programme.capability_index(ratio, 0.9, 3.0)
    assert np.log(index) / 3.0 == pytest.approx(1.1 + 0.9, rel=1e-14)
