"""The written inputs of the flywheel: one operator, several workloads.

Every number is a parameter with a unit, bounds and evidence; a dotted path addresses each
(``market.chat.price_elasticity``). The numbers in brackets name the items of the flywheel's equations.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from costmodel.flywheel.workload_inputs import Pricing, Rental, Service, Workload
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Date, Flag, Inputs, Parameter, parameter
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.schedules import STEPS_PER_YEAR, TimeGrid, year_fraction


class Time(Inputs):
    """The time grid: whole steps from a start date to an end date."""

    start: Date
    end: Date
    step: Literal["half-month", "month", "quarter"] = "quarter"

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
                f"time: from {self.start} to {self.end} is not a whole, positive number of {self.step} steps"
            )
        return TimeGrid(self.start, round(count), self.step)


class Jump(Inputs):
    """A dated jump of software efficiency: a release, or a kernel found (through Amdahl's law)."""

    date: Date
    factor: Parameter = parameter("1", gt=0, description="Speed-up of the affected share of the work.")
    share: Parameter = parameter("1", ge=0, le=1, default=1.0, description="Share of the work that it affects.")


class Software(Inputs):
    """Software efficiency of serving [1]: a trend, learning by doing, dated jumps."""

    algorithmic_growth: Parameter = parameter(
        "1/year", description="Log growth of software efficiency at fixed quality, above 0 where it improves."
    )
    algorithmic_fade: Parameter = parameter(
        "1/year/year", default=0.0, ge=0, description="Fall of that growth rate per year after fade_from."
    )
    fade_from: Date | None = None
    experience_exponent: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Exponent b of efficiency on cumulative tokens."
    )
    initial_cumulative_tokens: Parameter = parameter(
        "token", gt=0, description="Tokens served before the start: what learning by doing is measured from."
    )
    jumps: tuple[Jump, ...] = ()


class Line(Inputs):
    """A product line of accelerators [2], counted in reference accelerators; merchant or custom silicon."""

    share: Parameter = parameter("1", ge=0, trajectory=True, default=1.0, description="Share of purchases by units.")
    price: Parameter = parameter(
        "USD", gt=0, trajectory=True, description="Price of accelerator and server per reference accelerator."
    )
    price_trend: Parameter = parameter("1/year", default=0.0, description="Log growth of the price after trend_from.")
    power: Parameter = parameter(
        "W", gt=0, trajectory=True, description="Facility power (with PUE) per reference accelerator."
    )
    power_trend: Parameter = parameter("1/year", default=0.0, description="Log growth of that power after trend_from.")
    trend_from: Date | None = None
    expected_decline: Parameter = parameter(
        "1/year", ge=0, optional=True, description="Expected log fall of this line's rent; minus price_trend if absent."
    )


class AssetClass(Inputs):
    """An asset class [7, 9, 10]: how long it takes to enter service, earns, and stands in the books."""

    lag: Parameter = parameter("year", ge=0, description="From payment to service.")
    economic_life: Parameter = parameter("year", gt=0, description="Years over which required rent recovers its price.")
    book_life: Parameter = parameter("year", gt=0, description="Useful life in the books, straight line.")
    opening_book: Parameter = parameter("USD", ge=0, default=0.0, description="Book value in service at the start.")
    opening_book_life: Parameter = parameter("year", gt=0, default=3.0, description="Years over which it runs off.")
    opening_run_off: Parameter = parameter(
        "1", ge=1, default=1.0, description="Shape of that: 1 evenly, 2 as assets of all ages do, faster at first."
    )
    opening_construction: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Paid but not in service at the start; enters evenly over the lag."
    )
    leased_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of its cost taken on by finance lease: in the books, not paid."
    )


class Network(AssetClass):
    """Network and other shared equipment."""

    cost_ratio: Parameter = parameter(
        "1", ge=0, default=0.0, description="Its cost over that of accelerators and servers."
    )


class Facility(AssetClass):
    """Buildings, cooling and power supply."""

    cost_per_watt: Parameter = parameter("USD/W", ge=0, trajectory=True, description="Cost per watt of facility power.")
    rent_decline: Parameter = parameter("1/year", ge=0, default=0.0, description="Expected log fall of its rent.")


