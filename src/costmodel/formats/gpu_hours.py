"""Accelerator-hours by type as people keep them: a plain CSV of hours and money, under whatever headers they have.

**Read.** A table with a column of hours and one of the accelerator or the machine; a date, a number of accelerators, a
cost or an hourly price, a currency, a provider and a way of pricing where they are there. Headers are compared without
case, spaces and signs; a currency may stand in one, as in ``Cost (EUR)``. *Accelerator-hours* count each accelerator;
*hours* of a machine count its accelerators from their column, else from the text of the type (``8xH100``). A header
that could mean two things is refused by name. There is no version to state: nobody publishes this format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from costmodel.formats.spreadsheet import amounts
from costmodel.formats.tables import Block, BoolArray, IntArray, Unread, read_blocks
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.currencies import CODES, SIGNS
from costmodel.foundation.errors import ScenarioError

HEADERS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "day", "month", "period", "start", "starttime", "startdate", "timestamp", "time", "when",
             "usagedate", "usagestart", "billingmonth", "invoicemonth", "billingperiod"),
    "type": ("gpu", "gputype", "gpumodel", "gpuname", "accelerator", "acceleratortype", "acceleratorname", "chip",
             "chiptype", "instancetype", "instance", "machinetype", "machine", "node", "nodetype", "sku", "hardware",
             "resource", "resourcetype", "flavor", "shape"),
    "accelerators": ("gpus", "gpucount", "numgpus", "ngpus", "numberofgpus", "accelerators", "acceleratorcount",
                     "numaccelerators", "chips", "count"),
    "accelerator_hours": ("gpuhours", "gpuhrs", "gpuh", "gpuhoursused", "acceleratorhours", "acceleratorhrs",
                          "chiphours", "tpuhours", "totalgpuhours", "billedgpuhours"),
    "hours": ("hours", "hrs", "usagehours", "runtimehours", "durationhours", "nodehours", "instancehours",
              "machinehours", "hoursused", "durationh", "uptimehours", "billedhours"),
    "cost": ("cost", "totalcost", "amount", "charge", "charges", "total", "spend", "netcost", "billedcost", "billed",
             "paid", "totalcharge", "extendedcost", "usd", "eur", "gbp", "dollars", "euros"),
    "price": ("price", "rate", "hourlyrate", "hourlyprice", "priceperhour", "rateperhour", "unitprice", "pricehr",
              "costperhour", "costhr", "pergpuhour", "pricepergpuhour", "ratepergpuhour"),
    "currency": ("currency", "currencycode", "billingcurrency"),
    "provider": ("provider", "vendor", "cloud", "supplier", "host"),
    "pricing": ("pricing", "pricingmodel", "purchaseoption", "purchasetype", "billingtype", "plan", "tenancy",
                "capacitytype", "commitment"),
}  # fmt: skip
"""Meaning of a column, by its header in lower case without signs."""
_PLAIN = re.compile(r"[^a-z0-9]+")
_IN_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")
_MONEY_IN_NAME = re.compile(r"(?:^|[^A-Za-z])([A-Z]{3}|usd|eur|gbp|[$€£])(?:$|[^A-Za-z])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Hours:
    """A block of rows.

    Parameters
    ----------
    rows
        Number of each row in the file, ``(row,)``.
    group
        Position in ``used`` of what each row was for, ``(row,)``.
    used
        Month (empty where there is no date), provider, type, way of pricing as written, and currency.
    hours
        Hours, ``(row,)`` [hour]: of accelerators where ``each`` says so, else of machines.
    each
        Whether hours count accelerators.
    accelerators
        Accelerators of a machine, ``(row,)``; NaN where the table does not say.
    cost
        Money, ``(row,)`` [currency]; NaN where there is none.
    """

    rows: IntArray
    group: IntArray
    used: tuple[tuple[str, str, str, str, str], ...]
    hours: FloatArray
    each: bool
    accelerators: FloatArray
    cost: FloatArray


def is_hours(names: list[str]) -> bool:
    """Return whether headers are those of a table of hours by type.

    Examples
    --------
    >>> is_hours(["Date", "GPU Type", "GPU-hrs", "Cost (USD)"]), is_hours(["BilledCost", "ChargePeriodStart"])
    (True, False)
    """
    found = {kind for name in names for kind, spellings in HEADERS.items() if _key(name) in spellings}
    return "type" in found and bool(found & {"hours", "accelerator_hours"})


def read(source: str | Path, unread: Unread | None = None) -> Iterator[Hours]:
    """Read a table of hours by type in blocks.

    Parameters
    ----------
    source
        Path of a ``.csv``, ``.jsonl`` or ``.ndjson`` file.
    unread
        Counter of rows that cannot be read: hours or money that are not numbers, a date that is not one.

    Yields
    ------
    Hours
        Rows of a block.

    Raises
    ------
    ScenarioError
        If it is not such a table, or two columns have the same meaning.
    """
    dropped = Unread() if unread is None else unread
    for block in read_blocks(source, dropped):
        yield _hours(block, _columns(list(block.columns), source), dropped)


def _key(name: str) -> str:
    return _PLAIN.sub("", _without_money(name).lower())


def _without_money(name: str) -> str:
    plain = _IN_BRACKETS.sub(" ", name)
    return re.sub(r"(?i)(^|[^a-z])(usd|eur|gbp)(?![a-z])", " ", plain)


def _columns(names: list[str], source: str | Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        for kind, spellings in HEADERS.items():
            bare = kind == "cost" and not _key(name) and bool(_MONEY_IN_NAME.search(name))  # a sign of money alone
            if _key(name) in spellings or bare:
                if kind in found:
                    raise ScenarioError(f"{source}: is {kind} the column {found[kind]!r} or {name!r}? Rename one")
                found[kind] = name
    if "type" not in found or not {"hours", "accelerator_hours"} & found.keys():
        raise ScenarioError(
            f"{source}: a column of hours and one of the accelerator are needed; there are {names[:12]}"
        )
    return found


def _hours(block: Block, columns: Mapping[str, str], unread: Unread) -> Hours:
    good = np.ones(len(block), dtype=np.bool_)
    numbers: dict[str, FloatArray] = {}
    for kind in ("hours", "accelerator_hours", "accelerators", "cost", "price"):
        values, wrong = amounts(block, columns.get(kind, ""))
        if kind == "accelerators":
            wrong |= values <= 0.0
        for position in np.flatnonzero(good & wrong):
            unread.add(int(block.rows[position]), f"{columns[kind]} cannot be read as a number")
        numbers[kind], good = values, good & ~wrong
    each = "accelerator_hours" in columns
    hours = numbers["accelerator_hours" if each else "hours"]
    good = _dropped(block, good, np.isnan(hours), "no hours", unread)
    codes, texts = block.text(columns.get("date", ""))
    months = [_month(text) for text in texts]
    good = _dropped(block, good, np.array([m is None for m in months])[codes], "the date cannot be read", unread)
    coded = [(codes, [month or "" for month in months])]
    coded += [block.text(columns.get(kind, "")) for kind in ("provider", "type", "pricing", "currency")]
    default = _currency_of(columns)
    keys = [tuple(texts[code] for code, (_, texts) in zip(row, coded, strict=True))
            for row in zip(*(c[good] for c, _ in coded), strict=True)]  # fmt: skip
    places: dict[tuple[str, ...], int] = {}
    group = np.array([places.setdefault(key, len(places)) for key in keys], dtype=np.int64)
    used = tuple((m, p, t, w, SIGNS.get(c, c).upper() or default) for m, p, t, w, c in places)
    counted = numbers["accelerators"]
    per_hour = numbers["price"] * hours
    cost = np.where(np.isnan(numbers["cost"]), per_hour, numbers["cost"])
    return Hours(block.rows[good], group, used, hours[good], each, counted[good], cost[good])


def _dropped(block: Block, good: BoolArray, wrong: BoolArray, reason: str, unread: Unread) -> BoolArray:
    for position in np.flatnonzero(good & wrong):
        unread.add(int(block.rows[position]), reason)
    return good & ~wrong


def _month(text: str) -> str | None:
    """Return the month of a date as ``2026-05``; empty where there is none, None where it cannot be read."""
    if not text:
        return ""
    iso = re.match(r"((?:19|20)[0-9]{2})[-/.]?(0[1-9]|1[0-2])(?:[-/.]?[0-3][0-9])?(?:[T ].*)?$", text)
    if iso is not None:
        return f"{iso[1]}-{iso[2]}"
    named = re.fullmatch(r"([A-Za-z]{3})[a-z]*[ -]+((?:19|20)[0-9]{2})", text)
    if named is not None and named[1].lower() in _MONTHS:
        return f"{named[2]}-{_MONTHS.index(named[1].lower()) + 1:02d}"
    return None


def _currency_of(columns: Mapping[str, str]) -> str:
    """Return the currency that the header of the money names; none where it does not."""
    for kind in ("cost", "price"):
        found = _MONEY_IN_NAME.search(columns.get(kind, ""))
        if found is not None:
            code = {"$": "USD"}.get(found[1], SIGNS.get(found[1], found[1].upper()))
            if code in CODES:
                return code
    return ""
