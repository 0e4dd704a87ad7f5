"""Counterfactuals of the built-in industry: signs of the effects of single changes, and the library's central claim."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate

pytestmark = pytest.mark.law


@cache
def figures(change: str = "") -> dict[str, float]:
    run = run_under(change)
    steps = run.scenario.grid.year_steps(2030)
    totals = {name: float(run[name][steps].sum()) for name in ("tokens", "user_spend", "operator_cost", "capex")}
    return {**totals, "rental_price": float(run.rental_price[steps].mean())}


def shock(kind: str, factor: float, date: str = "2027-01-01") -> Any:
    return lambda form: form.update(shocks=[{"kind": kind, "date": date, "factor": factor}])


def wacc(more: float) -> Any:
    def change(form: dict[str, Any]) -> None:
        form["operators"]["industry"]["financing"]["wacc"]["value"]["median"] += more

    return change


def stopped(date: str, *what: str) -> Any:
    return lambda form: [form[name].update(progress_until=date) for name in what]


def half_plan(form: dict[str, Any]) -> None:
    plan = load_scenario("bond-flywheel").get("operators.industry.plan.capex")
    form["operators"]["industry"]["plan"]["capex"]["value"] = plan.scaled(0.5).written()


CHANGES: dict[str, tuple[Any, dict[str, int]]] = {
    "dearer capital": (wacc(0.05), {"tokens": -1, "operator_cost": -1, "capex": -1, "rental_price": 1}),
    "cheaper capital": (wacc(-0.05), {"tokens": 1, "operator_cost": 1, "capex": 1, "rental_price": -1}),
    "chips at half price": (shock("chip_price", 0.5), {"tokens": 1, "capex": 1, "rental_price": -1}),
    "chips for nothing": (shock("chip_price", 1e-6), {"tokens": 1, "operator_cost": -1, "rental_price": -1}),
    "energy twice as dear": (shock("energy", 2.0), {"tokens": -1, "capex": -1, "rental_price": 1}),
    "hardware stands still": (stopped("2027-01-01", "hardware"), {"tokens": -1, "user_spend": -1, "rental_price": 1}),
    "all stands still in 2023": (
        stopped("2023-01-01", "software", "hardware"),
        {"tokens": -1, "user_spend": -1, "operator_cost": -1, "capex": -1, "rental_price": 1},
    ),
    "half the grid": (shock("grid", 0.5), {"tokens": -1, "operator_cost": -1, "rental_price": 1}),
    "half the plan": (half_plan, {"tokens": -1, "user_spend": -1, "operator_cost": -1, "rental_price": 1}),
    "half the demand": (shock("demand", 0.5), {"tokens": -1, "user_spend": -1, "operator_cost": -1, "capex": -1}),
    "twice the demand": (shock("demand", 2.0), {"tokens": 1, "user_spend": 1, "operator_cost": 1, "capex": 1}),
}
"""Changes, and the signs of their effects on the figures of 2030."""


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_does_has_its_sign(change: str) -> None:
    base, other = figures(), figures(change)
    for name, sign in CHANGES[change][1].items():
        assert np.sign(other[name] - base[name]) == sign, name


def run_under(change: str | None) -> Any:
    form = load_scenario("bond-flywheel").written()
    if change:
        CHANGES[change][0](form)
    return simulate(FlywheelScenario(**form))


def test_causes_that_the_documentation_names_hold() -> None:
    """Sites at their largest premium and impairments: what "What changes what" says of surprising signs."""
    base, half, free = (run_under(change) for change in (None, "chips at half price", "chips for nothing"))
    steps = base.scenario.grid.year_steps(2030)
    premium = np.asarray(base.site_premium)[steps]
    assert 0.33 < premium.min() < premium.max() < 0.5, "a third to a half"
    for run in (half, free):
        assert np.all(np.asarray(run.site_premium)[steps] > 0.99), "twice the list price"
    sites = [float(np.asarray(run.bought_by_class)[steps][..., 2].sum()) for run in (half, free)]
    assert sites[1] == pytest.approx(sites[0], rel=1e-3)
    form = load_scenario("bond-flywheel").written()
    stopped("2027-01-01", "software")(form)
    still = simulate(FlywheelScenario(**form))
    cost, without = (float((run.operator_cost - run.impairments)[steps].sum()) for run in (base, still))
    assert without < cost < float(still.operator_cost[steps].sum()), "impairments alone raise the cost"


SHARES: dict[str, dict[str, float]] = {
    "dearer capital": {"tokens": 0.0, "operator_cost": 0.1, "capex": 0.05, "rental_price": 0.95},
    "chips at half price": {"tokens": 0.95, "rental_price": 0.05},
    "chips for nothing": {"tokens": 0.85, "operator_cost": 0.0, "rental_price": 0.15},
    "energy twice as dear": {"tokens": 0.05, "capex": 0.1, "rental_price": 0.9},
    "hardware stands still": {"tokens": 0.0, "capex": 0.2, "rental_price": 1.0},
    "all stands still in 2023": {"tokens": 0.0, "user_spend": 0.2, "capex": 0.25, "rental_price": 1.0},
    "half the grid": {"tokens": 0.05, "operator_cost": 0.25, "rental_price": 0.85},
    "half the plan": {"tokens": 0.05, "user_spend": 0.05, "operator_cost": 0.15, "rental_price": 0.95},
    "half the demand": {"tokens": 0.05, "user_spend": 0.0, "operator_cost": 0.05},
    "twice the demand": {"tokens": 0.9, "user_spend": 1.0, "operator_cost": 0.9, "capex": 0.85},
}
"""Share of draws in which an output of 2030 rises: at least this share from a half up, at most this share below.

