"""Streaming reducers: summaries of an ensemble that does not keep its draws.

A reducer summarizes one block of draws on the worker that computed it; summaries merge in the order of the blocks.
Their size depends only on the structural axes, not on the number of draws.

* :class:`Moments` holds count, mean, spread and range.
* :class:`LogHistogram` counts draws in bins of equal relative width, in whole numbers, so that merging is exact
  and any quantile can be asked for afterwards, within a stated error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError

Counts = NDArray[np.int64]

BINS_PER_DOUBLING_LOG2 = 8
"""Base-2 logarithm of the number of bins between a number and its double [1]."""
QUANTILE_ERROR = 2.0 ** -(BINS_PER_DOUBLING_LOG2 + 1)
"""Largest relative error of a quantile from the histogram [1]: half a bin, 0.195 %."""
DOUBLINGS_KEPT = 64
"""Range of binned magnitudes below the largest, in doublings [1]; smaller magnitudes count as zero."""

LARGE = 2.0**480
"""Magnitude above which moments use scaled values [1]: the sum of 2⁶³ smaller squares is still a double."""
AT_ONCE = 1 << 16
"""Values of which moments are taken together [1]: half a megabyte."""
_MANTISSA_BITS = 52
_SHIFT = _MANTISSA_BITS - BINS_PER_DOUBLING_LOG2
_BINS = 1 << BINS_PER_DOUBLING_LOG2
_NO_LOW = 1 << 20
_NO_TOP = -1


def _rows(values: ArrayLike) -> FloatArray:
    """Return values as a contiguous ``(cell, draw)`` array, so that sums run in one order."""
    array = np.asarray(values, dtype=np.float64)
    cells = int(np.prod(array.shape[:-1], dtype=np.int64))
    return np.ascontiguousarray(array).reshape(cells, array.shape[-1])


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, sum of squared deviations and range over draws.

    Parameters
    ----------
    count
        Number of draws [1].
    mean
        Mean, in the unit of the values, shape ``structural``.
    squares
        Sum of squared deviations from the mean, in that unit squared, over ``scale`` squared.
    low, high
        Smallest and largest value; infinite without draws.
    scale
        Power of two that keeps squares of large values in range [1]; 1 for values below `LARGE`.

    Examples
    --------
    >>> one, two = Moments.of([1.0, 2.0]), Moments.of([3.0, 6.0])
    >>> both = one.merge(two)
    >>> both.count, float(both.mean), float(both.variance)
    (4, 3.0, 4.666666666666667)
    """

    count: int
    mean: FloatArray
    squares: FloatArray
    low: FloatArray
    high: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Return the moments of values of shape ``structural + (draw,)``."""
        shape, rows = np.shape(values)[:-1], _rows(values)
        count = rows.shape[1]
        if count == 0:
            nothing = np.zeros(shape)
            return cls(0, nothing, nothing, np.full(shape, np.inf), np.full(shape, -np.inf), np.ones(shape))
        together = max(AT_ONCE // count, 1)
        groups = [_moments(rows[first : first + together]) for first in range(0, max(len(rows), 1), together)]
        return cls(count, *(np.concatenate(part).reshape(shape) for part in zip(*groups, strict=True)))

    def merge(self, later: Moments) -> Moments:
        """Return the moments of the draws of this block and a later one."""
        if self.count == 0 or later.count == 0:
            return later if self.count == 0 else self
        count = self.count + later.count
        scale = np.maximum(self.scale, later.scale)
        before, after = self.scale / scale, later.scale / scale
        gap = later.mean / scale - self.mean / scale
        mean = (self.mean / scale + gap * (later.count / count)) * scale
        squares = self.squares * before * before + later.squares * after * after
        squares = squares + gap * gap * (self.count * later.count / count)
        return Moments(count, mean, squares, np.minimum(self.low, later.low), np.maximum(self.high, later.high), scale)

    def times(self, factor: ArrayLike) -> Moments:
        """Return the moments of values multiplied by a factor, > 0 [1], of shape ``structural`` or ``()``."""
        by = np.asarray(factor, dtype=np.float64)
        parts = (self.mean * by, self.squares * by * by, self.low * by, self.high * by, self.scale)
        return Moments(self.count, *(np.asarray(part) for part in parts))

    @property
    def variance(self) -> FloatArray:
        """Sample variance (divisor n − 1); NaN for fewer than two draws, infinite on overflow."""
        with np.errstate(over="ignore"):
            return np.asarray(np.square(self.deviation)) if bool((self.scale > 1.0).any()) else self._reduced

    @property
    def deviation(self) -> FloatArray:
        """Sample standard deviation; NaN for fewer than two draws."""
        return np.asarray(np.sqrt(self._reduced) * self.scale)

    @property
    def _reduced(self) -> FloatArray:
        """Variance over ``scale`` squared."""
        return np.asarray(self.squares / (self.count - 1)) if self.count > 1 else np.full_like(self.mean, np.nan)


def _moments(rows: FloatArray) -> tuple[FloatArray, ...]:
    """Return mean, squares, range and scale of some rows; they stay in cache from one pass to the next."""
    low, high = rows.min(axis=1), rows.max(axis=1)
    scale = _scale(np.maximum(np.abs(low), np.abs(high)))
    scaled = rows if bool((scale == 1.0).all()) else rows / scale[:, np.newaxis]
    mean = scaled.mean(axis=1)
    deviations = scaled - mean[:, np.newaxis]
    deviations *= deviations
    return mean * scale, deviations.sum(axis=1), low, high, scale


def _scale(largest: FloatArray) -> FloatArray:
    """Return 1 for values whose squares and sums do not overflow, else the power of two below the values."""
    _, exponent = np.frexp(largest)
    return np.where(largest > LARGE, np.ldexp(1.0, exponent - 1), 1.0)


@dataclass(frozen=True, slots=True)
class _Side:
    """Counts of the magnitudes on one side of zero.

    ``low`` and ``top`` are the first and last doubling (binary exponent) of each cell; row ``c`` of ``counts``
    starts at the first bin of ``low[c]``.
    """

    low: Counts
    top: Counts
    counts: Counts

    @classmethod
    def of(cls, bins: Counts, inside: NDArray[np.bool_]) -> _Side:
        """Count bin numbers of shape ``(cell, draw)`` where ``inside``."""
        octave = bins >> BINS_PER_DOUBLING_LOG2
        top = octave.max(axis=1, initial=_NO_TOP, where=inside)
        low = np.maximum(octave.min(axis=1, initial=_NO_LOW, where=inside), top - (DOUBLINGS_KEPT - 1))
        width = _width(low, top)
        column = bins - (low << BINS_PER_DOUBLING_LOG2)[:, np.newaxis]
        column = np.where(inside & (column >= 0), column, width)  # the last column counts the draws to discard
        column += np.arange(len(low))[:, np.newaxis] * (width + 1)
        table = np.bincount(column.ravel(), minlength=len(low) * (width + 1)).reshape(len(low), width + 1)
        return cls(low, top, np.ascontiguousarray(table[:, :width]))

    def merge(self, other: _Side) -> _Side:
        """Return the counts of both."""
        top = np.maximum(self.top, other.top)
        low = np.maximum(np.minimum(self.low, other.low), top - (DOUBLINGS_KEPT - 1))
        width = _width(low, top)
        counts = np.zeros((len(low), width), dtype=np.int64)
        for side in (self, other):
            if side.counts.shape[1] == width and bool((side.low == low).all()):
                counts += side.counts
                continue
            for cell in np.flatnonzero(side.top != _NO_TOP):
                shift = int(side.low[cell] - low[cell]) << BINS_PER_DOUBLING_LOG2
                source = side.counts[cell, max(-shift, 0) : width - shift]
                counts[cell, max(shift, 0) :][: len(source)] += source
        return _Side(low, top, counts)

    def value(self, rank: Counts, *, descending: bool) -> FloatArray:
        """Return the middle of the bin of the magnitude with a given position, counted from 1."""
        counts = self.counts[:, ::-1] if descending else self.counts
        if counts.shape[1] == 0:
            return np.zeros(len(rank))
        column = np.argmax(np.cumsum(counts, axis=1) >= rank[:, np.newaxis], axis=1)
        column = counts.shape[1] - 1 - column if descending else column
        bins = np.where(self.top == _NO_TOP, 0, (self.low << BINS_PER_DOUBLING_LOG2) + column)
        return np.asarray(((bins << _SHIFT) | (1 << (_SHIFT - 1))).view(np.float64))

    @property
    def total(self) -> Counts:
        """Number of draws kept, by cell."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.int64)


