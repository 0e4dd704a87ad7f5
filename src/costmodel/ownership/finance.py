"""Finance: present value, internal rates, payback, cost of capital, cost of an hour and of an operation.

Cash flows are ``(period,) + batch``, the first one now. Rates here are year-end (or period-end) rates, as is
usual in finance; the logarithmic rates of `costmodel.ownership.rent` are ``ln(1 + rate)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, formula, ordered_sum
from costmodel.foundation.errors import ConvergenceError, DomainError
from costmodel.foundation.units import SECONDS_PER_HOUR
from costmodel.ownership.checks import number_array, require
from costmodel.ownership.rent import capital_recovery_factor, levelized_cost

__all__ = [
    "capital_recovery_factor",
    "cost_per_flop",
    "cost_per_hour",
    "discounted_payback",
    "internal_rates",
    "irr",
    "levelized_cost",
    "log_rate",
    "npv",
    "payback",
    "rate_with_claims",
    "weighted_cost_of_capital",
]

_CLOSE = 1e-6
"""Distance below which roots are merged, or count as real [1]: rounding splits a double root."""
_FARTHEST = 1e6
"""Largest growth factor per period that is searched [1]; the smallest is its inverse."""
_ZERO = 1e-10
"""Present value over the sum of absolute flows that counts as zero [1]."""


@formula(step=True)
def log_rate(rate: Numeric) -> Numeric:
    """Convert a year-end rate to a logarithmic one.

    Parameters
    ----------
    rate
        Year-end rate, > −1 [1/year].

    Returns
    -------
    Numeric
        ``ln(1 + rate)`` [1/year].

    Examples
    --------
    >>> round(float(log_rate(0.10)), 4)
    0.0953
    """
    return np.log1p(rate)


@formula(step=True)
def rate_with_claims(wacc: Numeric, claims: Numeric, cash_flow: Numeric, spread: Numeric) -> Numeric:
    """Return the logarithmic cost of capital of a company with debt and leases.

    Parameters
    ----------
    wacc
        Cost of capital without claims, year-end rate, > −1 [1/year].
    claims
        Debt and leases, net of cash, signed [USD]; below 0 they add nothing.
    cash_flow
        Yearly cash flow before capital spending that covers them, > 0 [USD/year].
    spread
        Rate that claims of one year's cash flow add, ≥ 0 [1/year].

    Returns
    -------
    Numeric
        ``ln(1 + WACC + spread·claims/cash flow)`` [1/year].

    Examples
    --------
    Claims of two years' cash flow, at 1.5 percentage points each:

    >>> round(float(rate_with_claims(0.10, 200e9, 100e9, 0.015)), 4)
    0.1222
    """
    return np.log1p(wacc + spread * np.maximum(claims, 0.0) / cash_flow)


@formula()
def weighted_cost_of_capital(
    equity_share: Numeric, equity_cost: Numeric, debt_cost: Numeric, tax_rate: Numeric
) -> Numeric:
    """Return the weighted average cost of capital (WACC) after tax.

    Parameters
    ----------
    equity_share
        Equity over equity and debt at market value, 0 to 1 [1].
    equity_cost
        Required return on equity, year-end [1/year].
    debt_cost
        Interest on debt before tax, year-end [1/year].
    tax_rate
        Rate at which interest is deducted, 0 to 1 [1]; 0 for a company that pays no tax.

    Returns
    -------
    Numeric
        Year-end rate [1/year].

    Notes
    -----
    ``E·k_E + (1 − E)·k_D·(1 − t)``.

    Examples
    --------
    >>> round(float(weighted_cost_of_capital(0.3, 0.15, 0.10, 0.21)), 4)
    0.1003
    """
    return equity_share * equity_cost + (1.0 - equity_share) * debt_cost * (1.0 - tax_rate)


@formula(step=True)
def cost_per_hour(yearly_cost: Numeric, utilisation: Numeric, hours_per_year: Numeric) -> Numeric:
    """Return the cost of an hour in use.

    Parameters
    ----------
    yearly_cost
        Cost of a year, whether used or not, ≥ 0 [USD/year].
    utilisation
        Share of hours that bear the cost (sold, or in use), 0 < u ≤ 1 [1].
    hours_per_year
        Operating hours in a year, > 0 [hour/year]; 8,766 throughout the library.

    Returns
    -------
    Numeric
        Cost per hour sold or in use [USD/hour].

    Examples
    --------
    >>> round(float(cost_per_hour(10_519.2, 0.8, 8766.0)), 3)
    1.5
    """
    return yearly_cost / (hours_per_year * utilisation)


@formula(step=True)
def cost_per_flop(hourly_cost: Numeric, peak: Numeric, mfu: Numeric) -> Numeric:
    """Return the cost of a useful floating-point operation.

    Parameters
    ----------
    hourly_cost
        Cost of an accelerator-hour, ≥ 0 [USD/hour].
    peak
        Dense peak of the accelerator at the precision used, > 0 [FLOP/s].
    mfu
        Share of the peak that does useful work, 0 < m ≤ 1 [1].

    Returns
    -------
    Numeric
        Cost [USD/FLOP].

    Examples
    --------
    An H100 at 2 USD an hour and 40 % of 989 TFLOP/s: USD per 10^18 FLOP

    >>> round(float(cost_per_flop(2.0, 989.4e12, 0.4)) * 1e18, 3)
    1.404
    """
    return hourly_cost / (peak * mfu * SECONDS_PER_HOUR)


def npv(rate: ArrayLike, cash_flows: ArrayLike) -> Numeric:
    """Return the net present value of cash flows one period apart, the first one now.

    Parameters
    ----------
    rate
        Rate per period, > −1 [1], any shape.
    cash_flows
        Signed flows [USD], ``(period,) + batch``.

    Raises
    ------
    DomainError
        If a rate is −1 or less, or a flow is not finite.

    Examples
    --------
    >>> round(float(npv(0.1, [-100.0, 60.0, 60.0])), 4)
    4.1322
    """
    per_period = number_array("rate", rate, unit="1")
    require("rate", per_period, per_period > -1.0, "> -1 [1]")
    flows = _flows(cash_flows)
    factor = 1.0 / (1.0 + per_period)
    discounted: list[Numeric] = [flow * np.power(factor, float(period)) for period, flow in enumerate(flows)]
    return ordered_sum(discounted) + 0.0


def internal_rates(cash_flows: ArrayLike) -> tuple[float, ...]:
    """Return every rate at which the present value of some cash flows is zero, in order.

    Parameters
    ----------
    cash_flows
        Signed flows one period apart [USD], ``(period,)``.

    Returns
    -------
    tuple
        Rates per period between −0.999999 and 1e6 [1]; empty if there is none.

    Raises
    ------
    DomainError
        If the flows are not one finite series, or all zero.

    Examples
    --------
    The flows of a mine with clean-up at the end have two internal rates:

    >>> [round(rate, 6) for rate in internal_rates([-100.0, 230.0, -132.0])]
    [0.1, 0.2]
    """
    flows = _flows(cash_flows)
    if flows.ndim != 1:
        raise DomainError(f"internal rates need one series of cash flows; given the shape {flows.shape}")
    if not flows.any():
        raise DomainError("internal rates: all cash flows are zero, so every rate qualifies")
    growth = np.roots(flows)
    real = np.abs(growth.imag) <= _CLOSE * np.abs(growth)
    near = growth[real & (growth.real > 1.0 / _FARTHEST) & (growth.real < _FARTHEST)].real
    rates: list[float] = []
    for root in sorted(_polished(flows, float(start)) for start in near):
        known = rates and root - 1.0 - rates[-1] < _CLOSE
        if not known and abs(np.polyval(flows, root)) <= _ZERO * np.polyval(np.abs(flows), root):
            rates.append(root - 1.0)
    return tuple(rates)


def irr(cash_flows: ArrayLike) -> float:
    """Return the internal rate of return if there is exactly one.

    Parameters
    ----------
    cash_flows
        Signed flows one period apart [USD], ``(period,)``.

    Raises
    ------
    ConvergenceError
        If no rate, or more than one, makes the present value zero; the message lists them.
    DomainError
        If the flows are not one finite series, or all zero.

    Examples
    --------
    >>> round(irr([-100.0, 60.0, 60.0]), 6)
    0.130662
    """
    rates = internal_rates(cash_flows)
    if len(rates) == 1:
        return rates[0]
    if not rates:
        raise ConvergenceError("no internal rate of return: the present value is zero at no rate above -1; use npv()")
    listed = ", ".join(f"{rate:.6g}" for rate in rates)
    raise ConvergenceError(
        f"several internal rates of return ({listed}): the flows change sign more than once; use npv()"
    )


def payback(cash_flows: ArrayLike) -> Numeric:
    """Return the periods until cumulative cash flow turns to zero or above for good.

    Parameters
    ----------
    cash_flows
        Signed flows one period apart, the first one now [USD], ``(period,) + batch``; a flow is spread evenly over
        the period that ends with it.

    Returns
    -------
    Numeric
        Periods [1]; 0 where cumulative cash flow is never negative, infinite where it is never paid back.

    Raises
    ------
    DomainError
        If a flow is not finite.

    Examples
    --------
    >>> float(payback([-100.0, 40.0, 40.0, 40.0])), float(payback([-100.0, 40.0]))
    (2.5, inf)
    """
    flows = _flows(cash_flows)
    total = np.cumsum(flows, axis=0)
    owed = total < 0.0
    last = np.where(owed.any(axis=0), len(flows) - 1 - np.argmax(owed[::-1], axis=0), -1)
    within = np.minimum(np.maximum(last, 0), max(len(flows) - 2, 0))
    before = np.take_along_axis(total, within[np.newaxis], axis=0)[0]
    following = np.take_along_axis(flows, np.minimum(within + 1, len(flows) - 1)[np.newaxis], axis=0)[0]
    part = -before / np.where(following > 0.0, following, 1.0)
    return np.where(last < 0, 0.0, np.where(last == len(flows) - 1, np.inf, within + part))[()]


def discounted_payback(rate: ArrayLike, cash_flows: ArrayLike) -> Numeric:
    """Return the periods until the discounted cumulative cash flow turns to zero or above for good.

    Parameters
    ----------
    rate
        Rate per period, > −1 [1].
    cash_flows
        Signed flows, as for `payback` [USD].

    Raises
    ------
    DomainError
        If a rate is −1 or less, or a flow is not finite.

    Examples
    --------
    >>> round(float(discounted_payback(0.1, [-100.0, 60.0, 60.0])), 3)
    1.917
    """
    per_period = number_array("rate", rate, unit="1")
    require("rate", per_period, per_period > -1.0, "> -1 [1]")
    flows = _flows(cash_flows)
    periods = np.arange(len(flows)).reshape((-1,) + (1,) * max(flows.ndim - 1, per_period.ndim))
    wide = flows.reshape(flows.shape + (1,) * (periods.ndim - flows.ndim))
    return payback(wide * np.power(1.0 + per_period, -periods.astype(np.float64)))


def _flows(cash_flows: ArrayLike) -> FloatArray:
    flows = number_array("cash_flows", cash_flows, unit="USD")
    if flows.ndim == 0 or len(flows) == 0:
        raise DomainError("cash_flows must be a series of at least one period; given a single number or an empty one")
    return flows


def _polished(flows: FloatArray, growth: float) -> float:
    """Refine a root by Newton steps on the polynomial in the growth factor."""
    slope = np.polyder(flows)
    for _ in range(4):
        steep = float(np.polyval(slope, growth))
        if steep == 0.0:
            break
        growth -= float(np.polyval(flows, growth)) / steep
    return growth
