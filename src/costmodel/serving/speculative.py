"""Speculative decoding: a cheap draft proposes tokens, one pass of the model checks them."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

LONGEST_DRAFT = 16
"""Longest draft that the search for the best length tries [token]."""

_SMALLEST = 1e-300
"""Least argument of a logarithm, used instead of zero [1]."""


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
