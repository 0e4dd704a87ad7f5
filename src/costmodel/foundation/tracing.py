"""Traced arrays record the operations applied to them, so that a model's step becomes a list of operations.

A step written for NumPy arrays is run once with traced arrays in their place. Its computations are recorded as
operations on whole draws, from which machine code for blocks of draws is generated
(:mod:`costmodel.foundation.vector_code`); so no equation is written twice.

A traced array has the shape of one draw but represents any number of draws, so a condition on its values cannot be
evaluated. ``any`` returns true and ``all`` false, so that shortcuts for equal draws are not taken. Loops whose length
depends on draws use `repeat` and the other functions of :mod:`costmodel.foundation.row_loops`. The step number is an
`Index`: rows are read and written at it, and conditions on it are recorded as guards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.trace_graph import Graph, Node, TracingError, answered

Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Step number, or row number of a loop, with an offset."""

    graph: Graph
    offset: int = 0
    row: Node | None = None
    __array_priority__: float = 1e6

    def node(self, graph: Graph) -> Node:
        """Return the index as an operation."""
        return graph.apply("add", self.row or graph.step, float(self.offset))

    def traced(self) -> Traced:
        """Return the index as a traced array."""
        return Traced(self.graph, np.array(self.node(self.graph), dtype=object))

    def __add__(self, other: Any) -> Any:
        return Index(self.graph, self.offset + other, self.row) if isinstance(other, int) else self.traced() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Index) and other.row is self.row:
            return self.offset - other.offset
        return Index(self.graph, self.offset - other, self.row) if isinstance(other, int) else self.traced() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.traced()

    def __mul__(self, other: Any) -> Any:
        return self.traced() * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.traced() / other

    def __mod__(self, other: int) -> Remainder:
        return Remainder(self, other)

    def _compared(self, how: str, other: Any) -> Any:
        if isinstance(other, Index) and other.row is self.row:
            return answered(how, self.offset, other.offset)
        if isinstance(other, int | float) and other == int(other) and self.row is None:
            return self.graph.ask(how, self.offset, int(other))
        raise TracingError(f"the step number cannot be compared with {type(other).__name__}")

    def __lt__(self, other: Any) -> Any:
        return self._compared("lt", other)

    def __le__(self, other: Any) -> Any:
        return self._compared("le", other)

    def __gt__(self, other: Any) -> Any:
        return self._compared("gt", other)

    def __ge__(self, other: Any) -> Any:
        return self._compared("ge", other)

    def __eq__(self, other: object) -> Any:
        return self._compared("eq", other)

    __hash__ = None  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        given = [item.traced() if isinstance(item, Index) else item for item in inputs]
        return getattr(ufunc, method)(*given, **options)


