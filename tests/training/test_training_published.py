"""Basis of the published cases of training: fitted parameters and their data."""

from __future__ import annotations

import pytest

from costmodel.compute import total_parameters
from costmodel.training.recipe import Recipe
from costmodel.validation import training, training_layouts

pytestmark = pytest.mark.published

STEP_OVERHEAD = Recipe.recorded().step_overhead


def test_step_overhead_is_fitted_on_one_run_that_is_no_case() -> None:
    """Nemotron-4 340B (arXiv 2406.11704, table 2): 41.0 % on 6,144 H100."""
    assert training_layouts.calibration_utilisation() / 0.410 == pytest.approx(STEP_OVERHEAD, abs=0.01)
    assert not any("Nemotron" in case.name for case in training.CASES)


def test_computed_times_ask_for_the_stated_range_of_overheads() -> None:
    published = {"llama-8k": 0.43, "llama-16k": 0.41, "llama-131k": 0.38, "megascale": 0.552}
    asked = [STEP_OVERHEAD * training_layouts.utilisation_of(case) / value for case, value in published.items()]
    assert min(asked) == pytest.approx(1.11, abs=0.01)
    assert max(asked) == pytest.approx(1.31, abs=0.01)


def test_effective_training_time_over_the_plausible_restarts() -> None:
    """Published: higher than 90 %. The restart is not published: 5 to 15 minutes."""
    assert training.llama_effective_time(5.0) == pytest.approx(0.95, abs=0.005)
    assert training.llama_effective_time(15.0) == pytest.approx(0.90, abs=0.005)


def test_recalled_shapes_give_the_published_totals() -> None:
    """340 B (arXiv 2406.11704) and 175 B (arXiv 2402.15627); shapes are recalled, not read again in the sources."""
    assert total_parameters(training_layouts.NEMOTRON_340B) == pytest.approx(340e9, rel=0.005)
    assert total_parameters(training_layouts.MEGASCALE_175B) == pytest.approx(175e9, rel=0.005)
