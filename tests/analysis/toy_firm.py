"""Small model for the tests of analysis, in the form of a registered one: a firm over eight quarters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from costmodel.foundation.inputs import Date, Inputs, Parameter, parameter
from costmodel.foundation.results import Result, derived, output, ratio
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid

PRODUCTS = ("chat", "agents")


class Demand(Inputs):
    volume: Parameter = parameter("FLOP/hour", gt=0, description="Volume.")
    elasticity: Parameter = parameter("1", le=0, default=-1.2, description="Price elasticity, signed.")


class Firm(Scenario):
    model: Literal["toy_firm"] = "toy_firm"
    start: Date = dt.date(2029, 1, 1)
    steps: int = 8
    double: bool = False
    price: Parameter = parameter("USD/FLOP", gt=0, description="Price.")
    cost: Parameter = parameter("USD/FLOP", ge=0, default=1.0, description="Unit cost.", trajectory=True)
    share: Parameter = parameter("1", ge=0, le=1, default=1.0, description="Paid share.")
    cap: Parameter = parameter("FLOP", gt=0, optional=True, description="Most that can be sold.")
    demand: Demand

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(self.start, self.steps, "quarter")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmResult(Result):
    revenue: Any = output("USD", kind="flow", dims=("step",), label="revenue")
    margin: Any = output("1", kind="rate", dims=("step",), label="margin")
    book: Any = output("USD", kind="stock", dims=("bound",), label="accumulated profit")
    by_product: Any = output("USD", dims=("year", "product"), label="revenue by product")
    npv: Any = output("USD", label="profit in all")

    def coords(self):
        return {"year": self.scenario.grid.years, "product": PRODUCTS}

    @derived("USD", kind="flow", dims=("step",), label="profit")
    def profit(self):
        """Profit per step."""
        return self.book[1:] - self.book[:-1]

    @derived("1", kind=ratio(of="profit", over="revenue"), dims=("step",), label="profit over revenue")
    def return_on_sales(self):
        """Profit over revenue."""
        return self.profit / self.revenue

    @property
    def not_declared(self):
        return self.profit


def firm(scenario: Firm) -> FirmResult:
    volume = scenario.demand.volume * np.power(scenario.price, scenario.demand.elasticity)
    if scenario.cap is not None:
        volume = np.minimum(volume, scenario.cap)
    revenue, book = [], [0.0 * volume]
    for k in range(scenario.steps):
        income = scenario.price * scenario.share * volume * (2.0 if scenario.double else 1.0)
        revenue.append(income)
        book.append(book[-1] + income - scenario.cost[k] * volume)
    *revenue, _ = np.broadcast_arrays(*revenue, book[-1])
    revenue = np.stack(np.broadcast_arrays(*revenue))
    book = np.stack(np.broadcast_arrays(0.0 * book[-1], *book[1:]))
    years = revenue.reshape(2, 4, *revenue.shape[1:]).sum(axis=1)
    return FirmResult(
        scenario=scenario,
        revenue=revenue,
        margin=(book[1:] - book[:-1]) / revenue,
        book=book,
        by_product=np.stack([0.25 * years, 0.75 * years], axis=1),
        npv=book[-1],
    )


def written(**changes: Any) -> Firm:
    form: dict[str, Any] = {
        "name": "firm",
        "price": {"dist": "uniform", "low": 1.0, "high": 3.0},
        "cost": 1.0,
        "demand": {"volume": {"dist": "lognormal", "p5": 50.0, "p95": 200.0}},
    }
    return Firm(**{**form, **changes})
