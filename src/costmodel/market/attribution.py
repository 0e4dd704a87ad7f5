"""What a change is made of: the fall of a price, and the growth of usage.

Both splits are sums of logarithms, exact by construction, with a remainder that is named. Arguments may be
draws: a split over an uncertain elasticity is then a range, which is how it should be published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.reducers import exact_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBasis:
    """What the price of a token is made of at one date; each may be () or (draw,).

    Parameters
    ----------
    hardware_cost
        Required rent per unit of peak computing, > 0 [USD/FLOP].
    compute_per_token
        Work per token, > 0 [FLOP/token].
    effective_share
        Share of peak that tokens get: utilisation times hours sold, > 0 [1].
    markup
        Mark-up on unit cost, > -1 [1].
    """

    hardware_cost: Numeric
    compute_per_token: Numeric
    effective_share: Numeric
    markup: Numeric

    @property
    def unit_cost(self) -> Numeric:
        """Cost of a token [USD/token]."""
        return self.hardware_cost * self.compute_per_token / self.effective_share

    @property
    def price(self) -> Numeric:
        """Price of a token that follows from cost and mark-up [USD/token]."""
        return self.unit_cost * (1.0 + self.markup)


@dataclass(frozen=True, slots=True, eq=False)
class PriceSplit:
    """Fall of a token price by cause, as logarithms that add up; positive where the cause lowered the price."""

    hardware: Numeric
    """Cheaper computing [1]."""
    software: Numeric
    """Less work per token [1]."""
    scale: Numeric
    """Fuller use of what is installed [1]."""
    markup: Numeric
    """A smaller mark-up [1]."""
    unexplained: Numeric
    """What an observed price fell beyond the four; 0 where no price was observed [1]."""

    @property
    def total(self) -> Numeric:
        """Logarithm of the price before over the price after [1]."""
        return self.hardware + self.software + self.scale + self.markup + self.unexplained

    def shares(self) -> dict[str, Numeric]:
        """Return the share of each cause in the whole fall."""
        names = ("hardware", "software", "scale", "markup", "unexplained")
        return {name: getattr(self, name) / self.total for name in names}


def split_price_decline(
    before: PriceBasis, after: PriceBasis, *, price: Numeric | None = None, later_price: Numeric | None = None
) -> PriceSplit:
    """Split the fall of a token price into hardware, software, scale and mark-up.

    Parameters
    ----------
    before, after
        What the price was made of at the two dates.
    price, later_price
        Prices observed at the two dates [USD/token]; what they fell beyond the four causes is unexplained.

    Returns
    -------
    PriceSplit
        Logarithms by cause, whose sum is the whole fall.

    Notes
    -----
    ``ln p/p' = ln h/h' + ln c/c' + ln e'/e + ln (1+m)/(1+m')``: the price is a product, so nothing is left over
    but what was observed beyond it.

    Examples
    --------
    >>> before = PriceBasis(hardware_cost=2e-18, compute_per_token=8e11, effective_share=0.2, markup=1.0)
    >>> after = PriceBasis(hardware_cost=1e-18, compute_per_token=2e11, effective_share=0.4, markup=0.5)
    >>> {cause: round(float(share), 3) for cause, share in split_price_decline(before, after).shares().items()}
    {'hardware': 0.226, 'software': 0.453, 'scale': 0.226, 'markup': 0.094, 'unexplained': 0.0}
    """
    hardware = np.log(before.hardware_cost / after.hardware_cost)
    software = np.log(before.compute_per_token / after.compute_per_token)
    scale = np.log(after.effective_share / before.effective_share)
    markup = np.log((1.0 + before.markup) / (1.0 + after.markup))
    explained = hardware + software + scale + markup
    observed = explained if price is None or later_price is None else np.log(price / later_price)
    return PriceSplit(hardware, software, scale, markup, observed - explained)


@dataclass(frozen=True, slots=True, eq=False)
class GrowthSplit:
    """Growth of usage by cause, as logarithms that add up."""

    price: Numeric
    """Response to a lower price: elasticity times the fall [1]."""
    adoption: Numeric
    """More users [1]."""
    intensity: Numeric
    """More tokens per user than price explains: reasoning, agents, new workloads; the remainder [1]."""

    @property
    def total(self) -> Numeric:
        """Logarithm of the growth [1]."""
        return self.price + self.adoption + self.intensity

    def shares(self) -> dict[str, Numeric]:
        """Return the share of each cause in the whole growth."""
        return {name: getattr(self, name) / self.total for name in ("price", "adoption", "intensity")}

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """Return the bounds that hold the share of one cause in ``level`` of the draws."""
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
        Price of the tokens that are served, after over before, > 0 [1]; not the price at fixed capability unless
        users stayed with the same ability.
    elasticity
        Price elasticity of demand, signed; usually draws, since history does not identify it [1].
    adoption_ratio
        Users after over before, > 0 [1].

    Returns
    -------
    GrowthSplit
        Logarithms by cause; intensity is what is left.

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
