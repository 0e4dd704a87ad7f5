"""Ownership where a rule begins, ends or changes: figures by hand on both sides of each edge."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from costmodel.entry import run
from costmodel.foundation.errors import (
    CatalogError,
    ConvergenceError,
    DomainError,
    ScenarioError,
    UnknownParameterError,
)
from costmodel.ownership import checks, company, depreciation, filings, finance, macrs, tax
from costmodel.ownership.accelerator_hour import AcceleratorHour, from_catalog
from costmodel.ownership.books import as_books
from costmodel.ownership.curve import Curve
from costmodel.ownership.fleet import BookTerms, Fleet, Opening, OpeningBook, stacked
from costmodel.ownership.hour_records import figures, it_power_over_rated
from costmodel.ownership.loans import Loans
from costmodel.ownership.project import Project, ProjectResult

# Books and methods of depreciation


@pytest.mark.closed_form
def test_books_accumulate_from_nothing() -> None:
    books = as_books(10.0, [3.0, 2.0])
    assert (books.accumulated.tolist(), books.book_value.tolist()) == ([0.0, 3.0, 5.0], [10.0, 7.0, 5.0])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("switch", "expense"),
    [
        # Double declining over 2.5 periods: 80 %, then 80 % of 20, then half a period of 80 % of 4, or all of the 4.
        (False, [80.0, 16.0, 1.6]),
        (True, [80.0, 16.0, 4.0]),
    ],
)
def test_declining_balance_over_a_broken_life(switch: bool, expense: list[float]) -> None:
    assert depreciation.declining_balance(100.0, 0.0, 2.5, switch=switch).expense == pytest.approx(expense)


@pytest.mark.closed_form
def test_declining_balance_turns_to_a_straight_line() -> None:
    # Factor 1 over four periods: a quarter of 100, then a third of 75 (more than a quarter of it), and so on.
    assert depreciation.declining_balance(100.0, 0.0, 4.0, 1.0).expense == pytest.approx([25.0] * 4)


@pytest.mark.closed_form
def test_other_methods_charge_what_their_rule_says() -> None:
    digits = depreciation.sum_of_years_digits(170.0, 20.0, 5.0, periods=6)
    assert digits.expense == pytest.approx([50.0, 40.0, 30.0, 20.0, 10.0, 0.0])
    # Done after a whole number of periods of a broken life of 2.5: a (2 · 2.5 - a + 1)/(2.5 · 3.5).
    broken = depreciation.sum_of_years_digits(8.75, 0.0, 2.5).expense
    assert broken == pytest.approx([5.0, 3.0, 0.75])
    units = depreciation.units_of_production(100.0, 20.0, [2.0, 3.0, 10.0, 1.0], 10.0)
    assert units.expense == pytest.approx([16.0, 24.0, 40.0, 0.0])
    market = depreciation.economic(50.0, math.log(2.0), 3)
    assert market.expense == pytest.approx([25.0, 12.5, 6.25])
    assert depreciation.sum_of_years_digits(1.0, 0.0, [2.0, 3.5]).expense.shape == (4, 2)
    assert depreciation.economic(1.0, 0.1, 1).expense.shape == (1,)
    rents = depreciation.expected_rents(100.0, 2.5, 0.08, 0.25)

    def worth(age: float) -> float:
        return quad(lambda t: math.exp(-0.25 * t - 0.08 * (t - age)), age, 2.5)[0]

    left = [worth(age) / worth(0.0) for age in (0.0, 1.0, 2.0, 2.5)]
    assert rents.expense == pytest.approx(-100.0 * np.diff(left))


@pytest.mark.closed_form
def test_macrs_at_the_ends_of_its_year() -> None:
    assert macrs.macrs_rates(39, "mid_month", month=1)[0] == pytest.approx(11.5 / 12 / 39)
    assert macrs.macrs_rates(39, "mid_month", month=12)[0] == pytest.approx(0.5 / 12 / 39)
    home = macrs.macrs_rates(27.5, "mid_month", month=6)
    assert home[0] == pytest.approx(6.5 / 12 / 27.5)
    assert home.sum() == pytest.approx(1.0) and (home[1:-1] == pytest.approx(1 / 27.5))
    for change in ({"month": 0}, {"month": 13}, {"month": None}):
        with pytest.raises(DomainError, match="month = 1"):
            macrs.macrs_rates(39, "mid_month", **change)
    for quarter in (0, 5):
        with pytest.raises(DomainError, match="quarter = 1"):
            macrs.macrs_rates(5, "mid_quarter", quarter=quarter)
    with pytest.raises(DomainError, match="5-year property takes half_year or mid_quarter"):
        macrs.macrs_rates(5, "mid_month", month=1)
    for cost in (-0.5, -2.0):
        with pytest.raises(DomainError, match=r"cost must be ≥ 0"):
            macrs.macrs(cost, 5)
    wide = macrs.macrs([[100.0, 200.0]], 3, bonus=[[0.0], [0.5]])
    assert wide.expense.shape == (4, 2, 2)
    assert wide.expense[0, 1] == pytest.approx([50 + 50 / 3, 100 + 100 / 3])


# Finance, tax, loans


@pytest.mark.closed_form
def test_internal_rates_near_the_ends_of_what_is_looked_for() -> None:
    assert finance.internal_rates([-1.0, 1.0 + 1e5]) == pytest.approx((1e5,))
    assert finance.internal_rates([-1.0, 1e-5]) == pytest.approx((-1.0 + 1e-5,))
    assert finance.internal_rates([-1.0, 2e6]) == () == finance.internal_rates([-1.0, 1e-7])
    # Rates of 10 % and 11 % are two, whatever the size of the flows.
    two = 1e9 * np.array([1.0, -(1.10 + 1.11), 1.10 * 1.11])
    assert finance.internal_rates(two) == pytest.approx((0.10, 0.11))
    with pytest.raises(ConvergenceError, match=r"several internal rates of return \(0\.1, 0\.11\)"):
        finance.irr(two)
    assert finance.internal_rates([0.0, -100.0, 110.0]) == pytest.approx((0.1,))


@pytest.mark.closed_form
def test_present_value_and_payback_by_column() -> None:
    flows = np.array([[-100.0, -50.0], [55.0, 60.5], [60.5, 0.0]])
    assert finance.npv([0.1, 0.0], flows) == pytest.approx([0.0, 10.5])
    assert finance.npv(-0.5, [1.0, 1.0, 1.0]) == pytest.approx(1 + 2 + 4)
    assert finance.payback([5.0]) == 0.0 and finance.payback([-5.0, 0.0]) == math.inf
    assert finance.payback([-5.0, 5.0, 0.0]) == 1.0
    both = np.array([[-10.0, 1.0], [5.0, -3.0], [10.0, 4.0]])
    assert finance.payback(both) == pytest.approx([1.5, 1 + 2 / 4])
    assert finance.discounted_payback(0.0, both) == pytest.approx([1.5, 1.5])
    assert finance.discounted_payback([0.25, 0.0], flows) == pytest.approx([np.inf, 50 / 60.5])
    for empty in ([], np.zeros((0, 2))):
        with pytest.raises(DomainError, match="at least one period"):
            finance.npv(0.1, empty)
    for function in (finance.npv, finance.discounted_payback):
        with pytest.raises(DomainError, match=r"rate must be > -1 \[1\]; given -1.0 at 1"):
            function([0.1, -1.0], [1.0, 2.0])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("acquired", "share"),
    [
        # 26 U.S.C. 168(k) as amended: the last and the first day of each share.
        ("2008-01-01", 0.5), ("2010-09-08", 0.5), ("2011-12-31", 1.0), ("2012-01-01", 0.5),
        ("2017-09-27", 0.5), ("2023-01-01", 0.8), ("2023-12-31", 0.8), ("2024-12-31", 0.6),
    ],
)  # fmt: skip
def test_bonus_on_the_days_of_change(acquired: str, share: float) -> None:
    assert tax.bonus_share(acquired) == share


@pytest.mark.closed_form
def test_bonus_needs_a_day_of_service_not_before_that_of_purchase() -> None:
    assert tax.bonus_share("2024-05-01", "2024-05-01") == 0.6
    assert tax.bonus_share(date(2024, 12, 31), "2025-01-01") == 0.4
    with pytest.raises(DomainError, match="no bonus share is recorded"):
        tax.bonus_share("2007-12-31")


@pytest.mark.closed_form
def test_losses_and_deferred_tax_by_draw() -> None:
    years = tax.tax_with_losses([[-10.0, 10.0], [10.0, 10.0]], 0.5, [1.0, 0.5], opening_losses=[0.0, 8.0])
    assert years.losses_used.tolist() == [[0.0, 5.0], [10.0, 3.0]]
    assert years.tax.tolist() == [[0.0, 2.5], [0.0, 3.5]]
    assert years.losses_carried.tolist() == [[0.0, 8.0], [10.0, 3.0], [0.0, 0.0]]
    assert tax.deferred_tax([1.0, 1.0], [4.0, 0.0], 0.5).tolist() == [0.0, 1.5, 1.0]
    flows = tax.after_tax_flows([10.0, 20.0], [[8.0, 8.0]], [[2.0, 4.0]], 0.25)
    assert flows.tolist() == [[-10.0, -20.0], [6.5, 7.0]]
    with pytest.raises(DomainError, match="income must be a series by year"):
        tax.tax_with_losses(5.0, 0.2)
    with pytest.raises(DomainError, match="opening_losses must be ≥ 0"):
        tax.tax_with_losses([5.0], 0.2, opening_losses=-1.0)


@pytest.mark.closed_form
def test_a_loan_repaid_in_whole_owes_nothing() -> None:
    loans = Loans(step=1.0, steps=3, term=2.0, opening=40.0, opening_life=4.0)
    loans.advance(20.0)
    assert float(loans.due) == pytest.approx(10.0 + 10.0)
    loans.advance(0.0, early=1e6)
    assert float(loans.owed) == 0.0 == float(loans.due)


@pytest.mark.closed_form
def test_maturities_may_make_up_the_debt_and_no_more() -> None:
    table = np.array([[10.0, 20.0], [30.0, 40.0]])
    loans = Loans(step=1.0, steps=2, batch=(2,), term=3.0, opening=[40.0, 60.0], maturities=table)
    loans.advance(0.0)
    assert loans.due.tolist() == [30.0, 40.0]
    with pytest.raises(DomainError, match="at most the opening debt"):
        Loans(step=1.0, steps=2, batch=(2,), term=3.0, opening=[40.0, 59.9], maturities=table)
    for wrong, shape in ((1.0, r"\(\)"), ([1.0, 0.0], r"\(2,\)")):
        with pytest.raises(DomainError, match=rf"one row for each of 1 steps; given the shape {shape}"):
            Loans(step=1.0, steps=1, term=3.0, opening=1.0, maturities=wrong)


# Checks


@pytest.mark.contract
def test_a_refusal_names_the_first_bad_value_and_its_place() -> None:
    for values, given in (
        (-2.0, "given -2.0$"),
        ([1.0, -2.0, -3.0], "given -2.0 at 1$"),
        ([[1.0, 2.0], [3.0, -4.0]], r"given -4.0 at \(1, 1\)$"),
    ):
        with pytest.raises(DomainError, match=r"it must be ≥ 0 \[USD\]; " + given):
            checks.at_least("it", values, 0.0, unit="USD")
    assert checks.at_least("it", 0.0, 0.0, unit="USD").tolist() == 0.0
    with pytest.raises(DomainError, match=r"it must be > 0 \[year\]; given 0.0"):
        checks.at_least("it", 0.0, 0.0, unit="year", strict=True)
    for numbers in (np.uint8(3), 3, np.float32(3.0)):
        assert checks.number_array("it", numbers, unit="1").dtype == np.float64


# Fleet and its books


def yearly(fleet: Fleet, steps: int, changes: dict[int, float]) -> list[float]:
    expense = []
    for step in range(steps):
        if step in changes:
            fleet.change_life("chips", changes[step])
        expense.append(float(fleet.advance(0.0, {}).depreciation[0]))
    return expense


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("changes", "expense"),
    [
        # 300 a year; six years of life from the second year on: 900 over five; four from the fourth on: 540 in one.
        ({1: 6.0, 3: 4.0}, [300.0, 180.0, 180.0, 540.0, 0.0]),
        # Half is left after two years; a life of two or less leaves no time.
        ({2: 2.0}, [300.0, 300.0, 600.0, 0.0, 0.0]),
        ({2: 1.5}, [300.0, 300.0, 600.0, 0.0, 0.0]),
        # From the start.
        ({0: 3.0}, [400.0, 400.0, 400.0, 0.0, 0.0]),
    ],
)
def test_an_opening_book_of_one_age_under_new_lives(changes: dict[int, float], expense: list[float]) -> None:
    opening = Opening(books={"chips": OpeningBook(value=1200.0, life=4.0)})
    fleet = Fleet(step=1.0, steps=5, books={"chips": BookTerms(life=4.0)}, lag=0.0, opening=opening)
    assert yearly(fleet, 5, changes) == pytest.approx(expense)


@pytest.mark.closed_form
def test_an_impairment_takes_the_opening_book_and_the_new_one() -> None:
    opening = Opening(books={"chips": OpeningBook(value=100.0, life=4.0)})
    fleet = Fleet(step=1.0, steps=3, books={"chips": BookTerms(life=4.0, salvage_share=0.5)}, lag=0.0, opening=opening)
    fleet.arrive()
    fleet.order(2.0, {"chips": 40.0})
    # 75 of the opening book, and 80 less half a charge of a quarter of 40.
    assert float(fleet.impair("chips", 0.2)) == pytest.approx(0.2 * (75.0 + 75.0))
    done = fleet.close()
    assert (float(done.impaired[0]), float(done.book_value[0])) == pytest.approx((30.0, 120.0))
    assert float(fleet.advance(0.0, {}).depreciation[0]) == pytest.approx(0.8 * (25.0 + 10.0))
    assert float(fleet.impair("chips", 0.0) if fleet.arrive() is None else 1.0) == 0.0


@pytest.mark.closed_form
def test_life_left_where_one_cohort_is_on_its_way_out() -> None:
    fleet = Fleet(step=1.0, steps=3, books={"chips": BookTerms(life=4.0)}, lag=0.0, life=1.5)
    fleet.advance(12.0, {"chips": 1.0})
    fleet.arrive()
    fleet.order(8.0, {"chips": 1.0})
    # Of the first twelve those younger than 1.5 years are here, half of them with a quarter of a year; eight have one.
    assert float(fleet.life_left()) == pytest.approx((6 * 0.25 + 8 * 1.0) / 14)
    assert float(fleet.middle[0]) == pytest.approx(0.5 * (12 + 14))
    assert float(fleet.worth({"units": 3.0}, 0.0)) == pytest.approx(3 * (6 * 0.25 + 8 * 1.0))


@pytest.mark.closed_form
def test_worth_counts_those_that_are_alive() -> None:
    opening = Opening(in_service={"units": 10.0}, life=5.0)
    fleet = Fleet(
        step=0.5, steps=4, books={"chips": BookTerms(life=4.0)}, lag=0.0, failure_rate=0.2, life=9.0, opening=opening
    )
    fleet.advance(0.0, {})
    fleet.arrive()
    # After a year eight tenths have not retired and e^-0.2 of them not failed; two years are left on average.
    assert float(fleet.worth({"units": 1.0}, 0.0)) == pytest.approx(8 * math.exp(-0.2) * 2.0)
    assert float(fleet.life_left()) == pytest.approx(2.0)
    empty = Fleet(step=0.5, steps=4, books={"chips": BookTerms(life=4.0)}, lag=0.0, life=9.0)
    empty.arrive()
    assert float(empty.life_left()) == 0.0


@pytest.mark.closed_form
def test_life_left_without_a_physical_life() -> None:
    """Infinite with any unit of its own in service, 0 with none, the opening units' alone, and unknown stays so."""
    fleet = Fleet(step=1.0, steps=3, batch=(3,), books={"chips": BookTerms(life=4.0)}, lag=0.0)
    fleet.arrive()
    assert fleet.life_left().tolist() == [0.0, 0.0, 0.0]
    fleet.order([0.0, 5.0, math.nan], {"chips": 1.0})
    np.testing.assert_array_equal(fleet.life_left(), [0.0, math.inf, math.nan])
    fleet.close()
    fleet.advance([2.0, 0.0, 1.0], {"chips": 1.0})
    np.testing.assert_array_equal(fleet.life_left(), [math.inf, math.inf, math.nan])
    opening = Opening(in_service={"units": 4.0}, life=6.0)
    old = Fleet(step=1.0, steps=3, books={"chips": BookTerms(life=4.0)}, lag=0.0, opening=opening)
    old.arrive()
    assert float(old.life_left()) == pytest.approx(2.5)
    old.order(1.0, {"chips": 1.0})
    assert float(old.life_left()) == math.inf


