"""The token market as a model: closed forms, laws, refusals, ensembles."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.design import Design
from costmodel.foundation.errors import ConvergenceError, DomainError, ScenarioError, UnknownParameterError
from costmodel.market.inputs import TokenMarket
from costmodel.market.model import run_market
from costmodel.testing.market import token_markets


def market(cost=(0.3, 0.4), workload=None, **options):
    chat = {"tokens": 1e15, "price": "2 USD/Mtoken", "price_elasticity": -1.11, **(workload or {})}
    return TokenMarket(
        name="market",
        time={"start": "2026-01", "end": "2029-01", "step": "month"},
        cost={"hardware_decline": cost[0], "software_decline": cost[1]},
        workloads={"chat": chat, **options.pop("others", {})},
        **options,
    )


@pytest.mark.closed_form
def test_one_workload_without_lags_is_the_formula():
    result = run_market(market().resolve())
    elapsed = result.scenario.grid.mid - 2026.0
    price = 2e-6 * np.exp(-0.7 * elapsed)
    assert np.allclose(result.price[:, 0], price, rtol=1e-12)
    assert np.allclose(result.total_tokens, 1e15 * (price / 2e-6) ** -1.11, rtol=1e-12)
    assert np.allclose(result.total_user_spend, 2e9 * np.exp(0.11 * 0.7 * elapsed), rtol=1e-12)
    assert np.allclose(result.average_price, price, rtol=1e-12)
    assert np.allclose(
        result.rebound[:, 0], (np.exp(1.11 * 0.7 * elapsed) - 1) / (np.exp(0.7 * elapsed) - 1), rtol=1e-9
    )


@pytest.mark.closed_form
def test_price_and_notice_follow_with_their_lags():
    result = run_market(market(workload={"price_memory": 2.0}, price_speed=3.0).resolve())
    t, g, theta, memory = result.scenario.grid.mid - 2026.0, 0.7, 3.0, 2.0
    # first-order lag of a ramp: -g (t - (1 - exp(-θ t))/θ)
    lagged = -g * (t - (1 - np.exp(-theta * t)) / theta)
    assert np.allclose(np.log(result.price[:, 0] / 2e-6), lagged, rtol=1e-10)
    # the second lag follows the first, taken as linear within a step
    fast, slow = np.exp(-theta * t), np.exp(-memory * t)
    twice = -g * (t - 1 / theta - 1 / memory + (memory * fast / theta - theta * slow / memory) / (memory - theta))
    assert np.allclose(np.log(result.noticed_price[:, 0] / 2e-6), twice, atol=2e-3)


@pytest.mark.closed_form
def test_growth_is_the_sum_of_its_causes():
    workload = {
        "adoption": {"kind": "logistic", "growth": 1.3, "ceiling": 15.0},
        "intensity_growth": 0.58,
        "intensity_fade": 4.0,
        "capability_elasticity": 0.12,
    }
    result = run_market(market(workload=workload, capability_growth=1.5).resolve())
    split = result.growth("chat")
    assert split.total == pytest.approx(math.log(result.tokens[-1, 0] / result.tokens[0, 0]), rel=1e-12)
    span = 2026 + 3 - 1 / 24 - (2026 + 1 / 24)
    assert split.price == pytest.approx(1.11 * 0.7 * span, rel=1e-9)
    fade = 0.58 * 4 * (math.exp(-1 / 24 / 4) - math.exp(-(3 - 1 / 24) / 4))
    assert split.intensity == pytest.approx(fade + 0.12 * 1.5 * span, rel=1e-9)
    with pytest.raises(UnknownParameterError, match="did you mean 'chat'"):
        result.growth("chatt")


@pytest.mark.closed_form
def test_learning_by_doing_converges_to_its_closed_form_growth():
    # one workload: g_D = |ε| (g_hw + g_sw) / (1 - b|ε|) once cumulative tokens grow as fast as tokens
    scenario = market().replace({"cost.experience_exponent": 0.2, "cost.initial_cumulative_tokens": 1e15 / 0.999})
    growth = 1.11 * 0.7 / (1 - 0.2 * 1.11)
    scenario = scenario.replace({"cost.initial_cumulative_tokens": 1e15 / growth})
    result = run_market(scenario.resolve())
    rates = np.diff(np.log(result.total_tokens)) * 12
    assert np.allclose(rates[1:], growth, rtol=2e-3)


@pytest.mark.closed_form
def test_cumulative_tokens_at_mid_step_are_corrected_so_that_the_step_hardly_matters():
    changes = {"cost.experience_exponent": 0.3, "cost.initial_cumulative_tokens": 1e15}
    totals = []
    for step in ("half-month", "quarter"):
        result = run_market(market().replace({**changes, "time.step": step}).resolve())
        growth = 1.11 * 0.7 / (1 - 0.3 * 1.11)
        totals.append(np.log(result.total_tokens[-1]) - growth * (result.scenario.grid.mid[-1] - 2029.0))
    assert totals[1] == pytest.approx(totals[0], abs=0.006)


@pytest.mark.closed_form
def test_a_budget_bounds_user_spend_and_a_launch_starts_a_workload():
    scenario = market(workload={"budget": 2.5e9, "budget_sharpness": 40.0, "price_elasticity": -1.8})
    bounded = run_market(scenario.resolve())
    split = bounded.growth("chat")  # what the budget takes counts as intensity, so that the parts are the whole
    assert split.total == pytest.approx(math.log(bounded.tokens[-1, 0] / bounded.tokens[0, 0]), rel=1e-12)
    assert split.intensity < 0.0
    spend = bounded.total_user_spend
    assert np.all(spend <= 2.5e9 * (1 + 1e-12))
    assert spend[-1] == pytest.approx(2.5e9, rel=0.01)
    result = run_market(market(workload={"launch": "2027-01", "ramp": 0.5}).resolve())
    launched = {"launch": "2027-01", "adoption": {"kind": "logistic", "growth": 1.3, "ceiling": 15.0}}
    adoption = run_market(market(workload=launched).resolve()).adoption[:, 0]
    # nothing before the launch; the index counts from the start: after it, a year and half a month of growth
    assert adoption[11] == 0.0
    assert adoption[12] == pytest.approx(15 / (1 + 14 * math.exp(-1.3 * (1 + 1 / 24))), rel=1e-9)
    assert result.tokens[11, 0] == 0.0 and result.tokens[18, 0] > result.tokens[13, 0] > 0
    with pytest.raises(DomainError, match="no tokens"):
        result.growth("chat")


@pytest.mark.closed_form
def test_paid_share_and_discounts_lower_user_spend_and_nothing_else():
    base = run_market(market().resolve())
    result = run_market(market(workload={"paid_share": 0.5, "price_realisation": 0.8}).resolve())
    assert np.allclose(result.user_spend, 0.4 * base.user_spend, rtol=1e-12)
    assert np.array_equal(result.tokens, base.tokens)


@pytest.mark.closed_form
def test_substitution_equal_to_elasticity_changes_nothing_and_more_moves_usage_to_the_cheaper():
    agents = {"agents": {"tokens": 5e14, "price": "6 USD/Mtoken", "price_elasticity": -1.11, "price_memory": 0.5}}
    plain = run_market(market(others=agents).resolve())
    same = run_market(market(others=agents, substitution=1.11).resolve())
    more = run_market(market(others=agents, substitution=3.0).resolve())
    assert np.allclose(same.tokens, plain.tokens, rtol=1e-10)
    # chat's fall is noticed at once, agents' later: with substitution chat gains and agents lose
    assert more.tokens[-1, 0] > plain.tokens[-1, 0]
    assert more.tokens[-1, 1] < plain.tokens[-1, 1]


@pytest.mark.law
@given(scenario=token_markets())
def test_any_market_is_finite_consistent_and_survives_being_written(scenario):
    result = run_market(scenario.resolve())
    for name, spec in result.outputs().items():
        assert spec.blank or np.all(np.isfinite(result[name])), name
        assert not result[name].flags.writeable
    assert np.all(result.tokens >= 0) and np.all(result.ceiling <= 1 + 1e-12)
    assert np.allclose(result.total_user_spend, result.user_spend.sum(axis=1), rtol=1e-12)
    assert TokenMarket.from_toml(scenario.to_toml()) == scenario


@pytest.mark.law
@given(scenario=token_markets())
def test_rescaling_money_and_tokens_rescales_what_bears_them(scenario):
    k = 1000.0
    changes = {"cost.initial_cumulative_tokens": scenario.cost.initial_cumulative_tokens * k}
    for name, item in scenario.workloads.items():
        changes[f"workloads.{name}.tokens"] = item.tokens * k
        changes[f"workloads.{name}.price"] = item.price / k
    plain, scaled = run_market(scenario.resolve()), run_market(scenario.replace(changes).resolve())
    assert np.allclose(scaled.tokens, k * plain.tokens, rtol=1e-9)
    assert np.allclose(scaled.price, plain.price / k, rtol=1e-9)
    assert np.allclose(scaled.user_spend, plain.user_spend, rtol=1e-9)
    assert np.allclose(scaled.price_response, plain.price_response, rtol=1e-9)


@pytest.mark.law
def test_slice_of_an_ensemble_is_the_scalar_market():
    uncertain = {
        "workloads.chat.price_elasticity": {"dist": "uniform", "low": -1.8, "high": -0.5},
        "workloads.chat.intensity_growth": {"dist": "normal", "p5": 0.1, "p95": 0.9},
        "cost.software_decline": {"dist": "uniform", "low": 0.2, "high": 1.0},
        "substitution": {"dist": "uniform", "low": 0.5, "high": 3.0},
        "cost.experience_exponent": {"dist": "uniform", "low": 0.0, "high": 0.2},
        "cost.initial_cumulative_tokens": 1e15,
    }
    agents = {"agents": {"tokens": 5e14, "price": "6 USD/Mtoken", "price_elasticity": -0.9, "budget": 1e10}}
    scenario = market(others=agents, price_speed=2.0, substitution=1.0).replace(uncertain)
    design = Design.random(scenario, draws=5, rng=0)
    drawn = scenario.resolve(design)
    together = run_market(drawn)
    assert together.draws == 5
    for draw in range(5):
        values = {
            path: float(np.asarray(dict_value(drawn, path))[draw])
            for path in uncertain
            if path != "cost.initial_cumulative_tokens"
        }
        alone = run_market(scenario.replace(values).resolve())
        for name in alone.outputs():
            assert np.array_equal(together[name][..., draw], alone[name]), name


def dict_value(scenario, path):
    return next(value for known, value, _, _ in scenario.walk() if known == path)


@pytest.mark.contract
def test_results_name_their_axes():
    pytest.importorskip("xarray")
    data = run_market(market().resolve()).to_xarray()
    assert data.tokens.dims == ("step", "workload")
    assert list(data.workload.values) == ["chat"]
    assert data.tokens.attrs["units"] == "token/year"


@pytest.mark.contract
def test_markets_that_have_no_meaning_are_refused():
    with pytest.raises(ScenarioError, match="initial_cumulative_tokens"):
        market().replace({"cost.experience_exponent": 0.2})
    runaway = market().replace({"cost.initial_cumulative_tokens": 1e15, "cost.experience_exponent": 0.95})
    with pytest.raises(ConvergenceError, match="budget"):
        run_market(runaway.resolve())
    bounded = runaway.replace({"workloads.chat.budget": 1e10})
    assert np.all(np.isfinite(run_market(bounded.resolve()).tokens))
    with pytest.raises(DomainError, match="allowed range"):
        market(workload={"price_elasticity": 0.5})
    with pytest.raises(ScenarioError, match="whole, positive"):
        TokenMarket(
            name="m", time={"start": "2026-01", "end": "2026-02", "step": "quarter"},
            cost={"hardware_decline": 0.0, "software_decline": 0.0},
            workloads={"chat": {"tokens": 1.0, "price": 1e-6, "price_elasticity": 0.0}},
        )  # fmt: skip
    with pytest.raises(ScenarioError, match="growth would do nothing"):
        market(workload={"adoption": {"kind": "bass", "growth": 1.0}})
    with pytest.raises(ScenarioError, match="needs a launch"):
        market(workload={"ramp": 0.5})
    with pytest.raises(UnknownParameterError, match="did you mean 'budget'"):
        market(workload={"bugdet": 1.0})


@pytest.mark.closed_form
def test_experience_within_a_step_is_foretold_and_mended():
    # price follows experience at once, c ∝ X^-w, and tokens the price: dX/dt = q0 (X/X0)^a with a = -w ε, so that
    # X^(1-a) = X0^(1-a) (1 + (1-a) q0/X0 t); with what the last step sold as a forecast the error stays below 0.1 %
    scenario = TokenMarket(
        name="m",
        time={"start": "2026-01", "end": "2030-01", "step": "quarter"},
        cost={
            "hardware_decline": 0.0,
            "software_decline": 0.0,
            "experience_exponent": 0.5,
            "initial_cumulative_tokens": 1e12,
        },
        workloads={"chat": {"tokens": 1e12, "price": "1 USD/Mtoken", "price_elasticity": -1.2}},
    )
    power = 0.5 * 1.2
    elapsed = np.asarray(scenario.grid.mid) - 2026.0
    grown = (1.0 + (1.0 - power) * elapsed) ** (power / (1.0 - power))
    error = run_market(scenario.resolve()).total_tokens / (1e12 * grown) - 1.0
    assert abs(error[0]) < 0.003  # the first half step has no earlier step to extrapolate from
    assert np.all(np.abs(error) < 0.004)
    assert abs(error[-1]) < 0.001


@pytest.mark.closed_form
def test_unit_cost_is_the_price_without_its_mark_up_where_none_is_written():
    marked = run_market(market(workload={"markup": 0.6}).resolve())
    elapsed = np.asarray(marked.scenario.grid.mid) - 2026.0
    assert np.allclose(marked.unit_cost[:, 0], 2e-6 / 1.6 * np.exp(-0.7 * elapsed), rtol=1e-12)
    assert np.allclose(marked.price[:, 0], 2e-6 * np.exp(-0.7 * elapsed), rtol=1e-12)


RATES = [path for path, _, spec, _ in market().walk() if spec.growth]


def scheduled(*knots, kind="step"):
    return {"knots": [list(knot) for knot in knots], "interpolation": kind}


@pytest.mark.law
@given(st.sampled_from(RATES), st.floats(0.0, 1.5), st.sampled_from(["2024-05-01", "2026-03-17", "2031-01-01"]))
def test_a_rate_scheduled_as_the_same_number_is_the_number(path, rate, middle):
    plain = market(workload={"capability_elasticity": 0.1}).replace({path: rate})
    knots = ("2023-01-01", rate), (middle, rate), ("2040-01-01", rate)
    for kind in ("step", "linear"):
        same = run_market(plain.replace({path: scheduled(*knots, kind=kind)}).resolve())
        for name in ("price", "tokens", "adoption", "intensity", "capability_response", "surplus"):
            np.testing.assert_allclose(same[name], run_market(plain.resolve())[name], rtol=1e-11, err_msg=name)


@pytest.mark.closed_form
def test_steps_of_the_rates_are_products_of_powers():
    jump = scheduled(("2026-01-01", 0.9), ("2027-01-01", 0.4))
    workload = {"adoption": {"growth": jump}, "intensity_growth": jump, "capability_elasticity": 0.5}
    result = run_market(market(cost=(jump, jump), workload=workload, capability_growth=jump).resolve())
    last = 1 / 24  # half a month is left at the last mid-step
    grown = math.exp(0.9) ** 1 * math.exp(0.4) ** (2 - last)
    assert result.adoption[-1, 0] == pytest.approx(grown, rel=1e-12)
    assert result.intensity[-1, 0] == pytest.approx(grown, rel=1e-12)
    assert result.capability_response[-1, 0] == pytest.approx(grown**0.5, rel=1e-12)
    assert result.price[-1, 0] == pytest.approx(2e-6 / grown**2, rel=1e-12)
    assert result.tokens[-1, 0] == pytest.approx(1e15 * grown * grown * grown**0.5 * (grown**-2) ** -1.11, rel=1e-11)
    one = run_market(market(cost=(0.3, jump)).resolve())
    assert one.price[-1, 0] == pytest.approx(2e-6 * math.exp(-0.3 * (3 - last)) / grown, rel=1e-12)


@pytest.mark.closed_form
def test_a_logistic_adoption_whose_rate_steps_goes_on_from_where_it_was():
    adoption = {"kind": "logistic", "growth": scheduled(("2026-01-01", 0.9), ("2027-01-01", 0.4)), "ceiling": 15.0}
    result = run_market(market(workload={"adoption": adoption}).resolve())
    # odds A/(C - A) grow by exp(g t), whatever g was before
    odds = result.adoption[-1, 0] / (15.0 - result.adoption[-1, 0])
    assert odds == pytest.approx(1 / 14 * math.exp(0.9) * math.exp(0.4 * (2 - 1 / 24)), rel=1e-12)


@pytest.mark.contract
def test_a_scheduled_rate_is_refused_where_it_says_two_things():
    jump = scheduled(("2026-01-01", 0.9), ("2027-01-01", -0.4))
    with pytest.raises(
        ScenarioError, match=r"workloads\.chat: intensity_growth is scheduled.*leave out intensity_fade"
    ):
        market(workload={"intensity_growth": jump, "intensity_fade": 4.0})
    with pytest.raises(ScenarioError, match=r"workloads\.chat\.adoption: a logistic .* at least 0; given -0\.4"):
        market(workload={"adoption": {"kind": "logistic", "growth": jump, "ceiling": 15.0}})
    spread = {"dist": "uniform", "low": -1.0, "high": 0.2}
    late = market(workload={"adoption": {"kind": "logistic", "growth": scheduled(("2026-01-01", spread))}})
    with pytest.raises(DomainError, match=r"adoption\.growth: a logistic adoption needs at least 0"):
        run_market(late.resolve())
    with pytest.raises(ScenarioError, match=r"price_elasticity: cannot be scheduled.*write a number or a distribution"):
        market(workload={"price_elasticity": scheduled(("2026-01-01", -1.0))})


@pytest.mark.closed_form
def test_draws_of_a_scheduled_rate_reach_the_market():
    spread = {"dist": "uniform", "low": 0.0, "high": 1.0}
    scenario = market(workload={"intensity_growth": scheduled(("2026-01-01", 0.5), ("2027-01-01", spread))})
    assert scenario.uncertain_paths() == ("workloads.chat.intensity_growth",)
    design = Design.random(scenario, 5, 3)
    result = run_market(scenario.resolve(design))
    drawn = design.ranks()["workloads.chat.intensity_growth"]  # of a uniform distribution from 0 to 1, the value too
    np.testing.assert_allclose(result.intensity[-1, 0], np.exp(0.5 + drawn * (2 - 1 / 24)), rtol=1e-12)
    one = Design.random(scenario, 1, 3)
    assert run_market(scenario.resolve(one)).tokens.shape == (36, 1, 1)
