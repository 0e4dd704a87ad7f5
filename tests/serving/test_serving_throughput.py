"""Continuous batching at steady state: rates, modes, reasons, blocks and targets."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.compute import cache_bytes, count_parameters, decode_flop_per_token, forward_flop_per_token, shape
from costmodel.compute.precision import by_part
from costmodel.compute.roofline import product_time
from costmodel.foundation.errors import DomainError
from costmodel.serving import (
    REASONS,
    Configuration,
    Draft,
    Engine,
    Layout,
    Serving,
    Traffic,
    best_configurations,
    decode_step_time,
    expected_tokens_per_pass,
    largest_batch,
    machine_of,
    pareto_front,
    prefill_latency,
    prefill_time_per_token,
    queue_wait,
    sequences_that_fit,
    serve,
    serve_within,
    weight_bytes_per_accelerator,
)
from costmodel.serving.throughput import BAD_LAYOUT, CACHES, NO_LINKS, NO_PEAK, TARGETS, WEIGHTS

LLAMA, DEEPSEEK = shape("Llama-3-70B"), shape("DeepSeek-V3")
H100, H200 = machine_of("H100-SXM"), machine_of("H200-SXM")
ENGINE = Engine(prefill_factor=1.5, decode_factor=1.5, host_time=5e-4)
FP8 = replace(by_part(1.0), activation=2.0, dispatch=1.0)
CHAT = Traffic(mean_input=2000.0, mean_output=400.0, variation_input=0.5, variation_output=0.8)
FOUR = Layout(tensor=4.0)
WHAT = Configuration(shape=LLAMA, machine=H100, engine=ENGINE, layout=FOUR, precision=FP8)


@pytest.mark.closed_form
def test_interleaved_rates_add_up_the_time_of_both_phases():
    batch = 32.0
    served = serve(WHAT, CHAT, batch)
    # context over steps: m_in + m_out (1 + v²) / 2
    step = decode_step_time(WHAT, batch, 2000 + 400 * (1 + 0.8**2) / 2)
    prompt = prefill_time_per_token(WHAT, CHAT) * 2000
    per_request = prompt + 399 * step / batch
    assert served.step_time == pytest.approx(step)
    assert served.requests_per_second == pytest.approx(1 / per_request / 4)
    assert served.tokens_per_second == pytest.approx(2400 / per_request / 4)
    assert served.prefill_share == pytest.approx(prompt / per_request)
    # between the 400 tokens of an answer: 399 steps, and the prompts of the 31 others
    assert served.time_per_output_token == pytest.approx((399 * step + 31 * prompt) / 399)
    assert served.user_speed == pytest.approx(1 / served.time_per_output_token)
    assert served.time_to_first_token == pytest.approx(prefill_latency(WHAT, CHAT) + step)
    seconds = 2000 * served.input_seconds + 400 * served.output_seconds
    assert seconds == pytest.approx(1 / served.requests_per_second)


@pytest.mark.closed_form
def test_a_scheduler_that_holds_requests_adds_its_steps_to_the_first_token():
    held = replace(WHAT, engine=replace(ENGINE, held_steps=20.0))
    for mode in ("interleaved", "chunked"):
        slow, plain = serve(held, CHAT, 32.0, mode=mode), serve(WHAT, CHAT, 32.0, mode=mode)
        assert slow.time_to_first_token - plain.time_to_first_token == pytest.approx(20 * plain.step_time)
        assert slow.time_per_output_token == plain.time_per_output_token


@pytest.mark.closed_form
def test_disaggregated_adds_accelerators_and_frees_decode_of_interruptions():
    batch, reading = 32.0, Layout(tensor=2.0)
    served = serve(WHAT, CHAT, batch, mode="disaggregated", prefill_layout=reading)
    prompt = prefill_time_per_token(replace(WHAT, layout=reading), CHAT) * 2000 * 2
    answer = 399 * served.step_time / batch * 4
    assert served.requests_per_second == pytest.approx(1 / (prompt + answer))
    assert served.time_per_output_token == pytest.approx(served.step_time)
    transfer = cache_bytes(LLAMA, 2000.0, 1.0) / (50e9 * 0.86 * 2) + 5e-6
    first = prefill_latency(replace(WHAT, layout=reading), CHAT) + transfer + served.step_time
    assert served.time_to_first_token == pytest.approx(first)
    assert served.time_per_output_token < serve(WHAT, CHAT, batch).time_per_output_token


@pytest.mark.law
def test_chunked_steps_share_a_read_of_the_weights():
    batch = np.array([4.0, 16.0, 64.0])
    chunked, apart = serve(WHAT, CHAT, batch, mode="chunked"), serve(WHAT, CHAT, batch)
    # the same work less one read of the weights per prompt chunk; small parts of prompts lose tiles, under a percent
    assert np.all(chunked.requests_per_second >= apart.requests_per_second * 0.99)
    assert np.all(chunked.requests_per_second[:2] > apart.requests_per_second[:2])
    assert np.all(chunked.step_time > apart.step_time)
    # a prompt heavier than a chunk per pass starves the batch instead of growing without bound
    long = replace(CHAT, mean_input=5e4, mean_output=20.0, chunk=2048.0)
    served = serve(replace(WHAT, layout=Layout(tensor=8.0)), long, 20.0, mode="chunked")
    assert served.batch == pytest.approx(2048 / (5e4 / 19))


@pytest.mark.closed_form
def test_speculation_divides_the_passes_and_pays_for_the_draft():
    draft = replace(CHAT, draft=Draft(tokens=3.0, acceptance=0.7, cost=0.05))
    served, plain = serve(WHAT, draft, 4.0), serve(WHAT, CHAT, 4.0)
    context = 2000 + 400 * 1.64 / 2
    check = decode_step_time(WHAT, 4.0, context, 4.0)
    assert served.step_time == pytest.approx(check + 3 * 0.05 * plain.step_time)
    ratio = expected_tokens_per_pass(0.7, 3.0) * plain.step_time / served.step_time
    assert served.output_seconds == pytest.approx(plain.output_seconds / ratio)
    assert served.user_speed > plain.user_speed


@pytest.mark.closed_form
def test_a_cached_prefix_saves_its_products_and_costs_its_attention():
    half = replace(CHAT, cached_share=0.5)
    served, plain = serve(WHAT, half, 16.0), serve(WHAT, CHAT, 16.0)
    assert served.requests_per_second > plain.requests_per_second
    assert 0 < served.cached_seconds < 0.2 * served.input_seconds
    parts = 1000 * served.input_seconds + 1000 * served.cached_seconds + 400 * served.output_seconds
    assert parts == pytest.approx(1 / served.requests_per_second)
    assert plain.cached_seconds == 0.0


@pytest.mark.contract
def test_every_infeasible_point_says_why():
    slow, alone = replace(H100, dense=replace(H100.dense, peak=np.nan)), replace(H100, scale_out_bandwidth=np.nan)
    known = {
        NO_PEAK: (replace(WHAT, machine=slow), 1.0),
        BAD_LAYOUT: (replace(WHAT, layout=Layout(tensor=3.0)), 1.0),
        NO_LINKS: (replace(WHAT, machine=alone, layout=Layout(tensor=16.0)), 1.0),
        WEIGHTS: (replace(WHAT, shape=DEEPSEEK), 1.0),
        CACHES: (WHAT, 1e6),
    }
    for code, (what, batch) in known.items():
        served = serve(what, CHAT, batch)
        assert served.infeasible == code
        assert served.reasons == REASONS[code]
        assert np.isnan(served.tokens_per_second)
        assert np.isnan(served.time_per_output_token)
    assert serve(WHAT, CHAT, 1.0).reasons == ""
    assert serve(WHAT, CHAT, 0.5).infeasible == BAD_LAYOUT
    assert serve(replace(WHAT, shape=DEEPSEEK, layout=Layout(expert=512.0)), CHAT, 512.0).infeasible == BAD_LAYOUT


@pytest.mark.contract
def test_a_wrong_mode_or_a_layout_without_use_is_refused():
    with pytest.raises(DomainError, match=r"mode = 'chunk': allowed are .*did you mean 'chunked'"):
        serve(WHAT, CHAT, 1.0, mode="chunk")
    with pytest.raises(DomainError, match="prefill_layout"):
        serve(WHAT, CHAT, 1.0, prefill_layout=FOUR)


@pytest.mark.law
@pytest.mark.parametrize("mode", ["interleaved", "chunked", "disaggregated"])
def test_a_grid_equals_its_points_whatever_the_block(mode, monkeypatch):
    layout = Layout(tensor=np.array([1.0, 2.0, 4.0, 8.0])[:, None, None])
    traffic = replace(CHAT, mean_input=np.array([500.0, 2000.0, 8000.0])[:, None], cached_share=0.3)
    batch = np.arange(1.0, 8.0)
    what = replace(WHAT, machine=H200, layout=layout)
    grid = serve(what, traffic, batch, mode=mode)
    monkeypatch.setattr("costmodel.serving.throughput.BLOCK", 5)
    monkeypatch.setattr("costmodel.serving.blocks.BLOCK", 5)
    cut = serve(what, traffic, batch, mode=mode)
    for name in Serving.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(grid, name), getattr(cut, name))
        assert np.shape(getattr(cut, name)) == (4, 3, 7)
    one = replace(what, layout=Layout(tensor=2.0))
    alone = serve(one, replace(CHAT, mean_input=2000.0, cached_share=0.3), 5.0, mode=mode)
    assert alone.tokens_per_second == grid.tokens_per_second[1, 1, 4]


@pytest.mark.closed_form
def test_only_grids_above_a_block_are_cut(monkeypatch):
    module = import_module("costmodel.serving.throughput")
    sizes, whole = [], module._whole

    def sized(mode, numbers):
        sizes.append(np.size(numbers[2]))
        return whole(mode, numbers)

    monkeypatch.setattr(module, "_whole", sized)
    monkeypatch.setattr(module, "BLOCK", 5)
    monkeypatch.setattr("costmodel.serving.blocks.BLOCK", 5)
    for count, parts in ((1, [1]), (5, [5]), (6, [5, 1]), (11, [5, 5, 1])):
        sizes.clear()
        serve(WHAT, CHAT, np.arange(1.0, count + 1.0))
        assert sizes == parts


@pytest.mark.law
@pytest.mark.parametrize(("mode", "products"), [("interleaved", 8), ("chunked", 20), ("disaggregated", 8)])
def test_a_grid_written_out_in_full_is_served_like_its_axes(mode, products, monkeypatch):
    """Results are equal to the bit, and no product is computed on more points than differ for it."""
    batch = np.arange(1.0, 65.0)
    axes = {
        "layout": replace(FOUR, tensor=np.array([1.0, 2.0, 4.0, 8.0])[:, None, None, None]),
        "machine": replace(H200, bandwidth=H200.bandwidth * np.array([0.5, 1.0])[:, None, None]),
        "traffic": replace(CHAT, mean_input=np.geomspace(100.0, 9e3, 80)[:, None], cached_share=0.3),
    }
    grid = serve(replace(WHAT, layout=axes["layout"], machine=axes["machine"]), axes["traffic"], batch, mode=mode)

    def spread(array):
        return np.broadcast_to(array, (4, 2, 80, 64)).ravel()

    layout = replace(FOUR, tensor=spread(axes["layout"].tensor))
    machine = replace(H200, bandwidth=spread(axes["machine"].bandwidth))
    traffic = replace(CHAT, mean_input=spread(axes["traffic"].mean_input), cached_share=spread(np.array(0.3)))
    dense = (replace(WHAT, layout=layout, machine=machine), traffic, spread(batch))
    seen = []

    def sized(*given):
        seen.append(np.broadcast(*(item for item in given if np.ndim(item))).size if any(map(np.ndim, given)) else 1)
        return product_time(*given)

    monkeypatch.setattr(import_module("costmodel.compute.machine"), "product_time", sized)
    whole = serve(*dense, mode=mode)
    for name in Serving.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(whole, name), getattr(grid, name).ravel(), err_msg=name)
    assert sum(seen) < products * 4 * 2 * 80 * 64  # a point has 30 to 60 products; most depend on few of the axes
    pairs = (replace(WHAT, layout=layout, machine=machine), traffic, np.stack([dense[2], dense[2]]))
    twice = serve(*pairs, mode=mode)
    np.testing.assert_array_equal(twice.step_time, np.stack([whole.step_time, whole.step_time]))
    assert twice.step_time.flags.writeable
    assert whole.step_time.flags.writeable


@pytest.mark.law
@given(
    name=st.sampled_from(["Llama-3-70B", "DeepSeek-V3", "gpt-oss-120b"]),
    length=st.floats(100.0, 2e4),
    answer=st.floats(10.0, 4e3),
    mode=st.sampled_from(["interleaved", "chunked", "disaggregated"]),
)
def test_cost_falls_with_batch_until_memory_binds(name, length, answer, mode):
    what = replace(WHAT, shape=shape(name), machine=replace(H200, memory=400e9), layout=Layout(tensor=8.0))
    traffic = Traffic(mean_input=length, mean_output=answer, variation_output=1.0)
    most = float(largest_batch(what, traffic))
    batch = np.unique(np.floor(np.geomspace(1.0, 2 * most, 40)))
    served = serve(what, traffic, batch, mode=mode)
    fits = batch <= most
    assert np.all(np.isfinite(served.tokens_per_second) == fits)
    rates = served.tokens_per_second[fits]
    assert np.all(np.diff(rates) >= -1e-9 * rates[1:])
    # without a faster rate per user
    assert np.all(np.diff(served.user_speed[fits]) <= 1e-9)


@pytest.mark.law
@given(batch=st.floats(1.0, 400.0), length=st.floats(100.0, 1e4), mode=st.sampled_from(["interleaved", "chunked"]))
def test_throughput_stays_below_the_roofline(batch, length, mode):
    chip, ideal = replace(H200, memory=1e13), Engine()
    traffic = Traffic(mean_input=length, mean_output=length / 4)
    served = serve(replace(WHAT, machine=chip, engine=ideal), traffic, batch, mode=mode)
    counts = count_parameters(LLAMA)
    prompt = forward_flop_per_token(LLAMA, length) - 2 * counts.output_embedding
    flop = length * prompt + (length / 4 - 1) * decode_flop_per_token(LLAMA, 0.0)
    assert served.requests_per_second * flop <= chip.dense.peak
    reads = (length / 4 - 1) / batch * counts.always_active
    assert served.requests_per_second * reads <= chip.bandwidth


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.memory:sequences_that_fit")
def test_sequences_that_fit_leave_their_margin():
    for free, mean, deviation, margin in ((1e11, 3e8, 1e8, 2.0), (5e9, 1e9, 9e8, 1.0), (0.0, 1.0, 1.0, 1.0)):
        n = sequences_that_fit(free, mean, deviation, margin)
        assert n * mean + margin * deviation * np.sqrt(n) == pytest.approx(free)


@pytest.mark.closed_form
def test_largest_batch_counts_weights_and_contexts():
    still = Traffic(mean_input=1000.0, mean_output=1e-9)
    weights = count_parameters(LLAMA).total / 4
    assert weight_bytes_per_accelerator(WHAT) == pytest.approx(weights)
    cache = 1000 * 2 * 8 * 128 * 80 / 4
    expected = np.floor((0.9 * H100.memory - weights) / cache)
    assert largest_batch(WHAT, still) == expected
    assert largest_batch(replace(WHAT, shape=DEEPSEEK), still) == 0.0
    # a wider spread of lengths leaves room for fewer
    assert largest_batch(WHAT, CHAT) < largest_batch(WHAT, replace(CHAT, variation_input=0.0, variation_output=0.0))


@pytest.mark.closed_form
def test_targets_find_the_batch_that_trying_all_finds():
    layout = Layout(tensor=np.array([2.0, 4.0, 8.0]))
    limit, what = 0.03, replace(WHAT, layout=layout)
    found = serve_within(what, CHAT, max_time_per_output_token=limit, max_time_to_first_token=0.4)
    most = largest_batch(what, CHAT)
    for index in range(3):
        one = replace(WHAT, layout=Layout(tensor=layout.tensor[index]))
        every = serve(one, CHAT, np.arange(1.0, most[index] + 1))
        keeps = (every.time_per_output_token <= limit) & (every.time_to_first_token <= 0.4)
        if keeps.any():
            assert found.batch[index] == np.flatnonzero(keeps).max() + 1
        else:
            assert found.infeasible[index] == TARGETS
            assert np.isnan(found.batch[index])
    free = serve_within(what, CHAT)
    assert free.batch.tolist() == most.tolist()
    assert serve_within(what, CHAT, largest=7.0).batch.tolist() == [7.0, 7.0, 7.0]
    hopeless = serve_within(WHAT, CHAT, max_time_per_output_token=1e-6)
    assert hopeless.reasons == REASONS[TARGETS]
    overflowing = replace(CHAT, variation_output=np.array([CHAT.variation_output, 1e154]))
    mixed = serve_within(WHAT, overflowing, max_time_per_output_token=limit)
    alone = serve_within(WHAT, CHAT, max_time_per_output_token=limit)
    assert mixed.batch[0] == alone.batch and np.isnan(mixed.batch[1])


@pytest.mark.closed_form
def test_a_search_serves_no_more_often_than_it_must(monkeypatch):
    """Once where the largest batch keeps the targets; of 7, at most 4 halvings between the first two and the last."""
    seen = []

    def counted(what, traffic, batch, **options):
        seen.append(float(batch))
        return serve(what, traffic, batch, **options)

    monkeypatch.setattr("costmodel.serving.targets.serve", counted)
    serve_within(WHAT, CHAT, largest=7.0, max_time_per_output_token=1.0)
    assert seen == [7.0]
    seen.clear()
    serve_within(WHAT, CHAT, largest=7.0, max_time_per_output_token=1e-6)
    assert seen == [7.0, 1.0, 4.0, 2.0, 1.0, 1.0, 1.0]


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.targets:queue_wait")
def test_wait_of_one_server():
    # exponential service: rho / (mu - lambda); constant service: half of it
    assert queue_wait(0.8, 1.0, 1.0) == pytest.approx(0.8 / (1 - 0.8))
    assert queue_wait(0.8, 1.0, 0.0) == pytest.approx(0.5 * 0.8 / (1 - 0.8))


@pytest.mark.peer
def test_front_is_what_pairwise_comparison_leaves():
    rng = np.random.default_rng(3)
    speed, cost = rng.integers(0, 20, 200) + 0.0, rng.integers(0, 20, 200) + 0.0
    speed[::17] = np.nan
    front = pareto_front(speed, cost)
    valid = np.flatnonzero(np.isfinite(speed))
    kept = {
        (speed[i], cost[i])
        for i in valid
        if not any(
            speed[j] >= speed[i] and cost[j] <= cost[i] and (speed[j], cost[j]) != (speed[i], cost[i]) for j in valid
        )
    }
    assert {(speed[i], cost[i]) for i in front} == kept
    assert len(front) == len(kept)
    assert np.all(np.diff(speed[front]) > 0)
    assert np.all(np.diff(cost[front]) > 0)


@pytest.mark.contract
def test_an_empty_front_and_unequal_shapes():
    assert pareto_front([np.nan], [1.0]).size == 0
    with pytest.raises(DomainError, match="shape"):
        pareto_front([1.0, 2.0], [1.0])


@pytest.mark.closed_form
def test_a_chunked_step_is_paid_as_its_two_phases_would_be_alone():
    # a prompt fifty times an answer costs most of what a request costs, an answer fifty times a prompt the least
    for lengths, most in (((5000.0, 100.0), "input"), ((100.0, 5000.0), "output")):
        traffic = Traffic(mean_input=lengths[0], mean_output=lengths[1])
        served = serve(WHAT, traffic, 8.0, mode="chunked")
        reading = prefill_time_per_token(WHAT, traffic) * lengths[0]
        answering = (lengths[1] - 1) * decode_step_time(WHAT, 8.0, lengths[0] + lengths[1] / 2) / 8
        paid = {"input": lengths[0] * served.input_seconds, "output": lengths[1] * served.output_seconds}
        assert paid["input"] / paid["output"] == pytest.approx(reading / answering)
        assert max(paid, key=paid.get) == most


@pytest.mark.closed_form
def test_a_chunked_step_works_on_a_part_of_the_batch():
    """Two parts of 16 take twice a batch of 16 one after the other, beside the host's time, which comes once."""
    whole = serve(WHAT, CHAT, 16.0, mode="chunked").step_time
    twice = serve(replace(WHAT, layout=replace(FOUR, micro_batches=2.0)), CHAT, 32.0, mode="chunked").step_time
    assert twice - ENGINE.host_time == pytest.approx(2.0 * (whole - ENGINE.host_time))


