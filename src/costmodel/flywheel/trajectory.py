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
from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.results import Result, derived, output, ratio

if TYPE_CHECKING:
    from costmodel.flywheel.decomposition import Decomposition

_BOUNDS = tuple(bound.name.lower().replace("_", " ") for bound in Bound)
_W, _A, _S = ("workload", "step"), ("asset", "step"), ("step",)
_UNIT_BASIS = "required rent of new capacity over target utilisation; all tokens served; idle hours in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(Result):
    """A run of the flywheel. Flows are per step, rates per year, stocks at step bounds or at mid-step as said."""

    ENSEMBLE_OUTPUTS: ClassVar[tuple[str, ...]] = (
        "fixed_weight_unit_cost@*", "average_price@*", "tokens@*", "accelerators_in_service@*", "facility_power@*",
        "rental_price@*", "capex@*", "depreciation@*", "training_cost@*", "inference_cost@*",
        "training_share_of_compute@*", "user_spend@*", "operator_cost@*", "operating_margin@*", "loop_gain", "runaway",
        "bounded",
    )  # fmt: skip
    """What an ensemble summarizes unless told otherwise."""

    scenario: FlywheelScenario

    tokens_demanded: FloatArray = output("token", kind="flow", dims=_W, label="tokens demanded in the step")
    tokens_served: FloatArray = output("token", kind="flow", dims=_W, label="tokens served in the step")
    price: FloatArray = output("USD/token", kind="rate", dims=_W, label="list price at mid-step")
    realised_price: FloatArray = output("USD/token", kind="rate", dims=_W, label="realised price of a paid token")
    unit_cost: FloatArray = output(
        "USD/token", kind="rate", dims=_W, label="unit cost of new capacity", basis=_UNIT_BASIS
    )
    compute_per_token: FloatArray = output("FLOP/token", kind="rate", dims=_W, label="compute per token")
    model_index: FloatArray = output("1", kind="rate", dims=_W, label="compute of the served model over the start")
    adoption: FloatArray = output("1", kind="rate", dims=_W, label="adoption index, rolled out")
    intensity: FloatArray = output("1", kind="rate", dims=_W, label="intensity index")
    price_response: FloatArray = output("1", kind="rate", dims=_W, label="response to the remembered price")
    capability_response: FloatArray = output("1", kind="rate", dims=_W, label="response to capability")
    ceiling_factor: FloatArray = output("1", kind="rate", dims=_W, label="demand left by the budget ceiling")
    paid_share: FloatArray = output("1", kind="rate", dims=_W, label="share of tokens paid")
    price_realisation: FloatArray = output("1", kind="rate", dims=_W, label="realised over list price, before scarcity")
    user_spend_by_workload: FloatArray = output("USD", kind="flow", dims=_W, label="user spend in the step")
    accelerators_by_workload: FloatArray = output(
        "1", kind="rate", dims=_W, label="accelerators kept busy by served tokens"
    )
    software_efficiency: FloatArray = output("1", kind="rate", dims=_S, label="software efficiency over the start")
    capability: FloatArray = output("1", kind="rate", dims=_S, label="effective training compute in use over the start")
    required_rent: FloatArray = output(
        "USD/hour", kind="rate", dims=_S, label="required rent of new capacity", basis="per hour owned"
    )
    rental_price: FloatArray = output("USD/hour", kind="rate", dims=_S, label="rental price", basis="per hour rented")
    fill: FloatArray = output("1", kind="rate", dims=_S, label="served over demanded")
    tightness: FloatArray = output("1", kind="rate", dims=_S, label="wanted over usable compute")
    utilisation: FloatArray = output("1", kind="rate", dims=_S, label="utilisation")
    accelerators_in_service: FloatArray = output("1", kind="rate", dims=_S, label="accelerators in service at mid-step")
    accelerators_bought: FloatArray = output("1", kind="flow", dims=_S, label="accelerators paid in the step")
    accelerators_shipped: FloatArray = output(
        "1", kind="stock", dims=_S, label="accelerators shipped up to the end of the step"
    )
    accelerators_arrived: FloatArray = output("1", kind="flow", dims=_S, label="accelerators that entered service")
    accelerators_retired: FloatArray = output("1", kind="flow", dims=_S, label="accelerators retired")
    accelerators_failed: FloatArray = output("1", kind="flow", dims=_S, label="accelerators failed for good")
    pipeline: FloatArray = output("1", kind="rate", dims=_S, label="accelerators paid but not in service at mid-step")
    facility_power: FloatArray = output("W", kind="rate", dims=_S, label="facility power in service at mid-step")
    training_reserve: FloatArray = output(
        "1", kind="rate", dims=_S, label="accelerators held for training and research"
    )
    final_runs: FloatArray = output("1", kind="rate", dims=_S, label="of which for final runs")
    internal: FloatArray = output("1", kind="rate", dims=_S, label="accelerators on non-token internal work")
    idle: FloatArray = output("1", kind="rate", dims=_S, label="usable accelerators left idle")
    capex_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="capex paid in the step")
    leased_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="capital taken on by finance lease")
    additions_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="capital that entered service")
    depreciation_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="depreciation")
    write_offs_by_class: FloatArray = output("USD", kind="flow", dims=_A, label="impairment and write-offs")
    resale: FloatArray = output("USD", kind="flow", dims=_S, label="idle capacity sold")
    other_revenue: FloatArray = output("USD", kind="flow", dims=_S, label="other revenue")
    energy_used: FloatArray = output("Wh", kind="flow", dims=_S, label="energy used")
    energy_cost: FloatArray = output("USD", kind="flow", dims=_S, label="energy")
    facility_operation: FloatArray = output("USD", kind="flow", dims=_S, label="operation of facilities")
    maintenance: FloatArray = output("USD", kind="flow", dims=_S, label="maintenance")
    staff: FloatArray = output("USD", kind="flow", dims=_S, label="staff outside research")
    research: FloatArray = output("USD", kind="flow", dims=_S, label="research staff and data")
    go_to_market: FloatArray = output("USD", kind="flow", dims=_S, label="go-to-market")
    overhead: FloatArray = output("USD", kind="flow", dims=_S, label="overhead")
    other_cost: FloatArray = output("USD", kind="flow", dims=_S, label="other cost")
    interest: FloatArray = output("USD", kind="flow", dims=_S, label="interest")
    tax: FloatArray = output("USD", kind="flow", dims=_S, label="tax")
    borrowed: FloatArray = output("USD", kind="flow", dims=_S, label="new debt")
    owners_money: FloatArray = output("USD", kind="flow", dims=_S, label="owners' money put in")
    lease_repayment: FloatArray = output("USD", kind="flow", dims=_S, label="principal repaid on finance leases")
    bound_held: FloatArray = output("1", kind="code", dims=_S, label="what held capex", words=_BOUNDS)
    cumulative_tokens: FloatArray = output("token", kind="stock", dims=("bound",), label="cumulative tokens")
    cash: FloatArray = output("USD", kind="stock", dims=("bound",), label="cash")
    debt: FloatArray = output("USD", kind="stock", dims=("bound",), label="debt")
    lease_debt: FloatArray = output("USD", kind="stock", dims=("bound",), label="owed on finance leases")
    tax_losses: FloatArray = output("USD", kind="stock", dims=("bound",), label="tax losses carried forward")
    book_in_service: FloatArray = output("USD", kind="stock", dims=("asset", "bound"), label="book value in service")
    construction: FloatArray = output("USD", kind="stock", dims=("asset", "bound"), label="construction in progress")
    loop_gain: FloatArray = output("1", label="gain of the closed-form loop")
    runaway: NDArray[np.bool_] = output("1", label="whether the loop gain is 1 or more")
    bounded: NDArray[np.bool_] = output("1", label="whether chips or power ever held capex (see bound_held)")
    lag_raised: NDArray[np.bool_] = output("1", label="whether a lag shorter than a step was lengthened")

    def coords(self) -> Mapping[str, Any]:
        """Return the names of workloads and classes."""
        return {"workload": list(self.scenario.market), "asset": list(ASSETS)}

    def explain_nonfinite(self, name: str) -> str:
        """Name the known way for a run to leave all numbers, where it was taken."""
        reserve = np.asarray(self.training_reserve)
        if np.any((reserve[0] == 0.0) & (reserve > 0.0).any(axis=0)):
            return "; training starts from a reserve of 0, against which no capability can be measured"
        return ""

    def decompose_user_spend(self, **over: float) -> Decomposition:
        """Return what carried user spend's growth: :func:`costmodel.flywheel.decomposition.user_spend_parts`."""
        from costmodel.flywheel.decomposition import user_spend_parts

        return user_spend_parts(self, **over)

    def decompose_compute(self, **over: float) -> Decomposition:
        """Return what carried the growth of compute: :func:`costmodel.flywheel.decomposition.compute_parts`."""
        from costmodel.flywheel.decomposition import compute_parts

        return compute_parts(self, **over)

    @derived("USD", kind="flow", dims=_S, label="user spend")
    def user_spend(self) -> FloatArray:
        """Price times paid tokens, all workloads, per step."""
        return _total(self.user_spend_by_workload)

    @derived("token", kind="flow", dims=_S, label="tokens served")
    def tokens(self) -> FloatArray:
        """Tokens served, all workloads, per step."""
        return _total(self.tokens_served)

    @derived("USD", kind="flow", dims=_S, label="revenue")
    def revenue(self) -> FloatArray:
        """Revenue of the operator per step."""
        return np.asarray(self.user_spend + self.resale + self.other_revenue)

    @derived("USD", kind="flow", dims=_S, label="capex")
    def capex(self) -> FloatArray:
        """Cash paid for capital per step."""
        return _total(self.capex_by_class)

    @derived("USD", kind="flow", dims=_S, label="capital taken on by finance lease, all classes")
    def leased(self) -> FloatArray:
        """Capital taken on by finance lease per step, which is not cash capex."""
        return _total(self.leased_by_class)

    @derived("USD", kind="flow", dims=_S, label="depreciation, all classes")
    def depreciation(self) -> FloatArray:
        """Depreciation per step, without write-offs."""
        return _total(self.depreciation_by_class)

    @derived("USD", kind="flow", dims=_S, label="cost of capacity")
    def capacity_cost(self) -> FloatArray:
        """Depreciation, write-offs, energy and upkeep of the fleet per step."""
        parts = [self.depreciation, _total(self.write_offs_by_class), self.energy_cost, self.facility_operation]
        return np.asarray(ordered_sum([*parts, self.maintenance]))

    @derived("USD", kind="flow", dims=_S, label="operator cost")
    def operator_cost(self) -> FloatArray:
        """Accounting cost of the operator per step, before interest and tax."""
        parts = [self.capacity_cost, self.staff, self.research, self.go_to_market, self.overhead, self.other_cost]
        return np.asarray(ordered_sum(parts))

    @derived("USD", kind="flow", dims=_S, label="operating income")
    def operating_income(self) -> FloatArray:
        """Revenue less operator cost per step."""
        return np.asarray(self.revenue - self.operator_cost)

    @derived(
        "1",
        kind=ratio(of="operating_income", over="revenue"),
        dims=_S,
        label="operating margin",
        blank="where the whole is 0",
    )
    def operating_margin(self) -> FloatArray:
        """Operating income over revenue."""
        return _ratio(self.operating_income, self.revenue)

    @derived("USD", kind="flow", dims=_S, label="net income")
    def net_income(self) -> FloatArray:
        """Operating income less interest and tax per step."""
        return np.asarray(self.operating_income - self.interest - self.tax)

    @derived("USD", kind="flow", dims=_S, label="operating cash flow")
    def operating_cash_flow(self) -> FloatArray:
        """Cash from operations per step."""
        return np.asarray(self.net_income + self.depreciation + _total(self.write_offs_by_class))

    @derived("USD", kind="flow", dims=_S, label="free cash flow")
    def free_cash_flow(self) -> FloatArray:
        """Operating cash flow less capex per step."""
        return np.asarray(self.operating_cash_flow - self.capex)

    @derived("1", kind="rate", dims=_S, label="training share of compute", blank="where the whole is 0")
    def training_share_of_compute(self) -> FloatArray:
        """Training and research reserve over compute in use on tokens and training."""
        serving = _total(self.accelerators_by_workload)
        return _ratio(self.training_reserve, self.training_reserve + serving)

    @derived("USD", kind="flow", dims=_S, label="training cost", blank="where the whole is 0")
    def training_cost(self) -> FloatArray:
        """Training's share of capacity cost by its share of compute used, plus its staff and data."""
        return np.asarray(_ratio(self.capacity_cost * self.training_reserve, self._used()) + self.research)

    @derived("USD", kind="flow", dims=_S, label="inference cost", blank="where the whole is 0")
    def inference_cost(self) -> FloatArray:
        """Tokens' share of capacity cost by their share of compute used."""
        return _ratio(self.capacity_cost * _total(self.accelerators_by_workload), self._used())

    @derived(
        "1",
        kind=ratio(of="training_cost", over="training_and_inference_cost"),
        dims=_S,
        label="training share of cost",
        blank="where the whole is 0",
    )
    def training_share_of_cost(self) -> FloatArray:
        """Training cost over training and inference cost; the rest is inference's."""
        return _ratio(self.training_cost, self.training_and_inference_cost)

    @derived("USD", kind="flow", dims=_S, label="training and inference cost", blank="where the whole is 0")
    def training_and_inference_cost(self) -> FloatArray:
        """Training and inference cost per step, without that of internal work."""
        return np.asarray(self.training_cost + self.inference_cost)

    def _used(self) -> FloatArray:
        return np.asarray(self.training_reserve + self.internal + _total(self.accelerators_by_workload))

    @derived("USD", kind="stock", dims=("bound",), label="book value")
    def book_value(self) -> FloatArray:
        """Book value in service and under construction at step bounds."""
        return np.asarray(_total(self.book_in_service) + _total(self.construction))

    @derived("USD/token", kind="rate", dims=_W, label="unit cost at constant quality")
    def unit_cost_at_constant_quality(self) -> FloatArray:
        """Unit cost of the model that was served at the start."""
        return np.asarray(self.unit_cost / self.model_index)

    @derived(
        "USD/token",
        kind="rate",
        dims=_S,
        label="unit cost at constant quality, fixed weights",
        blank="where the whole is 0",
    )
    def fixed_weight_unit_cost(self) -> FloatArray:
        """Unit cost at constant quality, workloads weighted by their median demand at the start."""
        weights = [_number(item.tokens) for item in self.scenario.market.values()]
        parts = zip(weights, self.unit_cost_at_constant_quality, strict=True)
        return _ratio(ordered_sum(weight * cost for weight, cost in parts), ordered_sum(weights))

    @derived(
        "USD/token",
        kind=ratio(of="value_at_list", over="tokens"),
        dims=_S,
        label="list price, as served",
        blank="where the whole is 0",
    )
    def average_price(self) -> FloatArray:
        """List price, workloads weighted by tokens served."""
        return _ratio(self.value_at_list, self.tokens)

    @derived("USD", kind="flow", dims=_S, label="tokens served at list price")
    def value_at_list(self) -> FloatArray:
        """Tokens served at list price, paid or not, per step."""
        return _total(self.price * self.tokens_served)

    @derived("USD", kind="flow", dims=_S, label="tokens served at unit cost")
    def value_at_cost(self) -> FloatArray:
        """Tokens served at unit cost per step."""
        return _total(self.unit_cost * self.tokens_served)

    @derived(
        "USD/token",
        kind=ratio(of="value_at_cost", over="tokens"),
        dims=_S,
        label="unit cost, as served",
        blank="where the whole is 0",
    )
    def average_unit_cost(self) -> FloatArray:
        """Unit cost, workloads weighted by tokens served."""
        return _ratio(self.value_at_cost, self.tokens)

    @derived("USD", kind="flow", dims=_S, label="purchases of accelerators and network")
    def paid_to_chipmakers(self) -> FloatArray:
        """Cloud providers' purchases of accelerators and network per step."""
        return np.asarray(self.capex_by_class[0] + self.capex_by_class[1])

    @derived("USD", kind="flow", dims=_S, label="purchases of sites and power")
    def paid_to_sites_and_power(self) -> FloatArray:
        """Cloud providers' purchases of facilities, their operation and energy per step."""
        return np.asarray(self.capex_by_class[2] + self.facility_operation + self.energy_cost)

    @derived("USD", kind="flow", dims=_S, label="gross profit of chipmakers on accelerators")
    def chipmakers_gross_profit(self) -> FloatArray:
        """Chipmakers' gross profit on accelerators per step, at the median supplier margin."""
        return np.asarray(self.capex_by_class[0] * _number(self.scenario.accounts.supplier_margin))


def _number(value: Any) -> FloatArray:
    """Return a parameter of a written or resolved scenario as numbers: a distribution by its median."""
    return np.asarray(value.median() if isinstance(value, Distribution) else value, dtype=np.float64)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide; where the whole is 0 there is no ratio, and NaN says so."""
    with quiet():
        return np.where(whole == 0.0, np.nan, part / whole)


def _total(rows: FloatArray) -> FloatArray:
    """Add the leading axis in order."""
    return np.asarray(ordered_sum(rows))
