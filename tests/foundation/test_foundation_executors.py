"""Blocks come in order, few are in flight at once, on every executor."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from costmodel.foundation.blocks import trimmed
from costmodel.foundation.errors import DomainError
from costmodel.foundation.executors import ordered_map, workers_of

pytestmark = pytest.mark.contract


def test_results_come_in_the_order_of_the_items_however_workers_finish() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0.0)
        return item * item

    with ThreadPoolExecutor(3) as pool:
        assert list(ordered_map(slow_first, range(10), pool)) == [i * i for i in range(10)]
    assert list(ordered_map(slow_first, range(4))) == [0, 1, 4, 9]


@pytest.mark.parametrize("in_flight", [1, 3, None])
def test_only_a_few_items_are_under_way(in_flight: int | None) -> None:
    taken, lock = [], threading.Lock()

    def items():
        for item in range(50):
            with lock:
                taken.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        ahead = [len(taken) - done for done in ordered_map(abs, items(), pool, in_flight=in_flight)]
    assert max(ahead) <= (in_flight or 2 * 2 + 2) + 1


def test_an_error_comes_through_and_cancels_the_rest() -> None:
    started = []

    def fails(item: int) -> int:
        started.append(item)
        time.sleep(0.005)
        if item == 1:
            raise DomainError("item 1 is out of range")
        return item

    with ThreadPoolExecutor(1) as pool, pytest.raises(DomainError, match="item 1"):
        list(ordered_map(fails, range(1000), pool))
    assert len(started) < 10


class Remote(Executor):
    """Executor that does not report its number of workers."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_any_executor_serves() -> None:
    assert workers_of(Remote()) == 4
    assert list(ordered_map(str, [1, 2], Remote())) == ["1", "2"]


class Scaled:
    """Function that counts how often it is pickled and read."""

    pickled = read = 0

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, item: int) -> int:
        return self.factor * item

    def __getstate__(self) -> dict[str, int]:
        type(self).pickled += 1
        return vars(self)

    def __setstate__(self, state: dict[str, int]) -> None:
        type(self).read += 1
        vars(self).update(state)


def test_a_function_travels_once_to_other_processes_and_not_at_all_to_threads() -> None:
    Scaled.pickled = Scaled.read = 0
    assert list(ordered_map(Scaled(3), range(20), Remote())) == [3 * item for item in range(20)]
    assert (Scaled.pickled, Scaled.read) == (1, 1)
    with ThreadPoolExecutor(2) as pool:
        assert list(ordered_map(Scaled(4), range(5), pool)) == [0, 4, 8, 12, 16]
    assert (Scaled.pickled, Scaled.read) == (1, 1)


def test_a_function_without_a_module_or_of_the_main_one_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(ordered_map(lambda item: item + 1, [1, 2], Remote())) == [2, 3]
    main = sys.modules["__main__"]
    monkeypatch.setattr(Scaled, "__module__", "__main__")
    monkeypatch.setattr(main, "Scaled", Scaled, raising=False)
    Scaled.read = 0
    assert list(ordered_map(Scaled(5), [1, 2], Remote())) == [5, 10]
    assert Scaled.read == 0


def test_nothing_in_flight_is_refused() -> None:
    with pytest.raises(DomainError, match="at least 1"):
        list(ordered_map(abs, [1], in_flight=0))


def test_padding_is_cut_and_what_does_not_vary_is_repeated() -> None:
    assert trimmed(np.arange(6.0).reshape(2, 3), 1, 2).tolist() == [[0.0, 1.0], [3.0, 4.0]]
    assert trimmed(np.array([5.0, 6.0]), 1, 2).tolist() == [[5.0, 5.0], [6.0, 6.0]]
    assert trimmed(7.0, 0, 3).tolist() == [7.0, 7.0, 7.0]
