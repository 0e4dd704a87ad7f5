"""Counts, times and readings of models where a rule begins, ends or changes: figures by hand on both sides."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel.compute import (
    Adapter,
    Attention,
    Dense,
    Group,
    Indexer,
    LatentAttention,
    Matrix,
    Precision,
    Prediction,
    Recurrent,
    Routed,
    Shape,
    activation_bytes,
    adapter_parameters,
    block_time,
    blocks,
    cache_bytes,
    cache_bytes_per_token,
    count_parameters,
    decode_flop_per_token,
    efficiency,
    forward_flop_per_token,
    largest_compute_share,
    machine,
    matmul_parameters,
    prediction_parameters,
    rate,
    scheme,
    shape,
    total_parameters,
    weight_bytes,
)
from costmodel.compute.architectures import names_a_model, stored_scheme
from costmodel.compute.cache import growing_cache_bytes
from costmodel.compute.config_blocks import _routed_layers, _searched_blocks, read_blocks
from costmodel.compute.config_families import FAMILIES, LLAMA, Family, canonical, family
from costmodel.compute.config_fields import Fields
from costmodel.compute.config_mixers import (
    _kv_heads,
    _layer_words,
    _mamba,
    _mamba2,
    _searched_mixers,
    _sparse_layers,
    _window,
    layers_of,
    read_mixers,
)
from costmodel.compute.config_shapes import _name_of, _norms, _other_parts, _state_space
from costmodel.compute.own_shape import written_shape
from costmodel.foundation.errors import DomainError
from costmodel.foundation.provenance import Grade

PLAIN = Attention(heads=8, kv_heads=2, head_dim=8)
MLP = Dense(d_ff=256)


def one(mixer: Any = PLAIN, block: Any = MLP, layers: int = 2, **more: Any) -> Shape:
    group = Group(layers=layers, mixer=mixer, feed_forward=block)
    return Shape(**{"name": "one", "d_model": 64, "vocabulary": 100, "groups": (group,), **more})


# Counts


@pytest.mark.closed_form
def test_each_addition_to_a_shape_counts_by_itself() -> None:
    base = count_parameters(one())
    more = {
        "positions": ({"positions": 7}, 7 * 64),
        "biases of norms": ({"norm_bias": True}, 64),
        "no final norm": ({"final_norm": False}, -64),
        "norm of embeddings": ({"embedding_norm": True}, 64),
        "bias of the head": ({"head_bias": True}, 100),
        "tied": ({"tied_embeddings": True}, -100 * 64),
    }
    for name, (change, parameters) in more.items():
        assert count_parameters(one(**change)).total - base.total == parameters, name
    routed = Routed(experts=4, top_k=2, d_ff_expert=16, shared_experts=1)
    plain = count_parameters(one(PLAIN, routed))
    for change, parameters in (
        ({"router_bias": True}, 4),
        ({"shared_gate": True}, 64),
        # Gate and up of 16, and the width of the model, for each of five experts.
        ({"bias": True}, 5 * (2 * 16 + 64)),
        ({"bias": True, "mlp_matrices": 2}, 5 * (16 + 64) - 5 * 64 * 16),
        ({"width": 8, "width_norm": 8}, 2 * 64 * 8 + 8 - 4 * 3 * 16 * (64 - 8)),
    ):
        found = count_parameters(one(PLAIN, replace(routed, **change)))
        assert found.total - plain.total == 2 * parameters, change


@pytest.mark.closed_form
def test_prediction_heads_without_a_merge_and_with_tables() -> None:
    head = Prediction(heads=3, groups=(Group(layers=2, mixer=PLAIN, feed_forward=MLP),), merge=False, norms=1)
    layer = 64 * 64 * 2 + 64 * 32 + 3 * 64 * 256 + 2 * 64
    assert prediction_parameters(one(prediction=head)).total == 3 * (2 * layer + 64)
    tables = replace(head, own_tables=2)
    assert prediction_parameters(one(prediction=tables)).output_embedding == 3 * 2 * 100 * 64
    assert prediction_parameters(one()).total == 0


@pytest.mark.closed_form
def test_adapters_on_the_head_and_on_experts() -> None:
    routed = Routed(experts=4, top_k=2, d_ff_expert=16, shared_experts=2, d_ff_shared=24, width=32)
    for targets, sides in (
        (("head",), 64 + 100),
        (("feed_forward",), 2 * 3 * (4 * (32 + 16) + 2 * (64 + 24))),
        (("key_value", "head"), 2 * (64 + 32) + 164),
    ):
        adapted = one(PLAIN, routed, adapters=(Adapter(rank=2, targets=targets, loaded=3),))
        assert adapter_parameters(adapted) == 2 * 3 * sides
    none = one(None, None, adapters=(Adapter(rank=2),))
    assert adapter_parameters(none) == 0
    alike = replace(routed, width=0, d_ff_shared=0)
    adapted = one(None, alike, adapters=(Adapter(rank=1, targets=("feed_forward",)),))
    assert adapter_parameters(adapted) == 2 * 3 * 6 * (64 + 16)


@pytest.mark.closed_form
def test_words_and_counts_of_a_mixed_shape() -> None:
    latent = LatentAttention(heads=8, kv_rank=16, nope_dim=8, value_dim=8, qk_norm="head")
    near = replace(PLAIN, window=32, bias=True)
    routed = Routed(experts=4, top_k=2, d_ff_expert=16)
    groups = (
        Group(layers=1, mixer=near, feed_forward=MLP),
        Group(layers=2, mixer=replace(PLAIN, kv_heads=8), feed_forward=routed),
        Group(layers=3, mixer=latent, feed_forward=None),
        Group(layers=4, mixer=Recurrent(state=8), feed_forward=MLP),
        Group(layers=1, mixer=None, feed_forward=MLP),
    )
    mixed = Shape(name="m", d_model=64, vocabulary=100, groups=groups)
    assert mixed.attention == "MLA + MHA + GQA"
    assert (mixed.layers, mixed.moe_layers, mixed.plain_layers, mixed.dense_layers) == (11, 2, 6, 6)
    assert (mixed.attention_layers, mixed.recurrent_layers, mixed.full_layers, mixed.windowed_layers) == (6, 4, 5, 1)
    assert shape("gpt-oss-120b").windowed_layers == 18  # every second of 36
    assert (mixed.window, mixed.latent, mixed.attention_bias, mixed.qk_norm) == (32, True, True, True)
    plain = one()
    assert (plain.dense_layers, plain.window, plain.latent, plain.attention_bias, plain.qk_norm) == (0,) + (0,) * 4
    assert one(None).attention == "none"
    with pytest.raises(DomainError, match="windows differ between its groups"):
        _ = replace(mixed, groups=(*groups, Group(layers=1, mixer=replace(near, window=64)))).window
    # Without FLOP for layers that attend to nothing, and with the window's reach for the one that has it.
    work = float(decode_flop_per_token(mixed, 1000.0)) - 2 * matmul_parameters(mixed)
    assert work == 2 * (8 * 16 * 32 + 2 * 8 * 16 * 1000 + 3 * 8 * 2 * 16 * 1000)


@pytest.mark.closed_form
def test_attention_to_all_tokens_reaches_no_farther_than_its_window() -> None:
    weights = 2 * matmul_parameters(one())
    for mixer, new, held, reach in ((PLAIN, 10.0, 5.0, 15.0), (replace(PLAIN, window=12), 10.0, 5.0, 12.0)):
        work = float(forward_flop_per_token(one(mixer), new, causal=False, cached=held))
        assert work == weights + 2 * 2 * 8 * 16 * reach
    chosen = one(replace(PLAIN, window=12, selected=9))
    assert float(forward_flop_per_token(chosen, 10.0, causal=False)) == weights + 2 * 2 * 8 * 16 * 9


@pytest.mark.closed_form
def test_a_cache_grows_in_layers_without_a_window() -> None:
    indexer = Indexer(heads=2, dim=4)
    groups = (
        Group(layers=3, mixer=replace(PLAIN, window=16)),
        Group(layers=2, mixer=replace(PLAIN, selected=8, indexer=indexer)),
    )
    mixed = Shape(name="m", d_model=64, vocabulary=100, groups=groups)
    stored = Precision(cache=1.0, index=0.5)
    assert growing_cache_bytes(mixed, stored) == 2 * 32 * 1.0 + 2 * 4 * 0.5
    assert cache_bytes_per_token(mixed, stored) == 5 * 32 * 1.0 + 2 * 4 * 0.5
    assert cache_bytes(mixed, 100.0, stored) == 3 * 32 * 16 + 2 * 32 * 100 + 2 * 4 * 100 * 0.5
    empty = one(Recurrent(state=10))
    assert cache_bytes(empty, np.array([1.0, 9.0])).tolist() == [40.0, 40.0]
    assert growing_cache_bytes(empty) == 0.0


@pytest.mark.closed_form
def test_activations_of_layers_of_several_kinds() -> None:
    groups = (
        Group(layers=1, mixer=PLAIN, feed_forward=MLP),
        Group(layers=3, mixer=None, feed_forward=Dense(d_ff=10, mlp_matrices=2)),
    )
    mixed = Shape(name="m", d_model=64, vocabulary=100, groups=groups)
    inner = round((((8 + 2) * 16 + 3 * 256) + 3 * 2 * 10) / 4)
    scores = 5.0 * 8 / 4 * 30
    kept = {"none": 8 * 64 + 2 * inner + scores, "selective": 8 * 64 + 2 * inner, "full": 2 * 64}
    for recompute, bytes_per_token in kept.items():
        assert float(activation_bytes(mixed, 10.0, 30.0, recompute=recompute)) == 10 * bytes_per_token
    cut = float(activation_bytes(mixed, 1.0, 30.0, 2.0, "full", False))
    assert cut == 2 * 64 and float(activation_bytes(mixed, 1.0, 30.0, 2.0, "full")) == 64
    # A recurrence keeps what its matrices give, and of the last one what goes in.
    weights = (Matrix("in", 64, 20), Matrix("output", 30, 64, side="inner"))
    assert float(activation_bytes(one(Recurrent(state=4, weights=weights), None), 1.0, 1.0)) == 8 * 64 + 2 * (20 + 30)


# Layers and machines


def products(mixer: Any, tensor: float = 1.0) -> tuple[list[tuple[float, float]], float, float]:
    block = blocks(one(mixer), 1.0, tensor=tensor)[0]
    return [(float(p.columns), float(p.inner)) for p in block.products], float(block.elements), block.kernels


@pytest.mark.closed_form
def test_products_of_each_kind_of_mixer() -> None:
    # Queries beside keys and values, cut in two; keys and values no farther than there are heads of them.
    assert products(PLAIN, 2.0) == ([(48.0, 64.0), (64.0, 32.0)], 4 * 64 + 2 * 48, 5.0)
    assert products(PLAIN, 8.0)[0] == [(8.0 + 16.0, 64.0), (64.0, 8.0)]
    indexed = LatentAttention(
        heads=8, q_rank=24, kv_rank=16, nope_dim=8, rope_dim=4, value_dim=8, selected=9,
        indexer=Indexer(heads=2, dim=4, query_rank=24),
    )  # fmt: skip
    # Down to 24 and 20, and the indexer's key and weights, on each device; the rest from what is compressed.
    found, elements, kernels = products(indexed, 2.0)
    entering = 24 + 20 + 4 + 2
    assert found == [(entering, 64.0), (48.0, 24.0), (64.0, 16.0), (64.0, 32.0), (8.0, 24.0)]
    assert (elements, kernels) == (4 * 64 + 2 * entering, 5.0 + 3.0)
    # Of a recurrence known by its number of weights three quarters go in and one out, over its heads.
    opaque = Recurrent(heads=4, state=1, weights=(Matrix("recurrence", 64 * 40, 1),))
    assert products(opaque, 8.0) == ([(0.75 * 10, 64.0), (64.0, 0.25 * 10)], 4 * 64 + 2 * 7.5, 10.0)


@pytest.mark.closed_form
def test_experts_are_cut_by_tensor_where_they_are_not_spread() -> None:
    block = Routed(experts=8, top_k=2, d_ff_expert=16, shared_experts=1, width=32)
    here = blocks(one(PLAIN, block), 1.0, tensor=4.0)[1]
    assert [(float(p.columns), float(p.inner), p.part) for p in here.products] == [
        (8.0, 64.0, "head"), (2 * 4.0, 32.0, "experts"), (32.0, 4.0, "experts"), (2 * 4.0, 64.0, "shared_experts"),
        (64.0, 4.0, "shared_experts"), (32.0, 64.0, "shared_experts"), (64.0, 32.0, "shared_experts"),
    ]  # fmt: skip
    assert float(here.elements) == 4 * 64 + 3 * (2 * 4 + 4) + 3 * 2 * 32
    spread = blocks(one(PLAIN, block), 1.0, tensor=4.0, expert=2.0)[1]
    assert (float(spread.products[1].columns), float(spread.products[3].columns)) == (2 * 16.0, 2 * 4.0)
    assert float(spread.elements) == 4 * 64 + 3 * (1 * 16 + 4) + 3 * 1 * 32
    head = blocks(one(), 1.0, tensor=4.0)[-1]
    assert (head.layers, [(p.columns, p.inner) for p in head.products], head.elements) == (1.0, [(25.0, 64.0)], 256.0)


@pytest.mark.closed_form
def test_a_routed_block_multiplies_experts_with_their_own_tokens() -> None:
    chip = replace(machine("H100-SXM"), kernel_time=0.0)
    block = blocks(one(PLAIN, Routed(experts=8, top_k=2, d_ff_expert=16)), 4.0)[1]
    twice = float(block_time(chip, block, 4.0, 8.0, Precision())) - float(
        block_time(chip, block, 4.0, 4.0, Precision())
    )
    rows, groups = float(block.products[1].rows), float(block.products[1].groups)
    each = [
        float(chip.product("experts", rows * 8.0, columns, inner, 2.0, groups))
        - float(chip.product("experts", rows * 4.0, columns, inner, 2.0, groups))
        for columns, inner in ((32.0, 64.0), (64.0, 16.0))
    ]
    assert twice == pytest.approx(2 * sum(each), rel=1e-6)
    assert groups * rows == pytest.approx(2.0)  # two experts a token


@pytest.mark.published
@pytest.mark.parametrize(
    ("accelerator", "precision", "peak", "operand", "kernels", "eight_bits"),
    [
        # Peaks of the data sheets, dense. What has less than 16 bits is first converted, in a kernel of its own.
        ("H100-SXM", "bf16", 989.4e12, 2.0, 1.0, False),
        ("H100-SXM", "fp8", 1979e12, 1.0, 2.0, True),
        ("H100-SXM", "int4", 989.4e12, 2.0, 1.0, False),
        ("A100-SXM-80", "int8", 624e12, 1.0, 2.0, True),
        ("TPU-v5p", "fp8", 459e12, 2.0, 1.0, False),
    ],
)
def test_rates_by_chip_and_precision(
    accelerator: str, precision: str, peak: float, operand: float, kernels: float, eight_bits: bool
) -> None:
    found = rate(accelerator, precision)
    assert (found.peak, found.operand_bytes, found.kernels) == (peak, operand, kernels)
    half = efficiency(f"half_inner_{'fp8' if eight_bits else 'bf16'}", accelerator).value
    assert found.half_inner == half
    four = rate("B200", "nvfp4")
    assert (four.peak, four.operand_bytes, four.kernels, four.half_inner) == (
        9e15, 0.5625, 2.0, efficiency("half_inner_fp4", "B200").value
    )  # fmt: skip


@pytest.mark.contract
def test_a_cache_in_eight_bits_is_read_at_its_own_share() -> None:
    wide, narrow = machine("H100-SXM"), machine("H100-SXM", {"cache": "fp8"})
    assert wide.cache_share == wide.memory_share == 0.85
    assert narrow.cache_share == efficiency("cache_share_fp8", "H100-SXM").value == 0.68
    assert (wide.scale_up_domain, wide.scale_up_bandwidth, wide.memory_share) == (8.0, 450e9, 0.85)
    assert math.isnan(wide.scale_out_bandwidth) and [p.name for p in wide.protocols] == ["LL", "LL128", "Simple"]
    assert machine("H100-SXM", captured=True).protocols[0].name == "direct"
    assert machine("H100-SXM", scores_precision="fp8").scores_peak == 1979e12
    assert not wide.varies()
    assert replace(wide, bandwidth=np.array([1e12, 2e12])).varies()
    assert replace(wide, dense=replace(wide.dense, peak=np.array([1e15, 2e15]))).varies()
    assert not replace(wide, bandwidth=np.array(1e12)).varies()


@pytest.mark.contract
def test_stand_ins_follow_records_that_are_alike() -> None:
    own = efficiency("compute_share_bf16", "H100-SXM")
    assert own.grade is not Grade.ESTIMATED and own.name == "H100-SXM.compute_share_bf16"
    like = efficiency("compute_share_bf16", "H800-SXM")
    assert (like.value, like.grade) == (own.value, Grade.ESTIMATED)
    assert efficiency("compute_share_bf16").grade is efficiency("compute_share_bf16", "any").grade
    eight = largest_compute_share("H100-SXM", "fp8")
    assert largest_compute_share("H100-SXM", "fp4").value == eight.value
    assert largest_compute_share("H100-SXM", "fp16").value == own.value == largest_compute_share("H100-SXM").value
    wide = replace(own, unit="1", high=1.0)
    assert wide.distribution().support() == (own.low, 1.0)
    assert replace(own, high=1.1)._written()["dist"] == "lognormal"
    assert replace(own, unit="s")._written()["dist"] == "lognormal"
    assert replace(own, low=None).written()["value"] == own.value
    assert replace(own, note=None).written()["note"] == own.name


# Precision


@pytest.mark.closed_form
def test_weights_of_a_layer_kept_wide_count_by_their_share() -> None:
    stored = replace(scheme("fp8"), kept=(("experts", 0.25),)).precision()
    assert stored.experts == 0.75 * 1.0 + 0.25 * 2.0
    assert (stored.attention, stored.embedding, stored.rest, stored.state) == (1.0, 2.0, 2.0, 4.0)
    table = scheme({"base": "fp8", "attention": "bf16", "default": "int4"})
    assert (table.attention, table.dense, table.experts, table.head) == ("bf16", "int4", "int4", "bf16")
    assert scheme(table, cache="fp8").cache == "fp8" and scheme(table) is table
    with pytest.raises(DomainError, match="unknown part 'atention'; did you mean 'attention'"):
        scheme({"atention": "fp8"})
    with pytest.raises(DomainError, match="unknown precision 'fp9'"):
        scheme("fp9")


@pytest.mark.contract
@pytest.mark.parametrize("value", [8, True, float("nan"), None, ["fp8"]])
@pytest.mark.parametrize("part", ["experts", "base", "default"])
def test_a_format_is_named_by_text(part: str, value: Any) -> None:
    with pytest.raises(DomainError, match=f"precision: {part} must name a format, such as 'fp8'; given"):
        scheme({part: value})


@pytest.mark.contract
@pytest.mark.parametrize("value", ["fp8", (("experts", 0.25),)])
def test_what_a_scheme_keeps_wide_is_no_part_of_a_table(value: Any) -> None:
    with pytest.raises(DomainError, match="unknown part 'kept'"):
        scheme({"kept": value})


@pytest.mark.contract
def test_remarks_on_what_is_multiplied_otherwise_than_stored() -> None:
    both = scheme({"attention": "fp8", "dense": "int4", "experts": "fp8"})
    wide, all_of_them = (lambda name: name == "bf16"), (lambda name: True)
    assert both.remarks(one(), wide) == (
        "attention: stored as fp8, multiplied as bf16: the chip has no fp8",
        "dense: stored as int4, multiplied as bf16: a storage-only format",
    )
    assert both.remarks(one(), all_of_them) == ("dense: stored as int4, multiplied as bf16: a storage-only format",)
    assert scheme("fp16").remarks(one(), wide) == ()
    assert both.rate_of("attention", lambda name: False) == "bf16"


# Shapes as written


FLAT: dict[str, Any] = {
    "name": "flat", "layers": 6, "d_model": 64, "heads": 8, "kv_heads": 2, "head_dim": 8, "vocabulary": 100, "d_ff": 32
}  # fmt: skip
ROUTED = FLAT | {"experts": 4, "top_k": 1, "d_ff_expert": 1}
LATENT = {key: FLAT[key] for key in ("name", "layers", "d_model", "heads", "vocabulary", "d_ff")} | {
    "kv_rank": 1, "nope_dim": 1, "value_dim": 1
}  # fmt: skip


@pytest.mark.contract
@pytest.mark.parametrize(
    "given",
    [
        {}, {"layers": 1}, {"d_model": 1}, {"heads": 1, "kv_heads": 1}, {"kv_heads": 8}, {"kv_heads": 1},
        {"head_dim": 1}, {"d_ff": 1}, {"mlp_matrices": 2}, {"vocabulary": 1}, {"full_kv_heads": 8},
        {"window": 1, "windowed_layers": 6}, {"window": 1, "windowed_layers": 2, "recurrent_layers": 4},
        {"recurrent_layers": 6}, ROUTED, ROUTED | {"top_k": 4, "dense_layers": 6}, ROUTED | {"d_ff": 0}, LATENT,
        LATENT | {"rope_dim": 1, "q_rank": 1},
    ],
)  # fmt: skip
def test_the_least_and_the_most_of_a_shape_are_taken(given: dict[str, Any]) -> None:
    record = given if "layers" in given and "name" in given else FLAT | given
    made = Shape.from_record(record)
    assert made.layers == record["layers"]
    assert Shape.from_record(made.to_record()) == made


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (FLAT | {"heads": 0}, "heads"), (FLAT | {"d_model": 0}, "d_model"), (FLAT | {"vocabulary": 0}, "vocabulary"),
        (FLAT | {"mlp_matrices": 1}, "plain"), (FLAT | {"full_kv_heads": 3}, "full_kv_heads = 3 must divide heads"),
        (LATENT | {"full_kv_heads": 1}, "full_kv_heads = 1 belongs to grouped"),
        (LATENT | {"full_head_dim": 1}, "full_head_dim = 1 belongs to grouped"),
        (LATENT | {"value_dim": 0}, "value_dim"), (LATENT | {"nope_dim": 0}, "nope_dim"),
        (ROUTED | {"top_k": 0}, "top_k"), (ROUTED | {"dense_layers": 7}, "dense_layers = 7 must be at most layers"),
        (ROUTED | {"dense_layers": 1, "d_ff": 0}, "some blocks have a dense MLP"),
        (FLAT | {"windowed_layers": 2}, "window = 0 and windowed_layers go together"),
        (FLAT | {"window": 1, "windowed_layers": 3, "recurrent_layers": 4}, "must be at most layers together"),
    ],
)  # fmt: skip
def test_a_shape_beyond_them_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DomainError, match=said.replace("(", r"\(")):
        Shape.from_record(given)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("part", "least", "beyond"),
    [
        (Group(layers=1), {}, {"layers": 0}),
        (Group(layers=1, mixer=Attention(heads=1, kv_heads=1, head_dim=1)), {}, None),
        (Attention(heads=2, kv_heads=2, head_dim=1), {}, {"kv_heads": 0}),
        (Attention(heads=2, kv_heads=2, head_dim=1), {}, {"head_dim": 0}),
        (Attention(heads=2, kv_heads=2, head_dim=1), {}, {"kv_heads": 4}),
        (LatentAttention(heads=1, kv_rank=1, nope_dim=1, value_dim=1), {}, {"heads": 0}),
        (LatentAttention(heads=1, kv_rank=1, nope_dim=1, value_dim=1), {}, {"kv_rank": 0}),
        (LatentAttention(heads=1, kv_rank=1, nope_dim=1, value_dim=1), {}, {"value_dim": 0}),
        (LatentAttention(heads=1, kv_rank=1, nope_dim=1, value_dim=1), {}, {"nope_dim": 0}),
        (Dense(d_ff=1), {"mlp_matrices": 2}, {"d_ff": 0}),
        (Dense(d_ff=1), {}, {"mlp_matrices": 4}),
        (Routed(experts=1, top_k=1, d_ff_expert=1), {"mlp_matrices": 2}, {"experts": 0}),
        (Routed(experts=2, top_k=2, d_ff_expert=1), {}, {"top_k": 0}),
        (Routed(experts=2, top_k=2, d_ff_expert=1), {}, {"top_k": 3}),
        (Routed(experts=1, top_k=1, d_ff_expert=1), {}, {"d_ff_expert": 0}),
        (Routed(experts=1, top_k=1, d_ff_expert=1), {}, {"mlp_matrices": 1}),
        (Adapter(rank=1), {}, {"rank": 0}), (Adapter(rank=1), {}, {"loaded": 0}),
        (Attention(heads=2, kv_heads=2, head_dim=1, indexer=Indexer(heads=1, dim=1)), {},
         {"indexer": Indexer(heads=0, dim=1)}),
        (Attention(heads=2, kv_heads=2, head_dim=1), {}, {"indexer": Indexer(heads=1, dim=0)}),
        (Attention(heads=2, kv_heads=2, head_dim=1), {"window": 10**12}, {"window": 10**12 + 1}),
    ],
)  # fmt: skip
def test_each_part_has_its_least(part: Any, least: dict[str, Any], beyond: dict[str, Any] | None) -> None:
    def shaped(own: Any) -> Shape:
        if isinstance(own, Group):
            return Shape(name="p", d_model=1, vocabulary=1, groups=(own,))
        if isinstance(own, Adapter):
            return one(adapters=(own,))
        name = "feed_forward" if isinstance(own, Dense | Routed) else "mixer"
        return Shape(name="p", d_model=1, vocabulary=1, groups=(Group(layers=1, **{name: own}),))

    assert shaped(replace(part, **least)).layers >= 1
    if beyond is not None:
        with pytest.raises(DomainError, match=next(iter(beyond))):
            shaped(replace(part, **beyond))


@pytest.mark.closed_form
def test_a_shape_of_equal_layers_lays_out_its_kinds_in_turn() -> None:
    made = Shape.from_record(
        ROUTED
        | {"window": 16, "windowed_layers": 2, "recurrent_layers": 1, "recurrent_state": 5, "recurrent_parameters": 9}
        | {"dense_layers": 4, "full_kv_heads": 4, "full_head_dim": 16}
    )
    told = [
        (
            group.layers,
            getattr(group.mixer, "window", None),
            type(group.mixer).__name__,
            type(group.feed_forward).__name__,
        )
        for group in made.groups
    ]
    assert told == [
        (3, 0, "Attention", "Dense"), (1, 16, "Attention", "Dense"), (1, 16, "Attention", "Routed"),
        (1, 0, "Recurrent", "Routed"),
    ]  # fmt: skip
    assert [(g.mixer.kv_heads, g.mixer.head_dim) for g in made.groups[:2]] == [(4, 16), (2, 8)]


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        # Width over depth is 128 and a layer has 12 d²: 12 · 128² · L³ parameters of L layers.
        ({"parameters": 12 * 128**2 * 8**3 * 1.0, "vocabulary": 100},
         {"layers": 8, "d_model": 1024, "heads": 8, "head_dim": 128}),
        # Of a known width the depth follows, of a known depth the width, to a multiple of a head.
        ({"parameters": 12 * 512**2 * 9.0, "d_model": 512, "vocabulary": 100}, {"layers": 9, "heads": 4}),
        ({"parameters": 12 * 640**2 * 9.0, "layers": 9, "vocabulary": 100}, {"d_model": 640, "heads": 5}),
        ({"parameters": 12 * 1024**2 * 9.0, "layers": 9, "kv_heads": 4, "vocabulary": 100},
         {"d_model": 1024, "heads": 8, "kv_heads": 4}),
        # Heads that are given share the width; narrow models have one head of their width.
        ({"parameters": 1e6, "layers": 2, "d_model": 256, "heads": 8, "vocabulary": 100},
         {"head_dim": 32, "kv_heads": 8}),
        ({"parameters": 1e5, "layers": 2, "d_model": 64, "vocabulary": 100}, {"head_dim": 64, "heads": 1}),
        ({"parameters": 1e9}, {"vocabulary": 50_304}),
    ],
)  # fmt: skip
def test_what_a_parameter_count_fills_in(given: dict[str, Any], taken: dict[str, int]) -> None:
    made = Shape.from_record({"name": "m", **given})
    assert {name: getattr(made, name) for name in taken} == taken
    assert total_parameters(made) == pytest.approx(given["parameters"], rel=0.01)
    assert made.notes[0].startswith("taken from parameters = ")


@pytest.mark.contract
def test_a_count_and_a_width_must_agree_within_a_hundredth() -> None:
    known = {"name": "m", "layers": 2, "d_model": 64, "heads": 8, "kv_heads": 2, "head_dim": 8, "vocabulary": 100}
    has = total_parameters(Shape(**known, d_ff=256))
    for factor in (0.991, 1.009):
        assert Shape.from_record({**known, "d_ff": 256, "parameters": has / factor}).d_ff == 256
    for factor in (0.98, 1.02):
        with pytest.raises(DomainError, match="leave out the feed-forward width"):
            Shape.from_record({**known, "d_ff": 256, "parameters": has / factor})
    smallest = total_parameters(Shape(**known, d_ff=1))
    assert Shape.from_record({**known, "parameters": smallest}).d_ff == 1
    with pytest.raises(DomainError, match="attention and tables alone"):
        Shape.from_record({**known, "parameters": smallest - 3 * 64 * 2})
    for wrong in (True, 0, 1e16, None):
        with pytest.raises(DomainError):
            Shape.from_record({**known, "parameters": wrong})
    with pytest.raises(DomainError, match="parameters belongs to a shape of equal layers"):
        Shape.from_record({"name": "m", "d_model": 64, "vocabulary": 9, "groups": [], "parameters": 1e6})


@pytest.mark.contract
def test_a_written_shape_has_no_blanks() -> None:
    blank: dict[str, Any] = {"name": "own", "d_model": 64, "vocabulary": 9, "tied_embeddings": None,
             "groups": [{"layers": 1, "mixer": None, "feed_forward": {"kind": "dense", "d_ff": 8, "bias": None}}],
    }  # fmt: skip
    assert written_shape(blank) == {
        "name": "own", "d_model": 64, "vocabulary": 9,
        "groups": [{"layers": 1, "feed_forward": {"kind": "dense", "d_ff": 8}}],
    }  # fmt: skip
    assert names_a_model(blank) and names_a_model("Llama-3-8B") and not names_a_model("Llama-3-9B")
    assert shape({key: value for key, value in written_shape(blank).items() if key != "name"}).name == "own"
    assert shape(written_shape(blank), None).name == "own"
    with pytest.raises(DomainError, match="'Llama-3-8B' has none: name a scheme"):
        stored_scheme("Llama-3-8B", "published")
    with pytest.raises(DomainError, match="'this one' has none: name a scheme"):
        stored_scheme(written_shape(blank), "published")
    assert stored_scheme("Llama-3-8B", "fp8", cache="fp8").cache == "fp8"


# Published configs: families, kinds of layers, numbers of fields

_WITH = {
    ("qkv_bias", True): "qwen2 qwen2_moe qwen2_vl qwen2_5_vl glm glm4 glm4_moe chatglm gpt_oss phi opt bloom gpt2 "
    "gpt_bigcode gpt_neox starcoder2 mimo seed_oss",
    ("qkv_bias", False): "phi3 gptj",
    ("output_bias", True): "gpt_oss phi opt bloom gpt2 gpt_bigcode gpt_neox starcoder2",
    ("output_bias", False): "qwen2 qwen2_moe qwen2_vl qwen2_5_vl glm glm4 glm4_moe chatglm phi3 gptj mimo seed_oss",
    ("mlp_bias", True): "gpt_oss phi opt bloom gpt2 gpt_bigcode gpt_neox gptj starcoder2",
    ("norms", 4): "glm4 gemma2 gemma3 gemma3_text gemma4",
    ("norms", 1): "phi nemotron_h mamba mamba2 gptj cohere",
    ("norm_bias", True): "phi phimoe nemotron falcon opt bloom gpt2 gpt_bigcode gpt_neox gptj starcoder2",
    (
        "qk_norm",
        "head",
    ): "qwen3 qwen3_moe qwen3_vl qwen3_vl_moe qwen3_next qwen3_5 qwen3_5_moe gemma3 gemma3_text gemma4",
    ("qk_norm", "whole"): "olmo2 olmoe",
    ("gated", False): "phi nemotron nemotron_h falcon opt mpt bloom gpt2 gpt_bigcode gpt_neox gptj starcoder2",
    ("parallel", True): "phi gpt_neox gptj cohere",
    (
        "tied",
        True,
    ): "gemma gemma2 gemma3 gemma3_text gemma4 mamba falcon opt mpt bloom gpt2 gpt_bigcode starcoder2 cohere",
    ("positions", True): "opt gpt2 gpt_bigcode",
    ("position_offset", 2): "opt",
    ("embedding_norm", True): "bloom",
    ("head_bias", True): "phi phimoe gptj",
    ("router_bias", True): "deepseek_v3 deepseek_v32 kimi_k2 kimi_linear glm4_moe glm4_moe_lite glm_moe_dsa gpt_oss "
    "nemotron_h mimo_v2_flash",
    ("shared_gate", True): "qwen2_moe qwen3_next qwen3_5 qwen3_5_moe",
    ("sinks", True): "gpt_oss",
    ("windows", "all"): "mistral ministral mixtral phi3 phimoe starcoder2",
    ("windows", "alternate"): "gpt_oss gemma2",
    ("windows", "period"): "gemma3 gemma3_text gemma4",
    ("inner_ratio", 4): "phi falcon opt mpt bloom gpt2 gpt_bigcode gpt_neox gptj starcoder2",
}
"""Families whose modelling code (transformers) differs from Llama's, by trait."""
_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama4": {"attention_chunk_size": 8192, "interleave_moe_layer_step": 1},
    "qwen2_moe qwen3_moe qwen3_vl_moe": {"decoder_sparse_step": 1},
    "qwen3_next qwen3_5 qwen3_5_moe": {
        "attn_output_gate": True, "full_attention_interval": 4, "linear_conv_kernel_dim": 4, "decoder_sparse_step": 1
    },
    "deepseek_v2 deepseek_v3 deepseek_v32 kimi_k2 kimi_linear glm4_moe_lite glm_moe_dsa": {"moe_layer_freq": 1},
    "gpt_oss": {"head_dim": 64, "sliding_window": 128},
    "gemma": {"head_dim": 256},
    "gemma2": {"sliding_window": 4096, "head_dim": 256},
    "gemma3 gemma3_text": {
        "sliding_window_pattern": 6, "sliding_window": 4096, "head_dim": 256, "vocab_size": 262208
    },
    "gemma4": {"vocab_size": 262144},
    "phimoe": {"attention_bias": True},
    "jamba": {"mamba_d_conv": 4, "mamba_conv_bias": True},
    "mamba": {"use_conv_bias": True, "conv_kernel": 4},
    "mamba2": {"use_conv_bias": True, "conv_kernel": 4, "expand": 2},
}  # fmt: skip
"""What their configuration classes (transformers) take where a config leaves a field out."""