@pytest.mark.closed_form
def test_what_leaves_in_some_draws_leaves_in_those_alone() -> None:
    fleet = Fleet(step=1.0, steps=2, batch=(2,), books={"chips": BookTerms(life=4.0)}, lag=0.0)
    fleet.arrive()
    fleet.order([10.0, 10.0], {"chips": 8.0})
    assert fleet.leave({"units": [-1.0, 1.0]}, [0.5, 0.5])[0].tolist() == [5.0, 0.0]
    assert fleet.leave({"units": -1.0}, [0.0, 0.0])[0].tolist() == [0.0, 0.0]
    assert fleet.leave({"units": -1.0}, [0.0, 0.3])[0].tolist() == pytest.approx([0.0, 3.0])
    done = fleet.close()
    assert done.left[0].tolist() == pytest.approx([5.0, 3.0])
    assert done.written_off[0].tolist() == pytest.approx([35.0, 21.0])


@pytest.mark.contract
def test_a_fleet_is_checked_at_its_edges() -> None:
    given: dict[str, Any] = {"step": 0.5, "steps": 4, "books": {"chips": BookTerms(life=4.0)}, "lag": 1.0}
    Fleet(**given, shipping_lag=1.0, failure_rate=250.0)
    with pytest.raises(DomainError, match=r"failure_rate must be at most 250 over this horizon"):
        Fleet(**given, failure_rate=250.1)
    for change, said in (
        ({"batch": (2,), "lag": [1.0, 2.0, 3.0]}, r"lag has the shape \(3,\), which does not broadcast to \(2,\)"),
        ({"opening": Opening(life=0.0)}, "opening life must be > 0"),
        ({"shipping_lag": -0.1}, "shipping_lag must be ≥ 0"),
        ({"step": 0.0}, "step must be > 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"books": {"chips": BookTerms(life=4.0, salvage_share=-0.1)}}, "salvage share of chips must be ≥ 0"),
        ({"opening": Opening(books={"chips": OpeningBook(value=1.0, life=0.0)})}, "life of the opening book of chips"),
        ({"opening": Opening(books={"chips": OpeningBook(value=-1.0, life=1.0)})}, "opening book of chips must be ≥ 0"),
    ):
        with pytest.raises(DomainError, match=said):
            Fleet(**{**given, **change})
    with pytest.raises(DomainError, match="book life must be > 0"):
        Fleet(**given).change_life("chips", 0.0)
    with pytest.raises(DomainError, match=r"call arrive\(\) first"):
        Fleet(**given).close()


# Company


@pytest.mark.closed_form
def test_a_change_of_life_within_the_year_is_made_at_its_quarter() -> None:
    # One a quarter. The first has charged 0.125 by then and has 1.875 years left of two instead of one: 0.35 in the
    # rest of the year; those of later quarters have 0.625, 0.375 and 0.125 years of it, at half a year each.
    late = company.short_lived_depreciation([4.0], company.LifePolicy(1.0, ((0.25, 2.0),)), 0.0)
    assert float(late[0]) == pytest.approx(0.125 + 0.875 / 1.875 * 0.75 + 0.5 * 1.125)
    at_start = company.long_lived_depreciation([4.0, 0.0], 2.0, 0.0)
    for time in (-1.0, 0.0, 0.1):
        assert company.short_lived_depreciation([4.0, 0.0], company.LifePolicy(9.0, ((time, 2.0),)), 0.0).tolist() == (
            at_start.tolist()
        )


@pytest.mark.contract
def test_what_a_company_s_series_must_be() -> None:
    with pytest.raises(DomainError, match="one axis of draws at most"):
        company.long_lived_depreciation([1.0], [[3.0, 4.0]], 0.5)
    for capex in ([], [[1.0]]):
        with pytest.raises(DomainError, match="one series by fiscal year; given the shape"):
            company.long_lived_depreciation(capex, 3.0, 0.5)
    assert company.opening_depreciation(9.0, 3, [3.0, 1.5]).tolist() == [
        pytest.approx([5.0, 8.0]), pytest.approx([3.0, 1.0]), pytest.approx([1.0, 0.0])
    ]  # fmt: skip


@pytest.mark.closed_form
@pytest.mark.parametrize(("old", "new", "growth"), [(6.0, 5.0, 0.0), (4.0, 6.0, 0.3), (4.0, 5.5, -0.2)])
def test_life_effect_is_the_integral_over_ages(old: float, new: float, growth: float) -> None:
    """Expense of the coming year on what is there, by age, and on purchases that enter and stay in it."""

    def over_ages(value: Any, edges: tuple[float, ...]) -> float:
        return quad(lambda a: math.exp(-growth * a) * value(a), 0.0, old, points=edges)[0]

    purchases = old / over_ages(lambda a: 1.0, ())
    entering = quad(lambda t: math.exp(growth * t) * (1.0 - t), 0.0, 1.0)[0]
    before = purchases * (over_ages(lambda a: min(1.0, old - a), (old - 1.0,)) + entering) / old
    kept = over_ages(lambda a: (1.0 - a / old) / max(new - a, 1.0), (min(new - 1.0, old),))
    found = company.useful_life_effect(20.0, old, new, growth, 0.5)
    assert found["before"] == pytest.approx(10.0 * before, rel=1e-4)
    assert found["after"] == pytest.approx(10.0 * purchases * (kept + entering / new), rel=1e-4)
    alone = company.useful_life_effect(20.0, old, new, growth, 0.5, new_purchases=False)
    assert alone["after"] == pytest.approx(10.0 * purchases * kept, rel=1e-4)
    assert company.useful_life_effect(1.0, 1.0, 1.0)["effect"] == 0.0


# Filings


def entry(value: float) -> dict[str, Any]:
    return {"value": value, "grade": "reported", "note": "filed"}


@pytest.mark.closed_form
def test_an_opening_needs_both_parts_of_property() -> None:
    terms: dict[str, Any] = {"depreciation": 8e9, "equipment_life": 5.0, "site_life": 20.0}
    figures = {"cash": entry(1e9), "net_ppe": entry(60e9), "construction": entry(20e9), "lease_term": entry(11.6)}
    balance = filings.FiledBalance("Any", date(2025, 12, 31), figures)
    shown = str(balance)
    assert "Any, 2025-12-31\n" in shown and "12 years" in shown and "60.0 billion USD" in shown
    assert "not recorded: debt, lease_debt, leases_signed, commitments" in shown
    opening = filings.opening_of(balance, **terms)
    # Of 40 billion 20 % wear out a year: 1.5/5 of equipment and 1.25/20 of sites.
    short = (0.2 - 0.0625) / (0.3 - 0.0625)
    booked = {name: opening[name]["book"]["value"] / 40e9 for name in ("accelerators", "network", "sites")}
    assert booked == pytest.approx({"accelerators": short * 0.81, "network": short * 0.19, "sites": 1 - short})
    built = {name: opening[name]["construction"]["value"] / 20e9 for name in booked}
    assert built == pytest.approx({"accelerators": 0.35 * 0.81, "network": 0.35 * 0.19, "sites": 0.65})
    lives = {name: (opening[name]["life"]["value"], opening[name]["run_off"]["value"]) for name in booked}
    assert lives == {"accelerators": (5.0, 1.5), "network": (5.0, 1.5), "sites": (20.0, 1.25)}
    for absent in ("net_ppe", "construction"):
        rest = {name: figure for name, figure in figures.items() if name != absent}
        assert list(filings.opening_of(filings.FiledBalance("Any", date(2025, 12, 31), rest), **terms)) == ["cash"]
    for change, said in (
        ({"equipment_life": 20.0}, "equipment_life must be shorter"),
        ({"equipment_life": 0.0}, "equipment_life must be > 0"),
        ({"depreciation": -1.0}, "depreciation must be ≥ 0"),
        ({"building_equipment_share": 1.1}, "building_equipment_share must be between"),
    ):
        with pytest.raises(DomainError, match=said):
            filings.opening_of(balance, **{**terms, **change})


# An accelerator-hour


@pytest.mark.contract
@pytest.mark.parametrize(
    ("accelerator", "basis", "chip", "server", "network"),
    [
        # Catalog: mean price of a chip, of parts of a server of eight, of a rack or a server by accelerator; Cottier
        # et al. (2024): server parts of 64 % of a chip, and a network of 19 % of the whole.
        ("H100-SXM", "vendor", 23_238.0, 32_010.0 / 8, (23_238.0 + 32_010.0 / 8) * 0.19 / 0.81),
        ("H100-SXM", "server", 23_238.0, 30_000.0 - 23_238.0, 30_000.0 * 0.19 / 0.81),
        ("H100-SXM", "vendor_chip", 23_238.0, 23_238.0 * 0.64, 23_238.0 * 1.64 * 0.19 / 0.81),
        ("GB200-NVL72", "rack", 36_742.0, 45_000.0 - 36_742.0, 0.0),
        ("VR200-NVL", "rack", 108_333.0 / 1.64, 108_333.0 * 0.64 / 1.64, 0.0),
        ("A100-SXM-80", "card", 17_500.0, 17_500.0 * 0.64, 17_500.0 * 1.64 * 0.19 / 0.81),
        ("TPU-v7", "owner_cost", 11_698.0, 11_698.0 * 0.64, 11_698.0 * 1.64 * 0.19 / 0.81),
    ],
)
def test_prices_by_each_basis(accelerator: str, basis: str, chip: float, server: float, network: float) -> None:
    hour = from_catalog(accelerator, price_basis=basis, pue=1.2)
    assert (hour.chip_price, hour.server_price, hour.network_price) == pytest.approx((chip, server, network))
    # The house's running cost of 0.9 less 0.6 of energy.
    assert hour.maintenance_per_watt == pytest.approx(0.9 - 0.6)


@pytest.mark.closed_form
def test_power_over_rated_power_is_the_median_of_eleven() -> None:
    # B200: 1710 W with server and network, of 1000 W rated; five have more, five less.
    assert it_power_over_rated() == pytest.approx(1.71)


HOUR: dict[str, Any] = {
    "name": "edge", "chip_price": 20_000.0, "server_price": 8_000.0, "network_price": 5_000.0, "it_power": 1_500.0,
    "it_life": 4.0, "pue": 1.2, "electricity_price": 0.0, "facility_cost_per_watt": 10.0, "facility_life": 20.0,
    "maintenance_per_watt": 0.3, "wacc": 0.1, "peak": 1e15,
}  # fmt: skip


@pytest.mark.closed_form
def test_required_rent_of_an_hour_earns_price_less_sale_while_it_falls() -> None:
    hour = run(AcceleratorHour(**HOUR, salvage=0.3, rent_decline=0.25, utilisation=0.8))
    rate = math.log(1.1)
    equipment = 33_000.0 * (1.0 - 0.3 / 1.1**4) / quad(lambda t: math.exp(-(rate + 0.25) * t), 0.0, 4.0)[0]
    site = 15_000.0 / quad(lambda t: math.exp(-rate * t), 0.0, 20.0)[0]
    assert float(hour.required_rent) == pytest.approx((equipment + site + 450.0) / (0.8 * 8766))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"operator": "Epoch default hyperscaler", "pue": 1.2}, "operator would do nothing: pue is given"),
        ({"precision": "bf16", "peak": 1e15}, "precision would do nothing: peak is given"),
        ({"known_by": "2025", **dict.fromkeys(("chip_price", "server_price", "network_price"), 1.0)}, "known_by would"),
    ],
)
def test_each_choice_needs_what_it_chooses_to_be_absent(changes: dict[str, Any], said: str) -> None:
    base = {"name": "h", "accelerator": "H100-SXM", "it_life": 4.0, "wacc": 0.07}
    with pytest.raises(ScenarioError, match=said):
        AcceleratorHour(**base, **changes)
    kept = {name: value for name, value in changes.items() if name in ("operator", "precision", "known_by")}
    one = {"network_price": 1.0} if "known_by" in kept else {}
    assert AcceleratorHour(**base, **kept, **one).completed().title.startswith("H100-SXM, owned: price by")


