"""Ensembles of the flywheel: equal bits from every executor, memory, speed, and a profile.

    python benchmarks/ensemble.py                 # all parts at sizes that take a few minutes
    python benchmarks/ensemble.py memory 1000000  # peak memory of one ensemble in a process of its own
    python benchmarks/ensemble.py bits|finite|speed|profile [DRAWS]

Nothing here is a test, since figures depend on the machine. Seconds are processor time, except for ``bits``.
"""

from __future__ import annotations

import cProfile
import io
import itertools
import multiprocessing
import os
import pstats
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np

import costmodel
from costmodel.analysis import ensemble as ensembles
from costmodel.analysis.ensemble import BlockRun, chosen_model, run_ensemble
from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.foundation.blocks import BLOCK

SCENARIO = "from-2026"
KEPT = ("user_spend@2030", "tokens@2030")


def digest(result: EnsembleResult) -> tuple[Any, ...]:
    """Return the whole content of an ensemble as bytes."""
    parts = []
    for name in result:
        entry = result[name]
        moments = entry.moments
        parts += [moments.mean, moments.squares, moments.low, moments.high]
        for side in (entry.histogram.negative, entry.histogram.positive):
            parts += [side.low, side.top, side.counts]
        parts += [entry.draws] if entry.draws is not None else []
    return tuple(part.tobytes() for part in parts)


def bits(draws: int) -> None:
    """Compare the bits of an ensemble on one thread, two threads, two processes and a two-worker Dask cluster."""
    scenario = costmodel.load_scenario(SCENARIO)

    def run(**options: Any) -> tuple[Any, ...]:
        return digest(run_ensemble(scenario, draws=draws, rng=0, exact=KEPT, on_nonfinite="mask", **options))

    def tell(who: str, call: Callable[[], tuple[Any, ...]], expected: tuple[Any, ...] | None) -> tuple[Any, ...]:
        start = time.perf_counter()
        got = call()
        seconds = time.perf_counter() - start
        verdict = "reference" if expected is None else "equal bit for bit" if got == expected else "DIFFERENT"
        print(f"  {who:32} {draws / seconds:12,.0f} draws/s  {verdict}")
        return got

    print(f"{SCENARIO}, {draws:,} draws, seed 0")
    alone = tell("caller alone", run, None)
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as pool:
            tell(f"threads: {workers}", lambda pool=pool: run(executor=pool), alone)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        tell("processes: 2", lambda: run(executor=pool), alone)
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("  Dask is not installed")
        return
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        tell("Dask cluster: 2 workers", lambda: run(executor=client.get_executor()), alone)


def finite(draws: int) -> None:
    """Count draws that are not finite, near a runaway, or limited by a bound."""
    for name in costmodel.scenario_names():
        scenario = costmodel.load_scenario(name)
        if scenario.model != "flywheel":
            continue
        result = run_ensemble(scenario, draws=draws, rng=0, exact=("loop_gain",), on_nonfinite="mask")
        gains = result.kept_draws("loop_gain")
        print(
            f"{name}: {draws:,} draws, not finite {result.draws - result.kept}; loop gain median "
            f"{np.median(gains):.3f}, largest {gains.max():.3f}, above 0.9 in {100 * np.mean(gains > 0.9):.3f} %, "
            f"at least 1 in {100 * np.mean(gains >= 1.0):.3f} %"
        )


