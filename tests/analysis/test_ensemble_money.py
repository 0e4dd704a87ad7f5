"""Ensembles in other money: restated summaries equal the summaries of restated draws."""

from __future__ import annotations

import numpy as np
import pytest

import costmodel
from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.reducers import QUANTILE_ERROR

HOUR = ("total", "energy", "flop_cost")


@pytest.fixture(scope="module")
def hour() -> EnsembleResult:
    return costmodel.run_ensemble(costmodel.load_scenario("h100-hour"), HOUR, draws=400, rng=0, exact=("total",))


@pytest.mark.law
def test_an_ensemble_in_other_money_is_the_ensemble_of_draws_in_that_money(hour: EnsembleResult) -> None:
    drawn = costmodel.run("h100-hour", draws=400, rng=0)
    for ensemble, draws in (
        (hour.to_real(2020), drawn.to_real(2020)),
        (hour.in_currency("EUR", rate=1.25), drawn.in_currency("EUR", rate=1.25)),
        (hour.to_real(2020).in_currency("EUR", rate=1.25), drawn.to_real(2020).in_currency("EUR", rate=1.25)),
    ):
        assert ensemble.remarks == draws.remarks[-len(ensemble.remarks) :]
        for name in HOUR:
            values = np.broadcast_to(draws[name], 400)
            assert float(ensemble.mean(name)) == pytest.approx(values.mean(), rel=1e-12)
            assert float(ensemble.deviation(name)) == pytest.approx(values.std(ddof=1), rel=1e-9)
            assert float(ensemble[name].moments.high) == pytest.approx(values.max(), rel=1e-12)
            assert ensemble[name].spec.unit == draws.spec(name).unit
            low = float(ensemble.quantile(name, 0.05))
            assert low == pytest.approx(np.quantile(values, 0.05, method="inverted_cdf"), rel=2 * QUANTILE_ERROR)
        assert ensemble.kept_draws("total") == pytest.approx(np.broadcast_to(draws["total"], 400), rel=1e-12)
        assert all(remark in str(ensemble.table()) for remark in ensemble.remarks)


@pytest.mark.closed_form
def test_each_selected_year_is_in_money_of_that_year() -> None:
    names = ("user_spend@2024", "user_spend@2025", "tokens@2025")
    nominal = costmodel.run_ensemble(costmodel.load_scenario("bond-flywheel"), names, draws=8, rng=0)
    real = nominal.to_real(2024)
    assert real["user_spend@2024"] is not nominal["user_spend@2024"]
    assert float(real.mean("user_spend@2024")) == pytest.approx(float(nominal.mean("user_spend@2024")), rel=1e-15)
    index = costmodel.run("bond-flywheel").to_real(2024, inflation=0.02).by_year("user_spend")
    plain = costmodel.run("bond-flywheel").by_year("user_spend")
    at = plain[0].index(2025)
    factor = float(np.asarray(index[1])[at] / np.asarray(plain[1])[at])
    assert 0.9 < factor < 1.0
    assert float(real.mean("user_spend@2025")) == pytest.approx(factor * float(nominal.mean("user_spend@2025")))
    assert real["tokens@2025"] is nominal["tokens@2025"]


@pytest.mark.contract
def test_what_a_result_refuses_an_ensemble_refuses(hour: EnsembleResult) -> None:
    with pytest.raises(DomainError, match="money of 1990"):
        hour.to_real(1990)
    with pytest.raises(DomainError, match="already in EUR"):
        hour.in_currency("EUR", rate=1.25).in_currency("GBP", rate=1.3)
    with pytest.raises(ScenarioError, match="GBP needs a dated rate"):
        hour.in_currency("GBP")
    unsaid = costmodel.load_scenario("h100-hour").replace({"price_year": None})
    with pytest.raises(ScenarioError, match="state price_year"):
        costmodel.run_ensemble(unsaid, "total", draws=4, rng=0).to_real(2020)
