"""Deprecation: names that warn and will be removed after at least one more minor version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from typing_extensions import deprecated as marked

__all__ = ["deprecated"]

_Thing = TypeVar("_Thing", bound=Callable[..., object])


def deprecated(since: str, removed: str, instead: str) -> Callable[[_Thing], _Thing]:
    """Mark a function, method or class as deprecated, for its callers and for type checkers (PEP 702).

    Parameters
    ----------
    since
        Version that deprecates it.
    removed
        First version without it: at least one minor version later.
    instead
        Replacement, as a user would type it.

    Returns
    -------
    callable
        A decorator; a call of the marked object warns with ``DeprecationWarning``, whose text states all three.

    Examples
    --------
    >>> import warnings
    >>> @deprecated("0.2", "0.4", "new()")
    ... def old() -> int:
    ...     return 1
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     old()
    1
    >>> str(said[0].message)
    'deprecated since 0.2, gone in 0.4: use new()'
    """
    return marked(f"deprecated since {since}, gone in {removed}: use {instead}")
