"""The delay of a cohort that is read at mid-step: it arrives in two neighbouring steps."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula(step=True)
def delay_offset(delay: Numeric, step: Numeric) -> Numeric:
    """First of the two steps, counted from the purchase step, in which a delayed cohort arrives.

    Parameters
    ----------
    delay
        Time from purchase to the event (service, end of life), ≥ 0 [year].
    step
        Length of a step, > 0 [year].

    Returns
    -------
    Numeric
        Whole number of steps, as a float [1].

    Notes
    -----
    ``j0 = floor(delay/step + 1/2)``. The share `delay_weight` arrives in step ``v + j0``, the rest in
    ``v + j0 + 1``.

    Examples
    --------
    >>> float(delay_offset(0.4, 0.25)), round(float(delay_weight(0.4, 0.25)), 2)
    (2.0, 0.9)
    """
    return np.floor(delay / step + 0.5)


@formula(step=True)
def delay_weight(delay: Numeric, step: Numeric) -> Numeric:
    """Share of a delayed cohort that arrives in the first of its two steps.

    Parameters
    ----------
    delay
        Time from purchase to the event, ≥ 0 [year].
    step
        Length of a step, > 0 [year].

    Returns
    -------
    Numeric
        Share above 0 up to 1 [1]; ``1 − delay_weight`` arrives one step later.

    Notes
    -----
    With ``n = delay/step`` and ``j0 = floor(n + 1/2)``: ``weight = j0 − n + 1/2``. The time between
    two events with delays of their own (service, end of life) is exact, whatever the step: summed over steps,
    the share in service is ``life/step``.

    Examples
    --------
    Without a lag half of a step's purchases are in service at its middle.

    >>> float(delay_offset(0.0, 0.25)), float(delay_weight(0.0, 0.25))
    (0.0, 0.5)
    """
    steps = delay / step
    return np.floor(steps + 0.5) - steps + 0.5
