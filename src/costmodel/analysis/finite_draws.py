"""Handling of outputs that are not finite or do not vary."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError, NonFiniteResultError

BoolArray: TypeAlias = NDArray[np.bool_]
OnNonFinite: TypeAlias = Literal["raise", "drop"]
"""``raise``: raise an error that names the output and the first draw; ``drop``: leave the draw out and count it."""


def finite_draws(values: FloatArray, labels: tuple[str, ...], on_nonfinite: OnNonFinite) -> BoolArray:
    """Return the mask of draws that are finite in every output.

    Parameters
    ----------
    values
        Outputs, shape ``(output, …, draw)``.
    labels
        One name per output.
    on_nonfinite
        ``"raise"``, or ``"drop"``: the draw is left out of every output, so that all outputs use the same draws. The
        remaining draws describe the inputs *given* a finite output; the caller reports the count.

    Returns
    -------
    BoolArray
        True where a draw is kept, shape ``(draw,)``.

    Raises
    ------
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``, or if fewer than two draws remain.
    DomainError
        If ``on_nonfinite`` is neither ``"raise"`` nor ``"drop"``.

    Examples
    --------
    >>> values = np.array([[1.0, np.nan, 3.0, 4.0]])
    >>> finite_draws(values, ("npv",), "drop").tolist()
    [True, False, True, True]
    >>> finite_draws(values, ("npv",), "raise")
    Traceback (most recent call last):
    ...
    costmodel.foundation.errors.NonFiniteResultError: output 'npv' is not finite in 1 of 4 draws, first in draw 1: ...
    """
    if on_nonfinite not in ("raise", "drop"):
        raise DomainError(f"on_nonfinite must be 'raise' or 'drop'; got {on_nonfinite!r}")
    finite = np.isfinite(values)
    kept: BoolArray = np.asarray(finite.reshape(-1, values.shape[-1]).all(axis=0))
    if kept.all():
        return kept
    lost = int(kept.size - kept.sum())
    if on_nonfinite == "raise" or kept.sum() < 2:
        bad = next(index for index in range(len(labels)) if not finite[index].all())
        draws = np.flatnonzero(~finite[bad].reshape(-1, kept.size).all(axis=0))
        raise NonFiniteResultError(
            f"output {labels[bad]!r} is not finite in {len(draws)} of {kept.size} draws, first in draw "
            f"{draws[0]}: correct the ranges, or leave those draws out with on_nonfinite='drop' ({lost} in all)"
        )
    return kept


def constant_outputs(values: FloatArray) -> BoolArray:
    """Return a mask of the outputs that do not vary over the last axis beyond rounding.

    Indices of an output without variance are undefined; they are reported as NaN under this mask, never as zero.

    Parameters
    ----------
    values
        Outputs, shape ``(output, draw)``.

    Examples
    --------
    >>> constant_outputs(np.array([[1.0, 1.0 + 1e-16], [1.0, 1.1]])).tolist()
    [True, False]
    """
    spread = values.max(axis=-1) - values.min(axis=-1)
    scale = np.abs(values).max(axis=-1)
    flat: BoolArray = spread <= 64.0 * np.finfo(np.float64).eps * scale
    return flat
