"""Step time from shapes, against arithmetic by hand, and its laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.compute import (
    Machine,
    Rate,
    Shape,
    block_time,
    blocks,
    cache_bytes,
    count_parameters,
    decode_flop_per_token,
    matmul_parameters,
    protocols,
    shape,
    state_bytes,
    together,
    touched_weight_bytes,
)
from costmodel.compute.groups import Dense, Group
from costmodel.compute.mixers import Attention
from costmodel.compute.precision import by_part
from costmodel.serving import (
    Configuration,
    Engine,
    Layout,
    Traffic,
    decode_step_time,
    prefill_latency,
    prefill_time_per_token,
)
from costmodel.serving.links import stage_communication_time, stage_send_time
from costmodel.serving.steps import attention_time, cache_shards, decode_work, prefill_work, products_time, stage_time

LLAMA, DEEPSEEK, GPT_OSS, PALM = (shape(name) for name in ("Llama-3-70B", "DeepSeek-V3", "gpt-oss-120b", "PaLM-540B"))
PARTS = ("attention", "dense", "shared_experts", "experts", "head")
WIDE = Rate(peak=2e15, share=1.0, operand_bytes=1.0)
IDEAL = Machine(
    **dict.fromkeys(PARTS, WIDE),
    scores_peak=1e15,
    scores_share=1.0,
    bandwidth=3e12,
    memory=80e9,
    memory_share=1.0,
    cache_share=1.0,
    scale_up_bandwidth=400e9,
    scale_up_domain=8.0,
    scale_out_bandwidth=50e9,
    protocols=protocols(),
)
"""Machine with round figures, whose only losses are the roofline's."""
REAL = replace(
    IDEAL,
    **dict.fromkeys(PARTS, Rate(peak=2e15, share=0.7, half_inner=500.0, lost_elements=2e5, operand_bytes=1.0)),
    scores_share=0.6,
    half_sequence=900.0,
    memory_share=0.85,
    cache_share=0.8,
    kernel_time=4e-6,
    scale_up_share=0.8,
    scale_out_share=0.8,
    exchange_latency=7e-6,
    scale_out_latency=5e-6,
)
ONE_BYTE = replace(by_part(1.0), activation=2.0, dispatch=1.0)


def setup(model, layout=None, machine=REAL, engine=None):
    """Return a configuration with one byte per weight and cache element."""
    return Configuration(
        shape=model, machine=machine, engine=engine or Engine(), layout=layout or Layout(), precision=ONE_BYTE
    )


@pytest.mark.closed_form
def test_decode_of_one_sequence_reads_the_weights_and_its_cache():
    weights = count_parameters(LLAMA).matmul_active
    cache = (4096 + 1) * 80 * 2 * 8 * 128
    time = decode_step_time(setup(LLAMA, machine=IDEAL), 1.0, 4096.0)
    # what moves between products is below a hundredth of a percent of the weights, arithmetic a thousandth
    assert time == pytest.approx((weights + cache) / 3e12, rel=2e-3)


@pytest.mark.closed_form
def test_a_large_batch_of_short_contexts_is_bound_by_arithmetic():
    tokens = 1e5
    flop = 2 * count_parameters(LLAMA).matmul_active * tokens / 2e15
    written = tokens * 80 * 2 * 8 * 128 / 3e12
    # between products: two norms with residuals of 4 · 8,192; queries, keys and values twice; gate and up in, one out
    between = tokens * 2 * (80 * (2 * 4 * 8192 + 2 * (64 + 16) * 128 + 3 * 28672) + 4 * 8192) / 3e12
    time = decode_step_time(setup(LLAMA, machine=IDEAL), tokens, 0.0)
    assert time == pytest.approx(flop + written + between, rel=2e-3)


@pytest.mark.closed_form
def test_prefill_counts_products_attention_and_no_output_table():
    counts = count_parameters(LLAMA)
    tokens = 8192.0
    products = 2 * (counts.matmul_active - 128256 * 8192) / 2e15
    # causal: a token of an 8,192 prompt meets 4,096 on average; 4 · d per head and block
    attention = 4 * 128 * 64 * 80 * 4096 / 1e15
    between = 2 * 80 * (2 * 4 * 8192 + 2 * (64 + 16) * 128 + 3 * 28672) / 3e12
    traffic = Traffic(mean_input=tokens, mean_output=1.0)
    time = prefill_time_per_token(setup(LLAMA, machine=IDEAL), traffic)
    # half a tile of 64 rows in 8,192, and a little of the weights' reading under the smooth ridge
    assert time == pytest.approx(products * (1 + 32 / 8192) + attention + between, rel=3e-3)
    assert prefill_latency(setup(LLAMA, machine=IDEAL), traffic) == pytest.approx(tokens * time)


