"""Ensembles: equal to the last bit for every executor, and no draw left out silently."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from ensemble_toy import assert_equal_bit_for_bit, broken_model, toy, toy_model

from costmodel.analysis.ensemble import DEFAULT_DRAWS, run_ensemble
from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.foundation import blocks
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import (
    DomainError,
    NonFiniteResultError,
    ScenarioError,
    UnknownParameterError,
)
from costmodel.foundation.reducers import QUANTILE_ERROR
from costmodel.foundation.scenario import register_model

DRAWS = 2 * BLOCK + 500


@pytest.fixture(scope="module")
def alone() -> EnsembleResult:
    return run_ensemble(toy(), draws=DRAWS, rng=0, exact=("margin",), model=toy_model)


@pytest.mark.law
def test_slice_i_equals_the_scalar_run_with_draw_i(alone: EnsembleResult) -> None:
    design = alone.design
    ranks = design.ranks()
    for draw in (0, 1, BLOCK - 1, BLOCK, DRAWS - 1):
        single = Design.from_ranks({path: row[draw : draw + 1] for path, row in ranks.items()})
        expected = toy_model(toy().resolve(single)).margin[:, 0]
        np.testing.assert_allclose(alone.kept_draws("margin")[:, draw], expected, rtol=1e-12)


@pytest.mark.law
def test_summaries_are_those_of_all_draws(alone: EnsembleResult) -> None:
    whole = toy_model(toy().resolve(alone.design))
    np.testing.assert_array_equal(alone.kept_draws("margin"), whole.margin)
    np.testing.assert_allclose(alone.mean("tokens"), whole.tokens.mean(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(alone.deviation("tokens"), whole.tokens.std(axis=-1, ddof=1), rtol=1e-10)
    for rank in (0.05, 0.5, 0.95):
        exact = np.quantile(whole.tokens, rank, axis=-1, method="inverted_cdf")
        np.testing.assert_allclose(alone.quantile("tokens", rank), exact, rtol=QUANTILE_ERROR)
        exact = np.quantile(whole.margin, rank, axis=-1, method="inverted_cdf")
        np.testing.assert_array_equal(alone.quantile("margin", rank), exact)
    assert alone.flags == {"falling": int(whole.falling.sum())}
    assert float(alone.mean("constant")) == 7.0


@pytest.mark.law
@pytest.mark.parametrize("workers", [2, 5])
def test_tasks_of_several_blocks_change_nothing(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = 22 * BLOCK + 7  # tasks of 2 and of 4 blocks, the last of 1 and of 3
    whole = run_ensemble(toy(), draws=draws, rng=0, exact=("margin",), model=toy_model)
    monkeypatch.setattr(blocks, "WORKERS_SERVED", 1)
    monkeypatch.setattr(blocks, "TASKS_PER_WORKER", 1)
    assert len(blocks.spans(23, workers)) == {2: 12, 5: 6}[workers]
    seen: list[int] = []
    with ThreadPoolExecutor(workers) as pool:
        spread = run_ensemble(
            toy(), draws=draws, rng=0, exact=("margin",), model=toy_model, executor=pool,
            on_progress=lambda done, _: seen.append(done),
        )  # fmt: skip
    assert_equal_bit_for_bit(whole, spread)
    assert len(seen) == len(blocks.spans(23, workers)) and seen[-1] == draws


@pytest.mark.law
def test_every_block_is_in_one_task_and_no_worker_has_few() -> None:
    for count in (0, 1, 31, 1000, 12_345):
        for workers in (1, 32, 33, 300, 5000):
            tasks = blocks.spans(count, workers)
            assert [block for task in tasks for block in task] == list(range(count))
            size = max(map(len, tasks), default=1)
            assert size & (size - 1) == 0
            assert size == 1 or (workers > 32 and len(tasks) >= 8 * workers)
    assert (
        len(blocks.spans(10**6, 300)[0]) == 16
    )  # one caller then serves as many tasks as 19 workers with one block each


@pytest.mark.law
@pytest.mark.parametrize("workers", [1, 2])
def test_threads_change_nothing(alone: EnsembleResult, workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        assert_equal_bit_for_bit(
            alone, run_ensemble(toy(), draws=DRAWS, rng=0, exact=("margin",), executor=pool, model=toy_model)
        )


@pytest.mark.law
def test_processes_change_nothing(alone: EnsembleResult) -> None:
    pool: Executor = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        assert_equal_bit_for_bit(
            alone, run_ensemble(toy(), draws=DRAWS, rng=0, exact=("margin",), executor=pool, model=toy_model)
        )


@pytest.mark.law
def test_more_draws_begin_with_the_same_draws(alone: EnsembleResult) -> None:
    fewer = run_ensemble(toy(), draws=700, rng=0, exact=("margin",), model=toy_model)
    np.testing.assert_array_equal(fewer.kept_draws("margin"), alone.kept_draws("margin")[:, :700])


@pytest.mark.law
@pytest.mark.parametrize("method", ["latin_hypercube", "sobol", "random"])
def test_any_design_serves(method: str) -> None:
    design = getattr(Design, method)(toy(), draws=1000, rng=3)
    ensemble = run_ensemble(toy(), design=design, exact=("price",), model=toy_model)
    np.testing.assert_array_equal(ensemble.kept_draws("price"), toy().resolve(design).price)
    assert ensemble.design is design


@pytest.mark.contract
def test_seed_0_is_a_seed() -> None:
    one, two, other = (run_ensemble(toy(), draws=50, rng=seed, model=toy_model) for seed in (0, 0, 1))
    assert_equal_bit_for_bit(one, two)
    assert one.design.seed == 0
    assert float(one.mean("price")) != float(other.mean("price"))


@pytest.mark.contract
def test_outputs_may_be_selected_by_name_year_and_function() -> None:
    def last(result):
        return result.tokens[-1]

    chosen = run_ensemble(
        toy(), draws=200, rng=0, outputs=["tokens@2027", last, "price"], exact=["last"], model=toy_model
    )
    assert list(chosen) == ["tokens@2027", "last", "price"]
    assert chosen["tokens@2027"].spec.unit == "FLOP"
    whole = run_ensemble(toy(), draws=200, rng=0, exact=["tokens"], model=toy_model).kept_draws("tokens")
    np.testing.assert_array_equal(chosen.kept_draws("last"), whole[2])
    assert float(chosen.mean("tokens@2027")) == pytest.approx(whole[1].mean(), rel=1e-12)
    with pytest.raises(UnknownParameterError, match="did you mean 'tokens'"):
        run_ensemble(toy(), draws=10, rng=0, outputs=["token"], model=toy_model)
    with pytest.raises(UnknownParameterError, match="the ensemble has no output 'tokns'"):
        chosen["tokns"]
    with pytest.raises(ScenarioError, match="exact="):
        chosen.kept_draws("price")


@pytest.mark.contract
def test_years_of_an_output_are_put_together() -> None:
    chosen = run_ensemble(toy(), draws=200, rng=0, outputs=["tokens@*", "price"], model=toy_model)
    years, bands = chosen.by_year("tokens")
    assert years == (2026, 2027, 2028)
    whole = run_ensemble(toy(), draws=200, rng=0, outputs=["tokens"], model=toy_model)
    np.testing.assert_array_equal(bands, whole.bands("tokens"))
    with pytest.raises(UnknownParameterError, match="did you mean 'tokens'"):
        chosen.by_year("token")


@pytest.mark.contract
def test_a_value_that_is_not_finite_is_named_with_place_and_first_draw() -> None:
    falling = toy_model(toy().resolve(Design.random(toy(), draws=DRAWS, rng=0))).falling
    first = int(np.flatnonzero(falling)[0])
    with pytest.raises(NonFiniteResultError, match=f"'margin' is not finite, first at year 2028 in draw {first} "):
        run_ensemble(toy(), draws=DRAWS, rng=0, model=broken_model)


@pytest.mark.contract
def test_masked_draws_are_left_out_of_every_output_and_counted_by_name(alone: EnsembleResult) -> None:
    masked = run_ensemble(toy(), draws=DRAWS, rng=0, exact=("price",), on_nonfinite="mask", model=broken_model)
    falling = alone.flags["falling"]
    assert masked.excluded == {"margin not finite": falling}
    assert masked.kept == DRAWS - falling
    assert masked.kept_draws("price").shape == (DRAWS - falling,)
    chosen = run_ensemble(toy(), draws=DRAWS, rng=0, exact=("price",), exclude=("falling",), model=toy_model)
    assert chosen.excluded == {"falling": falling}
    np.testing.assert_array_equal(chosen.kept_draws("price"), masked.kept_draws("price"))


@pytest.mark.contract
def test_draws_left_out_by_name_are_not_asked_to_be_finite() -> None:
    with pytest.raises(NonFiniteResultError):
        run_ensemble(toy(), draws=50, rng=0, model=broken_model)
    named = run_ensemble(toy(), draws=50, rng=0, exclude=("falling",), model=broken_model)
    masked = run_ensemble(toy(), draws=50, rng=0, on_nonfinite="mask", model=broken_model)
    assert named.excluded["falling"] == masked.excluded["margin not finite"] > 0
    np.testing.assert_array_equal(named.mean("margin"), masked.mean("margin"))


@pytest.mark.contract
def test_nothing_left_is_refused() -> None:
    shrinking = toy().replace({"growth": -0.2})
    with pytest.raises(NonFiniteResultError, match="no draw is left"):
        run_ensemble(shrinking, draws=20, rng=0, on_nonfinite="mask", model=broken_model)


@pytest.mark.contract
def test_arguments_that_make_no_sense_are_refused() -> None:
    assert run_ensemble(toy(), model=toy_model).draws == DEFAULT_DRAWS
    with pytest.raises(DomainError, match="either draws"):
        run_ensemble(toy(), draws=10, design=Design.random(toy(), draws=10, rng=0), model=toy_model)
    with pytest.raises(ScenarioError, match="does not draw growth"):
        run_ensemble(toy(), design=Design(("tokens", "price"), "random", 0, 10), model=toy_model)
    with pytest.raises(DomainError, match="'raise' or 'mask'"):
        run_ensemble(toy(), draws=10, rng=0, on_nonfinite="ignore", model=toy_model)  # type: ignore[arg-type]
    with pytest.raises(UnknownParameterError, match="exclude: 'price'"):
        run_ensemble(toy(), draws=10, rng=0, exclude=("price",), model=toy_model)
    with pytest.raises(UnknownParameterError, match="exact: 'prices'"):
        run_ensemble(toy(), draws=10, rng=0, exact=("prices",), model=toy_model)
    with pytest.raises(DomainError, match="at least 1"):
        run_ensemble(toy(), draws=0, rng=0, model=toy_model)


@pytest.mark.contract
def test_progress_counts_draws() -> None:
    seen: list[tuple[int, int]] = []
    run_ensemble(
        toy(),
        draws=DRAWS,
        rng=0,
        outputs=["price"],
        on_progress=lambda done, total: seen.append((done, total)),
        model=toy_model,
    )
    assert seen == [(BLOCK, DRAWS), (2 * BLOCK, DRAWS), (DRAWS, DRAWS)]


@pytest.mark.contract
def test_the_model_may_be_the_one_that_the_scenario_names(alone: EnsembleResult) -> None:
    register_model("ensemble_toy", type(toy()), "ensemble_toy:toy_model")
    named = toy().model_copy(update={"model": "ensemble_toy"})
    assert float(run_ensemble(named, draws=DRAWS, rng=0).mean("price")) == float(alone.mean("price"))


@pytest.mark.contract
def test_result_is_labelled_and_read_only(alone: EnsembleResult) -> None:
    pytest.importorskip("xarray")
    data = alone.to_xarray()
    assert data["margin"].dims == ("quantile", "year")
    assert data["margin"].sel(quantile=0.5, year=2027).item() == alone.quantile("margin", 0.5)[1]
    assert data["tokens"].attrs["relative_error"] == QUANTILE_ERROR
    assert data["margin"].attrs["relative_error"] == 0.0
    assert data.attrs["draws"] == DRAWS
    assert alone.summary()["price"]["unit"] == "USD/FLOP"
    with pytest.raises(ValueError, match="read-only"):
        alone.bands("margin")[0, 0] = 1.0
