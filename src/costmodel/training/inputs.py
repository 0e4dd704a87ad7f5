"""Inputs of a training run: prediction, power, reliability, methods of costing, development."""

from __future__ import annotations

from pydantic import Field

from costmodel.compute.own_shape import OwnShape, ShapeSource
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.inputs import Count, Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.training.cost import COTTIER_DECLINE_RATE, COTTIER_NETWORK_SHARE
from costmodel.training.recipe import POOLED

__all__ = [
    "AmortizedInputs",
    "DevelopmentInputs",
    "OwningInputs",
    "PowerInputs",
    "PredictionInputs",
    "ReliabilityInputs",
    "RentalInputs",
]

EXPERIMENTS_MULTIPLIER = Distribution("lognormal", (("p5", 1.2), ("p95", 4.0), ("low", 1.0)))
"""Compute of a development over that of its final run [1], never below 1. Cottier et al. (2024)."""
STEP_TIME_FACTOR = Distribution("lognormal", (("p5", 1.0 / 1.24), ("p95", 1.24)))
"""Measured over predicted time of a step [1]: no bias, and a standard deviation of the logarithm of 0.13, as the
frameworks of the catalog have on groups left out of their fits (0.108 and 0.149)."""
_COTTIER = "Cottier et al. (2024), arXiv 2405.21015"


class PredictionInputs(Inputs):
    """Inputs that predict the utilisation of a run, from the best layout of its model on its cluster."""

    architecture: ShapeSource
    """The model: a name in the catalog, the path of a ``config.json``, a table, or the name of ``own_shape``."""
    own_shape: OwnShape | None = None
    """A model that is not in the catalog: the fields of a shape, or of a ``config.json``."""
    framework: str = POOLED
    """Software that trains: a record of the catalog's table ``training_frameworks``."""
    frozen: bool = Field(
        default=False,
        strict=True,
        description="Whether weights stay and only small adapters are trained.",
    )
    layout: dict[str, Count] = Field(default_factory=dict)
    """Dimensions of the layout that are fixed, such as ``{tensor = 8, pipeline = 16}``; the others are searched for."""
    sequence: Count = Field(ge=1, description="Tokens of a sequence.")
    batch: Count = Field(ge=1, description="Sequences of the global batch.")
    scale_out_bandwidth: Parameter = parameter(
        "byte/s", gt=0, description="Network of one accelerator between scale-up domains, one direction."
    )
    step_time_factor: Parameter = parameter(
        "1",
        gt=0,
        default=STEP_TIME_FACTOR,
        description="Measured over predicted time of a step.",
        grade=Grade.ESTIMATED,
        note="Spread of fitted frameworks on measured steps that they were not fitted on.",
    )
    clock: Parameter = parameter(
        "1",
        gt=0,
        le=1,
        default=1.0,
        description="Clock reached over that of the rated peak, where power is capped.",
    )
    memory_bandwidth: Parameter = parameter(
        "byte/s", gt=0, optional=True, description="Memory bandwidth that the chip reaches; absent: its rated one."
    )


class PowerInputs(Inputs):
    """Power of an accelerator in training, with its share of server and facility."""

    chip_power: Parameter = parameter(
        "W", gt=0, plausible=(5.0, 1e5), optional=True, description="Rated power of the chip; absent: the catalog's."
    )
    server_factor: Parameter = parameter(
        "1",
        ge=1,
        optional=True,
        description=f"Rated power of a server over that of its chips; absent: by family, {_COTTIER}.",
    )
    power_fraction: Parameter = parameter(
        "1",
        gt=0,
        le=1,
        optional=True,
        description=f"Mean power over rated power; absent: by family, {_COTTIER}.",
    )
    pue: Parameter = parameter(
        "1",
        ge=1,
        default=1.25,
        description="Facility power over IT power.",
        grade=Grade.PUBLISHED,
        note=f"{_COTTIER}; 1.1 for hyperscalers",
    )


