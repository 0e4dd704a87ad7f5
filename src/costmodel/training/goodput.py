"""Goodput: failures, checkpoints and the share of a run's time that counts.

A job on a cluster of nodes fails when any of its nodes fails, loses the work since its last checkpoint and takes
some time to restart. All times are operating hours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError

__all__ = [
    "daly_interval_higher_order",
    "exponential_training_time_ratio",
    "interruptions",
    "mean_time_between_failures",
    "spare_nodes",
]


@formula()
def mean_time_between_failures(nodes: Numeric, failure_rate: Numeric) -> Numeric:
    """Return the mean time between failures of a job.

    Parameters
    ----------
    nodes : ``()`` or array
        Nodes that the job needs, positive [1].
    failure_rate : ``()`` or array
        Failures of one node that stop the job, positive [1/hour]; 6.5 per 1,000 node-days is 6.5e-3/24.

    Returns
    -------
    ``()`` or array
        Mean time between failures [hour].

    Notes
    -----
    ``M = 1/(n·r)``. Times measured on jobs of 8 to 1,024 accelerators differ from this law by up to four
    times: use a rate measured at the scale in question.

    References
    ----------
    Kokolis et al. (2025), "Revisiting reliability in large-scale machine learning research clusters",
    arXiv 2410.21680.

    Examples
    --------
    >>> round(float(mean_time_between_failures(16_384 / 8, 6.5e-3 / 24)), 1)
    1.8
    """
    return 1.0 / (nodes * failure_rate)


@formula()
def interruptions(duration: Numeric, mean_time: Numeric) -> Numeric:
    """Return the expected number of failures over a duration.

    Parameters
    ----------
    duration : ``()`` or array
        Time that the job runs, non-negative [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].

    Returns
    -------
    ``()`` or array
        Expected interruptions [1].

    Notes
    -----
    ``n = T/M``.

    References
    ----------
    Llama team (2024), arXiv 2407.21783, table 5: 419 unexpected ones in 54 days, so one in 3.09 hours.

    Examples
    --------
    >>> round(float(interruptions(54 * 24, 3.093)))
    419
    """
    return duration / mean_time


@formula()
def daly_interval_higher_order(checkpoint_time: Numeric, mean_time: Numeric) -> Numeric:
    """Return Daly's higher-order checkpoint interval, good up to writes as long as the time between failures.

    Parameters
    ----------
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes, positive [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].

    Returns
    -------
    ``()`` or array
        Work between two checkpoints [hour].

    Notes
    -----
    With ``x = δ/(2M)``: ``T = √(2·δ·M)·(1 + √x/3 + x/9) − δ`` for ``δ < 2M``, else ``T = M``.

    References
    ----------
    Daly (2006), Future Gener. Comput. Syst. 22, 303.

    Examples
    --------
    >>> round(float(daly_interval_higher_order(0.02, 4.0)), 4)
    0.3868
    """
    ratio = checkpoint_time / (2.0 * mean_time)
    series = 1.0 + np.sqrt(ratio) / 3.0 + ratio / 9.0
    interval = np.sqrt(2.0 * checkpoint_time * mean_time) * series - checkpoint_time
    return np.where(ratio < 1.0, interval, mean_time) + 0.0


@formula()
def exponential_training_time_ratio(
    interval: Numeric, checkpoint_time: Numeric, mean_time: Numeric, restart_time: Numeric
) -> Numeric:
    """Return the exact share of time that advances training when failures are a Poisson process.

    Parameters
    ----------
    interval : ``()`` or array
        Work between two checkpoints, positive [hour].
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes, non-negative [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].
    restart_time : ``()`` or array
        Time from a failure to running again, non-negative; failures may strike in it too [hour].

    Returns
    -------
    ``()`` or array
        Expected ratio [1].

    Notes
    -----
    ``T / (M·exp(R/M)·(exp((T + δ)/M) − 1))``.

    References
    ----------
    Daly (2006), Future Gener. Comput. Syst. 22, 303.

    Examples
    --------
    >>> round(float(exponential_training_time_ratio(0.4, 0.02, 4.0, 0.1)), 4)
    0.881
    """
    cycle = mean_time * np.exp(restart_time / mean_time) * np.expm1((interval + checkpoint_time) / mean_time)
    return interval / cycle


def spare_nodes(nodes: ArrayLike, failure_rate: ArrayLike, repair_time: ArrayLike, confidence: float = 0.99) -> Any:
    """Return the spare nodes that a job needs to wait for a repair only rarely.

    Parameters
    ----------
    nodes : ``()`` or array
        Nodes that the job needs, positive [1].
    failure_rate : ``()`` or array
        Failures of one node that take it out of service, positive [1/hour].
    repair_time : ``()`` or array
        Time until a failed node is back, positive [hour].
    confidence : float
        Share of time in which the spares must suffice, between 0 and 1, exclusive [1].

    Returns
    -------
    float or array
        Spare nodes, whole [1].

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Notes
    -----
    Nodes in repair follow a Poisson law of mean ``n·r·τ`` (machine repair with ample crews); the result is the
    smallest s with ``P(X ≤ s) ≥ confidence``.

    References
    ----------
    Palm's theorem for the number in repair; e.g. Sherbrooke (2004), Optimal Inventory Modeling of Systems, ch. 2.

    Examples
    --------
    >>> spare_nodes(2048, 3.79e-3 / 24, 24.0, 0.99)
    15.0
    """
    from scipy.special import pdtr, pdtrik

    for label, value in (("nodes", nodes), ("failure_rate", failure_rate), ("repair_time", repair_time)):
        if np.any(np.asarray(value, dtype=np.float64) <= 0.0):
            raise DomainError(f"{label} must be positive, got {value!r}")
    if not 0.0 < confidence < 1.0:
        raise DomainError(f"confidence must be between 0 and 1, exclusive, got {confidence!r}")
    mean = np.asarray(nodes, dtype=np.float64) * np.asarray(failure_rate) * np.asarray(repair_time)
    root = np.nan_to_num(pdtrik(confidence, mean), nan=0.0)
    spares = np.maximum(np.ceil(root - 1e-9), 0.0)
    spares = np.where(pdtr(spares, mean) < confidence, spares + 1.0, spares)
    return float(spares) if spares.ndim == 0 else spares
