"""`costmodel catalog` and `costmodel catalog check` on the command line."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from costmodel.catalog.check_findings import Finding, Weight
from costmodel.cli.catalog import catalog_command
from costmodel.foundation.errors import CatalogError

pytestmark = pytest.mark.contract

APP = typer.Typer()
APP.command()(catalog_command)
RUNNER = CliRunner()


def test_search_prints_figures_with_grade_and_source() -> None:
    done = RUNNER.invoke(APP, ["H100-SXM", "bf16", "--table", "accelerators", "--json"])
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [(row["record"], row["field"], row["value"]) for row in rows] == [("H100-SXM", "bf16", 989.4e12)]
    assert {"source", "grade", "known", "period", "unit", "note", "file", "line"} <= rows[0].keys()
    assert "figures" in RUNNER.invoke(APP, ["H100-SXM"]).stdout


def test_search_takes_a_date_a_table_and_a_limit() -> None:
    rows = json.loads(RUNNER.invoke(APP, ["Alphabet", "capex_plan", "--as-of", "2025-03", "--json"]).stdout)
    assert [row["value"] for row in rows] == [75e9]
    rows = json.loads(RUNNER.invoke(APP, ["--table", "pue", "--json"]).stdout)
    assert {row["kind"] for row in rows} == {"pue"}
    assert len(json.loads(RUNNER.invoke(APP, ["H100", "--limit", "3", "--json"]).stdout)) == 3
    assert "3 of" in RUNNER.invoke(APP, ["H100", "--limit", "3"]).stdout


def test_money_is_shown_in_money_of_a_year_that_the_index_covers() -> None:
    nominal, real = (
        json.loads(RUNNER.invoke(APP, ["Alphabet", "capex", "--limit", "3", "--json", *more]).stdout)
        for more in ([], ["--money-of", "2024"])
    )
    index = {"2015": 237.017, "2016": 240.007, "2017": 245.120, "2024": 313.689}  # US CPI-U, yearly averages
    for before, after in zip(nominal, real, strict=True):
        assert after["value"] == pytest.approx(before["value"] * index["2024"] / index[before["period"]], rel=1e-6)
        assert f"money of {before['period']} in money of 2024" in after["note"]
    assert isinstance(RUNNER.invoke(APP, ["Alphabet", "capex", "--money-of", "2031"]).exception, CatalogError)
    later = json.loads(RUNNER.invoke(APP, ["K40", "--money-of", "2024", "--json"]).stdout)
    assert any("has no figure" in (row["note"] or "") for row in later)


def test_without_words_the_tables_are_listed() -> None:
    rows = json.loads(RUNNER.invoke(APP, ["--json"]).stdout)
    counts = {row["table"]: row["records"] for row in rows}
    assert counts["accelerators"] == 37
    assert counts["training_runs"] == 45
    assert all(row["description"] for row in rows)
    assert "accelerators" in RUNNER.invoke(APP, []).stdout


def test_an_unknown_table_or_date_is_a_catalog_error() -> None:
    for words in (["--table", "acelerators"], ["H100", "--as-of", "soon"]):
        assert isinstance(RUNNER.invoke(APP, words).exception, CatalogError)


def test_check_passes_and_prints_counts() -> None:
    done = RUNNER.invoke(APP, ["check"])
    assert done.exit_code == 0, done.stdout
    assert "fault: 0, implausible: 0" in done.stdout
    rows = json.loads(RUNNER.invoke(APP, ["check", "--json"]).stdout)
    assert {row["weight"] for row in rows} <= {"remark"}


@pytest.mark.parametrize("weight", [Weight.FAULT, Weight.IMPLAUSIBLE])
def test_check_fails_on_a_fault(monkeypatch: pytest.MonkeyPatch, weight: Weight) -> None:
    finding = Finding(weight, "pue.csv", 3, "grade", "unknown grade 'sure'")
    monkeypatch.setattr("costmodel.catalog.check.check", lambda **_: [finding])
    done = RUNNER.invoke(APP, ["check"])
    assert done.exit_code == 1
    assert "pue.csv:3: grade: unknown grade 'sure'" in done.stdout
