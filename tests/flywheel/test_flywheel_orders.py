"""Equations of investment, with numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.flywheel.orders import capability_growth, forecast_factor, orders_towards

pytestmark = pytest.mark.closed_form
_MODULE = "costmodel.flywheel.orders"


@pytest.mark.reference(f"{_MODULE}:forecast_factor")
def test_a_forecast_without_damping_meets_steady_growth() -> None:
    # A gap that closes in a year lags growth of 0.5 by half a target: 1 + 0.5, and e^0.2 on the way.
    assert forecast_factor(0.5, 0.4, np.inf, 1.0) == pytest.approx(1.5 * np.exp(0.2), rel=1e-12)
    # Damped over six years: e^(0.5·6·(1 − e^(−0.25)))·(1 + 0.5 e^(−0.25)) over a year and a half.
    kept = np.exp(-0.25)
    assert forecast_factor(0.5, 1.5, 6.0, 1.0) == pytest.approx(np.exp(3.0 * (1 - kept)) * (1 + 0.5 * kept), rel=1e-12)
    assert forecast_factor(-3.0, 0.0, np.inf, 1.0) == 0.0


@pytest.mark.reference(f"{_MODULE}:orders_towards")
def test_a_gap_is_ordered_over_its_time_and_half_a_step() -> None:
    assert orders_towards(120.0, 100.0, 1.0, 0.5) == pytest.approx(20.0 / 1.25, rel=1e-15)
    assert orders_towards(80.0, 100.0, 1.0, 0.5) == 0.0


@pytest.mark.reference(f"{_MODULE}:capability_growth")
def test_capability_builds_up_with_the_premium_and_runs_down_slowly() -> None:
    terms = (0.26, 1.0, 0.5, 0.1)
    assert capability_growth(1.0, 0.3, 90.0, 100.0, *terms) == pytest.approx(0.26 + 0.3, rel=1e-15)
    assert capability_growth(1.0, 0.9, 90.0, 100.0, *terms) == pytest.approx(0.26 + 0.5, rel=1e-15)
    assert capability_growth(0.0, 0.3, 99.0, 100.0, *terms) == pytest.approx(np.log(0.99), rel=1e-12)
    assert capability_growth(0.0, 0.3, 0.0, 100.0, *terms) == -0.1
