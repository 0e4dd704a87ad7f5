"""Inputs of a project: purchase, revenue, books, tax and financing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Flag, Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario
from costmodel.ownership.site import Site

STEPS = 4
"""Steps in a year of a project [1/year]."""
Method = Literal[
    "straight_line", "sum_of_years_digits", "declining_balance", "units_of_production", "economic", "expected_rents"
]


class Books(Inputs):
    """Book depreciation of the accelerators; the site is always depreciated in a straight line over its life."""

    method: Method = "straight_line"
    life: Parameter = parameter("year", gt=0, default=6.0, description="Useful life.")
    salvage_share: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share never depreciated.")


class Contract(Inputs):
    """A take-or-pay contract: its share of capacity is paid for whether used or not, until a default."""

    share: Parameter = parameter("1", ge=0, le=1, description="Share of capacity under contract.")
    rent: Parameter = parameter("USD/hour", ge=0, description="Rent per accelerator-hour, used or not.")
    term: Parameter = parameter("year", ge=0, description="Length of the contract from the start of the project.")
    default_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="Hazard of a default.")


class Capital(Inputs):
    """Financing by equity and debt."""

    equity_share: Parameter = parameter("1", ge=0, le=1, default=0.6, description="Equity over equity and debt.")
    equity_cost: Parameter = parameter("1/year", ge=0, default=0.12, description="Required return on equity, year-end.")
    debt_cost: Parameter = parameter("1/year", ge=0, default=0.07, description="Interest before tax, year-end.")


class Tax(Inputs):
    """Tax on the project, by the rules of the United States."""

    rate: Parameter = parameter("1", ge=0, lt=1, default=0.21, description="Tax rate.")
    bonus: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="Share deducted at once; absent: by the day of acquisition."
    )
    acquired: Date | None = None
    loss_limit: Parameter = parameter(
        "1", ge=0, le=1, default=0.8, description="Largest share of income that earlier losses offset."
    )
    equipment_period: Literal[3, 5, 7, 10, 15, 20] = 5
    site_period: Literal[3, 5, 7, 10, 15, 20] = 15

    @model_validator(mode="after")
    def _check_bonus(self) -> Self:
        if (self.bonus is None) == (self.acquired is None):
            raise ScenarioError("tax: give either bonus, the share deducted at once, or acquired, the day of purchase")
        return self


class Project(Scenario):
    """A project: the purchase of accelerators, to be appraised."""

    model: Literal["project"] = "project"
    years: Annotated[int, Field(strict=True, ge=1, le=40)] = 6
    """Years until the remaining accelerators are sold."""
    accelerators: Parameter = parameter("1", gt=0, description="Accelerators bought now.")
    price: Parameter = parameter("USD", ge=0, description="Price per accelerator, with server and network.")
    it_power: Parameter = parameter("W", gt=0, description="Full-load draw per accelerator, with server and network.")
    lag: Parameter = parameter("year", ge=0, default=0.5, description="Time from order to service.")
    physical_life: Parameter = parameter("year", gt=0, default=6.0, description="Years in service until retirement.")
    failure_rate: Parameter = parameter("1/year", ge=0, default=0.035, description="Permanent failures per unit-year.")
    resale_share: Parameter = parameter("1", ge=0, le=1, default=0.0, description="Resale over purchase price.")
    site: Site
    own_site: Flag = True
    """Whether the site is built; otherwise it is rented at ``site_rent``."""
    site_rent: Parameter = parameter(
        "USD/W/year", ge=0, optional=True, description="Rent of a site per watt of IT power, where none is built."
    )
    rent: Parameter = parameter("USD/hour", gt=0, description="Market rent of an accelerator-hour now.")
    rent_decline: Parameter = parameter(
        "1/year",
        default=0.26,
        description="Log fall of rent, positive where it falls; one number, as required rent is a closed form of it.",
    )
    utilisation: Parameter = parameter("1", gt=0, le=1, default=0.75, description="Share of hours rented out.")
    contract: Contract | None = None
    rental_offer: Parameter = parameter(
        "USD/hour", ge=0, optional=True, description="Price of renting the same hours instead, level over the years."
    )
    busy_load: Parameter = parameter("1", ge=0, le=1, default=0.76, description="Draw in use over draw at full load.")
    idle_load: Parameter = parameter("1", ge=0, le=1, default=0.25, description="Idle draw over draw at full load.")
    maintenance_per_watt: Parameter = parameter(
        "USD/W/year", ge=0, default=0.3, description="Maintenance and staff per year, per watt of IT power."
    )
    books: Books = Field(default_factory=Books)
    capital: Capital = Field(default_factory=Capital)
    tax: Tax

    @model_validator(mode="after")
    def _check_site(self) -> Self:
        if self.own_site == (self.site_rent is not None):
            raise ScenarioError("site_rent belongs to own_site = false: give both or neither")
        return self
