"""Numbers from outside: conversion of JSON entries and CSV cells, shared by all readers."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from costmodel.foundation.errors import CostModelError, DomainError

LONGEST_NUMBER = 128
"""Longest number in a text [character]: a double needs 24, a decimal of a database 40."""
LARGEST_NUMBER = 1e60
"""Largest magnitude of a number from outside [1]: above any real count, and the product of five stays finite."""
_WRITTEN = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def number_from(entry: Any) -> float:
    """Return an entry of JSON or a cell of a CSV file as a number; NaN if it is not a number.

    Parameters
    ----------
    entry
        Any entry. A text is a number in the digits 0 to 9, with a point for decimals or a power of ten, and spaces only
        around it. Truth values, infinities, digits of other scripts, ``1_000``, texts of more than `LONGEST_NUMBER`
        characters and magnitudes above `LARGEST_NUMBER` are not numbers.

    Returns
    -------
    float
        The number, or NaN.

    Examples
    --------
    >>> number_from(" 1.5e3"), number_from(7)
    (1500.0, 7.0)
    >>> [number_from(entry) for entry in ("1_000", "٣", "inf", True, None, 10**400)]
    [nan, nan, nan, nan, nan, nan]
    """
    if isinstance(entry, str):
        text = entry.strip() if len(entry) <= LONGEST_NUMBER else ""
        if not _WRITTEN.fullmatch(text):
            return math.nan
        entry = float(text)
    elif isinstance(entry, np.number):
        entry = entry.item()
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        return math.nan
    return float(entry) if abs(entry) <= LARGEST_NUMBER else math.nan


def needed_number(
    entry: Any, what: str, refused: type[CostModelError] = DomainError, *, least: float = -math.inf, above: bool = False
) -> float:
    """Return an entry of JSON or a cell of a CSV file as a number, or raise an error if it is not one.

    Parameters
    ----------
    entry
        Any entry, as for `number_from`.
    what
        File, row and column, for the message.
    refused
        Class of the error.
    least
        Least accepted number [1].
    above
        Whether ``least`` itself is excluded.

    Raises
    ------
    CostModelError
        If the entry is not a number, or is below ``least``.

    Examples
    --------
    >>> needed_number("12", "row 1: count", least=0.0, above=True)
    12.0
    """
    number = number_from(entry)
    if math.isnan(number) or number < least or (above and number == least):
        bound = "" if least == -math.inf else f" {'above' if above else 'of at least'} {least:g}"
        raise refused(f"{what} = {_shown(entry)}: a finite number{bound} is needed")
    return number


def _shown(entry: Any) -> str:
    """Return the beginning of an entry; for an integer with too many digits to write, its size."""
    try:
        text = repr(entry)
    except ValueError:
        return f"a number of {entry.bit_length()} bits" if isinstance(entry, int) else f"a {type(entry).__name__}"
    return text if len(text) <= 40 else f"{text[:40]}…"
