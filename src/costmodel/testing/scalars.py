"""Scalar strategies in the ranges where the formulas have a meaning."""

from __future__ import annotations

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
