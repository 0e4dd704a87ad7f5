"""The fleet against a plain sum over vintages, its identities, its limits, and ensembles against scalars."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError, UnknownParameterError
from costmodel.ownership.fleet import BookTerms, Fleet, FleetStep, Opening, OpeningBook

STEP = 0.25
STEPS = 24
PER_UNIT = {"watts": 700.0, "chips": 30.0, "network": 7.0}


def ramp(x: float) -> float:
    """Return the integral of min(max(t, 0), 1) up to x."""
    return 0.0 if x < 0 else x * x / 2 if x < 1 else x - 0.5


def even(x: float) -> float:
    """Return the share of an even flow over one step that has passed x steps after its start."""
    return min(max(x, 0.0), 1.0)


@dataclass
class Vintage:
    """Units ordered in one step and brought into service in another, tracked separately."""

    entered: int
    amount: float
    watts: float
    base: dict[str, float]
    rest: dict[str, float]

    def here(self, bound: int, life: float) -> float:
        return even(bound - self.entered) - even(bound - self.entered - life)

    def charged(self, step: int, life: float) -> float:
        """Return the charge within a step, in steps."""
        i = step - self.entered
        return ramp(i + 1) - ramp(i) - ramp(i + 1 - life) + ramp(i - life)

    def book(self, name: str, bound: int, life: float, physical: float) -> float:
        """Book value per unit of survival: ages are even over one step."""
        age, ends = bound - self.entered, min(life, physical)
        here = even(ends - age + 1)
        share = here * (1 - (age - 1 + here / 2) / life)
        return self.base[name] * share + self.rest[name] * even(physical - age + 1)


def mean_left(life: float, age: float) -> float:
    """Mean of max(life − a, 0) over ages from age − 1 to age."""
    return (max(life - age + 1, 0) ** 2 - max(life - age, 0) ** 2) / 2


def by_vintage(terms: dict[str, Any], plan: list[float], events: dict[int, list[Any]]) -> dict[str, list[Any]]:
    """Return the sum over vintages: a slow implementation that shares only the rules with the fleet."""
    lag, physical = terms["lag"] / STEP, terms["life"] / STEP
    lives = {name: terms["book_life"][name] / STEP for name in ("chips", "network")}
    salvage, rate = terms["salvage"], terms["failure"] * STEP
    vintages: list[Vintage] = []
    overdue = dict.fromkeys(lives, 0.0)
    rows: dict[str, list[Any]] = {item.name: [] for item in fields(FleetStep)}
    whole, part = int(lag // 1), lag - lag // 1
    paid_up = dict.fromkeys(lives, 0.0)
    for k, _ in enumerate(plan):
        middle, start, end = exp(-rate * (k + 0.5)), exp(-rate * k), exp(-rate * (k + 1))
        stock_before = start * sum(v.amount * v.here(k, physical) for v in vintages)
        book_before = {n: start * (sum(v.book(n, k, lives[n], physical) for v in vintages) + overdue[n]) for n in lives}
        arrived = 0.0
        for v, weight in ((k - whole, 1 - part), (k - whole - 1, part)):
            if v >= 0 and plan[v] > 0:
                count = weight * plan[v]
                arrived += count
                normal = count / middle
                vintages.append(
                    Vintage(
                        k, normal, normal * PER_UNIT["watts"],
                        {n: normal * PER_UNIT[n] * (1 - salvage) for n in lives},
                        {n: normal * PER_UNIT[n] * salvage for n in lives},
                    )
                )  # fmt: skip
        retired = middle * sum(
            v.amount * (even(k + 1 - v.entered - physical) - even(k - v.entered - physical)) for v in vintages
        )
        stock = end * sum(v.amount * v.here(k + 1, physical) for v in vintages)
        books: dict[str, dict[str, float]] = {}
        for n, life in lives.items():
            ends = min(life, physical)
            expense = middle * (sum(v.base[n] * v.charged(k, ends) / life for v in vintages) + overdue[n])
            overdue[n] = 0.0
            gone = [even(k + 1 - v.entered - physical) - even(k - v.entered - physical) for v in vintages]
            disposed = middle * sum(
                g * (v.base[n] * (1 - ends / life) + v.rest[n]) for g, v in zip(gone, vintages, strict=True)
            )
            after = end * sum(v.book(n, k + 1, life, physical) for v in vintages)
            failed = book_before[n] + arrived * PER_UNIT[n] - expense - disposed - after
            books[n] = {"depreciation": expense, "disposed": disposed, "written_off": failed, "impaired": 0.0}
        left = 0.0
        failed_units = stock_before + arrived - retired - stock
        for kind, *values in events.get(k, []):
            if kind == "leave":
                for v in vintages:
                    if v.amount * values[0] - v.watts * values[1] < 0:
                        left += end * v.amount * v.here(k + 1, physical) * values[2]
                        for n in lives:
                            lost = v.book(n, k + 1, lives[n], physical) * values[2]
                            books[n]["written_off"] += end * lost
                            v.base[n], v.rest[n] = v.base[n] * (1 - values[2]), v.rest[n] * (1 - values[2])
                        v.amount, v.watts = v.amount * (1 - values[2]), v.watts * (1 - values[2])
            elif kind == "impair":
                name, share = values
                books[name]["impaired"] += end * share * overdue[name]
                overdue[name] *= 1 - share
                for v in vintages:
                    books[name]["impaired"] += end * share * v.book(name, k + 1, lives[name], physical)
                    v.base[name], v.rest[name] = v.base[name] * (1 - share), v.rest[name] * (1 - share)
            else:
                name, new = values[0], values[1] / STEP
                for v in vintages:
                    age = k + 1 - v.entered
                    before = v.book(name, k + 1, lives[name], physical)
                    spread = (
                        mean_left(lives[name], age) / lives[name] * new / mean_left(new, age) if new >= age else 0.0
                    )
                    v.base[name] *= spread
                    overdue[name] += before - v.book(name, k + 1, new, physical)
                lives[name] = new
        stock -= left
        rows["ordered"].append(plan[k])
        rows["arrived"].append(arrived)
        rows["retired"].append(retired)
        rows["failed"].append(failed_units)
        rows["left"].append(left)
        rows["in_service"].append(stock)
        rows["on_order"].append(sum(plan[v] * (1 - even(k + 1 - v - lag)) for v in range(k + 1)))
        for key in ("depreciation", "disposed", "written_off", "impaired"):
            rows[key].append([books[n][key] for n in lives])
        rows["book_value"].append(
            [end * (sum(v.book(n, k + 1, lives[n], physical) for v in vintages) + overdue[n]) for n in lives]
        )
        built = [
            sum(
                plan[v] * (ramp(k + 1 - v) - ramp(k - v) - ramp(k + 1 - v - lag) + ramp(k - v - lag))
                for v in range(k + 1)
            )
        ]
        share = built[0] / lag if lag > 0 else plan[k]
        for n in lives:
            paid_up[n] += share * PER_UNIT[n]
        rows["paid"].append([share * PER_UNIT[n] for n in lives])
        rows["committed"].append([sum(plan[: k + 1]) * PER_UNIT[n] - paid_up[n] for n in lives])
    return rows


def small_fleet(terms: dict[str, Any], batch: tuple[int, ...] = (), steps: int = STEPS, **more: Any) -> Fleet:
    return Fleet(
        step=STEP,
        steps=steps,
        batch=batch,
        rows=("watts",),
        books={
            name: BookTerms(life=terms["book_life"][name], salvage_share=terms["salvage"])
            for name in ("chips", "network")
        },
        lag=terms["lag"],
        life=terms["life"],
        failure_rate=terms["failure"],
        **{"paid": "over_build", **more},
    )


def run_with(fleet: Fleet, plan: list[float], events: dict[int, list[Any]]) -> list[FleetStep]:
    done = []
    for k, units in enumerate(plan):
        fleet.arrive()
        fleet.order(units, PER_UNIT)
        for kind, *values in events.get(k, []):
            if kind == "leave":
                fleet.leave({"units": values[0], "watts": -values[1]}, values[2])
            elif kind == "impair":
                fleet.impair(*values)
            else:
                fleet.change_life(*values)
        done.append(fleet.close())
    return done


LIVES = st.floats(0.3, 7.0)
TERMS = st.fixed_dictionaries(
    {
        "lag": st.one_of(st.just(0.0), st.sampled_from([0.25, 0.5]), st.floats(0.01, 1.7)),
        "life": st.one_of(LIVES, st.sampled_from([0.5, 2.0, 50.0])),
        "book_life": st.fixed_dictionaries({"chips": LIVES, "network": LIVES}),
        "failure": st.sampled_from([0.0, 0.05, 0.5]),
        "salvage": st.sampled_from([0.0, 0.1]),
    }
)
PLANS = st.lists(st.integers(0, 1000).map(lambda tenths: tenths / 10), min_size=STEPS, max_size=STEPS)
EVENT = st.one_of(
    st.tuples(st.just("leave"), st.just(1.0), st.sampled_from([1e-3, 2e-3]), st.sampled_from([0.2, 1.0])),
    st.tuples(st.just("impair"), st.sampled_from(["chips", "network"]), st.sampled_from([0.3, 1.0])),
    st.tuples(st.just("life"), st.sampled_from(["chips", "network"]), st.floats(0.5, 7.0)),
)
EVENTS = st.dictionaries(st.integers(0, STEPS - 1), st.lists(EVENT, max_size=2), max_size=3)


@pytest.mark.peer
@settings(max_examples=150, deadline=None)
@given(terms=TERMS, plan=PLANS, events=EVENTS)
def test_a_plain_sum_over_vintages_gives_the_same(
    terms: dict[str, Any], plan: list[float], events: dict[int, list[Any]]
) -> None:
    expected = by_vintage(terms, plan, events)
    done = run_with(small_fleet(terms), plan, events)
    for name, rows in expected.items():
        if not rows:
            continue
        ours = np.array([getattr(step, name) if np.ndim(rows[0]) else getattr(step, name)[0] for step in done])
        scale = max(sum(plan) * (max(PER_UNIT["chips"], PER_UNIT["network"]) if np.ndim(rows[0]) else 1.0), 1e-3)
        assert np.allclose(ours, np.array(rows), rtol=0.0, atol=1e-12 * scale), name


@pytest.mark.law
@settings(max_examples=60, deadline=None)
@given(terms=TERMS, plan=PLANS, events=EVENTS)
def test_identities_hold_whatever_happens(
    terms: dict[str, Any], plan: list[float], events: dict[int, list[Any]]
) -> None:
    opening = Opening(
        in_service={"units": 90.0, "watts": 9e4},
        life=2.6,
        on_order={"units": 20.0, "watts": 2e4, "chips": 500.0},
        books={"chips": OpeningBook(value=800.0, life=3.1, shape=1.6)},
    )
    done = run_with(small_fleet(terms, opening=opening), plan, events)

    def flow(name: str) -> Any:
        return np.sum([getattr(step, name) for step in done], axis=0)

    units = 90 + 20 + flow("ordered")[0]
    gone = flow("failed")[0] + flow("retired")[0] + flow("left")[0]
    assert units == pytest.approx(gone + done[-1].in_service[0] + done[-1].on_order[0], abs=1e-9 * units)
    cost = np.array([1300.0, 0.0]) + flow("paid")
    out = flow("depreciation") + flow("written_off") + flow("impaired") + flow("disposed")
    assert cost == pytest.approx(out + done[-1].book_value + done[-1].construction, rel=1e-10)
    for step in done:
        for item in fields(FleetStep):
            assert (getattr(step, item.name) >= -1e-8 * cost.max()).all(), item.name


@pytest.mark.law
@settings(max_examples=20, deadline=None)
@given(data=st.data(), plan=PLANS, events=EVENTS)
def test_a_draw_does_not_depend_on_those_beside_it(data: Any, plan: list[float], events: dict[int, list[Any]]) -> None:
    several = data.draw(st.lists(TERMS, min_size=2, max_size=4))
    wide = {key: np.array([[terms[key] for terms in several]] * 2) for key in ("lag", "life", "failure", "salvage")}
    wide["book_life"] = {
        name: np.array([[terms["book_life"][name] for terms in several]] * 2) for name in ("chips", "network")
    }
    together = run_with(small_fleet(wide, batch=(2, len(several))), plan, events)
    for draw, terms in enumerate(several):
        alone = run_with(small_fleet(terms), plan, events)
        for ours, own in zip(together, alone, strict=True):
            for item in fields(FleetStep):
                assert np.array_equal(getattr(ours, item.name)[:, 1, draw], getattr(own, item.name)), item.name


@pytest.mark.closed_form
def test_one_purchase_through_lag_failures_and_retirement() -> None:
    # Ten units of 40 and 100 W at 0.5 years' lag, 2.5 years' life and 10 % failures a year.
    fleet = Fleet(
        step=0.5, steps=8, rows=("watts",), books={"chips": BookTerms(life=2.0)}, lag=0.5, life=2.5, failure_rate=0.1
    )
    history = fleet.run([10.0] + [0.0] * 7, {"watts": np.full(8, 100.0), "chips": np.full(8, 40.0)})
    # Bought over step 0, in service over step 1 (half a step of failures by its end), retired over step 6.
    assert history.arrived[:, 0].tolist() == [0.0, 10.0] + [0.0] * 6
    assert history.in_service[1, 0] == pytest.approx(10 * exp(-0.1 * 0.25))
    assert history.in_service[5, 0] == pytest.approx(10 * exp(-0.1 * 2.25))
    assert history.in_service[5, 1] == pytest.approx(1000 * exp(-0.1 * 2.25))
    assert history.retired[6, 0] == pytest.approx(10 * exp(-0.1 * 2.5))
    assert history.in_service[6, 0] == pytest.approx(0.0)
    # 400 over four steps of service: half a charge in step 1, whole ones in 2 to 4, half in 5, thinned by failures.
    assert history.depreciation[:, 0] == pytest.approx(
        [0.0, 50.0, *(100 * exp(-0.05 * i) for i in (1, 2, 3)), 50 * exp(-0.05 * 4), 0.0, 0.0]
    )
    assert history.construction[:, 0].tolist() == [400.0] + [0.0] * 7


@pytest.mark.closed_form
def test_payment_over_the_build() -> None:
    # 100 ordered evenly over step 0 and built in two steps: paid 1/4 (a triangle), 1/2, 1/4.
    fleet = Fleet(step=0.5, steps=4, books={"sites": BookTerms(life=20.0)}, lag=1.0, paid="over_build")
    history = fleet.run([1.0, 0.0, 0.0, 0.0], {"sites": np.full(4, 100.0)})
    assert history.paid[:, 0].tolist() == [25.0, 50.0, 25.0, 0.0]
    assert history.committed[:, 0].tolist() == [75.0, 25.0, 0.0, 0.0]
    assert history.placed[:, 0].tolist() == [0.0, 0.0, 100.0, 0.0]


@pytest.mark.closed_form
@pytest.mark.parametrize(("lag", "arrived"), [(0.0, [8, 0, 0]), (0.5, [4, 4, 0]), (0.75, [8 / 3] * 3)])
def test_the_opening_pipeline_arrives_over_the_lag(lag: float, arrived: list[float]) -> None:
    opening = Opening(on_order={"units": 8.0, "chips": 80.0})
    fleet = Fleet(step=0.25, steps=3, books={"chips": BookTerms(life=4.0)}, lag=lag, opening=opening)
    history = fleet.run([0.0] * 3, {"chips": np.zeros(3)})
    assert history.arrived[:, 0] == pytest.approx(arrived)
    assert history.placed[:, 0] == pytest.approx([10 * units for units in arrived])
    assert history.construction[-1, 0] == pytest.approx(0.0)


@pytest.mark.closed_form
def test_paid_shipped_and_arrived_are_apart() -> None:
    # Ordered evenly over step 0; shipped half a step later, in service a step and a half later.
    opening = Opening(on_order={"units": 12.0})
    fleet = Fleet(step=1.0, steps=4, books={"chips": BookTerms(life=4.0)}, lag=1.5, shipping_lag=0.5, opening=opening)
    history = fleet.run([10.0, 0.0, 0.0, 0.0], {"chips": np.full(4, 1.0)})
    assert history.paid[:, 0].tolist() == [10.0, 0.0, 0.0, 0.0]
    # Of the twelve on order, even over a lag of 1.5, those of the last half step have not been shipped.
    assert history.shipped[:, 0] == pytest.approx([5.0 + 4.0, 5.0, 0.0, 0.0])
    assert history.arrived[:, 0] == pytest.approx([8.0, 5.0 + 4.0, 5.0, 0.0])


@pytest.mark.closed_form
def test_the_opening_fleet_and_its_book_run_off() -> None:
    opening = Opening(
        in_service={"units": 100.0}, life=2.0, books={"chips": OpeningBook(value=800.0, life=4.0, shape=2.0)}
    )
    fleet = Fleet(step=1.0, steps=4, books={"chips": BookTerms(life=5.0)}, lag=0.5, life=6.0, opening=opening)
    history = fleet.run([0.0] * 4, {"chips": np.zeros(4)})
    assert history.in_service[:, 0].tolist() == [50.0, 0.0, 0.0, 0.0]
    assert history.book_value[:, 0] == pytest.approx([800 * (1 - t / 4) ** 2 for t in (1, 2, 3, 4)])


@pytest.mark.peer
@pytest.mark.parametrize("added", [2.0, -1.0])
def test_opening_run_off_under_a_new_life(added: float) -> None:
    # Assets of all ages, bought evenly over 5 years: 400 thin ones, each charged evenly over its own life left.
    count, life = 400, 5.0
    left = (np.arange(count) + 0.5) / count * life
    book = left / left.sum() * 1000.0

    def charged(book: Any, left: Any, years: float) -> Any:
        return book * np.minimum(years / left, 1.0)

    after_one = charged(book, left, 1.0)
    book, left = book - after_one, np.maximum(left - 1.0, 1e-9)
    new_left = np.maximum(left + added, 1e-9)
    peer = [after_one.sum(), *np.diff([charged(book, new_left, t).sum() for t in np.arange(8.0)])]

    opening = Opening(books={"chips": OpeningBook(value=1000.0, life=life, shape=2.0)})
    fleet = Fleet(step=0.25, steps=32, books={"chips": BookTerms(life=life)}, lag=0.5, opening=opening)
    expense = []
    for k in range(32):
        fleet.arrive()
        fleet.order(0.0, {})
        if k == 3:
            fleet.change_life("chips", life + added)
        expense.append(float(fleet.close().depreciation[0]))
    yearly = np.array(expense).reshape(8, 4).sum(axis=1)
    assert yearly.sum() == pytest.approx(1000.0)
    assert yearly == pytest.approx(peer, abs=0.03 * max(peer))


@pytest.mark.closed_form
def test_one_age_under_a_new_life_is_spread_evenly() -> None:
    # 900 left after one of four years; two years more: 180 a year for five years instead of 300 for three.
    opening = Opening(books={"chips": OpeningBook(value=1200.0, life=4.0)})
    fleet = Fleet(step=1.0, steps=7, books={"chips": BookTerms(life=4.0)}, lag=0.0, opening=opening)
    expense = []
    for k in range(7):
        fleet.arrive()
        if k == 0:
            fleet.change_life("chips", 6.0)
        expense.append(float(fleet.close().depreciation[0]))
    assert expense == pytest.approx([300.0] + [180.0] * 5 + [0.0])


@pytest.mark.closed_form
def test_a_cohort_older_than_its_new_life_is_charged_at_once() -> None:
    fleet = Fleet(step=1.0, steps=6, books={"chips": BookTerms(life=6.0)}, lag=0.0)
    expense = []
    for k in range(6):
        fleet.arrive()
        fleet.order(1.0 if k == 0 else 0.0, {"chips": 600.0})
        if k == 2:
            fleet.change_life("chips", 2.0)
        expense.append(float(fleet.close().depreciation[0]))
    # Half a charge of 100, two whole ones, then all of the 350 that is left.
    assert expense == pytest.approx([50.0, 100.0, 100.0, 350.0, 0.0, 0.0])


@pytest.mark.closed_form
def test_what_does_not_pay_leaves_and_is_written_off() -> None:
    # Old units draw 3 W each, new ones 1 W; a watt costs 0.4 and a unit earns 1: the old ones don't pay.
    fleet = Fleet(step=1.0, steps=3, rows=("watts",), books={"chips": BookTerms(life=4.0)}, lag=0.0)
    for watts in (3.0, 1.0):
        fleet.arrive()
        fleet.order(10.0, {"watts": watts, "chips": 8.0})
        last = None if watts == 3.0 else fleet.leave({"units": 1.0, "watts": -0.4}, 0.5)
        done = fleet.close()
    assert last is not None
    assert last.tolist() == [5.0, 15.0, 40.0]
    assert done.in_service.tolist() == [15.0, 25.0, 120.0]
    # Half of 80 less a charge and a half of 20, and the new ones less half a charge.
    assert done.written_off.tolist() == [25.0]
    assert done.book_value.tolist() == [25.0 + 70.0]


@pytest.mark.closed_form
def test_what_unprofitable_cohorts_hold_now_and_later() -> None:
    """Ten opening units of 3 W and ten new ones of 2 W do not pay, ten of 1 W do; two draws, one of them looked at."""
    opening = Opening(in_service={"units": 10.0, "watts": 30.0}, life=10.0)
    fleet = Fleet(
        step=1.0, steps=3, batch=(2,), rows=("watts",), books={"chips": BookTerms(life=4.0)}, lag=0.0, life=4.0,
        failure_rate=0.1, opening=opening,
    )  # fmt: skip
    for watts in (2.0, 1.0):
        fleet.arrive()
        fleet.order(10.0, {"watts": watts})
        if watts == 2.0:
            fleet.close()
    looked = np.array([True, False])
    now, later, last = fleet.unprofitable({"units": 1.0, "watts": -0.6}, "watts", (0.0, 2.5, 4.0), looked)
    # After two years, eight of the opening units; after 4.5, half of the new ones; after six, none of them.
    begun = np.exp(0.05)  # new units fail from the middle of their step on
    assert now[0] == pytest.approx(np.exp(-0.2) * (24.0 + 20.0 * begun), rel=1e-12)
    assert later[0] == pytest.approx(np.exp(-0.45) * (16.5 + 10.0 * begun), rel=1e-12)
    assert last[0] == pytest.approx(np.exp(-0.6) * 12.0, rel=1e-12)
    assert now[1] == later[1] == last[1] == 0.0


@pytest.mark.closed_form
def test_the_opening_fleet_leaves_with_its_book() -> None:
    opening = Opening(
        in_service={"units": 10.0, "watts": 30.0}, life=5.0, books={"chips": OpeningBook(value=100.0, life=4.0)}
    )
    fleet = Fleet(step=1.0, steps=2, rows=("watts",), books={"chips": BookTerms(life=4.0)}, lag=0.0, opening=opening)
    fleet.arrive()
    left = fleet.leave({"units": 1.0, "watts": -0.4}, 0.25)
    done = fleet.close()
    # Of ten units eight are left after a year, of the book 75; a quarter of both goes.
    assert left.tolist() == [2.0, 6.0, 0.0]
    assert done.written_off.tolist() == [18.75]
    assert done.book_value.tolist() == [56.25]
    assert fleet.advance(0.0, {}).depreciation.tolist() == [18.75]


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(terms=TERMS, plan=PLANS, horizon=st.floats(0.4, 6.0))
def test_what_survives_is_what_a_run_without_orders_keeps(
    terms: dict[str, Any], plan: list[float], horizon: float
) -> None:
    steps = round(horizon / STEP)
    terms = {**terms, "failure": 0.0, "life": max(terms["life"], (steps + 1) * STEP)}
    opening = Opening(in_service={"units": 30.0}, life=2.2, on_order={"units": 10.0})
    fleet = small_fleet(terms, steps=STEPS + steps, opening=opening)
    for units in plan[:-1]:
        fleet.advance(units, PER_UNIT)
    fleet.arrive()
    # From the middle of this step to a bound: a half step less.
    ahead = (steps + 0.5) * STEP
    position = fleet.surviving(ahead)
    fleet.close()
    for _ in range(steps):
        last = fleet.advance(0.0, PER_UNIT)
    assert position[0] == pytest.approx(last.in_service[0], abs=1e-9 * (sum(plan) + 40))


@pytest.mark.law
@settings(max_examples=20, deadline=None)
@given(plan=PLANS, lag=st.floats(0.3, 1.7), horizon=st.floats(0.3, 4.0))
def test_what_survives_counts_failures_to_come(plan: list[float], lag: float, horizon: float) -> None:
    terms = {"lag": lag, "life": 9.0, "book_life": {"chips": 4.0, "network": 4.0}, "failure": 0.1, "salvage": 0.0}
    steps = round(horizon / STEP)
    fleet = small_fleet(terms, steps=STEPS + steps)
    for units in plan[:-1]:
        fleet.advance(units, PER_UNIT)
    fleet.arrive()
    position = float(fleet.surviving((steps + 0.5) * STEP)[0])
    fleet.close()
    for _ in range(steps):
        last = fleet.advance(0.0, PER_UNIT)
    # Units on order are assumed to fail from the middle of their arrivals on: correct to first order in rate times lag.
    assert position == pytest.approx(float(last.in_service[0]), rel=0.01, abs=1e-9)


@pytest.mark.closed_form
def test_a_full_pipeline_fails_from_the_middle_of_its_arrivals() -> None:
    # Ten a quarter over a lag of two years: units on order arrive over 1.75 years from the end of this step on.
    fleet = Fleet(step=0.25, steps=40, books={"chips": BookTerms(life=4.0)}, lag=2.0, failure_rate=0.1)
    for _ in range(8):
        fleet.advance(10.0, {"chips": 1.0})
    fleet.arrive()
    expected = sum(10 * exp(-0.1 * (5.125 - 0.25 * i)) for i in range(8))
    assert float(fleet.surviving(5.125)[0]) == pytest.approx(expected, rel=2e-3)


@pytest.mark.closed_form
def test_life_left_and_worth_of_one_cohort_and_an_opening_fleet() -> None:
    opening = Opening(in_service={"units": 6.0}, life=3.0)
    fleet = Fleet(step=1.0, steps=2, books={"chips": BookTerms(life=4.0)}, lag=0.0, life=5.0, opening=opening)
    fleet.arrive()
    fleet.order(12.0, {"chips": 1.0})
    # After a year: twelve new ones with 4.5 years left on average, four old ones with one year.
    assert float(fleet.life_left()) == pytest.approx((12 * 4.5 + 4 * 1.0) / 16)
    assert float(fleet.worth({"units": 2.0}, 0.0)) == pytest.approx(2 * (12 * 4.5 + 4 * 1.0))
    worth = 2 * (12 * (1 - exp(-0.2 * 4.5)) + 4 * (1 - exp(-0.2))) / 0.2
    assert float(fleet.worth({"units": 2.0}, 0.2)) == pytest.approx(worth)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lag": -1.0}, "lag must be ≥ 0"),
        ({"life": 0.0}, "life must be > 0"),
        ({"failure_rate": -0.1}, "failure_rate must be ≥ 0"),
        ({"failure_rate": 400.0}, "failure_rate must be at most"),
        ({"shipping_lag": 2.0}, "shipping_lag must be at most the lag"),
        ({"paid": "later"}, "at_order or over_build"),
        ({"rows": ("chips",)}, "distinct names"),
        ({"lag": [1.0, 2.0]}, "does not broadcast"),
        ({"books": {"chips": BookTerms(life=0.0)}}, "book life of chips must be > 0"),
        ({"books": {"chips": BookTerms(life=1.0, salvage_share=1.0)}}, "below 1"),
        ({"opening": Opening(in_service={"units": -1.0})}, "in service at the start must be ≥ 0"),
        ({"opening": Opening(books={"chips": OpeningBook(value=1.0, life=1.0, shape=0.5)})}, "≥ 1"),
    ],
)
def test_a_value_without_meaning_is_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"step": 0.25, "steps": 8, "books": {"chips": BookTerms(life=4.0)}, "lag": 1.0}
    with pytest.raises(DomainError, match=message):
        Fleet(**{**arguments, **change})


@pytest.mark.contract
def test_an_unknown_row_or_class_is_named() -> None:
    fleet = Fleet(step=0.25, steps=2, rows=("watts",), books={"chips": BookTerms(life=4.0)}, lag=1.0)
    fleet.arrive()
    with pytest.raises(UnknownParameterError, match="did you mean"):
        fleet.order(1.0, {"wats": 3.0})
    with pytest.raises(UnknownParameterError, match="no class 'units'"):
        fleet.impair("units", 0.5)
    with pytest.raises(UnknownParameterError, match="no row 'sites'"):
        Fleet(
            step=1.0, steps=1, books={"chips": BookTerms(life=4.0)}, lag=1.0, opening=Opening(on_order={"sites": 1.0})
        )


@pytest.mark.contract
def test_steps_come_in_their_order() -> None:
    fleet = Fleet(step=0.25, steps=1, books={"chips": BookTerms(life=4.0)}, lag=1.0)
    with pytest.raises(DomainError, match="after arrive"):
        fleet.order(1.0, {})
    fleet.arrive()
    with pytest.raises(DomainError, match="close the step"):
        fleet.arrive()
    fleet.order(1.0, {})
    with pytest.raises(DomainError, match="once per step"):
        fleet.order(1.0, {})
    fleet.close()
    with pytest.raises(DomainError, match="has taken all"):
        fleet.arrive()


@pytest.mark.closed_form
def test_the_opening_fleet_leaves_in_the_second_year_as_well() -> None:
    """Of twelve that retire over four years half is there after the second: it all leaves."""
    opening = Opening(in_service={"units": 12.0}, life=4.0)
    fleet = Fleet(step=1.0, steps=3, books={"chips": BookTerms(life=4.0)}, lag=0.0, opening=opening)
    fleet.advance(0.0, {})
    fleet.arrive()
    assert float(fleet.leave({"units": -1.0}, 1.0)[0]) == pytest.approx(6.0)
    assert float(fleet.close().in_service[0]) == pytest.approx(0.0, abs=1e-12)
