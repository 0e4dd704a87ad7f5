"""Project: buying accelerators and their site now; rents, costs, tax and value by year.

Accelerators and site are two fleets (`costmodel.ownership.fleet`): bought over the first quarter, in service after
their lags, with failures, a physical life and books. The accelerators are rented out at a falling market rent, a share
of them under a take-or-pay contract. Cash flows count at the middle of their quarter, and tax is paid evenly over its
year; the cost of capital is the weighted cost of equity and debt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, formula, ordered_sum
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import register_model
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.books import BookSchedule, as_books
from costmodel.ownership.depreciation import (
    declining_balance,
    economic,
    expected_rents,
    sum_of_years_digits,
    units_of_production,
)
from costmodel.ownership.energy import energy_cost
from costmodel.ownership.finance import (
    discounted_payback,
    internal_rates,
    log_rate,
    npv,
    payback,
    weighted_cost_of_capital,
)
from costmodel.ownership.fleet import BookTerms, Fleet, FleetStep
from costmodel.ownership.macrs import macrs
from costmodel.ownership.project_hour import per_hour
from costmodel.ownership.project_inputs import STEPS, Method, Project
from costmodel.ownership.site import power_room
from costmodel.ownership.tax import after_tax_flows, bonus_share, deferred_tax

__all__ = ["Method", "Project", "ProjectResult", "paid_share", "project"]

LOWEST_RETURN = -0.9
"""Lowest internal rate that counts [1/year]: below it, nine tenths of the money are lost within a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectResult(Result):
    """Result of a project by year, with its totals."""

    accelerators_in_service: FloatArray = output("1", dims=("year",), label="accelerators in service, mean of the year")
    hours: FloatArray = output("hour", dims=("year",), label="accelerator-hours available to rent out")
    revenue: FloatArray = output("USD", dims=("year",), label="rents received")
    running_cost: FloatArray = output("USD", dims=("year",), label="energy, maintenance and site rent")
    site_paid: FloatArray = output("USD", dims=("year",), label="paid for the site")
    depreciation: FloatArray = output(
        "USD", dims=("year",), label="depreciation, write-offs and disposals in the books"
    )
    book_value: FloatArray = output("USD", dims=("year",), label="book value at the end of the year, with construction")
    tax_deduction: FloatArray = output("USD", dims=("year",), label="tax depreciation")
    tax: FloatArray = output("USD", dims=("year",), label="tax, losses carried forward")
    deferred_tax: FloatArray = output("USD", dims=("year",), label="deferred tax liability at the end of the year")
    sale: FloatArray = output("USD", label="proceeds of the sale at the end")
    outlay: FloatArray = output("USD", label="paid now for the accelerators")
    wacc: FloatArray = output("1/year", label="cost of capital after tax")
    npv: FloatArray = output("USD", label="net present value after tax")
    irr: FloatArray = output("1/year", label="internal rate of return", blank="where there is none or more than one")
    payback: FloatArray = output("year", label="payback time", blank="where it never pays back")
    discounted_payback: FloatArray = output(
        "year", label="payback time with the cost of capital", blank="where it never pays back"
    )
    required_rent: FloatArray = output(
        "USD/hour",
        label="market rent now at which it is worth buying",
        basis="per accelerator-hour used; owned, rents falling, units failing, after lag and tax; site at a level rent",
    )
    levelized_cost: FloatArray = output(
        "USD/hour",
        label="levelized cost of an accelerator-hour",
        basis="per accelerator-hour used; owned, year-end annuity over the physical life; site in, tax out",
    )
    economic_life: FloatArray = output("year", label="years for which it is worth running at the market rent")
    contract_gain: FloatArray = output(
        "USD", label="present value of the contract over the market rent", blank="without a contract"
    )
    renting_saves: FloatArray = output(
        "USD", label="present value that renting would save, before tax", blank="without a rental offer"
    )

    @derived("USD", dims=("year",), label="cash flow after tax")
    def cash_flow(self) -> FloatArray:
        """Return rents less running cost, site and tax; the last year includes the sale."""
        flow = np.array(self.revenue - self.running_cost - self.site_paid - self.tax)
        flow[-1] = flow[-1] + self.sale
        return flow

    @derived("USD", dims=("year",), label="operating income in the books")
    def operating_income(self) -> FloatArray:
        """Return rents less running cost and book depreciation."""
        return np.asarray(self.revenue - self.running_cost - self.depreciation)

    def coords(self) -> Mapping[str, Any]:
        """Return the years of the project, from 1."""
        return {"year": tuple(range(1, len(self.revenue) + 1))}


