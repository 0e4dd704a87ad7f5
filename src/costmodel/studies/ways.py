"""Ways to pay for an accelerator-hour: own, rent on demand, commit, spot; and from which use on owning is cheaper.

A way is compared at the same work. A *busy* hour does work; what stands idle is paid for by an owner and under a
commitment, and handed back as far as scaling allows on demand.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter


@formula()
def on_demand_hour(price: Numeric, utilisation: Numeric, scaled_share: Numeric) -> Numeric:
    """Cost of a busy hour where idle hours are handed back as far as scaling allows.

    Parameters
    ----------
    price
        Price of an hour, >= 0 [USD/hour].
    utilisation
        Share of hours that would be busy without scaling, 0 < u <= 1 [1].
    scaled_share
        Share of idle hours that are handed back, 0 to 1 [1].

    Returns
    -------
    float or array
        Cost of a busy hour [USD/hour].

    Notes
    -----
    ``p (1 + (1/u − 1)(1 − s))``: with perfect scaling the price, with none that of a commitment.

    Examples
    --------
    >>> float(on_demand_hour(2.0, 0.5, 1.0)), float(on_demand_hour(2.0, 0.5, 0.0))
    (2.0, 4.0)
    """
    return price * (1.0 + (1.0 / utilisation - 1.0) * (1.0 - scaled_share))


@formula()
def spot_hour(price: Numeric, interruption_rate: Numeric, lost_time: Numeric) -> Numeric:
    """Cost of a useful hour on capacity that is taken away at times.

    Parameters
    ----------
    price
        Price of an hour, >= 0 [USD/hour].
    interruption_rate
        Interruptions in an hour of running, >= 0 [1/hour].
    lost_time
        Time lost by each: a new start, warming up, work done again, >= 0 [hour].

    Returns
    -------
    float or array
        Cost of a useful hour [USD/hour].

    Notes
    -----
    A useful hour takes ``1 + λt`` paid hours, as interruptions come at random and each loses ``t``.

    Examples
    --------
    >>> float(spot_hour(1.0, 0.1, 0.5))
    1.05
    """
    return price * (1.0 + interruption_rate * lost_time)


@formula()
def break_even_use(owned_fixed: Numeric, owned_variable: Numeric, price: Numeric, scaled_share: Numeric) -> Numeric:
    """Share of hours in use from which owning is cheaper than renting.

    Parameters
    ----------
    owned_fixed
        Owner's cost of an hour that does not depend on use, >= 0 [USD/hour].
    owned_variable
        What a busy hour costs an owner on top, >= 0 [USD/hour].
    price
        Rent of an hour, > 0 [USD/hour].
    scaled_share
        Share of idle hours that a renter hands back, above ``owned_variable / price`` to 1 [1]: below it no use
        breaks even.

    Returns
    -------
    float or array
        Break-even use [1]: 0 where owning is cheaper at any use; above 1 it cannot be reached.

    Notes
    -----
    An owned busy hour costs ``F/u + V`` and a rented one ``p s + p (1 − s)/u``; they are equal at
    ``u = (F − p (1 − s)) / (p s − V)``.

    Examples
    --------
    >>> round(float(break_even_use(1.2, 0.1, 2.5, 1.0)), 3), float(break_even_use(1.2, 0.1, 2.5, 0.5))
    (0.5, 0.0)
    """
    gap = owned_fixed - price * (1.0 - scaled_share)
    return np.maximum(gap, 0.0) / (price * scaled_share - owned_variable)


class Offer(Inputs):
    """Capacity that can be rented."""

    kind: Literal["on demand", "committed", "spot"]
    """Whether idle hours can be handed back, are paid for, or capacity may be taken away."""
    price: Parameter = parameter("USD/hour", ge=0, description="Price of an accelerator-hour.")
    scaled_share: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="Share of idle hours handed back; absent: all, on demand and spot."
    )
    interruption_rate: Parameter = parameter(
        "1/hour", ge=0, optional=True, description="Interruptions in an hour of running on spot."
    )
    lost_time: Parameter = parameter("hour", ge=0, optional=True, description="Time lost by an interruption.")

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        """Refuse entries that do nothing for the kind, and a spot offer that says nothing of interruptions."""
        spot = self.kind == "spot"
        for name in ("interruption_rate", "lost_time"):
            if (getattr(self, name) is not None) != spot:
                what = "is missing: spot capacity is taken away" if spot else "would do nothing"
                raise ScenarioError(f"{name} {what} (kind {self.kind!r})")
        if self.kind == "committed" and self.scaled_share is not None:
            raise ScenarioError("scaled_share would do nothing: committed hours are paid for")
        return self


def offered(offer: Offer) -> tuple[Numeric, Numeric]:
    """Return the price of a useful hour under an offer [USD/hour], and the share of idle hours handed back [1]."""
    if offer.kind == "committed":
        return offer.price, 0.0
    scaled = 1.0 if offer.scaled_share is None else offer.scaled_share
    if offer.kind == "on demand":
        return offer.price, scaled
    return spot_hour(offer.price, offer.interruption_rate, offer.lost_time), scaled


def reached_use(fixed: Numeric, variable: Numeric, price: Numeric, scaled: Numeric) -> Numeric:
    """Return the use from which owning is cheaper: 0 where it always is, NaN where it never is."""
    held = price * (1.0 - scaled) >= fixed
    gains = price * scaled > variable
    use = break_even_use(
        fixed, np.where(gains, variable, 0.0), np.where(gains, price, 1.0), np.where(gains, scaled, 1.0)
    )
    return np.where(held, 0.0, np.where(gains & (use <= 1.0), use, np.nan))
