"""Cumulative curves with delays, used for fleets, books, payments and debt.

What enters in a step enters evenly between its two bounds, so its cumulative curve is a line between them. Whatever
happens to it after a fixed time (service, the end of a life, a last instalment) is the same curve read that much
earlier. A stock is a difference of two readings, an expense the average of such a difference over a step: the cost of
a step does not grow with the horizon, and lags and lives need not be whole steps nor the same in every draw.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import FloatArray, as_array
from costmodel.foundation.row_loops import changed, each_row, row_of, rows_at

WholeArray: TypeAlias = NDArray[np.signedinteger[Any]]
FOREVER = 1 << 30
"""Whole steps of a delay without an end [1]: beyond every horizon."""


class Delay:
    """A time in steps, split into whole steps and the part of one that is left.

    Parameters
    ----------
    years
        The time, ≥ 0, infinite for never [year]; broadcasts to the batch.
    step
        Length of a step, > 0 [year].
    width
        Number of draws of the flat batch.

    Examples
    --------
    >>> delay = Delay(0.4, 0.25, 1)
    >>> int(delay.whole[0]), round(float(delay.part[0]), 9)
    (1, 0.6)
    """

    __slots__ = ("part", "shared", "whole")

    def __init__(self, years: ArrayLike, step: float, width: int) -> None:
        steps = np.broadcast_to(np.asarray(years, dtype=np.float64) / step, (width,))
        whole = np.floor(steps)
        endless = ~(whole < FOREVER)
        self.whole: WholeArray = np.where(endless, FOREVER, whole).astype(np.intp)
        self.part: FloatArray = np.where(endless, 0.0, steps - np.where(endless, 0.0, whole))
        self.shared: int | None = int(self.whole[0]) if bool((self.whole == self.whole[0]).all()) else None
        """The whole steps, where every draw has the same: a row is then read without an index per draw."""


class Curve:
    """Cumulative curves of several rows on step bounds, ``(bound, row, draw)``, lines in between.

    Parameters
    ----------
    rows
        Number of rows.
    steps
        Number of steps that can be added.
    width
        Number of draws.

    Examples
    --------
    Eight units in the first step, two in the second; read 1.5 steps late at the end of the second, half of the first
    step's have entered.

    >>> curve = Curve(1, 2, 1)
    >>> curve.add(np.array([[8.0]]))
    >>> curve.add(np.array([[2.0]]))
    >>> float(curve.at(2, Delay(1.5, 1.0, 1))[0, 0])
    4.0
    """

    __slots__ = ("_cells", "entered", "now", "total")

    def __init__(self, rows: int, steps: int, width: int) -> None:
        self.entered: FloatArray = np.zeros((steps + 1, rows, width))
        """What entered by step, with an empty row at the end; ``total`` is its running sum, added in order."""
        self.total: FloatArray = np.zeros((steps + 1, rows, width))
        self._cells = np.arange(rows * width).reshape(rows, width)
        self.now = 0

    def add(self, entered: FloatArray) -> None:
        """Add what enters in the present step, ``(row, draw)``, and move to its end."""
        self.entered[self.now] = entered
        self.total[self.now + 1] = self.total[self.now] + entered
        self.now += 1

    def add_to_last(self, entered: FloatArray) -> None:
        """Add to what entered in the step that was added last."""
        self.entered[self.now - 1] += entered
        self.total[self.now] = self.total[self.now - 1] + self.entered[self.now - 1]

    def bound(self, bound: int | WholeArray) -> FloatArray:
        """Return the curve at bounds: nothing has entered before the first, nothing more after the present."""
        if isinstance(bound, int):
            return as_array(self.total[min(max(bound, 0), self.now)])
        return self._gather(self.total, np.minimum(np.maximum(bound, 0), self.now))

    def _gather(self, table: FloatArray, row: WholeArray) -> FloatArray:
        """Return a row of a table per draw, ``(row, draw)``: a flat index is faster than one per axis."""
        if hasattr(table, "graph"):
            return as_array(rows_at(table, row))
        return table.reshape(-1).take(row * self._cells.size + self._cells, mode="clip")

    def _in_step(self, step: int | WholeArray) -> FloatArray:
        """Return what entered in a step: nothing before the first, and nothing yet in one to come."""
        last = len(self.entered) - 1
        if isinstance(step, int):
            return as_array(self.entered[step if step >= 0 else last])
        return self._gather(self.entered, np.where(step < 0, last, step))

    def at(self, bound: int, delay: Delay) -> FloatArray:
        """Return the curve as it stood a delay before a bound, ``(row, draw)``."""
        late = bound - (delay.whole if delay.shared is None else delay.shared)
        high = self.bound(late)
        return high - delay.part * (high - self.bound(late - 1))

    def by(self, time: FloatArray) -> FloatArray:
        """Return the curve at a time in steps of each draw, ``(row, draw)``."""
        late = np.minimum(np.maximum(time, -1.0), self.now + 1.0)
        whole = np.floor(late)
        low = whole.astype(np.intp)
        first = self.bound(low)
        return first + (late - whole) * (self.bound(low + 1) - first)

    def flow(self, step: int, delay: Delay) -> FloatArray:
        """Return what arrives in a step of what entered a delay before, ``(row, draw)``."""
        late = step - (delay.whole if delay.shared is None else delay.shared)
        return (1.0 - delay.part) * self._in_step(late) + delay.part * self._in_step(late - 1)

    def mean(self, step: int, delay: Delay) -> FloatArray:
        """Return the average over a step of the curve read late, ``(row, draw)``.

        Notes
        -----
        The delayed curve has a kink a ``part`` into the step; each side of it is a line.
        """
        late = step - (delay.whole if delay.shared is None else delay.shared)
        low, middle, high = self.bound(late - 1), self.bound(late), self.bound(late + 1)
        first = middle - delay.part * (middle - low)
        last = high - delay.part * (high - middle)
        return 0.5 * (delay.part * (first + middle) + (1.0 - delay.part) * (middle + last))

    def rescale(self, first: int, factor: FloatArray, rows: slice = slice(None)) -> None:
        """Multiply what entered in the steps from ``first`` on by a factor, in all or some rows.

        The factor is ``(draw,)``, or ``(step, draw)`` from ``first`` on.

        The running sum is added anew in the same order, so that a factor of 1 changes no bit.
        """

        def one_step(step: int) -> None:
            self.entered[step, rows] *= factor if factor.ndim == 1 else row_of(factor, step, first)
            self.total[step + 1] = self.total[step] + self.entered[step]

        each_row(first, self.now, one_step, changed(factor))


def remaining(steps: FloatArray, age: FloatArray) -> FloatArray:
    """Return the steps that a cohort has left on average, when it entered over a step that began ``age`` steps ago.

    Notes
    -----
    Ages are even from ``age − 1`` to ``age``: the mean of ``max(steps − a, 0)`` over them.

    Examples
    --------
    >>> remaining(np.array(2.5), np.array([1.0, 3.0, 4.0])).tolist()
    [2.0, 0.125, 0.0]
    """
    left = np.minimum(np.maximum(steps - age + 1.0, 0.0), 1.0)
    return np.where(np.isfinite(steps), left * (np.maximum(steps - age, 0.0) + 0.5 * left), np.inf)
