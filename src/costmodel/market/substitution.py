"""Workloads that substitute for each other: shares by a logit, or by constant elasticity of substitution.

Alternatives are on the leading axis, draws trail. Sums over alternatives run from first to last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, ordered_sum, readonly
from costmodel.foundation.errors import DomainError

_COBB_DOUGLAS = 1e-9
"""Distance of the elasticity of substitution from 1 below which the Cobb-Douglas limit is used [1]."""


def logit_shares(utility: Any, *, outside: Any | None = None) -> FloatArray:
    """Return the shares of alternatives by a multinomial logit.

    Parameters
    ----------
    utility
        Mean utility of each alternative, (alternative,) or (alternative, draw) [1].
    outside
        Utility of taking none of them; absent if one is always taken [1].

    Returns
    -------
    FloatArray
        Shares, which sum to 1 with the outside one, in the shape of ``utility`` [1].

    Raises
    ------
    DomainError
        If there is no alternative or a utility is not a number.

    Notes
    -----
    ``s_i = exp(u_i) / (exp(u_0) + Σ exp(u_j))``, computed after taking out the largest.

    References
    ----------
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In Zarembka (ed.), Frontiers
    in Econometrics.

    Examples
    --------
    >>> [round(float(share), 4) for share in logit_shares([0.0, np.log(3.0)])]
    [0.25, 0.75]
    """
    values = np.asarray(utility, dtype=np.float64)
    if values.ndim == 0 or values.shape[0] == 0 or np.any(np.isnan(values)):
        raise DomainError("utility: a number is needed for at least one alternative")
    top = np.max(values, axis=0)
    if outside is not None:
        top = np.maximum(top, outside)
    weights = np.exp(values - top)
    total = ordered_sum(weights)
    if outside is not None:
        total = total + np.exp(outside - top)
    return readonly(weights / total)


def price_utility(price: Any, sensitivity: Any, quality: Any) -> FloatArray:
    """Return the utility of alternatives from the logarithm of price and from quality.

    Parameters
    ----------
    price
        Prices, > 0, (alternative,) or (alternative, draw) [USD/token].
    sensitivity
        Fall of utility per unit of log price, >= 0 [1].
    quality
        Utility apart from price [1].

    Notes
    -----
    With ``u = quality - a ln p`` the shares are those of :func:`ces_shares` with substitution ``1 + a``.

    Examples
    --------
    >>> [round(float(u), 4) for u in price_utility([1.0, np.e], 2.0, 0.0)]
    [0.0, -2.0]
    """
    prices = np.asarray(price, dtype=np.float64)
    if not np.all(prices > 0):
        raise DomainError("price: every price must be above 0")
    return readonly(quality - sensitivity * np.log(prices))


def logit_elasticities(shares: Any, sensitivity: float) -> FloatArray:
    """Return how each share answers to each log price, (alternative, alternative).

    Parameters
    ----------
    shares
        Shares of the alternatives, (alternative,) [1].
    sensitivity
        Fall of utility per unit of log price [1].

    Notes
    -----
    ``d ln s_i / d ln p_j = -a (δ_ij - s_j)``: raising one price sends its users to the others in proportion to
    their shares.

    Examples
    --------
    >>> logit_elasticities([0.25, 0.75], 2.0).tolist()
    [[-1.5, 1.5], [0.5, -0.5]]
    """
    values = np.asarray(shares, dtype=np.float64)
    return readonly(-sensitivity * (np.eye(values.size) - values[np.newaxis, :]))


def ces_price_index(price: Any, weight: Any, substitution: Any) -> FloatArray:
    """Return the price of the cheapest mix of substitutes.

    Parameters
    ----------
    price
        Prices, > 0, (alternative,) or (alternative, draw) [USD/token].
    weight
        Weights, > 0, summing to 1, (alternative,) or (alternative, draw) [1].
    substitution
        Elasticity of substitution σ, >= 0, () or (draw,); 1 is Cobb-Douglas, 0 fixed proportions [1].

    Returns
    -------
    FloatArray
        Price index, () or (draw,) [USD/token].

    Raises
    ------
    DomainError
        If prices or weights are not above 0, weights do not sum to 1, or σ is negative.

    Notes
    -----
    ``P = (Σ w_i p_i^(1-σ))^(1/(1-σ))``; at σ = 1, ``exp Σ w_i ln p_i``.

    References
    ----------
    Dixit, A. and Stiglitz, J. (1977). Monopolistic competition and optimum product diversity. AER 67(3).

    Examples
    --------
    >>> round(float(ces_price_index([1.0, 4.0], [0.5, 0.5], 1.0)), 4)
    2.0
    >>> round(float(ces_price_index([1.0, 4.0], [0.5, 0.5], 2.0)), 4)
    1.6
    """
    prices, weights = _ces_inputs(price, weight, substitution)
    logs = np.log(prices)
    exponent = 1.0 - np.asarray(substitution, dtype=np.float64)
    centre = ordered_sum(weights * logs)
    excess = np.log1p(ordered_sum(weights * np.expm1(exponent * (logs - centre))))
    curved = np.abs(exponent) > _COBB_DOUGLAS
    return readonly(np.exp(centre + np.where(curved, excess / np.where(curved, exponent, 1.0), 0.0)))


def ces_shares(price: Any, weight: Any, substitution: Any) -> FloatArray:
    """Return each alternative's share of the cost of the cheapest mix, in the shape of ``price``.

    Parameters
    ----------
    price, weight, substitution
        As in :func:`ces_price_index`.

    Notes
    -----
    ``s_i = w_i (p_i/P)^(1-σ)``, which sum to 1.

    Examples
    --------
    >>> [round(float(share), 4) for share in ces_shares([1.0, 4.0], [0.5, 0.5], 2.0)]
    [0.8, 0.2]
    """
    prices, weights = _ces_inputs(price, weight, substitution)
    logs = (1.0 - substitution) * np.log(prices) + np.log(weights)
    return logit_shares(logs)


def ces_demand(
    price: Any, weight: Any, substitution: Any, *, quantity: Any, reference_index: Any, elasticity: Any
) -> FloatArray:
    """Return the demand for each workload when workloads substitute and their total answers to the price index.

    Parameters
    ----------
    price, weight, substitution
        As in :func:`ces_price_index`.
    quantity
        Total (composite) quantity at the reference index [token/year].
    reference_index
        Price index at which that quantity was demanded [USD/token].
    elasticity
        Elasticity of the total with respect to the index, signed [1].

    Returns
    -------
    FloatArray
        Demand of each alternative, in the shape of ``price`` [token/year].

    Notes
    -----
    ``D_i = w_i (p_i/P)^(-σ) Q (P/P_ref)^ε``. With σ = -ε there is no substitution: each answers to its own price.

    Examples
    --------
    >>> demand = ces_demand([1.0, 1.0], [0.5, 0.5], 2.0, quantity=10.0, reference_index=1.0, elasticity=-1.1)
    >>> [float(d) for d in demand]
    [5.0, 5.0]
    """
    prices, weights = _ces_inputs(price, weight, substitution)
    index = ces_price_index(price, weight, substitution)
    total = quantity * np.power(index / reference_index, elasticity)
    return readonly(weights * np.power(prices / index, -substitution) * total)


def _ces_inputs(price: Any, weight: Any, substitution: Any) -> tuple[FloatArray, FloatArray]:
    """Check prices, weights and the elasticity of substitution, and return the first two as arrays."""
    prices, weights = np.asarray(price, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if not (np.all(prices > 0) and np.all(weights > 0)):
        raise DomainError("prices and weights must be above 0")
    if not np.allclose(ordered_sum(weights), 1.0, atol=1e-9):
        raise DomainError(f"weights sum to {np.asarray(ordered_sum(weights))}: they must sum to 1")
    if not np.all(np.asarray(substitution) >= 0):
        raise DomainError(f"substitution is {substitution!r}: it must be 0 or above")
    weights = weights.reshape(weights.shape + (1,) * (prices.ndim - weights.ndim))
    return prices, weights