@pytest.mark.contract
def test_a_completed_hour_keeps_its_title_and_one_that_is_whole_is_itself() -> None:
    whole = AcceleratorHour(**HOUR)
    assert whole.completed() is whole
    assert AcceleratorHour(
        name="h", title="Ours", accelerator="H100-SXM", it_life=4.0, wacc=0.07
    ).completed().title == ("Ours")


# A project


def appraise(**changes: Any) -> ProjectResult:
    from tests.ownership.test_ownership_project import SIMPLE

    result: ProjectResult = run(Project(**{**SIMPLE, **changes}))
    return result


QUARTER = 10 * 8766 / 4 * 0.8 * 2.0
"""Rent of ten accelerators in a quarter at the rent of today [USD]."""
SITE = {
    "cost_per_watt": 10.0,
    "construction_lag": 0.0,
    "life": 20.0,
    "electricity_price": 1e-4,
    "cooling": {"pue": 1.2},
}


@pytest.mark.closed_form
def test_payback_counts_quarters() -> None:
    result = appraise(rent_decline=0.0, capital={"equity_share": 1.0, "equity_cost": 0.0})
    # The first quarter earns half, the price is back within the sixth whole one after it.
    quarters = (200_000 - QUARTER / 2) / QUARTER
    assert float(result.payback) == pytest.approx(quarters / 4)
    assert float(result.discounted_payback) == pytest.approx(quarters / 4)
    assert float(result.npv) == pytest.approx(20 * QUARTER - 200_000)


