"""Inputs of an operator: opening balance, plan, hardware, debt and financing."""

from __future__ import annotations

from pydantic import Field

from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter


class OpeningClass(Inputs):
    """Book value of an asset class at the start."""

    book: Parameter = parameter("USD", ge=0, default=0.0, description="Book value in service.")
    life: Parameter = parameter("year", gt=0, default=3.0, description="Years over which it runs off.")
    run_off: Parameter = parameter(
        "1", ge=1, default=1.0, description="Shape of that: 1 evenly, 2 as assets of all ages do, faster at first."
    )
    construction: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Paid but not in service; enters evenly over the lag."
    )


class Maturity(Inputs):
    """Debt that falls due on a day."""

    date: Date
    amount: Parameter = parameter("USD", ge=0, description="What falls due.")


class OpeningBalance(Inputs):
    """Opening balance of an operator."""

    units: Parameter = parameter("1", ge=0, description="Reference accelerators in service.")
    life: Parameter = parameter("year", gt=0, default=4.5, description="Years over which they retire evenly.")
    power: Parameter = parameter("W", gt=0, description="Facility power per accelerator in service.")
    on_order: Parameter = parameter(
        "1", ge=0, default=0.0, description="Paid but not in service; enters evenly over the lag."
    )
    shipped: Parameter = parameter(
        "1", ge=0, optional=True, description="Shipped up to the start; in service and on order if absent."
    )
    site_power: Parameter = parameter(
        "W", ge=0, optional=True, description="Power of sites in service; that of the accelerators if absent."
    )
    site_life: Parameter = parameter("year", gt=0, default=20.0, description="Years over which these sites retire.")
    sites_building: Parameter = parameter(
        "W", ge=0, default=0.0, description="Sites being built; energised evenly over their lag."
    )
    accelerators: OpeningClass = OpeningClass()
    network: OpeningClass = OpeningClass()
    sites: OpeningClass = OpeningClass(life=15.0)
    cash: Parameter = parameter("USD", ge=0, default=0.0, description="Cash.")
    debt: Parameter = parameter("USD", ge=0, default=0.0, description="Debt.")
    debt_life: Parameter = parameter("year", gt=0, default=7.0, description="Years over which it falls due evenly.")
    maturities: tuple[Maturity, ...] = ()
    """Debt with dates; what these leave of it falls due evenly over ``debt_life``."""
    lease_debt: Parameter = parameter("USD", ge=0, default=0.0, description="Owed on finance leases.")
    leases_signed: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Leases signed and not commenced: sites that come without capex."
    )
    leases_commence: Parameter = parameter(
        "year", gt=0, default=4.0, description="Years over which they commence evenly."
    )
    commitments: Parameter = parameter(
        "USD", ge=0, default=0.0, description="Purchase commitments: least capex still to be paid after the plan."
    )
    commitments_over: Parameter = parameter("year", gt=0, default=2.0, description="Years over which they fall due.")
    tax_losses: Parameter = parameter("USD", ge=0, default=0.0, description="Tax losses carried forward.")


class SiliconUse(Inputs):
    """Share of an operator's accelerators from a product line, and their price ratio."""

    share: Parameter = parameter("1", ge=0, trajectory=True, description="Share of its purchases by units.")
    price_ratio: Parameter = parameter(
        "1", gt=0, trajectory=True, default=1.0, description="Paid over the line's price: below 1 for an own design."
    )


class Plan(Inputs):
    """A dated plan: capex as written, sites as scheduled, accelerators with the rest."""

    capex: Parameter = parameter("USD/year", ge=0, trajectory=True, description="Capex of all classes.")
    until: Date
    sites: Parameter = parameter(
        "W/year",
        ge=0,
        trajectory=True,
        optional=True,
        description="Site power energised a year; absent: its share of what the grid gives, or as the rule orders.",
    )


class Lives(Inputs):
    """Lives that differ from the hardware's."""

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
        "1/year", ge=0, default=0.0, description="Points of WACC a turn of outside claims over cash flow."
    )
    credit_limit: Parameter = parameter(
        "1", ge=0, default=8.0, description="Turns of claims over cash flow at which credit ends."
    )
    own_cash: Parameter = parameter(
        "USD/year",
        ge=0,
        trajectory=True,
        default=0.0,
        description="Most that owners' other business puts in a year, after tax.",
    )
    interest_rate: Parameter = parameter("1/year", ge=0, default=0.0, description="On debt and leases.")
    cash_yield: Parameter = parameter("1/year", ge=0, default=0.0, description="Earned on cash.")
    debt_term: Parameter = parameter("year", gt=0, default=10.0, description="Years over which new debt is repaid.")
    lease_term: Parameter = parameter("year", gt=0, default=10.0, description="Years over which leases are repaid.")
    leased_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of site cost taken on by finance lease, not paid."
    )
    minimum_cash: Parameter = parameter("USD", ge=0, default=0.0, description="Cash below which owners or lenders pay.")
    maximum_cash: Parameter = parameter(
        "USD", ge=0, optional=True, description="Cash above which it repays debt, then pays out; absent: it keeps it."
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
    accelerators: Parameter = parameter("1", ge=0, description="Accelerators in use under it.")
    rent: Parameter = parameter("USD/hour", ge=0, description="Locked rent per accelerator-hour used.")


class Operator(Inputs):
    """An operator of AI compute. One operator is an industry seen as one."""

    share: Parameter = parameter(
        "1",
        ge=0,
        trajectory=True,
        optional=True,
        description="Share of wanted capacity; that of opening units if absent.",
    )
    token_share: Parameter = parameter(
        "1", ge=0, trajectory=True, optional=True, description="Share of token revenue; that of capacity if absent."
    )
    training_share: Parameter = parameter(
        "1", ge=0, trajectory=True, optional=True, description="Share of investors' money; that of tokens if absent."
    )
    internal_share: Parameter = parameter(
        "1", ge=0, trajectory=True, optional=True, description="Share of internal work; that of capacity if absent."
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
        description="Capex that is not for AI: within the plan, after it on top.",
    )
    financing: Financing
    contracts: tuple[Contract, ...] = ()
    staff: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Staff outside research.")
    go_to_market: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share of token revenue.")
    overhead: Parameter = parameter("1", ge=0, lt=1, default=0.0, description="Share of token revenue.")
    internal_value: Parameter = parameter("1", ge=0, default=1.0, description="What internal work earns over its rent.")
    resale_fee: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of the rent that whoever brokers its idle hours keeps."
    )
    hosted_share: Parameter = parameter(
        "1",
        ge=0,
        le=1,
        trajectory=True,
        default=0.0,
        description="Of the idle hours that it sells, those sold as tokens at the market's price; the rest goes raw.",
    )
    hosted_licence: Parameter = parameter(
        "1",
        ge=0,
        lt=1,
        default=0.0,
        description="Share of hosted tokens' revenue that goes to whose models they are; 0 for its own.",
    )
    other_revenue: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Not from AI.")
    other_cost: Parameter = parameter("USD/year", ge=0, trajectory=True, default=0.0, description="Not for AI, cash.")
    other_revenue_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth after other_growth_from; may vary in time."
    )
    other_cost_growth: Parameter = parameter(
        "1/year", growth=True, default=0.0, description="Log growth after other_growth_from; may vary in time."
    )
    other_growth_from: Date | None = None
