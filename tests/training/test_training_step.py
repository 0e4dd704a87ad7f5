"""Parts of a layer's time against sums written out by hand, with every kind of parallelism at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel.compute import Protocol, Shape
from costmodel.compute.groups import Dense, Group, Routed
from costmodel.compute.machine import Machine, Rate
from costmodel.compute.mixers import Matrix, Recurrent
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import Layouts
from costmodel.training.recipe import Recipe
from costmodel.training.search import evaluate_layouts
from costmodel.training.step import _copies, head_time, hop_time, layer_time

pytestmark = pytest.mark.closed_form

PEAK, BANDWIDTH, UP, OUT = 1e15, 4e12, 400e9, 40e9
RATE = Rate(peak=PEAK, share=0.8)
MACHINE = Machine(
    attention=RATE,
    dense=RATE,
    shared_experts=RATE,
    experts=RATE,
    head=RATE,
    scores_peak=PEAK,
    scores_share=0.5,
    bandwidth=BANDWIDTH,
    memory=80e9,
    memory_share=0.9,
    cache_share=0.9,
    scale_up_bandwidth=UP,
    scale_up_domain=8.0,
    scale_out_bandwidth=OUT,
    scale_up_share=0.75,
    scale_out_share=0.6,
    protocols=(Protocol("only", 0.0, 0.0, 0.0, 0.5),),
)
CLUSTER = Cluster(accelerators=64, machine=MACHINE)
"""Layout in which tensor 4 and context 2 fill a domain; all other groups go outside."""


def _with(**changes: Any) -> Cluster:
    return Cluster(accelerators=64, machine=replace(MACHINE, **changes))


def _rates(**changes: float) -> dict[str, Rate]:
    """Return the rates of all parts with the same changes."""
    return dict.fromkeys(("attention", "dense", "shared_experts", "experts", "head"), replace(RATE, **changes))


def _product(rows: float, columns: float, inner: float, groups: float = 1.0, half: float = 0.0) -> float:
    """Return the time of a product with free memory; half a tile of 64 rows is empty."""
    return groups * 2 * (rows + 32) * columns * (inner + half) / (PEAK * 0.8)


QUICK_MEMORY = _with(bandwidth=1e30)
DENSE = Shape(
    name="dense",
    layers=12,
    d_model=2048,
    heads=16,
    kv_heads=4,
    head_dim=96,
    vocabulary=32000,
    d_ff=6144,
    window=512,
    windowed_layers=9,
)
LATENT = Shape(
    name="latent",
    layers=10,
    d_model=2048,
    heads=16,
    vocabulary=32000,
    d_ff=8192,
    q_rank=768,
    kv_rank=256,
    nope_dim=64,
    rope_dim=32,
    value_dim=80,
    experts=32,
    shared_experts=2,
    top_k=4,
    d_ff_expert=1024,
    dense_layers=2,
)
RECIPE = Recipe(name="test", gradient_bytes=4.0, optimizer_traffic=30.0, loss_bytes=36.0)
T, C, E, B, S = 4, 2, 4, 2, 4096
ROWS = B * S / C


def _layouts(**changes: float) -> Layouts:
    values = {
        "tensor": T,
        "context": C,
        "expert": E,
        "data": 4,
        "pipeline": 2,
        "interleave": 1,
        "microbatch": B,
        "sharding": 1,
        "recompute": 0,
    }
    return Layouts(**{name: np.array([float(value)]) for name, value in {**values, **changes}.items()})


def _job(shape: Shape, **changes: float) -> TrainingJob:
    recipe = {name: changes.pop(name) for name in list(changes) if name in Recipe.__dataclass_fields__}
    written = replace(RECIPE, **recipe)  # type: ignore[arg-type]
    return TrainingJob(shape=shape, sequence=S, batch=16, recipe=written, **changes)  # type: ignore[arg-type]


SIZES = [(96 * 24 / T, 2048), (2048, 96 * 16 / T), (2 * 6144 / T, 2048), (2048, 6144 / T)]
"""Columns and inner dimension of each product of a dense layer on one of four devices."""


def test_products_of_a_dense_layer() -> None:
    got = layer_time(_job(DENSE), QUICK_MEMORY, _layouts()).matmul[0]
    assert got == pytest.approx(sum(_product(ROWS, *size) for size in SIZES), rel=1e-12)
    # eight devices share four key-value heads: each projection is made twice
    eighth = [(96 * (16 / 8 + 2), 2048), (2048, 96 * 16 / 8), (2 * 6144 / 8, 2048), (2048, 6144 / 8)]
    got = layer_time(_job(DENSE), QUICK_MEMORY, _layouts(tensor=8)).matmul[0]
    assert got == pytest.approx(sum(_product(ROWS, *size) for size in eighth), rel=1e-12)


def test_products_bound_by_memory_move_their_operands() -> None:
    moved = sum(2 * (ROWS * (columns + inner) + columns * inner) for columns, inner in SIZES)
    got = layer_time(_job(DENSE), _with(bandwidth=1e5), _layouts()).matmul[0]
    assert got == pytest.approx(moved / (1e5 * 0.9), rel=1e-12)


def test_short_inner_dimensions_and_launches_cost() -> None:
    tiles = _with(bandwidth=1e30, **_rates(half_inner=128.0))
    expected = sum(_product(ROWS, *size, half=128.0) for size in SIZES)
    assert layer_time(_job(DENSE), tiles, _layouts()).matmul[0] == pytest.approx(expected, rel=1e-12)
    plain = layer_time(_job(DENSE), QUICK_MEMORY, _layouts()).matmul[0]
    launched = layer_time(_job(DENSE), _with(bandwidth=1e30, kernel_time=1e-3), _layouts()).matmul[0]
    assert launched == pytest.approx(plain + 4e-3, rel=1e-12)


def test_a_recipe_says_what_products_reach_inside_a_step() -> None:
    recipe = {"product_share": 0.5, "half_inner": 128.0, "lost_elements": 1e6}
    expected = 2 * sum(_product(ROWS, *size, half=128.0) + 2 * 1e6 * (size[1] + 128) / (PEAK * 0.8) for size in SIZES)
    got = layer_time(_job(DENSE, **recipe), QUICK_MEMORY, _layouts()).matmul[0]
    assert got == pytest.approx(expected, rel=1e-12)


def test_attention_of_full_and_windowed_layers() -> None:
    near = 512 - 512 * 512 / 2 / S  # tokens that a windowed layer attends to, in the mean
    attended = (3 * S / 2 + 9 * near) / 12
    flop = ROWS * 2 * (16 / T) * (96 + 96) * attended
    layer = layer_time(_job(DENSE), _with(kernel_time=1e-3), _layouts())
    assert layer.attention[0] == pytest.approx(flop / (PEAK * 0.5) + 1e-3, rel=1e-12)
    assert layer.attention_backward[0] == pytest.approx(2.5 * flop / (PEAK * 0.5) + 1e-3, rel=1e-12)
    short = layer_time(_job(DENSE), _with(half_sequence=float(S)), _layouts())  # half of the share at this sequence
    assert short.attention[0] == pytest.approx(2 * flop / (PEAK * 0.5), rel=1e-12)


def test_traffic_of_a_dense_layer() -> None:
    elements = 10 * 2048 + 3 * 6144 + 2 * (16 + 4) * 96
    got = layer_time(_job(DENSE), CLUSTER, _layouts()).memory[0]
    assert got == pytest.approx(ROWS * elements * 2 / T / (BANDWIDTH * 0.9), rel=1e-12)


def test_products_of_a_latent_routed_layer() -> None:
    """Each of four devices has eight whole experts of 32, to which all four send."""
    products = [  # the two projections of the residual stream are one product
        _product(ROWS, 768 + 256 + 32, 2048),
        _product(ROWS, 16 * 96 / T, 768),
        _product(ROWS, 16 * (64 + 80) / T, 256),
        _product(ROWS, 2048, 16 * 80 / T),
    ]
    dense = [_product(ROWS, 2 * 8192 / T, 2048), _product(ROWS, 2048, 8192 / T)]
    shared = [_product(ROWS, 2 * 2 * 1024 / T, 2048), _product(ROWS, 2048, 2 * 1024 / T), _product(ROWS, 32, 2048)]
    got = layer_time(_job(LATENT), QUICK_MEMORY, _layouts()).matmul[0] - sum(products) - 0.2 * sum(dense)
    even = ROWS / T * 4 * E / 32  # rows of an expert if tokens were spread evenly
    experts = [_product(even, 2 * 1024, 2048, groups=8), _product(even, 2048, 1024, groups=8)]
    assert got == pytest.approx(0.8 * (sum(experts) + sum(shared)), rel=0.02)  # the fullest device has some more
    assert got > 0.8 * (sum(experts) + sum(shared))
    alone = layer_time(_job(LATENT), QUICK_MEMORY, _layouts(expert=1)).matmul[0] - sum(products) - 0.2 * sum(dense)
    split = [_product(ROWS * 4 / 32, 2 * 1024 / T, 2048, groups=32), _product(ROWS * 4 / 32, 2048, 1024 / T, groups=32)]
    assert alone == pytest.approx(0.8 * (sum(split) + sum(shared)), rel=1e-9)


def test_experts_bound_by_memory_read_every_local_expert() -> None:
    slow = _with(bandwidth=1e-3)
    spread, wider = (layer_time(_job(LATENT), slow, _layouts(expert=expert)).matmul[0] for expert in (4, 8))
    local = 2 * 3 * 2048 * 1024  # bytes of one expert, whole on its device
    copies = ROWS / T * 4 * (2048 + 2 * 1024 + 1024 + 2048) * 2  # inputs and results of its products
    # the largest load of eight devices is further from the mean than that of four: less than a hundredth of the copies
    assert (spread - wider) * 1e-3 * 0.9 == pytest.approx(0.8 * 4 * local, abs=0.01 * copies)


def test_traffic_of_a_latent_routed_layer() -> None:
    inner = 3 * (0.2 * 8192 + 0.8 * (4 + 2) * 1024)
    elements = 10 * 2048 + inner + 2 * (16 + 1) * 96 + 0.8 * 4 * 4 * 2048
    got = layer_time(_job(LATENT), CLUSTER, _layouts()).memory[0]
    assert got == pytest.approx(ROWS * elements * 2 / T / (BANDWIDTH * 0.9), rel=1e-12)


def test_tensor_parallel_collectives() -> None:
    once = (T - 1) / T * ROWS * 2048 * 2 / (UP * 0.75 * 0.5)
    layer = layer_time(_job(DENSE), CLUSTER, _layouts())
    assert layer.tensor[0] == pytest.approx(4 * once, rel=1e-12)
    beside = max(4 * once - layer.matmul_backward[0], 0.0)
    assert layer.tensor_backward[0] == pytest.approx(2 * once + beside, rel=1e-12)
    side_by_side = layer_time(_job(replace(DENSE, parallel_blocks=True)), CLUSTER, _layouts())
    assert side_by_side.tensor[0] == pytest.approx(2 * once, rel=1e-12)
    slow = _with(scale_up_bandwidth=UP / 100)
    crawl = layer_time(_job(DENSE), slow, _layouts())
    assert crawl.tensor_backward[0] == pytest.approx(600 * once - crawl.matmul_backward[0], rel=1e-12)


def test_keys_and_values_are_gathered_over_the_parts_of_a_sequence() -> None:
    size = B * S * 2 * (4 / T) * 96 * 2
    got = layer_time(_job(DENSE), CLUSTER, _layouts()).context[0]
    assert got == pytest.approx((C - 1) / C * size / (UP * 0.75 * 0.5), rel=1e-12)
    latent = layer_time(_job(LATENT), CLUSTER, _layouts()).context[0]
    assert latent == pytest.approx((C - 1) / C * B * S * (256 + 32) * 2 / (UP * 0.75 * 0.5), rel=1e-12)
    # four parts of eight devices' stride: two of them in other domains
    apart = layer_time(_job(DENSE), CLUSTER, _layouts(context=4)).context[0]
    inside, outside = size / 2 / (UP * 0.75 * 0.5), size / 4 / (OUT * 0.6 * 0.5)
    assert apart == pytest.approx(inside + outside, rel=1e-12)


def test_tokens_are_sent_to_experts_and_back() -> None:
    copies = ROWS * 4 * 2048 / T
    once = (E - 1) / E * copies * 2 / (UP * 0.75 * 0.5)  # tensor ranks are the first members of the group
    layer = layer_time(_job(LATENT), CLUSTER, _layouts())
    assert layer.expert[0] == layer.expert_backward[0] == pytest.approx(0.8 * 2 * once, rel=1e-12)
    apart = layer_time(_job(LATENT), CLUSTER, _layouts(expert=16)).expert[0]
    outside = (16 - 8) / 16 * copies * 2 / (OUT * 0.6 * 0.5)  # eight of sixteen lie in the other domain
    assert apart == pytest.approx(0.8 * 2 * outside, rel=1e-12)
    half = layer_time(_job(LATENT, dispatch_bytes=1.0), CLUSTER, _layouts())
    assert half.expert[0] == pytest.approx(0.8 * 1.5 * once, rel=1e-12)
    spread = layer_time(_job(LATENT), CLUSTER, _layouts(expert=16))
    hidden = layer_time(_job(LATENT, overlap_experts=True), CLUSTER, _layouts(expert=16))
    work = spread.matmul[0] + spread.attention[0] + spread.memory[0]
    backward = spread.matmul_backward[0] + spread.attention_backward[0] + spread.memory_backward[0]
    assert hidden.expert[0] == pytest.approx(apart - work, rel=1e-12)
    assert hidden.expert_backward[0] == pytest.approx(apart - backward, rel=1e-12)


def test_forward_and_backward_are_sums_of_their_parts() -> None:
    layer = layer_time(_job(LATENT, gradient_bytes=1.0), CLUSTER, _layouts())  # a gradient moves as much as a result
    parts = [getattr(layer, name)[0] for name in ("matmul", "attention", "memory", "tensor", "context", "expert")]
    assert min(parts) > 0.0
    assert layer.forward[0] == pytest.approx(sum(parts), rel=1e-14)
    work = layer.matmul_backward[0] + layer.attention_backward[0] + layer.memory_backward[0]
    waits = layer.tensor_backward[0] + layer.context_backward[0] + layer.expert_backward[0]
    assert layer.backward[0] == pytest.approx(work + waits, rel=1e-14)
    assert layer.memory_backward[0] == pytest.approx(2 * layer.memory[0], rel=1e-12)
    assert layer.context_backward[0] == pytest.approx(2 * layer.context[0], rel=1e-12)


def test_gradients_are_products_of_other_sizes() -> None:
    """For inputs the sum runs over columns, for weights over rows, with gradients of 4 bytes read and written."""
    tiles = _with(bandwidth=1e30, **_rates(half_inner=128.0))
    by_input = sum(_product(ROWS, inner, columns, half=128.0) for columns, inner in SIZES)
    by_weight = sum(_product(inner, columns, ROWS, half=128.0) for columns, inner in SIZES)
    got = layer_time(_job(DENSE), tiles, _layouts()).matmul_backward[0]
    assert got == pytest.approx(by_input + by_weight, rel=1e-12)
    frozen = layer_time(_job(DENSE, frozen=True), tiles, _layouts()).matmul_backward[0]
    assert frozen == pytest.approx(by_input, rel=1e-12)
    slow = layer_time(_job(DENSE), _with(bandwidth=1e5), _layouts()).matmul_backward[0]
    moved = sum(2 * (ROWS * (columns + inner) + columns * inner) for columns, inner in SIZES)
    moved += sum(2 * ROWS * (columns + inner) + 2 * 4 * columns * inner for columns, inner in SIZES)
    assert slow == pytest.approx(moved / (1e5 * 0.9), rel=1e-9)


def test_attention_and_the_output_layer_stay_in_sixteen_bits() -> None:
    """An 8-bit peak, twice as high, halves the times of the layers' products and no others."""
    layers = {part: rate for part, rate in _rates(peak=2 * PEAK, operand_bytes=1.0).items() if part != "head"}
    narrow = _with(bandwidth=1e30, **layers)
    half, full = (layer_time(_job(DENSE), cluster, _layouts()) for cluster in (narrow, QUICK_MEMORY))
    assert half.matmul[0] == pytest.approx(full.matmul[0] / 2, rel=1e-12)
    assert half.attention[0] == full.attention[0]
    assert half.attention_backward[0] == full.attention_backward[0]
    output = head_time(_job(DENSE), narrow, _layouts())[0]
    assert output == pytest.approx(head_time(_job(DENSE), QUICK_MEMORY, _layouts())[0], rel=1e-12)
    sold = Cluster.recorded("H100-SXM", 8, 50e9, "fp8")  # 1,979 and 989.4 TFLOP/s
    assert (sold.peak, sold.machine.head.peak, sold.machine.scores_peak) == (1979e12, 989.4e12, 989.4e12)