@pytest.mark.closed_form
def test_flows_are_worth_what_they_are_in_the_middle_of_quarters() -> None:
    result = appraise(rent_decline=0.2, years=2)
    flows = [QUARTER * math.exp(-0.2 * (k + 0.5) / 4) * (0.5 if k == 0 else 1.0) for k in range(8)]
    flows[0] -= 200_000
    assert float(result.npv) == pytest.approx(sum(flow / 1.1 ** ((k + 0.5) / 4) for k, flow in enumerate(flows)))
    assert result.accelerators_in_service.tolist() == [10.0, 10.0]
    assert result.coords() == {"year": (1, 2)}
    assert result.revenue[1] == pytest.approx(sum(flows[4:]))


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("method", "charges"),
    [
        # 180,000 of 200,000 over four years.
        ("sum_of_years_digits", [72_000.0, 54_000.0, 36_000.0, 18_000.0, 0.0]),
        ("declining_balance", [100_000.0, 50_000.0, 25_000.0, 5_000.0, 0.0]),
        # In service half of the first quarter.
        ("units_of_production", [39_375.0, 45_000.0, 45_000.0, 45_000.0, 5_625.0]),
        ("straight_line", [39_375.0, 45_000.0, 45_000.0, 45_000.0, 5_625.0]),
        ("economic", [200_000.0 * (math.exp(-0.2 * t) - math.exp(-0.2 * (t + 1))) for t in range(5)]),
    ],
)
def test_each_method_of_the_books_by_hand(method: str, charges: list[float]) -> None:
    books = {"method": method, "life": 4.0, "salvage_share": 0.1}
    result = appraise(books=books, years=5, physical_life=9.0)
    assert result.depreciation == pytest.approx(charges)


