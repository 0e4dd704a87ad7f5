"""Morris screening: find which of many inputs matter, with a few runs per input.

Points are quantiles of the inputs, at the middles of equal cells, so that no quantile is infinite. An effect is the
change of the output per unit of quantile, that is, over an input's whole range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.analysis.finite_draws import OnNonFinite, finite_draws
from costmodel.analysis.sobol import output_index
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError
from costmodel.foundation.tables import Table, TabledByOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class MorrisEffects(TabledByOutput):
    """Summary statistics of elementary effects: arrays ``(input, output)``."""

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    mean: FloatArray
    """μ: mean effect; near 0 with a large ``mean_size`` if effects change sign."""
    mean_size: FloatArray
    """μ*: mean absolute effect, which ranks the inputs."""
    spread: FloatArray
    """σ: standard deviation of the effects; large relative to μ* with interaction or curvature."""
    mean_size_interval: FloatArray
    """Interval of μ*, ``(2, input, output)``."""
    level: float
    paths: int
    dropped: int
    runs: int

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per input for an output (the first one unless named), largest μ* first."""
        column = output_index(self.outputs, output)
        order = np.argsort(-self.mean_size[:, column], kind="stable")
        return Table.of(
            {
                "input": self.names[row],
                "mean_size": float(self.mean_size[row, column]),
                "low": float(self.mean_size_interval[0, row, column]),
                "high": float(self.mean_size_interval[1, row, column]),
                "mean": float(self.mean[row, column]),
                "spread": float(self.spread[row, column]),
            }
            for row in order
        )


def morris_sample(inputs: int, *, paths: int = 20, levels: int = 4, rng: object = None) -> FloatArray:
    """Draw Morris paths: each starts at random and moves one input at a time, in random order.

    Parameters
    ----------
    inputs
        d, number of inputs.
    paths
        Number of paths; each costs d + 1 runs.
    levels
        Quantile cells per input, an even number; a step is half of them.
    rng
        Seed or generator.

    Returns
    -------
    FloatArray
        Points in the unit cube, ``(path, d + 1, d)``.

    Raises
    ------
    DomainError
        If ``levels`` is odd, or a count is too small.

    References
    ----------
    Morris, *Factorial sampling plans for preliminary computational experiments*, Technometrics 33 (1991).

    Examples
    --------
    >>> points = morris_sample(3, paths=2, rng=0)
    >>> points.shape, sorted(float(step) for step in np.abs(np.diff(points[0], axis=0)).sum(axis=1))
    ((2, 4, 3), [0.5, 0.5, 0.5])
    """
    if inputs < 1 or paths < 2 or levels < 2 or levels % 2:
        raise DomainError(
            f"need 1 input, 2 paths or more and an even number of levels; got {inputs}, {paths} and {levels}"
        )
    generator = np.random.default_rng(rng)  # type: ignore[arg-type]
    half = levels // 2
    cell = generator.integers(0, levels, size=(paths, inputs))
    order = generator.permuted(np.tile(np.arange(inputs), (paths, 1)), axis=1)
    moved = np.where(cell < half, cell + half, cell - half)
    turn = np.empty_like(order)  # step at which each input moves
    np.put_along_axis(turn, order, np.arange(inputs)[None, :].repeat(paths, axis=0), axis=1)
    step = np.arange(inputs + 1)[None, :, None]
    points: FloatArray = (np.where(step > turn[:, None, :], moved[:, None, :], cell[:, None, :]) + 0.5) / levels
    return points


def morris_effects(
    points: ArrayLike,
    values: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
) -> MorrisEffects:
    """Compute summary statistics of the elementary effects of a set of paths.

    Parameters
    ----------
    points
        ``(path, d + 1, d)``, as drawn by :func:`morris_sample`.
    values
        Outputs at the points, ``(path, d + 1)`` or ``(output, path, d + 1)``.
    names, outputs
        Labels.
    level
        Confidence level of the interval of μ*, between 0 and 1, [1].
    on_nonfinite
        ``"raise"``, or ``"drop"``: a path with a value that is not finite is left out and counted.

    Returns
    -------
    MorrisEffects

    Raises
    ------
    DomainError
        If shapes do not agree.
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``.

    References
    ----------
    Campolongo, Cariboni and Saltelli, *An effective screening design for sensitivity analysis of large models*,
    Environmental Modelling & Software 22 (2007), for μ*.

    Examples
    --------
    >>> points = morris_sample(2, paths=4, rng=0)
    >>> effects = morris_effects(points, 3.0 * points[..., 0] - points[..., 1])
    >>> [round(float(value), 12) for value in effects.mean[:, 0]]
    [3.0, -1.0]
    """
    at = np.asarray(points, dtype=np.float64)
    y = np.asarray(values, dtype=np.float64)
    y = y[None] if y.ndim == 2 else y
    if at.ndim != 3 or at.shape[1] != at.shape[2] + 1 or y.ndim != 3 or y.shape[1:] != at.shape[:2]:
        raise DomainError(
            f"points must be (path, d + 1, d) and values (output, path, d + 1); got {at.shape} and {y.shape}"
        )
    d = at.shape[2]
    labels = tuple(outputs) if outputs is not None else tuple(f"output{k + 1}" for k in range(len(y)))
    columns = tuple(names) if names is not None else tuple(f"x{k + 1}" for k in range(d))
    kept = finite_draws(np.swapaxes(y, 1, 2), labels, on_nonfinite)
    at, y = at[kept], y[:, kept]
    moves = np.diff(at, axis=1)  # (path, step, input): one non-zero entry a step
    moved = np.argmax(np.abs(moves), axis=2)
    size = np.take_along_axis(moves, moved[..., None], axis=2)[..., 0]
    ratio = np.diff(y, axis=2) / size
    effects = np.empty((d, len(y), len(at)))
    for column in range(d):
        step = np.argmax(moved == column, axis=1)
        effects[column] = np.take_along_axis(ratio, step[None, :, None].repeat(len(y), axis=0), axis=2)[..., 0]
    from scipy.special import stdtrit

    sizes = np.abs(effects)
    reach = float(stdtrit(len(at) - 1, 0.5 + level / 2.0)) / np.sqrt(len(at))
    half = reach * sizes.std(axis=2, ddof=1)
    return MorrisEffects(
        names=columns,
        outputs=labels,
        mean=effects.mean(axis=2),
        mean_size=sizes.mean(axis=2),
        spread=effects.std(axis=2, ddof=1),
        mean_size_interval=np.stack([sizes.mean(axis=2) - half, sizes.mean(axis=2) + half]),
        level=level,
        paths=len(at),
        dropped=int(kept.size - len(at)),
        runs=int(kept.size * (d + 1)),
    )
