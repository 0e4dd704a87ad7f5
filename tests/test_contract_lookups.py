"""Look-ups: shell completion, class of a built-in scenario, effects of a parameter, and documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_overloads

import pytest

import costmodel
from costmodel.cli import arguments
from costmodel.entry import FlywheelName, load_scenario

pytestmark = pytest.mark.contract


def test_every_built_in_scenario_is_typed_by_name() -> None:
    typed: dict[str, str] = {}
    for overload in get_overloads(load_scenario):
        hints = overload.__annotations__
        names = hints["name_or_path"]
        found = (
            FlywheelName.__args__
            if names == "FlywheelName"
            else eval(names.removeprefix("Literal"))
            if "Literal" in names
            else ()
        )
        typed |= dict.fromkeys([found] if isinstance(found, str) else found, hints["return"])
    for name in costmodel.scenario_names():
        assert typed.pop(name) == type(load_scenario(name)).__name__, name
    assert typed == {}


def complete(words: str, place: int, folder: Path) -> list[str]:
    code = "import sys; sys.argv = ['costmodel']; from costmodel.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **__import__("os").environ,
            "_COSTMODEL_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(place),
        },
    )
    return done.stdout.split()


def test_a_shell_completes_commands_scenarios_and_paths(tmp_path: Path) -> None:
    (tmp_path / "from-mine.toml").write_text("")
    assert complete("costmodel bre", 1, tmp_path) == ["breakeven"]
    assert complete("costmodel run from", 2, tmp_path) == ["from-2026", "from-mine.toml"]
    assert complete("costmodel run h100-hour --set wa", 4, tmp_path) == ["wacc="]


def test_what_cannot_be_loaded_completes_to_nothing() -> None:
    context = SimpleNamespace(params={"name": "nowhere"}, args=[])
    assert list(arguments.complete_path(context, "")) == []
    assert list(arguments.complete_scenario("[*")) == []


def test_a_parameter_says_what_it_moves_most() -> None:
    row = costmodel.describe("h100-hour", "utilisation").records()[0]
    base = costmodel.run("h100-hour")
    up = costmodel.run(costmodel.load_scenario("h100-hour").replace({"utilisation": 0.99}))
    response = (float(up.total) / float(base.total) - 1.0) / -0.01
    assert row["moves most, per 1 %"] == f"total {response:+.2g} %"
    assert "moves most, per 1 %" not in costmodel.describe("h100-hour").columns, "of many it would take many runs"


def test_documents_are_listed_once_with_what_rests_on_them() -> None:
    scenario = costmodel.load_scenario("from-2026")
    table = scenario.bibliography()
    cited = [row.source for row in scenario.sources() if row.source is not None]
    assert sum(row["inputs"] for row in table.records()) == len(cited)
    assert len(table.rows) == len(set(cited))
    entries = scenario.bibtex()
    assert entries.count("@misc{") == len(set(cited))
    assert entries.count("{") == entries.count("}")
