"""Investment equations: forecast demand, orders, and the premium of a shortage (item 6)."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula(step=True)
def forecast_factor(trend: Numeric, horizon: Numeric, damping: Numeric, adjustment: Numeric) -> Numeric:
    """Capacity to aim at when an order enters service, over capacity wanted now.

    Parameters
    ----------
    trend
        Smoothed log growth of wanted compute, signed [1/year]; broadcasts.
    horizon
        From order to service, ≥ 0 [year].
    damping
        Time over which the trend fades ahead, > 0 [year]; infinity for a trend that does not fade.
    adjustment
        Time over which a gap is ordered, > 0 [year].

    Returns
    -------
    Numeric
        Factor, ≥ 0 [1].

    Notes
    -----
    ``G(h) = exp(g d (1 − e^(−h/d)))·(1 + a g e^(−h/d))``. A gap that closes at speed 1/a lags behind a growing
    target; the second factor makes up for this lag. With it, and without damping, orders meet steady growth exactly.

    Examples
    --------
    >>> round(float(forecast_factor(0.5, 0.4, np.inf, 1.0)), 6) == round(1.5 * float(np.exp(0.2)), 6)
    True
    >>> round(float(forecast_factor(0.5, 0.4, 6.0, 1.0)), 4)
    1.7811
    """
    age = horizon / damping
    kept = np.exp(-age)
    divisor = np.where(age == 0.0, 1.0, age)
    reach = horizon * np.where(age == 0.0, 1.0, -np.expm1(-age) / divisor)
    return np.exp(trend * reach) * np.maximum(1.0 + adjustment * trend * kept, 0.0)


@formula(step=True)
def orders_towards(wanted: Numeric, position: Numeric, adjustment: Numeric, step: Numeric) -> Numeric:
    """Orders per year that close the gap between desired and expected capacity.

    Parameters
    ----------
    wanted
        Capacity wanted at the horizon, ≥ 0 [accelerators or W]; broadcasts.
    position
        Part of the capacity now in service and on order that will be in service then, ≥ 0 [accelerators or W].
    adjustment
        Time over which a gap is ordered, > 0 [year].
    step
        Length of the step, ≥ 0 [year]; half of the step's own orders are placed by its middle.

    Returns
    -------
    Numeric
        Orders, ≥ 0 [accelerators/year or W/year].

    Examples
    --------
    >>> float(orders_towards(110.0, 100.0, 0.75, 0.5)), float(orders_towards(90.0, 100.0, 0.75, 0.5))
    (10.0, 0.0)
    """
    return np.maximum(wanted - position, 0.0) / (adjustment + 0.5 * step)


@formula(step=True)
def capability_growth(
    shortage: Numeric,
    premium: Numeric,
    technology: Numeric,
    response: Numeric,
    build_up: Numeric,
    max_build_up: Numeric,
    run_down: Numeric,
) -> Numeric:
    """Log growth of suppliers' capability.

    Parameters
    ----------
    shortage
        Log of orders at list price over what suppliers can deliver, signed [1]; broadcasts.
    premium
        Log premium on the list price, ≥ 0 [1].
    technology
        Log growth of accelerators per unit of effort [1/year].
    response
        Time over which suppliers close a gap to orders, > 0 [year].
    build_up
        Log growth of capability per unit of log premium, ≥ 0 [1/year].
    max_build_up, run_down
        Fastest build-up beyond technology, fastest run-down of idle capability, ≥ 0 [1/year].

    Returns
    -------
    Numeric
        Log growth, signed [1/year].

    Notes
    -----
    ``min(max(ln(orders/S)/τ, −s_down), g_hw + min(γπ, s_up))``: suppliers follow orders, in a shortage as fast as
    technology and the premium allow, and without orders only slowly.

    Examples
    --------
    >>> [round(float(capability_growth(x, 0.3, 0.26, 0.5, 1.0, 0.5, 0.1)), 2) for x in (0.5, 0.1, -0.2)]
    [0.56, 0.2, -0.1]
    """
    return np.minimum(
        np.maximum(shortage / response, -run_down), technology + np.minimum(build_up * premium, max_build_up)
    )
