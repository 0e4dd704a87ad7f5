"""Strategies for the formulas and models that join domains."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.serving.deployment import ServingInputs
from costmodel.studies.buyers_year import BuyersYear
from costmodel.studies.idle_capacity import IdleCapacity
from costmodel.studies.service import Service
from costmodel.studies.training_programme import TrainingProgramme
from costmodel.testing.scalars import positive, share
from costmodel.testing.serving import deployments

_WAYS = "costmodel.studies.ways"
_IDLE = "costmodel.studies.idle_capacity"

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_WAYS}:on_demand_hour": {
        "price": positive(0.0, 50.0),
        "utilisation": positive(0.01, 1.0),
        "scaled_share": share(),
    },
    f"{_WAYS}:spot_hour": {
        "price": positive(0.0, 50.0),
        "interruption_rate": positive(0.0, 5.0),
        "lost_time": positive(0.0, 10.0),
    },
    f"{_WAYS}:break_even_use": {
        "owned_fixed": positive(0.0, 50.0),
        "owned_variable": positive(0.0, 1.0),
        "price": positive(2.0, 50.0),
        "scaled_share": positive(0.6, 1.0),
    },
    f"{_WAYS}:level_price": {
        "price": positive(0.0, 50.0),
        "decline": positive(-0.5, 1.0),
        "discount_rate": positive(0.0, 0.3),
        "horizon": positive(0.1, 15.0),
    },
    f"{_WAYS}:committed_price": {
        "price": positive(0.0, 50.0),
        "decline": positive(-0.5, 1.0),
        "discount_rate": positive(0.0, 0.3),
        "term": positive(0.1, 6.0),
        "horizon": positive(0.1, 15.0),
    },
    f"{_WAYS}:resale_share": {"decline": positive(0.0, 2.0), "kept": share(), "age": positive(0.0, 15.0)},
    f"{_IDLE}:gain_of_idle_hour": {
        "fill": share(),
        "price": positive(0.1, 20.0),
        "kept_share": share(),
        "running_cost": positive(0.01, 2.0),
    },
    f"{_IDLE}:fill_that_carries": {
        "price": positive(3.0, 20.0),
        "kept_share": positive(0.7, 1.0),
        "running_cost": positive(0.01, 2.0),
        "fixed_cost": positive(0.1, 5.0),
    },
}


_SALE = {"input": 1e-6, "cached": 1e-7, "output": 4e-6}


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Services that fit: owned or rented, with and without a sale, offers and carbon."""
    owned, use = draw(st.booleans()), draw(st.one_of(st.none(), positive(0.05, 1.0)))
    horizon = draw(st.one_of(st.none(), positive(0.5, 9.0)))
    term = {} if horizon is None else {"term": draw(positive(0.5, 4.0))}
    written = draw(deployments()).written()
    serving = {name: written[name] for name in ServingInputs.model_fields if name in written}
    if use is not None:
        del serving["load"]
    return Service(
        name="drawn",
        accelerator=draw(st.sampled_from(["H100-SXM", "H200-SXM", "B200", "MI300X"])),
        paid_by="owning" if owned else "renting",
        rent=None if owned else draw(positive(0.1, 10.0)),
        utilisation=use,
        horizon=horizon,
        resale=None if horizon is None else {"decline": draw(positive(0.0, 1.0)), "kept": draw(share())},
        hour={"it_life": draw(positive(2.0, 8.0)), "wacc": draw(positive(0.0, 0.2))},
        serving=serving,
        sale=draw(
            st.sampled_from([None, {"input": 1e-6, "output": 4e-6}, {**_SALE, "batch_share": 0.25, "batch_price": 0.5}])
        ),
        offers={
            "spot": {"kind": "spot", "price": draw(positive(0.1, 5.0)), "interruption_rate": 0.05, "lost_time": 0.5},
            "reserved": {"kind": "committed", "price": draw(positive(0.1, 5.0)), **term},
            "leased": {"kind": "lease", "price": draw(positive(0.1, 3.0)), **term},
            "on demand": {"kind": "on demand", "price": 3.0, "scaled_share": draw(share())},
        },
        tokens_for_sale={
            "host": {"input": 1e-6, "output": draw(positive(1e-7, 1e-5))},
            "tiers": {
                "input": 1e-6,
                "output": 5e-6,
                "long_prompt": draw(positive(100.0, 1e5)),
                "long_input": 2e-6,
                "long_output": 8e-6,
                "batch_share": draw(positive(0.01, 1.0)),
                "batch_price": 0.5,
            },
        },
        carbon=draw(
            st.sampled_from([None, {"intensity": 0.4, "water": 0.003, "embodied": 150e3, "embodied_life": 4.0}])
        ),
    )