def test_casts_to_eight_bits_move_memory() -> None:
    """Each operand is read in 2 bytes and written twice in 1: inputs of products, and gradients of their results."""
    inputs = 2048 + 16 * 96 + 2048 + 6144
    gradients = 96 * (16 + 2 * 4) + 2048 + 2 * 6144 + 2048
    clusters = (CLUSTER, _with(**_rates(operand_bytes=1.0)))
    plain, cast = (layer_time(_job(DENSE), cluster, _layouts()) for cluster in clusters)
    reached = BANDWIDTH * 0.9
    assert cast.memory[0] - plain.memory[0] == pytest.approx(ROWS * inputs * 4 / T / reached, rel=1e-9)
    assert cast.memory_backward[0] - plain.memory_backward[0] == pytest.approx(
        ROWS * gradients * 4 / T / reached, rel=1e-9
    )


def test_latent_attention_casts_the_gradients_of_unfolded_keys() -> None:
    """Queries and keys of 96 and values of 80 for each of 16 heads, besides the widths and the MLPs' results."""
    mlps = 2 * (0.2 * 8192 + 0.8 * (4 + 2) * 1024) + 2048 * (0.2 + 0.8 * (4 + 2))
    gradients = 2048 + 16 * 96 + 16 * (96 + 80) + mlps
    clusters = (CLUSTER, _with(**_rates(operand_bytes=1.0)))
    plain, cast = (layer_time(_job(LATENT), cluster, _layouts()).memory_backward[0] for cluster in clusters)
    assert cast - plain == pytest.approx(ROWS * gradients * 4 / T / (BANDWIDTH * 0.9), rel=1e-9)


