"""Payments between parties, and scenarios with several operators."""

from __future__ import annotations

import numpy as np
import pytest
from tests.flywheel.test_flywheel_laws import check_identities

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.pockets import POCKETS
from costmodel.flywheel.simulate import simulate
from costmodel.testing.flywheel import steady_tables


@pytest.mark.law
@pytest.mark.parametrize("draws", [None, 4])
@pytest.mark.parametrize("name", ["bond-flywheel", "industry-five"])
def test_money_paid_is_money_received_and_operators_keep_the_change_of_their_cash(name: str, draws: int | None) -> None:
    run = simulate(load_scenario(name), draws=draws, rng=0)
    check_identities(run)
    kept = run.balances()
    assert set(kept) == set(POCKETS)
    scale = np.abs(run.capex).max()
    assert np.allclose(sum(kept.values()), 0.0, atol=1e-9 * scale)
    cash = np.diff(run.cash.sum(axis=1), axis=0)
    assert np.allclose(kept["token sellers"] + kept["clouds"], cash, atol=1e-9 * scale)
    assert np.all(kept["users"] <= 0.0)
    assert np.all(kept["chipmakers"] >= 0.0)


@pytest.mark.law
def test_five_operators_share_one_market() -> None:
    run = simulate(load_scenario("industry-five"))
    assert list(run.coords()["operator"]) == ["alphabet", "amazon", "meta", "microsoft", "rest"]
    # An operator with its own silicon needs a lower rent, and earns more at the same rent: q follows the required rent.
    order = np.argsort(run.required_rent_by_operator[8])
    ratio = run.q[8] * run.required_rent_by_operator[8] / run.use_by_operator[8]
    assert np.allclose(ratio, ratio[0], rtol=1e-12)
    assert list(np.argsort(run.use_by_operator[8])[::-1]) == list(order)


@pytest.mark.closed_form
def test_a_contract_at_a_locked_rent_moves_its_gain_from_one_to_the_other() -> None:
    one = {"opening": {"units": 2e5, "power": 1000.0}, "financing": {"wacc": 0.1, "own_cash": 1e12}}
    contract = {"buyer": "second", "start": "2026-07-01", "end": "2027-07-01", "accelerators": 1e4, "rent": 3.0}
    tables = steady_tables(time__end="2028-01-01")
    tables["operators"] = {"first": {**one, "contracts": [contract]}, "second": one}
    run = simulate(FlywheelScenario(**tables))
    # 10,000 accelerators over a quarter of 8,766 hours a year, at 3 dollars less the current rent.
    gain = 1e4 * 8766.0 / 4.0 * (3.0 - run.rental_price[2:6])
    assert np.allclose(run.contract_gain[2:6, 0], gain, rtol=1e-12)
    assert np.allclose(run.contract_gain[:, 1], -run.contract_gain[:, 0], rtol=1e-12)
    assert not run.contract_gain[:2].any()
    assert not run.contract_gain[6:].any()
