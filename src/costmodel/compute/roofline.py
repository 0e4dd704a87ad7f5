"""Roofline: the time of a kernel from its FLOP, its bytes and a chip's two limits.

A chip's peak is dense and belongs to one precision. A kernel reaches a share of it that grows with the kernel's
size; the largest share is measured (see the efficiency records), never assumed to be 1.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

RESULT_BYTES = 2.0
"""Bytes per element of a product's result: half precision, also where operands have fewer [byte]."""


@formula(pointwise=True)
def compute_time(flop: Numeric, peak: Numeric, share: Numeric) -> Numeric:
    """Return the time to do some work at a share of peak.

    Parameters
    ----------
    flop
        Work, ≥ 0 [FLOP], any shape.
    peak
        Dense peak at the kernel's precision, > 0 [FLOP/s].
    share
        Share of peak reached, from 0 (excluded) to 1 [1].

    Returns
    -------
    Numeric
        Time [s].

    Examples
    --------
    >>> compute_time(8e14, 1e15, 0.8)
    1.0
    """
    return flop / (peak * share)


@formula(pointwise=True)
def together(compute: Numeric, memory: Numeric) -> Numeric:
    """Return the time of work and traffic that overlap in one kernel: the larger of the two, with a smooth ridge.

    Parameters
    ----------
    compute, memory
        Times of work alone and of traffic alone, ≥ 0 [s], any shape.

    Returns
    -------
    Numeric
        Time [s]; from the larger of the two to 2^¼ of it (19 % more) where they are equal.

    Notes
    -----
    ``(c⁴ + m⁴)^¼``. Over 18,000 measured 16-bit products the exponent that fits best is 3.5 to 4 if no other term is
    smoothed.

    Examples
    --------
    >>> round(float(together(1.0, 1.0)), 4), round(float(together(1.0, 4.0)), 4)
    (1.1892, 4.0039)
    """
    compute, memory = compute * compute, memory * memory
    return np.sqrt(np.sqrt(compute * compute + memory * memory))


@formula(pointwise=True)
def product_time(
    rows: Numeric,
    columns: Numeric,
    inner: Numeric,
    groups: Numeric,
    operand_bytes: Numeric,
    weight_bytes: Numeric,
    peak: Numeric,
    bandwidth: Numeric,
    compute_share: Numeric,
    memory_share: Numeric,
    half_inner: Numeric,
    tile_rows: Numeric,
    lost_elements: Numeric,
    launch: Numeric,
) -> Numeric:
    """Return the time of a matrix product, or of a group of equal ones in one kernel, as a function of its sizes.

    A product loses time in five ways: a fixed time per kernel (``launch``), the start and end of every tile
    (``half_inner``), the last tile of rows of every group, which is half empty (``tile_rows``), the last wave of tiles,
    which leaves part of the chip idle (``lost_elements``), and the roofline itself.

    Parameters
    ----------
    rows, columns, inner
        Tokens, weight columns and shared dimension of each product, > 0 [1], any shape.
    groups
        Products in the kernel, > 0 [1].
    operand_bytes, weight_bytes
        Bytes per element of input activations and of weights, > 0 [byte]; the result has 2.
    peak
        Dense peak at the product's precision, > 0 [FLOP/s].
    bandwidth
        Peak memory bandwidth, > 0 [byte/s].
    compute_share, memory_share
        Shares of peak and of bandwidth that large products reach, from 0 (excluded) to 1 [1].
    half_inner
        Shared dimension at which tiles reach half of ``compute_share``, ≥ 0 [1].
    tile_rows
        Rows of a tile, ≥ 0 [1].
    lost_elements
        Elements of the result that the last wave leaves idle, ≥ 0 [1].
    launch
        Fixed time of the kernel, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s]; never below the roofline.

    Notes
    -----
    ``t₀ + (c⁴ + m⁴)^¼`` with ``c = 2·(g·(r + T/2)·n + lost)·(k + k_half)/(peak·η)`` and ``m`` the bytes of operands,
    weights and result over the bandwidth reached. Over the products that NVIDIA measured in three engines
    (aiconfigurator-core 0.12.0) the median error is 6 % in 16 bits and 11 % in 8 bits on H100 and H200, 7 %, 9 % and
    10 % in 16, 8 and 4 bits on B200; those tables set ``lost_elements``.

    Examples
    --------
    A 16 × 8192 × 8192 product is bound by reading its weights.

    >>> seconds = product_time(16.0, 8192.0, 8192.0, 1.0, 2.0, 2.0, 989e12, 3.35e12, 0.8, 0.9, 0.0, 64.0, 0.0, 0.0)
    >>> round(float(seconds) * 1e6, 1)
    44.7
    """
    # both times are linear in rows: in this form only two passes over a large batch precede the roofline
    element = 2.0 * (inner + half_inner) / (peak * compute_share)
    row = groups * columns * element
    compute = row * rows + (row * (0.5 * tile_rows) + lost_elements * element)
    group = groups / (bandwidth * memory_share)
    row = group * (inner * operand_bytes + columns * RESULT_BYTES)
    memory = row * rows + group * (inner * columns * weight_bytes)
    return launch + together(compute, memory)
