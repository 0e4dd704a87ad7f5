"""Memory: weights by precision, optimizer state by sharding, activations by recomputation."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from costmodel.compute.additions import adapter_parameters, prediction_parameters
from costmodel.compute.groups import Group, Routed
from costmodel.compute.mixers import Attention, LatentAttention, Recurrent
from costmodel.compute.parameters import (
    ParameterCounts,
    count_parameters,
    touched_experts,
    touched_parameters,
)
from costmodel.compute.precision import Precision, by_part
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula, ordered_sum
from costmodel.foundation.errors import DomainError
from costmodel.foundation.grids import compacted, factored

WEIGHT_BYTES = 2.0
"""Bytes of a weight in training, in half precision [byte] (Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1)."""
GRADIENT_BYTES = 2.0
"""Bytes of a gradient in half precision [byte] (the same)."""
ADAM_BYTES = 12.0
"""Bytes per parameter of master weight, momentum and variance in single precision [byte] (the same: K = 12)."""

Recompute = Literal["none", "selective", "full"]


def weight_bytes(shape: Shape, precision: Precision | Numeric = 2.0, prediction: bool = False) -> Numeric:
    """Return the bytes of all weights.

    Parameters
    ----------
    shape
        The structure.
    precision
        Stored bytes per weight by part, or one figure for all parts, > 0 [byte], any shape.
    prediction
        Whether heads for multi-token prediction are loaded too.

    Returns
    -------
    Numeric
        Bytes [byte], with the shape's adapters.

    Examples
    --------
    >>> moe = Shape(name="moe", layers=1, d_model=64, heads=1, kv_heads=1, head_dim=64, vocabulary=100, experts=4,
    ...             top_k=2, d_ff_expert=128)
    >>> float(weight_bytes(moe, Precision(experts=0.5))) < float(weight_bytes(moe, 2.0))
    True
    """
    stored = by_part(precision)
    total = _stored(count_parameters(shape), precision)
    if shape.adapters:
        total = total + adapter_parameters(shape) * stored.rest
    if prediction and shape.prediction is not None:
        total = total + _stored(prediction_parameters(shape), precision)
    return total


def stored_bytes(counts: ParameterCounts, stored: Precision) -> Numeric:
    """Return the bytes of counted parameters, every part at its own precision [byte]."""
    return ordered_sum(
        (
            counts.attention * stored.attention,
            counts.dense_mlp * stored.dense,
            counts.shared_experts * stored.shared_experts,
            counts.routed_experts * stored.experts,
            (counts.router + counts.vectors) * stored.rest,
            counts.input_embedding * stored.embedding,
            counts.output_embedding * stored.head,
        )
    )


def touched_weight_bytes(shape: Shape, tokens: Numeric, precision: Precision | Numeric = 2.0) -> Numeric:
    """Return the bytes of weights that one step over a batch reads.

    Parameters
    ----------
    shape
        The structure.
    tokens
        Tokens in the step, ≥ 0 [token], any shape.
    precision
        Stored bytes per weight by part, or one figure for all parts, > 0 [byte].

    Returns
    -------
    Numeric
        Bytes [byte]: every weight except the input table, and of the routed experts only those that the batch touches.

    Examples
    --------
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336)
    >>> round(float(touched_weight_bytes(llama, 1)) / 1e9, 2)
    15.01
    """
    if not isinstance(precision, Precision):
        return touched_parameters(shape, tokens) * precision
    always = replace(count_parameters(shape), input_embedding=0, routed_experts=0)
    return stored_bytes(always, precision) + touched_experts(shape, tokens) * precision.experts


def _stored(counts: ParameterCounts, precision: Precision | Numeric) -> Numeric:
    """Return the bytes of counted parameters; one figure for all parts is applied to a grid once."""
    return stored_bytes(counts, precision) if isinstance(precision, Precision) else counts.total * precision


@formula(pointwise=True)
def training_state_bytes(
    parameters: Numeric,
    weight_bytes: Numeric,
    gradient_bytes: Numeric,
    optimizer_bytes: Numeric,
    weight_shards: Numeric,
    gradient_shards: Numeric,
    optimizer_shards: Numeric,
) -> Numeric:
    """Return the bytes of weights, gradients and optimizer state on one device.

    Parameters
    ----------
    parameters
        Parameters on the device after model parallelism, > 0 [1], any shape.
    weight_bytes
        Bytes per weight, > 0 [byte]; 2 in mixed precision.
    gradient_bytes
        Bytes per gradient, > 0 [byte]; 2, or 4 where gradients accumulate in single precision.
    optimizer_bytes
        Bytes of optimizer state per parameter, ≥ 0 [byte]; 12 for Adam with a master copy.
    weight_shards
        Data-parallel devices over which weights are split, ≥ 1 [1]; 1 below stage 3.
    gradient_shards
        The same for gradients, ≥ 1 [1]; 1 below stage 2.
    optimizer_shards
        The same for optimizer state, ≥ 1 [1]; 1 without sharding.

    Returns
    -------
    Numeric
        Bytes on one device [byte].

    References
    ----------
    Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models",
    arXiv 1910.02054, figure 1 and section 5.

    Examples
    --------
    Their 7.5B model on 64 devices: 120, 31.4, 16.6 and 1.9 GB.

    >>> shards = [(1, 1, 1), (1, 1, 64), (1, 64, 64), (64, 64, 64)]
    >>> [round(training_state_bytes(7.5e9, 2, 2, 12, *stage) / 1e9, 1) for stage in shards]
    [120.0, 31.4, 16.6, 1.9]
    """
    per_parameter = weight_bytes / weight_shards + gradient_bytes / gradient_shards + optimizer_bytes / optimizer_shards
    return parameters * per_parameter


@formula()
@factored
def layer_activation_bytes(
    tokens: Numeric,
    d_model: Numeric,
    inner_elements: Numeric,
    score_bytes: Numeric,
    dropout_masks: Numeric,
    tensor: Numeric,
    norm_shards: Numeric,
) -> Numeric:
    """Return the activation bytes that one block keeps for the backward pass on one device, in half precision.

    Parameters
    ----------
    tokens
        Tokens of a microbatch (batch × sequence), > 0 [token], any shape.
    d_model
        Width of the residual stream, > 0 [1].
    inner_elements
        Elements per token inside attention and MLP (queries, keys, values, heads' output, MLP before and
        after its activation), ≥ 0 [1]; ``12·d_model`` for a plain GPT block.
    score_bytes
        Bytes per token of attention scores, ≥ 0 [byte]; ``5·heads·sequence`` where they are kept, 0 with a
        fused kernel or selective recomputation.
    dropout_masks
        Dropout masks of width ``d_model`` per block, ≥ 0 [1]; 2 in GPT-3, 0 in most later models.
    tensor
        Tensor-parallel devices, ≥ 1 [1].
    norm_shards
        Devices over which norms, dropout and block inputs are split, ≥ 1 [1]: ``tensor`` with sequence
        parallelism, else 1.

    Returns
    -------
    Numeric
        Bytes on one device [byte].

    Notes
    -----
    ``T·[(8·d + masks·d)/t_norm + (2·inner + scores)/t]``: two norm inputs and two block inputs of 2 bytes.

    References
    ----------
    Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models",
    arXiv 2205.05198, equations 1, 2 and 4, table 2.

    Examples
    --------
    A plain block of width h without parallelism keeps s·b·h·(34 + 5·a·s/h).

    >>> h, a, s = 12288.0, 96.0, 2048.0
    >>> layer_activation_bytes(s, h, 12 * h, 5 * a * s, 2, 1, 1) == s * h * (34 + 5 * a * s / h)
    True
    """
    outside = (8.0 + dropout_masks) * d_model
    return tokens * (outside / norm_shards + (2.0 * inner_elements + score_bytes) / tensor)


@formula()
def checkpoint_activation_bytes(tokens: Numeric, d_model: Numeric, norm_shards: Numeric) -> Numeric:
    """Return the activation bytes of a block whose forward pass is recomputed in full: those of its input.

    Parameters
    ----------
    tokens
        Tokens of a microbatch, > 0 [token], any shape.
    d_model
        Width of the residual stream, > 0 [1].
    norm_shards
        Devices over which the input is split, ≥ 1 [1].

    Returns
    -------
    Numeric
        Bytes on one device [byte].

    References
    ----------
    Korthikanti et al. 2022, arXiv 2205.05198, table 2, last row (``2·s·b·h``).

    Examples
    --------
    >>> float(checkpoint_activation_bytes(2048, 12288, 1)) / 2**20
    48.0
    """
    return 2.0 * tokens * d_model / norm_shards


def check_recompute(recompute: str) -> None:
    """Raise an error for an unknown kind of recomputation.

    Raises
    ------
    DomainError
        If it is not ``"none"``, ``"selective"`` or ``"full"``.

    Examples
    --------
    >>> check_recompute("full")
    """
    if recompute not in ("none", "selective", "full"):
        raise DomainError(f"recompute = {recompute!r}: allowed are 'none', 'selective' and 'full'")


def inner_activation_elements(shape: Shape) -> int:
    """Return the elements per token that mixer and feed-forward of one layer keep, averaged over layers [1].

    A recurrent mixer keeps the inputs and outputs of its projections.
    """
    width = shape.d_model
    kept = sum(group.layers * (_mixer_elements(group, width) + _block_elements(group)) for group in shape.groups)
    copies = sum(
        group.layers * group.feed_forward.top_k * (group.feed_forward.width or width)
        for group in shape.groups
        if isinstance(group.feed_forward, Routed)
    )  # a routed expert keeps its own copy of its input
    return round((kept + copies) / shape.layers)


def _mixer_elements(group: Group, d_model: int) -> int:
    """Return the elements per token that a layer's mixer keeps."""
    mixer = group.mixer
    if mixer is None:
        return 0
    if isinstance(mixer, Recurrent):
        return sum(matrix.columns if matrix.side == "columns" else matrix.inner for matrix in mixer.matrices(d_model))
    key_heads = mixer.heads if isinstance(mixer, LatentAttention) else mixer.kv_heads
    return (mixer.heads + key_heads) * (mixer.query_dim + mixer.head_value_dim)


