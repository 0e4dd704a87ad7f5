"""Total cost of owning an accelerator for an hour, by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from pydantic import model_validator

from costmodel.catalog.named import AcceleratorName, OperatorName, RegionName
from costmodel.foundation.arrays import FloatArray, Numeric, as_array, ordered_sum
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.provenance import Citation, Grade
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.energy import energy_cost, facility_cost
from costmodel.ownership.finance import cost_per_flop, cost_per_hour, log_rate
from costmodel.ownership.hour_records import (
    DEFAULT_OPERATOR,
    DEFAULT_PRECISION,
    DEFAULT_REGION,
    FIGURES,
    PRICED,
    Figures,
    figures,
)
from costmodel.ownership.rent import capital_recovery_factor, required_rent

BASIS = (
    "per accelerator-hour in use at the stated utilisation; owned, purchase price recovered by a year-end annuity; "
    "less resale; power, cooling, site and maintenance in; staff, software, storage, tax and profit out"
)
"""Basis of a cost per accelerator-hour of this model."""
NOT_MODELLED = ("staff, software, storage, spares and tax",)
"""Costs that no accelerator-hour includes."""
COMPONENTS = ("chip", "server", "network", "facility", "energy", "maintenance", "cost_of_capital")
"""Outputs that add up to the total."""


class HourInputs(Inputs):
    """Inputs of owning and running one accelerator, except its use; absent figures come from the catalog.

    ``price_basis``, ``known_by``, ``region``, ``operator`` and ``precision`` choose the catalog's records, as in
    `costmodel.ownership.hour_records.figures`; a choice without effect is an error.
    """

    price_basis: Literal["vendor", "rack", "owner_cost", "server", "card", "vendor_chip"] | None = None
    """Basis of the price; absent: the first basis that is recorded in full."""
    known_by: str | None = None
    """Date by which prices must have been published, such as ``2025-12``."""
    region: RegionName | None = None
    """Record of the electricity price; absent: industrial average of the United States."""
    operator: OperatorName | None = None
    """Record of the power usage effectiveness; absent: a hyperscaler's."""
    precision: str | None = None
    """Precision of the peak for the cost of an operation; absent: bf16."""
    chip_price: Parameter = parameter("USD", ge=0, optional=True, description="Price of the accelerator itself.")
    server_price: Parameter = parameter(
        "USD",
        ge=0,
        optional=True,
        description="Accelerator's share of the other server or rack parts: CPUs, boards, cabinet, internal links.",
    )
    network_price: Parameter = parameter(
        "USD",
        ge=0,
        optional=True,
        description="Accelerator's share of the network between servers; 0 where the rack's price includes it.",
    )
    it_power: Parameter = parameter(
        "W",
        gt=0,
        plausible=(5.0, 1e5),
        optional=True,
        description="Power draw of chip, server and network at full load, per accelerator.",
    )
    it_life: Parameter = parameter("year", gt=0, description="Years over which chip, server and network are recovered.")
    salvage: Parameter = parameter(
        "1",
        ge=0,
        le=1,
        default=0.0,
        description="Resale value of chip, server and network at it_life, as a share of their price.",
    )
    busy_load: Parameter = parameter(
        "1",
        ge=0,
        le=1,
        default=0.76,
        description="Draw in use over draw at full load.",
        grade=Grade.PUBLISHED,
        note="training draws about 76 % of rated power: Newkirk et al., arXiv 2506.14551",
    )
    idle_load: Parameter = parameter("1", ge=0, le=1, default=0.25, description="Idle draw over draw at full load.")
    pue: Parameter = parameter("1", ge=1, optional=True, description="Site power over IT power.")
    electricity_price: Parameter = parameter("USD/Wh", ge=0, optional=True, description="Price at the meter.")
    facility_cost_per_watt: Parameter = parameter(
        "USD/W", ge=0, optional=True, description="Site cost per watt of IT power."
    )
    facility_life: Parameter = parameter(
        "year", gt=0, optional=True, description="Years over which the site is recovered."
    )
    maintenance_per_watt: Parameter = parameter(
        "USD/W/year", ge=0, optional=True, description="Maintenance and site staff per year, per watt of IT power."
    )
    wacc: Parameter = parameter("1/year", ge=0, plausible=(0.0, 1.0), description="Cost of capital, year-end rate.")
    rent_decline: Parameter = parameter(
        "1/year",
        default=0.26,
        description="Expected logarithmic fall of the rent of IT, used for the required rent; positive where it falls.",
        note="fall of IT cost per H100 equivalent, assumed from mid-2026 on; prices fell 0.20 a year before",
    )
    peak: Parameter = parameter("FLOP/s", gt=0, optional=True, description="Dense peak, for the cost of an operation.")
    mfu: Parameter = parameter("1", gt=0, le=1, default=0.4, description="Share of the peak that does useful work.")


