"""Scenarios as text, their values as numbers and draws, and a user's arguments at the ends of their ranges."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from costmodel.foundation.design import Design
from costmodel.foundation.distributions import Distribution, strict_number
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.ranges import Guard
from costmodel.foundation.scenario import Scenario, _describe, model_entry, register_model
from costmodel.foundation.schedules import Schedule, TimeGrid
from costmodel.foundation.spellings import REFUSED
from costmodel.foundation.tables import Table
from costmodel.foundation.values import read_parameter


def used(share: Any, power: Any, part: Any, whole: Any, method: str = "a") -> Any:
    """Work.

    Parameters
    ----------
    share
        Share in use, 0 to 1 [1].
    power
        Power drawn, above 0 [W].
    part
        A part, 0 to below ``whole`` [1].
    whole
        The whole, at most 100 [1].
    method
        How.

    Returns
    -------
    float
        Product, infinite where it overflows.
    """


GUARD = Guard(used)
GOOD: dict[str, Any] = {"share": 0.5, "power": 1.0, "part": 1.0, "whole": 2.0}


@pytest.mark.contract
@pytest.mark.parametrize(
    "change",
    [
        {"share": 0.0}, {"share": 1.0}, {"share": 1.0 + 5e-13}, {"share": np.array([0.0, 1.0])}, {"share": math.nan},
        {"share": []}, {"power": 1e-300}, {"power": math.inf}, {"power": np.array([1e-300])}, {"part": 0.0},
        {"part": np.array([0.0, 1.0]), "whole": np.array([0.5, 2.0])}, {"whole": 100.0}, {"share": None},
        {"share": np.array([math.nan, 1.0])}, {"share": 1}, {"method": 7},
    ],
)  # fmt: skip
def test_arguments_within_their_ranges_pass(change: dict[str, Any]) -> None:
    GUARD.check((), GOOD | change)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"share": -1e-13}, "share = -1e-13 is outside its range, 0 to 1 (Share in use, 0 to 1 [1])"),
        ({"share": 1.0 + 2e-12}, "share = 1 is outside its range, 0 to 1; did you mean 0.01?"),
        ({"share": 100.0}, "; did you mean 1?"),
        ({"share": 101.0}, "share = 101 is outside its range, 0 to 1 (Share"),
        ({"share": np.array([0.5, 1.5, 1.7])}, "share = 1.5 is outside its range, 0 to 1; did you mean 0.015?"),
        ({"power": 0.0}, "power = 0 is outside its range, above 0 (Power"),
        ({"power": np.array([0.0, 1.0])}, "power = 0 is outside"),
        ({"part": 2.0}, "part = 2 is outside its range, 0 to below whole = 2 (A part"),
        (
            {"part": np.array([0.0, 1.0]), "whole": np.array([1.0, 1.0])},
            "part = 1 is outside its range, 0 to below whole = 1",
        ),
        ({"part": np.array([0.0, 2.0])}, "part = 2 is outside"),
        ({"whole": 101.0}, "whole = 101 is outside its range, at most 100"),
        ({"share": "0.5"}, "share = '0.5': give a number or an array of numbers"),
        ({"share": {}}, "share = '{}': give a number"),
    ],
)
def test_arguments_beyond_their_ranges_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DomainError) as caught:
        GUARD.check((), GOOD | change)
    assert f"used: {said}" in str(caught.value) or said in str(caught.value)


@pytest.mark.contract
def test_a_result_may_be_infinite_only_where_it_is_said() -> None:
    finite = Guard(lambda share: share)
    assert (GUARD.infinite, finite.infinite) == (True, False)
    given = (0.5, 1.0, 1.0, 2.0)
    assert GUARD.finite(lambda *_: math.inf, given, {}) == math.inf
    with pytest.raises(
        DomainError, match=r"^used: has no finite value at share = 0\.5, power = 1, part = 1, whole = 2, since"
    ):
        GUARD.finite(lambda *_: math.nan, given, {})
    assert math.isnan(GUARD.finite(lambda *_: math.nan, (math.nan, 1.0, 1.0, 2.0), {}))
    for result, share in ((math.inf, 1.0), ((1.0, np.array([1.0, math.inf])), np.array([1.0, 1.0]))):
        with pytest.raises(DomainError, match="no finite value at share = 1,"):
            finite.finite(lambda _, result=result: result, (share,), {})
    assert finite.finite(lambda _: math.inf, (math.inf,), {}) == math.inf


class Part(Inputs):
    one: Parameter = parameter("1", ge=0, default=1.0, trajectory=True, description="One of two.")
    two: Parameter = parameter("USD/hour", gt=0, optional=True, description="The other.", plausible=(0.5, 2.0))


class Town(Scenario):
    model: str = "town"
    part: Part = Part()
    a: Parameter = parameter("USD", ge=0, le=10, default=1.0, description="First letter.")
    b: Parameter = parameter("USD", default=2.0, description="Second letter.")
    c: Parameter = parameter("USD", default=3.0, description="Third letter.")
    d: Parameter = parameter("USD", default=4.0, description="Fourth letter.")
    rate: Parameter = parameter("1/year", growth=True, default=0.1, description="Growth of all.")

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(dt.date(2026, 1, 1), 2, "year")


UNIFORM = {"dist": "uniform", "low": 0.0, "high": 4.0}


@pytest.mark.closed_form
def test_parameters_are_described_in_a_table() -> None:
    town = Town(
        name="t", a={"value": UNIFORM, "source": "s", "note": "n"}, sources={"s": {"title": "Book", "date": "2026"}}
    )
    every = town.describe()
    assert every.columns == ("path", "value", "unit", "bounds", "meaning", "grade", "source")
    assert [row[0] for row in every.rows] == ["part.one", "part.two", "a", "b", "c", "d", "rate"]
    assert every.rows[2] == (
        "a", "uniform(low=0, high=4)", "USD", "≥ 0 and ≤ 10", "First letter.", "unverified", "Book (2026)"
    )  # fmt: skip
    six = town.describe("letter")
    assert len(six.rows) == 4 and six.columns[-1] == "moves most, per 1 %"
    assert town.describe("First").notes == ("Book (2026)",)
    assert len(town.describe("part").rows) == 2
    assert len(town.describe("*").rows) == 7 and town.describe("*").columns[-1] == "source"
    assert [row[0] for row in town.describe("growth ALL").rows] == ["rate"]
    assert every.title == "t: town"
    with pytest.raises(UnknownParameterError, match=r"^parts: no parameter matches"):
        town.describe("parts")
    assert repr(town) == "Town 't' (town): no title; 7 parameters, 1 uncertain; .describe()"
    page = town._repr_html_()
    assert page.startswith("<div><strong>t</strong><p>town, 7 parameters, 1 uncertain; .describe() lists all</p>")
    assert "uniform(low=0, high=4)" in page
    assert "<table" not in Town(name="t")._repr_html_()


class Six(Scenario):
    model: str = "six"
    part: Part = Part()
    a: Parameter = parameter("USD", default=1.0, description="Letter.")
    b: Parameter = parameter("USD", default=1.0, description="Letter.")
    c: Parameter = parameter("USD", default=1.0, description="Letter.")
    d: Parameter = parameter("USD", default=1.0, description="Letter.")


@pytest.mark.contract
def test_up_to_six_parameters_are_moved() -> None:
    six = Six(name="s").describe()
    assert len(six.rows) == 6
    assert six.columns[-1] == "moves most, per 1 %"
    assert {row[-1] for row in six.rows} == {""}  # no such model is registered


@pytest.mark.closed_form
def test_values_become_numbers_draws_and_trajectories() -> None:
    knots = {"knots": [["2026-01", UNIFORM], ["2027-01", 8.0]], "interpolation": "step"}
    town = Town(name="t", a=UNIFORM, part={"one": knots}, rate={"knots": [["2026-01", 0.1], ["2027-01", 0.3]]})
    plain = town.resolve()
    assert (float(plain.a), float(plain.b), plain.part.two) == (2.0, 2.0, None)
    assert plain.part.one.tolist() == [2.0, 8.0]
    assert Town(name="t").resolve().part.one.tolist() == [1.0, 1.0]
    assert plain.rate.rates.tolist() == [0.1, 0.3]
    design = Design.from_ranks({"part.one": [0.25, 0.75, 1.0], "a": [0.0, 0.5, 1.0]})
    drawn = town.resolve(design)
    assert drawn.a.tolist() == [0.0, 2.0, 4.0]
    assert drawn.part.one.tolist() == [[1.0, 3.0, 4.0], [8.0, 8.0, 8.0]]
    assert (drawn.drawn(), plain.drawn()) == (3, None)
    with pytest.raises(ScenarioError, match="a: is a distribution but not in the design"):
        town.resolve(Design.from_ranks({"part.one": [0.5]}))
    each = Town(name="t", part={"one": {**knots, "rank": "independent"}})
    assert each.uncertain_paths() == ("part.one[0]",)
    found = each.resolve(Design.from_ranks({"part.one[0]": [0.25, 0.5]}))
    assert found.part.one.tolist() == [[1.0, 2.0], [8.0, 8.0]]
    drawn_part = town.resolve_part("part", design)
    assert drawn_part.one.tolist() == drawn.part.one.tolist()


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"value": 1.0, "source": 3}, "source must be a text; given 3"),
        ({"value": 1.0, "note": 3}, "note must be a text; given 3"),
        ({"value": 1.0, "grade": "reported"}, "grade 'reported' needs a source"),
        ({"value": 1.0, "why": "x"}, r"takes value, source, grade, note; given also \['why'\]"),
        ({"low": 1.0}, r"a table needs dist, knots, formula or value; given \['low'\]"),
        (None, "cannot be absent"),
        ({"knots": [["2026-01", 1.0]]}, "cannot be scheduled"),
        (True, "give a number in 'USD'; got True"),
        (10**400, "give a finite number in 'USD'; got 1" + "0" * 39),
        (0.4, "0.4 USD is out of all proportion"),
        (-2.1, "-2.1 USD is out of all proportion"),
        ({"dist": "uniform", "low": 0.5, "high": 2.1}, "2.1 USD is out of all proportion"),
    ],
)
def test_written_values_that_are_refused(given: Any, said: str) -> None:
    class One(Inputs):
        x: Parameter = parameter("USD", description="X.", plausible=(0.5, 2.0))

    with pytest.raises((ScenarioError, DomainError), match=said):
        read_parameter(given, One.specs()["x"])
    for taken in (0.5, 2.0, 0.0, -2.0, "9 USD", np.float64(1.0), {"value": 1.0, "grade": "unverified"}):
        read_parameter(taken, One.specs()["x"])
    assert read_parameter({"value": 1.0, "source": "s"}, One.specs()["x"])[1].grade == "unverified"  # type: ignore[union-attr]
    assert One(x="9 USD").written() == {"x": "9.0 USD"}
    assert One(x={"dist": "uniform", "low": 1.0, "high": "9 USD"}).written() == {
        "x": {"dist": "uniform", "low": 1.0, "high": "9.0 USD"}
    }


@pytest.mark.closed_form
def test_values_in_a_bibliography() -> None:
    assert _describe(1234567.0) == "1.23457e+06"
    assert _describe(Distribution.parse(UNIFORM, "1")) == "uniform(low=0.0, high=4.0)"
    rising = Schedule.parse({"knots": [["2026-01", 1.0], ["2027-01", 2.0], ["2028-01", UNIFORM]]}, "1")
    assert _describe(rising) == "3 knots, 1 (2026-01-01) … uniform(low=0.0, high=4.0) (2028-01-01)"


@pytest.mark.contract
def test_a_model_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.foundation.scenario.MODELS", {})
    for _ in range(2):
        register_model("town", Town, "math:sqrt")
    assert model_entry("town").load() is math.sqrt
    with pytest.raises(ScenarioError, match="'town' is already registered, by math:sqrt: choose another name"):
        register_model("town", Town, "math:exp")
    with pytest.raises(ScenarioError, match=r"^unknown model 'twon': registered are town; did you mean 'town'"):
        model_entry("twon")
    with pytest.raises(ScenarioError, match="annotate math:sqrt with the class of its results"):
        model_entry("town").result_type()


@pytest.mark.contract
def test_bounds_of_what_all_scenarios_share() -> None:
    for rank in (-1.0, 1.0):
        with pytest.raises(ScenarioError, match=r"correlations\.0\.rank"):
            Town(name="t", a=UNIFORM, b=UNIFORM, correlations=[{"a": "a", "b": "b", "rank": rank}])
    for year in (1900, 2200):
        assert Town(name="t", price_year=year).price_year == year
    for year in (1899, 2201, 2026.0, "2026"):
        with pytest.raises(ScenarioError, match="price_year"):
            Town(name="t", price_year=year)


@pytest.mark.closed_form
def test_a_table_with_units_of_rows_and_of_columns() -> None:
    table = Table(
        ("name", "unit", "now", "cost"), (("r", "W", 1500.0, 2e9), ("s", "1", 3e6, 5e8)), units=("", "", "", "USD")
    )
    assert table.shown().columns == ("name", "unit", "now", "cost [B USD]")
    assert table.shown().rows == (("r", "kW", "1.5", "2"), ("s", "million", "3", "0.5"))
    assert table.to_csv().splitlines()[0] == "name,unit,now,cost [USD]"
    blank = Table(("a", "b"), ((math.nan, None), (True, "x")))
    assert blank.to_csv().splitlines()[1:] == [",", "yes,x"]
    assert blank.shown().rows == (("–", ""), ("yes", "x"))
    spread = Table(("x", "y"), ((1.0, (1.0, 2.0)),), units=("USD", "W"), ranks=(0.25, 0.5)).flat()
    assert (spread.columns, spread.units, spread.rows) == (
        ("x", "y p25", "y p50"), ("USD", "W", "W"), ((1.0, 1.0, 2.0),)
    )  # fmt: skip
    frames = pytest.importorskip("pandas")
    frame = table.to_frame()
    assert isinstance(frame, frames.DataFrame)
    assert frame.attrs == {"title": "", "units": {"cost": "USD"}, "notes": []}


@pytest.mark.contract
def test_numbers_of_distributions_and_sums_of_probabilities() -> None:
    def discrete(rest: float) -> Distribution:
        return Distribution.parse({"dist": "discrete", "values": [1.0, 2.0], "probabilities": [0.5, rest]}, "1")

    assert discrete(0.5 + 9e-10).median() == 2.0
    for rest in (0.5 + 2e-9, 0.5 - 2e-9):
        with pytest.raises(DomainError, match=r"must be ≥ 0 and sum to 1, given \[0\.5,"):
            discrete(rest)
    assert strict_number(3, "1", "low") == 3.0
    for number, said in ((10**400, f"low = 1{'0' * 39}: give a finite number"), (True, "low = True: give a number or")):
        with pytest.raises(DomainError, match=f"^{said}"):
            strict_number(number, "1", "low")
    # of a normal above 7 sigma a share of 1.28e-12 is left, above 7.1 one of 6.2e-13
    assert Distribution.parse({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": 7.0}, "1").support() == (7.0, math.inf)
    with pytest.raises(DomainError, match="only 6e-13 of its probability is between low and high"):
        Distribution.parse({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": 7.1}, "1")


@pytest.mark.contract
def test_spellings_that_are_refused_say_what_to_write() -> None:
    bits = {"kb": "kbit or kB", "Kb": "Kbit or KB", "Gb": "Gbit or GB", "mb": "Mbit or MB", "tb": "Tbit or TB"}
    for spelling, words in bits.items():
        assert REFUSED[spelling] == f"may be bits or bytes: write {words}"
    assert [REFUSED[f"{letter}OPS"].split(",")[0] for letter in "GTPE"] == [
        f"write {letter}FLOP/s" for letter in "GTPE"
    ]
