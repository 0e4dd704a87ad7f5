"""Strategies for the flywheel: its formulas, and whole scenarios."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.scenario import Scenario
from costmodel.testing.scalars import elasticity, positive, rate

_GROWTH: dict[str, SearchStrategy[float]] = {
    "shifter_growth": rate(),
    "capability_elasticity": st.floats(0.0, 0.3),
    "elasticity": elasticity(-2.0, -0.1),
    "hardware_decline": positive(0.01, 0.6),
    "algorithmic_growth": rate(0.0, 2.0),
    "model_growth": rate(0.0, 1.5),
    "experience_exponent": st.floats(0.0, 0.25),
}

_MARGIN: dict[str, SearchStrategy[float]] = {
    "cost_before": positive(0.0, 1e12),
    "cost_after": positive(0.0, 1e12),
    "revenue_before": positive(1e6, 1e12),
    "revenue_after": positive(1e6, 1e12),
}

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.flywheel.margin:margin_effect_of_cost": _MARGIN,
    "costmodel.flywheel.margin:margin_effect_of_revenue": _MARGIN,
    "costmodel.flywheel.growth:token_growth_exogenous": {**_GROWTH, "capability_growth": rate(0.0, 2.0)},
    "costmodel.flywheel.growth:token_growth_fixed_share": {**_GROWTH, "training_growth": rate(0.0, 2.0)},
    "costmodel.flywheel.decomposition:log_mean": {"one": positive(), "two": positive()},
}


def steady_tables(**changes: Any) -> dict[str, Any]:
    """Return the tables of a small scenario in which every cost falls with hardware and nothing binds.

    One workload, no facility, no energy, no scarcity in prices: growth tends to the closed form.

    Parameters
    ----------
    changes
        Entries by dotted path with ``__`` for the dot, as ``market__chat__price_elasticity=-0.8``; ``None``
        removes one.
    """
    tables: dict[str, Any] = {
        "name": "steady",
        "time": {"start": "2026-01-01", "end": "2056-01-01", "step": "quarter"},
        "software": {
            "algorithmic_growth": 0.5,
            "experience_exponent": 0.2,
            "initial_cumulative_tokens": 1e15,
        },
        "hardware": {
            "peak": 2e15,
            "lines": {"one": {"price": 25000.0, "price_trend": -0.3, "power": 1000.0, "trend_from": "2026-01-01"}},
            "accelerators": {"lag": 0.5, "economic_life": 5.0, "book_life": 5.0},
            "network": {"lag": 0.5, "economic_life": 5.0, "book_life": 5.0, "cost_ratio": 0.2},
            "facility": {"lag": 0.5, "economic_life": 20.0, "book_life": 20.0, "cost_per_watt": 0.0},
            "fleet": {
                "physical_life": 6.0,
                "failure_rate": 0.03,
                "opening_units": 3e5,
                "opening_life": 5.0,
                "opening_power": 1000.0,
            },
        },
        "energy": {"price": 0.0},
        "market": {
            "chat": {
                "tokens": 1e15,
                "price_elasticity": -1.0,
                "price": 1e-6,
                "compute_per_token": 1e12,
                "model_growth": 0.2,
                "mfu": 0.25,
                "markup": 0.5,
                "adoption": {"growth": 0.1},
            }
        },
        "pricing": {"speed": 2.0},
        "rental": {},
        "service": {"target_utilisation": 0.5},
        "investment": {"adjustment": 0.75, "initial_trend": 0.5},
        "accounts": {"wacc": 0.1},
    }
    for key, value in changes.items():
        node, (*parents, last) = tables, key.split("__")
        for part in parents:
            node = node.setdefault(part, {})
        if value is None:
            node.pop(last, None)
        else:
            node[last] = value
    return tables


@st.composite
def steady_scenarios(draw: st.DrawFn) -> FlywheelScenario:
    """Draw small flywheel scenarios that settle: gains well below 1, plan or demand-following, any step."""
    changes: dict[str, Any] = {
        "time__end": "2030-01-01",
        "time__step": draw(st.sampled_from(["quarter", "month"])),
        "software__algorithmic_growth": draw(st.floats(0.0, 1.5)),
        "software__experience_exponent": draw(st.floats(0.0, 0.2)),
        "hardware__accelerators__lag": draw(st.floats(0.0, 1.2)),
        "hardware__accelerators__book_life": draw(st.floats(2.0, 6.0)),
        "hardware__accelerators__opening_book": draw(st.floats(0.0, 1e10)),
        "hardware__accelerators__opening_construction": draw(st.floats(0.0, 1e9)),
        "hardware__facility__cost_per_watt": draw(st.floats(0.0, 12.0)),
        "hardware__fleet__failure_rate": draw(st.floats(0.0, 0.1)),
        "hardware__fleet__physical_life": draw(st.floats(1.5, 7.0)),
        "hardware__fleet__opening_pipeline": draw(st.floats(0.0, 2e5)),
        "energy__price": draw(st.floats(0.0, 2e-4)),
        "market__chat__price_elasticity": draw(st.floats(-1.8, 0.0)),
        "market__chat__capability_elasticity": draw(st.floats(0.0, 0.2)),
        "pricing__tightness_exponent": draw(st.floats(0.0, 1.5)),
        "rental__tightness_exponent": draw(st.floats(0.0, 3.0)),
        "rental__cleared_share": draw(st.floats(0.0, 1.0)),
        "rental__fill_rate": draw(st.floats(0.0, 1.0)),
        "training__reserve": draw(st.floats(0.0, 1e5)),
        "training__reserve_growth": draw(st.floats(0.0, 1.0)),
        "training__max_share": 0.5,
        "investment__outside_funding": draw(st.floats(0.0, 1e12)),
        "investment__chip_supply": draw(st.floats(1e5, 1e7)),
        "accounts__opening_cash": draw(st.floats(0.0, 1e11)),
        "accounts__opening_debt": draw(st.floats(0.0, 1e10)),
        "accounts__interest_rate": draw(st.floats(0.0, 0.15)),
        "accounts__max_debt_ratio": draw(st.floats(0.0, 0.8)),
    }
    if draw(st.booleans()):
        changes["investment__plan"] = draw(st.floats(0.0, 1e11))
        changes["investment__plan_end"] = draw(st.sampled_from(["2027-07-01", "2031-01-01"]))
    if draw(st.booleans()):
        changes["accounts__impairment_threshold"] = draw(st.floats(0.0, 0.3))
    changes["hardware__fleet__early_retirement"] = draw(st.booleans())
    return FlywheelScenario(**steady_tables(**changes))


SCENARIOS: dict[str, SearchStrategy[Scenario]] = {"flywheel": steady_scenarios()}
