"""Stock of units from order to retirement, in flat arrays of draws.

Amounts that entered are stored *normalised*: divided by the share of units that had not failed by then, so that one
number per step accounts for every failure. Amounts in service are those that entered, less those that entered a life
ago, times the surviving share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, as_array
from costmodel.foundation.row_loops import earliest, row_numbers, summed
from costmodel.ownership.checks import at_least, require
from costmodel.ownership.curve import Curve, Delay

_MOST_FAILURES = 500.0
"""Largest failure rate times horizon [1]: beyond it the surviving share underflows."""
_SHORTEST_BUILD = 1e-6
"""Lag below which a build is paid at once [step]: a payment rate over less would be dominated by rounding."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of a stock, ``(draw,)`` [step], and its failures per step."""

    lag: FloatArray
    shipping: FloatArray
    life: FloatArray
    opening_life: FloatArray
    failures: FloatArray

    @classmethod
    def checked(
        cls,
        horizon: float,
        *,
        lag: FloatArray,
        shipping: FloatArray,
        life: FloatArray,
        opening_life: FloatArray,
        failure_rate: FloatArray,
        step: float,
    ) -> Times:
        """Return times in steps from times in years and a rate, ``(draw,)``.

        Raises
        ------
        DomainError
            If a time or the failure rate is outside its range.
        """
        at_least("lag", lag, 0.0, unit="year")
        at_least("shipping_lag", shipping, 0.0, unit="year")
        require("shipping_lag", shipping, shipping <= lag, "at most the lag [year]")
        at_least("opening life", opening_life, 0.0, unit="year", strict=True)
        at_least("failure_rate", failure_rate, 0.0, unit="1/year")
        most = _MOST_FAILURES / horizon
        require("failure_rate", failure_rate, failure_rate <= most, f"at most {most:g} over this horizon [1/year]")
        return cls(lag / step, shipping / step, life / step, opening_life / step, failure_rate * step)


