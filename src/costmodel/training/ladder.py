"""The training ladder: how the largest runs grow, and when they pass a round figure."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = ["crossing_year"]


@formula()
def crossing_year(target: Numeric, reference: Numeric, reference_year: Numeric, growth_rate: Numeric) -> Numeric:
    """Return the year in which a growing quantity passes a target.

    Parameters
    ----------
    target : ``()`` or array
        Value to pass, positive, in the unit of the reference.
    reference : ``()`` or array
        Value at the reference date, positive.
    reference_year : ``()`` or array
        Reference date [year], such as 2023.2.
    growth_rate : ``()`` or array
        Logarithmic growth, positive [1/year].

    Returns
    -------
    ``()`` or array
        Date [year]; before the reference where the target is below it.

    Notes
    -----
    ``t = t_0 + ln(target/reference)/g``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015: by 2027 the largest runs cost more than 1 billion USD.

    Examples
    --------
    >>> round(float(crossing_year(400.0, 100.0, 2023.0, np.log(2.0))), 6)
    2025.0
    """
    return reference_year + np.log(target / reference) / growth_rate
