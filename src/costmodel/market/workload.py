"""The inputs that every token market shares: its time grid, adoption, and a workload's demand and price."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from costmodel.foundation.budgets import MAX_STEPS
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter
from costmodel.foundation.rates import refuse_fade
from costmodel.foundation.schedules import STEPS_PER_YEAR, Schedule, TimeGrid, year_fraction

__all__ = ["AdoptionInputs", "Period", "WorkloadDemand"]


class Period(Inputs):
    """The time grid: whole steps from a start date to an end date."""

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
        if count > MAX_STEPS:
            raise ScenarioError(f"time: {self.start} to {self.end} is {count:,.0f} steps; at most {MAX_STEPS:,}")
        if count < 0.5 or abs(count - round(count)) > 1e-6:
            raise ScenarioError(
                f"time: {self.start} to {self.end} is not a whole, positive number of {self.step} steps"
            )
        return TimeGrid(self.start, round(count), self.step)


class AdoptionInputs(Inputs):
    """Adoption of a workload, as an index that is 1 at the start."""

    kind: Literal["schedule", "logistic", "bass"] = "schedule"
    index: Parameter = parameter("1", ge=0, trajectory=True, default=1.0, description="Index, for kind schedule.")
    growth: Parameter = parameter(
        "1/year",
        growth=True,
        default=0.0,
        description="Log growth of the index, or the logistic rate; may vary in time.",
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
        low: Any = self.growth
        if isinstance(low, Schedule) and not low.distributed:
            low = low.support()[0]
        if self.kind == "logistic" and isinstance(low, float) and low < 0.0:
            raise ScenarioError(f"a logistic adoption needs a growth of at least 0; given {low:g}")
        return self


_READ_BY_KIND = {
    "schedule": ("index", "growth"),
    "logistic": ("growth", "ceiling"),
    "bass": ("innovation", "imitation", "ceiling"),
}
"""The entries that each kind of adoption reads."""


class WorkloadDemand(Inputs):
    """A workload's demand and price, and the share that users pay."""

    tokens: Parameter = parameter(
        "token/year", ge=0, description="Demand at the start, at the price that users remember."
    )
    price: Parameter = parameter("USD/token", gt=0, description="List price at the start; demand refers to it.")
    markup: Parameter = parameter("1", gt=-1, default=0.0, description="Mark-up of the target price on unit cost.")
    price_elasticity: Parameter = parameter(
        "1", le=0, description="Price elasticity of demand, signed: d ln tokens / d ln price."
    )
    price_memory: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Speed at which users notice a price; absent: at once."
    )
    capability_elasticity: Parameter = parameter(
        "1", ge=0, default=0.0, description="Elasticity of demand to capability: d ln tokens / d ln capability."
    )
    adoption: AdoptionInputs = AdoptionInputs()
    intensity_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth of tokens per task; may vary in time."
    )
    intensity_fade: Parameter = parameter(
        "year", gt=0, optional=True, description="Time in which intensity growth falls to 1/e; absent: constant."
    )
    launch: Date | None = None
    ramp: Parameter = parameter("year", ge=0, default=0.0, description="Length of the linear ramp after the launch.")
    paid_share: Parameter = parameter(
        "1", ge=0, le=1, trajectory=True, default=1.0, description="Share of tokens that are paid for."
    )
    price_realisation: Parameter = parameter(
        "1", ge=0, trajectory=True, default=1.0, description="Realised over list price: caches, batches, commitments."
    )
    budget: Parameter = parameter(
        "USD/year", gt=0, trajectory=True, optional=True, description="Largest amount that its users can pay."
    )
    budget_sharpness: Parameter = parameter(
        "1", gt=0, default=4.0, description="Sharpness with which the budget limits demand."
    )

    @model_validator(mode="after")
    def _check_intensity(self) -> Self:
        if self.intensity_fade is not None:
            refuse_fade("intensity_growth", self.intensity_growth, "leave out intensity_fade")
        return self
