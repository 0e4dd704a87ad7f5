"""Sobol' indices: the share of an output's variance due to each input, or group of inputs.

The functions here work on existing numbers: a sample in the unit cube, and the outputs at its points.
:func:`costmodel.analysis.sensitivity.sobol_study` draws the sample, runs a model and calls this module.

Shapes: ``n`` base points, ``d`` inputs, ``g`` groups of inputs (each input alone unless stated), ``output`` axis
first, draws last. The years of a trajectory are separate outputs of one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from costmodel.analysis.finite_draws import OnNonFinite, constant_outputs, finite_draws
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.tables import Table, TabledByOutput

Interval = Literal["asymptotic", "bootstrap"]
Estimator = Literal["saltelli", "janon"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolIndices(TabledByOutput):
    """First and total order Sobol' indices with intervals.

    ``first`` of a group is its *closed* index: the share of variance that the group explains alone, including
    interactions inside it. ``total`` adds its interactions with all others. All arrays are
    ``(group, output)``, intervals ``(2, group, output)``; an output without variance has NaN.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    first: FloatArray
    total: FloatArray
    first_interval: FloatArray
    total_interval: FloatArray
    first_sum: FloatArray
    """Sum of the first-order indices, ``(output,)``: the share of variance without interactions."""
    first_sum_interval: FloatArray
    mean: FloatArray
    variance: FloatArray
    level: float
    interval: str
    base_points: int
    dropped: int
    """Number of base points left out because an output was not finite at one of their points."""
    runs: int
    """Number of model runs."""

    @property
    def interaction(self) -> FloatArray:
        """Share explained by no group alone: 1 minus the sum of first-order indices, ``(output,)``."""
        return 1.0 - self.first_sum

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per group for an output (the first one unless named), largest total first."""
        column = output_index(self.outputs, output)
        order = np.argsort(-np.nan_to_num(self.total[:, column], nan=-np.inf), kind="stable")
        return Table.of(
            {
                "input": self.names[row],
                "first": float(self.first[row, column]),
                "first_low": float(self.first_interval[0, row, column]),
                "first_high": float(self.first_interval[1, row, column]),
                "total": float(self.total[row, column]),
                "total_low": float(self.total_interval[0, row, column]),
                "total_high": float(self.total_interval[1, row, column]),
            }
            for row in order
        )


def output_index(outputs: tuple[str, ...], output: str | None) -> int:
    """Return the position of an output's label; that of the first output if none is given.

    Raises
    ------
    DomainError
        If there is no such label.

    Examples
    --------
    >>> output_index(("capex", "npv"), "npv")
    1
    """
    if output is None:
        return 0
    if output not in outputs:
        raise DomainError(f"no output {output!r} in this study; there are: {', '.join(outputs)}")
    return outputs.index(output)


def sobol_indices(
    f_a: ArrayLike,
    f_b: ArrayLike,
    f_mixed: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    level: float = 0.95,
    estimator: Estimator = "saltelli",
    interval: Interval = "asymptotic",
    resamples: int = 1000,
    rng: object = 0,
    on_nonfinite: OnNonFinite = "raise",
) -> SobolIndices:
    """Estimate first and total order indices from the outputs at a pick-freeze sample.

    Parameters
    ----------
    f_a, f_b
        Outputs at the base samples, ``(n,)`` or ``(output, n)``.
    f_mixed
        Outputs at the mixed samples (see :func:`~costmodel.analysis.pick_freeze.mixed_samples`), ``(g, n)`` or
        ``(g, output, n)``.
    names, outputs
        Labels of groups and outputs.
    level
        Confidence level of the intervals, between 0 and 1, [1].
    estimator
        Estimator of the first-order index: ``"saltelli"``, better for small indices, or ``"janon"``, better for large
        ones and exact where a group explains everything.
    interval
        ``"asymptotic"``: normal, from each estimator's influence per base point. ``"bootstrap"``: percentiles
        over resampled base points. Both treat base points as independent. Measured over 400 repeats with 512 base
        points, 95 % intervals of the Ishigami and g-functions contain the true value in 91 to 97 % of repeats on
        independent points. On a Sobol' sequence, whose errors are smaller but not independent, they do in 97 % on
        average, but in as few as 82 % for some small indices; use replicates there (:func:`pooled`), with 93 to 98 %.
    resamples, rng
        Number of resamples and seed of the bootstrap.
    on_nonfinite
        ``"raise"``, or ``"drop"``: a base point with an output that is not finite at one of its g + 2 points is left
        out and counted; the indices are then conditional on finite outputs.

    Returns
    -------
    SobolIndices

    Raises
    ------
    DomainError
        If shapes do not agree or the level is not between 0 and 1.
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``.

    Notes
    -----
    With outputs centred on the mean of all points, V the variance over A and B together,
    Sᵢ = mean(f_B (f_ABᵢ − f_A))/V (Saltelli) and Tᵢ = ½ mean((f_A − f_ABᵢ)²)/V (Jansen). Janon's Sᵢ is the
    correlation of f_B and f_ABᵢ, their mean and variance pooled.

    References
    ----------
    Saltelli et al., Computer Physics Communications 181 (2010), table 2, (b) and (f); Jansen, Computer Physics
    Communications 117 (1999); Janon et al., *Asymptotic normality and efficiency of two Sobol index estimators*, ESAIM:
    Probability and Statistics 18 (2014), equation 6.

    Examples
    --------
    >>> from costmodel.analysis.pick_freeze import base_sample, mixed_samples
    >>> from costmodel.validation.replicas.sensitivity_functions import ishigami
    >>> a, b = base_sample(1024, 3, rng=1)
    >>> f = lambda points: ishigami(*np.moveaxis(np.pi * (2.0 * points - 1.0), -1, 0))
    >>> indices = sobol_indices(f(a), f(b), f(mixed_samples(a, b)), names=["x1", "x2", "x3"])
    >>> [round(float(value), 1) for value in indices.total[:, 0]]
    [0.6, 0.4, 0.2]
    """
    y_a, y_b, y_mixed = _as_stacks(f_a, f_b, f_mixed)
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must be between 0 and 1; got {level}")
    labels = _labels(outputs, y_a.shape[0], "output")
    groups = _labels(names, y_mixed.shape[0], "x")
    everything = np.concatenate([y_a[:, None], y_b[:, None], np.moveaxis(y_mixed, 0, 1)], axis=1)
    kept = finite_draws(everything, labels, on_nonfinite)
    if not kept.all():
        everything = everything[..., kept]
    flat = constant_outputs(everything.reshape(len(labels), -1))
    if estimator not in ("saltelli", "janon"):
        raise DomainError(f"estimator must be 'saltelli' or 'janon'; got {estimator!r}")
    moments = _Moments(everything, estimator)
    first, total = moments.indices()
    with np.errstate(all="ignore"):
        if interval == "asymptotic":
            bounds = _asymptotic(moments, first, total, level)
        elif interval == "bootstrap":
            bounds = _bootstrap(moments, level, resamples, rng)
        else:
            raise DomainError(f"interval must be 'asymptotic' or 'bootstrap'; got {interval!r}")
    blank = np.where(flat, np.nan, 0.0)
    n = everything.shape[-1]
    return SobolIndices(
        names=groups,
        outputs=labels,
        first=first + blank,
        total=total + blank,
        first_interval=bounds[0] + blank,
        total_interval=bounds[1] + blank,
        first_sum=first.sum(axis=0) + blank,
        first_sum_interval=bounds[2] + blank,
        mean=moments.mean,
        variance=moments.variance,
        level=level,
        interval=interval,
        base_points=n,
        dropped=int(kept.size - n),
        runs=int(kept.size * (len(groups) + 2)),
    )


def pooled(replicates: Sequence[SobolIndices]) -> SobolIndices:
    """Average the indices of independent samples, with intervals from the differences between samples.

    These intervals are valid for scrambled Sobol' sequences, whose points depend on each other within a sample but
    not between samples.

    Parameters
    ----------
    replicates
        Indices of the same groups and outputs, each from a sample of its own; four or more.

    Returns
    -------
    SobolIndices
        Means, and Student's intervals at the replicates' level.

    Raises
    ------
    DomainError
        If there are fewer than four.
    """
    if len(replicates) < 4:
        raise DomainError(f"an interval over replicates needs at least four; got {len(replicates)}")
    from scipy.special import stdtrit

    one, count = replicates[0], len(replicates)
    reach = float(stdtrit(count - 1, 0.5 + one.level / 2.0)) / np.sqrt(count)

    def summary(name: str) -> tuple[FloatArray, FloatArray]:
        values = np.stack([getattr(each, name) for each in replicates])
        mean, half = values.mean(axis=0), reach * values.std(axis=0, ddof=1)
        return mean, np.stack([mean - half, mean + half])

    first, first_interval = summary("first")
    total, total_interval = summary("total")
    sums, sums_interval = summary("first_sum")
    return SobolIndices(
        names=one.names,
        outputs=one.outputs,
        first=first,
        total=total,
        first_interval=first_interval,
        total_interval=total_interval,
        first_sum=sums,
        first_sum_interval=sums_interval,
        mean=np.mean([each.mean for each in replicates], axis=0),
        variance=np.mean([each.variance for each in replicates], axis=0),
        level=one.level,
        interval=f"{count} replicates",
        base_points=sum(each.base_points for each in replicates),
        dropped=sum(each.dropped for each in replicates),
        runs=sum(each.runs for each in replicates),
    )


def _labels(given: Sequence[str] | None, count: int, stem: str) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{stem}{index + 1}" for index in range(count))
    if len(given) != count:
        raise DomainError(f"got {len(given)} names for {count} entries: {', '.join(given)}")
    return tuple(given)


def _as_stacks(f_a: ArrayLike, f_b: ArrayLike, f_mixed: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Reshape outputs to ``(output, n)`` and ``(g, output, n)``."""
    y_a = np.atleast_2d(np.asarray(f_a, dtype=np.float64))
    y_b = np.atleast_2d(np.asarray(f_b, dtype=np.float64))
    y_mixed = np.asarray(f_mixed, dtype=np.float64)
    if y_mixed.ndim == 2:
        y_mixed = y_mixed[:, None, :]
    if y_a.shape != y_b.shape or y_mixed.shape[1:] != y_a.shape or y_a.ndim != 2 or y_a.shape[1] < 2:
        raise DomainError(
            f"outputs at A, B and the mixed samples must be (output, n), (output, n) and (group, output, n); "
            f"got {y_a.shape}, {y_b.shape} and {y_mixed.shape}"
        )
    return y_a, y_b, y_mixed


