"""Backtest of company depreciation: required results, and behaviour with missing figures."""

from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from costmodel import catalog
from costmodel.catalog.periods import span
from costmodel.estimation import depreciation
from costmodel.estimation.depreciation import DepreciationBacktest, backtest_depreciation
from costmodel.foundation.errors import CatalogError, DomainError


@cache
def alphabet() -> DepreciationBacktest:
    return backtest_depreciation("Alphabet", fit_through=2020)


@pytest.mark.published
def test_alphabet_is_predicted_within_a_fifth_each_year() -> None:
    errors = alphabet().errors
    assert sorted(errors) == [2021, 2022, 2023, 2024, 2025]
    assert max(abs(error) for error in errors.values()) < 0.20, errors


@pytest.mark.published
def test_alphabet_reported_years_lie_within_the_interval() -> None:
    backtest = alphabet()
    for year in backtest.errors:
        assert backtest.predicted[year].low < backtest.reported[year] < backtest.predicted[year].high


@pytest.mark.contract
def test_the_table_of_years_is_in_billions() -> None:
    backtest = alphabet()
    head, columns, *lines = str(backtest).splitlines()
    assert head.startswith("Alphabet: depreciation") and "90% interval" in columns
    assert len(lines) == len(backtest.years)
    for year, line in zip(backtest.years, lines, strict=True):
        band, known = backtest.predicted[year], backtest.reported[year]
        shown = line.replace("…", " ").split()
        assert shown[0] == str(year) and (shown[-1] == "fitted") == (year in backtest.fitted)
        figures = [float(cell) for cell in shown[1:5]]
        assert figures == pytest.approx([x / 1e9 for x in (known, band.median, band.low, band.high)], abs=0.0051)
        assert float(shown[5].rstrip("%")) == pytest.approx(100 * (band.median / known - 1), abs=0.051)


@pytest.mark.published
def test_change_of_2023_is_within_a_factor_of_its_disclosure() -> None:
    (change,) = (effect for effect in alphabet().effects if effect.name == "Alphabet 2023")
    assert change.fiscal_year == 2023
    assert (change.life_before, change.life_after) == (4.0, 6.0)
    assert change.disclosed == pytest.approx(-3.9e9)
    assert -3.9e9 * 1.5 < change.effect.median < -3.9e9 / 1.5


@pytest.mark.contract
@pytest.mark.parametrize("company", ["Meta", "Microsoft", "Amazon"])
def test_every_year_with_capex_is_predicted(company: str) -> None:
    backtest = backtest_depreciation(company, fit_through=2021)
    assert backtest.years == tuple(sorted(catalog.company(company).annual("capex")))
    for year in backtest.years:
        band = backtest.predicted[year]
        assert 0.0 < band.low < band.median < band.high
    assert set(backtest.errors) == {year for year in backtest.reported if year > 2021}


@pytest.mark.contract
def test_without_reported_years_the_ranges_alone_speak() -> None:
    backtest = backtest_depreciation("Amazon", fit_through=2024)
    assert backtest.fitted == ()
    assert backtest.reported == {}
    assert backtest.model_error == pytest.approx(depreciation.MODEL_ERROR)
    fitted = backtest_depreciation("Amazon", fit_through=2024, reported="depreciation_and_amortization")
    assert 2023 in fitted.fitted
    width = {name: row.high - row.low for name, row in fitted.parameters.items()}
    assert width["short_lived_share"] < backtest.parameters["short_lived_share"].high - 0.2


@pytest.mark.contract
def test_a_fiscal_year_is_not_a_calendar_year() -> None:
    spent = catalog.company("Microsoft").annual("capex")
    assert span(spent[2023].period or "")[0].isoformat() == "2022-07-01"
    backtest = backtest_depreciation("Microsoft", fit_through=2020)
    years = {effect.name: effect.fiscal_year for effect in backtest.effects}
    # in effect from 1 July 2020 and from 1 July 2022: fiscal 2021 and fiscal 2023
    assert years == {"Microsoft 2021": 2021, "Microsoft 2023": 2023}


