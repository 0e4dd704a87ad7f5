"""The suite of benchmarks: ``python benchmarks/run.py [PART ...] [--json FILE]``; ``--help`` lists the parts.

Seconds are processor time of this process unless a row says wall. On a shared machine, read the ratios: compared calls
are interleaved, and the least time of several rounds counts for each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import costmodel
from costmodel.analysis.ensemble import BlockRun, chosen_model, run_ensemble
from costmodel.flywheel import compiled
from costmodel.flywheel.simulate import Run, first_draw, run_resolved
from costmodel.foundation.arrays import quiet
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.engines import using
from costmodel.foundation.machine_code import machine
from costmodel.foundation.reducers import Moments

sys.path.insert(0, str(Path(__file__).parent / "limit"))
sys.path.insert(0, str(Path(__file__).parent))
from hand import bound as by_hand
from hand import compiler, differences
from limit import bound_to, limit_code
from timing import Part, Row, least

from flywheel import SHARED, SIZED, copies
from studies import PARTS

EQUAL = 1e-9
"""Largest difference from NumPy of a kernel that may serve as a limit, over a series' largest value in a draw [1]."""


def step_by_hand(name: str, draws: int) -> list[Row]:
    """Time the steps of a block against the kernel written by hand, which is compared with NumPy first.

    Series are stored (all, or those that an ensemble reads) or summed up: the kernel adds them as it goes, the engines
    store a block and take its moments.
    """
    if compiler() is None:
        return [(f"{name}: kernel by hand", 0.0, "not built: no g++")]
    scenario = costmodel.load_scenario(name)
    design = Design.random(scenario, draws, 0)
    asked = BlockRun.of(chosen_model(None, scenario), scenario, design, None, "compiled").asked
    width = machine()[2]
    rows: list[Row] = []
    with quiet():
        resolved = scenario.resolve(design)
        run, scalar = Run.start(resolved), Run.start(first_draw(resolved))
        hand = by_hand(run, draws)
        hand.take()
        with using("numpy"):
            reference = run_resolved(resolved)
        gaps = differences(hand.outputs, {key: np.asarray(reference[key]) for key in hand.outputs})
        worst = max(gaps, key=gaps.__getitem__)
        if not gaps[worst] <= EQUAL:
            raise RuntimeError(f"the kernel by hand differs from NumPy by {gaps[worst]:.1e} in {worst}: no limit")
        rows.append((f"{name}: kernel by hand", 0.0, f"equal to NumPy to {gaps[worst]:.0e}, {len(gaps)} series"))
        for what, which, streamed in (
            ("all series", None, False),
            ("what is asked", asked, False),
            ("summed up", asked, True),
        ):
            calls = _step_calls(run, scalar, resolved, draws, width, which, streamed)
            seconds = least({key: calls[key] for key in ("limit", "compiled")}, time.thread_time)
            seconds |= least({"numpy": calls["numpy"]}, time.thread_time, 2)
            rows += [
                (f"{name}: step, {draws:,} draws, {what}: {key}", own, f"{seconds['limit'] / own:.3f} of the limit")
                for key, own in seconds.items()
            ]
    return rows


