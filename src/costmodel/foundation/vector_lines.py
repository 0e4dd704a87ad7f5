"""Lines of LLVM assembly: operations on vectors of draws, with the same rounding as NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.foundation.trace_graph import Node
from costmodel.foundation.vector_math import number_text

_BINARY = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}


class Lines:
    """Lines of a function under construction, for vectors of a given number of draws."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.vector, self.mask, self.whole = f"<{width} x double>", f"<{width} x i1>", f"<{width} x i64>"
        self.lines: list[str] = []
        self._count = 0
        self._inlined = ""
        """End of a call of an exponential or a logarithm: the attribute by which it is inlined, or nothing."""

    def _fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def _line(self, text: str) -> str:
        name = self._fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def _load(self, place: str, align: int) -> str:
        return self._line(f"load {self.vector}, ptr {place}, align {align}")

    def _store(self, place: str, value: str, align: int, *, past_the_cache: bool = False) -> None:
        """Store a vector; a whole line that is not read soon goes past the cache, which need not fetch it first."""
        how = ", !nontemporal !1" if past_the_cache else ""
        self.lines.append(f"  store {self.vector} {value}, ptr {place}, align {align}{how}")

    def _splat(self, value: float) -> str:
        return "<" + ", ".join([f"double {number_text(value)}"] * self.width) + ">"

    def _pure(self, node: Node, args: Sequence[str]) -> str:
        vector, mask, kind = self.vector, self.mask, node.kind
        if kind in _BINARY:
            return self._line(f"{_BINARY[kind]} {vector} {args[0]}, {args[1]}")
        if kind == "compare":
            return self._line(f"fcmp {node.data} {vector} {args[0]}, {args[1]}")
        if kind == "mask":
            if node.data == "not":
                return self._line(f"xor {mask} {args[0]}, {self._ones()}")
            return self._line(f"{node.data} {mask} {args[0]}, {args[1]}")
        if kind == "select":
            return self._line(f"select {mask} {args[0]}, {vector} {args[1]}, {vector} {args[2]}")
        if kind == "negative":
            return self._line(f"fneg {vector} {args[0]}")
        if kind in ("maximum", "minimum"):
            return self._extreme("ogt" if kind == "maximum" else "olt", node, args)
        if kind in ("absolute", "floor", "ceil", "sqrt"):
            name = {"absolute": "fabs"}.get(kind, kind)
            return self._line(f"call {vector} @llvm.{name}.v{self.width}f64({vector} {args[0]})")
        if kind == "sign":
            above = self._line(f"fcmp ogt {vector} {args[0]}, zeroinitializer")
            below = self._line(f"fcmp olt {vector} {args[0]}, zeroinitializer")
            low = self._line(f"select {mask} {below}, {vector} {self._splat(-1.0)}, {vector} {args[0]}")
            return self._line(f"select {mask} {above}, {vector} {self._splat(1.0)}, {vector} {low}")
        given = ", ".join(f"{vector} {arg}" for arg in args)
        return self._line(f"call {vector} @{kind}({given}){self._inlined}")

    def _extreme(self, how: str, node: Node, args: Sequence[str]) -> str:
        """Return the larger or smaller value; NaN is passed on."""
        one, other = args
        if node.args[1].kind == "constant":
            one, other = other, one
        first = self._line(f"fcmp {how} {self.vector} {one}, {other}")
        result = self._line(f"select {self.mask} {first}, {self.vector} {one}, {self.vector} {other}")
        if any(arg.kind == "constant" for arg in node.args):
            return result
        blank = self._line(f"fcmp uno {self.vector} {one}, {one}")
        return self._line(f"select {self.mask} {blank}, {self.vector} {one}, {self.vector} {result}")

    def _ones(self) -> str:
        return "<" + ", ".join(["i1 true"] * self.width) + ">"

    def _whole_splat(self, whole: str) -> str:
        number = self._line(f"sitofp i64 {whole} to double")
        first = self._line(f"insertelement {self.vector} poison, double {number}, i32 0")
        return self._line(
            f"shufflevector {self.vector} {first}, {self.vector} poison, <{self.width} x i32> zeroinitializer"
        )

    def _whole(self, value: int) -> str:
        return "<" + ", ".join([f"i64 {value}"] * self.width) + ">"

    def _spread(self, whole: str) -> str:
        first = self._line(f"insertelement {self.whole} poison, i64 {whole}, i32 0")
        return self._line(
            f"shufflevector {self.whole} {first}, {self.whole} poison, <{self.width} x i32> zeroinitializer"
        )

    def _gather(self, base: str, places: str) -> str:
        pointers = f"<{self.width} x ptr>"
        at = self._line(f"getelementptr double, ptr {base}, {self.whole} {places}")
        return self._line(
            f"call {self.vector} @llvm.masked.gather.v{self.width}f64.v{self.width}p0({pointers} {at}, i32 8, "
            f"{self.mask} {self._ones()}, {self.vector} poison)"
        )

    def _all(self, mask: str) -> str:
        return self._line(f"call i1 @llvm.vector.reduce.and.v{self.width}i1({self.mask} {mask})")