@pytest.mark.contract
def test_families_differ_from_llama_as_listed() -> None:
    found: dict[tuple[str, Any], set[str]] = {}
    for name, traits in FAMILIES.items():
        for item in fields(Family):
            value = getattr(traits, item.name)
            if (
                item.name != "defaults"
                and value != getattr(LLAMA, item.name)
                and (item.name, value) != ("windows", "none")
            ):
                found.setdefault((item.name, value), set()).add(name)
    assert found == {trait: set(names.split()) for trait, names in _WITH.items()}
    stated = {name: given for names, given in _DEFAULTS.items() for name in names.split()}
    assert {name: traits.defaults for name, traits in FAMILIES.items() if traits.defaults} == stated
    plain = {item.name: getattr(LLAMA, item.name) for item in fields(Family)}
    assert plain == dict.fromkeys(plain, False) | {
        "qkv_bias": None, "output_bias": None, "mlp_bias": None, "norms": 2, "qk_norm": "none", "gated": True,
        "position_offset": 0, "windows": "switch", "inner_ratio": 0, "defaults": {},
    }  # fmt: skip
    assert [family(name) for name in ("kimi_k25", "qwen3_next_text", "unheard")] == [
        (FAMILIES["kimi_k2"], True), (FAMILIES["qwen3_next"], True), (LLAMA, False)
    ]  # fmt: skip
    assert [canonical(name) for name in ("gemma3_text", "qwen3_next_text", "mistral3", "x_text")] == [
        "gemma3_text", "qwen3_next", "mistral", "x_text"
    ]  # fmt: skip


