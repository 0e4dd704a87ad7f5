"""The model ``token_market``: from workloads and a falling cost to prices, tokens, user spend and surplus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, ordered_sum
from costmodel.foundation.errors import ConvergenceError, DomainError, UnknownParameterError, near_matches
from costmodel.foundation.results import Result, derived, output, ratio
from costmodel.foundation.schedules import year_fraction
from costmodel.market.attribution import GrowthSplit
from costmodel.market.decline import moore, wright
from costmodel.market.demand import (
    bass_adoption,
    budget_ceiling,
    capability_response,
    constant_elasticity,
    fading_growth,
    launch_ramp,
    logistic_adoption,
)
from costmodel.market.inputs import AdoptionInputs, MarketWorkload, TokenMarket
from costmodel.market.pricing import cost_plus, first_order_lag
from costmodel.market.substitution import ces_price_index
from costmodel.market.welfare import consumer_surplus_change, rebound_of_saving

__all__ = ["TokenMarketResult", "run_market"]

_AXES = ("step", "workload")
_PRICE_BASIS = "list price before discounts, input and output tokens together"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMarketResult(Result):
    """A token market over time; flows are rates per year at mid-step."""

    ENSEMBLE_OUTPUTS: ClassVar[tuple[str, ...]] = ("total_tokens", "total_user_spend", "average_price", "tokens")

    price: FloatArray = output("USD/token", kind="rate", dims=_AXES, label="list price", basis=_PRICE_BASIS)
    noticed_price: FloatArray = output(
        "USD/token", kind="rate", dims=_AXES, label="price that users respond to", basis=_PRICE_BASIS
    )
    unit_cost: FloatArray = output(
        "USD/token", kind="rate", dims=_AXES, label="unit cost", basis="as written at the start"
    )
    adoption: FloatArray = output("1", kind="rate", dims=_AXES, label="adoption, launch included, over the start")
    intensity: FloatArray = output("1", kind="rate", dims=_AXES, label="tokens per task over the start")
    price_response: FloatArray = output("1", kind="rate", dims=_AXES, label="response of demand to prices")
    capability_response: FloatArray = output("1", kind="rate", dims=_AXES, label="response of demand to capability")
    ceiling: FloatArray = output("1", kind="rate", dims=_AXES, label="demand left by what users can pay")
    tokens: FloatArray = output("token/year", kind="rate", dims=_AXES, label="tokens")
    user_spend: FloatArray = output("USD/year", kind="rate", dims=_AXES, label="user spend")
    rebound: FloatArray = output(
        "1", kind="rate", dims=_AXES, label="share of the saving on price that added usage takes back"
    )
    surplus: FloatArray = output(
        "USD/year", kind="rate", dims=_AXES, label="consumer surplus gained by the fall in price"
    )

    def coords(self) -> Mapping[str, Any]:
        """Return the names of workloads."""
        return {"workload": tuple(self.scenario.workloads) if isinstance(self.scenario, TokenMarket) else ()}

    @derived("token/year", kind="rate", dims=("step",), label="tokens of all workloads")
    def total_tokens(self) -> Any:
        """Tokens of all workloads, (step,) or (step, draw)."""
        return ordered_sum(np.moveaxis(self.tokens, 1, 0))

    @derived("USD/year", kind="rate", dims=("step",), label="user spend on all workloads")
    def total_user_spend(self) -> Any:
        """User spend on all workloads, (step,) or (step, draw)."""
        return ordered_sum(np.moveaxis(self.user_spend, 1, 0))

    @derived(
        "USD/token",
        kind=ratio(of="total_user_spend", over="total_tokens"),
        dims=("step",),
        label="user spend over tokens",
        blank="without tokens",
    )
    def average_price(self) -> Any:
        """User spend over tokens, unpaid ones included, (step,) or (step, draw)."""
        return self.total_user_spend / self.total_tokens

    def growth(self, workload: str) -> GrowthSplit:
        """Split the growth of one workload's tokens from the first to the last step into its causes.

        Capability and the ceiling count as intensity: what users do more of, for a given price.

        Raises
        ------
        UnknownParameterError
            If there is no such workload.
        DomainError
            If it had no tokens at the first step.
        """
        names = list(self.coords()["workload"])
        if workload not in names:
            raise UnknownParameterError(f"there is no workload {workload!r}{near_matches(workload, names)}")
        index = names.index(workload)
        if not np.all(self.tokens[0, index] > 0):
            raise DomainError(f"{workload} had no tokens at the first step: its growth has no start")

        def change(values: FloatArray) -> Numeric:
            return np.log(values[-1, index] / values[0, index])

        rest = change(self.intensity) + change(self.capability_response) + change(self.ceiling)
        return GrowthSplit(change(self.price_response), change(self.adoption), rest)


def run_market(resolved: TokenMarket) -> TokenMarketResult:
    """Run a token market.

    Parameters
    ----------
    resolved
        A scenario whose parameters are numbers or draws.

    Returns
    -------
    TokenMarketResult
        Prices, tokens, user spend and surplus at every mid-step.

    Raises
    ------
    ConvergenceError
        If learning by doing and price response feed on each other without end in any draw.

    Notes
    -----
    Per workload: ``D = D_0 · A · I · r^ε · K^η`` below the budget ceiling, the price closing on
    ``cost · (1 + markup)`` and noticed with a lag. With substitution σ, the response is
    ``(r/R)^(-σ) R^ε``, R the index of all relative prices; σ = -ε gives each its own price back.

    Examples
    --------
    >>> market = TokenMarket(
    ...     name="halving", time={"start": "2026-01", "end": "2028-01"},
    ...     cost={"hardware_decline": 0.3, "software_decline": 0.4},
    ...     workloads={"chat": {"tokens": 1e15, "price": "2 USD/Mtoken", "price_elasticity": -1.11}},
    ... )
    >>> result = run_market(market.resolve())
    >>> round(float(result.total_user_spend[-1] / result.total_user_spend[0]), 4)
    1.1443
    """
    _refuse_runaway(resolved)
    state, steps = _State.start(resolved), []
    for index, time in enumerate(resolved.grid.mid):
        steps.append(state.advance(index, float(time)))
    stacked: dict[str, Any] = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    return TokenMarketResult(scenario=resolved, **stacked)


def _refuse_runaway(resolved: TokenMarket) -> None:
    """Refuse a market in which experience and price response have a loop gain of 1 or more and no ceiling."""
    workloads = resolved.workloads.values()
    if all(item.budget is not None for item in workloads):
        return
    gain = np.max([np.max(-item.price_elasticity * resolved.cost.experience_exponent) for item in workloads])
    if gain >= 1.0:
        raise ConvergenceError(
            f"experience exponent times price elasticity reaches {gain:.3g}: cheaper tokens would call forth ever "
            "more; give every workload a budget, or keep the product below 1"
        )


@dataclass(slots=True)
class _State:
    """What a market carries from one mid-step to the next, (workload,) or (workload, draw)."""

    scenario: TokenMarket
    items: tuple[MarketWorkload, ...]
    time: float
    log_price: FloatArray
    log_target: FloatArray
    log_noticed: FloatArray
    reference: FloatArray
    weights: FloatArray
    cumulative: Numeric
    tokens: Numeric

    @classmethod
    def start(cls, scenario: TokenMarket) -> _State:
        """Return the market at its start: prices and targets as written."""
        items = tuple(scenario.workloads.values())
        batch = _batch(scenario)
        reference = _stacked([item.price for item in items], batch)
        spend = reference * _stacked([item.tokens for item in items], batch)
        known = scenario.cost.initial_cumulative_tokens
        state = cls(
            scenario,
            items,
            scenario.grid.begin,
            np.log(reference),
            np.zeros_like(reference),
            np.log(reference),
            reference,
            spend / ordered_sum(spend),
            1.0 if known is None else known,
            np.zeros(batch),
        )
        state.log_target = np.log(_stacked(state.targets(scenario.grid.begin, state.cumulative), batch))
        return state

    def unit_costs(self, time: float, cumulative: Numeric) -> list[Numeric]:
        """Return the unit cost of each workload at a date [USD/token]."""
        cost, elapsed = self.scenario.cost, time - self.scenario.grid.begin
        known = cost.initial_cumulative_tokens
        experience = cumulative / (1.0 if known is None else known)
        costs = []
        for item in self.items:
            first = item.price / (1.0 + item.markup) if item.unit_cost is None else item.unit_cost
            trend = moore(first, cost.hardware_decline + cost.software_decline, elapsed)
            costs.append(wright(trend, experience, cost.experience_exponent))
        return costs

    def targets(self, time: float, cumulative: Numeric) -> list[Numeric]:
        """Return cost plus mark-up of each workload at a date [USD/token]."""
        costs = self.unit_costs(time, cumulative)
        return [cost_plus(cost, item.markup) for cost, item in zip(costs, self.items, strict=True)]

    def advance(self, index: int, time: float) -> dict[str, FloatArray]:
        """Go to the next mid-step; cumulative tokens there are predicted and corrected once."""
        half = self.scenario.grid.length / 2.0
        outcome = self._outcome(index, time, self.cumulative + self.tokens * half)
        outcome = self._outcome(index, time, self.cumulative + ordered_sum(outcome["tokens"]) * half)
        self.tokens = ordered_sum(outcome["tokens"])
        self.cumulative = self.cumulative + self.tokens * 2.0 * half
        self.log_target = np.log(outcome.pop("target"))
        self.log_price, self.log_noticed = np.log(outcome["price"]), np.log(outcome["noticed_price"])
        self.time = time
        return outcome

    def _outcome(self, index: int, time: float, cumulative: Numeric) -> dict[str, FloatArray]:
        """Return everything that a mid-step shows, given cumulative tokens."""
        batch, gap = self.reference.shape[1:], time - self.time
        speed = np.inf if self.scenario.price_speed is None else self.scenario.price_speed
        memory = _stacked([np.inf if item.price_memory is None else item.price_memory for item in self.items], batch)
        target = _stacked(self.targets(time, cumulative), batch)
        log_price = first_order_lag(self.log_price, self.log_target, np.log(target), speed, gap)
        log_noticed = first_order_lag(self.log_noticed, self.log_price, log_price, memory, gap)
        factors = {
            "adoption": _stacked([self._adopted(item, index, time) for item in self.items], batch),
            "intensity": _stacked([self._intensity(item, time) for item in self.items], batch),
            "price_response": self._response(log_noticed),
            "capability_response": _stacked([self._capability(item, time) for item in self.items], batch),
        }
        wanted = _stacked([item.tokens for item in self.items], batch)
        unpriced = wanted * factors["adoption"] * factors["intensity"] * factors["capability_response"]
        unbounded, price = unpriced * factors["price_response"], np.exp(log_price)
        realised = price * _stacked([item.price_realisation[index] for item in self.items], batch)
        paid = realised * _stacked([item.paid_share[index] for item in self.items], batch)
        budget = _stacked([np.inf if item.budget is None else item.budget[index] for item in self.items], batch)
        sharpness = _stacked([item.budget_sharpness for item in self.items], batch)
        tokens = budget_ceiling(unbounded, paid, budget, sharpness)
        elasticity = _stacked([item.price_elasticity for item in self.items], batch)
        return {
            "target": target,
            "price": price,
            "noticed_price": np.exp(log_noticed),
            "unit_cost": _stacked(self.unit_costs(time, cumulative), batch),
            **factors,
            "ceiling": np.where(unbounded > 0, tokens / np.where(unbounded > 0, unbounded, 1.0), 1.0),
            "tokens": tokens,
            "user_spend": tokens * paid,
            "rebound": rebound_of_saving(np.exp(log_noticed) / self.reference, elasticity),
            "surplus": consumer_surplus_change(unpriced, self.reference, np.exp(log_noticed), elasticity),
        }

    def _response(self, log_noticed: FloatArray) -> FloatArray:
        """Return how demand answers to noticed prices over those at the start, (workload, …)."""
        ratio = np.exp(log_noticed) / self.reference
        elasticity = _stacked([item.price_elasticity for item in self.items], ratio.shape[1:])
        sigma = self.scenario.substitution
        if sigma is None:
            return np.asarray(constant_elasticity(1.0, ratio, elasticity))
        index = ces_price_index(ratio, self.weights, sigma)
        return np.asarray(np.power(ratio / index, -sigma) * np.power(index, elasticity))

    def _adopted(self, item: MarketWorkload, index: int, time: float) -> Numeric:
        """Return adoption, with the launch, over the start."""
        begin = self.scenario.grid.begin
        launch = begin if item.launch is None else max(begin, year_fraction(item.launch))
        live = 1.0 if item.launch is None else launch_ramp(time, year_fraction(item.launch), item.ramp)
        return live * _adoption(item.adoption, index, max(time - launch, 0.0))

    def _intensity(self, item: MarketWorkload, time: float) -> Numeric:
        fade = np.inf if item.intensity_fade is None else item.intensity_fade
        return fading_growth(time - self.scenario.grid.begin, item.intensity_growth, fade)

    def _capability(self, item: MarketWorkload, time: float) -> Numeric:
        growth = np.exp(self.scenario.capability_growth * (time - self.scenario.grid.begin))
        return capability_response(growth, item.capability_elasticity)


def _adoption(inputs: AdoptionInputs, index: int, elapsed: float) -> Numeric:
    """Return the adoption index of a step."""
    if inputs.kind == "logistic":
        return logistic_adoption(elapsed, inputs.growth, inputs.ceiling)
    if inputs.kind == "bass":
        return bass_adoption(elapsed, inputs.innovation, inputs.imitation, inputs.ceiling)
    return inputs.index[index]


def _batch(scenario: TokenMarket) -> tuple[int, ...]:
    """Return ``()`` for a scalar run and ``(draws,)`` for an ensemble."""
    sizes = set()
    for _, value, spec, _ in scenario.walk():
        shape = np.shape(value)[1:] if spec.trajectory else np.shape(value)
        sizes.update(shape)
    return (max(sizes),) if sizes else ()


def _stacked(values: list[Numeric], batch: tuple[int, ...]) -> FloatArray:
    """Stack one value per workload into (workload,) or (workload, draw)."""
    return np.stack([np.broadcast_to(np.asarray(value, dtype=np.float64), batch) for value in values])
