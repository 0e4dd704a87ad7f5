"""Load: requests in the system, waiting times, and the busy share of paid hours.

A benchmark keeps a number of requests in the system (closed loop), most often for a run of so many requests; a service
sees them arrive (open arrivals). Either sets how many are decoded together and how long a first token takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import Numeric, formula, quiet
from costmodel.foundation.errors import DomainError
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.memory import largest_batch
from costmodel.serving.steps import launch_time, prefill_time_per_token
from costmodel.serving.targets import queue_wait
from costmodel.serving.throughput import FEASIBLE, OVERLOAD, Mode, Serving, serve

HOURS_PER_DAY = 24.0
"""Hours in a day."""


MARGIN_OF_A_SCHEDULER = 0.0
"""Standard deviations of the batch's cache that a scheduler keeps free [1]: none, it preempts instead."""
_WITHOUT_END = 1e9
"""Number of waves used for a run without end [1]."""
_HALVINGS = 40
"""Bisection steps that find a batch under open arrivals."""
_ROUNDS = 6
"""Iterations in which rate and batch of a saturated system settle: each brings them several times closer."""


@formula()
def share_in_step(spread: Numeric, waves: Numeric) -> Numeric:
    """Share of a run in which requests still end in the order and at the intervals in which they were read.

    Parameters
    ----------
    spread
        Spread of the ends of a wave of requests over the time to read all of its prompts, >= 0 [1], after one wave; it
        grows with the square root of the waves passed.
    waves
        Requests of the whole run over those in the system, >= 1; infinite for a run without end [1].

    Returns
    -------
    float or array
        Share, 0 to 1; 1 where nothing spreads [1].

    Notes
    -----
    Mean over the waves k of ``max(1 − c √k, 0)``: ``(m − (2/3) c m^(3/2))/K`` with ``m = min(K, 1/c²)``.

    Examples
    --------
    >>> float(share_in_step(0.0, 10.0)), round(float(share_in_step(0.5, 10.0)), 3)
    (1.0, 0.133)
    """
    inverse = 1.0 / np.maximum(spread * spread, 1e-12)
    met = np.minimum(waves, inverse)
    share = (met - 2.0 / 3.0 * spread * met * np.sqrt(met)) / waves
    return np.where(spread * spread > 1e-12, share, 1.0) + 0.0


def closed_loop(
    what: Configuration,
    traffic: Traffic,
    concurrency: Numeric,
    *,
    waves: Numeric = np.inf,
    mode: Mode = "interleaved",
    prefill_layout: Layout | None = None,
    readers: Numeric = 1.0,
    writers: Numeric = 1.0,
) -> Serving:
    """Serve with a number of requests kept in the system, as a benchmark does.

    Parameters
    ----------
    what, traffic
        The configuration and what is asked of it; numbers or arrays that broadcast with each other.
    concurrency
        Requests in the system, >= 1 [1]. The engine decodes as many as fit in memory; the others wait to be admitted.
    waves
        Requests of the whole run over ``concurrency``, >= 1; infinite for a run without end [1].
    mode
        ``interleaved``, ``chunked`` or ``disaggregated``.
    prefill_layout
        Layout of a copy that reads prompts where disaggregated; absent: as the configuration's.
    readers, writers
        Copies that read prompts and copies that decode, where disaggregated, >= 1 [1].

    Returns
    -------
    Serving
        ``batch`` is what one copy decodes together; rates follow from Little's law, and times to the first token
        include all waiting.

    Notes
    -----
    Interleaved and chunked: ``X = b/(W + (O − 1)·t(b))`` with ``b = min(N, largest batch)``; those not admitted wait
    ``(N − b)/X``. Three waits come before a first token.

    * A run starts with all requests at once. In this first wave a prompt waits for half of the others, each read,
      launched and, in an engine that mixes, passed with a decode step, as many in a pass as a chunk holds; an answer
      is interrupted by half of them, those that come after its own.
    * Requests of equal length end one after another as they were read, so that a new one arrives when the pass of the
      one before it has just begun, and waits for it, until lengths have spread them (:func:`share_in_step`).
    * After that they come at random, and wait as in :func:`queue_wait`, where of N requests each meets the load of
      the N − 1 others.

    Disaggregated: readers limit the rate to ``r/s``; beyond it decode starves and the queue is before the readers,
    ``W = N/X − (O − 1)·t``.
    """
    with quiet():
        most = np.maximum(largest_batch(what, traffic, MARGIN_OF_A_SCHEDULER), 1.0)
        options: dict[str, Any] = {"mode": mode, "margin": MARGIN_OF_A_SCHEDULER}
        if mode == "disaggregated":
            options["prefill_layout"] = what.layout if prefill_layout is None else prefill_layout
            return _apart(what, traffic, concurrency, most, waves, readers, writers, options)
        served = serve(what, traffic, np.minimum(concurrency, most), **options)
        passes = np.maximum(traffic.mean_output - 1.0, 1.0)
        service = _service(what, traffic)
        interval = served.time_per_output_token - 0.5 * (served.batch - 1.0) * service / (waves * passes)
        queue = _Queue(what, traffic, service, served.batch, passes * interval, waves, served.step_time)
        first = served.time_to_first_token + queue.of_first_wave()
        first = first + queue.later(served.batch / (first + passes * interval))
        rate = served.batch / (first + passes * interval)
        waited = np.maximum(concurrency - served.batch, 0.0) / rate
        served = replace(served, time_per_output_token=interval)
        return _at_rate(served, traffic, rate / served.accelerators, first + waited)


