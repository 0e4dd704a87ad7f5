"""The training exam: what is read, how it is split, and that every row gets a prediction."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from costmodel.validation.exams import marks
from costmodel.validation.exams_training import parts, steps

pytestmark = pytest.mark.contract

ROWS = {"vtrain-multi": 45, "vtrain-single": 722, "megatron-bridge": 50, "mlperf-405b": 3}
"""Rows of each set as published."""


def test_every_published_row_is_predicted() -> None:
    found = marks("training")
    assert {mark.quantity.partition(", ")[2]: mark.measured.size for mark in found} == ROWS
    assert all(np.all(np.isfinite(mark.predicted) & (mark.predicted > 0.0)) for mark in found)


def test_rows_are_read_as_printed() -> None:
    step = steps("vtrain-multi")[-1]
    assert (step.job.shape.d_model, step.job.shape.layers, step.job.batch) == (12288, 96, 1536)
    assert (step.fixed["tensor"], step.fixed["data"], step.fixed["pipeline"], step.fixed["microbatch"]) == (8, 2, 32, 6)
    assert step.record.value("step_time") == 62.6368
    routed = next(step for step in steps("megatron-bridge") if step.job.shape.name == "Qwen3-235B-A22B")
    assert (routed.fixed["expert"], routed.fixed["interleave"], routed.fixed["data"]) == (32, 3, 256 // 8)


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
