"""Findings of an audit: an amount that could have been saved, where, and its basis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an audit found.

    Parameters
    ----------
    title
        The finding, in a sentence.
    month, provider, name
        Month, provider and item that it concerns.
    paid
        Cost paid for that item [USD].
    saving
        Possible saving: low, middle and high [USD].
    rows, examples
        Number of rows, and the first of them.
    rests_on
        Assumptions and records behind the figure.
    """

    title: str
    month: str
    provider: str
    name: str
    paid: float
    saving: tuple[float, float, float]
    rows: int
    examples: tuple[int, ...]
    rests_on: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The finding, with the possible saving or the additional cost."""
        low, middle, high = self.saving
        if middle < 0.0:
            said = f"Would cost {-middle:,.0f} USD more ({-high:,.0f} to {-low:,.0f}) on top"
        else:
            said = f"Could have saved {middle:,.0f} USD ({low:,.0f} to {high:,.0f})"
        first = ", ".join(map(str, self.examples))
        where = f"{self.rows:,} rows, first {first}"
        return f"{self.month} {self.provider}: {self.title}. {said} of {self.paid:,.0f}; {where}."
