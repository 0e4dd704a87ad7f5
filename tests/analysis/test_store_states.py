"""A store as a state machine: after any sequence of operations, it shows what was written or raises a clear error."""

from __future__ import annotations

import random
import shutil
import tempfile
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("xarray")

from ensemble_toy import toy, toy_model
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from costmodel.analysis.store import EnsembleStore, open_store, store_ensemble
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CostModelError, ScenarioError

DRAWS = 3 * BLOCK + 9
BLOCKS = 4
DESIGN = Design.random(toy(), DRAWS, 0)
PRICES = np.asarray(toy_model(toy().resolve(DESIGN)).price)


class Stopping(Executor):
    """Executor that computes some blocks and then stops the run, like a machine that is preempted."""

    def __init__(self, blocks: int) -> None:
        self.left = blocks

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.left == 0:
            future.set_exception(InterruptedError("taken away"))
        else:
            self.left -= 1
            future.set_result(function(*arguments, **named))
        return future


def write(path: Path, *, rng: int = 0, executor: Executor | None = None, repair: bool = False) -> None:
    store_ensemble(
        path, toy(), ("price",), draws=DRAWS, rng=rng, model=toy_model, executor=executor, in_flight=1, repair=repair
    )


class StoreStates(RuleBasedStateMachine):
    """Model of the store's state: whether it exists, which blocks are complete, and which were damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="store-states-"))
        self.path = self.folder / "run"
        self.exists = False
        self.complete: set[int] = set()
        self.damaged: set[int] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @property
    def store(self) -> EnsembleStore:
        return EnsembleStore(self.path, toy(), DESIGN)

    @rule(blocks=st.integers(0, BLOCKS))
    def write_and_stop(self, blocks: int) -> None:
        missing = sorted(set(range(BLOCKS)) - (self.complete if self.exists else {0}))
        try:
            write(self.path, executor=Stopping(blocks))
        except InterruptedError:
            assert blocks < len(missing)
        else:
            assert blocks >= len(missing)
        self.complete |= {0, *missing[:blocks]} if not self.exists else set(missing[:blocks])
        self.exists = True

    @rule()
    def write_to_the_end(self) -> None:
        write(self.path)
        self.exists, self.complete = True, set(range(BLOCKS))

    @precondition(lambda self: self.exists)
    @rule(block=st.integers(0, BLOCKS - 1), seed=st.integers(0, 2**16))
    def damage(self, block: int, seed: int) -> None:
        chunk = self.path / "price" / "c" / str(block)
        if block not in self.complete or block in self.damaged:
            return
        raw = bytearray(chunk.read_bytes())
        raw[random.Random(seed).randrange(len(raw))] ^= 0x55
        chunk.write_bytes(bytes(raw))
        self.damaged.add(block)

    @precondition(lambda self: self.exists)
    @rule(block=st.integers(0, BLOCKS - 1))
    def lose_a_digest(self, block: int) -> None:
        (self.path / "block_digest" / "c" / str(block) / "0").unlink(missing_ok=True)
        self.complete.discard(block)
        self.damaged.discard(block)  # it is computed again

    @precondition(lambda self: self.exists)
    @rule()
    def repair(self) -> None:
        write(self.path, repair=True)
        self.complete, self.damaged = set(range(BLOCKS)), set()

    @precondition(lambda self: self.exists)
    @rule()
    def another_seed_is_refused(self) -> None:
        with pytest.raises(ScenarioError, match="design differ"):
            write(self.path, rng=1)

    @precondition(lambda self: self.exists)
    @rule()
    def what_is_left_half_written_is_swept(self) -> None:
        (self.path / "price" / "c" / "0.abc.partial").write_bytes(b"half")
        write(self.path)
        self.complete = set(range(BLOCKS))
        assert list(self.path.rglob("*.partial")) == []

    @invariant()
    def it_shows_what_was_written_or_says_why_not(self) -> None:
        if not self.exists:
            with pytest.raises(ScenarioError, match="is not a stored ensemble"):
                _ = self.store.complete
            return
        store = self.store
        assert set(np.flatnonzero(store.complete).tolist()) == self.complete
        assert set(store.damaged()) == self.damaged
        for block in self.complete - self.damaged:
            first = block * BLOCK
            assert np.array_equal(store.read(block).values[0], PRICES[first : first + BLOCK])
        for block in self.damaged:
            with pytest.raises(CostModelError):
                store.read(block)
        if self.damaged:
            with pytest.raises(CostModelError, match="damaged"):
                store.to_xarray()


StoreStates.TestCase.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)
TestStoreStates = pytest.mark.law(StoreStates.TestCase)


@pytest.mark.contract
def test_a_store_of_an_unknown_model_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path / "run")
    with pytest.raises(ScenarioError, match="is not registered here"):
        open_store(tmp_path / "run")
