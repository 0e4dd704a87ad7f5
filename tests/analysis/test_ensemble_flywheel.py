"""Ensembles of the flywheel: slices are scalar runs, executors change nothing, no draw is lost."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from ensemble_toy import assert_equal_bit_for_bit

from costmodel.analysis.ensemble import BlockRun, chosen_model, run_ensemble
from costmodel.entry import load_scenario, simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.results import outputs_of

pytestmark = pytest.mark.law

BUILT_IN = ("bond-flywheel", "from-2026")


@pytest.mark.parametrize("name", BUILT_IN)
def test_slice_of_a_block_equals_the_run_of_that_draw_on_every_output(name: str) -> None:
    scenario = load_scenario(name)
    design = Design.random(scenario, BLOCK + 9, rng=0)
    names = tuple(spec.name for spec in outputs_of(Trajectory, derived=False))
    last = BlockRun(chosen_model(None, scenario), scenario, design, names)(1)
    assert all(values.shape[-1] == 9 for values in last.values)
    ranks = design.ranks(1)
    for draw in (0, 8):
        alone = simulate(
            scenario, design=Design.from_ranks({path: row[draw : draw + 1] for path, row in ranks.items()})
        )
        for spec, values in zip(last.specs, last.values, strict=True):
            single = np.asarray(getattr(alone, spec.name))[..., 0]
            np.testing.assert_allclose(values[..., draw], single, rtol=1e-12, atol=1e-300, err_msg=spec.name)


def test_threads_and_processes_change_nothing() -> None:
    scenario = load_scenario("from-2026").replace({"time.end": "2028-01-01"})
    options = {"exact": ("user_spend@2027",), "outputs": ("user_spend@*", "tokens@*", "loop_gain")}
    alone = run_ensemble(scenario, draws=BLOCK + 100, rng=0, **options)
    with ThreadPoolExecutor(2) as threads:
        assert_equal_bit_for_bit(alone, run_ensemble(scenario, draws=BLOCK + 100, rng=0, executor=threads, **options))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert_equal_bit_for_bit(alone, run_ensemble(scenario, draws=BLOCK + 100, rng=0, executor=processes, **options))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_draw_is_finite_and_summaries_are_ordered(name: str) -> None:
    result = run_ensemble(load_scenario(name), draws=2 * BLOCK, rng=0)
    assert result.kept == result.draws == 2 * BLOCK
    years, bands = result.by_year("user_spend")
    assert years[-1] == 2030
    assert (np.diff(bands, axis=0) >= 0.0).all()
