"""Strategies for the formulas and models that join domains."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.studies.service import Service
from costmodel.testing.scalars import positive, share

_WAYS = "costmodel.studies.ways"

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
}


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Services that fit: owned or rented, with and without a sale, offers and carbon."""
    owned = draw(st.booleans())
    return Service(
        name="drawn",
        accelerator=draw(st.sampled_from(["H100-SXM", "H200-SXM", "MI300X"])),
        paid_by="owning" if owned else "renting",
        rent=None if owned else draw(positive(0.1, 10.0)),
        utilisation=draw(st.one_of(st.none(), positive(0.05, 1.0))),
        hour={"it_life": draw(positive(2.0, 8.0)), "wacc": draw(positive(0.0, 0.2))},
        serving={
            "architecture": draw(st.sampled_from(["Llama-3-8B", "Llama-3-70B"])),
            "layout": {"tensor": draw(st.sampled_from([2, 4, 8]))},
            "workload": {
                "mean_input": draw(positive(10.0, 8000.0)),
                "mean_output": draw(positive(2.0, 2000.0)),
                "cached_share": draw(positive(0.0, 0.9)),
            },
        },
        sale=draw(
            st.sampled_from([None, {"input": 1e-6, "output": 4e-6}, {"input": 1e-6, "cached": 1e-7, "output": 4e-6}])
        ),
        offers={
            "spot": {"kind": "spot", "price": draw(positive(0.1, 5.0)), "interruption_rate": 0.05, "lost_time": 0.5},
            "reserved": {"kind": "committed", "price": draw(positive(0.1, 5.0))},
            "on demand": {"kind": "on demand", "price": 3.0, "scaled_share": draw(share())},
        },
        tokens_for_sale={"host": {"input": 1e-6, "output": draw(positive(1e-7, 1e-5))}},
        carbon=draw(
            st.sampled_from([None, {"intensity": 0.4, "water": 0.003, "embodied": 150e3, "embodied_life": 4.0}])
        ),
    )


SCENARIOS: dict[str, SearchStrategy[Any]] = {"service": services()}
