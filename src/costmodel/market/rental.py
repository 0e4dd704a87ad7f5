"""Rent of an accelerator-hour: required rent of new capacity, scarcity, and the vintage's age.

Scarce compute rents for more than it costs and slack compute for less, down to running cost: a rent isn't
monotone in time. Tightness is wanted compute over usable capacity, unclipped; its ratio to the target
utilisation enters here, between bounds.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

_SMALLEST = 1e-300
"""Stands in for zero inside a logarithm or below a fraction [1]."""
_LARGEST_LOG = 700.0
"""Largest exponent before a float overflows [1]."""


@formula(step=True)
def scarcity_factor(tightness_ratio: Numeric, exponent: Numeric, low: Numeric, high: Numeric) -> Numeric:
    """Factor by which scarcity or slack moves a price away from required cost.

    Parameters
    ----------
    tightness_ratio
        Tightness over target utilisation, x/u*, >= 0 [1].
    exponent
        Scarcity exponent, >= 0: φ for rent, ψ for token prices [1].
    low, high
        Bounds within which the ratio is read, 0 < low <= 1 <= high [1].

    Returns
    -------
    Numeric
        Factor, 1 at target utilisation [1].

    Notes
    -----
    ``clip(x/u*, low, high)^φ``.

    Examples
    --------
    >>> round(float(scarcity_factor(1.2, 3.5, 0.7, 2.0)), 4)
    1.8929
    """
    return np.power(np.minimum(np.maximum(tightness_ratio, low), high), exponent)


@formula(step=True)
def rental_price(
    required_rent: Numeric,
    tightness_ratio: Numeric,
    exponent: Numeric,
    low: Numeric,
    high: Numeric,
    running_cost: Numeric,
) -> Numeric:
    """Market rent of new capacity: required rent times scarcity, never below running cost.

    Parameters
    ----------
    required_rent
        Rent at which new capacity just pays, > 0 [USD/hour, or per accelerator-year].
    tightness_ratio
        Tightness over target utilisation, x/u*, >= 0 [1].
    exponent
        Scarcity exponent φ, >= 0 [1].
    low, high
        Bounds within which the ratio is read [1].
    running_cost
        Cost of running an accelerator that stands already, >= 0, in the unit of the rent.

    Returns
    -------
    Numeric
        Rental price, in the unit of ``required_rent``.

    Notes
    -----
    ``ρ = max(required rent × clip(x/u*, low, high)^φ, running cost)``.

    Examples
    --------
    >>> round(float(rental_price(2.0, 0.8, 3.5, 0.7, 2.0, 0.4)), 4)
    0.9159
    """
    ratio = np.minimum(np.maximum(tightness_ratio, low), high)
    return np.maximum(required_rent * np.power(ratio, exponent), running_cost)


@formula(step=True)
def scarcity_premium(fill: Numeric, cleared_share: Numeric, elasticity: Numeric, max_premium: Numeric) -> Numeric:
    """Factor on the realised price when a share of a shortage clears by price.

    Parameters
    ----------
    fill
        Served over demanded, 0 to 1 [1].
    cleared_share
        Share χ of the (log) shortage that clears by price, 0 to 1 [1].
    elasticity
        Price elasticity of demand, <= 0 [1].
    max_premium
        Largest factor, >= 1 [1]; reached in any shortage if demand does not answer to price at all.

    Returns
    -------
    Numeric
        Factor on price, 1 without shortage or without clearing by price [1].

    Notes
    -----
    ``min(f^(χ/ε), max premium)``: the price at which demand would fall to the χ-th power of what is served.

    Examples
    --------
    >>> round(float(scarcity_premium(0.9, 0.5, -1.1, 3.0)), 4)
    1.0491
    >>> float(scarcity_premium(0.9, 0.5, 0.0, 3.0))
    3.0
    """
    shortage = -cleared_share * np.log(np.maximum(fill, _SMALLEST))
    log_premium = shortage / np.maximum(-elasticity, _SMALLEST)
    return np.minimum(np.exp(np.minimum(log_premium, _LARGEST_LOG)), max_premium)
