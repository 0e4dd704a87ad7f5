"""A deployment: one model on one kind of accelerator for one workload, as a scenario and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from costmodel.catalog.named import AcceleratorName
from costmodel.compute.architectures import names_a_model, stored_scheme
from costmodel.compute.own_shape import OwnShape, ShapeSource
from costmodel.compute.precision import Scheme
from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Amount, Count, Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.serving.cost import CostBasis
from costmodel.serving.engines import POOLED, profile
from costmodel.serving.load import utilisation_of_fleet
from costmodel.serving.memory import MARGIN
from costmodel.serving.records import SCALE_OUT_BANDWIDTH, engine_evidence, power_in_use
from costmodel.serving.throughput import REASONS, refused


class LayoutInputs(Inputs):
    """How one copy of the model is placed on accelerators."""

    tensor: Count = Field(default=1, ge=1, description="Accelerators of an attention group.")
    expert: Count = Field(default=1, ge=1, description="Accelerators over which routed experts are spread.")
    pipeline: Count = Field(default=1, ge=1, description="Pipeline stages.")
    micro_batches: Count = Field(default=1, ge=1, description="Parts of a batch that alternate.")
    dimensions: Count = Field(default=1, ge=1, le=2, description="Sides along which matrices are split.")
    overlap: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of communication that hides behind work."
    )


class WorkloadInputs(Inputs):
    """Lengths of requests and their prefix cache."""

    mean_input: Parameter = parameter("token", gt=0, description="Mean input of a request, cached tokens included.")
    mean_output: Parameter = parameter("token", gt=0, description="Mean output of a request, reasoning included.")
    variation_input: Parameter = parameter("1", ge=0, default=0.0, description="Coefficient of variation of the input.")
    variation_output: Parameter = parameter(
        "1", ge=0, default=0.0, description="Coefficient of variation of the output."
    )
    correlation: Parameter = parameter("1", ge=-1, le=1, default=0.0, description="Correlation of the two lengths.")
    cached_share: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of input found in the prefix cache."
    )


class LoadInputs(Inputs):
    """The shape of the day, from which utilisation follows, or utilisation itself."""

    utilisation: Parameter = parameter(
        "1",
        gt=0,
        le=1,
        optional=True,
        description="Share of paid hours that are busy; absent: from the shape of the day, which it replaces.",
    )

    peak_to_average: Parameter = parameter("1", ge=1, default=1.0, description="Peak over mean load of a day.")
    headroom: Parameter = parameter("1", ge=0, default=0.0, description="Capacity above the peak, as a share of it.")
    elastic_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of the idle trough that is handed back."
    )

    def busy_share(self) -> Numeric:
        """Return the share of paid hours that are busy [1]: as given, or from the shape of the day."""
        if self.utilisation is not None:
            return self.utilisation
        return utilisation_of_fleet(self.peak_to_average, self.headroom, self.elastic_share)


class EngineInputs(Inputs):
    """Efficiency of software on the chip; absent entries come from the catalog: efficiency records, engine profiles."""

    name: str = Field(
        default=POOLED,
        description="Engine whose profile and memory are used: vllm, sglang or trtllm, also with a version "
        "(vllm 0.10.1), or pooled (vLLM's memory).",
    )
    compute_share: Parameter = parameter(
        "1", gt=0, le=1, optional=True, description="Share of peak that large products reach."
    )
    attention_share: Parameter = parameter(
        "1", gt=0, le=1, optional=True, description="Share of peak that attention's products reach."
    )
    memory_share: Parameter = parameter("1", gt=0, le=1, optional=True, description="Share of bandwidth reached.")
    memory_use: Parameter = parameter(
        "1",
        gt=0,
        lt=1,
        default=0.9,
        description="Share of memory that the engine plans with.",
        grade=Grade.UNVERIFIED,
        note="vLLM's default, recalled",
    )
    margin: Parameter = parameter(
        "1", ge=0, default=MARGIN, description="Deviations of the batch's cache that are kept free."
    )
    prefill_factor: Parameter = parameter(
        "1", gt=0, optional=True, description="Wall-clock time of a pass over prompts over its computed time."
    )
    decode_factor: Parameter = parameter(
        "1", gt=0, optional=True, description="Wall-clock time of a decode step over its computed time."
    )
    host_time: Parameter = parameter(
        "s", ge=0, optional=True, description="Time of a decode step in which accelerators wait for the host."
    )
    launch_time: Parameter = parameter(
        "s", ge=0, optional=True, description="Time of the host to start a pass over prompts, by kernel."
    )
    held_steps: Parameter = parameter(
        "1",
        ge=0,
        default=0.0,
        description="Decode steps that a request waits until the scheduler takes it in; none where disaggregated.",
    )
    deviation: Parameter = parameter(
        "1",
        gt=0,
        default=profile().deviation(),
        description="Times of this installation relative to the profile.",
        grade=Grade.ESTIMATED,
        note="spread over engines and models left out of the profiles' fit in turn",
    )


class ChipInputs(Inputs):
    """Figures of the accelerator that replace the catalog's; all absent by default."""

    peak: Parameter = parameter("FLOP/s", gt=0, optional=True, description="Dense peak rate at the weights' precision.")
    attention_peak: Parameter = parameter(
        "FLOP/s", gt=0, optional=True, description="Dense peak rate at attention's precision."
    )
    bandwidth: Parameter = parameter("byte/s", gt=0, optional=True, description="Peak memory bandwidth.")
    memory: Parameter = parameter("byte", gt=0, plausible=(1e6, 1e18), optional=True, description="Memory.")
    scale_up_bandwidth: Parameter = parameter(
        "byte/s", gt=0, optional=True, description="Link inside a domain, one direction."
    )
    scale_up_domain: Parameter = parameter("1", ge=1, optional=True, description="Accelerators of a domain.")
    scale_out_bandwidth: Parameter = parameter(
        "byte/s",
        gt=0,
        default=SCALE_OUT_BANDWIDTH,
        description="Network of one accelerator, one direction.",
        grade=Grade.PUBLISHED,
        note="one adapter of 400 Gb/s per accelerator, as in an eight-GPU H100 server",
    )


