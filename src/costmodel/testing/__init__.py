"""Hypothesis strategies for every registered formula and model (extra `testing`)."""
