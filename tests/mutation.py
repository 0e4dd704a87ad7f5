"""How many small faults in the code the tests notice: a seeded sample of faults by room (cosmic-ray, extra `dev`).

Each fault is one operator, number or branch changed in a copy of the repository. One run of the room's tests, and of
the contracts of formulas and dataclasses, shows which test executes which line (coverage). A fault gets the tests that
execute its statement, those of its module's own test file first. A statement that is executed by an import or before
the tests start gets all that execute any of its module, and the contracts and declarations. The fault is *killed* if a
test fails, and a *survivor* if all pass: a missing test, or an equivalent, which changes nothing that anyone can see.
Equivalents that were read are listed with their reason in ``mutants/equivalents.toml`` and are not tried. Faults in
annotations, and those that no longer are Python, are not drawn. A fault whose tests don't end in time is killed only if
they end in less than a tenth of it without the fault; else it counts apart, as *timed out*. The score is the share
killed of the faults drawn that are not equivalent::

    python tests/mutation.py market foundation --mutants 30 --seed 1

``--keep FOLDER`` keeps what the tests execute, for as long as the code of the room stays as it is; tests that were
written since are run for every fault.

``--modules 'vector_*'`` draws from the modules of that name alone.

``--rest room`` gives a survivor the room's other tests as well, ``--rest suite`` all tests: what they kill shows a
wrong choice, or a test in another room.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOMS = (
    "foundation",
    "catalog",
    "compute",
    "training",
    "serving",
    "ownership",
    "market",
    "estimation",
    "flywheel",
    "analysis",
)
"""Rooms that are tried where none is named."""
TIMEOUT = 240.0
"""Time that the tests may take on one fault [second]."""
SURE = 0.1
"""Share of the time allowed, below which tests that now don't end are sure to hang because of the fault."""
MEMORY = 12 * 2**30
"""Address space that the tests of one fault may take [byte]; a fault must not fill the machine."""
LONGER = 3.0
"""Time allowed where the tests are many, as a multiple of what they take without the fault."""
CONTRACTS = ("tests/test_contract_formulas.py", "tests/test_contract_values.py")
"""Tests of the form of every room's formulas and dataclasses."""
DECLARED = "_declarations.py::"
"""Part of the names of the tests that hold what a room declares: constants, defaults, ranges."""
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "watching")
"""How pytest runs: to the first failure, in the order given."""
LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""What pytest need not say: that it finds packages loaded."""
SOUND = 200
"""Tests that must pass once more before any fault, run as they are run for one."""
NO_TESTS = 5
"""Exit status of pytest where there is nothing to run."""
BEFORE = ""
"""Name under which what an import or the collection of tests executes is watched."""
EQUIVALENTS = Path(__file__).parent / "mutants" / "equivalents.toml"
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Fault:
    """One change that cosmic-ray can make."""

    path: Path
    operator: str
    occurrence: int
    start: tuple[int, int]


def equivalents(repository: Path) -> dict[tuple[str, str, str], str]:
    """Return the reason of each listed equivalent, by its file, its line and what the fault makes of it.

    Raises
    ------
    ValueError
        If a listed line no longer stands in its file.
    """
    listed = tomllib.loads(EQUIVALENTS.read_text(encoding="utf-8"))["equivalent"]
    for entry in listed:
        path = repository / entry["file"]
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
        if not set(entry["line"].splitlines()) <= set(lines):
            raise ValueError(f"{EQUIVALENTS.name}: no longer in {entry['file']}; look again: {entry['line']}")
    return {(entry["file"], entry["line"], entry["becomes"]): entry["reason"] for entry in listed}


class Module:
    """Where the statements of a module stand, and when they are executed."""

    def __init__(self, path: Path) -> None:
        self.nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))

    @cached_property
    def annotations(self) -> list[Span]:
        """Spans of annotations: a wrong type shows in a tool that checks types, or stops the import of a model."""
        found: list[ast.expr | None] = []
        for node in self.nodes:
            if isinstance(node, ast.AnnAssign | ast.arg):
                found.append(node.annotation)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(node.returns)
        return [
            ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)) for node in found if node
        ]

    def statement(self, line: int) -> tuple[range, bool]:
        """Return the lines of the statement at a line, and whether it is executed when a function is called."""
        around = [node for node in self.nodes if isinstance(node, ast.stmt) and line in _lines(node)]
        inner = max(around, key=lambda node: (_lines(node).start, -len(_lines(node))))
        starts = [_lines(node).start for node in ast.walk(inner) if isinstance(node, ast.stmt) and node is not inner]
        called = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and line >= _lines(node.body[0]).start
            for node in around
        )
        end = min(starts, default=_lines(inner).stop)
        return (range(_lines(inner).start, end) if line < end else range(line, line + 1)), called


def _lines(node: ast.stmt) -> range:
    """Return the lines of a statement, with its decorators."""
    first = min([node.lineno, *(above.lineno for above in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or first) + 1)


class Tests:
    """The tests of a room, the time that each takes and the lines that it executes."""

    def __init__(self, copy: Path, room: str, keep: Path | None) -> None:
        self.copy = copy
        kept = keep / f"{room}.json" if keep else copy / "watched.json"
        code = _digest(copy, f"src/costmodel/{room}/**/*.py")
        tests = {file: _digest(copy, file) for file in [*_files(copy, f"tests/{room}/*.py"), *CONTRACTS]}
        watched = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        if watched.get("code") != code:
            watched = _watch(copy, room) | {"code": code, "tests": tests}
            kept.write_text(json.dumps(watched), encoding="utf-8")
        _load(watched["modules"])
        self.changed = [file for file in tests if watched["tests"].get(file) != tests[file]]
        self.times: dict[str, float] = watched["times"]
        self.executed: dict[str, dict[int, list[str]]] = {
            path: {int(line): tests for line, tests in lines.items()} for path, lines in watched["lines"].items()
        }
        if self.run(list(self.times)[:SOUND])[0] != "survivor":
            raise RuntimeError(f"tests of {room} that passed before fail in a process of their own")

    def chosen(self, fault: Fault) -> list[str]:
        """Return the tests for a fault, those first that are likely to fail."""
        lines, called = Module(self.copy / fault.path).statement(fault.start[0])
        executed = self.executed.get(str(fault.path), {})
        module = {test for tests in executed.values() for test in tests if test != BEFORE}
        chosen = {test for line in lines for test in executed.get(line, ())}
        if not called or not chosen or BEFORE in chosen:
            contracts = {test for test in self.times if test.startswith(CONTRACTS) or DECLARED in test}
            chosen |= module | contracts if module else set(self.times)
        return self._in_order(chosen, module, fault.path.stem)

    def rest(self, chosen: list[str]) -> list[str]:
        """Return the tests that were not chosen."""
        return self._in_order(set(self.times).difference(chosen), set(), "")

    def time(self, tests: list[str]) -> float:
        """Return the time that tests take without a fault [second]."""
        return sum(self.times[test] for test in tests)

    def _in_order(self, tests: set[str], module: set[str], stem: str) -> list[str]:
        """Put the module's own files first, then those that execute any of it, the quick before the slow."""
        files: dict[str, list[str]] = defaultdict(list)
        for test in self.times:
            if test in tests:
                files[test.partition("::")[0]].append(test)

        def place(file: str) -> tuple[bool, bool, float]:
            own = bool(stem) and stem in Path(file).stem
            return not own, module.isdisjoint(files[file]), self.time(files[file]) / len(files[file])

        return [test for file in sorted(files, key=place) for test in files[file]]

    def run(self, tests: list[str]) -> tuple[str, float]:
        """Run tests on the copy as it is now, and say how they end and how long they take [second]."""
        leave = sorted(set(self.times).difference(tests))
        with tempfile.TemporaryDirectory(prefix="mutation-run-") as folder:
            given = Path(folder) / "chosen.json"
            given.write_text(json.dumps({"run": tests, "leave": leave}), encoding="utf-8")
            files = list(dict.fromkeys([*self.changed, *(test.partition("::")[0] for test in tests)]))
            allowed = max(TIMEOUT, LONGER * self.time(tests))
            sure = self.time(tests) < SURE * allowed
            return _ending(["--chosen", str(given), *files], self.copy, allowed, sure=sure)


