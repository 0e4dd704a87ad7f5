"""Cash, debt, leases and tax of the operators, settled step by step (item 9).

When its cash and credit are exhausted, an operator defaults: its creditors keep the capacity running and pay the
shortfall (``rescue``). While in default, it orders nothing beyond its plan and commitments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.flywheel.accounts import Books, Flows
from costmodel.flywheel.drivers import Drivers, draws, path, since, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.market_side import TINY
from costmodel.flywheel.operator_inputs import Operator
from costmodel.foundation.arrays import FloatArray, as_array, broadcast, ordered_sum
from costmodel.foundation.errors import DomainError
from costmodel.market.paths import by_step
from costmodel.market.pricing import closing_share
from costmodel.ownership.curve import Curve, Delay
from costmodel.ownership.finance import rate_with_claims
from costmodel.ownership.loans import Loans, interest_of_step
from costmodel.ownership.tax import losses_used


@dataclass(frozen=True, slots=True)
class Settled:
    """Financial flows of a step, ``(operator, draw)`` [USD]."""

    interest: FloatArray
    cash_income: FloatArray
    tax: FloatArray
    leased: FloatArray
    repaid: FloatArray
    lease_repaid: FloatArray
    borrowed: FloatArray
    investors_money: FloatArray
    owners_money: FloatArray
    rescue: FloatArray
    paid_out: FloatArray


@dataclass(slots=True)
class Finances:
    """Cash, debt, leases and tax of the operators: parameters and state, ``(operator, draw)`` [USD]."""

    wacc: FloatArray
    claims_spread: FloatArray
    credit_limit: FloatArray
    own_cash: FloatArray
    """Most that owners' other business can put in, ``(step, operator, draw)`` [USD/year]."""
    interest_rate: FloatArray
    cash_yield: FloatArray
    leased_share: FloatArray
    minimum_cash: FloatArray
    maximum_cash: FloatArray
    tax_rate: FloatArray
    bonus: FloatArray
    """Share of equipment deducted when it enters service, ``(step, operator, draw)`` [1]."""
    tax_life: FloatArray
    loss_limit: FloatArray
    opening_deduction: FloatArray
    """Tax depreciation of equipment in service at the start, as in the books, ``(step, operator, draw)`` [USD]."""
    signed: FloatArray
    """Leases that commence, ``(step, operator, draw)`` [USD/year]."""
    cash: FloatArray
    debt: Loans
    leases: Loans
    losses: FloatArray
    cash_flow: FloatArray
    """Smoothed cash flow before capex, including what owners can put in [USD/year]."""
    in_default: FloatArray
    """1 where cash and credit did not cover the last step's payments, else 0."""
    deductible: Curve
    """Cost of equipment deducted for tax, evenly over its tax life."""
    late: Delay
    step: float

    @property
    def claims(self) -> FloatArray:
        """Outside claims: debt and finance leases [USD]."""
        return as_array(self.debt.owed + self.leases.owed)

    @property
    def rate(self) -> FloatArray:
        """Logarithmic cost of capital [1/year]: WACC plus a spread on claims over cash flow, up to the credit limit."""
        flow = np.maximum(self.cash_flow, TINY)
        claims = np.minimum(self.claims, self.credit_limit * flow)
        return as_array(rate_with_claims(self.wacc, claims, flow, self.claims_spread))

    def lease(self, step: int, site_paid: FloatArray) -> FloatArray:
        """Return the part of sites financed by lease: a share of cost, and leases signed before the start [USD]."""
        paid = np.maximum(site_paid, 0.0)  # what is paid over the build may end a rounding below 0
        return as_array(np.minimum(self.leased_share * paid + self.signed[step] * self.step, paid))

    def settle(self, step: int, flows: Flows, books: Books, leased: FloatArray, investors: FloatArray) -> Settled:
        """Compute the step's tax and settle its payments.

        Parameters
        ----------
        leased
            Part of the capital bought that is financed by lease [USD].
        investors
            Investors' money for training [USD].

        Notes
        -----
        Payments come from cash flow first, then from cash above its floor, then from owners up to their own cash, then
        from lenders up to the credit limit; any shortfall after that is a default. Cash above its ceiling repays debt
        early, then goes to owners.
        """
        dt = self.step
        interest = interest_of_step(self.claims, self.interest_rate, dt)
        income = interest_of_step(np.maximum(self.cash, 0.0), self.cash_yield, dt)
        tax = self._tax(step, flows, books, as_array(interest - income))
        operating = flows.revenue - flows.cash_cost - interest + income - tax
        due, lease_due = self.debt.due, self.leases.due
        after = self.cash + operating + investors - (ordered_sum(books.paid) - leased) - due - lease_due
        short = np.maximum(self.minimum_cash - after, 0.0)
        owners = np.minimum(short, self.own_cash[step] * dt)
        limit = self.credit_limit * np.maximum(self.cash_flow, 0.0)
        borrowed = np.minimum(short - owners, np.maximum(limit - self.claims + due + lease_due, 0.0))
        rescue = short - owners - borrowed
        spare = np.maximum(after - self.maximum_cash, 0.0)
        early = np.minimum(spare, self.debt.owed - due)
        self.in_default = as_array((rescue > 0.0) * 1.0)
        self.cash = as_array(after + owners + borrowed + rescue - spare)
        self.debt.advance(borrowed, early)
        self.leases.advance(leased)
        yearly = (operating + interest) / dt + self.own_cash[step]
        self.cash_flow = self.cash_flow + closing_share(1.0, dt) * (yearly - self.cash_flow)
        return Settled(
            as_array(interest),
            as_array(income),
            tax,
            leased,
            due + early,
            lease_due,
            borrowed,
            investors,
            owners,
            rescue,
            spare - early,
        )

    def _tax(self, step: int, flows: Flows, books: Books, net_interest: FloatArray) -> FloatArray:
        """Return tax on income after bonus depreciation; losses carry forward without expiry [USD]."""
        equipment = books.placed[0] + books.placed[1]
        bonus = self.bonus[step] * equipment
        spread = self._deducted(equipment - bonus)
        deduction = bonus + spread + books.depreciation[2] + self.opening_deduction[step]
        profit = flows.revenue - flows.cash_cost - net_interest - deduction
        used = losses_used(profit, self.losses, self.loss_limit)
        self.losses = self.losses - used + np.maximum(-profit, 0.0)
        return as_array(self.tax_rate * np.maximum(profit - used, 0.0))

    def _deducted(self, placed: FloatArray) -> FloatArray:
        """Return the step's tax deduction of equipment in service, evenly over its tax life [USD]."""
        k, curve = self.deductible.now, self.deductible
        curve.add(np.broadcast_to(placed, self.cash.shape).reshape(1, -1))
        mean = 0.5 * (curve.total[k] + curve.total[k + 1]) - curve.mean(k, self.late)
        return as_array(mean.reshape(self.cash.shape) * self.step / self.tax_life)


