"""A token market as a scenario: workloads with their demand and price, the fall of cost, and what users can pay.

Unit cost falls as given, not as a fleet's economics make it: this is the market around the compute, without the
fleet. The flywheel closes that loop.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.schedules import STEPS_PER_YEAR, TimeGrid, year_fraction

__all__ = ["AdoptionInputs", "CostInputs", "MarketTime", "MarketWorkload", "TokenMarket"]


class MarketTime(Inputs):
    """Time grid: whole steps from a start date to an end date."""

    start: Date
    end: Date
    step: Literal["half-month", "month", "quarter", "year"] = "quarter"

    def grid(self) -> TimeGrid:
        """Return the grid.

        Raises
        ------
        ScenarioError
            If the dates hold no whole number of steps.
        """
        count = (year_fraction(self.end) - year_fraction(self.start)) * STEPS_PER_YEAR[self.step]
        if count < 0.5 or abs(count - round(count)) > 1e-6:
            raise ScenarioError(
                f"time: {self.start} to {self.end} is not a whole, positive number of {self.step} steps"
            )
        return TimeGrid(self.start, round(count), self.step)


class CostInputs(Inputs):
    """Fall of unit cost, the same for all workloads."""

    hardware_decline: Parameter = parameter(
        "1/year", description="Log fall of the cost of computing, above 0 where it falls."
    )
    software_decline: Parameter = parameter(
        "1/year", description="Log fall of the work per token at the served quality, above 0 where it falls."
    )
    experience_exponent: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Experience exponent on all tokens ever served."
    )
    initial_cumulative_tokens: Parameter = parameter(
        "token", gt=0, optional=True, description="Tokens served before the start; needed with an experience exponent."
    )


class AdoptionInputs(Inputs):
    """How many use a workload, as an index that is 1 at the start, or at its launch where that is later."""

    kind: Literal["schedule", "logistic", "bass"] = "schedule"
    index: Parameter = parameter("1", ge=0, trajectory=True, default=1.0, description="Index, for kind schedule.")
    growth: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Logistic growth rate far below the ceiling."
    )
    ceiling: Parameter = parameter("1", ge=1, default=1.0, description="Ceiling over the start: logistic and Bass.")
    innovation: Parameter = parameter("1/year", ge=0, default=0.0, description="Bass coefficient of innovation.")
    imitation: Parameter = parameter("1/year", ge=0, default=0.0, description="Bass coefficient of imitation.")

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        for name, field in type(self).model_fields.items():
            unread = name != "kind" and name not in _READ_BY_KIND[self.kind]
            if unread and getattr(self, name) != field.default:
                read = " and ".join(_READ_BY_KIND[self.kind])
                raise ScenarioError(f"adoption of kind {self.kind!r} reads {read}; {name} would do nothing")
        return self


_READ_BY_KIND = {
    "schedule": ("index",),
    "logistic": ("growth", "ceiling"),
    "bass": ("innovation", "imitation", "ceiling"),
}
"""The entries that each kind of adoption reads."""


class MarketWorkload(Inputs):
    """A workload: its demand, its price and who pays."""

    tokens: Parameter = parameter("token/year", gt=0, description="Demand at the price at the start.")
    price: Parameter = parameter("USD/token", gt=0, description="Price at the start, to which demand refers.")
    unit_cost: Parameter = parameter(
        "USD/token", gt=0, optional=True, description="Unit cost at the start; absent: price over 1 + markup."
    )
    markup: Parameter = parameter("1", gt=-1, default=0.0, description="Mark-up of the target price on unit cost.")
    price_elasticity: Parameter = parameter("1", le=0, description="Signed: d ln tokens / d ln price.")
    price_memory: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Speed at which users notice a price; absent: at once."
    )
    capability_elasticity: Parameter = parameter("1", ge=0, default=0.0, description="d ln tokens / d ln capability.")
    adoption: AdoptionInputs = AdoptionInputs()
    intensity_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of tokens per task.")
    intensity_fade: Parameter = parameter(
        "year", gt=0, optional=True, description="Time over which that growth decays; absent: it lasts."
    )
    launch: Date | None = None
    ramp: Parameter = parameter("year", ge=0, default=0.0, description="Time over which it is rolled out.")
    paid_share: Parameter = parameter(
        "1", ge=0, le=1, trajectory=True, default=1.0, description="Share of tokens paid."
    )
    price_realisation: Parameter = parameter(
        "1", ge=0, trajectory=True, default=1.0, description="Realised over list price: caches, batches, commitments."
    )
    budget: Parameter = parameter(
        "USD/year", gt=0, trajectory=True, optional=True, description="The most that its users can spend."
    )
    budget_sharpness: Parameter = parameter("1", gt=0, default=4.0, description="How sharply demand bends at it.")

    @model_validator(mode="after")
    def _check_ramp(self) -> Self:
        if self.launch is None and self.ramp != 0.0:
            raise ScenarioError("ramp needs a launch to start from")
        return self


class TokenMarket(Scenario):
    """Workloads whose price follows a falling cost, and whose users answer.

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
    time: MarketTime
    cost: CostInputs
    price_speed: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Speed at which prices close on cost plus mark-up; absent: at once."
    )
    capability_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of effective compute.")
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
            raise ScenarioError("cost.experience_exponent needs cost.initial_cumulative_tokens to be measured from")
        return self


register_model("token_market", TokenMarket, "costmodel.market.model:run_market")