_H = TypeVar("_H", bound=HourInputs)
_CHOOSES = {"region": "electricity_price", "operator": "pue", "precision": "peak"}
"""Figure whose record each entry chooses."""


def absent_figures(hour: HourInputs) -> tuple[str, ...]:
    """Return the names of the figures that are left to the catalog."""
    return tuple(name for name in FIGURES if getattr(hour, name) is None)


def check_choices(hour: HourInputs, accelerator: str, *, named_elsewhere: bool = False) -> None:
    """Raise an error for a choice without effect, or for absent figures of an unnamed accelerator.

    Parameters
    ----------
    hour
        The inputs.
    accelerator
        Name in the catalog; may be empty where every figure is given.
    named_elsewhere
        Whether the name is also used outside the hour, so that it may be given even if every figure is.

    Raises
    ------
    ScenarioError
        If a record is chosen for a figure that is given, or a figure is absent and no accelerator is named.
    """
    absent = absent_figures(hour)
    if absent and not accelerator:
        raise ScenarioError(f"{absent[0]} is absent: give it, or name an accelerator of the catalog")
    if accelerator and not absent and not named_elsewhere:
        raise ScenarioError(f"accelerator {accelerator!r} would do nothing: every figure is given; leave the name out")
    priced = [name for name in PRICED if name in absent]
    for name in ("price_basis", "known_by"):
        if getattr(hour, name) is not None and not priced:
            raise ScenarioError(f"{name} would do nothing: chip, server and network price are given")
    for name, figure in _CHOOSES.items():
        if getattr(hour, name) is not None and figure not in absent:
            raise ScenarioError(f"{name} would do nothing: {figure} is given")


def filled(hour: _H, accelerator: str) -> _H:
    """Return the inputs with every absent figure taken from the catalog.

    Parameters
    ----------
    hour
        Written or resolved inputs.
    accelerator
        Name in the catalog.

    Raises
    ------
    CatalogError
        If a figure is not recorded; the message names it, and the input that may be given instead.
    """
    found = _figures(hour, accelerator)
    return hour.model_copy(update={name: np.float64(entry["value"]) for name, entry in found.entries.items()})


def _figures(hour: HourInputs, accelerator: str) -> Figures:
    absent = absent_figures(hour)
    return figures(
        accelerator,
        absent,
        price=hour.price_basis,
        known_by=hour.known_by,
        region=hour.region or DEFAULT_REGION,
        operator=hour.operator or DEFAULT_OPERATOR,
        precision=hour.precision or DEFAULT_PRECISION,
    )


