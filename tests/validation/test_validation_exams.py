"""Exams: reading, exclusion and splits of rows, and statistics of errors."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from exam_moves import moves, store
from typer.testing import CliRunner

from costmodel.cli import validate as command
from costmodel.foundation.errors import CatalogError
from costmodel.validation import exams
from costmodel.validation.exams_serving import mark
from costmodel.validation.serving_rows import fitted_groups, may_be_fitted, part_of, read_rows

APP = typer.Typer()
APP.command()(command.validate_command)
RUNNER = CliRunner()
installed = pytest.mark.skipif(find_spec("aiconfigurator_core") is None, reason="the extra exams is not installed")

ROW = {
    "id": "a", "silicon_data_source": "source_file=2026-04-06.csv; silicon_concurrency=64", "backend": "vllm",
    "backend_version": "0.19.0", "model_path": "Qwen/Qwen3-32B", "system": "h100_sxm", "precision": "fp8",
    "mode": "agg", "isl": "1024", "osl": "256", "batch_size": "64", "tp_size": "4", "attention_dp_size": "1",
    "moe_tp_size": "1", "moe_ep_size": "1", "prefill_num_workers": "", "decode_num_workers": "",
    "silicon_ttft_ms": "100", "silicon_tpot_ms": "10",
}  # fmt: skip
"""Return a row of the table as written, with the columns that are read."""


def written(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "sample.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ROW))
        writer.writeheader()
        writer.writerows([{**ROW, **row} for row in rows])
    return path


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "the same measurement again"),
        ({"tp_size": "72"}, "aggregated, but its ranks are the total of several workers"),
        ({"silicon_data_source": "source_file=a.csv"}, "no concurrency"),
        ({"batch_size": "8"}, "batch and concurrency contradict each other"),
        ({"mode": "disagg"}, "disaggregated without the number of workers: batch unknown"),
    ],
)
def test_each_rule_leaves_out_its_row(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    rows, excluded = read_rows(written(tmp_path, {}, change))
    assert len(rows) == 1 and excluded == {reason: 1}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("ranks", "read"),
    [
        (("8", "1", "8", "1"), (8, 1, 1)),
        (("8", "1", "1", "8"), (8, 1, 8)),
        (("64", "1", "8", "8"), (8, 1, 8)),  # tensor ranks times expert ranks in one column
        (("1", "16", "4", "4"), (1, 4, 4)),
        (("4", "4", "1", "16"), (1, 4, 4)),
        (("2", "", "4", "1"), (2, 2, 4)),  # attention groups that are not written follow from the experts' ranks
        (("1", "4", "4", "1"), (1, 4, 4)),  # experts split over the attention groups lie as if they were spread
    ],
)
def test_layouts_are_read_as_they_ran(tmp_path: Path, ranks: tuple[str, ...], read: tuple[int, ...]) -> None:
    names = ("tp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size")
    row = {**dict(zip(names, ranks, strict=True)), "batch_size": "0"}
    rows, _ = read_rows(written(tmp_path, row))
    assert (rows.tensor[0], rows.attention_groups[0], rows.expert[0]) == read
    assert rows.concurrency[0] == 64


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({}, 0),
        # SGLang looks every 30 steps, on average after 15; every 10 below 16 requests and on four ranks in 8 bits
        ({"backend": "sglang", "model_path": "deepseek-ai/DeepSeek-R1", "system": "b200_sxm", "tp_size": "8"}, 15),
        ({"backend": "sglang", "model_path": "deepseek-ai/DeepSeek-R1", "system": "b200_sxm"}, 5),
        ({"backend": "sglang", "model_path": "Qwen/Qwen3.5-397B-A17B", "system": "b300_sxm"}, 15),
        ({"backend": "sglang", "model_path": "Qwen/Qwen3.5-397B-A17B", "system": "h200_sxm"}, 0),
        # TensorRT-LLM waits for a batch at 1k/1k alone, below eight ranks
        ({"backend": "trtllm", "model_path": "meta-llama/Llama-3.1-70B", "osl": "1024"}, 20),
        ({"backend": "trtllm", "model_path": "meta-llama/Llama-3.1-70B", "osl": "1024", "tp_size": "8"}, 0),
        ({"backend": "trtllm", "model_path": "meta-llama/Llama-3.1-70B", "osl": "8192"}, 0),
    ],
)
def test_schedulers_hold_requests_as_the_scripts_say(tmp_path: Path, change: dict[str, str], held: float) -> None:
    rows, _ = read_rows(written(tmp_path, change))
    assert rows.held_steps.tolist() == [held]
    few = {"silicon_data_source": "source_file=2026-04-06.csv; silicon_concurrency=8", "batch_size": "8"}
    rows, _ = read_rows(written(tmp_path, {**change, **few}))
    assert rows.held_steps.tolist() == [5 if held == 15 else held]


@pytest.mark.contract
def test_split_fits_every_second_hopper_group_and_no_blackwell(tmp_path: Path) -> None:
    rows, _ = read_rows(
        written(
            tmp_path,
            {"backend": "vllm", "silicon_tpot_ms": "1"},
            {"backend": "sglang", "silicon_tpot_ms": "2"},
            {"backend": "trtllm", "silicon_tpot_ms": "3"},
            {"backend": "sglang", "silicon_tpot_ms": "4", "system": "b200_sxm"},
        )
    )
    # in order: sglang (first, fitted), trtllm, vllm (third, fitted)
    assert fitted_groups(rows.group) == ("Qwen3-32B | sglang", "Qwen3-32B | vllm")
    assert may_be_fitted(rows).tolist() == [True, True, False, False]
    assert part_of(rows).tolist() == ["fitted", "fitted", "unseen Hopper", "unseen Blackwell"]


def marked(**changes: Any) -> exams.Mark:
    columns = {
        "name": np.array(["a", "b", "c", "d"]),
        "part": np.array(["fitted", "unseen", "unseen", "unseen"]),
        "reason": np.array(["", "", "", "memory"]),
        "measured": np.array([1.0, 2.0, 4.0, 8.0]),
        "predicted": np.array([1.5, 1.0, 5.0, np.nan]),
    }
    shared = {
        "exam": "demo",
        "quantity": "time",
        "unit": "s",
        "source": "a book",
        "labels": {"kind": np.array(list("xyyx"))},
    }
    return exams.Mark(**{**columns, **shared, **changes})


@pytest.mark.closed_form
def test_errors_of_a_part_are_medians_over_its_predicted_rows() -> None:
    fitted, unseen = exams.table(marked(low=np.array([0.5, 1.9, 4.5, np.nan]), high=np.array([2.0, 2.1, 6.0, np.nan])))
    assert (fitted.rows, fitted.bias, fitted.covered) == (1, 0.5, 1.0)
    # of −50 % and +25 %: bias −12.5 %, absolute 37.5 %; one of the two measurements lies inside
    assert (unseen.rows, unseen.infeasible) == (3, 1)
    assert (unseen.bias, unseen.median, unseen.mean, unseen.covered) == (-0.125, 0.375, 0.375, 0.5)


@pytest.mark.contract
def test_lines_group_by_labels_and_refuse_unknown_ones() -> None:
    assert [line.group for line in exams.table(marked(), "kind")] == ["fitted · x", "unseen · x", "unseen · y"]
    with pytest.raises(CatalogError, match=r"no label 'knd'.*did you mean 'kind'"):
        exams.table(marked(), "knd")
    with pytest.raises(CatalogError, match=r"no exam 'servin'.*did you mean 'serving'"):
        exams.marks("servin")


@pytest.mark.contract
def test_marks_that_share_a_line_stand_side_by_side_in_it() -> None:
    one, other = (
        marked(line="steps", called="one node"),
        marked(line="steps", called="several", part=np.full(4, "unseen")),
    )
    (line,) = exams.markdown([one, other]).splitlines()[2:]
    # unseen: 50 and 25 %; with the fitted row, 50 % too, counted as unseen
    assert line == "| demo: steps | one node 37.5% (3 rows), several 50.0% (4 rows) | – | one node 50.0% (1 rows) |"


@pytest.mark.closed_form
def test_the_spread_of_a_new_group_adds_that_between_groups_to_that_within() -> None:
    groups = np.array(["a", "a", "a", "b", "b", "b", "c", "c", "c"])
    errors = np.array([0.1, 0.2, 0.3, -0.3, -0.1, np.nan, 5.0, 5.0, 9.0])
    # medians 0.2, −0.2 and 5: sizes 0.2, 0.2, 5, of which 0.2 is the middle; distances 0.1, 0.1 and 0
    expected = 1.4826 * (0.2**2 + 0.1**2) ** 0.5
    assert exams.spread_of_groups(errors, groups) == pytest.approx(expected)


@pytest.mark.closed_form
def test_moves_name_the_rows_of_a_median_that_moved_and_those_that_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exam_moves.FOLDER", tmp_path)
    store("demo", [marked()])
    assert moves("demo", [marked(predicted=np.array([1.5, 1.0, 5.0, np.nan]))]) == []
    # b from −50 % to infeasible: of the unseen rows +25 % is left, where −50 % and +25 % had the median 37.5 %
    lost = moves("demo", [marked(predicted=np.array([1.505, np.nan, 5.0, np.nan]))])
    assert lost[0] == "time: b is infeasible now: "
    assert lost[1:] == ["time, unseen: median error from 37.5% to 25.0%; moved most:"]
    moved = moves("demo", [marked(predicted=np.array([1.52, 1.0, 5.0, np.nan]))])
    assert moved == ["time, fitted: median error from 50.0% to 52.0%; moved most:", "  a: +50.0% to +52.0%"]
    gone = moves("demo", [marked(name=np.array(["a", "b", "other", "d"]))])
    assert "time: c is not examined any more" in gone


@pytest.mark.contract
def test_command_prints_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.cli.exams.marks", lambda: (marked(excluded={"a rule": 7}),))
    shown = RUNNER.invoke(APP, ["exams", "--by", "kind"])
    assert shown.exit_code == 0 and "unseen · y" in shown.output and "7 rows: a rule" in shown.output
    (entry,) = json.loads(RUNNER.invoke(APP, ["exams", "--json"]).output)
    assert entry["excluded"] == {"a rule": 7} and entry["groups"][1]["median"] == 0.375
    lines = RUNNER.invoke(APP, ["exams", "--markdown"]).output.splitlines()
    assert lines[2] == "| demo: time | 37.5% (3 rows) | – | 50.0% (1 rows) |"
    assert RUNNER.invoke(APP, ["compute", "--by", "kind"]).exit_code == 2


@installed
@pytest.mark.contract
def test_the_table_of_the_wheel_is_read_whole() -> None:
    rows, excluded = read_rows()
    assert len(rows) + sum(excluded.values()) == 5221
    assert set(part_of(rows)) == {"fitted", "unseen Hopper", "unseen Blackwell"}
    per_token, first, rate = mark()
    assert per_token.predicted.shape == first.predicted.shape == rate.predicted.shape == (len(rows),)
    assert np.all((per_token.reason == "") == np.isfinite(per_token.predicted))


@installed
@pytest.mark.regression
def test_a_change_that_moves_the_exam_says_which_rows_moved(request: pytest.FixtureRequest) -> None:
    """Accuracy is reported, not gated: only a row that can no longer run, or a median that moved by a point, fails."""
    marked = mark()
    if request.config.getoption("--update-regression"):
        store("serving", marked)
    found = moves("serving", marked)
    assert not found, "\n".join(found)


@installed
@pytest.mark.contract
def test_the_readme_has_the_table_that_the_command_writes() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    written = exams.markdown(exams.marks()).splitlines()
    assert len(written) == 2 + 5
    missing = [line for line in written if line not in readme]
    assert not missing, "README.md lacks lines of `costmodel validate exams --markdown`:\n" + "\n".join(missing)
