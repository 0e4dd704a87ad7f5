"""The model ``training_run``: time, energy and cost by part, from a run's work, machines and method of costing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

import costmodel.catalog as catalog
from costmodel.catalog.named import AcceleratorName
from costmodel.compute import Shape, shape
from costmodel.foundation.arrays import FloatArray, Numeric, ordered_sum
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.training import cost, development, duration, goodput
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.inputs import (
    AmortizedInputs,
    DevelopmentInputs,
    OwningInputs,
    PowerInputs,
    PredictionInputs,
    ReliabilityInputs,
    RentalInputs,
)
from costmodel.training.recipe import POOLED, Recipe, framework_names
from costmodel.training.search import search_layouts

__all__ = ["TrainingRun", "TrainingRunResult", "train"]

_RUN_PARTS = (
    "chip_cost",
    "server_cost",
    "network_cost",
    "energy_cost",
    "facility_cost",
    "operations_cost",
    "rental_cost",
)
_PROGRAMME_PARTS = (
    "experiments_cost",
    "failed_runs_cost",
    "post_training_cost",
    "reinforcement_cost",
    "staff_cost",
    "data_cost",
)


class TrainingWork(Inputs):
    """Work, speed and reliability of a run, and the development around it: all inputs but its machines and cost."""

    tokens: Parameter = parameter("token", gt=0, plausible=(1e6, 1e18), description="Training tokens.")
    parameters: Parameter = parameter(
        "1", gt=0, optional=True, description="Parameters active for a token, for the 6ND rule."
    )
    flop_per_token: Parameter = parameter(
        "FLOP/token", gt=0, optional=True, description="Model FLOP per training token; absent: 6 per parameter."
    )
    accelerators: Parameter = parameter("1", ge=1, description="Accelerators that work on the run at once.")
    precision: str = "bf16"
    """Precision whose dense peak the utilisation is measured against."""
    peak: Parameter = parameter(
        "FLOP/s",
        gt=0,
        optional=True,
        description="Dense peak of an accelerator; absent: the catalog's for the precision.",
    )
    mfu: Parameter = parameter(
        "1", gt=0, le=1, optional=True, description="Model FLOP utilisation; absent: from hours, or predicted."
    )
    accelerator_hours: Parameter = parameter(
        "hour", gt=0, optional=True, description="Accelerator-hours that advanced training, where they are known."
    )
    recomputed_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of the forward pass computed again, for the HFU."
    )
    prediction: PredictionInputs | None = None
    """Inputs that predict the utilisation, where it is not given."""
    reliability: ReliabilityInputs | None = None
    """Failures and checkpoints; absent: the utilisation already counts lost time."""
    development: DevelopmentInputs | None = None
    """Development around the final run; absent: the final run alone."""

    @model_validator(mode="after")
    def _check_work(self) -> Self:
        ways = [name for name in ("mfu", "accelerator_hours", "prediction") if getattr(self, name) is not None]
        if len(ways) != 1:
            listed = ", ".join(ways) or "none"
            raise ScenarioError(
                f"give one of mfu, accelerator_hours and prediction, for the utilisation; given: {listed}"
            )
        if self.prediction is None and (self.parameters is None) == (self.flop_per_token is None):
            raise ScenarioError("give either parameters (for the 6ND rule) or flop_per_token")
        if self.prediction is not None and not (self.parameters is None and self.flop_per_token is None):
            raise ScenarioError("prediction takes FLOP per token from the architecture: leave them and parameters out")
        return self


class TrainingRun(TrainingWork, Scenario):
    """A training run: its work, its machines, one method of costing, and the development around it.

    Examples
    --------
    >>> run = TrainingRun(
    ...     name="DeepSeek-V3", accelerator="H800-SXM", accelerators=2048.0, tokens="14.8 Ttoken",
    ...     flop_per_token=250.4e9, mfu=0.3894, method="rental", rental={"price": "2 USD/hour"},
    ... )
    >>> run.rental.price
    2.0
    """

    model: Literal["training_run"] = "training_run"
    accelerator: AcceleratorName
    """Name of an accelerator in the catalog."""
    power: PowerInputs = PowerInputs()
    method: Literal["amortized", "rental", "owning"]
    """How the run is costed; only this method's table may be given."""
    amortized: AmortizedInputs | None = None
    rental: RentalInputs | None = None
    owning: OwningInputs | None = None

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        given = [name for name in ("amortized", "rental", "owning") if getattr(self, name) is not None]
        if given != [self.method]:
            listed = ", ".join(given) or "none"
            raise ScenarioError(f"method {self.method!r} needs the table {self.method!r} and no other; given: {listed}")
        return self


