"""Graph of the operations of a traced step, from which machine code is generated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Guard = tuple[str, int, int, bool]
"""Condition on the step number: comparison, offset, operand and answer."""

COMPARISONS = {"greater": "ogt", "greater_equal": "oge", "less": "olt", "less_equal": "ole", "equal": "oeq",
               "not_equal": "une"}  # fmt: skip
LOGICAL = {"bitwise_and": "and", "bitwise_or": "or", "logical_and": "and", "logical_or": "or"}
ARITHMETIC = frozenset({
    "add", "subtract", "multiply", "divide", "negative", "maximum", "minimum", "absolute", "sign", "floor", "ceil",
    "exp", "expm1", "log", "log1p", "power", "sqrt",
})  # fmt: skip
"""Names of the NumPy functions that traced arrays support."""
_FOLDED = {name: getattr(np, name) for name in ARITHMETIC}


class TracingError(TypeError):
    """An operation that traced arrays do not support; the message names it."""


@dataclass(slots=True, eq=False)
class Node:
    """One operation on all draws: its kind, operands and other data."""

    kind: str
    args: tuple[Node, ...] = ()
    data: Any = None

    @property
    def is_mask(self) -> bool:
        """Whether the values are Boolean."""
        return self.kind in ("compare", "mask")


@dataclass(slots=True, eq=False)
class Loop:
    """Loop: its operations, the values carried between iterations, and its end condition.

    ``rows`` are the first row and the bound of a loop over rows of a table; without it, the loop runs ``times`` times.
    It ends early if ``done`` is true in all draws, and is skipped if ``among`` is false in all.
    """

    carried: list[Node]
    body: list[Node]
    initial: tuple[Node, ...]
    following: tuple[Node, ...] = ()
    times: int = 0
    rows: tuple[Node, Node] | None = None
    done: Node | None = None
    among: Node | None = None
    row: Node = field(default_factory=lambda: Node("row"))
    split: int = 0
    """Number of operations of the body that compute ``done``."""

    @property
    def written(self) -> set[str]:
        """Paths of the tables that the body writes."""
        return {node.data[0] for node in self.body if node.kind == "write"}


class Graph:
    """Operations of a traced step, in order."""

    def __init__(self) -> None:
        self.blocks: list[list[Node]] = [[]]
        self._known: list[dict[Any, Node]] = [{}]
        self.guards: list[Guard] = []
        self.now = 0
        """Number of the step that is traced; it answers the conditions on the step number."""
        self.step = self.add("step")

    def add(self, kind: str, *args: Node, data: Any = None, fresh: bool = False) -> Node:
        """Return an operation; reuse an equal recorded one if no table that it reads has changed."""
        key = (kind, args, data)
        if not fresh:
            for known in reversed(self._known):
                found: Node | None = known.get(key)
                if found is not None:
                    return found
        node = Node(kind, args, data)
        self.blocks[-1].append(node)
        if not fresh:
            self._known[-1][key] = node
        return node

    def constant(self, value: float) -> Node:
        """Return a constant as an operation."""
        number = float(value)
        return self.add("constant", data=(number, np.copysign(1.0, number)))

    def node(self, value: Any) -> Node:
        """Return a value (an operation, the step number, or a number) as an operation."""
        if isinstance(value, Node):
            return value
        if hasattr(value, "node"):
            known: Node = value.node(self)
            return known
        return self.constant(value)

    def apply(self, name: str, *values: Any) -> Node:
        """Apply an operation, by NumPy's name, to values; compute it at once for plain numbers."""
        args = tuple(self.node(value) for value in values)
        if name in COMPARISONS:
            return self.add("compare", *args, data=COMPARISONS[name])
        if name in LOGICAL and all(arg.is_mask for arg in args):
            return self.add("mask", *args, data=LOGICAL[name])
        if name in ("invert", "logical_not"):
            return self.add("mask", *args, data="not")
        if name == "isnan":
            return self.add("compare", args[0], args[0], data="uno")
        if name == "isfinite":
            return self.add("compare", self.add("absolute", args[0]), self.constant(np.inf), data="olt")
        if name not in ARITHMETIC:
            raise TracingError(f"traced arrays do not support {name}")
        args = tuple(self.number(arg) for arg in args)
        if all(arg.kind == "constant" for arg in args):
            with np.errstate(all="ignore"):
                return self.constant(_FOLDED[name](*(np.float64(arg.data[0]) for arg in args)))
        return self._simplest(name, args)

    def _simplest(self, name: str, args: tuple[Node, ...]) -> Node:
        """Return an operation, or one operand if the other is neutral."""
        for own, other in ((0, 1), (1, 0)):
            if len(args) == 2 and args[other].kind == "constant":
                number = args[other].data[0]
                neutral = (name == "add" and number == 0.0) or (name == "multiply" and number == 1.0)
                if neutral or (own == 0 and name == "divide" and number == 1.0):
                    return args[own]
        return self.add(name, *args)

    def number(self, node: Node) -> Node:
        """Return a mask as 1 and 0, and a number unchanged."""
        return self.select(node, self.constant(1.0), self.constant(0.0)) if node.is_mask else node

    def select(self, mask: Any, one: Any, other: Any) -> Node:
        """Select the first value where a mask is true, else the second."""
        if not isinstance(mask, Node):
            return self.node(one if mask else other)
        chosen = mask if mask.is_mask else self.add("compare", mask, self.constant(0.0), data="une")
        first, second = self.node(one), self.node(other)
        if first is second:
            return first
        if first.is_mask and second.is_mask:
            raise TracingError("traced arrays do not support a selection between two masks")
        return self.add("select", chosen, self.number(first), self.number(second))

    def stored(self, paths: set[str]) -> None:
        """Discard cached reads of tables that have changed."""
        if paths:
            self._known = [
                {key: node for key, node in known.items() if key[0] != "read" or key[2][0] not in paths}
                for known in self._known
            ]

    @contextmanager
    def inside(self, loop: Loop) -> Iterator[None]:
        """Record the operations that follow as the body of a loop."""
        self.blocks.append(loop.body)
        self._known.append({})
        yield
        self._known.pop()
        self.blocks.pop()

    def close(self, loop: Loop, following: Sequence[Node]) -> list[Node]:
        """Add a loop, and return its carried values at the end."""
        loop.following = tuple(following)
        self.stored(loop.written)
        node = self.add("loop", data=loop, fresh=True)
        return [self.add("result", node, data=number, fresh=True) for number in range(len(following))]

    def ask(self, how: str, offset: int, of: int) -> bool:
        """Evaluate a condition on the step number, and record it as a guard."""
        answer = answered(how, self.now + offset, of)
        self.guards.append((how, offset, of, answer))
        return answer


def answered(how: str, number: int, of: int) -> bool:
    """Evaluate a condition on a step number."""
    if how == "multiple":
        return number % of == 0
    return bool({"lt": number < of, "le": number <= of, "eq": number == of, "gt": number > of, "ge": number >= of}[how])
