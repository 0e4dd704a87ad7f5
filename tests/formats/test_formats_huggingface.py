"""Shapes read from published configuration files, against the parameter counts of the Hub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel.compute import (
    cache_bytes,
    cache_bytes_per_token,
    count_parameters,
    prediction_parameters,
    shape,
    state_bytes,
    total_parameters,
    weight_bytes,
)
from costmodel.formats import huggingface
from costmodel.foundation.errors import CatalogError, DomainError

package = pytest.importorskip("aiconfigurator_core", reason="the published files are in the extra `test`")
FILES = Path(package.__file__).parent / "model_configs"
CONFIGS = sorted(path.name for path in FILES.glob("*_config.json") if "hf_quant" not in path.name)
QUANTIZATIONS = sorted(path.name for path in FILES.glob("*hf_quant_config.json"))

LLAMA = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
LLAMA |= {"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256}
QWEN3_MOE = {"model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32}
QWEN3_MOE |= {"num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "num_experts": 128}
QWEN3_MOE |= {"num_experts_per_tok": 8, "moe_intermediate_size": 768, "tie_word_embeddings": False}


def config(kind: str, width: int, layers: int, heads: int, vocabulary: int, **more: Any) -> dict[str, Any]:
    """Return the fields that most families share."""
    shared = {"model_type": kind, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    return shared | {"vocab_size": vocabulary} | more


def latent(**more: Any) -> dict[str, Any]:
    """Return the fields of latent attention that DeepSeek's models share."""
    shared = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
    return shared | {"first_k_dense_replace": 1, "moe_layer_freq": 1, "n_shared_experts": 2} | more


GQA = "num_key_value_heads"
INNER = "intermediate_size"
WRITTEN: dict[str, tuple[int, dict[str, Any]]] = {
    # safetensors totals of the Hub's API, as two public registries repeat them (kvfit's build_registry.py, 2026, and an
    # audit of mixtures of experts on the Hub, 2026), or as the maker's card prints them
    "Llama-2-70B": (68_976_648_192, config("llama", 8192, 80, 64, 32000, **{GQA: 8, INNER: 28672})),
    "Mistral-7B-v0.1": (
        7_241_732_096,
        config("mistral", 4096, 32, 32, 32000, **{GQA: 8, INNER: 14336}, sliding_window=4096),
    ),
    "Qwen1.5-MoE-A2.7B": (
        14_315_784_192,
        config(
            "qwen2_moe", 2048, 24, 16, 151936, **{GQA: 16, INNER: 5632}, num_experts=60, num_experts_per_tok=4,
            moe_intermediate_size=1408, shared_expert_intermediate_size=5632,
        ),
    ),
    "Qwen2.5-7B": (7_615_616_512, config("qwen2", 3584, 28, 28, 152064, **{GQA: 4, INNER: 18944})),
    "Qwen2.5-72B": (72_706_203_648, config("qwen2", 8192, 80, 64, 152064, **{GQA: 8, INNER: 29568})),
    "Qwen3-Coder-Next": (
        79_674_391_296,
        config(
            "qwen3_next", 2048, 48, 16, 151936, **{GQA: 2, INNER: 5120}, head_dim=256, num_experts=512,
            num_experts_per_tok=10, moe_intermediate_size=512, shared_expert_intermediate_size=512,
            linear_key_head_dim=128, linear_num_key_heads=16, linear_num_value_heads=32, linear_value_head_dim=128,
        ),
    ),
    "DeepSeek-V2-Lite": (
        15_706_484_224,
        config(
            "deepseek_v2", 2048, 27, 16, 102400, **{INNER: 10944}, q_lora_rank=None, n_routed_experts=64,
            num_experts_per_tok=6, moe_intermediate_size=1408, **latent(),
        ),
    ),
    "DeepSeek-V2": (
        235_741_434_880,
        config(
            "deepseek_v2", 5120, 60, 128, 102400, **{INNER: 12288}, q_lora_rank=1536, n_routed_experts=160,
            num_experts_per_tok=6, moe_intermediate_size=1536, **latent(),
        ),
    ),
    "GLM-4-9B-0414": (
        9_400_279_040,
        config("glm4", 4096, 40, 32, 151552, **{GQA: 2, INNER: 13696}, head_dim=128, attention_bias=True),
    ),
    "INTELLECT-3 (GLM-4.5-Air)": (
        106_852_251_264,
        config(
            "glm4_moe", 4096, 46, 96, 151552, **{GQA: 8, INNER: 10944}, head_dim=128, attention_bias=True,
            n_routed_experts=128, n_shared_experts=1, num_experts_per_tok=8, moe_intermediate_size=1408,
            first_k_dense_replace=1,
        ),
    ),
    "Gemma-2-9B": (
        9_241_705_984,
        config("gemma2", 3584, 42, 16, 256000, **{GQA: 8, INNER: 14336}, head_dim=256, sliding_window=4096),
    ),
    "Gemma-2-27B": (
        27_227_128_320,
        config("gemma2", 4608, 46, 32, 256000, **{GQA: 16, INNER: 36864}, head_dim=128, sliding_window=4096),
    ),
    "Phi-3-mini-4k": (
        3_821_079_552,
        config("phi3", 3072, 32, 32, 32064, **{GQA: 32, INNER: 8192}, sliding_window=2047),
    ),
    "MiniMax-M1": (
        456_089_655_296,
        config(
            "minimax_m1", 6144, 80, 64, 200064, **{GQA: 8, INNER: 9216}, head_dim=128, num_local_experts=32,
            num_experts_per_tok=2, attn_type_list=[0, 0, 0, 0, 0, 0, 0, 1] * 10,
        ),
    ),
    "BLOOM": (176_247_271_424, {"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112,
                                "vocab_size": 250880}),
    "BLOOM-560M": (559_214_592, {"model_type": "bloom", "n_embed": 1024, "n_layer": 24, "num_attention_heads": 16,
                                 "vocab_size": 250880}),
    "GPT-NeoX-20B": (20_554_567_680, config("gpt_neox", 6144, 44, 64, 50432, **{INNER: 24576})),
}  # fmt: skip


