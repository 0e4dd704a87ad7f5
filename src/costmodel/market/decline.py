"""Laws of technological cost decline, and the learning rate of an experience exponent."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

LN2 = 0.6931471805599453
"""Natural logarithm of 2: one doubling [1]."""


@formula(step=True)
def wright(cost: Numeric, cumulative_ratio: Numeric, exponent: Numeric) -> Numeric:
    """Return the cost after cumulative output has grown (Wright's law).

    Parameters
    ----------
    cost
        Cost at the reference, > 0 [any money].
    cumulative_ratio
        Cumulative output over its reference, > 0 [1].
    exponent
        Experience exponent w, >= 0 [1].

    Returns
    -------
    Numeric
        Cost, in the unit of ``cost``.

    Notes
    -----
    ``c = c0 (X/X0)^(-w)``.

    References
    ----------
    Wright, T. P. (1936). Factors affecting the cost of airplanes. J. Aeronautical Sciences 3(4).

    Examples
    --------
    >>> round(float(wright(100.0, 2.0, 0.3219281)), 4)
    80.0
    """
    return cost * np.power(cumulative_ratio, -exponent)


@formula(step=True)
def moore(cost: Numeric, rate: Numeric, time: Numeric) -> Numeric:
    """Return the cost after a time at a constant rate of decline (Moore's law, generalized).

    Parameters
    ----------
    cost
        Cost at the reference date, > 0 [any money].
    rate
        Logarithmic rate of decline μ; positive means that cost falls [1/year].
    time
        Years since the reference date [year].

    Returns
    -------
    Numeric
        Cost, in the unit of ``cost``.

    Notes
    -----
    ``c = c0 exp(-μ t)``.

    Examples
    --------
    >>> round(float(moore(100.0, 0.6931472, 2.0)), 4)
    25.0
    """
    return cost * np.exp(-rate * time)


@formula()
def learning_rate(exponent: Numeric) -> Numeric:
    """Return the fall of cost per doubling of cumulative output, from the experience exponent.

    Parameters
    ----------
    exponent
        Experience exponent w, positive where cost falls [1].

    Returns
    -------
    Numeric
        Learning rate, ``1 - 2^(-w)`` [1].

    Examples
    --------
    >>> round(float(learning_rate(0.319)), 4)
    0.1984
    """
    return -np.expm1(-exponent * LN2)
