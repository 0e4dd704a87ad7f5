"""What a step-time prediction needs to know: the cluster, what its parts reach, and the work of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from costmodel.catalog import accelerator as catalog_accelerator
from costmodel.compute import (
    ADAM_BYTES,
    WEIGHT_BYTES,
    Efficiency,
    Protocol,
    Shape,
    efficiency,
    largest_compute_share,
    memory_share,
    protocols,
    training_flop_per_token,
)
from costmodel.foundation.design import RandomSource
from costmodel.foundation.errors import DomainError

__all__ = ["RESERVED_MEMORY_SHARE", "STEP_OVERHEAD", "STEP_OVERHEAD_RANGE", "Cluster", "Efficiencies", "TrainingJob"]

RESERVED_MEMORY_SHARE = 0.06
"""Memory that context, communication buffers and fragmentation take [1]: about 5 GB of 80. Assumed."""
STEP_OVERHEAD = 1.25
"""Wall-clock time of a step over its computed time [1]: stragglers, clocks under power limits, kernels that share a
chip with communication, input and logging. Fitted once, on Nemotron-4 340B (6,144 H100 at an MFU of 41.0 %, arXiv
2406.11704), and used for every other run; the published runs of Llama 3.1 405B and MegaScale ask for 1.16 to 1.35."""
STEP_OVERHEAD_RANGE = (1.16, 1.35)
"""Least and largest overhead that the published runs of Llama 3.1 405B and MegaScale ask for [1]."""
TILES_MEASURED_ON = "H100-SXM"
"""The accelerator on which the loss at the ends of tiles was measured; its figure stands for all."""
GRADIENT_ACCUMULATION_BYTES = 4.0
"""Gradients are accumulated and reduced in single precision [byte]. Llama team (2024), arXiv 2407.21783, section
3.3.2; the default of Megatron-LM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiencies:
    """What kernels and links reach of their limits: one record set for every case.

    Parameters
    ----------
    compute_share, attention_share
        Share of the dense peak that large matrix products and fused attention reach, above 0 to 1 [1].
    memory_share
        Share of memory bandwidth reached, above 0 to 1 [1].
    scale_up_share, scale_out_share
        Share of link bandwidth reached by large collectives, above 0 to 1 [1].
    half_inner
        Shared dimension at which a matrix product reaches half its share, non-negative [1].
    kernel_launch
        Fixed time of a kernel, non-negative [s].
    protocols
        What the collective library may choose from: latencies and share of the links' bandwidth.
    step_overhead
        Wall-clock time of a step over its computed time, at least 1 [1]; 1 for the computed time alone.

    Raises
    ------
    DomainError
        If a figure is outside its range.
    """

    compute_share: float
    attention_share: float
    memory_share: float
    scale_up_share: float
    scale_out_share: float
    half_inner: float
    kernel_launch: float
    protocols: tuple[Protocol, ...]
    step_overhead: float = STEP_OVERHEAD

    @classmethod
    def recorded(cls, accelerator: str, precision: str = "bf16") -> Self:
        """Return the recorded figures of an accelerator, or of the one that stands in for it.

        Parameters
        ----------
        accelerator
            Name in the catalog.
        precision
            Of the matrix products: ``"bf16"`` or ``"fp8"``.

        Raises
        ------
        CatalogError
            If there is no such accelerator or figure.

        Examples
        --------
        >>> Efficiencies.recorded("H100-SXM").compute_share
        0.803
        """
        figures = {name: record.value for name, record in _records(accelerator, precision).items()}
        return cls(**figures, protocols=protocols())

    @classmethod
    def drawn(cls, accelerator: str, precision: str = "bf16", draws: int = 1, rng: RandomSource = None) -> list[Self]:
        """Return draws of the recorded figures from their ranges, independent of each other.

        Parameters
        ----------
        accelerator
            Name in the catalog.
        precision
            Of the matrix products: ``"bf16"`` or ``"fp8"``.
        draws
            How many.
        rng
            Seed, generator or nothing.

        Raises
        ------
        CatalogError
            If a figure or its range is not recorded.

        Examples
        --------
        >>> all(0.792 <= reached.compute_share <= 0.83 for reached in Efficiencies.drawn("H100-SXM", draws=9, rng=0))
        True
        """
        generator = np.random.default_rng(rng)
        records = _records(accelerator, precision)
        columns = {name: record.distribution().ppf(generator.random(draws)) for name, record in records.items()}
        low, high = STEP_OVERHEAD_RANGE
        overheads = low + (high - low) * generator.random(draws)
        return [
            cls(
                **{name: float(column[draw]) for name, column in columns.items()},
                protocols=protocols(),
                step_overhead=float(overheads[draw]),
            )
            for draw in range(draws)
        ]

    def __post_init__(self) -> None:
        """Check every figure."""
        if not self.protocols:
            raise DomainError("protocols is empty: a collective needs at least one")
        if not 1.0 <= self.step_overhead < math.inf:
            raise DomainError(f"step_overhead = {self.step_overhead!r}: must be at least 1 and finite")
        for item in fields(self):
            if item.name in ("protocols", "step_overhead"):
                continue
            value, share = getattr(self, item.name), item.name.endswith("_share")
            allowed = 0.0 < value <= 1.0 if share else 0.0 <= value < math.inf
            if not allowed:
                limits = "above 0 and at most 1" if share else "at least 0 and finite"
                raise DomainError(f"{item.name} = {value!r}: must be {limits}")


