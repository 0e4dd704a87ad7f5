"""Renting versus buying, and take-or-pay contracts with a counterparty that may default."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.ownership.rent import NUDGE


@formula()
def lease_advantage(
    price: Numeric,
    owner_cost: Numeric,
    lease_rate: Numeric,
    wacc: Numeric,
    term: Numeric,
    residual_value: Numeric,
) -> Numeric:
    """Return the present value that renting saves over buying for a term.

    Parameters
    ----------
    price
        Purchase price now, ≥ 0 [USD].
    owner_cost
        Yearly cost that only an owner bears (power, maintenance, site), paid at year-end, ≥ 0 [USD/year].
    lease_rate
        Yearly rent, paid at year-end, ≥ 0 [USD/year].
    wacc
        Year-end cost of capital, > −1 [1/year].
    term
        Years for which capacity is needed, > 0 [year].
    residual_value
        Resale value at the end of the term, ≥ 0 [USD].

    Returns
    -------
    Numeric
        Present value saved by renting [USD]; negative where buying is cheaper. Taxes are left out.

    Examples
    --------
    An H100 for three years: bought at 30,000 and sold for 10,000, or rented at 2 USD an hour

    >>> round(float(lease_advantage(30_000.0, 1_500.0, 2.0 * 8766, 0.1, 3.0, 10_000.0)))
    -17382
    """
    annuity = -np.expm1(-term * np.log1p(wacc + NUDGE)) / (wacc + NUDGE)
    owned = price + owner_cost * annuity - residual_value * np.exp(-term * np.log1p(wacc))
    return owned - lease_rate * annuity


@formula()
def take_or_pay_value(
    committed_rent: Numeric,
    market_rent: Numeric,
    decline: Numeric,
    discount_rate: Numeric,
    term: Numeric,
    life: Numeric,
    default_rate: Numeric,
    fill_rate: Numeric,
) -> Numeric:
    """Value capacity under a take-or-pay contract whose counterparty may default.

    Parameters
    ----------
    committed_rent
        Rent that the counterparty pays whether it uses the capacity or not, ≥ 0 [USD/year].
    market_rent
        Rent of the capacity in the market today, ≥ 0 [USD/year].
    decline
        Logarithmic fall of the market rent, signed [1/year].
    discount_rate
        Logarithmic cost of capital [1/year].
    term
        Length of the contract, ≥ 0 [year].
    life
        Years in which the capacity earns rent, ≥ ``term`` [year].
    default_rate
        Hazard that the counterparty stops paying, ≥ 0 [1/year]; 0: it always pays.
    fill_rate
        Share of hours that find a renter in the market without a contract, 0 to 1 [1].

    Returns
    -------
    Numeric
        Present value of the rents [USD]; subtract running cost and price to get the owner's gain.

    Notes
    -----
    While the counterparty pays (probability ``e^−ht``), the committed rent is paid until the end of the term. After a
    default, and after the term, the capacity earns the market rent at its fill rate:
    ``C·A(r+h, T) + f·M·[A(r+δ, L) − A(r+δ+h, T)]`` with ``A(x, T) = (1 − e^−xT)/x``.

    Examples
    --------
    A five-year contract above a falling market, with a safe and with a weak counterparty (30 % hazard):

    >>> [round(float(take_or_pay_value(100.0, 90.0, 0.25, 0.1, 5.0, 6.0, h, 0.8))) for h in (0.0, 0.3)]
    [404, 290]
    """
    safe = discount_rate + default_rate + NUDGE
    market = discount_rate + decline + NUDGE
    covered = market + default_rate
    contract = committed_rent * -np.expm1(-safe * term) / safe
    alone = -np.expm1(-market * life) / market
    displaced = -np.expm1(-covered * term) / covered
    return contract + fill_rate * market_rent * (alone - displaced)
