"""Depreciation methods other than a fleet's straight line, and the decline of economic value.

Methods in closed form return the cumulative share depreciated at an age; the expense of a period is a difference of two
shares, so that the sum is exact by construction. Methods defined period by period (declining balance, units of
production) loop over periods. All broadcast: a life or a cost per draw gives a schedule per draw, periods on the first
axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.errors import DomainError
from costmodel.ownership.books import BookSchedule, as_books
from costmodel.ownership.checks import at_least, number_array, require, whole_number
from costmodel.ownership.rent import NUDGE

__all__ = [
    "declining_balance",
    "economic",
    "economic_fraction",
    "expected_rents",
    "rent_value_fraction",
    "sum_of_years_digits",
    "sum_of_years_digits_fraction",
    "units_of_production",
]


@formula()
def sum_of_years_digits_fraction(age: Numeric, life: Numeric) -> Numeric:
    """Return the cumulative share depreciated after some whole periods, by the sum of the years' digits.

    Parameters
    ----------
    age
        Periods since entry into service, signed [1]; intended for whole periods.
    life
        Useful life in the same periods, > 0 [1]; need not be whole.

    Returns
    -------
    Numeric
        Share of cost less salvage, 0 to 1 [1].

    Notes
    -----
    The sum over the first k periods of ``(n − t + 1)/(n(n + 1)/2)`` is ``k(2n − k + 1)/(n(n + 1))``.

    Examples
    --------
    >>> round(float(sum_of_years_digits_fraction(1.0, 4.0)), 12)
    0.4
    """
    done = np.minimum(np.maximum(age, 0.0), life)
    return done * (2.0 * life - done + 1.0) / (life * (life + 1.0))


@formula(step=True)
def economic_fraction(age: Numeric, decline: Numeric) -> Numeric:
    """Return the share of value that equipment has lost at an age, when market value falls at a steady rate.

    Parameters
    ----------
    age
        Time since purchase, ≥ 0 [year].
    decline
        Logarithmic fall of value, signed: positive where it falls [1/year].

    Returns
    -------
    Numeric
        Share of the price lost, below 1 [1]; negative where value rises. Cost = Σ expense + remaining value.

    Notes
    -----
    ``1 − exp(−decline·age)``.

    Examples
    --------
    At 0.14 orders of magnitude a year (ML GPU prices), a third of the value is left after 3.4 years:

    >>> round(float(economic_fraction(3.4, 0.14 * np.log(10))), 3)
    0.666
    """
    return -np.expm1(-decline * age)


@formula()
def rent_value_fraction(age: Numeric, life: Numeric, discount_rate: Numeric, decline: Numeric) -> Numeric:
    """Return the share of price that equipment has lost at an age, if its value is the present value of its rents.

    Parameters
    ----------
    age
        Time since entry into service, signed [year].
    life
        Years in which it earns rent, > 0 [year].
    discount_rate
        Logarithmic cost of capital ``ln(1 + WACC)`` [1/year].
    decline
        Logarithmic fall of rents, signed: positive where they fall [1/year].

    Returns
    -------
    Numeric
        Share of the price lost, 0 to 1 [1].

    Notes
    -----
    The value of the remaining rents is ``V(a)/P = e^−δa (1 − e^−(r+δ)(L−a))/(1 − e^−(r+δ)L)``; the result is 1 minus
    that. With r = δ = 0 it is straight line; with δ = 0 and r > 0 it is the slower sinking-fund pattern; a
    large δ makes it faster than straight line.

    Examples
    --------
    >>> [round(float(rent_value_fraction(2.0, 5.0, 0.1, d)), 3) for d in (0.0, 0.3)]
    [0.341, 0.556]
    """
    done = np.minimum(np.maximum(age, 0.0), life)
    rate = discount_rate + decline + NUDGE
    left = np.exp(-decline * done) * np.expm1(-rate * (life - done)) / np.expm1(-rate * life)
    return 1.0 - left


def sum_of_years_digits(
    cost: ArrayLike, salvage: ArrayLike, life: ArrayLike, periods: int | None = None
) -> BookSchedule:
    """Depreciate by the sum of the years' digits.

    Parameters
    ----------
    cost
        Cost at the start, ≥ 0 [USD], any shape.
    salvage
        Value at the end of life, 0 to cost [USD].
    life
        Useful life in periods, > 0 [1]; need not be whole.
    periods
        Length of the schedule; the longest life where absent.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> [round(x, 9) for x in sum_of_years_digits(110.0, 10.0, 4).expense.tolist()]
    [40.0, 30.0, 20.0, 10.0]
    """
    cost, salvage, life = _checked(cost, salvage, life)
    bounds = _bounds(life, periods)
    return as_books(cost, (cost - salvage) * np.diff(sum_of_years_digits_fraction(bounds, life), axis=0))


def declining_balance(
    cost: ArrayLike,
    salvage: ArrayLike,
    life: ArrayLike,
    factor: ArrayLike = 2.0,
    periods: int | None = None,
    *,
    switch: bool = True,
) -> BookSchedule:
    """Depreciate by a declining balance, switching to straight line where that gives more.

    Parameters
    ----------
    cost, salvage, life, periods
        As for `sum_of_years_digits`.
    factor
        Multiple of the straight-line rate, > 0 [1]; 2 is double declining.
    switch
        Whether to switch to straight line; without it the book value does not reach salvage.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Notes
    -----
    ``d_t = max(f/n · B, (B − S)/(n − t + 1))``, never below salvage.

    Examples
    --------
    >>> [round(x, 3) for x in declining_balance(100.0, 0.0, 5).expense.tolist()]
    [40.0, 24.0, 14.4, 10.8, 10.8]
    """
    cost, salvage, life = _checked(cost, salvage, life)
    rate = at_least("factor", factor, 0.0, unit="1", strict=True) / life
    count = len(_bounds(life, periods)) - 1
    book = np.broadcast_to(cost, np.broadcast_shapes(cost.shape, salvage.shape, life.shape, rate.shape))
    rows = []
    for period in range(count):
        open_part = np.minimum(np.maximum(life - period, 0.0), 1.0)
        charge = rate * book * open_part
        if switch:
            charge = np.maximum(charge, (book - salvage) / np.maximum(life - period, 1.0))
        rows.append(np.minimum(charge, book - salvage))
        book = book - rows[-1]
    return as_books(cost, np.array(rows))


def units_of_production(cost: ArrayLike, salvage: ArrayLike, units: ArrayLike, total_units: ArrayLike) -> BookSchedule:
    """Depreciate by units of production: accelerator-hours, tokens or any other count of use.

    Parameters
    ----------
    cost, salvage
        As for `sum_of_years_digits`.
    units
        Use by period, ≥ 0, ``(period,) + batch`` [any unit].
    total_units
        Use over the whole life, > 0 [unit of ``units``]; use beyond it is not depreciated.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> [round(x, 9) for x in units_of_production(100.0, 0.0, [30.0, 50.0, 40.0], 100.0).expense.tolist()]
    [30.0, 50.0, 20.0]
    """
    cost, salvage, total = _checked(cost, salvage, total_units, name="total_units", unit="units")
    used = at_least("units", units, 0.0, unit="units")
    if used.ndim == 0:
        raise DomainError("units must have one value per period; given a single number")
    done = np.minimum(np.cumsum(used, axis=0) / total, 1.0)
    return as_books(cost, (cost - salvage) * np.diff(done, axis=0, prepend=np.zeros_like(done[:1])))


def economic(cost: ArrayLike, decline: ArrayLike, periods: int) -> BookSchedule:
    """Depreciate by a steady fall of market value: cost = Σ expense + remaining value.

    Parameters
    ----------
    cost
        Price, ≥ 0 [USD].
    decline
        Logarithmic fall of value per period, signed [1].
    periods
        Length of the schedule, ≥ 1.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> economic(100.0, np.log(2), 3).expense.tolist()
    [50.0, 25.0, 12.5]
    """
    price = at_least("cost", cost, 0.0, unit="USD")
    fall = number_array("decline", decline, unit="1/period")
    bounds = _bounds(fall, whole_number("periods", periods, 1))
    return as_books(price, price * np.diff(economic_fraction(bounds, fall), axis=0))


def expected_rents(
    cost: ArrayLike, life: ArrayLike, discount_rate: ArrayLike, decline: ArrayLike, periods: int | None = None
) -> BookSchedule:
    """Depreciate by the fall in the present value of the remaining rents; see `rent_value_fraction`.

    Parameters
    ----------
    cost
        Price, ≥ 0 [USD].
    life
        Years in which it earns rent, > 0 [year].
    discount_rate, decline
        Logarithmic cost of capital, and logarithmic fall of rents, signed [1/year].
    periods
        Length of the schedule in years; the longest life where absent.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Examples
    --------
    >>> [round(x, 1) for x in expected_rents(100.0, 4, 0.1, 0.3).expense.tolist()]
    [35.1, 27.0, 21.1, 16.8]
    """
    price, _, years = _checked(cost, 0.0, life)
    rate = number_array("discount_rate", discount_rate, unit="1/year")
    fall = number_array("decline", decline, unit="1/year")
    bounds = _bounds(np.broadcast_arrays(years, rate, fall)[0], periods)
    return as_books(price, price * np.diff(rent_value_fraction(bounds, years, rate, fall), axis=0))


def _checked(
    cost: ArrayLike, salvage: ArrayLike, life: ArrayLike, *, name: str = "life", unit: str = "period"
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return cost, salvage and life as arrays; raise an error for values out of range."""
    price = at_least("cost", cost, 0.0, unit="USD")
    rest = at_least("salvage", salvage, 0.0, unit="USD")
    require("salvage", rest, rest <= price, "at most the cost [USD]")
    return price, rest, at_least(name, life, 0.0, unit=unit, strict=True)


def _bounds(life: FloatArray, periods: int | None) -> FloatArray:
    """Return the bounds of the periods as a column that broadcasts against the batch."""
    count = int(np.ceil(np.max(life))) if periods is None else whole_number("periods", periods, 1)
    return np.arange(count + 1.0).reshape((-1,) + (1,) * life.ndim)
