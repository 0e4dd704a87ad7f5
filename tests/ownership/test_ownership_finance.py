"""Present value, internal rates, payback, cost of capital, contracts."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costmodel.foundation.errors import ConvergenceError, DomainError
from costmodel.ownership import finance
from costmodel.ownership.contracts import lease_advantage, take_or_pay_value
from costmodel.ownership.rent import capital_recovery_factor

FLOWS = st.lists(st.integers(-1000, 1000).map(lambda cents: cents / 10), min_size=2, max_size=8)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.finance:log_rate")
def test_log_rate_compounds_to_the_year_end_rate() -> None:
    assert math.exp(finance.log_rate(0.07)) == pytest.approx(1.07)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.finance:weighted_cost_of_capital")
def test_cost_of_capital_weighs_equity_and_taxed_debt() -> None:
    assert finance.weighted_cost_of_capital(0.25, 0.16, 0.10, 0.2) == pytest.approx(0.25 * 0.16 + 0.75 * 0.08)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.finance:cost_per_hour")
def test_idle_hours_raise_the_cost_of_the_others() -> None:
    assert finance.cost_per_hour(8766.0 * 2, 0.5, 8766.0) == pytest.approx(4.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.finance:cost_per_flop")
def test_cost_of_an_operation() -> None:
    assert finance.cost_per_flop(3.6, 1e15, 0.5) == pytest.approx(3.6 / 3600 / 0.5e15)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.contracts:lease_advantage")
def test_a_fair_lease_has_no_advantage() -> None:
    annuity = 1 / 1.1 + 1 / 1.1**2
    fair = (1000.0 - 300.0 / 1.1**2) / annuity + 40.0
    assert lease_advantage(1000.0, 40.0, fair, 0.1, 2.0, 300.0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.peer
@pytest.mark.reference("costmodel.ownership.contracts:take_or_pay_value")
def test_contract_value_is_the_integral_over_both_fates_of_the_counterparty() -> None:
    from scipy.integrate import quad

    def expected_rent(time: float) -> float:
        market = 0.7 * 80.0 * math.exp(-0.3 * time)
        alive = math.exp(-0.2 * time) if time < 4.0 else 0.0
        return (alive * 120.0 + (1 - alive) * market) * math.exp(-0.09 * time)

    integral = quad(expected_rent, 0.0, 4.0)[0] + quad(expected_rent, 4.0, 6.0)[0]
    assert take_or_pay_value(120.0, 80.0, 0.3, 0.09, 4.0, 6.0, 0.2, 0.7) == pytest.approx(integral, rel=1e-9)


@pytest.mark.law
@given(st.floats(0.0, 1.0), st.floats(0.0, 5.0))
def test_a_contract_above_the_market_loses_by_default(hazard: float, term: float) -> None:
    arguments = {"committed_rent": 100.0, "market_rent": 90.0, "decline": 0.2, "discount_rate": 0.1}
    safe = take_or_pay_value(**arguments, term=term, life=6.0, default_rate=0.0, fill_rate=0.9)
    weak = take_or_pay_value(**arguments, term=term, life=6.0, default_rate=hazard, fill_rate=0.9)
    assert weak <= safe * (1 + 1e-12)


@pytest.mark.closed_form
def test_npv_of_what_recovers_a_unit_is_that_unit() -> None:
    assert finance.npv(0.07, [0.0, *[capital_recovery_factor(0.07, 3.0)] * 3]) == pytest.approx(1.0)


@pytest.mark.peer
@given(FLOWS, st.floats(-0.4, 1.0))
def test_npv_agrees_with_a_peer(flows: list[float], rate: float) -> None:
    pyxirr = pytest.importorskip("pyxirr")
    scale = sum(abs(flow) * (1 + rate) ** -i for i, flow in enumerate(flows)) + 1e-9
    assert abs(finance.npv(rate, flows) - pyxirr.npv(rate, flows)) <= 1e-12 * scale


@pytest.mark.peer
@given(st.lists(st.floats(1.0, 100.0), min_size=2, max_size=12), st.floats(1.0, 200.0))
def test_irr_agrees_with_a_peer(inflows: list[float], price: float) -> None:
    pyxirr = pytest.importorskip("pyxirr")
    flows = [-price, *inflows]
    theirs = pyxirr.irr(flows)
    assume(theirs is not None and -0.9 < theirs < 10.0)
    assert finance.irr(flows) == pytest.approx(theirs, rel=1e-8, abs=1e-8)


@pytest.mark.law
@given(FLOWS)
def test_present_value_at_every_internal_rate_is_zero(flows: list[float]) -> None:
    assume(any(abs(flow) > 1e-3 for flow in flows))
    for rate in finance.internal_rates(flows):
        scale = sum(abs(flow) * (1 + rate) ** -i for i, flow in enumerate(flows))
        assert abs(finance.npv(rate, flows)) <= 1e-9 * scale


@pytest.mark.closed_form
@pytest.mark.parametrize("growth", [0.5, 0.6, 0.9, 1.1, 1.4])
def test_a_value_that_comes_near_zero_gives_no_rate_elsewhere(growth: float) -> None:
    """``(g − growth)² + miss²`` is 0 nowhere, and least at the growth factor: a rate that is found is that one."""
    for miss in np.geomspace(1e-8, 4e-7, 20):
        found = finance.internal_rates([1.0, -2.0 * growth, growth**2 + miss**2])
        assert all(rate == pytest.approx(growth - 1.0, abs=1e-4) for rate in found)


@pytest.mark.closed_form
def test_roots_are_all_found_and_never_guessed() -> None:
    # (1 - 1.1 v)(1 - 1.2 v)(1 - 1.5 v) in v = 1/(1+r)
    cubic = np.polynomial.polynomial.polyfromroots([1 / 1.1, 1 / 1.2, 1 / 1.5])
    np.testing.assert_allclose(finance.internal_rates(cubic), [0.1, 0.2, 0.5], atol=1e-9)
    with pytest.raises(ConvergenceError, match=r"several .*0\.1, 0\.2, 0\.5"):
        finance.irr(cubic)
    with pytest.raises(ConvergenceError, match="no internal rate"):
        finance.irr([10.0, 5.0, 5.0])
    # (1 - 1.25 v)^2 touches zero: one rate, not two
    assert finance.irr([1.0, -2.5, 1.5625]) == pytest.approx(0.25, abs=1e-6)
    with pytest.raises(DomainError, match="all cash flows are zero"):
        finance.internal_rates([0.0, 0.0])
    with pytest.raises(DomainError, match="one series"):
        finance.internal_rates([[1.0], [2.0]])


@pytest.mark.closed_form
def test_payback_counts_to_the_moment_of_recovery() -> None:
    assert finance.payback([-100.0, 25.0, 50.0, 50.0]) == pytest.approx(2 + 25 / 50)
    assert finance.payback([-100.0, 100.0]) == 1.0
    assert finance.payback([5.0, 1.0]) == 0.0
    assert finance.payback([-5.0]) == math.inf
    # paid back, then owing again (a new purchase), then for good
    assert finance.payback([-10.0, 10.0, -4.0, 8.0]) == pytest.approx(2 + 4 / 8)
    flows = np.array([[-100.0, -100.0], [60.0, 0.0], [60.0, 10.0]])
    np.testing.assert_allclose(finance.payback(flows), [1 + 40 / 60, np.inf])


@pytest.mark.closed_form
def test_discounted_payback_waits_for_interest() -> None:
    # -100 + 110/1.1 = 0 after one period
    assert finance.discounted_payback(0.1, [-100.0, 110.0, 1.0]) == pytest.approx(1.0)
    np.testing.assert_allclose(
        finance.discounted_payback([0.0, 0.1], [-100.0, 100.0, 21.0]), [1.0, 1 + (100 / 11) / (21 / 1.21)]
    )


@pytest.mark.contract
def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(DomainError, match="rate must be > -1"):
        finance.npv(-1.0, [1.0, 2.0])
    with pytest.raises(DomainError, match="at least one period"):
        finance.npv(0.1, 3.0)
    with pytest.raises(DomainError, match="finite"):
        finance.payback([1.0, math.inf])
