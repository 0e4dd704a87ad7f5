"""Scaling laws: loss from parameters and tokens.

The parametric loss is ``L(N, D) = E + A/N^α + B/D^β`` for a model of N parameters trained on D tokens; training
takes ``C = 6·N·D`` FLOP in the approximation that these laws were fitted with. The published fits of the five
coefficients are in :mod:`costmodel.training.fits`; each function takes the coefficients as arguments.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = [
    "FLOP_PER_PARAMETER_TOKEN_INFERENCE",
    "FLOP_PER_PARAMETER_TOKEN_TRAINING",
    "effective_tokens",
    "parametric_loss",
    "tokens_for_loss",
]

FLOP_PER_PARAMETER_TOKEN_TRAINING = 6.0
"""FLOP per parameter and training token: forward 2, backward 4 [FLOP]. Kaplan et al. 2020, section 2.1."""
FLOP_PER_PARAMETER_TOKEN_INFERENCE = 2.0
"""FLOP per parameter and served token: forward only [FLOP]. Kaplan et al. 2020, section 2.1."""


@formula()
def parametric_loss(
    parameters: Numeric,
    tokens: Numeric,
    irreducible_loss: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the loss of a model after training.

    Parameters
    ----------
    parameters : ``()`` or array
        Parameters N, positive [1].
    tokens : ``()`` or array
        Training tokens D, positive [token].
    irreducible_loss : ``()`` or array
        E, positive [nat/token].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Cross-entropy loss [nat/token].

    Notes
    -----
    ``L = E + A/N^α + B/D^β``.

    References
    ----------
    Hoffmann et al. (2022), arXiv 2203.15556, eq. 2 and 10.

    Examples
    --------
    >>> round(float(parametric_loss(70e9, 1.4e12, 1.69, 406.4, 410.7, 0.34, 0.28)), 3)
    1.937
    """
    return (
        irreducible_loss
        + parameter_coefficient * np.power(parameters, -parameter_exponent)
        + token_coefficient * np.power(tokens, -token_exponent)
    )


@formula()
def tokens_for_loss(
    loss: Numeric,
    parameters: Numeric,
    irreducible_loss: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the training tokens with which a model of given size reaches a loss.

    Parameters
    ----------
    loss : ``()`` or array
        Loss to reach, > ``irreducible_loss`` [nat/token].
    parameters : ``()`` or array
        Parameters N, positive [1].
    irreducible_loss : ``()`` or array
        E, positive [nat/token].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Tokens [token]; infinite where no amount of data brings so small a model to the loss.

    Notes
    -----
    ``D = (B / (L − E − A·N^-α))^(1/β)``.

    References
    ----------
    Sardana et al. (2024), arXiv 2401.00448.

    Examples
    --------
    >>> round(float(tokens_for_loss(2.0453, 7e9, 1.69, 406.4, 410.7, 0.336, 0.283)) / 1e12, 2)
    1.24
    """
    gap = loss - irreducible_loss - parameter_coefficient * np.power(parameters, -parameter_exponent)
    reachable = gap > 0.0
    safe_gap = np.where(reachable, gap, 1.0)
    tokens = np.power(token_coefficient / safe_gap, 1.0 / token_exponent)
    return np.where(reachable, tokens, np.inf) + 0.0


@formula()
def effective_tokens(tokens: Numeric, unique_tokens: Numeric, repetition_constant: Numeric) -> Numeric:
    """Return the number of unique tokens that repeated tokens are worth.

    Parameters
    ----------
    tokens : ``()`` or array
        Tokens trained on, counting each repetition, positive [token].
    unique_tokens : ``()`` or array
        Distinct tokens available, positive [token].
    repetition_constant : ``()`` or array
        Number of repetitions over which their worth falls by a factor e, positive [1]; 15.39 in the source.

    Returns
    -------
    ``()`` or array
        Effective tokens [token], equal to ``tokens`` up to one epoch.

    Notes
    -----
    ``D' = U + U·R*·(1 − exp(−R/R*))`` with ``R = max(D/U − 1, 0)`` and ``U = min(D, unique)``.

    References
    ----------
    Muennighoff et al. (2023), "Scaling data-constrained language models", arXiv 2305.16264, eq. 5.

    Examples
    --------
    >>> round(float(effective_tokens(4e12, 1e12, 15.39)) / 1e12, 2)
    3.73
    """
    used = np.minimum(tokens, unique_tokens)
    repetitions = np.maximum(tokens / unique_tokens - 1.0, 0.0)
    return used - used * repetition_constant * np.expm1(-repetitions / repetition_constant)
