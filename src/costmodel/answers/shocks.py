"""Shocks: a release that makes compute far more efficient, and demand that stays at half of plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, in_year, over_draws, share_of_draws
from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray

ELASTICITIES = (-0.6, -0.85, -1.1, -1.35, -1.6)
"""Price elasticities over which a shock is run [1]: the range that the scenario assumes, at equal steps."""
BUST_DATE = "2027-01-01"
"""Day from which demand is short, as in the scenario bust."""
SLOWER = -0.6
"""How much slower demand grows in the deeper busts [1/year], in logs."""
RECOVERED = 0.95
"""Rent over the rent without the bust from which it counts as recovered [1]: chosen."""
_EFFICIENCY = (("serving", 3), ("serving", 10), ("training", 3), ("training", 10))
NAMED = {
    "power": "power is short and dear from 2027 on",
    "export-limits": "suppliers deliver two fifths less from 2027 on",
    "capital-withdrawal": "investors withdraw from 2027 on and lenders before",
    "price-war": "mark-ups on tokens fall to nothing from 2027 on",
}
"""Built-in shocks by the end of their scenario's name, and what each is."""
KERNEL = "discovered-kernel-fleet"
"""Scenario of a discovered kernel at work in every fleet."""
_RESTS = {"serving": "price elasticity, which turns the sign", "training": "response of demand to capability"}
_YEARS = {2028.25: "in the first year", 2031.0: "in 2030"}
"""Ends of the years in which a shock is read: the first after it, and the last that the scenario covers."""


def _base() -> FlywheelScenario:
    scenario: FlywheelScenario = load_scenario("from-2026")
    return scenario


def _change(run: Trajectory, base: Trajectory, output: str, date: float) -> FloatArray:
    """Return the relative change of a flow over the year that ends at a date."""
    grid = base.scenario.grid
    steps = (grid.mid > date - 1.0) & (grid.mid < date)
    now, before = (np.asarray(item[output])[steps].sum(axis=0) for item in (run, base))
    return np.asarray(now / before - 1.0)


def _shocks_of(name: str) -> list[Any]:
    """Return the shocks of a built-in scenario as they are written."""
    return list(load_scenario(name).written()["shocks"])


def efficiency_shock() -> tuple[Answer, ...]:
    """Answer what a jump of efficiency does to user spend and capex after one year and later, over elasticities."""
    base = _base()
    answers = []
    runs = {}
    written = {(kind, times): _shocks_of(f"shock-{kind}-{times}") for kind, times in _EFFICIENCY}
    for at in ELASTICITIES:
        plain = base.replace({f"market.{name}.price_elasticity": at for name in base.market})
        cases = {case: plain.replace({"shocks": shocks}) for case, shocks in written.items()}
        runs[at] = simulate(plain), {case: simulate(scenario) for case, scenario in cases.items()}
    for kind, times in _EFFICIENCY:
        for output, name in (
            ("user_spend", "user spend"), ("capex", "capex"), ("final_runs", "accelerators on the largest runs")
        ):  # fmt: skip
            for end, when in _YEARS.items():
                found = [float(_change(shocked[kind, times], plain, output, end)) for plain, shocked in runs.values()]
                answers.append(
                    Answer(
                        claim=f"{kind} gets {times:g}× as efficient in Q2 2027: {name} {when}",
                        says=_sign(found),
                        value=found[ELASTICITIES.index(-1.1)], low=min(found), high=max(found), unit="%",
                        rests_on=f"from-2026 at medians, price elasticities -0.6 to -1.6; {_RESTS[kind]}",
                    )
                )  # fmt: skip
    return tuple(answers)


def _sign(changes: list[float]) -> str:
    """Return in words the direction of a change over the elasticities."""
    if min(changes) > 0.0:
        return "rises at every elasticity"
    return "falls at every elasticity" if max(changes) < 0.0 else "falls or rises with the elasticity"


def bust() -> tuple[Answer, ...]:
    """Answer what demand at half of plan from 2027 does to rents, orders and write-offs, and for how long."""
    base = _base()
    plain = simulate(base, draws=DRAWS, rng=SEED)
    broken = simulate(load_scenario("bust"), draws=DRAWS, rng=SEED)
    times, begin = base.grid.mid, 2027.0
    rent = np.asarray(broken.rental_price) / np.asarray(plain.rental_price)
    after = times > begin
    low = rent[after].min(axis=0)
    back = np.where(rent[after] >= RECOVERED, times[after][:, None] - begin, np.inf)
    below = np.maximum.accumulate(rent[after] < RECOVERED, axis=0)
    recovered = np.where(below.any(axis=0), np.where(below, back, np.inf).min(axis=0), 0.0)
    orders = _change(broken, plain, "accelerators_bought", begin + 1.0)
    found = (
        (
            "rent of an accelerator at its lowest, against the same draw without",
            f"it falls {share_of_draws(low < 1.0)}",
            low - 1.0,
            "%",
            "scarcity exponent, price elasticity",
        ),
        (
            "orders of accelerators in 2027",
            f"they fall {share_of_draws(orders < 0.0)}",
            orders,
            "%",
            "what was on order",
        ),
        (
            f"years until the rent is back at {RECOVERED:.0%} of the rent without",
            f"not by 2030 {share_of_draws(np.isinf(recovered))}",
            recovered,
            "year",
            "how fast orders fall",
        ),
    )
    rests = f"from-2026, demand halved from 2027 on, 5 to 95 % of {DRAWS} draws"
    answers = [_bust(claim, says, values, unit, f"{rests}; {driver}") for claim, says, values, unit, driver in found]
    return (*answers, *_written_down(base, plain))


