"""Rates of growth that vary in time: their accumulated growth, exactly."""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from costmodel.foundation.formulas import Formula
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.schedules import INTERPOLATIONS, Schedule, TimeGrid, date_at, year_fraction

GRID = TimeGrid(dt.date(2026, 1, 1), 16, "quarter")
TIMES = GRID.mid - GRID.begin
DAYS = [f"{year}-{month:02d}-{day:02d}" for year in range(2022, 2033) for month in (1, 4, 9) for day in (1, 17)]
needs_sandbox = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_monty") is None, reason="a formula needs the extra 'sandbox'"
)


def rate_of(knots: list[tuple[str, object]], kind: str, ranks: object = None) -> VaryingRate:
    written = {"knots": [list(knot) for knot in knots], "interpolation": kind}
    return VaryingRate.of(Schedule.parse(written, "1/year"), GRID, ranks)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[tuple[str, float]], str]:
    days = sorted(draw(st.sets(st.sampled_from(DAYS), min_size=2, max_size=5)))
    return [(day, draw(st.floats(0.01, 3.0))) for day in days], draw(st.sampled_from(INTERPOLATIONS))


starts = st.floats(-5.0, 4.0)


@pytest.mark.law
@given(
    st.floats(0.01, 5.0),
    st.sets(st.sampled_from(DAYS), min_size=1, max_size=5),
    st.sampled_from(INTERPOLATIONS),
    starts,
)
def test_a_rate_that_is_the_same_at_every_knot_is_the_number(rate: float, days: set[str], kind: str, start: float):
    grown = rate_of([(day, rate) for day in sorted(days)], kind).grown(TIMES, start)
    np.testing.assert_allclose(grown, rate * (TIMES - start), rtol=1e-12, atol=1e-12)


@pytest.mark.law
@given(schedules(), st.integers(0, 3), st.floats(0.05, 0.95), starts)
def test_a_knot_on_the_way_changes_nothing(drawn: tuple[list[tuple[str, float]], str], at: int, share: float, start):
    knots, kind = drawn
    left, right = knots[at % (len(knots) - 1)], knots[at % (len(knots) - 1) + 1]
    first, last = (year_fraction(dt.date.fromisoformat(day)) for day, _ in (left, right))
    between = date_at(first + share * (last - first))
    share = (year_fraction(between) - first) / (last - first)
    value = {
        "step": left[1],
        "linear": left[1] + share * (right[1] - left[1]),
        "log-linear": left[1] ** (1 - share) * right[1] ** share,
    }[kind]
    split = rate_of(sorted([*knots, (between.isoformat(), value)]), kind)
    np.testing.assert_allclose(
        split.grown(TIMES, start), rate_of(knots, kind).grown(TIMES, start), rtol=1e-9, atol=1e-9
    )


@pytest.mark.law
@given(schedules(), starts, st.floats(-3.0, 3.0))
def test_growth_adds_up_over_time_and_in_proportion(drawn: tuple[list[tuple[str, float]], str], start, factor):
    rate = rate_of(*drawn)
    half = rate.grown(np.array([1.0]), start) + rate.grown(TIMES, 1.0)
    np.testing.assert_allclose(half, rate.grown(TIMES, start), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        rate.scaled(np.float64(factor)).grown(TIMES, start), factor * rate.grown(TIMES, start), rtol=1e-12, atol=1e-12
    )


@pytest.mark.peer
@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_growth_is_the_integral_of_what_the_schedule_gives(kind: str):
    knots = [("2025-04-01", 0.4), ("2026-09-17", 1.5), ("2027-01-01", 0.2), ("2028-09-01", 0.2), ("2029-04-01", 0.9)]
    schedule = Schedule.parse({"knots": [list(knot) for knot in knots], "interpolation": kind}, "1/year")
    grown = rate_of(knots, kind).grown(TIMES, -1.0)
    for time, growth in zip(TIMES, grown, strict=True):
        breaks = [year for year in schedule.years if 2025.0 < year < 2026.0 + time]
        ends = [2025.0, *breaks, 2026.0 + time]
        wanted = sum(
            quad(lambda year: float(schedule.at(np.array([year]))[0]), a + 1e-8, b - 1e-8, epsabs=1e-11)[0]
            for a, b in itertools.pairwise(ends)
        )
        assert growth == pytest.approx(
            wanted, abs=3e-7
        )  # 1e-8 is left out on both sides of each knot, where a step function jumps


