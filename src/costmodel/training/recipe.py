"""Recipe: how a framework runs a training step (fusion, overlap, recomputation, kernel and host time)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Self

from costmodel.catalog import Datum, table
from costmodel.compute.efficiencies import alike
from costmodel.foundation.errors import CatalogError, DomainError, near_matches

__all__ = ["POOLED", "Recipe", "framework_names"]

_TABLE = "training_frameworks"
POOLED = "pooled"
"""The record used for a framework without measurements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a framework runs a training step.

    Parameters
    ----------
    name
        Its record in the catalog.
    fused_attention
        Whether scores stay on the chip and half of them are skipped; otherwise every score is written and read.
    sequence_parallel
        Whether norms and residuals are split over tensor-parallel devices; otherwise each device repeats them.
    overlap_tensor
        Whether two of the backward pass's tensor collectives overlap with matrix products.
    overlap_reduction
        Whether gradients are reduced and weights gathered while the passes run.
    overlap_hops
        Whether hand-overs between pipeline stages hide behind work once the pipeline is full.
    overlap_experts
        Whether the exchange with experts overlaps with the work of another microbatch.
    gradient_bytes
        Bytes in which a gradient is accumulated and reduced, positive [byte].
    optimizer_traffic
        Bytes that an update moves per parameter, positive [byte].
    loss_bytes
        Bytes moved per logit by the loss, forward and backward, non-negative [byte].
    dense_kernels, routed_kernels
        Kernels of a block's forward pass, and those that experts add, non-negative [1].
    host_time
        Time in which the host prepares a kernel, non-negative [s]; 0 where graphs are captured.
    product_share
        Share of their measured rate that products reach inside a step, above 0 to 1 [1].
    half_inner
        Inner dimension at which a product reaches half of its share, non-negative [1]; absent: the chip's.
    lost_elements
        Elements of a result that the last wave of tiles leaves idle, non-negative [1]; absent: the chip's.
    attention_share
        Share of peak that attention's own products reach over long sequences, above 0 to 1 [1]; absent: the chip's.
    memory_factor
        Bytes that kernels move over the least possible, positive [1].
    routed_factor
        The same for the work that experts add: routing, sorting and their activation functions, positive [1].
    biased_factor
        The same where experts have biases, which are added to each row in a separate pass, positive [1].
    dispatch_once
        Whether a token is sent to each domain once and forwarded inside it; otherwise to every expert separately.
    dispatch_bytes
        Bytes of an element that is sent to an expert, positive [byte]; results come back with two.
    step_overhead
        Wall-clock time of a step over its computed time, at least 1 [1].
    spread
        Standard deviation of the logarithm of measured over predicted times on groups left out of the fit,
        non-negative [1].
    fitted_on
        Measured steps on which the fitted figures rest.

    Raises
    ------
    DomainError
        If a figure is outside its range.
    """

    name: str
    fused_attention: bool = True
    sequence_parallel: bool = True
    overlap_tensor: bool = True
    overlap_reduction: bool = True
    overlap_hops: bool = True
    overlap_experts: bool = False
    gradient_bytes: float = 4.0
    optimizer_traffic: float = 30.0
    loss_bytes: float = 36.0
    dense_kernels: float = 0.0
    routed_kernels: float = 0.0
    host_time: float = 0.0
    product_share: float = 1.0
    half_inner: float | None = None
    lost_elements: float | None = None
    attention_share: float | None = None
    memory_factor: float = 1.0
    routed_factor: float = 1.0
    biased_factor: float = 1.0
    dispatch_once: bool = False
    dispatch_bytes: float = 2.0
    step_overhead: float = 1.0
    spread: float = 0.0
    fitted_on: str = ""

    def __post_init__(self) -> None:
        """Check every figure."""
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or isinstance(value, bool | str):
                continue
            low, high = _RANGES.get(item.name, (0.0, math.inf))
            if not low <= value <= high or not math.isfinite(value):
                raise DomainError(f"recipe {self.name!r}: {item.name} = {value!r}: must be from {low:g} to {high:g}")

    @classmethod
    def recorded(cls, framework: str = POOLED, accelerator: str = "") -> Self:
        """Return the recorded recipe of a framework, with figures fitted on the accelerator where there are any.

        Parameters
        ----------
        framework
            Record of the catalog's table ``training_frameworks``.
        accelerator
            Name in the catalog; figures fitted on it, or on the accelerator whose efficiencies it shares, take
            precedence over the framework's general ones.

        Raises
        ------
        CatalogError
            If there is no such framework.

        Examples
        --------
        >>> Recipe.recorded().name
        'pooled'
        >>> Recipe.recorded("Megatron-LM 2021").fused_attention
        False
        >>> Recipe.recorded("Megatron-Bridge", "H200-SXM").product_share
        1.0
        """
        return cls(**_figures(framework, accelerator))  # type: ignore[arg-type]


_TINY = 1e-9
_RANGES = {
    "gradient_bytes": (_TINY, math.inf),
    "optimizer_traffic": (_TINY, math.inf),
    "product_share": (_TINY, 1.0),
    "attention_share": (_TINY, 1.0),
    "memory_factor": (_TINY, math.inf),
    "routed_factor": (_TINY, math.inf),
    "biased_factor": (_TINY, math.inf),
    "dispatch_bytes": (_TINY, math.inf),
    "step_overhead": (1.0, math.inf),
}
"""Least and largest value of figures that are not merely non-negative."""


def framework_names() -> tuple[str, ...]:
    """Return the frameworks of which a recipe is recorded.

    Examples
    --------
    >>> "pooled" in framework_names()
    True
    """
    return tuple(name for name in table(_TABLE) if " on " not in name)


_READ: dict[str, Callable[[Datum], str | float | bool]] = {
    "str": lambda datum: datum.text or "",
    "bool": lambda datum: bool(datum.number),
    "float": lambda datum: datum.number,
}
"""Functions that read a figure, by the type of its field."""


@cache
def _figures(framework: str, accelerator: str) -> dict[str, str | float | bool]:
    """Return the figures of a framework: each from the first record that has it.

    The records are those of the framework on the accelerator, on the accelerators that this one is like, and of the
    framework itself; then those of the framework that it is like.
    """
    records = table(_TABLE)
    known = framework_names()
    if framework not in known:
        hint = near_matches(framework, known)
        raise CatalogError(f"no training framework {framework!r}: there are {', '.join(known)}{hint}")
    found: dict[str, str | float | bool] = {"name": framework}
    kinds = {item.name: item.type for item in fields(Recipe)}
    current: str | None = framework
    while current is not None:
        for name in (*(f"{current} on {chip}" for chip in alike(accelerator)), current):
            for datum in records.get(name, ()):
                if datum.field in kinds and datum.field not in found:
                    found[datum.field] = _READ[str(kinds[datum.field]).split(" ", maxsplit=1)[0]](datum)
        current = records[current].label("like")
    return found
