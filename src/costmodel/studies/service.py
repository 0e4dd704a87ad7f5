"""Service planner: the cost of a token by model, chip, site, way of paying and utilisation.

One scenario holds the deployment, the accelerator, the inputs of its hour, and the way of paying. The hour's cost is
computed from chip, server, network, site, energy, finance and life, or is a rent; utilisation is given once.

**Basis.** A *paid* hour is any hour that is paid for, busy or idle. A cost per token includes idle hours and the
energy of both; it excludes staff, software, storage, tax and profit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from costmodel.catalog.named import AcceleratorName
from costmodel.formats.electricity import electricity
from costmodel.foundation.arrays import FloatArray, Numeric, ordered_sum
from costmodel.foundation.errors import CatalogError, MissingExtraError, ScenarioError
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.provenance import Citation, Source
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.units import HOURS_PER_YEAR, MONTHS_PER_YEAR, SECONDS_PER_HOUR, SECONDS_PER_YEAR
from costmodel.ownership.accelerator_hour import (
    COMPONENTS,
    NOT_MODELLED,
    AcceleratorHour,
    AcceleratorHourResult,
    HourInputs,
    absent_figures,
    accelerator_hour,
    check_choices,
    filled,
)
from costmodel.ownership.finance import log_rate
from costmodel.ownership.hour_records import PRICED
from costmodel.serving.deployment import Deployment, DeploymentResult, EnergyInputs, LoadInputs, ServingInputs
from costmodel.serving.model import deploy
from costmodel.serving.refusals import refusals
from costmodel.serving.throughput import REASONS, refused
from costmodel.studies.emissions import Carbon, emissions
from costmodel.studies.token_sale import Sale, mix_price
from costmodel.studies.ways import Offer, Resale, offered, on_demand_hour, reached_use, resale_share

PARTS = (*COMPONENTS, "rent")
"""Parts of an hour's cost: those of an owned hour, and rent."""
CENTRE = 1e6
"""Facility power for which yearly figures are given where none is named [W]: a megawatt."""


