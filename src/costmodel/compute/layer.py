"""One layer: its matrix products, other memory traffic and expert exchange, for training and serving.

A training step and a serving pass compute the same products on the same machine. Both read a block's list of
:class:`Product`; serving adds up times with :func:`block_time`, training also uses the products themselves (gradients,
recomputation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from costmodel.compute.groups import Dense, Routed
from costmodel.compute.machine import Machine, Part
from costmodel.compute.mixers import Mixer
from costmodel.compute.parameters import expected_experts_touched
from costmodel.compute.precision import Precision
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.grids import compacted, in_pieces

RESIDUAL_ACCESSES = 4.0
"""Elements read and written per token and width by a norm with its residual addition [1]: two read, two written."""
ACTIVATION_ACCESSES = 1.0
"""Elements read and written per column of an MLP between its products, in units of its matrices [1]: with three, gate
and up are read and their product written."""
ROUTING_ACCESSES = 3.0
"""Elements read and written per routed copy and width when tokens are sorted to experts and summed again [1]."""
ELEMENT_BYTES = 2.0
"""Bytes per element outside products: half precision [byte]."""
MIXER_KERNELS = 5.0
"""Kernels of a token mixer beside its products [1]: norm, positions with the cache write, and attention itself in three
(plan, partial results, their sum): measured decode kernels take at least 10 to 13 µs, three of 4 µs
(aiconfigurator-core 0.12.0)."""
RECURRENCE_KERNELS = 10.0
"""Kernels of a recurrence beside its products [1]: norm, convolution, splits and norms of queries and keys, gates, the
recurrence itself, a gated norm; assumed, counted in the published layer of Qwen3-Next."""
INDEXER_KERNELS = 3.0
"""Further kernels where an indexer selects tokens [1]: its scores, the selection, the write of its keys."""
HEAD_KERNELS = 2.0
"""Kernels of the head beside its product [1]: final norm and sampling of the token."""
RECURRENCE_OUT = 0.25
"""Share of a recurrence's weights in its output projection, where only their number is known [1]: 0.28 in the gated
delta net of Qwen3.5 (input projections of 12,288, 8,192 and 128 columns, 8,192 out)."""
DENSE_KERNELS = 2.0
"""Kernels of a dense MLP beside its products [1]: norm and activation function."""
ROUTED_KERNELS = 7.0
"""Kernels of a mixture of experts beside its products [1]: norm, selection of experts, sorting, copies, activation
function, sum of copies, sum with the shared expert; measured blocks take at least 20 to 35 µs."""
EULER = 0.5772156649015329
"""The Euler–Mascheroni constant: mean of a standard Gumbel variable [1]."""


@formula(pointwise=True)
def largest_load(mean: Numeric, ranks: Numeric) -> Numeric:
    """Return the rows expected on the fullest of several ranks to which rows are sent at random.

    Parameters
    ----------
    mean
        Mean rows per rank, > 0 [1], any shape.
    ranks
        Number of ranks, ≥ 1 [1].

    Returns
    -------
    Numeric
        Expected maximum [1]; ``mean`` for one rank.

    Notes
    -----
    ``μ + √μ·(a + γ/b)`` with ``b = √(2 ln n)``, ``a = b − (ln ln n + ln 4π)/(2b)``: the largest of n normal variables
    with the variance of a Poisson count, by its Gumbel limit, whose mean is γ. For 8 ranks it gives 1.52 standard
    deviations (exact: 1.42), for 64 ranks 2.40 (exact: 2.34).

    References
    ----------
    David and Nagaraja 2003, "Order Statistics", third edition, section 10.5 (norming constants of the normal).

    Examples
    --------
    >>> round(float(largest_load(100.0, 8.0)), 1), float(largest_load(100.0, 1.0))
    (115.2, 100.0)
    """
    log = np.log(np.maximum(ranks, 2.0))
    scale = np.sqrt(2.0 * log)
    deviations = scale - (np.log(log) + np.log(4.0 * np.pi)) / (2.0 * scale) + EULER / scale
    return mean + np.where(ranks > 1.0, np.sqrt(mean) * deviations, 0.0)


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product of a block on one device.

    Parameters
    ----------
    part
        Part of the model, for its rate and stored bytes.
    columns, inner
        Width of the result, and the dimension summed over, on the device [1].
    groups
        Equal products in one kernel [1]: for experts, those that the rows touch.
    rows
        Rows of each product per token of the pass [1]; for a routed product, per token that the expert group routes.
    """

    part: Part
    columns: Numeric
    inner: Numeric
    groups: Numeric = 1.0
    rows: Numeric = 1.0


