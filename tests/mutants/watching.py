"""Plugin of pytest for ``tests/mutation.py``: watch which test executes which line, or run the tests chosen.

``--watch FILE --watched FOLDER`` writes the lines of the folder that each test executes, and the time that it takes.
A function that keeps its results would be executed by the first test alone: the caches of the room and of those that
use it are emptied before each test. What a fixture executes counts for each test of its file, since one fixture may
serve them all.
``--chosen FILE`` leaves out the tests that a list says, and orders the others by it.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation")
    group.addoption("--watch", type=Path, help="file for the lines that each test executes")
    group.addoption("--watched", type=Path, help="folder of the code that is watched")
    group.addoption("--chosen", type=Path, help="file with the tests to run, and those to leave out")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.watch:
        config.pluginmanager.register(_Watch(config.option.watch, config.option.watched))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests out, and run first what is to be run first; a test that has a new name by the fault runs last."""
    if not config.option.chosen:
        return
    given = json.loads(config.option.chosen.read_text(encoding="utf-8"))
    place, left = {name: number for number, name in enumerate(given["run"])}, set(given["leave"])
    items[:] = sorted(
        (item for item in items if item.nodeid not in left), key=lambda item: place.get(item.nodeid, len(place))
    )


def _above(room: str) -> set[str]:
    """Return the rooms that may use a room, itself too: only their caches keep what its code has found."""
    contracts = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    floors = [set(floor.split(" | ")) for contract in contracts for floor in contract.get("layers", ())]
    own = next(place for place, floor in enumerate(floors) if room in floor)
    return {room}.union(*floors[:own])


def _empty_caches(rooms: set[str]) -> None:
    """Forget what functions of some rooms have kept."""
    for name, module in list(sys.modules.items()):
        package, _, room = name.partition(".")
        if package == "costmodel" and room.partition(".")[0] in rooms:
            for kept in list(vars(module).values()):
                if callable(clear := getattr(type(kept), "cache_clear", None)):
                    clear(kept)


class _Watch:
    """Coverage of a folder, by test."""

    def __init__(self, out: Path, folder: Path) -> None:
        import coverage

        self.out, self.root = out, Path.cwd()
        self.rooms = _above(folder.name)
        self.times: dict[str, float] = {}
        self.coverage = coverage.Coverage(data_file=None, config_file=False, source=[str(folder)])
        self.coverage.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        _empty_caches(self.rooms)
        self.times[item.nodeid] = -time.perf_counter()
        self.coverage.switch_context(item.nodeid.partition("::")[0])
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid.partition("::")[0])
        try:
            return (yield)
        finally:
            self.times[item.nodeid] += time.perf_counter()
            self.coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        lines: dict[str, dict[int, list[str]]] = {}
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in self.times:
            by_file[test.partition("::")[0]].append(test)
        data: Any = self.coverage.get_data()
        for path in data.measured_files():
            lines[str(Path(path).relative_to(self.root))] = {
                line: sorted({test for context in contexts for test in by_file.get(context, [context])})
                for line, contexts in data.contexts_by_lineno(path).items()
            }
        others = [
            name for name, module in sys.modules.items() if "site-packages" in str(getattr(module, "__file__", ""))
        ]
        found = {"times": self.times, "lines": lines, "modules": others}
        self.out.write_text(json.dumps(found), encoding="utf-8")