@pytest.mark.published
@pytest.mark.parametrize("name", WRITTEN)
def test_families_have_the_parameters_that_are_published(name: str) -> None:
    published, fields = WRITTEN[name]
    read = huggingface.shape(fields, name)
    assert total_parameters(read) == published
    assert read.notes == ()


@pytest.mark.published
def test_a_mixture_of_experts_from_its_file_is_exact() -> None:
    counts = count_parameters(huggingface.shape(QWEN3_MOE))
    assert (counts.total, counts.active) == (30_532_122_624, 3_353_032_704)


STATED = {
    # name: (total of the Hub's API, whether heads for multi-token prediction are in it, tables that they store again)
    "Qwen--Qwen3-30B-A3B": (30_532_122_624, False, 0),
    "Qwen--Qwen3-235B-A22B": (235_093_634_560, False, 0),
    "Qwen--Qwen3-Coder-480B-A35B-Instruct": (480_154_875_392, False, 0),
    "Qwen--Qwen3-8B": (8_190_735_360, False, 0),
    "Qwen--Qwen3-32B": (32_762_123_264, False, 0),
    "deepseek-ai--DeepSeek-V3": (684_489_845_504, True, 2),
    "deepseek-ai--DeepSeek-V3.2": (685_355_329_792, True, 2),
    "meta-llama--Meta-Llama-3.1-8B": (8_030_261_248, False, 0),
    "meta-llama--Meta-Llama-3.1-70B": (70_553_706_496, False, 0),
    "mistralai--Mixtral-8x7B-v0.1": (46_702_792_704, False, 0),
    "moonshotai--Kimi-K2-Instruct": (1_026_408_235_864, False, 0),
    "MiniMaxAI--MiniMax-M2.7": (228_689_764_864, False, 0),
    "openai--gpt-oss-20b": (20_914_757_184, False, 0),
    "openai--gpt-oss-120b": (116_829_156_672, False, 0),
    "nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": (31_577_937_344, False, 0),
    "nvidia--NVIDIA-Nemotron-3-Super-120B-A12B-FP8": (123_611_012_096, True, 0),
    "zai-org--GLM-5": (753_864_139_008, True, 0),
    "zai-org--GLM-5.2": (753_329_940_480, True, 0),
}
EXACT = 1e-6
"""Largest relative difference [1], due to scales of quantised checkpoints and to balancing biases."""


