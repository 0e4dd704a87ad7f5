"""The flywheel's result: every series with its axes, unit and label, and the totals derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from costmodel.flywheel.drivers import ASSETS
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Bound
from costmodel.flywheel.statement import BLANK, Statement, quotient, total, weighted
from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.results import derived, output, ratio
from costmodel.foundation.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from costmodel.flywheel.decomposition import Decomposition
    from costmodel.flywheel.pockets import Payment

_BOUNDS = tuple(bound.name.lower() for bound in Bound)
_S, _W, _O = ("step",), ("step", "workload"), ("step", "operator")
_A, _B = ("step", "operator", "asset"), ("bound", "operator")
_UNIT_BASIS = "required rent of new capacity at list prices, per hour used; all tokens served; idle hours in"
_USED = "per hour used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(Statement):
    """A run of the flywheel. Flows are per step, rates per year, stocks at step bounds or at mid-step as stated."""

    ENSEMBLE_OUTPUTS: ClassVar[tuple[str, ...]] = (
        "fixed_weight_unit_cost@*", "average_price@*", "tokens@*", "accelerators_in_service@*", "facility_power@*",
        "rental_price@*", "tobin_q@*", "capex@*", "depreciation@*", "training_cost@*", "inference_cost@*",
        "training_share_of_compute@*", "user_spend@*", "operator_cost@*", "operating_margin@*", "loop_gain", "runaway",
    )  # fmt: skip
    """Outputs that an ensemble summarizes by default."""
    STORES_ASKED: ClassVar[bool] = True
    """A run in an ensemble stores only the outputs that are read; the rest is NaN."""

    scenario: FlywheelScenario

    tokens_demanded: FloatArray = output(
        "token", kind="flow", dims=_W, label="tokens wanted at the price that users have noticed"
    )
    tokens_served: FloatArray = output("token", kind="flow", dims=_W, label="tokens served in the step")
    price: FloatArray = output("USD/token", kind="rate", dims=_W, label="list price at mid-step")
    noticed_price: FloatArray = output("USD/token", kind="rate", dims=_W, label="price that users have noticed")
    realised_price: FloatArray = output("USD/token", kind="rate", dims=_W, label="realised price of a paid token")
    unit_cost: FloatArray = output(
        "USD/token", kind="rate", dims=_W, label="unit cost of new capacity", basis=_UNIT_BASIS
    )
    compute_per_token: FloatArray = output("FLOP/token", kind="rate", dims=_W, label="compute per token")
    model_index: FloatArray = output("1", kind="rate", dims=_W, label="compute of the served model over the start")
    adoption: FloatArray = output("1", kind="rate", dims=_W, label="adoption index, rolled out")
    intensity: FloatArray = output("1", kind="rate", dims=_W, label="intensity index")
    price_response: FloatArray = output("1", kind="rate", dims=_W, label="response to the noticed price")
    capability_response: FloatArray = output("1", kind="rate", dims=_W, label="response to capability")
    ceiling_factor: FloatArray = output(
        "1", kind="rate", dims=_W, label="share of demand that the budget ceiling leaves"
    )
    paid_share: FloatArray = output("1", kind="rate", dims=_W, label="share of tokens paid")
    price_realisation: FloatArray = output("1", kind="rate", dims=_W, label="realised price over list price")
    user_spend_by_workload: FloatArray = output("USD", kind="flow", dims=_W, label="user spend in the step")
    accelerators_by_workload: FloatArray = output(
        "1", kind="rate", dims=_W, label="accelerators kept busy by served tokens"
    )
    software_efficiency: FloatArray = output(
        "1", kind="rate", dims=_S, label="software efficiency relative to the start"
    )
    capability: FloatArray = output(
        "1", kind="rate", dims=_S, label="effective training compute in use relative to the start"
    )
    rental_price: FloatArray = output(
        "USD/hour", kind="rate", dims=_S, label="rent that clears the market", basis=_USED
    )
    fill: FloatArray = output("1", kind="rate", dims=_S, label="tokens served over tokens wanted")
    rationing: FloatArray = output(
        "1", kind="rate", dims=_S, label="share of demand at the rent that capacity can serve"
    )
    training_compute: FloatArray = output(
        "1", kind="rate", dims=_S, label="accelerators kept busy by training and research"
    )
    training_budget: FloatArray = output("USD", kind="flow", dims=_S, label="spent on training compute")
    final_runs: FloatArray = output("1", kind="rate", dims=_S, label="accelerators of final runs, within training")
    internal: FloatArray = output("1", kind="rate", dims=_S, label="accelerators on internal work")
    required_compute: FloatArray = output(
        "1", kind="rate", dims=_S, label="accelerators in use that would be wanted at the required rent"
    )
    trend: FloatArray = output("1/year", kind="rate", dims=_S, label="smoothed log growth of wanted accelerators")
    chip_premium: FloatArray = output("1", kind="rate", dims=_S, label="premium on the list price of accelerators")
    site_premium: FloatArray = output("1", kind="rate", dims=_S, label="premium on the list price of sites")
    supplier_capability: FloatArray = output(
        "1/year",
        kind="rate",
        dims=_S,
        label="accelerators a year that suppliers can deliver",
        blank="without suppliers",
    )
    required_rent_by_operator: FloatArray = output(
        "USD/hour", kind="rate", dims=_O, label="required rent at list prices", basis=_USED
    )
    paid_rent_by_operator: FloatArray = output(
        "USD/hour", kind="rate", dims=_O, label="required rent with current premiums", basis=_USED
    )
    running_cost_by_operator: FloatArray = output(
        "USD/hour", kind="rate", dims=_O, label="running cost of new capacity", basis=_USED
    )
    equipment_share_by_operator: FloatArray = output(
        "1", kind="rate", dims=_O, label="share of required rent that is capital of equipment"
    )
    cost_of_capital: FloatArray = output("1/year", kind="rate", dims=_O, label="logarithmic cost of capital")
    q: FloatArray = output(
        "1", kind="rate", dims=_O, label="earnings of capacity over required earnings of new capacity"
    )
    use_by_operator: FloatArray = output("1", kind="rate", dims=_O, label="use of capacity")
    units_by_operator: FloatArray = output("1", kind="rate", dims=_O, label="accelerators in service at mid-step")
    capacity_by_operator: FloatArray = output(
        "1", kind="rate", dims=_O, label="accelerators in working order and powered"
    )
    power_by_operator: FloatArray = output(
        "W", kind="rate", dims=_O, label="facility power of accelerators in service at mid-step"
    )
    site_power_by_operator: FloatArray = output(
        "W", kind="rate", dims=_O, label="power of sites in service at mid-step"
    )
    bought_by_operator: FloatArray = output(
        "1", kind="flow", dims=_O, label="accelerators ordered and paid in the step"
    )
    shipped_by_operator: FloatArray = output(
        "1", kind="stock", dims=_O, label="accelerators shipped up to the end of the step"
    )
    arrived_by_operator: FloatArray = output("1", kind="flow", dims=_O, label="accelerators that entered service")
    retired_by_operator: FloatArray = output("1", kind="flow", dims=_O, label="accelerators retired at physical life")
    failed_by_operator: FloatArray = output("1", kind="flow", dims=_O, label="accelerators failed for good")
    left_by_operator: FloatArray = output("1", kind="flow", dims=_O, label="accelerators retired early")
    on_order_by_operator: FloatArray = output(
        "1", kind="stock", dims=_O, label="accelerators paid for but not in service at the end of the step"
    )
    sites_ordered_by_operator: FloatArray = output("W", kind="flow", dims=_O, label="site power ordered")
    sites_energised_by_operator: FloatArray = output("W", kind="flow", dims=_O, label="site power energised")
    bound_held: FloatArray = output("1", kind="code", dims=_O, label="limit that binds orders", words=_BOUNDS)
    cumulative_tokens: FloatArray = output("token", kind="stock", dims=("bound",), label="cumulative tokens")
    loop_gain: FloatArray = output("1", label="gain of the closed-form loop")
    runaway: NDArray[np.bool_] = output("1", label="whether the loop gain is 1 or more")
    lag_raised: NDArray[np.bool_] = output("1", label="whether a lag shorter than a step was lengthened")

    def coords(self) -> Mapping[str, Any]:
        """Return the names of workloads, operators and classes."""
        scenario = self.scenario
        return {"workload": list(scenario.market), "operator": list(scenario.operators), "asset": list(ASSETS)}

    def payments(self) -> tuple[Payment, ...]:
        """Return all payments between parties: :func:`costmodel.flywheel.pockets.payments`."""
        from costmodel.flywheel.pockets import payments

        return payments(self)

    def balances(self) -> dict[str, FloatArray]:
        """Return each party's balance: :func:`costmodel.flywheel.pockets.balances`."""
        from costmodel.flywheel.pockets import balances

        return balances(self)

    def decompose_user_spend(self, **over: float) -> Decomposition:
        """Decompose the growth of user spend: :func:`costmodel.flywheel.decomposition.user_spend_parts`."""
        from costmodel.flywheel.decomposition import user_spend_parts

        return user_spend_parts(self, **over)

    def decompose_compute(self, **over: float) -> Decomposition:
        """Decompose the growth of compute: :func:`costmodel.flywheel.decomposition.compute_parts`."""
        from costmodel.flywheel.decomposition import compute_parts

        return compute_parts(self, **over)

    @derived("USD", kind="flow", dims=_S, label="user spend")
    def user_spend(self) -> FloatArray:
        """Price times paid tokens, all workloads."""
        return total(self.user_spend_by_workload)

    @derived("token", kind="flow", dims=_S, label="tokens served")
    def tokens(self) -> FloatArray:
        """Tokens served, all workloads."""
        return total(self.tokens_served)

    @derived("1", kind="rate", dims=_S, label="accelerators in service at mid-step")
    def accelerators_in_service(self) -> FloatArray:
        """Accelerators in service, all operators."""
        return total(self.units_by_operator)

    @derived("1", kind="flow", dims=_S, label="accelerators ordered and paid")
    def accelerators_bought(self) -> FloatArray:
        """Accelerators bought, all operators."""
        return total(self.bought_by_operator)

    @derived("1", kind="stock", dims=_S, label="accelerators shipped up to the end of the step")
    def accelerators_shipped(self) -> FloatArray:
        """Accelerators shipped, all operators."""
        return total(self.shipped_by_operator)

    @derived("W", kind="rate", dims=_S, label="facility power in service at mid-step")
    def facility_power(self) -> FloatArray:
        """Facility power of accelerators, all operators."""
        return total(self.power_by_operator)

    @derived("W", kind="rate", dims=_S, label="power of sites at mid-step")
    def site_power(self) -> FloatArray:
        """Power of sites in service, all operators."""
        return total(self.site_power_by_operator)

    @derived("1", kind="rate", dims=_S, label="accelerators in working order and powered")
    def usable_capacity(self) -> FloatArray:
        """Accelerators in working order and powered, all operators."""
        return total(self.capacity_by_operator)

    @derived("USD/hour", kind="rate", dims=_S, label="required rent at list prices, operators weighted by capacity")
    def required_rent(self) -> FloatArray:
        """Required rent of new capacity per hour used."""
        return weighted(self.required_rent_by_operator, self.capacity_by_operator)

    @derived("1", kind="rate", dims=_S, label="use of capacity")
    def utilisation(self) -> FloatArray:
        """Hours used over hours of capacity, all operators."""
        return weighted(self.use_by_operator, self.capacity_by_operator)

    @derived("1", kind="rate", dims=_S, label="q, operators weighted by capacity")
    def tobin_q(self) -> FloatArray:
        """Earnings of capacity over the required earnings of new capacity."""
        return weighted(self.q, self.capacity_by_operator)

    @derived("1", kind="rate", dims=_S, label="accelerators in working order and powered that are idle")
    def idle(self) -> FloatArray:
        """Usable capacity less capacity in use."""
        return np.asarray(self.usable_capacity * (1.0 - self.utilisation))

    @derived("1", kind="rate", dims=_S, label="training share of compute", blank=BLANK)
    def training_share_of_compute(self) -> FloatArray:
        """Training over compute in use on tokens and training."""
        return quotient(self.training_compute, self.training_compute + total(self.accelerators_by_workload))

    @derived("USD", kind="flow", dims=_S, label="training cost", blank=BLANK)
    def training_cost(self) -> FloatArray:
        """Training's share of capacity cost by its share of compute used, plus its staff and data."""
        return np.asarray(quotient(self.capacity_cost * self.training_compute, self._used()) + total(self.research))

    @derived("USD", kind="flow", dims=_S, label="inference cost", blank=BLANK)
    def inference_cost(self) -> FloatArray:
        """Tokens' share of capacity cost by their share of compute used."""
        return quotient(self.capacity_cost * total(self.accelerators_by_workload), self._used())

    @derived("USD", kind="flow", dims=_S, label="training and inference cost", blank=BLANK)
    def training_and_inference_cost(self) -> FloatArray:
        """Training and inference cost, without that of internal work."""
        return np.asarray(self.training_cost + self.inference_cost)

    @derived(
        "1",
        kind=ratio(of="training_cost", over="training_and_inference_cost"),
        dims=_S,
        label="training share of cost",
        blank=BLANK,
    )
    def training_share_of_cost(self) -> FloatArray:
        """Training cost over training and inference cost."""
        return quotient(self.training_cost, self.training_and_inference_cost)

    @derived("1", kind="date", dims=(), blank="where it never does", label="inference passes training in compute")
    def inference_passes_training_in_compute(self) -> FloatArray:
        """Mid-step from which training stays below half of both to the end; NaN where it never does."""
        return self._from_when(np.asarray(self.training_share_of_compute < 0.5))

    @derived("1", kind="date", dims=(), blank="where it never does", label="inference passes training in cost")
    def inference_passes_training_in_cost(self) -> FloatArray:
        """Mid-step from which training stays below half of both to the end; NaN where it never does."""
        return self._from_when(np.asarray(self.training_share_of_cost < 0.5))

    def _from_when(self, holds: NDArray[np.bool_]) -> FloatArray:
        """Return the mid-step from which a condition holds to the end, ``()`` or ``(draw,)``."""
        lasting = np.logical_and.accumulate(holds[::-1], axis=0)[::-1]
        first = self.scenario.grid.mid[np.argmax(lasting, axis=0)]
        return np.where(lasting.any(axis=0), first, np.nan)

    @derived("USD", kind="flow", dims=_O, label="revenue that capacity requires at its cost of capital")
    def required_revenue_by_operator(self) -> FloatArray:
        """Required rent of new capacity on all capacity at target use: capital at replacement cost, energy, upkeep."""
        target = np.asarray(self._resolved_target())
        hours = HOURS_PER_YEAR * self.scenario.grid.length
        return np.asarray(self.required_rent_by_operator * self.capacity_by_operator * target * hours)

    @derived("USD", kind="flow", dims=_S, label="revenue that capacity requires, all operators")
    def required_revenue(self) -> FloatArray:
        """Revenue that all capacity must earn to cover its cost of capital."""
        return total(self.required_revenue_by_operator)

    def _resolved_target(self) -> Any:
        return self.scenario.resolve_part("clearing", self.design).target_use

    def _used(self) -> FloatArray:
        return np.asarray(self.training_compute + self.internal + total(self.accelerators_by_workload))

    @derived("USD/token", kind="rate", dims=_W, label="unit cost at constant quality")
    def unit_cost_at_constant_quality(self) -> FloatArray:
        """Unit cost of the model that was served at the start."""
        return np.asarray(self.unit_cost / self.model_index)

    @derived("USD/token", kind="rate", dims=_S, label="unit cost at constant quality, fixed weights", blank=BLANK)
    def fixed_weight_unit_cost(self) -> FloatArray:
        """Unit cost at constant quality, workloads weighted by their median demand at the start."""
        weights = [_number(item.tokens) for item in self.scenario.market.values()]
        parts = zip(weights, np.moveaxis(self.unit_cost_at_constant_quality, 1, 0), strict=True)
        return quotient(ordered_sum(weight * cost for weight, cost in parts), ordered_sum(weights))

    @derived("USD", kind="flow", dims=_S, label="tokens served at list price")
    def value_at_list(self) -> FloatArray:
        """Tokens served at list price, paid or not."""
        return total(self.price * self.tokens_served)

    @derived("USD", kind="flow", dims=_S, label="tokens served at unit cost")
    def value_at_cost(self) -> FloatArray:
        """Tokens served at unit cost."""
        return total(self.unit_cost * self.tokens_served)

    @derived(
        "USD/token",
        kind=ratio(of="value_at_list", over="tokens"),
        dims=_S,
        label="average list price, by tokens served",
        blank=BLANK,
    )
    def average_price(self) -> FloatArray:
        """List price, workloads weighted by tokens served."""
        return quotient(self.value_at_list, self.tokens)

    @derived(
        "USD/token",
        kind=ratio(of="value_at_cost", over="tokens"),
        dims=_S,
        label="average unit cost, by tokens served",
        blank=BLANK,
    )
    def average_unit_cost(self) -> FloatArray:
        """Unit cost, workloads weighted by tokens served."""
        return quotient(self.value_at_cost, self.tokens)

    @derived(
        "USD/token", kind=ratio(of="user_spend", over="paid_tokens"), dims=_S, label="average price paid", blank=BLANK
    )
    def average_paid_price(self) -> FloatArray:
        """User spend over paid tokens."""
        return quotient(self.user_spend, self.paid_tokens)

    @derived("token", kind="flow", dims=_S, label="tokens paid")
    def paid_tokens(self) -> FloatArray:
        """Tokens that users pay for."""
        return total(self.tokens_served * self.paid_share)

    @derived("USD", kind="flow", dims=_S, label="purchases of accelerators and network")
    def paid_to_chipmakers(self) -> FloatArray:
        """Operators' purchases of accelerators and network."""
        return np.asarray(self.capex_by_class[:, 0] + self.capex_by_class[:, 1])

    @derived("USD", kind="flow", dims=_S, label="purchases of sites and power")
    def paid_to_sites_and_power(self) -> FloatArray:
        """Operators' purchases of sites, their operation and energy."""
        return np.asarray(self.capex_by_class[:, 2] + total(self.site_operation) + self.energy_cost)

    @derived("USD", kind="flow", dims=_S, label="gross profit of chipmakers on accelerators")
    def chipmakers_gross_profit(self) -> FloatArray:
        """Gross profit at the median margin on list prices; premiums go to chipmakers in full."""
        return np.asarray(
            self.capex_by_class[:, 0] * (1.0 - (1.0 - _margin(self.scenario)) / (1.0 + self.chip_premium))
        )


def _number(value: Any) -> FloatArray:
    """Return a parameter of a written or resolved scenario as numbers: a distribution by its median."""
    return np.asarray(value.median() if isinstance(value, Distribution) else value, dtype=np.float64)


def _margin(scenario: FlywheelScenario) -> FloatArray:
    return _number(0.0 if scenario.suppliers is None else scenario.suppliers.margin)