@pytest.mark.closed_form
def test_expected_rents_in_the_books_of_a_project() -> None:
    result = appraise(books={"method": "expected_rents", "life": 4.0}, years=4)
    rate = math.log(1.1)
    left = [
        quad(lambda t, age=age: math.exp(-0.2 * t - rate * (t - age)), age, 4.0)[0] / math.exp(0.0) for age in range(5)
    ]
    assert result.depreciation == pytest.approx(-200_000.0 * np.diff(left) / left[0])


@pytest.mark.closed_form
def test_site_and_equipment_are_deducted_over_their_own_years_and_the_rest_at_the_sale() -> None:
    result = appraise(
        site=SITE, tax={"rate": 0.25, "bonus": 0.0, "loss_limit": 1.0}, years=2, rent=9.0, resale_share=0.5,
        rent_decline=0.0,
    )  # fmt: skip
    # Tables A-1: 20 and 32 % of equipment over five years, 5 and 9.5 % of a site over fifteen.
    assert result.tax_deduction == pytest.approx([40_000.0 + 5_000.0, 64_000.0 + 9_500.0])
    site_left = 100_000.0 * (1.0 - (2.0 - 0.125) / 20.0)
    assert float(result.sale) == pytest.approx(100_000.0 + site_left)
    basis = 300_000.0 - result.tax_deduction.sum()
    income = result.revenue - result.running_cost - result.tax_deduction
    assert result.tax == pytest.approx([0.25 * income[0], 0.25 * (income[1] + float(result.sale) - basis)])
    assert result.book_value == pytest.approx(
        [200_000 * (1 - 0.875 / 6) + 100_000 * (1 - 0.875 / 20), 200_000 * (1 - 1.875 / 6) + site_left]
    )
    assert result.operating_income == pytest.approx(result.revenue - result.running_cost - result.depreciation)


