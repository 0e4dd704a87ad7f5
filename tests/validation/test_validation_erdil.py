"""Erdil's two models against the paper's table."""

import csv
import io

import numpy as np
import pytest

from costmodel.validation.replicas.erdil import erdil_all_reduce_time, erdil_full_step_time, erdil_simple_step_time

# Erdil (2025), arXiv 2506.04645, and its notebook: Llama-3-70B, bf16, milliseconds per token on H100.
TABLE = """n,batch,context,simple,paper,usd_per_m
4,64,0,13.250,16.499,0.602
4,64,2048,13.250,19.753,0.720
8,1,0,8.435,9.453,44.114
8,64,0,8.435,11.324,0.826
8,64,2048,8.435,12.951,0.944
8,256,2048,8.435,22.040,0.402
16,1,0,6.512,8.440,78.769
"""
ROWS = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(TABLE))]
PEAK, BANDWIDTH, PARAMETERS = 1e15, 3.3e12, 70.5537e9


def full(row):
    return erdil_full_step_time(
        80, 8192, 28672, 64, 8, 128, 128256, 2, row["n"], row["batch"], row["context"], PEAK, BANDWIDTH
    )


@pytest.mark.published
@pytest.mark.reference("costmodel.validation.replicas.erdil:erdil_simple_step_time")
@pytest.mark.parametrize("row", ROWS)
def test_simple_model_is_exact_to_the_printed_digits(row):
    time = erdil_simple_step_time(80, PARAMETERS, 2, row["n"], row["batch"], PEAK, BANDWIDTH)
    assert round(float(time) * 1e3, 3) == row["simple"]


@pytest.mark.published
@pytest.mark.reference("costmodel.validation.replicas.erdil:erdil_full_step_time")
@pytest.mark.parametrize("row", ROWS)
def test_full_model_within_two_percent(row):
    assert float(full(row)) * 1e3 == pytest.approx(row["paper"], rel=0.02)


@pytest.mark.published
@pytest.mark.parametrize("row", ROWS)
def test_full_model_gives_the_printed_cost(row):
    # dollars per million tokens = 1e6 * N * 2.10 / 3600 * t / batch
    cost = 1e6 * row["n"] * 2.10 / 3600 * float(full(row)) / row["batch"]
    assert cost == pytest.approx(row["usd_per_m"], rel=0.02)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.validation.replicas.erdil:erdil_all_reduce_time")
def test_small_messages_take_the_low_latency_protocol_and_large_ones_the_simple():
    # two ranks in one node, 1 kB: 2 * (2 - 1) * 0.6 + 6.8 = 8 us, then half of 1 kB at 225 GB/s * 0.5
    assert float(erdil_all_reduce_time(1e3, 2.0, 1.0)) == pytest.approx(8e-6 + 0.5 * 1e3 / (225e9 * 0.5))
    # 100 MB: 2 * 28 = 56 us, then half of it at the whole 225 GB/s, against 0.95 of it with 16.5 us
    low_latency_128 = 16.5e-6 + 0.5 * 1e8 / (225e9 * 0.95)
    simple = 56e-6 + 0.5 * 1e8 / 225e9
    assert float(erdil_all_reduce_time(1e8, 2.0, 1.0)) == pytest.approx(min(low_latency_128, simple))
    assert float(erdil_all_reduce_time(1e9, 2.0, 1.0)) == pytest.approx(56e-6 + 0.5 * 1e9 / 225e9)
    assert float(erdil_all_reduce_time(1e9, 1.0, 1.0)) == 0.0


@pytest.mark.closed_form
def test_grids_broadcast():
    batch, context = np.array([1.0, 64.0])[:, None], np.array([0.0, 2048.0, 4096.0])
    times = erdil_full_step_time(80, 8192, 28672, 64, 8, 128, 128256, 2, 8, batch, context, PEAK, BANDWIDTH)
    assert times.shape == (2, 3)
    assert np.all(np.diff(times, axis=1) > 0)
