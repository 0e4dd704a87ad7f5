"""Grids of points: the axes of what was written out, and the blocks that a large grid is computed in."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.serving.blocks import BLOCK, blocks, on_axes, take

pytestmark = pytest.mark.closed_form


@pytest.mark.parametrize("rows", [(), (4,)])
def test_axes_are_found_and_what_lacks_them_stays(rows: tuple[int, ...]) -> None:
    """Six points of a 2 × 3 grid in one column: arrays of the column come apart, numbers and rows of one stay."""
    chip, batch = (np.tile(axis.ravel(), (*rows, 1)) for axis in np.meshgrid([80.0, 141.0], [1.0, 2.0, 3.0]))
    number, row = np.array(5.0), np.array([7.0])
    found, shape = on_axes((batch, chip, number, row, 9.0))
    assert shape == (*rows, 3, 2)
    assert (found[2].shape, float(found[2]), found[4]) == ((), 5.0, 9.0)
    again = np.broadcast_arrays(*(np.asarray(part) for part in found), np.empty(shape))
    assert again[0].reshape(batch.shape).tolist() == batch.tolist()
    assert again[1].reshape(chip.shape).tolist() == chip.tolist()
    assert set(again[3].ravel().tolist()) == {7.0}
    assert max(np.size(part) for part in found) < 6 * max(1, *rows, 1)


def test_an_array_without_the_axis_is_not_split() -> None:
    """The first of two axes is split; an array of the second alone is what it was."""
    chip, batch = (axis.reshape(-1, 1) for axis in np.meshgrid([80.0, 141.0], [1.0, 2.0, 3.0]))
    across = np.array([1.0, 2.0])
    found, shape = on_axes((batch, chip, across))
    assert shape == (3, 2, 2)
    assert found[2] is across or found[2].tolist() == [1.0, 2.0]
    whole = found[0] * 1e6 + found[1] * 10 + found[2]
    assert whole.reshape(6, 2).tolist() == (batch * 1e6 + chip * 10 + across).tolist()


@pytest.mark.parametrize("shape", [(5, BLOCK // 2 + 1), (1, 3 * BLOCK + 1), (7, BLOCK)])
def test_blocks_cover_every_point_once(shape: tuple[int, ...]) -> None:
    grid = np.arange(float(np.prod(shape))).reshape(shape)
    parts = [take(grid, axis, part) for axis, part in blocks(shape)]
    assert sorted(np.concatenate([part.ravel() for part in parts]).tolist()) == grid.ravel().tolist()
    assert all(part.size <= BLOCK or part.shape[0] == 1 for part in parts)
    axis, first = next(iter(blocks(shape)))
    for whole in (np.array(2.0), np.ones((1,) * len(shape)), np.ones(shape[len(shape) + axis + 1 :])):
        assert take(whole, axis, first) is whole


def test_the_first_axis_of_more_than_one_is_cut() -> None:
    assert list(blocks((1, 2, BLOCK))) == [(-2, slice(0, 1, None)), (-2, slice(1, 2, None))]
    halves = list(blocks((2,) * 40))
    assert {axis for axis, _ in halves} == {-40} and len(halves) == 2