def config(**given: Any) -> Fields:
    return Fields(given, {}, "config.json")


F, S, L, C, N = "full", "sliding", "linear", "chunked", "none"


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "traits", "words"),
    [
        ({}, {}, [F] * 6),
        ({"hybrid_override_pattern": "M*-EM*"}, {}, [L, F, N, N, L, F]),
        ({"layer_types": ["full_attention", "sliding_attention"] * 3}, {}, [F] * 6),
        ({"layer_types": ["full_attention", "sliding_attention"] * 3, "sliding_window": 9}, {}, [F, S] * 3),
        (
            {"layer_types": ["mamba", "moe", "mlp", "chunked_attention", "linear_attention", "hybrid", "attention"]},
            {},
            [L, N, N, C, L, L],
        ),
        ({"attn_type_list": [1, 0, 0, 1, 0, 0]}, {}, [F, L, L, F, L, L]),
        ({"linear_attn_config": {"full_attn_layers": [1, 6]}}, {}, [F, L, L, L, L, F]),
        ({"attn_layer_period": 3, "attn_layer_offset": 1}, {}, [L, F, L, L, F, L]),
        ({"attn_layer_period": 3}, {}, [F, L, L, F, L, L]),
        ({"full_attention_interval": 3, "linear_num_value_heads": 4}, {}, [L, L, F, L, L, F]),
        ({"full_attention_interval": 3}, {}, [F] * 6),
        ({"hybrid_layer_pattern": [0, 1, 1, 0, 1, 1]}, {}, [F, S, S, F, S, S]),
        ({"attention_chunk_size": 8}, {}, [C, C, C, F, C, C]),
        ({"attention_chunk_size": 8, "no_rope_layer_interval": 2}, {}, [C, F] * 3),
        ({"attention_chunk_size": 8, "no_rope_layers": [0, 1, 0, 1, 1, 1]}, {}, [F, C, F, C, C, C]),
        ({"sliding_window": 9}, {"windows": "all"}, [S] * 6),
        ({"sliding_window": 9}, {"windows": "alternate"}, [S, F] * 3),
        ({"sliding_window": 9, "sliding_window_pattern": "LLG"}, {}, [S, S, F] * 2),
        ({"sliding_window": 9, "_sliding_window_pattern": 4}, {}, [S, S, S, F, S, S]),
        ({"sliding_window": 9, "max_window_layers": 4}, {}, [F, F, F, F, S, S]),
        ({"sliding_window": 9}, {}, [S] * 6),
        ({"sliding_window": 9, "use_sliding_window": False}, {"windows": "all"}, [F] * 6),
        ({"sliding_window": 9, "use_sliding_window": True}, {"windows": "all"}, [S] * 6),
    ],
)
def test_which_layers_attend_to_what(given: dict[str, Any], traits: dict[str, Any], words: list[str]) -> None:
    assert _layer_words(config(**given), replace(LLAMA, **traits), "llama", 6) == words
    assert _layer_words(config(), LLAMA, "mamba2", 2) == [L, L]


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hybrid_override_pattern": "M?"}, "layers of kind . are not known"),
        ({"layer_types": ["strange"] * 6}, "layers of type strange are not known"),
        ({"layer_types": ["attention"] * 5}, "layer_types has 5 entries for 6 layers"),
        ({"sliding_window": 9, "sliding_window_pattern": "LX"}, "letters other than L and G"),
        ({"sliding_window": 9, "sliding_window_pattern": ""}, "letters other than L and G"),
        ({"attn_layer_period": 0}, "attn_layer_period = 0 must be a whole number ≥ 1"),
        ({"attention_chunk_size": 8, "no_rope_layer_interval": 0}, "must be a whole number ≥ 1"),
    ],
)
def test_a_kind_of_layer_that_is_not_known_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DomainError, match=said):
        _layer_words(config(**given), LLAMA, "llama", 6)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "kind", "routed"),
    [
        ({}, "x", "111111"),
        ({"moe_layers": [0, 5]}, "x", "100001"),
        ({"mlp_layer_types": ["dense", "sparse"] * 3}, "x", "010101"),
        ({"moe_layer_freq": [0, 1, 1, 0, 1, 1]}, "x", "011011"),
        ({"expert_layer_period": 2, "expert_layer_offset": 1}, "x", "010101"),
        ({"expert_layer_period": 3}, "x", "100100"),
        ({"interleave_moe_layer_step": 2}, "llama4", "010101"),
        ({"first_k_dense_replace": 2}, "x", "001111"),
        ({"first_k_dense_replace": 9}, "x", "000000"),
        ({"decoder_sparse_step": 3}, "x", "001001"),
        ({"decoder_sparse_step": 0}, "x", "000000"),
        ({"moe_layer_freq": 2, "first_k_dense_replace": 1}, "x", "001010"),
        ({"mlp_only_layers": [1, 3]}, "x", "101011"),
    ],
)
def test_which_layers_route(given: dict[str, Any], kind: str, routed: str) -> None:
    assert "".join(str(int(chosen)) for chosen in _routed_layers(config(**given), kind, 6)) == routed


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "kind", "heads"),
    [
        ({}, "x", 8), ({"num_key_value_heads": 2}, "x", 2),
        ({"multi_query_group_num": 2}, "chatglm", 2),
        ({"multi_query_group_num": 2, "multi_query_attention": False}, "chatglm", 8),
        ({}, "falcon", 1), ({"multi_query": False}, "falcon", 8),
        ({"new_decoder_architecture": True, "num_kv_heads": 4}, "falcon", 4),
        ({"multi_query": True}, "x", 1), ({"multi_query": True, "n_head_kv": 2}, "x", 2),
    ],
)  # fmt: skip
def test_heads_of_keys_and_values(given: dict[str, Any], kind: str, heads: int) -> None:
    assert _kv_heads(config(**given), kind, 8) == heads


