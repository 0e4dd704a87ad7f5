"""Prices that follow cost: mark-up and lag.

A price adjusts with a first-order lag: in a step it closes the share ``α = 1 - exp(-θΔt)`` of its log gap, exactly for
a target that moves linearly. Where the target itself depends on the price, the step is implicit
(`costmodel.market.clearing`), so that the price doesn't oscillate at any speed.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

_SERIES_BELOW = 0.1
"""Step in units of the lag below which the series is used [1]: its next term is under 1e-16."""


@formula(step=True)
def closing_share(speed: Numeric, step: Numeric) -> Numeric:
    """Return the share of a gap that a first-order lag closes within one step.

    Parameters
    ----------
    speed
        Speed of adjustment θ, >= 0; the mean lag is 1/θ [1/year].
    step
        Length of the step, >= 0 [year].

    Returns
    -------
    Numeric
        Closed share, 0 to 1 [1].

    Notes
    -----
    ``α = 1 - exp(-θΔt)``.

    Examples
    --------
    >>> round(float(closing_share(2.0, 0.25)), 6)
    0.393469
    """
    return -np.expm1(-speed * step)


@formula(step=True)
def lagged_target_weight(speed: Numeric, step: Numeric) -> Numeric:
    """Return the weight of the previous target when a first-order lag follows a target that moves linearly.

    From the target at two successive mid-steps, linear in between, the lagged value ends at
    ``previous + α (w · target_previous + (1 - w) · target - previous)``.

    Parameters
    ----------
    speed
        Speed of adjustment θ, >= 0 [1/year].
    step
        Length of the step, >= 0 [year].

    Returns
    -------
    Numeric
        Weight w of the previous target, from 1/2 for a slow lag down to 0 for an instant one [1].

    Notes
    -----
    With ``h = θΔt``: ``w = 1/h - 1/(e^h - 1)``, which is ``∫ h e^(-hu) u du / (1 - e^(-h))`` over 0 to 1;
    near 0 its series ``1/2 - h/12 + h³/720 - h⁵/30240 + h⁷/1209600`` is used.

    Examples
    --------
    >>> round(float(lagged_target_weight(2.0, 0.25)), 6)
    0.458506
    >>> float(lagged_target_weight(0.0, 0.25))
    0.5
    """
    width = speed * step
    safe = np.maximum(width, _SERIES_BELOW)
    closed = 1.0 / safe + np.exp(-safe) / np.expm1(-safe)
    small = np.minimum(width, _SERIES_BELOW)
    square = small * small
    series = 0.5 - small * (1.0 / 12.0 - square * (1.0 / 720.0 - square * (1.0 / 30240.0 - square / 1209600.0)))
    return np.where(width < _SERIES_BELOW, series, closed) + 0.0


@formula(step=True)
def first_order_lag(
    previous: Numeric, target_previous: Numeric, target: Numeric, speed: Numeric, step: Numeric
) -> Numeric:
    """Return the lagged value after one step, exact for a target that moves linearly in time.

    Used for the price that users respond to, which they notice with a delay, and for a price that follows cost.

    Parameters
    ----------
    previous
        Lagged value at the start of the step; usually a log price [1, or any unit].
    target_previous
        Target at the start of the step, in the unit of ``previous``.
    target
        Target at the end of the step, in the unit of ``previous``.
    speed
        Speed of adjustment θ, >= 0 [1/year].
    step
        Length of the step, >= 0 [year].

    Returns
    -------
    Numeric
        Lagged value at the end of the step, in the unit of ``previous``.

    Notes
    -----
    Solution of ``y' = θ (x(t) - y)`` with x linear over the step, h = θΔt and α = 1 - exp(-h):
    ``y + α (x_previous - y) + (1 - α/h)(x - x_previous)``, the same as
    ``y + α (w x_previous + (1 - w) x - y)`` with w of :func:`lagged_target_weight`.

    Examples
    --------
    >>> round(float(first_order_lag(0.0, 0.0, 1.0, 2.0, 0.25)), 6)
    0.213061
    """
    weight = lagged_target_weight(speed, step)
    followed = weight * target_previous + (1.0 - weight) * target
    return previous * np.exp(-speed * step) + closing_share(speed, step) * followed
