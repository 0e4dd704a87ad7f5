"""Rents by length of commitment: the future rents that one-year and three-year quotes imply.

A long quote below a short one contains the market's forecast of the fall in rents, and the discount that a seller gives
for certainty. Idle hours sell at a spot discount, and only a share of them, the fill rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from costmodel.catalog import rental
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError

YEARS_OF_LONG_QUOTE = 3
"""Length of the longer commitment that clouds quote beside one year [year]."""


@formula()
def yearly_rent_ratio(one_year: Numeric, three_year: Numeric) -> Numeric:
    """Return the ratio of one year's rent to the previous year's that two quotes imply.

    Parameters
    ----------
    one_year
        Hourly price under a one-year commitment, > 0 [USD/hour].
    three_year
        Hourly price under a three-year commitment, above ``one_year / 3`` [USD/hour].

    Returns
    -------
    Numeric
        Yearly ratio of rents, below 1 where the market expects a fall [1].

    Notes
    -----
    The three-year price is the mean of three yearly ones, ``p1 (1 + r + r²)/3``, hence
    ``r = (sqrt(12 p3/p1 - 3) - 1)/2``. Discounting within the term is left out.

    Examples
    --------
    >>> round(float(yearly_rent_ratio(7.20, 5.40)), 4)
    0.7247
    """
    return 0.5 * (np.sqrt(12.0 * three_year / one_year - 3.0) - 1.0)


@formula()
def forward_rent(one_year: Numeric, yearly_ratio: Numeric, year: Numeric) -> Numeric:
    """Return the rent of a coming year that a term structure implies.

    Parameters
    ----------
    one_year
        Hourly price under a one-year commitment, > 0 [USD/hour].
    yearly_ratio
        Ratio of one year's rent to the previous year's, > 0 [1].
    year
        Index of the year, the first being 0 [1].

    Returns
    -------
    Numeric
        Hourly rent of that year [USD/hour].

    Notes
    -----
    ``p1 r^k``.

    Examples
    --------
    >>> round(float(forward_rent(7.20, 0.7247449, 2.0)), 3)
    3.782
    """
    return one_year * np.power(yearly_ratio, year)


@formula()
def break_even_fill(
    hourly_cost: Numeric, rental_price: Numeric, committed_share: Numeric, spot_discount: Numeric
) -> Numeric:
    """Return the fill rate of uncommitted hours at which an accelerator just earns its cost.

    Parameters
    ----------
    hourly_cost
        Cost per calendar hour, sold or not, >= 0 [USD/hour].
    rental_price
        Rent of a committed hour, > 0 [USD/hour].
    committed_share
        Share of hours sold under commitment, 0 to less than 1 [1].
    spot_discount
        Discount of the uncommitted hours on the rental price, 0 to less than 1 [1].

    Returns
    -------
    Numeric
        Fill rate needed [1]; above 1 no fill rate is enough, at or below 0 none is needed.

    Notes
    -----
    ``(c/ρ - k) / ((1 - k)(1 - d))`` with cost c, rent ρ, committed share k and discount d.

    Examples
    --------
    >>> round(float(break_even_fill(1.69, 2.35, 0.6, 0.4)), 4)
    0.4965
    """
    return (hourly_cost / rental_price - committed_share) / ((1.0 - committed_share) * (1.0 - spot_discount))


@dataclass(frozen=True, slots=True)
class TermStructure:
    """Quotes of one accelerator by length of commitment, and the rents that they imply.

    Parameters
    ----------
    one_year, three_year
        Hourly prices under commitment, quoted at the same date, > 0 [USD/hour].
    on_demand
        Hourly price without commitment, > 0 [USD/hour]; absent if not quoted.

    Raises
    ------
    DomainError
        If a quote is not positive, or the three-year quote is so low that the rent of a later year would be negative.

    Examples
    --------
    >>> quotes = TermStructure(one_year=7.20, three_year=5.40, on_demand=12.29)
    >>> [round(rent, 3) for rent in quotes.forwards]
    [7.2, 5.218, 3.782]
    >>> round(quotes.on_demand_premium, 3)
    1.707
    """

    one_year: float
    three_year: float
    on_demand: float | None = None

    def __post_init__(self) -> None:
        for name in ("one_year", "three_year", "on_demand"):
            quote = getattr(self, name)
            if quote is not None and not quote > 0:
                raise DomainError(f"{name} is {quote!r}: a quote must be above 0")
        if 3.0 * self.three_year < self.one_year:
            raise DomainError(
                f"three_year is {self.three_year!r}, below a third of one_year {self.one_year!r}: "
                "rents of later years would be negative"
            )

    @property
    def yearly_ratio(self) -> float:
        """Ratio of one year's rent to the previous year's [1]."""
        return float(yearly_rent_ratio(self.one_year, self.three_year))

    @property
    def decline(self) -> float:
        """Logarithmic fall of rents that the quotes imply, positive where they fall [1/year]."""
        return -math.log(self.yearly_ratio)

    @property
    def forwards(self) -> tuple[float, ...]:
        """Rent of the first, second and third year [USD/hour]."""
        ratio = self.yearly_ratio
        return tuple(float(forward_rent(self.one_year, ratio, year)) for year in range(YEARS_OF_LONG_QUOTE))

    @property
    def on_demand_premium(self) -> float:
        """On-demand over one-year price [1]: the price of the right to leave."""
        return self._quoted_on_demand() / self.one_year

    @property
    def discounts(self) -> tuple[float, float]:
        """Discount of the one-year and of the three-year price on the on-demand price [1]."""
        on_demand = self._quoted_on_demand()
        return 1.0 - self.one_year / on_demand, 1.0 - self.three_year / on_demand

    def _quoted_on_demand(self) -> float:
        if self.on_demand is None:
            raise DomainError("on_demand is absent: give it to compute premium and discounts")
        return self.on_demand


def quoted_terms(name: str, period: str | None = None) -> TermStructure:
    """Return the term structure that a cloud's recorded quotes imply.

    Parameters
    ----------
    name
        Name in the catalog's table of rentals, such as ``AWS A100`` or ``AWS p5.48xlarge``.
    period
        Period of the quotes; the latest if absent.

    Raises
    ------
    CatalogError
        If the one-year or the three-year quote is not recorded.

    Examples
    --------
    >>> round(quoted_terms("AWS p5.48xlarge").yearly_ratio, 4)
    0.7247
    """
    record = rental(name)
    return TermStructure(
        record.value("committed_1y", period), record.value("committed_3y", period), record.get("on_demand", period)
    )
