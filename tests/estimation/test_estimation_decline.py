"""Fits of decline: recovery, coverage, collinearity, held-out years; forecasts and their width."""

import math

import numpy as np
import pytest

from costmodel.estimation.decline import CostSeries, Form, Noise, fit_decline, held_out
from costmodel.estimation.forecast import (
    error_variance,
    forecast_moore,
    forecast_wright,
    published_moving_average,
)
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.validation.replicas.forecast_variance import drift_forecast_variance, experience_forecast_variance

SERIES = 4000
YEARS = 15


def technologies(form, noise, rng, sigma=0.12, rate=0.25, exponent=0.35, scale=0.1):
    """Generated costs of many technologies, all with the same output history: (n,) output, (n, series) cost."""
    time = np.arange(YEARS, dtype=float)
    output = 100 * np.exp(0.3 * time + 0.4 * np.sin(time))
    cumulative = 250 + np.cumsum(output)
    slopes = {
        Form.MOORE: rate * time,
        Form.WRIGHT: exponent * np.log(cumulative),
        Form.GODDARD: scale * np.log(output),
        Form.SINCLAIR_KLEPPER_COHEN: scale * np.log(output) + exponent * np.log(cumulative),
        Form.NORDHAUS: exponent * np.log(cumulative) + rate * time,
    }
    shocks = rng.normal(0.0, sigma, (YEARS, SERIES))
    if noise is Noise.WALK:
        shocks[0] = 0.0
        shocks = np.cumsum(shocks, axis=0)
    cost = 50 * np.exp(-slopes[form][:, np.newaxis] + shocks)
    truth = {"time": rate, "cumulative": exponent, "output": scale}
    return CostSeries(time, cost, output, cumulative), truth


@pytest.mark.closed_form
@pytest.mark.parametrize("noise", list(Noise))
@pytest.mark.parametrize("form", list(Form))
def test_every_form_is_recovered_and_its_90_percent_interval_holds_88_to_92_percent(form, noise):
    series, truth = technologies(form, noise, np.random.default_rng(20260601))
    fit = fit_decline(series, form, noise)
    low, high = fit.interval(0.90)
    for index, name in enumerate(fit.names):
        held = np.mean((low[index] <= truth[name]) & (truth[name] <= high[index]))
        assert 0.88 <= held <= 0.92, f"{form} {noise} {name}: {held:.3f}"
        mean, spread = fit.estimate[index].mean(), fit.estimate[index].std()
        assert abs(mean - truth[name]) < 4 * spread / math.sqrt(SERIES)
        # the stated standard error is the scatter of the estimates
        assert np.sqrt(np.mean(fit.standard_error[index] ** 2)) == pytest.approx(spread, rel=0.05)


@pytest.mark.closed_form
def test_without_noise_the_slope_is_exact_and_the_prediction_too():
    time = np.arange(8.0)
    cumulative = np.array([1, 2, 4, 7, 11, 18, 30, 55.0])
    series = CostSeries(time, 10 * cumulative**-0.32, cumulative=cumulative)
    for noise in Noise:
        fit = fit_decline(series.upto(6), Form.WRIGHT, noise)
        assert fit.slope("cumulative") == pytest.approx(0.32, rel=1e-10)
        assert fit.predict(series.upto(6), series)[7] == pytest.approx(10 * 55**-0.32, rel=1e-10)


@pytest.mark.peer
def test_levels_agree_with_a_peer():
    from scipy import stats

    rng = np.random.default_rng(3)
    time, cost = np.arange(12.0), np.exp(-0.3 * np.arange(12.0) + rng.normal(0, 0.2, 12))
    fit, peer = fit_decline(CostSeries(time, cost), Form.MOORE, Noise.CURVE), stats.linregress(time, np.log(cost))
    assert fit.slope("time") == pytest.approx(-peer.slope, rel=1e-12)
    assert fit.standard_error[0] == pytest.approx(peer.stderr, rel=1e-12)
    assert fit.intercept == pytest.approx(peer.intercept, rel=1e-12)


@pytest.mark.closed_form
def test_unequal_steps_weigh_by_their_length():
    # drift of a walk seen at unequal steps is total fall over total time
    series = CostSeries([2020.0, 2020.5, 2022.5, 2023.0], [8.0, 7.0, 2.0, 1.5])
    assert fit_decline(series, Form.MOORE).slope("time") == pytest.approx(math.log(8 / 1.5) / 3.0, rel=1e-13)


