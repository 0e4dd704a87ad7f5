"""Streaming reducers agree with a reduction of all draws at once, for any split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from costmodel.foundation import reducers
from costmodel.foundation.errors import DomainError
from costmodel.foundation.reducers import (
    DOUBLINGS_KEPT,
    QUANTILE_ERROR,
    LogHistogram,
    Moments,
    exact_quantile,
    quantile_position,
)

RANKS = (0.0, 0.05, 0.25, 0.5, 0.9, 0.95, 1.0)
magnitudes = st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6) | st.just(0.0)
samples = st.integers(1, 60).flatmap(lambda n: arrays(np.float64, (2, n), elements=magnitudes))


def split(values: np.ndarray, cut: int) -> tuple[np.ndarray, np.ndarray]:
    return values[..., : cut % (values.shape[-1] + 1)], values[..., cut % (values.shape[-1] + 1) :]


@pytest.mark.law
@given(samples)
def test_quantile_is_within_the_stated_error_of_the_draw(values: np.ndarray) -> None:
    histogram = LogHistogram.of(values)
    for rank in RANKS:
        exact = np.quantile(values, rank, axis=-1, method="inverted_cdf")
        np.testing.assert_array_equal(exact_quantile(values, rank), exact)
        assert (np.abs(histogram.quantile(rank) - exact) <= QUANTILE_ERROR * np.abs(exact)).all()


@pytest.mark.law
@given(samples, st.integers(0, 60))
def test_merged_histograms_are_those_of_the_whole(values: np.ndarray, cut: int) -> None:
    one, two = (LogHistogram.of(part) for part in split(values, cut))
    whole = LogHistogram.of(values)
    for merged in (one.merge(two), two.merge(one)):
        assert merged.count == whole.count
        for side, expected in ((merged.negative, whole.negative), (merged.positive, whole.positive)):
            np.testing.assert_array_equal(side.counts, expected.counts)
            np.testing.assert_array_equal(side.top, expected.top)


@pytest.mark.law
@given(samples, st.integers(0, 60))
def test_merged_moments_are_those_of_the_whole(values: np.ndarray, cut: int) -> None:
    one, two = (Moments.of(part) for part in split(values, cut))
    merged, scale = one.merge(two), float(np.abs(values).max())
    np.testing.assert_allclose(merged.mean, values.mean(axis=-1), rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_array_equal(merged.low, values.min(axis=-1))
    np.testing.assert_array_equal(merged.high, values.max(axis=-1))
    if values.shape[-1] > 1:
        expected = values.var(axis=-1, ddof=1)
        np.testing.assert_allclose(merged.variance, expected, rtol=1e-9, atol=1e-12 * scale * scale)


@pytest.mark.closed_form
def test_what_is_tiny_beside_the_largest_counts_as_zero_in_any_order() -> None:
    large, tiny = np.array([1.0, 1.5]), np.array([2.0 ** -(DOUBLINGS_KEPT + 1)])
    for parts in ((large, tiny), (tiny, large)):
        merged = LogHistogram.of(parts[0]).merge(LogHistogram.of(parts[1]))
        assert float(merged.quantile(0.1)) == 0.0
        assert merged.count == 3
    assert QUANTILE_ERROR == 1.0 / 512.0  # half a bin, of which 256 make a doubling
    kept = LogHistogram.of(np.array([1.0, 2.0 ** -(DOUBLINGS_KEPT - 1)]))
    assert float(kept.quantile(0.1)) > 0.0


@pytest.mark.closed_form
def test_what_is_still_counted_of_the_small_stays_in_its_place() -> None:
    """Powers of two from 1 up; beside a number 70 doublings up, those 64 doublings and more below it count as zero."""
    small, large = 2.0 ** np.array([*range(12), 60.0]), np.array([2.0**70])
    for parts in ((small, large), (large, small)):
        merged = LogHistogram.of(parts[0]).merge(LogHistogram.of(parts[1]))
        got = [float(merged.quantile(place / 14)) for place in range(1, 15)]
        assert got[:7] == [0.0] * 7
        np.testing.assert_allclose(got[7:], [*small[7:], 2.0**70], rtol=QUANTILE_ERROR)


@pytest.mark.closed_form
def test_axes_are_kept_and_cells_are_apart() -> None:
    values = np.arange(24.0).reshape(2, 3, 4) - 10.0
    histogram, moments = LogHistogram.of(values), Moments.of(values)
    assert histogram.quantile(0.5).shape == moments.mean.shape == (2, 3)
    # second of four ascending draws: -10 + 4 c + 1 in cell c
    np.testing.assert_allclose(histogram.quantile(0.5).ravel(), [-9.0, -5.0, -1.0, 3.0, 7.0, 11.0], rtol=QUANTILE_ERROR)


@pytest.mark.contract
def test_moments_of_many_rows_are_those_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(7, 10)) * np.logspace(-3, 300, 7)[:, np.newaxis]
    alone = [Moments.of(row) for row in values]
    for at_once in (1, 25, 1000):  # one row, two, and all rows at a time
        monkeypatch.setattr(reducers, "AT_ONCE", at_once)
        whole = Moments.of(values)
        for name in ("mean", "squares", "low", "high", "scale"):
            np.testing.assert_array_equal(getattr(whole, name), [getattr(row, name) for row in alone], err_msg=name)


@pytest.mark.closed_form
def test_extreme_numbers_are_binned_too() -> None:
    values = np.array([np.finfo(float).max, -np.finfo(float).max, 5e-324])
    histogram = LogHistogram.of(values)
    assert float(histogram.quantile(1.0)) == pytest.approx(values[0], rel=QUANTILE_ERROR)
    assert float(histogram.quantile(0.0)) == pytest.approx(values[1], rel=QUANTILE_ERROR)
    assert float(histogram.quantile(0.5)) == 0.0


@pytest.mark.contract
def test_no_draw_and_no_such_rank_are_refused() -> None:
    empty = LogHistogram.of(np.empty((2, 0)))
    with pytest.raises(DomainError, match="no draw is left"):
        empty.quantile(0.5)
    with pytest.raises(DomainError, match="from 0 to 1"):
        quantile_position(1.5, 10)
    with pytest.raises(DomainError, match="cannot be merged"):
        empty.merge(LogHistogram.of(np.empty((3, 1))))
    filled = LogHistogram.of(np.ones((2, 3)))
    assert empty.merge(filled).count == filled.merge(empty).count == 3
    assert Moments.of(np.empty((2, 0))).merge(Moments.of(np.ones((2, 3)))).count == 3