register_model("training_run", TrainingRun, "costmodel.training.training_run:train")


_NO_POWER = "where no rated power is on record and power.chip_power is not given"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRunResult(Result):
    """Time, energy and cost of a training run and of the development around it.

    Parts that the chosen method does not distinguish are 0: a rental price is one part.
    """

    ENSEMBLE_OUTPUTS: ClassVar[tuple[str, ...]] = (
        "run_cost",
        "programme_cost",
        "wall_clock",
        "paid_hours",
        "energy",
        "facility_power",
        *_RUN_PARTS,
        *_PROGRAMME_PARTS,
    )

    flop: FloatArray = output("FLOP", label="model FLOP of the run")
    mfu: FloatArray = output("1", label="model FLOP utilisation while training")
    hfu: FloatArray = output("1", label="hardware FLOP utilisation while training")
    productive_hours: FloatArray = output("hour", label="accelerator-hours that advance training")
    paid_hours: FloatArray = output("hour", label="accelerator-hours paid, spares and lost time included")
    wall_clock: FloatArray = output("hour", label="time from start to end")
    effective_time_ratio: FloatArray = output("1", label="share of the time that advances training")
    interruptions: FloatArray = output("1", label="expected interruptions")
    checkpoint_interval: FloatArray = output("hour", label="work between two checkpoints; 0 without failures")
    spare_nodes: FloatArray = output("1", label="spare nodes held")
    energy: FloatArray = output("Wh", label="energy from the grid", blank=_NO_POWER)
    facility_power: FloatArray = output("W", label="mean power from the grid", blank=_NO_POWER)
    chip_cost: FloatArray = output("USD", label="accelerators")
    server_cost: FloatArray = output("USD", label="rest of the servers")
    network_cost: FloatArray = output("USD", label="network")
    energy_cost: FloatArray = output("USD", label="energy")
    facility_cost: FloatArray = output("USD", label="facility")
    operations_cost: FloatArray = output("USD", label="operations")
    rental_cost: FloatArray = output("USD", label="rental")
    experiments_cost: FloatArray = output("USD", label="experiments before the final run")
    failed_runs_cost: FloatArray = output("USD", label="failed runs at full scale")
    post_training_cost: FloatArray = output("USD", label="context extension and supervised post-training")
    reinforcement_cost: FloatArray = output("USD", label="reinforcement learning")
    staff_cost: FloatArray = output("USD", label="staff with equity")
    data_cost: FloatArray = output("USD", label="data bought and hosted")
    cluster_cost: FloatArray = output(
        "USD", label="buying the cluster with its network, spares included; no part of a cost"
    )

    @derived("USD", label="final run")
    def run_cost(self) -> Any:
        """Cost of the final run by the scenario's method."""
        return ordered_sum(getattr(self, name) for name in _RUN_PARTS)

    @derived("USD/hour", label="paid accelerator-hour")
    def hour_cost(self) -> Any:
        """Cost of a paid accelerator-hour by the scenario's method."""
        return self.run_cost / self.paid_hours

    @derived("USD", label="final run and development")
    def programme_cost(self) -> Any:
        """Cost of the final run and the development around it."""
        return self.run_cost + ordered_sum(getattr(self, name) for name in _PROGRAMME_PARTS)

    def basis(self, name: str) -> str | None:
        """Return what a cost of the run counts, by the scenario's method, or what a prediction rests on."""
        given = self.scenario.prediction  # type: ignore[attr-defined]
        if name in _PREDICTED and given is not None:
            recipe = Recipe.recorded(given.framework, self.scenario.accelerator)  # type: ignore[attr-defined]
            return f"predicted by the recipe {recipe.name!r}, fitted on {recipe.fitted_on}; spread {recipe.spread:.3g}"
        by_method = name in _RUN_PARTS or name in ("run_cost", "hour_cost", "programme_cost")
        return _BASES[self.scenario.method] if by_method else None  # type: ignore[attr-defined]

    def breakdown(self) -> dict[str, Any]:
        """Return every part of the programme's cost by name [USD]."""
        return {name: getattr(self, name) for name in (*_RUN_PARTS, *_PROGRAMME_PARTS)}


_PREDICTED = frozenset({"mfu", "hfu", "productive_hours"})
"""Outputs that depend on a prediction."""
_BASES = {
    "amortized": "amortized hardware (economic decline in value) and energy; no facility, no cost of capital",
    "rental": "rental price of accelerator-hours",
    "owning": "owner's total cost of accelerator-hours",
}