def test_narrow_operands_are_kept_in_their_own_format() -> None:
    """Inputs of products take 1 byte instead of 2: two layers' widths, heads' values and MLPs."""
    inputs = 2048 + 16 * 96 + 2048 + 6144
    clusters = (CLUSTER, _with(**_rates(operand_bytes=1.0)))
    wide, narrow = (evaluate_layouts(_job(DENSE), cluster, _layouts()).memory[0] for cluster in clusters)
    assert wide - narrow == pytest.approx(2 * 6 * ROWS * inputs / T, rel=1e-9)  # two microbatches of six layers


def test_a_recurrence_works_on_its_state() -> None:
    mixer = Recurrent(heads=16, weights=(Matrix("mix", 2048, 2048, 16),), state=4096, work=50_000)
    groups = (Group(layers=3, mixer=mixer, feed_forward=Dense(d_ff=6144)),)
    shape = Shape(name="recurrent", d_model=2048, vocabulary=32000, groups=groups)
    got = layer_time(_job(shape), CLUSTER, _layouts()).attention[0]
    assert got == pytest.approx(ROWS * 2 * 50_000 / T / (PEAK * 0.5), rel=1e-12)


def test_attention_that_is_not_fused_moves_every_score() -> None:
    """Thirteen bytes forward and nineteen backward, and products over the whole square."""
    scores = ROWS * S * 16 / T
    products = scores * 2 * (96 + 96) / (PEAK * 0.5)
    layer = layer_time(_job(DENSE, fused_attention=False), CLUSTER, _layouts())
    assert layer.attention[0] == pytest.approx(products + scores * 13 / (BANDWIDTH * 0.9), rel=1e-12)
    assert layer.attention_backward[0] == pytest.approx(2 * products + scores * 19 / (BANDWIDTH * 0.9), rel=1e-12)


