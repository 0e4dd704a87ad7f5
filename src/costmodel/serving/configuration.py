"""Inputs of a step: a configuration (model, machine, engine, layout, precisions) and its traffic.

Every number may be an array; arrays of one call broadcast, so that one call covers a grid of batch, context,
precision, accelerators and layouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.compute.machine import Machine
from costmodel.compute.precision import Precision
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.deprecation import deprecated
from costmodel.serving.reserve import Reserve


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An inference engine's effect on a machine: factors on its times, host times, and the memory that it takes.

    Parameters
    ----------
    prefill_factor, decode_factor
        Wall-clock time of a pass over prompts, and of a decode step, over the time computed here, > 0 [1].
    host_time
        Time of a decode step in which the accelerators wait for the host: scheduling, sampling, output, >= 0 [s].
    launch_time
        Time of the host for each kernel of a pass over prompts, >= 0 [s]: such passes are not captured, so that every
        kernel is launched from the host before the first token comes. It includes the host's other work for a first
        token.
    held_steps
        Decode steps for which a request waits before the scheduler takes it in, on average, >= 0 [1]: one that looks
        at its queue only every so many steps, or waits for a batch of prompts.
    memory_use
        Share of memory that the engine plans with, 0 < s < 1 [1].
    reserve
        Memory that it keeps back from that, besides weights and cache.
    older_reserve
        The same of its older versions, where no version was named and they keep back more.
    """

    prefill_factor: Numeric = 1.0
    decode_factor: Numeric = 1.0
    host_time: Numeric = 0.0
    launch_time: Numeric = 0.0
    held_steps: Numeric = 0.0
    memory_use: Numeric = 0.9
    reserve: Reserve = field(default_factory=Reserve)
    older_reserve: Reserve | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one copy of the model is placed on accelerators.

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
    """A model on accelerators, with its layout and stored formats.

    Parameters
    ----------
    shape
        The model.
    machine, engine, layout, precision
        Hardware, software, placement and formats; their numbers may be arrays that broadcast with each other.
    """

    shape: Shape
    machine: Machine
    engine: Engine
    layout: Layout
    precision: Precision

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was not named and decides: the engine's version, where older ones leave less than half of the room.

        Examples
        --------
        >>> from costmodel.serving import configuration_of
        >>> (said,) = configuration_of("gpt-oss-120b", "H100-SXM", "mxfp4", "bf16", memory_use=0.95).remarks
        >>> said.rpartition("; ")[2]
        'up to 0.11 it was 1.8: name the version in engine'
        """
        from costmodel.serving.memory import version_remark

        return tuple(filter(None, [version_remark(self, "engine")]))

    @property
    @deprecated("0.2", "0.4", "machine; room for the cache is cache_room(what), by the engine's version")
    def chip(self) -> Machine:
        """The machine, by the name that it had before 0.2.

        A share of ``chip.memory`` less the weights is more than an engine has for the cache: it keeps activations,
        runtime and buffers back; :func:`~costmodel.serving.cache_room` counts them.
        """
        return self.machine


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
    """The requests: their lengths, prefix cache and how prompts are read.

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
