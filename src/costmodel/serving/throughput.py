"""Continuous batching at steady state: what a copy of the model serves and how fast, or why it cannot.

Three ways to combine passes over prompts and decode steps:

* ``interleaved``: passes over prompts run between decode steps;
* ``chunked``: part of a prompt rides in every decode step, sharing one read of the weights;
* ``disaggregated``: prompts are read on other accelerators and their caches sent over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from costmodel.compute.cache import cache_bytes
from costmodel.foundation.arrays import Numeric, quiet
from costmodel.foundation.errors import DomainError, near_matches
from costmodel.foundation.result_tables import words_of
from costmodel.serving.blocks import BLOCK, blocks, grid_shape, on_axes, take
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.lengths import mean_decode_context
from costmodel.serving.links import links_missing
from costmodel.serving.memory import MARGIN, largest_batch, memory_budget
from costmodel.serving.speculative import expected_tokens_per_pass
from costmodel.serving.steps import (
    decode_step_time,
    decode_work,
    launch_time,
    prefill_latency,
    prefill_time_per_token,
    prefill_work,
    stage_time,
)

Mode: TypeAlias = Literal["interleaved", "chunked", "disaggregated"]
MODES: tuple[Mode, ...] = ("interleaved", "chunked", "disaggregated")
"""Ways to combine passes over prompts and decode steps."""

REASONS = (
    "",
    "precision: the accelerator has no peak at the precision of the weights",
    "layout: heads, experts or layers cannot be divided so, or a batch below one",
    "links: the layout spans accelerators that no known link connects",
    "memory: the weights do not fit beside what the engine keeps back",
    "memory: the caches of the batch do not fit",
    "targets: no batch meets the time to first token and the time per output token",
    "load: more requests arrive than can be served",
)
"""Why a point is infeasible, by code; code 0 is feasible."""
FEASIBLE, NO_PEAK, BAD_LAYOUT, NO_LINKS, WEIGHTS, CACHES, TARGETS, OVERLOAD = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Throughput and times of a configuration; NaN where infeasible. Every field has the broadcast shape.

    Parameters
    ----------
    infeasible
        Code into :data:`REASONS`; 0 where it works.
    batch
        Sequences in decode of one copy of the model [1].
    accelerators
        Accelerators of one copy; of decode, where disaggregated [1].
    step_time
        Decode step, with the prompt tokens that ride in it where chunked [s].
    time_to_first_token
        For a request of mean length that does not wait [s].
    time_per_output_token
        Mean inter-token time of a user, interruptions by prompts included [s/token].
    requests_per_second
        Per accelerator of the deployment, all of them busy [1/s].
    input_seconds, cached_seconds, output_seconds
        Accelerator-seconds per computed input, cached input and output token [s/token].
    tokens_per_second
        Input and output tokens per accelerator, cached ones counted [token/s].
    output_per_second
        Output tokens per accelerator [token/s].
    prefill_share
        Share of accelerator time that reads prompts [1].
    """

    infeasible: Numeric
    batch: Numeric
    accelerators: Numeric
    step_time: Numeric
    time_to_first_token: Numeric
    time_per_output_token: Numeric
    requests_per_second: Numeric
    input_seconds: Numeric
    cached_seconds: Numeric
    output_seconds: Numeric
    tokens_per_second: Numeric
    output_per_second: Numeric
    prefill_share: Numeric

    @property
    def user_speed(self) -> Numeric:
        """Output tokens per second of one user [token/s]."""
        return 1.0 / self.time_per_output_token

    @property
    def reasons(self) -> Numeric:
        """Reasons in words, empty where feasible."""
        return np.asarray(REASONS)[np.asarray(self.infeasible, dtype=np.intp)]


def refused(words: Sequence[str], codes: Numeric) -> str:
    """Return a sentence that says why something cannot run; nothing where it can.

    Parameters
    ----------
    words
        Meaning of each code, as :data:`REASONS`.
    codes
        Of shape ``()`` or ``(draw,)``.

    Examples
    --------
    >>> refused(REASONS, np.array([0, 7, 0])), refused(REASONS, np.array(0))
    ('It cannot run in 1 of 3 draws: load: more requests arrive than can be served.', '')
    """
    failed = np.not_equal(codes, FEASIBLE)
    if not failed.any():
        return ""
    share = "" if failed.all() else f" in {failed.sum()} of {failed.size} draws"
    return f"It cannot run{share}: {words_of(words, np.asarray(codes)[failed])}."


