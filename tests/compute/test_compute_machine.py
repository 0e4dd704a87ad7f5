"""A machine and the blocks of a layer: times by hand, rates by part, and the load of the fullest rank."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from costmodel.compute import (
    Machine,
    Precision,
    Rate,
    block_time,
    blocks,
    derated,
    efficiency,
    largest_compute_share,
    largest_load,
    machine,
    product_time,
    rate,
    shape,
    together,
)

ROOM = "costmodel.compute."
PLAIN = Rate(peak=1e15, share=0.8)
STORED = Precision()


def plain(**changes: object) -> Machine:
    """Return a machine with round figures, whose only losses are the roofline's."""
    figures: dict[str, object] = {
        **dict.fromkeys(("attention", "dense", "shared_experts", "experts", "head"), PLAIN),
        "scores_peak": 1e15,
        "scores_share": 0.5,
        "bandwidth": 4e12,
        "memory": 80e9,
        "memory_share": 0.8,
        "cache_share": 0.8,
    }
    return Machine(**{**figures, **changes})  # type: ignore[arg-type]


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}roofline:together")
def test_ridge_is_smooth_and_a_fifth_high_at_most() -> None:
    assert float(together(3.0, 3.0)) == pytest.approx(3.0 * 2.0**0.25)
    assert float(together(2.0, 1.0)) == pytest.approx((16 + 1) ** 0.25)
    assert float(together(0.0, 5.0)) == 5.0


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}roofline:product_time")
def test_product_pays_for_tiles_waves_and_launch() -> None:
    fixed = (2.0, 1.0, 1e15, 1e30, 0.8, 1.0)  # memory is free
    # 4 groups of 100 rows and half a tile of 64, 1,000 columns, and 50,000 elements lost; k = 2,000 + 500
    work = 2 * (4 * (100 + 32) * 1000 + 50_000) * 2500
    time = float(product_time(100.0, 1000.0, 2000.0, 4.0, *fixed, 500.0, 64.0, 50_000.0, 3e-6))
    assert time == pytest.approx(3e-6 + work / (1e15 * 0.8))
    # and where arithmetic is free: operands of 2 bytes, weights of 1, results of 2
    moved = 4 * (100 * 2000 * 2 + 2000 * 1000 * 1 + 100 * 1000 * 2)
    free = float(product_time(100.0, 1000.0, 2000.0, 4.0, 2.0, 1.0, 1e30, 1e12, 1.0, 0.5, 0.0, 64.0, 0.0, 0.0))
    assert free == pytest.approx(moved / (1e12 * 0.5))


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}layer:largest_load")
def test_fullest_of_many_ranks_by_simulation() -> None:
    # the largest of n Poisson counts, drawn: the closed form is within 4 % of their mean
    generator = np.random.default_rng(7)
    for mean, ranks in ((50.0, 8), (200.0, 64), (20.0, 16)):
        drawn = generator.poisson(mean, (20_000, ranks)).max(axis=1).mean()
        assert float(largest_load(mean, float(ranks))) == pytest.approx(drawn, rel=0.04)
    assert float(largest_load(50.0, 1.0)) == 50.0


@pytest.mark.closed_form
def test_dense_block_by_hand() -> None:
    llama = shape("Llama-3-8B")
    block = next(block for block in blocks(llama, 1.0, tensor=2.0) if block.kind == "dense")
    # gate and up side by side, then down, over two devices; 32 layers
    up, down = 2 * 14336 // 2 * 4096, 14336 // 2 * 4096
    moved = [4096 * 2 + up * 2 + 14336 * 2, 7168 * 2 + down * 2 + 4096 * 2]
    between = (4 * 4096 + 3 * 14336 / 2) * 2
    busy = plain(attention=PLAIN, dense=replace(PLAIN, peak=math.inf))
    time = float(block_time(busy, block, 1.0, 1.0, STORED))
    assert time == pytest.approx(32 * (sum(moved) + between) / (4e12 * 0.8))
    # two kernels beside the two products
    slower = replace(busy, kernel_time=1e-6)
    assert float(block_time(slower, block, 1.0, 1.0, STORED)) - time == pytest.approx(32 * 4e-6)


