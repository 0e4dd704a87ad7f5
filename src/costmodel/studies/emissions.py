"""Emissions and water of serving: electricity by grid and by contracts, and hardware over its life."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from costmodel.formats.electricity import electricity
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.units import SECONDS_PER_YEAR
from costmodel.serving.deployment import DeploymentResult


class Carbon(Inputs):
    """Emissions of electricity, by the grid of a place and by contracts, and of hardware."""

    region: str | None = None
    """Place whose grid is looked up (extra ``carbon``): a country as ``FRA``, a US state as ``US-TX``, a cloud region
    as ``gcp:us-west4``; see `costmodel.formats.electricity`."""
    intensity: Parameter = parameter(
        "g/Wh", ge=0, optional=True, description="Greenhouse gases of electricity as CO2, by location."
    )
    contracted_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of electricity under certificates or power purchase contracts."
    )
    contracted_intensity: Parameter = parameter(
        "g/Wh", ge=0, optional=True, description="Greenhouse gases of contracted electricity; absent: none."
    )
    residual_intensity: Parameter = parameter(
        "g/Wh",
        ge=0,
        optional=True,
        description="Greenhouse gases of electricity without a contract; absent: by location.",
    )
    water: Parameter = parameter(
        "L/Wh", ge=0, optional=True, description="Water evaporated per energy at the meter; absent: as the region has."
    )
    embodied: Parameter = parameter(
        "g", ge=0, default=0.0, description="Greenhouse gases of making an accelerator with its share of the server."
    )
    embodied_life: Parameter = parameter("year", gt=0, default=5.0, description="Years that the embodied gases cover.")

    @model_validator(mode="after")
    def _check_one_place(self) -> Self:
        if (self.region is None) == (self.intensity is None):
            raise ScenarioError("give the intensity of electricity, or the region whose grid it is from, and not both")
        if self.contracted_intensity is not None and self.contracted_share == 0.0:
            raise ScenarioError("contracted_intensity would do nothing: contracted_share is 0")
        return self

    def grid(self) -> tuple[Numeric, Numeric]:
        """Return greenhouse gases by location [g/Wh] and water [L/Wh], NaN where the data of the region have none."""
        if self.region is None:
            return self.intensity, 0.0 if self.water is None else self.water
        found = electricity(self.region)
        water = np.nan if found.water is None else found.water
        return found.carbon, water if self.water is None else self.water


def emissions(carbon: Carbon | None, served: DeploymentResult, use: Numeric) -> tuple[Numeric, Numeric, Numeric]:
    """Return greenhouse gases by location and by contracts [g/token] and water [L/token] of a token of the mix."""
    if carbon is None:
        return np.nan, np.nan, np.nan
    intensity, water = carbon.grid()
    contracted = 0.0 if carbon.contracted_intensity is None else carbon.contracted_intensity
    residual = intensity if carbon.residual_intensity is None else carbon.residual_intensity
    by_contract = carbon.contracted_share * contracted + (1.0 - carbon.contracted_share) * residual
    per_year = use * served.tokens_per_second * SECONDS_PER_YEAR
    made = carbon.embodied / (carbon.embodied_life * per_year)
    return served.energy * intensity + made, served.energy * by_contract + made, served.energy * water
