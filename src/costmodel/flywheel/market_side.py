"""Market side of a step: compute per token, demand, training budgets and the clearing rent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.software import accelerator_seconds_per_token, compute_per_token, software_efficiency
from costmodel.flywheel.drivers import Drivers, draws, rate_at, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.row_loops import rows_at
from costmodel.foundation.units import HOURS_PER_YEAR, SECONDS_PER_HOUR
from costmodel.market.clearing import (
    HIGHEST_RENT,
    Conditions,
    Outcome,
    PriceState,
    clearing_rent,
    offered_use,
    offered_use_slope,
    outcome_at,
    price_lines,
)
from costmodel.market.demand import capability_response
from costmodel.market.pricing import closing_share
from costmodel.training.programme import capability_index, training_budget

TINY = 1e-300
"""Positive number in place of zero in a denominator or a logarithm."""
LOWEST_RENT = 12.0
"""Log of the required rent over the lowest rent that the solver tries [1]."""
MAX_STEP_GROWTH = 3.0
"""Largest log growth within a step that the prediction of mid-step tokens uses [1]."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Capacity offered in a step, ``(operator, draw)``; money per hour used."""

    accelerators: FloatArray
    """Accelerators in working order and powered."""
    required_rent: FloatArray
    """Required rent at list prices, on which orders are based [USD/hour]."""
    paid_rent: FloatArray
    """Required rent with current premiums [USD/hour]."""
    running_cost: FloatArray
    """Running cost of new capacity [USD/hour]."""


@dataclass(frozen=True, slots=True)
class Situation:
    """State of the market before a step's rent is known, ``(workload, draw)`` unless stated."""

    conditions: Conditions
    log_target: FloatArray
    """Log of the target price at a rent of 1 [USD/token]."""
    efficiency: FloatArray
    compute: FloatArray
    capability: FloatArray
    """Effective training compute of the models in use over that at the start, ``(draw,)`` [1]."""
    capability_response: FloatArray
    budget: FloatArray
    """Training budgets, ``(operator, draw)`` [USD/year]."""
    internal: FloatArray
    """Internal work at the reference rent, ``(draw,)`` [hour/year]."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """Outcome of a step of the market, ``(draw,)`` unless stated."""

    rent: FloatArray
    """Rent that clears the market [USD/hour used]."""
    outcome: Outcome
    prices: PriceState
    served: FloatArray
    """Tokens served, ``(workload, draw)`` [token/year]."""
    rationing: FloatArray
    """Share of demand at the rent that can be served [1]; below 1 only where no rent clears the market."""
    token_hours: FloatArray
    """``(workload, draw)`` [hour/year]."""
    training_hours: FloatArray
    """``(operator, draw)`` [hour/year]."""
    internal_hours: FloatArray
    """[hour/year]."""
    use: FloatArray
    """Offered share of each operator's capacity, ``(operator, draw)`` [1]."""
    sold_hours: FloatArray
    """Hours of each operator's capacity that are used, ``(operator, draw)`` [hour/year]."""


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """Parameters that the market uses in every step, ``(draw,)`` or ``(workload, draw)``."""

    speed: FloatArray
    exponent: FloatArray
    target_use: FloatArray
    max_use: FloatArray
    experience: FloatArray
    initial_tokens: FloatArray
    compute: FloatArray
    compute_floor: FloatArray
    mfu: FloatArray
    peak: FloatArray
    revenue_share: FloatArray
    revenue_memory: FloatArray
    past_growth: FloatArray
    """Growth of effective training compute up to the start: of compute, and of efficiency at the rate of the start."""
    capability_lag: FloatArray
    internal_elasticity: FloatArray
    reference_rent: FloatArray


def market_parameters(scenario: FlywheelScenario) -> MarketParameters:
    """Read the market's parameters from a resolved scenario."""
    clearing, training, items = scenario.clearing, scenario.training, scenario.market.values()
    efficiency = np.atleast_2d(rate_at(training.algorithmic_growth, np.zeros(1)))[0]
    return MarketParameters(
        speed=draws(np.inf if clearing.speed is None else clearing.speed),
        exponent=draws(clearing.scarcity_exponent),
        target_use=draws(clearing.target_use),
        max_use=draws(clearing.max_use),
        experience=draws(scenario.software.experience_exponent),
        initial_tokens=draws(scenario.software.initial_cumulative_tokens),
        compute=stack([draws(item.compute_per_token) for item in items]),
        compute_floor=stack([draws(item.compute_floor) for item in items]),
        mfu=stack([draws(item.mfu) for item in items]),
        peak=draws(scenario.hardware.peak),
        revenue_share=draws(training.revenue_share),
        revenue_memory=draws(training.revenue_memory),
        past_growth=draws(training.initial_growth) + efficiency,
        capability_lag=draws(training.capability_lag),
        internal_elasticity=draws(scenario.internal.rent_elasticity),
        reference_rent=draws(scenario.internal.reference_rent),
    )


