"""Stores of ensembles: only whole blocks are shown, and interruptions do not change the final bytes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("xarray")

from ensemble_toy import broken_model, fill, slow_model, toy, toy_model

from costmodel.analysis.ensemble import run_ensemble
from costmodel.analysis.store import EnsembleStore, store_ensemble
from costmodel.foundation import blocks
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import NonFiniteResultError, ScenarioError

DRAWS = 3 * BLOCK + 700
STOPS = 20
BLOCKS = 220


def digest(folder: Path) -> dict[str, str]:
    """Return a hash of every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.law
def test_what_is_stored_is_what_the_model_gave(tmp_path: Path) -> None:
    store = store_ensemble(tmp_path / "run", toy(), draws=DRAWS, rng=0, model=toy_model)
    whole = toy_model(toy().resolve(store.design))
    data = store.to_xarray()
    for name in ("tokens", "margin", "price", "falling"):
        np.testing.assert_array_equal(data[name].values, getattr(whole, name))
    assert data["tokens"].dims == ("year", "draw")
    assert data["year"].values.tolist() == [2026, 2027, 2028]
    assert data["tokens"].attrs["units"] == "FLOP"
    assert data.sizes["draw"] == store.draws_complete == DRAWS
    chunks = store.to_xarray(chunks={})["tokens"].data.chunks
    assert chunks[-1] == (BLOCK, BLOCK, BLOCK, 700)


@pytest.mark.law
def test_summaries_of_a_store_equal_those_of_the_run_bit_for_bit(tmp_path: Path) -> None:
    store = store_ensemble(tmp_path / "run", toy(), draws=DRAWS, rng=0, model=broken_model)
    read = store.summarize(exact=("price",), on_nonfinite="mask")
    ran = run_ensemble(toy(), draws=DRAWS, rng=0, exact=("price",), on_nonfinite="mask", model=broken_model)
    assert (read.excluded, read.flags, read.kept) == (ran.excluded, ran.flags, ran.kept)
    for name in ran:
        assert read.bands(name).tobytes() == ran.bands(name).tobytes()
        assert read.mean(name).tobytes() == ran.mean(name).tobytes()
    with pytest.raises(NonFiniteResultError, match="'margin' is not finite, first at year 2028"):
        store.summarize()


@pytest.mark.law
def test_executors_write_the_same_bytes(tmp_path: Path) -> None:
    store_ensemble(tmp_path / "alone", toy(), draws=DRAWS, rng=0, model=toy_model)
    with ThreadPoolExecutor(2) as threads:
        store_ensemble(tmp_path / "threads", toy(), draws=DRAWS, rng=0, executor=threads, model=toy_model)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        store_ensemble(tmp_path / "processes", toy(), draws=DRAWS, rng=0, executor=processes, model=toy_model)
    assert digest(tmp_path / "alone") == digest(tmp_path / "threads") == digest(tmp_path / "processes")


@pytest.mark.law
def test_tasks_of_several_blocks_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = 5 * BLOCK - 100
    store_ensemble(tmp_path / "alone", toy(), draws=draws, rng=0, model=toy_model)
    monkeypatch.setattr(blocks, "WORKERS_SERVED", 1)
    monkeypatch.setattr(blocks, "TASKS_PER_WORKER", 1)
    done: list[int] = []
    with ThreadPoolExecutor(2) as threads:
        store_ensemble(
            tmp_path / "pairs", toy(), draws=draws, rng=0, executor=threads, model=toy_model,
            on_progress=lambda given, _: done.append(given),
        )  # fmt: skip
    assert digest(tmp_path / "alone") == digest(tmp_path / "pairs")
    assert done == [3 * BLOCK, draws]  # the first block is written on creation, the other four in two tasks