def _block_elements(group: Group) -> int:
    """Return the elements per token that a layer's feed-forward keeps: every matrix's inner side, before and after."""
    block = group.feed_forward
    return 0 if block is None else block.mlp_matrices * block.active_width


def activation_bytes(
    shape: Shape,
    tokens: Numeric,
    sequence: Numeric,
    tensor: Numeric = 1.0,
    recompute: Recompute = "selective",
    sequence_parallel: bool = True,
    dropout_masks: int = 0,
) -> Numeric:
    """Return the activation bytes that one block keeps on one device for one microbatch, in half precision.

    Parameters
    ----------
    shape
        The structure.
    tokens
        Tokens of a microbatch on the tensor-parallel group, > 0 [token], any shape.
    sequence
        Sequence length, > 0 [token]: scores grow with it.
    tensor
        Tensor-parallel devices, ≥ 1 [1].
    recompute
        ``"none"`` keeps attention scores; ``"selective"`` recomputes them (as fused attention does);
        ``"full"`` keeps block inputs only.
    sequence_parallel
        Whether norms and block inputs are split over the tensor-parallel group.
    dropout_masks
        Dropout masks of width ``d_model`` per block, ≥ 0 [1].

    Returns
    -------
    Numeric
        Bytes per block [byte]; multiply by the blocks of a stage and its microbatches in flight.

    Examples
    --------
    >>> gpt3 = Shape(name="GPT-3 175B", layers=96, d_model=12288, heads=96, kv_heads=96, head_dim=128,
    ...              vocabulary=50257, d_ff=49152, mlp_matrices=2, tied_embeddings=True)
    >>> kept = activation_bytes(gpt3, 2048, 2048, 8.0, "selective", dropout_masks=2)
    >>> round(float(kept) / 2**20, 1)  # s·b·h·34/t
    102.0
    """
    check_recompute(recompute)
    norm_shards = tensor if sequence_parallel else 1.0
    if recompute == "full":
        return checkpoint_activation_bytes(tokens, shape.d_model, norm_shards)
    scores = 5.0 * _mean_heads(shape) * compacted(sequence) if recompute == "none" else 0.0
    inner = inner_activation_elements(shape)
    return layer_activation_bytes(tokens, shape.d_model, inner, scores, dropout_masks, tensor, norm_shards)


def _mean_heads(shape: Shape) -> float:
    """Return the query heads of a layer, averaged over layers; recurrences count 0, as they have no scores."""
    heads = (
        group.layers * group.mixer.heads
        for group in shape.groups
        if isinstance(group.mixer, Attention | LatentAttention)
    )
    return sum(heads) / shape.layers
