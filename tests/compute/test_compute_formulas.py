"""Roofline, collectives, memory and counts against arithmetic written here and against printed tables."""

from __future__ import annotations

import math

import pytest

from costmodel.compute import (
    all_gather_time,
    all_reduce_time,
    all_to_all_time,
    checkpoint_activation_bytes,
    compute_time,
    expected_experts_touched,
    expert_exchange_time,
    held_tokens,
    layer_activation_bytes,
    local_ranks,
    mean_attended_tokens,
    mlp_parameters,
    point_to_point_time,
    training_state_bytes,
)

ROOM = "costmodel.compute."
US = 1e-6


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}parameters:mlp_parameters")
def test_gated_mlp_has_three_matrices() -> None:
    assert mlp_parameters(4096, 14336, 3) == 4096 * 14336 + 4096 * 14336 + 14336 * 4096


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}parameters:expected_experts_touched")
def test_experts_touched_by_enumeration() -> None:
    # Two tokens, each taking 1 of 3 experts: 3 of 9 pairs meet (1 expert), 6 differ (2 experts).
    assert float(expected_experts_touched(3.0, 1.0, 2.0)) == pytest.approx((3 * 1 + 6 * 2) / 9, rel=1e-14)
    assert float(expected_experts_touched(256.0, 8.0, 1.0)) == pytest.approx(8.0, rel=1e-13)
    assert float(expected_experts_touched(8.0, 8.0, 3.0)) == 8.0


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}cache:held_tokens")
def test_window_limits_what_is_kept() -> None:
    assert [float(held_tokens(context, 128)) for context in (100, 128, 4096)] == [100, 128, 128]


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}flop:mean_attended_tokens")
def test_mean_span_is_the_average_of_what_each_token_sees() -> None:
    new, window, cached = 1000, 300, 200
    # Tokens p .. p+1 see min(p, w) at their start and end: the trapezoid of the two is exact off the corner.
    seen = [(min(p, window) + min(p + 1, window)) / 2 for p in range(cached, cached + new)]
    assert float(mean_attended_tokens(new, window, cached)) == pytest.approx(sum(seen) / new, rel=1e-12)
    assert float(mean_attended_tokens(new, math.inf, cached)) == cached + new / 2


@pytest.mark.published
@pytest.mark.reference(f"{ROOM}memory:training_state_bytes")
@pytest.mark.parametrize(
    ("shards", "printed"), [((1, 1, 1), 120.0), ((1, 1, 64), 31.4), ((1, 64, 64), 16.6), ((64, 64, 64), 1.9)]
)
def test_sharded_state_of_figure_1(shards: tuple[int, int, int], printed: float) -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5B parameters, 64 devices, GB by stage.
    assert training_state_bytes(7.5e9, 2.0, 2.0, 12.0, *shards) / 1e9 == pytest.approx(printed, abs=0.05)


@pytest.mark.published
@pytest.mark.reference(f"{ROOM}memory:layer_activation_bytes")
def test_activations_of_table_2() -> None:
    # Korthikanti et al. 2022, table 2, per block in s·b·h, for 175B: a = 96, s = 2048, h = 12288, t = 8.
    s, h, a, t = 2048.0, 12288.0, 96.0, 8.0
    scores = 5 * a * s
    assert 5 * a * s / h == 80.0  # "5as/h = 80 for GPT-3", section 5
    rows = {
        "no parallelism": (layer_activation_bytes(s, h, 12 * h, scores, 2, 1, 1), 34 + 80),
        "tensor": (layer_activation_bytes(s, h, 12 * h, scores, 2, t, 1), 10 + 24 / t + 80 / t),
        "tensor, sequence": (layer_activation_bytes(s, h, 12 * h, scores, 2, t, t), (34 + 80) / t),
        "tensor, selective": (layer_activation_bytes(s, h, 12 * h, 0, 2, t, 1), 10 + 24 / t),
        "tensor, sequence, selective": (layer_activation_bytes(s, h, 12 * h, 0, 2, t, t), 34 / t),
    }
    for value, in_sbh in rows.values():
        assert value == pytest.approx(s * h * in_sbh, rel=1e-14)


