"""Strategies for the formulas of :mod:`costmodel.analysis`."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.validation.replicas.sensitivity_functions:ishigami": {
        "x1": st.floats(-3.2, 3.2),
        "x2": st.floats(-3.2, 3.2),
        "x3": st.floats(-3.2, 3.2),
        "a": positive(0.1, 20.0),
        "b": positive(0.01, 1.0),
    },
    "costmodel.analysis.scores:interval_score": {
        "low": st.floats(-10.0, 0.0),
        "high": st.floats(0.0, 10.0),
        "observed": st.floats(-30.0, 30.0),
        "level": st.floats(0.05, 0.95),
    },
}