BASE: dict[str, Any] = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 8, "intermediate_size": 32}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "traits", "mixer"),
    [
        ({}, {}, {"head_dim": 8}),
        ({"head_dim": 16, "v_head_dim": 4}, {}, {"head_dim": 16, "value_dim": 4}),
        ({"attention_bias": True}, {}, {"bias": True, "output_bias": True}),
        ({"qkv_bias": True}, {}, {"bias": True}), ({"use_bias": True}, {}, {"bias": True, "output_bias": True}),
        ({}, {"qkv_bias": True, "output_bias": True}, {"bias": True, "output_bias": True}),
        ({"attention_bias": False}, {"qkv_bias": True, "output_bias": True}, {}),
        ({"attention_bias": True}, {"qkv_bias": False, "output_bias": False}, {}),
        ({"attn_output_gate": True}, {}, {"gate": 64}), ({"use_head_wise_attn_gate": True}, {}, {"gate": 8}),
        ({"use_qk_norm": True}, {}, {"qk_norm": "head"}),
        ({"use_qk_norm": True, "qk_norm_type": "per_layer"}, {}, {"qk_norm": "whole"}),
        ({"use_qk_norm": True, "model_type": "llama4_text"}, {}, {}),
        ({"add_full_attention_sink_bias": True}, {}, {"sinks": True}), ({}, {"sinks": True}, {"sinks": True}),
        ({"sliding_window": 9, "swa_num_attention_heads": 4, "swa_num_key_value_heads": 2, "swa_head_dim": 6,
          "swa_v_head_dim": 5, "add_swa_attention_sink_bias": True}, {},
         {"heads": 4, "kv_heads": 2, "head_dim": 6, "value_dim": 5, "sinks": True, "window": 9}),
        ({"num_key_value_heads": 2}, {}, {"kv_heads": 2}),
    ],
)  # fmt: skip
def test_attention_as_a_config_states_it(given: dict[str, Any], traits: dict[str, Any], mixer: dict[str, Any]) -> None:
    expected = Attention(**{"heads": 8, "kv_heads": 8, "head_dim": 8, **mixer})
    assert read_mixers(config(**BASE, **given), replace(LLAMA, **traits), "x") == [expected] * 2