@pytest.mark.closed_form
def test_a_contract_is_paid_until_a_default() -> None:
    contract = {"share": 0.5, "rent": 1.5, "term": 0.5, "default_rate": 0.4}
    result = appraise(contract=contract, rent_decline=0.0, years=1)
    parts = []
    for quarter in range(4):
        held = 0.5 * math.exp(-0.4 * (quarter + 0.5) / 4) if quarter < 2 else 0.0
        parts.append((0.5 if quarter == 0 else 1.0) * 10 * 8766 / 4 * (held * 1.5 + (1 - held) * 0.8 * 2.0))
    assert float(result.revenue[0]) == pytest.approx(sum(parts))


def annuity(rate: float, years: float) -> float:
    return (1.0 - (1.0 + rate) ** -years) / rate


@pytest.mark.closed_form
def test_the_cost_of_an_hour_of_a_project_by_hand() -> None:
    result = appraise(site=SITE, maintenance_per_watt=0.3, failure_rate=0.05, lag=0.5, rental_offer=1.9,
                      resale_share=0.1, tax={"rate": 0.25, "bonus": 0.4}, rent_decline=0.2)  # fmt: skip
    used, running = 8766 * 0.8, 1000 * 0.9 * 1.2 * 8766 * 1e-4 + 1000 * 0.3
    even = 20_000 / annuity(0.1, 5.0) + 10_000 / annuity(0.1, 20.0) + running
    assert float(result.levelized_cost) == pytest.approx(even / used)
    # Deductions are worth what they are a year after each year's start, 40 % of the price at once with the first.
    rates = [0.4 + 0.6 * 0.2, *(0.6 * part for part in (0.32, 0.192, 0.1152, 0.1152, 0.0576))]
    shield = sum(part / 1.1 ** (year + 1) for year, part in enumerate(rates))
    rate = math.log(1.1)
    chips = 20_000 / quad(lambda t: math.exp(-(rate + 0.2 + 0.05) * t), 0.0, 5.0)[0]
    site = 10_000 / quad(lambda t: math.exp(-rate * t), 0.0, 20.0)[0]
    rent = (chips + site) / used * (1 - 0.25 * shield) / 0.75 * 1.1**0.5 + running / used
    assert float(result.required_rent) == pytest.approx(rent * math.exp(0.2 * (0.5 + 0.125)))
    assert float(result.economic_life) == pytest.approx(min(math.log(2.0 * used / running) / 0.2, 5.0))
    owned = 30_000 + running * _continuous(7.0) - 0.1 * 20_000 / 1.1**7
    assert float(result.renting_saves) == pytest.approx(10 * (owned - 1.9 * used * _continuous(7.0)), rel=1e-6)