@pytest.mark.closed_form
def test_answers_of_one_token_take_the_steps_that_read_their_prompts():
    """A step reads a chunk of 8,192 prompt tokens; nothing is decoded after the token that comes with the prompt."""
    traffic = replace(CHAT, mean_output=1.0, variation_output=0.0)
    served = serve(WHAT, traffic, 8.0, mode="chunked")
    assert served.requests_per_second * 4 * 2000 == pytest.approx(8192 / served.step_time)
    assert served.prefill_share == 1.0 and served.output_seconds == 0.0
    assert served.requests_per_second == pytest.approx(serve(WHAT, traffic, 8.0).requests_per_second, rel=0.03)
    nearly = serve(WHAT, replace(traffic, mean_output=1.0 + 1e-6), 8.0, mode="chunked")
    assert nearly.requests_per_second == pytest.approx(served.requests_per_second, rel=1e-5)


@pytest.mark.closed_form
def test_a_single_sequence_that_just_fits_is_served():
    for length, most in ((5e5, 1.0), (4e5, 2.0)):
        traffic = replace(CHAT, mean_input=length)
        assert largest_batch(WHAT, traffic) == most
        assert serve(WHAT, traffic, 1.0).infeasible == 0
        assert serve(WHAT, traffic, most + 1.0).infeasible == CACHES


