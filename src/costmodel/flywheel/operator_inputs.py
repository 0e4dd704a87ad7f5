"""Inputs of an operator: opening balance, plan, hardware, debt and financing."""

from __future__ import annotations

from pydantic import Field

from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter


class OpeningClass(Inputs):
    """Book value of an asset class at the start."""

    book: Parameter = parameter("USD", ge=0, default=0.0, description="Book value in service.")
    life: Parameter = parameter("year", gt=0, default=3.0, description="Years over which it runs off.")
    run_off: Parameter = parameter(
        "1",
        ge=1,
        default=1.0,
        description="Shape of the run-off: 1 evenly, 2 as assets of all ages do, faster at first.",
    )
    construction: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Paid for but not in service; enters service evenly over the lag."
    )


class Maturity(Inputs):
    """Debt that falls due on a date."""

    date: Date
    amount: Parameter = parameter("USD", ge=0, description="Debt that falls due.")


class OpeningBalance(Inputs):
    """Opening balance of an operator."""

    units: Parameter = parameter("1", ge=0, description="Reference accelerators in service.")
    life: Parameter = parameter("year", gt=0, default=4.5, description="Years over which these units retire evenly.")
    power: Parameter = parameter("W", gt=0, description="Facility power per accelerator in service.")
    on_order: Parameter = parameter(
        "1", ge=0, default=0.0, description="Paid for but not in service; enter service evenly over the lag."
    )
    shipped: Parameter = parameter(
        "1", ge=0, optional=True, description="Shipped up to the start; absent: units in service and on order."
    )
    site_power: Parameter = parameter(
        "W", ge=0, optional=True, description="Power of sites in service; absent: that of the accelerators."
    )
    site_life: Parameter = parameter("year", gt=0, default=20.0, description="Years over which these sites retire.")
    sites_building: Parameter = parameter(
        "W", ge=0, default=0.0, description="Sites under construction; energised evenly over their lag."
    )
    accelerators: OpeningClass = OpeningClass()
    network: OpeningClass = OpeningClass()
    sites: OpeningClass = OpeningClass(life=15.0)
    cash: Parameter = parameter("USD", ge=0, default=0.0, description="Cash.")
    debt: Parameter = parameter("USD", ge=0, default=0.0, description="Debt.")
    debt_life: Parameter = parameter("year", gt=0, default=7.0, description="Years over which debt falls due evenly.")
    maturities: tuple[Maturity, ...] = ()
    """Debt with dates; the rest of it falls due evenly over ``debt_life``."""
    lease_debt: Parameter = parameter("USD", ge=0, default=0.0, description="Owed on finance leases.")
    leases_signed: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Leases signed but not commenced: sites that come without capex."
    )
    leases_commence: Parameter = parameter(
        "year", gt=0, default=4.0, description="Years over which these leases commence evenly."
    )
    commitments: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Purchase commitments: minimum capex still to be paid after the plan."
    )
    commitments_over: Parameter = parameter(
        "year", gt=0, default=2.0, description="Years over which commitments fall due."
    )
    tax_losses: Parameter = parameter("USD", ge=0, default=0.0, description="Tax losses carried forward.")


class SiliconUse(Inputs):
    """Share of an operator's purchases from a product line, and their price ratio."""

    share: Parameter = parameter("1", ge=0, trajectory=True, description="Share of its purchases by units.")
    price_ratio: Parameter = parameter(
        "1",
        gt=0,
        trajectory=True,
        default=1.0,
        description="Price paid over the line's price; below 1 for its own design.",
    )


class Plan(Inputs):
    """A dated plan: capex and sites as scheduled; accelerators are bought with the rest of capex."""

    capex: Parameter = parameter("USD/year", ge=0, trajectory=True, description="Capex of all classes.")
    until: Date
    sites: Parameter = parameter(
        "W/year",
        ge=0,
        trajectory=True,
        optional=True,
        description="Site power energised a year; absent: its share of grid power, or as the rule orders.",
    )


class Lives(Inputs):
    """Lives of an operator's assets that differ from those in ``hardware``."""

    accelerators_book: Parameter = parameter("year", gt=0, optional=True, description="Useful life of accelerators.")
    accelerators_economic: Parameter = parameter(
        "year", gt=0, optional=True, description="Years over which required rent recovers an accelerator's price."
    )
    network_book: Parameter = parameter("year", gt=0, optional=True, description="Useful life of network.")
    sites_book: Parameter = parameter("year", gt=0, optional=True, description="Useful life of sites.")


