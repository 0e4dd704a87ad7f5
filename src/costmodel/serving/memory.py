"""Memory: weights, cache, and the largest batch that leaves room for long contexts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from costmodel.compute.cache import cache_bytes, growing_cache_bytes
from costmodel.compute.memory import weight_bytes
from costmodel.compute.parameters import count_parameters
from costmodel.foundation.arrays import Numeric, formula
from costmodel.serving.configuration import Configuration, Traffic
from costmodel.serving.lengths import decode_context_deviation, mean_decode_context
from costmodel.serving.reserve import DEFAULT, activation_reserve, padding_share
from costmodel.serving.steps import cache_shards

MARGIN = 2.0
"""Standard deviations of a batch's cache that are kept free, dimensionless: about 2 in 100 moments exceed it."""
GIB = 2.0**30
"""A gibibyte [byte]."""
_SMALLEST = 1e-300
"""Least denominator, used instead of zero [byte^0.5]."""


@formula()
def sequences_that_fit(free: Numeric, mean_bytes: Numeric, deviation_bytes: Numeric, margin: Numeric) -> Numeric:
    """Sequences whose caches fit, with room for the spread of their lengths.

    Parameters
    ----------
    free
        Memory left for caches, >= 0 [byte].
    mean_bytes
        Mean cache of a sequence, > 0 [byte].
    deviation_bytes
        Standard deviation of it, >= 0 [byte].
    margin
        Standard deviations of the sum to keep free, >= 0 [1].

    Returns
    -------
    float or array
        Sequences, not rounded [1].

    Notes
    -----
    The largest n with ``n m + z s √n <= free``:
    ``√n = (√(z² s² + 4 m free) − z s) / (2 m)``.

    Examples
    --------
    >>> [round(float(sequences_that_fit(free, 10.0, spread, 1.0)), 6) for free, spread in ((110.0, 0.0), (120.0, 10.0))]
    [11.0, 9.0]
    """
    spread = margin * deviation_bytes
    root = np.power(spread * spread + 4.0 * mean_bytes * np.maximum(free, 0.0), 0.5)
    side = (
        2.0 * np.maximum(free, 0.0) / np.maximum(root + spread, _SMALLEST)
    )  # of the two forms the one that keeps digits
    return side * side


def weight_bytes_per_accelerator(what: Configuration) -> Numeric:
    """Weights that one accelerator holds [byte], embedding tables included.

    Routed experts are spread over a stage, everything else over the tensor group; for a layout without copies, times
    its accelerators, it equals ``compute.weight_bytes`` to the byte.

    Parameters
    ----------
    what
        The configuration.
    """
    shape, layout, precision = what.shape, what.layout, what.precision
    routed = count_parameters(shape).routed_experts * precision.experts
    steady = weight_bytes(shape, precision) - routed
    return (steady / layout.tensor + routed / layout.stage) / layout.pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """Use of an accelerator's memory, as an engine lays it out [byte]; every field broadcasts.

    Parameters
    ----------
    seen
        Part of the card's memory that a program sees.
    planned
        The engine's share of it, or of what the rest leaves free, with what the engine counts against it.
    weights, padding
        Weights, and the bytes that their layout on the card adds.
    activations, runtime, communication, graphs
        Activations of the largest pass; context and libraries; buffers of collectives; captured graphs.
    room
        Memory left for the cache; negative where the rest does not fit.
    """

    seen: Numeric
    planned: Numeric
    weights: Numeric
    padding: Numeric
    activations: Numeric
    runtime: Numeric
    communication: Numeric
    graphs: Numeric
    room: Numeric

    @property
    def loaded(self) -> Numeric:
        """Weights as they lie on the card [byte]."""
        return self.weights + self.padding


def memory_budget(what: Configuration) -> MemoryBudget:
    """Lay out the memory of one accelerator as an engine does.

    Parameters
    ----------
    what
        The configuration; its engine's ``memory_use`` is the share that the engine plans with, and its ``reserve``
        the memory that it keeps back.

    Returns
    -------
    MemoryBudget
        Bytes [byte]. Where the share holds weights and cache alone, it is taken of what runtime and buffers leave, and
        activations and graphs live in the rest; where it is a share of free memory, all of it goes to the cache.

    Examples
    --------
    >>> from costmodel.serving.records import configuration_of
    >>> budget = memory_budget(configuration_of("Llama-3-8B", "H100-SXM", "bf16", "bf16"))
    >>> [round(float(size) / 2**30, 1) for size in (budget.weights, budget.activations)]
    [15.0, 1.8]
    """
    shape, layout, given = what.shape, what.layout, what.engine.reserve
    weights = weight_bytes_per_accelerator(what)
    routed = count_parameters(shape).routed_experts * what.precision.experts / (layout.stage * layout.pipeline)
    padding = routed * padding_share(shape, given, what.precision.experts)
    several = np.greater(layout.accelerators, 1.0)
    communication = np.where(several, given.communication, 0.0)
    activations = activation_reserve(shape, given, layout.tensor)
    seen = what.machine.memory
    outside = given.runtime + communication
    counted = weights + padding + given.inside * (activations + outside)
    share = what.engine.memory_use
    of_all = (seen - (1.0 - given.inside) * outside) * share
    planned = of_all + given.of_free * (1.0 - share) * counted
    room = planned - counted
    return MemoryBudget(
        seen=seen,
        planned=planned,
        weights=weights,
        padding=padding,
        activations=activations,
        runtime=given.runtime,
        communication=communication,
        graphs=given.graphs,
        room=room,
    )


def cache_room(what: Configuration) -> Numeric:
    """Bytes that an engine has left for the cache of one accelerator [byte], 0 where the rest does not fit.

    Versions of an engine differ: ``what.remarks`` says where the version that is not named decides.
    """
    return np.maximum(memory_budget(what).room, 0.0)


def version_remark(what: Configuration, entry: str) -> str:
    """Return a remark where older versions of the engine leave less than half of the room for the cache.

    Parameters
    ----------
    what
        A configuration.
    entry
        Where the user names the engine's version.
    """
    kept = what.engine.older_reserve
    if kept is None:
        return ""
    older = replace(what, engine=replace(what.engine, reserve=kept))
    now, then = (np.asarray(cache_room(one)) / GIB for one in (what, older))
    if now.ndim or then.ndim or not then < 0.5 * now:
        return ""
    return (
        f"room for the cache: {now:.1f} GiB an accelerator with the newest {DEFAULT}; up to 0.11 it was {then:.1f}: "
        f"name the version in {entry}"
    )


def largest_batch(what: Configuration, traffic: Traffic, margin: Numeric = MARGIN) -> Numeric:
    """Largest batch that fits memory.

    Parameters
    ----------
    what
        The configuration.
    traffic
        Lengths; contexts of running requests follow from them.
    margin
        Standard deviations of the batch's cache to keep free, >= 0 [1].

    Returns
    -------
    float or array
        Sequences of one copy of the model, a whole number; 0 where the weights, or one cache, do not fit [1].
    """
    shape, layout, stored = what.shape, what.layout, what.precision
    lengths = (
        traffic.mean_input,
        traffic.mean_output,
        traffic.variation_input,
        traffic.variation_output,
        traffic.correlation,
    )
    free = memory_budget(what).room
    split = cache_shards(shape, layout) * layout.pipeline
    mean = cache_bytes(shape, mean_decode_context(*lengths), stored) / split
    per_token = growing_cache_bytes(shape, stored) / split
    deviation = decode_context_deviation(*lengths) * per_token
    return np.floor(sequences_that_fit(free, mean, deviation, margin) * layout.groups * (1.0 + 1e-12))
