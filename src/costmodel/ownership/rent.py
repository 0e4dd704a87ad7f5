"""Levelized cost and required rent of capacity: the first for comparisons, the second for prices.

A levelized cost spreads a purchase evenly over its life. Where rents fall, an owner who charges the levelized cost
loses money: the required rent is higher at first and falls with the market. The value of old equipment is the present
value of its remaining rents.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

NUDGE = 1e-300
"""Added to a rate so that division by exactly 0 is avoided [1/year]; far below the rounding of any other rate."""


@formula(step=True)
def annuity(discount_rate: Numeric, life: Numeric) -> Numeric:
    """Return the present value of one unit of money a year, paid continuously until the end of a life.

    Parameters
    ----------
    discount_rate
        Logarithmic rate, signed: cost of capital ``ln(1 + WACC)`` plus the fall of the payments [1/year].
    life
        Length of the payments, ≥ 0, infinite only at a positive rate [year].

    Returns
    -------
    Numeric
        Present value over the yearly amount [year].

    Notes
    -----
    ``A(r, L) = (1 − e^−rL)/r``, and L at rate 0.

    Examples
    --------
    >>> round(float(annuity(0.36, 5.0)), 4), float(annuity(0.0, 5.0))
    (2.3186, 5.0)
    """
    rate = discount_rate + NUDGE
    return -np.expm1(-rate * life) / rate


@formula(step=True)
def capital_recovery_factor(rate: Numeric, periods: Numeric) -> Numeric:
    """Return the payment at the end of each period that repays one unit of money with interest.

    Parameters
    ----------
    rate
        Interest per period, > −1 [1]; a year-end rate, not a logarithmic one.
    periods
        Number of periods, > 0, need not be whole [1].

    Returns
    -------
    Numeric
        Payment per period and unit of money [1].

    Notes
    -----
    ``rate/(1 − (1 + rate)^−periods)``, and ``1/periods`` at rate 0.

    Examples
    --------
    >>> round(float(capital_recovery_factor(0.07, 4.0)), 6), float(capital_recovery_factor(0.0, 4.0))
    (0.295228, 0.25)
    """
    return (rate + NUDGE) / -np.expm1(-periods * np.log1p(rate + NUDGE))


@formula(step=True)
def levelized_cost(price: Numeric, wacc: Numeric, life: Numeric, running_cost: Numeric) -> Numeric:
    """Return the levelized yearly cost of an asset: year-end annuity plus running cost.

    Use it for tables and comparisons. It is not a price: see `required_rent`.

    Parameters
    ----------
    price
        Purchase price, ≥ 0 [USD].
    wacc
        Weighted average cost of capital, year-end rate > −1 [1/year].
    life
        Years over which the price is recovered, > 0 [year].
    running_cost
        Yearly running cost, ≥ 0 [USD/year].

    Returns
    -------
    Numeric
        Cost a year [USD/year].

    Examples
    --------
    >>> round(float(levelized_cost(30_000.0, 0.07, 4.0, 1_000.0)), 1)
    9856.8
    """
    return price * (wacc + NUDGE) / -np.expm1(-life * np.log1p(wacc + NUDGE)) + running_cost


@formula(step=True)
def required_rent(
    price: Numeric, discount_rate: Numeric, decline: Numeric, life: Numeric, running_cost: Numeric
) -> Numeric:
    """Return the rent that new capacity must earn today to be worth buying while rents fall.

    Parameters
    ----------
    price
        Purchase price, ≥ 0 [USD].
    discount_rate
        Logarithmic cost of capital ``ln(1 + WACC)`` [1/year].
    decline
        Expected logarithmic fall of this class's rent, signed: positive where rents fall [1/year].
    life
        Years in which rent is earned, > 0 [year].
    running_cost
        Yearly running cost, ≥ 0 [USD/year], passed on at cost.

    Returns
    -------
    Numeric
        Rent a year for new capacity [USD/year].

    Notes
    -----
    A rent that starts at R and falls at δ, paid continuously, is worth ``R(1 − e^−(r+δ)L)/(r+δ)``; setting
    that equal to the price P gives ``P(r + δ)/(1 − e^−(r+δ)L) + running cost``. At δ = 0 it is
    ``ln(1 + WACC)/WACC`` times the year-end annuity; at r + δ = 0 it is ``P/L``.

    Examples
    --------
    The same server, with constant rents and with rents that fall by 26 % (log) a year:

    >>> [round(float(required_rent(30_000.0, np.log(1.1), d, 5.0, 0.0))) for d in (0.0, 0.26)]
    [7543, 12830]
    """
    rate = discount_rate + decline + NUDGE
    return price * rate / -np.expm1(-rate * life) + running_cost


@formula(step=True)
def rent_per_hour_used(
    price: Numeric,
    discount_rate: Numeric,
    decline: Numeric,
    life: Numeric,
    site_price: Numeric,
    site_life: Numeric,
    running_cost: Numeric,
    hours_used: Numeric,
) -> Numeric:
    """Return the rent per hour used that an accelerator and its share of a site must earn while rents fall.

    Parameters
    ----------
    price
        Price of the accelerator with its server and network, ≥ 0 [USD].
    discount_rate
        Logarithmic cost of capital ``ln(1 + WACC)`` [1/year].
    decline
        Expected logarithmic fall of the rent of accelerators, signed: positive where it falls [1/year]; the rent of
        sites is level.
    life
        Years in which the accelerator earns, > 0 [year].
    site_price
        Cost of its share of the site, ≥ 0 [USD].
    site_life
        Years in which the site earns, > 0 [year].
    running_cost
        Yearly energy, upkeep and operation, ≥ 0 [USD/year], passed on at cost.
    hours_used
        Hours per year in which it works and is used, > 0 [hour/year].

    Returns
    -------
    Numeric
        Rent [USD/hour].

    Notes
    -----
    ``R = [P(r + δ)/(1 − e^−(r+δ)L) + S·r/(1 − e^−r·L_site) + m]/hours``: `required_rent` of both, one falling and one
    level, over the hours used.

    Examples
    --------
    >>> round(float(rent_per_hour_used(35e3, 0.0953, 0.26, 5.0, 16e3, 20.0, 1500.0, 8766.0 * 0.95 * 0.75)), 3)
    2.924
    """
    falling, level = discount_rate + decline + NUDGE, discount_rate + NUDGE
    chips = price * falling / -np.expm1(-falling * life)
    site = site_price * level / -np.expm1(-level * site_life)
    return (chips + site + running_cost) / hours_used


@formula(step=True)
def economic_life(rent: Numeric, running_cost: Numeric, decline: Numeric, physical_life: Numeric) -> Numeric:
    """Return the time for which a vintage is worth running: until its falling rent meets its running cost.

    Parameters
    ----------
    rent
        Yearly rent now, > 0 [USD/year].
    running_cost
        Yearly running cost, ≥ 0, constant over time [USD/year].
    decline
        Logarithmic fall of the rent, signed: positive where it falls [1/year].
    physical_life
        Years for which it can run, ≥ 0 [year].

    Returns
    -------
    Numeric
        Years, from 0 to the physical life [year].

    Notes
    -----
    ``ln(rent/running cost)/decline``, limited to 0 and the physical life; the physical life where rents do not fall and
    exceed the running cost.

    Examples
    --------
    >>> round(float(economic_life(9_000.0, 1_500.0, 0.3, 8.0)), 2)
    5.97
    """
    margin = np.log(np.maximum(rent, NUDGE)) - np.log(np.maximum(running_cost, NUDGE))
    return np.minimum(np.maximum(margin / np.maximum(decline, NUDGE), 0.0), physical_life)
