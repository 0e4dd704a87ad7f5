"""A chip's roof at one precision: peak, bandwidth and what kernels reach of them, ready for products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from costmodel.catalog import accelerator as catalog_accelerator
from costmodel.compute.efficiencies import efficiency, largest_compute_share, memory_share
from costmodel.compute.precision import bytes_per_element
from costmodel.compute.roofline import matmul_bytes, matmul_flop, step_time
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import CatalogError

_TILE_FIELD = {"bf16": "half_inner_bf16", "fp16": "half_inner_bf16", "tf32": "half_inner_bf16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """An accelerator at a precision: the two limits, named, and the shares of them that kernels reach.

    Parameters
    ----------
    accelerator, precision
        What the peak belongs to.
    peak
        Dense peak at that precision [FLOP/s].
    bandwidth
        Memory bandwidth [byte/s].
    compute_share, memory_share
        Shares reached by large kernels [1]; scalars, or arrays of draws.
    launch
        Fixed time of a kernel [s].
    half_inner
        Shared dimension at which tiles reach half of ``compute_share`` [1].
    """

    accelerator: str
    precision: str
    peak: Numeric
    bandwidth: Numeric
    compute_share: Numeric
    memory_share: Numeric
    launch: Numeric
    half_inner: Numeric

    def with_shares(self, **changes: Numeric) -> Roof:
        """Return the roof with some of its figures replaced.

        Examples
        --------
        >>> float(roof("H100-SXM").with_shares(launch=0.0).launch)
        0.0
        """
        return replace(self, **changes)

    def product_time(
        self,
        rows: Numeric,
        columns: Numeric,
        inner: Numeric,
        activation_bytes: Numeric | None = None,
        weight_bytes: Numeric | None = None,
        groups: Numeric = 1.0,
    ) -> Numeric:
        """Time of a matrix product, or of a group of equal ones in one kernel.

        Parameters
        ----------
        rows, columns, inner
            Tokens, weight columns and shared dimension of each product, > 0 [1], any shape.
        activation_bytes, weight_bytes
            Bytes per element, > 0 [byte]; absent: those of the roof's precision.
        groups
            Products in the kernel, ≥ 1 [1]: experts that a batch touches.

        Returns
        -------
        Numeric
            Time [s].

        Examples
        --------
        >>> seconds = roof("H800-SXM", "fp8").product_time(4096.0, 7168.0, 16384.0)
        >>> round(float(2 * 4096 * 7168 * 16384 / seconds) / 1e12)  # DeepGEMM measures 1,358
        1339
        """
        stored = bytes_per_element(self.precision)
        activations = stored if activation_bytes is None else activation_bytes
        weights = stored if weight_bytes is None else weight_bytes
        flop = groups * matmul_flop(rows, columns, inner)
        moved = groups * matmul_bytes(rows, columns, inner, activations, weights)
        share = self.compute_share * inner / (inner + self.half_inner)
        return step_time(flop, moved, self.peak, self.bandwidth, share, self.memory_share, self.launch)


@cache
def roof(accelerator: str, precision: str = "bf16") -> Roof:
    """Return the roof of an accelerator in the catalog, at the recorded efficiencies.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        One whose peak is recorded for it, such as ``"bf16"``, ``"fp8"`` or ``"fp4"``.

    Raises
    ------
    CatalogError
        If the accelerator or its peak at that precision is not recorded.

    Examples
    --------
    >>> h100 = roof("H100-SXM", "fp8")
    >>> f"{float(h100.peak):.4g} {h100.compute_share}"
    '1.979e+15 0.709'
    """
    chip = catalog_accelerator(accelerator)
    if precision not in chip:
        raise CatalogError(
            f"{accelerator!r} has no recorded peak at {precision!r}: recorded are {', '.join(chip.fields)}"
        )
    return Roof(
        accelerator=accelerator,
        precision=precision,
        peak=chip.peak(precision),
        bandwidth=chip.bandwidth,
        compute_share=largest_compute_share(accelerator, precision).value,
        memory_share=memory_share(accelerator).value,
        launch=efficiency("kernel_launch").value,
        half_inner=efficiency(_TILE_FIELD.get(precision, "half_inner_fp8"), accelerator).value,
    )
