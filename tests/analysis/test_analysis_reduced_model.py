"""The benchmark's model is the definition on every stack, and the benchmark's study and plan are sound."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from costmodel.analysis.sensitivity import sobol_study
from costmodel.foundation.distributions import Distribution

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def reduced():
    path = BENCHMARKS / "reduced_model.py"
    spec = importlib.util.spec_from_file_location("reduced_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.closed_form
def test_the_fast_form_agrees_with_the_definition_step_by_step(reduced):
    rng = np.random.default_rng(0)
    inputs = {name: Distribution.parse(form, "1").ppf(rng.random(40)) for name, form in reduced.INPUTS.items()}
    fast = reduced.reduced_model(**inputs)
    for draw in range(40):
        plain = reduced.reduced_model_plainly(**{name: float(row[draw]) for name, row in inputs.items()})
        for output in reduced.OUTPUTS:
            assert fast[output][draw] == pytest.approx(plain[output], rel=1e-9)


@pytest.mark.contract
def test_the_study_of_the_benchmark(reduced):
    study = sobol_study(reduced.INPUTS, list(reduced.OUTPUTS), base_points=512, rng=0, model=reduced.reduced_model)
    assert study.outputs == reduced.OUTPUTS
    assert study.table("Q").records()[0]["input"] == "e"
    assert study.first_sum.max() < 0.7  # interactions, so that one-at-a-time swings would mislead


@pytest.mark.closed_form
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_form_in_c_agrees_with_the_definition(reduced, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    stacks = importlib.import_module("peers.stacks")
    inputs = stacks.drawn(67)  # one block and a part of one
    found = stacks.in_c()(inputs)
    assert np.float64(5e-324) * 1.0 > 0.0  # loading the library leaves subnormal numbers as they are
    for draw in range(67):
        plain = reduced.reduced_model_plainly(**{name: float(row[draw]) for name, row in inputs.items()})
        for output in reduced.OUTPUTS:
            assert found[output][draw] == pytest.approx(plain[output], rel=1e-9)


@pytest.mark.closed_form
def test_a_plan_divides_the_work_among_workers_until_the_caller_binds(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    cluster = importlib.import_module("cluster")
    costs = cluster.Costs(task=0.01, merge=0.03, block=1.0, write=(0.1, 0.02, 0.2), arrays=5, megabytes=1.0)
    draws = 64_000 * 8192
    few = cluster.planned(costs, draws, 20, kept=False)
    assert (few.seconds, few.binding, few.blocks_of_task, few.most_workers) == (3200.0, "the workers", 1, 25)
    many = cluster.planned(costs, draws, 1000, kept=False)  # tasks of 8 blocks: 8,000 of 0.04 s for the caller
    assert (many.seconds, many.binding, many.blocks_of_task, many.most_workers) == (320.0, "the caller", 8, 200)
    stored = cluster.planned(costs, draws, 20, kept=True)  # 0.1 + 5 × 0.02 + 0.2 s more for each block
    assert stored.seconds == pytest.approx(3200.0 * 1.4)
    assert (stored.terabytes, stored.files) == (pytest.approx(0.064), 64_000 * 6)