def serve(
    what: Configuration,
    traffic: Traffic,
    batch: Numeric | None = None,
    *,
    mode: Mode = "interleaved",
    prefill_layout: Layout | None = None,
    margin: Numeric = MARGIN,
) -> Serving:
    """Compute what a configuration serves at steady state, over any grid in one call.

    Parameters
    ----------
    what, traffic
        The configuration and what is asked of it; numbers or arrays that broadcast with each other.
    batch
        Sequences in decode of one copy of the model, >= 1; absent: the largest that fits memory [1].
    mode
        ``interleaved``, ``chunked`` or ``disaggregated``.
    prefill_layout
        Layout of the accelerators that read prompts where disaggregated; absent: as ``layout``.
    margin
        Standard deviations of the batch's cache to keep free [1].

    Returns
    -------
    Serving
        Arrays of the broadcast shape; infeasible points hold NaN and say why.

    Raises
    ------
    DomainError
        If the mode is unknown, or a prefill layout is given to a mode that has none.
    """
    if mode not in MODES:
        raise DomainError(f"mode = {mode!r}: allowed are {', '.join(MODES)}{near_matches(str(mode), MODES)}")
    if prefill_layout is not None and mode != "disaggregated":
        raise DomainError(f"prefill_layout is given, but mode is {mode!r}: it belongs to 'disaggregated'")
    numbers = (what, traffic, batch, prefill_layout, margin)
    size = grid_shape(*numbers)
    with quiet():
        return _whole(mode, numbers) if np.prod(size, dtype=np.int64) <= BLOCK else _cut(mode, numbers)


_Numbers: TypeAlias = tuple[Any, ...]
"""Everything of a call that may be an array, in the order of ``serve``."""


def _cut(mode: Mode, numbers: _Numbers) -> Serving:
    """Serve a large grid block by block; every point is computed as it would be alone."""
    given = grid_shape(*numbers)
    numbers, written = on_axes(numbers)
    size = grid_shape(*numbers)
    whole = {name: np.empty(size) for name in Serving.__dataclass_fields__}
    whole["infeasible"] = np.empty(size, dtype=np.int64)
    _fill(mode, numbers, whole)
    ones = (1,) * (len(written) - len(size))

    def spread(array: Any) -> Any:
        thin = array.reshape(*ones, *size)
        return (thin if thin.shape == written else np.broadcast_to(thin, written).copy()).reshape(given)

    return Serving(**{name: spread(array) for name, array in whole.items()})


def _fill(mode: Mode, numbers: _Numbers, into: dict[str, Any]) -> None:
    """Compute a grid into arrays of its shape, cutting it until a block is small enough."""
    size = np.shape(into["infeasible"])
    if np.prod(size, dtype=np.int64) <= BLOCK:
        point = _whole(mode, numbers)
        for name, array in into.items():
            array[...] = getattr(point, name)
        return
    for axis, part in blocks(size):
        inside = tuple(take(number, axis, part) for number in numbers)
        _fill(mode, inside, {name: take(array, axis, part) for name, array in into.items()})


def _whole(mode: Mode, numbers: _Numbers) -> Serving:
    """Serve a whole grid without cutting it."""
    what, traffic, batch, prefill_layout, margin = numbers
    most = largest_batch(what, traffic, margin)
    running = most if batch is None else batch
    codes = _infeasible(what, running, most)
    reading = what
    if prefill_layout is not None:
        reading = replace(what, layout=prefill_layout)
        codes = np.where(codes > 0, codes, _infeasible(reading, 1.0, np.inf))
    per_token = prefill_time_per_token(reading, traffic) * reading.layout.accelerators
    point = _Point(what, reading, traffic, np.maximum(running, 1.0), per_token)
    return _MODES[mode](point, codes)