@pytest.mark.contract
def test_layers_that_share_a_cache_are_the_last() -> None:
    found = read_mixers(config(**BASE | {"num_hidden_layers": 4, "num_kv_shared_layers": 1}), LLAMA, "x")
    assert [mixer.reuses_cache for mixer in found if isinstance(mixer, Attention)] == [False, False, False, True]
    found = read_mixers(config(**BASE | {"num_hidden_layers": 5, "num_kv_shared_layers": 3}), LLAMA, "x")
    assert [mixer.reuses_cache for mixer in found if isinstance(mixer, Attention)] == [False, False, True, True, True]
    wide = config(**BASE | {"num_hidden_layers": 4, "num_kv_shared_layers": 1, "use_double_wide_mlp": True})
    assert [block.d_ff for block in read_blocks(wide, LLAMA, "x", 4) if isinstance(block, Dense)] == [32, 32, 32, 64]
    assert [m.reuses_cache for m in read_mixers(config(**BASE), LLAMA, "x") if isinstance(m, Attention)] == [False] * 2


@pytest.mark.contract
def test_latent_and_sparse_attention_as_a_config_states_them() -> None:
    latent = {"kv_lora_rank": 16, "qk_nope_head_dim": 8, "v_head_dim": 6}
    mixer = LatentAttention(heads=8, kv_rank=16, nope_dim=8, value_dim=6)
    assert read_mixers(config(**BASE, **latent), LLAMA, "x") == [mixer] * 2
    more = {"q_lora_rank": 24, "qk_rope_head_dim": 4, "attention_bias": True, "mla_use_output_gate": True}
    chosen = {"index_topk": 9, "index_head_dim": 5, "index_n_heads": 3, "indexer_types": ["full", "shared"]}
    whole = replace(mixer, q_rank=24, rope_dim=4, bias=True, gate=48, selected=9)
    indexer = Indexer(heads=3, dim=5, query_rank=24, norm=10)
    assert read_mixers(config(**BASE, **latent, **more, **chosen), LLAMA, "x") == [
        replace(whole, indexer=indexer),
        whole,
    ]
    blocks_of = {"sparse_index_dim": 4, "sparse_num_index_heads": 2, "sparse_topk_blocks": 3, "sparse_block_size": 16}
    sparse = config(**BASE, sparse_attention_config={**blocks_of, "sparse_attention_freq": [0, 1]})
    plain = Attention(heads=8, kv_heads=8, head_dim=8)
    own = replace(plain, selected=48, indexer=Indexer(heads=2, dim=4, head_weights=False, norm=8))
    assert read_mixers(sparse, LLAMA, "x") == [plain, own]
    assert _sparse_layers(config(sparse_attention_config={}), 2) == [True, True]
    assert _sparse_layers(config(index_topk=4), 2) == [True, True] and _sparse_layers(config(), 2) == [False, False]


@pytest.mark.contract
def test_experts_as_a_config_states_them() -> None:
    routed = {"num_experts": 8, "num_experts_per_tok": 2}
    plain = Routed(experts=8, top_k=2, d_ff_expert=32)
    for given, kind, changes in (
        ({}, "x", {}),
        ({"moe_intermediate_size": 16}, "x", {"d_ff_expert": 16}),
        ({"shared_expert_intermediate_size": 48}, "x", {"shared_experts": 1, "d_ff_shared": 48}),
        ({"shared_expert_intermediate_size": 32}, "x", {"shared_experts": 1}),
        ({"n_shared_experts": 2, "shared_expert_intermediate_size": 48}, "x", {"shared_experts": 2, "d_ff_shared": 48}),
        ({"use_routing_bias": True}, "x", {"router_bias": True}),
        ({"topk_method": "noaux_tc"}, "x", {"router_bias": True}),
        ({"moe_latent_size": 16}, "x", {"width": 16}),
        ({"moe_latent_size": 16, "latent_moe_use_norm": True}, "x", {"width": 16, "width_norm": 16}),
        ({"latent_moe_use_norm": True}, "x", {}),
        ({"interleave_moe_layer_step": 1}, "llama4", {"shared_experts": 1}),
        ({"enable_moe_block": True, "moe_intermediate_size": 8}, "gemma4",
         {"d_ff_expert": 8, "shared_experts": 1, "d_ff_shared": 32}),
        ({"mlp_bias": True}, "x", {"bias": True}), ({"hidden_act": "relu2"}, "x", {"mlp_matrices": 2}),
    ):  # fmt: skip
        found = read_blocks(config(**BASE, **routed, **given), LLAMA, kind, 2)
        assert found == [replace(plain, **changes)] * 2, given
    assert read_blocks(config(**BASE, num_experts=1), LLAMA, "x", 2) == [Dense(d_ff=32)] * 2
    assert read_blocks(config(**BASE, **routed), LLAMA, "gemma4", 2) == [Dense(d_ff=32)] * 2
    gate = replace(LLAMA, shared_gate=True)
    assert read_blocks(config(**BASE, **routed), gate, "x", 1) == [plain]
    assert read_blocks(config(**BASE, **routed, n_shared_experts=1), gate, "x", 1) == [
        replace(plain, shared_experts=1, shared_gate=True)
    ]
    kept = config(**BASE | {"intermediate_size_mlp": 48}, **routed, first_k_dense_replace=1)
    assert read_blocks(kept, LLAMA, "x", 2) == [Dense(d_ff=48), plain]
    narrow = {key: value for key, value in BASE.items() if key != "intermediate_size"}
    assert read_blocks(config(**narrow, expansion_ratio=3), LLAMA, "x", 1) == [Dense(d_ff=192)]
    assert read_blocks(config(**narrow), replace(LLAMA, inner_ratio=4, gated=False, mlp_bias=True), "x", 1) == [
        Dense(d_ff=256, mlp_matrices=2, bias=True)
    ]


