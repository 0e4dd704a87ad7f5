"""Formats, constants and limits of the compute room, each from its source or counted by hand."""

from __future__ import annotations

import pytest
from tests.default_numbers import default_fields, default_numbers

from costmodel.compute import (
    PRECISION_BYTES,
    blocks,
    closing,
    config_blocks,
    config_fields,
    config_mixers,
    config_precision,
    flop,
    groups,
    layer,
    memory,
    precision,
    recurrent,
    roofline,
    shape,
    written,
)
from costmodel.compute.machine import OPERAND_BYTES, TILE_ROWS

BITS = {
    "fp32": 32.0, "tf32": 32.0, "bf16": 16.0, "fp16": 16.0, "fp8": 8.0, "int8": 8.0, "fp4": 4.0, "int4": 4.0,
    "fp8-block": 8.0 + 32.0 / 128**2,  # arXiv 2412.19437, section 3.3.2: a single-precision scale per 128 x 128
    "mxfp8": 8.25, "mxfp4": 4.25,  # OCP Microscaling Formats 1.0, table 1: eight bits per 32 elements
    "nvfp4": 4.5,  # eight bits per 16 elements
    "nf4": 4.5,  # arXiv 2305.14314, section 3: 32 bits per 64 are 0.5 bits an element
    "nf4-dq": 4.0 + 8.0 / 64.0 + 32.0 / (64.0 * 256.0),  # the same: 0.127 bits an element
    "int4-g32": 4.5,  # a 16-bit scale per 32
    "fp8-index": 8.25,  # a single-precision scale per 128
    # A 16-bit scale and a zero point of the weights' bits per group.
    "int2-g32": 2.0 + 18.0 / 32.0, "int2-g64": 2.0 + 18.0 / 64.0, "int2-g128": 2.0 + 18.0 / 128.0,
    "int3-g32": 3.0 + 19.0 / 32.0, "int3-g64": 3.0 + 19.0 / 64.0, "int3-g128": 3.0 + 19.0 / 128.0,
    "int4-g64": 4.0 + 20.0 / 64.0, "int4-g128": 4.0 + 20.0 / 128.0,
    "int8-g32": 8.0 + 24.0 / 32.0, "int8-g64": 8.0 + 24.0 / 64.0, "int8-g128": 8.0 + 24.0 / 128.0,
}  # fmt: skip
"""Bits of an element with its share of the scales [bit]."""


@pytest.mark.published
def test_every_format_has_the_bits_of_its_specification() -> None:
    assert dict(PRECISION_BYTES) == pytest.approx({name: bits / 8.0 for name, bits in BITS.items()}, rel=1e-15)
    assert OPERAND_BYTES == {"bf16": 2.0, "tf32": 4.0, "fp8": 1.0, "int8": 1.0, "fp4": 4.5 / 8.0}


@pytest.mark.published
def test_constants_are_those_of_their_sources() -> None:
    # Rajbhandari et al. (2020), section 3.1: 2 + 2 + 12 bytes a parameter with Adam.
    assert (memory.WEIGHT_BYTES, memory.GRADIENT_BYTES, memory.ADAM_BYTES) == (2.0, 2.0, 12.0)
    # Kaplan et al. (2020), section 2.1: 2 FLOP a weight and token, backward twice forward, 12 d² weights a layer.
    assert (flop.FLOP_PER_MULTIPLY_ADD, flop.TRAINING_OVER_FORWARD, closing.LAYER_FACTOR) == (2, 3, 12)
    # GPT-3 175B: 12,288 over 96 layers; heads of 128. GPT-2's 50,257 entries on the next multiple of 64.
    assert closing.ASPECT == 12288 / 96 and closing.HEAD_DIM == 12288 / 96
    assert closing.VOCABULARY == -(-50257 // 64) * 64
    # Decay, update, read; the delta rule reads once more. Gate, up and down, or up and down.
    assert (recurrent.STATE_SPACE_WORK, recurrent.DELTA_WORK, recurrent.LINEAR_WORK) == (3, 4, 3)
    assert (groups.GATED, groups.PLAIN) == (3, 2)
    assert TILE_ROWS == 64.0  # wgmma: m64
    assert config_blocks.SEARCHED_MULTIPLE == 256  # modeling_decilm.py
    assert abs(layer.EULER - 0.57721566490153286) < 1e-15


@pytest.mark.contract
def test_counts_and_limits_are_as_documented() -> None:
    accesses = layer.RESIDUAL_ACCESSES, layer.ACTIVATION_ACCESSES, layer.ROUTING_ACCESSES
    assert accesses == (4.0, 1.0, 3.0)
    kernels = layer.MIXER_KERNELS, layer.RECURRENCE_KERNELS, layer.INDEXER_KERNELS, layer.HEAD_KERNELS
    assert kernels == (5.0, 10.0, 3.0, 2.0)
    assert (layer.DENSE_KERNELS, layer.ROUTED_KERNELS, layer.RECURRENCE_OUT) == (2.0, 7.0, 0.25)
    assert (layer.ELEMENT_BYTES, roofline.RESULT_BYTES) == (2.0, 2.0)
    assert closing.AGREEMENT == 0.01
    assert (config_fields.LARGEST_FILE, config_fields.LARGEST_RATIO) == (64_000_000, 1e6)
    assert (config_mixers.MOST_LAYERS, config_precision.WIDEST, written.LARGEST) == (10_000, 64, 1_000_000_000_000)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("experts", "activation", "sent"),
    [("bf16", "bf16", 2.0), ("fp8", "bf16", 1.0), ("mxfp4", "bf16", 1.0), ("fp32", "bf16", 2.0), ("bf16", "fp8", 1.0)],
)
def test_tokens_travel_to_experts_in_eight_bits_where_these_have_no_more(
    experts: str, activation: str, sent: float
) -> None:
    stored = precision.scheme({"default": "bf16", "experts": experts}).precision(activation)
    assert stored.dispatch == sent
    assert stored.activation == {"bf16": 2.0, "fp8": 1.0}[activation]


