"""Exponentials, logarithms and powers for vectors of draws, in LLVM's language, from primitive operations."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from costmodel.foundation.vector_run import INLINED

AVX512 = 8
"""Draws in a vector of AVX-512 [1]; no other kind of processor has vectors of so many."""


def number_text(value: float) -> str:
    """Return a number in LLVM's notation, exact to the last bit."""
    return "0x" + struct.pack(">d", value).hex().upper()


class _Library:
    """Writer of exponentials and logarithms for vectors of draws, from primitive operations.

    Ranges are reduced to ``|r| ≤ ln 2/2`` with ln 2 in two parts, and to a mantissa around 1 for logarithms, where the
    series of ``atanh`` in the form of FreeBSD's msun is used. Exponents are taken and set by AVX-512 where a vector has
    eight draws, else by operations on bits; the results are equal.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.vector, self.whole, self.mask = f"<{width} x double>", f"<{width} x i64>", f"<{width} x i1>"
        self.lines: list[str] = []
        self.count = 0

    def line(self, text: str) -> str:
        """Add an operation and return its name."""
        self.count += 1
        self.lines.append(f"  %m{self.count} = {text}")
        return f"%m{self.count}"

    def number(self, value: float | str) -> str:
        """Return an operand: a number in every draw, or a name."""
        if isinstance(value, str):
            return value
        return "<" + ", ".join([f"double {number_text(value)}"] * self.width) + ">"

    def bits(self, value: int) -> str:
        """Return an integer constant for every draw."""
        return "<" + ", ".join([f"i64 {value}"] * self.width) + ">"

    def do(self, kind: str, one: float | str, other: float | str) -> str:
        """Add an operation on two operands."""
        return self.line(f"{kind} {self.vector} {self.number(one)}, {self.number(other)}")

    def fma(self, one: float | str, two: float | str, three: float | str) -> str:
        """Return the first times the second plus the third, rounded once if the machine supports it."""
        given = ", ".join(f"{self.vector} {self.number(item)}" for item in (one, two, three))
        return self.line(f"call {self.vector} @llvm.fmuladd.v{self.width}f64({given})")

    def choose(self, mask: str, one: float | str, other: float | str) -> str:
        """Select the first value where a mask is true, else the second."""
        return self.line(
            f"select {self.mask} {mask}, {self.vector} {self.number(one)}, {self.vector} {self.number(other)}"
        )

    def compare(self, how: str, one: float | str, other: float | str) -> str:
        """Return where a comparison holds."""
        return self.line(f"fcmp {how} {self.vector} {self.number(one)}, {self.number(other)}")

    def polynomial(self, x: str, rows: Sequence[float]) -> str:
        """Return a polynomial, lowest power first, even and odd powers side by side."""
        square = self.do("fmul", x, x)
        parts: list[str] = []
        for begin in (0, 1):
            own = list(rows[begin::2])
            total: float | str = own[-1]
            for value in reversed(own[:-1]):
                total = self.fma(total, square, value)
            parts.append(self.number(total))
        return self.fma(parts[1], x, parts[0])

    def as_bits(self, x: str) -> str:
        """Return the bits of a number."""
        return self.line(f"bitcast {self.vector} {self.number(x)} to {self.whole}")

    def as_number(self, bits: str) -> str:
        """Return the number of some bits."""
        return self.line(f"bitcast {self.whole} {bits} to {self.vector}")

    def power_of_two(self, n: str) -> str:
        """Return 2 to the power of a whole number from −1022 to 1023."""
        shifted = self.as_bits(self.do("fadd", n, _SHIFT + 1023.0))
        return self.as_number(self.line(f"shl {self.whole} {shifted}, {self.bits(52)}"))

    def by_avx512(self, name: str, *given: str) -> str:
        """Return the result of an operation of AVX-512 in every draw."""
        return self.line(f"call {self.vector} @llvm.x86.avx512.mask.{name}.pd.512({', '.join(given)}, {_EVERY_DRAW})")

    def scaled(self, x: str, n: str) -> str:
        """Return a number times 2 to the power of a whole number from −1100 to 1100, rounded once."""
        if self.width == AVX512:
            return self.by_avx512("scalef", f"{self.vector} {x}", f"{self.vector} {n}")
        half = self.line(f"call {self.vector} @llvm.floor.v{self.width}f64({self.vector} {self.do('fmul', n, 0.5)})")
        rest = self.do("fsub", n, half)
        return self.do("fmul", self.do("fmul", x, self.power_of_two(half)), self.power_of_two(rest))

    def exponent_and_mantissa(self) -> tuple[str, str]:
        """Return the exponent of x and its mantissa, from 1 to 2.

        With AVX-512, zero has the exponent −∞, infinity has ∞, and the mantissa of a negative number is NaN.
        """
        if self.width == AVX512:
            x = self.do("fadd", "%x", 0.0)  # a negative zero has a negative mantissa
            exponent = self.by_avx512("getexp", f"{self.vector} {x}")
            return exponent, self.by_avx512("getmant", f"{self.vector} {x}", f"i32 {_BLANK_IF_NEGATIVE}")
        small = self.compare("olt", "%x", 2.0**-1022)
        x = self.choose(small, self.do("fmul", "%x", 2.0**54), "%x")
        bits = self.as_bits(x)
        high = self.line(f"lshr {self.whole} {bits}, {self.bits(52)}")
        tagged = self.line(f"or {self.whole} {high}, {self.bits(0x4330000000000000)}")
        exponent = self.do("fsub", self.as_number(tagged), 2.0**52 + 1023.0)
        exponent = self.do("fadd", exponent, self.choose(small, -54.0, 0.0))
        fraction = self.line(f"and {self.whole} {bits}, {self.bits(0x000FFFFFFFFFFFFF)}")
        return exponent, self.as_number(self.line(f"or {self.whole} {fraction}, {self.bits(0x3FF0000000000000)}"))

    def held(self, low: float, high: float) -> str:
        """Return x between two bounds; NaN stays."""
        above = self.choose(self.compare("olt", "%x", low), low, "%x")
        return self.choose(self.compare("ogt", above, high), high, above)

    def reduced(self, x: str) -> tuple[str, str]:
        """Return n and r with ``x = n ln 2 + r``."""
        turned = self.do("fmul", x, _LOG2_E)
        n = self.line(f"call {self.vector} @llvm.rint.v{self.width}f64({self.vector} {turned})")
        return n, self.fma(n, -_LN2_LOW, self.fma(n, -_LN2_HIGH, x))

    def function(self, name: str, arguments: Sequence[str], result: str, kind: str | None = None) -> str:
        """Close a function and return its text."""
        given = ", ".join(f"{self.vector} {item}" for item in arguments)
        kind = kind or self.vector
        body = "\n".join(self.lines)
        self.lines, self.count = [], 0
        return f"define internal {kind} @{name}({given}) #1 {{\n{body}\n  ret {kind} {result}\n}}"

    def exp(self) -> str:
        """Return ``exp``."""
        n, r = self.reduced(self.held(-746.0, 710.0))
        p = self.fma(self.do("fmul", r, r), self.polynomial(r, _EXP), self.do("fadd", r, 1.0))
        return self.function("exp", ["%x"], self.scaled(p, n))

    def expm1(self) -> str:
        """Return ``expm1``; accurate near 0, since 1 is subtracted before the parts are combined.

        Half of it is computed, so that the power of two does not overflow before the result does.
        """
        n, r = self.reduced(self.held(-50.0, 710.0))
        p = self.fma(self.do("fmul", r, r), self.polynomial(r, _EXP), r)
        half = self.power_of_two(self.do("fsub", n, 1.0))
        result = self.do("fmul", self.fma(half, p, self.do("fsub", half, 0.5)), 2.0)
        return self.function("expm1", ["%x"], result)

    def log(self) -> str:
        """Return ``log``."""
        exponent, m = self.exponent_and_mantissa()
        big = self.compare("ogt", m, 2.0**0.5)
        m = self.choose(big, self.do("fmul", m, 0.5), m)
        exponent = self.choose(big, self.do("fadd", exponent, 1.0), exponent)
        f = self.do("fsub", m, 1.0)
        s = self.do("fdiv", f, self.do("fadd", f, 2.0))
        z = self.do("fmul", s, s)
        series = self.do("fmul", z, self.polynomial(z, _LOG))
        square = self.do("fmul", self.do("fmul", f, f), 0.5)
        inner = self.fma(exponent, _LN2_LOW, self.do("fmul", s, self.do("fadd", square, series)))
        result = self.fma(exponent, _LN2_HIGH, self.do("fsub", f, self.do("fsub", square, inner)))
        if self.width == AVX512:
            return self.function("log", ["%x"], result)
        result = self.choose(self.compare("oeq", "%x", np.inf), np.inf, result)
        result = self.choose(self.compare("oeq", "%x", 0.0), -np.inf, result)
        result = self.choose(self.compare("olt", "%x", 0.0), np.nan, result)
        return self.function("log", ["%x"], self.choose(self.compare("uno", "%x", "%x"), "%x", result))

    def log1p(self) -> str:
        """Return ``log1p``: the logarithm of 1 + x, corrected for the rounding of the sum."""
        u = self.do("fadd", "%x", 1.0)
        lost = self.do("fsub", "%x", self.do("fsub", u, 1.0))
        main = self.line(f"call {self.vector} @log({self.vector} {u}){INLINED}")
        result = self.do("fadd", main, self.do("fdiv", lost, u))
        plain = self.do("fadd", main, 0.0)
        extreme = self.compare("oeq", u, 0.0)
        result = self.choose(extreme, plain, result)
        return self.function("log1p", ["%x"], self.choose(self.compare("oeq", "%x", np.inf), np.inf, result))

    def power(self) -> str:
        """Return ``power`` of a base of at least 0."""
        result = self.do("fmul", self.line(f"call {self.vector} @log({self.vector} %x){INLINED}"), "%y")
        result = self.line(f"call {self.vector} @exp({self.vector} {result}){INLINED}")
        result = self.choose(self.compare("oeq", "%x", 1.0), 1.0, result)
        return self.function("power", ["%x", "%y"], self.choose(self.compare("oeq", "%y", 0.0), 1.0, result))

    def to_whole(self) -> str:
        """Return a function that turns whole numbers from 0 to 2⁵¹ into integers."""
        bits = self.as_bits(self.do("fadd", "%x", 2.0**52))
        result = self.line(f"and {self.whole} {bits}, {self.bits(0x000FFFFFFFFFFFFF)}")
        return self.function("whole", ["%x"], result, self.whole)


_EVERY_DRAW = f"<{AVX512} x double> zeroinitializer, i8 -1, i32 4"
"""End of an operation of AVX-512: nothing is masked, and rounding is the present one."""
_BLANK_IF_NEGATIVE = 0b1000
"""Mantissa from 1 to 2, and NaN for a negative number."""
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""ln 2 in two parts, the first with 21 trailing zero bits, so that its multiples up to 2^20 are exact."""
_SHIFT = 2.0**52 + 2.0**51
"""Constant that, added to a small whole number, leaves this number in the lowest bits."""
_EXP = tuple(1.0 / float(np.prod(np.arange(1.0, power + 1.0))) for power in range(2, 15))
"""Taylor series of ``exp`` from its square on: with 14 terms the remainder is under 1e-18 for |r| ≤ ln 2/2."""
_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
"""Series of the logarithm in ``s = f/(2 + f)``: FreeBSD msun, e_log.c, Lg1 to Lg7."""


