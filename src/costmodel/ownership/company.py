"""A company's depreciation from its capital spending: short-lived and long-lived vintages, and opening assets.

Capital spending is spread evenly over its fiscal year. A share of it (servers, network) is depreciated over the useful
life in the company's policy at the time, with prospective changes; the rest (shells, power, offices) over a long life.
Both enter service after a lag. Assets from before the record run off over a remaining life.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, readonly
from costmodel.foundation.errors import DomainError
from costmodel.ownership.checks import at_least, number_array, require, share_array
from costmodel.ownership.fleet import BookTerms, Fleet, Opening, OpeningBook

_CELLS = 400
"""Age classes in the estimate of a change of useful life [1]."""
STEPS_PER_YEAR = 4
"""Steps in a fiscal year of the company model [1/year]; lags need not be whole steps."""


@dataclass(frozen=True, slots=True)
class LifePolicy:
    """Useful life of short-lived assets over time.

    Parameters
    ----------
    life
        Life at the start, > 0 [year].
    changes
        Pairs of a time since the start [year] and the life from then on, > 0 [year] (a number, or one per draw).
    """

    life: float
    changes: tuple[tuple[float, ArrayLike], ...] = ()

    def without(self, index: int) -> LifePolicy:
        """Return the policy without one of its changes; later changes still take effect at their times."""
        return LifePolicy(self.life, (*self.changes[:index], *self.changes[index + 1 :]))


def short_lived_depreciation(capex: ArrayLike, policy: LifePolicy, lag: ArrayLike) -> FloatArray:
    """Return depreciation by fiscal year if all capital spending were short-lived.

    Parameters
    ----------
    capex
        By fiscal year, ≥ 0 [USD], ``(year,)``.
    policy
        Useful life over time.
    lag
        Time from payment to service, ≥ 0 [year], ``()`` or ``(draw,)``.

    Returns
    -------
    FloatArray
        By fiscal year [USD], ``(year,) + batch``.

    Raises
    ------
    DomainError
        If a value is not allowed.

    Examples
    --------
    Capex of 4 in the first year, and a life of 4 years that is extended to 7 at the end of the second:

    >>> policy = LifePolicy(4.0, ((2.0, 7.0),))
    >>> [round(x, 3) for x in short_lived_depreciation([4.0, 0.0, 0.0], policy, 0.25).tolist()]
    [0.281, 0.969, 0.477]
    """
    return _yearly(capex, policy, lag)


def long_lived_depreciation(capex: ArrayLike, life: ArrayLike, lag: ArrayLike) -> FloatArray:
    """Return depreciation by fiscal year if all capital spending had one life.

    Parameters
    ----------
    capex
        By fiscal year, ≥ 0 [USD], ``(year,)``.
    life
        Useful life, > 0 [year], ``()`` or ``(draw,)``.
    lag
        Time from payment to service, ≥ 0 [year], ``()`` or ``(draw,)``.

    Returns
    -------
    FloatArray
        By fiscal year [USD], ``(year,) + batch``.

    Raises
    ------
    DomainError
        If a value is not allowed.

    Examples
    --------
    >>> [round(x, 3) for x in long_lived_depreciation([20.0, 0.0], 20.0, 0.5).tolist()]
    [0.125, 0.875]
    """
    return _yearly(capex, LifePolicy(0.0, ((0.0, life),)), lag)


def opening_depreciation(opening: float, years: int, remaining_life: ArrayLike) -> FloatArray:
    """Return the yearly depreciation of assets from before the record.

    Parameters
    ----------
    opening
        Book value of these assets, ≥ 0 [USD].
    years
        Number of fiscal years.
    remaining_life
        Time until the youngest of these assets is fully depreciated, > 0 [year], ``()`` or ``(draw,)``.

    Returns
    -------
    FloatArray
        By fiscal year [USD], ``(year,) + batch``.

    Raises
    ------
    DomainError
        If a value is not allowed.

    Notes
    -----
    Assets bought at an even pace and depreciated in a straight line have evenly spread ages, so their book value falls
    as ``(1 − t/R)²``.

    Examples
    --------
    >>> opening_depreciation(100.0, 3, 2.0).tolist()
    [75.0, 25.0, 0.0]
    """
    life = at_least("remaining_life", remaining_life, 0.0, unit="year", strict=True)
    book = OpeningBook(value=at_least("opening", opening, 0.0, unit="USD"), life=life, shape=2.0)
    fleet = Fleet(
        step=1.0,
        steps=years,
        batch=life.shape,
        books={"assets": BookTerms(life=1.0)},
        lag=0.0,
        opening=Opening(books={"assets": book}),
    )
    return readonly(fleet.run(np.zeros(years), {}).depreciation[:, 0])


def _yearly(capex: ArrayLike, policy: LifePolicy, lag: ArrayLike) -> FloatArray:
    """Advance one asset class through the fiscal years of a record."""
    spent = at_least("capex", capex, 0.0, unit="USD")
    if spent.ndim != 1 or len(spent) == 0:
        raise DomainError(f"capex must be one series by fiscal year; given the shape {spent.shape}")
    late = at_least("lag", lag, 0.0, unit="year")
    lives = [at_least("life", life, 0.0, unit="year", strict=True) for _, life in policy.changes]
    batch = np.broadcast_shapes(late.shape, *(life.shape for life in lives))
    require("batch", batch, len(batch) <= 1, "one axis of draws at most")
    by_step: dict[int, FloatArray] = {}
    start: ArrayLike = policy.life
    for (time, _), life in zip(policy.changes, lives, strict=True):
        if round(time * STEPS_PER_YEAR) <= 0:
            start = life
        else:
            by_step[round(time * STEPS_PER_YEAR)] = life
    steps = len(spent) * STEPS_PER_YEAR
    fleet = Fleet(
        step=1.0 / STEPS_PER_YEAR, steps=steps, batch=batch, books={"assets": BookTerms(life=start)}, lag=late
    )
    total = np.zeros((len(spent), *batch))
    for step in range(steps):
        if step in by_step:
            fleet.change_life("assets", by_step[step])
        year = step // STEPS_PER_YEAR
        total[year] += fleet.advance(spent[year] / STEPS_PER_YEAR, {"assets": 1.0}).depreciation[0]
    return readonly(total)


def policy_of(lives: Sequence[tuple[float, float, ArrayLike]]) -> LifePolicy:
    """Return a policy from dated changes, leaving out those that change nothing.

    Parameters
    ----------
    lives
        Time since the start [year], life before and life after [year] of each change, in order of time.

    Raises
    ------
    DomainError
        If there are no changes: the life at the start would be a guess.

    Examples
    --------
    >>> policy_of([(6.0, 3.0, 4.0), (8.0, 4.0, 6.0), (8.25, 4.0, 6.0)]).changes
    ((6.0, 4.0), (8.0, 6.0))
    """
    if not lives:
        raise DomainError("no useful life is recorded: give a LifePolicy")
    current: ArrayLike = lives[0][1]
    kept: list[tuple[float, ArrayLike]] = []
    for time, _, after in lives:
        if not np.array_equal(after, current):
            kept.append((time, after))
            current = after
    return LifePolicy(float(lives[0][1]), tuple(kept))


def useful_life_effect(
    expense: ArrayLike,
    life_before: ArrayLike,
    life_after: ArrayLike,
    growth: ArrayLike = 0.0,
    share_concerned: ArrayLike = 1.0,
    *,
    new_purchases: bool = True,
) -> Mapping[str, Numeric]:
    """Estimate the effect of a change of useful life on the next year's depreciation, from the expense before it.

    The base is the *expense* of the assets, not their gross balance: gross balances hold equipment that is fully
    depreciated and still in use, on which a change of life has no effect.

    Parameters
    ----------
    expense
        Depreciation of the assets, as a yearly rate at the time of the change, ≥ 0 [USD/year].
    life_before, life_after
        Useful life, ≥ 1 [year].
    growth
        Logarithmic growth of purchases, signed, which determines how young the assets are [1/year].
    share_concerned
        Share of the expense to which the change applies, 0 to 1 [1].
    new_purchases
        Whether purchases during the year count too; disclosures on assets in service at year-end exclude them.

    Returns
    -------
    Mapping
        ``before`` and ``after``: the year's expense on these assets without and with the change [USD]; ``effect``:
        after − before, negative where life is extended [USD].

    Raises
    ------
    DomainError
        If a value is not allowed.

    Notes
    -----
    Purchases grew at g, so the cost of assets of age a < n is proportional to ``e^−ga``. In the year, depreciation of
    an asset is ``min(1, n − a)/n`` of its cost without the change, and ``(1 − a/n)/max(n' − a, 1)`` with it.

    Examples
    --------
    10 billion of server expense, four years extended to six, purchases growing by 20 % (log) a year:

    >>> effect = useful_life_effect(10e9, 4.0, 6.0, growth=0.2)
    >>> round(float(effect["effect"]) / 1e9, 2)
    -4.89
    """
    base = at_least("expense", expense, 0.0, unit="USD/year") * share_array("share_concerned", share_concerned)
    old = at_least("life_before", life_before, 1.0, unit="year")
    new = at_least("life_after", life_after, 1.0, unit="year")
    pace = number_array("growth", growth, unit="1/year")
    base, old, new, pace = np.broadcast_arrays(base, old, new, pace)
    cells = ((np.arange(_CELLS) + 0.5) / _CELLS).reshape((-1,) + (1,) * base.ndim)
    ages, width = cells * old, old / _CELLS
    present = np.exp(-pace * ages) * width
    purchases = base * old / _ordered(present)
    in_year = new_purchases * _ordered(np.exp(pace * cells) * (1.0 - cells)) / _CELLS
    before = purchases * (_ordered(present * np.minimum(1.0, old - ages)) + in_year) / old
    spread = present * (1.0 - ages / old) / np.maximum(new - ages, 1.0)
    after = purchases * (_ordered(spread) + in_year / new)
    return {"before": before[()], "after": after[()], "effect": (after - before)[()]}


def _ordered(values: FloatArray) -> FloatArray:
    """Sum over the first axis in order."""
    return np.asarray(np.cumsum(values, axis=0)[-1])