@pytest.mark.closed_form
def test_layers_found_by_a_search_have_their_own_widths() -> None:
    own = [
        {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": 1.5}},
        {"attention": {"no_op": True}, "ffn": {"no_op": True}},
        {"attention": {"n_heads_in_group": 8, "window_length": 7}, "ffn": {"ffn_mult": 6.0}},
    ]
    searched = config(**BASE, block_configs=own)
    assert _searched_mixers(searched, LLAMA, 3) == [
        Attention(heads=8, kv_heads=2, head_dim=8), None, Attention(heads=8, kv_heads=1, head_dim=8, window=7)
    ]  # fmt: skip
    # Two thirds of 1.5 and of 6 times 64 are 64 and 256: the next multiple of 256 is 256.
    assert _searched_blocks(searched, 3) == [Dense(d_ff=256), None, Dense(d_ff=256)]
    assert _searched_blocks(config(**BASE, block_configs=[{"ffn": {"ffn_mult": 6.1}}]), 1) == [Dense(d_ff=512)]
    for wrong, said in (
        ({"ffn": {"replace_with_linear": True}}, "replaced by a linear"), ({"ffn": {}}, "neither ffn_mult nor no_op"),
        ({"ffn": 3}, r"block_configs\[0\] = .* must be a table with ffn"),
    ):  # fmt: skip
        with pytest.raises(DomainError, match=said):
            _searched_blocks(config(**BASE, block_configs=[wrong]), 1)


@pytest.mark.closed_form
def test_recurrences_take_what_a_config_leaves_out() -> None:
    first = _mamba(config(hidden_size=40, mamba_d_state=3), 40)
    # Twice the width, a rank of a sixteenth rounded up, four taps with a bias, and norms as in Jamba.
    assert first.heads == 80 and first.weights[1].columns == 3 + 2 * 3
    assert first.elements == 80 * 5 + 80 + 80 * 3 + 80 + (3 + 6)
    plain = _mamba(config(hidden_size=40, state_size=3, intermediate_size=60, time_step_rank=5, use_bias=True), 40)
    assert (plain.heads, plain.weights[1].columns) == (60, 5 + 6)
    assert plain.elements == 60 * 5 + 60 + 180 + 60 + 2 * 60 + 40
    second = _mamba2(config(mamba_num_heads=2, mamba_head_dim=8, ssm_state_size=3), 16)
    assert (second.heads, second.state) == (2, 16 * 3 + (16 + 6) * 3)
    assert _mamba2(config(num_heads=3, head_dim=4, state_size=2, n_groups=2), 16).state == 12 * 2 + (12 + 8) * 3
    whole = _state_space({"d_model": 64, "vocab_size": 100, "pad_vocab_size_multiple": 16, "ssm_cfg": {}})
    assert whole.items() >= {
        "model_type": "mamba", "vocab_size": 112, "state_size": 16, "conv_kernel": 4, "n_groups": 1, "expand": 2
    }.items()  # fmt: skip
    later = _state_space({"d_model": 64, "vocab_size": 96, "ssm_cfg": {"layer": "Mamba2", "headdim": 32}})
    assert (later["model_type"], later["state_size"], later["num_heads"], later["head_dim"]) == ("mamba2", 128, 4, 32)
    assert (later["vocab_size"], "num_heads" in whole) == (96, False)
    assert _state_space({"d_model": 64, "vocab_size": 9, "ssm_cfg": {"layer": "Mamba2"}})["head_dim"] == 64


@pytest.mark.contract
def test_numbers_of_fields_at_their_ends() -> None:
    table = config(least=1, most=9, list_=[3, 3], part=1.5, yes=1, no=False, words=["a", 1], ratio=1e6, empty=[])
    assert (table.whole("least", least=1, most=1), table.whole("list_"), table.whole("none", absent=5)) == (1, 3, 5)
    assert (table.flag("yes"), table.flag("no", absent=True), table.flag("none", absent=True)) == (True, False, True)
    assert (table.number("ratio"), table.number("none"), table.words("words")) == (1e6, None, ["a", 1])
    assert (table.rows("words", length=1), table.rows("none"), table.has("no"), table.has("none")) == (
        ["a"],
        [],
        True,
        False,
    )
    assert table.table("part").given == {}
    assert config(a=1, b=None, c=False, d=0, e=[], f={}, g="", h=2, model_type="x").unread() == ["a", "h"]
    for call, said in (
        (lambda: table.whole("most", most=8), "most = 9 must be a whole number from 0 to 8"),
        (lambda: table.whole("part"), "part = 1.5 must be a whole number ≥ 0"),
        (lambda: table.whole("no"), "no = False must be a whole number"),
        (lambda: table.whole("none"), "none is missing$"),
        (lambda: table.whole("none", "other", "third"), r"none is missing \(also called other, third\)"),
        (lambda: config(a=[1, 2]).whole("a"), "differs between layers"),
        (lambda: config(a=0).number("a"), "a = 0 must be a number > 0 and ≤ 1e"),
        (lambda: config(a=1e6 + 1).number("a"), "must be a number > 0"),
        (lambda: config(a=True).number("a"), "must be a number > 0"),
        (lambda: config(a=2).flag("a"), "a = 2 must be true or false"),
        (lambda: config(a=1.0).flag("a"), "a = 1.0 must be true or false"),
        (lambda: config(a="ab").rows("a"), "a = 'ab' must be a list"),
        (lambda: config(a=[[]]).words("a"), "must be a list of words or numbers"),
        (lambda: config(a="x" * 60).whole("a"), "a = '" + "x" * 56 + "… must be"),
        (lambda: config(a="x" * 57).whole("a"), "a = '" + "x" * 57 + "' must be"),
        (lambda: layers_of(config(num_hidden_layers=0)), "from 1 to 10,000"),
        (lambda: layers_of(config(num_hidden_layers=10_001)), "from 1 to 10,000"),
        (lambda: layers_of(config(hybrid_override_pattern="M" * 10_001)), "at most 10,000 layers"),
        (lambda: layers_of(config(layers_block_type={"a": 1})), "must have one word per layer"),
    ):
        with pytest.raises(DomainError, match=said):
            call()
    assert layers_of(config(hybrid_override_pattern="M" * 10_000)) == 10_000 == layers_of(config(n_layer=10_000))
    assert _window(config(attention_window=3)) == 3


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "kind", "norms"),
    [
        ({}, "x", 2), ({}, "falcon", 1), ({"parallel_attn": False}, "falcon", 2),
        ({"new_decoder_architecture": True}, "falcon", 2),
        ({"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1}, "falcon", 1),
        ({"enable_moe_block": True}, "gemma4", 5), ({}, "gemma4", 2),
    ],
)  # fmt: skip
def test_norms_of_a_layer(given: dict[str, Any], kind: str, norms: int) -> None:
    assert _norms(config(**given), LLAMA, kind) == norms


@pytest.mark.contract
def test_names_and_parts_beside_the_language_model() -> None:
    for source, stated, name in (
        (Path("a/Model/config.json"), {}, "Model"), ("a/own_config.json", {}, "own"), ("config.json", {}, "config"),
        (Path("a/Model"), {}, "Model"), ({}, {"_name_or_path": "org/m"}, "org/m"), ({}, {"model_type": "x"}, "x"),
        ({}, {}, "config.json"), ({}, {"name": "n", "model_type": "llama"}, "n"),
    ):  # fmt: skip
        assert _name_of(source, stated) == name
    parts = {"vision_config": {"a": 1}, "audio_config": {}, "text_config": {"talker_config": {"b": 1}}}
    assert _other_parts(parts) == ["vision_config", "talker_config"]


@pytest.mark.closed_form
def test_weights_with_and_without_what_is_added() -> None:
    head = Prediction(groups=(Group(layers=1, mixer=PLAIN, feed_forward=MLP),))
    both = one(prediction=head, adapters=(Adapter(rank=2),))
    stored = Precision(attention=1.0, dense=1.0, head=1.0, embedding=1.0, rest=4.0)
    counts = count_parameters(both)
    plain = counts.total + 3 * counts.vectors
    assert float(weight_bytes(both, stored)) == plain + 4 * adapter_parameters(both)
    more = float(weight_bytes(both, stored, prediction=True)) - float(weight_bytes(both, stored))
    assert more == prediction_parameters(both).total + 3 * prediction_parameters(both).vectors
    assert float(weight_bytes(one(), 2.0, prediction=True)) == 2 * total_parameters(one())


LLAMA_2: dict[str, Any] = {"model_type": "llama", "vocab_size": 100, **BASE}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"layers": 2, "d_ff": 32, "positions": 0, "final_norm": True, "tied_embeddings": False,
              "prediction": None}),
        ({"model_type": "opt", "max_position_embeddings": 30, "word_embed_proj_dim": 16, "do_layer_norm_before": False},
         {"positions": 32, "embedding_width": 16, "final_norm": False, "norm_bias": True, "tied_embeddings": True}),
        ({"word_embed_proj_dim": 64}, {"embedding_width": 0}),
        ({"model_type": "phi"}, {"head_bias": True, "parallel_blocks": True, "norms_per_layer": 1}),
        ({"model_type": "phi", "lm_head_bias": False, "use_parallel_residual": False},
         {"head_bias": False, "parallel_blocks": False}),
        ({"tie_word_embeddings": True, "hidden_size_per_layer_input": 8}, {"tied_embeddings": True, "layer_input": 8}),
        ({"num_nextn_predict_layers": 2},
         {"prediction": Prediction(heads=2, groups=(
             Group(layers=1, mixer=Attention(heads=8, kv_heads=8, head_dim=8), feed_forward=Dense(d_ff=32)),))}),
        ({"model_type": "bloom"}, {"embedding_norm": True, "norm_bias": True, "mlp_matrices": 2}),
    ],
)  # fmt: skip
def test_a_shape_as_a_config_states_it(given: dict[str, Any], expected: dict[str, Any]) -> None:
    made = shape(LLAMA_2 | given)
    assert {name: getattr(made, name) for name in expected} == expected


