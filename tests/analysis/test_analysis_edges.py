"""Studies where a rule begins, ends or changes: small samples by hand, and both sides of each limit."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from ensemble_toy import toy, toy_model
from scipy.stats import t as student
from tests.default_numbers import default_fields
from toy_firm import firm, written

from costmodel.analysis import store, weights
from costmodel.analysis.assimilation import _moved, consistent_draws
from costmodel.analysis.backtesting import _logs, _score, _why_not, plan_for
from costmodel.analysis.breakeven import break_even, break_even_distribution, break_even_frontier
from costmodel.analysis.by_elasticity import AtElasticity, ElasticityRange, _last, _middle
from costmodel.analysis.calibration import Multiple, Observed, _Search, _starting_points, fit
from costmodel.analysis.comparison import Waterfall, _steps, compare, waterfall
from costmodel.analysis.ensemble import BlockOutputs, run_ensemble
from costmodel.analysis.evidence import EvidenceShares, unmeasured_share_text
from costmodel.analysis.finite_draws import constant_outputs, finite_draws
from costmodel.analysis.given_data import FirstOrderIndices, RankCorrelations, given_data_indices, rank_correlations
from costmodel.analysis.identification import identify
from costmodel.analysis.known_at_a_date import Plan, _cut, _dates, as_known
from costmodel.analysis.morris import morris_effects, morris_sample
from costmodel.analysis.one_at_a_time import Tornado, elasticities, tornado
from costmodel.analysis.pick_freeze import base_sample, mixed_samples
from costmodel.analysis.problem import as_problem
from costmodel.analysis.roots import scan_grid, scan_roots
from costmodel.analysis.scores import coverage, crps, fit_weights, pit, quantiles
from costmodel.analysis.search_ranges import range_of, resolve_path, widened
from costmodel.analysis.shapley import shapley_sampled, shapley_values
from costmodel.analysis.sobol import SobolIndices, pooled, sobol_indices
from costmodel.analysis.studies import sensitivity
from costmodel.analysis.targets import Selector, Target
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import (
    ConvergenceError,
    DomainError,
    NonFiniteResultError,
    ScenarioError,
    UnknownParameterError,
)
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import OutputSpec
from costmodel.foundation.scenario import Scenario

EPS = float(np.finfo(np.float64).eps)


# Scores, weights, quantiles


@pytest.mark.closed_form
def test_scores_with_weights_and_at_the_ends() -> None:
    assert float(crps([0.0, 1.0], 2.0, weights=[1.0, 3.0])) == pytest.approx(0.25 * 2 + 0.75 * 1 - 0.25 * 0.75)
    assert float(pit([1.0, 2.0, 2.0, 5.0], 2.0, weights=[1.0, 1.0, 0.0, 2.0])) == pytest.approx((1 + 0.5) / 4)
    assert quantiles([[3.0, 1.0], [7.0, 9.0]], [0.2, 0.9], weights=[3.0, 1.0]).tolist() == [[1.0, 7.0], [3.0, 9.0]]
    share, effective = fit_weights([2.0 * np.log(2.0), 0.0])
    assert share == pytest.approx([1 / 3, 2 / 3]) and effective == pytest.approx(1.8)
    all_in = coverage([[0.0, 1.0]], [0.5])
    assert (all_in.inside, all_in.high, all_in.share) == (1, 1.0, 1.0) and all_in.low == pytest.approx(0.025)
    at_ends = coverage([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [0.0, 1.0, 1.5])
    assert (at_ends.inside, at_ends.n) == (2, 3)
    for wrong in ([0.0, 0.0], [1.0, np.inf], [1.0], [1.0, -1e-9]):
        with pytest.raises(DomainError, match="weights must be 2 finite numbers"):
            crps([1.0, 2.0], 1.0, weights=wrong)
    for level in (0.0, 1.0):
        with pytest.raises(DomainError, match="level must be a probability"):
            coverage([[1.0, 2.0]], [1.0], level=level)


@pytest.mark.closed_form
def test_an_ensemble_weighted_by_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "read_off", lambda trajectory, row: np.array([1.0, np.e, 0.0]))
    misfit: Any = weights.LogMisfit(SimpleNamespace(value=1.0), 3)  # type: ignore[arg-type]
    assert misfit(None) == pytest.approx([0.0, 1.0, np.log(1e-300) ** 2]) and misfit.__name__ == "misfit_3"
    ensemble: Any = SimpleNamespace(kept_draws=lambda name: [3.0, 1.0, 2.0])
    run = weights.WeightedEnsemble(ensemble, np.array([0.0, 0.5, 0.5]), 2.0, 0.35, ("y",))
    assert run.bands("y", [0.4, 0.6]).tolist() == [1.0, 2.0] and run.mean("y") == 1.5
    for scenario, change, said in (
        (SimpleNamespace(name="s", observations=()), {}, "s has no observations"),
        (SimpleNamespace(name="s", observations=(1,)), {"discrepancy": 0.0}, "discrepancy must be above 0"),
    ):
        with pytest.raises(DomainError, match=said):
            weights.weighted_ensemble(scenario, ["y"], **change)


# Draws that are not finite or do not vary


@pytest.mark.contract
def test_draws_that_are_not_finite_are_counted_by_output_and_in_all() -> None:
    values = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, np.nan, np.inf, 4.0], [np.inf, 1.0, 1.0, 1.0]])
    said = r"output 'b' is not finite in 2 of 4 draws, first in draw 1: .*\(3 in all\)"
    with pytest.raises(NonFiniteResultError, match=said):
        finite_draws(values, ("a", "b", "c"), "raise")
    with pytest.raises(NonFiniteResultError, match=said):  # one draw alone is left
        finite_draws(values, ("a", "b", "c"), "drop")
    assert finite_draws(values[:2], ("a", "b"), "drop").tolist() == [True, False, False, True]
    deep = np.ones((1, 2, 3))
    deep[0, 1, 2] = np.nan
    assert finite_draws(deep, ("a",), "drop").tolist() == [True, True, False]
    assert constant_outputs(np.array([[1.0, 1.0 + 64 * EPS], [1.0, 1.0 + 66 * EPS], [-9.0, -9.0]])).tolist() == [
        True, False, True
    ]  # fmt: skip


# Roots and break-even


@pytest.mark.closed_form
def test_roots_at_grid_points_and_by_draw_and_what_only_passes_zero() -> None:
    grid = scan_grid(0.0, 1.0, 5)
    assert grid.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert scan_grid(1.0, 100.0, 3, log=True).tolist() == pytest.approx([1.0, 10.0, 100.0])
    targets = np.array([0.5, 0.3, 2.0])
    scan = scan_roots(lambda x, draw: x - targets[draw], grid, 3)
    assert [scan.of(draw) for draw in range(3)] == [(0.5,), (pytest.approx(0.3),), ()]
    ends = scan_roots(lambda x, _: x * (1.0 - x), grid)
    assert ends.of(0) == (0.0, 1.0)
    # a jump at 0 is found to an accuracy relative to the grid's spacing
    middle = scan_roots(lambda x, _: np.where(x < 0.0, -1.0, 2.0), np.array([-0.75, -0.25, 0.25, 0.75]))
    assert middle.jumps_of(0) == pytest.approx((0.0,), abs=1e-12)
    steep = scan_roots(lambda x, _: np.tanh(1e7 * (x - 0.3137)), grid)
    assert steep.of(0) == (pytest.approx(0.3137, abs=1e-9),) and steep.jumps_of(0) == ()
    pole = scan_roots(lambda x, _: 1.0 / (x - 0.3137), grid)
    assert pole.of(0) == () and pole.jumps_of(0) == (pytest.approx(0.3137, abs=1e-9),)
    said = r"not finite in 2 of 5 points, first at 0 \(draw 0\): narrow the range; it is finite from 0\.5 to 1$"
    with pytest.raises(NonFiniteResultError, match=said):
        scan_roots(lambda x, _: np.where(x < 0.4, np.nan, x - 0.6), grid)
    with pytest.raises(NonFiniteResultError, match=r"narrow the range$"):
        scan_roots(lambda x, _: np.nan * x, grid)
    for low, high, points in ((0.0, 1.0, 2), (1.0, 1.0, 3), (0.0, np.inf, 3), (-np.inf, 0.0, 3)):
        with pytest.raises(DomainError, match="finite rising ends and at least 3 points"):
            scan_grid(low, high, points)
    with pytest.raises(DomainError, match="needs ends above 0; got 0"):
        scan_grid(0.0, 1.0, 3, log=True)


@pytest.mark.closed_form
def test_break_even_by_draw_counts_what_has_none_and_what_has_several() -> None:
    ranges = {"x": 1.0, "p": (0.0, 2.0)}
    found = break_even_distribution(
        ranges, "x", "y = 0", draws=400, rng=3, low=0.5, high=1.5, model=lambda x, p: {"y": x - p}
    )
    p = 2.0 * Design.random(as_problem(ranges, ["y"], model=lambda x, p: {"y": x - p}), 400, 3).ranks()["p"]
    assert (found.none_above, found.none_below) == (int((p < 0.5).sum()), int((p > 1.5).sum()))
    assert found.several == 0 and np.sort(found.values) == pytest.approx(np.sort(p[(p > 0.5) & (p < 1.5)]))
    assert found.share == found.values.size / 400
    two = break_even_distribution(
        {"x": 1.0, "p": (2.0, 3.0)}, "x", "y = 0", draws=50, rng=0, low=0.5, high=2.6,
        model=lambda x, p: {"y": (x - 1.0) * (x - p)},
    )  # fmt: skip
    assert two.values == pytest.approx(np.ones(50))
    p = 2.0 + Design.random(as_problem({"p": (2.0, 3.0)}, ["y"], model=lambda p: {"y": p}), 50, 0).ranks()["p"]
    assert two.several == int((p < 2.6).sum())


@pytest.mark.closed_form
def test_a_frontier_takes_nine_values_of_a_range() -> None:
    line = break_even_frontier(
        {"x": 1.0, "p": (1.0, 3.0)}, "x", "p", "y = 0", low=0.0, high=4.0, model=lambda x, p: {"y": x - p}
    )
    assert line.values == pytest.approx(np.linspace(1.0, 3.0, 9))
    assert [roots[0] for roots in line.roots] == pytest.approx(line.values)
    assert line.ends.tolist() == [pytest.approx(-line.values), pytest.approx(4.0 - line.values)]


@pytest.mark.closed_form
def test_stretches_join_where_the_gap_only_touches_zero() -> None:
    model = lambda x: {"y": (x - 0.5) ** 2}  # noqa: E731
    found = break_even({"x": 1.0}, "x", "y >= 0", low=0.0, high=1.0, points=5, model=model)
    assert (found.roots, found.holds) == ((0.5,), ((0.0, 1.0),))
    for root in (0.3, 0.317, 0.45, 0.7):  # nearer to one grid point or the other, and found once
        touching = break_even(
            {"x": 1.0},
            "x",
            "y = 0",
            low=0.0,
            high=1.0,
            points=9,
            model=lambda x, root=root: {"y": 1e-6 * (x - root) ** 2 * (1.0 + x**3)},
        )
        assert touching.roots == pytest.approx([root], abs=1e-4)
    for root in (1 / 16, 15 / 16):  # midway between an end of the range and the point next to it
        model = lambda x, root=root: {"y": (x - root) ** 2}  # noqa: E731
        touching = break_even({"x": 1.0}, "x", "y = 0", low=0.0, high=1.0, points=9, model=model)
        assert touching.roots == pytest.approx([root], abs=1e-4)
    assert found.table().records() == [{"parameter": "x", "from": 0.0, "to": 1.0}]
    two = break_even({"x": 1.0}, "x", "y <= 0", low=0.0, high=4.0, model=lambda x: {"y": (x - 1.0) * (x - 3.0)})
    assert np.ravel(two.holds) == pytest.approx([1.0, 3.0])
    with pytest.raises(ConvergenceError, match=r"and nearest to 0 at 0\.5 with 0\.1; give low and high"):
        break_even({"x": 1.0}, "x", "y = 0", low=0.0, high=1.0, points=5, model=lambda x: {"y": (x - 0.5) ** 2 + 0.1})
    # One end given: the range is that which was asked for.
    with pytest.raises(ConvergenceError, match=r"x between 0\.1 and 5 meets"):
        break_even({"x": 1.0}, "x", "y = 0", high=5.0, model=lambda x: {"y": x - 50.0})


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "low", "high", "log"),
    [
        (1.0, 0.1, 10.0, True), (-2.0, -20.0, -0.2, False), ((1.0, 20.0), 1.0, 20.0, True),
        ((1.0, 19.9), 1.0, 19.9, False), ([0.0, 5.0], 0.0, 5.0, False),
        # A normal distribution at one in a thousand: 3.0902 standard deviations, of 1.6449 to 5 %.
        ({"dist": "normal", "p5": 0.0, "p95": 1.0}, 0.5 - 0.5 * 3.090232 / 1.644854, 0.5 + 0.5 * 3.090232 / 1.644854,
         False),
    ],
)  # fmt: skip
def test_where_a_break_even_is_looked_for(given: Any, low: float, high: float, log: bool) -> None:
    span = range_of({"x": given}, "x")
    assert (span.low, span.high) == pytest.approx((low, high)) and span.log is log
    assert range_of({"x": given}, "x", scale="linear").log is False


class _Bounded(Scenario):
    model: Literal["toy_bounded"] = "toy_bounded"
    least: Parameter = parameter("1", ge=2, description="Bounded below.")
    most: Parameter = parameter("1", le=3, description="Bounded above.")


@pytest.mark.closed_form
@pytest.mark.parametrize(("high", "log"), [(3.9, False), (4.1, True)])
def test_a_range_is_searched_in_logarithms_from_twentyfold(high: float, log: bool) -> None:
    """Widened tenfold within what is allowed, at least 2: from 2 to 39 or 41."""
    scenario = _Bounded(name="bounded", least={"dist": "uniform", "low": 2.1, "high": high}, most=-8.0)
    found = widened(range_of(scenario, "least", 2.1, high), scenario)
    assert found is not None and (found.low, found.high) == pytest.approx((2.0, 10 * high))
    assert found.log is log


@pytest.mark.contract
def test_ranges_reach_their_bounds_and_are_widened_to_them() -> None:
    firm_ = written(price=2.0, share=0.5)
    share = range_of(firm_, "share", 0.0, 1.0)
    assert (share.low, share.high, widened(share, firm_)) == (0.0, 1.0, None)
    assert range_of(firm_, "price", 1e-9, 1.0).low == 1e-9
    with pytest.raises(DomainError, match="exceeds the allowed"):
        range_of(firm_, "price", 0.0, 1.0)
    wide = widened(range_of(firm_, "share"), firm_)
    assert wide is not None and (wide.low, wide.high, wide.log) == (pytest.approx(0.005), 1.0, True)
    for ends, far in (((1.0, 1.5), (0.1, 15.0)), ((-2.0, -1.0), (-20.0, -0.1)), ((-1.0, 1.0), (-10.0, 10.0))):
        more = widened(range_of({"x": ends}, "x"), {"x": ends})
        assert more is not None and (more.low, more.high) == pytest.approx(far)
        assert more.log is (ends[0] > 0.0)
    knots = written(cost={"knots": [["2029-01-01", 0.5], ["2031-01-01", 0.5]]})
    multiple = range_of(knots, "cost")
    more = widened(multiple, knots)
    assert more is not None and (multiple.low, multiple.high, more.low, more.high) == (
        0.1,
        10.0,
        pytest.approx(0.01),
        100,
    )
    assert str(multiple) == "the multiple of cost between 0.1 and 10"
    assert [resolve_path(name, ["a.x", "b.x", "c.y", "y"]) for name in ("x", "y", "c.y")] == ["x", "y", "c.y"]
    assert resolve_path("z", ["a.z", "b.x"]) == "a.z"
    with pytest.raises(DomainError, match="cap: is absent, so there is no range"):
        range_of(firm_, "cap")


@pytest.mark.contract
def test_relations_of_a_target_at_zero() -> None:
    gap = np.array([-1.0, 0.0, 1.0])
    for relation, holds in (
        ("=", [0, 1, 0]), ("<=", [1, 1, 0]), (">=", [0, 1, 1]), ("<", [1, 0, 0]), (">", [0, 0, 1])
    ):  # fmt: skip
        target = Target.parse(f"y {relation} 2")
        assert target.holds(gap).tolist() == [bool(one) for one in holds]
        assert target.gap({"y": np.array([1.0, 2.0, 5.0])}, 3).tolist() == [-1.0, 0.0, 3.0]


# Sensitivity


@pytest.mark.closed_form
@pytest.mark.parametrize("estimator", ["saltelli", "janon"])
def test_indices_of_four_base_points_by_their_definition(estimator: Any) -> None:
    a, b, mixed = np.array([1.0, 2.0, 3.0, 5.0]), np.array([2.0, 1.0, 4.0, 3.0]), np.array([[1.5, 2.0, 3.0, 4.5]])
    found = sobol_indices(a, b, mixed, estimator=estimator)
    centre = np.concatenate([a, b, mixed[0]]).mean()
    variance = np.concatenate([a, b]).var()
    if estimator == "saltelli":
        first = np.mean((b - centre) * (mixed[0] - a)) / variance
    else:
        middle = np.mean((b + mixed[0]) / 2)
        first = (np.mean(b * mixed[0]) - middle**2) / (np.mean((b**2 + mixed[0] ** 2) / 2) - middle**2)
    assert float(found.first[0, 0]) == pytest.approx(first)
    assert float(found.total[0, 0]) == pytest.approx(np.mean((a - mixed[0]) ** 2) / 2 / variance)
    assert (float(found.mean[0]), float(found.variance[0])) == pytest.approx((centre, variance))
    assert (found.names, found.outputs, found.runs, found.base_points, found.dropped) == (
        ("x1",),
        ("output1",),
        12,
        4,
        0,
    )
    assert float(found.interaction[0]) == pytest.approx(1.0 - first)
    assert sobol_indices(a, b, mixed, interval="bootstrap", resamples=100).interval == "bootstrap"
    for change, said in (
        ({"interval": "bootstrap", "resamples": 99}, "at least 100 resamples; got 99"),
        ({"level": 0.0}, "level must be between 0 and 1"),
    ):
        with pytest.raises(DomainError, match=said):
            sobol_indices(a, b, mixed, **change)
    with pytest.raises(DomainError, match="outputs at A, B"):
        sobol_indices(a[:1], b[:1], mixed[:, :1])
    assert sobol_indices(a[:2], b[:2], mixed[:, :2]).base_points == 2


@pytest.mark.closed_form
def test_bootstrap_intervals_are_quantiles_over_resampled_base_points() -> None:
    rng = np.random.default_rng(0)
    a, b, mixed = rng.random(40), rng.random(40), rng.random((2, 40))
    found = sobol_indices(a, b, mixed, interval="bootstrap", resamples=150, rng=5, level=0.8)
    # 100 resamples and then 50, each a count of how often a point is drawn.
    again, drawn = np.random.default_rng(5), []
    for count in (100, 50):
        drawn += list(again.multinomial(40, np.full(40, 1 / 40), size=count))
    everything = np.concatenate([a, b, *mixed])
    y_a, y_b, y_mixed = (values - everything.mean() for values in (a, b, mixed))
    first, total = [], []
    for times in drawn:
        at = np.repeat(np.arange(40), times)
        variance = np.concatenate([y_a[at], y_b[at]]).var()
        first.append([np.mean(y_b[at] * (row[at] - y_a[at])) / variance for row in y_mixed])
        total.append([np.mean((y_a[at] - row[at]) ** 2) / 2 / variance for row in y_mixed])

    def tails(values: Any) -> Any:
        return np.sort(values, axis=0)[[14, 134]]  # the 15th and the 135th of 150

    assert found.first_interval[:, :, 0] == pytest.approx(tails(first))
    assert found.total_interval[:, :, 0] == pytest.approx(tails(total))
    assert found.first_sum_interval[:, 0] == pytest.approx(tails(np.sum(first, axis=1)))


def indices(first: float, **changes: Any) -> SobolIndices:
    """Return indices of two inputs and two outputs, told apart by their numbers."""
    table = first * np.array([[1.0, 2.0], [3.0, 4.0]])
    fields: dict[str, Any] = {
        "names": ("x", "y"), "outputs": ("a", "b"), "first": table, "total": 2 * table,
        "first_interval": np.stack([table - 0.01, table + 0.02]),
        "total_interval": np.stack([table - 0.03, table + 0.04]), "first_sum": table.sum(axis=0),
        "first_sum_interval": np.stack([table.sum(axis=0) - 0.05, table.sum(axis=0) + 0.06]),
        "mean": np.array([5.0, 6.0]) * first, "variance": np.array([7.0, 8.0]) * first, "level": 0.95,
        "interval": "asymptotic", "base_points": 64, "dropped": 1, "runs": 256,
    }  # fmt: skip
    return SobolIndices(**{**fields, **changes})


@pytest.mark.closed_form
def test_four_replicates_have_students_interval() -> None:
    found = pooled([indices(first) for first in (0.01, 0.02, 0.03, 0.04)])
    # Mean 0.025, deviation 0.0129; Student's 3.1824 with three degrees of freedom, over the root of four.
    half = 3.182446305284263 * np.std([0.01, 0.02, 0.03, 0.04], ddof=1) / 2.0
    assert found.first[1, 0] == pytest.approx(0.075) and found.total[0, 1] == pytest.approx(0.1)
    assert found.first_interval[:, 1, 0] == pytest.approx([0.075 - 3 * half, 0.075 + 3 * half])
    assert found.total_interval[:, 0, 1] == pytest.approx([0.1 - 4 * half, 0.1 + 4 * half])
    assert found.first_sum_interval[:, 1] == pytest.approx([0.15 - 6 * half, 0.15 + 6 * half])
    assert (found.mean.tolist(), found.variance.tolist()) == (pytest.approx([0.125, 0.15]), pytest.approx([0.175, 0.2]))
    assert (found.base_points, found.dropped, found.runs, found.interval) == (256, 4, 1024, "4 replicates")
    with pytest.raises(DomainError, match="at least four; got 3"):
        pooled([indices(0.01)] * 3)


@pytest.mark.contract
def test_tables_show_the_output_that_was_asked_for() -> None:
    own = indices(0.1)
    rows = own.table("b").records()
    assert [row["input"] for row in rows] == ["y", "x"]
    assert list(rows[0].values())[1:] == pytest.approx([0.4, 0.39, 0.42, 0.8, 0.37, 0.44])
    assert list(own.table().records()[1].values())[1:] == pytest.approx([0.1, 0.09, 0.12, 0.2, 0.07, 0.14])
    shares = EvidenceShares(
        by_grade=indices(0.1, names=("reported", "assumed")),
        measured_or_not=indices(0.05, names=("measured", "unmeasured")),
        members={"reported": ("p",), "assumed": ("q", "r")}, moved={},
    )  # fmt: skip
    rows = shares.table("b").records()
    assert [(row["grade"], row["inputs"]) for row in rows] == [("reported", 1), ("assumed", 2), ("interaction", None)]
    assert [row["share"] for row in rows] == pytest.approx([0.2, 0.4, 0.4])
    assert [row["low"] for row in rows] == pytest.approx([0.19, 0.39, 1.0 - 0.66])
    assert [row["high"] for row in rows] == pytest.approx([0.22, 0.42, 1.0 - 0.55])
    assert shares.interaction("a") == pytest.approx((0.6, 0.54, 0.65))
    assert shares.unmeasured("b") == pytest.approx((0.2, 0.4)) and shares.labels == ("a", "b")
    assert unmeasured_share_text(shares, "b") == (
        "20% of the variance of b rests on unmeasured inputs alone, 40% with interactions"
    )
    measured = EvidenceShares(
        by_grade=own, measured_or_not=indices(0.1, names=("measured", "other")), members={}, moved={}
    )
    assert measured.unmeasured() == (0.0, 0.0)
    flat = indices(np.nan, names=("measured", "unmeasured"))
    still = EvidenceShares(by_grade=flat, measured_or_not=flat, members={}, moved={})
    assert unmeasured_share_text(still) == "a does not vary"
    with pytest.raises(DomainError, match="no output 'c' in this study; there are: a, b"):
        own.table("c")


@pytest.mark.closed_form
def test_first_order_index_of_two_groups_by_hand() -> None:
    """Means of 1 and 5, with 8 left over of 40: (8/6)/(40/7) is unexplained."""
    x = np.repeat([0.0, 1.0], 4)[:, None]
    y = np.array([0.0, 2.0, 0.0, 2.0, 4.0, 6.0, 4.0, 6.0])
    found = given_data_indices(x, y, bins=2)
    unexplained = (8 / 6) / (40 / 7)
    assert float(found.first[0, 0]) == pytest.approx(1.0 - unexplained)
    influence = (1.0 - unexplained * np.array([9.0, 1.0])) / 5.0
    half = 1.959963984540054 * influence.std() / np.sqrt(6.0)
    assert found.interval[:, 0, 0] == pytest.approx([1 - unexplained - half, 1 - unexplained + half])
    assert (found.names, found.outputs, found.draws, found.bins, found.dropped) == (("x1",), ("output1",), 8, 2, 0)
    with pytest.raises(DomainError, match="7 draws are too few for 2 bins"):
        given_data_indices(x[:7], y[:7], bins=2)
    with pytest.raises(DomainError, match="8 draws are too few for 1 bins"):
        given_data_indices(x, y, bins=1)
    for names in (["a", "b"], ["a"]):
        outputs = ["p"] if len(names) == 2 else ["p", "q"]
        with pytest.raises(DomainError, match=f"{len(names)} names for 1 inputs and {len(outputs)} for 1 outputs"):
            given_data_indices(x, y, names=names, outputs=outputs, bins=2)


@pytest.mark.closed_form
def test_first_order_index_is_that_of_a_line_in_each_bin() -> None:
    rng = np.random.default_rng(2)
    x = rng.random(200)
    y = np.sin(5.0 * x) + 0.3 * rng.standard_normal(200)
    order = np.argsort(x)
    left = 0.0
    for part in order.reshape(4, 50):
        left += np.square(y[part] - np.polyval(np.polyfit(x[part], y[part], 1), x[part])).sum()
    expected = 1.0 - left / (200 - 8) / (np.square(y - y.mean()).sum() / 199)
    assert float(given_data_indices(x[:, None], y, bins=4).first[0, 0]) == pytest.approx(expected)
    assert [given_data_indices(np.arange(n)[:, None], np.arange(n) % 7).bins for n in (12, 200, 1000)] == [3, 6, 10]


@pytest.mark.closed_form
def test_rank_correlations_of_the_fewest_draws() -> None:
    found = rank_correlations([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 4.0, 3.0])
    assert float(found.plain[0, 0]) == pytest.approx(0.8) == float(found.partial[0, 0])
    assert (found.draws, found.dropped, found.names, found.outputs) == (4, 0, ("x1",), ("output1",))
    with pytest.raises(DomainError, match="3 draws are too few for 1 inputs: take at least 4"):
        rank_correlations([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0])
    both = RankCorrelations(
        names=("x", "y"), outputs=("a", "b"), plain=np.array([[0.1, -0.2], [0.3, 0.1]]),
        partial=np.array([[0.5, 0.6], [0.7, 0.8]]), draws=9, dropped=0,
    )  # fmt: skip
    assert [list(row.values()) for row in both.table("b").records()] == [["x", -0.2, 0.6], ["y", 0.1, 0.8]]
    first = FirstOrderIndices(
        names=("x", "y"), outputs=("a", "b"), first=np.array([[0.1, 0.2], [np.nan, 0.4]]), level=0.9, draws=9,
        dropped=0,
        interval=np.array([[[0.0, 0.1], [np.nan, 0.3]], [[0.2, 0.3], [np.nan, 0.5]]]), bins=3,
    )  # fmt: skip
    assert [list(row.values()) for row in first.table("b").records()] == [["y", 0.4, 0.3, 0.5], ["x", 0.2, 0.1, 0.3]]
    assert [row["input"] for row in first.table().records()] == ["x", "y"]
    assert first.first_sum[1] == pytest.approx(0.6)


@pytest.mark.closed_form
def test_effects_of_two_paths_by_hand() -> None:
    points = [[[0.25], [0.75]], [[0.875], [0.375]]]
    found = morris_effects(points, [[0.0, 1.0], [0.0, 2.0]])
    # Up by 1 over half a range, and up by 2 while going down: 2 and -4.
    assert (found.mean[0, 0], found.mean_size[0, 0], found.spread[0, 0]) == pytest.approx((-1.0, 3.0, 6 / np.sqrt(2)))
    half = float(student.ppf(0.975, 1)) * np.sqrt(2.0) / np.sqrt(2.0)
    assert found.mean_size_interval[:, 0, 0] == pytest.approx([3.0 - half, 3.0 + half])
    assert (found.runs, found.paths, found.dropped, found.names, found.outputs) == (4, 2, 0, ("x1",), ("output1",))
    row = found.table().records()[0]
    assert list(row.values()) == pytest.approx(["x1", 3.0, 3.0 - half, 3.0 + half, -1.0, 6 / np.sqrt(2)])
    for wrong in ({"inputs": 0}, {"paths": 1}, {"levels": 0}, {"levels": 5}):
        with pytest.raises(DomainError, match="1 input, 2 paths or more and an even number of levels"):
            morris_sample(**{"inputs": 1, **wrong})
    for levels in (2, 6):
        sample = morris_sample(3, paths=50, levels=levels, rng=1)
        moves = np.diff(sample, axis=1)
        assert (np.sort(np.abs(moves), axis=1)[:, -1] == pytest.approx(0.5)) and (moves != 0.0).sum() == 150
        assert np.unique(sample) == pytest.approx((np.arange(levels) + 0.5) / levels)
        assert (moves.any(axis=1)).all() and (moves.any(axis=2)).all()
    assert morris_sample(1, paths=2, levels=2, rng=0).shape == (2, 2, 1)


@pytest.mark.regression
def test_a_seed_gives_the_paths_that_it_gave() -> None:
    """Nothing else shows it: the same paths walked backwards would be as good a sample."""
    assert morris_sample(2, paths=2, levels=4, rng=3).tolist() == [
        [[0.875, 0.125], [0.875, 0.625], [0.375, 0.625]],
        [[0.125, 0.125], [0.625, 0.125], [0.625, 0.625]],
    ]


@pytest.mark.contract
def test_base_samples_at_their_least() -> None:
    assert [part.shape for part in base_sample(2, 1, rng=0)] == [(2, 1), (2, 1)]
    for points, inputs in ((1, 1), (4, 0)):
        with pytest.raises(DomainError, match="at least 2 points and 1 input"):
            base_sample(points, inputs)
    with pytest.raises(DomainError, match="take a power of two, 4 or 8"):
        base_sample(5, 1)
    for method in ("halton", "uniform"):
        with pytest.raises(DomainError, match="method must be 'sobol' or 'random'"):
            base_sample(4, 1, method=method)  # type: ignore[arg-type]
    a, b = np.zeros((1, 3)), np.ones((1, 3))
    assert mixed_samples(a, b, [[0, 2], [1]]).tolist() == [[[1.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]]
    assert mixed_samples(a, b)[:, 0].tolist() == np.eye(3).tolist()


@pytest.mark.contract
def test_a_tornado_warns_below_four_fifths() -> None:
    def swings(total: float) -> Tornado:
        first = FirstOrderIndices(
            names=("x", "y"), outputs=("a", "b"), first=np.array([[0.0, total], [0.9, 0.0]]), level=0.9, draws=9,
            dropped=0,
            interval=np.zeros((2, 2, 2)), bins=3,
        )  # fmt: skip
        return Tornado(
            names=("x", "y"), outputs=("a", "b"), ranks=(0.1, 0.9), base=np.array([1.0, 2.0]),
            low=np.array([[1.0, 2.0], [3.0, 9.0]]), high=np.array([[4.0, 6.0], [3.5, 1.0]]),
            low_input=(0.1, None), high_input=(0.9, None), correlated=(), first_order=first,
        )  # fmt: skip

    assert swings(0.8).warning("b") is None and swings(np.nan).warning("b") is None and swings(0.5).warning() is None
    assert "of b mislead: the sum of first-order indices is 0.79, so 21% of" in str(swings(0.79).warning("b"))
    rows = swings(0.5).table("b").records()
    assert [list(row.values()) for row in rows] == [
        ["y", None, None, 9.0, 1.0, -8.0, 0.0], ["x", 0.1, 0.9, 2.0, 6.0, 4.0, 0.5]
    ]  # fmt: skip
    plain = tornado({"x": (0.0, 1.0)}, ranks=(0.25, 0.75), draws=0, model=lambda x: 4.0 * x)
    assert (plain.first_order, plain.swing.tolist(), plain.warning()) == (None, [[2.0]], None)
    assert plain.table().records()[0]["first"] is None and plain.base.tolist() == [2.0]
    for ranks in ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.9, 0.1)):
        with pytest.raises(DomainError, match="two rising numbers between 0 and 1"):
            tornado({"x": (0.0, 1.0)}, ranks=ranks, draws=0, model=lambda x: x)
    with pytest.raises(DomainError, match="nothing is uncertain here"):
        tornado({"x": 1.0}, draws=0, model=lambda x: x)


@pytest.mark.closed_form
def test_elasticities_where_the_output_changes_sign() -> None:
    found = elasticities({"x": 2.0, "y": 3.0}, ["a", "b", "c"], model=lambda x, y: {
        "a": x * y**2, "b": x - 1.999, "c": -(y**3) * x**0,
    })  # fmt: skip
    span = np.log(1.01 / 0.99)
    assert found.values[:, 0] == pytest.approx([1.0, 2.0], rel=1e-10)
    assert found.values[0, 1] == pytest.approx(0.04 / 0.001 / span, rel=1e-9)  # its ends have other signs
    assert found.values[:, 2] == pytest.approx([0.0, 3.0], abs=1e-10)
    assert found.base == pytest.approx([18.0, 0.001, -27.0])
    assert [row["input"] for row in found.table("c").records()] == ["y", "x"]
    for step in (0.0, 1.0):
        with pytest.raises(DomainError, match="step must be between 0 and 1"):
            elasticities({"x": 2.0}, step=step, model=lambda x: x)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("path", "at", "down", "up"),
    [
        ("least", 2.0, 0.0, 0.01),
        ("least", 2.01, 0.0, 0.01),
        ("least", 2.05, 0.01, 0.01),
        ("least", 40.0, 0.01, 0.01),
        ("most", 3.0, 0.01, 0.0),
        ("most", 2.98, 0.01, 0.0),
        ("most", 2.95, 0.01, 0.01),
        ("most", -40.0, 0.01, 0.01),
    ],
)
def test_elasticities_at_the_ends_of_what_is_allowed(path: str, at: float, down: float, up: float) -> None:
    """A step of a hundredth that would leave the range isn't taken: ``ln(f(up)/f(down))`` over the log of the steps."""
    scenario = _Bounded(name="bounded", **{"least": 8.0, "most": -8.0, path: at})
    found = elasticities(scenario, "y", paths=[path], model=lambda it: SimpleNamespace(y=getattr(it, path) - 1.0))
    change = math.log(((1.0 + up) * at - 1.0) / ((1.0 - down) * at - 1.0))
    assert float(found.values[0, 0]) == pytest.approx(change / math.log((1.0 + up) / (1.0 - down)), rel=1e-9)