@dataclass(frozen=True, slots=True)
class _Queue:
    """Requests before one copy that reads prompts."""

    what: Configuration
    traffic: Traffic
    service: Numeric
    """Time to read a prompt [s]."""
    requests: Numeric
    """Requests that share the copy [1]."""
    answer: Numeric
    """Time from the first token to the last [s]."""
    waves: Numeric
    decode: Numeric
    """Decode step that rides in a pass over prompts [s]; 0 where another copy decodes."""

    @property
    def others(self) -> Numeric:
        return np.maximum(self.requests - 1.0, 0.0)

    def of_first_wave(self) -> Numeric:
        """Mean wait of the requests that started together, over the whole run [s]."""
        new = self.traffic.mean_input * (1.0 - self.traffic.cached_share)
        fit = np.maximum(self.traffic.chunk * self.what.layout.groups / new, 1.0)
        launched = launch_time(self.what) + self.decode
        return 0.5 * self.others * (self.service + launched / np.minimum(fit, self.requests)) / self.waves

    def later(self, rate: Numeric) -> Numeric:
        """Mean wait behind others that come one by one, at a rate of requests per second [s]."""
        deviation = np.power(12.0, 0.5) * self.traffic.variation_output * self.answer
        spread = deviation / np.maximum(self.others * self.service, 1e-12)
        stays = share_in_step(spread, np.minimum(self.waves, _WITHOUT_END))
        met = np.minimum(rate * self.service, 1.0) * self.others / self.requests
        waited = queue_wait(met / self.service, self.service, self.traffic.variation_input)
        return stays * np.minimum(self.others, 1.0) * self.service + (1.0 - stays) * waited


def _service(what: Configuration, traffic: Traffic) -> Numeric:
    """Time of one copy to read the new tokens of a prompt [s]."""
    return prefill_time_per_token(what, traffic) * traffic.mean_input * (1.0 - traffic.cached_share)


def _apart(
    what: Configuration,
    traffic: Traffic,
    concurrency: Numeric,
    most: Numeric,
    waves: Numeric,
    readers: Numeric,
    writers: Numeric,
    options: dict[str, Any],
) -> Serving:
    """Serve with a fixed number of copies that read and copies that decode."""
    reading = replace(what, layout=options["prefill_layout"])
    service = _service(reading, traffic)
    passes = np.maximum(traffic.mean_output - 1.0, 0.0)
    batch = np.minimum(concurrency / writers, most)
    rate: Numeric = 0.0
    for _ in range(_ROUNDS):
        served = serve(what, traffic, np.maximum(batch, 1.0), **options)
        answer = passes * served.time_per_output_token
        queue = _Queue(reading, traffic, service, np.maximum(concurrency / readers, 1.0), answer, waves, 0.0)
        first = served.time_to_first_token + queue.of_first_wave() + queue.later(rate / readers)
        rate = np.minimum(writers * batch / answer, concurrency / (first + answer))
        rate = np.minimum(rate, readers / service)
        batch = np.minimum(rate * answer / writers, most)
    waited = np.maximum(concurrency / rate - answer - first, 0.0)
    accelerators = readers * reading.layout.accelerators + writers * what.layout.accelerators
    return _at_rate(served, traffic, rate / accelerators, first + waited)


