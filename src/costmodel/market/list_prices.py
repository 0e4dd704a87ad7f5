"""List prices and what is really paid: caches, batches, commitments, pass-through and clearing.

A list has several prices (input, cached input, output); a bill has one average. Discounts multiply.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula()
def blended_price(input_price: Numeric, output_price: Numeric, input_share: Numeric) -> Numeric:
    """Average price per token of a mix of input and output.

    Parameters
    ----------
    input_price, output_price
        Prices per token read and written, >= 0 [USD/token].
    input_share
        Input tokens over all tokens, 0 to 1 [1]; 0.75 is the customary three to one.

    Returns
    -------
    Numeric
        Price per token, input and output together [USD/token].

    Notes
    -----
    ``s p_in + (1 - s) p_out``.

    Examples
    --------
    >>> float(blended_price(1.25, 10.0, 0.75))
    3.4375
    """
    return input_share * input_price + (1.0 - input_share) * output_price


@formula()
def cached_input_price(
    input_price: Numeric,
    hit_share: Numeric,
    hit_discount: Numeric,
    write_share: Numeric,
    write_premium: Numeric,
) -> Numeric:
    """Average price per input token with prompt caching.

    Parameters
    ----------
    input_price
        List price per input token, >= 0 [USD/token].
    hit_share
        Share of input tokens read from the cache, 0 to 1 [1].
    hit_discount
        Discount on a hit, 0 to 1 [1].
    write_share
        Share of input tokens written to the cache, 0 to 1 less hits [1].
    write_premium
        Premium on a write, >= 0 [1].

    Returns
    -------
    Numeric
        Average price per input token [USD/token].

    Notes
    -----
    ``p (1 - hits·discount + writes·premium)``. Caching pays once hits·discount exceeds writes·premium.

    Examples
    --------
    >>> round(float(cached_input_price(3.0, 0.8, 0.9, 0.1, 0.25)), 4)
    0.915
    """
    return input_price * (1.0 - hit_share * hit_discount + write_share * write_premium)


@formula()
def realised_price(
    list_price: Numeric,
    batch_share: Numeric,
    batch_discount: Numeric,
    committed_share: Numeric,
    commitment_discount: Numeric,
) -> Numeric:
    """Price really paid after batch and commitment discounts.

    Parameters
    ----------
    list_price
        List price, >= 0 [USD/token].
    batch_share
        Share of tokens that can wait, 0 to 1 [1].
    batch_discount
        Discount on those, 0 to 1 [1].
    committed_share
        Share of tokens bought under commitment, 0 to 1 [1].
    commitment_discount
        Discount on those, 0 to 1 [1].

    Returns
    -------
    Numeric
        Average price paid [USD/token].

    Notes
    -----
    ``p (1 - b d_b)(1 - k d_k)``: the discounts multiply, batches being spread evenly over committed tokens.

    Examples
    --------
    >>> round(float(realised_price(10.0, 0.4, 0.5, 0.5, 0.2)), 4)
    7.2
    """
    return list_price * (1.0 - batch_share * batch_discount) * (1.0 - committed_share * commitment_discount)


@formula()
def committed_unit_price(list_price: Numeric, commitment_discount: Numeric, used_share: Numeric) -> Numeric:
    """Price per unit really used of a commitment that is paid in full, used or not.

    Parameters
    ----------
    list_price
        List price, >= 0 [USD/token, or per hour].
    commitment_discount
        Discount of the commitment, 0 to 1 [1].
    used_share
        Share of the commitment that is used, > 0 to 1 [1].

    Returns
    -------
    Numeric
        Price per unit used, in the unit of ``list_price``; above list once less than ``1 - discount`` is used.

    Notes
    -----
    ``p (1 - d)/u``.

    Examples
    --------
    >>> round(float(committed_unit_price(10.0, 0.4, 0.6)), 6)
    10.0
    """
    return list_price * (1.0 - commitment_discount) / used_share


@formula()
def passed_through_price(price: Numeric, cost_ratio: Numeric, pass_through: Numeric) -> Numeric:
    """Price after unit cost has moved, when only a part of the move reaches users.

    Parameters
    ----------
    price
        Price before, > 0 [USD/token].
    cost_ratio
        Unit cost over what it was, > 0 [1].
    pass_through
        Move of the log price per move of the log cost [1]: 1 keeps the mark-up, 0 keeps the price.

    Returns
    -------
    Numeric
        Price after [USD/token].

    Notes
    -----
    ``p (c'/c)^λ``.

    Examples
    --------
    >>> float(passed_through_price(10.0, 0.25, 0.5))
    5.0
    """
    return price * np.power(cost_ratio, pass_through)


@formula()
def clearing_price(reference_price: Numeric, capacity_ratio: Numeric, elasticity: Numeric) -> Numeric:
    """Market price at which demand just fills what can be served.

    Parameters
    ----------
    reference_price
        Price at which demand is known, > 0 [USD/token].
    capacity_ratio
        What can be served over demand at that price, > 0 [1].
    elasticity
        Price elasticity of demand, < 0 [1].

    Returns
    -------
    Numeric
        Clearing price [USD/token].

    Notes
    -----
    ``p (S/D)^(1/ε)``: the inverse demand curve.

    Examples
    --------
    >>> round(float(clearing_price(2.0, 0.8, -1.0)), 6)
    2.5
    """
    return reference_price * np.power(capacity_ratio, 1.0 / elasticity)
