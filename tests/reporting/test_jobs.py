"""The jobs of the Start page, done as described there: few commands, no manual plotting, only the library's figures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import costmodel

pytestmark = pytest.mark.contract

START = Path(__file__).parents[2] / "docs" / "start.md"
COMMANDS = 6
"""Largest number of commands of the analyst's job [1]."""


def block(heading: str, language: str) -> str:
    """Return the first block of code below a heading of the Start page."""
    text = START.read_text(encoding="utf-8")
    part = text[text.index(f"## {heading}") :]
    return re.search(rf"```{language}\n(.*?)```", part, flags=re.DOTALL)[1]  # type: ignore[index]


@pytest.fixture(autouse=True)
def _where_there_are_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not START.exists():
        pytest.skip("the documentation is not part of this copy")
    for name in ("jinja2", "matplotlib", "xlsxwriter", "openpyxl", "xarray", "h5netcdf"):
        pytest.importorskip(name)
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)


def test_the_analysts_job_takes_at_most_six_commands(
    command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    import openpyxl

    lines = [shlex.split(line) for line in block("An analyst", "bash").splitlines()]
    assert 0 < len(lines) <= COMMANDS and all(words[0] == "costmodel" for words in lines)
    said = []
    for words in lines:
        status, out, err = command(*words[1:])
        assert status == 0, err
        said.append(out)
    for company, text in zip(("meta", "amazon"), said, strict=False):
        result = costmodel.simulate(f"capex-2026-{company}")
        margin = float(result.by_year("operating_margin")[1][-1])
        assert f"{margin:.4g}" in text, "the margin of the plan as it is written"
        assert sum("margin 2030" in line for line in text.splitlines()) == 4, "as written and under three lives"
    page = (tmp_path / "meta.html").read_text(encoding="utf-8")
    labels = re.findall(r'<svg role="img" aria-label="([^"]*)"', page)
    assert any(label.startswith("Tornado of operating_margin@2030") for label in labels)
    assert any("capex-2026-meta" in label and "capex-2026-amazon" in label for label in labels), "the bridge"
    book = openpyxl.load_workbook(tmp_path / "meta.xlsx")
    assert any(str(cell.value).startswith("=") for row in book["By year"].iter_rows() for cell in row)
    assert "inputs" in said[4] and "without a document" in said[4]


def test_the_researchers_job_ends_with_an_equal_result_and_its_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names: dict[str, Any] = {}
    code = block("A researcher", "python").replace("draws=500", "draws=40")
    exec(compile(code, "start.md", "exec"), names)
    assert names["again"] == names["draws"] and names["again"] is not names["draws"]
    data = names["data"]
    assert data["user_spend"].attrs["units"] == "USD" and data.sizes["draw"] == 40
    assert "from-2026" in data.attrs["scenario_toml"]
    assert {"revenue", "capex", "operating_margin", "free_cash_flow"} <= set(data.data_vars), "headlines are in it"
    assert (tmp_path / "sobol.svg").stat().st_size > 5_000 and (tmp_path / "fan.svg").stat().st_size > 5_000
    out = capsys.readouterr().out
    assert "@misc{" in out and "moves most" in out