class Service(Scenario):
    """A model served on accelerators that are owned or rented.

    Examples
    --------
    >>> plan = Service(
    ...     name="chat", accelerator="H100-SXM", utilisation=0.4, hour={"it_life": 5.0, "wacc": 0.1},
    ...     serving={"architecture": "Llama-3.3-70B", "layout": {"tensor": 4},
    ...              "workload": {"mean_input": 2000.0, "mean_output": 400.0}})
    >>> plan.paid_by
    'owning'
    """

    model: Literal["service"] = "service"
    not_modelled: tuple[str, ...] = (*NOT_MODELLED, "waiting in a queue before the first token")
    accelerator: AcceleratorName
    """Name of an accelerator in the catalog."""
    paid_by: Literal["owning", "renting"] = "owning"
    """Whether the hour is computed from what an owner pays, or is the rent."""
    hour: HourInputs
    """Inputs of an hour's cost; for a renter, power and site count for energy alone."""
    rent: Parameter = parameter(
        "USD/hour", ge=0, optional=True, description="Price of a paid accelerator-hour, idle or busy, where rented."
    )
    serving: ServingInputs
    utilisation: Parameter = parameter(
        "1", gt=0, le=1, optional=True, description="Share of paid hours that is busy; absent: from serving.load."
    )
    facility_power: Parameter = parameter(
        "W", gt=0, default=CENTRE, description="Power of the site that yearly figures are for."
    )
    requests_per_user: Parameter = parameter(
        "1", ge=0, default=100.0, description="Requests that a user makes in a month."
    )
    sale: Sale | None = None
    """Prices that users pay."""
    horizon: Parameter = parameter(
        "year", gt=0, optional=True, description="Years of need; absent: as long as an owner's hardware lasts."
    )
    resale: Resale | None = None
    """Price of used hardware when it is sold, at the end of ``hour.it_life`` or at the horizon, if that is earlier."""
    offers: dict[str, Offer] = Field(default_factory=dict)
    """Offers of capacity to compare with owning."""
    tokens_for_sale: dict[str, Sale] = Field(default_factory=dict)
    """Prices of others who serve the model: tokens bought instead of served."""
    carbon: Carbon | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Names of the ways to pay: owning, the offers, tokens bought."""
        return ("owning", *self.offers, *self.tokens_for_sale)

    @model_validator(mode="after")
    def _check_one_place(self) -> Self:
        """Refuse entries that would be counted twice, or would have no effect."""
        if self.utilisation is not None and self.serving.load != LoadInputs():
            raise ScenarioError("serving.load would do nothing: utilisation is given; leave one of them out")
        if (self.rent is None) != (self.paid_by == "owning"):
            wanted = "leave rent out" if self.paid_by == "owning" else "give rent"
            raise ScenarioError(f"paid_by is {self.paid_by!r}: {wanted}")
        repeated = {"owning", *self.offers} & {*self.tokens_for_sale} or {"owning"} & {*self.offers}
        if repeated:
            raise ScenarioError(f"offers: {sorted(repeated)[0]!r} names two ways to pay")
        if self.resale is not None and self.hour.salvage != 0.0:
            raise ScenarioError("hour.salvage would do nothing: resale gives what hardware fetches at any age")
        if self.resale is None and self.horizon is not None:
            raise ScenarioError("horizon: give resale, what hardware fetches when the need ends; kept = 0 for nothing")
        for name, offer in self.offers.items():
            offer.check_horizon(name, self.horizon is not None)
        if self.carbon is not None and self.carbon.region is not None:
            self.carbon.grid()  # an unknown region is refused when the scenario is read
        check_choices(self.hour, self.accelerator, named_elsewhere=True)
        return self

    def sources(self) -> tuple[Citation, ...]:
        """Return the bibliography of what the service uses, figures of the hour from the catalog included."""
        return (*super().sources(), *self._catalog_figures(), *self._grid_figures())

    def _grid_figures(self) -> tuple[Citation, ...]:
        if self.carbon is None or self.carbon.region is None:
            return ()
        try:
            found = electricity(self.carbon.region)
        except (CatalogError, MissingExtraError):
            return ()
        source = Source(found.source, None if found.year is None else str(found.year), found.link)
        note = f"grid of {found.region}, by location"
        return (Citation("carbon.intensity", f"{found.carbon:.6g}", "g/Wh", found.grade, source, note),)

    def _catalog_figures(self) -> tuple[Citation, ...]:
        hour = {name: getattr(self.hour, name) for name in HourInputs.model_fields}
        try:
            whole = AcceleratorHour(name=self.name, accelerator=self.accelerator, **hour).completed()
        except (CatalogError, ScenarioError):
            return ()
        absent = set(absent_figures(self.hour))
        return tuple(_renamed(row, f"hour.{row.path}") for row in whole.sources() if row.path in absent)


def _renamed(row: Citation, path: str) -> Citation:
    return Citation(path, row.value, row.unit, row.grade, row.source, row.note)


_BLANK = "where the model cannot run"
_NO_SALE = "where no sale is given"
_NO_CARBON = "where no carbon is given"
_PER_HOUR = "per paid accelerator-hour, idle or busy"
_PER_TOKEN = "idle hours in; staff, software, storage, tax and profit out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResult(Result):
    """Cost of an hour, a token, a request, a user and a site, with their parts; NaN where the model cannot run."""

    ENSEMBLE_OUTPUTS = ("blended_cost", "hour_cost", "input_cost", "output_cost", "request_cost", "site_cost")
    SIDE_BY_SIDE = ("part", "way")

    infeasible: NDArray[np.bool_] = output("1", label="whether it is infeasible")
    reason: FloatArray = output("1", kind="code", label="why it is infeasible", words=REASONS)
    hour_parts: FloatArray = output("USD/hour", dims=("part",), label="cost of an hour", basis=_PER_HOUR)
    required_rent: FloatArray = output(
        "USD/hour", label="rent that new capacity must earn while rents fall", basis="per busy accelerator-hour, owned"
    )
    flop_cost: FloatArray = output(
        "USD/FLOP",
        label="cost of a useful operation",
        basis="busy hours of an owner",
        blank="where no peak of the accelerator is on record and none is given",
    )
    utilisation: FloatArray = output("1", label="share of paid hours that is busy")
    batch: FloatArray = output("1", label="sequences in decode of one copy", blank=_BLANK)
    accelerators: FloatArray = output("1", label="accelerators of one copy", blank=_BLANK)
    time_to_first_token: FloatArray = output("s", label="time to first token", blank=_BLANK)
    time_per_output_token: FloatArray = output("s/token", label="time per output token", blank=_BLANK)
    tokens_per_second: FloatArray = output("token/s", label="input and output tokens per accelerator", blank=_BLANK)
    requests_per_second: FloatArray = output("1/s", label="requests per accelerator while busy", blank=_BLANK)
    input_cost: FloatArray = output(
        "USD/token", label="cost of an uncached input token", basis=f"prefill; {_PER_TOKEN}", blank=_BLANK
    )
    cached_cost: FloatArray = output(
        "USD/token", label="cost of a cached input token", basis=f"prefill; {_PER_TOKEN}", blank=_BLANK
    )
    output_cost: FloatArray = output(
        "USD/token", label="cost of an output token", basis=f"decode; {_PER_TOKEN}", blank=_BLANK
    )
    blended_cost: FloatArray = output(
        "USD/token", label="cost of a token of the mix", basis=f"input and output; {_PER_TOKEN}", blank=_BLANK
    )
    blended_price: FloatArray = output("USD/token", label="price of a token of the mix", blank=_NO_SALE)
    energy: FloatArray = output(
        "Wh/token", label="energy of a token of the mix", basis="at the meter, idle hours in", blank=_BLANK
    )
    carbon: FloatArray = output(
        "g/token",
        label="greenhouse gases of a token",
        basis="electricity by location, and hardware, as CO2",
        blank=_NO_CARBON,
    )
    carbon_market: FloatArray = output(
        "g/token",
        label="greenhouse gases of a token, by contracts",
        basis="electricity by contracts (market-based), and hardware, as CO2",
        blank=_NO_CARBON,
    )
    water: FloatArray = output(
        "L/token", label="water evaporated for a token", blank=f"{_NO_CARBON}, or its region has none on record"
    )
    way_cost: FloatArray = output(
        "USD/token",
        dims=("way",),
        label="cost of a token of the mix by way of paying",
        basis=f"input and output; {_PER_TOKEN}",
        blank=_BLANK,
    )
    way_break_even: FloatArray = output(
        "1", dims=("way",), label="use from which owning is cheaper", blank="for owning itself, and where it never is"
    )
    salvage: FloatArray = output(
        "1", label="share of the price of hardware that its sale brings", basis="chip, server and network, owned"
    )
    site_accelerators: FloatArray = output("1", label="accelerators that the site's power feeds")
    requests_per_user: FloatArray = output("1", label="requests of a user in a month")

    def coords(self) -> Mapping[str, Any]:
        """Return the names of the parts of an hour and of the ways to pay."""
        scenario = self.scenario
        return {"part": PARTS, **({"way": scenario.ways} if isinstance(scenario, Service) else {})}

    def words(self, name: str) -> tuple[str, ...]:
        """Return the meaning of each code of an output, with the figures behind a reason that applies."""
        if name != "reason" or not np.any(self.infeasible):
            return self.spec(name).words
        return refusals(_deployment(self.resolved), self.reason)

    def refusal(self) -> str:
        """Return why the model cannot run, as a sentence; empty where it can."""
        return refused(self.words("reason"), self.reason)

    @derived("USD/hour", label="cost of an hour, in all", basis=_PER_HOUR)
    def hour_cost(self) -> FloatArray:
        """Cost of a paid accelerator-hour: the sum of its parts."""
        return np.asarray(ordered_sum(self.hour_parts))[()]

    @derived("USD/token", dims=("part",), label="cost of a token of the mix", basis=_PER_TOKEN, blank=_BLANK)
    def blended_parts(self) -> FloatArray:
        """Cost of a token of the mix by part of the hour."""
        return self.blended_cost * (self.hour_parts / self.hour_cost)

    @derived("USD", label="cost of a request of mean lengths", blank=_BLANK)
    def request_cost(self) -> FloatArray:
        """Cost of a request of mean lengths."""
        return self.blended_cost * self.tokens_per_second / self.requests_per_second

    @derived("USD", label="cost of the requests of a user in a month", blank=_BLANK)
    def user_cost(self) -> FloatArray:
        """Cost of a user's requests in a month."""
        return self.request_cost * self.requests_per_user

    @derived("token/year", label="tokens that the site serves", blank=_BLANK)
    def site_tokens(self) -> FloatArray:
        """Input and output tokens that the site serves in a year at its use."""
        return self.site_accelerators * self.utilisation * self.tokens_per_second * SECONDS_PER_YEAR

    @derived("1", label="users that the site serves", blank=_BLANK)
    def site_users(self) -> FloatArray:
        """Users that the site serves at its use."""
        requests = self.site_accelerators * self.utilisation * self.requests_per_second * SECONDS_PER_YEAR
        return requests / (MONTHS_PER_YEAR * self.requests_per_user)

    @derived("USD/year", label="cost of the site")
    def site_cost(self) -> FloatArray:
        """Cost of the site's accelerators in a year."""
        return self.site_accelerators * self.hour_cost * HOURS_PER_YEAR

    @derived("USD/year", label="revenue of the site", blank=_NO_SALE)
    def site_revenue(self) -> FloatArray:
        """Revenue of the site in a year at its use."""
        return self.site_tokens * self.blended_price

    @derived("USD/year", label="revenue of the site less its cost", blank=_NO_SALE)
    def site_profit(self) -> FloatArray:
        """Revenue less cost of the site in a year."""
        return self.site_revenue - self.site_cost

    @derived("1", label="gross margin", blank=_NO_SALE)
    def gross_margin(self) -> FloatArray:
        """Share of revenue that is left after the cost of serving."""
        return (self.blended_price - self.blended_cost) / self.blended_price


