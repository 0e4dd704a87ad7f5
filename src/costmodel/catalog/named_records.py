"""Records with named properties: accelerators, training runs, companies, token prices."""

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
        """Memory available to a program [byte]: as measured, else as reported by the card, else as sold."""
        for name in ("memory_seen", "memory_reported"):
            seen = self.get(name)
            if seen is not None:
                return seen
        return self.memory

    @property
    def bandwidth(self) -> float:
        """Bandwidth of the memory that holds the weights [byte/s]."""
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
    """A company: annual, half-yearly and quarterly figures in USD, capex plans, useful lives."""

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
    """Dated prices of a model: per token of each kind [USD/token], and per other billed unit, as an image [USD]."""

    def at(self, when: str | date, field: str = "output", prompt: float = 0.0) -> Datum:
        """Return the price in effect on a day: the latest that took effect by then.

        A price without a period takes effect when it became known; if that is blank too, it is the first price and
        holds until the first dated one.

        Parameters
        ----------
        when
            Day; a month or a year stands for its last day.
        field
            Kind of price, such as ``"input"``, ``"output"`` or ``"cache_read"``.
        prompt
            Length of the prompt, for models that charge more for longer prompts [token].

        Raises
        ------
        CatalogError
            If the model has no price of this kind, or none in effect on that day.
        """
        day, listed = to_day(when), self.all(field)
        past = [datum for datum in listed if _effective(datum) <= day and not _ended(datum, day)]
        if not past:
            raise CatalogError(f"{field} of {self.name!r} has no price in effect on {day}: {self._why(listed)}")
        base = max(past, key=_effective)  # the preferred price among those of one day
        longer = [
            (int(datum.field.removeprefix(f"{field} above ")), datum)
            for datum in self.data
            if datum.field.startswith(f"{field} above ") and datum.period == base.period and datum.line == base.line
        ]
        return max((pair for pair in longer if pair[0] < prompt), default=(0, base), key=lambda pair: pair[0])[1]

    def _why(self, listed: tuple[Datum, ...]) -> str:
        """Explain why there is no price: the first one is later, or only other kinds are priced."""
        if listed and _effective(listed[-1]) > date.min:
            return f"the first is from {min(map(_effective, listed))}"
        priced = sorted({datum.field.partition(" above ")[0] for datum in self.data if datum.value is not None})
        return f"kinds with a price are {', '.join(priced)}"


def _effective(datum: Datum) -> date:
    """Return the first day on which a price is in effect."""
    written = datum.period or datum.known
    return span(written)[0] if written else date.min


def _ended(datum: Datum, day: date) -> bool:
    """Return whether a price has an end date that has passed."""
    return "/" in (datum.period or "") and span(datum.period or "")[1] < day


def _lasts(datum: Datum, days: tuple[int, int]) -> bool:
    first, last = span(datum.period or "")
    return days[0] <= (last - first).days + 1 <= days[1]
