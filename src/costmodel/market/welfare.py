"""Welfare of a price change: the gain to users, and the share of a saving that added usage offsets (rebound)."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula()
def consumer_surplus_change(quantity: Numeric, price: Numeric, new_price: Numeric, elasticity: Numeric) -> Numeric:
    """Return users' gain from a price change, at constant elasticity.

    Parameters
    ----------
    quantity
        Quantity demanded at ``price``, >= 0 [token/year].
    price
        Price before, > 0 [USD/token].
    new_price
        Price after, > 0 [USD/token].
    elasticity
        Price elasticity of demand, signed [1].

    Returns
    -------
    Numeric
        Change of consumer surplus, positive when the price falls [USD/year].

    Notes
    -----
    ``∫ D dp`` from the new to the old price: ``D p (1 - r^(1+ε)) / (1 + ε)`` with ``r = p'/p``; at ε = -1 it is
    ``-D p ln r``. Between two prices it is finite for every elasticity; the total surplus is not.

    Examples
    --------
    >>> round(float(consumer_surplus_change(100.0, 1.0, 0.5, -1.0)), 4)
    69.3147
    """
    log_ratio = np.log(new_price / price)
    exponent = (1.0 + elasticity) * log_ratio
    divisor = np.where(exponent == 0.0, 1.0, exponent)
    mean = np.where(exponent == 0.0, 1.0, np.expm1(exponent) / divisor)
    return -quantity * price * log_ratio * mean


@formula()
def rebound_of_saving(price_ratio: Numeric, elasticity: Numeric) -> Numeric:
    """Return the share of a saving that added usage offsets (rebound), under full pass-through.

    Parameters
    ----------
    price_ratio
        Price after over price before, > 0 [1].
    elasticity
        Price elasticity of demand, signed [1].

    Returns
    -------
    Numeric
        User spend on added usage over the saving on the usage before [1]; tends to -ε for a small change.

    Notes
    -----
    ``p'(D' - D) / ((p - p') D) = r (r^ε - 1)/(1 - r)``. For ε = -1 it is 1 for a saving of any size.

    Examples
    --------
    >>> round(float(rebound_of_saving(0.5, -1.11)), 3)
    1.158
    >>> round(float(rebound_of_saving(1.0, -1.11)), 3)
    1.11
    """
    log_ratio = np.log(price_ratio)
    exponent = elasticity * log_ratio
    fall = -np.expm1(log_ratio)
    divisor = np.where(fall == 0.0, 1.0, fall)
    return np.where(fall == 0.0, -elasticity, price_ratio * np.expm1(exponent) / divisor) + 0.0
