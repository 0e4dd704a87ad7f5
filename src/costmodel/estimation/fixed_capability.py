"""How fast the price of the same ability falls, which is not how flagship list prices move.

A flagship is a moving target: each one can do more, and its price rises or falls as its maker chooses. At fixed
capability the price is that of the cheapest model that reaches a score, which can only fall.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.estimation.decline import CostSeries, DeclineFit, Form, Noise, fit_decline
from costmodel.foundation.arrays import FloatArray, Numeric, formula, readonly
from costmodel.foundation.errors import DomainError


@formula()
def decline_rate(price: Numeric, later_price: Numeric, years: Numeric) -> Numeric:
    """Logarithmic rate at which a price fell between two dates.

    Parameters
    ----------
    price, later_price
        Prices at the two dates, > 0 [USD/token].
    years
        Time between them, > 0 [year].

    Returns
    -------
    Numeric
        Rate of decline, positive where the price fell [1/year].

    Notes
    -----
    ``ln(p/p') / t``; ``e`` to this power is by how many times the price falls per year.

    Examples
    --------
    >>> round(float(decline_rate(60.0, 0.06, 3.0)), 4)
    2.3026
    """
    return np.log1p((price - later_price) / later_price) / years


@dataclass(frozen=True, slots=True, eq=False)
class PriceRecords:
    """Dated prices of models with a score.

    Parameters
    ----------
    names
        Model names, (n,).
    time
        Dates from which the prices held, in any order, (n,) [year].
    price
        Prices, > 0, (n,) [USD/token].
    score
        Scores on one benchmark, (n,) [1].

    Raises
    ------
    DomainError
        If columns differ in length or a price is not above 0.
    """

    names: tuple[str, ...]
    time: FloatArray
    price: FloatArray
    score: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        for name in ("time", "price", "score"):
            column = readonly(getattr(self, name))
            if column.shape != (len(self.names),):
                raise DomainError(f"{name} has shape {column.shape} for {len(self.names)} names")
            object.__setattr__(self, name, column)
        if not np.all(np.isfinite(self.price) & (self.price > 0)):
            raise DomainError("price: every price must be finite and above 0")

    def frontier(self, score: float) -> PriceRecords:
        """Return the records that lowered the price of reaching a score, in order of time.

        Parameters
        ----------
        score
            Score to reach [1].

        Raises
        ------
        DomainError
            If no model reaches it.

        Examples
        --------
        >>> records = PriceRecords(("a", "b", "c"), [2022.0, 2023.0, 2024.0], [60.0, 80.0, 2.0], [50.0, 90.0, 60.0])
        >>> records.frontier(50.0).names
        ('a', 'c')
        """
        able = np.flatnonzero(self.score >= score)
        if able.size == 0:
            raise DomainError(f"no model reaches {score:g}: the highest score is {np.max(self.score):g}")
        order = able[np.lexsort((self.price[able], self.time[able]))]
        before = np.concatenate([[np.inf], np.minimum.accumulate(self.price[order])[:-1]])
        kept = order[self.price[order] < before]
        names = tuple(self.names[index] for index in kept)
        return PriceRecords(names, self.time[kept], self.price[kept], self.score[kept])

    def cheapest(self, score: float, time: Numeric) -> Numeric:
        """Return the lowest price of reaching a score at given dates; infinite before any model does [USD/token]."""
        frontier = self.frontier(score)
        index = np.searchsorted(frontier.time, time, side="right")
        return np.concatenate([[np.inf], frontier.price])[index]


@dataclass(frozen=True, slots=True)
class CapabilityDecline:
    """Decline of the price of one score.

    Parameters
    ----------
    score
        Score held fixed [1].
    first, last
        Names of the first model to reach it and of the cheapest since.
    years
        Time between the two [year].
    rate
        Logarithmic rate between them [1/year].
    fit
        Trend through all steps of the frontier, with its standard error; absent with fewer than three steps.
    """

    score: float
    first: str
    last: str
    years: float
    rate: float
    fit: DeclineFit | None

    @property
    def yearly_fall(self) -> float:
        """By how many times the price fell per year [1]."""
        return float(np.exp(self.rate))


def decline_at_capability(records: PriceRecords, score: float) -> CapabilityDecline:
    """Measure how fast the price of reaching a score has fallen.

    Parameters
    ----------
    records
        Dated prices with scores.
    score
        Score held fixed [1].

    Returns
    -------
    CapabilityDecline
        Rate between the ends of the frontier, and its trend.

    Raises
    ------
    DomainError
        If fewer than two models step down the frontier.

    Examples
    --------
    >>> records = PriceRecords(("a", "b", "c"), [2022.0, 2023.0, 2024.0], [40.0, 9.0, 2.0], [50.0, 50.0, 60.0])
    >>> round(decline_at_capability(records, 50.0).yearly_fall, 3)
    4.472
    """
    frontier = records.frontier(score)
    if frontier.time.size < 2 or frontier.time[-1] == frontier.time[0]:
        raise DomainError(f"the price of a score of {score:g} has only one step: no decline can be measured")
    years = float(frontier.time[-1] - frontier.time[0])
    distinct = np.unique(frontier.time).size
    fit = None
    if distinct >= 3:
        last = np.append(np.flatnonzero(np.diff(frontier.time) > 0), frontier.time.size - 1)
        fit = fit_decline(CostSeries(frontier.time[last], frontier.price[last]), Form.MOORE, Noise.CURVE)
    rate = float(decline_rate(frontier.price[0], frontier.price[-1], years))
    return CapabilityDecline(score, frontier.names[0], frontier.names[-1], years, rate, fit)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """A change from one flagship, or one list price, to the next.

    Parameters
    ----------
    before, after
        Names of the two.
    time
        Date of the move [year].
    ratio
        New price over old [1].
    """

    before: str
    after: str
    time: float
    ratio: float

    @property
    def year(self) -> int:
        """Calendar year of the move."""
        return int(self.time)


def price_moves(names: Sequence[str], time: Sequence[float], price: Sequence[float]) -> tuple[PriceMove, ...]:
    """Return the moves along a line of products, in order of time.

    Parameters
    ----------
    names, time, price
        The line's models, dates from which the prices held [year] and prices, > 0 [USD/token].

    Raises
    ------
    DomainError
        If a price is not above 0 or columns differ in length.

    Examples
    --------
    >>> [round(move.ratio, 2) for move in price_moves(("x", "y", "z"), (2023.2, 2025.6, 2025.9), (20, 5, 7))]
    [0.25, 1.4]
    """
    records = PriceRecords(
        tuple(names), np.asarray(time, dtype=float), np.asarray(price, dtype=float), np.zeros(len(names))
    )
    order = np.argsort(records.time, kind="stable")
    return tuple(
        PriceMove(
            records.names[a], records.names[b], float(records.time[b]), float(records.price[b] / records.price[a])
        )
        for a, b in itertools.pairwise(order)
    )


def years_of_rise(moves: Sequence[PriceMove]) -> tuple[int, ...]:
    """Return the calendar years in which the price of a line was higher at the last move than before the first.

    Examples
    --------
    >>> years_of_rise(price_moves(("x", "y", "z"), (2023.2, 2025.6, 2025.9), (20, 5, 7)))
    ()
    >>> years_of_rise(price_moves(("x", "y", "z"), (2024.2, 2025.6, 2025.9), (5, 4, 7)))
    (2025,)
    """
    change: dict[int, float] = {}
    for move in moves:
        change[move.year] = change.get(move.year, 1.0) * move.ratio
    return tuple(year for year, ratio in sorted(change.items()) if ratio > 1.0)
