"""Cost of the flywheel: one scalar run, growth with steps, workloads and draws, and the weight of the import.

Run it as ``python benchmarks/flywheel.py``. Timings on shared machines are noisy: read the ratios.
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import subprocess
import sys
import time

import costmodel

REPEATS = 5


def interleaved(commands: dict[str, str]) -> dict[str, float]:
    """Return the median seconds of fresh interpreters that run each statement, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS + 1):
        for name, statement in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(row[1:]) for name, row in times.items()}


def seconds(call) -> float:
    """Return the least of a few timings of a call."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def report_import() -> None:
    medians = interleaved(
        {
            "nothing": "pass",
            "numpy + pydantic": "import numpy, pydantic.main",
            "costmodel, its names": "from costmodel import load_scenario, simulate, Scenario, Design, Distribution",
            "costmodel": "import costmodel",
        }
    )
    base = medians["numpy + pydantic"]
    for name, value in medians.items():
        print(f"import {name}: {value / base:.2f} of numpy + pydantic")


def report_runs() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    one = seconds(lambda: costmodel.simulate(scenario))
    print(f"one scalar run of {scenario.name}: {scenario.grid.steps} steps")
    for step in ("month", "half-month"):
        longer = scenario.replace({"time.step": step})
        ratio = seconds(lambda longer=longer: costmodel.simulate(longer)) / one
        print(f"  {longer.grid.steps / scenario.grid.steps:.0f}× the steps: {ratio:.2f}× the time")
    form = scenario.written()
    form["market"] |= {f"{name}-2": table for name, table in form["market"].items()}
    form["correlations"] = []
    doubled = type(scenario)(**form)
    print(f"  2× the workloads: {seconds(lambda: costmodel.simulate(doubled)) / one:.2f}× the time")
    base = seconds(lambda: costmodel.simulate(scenario, draws=1024, rng=0))
    for draws in (2048, 4096, 8192):
        ratio = seconds(lambda draws=draws: costmodel.simulate(scenario, draws=draws, rng=0)) / base
        print(f"  {draws // 1024}× the draws (of 1,024): {ratio:.2f}× the time")


def report_profile() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    profile = cProfile.Profile()
    profile.runcall(costmodel.simulate, scenario, draws=8192, rng=0)
    table = pstats.Stats(profile)
    table.sort_stats("tottime").print_stats(12)


if __name__ == "__main__":
    report_import()
    report_runs()
    report_profile()
