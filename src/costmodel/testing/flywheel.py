"""Strategies for the flywheel: its formulas, and whole scenarios."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.scenario import Scenario
from costmodel.testing.scalars import elasticity, positive, rate, scheduled_rate

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
    "costmodel.flywheel.orders:forecast_factor": {
        "trend": rate(-1.0, 2.0),
        "horizon": positive(0.0, 4.0),
        "damping": positive(0.1, 50.0),
        "adjustment": positive(0.1, 3.0),
    },
    "costmodel.flywheel.orders:orders_towards": {
        "wanted": positive(0.0, 1e9),
        "position": positive(0.0, 1e9),
        "adjustment": positive(0.1, 3.0),
        "step": positive(0.0, 1.0),
    },
    "costmodel.flywheel.orders:capability_growth": {
        "shortage": rate(-3.0, 3.0),
        "premium": positive(0.0, 0.7),
        "technology": rate(0.0, 0.6),
        "response": positive(0.05, 3.0),
        "build_up": positive(0.0, 3.0),
        "max_build_up": positive(0.0, 1.0),
        "run_down": positive(0.0, 0.5),
    },
    "costmodel.flywheel.decomposition:log_mean": {"one": positive(), "two": positive()},
}


def steady_tables(**changes: Any) -> dict[str, Any]:
    """Return the tables of a small scenario in which every cost falls with hardware and nothing binds.

    One workload, one operator, no sites to pay, no energy, no suppliers: growth tends to the closed form.

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
            "accelerators": {
                "lag": 0.5,
                "economic_life": 5.0,
                "book_life": 5.0,
                "physical_life": 6.0,
                "failure_rate": 0.03,
                "early_leaving": False,
            },
            "network": {"cost_ratio": 0.2, "book_life": 5.0},
            "sites": {"cost_per_watt": 0.0, "lag": 0.5},
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
        "clearing": {"speed": 2.0, "target_use": 0.5},
        "investment": {"initial_trend": 0.5},
        "operators": {
            "all": {"opening": {"units": 3e5, "life": 5.0, "power": 1000.0}, "financing": {"wacc": 0.1}},
        },
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
    """Draw small flywheel scenarios that settle: gains well below 1, plan or rule, one or two operators, any step."""
    changes: dict[str, Any] = {
        "time__end": "2030-01-01",
        "time__step": draw(st.sampled_from(["quarter", "month"])),
        "software__algorithmic_growth": draw(scheduled_rate(0.0, 1.5)),
        "market__chat__adoption__growth": draw(scheduled_rate(0.0, 0.3)),
        "software__experience_exponent": draw(st.floats(0.0, 0.2)),
        "hardware__accelerators__lag": draw(st.floats(0.0, 1.2)),
        "hardware__accelerators__book_life": draw(st.floats(2.0, 6.0)),
        "hardware__accelerators__failure_rate": draw(st.floats(0.0, 0.1)),
        "hardware__accelerators__physical_life": draw(st.floats(1.5, 7.0)),
        "hardware__accelerators__early_leaving": draw(st.booleans()),
        "hardware__sites__cost_per_watt": draw(st.floats(0.0, 12.0)),
        "hardware__sites__lag": draw(st.floats(0.5, 2.0)),
        "hardware__maintenance": draw(st.floats(0.0, 0.1)),
        "energy__price": draw(st.floats(0.0, 2e-4)),
        "market__chat__price_elasticity": draw(st.floats(-1.8, 0.0)),
        "market__chat__capability_elasticity": draw(st.floats(0.0, 0.2)),
        "market__chat__price_memory": draw(st.floats(0.5, 8.0)),
        "clearing__scarcity_exponent": draw(st.floats(1.0, 4.0)),
        "training__investors": draw(st.floats(0.0, 1e10)),
        "training__revenue_share": draw(st.floats(0.0, 0.4)),
        "internal": {
            "accelerators": draw(st.floats(0.0, 1e5)),
            "rent_elasticity": draw(st.floats(-1.0, 0.0)),
            "reference_rent": 2.0,
        },
    }
    if draw(st.booleans()):
        changes["suppliers__capability"] = draw(st.floats(1e4, 1e7))
    if draw(st.booleans()):
        changes["power_grid__energised"] = draw(st.floats(1e7, 1e11))
    names = ["all"] if draw(st.booleans()) else ["first", "second"]
    changes["operators"] = {name: _operator(draw) for name in names}
    return FlywheelScenario(**steady_tables(**changes))


def _operator(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an operator's tables."""
    opening = {
        "units": draw(st.floats(1e4, 4e5)),
        "life": 5.0,
        "power": 1000.0,
        "on_order": draw(st.floats(0.0, 2e5)),
        "sites_building": draw(st.floats(0.0, 1e8)),
        "accelerators": {"book": draw(st.floats(0.0, 1e10)), "construction": draw(st.floats(0.0, 1e9))},
        "cash": draw(st.floats(0.0, 1e11)),
        "debt": draw(st.floats(0.0, 1e10)),
        "lease_debt": draw(st.floats(0.0, 1e9)),
    }
    financing = {
        "wacc": draw(st.floats(0.0, 0.3)),
        "claims_spread": draw(st.floats(0.0, 0.03)),
        "own_cash": draw(st.floats(0.0, 1e12)),
        "interest_rate": draw(st.floats(0.0, 0.15)),
        "leased_share": draw(st.floats(0.0, 0.5)),
        "bonus_depreciation": draw(st.floats(0.0, 1.0)),
    }
    if draw(st.booleans()):
        financing["impairment_threshold"] = draw(st.floats(0.0, 0.3))
    if draw(st.booleans()):
        financing["maximum_cash"] = draw(st.floats(0.0, 1e11))
    operator: dict[str, Any] = {"opening": opening, "financing": financing}
    if draw(st.booleans()):
        until = draw(st.sampled_from(["2027-07-01", "2031-01-01"]))
        operator["plan"] = {"capex": draw(st.floats(0.0, 1e11)), "until": until}
    return operator


SCENARIOS: dict[str, SearchStrategy[Scenario]] = {"flywheel": steady_scenarios()}