@dataclass(frozen=True, slots=True)
class _Point:
    """The arguments of one call, and what all modes share."""

    what: Configuration
    reading: Configuration
    """The configuration that reads prompts; the same unless disaggregated."""
    traffic: Traffic
    batch: Numeric
    prompt_seconds: Numeric
    """Accelerator-seconds per new input token [s/token]."""

    @property
    def new_tokens(self) -> Numeric:
        """Input tokens of a request that are computed [token]."""
        return self.traffic.mean_input * (1.0 - self.traffic.cached_share)

    @property
    def tokens_per_pass(self) -> Numeric:
        """Output tokens that a sequence gains per pass [token]."""
        return expected_tokens_per_pass(self.traffic.draft.acceptance, self.traffic.draft.tokens)

    @property
    def passes(self) -> Numeric:
        """Decode passes of a request; the first token comes with the prompt [1]."""
        return np.maximum(self.traffic.mean_output - 1.0, 0.0) / self.tokens_per_pass

    @property
    def context(self) -> Numeric:
        """Mean context of a decode step [token]."""
        traffic = self.traffic
        return mean_decode_context(
            traffic.mean_input,
            traffic.mean_output,
            traffic.variation_input,
            traffic.variation_output,
            traffic.correlation,
        )

    def decode_step(self) -> Numeric:
        """Time of a decode pass with its draft [s]."""
        draft = self.traffic.draft
        step = decode_step_time(self.what, self.batch, self.context, draft.tokens + 1.0)
        if np.ndim(draft.tokens) == 0 and draft.tokens == 0.0:
            return step
        return step + draft.tokens * draft.cost * decode_step_time(self.what, self.batch, self.context)

    def prompt_latency(self) -> Numeric:
        """Time to read one prompt [s]."""
        return prefill_latency(self.reading, self.traffic)


def _infeasible(what: Configuration, batch: Numeric, most: Numeric) -> Numeric:
    """Return the code of the first reason that holds."""
    shape, machine, layout = what.shape, what.machine, what.layout
    small, large = np.minimum(layout.tensor, layout.expert), layout.stage
    divided = np.equal(np.mod(large, small), 0.0) & np.equal(np.mod(float(shape.heads), layout.tensor), 0.0)
    divided = divided & np.less_equal(layout.pipeline, float(shape.layers))
    divided = divided & (np.equal(layout.expert, 1.0) | np.less_equal(layout.expert, float(shape.experts)))
    checks = (
        (NO_PEAK, _no_peak(what)),
        (BAD_LAYOUT, ~divided | (np.less(batch, 1.0) & np.greater_equal(most, 1.0))),
        (NO_LINKS, links_missing(machine, layout)),
        (WEIGHTS, np.less(memory_budget(what).room, 0.0)),
        (CACHES, np.greater(batch, most) | np.less(most, 1.0)),
    )
    codes: Numeric = np.asarray(FEASIBLE)
    for code, holds in reversed(checks):
        codes = np.where(holds, code, codes)
    return codes


def _no_peak(what: Configuration) -> Numeric:
    """Whether the machine lacks a rate at a precision that the model needs."""
    needed = [what.machine.attention.peak, what.machine.head.peak, what.machine.scores_peak]
    if what.shape.plain_layers:
        needed.append(what.machine.dense.peak)
    if what.shape.moe_layers:
        needed.append(what.machine.experts.peak)
    lacks: Numeric = False
    for peak in needed:
        lacks = lacks | np.isnan(peak)
    return lacks


def _interleaved(point: _Point, codes: Numeric) -> Serving:
    step = point.decode_step()
    accelerators = point.what.layout.accelerators
    reading = point.prompt_seconds * point.new_tokens
    answering = point.passes * step / point.batch * accelerators
    # between two tokens of a request the other requests of the batch have their prompts read
    interrupted = (point.batch - 1.0) * reading / accelerators
    interval = (point.passes * step + interrupted) / np.maximum(point.traffic.mean_output - 1.0, 1.0)
    first = point.prompt_latency() + (1.0 + point.what.engine.held_steps) * step
    return _collect(point, codes, step, reading, answering, interval, first)


def _disaggregated(point: _Point, codes: Numeric) -> Serving:
    step = point.decode_step()
    reading = point.prompt_seconds * point.new_tokens
    answering = point.passes * step / point.batch * point.what.layout.accelerators
    machine = point.what.machine
    sent = cache_bytes(point.what.shape, point.traffic.mean_input, point.what.precision)
    link = machine.scale_out_bandwidth * machine.scale_out_share
    link = np.where(np.isnan(link), machine.scale_up_bandwidth * machine.scale_up_share, link)
    transfer = sent / (link * point.reading.layout.tensor) + machine.scale_out_latency
    first = point.prompt_latency() + transfer + step
    return _collect(point, codes, step, reading, answering, step / point.tokens_per_pass, first)


