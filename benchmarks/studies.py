"""Parts of the suite on what people run: ensembles, studies of a scenario, exams, and where the time goes."""

from __future__ import annotations

import cProfile
import pstats
import time
from pathlib import Path
from typing import Any

from cluster import cluster
from compute_grid import compute_grid
from fleet_step import fleet_step
from layout_search import layout_search
from peers.salib import sobol_against_salib
from peers.stacks import peers
from rows import rows_read
from serving_grid import serving_grid
from threads import two_threads
from timing import Part, Row, least

import costmodel
from costmodel.analysis.by_elasticity import elasticity_range
from costmodel.analysis.ensemble import run_ensemble
from costmodel.analysis.one_at_a_time import elasticities, tornado
from costmodel.analysis.sensitivity import sobol_study
from costmodel.foundation.blocks import BLOCK
from costmodel.validation.exams import exam_names, marks

FIGURES = ("user_spend@2030", "capex@2030", "tokens@2030")
REFITTED = ("user_spend@2030", "capex@2030")
BASE_POINTS = 256
"""Base points of the Sobol' study of a flywheel [1]."""
REFIT_DRAWS = 100
"""Draws of a refit at one elasticity [1]."""
TOP = 5
"""Functions of a profile that are named [1]."""


def timed(call: Any) -> tuple[float, Any]:
    """Return the processor seconds of one call, and its result."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def draws(name: str, count: int) -> Row:
    """Time one ensemble of three figures, after a first block that loads or compiles the code."""
    scenario = costmodel.load_scenario(name)
    run_ensemble(scenario, FIGURES, draws=BLOCK, rng=0, on_nonfinite="mask")
    spent, _ = timed(lambda: run_ensemble(scenario, FIGURES, draws=count, rng=0, on_nonfinite="mask"))
    return f"{name}: {count:,} draws, three figures", spent, f"{count / spent:,.0f} draws a second"


def studies(name: str = "bond-flywheel") -> list[Row]:
    """Time a Sobol' study, a tornado and a refit at one elasticity."""
    scenario = costmodel.load_scenario(name)
    spent, indices = timed(lambda: sobol_study(scenario, FIGURES, base_points=BASE_POINTS, rng=0))
    runs = BASE_POINTS * (len(indices.names) + 2)
    rows = [(f"{name}: Sobol' study, {BASE_POINTS} base points, {len(indices.names)} inputs", spent,
             f"{runs / spent:,.0f} runs a second, {runs:,} runs")]  # fmt: skip
    spent, swings = timed(lambda: tornado(scenario, FIGURES, draws=0))
    rows.append((f"{name}: tornado", spent, f"{2 * len(swings.names) + 1} runs in one block"))
    spent, _ = timed(lambda: elasticity_range(scenario, REFITTED, elasticities=(-1.1,), draws=REFIT_DRAWS, rng=0))
    rows.append((f"{name}: refit at one elasticity, {REFIT_DRAWS} draws", spent, f"{spent / REFIT_DRAWS:.3f} s a draw"))
    return rows


def gradients(name: str = "bond-flywheel") -> list[Row]:
    """Time the elasticities of outputs to every input, which are one block of runs, against runs one at a time."""
    scenario = costmodel.load_scenario(name)
    found = elasticities(scenario, FIGURES)
    runs = 2 * len(found.names) + 1
    seconds = least(
        {"block": lambda: elasticities(scenario, FIGURES), "one": lambda: costmodel.simulate(scenario)},
        time.process_time, 3,
    )  # fmt: skip
    said = f"{runs} runs in one block; {seconds['block'] / seconds['one']:.1f} times one run, not {runs} times"
    return [(f"{name}: elasticities to {len(found.names)} inputs", seconds["block"], said)]


def exams() -> list[Row]:
    """Time every exam once."""
    rows = []
    for name in exam_names():
        spent, found = timed(lambda name=name: marks(name))
        rows.append((f"exam: {name}", spent, f"{sum(mark.predicted.size for mark in found):,} predictions"))
    return rows


def profile(name: str = "bond-flywheel") -> list[Row]:
    """Name the functions that take the most time of a block, with NumPy and compiled."""
    scenario = costmodel.load_scenario(name)
    rows = []
    for engine in ("numpy", "compiled"):
        run_ensemble(scenario, draws=16, rng=0, on_nonfinite="mask", engine=engine)
        profiler = cProfile.Profile(time.process_time)
        profiler.runcall(run_ensemble, scenario, draws=BLOCK, rng=0, on_nonfinite="mask", engine=engine)
        stats = pstats.Stats(profiler)
        own = sorted(((row[2], place) for place, row in stats.stats.items()), reverse=True)  # type: ignore[attr-defined]
        for spent, (file, line, function) in own[:TOP]:
            said = f"{spent / stats.total_tt:.0%} of a block; {Path(file).name}:{line}"  # type: ignore[attr-defined]
            rows.append((f"{name}, {engine}: {function}", spent, said))
    return rows


PARTS: dict[str, Part] = {
    "draws": Part(
        lambda: [draws("bond-flywheel", 10_000), draws("bond-flywheel", 100_000), draws("industry-five", 10_000)],
        "40 s",
    ),
    "million": Part(lambda: [draws("bond-flywheel", 1_000_000), draws("industry-five", 100_000)], "5 min", False),
    "studies": Part(studies, "1 min"),
    "gradients": Part(gradients, "5 s"),
    "exams": Part(exams, "1 min"),
    "profile": Part(profile, "15 s"),
    "serving": Part(serving_grid, "20 s"),
    "compute": Part(compute_grid, "10 s"),
    "layouts": Part(layout_search, "10 s"),
    "fleet": Part(fleet_step, "10 s", False),
    "rows": Part(lambda: rows_read(200_000), "10 s"),
    "rows-5m": Part(lambda: rows_read(5_000_000), "3 min", False),
    "peers": Part(peers, "20 s"),
    "salib": Part(sobol_against_salib, "10 s", False),
    "threads": Part(two_threads, "1 min", False),
    "cluster": Part(cluster, "1 min", False),
}
"""Parts by name; `run.py` has those on the step and on starting."""
