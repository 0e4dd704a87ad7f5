"""Axes recovered from fully expanded grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.axes import _divisors, _period, _run, axes_of, thinned

RNG = np.random.default_rng(5)
LENGTHS = (5, 2, 7, 300)


def written_out(lengths: tuple[int, ...], *along: int) -> np.ndarray:
    """Return random figures that differ only along some axes, expanded over all axes in one row."""
    own = tuple(length if axis in along else 1 for axis, length in enumerate(lengths))
    return np.broadcast_to(RNG.random(own), lengths).reshape(-1)


@pytest.mark.closed_form
def test_axes_of_a_grid_are_found_from_what_repeats() -> None:
    columns = [written_out(LENGTHS, 0), written_out(LENGTHS, 1, 2), written_out(LENGTHS, 3)]
    assert axes_of(columns) == (5, 14, 300)  # the second and the third axis cannot be told apart
    assert axes_of([*columns, written_out(LENGTHS, 2)]) == LENGTHS
    assert axes_of([np.full(12, np.nan), np.repeat([1.0, np.nan, 2.0], 4)]) == (3, 4)
    # tensor and pipeline ranks of one axis of layouts: the second in runs of four
    tensor, pipeline = np.tile([1.0, 2.0, 4.0, 8.0, 2.0, 4.0, 8.0, 16.0], 3), np.tile(np.repeat([1.0, 2.0], 4), 3)
    assert axes_of([tensor, pipeline]) == (3, 2, 4)


@pytest.mark.closed_form
def test_points_in_no_order_have_one_axis() -> None:
    scattered = written_out(LENGTHS, 0)[RNG.permutation(np.prod(LENGTHS))]
    assert axes_of([scattered]) == (np.prod(LENGTHS),)
    nearly = written_out(LENGTHS, 3).copy()
    nearly[-1] += 1.0
    assert axes_of([nearly, written_out(LENGTHS, 0)]) == (5, 4200)
    assert axes_of([np.ones(7)]) == (7,)
    # runs of two in one column of four save an eighth of the entries: not worth an axis
    pairs = np.repeat(RNG.random(50), 2)
    assert axes_of([pairs, *RNG.random((3, 100))]) == (100,)
    assert axes_of([pairs, RNG.random(100)]) == (50, 2)


@pytest.mark.closed_form
def test_what_repeats_along_an_axis_is_left_out_to_the_bit() -> None:
    assert thinned(np.full((3, 4), np.nan)).shape == (1, 1)
    assert thinned(np.array([0.0, -0.0])).shape == (2,)  # 1/x differs
    assert thinned(np.broadcast_to(np.arange(4.0), (3, 4))).shape == (1, 4)
    late = np.zeros((50, 4))
    late[49, 3] = 1.0
    assert thinned(late).shape == (50, 4)


@pytest.mark.law
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_arrays_on_the_axes_found_are_the_arrays_given(lengths: list[int], data: st.DataObject) -> None:
    axes = st.lists(st.sampled_from(range(len(lengths))), max_size=len(lengths))
    columns = [written_out(tuple(lengths), *data.draw(axes)) for _ in range(3)]
    found = axes_of(columns)
    assert np.prod(found) == np.prod(lengths)
    for column in columns:
        thin = thinned(column.reshape(found))
        assert np.array_equal(np.broadcast_to(thin, found).reshape(-1), column)


@pytest.mark.closed_form
def test_runs_and_periods_of_columns_longer_than_what_is_compared_at_once() -> None:
    """65,536 entries are compared at once: a change beyond them counts, and so does one right at the border."""
    for lengths, run in (((70_000, 70_000), 70_000), ((65_536, 65_536), 65_536), ((65_537, 65_537), 65_537)):
        assert _run(np.repeat(np.arange(len(lengths)), lengths)) == run
    rows = np.repeat(np.arange(40_000), 4)
    assert _run(rows) == 4
    rows[140_002:140_004] = -1  # in the third part
    assert _run(rows) == 2
    rows[140_001] = -2
    assert _run(rows) == 1
    # as many changes as are tried, and one entry that breaks the period at the very end
    column = np.tile(np.arange(50), 3)
    assert _period(column) == 50
    column[-1] += 1
    assert _period(column) == 150
    assert list(dict.fromkeys(_divisors(36))) == [1, 2, 3, 4, 6, 9, 12, 18]
    assert (_divisors(1), _divisors(7), _divisors(12)) == ((), (1,), (1, 2, 3, 4, 6))
