"""Cost of owning and of renting an accelerator-hour in a month: reference prices of an audit, from the catalog."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from costmodel.catalog import Catalog, Datum
from costmodel.catalog.periods import span
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.ownership.accelerator_hour import accelerator_hour, from_catalog
from costmodel.studies.bill import accelerator_family

MARKET = "market"
"""Suffix, after the family, of the name of a record for the market as a whole."""
RANKS = (0.05, 0.5, 0.95)
"""Ranks of an interval [1]."""
OFFER_AGE = timedelta(days=548)
"""Age beyond which an offer no longer counts for a month: 18 months (assumed)."""
OWN_LIFE = (3.0, 6.0)
"""Years over which an owner recovers IT [year]: stated lives lie between these (catalog, useful_lives)."""
OWN_WACC = (0.07, 0.12)
"""Cost of capital of an owner, a year [1/year]: 7 % of the published comparison to 12 % (assumed)."""
OWN_DRAWS = 2_000
"""Draws behind the interval of an owner's cost [1]."""
FIELDS = {"on demand": ("on_demand", "index"), "committed": ("contract_1y", "committed_1y"), "spot": ("spot",)}
"""Fields of a rental record that hold for a way of pricing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of an accelerator-hour with its interval.

    Parameters
    ----------
    low, middle, high
        5, 50 and 95 % [USD/hour].
    rests_on
        The records or assumptions that it rests on.
    """

    low: float
    middle: float
    high: float
    rests_on: tuple[str, ...]

    def saved(self, price: float, quantity: float) -> tuple[float, float, float]:
        """Return how much a buyer at ``price`` pays above this rate: low, middle and high [USD]; at least 0."""
        gaps = [max(price - rate, 0.0) * quantity for rate in (self.high, self.middle, self.low)]
        return gaps[0], gaps[1], gaps[2]


def end_of_month(month: str) -> date:
    """Return the last day of a month such as ``2026-05``.

    Raises
    ------
    DomainError
        If the text is not a month.
    """
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise DomainError(f"month {month!r}: write a year and a month, as 2026-05") from None
    return first.replace(day=monthrange(first.year, first.month)[1])


def latest_month(family: str, pricing: str = "committed") -> str:
    """Return the last month for which an offer of an accelerator-hour is recorded, as ``2026-09``.

    Raises
    ------
    CatalogError
        If none is.

    Examples
    --------
    >>> latest_month("H100") >= "2026-06"
    True
    """
    starts = [
        span(datum.period)[0]
        for record in Catalog().table("rentals").values()
        if "accelerator" in record and accelerator_family(record.text("accelerator")) == family
        for field in FIELDS[pricing]
        for datum in record.all(field)
        if datum.period
    ]
    if not starts:
        raise CatalogError(f"no {pricing} offer of {family!r} is recorded")
    return f"{max(starts):%Y-%m}"


def rental_rate(family: str, month: str, pricing: str = "on demand") -> Rate:
    """Return the market price of an accelerator-hour in a month.

    Parameters
    ----------
    family
        Accelerator family, as ``H100``.
    month
        As ``2026-05``.
    pricing
        ``on demand``, ``committed`` or ``spot``.

    Returns
    -------
    Rate
        Quantiles over providers of the latest offer of each, none older than `OFFER_AGE`. The middle is the figure
        of the market as a whole (a median of many providers, an index), where one is recorded.

    Raises
    ------
    CatalogError
        If no offer is recorded.

    Examples
    --------
    >>> rate = rental_rate("H100", "2026-06", "committed")
    >>> rate.middle
    2.65
    """
    if pricing not in FIELDS:
        raise DomainError(f"pricing {pricing!r}: allowed are {', '.join(FIELDS)}")
    day = end_of_month(month)
    found: list[tuple[float, str]] = []
    for name, record in Catalog().table("rentals").items():
        if "accelerator" not in record or accelerator_family(record.text("accelerator")) != family:
            continue
        for field in FIELDS[pricing]:
            latest = _latest_offer(record.all(field), day)
            if latest is not None:
                found.append((latest.number, f"{name} {field} ({latest.period})"))
    if not found:
        raise CatalogError(f"no {pricing} offer of {family!r} is recorded for the 18 months up to {month}")
    prices = [price for price, _ in found]
    low, middle, high = np.quantile(prices, RANKS)
    whole = [price for price, name in found if name.startswith(f"{family} {MARKET}")]
    if whole:
        middle = np.mean(whole)
        low, high = min(low, middle), max(high, middle)
    return Rate(float(low), float(middle), float(high), tuple(sorted(name for _, name in found)))


def _latest_offer(data: tuple[Datum, ...], day: date) -> Datum | None:
    dated = [(span(row.period)[0], row) for row in data if row.period]
    current = [(start, row) for start, row in dated if day - OFFER_AGE <= start <= day]
    return max(current, key=lambda pair: pair[0])[1] if current else None


def owner_rate(family: str, utilisation: float = 1.0) -> Rate:
    """Return the cost of an hour in use to an owner who buys new.

    Parameters
    ----------
    family
        Accelerator family, as ``H100``.
    utilisation
        Share of hours in which it is used, above 0 to 1 [1].

    Returns
    -------
    Rate
        Quantiles over lives of `OWN_LIFE` and costs of capital of `OWN_WACC`, evenly distributed.

    Raises
    ------
    CatalogError
        If the catalog lacks price or power of every form of the accelerator; each reason is named.
    DomainError
        If the utilisation is not in its range.

    Examples
    --------
    >>> rate = owner_rate("H100")
    >>> rate.low < rate.middle < rate.high
    True
    """
    if not 0.0 < utilisation <= 1.0:
        raise DomainError(f"utilisation {utilisation}: above 0 and at most 1")
    names = [name for name in Catalog().names("accelerators") if accelerator_family(name) == family]
    reasons = []
    for name in names:
        try:
            scenario = from_catalog(
                name,
                it_life={"dist": "uniform", "low": OWN_LIFE[0], "high": OWN_LIFE[1]},
                wacc={"dist": "uniform", "low": OWN_WACC[0], "high": OWN_WACC[1]},
                utilisation=utilisation,
            )
        except CatalogError as error:
            reasons.append(str(error))
            continue
        hours = accelerator_hour(scenario.resolve(Design.random(scenario, OWN_DRAWS, 0)))
        low, middle, high = np.quantile(np.asarray(hours.total), RANKS)
        rests = (scenario.title, f"life {OWN_LIFE[0]:g} to {OWN_LIFE[1]:g} years", f"use {utilisation:.0%}")
        return Rate(float(low), float(middle), float(high), rests)
    raise CatalogError("; ".join(reasons) or f"no accelerator of the family {family!r} is in the catalog")
