"""Grid points per second of serving: batch, context, precision, accelerators and layout in one call.

The grid is computed twice: as axes that broadcast, and dense, with every argument an array of all points. The target
is a million points a second for both.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from timing import Row, least

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


def serving_grid(points: int = 200_000) -> list[Row]:
    """Time every mode on both forms of the grid."""
    rows: list[Row] = []
    for name in ("Llama-3-70B", "DeepSeek-V3"):
        axes = grid(name, points)
        forms = {"axes": axes, "dense": dense(axes)}
        for form, arguments in forms.items():
            modes = ("interleaved", "chunked", "disaggregated")
            calls = {mode: partial(serve, *arguments, mode=mode) for mode in modes}
            size = int(np.prod(grid_shape(*arguments)))
            for mode, seconds in least(calls, process_time, REPEATS).items():
                said = f"{size / seconds / 1e6:.2f} M points a second, {size:,} points"
                rows.append((f"serving grid: {name}, {form}, {mode}", seconds, said))
    return rows