@pytest.mark.contract
def test_what_cannot_be_told_apart_is_refused():
    time = np.arange(6.0)
    steady = CostSeries(time, np.exp(-time), cumulative=np.exp(0.4 * time))
    with pytest.raises(DomainError, match="cannot be told apart"):
        fit_decline(steady, Form.NORDHAUS)
    with pytest.raises(ScenarioError, match="needs output"):
        fit_decline(steady, Form.GODDARD)
    with pytest.raises(DomainError, match="does not move"):
        fit_decline(CostSeries(time, np.exp(-time), output=np.ones(6)), Form.GODDARD)
    with pytest.raises(DomainError, match="too few"):
        fit_decline(CostSeries([0.0, 1.0], [2.0, 1.0]), Form.MOORE)
    with pytest.raises(DomainError, match="above 0"):
        CostSeries([0.0, 1.0], [2.0, 0.0])
    with pytest.raises(DomainError, match="each after"):
        CostSeries([1.0, 1.0], [2.0, 1.0])
    with pytest.raises(DomainError, match="train"):
        held_out(steady, 6, [Form.MOORE])
    with pytest.raises(ScenarioError, match="it has time"):
        fit_decline(steady, Form.MOORE).slope("output")


@pytest.mark.closed_form
def test_held_out_years_tell_a_wright_world_from_a_moore_world():
    rng = np.random.default_rng(8)
    time = np.arange(24.0)
    output = 100 * np.exp(np.where(time < 12, 0.5 * time, 6.0 + 0.02 * (time - 12)))  # growth stops at half time
    for truth in (Form.WRIGHT, Form.MOORE):
        cumulative = 200 + np.cumsum(output)
        fall = 0.35 * np.log(cumulative) if truth is Form.WRIGHT else 0.2 * time
        cost = 50 * np.exp(-fall + rng.normal(0, 0.03, 24))
        ranking = held_out(CostSeries(time, cost, output, cumulative), 13, [Form.MOORE, Form.WRIGHT], Noise.CURVE)
        assert ranking[0].form is truth
        assert ranking[0].rms_error < 0.3 * ranking[1].rms_error
        assert ranking[0].years == 11


@pytest.mark.closed_form
def test_cumulative_output_before_the_first_year_follows_from_growth():
    time = np.arange(6.0)
    output = 100 * np.exp(0.5 * time)
    series = CostSeries.from_output(time, np.exp(-time), output)
    # a geometric sum from minus infinity: cumulative output grows as output does
    assert np.allclose(np.diff(np.log(series.cumulative)), 0.5, rtol=1e-12)


@pytest.mark.published
@pytest.mark.reference("costmodel.validation.replicas.forecast_variance:drift_forecast_variance")
def test_intervals_widen_with_horizon_as_farmer_and_lafond_published():
    # Farmer & Lafond (2016): E² = σ² (τ + τ²/m) for θ = 0; general θ with the factor A*
    assert drift_forecast_variance(1.0, 10.0, 20.0, 0.0) == 10 + 100 / 20
    theta, m, tau = published_moving_average(Form.MOORE), 5, 8
    by_hand = 1 + (1 + theta) ** 2 * (tau - 1) + (theta - tau / m) ** 2
    by_hand += (tau / m) ** 2 * ((1 + theta) ** 2 * (m - 1) + theta**2)
    assert drift_forecast_variance(1.0, tau, m, theta) == pytest.approx(by_hand, rel=1e-13)
    general = error_variance(np.ones(m), np.ones(tau), theta)
    assert np.allclose(general, drift_forecast_variance(1.0, np.arange(1.0, tau + 1), m, theta), rtol=1e-12)


@pytest.mark.published
@pytest.mark.reference("costmodel.validation.replicas.forecast_variance:experience_forecast_variance")
def test_intervals_widen_with_experience_as_lafond_published():
    past, future = np.array([0.4, 0.1, 0.3, 0.7]), np.array([0.2, 0.5, 0.1])
    assert experience_forecast_variance(2.0, 10.0, 3.0, 1.8) == pytest.approx(2 * (10 + 9 / 1.8), rel=1e-14)
    formula = experience_forecast_variance(1.0, np.arange(1.0, 4), np.cumsum(future), np.sum(past**2))
    assert np.allclose(error_variance(past, future, 0.0), formula, rtol=1e-13)


