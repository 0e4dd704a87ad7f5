"""Machines: a chip and the efficiencies that software reaches on it, for training and serving.

Products of different parts of a model run at different precisions. A :class:`Rate` is the chip's peak at one
precision and the share that kernels reach; a :class:`Machine` has a rate for every part, memory, links and fixed times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from math import inf, nan
from typing import Any, Literal, TypeAlias

import numpy as np

from costmodel.catalog import accelerator as catalog_accelerator
from costmodel.catalog.records import Record
from costmodel.compute.collectives import (
    all_gather_time,
    all_reduce_time,
    all_to_all_time,
    expert_exchange_time,
    local_ranks,
)
from costmodel.compute.efficiencies import (
    Protocol,
    efficiency,
    largest_compute_share,
    memory_share,
    protocol,
    protocols,
)
from costmodel.compute.precision import FORMATS, Scheme, scheme
from costmodel.compute.roofline import product_time
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.grids import in_pieces

Part: TypeAlias = Literal["attention", "dense", "shared_experts", "experts", "head"]
"""Part of a model whose products have their own rate."""
SIXTEEN_BITS = "bf16"
"""Precision in which every chip multiplies; formats without a rate of their own use it."""
OPERAND_BYTES = {"bf16": 2.0, "tf32": 4.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5625}
"""Bytes per element of a product's operands, by rate [byte]; 4-bit floats share an 8-bit scale among 16 elements."""
TILE_ROWS = 64.0
"""Rows of the smallest tile of a product on the matrix units [1]: warp-group products of Hopper (CUDA, PTX ISA,
``wgmma``: m64). On average, the last tile of a group of rows is half full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Matrix products at one precision.

    Parameters
    ----------
    peak
        Dense peak, > 0; NaN where the chip has none [FLOP/s].
    share
        Share of the peak that large products reach, 0 < s ≤ 1 [1].
    half_inner
        Shared dimension at which a product reaches half of ``share``, ≥ 0 [1].
    lost_elements
        Elements of a result that the last wave of tiles leaves idle, ≥ 0 [1].
    operand_bytes
        Bytes per element of the input activations, > 0 [byte].
    kernels
        Kernels of a product, ≥ 1 [1]: 2 where its operands are converted first.
    """

    peak: Numeric
    share: Numeric
    half_inner: Numeric = 0.0
    lost_elements: Numeric = 0.0
    operand_bytes: Numeric = 2.0
    kernels: Numeric = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A chip with its efficiencies; fields are numbers, or arrays that broadcast with each other.

    Parameters
    ----------
    attention, dense, shared_experts, experts, head
        Rate of the products with the weights of each part.
    scores_peak, scores_share
        Dense peak of attention's own products (scores and weighted values) and the share of it that long sequences
        reach [FLOP/s], [1].
    half_sequence
        Sequence at which attention over new tokens reaches half of ``scores_share``, ≥ 0 [token].
    bandwidth, memory
        Bandwidth and capacity of the chip's memory, > 0 [byte/s], [byte].
    memory_share, cache_share
        Share of bandwidth that kernels reach, and that attention reaches over a cache, 0 < s ≤ 1 [1].
    kernel_time
        Fixed time of a kernel, ≥ 0 [s].
    scale_up_bandwidth, scale_up_domain, scale_out_bandwidth
        Bandwidth inside a domain, accelerators per domain, and bandwidth between domains, one direction; NaN where
        unknown [byte/s], [1], [byte/s].
    scale_up_share, scale_out_share
        Shares of the links that carry payload [1].
    exchange_latency, scale_out_latency
        Start-up time of an exchange among experts or of a send, and the latency that the network adds, ≥ 0 [s].
    protocols
        Protocols that collectives choose from.
    """

    attention: Rate
    dense: Rate
    shared_experts: Rate
    experts: Rate
    head: Rate
    scores_peak: Numeric
    scores_share: Numeric
    half_sequence: Numeric = 0.0
    bandwidth: Numeric
    memory: Numeric
    memory_share: Numeric
    cache_share: Numeric
    kernel_time: Numeric = 0.0
    scale_up_bandwidth: Numeric = nan
    scale_up_domain: Numeric = 1.0
    scale_out_bandwidth: Numeric = nan
    scale_up_share: Numeric = 1.0
    scale_out_share: Numeric = 1.0
    exchange_latency: Numeric = 0.0
    scale_out_latency: Numeric = 0.0
    protocols: tuple[Protocol, ...] = ()

    def rate(self, part: Part) -> Rate:
        """Return the rate of a part's products."""
        found: Rate = getattr(self, part)
        return found

    def varies(self) -> bool:
        """Return whether any of its figures is an array."""
        own = [getattr(self, item.name) for item in fields(self)]
        rates = [getattr(one, item.name) for one in own if isinstance(one, Rate) for item in fields(Rate)]
        return any(np.ndim(one) > 0 for one in (*own, *rates) if isinstance(one, np.ndarray))

    def product(
        self, part: Part, rows: Numeric, columns: Numeric, inner: Numeric, weight_bytes: Numeric, groups: Numeric = 1.0
    ) -> Numeric:
        """Return the time of a matrix product, or of a group of equal ones in one kernel [s].

        Parameters
        ----------
        part
            Part of the model, for its rate.
        rows, columns, inner
            Tokens, columns and shared dimension of each product, > 0 [1], any shape.
        weight_bytes
            Bytes per element of the weights, > 0 [byte].
        groups
            Products in the kernel, > 0 [1]: experts that a batch touches.

        Examples
        --------
        >>> seconds = machine("H800-SXM", "fp8").product("dense", 4096.0, 7168.0, 16384.0, 1.0)
        >>> round(float(2 * 4096 * 7168 * 16384 / seconds) / 1e12, -1)  # DeepGEMM measures 1,358
        1290.0
        """
        rate = self.rate(part)
        return product_time(
            rows,
            columns,
            inner,
            groups,
            rate.operand_bytes,
            weight_bytes,
            rate.peak,
            self.bandwidth,
            rate.share,
            self.memory_share,
            rate.half_inner,
            TILE_ROWS,
            rate.lost_elements,
            rate.kernels * self.kernel_time,
        )

    def moved(self, size: Numeric) -> Numeric:
        """Return the time to move bytes to or from memory, without a kernel's fixed time [s]."""
        return size / (self.bandwidth * self.memory_share)

    def all_reduce(self, size: Numeric, ranks: Numeric, stride: Numeric = 1.0) -> Numeric:
        """Return the time of an all-reduce over neighbours of a given stride, with the fastest protocol [s]."""
        return self._fastest(all_reduce_time, size, ranks, stride)

    def all_gather(self, size: Numeric, ranks: Numeric, stride: Numeric = 1.0) -> Numeric:
        """Return the time of an all-gather, or of a reduce-scatter, with the fastest protocol [s]."""
        return self._fastest(all_gather_time, size, ranks, stride)

    def all_to_all(self, size: Numeric, ranks: Numeric, stride: Numeric = 1.0) -> Numeric:
        """Return the time of an all-to-all of the bytes that one rank sends, with the fastest protocol [s]."""
        return self._fastest(all_to_all_time, size, ranks, stride)

    def expert_exchange(
        self, tokens: Numeric, token_bytes: Numeric, top_k: Numeric, ranks: Numeric, most_domains: Numeric = inf
    ) -> Numeric:
        """Return the time to send each token to its experts: once per domain, then forwarded inside it [s].

        Parameters
        ----------
        tokens
            Tokens that one rank sends, ≥ 0 [token], any shape.
        token_bytes
            Bytes of one token, > 0 [byte].
        top_k
            Experts that a token passes, ≥ 1 [1].
        ranks
            Neighbouring devices over which experts are spread, ≥ 1 [1].
        most_domains
            Largest number of domains over which a token's experts may spread, ≥ 1 [1].
        """
        local = local_ranks(ranks, 1.0, self.scale_up_domain)
        inside, outside = self.links(ranks, local)
        return expert_exchange_time(
            tokens,
            token_bytes,
            top_k,
            ranks,
            local,
            inside,
            outside,
            0.0,
            self.scale_out_latency,
            self.exchange_latency,
            most_domains,
        )

    def _fastest(self, collective: Callable[..., Numeric], size: Numeric, ranks: Numeric, stride: Numeric) -> Numeric:
        def fastest(size: Numeric, ranks: Numeric, stride: Numeric) -> Numeric:
            local = local_ranks(ranks, stride, self.scale_up_domain)
            inside, outside = self.links(ranks, local)
            best: Numeric = np.inf
            for chosen in self.protocols:
                time = collective(
                    size,
                    ranks,
                    local,
                    inside * chosen.bandwidth_share,
                    outside * chosen.bandwidth_share,
                    chosen.scale_up_latency,
                    chosen.scale_out_latency,
                    chosen.base_latency,
                )
                best = np.minimum(best, time)
            return best

        return in_pieces(fastest, self.varies)(size, ranks, stride)

    def links(self, ranks: Numeric, local: Numeric) -> tuple[Numeric, Numeric]:
        """Return the bandwidths reached inside and between domains; 1 where a group does not use the link.

        Parameters
        ----------
        ranks, local
            Members of the group, and members per domain, ≥ 1 [1].
        """
        inside = np.where(np.greater(local, 1.0), self.scale_up_bandwidth * self.scale_up_share, 1.0)
        outside = np.where(np.greater(ranks, local), self.scale_out_bandwidth * self.scale_out_share, 1.0)
        return inside, outside


