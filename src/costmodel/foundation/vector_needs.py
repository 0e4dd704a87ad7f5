"""Analysis of traced steps: needed operations, values that no step changes, and operations that are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from costmodel.foundation.trace_graph import ARITHMETIC, Graph, Loop, Node

PURE = ARITHMETIC | {"constant", "compare", "mask", "select"}
"""Operations whose result depends only on their operands."""


@dataclass(slots=True, eq=False)
class Phase:
    """Traced step of one kind: its operations, its outputs, and the values for the next step."""

    graph: Graph
    puts: list[tuple[str, int, int, Node]]
    """Output, offset from the step number, element, and value."""
    kept: dict[str, list[Node]]
    """Values for the next step, by path."""
    often: bool = False
    """Whether many steps are of this kind: exponentials and logarithms are then inlined, for a longer compilation."""


class Needs:
    """Needed and unchanging values in all phases.

    Parameters
    ----------
    phases
        Kinds of steps.
    changed
        Paths of values that a step passes to the next.
    written
        Paths of tables that steps write.
    """

    def __init__(self, phases: Sequence[Phase], changed: Iterable[str], written: Iterable[str]) -> None:
        self.phases = phases
        self.changed, self.written = set(changed), set(written)
        self._same: dict[object, Node] = {}
        self._first: dict[int, Node] = {}
        self._still: dict[int, bool] = {}
        self.live: set[int] = set()
        self.results: dict[int, list[Node]] = {}
        """Final values of each loop's carried values."""
        for phase in phases:
            self._find_results(phase.graph.blocks[0])
        self.carried: set[str] = set()
        """Paths that a later step reads of the values passed on."""
        self._need()

    def _find_results(self, block: Sequence[Node]) -> None:
        for node in block:
            if node.kind == "result":
                self.results.setdefault(id(node.args[0]), []).append(node)
            if node.kind == "loop":
                self.results.setdefault(id(node), [])
                self._find_results(node.data.body)

    def still(self, node: Node) -> bool:
        """Whether no step changes a value."""
        known = self._still.get(id(node))
        if known is None:
            if node.kind == "read":
                path, _ = node.data
                fixed = path not in self.changed and path not in self.written
                known = fixed and all(arg.kind == "constant" for arg in node.args)
            else:
                known = node.kind in PURE and all(self.still(arg) for arg in node.args)
            self._still[id(node)] = known
        return known

    def first(self, node: Node) -> Node:
        """Return the representative of all operations that equal a value that no step changes, in any phase."""
        known = self._first.get(id(node))
        if known is None:
            args = tuple(self.first(arg) for arg in node.args)
            key = (node.kind, node.data, *(id(arg) for arg in args))
            known = self._same.setdefault(key, node if args == node.args else Node(node.kind, args, node.data))
            self._first[id(node)] = known
        return known

    def _need(self) -> None:
        """Find the needed operations: outputs, writes to tables, and carried values that later steps read."""
        pending: list[Node] = []
        for phase in self.phases:
            pending += [node for *_, node in phase.puts]
            pending += [node for node in phase.graph.blocks[0] if node.kind == "write" or self._writes(node)]
        while pending:
            self._mark(pending)
            pending = [
                node
                for phase in self.phases
                for path, nodes in phase.kept.items()
                if path in self.carried
                for node in nodes
                if id(node) not in self.live
            ]

    def _mark(self, pending: list[Node]) -> None:
        while pending:
            node = pending.pop()
            if id(node) in self.live:
                continue
            self.live.add(id(node))
            pending += node.args
            if node.kind == "read" and node.data[0] in self.changed:
                self.carried.add(node.data[0])
            if node.kind == "loop":
                loop: Loop = node.data
                pending += [*loop.initial, *loop.following, *(loop.rows or ())]
                pending += [item for item in (loop.done, loop.among) if item is not None]
                pending += [item for item in loop.body if item.kind == "write"]

    @staticmethod
    def _writes(node: Node) -> bool:
        return node.kind == "loop" and any(item.kind == "write" for item in node.data.body)
