"""Strategies for the formulas of demand, decline, price and rent."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.market.agent_population import AgentPopulation
from costmodel.market.contest import Contest
from costmodel.market.inputs import TokenMarket
from costmodel.testing.scalars import elasticity, positive, rate, scheduled_rate, share

_TIME = rate(-5.0, 15.0)
_STEP = st.sampled_from([1 / 24, 1 / 12, 1 / 4, 1.0])
_SPEED = positive(0.0, 50.0)
_RATIO = positive(1e-3, 1e3)
_LOW = positive(0.1, 1.0)
_HIGH = positive(1.0, 5.0)

_OFFER = {
    "rent": positive(0.0, 50.0),
    "running_cost": positive(0.0, 2.0),
    "required_rent": positive(2.01, 20.0),
    "target_use": positive(0.1, 0.8),
    "max_use": positive(0.81, 1.0),
    "scarcity_exponent": positive(0.5, 6.0),
}
STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.market.demand:constant_elasticity": {
        "quantity": positive(0.0, 1e18),
        "price_ratio": _RATIO,
        "elasticity": elasticity(),
    },
    "costmodel.market.demand:logistic_adoption": {
        "time": _TIME,
        "growth_rate": rate(0.0, 3.0),
        "ceiling": positive(1.0, 1e3),
    },
    "costmodel.market.demand:bass_adoption": {
        "time": _TIME,
        "innovation": positive(0.0, 0.2),
        "imitation": positive(0.0, 2.0),
        "ceiling": positive(1.0, 1e3),
    },
    "costmodel.market.demand:fading_growth": {
        "time": rate(-1.0, 15.0),
        "growth_rate": rate(-1.0, 2.0),
        "fade_time": positive(0.5, 100.0),
    },
    "costmodel.market.demand:launch_ramp": {"time": _TIME, "launch": _TIME, "ramp": positive(0.0, 5.0)},
    "costmodel.market.demand:capability_response": {
        "capability_ratio": positive(1e-3, 1e9),
        "elasticity": share(),
    },
    "costmodel.market.demand:budget_ceiling": {
        "demand": positive(0.0, 1e20),
        "price": positive(1e-9, 1.0),
        "budget": positive(0.0, 1e15),
        "sharpness": positive(0.2, 20.0),
    },
    "costmodel.market.clearing:offered_use": _OFFER,
    "costmodel.market.clearing:offered_use_slope": _OFFER,
    "costmodel.market.clearing:money_per_token": {
        "price": positive(1e-9, 1.0),
        "unit_cost": positive(0.0, 1.0),
        "paid_share": share(),
        "realisation": positive(0.0, 2.0),
    },
    "costmodel.market.pricing:closing_share": {"speed": _SPEED, "step": _STEP},
    "costmodel.market.pricing:lagged_target_weight": {"speed": _SPEED, "step": _STEP},
    "costmodel.market.pricing:first_order_lag": {
        "previous": rate(-20.0, 20.0),
        "target_previous": rate(-20.0, 20.0),
        "target": rate(-20.0, 20.0),
        "speed": _SPEED,
        "step": _STEP,
    },
    "costmodel.market.decline:wright": {
        "cost": positive(),
        "cumulative_ratio": positive(1e-3, 1e6),
        "exponent": share(),
    },
    "costmodel.market.decline:moore": {"cost": positive(), "rate": rate(-1.0, 4.0), "time": _TIME},
    "costmodel.market.decline:learning_rate": {"exponent": rate(-1.0, 3.0)},
    "costmodel.market.welfare:consumer_surplus_change": {
        "quantity": positive(0.0, 1e6),
        "price": positive(),
        "new_price": positive(),
        "elasticity": elasticity(),
    },
    "costmodel.market.welfare:rebound_of_saving": {"price_ratio": _RATIO, "elasticity": elasticity()},
    "costmodel.market.agent_population:tokens_of_act": {
        "prompt_tokens": positive(0.0, 1e5),
        "written_tokens": positive(0.0, 1e5),
        "turns": positive(1.0, 200.0),
        "resent_share": share(),
    },
    "costmodel.market.agent_population:network_acts": {
        "agents": positive(0.0, 1e7),
        "activity": positive(0.0, 1e4),
        "contagion": positive(0.0, 0.99),
    },
    "costmodel.market.commitment_terms:yearly_rent_ratio": {
        "one_year": positive(1.0, 2.0),
        "three_year": positive(0.7, 2.5),
    },
    "costmodel.market.commitment_terms:forward_rent": {
        "one_year": positive(0.1, 20.0),
        "yearly_ratio": positive(0.2, 1.5),
        "year": positive(0.0, 6.0),
    },
    "costmodel.market.commitment_terms:break_even_fill": {
        "hourly_cost": positive(0.0, 10.0),
        "rental_price": positive(0.1, 20.0),
        "committed_share": positive(0.0, 0.95),
        "spot_discount": positive(0.0, 0.95),
    },
    "costmodel.market.contest:choice_utility": {
        "price": positive(),
        "capability": positive(1e-3, 1e9),
        "price_sensitivity": positive(0.0, 10.0),
        "capability_sensitivity": positive(0.0, 5.0),
    },
    "costmodel.market.contest:followed_share": {
        "share": share(),
        "target_share": share(),
        "switching_rate": positive(0.0, 20.0),
        "step": _STEP,
    },
}
"""One scalar strategy per argument of every formula, in the range where it has a meaning."""


@st.composite
def _workload(draw: Any) -> dict[str, Any]:
    """Draw a workload whose demand falls or grows within reason."""
    launch = draw(st.sampled_from([None, "2024-06", "2026-04"]))
    adoption = draw(
        st.sampled_from(
            [
                {"kind": "schedule", "index": 1.0},
                {"kind": "logistic", "growth": 1.2, "ceiling": 12.0},
                {"kind": "bass", "innovation": 0.05, "imitation": 0.5, "ceiling": 12.0},
            ]
        )
    )
    return {
        "tokens": draw(positive(1e12, 1e17)),
        "price": draw(positive(1e-8, 1e-4)),
        "markup": draw(rate(-0.5, 4.0)),
        "price_elasticity": draw(elasticity(-2.0, 0.0)),
        "price_memory": draw(st.none() | positive(0.5, 20.0)),
        "capability_elasticity": draw(positive(0.0, 0.3)),
        "adoption": adoption,
        "intensity_growth": draw(rate(-0.5, 1.0)),
        "intensity_fade": draw(st.none() | positive(0.5, 8.0)),
        "launch": launch,
        "ramp": 0.0 if launch is None else draw(positive(0.0, 1.0)),
        "paid_share": draw(share()),
        "budget": draw(st.none() | positive(1e9, 1e12)),
    }


@st.composite
def token_markets(draw: Any) -> TokenMarket:
    """Draw token markets of one or two workloads over three years."""
    learns = draw(positive(0.0, 0.3))
    return TokenMarket(
        name="market",
        time={"start": "2026-01", "end": "2029-01", "step": draw(st.sampled_from(["quarter", "year"]))},
        cost={
            "hardware_decline": draw(scheduled_rate(-0.1, 0.5)),
            "software_decline": draw(scheduled_rate(0.0, 1.5)),
            "experience_exponent": learns,
            "initial_cumulative_tokens": draw(positive(1e13, 1e18)),
        },
        price_speed=draw(st.none() | positive(0.5, 10.0)),
        capability_growth=draw(scheduled_rate(0.0, 2.0)),
        substitution=draw(st.none() | positive(0.0, 4.0)),
        workloads={name: draw(_workload()) for name in draw(st.sampled_from([("chat",), ("chat", "agents")]))},
    )


def agent_populations() -> SearchStrategy[AgentPopulation]:
    """Written populations of agents, with and without a price of tokens."""
    return st.builds(
        AgentPopulation,
        name=st.just("tried"),
        owners=positive(0.0, 1e9),
        agents_per_owner=positive(0.0, 1e4),
        active_share=share(),
        activity=positive(0.0, 1e6),
        contagion=positive(0.0, 0.99),
        prompt_tokens=positive(0.0, 1e6),
        written_tokens=positive(0.0, 1e5),
        turns=positive(1.0, 100.0),
        resent_share=share(),
        price=st.none() | positive(0.0, 1e-4),
    )


def contests() -> SearchStrategy[Contest]:
    """Written contests of two or three operators, with and without shares to start from."""
    operator = {"price": positive(1e-8, 1e-4), "capability": positive(1e-3, 1e6)}
    rivals = st.dictionaries(
        st.sampled_from(["first", "second", "third"]), st.fixed_dictionaries(operator), min_size=2, max_size=3
    )

    def with_shares(operators: dict[str, dict[str, float]], given: bool) -> dict[str, dict[str, float]]:
        share = {"initial_share": 1.0 / len(operators)} if given else {}
        return {name: {**entries, **share} for name, entries in operators.items()}

    return st.builds(
        Contest,
        name=st.just("tried"),
        start=st.just("2026-01"),
        steps=st.integers(1, 8),
        step=st.sampled_from(["half-month", "month", "quarter", "year"]),
        price_sensitivity=positive(0.0, 5.0),
        capability_sensitivity=positive(0.0, 5.0),
        switching_rate=positive(0.0, 20.0),
        operators=st.builds(with_shares, rivals, st.booleans()),
    )


SCENARIOS: dict[str, SearchStrategy[Any]] = {
    "token_market": token_markets(),
    "agent_population": agent_populations(),
    "contest": contests(),
}
"""A strategy of written scenarios for each model."""
