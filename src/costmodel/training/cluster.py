"""Inputs of a step-time prediction: the cluster and the training job."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Self

from costmodel.compute import ADAM_BYTES, WEIGHT_BYTES, Shape, matmul_parameters, training_flop_per_token
from costmodel.compute.flop import FLOP_PER_MULTIPLY_ADD
from costmodel.compute.machine import Machine, derated, machine
from costmodel.foundation.errors import DomainError
from costmodel.training.recipe import Recipe

__all__ = ["RESERVED_MEMORY_SHARE", "Cluster", "TrainingJob"]

RESERVED_MEMORY_SHARE = 0.06
"""Share of memory that context, communication buffers and fragmentation take [1]: about 5 GB of 80. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Accelerators and their links.

    Parameters
    ----------
    accelerators
        How many work on the run [1].
    machine
        One accelerator with the efficiencies that software reaches on it; all figures are single numbers.

    Raises
    ------
    DomainError
        If a figure is missing or not positive.
    """

    accelerators: int
    machine: Machine

    @classmethod
    def recorded(cls, accelerator: str, accelerators: int, scale_out_bandwidth: float, precision: str = "bf16") -> Self:
        """Return a cluster of a catalogued accelerator at its recorded efficiencies.

        Parameters
        ----------
        accelerator
            Name in the catalog.
        accelerators
            How many work on the run, positive [1].
        scale_out_bandwidth
            Network between domains, one direction, per accelerator, positive [byte/s].
        precision
            Format of the operands of layers' products: ``"bf16"``, ``"fp8"``, ``"mxfp8"``, ``"fp4"`` …; attention's
            own products and the output layer stay in 16 bits.

        Raises
        ------
        CatalogError
            If there is no such accelerator, or a figure of it is not recorded.

        Examples
        --------
        >>> Cluster.recorded("H100-SXM", 16_384, 50e9).machine.scale_up_domain
        8.0
        """
        parts = {"default": precision}
        return cls(
            accelerators=accelerators,
            machine=machine(accelerator, parts, scale_out_bandwidth=float(scale_out_bandwidth)),
        )

    @property
    def peak(self) -> float:
        """Dense peak in the format of the run [FLOP/s], against which utilisation is measured."""
        return float(self.machine.dense.peak)

    @property
    def operand_bytes(self) -> float:
        """Bytes per element of the operands of layers' products [byte]."""
        return float(self.machine.dense.operand_bytes)

    def derated(self, clock: float = 1.0, bandwidth: float | None = None) -> Self:
        """Return the cluster with chips that run below their rated clock or memory bandwidth.

        Parameters
        ----------
        clock
            Clock reached over that of the peak, above 0 to 1 [1]; below 1 under a power limit.
        bandwidth
            Memory bandwidth in place of the recorded one, positive [byte/s]; absent: as recorded.

        Examples
        --------
        >>> Cluster.recorded("H100-SXM", 8, 50e9).derated(0.9, 2.4e12).peak / 1e12
        890.46
        """
        return replace(self, machine=derated(self.machine, clock, bandwidth))

    def __post_init__(self) -> None:
        """Check every figure."""
        figures = {
            "accelerators": self.accelerators,
            "peak": self.peak,
            **{name: getattr(self.machine, name) for name in _NEEDED},
        }
        for name, value in figures.items():
            if not 0 < value < math.inf:
                raise DomainError(f"{name} = {value!r}: must be positive and finite")
        for name in ("accelerators", "scale_up_domain"):
            if int(figures[name]) != figures[name]:
                raise DomainError(f"{name} = {figures[name]!r}: must be whole")
        if not self.machine.protocols:
            raise DomainError("protocols is empty: a collective needs at least one")


_NEEDED = ("memory", "bandwidth", "scale_up_bandwidth", "scale_up_domain", "scale_out_bandwidth")
"""Figures of a machine that are needed to time a step."""


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
    weight_bytes, optimizer_bytes
        State kept per parameter besides gradients, positive [byte].
    routed_domains
        Most scale-up domains in which a token's experts may lie, for recipes that dispatch once per domain; absent:
        no limit.
    frozen
        Whether the model's weights are frozen and only small adapters are trained: no gradients of
        weights, no optimizer state. The adapters themselves are not counted.
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
        """Model FLOP of a step, attention counted causally; without gradients of frozen weights [FLOP]."""
        full = float(training_flop_per_token(self.shape, self.sequence)) * self.tokens
        if not self.frozen:
            return full
        return full - float(FLOP_PER_MULTIPLY_ADD * matmul_parameters(self.shape)) * self.tokens
