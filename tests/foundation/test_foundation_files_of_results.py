"""Results as files and in notebooks: saved results are read back equal, and displays are short."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import costmodel
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.notebooks import shown_progress

pytestmark = pytest.mark.contract

DRAWS = 3 * BLOCK
NEEDS = {".nc": "h5netcdf", ".zarr": "zarr", ".parquet": "pyarrow"}


@pytest.mark.parametrize("suffix", NEEDS)
@pytest.mark.parametrize(("name", "draws"), [("token-planner", 12), ("h100-hour", None), ("from-2026", 8)])
def test_a_result_is_read_back_equal(name: str, draws: int | None, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    pytest.importorskip(NEEDS[suffix])
    result = costmodel.run(name, draws=draws, rng=None if draws is None else 0)
    path = tmp_path / f"result{suffix}"
    result.save(path)
    again = costmodel.load_result(path)
    assert again == result
    assert again.scenario == result.scenario and again.design == result.design
    other = costmodel.run(name, draws=draws, rng=None if draws is None else 1)
    assert (again == other) is (draws is None)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_parquet_file_of_a_result_has_a_row_for_each_figure(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    result = costmodel.run("token-planner", draws=3, rng=0)
    result.save(tmp_path / "r.parquet")
    frame = pandas.read_parquet(tmp_path / "r.parquet")
    rows = frame[(frame.output == "blended_parts") & (frame.part == "energy")]
    at = list(result.coords()["part"]).index("energy")
    assert rows.value.tolist() == result["blended_parts"][at].tolist()
    assert rows.draw.tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", [*NEEDS, ".txt"])
def test_what_is_no_result_is_said_in_one_line(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    pytest.importorskip(NEEDS.get(suffix, "xarray"))
    path = tmp_path / f"broken{suffix}"
    with pytest.raises(ScenarioError, match="no such file"):
        costmodel.load_result(path)
    path.write_bytes(b"not a result")
    with pytest.raises(ScenarioError) as said:
        costmodel.load_result(path)
    assert str(path) in str(said.value) and "\n" not in str(said.value)
    if suffix == ".txt":
        with pytest.raises(ScenarioError, match=r"must end in \.nc, \.zarr, \.parquet"):
            costmodel.run("h100-hour").save(path)


def notebook_objects() -> dict[str, Any]:
    scenario = costmodel.load_scenario("from-2026")
    hour = costmodel.load_scenario("h100-hour")
    return {
        "scenario": scenario,
        "result": costmodel.run(scenario),
        "draws": costmodel.run(scenario, draws=20, rng=0),
        "planner": costmodel.run("token-planner", draws=20, rng=0),
        "ensemble": costmodel.run_ensemble(scenario, draws=20, rng=0),
        "parameters": costmodel.describe(scenario),
        "tornado": costmodel.sensitivity(
            costmodel.load_scenario("token-planner"), ["blended_cost", "hour_cost"], method="tornado", draws=0
        ),
        "break-even": costmodel.break_even(hour, "utilisation", "total = 2 USD/hour"),
        "comparison": costmodel.compare(hour, hour.replace({"wacc": 0.2}), ["total"], draws=10, rng=0),
    }


def test_what_a_notebook_shows_is_short_and_has_the_figures() -> None:
    shown = {name: thing._repr_html_() for name, thing in notebook_objects().items()}
    assert {name: len(text) for name, text in shown.items() if len(text) >= 10_000} == {}
    assert all("<table>" in text for text in shown.values())
    assert "user spend" in shown["result"] and "mid-2026" in shown["scenario"]
    blended = costmodel.run("token-planner").blended_cost * 1e6
    assert f"{float(blended):.4g}"[:4] in costmodel.run("token-planner")._repr_html_()


def test_a_notebook_shows_how_far_a_study_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    fake = SimpleNamespace(
        running_in_notebook=lambda: True,
        Html=lambda text: text,
        output=SimpleNamespace(replace=seen.append),
    )
    monkeypatch.setitem(sys.modules, "marimo", fake)
    hour = costmodel.load_scenario("h100-hour")
    costmodel.run_ensemble(hour, "total", draws=DRAWS, rng=0)
    assert any(f'<progress max="{DRAWS}"' in text for text in seen), seen
    assert seen[-1] == "", "the bar goes when all is done"
    mine: list[tuple[int, int]] = []
    costmodel.run_ensemble(hour, "total", draws=DRAWS, rng=0, on_progress=lambda *at: mine.append(at))
    assert mine[-1] == (DRAWS, DRAWS) and sum(f'"{DRAWS}"' in text for text in seen) == len(
        [text for text in seen if text]
    ), "a callback of one's own is used instead"
    monkeypatch.delitem(sys.modules, "marimo")
    assert shown_progress(None, "x") is None