class Stock:
    """Units in rows, ``(row, draw)``, from order to the end of their life.

    Parameters
    ----------
    times
        Lags, lives and failures.
    opened, coming
        Amounts in service and on order at the start, ``(row, draw)``.
    step, steps
        Length [year] and number of steps.
    """

    def __init__(self, times: Times, opened: FloatArray, coming: FloatArray, step: float, steps: int) -> None:
        rows, width = opened.shape
        self.times, self.step = times, step
        self.opened, self.coming = opened, coming
        self.lag, self.shipping, self.life = (
            Delay(item * step, step, width) for item in (times.lag, times.shipping, times.life)
        )
        self.at_once = bool((self.lag.whole == 0).any())
        self.orders, self.entered = Curve(rows, steps, width), Curve(rows, steps, width)
        self.now = 0
        self.level: FloatArray = opened.copy()
        """Amounts in service at the end of the step so far."""
        self.due = self.before = self.arrived = self.ordered = self.left = self.retired = self.failed = np.zeros_like(
            opened
        )

    def alive(self, bound: float | FloatArray) -> FloatArray:
        """Return the share of units that have not failed since the start, ``(draw,)``."""
        return as_array(np.exp(-self.times.failures * bound))

    def opening_left(self, bound: float | FloatArray) -> FloatArray:
        """Return the share of opening units that has not retired; they retire evenly."""
        return as_array(1.0 - np.minimum(bound / self.times.opening_life, 1.0))

    def _come(self, bound: float | FloatArray) -> FloatArray:
        """Return the share of opening orders that has arrived; they arrive evenly over the lag."""
        waits = self.times.lag > 0.0
        even = np.minimum(bound / np.where(waits, self.times.lag, 1.0), 1.0)
        return np.where(waits, even, np.where(as_array(bound) > 0.0, 1.0, 0.0))

    def arrive(self) -> FloatArray:
        """Begin a step; return the normalised amounts of earlier orders that enter service."""
        k = self.now
        self.before = self.level
        self.ordered, self.left = np.zeros_like(self.opened), np.zeros_like(self.opened)
        self.due = self.orders.flow(k, self.lag)
        self.arrived = self.due + self.coming * (self._come(k + 1) - self._come(k))
        normal = self.arrived / self.alive(k + 0.5)
        self.entered.add(normal)
        self._count()
        return normal

    def order(self, ordered: FloatArray) -> FloatArray | None:
        """Place an order evenly over the step; return its normalised amounts that enter within the step, or None."""
        self.ordered = ordered
        self.orders.add(ordered)
        if not self.at_once:
            return None
        extra = self.orders.flow(self.now, self.lag) - self.due
        self.arrived = self.arrived + extra
        normal = extra / self.alive(self.now + 0.5)
        self.entered.add_to_last(normal)
        self._count()
        return normal

    def _count(self) -> None:
        bound = self.entered.now
        own = self.entered.total[bound] - self.entered.at(bound, self.life)
        self.level = self.alive(bound) * (own + self.opened * self.opening_left(bound))

    def settle(self) -> None:
        """Count retirements and failures in the step; without an order the ordered amounts are 0."""
        k = self.now
        if self.orders.now == k:
            self.orders.add(self.ordered)
        opened = self.opening_left(k) - self.opening_left(k + 1)
        self.retired = self.alive(k + 0.5) * (self.entered.flow(k, self.life) + self.opened * opened)
        self.failed = self.before + self.arrived - self.retired - self.level

    def payments(self) -> FloatArray:
        """Return the payments due in the step where orders are paid evenly from order to service."""
        k, waits = self.now, self.times.lag > _SHORTEST_BUILD
        due = 0.5 * (self.orders.total[k] + self.orders.total[k + 1]) - self.orders.mean(k, self.lag)
        return np.where(waits, due / np.where(waits, self.times.lag, 1.0), self.ordered)

    def shipped(self) -> FloatArray:
        """Return the amounts shipped in the step; of opening orders, those that had not shipped by the start."""
        first, last = (np.minimum(bound, self.times.shipping) for bound in (self.now, self.now + 1))
        share = (last - first) / np.where(self.times.lag > 0.0, self.times.lag, 1.0)
        return self.orders.flow(self.now, self.shipping) + self.coming * share

    def on_order(self) -> FloatArray:
        """Return the amounts ordered and not in service at the end of the step so far."""
        bound = self.entered.now
        late = self.orders.total[self.orders.now] - self.orders.at(bound, self.lag)
        return as_array(late + self.coming * (1.0 - self._come(bound)))

    def surviving(self, ahead: FloatArray) -> FloatArray:
        """Return the amounts in service some steps after the start of this one, if nothing more is ordered."""
        time, bound = self.now + ahead, self.entered.now
        gone = self.entered.by(time - self.times.life)
        own = self.entered.total[bound] - gone + self.opened * self.opening_left(time)
        coming = self.orders.by(np.maximum(time, bound) - self.times.lag) - self.orders.at(bound, self.lag)
        coming = coming + self.coming * (self._come(np.maximum(time, bound)) - self._come(bound))
        # Orders arrive evenly from the end of this step, until a lag after its start or the horizon.
        since = np.maximum(ahead - 0.5 * (1.0 + np.minimum(self.times.lag, ahead)), 0.0)
        late = coming * np.exp(-self.times.failures * since) * (since < self.times.life)
        return as_array(self.alive(self.now) * np.exp(-self.times.failures * ahead) * own + late)

    def cohorts(self, among: Any = None) -> tuple[int, FloatArray, FloatArray]:
        """Return the first cohort that may be alive, and from it on the amounts entered and the share not retired.

        If ``among`` is true in no draw, cohorts may be left out.
        """
        now = self.entered.now
        first = earliest(np.maximum(now - np.ceil(self.times.life) - 1.0, 0.0))
        return first, self.entered.entered[first:now], self.staying(first, 0.0, among)

    def staying(self, first: int, ahead: float | FloatArray, among: Any = None) -> FloatArray:
        """Return the share of each cohort from ``first`` on that stays some steps, ``(cohort, draw)``."""
        now = self.entered.now
        age = (now - row_numbers(first, now, among))[:, np.newaxis]
        return as_array(np.minimum(np.maximum(self.times.life - ahead - age + 1.0, 0.0), 1.0))

    def release(self, first: int, kept: FloatArray, here: FloatArray, opening_kept: FloatArray) -> FloatArray:
        """Keep a share of each cohort at the end of the step; return the amounts that left, by row."""
        gone = summed(self.entered.entered[first : self.entered.now] * ((1.0 - kept) * here)[:, np.newaxis])
        gone = gone + self.opened * self.opening_left(self.now + 1) * (1.0 - opening_kept)
        left = self.alive(self.now + 1) * gone
        self.entered.rescale(first, kept)
        self.opened = self.opened * opening_kept
        self.level, self.left = self.level - left, self.left + left
        return as_array(left)

    def lives_left(self, first: int, here: FloatArray) -> FloatArray:
        """Return the mean remaining physical life of each cohort from ``first`` on, ``(cohort, draw)`` [year]."""
        now = self.entered.now
        age = (now - row_numbers(first, now))[:, np.newaxis]
        return as_array(self.step * (np.maximum(self.times.life - age, 0.0) + 0.5 * here))

    def life_left(self) -> FloatArray:
        """Return the mean remaining physical life of units in service, ``(draw,)`` [year]; 0 where there are none."""
        first, entered, here = self.cohorts()
        alive = entered[:, 0] * here
        opened = self.opened[0] * self.opening_left(self.entered.now)
        years = alive * np.where(alive == 0.0, 0.0, self.lives_left(first, here))
        total = summed(alive) + opened
        left = summed(years) + opened * self.opening_life_left()
        return as_array(left / np.where(total == 0.0, 1.0, total))

    def opening_life_left(self) -> FloatArray:
        """Return the mean remaining physical life of opening units [year]."""
        return 0.5 * self.step * np.maximum(self.times.opening_life - self.entered.now, 0.0)
