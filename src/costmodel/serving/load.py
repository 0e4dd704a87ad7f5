"""From a daily load curve to the share of paid hours that is busy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError

HOURS_PER_DAY = 24.0
"""Hours in a day."""


@formula()
def daily_load(hour: Numeric, peak_hour: Numeric, peak_to_average: Numeric) -> Numeric:
    """Load at an hour of the day over the day's mean: one smooth peak.

    Parameters
    ----------
    hour
        Hour of the day, 0 to 24 [hour].
    peak_hour
        Hour of the peak, 0 to 24 [hour].
    peak_to_average
        Peak over mean load, 1 to 2 (at 2 the trough is empty) [1].

    Returns
    -------
    float or array
        Load over its daily mean, >= 0 [1].

    Notes
    -----
    ``1 + (k − 1) cos(2π (h − h_peak) / 24)``, whose mean over a day is 1.

    Examples
    --------
    >>> float(daily_load(15.0, 15.0, 1.4)), round(float(daily_load(3.0, 15.0, 1.4)), 6)
    (1.4, 0.6)
    """
    return 1.0 + (peak_to_average - 1.0) * np.cos(2.0 * np.pi * (hour - peak_hour) / HOURS_PER_DAY)


@formula()
def utilisation_of_fleet(peak_to_average: Numeric, headroom: Numeric, elastic_share: Numeric) -> Numeric:
    """Share of paid accelerator-hours that is busy, from the shape of the day.

    A fleet is sized for its peak plus headroom; the elastic share of what the trough leaves idle is returned
    or given to other work (training at night), and is not paid for by the tokens.

    Parameters
    ----------
    peak_to_average
        Peak over mean load, >= 1 [1].
    headroom
        Capacity above the need, as a share of it, >= 0 [1].
    elastic_share
        Share of the idle capacity below the peak that is handed back, 0 to 1 [1].

    Returns
    -------
    float or array
        Utilisation, 0 < u <= 1 [1].

    Notes
    -----
    ``u = 1 / ((1 + headroom) (1 + (1 − elastic) (k − 1)))``.

    References
    ----------
    DeepSeek (2025), *Inference System Overview*: 226.75 nodes on average with a peak of 278, nodes being
    released to research and training at night.

    Examples
    --------
    >>> round(float(utilisation_of_fleet(278 / 226.75, 0.0, 0.0)), 4)
    0.8156
    """
    paid = 1.0 + (1.0 - elastic_share) * (peak_to_average - 1.0)
    return 1.0 / ((1.0 + headroom) * paid)


def peak_to_average(load: ArrayLike) -> float:
    """Return the peak of a measured load curve over its mean.

    Parameters
    ----------
    load
        Load in equal intervals of the day (or week), >= 0, any unit, shape (interval,).

    Raises
    ------
    DomainError
        If the curve is empty, not finite, negative or all zero.

    Examples
    --------
    >>> peak_to_average([1.0, 2.0, 3.0])
    1.5
    """
    curve = np.asarray(load, dtype=np.float64)
    if curve.ndim != 1 or curve.size == 0 or not np.all(np.isfinite(curve)) or np.any(curve < 0.0):
        raise DomainError("load: a non-empty list of finite values >= 0 is needed, one per equal interval")
    if not np.any(curve > 0.0):
        raise DomainError("load: every interval is 0, so that the curve has no mean")
    return float(curve.max() / curve.mean())
