"""Layouts: candidates, step time, memory and the search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel.compute import Protocol, Shape
from costmodel.compute.machine import Machine, Rate
from costmodel.foundation.errors import DomainError, UnknownParameterError
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import Layouts, _possible, candidate_layouts
from costmodel.training.recipe import Recipe
from costmodel.training.search import evaluate_layouts, search_layouts
from costmodel.training.step import layer_time

PEAK = 989.4e12
RATE = Rate(peak=PEAK, share=1.0)
IDEAL = Machine(
    attention=RATE,
    dense=RATE,
    shared_experts=RATE,
    experts=RATE,
    head=RATE,
    scores_peak=PEAK,
    scores_share=1.0,
    bandwidth=3.35e12,
    memory=80e9,
    memory_share=1.0,
    cache_share=1.0,
    scale_up_bandwidth=450e9,
    scale_up_domain=8.0,
    scale_out_bandwidth=50e9,
    protocols=(Protocol("ideal", 0.0, 0.0, 0.0, 1.0),),
)
PLAIN = Recipe(name="plain", gradient_bytes=4.0, optimizer_traffic=30.0)
LLAMA_8B = Shape(name="8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128, vocabulary=128256, d_ff=14336)
LAYER_8B = [(128 * 48, 4096), (4096, 4096), (2 * 14336, 4096), (4096, 14336)]
"""Columns and inner dimension of the products of one layer."""
ROUTED = Shape(
    name="routed",
    layers=24,
    d_model=2048,
    heads=16,
    kv_heads=4,
    head_dim=128,
    vocabulary=32000,
    experts=32,
    top_k=4,
    d_ff_expert=1024,
)


def _cluster(accelerators: int = 64, **changes: Any) -> Cluster:
    return Cluster(accelerators=accelerators, machine=replace(IDEAL, **changes))


def _job(**entries: Any) -> TrainingJob:
    return TrainingJob(recipe=PLAIN, **entries)


def _one(**changes: float) -> Layouts:
    values = dict.fromkeys(
        ("tensor", "context", "expert", "data", "pipeline", "interleave", "microbatch", "sharding"), 1.0
    )
    values = {**values, "recompute": 0.0, **changes}
    return Layouts(**{name: np.array([value]) for name, value in values.items()})


@pytest.mark.closed_form
def test_one_ideal_accelerator_reaches_its_peak_but_for_what_the_count_leaves_out() -> None:
    """Without limits of memory or links, attention's backward (5 products for 4) is the only work beyond the count."""
    cluster = _cluster(1, bandwidth=1e30, memory=1e15)
    job = _job(shape=LLAMA_8B, sequence=4096, batch=2)
    found = evaluate_layouts(job, cluster, _one(microbatch=2.0))
    attention = 32 * 2 * 32 * (128 + 128) * 2048 * job.tokens  # forward, causal
    norms = 6 * (2 * 32 + 1) * 4096 * job.tokens  # counted as weights, but no matrix product
    sizes = [*LAYER_8B * 32, (128256, 4096)]
    tiles = sum(2 * 32 * columns * (2 * inner + job.tokens) for columns, inner in sizes)  # half a tile of 64 rows each
    expected = (job.flop - norms + 0.5 * attention + tiles) / cluster.peak
    assert found.step_time[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.closed_form
def test_full_recomputation_costs_a_forward_pass_of_the_layers() -> None:
    cluster = _cluster(1, bandwidth=1e30, memory=1e15)
    job = _job(shape=LLAMA_8B, sequence=4096, batch=1)
    kept = evaluate_layouts(job, cluster, _one())
    again = evaluate_layouts(job, cluster, _one(recompute=2.0))
    head = 2 * LLAMA_8B.vocabulary * LLAMA_8B.d_model * job.tokens
    norms = 2 * (2 * 32 + 1) * 4096 * job.tokens
    forward = job.flop / 3 - head - norms + sum(2 * 32 * columns * inner for columns, inner in LAYER_8B * 32)
    assert again.step_time[0] - kept.step_time[0] == pytest.approx(forward / cluster.peak, rel=1e-9)
    assert again.memory[0] < kept.memory[0]


@pytest.mark.closed_form
def test_tensor_parallel_time_is_its_bytes_over_its_link() -> None:
    """Four gathers or scatters forward, two exposed backward, of s·d·2 bytes each, per layer."""
    job = _job(shape=LLAMA_8B, sequence=4096, batch=1)
    slow, quick = 1e9, 1e30
    times = [
        evaluate_layouts(job, _cluster(8, scale_up_bandwidth=link, bandwidth=1e30), _one(tensor=8.0)).work[0]
        for link in (slow, quick)
    ]
    once = 7 / 8 * 4096 * 4096 * 2 / slow
    products = 2 * times[1] / 3  # backward products cover part of the four that run beside them
    assert times[0] - times[1] == pytest.approx(32 * 10 * once, rel=0.02 + products / (32 * 10 * once))


@pytest.mark.closed_form
def test_memory_of_an_unsharded_run_is_eighteen_bytes_a_parameter_and_its_activations() -> None:
    job = _job(shape=LLAMA_8B, sequence=4096, batch=1)
    found = evaluate_layouts(job, _cluster(1), _one(recompute=2.0))
    state = 8030261248 * (2 + 4 + 12)
    inputs = 32 * 4096 * 4096 * 2
    logits = 4096 * 128256 * 6
    assert found.memory[0] == pytest.approx(state + inputs + logits, rel=0.01)


@pytest.mark.closed_form
def test_sharding_divides_state() -> None:
    job = _job(shape=LLAMA_8B, sequence=4096, batch=64)
    memory = [
        float(evaluate_layouts(job, _cluster(64), _one(data=64.0, sharding=stage, recompute=2.0)).memory[0])
        for stage in (1.0, 2.0, 3.0)
    ]
    parameters = 8030261248
    assert memory[0] - memory[1] == pytest.approx(parameters * 4 * 63 / 64, rel=1e-9)
    assert memory[1] - memory[2] == pytest.approx(parameters * 2 * 63 / 64, rel=1e-9)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("given", "possible"),
    [
        ({}, True),
        ({"tensor": 16.0}, True),
        ({"tensor": 3.0}, False),  # sixteen heads
        ({"tensor": 32.0}, False),
        ({"data": 39.0}, True),
        ({"data": 2.5}, False),
        ({"data": 5.0}, False),  # 624 sequences
        ({"microbatch": 624.0}, True),
        ({"microbatch": 1248.0}, False),  # half a microbatch
        ({"pipeline": 26.0}, True),  # 24 layers, embedding and output
        ({"pipeline": 27.0}, False),
        ({"pipeline": 13.0, "interleave": 2.0}, True),
        ({"pipeline": 13.0, "interleave": 3.0}, False),  # 39 chunks
        ({"pipeline": 1.0, "interleave": 2.0}, False),  # nothing to interleave
        ({"pipeline": 5.0, "interleave": 2.0}, False),  # 624 microbatches in rounds of five
        ({"context": 3.0}, True),
        ({"context": 5.0}, False),  # 6,144 tokens
        ({"data": 3.0, "context": 2.0, "expert": 6.0}, True),
        ({"data": 2.0, "context": 3.0, "expert": 8.0}, False),  # six devices
        ({"tensor": 2.0, "data": 3.0, "expert": 6.0}, True),
        ({"tensor": 2.0, "data": 3.0, "expert": 4.0}, False),
        ({"tensor": 4.0, "context": 2.0, "expert": 8.0}, True),
    ],
)
def test_a_layout_divides_heads_batch_layers_tokens_and_experts(given: dict[str, float], possible: bool) -> None:
    job = _job(shape=ROUTED, sequence=6144, batch=624)
    assert _possible(job, _one(**given)).tolist() == [possible]


