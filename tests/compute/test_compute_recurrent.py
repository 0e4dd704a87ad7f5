"""Published recurrent mixers, part by part: their modules counted by hand on small widths."""

from __future__ import annotations

import pytest

from costmodel.compute import Recurrent
from costmodel.compute.recurrent import gated_delta, kimi_delta, lightning, mamba, mamba2

pytestmark = pytest.mark.closed_form


def weights(mixer: Recurrent) -> int:
    return sum(matrix.parameters for matrix in mixer.weights)


@pytest.mark.parametrize("conv_bias", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("norms", [False, True])
def test_mamba(conv_bias: bool, bias: bool, norms: bool) -> None:
    """in_proj, conv1d, x_proj, dt_proj with its bias, A_log, D, out_proj of state-spaces/mamba; norms of Jamba."""
    d, inner, state, taps, rank = 20, 40, 6, 4, 3
    mixer = mamba(
        d_model=d, inner=inner, state=state, kernel=taps, rank=rank, conv_bias=conv_bias, bias=bias, norms=norms
    )
    assert weights(mixer) == d * 80 + 40 * (3 + 6 + 6) + 3 * 40 + 40 * d
    vectors = 40 * 4 + 40 + 40 * 6 + 40  # taps, bias of dt_proj, A_log, D
    vectors += (40 if conv_bias else 0) + (80 + 20 if bias else 0) + (3 + 6 + 6 if norms else 0)
    assert mixer.elements == vectors
    assert mixer.state == 40 * 6 + 40 * 3  # three earlier inputs of the convolution
    assert mixer.work == 3 * 40 * 6


@pytest.mark.parametrize("conv_bias", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_mamba_2(conv_bias: bool, bias: bool) -> None:
    """One projection to gate, channels, input and output matrices and steps; A_log, D and dt_bias by head; a norm."""
    mixer = mamba2(d_model=20, heads=4, head_dim=8, state=6, groups=2, kernel=4, conv_bias=conv_bias, bias=bias)
    columns = 32 + (32 + 2 * 2 * 6) + 4
    assert weights(mixer) == 20 * columns + 32 * 20
    assert mixer.elements == 56 * 4 + (56 if conv_bias else 0) + 3 * 4 + 32 + (columns + 20 if bias else 0)
    assert (mixer.state, mixer.work) == (32 * 6 + 56 * 3, 3 * 32 * 6)


def test_gated_delta() -> None:
    """Qwen3NextGatedDeltaNet: queries, keys, values and gate; two numbers a value head; convolution; A_log, dt_bias."""
    mixer = gated_delta(d_model=20, key_heads=2, value_heads=4, key_dim=6, value_dim=10, kernel=4)
    assert weights(mixer) == 20 * (12 + 12 + 40 + 40) + 20 * 8 + 40 * 20
    assert mixer.elements == (12 + 12 + 40) * 4 + 4 + 4 + 10
    assert (mixer.state, mixer.work) == (4 * 6 * 10 + 64 * 3, 4 * 4 * 6 * 10)
    assert mixer.heads == 2


@pytest.mark.parametrize(("full_gate", "gate"), [(True, 20 * 32), (False, 20 * 8 + 8 * 32)])
def test_kimi_delta(full_gate: bool, gate: int) -> None:
    """Queries, keys and values of four heads of 8; a decay by channel over the rank of a head; a step by head."""
    mixer = kimi_delta(d_model=20, heads=4, head_dim=8, kernel=4, full_gate=full_gate)
    assert weights(mixer) == 20 * 96 + (20 * 8 + 8 * 32) + 20 * 4 + 32 * 20 + gate
    assert mixer.elements == 96 * 4 + 4 + 32 + 8
    assert (mixer.state, mixer.work) == (4 * 8 * 8 + 96 * 3, 4 * 4 * 8 * 8)


def test_lightning() -> None:
    mixer = lightning(d_model=20, heads=4, head_dim=8)
    assert weights(mixer) == 20 * 96 + 20 * 32 + 32 * 20
    assert (mixer.elements, mixer.state, mixer.work) == (32, 4 * 8 * 8, 3 * 4 * 8 * 8)
