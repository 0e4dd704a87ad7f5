"""Runs of the flywheel: a loop over time only, in which each step takes the equations in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.flywheel.accounts import (
    AccountParameters,
    Books,
    Flows,
    account_parameters,
    flows_of,
)
from costmodel.flywheel.drivers import Drivers, draws, drivers_of, since, stack
from costmodel.flywheel.finances import Finances, Settled, finances
from costmodel.flywheel.fleets import Fleets
from costmodel.flywheel.growth import loop_gain, refuse_runaway
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Cost, Investment, Wanted, investment_state
from costmodel.flywheel.market_side import (
    TINY,
    Capacity,
    Cleared,
    MarketParameters,
    MarketState,
    Situation,
    advance,
    clear,
    market_parameters,
    market_state,
    situation,
)
from costmodel.flywheel.opening_fleets import fleets_of
from costmodel.flywheel.recorder import Recorder
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum, quiet
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.engines import Engine, asked_outputs, chosen_engine, present_engine, using
from costmodel.foundation.inputs import Inputs
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.running import OnNonFinite, run_model
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.foundation.values import ParameterSpec
from costmodel.ownership.fleet import FleetStep


def simulate(
    scenario: FlywheelScenario,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    on_nonfinite: OnNonFinite = "raise",
    engine: Engine = "auto",
) -> Trajectory:
    """Run the flywheel.

    Parameters
    ----------
    scenario
        A written scenario.
    draws
        Number of draws of its distributions; None: medians.
    rng
        Seed or generator; None: fresh entropy. 0 is a seed.
    design
        An existing design, instead of ``draws`` and ``rng``.
    on_nonfinite
        ``"raise"``: raise an error on a series that is not finite; ``"mask"``: leave the draw out of statistics.
    engine
        ``"numpy"``, ``"compiled"`` (extra ``fast``), or ``"auto"``: compiled from 8,192 draws on, if installed.

    Returns
    -------
    Trajectory
        Every series, with its scenario and design.

    Raises
    ------
    ConvergenceError
        If the scenario runs away without a ceiling, or the step is too long for an explicit loop.
    NonFiniteResultError
        If a series is not finite; the message names it, the step and the first draw.
    """
    chosen = chosen_engine(engine, draws if design is None else design.draws)
    with using(chosen):
        result: Trajectory = run_model(
            run_resolved, scenario, draws=draws, rng=rng, design=design, on_nonfinite=on_nonfinite
        )
    return result


def run_resolved(resolved: FlywheelScenario) -> Trajectory:
    """Run a resolved scenario; the entry point of the model registry.

    Parameters
    ----------
    resolved
        A resolved scenario; draws are the last axis of its arrays.

    Raises
    ------
    ConvergenceError
        If the scenario runs away without a ceiling.
    """
    with quiet():
        refuse_runaway(resolved)
        run = Run.start(resolved)
        if present_engine() == "compiled" and run.traceable:
            run.take_compiled()
        else:
            for step in range(run.drivers.grid.steps):
                run.take(step)
            run.close(run.drivers.grid.steps)
    return run.result(resolved)


class _FirstDraw:
    """Resolver that takes the first draw of a scenario."""

    @staticmethod
    def resolve(path: str, value: Any, spec: ParameterSpec) -> Any:
        """Return the first draw of a value."""
        if isinstance(value, VaryingRate):
            return value.first_draw()
        return value[..., 0][()] if np.ndim(value) > (1 if spec.trajectory else 0) else value


def first_draw(resolved: FlywheelScenario) -> FlywheelScenario:
    """Return a resolved scenario with only its first draw."""
    return Inputs.resolved(resolved, _FirstDraw())  # type: ignore[arg-type]


@dataclass(slots=True)
class Run:
    """A run in progress: all its state, updated step by step."""

    scenario: FlywheelScenario
    drivers: Drivers
    market: MarketParameters
    state: MarketState
    account: AccountParameters
    money: Finances
    fleets: Fleets
    investment: Investment
    record: Recorder
    final_share: FloatArray
    shipped: FloatArray
    """Accelerators shipped up to the present bound, ``(operator, draw)``."""
    drawn: int | None
    """Number of draws; None for a scalar run."""

    @classmethod
    def start(cls, scenario: FlywheelScenario, batch: int | None = None) -> Run:
        """Build the opening state; ``batch`` repeats a scalar scenario as that many equal draws."""
        drivers = drivers_of(scenario)
        drawn = scenario.drawn()
        width = batch or drawn or 1
        investment = investment_state(scenario, drivers, width)
        return cls(
            scenario=scenario,
            drivers=drivers,
            market=market_parameters(scenario),
            state=market_state(scenario, drivers, width),
            account=account_parameters(scenario, drivers, investment.share),
            money=finances(scenario, drivers, width),
            fleets=fleets_of(scenario, drivers, investment, width),
            investment=investment,
            record=Recorder(drivers.grid.steps, len(scenario.market), len(scenario.operators), width, asked_outputs()),
            final_share=_final_runs(scenario, drivers),
            shipped=np.broadcast_to(_shipped(scenario), (len(scenario.operators), width)),
            drawn=drawn,
        )

    def take(self, step: int) -> None:
        """Take one step, in the order of the flywheel's equations."""
        drivers, fleets, invest, dt = self.drivers, self.fleets, self.investment, self.drivers.step
        self._record_stocks(step)
        premiums = invest.chip_premium, invest.site_premium
        fleets.arrive(step)
        cost = fleets.required(step, drivers, self.money.rate, invest)
        capacity = Capacity(fleets.capacity, cost.required, cost.paid, cost.running)
        shares = stack([self.account.token_share[step], self.account.investor_share[step]])
        at = situation(step, drivers, self.market, self.state, shares)
        cleared = clear(step, drivers, self.market, self.state, at, capacity)
        realised = np.exp(cleared.prices.log_price) * at.conditions.realisation
        spend = realised * at.conditions.paid_share * cleared.served
        user_spend = as_array(ordered_sum(spend))
        advance(step, drivers, self.market, self.state, cleared, user_spend * self.account.token_share[step])
        use = cleared.sold_hours / np.maximum(capacity.accelerators * HOURS_PER_YEAR, TINY)
        flows = flows_of(step, drivers, self.account, cleared, user_spend, fleets.chips, fleets.sites, use)
        self._record_market(step, at, cleared, spend, realised, cost)
        self._record_fleets(step, cost, cleared, use, premiums)
        wanted = invest.observe(step, drivers, self.market, self.state, at, cost)
        bound, sites = self._invest(step, wanted, cost, cleared, use)
        chips = fleets.chips.close()
        other = np.broadcast_to(self.account.other_capex[step] * dt, use.shape)
        books = fleets.close(step, drivers, chips, sites, other)
        leased = self.money.lease(step, books.paid[2])
        investors = drivers.investors[step] * self.account.investor_share[step] * dt + np.zeros_like(leased)
        settled = self.money.settle(step, flows, books, leased, investors)
        self._record_investment(step, chips, sites, bound, wanted)
        self._record_money(step, flows, books, settled, other)

    @property
    def traceable(self) -> bool:
        """Whether the steps can be compiled; not with a change of useful life, which needs the fleet's past."""
        return not self.fleets.terms.life_changes

    def take_compiled(self) -> None:
        """Take every step in compiled code; this fills the recorder and leaves the rest of the state as it is."""
        from costmodel.flywheel.compiled import steps_taken

        draws = self.drawn or 1
        scalar = self if draws == 1 else Run.start(first_draw(self.scenario))
        self.record.fill(steps_taken(self, scalar, draws, asked_outputs()))

    def _invest(
        self, step: int, wanted: Wanted, cost: Cost, cleared: Cleared, use: FloatArray
    ) -> tuple[FloatArray, FleetStep]:
        """Order sites, then accelerators, and retire what does not pay; return the limits that bind, and the sites."""
        drivers, fleets, invest, dt = self.drivers, self.fleets, self.investment, self.drivers.step
        stopped = self.money.in_default
        earned = cleared.rent * HOURS_PER_YEAR * fleets.terms.availability * use
        usual = fleets.remember(earned, dt)
        room = invest.room(step, drivers, fleets.chips, fleets.sites, fleets.freed)
        premium = invest.site_premium
        power = invest.order_sites(step, drivers, wanted, cost, fleets.chips, fleets.sites, stopped)
        fleets.build_sites(power * dt, step, drivers, premium)
        fleets.revalue_sites(step, drivers, cost, usual, use)
        sites = fleets.sites.close()
        paid = (sites.paid[0] + fleets.opening_payment(step, dt)) / dt
        premium = invest.chip_premium
        units, bound = invest.order_chips(step, drivers, wanted, cost, fleets.chips, room, paid, stopped)
        fleets.buy_chips(units * dt, step, drivers, premium)
        fleets.leave(step, drivers, cost, earned, use, invest.room_horizon)
        fleets.revalue(step, drivers, cost, usual, use)
        return bound, sites

    def result(self, scenario: FlywheelScenario) -> Trajectory:
        """Return the recorded outputs as a result of ``scenario``."""
        gain = loop_gain(self.scenario)
        self.record.put(None, loop_gain=gain, runaway=gain >= 1.0, lag_raised=self.investment.lag_raised)
        outputs = self.record.outputs(self.drawn is None)
        return Trajectory(scenario=scenario, **outputs)

    def close(self, bound: int) -> None:
        """Record the stocks at the last bound."""
        self._record_stocks(bound)

    # -- records ---------------------------------------------------------------------------------------------------

    def _record_stocks(self, bound: int) -> None:
        fleets, money = self.fleets, self.money
        self.record.put(
            bound,
            cumulative_tokens=self.state.cumulative,
            cash=money.cash,
            debt=money.debt.owed,
            lease_debt=money.leases.owed,
            tax_losses=money.losses,
            book_in_service=fleets.book.swapaxes(0, 1),
            construction_by_class=fleets.construction.swapaxes(0, 1),
        )

    def _record_market(
        self, step: int, at: Situation, cleared: Cleared, spend: FloatArray, realised: FloatArray, cost: Cost
    ) -> None:
        dt, work, outcome = self.drivers.step, self.drivers.workloads, cleared.outcome
        noticed = cleared.prices.log_noticed - work.log_reference
        self.record.put(
            step,
            tokens_demanded=outcome.demanded * dt,
            tokens_served=cleared.served * dt,
            price=np.exp(cleared.prices.log_price),
            noticed_price=np.exp(cleared.prices.log_noticed),
            realised_price=realised,
            unit_cost=at.conditions.hours * as_array(ordered_sum(self.investment.share[step] * cost.required)),
            compute_per_token=at.compute,
            model_index=self.drivers.model_index[step],
            adoption=work.adoption[step] * self.drivers.demand_factor[step],
            intensity=work.intensity[step],
            price_response=np.exp(work.elasticity * noticed),
            capability_response=at.capability_response,
            ceiling_factor=np.where(
                outcome.unbounded > 0.0, outcome.demanded / np.maximum(outcome.unbounded, TINY), 1.0
            ),
            paid_share=work.paid_share[step],
            price_realisation=work.realisation[step],
            user_spend_by_workload=spend * dt,
            accelerators_by_workload=cleared.token_hours / HOURS_PER_YEAR,
            software_efficiency=at.efficiency,
            capability=at.capability,
            rental_price=cleared.rent,
            fill=_over(ordered_sum(cleared.served), ordered_sum(outcome.demanded)),
            rationing=cleared.rationing,
            training_compute=as_array(ordered_sum(cleared.training_hours)) / HOURS_PER_YEAR,
            training_budget=as_array(ordered_sum(at.budget * cleared.rationing)) * dt,
            final_runs=as_array(ordered_sum(cleared.training_hours)) / HOURS_PER_YEAR * self.final_share[step],
            internal=cleared.internal_hours / HOURS_PER_YEAR,
        )

    def _record_fleets(
        self, step: int, cost: Cost, cleared: Cleared, use: FloatArray, premiums: tuple[FloatArray, FloatArray]
    ) -> None:
        fleets, terms = self.fleets, self.fleets.terms
        stock, supply = fleets.chips.middle, self.investment.supply
        self.record.put(
            step,
            required_rent_by_operator=cost.required,
            paid_rent_by_operator=cost.paid,
            running_cost_by_operator=cost.running,
            equipment_share_by_operator=cost.chip_share,
            cost_of_capital=cost.rate,
            q=_over(cleared.rent * use, cost.required * terms.target_use),
            use_by_operator=use,
            units_by_operator=stock[0],
            capacity_by_operator=fleets.capacity,
            power_by_operator=stock[fleets.chips.index["watts"]],
            site_power_by_operator=fleets.sites.middle[0],
            chip_premium=np.expm1(premiums[0]),
            site_premium=np.expm1(premiums[1]),
            supplier_capability=np.full_like(cleared.rent, np.nan) if supply is None else supply,
        )

    def _record_investment(
        self, step: int, chips: FleetStep, sites: FleetStep, bound: FloatArray, wanted: Wanted
    ) -> None:
        self.shipped = self.shipped + chips.shipped[0]
        self.record.put(
            step,
            required_compute=wanted.accelerators,
            trend=self.investment.trend,
            bought_by_operator=chips.ordered[0],
            shipped_by_operator=self.shipped,
            arrived_by_operator=chips.arrived[0],
            retired_by_operator=chips.retired[0],
            failed_by_operator=chips.failed[0],
            left_by_operator=chips.left[0],
            on_order_by_operator=chips.on_order[0],
            sites_ordered_by_operator=sites.ordered[0],
            sites_energised_by_operator=sites.arrived[0],
            bound_held=bound,
        )

    def _record_money(self, step: int, flows: Flows, books: Books, settled: Settled, other: FloatArray) -> None:
        money = {name: getattr(flows, name) for name in FLOW_NAMES}
        money |= {name: getattr(settled, name) for name in SETTLED_NAMES}
        by_class = {
            "bought_by_class": books.paid,
            "additions_by_class": books.placed,
            "depreciation_by_class": books.depreciation,
            "write_offs_by_class": books.written_off + books.impaired,
            "impairments_by_class": books.impaired,
            "uncovered_by_class": self.fleets.uncovered,
        }
        money |= {name: value.swapaxes(0, 1) for name, value in by_class.items()}
        self.record.put(step, other_capex=other, **money)


FLOW_NAMES = tuple(Flows.__dataclass_fields__)
SETTLED_NAMES = tuple(Settled.__dataclass_fields__)


def _over(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide; 1 where the divisor is 0, since then no demand is unmet."""
    return np.where(as_array(whole) > 0.0, part / np.maximum(whole, TINY), 1.0)


def _final_runs(scenario: FlywheelScenario, drivers: Drivers) -> FloatArray:
    """Return the share of the training budget that dated final runs take, ``(step, draw)``, at most 1."""
    begin = drivers.grid.bounds[:-1, None] - drivers.grid.begin
    total = np.zeros((drivers.grid.steps, 1))
    for run in scenario.training.final_runs:
        start = since(drivers.grid, run.start)
        end = start + draws(run.duration)
        overlap = np.maximum(np.minimum(begin + drivers.step, end) - np.maximum(begin, start), 0.0)
        total = total + draws(run.share) * overlap / drivers.step
    return np.minimum(total, 1.0)


def _shipped(scenario: FlywheelScenario) -> FloatArray:
    """Return accelerators shipped up to the start, ``(operator, draw)``."""
    openings = [item.opening for item in scenario.operators.values()]
    return stack([draws(o.units + o.on_order if o.shipped is None else o.shipped) for o in openings])
