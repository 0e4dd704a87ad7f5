"""The flywheel's run: time is the only loop, in the binding order of its eight parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.flywheel.accounts import (
    AccountParameters,
    Finances,
    Statement,
    account_parameters,
    finances,
    statement,
    taxed,
)
from costmodel.flywheel.capital import UNITS, WATTS, BookState, FleetState, book_state, fleet_state
from costmodel.flywheel.clearing import (
    Clearing,
    MarketParameters,
    MarketState,
    Training,
    clear,
    initial_market,
    market_parameters,
    training_state,
)
from costmodel.flywheel.drivers import ASSETS, Drivers, draws, drivers_of, since, stack
from costmodel.flywheel.growth import loop_gain, refuse_runaway
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Bound, Investment, investment_state
from costmodel.flywheel.recorder import Recorder
from costmodel.flywheel.retirement import retire_early, value_in_use_shortfall
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.errors import ConvergenceError
from costmodel.foundation.running import OnNonFinite, run_model
from costmodel.foundation.units import HOURS_PER_YEAR

EXPLICIT_LIMIT = -0.5
"""Lowest multiplier of an explicit loop that a step may have [1]."""


def simulate(
    scenario: FlywheelScenario,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    on_nonfinite: OnNonFinite = "raise",
) -> Trajectory:
    """Run the flywheel.

    Parameters
    ----------
    scenario
        A written scenario.
    draws
        Number of draws of its distributions; medians where absent.
    rng
        Seed, generator or nothing for fresh entropy; 0 is a seed.
    design
        A design made before, instead of ``draws`` and ``rng``.
    on_nonfinite
        ``"raise"`` names the series, the step and the first draw; ``"mask"`` leaves the draw out of statistics.

    Returns
    -------
    Trajectory
        Every series, with the scenario and the design that it came from.

    Raises
    ------
    ConvergenceError
        If the scenario runs away without a ceiling, or a step is too long for an explicit loop.
    NonFiniteResultError
        If a series is not finite; names it, the step and the first draw.
    """
    result: Trajectory = run_model(
        run_resolved, scenario, draws=draws, rng=rng, design=design, on_nonfinite=on_nonfinite
    )
    return result


def run_resolved(resolved: FlywheelScenario) -> Trajectory:
    """Run a resolved scenario: the model that the registry names.

    Parameters
    ----------
    resolved
        A resolved scenario; draws are the last axis of its arrays.
    """
    with quiet():
        refuse_runaway(resolved)
        run = Run.start(resolved)
        for step in range(run.drivers.grid.steps):
            run.take(step)
    return run.result(resolved)


def _batch(resolved: FlywheelScenario) -> int | None:
    """Return the number of draws of a resolved scenario, or None for a scalar one."""
    for _, value, spec, _ in resolved.walk():
        extra = np.ndim(value) - (1 if spec.trajectory else 0)
        if value is not None and extra > 0:
            return int(np.shape(value)[-1])
    return None


@dataclass(slots=True)
class Run:
    """A run in progress: all its state, moved on step by step."""

    scenario: FlywheelScenario
    drivers: Drivers
    market: MarketParameters
    account: AccountParameters
    fleet: FleetState
    books: BookState
    state: MarketState
    training: Training
    investment: Investment
    money: Finances
    record: Recorder
    final_share: FloatArray
    oldest: FloatArray
    shipped: FloatArray
    lag_raised: bool

    @classmethod
    def start(cls, scenario: FlywheelScenario, batch: int | None = None) -> Run:
        """Build the opening state; ``batch`` copies a scalar scenario to so many equal draws."""
        drivers, market = drivers_of(scenario), market_parameters(scenario)
        batch = batch or _batch(scenario) or 1
        lag = draws(scenario.hardware.accelerators.lag)
        follows = since(drivers.grid, scenario.investment.plan_end) < float(
            drivers.grid.bounds[-1] - drivers.grid.begin
        )
        lags = stack([draws(getattr(scenario.hardware, name).lag) for name in ASSETS])
        follows = scenario.investment.plan is None or follows
        raised = follows and bool(np.any(lags < drivers.step))
        if raised:
            lag, lags = np.maximum(lag, drivers.step / 2.0), np.maximum(lags, drivers.step)
        _check_step(scenario, drivers)
        investment = investment_state(scenario, drivers, batch, lag)
        opening = scenario.hardware.fleet
        known = opening.opening_units + opening.opening_pipeline
        shipped = known if opening.opening_shipped is None else opening.opening_shipped
        return cls(
            scenario=scenario,
            drivers=drivers,
            market=market,
            account=account_parameters(scenario),
            fleet=fleet_state(scenario, drivers, batch, lag),
            books=book_state(scenario, drivers, batch, lags),
            state=initial_market(drivers.workloads, market, batch),
            training=training_state(scenario, drivers, batch),
            investment=investment,
            money=finances(scenario, drivers, batch),
            record=Recorder(drivers.grid.steps, len(scenario.market), batch),
            final_share=_final_runs(scenario, drivers),
            oldest=np.zeros(batch),
            shipped=np.broadcast_to(draws(shipped), (batch,)),
            lag_raised=raised,
        )

    def take(self, step: int) -> None:
        """Take one step."""
        drivers = self.drivers
        self._record_stocks(step)
        planned = self.investment.planned(step, drivers)
        if planned and self.investment.plan is not None:
            self._buy(step, self.investment.planned_rate(step), self.investment.plan[step])
        self.fleet.advance(step)
        clearing = clear(step, drivers, self.market, self.state, self.training, self.fleet.stock[UNITS])
        flows = statement(step, drivers, self.account, self.market, clearing, self.fleet, self.books, self.money)
        write_offs = self._write_offs(step, clearing)
        flows = taxed(flows, self.account, self.money, write_offs)
        wanted = clearing.tightness * clearing.usable
        book = np.asarray(ordered_sum(self.books.in_service) + ordered_sum(self.books.construction))
        cash_flow = flows.operating_cash_flow
        funds = self.money.funds(book, cash_flow, drivers.step)
        rate, bound = self.investment.decide(step, drivers, self.fleet, wanted, funds)
        if not planned:
            self._buy(step, rate, rate + self.investment.other[step])
        bought, leases = self.books.paid[:, step], self.money.leases
        due, leased = leases.repay(step), leases.take(step, bought)
        capex = bought - leased
        borrowed, owners = self.money.settle(cash_flow, np.asarray(ordered_sum(capex) + due), book)
        used = np.maximum(clearing.used * drivers.step, 1e-300)
        kept = ordered_sum([ordered_sum(flows.depreciation), flows.energy, flows.maintenance, flows.facility_operation])
        self.state.accounting_rent = np.asarray(kept / used)
        self._record_market(step, clearing)
        self._record_money(step, flows, capex, borrowed, owners, bound)
        self.record.put(step, leased_by_class=leased, lease_repayment=due)

    def result(self, scenario: FlywheelScenario) -> Trajectory:
        """Return what has been recorded, as a result of ``scenario``."""
        gain = loop_gain(self.scenario)
        held = self.record.arrays["bound_held"]
        physical = (held == int(Bound.CHIP_SUPPLY)) | (held == int(Bound.POWER))
        self.record.put(
            None, loop_gain=gain, runaway=gain >= 1.0, bounded=physical.any(axis=0), lag_raised=self.lag_raised
        )
        outputs = self.record.outputs(_batch(self.scenario) is None)
        return Trajectory(scenario=scenario, **outputs)

    def _buy(self, step: int, rate: FloatArray, total: FloatArray) -> None:
        """Buy a step's capital: ``rate`` puts accelerators on order, the rest of ``total`` has its classes alone."""
        drivers = self.drivers
        units = rate * drivers.step / drivers.total_unit_cost[step]
        bundles = total * drivers.step / drivers.total_unit_cost[step]
        cost = drivers.unit_cost[0, step] + drivers.unit_cost[1, step]
        self.fleet.buy(step, units, drivers.power[step], cost)
        self.books.pay(step, stack([bundles * drivers.unit_cost[asset, step] for asset in range(3)]))

    def _write_offs(self, step: int, clearing: Clearing) -> FloatArray:
        """Retire early what does not earn its running cost; test for impairment once a year from the start."""
        amounts = np.zeros_like(self.books.in_service)
        if self.scenario.hardware.fleet.early_retirement:
            self.oldest, lost = retire_early(step, self.oldest, self.account, clearing, self.fleet, self.books)
            amounts[0] = amounts[0] + lost
        threshold = self.scenario.accounts.impairment_threshold
        if threshold is not None and (step + 1) % round(1.0 / self.drivers.step) == 0:
            share = value_in_use_shortfall(step, self.scenario, self.drivers, clearing, self.fleet, self.books)
            share = np.where(share > draws(threshold), share, 0.0)
            amounts = amounts + self.books.impair(step, share)
        return amounts

    def _record_stocks(self, bound: int) -> None:
        self.record.put(
            bound,
            cumulative_tokens=self.state.cumulative,
            cash=self.money.cash,
            debt=self.money.debt,
            lease_debt=self.money.leases.debt,
            tax_losses=self.money.losses,
            book_in_service=self.books.in_service,
            construction=self.books.construction,
        )

    def _record_market(self, step: int, clearing: Clearing) -> None:
        drivers, work, demand = self.drivers, self.drivers.workloads, clearing.demand
        dt, fleet = drivers.step, self.fleet
        self.shipped = self.shipped + fleet.ship.flow(fleet.bought, step)[UNITS]
        self.record.put(
            step,
            tokens_demanded=demand.tokens * dt,
            tokens_served=clearing.served * dt,
            price=clearing.price,
            realised_price=clearing.realised,
            unit_cost=clearing.unit_cost,
            compute_per_token=demand.compute,
            model_index=work.model_index[:, step],
            adoption=work.adoption[:, step] * work.rollout[:, step],
            intensity=work.intensity[:, step],
            price_response=demand.price_response,
            capability_response=demand.capability_response,
            ceiling_factor=np.where(demand.unbounded > 0.0, demand.tokens / np.maximum(demand.unbounded, 1e-300), 1.0),
            paid_share=work.paid_share[:, step],
            price_realisation=work.realisation[:, step],
            accelerators_by_workload=demand.accelerators * clearing.fill,
            software_efficiency=demand.efficiency,
            capability=clearing.capability,
            required_rent=drivers.total_rent[step] / HOURS_PER_YEAR,
            rental_price=clearing.rent / HOURS_PER_YEAR,
            fill=clearing.fill,
            tightness=clearing.tightness,
            utilisation=clearing.utilisation,
            accelerators_in_service=fleet.stock[UNITS],
            accelerators_bought=fleet.bought[UNITS, step],
            accelerators_shipped=self.shipped,
            accelerators_arrived=fleet.arrived[UNITS, step],
            accelerators_retired=fleet.retired[UNITS],
            accelerators_failed=fleet.failed[UNITS],
            pipeline=fleet.pipeline_now(step)[UNITS],
            facility_power=fleet.stock[WATTS],
            training_reserve=clearing.reserve,
            final_runs=clearing.reserve * self.final_share[step],
            internal=clearing.internal,
            idle=np.maximum(clearing.usable - clearing.used, 0.0),
        )

    def _record_money(
        self,
        step: int,
        flows: Statement,
        capex: FloatArray,
        borrowed: FloatArray,
        owners: FloatArray,
        bound: FloatArray,
    ) -> None:
        self.record.put(
            step,
            user_spend_by_workload=flows.user_spend,
            capex_by_class=capex,
            additions_by_class=flows.additions,
            depreciation_by_class=flows.depreciation,
            write_offs_by_class=flows.write_offs,
            resale=flows.resale,
            other_revenue=flows.other_revenue,
            energy_used=flows.energy_used,
            energy_cost=flows.energy,
            facility_operation=flows.facility_operation,
            maintenance=flows.maintenance,
            staff=flows.staff,
            research=flows.research,
            go_to_market=flows.go_to_market,
            overhead=flows.overhead,
            other_cost=flows.other_cost,
            interest=flows.interest,
            tax=flows.tax,
            borrowed=borrowed,
            owners_money=owners,
            bound_held=bound,
        )
        self._record_stocks(step + 1)