def _file(name: str) -> Path:
    return FILES / f"{name}_config.json"


@pytest.mark.published
@pytest.mark.parametrize("name", STATED)
def test_published_files_have_the_parameters_that_the_hub_counts(name: str) -> None:
    stated, prediction, tables = STATED[name]
    read = huggingface.shape(_file(name))
    counted = total_parameters(read) + (prediction_parameters(read).total if prediction else 0)
    assert counted + tables * read.vocabulary * read.d_model == pytest.approx(stated, rel=1e-3 if tables else EXACT)


COMPRESSED = [name for name in CONFIGS if "DeepSeek-V4" in name]
"""Files of models with attention over compressed keys and values, which a shape cannot represent."""


@pytest.mark.contract
@pytest.mark.parametrize("name", [name for name in CONFIGS if name not in COMPRESSED])
def test_every_published_file_is_read(name: str) -> None:
    read = huggingface.shape(FILES / name)
    assert total_parameters(read) > 1e8
    assert all("not read" not in note for note in read.notes)
    stored = huggingface.scheme(FILES / name)
    assert float(weight_bytes(read, stored.precision())) <= 2 * total_parameters(read)


@pytest.mark.contract
@pytest.mark.parametrize("name", COMPRESSED)
def test_a_file_that_no_shape_holds_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(DomainError, match=r"compress_ratios = .*: a shape cannot represent attention") as refusal:
        huggingface.shape(FILES / name)
    assert "\n" not in str(refusal.value)


@pytest.mark.contract
@pytest.mark.parametrize("name", QUANTIZATIONS)
def test_a_file_about_storage_alone_says_so(name: str) -> None:
    with pytest.raises(DomainError, match=r"quantization: states only how weights are stored; give the config\.json"):
        huggingface.shape(FILES / name)


KEPT = {
    # bytes per token in bf16 while windows have room: 2 · layers · (keys and values of a layer), from each file
    "Qwen--Qwen3-235B-A22B": 2 * 94 * 2 * 4 * 128,
    "meta-llama--Meta-Llama-3.1-405B": 2 * 126 * 2 * 8 * 128,
    "mistralai--Mixtral-8x22B-v0.1": 2 * 56 * 2 * 8 * 128,
    "deepseek-ai--DeepSeek-V3": 2 * 61 * (512 + 64),
    "deepseek-ai--DeepSeek-V3.2": 2 * 61 * (512 + 64 + 128),
    "openai--gpt-oss-120b": 2 * 36 * 2 * 8 * 64,
    "nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 2 * 6 * 2 * 2 * 128,
    "nvidia--Gemma-4-31B-IT-NVFP4": 2 * (50 * 2 * 16 * 256 + 10 * 2 * 4 * 512),
    "Qwen--Qwen3.5-27B": 2 * 16 * 2 * 4 * 256,
    "XiaomiMiMo--MiMo-V2-Flash": 2 * (9 * 4 * (192 + 128) + 39 * 8 * (192 + 128)),
    "moonshotai--Kimi-K3": 2 * 24 * (512 + 64),
    "MiniMaxAI--MiniMax-M3": 2 * (60 * 2 * 4 * 128 + 57 * 128),
    "zai-org--GLM-5.2": 2 * (78 * (512 + 64) + 21 * 128),
    "nvidia--Llama-3_3-Nemotron-Super-49B-v1": 2 * 49 * 2 * 8 * 128,
}


@pytest.mark.closed_form
@pytest.mark.parametrize("name", KEPT)
def test_caches_of_published_files_are_exact(name: str) -> None:
    assert cache_bytes_per_token(huggingface.shape(_file(name))) == KEPT[name]


@pytest.mark.closed_form
def test_windows_bound_what_a_long_sequence_holds() -> None:
    gemma = huggingface.shape(_file("nvidia--Gemma-4-31B-IT-NVFP4"))
    expected = 10 * 131072 * 2 * 4 * 512 * 2 + 50 * 1024 * 2 * 16 * 256 * 2
    assert float(cache_bytes(gemma, 131072, 2.0)) == expected == 11_576_279_040


