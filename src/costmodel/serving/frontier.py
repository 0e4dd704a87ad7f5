"""The Pareto front: no faster user at the same cost, no lower cost at the same speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.errors import DomainError


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
        Positions in the flattened arrays, from the slowest and cheapest to the fastest; of points alike in
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
