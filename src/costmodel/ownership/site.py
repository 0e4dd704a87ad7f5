"""A site: what it costs to build, when it is ready, how much it can power, and how it is cooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from costmodel import catalog
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.energy import energy_cost, facility_cost, facility_power
from costmodel.ownership.sourced import WH_PER_KWH, sourced


class Cooling(Inputs):
    """A way of cooling: what it adds to the facility's cost, and the PUE that it reaches."""

    kind: Literal["air", "liquid"] = "air"
    extra_cost_per_watt: Parameter = parameter(
        "USD/W",
        ge=0,
        default=0.0,
        description="Cost beyond that of an air-cooled facility, per watt of IT power.",
    )
    pue: Parameter = parameter("1", ge=1, description="Site power over IT power.")


AIR = Cooling(
    kind="air", pue={"value": 1.15, "grade": "unverified", "note": "recent average of large operators (AWS, Oracle)"}
)
"""An air-cooled facility of a large operator."""
LIQUID = Cooling(
    kind="liquid",
    extra_cost_per_watt={
        "value": {"dist": "uniform", "low": 0.5, "high": 2.0},
        "grade": "assumed",
        "note": "no sourced figure: cold plates, manifolds and distribution units at 5 to 20 % of a facility",
    },
    pue={"value": 1.08, "grade": "unverified", "note": "as AWS states for its new, liquid-cooled design"},
)
"""A liquid-cooled facility; racks of 100 kW and more need one."""


class Site(Inputs):
    """A data-centre site."""

    power_limit: Parameter = parameter(
        "W", gt=0, optional=True, description="Grid power that the site may draw; absent: no limit."
    )
    cost_per_watt: Parameter = parameter(
        "USD/W", ge=0, description="Shell, power and air cooling, per watt of IT power."
    )
    construction_lag: Parameter = parameter(
        "year",
        ge=0,
        default=1.75,
        description="Time from first payment to service.",
        grade=Grade.SECONDARY,
        note="shells take 18 to 24 months",
    )
    life: Parameter = parameter(
        "year", gt=0, default=20.0, description="Life of shell, power and cooling.", note="guides say 14 to 25"
    )
    electricity_price: Parameter = parameter("USD/Wh", ge=0, description="Price at the meter.")
    cooling: Cooling = Field(default=AIR)


def site_in(region: str, *, cooling: Cooling = AIR, power_limit: float | None = None) -> Site:
    """Return a site at a region's electricity price and the catalog's facility cost.

    Parameters
    ----------
    region
        Region with a recorded electricity price, as ``"Ohio"``.
    cooling
        `AIR`, `LIQUID` or another.
    power_limit
        Grid power that it may draw [W]; absent: no limit.

    Raises
    ------
    CatalogError
        If the region has no recorded price.

    Examples
    --------
    >>> round(site_in("Ohio").electricity_price * 1e6, 2)
    79.0
    """
    price = catalog.electricity(region).datum("price")
    cost = catalog.facility("facility only").datum("facility_per_power")
    return Site(
        power_limit=power_limit,
        cost_per_watt=sourced(cost),
        electricity_price=sourced(price, scale=1.0 / WH_PER_KWH),
        cooling=cooling,
    )


@dataclass(frozen=True, slots=True)
class SiteCosts:
    """What some IT power needs of a site, arrays of the shape of the batch."""

    capex: Numeric
    """Shell, power and cooling [USD]; paid over the construction lag before service."""
    energy: Numeric
    """Electricity a year, cooling included [USD/year]."""
    grid_power: Numeric
    """Draw at the meter at full load [W]."""
    room: Numeric
    """IT power for which there is still room [W]; infinite without a limit."""
    within_limit: Numeric
    """Whether the grid carries it."""


