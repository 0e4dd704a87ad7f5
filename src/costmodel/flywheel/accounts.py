"""Accounts of the operator, and the three pockets of which one pays the next (item 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from costmodel.flywheel.capital import COST, WATTS, BookState, FleetState
from costmodel.flywheel.clearing import Clearing, MarketParameters
from costmodel.flywheel.drivers import Drivers, draws, path, since, trend_after
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.leases import LeaseState, lease_state
from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.energy import energy_use, load_factor


@dataclass(frozen=True, slots=True)
class Statement:
    """Flows of one step [USD], ``(draw,)`` unless said."""

    user_spend: FloatArray
    """By workload, ``(workload, draw)``."""
    resale: FloatArray
    other_revenue: FloatArray
    depreciation: FloatArray
    """By asset class, ``(asset, draw)``."""
    additions: FloatArray
    """Capital that entered service, by asset class, ``(asset, draw)``."""
    write_offs: FloatArray
    """By asset class, ``(asset, draw)``."""
    energy_used: FloatArray
    """Energy [Wh]."""
    energy: FloatArray
    facility_operation: FloatArray
    maintenance: FloatArray
    staff: FloatArray
    research: FloatArray
    go_to_market: FloatArray
    overhead: FloatArray
    other_cost: FloatArray
    interest: FloatArray
    tax: FloatArray

    @property
    def revenue(self) -> FloatArray:
        """Revenue from tokens, resale and everything else."""
        return np.asarray(ordered_sum(self.user_spend) + self.resale + self.other_revenue)

    @property
    def cash_cost(self) -> FloatArray:
        """Operating cost paid in cash."""
        return np.asarray(ordered_sum([
            self.energy, self.facility_operation, self.maintenance, self.staff, self.research,
            self.go_to_market, self.overhead, self.other_cost,
        ]))  # fmt: skip

    @property
    def operating_income(self) -> FloatArray:
        """Revenue less cash cost, depreciation and write-offs."""
        return np.asarray(self.revenue - self.cash_cost - ordered_sum(self.depreciation) - ordered_sum(self.write_offs))

    @property
    def operating_cash_flow(self) -> FloatArray:
        """Cash from operations after interest and tax."""
        return np.asarray(self.revenue - self.cash_cost - self.interest - self.tax)


@dataclass(slots=True)
class Finances:
    """Cash, debt and tax losses, ``(draw,)`` [USD], at the start of a step."""

    cash: FloatArray
    debt: FloatArray
    losses: FloatArray
    minimum_cash: FloatArray
    max_debt_ratio: FloatArray
    leases: LeaseState

    def funds(self, book: FloatArray, cash_flow: FloatArray, step: float) -> FloatArray:
        """Return what could be spent on capex without owners' money [USD/year]."""
        spare = np.maximum(self.cash - self.minimum_cash, 0.0)
        room = np.maximum(self.max_debt_ratio * book - self.debt - self.leases.debt, 0.0)
        return np.asarray((cash_flow + spare + room) / step)

    def settle(self, cash_flow: FloatArray, paid: FloatArray, book: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pay a step's capex and what is due on leases; return new debt and owners' money [USD].

        Cash flow pays first, then cash above its floor, then debt up to its ratio, then owners.
        """
        after = self.cash + cash_flow - paid
        short = np.maximum(self.minimum_cash - after, 0.0)
        room = np.maximum(self.max_debt_ratio * book - self.debt - self.leases.debt, 0.0)
        borrowed = np.minimum(short, room)
        owners = short - borrowed
        self.cash = after + borrowed + owners
        self.debt = self.debt + borrowed
        return borrowed, owners


@dataclass(frozen=True, slots=True)
class AccountParameters:
    """Parameters of the accounts; trajectories ``(step, draw)``, the rest ``(draw,)``."""

    electricity: FloatArray
    full_load: FloatArray
    idle_fraction: FloatArray
    maintenance: FloatArray
    facility_operation: FloatArray
    facility_price: FloatArray
    staff: FloatArray
    research: FloatArray
    go_to_market: FloatArray
    overhead: FloatArray
    other_revenue: FloatArray
    other_cost: FloatArray
    interest_rate: FloatArray
    tax_rate: FloatArray


def account_parameters(scenario: FlywheelScenario) -> AccountParameters:
    """Read the accounts' parameters from a resolved scenario."""
    accounts, grid = scenario.accounts, scenario.grid
    times, start = grid.mid - grid.begin, since(grid, accounts.other_growth_from)
    return AccountParameters(
        electricity=path(scenario.energy.price),
        full_load=draws(scenario.energy.full_load),
        idle_fraction=draws(scenario.energy.idle_fraction),
        maintenance=draws(scenario.hardware.maintenance),
        facility_operation=draws(accounts.facility_operation),
        facility_price=path(scenario.hardware.facility.cost_per_watt),
        staff=path(accounts.staff),
        research=path(scenario.training.staff) + path(scenario.training.data),
        go_to_market=draws(accounts.go_to_market),
        overhead=draws(accounts.overhead),
        other_revenue=path(accounts.other_revenue) * trend_after(times, draws(accounts.other_revenue_growth), start),
        other_cost=path(accounts.other_cost) * trend_after(times, draws(accounts.other_cost_growth), start),
        interest_rate=np.log1p(draws(accounts.interest_rate)),
        tax_rate=draws(accounts.tax_rate),
    )


def finances(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> Finances:
    """Return the opening finances."""
    accounts = scenario.accounts

    def full(value: object) -> FloatArray:
        return np.broadcast_to(draws(value), (batch,))

    return Finances(
        full(accounts.opening_cash),
        full(accounts.opening_debt),
        full(accounts.opening_losses),
        draws(accounts.minimum_cash),
        draws(accounts.max_debt_ratio),
        lease_state(scenario, drivers, batch),
    )


def statement(
    step: int,
    drivers: Drivers,
    parameters: AccountParameters,
    market: MarketParameters,
    clearing: Clearing,
    fleet: FleetState,
    books: BookState,
    money: Finances,
) -> Statement:
    """Book a step before its capex is decided; moves depreciation and the tax losses carried forward."""
    dt, work = drivers.step, drivers.workloads
    spend = clearing.realised * work.paid_share[:, step] * clearing.served * dt
    idle = np.maximum(market.max_use * clearing.usable - clearing.used, 0.0)
    resale = market.fill_rate * idle * clearing.rent * dt
    additions, expense = books.advance(step)
    load = parameters.full_load * load_factor(clearing.utilisation, parameters.idle_fraction)
    energy = energy_use(fleet.stock[WATTS], load, HOURS_PER_YEAR * dt)
    revenue = np.asarray(ordered_sum(spend))
    flows = Statement(
        user_spend=spend,
        resale=resale,
        other_revenue=_full(parameters.other_revenue[step] * dt, resale),
        depreciation=expense,
        additions=additions,
        write_offs=np.zeros_like(expense),
        energy_used=energy,
        energy=energy * parameters.electricity[step],
        facility_operation=parameters.facility_operation * fleet.stock[WATTS] * parameters.facility_price[step] * dt,
        maintenance=parameters.maintenance * fleet.stock[COST] * dt,
        staff=_full(parameters.staff[step] * dt, resale),
        research=_full(parameters.research[step] * dt, resale),
        go_to_market=parameters.go_to_market * revenue,
        overhead=parameters.overhead * revenue,
        other_cost=_full(parameters.other_cost[step] * dt, resale),
        interest=(money.debt + money.leases.debt) * np.expm1(parameters.interest_rate * dt),
        tax=np.zeros_like(resale),
    )
    return flows


def taxed(flows: Statement, parameters: AccountParameters, money: Finances, write_offs: FloatArray) -> Statement:
    """Return the statement with write-offs and tax; losses are carried forward without a date."""
    flows = replace(flows, write_offs=write_offs)
    profit = flows.operating_income - flows.interest
    used = np.minimum(np.maximum(profit, 0.0), money.losses)
    tax = parameters.tax_rate * np.maximum(profit - used, 0.0)
    money.losses = money.losses - used + np.maximum(-profit, 0.0)
    return replace(flows, tax=tax)


def _full(value: FloatArray, like: FloatArray) -> FloatArray:
    return np.broadcast_to(value, like.shape)
