"""What the compiled step could gain if nothing had to be exact: the same code with every freedom that LLVM can take.

Exponentials and logarithms are set into the step instead of called, and sums may be reordered, contracted and
divided by reciprocals. It is made from the same trace as the engine's own code, so it bounds what is lost to exactness
and to a short compilation. It does not bound what another formulation of the step, written by hand, could gain.
"""

from __future__ import annotations

import re
from typing import Any

from costmodel.flywheel import compiled
from costmodel.flywheel.simulate import Run
from costmodel.foundation import machine_code

_FREE = re.compile(r"= (fadd|fsub|fmul|fdiv|fneg) <")


def limit_code(scalar: Run) -> tuple[compiled.Code, machine_code.Loaded]:
    """Return code for a scalar run that has taken no step, compiled with every freedom."""
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
    """Return a run that is bound to the engine's code, bound to other code of the same step."""
    ready.code, ready.call = code, call
    return ready
