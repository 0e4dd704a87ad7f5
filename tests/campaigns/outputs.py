"""Every file that the library writes: on a full disk, at an impossible path, and by a writer that is killed.

Afterwards the file is complete or as it was before, and no other file is left; a killed writer may leave a hidden one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from attack import Campaign, Chance
from commands import fault, run_line
from samples import BENCHMARK, LOG, PRICES
from stores import in_a_child

from costmodel import entry
from costmodel.foundation.errors import CostModelError

FULL_AT = (0, 1, 100)
"""Sizes at which the disk is full [byte], smaller than any file here."""
OLD = b"what was there before"


def _lines(folder: Path) -> dict[str, list[str]]:
    """Return the command lines that write a file, by name of the file."""
    (folder / "log.csv").write_bytes(LOG)
    (folder / "prices.csv").write_bytes(PRICES)
    (folder / "run.jsonl").write_bytes(BENCHMARK)
    usage = ["usage", str(folder / "log.csv"), "--counting", "inclusive", "--prices", str(folder / "prices.csv")]
    return {
        "a.csv": ["run", "h100-hour", "--out"],
        "b.nc": ["run", "h100-hour", "--out"],
        "c.parquet": ["run", "h100-hour", "--out"],
        "d.html": ["report", "h100-hour", "-o"],
        "e.xlsx": ["report", "h100-hour", "-o"],
        "f.csv": [*usage, "--focus"],
    }


@cache
def _result() -> Any:
    return entry.run("h100-hour", draws=50, rng=0)


def _write(name: str, lines: dict[str, list[str]], target: Path) -> None:
    """Write a file by its command line, or save a result; raise an error if that is refused."""
    if name == "g.nc":
        _result().save(target)
        return
    words = [*lines[name], str(target)]
    code, _, err = run_line(words)
    found = fault(words, code, "", err)  # a figure may be printed before its file is refused
    if found is not None:
        raise AssertionError(found)
    if code not in (0, None):
        raise CostModelError(err)


def case(chance: Chance, folder: Path) -> str | None:
    lines = _lines(folder)
    name = sorted([*lines, "g.nc"])[chance.index % (len(lines) + 1)]
    place = folder / "place"
    place.mkdir()
    target = place / name
    before = chance.random() < 0.5
    if before:
        target.write_bytes(OLD)
    way: Callable[..., str | None] = chance.choice((_full, _full, _no_place, _killed))
    found = way(chance, name, lines, target, OLD if before else None)
    return None if found is None else f"{name} {way.__name__}: {found}"


def _left(target: Path, old: bytes | None) -> str | None:
    """Return the fault of a folder after a refused write, or None."""
    now = target.read_bytes() if target.is_file() else None
    if now != old:
        return f"the file is neither whole nor what it was: {len(now or b'')} bytes"
    beside = [item.name for item in target.parent.iterdir() if item != target]
    return f"left beside it: {beside}" if beside else None


def _full(chance: Chance, name: str, lines: dict[str, list[str]], target: Path, old: bytes | None) -> str | None:
    """Simulate a full disk by a limit on the size of files."""
    import resource

    _write(name, lines, target.with_name(f"warm-{name}"))  # so that modules are loaded before the limit applies
    target.with_name(f"warm-{name}").unlink()
    size = chance.choice(FULL_AT)

    def refused() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            _write(name, lines, target)
        except CostModelError:
            return
        raise AssertionError("not refused")

    status = _status(in_a_child(refused))
    return f"status {status}" if status else _left(target, old)


def _no_place(chance: Chance, name: str, lines: dict[str, list[str]], target: Path, old: bytes | None) -> str | None:
    """Write to an impossible path: in a missing folder, over a folder, or below a file."""
    file = target.parent.parent / "file"
    file.write_bytes(b"")
    taken = target.parent.parent / f"taken-{name}"
    taken.mkdir()
    place = chance.choice((target.parent / "nowhere" / name, file / name, taken, Path("/proc") / name))
    try:
        _write(name, lines, place)
    except CostModelError:
        return _left(target, old)
    return f"{place} was written"


def _killed(chance: Chance, name: str, lines: dict[str, list[str]], target: Path, old: bytes | None) -> str | None:
    """Kill a writer at any moment."""
    whole = target.parent.parent / f"whole-{name}"
    begin = time.monotonic()
    _write(name, lines, whole)
    usual = time.monotonic() - begin
    child = in_a_child(lambda: _write(name, lines, target))
    time.sleep(chance.random() * usual * 1.2)
    os.kill(child, signal.SIGKILL)
    _status(child)
    beside = [item.name for item in target.parent.iterdir() if item != target]
    if any(not hidden.startswith(f".{name}.") for hidden in beside):
        return f"left beside it: {beside}"
    now = target.read_bytes() if target.is_file() else None
    if now != old and len(now or b"") < 0.9 * len(whole.read_bytes()):
        return f"half a file: {len(now or b'')} of {len(whole.read_bytes())} bytes"
    return None


def _status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


CAMPAIGN = Campaign(case, whole=140)
