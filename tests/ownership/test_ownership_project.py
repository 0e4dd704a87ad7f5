"""The appraisal of a purchase: simple cases by hand, identities, and inputs that must not affect some outputs."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest

from costmodel.entry import load_scenario, run
from costmodel.foundation.errors import CostModelError
from costmodel.ownership.project import Method, Project, ProjectResult, paid_share

SIMPLE: dict[str, Any] = {
    "name": "simple",
    "years": 7,
    "accelerators": 10.0,
    "price": 20_000.0,
    "it_power": 1000.0,
    "lag": 0.0,
    "physical_life": 5.0,
    "failure_rate": 0.0,
    "rent": 2.0,
    "rent_decline": 0.2,
    "utilisation": 0.8,
    "busy_load": 1.0,
    "idle_load": 0.5,
    "maintenance_per_watt": 0.0,
    "site": {"cost_per_watt": 0.0, "construction_lag": 0.0, "electricity_price": 0.0, "cooling": {"pue": 1.2}},
    "tax": {"rate": 0.0, "bonus": 0.0},
    "capital": {"equity_share": 1.0, "equity_cost": 0.1},
}


def appraise(**changes: Any) -> ProjectResult:
    result: ProjectResult = run(Project(**{**SIMPLE, **changes}))
    return result


@pytest.mark.closed_form
@pytest.mark.parametrize("changes", [{}, {"lag": 0.75}, {"failure_rate": 0.1}, {"rent_decline": 0.0}])
def test_at_the_required_rent_a_purchase_is_worth_its_price(changes: dict[str, Any]) -> None:
    required = float(appraise(**changes).required_rent)
    # Quarters stand for a continuous flow: two parts in a hundred of the price at most.
    assert abs(float(appraise(rent=required, **changes).npv)) < 0.02 * 200_000.0


@pytest.mark.closed_form
def test_a_year_by_hand() -> None:
    site = {
        "cost_per_watt": 10.0,
        "construction_lag": 0.0,
        "life": 20.0,
        "electricity_price": 1e-4,
        "cooling": {"pue": 1.2},
    }
    result = appraise(site=site, rent_decline=0.0, maintenance_per_watt=0.3)
    # In the second year ten are in service all the time, 80 % let at 2; at 0.9 of their draw they use 10 kW.
    hours = 10 * 8766
    assert result.hours[1] == pytest.approx(hours)
    assert result.revenue[1] == pytest.approx(hours * 0.8 * 2.0)
    assert result.running_cost[1] == pytest.approx(10_000 * 0.9 * 1.2 * 8766 * 1e-4 + 10_000 * 0.3)
    # 200,000 over six years from the middle of the first quarter on, and 100,000 of site over twenty.
    assert result.depreciation[1] == pytest.approx(200_000 / 6 + 100_000 / 20)
    assert result.site_paid.tolist() == [pytest.approx(100_000), 0, 0, 0, 0, 0, 0]
    assert result.wacc == pytest.approx(0.1)


@pytest.mark.closed_form
def test_a_contract_is_paid_whether_it_is_used_or_not() -> None:
    contract = {"share": 0.5, "rent": 1.5, "term": 2.0, "default_rate": 0.0}
    result = appraise(contract=contract, rent_decline=0.0)
    hours = 10 * 8766
    assert result.revenue[1] == pytest.approx(hours * (0.5 * 1.5 + 0.5 * 0.8 * 2.0))
    assert result.revenue[2] == pytest.approx(hours * 0.8 * 2.0)
    # Over two years 1.5 instead of 1.6 on half of the hours, at ln 1.1 a year.
    worth = 0.5 * hours * (1.5 - 1.6) * (1 - 1.1**-2) / math.log(1.1)
    assert result.contract_gain == pytest.approx(worth)


@pytest.mark.closed_form
def test_tax_knows_its_own_lives_and_losses() -> None:
    tax = {"rate": 0.25, "bonus": 1.0, "loss_limit": 1.0}
    result = appraise(tax=tax, rent_decline=0.0)
    assert result.tax_deduction.tolist() == [200_000.0, 0, 0, 0, 0, 0, 0]
    income = result.revenue - result.running_cost
    # The whole price at once makes a loss, which the income of the second year uses up.
    assert result.tax[0] == 0.0
    assert result.tax[1] == pytest.approx(0.25 * (income[0] + income[1] - 200_000))
    assert result.tax[2] == pytest.approx(0.25 * income[2])
    # At the end of the first year the books have charged seven eighths of a year of six.
    assert result.deferred_tax[0] == pytest.approx(0.25 * (200_000 - 200_000 / 6 * 0.875))


@pytest.mark.published
@pytest.mark.parametrize(("day", "bonus"), [("2024-06-01", 0.6), ("2025-02-01", 1.0)])  # 26 U.S.C. 168(k)
def test_the_day_of_acquisition_decides_the_bonus(day: str, bonus: float) -> None:
    first = appraise(tax={"rate": 0.21, "acquired": day}).tax_deduction[0]
    assert first == pytest.approx(200_000 * (bonus + (1 - bonus) * 0.2))


@pytest.mark.law
@pytest.mark.parametrize("method", get_args(Method))
def test_a_method_of_the_books_moves_profit_and_no_money(method: str) -> None:
    plain, other = appraise(tax={"rate": 0.21, "bonus": 0.5}), appraise(
        tax={"rate": 0.21, "bonus": 0.5}, books={"method": method, "life": 4.0}
    )  # fmt: skip
    for name in ("cash_flow", "tax", "npv", "irr"):
        assert np.isfinite(getattr(plain, name)).all()
        assert np.array_equal(getattr(plain, name), getattr(other, name))
    assert not np.allclose(plain.depreciation, other.depreciation)
    total = np.cumsum(other.depreciation) + other.book_value
    assert total == pytest.approx(np.full(7, 200_000.0))


@pytest.mark.law
@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"price": 15_000.0}, 1),
        ({"rent": 2.5}, 1),
        ({"utilisation": 0.9}, 1),
        ({"rent_decline": 0.4}, -1),
        ({"failure_rate": 0.2}, -1),
        ({"lag": 1.0}, -1),
        ({"resale_share": 0.0}, -1),
        ({"capital": {"equity_share": 1.0, "equity_cost": 0.2}}, -1),
        ({"contract": {"share": 0.5, "rent": 5.0, "term": 3.0}}, 1),
    ],
)
def test_what_makes_a_purchase_better_or_worse(change: dict[str, Any], sign: int) -> None:
    base = {"resale_share": 0.2, "years": 4}
    assert sign * (float(appraise(**{**base, **change}).npv) - float(appraise(**base).npv)) > 0


@pytest.mark.closed_form
def test_the_present_value_at_the_internal_rate_is_zero() -> None:
    rate = float(appraise().irr)
    at_it = appraise(capital={"equity_share": 1.0, "equity_cost": rate})
    assert float(at_it.npv) == pytest.approx(0.0, abs=1e-6 * 200_000)
    # At a cost of capital of nothing the flows add up.
    free = appraise(capital={"equity_share": 1.0, "equity_cost": 0.0})
    assert float(free.npv) == pytest.approx(float(free.cash_flow.sum() - free.outlay))


@pytest.mark.contract
def test_what_does_not_pay_back_stays_blank() -> None:
    result = appraise(rent=0.2)
    assert np.isnan(result.payback) and np.isnan(result.discounted_payback)
    assert np.isnan(result.contract_gain) and np.isnan(result.renting_saves)


@pytest.mark.closed_form
def test_accelerators_without_room_earn_nothing() -> None:
    limited = {**SIMPLE["site"], "power_limit": 6_000.0}
    # A grid of 6 kW carries 5 kW of ten at a PUE of 1.2.
    assert appraise(site=limited).hours[1] == pytest.approx(5 * 8766)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.project:paid_share")
def test_a_weak_counterparty_halves_in_its_half_life() -> None:
    assert paid_share(2.0, 5.0, math.log(2) / 2) == pytest.approx(0.5)
    assert paid_share(5.0, 5.0, 0.0) == 0.0


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"own_site": False}, "site_rent belongs to own_site = false"),
        ({"site_rent": 0.1}, "site_rent belongs to own_site = false"),
        ({"tax": {"rate": 0.2}}, "give either bonus"),
        ({"tax": {"bonus": 1.0, "acquired": "2025-01-01"}}, "give either bonus"),
        ({"years": 0}, "years"),
        ({"price": -1.0}, "price"),
    ],
)
def test_an_input_without_meaning_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CostModelError, match=message):
        Project(**{**SIMPLE, **change})


@pytest.mark.law
def test_the_built_in_project_closes_its_books_in_every_draw() -> None:
    result = run(load_scenario("h100-project"), draws=16, rng=0)
    total = np.cumsum(result.depreciation, axis=0) + result.book_value
    paid = result.outlay + np.cumsum(result.site_paid, axis=0)
    assert total == pytest.approx(paid)


@pytest.mark.closed_form
def test_what_is_sold_at_the_end_is_taxed() -> None:
    """Ten accelerators of 20,000, deducted at once, are sold for a fifth of their price after four years."""
    terms: dict[str, Any] = {"years": 4, "rent_decline": 0.0, "tax": {"rate": 0.25, "bonus": 1.0, "loss_limit": 1.0}}
    kept, sold = appraise(**terms), appraise(**terms, resale_share=0.2)
    assert float(sold.sale - kept.sale) == pytest.approx(40_000.0)
    assert float(sold.tax[-1] - kept.tax[-1]) == pytest.approx(0.25 * 40_000.0)
    assert float(sold.cash_flow[-1] - kept.cash_flow[-1]) == pytest.approx(0.75 * 40_000.0)
    assert sold.tax[:-1].tolist() == kept.tax[:-1].tolist()