def serve_plan(resolved: Service) -> ServiceResult:
    """Compute the cost of a service by the hour, token, request, user and site.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    ServiceResult
        NaN, with the reason, where the model cannot run.

    Raises
    ------
    CatalogError
        If a record that the scenario leaves to the catalog is missing.

    Notes
    -----
    The owner's hour is that of `costmodel.ownership.accelerator_hour` at this use; times the use, it is the cost of a
    paid hour, energy of idle hours included. The deployment is that of `costmodel.serving.deploy` at this price.

    Examples
    --------
    >>> plan = Service(
    ...     name="chat", accelerator="H100-SXM", utilisation=0.4, hour={"it_life": 5.0, "wacc": 0.1},
    ...     serving={"architecture": "Llama-3.3-70B", "layout": {"tensor": 4},
    ...              "workload": {"mean_input": 2000.0, "mean_output": 400.0}})
    >>> result = serve_plan(plan.resolve())
    >>> bool(abs(float(result.blended_parts.sum()) / float(result.blended_cost) - 1.0) < 1e-12)
    True
    """
    load = resolved.serving.load
    use = resolved.utilisation
    if use is None:
        use = load.busy_share()
    figures = filled(resolved.hour, resolved.accelerator) if absent_figures(resolved.hour) else resolved.hour
    figures = _held(resolved, figures)
    hour = _hour(resolved, figures, use)
    parts = _parts(resolved, hour, use)
    served = _served(resolved, figures, ordered_sum(parts.values()), use)
    price = np.nan if resolved.sale is None else mix_price(resolved.sale, resolved.serving.workload)
    carbon, by_contract, water = emissions(resolved.carbon, served, use)
    values: dict[str, Any] = {
        name: getattr(served, name)
        for name in (
            "reason",
            "batch",
            "accelerators",
            "time_to_first_token",
            "time_per_output_token",
            "tokens_per_second",
            "requests_per_second",
            "input_cost",
            "cached_cost",
            "output_cost",
            "blended_cost",
            "energy",
        )
    }
    values |= {
        "required_rent": hour.required_rent,
        "flop_cost": hour.flop_cost,
        "utilisation": use,
        "blended_price": price,
        "carbon": carbon,
        "carbon_market": by_contract,
        "water": water,
        "site_accelerators": resolved.facility_power / (figures.it_power * figures.pue),
        "requests_per_user": resolved.requests_per_user,
        "salvage": figures.salvage,
    }
    costs, break_even = _ways(resolved, figures, hour, served, use)
    rows = (*values.values(), *parts.values(), *costs, *break_even)
    shaped = np.broadcast_arrays(*(np.asarray(row, dtype=np.float64) for row in rows))
    arrays: dict[str, Any] = {name: array[()] for name, array in zip(values, shaped, strict=False)}
    first, second = len(values), len(values) + len(parts)
    return ServiceResult(
        scenario=resolved,
        infeasible=np.not_equal(arrays["reason"], 0.0),
        hour_parts=np.stack(shaped[first:second]),
        way_cost=np.stack(shaped[second : second + len(costs)]),
        way_break_even=np.stack(shaped[second + len(costs) :]),
        **arrays,
    )