@pytest.mark.closed_form
def test_prompts_of_varied_length_meet_longer_attention_with_a_prefix_cache_too():
    # E[I²]/E[I] = I (1 + v²): with v = 1 a token meets twice the length, cached and new alike
    varied = Traffic(mean_input=8000.0, mean_output=1.0, variation_input=1.0, cached_share=0.75)
    even = replace(varied, mean_input=16000.0, variation_input=0.0)
    assert prefill_time_per_token(WHAT, varied) == pytest.approx(prefill_time_per_token(WHAT, even))
    assert prefill_time_per_token(WHAT, varied) > prefill_time_per_token(WHAT, replace(varied, variation_input=0.0))
    # and so does the charge for the cached part
    plain, spread = (serve(WHAT, replace(varied, variation_input=v), 4.0) for v in (0.0, 1.0))
    assert spread.cached_seconds > 1.5 * plain.cached_seconds
    # a new token is charged as in equally varied prompts without a prefix
    without = replace(varied, mean_input=0.25 * 8000.0, cached_share=0.0)
    assert spread.input_seconds == pytest.approx(4.0 * prefill_time_per_token(WHAT, without), rel=1e-12)
    assert spread.input_seconds > 1.001 * 4.0 * prefill_time_per_token(WHAT, replace(without, variation_input=0.0))