def _even(step: int, dt: float, years: FloatArray) -> FloatArray:
    """Return the share of an amount that falls due in a step if it falls due evenly over ``years`` from the start."""
    first, last = (np.minimum(bound * dt / years, 1.0) for bound in (step, step + 1))
    return as_array(last - first)


def _run_off(operators: list[Operator], steps: int, dt: float) -> FloatArray:
    """Return depreciation by step of equipment in service at the start, ``(step, operator, draw)`` [USD]."""
    times = (np.arange(steps + 1) * dt)[:, None]
    rows = []
    for item in operators:
        classes = (item.opening.accelerators, item.opening.network)
        left = [np.power(1.0 - np.minimum(times / draws(c.life), 1.0), draws(c.run_off)) for c in classes]
        rows.append(ordered_sum(draws(c.book) * (a[:-1] - a[1:]) for c, a in zip(classes, left, strict=True)))
    return by_step([as_array(row) for row in rows])


def finances(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> Finances:
    """Return the opening finances."""
    operators, steps, dt = list(scenario.operators.values()), drivers.grid.steps, drivers.step
    shape = (len(operators), batch)
    width = len(operators) * batch

    def of(name: str, absent: float | None = None) -> FloatArray:
        values = [getattr(item.financing, name) for item in operators]
        return stack([draws(absent if value is None else value) for value in values])

    def opened(name: str) -> FloatArray:
        return broadcast(stack([draws(getattr(item.opening, name)) for item in operators]), shape)

    def dated(name: str) -> FloatArray:
        return by_step([path(getattr(item.financing, name)) for item in operators])

    over = stack([draws(item.opening.leases_commence) for item in operators])
    held = np.stack([_even(step, dt, over) for step in range(steps)]) / dt
    own = dated("own_cash")
    flow = own[0] + by_step([path(o.other_revenue) - path(o.other_cost) for o in operators])[0]
    tax_life = np.broadcast_to(of("tax_life"), shape)
    loans: dict[str, Any] = {"step": dt, "steps": steps, "batch": shape}
    return Finances(
        wacc=of("wacc"),
        claims_spread=of("claims_spread"),
        credit_limit=of("credit_limit"),
        own_cash=own,
        interest_rate=of("interest_rate"),
        cash_yield=of("cash_yield"),
        leased_share=of("leased_share"),
        minimum_cash=of("minimum_cash"),
        maximum_cash=of("maximum_cash", np.inf),
        tax_rate=of("tax_rate"),
        bonus=dated("bonus_depreciation"),
        tax_life=tax_life,
        loss_limit=of("loss_limit"),
        opening_deduction=_run_off(operators, steps, dt),
        signed=held * opened("leases_signed"),
        cash=opened("cash"),
        debt=Loans(
            **loans,
            term=of("debt_term"),
            opening=opened("debt"),
            maturities=_maturities(operators, drivers, opened("debt"), opened("debt_life")),
        ),
        leases=Loans(**loans, term=of("lease_term"), opening=opened("lease_debt"), opening_life=of("lease_term")),
        losses=opened("tax_losses"),
        cash_flow=np.broadcast_to(np.maximum(flow, 0.0), shape),
        in_default=np.zeros(shape),
        deductible=Curve(1, steps, width),
        late=Delay(tax_life.reshape(width), dt, width),
        step=dt,
    )


def _maturities(operators: list[Operator], drivers: Drivers, owed: FloatArray, life: FloatArray) -> FloatArray:
    """Return repayments of the opening debt: on their dates, the rest evenly, ``(step, operator, draw)`` [USD]."""
    steps, bounds = drivers.grid.steps, drivers.grid.bounds - drivers.grid.begin
    dated = np.zeros((steps, *owed.shape))
    whole = np.zeros_like(owed)
    for number, operator in enumerate(operators):
        for item in operator.opening.maturities:
            when = since(drivers.grid, item.date)
            if when < 0.0:
                raise DomainError(f"opening.maturities: {item.date} is before the start of the run; leave it out")
            held = ((bounds[:-1] <= when) & (when < bounds[1:]))[:, None]
            dated[:, number] += held * draws(item.amount)
            whole[number] += draws(item.amount)
    if bool((whole > owed * (1.0 + 1e-9)).any()):
        raise DomainError("opening.maturities add up to more than opening.debt; lower them or raise the debt")
    evenly = np.stack([_even(step, drivers.step, life) for step in range(steps)])
    return as_array(dated + np.maximum(owed - whole, 0.0) * evenly)
