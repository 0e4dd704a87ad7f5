"""Environments and executors: figures are the same to the last bit in all of them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from attack import Campaign

from costmodel import entry
from costmodel.analysis import run_ensemble
from costmodel.foundation.blocks import BLOCK

SCENARIOS = ("h100-hour", "token-market", "agent-task", "deepseek-v3-run")
PROGRAM = """
import sys, pathlib
sys.path[:0] = [{src!r}, {here!r}]
from environments import fingerprint
print(fingerprint({name!r}, {draws}))
"""
CHANGES: tuple[dict[str, str], ...] = (
    {"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "4242"}, {"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "4"},
    {"OPENBLAS_NUM_THREADS": "1"}, {"LC_ALL": "C"}, {"LC_ALL": "de_DE.UTF-8"}, {"LC_ALL": "tr_TR.UTF-8"},
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0"}, {"TZ": "Pacific/Kiritimati"}, {"TZ": "America/Los_Angeles"},
    {"PYTHONOPTIMIZE": "1"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONDONTWRITEBYTECODE": "1"}, {"COLUMNS": "20"},
    {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"PYTHONWARNINGS": "error"}, {"PYTHONDEVMODE": "1"},
    {"HOME": "/nonexistent"}, {"TMPDIR": "/tmp"}, {"COSTMODEL_CATALOG": ""},
)  # fmt: skip
"""Settings that change the behaviour of Python and its libraries, but must not change a figure."""


def _digest(parts: Any) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def fingerprint(name: str, draws: int) -> str:
    """Return a digest of all figures of a run, with all their digits."""
    result = entry.run(name, draws=draws, rng=5) if draws else entry.run(name)
    return _digest({key: _bits(result[key]) for key in result.outputs()})


def _bits(value: Any) -> Any:
    import numpy as np

    array = np.asarray(value)
    return array.tobytes().hex() if array.dtype.kind in "fiub" else array.tolist()


@cache
def _usual(name: str, draws: int) -> str:
    return fingerprint(name, draws)


def case(chance: random.Random, folder: Path) -> str | None:
    if chance.random() < 0.3:
        return _executor_fault(chance)
    name, draws = chance.choice(SCENARIOS), chance.choice((0, 3, 50))
    change = {key: item for one in chance.sample(CHANGES, chance.choice((1, 1, 2))) for key, item in one.items()}
    here = Path(__file__).parent
    program = PROGRAM.format(src=str(here.parents[1] / "src"), here=str(here), name=name, draws=draws)
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **change}, cwd=folder, capture_output=True, text=True,
        check=False, timeout=80,
    )  # fmt: skip
    if done.returncode or done.stdout.strip() != _usual(name, draws):
        return f"other figures with {change} | {name} {draws} {done.stdout.strip()[:40]} {done.stderr[-300:]!r}"
    return None


@cache
def _summary(name: str) -> str:
    return _reduced(name, None)


def _reduced(name: str, executor: Any, in_flight: int | None = None) -> str:
    found = run_ensemble(entry.load_scenario(name), draws=2 * BLOCK + 9, rng=3, executor=executor, in_flight=in_flight)
    return _digest({key: [_bits(found.quantile(key, rank)) for rank in (0.05, 0.5, 0.95)] for key in found})


def _executor_fault(chance: random.Random) -> str | None:
    """Run one ensemble on a random number of threads or processes; return the fault, or None."""
    name = chance.choice(("h100-hour", "agent-task"))
    pool, workers = (
        chance.choice((ThreadPoolExecutor, ThreadPoolExecutor, ProcessPoolExecutor)),
        chance.choice((1, 2, 3)),
    )
    with pool(workers) as executor:
        found = _reduced(name, executor, chance.choice((None, 1, 2, 7)))
    return None if found == _summary(name) else f"{pool.__name__} with {workers} workers gives other figures | {name}"


CAMPAIGN = Campaign(case, whole=60)
