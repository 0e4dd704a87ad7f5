"""Tracing of the flywheel's step: the NumPy step, run once with arrays that record their operations.

A run is built as for NumPy. Its arrays are the inputs of the code; values that a step replaces are kept in the draw's
own memory. Each kind of step is traced once: the first steps, where some values are not yet known, a year's last step,
and the others. The conditions on the step number that a trace met decide to which steps it applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from costmodel.foundation.inputs import Inputs
from costmodel.foundation.schedules import TimeGrid
from costmodel.foundation.trace_graph import Graph, Guard, TracingError, answered
from costmodel.foundation.tracing import Index, Table, Traced, nodes_of
from costmodel.foundation.vector_needs import Phase

COUNTER = "now"
"""Attribute that counts steps in any part of a run."""
LEFT_OUT = frozenset({"shared", "record", "scenario", "drawn"})
"""Attributes that a traced step omits: a shortcut for equal draws, the recorder, the scenario and its draws."""


# -- content of a run --------------------------------------------------------------------------------------------------


def parts(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes or entries of a part of a run, by name."""
    if isinstance(item, dict):
        yield from ((str(key), value) for key, value in item.items())
    elif isinstance(item, list | tuple):
        yield from ((str(number), value) for number, value in enumerate(item))
    else:
        kind: Any = type(item)
        for name in _slots(kind):
            value = getattr(item, name, _ABSENT)
            if value is not _ABSENT:
                yield name, value
        yield from getattr(item, "__dict__", {}).items()


_ABSENT = object()
"""Stands for an attribute that is not set."""


@cache
def _slots(kind: type) -> tuple[str, ...]:
    return tuple(name for base in kind.__mro__ for name in getattr(base, "__slots__", ()))


def is_whole(item: Any) -> bool:
    """Whether an object is taken as it is, without its parts."""
    kind: Any = type(item)
    return _whole(kind)


@cache
def _whole(kind: type) -> bool:
    if issubclass(kind, list | tuple | dict):
        return False
    return not kind.__module__.startswith("costmodel.") or issubclass(kind, Inputs | TimeGrid)


def leaves(item: Any) -> list[tuple[str, Any]]:
    """Return all content of a run, by path."""
    found: list[tuple[str, Any]] = []
    _gather(item, "", found)
    return found


def _gather(item: Any, path: str, found: list[tuple[str, Any]]) -> None:
    kind: Any = type(item)
    if kind is np.ndarray or _whole(kind) or isinstance(item, Traced | Index):
        found.append((path, item))
        return
    for name, value in parts(item):
        if name not in LEFT_OUT:
            _gather(value, f"{path}.{name}", found)


def traced(item: Any, graph: Graph, path: str = "", known: dict[int, Any] | None = None) -> Any:
    """Return a copy of a part of a run in which every number is traced."""
    known = {} if known is None else known
    name = path.rpartition(".")[2]
    if name in LEFT_OUT:
        return None
    if isinstance(item, np.ndarray | Traced | float):
        shape = np.shape(item)
        return Table(graph, f"{path}|{','.join(map(str, shape))}", shape)
    if isinstance(item, Index):
        return Index(graph, item.offset - 1)
    if name == COUNTER and isinstance(item, int):
        return Index(graph, item)
    if is_whole(item):
        return item
    if id(item) in known:
        return known[id(item)]
    if isinstance(item, list | tuple | dict):
        entries = {key: traced(value, graph, f"{path}.{key}", known) for key, value in parts(item)}
        if isinstance(item, dict):
            return dict(zip(item, entries.values(), strict=True))
        return type(item)(entries.values())
    copy = object.__new__(type(item))
    known[id(item)] = copy
    for key, value in parts(item):
        object.__setattr__(copy, key, traced(value, graph, f"{path}.{key}", known))
    return copy