@dataclass(slots=True)
class MarketState:
    """Market state carried from step to step, ``(draw,)`` unless stated."""

    prices: PriceState
    required: PriceState | None
    """Prices if they had always followed the required rent; None before the first step."""
    cumulative: FloatArray
    learned: FloatArray
    """Tokens from which software has learned, including those before the start [token]."""
    last: FloatArray | None
    """Tokens of the last step [token/year]; ``before`` holds those of the step before it."""
    before: FloatArray | None
    revenue: FloatArray | None
    """Smoothed token revenue by operator, ``(operator, draw)`` [USD/year]."""
    effective: FloatArray
    """Log of effective training compute by step, ``(step, draw)``."""
    log_rent: FloatArray | None


def market_state(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> MarketState:
    """Return the market at the start: list prices as given, and the prices that users remember."""
    work, items = drivers.workloads, list(scenario.market.values())
    shape = (len(items), batch)
    price = np.broadcast_to(work.log_reference, shape)
    remembered = stack(
        [draws(item.price if item.remembered_price is None else item.remembered_price) for item in items]
    )
    tokens = np.broadcast_to(draws(scenario.software.initial_cumulative_tokens), (batch,))
    return MarketState(
        prices=PriceState(price, np.broadcast_to(np.log(remembered), shape), price),
        required=None,
        cumulative=tokens,
        learned=tokens,
        last=None,
        before=None,
        revenue=None,
        effective=np.zeros((drivers.grid.steps, batch)),
        log_rent=None,
    )


def situation(
    step: int, drivers: Drivers, parameters: MarketParameters, state: MarketState, shares: FloatArray
) -> Situation:
    """Return the state of a step before clearing: compute per token, tokens wanted at the reference price, budgets.

    Parameters
    ----------
    step, drivers, parameters, state
        The present step.
    shares
        Operators' shares of token revenue and of investors' money, two arrays of ``(operator, draw)``.
    """
    work = drivers.workloads
    ratio = _learned_at_middle(step, drivers, state) / parameters.initial_tokens
    efficiency = software_efficiency(drivers.software_trend[step], ratio, parameters.experience, 1.0)
    compute = compute_per_token(parameters.compute, drivers.model_index[step], efficiency, parameters.compute_floor)
    hours = accelerator_seconds_per_token(compute, parameters.mfu, parameters.peak) / SECONDS_PER_HOUR
    capability = _capability(step, drivers, parameters, state)
    response = capability_response(capability, work.capability_elasticity)
    level = work.tokens * work.adoption[step] * work.intensity[step] * response * drivers.demand_factor[step]
    conditions = Conditions(
        level=level,
        hours=as_array(hours),
        elasticity=work.elasticity,
        log_reference=work.log_reference,
        budget=work.budget[step],
        sharpness=work.sharpness,
        paid_share=work.paid_share[step],
        realisation=work.realisation[step],
    )
    if state.revenue is None:
        paid = np.exp(state.prices.log_price) * conditions.realisation * conditions.paid_share
        state.revenue = as_array(ordered_sum(level * paid)) * shares[0]
    budget = training_budget(state.revenue, parameters.revenue_share, drivers.investors[step] * shares[1])
    log_target = drivers.markup[step] + np.log(np.maximum(hours, TINY))
    internal = drivers.internal[step] * HOURS_PER_YEAR
    software, needed, answer, training = map(as_array, (efficiency, compute, response, budget))
    return Situation(conditions, log_target, software, needed, capability, answer, training, internal)


def _learned_at_middle(step: int, drivers: Drivers, state: MarketState) -> FloatArray:
    """Return the tokens from which software has learned by mid-step [token].

    Notes
    -----
    The step's tokens are predicted from the growth between the last two steps. Of a flow that grows by g in logs within
    a step, ``1/(1 + exp(g/2))`` comes before the middle. In steady growth both are exact.
    """
    if state.last is None:
        return state.learned
    growth = np.zeros_like(state.last)
    if state.before is not None:
        change = np.log(np.maximum(state.last, TINY) / np.maximum(state.before, TINY))
        growth = np.clip(change, -MAX_STEP_GROWTH, MAX_STEP_GROWTH)
    foretold = state.last * np.exp(growth) * drivers.learning[step]
    return as_array(state.learned + foretold * drivers.step / (1.0 + np.exp(growth / 2.0)))


def _capability(step: int, drivers: Drivers, parameters: MarketParameters, state: MarketState) -> FloatArray:
    """Return effective training compute of the models in use over that at the start.

    The lag is at least a step: a model trained in a step serves in a later one. Before the first mid-step, compute is
    assumed to have grown at the rate before the start.
    """
    lag = np.maximum(parameters.capability_lag, drivers.step)
    growth = parameters.past_growth
    first, now = drivers.times[0], drivers.times[step]
    if step == 0:
        return as_array(np.exp(growth * now) + np.zeros_like(state.effective[0]))
    position = (now - lag - first) / drivers.step
    low = np.clip(np.floor(position).astype(int), 0, step - 1)
    high = np.minimum(low + 1, step - 1)
    part = np.maximum(position - low, 0.0)
    level = rows_at(state.effective, low) * (1.0 - part) + rows_at(state.effective, high) * part
    before = np.minimum(now - lag - first, 0.0) * growth
    start = state.effective[0] - growth * (first + lag)
    return as_array(np.exp(level + before - start))


def clear(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    state: MarketState,
    at: Situation,
    capacity: Capacity,
) -> Cleared:
    """Find the rent at which hours demanded equal hours offered, and the resulting allocation."""
    span = drivers.span(step)
    lines = price_lines(state.prices, at.log_target, parameters.speed, drivers.workloads.memory, span)
    budget = as_array(ordered_sum(at.budget))
    use_terms = (
        capacity.running_cost,
        capacity.paid_rent,
        parameters.target_use,
        parameters.max_use,
        parameters.exponent,
    )

    def internal(x: FloatArray) -> FloatArray:
        ratio = np.exp(x) / parameters.reference_rent
        return as_array(at.internal * np.power(ratio, parameters.internal_elasticity))

    def other(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        training, busy = budget * np.exp(-x), internal(x)
        return training + busy, parameters.internal_elasticity * busy - training

    def offered(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        hours = capacity.accelerators * HOURS_PER_YEAR * offered_use(np.exp(x), *use_terms)
        slope = hours * offered_use_slope(np.exp(x), *use_terms)
        return as_array(ordered_sum(hours)), as_array(ordered_sum(slope))

    low, high, start = _bracket(capacity, state, budget)
    x = clearing_rent(lines, at.conditions, other, offered, low, high, start)
    outcome, rent = outcome_at(x, lines, at.conditions), np.exp(x)
    token_hours, training_hours, internal_hours = outcome.bought * at.conditions.hours, at.budget / rent, internal(x)
    use = offered_use(rent, *use_terms)
    hours = capacity.accelerators * HOURS_PER_YEAR * use
    room = as_array(ordered_sum(hours))
    wanted = ordered_sum(token_hours) + ordered_sum(training_hours) + internal_hours
    rationing = np.minimum(room / np.maximum(wanted, TINY), 1.0)
    return Cleared(
        rent=rent,
        outcome=outcome,
        prices=lines.at(x),
        served=outcome.bought * rationing,
        rationing=rationing,
        token_hours=token_hours * rationing,
        training_hours=training_hours * rationing,
        internal_hours=internal_hours * rationing,
        use=as_array(use),
        sold_hours=wanted * rationing * hours / np.maximum(room, TINY),
    )


def _bracket(capacity: Capacity, state: MarketState, batch: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the lowest and highest log rent that the solver tries, and its starting point."""
    dearest = np.log(np.maximum(capacity.paid_rent.max(axis=0), TINY)) + np.zeros_like(batch)
    cheapest = np.log(np.maximum(capacity.paid_rent.min(axis=0), TINY)) + np.zeros_like(batch)
    running = np.log(np.maximum(capacity.running_cost.min(axis=0), TINY))
    low, high = np.maximum(running, cheapest - LOWEST_RENT), dearest + HIGHEST_RENT
    start = dearest if state.log_rent is None else state.log_rent
    middle = 0.5 * (low + high)
    return low, high, np.where((start > low) & (start < high), start, middle)


def advance(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    state: MarketState,
    cleared: Cleared,
    revenue: FloatArray,
) -> None:
    """Update the market's state after a step (item 5).

    Parameters
    ----------
    step, drivers, parameters, state, cleared
        Number of the step, its drivers, and the market before and after clearing.
    revenue
        Token revenue by operator, ``(operator, draw)`` [USD/year].
    """
    dt, served = drivers.step, as_array(ordered_sum(cleared.served))
    state.prices = cleared.prices
    state.log_rent = np.log(cleared.rent)
    state.cumulative = state.cumulative + served * dt
    state.learned = state.learned + served * dt * drivers.learning[step]
    state.before, state.last = state.last, served
    if state.revenue is not None:
        state.revenue = state.revenue + closing_share(1.0 / parameters.revenue_memory, dt) * (revenue - state.revenue)
    compute = as_array(ordered_sum(cleared.training_hours)) * drivers.training_shock[step]
    effective = capability_index(compute, drivers.training_trend[step], 1.0)
    state.effective[step] = np.log(np.maximum(effective, TINY))
