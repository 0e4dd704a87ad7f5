"""Shapes of the catalog's architectures against published totals, and refusals of shapes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from costmodel.catalog import table
from costmodel.compute import (
    Precision,
    Shape,
    activation_bytes,
    active_parameters,
    architecture_names,
    bytes_per_element,
    cache_bytes,
    cache_bytes_per_token,
    count_parameters,
    decode_flop_per_token,
    embedding_parameters,
    forward_flop_per_token,
    inner_activation_elements,
    matmul_parameters,
    shape,
    total_parameters,
    touched_parameters,
    touched_weight_bytes,
    training_flop_per_token,
    weight_bytes,
)
from costmodel.foundation.errors import CatalogError, DomainError

TINY = {
    "name": "tiny",
    "layers": 2,
    "d_model": 64,
    "heads": 8,
    "kv_heads": 2,
    "head_dim": 8,
    "vocabulary": 100,
    "d_ff": 256,
}
ROUTED = TINY | {"d_ff": 128, "experts": 8, "top_k": 2, "d_ff_expert": 32, "shared_experts": 1, "dense_layers": 1}
LATENT = {
    "name": "latent",
    "layers": 3,
    "d_model": 64,
    "heads": 4,
    "vocabulary": 100,
    "d_ff": 128,
    "kv_rank": 16,
    "nope_dim": 8,
    "rope_dim": 4,
    "value_dim": 8,
}
OUTSIDE_ONE_PERCENT = {"Kimi-K2": -0.013}
"""Published totals that the shapes miss, as recorded in the catalog with the reason."""


def _with(field: str) -> list[str]:
    """Return the names of architectures whose maker published a figure."""
    return [name for name in architecture_names() if field in table("architectures")[name]]


@pytest.mark.published
@pytest.mark.parametrize("name", _with("published_parameters"))
def test_parameters_are_within_one_percent_of_the_published_total(name: str) -> None:
    record = table("architectures")[name]
    error = total_parameters(shape(name)) / record.value("published_parameters") - 1.0
    expected = OUTSIDE_ONE_PERCENT.get(name, 0.0)
    assert abs(error - expected) < (0.0005 if expected else 0.01)
    assert len(record.text("residual")) > 10  # each residual is explained


@pytest.mark.published
@pytest.mark.parametrize("name", _with("published_cache"))
def test_cache_per_token_is_exact(name: str) -> None:
    assert cache_bytes_per_token(shape(name), 2) == table("architectures")[name].value("published_cache")


@pytest.mark.published
def test_gpt_oss_matches_its_card_line_by_line() -> None:
    # OpenAI 2025 (arXiv 2508.10925), table 1: 114.71B MLP, 0.96B attention, 1.16B tables, 5.13B active, 116.83B.
    counts = count_parameters(shape("gpt-oss-120b"))
    assert (counts.routed_experts + counts.router) / 1e9 == pytest.approx(114.71, abs=0.006)
    assert counts.attention / 1e9 == pytest.approx(0.96, abs=0.005)
    assert counts.embeddings / 1e9 == pytest.approx(1.16, abs=0.005)
    assert counts.matmul_active / 1e9 == pytest.approx(5.13, abs=0.005)
    assert counts.total / 1e9 == pytest.approx(116.83, abs=0.005)


@pytest.mark.published
def test_training_flop_per_token() -> None:
    # Zhao et al. 2025 (ISCA), table 2: 250 and 2,448 GFLOP; printed MFU 43.73 % non-causal, 38.94 % causal.
    deepseek, llama = shape("DeepSeek-V3"), shape("Llama-3.1-405B")
    causal, square = (float(training_flop_per_token(deepseek, 4096, kind)) for kind in (True, False))
    assert causal / 250e9 == pytest.approx(1.0, abs=0.015)
    assert square / causal == pytest.approx(1.123, abs=0.001)
    assert float(training_flop_per_token(llama, 4096)) / 2448e9 == pytest.approx(1.0, abs=0.015)


@pytest.mark.closed_form
def test_deepseek_flop_from_its_modules() -> None:
    # 6 × 36.63B without the input table, and 3 · 2 · n_h · (d_qk + d_v) · s/2 per block.
    deepseek = shape("DeepSeek-V3")
    expected = 6 * matmul_parameters(deepseek) + 3 * 2 * 128 * (192 + 128) * 4096 / 2 * 61
    assert float(training_flop_per_token(deepseek, 4096)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.closed_form
def test_counts_of_a_small_routed_shape() -> None:
    counts = count_parameters(Shape(**ROUTED))
    expert = 3 * 64 * 32
    assert counts.attention == 2 * (2 * 64 * 64 + 2 * 64 * 16)
    assert counts.dense_mlp == 3 * 64 * 128
    assert counts.routed_experts == 8 * expert
    assert counts.shared_experts == expert
    assert counts.router == 64 * 8
    assert counts.vectors == 2 * 2 * 64 + 64
    assert counts.total - counts.active == (8 - 2) * expert
    assert counts.active - counts.matmul_active == 100 * 64
    assert embedding_parameters(Shape(**ROUTED)) == 2 * 100 * 64
    assert active_parameters(Shape(**ROUTED)) == counts.active


@pytest.mark.closed_form
def test_latent_attention_without_compressed_queries() -> None:
    queries, latent, unfolded, output = 64 * 4 * 12, 64 * (16 + 4), 16 * 4 * (8 + 8), 4 * 8 * 64
    assert count_parameters(Shape(**LATENT)).attention == 3 * (queries + latent + unfolded + output)


@pytest.mark.closed_form
def test_small_terms_are_counted_once_each() -> None:
    plain = count_parameters(Shape(**TINY)).total
    biased = Shape(
        **TINY,
        attention_bias=True,
        mlp_bias=True,
        norm_bias=True,
        qk_norm=True,
        attention_sinks=True,
        positions=10,
        norms_per_layer=2,
    )
    projections, mlp = (8 + 2 * 2) * 8 + 64, 2 * 256 + 64
    norms, queries_and_keys, sinks = 5 * 64, 2 * 8, 8
    extra = 2 * (projections + mlp + queries_and_keys + sinks) + norms + 10 * 64
    assert count_parameters(biased).total == plain + extra
    tied = dataclasses.replace(Shape(**TINY), tied_embeddings=True)
    assert count_parameters(tied).total == plain - 100 * 64


@pytest.mark.closed_form
def test_hybrid_cache_and_flop() -> None:
    hybrid = Shape(
        **(TINY | {"layers": 6}),
        window=128,
        windowed_layers=3,
        recurrent_layers=2,
        recurrent_parameters=1000,
        recurrent_state=512,
    )
    layer = 2 * 2 * 8 * 2
    assert float(cache_bytes(hybrid, 1000)) == 1 * layer * 1000 + 3 * layer * 128 + 2 * 512 * 2
    assert float(cache_bytes_per_token(hybrid)) == 4 * layer
    assert count_parameters(hybrid).attention == 4 * (2 * 64 * 64 + 2 * 64 * 16) + 2 * 1000
    attended = float(decode_flop_per_token(hybrid, 1000)) - 2 * matmul_parameters(hybrid)
    assert attended == 2 * 8 * 16 * (1000 + 3 * 128)


@pytest.mark.closed_form
def test_gpt_oss_keeps_half_its_cache_at_long_context() -> None:
    held = float(cache_bytes(shape("gpt-oss-120b"), 131072)) / 131072
    assert held == pytest.approx(73728 * (18 + 18 * 128 / 131072) / 36, rel=1e-14)


@pytest.mark.closed_form
def test_decoding_on_the_latent_reads_the_latent_width() -> None:
    deepseek = shape("DeepSeek-V3")
    absorbed = float(decode_flop_per_token(deepseek, 4096)) - 2 * matmul_parameters(deepseek)
    unfolded = float(decode_flop_per_token(deepseek, 4096, absorbed=False)) - 2 * matmul_parameters(deepseek)
    assert absorbed == 61 * 2 * 128 * (576 + 512) * 4096
    assert unfolded == 61 * 2 * 128 * (192 + 128) * 4096


@pytest.mark.closed_form
def test_prefill_in_two_parts_costs_what_one_does() -> None:
    llama = shape("Llama-3-8B")
    whole = 4096 * forward_flop_per_token(llama, 4096)
    parts = 1024 * forward_flop_per_token(llama, 1024) + 3072 * forward_flop_per_token(llama, 3072, cached=1024)
    assert float(parts) == pytest.approx(float(whole), rel=1e-14)


@pytest.mark.closed_form
def test_weights_by_precision() -> None:
    card = shape("gpt-oss-120b")
    counts = count_parameters(card)
    four_bits = bytes_per_element("mxfp4")
    assert four_bits == 4.25 / 8
    rest = counts.total - counts.routed_experts
    assert float(weight_bytes(card, Precision(experts=four_bits))) == rest * 2 + counts.routed_experts * 4.25 / 8
    assert float(weight_bytes(card)) == counts.total * 2
    assert float(touched_weight_bytes(card, 1)) == pytest.approx(2 * counts.matmul_active, rel=1e-12)
    everything = counts.total - counts.input_embedding
    assert float(touched_weight_bytes(card, 1e6, 1.0)) == pytest.approx(everything, rel=1e-12)
    assert float(touched_parameters(card, 1e6)) == pytest.approx(everything, rel=1e-12)


@pytest.mark.published
def test_activations_of_gpt3_in_the_papers_units() -> None:
    # Korthikanti et al. 2022, table 2, t = 8: per block in s·b·h.
    gpt3, s, h = shape("GPT-3-175B"), 2048, 12288
    assert inner_activation_elements(gpt3) == 12 * h
    kept = {
        kind: float(activation_bytes(gpt3, s, s, 8.0, kind, True, 2)) / (s * h)
        for kind in ("none", "selective", "full")
    }
    assert kept == pytest.approx({"none": (34 + 80) / 8, "selective": 34 / 8, "full": 2 / 8})
    tensor_only = float(activation_bytes(gpt3, s, s, 8.0, "none", False, 2)) / (s * h)
    assert tensor_only == pytest.approx(10 + 24 / 8 + 80 / 8)


@pytest.mark.contract
def test_functions_broadcast_over_grids() -> None:
    batch, context, width = np.ogrid[1:4, 100:105, 1:3]
    moe = shape("DeepSeek-V3")
    assert touched_weight_bytes(moe, batch, width).shape == (3, 1, 2)
    assert cache_bytes(moe, context, width).shape == (1, 5, 2)
    assert decode_flop_per_token(moe, context).shape == (1, 5, 1)
    assert forward_flop_per_token(moe, context, cached=batch).shape == (3, 5, 1)
    assert activation_bytes(moe, batch * context, context, width).shape == (3, 5, 2)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": 0}, "layers"),
        ({"layers": True}, "whole number"),
        ({"layers": 2.0}, "whole number"),
        ({"d_model": -64}, "whole number"),
        ({"tied_embeddings": 1}, "true or false"),
        ({"name": 3}, "text"),
        ({"kv_heads": 0}, "from 1 to heads"),
        ({"kv_heads": 9}, "from 1 to heads"),
        ({"kv_heads": 3}, "divide heads"),
        ({"head_dim": 0}, "head_dim"),
        ({"d_ff": 0}, "dense MLP"),
        ({"mlp_matrices": 4}, "2 (plain) or 3 (gated)"),
        ({"rope_dim": 4}, "kv_rank"),
        ({"experts": 8, "top_k": 9, "d_ff_expert": 8}, "from 1 to experts"),
        ({"experts": 8, "top_k": 2}, "d_ff_expert"),
        ({"shared_experts": 1}, "needs experts"),
        ({"dense_layers": 1}, "needs experts"),
        ({"window": 128}, "go together"),
        ({"window": 128, "windowed_layers": 3}, "at most layers"),
        ({"vocab": 5}, "did you mean 'vocabulary'"),
    ],
)
def test_shape_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DomainError) as refusal:
        Shape.from_record(TINY | changes)
    assert message in str(refusal.value)


@pytest.mark.contract
def test_shape_names_what_is_missing() -> None:
    with pytest.raises(DomainError, match="missing d_model, vocabulary"):
        Shape.from_record({"name": "x", "layers": 1, "heads": 1})


@pytest.mark.contract
def test_kinds_of_attention() -> None:
    names = {"GPT-3-175B": "MHA", "Llama-3-70B": "GQA", "PaLM-540B": "MQA", "Kimi-K2": "MLA"}
    assert {name: shape(name).attention for name in names} == names


@pytest.mark.contract
def test_unknown_names_are_refused_with_near_matches() -> None:
    with pytest.raises(CatalogError, match="Llama-3-70B"):
        shape("Llama-3-70")
    with pytest.raises(DomainError, match="did you mean 'bf16'"):
        bytes_per_element("bf161")
    with pytest.raises(DomainError, match="'selective'"):
        activation_bytes(shape("Llama-3-8B"), 1, 1, recompute="some")  # type: ignore[arg-type]


@pytest.mark.published
def test_a_shape_closes_on_a_parameter_count() -> None:
    # Llama 2 7B (arXiv 2307.09288; safetensors total of the Hub): its width of 11,008 follows from its size
    known = {"name": "m", "layers": 32, "d_model": 4096, "vocabulary": 32000, "parameters": 6_738_415_616}
    mine = Shape.from_record(known)
    assert (mine.d_ff, mine.heads, mine.kv_heads) == (11008, 32, 32)
    assert "d_ff = 11008" in mine.notes[0]
    # Llama 3 70B with its own heads: 28,672
    known = {
        "name": "m",
        "layers": 80,
        "d_model": 8192,
        "kv_heads": 8,
        "vocabulary": 128256,
        "parameters": 70_553_706_496,
    }
    assert Shape.from_record(known).d_ff == 28672
    # Mixtral 8x7B: the width of an expert
    known = {"name": "m", "layers": 32, "d_model": 4096, "kv_heads": 8, "vocabulary": 32000, "experts": 8, "top_k": 2}
    assert Shape.from_record({**known, "parameters": 46_702_792_704}).d_ff_expert == 14336
    # depth and width from the size alone: a model between 80 and 200 times as wide as deep
    alone = Shape.from_record({"name": "m", "parameters": 6.66e9})
    assert total_parameters(alone) == pytest.approx(6.66e9, rel=1e-3)
    assert 80 < alone.d_model / alone.layers < 200
    grouped = Shape.from_record({"name": "m", "parameters": 70e9, "kv_heads": 8})
    assert grouped.heads % 8 == 0
    assert total_parameters(grouped) == pytest.approx(70e9, rel=1e-3)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"parameters": 1e6}, "attention and tables alone have 2.353e\\+09"),
        ({"parameters": "7B"}, "parameters = '7B' must be a number > 0, as 6.66e9"),
        ({"parameters": -1.0}, "must be a number > 0"),
        ({"parameters": 7e9, "layers": 0}, "layers = 0 must be ≥ 1"),
        ({"parameters": 7e9, "d_model": "wide"}, "d_model = 'wide' must be a whole number"),
        ({"parameters": 7e9, "kv_heads": "x"}, "kv_heads = 'x' must be a whole number"),
        ({"parameters": 9e9, "d_ff": 11008}, "parameters = 9e\\+09, but the shape has"),
        ({"parameters": 9e9, "haeds": 3}, "unknown entry 'haeds'; did you mean 'heads'"),
    ],
)
def test_a_count_that_no_shape_has_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(DomainError, match=said):
        Shape.from_record({"name": "m", "layers": 32, "d_model": 4096, "vocabulary": 25000, **more})
