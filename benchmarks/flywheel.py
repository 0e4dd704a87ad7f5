"""Flywheels of other sizes: copies of operators or workloads, among which amounts are divided."""

from __future__ import annotations

import json

SIZED = (
    *(f"opening.{name}" for name in ("units", "on_order", "shipped", "site_power", "sites_building", "cash", "debt")),
    "plan.capex",
    "plan.sites",
    "financing.own_cash",
    "staff",
)
"""Entries of an operator that are divided among its copies."""
SHARED = ("tokens", "budget_share")
"""Entries of a workload that are divided among its copies."""


def copies(scenario, table: str, count: int, sized: tuple[str, ...] = ()):
    """Return a scenario with copies of each entry of a table; amounts are divided among the copies."""
    form = scenario.written()
    entries = form[table]
    form[table] = {}
    for name, entry in entries.items():
        for number in range(count):
            one = json.loads(json.dumps(entry))
            for path in sized:
                *parents, last = path.split(".")
                node = one
                for part in parents:
                    node = node.get(part, {})
                if last in node:
                    node[last] = divided(node[last], count)
            form[table][f"{name}-{number}"] = one
    form["correlations"] = []
    return type(scenario)(**form)


def divided(value, count: int):
    """Return a written number, schedule or distribution divided."""
    if isinstance(value, dict) and "value" in value:
        return {**value, "value": divided(value["value"], count)}
    if isinstance(value, dict) and "knots" in value:
        return {**value, "knots": [[date, divided(number, count)] for date, number in value["knots"]]}
    if isinstance(value, dict):
        return {key: item / count if isinstance(item, float) else item for key, item in value.items()}
    return value / count
