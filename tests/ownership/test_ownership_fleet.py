"""The fleet against a simulation of single cohorts, its identities, and ensembles against scalars."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError
from costmodel.ownership.cohorts import FleetStep
from costmodel.ownership.fleet import AssetClass, ClassFleet, Fleet, stacked
from costmodel.ownership.vintages import delay_offset, delay_weight

STEPS = 30
ASSETS = st.fixed_dictionaries(
    {
        "lag": st.sampled_from([0.0, 0.1, 0.4, 1.3]),
        "book_life": st.sampled_from([0.5, 1.0, 2.3, 4.0]),
        "physical_life": st.sampled_from([None, 0.8, 2.0, 2.3, 3.9]),
        "failure_rate": st.sampled_from([0.0, 0.05, 0.5]),
        "salvage_share": st.sampled_from([0.0, 0.1]),
    }
)
PLANS = st.lists(st.integers(0, 1000).map(lambda tenths: tenths / 10), min_size=STEPS, max_size=STEPS)


@dataclass
class Cohort:
    """One arrival, followed on its own."""

    units: float
    cost: float
    performance: float
    running: float
    base: float
    salvage: float
    age: int = 0
    alive: float = 1.0
    here: bool = True

    def book(self, life: float, charges: float) -> float:
        return self.alive * (self.base * (1 - min(charges, life) / life) + self.salvage)


def one_by_one(
    asset: dict[str, Any], step: float, units: list[float], rents: list[float | None], events: dict[int, Any]
) -> dict[str, list[float]]:
    """Simulate every cohort alone: slow, and with nothing in common with the fleet but the rules."""
    decay = float(np.exp(-asset["failure_rate"] * step))
    book_life = asset["book_life"] / step
    physical = 1e9 if asset["physical_life"] is None else asset["physical_life"] / step
    offset, weight = int(delay_offset(asset["lag"], step)), float(delay_weight(asset["lag"], step))
    cohorts: list[Cohort] = []
    rows: dict[str, list[float]] = {item.name: [] for item in fields(FleetStep)}
    pipeline = construction = 0.0
    for k, count in enumerate(units):
        row = dict.fromkeys(rows, 0.0)
        for kind, value in events.get(k, []):
            for cohort in cohorts:
                if kind == "impair":
                    there = cohort.here and cohort.age - 1 < physical // 1
                    row["impaired"] += value * cohort.book(book_life, cohort.age) * there
                    cohort.base, cohort.salvage = cohort.base * (1 - value), cohort.salvage * (1 - value)
                else:
                    left = cohort.base * (1 - min(cohort.age, book_life) / book_life)
                    new = value / step
                    overdue = new <= cohort.age
                    if overdue and cohort.here and cohort.age <= physical // 1:
                        row["depreciation"] += left * cohort.alive * decay
                        row["written_off"] += left * cohort.alive * (1 - decay)
                    cohort.base = 0.0 if overdue else left / (1 - cohort.age / new)
            if kind == "life":
                book_life = value / step
        row["bought"], row["capex"] = count, count * price(k)
        for cohort in cohorts:
            if cohort.here:
                remains = min(max(physical - cohort.age + 1, 0.0), 1.0)
                row["failed"] += cohort.units * cohort.alive * remains * (1 - decay)
                if cohort.age <= physical // 1:
                    row["written_off"] += cohort.book(book_life, cohort.age) * (1 - decay)
            cohort.alive *= decay
        for share, v in ((weight, k - offset), (1 - weight, k - offset - 1)):
            if v >= 0:
                n = share * units[v]
                worth = n * price(v)
                row["entered"] += n
                row["placed"] += worth
                s = asset["salvage_share"]
                # the two parts of a step's arrivals are one cohort, as far as early retirement is concerned
                if cohorts and cohorts[-1].age == -1:
                    last = cohorts[-1]
                    last.units, last.cost = last.units + n, last.cost + worth
                    last.performance, last.running = last.performance + n * speed(v), last.running + n * power(v)
                    last.base, last.salvage = last.base + worth * (1 - s), last.salvage + worth * s
                else:
                    cohorts.append(Cohort(n, worth, n * speed(v), n * power(v), worth * (1 - s), worth * s, age=-1))
        for cohort in cohorts:
            if cohort.age == -1:
                cohort.age = 0
            if not cohort.here:
                continue
            now, before = (min(max(physical - a, 0.0), 1.0) for a in (cohort.age, cohort.age - 1))
            row["retired"] += cohort.units * cohort.alive * (before - now)
            row["in_service"] += cohort.units * cohort.alive * now
            row["capacity"] += cohort.performance * cohort.alive * now
            row["running_cost"] += cohort.running * cohort.alive * now
            charged = min(book_life, physical)
            part = min(max(charged - cohort.age, 0.0), 1.0)
            row["depreciation"] += cohort.alive * cohort.base * part / book_life
            if cohort.age == physical // 1:
                row["disposed"] += cohort.book(book_life, charged)
        rent = rents[k]
        if rent is not None:
            for cohort in cohorts:
                gone = not cohort.here or cohort.units == 0 or cohort.age >= physical
                if gone:
                    continue
                if rent * cohort.performance >= cohort.running:
                    break
                remains = min(max(physical - cohort.age, 0.0), 1.0)
                row["retired_early"] += cohort.units * cohort.alive * remains
                if cohort.age < physical // 1:
                    row["written_off"] += cohort.book(book_life, cohort.age + 1)
                cohort.here = False
        pipeline += count - row["entered"]
        construction += row["capex"] - row["placed"]
        row["pipeline"], row["in_construction"] = pipeline, construction
        row["installed"] = row["in_service"] - row["retired_early"]
        for cohort in cohorts:
            cohort.age += 1
        row["book_value"] = sum(c.book(book_life, c.age) for c in cohorts if c.here and c.age - 1 < physical // 1)
        for name, value in row.items():
            rows[name].append(value)
    return rows


def price(k: int) -> float:
    return 40.0 - 0.5 * k


def speed(k: int) -> float:
    return float(1.3 ** (k / 4))


def power(k: int) -> float:
    return 5.0 + 0.1 * k


def run(
    asset: dict[str, Any], step: float, units: list[float], rents: list[float | None], events: dict[int, Any]
) -> FleetStep:
    fleet = ClassFleet(AssetClass(**asset), step, STEPS)
    done = []
    for k, count in enumerate(units):
        for kind, value in events.get(k, []):
            fleet.impair(value) if kind == "impair" else fleet.change_book_life(value)
        done.append(fleet.advance(count, price(k), performance=speed(k), running_cost=power(k), rent=rents[k]))
    return stacked(done)


def assert_same(history: FleetStep, rows: dict[str, list[float]], scale: float) -> None:
    for item in fields(FleetStep):
        np.testing.assert_allclose(
            getattr(history, item.name), rows[item.name], rtol=1e-9, atol=1e-9 * scale, err_msg=item.name
        )


@pytest.mark.law
@given(ASSETS, st.sampled_from([1 / 12, 0.25, 1.0]), PLANS)
def test_running_totals_are_the_sum_over_cohorts(asset: dict[str, Any], step: float, units: list[float]) -> None:
    nothing: list[float | None] = [None] * STEPS
    assert_same(run(asset, step, units, nothing, {}), one_by_one(asset, step, units, nothing, {}), 40 * sum(units) + 1)


@pytest.mark.law
@given(ASSETS, st.sampled_from([1 / 12, 0.25, 1.0]), PLANS, st.floats(0.5, 8.0), st.integers(0, 8))
def test_early_retirement_is_that_of_single_cohorts(
    asset: dict[str, Any], step: float, units: list[float], rent: float, quiet: int
) -> None:
    rents = [None if k < quiet else rent * 0.93**k for k in range(STEPS)]
    expected = one_by_one(asset, step, units, rents, {})
    assert_same(run(asset, step, units, rents, {}), expected, 40 * sum(units) + 1)


@pytest.mark.law
@given(
    ASSETS,
    st.sampled_from([1 / 12, 0.25, 1.0]),
    PLANS,
    st.floats(0.3, 6.0),
    st.integers(0, STEPS - 1),
    st.floats(0.0, 1.0),
    st.integers(0, STEPS - 1),
    st.booleans(),
)
def test_changes_of_life_and_impairments_are_those_of_single_cohorts(
    asset: dict[str, Any],
    step: float,
    units: list[float],
    life: float,
    when: int,
    share: float,
    later: int,
    retire: bool,
) -> None:
    events: dict[int, list[tuple[str, float]]] = {when: [("life", life)]}
    events.setdefault(later, []).insert(0, ("impair", share))
    rents = [2.0 * 0.93**k if retire else None for k in range(STEPS)]
    expected = one_by_one(asset, step, units, rents, events)
    assert_same(run(asset, step, units, rents, events), expected, 40 * sum(units) + 1)


def assert_identities(history: FleetStep) -> None:
    total = {item.name: np.cumsum(getattr(history, item.name), axis=0) for item in fields(FleetStep)}
    out = total["retired"] + total["retired_early"] + total["failed"]
    scale = total["bought"] + 1.0
    np.testing.assert_array_less(np.abs(total["bought"] - out - history.installed - history.pipeline), 1e-11 * scale)
    left = total["depreciation"] + total["written_off"] + total["disposed"] + total["impaired"]
    closing = history.book_value + history.in_construction
    np.testing.assert_array_less(np.abs(total["capex"] - left - closing), 1e-11 * (total["capex"] + 1.0))


@pytest.mark.law
@given(st.lists(ASSETS, min_size=2, max_size=3), PLANS, st.floats(0.5, 8.0), st.floats(0.3, 6.0))
def test_draws_are_scalar_runs_and_nothing_is_lost(
    assets: list[dict[str, Any]], units: list[float], rent: float, life: float
) -> None:
    columns = {key: np.array([50.0 if asset[key] is None else asset[key] for asset in assets]) for key in assets[0]}
    together = ClassFleet(AssetClass.model_construct(**columns), 0.25, STEPS, draws=len(assets))
    alone = [
        ClassFleet(AssetClass(**{key: float(column[i]) for key, column in columns.items()}), 0.25, STEPS)
        for i in range(len(assets))
    ]
    history, parts = [], [[] for _ in alone]  # type: ignore[var-annotated]
    for k, count in enumerate(units):
        for fleet in (together, *alone) if k == 11 else ():
            fleet.change_book_life(life)
            fleet.impair(0.1)
        arguments = {"performance": speed(k), "running_cost": power(k), "rent": rent * 0.95**k}
        history.append(together.advance(count, price(k), **arguments))
        for fleet, part in zip(alone, parts, strict=True):
            part.append(fleet.advance(count, price(k), **arguments))
    whole = stacked(history)
    assert_identities(whole)
    for i, part in enumerate(parts):
        single = stacked(part)
        for item in fields(FleetStep):
            np.testing.assert_array_equal(getattr(whole, item.name)[:, i], getattr(single, item.name))
        np.testing.assert_allclose(
            np.cumsum(alone[i].by_vintage(), axis=1)[:, -1], single.in_service, rtol=1e-9, atol=1e-8
        )


@pytest.mark.closed_form
def test_a_steady_fleet_holds_purchases_times_life() -> None:
    asset = AssetClass(lag=0.3, book_life=3.0, physical_life=5.0)
    history = ClassFleet(asset, 1 / 12, 120).run(np.full(120, 2.0), np.full(120, 9.0))
    assert history.in_service[-1] == pytest.approx(2.0 * 12 * 5)
    # a year's depreciation of a steady fleet is a year's capex
    assert history.depreciation[-12:].sum() == pytest.approx(2.0 * 9.0 * 12)
    # from the end of the step half a step and the lag are on their way
    assert history.pipeline[-1] == pytest.approx(2.0 * (0.3 * 12 + 0.5))


@pytest.mark.closed_form
def test_oldest_cohorts_go_first_and_only_while_they_cost_more_than_they_earn() -> None:
    asset = AssetClass(lag=0.5, book_life=4.0)
    fleet = ClassFleet(asset, 1.0, 6)
    # lag 0.5 with yearly steps: everything arrives in the next step
    for performance in (1.0, 2.0, 4.0):
        fleet.advance(10.0, 100.0, performance=performance, running_cost=30.0)
    done = fleet.advance(0.0, 0.0, rent=20.0)
    # earns 20 and costs 30: the first goes; the second earns 40
    assert done.retired_early == pytest.approx(10.0)
    # three of its four years were charged: 1/4 of 1,000 was left
    assert done.written_off == pytest.approx(250.0)
    assert done.installed == pytest.approx(20.0)
    assert fleet.advance(0.0, 0.0, rent=20.0).retired_early == 0.0


@pytest.mark.closed_form
def test_a_life_that_has_passed_is_charged_at_once_even_on_the_last_day() -> None:
    # lag of half a step: bought in step 0, in service from step 1; physical life 4 steps, so it leaves in step 5
    fleet = ClassFleet(AssetClass(lag=0.125, book_life=4.0, physical_life=1.0), 0.25, 6)
    charged = [fleet.advance(1.0 if k == 0 else 0.0, 160.0).depreciation for k in range(5)]
    assert charged == pytest.approx([0.0, 10.0, 10.0, 10.0, 10.0])
    fleet.change_book_life(0.5)
    done = fleet.advance(0.0, 0.0)
    assert (done.depreciation, done.disposed) == (pytest.approx(120.0), 0.0)
    assert done.book_value == pytest.approx(0.0, abs=1e-12)


@pytest.mark.closed_form
def test_classes_are_advanced_together() -> None:
    classes = {"servers": AssetClass(book_life=5.0, lag=0.0), "facility": AssetClass(book_life=20.0, lag=1.0)}
    fleet = Fleet(classes, 1.0, 3)
    fleet.advance({"servers": {"units": 2.0, "unit_cost": 50.0}, "facility": {"units": 1.0, "unit_cost": 400.0}})
    # servers: half arrives in the step (50), half a step's charge of it; the facility is under construction
    assert fleet.total("depreciation") == pytest.approx(50.0 / 5)
    assert fleet.total("in_construction") == pytest.approx(50.0 + 400.0)
    with pytest.raises(UnknownParameterError, match="did you mean 'servers'"):
        fleet.advance({"server": {"units": 1.0, "unit_cost": 1.0}})


@pytest.mark.contract
def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(DomainError, match="book_life"):
        AssetClass(book_life=0.0)
    with pytest.raises(ScenarioError, match="book_life"):
        AssetClass()
    fleet = ClassFleet(AssetClass(book_life=4.0), 0.25, 1)
    with pytest.raises(DomainError, match="units must be ≥ 0"):
        fleet.advance(-1.0, 1.0)
    with pytest.raises(DomainError, match="does not exist"):
        fleet.by_vintage(1)
    with pytest.raises(DomainError, match="between 0 and 1"):
        fleet.impair(1.5)
    fleet.advance(1.0, 1.0)
    with pytest.raises(DomainError, match="all are done"):
        fleet.advance(1.0, 1.0)
    with pytest.raises(DomainError, match="step must be > 0"):
        ClassFleet(AssetClass(book_life=4.0), 0.0, 1)
    with pytest.raises(DomainError, match="at least one asset class"):
        Fleet({}, 0.25, 4)
    with pytest.raises(DomainError, match="advance the fleet"):
        Fleet({"a": AssetClass(book_life=4.0)}, 0.25, 4).total("capex")
