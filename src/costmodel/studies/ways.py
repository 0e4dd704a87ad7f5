"""Ways to pay for an accelerator-hour: own, lease, commit, on demand, spot; and from which use on owning is cheaper.

Ways are compared at the same work. A *busy* hour does work; idle hours are paid for by an owner, under a lease
and under a commitment, and on demand are handed back as far as scaling allows.

**Time.** Without a horizon a price holds for as long as an owner's hardware does. With one, the service is needed for
so many years: hardware is sold at that age, prices fall meanwhile, and a term that runs on is paid to its end.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.ownership.rent import annuity

ROUNDING = 1e-12
"""Share by which a horizon may exceed whole terms before another is begun [1]: rounding of a quotient."""


@formula()
def on_demand_hour(price: Numeric, utilisation: Numeric, scaled_share: Numeric) -> Numeric:
    """Cost of a busy hour if idle hours are handed back as far as scaling allows.

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
        Owner's extra cost of a busy hour, >= 0 [USD/hour].
    price
        Rent of an hour, > 0 [USD/hour].
    scaled_share
        Share of idle hours that a renter hands back, above ``owned_variable / price`` to 1 [1]; below it no use
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


@formula()
def level_price(price: Numeric, decline: Numeric, discount_rate: Numeric, horizon: Numeric) -> Numeric:
    """Level price over a horizon that is worth as much as a price that falls.

    Parameters
    ----------
    price
        Price of an hour at the start, >= 0 [USD/hour].
    decline
        Logarithmic fall of the price, signed: positive where it falls [1/year].
    discount_rate
        Logarithmic cost of capital [1/year].
    horizon
        Years for which hours are needed, > 0 [year].

    Returns
    -------
    float or array
        Level price of an hour [USD/hour].

    Notes
    -----
    ``p A(r + δ, H)/A(r, H)`` with the annuity ``A`` of `costmodel.ownership.rent`.

    Examples
    --------
    >>> round(float(level_price(3.0, 0.0, 0.1, 4.0)), 9), round(float(level_price(3.0, 0.2, 0.0, 4.0)), 3)
    (3.0, 2.065)
    """
    return price * annuity(discount_rate + decline, horizon) / annuity(discount_rate, horizon)


@formula()
def committed_price(
    price: Numeric, decline: Numeric, discount_rate: Numeric, term: Numeric, horizon: Numeric
) -> Numeric:
    """Level price over a horizon of a commitment that is renewed until the horizon is covered.

    Parameters
    ----------
    price
        Price of an hour in the first term, >= 0 [USD/hour].
    decline
        Logarithmic fall of the price at which it is renewed, signed [1/year].
    discount_rate
        Logarithmic cost of capital [1/year].
    term
        Years of a term, > 0 [year]; its price holds to its end, and is paid to its end.
    horizon
        Years for which hours are needed, > 0 [year].

    Returns
    -------
    float or array
        Level price of an hour that is needed [USD/hour].

    Notes
    -----
    ``n = ⌈H/T⌉`` terms, the k-th from 0 at ``p e^−δkT`` and paid for ``T`` years:
    ``p A(r, T) Σ e^−(r + δ)kT / A(r, H)``.

    Examples
    --------
    Two years needed on a term of three; three years on terms of one, without interest, at a price that halves

    >>> round(float(committed_price(2.0, 0.0, 0.0, 3.0, 2.0)), 9)
    3.0
    >>> round(float(committed_price(2.0, np.log(2.0), 0.0, 1.0, 3.0)), 9)  # 2, 1 and 0.5
    1.166666667
    """
    terms = np.ceil(horizon / term * (1.0 - ROUNDING))
    fall = (discount_rate + decline) * term
    paid = annuity(discount_rate, term) * annuity(fall, terms) / annuity(fall, 1.0)
    return price * paid / annuity(discount_rate, horizon)


@formula()
def resale_share(decline: Numeric, kept: Numeric, age: Numeric) -> Numeric:
    """Share of its price that used hardware fetches at an age.

    Parameters
    ----------
    decline
        Logarithmic fall of the price of used hardware with age, >= 0 [1/year].
    kept
        Share of the price that the seller keeps, 0 to 1 [1].
    age
        Age, >= 0 [year].

    Returns
    -------
    float or array
        Share of the price when new [1].

    Examples
    --------
    >>> round(float(resale_share(0.3, 0.9, 2.0)), 4)
    0.4939
    """
    return kept * np.exp(-decline * age)


