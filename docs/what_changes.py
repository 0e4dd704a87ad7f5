"""Run bond-flywheel with one thing changed at a time, for the page that says what changes what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import costmodel

NAME = "bond-flywheel"
YEAR = 2030
FROM = "2027-01-01"
OUTPUTS = ("tokens", "user_spend", "operator_cost", "cost_without_write_offs", "capex", "rental_price")
WITHOUT = "cost_without_write_offs"
DRAWS = 256

Change = Callable[[dict[str, Any]], None]
"""Changes the written form of a scenario in place."""


def nothing(form: dict[str, Any]) -> None:
    """Change nothing."""


def shock(kind: str, factor: float) -> Change:
    """Return a change that multiplies what a kind of shock acts on, from 2027 on."""
    return lambda form: form.update(shocks=[{"kind": kind, "date": FROM, "factor": factor}])


def stopped(date: str, *tables: str) -> Change:
    """Return a change that stops technical progress of software, hardware or both at a date."""
    return lambda form: [form[table].update(progress_until=date) for table in tables] and None


def with_models(date: str, change: Change) -> Change:
    """Return a change after which served models don't grow either, from a date on."""
    begun = costmodel.load_scenario(NAME).written()["time"]["start"]

    def apply(form: dict[str, Any]) -> None:
        change(form)
        for item in form["market"].values():
            rate, fade = item["model_growth"]["value"], item.pop("model_fade")["value"]
            since = item.pop("model_fade_from")
            knots = [[begun, rate], [since, rate], [date, rate - fade * _years(since, date)], [_next_day(date), 0.0]]
            item["model_growth"]["value"] = {"knots": knots, "interpolation": "linear"} if date > begun else 0.0

    return apply


def _years(first: str, last: str) -> float:
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days / 365.25


def _next_day(date: str) -> str:
    return str(dt.date.fromisoformat(date) + dt.timedelta(1))


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
    "no progress of algorithms, models no larger": with_models(FROM, stopped(FROM, "software")),
    "no progress of hardware": stopped(FROM, "hardware"),
    "no technical progress since 2023, plan kept": stopped("2023-01-01", "software", "hardware"),
    "no technical progress since 2023, plan kept, models no larger": with_models(
        "2023-01-01", stopped("2023-01-01", "software", "hardware")
    ),
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


def reached(form: dict[str, Any], draws: int | None = None) -> dict[str, Any]:
    """Return means by step of the year: the outputs, and the parts of operator cost and capex."""
    run = costmodel.run(type(costmodel.load_scenario(NAME))(**form), draws=draws, rng=0)
    steps = run.scenario.grid.year_steps(YEAR)

    def mean(name: str) -> Any:
        return np.asarray(run[name])[steps].mean(axis=0)

    found = {name: mean(name) for name in OUTPUTS if name != WITHOUT}
    found[WITHOUT] = found["operator_cost"] - mean("write_offs")
    found["site_premium"] = mean("site_premium")
    if draws is None:
        for part, names in COST_PARTS.items():
            found[part] = sum(float(mean(name).sum()) for name in names)
        for part, classes in CAPEX_PARTS.items():
            found[part] = float(mean("bought_by_class")[..., classes].sum())
    return found


def changed(change: Change, first: Change | None = None, draws: int | None = None) -> dict[str, Any]:
    """Return the figures under a change, made after another one if there is one."""
    form = costmodel.load_scenario(NAME).written()
    if first is not None:
        first(form)
    change(form)
    return reached(form, draws)


def effects() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the figures of the base, and those under each change."""
    return changed(nothing), {name: changed(change) for name, change in CHANGES.items()}


def rows(base: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return each change with what it does to every output [%], as text."""
    return [(name, *(f"{_percent(other, base, output)} %" for output in OUTPUTS)) for name, other in others.items()]


