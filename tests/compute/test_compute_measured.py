"""The measurement script for accelerators: it recovers known figures from its rows, and writes catalog files."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

from costmodel.compute import machine
from costmodel.compute.machine import TILE_ROWS
from costmodel.compute.roofline import product_time


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[2] / "benchmarks" / "measure_accelerator.py"
    spec = importlib.util.spec_from_file_location("measure_accelerator", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["measure_accelerator"] = module
    spec.loader.exec_module(module)
    return module


def _rows(script, share, memory, half, lost, launch):
    """Return rows of a chip with these figures; prefill attention at 0.6 of the peak, half of this at 800 tokens."""
    chip = machine("H200-SXM", "bf16")
    rows = []
    for columns, inner in script.PRODUCTS:
        for count in script.ROWS:
            sizes = (float(count), float(columns), float(inner), 1.0, 2.0, 2.0)
            limits = (chip.head.peak, chip.bandwidth, share, memory, half, TILE_ROWS, lost, launch)
            seconds = float(product_time(*sizes, *limits))
            rows.append(script.Row("H200-SXM", "product", "bf16", count, columns, inner, 0, 0, seconds, seconds))
    for length in script.LENGTHS:
        # causal: a token meets half of the sequence; scores and values, each two operations an element
        flop = 4 * 64 * 128 * length * (length + 800) / 2
        seconds = flop / (0.6 * chip.scores_peak)
        rows.append(script.Row("H200-SXM", "prefill attention", "bf16", 0, 0, 0, 0, length, seconds, seconds))
    return rows


@pytest.mark.closed_form
def test_the_figures_behind_measured_rows_are_found_and_written(script):
    rows = _rows(script, 0.7, 0.8, 200.0, 4e5, 4e-6)
    found = script.product_figures(rows, "bf16")
    assert found.values == pytest.approx([0.7, 0.8, 200.0, 4e5, 4e-6], rel=0.02)
    assert found.error < 1e-3
    (record,) = tomllib.loads(script.record(rows, "torch 0"))["record"]
    assert record["id"] == "H200-SXM"
    assert record["compute_share_bf16"]["value"] == pytest.approx(0.7, rel=0.02)
    assert record["memory_share"]["value"] == pytest.approx(0.8, rel=0.02)
    assert record["attention_share"]["value"] == pytest.approx(0.6, rel=0.02)
    assert record["half_sequence"]["value"] == pytest.approx(800.0, rel=0.05)
    # no 8-bit product was measured
    assert "compute_share_fp8" not in record
