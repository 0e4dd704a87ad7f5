"""Idle capacity offered for sale, as raw hours or as hosted tokens, compared with the cost of an hour.

Idle capacity has been paid for. A sale pays as soon as the part of the price that the seller keeps exceeds the extra
cost of a busy hour; sales carry the capacity from the fill at which they pay its whole cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, as_array, formula
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario, register_model


@formula()
def gain_of_idle_hour(fill: Numeric, price: Numeric, kept_share: Numeric, running_cost: Numeric) -> Numeric:
    """Return the gain of an idle hour that is offered for sale.

    Parameters
    ----------
    fill
        Share of the offered hours that are sold, 0 to 1 [1].
    price
        What a sold hour brings before fees, >= 0 [USD/hour].
    kept_share
        Share of it that the seller keeps, 0 to 1 [1].
    running_cost
        Cost that only a busy hour has, >= 0 [USD/hour].

    Returns
    -------
    Numeric
        ``f(k p - c)`` [USD/hour]: negative where a sold hour does not pay its energy.

    Examples
    --------
    >>> round(float(gain_of_idle_hour(0.5, 3.0, 0.8, 0.4)), 6)
    1.0
    """
    return fill * (kept_share * price - running_cost)


@formula()
def fill_that_carries(price: Numeric, kept_share: Numeric, running_cost: Numeric, fixed_cost: Numeric) -> Numeric:
    """Return the share of offered hours sold from which sales cover the whole cost of the capacity.

    Parameters
    ----------
    price
        What a sold hour brings before fees, above 0 [USD/hour].
    kept_share
        Share of it that the seller keeps, above 0 to 1 [1].
    running_cost
        Cost that only a busy hour has, >= 0 [USD/hour].
    fixed_cost
        Cost of an hour whether it is sold or not, >= 0 [USD/hour].

    Returns
    -------
    Numeric
        ``F/(k p - c)`` [1], which is above 1 where no fill covers it; infinite where a sold hour loses money.

    Examples
    --------
    >>> round(float(fill_that_carries(3.0, 0.8, 0.4, 1.5)), 6)
    0.75
    """
    left = np.asarray(kept_share * price - running_cost, dtype=np.float64)
    return np.where(left > 0.0, fixed_cost / np.where(left > 0.0, left, 1.0), np.inf)[()]


class IdleCapacity(Scenario):
    """Capacity that its owner does not use, offered raw or as hosted tokens.

    Examples
    --------
    >>> IdleCapacity(name="i", fixed_cost=1.6, running_cost=0.2, rent=2.6, raw_fill=0.7, token_revenue=6.0,
    ...              hosted_fill=0.3).fee
    0.0
    """

    model: Literal["idle_capacity"] = "idle_capacity"
    not_modelled: tuple[str, ...] = (
        "what the sale does to the market's rent",
        "the owner's own work that has to wait",
        "contracts that lock a rent",
    )
    fixed_cost: Parameter = parameter("USD/hour", ge=0, description="Cost of an accelerator-hour, sold or not.")
    running_cost: Parameter = parameter("USD/hour", ge=0, description="Cost that only a busy hour has: energy.")
    rent: Parameter = parameter("USD/hour", gt=0, description="Rent of an accelerator-hour.")
    fee: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of the rent that goes to an intermediary who sells the hours."
    )
    raw_fill: Parameter = parameter("1", ge=0, le=1, description="Share of idle hours that are sold raw.")
    token_revenue: Parameter = parameter("USD/hour", gt=0, description="Price of what a busy hour serves in tokens.")
    royalty: Parameter = parameter(
        "1",
        ge=0,
        lt=1,
        default=0.0,
        description="Share of token revenue that goes to the model's owner; 0 for own models.",
    )
    platform_share: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of token revenue that platform, support and selling take."
    )
    hosted_fill: Parameter = parameter("1", ge=0, le=1, description="Share of idle hours that serve paid tokens.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCapacityResult(Result):
    """Gains from idle capacity, raw and hosted, per offered accelerator-hour."""

    raw_gain: FloatArray = output("USD/hour", label="gain of an idle hour offered raw")
    hosted_gain: FloatArray = output("USD/hour", label="gain of an idle hour that serves own models")
    hosted_gain_of_others: FloatArray = output("USD/hour", label="gain of an idle hour that serves others' models")
    raw_margin: FloatArray = output("1", label="operating margin of raw hours, whole cost")
    hosted_margin: FloatArray = output("1", label="operating margin of hosted own models, whole cost")
    raw_fill_needed: FloatArray = output(
        "1", label="fill from which raw hours carry the capacity", blank="where none does"
    )
    hosted_fill_needed: FloatArray = output(
        "1", label="fill from which hosted own models carry the capacity", blank="where none does"
    )
    lowest_rent: FloatArray = output("USD/hour", label="rent from which raw hours carry the capacity at their fill")


def sell_idle(resolved: IdleCapacity) -> IdleCapacityResult:
    """Compute the gains from idle capacity, raw and hosted, and the fill and rent from which they cover its cost.

    Parameters
    ----------
    resolved
        Resolved inputs: floats or ``(draw,)`` arrays.

    Returns
    -------
    IdleCapacityResult
        Per offered accelerator-hour.

    Examples
    --------
    >>> idle = IdleCapacity(name="i", fixed_cost=1.6, running_cost=0.2, rent=2.6, raw_fill=0.7, token_revenue=6.0,
    ...                     royalty=0.5, hosted_fill=0.3)
    >>> sold = sell_idle(idle.resolve())
    >>> round(float(sold.raw_gain), 2), round(float(sold.hosted_gain), 2), round(float(sold.raw_fill_needed), 2)
    (1.68, 1.74, 0.67)
    """
    kept, platform = 1.0 - resolved.fee, 1.0 - resolved.platform_share
    others = platform * (1.0 - resolved.royalty)
    raw = gain_of_idle_hour(resolved.raw_fill, resolved.rent, kept, resolved.running_cost)
    own, foreign = (
        gain_of_idle_hour(resolved.hosted_fill, resolved.token_revenue, share, resolved.running_cost)
        for share in (platform, others)
    )
    fixed = resolved.fixed_cost
    needed = [
        np.where(np.asarray(fill) <= 1.0, fill, np.nan)[()]
        for fill in (
            fill_that_carries(resolved.rent, kept, resolved.running_cost, fixed),
            fill_that_carries(resolved.token_revenue, platform, resolved.running_cost, fixed),
        )
    ]
    sold = [np.maximum(fill, 1e-12) for fill in (resolved.raw_fill, resolved.hosted_fill)]
    return IdleCapacityResult(
        scenario=resolved,
        raw_gain=as_array(raw),
        hosted_gain=as_array(own),
        hosted_gain_of_others=as_array(foreign),
        raw_margin=(raw - fixed) / (sold[0] * resolved.rent),
        hosted_margin=(own - fixed) / (sold[1] * resolved.token_revenue),
        raw_fill_needed=needed[0],
        hosted_fill_needed=needed[1],
        lowest_rent=(fixed / sold[0] + resolved.running_cost) / kept,
    )


register_model("idle_capacity", IdleCapacity, "costmodel.studies.idle_capacity:sell_idle")
