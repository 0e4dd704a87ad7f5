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
    """How the accelerators are depreciated in the books; the site always in a straight line over its life."""

    method: Method = "straight_line"
    life: Parameter = parameter("year", gt=0, default=6.0, description="Useful life.")
    salvage_share: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share that is never depreciated.")


class Contract(Inputs):
    """A take-or-pay contract: its share is paid whether it is used or not, while the counterparty pays."""

    share: Parameter = parameter("1", ge=0, le=1, description="Share of capacity that it covers.")
    rent: Parameter = parameter("USD/hour", ge=0, description="Rent per accelerator-hour, used or not.")
    term: Parameter = parameter("year", ge=0, description="Length from the start of the project.")
    default_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="Hazard that it stops paying.")


class Capital(Inputs):
    """Where the money comes from."""

    equity_share: Parameter = parameter("1", ge=0, le=1, default=0.6, description="Equity over equity and debt.")
    equity_cost: Parameter = parameter("1/year", ge=0, default=0.12, description="Return that equity asks, year-end.")
    debt_cost: Parameter = parameter("1/year", ge=0, default=0.07, description="Interest before tax, year-end.")


class Tax(Inputs):
    """Tax on the project, as in the United States."""

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
            raise ScenarioError("tax: give bonus, the share deducted at once, or acquired, the day that decides it")
        return self


class Project(Scenario):
    """The purchase of accelerators, appraised."""

    model: Literal["project"] = "project"
    years: Annotated[int, Field(strict=True, ge=1, le=40)] = 6
    """Years until what is left is sold."""
    accelerators: Parameter = parameter("1", gt=0, description="Accelerators bought now.")
    price: Parameter = parameter("USD", ge=0, description="Of one, with its share of server and network.")
    it_power: Parameter = parameter("W", gt=0, description="Draw of one at full load, with server and network.")
    lag: Parameter = parameter("year", ge=0, default=0.5, description="From order to service.")
    physical_life: Parameter = parameter("year", gt=0, default=6.0, description="Years in service until retired.")
    failure_rate: Parameter = parameter("1/year", ge=0, default=0.035, description="Permanent failures per unit.")
    resale_share: Parameter = parameter("1", ge=0, le=1, default=0.0, description="Price at the end over that paid.")
    site: Site
    own_site: Flag = True
    """Whether the site is built; else it is let at ``site_rent``."""
    site_rent: Parameter = parameter(
        "USD/W/year", ge=0, optional=True, description="Rent of a site per watt of IT power, where it isn't built."
    )
    rent: Parameter = parameter("USD/hour", gt=0, description="Market rent of an accelerator-hour now.")
    rent_decline: Parameter = parameter("1/year", default=0.26, description="Log fall of it, positive where it falls.")
    utilisation: Parameter = parameter("1", gt=0, le=1, default=0.75, description="Share of hours let in the market.")
    contract: Contract | None = None
    rental_offer: Parameter = parameter(
        "USD/hour", ge=0, optional=True, description="What the same hours would cost to rent, level over the years."
    )
    busy_load: Parameter = parameter("1", ge=0, le=1, default=0.76, description="Draw in use over that at full load.")
    idle_load: Parameter = parameter("1", ge=0, le=1, default=0.25, description="Draw when idle over full load.")
    maintenance_per_watt: Parameter = parameter(
        "USD/W/year", ge=0, default=0.3, description="Maintenance and staff a year, per watt of IT power."
    )
    books: Books = Field(default_factory=Books)
    capital: Capital = Field(default_factory=Capital)
    tax: Tax

    @model_validator(mode="after")
    def _check_site(self) -> Self:
        if self.own_site == (self.site_rent is not None):
            raise ScenarioError("site_rent is given where own_site is false, and only there")
        return self
