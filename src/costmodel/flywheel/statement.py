"""Statement, cash and books of every operator in a run, and the totals of all operators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.results import Result, derived, output, ratio

_S, _O = ("step",), ("step", "operator")
_A, _B = ("step", "operator", "asset"), ("bound", "operator")
BLANK = "where the whole is 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Result):
    """Statements of the operators; flows per step, stocks at step bounds."""

    token_revenue: FloatArray = output("USD", kind="flow", dims=_O, label="token revenue")
    net_rents: FloatArray = output(
        "USD", kind="flow", dims=_O, label="rents of capacity sold less rents of capacity used"
    )
    contract_gain: FloatArray = output("USD", kind="flow", dims=_O, label="gain of contracts over the current rent")
    hosting_gain: FloatArray = output(
        "USD", kind="flow", dims=_O, label="gain over their rent of idle hours sold as tokens"
    )
    resale_fees: FloatArray = output("USD", kind="flow", dims=_O, label="fees on idle hours sold")
    internal_value: FloatArray = output("USD", kind="flow", dims=_O, label="value of internal work")
    other_revenue: FloatArray = output("USD", kind="flow", dims=_O, label="other revenue")
    energy_used: FloatArray = output("Wh", kind="flow", dims=_O, label="energy used")
    energy: FloatArray = output("USD", kind="flow", dims=_O, label="energy")
    site_operation: FloatArray = output("USD", kind="flow", dims=_O, label="operation of sites")
    maintenance: FloatArray = output("USD", kind="flow", dims=_O, label="upkeep")
    staff: FloatArray = output("USD", kind="flow", dims=_O, label="staff outside research")
    research: FloatArray = output("USD", kind="flow", dims=_O, label="research staff and data")
    go_to_market: FloatArray = output("USD", kind="flow", dims=_O, label="go-to-market")
    overhead: FloatArray = output("USD", kind="flow", dims=_O, label="overhead")
    other_cost: FloatArray = output("USD", kind="flow", dims=_O, label="other cost")
    interest: FloatArray = output("USD", kind="flow", dims=_O, label="interest")
    cash_income: FloatArray = output("USD", kind="flow", dims=_O, label="interest earned on cash")
    tax: FloatArray = output("USD", kind="flow", dims=_O, label="tax")
    leased: FloatArray = output("USD", kind="flow", dims=_O, label="capital financed by lease")
    repaid: FloatArray = output("USD", kind="flow", dims=_O, label="debt repaid")
    lease_repaid: FloatArray = output("USD", kind="flow", dims=_O, label="principal repaid on finance leases")
    borrowed: FloatArray = output("USD", kind="flow", dims=_O, label="new debt")
    investors_money: FloatArray = output("USD", kind="flow", dims=_O, label="investors' money put into training")
    owners_money: FloatArray = output("USD", kind="flow", dims=_O, label="owners' money put in")
    rescue: FloatArray = output(
        "USD", kind="flow", dims=_O, label="creditors' money put in after cash and credit are exhausted"
    )
    paid_out: FloatArray = output("USD", kind="flow", dims=_O, label="paid out to owners")
    other_capex: FloatArray = output("USD", kind="flow", dims=_O, label="capex that is not for AI")
    bought_by_class: FloatArray = output(
        "USD", kind="flow", dims=_A, label="capital bought in the step, leased or paid"
    )
    additions_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="capital that entered service")
    depreciation_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="depreciation")
    write_offs_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="impairment and write-offs")
    impairments_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="impairment, part of the write-offs")
    uncovered_by_class: FloatArray = output(
        "USD", kind="flow", dims=_A, label="book value that value in use does not cover, at the yearly test"
    )
    cash: FloatArray = output("USD", kind="stock", dims=_B, label="cash")
    debt: FloatArray = output("USD", kind="stock", dims=_B, label="debt")
    lease_debt: FloatArray = output("USD", kind="stock", dims=_B, label="owed on finance leases")
    tax_losses: FloatArray = output("USD", kind="stock", dims=_B, label="tax losses carried forward")
    book_in_service: FloatArray = output("USD", kind="stock", dims=(*_B, "asset"), label="book value in service")
    construction_by_class: FloatArray = output(
        "USD", kind="stock", dims=(*_B, "asset"), label="construction in progress"
    )

    @derived("USD", kind="flow", dims=_O, label="revenue")
    def revenue_by_operator(self) -> FloatArray:
        """Revenue from everything sold."""
        return np.asarray(
            ordered_sum(
                [
                    self.token_revenue,
                    self.net_rents,
                    self.contract_gain,
                    self.hosting_gain,
                    self.internal_value,
                    self.other_revenue,
                ]
            )
        )

    @derived("USD", kind="flow", dims=_S, label="revenue, all operators")
    def revenue(self) -> FloatArray:
        """Revenue of all operators; rents between them cancel."""
        return total(self.revenue_by_operator)

    @derived("USD", kind="flow", dims=_O, label="capex")
    def capex_by_operator(self) -> FloatArray:
        """Cash paid for capital, for AI and other, without leases."""
        return np.asarray(total_last(self.bought_by_class) - self.leased)

    @derived("USD", kind="flow", dims=_S, label="capex, all operators")
    def capex(self) -> FloatArray:
        """Cash paid for capital."""
        return total(self.capex_by_operator)

    @derived("USD", kind="flow", dims=("step", "asset"), label="capital bought, all operators")
    def capex_by_class(self) -> FloatArray:
        """Capital bought by class, leased or paid."""
        return total(self.bought_by_class)

    @derived("USD", kind="flow", dims=_O, label="depreciation, all classes")
    def depreciation_by_operator(self) -> FloatArray:
        """Depreciation, without write-offs."""
        return total_last(self.depreciation_by_class)

    @derived("USD", kind="flow", dims=_S, label="depreciation, all classes and operators")
    def depreciation(self) -> FloatArray:
        """Depreciation, without write-offs."""
        return total(self.depreciation_by_operator)

    @derived("USD", kind="flow", dims=_O, label="impairment and write-offs, all classes")
    def write_offs_by_operator(self) -> FloatArray:
        """Impairment and write-offs."""
        return total_last(self.write_offs_by_class)

    @derived("USD", kind="flow", dims=_S, label="impairment and write-offs, all operators")
    def write_offs(self) -> FloatArray:
        """Impairment and write-offs."""
        return total(self.write_offs_by_operator)

    @derived("USD", kind="flow", dims=_S, label="impairment, all operators")
    def impairments(self) -> FloatArray:
        """Write-offs of book value that value in use no longer covers; others are failures and early retirement."""
        return total(total_last(self.impairments_by_class))

    @derived("USD", kind="flow", dims=_S, label="book value that value in use does not cover, all operators")
    def uncovered(self) -> FloatArray:
        """Shortfall at the yearly test, whether or not it exceeds the impairment threshold."""
        return total(total_last(self.uncovered_by_class))

    @derived("USD", kind="flow", dims=_O, label="cost of capacity")
    def capacity_cost_by_operator(self) -> FloatArray:
        """Depreciation, write-offs, energy and upkeep."""
        return np.asarray(
            ordered_sum(
                [
                    self.depreciation_by_operator,
                    self.write_offs_by_operator,
                    self.energy,
                    self.site_operation,
                    self.maintenance,
                ]
            )
        )

    @derived("USD", kind="flow", dims=_S, label="cost of capacity, all operators")
    def capacity_cost(self) -> FloatArray:
        """Depreciation, write-offs, energy and upkeep."""
        return total(self.capacity_cost_by_operator)

    @derived("USD", kind="flow", dims=_O, label="operator cost")
    def operator_cost_by_operator(self) -> FloatArray:
        """Accounting cost before interest and tax."""
        return np.asarray(
            ordered_sum(
                [
                    self.capacity_cost_by_operator,
                    self.resale_fees,
                    self.staff,
                    self.research,
                    self.go_to_market,
                    self.overhead,
                    self.other_cost,
                ]
            )
        )

    @derived("USD", kind="flow", dims=_S, label="operator cost, all operators")
    def operator_cost(self) -> FloatArray:
        """Accounting cost before interest and tax."""
        return total(self.operator_cost_by_operator)

    @derived("USD", kind="flow", dims=_O, label="operating income")
    def operating_income_by_operator(self) -> FloatArray:
        """Revenue less operator cost."""
        return np.asarray(self.revenue_by_operator - self.operator_cost_by_operator)

    @derived("USD", kind="flow", dims=_S, label="operating income, all operators")
    def operating_income(self) -> FloatArray:
        """Revenue less operator cost."""
        return total(self.operating_income_by_operator)

    @derived("1", kind=ratio(of="operating_income", over="revenue"), dims=_S, label="operating margin", blank=BLANK)
    def operating_margin(self) -> FloatArray:
        """Operating income over revenue."""
        return quotient(self.operating_income, self.revenue)

    @derived("USD", kind="flow", dims=_O, label="net income")
    def net_income_by_operator(self) -> FloatArray:
        """Operating income less interest and tax."""
        return np.asarray(self.operating_income_by_operator - self.interest + self.cash_income - self.tax)

    @derived("USD", kind="flow", dims=_S, label="net income, all operators")
    def net_income(self) -> FloatArray:
        """Operating income less interest and tax."""
        return total(self.net_income_by_operator)

    @derived("USD", kind="flow", dims=_O, label="operating cash flow")
    def operating_cash_flow_by_operator(self) -> FloatArray:
        """Cash from operations after interest and tax."""
        return np.asarray(self.net_income_by_operator + self.depreciation_by_operator + self.write_offs_by_operator)

    @derived("USD", kind="flow", dims=_S, label="operating cash flow, all operators")
    def operating_cash_flow(self) -> FloatArray:
        """Cash from operations after interest and tax."""
        return total(self.operating_cash_flow_by_operator)

    @derived("USD", kind="flow", dims=_S, label="free cash flow, all operators")
    def free_cash_flow(self) -> FloatArray:
        """Operating cash flow less capex."""
        return np.asarray(self.operating_cash_flow - self.capex)

    @derived("USD", kind="flow", dims=_S, label="energy, all operators")
    def energy_cost(self) -> FloatArray:
        """Cost of energy."""
        return total(self.energy)

    @derived("USD", kind="stock", dims=_B, label="book value")
    def book_value_by_operator(self) -> FloatArray:
        """Book value in service and under construction."""
        return np.asarray(total_last(self.book_in_service) + total_last(self.construction_by_class))

    @derived("USD", kind="stock", dims=("bound",), label="book value, all operators")
    def book_value(self) -> FloatArray:
        """Book value in service and under construction."""
        return total(self.book_value_by_operator)

    @derived("USD", kind="stock", dims=("bound",), label="construction in progress, all operators")
    def construction(self) -> FloatArray:
        """Capital paid for but not in service."""
        return total(total_last(self.construction_by_class))


def quotient(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide; NaN where the whole is 0."""
    with quiet():
        return np.where(whole == 0.0, np.nan, part / whole)


def total(rows: FloatArray) -> FloatArray:
    """Add up the axis after the step or bound, in order."""
    return np.asarray(ordered_sum(rows[:, number] for number in range(rows.shape[1])))


def total_last(rows: FloatArray) -> FloatArray:
    """Add up the axis after the operators, in order."""
    return np.asarray(ordered_sum(rows[:, :, number] for number in range(rows.shape[2])))


def weighted(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Return a weighted mean over the axis after the step; the plain mean where every weight is 0."""
    whole = total(weights)[:, None]
    share = np.where(whole > 0.0, weights / np.maximum(whole, 1e-300), 1.0 / rows.shape[1])
    return total(rows * share)
