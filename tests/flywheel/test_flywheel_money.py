"""Money of the operators: idle hours sold as tokens, shares that move slowly, debt that falls due on dates."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.drivers import drivers_of
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import DomainError
from costmodel.testing.flywheel import steady_tables

pytestmark = pytest.mark.closed_form
HOURS = 8766.0


def two(first: dict[str, Any], second: dict[str, Any], **changes: Any) -> FlywheelScenario:
    """Return a market with two operators that differ only in the given entries; half of its tokens are paid."""
    tables = steady_tables(time__end="2030-01-01", market__chat__paid_share=0.5, **changes)
    only = tables["operators"]["all"]
    tables["operators"] = {"one": {**copy.deepcopy(only), **first}, "two": {**copy.deepcopy(only), **second}}
    return FlywheelScenario(**tables)


@pytest.mark.parametrize("licence", [0.0, 0.3])
def test_a_host_earns_what_its_hours_make_in_paid_tokens_and_gives_up_their_rent(licence: float) -> None:
    scenario = two({"token_share": 1.0}, {"token_share": 0.0, "hosted_share": 0.25, "hosted_licence": licence})
    run = simulate(scenario)
    paid_hours = (run.accelerators_by_workload[:, 0] * 0.5) * HOURS
    sold = run.net_rents[:, 1] / run.rental_price / 0.25  # hours a year that the second operator sells
    hosted = np.minimum(0.25 * sold, paid_hours)
    worth = run.user_spend / 0.25 / paid_hours * (1.0 - licence)
    assert np.allclose(run.hosting_gain[:, 1], hosted * (worth - run.rental_price) * 0.25, rtol=1e-9)
    assert np.allclose(run.hosting_gain.sum(axis=1), 0.0, atol=1e-9 * float(np.abs(run.hosting_gain).max()))
    raw = simulate(scenario.replace({"operators.two.hosted_share": 0.0}))
    assert np.array_equal(run.rental_price, raw.rental_price), "who sells an hour moves no price"
    assert np.allclose(run.revenue, raw.revenue, rtol=1e-12)
    assert np.all(raw.hosting_gain == 0.0)


def test_brokers_take_their_fee_on_raw_hours_alone() -> None:
    hosted, raw = (
        simulate(two({"token_share": 1.0}, {"token_share": 0.0, "resale_fee": 0.1, "hosted_share": share}))
        for share in (0.25, 0.0)
    )
    assert np.allclose(hosted.resale_fees[:, 1], 0.75 * raw.resale_fees[:, 1], rtol=1e-9)


def test_shares_of_token_revenue_close_on_what_is_given() -> None:
    step = {"knots": [["2026-01-01", 0.5], ["2027-01-01", 0.9]], "interpolation": "step"}
    rest = {"knots": [["2026-01-01", 0.5], ["2027-01-01", 0.1]], "interpolation": "step"}
    run = simulate(two({"token_share": step}, {"token_share": rest}, clearing__share_inertia=2.0))
    share = np.asarray(run.token_revenue[:, 0] / run.user_spend)
    assert np.allclose(share[:4], 0.5, rtol=1e-12)
    quarters = np.arange(1, len(share) - 3)
    assert np.allclose(share[4:], 0.9 - 0.4 * np.exp(-quarters * 0.25 / 2.0), rtol=1e-12)


def test_debt_falls_due_on_its_day_and_the_rest_evenly() -> None:
    opening = {"units": 3e5, "life": 5.0, "power": 1000.0, "debt": 10e9, "debt_life": 4.0}
    dated = {**opening, "maturities": [{"date": "2027-05-01", "amount": 4e9}, {"date": "2028-01-01", "amount": 2e9}]}
    changes = {"operators__all__financing__own_cash": 1e12, "operators__all__opening": dated}
    run = simulate(FlywheelScenario(**steady_tables(time__end="2030-01-01", **changes)))
    due = np.full(16, 4e9 / 16.0)
    due[5] += 4e9
    due[8] += 2e9
    assert np.allclose(run.repaid[:, 0], due, rtol=1e-9)
    assert float(run.debt[-1, 0]) == pytest.approx(0.0, abs=1.0)
    for entry, text in (({"date": "2025-01-01", "amount": 1e9}, "before the start"),
                        ({"date": "2027-01-01", "amount": 11e9}, "more than opening.debt")):  # fmt: skip
        changes["operators__all__opening"] = {**opening, "maturities": [entry]}
        with pytest.raises(DomainError, match=text):
            simulate(FlywheelScenario(**steady_tables(time__end="2030-01-01", **changes)))


@pytest.mark.parametrize("draws", [None, 16])
def test_inference_passes_training_where_its_share_stays_below_half(draws: int | None) -> None:
    run = simulate(load_scenario("bond-flywheel"), draws=draws, rng=None if draws is None else 0)
    for what in ("compute", "cost"):
        shares = np.asarray(run[f"training_share_of_{what}"]).reshape(run.scenario.grid.steps, -1)
        for draw, date in enumerate(np.atleast_1d(run[f"inference_passes_training_in_{what}"])):
            after = run.scenario.grid.mid >= date
            assert after.any()
            assert np.all(shares[after, draw] < 0.5)
            assert shares[~after, draw][-1] >= 0.5


def test_what_capacity_earns_over_what_it_requires_is_q() -> None:
    run = simulate(load_scenario("bond-flywheel"))
    earned = run.rental_price * (run.use_by_operator * run.capacity_by_operator).sum(axis=1) * HOURS * 0.25
    assert np.allclose(earned / run.required_revenue, run.q[:, 0], rtol=1e-12)


def test_electricity_sites_and_budgets_rise_with_the_price_level_alone() -> None:
    written = {
        "energy__price": 8e-5, "hardware__sites__cost_per_watt": 10.0, "market__chat__budget": 5e9,
        "time__end": "2030-01-01", "hardware__lines__one__price_trend": -0.3,
    }  # fmt: skip
    flat = drivers_of(FlywheelScenario(**steady_tables(**written)).resolve())
    level = FlywheelScenario(**steady_tables(**written, economy__price_growth=0.04))
    rising = drivers_of(level.resolve())
    years = 0.125 + 0.25 * np.arange(len(rising.times))
    for name, start in (("electricity", 8e-5), ("site_price", 10.0)):
        assert np.allclose(getattr(rising, name)[:, 0], start * np.exp(0.04 * years), rtol=1e-12)
    assert np.allclose(rising.workloads.budget[:, 0, 0], 5e9 * np.exp(0.04 * years), rtol=1e-12)
    assert np.array_equal(rising.price, flat.price)
    spent = [simulate(FlywheelScenario(**steady_tables(**written, **more)))
             for more in ({}, {"economy__price_growth": 0.04})]  # fmt: skip
    ratio = [np.asarray(run.energy).sum(axis=1) / run.energy_used.sum(axis=1) for run in spent]
    assert np.allclose(ratio[1] / ratio[0], np.exp(0.04 * years[: len(ratio[0])]), rtol=1e-9)
