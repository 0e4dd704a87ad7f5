"""Throughput of the compute room over a grid of batch, context, precision and accelerators.

Gives grid points per second of every function that takes a grid; the target is a million.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import numpy as np
from timing import Row, least

from costmodel.compute import (
    Shape,
    activation_bytes,
    all_to_all_time,
    block_time,
    blocks,
    cache_bytes,
    decode_flop_per_token,
    forward_flop_per_token,
    local_ranks,
    machine,
    shape,
    touched_weight_bytes,
    training_state_bytes,
    weight_bytes,
)
from costmodel.compute.precision import by_part

_ROUTED = {"kind": "routed", "experts": 128, "top_k": 4, "d_ff_expert": 2880}
_HEADS = {"kind": "grouped", "heads": 64, "kv_heads": 8, "head_dim": 64}
FOUR = {
    "d_model": 2880,
    "vocabulary": 201088,
    "groups": [
        {"layers": 9, "mixer": _HEADS, "feed_forward": _ROUTED},
        {"layers": 9, "mixer": _HEADS | {"window": 128}, "feed_forward": _ROUTED},
        {"layers": 9, "mixer": _HEADS | {"window": 1024}, "feed_forward": {"kind": "dense", "d_ff": 8192}},
        {"layers": 9, "mixer": _HEADS | {"window": 4096}, "feed_forward": _ROUTED},
    ],
}


def grid(points: int) -> tuple[np.ndarray, ...]:
    """Return batch, context, bytes per element and accelerators on open axes of about ``points`` in all."""
    side = max(round((points / 4) ** (1 / 3)), 1)
    batch = np.geomspace(1.0, 4096.0, side).reshape(-1, 1, 1, 1)
    context = np.geomspace(128.0, 131072.0, side).reshape(1, -1, 1, 1)
    width = np.array([0.5, 1.0, 2.0, 4.0]).reshape(1, 1, -1, 1)
    chips = np.geomspace(1.0, 256.0, side).reshape(1, 1, 1, -1)
    return batch, context, width, chips


def dense(*axes: np.ndarray) -> list[np.ndarray]:
    """Return axes broadcast to the full grid, so that every function computes every point."""
    return [np.ascontiguousarray(axis) for axis in np.broadcast_arrays(*axes)]


def decode_step(
    model: Shape, batch: np.ndarray, context: np.ndarray, width: np.ndarray, chips: np.ndarray
) -> np.ndarray:
    """Return the time of a decode step, composed as in serving."""
    chip = machine("H100-SXM")
    stored = by_part(width)
    busy = sum(block_time(chip, block, batch, batch, stored) for block in blocks(model, batch, chips))
    moved = batch * cache_bytes(model, context, width) / chips
    return busy + chip.moved(moved) + model.layers * 2.0 * chip.all_reduce(batch * 16384.0, chips)


def sums(model: Shape, axes: list[np.ndarray]) -> dict[str, Callable[[], np.ndarray]]:
    """Return the sums over a model's groups of layers."""
    batch, context, width, chips = axes
    return {
        "cache_bytes": lambda: cache_bytes(model, context, width),
        "weight_bytes": lambda: weight_bytes(model, width),
        "touched_weight_bytes": lambda: touched_weight_bytes(model, batch, width),
        "decode_flop_per_token": lambda: decode_flop_per_token(model, context),
        "forward_flop_per_token": lambda: forward_flop_per_token(model, context, cached=batch),
        "activation_bytes": lambda: activation_bytes(model, batch * context, context, chips),
    }


def compute_grid(points: int = 200_000) -> list[Row]:
    """Time every function on the dense grid; then four groups of layers over two."""
    model = shape("DeepSeek-V3")
    axes = dense(*grid(points))
    batch, context, width, chips = axes
    links = (local_ranks(chips, 1.0, 8.0), 450e9, 50e9, 1e-6, 5e-6, 7e-6)
    chip = machine("H100-SXM")
    work: dict[str, Callable[[], np.ndarray]] = {
        **sums(model, axes),
        "training_state_bytes": lambda: training_state_bytes(37e9, width, width, 12.0, chips, chips, chips),
        "product_time": lambda: chip.product("dense", batch, 7168.0, 18432.0, width),
        "all_to_all_time": lambda: all_to_all_time(batch * 7168.0, chips, *links),
        "all_reduce, fastest protocol": lambda: chip.all_reduce(batch * 7168.0, chips),
        "decode step, composed": lambda: decode_step(model, batch, context, width, chips),
    }
    rows: list[Row] = []
    for name, seconds in least(work, process_time).items():
        size = np.asarray(work[name]()).size
        rows.append((f"compute grid: {name}", seconds, f"{size / seconds / 1e6:.1f} M points a second"))
    two, four = sums(shape("gpt-oss-120b"), axes), sums(shape(FOUR, "four groups"), axes)
    for name, call in two.items():
        seconds = least({"two": call, "four": four[name]}, process_time)
        said = f"{seconds['four'] / seconds['two']:.2f} times two groups with one window (gpt-oss-120b)"
        rows.append((f"compute grid: {name}, four groups, three windows", seconds["four"], said))
    return rows
