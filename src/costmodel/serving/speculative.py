"""Speculative decoding: a cheap draft proposes tokens, one pass of the model checks them."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.errors import DomainError

LONGEST_DRAFT = 16
"""Longest draft that the search for the best length tries [token]."""

_SMALLEST = 1e-300
"""Stands in for zero inside a logarithm [1]."""


@formula()
def expected_tokens_per_pass(acceptance: Numeric, draft_tokens: Numeric) -> Numeric:
    """Tokens that one checking pass yields on average.

    Parameters
    ----------
    acceptance
        Probability that a drafted token is accepted, independent of the others, 0 to 1 [1].
    draft_tokens
        Tokens drafted per pass, >= 0 [token].

    Returns
    -------
    float or array
        Tokens per pass, between 1 and ``draft_tokens + 1`` [token].

    Notes
    -----
    ``(1 − p^(γ+1)) / (1 − p)``, and γ + 1 at p = 1.

    References
    ----------
    Leviathan, Kalman and Matias (2023), arXiv 2211.17192, equation 1; Erdil (2025), arXiv 2506.04645.

    Examples
    --------
    >>> float(expected_tokens_per_pass(0.5, 2.0)), float(expected_tokens_per_pass(1.0, 4.0))
    (1.75, 5.0)
    """
    certain = np.greater_equal(acceptance, 1.0)
    chance = np.where(certain, 0.5, acceptance)
    log_chance = np.log(np.maximum(chance, _SMALLEST))
    tokens = np.expm1((draft_tokens + 1.0) * log_chance) / np.expm1(log_chance)
    return np.where(certain, draft_tokens + 1.0, tokens)[()]


@formula()
def speculative_speedup(
    acceptance: Numeric, draft_tokens: Numeric, draft_cost: Numeric, check_cost: Numeric
) -> Numeric:
    """Speed of decoding with a draft over decoding without one.

    Parameters
    ----------
    acceptance
        Probability that a drafted token is accepted, 0 to 1 [1].
    draft_tokens
        Tokens drafted per pass, >= 0 [token].
    draft_cost
        Time to draft one token over the time of a plain decode step, >= 0 [1].
    check_cost
        Time of a checking pass over the time of a plain decode step, >= 1 where arithmetic binds, about 1
        where memory does [1].

    Returns
    -------
    float or array
        Speed-up [1]; below 1 the draft costs more than it saves.

    Notes
    -----
    ``E[tokens] / (γ c_draft + c_check)``.

    References
    ----------
    Leviathan, Kalman and Matias (2023), arXiv 2211.17192, theorem 3.8 (there with c_check = 1).

    Examples
    --------
    >>> round(float(speculative_speedup(0.8, 4.0, 0.05, 1.0)), 3)
    2.801
    """
    return expected_tokens_per_pass(acceptance, draft_tokens) / (draft_tokens * draft_cost + check_cost)


def best_draft_length(
    acceptance: Numeric, draft_cost: Numeric, check_cost_per_token: Numeric = 0.0, longest: int = LONGEST_DRAFT
) -> tuple[FloatArray, FloatArray]:
    """Find the draft length with the largest speed-up; 0 where no draft pays.

    Parameters
    ----------
    acceptance
        Probability that a drafted token is accepted, 0 to 1 [1], any shape.
    draft_cost
        Time to draft one token over a plain decode step, >= 0 [1].
    check_cost_per_token
        What each further token adds to the checking pass, over a plain decode step, >= 0 [1].
    longest
        Longest draft to try, >= 0 [token].

    Returns
    -------
    tuple of array
        Best length [token] and its speed-up [1], both of the broadcast shape.

    Raises
    ------
    DomainError
        If ``longest`` is negative or an argument is outside its range.

    Examples
    --------
    >>> length, speedup = best_draft_length(0.8, 0.05)
    >>> int(length), round(float(speedup), 3)
    (8, 3.092)
    """
    chance, cost, check = np.broadcast_arrays(
        *(np.asarray(item, dtype=np.float64) for item in (acceptance, draft_cost, check_cost_per_token))
    )
    if longest < 0:
        raise DomainError(f"longest = {longest}: a draft length >= 0 is needed")
    if np.any((chance < 0) | (chance > 1)) or np.any(cost < 0) or np.any(check < 0):
        raise DomainError("acceptance must be a share from 0 to 1, the two costs >= 0")
    lengths = np.arange(longest + 1, dtype=np.float64).reshape((-1,) + (1,) * chance.ndim)
    speedups = np.asarray(speculative_speedup(chance, lengths, cost, 1.0 + check * lengths))
    best = np.argmax(speedups, axis=0)
    return best.astype(np.float64), np.take_along_axis(speedups, best[None], axis=0)[0]
