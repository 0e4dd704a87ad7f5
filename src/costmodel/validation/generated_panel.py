"""Generated panels of demand with a known elasticity, for testing estimators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError, missing_extra


@dataclass(frozen=True, slots=True, eq=False)
class DemandPanel:
    """Quantities and prices of products over time.

    Parameters
    ----------
    quantity, price
        Quantity bought and price, > 0, (row,) [token/year], [USD/token].
    entity, period
        Labels of the product and of the period, (row,).
    cost_shift
        A shift of log cost that moves price and nothing else, (row,) [1]; an instrument.
    elasticity
        Elasticity that the panel was generated with; absent for observed data [1].
    """

    quantity: FloatArray
    price: FloatArray
    entity: NDArray[Any]
    period: NDArray[Any]
    cost_shift: FloatArray
    elasticity: float | None = None

    def to_frame(self) -> Any:
        """Return the panel as a table (extra ``frames``)."""
        try:
            import pandas as pd
        except ImportError:
            raise missing_extra("frames", "to_frame()") from None
        columns = ("quantity", "price", "entity", "period", "cost_shift")
        return pd.DataFrame({name: getattr(self, name) for name in columns})


def generate_panel(
    *,
    entities: int,
    periods: int,
    elasticity: float,
    rng: Any = None,
    decline: float = 0.03,
    price_spread: float = 0.2,
    noise: float = 0.3,
    persistence: float = 0.5,
    demand_pull: float = 0.0,
) -> DemandPanel:
    """Generate a panel whose elasticity is known.

    Parameters
    ----------
    entities, periods
        Numbers of products and of periods, >= 2.
    elasticity
        Price elasticity of demand, signed [1].
    rng
        Seed or generator; 0 is a seed.
    decline
        Fall of all prices per period [1].
    price_spread
        Standard deviation of a product's own moves of log cost [1].
    noise
        Standard deviation of log demand [1].
    persistence
        Correlation of a product's demand shock with its next one, -1 to 1 [1].
    demand_pull
        Share of a demand shock that sellers pass on to the price [1]; above 0, least squares is biased.

    Returns
    -------
    DemandPanel
        Balanced panel with its true elasticity.

    Raises
    ------
    DomainError
        If there are fewer than two products or periods, or persistence is not between -1 and 1.

    Examples
    --------
    >>> generate_panel(entities=3, periods=4, elasticity=-1.1, rng=0).quantity.size
    12
    """
    if entities < 2 or periods < 2:
        raise DomainError(f"{entities} products and {periods} periods: at least two of each are needed")
    if not -1 < persistence < 1:
        raise DomainError(f"persistence is {persistence!r}: it must be between -1 and 1")
    generator = np.random.default_rng(rng)
    cost_shift = generator.normal(0.0, price_spread, (entities, periods))
    fresh = generator.normal(0.0, noise, (entities, periods))
    shock = np.empty_like(fresh)
    shock[:, 0] = fresh[:, 0]
    for period in range(1, periods):
        shock[:, period] = persistence * shock[:, period - 1] + np.sqrt(1 - persistence**2) * fresh[:, period]
    base = generator.normal(0.0, 1.0, (entities, 1))
    season = generator.normal(0.0, 0.5, (1, periods)) + 0.05 * np.arange(periods)
    log_price = 0.3 * base - decline * np.arange(periods) + cost_shift + demand_pull * shock
    log_quantity = base + season + elasticity * log_price + shock
    labels = np.meshgrid(np.arange(entities), np.arange(periods), indexing="ij")
    return DemandPanel(
        readonly(np.exp(log_quantity).ravel()),
        readonly(np.exp(log_price).ravel()),
        labels[0].ravel(),
        labels[1].ravel(),
        readonly(cost_shift.ravel()),
        elasticity,
    )
