"""Why a deployment cannot run, with figures: what it needs and what is available."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.compute.cache import cache_bytes
from costmodel.compute.machine import PARTS
from costmodel.foundation.arrays import Numeric, quiet
from costmodel.foundation.tables import figure
from costmodel.serving.configuration import Configuration, Traffic
from costmodel.serving.deployment import Deployment
from costmodel.serving.lengths import mean_decode_context
from costmodel.serving.load import MARGIN_OF_A_SCHEDULER
from costmodel.serving.memory import largest_batch, memory_budget
from costmodel.serving.model import configuration, layout_of, traffic_of
from costmodel.serving.steps import cache_shards
from costmodel.serving.throughput import (
    BAD_LAYOUT,
    CACHES,
    NO_LINKS,
    NO_PEAK,
    OVERLOAD,
    REASONS,
    TARGETS,
    WEIGHTS,
    serve,
)

_Middle: TypeAlias = Callable[[Any], str]
"""Function that writes a figure; of draws, the median of those that fail for this reason."""
_GIGABYTE = 1e9
"""A gigabyte [byte]."""


def refusals(resolved: Deployment, codes: Numeric) -> tuple[str, ...]:
    """Return the reasons with the figures behind those that apply: ``(needs 94 GB of 72 GB …)``.

    Parameters
    ----------
    resolved
        A resolved deployment: numbers, or one vector of draws per parameter.
    codes
        Reasons of failure, of shape ``()`` or ``(draw,)``: codes into
        :data:`~costmodel.serving.throughput.REASONS`.

    Returns
    -------
    tuple of str
        A text for each code. A figure of draws is the median of those that fail for this reason.

    Examples
    --------
    >>> from costmodel.serving.model import deploy
    >>> large = Deployment(
    ...     name="large", architecture="Llama-3.3-70B", accelerator="H100-SXM", precision="bf16",
    ...     workload={"mean_input": 2000.0, "mean_output": 400.0}, hour_price="2 USD/hour",
    ... )
    >>> print(refusals(large.resolve(), deploy(large.resolve()).reason)[4].partition("GB")[0])
    memory: the weights do not fit beside what the engine keeps back (an accelerator needs 143.5
    """
    failed = np.asarray(codes, dtype=np.intp)
    what, traffic = configuration(resolved), traffic_of(resolved)
    said = list(REASONS)
    for code in np.unique(failed[failed > 0]):
        holds = failed == code

        def middle(value: Any, holds: NDArray[np.bool_] = holds) -> str:
            return figure(float(np.median(np.broadcast_to(np.asarray(value, dtype=np.float64), holds.shape)[holds])))

        with quiet():
            asked = _at_fault(resolved, what, traffic, int(code))
            said[code] = f"{REASONS[code]} ({_FIGURES[int(code)](resolved, asked, traffic, middle)})"
    return tuple(said)


def _at_fault(resolved: Deployment, what: Configuration, traffic: Traffic, code: int) -> Configuration:
    """Return the configuration that fails: the accelerators that decode, or else those that read prompts."""
    if resolved.prefill_layout is None or np.equal(serve(what, traffic, 1.0).infeasible, code).any():
        return what
    return replace(what, layout=layout_of(resolved.prefill_layout))


def _peaks(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    machine = what.machine
    lacking: list[str] = [part for part in PARTS if np.isnan(machine.rate(part).peak).any()]
    lacking += ["scores"] if np.isnan(machine.scores_peak).any() else []
    return f"no rate of {resolved.accelerator} is on record for: {', '.join(lacking)}"


def _layout(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    shape, layout = what.shape, what.layout
    asked = ", ".join(f"{name} {middle(getattr(layout, name))}" for name in ("tensor", "expert", "pipeline"))
    asked += "" if resolved.batch is None else f", batch {middle(resolved.batch)}"
    experts = f", {shape.experts} experts" if shape.experts > 1 else ""
    return f"asked: {asked}; the model has {shape.heads} heads, {shape.layers} layers{experts}"


def _links(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    spanned, domain = middle(what.layout.accelerators), middle(what.machine.scale_up_domain)
    where = "within" if np.isnan(what.machine.scale_up_bandwidth).any() else "beyond"
    return f"the layout takes {spanned} accelerators; no bandwidth {where} a domain of {domain} is on record"


def _gigabytes(size: Numeric, middle: _Middle) -> str:
    return f"{middle(np.asarray(size) / _GIGABYTE)} GB"


def _weights(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    budget = memory_budget(what)
    needed, planned = (_gigabytes(size, middle) for size in (budget.planned - budget.room, budget.planned))
    loaded, seen = _gigabytes(budget.loaded, middle), _gigabytes(budget.seen, middle)
    return (
        f"an accelerator needs {needed}, {loaded} of them weights, of the {planned} that the engine plans with; "
        f"the card has {seen}"
    )


def _caches(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    most = np.asarray(largest_batch(what, traffic, resolved.engine.margin))
    if resolved.batch is not None and (most >= 1.0).any():
        return f"a batch of {middle(resolved.batch)} is asked for; {middle(most)} sequences fit"
    context = mean_decode_context(
        traffic.mean_input,
        traffic.mean_output,
        traffic.variation_input,
        traffic.variation_output,
        traffic.correlation,
    )
    split = cache_shards(what.shape, what.layout) * what.layout.pipeline
    one = _gigabytes(cache_bytes(what.shape, context, what.precision) / split, middle)
    return f"one of mean length needs {one} of an accelerator; {_gigabytes(memory_budget(what).room, middle)} are left"


def _targets(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    if resolved.measured:
        fastest = 1.0 / max(row.user_speed for row in resolved.measured)
        return f"asked: {middle(resolved.max_time_per_output_token)} s per token; the fastest measured: {fastest:.4g} s"
    alone = serve(what, traffic, 1.0, mode=resolved.mode, margin=resolved.engine.margin)
    limits = (
        ("to the first token", alone.time_to_first_token, resolved.max_time_to_first_token),
        ("per output token", alone.time_per_output_token, resolved.max_time_per_output_token),
    )
    told = [
        f"{middle(time)} s {name} where {middle(most)} s is asked" for name, time, most in limits if most is not None
    ]
    return f"one sequence alone takes {', '.join(told)}"


def _overload(resolved: Deployment, what: Configuration, traffic: Traffic, middle: _Middle) -> str:
    full = serve(what, traffic, mode=resolved.mode, margin=MARGIN_OF_A_SCHEDULER)
    served = full.requests_per_second * full.accelerators
    return f"{middle(resolved.arrivals)} requests a second reach a copy; full, it serves {middle(served)}"


_FIGURES: dict[int, Callable[[Deployment, Configuration, Traffic, _Middle], str]] = {
    NO_PEAK: _peaks,
    BAD_LAYOUT: _layout,
    NO_LINKS: _links,
    WEIGHTS: _weights,
    CACHES: _caches,
    TARGETS: _targets,
    OVERLOAD: _overload,
}