def _files(copy: Path, pattern: str) -> list[str]:
    """Return the files of the copy that have a pattern."""
    return sorted(str(path.relative_to(copy)) for path in copy.glob(pattern))


def _digest(copy: Path, pattern: str) -> str:
    """Return a digest of the files of the copy that have a pattern."""
    whole = hashlib.sha256()
    for file in _files(copy, pattern):
        whole.update(file.encode() + (copy / file).read_bytes())
    return whole.hexdigest()


def _watch(copy: Path, room: str) -> dict[str, Any]:
    """Run a room's tests without a fault, and return what each executes.

    Raises
    ------
    RuntimeError
        If one fails.
    """
    found = copy / "watch.json"
    watching = ["--watch", str(found), "--watched", f"src/costmodel/{room}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PYTEST, *watching, f"tests/{room}", f"src/costmodel/{room}", *CONTRACTS],
        cwd=copy,
        env=_environment(copy, copy / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the tests of {room} fail without a fault: {done.stdout[-3000:]}{done.stderr[-2000:]}")
    watched: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return watched


def _load(modules: list[str]) -> None:
    """Import what the tests import from other packages, once for all faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ["pytest", *modules]:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _environment(copy: Path, cache: Path) -> dict[str, str]:
    """Return the environment of the tests, with compiled steps of their own and what hypothesis always tries."""
    paths = os.pathsep.join([str(copy / "src"), str(copy / "tests" / "mutants")])
    return {**os.environ, "PYTHONPATH": paths, "COSTMODEL_CACHE": str(cache), "COSTMODEL_HYPOTHESIS": "suite"}


def _ending(arguments: list[str], copy: Path, allowed: float, *, sure: bool) -> tuple[str, float]:
    """Return ``killed``, ``survivor`` or ``timed out``, and the time taken [second]."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-cache-") as cache:
        tests = multiprocessing.get_context("fork").Process(target=_test, args=(arguments, copy, Path(cache)))
        tests.start()
        tests.join(allowed)
        ending = {None: "killed" if sure else "timed out", 0: "survivor", NO_TESTS: "survivor"}.get(
            tests.exitcode, "killed"
        )
        with contextlib.suppress(ProcessLookupError):
            os.killpg(tests.pid or 0, signal.SIGKILL)
        tests.join()
    return ending, time.monotonic() - started


def _test(arguments: list[str], copy: Path, cache: Path) -> None:
    """Run tests in a process of their own, and end it with their status."""
    import pytest

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    environment = _environment(copy, cache)
    os.environ.update(environment, PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    os.chdir(copy)
    elsewhere = str(Path(__file__).parents[1])
    ours = environment["PYTHONPATH"].split(os.pathsep)
    sys.path[:] = [*ours, str(copy), *(path for path in sys.path if not path.startswith(elsewhere))]
    os._exit(pytest.main([*PYTEST, *LOADED, *arguments]))


def faults(copy: Path, room: str, modules: str) -> list[Fault]:
    """Return every fault that cosmic-ray can make in the modules of a room, outside of annotations."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    operators = {name: get_operator(name) for name in sorted(operator_names())}
    found = []
    for path in sorted((copy / "src" / "costmodel" / room).rglob(f"{modules}.py")):
        nodes, spans = list(ast_nodes(get_ast_from_path(path))), Module(path).annotations
        for name, operator in operators.items():
            if operator.arguments():
                continue
            places = [start for node in nodes for start, _ in operator().mutation_positions(node)]
            found += [
                Fault(path.relative_to(copy), name, occurrence, start)
                for occurrence, start in enumerate(places)
                if not any(first <= start < last for first, last in spans)
            ]
    return found


def _changed(copy: Path, fault: Fault) -> tuple[str, str] | None:
    """Return the lines that a fault takes away and those that it puts there instead; None if it is no longer Python."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    text = (copy / fault.path).read_text(encoding="utf-8")
    faulty = mutate_code(text, get_operator(fault.operator)(), fault.occurrence)
    try:
        compile(faulty, fault.path, "exec")
    except SyntaxError:
        return None
    lines = list(difflib.unified_diff(text.splitlines(), faulty.splitlines(), n=0, lineterm=""))[2:]
    before, after = ("\n".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return before, after


def _sample(copy: Path, every: list[Fault], mutants: int, seed: int) -> Iterator[tuple[Fault, str, str]]:
    """Draw faults that are Python, with the lines they take away and put there."""
    drawn = 0
    for fault in random.Random(seed).sample(every, len(every)):
        if drawn < mutants and (changed := _changed(copy, fault)):
            drawn += 1
            yield fault, *changed


@contextlib.contextmanager
def _made(copy: Path, fault: Fault) -> Iterator[None]:
    """Make a fault in the copy while the block runs."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator

    path = copy / fault.path
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    with use_mutation(path, get_operator(fault.operator)(), fault.occurrence):
        yield


def mutate(
    repository: Path, room: str, mutants: int, seed: int, rest: str, keep: Path | None, modules: str = "*"
) -> Iterator[tuple[str, str]]:
    """Try a sample of one room's faults on a copy of the repository, and give how each ends and where it stands.

    Raises
    ------
    RuntimeError
        If the tests fail before anything is changed: nothing could be concluded.
    """
    known = equivalents(repository)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder) / "copy"
        ignored = shutil.ignore_patterns(".git", ".hypothesis", "__pycache__", ".*_cache")
        shutil.copytree(repository, copy, ignore=ignored)
        sample = list(_sample(copy, faults(copy, room, modules), mutants, seed))
        tests = Tests(copy, room, keep)
        for fault, before, after in sample:
            where = f"{fault.path}:{fault.start[0]} {fault.operator}\n    - {before}\n    + {after}"
            if reason := known.get((str(fault.path), before, after)):
                yield "equivalent", f"{where}\n    {reason}"
                continue
            chosen = tests.chosen(fault)
            with _made(copy, fault):
                ending, taken = tests.run(chosen)
                if ending == "survivor" and rest != "none":
                    ending, more = _others(tests, chosen, rest)
                    taken += more
            yield ending, f"{where}\n    {len(chosen)} tests chosen, {taken:.0f} s"


def _others(tests: Tests, chosen: list[str], rest: str) -> tuple[str, float]:
    """Run the tests that were not chosen, and say in which circle the fault is noticed."""
    ending, taken = tests.run(tests.rest(chosen))
    if ending == "survivor" and rest == "suite":
        ending, more = _ending(["tests", "src"], tests.copy, 10 * TIMEOUT, sure=False)
        return ("killed by another room" if ending == "killed" else ending), taken + more
    return ("killed by a test not chosen" if ending == "killed" else ending), taken


def main() -> None:
    """Try the rooms named on the command line and print the score of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", default=list(ROOMS), help="rooms of src/costmodel; all if absent")
    parser.add_argument("--mutants", type=int, default=40, help="faults tried in each room")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--rest", choices=("none", "room", "suite"), default="none", help="other tests for survivors")
    parser.add_argument("--keep", type=Path, help="folder in which what tests execute is kept for the next run")
    parser.add_argument("--modules", default="*", help="names of the modules that are tried, such as 'vector_*'")
    parser.add_argument("--repository", type=Path, default=Path(__file__).parents[1])
    given = parser.parse_args()
    for room in given.rooms:
        count: Counter[str] = Counter()
        for ending, where in mutate(
            given.repository.resolve(), room, given.mutants, given.seed, given.rest, given.keep, given.modules
        ):
            count[ending] += 1
            sys.stdout.write(f"{ending}: {where}\n")
            sys.stdout.flush()
        tried = count.total() - count["equivalent"]
        killed = sum(number for ending, number in count.items() if ending.startswith("killed"))
        share = killed / tried if tried else float("nan")
        counts = ", ".join(f"{number} {ending}" for ending, number in sorted(count.items()))
        sys.stdout.write(f"{room}, seed {given.seed}: {counts}; score {killed}/{tried} = {share:.0%}\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
