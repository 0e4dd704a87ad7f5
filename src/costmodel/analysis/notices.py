"""Warnings of the analysis floor: an answer is given, and is weaker than it looks."""

from __future__ import annotations


class AnalysisWarning(UserWarning):
    """Base of every warning of this floor."""


class InteractionWarning(AnalysisWarning):
    """One-at-a-time swings miss much of the variance."""


class IdentificationWarning(AnalysisWarning):
    """The data do not tell some fitted parameters apart."""