def test_without_sequence_parallelism_norms_repeat_and_collectives_wait() -> None:
    layer = layer_time(_job(DENSE, sequence_parallel=False, overlap_tensor=False), CLUSTER, _layouts())
    elements = 10 * 2048 + (3 * 6144 + 2 * (16 + 4) * 96) / T
    assert layer.memory[0] == pytest.approx(ROWS * elements * 2 / (BANDWIDTH * 0.9), rel=1e-12)
    once = (T - 1) / T * ROWS * 2048 * 2 / (UP * 0.75 * 0.5)
    assert layer.tensor_backward[0] == layer.tensor[0] == pytest.approx(4 * once, rel=1e-12)


def test_experts_have_their_own_traffic() -> None:
    """Routing and the experts' activation functions, four of six passed experts' widths here, times a factor."""
    own = 0.8 * (4 * 4 * 2048 + 3 * (4 + 2) * 1024)
    plain, slow = (layer_time(_job(LATENT, routed_factor=factor), CLUSTER, _layouts()).memory[0] for factor in (1, 3))
    assert slow - plain == pytest.approx(2 * ROWS * own * 2 / T / (BANDWIDTH * 0.9), rel=1e-9)
    biased = replace(LATENT, mlp_bias=True)
    alike = layer_time(_job(biased, biased_factor=3.0), CLUSTER, _layouts()).memory[0]
    assert alike == pytest.approx(slow, rel=1e-12)


