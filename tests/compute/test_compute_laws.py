"""Properties that hold for every shape, chip and cluster."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.compute import (
    Shape,
    activation_bytes,
    all_gather_time,
    all_reduce_time,
    all_to_all_time,
    cache_bytes,
    count_parameters,
    decode_flop_per_token,
    expected_experts_touched,
    forward_flop_per_token,
    mean_attended_tokens,
    product_time,
    touched_weight_bytes,
    training_state_bytes,
    weight_bytes,
)
from costmodel.testing import arguments
from costmodel.testing.compute import SHAPES, uniform_fields

pytestmark = pytest.mark.law

GROWING = ("layers", "d_model", "d_ff", "vocabulary", "head_dim")
GROWING_ROUTED = ("experts", "d_ff_expert", "shared_experts", "top_k")
CONTEXT = st.integers(1, 100_000)
CLOSE = 1.0 - 1e-12


@given(uniform_fields(), st.sampled_from(GROWING), st.integers(1, 64), CONTEXT)
def test_larger_shapes_have_more_of_everything(fields: dict[str, Any], field: str, more: int, context: int) -> None:
    shape, larger = Shape(**fields), Shape(**fields | {field: fields.get(field, 0) + more})
    small, large = count_parameters(shape), count_parameters(larger)
    assert large.total >= small.total
    assert large.active >= small.active
    assert float(forward_flop_per_token(larger, context)) >= float(forward_flop_per_token(shape, context)) * CLOSE
    assert float(cache_bytes(larger, context)) >= float(cache_bytes(shape, context)) * CLOSE
    assert float(weight_bytes(larger)) >= float(weight_bytes(shape))


@given(uniform_fields().filter(lambda fields: "experts" in fields), st.sampled_from(GROWING_ROUTED), st.integers(1, 4))
def test_more_or_larger_experts_never_shrink_a_model(fields: dict[str, Any], field: str, more: int) -> None:
    more = min(more, fields["experts"] - fields["top_k"]) if field == "top_k" else more
    shape, larger = Shape(**fields), Shape(**fields | {field: fields[field] + more})
    assert count_parameters(larger).total >= count_parameters(shape).total
    assert count_parameters(larger).matmul_active >= count_parameters(shape).matmul_active


@given(SHAPES, CONTEXT, CONTEXT, st.booleans())
def test_longer_contexts_cost_more(shape: Shape, context: int, more: int, absorbed: bool) -> None:
    pairs = [
        (cache_bytes(shape, context), cache_bytes(shape, context + more)),
        (decode_flop_per_token(shape, context, absorbed), decode_flop_per_token(shape, context + more, absorbed)),
        (forward_flop_per_token(shape, context), forward_flop_per_token(shape, context + more)),
        (forward_flop_per_token(shape, context), forward_flop_per_token(shape, context, cached=more)),
        (forward_flop_per_token(shape, context), forward_flop_per_token(shape, context, causal=False)),
    ]
    for short, long in pairs:
        assert float(short) <= float(long) / CLOSE


@given(SHAPES, st.integers(1, 10_000), st.integers(0, 10_000))
def test_weights_read_grow_with_the_batch_up_to_all(shape: Shape, tokens: int, more: int) -> None:
    counts = count_parameters(shape)
    few, many = (float(touched_weight_bytes(shape, size, 1.0)) for size in (tokens, tokens + more))
    assert counts.matmul_active * CLOSE <= few <= many / CLOSE
    assert many <= (counts.total - counts.input_embedding) / CLOSE


@given(arguments("costmodel.compute.parameters:expected_experts_touched"))
def test_touched_experts_are_never_more_than_there_are(values: dict[str, float]) -> None:
    touched = float(expected_experts_touched(**values))
    assert 0.0 <= touched <= values["experts"] / CLOSE
    assert touched <= max(values["tokens"], 1.0) * values["top_k"] / CLOSE + 1e-9


@given(arguments("costmodel.compute.flop:mean_attended_tokens"))
def test_no_token_attends_to_more_than_its_window(values: dict[str, float]) -> None:
    span = float(mean_attended_tokens(**values))
    assert -1e-6 <= span <= min(values["window"], values["cached"] + values["tokens"]) * (1 + 1e-6)


@given(arguments("costmodel.compute.roofline:product_time"))
def test_no_product_exceeds_the_roofline(values: dict[str, float]) -> None:
    seconds = float(product_time(**values))
    rows, columns, inner, groups = (values[key] for key in ("rows", "columns", "inner", "groups"))
    operands = rows * inner * values["operand_bytes"] + inner * columns * values["weight_bytes"]
    assert seconds >= groups * 2 * rows * columns * inner / values["peak"] * CLOSE
    assert seconds >= groups * (operands + 2 * rows * columns) / values["bandwidth"] * CLOSE


SIZES = ["rows", "columns", "inner", "groups", "operand_bytes", "weight_bytes", "launch", "half_inner", "lost_elements"]


@given(arguments("costmodel.compute.roofline:product_time"), st.sampled_from(SIZES), st.floats(1.0, 10.0))
def test_larger_products_take_longer(values: dict[str, float], which: str, factor: float) -> None:
    larger = values | {which: values[which] * factor}
    assert float(product_time(**larger)) >= float(product_time(**values)) * CLOSE


@given(
    arguments("costmodel.compute.roofline:product_time"),
    st.sampled_from(["peak", "bandwidth", "compute_share", "memory_share"]),
    st.floats(1.0, 10.0),
)
def test_better_chips_are_never_slower(values: dict[str, float], which: str, factor: float) -> None:
    most = 1.0 if which.endswith("share") else float("inf")
    better = values | {which: min(values[which] * factor, most)}
    assert float(product_time(**better)) <= float(product_time(**values)) / CLOSE


@given(
    st.floats(1e6, 1e12),
    st.floats(1.0, 1e4),
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    st.lists(st.floats(0.5, 12.0), min_size=3, max_size=3),
)
def test_sharding_state_never_lowers_the_total(
    parameters: float, devices: float, spread: list[float], sizes: list[float]
) -> None:
    shards = [devices**share for share in spread]  # each of the three over 1 … all devices
    alone = float(training_state_bytes(parameters, *sizes, 1.0, 1.0, 1.0))
    assert devices * float(training_state_bytes(parameters, *sizes, *shards)) >= alone * CLOSE
    assert float(training_state_bytes(parameters, *sizes, *shards)) <= alone / CLOSE


@given(SHAPES, CONTEXT, st.integers(1, 64), st.sampled_from(["none", "selective", "full"]), st.booleans())
def test_sharding_activations_never_lowers_the_total(
    shape: Shape, tokens: int, tensor: int, recompute: Any, sequence_parallel: bool
) -> None:
    alone = float(activation_bytes(shape, tokens, tokens, 1.0, recompute, sequence_parallel))
    each = float(activation_bytes(shape, tokens, tokens, float(tensor), recompute, sequence_parallel))
    assert tensor * each >= alone * CLOSE
    assert each <= alone / CLOSE


@given(SHAPES, CONTEXT, st.integers(1, 64))
def test_recomputing_more_keeps_less(shape: Shape, tokens: int, tensor: int) -> None:
    kept = [float(activation_bytes(shape, tokens, tokens, tensor, kind)) for kind in ("none", "selective", "full")]
    assert kept == sorted(kept, reverse=True)


@pytest.mark.parametrize("collective", [all_gather_time, all_reduce_time, all_to_all_time])
@given(values=arguments("costmodel.compute.collectives:all_reduce_time"), factor=st.floats(1.0, 10.0))
def test_collectives_grow_with_size_and_group_and_never_beat_the_links(
    collective: Any, values: dict[str, float], factor: float
) -> None:
    seconds = float(collective(**values))
    growing = ["size", "scale_up_latency", "scale_out_latency", "base_latency"]
    growing += (
        [] if collective is all_to_all_time else ["ranks"]
    )  # in this case a larger group sends less to each neighbour
    for which in growing:
        assert float(collective(**(values | {which: values[which] * factor}))) >= seconds * CLOSE
    for which in ("scale_up_bandwidth", "scale_out_bandwidth"):
        assert float(collective(**(values | {which: values[which] * factor}))) <= seconds / CLOSE
    outside = values["ranks"] - values["local_ranks"]
    share = outside / values["ranks"] / (1.0 if collective is all_to_all_time else values["local_ranks"])
    assert seconds >= share * values["size"] / values["scale_out_bandwidth"] * CLOSE
    assert float(collective(**(values | {"ranks": 1.0, "local_ranks": 1.0}))) == 0.0
