"""Outcomes after a past date, besides the scenario's own observations: capex of companies and power of chips shipped.

A company's capex follows from the industry's run by one rule, the same for all dates and companies: the AI part grows
as the industry's, the rest stays constant, and companies diverge from one another as in the past.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from costmodel import catalog
from costmodel.catalog.periods import span
from costmodel.flywheel.history import read_off
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.scenario import Observation
from costmodel.foundation.schedules import year_fraction

COMPANIES = ("Alphabet", "Amazon", "Meta", "Microsoft", "Oracle")
"""The five companies with capex by quarter in the catalog."""
PERIODS = ("2024", "2025", "2026Q1", "2026Q2")
"""Periods to predict, if the catalog has the company's figure."""
AI_SHARE = (0.3, 0.8)
"""Range of the share of a company's capex that is for AI at the date, uniform [1]: assumed, the same for all."""
FIRST_YEAR = 2015
"""First year of the companies' capex in the catalog."""
CHIP_OWNERS = ("NVIDIA total", "owner Google TPU", "AMD total", "Trainium total")
"""Records of the power of chips shipped by the end of 2025."""
COUNTED = "2025-12-31"
"""Day of these counts."""
PUE = 1.15
"""Power of a facility over that of its servers [1]: the catalog's default, assumed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Outcome after a date: the reported figure, its derivation from a run, and its spread around that.

    ``reference`` is the period that was known at the date, ``known`` the company's figure a year in it [USD/year];
    both are empty for power.
    """

    observation: Observation
    error: float
    """Logarithmic standard error of the reported figure around the derived one [1]."""
    period: str = ""
    reference: str = ""
    known: float = 0.0

    def read(self, run: Trajectory, shares: FloatArray) -> FloatArray:
        """Return the figure that a run predicts, ``(draw,)``, in the observation's unit.

        Parameters
        ----------
        run
            A run of the industry.
        shares
            Share of the company's capex that is for AI, ``(draw,)``, 0 to 1 [1].
        """
        if not self.period:
            a_unit = run.facility_power / run.accelerators_in_service * run.accelerators_shipped
            step = int(np.searchsorted(run.scenario.grid.bounds, year_fraction(span(COUNTED)[1]))) - 1
            return np.asarray(a_unit[step])
        growth = rate(run, self.period) / rate(run, self.reference)
        years = _length(self.period)
        return np.asarray(self.known * years * (1.0 - shares + shares * growth))


def rate(run: Trajectory, period: str) -> FloatArray:
    """Return the industry's capex a year in a period, the mean over its steps inside the run [USD/year]."""
    first, last = (year_fraction(day) for day in span(period))
    inside = (run.scenario.grid.mid > first) & (run.scenario.grid.mid < last)
    return np.asarray(np.asarray(run.capex)[inside].mean(axis=0) / run.scenario.grid.length)


def companies_after(last_known: str) -> Iterator[Followed]:
    """Yield capex of companies after a date.

    Parameters
    ----------
    last_known
        The last four quarters, or the year, with known accounts, such as ``2024`` or ``2025-04-01/2026-03-31``.
    """
    began = span(last_known)[1]
    apart = spread(began.year if began.month == 12 else began.year - 1)
    for name in COMPANIES:
        known = spent(name, last_known)
        if known is None:
            continue
        for period in PERIODS:
            amount = spent(name, period)
            if amount is None or span(period)[0] <= began:
                continue
            ahead = _middle(period) - _middle(last_known)
            row = Observation(
                output=f"capex of {name} in {period}",
                date=span(period)[1].isoformat(),
                value=amount,
                unit="USD",
                source="sec-xbrl",
                grade="reported",
            )
            yield Followed(row, apart * math.sqrt(ahead), period, last_known, known / _length(last_known))


def spent(name: str, period: str) -> float | None:
    """Return a company's capex in a period, as a whole or summed over quarters; None if it is not in the catalog.

    Examples
    --------
    >>> spent("Meta", "2024") == 37.256e9, spent("Meta", "2026Q2")
    (True, None)
    """
    held = {item.period: item.number for item in catalog.company(name).series("capex")}
    if period in held:
        return held[period]
    first, last = span(period)
    days = {text: span(text) for text in held if text and "Q" in text}
    quarters = [held[text] for text, (begins, ends) in days.items() if first <= begins and ends <= last]
    return sum(quarters) if len(quarters) == round(4 * _length(period)) else None


def spread(until: int) -> float:
    """Return the spread of companies' yearly growth of capex around that of the five together, in logs [1].

    Parameters
    ----------
    until
        Last year that counts; fiscal years count by the year in which they end.
    """
    annual = {name: catalog.company(name).annual("capex") for name in COMPANIES}
    table = np.array(
        [[annual[name][year].number for year in range(FIRST_YEAR, until + 1)] for name in COMPANIES], dtype=np.float64
    )
    apart = np.diff(np.log(table), axis=1) - np.diff(np.log(table.sum(axis=0)))
    return float(np.sqrt(np.mean(apart**2)))


def power_of_chips() -> Followed:
    """Return the facility power of the chips shipped by the end of 2025, including servers and sites."""
    chips = sum(catalog.record("installed_base", name).value("power", COUNTED) for name in CHIP_OWNERS)
    factor = catalog.record("cost_method", "H100").value("server_power_factor") * PUE
    row = Observation(
        output="facility power of accelerators shipped",
        date=COUNTED,
        value=chips * factor,
        unit="W",
        source="epoch-chip-counts",
        grade="estimated",
    )
    return Followed(row, 0.2)


def reader(followed: Mapping[str, Followed], seed: int) -> Callable[[Trajectory, Observation], FloatArray]:
    """Return a function that derives both the scenario's observations and these from a run.

    Parameters
    ----------
    followed
        Figures by the output of their observation.
    seed
        Seed of the shares of companies' capex that are for AI.
    """

    def read(run: Trajectory, row: Observation) -> FloatArray:
        item = followed.get(row.output)
        if item is None:
            return read_off(run, row)
        shares = np.asarray(np.random.default_rng(seed).uniform(*AI_SHARE, np.shape(run.capex)[-1]))
        return item.read(run, shares)

    return read


def _length(period: str) -> float:
    """Return the quarters of a period in years."""
    first, last = span(period)
    return round(4 * (year_fraction(last) - year_fraction(first))) / 4.0


def _middle(period: str) -> float:
    """Return the middle of a period as a year."""
    first, last = (year_fraction(day) for day in span(period))
    return 0.5 * (first + last)