@pytest.mark.contract
def test_the_usual_study_is_sobols_or_of_given_data_where_inputs_are_correlated() -> None:
    assert isinstance(sensitivity({"x": (0.0, 1.0)}, base_points=4, rng=0, model=lambda x: x), SobolIndices)
    tied = written(correlations=[{"a": "price", "b": "demand.volume", "rank": 0.5}])
    first, ranks = sensitivity(tied, "npv", draws=100, rng=0, model=firm)
    assert isinstance(first, FirstOrderIndices) and isinstance(ranks, RankCorrelations)
    with pytest.raises(ScenarioError, match="got 'sobl'; did you mean 'sobol'"):
        sensitivity({"x": (0.0, 1.0)}, method="sobl", model=lambda x: x)


@pytest.mark.closed_form
def test_shapley_of_one_player_and_of_two_orders() -> None:
    assert shapley_values([1.0, 4.0]).tolist() == [3.0]
    for wrong in ([1.0], [1.0] * 6):
        with pytest.raises(DomainError, match="a power of two"):
            shapley_values(wrong)
    values, error = shapley_sampled(lambda masks: masks.sum(axis=1) ** 2.0, 2, 2, np.random.default_rng(0))
    assert (values.tolist(), error.tolist()) == ([2.0, 2.0], [0.0, 0.0])


