"""What a step-time prediction needs to know: the cluster, what its parts reach, and the work of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
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
    matmul_parameters,
    memory_share,
    protocols,
    training_flop_per_token,
)
from costmodel.compute.flop import FLOP_PER_MULTIPLY_ADD
from costmodel.foundation.design import RandomSource
from costmodel.foundation.errors import DomainError
from costmodel.training.recipe import Recipe

__all__ = ["RESERVED_MEMORY_SHARE", "Cluster", "Efficiencies", "TrainingJob"]

RESERVED_MEMORY_SHARE = 0.06
"""Memory that context, communication buffers and fragmentation take [1]: about 5 GB of 80. Assumed."""
WIDE = "bf16"
"""Format of attention, of the output layer and of routers, whatever the format of the other products."""
TILES_MEASURED_ON = "H100-SXM"
"""The accelerator on which the loss at the ends of tiles was measured; its figure stands for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiencies:
    """What kernels and links reach of their limits: one record set for every case.

    Parameters
    ----------
    compute_share, wide_share
        Share of the dense peak that large matrix products reach, above 0 to 1 [1]: those in the format of the run, and
        those that stay in 16 bits.
    attention_share
        Share of the dense 16-bit peak that fused attention reaches, above 0 to 1 [1].
    memory_share
        Share of memory bandwidth reached, above 0 to 1 [1].
    scale_up_share, scale_out_share
        Share of link bandwidth reached by large collectives, above 0 to 1 [1].
    half_inner, wide_half_inner
        Shared dimension at which a matrix product of either kind reaches half its share, non-negative [1].
    kernel_launch
        Fixed time of a kernel, non-negative [s].
    protocols
        What the collective library may choose from: latencies and share of the links' bandwidth.

    Raises
    ------
    DomainError
        If a figure is outside its range.
    """

    compute_share: float
    wide_share: float
    attention_share: float
    memory_share: float
    scale_up_share: float
    scale_out_share: float
    half_inner: float
    wide_half_inner: float
    kernel_launch: float
    protocols: tuple[Protocol, ...]

    @classmethod
    def recorded(cls, accelerator: str, precision: str = "bf16") -> Self:
        """Return the recorded figures of an accelerator, or of the one that stands in for it.

        Parameters
        ----------
        accelerator
            Name in the catalog.
        precision
            Of the matrix products: ``"bf16"``, ``"fp8"`` or ``"fp4"``.

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
            Of the matrix products: ``"bf16"``, ``"fp8"`` or ``"fp4"``.
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
        return [
            cls(**{name: float(column[draw]) for name, column in columns.items()}, protocols=protocols())
            for draw in range(draws)
        ]

    def __post_init__(self) -> None:
        """Check every figure."""
        if not self.protocols:
            raise DomainError("protocols is empty: a collective needs at least one")
        for item in fields(self):
            if item.name == "protocols":
                continue
            value, share = getattr(self, item.name), item.name.endswith("_share")
            allowed = 0.0 < value <= 1.0 if share else 0.0 <= value < math.inf
            if not allowed:
                limits = "above 0 and at most 1" if share else "at least 0 and finite"
                raise DomainError(f"{item.name} = {value!r}: must be {limits}")


def _records(accelerator: str, precision: str) -> dict[str, Efficiency]:
    """Return the records behind the figures of an accelerator, by name."""
    tiles = "bf16" if precision == WIDE else "fp8"
    return {
        "compute_share": largest_compute_share(accelerator, precision),
        "wide_share": largest_compute_share(accelerator, WIDE),
        "attention_share": efficiency("attention_share", accelerator),
        "memory_share": memory_share(accelerator),
        "scale_up_share": efficiency("scale_up_share", accelerator),
        "scale_out_share": efficiency("scale_out_share", accelerator),
        "half_inner": efficiency(f"half_inner_{tiles}", TILES_MEASURED_ON),
        "wide_half_inner": efficiency("half_inner_bf16", TILES_MEASURED_ON),
        "kernel_launch": efficiency("kernel_launch", accelerator),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Accelerators and their links.

    Parameters
    ----------
    accelerators
        How many work on the run [1].
    peak, wide_peak
        Dense peak of one in the precision of the matrix products, and in 16 bits, positive [FLOP/s].
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
    wide_peak: float
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
            Of the matrix products: ``"bf16"``, ``"fp8"`` or ``"fp4"``.

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
            wide_peak=chip.peak(WIDE),
            memory=chip.memory,
            bandwidth=chip.bandwidth,
            scale_up_bandwidth=chip.link,
            scale_up_domain=int(chip.domain),
            scale_out_bandwidth=scale_out_bandwidth,
            efficiencies=Efficiencies.recorded(accelerator, precision),
        )

    def derated(self, clock: float = 1.0, bandwidth: float | None = None) -> Self:
        """Return the cluster with chips whose clock or memory runs below what is sold.

        Parameters
        ----------
        clock
            Clock reached over that of the peak, above 0 to 1 [1]: what a power limit leaves.
        bandwidth
            Memory bandwidth in place of the recorded one, positive [byte/s]; absent: as recorded.

        Examples
        --------
        >>> Cluster.recorded("H100-SXM", 8, 50e9).derated(0.9, 2.4e12).peak / 1e12
        890.46
        """
        memory = self.bandwidth if bandwidth is None else float(bandwidth)
        return replace(self, peak=self.peak * clock, wide_peak=self.wide_peak * clock, bandwidth=memory)

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
    weight_bytes, optimizer_bytes
        State kept per parameter besides gradients, positive [byte].
    routed_domains
        Scale-up domains that a token's experts may lie in, each of which it is sent to once; absent: one sending per
        expert.
    frozen
        Whether the model's weights stay as they are and only small adapters beside them are trained: no gradient by
        weights, no optimizer state. Adapters themselves are left out.
    recipe
        How the software runs the step.

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
    optimizer_bytes: float = ADAM_BYTES
    routed_domains: int | None = None
    frozen: bool = False
    recipe: Recipe = field(default_factory=Recipe.recorded)

    def __post_init__(self) -> None:
        """Check every figure."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < math.inf:
                raise DomainError(f"{item.name} = {getattr(self, item.name)!r}: must be positive and finite")

    @property
    def tokens(self) -> int:
        """Tokens of a step [token]."""
        return self.sequence * self.batch

    @property
    def flop(self) -> float:
        """Model FLOP of a step, attention counted causally; without those of gradients by frozen weights [FLOP]."""
        full = float(training_flop_per_token(self.shape, self.sequence)) * self.tokens
        if not self.frozen:
            return full
        return full - float(FLOP_PER_MULTIPLY_ADD * matmul_parameters(self.shape)) * self.tokens
