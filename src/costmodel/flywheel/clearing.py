"""One step of the token market: compute per token, price, demand, service, tightness and rent.

The step is taken twice: once at the old price, to see the tightness that the price answers to, and once at the
new one, with cumulative tokens and the price that users remember corrected to mid-step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.compute.software import accelerator_seconds_per_token, compute_per_token, software_efficiency
from costmodel.flywheel.drivers import Drivers, WorkloadDrivers, draws, path
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.units import SECONDS_PER_YEAR
from costmodel.market.demand import budget_ceiling, capability_response, constant_elasticity
from costmodel.market.pricing import closing_share, first_order_lag, lagged_target_weight, semi_implicit_log_step
from costmodel.market.rental import rental_price, scarcity_factor, scarcity_premium
from costmodel.training.programme import capability_index, training_reserve

TINY = 1e-300
"""Stands in for zero in a denominator [1]."""
MAX_STEP_GROWTH = 3.0
"""Largest log growth within a step that the prediction of mid-step tokens reads [1]."""

LEAST_ACCOUNTING = 1e-6
"""Least accounting cost over required rent that a price is read from [1]: an empty balance sheet costs nothing."""


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """Parameters of pricing, service and rent that the step reads, each ``(draw,)``."""

    basis: str
    speed: FloatArray
    psi: FloatArray
    price_low: FloatArray
    price_high: FloatArray
    phi: FloatArray
    rent_low: FloatArray
    rent_high: FloatArray
    cleared: FloatArray
    max_premium: FloatArray
    fill_rate: FloatArray
    target_use: FloatArray
    max_use: FloatArray
    availability: FloatArray
    peak: FloatArray
    experience: FloatArray
    initial_tokens: FloatArray


def market_parameters(scenario: FlywheelScenario) -> MarketParameters:
    """Read the market's parameters from a resolved scenario."""
    pricing, rental, service = scenario.pricing, scenario.rental, scenario.service
    return MarketParameters(
        basis=pricing.basis,
        speed=draws(pricing.speed),
        psi=draws(pricing.tightness_exponent),
        price_low=draws(pricing.tightness_low),
        price_high=draws(pricing.tightness_high),
        phi=draws(rental.tightness_exponent),
        rent_low=draws(rental.tightness_low),
        rent_high=draws(rental.tightness_high),
        cleared=draws(rental.cleared_share),
        max_premium=draws(rental.max_scarcity_premium),
        fill_rate=draws(rental.fill_rate),
        target_use=draws(service.target_utilisation),
        max_use=draws(service.max_utilisation),
        availability=draws(scenario.hardware.fleet.availability),
        peak=draws(scenario.hardware.peak),
        experience=draws(scenario.software.experience_exponent),
        initial_tokens=draws(scenario.software.initial_cumulative_tokens),
    )


@dataclass(slots=True)
class MarketState:
    """What the token market carries from step to step; ``(workload, draw)`` unless said."""

    log_price: FloatArray
    log_memory: FloatArray
    log_target: FloatArray | None
    served: FloatArray | None
    cumulative: FloatArray
    """Cumulative tokens at the step's start, ``(draw,)``."""
    accounting_rent: FloatArray | None
    """Accounting cost per accelerator-year used in the last step, ``(draw,)`` [USD/year]."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Demand of a step and the factors that it is the product of, ``(workload, draw)``; rates per year."""

    efficiency: FloatArray
    compute: FloatArray
    seconds: FloatArray
    price_response: FloatArray
    capability_response: FloatArray
    unbounded: FloatArray
    tokens: FloatArray
    accelerators: FloatArray


@dataclass(frozen=True, slots=True)
class Clearing:
    """Outcome of a step of the token market: rates per year, accelerators, ``(draw,)`` unless said."""

    demand: Demand
    price: FloatArray
    realised: FloatArray
    unit_cost: FloatArray
    served: FloatArray
    fill: FloatArray
    capability: FloatArray
    usable: FloatArray
    reserve: FloatArray
    internal: FloatArray
    used: FloatArray
    tightness: FloatArray
    utilisation: FloatArray
    rent: FloatArray


