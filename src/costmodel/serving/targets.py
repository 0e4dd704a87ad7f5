"""The largest batch that meets two targets: time to first token and time per output token."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import Numeric, formula, quiet
from costmodel.serving.configuration import Configuration, Traffic
from costmodel.serving.memory import MARGIN, largest_batch
from costmodel.serving.throughput import FEASIBLE, TARGETS, Serving, serve

LARGEST_BATCH = 2.0**20
"""Bound of the search, dimensionless: no engine runs a million sequences in one copy of a model."""


@formula()
def queue_wait(arrivals: Numeric, mean_service: Numeric, variation_service: Numeric) -> Numeric:
    """Mean wait of a prompt before its turn, one at a time in order of arrival.

    Parameters
    ----------
    arrivals
        Requests per second that reach one attention group, 0 to below ``1 / mean_service`` [1/s].
    mean_service
        Mean time to read a prompt, > 0 [s].
    variation_service
        Coefficient of variation of it, >= 0 [1].

    Returns
    -------
    float or array
        Wait [s], to be added to a time to first token; without limit as load nears 1.

    Notes
    -----
    Pollaczek and Khinchine: ``W = ρ s (1 + v²) / (2 (1 − ρ))``, ρ = arrivals · s.

    References
    ----------
    Kleinrock (1975), *Queueing Systems*, volume 1, equation 5.73.

    Examples
    --------
    >>> float(queue_wait(0.5, 1.0, 1.0))
    1.0
    """
    load = arrivals * mean_service
    return load * mean_service * (1.0 + variation_service * variation_service) / (2.0 * (1.0 - load))


def serve_within(
    what: Configuration,
    traffic: Traffic,
    *,
    largest: Numeric = LARGEST_BATCH,
    max_time_to_first_token: Numeric = np.inf,
    max_time_per_output_token: Numeric = np.inf,
    margin: Numeric = MARGIN,
    **options: Any,
) -> Serving:
    """Serve with the largest batch that fits memory and keeps the targets.

    Parameters
    ----------
    what, traffic
        The configuration and what is asked of it; numbers or arrays that broadcast with each other.
    largest
        Most sequences that the engine admits to one copy of the model, >= 1 [1].
    max_time_to_first_token
        Target, > 0; infinite for none [s].
    max_time_per_output_token
        Target, > 0; infinite for none [s/token].
    margin
        Standard deviations of the batch's cache to keep free [1].
    **options
        ``mode`` and ``prefill_layout`` of :func:`~costmodel.serving.throughput.serve`.

    Returns
    -------
    Serving
        At the largest whole batch; where a batch of one misses a target, infeasible with that reason.

    Notes
    -----
    Both times rise with the batch, so that halving the range finds it.
    """

    def at(batch: Numeric) -> tuple[Serving, NDArray[np.bool_]]:
        point = serve(what, traffic, batch, margin=margin, **options)
        met = np.less_equal(point.time_to_first_token, max_time_to_first_token)
        return point, met & np.less_equal(point.time_per_output_token, max_time_per_output_token)

    with quiet():
        most = largest_batch(what, traffic, margin)
        high = np.maximum(np.minimum(np.minimum(most, largest), LARGEST_BATCH), 1.0)
        point, met = at(high)
        if np.all(met | np.not_equal(point.infeasible, FEASIBLE)):
            return point
        _, possible = at(1.0)
        high = np.broadcast_to(high, np.shape(met)) + 0.0
        low = np.where(np.isnan(high), high, 1.0)  # where memory is not a number, neither is what is served
        for _ in range(int(np.ceil(np.log2(np.max(np.fmax(high, 1.0))))) + 1):
            middle = np.ceil((low + high) / 2.0)
            _, met = at(middle)
            low, high = np.where(met, middle, low), np.where(met, high, np.maximum(middle - 1.0, 1.0))
        return _refuse(at(low)[0], ~np.asarray(possible))


def _refuse(point: Serving, missed: NDArray[np.bool_]) -> Serving:
    """Mark the points where no batch keeps the targets."""
    missed = missed & np.equal(point.infeasible, FEASIBLE)
    values = {
        name: np.where(missed, np.nan, getattr(point, name))[()]
        for name in Serving.__dataclass_fields__
        if name != "infeasible"
    }
    return Serving(infeasible=np.where(missed, TARGETS, point.infeasible)[()], **values)