# Problems


@pytest.mark.contract
def test_ranges_of_a_function_and_what_is_none() -> None:
    problem = as_problem({"a": [0.0, 1.0], "b": 2.0, "c": {"dist": "uniform", "low": 1.0, "high": 3.0}}, model=_sum)
    assert (problem.names, problem.paths) == (("a", "c"), ("a", "c", "b"))
    assert problem.quantile("a", 0.25) == 0.25 and problem.quantile("b", 0.25) is None
    assert problem.at(2, factors={"b": np.array([2.0, 3.0])})[1].tolist() == [[0.5 + 4.0 + 2.0, 0.5 + 6.0 + 2.0]]
    assert problem.at(1, values={"a": np.array([9.0])})[1].tolist() == [[13.0]]
    assert problem.matching("*") == ("a", "c", "b")
    for given in (True, np.inf, (1.0, 2.0, 3.0), "x"):
        with pytest.raises(ScenarioError, match="give a number"):
            as_problem({"a": given}, model=_sum)
    seen: list[tuple[int, int]] = []
    at = np.arange(BLOCK + 3.0)
    _, y = problem.at(BLOCK + 3, values={"a": at}, on_progress=lambda *done: seen.append(done))
    assert seen == [(BLOCK, BLOCK + 3), (BLOCK + 3, BLOCK + 3)] and y[0].tolist() == (at + 4.0).tolist()