def _continuous(years: float) -> float:
    return annuity(0.1, years)


@pytest.mark.closed_form
def test_a_rented_site_costs_its_rent_and_no_price() -> None:
    rented = appraise(site=SITE, own_site=False, site_rent=0.5, years=2)
    assert rented.site_paid.tolist() == [0.0, 0.0]
    own = appraise(site=SITE, years=2)
    assert rented.running_cost[1] - own.running_cost[1] == pytest.approx(10_000 * 0.5)
    used = 8766 * 0.8
    running = (1000 * 0.9 * 1.2 * 8766 * 1e-4 + 1000 * 0.5) / used
    assert float(rented.levelized_cost) == pytest.approx(20_000 / annuity(0.1, 5.0) / used + running)


@pytest.mark.closed_form
def test_a_project_without_an_internal_rate_has_none() -> None:
    assert np.isnan(float(appraise(rent=1e-6).irr))


@pytest.mark.contract
def test_a_fleet_that_lacks_what_is_asked_says_so() -> None:
    with pytest.raises(DomainError, match="a history needs at least one step"):
        stacked([])
    fleet = Fleet(step=1.0, steps=2, batch=(2,), books={"chips": BookTerms(life=4.0)}, lag=0.5, life=9.0)
    fleet.arrive()
    fleet.order([4.0, 8.0], {"chips": 1.0})
    assert fleet.in_service[0].tolist() == [2.0, 4.0] == fleet.on_order[0].tolist()
    # All are there a year and a half after this step's middle, at its second bound.
    assert fleet.surviving(1.5)[0].tolist() == [4.0, 8.0]
    with pytest.raises(UnknownParameterError, match="no class 'chip' in this fleet; did you mean 'chips'"):
        fleet.impair("chip", 0.5)


