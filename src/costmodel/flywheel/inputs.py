"""The written inputs of the flywheel: workloads, hardware, operators, suppliers, the grid, training and shocks.

Every number is a parameter with a unit, bounds and evidence; a dotted path addresses each
(``market.chat.price_elasticity``, ``operators.meta.financing.wacc``).
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from costmodel.flywheel.operator_inputs import Operator
from costmodel.flywheel.removed import refuse_removed
from costmodel.flywheel.workload_inputs import Workload
from costmodel.foundation.errors import ScenarioError, near_matches
from costmodel.foundation.inputs import Date, Flag, Inputs, Parameter, parameter
from costmodel.foundation.rates import refuse_fade
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.schedules import STEPS_PER_YEAR, TimeGrid
from costmodel.market.workload import Period

LOOKAHEAD = 4
"""Years beyond the end to which schedules are read [year]: late orders enter service after the run."""


class Software(Inputs):
    """Software efficiency of serving: a trend and learning by doing; shocks add dated jumps."""

    algorithmic_growth: Parameter = parameter(
        "1/year",
        growth=True,
        description="Log growth of software efficiency at fixed quality, above 0 where it improves; may vary in time.",
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
    progress_until: Date | None = None

    @model_validator(mode="after")
    def _check_fade(self) -> Self:
        if self.fade_from is not None and self.algorithmic_fade != 0.0:
            refuse_fade("algorithmic_growth", self.algorithmic_growth, "write algorithmic_fade = 0")
        return self


class Line(Inputs):
    """A line of accelerators, counted in reference accelerators; merchant or custom silicon."""

    share: Parameter = parameter(
        "1",
        ge=0,
        trajectory=True,
        default=1.0,
        description="Share of purchases by units, unless an operator gives its own.",
    )
    price: Parameter = parameter(
        "USD", gt=0, trajectory=True, description="Price of accelerator and server per reference accelerator."
    )
    price_trend: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth of the price after trend_from; may vary in time."
    )
    power: Parameter = parameter(
        "W", gt=0, trajectory=True, description="Facility power (with PUE) per reference accelerator."
    )
    power_trend: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth of that power after trend_from; may vary in time."
    )
    trend_from: Date | None = None
    expected_decline: Parameter = parameter(
        "1/year", ge=0, optional=True, description="Expected log fall of this line's rent; minus price_trend if absent."
    )


class Accelerators(Inputs):
    """Accelerators and servers in service."""

    lag: Parameter = parameter("year", ge=0, le=LOOKAHEAD, description="From order to service.")
    shipping_lag: Parameter = parameter("year", ge=0, default=0.0, description="From order to shipment.")
    economic_life: Parameter = parameter("year", gt=0, description="Years over which required rent recovers its price.")
    book_life: Parameter = parameter("year", gt=0, description="Useful life in the books, straight line.")
    physical_life: Parameter = parameter("year", gt=0, description="Years in service until retired.")
    failure_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="Permanent failures per unit.")
    availability: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Share of time in working order.")
    early_leaving: Flag = True
    leaving_time: Parameter = parameter(
        "year",
        gt=0,
        default=0.75,
        description="Shortest time over which vintages that are worth less than their site power are retired.",
    )


class Network(Inputs):
    """Network and other shared equipment, bought with accelerators."""

    cost_ratio: Parameter = parameter("1", ge=0, default=0.0, description="Cost of network over that of accelerators.")
    book_life: Parameter = parameter("year", gt=0, default=5.0, description="Useful life in the books, straight line.")


class Sites(Inputs):
    """Buildings, cooling and power supply: a stock of its own, in watts."""

    cost_per_watt: Parameter = parameter("USD/W", ge=0, trajectory=True, description="Cost per watt of facility power.")
    lag: Parameter = parameter("year", ge=0, le=LOOKAHEAD, description="From order to power, paid evenly over it.")
    economic_life: Parameter = parameter("year", gt=0, default=20.0, description="Years in service.")
    book_life: Parameter = parameter("year", gt=0, default=20.0, description="Useful life in the books, straight line.")
    operation: Parameter = parameter("1/year", ge=0, default=0.0, description="Operating a site over its cost.")


class Hardware(Inputs):
    """Hardware, the same for all operators unless they give their own."""

    peak: Parameter = parameter("FLOP/s", gt=0, description="Dense 8-bit peak of the reference accelerator.")
    lines: dict[str, Line] = Field(min_length=1)
    accelerators: Accelerators
    network: Network = Network()
    sites: Sites
    maintenance: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Upkeep other than energy over purchase price of equipment."
    )
    progress_until: Date | None = None


class Energy(Inputs):
    """Electricity."""

    price: Parameter = parameter("USD/Wh", ge=0, trajectory=True, description="Price of electricity.")
    full_load: Parameter = parameter(
        "1", gt=0, le=1, default=1.0, description="Power drawn at full use over rated power."
    )
    idle_fraction: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Power drawn idle over power drawn at full use."
    )


class Clearing(Inputs):
    """How prices of tokens and rents follow the market."""

    speed: Parameter = parameter(
        "1/year",
        gt=0,
        optional=True,
        description="Speed at which list prices close the gap to their target; absent: at once.",
    )
    scarcity_exponent: Parameter = parameter(
        "1", gt=0, default=3.0, description="Exponent of the scarcity rent on use."
    )
    target_use: Parameter = parameter("1", gt=0, le=1, description="Use at the required rent: peak-to-average load.")
    max_use: Parameter = parameter("1", gt=0, le=1, default=1.0, description="Largest share ever used.")
    share_inertia: Parameter = parameter(
        "year", ge=0, default=0.0, description="Time over which token revenue moves to the shares of operators."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        low, high = self.target_use, self.max_use
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ScenarioError(f"target_use {low:g} is above max_use {high:g}")
        return self


class FinalRun(Inputs):
    """A dated final training run: a share of the training budget for some time."""

    start: Date
    duration: Parameter = parameter("year", gt=0, description="Length of the run.")
    share: Parameter = parameter("1", ge=0, le=1, description="Share of the training budget.")


class Training(Inputs):
    """Training: a budget from revenue and from investors, and the capability that it buys."""

    revenue_share: Parameter = parameter("1", ge=0, default=0.0, description="Share of token revenue spent on compute.")
    revenue_memory: Parameter = parameter(
        "year", gt=0, default=0.5, description="Smoothing time of the revenue that sets the budget."
    )
    investors: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, default=0.0, description="Investors' money spent on training compute."
    )
    algorithmic_growth: Parameter = parameter(
        "1/year",
        growth=True,
        default=0.0,
        description="Log growth of training efficiency; may vary in time, before the start as at the start.",
    )
    initial_growth: Parameter = parameter(
        "1/year",
        default=0.0,
        description="Log growth of training compute before the start; one number, as schedules begin with the run.",
    )
    capability_lag: Parameter = parameter("year", ge=0, default=0.0, description="From training to models in use.")
    final_runs: tuple[FinalRun, ...] = ()
    staff: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, default=0.0, description="Research staff with equity."
    )
    data: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Data bought and hosted.")


class Internal(Inputs):
    """Internal work without tokens (ranking, advertising), valued at the current rent."""

    accelerators: Parameter = parameter(
        "1",
        ge=0,
        trajectory=True,
        default=0.0,
        description="Accelerators that internal work keeps busy at the reference rent.",
    )
    growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth after growth_from; may vary in time."
    )
    growth_from: Date | None = None
    rent_elasticity: Parameter = parameter(
        "1", le=0, default=0.0, description="Elasticity of internal work to rent: d ln work / d ln rent, signed."
    )
    reference_rent: Parameter = parameter(
        "USD/hour", gt=0, default=1.0, description="Rent at which the accelerators are counted."
    )


class Economy(Inputs):
    """World product, which scales budgets, and the general price level.

    Amounts of a flywheel are nominal, in money of their year. With ``price_growth``, the price of electricity, the
    cost of sites, budgets and the world product are given in money of the start and rise with the price level; prices
    of accelerators and tokens follow trends of their own.
    """

    world_product: Parameter = parameter(
        "USD/year",
        gt=0,
        trajectory=True,
        optional=True,
        description="World product; required where a workload has a budget_share.",
    )
    price_growth: Parameter = parameter(
        "1/year",
        growth=True,
        default=0.0,
        ge=-0.5,
        le=3.0,
        description="Log growth of the price level, with which electricity, sites and budgets rise from the start; may "
        "vary in time.",
    )


class Investment(Inputs):
    """Rules for ordering capacity once plans end."""

    adjustment: Parameter = parameter("year", gt=0, default=1.0, description="Time over which a gap is ordered.")
    trend_memory: Parameter = parameter(
        "year", gt=0, default=0.4, description="Smoothing of the trend of wanted compute."
    )
    trend_damping: Parameter = parameter(
        "year",
        gt=0,
        optional=True,
        description="Time over which the trend fades in forecasts; absent: it does not fade.",
    )
    initial_trend: Parameter = parameter(
        "1/year", default=0.0, description="Log growth of wanted compute at the start; one number, later ones follow."
    )
    room_time: Parameter = parameter(
        "year", gt=0, default=0.25, description="Time over which orders of accelerators fill free site power."
    )
    premium_memory: Parameter = parameter(
        "year",
        gt=0,
        default=0.5,
        description="Time over which premiums on chips and sites close the gap to their clearing level.",
    )
    max_growth: Parameter = parameter(
        "1", gt=1, default=100.0, description="Largest closed-form yearly token growth without a ceiling."
    )


class Suppliers(Inputs):
    """Makers of accelerators: how many they can deliver, and the premium at which they deliver more."""

    capability: Parameter = parameter(
        "1/year",
        ge=0,
        description="Accelerators that can be delivered a year, at the start; plans that order more raise it.",
    )
    supply_elasticity: Parameter = parameter("1", ge=0, default=1.0, description="d ln deliveries / d ln price.")
    build_up: Parameter = parameter(
        "1", ge=0, default=1.0, description="Log growth of deliveries a year per unit of log premium."
    )
    max_build_up: Parameter = parameter(
        "1/year", ge=0, default=0.5, description="Fastest growth of deliveries beyond that of technology."
    )
    run_down: Parameter = parameter(
        "1/year", ge=0, default=0.1, description="Fastest fall of deliveries when capability is idle."
    )
    max_premium: Parameter = parameter("1", ge=1, default=2.0, description="Largest price over list price.")
    margin: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Chipmakers' gross margin at list price.")


class Grid(Inputs):
    """Grid power that can be energised for sites."""

    energised: Parameter = parameter("W/year", ge=0, trajectory=True, description="Facility power energised a year.")
    supply_elasticity: Parameter = parameter(
        "1", ge=0, default=1.0, description="d ln power / d ln site price: own generation."
    )
    max_premium: Parameter = parameter("1", ge=1, default=2.0, description="Largest site price over list price.")


class Shock(Inputs):
    """A dated change of demand, supply, prices, efficiency or useful life.

    ``serving`` and ``training`` multiply efficiency, ``demand`` the tokens wanted, ``energy`` the price of
    electricity, ``chip_price`` that of accelerators, ``chips`` what suppliers can deliver (an export limit),
    ``grid`` what can be energised, ``investors`` their money, ``markup`` the mark-up (a price war), ``book_life``
    the useful life of accelerators.
    """

    kind: Literal[
        "serving", "training", "demand", "energy", "chip_price", "chips", "grid", "investors", "markup", "book_life"
    ]
    date: Date
    until: Date | None = None
    factor: Parameter = parameter(
        "1", ge=0, description="Factor that multiplies the affected quantity from the date on."
    )
    share: Parameter = parameter("1", ge=0, le=1, default=1.0, description="Share of the work that the factor affects.")
    growth: Parameter = parameter(
        "1/year",
        growth=True,
        default=0.0,
        description="Log growth of the factor from the date on, while the shock holds; may vary in time.",
    )

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        if self.until is not None and self.until <= self.date:
            raise ScenarioError(f"shock {self.kind!r}: until ({self.until}) must be after date ({self.date})")
        if self.kind == "book_life" and self.until is not None:
            raise ScenarioError("shock 'book_life': a change of useful life takes no until; end it with a second shock")
        if self.kind == "book_life" and self.growth != 0.0:
            raise ScenarioError("shock 'book_life': a useful life changes at its date only; leave growth at 0")
        if self.kind in ("serving", "training", "book_life") and isinstance(self.factor, float) and self.factor == 0.0:
            raise ScenarioError(f"shock {self.kind!r}: factor must be above 0; got 0")
        return self


class FlywheelScenario(Scenario):
    """The cost flywheel: operators of AI compute, their market, and the limits on supply."""

    LOOKAHEAD: ClassVar[int] = LOOKAHEAD

    model: Literal["flywheel"] = "flywheel"
    time: Period
    software: Software
    hardware: Hardware
    energy: Energy
    market: dict[str, Workload] = Field(min_length=1)
    clearing: Clearing
    training: Training = Training()
    internal: Internal = Internal()
    economy: Economy = Economy()
    investment: Investment = Investment()
    suppliers: Suppliers | None = None
    power_grid: Grid | None = None
    operators: dict[str, Operator] = Field(min_length=1)
    shocks: tuple[Shock, ...] = ()

    @property
    def grid(self) -> TimeGrid:
        """The time grid."""
        return self.time.grid()

    @property
    def outlook(self) -> TimeGrid:
        """The time grid on which schedules are read: the run, and the years beyond it for which orders are placed."""
        grid = self.grid
        return TimeGrid(grid.start, grid.steps + LOOKAHEAD * STEPS_PER_YEAR[grid.step], grid.step)

    @model_validator(mode="before")
    @classmethod
    def _name_successors(cls, data: object) -> object:
        return refuse_removed(data)

    @model_validator(mode="after")
    def _check_flywheel(self) -> Self:
        self.time.grid()
        shares = [name for name, item in self.market.items() if item.budget_share is not None]
        if shares and self.economy.world_product is None:
            raise ScenarioError(f"market.{shares[0]}.budget_share needs economy.world_product")
        for name, item in self.market.items():
            if item.budget is not None and item.budget_share is not None:
                raise ScenarioError(f"market.{name}: give budget or budget_share, not both")
        for name, operator in self.operators.items():
            for line in operator.silicon:
                if line not in self.hardware.lines:
                    hint = near_matches(line, self.hardware.lines)
                    raise ScenarioError(f"operators.{name}.silicon.{line}: hardware.lines has no such line{hint}")
            for contract in operator.contracts:
                if contract.buyer not in self.operators or contract.buyer == name:
                    hint = near_matches(contract.buyer, self.operators)
                    raise ScenarioError(
                        f"operators.{name}.contracts: buyer {contract.buyer!r} is not another operator{hint}"
                    )
        return self


register_model("flywheel", FlywheelScenario, "costmodel.flywheel.simulate:run_resolved")
