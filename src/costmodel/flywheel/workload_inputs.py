"""The written inputs of a workload in the flywheel: the market's demand and price, and the compute behind a token."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from costmodel.foundation.inputs import Date, Parameter, parameter
from costmodel.foundation.rates import refuse_fade
from costmodel.market.workload import WorkloadDemand


class Workload(WorkloadDemand):
    """A workload: its demand and price as in any token market, and its compute per token."""

    remembered_price: Parameter = parameter(
        "USD/token",
        gt=0,
        optional=True,
        description="Price that users remember at the start; absent: the list price.",
    )
    compute_per_token: Parameter = parameter("FLOP/token", gt=0, description="Compute per token at the start.")
    compute_floor: Parameter = parameter("FLOP/token", ge=0, default=0.0, description="Physical floor of it.")
    model_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth of the served model's compute; may vary in time."
    )
    model_fade: Parameter = parameter("1/year/year", ge=0, default=0.0, description="Fall of that growth per year.")
    model_fade_from: Date | None = None
    mfu: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Model FLOP utilisation in serving.")
    budget_share: Parameter = parameter(
        "1", gt=0, optional=True, description="Ceiling of what users can pay, as a share of world product."
    )
    budget_sharpness: Parameter = parameter("1", gt=0, default=1.0, description="How sharply demand bends at it.")

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.model_fade_from is not None and self.model_fade != 0.0:
            refuse_fade("model_growth", self.model_growth, "write model_fade = 0")
        return self