def structure(held: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """Return the content on which a trace depends: paths, shapes and settings, but no numbers."""
    rows: list[tuple[str, Any]] = []
    for path, value in held:
        if type(value) is np.ndarray:
            rows.append((path, value.shape))
        elif isinstance(value, np.ndarray | Traced | float):
            rows.append((path, np.shape(value)))
        elif isinstance(value, Index):
            rows.append((path, f"step{value.offset:+d}"))
        elif isinstance(value, int | str | bool) or value is None:
            rows.append((path, repr(value)))
    return tuple(rows)


# -- tracing -----------------------------------------------------------------------------------------------------------


class _Notes:
    """Recorder of a traced run: notes which value goes where."""

    def __init__(self, graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.graph, self.shapes = graph, shapes
        self.puts: list[tuple[str, int, int, Any]] = []

    def put(self, index: Index | None, **values: Any) -> None:
        """Note values of the current step."""
        if index is None:
            raise TracingError("a step can only record values of a step; whole outputs are recorded outside of it")
        for name, value in values.items():
            wanted = np.broadcast_to(nodes_of(self.graph, value), (*self.shapes[name][1:], 1)).reshape(-1)
            for element, node in enumerate(wanted):
                self.puts.append((name, index.offset, element, self.graph.number(self.graph.node(node))))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of step: conditions on its number, and the structure of the run before and after it."""

    before: tuple[tuple[str, Any], ...]
    guards: tuple[Guard, ...]
    after: tuple[tuple[str, Any], ...]

    def serves(self, step: int, present: tuple[tuple[str, Any], ...]) -> bool:
        """Whether this kind's code applies to a step."""
        return present == self.before and all(
            answered(how, step + offset, of) == answer for how, offset, of, answer in self.guards
        )


def trace(run: Any, steps: int, shapes: Mapping[str, tuple[int, ...]]) -> tuple[list[Phase], list[int]]:
    """Trace every kind of step of a scalar run, and its end.

    Parameters
    ----------
    run
        A run of one draw that has taken no step.
    steps
        Number of steps.
    shapes
        Shape of each output, without draws.

    Returns
    -------
    tuple
        The phases, and the number of each step's phase; the last entry of both is the end.
    """
    kinds: list[Kind] = []
    phases: list[Phase] = []
    order: list[int] = []
    after: dict[int, Any] = {}
    held = run
    present = structure(leaves(traced(held, Graph())))
    for step in range(steps):
        number = next((i for i, kind in enumerate(kinds) if kind.serves(step, present)), None)
        if number is None:
            number = len(kinds)
            graph, copy, before = _copy(held, step)
            copy.record = notes = _Notes(graph, shapes)
            copy.take(Index(graph))
            phases.append(Phase(graph, notes.puts, _kept(graph, copy, before)))
            after[number] = copy
            kinds.append(Kind(present, tuple(graph.guards), structure(leaves(traced(copy, Graph())))))
        order.append(number)
        held, present = after[number], kinds[number].after
    graph, copy, _ = _copy(held, steps)
    copy.record = notes = _Notes(graph, shapes)
    copy.close(Index(graph))
    return [*phases, Phase(graph, notes.puts, {})], [*order, len(phases)]


def _copy(held: Any, step: int) -> tuple[Graph, Any, dict[str, Any]]:
    graph = Graph()
    graph.now = step
    copy = traced(held, graph)
    return graph, copy, dict(leaves(copy))


def _kept(graph: Graph, copy: Any, before: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values that a step has replaced, by path."""
    kept = {}
    for path, value in leaves(copy):
        if value is before.get(path) or not isinstance(value, np.ndarray | Traced | float):
            continue
        key = f"{path}|{','.join(map(str, np.shape(value)))}"
        if isinstance(value, Table) and value.path == key:
            continue
        kept[key] = [graph.number(graph.node(node)) for node in np.reshape(nodes_of(graph, value), -1)]
    return kept


def written_paths(phases: Sequence[Phase]) -> set[str]:
    """Return the paths of the tables that steps write."""
    found: set[str] = set()
    pending = [node for phase in phases for node in phase.graph.blocks[0]]
    while pending:
        node = pending.pop()
        if node.kind == "write":
            found.add(node.data[0])
        if node.kind == "loop":
            pending += node.data.body
    return found