class Resale(Inputs):
    """Price of used chips, servers and networks, by age."""

    decline: Parameter = parameter("1/year", ge=0, description="Logarithmic fall of the price of used IT with age.")
    kept: Parameter = parameter(
        "1", ge=0, le=1, default=1.0, description="Share of that price that the seller keeps after fees and moving."
    )


class Offer(Inputs):
    """Capacity that can be rented, or hardware that can be leased."""

    kind: Literal["on demand", "committed", "spot", "lease"]
    """Whether idle hours can be handed back, are paid for, capacity may be taken away, or hardware is leased: its site,
    energy and maintenance are then the lessee's."""
    price: Parameter = parameter(
        "USD/hour", ge=0, description="Price of an accelerator-hour; of a lease, per paid hour."
    )
    term: Parameter = parameter(
        "year", gt=0, optional=True, description="Years for which a commitment or a lease binds, with a horizon."
    )
    price_decline: Parameter = parameter(
        "1/year", default=0.0, description="Expected logarithmic fall of the price, with a horizon; a term locks it."
    )
    scaled_share: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="Share of idle hours handed back; absent: all, on demand and spot."
    )
    interruption_rate: Parameter = parameter(
        "1/hour", ge=0, optional=True, description="Interruptions in an hour of running on spot."
    )
    lost_time: Parameter = parameter("hour", ge=0, optional=True, description="Time lost by an interruption.")

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        """Refuse entries without effect for the kind, and a spot offer without interruptions."""
        spot = self.kind == "spot"
        for name in ("interruption_rate", "lost_time"):
            if (getattr(self, name) is not None) != spot:
                what = "is missing: spot capacity is taken away" if spot else "would do nothing"
                raise ScenarioError(f"{name} {what} (kind {self.kind!r})")
        if self.binds and self.scaled_share is not None:
            raise ScenarioError(f"scaled_share would do nothing: hours are paid for (kind {self.kind!r})")
        if not self.binds and self.term is not None:
            raise ScenarioError(f"term would do nothing: no term binds (kind {self.kind!r})")
        return self

    @property
    def binds(self) -> bool:
        """Whether idle hours are paid for, by commitment or lease."""
        return self.kind in ("committed", "lease")

    def check_horizon(self, name: str, needed: bool) -> None:
        """Refuse what would do nothing without a horizon, and a term that is missing with one."""
        for entry, default in (("term", None), ("price_decline", 0.0)):
            if not needed and getattr(self, entry) != default:
                raise ScenarioError(f"offers.{name}.{entry} would do nothing: give horizon, the years of need")
        if needed and self.binds and self.term is None:
            raise ScenarioError(f"offers.{name}: give term, the years that it binds, as there is a horizon")


def offered(offer: Offer, discount_rate: Numeric, horizon: Numeric | None) -> tuple[Numeric, Numeric]:
    """Return the level price of a useful hour under an offer [USD/hour], and the share of idle hours handed back [1].

    Parameters
    ----------
    offer
        A resolved offer.
    discount_rate
        Logarithmic cost of capital [1/year].
    horizon
        Years for which hours are needed [year]; absent: the price holds.
    """
    if offer.binds:
        if horizon is None:
            return offer.price, 0.0
        return committed_price(offer.price, offer.price_decline, discount_rate, offer.term, horizon), 0.0
    price, scaled = offer.price, 1.0 if offer.scaled_share is None else offer.scaled_share
    if horizon is not None:
        price = level_price(price, offer.price_decline, discount_rate, horizon)
    if offer.kind == "on demand":
        return price, scaled
    return spot_hour(price, offer.interruption_rate, offer.lost_time), scaled


def reached_use(fixed: Numeric, variable: Numeric, price: Numeric, scaled: Numeric) -> Numeric:
    """Return the use from which owning is cheaper: 0 where it always is, NaN where it never is."""
    held = price * (1.0 - scaled) >= fixed
    gains = price * scaled > variable
    use = break_even_use(
        fixed, np.where(gains, variable, 0.0), np.where(gains, price, 1.0), np.where(gains, scaled, 1.0)
    )
    return np.where(held, 0.0, np.where(gains & (use <= 1.0), use, np.nan))
