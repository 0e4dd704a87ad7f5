"""Grid points per second of serving: batch, context, precision, accelerators and layout in one call.

Run: python benchmarks/serving_grid.py [points]
The grid is computed twice: as axes that broadcast, and dense, with every argument an array of all points. The target
is a million points a second for both.
"""

# %%
from __future__ import annotations

import sys
from dataclasses import fields, replace
from time import perf_counter
from typing import Any

import numpy as np

from costmodel.compute import Shape
from costmodel.serving import (
    Configuration,
    Layout,
    Traffic,
    configuration_of,
    serve,
)
from costmodel.serving.blocks import grid_shape, stacked

REPEATS = 3
ACCELERATORS = ("H100-SXM", "H200-SXM", "B200", "MI300X", "MI355X")
PRECISIONS = ("bf16", "fp8")
TENSOR = (1.0, 2.0, 4.0, 8.0, 2.0, 4.0, 8.0, 16.0)
PIPELINE = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0)


def grid(name: str, points: int) -> tuple[Any, ...]:
    """Return configuration, traffic and batch of a model on open axes of about ``points`` in all."""
    pairs = [(chip, precision) for chip in ACCELERATORS for precision in PRECISIONS]
    batches = max(round((points / len(pairs) / len(TENSOR)) ** (2 / 3)), 1)
    contexts = max(round(points / len(pairs) / len(TENSOR) / batches), 1)
    context = np.geomspace(256.0, 65536.0, contexts).reshape(-1, 1)
    members = [configuration_of(name, *pair) for pair in pairs]
    each = np.arange(len(members)).reshape(-1, 1, 1, 1)
    what = Configuration(
        shape=members[0].shape,
        machine=stacked([member.machine for member in members], each),
        engine=members[0].engine,
        layout=Layout(tensor=np.array(TENSOR).reshape(-1, 1, 1), pipeline=np.array(PIPELINE).reshape(-1, 1, 1)),
        precision=stacked([member.precision for member in members], each),
    )
    return what, Traffic(mean_input=context, mean_output=context / 8.0), np.arange(1.0, batches + 1.0)


def dense(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with every array broadcast to all points."""
    size = grid_shape(*arguments)

    def spread(argument: Any) -> Any:
        if isinstance(argument, np.ndarray):
            return np.broadcast_to(argument, size).ravel()
        if isinstance(argument, float | Shape | tuple):
            return argument
        return replace(argument, **{item.name: spread(getattr(argument, item.name)) for item in fields(argument)})

    return tuple(spread(argument) for argument in arguments)


def main(points: int) -> None:
    """Time every mode on both forms of the grid and print points per second."""
    for name in ("Llama-3-70B", "DeepSeek-V3"):
        axes = grid(name, points)
        forms = {"axes": axes, "dense": dense(axes)}
        print(f"{int(np.prod(grid_shape(*axes))):,} points")
        for form, arguments in forms.items():
            for mode in ("interleaved", "chunked", "disaggregated"):
                seconds = []
                for _ in range(REPEATS):
                    start = perf_counter()
                    size = serve(*arguments, mode=mode).tokens_per_second.size
                    seconds.append(perf_counter() - start)
                best = min(seconds)
                print(f"{name:12} {form:6} {mode:14} {best * 1e3:8.0f} ms   {size / best / 1e6:6.2f} M points/s")


# %%
if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000)
