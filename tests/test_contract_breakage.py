"""What a user can do wrong or push to its limit: one clear line, or the right number, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import costmodel
from costmodel.cli.app import main
from costmodel.foundation.errors import DomainError, ScenarioError

pytestmark = pytest.mark.contract

NO_OUTPUT_ROOM = Path("/dev/full")


@pytest.fixture
def command(capsys, monkeypatch):
    """Run the command line in this process; return status, output and errors."""

    def run(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["costmodel", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "Missing argument"),
        (["rum"], "No such command"),
        (["run", "from-2026", "--sed", "3"], "No such option"),
        (["run", "from-2026", "--draws", "many"], "--draws"),
        (["run", "from-2026", "--draws", "9" * 20], "at most 10,000,000"),
        (["catalog", "H100", "--limit", "0"], "--limit"),
        (["sensitivity", "from-2026"], "--output"),
        (["run", "h100-hour", "--draws", "5", "--workers", "2"], "belong to the flywheel"),
        (["run", "token-market", "--out", "x.csv"], "has axes"),
        (["compare", "from-2026", "from-2026", "--part", "a=energy.price"], "--waterfall"),
        (["run", "from-2026", "--set", "energy.price=" + "9" * 5000], "energy.price"),
        (["run", "from-2026", "--set", "energy.price=" + "9" * 400], "a finite number"),
        (["run", "from-2026", "--set", "energy.price=" + "[" * 5000], "energy.price"),
        (["run", "from-2026", "--set", "energy.price=1e-4\n[sources.x]\ntitle=3"], "energy.price"),
        (["run", "/dev/zero"], "not a scenario"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(command, arguments: list[str], says: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("costmodel: ")
    assert says in err


def test_a_command_without_arguments_shows_its_help(command) -> None:
    code, out, err = command()
    assert (code, err) == (2, "")
    assert "sensitivity" in out


def test_files_that_are_not_scenarios_are_refused_in_one_line(command, tmp_path: Path) -> None:
    deep, binary = tmp_path / "deep.toml", tmp_path / "binary.toml"
    deep.write_text("x = " + "[" * 20_000)
    binary.write_bytes(b"\xff\xfe\x00")
    for arguments in (
        ("run", str(deep)),
        ("run", str(binary)),
        ("backtest", "bond-flywheel", "--plan", str(deep)),
        ("backtest", "bond-flywheel", "--plan", str(binary)),
    ):
        code, out, err = command(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_place_that_takes_no_file_is_refused_before_the_run(command, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for target in (tmp_path / "folder.csv", tmp_path / "nowhere" / "x.csv"):
        code, out, err = command("run", "from-2026", "--out", str(target))
        assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_an_output_that_ends_early_leaves_no_traceback() -> None:
    shell = f"{sys.executable} -m costmodel.cli.app run from-2026"
    piped = subprocess.run(f"{shell} | head -n 1", shell=True, capture_output=True, text=True, check=False)
    assert piped.stderr == ""
    if NO_OUTPUT_ROOM.exists():
        full = subprocess.run(f"{shell} > {NO_OUTPUT_ROOM}", shell=True, capture_output=True, text=True, check=False)
        assert full.returncode == 2
        assert full.stderr.splitlines() == ["costmodel: cannot write the output: No space left on device"]


def test_an_output_without_our_signs_still_gets_table_and_valid_json() -> None:
    environment = {"PYTHONIOENCODING": "ascii"}
    for arguments in (["stability", "from-2026"], ["run", "bond-flywheel", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "costmodel.cli.app", *arguments], env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
    json.loads(done.stdout.decode("ascii"))


def test_a_number_too_large_for_a_float_is_refused() -> None:
    scenario = costmodel.load_scenario("from-2026")
    for value in (10**400, {"dist": "uniform", "low": 0, "high": 10**400}):
        with pytest.raises(DomainError, match="finite number"):
            scenario.replace({"energy.price": value})


def test_a_path_with_a_null_is_refused() -> None:
    with pytest.raises(ScenarioError, match="null"):
        costmodel.load_scenario("a/\0b")
