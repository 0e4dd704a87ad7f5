"""Derived figures as formulas: utilisation of a run, price and power per FLOP/s, rates of change, money of a year."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.units import SECONDS_PER_HOUR

FLOP_PER_PARAMETER_AND_TOKEN = 6.0
"""Training FLOP per parameter and token [FLOP/token]: two forward, four backward (Kaplan et al. 2020, section 2.1)."""


@formula()
def implied_utilisation(active_parameters: Numeric, tokens: Numeric, chip_hours: Numeric, peak: Numeric) -> Numeric:
    """Model FLOP utilisation that a run's disclosed size, tokens and hours imply.

    The 6ND check of a training run: far below the reported utilisation where hours include downtime or
    recomputation, above one where a disclosure is wrong.

    Parameters
    ----------
    active_parameters
        Parameters active per token, N [1], positive.
    tokens
        Training tokens, D [token], positive.
    chip_hours
        Accelerator-hours, h [hour], positive.
    peak
        Dense peak of one accelerator, F [FLOP/s], positive.

    Returns
    -------
    Numeric
        Utilisation [1].

    Notes
    -----
    ``6 N D / (3600 h F)``. Attention over long contexts is left out, so the figure is low for long sequences.

    References
    ----------
    Kaplan et al. 2020, arXiv 2001.08361, section 2.1.

    Examples
    --------
    >>> round(float(implied_utilisation(405e9, 15.6e12, 30.84e6, 989.4e12)), 3)
    0.345
    """
    return FLOP_PER_PARAMETER_AND_TOKEN * active_parameters * tokens / (chip_hours * SECONDS_PER_HOUR * peak)


@formula()
def price_per_flop_per_second(price: Numeric, peak: Numeric) -> Numeric:
    """Price of a unit of peak performance.

    Parameters
    ----------
    price
        Price of an accelerator [USD], not negative.
    peak
        Dense peak [FLOP/s], positive.

    Returns
    -------
    Numeric
        Price per FLOP/s [USD*s/FLOP].

    Examples
    --------
    >>> f"{float(price_per_flop_per_second(30_000.0, 1e15)):.1e}"
    '3.0e-11'
    """
    return price / peak


@formula()
def power_per_flop_per_second(power: Numeric, peak: Numeric) -> Numeric:
    """Rated power of a unit of peak performance.

    Parameters
    ----------
    power
        Rated power [W], not negative.
    peak
        Dense peak [FLOP/s], positive.

    Returns
    -------
    Numeric
        Power per FLOP/s [W*s/FLOP].

    Examples
    --------
    >>> f"{float(power_per_flop_per_second(700.0, 989.4e12)):.3e}"
    '7.075e-13'
    """
    return power / peak


@formula()
def relative_change(first: Numeric, last: Numeric) -> Numeric:
    """Change from a first to a last value, relative to the first.

    Parameters
    ----------
    first
        Earlier value, positive.
    last
        Later value, in the same unit.

    Returns
    -------
    Numeric
        Relative change [1]; −0.44 is a fall of 44 %.

    Examples
    --------
    >>> round(float(relative_change(98.32, 55.04)), 4)
    -0.4402
    """
    return last / first - 1.0


@formula()
def annual_fold(first: Numeric, last: Numeric, years: Numeric) -> Numeric:
    """Factor by which a value grows a year between two dates.

    Parameters
    ----------
    first
        Earlier value, positive.
    last
        Later value, positive, in the same unit.
    years
        Time between them [year], positive.

    Returns
    -------
    Numeric
        Factor a year [1]; below one where the value falls.

    Notes
    -----
    ``(last / first)^(1 / years)``. A price that falls from first to last
    falls ``annual_fold(last, first, years)``-fold.

    Examples
    --------
    >>> round(float(annual_fold(0.06, 60.0, 3.0)), 6)
    10.0
    """
    return np.power(last / first, 1.0 / years)


@formula()
def annual_change(first: Numeric, last: Numeric, years: Numeric) -> Numeric:
    """Relative change a year between two dates, compounded.

    Parameters
    ----------
    first
        Earlier value, positive.
    last
        Later value, positive, in the same unit.
    years
        Time between them [year], positive.

    Returns
    -------
    Numeric
        Relative change a year [1].

    Examples
    --------
    >>> round(float(annual_change(100.0, 81.0, 2.0)), 12)
    -0.1
    """
    return np.expm1(np.log(last / first) / years)


@formula()
def change_from_orders(orders: Numeric) -> Numeric:
    """Relative change a year of a rate in orders of magnitude a year.

    Parameters
    ----------
    orders
        Orders of magnitude a year, signed [1/year].

    Returns
    -------
    Numeric
        Relative change a year [1].

    Notes
    -----
    ``10^orders − 1``.

    Examples
    --------
    >>> round(float(change_from_orders(-0.14)), 4)
    -0.2756
    """
    return np.expm1(np.log(10.0) * orders)


@formula()
def doubling_time(log_slope: Numeric) -> Numeric:
    """Time in which a value doubles, from its logarithmic growth rate.

    Parameters
    ----------
    log_slope
        Growth of the natural logarithm [1/year], not zero; a negative slope gives minus the halving time.

    Returns
    -------
    Numeric
        Doubling time [year].

    Notes
    -----
    ``ln 2 / slope``.

    Examples
    --------
    >>> round(float(doubling_time(0.14 * 2.302585)), 2)
    2.15
    """
    return np.log(2.0) / log_slope


@formula()
def doubling_time_error(log_slope: Numeric, standard_error: Numeric) -> Numeric:
    """Return the standard error of a doubling time, from that of the fitted slope.

    Parameters
    ----------
    log_slope
        Fitted growth of the natural logarithm [1/year], not zero.
    standard_error
        Its standard error [1/year], not negative.

    Returns
    -------
    Numeric
        Standard error of the doubling time [year].

    Notes
    -----
    To first order (delta method): ``ln 2 · se / slope²``. Good where the error is small against the slope.

    Examples
    --------
    >>> round(float(doubling_time_error(0.5, 0.05)), 4)
    0.1386
    """
    return np.log(2.0) * standard_error / np.square(log_slope)


@formula()
def to_real(amount: Numeric, index_then: Numeric, index_wanted: Numeric) -> Numeric:
    """Convert money of one year into money of another by a price index.

    Parameters
    ----------
    amount
        Money of the year in which it was paid [USD].
    index_then
        Price index of that year, positive.
    index_wanted
        Price index of the year wanted, positive.

    Returns
    -------
    Numeric
        The same purchasing power in money of the year wanted [USD].

    Notes
    -----
    ``amount · index_wanted / index_then``.

    Examples
    --------
    >>> round(float(to_real(100.0, 250.0, 300.0)), 6)
    120.0
    """
    return amount * index_wanted / index_then
