"""Writers of a store killed at any moment: the same call then resumes and ends with the same bytes."""

from __future__ import annotations

import os
import random
import signal
import time
from functools import cache
from pathlib import Path

import stores
from attack import Campaign

from costmodel.foundation.errors import CostModelError


@cache
def _usual_time(folder: Path) -> float:
    """Return the time of an undisturbed writer [s]."""
    begin = time.monotonic()
    _wait(stores.in_a_child(lambda: stores.write(folder / "timed")))
    return time.monotonic() - begin


def _wait(child: int) -> int:
    """Wait for a child; return its exit status, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def case(chance: random.Random, folder: Path) -> str | None:
    wanted, path = stores.content(stores.whole() / "run"), folder / "run"
    usual = _usual_time(stores.whole())
    for _ in range(chance.choice((1, 1, 2, 3))):
        child = stores.in_a_child(lambda: stores.write(path))
        time.sleep(chance.random() * usual * 1.1)
        os.kill(child, signal.SIGKILL)
        if _wait(child) not in (0, -signal.SIGKILL):
            return "a writer failed"
        if path.exists():
            try:
                fault = stores.seen_fault(path)
            except CostModelError as error:
                return f"what was complete is refused: {str(error)[:200]}"
            if fault is not None:
                return f"half-written: {fault}"
    if _wait(stores.in_a_child(lambda: stores.write(path))) != 0:
        return "the store was not taken up"
    found = stores.content(path)
    other = sorted(name for name in found | wanted if found.get(name) != wanted.get(name))
    return f"other bytes after the kill | {other[:5]}" if other else None


CAMPAIGN = Campaign(case, whole=200)
