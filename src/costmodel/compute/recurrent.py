"""Published recurrent mixers: state-space models and linear attention, each built from its own fields."""

from __future__ import annotations

from costmodel.compute.mixers import Matrix, Recurrent

STATE_SPACE_WORK = 3
"""Multiply-adds per element of state and token: decay, update, read (Dao and Gu 2024, "Transformers are SSMs",
arXiv 2405.21060, equation 1)."""
DELTA_WORK = 4
"""The same with the delta rule, which also reads the state before each update (Yang et al. 2024, "Gated Delta
Networks", arXiv 2412.06464, equation 10)."""
LINEAR_WORK = 3
"""The same for linear attention with decay: decay, update, read (arXiv 2405.21060, section 2.4)."""


def mamba(
    *, d_model: int, inner: int, state: int, kernel: int, rank: int, conv_bias: bool, bias: bool, norms: bool
) -> Recurrent:
    """Return a Mamba mixer: a diagonal state per channel, with steps from a low-rank projection.

    Parameters
    ----------
    d_model, inner
        Widths of the residual stream and of the mixer.
    state, kernel, rank
        Elements of state per channel; taps of the convolution; rank of the step size.
    conv_bias, bias
        Whether the convolution, and the projections in and out, have biases.
    norms
        Whether step size, input and output matrices are normed, as in Jamba.

    References
    ----------
    Gu and Dao 2023, "Mamba", arXiv 2312.00752, section 3.

    Examples
    --------
    >>> mixer = mamba(d_model=4096, inner=8192, state=16, kernel=4, rank=256, conv_bias=True, bias=False, norms=True)
    >>> mixer.state == 8192 * (16 + 3)
    True
    """
    weights = (
        Matrix("in", d_model, 2 * inner, inner),
        Matrix("step_down", inner, rank + 2 * state, 1, "inner"),
        Matrix("step", rank, inner, inner),
        Matrix("output", inner, d_model, inner, "inner"),
    )
    elements = inner * (kernel + int(conv_bias)) + inner + inner * state + inner
    elements += (2 * inner + d_model if bias else 0) + (rank + 2 * state if norms else 0)
    kept = inner * (state + kernel - 1)
    return Recurrent(heads=inner, weights=weights, state=kept, work=STATE_SPACE_WORK * inner * state, elements=elements)


def mamba2(
    *,
    d_model: int,
    heads: int,
    head_dim: int,
    state: int,
    groups: int,
    kernel: int,
    conv_bias: bool = True,
    bias: bool = False,
) -> Recurrent:
    """Return a Mamba 2 mixer: a matrix of state per head.

    Parameters
    ----------
    d_model, heads, head_dim
        Width of the residual stream; heads and their width.
    state, groups, kernel
        Elements of state per channel; groups that share input and output matrices; taps of the convolution.
    conv_bias, bias
        Whether the convolution, and the projections, have biases.

    References
    ----------
    Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060, section 7.

    Examples
    --------
    >>> mixer = mamba2(d_model=2560, heads=80, head_dim=64, state=128, groups=1, kernel=4)
    >>> sum(matrix.parameters for matrix in mixer.weights) == 2560 * (2 * 5120 + 2 * 128 + 80) + 5120 * 2560
    True
    """
    inner = heads * head_dim
    mixed = inner + 2 * groups * state
    columns = inner + mixed + heads
    weights = (Matrix("in", d_model, columns, heads), Matrix("output", inner, d_model, heads, "inner"))
    elements = mixed * (kernel + int(conv_bias)) + 3 * heads + inner + (columns + d_model if bias else 0)
    kept = inner * state + mixed * (kernel - 1)
    return Recurrent(heads=heads, weights=weights, state=kept, work=STATE_SPACE_WORK * inner * state, elements=elements)