def _sum(a: Any, b: Any = 2.0, c: Any = 2.0) -> Any:
    return a + b + c


# Fits and identification


@pytest.mark.closed_form
def test_a_search_is_in_logs_from_a_factor_of_twenty_on() -> None:
    problem = as_problem({"x": 1.0}, ["y"], model=lambda x: {"y": x})
    seen = (Observed("y", 2.0, 0.5),)

    def search(low: float, high: float, observed: Any = seen) -> _Search:
        return _Search(problem, {"x": (low, high)}, observed)

    half = np.array([0.5])
    for low, high, middle, slope in (
        (1.0, 20.0, np.sqrt(20.0), np.sqrt(20.0) * np.log(20.0)), (1.0, 19.9, 10.45, 18.9), (0.0, 100.0, 50.0, 100.0),
        (-1.0, 99.0, 49.0, 100.0),
    ):  # fmt: skip
        own = search(low, high)
        assert float(own.values(half)[0]) == pytest.approx(middle)
        assert float(own.slopes(half)[0]) == pytest.approx(slope)
    logs = search(1.0, 20.0)
    assert logs.residuals(half[:, None])[0] == pytest.approx(np.log(np.sqrt(20.0) / 2.0) / 0.5)
    assert logs.jacobian(half)[0, 0] == pytest.approx(np.log(20.0) / 0.5)
    assert logs.jacobian(np.array([1.0]))[0, 0] == pytest.approx(np.log(20.0) / 0.5)
    plain = search(0.0, 4.0, (Observed("y", 0.0, 0.001, log=False),))
    assert plain.residuals(np.array([[0.25, 0.1e-3, 0.5]]))[0] == pytest.approx([1000.0, 0.4, 1000.0])
    broken = _Search(as_problem({"x": 1.0}, ["y"], model=lambda x: {"y": np.nan * x}), {"x": (0.0, 1.0)}, seen)
    assert broken.residuals(half[:, None]).tolist() == [[1000.0]]
    points = _starting_points(3, 5, 0)
    assert points.shape == (3, 5) and points[:, 0].tolist() == [0.5] * 3
    strata = np.floor((points[:, 1:] - 0.02) / 0.96 * 5)
    assert all(len(set(row)) == 4 and min(row) >= 0 and max(row) <= 4 for row in strata.tolist())


