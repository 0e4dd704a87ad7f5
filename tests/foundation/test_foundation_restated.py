"""Results in other money: of another year, in another currency; amounts written in another currency."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.catalog.money import yearly_levels
from costmodel.foundation.currencies import CODES, rates_in_use
from costmodel.foundation.errors import DomainError, ScenarioError, UnitError
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.quantities import parse_quantity
from costmodel.foundation.results import Result, derived, output, ratio
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid

GRID = TimeGrid(date(2020, 1, 1), 2, "year")
LEVELS = {2019: 255.657, 2020: 258.811, 2021: 270.97, 2024: 313.689}  # US CPI-U, yearly averages


class Shop(Scenario):
    model: Any = "shop"
    price: Parameter = parameter("USD/token", ge=0, default=1e-6, description="Price.")


class Timed(Shop):
    @property
    def grid(self) -> TimeGrid:
        return GRID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sales(Result):
    revenue: Any = output("USD", kind="flow", dims=("step",), label="revenue")
    tokens: Any = output("token", kind="flow", dims=("step",), label="tokens")
    cash: Any = output("USD", kind="stock", dims=("bound",), label="cash")
    worth: Any = output("USD", label="worth at the start")

    @derived("USD/token", kind=ratio(of="revenue", over="tokens"), dims=("step",), label="price")
    def price(self) -> Any:
        return self.revenue / self.tokens

    @derived("token/USD", kind=ratio(of="tokens", over="revenue"), dims=("step",), label="tokens for a dollar")
    def bought(self) -> Any:
        return self.tokens / self.revenue


def sales(scenario: Scenario) -> Sales:
    return Sales(
        scenario=scenario,
        revenue=np.array([100.0, 100.0]),
        tokens=np.array([10.0, 20.0]),
        cash=np.array([5.0, 6.0, 7.0]),
        worth=50.0,
    )


@pytest.mark.closed_form
def test_amounts_of_each_year_are_divided_by_the_index_of_their_year() -> None:
    real = sales(Timed(name="s")).to_real(2024)
    by_year = [LEVELS[2024] / LEVELS[year] for year in (2020, 2021)]
    assert real["revenue"] == pytest.approx([100.0 * f for f in by_year], rel=1e-12)
    assert real["price"] == pytest.approx([10.0 * by_year[0], 5.0 * by_year[1]], rel=1e-12)
    assert real["bought"] == pytest.approx([0.1 / by_year[0], 0.2 / by_year[1]], rel=1e-12)
    assert real["tokens"].tolist() == [10.0, 20.0]
    ends = [LEVELS[2024] / LEVELS[year] for year in (2019, 2020, 2021)]  # a bound closes the year before it
    assert real["cash"] == pytest.approx([5.0 * ends[0], 6.0 * ends[1], 7.0 * ends[2]], rel=1e-12)
    assert float(real["worth"]) == pytest.approx(50.0 * by_year[0], rel=1e-12)
    years, figures = real.by_year("revenue")
    assert years == (2020, 2021)
    assert figures == pytest.approx([100.0 * f for f in by_year], rel=1e-12)
    assert real.by_year("cash")[1] == pytest.approx([6.0 * ends[1], 7.0 * ends[2]], rel=1e-12)


@pytest.mark.closed_form
def test_a_stated_price_year_holds_for_every_amount() -> None:
    real = sales(Timed(name="s", price_year=2021)).to_real(2024)
    factor = LEVELS[2024] / LEVELS[2021]
    for name in ("revenue", "cash", "worth"):
        assert np.asarray(real[name]) == pytest.approx(np.asarray(sales(Timed(name="s"))[name]) * factor, rel=1e-12)


@pytest.mark.closed_form
def test_money_of_its_own_year_stays_and_there_and_back_is_the_same() -> None:
    nominal = sales(Timed(name="s", price_year=2021))
    assert nominal.to_real(2021)["worth"] == 50.0
    assert costmodel.run("h100-hour").to_real(2026).total == pytest.approx(costmodel.run("h100-hour").total)


@pytest.mark.closed_form
def test_years_after_the_index_need_a_rate_of_inflation() -> None:
    last = max(yearly_levels())
    nominal = sales(Timed(name="s", price_year=last))
    with pytest.raises(DomainError, match=f"has levels for 2015 to {last}; for later years, give inflation"):
        nominal.to_real(last + 3)
    assert float(nominal.to_real(last + 3, inflation=0.02)["worth"]) == pytest.approx(50.0 * 1.02**3)
    with pytest.raises(DomainError, match="money of 1990"):
        nominal.to_real(1990, inflation=0.02)


@pytest.mark.contract
def test_a_model_without_time_says_in_which_money_it_is() -> None:
    run = costmodel.run("h100-hour")
    unsaid = costmodel.run(run.scenario.replace({"price_year": None}))
    with pytest.raises(ScenarioError, match="state price_year"):
        unsaid.to_real(2020)


@pytest.mark.law
@pytest.mark.parametrize("name", costmodel.scenario_names())
def test_every_built_in_scenario_has_real_figures(name: str) -> None:
    if costmodel.load_scenario(name).model == "flywheel" and name != "bond-flywheel":
        pytest.skip("one flywheel stands for all")
    result = costmodel.run(name)
    real = result.to_real(2020, inflation=0.02)
    assert list(real.outputs()) == list(result.outputs())
    for output_name, spec in result.outputs().items():
        if "USD" not in spec.unit:
            assert np.array_equal(np.asarray(result[output_name]), np.asarray(real[output_name]), equal_nan=True)
    assert "money of 2020 by US CPI-U" in real.remarks[-1]


@pytest.mark.closed_form
def test_another_currency_at_a_rate_that_is_given() -> None:
    euro = sales(Timed(name="s")).in_currency("EUR", rate=1.25)
    assert euro["revenue"].tolist() == [80.0, 80.0]
    assert euro["bought"].tolist() == pytest.approx([0.1 * 1.25, 0.2 * 1.25])
    assert euro.spec("price").unit == "EUR/token"
    assert euro.remarks == ("EUR at 1.25 USD for one",)
    assert "EUR/Mtoken" in str(euro.table("price"))
    both = euro.to_real(2024)
    assert both["revenue"][0] == pytest.approx(80.0 * LEVELS[2024] / LEVELS[2020])
    assert both.spec("price").unit == "EUR/token"
    with pytest.raises(DomainError, match="already in EUR"):
        euro.in_currency("GBP", rate=1.3)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("code", "options", "said"),
    [
        ("EUX", {"rate": 1.0}, "not a currency code of ISO 4217"),
        ("EUR", {}, "EUR needs a dated rate"),
        ("EUR", {"rate": 0.0}, "above 0"),
        ("EUR", {"rate": 1.0, "on": "2026-05-15"}, "not both"),
    ],
)
def test_a_currency_without_a_rate_is_refused(code: str, options: dict, said: str) -> None:
    with pytest.raises((DomainError, ScenarioError, UnitError), match=said):
        sales(Timed(name="s")).in_currency(code, **options)


@pytest.mark.closed_form
def test_amounts_are_read_at_the_scenarios_rate_and_move_with_it() -> None:
    rates = {"EUR": {"date": "2026-05-15", "rate": 1.25}}
    shop = Shop(name="s", exchange_rates=rates, price="8 EUR/Mtoken")
    assert shop.price == pytest.approx(10e-6, rel=1e-15)
    assert shop.written()["price"] == "8 EUR/Mtoken"
    assert Shop.from_toml(shop.to_toml()) == shop
    assert shop.replace({"exchange_rates.EUR.rate": 1.5}).price == pytest.approx(12e-6, rel=1e-15)
    drawn = Shop(name="s", exchange_rates=rates, price={"dist": "uniform", "low": "4 EUR/Mtoken", "high": "8 €/Mtok"})
    assert drawn.price.support() == pytest.approx((5e-6, 10e-6))
    cited = {row.path: (row.value, row.note) for row in shop.sources()}
    assert cited["exchange_rates.EUR"] == ("1.25", "of 2026-05-15")
    assert float(sales(shop).in_currency("EUR")["worth"]) == 40.0


@pytest.mark.contract
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"price": "8 EUR/Mtoken"}, "price: .*EUR needs a dated rate"),
        ({"exchange_rates": {"EUR": {"rate": 1.1}}}, "exchange_rates.EUR.date: is missing"),
        ({"exchange_rates": {"EUR": 1.1}}, "a table with date"),
        ({"exchange_rates": {"EUX": {"date": "2026-01-01", "rate": 1.0}}}, "'EUX' is not a currency code"),
        ({"exchange_rates": {"EUR": {"date": "2026-01-01", "rate": -1.0}}}, "greater than 0"),
        ({"exchange_rates": {"EUR": {"date": "2026-01-01", "rate": 1.0, "source": "x"}}}, "not in \\[sources\\]"),
        ({"price": "8 ¥/Mtoken"}, "may be yen or yuan"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(entries: dict, said: str) -> None:
    with pytest.raises((ScenarioError, UnitError), match=said):
        Shop(name="s", **entries)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("€2.50/hr", "USD/hour", 3.125),
        ("EUR 2.50/hr", "USD/hour", 3.125),
        ("€1.5M", "USD", 1.875e6),
        ("1.5m EUR", "USD", 1.875e6),
        ("120 EUR/MWh", "USD/Wh", 150e-6),
        ("-2 EUR", "USD", -2.5),
    ],
)
def test_currencies_are_read_as_people_write_them(text: str, unit: str, value: float) -> None:
    with rates_in_use({"EUR": 1.25}):
        assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.law
def test_every_code_is_read_at_its_rate() -> None:
    with rates_in_use(dict.fromkeys(CODES, 0.5)):
        for code in CODES - {"USD"}:
            assert parse_quantity(f"3 {code}/hour", "USD/hour") == 1.5


@pytest.mark.contract
def test_results_restated_alike_are_equal() -> None:
    hour = costmodel.run("h100-hour")
    assert hour.in_currency("EUR", rate=1.25) == hour.in_currency("EUR", rate=1.25)
    assert hour.in_currency("EUR", rate=1.25) != hour.in_currency("EUR", rate=1.5)
    assert hour.to_real(2020) == hour.to_real(2020)