_AVX512 = (
    "declare <8 x double> @llvm.x86.avx512.mask.scalef.pd.512(<8 x double>, <8 x double>, <8 x double>, i8, i32)",
    "declare <8 x double> @llvm.x86.avx512.mask.getexp.pd.512(<8 x double>, <8 x double>, i8, i32)",
    "declare <8 x double> @llvm.x86.avx512.mask.getmant.pd.512(<8 x double>, i32, <8 x double>, i8, i32)",
)


def library(width: int) -> str:
    """Return the functions that steps call."""
    own = _Library(width)
    written = [own.exp(), own.expm1(), own.log(), own.log1p(), own.power(), own.to_whole()]
    vector = f"<{width} x double>"
    unary = "\n".join(
        f"declare {vector} @llvm.{name}.v{width}f64({vector})" for name in ("fabs", "floor", "ceil", "rint", "sqrt")
    )
    return "\n".join(
        [
            unary,
            "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
            f"declare {vector} @llvm.fmuladd.v{width}f64({vector}, {vector}, {vector})",
            f"declare {vector} @llvm.masked.gather.v{width}f64.v{width}p0"
            f"(<{width} x ptr>, i32, <{width} x i1>, {vector})",
            f"declare double @llvm.vector.reduce.fmin.v{width}f64({vector})",
            "declare double @llvm.maxnum.f64(double, double)",
            f"declare i1 @llvm.vector.reduce.or.v{width}i1(<{width} x i1>)",
            f"declare i1 @llvm.vector.reduce.and.v{width}i1(<{width} x i1>)",
            *(_AVX512 if width == AVX512 else ()),
            *written,
        ]
    )