class DraftInputs(Inputs):
    """Speculative decoding; absent by default."""

    tokens: Parameter = parameter("token", ge=0, default=0.0, description="Tokens drafted per pass.")
    acceptance: Parameter = parameter("1", ge=0, le=1, default=0.0, description="Probability of acceptance.")
    cost: Parameter = parameter("1", ge=0, default=0.0, description="Time of a drafted token over a decode step.")


class EnergyInputs(Inputs):
    """Power of an accelerator with its share of the server and the building."""

    power: Parameter = parameter(
        "W",
        gt=0,
        plausible=(5.0, 1e5),
        optional=True,
        description="IT power per accelerator while busy; absent: the catalog's.",
    )
    idle_share: Parameter = parameter("1", ge=0, le=1, default=0.3, description="Power while idle over busy power.")
    pue: Parameter = parameter("1", ge=1, default=1.2, description="Facility power over IT power.")


class MeasuredRow(Inputs):
    """A measured benchmark result of this model, workload and accelerator."""

    tokens_per_second: Amount = Field(gt=0, description="Input and output tokens per accelerator, in token/s.")
    user_speed: Amount = Field(gt=0, description="Output tokens per second of one user, in token/s.")
    time_to_first_token: Amount | None = Field(default=None, gt=0, description="Time to first token, in s.")


