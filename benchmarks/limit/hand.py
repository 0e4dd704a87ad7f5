"""Limit of the flywheel's speed: the step of ``bond-flywheel`` fused by hand in C++, built on demand.

``kernel.cpp`` says how it differs from the library's formulas. It is built for the machine it runs on and kept in the
library's cache folder. :func:`differences` compares every stored output with the library's; do so before a time is
believed.
"""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from costmodel.flywheel.compiled import shapes_of
from costmodel.flywheel.traced_run import leaves
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.machine_code import cache_folder

SOURCE = Path(__file__).with_name("kernel.cpp")
LANES, LINE = 8, 64
"""Draws in a vector [1], and bytes to which an array is aligned."""
FLAGS = (
    "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros",
    "-freciprocal-math", "-ffp-contract=fast", "-Wno-psabi", "-shared", "-fPIC",
)  # fmt: skip
AT_THE_END = frozenset({"loop_gain", "runaway", "lag_raised"})
"""Stored outputs that do not come from the steps."""


def compiler() -> str | None:
    """Return the path of GCC's C++ compiler, whose vectors the kernel uses, or None."""
    found = shutil.which("g++")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return found if "Free Software Foundation" in said else None


@cache
def built() -> ctypes.CDLL:
    """Return the kernel, compiled if this machine has not compiled this source before."""
    found = compiler()
    if found is None:
        raise RuntimeError("the limit kernel needs g++: install it, or leave this part out")
    text = SOURCE.read_bytes() + " ".join((*FLAGS, platform.node())).encode()
    folder = cache_folder() / "limit"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{hashlib.sha256(text).hexdigest()[:16]}.so"
    if not place.exists():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".so", delete=False) as file:
            own = Path(file.name)
        subprocess.run([found, *FLAGS, str(SOURCE), "-o", str(own)], check=True)
        own.replace(place)
    library = ctypes.CDLL(str(place))
    for name in ("input_name", "output_name"):
        getattr(library, name).restype = ctypes.c_char_p
    return library


def _names(name: str) -> list[str]:
    function, found = getattr(built(), name), []
    while (text := function(len(found))) is not None:
        found.append(text.decode())
    return found