class Financing(Inputs):
    """Cost of capital, debt, owners and tax of an operator."""

    wacc: Parameter = parameter("1/year", ge=0, description="Weighted average cost of capital without outside claims.")
    claims_spread: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Rise of WACC per turn of outside claims over cash flow."
    )
    credit_limit: Parameter = parameter(
        "1", ge=0, default=8.0, description="Largest outside claims over yearly cash flow."
    )
    own_cash: Parameter = parameter(
        "USD/year",
        ge=0,
        trajectory=True,
        default=0.0,
        description="Largest amount a year from the owners' other business, after tax.",
    )
    interest_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="Interest on debt and leases.")
    cash_yield: Parameter = parameter("1/year", ge=0, default=0.0, description="Interest earned on cash.")
    debt_term: Parameter = parameter("year", gt=0, default=10.0, description="Years over which new debt is repaid.")
    lease_term: Parameter = parameter("year", gt=0, default=10.0, description="Years over which leases are repaid.")
    leased_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of site cost financed by lease instead of cash."
    )
    minimum_cash: Parameter = parameter("USD", ge=0, default=0.0, description="Cash below which owners or lenders pay.")
    maximum_cash: Parameter = parameter(
        "USD", ge=0, optional=True, description="Cash above which it repays debt, then pays out; absent: none."
    )
    tax_rate: Parameter = parameter("1", ge=0, lt=1, default=0.21, description="Tax on profit.")
    bonus_depreciation: Parameter = parameter(
        "1", ge=0, le=1, trajectory=True, default=0.0, description="Share of equipment deducted when it enters service."
    )
    loss_limit: Parameter = parameter(
        "1", ge=0, le=1, default=0.8, description="Share of income that losses offset: 26 USC 172(a)(2)."
    )
    tax_life: Parameter = parameter("year", gt=0, default=5.0, description="Years over which tax deducts equipment.")
    impairment_threshold: Parameter = parameter(
        "1", ge=0, lt=1, optional=True, description="Shortfall of value in use that is written off; absent: no test."
    )


class Contract(Inputs):
    """Capacity that this operator sells to another at a locked rent."""

    buyer: str
    start: Date
    end: Date
    accelerators: Parameter = parameter("1", ge=0, description="Accelerators in use under the contract.")
    rent: Parameter = parameter("USD/hour", ge=0, description="Locked rent per accelerator-hour used.")


class Operator(Inputs):
    """An operator of AI compute; a single operator stands for a whole industry."""

    share: Parameter = parameter(
        "1",
        ge=0,
        trajectory=True,
        optional=True,
        description="Share of wanted capacity; absent: share of opening units.",
    )
    token_share: Parameter = parameter(
        "1", ge=0, trajectory=True, optional=True, description="Share of token revenue; absent: share of capacity."
    )
    training_share: Parameter = parameter(
        "1",
        ge=0,
        trajectory=True,
        optional=True,
        description="Share of investors' money; absent: share of token revenue.",
    )
    internal_share: Parameter = parameter(
        "1", ge=0, trajectory=True, optional=True, description="Share of internal work; absent: share of capacity."
    )
    opening: OpeningBalance
    silicon: dict[str, SiliconUse] = Field(default_factory=dict)
    lives: Lives = Lives()
    plan: Plan | None = None
    other_capex: Parameter = parameter(
        "USD/year",
        ge=0,
        trajectory=True,
        default=0.0,
        description="Capex that is not for AI: part of the plan's capex, additional after it.",
    )
    financing: Financing
    contracts: tuple[Contract, ...] = ()
    staff: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Staff outside research.")
    go_to_market: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Selling cost over token revenue.")
    overhead: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Overhead over token revenue.")
    internal_value: Parameter = parameter("1", ge=0, default=1.0, description="Value of internal work over its rent.")
    resale_fee: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of the rent of its idle hours that a broker keeps."
    )
    hosted_share: Parameter = parameter(
        "1",
        ge=0,
        le=1,
        trajectory=True,
        default=0.0,
        description="Share of the idle hours it sells that go as tokens at the market price; the rest go as raw hours.",
    )
    hosted_licence: Parameter = parameter(
        "1",
        ge=0,
        lt=1,
        default=0.0,
        description="Share of hosted tokens' revenue that goes to the models' owners; 0 for its own models.",
    )
    other_revenue: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, default=0.0, description="Revenue that is not from AI."
    )
    other_cost: Parameter = parameter(
        "USD/year", ge=0, trajectory=True, default=0.0, description="Cash cost that is not for AI."
    )
    other_revenue_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth after other_growth_from; may vary in time."
    )
    other_cost_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth after other_growth_from; may vary in time."
    )
    other_growth_from: Date | None = None
