"""Limits on steps, draws and memory, checked before a run; the message gives the estimate."""

from __future__ import annotations

import os

from costmodel.foundation.errors import DomainError

MAX_STEPS = 2_400
"""Largest number of steps of a time grid [1]: a century of half months, for which a flywheel takes about 20 s."""
MAX_DRAWS = 1_000_000_000
"""Largest number of draws of a design [1]."""
DOUBLE = 8
"""Size of a number [byte]."""
USUAL_MEMORY = 16 * 2**30
"""Memory assumed if the system does not report its own [byte]."""


def memory_of_machine() -> int:
    """Return the memory of the machine [byte]."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return USUAL_MEMORY


def check_memory(numbers: float, what: str, instead: str) -> None:
    """Raise ``DomainError`` if an amount of numbers does not fit into the machine's memory.

    Parameters
    ----------
    numbers
        Least number of numbers held at once [1].
    what
        Name of the object that holds them, for the message.
    instead
        Advice for the message.

    Examples
    --------
    >>> check_memory(1000.0, "a table", "…")
    >>> check_memory(1e15, "a table", "…")
    Traceback (most recent call last):
        ...
    costmodel.foundation.errors.DomainError: a table takes at least 8,000,000 GB of memory, more than the machine has: …
    """
    needed = numbers * DOUBLE
    if needed > memory_of_machine():
        raise DomainError(
            f"{what} takes at least {needed / 1e9:,.0f} GB of memory, more than the machine has: {instead}"
        )
