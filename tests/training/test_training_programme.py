"""The training programme: reserve and capability over time."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.training import programme

pytestmark = pytest.mark.closed_form

_MODULE = "costmodel.training.programme"


@pytest.mark.reference(f"{_MODULE}:training_budget")
def test_budget_is_a_share_of_revenue_and_what_investors_add() -> None:
    # 35 % of 20 G$ and 14 G$
    assert programme.training_budget(20e9, 0.35, 14e9) == pytest.approx(7e9 + 14e9, rel=1e-15)


@pytest.mark.reference(f"{_MODULE}:capability_index")
def test_capability_growth_is_compute_growth_plus_algorithmic_growth() -> None:
    index = programme.capability_index(np.exp(1.1 * 3.0), 0.9, 3.0)
    assert np.log(index) / 3.0 == pytest.approx(1.1 + 0.9, rel=1e-14)
