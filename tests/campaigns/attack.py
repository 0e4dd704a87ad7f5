"""What every campaign shares: a case of its own seed, limits of time and memory, and what counts as broken."""

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
"""Processor time within which a case ends [s]."""
LONGEST_CASE = 90.0
"""Time within which a case ends on a machine that does other things too [s]."""
LONGEST_MESSAGE = 1_500
"""Most characters of an error that is still one line for a reader [1]."""
SHOWN = 40
"""Findings that are printed in full; all are counted [1]."""


class Chance(random.Random):
    """The chance of one case, which knows the case's number."""

    index: int = 0


Case = Callable[[Chance, Path], str | None]
"""One case: takes its chance and an empty folder, and returns what broke, or nothing."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Cases of one kind.

    Parameters
    ----------
    case
        Runs one case; errors of the library are a refusal, any other is a finding.
    whole
        How many cases the whole campaign has [1].
    """

    case: Case
    whole: int


class Hang(BaseException):
    """A case took longer than it may."""


@dataclass(slots=True)
class Tally:
    """What the cases of a campaign came to."""

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
    """End a case that works or waits longer than it may, where the system has alarms."""
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
    """Return what is wrong with the message of a refusal: it is one line, of a length that can be read."""
    text = str(error)
    if not text.strip():
        return f"{type(error).__name__} says nothing"
    if len(text.splitlines()) > 1:
        return f"{type(error).__name__} has {len(text.splitlines())} lines | {text[:200]!r}"
    if len(text) > LONGEST_MESSAGE:
        return f"{type(error).__name__} has {len(text)} characters | {text[:200]!r}"
    return None


def place(error: BaseException) -> str:
    """Return where in the library an error came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "costmodel" in frame.filename]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def chance_of(name: str, seed: int, index: int) -> Chance:
    """Return the chance of one case: the same whenever it is run."""
    chance = Chance(f"{seed} {name} {index}")
    chance.index = index
    return chance


def attempt(case: Case, chance: Chance, folder: Path) -> tuple[str, str | None]:
    """Run one case; return ``held``, ``refused`` or ``broken``, and what broke."""
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
    except Exception as error:  # noqa: BLE001 - any other exception is a finding, whatever it is
        said = " ".join(str(error).split())[:200]
        return "broken", f"{type(error).__name__} at {place(error)} | {said}"
    return ("held", None) if fault is None else ("broken", fault)


def run_campaign(
    name: str, campaign: Campaign, *, seed: int, seconds: float, cases: int | None = None, first: int = 0
) -> Tally:
    """Run a campaign until its time or its cases are used up."""
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
    """Return a tally as text: a line, then each kind of finding with the first case that shows it."""
    form = report(name, seed, tally)
    lines = [" ".join(f"{key}={json.dumps(value)}" for key, value in form.items() if key != "kinds")]
    first = dict(reversed(tally.broken))
    for kind, count, index in tally.kinds()[:SHOWN]:
        lines.append(f"  {count} × case {index}: {first[index][:600] or kind}")
    return "\n".join(lines)