@pytest.mark.closed_form
def test_a_fit_polishes_its_best_starts_and_takes_as_many_figures_as_parameters() -> None:
    found = fit(
        {"x": 1.0}, {"x": (0.5, 4.0)}, [Observed("y", 3.0, 0.1, log=False)], starts=6, polish=2, rng=0,
        model=lambda x: {"y": np.where(x > 3.5, np.nan, x)},
    )  # fmt: skip
    assert found.parameters["x"] == pytest.approx(3.0) and found.start_costs.size == 2
    assert found.errors["x"] == pytest.approx(0.1, rel=1e-3) and found.failed_starts in (0, 1)
    for value, log in ((0.0, True), (np.inf, False), (np.nan, False), (-1.0, True)):
        with pytest.raises(DomainError, match="give a finite number"):
            Observed("y", value, log=log)
    assert Observed("y", -1.0, log=False).label == "y" and Multiple(0.5, 2.0).low == 0.5
    with pytest.raises(DomainError, match="1 observations cannot fit 0 parameters"):
        fit({"x": 1.0}, {}, [Observed("y", 1.0)], model=lambda x: {"y": x})


@pytest.mark.closed_form
def test_what_two_figures_identify_by_hand() -> None:
    best = np.array([1e-6, 0.5])
    near = (np.array([0.1, 0.7]), 1.99), (np.array([0.9, 0.9]), 2.0), (np.array([0.0, 0.6]), 0.0)
    found = identify(("a", "b"), np.diag([10.0, 2.0]), 1.0, best, near)
    assert found.scaled_covariance == pytest.approx(np.diag([0.01, 0.25]))
    assert (found.direction_errors, found.at_bound, found.traded) == ((pytest.approx(0.5),), (), ())
    assert found.equally_good == {"a": (0.0, 0.1), "b": (0.5, 0.7)} and found.unidentified == ("b",)
    assert [{name: abs(part) for name, part in found.directions[0].items()}] == [{"a": 0.0, "b": 1.0}]
    assert found.message() == "the observations do not identify b: quote a range over them, not the fitted point"
    ends = identify(("a", "b"), np.diag([10.0, 10.0]), 4.0, np.array([0.9e-6, 1.0 - 0.9e-6]), ())
    assert ends.at_bound == ("a", "b") and ends.scaled_covariance == pytest.approx(np.diag([0.04, 0.04]))
    far = identify(("a", "b"), np.diag([10.0, 10.0]), 1.0, np.array([0.5, 0.5]), [(np.array([0.74, 0.76]), 0.0)])
    assert far.unidentified == ("b",)
    both = identify(("a", "b"), np.array([[1.0, 1.0], [0.02, -0.02]]), 1.0, np.array([0.5, 0.5]), ())
    # Along the sum 1/√2, along the difference 1/(0.02 √2).
    along, across = 0.5, 1250.0
    assert both.traded == (("a", "b", pytest.approx((along - across) / (along + across))),)
    assert both.unidentified == ("a", "b") and "they trade off: a with b (-1.00)" in both.message()
    blind = identify(("a", "b"), np.array([[1.0, 0.0]]), 1.0, np.array([0.5, 0.5]), ())
    assert np.diag(blind.scaled_covariance) == pytest.approx([1.0, 1e12]) and blind.direction_errors == (1.0, np.inf)