@pytest.mark.closed_form
def test_a_prefill_pass_writes_its_tokens_and_reads_their_prefix():
    # 1,000 new tokens of prompts of which three quarters are cached: 3,000 read, 1,000 written
    work = prefill_work(setup(LLAMA, Layout(tensor=4.0)), 1000.0, 8000.0, 0.75)
    assert work.cache_bytes == pytest.approx(4000 * 2 * 8 * 128 * 80 / 4)
    # and each new token meets 6,000 cached ones and half of the 2,000 new; edges cost as much as 450 more
    assert work.attention_flop == pytest.approx(1000 * 4 * 128 * 64 * 80 * (7000 + 450) / 4)


@pytest.mark.closed_form
def test_expert_weights_read_are_those_touched():
    free = replace(IDEAL, **dict.fromkeys(PARTS, Rate(peak=np.inf, share=1.0, operand_bytes=1.0)))

    def read(sequences, layout):
        """Return the bytes that products and the operations between them move, per accelerator."""
        what = setup(DEEPSEEK, layout, free)
        return float(products_time(what, sequences, sequences)) * 3e12

    # alone: attention, routers, dense and shared MLPs, head, and 8 of 256 experts
    assert read(1.0, Layout()) == pytest.approx(float(touched_weight_bytes(DEEPSEEK, 1.0, 1.0)), rel=2e-3)
    # spread over 64 ranks with one sequence each: a 64th of what 64 tokens touch
    touched = count_parameters(DEEPSEEK).routed_experts * (1 - (1 - 8 / 256) ** 64) / 64
    steady = float(touched_weight_bytes(DEEPSEEK, 0.0, 1.0))
    assert read(1.0, Layout(expert=64.0)) == pytest.approx(steady + touched, rel=4e-3)


@pytest.mark.closed_form
def test_a_pass_is_its_blocks_and_its_attention():
    what = setup(GPT_OSS, Layout(tensor=2.0))
    work = decode_work(what, 32.0, 2000.0, 1.0)
    times = [block_time(REAL, block, 32.0, 32.0, ONE_BYTE) for block in blocks(GPT_OSS, 32.0, 2.0, 1.0)]
    scores = work.attention_flop / (1e15 * 0.6)
    core = together(scores, work.cache_bytes / (3e12 * 0.8))
    talk = stage_communication_time(what, 32.0)
    assert stage_time(what, work) == pytest.approx(sum(times) + core + talk)
    assert attention_time(what, work) == pytest.approx(core)


@pytest.mark.closed_form
def test_a_state_is_read_and_written_by_every_token_beside_the_cache_that_grows():
    """Three sequences of 100 tokens, two new ones each, over two accelerators; one byte an element.

    Of 60 layers of Qwen3.5-397B-A17B 15 hold a key and a value of 2 heads of 256 a token; the state is the catalog's.
    """
    state = float(state_bytes(shape("Qwen3.5-397B-A17B"), ONE_BYTE))
    work = decode_work(setup(shape("Qwen3.5-397B-A17B"), Layout(tensor=2.0)), 3.0, 100.0, 2.0)
    grows = (3 * 100 + 3 * 2) * 15 * 2 * 2 * 256
    assert float(work.cache_bytes) == pytest.approx(grows / 2 + 2 * 3 * 2 * state / 2)


@pytest.mark.closed_form
def test_cache_is_split_by_heads_and_a_latent_is_not():
    layout = Layout(tensor=np.array([1.0, 4.0, 8.0, 16.0]))
    assert cache_shards(LLAMA, layout).tolist() == [1.0, 4.0, 8.0, 8.0]
    assert cache_shards(DEEPSEEK, layout) == 1.0


