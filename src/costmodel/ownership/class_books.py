"""The books of an asset class of a fleet: straight line from service, with failures, departures and changes of life.

Amounts inside are *normalised*: divided by the share of units that had not failed when they entered, so that one number
per step accounts for every failure. The book value is the normalised amount times the share at the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, as_array, broadcast
from costmodel.foundation.row_loops import row_numbers, summed
from costmodel.ownership.checks import at_least, require
from costmodel.ownership.curve import Curve, Delay, remaining

BASE, REST = 0, 1
"""Rows of a class: cost that is depreciated, and salvage value, which is not."""
_SMALLEST_LIFE_LEFT = 1e-9
"""Average remaining life below which a cohort counts as fully depreciated under a new life [step]."""
_AGE_CLASSES = 64
"""Age classes into which the opening book is split when its life changes [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTerms:
    """Depreciation terms of a class: straight line from the start of service over its useful life.

    Parameters
    ----------
    life
        Useful life, > 0 [year]; broadcasts to the batch.
    salvage_share
        Share of cost that is never depreciated, 0 to below 1 [1].
    """

    life: ArrayLike
    salvage_share: ArrayLike = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningBook:
    """Book value in service at the start, and its run-off.

    Parameters
    ----------
    value
        Book value, ≥ 0 [USD].
    life
        Time until the youngest assets are fully depreciated, > 0 [year].
    shape
        Exponent of the run-off ``(1 − t/life)^shape``, ≥ 1 [1]: 1 for assets of one age, 2 for ages spread evenly, in
        between for assets of all ages with more young ones.
    """

    value: ArrayLike
    life: ArrayLike
    shape: ArrayLike = 1.0


@dataclass(frozen=True, slots=True)
class BookFlows:
    """Flows of a class in a step and its book value at the end, ``(draw,)`` [USD]."""

    depreciation: FloatArray
    disposed: FloatArray
    written_off: FloatArray
    book_value: FloatArray


class _RunOff:
    """The opening book of a class, normalised: a run-off curve or, after a change of life, age classes."""

    __slots__ = ("amount", "life", "shape", "since")

    def __init__(self, amount: FloatArray, life: FloatArray, shape: FloatArray) -> None:
        self.amount, self.life, self.shape = amount, life, shape
        self.since = 0

    def left(self, bound: int) -> FloatArray:
        """Return the remaining book value at a bound, ``(draw,)``."""
        part = 1.0 - np.minimum((bound - self.since) / self.life, 1.0)
        left = self.amount * np.power(part, self.shape)
        return as_array(left if left.ndim == 1 else np.cumsum(left, axis=0)[-1])

    def scale(self, kept: FloatArray) -> None:
        """Keep a share of the book, ``(draw,)``."""
        self.amount = self.amount * kept

    def change_life(self, bound: int, added: FloatArray) -> FloatArray:
        """Extend the remaining life of every asset by ``added`` steps; return the overdue amount, charged at once.

        From then on the book is a set of age classes, each depreciated evenly over its own remaining life.
        """
        parts, lives = self._age_classes(bound)
        kept = lives + added > _SMALLEST_LIFE_LEFT
        overdue = np.cumsum(np.where(kept, 0.0, parts), axis=0)[-1]
        self.amount = np.where(kept, parts, 0.0)
        self.life = np.where(kept, lives + added, 1.0)
        self.shape = np.ones_like(self.life)
        self.since = bound
        return as_array(overdue)

    def _age_classes(self, bound: int) -> tuple[FloatArray, FloatArray]:
        """Return the book value and the remaining life [step] of each age class, ``(class, draw)``.

        Notes
        -----
        The book value falls as ``(1 − t/R)^s``, so the depreciation rate of assets with remaining life r has the
        density ``s(s − 1)/R²·(1 − r/R)^(s−2)``, uniform over ``y = (1 − r/R)^(s−1)`` from 0 to 1. Classes of equal rate
        are taken at the middle of their interval of y; their book value is rate times remaining life.
        """
        life = np.maximum(self.life - (bound - self.since), 0.0)
        if self.amount.ndim > 1:
            return self.amount * np.where(self.life > 0.0, life / self.life, 0.0), life
        middles = ((np.arange(_AGE_CLASSES) + 0.5) / _AGE_CLASSES)[:, np.newaxis]
        spread = self.shape > 1.0
        power = 1.0 / np.where(spread, self.shape - 1.0, 1.0)
        lives = life * (1.0 - np.where(spread, np.power(middles, power), 0.0))
        total = np.cumsum(lives, axis=0)[-1]
        return self.left(bound) * lives / np.where(total > 0.0, total, 1.0), lives


class ClassBooks:
    """The books of one class, advanced by its fleet step by step.

    Parameters
    ----------
    name
        Name of the class, for messages.
    terms, opening
        Depreciation terms, and the opening book; the latter may be absent.
    physical
        Physical life, infinite for none, ``(draw,)`` [step].
    step, steps, width
        Length of a step [year], number of steps, and number of draws.
    """

    def __init__(
        self,
        name: str,
        terms: BookTerms,
        opening: OpeningBook | None,
        physical: FloatArray,
        step: float,
        steps: int,
        width: int,
    ) -> None:
        life = at_least(f"book life of {name}", terms.life, 0.0, unit="year", strict=True)
        salvage = at_least(f"salvage share of {name}", terms.salvage_share, 0.0, unit="1")
        require(f"salvage share of {name}", salvage, salvage < 1.0, "below 1 [1]")
        self.step, self.width, self.physical = step, width, physical
        self.salvage = broadcast(salvage, (width,))
        self.curve = Curve(2, steps, width)
        self.retirement = Delay(physical * step, step, width)
        self.value: FloatArray = np.zeros(width)
        self.overdue: FloatArray = np.zeros(width)
        self._set_life(broadcast(life, (width,)) / step)
        self.opening = self._opening(name, OpeningBook(value=0.0, life=1.0) if opening is None else opening)

    def _opening(self, name: str, opening: OpeningBook) -> _RunOff:
        value = at_least(f"opening book of {name}", opening.value, 0.0, unit="USD")
        life = at_least(f"life of the opening book of {name}", opening.life, 0.0, unit="year", strict=True)
        shape = at_least(f"shape of the opening book of {name}", opening.shape, 1.0, unit="1")
        wide = (self.width,)
        return _RunOff(*(broadcast(item, wide) for item in (value, life / self.step, shape)))

    def _set_life(self, steps: FloatArray) -> None:
        self.life = steps
        self.charged = np.minimum(steps, self.physical)
        self.charge = Delay(self.charged * self.step, self.step, self.width)

    def place(self, cost: FloatArray) -> None:
        """Place normalised cost in service in the current step, ``(draw,)``."""
        self.curve.add(np.stack([cost * (1.0 - self.salvage), cost * self.salvage]))
        self.value = self.value + cost

    def place_more(self, cost: FloatArray) -> None:
        """Place further normalised cost in service in the step of the last placement."""
        self.curve.add_to_last(np.stack([cost * (1.0 - self.salvage), cost * self.salvage]))
        self.value = self.value + cost

    def net(self, bound: int) -> FloatArray:
        """Return the normalised book value at a bound, ``(draw,)``."""
        return as_array(self.value + self.overdue + self.opening.left(bound))

    def charge_step(self, step: int, before: FloatArray, placed: FloatArray, alive: FloatArray) -> BookFlows:
        """Depreciate a step.

        Parameters
        ----------
        step
            Number of the step.
        before
            Normalised book value at the start of the step, before placements, ``(draw,)``.
        placed
            Normalised cost placed in service in the step, ``(draw,)``.
        alive
            Share of units that has not failed at the start, middle and end of the step, ``(3, draw)``.
        """
        due = self.curve.total[step] + self.curve.total[step + 1]
        base = 0.5 * due[BASE] - self.curve.mean(step, self.charge)[BASE]
        own = base / self.life
        gone = self.curve.flow(step, self.retirement)
        disposed = gone[BASE] * (1.0 - self.charged / self.life) + gone[REST]
        expense = own + self.overdue + self.opening.left(step) - self.opening.left(step + 1)
        self.value = self.value - own - disposed
        self.overdue = np.zeros_like(self.overdue)
        after = self.net(step + 1)
        failed = alive[0] * before + alive[1] * (placed - expense - disposed) - alive[2] * after
        return BookFlows(alive[1] * expense, alive[1] * disposed, failed, alive[2] * after)

    def _ages(self, first: int) -> FloatArray:
        """Return the steps since each cohort from ``first`` on began to enter, as a column."""
        return as_array((self.curve.now - row_numbers(first, self.curve.now))[:, np.newaxis])

    def _cohorts(self, first: int) -> FloatArray:
        """Return the normalised book value of every cohort from ``first`` on, ``(cohort, draw)``."""
        age = self._ages(first)
        entered = self.curve.entered[first : self.curve.now]
        here = np.minimum(np.maximum(self.charged - age + 1.0, 0.0), 1.0)
        base = here * (1.0 - (age - 1.0 + 0.5 * here) / self.life)
        there = np.minimum(np.maximum(self.physical - age + 1.0, 0.0), 1.0)
        return entered[:, BASE] * base + entered[:, REST] * there

    def leave(self, first: int, kept: FloatArray, opening_kept: FloatArray) -> FloatArray:
        """Take cohorts off the books; return the normalised book value lost, ``(draw,)``.

        Parameters
        ----------
        first
            First cohort concerned.
        kept
            Share of each cohort that stays, ``(cohort, draw)``.
        opening_kept
            Share of the opening book that stays, ``(draw,)``.
        """
        lost = summed(self._cohorts(first) * (1.0 - kept))
        self.curve.rescale(first, kept)
        self.value = self.value - lost
        opened = self.opening.left(self.curve.now) * (1.0 - opening_kept)
        self.opening.scale(opening_kept)
        return as_array(lost + opened)

    def impair(self, share: FloatArray) -> FloatArray:
        """Write down a share of the book value; return the normalised amount, ``(draw,)``."""
        lost = self.net(self.curve.now) * share
        kept = 1.0 - share
        self.value, self.overdue = self.value * kept, self.overdue * kept
        self.opening.scale(kept)
        self.curve.rescale(0, kept)
        return lost

    def change_life(self, years: FloatArray) -> None:
        """Change the useful life from the next step on; book value is spread over the remaining new life.

        A cohort that is older than the new life is depreciated in full in the next step. The remaining life of the
        opening book changes by the difference of the lives.
        """
        new = years / self.step
        age, before = self._ages(0), self._cohorts(0)
        left_old, left_new = remaining(self.life, age), remaining(new, age)
        live = new >= age  # older cohorts are fully depreciated in the next step
        factor = np.where(live, left_old / self.life * new / np.where(live, left_new, 1.0), 0.0)
        late = self.opening.change_life(self.curve.now, new - self.life)
        self.curve.rescale(0, np.broadcast_to(factor, (self.curve.now, self.width)), slice(BASE, BASE + 1))
        self._set_life(new)
        owed = np.cumsum(before - self._cohorts(0), axis=0)[-1] if self.curve.now else np.zeros(self.width)
        self.value = self.value - owed
        self.overdue = self.overdue + owed + late