@dataclass(slots=True)
class Training:
    """The reserve's history and the capability that follows it after a lag."""

    history: FloatArray
    growth: FloatArray
    algorithmic: FloatArray
    lag: FloatArray
    share: FloatArray
    fixed: FloatArray | None
    budget: FloatArray

    def reserve(self, step: int, drivers: Drivers, fleet: FloatArray, usable: FloatArray) -> FloatArray:
        """Return the reserve of a step, within its share of the fleet, its budget and what can be used."""
        limit = self.budget[step] / drivers.total_rent[step]
        wanted = drivers.reserve_wanted[step] if self.fixed is None else self.fixed * fleet
        held = np.minimum(training_reserve(wanted, self.share, fleet, limit), usable)
        self.history[step] = held
        return np.asarray(self.history[step])

    def capability(self, step: int, drivers: Drivers) -> FloatArray:
        """Return effective training compute relative to the start, of the models now in use.

        Before the start the reserve is taken to have grown as it is wanted to, so that capability at the start
        is 1 whatever the lag.
        """
        time = drivers.times[step]
        past = time - self.lag
        first = drivers.times[0]
        position = np.clip((past - first) / drivers.step, 0.0, step)
        low = np.floor(position).astype(int)
        high = np.minimum(low + 1, step)
        column = np.arange(self.history.shape[1])
        logs = np.log(np.maximum(self.history[: step + 1], TINY))
        level = logs[low, column] * (1.0 - (position - low)) + logs[high, column] * (position - low)
        before = np.minimum(past - first, 0.0) * self.growth
        start = logs[0] - self.growth * (first + self.lag)
        return np.asarray(capability_index(np.exp(level + before - start), self.algorithmic, time))


