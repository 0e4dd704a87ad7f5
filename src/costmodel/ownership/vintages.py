"""Cohorts of equipment: when they enter service, and how many of them survive.

A cohort is bought evenly over a step and enters service a lag later, so at the middle of a later step a part
of it may have arrived. The same fact read as a flow is a *fractional delay*: a cohort arrives in two
neighbouring steps. Both readings give the same stock, so a running total needs no sum over vintages.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula(step=True)
def in_service_fraction(age: Numeric, lag: Numeric, step: Numeric) -> Numeric:
    """Share of a cohort that is in service at mid-step.

    Parameters
    ----------
    age
        Time from the middle of the purchase step to the middle of this one, ≥ 0 [year], any shape.
    lag
        Time from purchase to service, ≥ 0 [year]; need not be a multiple of the step.
    step
        Length of a step, > 0 [year].

    Returns
    -------
    Numeric
        Share from 0 to 1 [1].

    Notes
    -----
    Purchases are spread evenly over their step:
    ``fraction = clip((age − lag)/step + 1/2, 0, 1)``.

    Examples
    --------
    A lag of 0.4 years and quarters: nothing in the first later quarter, most of it in the second.

    >>> [round(float(in_service_fraction(age, 0.4, 0.25)), 2) for age in (0.25, 0.5, 0.75)]
    [0.0, 0.9, 1.0]
    """
    return np.minimum(np.maximum(age / step - lag / step + 0.5, 0.0), 1.0)


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
    ``v + j0 + 1``; the cumulative arrivals are `in_service_fraction`.

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


@formula(step=True)
def survival(age: Numeric, failure_rate: Numeric) -> Numeric:
    """Share of units that have not failed for good after some time in service.

    Parameters
    ----------
    age
        Time in service, ≥ 0 [year].
    failure_rate
        Permanent failures per unit and year, ≥ 0 [1/year].

    Returns
    -------
    Numeric
        Share from 0 to 1 [1].

    Notes
    -----
    Constant hazard: ``exp(−failure_rate·age)``. It counts units that leave for good, not interruptions, most
    of which end with a restart.

    Examples
    --------
    >>> round(float(survival(6.0, 0.035)), 3)
    0.811
    """
    return np.exp(-failure_rate * age)
