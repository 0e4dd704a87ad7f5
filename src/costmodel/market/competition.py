"""Competition between operators: users choose by price and capability, and switch slowly.

Each operator's share tends to its logit share on price and capability; users move at a switching rate. A rival
that leapfrogs in capability or undercuts in price takes the lead some time later, not at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, formula, ordered_sum, readonly
from costmodel.foundation.errors import DomainError
from costmodel.market.pricing import closing_share
from costmodel.market.substitution import logit_shares


@formula()
def choice_utility(
    price: Numeric, capability: Numeric, price_sensitivity: Numeric, capability_sensitivity: Numeric
) -> Numeric:
    """Return what an operator's tokens are worth to a user who weighs price against capability.

    Parameters
    ----------
    price
        Price, > 0 [USD/token].
    capability
        Effective training compute over any common reference, > 0 [1].
    price_sensitivity
        Fall of utility per unit of log price, >= 0 [1].
    capability_sensitivity
        Rise of utility per unit of log capability, >= 0 [1].

    Returns
    -------
    Numeric
        Utility, up to a constant that is the same for all [1].

    Notes
    -----
    ``u = b ln K - a ln p``: users pay ``b/a`` per cent more for a per cent of capability.

    Examples
    --------
    >>> round(float(choice_utility(2.0, 8.0, 1.0, 1.0)), 4)
    1.3863
    """
    return capability_sensitivity * np.log(capability) - price_sensitivity * np.log(price)


@formula()
def followed_share(share: Numeric, target_share: Numeric, switching_rate: Numeric, step: Numeric) -> Numeric:
    """Share of an operator one step on, when users move towards their choice at a rate.

    Parameters
    ----------
    share
        Share at the start of the step, 0 to 1 [1].
    target_share
        Share if everyone chose anew, 0 to 1 [1].
    switching_rate
        Rate at which users reconsider, >= 0 [1/year].
    step
        Length of the step, >= 0 [year].

    Returns
    -------
    Numeric
        Share at the end of the step [1]; shares that sum to 1 still do.

    Notes
    -----
    ``s + (1 - exp(-σΔt)) (s* - s)``.

    Examples
    --------
    >>> round(float(followed_share(0.8, 0.2, 1.0, 1.0)), 4)
    0.4207
    """
    moved = -np.expm1(-switching_rate * step)
    return share * np.exp(-switching_rate * step) + moved * target_share


@formula()
def logit_markup(price_sensitivity: Numeric, share: Numeric) -> Numeric:
    """Mark-up on cost that pays best for an operator whose rivals keep their prices.

    Parameters
    ----------
    price_sensitivity
        Fall of utility per unit of log price, > 1 [1]; times ``1 - share`` it must still be above 1.
    share
        The operator's share, 0 to less than 1 [1].

    Returns
    -------
    Numeric
        Mark-up on cost [1]: it rises with the share.

    Notes
    -----
    Own-price elasticity is ``-a (1 - s)``, so ``(p - c)/p = 1/(a (1 - s))`` and ``m = 1/(a (1 - s) - 1)``.

    Examples
    --------
    >>> round(float(logit_markup(4.0, 0.25)), 4)
    0.5
    """
    return 1.0 / (price_sensitivity * (1.0 - share) - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Shares of competing operators over time.

    Parameters
    ----------
    share
        Shares at the end of each step, (step, operator) or (step, operator, draw) [1].
    target
        Shares if everyone chose anew, same shape [1].
    price
        Prices, same shape [USD/token].
    """

    share: FloatArray
    target: FloatArray
    price: FloatArray

    @property
    def leader(self) -> Any:
        """Index of the operator with the largest share, (step,) or (step, draw)."""
        return np.argmax(self.share, axis=1)

    @property
    def lead_changes(self) -> Any:
        """How often the lead changed hands, () or (draw,)."""
        return np.count_nonzero(np.diff(self.leader, axis=0), axis=0)

    @property
    def paid_price(self) -> FloatArray:
        """Average price paid, weighted by shares, (step,) or (step, draw) [USD/token]."""
        return readonly(ordered_sum(np.moveaxis(self.share * self.price, 1, 0)))

    @property
    def concentration(self) -> FloatArray:
        """Herfindahl index of the shares, 1 for a monopoly, (step,) or (step, draw) [1]."""
        return readonly(ordered_sum(np.moveaxis(self.share * self.share, 1, 0)))


def compete(
    price: Any,
    capability: Any,
    *,
    price_sensitivity: Any,
    capability_sensitivity: Any,
    switching_rate: Any,
    step: float,
    initial_share: Any | None = None,
) -> Contest:
    """Follow the shares of operators whose prices and capabilities move.

    Parameters
    ----------
    price, capability
        Price [USD/token] and capability [1] of each operator, > 0, (step, operator) or (step, operator, draw).
    price_sensitivity, capability_sensitivity
        Weights of log price and log capability in utility, >= 0, () or (draw,) [1].
    switching_rate
        Rate at which users reconsider, >= 0, () or (draw,) [1/year].
    step
        Length of a step, > 0 [year].
    initial_share
        Shares before the first step, summing to 1, (operator,); the logit shares of the first step if absent [1].

    Returns
    -------
    Contest
        Shares and what follows from them.

    Raises
    ------
    DomainError
        If shapes differ, a price or capability is not above 0, or initial shares do not sum to 1.

    Examples
    --------
    >>> contest = compete([[1.0, 1.0], [1.0, 1.0]], [[2.0, 1.0], [2.0, 16.0]], price_sensitivity=1.0,
    ...     capability_sensitivity=1.0, switching_rate=2.0, step=1.0)
    >>> contest.leader.tolist(), int(contest.lead_changes)
    ([0, 1], 1)
    """
    prices, abilities = np.asarray(price, dtype=np.float64), np.asarray(capability, dtype=np.float64)
    if prices.shape != abilities.shape or prices.ndim < 2:
        raise DomainError(f"price {prices.shape} and capability {abilities.shape} must both be (step, operator, …)")
    if not (np.all(prices > 0) and np.all(abilities > 0) and step > 0):
        raise DomainError("prices, capabilities and the step must be above 0")
    utility = choice_utility(prices, abilities, price_sensitivity, capability_sensitivity)
    target = logit_shares(np.moveaxis(utility, 1, 0))
    moved = closing_share(switching_rate, step)
    share = target[:, 0] if initial_share is None else _given_share(initial_share, target[:, 0])
    path = []
    for index in range(prices.shape[0]):
        share = share + moved * (target[:, index] - share)
        path.append(share)
    return Contest(readonly(np.stack(path)), readonly(np.moveaxis(target, 0, 1)), readonly(prices))


def _given_share(initial_share: Any, like: FloatArray) -> FloatArray:
    """Return the given shares in the shape of a step, after checking them."""
    given = np.asarray(initial_share, dtype=np.float64)
    if given.shape[:1] != like.shape[:1] or not np.allclose(ordered_sum(given), 1.0, atol=1e-9):
        raise DomainError(f"initial_share has shape {given.shape}: one share per operator, summing to 1")
    if np.any(given < 0):
        raise DomainError("initial_share: a share cannot be below 0")
    return np.broadcast_to(given.reshape(given.shape + (1,) * (like.ndim - given.ndim)), like.shape)
