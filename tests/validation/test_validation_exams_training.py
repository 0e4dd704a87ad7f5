"""The training exam: rows, splits, and a prediction for every row."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exam_moves import moves, store

from costmodel.foundation.errors import CatalogError
from costmodel.validation.exams import marks
from costmodel.validation.exams_training import mark_file, parts, steps

ROWS = {"vtrain-multi": 45, "vtrain-single": 722, "megatron-bridge": 50, "mlperf-405b": 3}
"""Number of rows of each set as published [1]."""


@pytest.mark.contract
def test_every_published_row_is_predicted() -> None:
    found = marks("training")
    assert {mark.quantity.partition(", ")[2]: mark.measured.size for mark in found} == ROWS
    assert all(np.all(np.isfinite(mark.predicted) & (mark.predicted > 0.0)) for mark in found)


@pytest.mark.contract
def test_rows_are_read_as_printed() -> None:
    step = steps("vtrain-multi")[-1]
    assert (step.job.shape.d_model, step.job.shape.layers, step.job.batch) == (12288, 96, 1536)
    assert (step.fixed["tensor"], step.fixed["data"], step.fixed["pipeline"], step.fixed["microbatch"]) == (8, 2, 32, 6)
    assert step.record.value("step_time") == 62.6368
    routed = next(step for step in steps("megatron-bridge") if step.job.shape.name == "Qwen3-235B-A22B")
    assert (routed.fixed["expert"], routed.fixed["interleave"], routed.fixed["data"]) == (32, 3, 256 // 8)


@pytest.mark.contract
def test_the_split_alternates_over_models_and_accelerators_and_never_parts_a_group() -> None:
    for exam in ROWS:
        given = steps(exam)
        seen: dict[tuple[str, str], set[str]] = {}
        for step, part in zip(given, parts(given), strict=True):
            seen.setdefault(step.group, set()).add(str(part))
        assert all(len(found) == 1 for found in seen.values())
        counts = Counter(next(iter(found)) for found in seen.values())
        if len({model for model, _ in seen}) == 1:
            assert counts["fitted"] == 0
        else:
            assert 0 <= counts["fitted"] - counts["unseen"] <= 1


@pytest.mark.contract
def test_steps_of_ones_own_are_marked(tmp_path: Path) -> None:
    """A copy of a row of the catalog's table has the same prediction; a row of an unknown model is left out."""
    names = "id,source,grade,framework,model,accelerator,accelerators,precision,batch,microbatch,sequence"
    line = "mine,megatron-bridge-performance,published,Megatron-Bridge,Llama-3-70B,H100-SXM,64,fp8,256,1,8192"
    header = f"{names},tensor,pipeline,interleave,recompute,throughput"
    file = tmp_path / "own.csv"
    file.write_text(f"{header}\n{line},4,8,5,0,1664\n")
    own = mark_file(file)
    whole = next(mark for mark in marks("training") if "megatron-bridge" in mark.quantity)
    assert own.part.tolist() == ["unseen"]
    assert own.measured[0] == pytest.approx(256 * 8192 / (1664 * 64), rel=1e-12)
    assert own.predicted[0] == whole.predicted[whole.name == "megatron-bridge-16"][0]
    file.write_text(f"{header}\n{line.replace('Llama-3-70B', 'Llama-3-71B')},4,8,5,0,1664\n")
    with pytest.raises(CatalogError, match="no step is of a model in the catalog"):
        mark_file(file)


@pytest.mark.regression
def test_no_median_moves_unnoticed(request: pytest.FixtureRequest) -> None:
    """Accuracy is reported, not required; a change that moves it names the rows, and is stored on purpose."""
    marked = marks("training")
    if request.config.getoption("--update-regression"):
        store("training", marked)
    found = moves("training", marked)
    assert not found, "\n".join(found)


@pytest.mark.contract
def test_what_moved_is_named() -> None:
    mark = marks("training")[0]
    slower = replace(mark, predicted=mark.predicted * np.where(np.arange(mark.predicted.size) < 20, 1.5, 1.0))
    found = moves("training", [slower])
    assert any("median error from" in line for line in found)
    assert any("vtrain-multi-001" in line for line in found)
    lost = replace(mark, predicted=np.where(mark.name == "vtrain-multi-003", np.nan, mark.predicted))
    assert any("vtrain-multi-003 is infeasible now" in line for line in moves("training", [lost]))
