"""Backtests: scenarios as known at a date, and forecasts scored against outcomes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from toy_firm import firm, written

from costmodel.analysis.assimilation import consistent_draws
from costmodel.analysis.backtesting import backtest, backtest_dates, plan_for
from costmodel.analysis.calibration import Observed
from costmodel.analysis.known_at_a_date import Plan, Standing, as_known, latest_day
from costmodel.entry import load_scenario
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError

SOURCES = {
    "early": {"title": "An early filing", "date": "2028-11"},
    "late": {"title": "A late study", "date": "2030-02"},
    "undated": {"title": "A web page"},
}


def dated(**changes):
    return written(
        price={"value": 2.0, "source": "late", "grade": "published"},
        cost={
            "value": {"knots": [["2029-01-01", 1.0], ["2030-06-01", 0.2]]},
            "source": "undated",
            "grade": "secondary",
        },
        share={"value": 0.9, "source": "early", "grade": "reported"},
        demand={"volume": 100.0, "elasticity": -1.0},
        sources=SOURCES,
        **changes,
    )


def plan(**changes):
    form = {
        "scenario": "firm",
        "as_of": "2029-06-30",
        "records": {"price": {"value": 2.5, "why": "the price list of then", "known": "2029-05"}},
        "cut": {"cost": "costs up to then"},
        "priors": {
            "demand.volume": {"value": {"dist": "lognormal", "p5": 50.0, "p95": 200.0}, "why": "within a factor of two"}
        },
        "hindsight": {"demand.elasticity": "assumed later"},
    }
    return Plan(**{**form, **changes})


@pytest.mark.contract
def test_every_parameter_stands_as_it_was_known():
    found = as_known(dated(), plan())
    assert {line.path: line.standing for line in found.lines} == {
        "price": Standing.RECORD,
        "cost": Standing.CUT,
        "share": Standing.KNOWN,
        "demand.volume": Standing.PRIOR,
        "demand.elasticity": Standing.HINDSIGHT,
    }
    assert found.scenario.price == 2.5
    assert [date for date, _ in found.scenario.cost.knots] == [dt.date(2029, 1, 1)]
    assert isinstance(found.scenario.demand.volume, Distribution)
    assert found.scenario.share == 0.9
    assert found.counts() == {"known": 1, "record": 1, "prior": 1, "cut": 1, "absent": 0, "hindsight": 1}
    assert [line.why for line in found.of(Standing.RECORD)] == ["the price list of then (2029-05)"]


@pytest.mark.contract
def test_what_was_not_known_is_refused_by_name():
    with pytest.raises(
        ScenarioError, match=r"price \(source of 2030-02\), cost \(no dated source\), demand.elasticity"
    ):
        as_known(dated(), plan(records={}, cut={}, hindsight={}))
    with pytest.raises(ScenarioError, match="published 2029-07, so not known by 2029-06-30"):
        as_known(dated(), plan(records={"price": {"value": 2.5, "why": "later", "known": "2029-07"}}))
    with pytest.raises(ScenarioError, match="at no stated date"):
        as_known(dated(), plan(records={"price": {"value": 2.5, "why": "whenever"}}))
    with pytest.raises(ScenarioError, match="leaves no knot"):
        as_known(dated(), plan(as_of="2028-12-30", records={}, hindsight={"price": "x", "demand.*": "x"}))
    with pytest.raises(UnknownParameterError, match="'prise' matches no parameter"):
        as_known(dated(), plan(hindsight={"prise": "a slip"}))


@pytest.mark.contract
def test_dates_after_the_day_and_centres_set_later_are_listed_as_hindsight():
    scenario = load_scenario("bond-flywheel")
    known = as_known(scenario, plan_for("bond-flywheel", "2023-12-31"))
    texts = [f"{line.path}: {line.why}" for line in known.of(Standing.HINDSIGHT)]
    assert "market.reasoning.launch: dated 2024-09-01" in texts
    assert any(text.startswith("market.chat.tokens: centre of its prior") for text in texts)
    plan = known.scenario.operators["industry"].plan
    assert (plan.until, plan.sites) == (dt.date(2025, 1, 1), None)
    fixed = [date for date, value in plan.capex.knots if not isinstance(value, Distribution)]
    assert max(fixed) <= dt.date(2024, 1, 1)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "day"),
    [("2024", dt.date(2024, 12, 31)), ("2024-02", dt.date(2024, 2, 29)), ("2024-02-03", dt.date(2024, 2, 3))],
)
def test_a_date_counts_by_its_last_day(text, day):
    assert latest_day(text) == day


def observed(values, first=2029):
    return tuple(
        {"output": "revenue", "date": str(first + k), "value": float(v), "unit": "USD", "source": "early"}
        for k, v in enumerate(values)
    )


@pytest.mark.closed_form
def test_a_forecast_is_scored_against_what_happened():
    """Revenue of a year is 4 · 0.9 · v at ε = −1, for any price: lognormal around 360 with the prior of v."""
    scenario = dated(observations=observed([700.0, 800.0]))
    found = backtest(scenario, plan(as_of="2028-12-31", **_all_prior()), draws=20_000, rng=0, model=firm)
    spread = np.hypot(np.log(2.0) / 1.6448536, 0.2)  # of the prior and of the observation
    rows = found.unconditional.table().records()
    assert [row["observed"] for row in rows] == [700.0, 800.0]
    assert rows[0]["median"] == pytest.approx(360.0, rel=0.02)
    assert rows[0]["high"] == pytest.approx(360.0 * np.exp(1.2815516 * spread), rel=0.03)
    assert not rows[0]["inside"]
    assert found.unconditional.overall.n == 2
    assert (found.weighted, found.refusal) == (None, "nothing was observed up to the date")


@pytest.mark.closed_form
def test_history_weights_give_the_posterior_of_the_conjugate_case():
    """A lognormal prior and one lognormal observation: the posterior mean is their precision-weighted mean."""
    scenario = dated(observations=observed([700.0, 800.0]))
    found = backtest(scenario, plan(as_of="2029-12-31", **_all_prior()), draws=40_000, rng=0, model=firm)
    prior, error = np.log(2.0) / 1.6448536, 0.2
    share = prior**2 / (prior**2 + error**2)
    expected = np.exp(share * np.log(700.0) + (1.0 - share) * np.log(360.0))
    assert found.weighted is not None
    row = found.weighted.table().records()[0]
    assert (row["date"], row["observed"]) == ("2030", 800.0)
    assert row["median"] == pytest.approx(expected, rel=0.02)
    assert row["inside"]
    assert found.weighted.effective_draws > 1000
    assert found.weighted.crps < found.unconditional.crps
    assert found.published_later == ()
    assert len(found.hindsight) == 2


@pytest.mark.contract
def test_weights_with_too_few_effective_draws_are_refused():
    scenario = dated(observations=observed([1e6, 800.0]))
    found = backtest(scenario, plan(as_of="2029-12-31", **_all_prior()), draws=500, rng=0, model=firm)
    assert found.weighted is None
    assert "of 500 draws are effective" in found.refusal


@pytest.mark.contract
def test_backtest_refusals():
    with pytest.raises(ScenarioError, match="no observation of 'firm' lies after"):
        backtest(
            dated(observations=observed([1.0, 1.0])), plan(as_of="2030-12-31", **_all_prior()), draws=10, model=firm
        )
    with pytest.raises(ScenarioError, match="fewer than two of 10 draws"):
        scenario = dated(observations=observed([1.0, 1.0]))
        model = lambda s: {"revenue": -1.0}  # noqa: E731
        backtest(
            scenario, plan(as_of="2028-12-31", **_all_prior()), read=lambda r, _: r["revenue"], draws=10, model=model
        )
    with pytest.raises(ScenarioError, match="use one of bond-flywheel as of 2023-12-31"):
        plan_for("bond-flywheel", "1999-12-31")


def _all_prior():
    volume = {"dist": "lognormal", "p5": 50.0, "p95": 200.0}
    return {
        "records": {},
        "cut": {},
        "hindsight": {"price": "x", "cost": "x"},
        "priors": {
            "demand.volume": {"value": volume, "why": "a factor of two"},
            "demand.elasticity": {"value": -1.0, "why": "unit elasticity"},
        },
    }


@pytest.mark.contract
@pytest.mark.parametrize("as_of", ["2023-12-31", "2024-12-31", "2025-12-31"])
def test_the_built_in_backtests_of_the_flywheel_run_and_report_their_n(as_of):
    from costmodel.flywheel.history import read_off

    scenario = load_scenario("bond-flywheel")
    found = backtest(scenario, plan_for(scenario.name, as_of), read=read_off, draws=400, rng=0)
    assert set(found.unconditional.by_output) >= {"tokens", "capex", "rental_price"}
    assert found.unconditional.overall.n == sum(held.n for held in found.unconditional.by_output.values())
    assert all(row["low"] < row["median"] < row["high"] for row in found.unconditional.table().records())
    assert len(found.hindsight) > 50
    assert found.published_later
    assert found.consistent.misfit[1] < 1.5 < found.consistent.misfit[0]
    assert found.conditioned.crps < found.unconditional.crps


@pytest.mark.published
def test_capex_a_year_ahead_is_what_its_own_past_foretells():
    """The prior of a plan a year ahead restated from yearly capex of the five companies, shared facts."""
    growth = np.array([0.239, 0.305, 0.449, 0.077, 0.285, 0.295, 0.197, -0.039, 0.409, 0.525])  # log, 2016 to 2025
    for years, share in ((8, 0.40), (9, 0.55), (10, 0.70)):
        capex = plan_for("bond-flywheel", f"{2015 + years}-12-31").priors["operators.industry.plan.capex"].value
        (_, last), (_, ahead) = capex["knots"][-2:]
        past, rng = growth[:years], np.random.default_rng(0)
        spread = past.std(ddof=1) * np.sqrt(1.0 + 1.0 / years)
        drawn = past.mean() + spread * rng.standard_t(years - 1, 100_000)
        low, high = np.exp(np.quantile(drawn - 0.5 * np.log(share) * rng.random(100_000), [0.05, 0.95]))
        assert (ahead["p5"] / last, ahead["p95"] / last) == (
            pytest.approx(low, rel=0.03),
            pytest.approx(high, rel=0.03),
        )


@pytest.mark.closed_form
@pytest.mark.parametrize("rounds", [1, 4])
def test_draws_consistent_with_history_are_the_posterior_of_the_conjugate_case(rounds):
    """Two normal inputs, of which only the sum is observed: the exact posterior; their difference keeps its prior."""
    ranges = {"a": {"dist": "normal", "mean": 1.0, "sd": 1.0}, "b": {"dist": "normal", "mean": 0.0, "sd": 2.0}}
    seen = [Observed("total", 4.0, 0.5, log=False)]
    found = consistent_draws(ranges, seen, draws=20_000, rng=0, rounds=rounds, model=lambda a, b: {"total": a + b})
    from scipy.special import ndtri

    ranks = found.design.ranks()
    a, b = 1.0 + ndtri(ranks["a"]), 2.0 * ndtri(ranks["b"])
    gain = np.array([1.0, 4.0]) / (1.0 + 4.0 + 0.25)
    assert (a.mean(), b.mean()) == (
        pytest.approx(1.0 + 3.0 * gain[0], abs=0.03),
        pytest.approx(3.0 * gain[1], abs=0.05),
    )
    assert np.std(a + b) == pytest.approx(np.sqrt(5.0 * 0.25 / 5.25), rel=0.05)
    assert np.std(2.0 * a - 0.5 * b) == pytest.approx(np.sqrt(5.0), rel=0.05), "what is not seen keeps its prior"


@pytest.mark.contract
def test_draws_consistent_with_history_refuse_what_they_cannot_do():
    ranges, model = {"x": (0.0, 1.0)}, lambda x: {"y": np.where(x > 0.01, np.nan, x)}
    seen = [Observed("y", 0.5, 0.1, log=False)]
    with pytest.raises(DomainError, match="at least 100 draws"):
        consistent_draws(ranges, seen, draws=99, model=model)
    with pytest.raises(DomainError, match="uncertain inputs and something observed"):
        consistent_draws(ranges, [], draws=200, model=model)
    with pytest.raises(DomainError, match="of 1000 draws give finite figures"):
        consistent_draws(ranges, seen, draws=1000, rng=0, model=model)


@pytest.mark.contract
def test_every_date_with_a_plan_is_listed():
    assert backtest_dates("bond-flywheel") == ("2023-12-31", "2024-12-31", "2025-12-31")
    assert backtest_dates("firm") == ()
