"""Opening balance of a company from the filed figures in the catalog, each with its evidence.

A figure that is not recorded stays absent and is listed as missing. A balance between two reported days is
interpolated; one that was reported some weeks off the day is used unchanged. The figure's note names either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from costmodel import catalog
from costmodel.catalog import Datum
from costmodel.catalog.periods import span, to_day
from costmodel.catalog.written import source_table, written
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.provenance import Grade, Provenance
from costmodel.ownership.checks import at_least, require, share_array
from costmodel.ownership.finance import log_rate
from costmodel.ownership.rent import annuity

BALANCES = {
    "cash": "cash",
    "debt": "debt",
    "lease_debt": "finance_lease_debt",
    "lease_term": "finance_lease_term",
    "leases_signed": "leases_not_commenced",
    "commitments": "commitments",
    "net_ppe": "net_ppe",
    "construction": "not_in_service",
}
"""Figures of a balance sheet, and their fields in the catalog."""
SAME_DAY = 5
"""Largest distance at which a balance counts as that of the day [day]: some fiscal years end on a fixed weekday."""
NEAR = 100
"""Largest distance at which a balance is used where interpolation is impossible [day]: a quarter."""
BETWEEN = 400
"""Largest distance between two balances for interpolation [day]: a fiscal year."""


@dataclass(frozen=True, slots=True)
class FiledBalance:
    """A company's balance on a day, as written parameters: ``{value, source, grade, note}`` by name.

    Parameters
    ----------
    company, day
        Name in the catalog, and day of the balance.
    figures
        Recorded figures of `BALANCES`, as written parameters.
    sources
        Entries that a scenario's ``[sources]`` needs for the figures.
    """

    company: str
    day: date
    figures: Mapping[str, dict[str, Any]]
    sources: Mapping[str, dict[str, str]] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the figures that are not recorded."""
        return tuple(name for name in BALANCES if name not in self.figures)

    def value(self, name: str) -> float:
        """Return the value of a figure.

        Raises
        ------
        CatalogError
            If it is not recorded, or is not one of `BALANCES`.
        """
        if name not in self.figures:
            known = ", ".join(self.figures)
            raise CatalogError(f"{name} of {self.company} on {self.day} is not recorded; recorded: {known}")
        return float(self.figures[name]["value"])

    def __str__(self) -> str:
        rows = [
            f"{name:>14}  {_shown(name, entry['value']):>16}  {entry['grade']:<10} {entry['note']}"
            for name, entry in self.figures.items()
        ]
        absent = [f"not recorded: {', '.join(self.missing)}"] if self.missing else []
        return "\n".join([f"{self.company}, {self.day}", *rows, *absent])


def _shown(name: str, value: float) -> str:
    return f"{value:.0f} years" if name == "lease_term" else f"{value / 1e9:,.1f} billion USD"


def filed_balance(company: str, day: str | date) -> FiledBalance:
    """Return a company's balance on a day from the catalog, with its evidence.

    Parameters
    ----------
    company
        Name in the catalog, such as ``"Meta"``.
    day
        Day of the balance, such as ``"2025-12-31"``.

    Raises
    ------
    CatalogError
        If there is no such company.

    Examples
    --------
    >>> balance = filed_balance("Meta", "2025-12-31")
    >>> balance.value("leases_signed") / 1e9, balance.figures["leases_signed"]["grade"], balance.missing
    (103.77, 'reported', ('lease_debt', 'lease_term', 'construction'))
    """
    record, when = catalog.company(company), to_day(day)
    figures: dict[str, dict[str, Any]] = {}
    used: list[Datum] = []
    for name, recorded in BALANCES.items():
        found = _on_day(record.all(recorded), when)
        if found is not None:
            figures[name], data = found
            used += data
    return FiledBalance(company, when, figures, source_table(used))


def _on_day(data: tuple[Datum, ...], day: date) -> tuple[dict[str, Any], list[Datum]] | None:
    """Return a balance on a day as a written parameter, and the figures behind it."""
    ends: dict[int, Datum] = {}
    for datum in sorted(data, key=Datum.preference):
        if datum.period is not None:
            ends.setdefault((span(datum.period)[1] - day).days, datum)
    if not ends:
        return None
    nearest = min(ends, key=abs)
    if abs(nearest) <= SAME_DAY:
        return written(ends[nearest]), [ends[nearest]]
    before, after = (max((d for d in ends if d < 0), default=None), min((d for d in ends if d > 0), default=None))
    if before is not None and after is not None and after - before <= BETWEEN:
        pair = [ends[before], ends[after]]
        share = -before / (after - before)
        value = pair[0].number + share * (pair[1].number - pair[0].number)
        return written(pair, value, note=f"read between {pair[0].period} and {pair[1].period}"), pair
    if abs(nearest) <= NEAR:
        off = f"balance of {ends[nearest].period}, {abs(nearest)} days {'later' if nearest > 0 else 'earlier'}"
        return written(ends[nearest], note=off), [ends[nearest]]
    return None


