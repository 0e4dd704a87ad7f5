"""Run blocks on any executor of ``concurrent.futures``, or in the calling thread.

Threads, processes and the executor of a Dask client (``client.get_executor()``) all work. Results come back in
the order of the items however the workers finish, and only a few blocks are under way at once, so that memory
does not grow with their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

from costmodel.foundation.errors import DomainError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_SPARE = 2
"""Blocks handed out beyond one per worker, so that no worker waits for the caller [1]."""
_UNKNOWN_WORKERS = 4
"""Workers assumed for an executor that does not report their number [1]."""


def workers_of(executor: Executor) -> int:
    """Return an executor's number of workers, or an assumed number if it does not report one.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     workers_of(pool)
    2
    """
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
        What each worker calls; processes and clusters need one that pickles.
    items
        What it is called with, taken as workers become free.
    executor
        Any ``concurrent.futures.Executor``; in this thread where absent.
    in_flight
        Most items handed out at once [1], at least 1; two more than there are workers where absent.

    Raises
    ------
    DomainError
        If ``in_flight`` is less than 1.

    Notes
    -----
    The first error of a worker is raised here in its turn; what has not started by then is cancelled.

    Examples
    --------
    >>> list(ordered_map(abs, [-3, -1, -2]))
    [3, 1, 2]
    """
    if in_flight is not None and in_flight < 1:
        raise DomainError(f"in_flight = {in_flight!r}: at least 1 is needed")
    if executor is None:
        yield from map(function, items)
        return
    window = in_flight or workers_of(executor) + _SPARE
    queue = iter(items)
    pending: deque[Future[_Answer]] = deque()
    try:
        pending.extend(executor.submit(function, item) for item in islice(queue, window))
        while pending:
            answer = pending.popleft().result()
            pending.extend(executor.submit(function, item) for item in islice(queue, 1))
            yield answer
    finally:
        for future in pending:
            future.cancel()
