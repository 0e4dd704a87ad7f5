"""Rates of growth that vary in time: the rate at a date, and the growth accumulated up to it.

A constant rate of growth enters as ``g·(t − t0)``. A scheduled rate enters through its integral, which is exact for
every interpolation: an interval between knots adds its length times the rate (steps), or times the arithmetic or
logarithmic mean of the rates at its ends (lines and log-linear intervals). A formula is evaluated at the middle of
every step of the grid and holds through the step. With steps of length h, the error of its growth up to a mid-step at
time T is at most ``T·h²/24`` times its largest second derivative, plus ``h²/8`` times its largest slope, plus ``h/2``
times every jump that is not on a step bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.formulas import Formula
from costmodel.foundation.schedules import Schedule, TimeGrid, interpolated


@dataclass(frozen=True, slots=True, eq=False)
class VaryingRate:
    """Resolved rate of growth that varies in time; constant before its first knot and after its last.

    Parameters
    ----------
    times
        Times of the knots since the start of the grid, rising, ``(knot,)`` [year].
    rates
        Rates at the knots, ``(knot,)`` or ``(knot, draw)`` [1/year].
    interpolation
        Interpolation between knots, as in a schedule.
    scale
        Factor for every rate, ``()`` or ``(draw,)`` [1].

    Examples
    --------
    >>> rate = VaryingRate(np.array([0.0, 1.0]), np.array([0.9, 0.4]), "step")
    >>> [round(float(growth), 3) for growth in rate.grown(np.array([0.5, 1.0, 3.0]))]
    [0.45, 0.9, 1.7]
    """

    times: FloatArray
    rates: FloatArray
    interpolation: str
    scale: FloatArray | float = 1.0

    @classmethod
    def of(cls, value: Schedule | Formula, grid: TimeGrid, ranks: Any = None) -> VaryingRate:
        """Return a schedule at its ranks, or a formula, as a rate on a grid."""
        if isinstance(value, Formula):
            stepped = value.schedule(grid)
            return cls(grid.bounds[:-1] - grid.begin, stepped.knot_values(), stepped.interpolation)
        return cls(value.years - grid.begin, value.knot_values(ranks), value.interpolation)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        """Return the rates at the knots, for checks against bounds."""
        return np.asarray(self._scaled(self.rates), dtype=dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape without time, as that of a number: ``()`` or ``(draw,)``."""
        return np.broadcast_shapes(self.rates.shape[1:], np.shape(self.scale))

    @property
    def ndim(self) -> int:
        """Number of axes without time."""
        return len(self.shape)

    def scaled(self, factor: FloatArray) -> VaryingRate:
        """Return the rate times a factor, ``()`` or ``(draw,)``."""
        return replace(self, scale=self.scale * factor)

    def first_draw(self) -> VaryingRate:
        """Return the rate in the first draw."""
        rates = self.rates[:, 0] if self.rates.ndim > 1 else self.rates
        return replace(self, rates=rates, scale=float(np.ravel(self.scale)[0]))

    def at(self, times: FloatArray) -> FloatArray:
        """Return the rate at some times since the start of the grid, ``(time,)`` or ``(time, draw)`` [1/year]."""
        return self._scaled(interpolated(self.times, self.rates, times, self.interpolation))

    def grown(self, times: FloatArray, start: float = 0.0) -> FloatArray:
        """Return the growth in logs from ``start`` to some times, ``(time,)`` or ``(time, draw)`` [1].

        Parameters
        ----------
        times
            Times since the start of the grid, ``(time,)`` [year].
        start
            Start of the growth, since the start of the grid [year].
        """
        return self._scaled(self._cumulated(times) - self._cumulated(np.array([start])))

    def _scaled(self, values: FloatArray) -> FloatArray:
        rows = values[:, None] if values.ndim == 1 and np.ndim(self.scale) else values
        return np.asarray(rows * self.scale)

    def _cumulated(self, times: FloatArray) -> FloatArray:
        """Return the integral of the unscaled rate from the first knot; the time before it counts as negative."""
        spans = _column(np.diff(self.times), self.rates)
        pieces = self._mean(self.rates[:-1], self.rates[1:]) * spans
        before = np.concatenate([np.zeros_like(self.rates[:1]), np.cumsum(pieces, axis=0)])
        position = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 1)
        ends = interpolated(self.times, self.rates, times, self.interpolation)
        since = _column(times - self.times[position], self.rates)
        return np.asarray(before[position] + self._mean(self.rates[position], ends) * since)

    def _mean(self, first: FloatArray, last: FloatArray) -> FloatArray:
        """Return the mean rate of an interval from the rates at its ends."""
        if self.interpolation == "step":
            return first
        if self.interpolation == "linear":
            return 0.5 * (first + last)
        ratio = np.log(last / first)
        return np.asarray(first * np.where(ratio == 0.0, 1.0, np.expm1(ratio) / np.where(ratio == 0.0, 1.0, ratio)))


def _column(times: FloatArray, like: FloatArray) -> FloatArray:
    """Return times with an axis of draws if rates have one."""
    return times.reshape(times.shape + (1,) * (like.ndim - 1))


Rate: TypeAlias = VaryingRate | Any
"""Resolved rate of growth: a number, one per draw, or a rate that varies in time."""


def varies(value: Any) -> bool:
    """Whether a written value is scheduled: a schedule or a formula."""
    return isinstance(value, Schedule | Formula)


def refuse_fade(name: str, value: Any, remedy: str) -> None:
    """Raise an error for a scheduled rate of growth with a fade.

    Raises
    ------
    ScenarioError
        If the rate is scheduled; the message ends with the remedy.
    """
    if varies(value):
        raise ScenarioError(f"{name} is scheduled, and its schedule must contain the fade too: {remedy}")
