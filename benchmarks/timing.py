"""Timing that other work on the machine hardly affects, and code in C that is compiled when it is needed."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROUNDS = 5
"""Number of rounds [1]."""
Row = tuple[str, float, str]
"""What was timed, seconds, and a remark."""


class Part(NamedTuple):
    """A part of the suite."""

    rows: Callable[[], list[Row]]
    cost: str
    """How long it takes on one core, about."""
    usual: bool = True
    """Whether it runs unless parts are named."""


C_FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
"""Flags of the C compiler: with them, GCC takes exponentials and powers of vectors from glibc's libmvec.

A library must not be linked with ``-ffast-math``: GCC would add code that, when it is loaded, makes the processor round
subnormal numbers to 0 in all of the process.
"""


def least(calls: Mapping[str, Callable[[], Any]], clock: Callable[[], float], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the least time of each of several interleaved calls [s]."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            begin = clock()
            call()
            best[name] = min(best[name], clock() - begin)
    return best


def c_compiler() -> str | None:
    """Return the C compiler of this machine, if it has one."""
    return shutil.which("cc")


@cache
def library(source: Path) -> ctypes.CDLL:
    """Compile a file in C and load it; its calls release the lock of Python."""
    compiler = c_compiler()
    if compiler is None:
        raise FileNotFoundError("there is no C compiler: install one that runs as cc")
    with tempfile.TemporaryDirectory() as folder:
        part, built = (Path(folder) / f"{source.stem}.{ending}" for ending in ("o", "so"))
        subprocess.run([compiler, *C_FLAGS, "-c", "-o", str(part), str(source)], check=True)
        subprocess.run([compiler, "-shared", "-o", str(built), str(part), "-lm"], check=True)
        return ctypes.CDLL(str(built))