def train(resolved: TrainingRun) -> TrainingRunResult:
    """Compute time, energy and cost of a training run.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    TrainingRunResult
        Results, ``()`` or ``(draw,)`` each.

    Raises
    ------
    CatalogError
        If the accelerator, or a figure of it that the scenario leaves to the catalog, is not recorded.
    ScenarioError
        If a utilisation is to be predicted for uncertain machines.

    Examples
    --------
    DeepSeek-V3's pre-training at its published utilisation and rental price:

    >>> run = TrainingRun(
    ...     name="DeepSeek-V3", accelerator="H800-SXM", accelerators=2048.0, tokens="14.8 Ttoken",
    ...     flop_per_token=250.4e9, mfu=0.3894, method="rental", rental={"price": "2 USD/hour"},
    ... )
    >>> result = train(run.resolve())
    >>> round(float(result.productive_hours) / 1e6, 2), round(float(result.run_cost) / 1e6, 2)
    (2.67, 5.34)
    """
    values = _work(resolved)
    values |= _reliability(resolved, values["productive_hours"])
    values |= _energy(resolved, values["paid_hours"], values["wall_clock"])
    values |= _run_cost(resolved, values["paid_hours"], values["energy"])
    values["cluster_cost"] = _cluster_cost(resolved, values["paid_hours"] / values["wall_clock"])
    run_cost = ordered_sum(values[name] for name in _RUN_PARTS)
    values |= _development(resolved, run_cost, run_cost / values["paid_hours"])
    shaped = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values.values()))
    outputs: dict[str, Any] = {name: array[()] for name, array in zip(values, shaped, strict=True)}
    return TrainingRunResult(scenario=resolved, remarks=_remarks(resolved), **outputs)


def _remarks(resolved: TrainingRun) -> tuple[str, ...]:
    """Return remarks on a prediction: assumptions about its shape, and a missing framework."""
    given = resolved.prediction
    if given is None:
        return ()
    found = _shape(given).notes
    if given.framework != POOLED:
        return found
    known = ", ".join(name for name in framework_names() if name != POOLED)
    said = f"prediction.framework is not given: the pooled record is used; measured frameworks are {known}"
    return (*found, said)


def _work(resolved: TrainingRun) -> dict[str, Numeric]:
    """Return FLOP, utilisations and productive hours."""
    chip = catalog.accelerator(resolved.accelerator)
    peak = chip.peak(resolved.precision) if resolved.peak is None else resolved.peak
    given = resolved.prediction
    if given is not None:
        job = _job(resolved, given)
        flop = job.flop / job.tokens * resolved.tokens
    elif resolved.flop_per_token is not None:
        flop = resolved.flop_per_token * resolved.tokens
    else:
        flop = duration.training_flop(resolved.parameters, resolved.tokens)
    if resolved.accelerator_hours is not None:
        mfu = duration.model_flop_utilisation(flop, peak, resolved.accelerator_hours)
        hours = resolved.accelerator_hours
        if np.any(np.greater(mfu, 1.0)):
            raise ScenarioError(
                f"accelerator_hours = {np.min(hours):g} hour: too few for {np.max(flop):.3g} FLOP, whose utilisation "
                f"would be {np.max(mfu):.3g}; check hours, tokens and the FLOP per token"
            )
    else:
        mfu = resolved.mfu if given is None else _predicted(resolved, given)
        hours = duration.accelerator_hours(flop, peak, mfu)
    return {
        "flop": flop,
        "mfu": mfu,
        "hfu": duration.hardware_flop_utilisation(mfu, resolved.recomputed_share),
        "productive_hours": hours,
    }


def _shape(given: PredictionInputs) -> Shape:
    """Return the model of a prediction, from the catalog, a file or as given."""
    own = given.own_shape
    return shape(given.architecture if own is None else {"name": given.architecture, **own})


def _job(resolved: TrainingRun, given: PredictionInputs) -> TrainingJob:
    """Return a step of the run."""
    return TrainingJob(
        shape=_shape(given),
        sequence=given.sequence,
        batch=given.batch,
        frozen=given.frozen,
        recipe=Recipe.recorded(given.framework, resolved.accelerator),
    )


def _predicted(resolved: TrainingRun, given: PredictionInputs) -> Numeric:
    """Return the utilisation of the best layout on the scenario's cluster, with the error of such predictions."""
    numbers = (resolved.accelerators, given.scale_out_bandwidth, given.clock, given.memory_bandwidth)
    if any(np.ndim(number) for number in numbers if number is not None):
        raise ScenarioError(
            "a utilisation is predicted for one cluster: accelerators, bandwidths and clock must be numbers"
        )
    sold = Cluster.recorded(
        resolved.accelerator, int(resolved.accelerators), float(given.scale_out_bandwidth), resolved.precision
    )
    bandwidth = None if given.memory_bandwidth is None else float(given.memory_bandwidth)
    cluster = sold.derated(float(given.clock), bandwidth)
    reached = search_layouts(_job(resolved, given), cluster, given.layout).best_utilisation
    return np.minimum(reached * float(given.clock) / given.step_time_factor, 1.0)