@pytest.mark.closed_form
@pytest.mark.parametrize("moving_average", [0.0, 0.4])
def test_forecast_intervals_hold_what_they_say_at_every_horizon(moving_average):
    rng = np.random.default_rng(11)
    m, horizon = 20, 10
    shocks = rng.normal(0, 0.1, (m + horizon + 1, SERIES))
    steps = -0.25 + shocks[1:] + moving_average * shocks[:-1]
    cost = np.exp(np.concatenate([np.zeros((1, SERIES)), np.cumsum(steps, axis=0)]))
    history = CostSeries(np.arange(m + 1.0), cost[: m + 1])
    low, high = forecast_moore(history, horizon, moving_average=moving_average).interval(0.9)
    held = np.mean((low <= cost[m + 1 :]) & (cost[m + 1 :] <= high), axis=1)
    # exact for independent shocks; with carry-over the Student t form is the published approximation
    slack = 0.02 if moving_average == 0 else 0.04
    assert np.all(np.abs(held - 0.9) < slack), held


@pytest.mark.closed_form
def test_the_shock_of_a_year_is_told_from_what_it_carries_over():
    # a change has variance σ² (1 + θ²); the forecast states σ
    shocks = np.random.default_rng(13).normal(0, 0.1, (202, 400))
    cost = np.exp(np.cumsum(shocks[1:] + 0.8 * shocks[:-1] - 0.2, axis=0))
    forecast = forecast_moore(CostSeries(np.arange(201.0), cost), 1, moving_average=0.8)
    assert np.mean(forecast.shock_sd) == pytest.approx(0.1, rel=0.01)


@pytest.mark.closed_form
def test_wright_forecast_holds_what_it_says_where_output_growth_changes():
    rng = np.random.default_rng(12)
    growth = np.array([0.5, 0.4, 0.6, 0.3, 0.2, 0.5, 0.7, 0.4, 0.1, 0.2, 0.1, 0.05])
    x = np.concatenate([[0.0], np.cumsum(growth)])
    steps = -0.3 * growth[:, np.newaxis] + rng.normal(0, 0.08, (12, SERIES))
    cost = np.exp(np.concatenate([np.zeros((1, SERIES)), np.cumsum(steps, axis=0)]))
    history = CostSeries(np.arange(9.0), cost[:9], cumulative=np.exp(x[:9]))
    low, high = forecast_wright(history, np.exp(x[9:])).interval(0.9)
    held = np.mean((low <= cost[9:]) & (cost[9:] <= high), axis=1)
    assert np.all((held >= 0.88) & (held <= 0.92)), held


@pytest.mark.closed_form
def test_sampled_paths_have_the_stated_quantiles():
    rng = np.random.default_rng(5)
    cost = np.exp(np.cumsum(np.concatenate([[0.0], rng.normal(-0.3, 0.15, 12)])))
    forecast = forecast_moore(CostSeries(np.arange(13.0), cost), 6, moving_average=0.3)
    paths = forecast.sample(40_000, rng=7)
    for rank in (0.05, 0.5, 0.95):
        sampled = np.log(np.quantile(paths, rank, axis=1))
        assert np.allclose(sampled, np.log(forecast.quantile(rank)), atol=0.04 * forecast.log_sd[-1])
    assert np.array_equal(paths[:, :5], forecast.sample(40_000, rng=7)[:, :5])


@pytest.mark.contract
def test_forecasts_refuse_what_they_cannot_use():
    with pytest.raises(DomainError, match="equal steps"):
        forecast_moore(CostSeries([0.0, 1.0, 3.0], [3.0, 2.0, 1.0]), 2)
    with pytest.raises(DomainError, match="three dates"):
        forecast_moore(CostSeries([0.0, 1.0], [3.0, 2.0]), 2)
    with pytest.raises(DomainError, match="years"):
        forecast_moore(CostSeries([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]), 0)
    series = CostSeries([0.0, 1.0, 2.0], [3.0, 2.0, 1.0], cumulative=[1.0, 2.0, 4.0])
    with pytest.raises(DomainError, match="cannot fall"):
        forecast_wright(series, [3.0])
    with pytest.raises(DomainError, match="one column of cumulative"):
        forecast_wright(CostSeries([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]), [3.0])
    with pytest.raises(DomainError, match="rank"):
        forecast_moore(series, 2).quantile(1.0)
