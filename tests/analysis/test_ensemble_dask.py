"""A two-worker cluster on this machine computes the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ensemble_toy import assert_equal_bit_for_bit, broken_model, toy, toy_model

from costmodel.analysis.ensemble import run_ensemble
from costmodel.analysis.store import store_ensemble
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.errors import NonFiniteResultError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.law

DRAWS = 4 * BLOCK + 300


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    scratch = tmp_path_factory.mktemp("dask")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(scratch),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_changes_nothing(client: Any) -> None:
    alone = run_ensemble(toy(), draws=DRAWS, rng=0, exact=("margin",), model=toy_model)
    spread = run_ensemble(toy(), draws=DRAWS, rng=0, exact=("margin",), executor=client.get_executor(), model=toy_model)
    assert_equal_bit_for_bit(alone, spread)


def test_a_cluster_fills_a_store(client: Any, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    pytest.importorskip("xarray")
    store = store_ensemble(tmp_path / "run", toy(), draws=DRAWS, rng=0, executor=client.get_executor(), model=toy_model)
    expected = toy_model(toy().resolve(store.design))
    np.testing.assert_array_equal(store.to_xarray()["margin"].values, expected.margin)


def test_an_error_on_a_worker_comes_back_as_it_was_raised(client: Any) -> None:
    with pytest.raises(NonFiniteResultError, match="'margin' is not finite"):
        run_ensemble(toy(), draws=DRAWS, rng=0, executor=client.get_executor(), model=broken_model)