@pytest.mark.contract
def test_a_change_for_a_subset_of_servers_keeps_its_share_open() -> None:
    (change,) = (e for e in backtest_depreciation("Amazon", fit_through=2022).effects if e.name == "Amazon 2025")
    assert change.effect.low == pytest.approx(0.0, abs=1e-3)
    assert change.effect.median > 0.0


@pytest.mark.law
def test_years_after_the_cut_do_not_move_the_fit() -> None:
    early, late = alphabet(), backtest_depreciation("Alphabet", fit_through=2025)
    assert early.fitted == (2015, 2016, 2017, 2018, 2019, 2020)
    assert late.fitted == tuple(range(2015, 2026))
    assert early.parameters != late.parameters
    again = backtest_depreciation("Alphabet", fit_through=2020)
    assert again == early


@pytest.mark.closed_form
def test_a_perfect_fit_leaves_its_parameters() -> None:
    total = np.array([[1.0, 2.0], [3.0, 7.0]])
    weights, error = depreciation._weights(total, np.array([1.0, 3.0]))
    # squares: 4 · 0.05² and that plus ln²2 + ln²(7/3); weight ∝ squares^-(2+4)/2
    prior = 4 * 0.05**2
    ratio = (prior / (prior + np.log(2) ** 2 + np.log(7 / 3) ** 2)) ** 3
    np.testing.assert_allclose(weights, [1 / (1 + ratio), ratio / (1 + ratio)])
    assert error < 0.05


@pytest.mark.closed_form
def test_weighted_interval_of_equal_weights_is_the_quantile() -> None:
    values = np.arange(1001.0)
    estimate = depreciation._estimate(values, np.full(1001, 1 / 1001), 0.8, 0.0)
    assert (estimate.low, estimate.median, estimate.high) == pytest.approx((100.0, 500.0, 900.0), abs=0.5)


@pytest.mark.contract
def test_a_record_starts_with_its_first_opening_balance() -> None:
    # CoreWeave: capex from 2023, net property and equipment from 2024
    assert backtest_depreciation("CoreWeave").years == (2024,)


@pytest.mark.contract
def test_it_prints_the_error_of_each_year() -> None:
    text = str(alphabet())
    assert text.splitlines()[0].startswith("Alphabet")
    assert sum("fitted" in line for line in text.splitlines()[1:]) == 6
    assert f"{alphabet().errors[2025]:+7.1%}" in text


@pytest.mark.contract
def test_what_is_missing_is_named() -> None:
    with pytest.raises(CatalogError, match="did you mean 'Alphabet'"):
        backtest_depreciation("Alphabeth")
    with pytest.raises(CatalogError, match="capex"):
        backtest_depreciation("OpenAI")
    with pytest.raises(DomainError, match="level"):
        backtest_depreciation("Alphabet", level=90)


@pytest.mark.closed_form
def test_the_model_s_error_is_spread_as_the_normal_distribution_is() -> None:
    """Medians of seven equal parts: the quantiles at 1/14, 3/14, ... 13/14."""
    parts = [NormalDist().inv_cdf((2 * part + 1) / 14) for part in range(7)]
    assert depreciation._SPREAD.tolist() == pytest.approx(parts, abs=5e-4)


@pytest.mark.closed_form
def test_a_balance_of_the_year_before_opens_the_first_year(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a balance at the end of the year before the first capex nothing is rolled back."""
    real = catalog.company("Alphabet")
    first = min(real.annual("capex"))
    balance = next(iter(real.annual("net_ppe").values()))

    class Early:
        def annual(self, field: str) -> dict[int, catalog.Datum]:
            return {first - 1: balance} if field == "net_ppe" else real.annual(field)

    monkeypatch.setattr(depreciation.catalog, "company", lambda name: Early())
    found = depreciation._read("Alphabet", "depreciation")
    assert (found.years[0], found.opening) == (first, balance.number)
