"""Run blocks on any executor of ``concurrent.futures``, or in the calling thread.

Threads, processes and the executor of a Dask client (``client.get_executor()``) all work. Results come in the order of
the items, whichever finish first, and only a few blocks are in flight at once, so that memory does not grow with their
number.
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
