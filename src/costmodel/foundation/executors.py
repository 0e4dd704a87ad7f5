"""Run blocks on any executor of ``concurrent.futures``, or in the calling thread.

Threads, processes and the executor of a Dask client (``client.get_executor()``) all work. Results come in the order of
the items, whichever finish first, and only a few blocks are in flight at once, so that memory does not grow with their
number.
"""

from __future__ import annotations

import pickle
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from costmodel.foundation.errors import DomainError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_AHEAD = 2
"""Items submitted for each worker [1], so that none waits while the oldest item is late: results come in order."""
_SPARE = 2
"""Items submitted beyond those [1]."""
_UNKNOWN_WORKERS = 4
"""Workers assumed for an executor that does not report their number [1]."""


def workers_of(executor: Executor | None) -> int:
    """Return an executor's number of workers, or an assumed number if it does not report one; None: one, the caller.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     workers_of(pool)
    2
    """
    if executor is None:
        return 1
    told = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)
    if told is None and client is not None:
        told = sum(client.nthreads().values())
    return int(told) if told else _UNKNOWN_WORKERS


def ordered_map(
    function: Callable[[_Item], _Answer],
    items: Iterable[_Item],
    executor: Executor | None = None,
    *,
    in_flight: int | None = None,
) -> Iterator[_Answer]:
    """Yield ``function(item)`` for every item, in their order.

    Parameters
    ----------
    function
        Function to call; processes and clusters need one that can be pickled.
    items
        Arguments of the calls, taken as workers become free.
    executor
        Any ``concurrent.futures.Executor``; None: the calling thread.
    in_flight
        Largest number of items submitted at once [1], at least 1; None: two for each worker, and two more.

    Raises
    ------
    DomainError
        If ``in_flight`` is less than 1.

    Notes
    -----
    The first error of a worker, in the order of items, is raised here; calls that have not started are cancelled.

    Examples
    --------
    >>> list(ordered_map(abs, [-3, -1, -2]))
    [3, 1, 2]
    """
    if in_flight is not None and in_flight < 1:
        raise DomainError(f"in_flight must be at least 1; got {in_flight!r}")
    if executor is None:
        yield from map(function, items)
        return
    window = in_flight or _AHEAD * workers_of(executor) + _SPARE
    called, first = _sent(function, executor)
    queue = iter(items)
    pending: deque[Future[_Answer]] = deque()
    try:
        pending.extend(executor.submit(called, *first, item) for item in islice(queue, window))
        while pending:
            answer = pending.popleft().result()
            pending.extend(executor.submit(called, *first, item) for item in islice(queue, 1))
            yield answer
    finally:
        for future in pending:
            future.cancel()


def _sent(function: Callable[[_Item], _Answer], executor: Executor) -> tuple[Callable[..., _Answer], tuple[bytes, ...]]:
    """Return what to submit for each item, and its first arguments: a function is pickled once, for threads never.

    An executor would otherwise pickle it for every item, and that of a Dask client would also name each task by the
    function's text, which for a scenario takes longer than all the rest. A function of the main module stays as it is,
    since Dask sends such a function with its code.
    """
    if not isinstance(executor, ThreadPoolExecutor):
        try:
            content = pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError):  # a lambda or a local function; Dask can send it
            return function, ()
        if b"__main__" not in content:
            return _called, (zlib.compress(content),)
    return function, ()


def _called(content: bytes, item: Any) -> Any:
    """Call a pickled function on a worker."""
    return _function(content)(item)


@lru_cache(maxsize=2)
def _function(content: bytes) -> Any:
    """Return a pickled function; the last ones are kept, so that a worker reads its scenario once."""
    return pickle.loads(zlib.decompress(content))
