"""Engines that compute a model: NumPy, always available and the reference, or compiled code (extra ``fast``).

The choice depends only on the request and on what is installed, never on what ran before, so the same call always
gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Literal, TypeAlias

import numpy as np

from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.errors import DomainError, missing_extra

Engine: TypeAlias = Literal["auto", "numpy", "compiled"]
"""``auto``: compiled for a whole block of draws or more where the extra ``fast`` is installed, else NumPy."""
ENGINES = ("auto", "numpy", "compiled")
COMPILED_FROM = BLOCK
"""Draws from which ``auto`` compiles [1]: a whole block, which takes NumPy three times as long as compiled code.

Compiling takes as long as two such blocks take NumPy, once for a kind of scenario; from the third run on it has paid.
"""

_ENGINE: ContextVar[str] = ContextVar("engine", default="numpy")
_ASKED: ContextVar[frozenset[str] | None] = ContextVar("asked", default=None)


def chosen_engine(engine: str, draws: int | None) -> str:
    """Return ``numpy`` or ``compiled``.

    Parameters
    ----------
    engine
        One of ``ENGINES``.
    draws
        Draws of the whole design; absent for a scalar run.

    Raises
    ------
    DomainError
        If there is no such engine.
    MissingExtraError
        If compiled code is asked for and the extra is not installed.

    Examples
    --------
    >>> chosen_engine("auto", None), chosen_engine("numpy", 100_000)
    ('numpy', 'numpy')
    """
    if engine not in ENGINES:
        raise DomainError(f"engine is {', '.join(map(repr, ENGINES))}; given {engine!r}")
    if engine == "compiled" and find_spec("llvmlite") is None:
        raise missing_extra("fast", "engine='compiled'")
    if engine != "auto":
        return engine
    large = isinstance(draws, int | np.integer) and draws >= COMPILED_FROM  # else the design refuses it
    return "compiled" if large and find_spec("llvmlite") is not None else "numpy"


@contextmanager
def using(engine: str, asked: frozenset[str] | None = None) -> Iterator[None]:
    """Select the engine for models that support it, and limit the stored outputs to those asked for."""
    tokens = _ENGINE.set(engine), _ASKED.set(asked)
    try:
        yield
    finally:
        _ENGINE.reset(tokens[0])
        _ASKED.reset(tokens[1])


def present_engine() -> str:
    """Return the engine in use."""
    return _ENGINE.get()


def asked_outputs() -> frozenset[str] | None:
    """Return the outputs that will be read from the result; None if any may be."""
    return _ASKED.get()