@pytest.mark.closed_form
def test_routed_block_touches_experts_and_keeps_copies() -> None:
    deepseek = shape("DeepSeek-V3")
    tokens = 64.0
    block = next(block for block in blocks(deepseek, tokens, expert=8.0) if block.kind == "routed")
    router, into, out, *shared = block.products
    touched = 256 * (1 - (1 - 8 / 256) ** 64) / 8
    assert (float(into.groups), float(out.groups)) == (pytest.approx(touched), pytest.approx(touched))
    # 64 tokens of 8 copies over 8 ranks: 64 rows each on average, more on the fullest
    assert float(into.rows * into.groups * tokens) == pytest.approx(float(largest_load(64.0, 8.0)))
    assert (router.columns, into.columns, into.inner, out.columns, out.inner) == (256, 4096, 7168, 7168, 2048)
    assert [item.columns for item in shared] == [2 * 2048, 7168]
    # norm and residual; gate and up read and their product written, of a routed copy (8 over 8 ranks) and the shared
    # expert; a copy is read, written and summed
    assert float(block.elements) == pytest.approx(4 * 7168 + 3 * (1 + 1) * 2048 + 3 * 7168)


@pytest.mark.contract
def test_weights_that_no_multiplier_takes_run_at_16_bits() -> None:
    assert rate("H100-SXM", "nvfp4") == rate("H100-SXM", "bf16")
    assert rate("B200", "nvfp4").peak == 2 * rate("B200", "fp8").peak
    by_part = machine("H100-SXM", {"experts": "fp8"})
    assert by_part.attention == rate("H100-SXM", "bf16")
    # grouped products inside an engine reach 0.6 of the rate of single ones
    single = rate("H100-SXM", "fp8")
    assert by_part.experts == replace(single, share=single.share * 0.6)


@pytest.mark.contract
def test_share_of_an_unmeasured_precision_is_that_of_the_same_chip() -> None:
    # 8-bit and 4-bit products of MI300X were once priced at 0.736, the middle of other chips
    sixteen = efficiency("compute_share_bf16", "MI300X").value
    for precision in ("fp8", "fp4", "int8"):
        share = largest_compute_share("MI300X", precision)
        assert share.value == sixteen and share.grade.value == "estimated"
    assert largest_compute_share("B200", "fp4").value == 0.478


@pytest.mark.closed_form
def test_derated_machine_slows_every_rate_and_its_memory() -> None:
    slow = derated(plain(), clock=0.9, bandwidth=3e12)
    assert {slow.attention.peak, slow.experts.peak, slow.scores_peak} == {0.9e15}
    assert slow.bandwidth == 3e12


@pytest.mark.closed_form
def test_captured_collectives_start_at_once() -> None:
    inside, outside = machine("H200-SXM", captured=True), machine("H200-SXM")
    # 16 kB among 8: 3.5 µs and 14 hops of 0.1 µs, twice 7/8 of 16 kB at half of 450 · 0.822 GB/s
    time = 3.5e-6 + 14 * 0.1e-6 + 2 * 7 / 8 * 16e3 / (0.5 * 0.822 * 450e9)
    assert float(inside.all_reduce(16e3, 8.0)) == pytest.approx(time)
    assert float(outside.all_reduce(16e3, 8.0)) > 2.5 * time
    assert float(inside.all_reduce(16e3, 1.0)) == 0.0


@pytest.mark.closed_form
def test_links_carry_their_share_of_payload_inside_a_domain_and_between() -> None:
    made = plain(
        scale_up_bandwidth=400e9, scale_up_domain=8.0, scale_up_share=0.9, scale_out_bandwidth=50e9, scale_out_share=0.8
    )
    ranks, local = np.array([16.0, 8.0, 2.0, 1.0]), np.array([8.0, 8.0, 1.0, 1.0])
    inside, outside = made.links(ranks, local)
    assert np.asarray(inside).tolist() == [360e9, 360e9, 1.0, 1.0]  # where nothing passes a link, no link is needed
    assert np.asarray(outside).tolist() == [40e9, 1.0, 40e9, 1.0]
    assert float(made.moved(8e9)) == pytest.approx(8e9 / (4e12 * 0.8), rel=1e-15)
    # A gigabyte from each of two to the other, over the network.
    fast = replace(made, scale_up_domain=1.0, exchange_latency=3e-6, scale_out_latency=2e-6)
    one = float(fast.expert_exchange(1000.0, 1e6, 1.0, 2.0))
    assert one == pytest.approx(3e-6 + 2e-6 + 0.5 * 1e9 / 40e9, rel=1e-12)