def _width(low: Counts, top: Counts) -> int:
    """Return the number of columns that the widest cell needs."""
    widest = int(np.where(top == _NO_TOP, 0, top - low + 1).max(initial=0))
    return widest * _BINS


@dataclass(frozen=True, slots=True)
class LogHistogram:
    """Integer counts of draws in bins of equal relative width, on both sides of zero.

    A bin is given by a number's sign, binary exponent and first eight binary digits, taken from its 64 bits; without
    logarithms, so that every machine uses the same bins.

    Notes
    -----
    A quantile is the middle of the bin that holds the draw of that rank (the inverted distribution function). It
    differs from that draw by at most ``QUANTILE_ERROR`` of it. Draws smaller in magnitude than 2⁻⁶³ of the
    largest on their side of zero count as zero.

    Examples
    --------
    >>> counts = LogHistogram.of([-4.0, 0.0, 1.0, 2.0, 300.0])
    >>> [round(float(counts.quantile(q)), 2) for q in (0.1, 0.4, 0.6, 1.0)]
    [-4.01, 0.0, 1.0, 300.5]
    """

    shape: tuple[int, ...]
    count: int
    negative: _Side
    positive: _Side

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Count finite values of shape ``structural + (draw,)``."""
        rows = _rows(values)
        bins = np.abs(rows).view(np.int64) >> _SHIFT
        sides = (_Side.of(bins, rows < 0.0), _Side.of(bins, rows > 0.0))
        return cls(np.shape(values)[:-1], rows.shape[1], *sides)

    def merge(self, later: LogHistogram) -> LogHistogram:
        """Return the counts of both; the order does not matter."""
        if self.shape != later.shape:
            raise DomainError(f"histograms of shape {self.shape} and {later.shape} cannot be merged")
        sides = (self.negative.merge(later.negative), self.positive.merge(later.positive))
        return LogHistogram(self.shape, self.count + later.count, *sides)

    def quantile(self, rank: float) -> FloatArray:
        """Return the quantile at ``rank``, 0 … 1, in the unit of the values, shape ``structural``.

        Raises
        ------
        DomainError
            If the rank is outside 0 … 1, or there is no draw.
        """
        position = quantile_position(rank, self.count)
        below, above = self.negative.total, self.positive.total
        zeros = self.count - below - above
        place = np.full(len(below), position, dtype=np.int64)
        low = -self.negative.value(place, descending=True)
        high = self.positive.value(place - below - zeros, descending=False)
        middle = np.where(place <= below + zeros, 0.0, high)
        return np.asarray(np.where(place <= below, low, middle)).reshape(self.shape)


def quantile_position(rank: float, count: int) -> int:
    """Return the position, counted from 1, of the quantile at ``rank`` among ``count`` draws in ascending order.

    It follows the inverted distribution function: the smallest draw that at least a share ``rank`` of draws do not
    exceed.

    Raises
    ------
    DomainError
        If the rank is outside 0 … 1, or there is no draw.

    Examples
    --------
    >>> quantile_position(0.5, 4), quantile_position(0.0, 4), quantile_position(1.0, 4)
    (2, 1, 4)
    """
    if not 0.0 <= rank <= 1.0:
        raise DomainError(f"the rank of a quantile must be from 0 to 1; got {rank!r}")
    if count < 1:
        raise DomainError("no draw is left for a quantile")
    return max(int(np.ceil(rank * count)), 1)


def exact_quantile(draws: ArrayLike, rank: ArrayLike, *, axis: int = -1) -> Any:
    """Return quantiles of kept draws by the definition used everywhere in the library.

    Parameters
    ----------
    draws
        Draws, shape ``structural + (draw,)``, or with the draws on another ``axis``.
    rank
        One rank or several, 0 … 1.
    axis
        Axis of the draws.

    Returns
    -------
    float or numpy.ndarray
        Shape ``structural``, with a leading axis of ranks if several are given.

    Raises
    ------
    DomainError
        If a rank is outside 0 … 1, or there is no draw.

    Examples
    --------
    >>> float(exact_quantile([3.0, 1.0, 2.0, 4.0], 0.5))
    2.0
    >>> exact_quantile([3.0, 1.0, 2.0, 4.0], [0.25, 1.0]).tolist()
    [1.0, 4.0]
    """
    array, ranks = np.moveaxis(np.asarray(draws, dtype=np.float64), axis, -1), np.asarray(rank, dtype=np.float64)
    places = [quantile_position(float(one), array.shape[-1]) - 1 for one in ranks.reshape(-1)]
    ordered = np.partition(array, sorted(set(places)), axis=-1) if places else array
    found = np.stack([ordered[..., place] for place in places]) if places else np.empty((0, *array.shape[:-1]))
    return found.reshape(ranks.shape + array.shape[:-1])[()]
