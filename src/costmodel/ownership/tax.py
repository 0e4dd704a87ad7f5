"""Tax: bonus depreciation, deductions by vintage, losses carried forward and deferred tax.

Book and tax lives differ: a server may be depreciated over six years in the books and five by the tax table, or
deducted at once. The difference in the timing of tax is deferred tax, not profit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, formula, readonly
from costmodel.foundation.errors import DomainError
from costmodel.ownership.checks import at_least, number_array, require, share_array

PERMANENT_FROM = date(2025, 1, 20)
"""First day of acquisition from which the bonus is 100 % permanently (law of 2025-07-04)."""
PHASED_OUT = {2025: 0.40, 2026: 0.20}
"""Bonus for property acquired before that day, by year placed in service from 2025 on [1]; 0 after 2026.
Source: the note to the catalog's record, press summaries of section 168(k)."""


def bonus_share(acquired: str | date, placed_in_service: str | date | None = None) -> float:
    """Return the share of cost that a company may deduct at once under US federal tax.

    Parameters
    ----------
    acquired
        Day of acquisition: that of a binding contract.
    placed_in_service
        Day on which the property entered service; by default the day of acquisition.

    Returns
    -------
    float
        Share, 0 to 1 [1].

    Raises
    ------
    DomainError
        If the property enters service before it is acquired, or no share is recorded for these days.

    References
    ----------
    Internal Revenue Code section 168(k), as amended in 2017 and 2025; the catalog's ``bonus depreciation``.

    Examples
    --------
    >>> bonus_share("2024-05-01"), bonus_share("2025-01-19", "2026-03-01"), bonus_share("2025-01-20")
    (0.6, 0.2, 1.0)
    """
    from costmodel import catalog
    from costmodel.catalog.periods import span, to_day

    bought = to_day(acquired)
    placed = bought if placed_in_service is None else to_day(placed_in_service)
    if placed < bought:
        raise DomainError(f"property acquired on {bought} cannot enter service on {placed}")
    if bought < PERMANENT_FROM and placed.year >= min(PHASED_OUT):
        return PHASED_OUT.get(placed.year, 0.0)
    day = bought if bought >= PERMANENT_FROM else placed
    for datum in catalog.tax("bonus depreciation").all("bonus"):
        first, last = span(datum.period or "")
        if first <= day <= last or (first == PERMANENT_FROM and day >= first):
            return datum.number
    raise DomainError(f"no bonus share is recorded for property acquired on {bought} and placed in service on {placed}")


@formula(step=True)
def losses_used(income: Numeric, losses: Numeric, loss_limit: Numeric) -> Numeric:
    """Return the losses of earlier periods that are offset against income.

    Parameters
    ----------
    income
        Taxable income of the period before losses, signed [USD].
    losses
        Losses carried into the period, ≥ 0 [USD].
    loss_limit
        Largest share of income that they may offset, 0 to 1 [1]; 0.8 in the United States for losses since 2018.

    Returns
    -------
    Numeric
        Losses used [USD]; the tax rate applies to the remaining positive income.

    References
    ----------
    26 U.S.C. 172(a)(2).

    Examples
    --------
    >>> float(losses_used(100.0, 90.0, 0.8)), float(losses_used(-100.0, 90.0, 0.8))
    (80.0, 0.0)
    """
    return np.minimum(losses, loss_limit * np.maximum(income, 0.0))


@dataclass(frozen=True, slots=True)
class TaxYears:
    """Tax by year with losses carried forward.

    Parameters
    ----------
    tax
        Tax due by year [USD], ``(year,) + batch``.
    losses_used
        Losses of earlier years offset against income, by year [USD].
    losses_carried
        Losses carried forward on bounds [USD], ``(year + 1,) + batch``.
    """

    tax: FloatArray
    losses_used: FloatArray
    losses_carried: FloatArray


