"""Cumulative curves with delays, used for fleets, books, payments and debt.

Units enter evenly between the two bounds of a step, so the cumulative curve is linear between bounds. Events at a fixed
delay after entry (service, end of life, last instalment) follow the same curve, shifted by the delay. A stock is a
difference of two points of the curve, and an expense is the average of such a difference over a step. Computing a step
therefore takes the same time at any horizon; lags and lives need not be whole steps, and may differ between draws.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import FloatArray, as_array
from costmodel.foundation.row_loops import changed, each_row, row_of, rows_at

WholeArray: TypeAlias = NDArray[np.signedinteger[Any]]
FOREVER = 1 << 30
"""Whole steps of an infinite delay [1]: beyond every horizon."""


class Delay:
    """A delay in steps, split into whole steps and the remaining part of a step.

    Parameters
    ----------
    years
        Length of the delay, ≥ 0, infinite for never [year]; broadcasts to the batch.
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
        """Whole steps if all draws have the same number: a row is then read without an index per draw."""


class Curve:
    """Cumulative curves of several rows on step bounds, ``(bound, row, draw)``, linear in between.

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
    Eight units enter in the first step, two in the second. At the end of the second, with a delay of 1.5 steps, half of
    the first step's units count:

    >>> curve = Curve(1, 2, 1)
    >>> curve.add(np.array([[8.0]]))
    >>> curve.add(np.array([[2.0]]))
    >>> float(curve.at(2, Delay(1.5, 1.0, 1))[0, 0])
    4.0
    """

    __slots__ = ("_cells", "entered", "now", "total")

    def __init__(self, rows: int, steps: int, width: int) -> None:
        self.entered: FloatArray = np.broadcast_to(np.zeros(1), (steps + 1, rows, width))
        """Amounts that entered by step, with an empty row at the end; ``total`` is their running sum, in order.

        Until the first step both are one number in memory, so that compiled steps, which have tables of their own, need
        not read them.
        """
        self.total: FloatArray = self.entered
        self._cells = np.arange(rows * width).reshape(rows, width)
        self.now = 0

    def add(self, entered: FloatArray) -> None:
        """Add the amounts that enter in the current step, ``(row, draw)``, and move to its end."""
        if isinstance(self.total, np.ndarray) and not self.total.flags.writeable:
            self.entered, self.total = np.zeros(self.entered.shape), np.zeros(self.total.shape)
        self.entered[self.now] = entered
        self.total[self.now + 1] = self.total[self.now] + entered
        self.now += 1

    def add_to_last(self, entered: FloatArray) -> None:
        """Add to the amounts of the step that was added last."""
        self.entered[self.now - 1] += entered
        self.total[self.now] = self.total[self.now - 1] + self.entered[self.now - 1]

    def bound(self, bound: int | WholeArray) -> FloatArray:
        """Return the curve at bounds: zero before the first, constant after the current one."""
        if isinstance(bound, int):
            return as_array(self.total[min(max(bound, 0), self.now)])
        return self._gather(self.total, np.minimum(np.maximum(bound, 0), self.now))

    def _gather(self, table: FloatArray, row: WholeArray) -> FloatArray:
        """Return a row of a table per draw, ``(row, draw)``: a flat index is faster than one per axis."""
        if hasattr(table, "graph"):
            return as_array(rows_at(table, row))
        return table.reshape(-1).take(row * self._cells.size + self._cells, mode="clip")

    def _in_step(self, step: int | WholeArray) -> FloatArray:
        """Return the amounts that entered in a step: zero before the first and after the current one."""
        last = len(self.entered) - 1
        if isinstance(step, int):
            return as_array(self.entered[step if step >= 0 else last])
        return self._gather(self.entered, np.where(step < 0, last, step))

    def at(self, bound: int, delay: Delay) -> FloatArray:
        """Return the curve a delay before a bound, ``(row, draw)``."""
        late = bound - (delay.whole if delay.shared is None else delay.shared)
        high = self.bound(late)
        return high - delay.part * (high - self.bound(late - 1))

    def by(self, time: FloatArray) -> FloatArray:
        """Return the curve at a time per draw [step], ``(row, draw)``."""
        late = np.minimum(np.maximum(time, -1.0), self.now + 1.0)
        whole = np.floor(late)
        low = whole.astype(np.intp)
        first = self.bound(low)
        return first + (late - whole) * (self.bound(low + 1) - first)

    def flow(self, step: int, delay: Delay) -> FloatArray:
        """Return the amounts that arrive in a step, having entered a delay before, ``(row, draw)``."""
        late = step - (delay.whole if delay.shared is None else delay.shared)
        return (1.0 - delay.part) * self._in_step(late) + delay.part * self._in_step(late - 1)

    def mean(self, step: int, delay: Delay) -> FloatArray:
        """Return the average over a step of the delayed curve, ``(row, draw)``.

        Notes
        -----
        The delayed curve has a kink at ``part`` of the step, and is linear on each side.
        """
        late = step - (delay.whole if delay.shared is None else delay.shared)
        low, middle, high = self.bound(late - 1), self.bound(late), self.bound(late + 1)
        first = middle - delay.part * (middle - low)
        last = high - delay.part * (high - middle)
        return 0.5 * (delay.part * (first + middle) + (1.0 - delay.part) * (middle + last))

    def rescale(self, first: int, factor: FloatArray, rows: slice = slice(None)) -> None:
        """Multiply the amounts that entered from step ``first`` on by a factor, in all or some rows.

        The factor is ``(draw,)``, or ``(step, draw)`` from ``first`` on.

        The running sum is recomputed in the same order, so that a factor of 1 leaves every bit unchanged.
        """

        def one_step(step: int) -> None:
            self.entered[step, rows] *= factor if factor.ndim == 1 else row_of(factor, step, first)
            self.total[step + 1] = self.total[step] + self.entered[step]

        each_row(first, self.now, one_step, changed(factor))


def remaining(steps: FloatArray, age: FloatArray) -> FloatArray:
    """Return the mean remaining steps of a cohort that entered over a step that began ``age`` steps ago.

    Notes
    -----
    Ages are uniform from ``age − 1`` to ``age``; the result is the mean of ``max(steps − a, 0)`` over them.

    Examples
    --------
    >>> remaining(np.array(2.5), np.array([1.0, 3.0, 4.0])).tolist()
    [2.0, 0.125, 0.0]
    """
    left = np.minimum(np.maximum(steps - age + 1.0, 0.0), 1.0)
    return np.where(np.isfinite(steps), left * (np.maximum(steps - age, 0.0) + 0.5 * left), np.inf)
