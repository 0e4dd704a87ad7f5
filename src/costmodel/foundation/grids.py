"""Compute large grids on the smallest arrays that broadcast to them, or in pieces that fit the cache.

A full grid of batch, context and chips repeats every axis along the others. A quantity that depends on two of them is
computed on those two and broadcast at the end; a quantity without repeats is computed piece by piece. Either way, every
entry is the same as on the whole grid.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any, TypeVar, cast

import numpy as np

_Function = TypeVar("_Function", bound=Callable[..., Any])

LARGE = 32_768
"""Least size of an array for which repeats are searched [1]: two such arrays fill half a megabyte."""
PIECE = 8_192
"""Entries of a piece [1]: a dozen arrays of this size fit a processor's second-level cache."""
_WORTH = 0.5
"""Share of the grid below which computing without repeats is worth broadcasting afterwards [1]."""


def compacted(array: Any) -> Any:
    """Return a large array without the repeats along its axes, and anything else unchanged.

    Examples
    --------
    >>> batch = np.broadcast_to(np.arange(300.0).reshape(-1, 1), (300, 200)).copy()
    >>> compacted(batch).shape, compacted(batch.T).shape, compacted(3.0)
    ((300, 1), (1, 300), 3.0)
    """
    if type(array) is not np.ndarray or array.size < LARGE or array.ndim < 2:
        return array
    for axis in range(array.ndim):
        if array.shape[axis] > 1:
            first = array[_along(axis, 0)]
            if np.array_equal(first, array[_along(axis, 1)]) and bool((array == first).all()):
                array = first
    return array


def _along(axis: int, place: int) -> tuple[slice, ...]:
    """Return an index of one position along an axis that keeps the axis."""
    return (*(slice(None),) * axis, slice(place, place + 1))


def spread(found: Any, *given: Any) -> Any:
    """Broadcast a result computed without repeats to the grid of its arguments.

    Parameters
    ----------
    found
        The result.
    *given
        Arguments before :func:`compacted`.
    """
    shape = np.broadcast_shapes(np.shape(found), *(item.shape for item in given if isinstance(item, np.ndarray)))
    return found if np.shape(found) == shape else np.broadcast_to(found, shape).copy()


def in_pieces(function: _Function, holds_arrays: Callable[[], bool] | None = None) -> _Function:
    """Return a function of arrays that computes large grids without their repeats, or piece by piece.

    Parameters
    ----------
    function
        Function of numbers and arrays by position, whose result depends, entry by entry, only on the same entry of the
        arguments.
    holds_arrays
        Returns whether the function uses other arrays than its arguments, which rules out pieces; called only for large
        grids.

    Examples
    --------
    >>> grid = np.linspace(0.0, 1.0, 100_000)
    >>> bool((in_pieces(lambda x, y: x * y + x)(grid, 2.0) == grid * 2.0 + grid).all())
    True
    """

    @wraps(function)
    def computed(*given: Any, **named: Any) -> Any:
        if named or not any_large(given):
            return function(*given, **named)
        fewer = without_repeats(given)
        if fewer is not given:
            return spread(function(*fewer), *given)
        return function(*given) if holds_arrays is not None and holds_arrays() else piece_by_piece(function, given)

    return cast("_Function", computed)


def factored(function: _Function) -> _Function:
    """Return a function of arrays that computes large grids without the repeats of all arguments but the first.

    The first argument is a factor of the result, by which every point is multiplied once; searching it for repeats
    would take as long. Scattered points are computed at once: pieces gain nothing where operations are few.

    Parameters
    ----------
    function
        Function as for :func:`in_pieces`, and proportional to its first argument.

    Examples
    --------
    >>> tokens = np.linspace(1.0, 2.0, 60_000).reshape(200, 300)
    >>> chips = np.broadcast_to(np.arange(1.0, 301.0), (200, 300)).copy()
    >>> bool((factored(np.multiply)(tokens, chips) == tokens * chips).all())
    True
    """

    @wraps(function)
    def computed(*given: Any, **named: Any) -> Any:
        rest = given[1:]
        fewer = rest if named or not any_large(rest) else without_repeats(rest)
        if fewer is rest:
            return function(*given, **named)
        return given[0] * np.broadcast_to(function(1.0, *fewer), _grid(rest))

    return cast("_Function", computed)


def any_large(given: tuple[Any, ...]) -> bool:
    """Whether an argument is an array large enough to search for repeats.

    Examples
    --------
    >>> any_large((2.0, np.zeros(10))), any_large((2.0, np.zeros(100_000)))
    (False, True)
    """
    for item in given:  # noqa: SIM110 - half the time of any(), on the path of every call
        if type(item) is np.ndarray and item.size >= LARGE:
            return True
    return False


def without_repeats(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments without the repeats along their axes; unchanged if most of the grid would remain.

    Examples
    --------
    >>> batch, chips = (axis.copy() for axis in np.broadcast_arrays(np.ones((300, 1, 1)), np.ones((1, 200, 8))))
    >>> [item.shape for item in without_repeats((batch, chips))]
    [(1, 1, 1), (1, 1, 1)]
    """
    different = {id(item): item for item in given}  # one array may be the value of several arguments
    smaller = {key: compacted(item) for key, item in different.items()}
    fewer = tuple(smaller[id(item)] for item in given)
    return fewer if prod(_grid(fewer)) <= _WORTH * prod(_grid(given)) else given


def _grid(given: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the shape to which the arrays among some arguments broadcast."""
    return np.broadcast_shapes(*(item.shape for item in given if isinstance(item, np.ndarray)))


def piece_by_piece(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """Compute in pieces if all arrays have one shape and are contiguous, else at once.

    Examples
    --------
    >>> grid = np.linspace(0.0, 1.0, 100_000)
    >>> bool((piece_by_piece(np.sqrt, (grid,)) == np.sqrt(grid)).all())
    True
    """
    whole = _grid(given)
    arrays = [item for item in given if isinstance(item, np.ndarray) and item.ndim]
    if any(item.shape != whole or not item.flags.c_contiguous or item.dtype != np.float64 for item in arrays):
        return function(*given)
    flat = [item.reshape(-1) if isinstance(item, np.ndarray) and item.ndim else item for item in given]
    found = np.empty(whole)
    line = found.reshape(-1)
    for start in range(0, line.size, PIECE):
        piece = slice(start, start + PIECE)
        line[piece] = function(*(item[piece] if isinstance(item, np.ndarray) and item.ndim else item for item in flat))
    return found
