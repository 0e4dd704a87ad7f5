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
