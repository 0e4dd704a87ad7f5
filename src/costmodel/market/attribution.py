"""Attribute the growth of usage to its causes: an exact sum of logarithms with a named remainder.

Arguments may be draws: an uncertain elasticity then gives a range of splits, which should be published as a range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.reducers import exact_quantile


@dataclass(frozen=True, slots=True, eq=False)
class GrowthSplit:
    """Growth of usage by cause, as logarithms that add up to the total."""

    price: Numeric
    """Response to price: elasticity times log price ratio [1]."""
    adoption: Numeric
    """Growth of users [1]."""
    intensity: Numeric
    """Growth of tokens per user beyond the response to price: reasoning, agents, new workloads; the remainder [1]."""

    @property
    def total(self) -> Numeric:
        """Logarithm of the total growth [1]."""
        return self.price + self.adoption + self.intensity

    def shares(self) -> dict[str, Numeric]:
        """Return the share of each cause in the logarithm of the growth [1]; negative where it worked against it."""
        return {name: getattr(self, name) / self.total for name in ("price", "adoption", "intensity")}

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """Return the bounds of the central ``level`` of draws of one cause's share [1]."""
        share: FloatArray = np.atleast_1d(np.asarray(self.shares()[name], dtype=float))
        low, high = exact_quantile(share, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)


def split_usage_growth(
    quantity_ratio: Numeric, price_ratio: Numeric, elasticity: Numeric, adoption_ratio: Numeric
) -> GrowthSplit:
    """Split the growth of usage into price, adoption and intensity.

    Parameters
    ----------
    quantity_ratio
        Tokens after over tokens before, > 0 [1].
    price_ratio
        Price of the tokens served, after over before, > 0 [1]; use the price at fixed capability only if users stayed
        at that capability.
    elasticity
        Price elasticity of demand, signed; usually draws, since history does not identify it [1].
    adoption_ratio
        Users after over before, > 0 [1].

    Returns
    -------
    GrowthSplit
        Logarithms by cause; intensity is the remainder.

    Notes
    -----
    ``ln Q'/Q = ε ln p'/p + ln N'/N + remainder``.

    Examples
    --------
    >>> {cause: round(float(share), 3) for cause, share in split_usage_growth(49.5, 0.5, -1.11, 2.0).shares().items()}
    {'price': 0.197, 'adoption': 0.178, 'intensity': 0.625}
    """
    price = elasticity * np.log(price_ratio)
    adoption = np.log(adoption_ratio)
    return GrowthSplit(price, adoption, np.log(quantity_ratio) - price - adoption)