@pytest.mark.closed_form
def test_a_step_of_the_rate_is_the_product_of_two_powers_and_holds_before_and_after():
    rate = rate_of([("2026-07-01", 0.9), ("2028-01-01", 0.4)], "step")
    # 0.9 a year until 2028, also before its first knot; 0.4 after
    assert math.exp(rate.grown(np.array([3.5]))[0]) == pytest.approx(
        math.exp(0.9) ** 2 * math.exp(0.4) ** 1.5, rel=1e-12
    )
    assert math.exp(rate.grown(np.array([0.25]))[0]) == pytest.approx(math.exp(0.9) ** 0.25, rel=1e-12)
    assert math.exp(rate.grown(np.array([9.0]), 2.0)[0]) == pytest.approx(math.exp(0.4) ** 7, rel=1e-12)
    assert rate.grown(np.array([-1.0]), -3.0)[0] == pytest.approx(0.9 * 2.0, rel=1e-12)


@pytest.mark.closed_form
def test_lines_and_log_lines_between_knots_and_one_knot():
    ends = [("2026-01-01", 0.2), ("2028-01-01", 0.8)]
    assert rate_of(ends, "linear").grown(np.array([2.0, 3.0])) == pytest.approx([1.0, 1.8], rel=1e-12)
    log = rate_of(ends, "log-linear").grown(np.array([1.0, 2.0]))
    assert log == pytest.approx([(0.4 - 0.2) / math.log(2.0), 2 * 0.6 / math.log(4.0)], rel=1e-12)
    assert rate_of(ends[:1], "linear").grown(TIMES) == pytest.approx(0.2 * TIMES, rel=1e-12)


@pytest.mark.closed_form
def test_knots_that_are_distributions_grow_by_draw():
    spread = {"dist": "uniform", "low": 0.0, "high": 1.0}
    ranks = np.array([[0.1, 0.5, 0.9]] * 2)
    rate = rate_of([("2026-01-01", 0.5), ("2027-01-01", spread)], "step", ranks)
    assert (rate.shape, rate.ndim) == ((3,), 1)
    np.testing.assert_allclose(rate.grown(np.array([2.0]))[0], 0.5 + np.array([0.1, 0.5, 0.9]), rtol=1e-12)
    assert rate.first_draw().grown(np.array([2.0]))[0] == pytest.approx(0.6, rel=1e-12)
    assert np.asarray(rate).tolist() == [[0.5] * 3, [0.1, 0.5, 0.9]]
    alone = rate_of([("2026-01-01", 0.5), ("2027-01-01", 0.1)], "step").scaled(np.array([1.0, 2.0]))
    np.testing.assert_allclose(alone.grown(np.array([2.0]))[0], [0.6, 1.2], rtol=1e-12)


@needs_sandbox
@pytest.mark.closed_form
@pytest.mark.parametrize("step", ["half-month", "month", "quarter"])
def test_a_formula_grows_by_the_middle_of_each_step_on_every_grid(step: str):
    count = {"half-month": 96, "month": 48, "quarter": 16}[step]
    grid = TimeGrid(dt.date(2026, 1, 1), count, step)
    jump = VaryingRate.of(Formula.parse({"formula": "0.9 if year < 2027 else 0.4"}, "1/year"), grid)
    exact = 0.9 * np.minimum(grid.mid - 2026.0, 1.0) + 0.4 * np.maximum(grid.mid - 2027.0, 0.0)
    np.testing.assert_allclose(jump.grown(grid.mid - 2026.0), exact, rtol=1e-12)
    smooth = VaryingRate.of(Formula.parse({"formula": "0.9 * exp(-0.5 * (year - 2026))"}, "1/year"), grid)
    error = np.abs(smooth.grown(grid.mid - 2026.0) - 1.8 * -np.expm1(-0.5 * (grid.mid - 2026.0)))
    h, slope, bend = grid.length, 0.9 * 0.5, 0.9 * 0.25
    assert np.all(error <= (grid.mid - 2026.0) * h**2 / 24 * bend + h**2 / 8 * slope + 1e-12)
    assert error.max() > 0.2 * h**2 / 8 * slope  # the stated bound is close to the actual error
