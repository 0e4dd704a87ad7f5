"""The registry of published cases and `costmodel validate`."""

from __future__ import annotations

import json
import math

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from costmodel.cli import validate as command
from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.validation import Case, Evidence, as_row, cases, domains, failures, run, verdict

APP = typer.Typer()
APP.command()(command.validate_command)
RUNNER = CliRunner()


def _case(value: float, *, published: float = 100.0, tolerance: float = 0.01, miss: str | None = None) -> Case:
    return Case("demo/x", "a source", Evidence.IDENTITY, published, "1", tolerance, lambda: value, miss)


def _refuses() -> float:
    raise DomainError("outside")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("case", "word"),
    [
        (_case(100.5), "ok"),
        (_case(99.5), "ok"),
        (_case(102.0), "FAIL"),
        (_case(98.0), "FAIL"),
        (_case(102.0, miss="why"), "miss"),
        (_case(100.5, miss="why"), "ok"),
        (_case(0.005, published=0.0), "ok"),
        (_case(0.02, published=0.0), "FAIL"),
        (_case(math.nan), "FAIL"),
        (_case(math.nan, miss="why"), "FAIL"),
        (_case(math.inf), "FAIL"),
        (_case(-99.5, published=-100.0), "ok"),
    ],
)
def test_verdicts(case: Case, word: str) -> None:
    outcome = run([case])[0]
    assert verdict(outcome) == word
    assert bool(failures([outcome])) == (word == "FAIL")


@pytest.mark.contract
def test_a_model_that_refuses_is_a_failure_without_a_value() -> None:
    outcome = run([Case("demo/y", "a source", Evidence.PREDICTION, 1.0, "1", 0.1, _refuses)])[0]
    assert verdict(outcome) == "FAIL"
    row = as_row(outcome)
    assert (row["model"], row["error"], row["refused"]) == (None, None, "outside")
    assert json.loads(json.dumps(row))["evidence"] == "prediction"


@pytest.mark.law
@given(st.floats(0.01, 1e6), st.floats(-0.5, 0.5), st.floats(0, 0.4))
def test_a_wider_tolerance_never_fails_what_passed(published: float, error: float, tolerance: float) -> None:
    case = _case(published * (1 + error), published=published, tolerance=tolerance)
    wider = _case(published * (1 + error), published=published, tolerance=tolerance + 0.1)
    if verdict(run([case])[0]) == "ok":
        assert verdict(run([wider])[0]) == "ok"


@pytest.mark.contract
def test_domains_are_found_and_near_matches_named() -> None:
    assert "catalog" in domains()
    assert all(case.name.startswith("catalog/") for case in cases("catalog"))
    with pytest.raises(CatalogError, match="catalog"):
        cases("catalogue")


@pytest.mark.contract
def test_names_are_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.validation.catalog.CASES", (_case(1.0), _case(2.0)))
    cases.cache_clear()
    try:
        with pytest.raises(CatalogError, match="demo/x"):
            cases("catalog")
    finally:
        cases.cache_clear()


@pytest.mark.contract
def test_the_table_and_json_state_every_entry() -> None:
    done = RUNNER.invoke(APP, ["catalog", "--json"])
    rows = json.loads(done.stdout)
    assert len(rows) == len(cases("catalog"))
    assert all(
        {"case", "source", "evidence", "published", "model", "error", "tolerance", "verdict"} <= row.keys()
        for row in rows
    )
    shown = RUNNER.invoke(APP, ["catalog"]).stdout
    for text in ("identity", "re-implementation", "prediction", "verdict", "tolerance", "miss · "):
        assert text in shown
    assert f"{len(rows)} cases" in shown


@pytest.mark.contract
@pytest.mark.parametrize(
    ("case", "status"), [(_case(100.0), 0), (_case(150.0), 1), (_case(150.0, miss="known"), 0), (_case(math.nan), 1)]
)
def test_exit_status(monkeypatch: pytest.MonkeyPatch, case: Case, status: int) -> None:
    monkeypatch.setattr("costmodel.validation.cases", lambda _: (case,))
    for words in ([], ["--json"]):
        assert RUNNER.invoke(APP, words).exit_code == status
