"""Allocation of compute between parameters and tokens, in closed form.

Functions take the coefficients of ``L(N, D) = E + A/N^α + B/D^β`` as arguments; see :mod:`costmodel.training.scaling`.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.training.scaling import FLOP_PER_PARAMETER_TOKEN_TRAINING

__all__ = [
    "compute_for_loss",
    "data_limited_parameters",
    "optimal_parameters",
    "optimal_tokens",
    "optimal_tokens_for_parameters",
    "power_law_allocation",
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


@formula()
def data_limited_parameters(
    compute: Numeric,
    token_limit: Numeric,
    parameter_coefficient: Numeric,
    token_coefficient: Numeric,
    parameter_exponent: Numeric,
    token_exponent: Numeric,
) -> Numeric:
    """Return the best parameters for a compute when training tokens are limited.

    Parameters
    ----------
    compute : ``()`` or array
        Training compute C, positive [FLOP].
    token_limit : ``()`` or array
        Most tokens that can be trained on, positive [token].
    parameter_coefficient, token_coefficient : ``()`` or array
        A and B, positive.
    parameter_exponent, token_exponent : ``()`` or array
        α and β, positive [1].

    Returns
    -------
    ``()`` or array
        Parameters N [1]: the compute-optimal ones, or ``C/(6·limit)`` where the limit binds.

    Notes
    -----
    The loss on the line ``6·N·D = C`` falls with D up to D*, so a binding limit is used in full.

    References
    ----------
    Derived from Hoffmann et al. (2022), arXiv 2203.15556, eq. 4.

    Examples
    --------
    >>> round(float(data_limited_parameters(5.76e23, 0.96e12, 482.01, 2085.43, 0.3478, 0.3658)) / 1e9)
    100
    """
    tokens = optimal_tokens(compute, parameter_coefficient, token_coefficient, parameter_exponent, token_exponent)
    return compute / (FLOP_PER_PARAMETER_TOKEN_TRAINING * np.minimum(tokens, token_limit))


@formula()
def power_law_allocation(compute: Numeric, coefficient: Numeric, exponent: Numeric) -> Numeric:
    """Return compute-optimal tokens (or parameters) from a fitted power law.

    Parameters
    ----------
    compute : ``()`` or array
        Training compute, positive [FLOP].
    coefficient : ``()`` or array
        Positive; its unit makes the result tokens or parameters.
    exponent : ``()`` or array
        Between 0 and 1 [1].

    Returns
    -------
    ``()`` or array
        Tokens [token] or parameters [1].

    Notes
    -----
    ``coefficient · C^exponent``. Rounded coefficients mislead: Llama 3's 0.299 and 0.537 give 16.3 T tokens at
    3.8e25 FLOP, the printed roundings 0.29 and 0.53 give 10.5 T.

    References
    ----------
    Llama team (2024), arXiv 2407.21783, eq. 1 and figure 3.

    Examples
    --------
    >>> round(float(power_law_allocation(3.8e25, 0.299, 0.537)) / 1e12, 1)
    16.3
    """
    return coefficient * np.power(compute, exponent)
