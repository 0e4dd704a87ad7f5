"""The training programme over time: its reserve of capacity, and the capability that training buys.

Capacity is counted in reference accelerators; any one unit will do as long as all arguments share it.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = ["capability_index", "training_reserve"]


@formula(step=True)
def training_reserve(unconstrained: Numeric, share_limit: Numeric, capacity: Numeric, budget_limit: Numeric) -> Numeric:
    """Return the capacity that training and research hold back from serving.

    Parameters
    ----------
    unconstrained : ``()`` or array
        Reserve wanted, non-negative [accelerators]; see :func:`reserve_growth`.
    share_limit : ``()`` or array
        Largest share of the fleet that may be held, 0 to 1 [1].
    capacity : ``()`` or array
        Fleet in service, non-negative [accelerators].
    budget_limit : ``()`` or array
        Largest reserve that the budget pays for, non-negative [accelerators].

    Returns
    -------
    ``()`` or array
        Reserve held [accelerators], the least of the three.

    Notes
    -----
    ``R = min(R_wanted, s·K, R_budget)``.

    Examples
    --------
    >>> float(training_reserve(3.0e6, 0.35, 6.0e6, 2.5e6))
    2100000.0
    """
    return np.minimum(np.minimum(unconstrained, share_limit * capacity), budget_limit)


@formula(step=True)
def capability_index(reserve_ratio: Numeric, algorithmic_growth: Numeric, time: Numeric) -> Numeric:
    """Return effective training compute relative to a reference date.

    Parameters
    ----------
    reserve_ratio : ``()`` or array
        Reserve (as compute) over that of the reference date, non-negative [1].
    algorithmic_growth : ``()`` or array
        Logarithmic growth of training efficiency, signed [1/year].
    time : ``()`` or array
        Years since the reference date, signed [year].

    Returns
    -------
    ``()`` or array
        Effective training compute over that of the reference date [1].

    Notes
    -----
    ``K = (R/R_ref) · exp(g·t)``: its growth is that of the reserve plus that of algorithms. A lag between
    training and use is the caller's: pass the ratio and the time of the date whose models are in use.

    References
    ----------
    Ho et al. (2024), "Algorithmic progress in language models", arXiv 2403.05812: physical compute and
    algorithms multiply to effective compute.

    Examples
    --------
    >>> round(float(capability_index(4.0, np.log(2.8), 1.0)), 6)
    11.2
    """
    return reserve_ratio * np.exp(algorithmic_growth * time)
