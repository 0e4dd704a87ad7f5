"""A training programme priced by the same accelerator-hour as a service: the run and the development around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from costmodel.catalog.named import AcceleratorName
from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.accelerator_hour import (
    NOT_MODELLED,
    AcceleratorHour,
    HourInputs,
    absent_figures,
    accelerator_hour,
    check_choices,
    filled,
)
from costmodel.ownership.energy import facility_cost
from costmodel.ownership.rent import capital_recovery_factor
from costmodel.training.inputs import OwningInputs, PowerInputs, RentalInputs
from costmodel.training.training_run import TrainingRun, TrainingRunResult, TrainingWork, train


class TrainingProgramme(Scenario):
    """A training run and its development on accelerators that are owned or rented.

    Every paid hour counts: the run's own, those lost to failures, and those of spares.

    Examples
    --------
    >>> programme = TrainingProgramme(
    ...     name="run", accelerator="H100-SXM", hour={"it_life": 5.0, "wacc": 0.1},
    ...     work={"tokens": "1 Ttoken", "parameters": 8e9, "accelerators": 512.0, "mfu": 0.4})
    >>> programme.paid_by
    'owning'
    """

    model: Literal["training_programme"] = "training_programme"
    not_modelled: tuple[str, ...] = NOT_MODELLED
    accelerator: AcceleratorName
    """Name of an accelerator in the catalog."""
    paid_by: Literal["owning", "renting"] = "owning"
    """Whether the hour is computed from what an owner pays, or is the rent."""
    hour: HourInputs
    """Inputs of an hour's cost; for a renter, power and site count for energy alone."""
    rent: Parameter = parameter("USD/hour", ge=0, optional=True, description="Price of a paid hour, where rented.")
    work: TrainingWork

    @model_validator(mode="after")
    def _check_one_place(self) -> Self:
        if (self.rent is None) != (self.paid_by == "owning"):
            raise ScenarioError(
                f"paid_by is {self.paid_by!r}: {'leave rent out' if self.paid_by == 'owning' else 'give rent'}"
            )
        check_choices(self.hour, self.accelerator, named_elsewhere=True)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgrammeResult(TrainingRunResult):
    """Time, energy and cost of a run and its programme, with figures of the owner's hour."""

    required_rent: FloatArray = output(
        "USD/hour", label="rent that new capacity must earn while rents fall", basis="per accelerator-hour, owned"
    )
    flop_cost: FloatArray = output("USD/FLOP", label="cost of an operation at the hour's share of peak", basis="owned")

    def basis(self, name: str) -> str | None:
        """Return what a cost counts."""
        paid_by = getattr(self.scenario, "paid_by", "")
        if name in ("run_cost", "hour_cost", "programme_cost") or (name.endswith("_cost") and name != "flop_cost"):
            return "owner's cost of every paid hour" if paid_by == "owning" else "rent of every paid hour"
        return self.spec(name).basis

    @derived("USD", label="cost of a run that ends as planned, without lost time and spares")
    def cost_without_loss(self) -> FloatArray:
        """Cost of the hours that advance training."""
        return np.asarray(self.run_cost * self.productive_hours / self.paid_hours)[()]


def train_programme(resolved: TrainingProgramme) -> TrainingProgrammeResult:
    """Compute the cost of a training run and its programme from the hours of their machines.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    TrainingProgrammeResult
        Time, energy and cost by part.

    Notes
    -----
    Capital of a part is its price times the capital recovery factor, so that the parts of a paid hour add up to the
    total of `costmodel.ownership.accelerator_hour` times the share of paid hours that advance training. The others
    (restarts, spares) draw idle power.

    Examples
    --------
    >>> programme = TrainingProgramme(
    ...     name="run", accelerator="H100-SXM", hour={"it_life": 5.0, "wacc": 0.1},
    ...     work={"tokens": "1 Ttoken", "parameters": 8e9, "accelerators": 512.0, "mfu": 0.4})
    >>> result = train_programme(programme.resolve())
    >>> bool(result.run_cost > 0)
    True
    """
    figures = filled(resolved.hour, resolved.accelerator) if absent_figures(resolved.hour) else resolved.hour
    run = _run(resolved, figures, 1.0, 0.0)
    busy = run.productive_hours / run.paid_hours
    entries = {name: getattr(figures, name) for name in HourInputs.model_fields}
    hour = accelerator_hour(AcceleratorHour.model_construct(**{**entries, "name": resolved.name, "utilisation": busy}))
    load = figures.idle_load + (figures.busy_load - figures.idle_load) * busy
    run = _run(resolved, figures, load, hour.energy * busy)
    values: dict[str, Any] = {name: run[name] for name, spec in run.outputs().items() if not spec.derived}
    shape = np.shape(run.run_cost)
    extra: dict[str, Any] = {
        name: np.broadcast_to(hour[name], np.broadcast_shapes(shape, np.shape(hour[name])))[()]
        for name in ("required_rent", "flop_cost")
    }
    return TrainingProgrammeResult(scenario=resolved, **values, **extra)


def _run(resolved: TrainingProgramme, figures: HourInputs, load: Numeric, energy: Numeric) -> TrainingRunResult:
    """Return the run at a mean load of its paid hours [1] and their energy cost [USD/hour]."""
    costs: dict[str, Any] = {
        "method": "rental",
        "rental": RentalInputs.model_construct(price=resolved.rent),
        "owning": None,
    }
    if resolved.paid_by == "owning":
        owning = OwningInputs.model_construct(**_parts(figures, energy))
        costs = {"method": "owning", "rental": None, "owning": owning}
    power = PowerInputs.model_construct(
        chip_power=figures.it_power, server_factor=1.0, power_fraction=load, pue=figures.pue
    )
    work = {name: getattr(resolved.work, name) for name in TrainingWork.model_fields}
    return train(
        TrainingRun.model_construct(
            **work, **costs, name=resolved.name, accelerator=resolved.accelerator, power=power, amortized=None
        )
    )


def _parts(figures: HourInputs, energy: Numeric) -> dict[str, Any]:
    """Return the parts of a paid hour of an owner [USD/hour], capital with its cost."""
    it = capital_recovery_factor(figures.wacc, figures.it_life) / HOURS_PER_YEAR
    site = facility_cost(figures.it_power, figures.facility_cost_per_watt, 0.0)
    return {
        "chip": figures.chip_price * it,
        "server": figures.server_price * it,
        "network": figures.network_price * it,
        "facility": site * capital_recovery_factor(figures.wacc, figures.facility_life) / HOURS_PER_YEAR,
        "energy": energy,
        "operations": figures.it_power * figures.maintenance_per_watt / HOURS_PER_YEAR,
    }


register_model("training_programme", TrainingProgramme, "costmodel.studies.training_programme:train_programme")
