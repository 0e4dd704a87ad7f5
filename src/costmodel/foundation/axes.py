"""Recover the axes of a grid from arrays that were expanded to its full size, so that repeats can be left out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65_536
"""Entries compared at once [1]; the first of them show whether there is a run."""
_PROBES = 32
"""Changes of a column at which a period is tried before all entries are compared [1]."""
_WORTH = 0.75
"""Share of entries on the axes below which finding them is worth its cost [1]."""


def axes_of(columns: Iterable[NDArray[Any]]) -> tuple[int, ...]:
    """Return the lengths of the axes from which arrays of one length were expanded, slowest first.

    Parameters
    ----------
    columns
        Arrays of shape (point,), all of one length; points in the order of a grid, last axis fastest.

    Returns
    -------
    tuple of int
        Lengths whose product is the length of the arrays; only that length if separate axes would save less than a
        quarter of the entries.

    Notes
    -----
    A column that depends on some axes of a grid is constant over runs as long as the product of the faster axes, and
    repeats with a period of that product times the length of its own axes. Runs and periods of all columns, sorted, are
    the strides of the grid, each a multiple of the one before.

    Examples
    --------
    >>> batch, chip = np.meshgrid([1.0, 2.0, 4.0], [80.0, 141.0])
    >>> axes_of([batch.ravel(), chip.ravel()])
    (2, 3)
    """
    strides, given, differing = {1}, 0, 0
    for column in columns:
        bits = _bits(column)
        strides.add(bits.size)
        run = _run(bits)
        period = _period(bits[::run])
        strides |= {run, run * period}
        given, differing = given + bits.size, differing + period
    if differing > _WORTH * given:
        return (max(strides),)
    chain = [1]
    for stride in sorted(strides):
        if stride > chain[-1] and stride % chain[-1] == 0:
            chain.append(stride)
    return tuple(after // before for before, after in pairwise(chain))[::-1]


def thinned(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array with length 1 along every axis along which all its entries are equal bit for bit.

    Examples
    --------
    >>> thinned(np.broadcast_to(np.arange(3.0).reshape(-1, 1), (3, 4))).shape
    (3, 1)
    """
    for axis in reversed(range(array.ndim)):
        first = array[_along(axis, 0)]
        if array.shape[axis] > 1 and (array.strides[axis] == 0 or _repeats(_bits(array), axis)):
            array = first
    return np.ascontiguousarray(array).reshape(array.shape)


def _along(axis: int, place: int) -> tuple[slice, ...]:
    """Return the index of one position along an axis, which is kept."""
    return (*(slice(None),) * axis, slice(place, place + 1))


def _repeats(bits: NDArray[Any], axis: int) -> bool:
    """Whether an array equals its first entries along an axis; tries the second and the last entries first."""
    first = bits[_along(axis, 0)]
    near = all(bool((bits[_along(axis, place)] == first).all()) for place in (1, bits.shape[axis] - 1))
    return near and bool((bits == first).all())


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array for bitwise comparison, in which NaN equals itself."""
    whole = np.ascontiguousarray(array)
    return whole.view(np.int64) if whole.dtype == np.float64 else whole


def _run(bits: NDArray[Any]) -> int:
    """Return the length of the runs over which a column is constant, from its start on."""
    run = int(bits.size)
    for start in range(0, bits.size - 1, _CHUNK):
        part = bits[start : start + _CHUNK + 1]
        changes = np.flatnonzero(part[1:] != part[:-1]) + (start + 1)
        if changes.size:
            run = gcd(run, int(np.gcd.reduce(changes)))
        if run == 1:
            break
    return run


def _period(bits: NDArray[Any]) -> int:
    """Return the period after which a column repeats; tries a few places around its changes first."""
    changes = np.flatnonzero(bits[1:] != bits[:-1])[:_PROBES]
    places = np.concatenate((changes, changes + 1))
    periods = np.array(_divisors(bits.size), dtype=np.int64)
    later = places + periods.reshape(-1, 1)
    met = (bits[np.minimum(later, bits.size - 1)] == bits[places]) | (later >= bits.size)
    for period in periods[met.all(axis=1)].tolist():
        if bool((bits[period:] == bits[:-period]).all()):
            return int(period)
    return int(bits.size)


@lru_cache(maxsize=256)
def _divisors(number: int) -> tuple[int, ...]:
    """Return the proper divisors of a number, smallest first."""
    small = [one for one in range(1, int(number**0.5) + 1) if number % one == 0]
    return tuple(one for one in (*small, *(number // one for one in reversed(small))) if one < number)