@dataclass(frozen=True, slots=True, eq=False)
class Remainder:
    """Remainder of the step number, for comparison with 0."""

    index: Index
    of: int

    def __eq__(self, other: object) -> bool:
        if other != 0:
            raise TracingError("the remainder of the step number can only be compared with 0")
        return self.index.graph.ask("multiple", self.index.offset, self.of)

    __hash__ = None  # type: ignore[assignment]


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose elements are operations."""

    __slots__ = ("_nodes", "graph")
    dtype: np.dtype[np.float64] = np.dtype(np.float64)

    def __init__(self, graph: Graph, nodes: Objects | None) -> None:
        self.graph, self._nodes = graph, nodes

    @property
    def nodes(self) -> Objects:
        """Operations of the elements, in an array of the same shape."""
        if self._nodes is None:
            raise TracingError("an array without operations")
        return self._nodes

    @property
    def only(self) -> Node:
        """Operation of an array without axes."""
        node: Any = self.nodes[()]
        return cast(Node, node)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, with one draw."""
        return self.nodes.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=int))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return (self[number] for number in range(len(self)))

    def _like(self, nodes: Any) -> Traced:
        wrapped = nodes if isinstance(nodes, np.ndarray) else np.array(nodes, dtype=object)
        return Traced(self.graph, wrapped)

    def __getitem__(self, key: Any) -> Traced:
        return self._like(self.nodes[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        target = self.nodes[key]
        filled = np.broadcast_to(nodes_of(self.graph, value), np.shape(target))
        self.nodes[key] = filled if isinstance(target, np.ndarray) else filled[()]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options.keys() - {"dtype"}:
            raise TracingError(f"{ufunc.__name__}.{method} with {', '.join(options) or 'no options'} on a traced array")
        if any(isinstance(item, Rows) for item in inputs):
            return Rows.combined(lambda *given: ufunc(*given), inputs)
        apply, name = self.graph.apply, ufunc.__name__
        own = [nodes_of(self.graph, item) for item in inputs]
        if all(item.ndim == 0 for item in own):
            return self._like(apply(name, *(item[()] for item in own)))
        return self._like(np.frompyfunc(lambda *given: apply(name, *given), len(own), 1)(*own))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return called(self.graph, function, args, options)

    def reshape(self, *shape: Any) -> Traced:
        """Return the array in another shape."""
        return self._like(self.nodes.reshape(*shape))

    def swapaxes(self, one: int, other: int) -> Traced:
        """Return the array with two axes exchanged."""
        return self._like(self.nodes.swapaxes(one, other))

    def copy(self) -> Traced:
        """Return a copy."""
        return self._like(self.nodes.copy())

    def astype(self, kind: Any) -> Traced:
        """Return the array unchanged: integers are represented as floats."""
        return self

    def max(self, axis: int = 0) -> Traced:
        """Return the largest along the first axis."""
        return folded("maximum", self)

    def min(self, axis: int = 0) -> Traced:
        """Return the smallest along the first axis."""
        return folded("minimum", self)

    def any(self) -> bool:
        """Return true, since some draws may be true."""
        return True

    def all(self) -> bool:
        """Return false, since some draws may be false."""
        return False

    def __iadd__(self, other: Any) -> Any:
        return self + other

    def __imul__(self, other: Any) -> Any:
        return self * other

    def __isub__(self, other: Any) -> Any:
        return self - other


def folded(name: str, array: Traced) -> Traced:
    """Reduce the first axis with a function of two values."""
    result = array[0]
    for row in range(1, len(array)):
        result = getattr(np, name)(result, array[row])
    return result


class Table(Traced):
    """Array in memory, read as a whole, or by row at the step number or at a row number of each draw."""

    __slots__ = ("own_shape", "path")

    def __init__(self, graph: Graph, path: str, shape: tuple[int, ...]) -> None:
        super().__init__(graph, None)
        self.path, self.own_shape = path, shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, with one draw."""
        return self.own_shape

    @property
    def nodes(self) -> Objects:
        """Read operations of all elements."""
        found = [self.graph.add("read", data=(self.path, number)) for number in range(self.size)]
        held = np.empty(len(found), dtype=object)
        held[:] = found
        return held.reshape(self.own_shape)

    def row(self, row: Any) -> Traced:
        """Return the row at the step number, or at a row number of each draw."""
        place = self.graph.node(row[()] if isinstance(row, np.ndarray) else row)
        cells = self.cells
        held = np.empty(cells, dtype=object)
        held[:] = [self.graph.add("read", place, data=(self.path, cell)) for cell in range(cells)]
        return Traced(self.graph, held.reshape(self.own_shape[1:]))

    @property
    def cells(self) -> int:
        """Number of elements in a row."""
        return int(np.prod(self.own_shape[1:], dtype=int))

    def take_rows(self, rows: Any) -> Traced:
        """Return a row whose elements each come from their own row; ``rows`` broadcasts to the shape of a row."""
        places = np.broadcast_to(nodes_of(self.graph, rows), self.own_shape[1:]).reshape(-1)
        held = np.empty(self.cells, dtype=object)
        held[:] = [self.graph.add("read", place, data=(self.path, cell)) for cell, place in enumerate(places)]
        return Traced(self.graph, held.reshape(self.own_shape[1:]))

    def __getitem__(self, key: Any) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if isinstance(first, Index):
            return self.row(first)[rest] if rest else self.row(first)
        if isinstance(first, Traced):
            return self.row(first.nodes.reshape(-1)[0])
        if isinstance(first, slice) and isinstance(first.stop, Index):
            begin = 0 if first.start is None else first.start
            return Rows(self.graph, begin, first.stop, lambda at: self.row(at)[rest] if rest else self.row(at))
        return self._like(self.nodes[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if not isinstance(first, Index):
            raise TracingError(f"{self.path} can only be written at the step number")
        places = np.arange(self.cells).reshape(self.own_shape[1:])[rest]
        filled = np.broadcast_to(nodes_of(self.graph, value), np.shape(places))
        row = first.node(self.graph)
        for place, node in zip(np.reshape(places, -1), filled.reshape(-1), strict=True):
            self.graph.add("write", row, self.graph.number(node), data=(self.path, int(place)), fresh=True)
        self.graph.stored({self.path})


class Rows(np.lib.mixins.NDArrayOperatorsMixin):
    """Array whose number of rows is known only when the code runs, such as the cohorts of a fleet.

    ``at`` returns the values of a row; it is called where rows are summed or written.
    """

    __slots__ = ("among", "at", "begin", "bound", "graph")
    dtype: np.dtype[np.float64] = np.dtype(np.float64)

    def __init__(
        self, graph: Graph, begin: Any, bound: Index, at: Callable[[Index], Any], among: Traced | None = None
    ) -> None:
        self.graph, self.begin, self.bound, self.at, self.among = graph, begin, bound, at, among

    @classmethod
    def combined(cls, function: Callable[..., Any], given: Sequence[Any]) -> Rows:
        """Apply a function to rows and to values that are the same in every row."""
        rows = [item for item in given if isinstance(item, Rows)]
        first = next((item for item in rows if item.among is not None), rows[0])

        def at(row: Index) -> Any:
            return function(*(item.at(row) if isinstance(item, Rows) else item for item in given))

        return cls(first.graph, first.begin, first.bound, at, first.among)

    ndim = 2

    def any(self) -> bool:
        """Return true, since some draws may be true."""
        return True

    def __getitem__(self, key: Any) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if first is Ellipsis:
            return Rows.combined(lambda row: row[(Ellipsis, *rest)], [self])
        if first != slice(None):
            raise TracingError(
                "the number of rows is known only when the code runs, so a row cannot be selected by number"
            )
        return Rows.combined(lambda row: row[rest], [self])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TracingError(f"{ufunc.__name__}.{method} on rows")
        return Rows.combined(lambda *given: ufunc(*given), inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.where:
            return Rows.combined(np.where, args)
        raise TracingError(f"{function.__name__} of rows")


def nodes_of(graph: Graph, value: Any) -> Objects:
    """Return a value as an array of operations or numbers."""
    if isinstance(value, Traced):
        return value.nodes
    if isinstance(value, Index):
        return np.array(value.node(graph), dtype=object)
    return np.asarray(value).astype(object)


_SHAPES = {np.stack, np.concatenate, np.broadcast_to, np.moveaxis, np.reshape, np.atleast_1d, np.swapaxes}
"""Functions that only rearrange elements."""


def called(graph: Graph, function: Any, args: Any, options: Any) -> Any:
    """Apply a NumPy function that does not work element by element to traced arrays."""
    if any(isinstance(item, Rows) for item in args):
        return Rows.combined(lambda *given: function(*given), args)
    if function is np.where:
        own = np.frompyfunc(graph.select, 3, 1)(*(nodes_of(graph, item) for item in args))
        return Traced(graph, own if isinstance(own, np.ndarray) else np.array(own, dtype=object))
    if function is np.shape:
        return args[0].shape
    if function is np.any or function is np.all:
        return function is np.any
    if function is np.broadcast_arrays:
        shape = np.broadcast_shapes(*(np.shape(item) for item in args))
        return [np.broadcast_to(item, shape) for item in args]
    if function in (np.zeros_like, np.ones_like, np.full_like):
        value = {np.zeros_like: 0.0, np.ones_like: 1.0}.get(function, args[-1])
        return Traced(graph, np.full(args[0].shape, graph.constant(value), dtype=object))
    if function is np.clip:
        return np.minimum(np.maximum(args[0], args[1]), args[2])
    if function is np.nan_to_num:
        return np.where(np.isnan(args[0]), 0.0, args[0])
    if function in (np.max, np.min):
        return getattr(args[0].reshape(-1), function.__name__.removeprefix("a"))()
    if function in _SHAPES:
        return Traced(graph, function(_moved(graph, args[0]), *args[1:], **options))
    raise TracingError(f"traced arrays do not support {function.__name__}")


def _moved(graph: Graph, given: Any) -> Any:
    if isinstance(given, Traced):
        return given.nodes
    return [nodes_of(graph, item) for item in given]


def graph_of(*values: Any) -> Graph | None:
    """Return the graph of traced values, or None for plain numbers and arrays."""
    return next((item.graph for item in values if isinstance(item, Traced | Index | Rows)), None)
