"""Effect of a workload's lengths on a batch at steady state.

A batch of running requests is not a sample of requests: a long answer stays in it longer, so that the mean
context of a decode step depends on the second moment of the output length, and its spread on the third.
Higher moments are those of lognormal lengths with the given mean and coefficient of variation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError


@formula()
def mean_decode_context(
    mean_input: Numeric,
    mean_output: Numeric,
    variation_input: Numeric = 0.0,
    variation_output: Numeric = 0.0,
    correlation: Numeric = 0.0,
) -> Numeric:
    """Tokens in the cache of a sequence, averaged over all decode steps.

    Parameters
    ----------
    mean_input, mean_output
        Mean lengths of a request, > 0 [token].
    variation_input, variation_output
        Their coefficients of variation, >= 0 [1].
    correlation
        Correlation of the two lengths, −1 to 1, with ``1 + ρ v_in v_out > 0`` [1].

    Returns
    -------
    float or array
        Mean context [token].

    Notes
    -----
    Averaged over steps, not requests: ``E[I O] / E[O] + E[O²] / (2 E[O])``
    ``= m_in (1 + ρ v_in v_out) + m_out (1 + v_out²) / 2``.

    Examples
    --------
    >>> float(mean_decode_context(8192.0, 1024.0))
    8704.0
    >>> float(mean_decode_context(8192.0, 1024.0, 0.0, 1.0))
    9216.0
    """
    joint = 1.0 + correlation * variation_input * variation_output
    return mean_input * joint + 0.5 * mean_output * (1.0 + variation_output * variation_output)


@formula()
def decode_context_deviation(
    mean_input: Numeric,
    mean_output: Numeric,
    variation_input: Numeric = 0.0,
    variation_output: Numeric = 0.0,
    correlation: Numeric = 0.0,
) -> Numeric:
    """Spread of the context among the sequences of a batch.

    It sets how much memory a batch must leave free: contexts of running requests differ even where all
    requests are alike, because each is at another token of its answer.

    Parameters
    ----------
    mean_input, mean_output
        Mean lengths of a request, > 0 [token].
    variation_input, variation_output
        Their coefficients of variation, >= 0 [1].
    correlation
        Correlation of the two lengths, −1 to 1, with ``1 + ρ v_in v_out > 0`` [1].

    Returns
    -------
    float or array
        Deviation [token].

    Notes
    -----
    With lognormal lengths and ``j = 1 + ρ v_in v_out`` the mean square over steps is
    ``m_in² (1 + v_in²) j² + m_in m_out s j² + m_out² s³ / 3`` with ``s = 1 + v_out²``. Less the square of the mean,
    ``m_in² v_in² j² + m_in m_out s j (j - 1) + m_out² s² (1 + 4 v_out²) / 12``: in this form, long prompts of
    equal length leave no rounding error.

    Examples
    --------
    >>> round(float(decode_context_deviation(8192.0, 1024.0)), 3) == round(1024 / 12**0.5, 3)
    True
    """
    joint = 1.0 + correlation * variation_input * variation_output
    spread = 1.0 + variation_output * variation_output
    reading, writing = mean_input * joint, mean_output * spread
    prompts = reading * reading * variation_input * variation_input
    together = mean_input * writing * joint * (correlation * variation_input * variation_output)
    answers = writing * writing * (1.0 + 4.0 * variation_output * variation_output) / 12.0
    return np.power(np.maximum(prompts + together + answers, 0.0), 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Moments of a measured workload.

    Parameters
    ----------
    mean_input, mean_output
        Mean lengths [token].
    variation_input, variation_output
        Coefficients of variation [1].
    correlation
        Correlation of the two lengths [1].
    """

    mean_input: float
    mean_output: float
    variation_input: float
    variation_output: float
    correlation: float


def measured_lengths(input_tokens: ArrayLike, output_tokens: ArrayLike) -> Lengths:
    """Return the moments of the lengths in a log of requests.

    Parameters
    ----------
    input_tokens, output_tokens
        Lengths of the same requests in the same order, > 0 [token], shape (request,).

    Raises
    ------
    DomainError
        If the lists differ in length, hold fewer than two requests or a length that is not positive.

    Examples
    --------
    >>> lengths = measured_lengths([100, 300], [10, 30])
    >>> lengths.mean_input, lengths.variation_output, round(lengths.correlation, 6)
    (200.0, 0.5, 1.0)
    """
    columns = []
    for name, values in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
        column = np.asarray(values, dtype=np.float64)
        if column.ndim != 1 or column.size < 2:
            raise DomainError(f"{name}: shape {column.shape}: a list of at least two requests is needed")
        if not np.all(np.isfinite(column)) or np.any(column <= 0.0):
            raise DomainError(f"{name}: every length must be finite and > 0")
        columns.append(column)
    inputs, outputs = columns
    if inputs.size != outputs.size:
        raise DomainError(f"{inputs.size} input lengths but {outputs.size} output lengths: one each is needed")
    means = inputs.mean(), outputs.mean()
    deviations = inputs.std(), outputs.std()
    product = deviations[0] * deviations[1]
    covariance = ((inputs - means[0]) * (outputs - means[1])).mean()
    return Lengths(
        mean_input=float(means[0]),
        mean_output=float(means[1]),
        variation_input=float(deviations[0] / means[0]),
        variation_output=float(deviations[1] / means[1]),
        correlation=float(covariance / product) if product > 0.0 else 0.0,
    )