@pytest.mark.contract
def test_candidates_divide_everything_evenly() -> None:
    job, cluster = _job(shape=LLAMA_8B, sequence=8192, batch=96), _cluster(48)
    layouts = candidate_layouts(job, cluster)
    assert len(layouts) > 50
    assert np.all(layouts.tensor * layouts.context * layouts.data * layouts.pipeline == 48)
    microbatches = 96 / (layouts.data * layouts.microbatch)
    assert np.all(microbatches == np.floor(microbatches))
    assert np.all(LLAMA_8B.heads % layouts.tensor == 0)
    # 32 layers in two stages: all of the interleavings that are tried, up to twelve
    assert np.unique(layouts.interleave[layouts.pipeline == 2]).tolist() == [float(chunks) for chunks in range(1, 13)]
    assert np.all((layouts.interleave == 1) | (microbatches % layouts.pipeline == 0))


@pytest.mark.contract
def test_the_search_returns_feasible_layouts_by_step_time() -> None:
    job = _job(shape=LLAMA_8B, sequence=8192, batch=512)
    found = search_layouts(job, _cluster(64))
    feasible = int(found.fits.sum())
    assert found.fits[:feasible].all()
    assert np.all(np.diff(found.step_time[:feasible]) >= 0)
    assert np.all(found.utilisation <= 1.0)
    assert sum(found.breakdown().values()) == pytest.approx(float(found.step_time[0]), rel=1e-12)
    layer = layer_time(job, _cluster(64), found.layouts.take([0]))
    assert sum(found.layer_breakdown().values()) == pytest.approx(float(layer.forward[0]), rel=1e-12)
    again = search_layouts(job, _cluster(64), {"recompute": 2})
    assert again.hardware_utilisation == pytest.approx(again.utilisation * 4 / 3, rel=1e-12)
    fixed = search_layouts(job, _cluster(64), {"tensor": 8, "pipeline": (2, 4)})
    assert set(fixed.layouts.tensor) == {8.0}
    assert set(fixed.layouts.pipeline) == {2.0, 4.0}
    assert fixed.best_utilisation <= found.best_utilisation