def tax_with_losses(
    income: ArrayLike, rate: ArrayLike, loss_limit: ArrayLike = 0.8, opening_losses: ArrayLike = 0.0
) -> TaxYears:
    """Return tax on yearly income when losses are carried forward.

    Parameters
    ----------
    income
        Taxable income before losses, signed [USD], ``(year,) + batch``.
    rate
        Tax rate, 0 to 1 [1].
    loss_limit
        Largest share of a year's income that earlier losses may offset, 0 to 1 [1]; 0.8 in the United States for
        losses since 2018, 1 for no limit.
    opening_losses
        Losses carried into the first year, ≥ 0 [USD].

    Raises
    ------
    DomainError
        If a value is not allowed.

    Examples
    --------
    >>> years = tax_with_losses([-100.0, 50.0, 100.0], 0.2)
    >>> [round(float(x), 9) for x in years.tax], years.losses_carried.tolist()
    ([0.0, 2.0, 8.0], [0.0, 100.0, 60.0, 0.0])
    """
    earned = number_array("income", income, unit="USD")
    require("income", earned.ndim, earned.ndim >= 1, "a series by year")
    share, limit = share_array("rate", rate), share_array("loss_limit", loss_limit)
    carried = at_least("opening_losses", opening_losses, 0.0, unit="USD")
    batch = np.broadcast_shapes(earned.shape[1:], share.shape, limit.shape, carried.shape)
    losses, due, used = [np.broadcast_to(carried, batch)], [], []
    for year in earned:
        positive = np.broadcast_to(np.maximum(year, 0.0), batch)
        used.append(losses_used(positive, losses[-1], limit))
        due.append(share * (positive - used[-1]))
        losses.append(losses[-1] - used[-1] + np.maximum(-year, 0.0))
    return TaxYears(readonly(np.array(due)), readonly(np.array(used)), readonly(np.array(losses)))


def deferred_tax(book_expense: ArrayLike, tax_deduction: ArrayLike, rate: ArrayLike) -> FloatArray:
    """Return the deferred tax liability that follows from different book and tax lives.

    Parameters
    ----------
    book_expense, tax_deduction
        Depreciation in the books and for tax by year [USD], ``(year,) + batch``.
    rate
        Tax rate, 0 to 1 [1].

    Returns
    -------
    FloatArray
        Liability on bounds [USD], ``(year + 1,) + batch``; it returns to 0 when both have deducted the cost.

    Raises
    ------
    DomainError
        If a value is not allowed.

    Examples
    --------
    Deducted at once for tax, over two years in the books:

    >>> deferred_tax([50.0, 50.0], [100.0, 0.0], 0.2).tolist()
    [0.0, 10.0, 0.0]
    """
    book = number_array("book_expense", book_expense, unit="USD")
    tax = number_array("tax_deduction", tax_deduction, unit="USD")
    timing = np.cumsum(tax - book, axis=0)
    return readonly(share_array("rate", rate) * np.concatenate([np.zeros_like(timing[:1]), timing]))


def after_tax_flows(
    outlay: ArrayLike,
    operating: ArrayLike,
    tax_deduction: ArrayLike,
    rate: ArrayLike,
    loss_limit: ArrayLike = 0.8,
) -> FloatArray:
    """Return the cash flows of an investment after tax, ready for `costmodel.ownership.finance.npv`.

    Parameters
    ----------
    outlay
        Amount paid now, ≥ 0 [USD].
    operating
        Revenue less cash cost by year [USD], ``(year,) + batch``.
    tax_deduction
        Tax depreciation by year [USD], ``(year,) + batch``; independent of book depreciation.
    rate, loss_limit
        As for `tax_with_losses`.

    Returns
    -------
    FloatArray
        Cash flows, the outlay first [USD], ``(year + 1,) + batch``.

    Raises
    ------
    DomainError
        If a value is not allowed.

    Examples
    --------
    >>> after_tax_flows(100.0, [70.0, 70.0], [100.0, 0.0], 0.2, loss_limit=1.0).tolist()
    [-100.0, 70.0, 62.0]
    """
    paid = at_least("outlay", outlay, 0.0, unit="USD")
    earned = number_array("operating", operating, unit="USD")
    deducted = number_array("tax_deduction", tax_deduction, unit="USD")
    tax = tax_with_losses(earned - deducted, rate, loss_limit).tax
    flows = earned - tax
    return readonly(np.concatenate([np.broadcast_to(-paid, flows.shape[1:])[np.newaxis], flows]))


@formula()
def tax_shield_rent_factor(tax_rate: Numeric, deductions_value: Numeric) -> Numeric:
    """Return the factor by which tax raises the rent that an asset must earn before tax.

    Parameters
    ----------
    tax_rate
        Tax rate, 0 to below 1 [1].
    deductions_value
        Present value of the tax deductions per unit of cost, at the after-tax cost of capital, 0 to 1 [1]; 1 where
        cost is deducted at once.

    Returns
    -------
    Numeric
        Factor on the capital part of a rent or an annuity [1]; 1 where cost is deducted at once, or without tax.

    Notes
    -----
    Hall–Jorgenson user cost: ``(1 − t·z)/(1 − t)``.

    References
    ----------
    Hall, R. E. and Jorgenson, D. W. (1967), Tax policy and investment behavior, American Economic Review 57.

    Examples
    --------
    >>> float(tax_shield_rent_factor(0.21, 1.0)), round(float(tax_shield_rent_factor(0.21, 0.85)), 4)
    (1.0, 1.0399)
    """
    return (1.0 - tax_rate * deductions_value) / (1.0 - tax_rate)
