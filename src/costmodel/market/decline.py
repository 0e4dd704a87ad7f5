"""Forms of technological decline, and conversions between the names of their slope.

*Learning rate* is the fall of cost per doubling of cumulative output, *progress ratio* what remains after a
doubling, *experience exponent* the slope in logarithms: three names of one number, each with its function.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

LN2 = 0.6931471805599453
"""Natural logarithm of 2: one doubling [1]."""


@formula(step=True)
def wright(cost: Numeric, cumulative_ratio: Numeric, exponent: Numeric) -> Numeric:
    """Cost after cumulative output has grown (Wright's law).

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
    """Cost after a time at a constant rate of decline (Moore's law, generalized).

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
def goddard(cost: Numeric, output_ratio: Numeric, exponent: Numeric) -> Numeric:
    """Cost as annual output grows: economies of scale alone (Goddard's law).

    Parameters
    ----------
    cost
        Cost at the reference, > 0 [any money].
    output_ratio
        Output per year over its reference, > 0 [1].
    exponent
        Scale exponent s, >= 0 [1].

    Returns
    -------
    Numeric
        Cost, in the unit of ``cost``.

    Notes
    -----
    ``c = c0 (q/q0)^(-s)``.

    References
    ----------
    Goddard, C. (1982). Debunking the learning curve. IEEE Trans. Components, Hybrids, Manuf. Tech. 5(4).

    Examples
    --------
    >>> round(float(goddard(100.0, 4.0, 0.25)), 4)
    70.7107
    """
    return cost * np.power(output_ratio, -exponent)


@formula()
def sinclair_klepper_cohen(
    cost: Numeric,
    output_ratio: Numeric,
    cumulative_ratio: Numeric,
    scale_exponent: Numeric,
    experience_exponent: Numeric,
) -> Numeric:
    """Cost by economies of scale and experience together (Sinclair, Klepper and Cohen).

    Parameters
    ----------
    cost
        Cost at the reference, > 0 [any money].
    output_ratio
        Output per year over its reference, > 0 [1].
    cumulative_ratio
        Cumulative output over its reference, > 0 [1].
    scale_exponent, experience_exponent
        Exponents of the two, positive where cost falls [1].

    Returns
    -------
    Numeric
        Cost, in the unit of ``cost``.

    Notes
    -----
    ``c = c0 (q/q0)^(-s) (X/X0)^(-w)``.

    References
    ----------
    Sinclair, G., Klepper, S. and Cohen, W. (2000). What's experience got to do with it? Management Science
    46(1).

    Examples
    --------
    >>> round(float(sinclair_klepper_cohen(100.0, 2.0, 2.0, 0.1, 0.2)), 4)
    81.2252
    """
    return cost * np.power(output_ratio, -scale_exponent) * np.power(cumulative_ratio, -experience_exponent)


@formula()
def nordhaus(cost: Numeric, cumulative_ratio: Numeric, time: Numeric, exponent: Numeric, rate: Numeric) -> Numeric:
    """Cost by experience and by time together (Nordhaus).

    Parameters
    ----------
    cost
        Cost at the reference, > 0 [any money].
    cumulative_ratio
        Cumulative output over its reference, > 0 [1].
    time
        Years since the reference date [year].
    exponent
        Experience exponent w [1].
    rate
        Logarithmic rate of decline that time alone brings, μ [1/year].

    Returns
    -------
    Numeric
        Cost, in the unit of ``cost``.

    Notes
    -----
    ``c = c0 (X/X0)^(-w) exp(-μ t)``. If cumulative output grows steadily, w and μ cannot be told apart.

    References
    ----------
    Nordhaus, W. D. (2014). The perils of the learning model. The Energy Journal 35(1).

    Examples
    --------
    >>> round(float(nordhaus(100.0, 2.0, 1.0, 0.2, 0.1)), 4)
    78.7707
    """
    return cost * np.power(cumulative_ratio, -exponent) * np.exp(-rate * time)


@formula()
def learning_rate(exponent: Numeric) -> Numeric:
    """Fall of cost per doubling of cumulative output, from the experience exponent.

    Parameters
    ----------
    exponent
        Experience exponent w [1].

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


@formula()
def progress_ratio(exponent: Numeric) -> Numeric:
    """Cost that remains after a doubling of cumulative output, from the experience exponent.

    Parameters
    ----------
    exponent
        Experience exponent w [1].

    Returns
    -------
    Numeric
        Progress ratio, ``2^(-w)`` [1].

    Examples
    --------
    >>> round(float(progress_ratio(0.319)), 4)
    0.8016
    """
    return np.exp(-exponent * LN2)


@formula()
def exponent_of_learning_rate(learning_rate: Numeric) -> Numeric:
    """Experience exponent, from the fall of cost per doubling.

    Parameters
    ----------
    learning_rate
        Fall per doubling, < 1 [1].

    Returns
    -------
    Numeric
        Experience exponent, ``-log2(1 - learning rate)`` [1].

    Examples
    --------
    >>> round(float(exponent_of_learning_rate(0.2)), 4)
    0.3219
    """
    return -np.log1p(-learning_rate) / LN2


@formula()
def exponent_of_progress_ratio(progress_ratio: Numeric) -> Numeric:
    """Experience exponent, from what remains of cost after a doubling.

    Parameters
    ----------
    progress_ratio
        Cost after a doubling over cost before, > 0 [1].

    Returns
    -------
    Numeric
        Experience exponent, ``-log2(progress ratio)`` [1].

    Examples
    --------
    >>> round(float(exponent_of_progress_ratio(0.8)), 4)
    0.3219
    """
    return -np.log(progress_ratio) / LN2


@formula()
def sahal_rate(exponent: Numeric, output_growth: Numeric) -> Numeric:
    """Rate of decline in time that Wright's law implies while output grows steadily (Sahal).

    Parameters
    ----------
    exponent
        Experience exponent w [1].
    output_growth
        Logarithmic growth of cumulative output [1/year].

    Returns
    -------
    Numeric
        Logarithmic rate of decline, ``w g`` [1/year].

    References
    ----------
    Sahal, D. (1979). A theory of progress functions. AIIE Transactions 11(1).

    Examples
    --------
    >>> round(float(sahal_rate(0.32, 0.5)), 3)
    0.16
    """
    return exponent * output_growth
