"""``--out``: every command that prints tables also writes them to a file, completely and with full figures."""

from __future__ import annotations

import csv
import io
import json

import pytest

from costmodel.foundation.table_files import stacked
from costmodel.foundation.tables import Table

pytestmark = pytest.mark.contract

WITHOUT = {"show": "TOML", "report": "writes a page", "explore": "a server"}
"""Commands that do not print tables."""
OWN = {"run", "calibrate", "sandbox"}
"""Commands whose --out writes more than the tables, or something else."""


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_every_command_with_a_table_takes_the_option() -> None:
    import typer.main

    from costmodel.cli.app import app

    group = typer.main.get_command(app)
    commands = dict(group.commands)
    commands |= {f"estimate {name}": one for name, one in commands.pop("estimate").commands.items()}
    commands.pop("store")  # prints the number of whole blocks
    held = {name for name, one in commands.items() if any("--out" in option.opts for option in one.params)}
    assert held == set(commands) - (set(WITHOUT) - {"report"})
    texts = {
        option.help
        for name, one in commands.items()
        for option in one.params
        if "--out" in option.opts and name not in OWN | {"report"}
    }
    assert len(texts) == 1, "one option, declared in one place"


def test_a_file_holds_the_figures_that_json_holds(command, tmp_path) -> None:
    given = ("compare", "bond-flywheel", "from-2026", "--draws", 16, "--output", "capex@2030")
    target = tmp_path / "found.csv"
    assert command(*given, "--out", target)[0] == 0
    (row,) = rows_of(target)
    (known,) = json.loads(command(*given, "--json")[1])["rows"]
    for name, value in known.items():
        if isinstance(value, float):
            assert float(row.get(name) or row[f"{name} [1]"]) == value


def test_what_the_screen_cuts_is_in_the_file(command, tmp_path) -> None:
    target = tmp_path / "found.csv"
    status, out, _ = command("catalog", "H100", "--limit", 3, "-o", target)
    assert status == 0
    assert "3 of " in out
    assert len(rows_of(target)) > 50
    status, out, _ = command(
        "sensitivity", "from-2026", "--output", "user_spend@2030", "--method", "elasticity", "-o", target
    )
    assert status == 0
    assert "12 of " in out
    assert len(rows_of(target)) > 12


@pytest.mark.parametrize("ending", ["csv", "html", "parquet", "xlsx"])
def test_several_tables_stand_in_one_file(command, tmp_path, ending) -> None:
    for extra in {"csv": ["pandas"], "html": ["jinja2", "matplotlib"], "parquet": ["pandas", "pyarrow"]}.get(
        ending, ["xlsxwriter", "openpyxl"]
    ):
        pytest.importorskip(extra)
    target = tmp_path / f"found.{ending}"
    status, out, _ = command("stability", "bond-flywheel", "--out", target)
    assert status == 0
    assert out.rstrip().endswith(f"written: {target}")
    if ending == "html":
        text = target.read_text(encoding="utf-8")
        assert text.count("<table>") == 3
        assert "loops of bond-flywheel" in text
        assert "http" not in text, "a page of its own needs no network"
    elif ending == "xlsx":
        import openpyxl

        assert len(openpyxl.load_workbook(target).sheetnames) == 3
    else:
        import pandas

        frame = pandas.read_csv(target) if ending == "csv" else pandas.read_parquet(target)
        assert frame["table"].nunique() == 3


def test_a_run_as_a_page_holds_all_that_was_shown(command, tmp_path) -> None:
    for extra in ("jinja2", "matplotlib"):
        pytest.importorskip(extra)
    target = tmp_path / "run.html"
    assert command("run", "bond-flywheel", "--out", target)[0] == 0
    text = target.read_text(encoding="utf-8")
    assert "history: the known figure" in text
    assert "opening balance" in text
    status, _, err = command("run", "bond-flywheel", "--out", target, "--json")
    assert status == 2
    assert "leave --json out" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "x.txt"), "must end in .csv, .html, .parquet, .xlsx"),
        (("--out", "no/such/x.csv"), "No such file"),
        (("--out", "x.csv", "--json"), "leave --json out"),
        (("--out", "x.csv", "--bibtex"), "leave --bibtex out"),
    ],
)
def test_a_file_that_cannot_be_is_refused_on_one_line(command, tmp_path, monkeypatch, options, said) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = command("sources", "from-2026", *options)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        (("catalog", "--export", "week"), "--export"),
        (("catalog", "--verify", "week"), "--verify"),
        (("validate", "exams", "--markdown"), "--markdown"),
    ],
)
def test_a_form_without_tables_and_a_file_of_tables_are_refused_together(
    command, tmp_path, monkeypatch, given, flag
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = command(*given, "--out", "x.csv")
    assert (status, out) == (2, "")
    assert f"leave {flag} out" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "other", [("--verify", "x"), ("price",), ("--table", "prices"), ("--as-of", "2025"), ("--json",)]
)
def test_an_export_beside_another_job_writes_nothing(command, tmp_path, monkeypatch, other) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = command("catalog", "--export", "week", *other)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "stand alone" in err
    assert list(tmp_path.iterdir()) == []


def test_findings_of_a_check_are_written_as_a_table(command, tmp_path) -> None:
    target = tmp_path / "found.csv"
    status, out, _ = command("catalog", "check", "--out", target)
    lines = [line for line in out.splitlines() if "written:" not in line]
    assert status in (0, 1)
    assert len(rows_of(target)) == len(lines) - 1  # the last line counts them
    assert all(row["message"] in line for row, line in zip(rows_of(target), lines, strict=False))


def test_an_answer_with_a_status_of_its_own_is_written_too(command, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("costmodel.validation.failures", lambda outcomes: outcomes)
    target = tmp_path / "cases.csv"
    assert command("validate", "market", "--out", target)[0] == 1
    assert all(float(row["published"]) for row in rows_of(target))


def test_heads_over_several_units_get_a_column_each() -> None:
    one = Table(("part", "value"), (("chip", 2.0),), "costs", units=("", "USD"))
    other = Table(("part", "value"), (("chip", 5.0),), "lives", units=("", "year"))
    assert stacked([one, other]).to_csv().splitlines() == [
        "table,part,value [USD],value [year]",
        "costs,chip,2.0,",
        "lives,chip,,5.0",
    ]


def test_a_title_longer_than_its_table_stands_on_one_line(command) -> None:
    _, out, _ = command("margin", "capex-2026-meta", 2026, 2030, "--book-life", 4)
    assert "capex-2026-meta, book life 4 years: operating margin, 2026 to 2030\n" in out