_FAILURES = {"failure_rate": 1e-4, "checkpoint_time": 0.02, "restart_time": 0.25}
_DEVELOPMENT = {
    "experiments_multiplier": 2.0,
    "failed_share": 0.1,
    "post_training_hours": 1e4,
    "reinforcement_hours": 1e4,
    "headcount": 50.0,
    "duration": 1.0,
    "salary": 2e5,
    "overhead_rate": 0.3,
    "equity": 1e5,
    "data_acquisition": 1e6,
    "data_size": 1e15,
}


@st.composite
def training_programmes(draw: st.DrawFn) -> TrainingProgramme:
    """Return runs on owned or rented accelerators, with and without failures and development."""
    owned = draw(st.booleans())
    return TrainingProgramme(
        name="drawn",
        accelerator=draw(st.sampled_from(["H100-SXM", "H200-SXM", "MI300X"])),
        paid_by="owning" if owned else "renting",
        rent=None if owned else draw(positive(0.1, 10.0)),
        hour={"it_life": draw(positive(2.0, 8.0)), "wacc": draw(positive(0.0, 0.2))},
        work={
            "tokens": draw(positive(1e9, 1e14)),
            "parameters": draw(positive(1e8, 1e12)),
            "accelerators": draw(st.sampled_from([8.0, 512.0, 16384.0])),
            "mfu": draw(positive(0.05, 0.7)),
            "reliability": draw(st.sampled_from([None, _FAILURES, {**_FAILURES, "spare_confidence": 0.99}])),
            "development": draw(st.sampled_from([None, _DEVELOPMENT])),
        },
    )


@st.composite
def buyers_years(draw: st.DrawFn) -> BuyersYear:
    """Return bills of tokens, with and without rented hours, that fall or rise."""
    tasks = {
        name: {
            "spend": draw(positive(1.0, 1e9)),
            "price_ratio": draw(positive(0.01, 2.0)),
            "intensity_ratio": draw(positive(0.1, 10.0)),
            "moved_share": draw(share()),
            "small_price": draw(positive(0.01, 1.0)),
            "small_tokens": draw(positive(0.5, 5.0)),
        }
        for name in draw(st.sampled_from([("chat",), ("chat", "agents")]))
    }
    hours = {"hours": 8766.0, "hour_paid": draw(positive(0.1, 10.0)), "hour_market": draw(positive(0.1, 10.0))}
    return BuyersYear(name="drawn", tasks=tasks, **draw(st.sampled_from([{}, {**hours, "hour_ratio": 0.6}])))


@st.composite
def idle_capacities(draw: st.DrawFn) -> IdleCapacity:
    """Return idle capacity that is sold at a gain or at a loss, filled or empty."""
    return IdleCapacity(
        name="drawn",
        fixed_cost=draw(positive(0.1, 5.0)),
        running_cost=draw(positive(0.01, 1.0)),
        rent=draw(positive(0.1, 10.0)),
        fee=draw(positive(0.001, 0.9)),
        raw_fill=draw(share()),
        token_revenue=draw(positive(0.1, 20.0)),
        royalty=draw(positive(0.001, 0.9)),
        platform_share=draw(positive(0.001, 0.9)),
        hosted_fill=draw(share()),
    )


SCENARIOS: dict[str, SearchStrategy[Any]] = {
    "service": services(),
    "training_programme": training_programmes(),
    "idle_capacity": idle_capacities(),
    "buyers_year": buyers_years(),
}