@formula()
def short_lived_share(
    depreciation_rate: Numeric, short_life: Numeric, short_shape: Numeric, long_life: Numeric, long_shape: Numeric
) -> Numeric:
    """Return the short-lived share of a book value, from the depreciation rate of the total.

    Parameters
    ----------
    depreciation_rate
        Yearly depreciation over book value in service, at the time of the balance, > 0 [1/year].
    short_life, long_life
        Time until the youngest assets of each kind are fully depreciated, > 0 [year]; the first is shorter.
    short_shape, long_shape
        Exponent of each run-off, 1 to 2 [1]: book value falls as ``(1 − t/life)^shape``.

    Returns
    -------
    Numeric
        Share, 0 to 1 [1].

    Notes
    -----
    A run-off depreciates at ``shape/life`` a year at first, so with a short-lived share x the total depreciates at
    ``x·s₁/L₁ + (1 − x)·s₂/L₂``.

    Examples
    --------
    Meta's 16 billion on 70 billion in service, servers over 5.5 years and buildings over 27.5:

    >>> round(float(short_lived_share(16.0 / 70.0, 5.5, 1.45, 27.5, 1.2)), 3)
    0.841
    """
    short, long = short_shape / short_life, long_shape / long_life
    return np.minimum(np.maximum((depreciation_rate - long) / (short - long), 0.0), 1.0)


def opening_of(
    balance: FiledBalance,
    *,
    depreciation: float,
    equipment_life: float,
    site_life: float,
    equipment_shape: float = 1.5,
    site_shape: float = 1.25,
    network_share: float = 0.19,
    building_equipment_share: float = 0.35,
    lease_rate: float = 0.045,
    lease_term: float = 15.0,
) -> dict[str, Any]:
    """Turn a filed balance into the opening table of an operator, ``[operators.NAME.opening]`` of the flywheel.

    Parameters
    ----------
    balance
        From `filed_balance`; without ``net_ppe`` or ``construction`` the asset classes are left out.
    depreciation
        Yearly depreciation at the start, ≥ 0 [USD/year]: it determines the short-lived share of the book.
    equipment_life, site_life
        Useful lives of servers with network and of sites, > 0 [year].
    equipment_shape, site_shape
        Exponents of the run-offs of their opening books, 1 to 2 [1].
    network_share
        Network's share of equipment, 0 to 1 [1]; 19 % of cluster hardware: Cottier et al. (2024), arXiv 2405.21015.
    building_equipment_share
        Share of construction in progress that is equipment, not sites, 0 to 1 [1].
    lease_rate, lease_term
        Year-end interest, ≥ 0 [1/year], and term, > 0 [year], of leases that have not commenced. Filings give the
        future payments; an operator's books hold their present value at commencement.

    Returns
    -------
    dict
        Written parameters by path below the table; figures that are not recorded are left out.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> opening = opening_of(filed_balance("Alphabet", "2025-12-31"), depreciation=24e9, equipment_life=6.0,
    ...     site_life=25.0)
    >>> parts = [opening[name]["book"]["value"] for name in ("accelerators", "network", "sites")]
    >>> round(sum(parts) / 1e9, 3), opening["accelerators"]["book"]["grade"]
    (168.005, 'assumed')
    """
    spent = float(at_least("depreciation", depreciation, 0.0, unit="USD/year"))
    for name, life in (("equipment_life", equipment_life), ("site_life", site_life)):
        at_least(name, life, 0.0, unit="year", strict=True)
    require("equipment_life", equipment_life, equipment_life < site_life, "shorter than the life of sites [year]")
    share_array("network_share", network_share)
    share_array("building_equipment_share", building_equipment_share)
    kept = ("cash", "debt", "lease_debt", "commitments")
    opening: dict[str, Any] = {name: balance.figures[name] for name in kept if name in balance.figures}
    if "leases_signed" in balance.figures:
        opening["leases_signed"] = _leases(balance, lease_rate, lease_term)
    if "net_ppe" not in balance.figures or "construction" not in balance.figures:
        return opening
    building = balance.value("construction")
    book = balance.value("net_ppe") - building
    short = float(short_lived_share(spent / book, equipment_life, equipment_shape, site_life, site_shape))
    parts = {
        "accelerators": (short * (1.0 - network_share), building_equipment_share * (1.0 - network_share)),
        "network": (short * network_share, building_equipment_share * network_share),
        "sites": (1.0 - short, 1.0 - building_equipment_share),
    }
    lives = {"sites": (site_life, site_shape)}
    note = f"of {book / 1e9:.1f} billion in service, split by a depreciation of {spent / 1e9:.1f} billion a year"
    for name, (booked, built) in parts.items():
        life, shape = lives.get(name, (equipment_life, equipment_shape))
        opening[name] = {
            "book": _part(balance, "net_ppe", booked * book, note),
            "life": Provenance(note="the youngest of it has the whole life ahead").beside(life),
            "run_off": Provenance(note="assets of all ages, the young the most").beside(shape),
            "construction": _part(balance, "construction", built * building, "split by share of cost and lag"),
        }
    return opening


def _leases(balance: FiledBalance, rate: float, term: float) -> dict[str, Any]:
    """Return the value at commencement of signed leases, with payments spread evenly over their term."""
    interest = float(at_least("lease_rate", rate, 0.0, unit="1/year"))
    years = float(at_least("lease_term", term, 0.0, unit="year", strict=True))
    filed = balance.figures["leases_signed"]
    worth = float(annuity(log_rate(interest), years)) / years * float(filed["value"])
    note = f"worth of {float(filed['value']) / 1e9:.1f} billion paid over {years:g} years at {interest:.1%}"
    return Provenance(filed.get("source"), Grade.ASSUMED, f"{filed['note']}; {note}").beside(worth)


def _part(balance: FiledBalance, name: str, value: float, note: str) -> dict[str, Any]:
    """Return a part of a filed figure: the total has a source, the split is assumed."""
    return Provenance(balance.figures[name].get("source"), Grade.ASSUMED, note).beside(value)
