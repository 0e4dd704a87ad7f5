"""Scalar strategies in the ranges where the formulas have a meaning."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def positive(low: float = 1e-3, high: float = 1e3) -> SearchStrategy[float]:
    """Positive numbers between ``low`` and ``high``."""
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


def share() -> SearchStrategy[float]:
    """Shares from 0 to 1."""
    return st.floats(0.0, 1.0)


def rate(low: float = -1.0, high: float = 1.0) -> SearchStrategy[float]:
    """Logarithmic rates per year."""
    return st.floats(low, high)


def elasticity(low: float = -2.5, high: float = -0.05) -> SearchStrategy[float]:
    """Signed price elasticities of demand."""
    return st.floats(low, high)


def scheduled_rate(low: float, high: float) -> SearchStrategy[Any]:
    """Rates of growth within [low, high]: a number, or a schedule that moves from one to another."""
    two = st.tuples(rate(low, high), rate(low, high), st.sampled_from(["step", "linear"]))
    return rate(low, high) | two.map(
        lambda drawn: {"knots": [["2026-07-01", drawn[0]], ["2027-10-01", drawn[1]]], "interpolation": drawn[2]}
    )