def _records(accelerator: str, precision: str) -> dict[str, Efficiency]:
    """Return the records behind the figures of an accelerator, by name."""
    return {
        "compute_share": largest_compute_share(accelerator, precision),
        "attention_share": efficiency("attention_share", accelerator),
        "memory_share": memory_share(accelerator),
        "scale_up_share": efficiency("scale_up_share", accelerator),
        "scale_out_share": efficiency("scale_out_share", accelerator),
        "half_inner": efficiency(f"half_inner_{'bf16' if precision == 'bf16' else 'fp8'}", TILES_MEASURED_ON),
        "kernel_launch": efficiency("kernel_launch", accelerator),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Accelerators and their links.

    Parameters
    ----------
    accelerators
        How many work on the run [1].
    peak
        Dense peak of one in the precision of the matrix products, positive [FLOP/s].
    memory
        Capacity of one, positive [byte].
    bandwidth
        Memory bandwidth of one, positive [byte/s].
    scale_up_bandwidth
        Link inside a scale-up domain, one direction, per accelerator, positive [byte/s].
    scale_up_domain
        Accelerators in a scale-up domain [1].
    scale_out_bandwidth
        Network between domains, one direction, per accelerator, positive [byte/s].
    efficiencies
        What kernels and links reach.

    Raises
    ------
    DomainError
        If a figure is not positive.
    """

    accelerators: int
    peak: float
    memory: float
    bandwidth: float
    scale_up_bandwidth: float
    scale_up_domain: int
    scale_out_bandwidth: float
    efficiencies: Efficiencies

    @classmethod
    def recorded(cls, accelerator: str, accelerators: int, scale_out_bandwidth: float, precision: str = "bf16") -> Self:
        """Return a cluster of a catalogued accelerator with its recorded efficiencies.

        Parameters
        ----------
        accelerator
            Name in the catalog.
        accelerators
            How many work on the run, positive [1].
        scale_out_bandwidth
            Network between domains, one direction, per accelerator, positive [byte/s].
        precision
            Of the matrix products: ``"bf16"`` or ``"fp8"``.

        Raises
        ------
        CatalogError
            If there is no such accelerator, or a figure of it is not recorded.

        Examples
        --------
        >>> Cluster.recorded("H100-SXM", 16_384, 50e9).scale_up_domain
        8
        """
        chip = catalog_accelerator(accelerator)
        return cls(
            accelerators=accelerators,
            peak=chip.peak(precision),
            memory=chip.memory,
            bandwidth=chip.bandwidth,
            scale_up_bandwidth=chip.link,
            scale_up_domain=int(chip.domain),
            scale_out_bandwidth=scale_out_bandwidth,
            efficiencies=Efficiencies.recorded(accelerator, precision),
        )

    def __post_init__(self) -> None:
        """Check every figure."""
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "efficiencies" and not 0 < value < math.inf:
                raise DomainError(f"{item.name} = {value!r}: must be positive and finite")
        for name in ("accelerators", "scale_up_domain"):
            if int(getattr(self, name)) != getattr(self, name):
                raise DomainError(f"{name} = {getattr(self, name)!r}: must be whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """One optimizer step of a training run.

    Parameters
    ----------
    shape
        Structure of the model.
    sequence
        Tokens of a sequence, positive [token].
    batch
        Sequences of the global batch [1].
    operand_bytes
        Bytes per element of the matrix products' operands, positive [byte]: 2, or 1 for 8-bit training.
    weight_bytes, gradient_bytes, optimizer_bytes
        State kept per parameter, positive [byte].
    overlap_experts
        Whether the exchange with experts runs beside the work of another microbatch, as in DeepSeek's DualPipe.
    routed_domains
        Scale-up domains that a token's experts may lie in, each of which it is sent to once; absent: one sending per
        expert.

    Raises
    ------
    DomainError
        If a figure is not positive.
    """

    shape: Shape
    sequence: int
    batch: int
    operand_bytes: float = 2.0
    weight_bytes: float = WEIGHT_BYTES
    gradient_bytes: float = GRADIENT_ACCUMULATION_BYTES
    optimizer_bytes: float = ADAM_BYTES
    overlap_experts: bool = False
    routed_domains: int | None = None

    def __post_init__(self) -> None:
        """Check every figure."""
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in ("shape", "overlap_experts") and value is not None and not 0 < value < math.inf:
                raise DomainError(f"{item.name} = {getattr(self, item.name)!r}: must be positive and finite")

    @property
    def tokens(self) -> int:
        """Tokens of a step [token]."""
        return self.sequence * self.batch

    @property
    def flop(self) -> float:
        """Model FLOP of a step, attention counted causally [FLOP]."""
        return float(training_flop_per_token(self.shape, self.sequence)) * self.tokens