def _step_calls(
    run: Any, scalar: Any, resolved: Any, draws: int, width: int, which: Any, streamed: bool
) -> dict[str, Callable[[], Any]]:
    """Return the step of a block as calls: by hand, compiled, and with NumPy."""
    hand, ready = by_hand(run, draws, which, streamed=streamed), compiled.bound(run, scalar, draws, which)

    def engine() -> None:
        ready.take(0, -(-draws // width), width)
        if streamed:
            for values in ready.outputs.values():
                Moments.of(values)

    def numpy() -> None:
        with using("numpy", which):
            result = run_resolved(resolved)
        if streamed:
            for key in ready.outputs:
                Moments.of(result[key])

    return {"limit": hand.take, "compiled": engine, "numpy": numpy}


def step_alone(name: str, draws: int) -> list[Row]:
    """Time only the steps, without drawing and summarizing, against the same trace with unsafe arithmetic."""
    scenario = costmodel.load_scenario(name)
    design = Design.random(scenario, draws, 0)
    asked = BlockRun.of(chosen_model(None, scenario), scenario, design, None, "compiled").asked
    width = machine()[2]
    with quiet():
        resolved = scenario.resolve(design)
        run, scalar = Run.start(resolved), Run.start(first_draw(resolved))
        code, call = limit_code(scalar)

        def bound(which: Any, free: bool) -> Any:
            ready = compiled.bound(run, scalar, draws, which)
            return bound_to(ready, code, call) if free else ready

        ready = {
            f"{engine}, {what}": bound(which, engine == "unsafe")
            for what, which in (("all series", None), ("what is asked", asked))
            for engine in ("compiled", "unsafe")
        }
        vectors = -(-draws // width)
        calls = {key: (lambda item=item: item.take(0, vectors, width)) for key, item in ready.items()}
        seconds = least(calls, time.thread_time)

        def numpy(which: Any) -> Callable[[], Any]:
            def call() -> Any:
                with using("numpy", which):
                    return run_resolved(resolved)

            return call

        seconds |= least({"numpy, all series": numpy(None), "numpy, what is asked": numpy(asked)}, time.thread_time, 2)
        half = vectors // 2

        def threads(count: int) -> Callable[[], Any]:
            item = ready["compiled, what is asked"]

            def call() -> None:
                with ThreadPoolExecutor(count) as pool:
                    parts = [(0, half), (half * width, vectors - half)]
                    for part in [pool.submit(item.take, begin, number, width) for begin, number in parts]:
                        part.result()

            return call

        wall = least({"1": threads(1), "2": threads(2)}, time.perf_counter)
    rows: list[Row] = []
    for what in ("all series", "what is asked"):
        limit = seconds[f"unsafe, {what}"]
        for engine in ("numpy", "compiled", "unsafe"):
            own = seconds[f"{engine}, {what}"]
            rows.append(
                (f"{name}: step, {draws:,} draws, {what}: {engine}", own, f"{limit / own:.2f} of unsafe arithmetic")
            )
    rows.append((f"{name}: two threads", wall["2"], f"{wall['1'] / wall['2']:.2f} times one thread (wall)"))
    return rows


def ensembles(name: str, draws: int) -> list[Row]:
    """Time whole ensembles: drawing, steps, selecting and summarizing."""
    scenario = costmodel.load_scenario(name)

    def of(engine: Any, count: int) -> Callable[[], Any]:
        return lambda: run_ensemble(scenario, draws=count, rng=0, on_nonfinite="mask", engine=engine)

    both = least({"numpy": of("numpy", BLOCK), "compiled": of("compiled", BLOCK)}, time.process_time, 2)
    rows = [
        (f"{name}: ensemble of {BLOCK:,}, {engine}", own, f"{both['numpy'] / own:.1f} times NumPy")
        for engine, own in both.items()
    ]
    for count in sorted({10 * BLOCK, draws}):
        begin = time.process_time()
        of("compiled", count)()
        spent = time.process_time() - begin
        rows.append((f"{name}: ensemble of {count:,}, compiled", spent, f"{count / spent:,.0f} draws a second"))
    return rows


def scalar_runs(name: str) -> list[Row]:
    """Time one run at medians."""
    scenario = costmodel.load_scenario(name)
    calls = {
        engine: (lambda engine=engine: costmodel.simulate(scenario, engine=engine)) for engine in ("numpy", "compiled")
    }
    for call in calls.values():
        call()
    both = least(calls, time.process_time)
    return [(f"{name}: one run, {key}", own, f"{both['numpy'] / own:.1f} times NumPy") for key, own in both.items()]


def compilation(name: str) -> list[Row]:
    """Time the first call in a fresh process, without and with cached code on disk."""
    statement = (
        f"import time, costmodel; s = costmodel.load_scenario({name!r}); costmodel.simulate(s); "
        "b = time.process_time(); costmodel.simulate(s, engine='compiled'); print(time.process_time() - b)"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for what in ("nothing on disk", "code on disk"):
            out = subprocess.run(
                [sys.executable, "-c", statement], check=True, capture_output=True, text=True,
                env={**os.environ, "COSTMODEL_CACHE": folder},
            )  # fmt: skip
            rows.append((f"{name}: first compiled run, {what}", float(out.stdout), ""))
    return rows


def starts() -> list[Row]:
    """Time fresh interpreters: an import, and a command."""
    command = "import sys; from costmodel.cli.app import main; sys.argv = ['costmodel', 'run', 'bond-flywheel']; main()"
    statements = {"nothing": "pass", "import costmodel": "import costmodel", "costmodel run": command}

    def start(statement: str) -> Callable[[], Any]:
        return lambda: subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)

    seconds = least({key: start(text) for key, text in statements.items()}, time.perf_counter)
    return [
        (key, own, f"{own / seconds['nothing']:.1f} times an empty interpreter (wall)") for key, own in seconds.items()
    ]


def slope(seconds: dict[int, float]) -> float:
    """Return the exponent of time in a size: the slope of log time on log size; 1 is linear."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def growth(name: str, draws: int = BLOCK // 4) -> list[Row]:
    """Time runs by number of draws, steps, operators and workloads, and print the exponent of each."""
    scenario = costmodel.load_scenario(name)
    start = int(str(scenario.time.start)[:4])
    sizes: dict[str, dict[int, Callable[[], Any]]] = {
        "draws, compiled": {
            count * BLOCK: (lambda count=count: run_ensemble(scenario, ["tokens@*"], draws=count * BLOCK, rng=0))
            for count in (1, 2, 4)
        }
    }
    several = {
        "quarters": {n * 4: scenario.replace({"time.end": f"{start + n}-01-01"}) for n in (8, 16, 32)},
        "months": {
            n * 12: scenario.replace({"time.end": f"{start + n}-01-01", "time.step": "month"}) for n in (10, 20)
        },
        "operators": {n: copies(scenario, "operators", n, SIZED) for n in (1, 2, 5)},
        "workloads": {n * len(scenario.market): copies(scenario, "market", n, SHARED) for n in (1, 2, 4)},
    }
    for what, cases in several.items():
        for engine in ("numpy", "compiled"):
            sizes[f"{what}, {draws:,} draws, {engine}"] = {
                size: (lambda case=case, by=engine: costmodel.simulate(case, draws=draws, rng=0, engine=by))
                for size, case in cases.items()
            }
    rows = []
    for what, calls in sizes.items():
        seconds = least({str(size): call for size, call in calls.items()}, time.process_time, 2)
        power = slope({int(size): own for size, own in seconds.items()})
        text = ", ".join(f"{int(size):,}: {own:.2f}" for size, own in seconds.items())
        rows.append((f"{name}: by {what}", max(seconds.values()), f"grows with the power {power:.2f} ({text} s)"))
    return rows


def memory(name: str) -> list[Row]:
    """Measure the peak memory of a fresh process that runs one output's ensemble, by number of draws."""
    rows = []
    first = None
    for blocks in (1, 4, 16):
        statement = (
            f"import resource, costmodel; s = costmodel.load_scenario({name!r}); "
            f"costmodel.run_ensemble(s, ['tokens@*'], draws={blocks * BLOCK}, rng=0); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True, text=True)
        spent = time.perf_counter() - begin
        megabytes = int(done.stdout) / 1024
        first = megabytes if first is None else first
        note = f"peak {megabytes:,.0f} MB, {megabytes / first:.2f} times that of one block"
        rows.append((f"{name}: process of {blocks * BLOCK:,} draws (wall)", spent, note))
    return rows


def parts_of(draws: int) -> dict[str, Part]:
    """Return every part by name; ``draws`` are those of the largest ensemble."""
    own = {
        "step": Part(
            lambda: [
                *step_by_hand("bond-flywheel", BLOCK),
                *step_alone("bond-flywheel", BLOCK),
                *step_alone("industry-five", BLOCK // 4),
            ],
            "2 min",
        ),
        "scalar": Part(lambda: scalar_runs("bond-flywheel"), "5 s"),
        "ensembles": Part(lambda: ensembles("bond-flywheel", draws), "1 min", False),
        "growth": Part(lambda: growth("bond-flywheel"), "1 min", False),
        "memory": Part(lambda: memory("bond-flywheel"), "1 min", False),
        "first": Part(lambda: [*compilation("bond-flywheel"), *starts()], "30 s"),
    }
    return {**own, **PARTS}


def main() -> None:
    """Run parts of the suite, print a table, and write it as JSON if requested."""
    known = parts_of(100_000)
    costs = ", ".join(f"{name} ({part.cost}{'' if part.usual else ', if named'})" for name, part in known.items())
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Parts: {costs}.")
    parser.add_argument("part", nargs="*", help="parts to run; the usual ones if none is named")
    parser.add_argument("--draws", type=int, default=100_000, help="draws of the largest ensemble of 'ensembles'")
    parser.add_argument("--json", type=Path, help="also write the table here")
    given = parser.parse_args()
    unknown = [name for name in given.part if name not in known]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: there are {', '.join(known)}")
    rows: list[Row] = []
    for name, part in parts_of(given.draws).items():
        if name in given.part or (part.usual and not given.part):
            own = part.rows()
            rows += own
            for what, seconds, note in own:
                print(f"{what:64} {seconds:10.4f} s  {note}", flush=True)
    if given.json is not None:
        about = {
            "machine": machine()[0], "python": platform.python_version(), "numpy": np.__version__,
            "load": os.getloadavg()[0],
        }  # fmt: skip
        table = [{"what": what, "seconds": seconds, "note": note} for what, seconds, note in rows]
        given.json.write_text(json.dumps({**about, "rows": table}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