class AcceleratorHour(HourInputs, Scenario):
    """An accelerator that is owned and run, as a scenario.

    Examples
    --------
    >>> hour = AcceleratorHour(name="h", accelerator="H100-SXM", it_life=4.0, wacc=0.07)
    >>> hour.chip_price is None, round(float(hour.completed().chip_price))
    (True, 23238)
    """

    model: Literal["accelerator_hour"] = "accelerator_hour"
    accelerator: AcceleratorName = ""
    """Name of the accelerator in the catalog; needed where a figure is absent."""
    utilisation: Parameter = parameter(
        "1", gt=0, le=1, default=1.0, description="Share of hours that bear the cost; 1: cost per calendar hour."
    )

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        check_choices(self, self.accelerator)
        return self

    def completed(self) -> AcceleratorHour:
        """Return the scenario with every absent figure filled in, with source, grade and note.

        Raises
        ------
        CatalogError
            If a figure is not recorded.
        """
        if not absent_figures(self):
            return self
        found = _figures(self, self.accelerator)
        table = {key: entry.written() for key, entry in self.source_table.items()}
        unused = dict.fromkeys(("accelerator", "price_basis", "known_by", *_CHOOSES))
        title = self.title or f"{self.accelerator}, owned{found.priced_by}"
        changes = {**found.entries, **unused, "title": title, "sources": {**found.sources, **table}}
        return self.replace(changes)

    def sources(self) -> tuple[Citation, ...]:
        """Return the bibliography of the scenario, with the catalog figures that it uses."""
        return super().sources() if not absent_figures(self) else self.completed().sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratorHourResult(Result):
    """Cost of an accelerator-hour by component; capital components hold straight-line recovery of the price only."""

    HEADLINES: ClassVar[tuple[str, ...]] = ("total",)

    chip: FloatArray = output("USD/hour", label="accelerator, straight-line recovery", basis=BASIS)
    server: FloatArray = output("USD/hour", label="other server or rack parts, straight-line recovery", basis=BASIS)
    network: FloatArray = output("USD/hour", label="network between servers, straight-line recovery", basis=BASIS)
    facility: FloatArray = output("USD/hour", label="site, straight-line recovery", basis=BASIS)
    energy: FloatArray = output("USD/hour", label="electricity", basis=BASIS)
    maintenance: FloatArray = output("USD/hour", label="maintenance and site staff", basis=BASIS)
    cost_of_capital: FloatArray = output(
        "USD/hour", label="cost of capital on chip, server, network and site", basis=BASIS
    )
    required_rent: FloatArray = output(
        "USD/hour",
        label="rent that new capacity must earn while rents fall",
        basis="per accelerator-hour sold at the stated utilisation; first hour of a falling rent, not an average",
    )
    flop_cost: FloatArray = output(
        "USD/FLOP",
        label="cost of a useful operation",
        basis=BASIS + "; operations at the stated share of peak",
        blank="where no peak of the accelerator is recorded or given",
    )

    @derived("USD/hour", label="total cost of an accelerator-hour", basis=BASIS)
    def total(self) -> Numeric:
        """Cost of an accelerator-hour [USD/hour]: the sum of its components."""
        parts: list[FloatArray] = [self[name] for name in COMPONENTS]
        return ordered_sum(parts)

    def breakdown(self) -> dict[str, Numeric]:
        """Return the components and their total [USD/hour]."""
        return {**{name: self[name] for name in COMPONENTS}, "total": self.total}


