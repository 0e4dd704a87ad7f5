"""Variants of configuration files: nested, listed or differently spelled fields, and every way to store weights."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.compute import active_parameters, cache_bytes, count_parameters, scheme, total_parameters, weight_bytes
from costmodel.compute.precision import bytes_per_element
from costmodel.formats import huggingface
from costmodel.foundation.errors import DomainError

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
}
COUNT = 8_030_261_248
"""Parameters of Llama 3 8B, as the Hub counts its safetensors."""

MPT = {
    # MPT models of MosaicML with learned positions and biases, sequences of 2,048: layers, width, heads, parameters
    # (github.com/mosaicml/llm-foundry, scripts/train/benchmarking/README.md, H100 80GB BF16, column NumParams)
    "760m": (24, 1536, 12, 760_470_528),
    "1b": (24, 2048, 16, 1_315_950_592),
    "3b": (32, 2560, 20, 2_651_837_440),
    "7b": (32, 4096, 32, 6_658_859_008),
    "13b": (40, 5120, 40, 12_853_954_560),
    "30b": (48, 7168, 56, 29_975_214_080),
    "70b": (80, 8192, 64, 64_862_437_376),
}


@pytest.mark.published
@pytest.mark.parametrize("name", MPT)
def test_models_with_learned_positions_have_the_parameters_that_are_printed(name: str) -> None:
    layers, width, heads, printed = MPT[name]
    written = {"model_type": "gpt2", "n_embd": width, "n_layer": layers, "n_head": heads, "n_positions": 2048}
    assert total_parameters(huggingface.shape(written | {"vocab_size": 50368})) == printed


@pytest.mark.published
def test_a_mixture_of_experts_of_an_unknown_type_is_read() -> None:
    # DBRX, 132 B of which 36 B are active (Databricks 2024): attention and feed-forward in tables of their own
    dbrx = {"model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40, "vocab_size": 100352}
    dbrx |= {"attn_config": {"kv_n_heads": 8, "clip_qkv": 8}, "tie_word_embeddings": False}
    dbrx |= {"ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}}
    read = huggingface.shape(dbrx)
    assert total_parameters(read) == pytest.approx(132e9, rel=0.005)
    assert active_parameters(read) == pytest.approx(36e9, rel=0.015)
    assert any("'dbrx' is not known" in note for note in read.notes)
    assert any("clip_qkv" in note for note in read.notes)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    "written",
    [
        {"model_type": "llava", "text_config": LLAMA, "vision_config": {"hidden_size": 1024}},
        {"model_type": "internvl_chat", "llm_config": LLAMA},
        {"model_type": "some_omni", "thinker_config": {"text_config": LLAMA, "audio_config": {"d_model": 64}}},
        LLAMA | {"rope_scaling": {"rope_type": "yarn", "factor": 8.0}},
        LLAMA | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "partial_rotary_factor": 0.5},
        LLAMA | {"intermediate_size": [14336] * 32},
        LLAMA | {"sliding_window": None, "model_type": "mistral"},
    ],
)
def test_nested_listed_and_neutral_fields_change_nothing(written: dict[str, Any]) -> None:
    read = huggingface.shape(written)
    assert total_parameters(read) == COUNT
    assert float(cache_bytes(read, 1000.0)) == 1000 * 131072


@pytest.mark.closed_form
def test_letters_tell_which_layers_have_a_window() -> None:
    # EXAONE 4: three layers with a window and one without, repeated
    read = huggingface.shape(
        LLAMA | {"model_type": "exaone4", "sliding_window": 4096, "sliding_window_pattern": "LLLG"}
    )
    assert (read.windowed_layers, read.full_layers) == (24, 8)
    with pytest.raises(DomainError, match="letters other than L and G"):
        huggingface.shape(LLAMA | {"sliding_window": 4096, "sliding_window_pattern": "LXG"})


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bert"}, "model_type = 'bert': a shape cannot represent a model with an encoder"),
        ({"model_type": "t5"}, "a shape cannot represent a model with an encoder"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder = True: a shape cannot represent a model"),
        (
            {"model_type": "novel", "mamba_d_ssm": 1024},
            "mamba_d_ssm = 1024: recurrent layers of the unknown model_type",
        ),
        ({"intermediate_size": [14336] * 31 + [1]}, "differs between layers, which is not supported"),
    ],
)
def test_what_is_no_decoder_like_llama_is_refused_by_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as refusal:
        huggingface.shape(LLAMA | changes)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 250


INT = {"num_bits": 4, "group_size": 128, "type": "int", "strategy": "group"}
STORED = [
    # fields of the file, format of the layers, whether attention has it too, format of the cache
    ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8-block", True, "bf16"),
    ({"quant_method": "fp8", "ignored_layers": ["lm_head"]}, "fp8", True, "bf16"),
    ({"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]}, "fp8", False, "bf16"),
    ({"quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": True}, "int4-g64", True, "bf16"),
    ({"quant_method": "awq", "w_bit": 4, "q_group_size": 128}, "int4-g128", True, "bf16"),
    ({"quant_method": "gptq", "bits": 3, "group_size": 128}, "int3-g128", True, "bf16"),
    ({"quant_method": "gptq", "bits": 8, "group_size": -1}, "int8", True, "bf16"),
    ({"quant_method": "auto-round", "bits": 2, "group_size": 32}, "int2-g32", True, "bf16"),
    ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8", True, "bf16"),
    ({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "nf4", True, "bf16"),
    ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}, "nf4-dq", True, "bf16"),
    (
        {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}},
        "int4-g64",
        True,
        "bf16",
    ),
    ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, "fp8", True, "bf16"),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_scheme": {"num_bits": 8}}, "nvfp4", True, "fp8"),
    (
        {"quant_method": "compressed-tensors", "config_groups": {"a": {"targets": ["Linear"], "weights": INT}}},
        "int4-g128",
        True,
        "bf16",
    ),
]


@pytest.mark.closed_form
@pytest.mark.parametrize("row", STORED, ids=lambda row: f"{row[0].get('quant_method')} {row[1]}")
def test_weights_as_files_say_they_are_stored(row: tuple[dict[str, Any], str, bool, str]) -> None:
    stated, form, attention, cache = row
    written = LLAMA | {"quantization_config": stated}
    read, stored = huggingface.shape(written), huggingface.scheme(written)
    assert (stored.dense, stored.attention, stored.cache) == (form, form if attention else "bf16", cache)
    counts = count_parameters(read)
    narrow = counts.dense_mlp + (counts.attention if attention else 0)
    expected = narrow * bytes_per_element(form) + (counts.total - narrow) * 2.0
    assert float(weight_bytes(read, stored.precision())) == pytest.approx(expected, rel=1e-12)


@pytest.mark.published
@pytest.mark.parametrize(
    ("form", "bits"),
    [("nf4", 4.5), ("nf4-dq", 4.127), ("int4-g128", 4.15625), ("int4-g64", 4.3125), ("mxfp4", 4.25), ("nvfp4", 4.5)],
)
def test_bits_of_a_weight_with_its_scales(form: str, bits: float) -> None:
    # 0.5 bits a parameter for scales of NF4, 0.127 with double quantization (QLoRA, arXiv 2305.14314, section 3)
    assert bytes_per_element(form) * 8 == pytest.approx(bits, abs=5e-4)


@pytest.mark.contract
def test_the_name_of_a_format_is_a_scheme() -> None:
    stored = scheme("int4-g64")
    assert (stored.attention, stored.experts, stored.head) == ("int4-g64", "int4-g64", "bf16")
    with pytest.raises(DomainError, match="unknown precision 'int4-g63'"):
        scheme("int4-g63")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("nope", "quantization_config = 'nope' must be a table of fields"),
        ({"quant_method": "aqlm"}, "quant_method = 'aqlm': known are"),
        ({"quant_method": "gptq", "bits": 5, "group_size": 128}, "integers of 5 bits in groups of 128 have no format"),
        ({"quant_method": "quark", "global_quant_config": {}}, "quark: weights of '' in groups of None have no format"),
    ],
)
def test_a_way_to_store_that_is_not_known_is_named(stated: Any, message: str) -> None:
    with pytest.raises(DomainError) as refusal:
        huggingface.scheme(LLAMA | {"quantization_config": stated})
    assert message in str(refusal.value)


@pytest.mark.contract
def test_parts_that_see_or_hear_are_named_as_not_counted() -> None:
    seeing = {
        "model_type": "gemma3",
        "text_config": LLAMA,
        "vision_config": {"hidden_size": 1152},
        "audio_config": None,
    }
    read = huggingface.shape(seeing)
    assert total_parameters(read) == COUNT
    assert [note for note in read.notes if "not counted" in note] == [
        "not counted: vision, audio and speech parts (vision_config); weights are the language model's alone"
    ]
    speaking = {"model_type": "x", "thinker_config": {"text_config": LLAMA, "audio_config": {"d_model": 8}}}
    assert any("(audio_config)" in note for note in huggingface.shape(speaking).notes)
    assert not any("not counted" in note for note in huggingface.shape(LLAMA).notes)


ROUTED = LLAMA | {"model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 512}
HYBRID = ROUTED | {"model_type": "jamba", "mamba_d_state": 16, "attn_layer_period": 8, "expert_layer_period": 2}
SEARCHED = LLAMA | {"model_type": "nemotron-nas", "num_hidden_layers": 1}
STATE_SPACE = {"d_model": 768, "n_layer": 4, "vocab_size": 100, "ssm_cfg": {"layer": "Mamba2"}}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("config", "changes", "named"),
    [
        (LLAMA, {"num_attention_heads": 0}, "num_attention_heads = 0 must be a whole number ≥ 1"),
        (LLAMA, {"num_key_value_heads": 0}, "num_key_value_heads = 0 must be a whole number ≥ 1"),
        (LLAMA, {"vocab_size": 0}, "vocab_size = 0 must be a whole number ≥ 1"),
        (LLAMA, {"intermediate_size": 0}, "intermediate_size = 0 must be a whole number ≥ 1"),
        (ROUTED, {"num_experts_per_tok": 9}, "num_experts_per_tok = 9 must be a whole number from 1 to 8"),
        (ROUTED, {"moe_intermediate_size": 0}, "moe_intermediate_size = 0 must be a whole number ≥ 1"),
        (LLAMA, {"hidden_size": 0}, "hidden_size = 0 must be"),
        (LLAMA, {"num_hidden_layers": 0}, "num_hidden_layers = 0 must be a whole number from 1 to 10,000"),
        (LLAMA, {"num_hidden_layers": 10**12}, "num_hidden_layers = 1000000000000 must be"),
        (LLAMA | {"n_layer": 1e11}, {"num_hidden_layers": None}, "n_layer = 100000000000.0 must be"),
        (LLAMA, {"hybrid_override_pattern": 5}, "hybrid_override_pattern = 5: must have one word per layer"),
        (LLAMA, {"hybrid_override_pattern": "M" * 20_000}, "one word per layer, for at most 10,000 layers"),
        (LLAMA, {"layer_types": [["full_attention"]] * 32}, "must be a list of words or numbers"),
        (LLAMA, {"attention_chunk_size": 64, "no_rope_layer_interval": 0}, "no_rope_layer_interval = 0 must be"),
        (LLAMA, {"num_nextn_predict_layers": 1, "mtp_hybrid_override_pattern": 7}, "mtp_hybrid_override_pattern = 7"),
        (ROUTED, {"mlp_only_layers": [[1]]}, "mlp_only_layers = [[1]] must be a list of words or numbers"),
        (ROUTED, {"moe_layers": [{}]}, "moe_layers = [{}] must be"),
        (HYBRID, {"attn_layer_period": 0}, "attn_layer_period = 0 must be a whole number ≥ 1"),
        (HYBRID, {"expert_layer_period": 0}, "expert_layer_period = 0 must be a whole number ≥ 1"),
        (LLAMA, {"expansion_ratio": "x", "intermediate_size": None}, "expansion_ratio = 'x' must be a number > 0"),
        (LLAMA, {"expansion_ratio": float("inf"), "intermediate_size": None}, "expansion_ratio = inf must be"),
        (SEARCHED, {"block_configs": [7]}, "block_configs[0] = 7 must be a table with attention"),
        (SEARCHED, {"block_configs": [{"attention": {"n_heads_in_group": 0}}]}, "n_heads_in_group = 0 must be"),
        (SEARCHED, {"block_configs": [{"attention": {"no_op": True}, "ffn": {}}]}, "neither ffn_mult nor no_op"),
        (STATE_SPACE, {"ssm_cfg": 3}, "ssm_cfg = 3: must be a table of fields"),
        (STATE_SPACE, {"ssm_cfg": {"headdim": 0}}, "ssm_cfg: headdim = 0 must be a whole number ≥ 1"),
    ],
)
def test_a_field_out_of_bounds_is_named_in_one_line(
    config: dict[str, Any], changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(DomainError) as refused:
        huggingface.shape(config | changes)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("stated", "named"),
    [
        ({"quant_method": "awq", "bits": "four"}, "bits = 'four' must be a whole number of bits"),
        ({"quant_method": "fp8", "ignore": 7}, "ignore = '7' must be a list of names"),
        ({"quant_method": "fp8", "ignore": ["re:("]}, "'(' is not a regular expression"),
        ({"config_groups": {"group_0": 1}}, "config_groups = '1' must be a table of fields"),
        ({"quantized_layers": {"lm_head": True}}, "quantized_layers = 'True' must be a table of fields"),
        ({"quant_method": "quark", "global_quant_config": {"weight": 1}}, "weight = '1' must be a table of fields"),
        ("fp8", "quantization_config = 'fp8' must be a table of fields"),
    ],
)
def test_a_statement_of_storage_out_of_bounds_is_named_in_one_line(stated: object, named: str) -> None:
    with pytest.raises(DomainError) as refused:
        huggingface.scheme(LLAMA | {"quantization_config": stated})
    assert named in str(refused.value)


@pytest.mark.contract
def test_dense_layers_beyond_the_last_are_no_matter() -> None:
    """A trillion leading dense layers of 32 count as 32, and no list of that length is built."""
    assert huggingface.shape(ROUTED | {"first_k_dense_replace": 10**12}).moe_layers == 0
