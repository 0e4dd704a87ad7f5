"""Formats that a checkpoint's quantization config states, entry by entry, and what has no format."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.compute import config_precision, config_shapes
from costmodel.compute.config_fields import Fields
from costmodel.foundation.errors import DomainError

pytestmark = pytest.mark.contract


@pytest.mark.parametrize(
    ("group", "form"),
    [
        ({"num_bits": 4, "type": "float", "group_size": 16}, "nvfp4"),
        ({"num_bits": 4, "type": "float", "group_size": 32}, "mxfp4"),
        ({"num_bits": 8, "type": "float", "group_size": 32}, "mxfp8"),
        ({"num_bits": 8, "type": "float", "strategy": "block"}, "fp8-block"),
        ({"num_bits": 8, "type": "float", "strategy": "channel"}, "fp8"),
        ({"num_bits": 8, "type": "int"}, "int8"),
        ({"num_bits": 4, "type": "int"}, "int4"),
        ({"num_bits": 4, "type": "int", "group_size": 128}, "int4-g128"),
        ({"num_bits": 4, "type": "float", "group_size": 64}, None),
        ({"num_bits": 6, "type": "float", "group_size": 32}, None),
    ],
)
def test_a_group_of_compressed_tensors(group: dict[str, Any], form: str | None) -> None:
    """NVFP4 has a scale per 16 elements, MXFP4 and MXFP8 one per 32."""
    if form is not None:
        assert config_precision._group_format({"weights": group}) == form
    else:
        with pytest.raises(DomainError, match="have no format"):
            config_precision._group_format({"weights": group})


@pytest.mark.parametrize(
    ("bits", "size", "form"),
    [
        (4, None, "int4"), (8, -1, "int8"), (4, 0, "int4"), (3, 64, "int3-g64"), (2, 32, "int2-g32"),
        (4, 256, "int4"), (8, 1024, "int8"),  # scales below one part in a hundred
        (4, 384, None), (3, 256, None), (3, None, None), (4, 0.5, None), (4, -256, None),
    ],
)  # fmt: skip
def test_integers_in_groups(bits: int, size: Any, form: str | None) -> None:
    if form is not None:
        assert config_precision._integers(bits, size) == form
    else:
        with pytest.raises(DomainError, match=f"integers of {bits} bits in groups of {size} have no format"):
            config_precision._integers(bits, size)


@pytest.mark.parametrize(
    ("stated", "form"),
    [
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8-block"),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "awq"}, "int4-g128"),
        ({"quant_method": "awq", "w_bit": 3, "q_group_size": 64}, "int3-g64"),
        ({"quant_method": "gptq", "bits": 8, "group_size": 32}, "int8-g32"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "nf4"),
        ({"load_in_4bit": True, "bnb_4bit_use_double_quant": True}, "nf4-dq"),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 2, "group_size": 64}}}, "int2-g64"),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, "fp8"),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32}}}, "mxfp4"),
        (
            {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "uint4", "group_size": 128}}},
            "int4-g128",
        ),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 16}}}, None),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 64}}}, None),
        ({"quant_method": "exl2"}, None),
    ],
)
def test_a_method_that_stores_all_modules_alike(stated: dict[str, Any], form: str | None) -> None:
    if form is not None:
        assert config_precision._method(str(stated.get("quant_method") or ""), stated) == form
    else:
        with pytest.raises(DomainError, match=r"have no format|known are fp8"):
            config_precision._method(str(stated["quant_method"]), stated)


@pytest.mark.parametrize(("bits", "taken"), [(64, True), (1, True), (65, False), (-1, False), ("4", False)])
def test_bits_are_whole_and_64_at_most(bits: Any, taken: bool) -> None:
    if taken:
        assert config_precision._bits({"bits": bits}, "bits") == bits
    else:
        with pytest.raises(DomainError, match="must be a whole number of bits, 64 at most"):
            config_precision._bits({"bits": bits}, "bits")


def test_elements_of_a_layer_beside_its_matrices() -> None:
    """Gemma 4: a scalar, and where experts are routed a scale per width and one per expert."""
    for fields, elements in (({}, 1), ({"enable_moe_block": True, "num_experts": 8}, 1 + 64 + 8)):
        config = Fields({"hidden_size": 64, **fields}, {}, "config.json")
        assert config_shapes._extra(config, "gemma4") == elements
    config = Fields({"hidden_size": 64, "attn_res_block_size": 4}, {}, "config.json")
    assert config_shapes._extra(config, "other") == 4 * 64
