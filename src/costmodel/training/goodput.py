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
from costmodel.foundation.units import SECONDS_PER_HOUR

__all__ = [
    "checkpoint_waste",
    "checkpoint_write_time",
    "daly_interval",
    "daly_interval_higher_order",
    "effective_training_time_ratio",
    "exponential_training_time_ratio",
    "interruptions",
    "mean_time_between_failures",
    "spare_nodes",
    "young_interval",
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
    ``M = 1/(n·r)``. Measured on jobs of 8 to 1,024 accelerators, times differ from this line by up to four
    times: use a rate of the scale in question.

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
    """Return the failures to expect in a time.

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
def checkpoint_write_time(parameters: Numeric, bytes_per_parameter: Numeric, bandwidth: Numeric) -> Numeric:
    """Return the time in which a checkpoint is written.

    Parameters
    ----------
    parameters : ``()`` or array
        Parameters of the model, positive [1].
    bytes_per_parameter : ``()`` or array
        State saved per parameter, positive [byte]: 12 for single-precision weights and two Adam moments.
    bandwidth : ``()`` or array
        Sustained write bandwidth of the storage, positive [byte/s].

    Returns
    -------
    ``()`` or array
        Time [hour].

    Notes
    -----
    ``δ = N·b/W/3600``; training waits for the write. Asynchronous writing makes δ smaller: pass a larger
    bandwidth, such as that of copying to host memory.

    References
    ----------
    Llama team (2024), arXiv 2407.21783, section 3.3.1: storage of 2 TB/s sustained.

    Examples
    --------
    >>> round(float(checkpoint_write_time(405e9, 12.0, 2e12)) * 3600, 2)
    2.43
    """
    return parameters * bytes_per_parameter / bandwidth / SECONDS_PER_HOUR


@formula()
def young_interval(checkpoint_time: Numeric, mean_time: Numeric) -> Numeric:
    """Return the checkpoint interval that wastes least, to first order.

    Parameters
    ----------
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes from training, positive [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive and much longer than ``checkpoint_time`` [hour].

    Returns
    -------
    ``()`` or array
        Work between two checkpoints [hour].

    Notes
    -----
    ``T = √(2·δ·M)``.

    References
    ----------
    Young (1974), "A first order approximation to the optimum checkpoint interval", Commun. ACM 17, 530.

    Examples
    --------
    >>> float(young_interval(0.02, 4.0))
    0.4
    """
    return np.sqrt(2.0 * checkpoint_time * mean_time)


@formula()
def daly_interval(checkpoint_time: Numeric, mean_time: Numeric, restart_time: Numeric) -> Numeric:
    """Return Daly's first-order checkpoint interval, which counts the restart.

    Parameters
    ----------
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes, positive [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].
    restart_time : ``()`` or array
        Time from a failure to running again, non-negative [hour].

    Returns
    -------
    ``()`` or array
        Work between two checkpoints [hour].

    Notes
    -----
    ``T = √(2·δ·(M + R)) − δ``.

    References
    ----------
    Daly (2006), "A higher order estimate of the optimum checkpoint interval for restart dumps", Future Gener.
    Comput. Syst. 22, 303.

    Examples
    --------
    >>> round(float(daly_interval(0.02, 3.9, 0.1)), 6)
    0.38
    """
    return np.sqrt(2.0 * checkpoint_time * (mean_time + restart_time)) - checkpoint_time


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
def checkpoint_waste(interval: Numeric, checkpoint_time: Numeric, mean_time: Numeric, restart_time: Numeric) -> Numeric:
    """Return the share of time lost to checkpoints, lost work and restarts, to first order.

    Parameters
    ----------
    interval : ``()`` or array
        Work between two checkpoints, positive [hour].
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes, non-negative [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].
    restart_time : ``()`` or array
        Time from a failure to running again, non-negative [hour].

    Returns
    -------
    ``()`` or array
        Share lost [1]; meaningful well below 1.

    Notes
    -----
    ``δ/T + (T/2 + R)/M``; Young's interval is its minimum.

    References
    ----------
    Young (1974), Commun. ACM 17, 530.

    Examples
    --------
    >>> round(float(checkpoint_waste(0.4, 0.02, 4.0, 0.1)), 6)
    0.125
    """
    return checkpoint_time / interval + (interval / 2.0 + restart_time) / mean_time


@formula()
def effective_training_time_ratio(
    interval: Numeric, checkpoint_time: Numeric, mean_time: Numeric, restart_time: Numeric
) -> Numeric:
    """Return the expected share of a run's time that advances training (ETTR).

    Parameters
    ----------
    interval : ``()`` or array
        Work between two checkpoints, positive [hour].
    checkpoint_time : ``()`` or array
        Time that writing a checkpoint takes, non-negative [hour].
    mean_time : ``()`` or array
        Mean time between failures, positive [hour].
    restart_time : ``()`` or array
        Time from a failure to running again, non-negative [hour].

    Returns
    -------
    ``()`` or array
        Expected ratio [1], not below 0; queueing for other nodes is not in it.

    Notes
    -----
    ``(1 − (R + T/2)/M) / (1 + δ/T)``.

    References
    ----------
    Kokolis et al. (2025), arXiv 2410.21680: expected ETTR.

    Examples
    --------
    >>> round(float(effective_training_time_ratio(0.4, 0.02, 4.0, 0.1)), 4)
    0.881
    """
    running = np.maximum(1.0 - (restart_time + interval / 2.0) / mean_time, 0.0)
    return running / (1.0 + checkpoint_time / interval)


@formula()
def exponential_training_time_ratio(
    interval: Numeric, checkpoint_time: Numeric, mean_time: Numeric, restart_time: Numeric
) -> Numeric:
    """Return the share of time that advances training when failures are a Poisson process, exactly.

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
    """Return the spare nodes with which a job seldom waits for a repair.

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
