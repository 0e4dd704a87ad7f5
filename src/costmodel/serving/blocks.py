"""Grids in blocks: arrays that fit a processor's cache are worked through faster than a whole grid at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from costmodel.compute.shapes import Shape

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
    """Return the part of an argument that belongs to a block; what does not vary along the axis stays whole."""
    if isinstance(argument, np.ndarray):
        if argument.ndim < -axis or argument.shape[axis] == 1:
            return argument
        index = [slice(None)] * argument.ndim
        index[axis] = part
        return argument[tuple(index)]
    if is_dataclass(argument) and not isinstance(argument, type | Shape):
        changed = {item.name: take(getattr(argument, item.name), axis, part) for item in fields(argument)}
        return replace(argument, **changed)
    return argument


def _leaves(argument: Any) -> Iterator[Any]:
    """Yield the numbers and arrays of an argument."""
    if is_dataclass(argument) and not isinstance(argument, type | Shape):
        for item in fields(argument):
            yield from _leaves(getattr(argument, item.name))
    elif argument is not None and not isinstance(argument, Shape | tuple):
        yield argument


def stacked(members: Sequence[Any], index: Any = slice(None)) -> Any:
    """Return one object whose numbers run over members of one kind; what is not a number is the first member's.

    Parameters
    ----------
    members
        Objects of one dataclass, at least one.
    index
        Which member each point has, as an index into an array of them; absent: each once.

    Examples
    --------
    >>> from costmodel.serving.configuration import Layout
    >>> stacked([Layout(tensor=2.0), Layout(tensor=4.0)], np.array([[1], [0]])).tensor.tolist()
    [[4.0], [2.0]]
    """
    first = members[0]
    if is_dataclass(first) and not isinstance(first, type | Shape):
        columns = {
            item.name: stacked([getattr(member, item.name) for member in members], index) for item in fields(first)
        }
        return replace(first, **columns)
    return np.array(members)[index] if isinstance(first, float | int) else first
