"""Market clearing: find the rent at which the hours demanded equal the hours offered.

Token prices adjust towards cost at that rent, and users notice prices with a delay; both adjustments are exact for a
target that is linear within a step. Log prices at the end of a step are therefore linear in the log rent
(:class:`PriceLines`), and one equation in the log rent describes the whole market. It is solved element by element:
every draw takes the same passes whatever the others do, and a converged draw no longer changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, as_array, formula, ordered_sum
from costmodel.foundation.row_loops import State, repeat
from costmodel.market.demand import ceiling_in_logs
from costmodel.market.pricing import first_order_lag

__all__ = [
    "Conditions",
    "Outcome",
    "PriceLines",
    "PriceState",
    "clearing_rent",
    "money_per_token",
    "offered_use",
    "offered_use_slope",
    "outcome_at",
    "price_lines",
    "response_in_the_long_run",
    "solve_decreasing",
]

PASSES = 18
"""Largest number of passes of the solver [1]: five suffice for nearly all rents; premiums on chips, whose rule has
kinks, took up to fifteen in 2,000 random draws of the built-in industry."""
ARRIVED = 1e-14
"""Log residual at which a draw counts as solved and is no longer changed [1]."""
HIGHEST_RENT = 7.0
"""Log of the highest rent over the required rent that the solver searches [1]: a factor of 1,100."""
_TINY = 1e-300
"""Replacement for zero in logarithms and denominators, far below any meaningful quantity."""
UNPAID = -600.0
"""Log of the paid share of the list price below which a workload counts as unpaid [1]: far below any real share, far
above the log of the replacement for zero."""
_STEEPEST = 1e12
"""Largest log slope of offered hours [1]: at the running cost itself the slope is unbounded."""


@formula(step=True)
def offered_use(
    rent: Numeric,
    running_cost: Numeric,
    required_rent: Numeric,
    target_use: Numeric,
    max_use: Numeric,
    scarcity_exponent: Numeric,
) -> Numeric:
    """Return the share of their capacity that owners offer at a rent: running cost plus a scarcity rent on capital.

    Parameters
    ----------
    rent
        Rent per hour used, ≥ 0 [USD/hour]; broadcasts.
    running_cost
        Cost of running capacity per hour used, ≥ 0 [USD/hour]; nothing is offered below it.
    required_rent
        Rent per hour used that capital must earn at target use, above ``running_cost`` [USD/hour].
    target_use
        Average use that the load allows, 0 < u ≤ 1 [1].
    max_use
        Largest use, from ``target_use`` to 1 [1].
    scarcity_exponent
        Exponent φ of the scarcity rent on use, > 0 [1].

    Returns
    -------
    Numeric
        Offered share of capacity, 0 to ``max_use`` [1].

    Notes
    -----
    ``u = min(u_max, u*·((ρ − m)/(R − m))^(1/φ))``, so that ``ρ = m + (R − m)(u/u*)^φ`` below the largest use: at
    target use the rent is the required rent.

    Examples
    --------
    >>> round(float(offered_use(2.0, 0.5, 1.5, 0.75, 0.88, 3.0)), 4), float(offered_use(1.5, 0.5, 1.5, 0.75, 0.88, 3.0))
    (0.8585, 0.75)
    """
    scarcity = np.maximum(rent - running_cost, 0.0) / np.maximum(required_rent - running_cost, _TINY)
    return np.minimum(max_use, target_use * np.power(scarcity, 1.0 / scarcity_exponent))


@formula(step=True)
def offered_use_slope(
    rent: Numeric,
    running_cost: Numeric,
    required_rent: Numeric,
    target_use: Numeric,
    max_use: Numeric,
    scarcity_exponent: Numeric,
) -> Numeric:
    """Return the elasticity of offered use with respect to the rent: ``d ln u / d ln ρ``.

    Parameters
    ----------
    rent, running_cost, required_rent, target_use, max_use, scarcity_exponent
        As for :func:`offered_use`.

    Returns
    -------
    Numeric
        Elasticity, ≥ 0 [1]: ``ρ/(φ(ρ − m))`` below the largest use, 0 at it.

    Examples
    --------
    >>> round(float(offered_use_slope(1.5, 0.5, 1.5, 0.75, 0.88, 3.0)), 6)
    0.5
    """
    above = np.maximum(rent - running_cost, _TINY)
    scarcity = above / np.maximum(required_rent - running_cost, _TINY)
    free = target_use * np.power(scarcity, 1.0 / scarcity_exponent) < max_use
    return np.where(free, np.minimum(rent / (scarcity_exponent * above), _STEEPEST), 0.0) + 0.0


@formula(step=True)
def money_per_token(price: Numeric, unit_cost: Numeric, paid_share: Numeric, realisation: Numeric) -> Numeric:
    """Return the money that a token takes from its users' budget.

    Parameters
    ----------
    price
        List price, > 0 [USD/token]; broadcasts.
    unit_cost
        Cost of a token at the current rent, ≥ 0 [USD/token].
    paid_share
        Share of tokens that are paid for, 0 to 1 [1].
    realisation
        Realised over list price, ≥ 0 [1].

    Returns
    -------
    Numeric
        ``price × realisation × paid share``; the unit cost for a workload that nobody pays for [USD/token].

    Examples
    --------
    >>> float(money_per_token(8.0, 3.0, 0.5, 0.75)), float(money_per_token(8.0, 3.0, 0.0, 0.75))
    (3.0, 3.0)
    """
    paid = price * realisation * paid_share
    return np.where(paid > 0.0, paid, unit_cost) + 0.0


@dataclass(slots=True)
class PriceState:
    """Price state carried from one mid-step to the next, ``(workload, draw)``, logs of USD/token."""

    log_price: FloatArray
    log_noticed: FloatArray
    log_target: FloatArray


@dataclass(frozen=True, slots=True)
class PriceLines:
    """Log list price and log noticed price at the end of a step, as lines in the log rent; ``(workload, draw)``."""

    price: FloatArray
    price_slope: FloatArray
    noticed: FloatArray
    noticed_slope: FloatArray
    target: FloatArray
    """Log target price at a rent of 1; its slope is 1."""

    def at(self, log_rent: Numeric) -> PriceState:
        """Return the prices at a log rent."""
        return PriceState(
            self.price + self.price_slope * log_rent,
            self.noticed + self.noticed_slope * log_rent,
            as_array(self.target + log_rent),
        )


def price_lines(
    state: PriceState, log_target: FloatArray, speed: FloatArray, memory: FloatArray, span: float
) -> PriceLines:
    """Return the prices at the end of a step, as lines in the log rent.

    Parameters
    ----------
    state
        Prices at the last mid-step.
    log_target
        Log of mark-up factor times hours per token: the log target price at a rent of 1.
    speed, memory
        Speed θ at which list prices adjust to their target, and speed ω at which users notice them [1/year].
    span
        Years since the last mid-step.
    """
    none = np.zeros_like(state.log_price)
    slope = first_order_lag(none, none, none + 1.0, speed, span)
    price = first_order_lag(state.log_price, state.log_target, log_target, speed, span)
    noticed_slope = first_order_lag(none, none, slope, memory, span)
    noticed = first_order_lag(state.log_noticed, state.log_price, price, memory, span)
    return PriceLines(as_array(price), as_array(slope), as_array(noticed), as_array(noticed_slope), log_target)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of a step that do not depend on the rent, ``(workload, draw)`` unless stated."""

    level: FloatArray
    """Tokens wanted at the reference price [token/year]: start × adoption × intensity × capability."""
    hours: FloatArray
    """Accelerator-hours used per token [hour/token]."""
    elasticity: FloatArray
    log_reference: FloatArray
    budget: FloatArray
    sharpness: FloatArray
    paid_share: FloatArray
    realisation: FloatArray
    log_spend: FloatArray = field(init=False)
    """Log of tokens at the reference price over the budget; add log money per token for spend over budget."""
    log_hours: FloatArray = field(init=False)
    log_paid: FloatArray = field(init=False)
    """Log of the paid share of the list price; below ``UNPAID`` for a workload that nobody pays for."""

    def __post_init__(self) -> None:
        level, budget = np.maximum(self.level, _TINY), np.maximum(self.budget, _TINY)
        object.__setattr__(self, "log_spend", np.log(level) - np.log(budget))
        object.__setattr__(self, "log_hours", np.log(np.maximum(self.hours, _TINY)))
        object.__setattr__(self, "log_paid", np.log(np.maximum(self.paid_share * self.realisation, _TINY)))

    def log_money(self, log_price: Numeric, log_rent: Numeric) -> FloatArray:
        """Return the log of :func:`money_per_token` at a list price and at a rent's unit cost."""
        return np.where(self.log_paid > UNPAID, log_price + self.log_paid, self.log_hours + log_rent)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Tokens at a log rent, ``(workload, draw)`` [token/year], and the log slope of tokens bought."""

    unbounded: FloatArray
    """Demand at the price that users have noticed, without the ceiling."""
    demanded: FloatArray
    """Demand at the price that users have noticed, within their budget."""
    bought: FloatArray
    """Tokens bought: demand, but no more than demand at the price that the rent implies."""
    slope: FloatArray


def _wanted(
    log_price: FloatArray, log_paid: FloatArray, slope: Numeric, paid_slope: Numeric, log_rent: Numeric, at: Conditions
) -> tuple[FloatArray, FloatArray]:
    """Return tokens wanted within the ceiling, and their log slope in the log rent."""
    response = _response(log_price, at)
    over = at.log_spend + response + at.log_money(log_paid, log_rent)
    left, pressure = ceiling_in_logs(over, at.sharpness)
    free = at.elasticity * slope
    money_slope = np.where(at.log_paid > UNPAID, paid_slope, 1.0)
    return at.level * np.exp(response + left), free - pressure * (free + money_slope)


def _response(log_price: FloatArray, at: Conditions) -> FloatArray:
    """Return the log of the response to a price."""
    return as_array(at.elasticity * (log_price - at.log_reference))


def _bought(log_rent: FloatArray, lines: PriceLines, at: Conditions) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return tokens wanted at the price that users have noticed, tokens bought, and the log slope of the latter."""
    prices = lines.at(log_rent)
    usual, slope = _wanted(prices.log_noticed, prices.log_price, lines.noticed_slope, lines.price_slope, log_rent, at)
    clearing, clearing_slope = _wanted(prices.log_target, prices.log_target, 1.0, 1.0, log_rent, at)
    return usual, np.minimum(usual, clearing), np.where(clearing < usual, clearing_slope, slope)