class ServingInputs(Inputs):
    """Model, workload, engine and load: all inputs of a deployment but its accelerator's name and price."""

    architecture: ShapeSource
    """The model: a name in the catalog, the path of a ``config.json``, a table, or the name of ``own_shape``."""
    own_shape: OwnShape | None = None
    """Fields of a shape that is not in the catalog: flat, in groups of layers, or of a ``config.json``."""
    chip: ChipInputs = ChipInputs()
    precision: str | dict[str, Any] = "fp8"
    """How the weights are stored: a scheme, formats by part, or ``published`` as the ``config.json`` states."""
    cache_precision: str = "fp8"
    """Precision of the key-value cache."""
    attention_precision: str = "bf16"
    """Precision of attention's products."""
    mode: Literal["interleaved", "chunked", "disaggregated"] = "interleaved"
    """How passes over prompts and decode steps are combined."""
    layout: LayoutInputs = LayoutInputs()
    prefill_layout: LayoutInputs | None = None
    """Layout of the accelerators that read prompts, where disaggregated."""
    workload: WorkloadInputs
    load: LoadInputs = LoadInputs()
    engine: EngineInputs = EngineInputs()
    draft: DraftInputs = DraftInputs()
    measured: tuple[MeasuredRow, ...] = ()
    """Measured points that replace the model's throughput; the split between input and output stays the model's."""
    chunk: Parameter = parameter(
        "token", gt=0, default=8192.0, description="New tokens of one prefill pass of an attention group."
    )
    batch: Parameter = parameter(
        "1", ge=1, optional=True, description="Sequences in decode; absent: the largest that fits and keeps targets."
    )
    concurrency: Parameter = parameter(
        "1", ge=1, optional=True, description="Requests kept in the system of one copy, as a benchmark does."
    )
    requests: Parameter = parameter(
        "1", ge=1, optional=True, description="With concurrency: requests of the whole run; absent: without end."
    )
    arrivals: Parameter = parameter(
        "1/s", gt=0, optional=True, description="Requests per second that arrive at one copy, at random."
    )
    prefill_copies: Parameter = parameter(
        "1", ge=1, optional=True, description="With concurrency, disaggregated: copies that read prompts; absent: 1."
    )
    decode_copies: Parameter = parameter(
        "1", ge=1, optional=True, description="With concurrency, disaggregated: copies that decode; absent: 1."
    )
    max_batch: Parameter = parameter("1", ge=1, optional=True, description="Most sequences that the engine admits.")
    max_time_to_first_token: Parameter = parameter(
        "s", gt=0, optional=True, description="Target for the time to first token."
    )
    max_time_per_output_token: Parameter = parameter(
        "s/token", gt=0, optional=True, description="Target for the time per output token."
    )

    def source(self) -> str | dict[str, Any]:
        """Return the model as the scenario names or writes it."""
        return self.architecture if self.own_shape is None else {"name": self.architecture, **self.own_shape}

    def stored(self) -> Scheme:
        """Return how the model is stored, its cache with it."""
        return stored_scheme(self.source(), self.precision, cache=self.cache_precision)

    @model_validator(mode="after")
    def _known_formats(self) -> Self:
        """Refuse a table of formats with an unknown part or format."""
        if isinstance(self.precision, dict):
            self.stored()
        return self

    @model_validator(mode="after")
    def _one_load(self) -> Self:
        """Refuse two entries that set the number of requests in the system, and entries that need another one."""
        if self.own_shape is not None and names_a_model(self.architecture):
            raise ScenarioError(
                f"own_shape: architecture = {str(self.architecture)[:60]!r} already is a model: "
                "leave own_shape out, or write another name in architecture"
            )
        given = [name for name in _LOADS if getattr(self, name)]
        if len(given) > 1:
            raise ScenarioError(f"{' and '.join(given)}: give one of them, as each sets the number of requests")
        if self.requests is not None and self.concurrency is None:
            raise ScenarioError("requests is given without concurrency: it is the length of a run at one")
        for name in ("prefill_copies", "decode_copies"):
            if getattr(self, name) is not None and (self.concurrency is None or self.mode != "disaggregated"):
                raise ScenarioError(f"{name} is given: it needs concurrency and the mode 'disaggregated'")
        if self.arrivals is not None and self.mode == "disaggregated":
            raise ScenarioError(
                "arrivals needs copies that read and decode: with the mode 'disaggregated', give concurrency"
            )
        return self


