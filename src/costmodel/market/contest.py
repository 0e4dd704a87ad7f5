"""Competition between operators: users choose by price and capability, and switch slowly.

Each operator's share tends to its logit share by price and capability; users move at a switching rate. A rival that
leapfrogs in capability or undercuts the price therefore takes the lead only after some time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from costmodel.foundation.arrays import FloatArray, Numeric, as_array, formula, ordered_sum
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.schedules import TimeGrid
from costmodel.market.substitution import logit_shares

MOST_STEPS = 10_000
"""Largest number of steps of a contest [1]."""
_AXES = ("step", "operator")


@formula()
def choice_utility(
    price: Numeric, capability: Numeric, price_sensitivity: Numeric, capability_sensitivity: Numeric
) -> Numeric:
    """Return the utility of an operator's tokens to a user who weighs price against capability.

    Parameters
    ----------
    price
        Price, > 0 [USD/token].
    capability
        Effective training compute relative to a common reference, > 0 [1].
    price_sensitivity
        Fall of utility per unit of log price, >= 0 [1].
    capability_sensitivity
        Rise of utility per unit of log capability, >= 0 [1].

    Returns
    -------
    Numeric
        Utility, up to a constant common to all operators [1].

    Notes
    -----
    ``u = b ln K - a ln p``: users pay ``b/a`` per cent more for a per cent of capability.

    Examples
    --------
    >>> round(float(choice_utility(2.0, 8.0, 1.0, 1.0)), 4)
    1.3863
    """
    return capability_sensitivity * np.log(capability) - price_sensitivity * np.log(price)


@formula()
def followed_share(share: Numeric, target_share: Numeric, switching_rate: Numeric, step: Numeric) -> Numeric:
    """Return the share of an operator after one step in which users move towards their choice at a given rate.

    Parameters
    ----------
    share
        Share at the start of the step, 0 to 1 [1].
    target_share
        Share if all users chose anew, 0 to 1 [1].
    switching_rate
        Rate at which users reconsider, >= 0 [1/year].
    step
        Length of the step, >= 0 [year].

    Returns
    -------
    Numeric
        Share at the end of the step [1]; shares that sum to 1 still do.

    Notes
    -----
    ``s + (1 - exp(-σΔt)) (s* - s)``.

    Examples
    --------
    >>> round(float(followed_share(0.8, 0.2, 1.0, 1.0)), 4)
    0.4207
    """
    moved = -np.expm1(-switching_rate * step)
    return share * np.exp(-switching_rate * step) + moved * target_share


class Contestant(Inputs):
    """One operator: the price of its tokens and the capability of its model."""

    price: Parameter = parameter("USD/token", gt=0, trajectory=True, description="Price of a token.")
    capability: Parameter = parameter(
        "1", gt=0, trajectory=True, description="Effective training compute relative to a common reference."
    )
    initial_share: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="Share of users before the first step; given for all or for none."
    )


class Contest(Scenario):
    """A contest of operators whose prices and capabilities change, as a scenario.

    Examples
    --------
    >>> rivals = {name: {"price": "2 USD/Mtoken", "capability": 1.0} for name in ("first", "second")}
    >>> Contest(name="c", start="2026-01", operators=rivals, switching_rate=1.0).grid.steps
    12
    """

    model: Literal["contest"] = "contest"
    start: Date
    steps: int = Field(default=12, ge=1, le=MOST_STEPS, strict=True)
    step: Literal["half-month", "month", "quarter", "year"] = "month"
    price_sensitivity: Parameter = parameter(
        "1", ge=0, default=1.0, description="Fall of utility per unit of log price."
    )
    capability_sensitivity: Parameter = parameter(
        "1", ge=0, default=1.0, description="Rise of utility per unit of log capability."
    )
    switching_rate: Parameter = parameter("1/year", ge=0, description="Rate at which users reconsider.")
    operators: dict[str, Contestant] = Field(min_length=2)

    @property
    def grid(self) -> TimeGrid:
        """The time grid."""
        return TimeGrid(self.start, self.steps, self.step)

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        given = [item.initial_share for item in self.operators.values() if item.initial_share is not None]
        if given and len(given) != len(self.operators):
            raise ScenarioError("initial_share: give it for every operator, or for none")
        if all(isinstance(share, int | float) for share in given) and given and abs(sum(given) - 1.0) > 1e-9:
            raise ScenarioError(f"initial_share: the shares of the operators sum to {sum(given):g}, not to 1")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestResult(Result):
    """Shares of competing operators over time."""

    share: FloatArray = output("1", kind="rate", dims=_AXES, label="share of users at the end of the step")
    target_share: FloatArray = output("1", kind="rate", dims=_AXES, label="share if all users chose anew")
    price: FloatArray = output("USD/token", kind="rate", dims=_AXES, label="price")

    def coords(self) -> Mapping[str, Any]:
        """Return the names of the operators."""
        return {"operator": tuple(self.scenario.operators) if isinstance(self.scenario, Contest) else ()}

    @derived("USD/token", kind="rate", dims=("step",), label="average price paid", basis="weighted by shares of users")
    def paid_price(self) -> Numeric:
        """Average price paid, weighted by operators' shares, (step,) or (step, draw) [USD/token]."""
        return ordered_sum(np.moveaxis(self.share * self.price, 1, 0))

    @derived("1", kind="rate", dims=("step",), label="Herfindahl index of the shares, 1 for a monopoly")
    def concentration(self) -> Numeric:
        """Sum of the squared shares, (step,) or (step, draw) [1]."""
        return ordered_sum(np.moveaxis(self.share * self.share, 1, 0))

    @derived("1", label="changes of lead")
    def lead_changes(self) -> Numeric:
        """Number of times that another operator took the largest share, () or (draw,) [1]."""
        leader = np.argmax(self.share, axis=1)
        return np.asarray(np.count_nonzero(np.diff(leader, axis=0), axis=0), dtype=np.float64)