def aligned(shape: tuple[int, ...]) -> FloatArray:
    """Return a new array that begins at a cache line."""
    count = int(np.prod(shape, dtype=int))
    room = np.empty(count + LINE // 8)
    begin = (-room.ctypes.data % LINE) // 8
    return room[begin : begin + count].reshape(shape)


class _Target(ctypes.Structure):
    _fields_ = (("values", ctypes.c_void_p), ("elements", ctypes.c_int64), ("sums", ctypes.c_void_p))


@dataclass(slots=True)
class HandRun:
    """A run of the kernel, ready to call."""

    inputs: Any
    targets: Any
    outputs: dict[str, FloatArray]
    held: list[Any]
    draws: int
    steps: int
    step: float
    streamed: bool

    def take(self, group: int = 4) -> None:
        """Take all steps of all draws; ``group`` vectors take a step together."""
        built().flywheel(
            self.inputs, self.targets, ctypes.c_int64(self.draws), ctypes.c_int64(self.steps),
            ctypes.c_double(self.step), ctypes.c_int64(group), ctypes.c_int64(self.streamed),
        )  # fmt: skip


def _fits(run: Any, draws: int, arrays: dict[str, Any]) -> list[str]:
    """Return the reasons for which the kernel cannot take a run."""
    if len(run.scenario.operators) != 1 or len(run.scenario.market) != 4:
        return ["one operator and four workloads"]
    steps, chips, sites = run.drivers.grid.steps, run.fleets.chips, run.fleets.sites
    books = (*chips.books.values(), *sites.books.values())
    zero = {
        "hosted hours": arrays[".account.hosted_share"],
        "contracts": arrays[".account.contract_hours"],
        "commitments": arrays[".investment.commitments"],
        "leases": np.concatenate([np.ravel(arrays[".money.leased_share"]), np.ravel(arrays[".money.signed"])]),
        "debt": np.concatenate([arrays[".money.debt._owed"], arrays[".money.leases._owed"]]),
        "shipping": chips._stock.times.shipping,
        "site failures": sites._stock.times.failures,
        "salvage": [book.salvage for book in books],
        "lag below a step": np.minimum(chips._stock.lag.whole - 1, 0),
        "overdue depreciation": [book.overdue for book in books],
    }
    one = {
        "sharpness": run.drivers.workloads.sharpness,
        "shares of operators": np.concatenate([np.ravel(run.account.token_share), np.ravel(run.investment.share)]),
        "shocks to suppliers": run.drivers.chips_factor,
        "exponents of run-off": [book.opening.shape for book in books],
    }
    checks = {
        "whole vectors of draws": draws % LANES == 0,
        "no loans that fall due": bool((run.money.debt._delay.whole >= steps).all()),
        "no ceiling on cash": bool(np.isinf(run.money.maximum_cash).all()),
        "no capital that is not for AI": run.fleets.others is None,
        "early retirement": run.fleets.terms.early_leaving,
        "suppliers and a grid": run.investment.supply is not None and run.drivers.energised is not None,
        "plans of sites": not np.isnan(run.investment.plan_sites[np.ravel(run.investment.planned) > 0.5]).any(),
        "one memory of prices": len(np.unique(run.drivers.workloads.memory)) == 1,
        "lives in whole steps": not np.any(chips._stock.life.part) and not np.any(run.money.late.part),
        "sites outlive the run": bool((sites._stock.times.life > 2 * steps).all()),
        "equipment depreciated before it retires": bool(all((book.charged == book.life).all() for book in books)),
    }
    reasons = [name for name, holds in checks.items() if not holds]
    reasons += [f"no {name}" for name, values in zero.items() if np.any(np.asarray(values) != 0.0)]
    return reasons + [f"{name} of 1" for name, values in one.items() if np.any(np.asarray(values) != 1.0)]


def _refuse(reasons: list[str]) -> NoReturn:
    raise ValueError(f"the limit kernel is written for bond-flywheel; it needs {'; '.join(reasons)}")


def bound(run: Any, draws: int, asked: Collection[str] | None = None, *, streamed: bool = False) -> HandRun:
    """Bind a run of ``bond-flywheel`` before its first step to the kernel.

    Parameters
    ----------
    run
        The run with all draws.
    draws
        Their number, a multiple of eight.
    asked
        Outputs to store; None: all.
    streamed
        Whether to add outputs up over draws (sums and sums of squares by lane) instead of storing them.

    Raises
    ------
    ValueError
        If the run needs what the kernel leaves out.
    """
    arrays = dict(leaves(run))
    reasons = _fits(run, draws, arrays)
    held: list[Any] = []
    if reasons:
        _refuse(reasons)
    for text in _names("input_name"):
        kind, _, path = text.partition(" ")
        values = np.asarray(arrays[f".{path}"], dtype=np.float64)
        if kind == "shared":
            if values.ndim and values.shape[-1] == draws > 1:
                if not (values == values[..., :1]).all():
                    _refuse([f"{path} the same in all draws"])
                values = values[..., :1]
            held.append(np.ascontiguousarray(values.reshape(-1)))
        else:
            own = aligned((*values.shape[:-1], draws))
            own[...] = values
            held.append(own)
    names, shapes = _names("output_name"), shapes_of(run)
    targets = (_Target * len(names))()
    outputs: dict[str, FloatArray] = {}
    for number, name in enumerate(names):
        elements = int(np.prod(shapes[name][1:], dtype=int))
        if asked is None or name in asked:
            last = (2 * LANES,) if streamed else (draws,)
            outputs[name] = aligned((*shapes[name], *last))
            outputs[name][...] = 0.0
            place = outputs[name].ctypes.data
            targets[number] = _Target(None if streamed else place, elements, place if streamed else None)
        else:
            targets[number] = _Target(None, elements, None)
    inputs = (ctypes.c_void_p * len(held))(*(item.ctypes.data for item in held))
    return HandRun(inputs, targets, outputs, held, draws, run.drivers.grid.steps, run.drivers.step, streamed)


def differences(own: dict[str, FloatArray], reference: dict[str, FloatArray]) -> dict[str, float]:
    """Return by output the largest difference over the largest value of the same draw.

    Net rents are differences of rents that nearly cancel: they are compared with the rents of all capacity.
    """
    found = {}
    for name, values in reference.items():
        if name in AT_THE_END:
            continue
        axes = tuple(range(values.ndim - 1))
        scale = np.abs(values).max(axis=axes)
        if name == "net_rents":
            scale = np.abs(reference["internal_value"]).max(axis=axes)
        gap = np.abs(own[name] - values).max(axis=axes)
        found[name] = float(np.max(gap / np.where(scale > 0.0, scale, 1.0)))
    return found
