"""Generate LLVM assembly for traced steps, vectorised over as many draws as a register holds.

Operations of a draw are in the same order as in NumPy and without contraction. Exponentials, logarithms and powers are
polynomials, within one unit in the last place of a math library's. Values that no step changes are computed once,
before the first step; the state of a draw is contiguous in memory, so that it stays in cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from costmodel.foundation.trace_graph import Loop, Node, TracingError
from costmodel.foundation.vector_lines import Lines
from costmodel.foundation.vector_math import library
from costmodel.foundation.vector_needs import PURE, Needs, Phase
from costmodel.foundation.vector_run import ATTRIBUTES, FIELDS, INLINED, LINE, RUN


@dataclass(slots=True)
class Plan:
    """Memory layout: inputs, outputs, and each draw's own memory."""

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    """Offset of carried values, by path, in vectors."""
    tables: dict[str, int] = field(default_factory=dict)
    """Offset of each table that steps write, by path, in vectors."""
    size: int = 0
    """Memory for a vector of draws, in vectors."""


class Writer(Lines):
    """Generator of the code of all phases.

    Parameters
    ----------
    phases
        Kinds of steps.
    shapes
        Shapes of inputs by path, for one draw.
    changed
        Paths of values that a step passes to the next.
    written
        Paths of tables that steps write.
    given
        Paths of values that exist before the first step.
    width
        Draws in a vector.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        shapes: Mapping[str, tuple[int, ...]],
        changed: Iterable[str],
        written: Iterable[str],
        given: Iterable[str],
        width: int,
    ) -> None:
        super().__init__(width)
        self.phases, self.shapes, self.given = phases, shapes, set(given)
        self.needs = Needs(phases, changed, written)
        self.changed, self.written, self.live = self.needs.changed, self.needs.written, self.needs.live
        self.plan = Plan()
        self._names: dict[int, str] = {}
        self._rows_known: dict[tuple[int, int], str] = {}
        self._scalars: dict[int, str] = {}
        self.label = "entry"
        self.saved: dict[int, int] = {}
        self._kept_still: list[Node] = []
        self.size = 0

    def text(self) -> str:
        """Return the code, and fill in the memory layout."""
        size = 0
        for path in sorted(self.needs.carried):
            self.plan.slots[path], size = size, size + int(np.prod(self.shapes[path], dtype=int))
        for path in sorted(self.written):
            self.plan.tables[path], size = size, size + int(np.prod(self.shapes[path], dtype=int))
        self.size = size
        bodies = [self._phase(number, phase) for number, phase in enumerate(self.phases)]
        opening = self._opening()
        self.plan.size = self.size
        attributes = ATTRIBUTES.format(bits=64 * self.width)
        return "\n".join([library(self.width), *opening, *bodies, self._run(), attributes])

    def _begin(self) -> None:
        self.lines, self._names, self._rows_known, self.label = [], {}, {}, "entry"

    def _input(self, path: str) -> int:
        if path not in self.plan.inputs:
            self.plan.inputs.append(path)
        return self.plan.inputs.index(path)

    def _output(self, name: str) -> int:
        if name not in self.plan.outputs:
            self.plan.outputs.append(name)
        return self.plan.outputs.index(name)

    def _phase(self, number: int, phase: Phase) -> str:
        self._begin()
        self._inlined = INLINED if phase.often else ""
        self._emit(phase.graph.blocks[0])
        for path, nodes in phase.kept.items():
            if path in self.needs.carried:
                values = [self._value(node) for node in nodes]
                for element, value in enumerate(values):
                    self._store(self._own(self.plan.slots[path] + element), value, 8 * self.width)
        self._put(phase)
        head = f"define internal void @phase{number}(ptr noalias %c, i64 %k, i64 %d, ptr noalias %s) #0 {{\nentry:"
        return "\n".join([head, *self._descriptors(), *self.lines, "  ret void", "}"])

    def _put(self, phase: Phase) -> None:
        """Write the stores of outputs; an output whose row has no length is not asked for.

        Where a vector is a line of the cache, outputs begin at a line and vectors are whole.
        """
        line = self.width == LINE
        puts: dict[str, list[tuple[int, int, str]]] = {}
        for name, offset, element, node in phase.puts:
            puts.setdefault(name, []).append((offset, element, self._value(node)))
        for name, cells in puts.items():
            number = FIELDS * self._output(name)
            base, row, cell = (
                self._line(f"getelementptr i64, ptr %oc, i64 {number + part}") for part in range(FIELDS - 1)
            )
            row = self._line(f"load i64, ptr {row}, !invariant.load !0")
            asked = self._line(f"icmp ne i64 {row}, 0")
            put = self._fresh().removeprefix("%")
            self.lines += [f"  br i1 {asked}, label %put.{put}, label %past.{put}", f"put.{put}:"]
            base = self._line(f"load ptr, ptr {base}, !invariant.load !0")
            cell = self._line(f"load i64, ptr {cell}, !invariant.load !0")
            for offset, element, value in cells:
                begin = self._line(f"mul i64 {self._line(f'add i64 %k, {offset}')}, {row}")
                along = self._line(f"add i64 {begin}, {self._line(f'mul i64 {element}, {cell}')}")
                place = self._line(f"getelementptr double, ptr {base}, i64 {self._line(f'add i64 {along}, %d')}")
                self._store(place, value, 8 * LINE if line else 8, past_the_cache=line)
            self.lines += [f"  br label %past.{put}", f"past.{put}:"]

    def _descriptors(self) -> list[str]:
        """Return the lines that load the addresses and strides of the inputs used in a function."""
        used = {word for line in self.lines for word in line.replace(",", " ").split() if word[:2] == "%a"}
        lines = []
        for stem in sorted({word.split(".")[0] for word in used}):
            number = int(stem[2:])
            for part, what in enumerate(("base", "row", "cell", "draw")):
                place = f"{stem}.{what}"
                lines.append(f"  {place}.p = getelementptr i64, ptr %c, i64 {FIELDS * number + part}")
                type_ = "ptr" if what == "base" else "i64"
                lines.append(f"  {place} = load {type_}, ptr {place}.p, !invariant.load !0")
        return ["  %ocp = getelementptr i64, ptr %c, i64 -1", "  %oc = load ptr, ptr %ocp", *lines]

    def _place(self, stem: str, row: str | None, cell: int) -> str:
        """Return the address of an array element for the current draws."""
        draw = self._line(f"mul i64 %d, {stem}.draw")
        along = self._line(f"mul i64 {cell}, {stem}.cell")
        whole = self._line(f"add i64 {draw}, {along}")
        if row is not None:
            whole = self._line(f"add i64 {whole}, {self._line(f'mul i64 {row}, {stem}.row')}")
        return self._line(f"getelementptr double, ptr {stem}.base, i64 {whole}")

    def _own(self, number: int) -> str:
        return self._line(f"getelementptr {self.vector}, ptr %s, i64 {number}")

    def _value(self, node: Node) -> str:
        if node.kind == "constant":
            return self._splat(node.data[0])
        known = self._names.get(id(node))
        if known is not None:
            return known
        if self.needs.still(node):
            own = self.needs.first(node)
            if id(own) not in self._names:
                if id(own) not in self.saved:
                    self.saved[id(own)], self.size = self.size, self.size + 1
                    self._kept_still.append(own)
                loaded = self._load(self._own(self.saved[id(own)]), 8 * self.width)
                if own.is_mask:
                    loaded = self._line(f"fcmp une {self.vector} {loaded}, zeroinitializer")
                self._names[id(own)] = loaded
            self._names[id(node)] = self._names[id(own)]
            return self._names[id(node)]
        raise TracingError(f"{node.kind} is used before it is computed: this is a bug in the trace")

    def _emit(self, block: Sequence[Node]) -> None:
        for node in block:
            if id(node) not in self.live or node.kind == "constant" or self.needs.still(node):
                continue
            if node.kind == "loop":
                self._loop(node)
            elif node.kind != "result":
                self._names[id(node)] = self._operation(node)

    def _operation(self, node: Node) -> str:
        if node.kind == "read":
            return self._read(node)
        if node.kind == "write":
            row, value = node.args
            path, cell = node.data
            self._store(self._row_of(path, row, cell), self._value(value), 8 * self.width)
            return ""
        if node.kind == "step":
            return self._whole_splat("%k")
        args = [self._value(arg) for arg in node.args]
        return self._pure(node, args)

    def _same_in_all(self, node: Node) -> bool:
        if node.kind in ("constant", "step", "row"):
            return True
        return node.kind in PURE and all(self._same_in_all(arg) for arg in node.args)

    def _scalar(self, row: Node) -> str:
        """Return the number of a row that is the same in all draws, as an integer."""
        if row.kind == "constant":
            return str(int(row.data[0]))
        known = self._scalars.get(id(row))
        if known:
            return known
        if row.kind == "step":
            return "%k"
        if row.kind == "add" and row.args[1].kind == "constant":
            return self._line(f"add i64 {self._scalar(row.args[0])}, {int(row.args[1].data[0])}")
        lane = self._line(f"extractelement {self.vector} {self._value(row)}, i32 0")
        return self._line(f"fptosi double {lane} to i64")

    def _row_of(self, path: str, row: Node, cell: int) -> str:
        """Return the address of an element of a table in the draw's own memory, in a row that all draws share."""
        cells = int(np.prod(self.shapes[path][1:], dtype=int))
        along = self._line(f"mul i64 {self._scalar(row)}, {cells}")
        place = self._line(f"add i64 {along}, {self.plan.tables[path] + cell}")
        return self._line(f"getelementptr {self.vector}, ptr %s, i64 {place}")

    def _read(self, node: Node) -> str:
        path, cell = node.data
        own = path in self.written
        cells = int(np.prod(self.shapes[path][1:], dtype=int))
        if not node.args:
            if own:
                return self._load(self._own(self.plan.tables[path] + cell), 8 * self.width)
            if path in self.changed:
                return self._load(self._own(self.plan.slots[path] + cell), 8 * self.width)
            return self._load(self._place(f"%a{self._input(path)}", None, cell), 8)
        row = node.args[0]
        if self._same_in_all(row):
            if own:
                return self._load(self._row_of(path, row, cell), 8 * self.width)
            return self._read_row(f"%a{self._input(path)}", self._scalar(row), cell)
        rows = self._rows(row, self.shapes[path][0])
        if own:
            place = self._line(f"mul {self.whole} {rows}, {self._whole(cells * self.width)}")
            lanes = ", ".join(
                f"i64 {(self.plan.tables[path] + cell) * self.width + lane}" for lane in range(self.width)
            )
            place = self._line(f"add {self.whole} {place}, <{lanes}>")
            return self._gather("%s", place)
        stem = f"%a{self._input(path)}"
        place = self._line(f"mul {self.whole} {rows}, {self._spread(f'{stem}.row')}")
        along = self._line(f"mul i64 {cell}, {stem}.cell")
        draw = self._line(f"mul i64 %d, {stem}.draw")
        start = self._line(f"add i64 {along}, {draw}")
        place = self._line(f"add {self.whole} {place}, {self._spread(start)}")
        lanes = ", ".join(f"i64 {lane}" for lane in range(self.width))
        place = self._line(f"add {self.whole} {place}, <{lanes}>")
        return self._gather(f"{stem}.base", place)

    def _read_row(self, stem: str, row: str, cell: int) -> str:
        """Return an element of a row of an input, and fetch that of the next row, which a later step reads."""
        place = self._place(stem, row, cell)
        later = self._line(f"getelementptr double, ptr {place}, i64 {stem}.row")
        self.lines.append(f"  call void @llvm.prefetch.p0(ptr {later}, i32 0, i32 3, i32 1)")
        return self._load(place, 8)

    def _rows(self, row: Node, count: int) -> str:
        """Return the row numbers of each draw as integers within the table."""
        key = (id(row), count)
        known = self._rows_known.get(key)
        if known is None:
            value = self._value(row)
            above = self._line(f"fcmp ogt {self.vector} {value}, zeroinitializer")
            low = self._line(f"select {self.mask} {above}, {self.vector} {value}, {self.vector} zeroinitializer")
            most = self._splat(float(count - 1))
            below = self._line(f"fcmp olt {self.vector} {low}, {most}")
            held = self._line(f"select {self.mask} {below}, {self.vector} {low}, {self.vector} {most}")
            known = self._line(f"call {self.whole} @whole({self.vector} {held})")
            if self.label == "entry":
                self._rows_known[key] = known
        return known

    def _loop(self, node: Node) -> None:
        loop: Loop = node.data
        number = self._count = self._count + 1
        initial = [self._value(item) for item in loop.initial]
        begin, bound = self._range(loop)
        before, head, inner, end = self.label, f"head{number}", f"body{number}", f"end{number}"
        self.lines += [f"  br label %{head}", f"{head}:"]
        at = len(self.lines)
        carried = [self._fresh() for _ in loop.carried]
        for item, name in zip(loop.carried, carried, strict=True):
            self._names[id(item)] = name
        self.label = head
        count = f"%n{number}"
        held = dict(self._names)
        scalars = dict(self._scalars)
        if loop.rows is not None:
            self._scalars = {**scalars, id(loop.row): count}
            if id(loop.row) in self.live:
                self._names[id(loop.row)] = self._whole_splat(count)
            over = self._line(f"icmp sge i64 {count}, {bound}")
            self.lines += [f"  br i1 {over}, label %{end}, label %{inner}", f"{inner}:"]
            self.label = inner
            self._emit(loop.body)
        else:
            self._emit(loop.body[: loop.split])
            over = self._line(f"icmp sge i64 {count}, {bound}")
            if loop.done is not None:
                over = self._line(f"or i1 {over}, {self._all(self._value(loop.done))}")
            self.lines += [f"  br i1 {over}, label %{end}, label %{inner}", f"{inner}:"]
            self.label = inner
            self._emit(loop.body[loop.split :])
        following = [self._value(item) for item in loop.following]
        more = self._line(f"add i64 {count}, 1")
        self.lines.append(f"  br label %{head}")
        phis = [f"  {count} = phi i64 [ {begin}, %{before} ], [ {more}, %{self.label} ]"]
        for name, first, later in zip(carried, initial, following, strict=True):
            phis.append(f"  {name} = phi {self.vector} [ {first}, %{before} ], [ {later}, %{self.label} ]")
        self.lines[at:at] = phis
        self.lines.append(f"{end}:")
        self.label = end
        self._names = held
        self._scalars = scalars
        self._results(node, carried)

    def _results(self, node: Node, carried: Sequence[str]) -> None:
        for item in self.needs.results[id(node)]:
            self._names[id(item)] = carried[item.data]

    def _range(self, loop: Loop) -> tuple[str, str]:
        if loop.rows is None:
            return "0", str(loop.times)
        first, last = loop.rows
        bound = self._scalar(last)
        if self._same_in_all(first):
            begin = self._scalar(first)
        else:
            low = self._line(
                f"call double @llvm.vector.reduce.fmin.v{self.width}f64({self.vector} {self._value(first)})"
            )
            low = self._line(f"call double @llvm.maxnum.f64(double {low}, double 0.0)")
            begin = self._line(f"fptosi double {low} to i64")
        if loop.among is not None:
            some = self._line(f"call i1 @llvm.vector.reduce.or.v{self.width}i1({self.mask} {self._value(loop.among)})")
            begin = self._line(f"select i1 {some}, i64 {begin}, i64 {bound}")
        return begin, bound

    def _opening(self) -> list[str]:
        """Return the code that initialises a vector of draws: carried values, tables and unchanging values."""
        self._begin()
        self._inlined = ""
        for path, slot in self.plan.slots.items():
            if path in self.given:
                for cell in range(int(np.prod(self.shapes[path], dtype=int))):
                    loaded = self._load(self._place(f"%a{self._input(path)}", None, cell), 8)
                    self._store(self._own(slot + cell), loaded, 8 * self.width)
        pending = list(self._kept_still)
        for own in pending:
            self._opened(own)
        for own in pending:
            value = self._names[id(own)]
            if own.is_mask:
                value = self._line(
                    f"select {self.mask} {value}, {self.vector} {self._splat(1.0)}, {self.vector} {self._splat(0.0)}"
                )
            self._store(self._own(self.saved[id(own)]), value, 8 * self.width)
        for number, (path, start) in enumerate(self.plan.tables.items()):
            self._copied(number, path, start)
        head = "define internal void @opening(ptr noalias %c, i64 %d, ptr noalias %s) #0 {\nentry:"
        return [head, *self._descriptors(), *self.lines, "  ret void", "}"]

    def _opened(self, node: Node) -> str:
        """Write the code of a value that no step changes, with its operands."""
        if node.kind == "constant":
            return self._splat(node.data[0])
        known = self._names.get(id(node))
        if known is None:
            if node.kind == "read":
                known = self._read(node)
            else:
                known = self._pure(node, [self._opened(self.needs.first(arg)) for arg in node.args])
            self._names[id(node)] = known
        return known

    def _copied(self, number: int, path: str, start: int) -> None:
        """Write the loop that copies a table into the draw's own memory."""
        size, stem = int(np.prod(self.shapes[path], dtype=int)), f"%a{self._input(path)}"
        before, head, end = self.label, f"copy{number}", f"copied{number}"
        self.lines += [f"  br label %{head}", f"{head}:"]
        at = len(self.lines)
        count = f"%m{number}"
        draw = self._line(f"mul i64 %d, {stem}.draw")
        along = self._line(f"mul i64 {count}, {stem}.cell")
        whole = self._line(f"add i64 {draw}, {along}")
        loaded = self._load(self._line(f"getelementptr double, ptr {stem}.base, i64 {whole}"), 8)
        place = self._line(f"add i64 {count}, {start}")
        self._store(self._line(f"getelementptr {self.vector}, ptr %s, i64 {place}"), loaded, 8 * self.width)
        more = self._line(f"add i64 {count}, 1")
        over = self._line(f"icmp sge i64 {more}, {size}")
        self.lines += [f"  br i1 {over}, label %{end}, label %{head}", f"{end}:"]
        self.lines.insert(at, f"  {count} = phi i64 [ 0, %{before} ], [ {more}, %{head} ]")
        self.label = end

    def _run(self) -> str:
        cases = " ".join(f"i64 {number}, label %case{number}" for number in range(len(self.phases)))
        calls = "\n".join(
            f"case{number}:\n  call void @phase{number}(ptr %c, i64 %k, i64 %d2, ptr %s2)\n  br label %next"
            for number in range(len(self.phases))
        )
        return RUN.format(width=self.width, size=8 * self.width * self.size, cases=cases, calls=calls)