@pytest.mark.contract
def test_many_layouts_at_once_are_each_layout_alone() -> None:
    job = _job(shape=ROUTED, sequence=4096, batch=64)
    layouts = candidate_layouts(job, _cluster(32), {"microbatch": 1})
    together = evaluate_layouts(job, _cluster(32), layouts)
    for index in range(0, len(layouts), max(len(layouts) // 7, 1)):
        alone = evaluate_layouts(job, _cluster(32), layouts.take([index]))
        assert alone.step_time[0] == together.step_time[index]
        assert alone.memory[0] == together.memory[index]


@pytest.mark.closed_form
def test_expert_parallelism_saves_memory_and_costs_traffic() -> None:
    job = _job(shape=ROUTED, sequence=4096, batch=64)
    alone, spread = (
        evaluate_layouts(job, _cluster(32), _one(data=32.0, expert=expert, recompute=2.0)) for expert in (1.0, 32.0)
    )
    experts = 24 * 32 * 3 * 2048 * 1024
    assert alone.memory[0] - spread.memory[0] == pytest.approx(experts * 6 * 31 / 32, rel=1e-6)
    assert spread.work[0] > alone.work[0]


@pytest.mark.closed_form
def test_an_exchange_is_hidden_or_sent_once_per_domain() -> None:
    plain = _job(shape=ROUTED, sequence=4096, batch=64)
    layout, slow = _one(data=32.0, expert=32.0), _cluster(32, scale_out_bandwidth=1e9, scale_up_bandwidth=1e15)
    free = _cluster(32, scale_out_bandwidth=1e15, scale_up_bandwidth=1e15)
    work = [float(evaluate_layouts(plain, cluster, layout).work[0]) for cluster in (slow, free)]
    exchange = work[0] - work[1]
    # two exchanges forward and two backward of 4 copies of 2 bytes, of which 24 of 32 ranks lie in other domains
    sent = 2 * 4 * 4096 * 4 * 2048 * 2 * 24 / 32 * 24  # microbatches, exchanges, tokens, copies, width, bytes, layers
    assert exchange == pytest.approx(sent / 1e9, rel=1e-5)  # inside a domain some time goes by meanwhile
    # once per domain a token crosses 3/4 of the 4·(1 − (3/4)^4) domains that four experts lie in, or of two
    once = replace(plain, recipe=replace(PLAIN, dispatch_once=True))
    crossed = evaluate_layouts(once, slow, layout).work[0] - work[1]
    assert crossed == pytest.approx(exchange * 4 * (1 - 0.75**4) * 0.75 / 3, rel=1e-4)
    limited = evaluate_layouts(replace(once, routed_domains=2), slow, layout).work[0] - work[1]
    assert limited == pytest.approx(exchange / 2, rel=1e-4)
    hiding = replace(plain, recipe=replace(PLAIN, overlap_experts=True))
    hidden = evaluate_layouts(hiding, slow, layout).work[0]
    assert work[1] < hidden < work[0]
    assert evaluate_layouts(hiding, free, layout).work[0] == pytest.approx(work[1], rel=1e-3)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("change", "value"), [("scale_up_bandwidth", 900e9), ("scale_out_bandwidth", 100e9), ("bandwidth", 8e12)]
)
def test_a_faster_part_never_slows_a_step(change: str, value: float) -> None:
    job = _job(shape=LLAMA_8B, sequence=8192, batch=128)
    layouts = candidate_layouts(job, _cluster(64))
    before = evaluate_layouts(job, _cluster(64), layouts).step_time
    after = evaluate_layouts(job, _cluster(64, **{change: value}), layouts).step_time
    assert np.all(after <= before * (1 + 1e-12))


@pytest.mark.closed_form
def test_what_is_computed_again_is_not_kept() -> None:
    """Recomputing norms (2·d) and activation functions (d_ff) saves 2 bytes an element and repeats their traffic."""
    job, cluster = _job(shape=LLAMA_8B, sequence=4096, batch=4), _cluster(4)
    kept, cheap, full = (
        evaluate_layouts(job, cluster, _one(pipeline=4.0, recompute=level)) for level in (0.0, 1.0, 2.0)
    )
    per_layer = 4096 * 2 * (2 * 4096 + 14336)
    in_flight = 32 / 4 * 4  # layers of the first stage, times microbatches
    assert kept.memory[0] - cheap.memory[0] == pytest.approx((in_flight - 1) * per_layer, rel=1e-9)
    assert kept.memory[0] > cheap.memory[0] > full.memory[0]
    assert kept.step_time[0] < cheap.step_time[0] < full.step_time[0]


@pytest.mark.closed_form
def test_stages_add_a_bubble_and_interleaving_divides_it() -> None:
    job, cluster = _job(shape=LLAMA_8B, sequence=4096, batch=16), _cluster(4)
    plain, interleaved = (
        evaluate_layouts(job, cluster, _one(pipeline=4.0, interleave=chunks)) for chunks in (1.0, 4.0)
    )
    layer = layer_time(job, cluster, _one(pipeline=4.0))
    pass_time = 8 * float(layer.forward[0] + layer.backward[0])  # eight layers a stage; the output delays no other
    assert plain.bubble[0] == pytest.approx(pass_time * 3, rel=1e-12)
    assert interleaved.bubble[0] == pytest.approx(pass_time * 3 / 4, rel=1e-12)


@pytest.mark.closed_form
def test_gradients_hide_behind_the_backward_pass_but_for_the_last_layer() -> None:
    """On a slow network: the reduction of all but the last layer's gradients, less one backward pass, plus a gather."""
    job = _job(shape=LLAMA_8B, sequence=4096, batch=2)
    slow = _cluster(2, scale_up_domain=1, scale_out_bandwidth=1e8, bandwidth=1e30)
    found = evaluate_layouts(job, slow, _one(data=2.0))
    reduction = 8030261248 * 4 / 2 / 1e8
    gather = reduction / 2
    assert found.data[0] < reduction + gather
    assert found.data[0] == pytest.approx(reduction + gather, rel=0.01)  # a backward pass is short beside them
    quick = _cluster(2, scale_up_domain=1, scale_out_bandwidth=1e12, bandwidth=1e30)
    hidden = evaluate_layouts(job, quick, _one(data=2.0))
    assert hidden.data[0] == pytest.approx((reduction + gather) * 1e-4 / 32, rel=1e-6)


@pytest.mark.closed_form
def test_a_prediction_has_a_range() -> None:
    """Eighty per cent of a normal distribution lie within 1.2816 standard deviations."""
    job = TrainingJob(shape=LLAMA_8B, sequence=8192, batch=64, recipe=replace(PLAIN, spread=0.1))
    best = search_layouts(job, _cluster(8))
    low, high = best.utilisation_range()
    assert best.best_utilisation / low == pytest.approx(np.exp(0.12816), rel=1e-4)
    assert high == pytest.approx(min(best.best_utilisation * np.exp(0.12816), 1.0), rel=1e-4)
    with pytest.raises(DomainError, match="coverage = 1"):
        best.utilisation_range(coverage=1.0)


@pytest.mark.contract
def test_what_cannot_be_is_refused() -> None:
    job = _job(shape=LLAMA_8B, sequence=8192, batch=64)
    with pytest.raises(UnknownParameterError, match="tensor"):
        search_layouts(job, _cluster(64), {"tensors": 8})
    with pytest.raises(DomainError, match="evenly"):
        search_layouts(job, _cluster(64), {"tensor": 3})
    with pytest.raises(DomainError, match=r"the least takes .* GB"):
        search_layouts(job, _cluster(64, memory=1e9))
    with pytest.raises(DomainError, match="memory = 0"):
        _cluster(64, memory=0.0)
    with pytest.raises(DomainError, match="scale_up_domain"):
        _cluster(64, scale_up_domain=7.5)
    with pytest.raises(DomainError, match="batch"):
        _job(shape=LLAMA_8B, sequence=8192, batch=0)
    with pytest.raises(DomainError, match=r"step_overhead = 0\.9: must be from 1 to inf"):
        replace(PLAIN, step_overhead=0.9)
    with pytest.raises(DomainError, match="product_share"):
        replace(PLAIN, product_share=1.1)
    with pytest.raises(DomainError, match="protocols"):
        _cluster(64, protocols=())
    with pytest.raises(DomainError, match="scale_out_bandwidth = nan"):
        _cluster(64, scale_out_bandwidth=float("nan"))
