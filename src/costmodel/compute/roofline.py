"""Roofline: the time of a kernel from its FLOP, its bytes and a chip's two limits.

A chip's peak is named with its precision, and is dense. What a kernel reaches of it is a share that grows
with the kernel's size; the largest share is measured (see the efficiency records), never assumed 1.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

RESULT_BYTES = 2.0
"""Bytes per element of a result that leaves a product: half precision, also where operands have fewer [byte]."""


@formula()
def saturating_share(size: Numeric, largest_share: Numeric, half_size: Numeric) -> Numeric:
    """Share of a limit that a kernel of a given size reaches.

    Parameters
    ----------
    size
        Work of the kernel, > 0 [FLOP or byte], any shape.
    largest_share
        Share that large kernels reach, from 0 to 1 [1].
    half_size
        Work at which half of it is reached, ≥ 0 [as ``size``]; 0: no dependence on size.

    Returns
    -------
    Numeric
        Share [1], rising with size, below ``largest_share``.

    Notes
    -----
    ``η·W/(W + W_half)``, the curve of a fixed overhead ``W_half/(η·peak)`` per kernel (Hockney's n½).

    References
    ----------
    Hockney and Jesshope 1988, "Parallel Computers 2", section 1.3.

    Examples
    --------
    >>> round(saturating_share(3e9, 0.8, 1e9), 3)
    0.6
    """
    return largest_share * size / (size + half_size)


@formula()
def half_rate_flop(launch: Numeric, peak: Numeric, largest_share: Numeric) -> Numeric:
    """Work at which a kernel reaches half its largest share, because a fixed time goes by first.

    Parameters
    ----------
    launch
        Fixed time of the kernel, ≥ 0 [s], any shape.
    peak
        Dense peak, > 0 [FLOP/s].
    largest_share
        Share of peak that large kernels reach, from 0 to 1 [1].

    Returns
    -------
    Numeric
        Work [FLOP]: the ``half_size`` of ``saturating_share`` that stands for ``launch``.

    Examples
    --------
    >>> round(half_rate_flop(4e-6, 989.4e12, 0.803) / 1e9, 2)
    3.18
    """
    return launch * peak * largest_share


@formula()
def compute_time(flop: Numeric, peak: Numeric, share: Numeric) -> Numeric:
    """Time to do some work at a share of peak.

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


@formula()
def memory_time(size: Numeric, bandwidth: Numeric, share: Numeric) -> Numeric:
    """Time to move some bytes at a share of bandwidth.

    Parameters
    ----------
    size
        Bytes read and written, ≥ 0 [byte], any shape.
    bandwidth
        Peak bandwidth of the memory, > 0 [byte/s].
    share
        Share of it reached, from 0 (excluded) to 1 [1].

    Returns
    -------
    Numeric
        Time [s].

    Examples
    --------
    >>> memory_time(3e12, 4e12, 0.75)
    1.0
    """
    return size / (bandwidth * share)


@formula()
def step_time(
    flop: Numeric,
    size: Numeric,
    peak: Numeric,
    bandwidth: Numeric,
    compute_share: Numeric,
    memory_share: Numeric,
    launch: Numeric,
) -> Numeric:
    """Time of a kernel or step whose work and traffic overlap: the larger of the two, and its launch.

    Parameters
    ----------
    flop
        Work, ≥ 0 [FLOP], any shape.
    size
        Bytes moved to and from memory, ≥ 0 [byte].
    peak
        Dense peak at the kernel's precision, > 0 [FLOP/s].
    bandwidth
        Peak memory bandwidth, > 0 [byte/s].
    compute_share, memory_share
        Shares reached of either, from 0 (excluded) to 1 [1].
    launch
        Time before the kernel runs, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s]; never below the roofline.

    References
    ----------
    Williams, Waterman and Patterson 2009, "Roofline", CACM 52(4), doi 10.1145/1498765.1498785.

    Examples
    --------
    >>> float(step_time(1e12, 3e12, 1e15, 3e12, 1.0, 1.0, 0.0))
    1.0
    """
    busy = np.maximum(flop / (peak * compute_share), size / (bandwidth * memory_share))
    return busy + launch


@formula()
def matmul_flop(rows: Numeric, columns: Numeric, inner: Numeric) -> Numeric:
    """FLOP of a matrix product.

    Parameters
    ----------
    rows
        Rows of the activations (tokens), > 0 [1], any shape.
    columns
        Columns of the weights, > 0 [1].
    inner
        Shared dimension, > 0 [1].

    Returns
    -------
    Numeric
        Work [FLOP].

    Examples
    --------
    >>> matmul_flop(2.0, 3.0, 4.0)
    48.0
    """
    return 2.0 * rows * columns * inner


@formula()
def matmul_bytes(
    rows: Numeric, columns: Numeric, inner: Numeric, activation_bytes: Numeric, weight_bytes: Numeric
) -> Numeric:
    """Least bytes that a matrix product moves: each operand read once, the result written once.

    Parameters
    ----------
    rows
        Rows of the activations (tokens), > 0 [1], any shape.
    columns
        Columns of the weights, > 0 [1].
    inner
        Shared dimension, > 0 [1].
    activation_bytes
        Bytes per element of activations and result, > 0 [byte].
    weight_bytes
        Bytes per element of weights, > 0 [byte].

    Returns
    -------
    Numeric
        Traffic [byte].

    Examples
    --------
    >>> matmul_bytes(2.0, 3.0, 4.0, 2.0, 1.0)
    40.0
    """
    return rows * (inner + columns) * activation_bytes + inner * columns * weight_bytes


@formula()
def together(compute: Numeric, memory: Numeric) -> Numeric:
    """Time of work and traffic that overlap in one kernel: the larger of the two, with a smooth ridge.

    Parameters
    ----------
    compute, memory
        Time of either alone, ≥ 0 [s], any shape.

    Returns
    -------
    Numeric
        Time [s]; from the larger of the two to 2^¼ of it (19 % more) where they are equal.

    Notes
    -----
    ``(c⁴ + m⁴)^¼``. Over 18,000 measured 16-bit products the exponent that fits best is 3.5 to 4 where nothing else
    is rounded off.

    Examples
    --------
    >>> round(float(together(1.0, 1.0)), 4), round(float(together(1.0, 4.0)), 4)
    (1.1892, 4.0039)
    """
    compute, memory = compute * compute, memory * memory
    return np.sqrt(np.sqrt(compute * compute + memory * memory))


@formula()
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
    """Time of a matrix product, or of a group of equal ones in one kernel, as a function of its sizes.

    A product loses time in five ways: a fixed time per kernel, the start and end of every tile (``half_inner``), the
    last tile of rows of every group, which is half empty (``tile_rows``), the last wave of tiles, which leaves part of
    the chip idle (``lost_elements``), and the roofline itself.

    Parameters
    ----------
    rows, columns, inner
        Tokens, weight columns and shared dimension of each product, > 0 [1], any shape.
    groups
        Products in the kernel, > 0 [1].
    operand_bytes, weight_bytes
        Bytes per element of activations that enter and of weights, > 0 [byte]; the result has 2.
    peak
        Dense peak at the product's precision, > 0 [FLOP/s].
    bandwidth
        Peak memory bandwidth, > 0 [byte/s].
    compute_share, memory_share
        Shares of either that large products reach, from 0 (excluded) to 1 [1].
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
    done = groups * (rows + 0.5 * tile_rows) * columns + lost_elements
    compute = 2.0 * done * (inner + half_inner) / (peak * compute_share)
    entering = rows * inner * operand_bytes + inner * columns * weight_bytes
    moved = groups * (entering + rows * columns * RESULT_BYTES)
    return launch + together(compute, moved / (bandwidth * memory_share))


@formula()
def matmul_time(
    rows: Numeric,
    columns: Numeric,
    inner: Numeric,
    activation_bytes: Numeric,
    weight_bytes: Numeric,
    peak: Numeric,
    bandwidth: Numeric,
    compute_share: Numeric,
    memory_share: Numeric,
    half_flop: Numeric,
    launch: Numeric,
    half_inner: Numeric = 0.0,
) -> Numeric:
    """Time of a matrix product, with the share of peak growing with its size.

    A product loses time in three ways: a fixed time per kernel (``launch``, or as work, ``half_flop``: give one of
    the two), the start and end of every tile (``half_inner``), and the roofline itself.

    Parameters
    ----------
    rows, columns, inner
        Tokens, weight columns and shared dimension, > 0 [1], any shape.
    activation_bytes, weight_bytes
        Bytes per element, > 0 [byte].
    peak
        Dense peak at the product's precision, > 0 [FLOP/s].
    bandwidth
        Peak memory bandwidth, > 0 [byte/s].
    compute_share
        Share of peak that large products reach, from 0 (excluded) to 1 [1].
    memory_share
        Share of bandwidth reached, from 0 (excluded) to 1 [1].
    half_flop
        Work at which half of ``compute_share`` is reached, ≥ 0 [FLOP].
    launch
        Fixed time of the kernel, ≥ 0 [s].
    half_inner
        Shared dimension at which tiles reach half of ``compute_share``, ≥ 0 [1]; 0: tiles cost nothing.

    Returns
    -------
    Numeric
        Time [s].

    Notes
    -----
    ``launch + max(W/(peak·η·W/(W + W_half)·k/(k + k_half)), bytes/(bandwidth·η_mem))``. With ``half_flop = 0`` and
    the recorded efficiencies the median error is 6 % over 18 measured 8-bit products on H800, 4 % over 10 grouped
    ones and 6 % over 28 16-bit products on H100 (the last with the longest launch).

    Examples
    --------
    A 16 × 8192 × 8192 product is bound by reading its weights.

    >>> seconds = matmul_time(16.0, 8192.0, 8192.0, 2.0, 2.0, 989e12, 3.35e12, 0.8, 0.9, 0.0, 0.0)
    >>> round(float(seconds) * 1e6, 1)
    44.7
    """
    flop = matmul_flop(rows, columns, inner)
    moved = matmul_bytes(rows, columns, inner, activation_bytes, weight_bytes)
    share = saturating_share(flop, compute_share, half_flop) * inner / (inner + half_inner)
    return step_time(flop, moved, peak, bandwidth, share, memory_share, launch)


@formula()
def ridge_intensity(peak: Numeric, bandwidth: Numeric) -> Numeric:
    """FLOP per byte above which a chip is bound by compute.

    Parameters
    ----------
    peak
        Dense peak, > 0 [FLOP/s], any shape.
    bandwidth
        Memory bandwidth, > 0 [byte/s].

    Returns
    -------
    Numeric
        Intensity [FLOP/byte].

    Examples
    --------
    >>> round(ridge_intensity(989.4e12, 3.35e12))
    295
    """
    return peak / bandwidth


@formula()
def attainable_rate(intensity: Numeric, peak: Numeric, bandwidth: Numeric) -> Numeric:
    """Largest rate of work at an arithmetic intensity: the roofline itself.

    Parameters
    ----------
    intensity
        Work per byte moved, > 0 [FLOP/byte], any shape.
    peak
        Dense peak, > 0 [FLOP/s].
    bandwidth
        Memory bandwidth, > 0 [byte/s].

    Returns
    -------
    Numeric
        Rate [FLOP/s].

    References
    ----------
    Williams, Waterman and Patterson 2009, CACM 52(4), equation in figure 1.

    Examples
    --------
    >>> float(attainable_rate(100.0, 1e15, 3e12)) / 1e12
    300.0
    """
    return np.minimum(peak, intensity * bandwidth)
