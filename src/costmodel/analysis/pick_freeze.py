"""Samples in the unit cube for pick-freeze studies: two base samples, and mixtures of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.budgets import check_memory
from costmodel.foundation.errors import DomainError


def base_sample(
    base_points: int,
    inputs: int,
    *,
    rng: object = None,
    method: Literal["sobol", "random"] = "sobol",
) -> tuple[FloatArray, FloatArray]:
    """Draw the two independent base samples of the pick-freeze scheme.

    Parameters
    ----------
    base_points
        n, number of base points; a power of two for ``"sobol"``, as any other number unbalances the sequence.
    inputs
        d, number of inputs.
    rng
        Seed or generator.
    method
        ``"sobol"``: a scrambled Sobol' sequence in 2d dimensions. ``"random"``: independent points.

    Returns
    -------
    a, b
        Points in the open unit cube, each ``(n, d)``.

    Raises
    ------
    DomainError
        If ``base_points`` is not a power of two for ``"sobol"``, or either count is too small.

    References
    ----------
    Saltelli et al., *Variance based sensitivity analysis of model output*, Computer Physics Communications 181
    (2010), section 4: columns 1 … d of the sequence for A, d+1 … 2d for B.

    Examples
    --------
    >>> a, b = base_sample(8, 3, rng=0)
    >>> a.shape, bool(((0 < a) & (a < 1)).all())
    ((8, 3), True)
    """
    if inputs < 1 or base_points < 2:
        raise DomainError(f"a base sample needs at least 2 points and 1 input; got {base_points} and {inputs}")
    check_memory(base_points * inputs * (inputs + 2), f"a sample of {base_points:,} base points", "ask for fewer")
    if method == "random":
        points = np.random.default_rng(rng).random((base_points, 2 * inputs))  # type: ignore[arg-type]
    elif method == "sobol":
        if base_points & (base_points - 1):
            near = 1 << (base_points.bit_length() - 1)
            raise DomainError(
                f"a Sobol' sample of {base_points} base points is unbalanced: take a power of two, "
                f"{near} or {2 * near}, or method='random'"
            )
        from scipy.stats import qmc

        engine = qmc.Sobol(2 * inputs, scramble=True, seed=np.random.default_rng(rng))  # type: ignore[arg-type]
        points = engine.random(base_points)
    else:
        raise DomainError(f"method must be 'sobol' or 'random'; got {method!r}")
    points = np.clip(points, 2.0**-53, 1.0 - 2.0**-53)
    return points[:, :inputs], points[:, inputs:]


def mixed_samples(a: FloatArray, b: FloatArray, groups: Sequence[Sequence[int]] | None = None) -> FloatArray:
    """Return the mixed samples: A with the columns of one group taken from B, for each group.

    Parameters
    ----------
    a, b
        Base samples, ``(n, d)``.
    groups
        Columns of each group; None: each column alone.

    Returns
    -------
    FloatArray
        Mixed samples, ``(g, n, d)``.

    Examples
    --------
    >>> mixed_samples(np.zeros((1, 3)), np.ones((1, 3)), [[0, 2], [1]]).tolist()
    [[[1.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]]
    """
    columns = [[column] for column in range(a.shape[1])] if groups is None else groups
    mixed = np.repeat(a[None], len(columns), axis=0)
    for index, group in enumerate(columns):
        mixed[index][:, list(group)] = b[:, list(group)]
    return mixed
