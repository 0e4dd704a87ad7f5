"""Loops for use in a model step, which work on NumPy arrays and on traced arrays.

A loop whose length depends on draws or on the step number uses these functions. With NumPy arrays it runs in Python;
with traced arrays it becomes a loop in machine code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.trace_graph import Graph, Loop, Node
from costmodel.foundation.tracing import Index, Objects, Rows, Table, Traced, folded, graph_of, nodes_of

State: TypeAlias = tuple[FloatArray, ...]
"""Arrays carried from one iteration of a loop to the next."""


def repeat(times: int, body: Callable[[State], State], state: State, until: Callable[[State], Any]) -> State:
    """Iterate a state a number of times; stop early if all draws have converged.

    Parameters
    ----------
    times
        Largest number of iterations [1].
    body
        Function that returns the next state. Once a draw has converged, its values must no longer change in the arrays
        that are used afterwards.
    state
        Initial arrays.
    until
        Function that returns the draws that have converged.
    """
    graph = graph_of(*state)
    if graph is None:
        for _ in range(times):
            if bool(np.all(until(state))):
                break
            state = body(state)
        return state
    held = [nodes_of(graph, item) for item in state]
    initial = tuple(graph.number(graph.node(node)) for item in held for node in item.reshape(-1))
    carried = [Node("carried") for _ in initial]
    loop = Loop(carried, [], initial, times=times)
    with graph.inside(loop):
        present = _shaped(graph, carried, held)
        loop.done = folded("bitwise_and", until(present).reshape(-1)).only
        loop.split = len(loop.body)
        following = [
            np.broadcast_to(nodes_of(graph, item), old.shape) for item, old in zip(body(present), held, strict=True)
        ]
        last = [graph.number(graph.node(node)) for item in following for node in item.reshape(-1)]
    return _shaped(graph, graph.close(loop, last), held)


def _shaped(graph: Graph, nodes: Iterable[Node], like: Sequence[Objects]) -> State:
    rest = iter(nodes)
    arrays: list[Any] = []
    for item in like:
        own = np.empty(item.size, dtype=object)
        own[:] = [next(rest) for _ in range(item.size)]
        arrays.append(Traced(graph, own.reshape(item.shape)))
    return tuple(arrays)


def _over(graph: Graph, begin: Any, bound: Index, among: Traced | None, initial: Sequence[Node]) -> Loop:
    loop = Loop([Node("carried") for _ in initial], [], tuple(initial))
    first = folded("minimum", begin.reshape(-1)).only if isinstance(begin, Traced) else begin
    loop.rows = graph.node(first), bound.node(graph)
    loop.among = None if among is None else folded("bitwise_or", among.reshape(-1)).only
    return loop


def each_row(begin: Any, bound: Any, write: Callable[[Any], None], among: Any = None) -> None:
    """Call ``write`` with every row from ``begin`` up to a bound, in order.

    Parameters
    ----------
    begin
        First row.
    bound
        End of the rows, excluded.
    write
        Function that reads and writes rows of tables.
    among
        Mask of the only draws to write; the loop is skipped if it is false in all draws. None: all draws.
    """
    graph = graph_of(begin, bound)
    if graph is None:
        for row in range(begin, bound):
            write(row)
        return
    loop, trial = _over(graph, begin, bound, among, ()), Loop([], [], ())
    with graph.inside(trial):  # forgets what was read of tables that an earlier iteration may have written
        write(Index(graph, 0, trial.row))
    with graph.inside(loop):
        write(Index(graph, 0, loop.row))
    graph.close(loop, ())


def row_numbers(begin: Any, bound: Any, among: Any = None) -> Any:
    """Return the numbers of the rows from ``begin`` up to a bound, as an array."""
    graph = graph_of(begin, bound)
    if graph is None:
        return np.arange(begin, bound, dtype=np.float64)
    return Rows(graph, begin, bound, lambda row: row.traced(), among)


def summed(rows: Any) -> Any:
    """Return the sum over the first axis, from first to last, so that it does not depend on the split of draws.

    Examples
    --------
    >>> summed(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    if not isinstance(rows, Rows):
        total = np.zeros(rows.shape[1:]) if len(rows) == 0 else rows[0]
        for number in range(1, len(rows)):
            total = total + rows[number]
        return total
    graph = rows.graph
    with graph.inside(Loop([], [], ())):
        shape = rows.at(Index(graph, 0, Node("row"))).shape
    count = int(np.prod(shape, dtype=int))
    loop = _over(graph, rows.begin, rows.bound, rows.among, [graph.constant(0.0)] * count)
    with graph.inside(loop):
        held = np.empty(count, dtype=object)
        held[:] = loop.carried
        total = Traced(graph, held.reshape(shape)) + rows.at(Index(graph, 0, loop.row))
        last = [graph.number(node) for node in total.nodes.reshape(-1)]
    held = np.empty(count, dtype=object)
    held[:] = graph.close(loop, last)
    return Traced(graph, held.reshape(shape))


def row_of(rows: Any, row: Any, begin: Any) -> Any:
    """Return a row by its number; the first row has number ``begin``."""
    return rows.at(row) if isinstance(rows, Rows) else rows[row - begin]


def rows_at(table: Any, rows: Any) -> Any:
    """Return each element from its own row.

    Parameters
    ----------
    table
        Values, ``(row, …, draw)``; an axis of one draw stands for all draws.
    rows
        Row of each draw, whole numbers, ``(draw,)``.

    Examples
    --------
    >>> rows_at(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    array([3., 2.])
    """
    if isinstance(table, Table):
        return table.take_rows(rows)
    shape = np.broadcast_shapes(table.shape[1:], rows.shape)
    whole = np.broadcast_to(table, (len(table), *shape))
    return np.take_along_axis(whole, np.broadcast_to(rows, shape)[None], axis=0)[0]


def earliest(rows: Any) -> Any:
    """Return the lowest of the rows of all draws, as a whole number."""
    return rows if isinstance(rows, Traced) else int(np.min(rows))


def changed(factor: Any) -> Any:
    """Return a mask of draws in which a factor is not 1, so that a loop can be skipped if there are none."""
    if isinstance(factor, Rows):
        return factor.among
    return factor != 1.0 if isinstance(factor, Traced) else None