@pytest.mark.closed_form
@pytest.mark.parametrize("strongest", [1e-3, 0.5, 3.0, 400.0])
def test_what_is_nothing_to_rounding_is_open_without_end(strongest: float) -> None:
    """Rounding is 2^-26, the root of a double's spacing, of the strongest direction, or of 1 if all are weaker."""
    rounding = 2.0**-26 * max(strongest, 1.0)
    for weak, error in ((0.95 * rounding, np.inf), (1.05 * rounding, 1.0 / (1.05 * rounding))):
        found = identify(("a", "b"), np.diag([strongest, weak]), 1.0, np.array([0.5, 0.5]), ())
        assert found.direction_errors[-1] == pytest.approx(error, rel=1e-9)


# Draws consistent with history


@pytest.mark.closed_form
def test_draws_are_moved_by_the_covariance_of_inputs_and_figures() -> None:
    rng = np.random.default_rng(1)
    scores, figures = rng.standard_normal((2, 30)), rng.standard_normal((3, 30))
    moved = _moved(scores, figures, 4, np.random.default_rng(5))
    joint = np.cov(np.concatenate([scores, figures]))
    gain = joint[:2, 2:] @ np.linalg.inv(joint[2:, 2:] + 4.0 * np.eye(3))
    noise = np.random.default_rng(5).standard_normal((3, 30))
    assert moved == pytest.approx(scores + gain @ (2.0 * noise - figures))


@pytest.mark.closed_form
def test_a_hundred_draws_and_one_round_are_the_least() -> None:
    ranges, seen = {"x": (0.5, 1.5)}, [Observed("y", 1.0, 0.1, log=False)]
    done: list[tuple[int, int]] = []
    found = consistent_draws(
        ranges, seen, draws=100, rounds=1, rng=0, model=lambda x: {"y": x}, on_progress=lambda *at: done.append(at)
    )
    x = 0.5 + Design.random(as_problem(ranges, ["y"], model=lambda x: {"y": x}), 100, 0).ranks()["x"]
    assert found.misfit[0] == pytest.approx(np.sqrt(np.mean(((x - 1.0) / 0.1) ** 2)))
    assert found.misfit[1] < found.misfit[0] and (found.rounds, found.lost, done) == (1, 0, [(1, 1)])
    logs = consistent_draws(ranges, [Observed("y", 2.0, 0.5)], draws=100, rounds=1, rng=0, model=lambda x: {"y": x})
    assert logs.misfit[0] == pytest.approx(np.sqrt(np.mean((np.log(x / 2.0) / 0.5) ** 2)))
    holed = consistent_draws(
        ranges, seen, draws=200, rounds=2, rng=0, model=lambda x: {"y": np.where(x > 1.3, np.nan, x)}
    )
    assert holed.lost > 10 and holed.design.draws + holed.lost == 200
    for change, said in (
        ({"draws": 99}, "draws = 99, rounds = 2: give at least 100 draws and one round"),
        ({"rounds": 0}, "draws = 100, rounds = 0"),
    ):
        with pytest.raises(DomainError, match=said):
            consistent_draws(ranges, seen, **{"draws": 100, "rounds": 2, **change}, rng=0, model=lambda x: {"y": x})
    with pytest.raises(DomainError, match=r"only \d\d of 100 draws give finite figures"):
        consistent_draws(ranges, seen, draws=100, rng=0, model=lambda x: {"y": np.where(x > 1.3, np.nan, x)})


# Backtests


@pytest.mark.closed_form
def test_forecasts_of_five_draws_are_scored_by_hand() -> None:
    rows: Any = [SimpleNamespace(output="a"), SimpleNamespace(output="b")]
    draws = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 20.0, 30.0, 40.0, 50.0]])
    found = _score(rows, np.log(draws), np.log([3.0, 60.0]), 0.5, None)
    told = [(row.low, row.median, row.high, row.inside, row.pit) for row in found.forecasts]
    assert told == [pytest.approx((2.0, 3.0, 4.0, True, 0.5)), pytest.approx((20.0, 30.0, 40.0, False, 1.0))]
    logs = np.log(draws[1] / 60.0)
    assert found.forecasts[1].crps == pytest.approx(-logs.mean() - 0.5 * np.abs(logs[:, None] - logs).mean())
    assert found.crps == pytest.approx((found.forecasts[0].crps + found.forecasts[1].crps) / 2)
    assert (found.overall.inside, found.overall.n, found.effective_draws) == (1, 2, 5.0)
    assert {name: (one.inside, one.n) for name, one in found.by_output.items()} == {"a": (1, 1), "b": (0, 1)}
    weighted = _score(rows, np.log(draws), np.log([3.0, 60.0]), 0.5, np.array([1.0, 0.0, 0.0, 0.0, 1.0]) / 2)
    assert weighted.effective_draws == pytest.approx(2.0) and weighted.forecasts[0].high == pytest.approx(5.0)
    problem: Any = SimpleNamespace(at=lambda draws, **_: ((), np.array([[1.0, 0.0, -1.0, np.inf, np.e], [1.0] * 5])))
    values, kept = _logs(problem, {}, 5, None)
    assert kept.tolist() == [True, False, False, False, True]
    assert values == pytest.approx(np.array([[0.0, 1.0], [0.0, 0.0]]))
    one: Any = SimpleNamespace(at=lambda draws, **_: ((), np.array([[1.0, -1.0]])))
    with pytest.raises(ScenarioError, match="fewer than two of 2 draws"):
        _logs(one, {}, 2, None)
    assert _why_not(np.array([False]), 500.0, 9) == "nothing was observed up to the date"
    assert _why_not(np.array([True, False]), 12.4, 900).startswith(
        "only 12 of 900 draws are effective under the weights"
    )
    with pytest.raises(ScenarioError, match=r"use one of .*bond-flywheel as of 2025-12-31"):
        plan_for("bond-flywheel", "1999-12-31")


