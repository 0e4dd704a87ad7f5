"""Schedules read between their knots, and the dates of a time grid."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.schedules import STEPS_PER_YEAR, Schedule, TimeGrid, date_at, parse_date, year_fraction

KNOTS = [["2020-01", 1.0], ["2021-01", 4.0], ["2023-01", 16.0], ["2027-01", 2.0]]
TIMES = np.array([2019.0, 2020.0, 2020.5, 2021.0, 2022.0, 2023.0, 2024.0, 2027.0, 2030.0])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("step", [1, 1, 1, 4, 4, 16, 16, 2, 2]),
        ("linear", [1, 1, 2.5, 4, 10, 16, 16 - 14 / 4, 2, 2]),
        ("log-linear", [1, 1, 2, 4, 8, 16, 16 * (2 / 16) ** (1 / 4), 2, 2]),
    ],
)
def test_every_segment_is_read_by_its_own_knots(kind: str, expected: list[float]) -> None:
    schedule = Schedule.parse({"knots": KNOTS, "interpolation": kind}, "1")
    assert schedule.at(TIMES) == pytest.approx(expected, rel=1e-12)
    assert schedule.support() == (1.0, 16.0)


@pytest.mark.closed_form
def test_one_knot_holds_for_ever_and_linear_is_the_default() -> None:
    assert Schedule.parse({"knots": [["2020-01", 3.0]]}, "1").at(TIMES).tolist() == [3.0] * len(TIMES)
    assert Schedule.parse({"knots": KNOTS}, "1").at(np.array([2020.25])).tolist() == [1.75]


@pytest.mark.closed_form
def test_knots_share_a_rank_or_have_one_each() -> None:
    wide, narrow = ({"dist": "uniform", "low": 0.0, "high": high} for high in (10.0, 1.0))
    schedule = Schedule.parse({"knots": [["2020-01", wide], ["2021-01", 5.0], ["2022-01", narrow]]}, "1")
    assert schedule.distributed == (0, 2)
    ranks = np.array([[0.1, 0.9], [0.5, 0.5], [0.2, 0.4]])
    drawn = schedule.at(np.array([2020.0, 2020.5, 2022.0]), ranks)
    np.testing.assert_allclose(drawn, [[1.0, 9.0], [3.0, 7.0], [0.2, 0.4]], rtol=1e-12)
    assert schedule.at(np.array([2020.0, 2022.0])).tolist() == [5.0, 0.5]
    assert "rank" not in schedule.written()
    each = Schedule.parse({"knots": [["2020-01", wide]], "rank": "independent"}, "1")
    assert each.written() == {"knots": [["2020-01-01", wide]], "interpolation": "linear", "rank": "independent"}


@pytest.mark.closed_form
@pytest.mark.parametrize(("step", "per_year"), [("half-month", 24), ("month", 12), ("quarter", 4), ("year", 1)])
def test_a_grid_has_whole_years_of_its_steps(step: str, per_year: int) -> None:
    grid = TimeGrid(dt.date(2025, 1, 1), 2 * per_year, step)
    assert STEPS_PER_YEAR[step] == per_year
    assert grid.length == 1.0 / per_year
    assert grid.bounds[[0, -1]].tolist() == [2025.0, 2027.0]
    assert grid.mid == pytest.approx(2025.0 + (np.arange(2 * per_year) + 0.5) / per_year, rel=1e-15)
    assert grid.years == (2025, 2026)
    assert grid.year_steps(2026) == slice(per_year, 2 * per_year)
    assert TimeGrid(dt.date(2025, 1, 1), 2 * per_year - 1, step).years == (2025,)


@pytest.mark.closed_form
def test_half_months_turn_on_the_first_and_the_middle() -> None:
    dates = TimeGrid(dt.date(2026, 1, 1), 4, "half-month").dates
    assert dates[0] == dt.date(2026, 1, 1)
    assert dates[2] == dt.date(2026, 2, 1)
    assert dates[4] == dt.date(2026, 3, 1)
    assert dates[1] in (dt.date(2026, 1, 16), dt.date(2026, 1, 17))
    assert TimeGrid(dt.date(2025, 12, 1), 2, "month").dates[-1] == dt.date(2026, 2, 1)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    "day", [dt.date(2024, 2, 29), dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2027, 7, 15)]
)
def test_a_day_and_its_decimal_year_are_one(day: dt.date) -> None:
    assert date_at(year_fraction(day)) == day
    assert math.floor(year_fraction(day)) == day.year


@pytest.mark.contract
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"knots": []}, "needs knots"),
        ({}, "needs knots"),
        ({"knots": [["2020-01"]]}, "a knot is"),
        ({"knots": [["2020-01", 1.0, 2.0]]}, "a knot is"),
        ({"knots": [3]}, "a knot is"),
        ({"knots": [["2020-01", 1.0], ["2020-01", 2.0]]}, "must rise"),
        ({"knots": [["2020-13", 1.0]]}, "is not a date"),
        ({"knots": [["2020-01", 1.0]], "interpolation": "linaer"}, "did you mean 'linear'"),
        ({"knots": [["2020-01", 1.0]], "rank": "own"}, "shared, independent"),
        ({"knots": [["2020-01", 1.0]], "unit": "W"}, "also"),
    ],
)
def test_what_is_no_schedule_is_refused(written: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        Schedule.parse(written, "1")


@pytest.mark.contract
def test_dates_are_read_in_three_forms() -> None:
    day = dt.date(2026, 7, 1)
    assert [parse_date(form) for form in ("2026-07-01", "2026-07", day, dt.datetime(2026, 7, 1, 12))] == [day] * 4
    for form in ("2026", 2026, None, "July 2026"):
        with pytest.raises(ScenarioError, match="is not a date"):
            parse_date(form)


@pytest.mark.closed_form
def test_a_month_begins_on_its_first_day_from_the_first_year_of_the_calendar() -> None:
    assert date_at(1.0) == dt.date(1, 1, 1)
    assert date_at(2026 + 7 / 12) == dt.date(2026, 8, 1)
    assert date_at(2026 + 6.5 / 12) == dt.date(2026, 7, 17)  # half of 31 days, 15.5, to the even 16