def _ways(
    resolved: Service, figures: HourInputs, hour: AcceleratorHourResult, served: DeploymentResult, use: Numeric
) -> tuple[list[Numeric], list[Numeric]]:
    """Return the cost of a token by each way of paying, and the use from which owning is cheaper than it.

    An owner's busy hour costs ``F/u + V``: ``V`` is the energy that a busy hour draws above an idle one.
    """
    per_hour = served.tokens_per_second * SECONDS_PER_HOUR
    owned = ordered_sum(hour[name] for name in COMPONENTS)
    drawn = figures.busy_load - figures.idle_load
    variable = figures.it_power * drawn * figures.pue * figures.electricity_price
    fixed = (owned - variable) * use
    costs: list[Numeric] = [owned / per_hour]
    break_even: list[Numeric] = [np.float64(np.nan)]
    rate = log_rate(figures.wacc)
    for offer in resolved.offers.values():
        price, scaled = offered(offer, rate, resolved.horizon)
        if offer.kind == "lease":
            house = _house(resolved, figures, use)
            costs.append((price / use + house) / per_hour)
            price = price + (house - variable) * use
        else:
            costs.append(on_demand_hour(price, use, scaled) / per_hour)
        break_even.append(reached_use(fixed, variable, price, scaled))
    for tokens in resolved.tokens_for_sale.values():
        price = mix_price(tokens, resolved.serving.workload)
        costs.append(price)
        break_even.append(reached_use(fixed, variable, price * per_hour, 1.0))
    return costs, break_even


