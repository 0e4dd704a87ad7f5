"""The delay that is read at mid-step."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.ownership.vintages import delay_offset, delay_weight


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.vintages:delay_offset")
@pytest.mark.reference("costmodel.ownership.vintages:delay_weight")
@pytest.mark.parametrize(("delay", "offset", "weight"), [(0.0, 0, 0.5), (0.4, 2, 2 - 1.6 + 0.5), (1.0, 4, 0.5)])
def test_delay_falls_in_two_steps(delay: float, offset: int, weight: float) -> None:
    assert delay_offset(delay, 0.25) == offset
    assert np.allclose(delay_weight(delay, 0.25), weight)