@pytest.mark.closed_form
def test_a_matrix_that_does_not_divide_is_cut_all_the_same() -> None:
    """DeepSeek-V3 over three devices: keys and values of 128 heads from a latent of 512, of 32,768 columns."""
    mixer = next(block for block in blocks(shape("DeepSeek-V3"), 1.0, tensor=3.0) if block.kind == "mixer")
    assert (128 * (128 + 128) / 3.0, 512.0) in [(float(item.columns), float(item.inner)) for item in mixer.products]


@pytest.mark.contract
def test_what_functions_take_where_nothing_is_given() -> None:
    """Half precision; nothing cached, cut, or spread; no dropout, whose masks would take a byte each."""
    found = default_numbers("compute")
    bandwidth = found.pop("machine.machine")["scale_out_bandwidth"]
    assert bandwidth != bandwidth  # NaN: unknown
    cache = ("cache_bytes_per_token", "cache_bytes", "cache_read_bytes", "growing_cache_bytes", "state_bytes")
    assert found == {
        **{f"cache.{name}": {"precision": 2.0} for name in cache},
        **{f"memory.{name}": {"precision": 2.0} for name in ("weight_bytes", "touched_weight_bytes")},
        "memory.activation_bytes": {"tensor": 1.0, "dropout_masks": 0},
        "collectives.expert_exchange_time": {"most_domains": float("inf")},
        "flop.forward_flop_per_token": {"cached": 0.0},
        "layer.blocks": {"tensor": 1.0, "expert": 1.0},
        "machine.derated": {"clock": 1.0},
    }


@pytest.mark.contract
def test_what_dataclasses_take_where_nothing_is_given() -> None:
    """Gated blocks with two norms, one of each thing, half precision; all else is 0, absent or not so."""
    found = default_fields("compute")
    machine = found.pop("Machine")
    assert {name for name, value in machine.items() if value != value} == {"scale_up_bandwidth", "scale_out_bandwidth"}
    assert {value for value in machine.values() if value == value} == {1.0} and len(machine) == 5
    assert set(found.pop("Precision").values()) == {2.0}
    assert found == {
        "Family": {"norms": 2, "gated": True}, "Dense": {"mlp_matrices": 3}, "Routed": {"mlp_matrices": 3},
        "Group": {"norms": 2}, "Prediction": {"heads": 1, "merge": True, "norms": 3}, "Adapter": {"loaded": 1},
        "Product": {"groups": 1.0, "rows": 1.0}, "Rate": {"operand_bytes": 2.0, "kernels": 1.0},
        "Matrix": {"shards": 1},
        "Indexer": {"head_weights": True}, "Recurrent": {"heads": 1}, "Format": {"group": 1.0},
        "Shape": {"final_norm": True}, "Uniform": {"mlp_matrices": 3, "norms_per_layer": 2},
    }  # fmt: skip
