"""Memory layout of engines, against their logs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel.compute import count_parameters, scheme, shape, weight_bytes
from costmodel.formats import huggingface
from costmodel.serving import Engine, Layout, configuration_of
from costmodel.serving.memory import MemoryBudget, cache_room, memory_budget, weight_bytes_per_accelerator
from costmodel.serving.reserve import (
    Reserve,
    activation_reserve,
    padding_share,
    pass_bytes,
    reserve,
    reserve_remark,
    sampling_bytes,
)

GIB = 2.0**30
QWEN_7B = {"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28}
QWEN_7B |= {"num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064}
GPT_OSS_20B = {"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24, "num_attention_heads": 64}
GPT_OSS_20B |= {"num_key_value_heads": 8, "intermediate_size": 2880, "vocab_size": 201088}
GPT_OSS_20B |= {"num_local_experts": 32, "num_experts_per_tok": 4}
QWEN_30B = {"model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32}
QWEN_30B |= {"num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "num_experts": 128}
QWEN_30B |= {"num_experts_per_tok": 8, "moe_intermediate_size": 768}


def budget(model: Any, chip: str, stored: str, use: float, engine: str, tensor: int = 1, **kept: float) -> MemoryBudget:
    """Lay out a model's memory on a card as an engine does."""
    what = configuration_of("Llama-3-8B", chip, "bf16", "bf16", Layout(tensor=float(tensor)), Engine(memory_use=use))
    read = shape(model) if isinstance(model, str) else huggingface.shape(model)
    held = scheme(stored, read.name, cache="bf16").precision()
    used = replace(what.engine, reserve=replace(reserve(engine, chip), **kept))
    return memory_budget(replace(what, shape=read, precision=held, engine=used))


LOADED = {
    # memory that an engine printed after loading, in GiB of one card
    "vLLM #6746: Llama-3.1-405B FP8, eight H100": (57.752, ("Llama-3.1-405B", "H100-SXM", "fp8", 0.9, "vllm-0.11", 8)),
    "vLLM #23278: gpt-oss-120b, H100": (65.9651, ("gpt-oss-120b", "H100-SXM", "mxfp4", 0.9, "vllm-0.11")),
    "vLLM #33155: gpt-oss-120b, H100": (64.38, ("gpt-oss-120b", "H100-SXM", "mxfp4", 0.9, "vllm")),
    "vLLM #17327: Qwen3-30B-A3B, four cards": (14.2474, (QWEN_30B, "H100-SXM", "bf16", 0.9, "vllm-0.11", 4)),
    "vLLM #12569: Llama-3.1-70B INT8, H100": (67.7229, ("Llama-3-70B", "H100-SXM", "int8", 0.98, "vllm-0.11")),
    "TensorRT-LLM #6294: Llama-3.1-8B FP8, H100": (8.46, ("Llama-3-8B", "H100-SXM", "fp8", 0.9, "vllm")),
    "myoceane.fr: gpt-oss-20b, A100": (13.72, (GPT_OSS_20B, "A100-SXM-80", "mxfp4", 0.65, "vllm")),
    "llm-d-planner: Llama-3.1-8B, H100": (14.99, ("Llama-3-8B", "H100-SXM", "bf16", 0.95, "vllm")),
    "llm-d-planner: Qwen2.5-7B, H100": (14.25, (QWEN_7B, "H100-SXM", "bf16", 0.95, "vllm")),
    "llm-d-planner: Llama-3.1-8B FP8, H100": (8.49, ("Llama-3-8B", "H100-SXM", "fp8", 0.95, "vllm")),
}


@pytest.mark.published
@pytest.mark.parametrize("log", LOADED)
def test_weights_as_engines_load_them(log: str) -> None:
    printed, setup = LOADED[log]
    assert float(budget(*setup).loaded) / GIB == pytest.approx(printed, rel=0.05)


ROOM = {
    # memory that an engine printed as left for the cache, in GiB of one card; the catalog's figures use none of these
    # logs, except for runtime and buffers, from the same fifty runs as the first four
    "llm-d-planner: Llama-3.1-8B, H100": (58.11, ("Llama-3-8B", "H100-SXM", "bf16", 0.95, "vllm")),
    "llm-d-planner: Llama-3.1-8B, two H100": (
        0.95 * 79.19 - 7.51 - 1.89 - 2.07,
        ("Llama-3-8B", "H100-SXM", "bf16", 0.95, "vllm", 2),
    ),
    "llm-d-planner: Qwen2.5-7B, H100": (58.53, (QWEN_7B, "H100-SXM", "bf16", 0.95, "vllm")),
    "llm-d-planner: Llama-3.1-8B FP8, H100": (64.61, ("Llama-3-8B", "H100-SXM", "fp8", 0.95, "vllm")),
    "myoceane.fr: gpt-oss-20b, A100": (36.56, (GPT_OSS_20B, "A100-SXM-80", "mxfp4", 0.65, "vllm")),
    "vLLM #21348: Qwen3-235B FP8, four H100": (8.11, ("Qwen3-235B-A22B", "H100-SXM", "fp8", 0.9, "vllm-0.11", 4)),
    "vLLM #21348, SGLang: Qwen3-235B FP8, four H100": (
        2 * 8.23,
        ("Qwen3-235B-A22B", "H100-SXM", "fp8", 0.93, "sglang", 4),
    ),
}