@pytest.mark.contract
def test_heads_that_predict_are_like_the_layers_that_are_named() -> None:
    hybrid = LLAMA_2 | {
        "model_type": "nemotron_h", "hybrid_override_pattern": "M*E-", "mamba_num_heads": 2, "mamba_head_dim": 8,
        "ssm_state_size": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8,
        "num_nextn_predict_layers": 1,
    }  # fmt: skip
    assert shape(hybrid).prediction is None
    named = shape(hybrid | {"mtp_hybrid_override_pattern": "*E"}).prediction
    listed = shape(hybrid | {"mtp_layers_block_type": ["attention", "moe"]}).prediction
    assert named is not None and named == listed
    attends, routes = named.groups
    assert isinstance(attends.mixer, Attention) and attends.feed_forward is None and attends.layers == 1
    assert routes.mixer is None and isinstance(routes.feed_forward, Routed)
    assert [(group.layers, group.norms) for group in shape(hybrid).groups] == [(1, 1)] * 4
    strange = shape(LLAMA_2 | {"model_type": "unheard", "some_field": 3, "vision_config": {"a": 1}}).notes
    assert (
        strange[0].startswith("model_type 'unheard' is not known") and "not read, and may matter: some_field" in strange
    )
    assert any("(vision_config)" in note for note in strange)
    with pytest.raises(DomainError, match="recurrent layers of the unknown model_type 'unheard' can't be read"):
        shape(LLAMA_2 | {"model_type": "unheard", "rwkv_size": 3})
    for field, said in (("hc_mult", "hyper-connections"), ("is_encoder_decoder", "a model with an encoder")):
        with pytest.raises(DomainError, match=said):
            shape(LLAMA_2 | {field: True})


LAYERS_4 = LLAMA_2 | {"num_hidden_layers": 4, "torch_dtype": "float16"}
EXPERTS = LAYERS_4 | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "n_shared_experts": 1}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("model", "stated", "parts", "kept"),
    [
        (LAYERS_4, None, {}, ()),
        (LAYERS_4, {"quant_method": "fp8"}, {"attention": "fp8", "dense": "fp8"}, ()),
        (LAYERS_4, {"quant_method": "fp8", "kv_cache_quant_algo": "FP8"},
         {"attention": "fp8", "dense": "fp8", "cache": "fp8"}, ()),
        (LAYERS_4, {"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 4}},
         {"attention": "fp8", "dense": "fp8"}, ()),
        # Two of four layers left out: the rest counts, with a half kept wide; with three nothing is stored narrow.
        (LAYERS_4, {"quant_method": "fp8", "ignore": ["model.layers.0.mlp", "model.layers.2.mlp"]},
         {"attention": "fp8", "dense": "fp8"}, (("dense", 0.5),)),
        (LAYERS_4, {"quant_method": "fp8", "ignore": [f"model.layers.{n}.mlp" for n in range(3)]},
         {"attention": "fp8"}, ()),
        (LAYERS_4, {"quant_method": "fp8", "exclude_modules": ["re:.*self_attn.*"]}, {"dense": "fp8"}, ()),
        (LAYERS_4, {"quant_method": "fp8", "exclude_modules": ["*self_attn*"]}, {"dense": "fp8"}, ()),
        (LAYERS_4, {"quant_method": "fp8", "exclude_modules": ["Linear"]}, {}, ()),
        (LAYERS_4, {"quant_algo": "NVFP4"}, {"attention": "nvfp4", "dense": "nvfp4"}, ()),
        (LAYERS_4, {"quant_method": "mxfp4"}, {"dense": "mxfp4"}, ()),
        (LAYERS_4, {"quant_method": "fbgemm_fp8"}, {"dense": "fp8"}, ()),
        (LAYERS_4, {"quantized_layers": {f"model.layers.{n}.self_attn": {"quant_algo": "FP8"} for n in (0, 1, 3)}},
         {"attention": "fp8"}, (("attention", 0.25),)),
        (LAYERS_4, {"config_groups": {
            "a": {"targets": ["re:.*q_proj"], "weights": {"num_bits": 8, "type": "int"}},
            "b": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 128}}}},
         {"attention": "int8", "dense": "int4-g128"}, ()),
        (EXPERTS, {"quant_method": "fp8"}, {"attention": "fp8", "experts": "fp8", "shared_experts": "fp8"}, ()),
        (EXPERTS | {"expert_dtype": "fp4"}, {"quant_method": "fp8"},
         {"attention": "fp8", "experts": "mxfp4", "shared_experts": "fp8"}, ()),
    ],
)  # fmt: skip
def test_what_a_quantization_config_stores(model: Any, stated: Any, parts: dict[str, str], kept: Any) -> None:
    found = stored_scheme(model | ({} if stated is None else {"quantization_config": stated}), "published")
    wide = dict.fromkeys(("attention", "dense", "shared_experts", "experts", "embedding", "head"), "fp16")
    told = {part: getattr(found, part) for part in (*wide, "cache")}
    assert told == {**wide, "cache": "bf16", **parts} and found.kept == kept


@pytest.mark.contract
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (3, "quantization_config = '3' must be a table of fields"),
        ({"quant_method": "fp8", "ignore": "lm_head"}, "ignore = 'lm_head' must be a list of names"),
        ({"quant_method": "fp8", "ignore": ["re:("]}, r"ignore: '\(' is not a regular expression"),
        ({"quant_algo": "FP7"}, "quant_algo = 'FP7': known are FP8"),
        ({"config_groups": {"a": {"weights": 3}}}, "weights = '3' must be a table of fields"),
        ({"quantized_layers": {"model": {"quant_algo": "FP7"}}}, "quant_algo = 'FP7'"),
    ],
)
def test_a_quantization_config_that_says_nothing_known_is_refused(stated: Any, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        stored_scheme(LAYERS_4 | {"quantization_config": stated}, "published")


@pytest.mark.contract
def test_recurrent_and_global_layers_as_a_config_states_them() -> None:
    delta = {"linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8,
             "linear_value_head_dim": 6, "linear_conv_kernel_dim": 3, "full_attention_interval": 2}  # fmt: skip
    first, second = read_mixers(config(**BASE, **delta), LLAMA, "qwen3_next")
    assert isinstance(second, Attention) and isinstance(first, Recurrent)
    assert (first.heads, first.state, first.work) == (2, 4 * 8 * 6 + (2 * 16 + 24) * 2, 4 * 4 * 8 * 6)
    kimi = {"num_heads": 3, "head_dim": 5, "short_conv_kernel_size": 4, "full_attn_layers": [2]}
    for full, last in ((True, (64, 15)), (False, (5, 15))):
        table = {**kimi, "use_full_rank_gate": full}
        mixer, other = read_mixers(config(**BASE, linear_attn_config=table), LLAMA, "kimi_linear")
        assert isinstance(mixer, Recurrent) and isinstance(other, Attention)
        assert (mixer.state, mixer.weights[-1].inner, mixer.weights[-1].columns) == (75 + 3 * 15 * 3, *last)
    light, _ = read_mixers(config(**BASE, attn_type_list=[0, 1], head_dim=4), LLAMA, "minimax_m1")
    assert isinstance(light, Recurrent) and light.state == 8 * 4 * 4
    plain, _ = read_mixers(config(**BASE, attn_type_list=[0, 1]), LLAMA, "minimax_m1")
    assert isinstance(plain, Recurrent) and plain.state == 8 * 8 * 8
    with pytest.raises(DomainError, match="recurrent layers of this family are not known"):
        read_mixers(config(**BASE, layer_types=["mamba", "attention"]), LLAMA, "x")
    with pytest.raises(DomainError, match="attention replaced by a linear layer"):
        _searched_mixers(config(**BASE, block_configs=[{"attention": {"replace_with_linear": True}}]), LLAMA, 1)
    words = {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 9}
    wide = {"num_global_key_value_heads": 2, "global_head_dim": 16, "num_key_value_heads": 4}
    far, near = read_mixers(config(**BASE, **words, **wide, attention_k_eq_v=True), LLAMA, "gemma4")
    assert far == Attention(heads=8, kv_heads=2, head_dim=16, shared_values=True)
    assert near == Attention(heads=8, kv_heads=4, head_dim=8, window=9)
    assert read_mixers(config(**BASE, **words, **wide), LLAMA, "gemma4")[0] == Attention(
        heads=8, kv_heads=4, head_dim=16
    )


@pytest.mark.contract
def test_other_forms_of_a_config(tmp_path: Path) -> None:
    nested = {
        "model_type": "mpt",
        "d_model": 64,
        "n_layers": 2,
        "n_heads": 8,
        "vocab_size": 100,
        "no_bias": True,
        "expansion_ratio": 3,
        "attn_config": {"kv_n_heads": 2, "attn_type": "grouped_query_attention"},
    }
    made = shape(nested)
    assert (made.kv_heads, made.d_ff, made.mlp_bias) == (2, 192, False)
    assert shape(nested | {"no_bias": False}).mlp_bias is True
    searched = LLAMA_2 | {"model_type": "nemotron-nas", "block_configs": [
        {"attention": {"n_heads_in_group": 4}, "ffn": {"no_op": True}},
        {"attention": {"no_op": True}, "ffn": {"ffn_mult": 6.0}}]}  # fmt: skip
    assert [(group.norms, group.mixer is None) for group in shape(searched).groups] == [(1, False), (1, True)]
    chunked = LLAMA_2 | {"model_type": "llama4", "num_local_experts": 1}
    assert any("read as a window of that length" in note for note in shape(chunked).notes)
    assert any("counts by its weights alone" in note for note in shape(LLAMA_2 | {"attn_res_block_size": 2}).notes)
    for wrong, said in (
        ({"quantization": {"quant_algo": "FP8"}}, "states only how weights are stored"),
        (LLAMA_2 | {"ssm_cfg": 3}, "ssm_cfg = 3: must be a table of fields"),
        (LLAMA_2 | {"num_nextn_predict_layers": 1, "mtp_hybrid_override_pattern": 3}, "must be letters"),
    ):
        with pytest.raises(DomainError, match=said):
            shape({"model_type": "llama", **wrong} if "quantization" not in wrong else {"text_config": {}, **wrong})
    folder = tmp_path / "Model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA_2), encoding="utf-8")
    assert (shape(folder).name, shape(str(folder / "config.json")).name) == ("Model", "Model")
    assert stored_scheme(folder, "published").attention == "bf16"
    beside = folder / "hf_quant_config.json"
    beside.write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}), encoding="utf-8")
    assert stored_scheme(folder, "published").attention == "fp8"
    beside.write_text(json.dumps({"quant_algo": "NVFP4"}), encoding="utf-8")
    assert stored_scheme(folder, "published").attention == "nvfp4"
    (folder / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DomainError, match=r"holds a list; a config\.json is an object of fields"):
        shape(folder)