def _held(resolved: Service, figures: HourInputs) -> HourInputs:
    """Return the figures with the years that hardware is held, and its resale value then."""
    if resolved.resale is None:
        return figures
    years = figures.it_life if resolved.horizon is None else np.minimum(figures.it_life, resolved.horizon)
    sold = resale_share(resolved.resale.decline, resolved.resale.kept, years)
    return figures.model_copy(update={"it_life": years, "salvage": sold})


def _house(resolved: Service, figures: HourInputs, use: Numeric) -> Numeric:
    """Return the cost of a busy hour besides hardware: site, energy and maintenance [USD/hour]."""
    bare = figures.model_copy(update=dict.fromkeys(PRICED, np.float64(0.0)))
    return _hour(resolved, bare, use).total


def _hour(resolved: Service, figures: HourInputs, use: Numeric) -> AcceleratorHourResult:
    """Return the owner's hour at the service's use."""
    entries = {name: getattr(figures, name) for name in HourInputs.model_fields}
    return accelerator_hour(AcceleratorHour.model_construct(**{**entries, "name": resolved.name, "utilisation": use}))


def _parts(resolved: Service, hour: AcceleratorHourResult, use: Numeric) -> dict[str, Numeric]:
    """Return the parts of a paid hour [USD/hour]."""
    if resolved.paid_by == "renting":
        return {**dict.fromkeys(COMPONENTS, np.float64(0.0)), "rent": resolved.rent}
    return {**{name: hour[name] * use for name in COMPONENTS}, "rent": np.float64(0.0)}


def _served(resolved: Service, figures: HourInputs, hour_price: Numeric, use: Numeric) -> DeploymentResult:
    """Serve at the price of the service's paid hour."""
    busy = figures.it_power * figures.busy_load
    energy = EnergyInputs.model_construct(power=busy, idle_share=figures.idle_load / figures.busy_load, pue=figures.pue)
    owned = resolved.paid_by == "owning"
    return deploy(
        _deployment(
            resolved,
            load=LoadInputs.model_construct(peak_to_average=1.0 / use, headroom=0.0, elastic_share=0.0),
            energy=energy,
            hour_price=hour_price,
            price_kind="owned" if owned else "rented",
            depreciation="accounting" if owned else "not applicable",
        )
    )


def _deployment(resolved: Service, **paid: Any) -> Deployment:
    """Return the service's deployment, with its price and way of paying."""
    entries = {name: getattr(resolved.serving, name) for name in ServingInputs.model_fields}
    return Deployment.model_construct(**(entries | paid), name=resolved.name, accelerator=resolved.accelerator)


register_model("service", Service, "costmodel.studies.service:serve_plan")