@formula()
def paid_share(time: Numeric, term: Numeric, default_rate: Numeric) -> Numeric:
    """Return the share of a contract that is still paid, on average over counterparties.

    Parameters
    ----------
    time
        Time since the start of the contract, ≥ 0 [year].
    term
        Length of the contract, ≥ 0 [year].
    default_rate
        Hazard that the counterparty stops paying, ≥ 0 [1/year].

    Returns
    -------
    Numeric
        ``exp(−hazard·t)`` until the term, 0 after it [1].

    Examples
    --------
    >>> [round(float(paid_share(t, 3.0, 0.1)), 3) for t in (1.0, 4.0)]
    [0.905, 0.0]
    """
    return np.exp(-default_rate * time) * (time < term)


def project(resolved: Project) -> ProjectResult:
    """Appraise a project: returns, value and required rent.

    Parameters
    ----------
    resolved
        Resolved inputs: floats or ``(draw,)`` arrays.

    Returns
    -------
    ProjectResult
        Cash flows and books by year, and totals.

    Examples
    --------
    >>> result = project(Project(
    ...     name="p", accelerators=1000.0, price="30 kUSD", it_power="1.4 kW", rent=3.2, tax={"bonus": 1.0},
    ...     site={"cost_per_watt": 11.0, "construction_lag": 0.5, "electricity_price": "80 USD/MWh",
    ...           "cooling": {"pue": 1.15}}).resolve())
    >>> round(float(result.outlay) / 1e6), round(float(result.npv) / 1e6, 1), round(float(result.required_rent), 2)
    (30, -5.0, 2.98)
    """
    batch = _batch(resolved)
    chips, sites, watts = _fleets(resolved, batch)
    quarters = _earned(resolved, chips, sites, batch)
    rents: dict[str, Any] = {name: _yearly(rows) for name, rows in quarters.items()}
    wacc = weighted_cost_of_capital(
        resolved.capital.equity_share, resolved.capital.equity_cost, resolved.capital.debt_cost, resolved.tax.rate
    )
    cost = np.broadcast_to(np.asarray(resolved.accelerators * resolved.price, dtype=np.float64), batch)
    site_cost = _yearly([step.paid[0] for step in sites])
    books = _books(resolved, cost, chips, rents["hours"], wacc)
    site_books = _fleet_charge(sites)
    left = chips[-1].in_service[0]
    resale = left * resolved.price * resolved.resale_share
    sold_site = sites[-1].book_value[0] + sites[-1].construction[0]
    deduction = _deductions(resolved, cost, ordered_sum(site_cost), batch)
    basis = cost + ordered_sum(site_cost) - ordered_sum(deduction)
    operating = rents["revenue"] - rents["running_cost"]
    taxable = operating.copy()
    taxable[-1] = taxable[-1] + resale + sold_site - basis
    flows = after_tax_flows(cost, taxable, deduction, resolved.tax.rate, resolved.tax.loss_limit)
    tax = taxable - flows[1:]
    paid = [chip.paid[0] + site.paid[0] for chip, site in zip(chips, sites, strict=True)]
    cash = np.array(quarters["revenue"]) - np.array(quarters["running_cost"]) - np.array(paid)
    cash -= np.repeat(tax / STEPS, STEPS, axis=0)
    cash[-1] += resale + sold_site
    pace = np.expm1(np.log1p(wacc) / STEPS)
    charged = books.expense + site_books
    held = _yearly_last([step.book_value[0] + step.construction[0] for step in sites])
    return ProjectResult(
        scenario=resolved,
        accelerators_in_service=_yearly([step.in_service[0] / STEPS for step in chips]),
        **rents,
        site_paid=site_cost,
        depreciation=charged,
        book_value=books.book_value[1:] + held,
        tax_deduction=deduction,
        tax=tax,
        deferred_tax=deferred_tax(charged, deduction, resolved.tax.rate)[1:],
        sale=resale + sold_site,
        outlay=cost,
        wacc=np.broadcast_to(wacc, batch),
        npv=np.asarray(npv(pace, cash) / np.sqrt(1.0 + pace)),
        irr=np.expm1(STEPS * np.log1p(_rates(cash))),
        payback=_known(payback(cash)) / STEPS,
        discounted_payback=_known(discounted_payback(pace, cash)) / STEPS,
        **per_hour(resolved, wacc, watts, batch),
    )