def test_a_slow_host_holds_small_kernels_back() -> None:
    """18 kernels, 40 for experts in eight of ten layers, and two collectives; twice as many backward."""
    host = {"dense_kernels": 18.0, "routed_kernels": 40.0, "host_time": 1.0}
    layer = layer_time(_job(LATENT, **host), CLUSTER, _layouts())
    waits = layer.tensor[0] + layer.context[0] + layer.expert[0]
    assert layer.forward[0] - waits == pytest.approx(18 + 0.8 * 40 + 2, rel=1e-12)
    waits = layer.tensor_backward[0] + layer.context_backward[0] + layer.expert_backward[0]
    assert layer.backward[0] - waits == pytest.approx(2 * (18 + 0.8 * 40 + 2), rel=1e-12)
    alone = layer_time(_job(DENSE, **host), CLUSTER, _layouts(tensor=1))
    assert alone.forward[0] - alone.context[0] == pytest.approx(18, rel=1e-12)


def test_nothing_hidden_adds_reductions_and_hops() -> None:
    job, layouts = _job(DENSE, overlap_reduction=False, overlap_hops=False), _layouts(sharding=0)
    found, hop = evaluate_layouts(job, CLUSTER, layouts), hop_time(job, CLUSTER, layouts)[0]
    block = 2048 * 96 * 24 + 2048 * 16 * 96 + 3 * 2048 * 6144 + 2 * 2048
    weights = (12 * block + 2048) / 2 / T + 32000 * 2048 / T
    gather = weights * 4 * (1 / 2 / (UP * 0.75 * 0.5) + 3 / 8 / (OUT * 0.6 * 0.5))
    assert found.data[0] == pytest.approx(2 * gather, rel=1e-12)  # one all-reduction, in 4 bytes
    assert found.optimizer[0] == pytest.approx(weights * 30 / (BANDWIDTH * 0.9), rel=1e-12)  # on every device
    microbatches = 16 / (4 * B)
    assert found.hops[0] == pytest.approx(2 * (1 + microbatches) * hop, rel=1e-12)
    chunks = evaluate_layouts(job, CLUSTER, _layouts(sharding=0, interleave=3))  # six stages of two layers
    assert chunks.hops[0] == pytest.approx(2 * (5 + 3 * microbatches) * hop, rel=1e-12)


