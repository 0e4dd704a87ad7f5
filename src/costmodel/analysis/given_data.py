"""First-order indices and rank correlations from a sample that already exists.

The sample may be any saved ensemble: no new model run is needed, and inputs may be correlated. Method: equal-count
bins of one input at a time, a straight line fitted within each bin, and the residual variance over the total
variance, each with its degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.analysis.finite_draws import OnNonFinite, constant_outputs, finite_draws
from costmodel.analysis.sobol import output_index
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError
from costmodel.foundation.tables import Table, TabledByOutput

_FEW_VALUES = 12
"""Largest number of distinct values [1] for which an input is grouped by value instead of binned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOrderIndices(TabledByOutput):
    """First-order indices of each input, estimated from given data.

    ``first`` is ``(input, output)``, ``interval`` ``(2, input, output)``. With correlated inputs, an index
    includes the variance that the input shares with its correlates; the sum may then exceed 1.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    first: FloatArray
    interval: FloatArray
    level: float
    draws: int
    dropped: int
    bins: int

    @property
    def first_sum(self) -> FloatArray:
        """Sum of the indices, ``(output,)``."""
        total: FloatArray = self.first.sum(axis=0)
        return total

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per input for an output (the first one unless named), largest index first."""
        column = output_index(self.outputs, output)
        order = np.argsort(-np.nan_to_num(self.first[:, column], nan=-np.inf), kind="stable")
        return Table.of(
            {
                "input": self.names[row],
                "first": float(self.first[row, column]),
                "first_low": float(self.interval[0, row, column]),
                "first_high": float(self.interval[1, row, column]),
            }
            for row in order
        )


def given_data_indices(
    inputs: ArrayLike,
    values: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    bins: int | None = None,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
) -> FirstOrderIndices:
    """Estimate Var(E[Y | Xᵢ])/Var(Y) for each input from a given sample.

    Parameters
    ----------
    inputs
        Sampled inputs, ``(n, d)``; independent draws from any joint distribution.
    values
        Outputs, ``(n,)`` or ``(output, n)``.
    names, outputs
        Labels.
    bins
        Bins per input; by default the cube root of n, between 3 and 50.
    level
        Confidence level of the intervals, between 0 and 1, [1].
    on_nonfinite
        ``"raise"``, or ``"drop"``: the draw is left out and counted.

    Returns
    -------
    FirstOrderIndices

    Raises
    ------
    DomainError
        If shapes do not agree, or the sample is too small for its bins.
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``.

    Notes
    -----
    Sᵢ = 1 − [RSS/(n − p)] / [TSS/(n − 1)]: RSS is what remains around straight lines fitted within the bins, p
    the number of fitted coefficients. Without the degrees of freedom, an input without effect would show
    about p/n. An input with at most 12 distinct values is grouped by value (p = number of values). Intervals are
    normal, from the influence of each draw; they ignore curvature within a bin, of order 1/bins⁴.

    References
    ----------
    Kelley, *An unbiased correlation ratio measure*, PNAS 21 (1935), for the correction; Plischke, Borgonovo and
    Smith, *Global sensitivity measures from given data*, European Journal of Operational Research 226 (2013).

    Examples
    --------
    >>> x = np.random.default_rng(0).random((4096, 2))
    >>> indices = given_data_indices(x, 2.0 * x[:, 0] + x[:, 1], names=["strong", "weak"])
    >>> [round(float(value), 1) for value in indices.first[:, 0]]
    [0.8, 0.2]
    """
    sample, y = _check(inputs, values)
    labels = tuple(outputs) if outputs is not None else tuple(f"output{k + 1}" for k in range(len(y)))
    columns = tuple(names) if names is not None else tuple(f"x{k + 1}" for k in range(sample.shape[1]))
    if len(labels) != len(y) or len(columns) != sample.shape[1]:
        raise DomainError(
            f"got {len(columns)} names for {sample.shape[1]} inputs and {len(labels)} for {len(y)} outputs"
        )
    kept = finite_draws(y, labels, on_nonfinite)
    sample, y = (sample[kept], y[:, kept]) if not kept.all() else (sample, y)
    n = y.shape[1]
    count = int(np.clip(round(n ** (1.0 / 3.0)), 3, 50)) if bins is None else bins
    if count < 2 or n < 4 * count:
        raise DomainError(f"{n} draws are too few for {count} bins: take at least 2 bins and 4 draws per bin")
    blank = np.where(constant_outputs(y), np.nan, 0.0)
    centred = y - y.mean(axis=1, keepdims=True)
    pairs = [_index_of(sample[:, column], centred, count, level) for column in range(sample.shape[1])]
    return FirstOrderIndices(
        names=columns,
        outputs=labels,
        first=np.stack([first for first, _ in pairs]) + blank,
        interval=np.stack([np.stack([f - half, f + half]) for f, half in pairs], axis=1) + blank,
        level=level,
        draws=n,
        dropped=int(kept.size - n),
        bins=count,
    )


