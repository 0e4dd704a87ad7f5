"""Ensembles on a cluster: costs measured with two local Dask workers and a Zarr store, and a plan for hundreds.

Measured are seconds per block of a worker, seconds per task of the caller and the scheduler (one process here), and the
seconds in which a store takes a block, by number of arrays and megabytes. Extrapolated are runs with more workers: the
plan assumes that workers are like those measured and share nothing but the caller and the store, that the scheduler's
cost per task does not grow with the workers, and that a file system writes for all at once as fast as for one. Seconds
are processor time, so that waiting for a slow file system comes on top.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from timing import Row

import costmodel
from costmodel.analysis import ensemble, store
from costmodel.analysis.ensemble import BlockOutputs, BlockRun, chosen_model, run_ensemble
from costmodel.analysis.store import store_ensemble
from costmodel.foundation.blocks import BLOCK, spans
from costmodel.foundation.design import Design
from costmodel.foundation.executors import ordered_map
from costmodel.foundation.outputs import OutputSpec

SCENARIO = "bond-flywheel"
FEW = ("tokens@2030", "user_spend@2030", "capex@2030")
"""Outputs of a run that asks for little."""
IDLE_TASKS = 300
"""Tasks that compute nothing [1], to time the caller and the scheduler."""
BLOCK_COUNTS = (2, 6)
"""Blocks of the ensembles whose wall times are compared [1]."""
STORED = ((1, 1), (1, 64), (4, 1), (4, 32), (16, 1), (16, 8), (64, 1), (64, 4))
"""Arrays of a block, and cells of each array, that are written to a store [1]."""
WRITES = 3
"""Blocks written for each of them [1]."""
TIMED = 7
"""Blocks that are timed on workers [1]."""
ROUNDS = 2
"""Rounds of ensembles, interleaved [1]."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured costs of a kind of ensemble [s], with the arrays and the size of a stored block."""

    task: float
    """Caller and scheduler, for a task."""
    merge: float
    """Caller, for a returned summary of one block or several."""
    block: float
    """Worker, for a block."""
    write: tuple[float, float, float]
    """Worker, for a stored block: at least, for each array, and for each megabyte."""
    arrays: int
    megabytes: float

    @property
    def stored(self) -> float:
        """Seconds in which a worker stores a block."""
        least, each, megabyte = self.write
        return least + each * self.arrays + megabyte * self.megabytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Predicted run on many workers."""

    seconds: float
    binding: str
    """What determines the time: the workers or the caller."""
    blocks_of_task: int
    most_workers: int
    """Workers that the caller keeps busy with tasks of this size [1]."""
    terabytes: float
    files: int


def planned(costs: Costs, draws: int, workers: int, *, kept: bool) -> Plan:
    """Predict time and size of an ensemble; ``kept``: stored, and otherwise summarized."""
    blocks = ceil(draws / BLOCK)
    tasks = spans(blocks, workers)
    size = len(tasks[0])
    of_worker = size * (costs.block + (costs.stored if kept else 0.0))
    of_caller = costs.task + (0.0 if kept else costs.merge)
    busy, calling = ceil(len(tasks) / workers) * of_worker, len(tasks) * of_caller
    return Plan(
        seconds=max(busy, calling),
        binding="the workers" if busy >= calling else "the caller",
        blocks_of_task=size,
        most_workers=int(of_worker / of_caller),
        terabytes=blocks * costs.megabytes / 1e6 if kept else 0.0,
        files=blocks * (costs.arrays + 1) if kept else 0,
    )


@dataclass(frozen=True, slots=True)
class Nothing:
    """Task that carries a run to a worker and computes nothing."""

    run: Any

    def __call__(self, block: int) -> int:
        return block


@dataclass(frozen=True, slots=True)
class Timed:
    """Task that returns the processor seconds of another on a worker."""

    task: Any

    def __call__(self, blocks: Any) -> float:
        begin = time.process_time()
        self.task(blocks)
        return time.process_time() - begin


@contextmanager
def two_workers() -> Iterator[Any]:
    """Start two local workers with one thread each, and yield an executor."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor()


def stored_block(arrays: int, cells: int, block: int) -> BlockOutputs:
    """Return a block of random numbers, which don't compress."""
    rng = np.random.default_rng(block)
    specs = tuple(OutputSpec(f"output_{number}", ("cell",), "1", "random") for number in range(arrays))
    return BlockOutputs(block, specs, tuple(rng.random((cells, BLOCK)) for _ in specs), {"cell": range(cells)})


def store_costs() -> tuple[float, float, float]:
    """Fit seconds of writing a block: at least, for each array, and for each megabyte."""
    rows, seconds = [], []
    scenario = costmodel.load_scenario(SCENARIO)
    design = Design.random(scenario, (WRITES + 1) * BLOCK, 0)
    for arrays, cells in STORED:
        identity = store._identity(BlockRun(chosen_model(None, scenario), scenario, design))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store"
            store._create(path, identity, stored_block(arrays, cells, 0), design)
            spent = []
            for block in range(1, WRITES + 1):
                outputs = stored_block(arrays, cells, block)
                begin = time.process_time()
                store._write(path, outputs)
                spent.append(time.process_time() - begin)
        rows.append((1.0, arrays, arrays * cells * BLOCK * 8 / 1e6))
        seconds.append(min(spent))
    # relative errors, so that small blocks count as much as large ones
    weights = 1.0 / np.array(seconds)
    found, *_ = np.linalg.lstsq(np.array(rows) * weights[:, None], np.array(seconds) * weights, rcond=None)
    return float(found[0]), float(found[1]), float(found[2])


