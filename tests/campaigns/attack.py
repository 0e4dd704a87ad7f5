"""Common parts of all campaigns: cases with their own seeds, limits of time and memory, and what is a fault."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import CostModelError, CostModelWarning

LONGEST_WORK = 20.0
"""Limit on the processor time of a case [s]."""
LONGEST_CASE = 90.0
"""Limit on the elapsed time of a case, on a machine with other work [s]."""
LONGEST_MESSAGE = 1_500
"""Longest error that still counts as one line [character]."""
SHOWN = 40
"""Number of findings to print in full [1]; all are counted."""


class Chance(random.Random):
    """Random generator of one case, with the case's number."""

    index: int = 0


Case = Callable[[Chance, Path], str | None]
"""Function of one case: takes its generator and an empty folder, and returns a fault, or None."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Cases of one kind.

    Parameters
    ----------
    case
        Function that runs one case; an error of the library is a refusal, any other error is a finding.
    whole
        Number of cases of the whole campaign [1].
    """

    case: Case
    whole: int


class Hang(BaseException):
    """A case that exceeded its time limit."""


@dataclass(slots=True)
class Tally:
    """Outcomes of the cases of a campaign."""

    held: int = 0
    refused: int = 0
    broken: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, 0)

    @property
    def cases(self) -> int:
        return self.held + self.refused + len(self.broken)

    def kinds(self) -> list[tuple[str, int, int]]:
        """Return each kind of finding with its count and its first case, the most frequent first."""
        counts = Counter(line.partition(" | ")[0] for _, line in self.broken)
        first = {line.partition(" | ")[0]: index for index, line in reversed(self.broken)}
        return [(kind, count, first[kind]) for kind, count in counts.most_common()]


def _alarm(*_: object) -> None:
    raise Hang


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """End a case that exceeds its time limits, on systems with alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    clocks = ((signal.ITIMER_PROF, signal.SIGPROF, LONGEST_WORK), (signal.ITIMER_REAL, signal.SIGALRM, LONGEST_CASE))
    before = [signal.signal(number, _alarm) for _, number, _ in clocks]
    for clock, _, seconds in clocks:
        signal.setitimer(clock, seconds)
    try:
        yield
    finally:
        for (clock, number, _), handler in zip(clocks, before, strict=True):
            signal.setitimer(clock, 0.0)
            signal.signal(number, handler)


def message_fault(error: BaseException) -> str | None:
    """Return the fault of a refusal's message, which must be one line of readable length."""
    text = str(error)
    if not text.strip():
        return f"{type(error).__name__} says nothing"
    if len(text.splitlines()) > 1:
        return f"{type(error).__name__} has {len(text.splitlines())} lines | {text[:200]!r}"
    if len(text) > LONGEST_MESSAGE:
        return f"{type(error).__name__} has {len(text)} characters | {text[:200]!r}"
    return None


def place(error: BaseException) -> str:
    """Return the place in the library where an error was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "costmodel" in frame.filename]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def chance_of(name: str, seed: int, index: int) -> Chance:
    """Return the generator of one case, the same in every run."""
    chance = Chance(f"{seed} {name} {index}")
    chance.index = index
    return chance


def attempt(case: Case, chance: Chance, folder: Path) -> tuple[str, str | None]:
    """Run one case; return ``held``, ``refused`` or ``broken``, and the fault."""
    try:
        with warnings.catch_warnings(), limited():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", CostModelWarning)
            fault = case(chance, folder)
    except CostModelError as error:
        fault = message_fault(error)
        return ("refused", None) if fault is None else ("broken", f"message: {fault}")
    except Hang as error:
        return "broken", f"hang at {place(error)}"
    except Exception as error:  # noqa: BLE001 - any other exception is a finding
        said = " ".join(str(error).split())[:200]
        return "broken", f"{type(error).__name__} at {place(error)} | {said}"
    return ("held", None) if fault is None else ("broken", fault)


def run_campaign(
    name: str, campaign: Campaign, *, seed: int, seconds: float, cases: int | None = None, first: int = 0
) -> Tally:
    """Run a campaign until its time or its cases run out."""
    tally, begin, index = Tally(), time.monotonic(), first
    most = campaign.whole if cases is None else cases
    while tally.cases < most and (tally.seconds < seconds or tally.cases == 0):
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        started = time.monotonic()
        try:
            verdict, fault = attempt(campaign.case, chance_of(name, seed, index), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if fault is not None:
            tally.broken.append((index, fault))
        elif verdict == "held":
            tally.held += 1
        else:
            tally.refused += 1
        tally.slowest = max(tally.slowest, (time.monotonic() - started, index))
        tally.seconds = time.monotonic() - begin
        index += 1
    return tally


def report(name: str, seed: int, tally: Tally) -> dict[str, Any]:
    """Return a tally as plain JSON."""
    return {
        "campaign": name,
        "seed": seed,
        "cases": tally.cases,
        "held": tally.held,
        "refused": tally.refused,
        "broken": len(tally.broken),
        "kinds": tally.kinds(),
        "seconds": round(tally.seconds, 1),
        "slowest": [round(tally.slowest[0], 1), tally.slowest[1]],
    }


def shown(name: str, seed: int, tally: Tally) -> str:
    """Return a tally as text: a summary line, then each kind of finding with its first case."""
    form = report(name, seed, tally)
    lines = [" ".join(f"{key}={json.dumps(value)}" for key, value in form.items() if key != "kinds")]
    first = dict(reversed(tally.broken))
    for kind, count, index in tally.kinds()[:SHOWN]:
        lines.append(f"  {count} × case {index}: {first[index][:600] or kind}")
    return "\n".join(lines)
