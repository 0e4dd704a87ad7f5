"""Checks of arguments, for functions that are not registered formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError


def number_array(name: str, values: ArrayLike, *, unit: str) -> FloatArray:
    """Return values as an array of finite numbers.

    Raises
    ------
    DomainError
        If they are not finite numbers.
    """
    array: Any = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise DomainError(f"{name} must be numbers [{unit}]; given {values!r:.60}")
    array = array.astype(np.float64)
    if not bool(np.isfinite(array).all()):
        raise DomainError(f"{name} must be finite [{unit}]; given {_first_bad(array, np.isfinite(array))}")
    return np.asarray(array)


def require(name: str, values: ArrayLike, allowed: ArrayLike, bounds: str) -> None:
    """Raise ``DomainError`` unless every value is allowed.

    Parameters
    ----------
    name
        Name of the values, for messages.
    values, allowed
        The values, and whether each of them is allowed.
    bounds
        Allowed range in words, with the unit, for messages.
    """
    if not bool(np.all(allowed)):
        raise DomainError(f"{name} must be {bounds}; given {_first_bad(values, allowed)}")


def at_least(name: str, values: ArrayLike, low: float, *, unit: str, strict: bool = False) -> FloatArray:
    """Return values as an array; raise an error for any below ``low`` (or equal to it, if strict).

    Raises
    ------
    DomainError
        If one is not finite or too small.
    """
    array = number_array(name, values, unit=unit)
    require(name, array, array > low if strict else array >= low, f"{'>' if strict else '≥'} {low:g} [{unit}]")
    return array


def share_array(name: str, values: ArrayLike) -> FloatArray:
    """Return values as an array of shares; raise an error for any outside 0 … 1.

    Raises
    ------
    DomainError
        If one is not between 0 and 1.
    """
    array = number_array(name, values, unit="1")
    require(name, array, (array >= 0.0) & (array <= 1.0), "between 0 and 1 [1]")
    return array


def whole_number(name: str, value: int, low: int) -> int:
    """Return a whole number; raise an error for anything else or one below ``low``.

    Raises
    ------
    DomainError
        If it is not a whole number of at least ``low``.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise DomainError(f"{name} must be a whole number of at least {low}; given {value!r}")
    return int(value)


def _first_bad(values: ArrayLike, allowed: ArrayLike) -> str:
    """Return the first value that is not allowed, with its place where there are several."""
    array, good = np.broadcast_arrays(np.asarray(values), np.asarray(allowed))
    place = tuple(int(i) for i in np.argwhere(~good)[0])
    return f"{array[place]!s}" + (f" at {place if len(place) > 1 else place[0]}" if place else "")