def site_costs(site: Site, it_power: Numeric, load: Numeric) -> SiteCosts:
    """Return what some IT power costs on a site, with its cooling, and whether the grid carries it.

    Parameters
    ----------
    site
        Its resolved inputs: floats or ``(draw,)`` arrays.
    it_power
        Draw of servers and network at full load, ≥ 0 [W].
    load
        Average share of it, 0 to 1 [1].

    Examples
    --------
    >>> ohio = Site(power_limit=120e6, cost_per_watt=11.0, electricity_price=7.9e-5, cooling={"pue": 1.2})
    >>> costs = site_costs(ohio, 80e6, 0.8)
    >>> round(costs.capex / 1e6), round(costs.energy / 1e6, 1), round(costs.grid_power / 1e6), round(costs.room / 1e6)
    (880, 53.2, 96, 20)
    """
    cooling = site.cooling
    limit = np.inf if site.power_limit is None else site.power_limit
    grid = facility_power(it_power, cooling.pue)
    return SiteCosts(
        capex=facility_cost(it_power, site.cost_per_watt + cooling.extra_cost_per_watt, 0.0),
        energy=energy_cost(it_power, load, cooling.pue, HOURS_PER_YEAR, site.electricity_price),
        grid_power=grid,
        room=power_room(limit, it_power, cooling.pue),
        within_limit=grid <= limit,
    )


@formula(step=True)
def power_room(power_limit: Numeric, it_power: Numeric, pue: Numeric) -> Numeric:
    """Return the IT power for which a site still has room.

    Parameters
    ----------
    power_limit
        Grid power that the site may draw, ≥ 0 [W]; infinite for no limit.
    it_power
        IT power installed and on its way, ≥ 0 [W].
    pue
        Site power over IT power, ≥ 1 [1].

    Returns
    -------
    Numeric
        Room, ≥ 0 [W]; 0 where the limit is exceeded already.

    Examples
    --------
    >>> float(power_room(120e6, 80e6, 1.2)) / 1e6
    20.0
    """
    return np.maximum(power_limit / pue - it_power, 0.0)


@formula(step=True)
def units_within_power(room: Numeric, unit_power: Numeric) -> Numeric:
    """Return how many units a room of IT power takes.

    Parameters
    ----------
    room
        IT power with room, ≥ 0 [W].
    unit_power
        IT power of one unit, > 0 [W].

    Returns
    -------
    Numeric
        Units, not rounded [1].

    Examples
    --------
    A rack of 132 kW: a megawatt takes seven and a half.

    >>> round(float(units_within_power(1e6, 132e3)), 2)
    7.58
    """
    return room / unit_power


@formula()
def cooling_advantage(
    extra_cost_per_watt: Numeric,
    pue_before: Numeric,
    pue_after: Numeric,
    yearly_capital_rate: Numeric,
    load: Numeric,
    electricity_price: Numeric,
    hours_per_year: Numeric,
) -> Numeric:
    """Return what better cooling saves a year, per watt of IT power: energy less the cost of the extra capital.

    Parameters
    ----------
    extra_cost_per_watt
        What it adds to the facility's cost, ≥ 0 [USD/W].
    pue_before, pue_after
        Site power over IT power without and with it, ≥ 1 [1].
    yearly_capital_rate
        Yearly cost of capital and recovery per unit of cost [1/year];
        see `costmodel.ownership.rent.capital_recovery_factor`.
    load
        Average share of the draw at full load, 0 to 1 [1].
    electricity_price
        Price at the meter, ≥ 0 [USD/Wh].
    hours_per_year
        Operating hours in a year, > 0 [hour/year].

    Returns
    -------
    Numeric
        Saving [USD/W/year]; negative where it does not pay by energy alone.

    Examples
    --------
    From PUE 1.25 to 1.08 at 8 cents: worth 0.095 USD per watt a year, less 0.094 for a dollar of capital.

    >>> round(float(cooling_advantage(1.0, 1.25, 1.08, 0.094, 0.8, 8e-5, 8766.0)), 4)
    0.0014
    """
    energy = (pue_before - pue_after) * load * electricity_price * hours_per_year
    return energy - extra_cost_per_watt * yearly_capital_rate