def _batch(resolved: Project) -> tuple[int, ...]:
    """Return the shape of the draws."""
    shapes = [np.shape(value) for _, value, _, _ in resolved.walk() if value is not None]
    return np.broadcast_shapes(*shapes)


def _fleets(resolved: Project, batch: tuple[int, ...]) -> tuple[list[FleetStep], list[FleetStep], FloatArray]:
    """Run the fleets of accelerators and site; return their steps and the IT power of the site [W]."""
    steps, site = resolved.years * STEPS, resolved.site
    common: dict[str, Any] = {"step": 1.0 / STEPS, "steps": steps, "batch": batch}
    terms = BookTerms(life=resolved.books.life, salvage_share=resolved.books.salvage_share)
    chips = Fleet(
        **common,
        books={"chips": terms},
        lag=resolved.lag,
        life=resolved.physical_life,
        failure_rate=resolved.failure_rate,
    )
    sites = Fleet(**common, books={"site": BookTerms(life=site.life)}, lag=site.construction_lag, paid="over_build")
    limit = np.inf if site.power_limit is None else site.power_limit
    wanted = np.asarray(resolved.accelerators * resolved.it_power)
    watts = np.broadcast_to(np.minimum(wanted, power_room(limit, 0.0, site.cooling.pue)), batch)
    price = (site.cost_per_watt + site.cooling.extra_cost_per_watt) if resolved.own_site else 0.0
    nothing = np.zeros(batch)
    plan = [(1.0 if step == 0 else 0.0) for step in range(steps)]
    return (
        [chips.advance(resolved.accelerators * now + nothing, {"chips": resolved.price}) for now in plan],
        [sites.advance(watts * now, {"site": price}) for now in plan],
        watts,
    )


def _earned(
    resolved: Project, chips: list[FleetStep], sites: list[FleetStep], batch: tuple[int, ...]
) -> dict[str, list[FloatArray]]:
    """Return hours, rents and running cost by quarter."""
    contract = resolved.contract
    hours, revenue, running = [], [], []
    before, ready = np.zeros(batch), np.zeros(batch)
    for step, (chip, site) in enumerate(zip(chips, sites, strict=True)):
        time = (step + 0.5) / STEPS
        units, watts = 0.5 * (before + chip.in_service[0]), 0.5 * (ready + site.in_service[0])
        before, ready = chip.in_service[0], site.in_service[0]
        powered = np.minimum(units, watts / resolved.it_power)
        available = powered * HOURS_PER_YEAR / STEPS
        market = resolved.rent * np.exp(-resolved.rent_decline * time) * resolved.utilisation
        held = (
            np.zeros(())
            if contract is None
            else contract.share * paid_share(time, contract.term, contract.default_rate)
        )
        locked = 0.0 if contract is None else contract.rent
        load = resolved.idle_load + (resolved.busy_load - resolved.idle_load) * resolved.utilisation
        drawn = powered * resolved.it_power
        upkeep = resolved.maintenance_per_watt + (0.0 if resolved.site_rent is None else resolved.site_rent)
        energy = energy_cost(
            drawn, load, resolved.site.cooling.pue, HOURS_PER_YEAR / STEPS, resolved.site.electricity_price
        )
        hours.append(available + np.zeros(batch))
        revenue.append(available * (held * locked + (1.0 - held) * market))
        running.append(energy + drawn * upkeep / STEPS)
    return {"hours": hours, "revenue": revenue, "running_cost": running}