What is left out has no sign in the draws: capex with half the grid or cheaper chips, user spend with any of them.
"""


@cache
def drawn(change: str | None, draws: int = 128) -> dict[str, Any]:
    form = load_scenario("bond-flywheel").written()
    if change:
        {**CHANGES, **CHEAPER}[change][0](form)
    run = simulate(FlywheelScenario(**form), draws=draws, rng=0)
    steps = run.scenario.grid.year_steps(2030)
    names = ("tokens", "user_spend", "operator_cost", "capex", "rental_price")
    means = {name: np.asarray(run[name])[steps].mean(axis=0) for name in names}
    return {**means, "defaults": (np.asarray(run.rescue) > 0.0).any(axis=(0, 1))}


def test_signs_over_draws_of_every_uncertain_input() -> None:
    base = drawn(None)
    for change, shares in SHARES.items():
        other = drawn(change)
        for name, share in shares.items():
            rising = float(np.mean(other[name] > base[name]))
            assert rising >= share if share > 0.5 else rising <= share, (change, name, rising)


def test_half_the_grid_raises_capex_in_some_draws_and_lowers_it_in_others() -> None:
    base, half = drawn(None), drawn("half the grid")
    assert 0.3 < np.mean(half["capex"] > base["capex"]) < 0.7


CHEAPER: dict[str, tuple[Any, dict[str, int]]] = {
    "chips a fifth cheaper": (shock("chip_price", 0.8), {}),
    "energy at half price": (shock("energy", 0.5), {}),
    "a fifth more grid": (shock("grid", 1.2), {}),
    "ten times the grid": (shock("grid", 10.0), {}),
}


@pytest.mark.parametrize("change", ["cheaper capital", "chips at half price", "chips for nothing", *CHEAPER])
def test_what_gets_cheaper_lowers_tokens_in_few_draws_and_by_little(change: str) -> None:
    """Without a default: orders that fill sites sooner make accelerators dearer for a while."""
    base, other = drawn(None, 256), drawn(change, 256)
    rise = other["tokens"] / base["tokens"] - 1.0
    assert np.median(rise) > 0.004
    assert np.mean(rise < 0.0) <= 0.05
    assert rise[~other["defaults"]].min() > -0.05


def test_where_chips_for_nothing_lower_tokens_the_operator_has_mostly_defaulted() -> None:
    base, free = drawn(None, 256), drawn("chips for nothing", 256)
    fall = free["tokens"] < base["tokens"]
    assert 0 < fall.sum() < 2 * free["defaults"][fall].sum()
    assert not base["defaults"][fall].any()


def test_without_progress_the_wheel_does_not_turn() -> None:
    base, still = figures(), figures("all stands still in 2023")
    assert still["tokens"] < 0.01 * base["tokens"]
    assert still["user_spend"] < 0.3 * base["user_spend"]
    assert still["operator_cost"] < 0.6 * base["operator_cost"]
    assert still["capex"] < 0.4 * base["capex"]


@pytest.mark.parametrize(("elasticity", "sign"), [(-0.7, -1), (-1.5, 1)])
def test_a_jump_of_efficiency_lowers_user_spend_at_first_and_in_the_end_by_the_elasticity(
    elasticity: float, sign: int
) -> None:
    base = load_scenario("bond-flywheel")
    base = base.replace({f"market.{name}.price_elasticity": elasticity for name in base.market})
    form = base.written()
    shock("serving", 3.0, "2027-04-01")(form)
    plain, jumped = simulate(base), simulate(FlywheelScenario(**form))
    change = [
        float(np.log(jumped.user_spend[steps].sum() / plain.user_spend[steps].sum()))
        for steps in (base.grid.year_steps(2027), base.grid.year_steps(2030))
    ]
    assert change[0] < 0.0
    assert np.sign(change[1]) == sign


def test_a_price_war_and_a_withdrawal_of_investors_and_an_export_limit_do_what_they_say() -> None:
    base = figures()
    for kind, factor, name, sign in (
        ("markup", 0.2, "tokens", 1),
        ("markup", 0.2, "user_spend", -1),
        ("investors", 0.0, "tokens", -1),
        ("chips", 0.3, "tokens", -1),
        ("chips", 0.3, "rental_price", 1),
    ):
        form = load_scenario("bond-flywheel").written()
        shock(kind, factor)(form)
        run = simulate(FlywheelScenario(**form))
        steps = run.scenario.grid.year_steps(2030)
        value = float(run[name][steps].mean() if name == "rental_price" else run[name][steps].sum())
        assert np.sign(value - base[name]) == sign, (kind, name)
