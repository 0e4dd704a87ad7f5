"""Amounts and dates as spreadsheets write them, read where they have one meaning.

A table that passed through a spreadsheet has ``"$10,000.00 "`` for 10000 and ``4/1/2025`` for the first of April. An
amount is read if its comma can only separate thousands; a date with slashes, if its numbers or the billing period
beside it say which of them is the month.
"""

from __future__ import annotations

import re
from datetime import date

import numpy as np

from costmodel.formats.tables import Block, BoolArray
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.currencies import SIGNS
from costmodel.foundation.outside import number_from

_AMOUNT = re.compile(r"[-+]?\(?[0-9][0-9,]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\)?")
_SIGN_AFTER = re.compile(r"^([-+]?\(?)[$€£] ?")
_CLEAR = re.compile(r"\(?-?([$€£]?) ?-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)?\)?")
_SLASHES = re.compile(
    r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})(?: +[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AP]M)?)?"
)
CENTURY = 2000
"""Added to a year of two digits [year]."""


def amount_from(text: str) -> float:
    """Return an amount without its sign of money and its separators of thousands; NaN where it is none.

    A comma before one or two digits would be a decimal one, so such a text is no amount.

    Examples
    --------
    >>> amount_from("$10,000.00 "), amount_from("(1,250.5)"), amount_from("-$2"), amount_from("€12,50")
    (10000.0, -1250.5, -2.0, nan)
    """
    plain = text.strip("$€£ ").replace("\u00a0", "").removesuffix("USD").removesuffix("EUR").removesuffix("h").strip()
    plain = _SIGN_AFTER.sub(r"\1", plain)
    if not _AMOUNT.fullmatch(plain) or re.search(r",[0-9]{1,2}(?![0-9])", plain):
        return float("nan")
    value = number_from(plain.strip("()").replace(",", "").replace("(", ""))
    return -value if plain.startswith("(") else value


def clear_amount(text: str, currency: str) -> float:
    """Return an amount that can only mean one in a table whose decimals follow a point; NaN where it is none.

    A comma counts as a separator of thousands beside decimals or behind the sign of the dollar or the pound. A sign of
    another currency than the one stated makes it no amount.

    Examples
    --------
    >>> clear_amount("$10,000.00", "USD"), clear_amount("-$10,000", "USD"), clear_amount("($1.50)", "USD")
    (10000.0, -10000.0, -1.5)
    >>> [clear_amount(text, "EUR") for text in ("1,234", "€1,234", "$1,234.00", "1.234,00", "12 EUR")]
    [nan, nan, nan, nan, nan]
    """
    found = _CLEAR.fullmatch(text)
    if found is None or ("," in text and not found[2] and found[1] not in ("$", "£")):
        return float("nan")
    stated = currency if currency in SIGNS.values() else ""
    return float("nan") if found[1] and SIGNS.get(found[1], "") != stated else amount_from(text)


def amounts(block: Block, name: str) -> tuple[FloatArray, BoolArray]:
    """Return a column as amounts, ``(row,)``, NaN where empty, and where a text is no amount.

    Parameters
    ----------
    block
        Consecutive rows of a table.
    name
        Name of the column.

    Examples
    --------
    >>> values, wrong = amounts(Block(np.arange(1, 4), {"Cost": ["$1,250.00", "", "?"]}), "Cost")
    >>> values.tolist(), wrong.tolist()
    ([1250.0, nan, nan], [False, False, True])
    """
    codes, texts = block.text(name)
    values = np.array([amount_from(text) for text in texts], dtype=np.float64)
    wrong = np.array([bool(text) and not np.isfinite(value) for text, value in zip(texts, values, strict=True)])
    return values[codes], wrong[codes]


def day_from(text: str, period: tuple[str, str] = ("", "")) -> str | None:
    """Return the day of a date and time, as ``2026-05-01``; None where it is none or may be one of two.

    Parameters
    ----------
    text
        A date that begins as in ISO 8601, or one with slashes.
    period
        Start and end of the billing period beside it. It is a calendar month whose end is the first day of the next, so
        two dates with slashes are one only if their months are read from the right place.

    Examples
    --------
    >>> day_from("2026-05-01T06:00:00Z"), day_from("4/13/25"), day_from("4/1/25")
    ('2026-05-01', '2025-04-13', None)
    >>> day_from("4/1/25", ("4/1/25", "5/1/25")), day_from("4/1/25", ("1/1/25", "1/2/25"))
    ('2025-04-01', '2025-01-04')
    """
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        pass
    read = {first: _with_slashes(text, first) for first in ("month", "day")}
    days = {day for day in read.values() if day is not None}
    if len(days) == 2:
        days = {day for first, day in read.items() if day is not None and _is_month(period, first)}
    return days.pop().isoformat() if len(days) == 1 else None


def _with_slashes(text: str, first: str) -> date | None:
    """Return a date with slashes whose first number is the month or the day; None where there is none."""
    found = _SLASHES.fullmatch(text)
    if found is None:
        return None
    one, two, year = int(found[1]), int(found[2]), int(found[3])
    month, day = (one, two) if first == "month" else (two, one)
    try:
        return date(year if len(found[3]) == 4 else CENTURY + year, month, day)
    except ValueError:
        return None


def _is_month(period: tuple[str, str], first: str) -> bool:
    """Return whether two dates with slashes are the first days of a month and of the next."""
    start, end = (_with_slashes(text, first) for text in period)
    if start is None or end is None or (start.day, end.day) != (1, 1):
        return False
    return (end.year - start.year) * 12 + end.month - start.month == 1
