"""Bound of what exactness costs the compiled step: the same code with all of LLVM's unsafe optimizations.

Exponentials and logarithms are inlined instead of called, sums may be reordered and contracted, and divisions replaced
by reciprocals. The code comes from the same trace as the engine's. What another formulation gains, written by hand,
``hand.py`` measures.
"""

from __future__ import annotations

import re
from typing import Any

from costmodel.flywheel import compiled
from costmodel.flywheel.simulate import Run
from costmodel.foundation import machine_code

_FREE = re.compile(r"= (fadd|fsub|fmul|fdiv|fneg) <")


def limit_code(scalar: Run) -> tuple[compiled.Code, machine_code.Loaded]:
    """Return code for a scalar run before its first step, compiled with all unsafe optimizations."""
    text = ""

    def keep(given: str) -> bytes:
        nonlocal text
        text = given
        return b""

    own = compiled.compiled
    compiled.compiled = keep
    try:
        code, _ = compiled.code_of(scalar)
    finally:
        compiled.compiled = own
    free = _FREE.sub(r"= \1 fast <", text).replace("noinline", "alwaysinline")
    return code, machine_code.Loaded(machine_code.compiled(free), "run", 8)


def bound_to(ready: Any, code: compiled.Code, call: machine_code.Loaded) -> Any:
    """Return a run bound to other code of the same step instead of the engine's."""
    ready.code, ready.call = code, call
    return ready
