"""The flywheel's result: every series with its axes, unit and label, and the totals derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from costmodel.flywheel.drivers import ASSETS
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray, ordered_sum, quiet
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.results import Result, output

if TYPE_CHECKING:
    from costmodel.flywheel.decomposition import Decomposition

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

    RATIOS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "operating_margin": ("operating_income", "revenue"),
        "training_share_of_cost": ("training_cost", "training_and_inference_cost"),
        "average_price": ("value_at_list", "tokens"),
        "average_unit_cost": ("value_at_cost", "tokens"),
    }
    """Outputs whose figure of a year is the ratio of two sums over the year, not the mean of its steps' ratios."""

    scenario: FlywheelScenario

    tokens_demanded: FloatArray = output("token", dims=_W, label="tokens demanded in the step")
    tokens_served: FloatArray = output("token", dims=_W, label="tokens served in the step")
    price: FloatArray = output("USD/token", dims=_W, label="list price at mid-step")
    realised_price: FloatArray = output("USD/token", dims=_W, label="realised price of a paid token")
    unit_cost: FloatArray = output("USD/token", dims=_W, label="unit cost of new capacity", basis=_UNIT_BASIS)
    compute_per_token: FloatArray = output("FLOP/token", dims=_W, label="compute per token")
    model_index: FloatArray = output("1", dims=_W, label="compute of the served model over the start")
    adoption: FloatArray = output("1", dims=_W, label="adoption index, rolled out")
    intensity: FloatArray = output("1", dims=_W, label="intensity index")
    price_response: FloatArray = output("1", dims=_W, label="response to the remembered price")
    capability_response: FloatArray = output("1", dims=_W, label="response to capability")
    ceiling_factor: FloatArray = output("1", dims=_W, label="demand left by the budget ceiling")
    paid_share: FloatArray = output("1", dims=_W, label="share of tokens paid")
    price_realisation: FloatArray = output("1", dims=_W, label="realised over list price, before scarcity")
    user_spend_by_workload: FloatArray = output("USD", dims=_W, label="user spend in the step")
    accelerators_by_workload: FloatArray = output("1", dims=_W, label="accelerators kept busy by served tokens")
    software_efficiency: FloatArray = output("1", dims=_S, label="software efficiency over the start")
    capability: FloatArray = output("1", dims=_S, label="effective training compute in use over the start")
    required_rent: FloatArray = output(
        "USD/hour", dims=_S, label="required rent of new capacity", basis="per hour owned"
    )
    rental_price: FloatArray = output("USD/hour", dims=_S, label="rental price", basis="per hour rented")
    fill: FloatArray = output("1", dims=_S, label="served over demanded")
    tightness: FloatArray = output("1", dims=_S, label="wanted over usable compute")
    utilisation: FloatArray = output("1", dims=_S, label="utilisation")
    accelerators_in_service: FloatArray = output("1", dims=_S, label="accelerators in service at mid-step")
    accelerators_bought: FloatArray = output("1", dims=_S, label="accelerators paid in the step")
    accelerators_shipped: FloatArray = output("1", dims=_S, label="accelerators shipped up to the end of the step")
    accelerators_arrived: FloatArray = output("1", dims=_S, label="accelerators that entered service")
    accelerators_retired: FloatArray = output("1", dims=_S, label="accelerators retired")
    accelerators_failed: FloatArray = output("1", dims=_S, label="accelerators failed for good")
    pipeline: FloatArray = output("1", dims=_S, label="accelerators paid but not in service at mid-step")
    facility_power: FloatArray = output("W", dims=_S, label="facility power in service at mid-step")
    training_reserve: FloatArray = output("1", dims=_S, label="accelerators held for training and research")
    final_runs: FloatArray = output("1", dims=_S, label="of which for final runs")
    internal: FloatArray = output("1", dims=_S, label="accelerators on non-token internal work")
    idle: FloatArray = output("1", dims=_S, label="usable accelerators left idle")
    capex_by_class: FloatArray = output("USD", dims=_A, label="capex paid in the step")
    leased_by_class: FloatArray = output("USD", dims=_A, label="capital taken on by finance lease")
    additions_by_class: FloatArray = output("USD", dims=_A, label="capital that entered service")
    depreciation_by_class: FloatArray = output("USD", dims=_A, label="depreciation")
    write_offs_by_class: FloatArray = output("USD", dims=_A, label="impairment and write-offs")
    resale: FloatArray = output("USD", dims=_S, label="idle capacity sold")
    other_revenue: FloatArray = output("USD", dims=_S, label="other revenue")
    energy_used: FloatArray = output("Wh", dims=_S, label="energy used")
    energy_cost: FloatArray = output("USD", dims=_S, label="energy")
    facility_operation: FloatArray = output("USD", dims=_S, label="operation of facilities")
    maintenance: FloatArray = output("USD", dims=_S, label="maintenance")
    staff: FloatArray = output("USD", dims=_S, label="staff outside research")
    research: FloatArray = output("USD", dims=_S, label="research staff and data")
    go_to_market: FloatArray = output("USD", dims=_S, label="go-to-market")
    overhead: FloatArray = output("USD", dims=_S, label="overhead")
    other_cost: FloatArray = output("USD", dims=_S, label="other cost")
    interest: FloatArray = output("USD", dims=_S, label="interest")
    tax: FloatArray = output("USD", dims=_S, label="tax")
    borrowed: FloatArray = output("USD", dims=_S, label="new debt")
    owners_money: FloatArray = output("USD", dims=_S, label="owners' money put in")
    lease_repayment: FloatArray = output("USD", dims=_S, label="principal repaid on finance leases")
    bound_held: FloatArray = output("1", dims=_S, label="what held capex (code of Bound)")
    cumulative_tokens: FloatArray = output("token", dims=("bound",), label="cumulative tokens")
    cash: FloatArray = output("USD", dims=("bound",), label="cash")
    debt: FloatArray = output("USD", dims=("bound",), label="debt")
    lease_debt: FloatArray = output("USD", dims=("bound",), label="owed on finance leases")
    tax_losses: FloatArray = output("USD", dims=("bound",), label="tax losses carried forward")
    book_in_service: FloatArray = output("USD", dims=("asset", "bound"), label="book value in service")
    construction: FloatArray = output("USD", dims=("asset", "bound"), label="construction in progress")
    loop_gain: FloatArray = output("1", label="gain of the closed-form loop")
    runaway: NDArray[np.bool_] = output("1", label="whether the loop gain is 1 or more")
    bounded: NDArray[np.bool_] = output("1", label="whether chips or power ever held capex (see bound_held)")
    lag_raised: bool = False

    def coords(self) -> Mapping[str, Any]:
        """Return labels of the axes: decimal years of mid-steps and bounds, names of workloads and classes."""
        grid = self.scenario.grid
        return {"step": grid.mid, "bound": grid.bounds, "workload": list(self.scenario.market), "asset": list(ASSETS)}

    def decompose_user_spend(self, **over: float) -> Decomposition:
        """Return what carried user spend's growth: :func:`costmodel.flywheel.decomposition.user_spend_parts`."""
        from costmodel.flywheel.decomposition import user_spend_parts

        return user_spend_parts(self, **over)

    def decompose_compute(self, **over: float) -> Decomposition:
        """Return what carried the growth of compute: :func:`costmodel.flywheel.decomposition.compute_parts`."""
        from costmodel.flywheel.decomposition import compute_parts

        return compute_parts(self, **over)

    @property
    def user_spend(self) -> FloatArray:
        """Price times paid tokens, all workloads, per step [USD]."""
        return _total(self.user_spend_by_workload)

    @property
    def tokens(self) -> FloatArray:
        """Tokens served, all workloads, per step [token]."""
        return _total(self.tokens_served)

    @property
    def revenue(self) -> FloatArray:
        """Revenue of the operator per step [USD]."""
        return np.asarray(self.user_spend + self.resale + self.other_revenue)

    @property
    def capex(self) -> FloatArray:
        """Cash paid for capital per step [USD]."""
        return _total(self.capex_by_class)

    @property
    def leased(self) -> FloatArray:
        """Capital taken on by finance lease per step, which is not cash capex [USD]."""
        return _total(self.leased_by_class)

    @property
    def depreciation(self) -> FloatArray:
        """Depreciation per step, without write-offs [USD]."""
        return _total(self.depreciation_by_class)

    @property
    def capacity_cost(self) -> FloatArray:
        """Depreciation, write-offs, energy and upkeep of the fleet per step [USD]."""
        parts = [self.depreciation, _total(self.write_offs_by_class), self.energy_cost, self.facility_operation]
        return np.asarray(ordered_sum([*parts, self.maintenance]))

    @property
    def operator_cost(self) -> FloatArray:
        """Accounting cost of the operator per step, before interest and tax [USD]."""
        parts = [self.capacity_cost, self.staff, self.research, self.go_to_market, self.overhead, self.other_cost]
        return np.asarray(ordered_sum(parts))

    @property
    def operating_income(self) -> FloatArray:
        """Revenue less operator cost per step [USD]."""
        return np.asarray(self.revenue - self.operator_cost)

    @property
    def operating_margin(self) -> FloatArray:
        """Operating income over revenue [1]."""
        return _ratio(self.operating_income, self.revenue)

    @property
    def net_income(self) -> FloatArray:
        """Operating income less interest and tax per step [USD]."""
        return np.asarray(self.operating_income - self.interest - self.tax)

    @property
    def operating_cash_flow(self) -> FloatArray:
        """Cash from operations per step [USD]."""
        return np.asarray(self.net_income + self.depreciation + _total(self.write_offs_by_class))

    @property
    def free_cash_flow(self) -> FloatArray:
        """Operating cash flow less capex per step [USD]."""
        return np.asarray(self.operating_cash_flow - self.capex)

    @property
    def training_share_of_compute(self) -> FloatArray:
        """Training and research reserve over compute in use on tokens and training [1]."""
        serving = _total(self.accelerators_by_workload)
        return _ratio(self.training_reserve, self.training_reserve + serving)

    @property
    def training_cost(self) -> FloatArray:
        """Training's share of capacity cost by its share of compute used, plus its staff and data [USD]."""
        return np.asarray(_ratio(self.capacity_cost * self.training_reserve, self._used()) + self.research)

    @property
    def inference_cost(self) -> FloatArray:
        """Tokens' share of capacity cost by their share of compute used [USD]."""
        return _ratio(self.capacity_cost * _total(self.accelerators_by_workload), self._used())

    @property
    def training_share_of_cost(self) -> FloatArray:
        """Training cost over training and inference cost; the rest is inference's [1]."""
        return _ratio(self.training_cost, self.training_and_inference_cost)

    @property
    def training_and_inference_cost(self) -> FloatArray:
        """Training and inference cost per step, without that of internal work [USD]."""
        return np.asarray(self.training_cost + self.inference_cost)

    def _used(self) -> FloatArray:
        return np.asarray(self.training_reserve + self.internal + _total(self.accelerators_by_workload))

    @property
    def book_value(self) -> FloatArray:
        """Book value in service and under construction at step bounds [USD]."""
        return np.asarray(_total(self.book_in_service) + _total(self.construction))

    @property
    def unit_cost_at_constant_quality(self) -> FloatArray:
        """Unit cost of the model that was served at the start [USD/token]."""
        return np.asarray(self.unit_cost / self.model_index)

    @property
    def fixed_weight_unit_cost(self) -> FloatArray:
        """Unit cost at constant quality, workloads weighted by their median demand at the start [USD/token]."""
        weights = [_number(item.tokens) for item in self.scenario.market.values()]
        parts = zip(weights, self.unit_cost_at_constant_quality, strict=True)
        return _ratio(ordered_sum(weight * cost for weight, cost in parts), ordered_sum(weights))

    @property
    def average_price(self) -> FloatArray:
        """List price, workloads weighted by tokens served [USD/token]."""
        return _ratio(self.value_at_list, self.tokens)

    @property
    def value_at_list(self) -> FloatArray:
        """Tokens served at list price, paid or not, per step [USD]."""
        return _total(self.price * self.tokens_served)

    @property
    def value_at_cost(self) -> FloatArray:
        """Tokens served at unit cost per step [USD]."""
        return _total(self.unit_cost * self.tokens_served)

    @property
    def average_unit_cost(self) -> FloatArray:
        """Unit cost, workloads weighted by tokens served [USD/token]."""
        return _ratio(self.value_at_cost, self.tokens)

    @property
    def paid_to_chipmakers(self) -> FloatArray:
        """Cloud providers' purchases of accelerators and network per step [USD]."""
        return np.asarray(self.capex_by_class[0] + self.capex_by_class[1])

    @property
    def paid_to_sites_and_power(self) -> FloatArray:
        """Cloud providers' purchases of facilities, their operation and energy per step [USD]."""
        return np.asarray(self.capex_by_class[2] + self.facility_operation + self.energy_cost)

    @property
    def chipmakers_gross_profit(self) -> FloatArray:
        """Chipmakers' gross profit on accelerators per step, at the median supplier margin [USD]."""
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
