"""US tax depreciation (MACRS): tables generated from the rule.

The Modified Accelerated Cost Recovery System deducts a declining balance, switching to straight line; a convention
determines the part of the first year that counts. The printed tables round the same numbers.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError
from costmodel.ownership.books import BookSchedule, as_books
from costmodel.ownership.checks import at_least, share_array

Convention: TypeAlias = Literal["half_year", "mid_quarter", "mid_month"]

MACRS_FACTORS: dict[float, float] = {3: 2.0, 5: 2.0, 7: 2.0, 10: 2.0, 15: 1.5, 20: 1.5}
"""Declining-balance factor by recovery period [1]: 200 % to 10 years, 150 % for 15 and 20 (IRS Pub. 946)."""
MACRS_REAL_PROPERTY = (27.5, 39.0)
"""Recovery periods of real property [year]: straight line, mid-month (IRS Pub. 946, tables A-6 and A-7a)."""


def macrs_rates(
    recovery_period: float,
    convention: Convention = "half_year",
    *,
    quarter: int | None = None,
    month: int | None = None,
) -> FloatArray:
    """Return the share of cost deducted in each tax year, generated from the rule.

    Parameters
    ----------
    recovery_period
        3, 5, 7, 10, 15 or 20 years; 27.5 or 39 for real property (mid-month only).
    convention
        ``half_year``, ``mid_quarter`` (needs ``quarter``) or ``mid_month`` (needs ``month``).
    quarter, month
        Quarter 1–4 or month 1–12 of the tax year in which the property was placed in service.

    Returns
    -------
    FloatArray
        Unrounded shares by tax year, summing to 1; the printed tables round them to 0.01 percentage points.

    Raises
    ------
    DomainError
        If the recovery period, convention, quarter or month is not one of these, or they do not fit together.

    Notes
    -----
    In each year: the larger of ``f/n`` of the remaining cost and straight line over the remaining years. The first year
    counts from the middle of the year, quarter or month in which the property enters service.

    References
    ----------
    IRS Publication 946, appendix A, tables A-1 to A-7a.

    Examples
    --------
    >>> [round(100 * float(rate), 2) for rate in macrs_rates(5)]
    [20.0, 32.0, 19.2, 11.52, 11.52, 5.76]
    """
    first = _first_year_share(recovery_period, convention, quarter, month)
    rate = MACRS_FACTORS.get(recovery_period, 1.0) / recovery_period
    rates = [rate * first]
    left, years = 1.0 - rates[0], recovery_period - first
    while years > 1e-9:
        rates.append(left if years <= 1.0 else max(rate * left, left / years))
        left, years = left - rates[-1], years - 1.0
    return readonly(rates)


def _first_year_share(recovery_period: float, convention: str, quarter: int | None, month: int | None) -> float:
    """Return the part of the first tax year that counts [1]."""
    real = recovery_period in MACRS_REAL_PROPERTY
    if not real and recovery_period not in MACRS_FACTORS:
        allowed = ", ".join(f"{n:g}" for n in (*MACRS_FACTORS, *MACRS_REAL_PROPERTY))
        raise DomainError(f"recovery_period must be one of {allowed} years; given {recovery_period!r}")
    if real != (convention == "mid_month"):
        needed = "mid_month" if real else "half_year or mid_quarter"
        raise DomainError(f"{recovery_period:g}-year property takes {needed}; given convention {convention!r}")
    if convention == "half_year":
        return 0.5
    if convention == "mid_quarter":
        if quarter is None or quarter not in range(1, 5):
            raise DomainError(f"mid_quarter needs quarter = 1, 2, 3 or 4; given {quarter!r}")
        return (4.5 - quarter) / 4.0
    if convention == "mid_month":
        if month is None or month not in range(1, 13):
            raise DomainError(f"mid_month needs month = 1 … 12; given {month!r}")
        return (12.5 - month) / 12.0
    raise DomainError(f"convention must be half_year, mid_quarter or mid_month; given {convention!r}")


def macrs(
    cost: ArrayLike,
    recovery_period: float,
    convention: Convention = "half_year",
    *,
    quarter: int | None = None,
    month: int | None = None,
    bonus: ArrayLike = 0.0,
) -> BookSchedule:
    """Depreciate for US tax: bonus depreciation first, then MACRS on the rest, with no salvage value.

    Parameters
    ----------
    cost
        Cost placed in service, ≥ 0 [USD].
    recovery_period, convention, quarter, month
        As for `macrs_rates`.
    bonus
        Share of cost deducted at once, 0 to 1 [1]; see `costmodel.ownership.tax.bonus_share` for the dated figure.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> [round(x, 2) for x in macrs(100.0, 5, bonus=0.4).expense.tolist()]
    [52.0, 19.2, 11.52, 6.91, 6.91, 3.46]
    """
    price = at_least("cost", cost, 0.0, unit="USD")
    at_once = share_array("bonus", bonus)
    rates = macrs_rates(recovery_period, convention, quarter=quarter, month=month)
    batch = np.broadcast_shapes(price.shape, at_once.shape)
    expense = rates.reshape((-1,) + (1,) * len(batch)) * (price * (1.0 - at_once))
    expense[0] += price * at_once
    return as_books(price, expense)