@pytest.mark.closed_form
def test_recurrent_states_of_a_hybrid() -> None:
    # 23 Mamba 2 layers: 64 heads of 64 by 128, and 3 taps of 64·64 + 2·8·128 channels
    nano = huggingface.shape(_file("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"))
    assert state_bytes(nano, 4.0) == 4 * 23 * (64 * 64 * 128 + 3 * (64 * 64 + 2 * 8 * 128))


@pytest.mark.contract
def test_files_folders_tables_and_names_lead_to_one_shape(tmp_path: Path) -> None:
    folder = tmp_path / "Llama-3-8B"
    folder.mkdir()
    file = folder / "config.json"
    file.write_text(json.dumps(LLAMA), encoding="utf-8")
    read = [shape(str(file)), shape(folder), shape(LLAMA, "Llama-3-8B"), shape("Llama-3-8B")]
    assert [one.name for one in read] == ["Llama-3-8B"] * 4
    assert len({one.groups for one in read}) == 1


@pytest.mark.contract
def test_an_unknown_type_is_read_by_its_fields_and_says_so() -> None:
    read = huggingface.shape(LLAMA | {"model_type": "novel", "novel_streams": 4})
    assert total_parameters(read) == 8_030_261_248
    assert any("'novel' is not known" in note for note in read.notes)
    assert any("novel_streams" in note for note in read.notes)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"num_hidden_layers": -1}, "num_hidden_layers = -1 must be a whole number"),
        ({"num_attention_heads": "32"}, "num_attention_heads = '32' must be a whole number"),
        ({"vocab_size": True}, "vocab_size = True must be a whole number"),
        ({"hc_mult": 4}, "hc_mult = 4: a shape cannot represent several residual streams"),
        ({"layer_types": ["strange"] * 32}, "layers of type strange are not known"),
        ({"layer_types": ["full_attention"]}, "layer_types has 1 entries for 32 layers"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings = 'yes' must be true or false"),
        ({"num_key_value_heads": 5}, "kv_heads = 5 must divide heads"),
    ],
)
def test_what_cannot_be_held_is_named_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as refusal:
        huggingface.shape(LLAMA | changes)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.contract
def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "config.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(DomainError, match=r"config\.json: not JSON"):
        shape(broken)
    with pytest.raises(DomainError, match="cannot be read"):
        shape(str(tmp_path / "none" / "config.json"))
    with pytest.raises(CatalogError, match="Llama-3-8B"):
        shape("Llama-3-8C")
    broken.write_text("[1]", encoding="utf-8")
    with pytest.raises(DomainError, match="holds a list"):
        shape(broken)


@pytest.mark.closed_form
def test_precision_by_part_follows_the_file() -> None:
    # Kimi K2.5: routed experts in INT4 with a 16-bit scale per 32, everything else in 16 bits
    read, stored = huggingface.shape(_file("moonshotai--Kimi-K2.5")), huggingface.scheme(_file("moonshotai--Kimi-K2.5"))
    counts = count_parameters(read)
    expected = counts.routed_experts * (4 + 16 / 32) / 8 + (counts.total - counts.routed_experts) * 2
    assert float(weight_bytes(read, stored.precision())) == pytest.approx(expected, rel=1e-12)


@pytest.mark.contract
def test_an_unknown_quantisation_is_refused_in_one_line() -> None:
    with pytest.raises(DomainError, match="quant_method = 'odd': known are"):
        huggingface.scheme(LLAMA | {"quantization_config": {"quant_method": "odd"}})


@pytest.mark.closed_form
def test_prediction_heads_stand_apart() -> None:
    glm = huggingface.shape(_file("zai-org--GLM-5"))
    without = replace(glm, prediction=None)
    assert total_parameters(glm) == total_parameters(without)
    assert prediction_parameters(without).total == 0


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("GLM-5", "nvidia--GLM-5-NVFP4"),
        ("Qwen3.5-397B-A17B", "Qwen--Qwen3.5-397B-A17B"),
        ("MiniMax-M2.5", "MiniMaxAI--MiniMax-M2.5"),
    ],
)
def test_a_record_in_groups_is_what_the_file_says(name: str, file: str) -> None:
    assert shape(name).groups == huggingface.shape(_file(file)).groups
