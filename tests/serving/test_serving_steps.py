"""Step time from shapes, against arithmetic by hand, and its laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.compute import best_all_reduce_time, cache_bytes, count_parameters, decode_flop_per_token, shape
from costmodel.compute.precision import by_part
from costmodel.serving import (
    Chip,
    Configuration,
    Engine,
    Layout,
    Traffic,
    decode_step_time,
    expert_exchange_time,
    prefill_latency,
    prefill_time_per_token,
)
from costmodel.serving.links import stage_communication_time, stage_send_time
from costmodel.serving.steps import (
    activation_elements,
    busy_time,
    cache_shards,
    decode_work,
    mean_inverse_inner,
    prefill_work,
)

LLAMA, DEEPSEEK, GPT_OSS, PALM = (shape(name) for name in ("Llama-3-70B", "DeepSeek-V3", "gpt-oss-120b", "PaLM-540B"))
CHIP = Chip(
    peak=2e15,
    attention_peak=1e15,
    bandwidth=3e12,
    memory=80e9,
    scale_up_bandwidth=400e9,
    scale_up_domain=8.0,
    scale_out_bandwidth=50e9,
)
IDEAL = Engine(compute_share=1.0, attention_share=1.0, memory_share=1.0)
REAL = Engine(
    compute_share=0.7,
    attention_share=0.6,
    memory_share=0.85,
    scale_up_share=0.8,
    scale_out_share=0.8,
    half_inner=500.0,
    kernel_launch=4e-6,
    scale_up_latency=1e-6,
    scale_out_latency=5e-6,
    base_latency=7e-6,
    overhead=1.5,
)
ONE_BYTE = replace(by_part(1.0), activation=2.0, dispatch=1.0)


def setup(model, layout=None, engine=REAL, chip=CHIP):
    """Return a configuration with one byte per weight and cache element."""
    return Configuration(shape=model, chip=chip, engine=engine, layout=layout or Layout(), precision=ONE_BYTE)


@pytest.mark.closed_form
def test_decode_of_one_sequence_reads_the_weights_and_its_cache():
    counts = count_parameters(LLAMA)
    weights = counts.always_active + activation_elements(LLAMA) * 2.0
    cache = (4096 + 1) * 80 * 2 * 8 * 128
    time = decode_step_time(setup(LLAMA, Layout(), IDEAL, CHIP), 1.0, 4096.0)
    assert time == pytest.approx((weights + cache) / 3e12)


@pytest.mark.closed_form
def test_a_large_batch_of_short_contexts_is_bound_by_arithmetic():
    tokens = 1e5
    flop = 2 * count_parameters(LLAMA).matmul_active * tokens / 2e15
    # an empty context leaves one written cache entry per token
    written = tokens * 80 * 2 * 8 * 128 / 3e12
    time = decode_step_time(setup(LLAMA, Layout(), IDEAL, CHIP), tokens, 0.0)
    assert time == pytest.approx(flop + written)


@pytest.mark.closed_form
def test_prefill_counts_products_attention_and_no_output_table():
    counts = count_parameters(LLAMA)
    products = 2 * (counts.matmul_active - 128256 * 8192) / 2e15
    # causal: a token of an 8,192 prompt meets 4,096 on average; 4 · d per head and block
    attention = 4 * 128 * 64 * 80 * 4096 / 1e15
    traffic = Traffic(mean_input=8192.0, mean_output=1.0)
    time = prefill_time_per_token(setup(LLAMA, Layout(), IDEAL, CHIP), traffic)
    assert time == pytest.approx(products + attention)
    assert prefill_latency(setup(LLAMA, Layout(), IDEAL, CHIP), traffic) == pytest.approx(8192 * time)


@pytest.mark.closed_form
def test_a_prefill_pass_writes_its_tokens_and_reads_their_prefix():
    # 1,000 new tokens of prompts of which three quarters are cached: 3,000 read, 1,000 written
    work = prefill_work(setup(LLAMA, Layout(tensor=4.0)), 1000.0, 8000.0, 0.75)
    assert work.cache_bytes == pytest.approx(4000 * 2 * 8 * 128 * 80 / 4)
    # and each new token meets 6,000 cached ones and half of the 2,000 new
    assert work.attention_flop == pytest.approx(1000 * 4 * 128 * 64 * 80 * 7000 / 4)


@pytest.mark.closed_form
def test_expert_weights_read_are_those_touched():
    counts = count_parameters(DEEPSEEK)
    work = decode_work(setup(DEEPSEEK, Layout()), 1.0, 0.0, 1.0)
    assert work.weight_bytes == pytest.approx(counts.matmul_active)
    # spread over 64 ranks with one sequence each: attention whole, a 64th of what 64 tokens touch
    spread = decode_work(setup(DEEPSEEK, Layout(expert=64.0)), 1.0, 0.0, 1.0)
    touched = 1 - (1 - 8 / 256) ** 64
    assert spread.weight_bytes == pytest.approx(counts.always_active + counts.routed_experts * touched / 64)


@pytest.mark.closed_form
def test_cache_is_split_by_heads_and_a_latent_is_not():
    layout = Layout(tensor=np.array([1.0, 4.0, 8.0, 16.0]))
    assert cache_shards(LLAMA, layout).tolist() == [1.0, 4.0, 8.0, 8.0]
    assert cache_shards(DEEPSEEK, layout) == 1.0


@pytest.mark.closed_form
def test_inner_dimension_of_a_dense_block():
    # into attention and MLP k = 8192, out of them 64·128 and 28672, over 4 accelerators
    widths = {8192: (64 + 16) * 128 + 2 * 28672, 64 * 128 // 4: 8192, 28672 // 4: 8192}
    weights = {k: c * k * (1 if k == 8192 else 4) for k, c in widths.items()}
    total = 80 * sum(weights.values()) + 128256 * 8192
    inverse = (80 * sum(w / k for k, w in weights.items()) + 128256) / total
    assert mean_inverse_inner(LLAMA, Layout(tensor=4.0)) == pytest.approx(inverse, rel=1e-4)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.links:expert_exchange_time")
def test_exchange_crosses_the_network_once_per_domain():
    # 32 ranks in 4 domains of 8, 8 experts a token: it reaches 4·(1 − (3/4)^8) domains, 3/4 of them remote
    reached = 4 * (1 - 0.75**8)
    outside = 1000 * 7168 * reached * 0.75 / 50e9 + 5e-6
    inside = 1000 * 7168 * 8 * 7 / 8 / 200e9 + 1e-6
    time = expert_exchange_time(1000.0, 7168.0, 8.0, 32.0, 8.0, 200e9, 50e9, 1e-6, 5e-6, 7e-6)
    assert time == pytest.approx(7e-6 + max(outside, inside))
    assert expert_exchange_time(1000.0, 7168.0, 8.0, 1.0, 1.0, 200e9, 50e9, 1e-6, 5e-6, 7e-6) == 0.0


@pytest.mark.closed_form
def test_two_stages_halve_the_reads_of_each_and_take_turns():
    one = decode_step_time(setup(LLAMA, Layout(), IDEAL, CHIP), 1.0, 1000.0)
    layout = Layout(pipeline=2.0)
    send = stage_send_time(setup(LLAMA, layout, IDEAL, CHIP), 1.0)
    two = decode_step_time(setup(LLAMA, layout, IDEAL, CHIP), 1.0, 1000.0)
    assert send == pytest.approx(8192 * 2 / 400e9)
    assert two == pytest.approx(one + 2 * send)


@pytest.mark.closed_form
def test_overlap_hides_the_smaller_of_work_and_talk():
    engine, layout = replace(REAL, overhead=1.0), Layout(tensor=8.0)
    apart, together = (
        decode_step_time(setup(LLAMA, replace(layout, overlap=overlap), engine, CHIP), 256.0, 1000.0)
        for overlap in (0.0, 1.0)
    )
    work = busy_time(setup(LLAMA, layout, engine), decode_work(setup(LLAMA, layout), 256.0, 1000.0, 1.0))
    talk = stage_communication_time(setup(LLAMA, layout, engine, CHIP), 256.0)
    assert apart == pytest.approx(work + talk)
    assert together == pytest.approx(max(work, talk))


@pytest.mark.closed_form
def test_blocks_side_by_side_reduce_once():
    layout = Layout(tensor=8.0)
    once, twice = (
        stage_communication_time(setup(replace(PALM, parallel_blocks=flag), layout, REAL, CHIP), 64.0)
        for flag in (True, False)
    )
    assert twice == pytest.approx(2 * once)
    message = 64 * 18432 * 2.0
    assert once == pytest.approx(118 * best_all_reduce_time(message, 8.0, 8.0, 0.8 * 400e9, 0.8 * 50e9))


@pytest.mark.closed_form
def test_a_square_reduces_inner_widths_over_its_sides():
    layout = Layout(tensor=64.0, dimensions=2.0)
    torus = replace(CHIP, scale_up_domain=4096.0)
    time = stage_communication_time(setup(LLAMA, layout, REAL, torus), 32.0)
    widths = ((64 + 16) * 128, 8192, 2 * 28672, 8192)
    reduces = [best_all_reduce_time(32 * w * 2.0 / 8, 8.0, 8.0, 0.8 * 400e9, 1.0) for w in widths]
    assert time == pytest.approx(80 * sum(reduces))


LAYOUTS = st.sampled_from(
    [Layout(), Layout(tensor=8.0), Layout(tensor=2.0, pipeline=2.0), Layout(tensor=4.0, overlap=1.0, micro_batches=2.0)]
)
SHAPES = st.sampled_from([LLAMA, DEEPSEEK, GPT_OSS])


@pytest.mark.law
@given(shape=SHAPES, layout=LAYOUTS, batch=st.floats(1.0, 512.0), expert=st.sampled_from([1.0, 8.0]))
def test_no_latency_falls_with_context_or_batch(shape, layout, batch, expert):
    if shape.experts and layout.pipeline == 1.0:
        layout = replace(layout, expert=expert)
    contexts = np.geomspace(1.0, 1e6, 25)
    steps = decode_step_time(setup(shape, layout, REAL, CHIP), batch, contexts)
    assert np.all(np.diff(steps) >= 0)
    traffic = Traffic(mean_input=contexts, mean_output=1.0)
    assert np.all(np.diff(prefill_time_per_token(setup(shape, layout, REAL, CHIP), traffic)) >= 0)
    assert np.all(np.diff(prefill_latency(setup(shape, layout, REAL, CHIP), traffic)) >= -1e-15)
    batches = np.geomspace(1.0, 1e4, 25)
    assert np.all(np.diff(decode_step_time(setup(shape, layout, REAL, CHIP), batches, 1000.0)) >= 0)


@pytest.mark.law
@given(shape=SHAPES, layout=LAYOUTS, batch=st.floats(1.0, 4096.0), context=st.floats(0.0, 1e5))
def test_no_step_beats_the_roofline(shape, layout, batch, context):
    step = decode_step_time(setup(shape, layout, REAL, CHIP), batch, context)
    accelerators = float(layout.accelerators)
    flop = batch * (decode_flop_per_token(shape, context) / CHIP.peak)
    moved = count_parameters(shape).always_active + batch * cache_bytes(shape, context, 1.0)
    assert step >= flop / accelerators * (1 - 1e-12)
    assert step >= moved / (accelerators * CHIP.bandwidth) * (1 - 1e-12)


@pytest.mark.law
@given(better=st.sampled_from(["peak", "attention_peak", "bandwidth", "scale_up_bandwidth", "scale_out_bandwidth"]))
def test_a_better_chip_is_never_slower(better):
    faster = replace(CHIP, **{better: 2 * getattr(CHIP, better)})
    for model, layout in ((LLAMA, Layout(tensor=8.0)), (DEEPSEEK, Layout(expert=32.0))):
        batch, context = np.geomspace(1.0, 1e4, 9)[:, None], np.geomspace(1.0, 1e5, 9)
        before = decode_step_time(setup(model, layout, REAL, CHIP), batch, context)
        after = decode_step_time(setup(model, layout, REAL, faster), batch, context)
        assert np.all(after <= before)


@pytest.mark.closed_form
def test_overhead_multiplies_the_whole_step():
    plain, slow = (
        decode_step_time(setup(DEEPSEEK, Layout(expert=32.0), replace(REAL, overhead=w), CHIP), 640.0, 4e3)
        for w in (1.0, 1.7)
    )
    assert slow == pytest.approx(1.7 * plain)
