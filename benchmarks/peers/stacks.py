"""The reduced model on several stacks: they agree to 1e-9 before any is timed.

Draws per second are given as a ratio to C, in one run on one core. Stacks that are not installed are named and left
out: PySD and the EMA workbench come with ``pip install pysd ema_workbench``.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from reduced_model import INPUTS, OUTPUTS, reduced_model, reduced_model_plainly
from timing import Row, least, library

from costmodel.foundation.distributions import Distribution

HERE = Path(__file__).parent
AGREEMENT = 1e-9
"""Largest relative difference from C [1]."""
NAMES = tuple(INPUTS)
Inputs = dict[str, np.ndarray]
Call = Callable[[Inputs], dict[str, np.ndarray]]


def in_c() -> Call:
    """Return the model in C, compiled now."""
    call = library(HERE / "reduced.c").reduced
    call.restype, call.argtypes = None, [ctypes.c_long, *[ctypes.c_void_p] * 10]

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        out = np.empty((len(OUTPUTS), inputs["p0"].size))
        call(out.shape[1], *(inputs[name].ctypes.data for name in NAMES), *(row.ctypes.data for row in out))
        return dict(zip(OUTPUTS, out, strict=True))

    return run


def in_numba(which: str) -> Call:
    """Return the model in numba, compiled now."""
    kernel = getattr(importlib.import_module("peers.with_numba"), which)

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        out = np.empty((len(OUTPUTS), inputs["p0"].size))
        kernel(*(inputs[name] for name in NAMES), out)
        return dict(zip(OUTPUTS, out, strict=True))

    return run


def in_numpy() -> Call:
    """Return the model in NumPy, in place and in blocks."""
    return lambda inputs: reduced_model(**inputs)


def in_python() -> Call:
    """Return the definition, run draw by draw."""

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        rows = [
            reduced_model_plainly(**{name: float(inputs[name][i]) for name in NAMES}) for i in range(inputs["p0"].size)
        ]
        return {name: np.array([row[name] for row in rows]) for name in OUTPUTS}

    return run


def in_ema() -> Call:
    """Return the model in the EMA workbench, which calls numba's loop, compiled, once for each draw."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ema_workbench import Model, RealParameter, ScalarOutcome, Scenario, SequentialEvaluator
    logging.getLogger("EMA").setLevel(logging.ERROR)
    kernel = in_numba("plain_loop")

    def one(**given: float) -> dict[str, float]:
        found = kernel({name: np.array([float(given[name])]) for name in NAMES})
        return {name: float(found[name][0]) for name in OUTPUTS}

    model = Model("reduced", function=one)
    model.uncertainties = [RealParameter(name, 0.0, 100.0) for name in NAMES]
    model.outcomes = [ScalarOutcome(name) for name in OUTPUTS]

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        draws = [Scenario(str(i), **{name: float(inputs[name][i]) for name in NAMES}) for i in range(inputs["p0"].size)]
        with SequentialEvaluator(model) as evaluator:
            _, outcomes = evaluator.perform_experiments(scenarios=draws)
        return {name: np.asarray(outcomes[name]) for name in OUTPUTS}

    return run


def in_pysd() -> Call:
    """Return the model in PySD, translated from Vensim's language."""
    import pysd

    with tempfile.TemporaryDirectory() as folder:  # the translation is written beside the model
        model = pysd.read_vensim(str(shutil.copy(HERE / "reduced.mdl", folder)))
    paths = dict(
        zip(NAMES, ("initial price", "elasticity", "experience", "progress", "life", "utilisation"), strict=True)
    )
    columns = dict(zip(OUTPUTS, ("unit cost", "installed", "capex", "produced"), strict=True))

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        rows = []
        for i in range(inputs["p0"].size):
            given = {path: float(inputs[name][i]) for name, path in paths.items()}
            rows.append(
                model.run(params=given, return_columns=list(columns.values()), return_timestamps=[120]).iloc[-1]
            )
        return {name: np.array([row[column] for row in rows]) for name, column in columns.items()}

    return run


STACKS: dict[str, tuple[Callable[[], Call], int]] = {
    "C, vector library": (in_c, 65_536),
    "numba, blocks of 64 draws": (lambda: in_numba("in_blocks"), 65_536),
    "NumPy, in place": (in_numpy, 65_536),
    "numba, plain loop": (lambda: in_numba("plain_loop"), 16_384),
    "EMA workbench over numba's loop": (in_ema, 256),
    "plain Python": (in_python, 256),
    "PySD": (in_pysd, 8),
}
"""Stacks with the number of draws that each is timed on: multiples of 8."""


def drawn(draws: int) -> Inputs:
    """Return inputs at random ranks."""
    rng = np.random.default_rng(0)
    return {name: np.asarray(Distribution.parse(form, "1").ppf(rng.random(draws))) for name, form in INPUTS.items()}


def peers() -> list[Row]:
    """Compare every stack with C, then time all in turn."""
    inputs = drawn(max(draws for _, draws in STACKS.values()))
    calls: dict[str, Callable[[], Any]] = {}
    expected: dict[str, np.ndarray] = {}
    rows: list[Row] = []
    differences = {}
    for name, (build, draws) in STACKS.items():
        own = {key: np.ascontiguousarray(column[:draws]) for key, column in inputs.items()}
        try:
            run = build()
            found = run(own)
        except (ImportError, FileNotFoundError) as error:
            rows.append((name, float("nan"), f"left out: {error}"))
            continue
        expected = expected or found
        away = max(float(np.max(np.abs(found[key] / expected[key][:draws] - 1.0))) for key in OUTPUTS)
        if not away <= AGREEMENT:
            raise AssertionError(f"{name} differs from C by {away:.1e}")
        differences[name] = away
        calls[name] = lambda run=run, own=own: run(own)
    seconds = least(calls, time.process_time)
    speeds = {name: STACKS[name][1] / own for name, own in seconds.items()}
    reference, first = next(iter(speeds.items()))
    for name, speed in speeds.items():
        said = f"{speed / first:.3g} of {reference}, {speed:,.0f} draws a second; differs by {differences[name]:.0e}"
        rows.append((name, seconds[name], said))
    return rows