def merge_seconds(run: BlockRun) -> float:
    """Return processor seconds in which the caller reads and merges a returned summary."""
    reduction = ensemble._Reduction((), (), "mask")
    parts = [reduction(run(block)) for block in range(2)]
    text = pickle.dumps(parts[1])
    total = ensemble._merged(*parts)
    spent = []
    for _ in range(5):
        begin = time.process_time()
        ensemble._merged(total, pickle.loads(text))
        spent.append(time.process_time() - begin)
    return min(spent)


def task_seconds(run: BlockRun, executor: Any) -> float:
    """Return processor seconds of this process, which holds the caller and the scheduler, for a task."""
    task = Nothing(ensemble._Task(run, ensemble._Reduction((), (), "mask")))
    list(ordered_map(task, range(20), executor))
    begin = time.process_time()
    list(ordered_map(task, range(IDLE_TASKS), executor))
    return (time.process_time() - begin) / IDLE_TASKS


def ensembles(outputs: tuple[str, ...] | None, executor: Any) -> tuple[dict[int, float], dict[int, float]]:
    """Return the least wall seconds of ensembles on two workers by number of blocks: summarized, and stored."""
    scenario = costmodel.load_scenario(SCENARIO)
    summarized = dict.fromkeys(BLOCK_COUNTS, float("inf"))
    stored = dict(summarized)
    common = {"rng": 0, "executor": executor, "engine": "compiled"}
    run_ensemble(scenario, outputs, draws=4 * BLOCK, **common)
    for _ in range(ROUNDS):
        for blocks in BLOCK_COUNTS:
            begin = time.perf_counter()
            run_ensemble(scenario, outputs, draws=blocks * BLOCK, **common)
            summarized[blocks] = min(summarized[blocks], time.perf_counter() - begin)
            with tempfile.TemporaryDirectory() as folder:
                begin = time.perf_counter()
                store_ensemble(Path(folder) / "store", scenario, outputs, draws=blocks * BLOCK, **common)
                stored[blocks] = min(stored[blocks], time.perf_counter() - begin)
    return summarized, stored


def measured(outputs: tuple[str, ...] | None, write: tuple[float, float, float], executor: Any) -> tuple[Costs, float]:
    """Measure the costs of an ensemble of some outputs; also the seconds of a block that a worker runs and stores."""
    scenario = costmodel.load_scenario(SCENARIO)
    design = Design.random(scenario, TIMED * BLOCK, 0)
    run = BlockRun.of(chosen_model(None, scenario), scenario, design, outputs, "compiled")
    block = run(0)
    task = Timed(ensemble._Task(run, ensemble._Reduction((), (), "mask")))
    spent = min(ordered_map(task, spans(TIMED, 1), executor))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        store._create(path, store._identity(run), block, design)
        kept = min(
            ordered_map(Timed(store._WriteBlocks(run, path)), [[number] for number in range(1, TIMED)], executor)
        )
    costs = Costs(
        task=task_seconds(run, executor),
        merge=merge_seconds(run),
        block=spent,
        write=write,
        arrays=len(block.values),
        megabytes=sum(value.nbytes for value in block.values) / 1e6,
    )
    return costs, kept


def cluster() -> list[Row]:
    """Measure two workers, compare them with the plan for two, and plan for more."""
    write = store_costs()
    rows: list[Row] = [
        ("store: a block at least", write[0], "fitted"),
        ("store: each array of a block", write[1], "fitted; a file and its folder are flushed for each"),
        ("store: each megabyte", write[2], "fitted, random numbers"),
    ]
    with two_workers() as executor:
        for name, outputs in (("three figures", FEW), ("default outputs", None)):
            costs, kept = measured(outputs, write, executor)
            rows += [
                (f"{name}: block, worker", costs.block, f"{BLOCK / costs.block:,.0f} draws a second"),
                (f"{name}: task, caller and scheduler", costs.task, ""),
                (f"{name}: returned summary, caller", costs.merge, ""),
                (f"{name}: storing a block, worker", costs.stored, f"{costs.arrays} arrays, {costs.megabytes:.1f} MB"),
                (f"{name}: block, run and stored", kept, f"{kept / (costs.block + costs.stored):.2f} of their sum"),
            ]
            if outputs is not None:
                rows += checked(name, costs, executor)
            rows += plans(name, costs)
    return rows


def checked(name: str, costs: Costs, executor: Any) -> list[Row]:
    """Compare the plan for two workers with runs on two."""
    rows: list[Row] = []
    for kept, seconds in enumerate(ensembles(FEW, executor)):
        few, many = BLOCK_COUNTS
        each = (seconds[many] - seconds[few]) / (many - few)
        expected = (costs.block + (costs.stored if kept else 0.0)) / 2.0
        what = "stored" if kept else "summarized"
        said = f"the plan says {expected:.3f}; wall, at load {os.getloadavg()[0]:.1f}"
        rows.append((f"{name}, {what}: each block on two workers", each, said))
    return rows


def plans(name: str, costs: Costs, draws: int = 10**9) -> list[Row]:
    """Plan a run of many draws on many workers, with tasks as the library forms them."""
    rows: list[Row] = []
    for kept in (False, True):
        what = f"{name}, {draws:.0e} draws, {'stored' if kept else 'summarized'}"
        for workers in (2, 100, 300, 1000):
            plan = planned(costs, draws, workers, kept=kept)
            said = f"extrapolated: {plan.seconds / 3600:.2f} h, bound by {plan.binding}"
            said += f"; tasks of {plan.blocks_of_task} blocks keep {plan.most_workers:,} workers busy"
            said += f"; {plan.terabytes:.2f} TB in {plan.files:,} files" if kept else ""
            rows.append((f"{what}, {workers} workers", plan.seconds, said))
    return rows
