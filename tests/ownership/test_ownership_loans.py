"""Loans and finance leases, the cost of claims, and losses carried."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError
from costmodel.ownership.finance import rate_with_claims
from costmodel.ownership.loans import Loans, interest_of_step
from costmodel.ownership.tax import losses_used


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.loans:interest_of_step")
def test_the_steps_of_a_year_compound_to_the_rate() -> None:
    owed = 200.0
    for _ in range(12):
        owed += interest_of_step(owed, 0.09, 1 / 12)
    assert owed == pytest.approx(200.0 * 1.09)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.finance:rate_with_claims")
def test_each_turn_of_claims_costs_its_spread() -> None:
    assert rate_with_claims(0.08, 300.0, 100.0, 0.02) == pytest.approx(math.log(1 + 0.08 + 3 * 0.02))
    assert rate_with_claims(0.08, -300.0, 100.0, 0.02) == pytest.approx(math.log(1.08))


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.tax:losses_used")
def test_losses_offset_a_share_of_income_at_most() -> None:
    assert losses_used(50.0, 200.0, 0.8) == 40.0
    assert losses_used(500.0, 200.0, 0.8) == 200.0
    assert losses_used(-50.0, 200.0, 0.8) == 0.0


@pytest.mark.closed_form
def test_a_term_that_is_not_whole_steps_ends_with_a_smaller_instalment() -> None:
    loans = Loans(step=1.0, steps=5, term=2.5)
    due = []
    for step in range(5):
        due.append(float(loans.due))
        loans.advance(100.0 if step == 0 else 0.0)
    assert due == [0.0, 40.0, 40.0, 20.0, 0.0]
    assert float(loans.owed) == 0.0


@pytest.mark.closed_form
def test_dated_maturities_fall_due_on_their_dates() -> None:
    loans = Loans(step=1.0, steps=3, term=5.0, opening=100.0, maturities=[0.0, 70.0, 0.0])
    due = []
    for _ in range(3):
        due.append(float(loans.due))
        loans.advance(0.0)
    assert due == [0.0, 70.0, 0.0]
    assert float(loans.owed) == 30.0


@pytest.mark.closed_form
def test_what_is_repaid_early_shrinks_the_later_instalments() -> None:
    # 100 over four years; after the first instalment half of the 75 that is left is repaid: 12.5 a year.
    loans = Loans(step=1.0, steps=5, term=4.0, opening=100.0, opening_life=4.0)
    loans.advance(0.0, early=37.5)
    assert float(loans.owed) == 37.5
    due = []
    for _ in range(4):
        due.append(float(loans.due))
        loans.advance(0.0)
    assert due == [12.5, 12.5, 12.5, 0.0]


@pytest.mark.law
@given(
    borrowed=st.lists(st.floats(0.0, 100.0), min_size=30, max_size=30),
    term=st.floats(0.3, 6.0),
    opening=st.floats(0.0, 500.0),
    life=st.floats(0.3, 6.0),
)
def test_everything_borrowed_is_repaid_and_nothing_more(
    borrowed: list[float], term: float, opening: float, life: float
) -> None:
    loans = Loans(step=0.25, steps=60, batch=(1,), term=term, opening=opening, opening_life=life)
    paid = 0.0
    for step in range(60):
        paid += float(loans.due[0])
        loans.advance(borrowed[step] if step < 30 else 0.0)
        assert loans.owed[0] >= -1e-9
    assert paid == pytest.approx(opening + sum(borrowed), abs=1e-9)
    assert float(loans.owed[0]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.law
@given(terms=st.lists(st.floats(0.3, 6.0), min_size=2, max_size=3), early=st.floats(0.0, 20.0))
def test_a_draw_of_loans_does_not_depend_on_the_others(terms: list[float], early: float) -> None:
    together = Loans(step=0.5, steps=12, batch=(len(terms),), term=terms, opening=50.0, opening_life=3.0)
    alone = [Loans(step=0.5, steps=12, term=term, opening=50.0, opening_life=3.0) for term in terms]
    for step in range(12):
        assert np.array_equal(together.due, [float(one.due) for one in alone])
        for loans in (together, *alone):
            loans.advance(3.0 + step, early if step == 4 else 0.0)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"term": 0.0}, "term must be > 0"),
        ({"opening": -1.0}, "opening debt must be ≥ 0"),
        ({"opening_life": 0.0}, "opening life must be > 0"),
        ({"opening": 1.0, "maturities": [1.0, 1.0]}, "at most the opening debt"),
        ({"maturities": [1.0]}, "one row for each of 2 steps"),
    ],
)
def test_a_loan_without_meaning_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        Loans(**{"step": 1.0, "steps": 2, "term": 3.0, **change})


@pytest.mark.closed_form
def test_what_is_repaid_early_twice_shrinks_them_twice() -> None:
    """100 over five years: three quarters of the 80 left are repaid, then three fifths of the 15 left after a year."""
    loans = Loans(step=1.0, steps=6, term=5.0, opening=100.0, opening_life=5.0)
    loans.advance(0.0, early=60.0)
    assert float(loans.due) == pytest.approx(5.0, rel=1e-12)
    loans.advance(0.0, early=9.0)
    due = []
    for _ in range(3):
        due.append(float(loans.due))
        loans.advance(0.0)
    assert due == pytest.approx([2.0, 2.0, 2.0], rel=1e-12)
    assert float(loans.owed) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.closed_form
def test_maturities_by_step_hold_in_every_draw() -> None:
    loans = Loans(
        step=1.0, steps=3, batch=(2,), term=10.0, opening=np.array([100.0, 60.0]), maturities=[10.0, 50.0, 0.0]
    )
    due = []
    for _ in range(3):
        due.append(loans.due.tolist())
        loans.advance(0.0)
    assert due == [[10.0, 10.0], [50.0, 50.0], [0.0, 0.0]]
    assert loans.owed.tolist() == [40.0, 0.0]


@pytest.mark.closed_form
def test_who_owes_nothing_repays_nothing_early() -> None:
    """Ten of 40 are due and ten more repaid: two thirds of the instalments are left. Beside it nothing is owed."""
    loans = Loans(step=1.0, steps=3, batch=(2,), term=2.0, opening=[40.0, 0.0], opening_life=4.0)
    loans.advance(0.0, [10.0, 5.0])
    assert loans.owed.tolist() == pytest.approx([20.0, 0.0])
    assert loans.due.tolist() == pytest.approx([20.0 / 3.0, 0.0])