def part_rows(base: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return each change with what each part adds to the change of operator cost and of capex [points], as text."""
    whole = {**dict.fromkeys(COST_PARTS, "operator_cost"), **dict.fromkeys(CAPEX_PARTS, "capex")}
    return [
        (name, *(f"{100.0 * (other[part] - base[part]) / base[total]:+.0f}" for part, total in whole.items()))
        for name, other in others.items()
    ]


def rise_rows() -> list[tuple[str, ...]]:
    """Return each change with the share of draws in which every output rises [%], as text."""
    base = changed(nothing, draws=DRAWS)
    found = []
    for name, change in CHANGES.items():
        other = changed(change, draws=DRAWS)
        found.append((name, *(f"{100.0 * np.mean(other[output] > base[output]):.0f} %" for output in OUTPUTS)))
    return found


def grid_after_2026(factor: float) -> Change:
    """Return a change of the base's grid from mid-2027 on, which is uncertain there."""

    def apply(form: dict[str, Any]) -> None:
        for knot in form["power_grid"]["energised"]["value"]["knots"]:
            if isinstance(knot[1], dict):
                knot[1]["median"] *= factor

    return apply


def budgets(factor: float) -> Change:
    """Return a change of all users' budgets."""

    def apply(form: dict[str, Any]) -> None:
        for item in form["market"].values():
            item["budget_share"]["value"]["median"] *= factor

    return apply


def two_years_to_build(form: dict[str, Any]) -> None:
    """Let sites take two years from order to power."""
    form["hardware"]["sites"]["lag"]["value"] = 2.0


def stricter_impairment(form: dict[str, Any]) -> None:
    """Write off where a tenth of a book value is uncovered, not a fifth."""
    form["operators"]["industry"]["financing"]["impairment_threshold"]["value"] = 0.1


BASES: Mapping[str, Change] = {
    "grid after 2026 halved": grid_after_2026(0.5),
    "as it is": nothing,
    "users' budgets a quarter smaller": budgets(0.75),
    "grid after 2026 a quarter larger": grid_after_2026(1.25),
    "grid after 2026 doubled": grid_after_2026(2.0),
    "sites take two years, not 1.5": two_years_to_build,
    "impairment from a tenth uncovered": stricter_impairment,
}
"""Bases that differ in how short sites are, and in the test for impairment."""
UNSETTLED: tuple[tuple[str, str], ...] = (
    ("half the power that the grid gives", "capex"),
    ("ten times the power that the grid gives", "capex"),
    ("accelerators for nothing", "capex"),
    ("accelerators at half price", "operator_cost"),
    ("accelerators at half price", WITHOUT),
)
"""Changes and outputs whose sign depends on the base."""


def base_rows() -> list[tuple[str, ...]]:
    """Return each base with its premium on sites and the effects [%] whose sign depends on it, as text."""
    found = []
    for name, first in BASES.items():
        base = changed(first)
        under = {change: changed(CHANGES[change], first) for change in dict.fromkeys(change for change, _ in UNSETTLED)}
        effects = (f"{_percent(under[change], base, output)} %" for change, output in UNSETTLED)
        found.append((name, f"{100.0 * float(base['site_premium']):.0f} %", *effects))
    return found


def _percent(other: Mapping[str, Any], base: Mapping[str, Any], output: str) -> str:
    return f"{100.0 * (float(other[output]) / float(base[output]) - 1.0):+.0f}"


EARLIER: Mapping[str, tuple[int, int, int, int, int]] = {
    "cost of capital 5 points higher, always": (-9, 0, -9, -6, 10),
    "accelerators at half price": (33, 0, 12, 37, -30),
    "accelerators for nothing": (62, 3, -37, 2, -39),
    "electricity at twice the price": (-4, 0, 1, -5, 5),
    "no progress of algorithms, models no larger": (-80, -33, -4, -45, -15),
    "no progress of hardware": (-31, -2, 22, -7, 50),
    "no technical progress since 2023, plan kept, models no larger": (-100, -77, -48, -78, 162),
    "half the power that the grid gives": (-11, 0, -7, 8, 14),
    "ten times the power that the grid gives": (7, 1, 11, 13, -8),
    "half the capital plan, always": (-54, -20, -18, 29, 38),
    "half the demand": (-42, -38, -39, -34, 7),
    "twice the demand": (29, 40, 51, 46, 4),
}
"""Effects in a first version of the equations [%]: tokens, user spend, operator cost, capex, rent; starting values of
its own, and no limit on sites where the row has ten times the grid."""
COMPARED = tuple(output for output in OUTPUTS if output != WITHOUT)


def earlier_rows(base: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return each change with its effects here and in the first version [%], as text."""
    return [
        (
            name,
            *(
                f"{_percent(others[name], base, output)} ({before:+d})"
                for output, before in zip(COMPARED, was, strict=True)
            ),
        )
        for name, was in EARLIER.items()
    ]
