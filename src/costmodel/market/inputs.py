"""Token market scenario: workloads with demand and price, the decline of cost, and users' budgets.

Unit cost falls at a given rate: this is the market without the fleet. In the flywheel, unit cost follows from the
fleet's economics.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.schedules import TimeGrid
from costmodel.market.workload import Period, WorkloadDemand

__all__ = ["CostInputs", "MarketWorkload", "TokenMarket"]


class CostInputs(Inputs):
    """Fall of unit cost, the same for all workloads."""

    hardware_decline: Parameter = parameter(
        "1/year",
        growth=True,
        description="Logarithmic fall of the cost of compute, above 0 where it falls; may vary in time.",
    )
    software_decline: Parameter = parameter(
        "1/year",
        growth=True,
        description="Logarithmic fall of the work per token at the served quality, above 0 where it falls; may vary in "
        "time.",
    )
    experience_exponent: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Experience exponent on all tokens ever served."
    )
    initial_cumulative_tokens: Parameter = parameter(
        "token", gt=0, optional=True, description="Tokens served before the start; needed with an experience exponent."
    )


class MarketWorkload(WorkloadDemand):
    """A workload of a token market whose unit cost falls as given."""

    unit_cost: Parameter = parameter(
        "USD/token", gt=0, optional=True, description="Unit cost at the start; absent: price over 1 + markup."
    )

    @model_validator(mode="after")
    def _check_ramp(self) -> Self:
        if self.launch is None and self.ramp != 0.0:
            raise ScenarioError("ramp needs a launch to start from")
        return self


class TokenMarket(Scenario):
    """Workloads whose price follows a falling cost, and whose users respond to it.

    Examples
    --------
    >>> market = TokenMarket(
    ...     name="halving", time={"start": "2026-01", "end": "2027-01"},
    ...     cost={"hardware_decline": 0.3, "software_decline": 0.4},
    ...     workloads={"chat": {"tokens": 1e15, "price": "2 USD/Mtoken", "price_elasticity": -1.11}},
    ... )
    >>> market.get("workloads.chat.price")
    2e-06
    """

    model: Literal["token_market"] = "token_market"
    time: Period
    cost: CostInputs
    price_speed: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Speed at which prices adjust to cost plus mark-up; absent: at once."
    )
    capability_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth of effective compute; may vary in time."
    )
    substitution: Parameter = parameter(
        "1", ge=0, optional=True, description="Elasticity of substitution between workloads; absent: own price alone."
    )
    workloads: dict[str, MarketWorkload] = Field(min_length=1)

    @property
    def grid(self) -> TimeGrid:
        """The time grid."""
        return self.time.grid()

    @model_validator(mode="after")
    def _check_market(self) -> Self:
        self.time.grid()
        learns = self.cost.experience_exponent
        if self.cost.initial_cumulative_tokens is None and not (isinstance(learns, float) and learns == 0.0):
            raise ScenarioError("cost.experience_exponent needs cost.initial_cumulative_tokens: tokens served before")
        return self


register_model("token_market", TokenMarket, "costmodel.market.model:run_market")