@pytest.mark.contract
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_twenty_times_and_resumed_is_the_same_store_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / "whole", tmp_path / "stopped"
    fill(os.fspath(whole), BLOCKS)
    design = Design.random(toy(), draws=BLOCKS * BLOCK - 100, rng=0)
    expected = EnsembleStore(whole, toy(), design).to_xarray()["price"].values
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(sys.path)
    )  # the server of new processes imports before it gets the path
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ensemble_toy", "costmodel.analysis.store", "zarr"])
    moments, stops = random.Random(5), 0
    while stops < STOPS:
        worker = context.Process(target=fill, args=(os.fspath(path), BLOCKS))
        before = blocks_marked(path)
        worker.start()
        while stops % 4 and worker.is_alive() and blocks_marked(path) == before:
            time.sleep(0.002)  # three times in four, until this one has begun to write
        time.sleep(moments.uniform(0.0, 0.05))
        assert worker.is_alive(), "the run came to its end before it was stopped: give it more blocks"
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        stops += 1
        if path.exists() and stops % 4 == 0:
            seen = EnsembleStore(path, toy(), design).to_xarray()
            np.testing.assert_array_equal(seen["price"].values, expected[seen["draw"].values])
    assert 0 < blocks_marked(path) < BLOCKS
    fill(os.fspath(path), BLOCKS)
    assert digest(path) == digest(whole)


def blocks_marked(path: Path) -> int:
    """Count the marks of complete blocks, without opening the store."""
    folder = path / "block_digest" / "c"
    return sum((folder / name / "0").exists() for name in os.listdir(folder)) if folder.exists() else 0


@pytest.mark.contract
def test_a_half_written_block_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "run"
    store = store_ensemble(path, toy(), draws=DRAWS, rng=0, model=toy_model)
    before = digest(path)
    (path / "block_digest" / "c" / "1" / "0").unlink()
    (path / "tokens" / "c" / "0" / "1").write_bytes(b"torn")
    (path / "tokens" / "c" / "0" / "2.0123.partial").write_bytes(b"left")
    data = store.to_xarray()
    assert data.sizes["draw"] == DRAWS - BLOCK
    assert not ((data["draw"] >= BLOCK) & (data["draw"] < 2 * BLOCK)).any()
    assert np.isfinite(data["tokens"].values).all()
    with pytest.raises(ScenarioError, match="1 of 4 blocks are incomplete"):
        store.summarize()
    seen: list[tuple[int, int]] = []
    store_ensemble(
        path, toy(), draws=DRAWS, rng=0, on_progress=lambda done, total: seen.append((done, total)), model=toy_model
    )
    assert seen == [(DRAWS, DRAWS)]
    assert digest(path) == before


@pytest.mark.contract
def test_another_ensemble_in_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    store_ensemble(path, toy(), draws=100, rng=7, model=toy_model)
    assert store_ensemble(path, toy(), draws=100, model=toy_model).design.seed == 7
    with pytest.raises(ScenarioError, match="design differ"):
        store_ensemble(path, toy(), draws=100, rng=8, model=toy_model)
    with pytest.raises(ScenarioError, match="scenario, design differ"):
        store_ensemble(path, toy().replace({"growth": 0.1}), draws=100, rng=7, model=toy_model)
    with pytest.raises(ScenarioError, match="asked differ"):
        store_ensemble(path, toy(), draws=100, rng=7, outputs=["price"], model=toy_model)
    with pytest.raises(ScenarioError, match="model differ"):
        store_ensemble(path, toy(), draws=100, rng=7, model=slow_model)
    (tmp_path / "letters").mkdir()
    with pytest.raises(ScenarioError, match="is not a stored ensemble"):
        store_ensemble(tmp_path / "letters", toy(), draws=100, rng=7, model=toy_model)


@pytest.mark.contract
def test_a_given_design_is_told_apart_by_its_ranks(tmp_path: Path) -> None:
    ranks = {path: np.linspace(0.1, 0.9, 50) for path in toy().uncertain_paths()}
    store_ensemble(tmp_path / "run", toy(), design=Design.from_ranks(ranks), model=toy_model)
    ranks["price"] = ranks["price"][::-1]
    with pytest.raises(ScenarioError, match="design differ"):
        store_ensemble(tmp_path / "run", toy(), design=Design.from_ranks(ranks), model=toy_model)
