"""User errors and extreme inputs: one clear line or the right number, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import costmodel
from costmodel.analysis import run_ensemble
from costmodel.cli.app import main
from costmodel.flywheel.stability import stability_report
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.schedules import parse_date, year_fraction

pytestmark = pytest.mark.contract

NO_OUTPUT_ROOM = Path("/dev/full")


def _to_zero(*paths: str) -> list[str]:
    return [text for path in paths for text in ("--set", f"{path}=0")]


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
        (["compare", "from-2026", "from-2026", "--part", "a=energy.price"], "--waterfall"),
        (["run", "from-2026", "--set", "energy.price=" + "9" * 5000], "energy.price"),
        (["run", "from-2026", "--set", "energy.price=" + "9" * 400], "a finite number"),
        (["run", "from-2026", "--set", "energy.price=" + "[" * 5000], "energy.price"),
        (["run", "from-2026", "--set", "energy.price=1e-4\n[sources.x]\ntitle=3"], "energy.price"),
        (["run", "/dev/zero"], "a pipe or a device"),
        (["run", "from-2026", "--set", "time.end=2026-10-01"], "no whole calendar year"),
        (["run", "from-2026", "--draws", "5", "--set", "time.end=2027-07-01"], "no whole calendar year"),
        (["stability", "from-2026", "--set", "time.end=2026-10-01"], "3 whole years"),
        (
            ["run", "from-2026", *_to_zero("hardware.lines.merchant.share", "hardware.lines.custom.share")],
            "every share",
        ),
        (["run", "token-market", "--set", "capability_growth=1e12"], "above 0"),
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
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
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


@pytest.mark.parametrize(("low", "high"), [(9.0, 10.0), (-60.0, -50.0), (50.0, 60.0)])
def test_a_cut_that_leaves_next_to_nothing_is_refused(low: float, high: float) -> None:
    with pytest.raises(DomainError, match="of its probability is between low and high"):
        Distribution.parse({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": low, "high": high}, "1")


def test_both_tails_of_a_normal_are_cut_alike() -> None:
    upper = Distribution.parse({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": 6.0, "high": 8.0}, "1")
    lower = Distribution.parse({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": -8.0, "high": -6.0}, "1")
    ranks = np.array([0.01, 0.3, 0.5, 0.9, 0.999999])
    assert upper.ppf(ranks) == pytest.approx(-lower.ppf(1.0 - ranks), rel=1e-9)


@pytest.mark.parametrize(
    "written",
    [
        {"dist": "normal", "p5": 1.0, "p5.0": 2.0},
        {"dist": "uniform", "p5": 1.0, "p05": 2.0},
        {"dist": "normal", "mean": [1.0], "sd": 1.0},
        {"dist": "uniform", "low": [1.0, 2.0], "high": 3.0},
        {"dist": "empirical", "values": 7.0},
        {"dist": "uniform", "low": -1e308, "high": 1e308},
    ],
)
def test_a_distribution_that_has_no_meaning_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(DomainError):
        Distribution.parse(written, "1")


def test_a_key_that_only_looks_like_a_quantile_is_refused() -> None:
    with pytest.raises(ScenarioError, match="two quantiles"):
        Distribution.parse({"dist": "normal", "p\u00b2": 1.0, "p5": 2.0}, "1")


def test_the_last_day_of_the_calendar_is_a_date() -> None:
    assert year_fraction(parse_date("9999-12-31")) == 9999 + (11 + 30 / 31) / 12


def test_one_output_may_be_given_as_a_text() -> None:
    scenario = costmodel.load_scenario("from-2026")
    one = run_ensemble(scenario, "user_spend@2030", draws=2, rng=0, exact="user_spend@2030")
    assert list(one) == ["user_spend@2030"]
    assert one.kept_draws("user_spend@2030").shape == (2,)


def test_without_demand_ratios_are_absent_and_nothing_warns(command) -> None:
    scenario = costmodel.load_scenario("from-2026")
    none = {path: 0 for path in scenario.paths() if path.endswith(".tokens")}
    run = costmodel.simulate(scenario.replace(none))
    for ratio in (run.average_price, run.average_unit_cost, run.fixed_weight_unit_cost, run.average_paid_price):
        assert np.isnan(ratio).all()
    assert not run.user_spend.any()
    assert np.isfinite(run.training_cost).all()
    stability_report(scenario.replace(none))
    code, out, err = command("run", "from-2026", "--json", *_to_zero(*none))
    assert (code, err) == (0, "")
    rows = json.loads(out, parse_constant=pytest.fail)["rows"]
    assert next(row for row in rows if row["output"] == "average_price")["values"] == [None] * 4


def test_models_that_shrink_need_less_compute_and_software_that_worsens_more() -> None:
    scenario = costmodel.load_scenario("from-2026")
    half = np.log(0.5)
    steady = {"market.chat.model_fade": 0, "software.algorithmic_fade": 0, "software.experience_exponent": 0}
    changes = {**steady, "market.chat.model_growth": half, "software.algorithmic_growth": half}
    run = costmodel.simulate(scenario.replace(changes))
    years = np.asarray(scenario.grid.mid) - scenario.grid.begin
    assert np.asarray(run.model_index)[:, 0] == pytest.approx(0.5**years, rel=1e-12)
    assert np.asarray(run.software_efficiency) == pytest.approx(0.5**years, rel=1e-12)