def outcome_at(log_rent: FloatArray, lines: PriceLines, at: Conditions) -> Outcome:
    """Return the tokens wanted and bought at a log rent.

    Notes
    -----
    Customers demand tokens at the price that they notice; sellers serve no more than would be bought at the clearing
    price: ``min(D(p̃), D(p*))``. The ceiling limits the money paid, at the list price and at p*.
    """
    unbounded = at.level * np.exp(_response(lines.at(log_rent).log_noticed, at))
    return Outcome(unbounded, *_bought(log_rent, lines, at))


def response_in_the_long_run(log_rent: FloatArray, log_target: FloatArray, at: Conditions) -> FloatArray:
    """Return the long-run elasticity of tokens to the rent: prices have adjusted and users have noticed them.

    Parameters
    ----------
    log_rent
        Log rent, ``(draw,)``.
    log_target
        Log target price at a rent of 1, ``(workload, draw)``.
    at
        Conditions of the step.
    """
    price = log_target + log_rent
    return _wanted(price, price, 1.0, 1.0, log_rent, at)[1]


Residual = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def solve_decreasing(residual: Residual, low: FloatArray, high: FloatArray, start: FloatArray) -> FloatArray:
    """Solve for the zero of a decreasing function, element by element, in at most eighteen passes.

    Parameters
    ----------
    residual
        Returns the function and its slope, at most 0.
    low, high
        Bracket: the function is assumed to be ≥ 0 at ``low`` and ≤ 0 at ``high``.
    start
        First guess within the bracket.

    Returns
    -------
    array
        The best point found; where the bracket has no zero, a point near one of its ends.

    Notes
    -----
    Newton's method inside the bracket. Where a pass does not halve the residual, the next pass uses the secant of the
    bracket with the residual at its stale end halved (Illinois method), or the middle of the bracket while an end has
    not been evaluated.
    """

    def one_pass(state: State) -> State:
        best, best_size, x, value, slope, low, low_value, high, high_value, last_size, last_side = state
        size = np.abs(value)
        above = value > 0.0
        side = np.where(above, 1.0, -1.0)
        stale = np.where(side == last_side, 0.5, 1.0)
        low, low_value = np.where(above, x, low), np.where(above, value, low_value * stale)
        high, high_value = np.where(above, high, x), np.where(above, high_value * stale, value)
        secant = (low * high_value - high * low_value) / (high_value - low_value)
        inner = np.where(np.isnan(secant), 0.5 * (low + high), secant)
        newton = x - value / np.minimum(slope, -_TINY)
        good = (newton > low) & (newton < high) & (size <= 0.5 * last_size)
        x = np.where(best_size <= ARRIVED, best, np.where(good, newton, inner))
        value, slope = residual(x)
        now = np.abs(value)
        best, best_size = np.where(now < best_size, x, best), np.minimum(now, best_size)
        return best, best_size, x, value, slope, low, low_value, high, high_value, size, side

    value, slope = residual(start)
    first, none, endless = np.abs(value), np.full_like(start, np.nan), np.full_like(start, np.inf)
    state = (start, first, start, value, slope, low, none, high, none, endless, np.zeros_like(start))
    return as_array(repeat(PASSES - 1, one_pass, state, lambda state: state[1] <= ARRIVED)[0])


def clearing_rent(
    lines: PriceLines,
    at: Conditions,
    other: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    offered: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    low: FloatArray,
    high: FloatArray,
    start: FloatArray,
) -> FloatArray:
    """Return the log rent at which hours wanted equal hours offered, ``(draw,)``.

    Parameters
    ----------
    lines, at
        Prices and conditions of the step's workloads.
    other
        Function of the log rent that returns hours wanted for other uses, and their slope [hour/year].
    offered
        Function of the log rent that returns hours offered, and their slope [hour/year].
    low, high, start
        Bracket and first guess of the log rent.
    """

    def residual(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        _, bought, tokens_slope = _bought(x, lines, at)
        busy = bought * at.hours
        rest, rest_slope = other(x)
        supply, supply_slope = offered(x)
        wanted = ordered_sum(busy) + rest
        slope = (ordered_sum(busy * tokens_slope) + rest_slope) / np.maximum(wanted, _TINY)
        gap = np.log(np.maximum(wanted, _TINY)) - np.log(np.maximum(supply, _TINY))
        return gap, slope - supply_slope / np.maximum(supply, _TINY)

    return solve_decreasing(residual, low, high, start)
