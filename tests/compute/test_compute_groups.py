"""Shapes made of groups of layers: counts, caches and FLOP of every kind of layer, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    adapter_parameters,
    cache_bytes,
    cache_bytes_per_token,
    cache_read_bytes,
    count_parameters,
    decode_flop_per_token,
    expected_experts_touched,
    forward_flop_per_token,
    inner_activation_elements,
    layer_parameters,
    matmul_parameters,
    prediction_parameters,
    shape,
    state_bytes,
    total_parameters,
    touched_experts,
    touched_weight_bytes,
    weight_bytes,
)
from costmodel.compute.recurrent import gated_delta, mamba2
from costmodel.foundation.errors import DomainError
from costmodel.testing.compute import GROUPS, SHAPES

PLAIN = Attention(heads=8, kv_heads=2, head_dim=8)
MLP = Dense(d_ff=256)


def one(mixer: Any = PLAIN, block: Any = MLP, **fields: Any) -> Shape:
    """Return a shape of two equal layers."""
    layers = Group(layers=2, mixer=mixer, feed_forward=block)
    return Shape(name="one", d_model=64, vocabulary=100, groups=(layers,), **fields)


@pytest.mark.published
def test_two_kinds_of_attention_layers_keep_what_each_needs() -> None:
    # 60 layers: 50 with a window of 1,024 and 16 key-value heads of 256; 10 full with 4 of 512 (Gemma 4, config.json)
    near, far = (
        Attention(heads=32, kv_heads=16, head_dim=256, window=1024),
        Attention(heads=32, kv_heads=4, head_dim=512),
    )
    groups = tuple(Group(layers=n, mixer=mixer, feed_forward=Dense(d_ff=21504)) for n, mixer in ((50, near), (10, far)))
    mixed = Shape(name="g", d_model=5376, vocabulary=262144, groups=groups, tied_embeddings=True)
    expected = 10 * 131072 * 2 * 4 * 512 * 2 + 50 * 1024 * 2 * 16 * 256 * 2
    assert cache_bytes(mixed, 131072, 2.0) == expected == 11_576_279_040


@pytest.mark.contract
def test_the_flat_spelling_has_a_second_pair_of_heads() -> None:
    fields = {"name": "g", "layers": 60, "d_model": 5376, "heads": 32, "kv_heads": 16, "head_dim": 256}
    fields |= {"vocabulary": 262144, "d_ff": 21504, "window": 1024, "windowed_layers": 50}
    apart = Shape(**fields, full_kv_heads=4, full_head_dim=512)
    assert cache_bytes(apart, 131072, 2.0) == 11_576_279_040
    assert apart.notes == ()
    # a single pair applies to all layers, and the shape's remark says so, with the fields that it lacks
    alone = Shape(**fields)
    assert cache_bytes(alone, 131072, 2.0) == (10 * 131072 + 50 * 1024) * 2 * 16 * 256 * 2
    (note,) = alone.notes
    assert "layers without a window are assumed to have 16 key-value heads of 256" in note
    assert note.endswith("give full_kv_heads and full_head_dim where they differ")
    assert Shape(**fields | {"windowed_layers": 60}).notes == ()
    assert [group.mixer.window for group in apart.groups] == [0, 1024]
    with pytest.raises(DomainError, match="unknown entry 'full_kv_head'; did you mean 'full_kv_heads'"):
        Shape(**fields, full_kv_head=4)
    with pytest.raises(DomainError, match="full_kv_heads = 5 must divide heads"):
        Shape(**fields, full_kv_heads=5)
    with pytest.raises(DomainError, match=r"kv_heads differs between its groups of layers \(4, 16\): read it from"):
        _ = apart.kv_heads


@pytest.mark.closed_form
def test_uniform_layers_are_one_group_with_the_same_numbers() -> None:
    flat = Shape(name="one", layers=2, d_model=64, heads=8, kv_heads=2, head_dim=8, vocabulary=100, d_ff=256)
    assert flat == one()
    assert flat.groups[0].layers == 2
    assert Shape.from_record(flat.to_record()) == flat


@pytest.mark.closed_form
def test_parts_of_attention_are_counted() -> None:
    base = layer_parameters(one().groups[0], 64)
    assert base.attention == 64 * 64 + 64 * 2 * 2 * 8 + 64 * 64
    gated = layer_parameters(one(replace(PLAIN, gate=64)).groups[0], 64)
    assert gated.attention - base.attention == 64 * 64
    alike = layer_parameters(one(replace(PLAIN, shared_values=True)).groups[0], 64)
    assert base.attention - alike.attention == 64 * 2 * 8
    reused = layer_parameters(one(replace(PLAIN, reuses_cache=True, qk_norm="head")).groups[0], 64)
    assert base.attention - reused.attention == 64 * 2 * 2 * 8
    assert reused.vectors - base.vectors == 8
    whole = layer_parameters(one(replace(PLAIN, qk_norm="whole", sinks=True)).groups[0], 64)
    assert whole.vectors - base.vectors == 8 * 8 + 2 * 8 + 8
    biased = layer_parameters(one(replace(PLAIN, bias=True)).groups[0], 64)
    assert biased.vectors - base.vectors == 64 + 2 * 2 * 8
    wide = layer_parameters(one(replace(PLAIN, value_dim=4)).groups[0], 64)
    assert wide.attention == 64 * 64 + 64 * 2 * (8 + 4) + 8 * 4 * 64


@pytest.mark.closed_form
def test_an_indexer_chooses_what_sparse_attention_reads() -> None:
    indexer = Indexer(heads=4, dim=16, query_rank=32, norm=32)
    mixer = LatentAttention(heads=8, q_rank=32, kv_rank=24, nope_dim=8, rope_dim=4, value_dim=8)
    full, sparse = one(mixer), one(replace(mixer, selected=128, indexer=indexer))
    extra = layer_parameters(sparse.groups[0], 64).attention - layer_parameters(full.groups[0], 64).attention
    assert extra == 32 * 4 * 16 + 64 * 16 + 64 * 4
    stored = Precision(cache=2.0, index=1.0)
    assert cache_bytes(sparse, 1000, stored) == 2 * 1000 * (28 * 2 + 16 * 1)
    assert cache_read_bytes(sparse, 1000, stored) == 2 * (128 * 28 * 2 + 1000 * 16 * 1)
    # scores on the latent for the 128 chosen, and the indexer's on all
    work = float(decode_flop_per_token(sparse, 1000)) - 2 * matmul_parameters(sparse)
    assert work == 2 * 2 * (8 * (2 * 24 + 4) * 128 + 4 * 16 * 1000)


@pytest.mark.closed_form
def test_layers_that_reuse_a_cache_hold_none_and_read_it() -> None:
    kept, again = Group(layers=1, mixer=PLAIN, feed_forward=MLP), replace(PLAIN, reuses_cache=True)
    both = Shape(name="r", d_model=64, vocabulary=100, groups=(kept, Group(layers=3, mixer=again, feed_forward=MLP)))
    assert cache_bytes(both, 100) == 100 * 2 * 2 * 8 * 2
    assert cache_read_bytes(both, 100) == 4 * 100 * 2 * 2 * 8 * 2


@pytest.mark.closed_form
def test_a_recurrence_has_a_state_and_no_cache() -> None:
    mixer = mamba2(d_model=64, heads=4, head_dim=32, state=16, groups=2, kernel=4)
    recurrent = one(mixer, None)
    inner, mixed = 4 * 32, 4 * 32 + 2 * 2 * 16
    assert cache_bytes_per_token(recurrent) == 0
    assert state_bytes(recurrent, 4.0) == 2 * 4 * (inner * 16 + 3 * mixed)
    assert count_parameters(recurrent).attention == 2 * (64 * (inner + mixed + 4) + inner * 64)
    assert layer_parameters(recurrent.groups[0], 64).vectors == 2 * 64 + mixed * 5 + 3 * 4 + inner
    # decay, update and read of every element of state, whatever the context
    work = np.asarray(decode_flop_per_token(recurrent, np.array([1.0, 1e6]))) - 2 * matmul_parameters(recurrent)
    assert work.tolist() == [2 * 2 * 3 * inner * 16] * 2


@pytest.mark.closed_form
def test_the_delta_rule_reads_its_state_twice() -> None:
    mixer = gated_delta(d_model=64, key_heads=2, value_heads=4, key_dim=8, value_dim=16, kernel=4)
    assert mixer.work == 4 * (4 * 8 * 16)
    assert sum(matrix.parameters for matrix in mixer.weights) == 64 * (2 * 16 + 64 + 64) + 64 * 8 + 64 * 64


@pytest.mark.closed_form
def test_experts_in_a_narrower_width() -> None:
    block = Routed(experts=8, top_k=2, d_ff_expert=32, shared_experts=1, d_ff_shared=96, width=16, shared_gate=True)
    counts = layer_parameters(one(PLAIN, block).groups[0], 64)
    assert counts.routed_experts == 8 * 3 * 16 * 32
    assert counts.routed_active == 2 * 3 * 16 * 32
    assert counts.shared_experts == 3 * 64 * 96 + 2 * 64 * 16
    assert counts.router == 8 * 64 + 64


@pytest.mark.closed_form
def test_each_kind_of_routing_touches_its_own_experts() -> None:
    few, many = Routed(experts=4, top_k=1, d_ff_expert=32), Routed(experts=64, top_k=8, d_ff_expert=16)
    groups = (Group(layers=1, mixer=PLAIN, feed_forward=few), Group(layers=2, mixer=PLAIN, feed_forward=many))
    both = Shape(name="m", d_model=64, vocabulary=100, groups=groups)
    tokens = np.array([1.0, 16.0])
    expected = expected_experts_touched(4.0, 1, tokens) * 3 * 64 * 32
    expected = expected + 2 * expected_experts_touched(64.0, 8, tokens) * 3 * 64 * 16
    assert touched_experts(both, tokens) == pytest.approx(expected)


@pytest.mark.closed_form
def test_every_part_has_its_own_precision() -> None:
    moe = shape("DeepSeek-V3")
    counts = count_parameters(moe)
    stored = Precision(attention=1.0, dense=2.0, shared_experts=3.0, experts=0.5, embedding=4.0, head=5.0, rest=6.0)
    parts = counts.attention + 2 * counts.dense_mlp + 3 * counts.shared_experts + 0.5 * counts.routed_experts
    parts += 4 * counts.input_embedding + 5 * counts.output_embedding + 6 * (counts.router + counts.vectors)
    assert float(weight_bytes(moe, stored)) == pytest.approx(parts, rel=1e-15)
    unread = 4 * counts.input_embedding + 0.5 * counts.routed_experts * (1 - 8 / 256)
    assert float(touched_weight_bytes(moe, 1.0, stored)) == pytest.approx(parts - unread, rel=1e-14)


@pytest.mark.closed_form
def test_prediction_heads_and_adapters_stand_apart() -> None:
    head = Prediction(heads=2, groups=(Group(layers=1, mixer=PLAIN, feed_forward=MLP),))
    with_heads = one(prediction=head)
    layer = layer_parameters(one().groups[0], 64).total
    assert prediction_parameters(with_heads).total == 2 * (layer + 2 * 64 * 64 + 3 * 64)
    assert total_parameters(with_heads) == total_parameters(one())
    more = float(weight_bytes(with_heads, 2.0, prediction=True)) - float(weight_bytes(with_heads, 2.0))
    assert more == 2 * prediction_parameters(with_heads).total
    lora = one(adapters=(Adapter(rank=4, targets=("query", "output", "feed_forward"), loaded=3),))
    assert adapter_parameters(lora) == 3 * 4 * 2 * (128 + 128 + 3 * (64 + 256))
    assert float(weight_bytes(lora)) - float(weight_bytes(one())) == 2 * adapter_parameters(lora)


@pytest.mark.closed_form
def test_embeddings_of_another_width_and_of_every_layer() -> None:
    narrow = one(embedding_width=16)
    assert count_parameters(narrow).embeddings == 2 * 100 * 16
    assert total_parameters(narrow) - total_parameters(one()) == 2 * 64 * 16 - 2 * 100 * (64 - 16)
    inputs = one(layer_input=8)
    assert total_parameters(inputs) - total_parameters(one()) == 100 * 2 * 8 + 3 * 64 * 2 * 8 + 8 + 2 * 64


@pytest.mark.law
@given(SHAPES, st.integers(1, 10_000))
def test_a_sum_over_groups_is_the_sum_of_each_alone(drawn: Shape, context: int) -> None:
    outside = replace(drawn, groups=(Group(layers=1, norms=0),))
    alone = [replace(drawn, groups=(group,)) for group in drawn.groups]

    def apart(measure: Any) -> float:
        empty = float(measure(outside))
        return sum(float(measure(shape)) - empty for shape in alone) + empty

    for measure in (
        total_parameters,
        lambda shape: count_parameters(shape).active,
        lambda shape: cache_bytes(shape, context),
        lambda shape: cache_read_bytes(shape, context),
        lambda shape: forward_flop_per_token(shape, context),
        lambda shape: decode_flop_per_token(shape, context),
        lambda shape: touched_weight_bytes(shape, 7.0),
    ):
        assert float(measure(drawn)) == pytest.approx(apart(measure), rel=1e-9, abs=1e-3)


@pytest.mark.law
@given(GROUPS)
def test_matrices_of_a_layer_are_its_parameters(group: Group) -> None:
    counts = layer_parameters(group, 512)
    if group.mixer is not None:
        assert counts.attention == sum(matrix.inner * matrix.columns for matrix in group.mixer.matrices(512))
    assert counts.routed_active <= counts.routed_experts


@pytest.mark.law
@given(SHAPES)
def test_a_shape_survives_its_table(drawn: Shape) -> None:
    assert Shape.from_record(drawn.to_record()) == drawn


@pytest.mark.contract
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mixer": {"kind": "grouped", "heads": 8, "kv_heads": 3, "head_dim": 8}}, "kv_heads = 3 must divide heads"),
        ({"mixer": {"kind": "strange"}}, "kind = 'strange': allowed are 'grouped', 'latent', 'recurrent'"),
        ({"mixer": {"kind": "grouped", "heads": 8, "kvheads": 2}}, "unknown entry 'kvheads'; did you mean 'kv_heads'"),
        ({"mixer": {"kind": "grouped", "heads": 8}}, "groups[0], mixer: missing 2 required keyword-only arguments"),
        ({"feed_forward": {"kind": "dense", "d_ff": -1}}, "d_ff = -1 must be a whole number"),
        ({"feed_forward": {"kind": "routed", "experts": 2, "top_k": 3, "d_ff_expert": 8}}, "top_k = 3 must be from 1"),
        ({"layers": True}, "layers = True must be a whole number"),
        ({"norm_bias": 1}, "norm_bias = 1 must be true or false"),
    ],
)
def test_a_written_group_is_refused_with_its_place(table: dict[str, Any], message: str) -> None:
    record = {"name": "t", "d_model": 64, "vocabulary": 10, "groups": [{"layers": 1, **table}]}
    with pytest.raises(DomainError) as refusal:
        Shape.from_record(record)
    assert message in str(refusal.value)


@pytest.mark.contract
def test_a_number_is_written_into_every_group_that_has_it() -> None:
    groups = (
        Group(layers=1, mixer=PLAIN, feed_forward=MLP),
        Group(layers=2, mixer=Recurrent(state=8, weights=(Matrix("in", 64, 8),)), feed_forward=MLP),
    )
    both = Shape(name="b", d_model=64, vocabulary=100, groups=groups)
    wider = replace(both, d_ff=512)
    assert [group.feed_forward.d_ff for group in wider.groups] == [512, 512]
    with pytest.raises(DomainError, match="layers = 4 belongs to each group"):
        replace(both, layers=4)


@pytest.mark.closed_form
def test_a_routed_copy_of_the_input_is_kept_for_each_expert() -> None:
    """Of each layer: a token's copies for two experts in a narrower width, or for one in the model's own."""
    narrow = Routed(experts=8, top_k=2, d_ff_expert=32, width=16)
    plain = Routed(experts=8, top_k=1, d_ff_expert=32)
    kept = [inner_activation_elements(one(PLAIN, block)) for block in (narrow, plain)]
    attention = (8 + 2) * (8 + 8)  # queries and keys, values and what comes out, by head
    assert kept == [attention + 2 * 3 * 32 + 2 * 16, attention + 3 * 32 + 64]