def test_frozen_weights_have_no_state_and_no_reduction() -> None:
    job, layouts = _job(DENSE, frozen=True), _layouts()
    found = evaluate_layouts(job, CLUSTER, layouts)
    assert found.data[0] == found.optimizer[0] == 0.0
    split = evaluate_layouts(job, _with(scale_out_bandwidth=1e6), _layouts(sharding=3)).data[0]
    assert split > 0.0  # weights that are split have to be gathered, frozen or not
    trained = evaluate_layouts(_job(DENSE), CLUSTER, layouts)
    block = 2048 * 96 * 24 + 2048 * 16 * 96 + 3 * 2048 * 6144 + 2 * 2048
    weights = (12 * block + 2048) / 2 / T + 32000 * 2048 / T
    assert trained.memory[0] - found.memory[0] == pytest.approx(weights * (4 + 12 / 8), rel=1e-9)
    matrices = 12 * (block - 2 * 2048) + 32000 * 2048
    assert _job(DENSE).flop - job.flop == pytest.approx(2 * matrices * S * 16, rel=1e-3)  # vectors are counted too


def test_output_layer_and_loss() -> None:
    columns = 32000 / T
    products = _product(ROWS, columns, 2048) + _product(ROWS, 2048, columns) + _product(2048, columns, ROWS)
    assert head_time(_job(DENSE), QUICK_MEMORY, _layouts())[0] == pytest.approx(products, rel=1e-12)
    few, many = (head_time(_job(DENSE, loss_bytes=size), CLUSTER, _layouts())[0] for size in (0.0, 36.0))
    assert many - few == pytest.approx(ROWS * columns * 36 / (BANDWIDTH * 0.9), rel=1e-9)


def test_stages_hand_over_inside_a_domain_or_over_the_network() -> None:
    size = ROWS * 2048 * 2 / T
    outside = hop_time(_job(DENSE), CLUSTER, _layouts())[0]
    assert outside == pytest.approx(size / (OUT * 0.6 * 0.5), rel=1e-12)
    near = _layouts(tensor=2, context=1, data=2)
    assert hop_time(_job(DENSE), CLUSTER, near)[0] == pytest.approx(B * S * 2048 * 2 / 2 / (UP * 0.75 * 0.5), rel=1e-12)
    filled = _layouts(tensor=2, context=2, data=2)  # a stage fills the domain: the next one lies outside
    assert hop_time(_job(DENSE), CLUSTER, filled)[0] == pytest.approx(
        ROWS * 2048 * 2 / 2 / (OUT * 0.6 * 0.5), rel=1e-12
    )
    assert hop_time(_job(DENSE), CLUSTER, _layouts(pipeline=1))[0] == 0.0
    # latencies: the start of the protocol, and one hop inside or outside
    slow = (Protocol("slow", 1.0, 10.0, 100.0, 1.0),)
    late = _with(protocols=slow, scale_up_bandwidth=1e30, scale_out_bandwidth=1e30)
    assert hop_time(_job(DENSE), late, _layouts())[0] == pytest.approx(110.0)
    assert hop_time(_job(DENSE), late, near)[0] == pytest.approx(101.0)