@pytest.mark.contract
def test_prices_that_are_not_recorded_are_named() -> None:
    with pytest.raises(
        CatalogError, match=r"unknown price basis 'servr': allowed are vendor, rack, .*did you mean 'server'"
    ):
        figures("H100-SXM", ["chip_price"], price="servr")
    with pytest.raises(CatalogError, match="nothing about 'L40S' is recorded in accelerator_prices"):
        figures("L40S", ["chip_price"], price="card")
    with pytest.raises(CatalogError, match="or give electricity_price"):
        figures("H100-SXM", ["electricity_price"], region="Atlantis")
    hour = run(AcceleratorHour(**HOUR))
    assert list(hour.breakdown())[-1] == "total" and hour.breakdown()["total"] == hour.total
    assert float(sum(list(hour.breakdown().values())[:-1])) == pytest.approx(float(hour.total))


@pytest.mark.contract
def test_a_curve_has_no_memory_of_its_own_before_its_first_step() -> None:
    curve = Curve(2, 3, 4)
    assert curve.total.strides == (0, 0, 0) and curve.total.shape == (4, 2, 4)
    curve.add(np.arange(8.0).reshape(2, 4))
    assert curve.entered[0].tolist() == curve.total[1].tolist() == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    assert not curve.total[0].any() and not curve.entered[1:].any()
