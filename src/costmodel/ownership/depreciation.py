"""Depreciation of a cohort: cumulative shares in closed form.

Every method is written once as the cumulative share of the depreciable cost at an age since in service, so
that the expense of any period is a difference of two such shares and the sum closes by construction.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula(step=True)
def straight_line_fraction(age: Numeric, life: Numeric) -> Numeric:
    """Cumulative share depreciated at an age, straight line.

    Parameters
    ----------
    age
        Time since in service, signed: 0 before service [year].
    life
        Useful (book) life, > 0 [year].

    Returns
    -------
    Numeric
        Share of cost less salvage, 0 to 1 [1].

    Examples
    --------
    >>> [float(straight_line_fraction(age, 4.0)) for age in (-1.0, 1.0, 9.0)]
    [0.0, 0.25, 1.0]
    """
    return np.minimum(np.maximum(age / life, 0.0), 1.0)