@pytest.mark.closed_form
def test_where_layers_cache_differently_each_element_is_split_as_far_as_its_layer_allows():
    """Three layers of 2·8·16 elements in eight parts and one of 2·2·16 in two, over four accelerators: 832 over 224."""
    wide, narrow = (
        Group(layers=layers, mixer=Attention(heads=8, kv_heads=heads, head_dim=16), feed_forward=Dense(d_ff=256))
        for layers, heads in ((3, 8), (1, 2))
    )
    mixed = Shape(name="mixed", d_model=128, vocabulary=1000, groups=(wide, narrow))
    assert cache_shards(mixed, Layout(tensor=4.0)) == pytest.approx(832 / (768 / 4 + 64 / 2), rel=1e-15)
    assert cache_shards(mixed, Layout(tensor=1.0)) == 1.0
    without = Shape(name="none", d_model=128, vocabulary=1000, groups=(Group(layers=1, feed_forward=Dense(d_ff=256)),))
    assert cache_shards(without, Layout(tensor=4.0)) == 4.0  # nothing stands in the way


@pytest.mark.closed_form
def test_stages_in_two_domains_send_over_the_network():
    """Llama-3-70B: 8,192 elements of two bytes a token, split over the group; a domain holds eight."""
    inside = setup(LLAMA, Layout(tensor=4.0, pipeline=2.0))
    assert stage_send_time(inside, 64.0) == pytest.approx(64 * 8192 * 2 / 4 / (400e9 * 0.8) + 7e-6, rel=1e-12)
    beyond = setup(LLAMA, Layout(tensor=8.0, pipeline=2.0))
    assert stage_send_time(beyond, 64.0) == pytest.approx(64 * 8192 * 2 / 8 / (50e9 * 0.8) + 5e-6 + 7e-6, rel=1e-12)
    assert stage_send_time(setup(LLAMA, Layout(tensor=16.0)), 64.0) == 0.0  # one stage


@pytest.mark.closed_form
def test_two_stages_halve_the_reads_of_each_and_take_turns():
    one = decode_step_time(setup(LLAMA, Layout(), IDEAL), 1.0, 1000.0)
    layout = Layout(pipeline=2.0)
    send = stage_send_time(setup(LLAMA, layout, IDEAL), 1.0)
    two = decode_step_time(setup(LLAMA, layout, IDEAL), 1.0, 1000.0)
    assert send == pytest.approx(8192 * 2 / 400e9)
    assert two == pytest.approx(one + 2 * send)


@pytest.mark.closed_form
def test_overlap_hides_the_smaller_of_work_and_talk():
    layout = Layout(tensor=8.0)
    apart, hidden = (
        decode_step_time(setup(LLAMA, replace(layout, overlap=overlap)), 256.0, 1000.0) for overlap in (0.0, 1.0)
    )
    what = setup(LLAMA, layout)
    work = products_time(what, 256.0, 256.0) + attention_time(what, decode_work(what, 256.0, 1000.0, 1.0))
    talk = stage_communication_time(what, 256.0)
    assert apart == pytest.approx(work + talk)
    assert hidden == pytest.approx(max(work, talk))


@pytest.mark.closed_form
def test_blocks_side_by_side_reduce_once():
    layout = Layout(tensor=8.0)
    once, twice = (
        stage_communication_time(setup(replace(PALM, parallel_blocks=flag), layout), 64.0) for flag in (True, False)
    )
    assert twice == pytest.approx(2 * once)
    # 2.36 MB among 8, low-latency at half of 320 GB/s, or its 128-byte form at 0.95 of it
    size = 64 * 18432 * 2.0
    slow, fast = 6.8e-6 + 14 * 0.6e-6 + 1.75 * size / 160e9, 14e-6 + 14 * 1.25e-6 + 1.75 * size / 304e9
    assert once == pytest.approx(118 * min(slow, fast))


@pytest.mark.closed_form
def test_experts_over_the_ranks_of_one_attention_group_are_summed_like_an_mlp():
    # every rank has every token: no dispatch, one all-reduce, as with experts that are split
    spread, split = (stage_communication_time(setup(DEEPSEEK, Layout(tensor=8.0, expert=e)), 64.0) for e in (8.0, 1.0))
    assert spread == pytest.approx(split)
    # over attention groups of their own, tokens are sent: in 8 bits there, in 16 back, 7 µs of start each
    groups = stage_communication_time(setup(DEEPSEEK, Layout(expert=8.0)), 64.0)
    sent = 64 * 8 * 7168 * (1 + 2) * 7 / 8 / (0.8 * 400e9)
    assert groups == pytest.approx(58 * (sent + 2 * 7e-6))


