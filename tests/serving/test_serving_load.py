"""Requests in the system: batches, waits and rates of a closed loop."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.serving import (
    Deployment,
    Engine,
    Layout,
    Traffic,
    closed_loop,
    configuration_of,
    decode_step_time,
    deploy,
    largest_batch,
    open_arrivals,
    prefill_latency,
    prefill_time_per_token,
    profile,
    queue_wait,
    serve,
    share_in_step,
)
from costmodel.serving.load import _Queue

WHAT = configuration_of("Llama-3-70B", "H100-SXM", layout=Layout(tensor=4.0), engine=Engine(host_time=1e-3))
CHAT = Traffic(mean_input=2000.0, mean_output=400.0)
SERVICE = float(prefill_time_per_token(WHAT, CHAT)) * 2000


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.load:share_in_step")
def test_share_in_step_is_the_mean_over_waves():
    # mean over [0, 10] of max(1 − 0.4 √k, 0), by sums of a fine grid
    k = (np.arange(200_000) + 0.5) / 20_000
    for spread in (0.1, 0.4, 2.0):
        mean = np.maximum(1 - spread * np.sqrt(k), 0).mean()
        assert float(share_in_step(spread, 10.0)) == pytest.approx(mean, rel=1e-4)
    assert float(share_in_step(0.0, 10.0)) == float(share_in_step(0.0, np.inf)) == 1.0
    assert float(share_in_step(1e-5, 10.0)) == pytest.approx(1.0 - 2.0 / 3.0 * 1e-5 * np.sqrt(10.0), rel=1e-12)


@pytest.mark.closed_form
def test_equal_requests_wait_for_the_prompt_before_theirs_for_ever():
    loop, fixed = closed_loop(WHAT, CHAT, 16.0), serve(WHAT, CHAT, 16.0)
    step = decode_step_time(WHAT, 16.0, 2000 + 200)
    assert loop.time_to_first_token == pytest.approx(prefill_latency(WHAT, CHAT) + step + SERVICE)
    alone = closed_loop(WHAT, CHAT, 1.0)
    step = decode_step_time(WHAT, 1.0, 2000 + 200)
    assert alone.time_to_first_token == pytest.approx(prefill_latency(WHAT, CHAT) + step)
    assert loop.time_per_output_token == fixed.time_per_output_token
    # Little's law: 16 requests in the system for a first token and 399 more
    time = loop.time_to_first_token + 399 * loop.time_per_output_token
    assert loop.requests_per_second == pytest.approx(16 / time / 4)
    assert loop.tokens_per_second == pytest.approx(16 * 2400 / time / 4)
    seconds = 2000 * loop.input_seconds + 400 * loop.output_seconds
    assert seconds == pytest.approx(1 / loop.requests_per_second)


@pytest.mark.closed_form
def test_a_queue_of_five_by_hand():
    """Four others of 2 s each; a pass of 883 kernels and a decode step takes 0.2 s more, and holds all five."""
    what = replace(WHAT, engine=Engine(launch_time=1e-4))
    traffic = replace(CHAT, cached_share=0.5, variation_input=0.5, variation_output=0.5)
    queue = _Queue(what, traffic, 2.0, 5.0, 10.0, 4.0, 0.2 - 0.0883)
    assert queue.others == 4.0
    assert queue.of_first_wave() == pytest.approx(0.5 * 4 * (2 + 0.2 / 5) / 4, rel=1e-12)
    # 8,192 tokens hold 8.192 prompts of 1,000 new ones; a chunk below a prompt holds a part, launched once at least
    nine = replace(queue, requests=9.0)
    assert nine.of_first_wave() == pytest.approx(0.5 * 8 * (2 + 0.2 / 8.192) / 4, rel=1e-12)
    parts = replace(queue, traffic=replace(traffic, chunk=500.0))
    assert parts.of_first_wave() == pytest.approx(0.5 * 4 * (2 + 0.2) / 4, rel=1e-12)
    # answers end over √12 · 5 s, beside 8 s of reading: a third of 1/c² of four waves stays in step
    share = (8.0 / (np.sqrt(12.0) * 5.0)) ** 2 / 3 / 4
    # at 0.2 requests a second, of five each meets four: a load of 0.32, and 0.8 where readers are always busy
    for rate, load in ((0.2, 0.32), (0.7, 0.8)):
        waited = load * 2 * (1 + 0.5**2) / (2 * (1 - load))
        assert queue.later(rate) == pytest.approx(share * 2 + (1 - share) * waited, rel=1e-12)
    equal = replace(queue, traffic=replace(traffic, variation_output=0.0))
    assert equal.later(0.2) == 2.0
    assert replace(equal, requests=1.25).later(0.2) == 0.5  # another one is there a quarter of the time
    assert replace(equal, requests=1.0).later(0.2) == 0.0
    endless = replace(queue, waves=np.inf)
    assert endless.later(0.2) == pytest.approx(0.32 * 2 * 1.25 / (2 * 0.68), rel=1e-8)


@pytest.mark.closed_form
def test_requests_of_varied_lengths_meet_the_queue_of_the_others():
    varied = replace(CHAT, variation_output=0.5)
    loop = closed_loop(WHAT, varied, 16.0)
    first = prefill_latency(WHAT, varied) + loop.step_time
    # before waiting, requests arrive at the rate that 16 in the system allow, and each meets 15 others
    rate = 16 / (first + 399 * loop.time_per_output_token) * 15 / 16
    wait = queue_wait(rate, SERVICE, 0.0)
    assert wait > 0.0
    assert loop.time_to_first_token == pytest.approx(first + wait, rel=1e-4)


@pytest.mark.closed_form
def test_a_run_of_ten_waves_spends_one_of_them_in_a_burst():
    what = replace(WHAT, engine=replace(WHAT.engine, launch_time=1e-4))
    long, short = closed_loop(what, CHAT, 64.0), closed_loop(what, CHAT, 64.0, waves=10.0)
    # in the first wave 63 others are read before or after, four of 2,000 tokens and some to a pass of 8,192, each pass
    # launched (883 kernels) and with a decode step in it
    each = SERVICE + (883 * 1e-4 + long.step_time) / (8192 / 2000)
    assert short.time_to_first_token - long.time_to_first_token == pytest.approx(63 * each / 2 / 10)
    # and half of them no longer interrupt an answer
    assert long.time_per_output_token - short.time_per_output_token == pytest.approx(63 * SERVICE / 2 / 10 / 399)


@pytest.mark.closed_form
def test_requests_beyond_memory_wait_to_be_admitted():
    most = float(largest_batch(WHAT, CHAT, 0.0))
    full, over = closed_loop(WHAT, CHAT, most), closed_loop(WHAT, CHAT, 2.0 * most)
    assert over.batch == most and over.infeasible == 0
    assert over.requests_per_second == pytest.approx(full.requests_per_second)
    waited = most / (full.requests_per_second * 4)
    assert over.time_to_first_token == pytest.approx(full.time_to_first_token + waited)
    assert over.time_per_output_token == full.time_per_output_token


@pytest.mark.closed_form
def test_readers_limit_a_disaggregated_system():
    free = closed_loop(WHAT, CHAT, 32.0, mode="disaggregated", readers=8.0)
    # eight readers serve 8/s requests a second, more than 32 requests of 400 tokens ask
    time = free.time_to_first_token + 399 * free.time_per_output_token
    assert free.requests_per_second * 36 == pytest.approx(32 / time)
    # one reader for four copies that decode is the limit itself, and the queue is before it
    few = closed_loop(WHAT, replace(CHAT, mean_output=200.0), 1024.0, mode="disaggregated", writers=4.0)
    assert few.requests_per_second * 20 == pytest.approx(1 / SERVICE)
    queue = 1024 * SERVICE - 199 * few.time_per_output_token
    assert few.time_to_first_token == pytest.approx(queue)
    # decode starves: far fewer than the 256 that each of four copies could have
    assert 1 < few.batch < 64
    assert few.batch == pytest.approx(199 * few.time_per_output_token / SERVICE / 4, rel=0.02)


@pytest.mark.closed_form
def test_arrivals_fill_the_batch_by_littles_law_and_wait_for_each_other():
    rate = 0.25 / SERVICE  # prompts take a quarter of the time
    found = open_arrivals(WHAT, replace(CHAT, variation_input=0.5), rate)
    varied = replace(CHAT, variation_input=0.5)
    service = float(prefill_time_per_token(WHAT, varied)) * 2000
    busy = rate * service
    step = decode_step_time(WHAT, float(found.batch), 2000 + 200)
    assert found.time_per_output_token == pytest.approx(step / (1 - busy))
    assert found.batch == pytest.approx(rate * 399 * found.time_per_output_token, rel=1e-6)
    wait = queue_wait(rate, service, 0.5)
    assert found.time_to_first_token == pytest.approx(prefill_latency(WHAT, varied) + step + wait)
    assert found.requests_per_second == pytest.approx(rate / 4)
    # all accelerator time is paid, idle or not
    seconds = 2000 * found.input_seconds + 400 * found.output_seconds
    assert seconds == pytest.approx(1 / found.requests_per_second)


@pytest.mark.closed_form
def test_prompts_alone_keep_up_until_they_take_all_of_the_time() -> None:
    """Answers of the one token that comes with the prompt: nothing is decoded, and only the reading can be too much."""
    prompts = Traffic(mean_input=2000.0, mean_output=1.0)
    found = open_arrivals(WHAT, prompts, np.array([0.5, 0.98, 1.02, 3.0]) / SERVICE)
    assert [bool(reason) for reason in found.reasons] == [False, False, True, True]


@pytest.mark.contract
def test_arrivals_that_cannot_be_served_say_so():
    rates = np.array([0.1, 0.99, 1.5]) / SERVICE
    found = open_arrivals(WHAT, CHAT, rates)
    assert found.reasons.tolist() == ["", *["load: more requests arrive than can be served"] * 2]
    assert np.isnan(found.time_per_output_token[1:]).all()
    with pytest.raises(DomainError, match="disaggregated"):
        open_arrivals(WHAT, CHAT, 0.1, mode="disaggregated")


@pytest.mark.contract
def test_a_deployment_says_once_how_many_requests_there_are():
    chat = Deployment(
        name="chat",
        architecture="Llama-3-70B",
        accelerator="H100-SXM",
        layout={"tensor": 4},
        workload={"mean_input": 2000.0, "mean_output": 400.0},
        hour_price=2.0,
    )
    engine = profile().engine()
    loop = deploy(chat.replace({"concurrency": 16.0, "requests": 160.0}).resolve())
    alone = closed_loop(replace(WHAT, engine=engine), CHAT, 16.0, waves=10.0)
    assert loop.time_to_first_token == pytest.approx(alone.time_to_first_token)
    flow = deploy(chat.replace({"arrivals": 2.0}).resolve())
    assert flow.requests_per_second == pytest.approx(2.0 / 4)
    apart = {"mode": "disaggregated", "concurrency": 64.0, "decode_copies": 2.0}
    assert deploy(chat.replace(apart).resolve()).batch < 32.0
    for changes, message in (
        ({"concurrency": 4.0, "arrivals": 1.0}, "concurrency and arrivals: give one"),
        ({"requests": 10.0}, "requests is given without concurrency"),
        ({"concurrency": 4.0, "prefill_copies": 2.0}, "prefill_copies is given: it needs concurrency and the mode"),
        ({"arrivals": 4.0, "mode": "disaggregated"}, "arrivals needs copies that read and decode"),
    ):
        with pytest.raises(CostModelError, match=message):
            chat.replace(changes)
