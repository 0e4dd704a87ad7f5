"""What the rent of an accelerator says about scarcity: its exponent, and the rent it foretells.

Two dated rents, the tightness at both dates and the fall of required rent between them identify the scarcity
exponent exactly; a third rent then tests it. Tightness comes from whoever models the fleet, with its spread as
draws, which pass straight through.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula()
def scarcity_exponent(rent_ratio: Numeric, required_rent_ratio: Numeric, tightness_ratio: Numeric) -> Numeric:
    """Scarcity exponent that explains the move of a rent between two dates.

    Parameters
    ----------
    rent_ratio
        Rent at the later date over the earlier, > 0 [1].
    required_rent_ratio
        Required rent of new capacity at the later date over the earlier, > 0 [1].
    tightness_ratio
        Tightness at the later date over the earlier, > 0 and not 1 [1].

    Returns
    -------
    Numeric
        Exponent φ [1].

    Notes
    -----
    From ``ρ = R (x/u*)^φ`` with the same target utilisation at both dates:
    ``φ = (ln ρ'/ρ - ln R'/R) / ln x'/x``. The level of required rent cancels.

    Examples
    --------
    >>> round(float(scarcity_exponent(2.35 / 1.70, 0.94, 1.067)), 2)
    5.95
    """
    return (np.log(rent_ratio) - np.log(required_rent_ratio)) / np.log(tightness_ratio)


@formula()
def foretold_rent(rent: Numeric, required_rent_ratio: Numeric, tightness_ratio: Numeric, exponent: Numeric) -> Numeric:
    """Rent at a later date from the rent at an earlier one.

    Parameters
    ----------
    rent
        Rent at the earlier date, > 0 [USD/hour].
    required_rent_ratio
        Required rent of new capacity at the later date over the earlier, > 0 [1].
    tightness_ratio
        Tightness at the later date over the earlier, > 0 [1].
    exponent
        Scarcity exponent φ, >= 0; 0 is a world without scarcity, in which the rent follows required rent [1].

    Returns
    -------
    Numeric
        Rent at the later date [USD/hour].

    Notes
    -----
    ``ρ' = ρ (R'/R) (x'/x)^φ``.

    Examples
    --------
    >>> round(float(foretold_rent(2.35, 0.964, 1.023, 5.95)), 3)
    2.594
    """
    return rent * required_rent_ratio * np.power(tightness_ratio, exponent)
