"""Grid points per second of serving: batch, context, precision, accelerators and layout in one call.

Run: python benchmarks/serving_grid.py [points]
The grid is computed twice: as axes that broadcast, and dense, every argument an array of all points. The domain
promises a million points a second either way.
"""

# %%
from __future__ import annotations

import sys
from dataclasses import fields, replace
from time import perf_counter
from typing import Any

import numpy as np

from costmodel.compute import shape
from costmodel.serving import (
    OVERHEAD,
    Chip,
    Engine,
    Layout,
    Precision,
    Traffic,
    chip_of,
    engine_of,
    precision_of,
    serve,
)
from costmodel.serving.blocks import grid_shape

REPEATS = 3
ACCELERATORS = ("H100-SXM", "H200-SXM", "B200", "MI300X", "MI355X")
PRECISIONS = ("bf16", "fp8")
TENSOR = (1.0, 2.0, 4.0, 8.0, 2.0, 4.0, 8.0, 16.0)
PIPELINE = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0)


def stack(kind: type, members: list[Any]) -> Any:
    """Return one object whose fields run over the members on the first of four axes."""
    columns = {item.name: np.array([getattr(member, item.name) for member in members]) for item in fields(kind)}
    return kind(**{name: column.reshape(-1, 1, 1, 1) for name, column in columns.items()})


def grid(points: int) -> tuple[Any, ...]:
    """Return chip, engine, layout, precision, traffic and batch on open axes of about ``points`` in all."""
    pairs = [(chip, precision) for chip in ACCELERATORS for precision in PRECISIONS]
    batches = max(round((points / len(pairs) / len(TENSOR)) ** (2 / 3)), 1)
    contexts = max(round(points / len(pairs) / len(TENSOR) / batches), 1)
    context = np.geomspace(256.0, 65536.0, contexts).reshape(-1, 1)
    return (
        stack(Chip, [chip_of(*pair) for pair in pairs]),
        stack(Engine, [engine_of(*pair, overhead=OVERHEAD.value) for pair in pairs]),
        Layout(tensor=np.array(TENSOR).reshape(-1, 1, 1), pipeline=np.array(PIPELINE).reshape(-1, 1, 1)),
        stack(Precision, [precision_of(precision, "fp8") for _, precision in pairs]),
        Traffic(mean_input=context, mean_output=context / 8.0),
        np.arange(1.0, batches + 1.0),
    )


def dense(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with every array spread over all points."""
    size = grid_shape(*arguments)

    def spread(argument: Any) -> Any:
        if isinstance(argument, np.ndarray):
            return np.broadcast_to(argument, size).ravel()
        if isinstance(argument, float):
            return argument
        return replace(argument, **{item.name: spread(getattr(argument, item.name)) for item in fields(argument)})

    return tuple(spread(argument) for argument in arguments)


def main(points: int) -> None:
    """Time every mode on both forms of the grid and print points per second."""
    axes = grid(points)
    forms = {"axes": axes, "dense": dense(axes)}
    print(f"{int(np.prod(grid_shape(*axes))):,} points")
    for name in ("Llama-3-70B", "DeepSeek-V3"):
        for form, arguments in forms.items():
            for mode in ("interleaved", "chunked", "disaggregated"):
                seconds = []
                for _ in range(REPEATS):
                    start = perf_counter()
                    size = serve(shape(name), *arguments, mode=mode).tokens_per_second.size
                    seconds.append(perf_counter() - start)
                best = min(seconds)
                print(f"{name:12} {form:6} {mode:14} {best * 1e3:8.0f} ms   {size / best / 1e6:6.2f} M points/s")


# %%
if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000)