def test_a_step_is_its_microbatches_bubble_hops_reduction_and_update() -> None:
    job, layouts = _job(DENSE), _layouts(recompute=1)
    layer = layer_time(job, CLUSTER, layouts)
    head, hop = head_time(job, CLUSTER, layouts)[0], hop_time(job, CLUSTER, layouts)[0]
    each = layer.forward[0] + layer.backward[0] + layer.memory[0]
    microbatches = 16 / (4 * B)
    stage = 6 * each + head  # twelve layers on two stages leave no place to spare for the output
    found = evaluate_layouts(job, CLUSTER, layouts)
    assert found.work[0] == pytest.approx(microbatches * stage, rel=1e-12)
    assert found.bubble[0] == pytest.approx(6 * each, rel=1e-12)  # the output layer delays no other stage
    assert found.hops[0] == pytest.approx(2 * hop, rel=1e-12)
    block = 2048 * 96 * 24 + 2048 * 16 * 96 + 3 * 2048 * 6144 + 2 * 2048
    weights = (12 * block + 2048) / 2 / T + 32000 * 2048 / T  # half of the blocks, and a table
    assert found.optimizer[0] == pytest.approx(weights / 8 * (2 * 12 + 4 + 2) / (BANDWIDTH * 0.9), rel=1e-12)
    # eight ranks of stride 4, two in each domain
    gather = weights * 2 * (1 / 2 / (UP * 0.75 * 0.5) + 3 / 8 / (OUT * 0.6 * 0.5))
    exposed = 3 * gather / 6 + max(2 * gather * 5 / 6 - 6 * (each - layer.forward[0]), 0.0)
    exposed += max(gather * 5 / 6 - 6 * layer.forward[0], 0.0)
    assert found.data[0] == pytest.approx(exposed, rel=1e-12)
    assert found.utilisation[0] == pytest.approx(job.flop / (found.step_time[0] * 64 * PEAK), rel=1e-14)
    slower = _job(DENSE, step_overhead=1.25)
    assert evaluate_layouts(slower, CLUSTER, layouts).step_time[0] == pytest.approx(
        1.25 * found.step_time[0], rel=1e-12
    )


def test_experts_are_reduced_over_their_own_ranks() -> None:
    job, layouts = _job(LATENT), _layouts(interleave=5)
    layer, hop = layer_time(job, CLUSTER, layouts), hop_time(job, CLUSTER, layouts)[0]
    found = evaluate_layouts(job, CLUSTER, layouts)
    attention = 2048 * 768 + 768 * 16 * 96 + 2048 * 288 + 256 * 16 * 144 + 16 * 80 * 2048
    expert = 3 * 2048 * 1024
    vectors = 10 * (2 * 2048 + 768 + 256) + 2048
    blocks = 10 * attention + 2 * 3 * 2048 * 8192 + 8 * (2 * expert + 32 * 2048) + vectors
    common, routed = (blocks / 2 + 32000 * 2048) / T, 8 * 32 * expert / 2 / E
    up, out = UP * 0.75 * 0.5, OUT * 0.6 * 0.5
    gather = (common + routed) * 2 * (1 / 2 / up + 3 / 8 / out)  # experts: eight ranks of stride four, too
    exposed = 3 * gather / 5 + max(2 * gather * 4 / 5 - 5 * layer.backward[0], 0.0)
    exposed += max(gather * 4 / 5 - 5 * layer.forward[0], 0.0)
    assert found.data[0] == pytest.approx(exposed, rel=1e-12)
    assert found.optimizer[0] == pytest.approx((common + routed) / 8 * 30 / (BANDWIDTH * 0.9), rel=1e-12)
    assert found.hops[0] == pytest.approx(2 * (2 * 5 - 1) * hop, rel=1e-12)
    split = [evaluate_layouts(job, CLUSTER, _layouts(interleave=5, sharding=stage)).memory[0] for stage in (1, 2, 3)]
    assert split[0] - split[1] == pytest.approx(4 * (common + routed) * 7 / 8, rel=1e-9)
    assert split[1] - split[2] == pytest.approx(2 * (common + routed) * 7 / 8, rel=1e-9)


