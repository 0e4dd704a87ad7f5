"""Run bond-flywheel with one thing changed at a time, for the page that says what changes what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import costmodel

NAME = "bond-flywheel"
YEAR = 2030
FROM = "2027-01-01"
OUTPUTS = ("tokens", "user_spend", "operator_cost", "capex", "rental_price")

Change = Callable[[dict[str, Any]], None]
"""Changes the written form of a scenario in place."""


def shock(kind: str, factor: float) -> Change:
    """Return a change that multiplies what a kind of shock acts on, from 2027 on."""
    return lambda form: form.update(shocks=[{"kind": kind, "date": FROM, "factor": factor}])


def stopped(date: str, *tables: str) -> Change:
    """Return a change that stops technical progress of software, hardware or both at a date."""
    return lambda form: [form[table].update(progress_until=date) for table in tables] and None


def dearer_capital(form: dict[str, Any]) -> None:
    """Raise the cost of capital by five points in all years."""
    form["operators"]["industry"]["financing"]["wacc"]["value"] += 0.05


def half_plan(form: dict[str, Any]) -> None:
    """Halve the capital plan in all years."""
    plan = form["operators"]["industry"]["plan"]["capex"]["value"]
    plan["knots"] = [[date, 0.5 * amount] for date, amount in plan["knots"]]


CHANGES: Mapping[str, Change] = {
    "cost of capital 5 points higher, always": dearer_capital,
    "accelerators at half price": shock("chip_price", 0.5),
    "accelerators for nothing": shock("chip_price", 1e-6),
    "electricity at twice the price": shock("energy", 2.0),
    "no progress of algorithms": stopped(FROM, "software"),
    "no progress of hardware": stopped(FROM, "hardware"),
    "no technical progress since 2023, plan kept": stopped("2023-01-01", "software", "hardware"),
    "half the power that the grid gives": shock("grid", 0.5),
    "ten times the power that the grid gives": shock("grid", 10.0),
    "half the capital plan, always": half_plan,
    "half the demand": shock("demand", 0.5),
    "twice the demand": shock("demand", 2.0),
}
"""Each change, from 2027 on unless its name says otherwise."""


def figures(form: dict[str, Any]) -> dict[str, float]:
    """Return totals of the year, and its mean rent."""
    run = costmodel.run(type(costmodel.load_scenario(NAME))(**form))
    steps = run.scenario.grid.year_steps(YEAR)
    return {name: float(run[name][steps].mean()) for name in OUTPUTS}


def rows() -> list[tuple[str, ...]]:
    """Return each change with what it does to every output [%], as text."""
    base = figures(costmodel.load_scenario(NAME).written())
    found = []
    for name, change in CHANGES.items():
        form = costmodel.load_scenario(NAME).written()
        change(form)
        other = figures(form)
        found.append((name, *(f"{100.0 * (other[output] / base[output] - 1.0):+.0f} %" for output in OUTPUTS)))
    return found