class ReliabilityInputs(Inputs):
    """Failures, checkpoints and spares, from which the effective training time follows."""

    node_size: Count = Field(default=8, ge=1, description="Accelerators of a node.")
    failure_rate: Parameter = parameter("1/hour", gt=0, description="Failures of one node that stop the job.")
    checkpoint_time: Parameter = parameter("hour", gt=0, description="Time that writing a checkpoint takes.")
    restart_time: Parameter = parameter("hour", ge=0, description="Time from a failure to running again.")
    checkpoint_interval: Parameter = parameter(
        "hour", gt=0, optional=True, description="Work between two checkpoints; absent: Daly's."
    )
    repair_time: Parameter = parameter("hour", gt=0, default=24.0, description="Time until a failed node is back.")
    spare_confidence: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        strict=True,
        description="Share of time in which spare nodes must suffice; absent: no spares are held.",
    )


class AmortizedInputs(Inputs):
    """Amortized hardware and energy: the fall in value of the cluster while the run uses it."""

    acquisition_price: Parameter = parameter(
        "USD", gt=0, description="Price paid per accelerator, with its share of a server."
    )
    years_in_use: Parameter = parameter("year", ge=0, description="From acquisition to the start of the run.")
    decline_rate: Parameter = parameter(
        "1/year",
        ge=0,
        default=COTTIER_DECLINE_RATE,
        description="Logarithmic fall in value.",
        grade=Grade.PUBLISHED,
        note=_COTTIER,
    )
    server_overhead: Parameter = parameter(
        "1",
        ge=1,
        optional=True,
        description=f"Price of a server over that of its chips; absent: by family, {_COTTIER}.",
    )
    network_share: Parameter = parameter(
        "1",
        ge=0,
        lt=1,
        default=COTTIER_NETWORK_SHARE,
        description="Network's share of the cluster's hardware.",
        grade=Grade.PUBLISHED,
        note=_COTTIER,
    )
    energy_price: Parameter = parameter("USD/Wh", ge=0, description="Price of electricity.")


class RentalInputs(Inputs):
    """Rental: one price covers everything but staff and data."""

    price: Parameter = parameter("USD/hour", ge=0, description="Rental price of an accelerator-hour.")


class OwningInputs(Inputs):
    """Owning: the owner's total cost of an accelerator-hour, by part."""

    chip: Parameter = parameter("USD/hour", ge=0, description="Accelerator, capital cost.")
    server: Parameter = parameter("USD/hour", ge=0, description="Rest of the server, capital cost.")
    network: Parameter = parameter("USD/hour", ge=0, description="Network, capital cost.")
    facility: Parameter = parameter("USD/hour", ge=0, default=0.0, description="Building, power and cooling.")
    energy: Parameter = parameter("USD/hour", ge=0, description="Electricity.")
    operations: Parameter = parameter("USD/hour", ge=0, default=0.0, description="Repair, staff of the site, software.")


class DevelopmentInputs(Inputs):
    """Development around the final run: experiments, failed runs, post-training, staff and data."""

    experiments_multiplier: Parameter = parameter(
        "1",
        ge=1,
        default=EXPERIMENTS_MULTIPLIER,
        description="Compute of the development over that of the final run.",
        grade=Grade.PUBLISHED,
        note=f"{_COTTIER}: 90 % interval 1.2 to 4",
    )
    failed_share: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of compute at full scale that was thrown away."
    )
    post_training_hours: Parameter = parameter(
        "hour", ge=0, default=0.0, description="Accelerator-hours of context extension and supervised post-training."
    )
    reinforcement_hours: Parameter = parameter(
        "hour", ge=0, default=0.0, description="Accelerator-hours of reinforcement learning."
    )
    headcount: Parameter = parameter("1", ge=0, default=0.0, description="Full-time equivalents.")
    duration: Parameter = parameter("year", ge=0, default=1.0, description="Length of the development.")
    salary: Parameter = parameter("USD/year", ge=0, default=0.0, description="Cash pay of one person.")
    overhead_rate: Parameter = parameter("1", ge=0, default=0.25, description="Benefits and office over cash pay.")
    equity: Parameter = parameter("USD/year", ge=0, default=0.0, description="Equity granted to one person.")
    data_acquisition: Parameter = parameter("USD", ge=0, default=0.0, description="Licences, labelling, collection.")
    data_size: Parameter = parameter("byte", ge=0, default=0.0, description="Data kept.")
    storage_price: Parameter = parameter(
        "USD/byte/year", ge=0, default=2.4e-10, description="Price of keeping data; 0.02 USD per GB and month."
    )
