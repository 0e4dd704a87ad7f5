"""Cost of the flywheel: one scalar run, growth with steps, workloads and draws, and the import.

Run it as ``python benchmarks/flywheel.py``. Timings on shared machines are noisy: read the ratios.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import statistics
import subprocess
import sys
import time

import costmodel

REPEATS = 5
SIZED = (
    *(f"opening.{name}" for name in ("units", "on_order", "shipped", "site_power", "sites_building", "cash", "debt")),
    "plan.capex",
    "plan.sites",
    "financing.own_cash",
    "staff",
)
"""Entries of an operator that are divided among its copies."""
SHARED = ("tokens", "budget_share")
"""Entries of a workload that are divided among its copies."""


def interleaved(commands: dict[str, str]) -> dict[str, float]:
    """Return the median time of fresh interpreters that run each statement, interleaved [s]."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS + 1):
        for name, statement in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(row[1:]) for name, row in times.items()}


def seconds(call) -> float:
    """Return the least time of several calls [s]."""
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


def processor_seconds(call) -> float:
    """Return the least processor time of several calls [s], which other work on the machine hardly affects."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def copies(scenario, table: str, count: int, sized: tuple[str, ...] = ()):
    """Return a scenario with copies of each entry of a table; amounts are divided among the copies."""
    form = scenario.written()
    entries = form[table]
    form[table] = {}
    for name, entry in entries.items():
        for number in range(count):
            one = json.loads(json.dumps(entry))
            for path in sized:
                *parents, last = path.split(".")
                node = one
                for part in parents:
                    node = node.get(part, {})
                if last in node:
                    node[last] = divided(node[last], count)
            form[table][f"{name}-{number}"] = one
    form["correlations"] = []
    return type(scenario)(**form)


def divided(value, count: int):
    """Return a written number, schedule or distribution divided."""
    if isinstance(value, dict) and "value" in value:
        return {**value, "value": divided(value["value"], count)}
    if isinstance(value, dict) and "knots" in value:
        return {**value, "knots": [[date, divided(number, count)] for date, number in value["knots"]]}
    if isinstance(value, dict):
        return {key: item / count if isinstance(item, float) else item for key, item in value.items()}
    return value / count


def report_sizes(draws: int = 2048) -> None:
    """Print processor time per step by number of operators, workloads and years."""
    scenario = costmodel.load_scenario("bond-flywheel")
    cases = {f"{n} operators": copies(scenario, "operators", n, SIZED) for n in (1, 2, 4, 8)}
    cases |= {f"{4 * n} workloads": copies(scenario, "market", n, SHARED) for n in (2, 4)}
    cases |= {f"{n} years": scenario.replace({"time.end": f"{2023 + n}-01-01"}) for n in (8, 16, 32)}
    base = None
    for name, case in cases.items():
        cost = processor_seconds(lambda case=case: costmodel.simulate(case, draws=draws, rng=0)) / case.grid.steps
        base = cost if base is None else base
        print(f"  {name}, {draws:,} draws: {1e3 * cost:.1f} ms of processor time a step, {cost / base:.2f}× the first")


def report_profile() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    profile = cProfile.Profile()
    profile.runcall(costmodel.simulate, scenario, draws=8192, rng=0)
    table = pstats.Stats(profile)
    table.sort_stats("tottime").print_stats(12)


if __name__ == "__main__":
    report_import()
    report_runs()
    report_sizes()
    report_profile()
