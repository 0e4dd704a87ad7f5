"""The training programme over time: its budget, and the capability that training buys.

Compute is counted in accelerator-hours; any one unit will do as long as all arguments share it.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = ["capability_index", "training_budget"]


@formula(step=True)
def training_budget(revenue: Numeric, revenue_share: Numeric, investors: Numeric) -> Numeric:
    """Return a programme's budget for compute: a share of revenue plus investors' money.

    Parameters
    ----------
    revenue : ``()`` or array
        Revenue that the budget is set by, such as a moving average, non-negative [USD/year].
    revenue_share : ``()`` or array
        Share of it that goes into training compute, non-negative [1].
    investors : ``()`` or array
        Investors' money for training compute, non-negative [USD/year].

    Returns
    -------
    ``()`` or array
        Budget [USD/year]; it buys ``budget/rent`` accelerator-hours a year.

    Examples
    --------
    >>> float(training_budget(20e9, 0.35, 14e9))
    21000000000.0
    """
    return revenue_share * revenue + investors


@formula(step=True)
def capability_index(compute_ratio: Numeric, algorithmic_growth: Numeric, time: Numeric) -> Numeric:
    """Return effective training compute relative to a reference date.

    Parameters
    ----------
    compute_ratio : ``()`` or array
        Training compute over that of the reference date, non-negative [1].
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
    ``K = (C/C_ref) · exp(g·t)``: its growth is that of compute plus that of algorithms. A lag between
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
    return compute_ratio * np.exp(algorithmic_growth * time)