@dataclass(frozen=True, slots=True)
class Block:
    """Half a layer on one device (a token mixer or a feed-forward), or the head.

    Parameters
    ----------
    kind
        ``"mixer"``, ``"dense"``, ``"routed"`` or ``"head"``.
    layers
        Layers that have the block [1].
    products
        Its matrix products, in order.
    elements
        Elements moved per token outside products and attention [1].
    kernels
        Kernels beside the products [1].
    """

    kind: str
    layers: float
    products: tuple[Product, ...]
    elements: Numeric
    kernels: float


def blocks(shape: Shape, tokens: Numeric, tensor: Numeric = 1.0, expert: Numeric = 1.0) -> tuple[Block, ...]:
    """Return the blocks of a model on one device; equal blocks of several groups of layers are combined.

    Parameters
    ----------
    shape
        The model.
    tokens
        Tokens that all devices of the expert group route together, > 0 [token], any shape.
    tensor
        Devices that share each product, ≥ 1 [1].
    expert
        Devices over which routed experts are spread; 1: each expert is split over ``tensor`` [1].

    Returns
    -------
    tuple of Block
        The blocks; the head comes last, as one block of one layer.

    Examples
    --------
    >>> from costmodel.compute import shape
    >>> [(block.kind, block.layers) for block in blocks(shape("DeepSeek-V3"), 64.0, expert=8.0)]
    [('mixer', 61.0), ('dense', 3.0), ('routed', 58.0), ('head', 1.0)]
    """
    width = float(shape.d_model)
    tokens, tensor, expert = compacted(tokens), compacted(tensor), compacted(expert)
    found: list[Block] = []
    for mixer, layers in _counted(shape, "mixer"):
        found.append(_mixer(mixer, layers, shape.d_model, tensor))
    for block, layers in _counted(shape, "feed_forward"):
        if isinstance(block, Routed):
            found.append(_routed(block, layers, width, tokens, tensor, expert))
        else:
            found.append(_dense(block, layers, width, tensor))
    head = Product("head", shape.vocabulary / tensor, width)
    return (*found, Block("head", 1.0, (head,), RESIDUAL_ACCESSES * width, HEAD_KERNELS))


@lru_cache(maxsize=1024)
def _counted(shape: Shape, part: str) -> tuple[tuple[Any, float], ...]:
    """Return the distinct mixers or feed-forwards of a model, each with its number of layers."""
    found: dict[Any, float] = {}
    for group in shape.groups:
        member = getattr(group, part)
        if member is not None:
            found[member] = found.get(member, 0.0) + group.layers
    return tuple(found.items())


def _mixer(mixer: Mixer, layers: float, d_model: int, tensor: Numeric) -> Block:
    """Build a token mixer's block: matrices applied to the residual stream run as one kernel, others one by one."""
    entering: Numeric = 0.0
    others: list[Product] = []
    for matrix in mixer.matrices(d_model):
        cut = np.minimum(tensor, float(matrix.shards))
        if matrix.columns == 1 and matrix.inner > d_model:
            # a recurrence of which only the number of weights is known: most are input weights, as in published ones
            share = matrix.inner / d_model / np.minimum(tensor, float(mixer.heads))
            entering = entering + (1.0 - RECURRENCE_OUT) * share
            others.append(Product("attention", float(d_model), RECURRENCE_OUT * share))
        elif matrix.side == "inner":
            others.append(Product("attention", float(matrix.columns), matrix.inner / cut))
        elif matrix.inner == d_model:
            entering = entering + matrix.columns / cut
        else:
            others.append(Product("attention", matrix.columns / cut, float(matrix.inner)))
    first = Product("attention", entering, float(d_model))
    kernels = MIXER_KERNELS if mixer.score_width else RECURRENCE_KERNELS
    kernels += INDEXER_KERNELS if mixer.indexer is not None else 0.0
    return Block("mixer", layers, (first, *others), RESIDUAL_ACCESSES * d_model + 2.0 * entering, kernels)


