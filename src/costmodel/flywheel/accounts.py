"""Revenue, cost and books of every operator in a step (item 9)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from costmodel.flywheel.drivers import Drivers, draws, path, shares_of, since, stack, trend_after
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.market_side import TINY, Cleared
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.market.paths import by_step
from costmodel.market.pricing import closing_share
from costmodel.ownership.energy import energy_use, load_factor
from costmodel.ownership.fleet import Fleet, FleetStep


@dataclass(frozen=True, slots=True)
class Flows:
    """Revenue and cost of a step by operator, ``(operator, draw)`` [USD]; the inputs of books and cash."""

    token_revenue: FloatArray
    net_rents: FloatArray
    """Rents of capacity sold less rents of capacity used, own use included on both sides: sums to zero."""
    contract_gain: FloatArray
    """Gain from contracts at locked rents over the current rent; sums to zero."""
    hosting_gain: FloatArray
    """Gain over their rent from idle hours sold as tokens, less the token sellers' loss; sums to zero."""
    resale_fees: FloatArray
    internal_value: FloatArray
    other_revenue: FloatArray
    energy_used: FloatArray
    energy: FloatArray
    site_operation: FloatArray
    maintenance: FloatArray
    staff: FloatArray
    research: FloatArray
    go_to_market: FloatArray
    overhead: FloatArray
    other_cost: FloatArray

    @property
    def revenue(self) -> FloatArray:
        """Revenue from everything sold [USD]."""
        return as_array(
            ordered_sum([
                self.token_revenue, self.net_rents, self.contract_gain, self.hosting_gain, self.internal_value,
                self.other_revenue,
            ])
        )  # fmt: skip

    @property
    def cash_cost(self) -> FloatArray:
        """Operating cost paid in cash [USD]."""
        return as_array(
            ordered_sum([
                self.resale_fees, self.energy, self.site_operation, self.maintenance, self.staff, self.research,
                self.go_to_market, self.overhead, self.other_cost,
            ])
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountParameters:
    """Parameters of the statement, ``(step, draw)``, ``(step, operator, draw)`` or ``(operator, draw)``."""

    token_share: FloatArray
    investor_share: FloatArray
    internal_share: FloatArray
    internal_value: FloatArray
    resale_fee: FloatArray
    hosted_share: FloatArray
    """Share of idle hours sold as tokens, ``(step, operator, draw)`` [1]."""
    hosted_kept: FloatArray
    """Share of hosted tokens' revenue that the host keeps [1]."""
    electricity: FloatArray
    full_load: FloatArray
    idle_fraction: FloatArray
    maintenance: FloatArray
    site_operation: FloatArray
    staff: FloatArray
    research: FloatArray
    go_to_market: FloatArray
    overhead: FloatArray
    other_revenue: FloatArray
    other_cost: FloatArray
    other_capex: FloatArray
    contract_hours: FloatArray
    """Hours sold under contracts less hours bought, ``(step, operator, draw)`` [hour/year]."""
    contract_money: FloatArray
    """Money received for those hours less money paid, ``(step, operator, draw)`` [USD/year]."""


def account_parameters(scenario: FlywheelScenario, drivers: Drivers, capacity_share: FloatArray) -> AccountParameters:
    """Read the statement's parameters from a resolved scenario."""
    operators, times = list(scenario.operators.values()), drivers.times
    tokens = _slow(shares_of(scenario, "token_share", capacity_share), draws(scenario.clearing.share_inertia), drivers)

    def by_operator(name: str) -> FloatArray:
        return stack([draws(getattr(item, name)) for item in operators])

    def other(name: str) -> FloatArray:
        rows = []
        for item in operators:
            start = since(drivers.grid, item.other_growth_from)
            rows.append(path(getattr(item, name)) * trend_after(times, getattr(item, f"{name}_growth"), start))
        return by_step(rows)

    hours, money = _contracts(scenario, drivers)
    return AccountParameters(
        token_share=tokens,
        investor_share=shares_of(scenario, "training_share", tokens),
        internal_share=shares_of(scenario, "internal_share", capacity_share),
        internal_value=by_operator("internal_value"),
        resale_fee=by_operator("resale_fee"),
        hosted_share=by_step([path(item.hosted_share) for item in operators]),
        hosted_kept=1.0 - by_operator("hosted_licence"),
        electricity=drivers.electricity,
        full_load=draws(scenario.energy.full_load),
        idle_fraction=draws(scenario.energy.idle_fraction),
        maintenance=draws(scenario.hardware.maintenance),
        site_operation=draws(scenario.hardware.sites.operation),
        staff=by_step([path(item.staff) for item in operators]),
        research=path(scenario.training.staff) + path(scenario.training.data),
        go_to_market=by_operator("go_to_market"),
        overhead=by_operator("overhead"),
        other_revenue=other("other_revenue"),
        other_cost=other("other_cost"),
        other_capex=by_step([path(item.other_capex) for item in operators]),
        contract_hours=hours,
        contract_money=money,
    )


def _slow(shares: FloatArray, inertia: FloatArray, drivers: Drivers) -> FloatArray:
    """Return shares that follow the given ones with a time constant of ``inertia``, ``(step, operator, draw)``."""
    if len(shares) == 1 or not bool((inertia > 0.0).any()):
        return shares
    closing = np.where(inertia > 0.0, closing_share(1.0 / np.maximum(inertia, TINY), drivers.step), 1.0)
    rows = [as_array(shares[0] + 0.0 * closing)]
    for target in shares[1:]:
        rows.append(rows[-1] + closing * (target - rows[-1]))
    return np.stack(rows)


def _contracts(scenario: FlywheelScenario, drivers: Drivers) -> tuple[FloatArray, FloatArray]:
    """Return net hours and net revenue per year of contracts at locked rents, ``(step, operator, draw)``."""
    names = list(scenario.operators)
    width = max([1, *(draws(c.rent).size for o in scenario.operators.values() for c in o.contracts)])
    hours = np.zeros((len(drivers.times), len(names), width))
    money = np.zeros_like(hours)
    begin = (drivers.times - 0.5 * drivers.step)[:, None]
    for seller, operator in enumerate(scenario.operators.values()):
        for contract in operator.contracts:
            first, last = since(drivers.grid, contract.start), since(drivers.grid, contract.end)
            held = np.maximum(np.minimum(begin + drivers.step, last) - np.maximum(begin, first), 0.0) / drivers.step
            sold = held * draws(contract.accelerators) * HOURS_PER_YEAR
            for who, sign in ((seller, 1.0), (names.index(contract.buyer), -1.0)):
                hours[:, who] += sign * sold
                money[:, who] += sign * sold * draws(contract.rent)
    return hours, money


def flows_of(
    step: int,
    drivers: Drivers,
    parameters: AccountParameters,
    cleared: Cleared,
    spend: FloatArray,
    chips: Fleet,
    sites: Fleet,
    utilisation: FloatArray,
) -> Flows:
    """Return revenue and cost of the step by operator.

    Parameters
    ----------
    spend
        User spend, ``(draw,)`` [USD/year].
    utilisation
        Use of each operator's accelerators, ``(operator, draw)`` [1].
    """
    dt, rent = drivers.step, cleared.rent
    token_hours = as_array(ordered_sum(cleared.token_hours)) * parameters.token_share[step]
    internal = cleared.internal_hours * parameters.internal_share[step]
    used = token_hours + cleared.training_hours + internal
    net = cleared.sold_hours - used
    revenue = spend * parameters.token_share[step] * dt
    stock, watts = chips.middle, chips.middle[chips.index["watts"]]
    cost = stock[chips.index["accelerators"]] + stock[chips.index["network"]]
    load = parameters.full_load * load_factor(utilisation, parameters.idle_fraction)
    energy = energy_use(watts, load, HOURS_PER_YEAR * dt)
    contracts = parameters.contract_money[step] - rent * parameters.contract_hours[step]
    zero = np.zeros_like(net)
    paid_hours = as_array(ordered_sum(cleared.token_hours * drivers.workloads.paid_share[step]))
    sold, hosted, gain = _hosted(step, parameters, rent, spend, paid_hours, np.maximum(net, 0.0))
    return Flows(
        token_revenue=revenue,
        net_rents=rent * net * dt,
        contract_gain=contracts * dt + zero,
        hosting_gain=gain * dt,
        resale_fees=parameters.resale_fee * rent * (np.maximum(net, 0.0) - hosted) * dt,
        internal_value=parameters.internal_value * rent * internal * dt,
        other_revenue=parameters.other_revenue[step] * dt + zero,
        energy_used=as_array(energy),
        energy=energy * parameters.electricity[step],
        site_operation=parameters.site_operation * sites.middle[0] * drivers.site_price[step] * dt,
        maintenance=parameters.maintenance * cost * dt,
        staff=parameters.staff[step] * dt + zero,
        research=parameters.research[step] * parameters.investor_share[step] * dt + zero,
        go_to_market=parameters.go_to_market * (revenue + sold * dt),
        overhead=parameters.overhead * (revenue + sold * dt),
        other_cost=parameters.other_cost[step] * dt + zero,
    )


def _hosted(
    step: int,
    parameters: AccountParameters,
    rent: FloatArray,
    spend: FloatArray,
    hours: FloatArray,
    offered: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, per year, token revenue that moves to hosts, hosted hours, and the gain of hosting over rents.

    Parameters
    ----------
    hours
        Hours of tokens that users pay for, ``(draw,)`` [hour/year].
    offered
        Hours that an operator has to sell, ``(operator, draw)`` [hour/year].

    Notes
    -----
    A host keeps the revenue of the tokens that its hours make, less the licence; it gives up their rent. Token sellers
    lose that revenue, and save that rent, in proportion to their shares of the market.
    """
    share = parameters.token_share[step]
    idle = parameters.hosted_share[step] * offered
    hosted = idle * np.minimum(hours / np.maximum(as_array(ordered_sum(idle)), TINY), 1.0)
    made = hosted * parameters.hosted_kept * spend / np.maximum(hours, TINY)
    sold = made - share * as_array(ordered_sum(made))
    rents = rent * (hosted - share * as_array(ordered_sum(hosted)))
    return as_array(sold), as_array(hosted), as_array(sold - rents)


@dataclass(frozen=True, slots=True)
class Books:
    """Books of a step by asset class, ``(asset, operator, draw)`` [USD]."""

    paid: FloatArray
    placed: FloatArray
    depreciation: FloatArray
    written_off: FloatArray
    impaired: FloatArray
    book_value: FloatArray
    construction: FloatArray

    def with_sites(self, paid: FloatArray, unpaid: FloatArray) -> Books:
        """Return the books with sites under construction at the start: payments added, the unpaid part taken off."""
        pay, building = self.paid.copy(), self.construction.copy()
        pay[2] += paid
        building[2] -= unpaid
        return replace(self, paid=pay, construction=building)

    def plus(self, other: Books) -> Books:
        """Return the sum of both books, item by item."""
        return Books(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(Books)))


def books_of(chips: FleetStep, sites: FleetStep) -> Books:
    """Join the books of both fleets: accelerators, network, sites."""

    def join(name: str) -> FloatArray:
        return np.concatenate([getattr(chips, name), getattr(sites, name)])

    retired = np.concatenate([chips.disposed, sites.disposed])
    return Books(
        paid=join("paid"),
        placed=join("placed"),
        depreciation=join("depreciation"),
        written_off=join("written_off") + retired,
        impaired=join("impaired"),
        book_value=join("book_value"),
        construction=join("construction"),
    )
