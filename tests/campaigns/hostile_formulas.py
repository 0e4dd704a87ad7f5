"""Hostile formulas: each is refused in one clear line or gives finite numbers, and does no harm.

Run: python tests/campaigns/hostile_formulas.py [COUNT [SEED]]     (10,000 take some minutes)

Half of them are formulas of a scenario file; the other half go directly to the sandbox, without the check of the text,
to test the sandbox itself. Prints counts by outcome and exits with status 1 if there was any harm.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from costmodel.foundation.errors import CostModelError
from costmodel.foundation.formulas import KILLED_AFTER, Formula, run_in_sandbox
from costmodel.foundation.schedules import TimeGrid

SECRET = "the secret of the campaign"
GRID = TimeGrid(dt.date(2026, 1, 1), 20, "quarter")
LONGEST_LINE = 500
"""Longest message that counts as one line [character]."""
SLACK = 8.0
"""Time beyond the sandbox's own limit that a busy machine may need to end it [s]."""
MORE_MEMORY = 300_000
"""Largest growth of this process's memory over a whole campaign [KiB]."""

ENDLESS = (
    "sum(range(10**{big}))",
    "max(pow(i, {small}) for i in range(10**{big}))",
    "[i for i in range(10**{big}) if i < 0]",
    "while True: pass",
    "def f(n):\n    while n: n += 1\nf({small})",
    "x = 0\nfor i in range(10**{big}): x = x ^ i",
)  # fmt: skip
GREEDY = (
    "[0] * 10**{big}",
    "'a' * 10**{big}",
    "{small} ** 10**{big}",
    "pow(10, 10**{big})",
    "[[i] * 10**6 for i in range(10**{big})]",
    "x = []\nwhile True: x.append('x' * 1000)",
    "s = 'ab'\nwhile True: s = s + s",
    "list(range(10**{big}))",
    "d = {{}}\nfor i in range(10**{big}): d[i] = [i] * 100",
)
TALKATIVE = (
    "while True: print('x' * {small})",
    "print('y' * 10**6)",
    "[print(i) for i in range(10**{big})]",
    "for i in range({small}): print(i)",
    "import sys\nprint({small}, file=sys.stderr)",
)
PRYING = (
    "open({path!r}).read()",
    "open({path!r}, 'w').write('{small}')",
    "import pathlib\npathlib.Path({path!r}).read_text()",
    "import pathlib\npathlib.Path({path!r}).write_text('gone')",
    "import os\nos.remove({path!r})",
    "import os\nos.listdir('/')",
    "import os\nos.environ['HOME']",
    "import os\nos.system('rm -rf {folder}')",
    "exec('import os\\nos.system(\"touch {folder}/x\")')",
    "eval(\"__import__('os').system('touch {folder}/y')\")",
    "__import__('{module}')",
    "import {module}",
    "from {module} import *",
    "import {module}\n{module}.run('ls')",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 0).__globals__",
    "getattr(year, '__class__')",
    "globals()['__builtins__']",
    "breakpoint()",
    "input()",
    "exit({small})",
    "import sys\nsys.exit({small})",
    "import time\ntime.sleep(10**{big})",
    "import asyncio\nasync def f():\n    await asyncio.sleep(10**{big})\nasyncio.run(f())",
)
DEEP = (
    "def f(n): return f(n + 1)\nf({small})",
    "(lambda f: f(f))(lambda f: f(f))",
    "'(' * {small}",
    "{parens}",
    "{plus}1",
    "{nots}year",
)
NUMBERLESS = (
    "float('{word}')",
    "10**{big} * 1e300",
    "1 / (year - year)",
    "'{word}'",
    "None",
    "[year]",
    "year > 2027",
    "1j * year",
    "-{small}e308 * 10",
    "b'{word}'",
    "sqrt(-year)",
    "log(0)",
)
MODULES = ("os", "sys", "socket", "subprocess", "ctypes", "pathlib", "shutil", "random", "json", "re", "requests")
WORDS = ("nan", "inf", "-inf", "ab", "\\ud800", "\\x00", "%s", "💥")
SHELLS = ("0.9 if year < 2027 else ({})", "max(0.4, ({}))", "({}) + year * 0", "[({}) for i in range(3)][0]")
TOKENS = (
    "year", "2027", "0.9", "if", "else", "for", "in", "(", ")", "[", "]", "{", "}", "+", "-", "**", "*", "/", "//",
    "%", "<", ">", "==", ":=", ":", ",", "lambda", "not", "and", "or", "~", "@", "\n", "\\", "#", "'", '"', "`", "$",
    "max", "min", "exp", "range", "1e999", "0x", "\x00", "\t", "é", "await", "yield", "import", "print", "…",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Folder with a file that no formula may read or change."""

    folder: Path
    secret: str

    @property
    def file(self) -> Path:
        return self.folder / "secret.txt"

    def harmed(self) -> str:
        """Return the harm done, or an empty string."""
        if [path.name for path in self.folder.iterdir()] != [self.file.name]:
            return "files were made or removed"
        return "" if self.file.read_text() == self.secret else "a file was changed"


def hostile_texts(count: int, seed: int, place: Place) -> Iterator[tuple[str, str]]:
    """Yield family and text of hostile formulas, the same for the same seed."""
    draw = random.Random(seed)
    families = {
        "endless": (ENDLESS, 8),
        "greedy": (GREEDY, 20),
        "talkative": (TALKATIVE, 12),
        "prying": (PRYING, 25),
        "deep": (DEEP, 10),
        "numberless": (NUMBERLESS, 15),
        "garbage": ((), 10),
    }
    names, weights = list(families), [weight for _, weight in families.values()]
    for _ in range(count):
        family = draw.choices(names, weights)[0]
        if family == "garbage":
            yield family, " ".join(draw.choices(TOKENS, k=draw.randint(1, 60)))
            continue
        many = draw.randint(50, 5000)
        text = draw.choice(families[family][0]).format(
            big=draw.randint(9, 18), small=draw.randint(2, 99), path=str(place.file), folder=place.folder,
            module=draw.choice(MODULES), word=draw.choice(WORDS), parens="(" * many + ")" * many, plus="1+" * many,
            nots="~" * many,
        )  # fmt: skip
        yield family, _disguised(text, draw)


def _disguised(text: str, draw: random.Random) -> str:
    """Return a text unchanged, or hidden in an expression that looks harmless."""
    if "\n" in text or draw.random() < 0.6:
        return text
    shell = draw.choice(
        ("0.9 if year < 2027 else ({})", "max(0.4, ({}))", "({}) + year * 0", "[({}) for i in range(3)][0]")
    )
    return shell.format(text)


def as_written(text: str) -> None:
    """Run a text as a formula of a scenario file."""
    schedule = Formula.parse({"formula": text}, "1").schedule(GRID)
    if not all(isinstance(value, float) and math.isfinite(value) for _, value in schedule.knots):
        raise AssertionError("a value that is no finite number")


def past_the_check(text: str) -> None:
    """Run a text in the sandbox without the check."""
    if SECRET in repr(run_in_sandbox(text, {"year": 2026.5})):
        raise AssertionError("it read a secret")


def attempt(run: Callable[[str], None], text: str, place: Place) -> tuple[str, str]:
    """Return the outcome of one text, and the harm it did, if any."""
    begun = time.monotonic()
    try:
        run(text)
        outcome = "gave a number or a value"
    except CostModelError as error:
        line = str(error)
        if "\n" in line or len(line) > LONGEST_LINE or place.secret in line:
            return "stopped", f"no clear line: {line[:200]!r}"
        outcome = "stopped"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the campaign looks for any other exception
        return "escaped", f"{type(error).__name__}: {error}"
    took = time.monotonic() - begun
    if took > KILLED_AFTER + SLACK:
        return outcome, f"took {took:.1f} s"
    return outcome, place.harmed()


def _workers_left() -> int:
    """Return the number of sandbox processes left by this one, if the system can tell."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat")]
    return sum("(monty)" in stat and stat.rpartition(")")[2].split()[1] == str(os.getpid()) for stat in stats)


def campaign(count: int, seed: int = 0) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Return counts of outcomes by family, and every harm with its text."""
    counts: Counter[tuple[str, str]] = Counter()
    harms: list[str] = []
    environment, memory = dict(os.environ), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), SECRET)
        place.file.write_text(place.secret)
        for number, (family, text) in enumerate(hostile_texts(count, seed, place)):
            outcome, harm = attempt(as_written if number % 2 == 0 else past_the_check, text, place)
            counts[family, outcome] += 1
            if harm:
                harms.append(f"{text[:200]!r}: {harm}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    if grown > MORE_MEMORY:
        harms.append(f"memory grew by {grown / 1024:.0f} MiB")
    if _workers_left():
        harms.append("a process of the sandbox is still there")
    if dict(os.environ) != environment:
        harms.append("the environment was changed")
    return counts, harms


if __name__ == "__main__":
    tried = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found, wrong = campaign(tried, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    for (kind, what), times in sorted(found.items()):
        print(f"{kind:12} {what:26} {times:6,}")
    print(f"{sum(found.values()):,} tried, {len(wrong)} harms")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process of the sandbox: {largest:.0f} MiB")
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))
