"""Substitution between workloads: shares by a logit or by constant elasticity of substitution.

Alternatives are on the leading axis, draws on the last. Sums over alternatives run from first to last.
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
        Utility of choosing none of them; absent if one is always chosen [1].

    Returns
    -------
    FloatArray
        Shares in the shape of ``utility`` [1]; with the share of ``outside`` they sum to 1.

    Raises
    ------
    DomainError
        If there is no alternative or a utility is not a number.

    Notes
    -----
    ``s_i = exp(u_i) / (exp(u_0) + Σ exp(u_j))``, computed after subtracting the largest utility.

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


def ces_price_index(price: Any, weight: Any, substitution: Any) -> FloatArray:
    """Return the price index of substitutes: the price of their cheapest mix.

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
