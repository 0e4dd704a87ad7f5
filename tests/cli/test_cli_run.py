"""The command line: tables, overrides, files that are complete or absent, one clear line for each error."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from costmodel.cli.app import START, main

pytestmark = pytest.mark.contract


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def costmodel(capsys, monkeypatch):
    """Run the command line in this process."""

    def run(*arguments: str, cwd: Path | None = None) -> Done:
        monkeypatch.setattr(sys, "argv", ["costmodel", *arguments])
        if cwd is not None:
            monkeypatch.chdir(cwd)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        code = stop.value.code
        out, err = capsys.readouterr()
        return Done(code if isinstance(code, int) else int(code is not None), out, err)

    return run


def test_the_installed_command_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "costmodel.cli.app", "run", "bond-flywheell"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_run_imports_nothing_that_it_does_not_use() -> None:
    code = (
        "import sys\n"
        "import numpy, pydantic\n"
        "before = set(sys.modules)\n"
        "from costmodel.cli.app import main\n"
        "sys.argv = ['costmodel', 'run', 'bond-flywheel']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "rooms = {f'costmodel.{name}' for name in ('serving', 'analysis', 'catalog.loader', 'compute.layer')}\n"
        "heavy = {'scipy', 'pint', 'pandas', 'dask', 'matplotlib', 'llvmlite', 'multiprocessing', 'numpy.ma'}\n"
        "heavy |= {'concurrent.futures', 'asyncio', 'sphinx', 'rich.progress', 'rich.markdown', 'costmodel.formats'}\n"
        "print(sorted((rooms | heavy) & (set(sys.modules) - before)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_run_of_a_built_in_scenario_searches_no_installed_packages() -> None:
    code = (
        "import sys, importlib.metadata as packages\n"
        "searches, search = [], packages.distributions\n"
        "packages.distributions = lambda **named: searches.append(1) or search(**named)\n"
        "from costmodel.cli.app import main\n"
        "print('numpy' in sys.modules, 'pydantic' in sys.modules, file=sys.stderr)\n"
        "sys.argv = ['costmodel', 'run', 'bond-flywheel']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "import os\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], len(searches), file=sys.stderr)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in START}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.split("\n")[:2] == ["False False", "1 0"], done.stderr


def test_list_and_run_print_tables(costmodel) -> None:
    listed = costmodel("list", "--json")
    assert listed.returncode == 0
    assert {"bond-flywheel", "from-2026"} <= {row["name"] for row in json.loads(listed.stdout)}
    shown = costmodel("run", "bond-flywheel")
    assert shown.returncode == 0
    for text in ("user spend", "2030", "capex limited by", "loop gain", "history", "known miss"):
        assert text in shown.stdout


def test_json_holds_table_history_and_bounds(costmodel) -> None:
    data = json.loads(costmodel("run", "bond-flywheel", "--json").stdout)
    assert data["years"] == list(range(2023, 2031))
    spend = next(row for row in data["rows"] if row["output"] == "user_spend")
    assert len(spend["values"]) == 8
    assert data["bound"]["2023"] == "plan"
    assert 0 < data["loop_gain"] < 1
    assert {row["output"] for row in data["history"]} >= {"tokens", "capex", "rental_price"}


def test_set_replaces_a_parameter_with_its_unit(costmodel, tmp_path: Path) -> None:
    base = costmodel("run", "from-2026", "--json")
    changed = costmodel(
        "run",
        "from-2026",
        "--json",
        "--set",
        "energy.price=200 USD/MWh",
        "--set",
        "operators.industry.financing.wacc=0.08",
    )
    assert json.loads(base.stdout)["rows"] != json.loads(changed.stdout)["rows"]


def test_draws_give_bands_and_repeat(costmodel, tmp_path: Path) -> None:
    target = tmp_path / "bands.csv"
    one = costmodel("run", "from-2026", "--draws", "50", "--seed", "0", "--out", str(target))
    assert one.returncode == 0, one.stderr
    assert "near a runaway" in one.stdout
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert set(rows[0]) == {"year", "output", "unit", "p5", "p50", "p95"}
    first = target.read_text()
    costmodel("run", "from-2026", "--draws", "50", "--seed", "0", "--workers", "2", "--out", str(target))
    assert target.read_text() == first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "bond-flywheell"], "did you mean 'bond-flywheel'"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["run", "bond-flywheel", "--set", "market.chat.price_elasticty=-1"], "did you mean 'price_elasticity'"),
        (["run", "bond-flywheel", "--set", "market.chat.price_elasticity=2"], "outside the allowed range"),
        (["run", "bond-flywheel", "--set", "energy.price=3 W"], "wrong dimension"),
        (["run", "bond-flywheel", "--set", "energy.price=true"], "a number"),
        (["run", "bond-flywheel", "--set", "energy.price"], "write PATH=VALUE"),
        (["run", "bond-flywheel", "--out", "table.xls"], "must end in .csv"),
        (["run", "bond-flywheel", "--out", "no/such/folder/table.csv"], "No such file"),
        (["run", "bond-flywheel", "--draws", "0"], "draws"),
        (["run", "bond-flywheel", "--draws", "5", "--seed", "-1"], "seed"),
        (["run", "bond-flywheel", "--seed", "1"], "--draws"),
        (["stability", "nowhere"], "no scenario"),
        (["compare", "bond-flywheel", "from-2026", "--waterfall", "--draws", "20"], "different years"),
    ],
)
def test_errors_are_one_line_and_status_2(costmodel, arguments: list[str], said: str, tmp_path: Path) -> None:
    done = costmodel(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["not toml = = =", "name = 'x'", "name = 'x'\nmodel = 'flywheell'", "\x00"])
def test_a_broken_file_is_named(costmodel, text: str, tmp_path: Path) -> None:
    broken = tmp_path / "mine.toml"
    broken.write_text(text)
    done = costmodel("run", str(broken))
    assert done.returncode == 2
    assert "mine.toml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("suffix", "extra"), [(".parquet", "pyarrow"), (".nc", "h5netcdf")])
def test_other_formats(costmodel, suffix: str, extra: str, tmp_path: Path) -> None:
    pytest.importorskip(extra)
    pytest.importorskip("xarray")
    target = tmp_path / f"table{suffix}"
    done = costmodel("run", "from-2026", "--out", str(target))
    assert done.returncode == 0, done.stderr
    assert target.stat().st_size > 0
    assert [item.name for item in tmp_path.iterdir()] == [target.name]


def test_stability_prints_loops(costmodel) -> None:
    report = json.loads(costmodel("stability", "bond-flywheel", "--json").stdout)
    assert {"nothing cut", "forecast", "grid"} <= set(report["responses"])


def test_a_narrow_terminal_cuts_no_figure(costmodel, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    shown = costmodel("run", "bond-flywheel")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout).splitlines()
    assert "…" not in shown.stdout
    assert max(len(line) for line in lines) <= 80
    assert sum("capex limited by" in line for line in lines) >= 2, "eight years stand in several tables"


def test_series_of_other_models_are_shown_whole(costmodel) -> None:
    shown = costmodel("run", "frontier-ladder")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    heads = next(line for line in lines if "2020" in line)
    assert [int(word) for word in heads.split() if word.isdigit()] == list(range(2020, 2031))
    assert "2024.10" in shown.stdout, "the date at which 100 million dollars are passed"
    market = costmodel("run", "token-market").stdout
    assert "USD/Mtoken" in market, "a price is stored per token and shown per million"
    assert "agents" in market
    assert "[" not in market, "no array is printed as such"


def test_four_bits_run_and_what_cannot_is_said_in_words(costmodel):
    changes = ("--set", "architecture=gpt-oss-120b", "--set", "layout.tensor=1")
    done = costmodel("run", "token-on-h100", *changes, "--set", "precision=mxfp4")
    assert done.returncode == 0
    assert "stored as mxfp4, multiplied as bf16: the chip has no fp4" in done.stdout
    assert "architecture=gpt-oss-120b" in "".join(done.stdout.splitlines()[:3])
    done = costmodel("run", "token-on-h100", *changes, "--set", "precision=bf16", "--json")
    form = json.loads(done.stdout)
    assert done.returncode == 0
    assert form["infeasible"]["value"] is True
    assert form["reason"]["meaning"].startswith("memory: the weights do not fit")
    assert form["reason"]["words"][int(form["reason"]["value"])] == form["reason"]["meaning"]
    assert form["output_cost"]["value"] is None


def test_a_model_comes_from_its_file_or_a_table(costmodel, tmp_path):
    config = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
    config |= {"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    table = "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in config.items()) + "}"
    costs = {}
    for name in ("Llama-3-8B", str(tmp_path / "config.json"), str(tmp_path), table):
        done = costmodel("run", "token-on-h100", "--set", f"architecture={name}", "--json")
        costs[json.loads(done.stdout)["output_cost"]["value"]] = name
    assert len(costs) == 1
    done = costmodel("run", "token-on-h100", "--set", "architecture=nowhere/config.json")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr


def test_amounts_are_shown_in_another_currency_and_in_money_of_another_year(costmodel):
    plain = json.loads(costmodel("run", "h100-hour", "--json").stdout)
    euro = json.loads(costmodel("run", "h100-hour", "--currency", "EUR", "--rate", "1.25", "--json").stdout)
    assert euro["total"]["unit"] == "EUR/hour"
    assert euro["total"]["value"] == pytest.approx(plain["total"]["value"] / 1.25)
    assert "EUR at 1.25 USD for one" in euro["remarks"]["value"]
    real = json.loads(costmodel("run", "h100-hour", "--money-of", "2020", "--json").stdout)
    eight_months = (325.252 + 326.785 + 330.213 + 333.020 + 335.123 + 333.952 + 333.918 + 334.980) / 8
    assert real["total"]["value"] == pytest.approx(plain["total"]["value"] * 258.811 / eight_months, rel=1e-5)
    years = costmodel("run", "bond-flywheel", "--money-of", "2024", "--inflation", "0.02").stdout
    assert "money of 2024 by US CPI-U, 0.02 a year after it ends" in " ".join(years.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--currency", "EUR"), "EUR needs a dated rate"),
        (("--rate", "1.1"), "--rate and --on work only with --currency"),
        (("--inflation", "0.02"), "--inflation works only with --money-of"),
        (("--money-of", "2050"), "give inflation"),
        (("--currency", "EUR", "--on", "soon"), "'soon' is not a date"),
    ],
)
def test_money_that_cannot_be_shown_is_refused_on_one_line(costmodel, options, said):
    done = costmodel("run", "h100-hour", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_total_stands_before_its_parts(costmodel):
    shown = {
        "h100-hour": ("total cost of an accelerator-hour", "accelerator, straight-line recovery"),
        "token-planner": ("cost of a token of the mix", "whether it is infeasible"),
    }
    for name, (total, part) in shown.items():
        text = " ".join(costmodel("run", name).stdout.split())
        assert 0 <= text.index(total) < text.index(part)


def test_outputs_by_year_as_a_long_table(costmodel, tmp_path):
    path = tmp_path / "long.csv"
    assert costmodel("run", "token-market", "--iamc", str(path)).returncode == 0
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert {row["scenario"] for row in rows} == {"token-market"}
    assert costmodel("run", "token-market", "--iamc", "long.txt").returncode == 2
    assert "stands alone" in costmodel("run", "token-market", "--iamc", str(path), "--json").stderr


@pytest.mark.parametrize("argument", ["٣", "１", "1_0", "--draws=1_000", "-٣", "1_0.5"])
def test_a_number_is_written_in_the_digits_0_to_9(costmodel, argument: str) -> None:
    done = costmodel("answer", argument)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"costmodel: {argument!r}: write a number in the digits 0 to 9 alone; a file of that name as ./NAME\n"
    )


def test_users_of_a_fleet_are_read_within_bounds(costmodel, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("user,reserved\nsearch,1_0\n", encoding="utf-8")
    done = costmodel("allocate", str(path), "--units", "8", "--cost", "16")
    assert (done.returncode, "row 1: '1_0'" in done.stderr) == (2, True)
    path.write_text("user,reserved\nsearch,1,2\n", encoding="utf-8")
    assert "more cells than the header" in costmodel("allocate", str(path), "--units", "8", "--cost", "16").stderr


def test_what_cannot_run_is_answered_with_its_figures(costmodel, tmp_path):
    given = ("token-on-h100", "--set", "layout.tensor=1", "--set", "precision=bf16")
    done = costmodel("run", *given)
    assert done.returncode == 0
    assert done.stdout.startswith("It cannot run: memory: the weights do not fit")
    assert "GB" in json.loads(costmodel("run", *given, "--json").stdout)["reason"]["meaning"]
    for extra in ("jinja2", "matplotlib"):
        pytest.importorskip(extra)
    page = tmp_path / "page.html"
    assert costmodel("report", *given, "-o", str(page)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert re.search(r'class="answer">It cannot run: memory: [^<]*GB', text)
    assert re.search(r"<td[^>]*>memory: the weights do not fit[^<]*GB", text)


def test_a_file_may_write_growth_as_a_formula(costmodel, tmp_path):
    pytest.importorskip("pydantic_monty")

    def tokens(growth: str) -> list[float]:
        text = f'name = "mine"\nbase = "bond-flywheel"\n\n[market.chat.adoption]\ngrowth = {growth}\n'
        (tmp_path / "mine.toml").write_text(text)
        done = costmodel("run", "mine.toml", "--rows", "tokens", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["rows"][0]["values"]

    found = tokens('{ formula = "0.9 if year < 2027 else 0.4" }')
    steps = tokens('{ knots = [["2023-01-01", 0.9], ["2027-01-01", 0.4]], interpolation = "step" }')
    assert found == pytest.approx(steps, rel=1e-12)
    constant = tokens("0.9")  # the same for the four years before 2027, more after
    assert found[:4] == pytest.approx(constant[:4], rel=1e-12)
    assert all(less < more for less, more in zip(found[4:], constant[4:], strict=True))


def test_a_formula_where_nothing_can_be_scheduled_is_refused_in_one_line(costmodel, tmp_path):
    text = 'name = "mine"\nbase = "bond-flywheel"\n\n[training]\ninitial_growth = { formula = "0.9" }\n'
    (tmp_path / "mine.toml").write_text(text)
    done = costmodel("run", "mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "training.initial_growth: cannot be scheduled" in done.stderr
    assert "write a number or a distribution" in done.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("name", ["deepseek-v3-run", "h100-hour"])
def test_an_unknown_output_is_refused_before_anything_is_printed(costmodel, name: str, form: tuple[str, ...]) -> None:
    done = costmodel("run", name, "--rows", "nowhere", *form)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no output 'nowhere'" in done.stderr
