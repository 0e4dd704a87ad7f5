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
    form["operators"]["industry"]["financing"]["wacc"]["value"]["median"] += 0.05


def half_plan(form: dict[str, Any]) -> None:
    """Halve the capital plan in all years."""
    plan = costmodel.load_scenario(NAME).get("operators.industry.plan.capex")
    form["operators"]["industry"]["plan"]["capex"]["value"] = plan.scaled(0.5).written()


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


COST_PARTS: Mapping[str, tuple[str, ...]] = {
    "depreciation": ("depreciation_by_class",),
    "write-offs": ("write_offs_by_class",),
    "energy, sites, upkeep": ("energy", "site_operation", "maintenance"),
    "staff, selling, rest": ("resale_fees", "staff", "research", "go_to_market", "overhead", "other_cost"),
}
"""Outputs that add up to operator cost, by name of the part."""
CAPEX_PARTS: Mapping[str, slice] = {"accelerators, network": slice(0, 2), "sites": slice(2, 3)}
"""Asset classes that add up to capex, by name of the part."""


def figures(form: dict[str, Any]) -> dict[str, float]:
    """Return means by step of the year: the outputs, and the parts of operator cost and capex."""
    run = costmodel.run(type(costmodel.load_scenario(NAME))(**form))
    steps = run.scenario.grid.year_steps(YEAR)
    found = {name: float(run[name][steps].mean()) for name in OUTPUTS}
    count = found["tokens"] / float(run["tokens"][steps].sum())
    for part, names in COST_PARTS.items():
        found[part] = count * sum(float(run[name][steps].sum()) for name in names)
    for part, classes in CAPEX_PARTS.items():
        found[part] = count * float(run["bought_by_class"][steps][..., classes].sum())
    return found


def effects() -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return the figures of the base, and those under each change."""
    found = {}
    for name, change in CHANGES.items():
        form = costmodel.load_scenario(NAME).written()
        change(form)
        found[name] = figures(form)
    return figures(costmodel.load_scenario(NAME).written()), found


def rows(base: Mapping[str, float], changed: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return each change with what it does to every output [%], as text."""
    return [
        (name, *(f"{100.0 * (other[output] / base[output] - 1.0):+.0f} %" for output in OUTPUTS))
        for name, other in changed.items()
    ]


def part_rows(base: Mapping[str, float], changed: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return each change with what each part adds to the change of operator cost and of capex [points], as text."""
    whole = {**dict.fromkeys(COST_PARTS, "operator_cost"), **dict.fromkeys(CAPEX_PARTS, "capex")}
    return [
        (name, *(f"{100.0 * (other[part] - base[part]) / base[total]:+.0f}" for part, total in whole.items()))
        for name, other in changed.items()
    ]