def _check(inputs: ArrayLike, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    sample = np.asarray(inputs, dtype=np.float64)
    y = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if sample.ndim != 2 or y.ndim != 2 or y.shape[1] != sample.shape[0]:
        raise DomainError(
            f"a sample must be (draw, input) and its outputs (output, draw); got {sample.shape} and {y.shape}"
        )
    if not np.isfinite(sample).all():
        raise DomainError("a sampled input is not finite: only outputs may be; remove those draws")
    return sample, y


def _index_of(x: FloatArray, y: FloatArray, bins: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the index of one input for each output, and half the width of its interval."""
    from scipy.special import ndtri

    n = y.shape[1]
    left, coefficients = _left_over(x, y, bins)
    total = np.square(y)
    with np.errstate(all="ignore"):
        mean_total = total.mean(axis=1, keepdims=True)
        unexplained = (left.sum(axis=1) / (n - coefficients)) / (total.sum(axis=1) / (n - 1))
        influence = (left - unexplained[:, None] * total) / mean_total
    half: FloatArray = float(ndtri(0.5 + level / 2.0)) * influence.std(axis=1) / np.sqrt(n - coefficients)
    return 1.0 - unexplained, half


def _left_over(x: FloatArray, y: FloatArray, bins: int) -> tuple[FloatArray, int]:
    """Return squared residuals ``(output, n)`` around the conditional mean, and the number of its coefficients."""
    distinct, member = np.unique(x, return_inverse=True)
    if distinct.size <= _FEW_VALUES:
        counts = np.bincount(member).astype(np.float64)
        means = np.stack([np.bincount(member, weights=row) for row in y]) / counts
        return np.square(y - means[:, member]), int(distinct.size)
    ranked = np.sort(x)
    edges = np.unique(ranked[(np.arange(1, bins) * x.size) // bins])
    edges = edges[edges > ranked[0]]  # below an edge at the least value there would be nothing
    member = np.searchsorted(edges, x, side="right")
    counts = np.bincount(member, minlength=edges.size + 1).astype(np.float64)
    centre = np.bincount(member, weights=x) / counts
    offset = x - centre[member]
    width = np.bincount(member, weights=np.square(offset))
    sloped = (counts > 3) & (width > 0.0)
    means = np.stack([np.bincount(member, weights=row) for row in y]) / counts
    slopes = np.stack([np.bincount(member, weights=row * offset) for row in y])
    slopes = np.where(sloped, slopes / np.where(width > 0.0, width, 1.0), 0.0)
    fitted = means[:, member] + slopes[:, member] * offset
    return np.square(y - fitted), int(counts.size + sloped.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelations(TabledByOutput):
    """Spearman's rank correlation of each input with each output, plain and partial.

    Arrays are ``(input, output)``; the partial correlation removes what the other inputs explain of both ranks.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    plain: FloatArray
    partial: FloatArray
    draws: int
    dropped: int

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per input for an output (the first one unless named), strongest first."""
        column = output_index(self.outputs, output)
        order = np.argsort(-np.abs(np.nan_to_num(self.plain[:, column])), kind="stable")
        return Table.of(
            {
                "input": self.names[row],
                "rank_correlation": float(self.plain[row, column]),
                "partial": float(self.partial[row, column]),
            }
            for row in order
        )


def rank_correlations(
    inputs: ArrayLike,
    values: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    on_nonfinite: OnNonFinite = "raise",
) -> RankCorrelations:
    """Correlate the ranks of inputs and outputs: plain correlations, and partial ones without the other inputs' part.

    Parameters
    ----------
    inputs
        Sampled inputs, ``(n, d)``; may be correlated, but not constant or copies of each other.
    values
        Outputs, ``(n,)`` or ``(output, n)``.
    names, outputs
        Labels.
    on_nonfinite
        ``"raise"``, or ``"drop"``: the draw is left out and counted.

    Returns
    -------
    RankCorrelations

    Raises
    ------
    DomainError
        If shapes do not agree or there are fewer than d + 3 draws.

    Notes
    -----
    Partial: −Pᵢⱼ/√(Pᵢᵢ Pⱼⱼ) of the inverse P of the joint rank correlation matrix of the inputs and that output.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((512, 2))
    >>> found = rank_correlations(x, np.exp(3.0 * x[:, 0]) - 0.1 * x[:, 1])
    >>> bool(found.plain[0, 0] > 0.99), bool(found.partial[1, 0] < -0.1)
    (True, True)
    """
    sample, y = _check(inputs, values)
    labels = tuple(outputs) if outputs is not None else tuple(f"output{k + 1}" for k in range(len(y)))
    columns = tuple(names) if names is not None else tuple(f"x{k + 1}" for k in range(sample.shape[1]))
    kept = finite_draws(y, labels, on_nonfinite)
    sample, y = sample[kept], y[:, kept]
    n, d = sample.shape
    if n < d + 3:
        raise DomainError(f"{n} draws are too few for {d} inputs: take at least {d + 3}")
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([sample.T, y]), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        ranks /= np.sqrt(np.square(ranks).sum(axis=1, keepdims=True))
    joint = ranks @ ranks.T
    plain = joint[:d, d:]
    partial = np.full((d, len(y)), np.nan)
    for column in range(len(y)):
        chosen = [*range(d), d + column]
        block = joint[np.ix_(chosen, chosen)]
        if np.isfinite(block).all():
            precision = np.linalg.pinv(block)
            scale = np.sqrt(np.abs(np.diag(precision)))
            partial[:, column] = -precision[:d, d] / (scale[:d] * scale[d])
    return RankCorrelations(
        names=columns,
        outputs=labels,
        plain=plain,
        partial=partial,
        draws=n,
        dropped=int(kept.size - n),
    )