@pytest.mark.closed_form
def test_a_square_reduces_inner_widths_over_its_sides():
    layout = Layout(tensor=64.0, dimensions=2.0)
    torus = replace(REAL, scale_up_domain=4096.0)
    time = stage_communication_time(setup(LLAMA, layout, torus), 32.0)
    widths = ((64 + 16) * 128, 8192, 2 * 28672, 8192)
    reduces = [torus.all_reduce(32 * w * 2.0 / 8, 8.0) for w in widths]
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
    steps = decode_step_time(setup(shape, layout), batch, contexts)
    assert np.all(np.diff(steps) >= 0)
    traffic = Traffic(mean_input=contexts, mean_output=1.0)
    assert np.all(np.diff(prefill_time_per_token(setup(shape, layout), traffic)) >= 0)
    assert np.all(np.diff(prefill_latency(setup(shape, layout), traffic)) >= -1e-15)
    batches = np.geomspace(1.0, 1e4, 25)
    assert np.all(np.diff(decode_step_time(setup(shape, layout), batches, 1000.0)) >= 0)


@pytest.mark.law
@given(shape=SHAPES, layout=LAYOUTS, batch=st.floats(1.0, 4096.0), context=st.floats(0.0, 1e5))
def test_no_step_beats_the_roofline(shape, layout, batch, context):
    step = decode_step_time(setup(shape, layout), batch, context)
    accelerators = float(layout.accelerators)
    attention = decode_flop_per_token(shape, context) - 2 * matmul_parameters(shape)
    flop = batch * (2 * matmul_parameters(shape) / 2e15 + attention / 1e15)
    moved = batch * cache_bytes(shape, context, 1.0) + count_parameters(shape).always_active * 0.99
    assert step >= flop / accelerators * (1 - 1e-12)
    assert step >= moved / (accelerators * 3e12) * (1 - 1e-12)


FASTER = [{part: replace(getattr(REAL, part), peak=2 * 2e15)} for part in PARTS] + [
    {name: 2 * getattr(REAL, name)}
    for name in ("scores_peak", "bandwidth", "scale_up_bandwidth", "scale_out_bandwidth")
]


@pytest.mark.law
@pytest.mark.parametrize("better", FASTER, ids=lambda change: next(iter(change)))
def test_a_better_chip_is_never_slower(better):
    for model, layout in ((LLAMA, Layout(tensor=8.0)), (DEEPSEEK, Layout(expert=32.0))):
        batch, context = np.geomspace(1.0, 1e4, 9)[:, None], np.geomspace(1.0, 1e5, 9)
        before = decode_step_time(setup(model, layout), batch, context)
        after = decode_step_time(setup(model, layout, replace(REAL, **better)), batch, context)
        assert np.all(after <= before * (1 + 1e-12))


@pytest.mark.closed_form
def test_an_engine_stretches_the_step_and_adds_its_host():
    layout = Layout(expert=32.0)
    plain = decode_step_time(setup(DEEPSEEK, layout), 640.0, 4e3)
    slow = decode_step_time(setup(DEEPSEEK, layout, engine=Engine(decode_factor=1.7, host_time=2e-3)), 640.0, 4e3)
    assert slow == pytest.approx(1.7 * plain + 2e-3)
    traffic = Traffic(mean_input=2000.0, mean_output=100.0)
    engine = Engine(prefill_factor=1.2, launch_time=1e-4)
    # norm, attention in three, positions and two products; norm, activation and two products; the head in three
    kernels = 80 * (7 + 4) + 3
    per_token, first = prefill_time_per_token(setup(LLAMA), traffic), prefill_latency(setup(LLAMA), traffic)
    assert prefill_time_per_token(setup(LLAMA, engine=engine), traffic) == pytest.approx(1.2 * per_token)
    assert prefill_latency(setup(LLAMA, engine=engine), traffic) == pytest.approx(1.2 * first + kernels * 1e-4)