def _reliability(resolved: TrainingRun, hours: Numeric) -> dict[str, Numeric]:
    """Return time lost to failures, spares held, and the hours that are paid for."""
    given = resolved.reliability
    ratio: Numeric
    interval: Numeric
    spares: Numeric
    mean_time: Numeric
    if given is None:
        ratio, interval, spares, mean_time, node_size = 1.0, 0.0, 0.0, np.inf, 1
    else:
        node_size, spares = given.node_size, 0.0
        nodes = resolved.accelerators / node_size
        mean_time = goodput.mean_time_between_failures(nodes, given.failure_rate)
        interval = given.checkpoint_interval
        if interval is None:
            interval = goodput.daly_interval_higher_order(given.checkpoint_time, mean_time)
        ratio = goodput.exponential_training_time_ratio(interval, given.checkpoint_time, mean_time, given.restart_time)
        if given.spare_confidence is not None:
            spares = goodput.spare_nodes(nodes, given.failure_rate, given.repair_time, given.spare_confidence)
    elapsed = duration.wall_clock(hours, resolved.accelerators, ratio)
    return {
        "wall_clock": elapsed,
        "paid_hours": elapsed * (resolved.accelerators + spares * node_size),
        "effective_time_ratio": ratio,
        "interruptions": goodput.interruptions(elapsed, mean_time),
        "checkpoint_interval": interval,
        "spare_nodes": spares,
    }


def _energy(resolved: TrainingRun, hours: Numeric, elapsed: Numeric) -> dict[str, Numeric]:
    """Return energy and mean power."""
    power, usual = resolved.power, cost.cottier_figures(resolved.accelerator)
    rated = _rated_power(resolved) if power.chip_power is None else power.chip_power
    energy = cost.run_energy(
        hours,
        rated,
        usual.server_power if power.server_factor is None else power.server_factor,
        usual.power_fraction if power.power_fraction is None else power.power_fraction,
        power.pue,
    )
    return {"energy": energy, "facility_power": energy / elapsed}


def _rated_power(resolved: TrainingRun) -> float:
    """Return the chip's rated power on record; NaN where there is none and the cost does not need it."""
    chip = catalog.accelerator(resolved.accelerator)
    return chip.power if resolved.amortized is not None or "power" in chip else np.nan


def _run_cost(resolved: TrainingRun, hours: Numeric, energy: Numeric) -> dict[str, Numeric]:
    """Return the parts of the final run's cost by the scenario's method."""
    parts: dict[str, Numeric] = dict.fromkeys(_RUN_PARTS, 0.0)
    if resolved.rental is not None:
        parts["rental_cost"] = cost.rental_cost(hours, resolved.rental.price)
    elif resolved.owning is not None:
        names = ("chip", "server", "network", "energy", "facility", "operations")
        parts |= {f"{name}_cost": cost.rental_cost(hours, getattr(resolved.owning, name)) for name in names}
    elif resolved.amortized is not None:
        given, usual = resolved.amortized, cost.cottier_figures(resolved.accelerator)
        parts |= cost.amortized_cost(
            hours,
            given.acquisition_price,
            given.years_in_use,
            energy,
            given.energy_price,
            usual.server_overhead if given.server_overhead is None else given.server_overhead,
            given.decline_rate,
            given.network_share,
        )
    return parts


def _cluster_cost(resolved: TrainingRun, accelerators: Numeric) -> Numeric:
    """Return what buying the machines costs up front; 0 where the method does not know their price."""
    given = resolved.amortized
    return 0.0 if given is None else cost.acquisition_cost(accelerators, given.acquisition_price, given.network_share)


def _development(resolved: TrainingRun, run_cost: Numeric, hour_cost: Numeric) -> dict[str, Numeric]:
    """Return the parts of the development around the final run."""
    given = resolved.development
    if given is None:
        return dict.fromkeys(_PROGRAMME_PARTS, 0.0)
    return {
        "experiments_cost": development.experiments_cost(run_cost, given.experiments_multiplier),
        "failed_runs_cost": development.failed_runs_cost(run_cost, given.failed_share),
        "post_training_cost": given.post_training_hours * hour_cost,
        "reinforcement_cost": given.reinforcement_hours * hour_cost,
        "staff_cost": development.staff_cost(
            given.headcount, given.duration, given.salary, given.overhead_rate, given.equity
        ),
        "data_cost": development.data_cost(
            given.data_acquisition, given.data_size, given.storage_price, given.duration
        ),
    }