def run_contest(resolved: Contest) -> ContestResult:
    """Compute the shares of operators over time as their prices and capabilities change.

    Parameters
    ----------
    resolved
        Resolved inputs: floats, ``(draw,)``, ``(step,)`` or ``(step, draw)`` arrays.

    Returns
    -------
    ContestResult
        Shares over time, with average price and concentration. Absent initial shares are the logit shares of the first
        step; drawn ones are divided by their sum.

    Examples
    --------
    >>> rivals = {"first": {"price": 2e-6, "capability": 2.0}, "second": {"price": 2e-6, "capability": 1.0}}
    >>> contest = Contest(name="c", start="2026-01", steps=2, operators=rivals, switching_rate=1.0)
    >>> [round(float(share), 4) for share in run_contest(contest.resolve()).share[-1]]
    [0.6667, 0.3333]
    """
    operators = list(resolved.operators.values())
    batch = np.broadcast_shapes(
        *(np.shape(path)[1:] for item in operators for path in (item.price, item.capability)),
        *(np.shape(item.initial_share) for item in operators if item.initial_share is not None),
        *map(np.shape, (resolved.price_sensitivity, resolved.capability_sensitivity, resolved.switching_rate)),
    )
    prices = np.stack([_with_draws(item.price, batch) for item in operators])
    abilities = np.stack([_with_draws(item.capability, batch) for item in operators])
    utility = choice_utility(prices, abilities, resolved.price_sensitivity, resolved.capability_sensitivity)
    target = logit_shares(utility)
    given = [item.initial_share for item in operators if item.initial_share is not None]
    if given:
        first = np.stack([np.broadcast_to(np.asarray(share, dtype=np.float64), batch) for share in given])
        share = first / ordered_sum(first)
    else:
        share = target[:, 0]
    shares = []
    for index in range(resolved.grid.steps):
        share = as_array(followed_share(share, target[:, index], resolved.switching_rate, resolved.grid.length))
        shares.append(share)
    return ContestResult(
        scenario=resolved,
        share=np.stack(shares),
        target_share=np.moveaxis(target, 0, 1),
        price=np.moveaxis(prices, 0, 1),
    )


def _with_draws(path: Numeric, batch: tuple[int, ...]) -> FloatArray:
    """Return a path ``(step,)`` or ``(step, draw)`` with the axes of all draws."""
    array = np.asarray(path, dtype=np.float64)
    array = array.reshape(array.shape + (1,) * (len(batch) + 1 - array.ndim))
    return np.broadcast_to(array, (*array.shape[:1], *batch))


register_model("contest", Contest, "costmodel.market.contest:run_contest")
