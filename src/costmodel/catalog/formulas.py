"""Consistency check of a training run's disclosures: the utilisation that they imply."""

from __future__ import annotations

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.units import SECONDS_PER_HOUR

FLOP_PER_PARAMETER_AND_TOKEN = 6.0
"""Training FLOP per parameter and token [FLOP/token]: two forward, four backward (Kaplan et al. 2020, section 2.1)."""


@formula()
def implied_utilisation(active_parameters: Numeric, tokens: Numeric, chip_hours: Numeric, peak: Numeric) -> Numeric:
    """Return the model FLOP utilisation that a run's disclosed size, tokens and hours imply.

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
