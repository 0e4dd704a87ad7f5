"""The axes behind arrays that were written out in full: what repeats along a grid is found again and left out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65_536
"""Entries that are looked at in one go [1]; a run that is not there shows in the first of them."""
_PROBES = 32
"""Changes of a column at which periods are tried before all entries are [1]."""
_WORTH = 0.75
"""Share of the entries below which computing on the axes is worth their finding [1]."""


def axes_of(columns: Iterable[NDArray[Any]]) -> tuple[int, ...]:
    """Return the lengths of the axes from which arrays of one length were written out, slowest first.

    Parameters
    ----------
    columns
        Arrays of shape (point,), all of one length; points in the order of a grid, last axis fastest.

    Returns
    -------
    tuple of int
        Lengths whose product is the length of the arrays; that length alone where so little repeats that axes of their
        own would spare less than a quarter of the entries.

    Notes
    -----
    A column that follows some axes of a grid is constant over runs, whose length is the product of the faster axes,
    and repeats with a period, which is that times its own. Sorted, runs and periods of all columns are the strides of
    the grid, each a multiple of the one before.

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
    """Return an array with length 1 along every axis that it repeats along, to the bit.

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
    """Return the index of one place along an axis, which stays."""
    return (*(slice(None),) * axis, slice(place, place + 1))


def _repeats(bits: NDArray[Any], axis: int) -> bool:
    """Whether an array equals its first entries along an axis; the second and the last are tried first."""
    first = bits[_along(axis, 0)]
    near = all(bool((bits[_along(axis, place)] == first).all()) for place in (1, bits.shape[axis] - 1))
    return near and bool((bits == first).all())


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array whose equality is that of bits, so that NaN equals itself."""
    whole = np.ascontiguousarray(array)
    return whole.view(np.int64) if whole.dtype == np.float64 else whole


def _run(bits: NDArray[Any]) -> int:
    """Return over how many entries a column is constant, from its beginning on and again and again."""
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
    """Return after how many entries a column begins again; tried first on both sides of places where it changes."""
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
    """Return the divisors of a number but itself, least first."""
    small = [one for one in range(1, int(number**0.5) + 1) if number % one == 0]
    return tuple(one for one in (*small, *(number // one for one in reversed(small))) if one < number)
