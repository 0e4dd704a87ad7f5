"""Compute large grids on the smallest arrays that broadcast to them, or in pieces that fit the cache.

A grid of batch, context and chips written out in full repeats every axis along the others. What depends on two of them
is computed on those two and spread at the end; what repeats along none is worked through piece by piece. Either gives
every entry the figure that it has on the whole grid.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

_Function = TypeVar("_Function", bound=Callable[..., Any])

LARGE = 32_768
"""Size from which an array is examined [1]: two such arrays fill half a megabyte."""
PIECE = 8_192
"""Entries of a piece [1]: a dozen arrays of them fit a processor's second cache."""
_WORTH = 0.5
"""Share of the grid below which computing on the axes that matter is worth the spreading afterwards [1]."""


def compacted(array: Any) -> Any:
    """Return a large array without the repeats along its axes, and anything else as it is.

    Examples
    --------
    >>> batch = np.broadcast_to(np.arange(300.0).reshape(-1, 1), (300, 200)).copy()
    >>> compacted(batch).shape, compacted(batch.T).shape, compacted(3.0)
    ((300, 1), (1, 300), 3.0)
    """
    if type(array) is not np.ndarray or array.size < LARGE or array.ndim < 2:
        return array
    for axis in reversed(range(array.ndim)):
        if array.shape[axis] > 1:
            first = array[_along(axis, 0)]
            if np.array_equal(first, array[_along(axis, 1)]) and bool((array == first).all()):
                array = first
    return array


def _along(axis: int, place: int) -> tuple[slice, ...]:
    """Return an index of one position along an axis that keeps the axis."""
    return (*(slice(None),) * axis, slice(place, place + 1))


def spread(found: Any, *given: Any) -> Any:
    """Broadcast a result that was computed without repeats to the grid of its arguments.

    Parameters
    ----------
    found
        What was computed.
    *given
        Arguments as they were before :func:`compacted`.
    """
    shape = np.broadcast_shapes(np.shape(found), *(item.shape for item in given if isinstance(item, np.ndarray)))
    return found if np.shape(found) == shape else np.broadcast_to(found, shape).copy()


def in_pieces(function: _Function, holds_arrays: Callable[[], bool] | None = None) -> _Function:
    """Return a function of arrays that computes large grids without their repeats, or piece by piece.

    Parameters
    ----------
    function
        Takes numbers and arrays by position, and gives an array of which each entry depends on that entry of the
        arguments alone.
    holds_arrays
        Says whether it uses arrays beside its arguments, which no piece of them would fit; asked for large grids only.

    Examples
    --------
    >>> grid = np.linspace(0.0, 1.0, 100_000)
    >>> bool((in_pieces(lambda x, y: x * y + x)(grid, 2.0) == grid * 2.0 + grid).all())
    True
    """

    @wraps(function)
    def computed(*given: Any, **named: Any) -> Any:
        for item in given:
            if type(item) is np.ndarray and item.size >= LARGE:
                return function(*given, **named) if named else _on_large(function, given, holds_arrays)
        return function(*given, **named)

    return cast("_Function", computed)


def _on_large(function: Callable[..., Any], given: tuple[Any, ...], holds_arrays: Callable[[], bool] | None) -> Any:
    """Compute along the axes that matter, or in pieces if all arrays have one shape and are contiguous."""
    smaller = {id(item): compacted(item) for item in given}
    fewer = [smaller[id(item)] for item in given]
    arrays = [item for item in given if isinstance(item, np.ndarray) and item.ndim]
    whole = np.broadcast_shapes(*(item.shape for item in arrays))
    needed = np.broadcast_shapes(*(item.shape for item in fewer if isinstance(item, np.ndarray)))
    if np.prod(needed) <= _WORTH * np.prod(whole):
        return spread(function(*fewer), *given)
    scattered = any(item.shape != whole or not item.flags.c_contiguous or item.dtype != np.float64 for item in arrays)
    if scattered or (holds_arrays is not None and holds_arrays()):
        return function(*given)
    flat = [item.reshape(-1) if isinstance(item, np.ndarray) and item.ndim else item for item in given]
    found = np.empty(arrays[0].size)
    for start in range(0, found.size, PIECE):
        piece = slice(start, start + PIECE)
        found[piece] = function(*(item[piece] if isinstance(item, np.ndarray) and item.ndim else item for item in flat))
    return found.reshape(whole)