def _written_down(base: FlywheelScenario, plain: Trajectory) -> tuple[Answer, ...]:
    """Answer how much is written down in busts of three depths, at the impairment tests to 2030."""
    half = {"kind": "demand", "date": BUST_DATE, "factor": 0.5}
    slower = {**half, "growth": SLOWER}
    gone = {"kind": "investors", "date": BUST_DATE, "factor": 0.0}
    depths = {"": [half], ", growing 60 points slower": [slower], ", and investors gone": [slower, gone]}
    after, answers = base.grid.mid > 2027.0, []
    for depth, shocks in depths.items():
        run = simulate(base.replace({"shocks": shocks}), draws=DRAWS, rng=SEED)
        written, uncovered = (
            np.asarray(getattr(run, name) - getattr(plain, name))[after].sum(axis=0)
            for name in ("impairments", "uncovered")
        )
        answers.append(
            _bust(
                "impairment to 2030 beyond that without the bust",
                f"more book value is uncovered {share_of_draws(uncovered > 0.0)}, more is written down "
                f"{share_of_draws(written > 0.0)}",
                written,
                "USD",
                f"from-2026, 5 to 95 % of {DRAWS} draws; a class is written down where 20 % of it is uncovered",
                depth,
            )
        )
    return tuple(answers)


def _bust(claim: str, says: str, values: FloatArray, unit: str, rests_on: str, depth: str = "") -> Answer:
    middle, low, high = over_draws(values)
    return Answer(
        claim=f"demand at half of plan from 2027{depth}: {claim}",
        says=says, value=middle, low=low, high=high, unit=unit, rests_on=rests_on,
    )  # fmt: skip


def named_shocks() -> tuple[Answer, ...]:
    """Answer what short power, export limits, withdrawn capital and a price war do to user spend, capex and rent."""
    plain = simulate(_base(), draws=DRAWS, rng=SEED)
    answers = []
    for name, told in NAMED.items():
        shocked = simulate(load_scenario(f"shock-{name}"), draws=DRAWS, rng=SEED)
        for output, what in (("user_spend", "user spend"), ("capex", "capex"), ("rental_price", "rent")):
            change = in_year(shocked, output, 2028) / in_year(plain, output, 2028) - 1.0
            middle, low, high = over_draws(np.asarray(change))
            answers.append(
                Answer(
                    claim=f"{told}: {what} of 2028",
                    says=f"it falls {share_of_draws(np.asarray(change) < 0.0)}",
                    value=middle, low=low, high=high, unit="%",
                    rests_on=f"shock-{name} against from-2026, 5 to 95 % of {DRAWS} draws; size of the shock, chosen",
                )
            )  # fmt: skip
    return tuple(answers)


def kernel_across_fleets() -> tuple[Answer, ...]:
    """Answer what a discovered kernel at work in every fleet does to unit cost and user spend."""
    plain, faster = (simulate(load_scenario(name), draws=DRAWS, rng=SEED) for name in ("from-2026", KERNEL))
    answers = []
    for output, what in (("fixed_weight_unit_cost", "unit cost"), ("user_spend", "user spend"), ("capex", "capex")):
        for year in (2027, 2030):
            change = np.asarray(in_year(faster, output, year) / in_year(plain, output, year) - 1.0)
            middle, low, high = over_draws(change)
            answers.append(
                Answer(
                    claim=f"a discovered kernel, twice as fast, at work in every fleet from 2027 on: {what} of {year}",
                    says=f"it falls {share_of_draws(change < 0.0)}",
                    value=middle, low=low, high=high, unit="%",
                    rests_on=f"{KERNEL} against from-2026, 5 to 95 % of {DRAWS} draws; the kernel's share of time",
                )
            )  # fmt: skip
    return tuple(answers)


def who_fails_first() -> tuple[Answer, ...]:
    """Answer who loses in a bust, operator by operator, and whose cash and credit end first."""
    plain, broken = (simulate(load_scenario(name), draws=DRAWS, rng=SEED) for name in ("industry-five", "bust-five"))
    times, years = plain.scenario.grid.mid, (2027, 2028, 2029, 2030)
    answers = []
    for place, operator in reversed(list(enumerate(plain.coords()["operator"]))):
        income = [
            np.sum([in_year(item, "operating_income_by_operator", year)[place] for year in years], axis=0)
            for item in (plain, broken)
        ]
        saved = np.asarray(broken.rescue)[:, place] > 0.0
        ended = np.where(saved.any(axis=0), times[np.argmax(saved, axis=0)], np.inf)
        without = float((np.asarray(plain.rescue)[:, place] > 0.0).any(axis=0).mean())
        when = "" if np.isinf(ended).all() else f", first in {np.min(ended):.1f}"
        middle, low, high = over_draws(income[1] - income[0])
        answers.append(
            Answer(
                claim=f"demand at half of plan from 2027: income of {operator} on AI from 2027 to 2030 against plan",
                says=f"cash and credit end {share_of_draws(np.isfinite(ended))}{when} ({without:.0%} without the bust)",
                value=middle, low=low, high=high, unit="USD",
                rests_on=f"bust-five, 5 to 95 % of {DRAWS} draws; cash of other business, which is assumed",
            )
        )  # fmt: skip
    return tuple(answers)