@pytest.mark.contract
def test_a_cut_keeps_the_knot_of_the_day_after() -> None:
    cost = written(cost={"knots": [["2029-01-01", 1.0], ["2030-01-02", 0.5], ["2030-01-03", 0.2]]}).cost
    kept = _cut("cost", cost, dt.date(2030, 1, 1))
    assert [knot[0] for knot in kept.knots] == [dt.date(2029, 1, 1), dt.date(2030, 1, 2)]
    assert len(_cut("cost", cost, dt.date(2028, 12, 31)).knots) == 1
    with pytest.raises(ScenarioError, match="leaves no knot, as the first is at 2029-01-01"):
        _cut("cost", cost, dt.date(2028, 12, 30))
    form = {
        "a": "2024-01-01",
        "b": [{"c": "2025-05-05"}, 3],
        "k": {"knots": ["2026-01-01"]},
        "d": "2024-1-011",
        "e": "x",
    }
    assert list(_dates(form)) == [("a", "2024-01-01"), ("b.0.c", "2025-05-05")]


@pytest.mark.contract
@pytest.mark.parametrize(("count", "rest"), [(12, ""), (13, " and 1 more"), (15, " and 3 more")])
def test_what_was_not_known_is_listed_up_to_twelve(count: int, rest: str) -> None:
    names = [f"p{number}" for number in range(count)]
    unsourced = SimpleNamespace(source=None)
    scenario: Any = SimpleNamespace(
        name="s", source_table={}, paths=lambda: names, walk=lambda: [(name, 1.0, None, unsourced) for name in names]
    )
    with pytest.raises(ScenarioError, match=rf"in the plan: p0 .*p11 \(no dated source\){rest}$"):
        as_known(scenario, Plan(scenario="s", as_of="2025-01-01"))
    with pytest.raises(UnknownParameterError, match="plan: 'q' matches no parameter"):
        as_known(scenario, Plan(scenario="s", as_of="2025-01-01", absent={"q": "why"}))


@pytest.mark.closed_form
def test_a_range_over_elasticities_pools_as_many_draws_of_each() -> None:
    def at(elasticity: float, values: Any, misfit: float) -> AtElasticity:
        consistent: Any = SimpleNamespace(misfit=(9.0, misfit))
        scenario: Any = None
        return AtElasticity(
            elasticity=elasticity, scenario=scenario, consistent=consistent, token_error=0.1, values=np.array(values)
        )

    found = ElasticityRange(
        outputs=("a", "b"), units=("USD", "1"),
        found=(at(-0.5, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2.0), at(-1.5, [[10.0, 20.0], [30.0, 40.0]], 3.0)),
    )  # fmt: skip
    assert found.medians("b") == {-0.5: 5.0, -1.5: 35.0}
    assert found.pooled("b", [0.25, 0.5, 1.0]).tolist() == [4.0, 5.0, 40.0]
    row = found.table().records()[3]
    assert list(row.values()) == [-1.5, "b", "1", 30.0, 30.0, 40.0, 0.1, 3.0]
    rows: Any = [SimpleNamespace(date="2024"), SimpleNamespace(date="2024-12-30"), SimpleNamespace(date="2023-05-01")]
    assert _last(rows) == dt.date(2024, 12, 31) and _last(rows[1:]) == dt.date(2024, 12, 30)
    assert _middle(written().price) == 2.0 and _middle(3) == 3.0


# Comparison and ensembles


@pytest.mark.closed_form
def test_scenarios_are_compared_in_the_years_that_both_have() -> None:
    first, later = written(), written(start="2030-01-01")
    found = compare(first, later, "revenue", draws=20, rng=0, model=firm)
    assert (found.outputs, found.scenarios, found.dropped) == (("revenue@2030",), ("firm", "firm (changed)"), 0)
    problem = as_problem(first, ["revenue@2030"], model=firm)
    ranks = Design.random(problem, 20, 0).ranks()
    assert found.first[0] == pytest.approx(problem.at(20, ranks=ranks)[1][0])
    with pytest.raises(DomainError, match="no output in common"):
        compare(first, written(start="2035-01-01"), "revenue", draws=4, rng=0, model=firm)
    with pytest.raises(DomainError, match="cover different years"):
        waterfall(first, later, "revenue", model=firm)
    assert waterfall(first, later, "revenue@2030", model=firm).outputs == ("revenue@2030",)


@pytest.mark.contract
def test_a_waterfall_shows_its_largest_steps_first() -> None:
    found = Waterfall(
        scenarios=("s", "t"), changes=("x", "y"), outputs=("p", "q"), first=np.array([1.0, 2.0]),
        second=np.array([4.0, 0.0]), parts=np.array([[1.0, 1.0], [2.0, -3.0]]),
        error=np.array([[0.1, 0.2], [0.3, 0.4]]),
        draws=0,
    )  # fmt: skip
    assert [list(row.values()) for row in found.table("q").records()] == [
        ["s", 2.0, 0.0], ["y", -3.0, 0.4], ["x", 1.0, 0.2], ["t", 0.0, 0.0]
    ]  # fmt: skip
    paths = ("demand.volume", "demand.elasticity", "price", "demands")
    assert _steps(paths, {"m": ["demand"]}) == {"m": paths[:2], "price": ("price",), "demands": ("demands",)}
    assert _steps(paths, {"m": ["demand.volume", "price"], "n": ["demand"]}) == {
        "m": ("demand.volume", "price"), "n": ("demand.elasticity",), "demands": ("demands",)
    }  # fmt: skip


@pytest.mark.contract
def test_an_ensemble_is_tabled_by_label() -> None:
    found = run_ensemble(toy(), ["tokens", "price"], draws=20, rng=4, exact=("tokens",), model=toy_model)
    table = found.table()
    assert [row[0] for row in table.rows] == ["tokens, 2026", "tokens, 2027", "tokens, 2028", "price"]
    assert table.notes[0] == "20 draws, seed 4: 5 / 50 / 95 %" and table.title == "toy"
    whole = np.sort(found.kept_draws("tokens")[1])
    assert table.rows[1][2] == pytest.approx((whole[0], whole[9], whole[18]))
    summary = found.summary()["tokens"]
    assert list(summary) == ["unit", "label", "mean", "p5", "p50", "p95"] and summary["p95"][1] == whole[18]
    assert found["tokens"].quantile_error == 0.0 and found["price"].quantile_error > 0.0
    assert list(found) == ["tokens", "price"] and found.draws == 20 == found.kept
    assert found.deviation("tokens")[1] == pytest.approx(found.kept_draws("tokens")[1].std(ddof=1))
    assert found.coords() == {"year": (2026, 2027, 2028)}


@pytest.mark.contract
def test_outputs_of_different_years_have_no_common_axis() -> None:
    pytest.importorskip("xarray")
    apart = run_ensemble(toy(), ["tokens@2026", "margin@2027"], draws=20, rng=0, model=toy_model).to_xarray()
    assert "tokens@2026" in apart and apart["tokens@2026"].dims == ("quantile",)
    together = run_ensemble(toy(), ["tokens@2026", "margin@2026"], draws=20, rng=0, model=toy_model).to_xarray(
        (0.5, 0.9)
    )
    assert together["tokens"].dims == ("quantile", "year") and together["quantile"].values.tolist() == [0.5, 0.9]
    assert together.attrs["draws_left_out"] == "none" and together.attrs["draws_kept"] == 20
    left = run_ensemble(toy(), ["price", "falling"], draws=20, rng=0, exclude=("falling",), model=toy_model)
    assert left.to_xarray().attrs["draws_left_out"] == f"falling: {20 - left.kept}" and left.kept < 20


@pytest.mark.contract
def test_words_of_a_store() -> None:
    assert store.FORMAT == 2
    assert store._named([3]).startswith("block 3 damaged") and store._named([3, 4]).startswith("blocks 3, 4 damaged")
    assert "9 damaged" in store._named(range(10)) and "9 … damaged" in store._named(range(11))
    plain = [store._plain(label) for label in (np.int64(3), 2.5, "x", dt.date(2025, 1, 2))]
    assert plain == [3, 2.5, "x", "2025-01-02"] and type(plain[0]) is int


@pytest.mark.contract
def test_what_dataclasses_take_where_nothing_is_given() -> None:
    assert default_fields("analysis") == {"Observed": {"error": 0.1, "log": True}, "OutputSummary": {"factor": 1.0}}