class _Moments:
    """Terms per base point whose means give the indices, in units of the output's standard deviation."""

    def __init__(self, everything: FloatArray, estimator: Estimator) -> None:
        self.mean = everything.mean(axis=(1, 2))
        spread = everything[:, :2].reshape(len(everything), -1).std(axis=1)
        self.variance = spread**2
        with np.errstate(all="ignore"):
            scaled = (everything - self.mean[:, None, None]) / spread[:, None, None]
        y_a, y_b, y_mixed = scaled[:, 0], scaled[:, 1], scaled[:, 2:]
        # (output, g, n), or (output, 1, n) where all groups share a term
        self.total = 0.5 * np.square(y_a[:, None] - y_mixed)
        self.sum = 0.5 * (y_a + y_b)[:, None]
        self.square = 0.5 * (np.square(y_a) + np.square(y_b))[:, None]
        self.first = y_b[:, None] * (y_mixed - y_a[:, None])
        self.first_sum, self.first_square, self.paired = self.sum, self.square, 0.0
        if estimator == "janon":
            self.first = y_b[:, None] * y_mixed
            self.first_sum = 0.5 * (y_b[:, None] + y_mixed)
            self.first_square = 0.5 * (np.square(y_b)[:, None] + np.square(y_mixed))
            self.paired = 1.0

    def indices(self, weights: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Return indices ``(g, output)``; with weights ``(resample, n)``, ``(resample, g, output)``."""

        def average(terms: FloatArray) -> FloatArray:
            if weights is None:
                plain: FloatArray = terms.mean(axis=-1)
                return plain
            return np.moveaxis(np.matmul(terms, weights.T), -1, 0)

        centre = np.square(average(self.first_sum))
        first = (average(self.first) - self.paired * centre) / (average(self.first_square) - centre)
        total = average(self.total) / (average(self.square) - np.square(average(self.sum)))
        return np.swapaxes(first, -1, -2), np.swapaxes(total, -1, -2)

    def influence(self, first: FloatArray, total: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the influence of each base point on the indices, ``(output, g, n)`` each, up to a constant."""

        def spread(sums: FloatArray, squares: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            centre = sums.mean(axis=-1, keepdims=True)
            square = squares - 2.0 * centre * sums + np.square(centre)  # its mean is the variance
            return centre, square, square.mean(axis=-1, keepdims=True)

        centre, square, variance = spread(self.first_sum, self.first_square)
        product = self.first - self.paired * 2.0 * centre * self.first_sum
        own = (product - first.T[..., None] * square) / variance
        _, square, variance = spread(self.sum, self.square)
        return own, (self.total - total.T[..., None] * square) / variance


def _asymptotic(
    moments: _Moments, first: FloatArray, total: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return normal intervals, from influence functions, of each index and of the first-order sum."""
    from scipy.special import ndtri

    own, whole = moments.influence(first, total)
    reach = float(ndtri(0.5 + level / 2.0)) / np.sqrt(own.shape[-1] - 1.0)
    wide_first, wide_total = reach * own.std(axis=-1).T, reach * whole.std(axis=-1).T
    wide_sum = reach * own.sum(axis=1).std(axis=-1)
    sums = first.sum(axis=0)
    return (
        np.stack([first - wide_first, first + wide_first]),
        np.stack([total - wide_total, total + wide_total]),
        np.stack([sums - wide_sum, sums + wide_sum]),
    )


def _bootstrap(
    moments: _Moments, level: float, resamples: int, rng: object
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return percentile intervals over resampled base points, as products with multinomial weights."""
    if resamples < 100:
        raise DomainError(f"a bootstrap interval needs at least 100 resamples; got {resamples}")
    n = moments.first.shape[-1]
    generator = np.random.default_rng(rng)  # type: ignore[arg-type]
    tails = [0.5 - level / 2.0, 0.5 + level / 2.0]
    drawn = []
    for start in range(0, resamples, 100):
        count = min(100, resamples - start)
        weights = generator.multinomial(n, np.full(n, 1.0 / n), size=count) / n
        drawn.append(moments.indices(weights))
    first = np.concatenate([pair[0] for pair in drawn])
    total = np.concatenate([pair[1] for pair in drawn])
    return (
        exact_quantile(first, tails, axis=0),
        exact_quantile(total, tails, axis=0),
        exact_quantile(first.sum(axis=1), tails, axis=0),
    )
