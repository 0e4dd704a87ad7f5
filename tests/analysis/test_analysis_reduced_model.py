"""The benchmark's model is the definition, and the benchmark's study is sound."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from costmodel.analysis.sensitivity import sobol_study
from costmodel.foundation.distributions import Distribution


@pytest.fixture(scope="module")
def reduced():
    path = Path(__file__).parents[2] / "benchmarks" / "reduced_model.py"
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
