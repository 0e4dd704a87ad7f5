"""A published case: a printed number compared with the model's value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Evidence(StrEnum):
    """Kind of evidence from agreement with the published number."""

    IDENTITY = "identity"
    """Arithmetic that must hold for any model: a unit, a definition, a sum."""
    REIMPLEMENTATION = "re-implementation"
    """The source's own method, rebuilt: shows that the source was read correctly."""
    PREDICTION = "prediction"
    """The source's outcome, not used in setting the model: shows that the model can predict."""


@dataclass(frozen=True, slots=True)
class Case:
    """One published case.

    Parameters
    ----------
    name
        Short unique name, ``domain/what``.
    source
        Where the number is printed: document, table or equation; an erratum is written here.
    evidence
        Kind of evidence.
    published
        The printed value.
    unit
        Unit of the printed value.
    tolerance
        Largest relative error that passes (absolute where ``published`` is 0).
    model
        Function without arguments that returns the model's value.
    miss
        Reason of a recorded miss, which is reported as a miss and does not fail; None: no miss.
    """

    name: str
    source: str
    evidence: Evidence
    published: float
    unit: str
    tolerance: float
    model: Callable[[], float]
    miss: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case with the model's value and its relative error."""

    case: Case
    value: float
    error: float

    @property
    def within(self) -> bool:
        """Whether the error is within the case's tolerance."""
        return abs(self.error) <= self.case.tolerance

    @property
    def verdict(self) -> str:
        """``ok``, ``miss`` (recorded) or ``FAIL``."""
        if self.within:
            return "ok"
        return "miss" if self.case.miss else "FAIL"


def evaluate(case: Case) -> Outcome:
    """Run a case and return its outcome.

    Examples
    --------
    >>> half = Case("demo/half", "arithmetic", Evidence.IDENTITY, 0.5, "1", 1e-12, lambda: 1 / 2)
    >>> evaluate(half).verdict
    'ok'
    """
    value = float(case.model())
    error = value / case.published - 1.0 if case.published else value
    return Outcome(case, value, error)
