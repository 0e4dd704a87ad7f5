"""The written inputs of a workload, and of how tokens and accelerator-hours are priced."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter


class Adoption(Inputs):
    """How many use a workload [4], as an index that is 1 at the start."""

    kind: Literal["schedule", "logistic", "bass"] = "schedule"
    index: Parameter = parameter("1", ge=0, trajectory=True, default=1.0, description="Index, for kind schedule.")
    growth: Parameter = parameter("1/year", default=0.0, description="Log growth of the index, or the logistic rate.")
    ceiling: Parameter = parameter("1", ge=1, default=1.0, description="Ceiling over the start: logistic and Bass.")
    innovation: Parameter = parameter("1/year", ge=0, default=0.0, description="Bass coefficient of innovation.")
    imitation: Parameter = parameter("1/year", ge=0, default=0.0, description="Bass coefficient of imitation.")


class Workload(Inputs):
    """A workload: its compute per token [1], its demand [4] and its price [8]."""

    tokens: Parameter = parameter(
        "token/year", ge=0, description="Demand at the start, at the price that users have in mind."
    )
    launch: Date | None = None
    ramp: Parameter = parameter("year", ge=0, default=0.0, description="Time over which it is rolled out.")
    adoption: Adoption = Adoption()
    intensity_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of tokens per task.")
    intensity_fade: Parameter = parameter(
        "year", gt=0, optional=True, description="Time over which that growth decays; absent: it lasts."
    )
    price_elasticity: Parameter = parameter("1", le=0, description="Signed: d ln tokens / d ln price.")
    capability_elasticity: Parameter = parameter("1", ge=0, default=0.0, description="d ln tokens / d ln capability.")
    price_memory: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Speed at which users notice a price; absent: at once."
    )
    price: Parameter = parameter("USD/token", gt=0, description="List price at the start.")
    remembered_price: Parameter = parameter(
        "USD/token",
        gt=0,
        optional=True,
        description="Price that users have in mind at the start; the list price if absent.",
    )
    compute_per_token: Parameter = parameter("FLOP/token", gt=0, description="Compute per token at the start.")
    compute_floor: Parameter = parameter("FLOP/token", ge=0, default=0.0, description="Physical floor of it.")
    model_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of the served model's compute.")
    model_fade: Parameter = parameter("1/year/year", ge=0, default=0.0, description="Fall of that growth per year.")
    model_fade_from: Date | None = None
    mfu: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Model FLOP utilisation in serving.")
    markup: Parameter = parameter("1", gt=-1, default=0.0, description="Mark-up of the target price on unit cost.")
    paid_share: Parameter = parameter(
        "1", ge=0, le=1, trajectory=True, default=1.0, description="Share of tokens paid."
    )
    price_realisation: Parameter = parameter(
        "1", ge=0, trajectory=True, default=1.0, description="Realised over list price."
    )
    budget_share: Parameter = parameter(
        "1", gt=0, optional=True, description="Ceiling of what users can pay, as a share of world product."
    )
    budget_sharpness: Parameter = parameter("1", gt=0, default=1.0, description="How sharply demand bends at it.")


class Pricing(Inputs):
    """How token prices follow cost [8]."""

    basis: Literal["required_rent", "rental", "accounting"] = "required_rent"
    speed: Parameter = parameter("1/year", gt=0, description="Speed at which the price closes on its target.")
    tightness_exponent: Parameter = parameter("1", ge=0, default=0.0, description="Exponent of the price on tightness.")
    tightness_low: Parameter = parameter("1", gt=0, le=1, default=0.7, description="Lowest tightness ratio read.")
    tightness_high: Parameter = parameter("1", ge=1, default=5.0, description="Highest tightness ratio read.")


class Rental(Inputs):
    """Rent of an accelerator [7] and what scarcity does [6]."""

    tightness_exponent: Parameter = parameter("1", ge=0, default=0.0, description="Exponent of the rent on tightness.")
    tightness_low: Parameter = parameter("1", gt=0, le=1, default=0.7, description="Lowest tightness ratio read.")
    tightness_high: Parameter = parameter("1", ge=1, default=2.0, description="Highest tightness ratio read.")
    cleared_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of a shortage cleared by price."
    )
    max_scarcity_premium: Parameter = parameter(
        "1", ge=1, default=3.0, description="Largest factor of scarcity on price."
    )
    fill_rate: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of idle capacity sold at the rent."
    )


class Service(Inputs):
    """How far capacity can be used [6]."""

    target_utilisation: Parameter = parameter("1", gt=0, le=1, description="Target, set by peak-to-average load.")
    max_utilisation: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Largest share ever used.")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        low, high = self.target_utilisation, self.max_utilisation
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ScenarioError(f"target_utilisation {low:g} is above max_utilisation {high:g}")
        return self
