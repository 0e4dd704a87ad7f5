"""Engines that compute a model: NumPy, the reference, always available, or compiled code (extra ``fast``).

The choice depends only on the request and the installation, never on earlier runs, so the same call always gives the
same bits.
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
"""``auto``: compiled for at least a whole block of draws, and for break-evens, if the extra ``fast`` is installed; else
NumPy."""
ENGINES = ("auto", "numpy", "compiled")
COMPILED_FROM = BLOCK
"""Least number of draws for which ``auto`` compiles [1]: a whole block, for which NumPy takes three times as long.

Compiling takes about as long as two such blocks with NumPy, once for each structure of a scenario, so it pays from the
third run on.
"""

_ENGINE: ContextVar[str] = ContextVar("engine", default="numpy")
_ASKED: ContextVar[frozenset[str] | None] = ContextVar("asked", default=None)


def chosen_engine(engine: str, draws: int | None, *, often: bool = False) -> str:
    """Return ``numpy`` or ``compiled``.

    Parameters
    ----------
    engine
        One of ``ENGINES``.
    draws
        Draws of the whole design; None for a scalar run.
    often
        Whether a study runs the model many times in a row, such as a search for a root: ``auto`` then compiles at any
        number of draws.

    Raises
    ------
    DomainError
        If there is no such engine.
    MissingExtraError
        If ``engine`` is ``"compiled"`` and the extra is not installed.

    Examples
    --------
    >>> chosen_engine("auto", None), chosen_engine("numpy", 100_000)
    ('numpy', 'numpy')
    """
    if engine not in ENGINES:
        raise DomainError(f"engine must be one of {', '.join(map(repr, ENGINES))}; got {engine!r}")
    if engine == "compiled" and find_spec("llvmlite") is None:
        raise missing_extra("fast", "engine='compiled'")
    if engine != "auto":
        return engine
    large = isinstance(draws, int | np.integer) and draws >= COMPILED_FROM  # else the design refuses it
    return "compiled" if (large or often) and find_spec("llvmlite") is not None else "numpy"


@contextmanager
def using(engine: str, asked: frozenset[str] | None = None) -> Iterator[None]:
    """Select the engine for models that support it, and limit the stored outputs to those requested."""
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
    """Return the names of outputs that will be read from the result; None: any."""
    return _ASKED.get()