def _dense(block: Dense, layers: float, width: float, tensor: Numeric) -> Block:
    inner = block.d_ff / tensor
    elements = RESIDUAL_ACCESSES * width + ACTIVATION_ACCESSES * block.mlp_matrices * inner
    return Block("dense", layers, _mlp("dense", block.mlp_matrices, width, inner), elements, DENSE_KERNELS)


def _mlp(
    part: Part, matrices: int, width: Numeric, inner: Numeric, groups: Numeric = 1.0, rows: Numeric = 1.0
) -> tuple[Product, Product]:
    """Return the products of an MLP; gate and up run as one."""
    into = Product(part, (matrices - 1.0) * inner, width, groups, rows)
    return into, Product(part, width, inner, groups, rows)


def _routed(block: Routed, layers: float, width: float, tokens: Numeric, tensor: Numeric, expert: Numeric) -> Block:
    """Build a mixture of experts: router, grouped products of the fullest rank's experts, shared experts."""
    spread = np.maximum(expert, 1.0)
    split = np.where(np.greater(expert, 1.0), 1.0, tensor)
    touched = expected_experts_touched(float(block.experts), float(block.top_k), tokens) / spread
    rows = largest_load(tokens * block.top_k / spread, spread) / (touched * tokens)
    inside = float(block.width or width)
    inner = block.d_ff_expert / split
    products = [Product("head", float(block.experts), width)]
    products += _mlp("experts", block.mlp_matrices, inside, inner, touched, rows)
    between = block.top_k / spread * inner
    if block.shared_experts:
        shared = block.shared_width / tensor
        products += _mlp("shared_experts", block.mlp_matrices, width, shared)
        between = between + shared
    if block.width:
        products += [Product("shared_experts", inside, width), Product("shared_experts", width, inside)]
    elements = RESIDUAL_ACCESSES * width + ACTIVATION_ACCESSES * block.mlp_matrices * between
    elements = elements + ROUTING_ACCESSES * block.top_k / spread * inside
    return Block("routed", layers, tuple(products), elements, ROUTED_KERNELS)


def block_time(machine: Machine, block: Block, tokens: Numeric, routed_tokens: Numeric, stored: Precision) -> Numeric:
    """Return the time of a block's products, traffic and kernels in a pass, for all its layers together [s].

    Parameters
    ----------
    machine
        Machine that runs the block.
    block
        A block from :func:`blocks`.
    tokens
        Tokens of the device's own attention group, > 0 [token], any shape.
    routed_tokens
        Tokens that the expert group routes together, > 0 [token].
    stored
        Bytes per weight by part, > 0 [byte].

    Notes
    -----
    A routed block moves the elements of its own group's tokens and, on average, of as many copies from other groups.
    """
    parts = tuple(dict.fromkeys(item.part for item in block.products))
    weights = [getattr(stored, part) for part in parts]
    sizes = [size for item in block.products for size in (item.rows, item.columns, item.inner, item.groups)]

    def time_of(own: Numeric, routed: Numeric, elements: Numeric, *others: Numeric) -> Numeric:
        bytes_of = dict(zip(parts, others, strict=False))
        time = machine.moved(own * elements * ELEMENT_BYTES) + block.kernels * machine.kernel_time
        for place, item in enumerate(block.products):
            rows, columns, inner, groups = others[len(parts) + 4 * place :][:4]
            rows = rows * (routed if item.part == "experts" else own)
            time = time + machine.product(item.part, rows, columns, inner, bytes_of[item.part], groups)
        return block.layers * time

    return in_pieces(time_of, machine.varies)(tokens, routed_tokens, block.elements, *weights, *sizes)
