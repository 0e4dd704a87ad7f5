"""Demand for tokens: response to price, adoption, intensity, capability and users' budgets.

Demand of one workload is a product of indices, each 1 at the reference date:
``D* = D_ref · adoption · intensity · price_ratio^elasticity · capability_ratio^capability_elasticity``,
limited by users' budgets (:func:`budget_ceiling`). Elasticities are signed: a price elasticity is
negative, a capability elasticity positive.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

_SMALLEST = 1e-300
"""Replacement for zero in logarithms and denominators, far below any meaningful quantity [1]."""
_SHORTEST_RAMP = 1e-12
"""Ramp that represents an instant launch [year]: about 30 microseconds."""


@formula(step=True)
def constant_elasticity(quantity: Numeric, price_ratio: Numeric, elasticity: Numeric) -> Numeric:
    """Return the quantity demanded after a price change, at a constant elasticity.

    Parameters
    ----------
    quantity
        Quantity at the reference price, >= 0 [token/year, or any unit of quantity]; () or (draw,).
    price_ratio
        Price over the reference price, > 0 [1]; broadcasts.
    elasticity
        Price elasticity of demand, signed, usually negative [1]; broadcasts.

    Returns
    -------
    Numeric
        Quantity demanded, in the unit of ``quantity``.

    Notes
    -----
    ``D = D_ref (p/p_ref)^ε``, hence ``d ln D / d ln p = ε`` everywhere. User spend is ``p·D``, which rises
    with a falling price if and only if ``ε < -1``.

    Examples
    --------
    >>> round(float(constant_elasticity(1.0, 0.5, -1.11)), 3)
    2.158
    """
    return quantity * np.power(price_ratio, elasticity)


@formula(step=True)
def logistic_adoption(time: Numeric, growth_rate: Numeric, ceiling: Numeric) -> Numeric:
    """Return adoption as a logistic index that is 1 at time 0 and tends to the ceiling.

    Parameters
    ----------
    time
        Years since the reference date; may be negative [year].
    growth_rate
        Logarithmic growth rate far below the ceiling, >= 0 [1/year].
    ceiling
        Saturation as a multiple of the reference, >= 1; at 1 the index stays at 1 [1].

    Returns
    -------
    Numeric
        Adoption over adoption at the reference date [1].

    Notes
    -----
    ``A = C / (1 + (C - 1) exp(-g t))``: the solution of ``A' = g A (1 - A/C)`` through ``A(0) = 1``.
    The growth rate at the reference date is ``g (1 - 1/C)``.

    Examples
    --------
    >>> round(float(logistic_adoption(1.0, 1.3, 15.0)), 4)
    3.115
    """
    return ceiling / (1.0 + (ceiling - 1.0) * np.exp(-growth_rate * time))


@formula(step=True)
def bass_adoption(time: Numeric, innovation: Numeric, imitation: Numeric, ceiling: Numeric) -> Numeric:
    """Return adoption as an index that is 1 at time 0; the remaining market fills by Bass diffusion.

    The reference adopters count as 1. The remaining market, ``ceiling - 1``, is filled by a Bass process that starts at
    the reference date: early growth comes from innovation, later growth from imitation.

    Parameters
    ----------
    time
        Years since the reference date; before it the index is 1 [year].
    innovation
        Coefficient of innovation p, >= 0 [1/year].
    imitation
        Coefficient of imitation q, >= 0 [1/year].
    ceiling
        Saturation as a multiple of the reference, >= 1 [1].

    Returns
    -------
    Numeric
        Adoption over adoption at the reference date [1].

    Notes
    -----
    ``A = 1 + (C - 1) F(t)`` with ``F = p (1 - e) / (p + q e)`` and ``e = exp(-(p + q) t)``.

    References
    ----------
    Bass, F. M. (1969). A new product growth for model consumer durables. Management Science 15(5), eq. 9.

    Examples
    --------
    >>> round(float(bass_adoption(5.0, 0.03, 0.38, 10.0)), 4)
    3.9808
    """
    elapsed = np.maximum(time, 0.0)
    rate = innovation + imitation
    remaining = np.exp(-rate * elapsed)
    adopted = -innovation * np.expm1(-rate * elapsed)
    return 1.0 + (ceiling - 1.0) * adopted / np.maximum(innovation + imitation * remaining, _SMALLEST)


@formula(step=True)
def fading_growth(time: Numeric, growth_rate: Numeric, fade_time: Numeric) -> Numeric:
    """Return the index of a quantity whose growth rate fades exponentially, such as tokens per task.

    Parameters
    ----------
    time
        Years since the reference date [year].
    growth_rate
        Logarithmic growth rate at the reference date, signed [1/year].
    fade_time
        Time in which the growth rate falls to 1/e, > 0; infinity means that it does not fade [year].

    Returns
    -------
    Numeric
        Quantity over its value at the reference date [1].

    Notes
    -----
    ``I = exp(g τ (1 - exp(-t/τ)))``: growth rate ``g exp(-t/τ)``, total rise ``exp(g τ)``.

    Examples
    --------
    >>> round(float(fading_growth(4.0, 0.58, 4.0)), 4)
    4.3341
    """
    age = time / fade_time
    divisor = np.where(age == 0.0, 1.0, age)
    mean_share = np.where(age == 0.0, 1.0, -np.expm1(-age) / divisor)
    return np.exp(growth_rate * time * mean_share)


@formula(step=True)
def launch_ramp(time: Numeric, launch: Numeric, ramp: Numeric) -> Numeric:
    """Return the share of a workload that is live: 0 before its launch, 1 after its ramp.

    Parameters
    ----------
    time
        Date [year].
    launch
        Date of launch [year].
    ramp
        Length of the linear ramp, >= 0; 0 is an instant launch [year].

    Returns
    -------
    Numeric
        Live share, 0 to 1 [1].

    Notes
    -----
    ``clip((t - launch)/ramp, 0, 1)``; for ``ramp = 0`` a step that is 0 at the launch itself.

    Examples
    --------
    >>> float(launch_ramp(2025.0, 2024.75, 0.5))
    0.5
    >>> float(launch_ramp(2025.0, 2024.75, 0.0))
    1.0
    """
    return np.minimum(np.maximum(time - launch, 0.0) / np.maximum(ramp, _SHORTEST_RAMP), 1.0)


@formula(step=True)
def capability_response(capability_ratio: Numeric, elasticity: Numeric) -> Numeric:
    """Return the factor on demand when models have become more capable.

    Parameters
    ----------
    capability_ratio
        Effective training compute over its reference, > 0 [1].
    elasticity
        Elasticity of demand with respect to capability, >= 0 [1].

    Returns
    -------
    Numeric
        Factor on demand [1].

    Notes
    -----
    ``(K/K_ref)^η``.

    Examples
    --------
    >>> round(float(capability_response(10.0, 0.12)), 4)
    1.3183
    """
    return np.power(capability_ratio, elasticity)


def ceiling_in_logs(over: Numeric, sharpness: Numeric) -> tuple[Numeric, Numeric]:
    """Return the log of the share of demand that a ceiling leaves, and its pressure, from 0 (not binding) to 1.

    Parameters
    ----------
    over
        Log of spend without the ceiling over the budget, signed [1].
    sharpness
        How sharply the ceiling binds, > 0 [1].

    Notes
    -----
    With ``z = exp(κ·over)``: the log share is ``−ln(1 + z)/κ``, and the pressure, its slope with the opposite sign, is
    ``s = z/(1 + z)``. Both are computed from ``exp(−|κ·over|)``, which never overflows. Under the ceiling, demand
    responds to its other causes by a share ``1 − s`` and to its price by ``−s``.

    Examples
    --------
    >>> left, pressure = ceiling_in_logs(0.0, 2.0)
    >>> round(float(left), 6), float(pressure)
    (-0.346574, 0.5)
    """
    excess = sharpness * over
    small = np.exp(-np.abs(excess))
    left = -(np.maximum(excess, 0.0) + np.log1p(small)) / sharpness
    return left, np.where(excess > 0.0, 1.0, small) / (1.0 + small)


@formula(step=True)
def budget_ceiling(demand: Numeric, price: Numeric, budget: Numeric, sharpness: Numeric) -> Numeric:
    """Return demand limited smoothly by the users' budget.

    Parameters
    ----------
    demand
        Demand without the ceiling, >= 0 [token/year].
    price
        Price, > 0 [USD/token].
    budget
        Largest amount that users can spend, >= 0; infinity is no ceiling [USD/year].
    sharpness
        How sharply the ceiling binds, > 0: the larger, the closer to ``min(D, B/p)`` [1].

    Returns
    -------
    Numeric
        Demand with the ceiling [token/year]: below ``demand`` and below ``budget/price``.

    Notes
    -----
    ``D / (1 + (p D/B)^κ)^(1/κ)``, computed with logarithms so that no ratio overflows.

    Examples
    --------
    >>> round(float(budget_ceiling(3.0, 1.0, 4.0, 2.0)), 6)
    2.4
    >>> float(budget_ceiling(3.0, 1.0, float("inf"), 2.0))
    3.0
    """
    spend = np.log(np.maximum(price * demand, _SMALLEST))
    left, _ = ceiling_in_logs(spend - np.log(np.maximum(budget, _SMALLEST)), sharpness)
    return demand * np.exp(left)