def memory(draws: int) -> None:
    """Run one ensemble and print its peak memory and speed; run this in a separate process."""
    import resource

    scenario = costmodel.load_scenario(SCENARIO)
    run_ensemble(scenario, draws=16, rng=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    start = time.process_time()
    result = run_ensemble(scenario, draws=draws, rng=0, on_nonfinite="mask")
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(
        f"{SCENARIO}: {draws:>9,} draws  peak {peak:6.0f} MB (one block: {before:.0f} MB)  {seconds:7.1f} s  "
        f"{draws / seconds:9,.0f} draws/s  not finite {result.draws - result.kept}"
    )


def memory_of_each(most: int) -> None:
    """Measure memory at growing numbers of draws, each in a separate process."""
    for draws in (10_000, 100_000, 1_000_000):
        if draws <= most:
            subprocess.run([sys.executable, os.fspath(__file__), "memory", str(draws)], check=True)


def variant(steps_per_year: str, years: int, copies: int) -> Any:
    """Return the scenario with another step, horizon and number of workloads."""
    form = costmodel.load_scenario(SCENARIO).written()
    form["time"] |= {"step": steps_per_year, "end": f"{2026 + years}-07-01"}
    first = list(form["market"].items())
    form["market"] = dict(first[:copies]) if copies <= len(first) else dict(first)
    for extra in range(copies - len(first)):
        form["market"][f"more_{extra}"] = first[0][1]
    return type(costmodel.load_scenario(SCENARIO))(**form)


def speed(draws: int) -> None:
    """Measure seconds per block against steps, workloads and draws."""
    print(
        f"{'steps':>6} {'workloads':>9} {'draws':>8} {'seconds':>8} {'draws/s':>10} {'ns per draw, step, workload':>28}"
    )
    cases = [(step, years, 4, draws) for step, years in (("quarter", 4), ("month", 4), ("month", 8), ("half-month", 8))]
    cases += [("quarter", 4, copies, draws) for copies in (1, 2, 8, 16)]
    cases += [("quarter", 4, 4, factor * draws) for factor in (2, 4)]
    for step, years, copies, count in cases:
        scenario = variant(step, years, copies)
        run_ensemble(scenario, draws=16, rng=0, on_nonfinite="mask", outputs=["loop_gain"])
        start = time.process_time()
        run_ensemble(scenario, draws=count, rng=0, on_nonfinite="mask", outputs=["user_spend@*", "tokens@*"])
        seconds = time.process_time() - start
        steps = scenario.grid.steps
        each = 1e9 * seconds / (count * steps * copies)
        print(f"{steps:6} {copies:9} {count:8,} {seconds:8.2f} {count / seconds:10,.0f} {each:28.0f}")


def profile(draws: int) -> None:
    """Time simulation and summary separately, then list the functions that take the most time."""
    scenario = costmodel.load_scenario(SCENARIO)
    design = costmodel.Design.random(scenario, draws, 0)
    run = BlockRun(chosen_model(None, scenario), scenario, design)
    reduction = ensembles._Reduction((), (), "mask")
    total = None
    seconds = dict.fromkeys(("draw", "simulate", "select", "summarize and merge"), 0.0)
    for block in range(design.blocks):
        marks = [time.process_time()]
        resolved = scenario.resolve(design, block=block)
        marks.append(time.process_time())
        result = run.model(resolved)
        marks.append(time.process_time())
        outputs = ensembles.collect(result, None, block, design.block_draws(block))
        marks.append(time.process_time())
        part = reduction(outputs)
        total = part if total is None else ensembles._merged(total, part)
        marks.append(time.process_time())
        for key, (begin, end) in zip(seconds, itertools.pairwise(marks), strict=True):
            seconds[key] += end - begin
    whole = sum(seconds.values())
    for key, spent in seconds.items():
        print(f"  {key:22} {1e3 * spent / design.blocks:8.1f} ms per block of {BLOCK}  {100 * spent / whole:5.1f} %")
    profiler = cProfile.Profile()
    profiler.enable()
    run(0)
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(18)
    print("\n".join(line for line in text.getvalue().splitlines()[4:] if line.strip()))


PARTS: dict[str, tuple[Callable[[int], None], int]] = {
    "bits": (bits, 3 * BLOCK + 1000),
    "finite": (finite, 100_000),
    "speed": (speed, BLOCK),
    "profile": (profile, 4 * BLOCK),
    "memory": (memory, 1_000_000),
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        part, usual = PARTS[sys.argv[1]]
        part(int(sys.argv[2]) if len(sys.argv) > 2 else usual)
    else:
        for name, (part, usual) in PARTS.items():
            print(f"\n== {name}")
            (memory_of_each if name == "memory" else part)(usual)
