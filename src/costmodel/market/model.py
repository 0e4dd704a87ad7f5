"""The model ``token_market``: from workloads and a falling cost to prices, tokens, user spend and surplus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.errors import ConvergenceError, DomainError, UnknownParameterError, near_matches
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.results import Result, derived, output, ratio
from costmodel.market.attribution import GrowthSplit
from costmodel.market.clearing import PriceState, money_per_token, price_lines
from costmodel.market.decline import moore, wright
from costmodel.market.demand import budget_ceiling, capability_response, constant_elasticity
from costmodel.market.inputs import CostInputs, TokenMarket
from costmodel.market.paths import WorkloadPaths, draws, log_growth, stack, workload_paths
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
    ceiling: FloatArray = output("1", kind="rate", dims=_AXES, label="share of demand within users' budgets")
    tokens: FloatArray = output("token/year", kind="rate", dims=_AXES, label="tokens")
    user_spend: FloatArray = output("USD/year", kind="rate", dims=_AXES, label="user spend")
    rebound: FloatArray = output(
        "1", kind="rate", dims=_AXES, label="share of the price saving that added usage offsets"
    )
    surplus: FloatArray = output(
        "USD/year", kind="rate", dims=_AXES, label="consumer surplus gained by the fall in price"
    )

    def coords(self) -> Mapping[str, Any]:
        """Return the names of the workloads."""
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
        label="user spend per token",
        blank="without tokens",
    )
    def average_price(self) -> Any:
        """User spend over tokens, unpaid ones included, (step,) or (step, draw)."""
        return self.total_user_spend / self.total_tokens

    def growth(self, workload: str) -> GrowthSplit:
        """Split the growth of one workload's tokens from the first to the last step into its causes.

        Effects of capability and of the budget ceiling count as intensity: growth of tokens per user at a given price.

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
            raise DomainError(f"{workload} had no tokens at the first step: its growth cannot be split into causes")

        def change(values: FloatArray) -> FloatArray:
            return as_array(np.log(values[-1, index] / values[0, index]))

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
        If learning by doing and price response reinforce each other without limit in any draw.

    Notes
    -----
    Per workload: ``D = D_0 · A · I · r^ε · K^η`` below the budget ceiling. The price adjusts to
    ``cost · (1 + markup)``, and users notice it with a lag. With substitution σ, the response to price is
    ``(r/R)^(-σ) R^ε``, R being the index of all relative prices; σ = -ε reduces it to ``r^ε``.

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
    run = _Run.start(resolved)
    steps = [run.advance(index) for index in range(resolved.grid.steps)]
    scalar = _batch(resolved) == ()
    stacked: dict[str, Any] = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    if scalar:
        stacked = {name: values[..., 0] for name, values in stacked.items()}
    return TokenMarketResult(scenario=resolved, **stacked)


def _refuse_runaway(resolved: TokenMarket) -> None:
    """Raise an error for a market whose experience and price response have a loop gain ≥ 1 and no ceiling."""
    workloads = resolved.workloads.values()
    if all(item.budget is not None for item in workloads):
        return
    gain = np.max([np.max(-item.price_elasticity * resolved.cost.experience_exponent) for item in workloads])
    if gain >= 1.0:
        raise ConvergenceError(
            f"experience exponent times price elasticity reaches {gain:.3g}: cheaper tokens would raise demand without "
            "limit; give every workload a budget, or keep the product below 1"
        )