def training_state(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> Training:
    """Build the training programme's state."""
    inputs = scenario.training
    budget = np.full((drivers.grid.steps, 1), np.inf) if inputs.budget is None else path(inputs.budget)
    return Training(
        history=np.zeros((drivers.grid.steps, batch)),
        growth=draws(inputs.reserve_growth),
        algorithmic=draws(inputs.algorithmic_growth),
        lag=draws(inputs.capability_lag),
        share=draws(inputs.max_share),
        fixed=None if inputs.fixed_share is None else draws(inputs.fixed_share),
        budget=budget,
    )


def demand_of(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    cumulative: FloatArray,
    log_price: FloatArray,
    log_memory: FloatArray,
    capability: FloatArray,
) -> Demand:
    """Return compute per token and demand at given prices and cumulative tokens (items 1 and 4)."""
    work = drivers.workloads
    efficiency = software_efficiency(
        drivers.software_trend[step],
        cumulative / parameters.initial_tokens,
        parameters.experience,
        drivers.jumps[step],
    )
    compute = compute_per_token(work.compute, work.model_index[:, step], efficiency, work.compute_floor)
    seconds = accelerator_seconds_per_token(compute, work.mfu, parameters.peak)
    response = constant_elasticity(1.0, np.exp(log_memory - work.log_reference), work.elasticity)
    capable = capability_response(capability, work.capability_elasticity)
    shifters = work.adoption[:, step] * work.intensity[:, step] * work.rollout[:, step]
    unbounded = work.tokens * shifters * response * capable
    tokens = budget_ceiling(unbounded, np.exp(log_price), work.budget[:, step], work.sharpness)
    return Demand(
        efficiency, compute, seconds, response, capable, unbounded, tokens, tokens * seconds / SECONDS_PER_YEAR
    )


def clear(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    state: MarketState,
    training: Training,
    fleet: FloatArray,
) -> Clearing:
    """Take one step of the token market (items 1 to 8, step order 2 to 6) and move its state to mid-step."""
    usable = fleet * parameters.availability
    reserve = training.reserve(step, drivers, fleet, parameters.max_use * usable)
    capability = training.capability(step, drivers)
    internal = np.broadcast_to(drivers.internal[step], usable.shape)
    held = reserve + internal
    span, work = float(drivers.span[step]), drivers.workloads

    # Predict at the old price.
    predicted = _cumulative_at_middle(state, drivers.step, state.served, state.served)
    memory = first_order_lag(state.log_memory, state.log_price, state.log_price, work.memory, span)
    first = demand_of(step, drivers, parameters, predicted, state.log_price, memory, capability)
    price = _new_price(step, drivers, parameters, state, first, held, usable)

    # Correct at the new one.
    fill = _fill(first, held, reserve, usable, parameters)
    corrected = _cumulative_at_middle(state, drivers.step, state.served, first.tokens * fill)
    memory = first_order_lag(state.log_memory, state.log_price, price, work.memory, span)
    demand = demand_of(step, drivers, parameters, corrected, price, memory, capability)
    outcome = _serve(step, drivers, parameters, demand, price, capability, usable, reserve, internal)

    state.log_target = _log_target(step, drivers, parameters, state, demand, held, usable)
    state.log_price, state.log_memory = price, memory
    state.served = outcome.served
    state.cumulative = state.cumulative + drivers.step * np.asarray(ordered_sum(outcome.served))
    return outcome


def _serve(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    demand: Demand,
    price: FloatArray,
    capability: FloatArray,
    usable: FloatArray,
    reserve: FloatArray,
    internal: FloatArray,
) -> Clearing:
    """Serve what fits, training first; return tightness, rent and realised price (items 6 and 7)."""
    work, held = drivers.workloads, reserve + internal
    busy = np.asarray(ordered_sum(demand.accelerators))
    fill = _fill(demand, held, reserve, usable, parameters)
    tightness = (held + busy) / np.maximum(usable, TINY)
    rent = rental_price(
        drivers.total_rent[step],
        tightness / parameters.target_use,
        parameters.phi,
        parameters.rent_low,
        parameters.rent_high,
        drivers.running[step],
    )
    premium = scarcity_premium(fill, parameters.cleared, work.elasticity, parameters.max_premium)
    return Clearing(
        demand=demand,
        price=np.exp(price),
        realised=np.exp(price) * premium * work.realisation[:, step],
        unit_cost=demand.seconds * drivers.total_rent[step] / parameters.target_use / SECONDS_PER_YEAR,
        served=demand.tokens * fill,
        fill=fill,
        capability=capability,
        usable=usable,
        reserve=reserve,
        internal=internal * fill,
        used=reserve + (internal + busy) * fill,
        tightness=tightness,
        utilisation=np.minimum(tightness, parameters.max_use),
        rent=np.asarray(rent),
    )


def _cumulative_at_middle(
    state: MarketState, step: float, last: FloatArray | None, now: FloatArray | None
) -> FloatArray:
    """Return cumulative tokens at mid-step, from this step's flow and how fast flows grow.

    Within a step a flow that grows by g in logs puts ``1/(1 + exp(g/2))`` of itself before the middle.
    """
    if now is None:
        return state.cumulative
    flow = np.asarray(ordered_sum(now))
    before = flow if last is None else np.asarray(ordered_sum(last))
    growth = np.log(np.maximum(flow, TINY) / np.maximum(before, TINY))
    share = 1.0 / (1.0 + np.exp(np.clip(growth, -MAX_STEP_GROWTH, MAX_STEP_GROWTH) / 2.0))
    return np.asarray(state.cumulative + share * step * flow)


def _fill(
    demand: Demand, held: FloatArray, reserve: FloatArray, usable: FloatArray, parameters: MarketParameters
) -> FloatArray:
    """Return served over demanded: internal work and tokens share a shortage pro rata."""
    wanted = held - reserve + np.asarray(ordered_sum(demand.accelerators))
    room = np.maximum(parameters.max_use * usable - reserve, 0.0)
    return np.asarray(np.minimum(room / np.maximum(wanted, TINY), 1.0))


def _log_target(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    state: MarketState,
    demand: Demand,
    held: FloatArray,
    usable: FloatArray,
) -> FloatArray:
    """Return the log of the target price: mark-up on the cost of a token at the basis's rent."""
    ratio = (held + np.asarray(ordered_sum(demand.accelerators))) / np.maximum(usable, TINY) / parameters.target_use
    rent = drivers.total_rent[step]
    if parameters.basis == "rental":
        limits = (parameters.rent_low, parameters.rent_high)
        yearly = rental_price(rent, ratio, parameters.phi, *limits, drivers.running[step])
    elif parameters.basis == "accounting" and state.accounting_rent is not None:
        yearly = np.maximum(state.accounting_rent, rent * LEAST_ACCOUNTING)
    elif parameters.basis == "accounting":
        yearly = rent / parameters.target_use
    else:
        scarce = scarcity_factor(ratio, parameters.psi, parameters.price_low, parameters.price_high)
        yearly = rent / parameters.target_use * scarce
    return np.asarray(drivers.workloads.log_margin + np.log(demand.seconds * yearly / SECONDS_PER_YEAR))


def _new_price(
    step: int,
    drivers: Drivers,
    parameters: MarketParameters,
    state: MarketState,
    demand: Demand,
    held: FloatArray,
    usable: FloatArray,
) -> FloatArray:
    """Close the log gap to the target by a semi-implicit step (item 8); return the log price.

    The target moves linearly between mid-steps. The feedback counts only that part of the step's change of
    price which users notice within it.
    """
    span, work = float(drivers.span[step]), drivers.workloads
    target = _log_target(step, drivers, parameters, state, demand, held, usable)
    previous = target if state.log_target is None else state.log_target
    weight = lagged_target_weight(parameters.speed, span)
    gap = weight * previous + (1.0 - weight) * target - state.log_price
    exponent = {"required_rent": parameters.psi, "rental": parameters.phi}.get(parameters.basis, np.zeros(1))
    busy = np.asarray(ordered_sum(demand.accelerators))
    share = busy / np.maximum(held + busy, TINY)
    noticed = first_order_lag(0.0, 0.0, 1.0, work.memory, span)
    feedback = exponent * -work.elasticity * noticed * share
    return np.asarray(state.log_price + semi_implicit_log_step(gap, closing_share(parameters.speed, span), feedback))


def initial_market(workloads: WorkloadDrivers, parameters: MarketParameters, batch: int) -> MarketState:
    """Return the market's state at the start."""
    shape = (workloads.log_price.shape[0], batch)
    price = np.broadcast_to(workloads.log_price, shape)
    memory = np.broadcast_to(workloads.log_reference, shape)
    cumulative = np.broadcast_to(parameters.initial_tokens, (batch,))
    return MarketState(price, memory, None, None, cumulative, None)