@cache
def rate(accelerator: str, precision: str = SIXTEEN_BITS) -> Rate:
    """Return the rate of an accelerator's products with weights of a stored format.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        Stored format of the weights: ``"bf16"``, ``"fp8"``, ``"nvfp4"`` …; a format that the chip cannot multiply
        runs at its 16-bit rate. The peak is NaN where the chip has none of the rates.

    Raises
    ------
    CatalogError
        If there is no such accelerator.

    Examples
    --------
    >>> rate("H100-SXM", "fp8").share, rate("H100-SXM", "nvfp4").peak / 1e12
    (0.709, 989.4)
    """
    record = catalog_accelerator(accelerator)
    names = FORMATS[precision].rates if precision in FORMATS else (precision,)
    name = next((name for name in names if name in record), names[0])
    kind = name if name in ("fp8", "fp4") else "fp8" if name == "int8" else "bf16"
    return Rate(
        peak=_or(record, name, nan),
        share=largest_compute_share(accelerator, name).value,
        half_inner=efficiency(f"half_inner_{kind}", accelerator).value,
        lost_elements=efficiency(f"lost_elements_{kind}", accelerator).value,
        operand_bytes=OPERAND_BYTES.get(name, 2.0),
        kernels=1.0 if OPERAND_BYTES.get(name, 2.0) >= 2.0 else 2.0,
    )