class Fleet(Inputs):
    """Accelerators in service [3]."""

    shipping_lag: Parameter = parameter("year", ge=0, default=0.0, description="From payment to shipment.")
    failure_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="Permanent failures per unit.")
    physical_life: Parameter = parameter("year", gt=0, description="Years in service until retired.")
    availability: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Share of time in working order.")
    opening_units: Parameter = parameter("1", ge=0, description="Reference accelerators in service at the start.")
    opening_pipeline: Parameter = parameter(
        "1", ge=0, default=0.0, description="Paid but not in service at the start; enters evenly over the lag."
    )
    opening_life: Parameter = parameter("year", gt=0, description="Years over which the opening fleet retires evenly.")
    opening_power: Parameter = parameter("W", gt=0, description="Facility power per opening accelerator.")
    opening_shipped: Parameter = parameter(
        "1", ge=0, optional=True, description="Shipped up to the start; opening fleet and pipeline if absent."
    )
    early_retirement: Flag = False


class Hardware(Inputs):
    """Hardware [2, 3, 7]."""

    peak: Parameter = parameter("FLOP/s", gt=0, description="Dense 8-bit peak of the reference accelerator.")
    lines: dict[str, Line] = Field(min_length=1)
    accelerators: AssetClass
    network: Network
    facility: Facility
    fleet: Fleet
    maintenance: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Maintenance and other running cost over purchase price per year."
    )


class Energy(Inputs):
    """Electricity."""

    price: Parameter = parameter("USD/Wh", ge=0, trajectory=True, description="Price of electricity.")
    full_load: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Power drawn at full use over rated.")
    idle_fraction: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Power drawn idle over power drawn at full use."
    )


class FinalRun(Inputs):
    """A dated final training run: a share of the reserve for some time."""

    start: Date
    duration: Parameter = parameter("year", gt=0, description="Length of the run.")
    share: Parameter = parameter("1", ge=0, le=1, description="Share of the training reserve.")


class Training(Inputs):
    """The training programme [5] and what it does to capability."""

    reserve: Parameter = parameter("1", ge=0, default=0.0, description="Accelerators held for training at the start.")
    reserve_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of the reserve wanted.")
    max_share: Parameter = parameter("1", ge=0, le=1, default=1.0, description="Largest share of the fleet in service.")
    fixed_share: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="If given, the reserve is this share of the fleet and no more."
    )
    budget: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, optional=True, description="Most spent on its rent."
    )
    algorithmic_growth: Parameter = parameter("1/year", default=0.0, description="Log growth of training efficiency.")
    capability_lag: Parameter = parameter("year", ge=0, default=0.0, description="From training to models in use.")
    final_runs: tuple[FinalRun, ...] = ()
    staff: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, default=0.0, description="Research staff with equity."
    )
    data: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Data bought and hosted.")


class Internal(Inputs):
    """Non-token internal work (ranking, advertising) [3]."""

    accelerators: Parameter = parameter(
        "1", ge=0, trajectory=True, default=0.0, description="Accelerators it keeps busy."
    )
    growth: Parameter = parameter("1/year", default=0.0, description="Log growth after growth_from.")
    growth_from: Date | None = None


class Economy(Inputs):
    """What budgets and limits are measured against."""

    world_product: Parameter = parameter(
        "USD/year",
        gt=0,
        trajectory=True,
        optional=True,
        description="World product; needed where a share of it is given.",
    )


class Investment(Inputs):
    """Investment [9]: a dated plan, then demand-following, within bounds."""

    plan: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, optional=True, description="Planned capex, all classes, leased or owned."
    )
    plan_end: Date | None = None
    other_capex: Parameter = parameter(
        "USD/year",
        ge=0,
        trajectory=True,
        default=0.0,
        description="Not for AI, in the same classes: within the plan, and on top of orders after it.",
    )
    adjustment: Parameter = parameter("year", gt=0, default=0.75, description="Time over which a gap is ordered.")
    trend_memory: Parameter = parameter("year", gt=0, default=0.75, description="Smoothing of the demand trend.")
    trend_damping: Parameter = parameter(
        "year", gt=0, default=0.75, description="Time over which the trend fades ahead."
    )
    initial_trend: Parameter = parameter(
        "1/year", default=0.0, description="Log growth of wanted compute at the start."
    )
    max_order_growth: Parameter = parameter(
        "1/year", gt=0, optional=True, description="Fastest log growth of orders in money."
    )
    max_world_share: Parameter = parameter(
        "1", gt=0, optional=True, description="Largest capex over world product: what funders will give."
    )
    outside_funding: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, optional=True, description="Most that owners put in; absent: no limit."
    )
    chip_supply: Parameter = parameter(
        "1/year", ge=0, trajectory=True, optional=True, description="Reference accelerators that can be bought."
    )
    power_room: Parameter = parameter(
        "W", ge=0, trajectory=True, optional=True, description="Facility power that can be connected in all."
    )
    max_growth: Parameter = parameter(
        "1", gt=1, default=100.0, description="Largest closed-form yearly token growth without a physical ceiling."
    )