@pytest.mark.contract
def test_written_parts_nest_and_what_does_not_is_refused() -> None:
    chosen = {"kind": "grouped", "heads": 2, "kv_heads": 1, "head_dim": 4, "indexer": {"heads": 1, "dim": 2}}
    record: dict[str, Any] = {"name": "n", "d_model": 8, "vocabulary": 9, "groups": [{"layers": 1, "mixer": chosen}]}
    head = {"heads": 2, "groups": [{"layers": 1}]}
    made = Shape.from_record(record | {"prediction": head, "adapters": [{"rank": 2, "targets": ["head"]}]})
    assert made.prediction == Prediction(heads=2, groups=(Group(layers=1),))
    assert made.adapters == (Adapter(rank=2, targets=("head",)),)
    assert made.groups[0].mixer == Attention(heads=2, kv_heads=1, head_dim=4, indexer=Indexer(heads=1, dim=2))
    assert (made.attention_layers, replace(made, layers=3).layers) == (1, 3)
    for change, said in (
        ({"groups": 3}, "groups = 3 must be a list of tables"), ({"groups": [3]}, r"groups\[0\]: 3 must be a table"),
        ({"groups": [{"layers": 1, "mixer": {**chosen, "qk_norm": "some"}}]}, "qk_norm = 'some': allowed are"),
    ):  # fmt: skip
        with pytest.raises(DomainError, match=said):
            Shape.from_record(record | change)
    with pytest.raises(DomainError, match="missing layers, heads: give groups"):
        Shape(name="n", d_model=8, vocabulary=9)
    with pytest.raises(DomainError, match="groups must be Group objects"):
        Shape(name="n", d_model=8, vocabulary=9, groups=({"layers": 1},))  # type: ignore[arg-type]


@pytest.mark.closed_form
def test_small_parts_of_latent_attention_schemes_and_machines() -> None:
    latent = LatentAttention(heads=8, q_rank=24, kv_rank=16, nope_dim=8, rope_dim=4, value_dim=6)
    base, gated, biased = (
        count_parameters(one(mixer)).total for mixer in (latent, replace(latent, gate=48), replace(latent, bias=True))
    )
    assert (gated - base, biased - base) == (2 * 64 * 48, 2 * (24 + 16 + 4 + 64))
    assert count_parameters(one(replace(latent, qk_norm="head", sinks=True))).total - base == 2 * (2 * 12 + 8)
    assert (PLAIN.cache_shards, latent.cache_shards) == (2, 1)
    only = scheme("nf4")
    assert set(only.formats.values()) == {"nf4", "bf16"} and only.formats["head"] == "bf16" and only.rest == "bf16"
    assert scheme("bf16").precision().stored == dict.fromkeys(only.formats, 2.0)
    chip = replace(machine("H100-SXM"), scale_up_share=1.0)
    # Low latency: seven hops of 0.6 µs and 6.8 µs, and seven eighths over links of 450 GB/s of which half is payload.
    assert float(chip.all_gather(1e5, 8.0)) == pytest.approx((7 * 0.6 + 6.8) * 1e-6 + 7 / 8 * 1e5 / 225e9)
    assert float(chip.all_to_all(1e5, 8.0)) == pytest.approx((0.6 + 6.8) * 1e-6 + 7 / 8 * 1e5 / 225e9)
    own = efficiency("compute_share_bf16", "H100-SXM").name
    assert largest_compute_share("V100-SXM2-32", "fp8").name != own


@pytest.mark.contract
def test_a_precision_is_what_it_spells() -> None:
    spelt = "".join(["f", "p8"])  # another object than any constant
    assert largest_compute_share("H100-SXM", spelt).grade is Grade.PUBLISHED


ODD = Attention(
    heads=3, kv_heads=3, head_dim=5, value_dim=3, gate=9, bias=True, output_bias=True, sinks=True, qk_norm="head",
    extra_norm=11, selected=9, indexer=Indexer(heads=3, dim=5, query_rank=9, norm=7),
)  # fmt: skip
ODD_LATENT = LatentAttention(
    heads=3, q_rank=5, kv_rank=9, nope_dim=3, rope_dim=1, value_dim=5, gate=15, bias=True, sinks=True, qk_norm="head"
)
ODD_DENSE = Dense(d_ff=11, bias=True)
ODD_ROUTED = Routed(
    experts=5, top_k=3, d_ff_expert=11, shared_experts=3, d_ff_shared=9, bias=True, router_bias=True, shared_gate=True,
    width=5, width_norm=5,
)  # fmt: skip


def odd(mixer: Any, block: Any, **more: Any) -> Shape:
    """Return three layers of odd sizes, whose sums are not those of their bits."""
    group = Group(layers=3, mixer=mixer, feed_forward=block, norms=3, norm_bias=True, extra=9)
    return Shape(name="odd", d_model=7, vocabulary=13, groups=(group,), **more)


@pytest.mark.closed_form
def test_counts_of_odd_sizes() -> None:
    outside = 2 * 13 * 7 + 7
    plain, empty = count_parameters(odd(ODD, None)), count_parameters(odd(None, None))
    assert empty.total == outside + 3 * (3 * 14 + 9)
    index = 9 * 15 + 7 * 5 + 7 * 3
    assert plain.attention == 3 * (7 * 15 + 7 * 3 * (5 + 3) + 7 * 9 + 9 * 7 + index)
    assert plain.vectors - empty.vectors == 3 * (11 + 7 + 2 * 5 + (15 + 3 * 8) + 7 + 3)
    whole = count_parameters(odd(replace(ODD, qk_norm="whole"), None))
    assert whole.vectors - plain.vectors == 3 * ((3 + 3) * 5 - 2 * 5)
    latent = count_parameters(odd(ODD_LATENT, None))
    assert latent.attention == 3 * (7 * 5 + 5 * 12 + 7 * 10 + 9 * 24 + 15 * 7 + 7 * 15)
    assert latent.vectors - empty.vectors == 3 * (5 + 9 + 2 * 4 + (5 + 9 + 1 + 7) + 3)
    assert (ODD_LATENT.score_width, ODD_LATENT.decode_score_width, ODD_LATENT.cached_elements) == (27, 57, 10)
    dense = count_parameters(odd(None, ODD_DENSE))
    assert (dense.dense_mlp, dense.vectors - empty.vectors) == (3 * 3 * 7 * 11, 3 * (2 * 11 + 7))
    routed = count_parameters(odd(None, ODD_ROUTED))
    expert = 3 * 5 * 11 + 2 * 11 + 5
    assert (routed.routed_experts, routed.routed_active) == (3 * 5 * expert, 3 * 3 * expert)
    assert routed.shared_experts == 3 * (3 * (3 * 7 * 9 + 2 * 9 + 7) + 2 * 7 * 5)
    assert (routed.router, routed.vectors - empty.vectors) == (3 * (5 * 8 + 7), 3 * 5)
    around = odd(
        None, None, norm_bias=True, embedding_norm=True, head_bias=True, positions=9, embedding_width=5, layer_input=3
    )
    counts = count_parameters(around)
    assert counts.vectors - empty.vectors == (14 * 2 + 13) - 7 + (3 + 3 * 7)
    assert (counts.attention, counts.output_embedding, counts.dense_mlp) == (2 * 7 * 5, 13 * 5, 3 * 7 * 3 * 3)
    assert counts.input_embedding == 9 * 7 + 13 * 5 + 13 * 3 * 3
    active = counts.attention + counts.dense_mlp + counts.vectors + counts.output_embedding
    assert (counts.matmul_active, counts.active, counts.total) == (active, *[active + counts.input_embedding] * 2)
    head = Prediction(heads=3, groups=odd(None, ODD_DENSE).groups, norms=5, own_tables=1)
    extra = prediction_parameters(odd(None, None, prediction=head))
    assert extra.total == 3 * (2 * 49 + 5 * 7 + 13 * 7 + 3 * (3 * 14 + 9 + 3 * 7 * 11 + 29))


@pytest.mark.closed_form
def test_adapters_and_activations_of_odd_sizes() -> None:
    every = ("query", "key_value", "output", "feed_forward", "head")
    mixed = (7 + 15) + (7 + 24) + (9 + 7)
    for block, sides in ((ODD_DENSE, 3 * (7 + 11)), (ODD_ROUTED, 3 * (5 * (5 + 11) + 3 * (7 + 9)))):
        adapted = odd(
            ODD, block, adapters=(Adapter(rank=3, targets=every, loaded=5), Adapter(rank=1, targets=("head",)))
        )
        assert adapter_parameters(adapted) == 5 * 3 * (7 + 13 + 3 * (mixed + sides)) + 7 + 13
    for mixer, block, elements in (
        (ODD, ODD_DENSE, (3 + 3) * (5 + 3) + 3 * 11), (ODD_LATENT, None, (3 + 3) * (4 + 5)),
        (None, ODD_ROUTED, 3 * (3 * 11 + 3 * 9) + 3 * 5),
    ):  # fmt: skip
        kept = float(activation_bytes(odd(mixer, block), 1.0, 1.0, recompute="selective", dropout_masks=3))
        assert kept == (8 + 3) * 7 + 2 * elements
    stored = Precision(cache=1.0, index=1.0, state=1.0)
    assert cache_bytes(odd(ODD, None), 21.0, stored) == 3 * (24 * 21 + 5 * 21)
    assert growing_cache_bytes(odd(ODD, None), stored) == 3 * (24 + 5) == cache_bytes_per_token(odd(ODD, None), stored)
    work = float(decode_flop_per_token(odd(ODD, None), 21.0)) - 2 * matmul_parameters(odd(ODD, None))
    assert work == 3 * 2 * (3 * 8 * 9 + 3 * 5 * 21)
    groups = (*odd(ODD, ODD_ROUTED).groups, *odd(ODD, ODD_DENSE).groups, *odd(replace(ODD, sinks=False), None).groups)
    several = Shape(name="s", d_model=7, vocabulary=13, groups=groups)
    assert (several.layers, several.attention_layers, several.moe_layers, several.plain_layers) == (9, 9, 3, 3)
    assert cache_bytes(several, 21.0, stored) == 9 * (24 * 21 + 5 * 21)
