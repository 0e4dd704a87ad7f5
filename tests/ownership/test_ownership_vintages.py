"""Cohorts: entry into service, the fractional delay, survival."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.ownership.vintages import delay_offset, delay_weight, in_service_fraction, survival

STEPS = (1 / 24, 1 / 12, 1 / 4, 1.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.vintages:in_service_fraction")
def test_share_in_service_is_the_part_of_the_step_whose_purchases_have_arrived() -> None:
    # bought evenly over [0, 1], lag 1.3 steps: at t = 1.5, mid of step 1, those bought before 0.2 are in
    assert in_service_fraction(1.0, 1.3, 1.0) == pytest.approx(1.5 - 1.3)
    assert in_service_fraction(2.0, 1.3, 1.0) == 1.0
    assert in_service_fraction(0.0, 1.3, 1.0) == 0.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.vintages:delay_offset")
@pytest.mark.reference("costmodel.ownership.vintages:delay_weight")
def test_five_months_in_quarters_arrive_in_the_second_and_third_step() -> None:
    # 5/12 year = 5/3 quarters: floor(5/3 + 1/2) = 2, weight 2 - 5/3 + 1/2 = 5/6
    assert delay_offset(5 / 12, 1 / 4) == 2.0
    assert delay_weight(5 / 12, 1 / 4) == pytest.approx(5 / 6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.vintages:survival")
def test_survival_halves_in_one_half_life() -> None:
    assert survival(10.0, math.log(2) / 10) == pytest.approx(0.5)
    assert survival(10.0, 0.0) == 1.0


@pytest.mark.law
@given(st.floats(0.0, 20.0), st.sampled_from(STEPS))
def test_cumulative_arrivals_are_the_share_in_service(delay: float, step: float) -> None:
    steps = int(delay / step) + 4
    weight, offset = float(delay_weight(delay, step)), int(delay_offset(delay, step))
    arrivals = np.zeros(steps)
    arrivals[offset] = weight
    arrivals[offset + 1] = 1.0 - weight
    ages = np.arange(steps) * step
    # equal but for the last bit of ages / step
    np.testing.assert_allclose(np.cumsum(arrivals), in_service_fraction(ages, delay, step), rtol=0, atol=1e-12)


@pytest.mark.law
@given(st.floats(0.0, 5.0), st.floats(0.1, 15.0), st.sampled_from(STEPS))
def test_time_in_service_is_the_life_whatever_the_step(lag: float, life: float, step: float) -> None:
    ages = np.arange(int((lag + life) / step) + 4) * step
    present = in_service_fraction(ages, lag, step) - in_service_fraction(ages, lag + life, step)
    assert present.sum() * step == pytest.approx(life, rel=1e-12, abs=1e-12)


@pytest.mark.contract
def test_step_formulas_compile_unchanged() -> None:
    numba = pytest.importorskip("numba")
    for function, arguments in (
        (in_service_fraction, (0.5, 0.4, 0.25)),
        (delay_offset, (0.4, 0.25)),
        (delay_weight, (0.4, 0.25)),
        (survival, (2.0, 0.05)),
    ):
        assert numba.njit(inspect.unwrap(function))(*arguments) == pytest.approx(float(function(*arguments)), rel=1e-15)
