"""Allocation of compute between parameters and tokens, in closed form.

Functions take the coefficients of ``L(N, D) = E + A/N^α + B/D^β`` as arguments; see :mod:`costmodel.training.scaling`.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.training.scaling import FLOP_PER_PARAMETER_TOKEN_TRAINING

__all__ = [
    "compute_for_loss",
    "optimal_parameters",
    "optimal_tokens",
    "optimal_tokens_for_parameters",
]


@formula()
def optimal_parameters(
    compute: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the parameters that reach the lowest loss with a given compute.

    Parameters
    ----------
    compute : ``()`` or array
        Training compute C, positive [FLOP].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Compute-optimal parameters N* [1].

    Notes
    -----
    ``N* = G·(C/6)^(β/(α+β))`` with ``G = (αA/βB)^(1/(α+β))``.

    References
    ----------
    Hoffmann et al. (2022), arXiv 2203.15556, eq. 4.

    Examples
    --------
    >>> round(float(optimal_parameters(5.76e23, 482.01, 2085.43, 0.3478, 0.3658)) / 1e9, 1)
    72.2
    """
    exponent_sum = parameter_exponent + token_exponent
    ratio = (parameter_exponent * parameter_coefficient) / (token_exponent * token_coefficient)
    pairs = compute / FLOP_PER_PARAMETER_TOKEN_TRAINING
    return np.power(ratio, 1.0 / exponent_sum) * np.power(pairs, token_exponent / exponent_sum)


@formula()
def optimal_tokens(
    compute: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the training tokens that reach the lowest loss with a given compute.

    Parameters
    ----------
    compute : ``()`` or array
        Training compute C, positive [FLOP].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Compute-optimal tokens D* [token].

    Notes
    -----
    ``D* = (C/6) / N*``; see :func:`optimal_parameters`.

    References
    ----------
    Hoffmann et al. (2022), arXiv 2203.15556, eq. 4.

    Examples
    --------
    >>> round(float(optimal_tokens(5.76e23, 482.01, 2085.43, 0.3478, 0.3658)) / 1e12, 3)
    1.329
    """
    parameters = optimal_parameters(
        compute, parameter_coefficient, token_coefficient, parameter_exponent, token_exponent
    )
    return compute / FLOP_PER_PARAMETER_TOKEN_TRAINING / parameters


@formula()
def optimal_tokens_for_parameters(
    parameters: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the tokens on which a model of given size is compute-optimal.

    Parameters
    ----------
    parameters : ``()`` or array
        Parameters N, positive [1].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Tokens [token].

    Notes
    -----
    At the optimum ``αA·N^-α = βB·D^-β``.

    References
    ----------
    Hoffmann et al. (2022), arXiv 2203.15556, section 3.3.

    Examples
    --------
    >>> round(float(optimal_tokens_for_parameters(13e9, 406.4, 410.7, 0.336, 0.283)) / 1e9)
    576
    """
    ratio = (token_exponent * token_coefficient) / (parameter_exponent * parameter_coefficient)
    return np.power(ratio, 1.0 / token_exponent) * np.power(parameters, parameter_exponent / token_exponent)


@formula()
def compute_for_loss(
    loss: Numeric,
    irreducible_loss: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the least training compute that reaches a loss.

    Parameters
    ----------
    loss : ``()`` or array
        Loss to reach, > ``irreducible_loss`` [nat/token].
    irreducible_loss : ``()`` or array
        E, positive [nat/token].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Compute C [FLOP].

    Notes
    -----
    At the optimum a share ``β/(α+β)`` of ``L − E`` is due to the finite model and ``α/(α+β)`` to the finite
    data, which gives N, D and ``C = 6·N·D``.

    References
    ----------
    Derived from Hoffmann et al. (2022), arXiv 2203.15556, eq. 4.

    Examples
    --------
    >>> f"{float(compute_for_loss(1.9744, 1.8172, 482.01, 2085.43, 0.3478, 0.3658)):.1e}"
    '5.8e+23'
    """
    reducible = (loss - irreducible_loss) / (parameter_exponent + token_exponent)
    parameters = np.power(parameter_coefficient / (reducible * token_exponent), 1.0 / parameter_exponent)
    tokens = np.power(token_coefficient / (reducible * parameter_exponent), 1.0 / token_exponent)
    return FLOP_PER_PARAMETER_TOKEN_TRAINING * parameters * tokens
