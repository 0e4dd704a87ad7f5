"""The Pareto front: no faster user at the same cost, no lower cost at the same speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import FloatArray, Numeric, as_array
from costmodel.foundation.errors import DomainError
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.cost import cost_per_token
from costmodel.serving.throughput import serve


def pareto_front(speed: ArrayLike, cost: ArrayLike) -> NDArray[np.intp]:
    """Find the points that no other point beats on both speed and cost.

    Parameters
    ----------
    speed
        Tokens per second of a user, more is better [token/s], any shape; NaN marks an infeasible point.
    cost
        Cost per token, less is better [USD/token], same shape; NaN marks an infeasible point.

    Returns
    -------
    array of int
        Positions in the flattened arrays, from the slowest and cheapest to the fastest; of points equal in
        both the first is kept. Empty where nothing is feasible.

    Raises
    ------
    DomainError
        If the shapes differ.

    Examples
    --------
    >>> pareto_front([10.0, 20.0, 15.0, 30.0], [1.0, 2.0, 3.0, 4.0]).tolist()
    [0, 1, 3]
    """
    speeds = np.asarray(speed, dtype=np.float64)
    costs = np.asarray(cost, dtype=np.float64)
    if speeds.shape != costs.shape:
        raise DomainError(f"speed has shape {speeds.shape}, cost {costs.shape}: they must agree")
    speeds, costs = speeds.ravel(), costs.ravel()
    feasible = np.flatnonzero(np.isfinite(speeds) & np.isfinite(costs))
    order = feasible[np.lexsort((costs[feasible], -speeds[feasible]))]
    ordered = costs[order]
    cheapest_before = np.minimum.accumulate(np.concatenate(([np.inf], ordered[:-1])))[: ordered.size]
    return order[ordered < cheapest_before][::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Pareto front of a model on an accelerator: arrays of shape (point,), slowest and cheapest first.

    Parameters
    ----------
    user_speed
        Output tokens per second of one user [token/s].
    cost
        Cost per token of the mix, prefill and decode, cached tokens counted [USD/token].
    tokens_per_second
        Input and output tokens per accelerator [token/s].
    time_to_first_token
        Time to first token [s].
    batch
        Sequences in decode of one copy [1].
    layout
        Position in the list of layouts.
    """

    user_speed: FloatArray
    cost: FloatArray
    tokens_per_second: FloatArray
    time_to_first_token: FloatArray
    batch: FloatArray
    layout: NDArray[np.intp]


def best_configurations(
    what: Configuration,
    layouts: Sequence[Layout],
    traffic: Traffic,
    batch: ArrayLike,
    hour_price: Numeric,
    utilisation: Numeric = 1.0,
    **options: Any,
) -> Front:
    """Search layouts and batches for the Pareto front of user speed against cost.

    Parameters
    ----------
    what
        The configuration, in numbers; its layout is not used.
    layouts
        Layouts to try, numbers.
    traffic
        Lengths of the requests, numbers.
    batch
        Batches to try, >= 1 [1], shape (batch,).
    hour_price
        Price of one accelerator-hour, >= 0 [USD/hour].
    utilisation
        Share of paid hours that are busy, 0 < u <= 1 [1].
    **options
        ``mode`` and ``margin`` of :func:`~costmodel.serving.throughput.serve`.

    Returns
    -------
    Front
        Empty where nothing is feasible.

    Raises
    ------
    DomainError
        If there is no layout to try.
    """
    if not layouts:
        raise DomainError("layouts: at least one is needed")
    names = Layout.__dataclass_fields__
    stacked = {name: np.array([[float(getattr(layout, name))] for layout in layouts]) for name in names}
    batches = np.asarray(batch, dtype=np.float64).ravel()
    served = serve(replace(what, layout=Layout(**stacked)), traffic, batches, **options)
    cost = as_array(cost_per_token(hour_price, served.tokens_per_second, utilisation))
    best = pareto_front(served.user_speed, cost)
    which, _ = np.unravel_index(best, np.shape(served.tokens_per_second))
    return Front(
        user_speed=np.ravel(served.user_speed)[best],
        cost=cost.ravel()[best],
        tokens_per_second=np.ravel(served.tokens_per_second)[best],
        time_to_first_token=np.ravel(served.time_to_first_token)[best],
        batch=np.ravel(served.batch)[best],
        layout=which,
    )