@pytest.mark.closed_form
def test_the_best_configurations_are_the_front_of_all_of_them():
    layouts = [Layout(tensor=float(size)) for size in (2, 4, 8)]
    batch = np.arange(1.0, 65.0)
    front = best_configurations(WHAT, layouts, CHAT, batch, 2.0, 0.8)
    assert np.all(np.diff(front.user_speed) > 0)
    assert np.all(np.diff(front.cost) > 0)
    for index in (0, len(front.batch) // 2, -1):
        alone = serve(replace(WHAT, layout=layouts[front.layout[index]]), CHAT, front.batch[index])
        assert alone.user_speed == front.user_speed[index]
        assert front.cost[index] == pytest.approx(2.0 / (3600 * 0.8 * alone.tokens_per_second))
    with pytest.raises(DomainError, match="layouts"):
        best_configurations(WHAT, [], CHAT, batch, 2.0)


@pytest.mark.law
@given(
    name=st.sampled_from(["Llama-3-70B", "DeepSeek-V3", "gpt-oss-120b"]),
    mode=st.sampled_from(["interleaved", "chunked", "disaggregated"]),
    batch=st.floats(1.0, 256.0),
    cached=st.floats(0.0, 0.9),
)
def test_no_latency_of_a_user_falls_with_context(name, mode, batch, cached):
    what = replace(WHAT, shape=shape(name), machine=replace(H200, memory=1e14), layout=Layout(tensor=8.0))
    lengths = np.geomspace(64.0, 2e5, 30)
    served = serve(what, Traffic(mean_input=lengths, mean_output=300.0, cached_share=cached), batch, mode=mode)
    # chunked steps whose prompts starve the batch decode fewer sequences at a time
    full = served.batch >= batch * (1 - 1e-12)
    assert np.all(np.diff(served.time_to_first_token[full]) >= -1e-12)
    assert np.all(np.diff(served.time_per_output_token[full]) >= -1e-12)
    assert np.all(np.diff(served.requests_per_second) <= 1e-12)


@pytest.mark.law
@given(mode=st.sampled_from(["interleaved", "chunked", "disaggregated"]), length=st.floats(500.0, 3e4))
def test_a_better_prefix_cache_never_costs_more(mode, length):
    traffic = Traffic(mean_input=length, mean_output=300.0, cached_share=np.linspace(0.0, 0.95, 20))
    served = serve(replace(WHAT, machine=replace(H200, memory=1e13)), traffic, 32.0, mode=mode)
    assert np.all(np.diff(served.requests_per_second) >= -1e-12)
    assert np.all(np.diff(served.time_to_first_token) <= 1e-12)
