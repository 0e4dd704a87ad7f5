"""Written parameters, input objects and scenarios: parsing, refusals and round trips."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.design import Design
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import (
    CostModelError,
    DomainError,
    ScenarioError,
    UnitError,
    UnknownParameterError,
)
from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule, TimeGrid, year_fraction


class Chip(Inputs):
    price: Parameter = parameter("USD", ge=0, description="Price of one.")
    power: Parameter = parameter("W", gt=0, default=700.0, trajectory=True, description="Power of one.")
    limit: Parameter = parameter("1", gt=0, optional=True, description="Most that can be bought.")


class Plan(Scenario):
    model: str = "plan"
    start: Date
    chips: dict[str, Chip]
    share: Parameter = parameter("1", ge=0, le=1, default=0.5, description="Share.")

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(self.start, 4, "quarter")


def plan(**chip: Any) -> Plan:
    return Plan(name="p", start="2026-01", chips={"h100": {"price": 30000, **chip}})


@pytest.mark.contract
@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (True, DomainError),
        ("30000", UnitError),
        (math.nan, DomainError),
        (math.inf, DomainError),
        (-1.0, DomainError),
        ("3 W", UnitError),
        ("3 GPU", UnitError),
        ("1" * 70 + " USD", UnitError),
        ([1.0], DomainError),
        (None, ScenarioError),
        ({"dist": "lognormal", "p5": 2.0, "p95": 1.0}, DomainError),
        ({"dist": "lognormall", "p5": 1.0, "p95": 2.0}, ScenarioError),
        ({"dist": "normal", "p5": 1.0, "p95": 2.0}, DomainError),
        ({"dist": "uniform", "low": 2.0, "high": 1.0}, DomainError),
        ({"dist": "uniform", "low": 1.0, "high": True}, DomainError),
        ({"dist": "triangular", "low": 1.0, "mode": 5.0, "high": 2.0}, DomainError),
        ({"dist": "discrete", "values": [1.0, 2.0], "probabilities": [0.5, 0.6]}, DomainError),
        ({"value": 1.0, "grade": "sure"}, ScenarioError),
        ({"value": 1.0, "grade": "reported"}, ScenarioError),
        ({"value": 1.0, "sauce": "x"}, ScenarioError),
        ({"value": 1.0, "source": "nowhere"}, ScenarioError),
        ({"knots": [["2026-01-01", 1.0]]}, ScenarioError),
    ],
)
def test_bad_values_are_refused_with_their_path(bad: Any, error: type[CostModelError]) -> None:
    with pytest.raises(error, match=r"chips\.h100\.price"):
        plan(price=bad)


@pytest.mark.contract
def test_unknown_keys_and_paths_name_near_matches() -> None:
    with pytest.raises(UnknownParameterError, match="did you mean 'price'"):
        plan(prize=1.0)
    with pytest.raises(UnknownParameterError, match="did you mean 'price'"):
        plan().replace({"chips.h100.prize": 1.0})
    with pytest.raises(UnknownParameterError, match="no such"):
        plan().get("chips.h200.price")
    with pytest.raises(ScenarioError, match="start"):
        Plan(name="p", start="soon", chips={})
    with pytest.raises(ScenarioError, match="start: is missing"):
        Plan(name="p", chips={})


@pytest.mark.contract
def test_inputs_are_frozen() -> None:
    chip = plan().chips["h100"]
    with pytest.raises(ValueError, match="frozen"):
        chip.price = 1.0


@pytest.mark.closed_form
def test_units_convert_and_absent_limits_stay_absent() -> None:
    chip = plan(price="30 kUSD", power="0.7 kW").chips["h100"]
    assert (chip.price, chip.power, chip.limit) == (30 * 1000.0, 0.7 * 1000.0, None)


@pytest.mark.closed_form
def test_resolution_shapes_and_medians() -> None:
    scenario = plan(
        price={"dist": "lognormal", "p5": 20000.0, "p95": 45000.0},
        power={"knots": [["2026-01-01", 600.0], ["2027-01-01", {"dist": "uniform", "low": 700.0, "high": 900.0}]]},
    )
    assert scenario.uncertain_paths() == ("chips.h100.price", "chips.h100.power")
    median = scenario.resolve().chips["h100"]
    assert math.isclose(median.price, math.sqrt(20000.0 * 45000.0), rel_tol=1e-12)
    assert median.power.shape == (4,)
    assert math.isclose(median.power[0], 600.0 + (800.0 - 600.0) / 8)
    drawn = scenario.resolve(Design.random(scenario, 7, rng=0)).chips["h100"]
    assert drawn.price.shape == (7,)
    assert drawn.power.shape == (4, 7)
    assert drawn.limit is None


class Yard(Inputs):
    rent: Parameter = parameter("USD/hour", ge=0, trajectory=True, description="Rent.")
    racks: Parameter = parameter("1", gt=0, description="Racks.")
    sheds: Parameter = parameter("1", gt=0, description="Sheds.")


class Town(Scenario):
    yard: Yard
    fee: Parameter = parameter("USD", description="Fee.")

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(dt.date(2026, 1, 1), 4, "quarter")


SPREAD = {"dist": "lognormal", "p5": 2.0, "p95": 8.0}


def town(rent: Any, racks: Any) -> Town:
    yard = {"rent": rent, "racks": racks, "sheds": racks}
    moves = {"yard.racks": 1.0, "yard.sheds": 1.0}
    size = {"size": {"description": "Both.", "moves": moves}}
    return Town(name="town", model="demo", yard=yard, fee=SPREAD, switches=size)


@pytest.mark.closed_form
@pytest.mark.parametrize("draws", [None, 7])
def test_a_part_resolves_as_in_the_whole_and_the_draws_of_both_are_known(draws: int | None) -> None:
    scenario = town({"knots": [["2026-01-01", 1.0], ["2027-01-01", SPREAD]]}, {**SPREAD, "high": 9.0})
    design = None if draws is None else Design.random(scenario, draws, 3)
    whole, part = scenario.resolve(design), scenario.resolve_part("yard", design)
    for name in ("rent", "racks", "sheds"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole.yard, name))
    assert np.shape(part.rent) == (4, *(() if draws is None else (draws,)))
    np.testing.assert_array_equal(part.racks, part.sheds)
    assert whole.drawn() == part.drawn() == draws
    assert town(1.0, 2.0).resolve_part("yard", design).drawn() is None


@pytest.mark.closed_form
def test_what_is_kept_of_medians_depends_on_all_that_is_written_and_cannot_be_written() -> None:
    grid, later = TimeGrid(dt.date(2026, 1, 1), 4, "quarter"), TimeGrid(dt.date(2026, 7, 1), 4, "quarter")
    knots = (
        (dt.date(2026, 1, 1), 1.0),
        (dt.date(2027, 1, 1), Distribution.parse({"dist": "uniform", "low": 1, "high": 5}, "1")),
    )
    rising = Schedule(knots)
    assert rising.on(grid).tolist() == [1.25, 1.75, 2.25, 2.75]
    assert rising.on(later).tolist() == [2.25, 2.75, 3.0, 3.0]
    assert Schedule(knots, "step").on(grid).tolist() == [1.0] * 4
    with pytest.raises(ValueError, match="read-only"):
        rising.on(grid)[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        grid.mid[0] = 9.0


@pytest.mark.contract
def test_replacing_drops_the_old_provenance_and_checks_again() -> None:
    scenario = Plan(
        name="p",
        start="2026-01",
        chips={"h100": {"price": {"value": 30000.0, "source": "sheet", "grade": "published"}}},
        sources={"sheet": {"title": "A price sheet", "date": "2026-02"}},
    )
    assert scenario.sources()[0].source is not None
    changed = scenario.replace({"chips.h100.price": 20000.0})
    assert changed.chips["h100"].price == 20000.0
    assert changed.sources()[0].grade.value == "assumed"
    with pytest.raises(DomainError, match=r"chips\.h100\.price"):
        scenario.replace({"chips.h100.price": -1})
    assert {line.grade.value for line in changed.sources()} == {"assumed"}


@pytest.mark.contract
def test_a_distribution_outside_the_bounds_asks_for_truncation() -> None:
    with pytest.raises(DomainError, match="truncate it"):
        plan().replace({"share": {"dist": "normal", "p5": 0.1, "p95": 0.9}})
    kept = plan().replace({"share": {"dist": "normal", "p5": 0.1, "p95": 0.9, "low": 0.0, "high": 1.0}})
    drawn = kept.resolve(Design.random(kept, 2000, rng=1)).share
    assert drawn.min() >= 0 and drawn.max() <= 1


DISTRIBUTIONS = st.one_of(
    st.builds(
        lambda low, width: {"dist": "uniform", "low": low, "high": low + width}, st.floats(0, 10), st.floats(0.1, 5)
    ),
    st.builds(
        lambda low, ratio: {"dist": "lognormal", "p5": low, "p95": low * ratio}, st.floats(0.1, 10), st.floats(1.1, 9)
    ),
    st.builds(
        lambda low, a, b: {"dist": "pert", "low": low, "mode": low + a, "high": low + a + b},
        st.floats(0, 10),
        st.floats(0.1, 5),
        st.floats(0.1, 5),
    ),
    st.builds(
        lambda low, a, b: {"dist": "triangular", "low": low, "mode": low + a, "high": low + a + b},
        st.floats(0, 10),
        st.floats(0.1, 5),
        st.floats(0.1, 5),
    ),
    st.builds(lambda a, b: {"dist": "beta", "a": a, "b": b}, st.floats(0.5, 5), st.floats(0.5, 5)),
    st.builds(lambda v: {"dist": "empirical", "values": v}, st.lists(st.floats(0, 9), min_size=2, max_size=5)),
    st.builds(lambda v: {"dist": "discrete", "values": v}, st.lists(st.floats(0, 9), min_size=1, max_size=5)),
)


@pytest.mark.law
@given(written=DISTRIBUTIONS)
def test_round_trips_are_exact(written: dict[str, Any]) -> None:
    scenario = plan(
        price={"value": written, "grade": "assumed", "note": "why"},
        power={"knots": [["2026-01-01", 1.0 / 3.0], ["2026-07-01", 2.5]], "interpolation": "log-linear"},
        limit=1e23 / 7,
    )
    again = Plan.from_toml(scenario.to_toml())
    assert again == scenario
    assert again.to_toml() == scenario.to_toml()
    assert Plan(**json.loads(json.dumps(scenario.written()))) == scenario


@pytest.mark.law
@given(written=DISTRIBUTIONS, ranks=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=6))
def test_quantiles_rise_and_stay_in_the_support(written: dict[str, Any], ranks: list[float]) -> None:
    distribution = Distribution.parse(written, "USD")
    low, high = distribution.support()
    values = distribution.ppf(np.sort(ranks))
    assert np.all(np.diff(values) >= -1e-9)
    assert values.min() >= low - 1e-9 and values.max() <= high + 1e-9


@pytest.mark.closed_form
def test_quantile_forms_hit_their_quantiles() -> None:
    lognormal = Distribution.parse({"dist": "lognormal", "p10": 2.0, "p90": 8.0}, "1")
    assert np.allclose(lognormal.ppf([0.1, 0.5, 0.9]), [2.0, 4.0, 8.0], rtol=1e-12)
    normal = Distribution.parse({"dist": "normal", "mean": 1.0, "sd": 2.0}, "1")
    assert math.isclose(normal.ppf(0.975), 1.0 + 2.0 * 1.959963984540054, rel_tol=1e-12)
    assert Distribution.parse({"dist": "triangular", "low": 0.0, "mode": 1.0, "high": 2.0}, "1").median() == 1.0
    discrete = Distribution.parse({"dist": "discrete", "values": [3.0, 1.0], "probabilities": [0.25, 0.75]}, "1")
    assert discrete.ppf([0.0, 0.74, 0.76]).tolist() == [1.0, 1.0, 3.0]


@pytest.mark.closed_form
def test_schedules_step_and_hold() -> None:
    schedule = Schedule.parse({"knots": [[dt.date(2026, 1, 1), 1.0], ["2026-07", 3.0]], "interpolation": "step"}, "1")
    assert schedule.at(np.array([2025.0, 2026.2, 2026.5, 2030.0])).tolist() == [1.0, 1.0, 3.0, 3.0]
    assert year_fraction(dt.date(2026, 4, 16)) == 2026 + (3 + 15 / 30) / 12
    with pytest.raises(ScenarioError, match="must rise"):
        Schedule.parse({"knots": [["2026-07", 1.0], ["2026-01", 1.0]]}, "1")
    with pytest.raises(DomainError, match="log-linear"):
        Schedule.parse({"knots": [["2026-01", 0.0], ["2026-07", 1.0]], "interpolation": "log-linear"}, "1")


@pytest.mark.closed_form
def test_grid_years_are_whole_calendar_years() -> None:
    grid = TimeGrid(dt.date(2025, 7, 1), 8, "quarter")
    assert grid.years == (2026,)
    assert grid.year_steps(2026) == slice(2, 6)
    assert len(grid.bounds) == 9
    with pytest.raises(DomainError, match="2027"):
        grid.year_steps(2027)
