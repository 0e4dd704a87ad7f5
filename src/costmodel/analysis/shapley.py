"""Shapley values: parts of a change that add up exactly and do not depend on the order of the steps."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError


def subsets(players: int) -> NDArray[np.bool_]:
    """Return every subset of the players, ``(2**players, player)``, the empty one first.

    Examples
    --------
    >>> subsets(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]
    """
    masks = np.arange(2**players)[:, None] >> np.arange(players)[None, :]
    return np.asarray(masks & 1, dtype=np.bool_)


def shapley_values(worth: ArrayLike) -> FloatArray:
    """Divide the worth of all players among them.

    Parameters
    ----------
    worth
        Worth of every subset in the order of :func:`subsets`, ``(2**player, …)``.

    Returns
    -------
    FloatArray
        Value of each player, ``(player, …)``; they add up to the worth of all players less that of none.

    Raises
    ------
    DomainError
        If the number of subsets is not a power of two.

    Notes
    -----
    φᵢ = Σ over subsets S without i of |S|! (k − |S| − 1)!/k! · (v(S ∪ i) − v(S)).

    References
    ----------
    Shapley, *A value for n-person games*, in Contributions to the Theory of Games II (1953).

    Examples
    --------
    For a product of two factors that both double, each gets half of the joint part:

    >>> shapley_values([1.0, 2.0, 2.0, 4.0]).tolist()
    [1.5, 1.5]
    """
    value = np.asarray(worth, dtype=np.float64)
    players = int(value.shape[0]).bit_length() - 1
    if value.shape[0] != 2**players or players < 1:
        raise DomainError(f"worth must cover all subsets, a power of two; got {value.shape[0]}")
    masks = subsets(players)
    size = masks.sum(axis=1)
    weight = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)])
    shares = np.empty((players, *value.shape[1:]))
    for player in range(players):
        without = np.flatnonzero(~masks[:, player])
        gain = value[without | (1 << player)] - value[without]
        shares[player] = np.tensordot(weight[size[without]], gain, axes=1)
    return shares


def shapley_sampled(
    worth: Callable[[NDArray[np.bool_]], FloatArray],
    players: int,
    permutations: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Estimate Shapley values from random orders, each used forwards and backwards.

    Parameters
    ----------
    worth
        Function that returns the worth of many subsets at once: ``(subset, player)`` to ``(subset, …)``.
    players
        Number of players.
    permutations
        Number of random orders; each costs 2 (players + 1) evaluations.
    rng
        Generator.

    Returns
    -------
    values, error
        The estimates, which still add up exactly, and their standard errors, ``(player, …)`` each.

    Raises
    ------
    DomainError
        If ``permutations`` is below 2.

    Examples
    --------
    >>> product = lambda masks: np.prod(np.where(masks, 2.0, 1.0), axis=1)
    >>> values, error = shapley_sampled(product, 2, 10, np.random.default_rng(0))
    >>> values.tolist(), error.tolist()
    ([1.5, 1.5], [0.0, 0.0])
    """
    if permutations < 2:
        raise DomainError(f"permutations must be at least 2 for a standard error; got {permutations}")
    pairs = []
    for _ in range(permutations):
        order = rng.permutation(players)
        pairs.append(0.5 * (_walk(worth, order) + _walk(worth, order[::-1])))
    each = np.stack(pairs)
    return each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(permutations)


def _walk(worth: Callable[[NDArray[np.bool_]], FloatArray], order: NDArray[np.intp]) -> FloatArray:
    """Return the gain of each player when they join in one order."""
    joined = np.zeros((order.size + 1, order.size), dtype=np.bool_)
    for position, player in enumerate(order):
        joined[position + 1 :, player] = True
    value = worth(joined)
    gains = np.empty((order.size, *value.shape[1:]))
    gains[order] = np.diff(value, axis=0)
    return gains
