"""Throughput of the compute room over a grid of batch, context, precision and accelerators.

Run: python benchmarks/compute_grid.py [points]
Prints grid points per second of every function that takes a grid; the target is a million.
"""

# %%
from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

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

REPEATS = 5
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


def best(run: Callable[[], np.ndarray]) -> float:
    """Return the shortest time of several runs [s]."""
    seconds = []
    for _ in range(REPEATS):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return min(seconds)


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


def main(points: int) -> None:
    """Time every function on the dense grid and print points per second; then four groups of layers over two."""
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
    print(f"{batch.size:,} points")
    for name, run in work.items():
        seconds, size = best(run), np.asarray(run()).size
        print(f"{name:28} {seconds * 1e3:9.1f} ms   {size / seconds / 1e6:9.1f} M points/s")
    two, four = sums(shape("gpt-oss-120b"), axes), sums(shape(FOUR, "four groups"), axes)
    print("four groups of layers with three windows, over two with one (gpt-oss-120b):")
    for name in two:
        print(f"{name:28} {best(four[name]) / best(two[name]):9.2f}")


# %%
if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000)
