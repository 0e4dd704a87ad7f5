"""Roots, break-even, frontier and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_firm import firm, written

from costmodel.analysis.breakeven import break_even, break_even_distribution, break_even_frontier
from costmodel.analysis.roots import refine, scan_grid, scan_roots
from costmodel.analysis.search_ranges import range_of
from costmodel.foundation import engines
from costmodel.foundation.errors import (
    ConvergenceError,
    DomainError,
    NonFiniteResultError,
    UnknownParameterError,
)


def plain(function):
    """Return a model of one argument whose result has one field."""
    return lambda x: {"y": function(x)}


@pytest.mark.closed_form
def test_all_roots_in_range():
    found = break_even({"x": 1.0}, "x", "y = 0", low=1.0, high=20.0, model=plain(lambda x: np.sin(x)))
    assert found.roots == pytest.approx([k * np.pi for k in range(1, 7)], abs=1e-10)
    assert (found.low_value, found.high_value) == pytest.approx((np.sin(1.0), np.sin(20.0)))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("engine", "installed", "used"),
    [("auto", True, "compiled"), ("auto", False, "numpy"), ("numpy", True, "numpy"), ("compiled", True, "compiled")],
)
def test_a_search_uses_one_engine_by_what_is_installed(engine, installed, used, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: object() if installed else None)
    seen = set()

    def model(x, z):
        seen.add(engines.present_engine())
        return {"y": x - z}

    ranges = {"x": 3.0, "z": (0.5, 1.5)}
    break_even(ranges, "x", "y = 0", low=0.0, high=2.0, model=model, engine=engine)
    break_even_frontier(ranges, "x", "z", "y = 0", values=[0.7], low=0.0, high=2.0, model=model, engine=engine)
    break_even_distribution(ranges, "x", "y = 0", draws=8, rng=0, low=0.0, high=2.0, model=model, engine=engine)
    assert seen == {used}


@pytest.mark.peer
def test_refinement_agrees_with_brentq():
    from scipy.optimize import brentq

    def function(x):
        return np.exp(x) - 3.0 * x * x

    ends = [(-1.0, 0.0), (0.5, 1.5), (3.0, 5.0)]
    low, high = (np.array(side) for side in zip(*ends, strict=True))
    roots, final = refine(lambda x, _: function(x), low, high, function(low), function(high), np.arange(3))
    assert roots == pytest.approx([brentq(function, *pair, xtol=1e-14) for pair in ends], abs=1e-11)
    assert np.abs(final).max() < 1e-9


@pytest.mark.law
@given(st.floats(-5.0, 5.0), st.floats(0.1, 20.0), st.sampled_from([1.0, 3.0, 0.2]))
def test_a_monotone_function_has_one_root_wherever_it_is(root, slope, power):
    def function(x, _):
        return slope * np.sign(x - root) * np.abs(x - root) ** power

    scan = scan_roots(function, scan_grid(-6.0, 6.1, 23))
    assert scan.of(0) == pytest.approx([root], abs=1e-6)


@pytest.mark.closed_form
def test_a_root_that_only_touches_and_a_pair_between_grid_points():
    touching = break_even(
        {"x": 1.0}, "x", "y = 0", low=0.0, high=1.0, points=9, model=plain(lambda x: (x - 0.317) ** 2)
    )
    assert touching.roots == pytest.approx([0.317], abs=1e-4)
    pair = break_even(
        {"x": 1.0}, "x", "y = 0", low=0.0, high=1.0, points=9, model=plain(lambda x: (x - 0.31) * (x - 0.32))
    )
    assert pair.roots == pytest.approx([0.31, 0.32], abs=1e-9)


@pytest.mark.contract
def test_a_jump_is_not_a_root():
    with pytest.raises(ConvergenceError, match=r"passed by a jump at 0.5"):
        break_even({"x": 0.2}, "x", "y = 0", low=0.0, high=1.0, model=plain(lambda x: np.where(x < 0.5, -1.0, 1.0)))


@pytest.mark.contract
def test_a_refusal_names_the_range_and_the_values_at_its_ends():
    with pytest.raises(
        ConvergenceError,
        match=r"no value of x between 0 and 2 meets 'y = 0': left minus right is 1 at the low end, 5 at the high end",
    ):
        break_even({"x": 1.0}, "x", "y = 0", low=0.0, high=2.0, model=plain(lambda x: x * x + 1.0))
    with pytest.raises(NonFiniteResultError, match="narrow the range"):
        break_even({"x": 1.0}, "x", "y = 0", low=-1.0, high=2.0, model=plain(lambda x: np.log(x)))


@pytest.mark.closed_form
def test_stretches_where_an_inequality_holds():
    found = break_even({"x": 1.0}, "x", "y >= 0", low=0.5, high=7.0, model=plain(lambda x: np.sin(x)))
    assert np.ravel(found.holds) == pytest.approx([0.5, np.pi, 2.0 * np.pi, 7.0])
    always = break_even({"x": 1.0}, "x", "y > -1", low=0.0, high=1.0, model=plain(lambda x: x))
    assert always.holds == ((0.0, 1.0),)
    assert always.roots == ()
    with pytest.raises(ConvergenceError, match="no value"):
        break_even({"x": 1.0}, "x", "y < -1", low=0.0, high=1.0, model=plain(lambda x: x))


@pytest.mark.closed_form
def test_break_even_of_a_scenario_and_of_a_schedule():
    """npv = 8 · v · (p − c) at elasticity ε: zero at c = p; the schedule is solved for as a multiple."""
    scenario = written(cost={"knots": [["2029-01-01", 0.5], ["2031-01-01", 0.5]]})
    found = break_even(scenario, "cost", "npv = 0", model=firm)
    assert found.range.multiple
    assert found.roots == pytest.approx([2.0 / 0.5])
    assert found.table().records() == [{"parameter": "cost", "value": found.roots[0]}]
    price = break_even(scenario, "price", "npv = 0", low=0.1, high=3.0, model=firm)
    assert price.roots == pytest.approx([0.5])


@pytest.mark.closed_form
def test_a_frontier_of_two_parameters():
    scenario = written(cost=0.5, share=1.0)
    line = break_even_frontier(
        scenario, "share", "price", "npv = 0", values=[0.4, 1.0, 2.0], low=0.0, high=1.0, model=firm
    )
    assert line.roots == ((), pytest.approx((0.5,)), pytest.approx((0.25,)))
    assert line.table().records()[0] == {"price": 0.4, "share": None}
    assert line.ends[1, 0] < 0.0
    with pytest.raises(ConvergenceError, match="for any of 9 values of price"):
        break_even_frontier(scenario, "share", "price", "npv = 1 TUSD", low=0.0, high=1.0, model=firm)
    with pytest.raises(DomainError, match="is a schedule"):
        knots = {"knots": [["2029-01-01", 0.5], ["2031-01-01", 0.1]]}
        break_even_frontier(written(cost=knots), "share", "cost", "npv = 0", model=firm)


@pytest.mark.closed_form
def test_the_distribution_of_a_break_even():
    """Cost breaks even at the price, uniform between 1 and 3; for prices above 2.5 no cost in the range does."""
    found = break_even_distribution(written(), "cost", "npv = 0", draws=2000, rng=0, low=0.1, high=2.5, model=firm)
    assert found.share == pytest.approx(0.75, abs=0.03)
    assert found.none_above == 2000 - found.values.size  # still profitable at the highest cost
    assert found.none_below == found.several == 0
    assert found.quantiles([0.5]) == pytest.approx([1.75], abs=0.05)
    with pytest.raises(ConvergenceError, match="in any of 50 draws"):
        break_even_distribution(written(), "cost", "npv = 1 TUSD", draws=50, rng=0, low=0.1, high=2.5, model=firm)


@pytest.mark.contract
def test_ranges_follow_what_is_written_and_allowed():
    scenario = written()
    assert (range_of(scenario, "price").low, range_of(scenario, "price").high) == (1.0, 3.0)
    assert (range_of(scenario, "share").low, range_of(scenario, "share").high) == (0.1, 1.0)
    volume = range_of(scenario, "demand.volume")
    assert volume.low == pytest.approx(100.0 * (50.0 / 100.0) ** (3.0902 / 1.6449), rel=1e-3)
    assert range_of(scenario, "demand.elasticity").high == pytest.approx(-0.12)
    with pytest.raises(UnknownParameterError, match="did you mean 'price'"):
        range_of(scenario, "prise")
    with pytest.raises(DomainError, match="exceeds the allowed"):
        range_of(scenario, "share", 0.0, 2.0)
    with pytest.raises(DomainError, match="does not rise"):
        range_of(scenario, "share", 1.0, 0.5)
    with pytest.raises(DomainError, match="above 0"):
        scan_grid(-1.0, 1.0, 5, log=True)
    with pytest.raises(DomainError, match="finite rising ends"):
        scan_grid(0.0, np.inf, 5)


@pytest.mark.closed_form
def test_a_range_that_nobody_gave_is_widened_until_it_holds_a_root():
    """Cost of use is price over utilisation; the price that meets the target is outside its written range."""
    model = lambda price: {"cost": price / 0.8}  # noqa: E731
    found = break_even({"price": (1.17, 1.30)}, "price", "cost = 2", model=model)
    assert found.roots == pytest.approx((2.0 * 0.8,), rel=1e-9)
    assert (found.range.low, found.range.high) == pytest.approx((0.117, 13.0))
    far = break_even({"price": (1.0, 2.0)}, "price", "cost = 1000", model=model)
    assert far.roots == pytest.approx((800.0,), rel=1e-9)
    with pytest.raises(ConvergenceError, match=r"between 0.001 and 2000.*give low and high"):
        break_even({"price": (1.0, 2.0)}, "price", "cost = 1e9", model=model)
    with pytest.raises(ConvergenceError, match="between 1 and 2 "):
        break_even({"price": (1.0, 2.0)}, "price", "cost = 1000", low=1.0, high=2.0, model=model)


@pytest.mark.closed_form
def test_own_hardware_against_a_price_by_the_hour_and_by_use():
    """Cost per token is hour over use: both answers follow from the cost at medians."""
    from costmodel import load_scenario, run

    scenario = load_scenario("token-on-h100")
    now = run(scenario)
    cost, use = float(now.blended_cost) * 1e6, float(now.utilisation)
    hour = break_even(scenario, "hour_price", "blended_cost = 0.2 USD/Mtoken")
    assert hour.roots == pytest.approx(((1.17 + 1.30) / 2 * 0.2 / cost,), rel=1e-9)
    for name in ("load.utilisation", "utilisation"):
        found = break_even(scenario, name, "blended_cost = 0.2 USD/Mtoken")
        assert found.roots == pytest.approx((use * cost / 0.2,), rel=1e-6)
        assert found.range.path == "load.utilisation"
    assert float(run(scenario.replace({"load.utilisation": found.roots[0]})).blended_cost) == pytest.approx(0.2e-6)


@pytest.mark.contract
def test_a_bare_name_of_several_paths_is_answered_with_them():
    from costmodel import load_scenario

    with pytest.raises(UnknownParameterError, match=r"did you mean '[a-z.]+\.price' or '[a-z.]+\.price'"):
        range_of(load_scenario("bond-flywheel"), "price")


@pytest.mark.contract
def test_an_end_of_a_range_is_a_number_or_a_quantity():
    from costmodel import load_scenario
    from costmodel.foundation.errors import UnitError

    span = range_of(load_scenario("token-on-h100"), "hour_price", "$1/hr", "48 USD/day")
    assert (span.low, span.high) == (1.0, pytest.approx(48 / 24))
    with pytest.raises(UnitError, match="wrong dimension"):
        range_of(load_scenario("token-on-h100"), "hour_price", "1 GB")
    with pytest.raises(DomainError, match="does not rise"):
        range_of(load_scenario("token-on-h100"), "hour_price", "nan")
