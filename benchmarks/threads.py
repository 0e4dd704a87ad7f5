"""Two threads against one: the compiled step, a NumPy loop, and arithmetic in C, which tells what the machine gives.

Each call does the same work twice, on one worker and then on two. Where the two halves of a call are independent and
nothing else runs, the time halves. The wall time tells what other work on the machine left; the processor time of two
threads over that of one tells what the threads take from each other, even on a busy machine.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from timing import Row, c_compiler, library

import costmodel
from costmodel.analysis.ensemble import BlockRun, chosen_model
from costmodel.flywheel import compiled
from costmodel.flywheel.simulate import Run, first_draw
from costmodel.foundation.arrays import quiet
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.machine_code import machine

ROUNDS = 9
"""Number of interleaved rounds [1]."""
TURNS = 200_000_000
"""Turns of the loop of arithmetic in C [1]: about 0.3 s."""
LOGARITHMS = 8_000
"""Pairs of an exponential and a logarithm of 8,192 numbers in NumPy [1]: about 0.3 s."""


def arithmetic(_: int = 0) -> None:
    """Multiply and add in registers."""
    loop = library(Path(__file__).parent / "arithmetic.c").arithmetic
    loop.restype, loop.argtypes = ctypes.c_double, [ctypes.c_long]
    loop(TURNS)


def numpy_loop(_: int = 0) -> None:
    """Take exponentials and logarithms in place, in arrays that fit the cache."""
    numbers = np.linspace(0.0, 1.0, BLOCK)
    for _turn in range(LOGARITHMS):
        np.exp(numbers, out=numbers)
        np.log(numbers, out=numbers)


def compiled_step(name: str) -> Callable[[int], None]:
    """Return a call that takes all steps of a block, with state and outputs of its own for each half."""
    scenario = costmodel.load_scenario(name)
    design = Design.random(scenario, 2 * BLOCK, 0)
    asked = BlockRun.of(chosen_model(None, scenario), scenario, design, None, "compiled").asked
    width = machine()[2]
    halves = []
    with quiet():
        for block in range(2):
            resolved = scenario.resolve(design, block=block)
            halves.append(compiled.bound(Run.start(resolved), Run.start(first_draw(resolved)), BLOCK, asked))
    return lambda half: halves[half].take(0, BLOCK // width, width)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same work on one worker and on two."""

    call: Callable[[int], Any]
    one: Executor
    two: Executor

    def seconds(self, pool: Executor) -> tuple[float, float]:
        """Return wall and processor time of both halves [s]; the latter is that of this process."""
        begin, spent = time.perf_counter(), time.process_time()
        for half in [pool.submit(self.call, number) for number in range(2)]:
            half.result()
        return time.perf_counter() - begin, time.process_time() - spent


def two_threads() -> list[Row]:
    """Time each kind of work on one worker and on two, in turn, and print medians of the ratios."""
    spawn = multiprocessing.get_context("spawn")
    with (
        ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two,
        ProcessPoolExecutor(1, spawn) as single, ProcessPoolExecutor(2, spawn) as double,
    ):  # fmt: skip
        pairs = {
            "compiled step of bond-flywheel, threads": Pair(compiled_step("bond-flywheel"), one, two),
            "NumPy loop, threads": Pair(numpy_loop, one, two),
            "NumPy loop, processes": Pair(numpy_loop, single, double),
        }
        if c_compiler():
            pairs["arithmetic in C, threads"] = Pair(arithmetic, one, two)
            pairs["arithmetic in C, processes"] = Pair(arithmetic, single, double)
        for pair in pairs.values():
            pair.seconds(pair.one), pair.seconds(pair.two)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pairs}
        loads = []
        for _ in range(ROUNDS):
            loads.append(os.getloadavg()[0])
            for name, pair in pairs.items():
                (wall, spent), (parallel, both) = pair.seconds(pair.one), pair.seconds(pair.two)
                found[name].append((wall, wall / parallel, both / spent))
    note = f"load {min(loads):.1f} to {max(loads):.1f}"
    rows = []
    for name, rounds in found.items():
        gains = sorted(gain for _, gain, _ in rounds)
        said = f"two workers {statistics.median(gains):.2f} times one (wall, {gains[0]:.2f} to {gains[-1]:.2f}; {note})"
        if "threads" in name:
            said += f"; {statistics.median(more for *_, more in rounds):.2f} times the processor time"
        rows.append((name, min(wall for wall, *_ in rounds), said))
    return rows
