"""Test functions of sensitivity analysis, with their known indices."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, formula

G_COEFFICIENTS = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)
"""The usual eight coefficients [1]: two inputs matter, two a little, four hardly (default of SALib's Sobol_G)."""


@formula()
def ishigami(x1: Numeric, x2: Numeric, x3: Numeric, a: Numeric = 7.0, b: Numeric = 0.1) -> Numeric:
    """Ishigami and Homma's function: nonlinear, not monotone, with one input that acts only through another.

    Parameters
    ----------
    x1, x2, x3
        Independent inputs, uniform between -π and π, [1].
    a, b
        Coefficients, [1].

    Returns
    -------
    Numeric
        Value of the function, [1].

    Notes
    -----
    f = sin x₁ + a sin² x₂ + b x₃⁴ sin x₁.

    References
    ----------
    Ishigami and Homma, *An importance quantification technique in uncertainty analysis for computer models*,
    ISUMA 1990.

    Examples
    --------
    >>> import math
    >>> round(float(ishigami(math.pi / 2, math.pi / 2, 1.0)), 12)
    8.1
    """
    sine = np.sin(x1)
    return sine + a * np.square(np.sin(x2)) + b * np.power(x3, 4.0) * sine


def ishigami_indices(a: float = 7.0, b: float = 0.1) -> tuple[FloatArray, FloatArray]:
    """First and total order Sobol' indices of the Ishigami function.

    Parameters
    ----------
    a, b
        Coefficients of the function, [1].

    Returns
    -------
    first, total
        One index per input, [1].

    Notes
    -----
    V₁ = ½(1 + bπ⁴/5)², V₂ = a²/8, V₁₃ = 8b²π⁸/225, all others 0.

    Examples
    --------
    >>> first, total = ishigami_indices()
    >>> [round(float(index), 4) for index in first], [round(float(index), 4) for index in total]
    ([0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437])
    """
    alone = 0.5 * (1.0 + b * np.pi**4 / 5.0) ** 2
    second = a**2 / 8.0
    joint = 8.0 * b**2 * np.pi**8 / 225.0
    variance = alone + second + joint
    return (
        np.array([alone, second, 0.0]) / variance,
        np.array([alone + joint, second, joint]) / variance,
    )


def g_function(inputs: Numeric, coefficients: tuple[float, ...] = G_COEFFICIENTS) -> FloatArray:
    """Sobol's g-function: a product, so that inputs interact to every order.

    Parameters
    ----------
    inputs
        Independent inputs, uniform between 0 and 1, [1], shape ``(d,) + batch``.
    coefficients
        One per input, 0 or more, [1]: an input with 0 matters, one with 99 hardly does.

    Returns
    -------
    FloatArray
        Value of the function, [1], of the batch's shape.

    Notes
    -----
    f = Π (|4xᵢ − 2| + aᵢ)/(1 + aᵢ).

    Examples
    --------
    >>> round(float(g_function([0.5, 1.0], (0.0, 1.0))), 12)
    0.0
    """
    values = np.asarray(inputs, dtype=np.float64)
    shape = (len(coefficients),) + (1,) * (values.ndim - 1)
    a = np.asarray(coefficients).reshape(shape)
    product: FloatArray = np.prod((np.abs(4.0 * values - 2.0) + a) / (1.0 + a), axis=0)
    return product


def g_function_indices(coefficients: tuple[float, ...] = G_COEFFICIENTS) -> tuple[FloatArray, FloatArray]:
    """First and total order Sobol' indices of the g-function.

    Parameters
    ----------
    coefficients
        One per input, 0 or more, [1].

    Returns
    -------
    first, total
        One index per input, [1].

    Notes
    -----
    Vᵢ = 1/(3(1 + aᵢ)²), V = Π(1 + Vᵢ) − 1, and the total index of i is Vᵢ Π_{j≠i}(1 + Vⱼ)/V.

    Examples
    --------
    >>> first, total = g_function_indices()
    >>> [round(float(index), 3) for index in first[:3]], round(float(total[0]), 3)
    ([0.716, 0.179, 0.024], 0.787)
    """
    own = 1.0 / (3.0 * (1.0 + np.asarray(coefficients, dtype=np.float64)) ** 2)
    everything = float(np.prod(1.0 + own))
    return own / (everything - 1.0), own / (1.0 + own) * everything / (everything - 1.0)