def open_arrivals(what: Configuration, traffic: Traffic, arrivals: Numeric, *, mode: Mode = "interleaved") -> Serving:
    """Serve requests that arrive at random, one by one, at one copy of the model.

    Parameters
    ----------
    what, traffic
        The configuration and what is asked of it; numbers or arrays that broadcast with each other.
    arrivals
        Requests per second that reach a copy, > 0 [1/s].
    mode
        ``interleaved`` or ``chunked``.

    Returns
    -------
    Serving
        ``batch`` is the mean number decoded together; the time to first token includes the wait for the prompts before
        it. Points that cannot keep up are infeasible, with that reason.

    Raises
    ------
    DomainError
        If the mode has copies of its own for prompts.

    Notes
    -----
    With prompts that take a share ``ρ = λ s`` of the time, a step is stretched to ``t(b)/(1 − ρ)``, and the batch is
    ``b = λ (O − 1) t(b)/(1 − ρ)`` by Little's law. Waiting is that of Pollaczek and Khinchine (:func:`queue_wait`),
    with the variation of the prompts' lengths.
    """
    if mode == "disaggregated":
        raise DomainError("mode = 'disaggregated': open arrivals need copies that read and decode; take another mode")
    with quiet():
        most = np.maximum(largest_batch(what, traffic, MARGIN_OF_A_SCHEDULER), 1.0)
        service = _service(what, traffic)
        busy = arrivals * service
        passes = np.maximum(traffic.mean_output - 1.0, 0.0)

        def needed(batch: Numeric) -> tuple[Serving, Numeric]:
            point = serve(what, traffic, np.maximum(batch, 1.0), mode=mode, margin=MARGIN_OF_A_SCHEDULER)
            alone = point.time_per_output_token - (point.batch - 1.0) * service / np.maximum(passes, 1.0)
            return point, alone / np.maximum(1.0 - busy, 1e-12)

        low, high = np.zeros_like(most * arrivals), most + 0.0 * arrivals
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            _, interval = needed(middle)
            more = arrivals * passes * interval > middle
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        point, interval = needed(high)
        overloaded = (busy >= 1.0) | (arrivals * passes * interval > most)
        waited = queue_wait(arrivals, service, traffic.variation_input)
        point = replace(point, batch=high, time_per_output_token=interval)
        found = _at_rate(point, traffic, arrivals / point.accelerators, point.time_to_first_token + waited)
        return _refused(found, overloaded & np.equal(point.infeasible, FEASIBLE))


def _refused(served: Serving, overloaded: NDArray[np.bool_]) -> Serving:
    """Mark the points that cannot keep up."""
    values = {
        name: np.where(overloaded, np.nan, getattr(served, name))[()]
        for name in Serving.__dataclass_fields__
        if name != "infeasible"
    }
    return Serving(infeasible=np.where(overloaded, OVERLOAD, served.infeasible)[()], **values)


def _at_rate(served: Serving, traffic: Traffic, rate: Numeric, first: Numeric) -> Serving:
    """Return the figures at another rate per accelerator and time to first token; idle time is shared in proportion."""
    slower = served.requests_per_second / rate
    return replace(
        served,
        time_to_first_token=first,
        requests_per_second=rate,
        input_seconds=served.input_seconds * slower,
        cached_seconds=served.cached_seconds * slower,
        output_seconds=served.output_seconds * slower,
        tokens_per_second=served.tokens_per_second / slower,
        output_per_second=served.output_per_second / slower,
    )


@formula()
def utilisation_of_fleet(peak_to_average: Numeric, headroom: Numeric, elastic_share: Numeric) -> Numeric:
    """Share of paid accelerator-hours that is busy, from the shape of the day.

    A fleet is sized for its peak plus headroom; the elastic share of what the trough leaves idle is returned
    or given to other work (training at night), and is not paid for by the tokens.

    Parameters
    ----------
    peak_to_average
        Peak over mean load, >= 1 [1].
    headroom
        Capacity above the need, as a share of it, >= 0 [1].
    elastic_share
        Share of the idle capacity below the peak that is handed back, 0 to 1 [1].

    Returns
    -------
    float or array
        Utilisation, 0 < u <= 1 [1].

    Notes
    -----
    ``u = 1 / ((1 + headroom) (1 + (1 − elastic) (k − 1)))``.

    References
    ----------
    DeepSeek (2025), *Inference System Overview*: 226.75 nodes on average with a peak of 278, nodes being
    released to research and training at night.

    Examples
    --------
    >>> round(float(utilisation_of_fleet(278 / 226.75, 0.0, 0.0)), 4)
    0.8156
    """
    paid = 1.0 + (1.0 - elastic_share) * (peak_to_average - 1.0)
    return 1.0 / ((1.0 + headroom) * paid)


def peak_to_average(load: ArrayLike) -> float:
    """Return the peak of a measured load curve over its mean.

    Parameters
    ----------
    load
        Load in equal intervals of the day (or week), >= 0, any unit, shape (interval,).

    Raises
    ------
    DomainError
        If the curve is empty, not finite, negative or all zero.

    Examples
    --------
    >>> peak_to_average([1.0, 2.0, 3.0])
    1.5
    """
    curve = np.asarray(load, dtype=np.float64)
    if curve.ndim != 1 or curve.size == 0 or not np.all(np.isfinite(curve)) or np.any(curve < 0.0):
        raise DomainError("load: a non-empty list of finite values >= 0 is needed, one per equal interval")
    if not np.any(curve > 0.0):
        raise DomainError("load: every interval is 0, so that the curve has no mean")
    return float(curve.max() / curve.mean())