_LOADS = ("batch", "concurrency", "arrivals", "measured")
"""Entries that set how many requests are in the system; a deployment has one of them at most."""


class Deployment(ServingInputs, Scenario):
    """One model on one kind of accelerator for one workload.

    The price of an accelerator-hour is an input: owned, rented or a list price, from any source.

    Examples
    --------
    >>> chat = Deployment(
    ...     name="chat", architecture="Llama-3-70B", accelerator="H100-SXM", precision="fp8",
    ...     layout={"tensor": 4}, workload={"mean_input": 2000.0, "mean_output": 400.0}, hour_price="2 USD/hour",
    ... )
    >>> chat.workload.mean_input
    2000.0
    """

    model: Literal["deployment"] = "deployment"
    calibrated: tuple[str, ...] = (
        f"engine profiles: {profile().rows} rows on H100 and H200 (aiconfigurator-core 0.12.0); models left out in "
        f"turn {profile().error:.0%} off at the median in time per output token",
    )
    not_modelled: tuple[str, ...] = (
        "waiting before the first token, unless arrivals or concurrency are given",
        "uneven popularity of experts, and uneven load of copies of the model",
        "failures, restarts and versions kept in reserve",
        "storage of prefix caches that leave the accelerator's memory",
    )
    accelerator: AcceleratorName
    """Name of an accelerator in the catalog."""
    energy: EnergyInputs = EnergyInputs()
    hour_price: Parameter = parameter("USD/hour", ge=0, description="Price of one accelerator-hour.")
    price_kind: Literal["owned", "rented", "list"] = "rented"
    """Kind of price that the accelerator-hour has."""
    depreciation: Literal["accounting", "economic", "not applicable"] = "not applicable"
    """Depreciation in the price of an owned accelerator."""


