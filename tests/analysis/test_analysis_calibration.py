"""Fits: recovery, covariance, bounds, and parameters that the data do not identify."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from toy_firm import firm, written

from costmodel.analysis.calibration import Multiple, Observed, fit
from costmodel.foundation.errors import ConvergenceError, DomainError, IdentificationWarning, UnknownParameterError

YEARS = range(6)


def growth(level, rate):
    return {f"y{k}": level * np.exp(rate * k) for k in YEARS}


def series(level, rate, error=0.1, noise=None):
    noise = np.zeros(len(YEARS)) if noise is None else noise
    return [Observed(f"y{k}", float(level * np.exp(rate * k + noise[k])), error) for k in YEARS]


RANGES = {"level": (0.01, 100.0), "rate": (-2.0, 2.0)}
WRITTEN = {"level": 1.0, "rate": 0.0}


@pytest.mark.closed_form
def test_parameters_are_recovered_with_the_covariance_of_the_linear_problem():
    """In logs the problem is linear: covariance of level (log) and rate is error² (XᵀX)⁻¹ at χ² below its mean."""
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(YEARS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(WRITTEN, RANGES, series(3.0, 0.4, 0.1, noise), rng=0, model=growth)
    design = np.column_stack([np.ones(len(YEARS)), np.array(YEARS)])
    ordinary, *_ = np.linalg.lstsq(design, np.log(3.0) + 0.4 * np.array(YEARS) + noise, rcond=None)
    assert np.log(found.parameters["level"]) == pytest.approx(ordinary[0], abs=1e-6)
    assert found.parameters["rate"] == pytest.approx(ordinary[1], abs=1e-6)
    expected = 0.1**2 * np.linalg.inv(design.T @ design)
    assert found.errors["rate"] == pytest.approx(np.sqrt(expected[1, 1]), rel=1e-4)
    assert found.errors["level"] / found.parameters["level"] == pytest.approx(np.sqrt(expected[0, 0]), rel=1e-4)
    assert found.identified
    assert found.table().records()[0]["identified"]


@pytest.mark.peer
def test_a_fit_agrees_with_scipys_curve_fit():
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(1)
    observed = 2.0 * np.exp(-0.5 * np.array(YEARS)) + 0.05 * rng.standard_normal(len(YEARS))
    rows = [Observed(f"y{k}", float(observed[k]), 0.05, log=False) for k in YEARS]
    found = fit(WRITTEN, {"level": (0.1, 5.0), "rate": (-2.0, 1.0)}, rows, rng=0, model=growth)
    best, covariance = curve_fit(
        lambda k, level, rate: level * np.exp(rate * k),
        np.array(YEARS),
        observed,
        p0=[1.0, 0.0],
        sigma=[0.05] * 6,
        absolute_sigma=True,
    )
    assert list(found.parameters.values()) == pytest.approx(best, rel=1e-5)
    noise = max(1.0, 2.0 * found.cost / 4.0)
    assert found.covariance == pytest.approx(covariance * noise, rel=1e-3)


@pytest.mark.closed_form
def test_a_trade_off_is_named():
    """Only a · b is observed: neither is identified, and they trade off with correlation −1."""
    rows = [Observed(f"y{k}", 6.0 * np.exp(0.2 * k), 0.05) for k in YEARS]

    def model(a, b, rate):
        return {f"y{k}": a * b * np.exp(rate * k) for k in YEARS}

    ranges = {"a": (0.1, 100.0), "b": (0.1, 100.0), "rate": (-1.0, 1.0)}
    with pytest.warns(IdentificationWarning, match=r"do not identify a, b; they trade off: a with b \(-1.00\)"):
        found = fit({"a": 1.0, "b": 1.0, "rate": 0.0}, ranges, rows, rng=0, model=model)
    assert found.identification.unidentified == ("a", "b")
    assert found.parameters["a"] * found.parameters["b"] == pytest.approx(6.0, rel=1e-6)
    assert found.parameters["rate"] == pytest.approx(0.2, abs=1e-6)
    assert not found.identified
    assert found.identification.direction_errors[0] > 1e3


@pytest.mark.closed_form
def test_two_separate_optima_are_named_though_each_is_sharp():
    """y = (x − 1)² = 0.25 at x = 0.5 and x = 1.5: the curvature is sharp at both, and both fit."""
    with pytest.warns(IdentificationWarning, match="do not identify x"):
        found = fit(
            {"x": 1.0},
            {"x": (0.0, 2.0)},
            [Observed("y", 0.25, 0.01)],
            starts=20,
            polish=20,
            rng=0,
            model=lambda x: {"y": (x - 1.0) ** 2},
        )
    low, high = found.identification.equally_good["x"]
    assert (2.0 * low, 2.0 * high) == pytest.approx((0.5, 1.5), abs=1e-4)


@pytest.mark.closed_form
def test_a_parameter_at_its_bound_is_told():
    found = fit(WRITTEN, {"level": (0.5, 3.99), "rate": (-1.0, 1.0)}, series(4.0, 0.1, 0.01), rng=0, model=growth)
    assert found.identification.at_bound == ("level",)
    assert found.parameters["level"] == pytest.approx(3.99, abs=1e-4)


@pytest.mark.closed_form
def test_a_scenario_is_fitted_through_its_registered_paths():
    truth = firm(written(price=1.7, cost=0.6, demand={"volume": 80.0}).resolve())
    rows = [
        Observed("revenue@2029", float(truth.revenue[:4].sum())),
        Observed("npv", float(truth.npv)),
        Observed(lambda result: result.scenario.price * 1.0, 1.7),
    ]
    free = {"price": (1.0, 3.0), "cost": (0.1, 1.5), "demand.volume": (10.0, 500.0)}
    found = fit(written(), free, rows, rng=0, model=firm)
    assert list(found.parameters.values()) == pytest.approx([1.7, 0.6, 80.0], rel=1e-5)


@pytest.mark.contract
def test_fit_refusals():
    with pytest.raises(DomainError, match="1 observations cannot fit 2"):
        fit(WRITTEN, RANGES, series(1.0, 0.1)[:1], model=growth)
    with pytest.raises(DomainError, match="bounds must be finite and rising"):
        fit(WRITTEN, {"level": (2.0, 1.0)}, series(1.0, 0.1), model=growth)
    with pytest.raises(ConvergenceError, match="none of 4 starts"):
        fit({"x": 1.0}, {"x": (0.0, 1.0)}, [Observed("y", 1.0)], starts=4, rng=0, model=lambda x: {"y": np.nan * x})
    with pytest.raises(DomainError, match="above 0 if compared in logs"):
        Observed("y", -1.0)
    with pytest.raises(DomainError, match="above 0 is needed"):
        Observed("y", 1.0, 0.0)
    with pytest.raises(DomainError, match="starts must be at least 1"):
        fit(WRITTEN, RANGES, series(1.0, 0.1), starts=0, model=growth)


@pytest.mark.closed_form
def test_tied_parameters_and_multiples_of_schedules():
    scenario = written(price=2.0, cost={"knots": [["2029-01-01", 1.0], ["2031-01-01", 0.5]]}, demand={"volume": 80.0})
    truth = firm(scenario.resolve())
    rows = [Observed(lambda r: r.revenue[0], float(truth.revenue[0])), Observed("npv", float(truth.npv) * 0.7)]
    found = fit(scenario, {"c*t": Multiple(0.5, 5.0), "dem*.volume": (10.0, 500.0)}, rows, rng=0, model=firm)
    costs = float(truth.revenue.sum() - truth.npv)
    expected = (float(truth.revenue.sum()) - 0.7 * float(truth.npv)) / costs
    assert found.parameters["c*t"] == pytest.approx(expected, rel=1e-6)
    assert found.parameters["dem*.volume"] == pytest.approx(80.0, rel=1e-6)
    with pytest.raises(DomainError, match="matches a parameter twice: price"):
        fit(scenario, {"price": (1.0, 2.0), "pr*": (1.0, 2.0)}, rows, model=firm)
    with pytest.raises(UnknownParameterError, match="no such parameter"):
        fit(scenario, {"prise": (1.0, 2.0)}, rows, model=firm)


@pytest.mark.closed_form
def test_history_does_not_identify_what_carries_the_growth():
    """Elasticities, learning and algorithmic gains are not identified when fitted with adoption and intensity."""
    from costmodel.entry import load_scenario
    from costmodel.flywheel.history import read_off

    scenario = load_scenario("bond-flywheel")
    history = [Observed(lambda r, row=row: read_off(r, row), row.value, 0.2) for row in scenario.observations]
    free = {
        "market.*.price_elasticity": (-1.8, -0.3),
        "market.*.capability_elasticity": (0.0, 0.5),
        "software.experience_exponent": (0.0, 0.3),
        "software.algorithmic_growth": (0.8, 2.2),
    }
    with pytest.warns(IdentificationWarning, match=r"do not identify .*experience_exponent, software.algorithmic"):
        alone = fit(scenario, free, history, starts=4, polish=1, rng=0, max_steps=15)
    assert {"software.experience_exponent", "software.algorithmic_growth"} <= set(alone.identification.unidentified)
    growth = {"market.*.intensity_growth": Multiple(0.2, 3.0), "market.*.adoption.growth": Multiple(0.5, 2.0)}
    with pytest.warns(IdentificationWarning, match="do not identify"):
        together = fit(scenario, {**free, **growth}, history, starts=4, polish=1, rng=0, max_steps=15)
    assert set(free) <= set(together.identification.unidentified)
