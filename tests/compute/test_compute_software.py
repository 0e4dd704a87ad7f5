"""Software terms of the flywheel's step against integrals and arithmetic written here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from costmodel.compute import (
    accelerator_seconds_per_token,
    amdahl_speedup,
    compute_per_token,
    dated_jump,
    fading_trend,
    software_efficiency,
)

ROOM = "costmodel.compute.software:"
pytestmark = pytest.mark.closed_form


def _integral(time: float, growth: float, fade_rate: float, fade_from: float) -> float:
    """Midpoint sum of the growth rate, floored at 0."""
    grid = (np.arange(200_000) + 0.5) / 200_000 * time
    rate = np.maximum(growth - fade_rate * np.maximum(grid - fade_from, 0.0), 0.0)
    return float(rate.mean() * time)


@pytest.mark.reference(f"{ROOM}fading_trend")
@pytest.mark.parametrize("time", [0.0, 1.0, 2.0, 3.5, 5.0, 12.0])
@pytest.mark.parametrize("fade_rate", [0.0, 0.05, 0.2])
def test_trend_is_the_integral_of_a_rate_that_stops_at_zero(time: float, fade_rate: float) -> None:
    expected = _integral(time, 0.6, fade_rate, 2.0)
    assert float(fading_trend(time, 0.6, fade_rate, 2.0)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("fade_rate", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("time", [1.0, 3.5, 12.0])
def test_a_falling_trend_mirrors_a_rising_one(time: float, fade_rate: float) -> None:
    falling = float(fading_trend(time, -0.6, fade_rate, 2.0))
    assert falling == -float(fading_trend(time, 0.6, fade_rate, 2.0))
    assert falling == pytest.approx(-_integral(time, 0.6, fade_rate, 2.0), abs=1e-8)


def test_trend_ends_at_its_ceiling() -> None:
    assert float(fading_trend(100.0, 0.6, 0.2, 2.0)) == pytest.approx(0.6 * 2.0 + 0.6**2 / (2 * 0.2))


@pytest.mark.reference(f"{ROOM}software_efficiency")
def test_efficiency_multiplies_trend_experience_and_jumps() -> None:
    expected = math.exp(0.4) * 8.0**0.2 * 1.5
    assert float(software_efficiency(0.4, 8.0, 0.2, 1.5)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.reference(f"{ROOM}compute_per_token")
def test_work_per_token_falls_with_software_until_the_floor() -> None:
    assert float(compute_per_token(80e9, 3.0, 4.0, 1e9)) == 80e9 * 3.0 / 4.0
    assert float(compute_per_token(80e9, 3.0, 1e6, 1e9)) == 1e9


@pytest.mark.reference(f"{ROOM}amdahl_speedup")
def test_speedup_of_a_share() -> None:
    # 40 % of the time at 2.06 times the speed (TTT-Discover's kernel on an A100).
    assert float(amdahl_speedup(0.4, 2.06)) == pytest.approx(1.0 / (0.6 + 0.4 / 2.06), rel=1e-14)
    assert float(amdahl_speedup(1.0, 2.06)) == pytest.approx(2.06, rel=1e-14)
    assert float(amdahl_speedup(0.0, 2.06)) == 1.0


@pytest.mark.reference(f"{ROOM}dated_jump")
def test_jump_counts_from_its_date() -> None:
    assert float(dated_jump(1.999, 2.0, 0.4, 2.06)) == 1.0
    assert float(dated_jump(2.0, 2.0, 0.4, 2.06)) == pytest.approx(1.0 / (0.6 + 0.4 / 2.06), rel=1e-14)


@pytest.mark.reference(f"{ROOM}accelerator_seconds_per_token")
def test_time_is_work_over_the_rate_reached() -> None:
    assert float(accelerator_seconds_per_token(80e9, 0.25, 1e15)) == 80e9 / (0.25 * 1e15)