_BLANK = "where the deployment cannot run"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentResult(Result):
    """Throughput, times and token costs of a deployment; NaN where it is infeasible.

    Costs per token have the basis that :meth:`cost_basis` gives.
    """

    HEADLINES: ClassVar[tuple[str, ...]] = ("blended_cost", "input_cost", "output_cost", "tokens_per_second")

    infeasible: NDArray[np.bool_] = output("1", label="whether it is infeasible")
    reason: FloatArray = output("1", kind="code", label="why it is infeasible", words=REASONS)
    batch: FloatArray = output("1", label="sequences in decode of one copy", blank=_BLANK)
    accelerators: FloatArray = output("1", label="accelerators of one copy", blank=_BLANK)
    time_to_first_token: FloatArray = output("s", label="time to first token", blank=_BLANK)
    time_per_output_token: FloatArray = output("s/token", label="time per output token", blank=_BLANK)
    tokens_per_second: FloatArray = output("token/s", label="input and output tokens per accelerator", blank=_BLANK)
    output_per_second: FloatArray = output("token/s", label="output tokens per accelerator", blank=_BLANK)
    requests_per_second: FloatArray = output("1/s", label="requests per accelerator", blank=_BLANK)
    prefill_share: FloatArray = output("1", label="share of accelerator time spent on prefill", blank=_BLANK)
    utilisation: FloatArray = output("1", label="share of paid hours that is busy", blank=_BLANK)
    input_cost: FloatArray = output(
        "USD/token", label="cost of a computed input token", basis="prefill only, input", blank=_BLANK
    )
    cached_cost: FloatArray = output(
        "USD/token", label="cost of a cached input token", basis="prefill only, cached", blank=_BLANK
    )
    output_cost: FloatArray = output(
        "USD/token", label="cost of an output token", basis="decode only, output", blank=_BLANK
    )
    blended_cost: FloatArray = output(
        "USD/token", label="cost of a token of the mix", basis="prefill and decode, input and output", blank=_BLANK
    )
    energy: FloatArray = output(
        "Wh/token",
        label="energy of a token of the mix",
        basis="at the meter, idle hours in",
        blank=f"{_BLANK}, or no power is on record",
    )

    @derived("token/s", label="output tokens per second of one user", blank=_BLANK)
    def user_speed(self) -> FloatArray:
        """Output tokens per second of one user."""
        return 1.0 / self.time_per_output_token

    @derived("USD", label="cost of a request of mean lengths", blank=_BLANK)
    def request_cost(self) -> FloatArray:
        """Cost of a request of mean lengths."""
        return self.blended_cost * self.tokens_per_second / self.requests_per_second

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why points are infeasible, in words; empty where all work."""
        codes, words = np.unique(np.asarray(self.reason, dtype=int)), self.words("reason")
        return tuple(words[code] for code in codes if code)

    def words(self, name: str) -> tuple[str, ...]:
        """Return the meaning of each code of an output, with the figures behind a reason that applies."""
        if name != "reason" or not np.any(self.infeasible):
            return self.spec(name).words
        from costmodel.serving.refusals import refusals

        return refusals(self.resolved, self.reason)

    def refusal(self) -> str:
        """Return why the deployment cannot run, as a sentence; empty where it can."""
        return refused(self.words("reason"), self.reason)

    @property
    def _deployment(self) -> Deployment:
        scenario = self.scenario
        if not isinstance(scenario, Deployment):
            raise TypeError(f"a DeploymentResult belongs to a Deployment, not to {type(scenario).__name__}")
        return scenario

    def basis(self, name: str) -> str | None:
        """Return what a cost counts, as text, and what the energy was estimated from."""
        if name == "energy" and self._deployment.energy.power is None:
            note = power_in_use(self._deployment.accelerator)[1]
            return f"{self.spec(name).basis}; {note}" if note else self.spec(name).basis
        return str(self.cost_basis(name)) if name in _BASES else self.spec(name).basis

    def cost_basis(self, name: str) -> CostBasis:
        """Return what a cost of this result contains.

        Parameters
        ----------
        name
            ``input_cost``, ``cached_cost``, ``output_cost`` or ``blended_cost``.
        """
        phases, tokens = _BASES[name]
        scenario = self._deployment
        return CostBasis(
            phases=phases,
            tokens=tokens,
            idle_hours="in",
            price=scenario.price_kind,
            depreciation=scenario.depreciation,
        )


_BASES = {
    "input_cost": ("prefill only", "input"),
    "cached_cost": ("prefill only", "cached input"),
    "output_cost": ("decode only", "output"),
    "blended_cost": ("prefill and decode", "blended"),
}


def with_recorded_shares(deployment: Deployment) -> Deployment:
    """Write the recorded shares of the chip into a deployment as distributions, with their sources.

    Without it, shares that the scenario leaves out are the records' point values.

    Parameters
    ----------
    deployment
        A written scenario; shares that it gives itself stay.

    Returns
    -------
    Deployment
        The same with every absent share uncertain.

    Raises
    ------
    CatalogError
        If the accelerator or a range is not on record.

    Examples
    --------
    >>> chat = Deployment(
    ...     name="chat", architecture="Llama-3-70B", accelerator="H100-SXM", layout={"tensor": 4},
    ...     workload={"mean_input": 2000.0, "mean_output": 400.0}, hour_price=2.0,
    ... )
    >>> with_recorded_shares(chat).uncertain_paths()[:2]
    ('engine.compute_share', 'engine.attention_share')
    """
    changes: dict[str, Any] = {}
    table = {key: entry.written() for key, entry in deployment.source_table.items()}
    for name, share in engine_evidence(deployment.accelerator, deployment.stored()).items():
        if getattr(deployment.engine, name) is None:
            source = {"title": share.source.title, "date": share.source.date, "link": share.source.link}
            table.setdefault(share.source_key, {key: text for key, text in source.items() if text})
            changes[f"engine.{name}"] = share.written()
    return deployment.replace({"sources": table, **changes})


register_model("deployment", Deployment, "costmodel.serving.model:deploy")