def gated_delta(
    *, d_model: int, key_heads: int, value_heads: int, key_dim: int, value_dim: int, kernel: int
) -> Recurrent:
    """Return a gated delta mixer, as in Qwen3-Next.

    Parameters
    ----------
    d_model
        Width of the residual stream.
    key_heads, value_heads, key_dim, value_dim
        Heads of queries and keys, and of values; their widths.
    kernel
        Taps of the convolution.

    References
    ----------
    Yang et al. 2024, "Gated Delta Networks", arXiv 2412.06464; huggingface/transformers, ``Qwen3NextGatedDeltaNet``.

    Examples
    --------
    >>> mixer = gated_delta(d_model=2048, key_heads=16, value_heads=32, key_dim=128, value_dim=128, kernel=4)
    >>> mixer.state == 32 * 128 * 128 + 3 * (2 * 16 * 128 + 32 * 128)
    True
    """
    keys, values = key_heads * key_dim, value_heads * value_dim
    mixed = 2 * keys + values
    weights = (
        Matrix("in", d_model, mixed + values, key_heads),
        Matrix("decay", d_model, 2 * value_heads, value_heads),
        Matrix("output", values, d_model, value_heads, "inner"),
    )
    matrix = value_heads * key_dim * value_dim
    return Recurrent(
        heads=key_heads,
        weights=weights,
        state=matrix + mixed * (kernel - 1),
        work=DELTA_WORK * matrix,
        elements=mixed * kernel + 2 * value_heads + value_dim,
    )


def kimi_delta(*, d_model: int, heads: int, head_dim: int, kernel: int, full_gate: bool) -> Recurrent:
    """Return a Kimi delta mixer: the delta rule with a decay per channel.

    Parameters
    ----------
    d_model, heads, head_dim
        Width of the residual stream; heads and their width.
    kernel
        Taps of the convolutions on queries, keys and values.
    full_gate
        Whether the output gate's projection has full rank instead of the rank of a head's width.

    References
    ----------
    Kimi Team 2025, "Kimi Linear", arXiv 2510.26692, section 4.

    Examples
    --------
    >>> mixer = kimi_delta(d_model=2304, heads=32, head_dim=128, kernel=4, full_gate=False)
    >>> mixer.state == 32 * 128 * 128 + 3 * 3 * 32 * 128
    True
    """
    inner = heads * head_dim
    weights = [
        Matrix("in", d_model, 3 * inner, heads),
        Matrix("decay_down", d_model, head_dim),
        Matrix("decay", head_dim, inner, heads),
        Matrix("step", d_model, heads, heads),
        Matrix("output", inner, d_model, heads, "inner"),
    ]
    if full_gate:
        weights.append(Matrix("gate", d_model, inner, heads))
    else:
        weights += [Matrix("gate_down", d_model, head_dim), Matrix("gate", head_dim, inner, heads)]
    matrix = heads * head_dim * head_dim
    return Recurrent(
        heads=heads,
        weights=tuple(weights),
        state=matrix + 3 * inner * (kernel - 1),
        work=DELTA_WORK * matrix,
        elements=3 * inner * kernel + heads + inner + head_dim,
    )


def lightning(*, d_model: int, heads: int, head_dim: int) -> Recurrent:
    """Return a lightning-attention mixer, as in MiniMax-Text-01: linear attention with decay and an output gate.

    Parameters
    ----------
    d_model, heads, head_dim
        Width of the residual stream; heads and their width.

    References
    ----------
    MiniMax 2025, "MiniMax-01", arXiv 2501.08313, section 2.2; huggingface/transformers, ``MiniMaxLightningAttention``.

    Examples
    --------
    >>> lightning(d_model=6144, heads=64, head_dim=128).state == 64 * 128 * 128
    True
    """
    inner = heads * head_dim
    weights = (
        Matrix("in", d_model, 3 * inner, heads),
        Matrix("gate", d_model, inner, heads),
        Matrix("output", inner, d_model, heads, "inner"),
    )
    matrix = heads * head_dim * head_dim
    return Recurrent(heads=heads, weights=weights, state=matrix, work=LINEAR_WORK * matrix, elements=inner)
