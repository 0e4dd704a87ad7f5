"""Canonical blocks: draws are computed in whole blocks, so that results don't depend on the executor.

Every block has the same number of draws for any size of ensemble and any number of workers; the last block is padded
before the run and trimmed afterwards. Threads, processes and machines of a cluster therefore do the same arithmetic on
arrays of the same shape, and their results are equal bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

BLOCK = 8192
"""Draws per canonical block [1]; part of every design."""
WORKERS_SERVED = 32
"""Workers that one caller keeps busy with tasks of one block [1].

Merging a block of all default outputs of a flywheel took 14 ms of the caller and computing it 0.9 s of a worker, so
that tasks of one block would keep about 60 workers busy (``benchmarks/cluster.py``).
"""
TASKS_PER_WORKER = 8
"""Least number of tasks for each worker, so that all finish at about the same time [1]; assumed."""


def spans(blocks: int, workers: int) -> list[range]:
    """Divide blocks among tasks: one block each up to `WORKERS_SERVED` workers; with more, a power of two.

    Parameters
    ----------
    blocks
        Number of blocks [1], at least 0.
    workers
        Number of workers [1], at least 1.

    Returns
    -------
    list of range
        Blocks of each task, in order; only the last task may have fewer than the others.

    Examples
    --------
    >>> spans(3, 2)
    [range(0, 1), range(1, 2), range(2, 3)]
    >>> len(spans(100_000, 300)), spans(100_000, 300)[1]
    (6250, range(16, 32))
    """
    size = 1
    while size * WORKERS_SERVED < workers and 2 * size * TASKS_PER_WORKER * workers <= blocks:
        size *= 2
    return [range(first, min(first + size, blocks)) for first in range(0, blocks, size)]


def trimmed(values: ArrayLike, axes: int, draws: int) -> Any:
    """Return one output of a block without padding: exactly one value per draw.

    Parameters
    ----------
    values
        Output of a model, shape ``structural`` or ``structural + (draw,)``; padding at the end.
    axes
        Number of structural axes.
    draws
        Number of the block's draws without padding [1], 1 to ``BLOCK``.

    Returns
    -------
    numpy.ndarray
        Shape ``structural + (draws,)``. An output without draws is broadcast as a view.

    Examples
    --------
    >>> trimmed([1.0, 2.0, 3.0], 0, 2)
    array([1., 2.])
    >>> trimmed([1.0, 2.0, 3.0], 1, 2).shape
    (3, 2)
    """
    array = np.asarray(values)
    if array.ndim == axes:
        return np.broadcast_to(array[..., np.newaxis], (*array.shape, draws))
    return array[..., :draws]