def machine(
    accelerator: str,
    precision: str | Mapping[str, str] | Scheme = SIXTEEN_BITS,
    *,
    scores_precision: str = SIXTEEN_BITS,
    scale_out_bandwidth: Numeric = nan,
    captured: bool = False,
) -> Machine:
    """Return an accelerator of the catalog as a machine, at the recorded efficiencies.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        Storage of the model: a scheme, its name, or a table of formats by part.
    scores_precision
        Precision of attention's own products.
    scale_out_bandwidth
        Network bandwidth of one accelerator, one direction; NaN: unknown [byte/s].
    captured
        Whether collectives may run inside a captured graph, as in an engine's decode step, without the library's
        start-up time.

    Raises
    ------
    CatalogError
        If there is no such accelerator, or its memory or bandwidth are not recorded.

    Examples
    --------
    >>> h100 = machine("H100-SXM", {"dense": "fp8"})
    >>> h100.dense.peak / 1e12, h100.head.peak / 1e12, h100.scale_up_domain
    (1979.0, 989.4, 8.0)
    """
    record = catalog_accelerator(accelerator)
    stored = scheme(precision)
    rates = {part: rate(accelerator, stored.format_of(part)) for part in PARTS}
    eight_bits = FORMATS[stored.cache].bits < 16.0
    return Machine(
        attention=rates["attention"],
        dense=rates["dense"],
        shared_experts=rates["shared_experts"],
        experts=replace(rates["experts"], share=rates["experts"].share * efficiency("grouped", accelerator).value),
        head=rates["head"],
        scores_peak=rate(accelerator, scores_precision).peak,
        scores_share=efficiency("attention_share", accelerator).value,
        bandwidth=record.bandwidth,
        memory=record.memory_seen,
        memory_share=memory_share(accelerator).value,
        cache_share=efficiency("cache_share_fp8", accelerator).value if eight_bits else memory_share(accelerator).value,
        kernel_time=efficiency("kernel_launch", accelerator).value,
        scale_up_bandwidth=_or(record, "link", nan),
        scale_up_domain=_or(record, "domain", 1.0),
        scale_out_bandwidth=scale_out_bandwidth,
        scale_out_latency=protocol("LL").scale_out_latency,
        protocols=(protocol("direct"), *protocols()) if captured else protocols(),
        half_sequence=efficiency("half_sequence", accelerator).value,
        scale_up_share=efficiency("scale_up_share", accelerator).value,
        scale_out_share=efficiency("scale_out_share", accelerator).value,
        exchange_latency=efficiency("exchange_latency", accelerator).value,
    )


PARTS: tuple[Part, ...] = ("attention", "dense", "shared_experts", "experts", "head")
"""Parts whose products have their own rate."""


def derated(given: Machine, clock: Numeric = 1.0, bandwidth: Numeric | None = None) -> Machine:
    """Return a machine whose clock or memory runs below its specification.

    Parameters
    ----------
    given
        The machine.
    clock
        Clock reached under a power limit, over the clock of the peak, 0 < c ≤ 1 [1].
    bandwidth
        Memory bandwidth reached in place of the peak, > 0 [byte/s].
    """
    slower: dict[str, Any] = {part: replace(given.rate(part), peak=given.rate(part).peak * clock) for part in PARTS}
    memory = given.bandwidth if bandwidth is None else bandwidth
    return replace(given, **slower, scores_peak=given.scores_peak * clock, bandwidth=memory)


def _or(record: Record, field: str, absent: float) -> float:
    value = record.get(field)
    return absent if value is None else float(value)
