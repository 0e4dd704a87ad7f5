"""The books of an asset: expense, write-downs and disposals by period, and changes on the way.

A change of useful life is prospective; an impairment and an early retirement close what they concern. Whatever
happens, cost = depreciation + impairment + disposals at book + closing book value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError
from costmodel.ownership.checks import at_least, require, whole_number


@dataclass(frozen=True, slots=True)
class BookSchedule:
    """The books of an asset: what leaves its book value in each period, and how.

    Parameters
    ----------
    cost
        Cost at the start [USD], shape of the batch.
    expense
        Depreciation by period [USD], ``(period,) + batch``.
    impairment
        Written down by period [USD].
    disposal
        Book value that left with a retired asset by period [USD].
    """

    cost: FloatArray
    expense: FloatArray
    impairment: FloatArray
    disposal: FloatArray

    @property
    def accumulated(self) -> FloatArray:
        """Accumulated depreciation on bounds [USD], ``(period + 1,) + batch``."""
        return _on_bounds(self.expense)

    @property
    def book_value(self) -> FloatArray:
        """Book value on bounds [USD], ``(period + 1,) + batch``: cost less all that left."""
        return readonly(self.cost - _on_bounds(self.expense + self.impairment + self.disposal))


def _on_bounds(flow: FloatArray) -> FloatArray:
    return readonly(np.concatenate([np.zeros((1, *flow.shape[1:])), np.cumsum(flow, axis=0)]))


def as_books(cost: ArrayLike, expense: ArrayLike) -> BookSchedule:
    """Return the books of an asset that is only depreciated.

    Examples
    --------
    >>> as_books(10.0, [4.0, 6.0]).book_value.tolist()
    [10.0, 6.0, 0.0]
    """
    charged = readonly(expense)
    nothing = readonly(np.zeros_like(charged))
    start = readonly(np.broadcast_to(np.asarray(cost, dtype=np.float64), charged.shape[1:]))
    return BookSchedule(start, charged, nothing, nothing)


@dataclass(frozen=True, slots=True)
class LifeChange:
    """From the start of a period on, the useful life is another one; nothing is restated.

    Parameters
    ----------
    period
        Period at whose start it takes effect, ≥ 0.
    life
        New useful life in periods, counted from in service too, > 0; a value per draw broadcasts.
    """

    period: int
    life: ArrayLike


@dataclass(frozen=True, slots=True)
class Impairment:
    """At the start of a period the book value is written down to what can be recovered, if that is less.

    Parameters
    ----------
    period
        Period at whose start it is recorded, ≥ 0.
    recoverable
        Amount that can be recovered, ≥ 0 [USD]; a value per draw broadcasts.
    """

    period: int
    recoverable: ArrayLike


@dataclass(frozen=True, slots=True)
class Retirement:
    """At the start of a period the asset leaves the books.

    Parameters
    ----------
    period
        Period at whose start it leaves, ≥ 0.
    """

    period: int


def straight_line_books(
    cost: ArrayLike,
    salvage: ArrayLike,
    life: ArrayLike,
    periods: int,
    events: Sequence[LifeChange | Impairment | Retirement] = (),
) -> BookSchedule:
    """Depreciate evenly through changes of life, impairments and an early retirement.

    Parameters
    ----------
    cost, salvage, life
        As for `costmodel.ownership.depreciation.straight_line`.
    periods
        Length of the schedule, ≥ 1.
    events
        What happens on the way, in order of period.

    Returns
    -------
    BookSchedule
        Expense, impairment and disposal by period. A gain on a retirement is its proceeds less the disposal.

    Raises
    ------
    DomainError
        If an argument is outside its range, or an event out of order or beyond the schedule.

    Examples
    --------
    A server of four years, half depreciated, is given six; it is retired after five.

    >>> events = [LifeChange(2, 6), Retirement(5)]
    >>> books = straight_line_books(100.0, 0.0, 4, 6, events)
    >>> books.expense.tolist(), books.disposal.tolist()
    ([25.0, 25.0, 12.5, 12.5, 12.5, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 12.5])
    """
    price = at_least("cost", cost, 0.0, unit="USD")
    rest = at_least("salvage", salvage, 0.0, unit="USD")
    require("salvage", rest, rest <= price, "at most the cost [USD]")
    years = at_least("life", life, 0.0, unit="period", strict=True)
    count = whole_number("periods", periods, 1)
    by_period = _by_period(events, count)
    shapes = (np.shape(value) for event in events for value in _values(event))
    batch = np.broadcast_shapes(price.shape, rest.shape, years.shape, *shapes)
    book = np.broadcast_to(price, batch)
    expense, impairment, disposal = (np.zeros((count, *batch)) for _ in range(3))
    for period in range(count):
        for event in by_period.get(period, ()):
            if isinstance(event, LifeChange):
                years = at_least("life", event.life, 0.0, unit="period", strict=True)
            elif isinstance(event, Impairment):
                floor = at_least("recoverable", event.recoverable, 0.0, unit="USD")
                impairment[period] += np.maximum(book - floor, 0.0)
                book = np.minimum(book, floor)
            else:
                disposal[period], book = book, np.zeros(batch)
        expense[period] = np.maximum(book - rest, 0.0) / np.maximum(years - period, 1.0)
        book = book - expense[period]
    return BookSchedule(readonly(price), readonly(expense), readonly(impairment), readonly(disposal))


def _values(event: LifeChange | Impairment | Retirement) -> tuple[ArrayLike, ...]:
    """Return what an event holds per draw."""
    if isinstance(event, LifeChange):
        return (event.life,)
    return (event.recoverable,) if isinstance(event, Impairment) else ()


def _by_period(
    events: Sequence[LifeChange | Impairment | Retirement], count: int
) -> dict[int, list[LifeChange | Impairment | Retirement]]:
    """Return events by their period, refusing those out of order or beyond the schedule."""
    by_period: dict[int, list[LifeChange | Impairment | Retirement]] = {}
    last = 0
    for event in events:
        if not last <= whole_number("period of an event", event.period, 0) < count:
            raise DomainError(f"events must be in order of period, below {count}; given {event}")
        by_period.setdefault(event.period, []).append(event)
        last = event.period
    return by_period
