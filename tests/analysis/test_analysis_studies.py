"""Studies of a model: sensitivity, tornado, elasticities, evidence, comparison, waterfall."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_firm import firm, written

from costmodel.analysis.comparison import Comparison, changed_paths, compare, waterfall
from costmodel.analysis.evidence import evidence_shares, unmeasured_share_text
from costmodel.analysis.one_at_a_time import elasticities, tornado
from costmodel.analysis.problem import as_problem
from costmodel.analysis.sensitivity import (
    first_order_of,
    given_data_study,
    morris_study,
    sobol_study,
)
from costmodel.analysis.shapley import shapley_sampled, shapley_values, subsets
from costmodel.foundation.design import Design
from costmodel.foundation.errors import (
    DomainError,
    InteractionWarning,
    NonFiniteResultError,
    ScenarioError,
    UnknownParameterError,
)
from costmodel.validation.replicas.sensitivity_functions import ishigami, ishigami_indices

AROUND = dict.fromkeys(("x1", "x2", "x3"), (-np.pi, np.pi))
TIED = [{"a": "price", "b": "demand.volume", "rank": 0.5}]


@pytest.mark.closed_form
def test_a_textbook_function_is_a_model():
    study = sobol_study(AROUND, base_points=4096, rng=1, model=ishigami)
    assert study.first[:, 0] == pytest.approx(ishigami_indices()[0], abs=0.02)
    assert study.total[:, 0] == pytest.approx(ishigami_indices()[1], abs=0.02)
    assert study.runs == 4096 * 5
    assert [row["input"] for row in morris_study(AROUND, rng=0, model=ishigami).table().records()] != []
    assert given_data_study(AROUND, rng=0, model=ishigami)[0].first[:, 0] == pytest.approx(
        ishigami_indices()[0], abs=0.05
    )


@pytest.mark.closed_form
def test_a_scenario_by_year_in_one_pass():
    """At an elasticity of −1, revenue is price · volume / price, so that the price has an index of 0."""
    scenario = written(demand={"volume": {"dist": "lognormal", "p5": 50.0, "p95": 200.0}, "elasticity": -1.0})
    study = sobol_study(scenario, ["revenue", "npv"], base_points=256, rng=0, model=firm)
    assert study.outputs == ("revenue@2029", "revenue@2030", "npv")
    assert study.total[:, 0] == pytest.approx([0.0, 1.0], abs=0.1)
    assert (study.first[:, 0] == study.first[:, 1]).all()


@pytest.mark.contract
def test_small_and_large_blocks_of_runs_give_the_same_study():
    seen = []
    one = sobol_study(written(), "npv", base_points=64, rng=0, on_progress=lambda *at: seen.append(at), model=firm)
    assert seen == [(64 * 4, 64 * 4)]
    many = sobol_study(written(), "npv", base_points=8192, rng=0, model=firm)
    assert one.total[:, 0] == pytest.approx(many.total[:, 0], abs=0.15)


@pytest.mark.contract
def test_correlated_inputs_are_refused_where_a_method_forbids_them():
    scenario = written(correlations=TIED)
    for study in (sobol_study, morris_study):
        with pytest.raises(DomainError, match=r"price and demand.volume \(\+0.50\).*one group"):
            study(scenario, "npv", rng=0, model=firm)
    grouped = sobol_study(
        scenario,
        "npv",
        base_points=256,
        groups={"market": ["price", "demand.volume"]},
        rng=0,
        estimator="janon",
        model=firm,
    )
    assert grouped.first[0, 0] == pytest.approx(1.0, abs=1e-12)
    design = Design.random(scenario, 40_000, 0)
    drawn = as_problem(scenario, "npv", model=firm).at(40_000, ranks=design.ranks())[1]
    grouped = sobol_study(
        scenario, "npv", base_points=4096, groups={"market": ["price", "demand.volume"]}, rng=0, model=firm
    )
    assert grouped.mean[0] == pytest.approx(drawn.mean(), rel=0.02)  # without the correlation it is 7 % lower
    assert grouped.variance[0] == pytest.approx(drawn.var(), rel=0.05)
    indices, ranks = given_data_study(scenario, "npv", draws=2000, rng=0, model=firm)
    assert np.isfinite(indices.first).all()
    assert np.isfinite(ranks.partial).all()
    assert tornado(scenario, "npv", rng=0, model=firm).correlated == ("price", "demand.volume")


@pytest.mark.contract
def test_groups_name_known_inputs_once():
    with pytest.raises(UnknownParameterError, match="did you mean 'price'"):
        sobol_study(written(), "npv", groups={"g": ["prise"]}, rng=0, model=firm)
    with pytest.raises(DomainError, match="in two groups"):
        sobol_study(written(), "npv", groups={"g": ["price"], "h": ["price"]}, rng=0, model=firm)
    with pytest.raises(DomainError, match="nothing is uncertain"):
        sobol_study(written(price=2.0, demand={"volume": 3.0}), "npv", rng=0, model=firm)
    with pytest.raises(ScenarioError, match="a study of a scenario needs outputs"):
        sobol_study(written(), rng=0, model=firm)


@pytest.mark.contract
def test_a_study_of_an_ensemble_that_exists_runs_nothing():
    scenario = written()
    design = Design.random(scenario, 3000, 0)
    resolved = scenario.resolve(design)
    result = firm(resolved)
    result = type(result)(
        **{
            **{name: getattr(result, name) for name, spec in result.outputs().items() if not spec.derived},
            "scenario": resolved,
            "design": design,
        }
    )
    again, _ = given_data_study(scenario, "npv", draws=3000, rng=0, model=firm)
    assert first_order_of(result, "npv").first == pytest.approx(again.first, rel=1e-12)
    with pytest.raises(DomainError, match="has no design"):
        first_order_of(firm(scenario.resolve()), "npv")


@pytest.mark.closed_form
def test_tornado_swings_carry_their_sign():
    swings = tornado(written(demand={"volume": 100.0, "elasticity": -1.5}), "revenue@2029", rng=0, model=firm)
    low, high = 1.2, 2.8  # 10 % and 90 % of a uniform range of 1 to 3
    revenue = [4.0 * 100.0 * price**-0.5 for price in (low, high)]
    row = swings.table().records()[0]
    assert (row["from"], row["to"]) == pytest.approx((low, high))
    assert row["swing"] == pytest.approx(revenue[1] - revenue[0], rel=1e-12)
    assert row["swing"] < 0.0


@pytest.mark.closed_form
def test_a_tornado_warns_where_inputs_act_together():
    """For x · y around zero, all first-order indices and all swings from the medians are 0."""
    with pytest.warns(InteractionWarning, match="sum of first-order indices is"):
        swings = tornado({"x": (-1.0, 1.0), "y": (-1.0, 1.0)}, rng=0, model=lambda x, y: x * y)
    assert swings.swing == pytest.approx(np.zeros((2, 1)), abs=1e-15)
    assert swings.first_order.first_sum[0] == pytest.approx(0.0, abs=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tornado({"x": (0.0, 1.0), "y": (0.0, 1.0)}, rng=0, model=lambda x, y: x + y).warning() is None


@pytest.mark.closed_form
def test_elasticities_of_every_parameter_in_one_run():
    calls = []

    def counted(scenario):
        calls.append(1)
        return firm(scenario)

    found = elasticities(written(share=1.0, cost=0.0), ["revenue@2029", "npv"], model=counted)
    by_name = {row["input"]: row["elasticity"] for row in found.table("revenue@2029").records()}
    assert len(calls) == 1
    assert by_name["price"] == pytest.approx(1.0 - 1.2, abs=1e-4)  # p · p^ε
    assert by_name["demand.volume"] == pytest.approx(1.0, rel=1e-10)
    assert by_name["share"] == pytest.approx(1.0, rel=1e-10)  # one-sided: a share cannot pass 1
    assert by_name["demand.elasticity"] == pytest.approx(-1.2 * np.log(2.0), rel=1e-3)  # ε ln p at the median 2
    assert np.isnan(by_name["cost"])  # a relative step cannot move a 0
    with pytest.raises(UnknownParameterError, match="did you mean"):
        elasticities(written(), "npv", paths=["prise"], model=firm)
    with pytest.raises(DomainError, match="step must be between 0 and 1"):
        elasticities(written(), "npv", step=2.0, model=firm)


@pytest.mark.closed_form
def test_evidence_shares_add_up_and_name_the_interaction():
    """(1 + x)(1 + y) with x, y uniform in ±1: V = 2v + v², v = 1/3; each alone v, together v²."""
    scenario = written(
        price={"value": {"dist": "uniform", "low": 1e-9, "high": 2.0}, "source": "k", "grade": "reported"},
        demand={"volume": {"dist": "uniform", "low": 1e-9, "high": 2.0}, "elasticity": 0.0},
        cost=0.0,
        sources={"k": {"title": "A filing"}},
    )
    shares = evidence_shares(scenario, "npv", base_points=4096, rng=0, model=firm)
    v = 1.0 / 3.0
    total = 2.0 * v + v * v
    rows = {row["grade"]: row for row in shares.table().records()}
    assert rows["reported"]["share"] == pytest.approx(v / total, abs=0.02)
    assert rows["assumed"]["share"] == pytest.approx(v / total, abs=0.02)
    assert rows["interaction"]["share"] == pytest.approx(v * v / total, abs=0.02)
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1.0, abs=1e-12)
    alone, with_all = shares.unmeasured()
    assert (alone, with_all) == pytest.approx((v / total, (v + v * v) / total), abs=0.02)
    assert "rests on unmeasured inputs" in unmeasured_share_text(shares)


@pytest.mark.contract
def test_an_input_tied_to_an_assumption_counts_as_one():
    scenario = written(
        price={"value": {"dist": "uniform", "low": 1.0, "high": 3.0}, "source": "k", "grade": "reported"},
        sources={"k": {"title": "A filing"}},
        correlations=TIED,
    )
    shares = evidence_shares(scenario, "npv", base_points=64, rng=0, model=firm)
    assert shares.moved == {"price": "assumed"}
    assert shares.members == {"assumed": ("price", "demand.volume")}
    assert shares.table().records()[0]["share"] == pytest.approx(
        1.0, abs=1e-12
    )  # one grade explains everything, exactly


@pytest.mark.closed_form
def test_comparison_on_shared_draws():
    first = written()
    second = first.replace({"share": 0.5, "name": "halved"})
    found = compare(first, second, "revenue@2029", draws=200, rng=0, model=firm)
    assert found.second == pytest.approx(0.5 * found.first, rel=1e-12)
    row = found.table().records()[0]
    assert row["share_above"] == 0.0
    assert row["spread_kept"] < 0.6  # independent draws would give 1
    same = compare(first, first, "npv", draws=50, rng=0, model=firm)
    assert (same.difference == 0.0).all()
    assert same.table().records()[0]["share_above"] == 0.5


@pytest.mark.closed_form
@pytest.mark.parametrize("draws", [0, 64])
def test_a_waterfall_adds_up_with_numbers_schedules_and_switches(draws):
    first = written(share=0.5)
    second = first.replace(
        {
            "name": "after",
            "share": 0.8,
            "double": True,
            "price": {"dist": "uniform", "low": 1.0, "high": 2.0},
            "cost": {"knots": [["2029-01-01", 1.0], ["2031-01-01", 0.1]]},
            "cap": 150.0,
        }
    )
    found = waterfall(first, second, ["npv", "revenue@2030"], draws=draws, rng=0, model=firm)
    assert set(found.changes) == {"share", "double", "price", "cost", "cap"}
    assert found.first + found.parts.sum(axis=0) == pytest.approx(found.second, rel=1e-12)
    direct = as_problem(second, ["npv", "revenue@2030"], model=firm)
    ranks = Design.random(second, draws, 0).ranks() if draws else None
    assert found.second == pytest.approx(direct.at(max(draws, 1), ranks=ranks)[1].mean(axis=1), rel=1e-12)
    assert found.table().records()[0]["step"] == "firm"
    assert found.table().records()[-1]["value"] == pytest.approx(found.second[0])


@pytest.mark.closed_form
def test_a_waterfall_of_a_product_splits_the_joint_part_evenly():
    first = written(price=1.0, cost=0.0, demand={"volume": 100.0, "elasticity": 0.0})
    second = first.replace({"name": "b", "price": 2.0, "demand.volume": 300.0})
    found = waterfall(first, second, "revenue@2029", model=firm)
    # 4 · p · v: from 400 to 2,400; price alone +400, volume alone +800, together +800 more
    parts = dict(zip(found.changes, found.parts[:, 0], strict=True))
    assert parts == pytest.approx({"price": 400.0 + 400.0, "demand.volume": 800.0 + 400.0})
    grouped = waterfall(first, second, "revenue@2029", parts={"market": ["demand", "price"]}, model=firm)
    assert grouped.parts[:, 0] == pytest.approx([2000.0])


@pytest.mark.contract
def test_waterfall_and_comparison_refusals():
    with pytest.raises(DomainError, match="the same values in every parameter"):
        waterfall(written(), written(name="other", title="renamed"), "npv", model=firm)
    with pytest.raises(DomainError, match="none of cots differs"):
        waterfall(written(), written(share=0.5), "npv", parts={"a": ["cots"]}, model=firm)
    assert changed_paths(written(), written(share=0.5))["share"] == (1.0, 0.5)
    with pytest.raises(NonFiniteResultError, match="npv"):
        compare(written(), written(), "npv", draws=4, rng=0, model=lambda s: {"npv": s.price * np.nan})


@pytest.mark.law
@given(st.lists(st.floats(-10.0, 10.0), min_size=8, max_size=8))
def test_shapley_adds_up_is_symmetric_and_gives_nothing_for_nothing(worth):
    values = np.array(worth)
    shares = shapley_values(values)
    assert shares.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)
    masks = subsets(3)
    dummy = np.array([worth[int(mask[0]) + 2 * int(mask[1])] for mask in masks])  # the third changes nothing
    assert shapley_values(dummy)[2] == pytest.approx(0.0, abs=1e-12)
    swapped = values[[0, 2, 1, 3, 4, 6, 5, 7]]
    assert shapley_values(swapped)[[1, 0, 2]] == pytest.approx(shares, abs=1e-9)


@pytest.mark.closed_form
def test_sampled_shapley_agrees_with_the_exact_one():
    weights = np.array([1.0, 2.0, 3.0, 4.0])

    def worth(masks):
        return np.square(masks @ weights)

    exact = shapley_values(worth(subsets(4)))
    values, error = shapley_sampled(worth, 4, 400, np.random.default_rng(0))
    assert values.sum() == pytest.approx(exact.sum(), rel=1e-12)
    assert (np.abs(values - exact) <= 4.0 * error + 1e-9).all()
    with pytest.raises(DomainError, match="permutations must be at least 2"):
        shapley_sampled(worth, 4, 1, np.random.default_rng(0))
    with pytest.raises(DomainError, match="must cover all subsets"):
        shapley_values([1.0, 2.0, 3.0])


@pytest.mark.closed_form
def test_the_error_of_sampled_shapley_values_is_that_of_a_mean():
    def majority(masks):
        return (masks.sum(axis=1) >= 2).astype(float)

    # of three voters the second in an order decides, in both directions: an order and its reverse agree
    orders = 50
    values, error = shapley_sampled(majority, 3, orders, np.random.default_rng(0))
    assert values.sum() == pytest.approx(1.0, rel=1e-12)
    assert error == pytest.approx(np.sqrt(values * (1.0 - values) / (orders - 1)), rel=1e-12)


@pytest.mark.closed_form
def test_spread_kept_is_over_the_spread_of_independent_draws():
    # changes are (-3, 3): spread 3; apart the two spread 1 and 2 with opposite signs, so sqrt(1 + 4) if independent
    found = Comparison(
        scenarios=("a", "b"),
        outputs=("npv",),
        first=np.array([[1.0, -1.0]]),
        second=np.array([[-2.0, 2.0]]),
        seed=0,
        dropped=0,
    )
    row = found.table().records()[0]
    assert row["spread_kept"] == pytest.approx(3.0 / np.sqrt(1.0 + 4.0), rel=1e-12)
    assert (row["difference_p5"], row["difference_p95"]) == (-3.0, 3.0)  # quantiles are draws
    assert row["share_above"] == 0.5


@pytest.mark.contract
def test_more_changes_than_can_be_tried_in_all_orders_are_sampled(monkeypatch):
    monkeypatch.setattr("costmodel.analysis.comparison.MAX_EXACT", 1)
    first = written(share=0.5)
    second = first.replace({"name": "b", "share": 0.8, "cost": 0.5, "price": 1.5})
    found = waterfall(first, second, "npv", permutations=20, rng=0, model=firm)
    assert found.first + found.parts.sum(axis=0) == pytest.approx(found.second, rel=1e-12)
    assert found.error.max() >= 0.0


@pytest.mark.contract
def test_ranges_and_paths_that_are_not():
    with pytest.raises(ScenarioError, match="x1: give a number"):
        as_problem({"x1": "wide"}, model=ishigami)
    with pytest.raises(ScenarioError, match="needs a function"):
        as_problem({"x1": 1.0})
    with pytest.raises(UnknownParameterError, match="did you mean 'price'"):
        as_problem(written(), "npv", model=firm).at(1, values={"prise": np.ones(1)})
    with pytest.raises(UnknownParameterError, match="no such argument"):
        as_problem(AROUND, model=ishigami).at(1, values={"x9": np.ones(1)})
    with pytest.raises(DomainError, match="outside the allowed range"):
        as_problem(written(), "npv", model=firm).at(1, values={"share": np.array([2.0])})


@pytest.mark.contract
def test_a_training_run_a_deployment_and_an_agent_task_are_studied_like_the_flywheel():
    from costmodel.analysis import break_even
    from costmodel.entry import load_scenario

    run = elasticities(load_scenario("deepseek-v3-run"), "flop", paths=["tokens", "mfu"])
    assert run.values[:, 0] == pytest.approx([1.0, 0.0], abs=1e-9)
    task = tornado(load_scenario("agent-task"), "output_tokens", draws=512, rng=0)
    assert task.table().records()[0]["input"] == "steps"
    service = load_scenario("token-on-h100")
    price = break_even(service, "max_time_per_output_token", "batch >= 100", low=0.03, high=0.2)
    assert price.holds[-1][1] == pytest.approx(0.2)
    assert sobol_study(service, "batch", base_points=64, rng=0, on_nonfinite="drop").runs > 64


@pytest.mark.closed_form
def test_a_waterfall_between_files_with_other_sources_adds_up():
    sourced = {"value": 0.5, "source": "old", "grade": "published"}
    first = written(share=sourced, price=2.0, sources={"old": {"title": "Old"}})
    newer = {"value": 0.8, "source": "new", "grade": "published"}
    switched = {"double": True, "share": newer}
    second = first.replace({"name": "b", "sources": {"new": {"title": "New"}}, **switched})
    found = waterfall(first, second, "npv", model=firm, rng=0)
    assert set(found.changes) == {"double", "share"}
    assert found.first + found.parts.sum(axis=0) == pytest.approx(found.second, rel=1e-12)


@pytest.mark.closed_form
def test_a_switch_is_an_input_of_every_study():
    # npv = 8 steps of (price − cost) × volume / price^1.2, with cost = price / 4 by the switch
    tied = written(
        price=2.0, switches={"pay": {"description": "Price and cost.", "moves": {"price": 1.0, "cost": 0.25}}}
    )
    spread = tied.replace({"pay": {"dist": "uniform", "low": 1.0, "high": 3.0}})
    problem = as_problem(spread, "npv", model=firm)
    assert problem.names == ("pay", "demand.volume") and problem.grade("pay").value == "assumed"
    values = {"pay": np.array([1.0, 2.0])}
    volume = spread.demand.volume.median()
    expected = [8 * 0.75 * pay * volume * pay**-1.2 for pay in (1.0, 2.0)]
    assert problem.at(2, values=values)[1][0] == pytest.approx(expected, rel=1e-12)
    assert tornado(spread, "npv", model=firm, draws=0, rng=0).names == ("pay", "demand.volume")


@pytest.mark.contract
def test_an_ensemble_by_year_is_labelled_by_year_with_what_repeats_it():
    pytest.importorskip("xarray")
    from costmodel.analysis.ensemble import run_ensemble

    found = run_ensemble(written(), ["revenue@*", "npv", "book"], draws=50, rng=3, model=firm)
    data = found.to_xarray()
    assert data["revenue"].dims == ("quantile", "year") and data["year"].values.tolist() == [2029, 2030]
    assert data["revenue"].sel(quantile=0.5, year=2030).item() == found.quantile("revenue@2030", 0.5)
    assert data["revenue_mean"].sel(year=2029).item() == found.mean("revenue@2029")
    assert data["npv"].dims == ("quantile",)
    assert str(data["bound"].values[0])[:10] == "2029-01-01" and data["book"].dims == ("quantile", "bound")
    assert data["revenue"].attrs["units"] == "USD" and data["revenue"].attrs["long_name"] == "revenue"
    assert data.attrs["seed"] == "3" and type(written()).from_toml(data.attrs["scenario_toml"]) == written()