class Accounts(Inputs):
    """Accounts of the operator [10]."""

    wacc: Parameter = parameter(
        "1/year", ge=0, plausible=(0.0, 1.0), description="Weighted average cost of capital, as a yearly rate."
    )
    tax_rate: Parameter = parameter("1", ge=0, lt=1, default=0.21, description="Tax on profit.")
    interest_rate: Parameter = parameter(
        "1/year", ge=0, plausible=(0.0, 1.0), default=0.0, description="On debt, as a yearly rate."
    )
    opening_cash: Parameter = parameter("USD", default=0.0, ge=0, description="Cash at the start.")
    minimum_cash: Parameter = parameter("USD", ge=0, default=0.0, description="Cash that is not spent on capex.")
    opening_debt: Parameter = parameter("USD", ge=0, default=0.0, description="Debt at the start.")
    opening_losses: Parameter = parameter("USD", ge=0, default=0.0, description="Tax losses carried forward.")
    max_debt_ratio: Parameter = parameter("1", ge=0, default=0.0, description="Largest debt over book value.")
    other_revenue: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Not from AI.")
    other_cost: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Not for AI, cash.")
    other_revenue_growth: Parameter = parameter(
        "1/year", default=0.0, description="Log growth after other_growth_from."
    )
    other_cost_growth: Parameter = parameter("1/year", default=0.0, description="Log growth after other_growth_from.")
    other_growth_from: Date | None = None
    lease_term: Parameter = parameter("year", gt=0, default=10.0, description="Over which finance leases are repaid.")
    opening_lease_debt: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Owed on finance leases at the start; repaid evenly over lease_term."
    )
    facility_operation: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Operating a facility over its cost, per year."
    )
    staff: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Staff outside research.")
    go_to_market: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share of token revenue.")
    overhead: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share of token revenue.")
    supplier_margin: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Chipmakers' gross margin on accelerators."
    )
    impairment_threshold: Parameter = parameter(
        "1",
        ge=0,
        lt=1,
        optional=True,
        description="Shortfall of value below book that is written off; absent: no test.",
    )


class FlywheelScenario(Scenario):
    """The cost flywheel of one operator with several workloads."""

    model: Literal["flywheel"] = "flywheel"
    time: Time
    software: Software
    hardware: Hardware
    energy: Energy
    market: dict[str, Workload] = Field(min_length=1)
    pricing: Pricing
    rental: Rental
    service: Service
    training: Training = Field(default_factory=lambda: Training())
    internal: Internal = Field(default_factory=lambda: Internal())
    economy: Economy = Field(default_factory=lambda: Economy())
    investment: Investment
    accounts: Accounts

    @property
    def grid(self) -> TimeGrid:
        """The time grid."""
        return self.time.grid()

    @model_validator(mode="after")
    def _check_flywheel(self) -> Self:
        self.time.grid()
        needs = [f"market.{name}.budget_share" for name, item in self.market.items() if item.budget_share is not None]
        if self.investment.max_world_share is not None:
            needs.append("investment.max_world_share")
        if needs and self.economy.world_product is None:
            raise ScenarioError(f"economy.world_product is absent, but {needs[0]} is a share of it")
        if (self.investment.plan is None) != (self.investment.plan_end is None):
            raise ScenarioError("investment.plan and investment.plan_end go together: a plan holds until its last date")
        if self.training.fixed_share is not None and self.training.reserve_growth:
            raise ScenarioError("training.fixed_share and training.reserve_growth exclude each other")
        return self


register_model("flywheel", FlywheelScenario, "costmodel.flywheel.simulate:run_resolved")
