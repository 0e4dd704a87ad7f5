"""Grids in blocks: arrays that fit a processor's cache are processed faster than a whole grid at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.compute.shapes import Shape
from costmodel.foundation.axes import axes_of, thinned

BLOCK = 32_768
"""Points of one block, dimensionless: about a dozen arrays of them stay in a processor's second-level cache."""


def grid_shape(*arguments: Any) -> tuple[int, ...]:
    """Return the broadcast shape of numbers, arrays and dataclasses of them.

    Examples
    --------
    >>> grid_shape(np.ones((3, 1)), 2.0, np.ones(4))
    (3, 4)
    """
    return np.broadcast_shapes(*(np.shape(leaf) for argument in arguments for leaf in _leaves(argument)))


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
    """Yield the axis, counted from the end, and the slices of it that cut a grid into blocks.

    Only the longest leading axis is cut; what is still too large is cut again by the next call.

    Examples
    --------
    >>> list(blocks((4, BLOCK // 2)))
    [(-2, slice(0, 2, None)), (-2, slice(2, 4, None))]
    """
    first = next(index for index, length in enumerate(shape) if length > 1)
    rest = int(np.prod(shape[first + 1 :], dtype=np.int64))
    rows = max(1, BLOCK // rest)
    for start in range(0, shape[first], rows):
        yield first - len(shape), slice(start, min(start + rows, shape[first]))


def take(argument: Any, axis: int, part: slice) -> Any:
    """Return the part of an argument that belongs to a block; arguments that do not vary along the axis stay whole."""

    def cut(array: NDArray[Any]) -> NDArray[Any]:
        if array.ndim < -axis or array.shape[axis] == 1:
            return array
        index = [slice(None)] * array.ndim
        index[axis] = part
        return array[tuple(index)]

    return _changed(argument, cut)


def on_axes(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Return arguments without repetitions along their axes, and their broadcast shape: the same points in order.

    The axes of a grid that was written out in full are recovered, so that values that depend on some axes are computed
    on those alone. Only the longest axis is split: the one along which arrays were written out.

    Examples
    --------
    >>> batch, chip = np.meshgrid(np.arange(1.0, 4.0), [80.0, 141.0])
    >>> arrays, shape = on_axes((batch.ravel(), chip.ravel()))
    >>> [array.shape for array in arrays], shape
    ([(1, 3), (2, 1)], (2, 3))
    """
    size = grid_shape(*arguments)
    thin = _each_once(thinned)
    arguments = tuple(_changed(argument, thin) for argument in arguments)
    axis = int(np.argmax(size)) - len(size)
    arrays = {id(leaf): leaf for argument in arguments for leaf in _leaves(argument) if isinstance(leaf, np.ndarray)}
    along = [array for array in arrays.values() if array.ndim >= -axis and array.shape[axis] > 1]
    lengths = axes_of(np.moveaxis(array, axis, 0).reshape(size[axis], -1)[:, 0] for array in along)
    if len(lengths) < 2:
        return arguments, size
    ones = (1,) * len(lengths)

    def apart(array: NDArray[Any]) -> NDArray[Any]:
        if array.ndim < -axis:
            return array
        place = array.ndim + axis
        own = lengths if array.shape[place] > 1 else ones
        return thinned(array.reshape(*array.shape[:place], *own, *array.shape[place + 1 :]))

    split = _each_once(apart)
    whole = (*size[:axis], *lengths, *size[len(size) + axis + 1 :])
    return tuple(_changed(argument, split) for argument in arguments), whole


def _each_once(change: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return a function that changes each array only once, however often it is given."""
    found: dict[int, NDArray[Any]] = {}

    def once(array: NDArray[Any]) -> NDArray[Any]:
        if id(array) not in found:
            found[id(array)] = change(array)
        return found[id(array)]

    return once


def _changed(argument: Any, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    """Return an argument with each of its arrays changed."""
    if isinstance(argument, np.ndarray):
        return change(argument)
    if is_dataclass(argument) and not isinstance(argument, type | Shape):
        return replace(
            argument, **{item.name: _changed(getattr(argument, item.name), change) for item in fields(argument)}
        )
    return argument


def _leaves(argument: Any) -> Iterator[Any]:
    """Yield the numbers and arrays of an argument."""
    if is_dataclass(argument) and not isinstance(argument, type | Shape):
        for item in fields(argument):
            yield from _leaves(getattr(argument, item.name))
    elif argument is not None and not isinstance(argument, Shape | tuple):
        yield argument


def stacked(members: Sequence[Any], index: Any = slice(None)) -> Any:
    """Return one object whose numbers are arrays over the members; other values are the first member's.

    What one of the members lacks is absent.

    Parameters
    ----------
    members
        Objects of one dataclass, at least one.
    index
        Member of each point, as an index into an array of members; absent: each member once.

    Examples
    --------
    >>> from costmodel.serving.configuration import Layout
    >>> stacked([Layout(tensor=2.0), Layout(tensor=4.0)], np.array([[1], [0]])).tensor.tolist()
    [[4.0], [2.0]]
    """
    first = members[0]
    if any(member is None for member in members):
        return None
    if is_dataclass(first) and not isinstance(first, type | Shape):
        columns = {
            item.name: stacked([getattr(member, item.name) for member in members], index) for item in fields(first)
        }
        return replace(first, **columns)
    return np.array(members)[index] if isinstance(first, float | int) else first