@pytest.mark.published
@pytest.mark.parametrize("log", ROOM)
def test_room_for_the_cache_as_engines_find_it(log: str) -> None:
    printed, setup = ROOM[log]
    assert float(budget(*setup).room) / GIB == pytest.approx(printed, rel=0.1)


OSS_LEFT = {
    # gpt-oss-120b on one H100: share of the card, tokens of a pass, GiB left, and how far off it may be, which is a
    # tenth of what is left, or of the sampler's memory where less than nothing is
    "vLLM #23278, 0.10": (0.9, 8192.0, -2.14, 0.73),
    "vLLM #27508, 0.11": (0.95, 1024.0, 1.71, 0.171),
}


@pytest.mark.published
@pytest.mark.parametrize("log", OSS_LEFT)
def test_gpt_oss_leaves_little_room_on_one_card(log: str) -> None:
    # the sampler's bytes are counted from PyTorch's sort, not fitted on either log
    share, tokens, printed, allowed = OSS_LEFT[log]
    found = float(budget("gpt-oss-120b", "H100-SXM", "mxfp4", share, "vllm 0.10.2", tokens=tokens).room) / GIB
    assert found == pytest.approx(printed, abs=allowed)


@pytest.mark.published
def test_the_first_engine_of_vllm_keeps_less_for_sampling() -> None:
    # vLLM pull request 10511, December 2024: Llama-3-8B on one H100 at 0.9: 1.26 GiB of activations, 53.29 GiB left
    laid = budget("Llama-3-8B", "H100-SXM", "bf16", 0.9, "vllm 0.6.5")
    assert float(laid.activations) / GIB == pytest.approx(1.26, rel=0.05)
    assert float(laid.room) / GIB == pytest.approx(53.29, rel=0.1)


@pytest.mark.published
def test_a_share_of_free_memory() -> None:
    # TensorRT-LLM #1400, 0.8: Llama-2-7B in INT8 on one A100, passes of 4,096 tokens, 0.9 of what is free:
    # 69,524,783,104 bytes for the cache
    llama = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
    llama |= {"intermediate_size": 11008, "vocab_size": 32000}
    laid = budget(llama, "A100-SXM-80", "int8", 0.9, "TensorRT-LLM 0.8", tokens=4096.0, sequences=1.0)
    assert float(laid.room) == pytest.approx(69_524_783_104, rel=0.05)
    free = laid.seen - laid.loaded - laid.activations - laid.runtime
    assert float(laid.room) == pytest.approx(0.9 * float(free), rel=1e-12)
    assert float(laid.planned) == pytest.approx(float(laid.loaded + laid.activations + laid.runtime + laid.room))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("written", "record"),
    [
        ("vllm", "vllm"),
        ("vLLM==0.9.2", "vllm-0.11"),
        ("vllm 0.11.2", "vllm-0.11"),
        ("vllm v0.12.0", "vllm"),
        ("vllm-0.7", "vllm-0.7"),
        ("vllm:0.6.4.post1", "vllm-0.7"),
        ("TensorRT-LLM 1.0.0rc3", "trtllm"),
        ("SGLang 0.4.6", "sglang"),
        ("tgi 2.0", "vllm"),
    ],
)
def test_an_engine_is_found_by_name_and_version(written: str, record: str) -> None:
    assert reserve(written) == reserve(record)
    assert bool(reserve_remark(written)) == written.startswith("tgi")


MEASURED = {
    # peak activations in GiB that vLLM 0.19.0 printed on H100, with passes of 8,192 tokens (llm-d-planner, 2026-04)
    "Llama-3.1-8B": (1.89, "Llama-3-8B"),
    "Qwen2.5-7B": (2.21, QWEN_7B),
    "Qwen3-30B-A3B": (2.68, QWEN_30B),
    "Gemma-2-27B": (
        3.66,
        {
            "model_type": "gemma2",
            "hidden_size": 4608,
            "num_hidden_layers": 46,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "intermediate_size": 36864,
            "head_dim": 128,
            "vocab_size": 256000,
        },
    ),
}