@pytest.mark.published
@pytest.mark.reference(f"{ROOM}memory:checkpoint_activation_bytes")
def test_full_recomputation_keeps_the_input() -> None:
    # The same table, last row: 2·s·b·h.
    assert checkpoint_activation_bytes(2048.0, 12288.0, 1.0) == 2 * 2048 * 12288


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}roofline:compute_time")
def test_time_at_a_share_of_the_peak() -> None:
    assert compute_time(3e15, 1e15, 0.75) == 4.0


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}collectives:local_ranks")
def test_members_in_a_domain() -> None:
    # 8 per node: tensor 8 fills it; data-parallel peers outside tensor 8 meet only across nodes.
    assert float(local_ranks(8, 1, 8)) == 8
    assert float(local_ranks(128, 8, 8)) == 1
    assert float(local_ranks(128, 4, 8)) == 2
    assert float(local_ranks(4, 1, 72)) == 4


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}collectives:all_gather_time")
def test_all_gather_step_by_step() -> None:
    # 1 GB over 2 nodes of 4: each rank first gets its peer's 1/8 from the other node, then 3/4 from its node.
    outside, inside = 1e9 / 8 / 50e9, 3 * (1e9 / 4) / 450e9
    hops = 3 * 0.6 * US + 1 * 5 * US + 6.8 * US
    links = (450e9, 50e9, 0.6 * US, 5 * US, 6.8 * US)
    assert float(all_gather_time(1e9, 8.0, 4.0, *links)) == pytest.approx(outside + inside + hops, rel=1e-13)
    assert float(all_gather_time(1e9, 1.0, 1.0, *links)) == 0.0


@pytest.mark.published
@pytest.mark.reference(f"{ROOM}collectives:all_reduce_time")
def test_all_reduce_is_the_term_of_one_protocol() -> None:
    # Erdil 2025 (arXiv 2506.04645): latency + (r−n)/r·B/(225e9·f) + (n−1)/r·B/(25e9·f), LL128.
    r, n, size, f = 32.0, 4.0, 3e6, 0.95
    latency = 2 * ((r / n - 1) * 1.25 + 8.5 * math.log2(n)) * US + 14 * US
    expected = latency + (r - n) / r * size / (225e9 * f) + (n - 1) / r * size / (25e9 * f)
    links = (450e9 * f, 50e9 * f, 1.25 * US, 8.5 * US, 14 * US)
    assert float(all_reduce_time(size, r, r / n, *links)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}collectives:all_to_all_time")
def test_all_to_all_takes_the_slower_kind_of_link() -> None:
    links = (450e9, 50e9, 1 * US, 5 * US, 7 * US)
    across = 5 * US + (32 - 8) / 32 * 1e9 / 50e9 + 7 * US
    assert float(all_to_all_time(1e9, 32.0, 8.0, *links)) == pytest.approx(across, rel=1e-13)
    within = 1 * US + 7 / 8 * 1e9 / 450e9 + 7 * US
    assert float(all_to_all_time(1e9, 8.0, 8.0, *links)) == pytest.approx(within, rel=1e-13)


@pytest.mark.closed_form
@pytest.mark.reference(f"{ROOM}collectives:point_to_point_time")
def test_message_time() -> None:
    assert point_to_point_time(1e6, 50e9, 5 * US) == pytest.approx(25 * US)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.compute.collectives:expert_exchange_time")
def test_exchange_crosses_the_network_once_per_domain() -> None:
    # 32 ranks in 4 domains of 8, 8 experts a token: it reaches 4·(1 − (3/4)^8) domains, 3/4 of them remote
    reached = 4 * (1 - 0.75**8)
    outside = 1000 * 7168 * reached * 0.75 / 50e9 + 5e-6
    inside = 1000 * 7168 * 8 * 7 / 8 / 200e9 + 1e-6
    time = expert_exchange_time(1000.0, 7168.0, 8.0, 32.0, 8.0, 200e9, 50e9, 1e-6, 5e-6, 7e-6)
    assert time == pytest.approx(7e-6 + max(outside, inside))
    assert expert_exchange_time(1000.0, 7168.0, 8.0, 1.0, 1.0, 200e9, 50e9, 1e-6, 5e-6, 7e-6) == 0.0
    limited = expert_exchange_time(1000.0, 7168.0, 8.0, 32.0, 8.0, 200e9, 10e9, 1e-6, 5e-6, 7e-6, 2.0)
    assert limited == pytest.approx(7e-6 + 5e-6 + 1000 * 7168 * 2 * 0.75 / 10e9)