def test_split_gradients_and_weights_are_exchanged_for_every_microbatch() -> None:
    quick = _rates(peak=1e30)
    slow = _with(scale_out_bandwidth=1e6, bandwidth=1e30, scores_peak=1e30, **quick)  # nothing to hide behind
    job = _job(DENSE)
    once, gradients, weights = (evaluate_layouts(job, slow, _layouts(sharding=stage)).data[0] for stage in (1, 2, 3))
    gather = once / 3  # a reduction of 4 bytes and a gather of 2
    assert gradients == pytest.approx(once + 2 * gather * 5 / 6, rel=1e-3)  # two microbatches, last layer apart
    # beside the backward pass weights are gathered again
    assert weights == pytest.approx(gather * (3 / 6 + 2 * (2 * 5 / 6 + 1) + 2 * 5 / 6), rel=1e-3)


def test_memory_of_the_fullest_device() -> None:
    per_layer = ROWS * (8 * 2048 + 2 * (16 * 192 + 4 * 192 + 3 * 6144)) / T
    block = 2048 * 96 * 24 + 2048 * 16 * 96 + 3 * 2048 * 6144 + 2 * 2048

    def state(vocabulary: float, tables: float, stages: float) -> float:
        weights = ((12 * block + 2048) / stages + tables * vocabulary * 2048) / T
        return weights * (2 + 4 + 12 / 8)

    # two stages of six layers: the first keeps two microbatches, the last one microbatch and its logits
    first = evaluate_layouts(_job(DENSE), CLUSTER, _layouts()).memory[0]
    assert first == pytest.approx(state(32000, 1, 2) + 2 * 6 * per_layer, rel=1e-12)
    wordy = replace(DENSE, vocabulary=640_000)
    last = evaluate_layouts(_job(wordy), CLUSTER, _layouts()).memory[0]
    assert last == pytest.approx(state(640_000, 1, 2) + 6 * per_layer + ROWS * 640_000 / T * 6, rel=1e-12)
    single = evaluate_layouts(_job(DENSE), CLUSTER, _layouts(pipeline=1, data=8)).memory[0]
    weights = (12 * block + 2048 + 2 * 32000 * 2048) / T
    logits = ROWS * 32000 / T * 6
    assert single == pytest.approx(weights * (6 + 12 / 16) + 12 * per_layer + logits, rel=1e-12)


def test_outputs_of_norms_and_activation_functions_are_given_back() -> None:
    kept, lean = (evaluate_layouts(_job(LATENT), CLUSTER, _layouts(recompute=level)).memory[0] for level in (0, 1))
    per_layer = ROWS * 2 * (2 * 2048 + 0.2 * 8192 + 0.8 * (4 + 2) * 1024) / T
    per_layer += ROWS * 2 * 16 * (2 * 96 + 80) / T  # latent attention's queries, keys and values
    # five layers and two microbatches in flight; one layer's worth is needed again while it is computed
    assert kept - lean == pytest.approx((5 * 2 - 1) * per_layer, rel=1e-9)


def test_what_is_given_back_is_worked_out_again() -> None:
    """Norms and activation functions move memory again, and latent attention is unfolded again."""
    unfold = _product(ROWS, 16 * 96 / T, 768) + _product(ROWS, 16 * (64 + 80) / T, 256)
    kept, lean = (evaluate_layouts(_job(LATENT), QUICK_MEMORY, _layouts(recompute=level)) for level in (0, 1))
    microbatches, layers = 16 / (4 * B), 5
    assert lean.work[0] - kept.work[0] == pytest.approx(microbatches * layers * unfold, rel=1e-9)


def test_some_memory_is_reserved() -> None:
    """Six per cent of a device's memory are reserved for context, buffers and fragmentation."""
    needed = float(evaluate_layouts(_job(DENSE), CLUSTER, _layouts()).memory[0])
    for memory, fits in ((needed / 0.94 * 1.001, True), (needed / 0.94 * 0.999, False)):
        found = evaluate_layouts(_job(DENSE), _with(memory=memory), _layouts())
        assert bool(found.fits[0]) is fits


@pytest.mark.closed_form
@pytest.mark.parametrize(("routed", "shared"), [(3, 1), (2, 2), (8, 1), (6, 0)])
def test_a_token_enters_its_routed_experts_and_all_shared_ones(routed: int, shared: int) -> None:
    block = Routed(experts=8, top_k=routed, d_ff_expert=16, shared_experts=shared)
    assert _copies(Group(layers=1, mixer=None, feed_forward=block)) == routed + shared
    assert _copies(Group(layers=1, mixer=None, feed_forward=Dense(d_ff=16))) == 1.0