def _yearly(steps: list[FloatArray]) -> FloatArray:
    """Sum steps by year, ``(year,) + batch``."""
    years = range(0, len(steps), STEPS)
    return np.array([ordered_sum(steps[first : first + STEPS]) for first in years])


def _yearly_last(steps: list[FloatArray]) -> FloatArray:
    """Return stocks at the ends of years, ``(year,) + batch``."""
    return np.array(steps[STEPS - 1 :: STEPS])


def _fleet_charge(steps: list[FleetStep]) -> FloatArray:
    """Return a fleet's book charges by year: depreciation, and failures and retirements at book value."""
    return _yearly([step.depreciation[0] + step.written_off[0] + step.disposed[0] for step in steps])


def _books(
    resolved: Project, cost: FloatArray, chips: list[FleetStep], hours: FloatArray, wacc: Numeric
) -> BookSchedule:
    """Return the books of the accelerators by year; methods other than straight line start at the purchase."""
    books, years, batch = resolved.books, resolved.years, cost.shape
    salvage, life = cost * books.salvage_share, np.broadcast_to(np.asarray(books.life), batch)
    if books.method == "straight_line":
        return as_books(cost, _fleet_charge(chips))
    if books.method == "sum_of_years_digits":
        return sum_of_years_digits(cost, salvage, life, years)
    if books.method == "declining_balance":
        return declining_balance(cost, salvage, life, periods=years)
    if books.method == "units_of_production":
        most = resolved.accelerators * HOURS_PER_YEAR * life
        return units_of_production(cost, salvage, hours, np.broadcast_to(most, batch))
    decline = np.broadcast_to(np.asarray(resolved.rent_decline), batch)
    if books.method == "economic":
        return economic(cost, decline, years)
    return expected_rents(cost, life, np.broadcast_to(log_rate(wacc), batch), decline, years)


def _deductions(resolved: Project, cost: Numeric, site: Numeric, batch: tuple[int, ...]) -> FloatArray:
    """Return tax depreciation by year: bonus and MACRS on equipment, MACRS on the site."""
    tax = resolved.tax
    bonus = bonus_share(tax.acquired) if tax.bonus is None and tax.acquired is not None else tax.bonus
    wide = [np.broadcast_to(np.asarray(value, dtype=np.float64), batch) for value in (cost, site)]
    rows = (macrs(wide[0], tax.equipment_period, bonus=bonus), macrs(wide[1], tax.site_period))
    table = np.zeros((resolved.years, *batch))
    for schedule in rows:
        count = min(resolved.years, len(schedule.expense))
        table[:count] += schedule.expense[:count]
    return table


def _rates(cash: FloatArray) -> FloatArray:
    """Return the internal rate per quarter of each draw [1]; NaN where there is not exactly one.

    Rates below `LOWEST_RETURN` are ignored: tax paid after the last rent can add a second rate close to −1.
    """
    flat, low = cash.reshape(len(cash), -1), np.expm1(np.log1p(LOWEST_RETURN) / STEPS)
    found = [[rate for rate in internal_rates(column) if rate > low] if column.any() else [] for column in flat.T]
    return np.array([rates[0] if len(rates) == 1 else np.nan for rates in found]).reshape(cash.shape[1:])


def _known(values: Numeric) -> FloatArray:
    """Return values, with NaN where they are infinite."""
    array = np.asarray(values)
    return np.where(np.isfinite(array), array, np.nan)


register_model("project", Project, "costmodel.ownership.project:project")
