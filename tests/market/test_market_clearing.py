"""The market clears: offered use, money per token, price lines, and the solver, with numbers worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.market.clearing import (
    PASSES,
    Conditions,
    PriceState,
    clearing_rent,
    money_per_token,
    offered_use,
    offered_use_slope,
    outcome_at,
    price_lines,
    response_in_the_long_run,
    solve_decreasing,
)
from costmodel.market.demand import budget_ceiling, ceiling_in_logs

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.clearing:offered_use")
def test_offered_use_is_the_target_at_the_required_rent_and_nothing_below_running_cost() -> None:
    terms = (0.5, 1.5, 0.75, 0.88, 3.0)
    assert offered_use(1.5, *terms) == pytest.approx(0.75, rel=1e-15)
    assert offered_use(0.5, *terms) == 0.0
    assert offered_use(0.4, *terms) == 0.0
    # A scarcity rent of an eighth of capital's: half the target.
    assert offered_use(0.5 + 1.0 / 8.0, *terms) == pytest.approx(0.75 / 2.0, rel=1e-15)
    assert offered_use(40.0, *terms) == 0.88


@pytest.mark.reference("costmodel.market.clearing:offered_use_slope")
def test_offered_use_slope_is_its_elasticity() -> None:
    terms = (0.5, 1.5, 0.75, 0.88, 3.0)
    # rho/(phi (rho - m)) at 1.0: 1/(3 · 0.5).
    assert offered_use_slope(1.0, *terms) == pytest.approx(1.0 / 1.5, rel=1e-15)
    assert offered_use_slope(40.0, *terms) == 0.0
    nearby = np.log(offered_use(1.0001, *terms) / offered_use(0.9999, *terms)) / np.log(1.0001 / 0.9999)
    assert nearby == pytest.approx(1.0 / 1.5, rel=1e-6)


@pytest.mark.reference("costmodel.market.clearing:money_per_token")
def test_money_is_what_is_paid_and_cost_where_nothing_is() -> None:
    assert money_per_token(10.0, 2.0, 0.6, 0.5) == pytest.approx(10.0 * 0.6 * 0.5, rel=1e-15)
    assert money_per_token(10.0, 2.0, 0.0, 0.5) == 2.0


def test_pressure_is_the_log_slope_of_the_ceiling() -> None:
    assert ceiling_in_logs(0.0, 2.0)[1] == pytest.approx(0.5, rel=1e-12)
    # z = (2·3/4)^2 = 2.25: s = 2.25/3.25.
    left, pressure = ceiling_in_logs(np.log(2.0 * 3.0 / 4.0), 2.0)
    assert pressure == pytest.approx(2.25 / 3.25, rel=1e-12)
    assert left == pytest.approx(-np.log(3.25) / 2.0, rel=1e-12)
    assert ceiling_in_logs(-np.inf, 2.0) == (0.0, 0.0) and ceiling_in_logs(1e6, 2.0)[1] == 1.0
    up, down = budget_ceiling(3.003, 2.0, 4.0, 2.0), budget_ceiling(2.997, 2.0, 4.0, 2.0)
    assert np.log(up / down) / np.log(3.003 / 2.997) == pytest.approx(1.0 - 2.25 / 3.25, rel=1e-5)


def conditions(**changes: float) -> Conditions:
    values = {
        "level": 100.0, "hours": 2.0, "elasticity": -1.0, "log_reference": 0.0, "budget": np.inf, "sharpness": 1.0,
        "paid_share": 1.0, "realisation": 1.0, **changes,
    }  # fmt: skip
    return Conditions(**{name: np.array([[value]]) for name, value in values.items()})


def state(price: float = 0.0, noticed: float = 0.0, target: float = 0.0) -> PriceState:
    return PriceState(np.array([[price]]), np.array([[noticed]]), np.array([[target]]))


def test_price_lines_are_the_exact_lag_of_a_target_that_is_linear_in_the_step() -> None:
    lines = price_lines(state(), np.array([[0.0]]), np.array([2.0]), np.array([[np.inf]]), 0.25)
    # y' = 2 (x t/0.25 − y), y(0) = 0: y(0.25) = x (1 − (1 − e^−0.5)/0.5); noticed at once.
    expected = 0.7 * (1.0 - (1.0 - np.exp(-0.5)) / 0.5)
    assert lines.at(0.7).log_price[0, 0] == pytest.approx(expected, rel=1e-12)
    assert lines.at(0.7).log_noticed[0, 0] == pytest.approx(expected, rel=1e-12)
    assert lines.at(0.7).log_target[0, 0] == pytest.approx(0.7, rel=1e-12)


def test_the_short_side_serves_what_is_noticed_or_what_the_clearing_price_allows() -> None:
    # Prices that don't move: users take 100 at the price they know; at a target of 4 they would take 25.
    still = price_lines(state(), np.array([[0.0]]), np.array([1e-12]), np.array([[1e-12]]), 0.25)
    dear = outcome_at(np.array([np.log(4.0)]), still, conditions())
    assert dear.demanded[0, 0] == pytest.approx(100.0, rel=1e-9)
    assert dear.bought[0, 0] == pytest.approx(25.0, rel=1e-9)
    assert dear.slope[0, 0] == pytest.approx(-1.0, rel=1e-9)
    cheap = outcome_at(np.array([np.log(0.25)]), still, conditions())
    assert cheap.bought[0, 0] == pytest.approx(100.0, rel=1e-9)
    assert cheap.slope[0, 0] == pytest.approx(0.0, abs=1e-9)  # users buy what they did, whatever the rent


def test_the_ceiling_binds_on_money_paid() -> None:
    still = price_lines(state(), np.array([[0.0]]), np.array([1e-12]), np.array([[1e-12]]), 0.25)
    at = conditions(budget=50.0, paid_share=0.5)
    # Half of 100 tokens is paid, at 1: 50 of a budget of 50, sharpness 1: half of them.
    assert outcome_at(np.array([0.0]), still, at).demanded[0, 0] == pytest.approx(50.0, rel=1e-9)
    # Users who have noticed a price of 4 at an elasticity of -1 want a quarter, with a ceiling or without.
    noticed = price_lines(state(noticed=np.log(4.0)), np.array([[0.0]]), np.array([1e-12]), np.array([[1e-12]]), 0.25)
    found = outcome_at(np.array([0.0]), noticed, at)
    assert found.unbounded[0, 0] == pytest.approx(25.0, rel=1e-9)
    assert found.demanded[0, 0] == pytest.approx(20.0, rel=1e-9)  # 12.5 of 50: a fifth less at sharpness 1
    free = conditions(budget=50.0, paid_share=0.0)
    # Nobody pays: its cost of 2 hours at a rent of 0.25 counts, 50 for 100 tokens.
    assert outcome_at(np.array([np.log(0.25)]), still, free).demanded[0, 0] == pytest.approx(50.0, rel=1e-9)


@pytest.mark.parametrize("paid_share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("budget", [30.0, np.inf])
@pytest.mark.parametrize("log_rent", [-0.7, 0.0, 0.9])
def test_the_slope_is_that_of_what_is_bought(paid_share: float, budget: float, log_rent: float) -> None:
    """Prices go part of the way to their target and users notice a part of it: against a central difference."""
    lines = price_lines(state(), np.array([[0.1]]), np.array([0.8]), np.array([[3.0]]), 0.5)
    at = conditions(elasticity=-1.3, budget=budget, paid_share=paid_share)
    up, down = (np.log(outcome_at(np.array([log_rent + h]), lines, at).bought[0, 0]) for h in (1e-5, -1e-5))
    found = outcome_at(np.array([log_rent]), lines, at).slope[0, 0]
    assert found == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_the_response_in_the_long_run_is_the_elasticity_where_no_ceiling_binds() -> None:
    at = conditions(elasticity=-1.3)
    assert response_in_the_long_run(np.array([0.2]), np.array([[0.1]]), at)[0, 0] == pytest.approx(-1.3, rel=1e-12)


def test_the_rent_clears_hours_wanted_against_hours_offered() -> None:
    # Target price = rent, at once: 100·2/rent hours wanted and 50/rent for training; 100·rent^0.5 offered.
    lines = price_lines(state(), np.array([[0.0]]), np.array([np.inf]), np.array([[np.inf]]), 0.25)
    x = clearing_rent(
        lines,
        conditions(),
        lambda x: (50.0 * np.exp(-x), -50.0 * np.exp(-x)),
        lambda x: (100.0 * np.exp(0.5 * x), 50.0 * np.exp(0.5 * x)),
        np.array([-5.0]),
        np.array([5.0]),
        np.array([0.0]),
    )
    # 250/rho = 100 rho^0.5: rho = 2.5^(2/3).
    assert np.exp(x[0]) == pytest.approx(2.5 ** (2.0 / 3.0), rel=1e-9)


@given(slope=st.floats(0.05, 20.0), root=st.floats(-4.0, 4.0), kink=st.floats(-4.0, 4.0), start=st.floats(-4.9, 4.9))
def test_the_solver_finds_a_kinked_root_whatever_its_start(
    slope: float, root: float, kink: float, start: float
) -> None:
    known = [-5.0, 5.0]

    def residual(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steep = x > kink
        at = lambda y: -slope * y - np.where(y > kink, 5.0 * (y - kink), 0.0)  # noqa: E731
        value = at(x) - at(np.array([root]))
        assert known[0] <= x[0] <= known[1], "a pass left the bracket"
        known[int(value[0] <= 0.0)] = float(x[0])
        return value, np.where(steep, -slope - 5.0, -slope) + 0.0 * x

    found = solve_decreasing(residual, np.array([-5.0]), np.array([5.0]), np.array([start]))
    assert known[0] <= found[0] <= known[1]
    assert abs(residual(found)[0][0]) < 1e-9


def test_a_wrong_slope_leads_no_pass_out_of_the_bracket() -> None:
    """Slopes that are far too small or too large: Newton's steps are not taken, and the secants find the root."""
    for factor, start in itertools.product((1e-3, 0.2, 0.45, 30.0), (-1.0, 4.0)):
        known, passes = [-5.0, 5.0], []

        def residual(x: np.ndarray, known=known, passes=passes, factor=factor) -> tuple[np.ndarray, np.ndarray]:
            value = 2.0 - np.exp(x)
            assert known[0] <= x[0] <= known[1], "a pass left the bracket"
            known[int(value[0] <= 0.0)] = float(x[0])
            passes.append(float(x[0]))
            return value, -factor * np.exp(x)

        found = solve_decreasing(residual, np.array([-5.0]), np.array([5.0]), np.array([start]))
        assert np.exp(found[0]) == pytest.approx(2.0, rel=1e-9), (factor, passes)


def test_a_draw_does_not_depend_on_those_beside_it() -> None:
    def residual(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([1.0, 2.0, 3.0])[: len(x)] - np.exp(x), -np.exp(x)

    low, high, start = np.full(3, -5.0), np.full(3, 5.0), np.array([0.0, 4.9, -4.9])
    together = solve_decreasing(residual, low, high, start)
    alone = solve_decreasing(residual, low[:1], high[:1], start[:1])
    assert PASSES == 18
    assert together[0] == alone[0]
    assert np.allclose(np.exp(together), [1.0, 2.0, 3.0], rtol=1e-9)


def test_without_a_root_the_solver_goes_to_the_end_of_the_bracket() -> None:
    found = solve_decreasing(lambda x: (1.0 + 0.0 * x, -1e-3 + 0.0 * x), np.zeros(1), np.ones(1), np.full(1, 0.5))
    assert 0.5 <= found[0] <= 1.0
