"""Records with names for what they hold: accelerators, training runs, companies, token prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from costmodel.catalog.periods import as_period, span, to_day
from costmodel.catalog.records import Datum, Record
from costmodel.foundation.errors import CatalogError, near_matches

PRECISIONS = ("fp32", "tf32", "bf16", "fp8", "fp4", "int8")
"""Precisions for which dense peaks are recorded."""
_QUARTER_DAYS = (80, 100)
_YEAR_DAYS = (350, 380)


@dataclass(frozen=True, slots=True)
class Accelerator(Record):
    """An accelerator, per package: figures in FLOP/s, byte, byte/s and W.

    A property raises `CatalogError` where the figure is not recorded; `get` returns ``None`` instead.
    """

    @property
    def vendor(self) -> str:
        """Maker."""
        return self.text("vendor")

    def peak(self, precision: str = "bf16") -> float:
        """Return the dense peak [FLOP/s] at a precision.

        Parameters
        ----------
        precision
            One of ``PRECISIONS``.

        Raises
        ------
        CatalogError
            If the precision is unknown or its peak is not recorded.
        """
        if precision not in PRECISIONS:
            raise CatalogError(
                f"unknown precision {precision!r}: allowed are {', '.join(PRECISIONS)}"
                f"{near_matches(precision, PRECISIONS)}"
            )
        return self.value(precision)

    @property
    def memory(self) -> float:
        """Memory that holds the weights [byte]."""
        return self.value("memory")

    @property
    def memory_seen(self) -> float:
        """What a program sees of it [byte]: as measured, else as the card reports, else as it is sold."""
        for name in ("memory_seen", "memory_reported"):
            seen = self.get(name)
            if seen is not None:
                return seen
        return self.memory

    @property
    def bandwidth(self) -> float:
        """Bandwidth of that memory [byte/s]."""
        return self.value("bandwidth")

    @property
    def link(self) -> float:
        """Scale-up link bandwidth, one direction [byte/s]."""
        return self.value("link")

    @property
    def domain(self) -> int:
        """Accelerators in one scale-up domain."""
        return round(self.value("domain"))

    @property
    def power(self) -> float:
        """Rated power [W]."""
        return self.value("power")


@dataclass(frozen=True, slots=True)
class TrainingRun(Record):
    """A training run; a property raises `CatalogError` where the figure is not recorded."""

    @property
    def active_parameters(self) -> float:
        """Parameters active per token."""
        return self.value("active_parameters")

    @property
    def tokens(self) -> float:
        """Training tokens."""
        return self.value("tokens")

    @property
    def chip_hours(self) -> float:
        """Accelerator-hours."""
        return self.value("chip_hours")

    @property
    def accelerator(self) -> str:
        """Accelerator, by its name in the catalog where it is one."""
        return self.text("accelerator")


@dataclass(frozen=True, slots=True)
class Company(Record):
    """A company: annual, half-yearly and quarterly figures in USD, capex plans, lives."""

    def annual(self, field: str) -> dict[int, Datum]:
        """Return the preferred figure of each fiscal year, by the year in which it ends."""
        return {span(d.period or "")[1].year: d for d in self.series(field) if _lasts(d, _YEAR_DAYS)}

    def quarterly(self, field: str) -> dict[str, Datum]:
        """Return the preferred figure of each quarter, by calendar quarter such as ``2025Q1``."""
        return {d.period or "": d for d in self.series(field) if _lasts(d, _QUARTER_DAYS)}

    def capex_plan(self, period: str | int, as_of: str | date | None = None) -> Datum:
        """Return the latest capex plan for a period, as guided by a date.

        Parameters
        ----------
        period
            Calendar year, or interval of a fiscal year, that the plan is for.
        as_of
            Last day on which the guidance may have been given; without it, the latest guidance.

        Raises
        ------
        CatalogError
            If no plan is recorded.
        """
        plans = [datum for datum in self.data if datum.field == "capex_plan" and datum.period == as_period(period)]
        if as_of is not None:
            plans = [datum for datum in plans if datum.known_by(to_day(as_of))]
        if not plans:
            by = "" if as_of is None else f" by {as_of}"
            raise CatalogError(f"no capex plan of {self.name!r} for {period} is recorded{by}")
        return max(plans, key=lambda datum: (to_day(datum.known or "0001-01-01"), datum.line))


@dataclass(frozen=True, slots=True)
class TokenPrice(Record):
    """Dated prices of a model's tokens, in USD per token."""

    def at(self, when: str | date, field: str = "output") -> Datum:
        """Return the price in effect on a day: the latest that took effect by then.

        Parameters
        ----------
        when
            Day; a month or a year stands for its last day.
        field
            ``"input"`` or ``"output"``.

        Raises
        ------
        CatalogError
            If no price had taken effect.
        """
        day = to_day(when)
        past = [datum for datum in self.all(field) if datum.period and span(datum.period)[0] <= day]
        if not past:
            raise CatalogError(f"no {field} price of {self.name!r} is recorded as in effect on {day}")
        return past[0]


def _lasts(datum: Datum, days: tuple[int, int]) -> bool:
    first, last = span(datum.period or "")
    return days[0] <= (last - first).days + 1 <= days[1]
