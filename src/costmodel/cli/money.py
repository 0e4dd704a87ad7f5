"""Options that convert a command's amounts to prices of another year or to another currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.schedules import parse_date


@dataclass(frozen=True, slots=True)
class Money:
    """Requested price year and currency; without either, amounts stay as they are.

    Parameters
    ----------
    year, inflation
        Year whose money is wanted, and the rise of prices a year after the index ends [1/year].
    currency, rate, day
        Code of ISO 4217, and USD for one or the day of the reference rate.
    """

    year: int | None
    inflation: float | None
    currency: str | None
    rate: float | None
    day: str | None

    def __post_init__(self) -> None:
        if self.inflation is not None and self.year is None:
            raise DomainError("--inflation works only with --money-of")
        if self.currency is None and (self.rate is not None or self.day is not None):
            raise DomainError("--rate and --on work only with --currency")

    @property
    def asked(self) -> bool:
        """Whether amounts are to be converted."""
        return self.year is not None or self.currency is not None

    def of(self, result: Any) -> Any:
        """Return a result with its amounts converted."""
        if self.year is not None:
            result = result.to_real(self.year, inflation=self.inflation)
        if self.currency is not None:
            day = None if self.day is None else parse_date(self.day)
            try:
                result = result.in_currency(self.currency, rate=self.rate, on=day)
            except ScenarioError as error:
                if self.rate is None and day is None:
                    raise ScenarioError(f"{error}: give --rate 1.08 or --on 2026-05-15") from None
                raise
        return result