@pytest.mark.published
@pytest.mark.parametrize("name", MEASURED)
def test_activations_of_the_largest_pass(name: str) -> None:
    printed, model = MEASURED[name]
    read = shape(model) if isinstance(model, str) else huggingface.shape(model)
    assert float(activation_reserve(read, reserve("vllm"))) / GIB == pytest.approx(printed, rel=0.1)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.reserve:sampling_bytes")
def test_sampling_works_on_every_logit() -> None:
    # 1,024 sequences over 128,256 entries: 16 bits, single precision, probabilities and noise
    assert sampling_bytes(1024, 128256, 2 + 4 + 4 + 4) == 1024 * 128256 * 14


@pytest.mark.closed_form
def test_a_pass_holds_its_residual_stream_and_its_widest_layer() -> None:
    # two copies of 4,096, and gate, up and product of an MLP of 14,336, in 2 bytes, over two cards
    llama = shape("Llama-3-8B")
    assert pass_bytes(llama, 100.0, 2.0) == 100 * 2 * (2 * 4096 + 3 * 14336 / 2)


@pytest.mark.closed_form
def test_experts_in_four_bits_are_padded_on_loading() -> None:
    card, kept = shape("gpt-oss-120b"), Reserve(pad_width=256, pad_inner=128)
    grown = 3072 * 2944 / 2880**2 - 1
    assert padding_share(card, kept, 4.25 / 8) == pytest.approx(grown)
    assert padding_share(card, kept, 1.0) == 0.0
    assert padding_share(shape("Llama-3-8B"), kept, 0.5) == 0.0


@pytest.mark.closed_form
@pytest.mark.parametrize("layout", [Layout(), Layout(tensor=8.0), Layout(tensor=2.0, pipeline=4.0)])
@pytest.mark.parametrize("name", ["Llama-3.1-405B", "DeepSeek-V3", "gpt-oss-120b"])
def test_all_cards_together_hold_the_weights_to_the_byte(name: str, layout: Layout) -> None:
    what = configuration_of(name, "H200-SXM", "fp8", layout=layout)
    held = float(weight_bytes_per_accelerator(what)) * float(layout.accelerators)
    assert held == pytest.approx(float(weight_bytes(what.shape, what.precision)), rel=1e-15)


@pytest.mark.closed_form
def test_the_published_checkpoint_keeps_attention_in_sixteen_bits() -> None:
    # only the MLP in 8 bits, and that of 124 of 126 layers
    what = configuration_of("Llama-3.1-405B", "H100-SXM", "fp8", layout=Layout(tensor=8.0))
    counts = count_parameters(what.shape)
    expected = (2 * counts.total - counts.dense_mlp * 124 / 126) / 8
    assert float(weight_bytes_per_accelerator(what)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.closed_form
def test_a_budget_adds_up() -> None:
    kept = reserve("vllm")
    laid = budget("Llama-3-70B", "H100-SXM", "fp8", 0.9, "vllm", 4)
    parts = laid.loaded + laid.activations + laid.runtime + laid.communication + laid.room
    assert float(parts) == pytest.approx(0.9 * 79.19 * GIB)
    assert float(laid.communication) == kept.communication
    apart = budget("Llama-3-70B", "H100-SXM", "fp8", 0.9, "sglang", 4)
    assert float(apart.loaded + apart.room) == pytest.approx(0.9 * (79.19 * GIB - apart.runtime - apart.communication))


@pytest.mark.contract
def test_no_room_is_none_not_less() -> None:
    what = configuration_of("DeepSeek-V3", "H100-SXM", "fp8")
    assert cache_room(what) == 0.0
    assert float(memory_budget(what).room) < 0.0


@pytest.mark.contract
def test_budgets_broadcast_over_layouts_and_shares() -> None:
    what = configuration_of("Llama-3-70B", "H100-SXM", "fp8", layout=Layout(tensor=np.array([1.0, 2.0, 8.0])))
    many = replace(what, engine=replace(what.engine, memory_use=np.array([[0.8], [0.9]])))
    found = memory_budget(many).room
    assert found.shape == (2, 3)
    alone = memory_budget(replace(what, layout=Layout(tensor=8.0))).room
    assert found[1, 2] == alone


@pytest.mark.contract
def test_an_engine_without_a_record_says_so() -> None:
    assert "'tgi' keeps back: that of vllm is used" in reserve_remark("tgi")
    assert reserve_remark("sglang") == ""