@dataclass(slots=True)
class _Run:
    """A token market in progress, advanced step by step; arrays always have a draw axis, ``(workload, draw)``.

    It is the flywheel's market at a given cost: the rent is 1, hours per token equal the unit cost, and supply always
    meets demand.
    """

    scenario: TokenMarket
    paths: WorkloadPaths
    cost: FloatArray
    """Unit cost at the start [USD/token]."""
    fall: FloatArray
    """Fall of unit cost since the start in logs, learning left out, ``(step, draw)`` [1]."""
    capability: FloatArray
    """Growth of effective compute since the start in logs, ``(step, draw)`` [1]."""
    prices: PriceState
    weights: FloatArray
    cumulative: FloatArray
    tokens: FloatArray

    @classmethod
    def start(cls, scenario: TokenMarket) -> _Run:
        """Return the market at its start, with prices and targets as given."""
        items, grid = list(scenario.workloads.values()), scenario.grid
        times = grid.mid - grid.begin
        paths = workload_paths(items, grid, times)
        width = (_batch(scenario) or (1,))[0]
        first = [
            draws(item.price / (1.0 + item.markup) if item.unit_cost is None else item.unit_cost) for item in items
        ]
        reference = np.broadcast_to(np.exp(paths.log_reference), (len(items), width))
        spend = reference * np.maximum(paths.tokens, _TINY)
        known = scenario.cost.initial_cumulative_tokens
        target = np.broadcast_to(np.log(stack(first)) + paths.log_margin, reference.shape)
        return cls(
            scenario,
            paths,
            stack(first),
            _fall(scenario.cost, times),
            log_growth(scenario.capability_growth, times),
            PriceState(np.log(reference), np.log(reference), target),
            spend / ordered_sum(spend),
            np.broadcast_to(draws(1.0 if known is None else known), (width,)),
            np.zeros(width),
        )

    def unit_costs(self, index: int, cumulative: FloatArray) -> FloatArray:
        """Return the unit cost of each workload at a mid-step [USD/token]."""
        cost = self.scenario.cost
        known = cost.initial_cumulative_tokens
        experience = cumulative / draws(1.0 if known is None else known)
        trend = moore(self.cost, self.fall[index], 1.0)
        return np.asarray(wright(trend, experience, draws(cost.experience_exponent)))

    def advance(self, index: int) -> dict[str, FloatArray]:
        """Advance to the next mid-step; cumulative tokens are predicted and corrected once."""
        half = self.scenario.grid.length / 2.0
        outcome, _ = self._outcome(index, self.cumulative + self.tokens * half)
        corrected = self.cumulative + np.asarray(ordered_sum(outcome["tokens"])) * half
        outcome, self.prices = self._outcome(index, corrected)
        self.tokens = np.asarray(ordered_sum(outcome["tokens"]))
        self.cumulative = self.cumulative + self.tokens * 2.0 * half
        return outcome

    def _outcome(self, index: int, cumulative: FloatArray) -> tuple[dict[str, FloatArray], PriceState]:
        """Return all outputs of a mid-step, given cumulative tokens."""
        scenario, paths = self.scenario, self.paths
        span = scenario.grid.length / (2.0 if index == 0 else 1.0)
        cost = self.unit_costs(index, cumulative)
        speed = draws(np.inf if scenario.price_speed is None else scenario.price_speed)
        lines = price_lines(self.prices, np.log(cost) + paths.log_margin, speed, paths.memory, span)
        prices, noticed = lines.at(0.0), np.exp(lines.noticed - paths.log_reference)
        capability = capability_response(np.exp(self.capability[index]), paths.capability_elasticity)
        response = self._response(noticed)
        unpriced = paths.tokens * paths.adoption[index] * paths.intensity[index] * capability
        paid = money_per_token(np.exp(prices.log_price), cost, paths.paid_share[index], paths.realisation[index])
        tokens = budget_ceiling(unpriced * response, paid, paths.budget[index], paths.sharpness)
        spend = np.exp(prices.log_price) * paths.realisation[index] * paths.paid_share[index] * tokens
        free = unpriced * response
        wide = np.zeros_like(tokens)
        return {
            "price": np.exp(prices.log_price) + wide,
            "noticed_price": np.exp(prices.log_noticed) + wide,
            "unit_cost": cost + wide,
            "adoption": paths.adoption[index] + wide,
            "intensity": paths.intensity[index] + wide,
            "price_response": response + wide,
            "capability_response": capability + wide,
            "ceiling": np.where(free > 0, tokens / np.where(free > 0, free, 1.0), 1.0),
            "tokens": tokens,
            "user_spend": spend,
            "rebound": rebound_of_saving(noticed, paths.elasticity) + wide,
            "surplus": consumer_surplus_change(
                unpriced, np.exp(paths.log_reference), np.exp(prices.log_noticed), paths.elasticity
            ),
        }, prices

    def _response(self, ratio: FloatArray) -> FloatArray:
        """Return the response of demand to noticed prices relative to the start, ``(workload, draw)`` [1]."""
        elasticity, sigma = self.paths.elasticity, self.scenario.substitution
        if sigma is None:
            return np.asarray(constant_elasticity(1.0, ratio, elasticity))
        index = ces_price_index(ratio, self.weights, draws(sigma))
        return np.asarray(np.power(ratio / index, -draws(sigma)) * np.power(index, elasticity))


def _fall(cost: CostInputs, times: FloatArray) -> FloatArray:
    """Return the fall of unit cost since the start in logs, learning left out, ``(step, draw)``."""
    hardware, software = cost.hardware_decline, cost.software_decline
    if isinstance(hardware, VaryingRate) or isinstance(software, VaryingRate):
        return log_growth(hardware, times) + log_growth(software, times)
    return log_growth(hardware + software, times)


_TINY = 1e-300
"""Stands for zero in a denominator."""


def _batch(scenario: TokenMarket) -> tuple[int, ...]:
    """Return the batch shape: ``()`` for a scalar run, ``(draws,)`` for an ensemble."""
    sizes = set()
    for _, value, spec, _ in scenario.walk():
        shape = np.shape(value)[1:] if spec.trajectory else np.shape(value)
        sizes.update(shape)
    return (max(sizes),) if sizes else ()
