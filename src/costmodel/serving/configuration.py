"""What a step is computed from: a configuration (model, chip, engine, layout, precisions) and its traffic.

Every number may be an array; arrays of one call broadcast, so that one call covers a grid of batch, context,
precision, accelerators and layouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.compute.precision import Precision
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """An accelerator as serving sees it.

    Parameters
    ----------
    peak
        Dense rate at the precision of the weights' products, > 0; NaN where the chip lacks it [FLOP/s].
    attention_peak
        Dense rate at the precision of attention, > 0 [FLOP/s].
    bandwidth
        Peak memory bandwidth, > 0 [byte/s].
    memory
        Memory, > 0 [byte].
    scale_up_bandwidth
        Link inside a domain, one direction, > 0; NaN where there is none [byte/s].
    scale_up_domain
        Accelerators of a domain, >= 1 [1].
    scale_out_bandwidth
        Link between domains, one direction, > 0; NaN where there is none [byte/s].
    """

    peak: Numeric
    attention_peak: Numeric
    bandwidth: Numeric
    memory: Numeric
    scale_up_bandwidth: Numeric
    scale_up_domain: Numeric
    scale_out_bandwidth: Numeric


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What software reaches of the chip: shares, latencies and the one fitted term.

    Parameters
    ----------
    compute_share
        Share of peak that large products reach, 0 < s <= 1 [1].
    attention_share
        The same for attention's products, 0 < s <= 1 [1].
    memory_share
        Share of memory bandwidth reached, 0 < s <= 1 [1].
    scale_up_share, scale_out_share
        Shares of link bandwidth reached, 0 < s <= 1 [1].
    half_inner
        Shared dimension of a product at which half of ``compute_share`` is reached, >= 0 [1].
    kernel_launch
        Fixed time of a kernel, >= 0 [s].
    scale_up_latency, scale_out_latency, base_latency
        Of an exchange among experts and of a send: inside, between domains, and once, >= 0 [s]. All-reduces
        take the recorded protocols of the collective library.
    memory_use
        Share of memory given to weights and cache, 0 < s < 1 [1].
    overhead
        Engine overhead: wall-clock time of a step over the time computed here, >= 1 [1].
    """

    compute_share: Numeric
    attention_share: Numeric
    memory_share: Numeric
    scale_up_share: Numeric = 1.0
    scale_out_share: Numeric = 1.0
    half_inner: Numeric = 0.0
    kernel_launch: Numeric = 0.0
    scale_up_latency: Numeric = 0.0
    scale_out_latency: Numeric = 0.0
    base_latency: Numeric = 0.0
    memory_use: Numeric = 0.9
    overhead: Numeric = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one copy of the model lies on accelerators.

    Attention and dense weights are split over ``tensor`` accelerators and copied to every attention group;
    routed experts are spread over all accelerators of a stage. A stage holds ``max(tensor, expert)``
    accelerators, hence ``expert / tensor`` attention groups.

    Parameters
    ----------
    tensor
        Accelerators that share an attention group, >= 1 [1].
    expert
        Accelerators over which routed experts are spread; 1 splits experts like everything else [1].
    pipeline
        Stages, >= 1 [1].
    micro_batches
        Parts of a batch that alternate on an accelerator, >= 1; each reads the weights again [1].
    overlap
        Share of communication that hides behind work, or of work behind communication, 0 to 1 [1].
    dimensions
        1 splits each matrix along one side, with all-reduces over the whole tensor group; 2 along both, with
        smaller all-reduces over a side of the square, for wide groups [1].
    """

    tensor: Numeric = 1.0
    expert: Numeric = 1.0
    pipeline: Numeric = 1.0
    micro_batches: Numeric = 1.0
    overlap: Numeric = 0.0
    dimensions: Numeric = 1.0

    @property
    def stage(self) -> Numeric:
        """Accelerators of a stage [1]."""
        return np.maximum(self.tensor, self.expert)

    @property
    def accelerators(self) -> Numeric:
        """Accelerators of one copy of the model [1]."""
        return self.stage * self.pipeline

    @property
    def groups(self) -> Numeric:
        """Attention groups of a stage [1]."""
        return self.stage / self.tensor

    @property
    def parts(self) -> Numeric:
        """Parts into which a batch is divided: stages, attention groups and micro-batches [1]."""
        return self.pipeline * self.groups * self.micro_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What runs: a model on accelerators, laid out and stored in some way.

    Parameters
    ----------
    shape
        The model.
    chip, engine, layout, precision
        What it runs on and how; their numbers may be arrays that broadcast with each other.
    """

    shape: Shape
    chip: Chip
    engine: Engine
    layout: Layout
    precision: Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft model for speculative decoding; none by default.

    Parameters
    ----------
    tokens
        Tokens drafted per pass, >= 0 [token].
    acceptance
        Probability that one is accepted, 0 to 1 [1].
    cost
        Time to draft one token over the time of a decode step, >= 0 [1].
    """

    tokens: Numeric = 0.0
    acceptance: Numeric = 0.0
    cost: Numeric = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is asked: lengths, prefix cache and how prompts are read.

    Parameters
    ----------
    mean_input, mean_output
        Mean lengths of a request, > 0 [token].
    variation_input, variation_output, correlation
        Coefficients of variation and correlation of the two lengths [1].
    cached_share
        Share of input tokens found in the prefix cache, 0 <= s < 1 [1].
    chunk
        New tokens of one prefill pass of an attention group, > 0 [token].
    draft
        Speculative decoding.
    """

    mean_input: Numeric
    mean_output: Numeric
    variation_input: Numeric = 0.0
    variation_output: Numeric = 0.0
    correlation: Numeric = 0.0
    cached_share: Numeric = 0.0
    chunk: Numeric = 8192.0
    draft: Draft = field(default_factory=Draft)