def _chunked(point: _Point, codes: Numeric) -> Serving:
    traffic, layout = point.traffic, point.what.layout
    parts = layout.parts
    # prompt tokens per pass and part that keep the batch full, at most a chunk: beyond it the batch starves
    per_sequence = point.new_tokens / np.maximum(point.passes, 1e-9)
    batch = np.minimum(point.batch, traffic.chunk * parts / per_sequence)
    chunk = np.minimum(traffic.chunk, point.new_tokens)
    step, full = _mixed_steps(point, batch, batch / parts * per_sequence, chunk)
    first = point.new_tokens / chunk * full + launch_time(point.what) + point.what.engine.held_steps * step
    # steps of a request over the batch, which starves as answers become a single token
    shared = np.maximum(point.passes / point.batch, point.new_tokens / (traffic.chunk * parts))
    together = shared * step * layout.accelerators
    # one step serves both: its time is shared as the two would need it alone
    reading = point.prompt_seconds * point.new_tokens
    answering = point.passes * point.decode_step() / point.batch * layout.accelerators
    share = reading / (reading + answering)
    served = replace(point, batch=batch)
    interval = step / point.tokens_per_pass
    return _collect(served, codes, step, together * share, together * (1.0 - share), interval, first)


def _mixed_steps(point: _Point, batch: Numeric, *prompt_tokens: Numeric) -> list[Numeric]:
    """Return times of steps that decode the batch and read prompt tokens per part of it, one for each number."""
    what, traffic, engine = point.what, point.traffic, point.what.engine
    sequences = np.maximum(batch / what.layout.parts, 1.0)
    length = traffic.mean_input * (1.0 + traffic.variation_input * traffic.variation_input)
    decode = decode_work(what, sequences, point.context, traffic.draft.tokens + 1.0)
    alone = stage_time(what, decode)
    times = []
    for tokens in prompt_tokens:
        mixed = stage_time(what, decode, prefill_work(what, tokens, length, traffic.cached_share))
        passed = engine.decode_factor * alone + engine.prefill_factor * (mixed - alone)
        times.append(what.layout.pipeline * passed + engine.host_time)
    return times


_MODES: dict[Mode, Callable[[_Point, Numeric], Serving]] = {
    "interleaved": _interleaved,
    "chunked": _chunked,
    "disaggregated": _disaggregated,
}


def _collect(
    point: _Point,
    codes: Numeric,
    step: Numeric,
    reading: Numeric,
    answering: Numeric,
    interval: Numeric,
    first: Numeric,
) -> Serving:
    """Derive rates and costs in time from the accelerator-seconds of a request's two phases."""
    traffic = point.traffic
    together = reading + answering
    rate = 1.0 / together
    cached = traffic.mean_input * traffic.cached_share
    # what the prefix adds is attention over it and its reading; every mode keeps that proportion
    fresh = reading * _fresh_share(point)
    ok = np.equal(codes, FEASIBLE)

    def kept(value: Numeric) -> Numeric:
        return np.where(ok, value, np.nan)[()]

    return Serving(
        infeasible=np.asarray(codes)[()],
        batch=kept(point.batch),
        accelerators=kept(point.what.layout.accelerators),
        step_time=kept(step),
        time_to_first_token=kept(first),
        time_per_output_token=kept(interval),
        requests_per_second=kept(rate),
        input_seconds=kept(fresh / point.new_tokens),
        cached_seconds=kept((reading - fresh) / np.maximum(cached, 1.0)),
        output_seconds=kept(answering / traffic.mean_output),
        tokens_per_second=kept(rate * (traffic.mean_input + traffic.mean_output)),
        output_per_second=kept(rate * traffic.mean_output),
        prefill_share=kept(reading / together),
    )


def _fresh_share(point: _Point) -> Numeric:
    """Share of the time to read prompts that would remain if the cached prefix did not exist [1]."""
    traffic = point.traffic
    if np.ndim(traffic.cached_share) == 0 and traffic.cached_share == 0.0:
        return 1.0
    alone = Traffic(
        mean_input=traffic.mean_input * (1.0 - traffic.cached_share),
        mean_output=traffic.mean_output,
        variation_input=traffic.variation_input,
        chunk=traffic.chunk,
    )
    per_token = prefill_time_per_token(point.reading, alone)
    return np.minimum(per_token * point.reading.layout.accelerators / point.prompt_seconds, 1.0)
