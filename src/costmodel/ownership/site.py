"""Site: construction cost, time to completion, power and cooling."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade


class Cooling(Inputs):
    """A cooling system: its extra cost per watt, and the PUE that it reaches."""

    extra_cost_per_watt: Parameter = parameter(
        "USD/W",
        ge=0,
        default=0.0,
        description="Extra cost over an air-cooled facility, per watt of IT power.",
    )
    pue: Parameter = parameter("1", ge=1, description="Site power over IT power.")


AIR = Cooling(pue={"value": 1.15, "grade": "unverified", "note": "recent average of large operators (AWS, Oracle)"})
"""An air-cooled facility of a large operator."""


class Site(Inputs):
    """A data-centre site."""

    power_limit: Parameter = parameter(
        "W", gt=0, optional=True, description="Largest grid power that the site may draw; absent: no limit."
    )
    cost_per_watt: Parameter = parameter(
        "USD/W", ge=0, description="Cost of shell, power and air cooling, per watt of IT power."
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


@formula(step=True)
def power_room(power_limit: Numeric, it_power: Numeric, pue: Numeric) -> Numeric:
    """Return the IT power that a site can still take.

    Parameters
    ----------
    power_limit
        Largest grid power that the site may draw, ≥ 0 [W]; infinite for no limit.
    it_power
        IT power installed and on order, ≥ 0 [W].
    pue
        Site power over IT power, ≥ 1 [1].

    Returns
    -------
    Numeric
        Remaining IT power, ≥ 0 [W]; 0 where the limit is exceeded already.

    Examples
    --------
    >>> float(power_room(120e6, 80e6, 1.2)) / 1e6
    20.0
    """
    return np.maximum(power_limit / pue - it_power, 0.0)
