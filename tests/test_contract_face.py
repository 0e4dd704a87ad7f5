"""The public interface: names at the root and in the rooms, user models, look-ups, versions, display of objects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import costmodel
from costmodel.foundation.errors import ScenarioError, UnknownParameterError
from costmodel.foundation.scenario import register_model

pytestmark = pytest.mark.contract

OWN = """
from dataclasses import dataclass
from typing import Any
import costmodel

class Stall(costmodel.Scenario):
    price: Any = costmodel.parameter("USD", gt=0, description="Price of a cup.")
    cups: Any = costmodel.parameter("1", ge=0, default=100.0, description="Cups sold.")

@dataclass(frozen=True, slots=True, kw_only=True)
class Day(costmodel.Result):
    sold: Any = costmodel.output("1", label="cups sold")

    @costmodel.derived("USD", label="takings of the day")
    def takings(self):
        return self.sold * self.resolved.price

def day(resolved: Stall) -> Day:
    return Day(scenario=resolved, sold=resolved.cups / resolved.price)

costmodel.register_model("stall", Stall, f"{__name__}:day")
"""
SCENARIO = 'name = "corner"\nmodel = "stall"\ntitle = "A stall"\nprice = {dist = "uniform", low = 1.0, high = 3.0}\n'


def command(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "costmodel.cli.app", *arguments]
    return subprocess.run(call, capture_output=True, text=True, check=False, cwd=folder)


def test_rooms_and_studies_are_reached_after_one_import() -> None:
    code = (
        "import costmodel\n"
        "for name in dir(costmodel): assert getattr(costmodel, name) is not None, name\n"
        "for room in ('analysis', 'ownership', 'estimation', 'market', 'training', 'compute'):\n"
        "    for name in dir(getattr(costmodel, room)): getattr(getattr(costmodel, room), name)\n"
        "assert costmodel.run_ensemble is costmodel.analysis.run_ensemble\n"
        "assert costmodel.catalog.__name__ == 'costmodel.catalog'\n"
        "import costmodel.compute.machine\n"
        "assert costmodel.compute.machine.__module__ == 'costmodel.compute.machine'\n"
        "assert costmodel.training.goodput.__name__ == 'costmodel.training.goodput'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_root_imports_no_room() -> None:
    code = "import sys, costmodel; print(sorted(n for n in sys.modules if n.startswith('costmodel.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    light = ["costmodel.foundation", "costmodel.foundation.lazy", "costmodel.foundation.version"]
    assert done.stdout.strip() == str(light)


def test_a_name_that_is_not_there_is_answered_with_near_ones() -> None:
    with pytest.raises(AttributeError, match="did you mean 'run_ensemble'"):
        costmodel.run_ensembel  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'break_even'"):
        costmodel.analysis.breakeven_  # noqa: B018


def test_objects_show_themselves_in_a_few_lines() -> None:
    scenario = costmodel.load_scenario("from-2026")
    assert len(repr(scenario).splitlines()) == 1 and "parameters" in repr(scenario)
    assert "run_ensemble" in (costmodel.__doc__ or "")


def test_parameters_are_looked_up_by_path_pattern_and_words() -> None:
    whole = costmodel.describe("from-2026")
    scenario = costmodel.load_scenario("from-2026")
    assert len(whole.rows) == len(scenario.paths())
    by_path = scenario.describe("market.chat.price_elasticity")
    assert [row[0] for row in by_path.rows] == ["market.chat.price_elasticity"]
    assert all(row[2] == "1" and row[3] == "≤ 0" for row in by_path.rows)
    below = {row[0] for row in scenario.describe("market.chat").rows}
    assert below == {path for path in scenario.paths() if path.startswith("market.chat.")}
    assert {row[0] for row in scenario.describe("market.*.price").rows} >= {"market.chat.price"}
    assert all("elasticity" in row[0] for row in scenario.describe("price elasticity").rows)
    with pytest.raises(UnknownParameterError, match="did you mean 'price_elasticity'"):
        scenario.describe("price_elastisity")


def test_the_command_line_looks_up_shows_and_compares(tmp_path: Path) -> None:
    assert command("--version").stdout == f"costmodel {costmodel.__version__}\n"
    found = command("describe", "h100-hour", "cost", "of", "capital")
    assert found.returncode == 0 and "wacc" in found.stdout
    shown = command("show", "h100-hour", "--set", "wacc=0.2", "--base", "h100-hour")
    assert shown.stdout == 'base = "h100-hour"\nwacc = 0.2\n'
    (tmp_path / "mine.toml").write_text(shown.stdout + 'name = "mine"\n')
    compared = command("diff", "h100-hour", str(tmp_path / "mine.toml"), "--json")
    assert '"path": "wacc"' in compared.stdout and '"second": "0.2"' in compared.stdout
    assert command("describe", "h100-hour", "utilisatoin").stderr.count("did you mean 'utilisation'") == 1


def test_a_model_of_ones_own_runs_in_the_same_machinery_and_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "stall.py").write_text(OWN)
    (tmp_path / "corner.toml").write_text(SCENARIO)
    run = command("--with", "stall.py", "run", "corner.toml", "--draws", "10", "--seed", "0", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "takings of the day" in run.stdout
    study = command(
        "--with", "stall.py", "sensitivity", "corner.toml", "--output", "sold", "--method", "tornado", folder=tmp_path
    )
    assert study.returncode == 0, study.stderr
    solved = command(
        "--with", "stall.py", "breakeven", "corner.toml", "--solve", "price", "--target", "sold = 40", folder=tmp_path
    )
    assert "2.5" in solved.stdout, solved.stderr  # 100 cups over the price
    unknown = command("run", "corner.toml", folder=tmp_path)
    assert unknown.returncode == 2 and "unknown model 'stall'" in unknown.stderr
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0")
    assert "ZeroDivisionError" in command("--with", str(broken), "list").stderr


def test_a_model_takes_no_name_of_another() -> None:
    with pytest.raises(ScenarioError, match="already registered"):
        register_model("flywheel", costmodel.Scenario, "elsewhere:run")


def test_one_door_to_the_studies() -> None:
    ranges = {"x": (0.0, 1.0), "y": (0.0, 2.0)}
    swings = costmodel.sensitivity(ranges, method="tornado", model=lambda x, y: x + y, rng=0)
    assert swings.swing[:, 0] == pytest.approx([0.8, 1.6])  # 0.8 of the range of each
    with pytest.raises(ScenarioError, match="did you mean 'tornado'"):
        costmodel.sensitivity(ranges, method="tornados", model=lambda x, y: x + y)
