"""Dates of figures: the period that a figure describes, and the date on which it became known.

A period is written ``2025``, ``2025-06``, ``2025-06-30``, ``2025Q2``, ``2025H1`` or an interval ``start/end`` of
two such dates. Anything coarser than a day stands for all the days in it.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache

from costmodel.foundation.errors import CatalogError

_PATTERN = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?|(Q[1-4])|(H[12]))?")


def _span_of_one(text: str) -> tuple[date, date]:
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, quarter, half = match.groups()
    first_month, months = 1, 12
    if month:
        first_month, months = int(month), 1
    elif quarter:
        first_month, months = 3 * int(quarter[1]) - 2, 3
    elif half:
        first_month, months = 6 * int(half[1]) - 5, 6
    if day:
        exact = date(int(year), first_month, int(day))
        return exact, exact
    first = date(int(year), first_month, 1)
    following = first_month + months
    after = date(int(year) + (following > 12), following - 12 * (following > 12), 1)
    return first, after - timedelta(days=1)


@cache
def span(text: str) -> tuple[date, date]:
    """Return the first and the last day of a written period.

    Raises
    ------
    CatalogError
        If the text is not one of the forms above.

    Examples
    --------
    >>> [day.isoformat() for day in span("2025Q2")]
    ['2025-04-01', '2025-06-30']
    >>> [day.isoformat() for day in span("2024-07-01/2025-06-30")]
    ['2024-07-01', '2025-06-30']
    """
    parts = text.split("/")
    try:
        if len(parts) > 2:
            raise ValueError(text)
        first, last = _span_of_one(parts[0])[0], _span_of_one(parts[-1])[1]
        if last < first:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise CatalogError(
            f"{text!r} is not a date: write 2025, 2025-06, 2025-06-30, 2025Q2, 2025H1 or start/end"
        ) from None
    return first, last


def to_day(when: str | date) -> date:
    """Return the last day of a written date, or the date itself.

    Examples
    --------
    >>> to_day("2025-02").isoformat()
    '2025-02-28'
    """
    return when if isinstance(when, date) else span(when)[1]


def decimal_year(text: str) -> float:
    """Return the middle of a written period as a decimal year.

    Examples
    --------
    >>> decimal_year("2024")
    2024.5
    """
    first, last = span(text)
    start, stop = (_decimal(day) for day in (first, last + timedelta(days=1)))
    return (start + stop) / 2


def _decimal(day: date) -> float:
    start = date(day.year, 1, 1)
    return day.year + (day - start).days / (date(day.year + 1, 1, 1) - start).days


def as_period(when: str | int) -> str:
    """Return the written form of a period given as text or as a year.

    Examples
    --------
    >>> as_period(2025)
    '2025'
    """
    return str(when)


def month_start(period: str) -> float:
    """Return the start of a period's first month as a decimal year, months counted as twelfths.

    Examples
    --------
    >>> month_start("2024-07")
    2024.5
    """
    day = span(period)[0]
    return day.year + (day.month - 1) / 12.0