def _final_runs(scenario: FlywheelScenario, drivers: Drivers) -> FloatArray:
    """Return the share of the reserve that dated final runs take, ``(step, draw)``, at most 1."""
    begin = drivers.grid.bounds[:-1, None] - drivers.grid.begin
    total = np.zeros((drivers.grid.steps, 1))
    for run in scenario.training.final_runs:
        start = since(drivers.grid, run.start)
        end = start + draws(run.duration)
        overlap = np.maximum(np.minimum(begin + drivers.step, end) - np.maximum(begin, start), 0.0)
        total = total + draws(run.share) * overlap / drivers.step
    return np.minimum(total, 1.0)


def _check_step(scenario: FlywheelScenario, drivers: Drivers) -> None:
    """Refuse a step that is too long for an explicit loop, and lives shorter than a step.

    Orders close ``step/(adjustment + step/2)`` of their gap in a step; the loop's multiplier is 1 less that.
    """
    adjustment = float(np.min(draws(scenario.investment.adjustment)))
    multiplier = 1.0 - drivers.step / (adjustment + drivers.step / 2.0)
    if multiplier < EXPLICIT_LIMIT:
        closed = 1.0 - EXPLICIT_LIMIT
        longest = adjustment * closed / (1.0 - closed / 2.0)
        raise ConvergenceError(
            f"investment.adjustment of {adjustment:g} years is too short for steps of {drivers.step:g} years: the "
            f"order loop's multiplier is {multiplier:.2f}, below {EXPLICIT_LIMIT}; use steps "
            f"of at most {longest:g} years"
        )
    for name in ("accelerators", "network", "facility"):
        life = float(np.min(draws(getattr(scenario.hardware, name).book_life)))
        if life < drivers.step:
            raise ConvergenceError(f"hardware.{name}.book_life of {life:g} years is shorter than a step")