def accelerator_hour(resolved: AcceleratorHour) -> AcceleratorHourResult:
    """Compute the cost of an accelerator-hour and its components.

    Parameters
    ----------
    resolved
        Resolved inputs: floats or ``(draw,)`` arrays.

    Returns
    -------
    AcceleratorHourResult
        Components [USD/hour]. A capital component is price less salvage over life; the rest of the annuity is in
        ``cost_of_capital``. In the required rent, the rent of IT falls and that of the site is level.

    Notes
    -----
    A price ``P`` with resale value ``S`` after ``L`` years costs ``P·CRF(w, L) − S·(CRF(w, L) − w)`` a year, of which
    ``(P − S)/L`` is straight-line recovery.

    Raises
    ------
    CatalogError
        If a figure that is left to the catalog is not recorded.

    Examples
    --------
    >>> hour = accelerator_hour(AcceleratorHour(
    ...     name="h", chip_price=24e3, server_price=4e3, network_price=7e3, it_power="1.4 kW", it_life=4.0, pue=1.1,
    ...     electricity_price="80 USD/MWh", facility_cost_per_watt=11.0, facility_life=20.0,
    ...     maintenance_per_watt=0.3, wacc=0.07, peak=989.4e12).resolve())
    >>> round(float(hour.total), 3), round(float(hour.required_rent), 3), round(float(hour.flop_cost) * 1e18, 3)
    (1.486, 2.093, 1.043)
    """
    if absent_figures(resolved):
        resolved = filled(resolved, resolved.accelerator)
    load = resolved.idle_load + (resolved.busy_load - resolved.idle_load) * resolved.utilisation
    site = facility_cost(resolved.it_power, resolved.facility_cost_per_watt, 0.0)
    sold = resolved.salvage
    prices = {
        "chip": (resolved.chip_price, resolved.it_life, sold),
        "server": (resolved.server_price, resolved.it_life, sold),
        "network": (resolved.network_price, resolved.it_life, sold),
        "facility": (site, resolved.facility_life, 0.0),
    }
    yearly = {name: price * (1.0 - share) / life for name, (price, life, share) in prices.items()}
    yearly["energy"] = energy_cost(resolved.it_power, load, resolved.pue, HOURS_PER_YEAR, resolved.electricity_price)
    yearly["maintenance"] = resolved.it_power * resolved.maintenance_per_watt
    yearly["cost_of_capital"] = ordered_sum(
        price * ((1.0 - share) * (capital_recovery_factor(resolved.wacc, life) - 1.0 / life) + share * resolved.wacc)
        for price, life, share in prices.values()
    )
    hourly: dict[str, Any] = {
        name: cost_per_hour(cost, resolved.utilisation, HOURS_PER_YEAR) for name, cost in yearly.items()
    }
    rate = log_rate(resolved.wacc)
    it_price = resolved.chip_price + resolved.server_price + resolved.network_price
    it_price = it_price * (1.0 - sold * np.exp(-rate * resolved.it_life))
    running = yearly["energy"] + yearly["maintenance"]
    rent = required_rent(it_price, rate, resolved.rent_decline, resolved.it_life, running)
    rent = rent + required_rent(site, rate, 0.0, resolved.facility_life, 0.0)
    total = ordered_sum(hourly[name] for name in COMPONENTS)
    return AcceleratorHourResult(
        scenario=resolved,
        required_rent=as_array(cost_per_hour(rent, resolved.utilisation, HOURS_PER_YEAR)),
        flop_cost=as_array(cost_per_flop(total, np.nan if resolved.peak is None else resolved.peak, resolved.mfu)),
        **hourly,
    )


register_model("accelerator_hour", AcceleratorHour, "costmodel.ownership.accelerator_hour:accelerator_hour")


def from_catalog(accelerator: str, *, it_life: Any = 4.0, wacc: Any = 0.07, **changes: Any) -> AcceleratorHour:
    """Build the cost of an accelerator-hour from the catalog's prices, power and site figures.

    Parameters
    ----------
    accelerator
        Name in the catalog, such as ``"H100-SXM"``.
    it_life, wacc
        Years of recovery [year] and cost of capital [1/year]; 4 years and 7 % are those of the published comparison.
    **changes
        Other inputs of `AcceleratorHour`, which replace a recorded figure or choose a record.

    Returns
    -------
    AcceleratorHour
        A scenario whose title names the price record, and whose figures carry their sources.

    Raises
    ------
    CatalogError
        If the accelerator, its price or a site figure is not recorded and not given.

    Examples
    --------
    >>> scenario = from_catalog("H100-SXM")
    >>> round(float(accelerator_hour(scenario.resolve()).total), 2)
    1.48
    """
    settings: dict[str, Any] = {
        "name": f"accelerator-hour-{accelerator.lower()}",
        "accelerator": accelerator,
        "it_life": it_life,
        "wacc": wacc,
        "not_modelled": NOT_MODELLED,
    }
    return AcceleratorHour(**{**settings, **changes}).completed()
