"""Books of one asset by period: depreciation and book value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly


@dataclass(frozen=True, slots=True)
class BookSchedule:
    """Books of one asset that is depreciated and not sold; for the books of fleets see `costmodel.ownership.fleet`.

    Parameters
    ----------
    cost
        Cost at the start [USD], shape of the batch.
    expense
        Depreciation by period [USD], ``(period,) + batch``.
    """

    cost: FloatArray
    expense: FloatArray

    @property
    def accumulated(self) -> FloatArray:
        """Accumulated depreciation on bounds [USD], ``(period + 1,) + batch``."""
        return readonly(np.concatenate([np.zeros_like(self.expense[:1]), np.cumsum(self.expense, axis=0)]))

    @property
    def book_value(self) -> FloatArray:
        """Book value on bounds [USD], ``(period + 1,) + batch``: cost less accumulated depreciation."""
        return readonly(self.cost - self.accumulated)


def as_books(cost: ArrayLike, expense: ArrayLike) -> BookSchedule:
    """Return the books of an asset from its cost and its depreciation by period.

    Examples
    --------
    >>> as_books(10.0, [4.0, 6.0]).book_value.tolist()
    [10.0, 6.0, 0.0]
    """
    charged = readonly(expense)
    return BookSchedule(readonly(np.broadcast_to(np.asarray(cost, dtype=np.float64), charged.shape[1:])), charged)