@pytest.mark.contract
def test_what_was_published_on_the_day_was_known() -> None:
    def scenario(standing: str) -> Any:
        sources = {"k": {"title": "A filing", "date": "2028-11"}}
        return written(share={"value": 0.9, "source": "k", "grade": "reported"}, sources=sources, title=standing)

    def plan(as_of: str, known: str = "2028-11") -> Plan:
        rest = dict.fromkeys(("price", "cost", "demand.*"), "assumed")
        prior = {"value": 2.0, "why": "as before", "known": known}
        return Plan(scenario="firm", as_of=as_of, hindsight=rest | {"cost": "later"}, records={"price": prior})

    known = as_known(scenario("a"), plan("2028-11-30"))
    assert {line.path: line.standing.value for line in known.lines} == {
        "share": "known", "price": "record", "cost": "hindsight", "demand.volume": "hindsight",
        "demand.elasticity": "hindsight", "start": "hindsight",
    }  # fmt: skip
    assert [line.why for line in known.lines if line.path == "start"] == ["dated 2029-01-01"]
    assert known.counts() == {"known": 1, "record": 1, "prior": 0, "cut": 0, "absent": 0, "hindsight": 4}
    with pytest.raises(ScenarioError, match=r"in the plan: share \(source of 2028-11\)$"):
        as_known(scenario("b"), plan("2028-11-29", "2028-10"))
    with pytest.raises(ScenarioError, match="record 'price': published 2028-12, so not known by 2028-11-30"):
        as_known(scenario("c"), plan("2028-11-30", "2028-12"))
    # A start a day later is the day's end.
    assert "start" not in {line.path for line in as_known(scenario("d"), plan("2028-12-31")).lines}
    assert Plan.model_fields["default_error"].default == 0.2


@pytest.mark.closed_form
def test_the_note_on_weights_reads_the_last_year(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def ensemble(scenario: Any, outputs: Any, *, draws: int, rng: int | None) -> Any:
        asked.append((outputs, draws, rng))
        plain: Any = SimpleNamespace(kept_draws=lambda name: [3.0, 1.0, 2.0], bands=lambda name, ranks: [1.0, 2.0, 3.0])
        return weights.WeightedEnsemble(plain, np.array([0.0, 0.1, 0.9]), 41.6, 0.35, tuple(outputs))

    monkeypatch.setattr(weights, "weighted_ensemble", ensemble)
    lines = weights.weighted_note(SimpleNamespace(grid=SimpleNamespace(years=(2024, 2025, 2026))), 30, 7)
    assert asked == [(["tokens@2026", "user_spend@2026", "capex@2026"], 30, 7)]
    assert lines[0] == "weighted by the fit to history: 42 effective draws, discrepancy 0.35"
    assert lines[1] == "tokens@2026: unconditional 1 / 2 / 3; weighted 1 / 2 / 2" and len(lines) == 4


@pytest.mark.contract
def test_a_base_sample_asks_for_the_memory_of_its_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("costmodel.analysis.pick_freeze.check_memory", lambda *given: asked.append(given[:2]))
    base_sample(2048, 3, rng=0)
    # Both samples and a mixture for each input, of three numbers a point.
    assert asked == [(2048 * 3 * 5, "a sample of 2,048 base points")]


@pytest.mark.closed_form
def test_a_draw_is_flagged_where_any_of_its_cells_is() -> None:
    cells = np.array([[[False, True], [False, False], [False, False]], [[False, False], [False, True], [False, False]]])
    specs = (OutputSpec("b", ("year", "item"), "1", "b"), OutputSpec("x", (), "1", "x"))
    outputs = BlockOutputs(0, specs, (np.moveaxis(cells, 1, 2), np.arange(3)), {})
    assert outputs.flags()["b"].tolist() == [True, True, False] and list(outputs.flags()) == ["b"]
    assert {name: values.dtype for name, (_, values) in outputs.numbers().items()} == {"x": np.float64}
    tall = BlockOutputs(0, specs[:1], (np.array([[True, False], [False, False], [False, False]]),), {})
    assert tall.flags()["b"].tolist() == [True, False]


@pytest.mark.contract
def test_bins_are_fifty_at_most() -> None:
    x = np.arange(130_000.0)  # the root of the third power is 50.66
    assert given_data_indices(x[:, None], x).bins == 50


@pytest.mark.closed_form
def test_misfits_of_all_rows_add_up_to_a_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [SimpleNamespace(value=1.0), SimpleNamespace(value=2.0)]
    misfit = {"misfit_0": np.array([0.0, 0.2]), "misfit_1": np.array([0.1, 0.0])}
    result = SimpleNamespace(draws=2, kept_draws=misfit.__getitem__)
    monkeypatch.setattr(weights, "run_ensemble", lambda *_, **given: result if given["exact"][-1] == "y" else None)
    scenario = SimpleNamespace(name="s", observations=rows)
    # Sums of 0.1 and 0.2 over a squared discrepancy of a quarter: half of 0.4 apart.
    run = weights.weighted_ensemble(scenario, ["y"], discrepancy=0.5, minimum=1.0)
    ratio = np.exp(-0.2)
    assert run.weights == pytest.approx([1 / (1 + ratio), ratio / (1 + ratio)])
    assert run.effective == pytest.approx((1 + ratio) ** 2 / (1 + ratio**2)) and run.outputs == ("y",)
    weights.weighted_ensemble(scenario, ["y"], discrepancy=0.5, minimum=run.effective)
    with pytest.raises(DomainError, match=r"rests on 2\.0 effective draws of 2 \(at least 2 are needed\)"):
        weights.weighted_ensemble(scenario, ["y"], discrepancy=0.5, minimum=2.0)


@pytest.mark.contract
def test_what_an_output_must_be() -> None:
    def select(text: str, result: Any, draws: int = 2) -> list[Any]:
        return Selector.parse(text).select(result, draws)[1].tolist()

    assert (
        select("a", {"a": 3}) == [[3.0, 3.0]] == select("a", {"a": np.array([3])}) == select("a.b", {"a": {"b": 3.0}})
    )
    assert select("a", {"a": np.array([True, False])}) == [[1.0, 0.0]]
    for result, said in (
        ({"a": np.ones(3)}, r"output 'a' has shape \(3,\); it must be one value, or one per draw \(2\)"),
        ({"a": np.ones((2, 2))}, r"has shape \(2, 2\)"), ({"a": "x"}, "output 'a' is not a number"),
    ):  # fmt: skip
        with pytest.raises(DomainError, match=said):
            select("a", result)
    for result, said in (
        (object(), "object has no named fields"),
        ({"b": 1}, "dict has b"),
        ({}, "has no named fields"),
    ):
        with pytest.raises(UnknownParameterError, match=said):
            select("a", result)
    for text in ("a@2030", "a[x]"):
        with pytest.raises(DomainError, match="'a' declares no axes"):
            select(text, {"a": 1.0})
    for ends in ((1.0, 0.5), (0.5, 1.0)):
        knots = {"knots": [["2029-01-01", ends[0]], ["2031-01-01", ends[1]]]}
        moving = written(cost=knots, price=2.0, demand={"volume": 3.0})
        with pytest.raises(DomainError, match=r"'scenario\.cost' changes over time: select it with a callable"):
            select("scenario.cost", firm(moving.resolve()))
    with pytest.raises(
        DomainError, match="an observation is one figure, but the outputs are revenue@2029, revenue@2030"
    ):
        fit(moving, {"share": (0.1, 1.0)}, [Observed("revenue", 3.0)], starts=1, rng=0, model=firm)


@pytest.mark.contract
def test_an_ensemble_needs_an_output() -> None:
    with pytest.raises(ScenarioError, match="dict declares no output: name the outputs of the ensemble"):
        run_ensemble(toy(), draws=4, rng=0, model=lambda resolved: {"a": resolved.price})
    with pytest.raises(ScenarioError, match="declares no output"):
        run_ensemble(toy(), [], draws=4, rng=0, model=toy_model)
    with pytest.raises(UnknownParameterError, match="exclude: 'price' is not a boolean output; there are: falling"):
        run_ensemble(toy(), ["price", "falling"], draws=4, rng=0, exclude="price", model=toy_model)
    with pytest.raises(UnknownParameterError, match="there are: none"):
        run_ensemble(toy(), ["price"], draws=4, rng=0, exclude="price", model=toy_model)
