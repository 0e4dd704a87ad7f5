"""Currencies in inputs: amounts in any currency of ISO 4217, converted to USD at a dated rate.

A scenario states its rates once, ``[exchange_rates.EUR]``, with a date and the rate; without the rate, the reference
rate of that date is looked up. Quantities may then be in that currency: ``"2.5 EUR/hour"``. An amount in a currency
without a rate is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from fractions import Fraction
from importlib import import_module

from costmodel.foundation.errors import UnitError, near_matches

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK "
    "LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD "
    "OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
    "SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF "
    "XPF YER ZAR ZMW ZWG BOV CHE CHW CLF COU MXV USN UYI UYW VED XDR XSU XUA ANG CUC HRK ZWL "
)
CODES = frozenset(_CODES.split())
"""Codes of ISO 4217: currencies in use, units of account, and currencies withdrawn since 2021, for older bills."""
SIGNS = {"€": "EUR", "£": "GBP", "RMB": "CNY"}
"""Signs and names with a single meaning; the sign of the yen is left out, since the yuan has the same."""
MONEY_WORDS = frozenset({"$", "US$", *CODES, *SIGNS})
"""Words and signs for money in a quantity."""


REFERENCE_RATES = "European Central Bank, euro foreign exchange reference rates"
"""Title of the table of reference rates."""
_TABLE = "costmodel.formats.exchange_rates:reference_rate"
"""Module that reads the table; it is in a higher layer, so it is imported only to look up a rate."""


def reference_rate(code: str, day: date) -> float:
    """Return the USD for one unit of a currency by the reference rates of a day (extra ``currencies``).

    Raises
    ------
    CatalogError
        If the table has no rate for that currency and day.
    MissingExtraError
        If no table is installed.
    """
    module, name = _TABLE.split(":")
    return float(getattr(import_module(module), name)(code, day))


class _Rates:
    """Exchange rates during the reading of a scenario, with a count of their uses."""

    def __init__(self, usd: Mapping[str, float]) -> None:
        self.usd = dict(usd)
        self.used = 0


_RATES: ContextVar[_Rates | None] = ContextVar("exchange rates", default=None)


def code_of(name: str) -> str:
    """Return the ISO 4217 code of a name or sign; an empty string if it is not a currency.

    Examples
    --------
    >>> code_of("€"), code_of("CHF"), code_of("Wh")
    ('EUR', 'CHF', '')
    """
    return SIGNS.get(name, name if name in CODES else "")


def check_code(code: str) -> str:
    """Return an ISO 4217 code, or raise ``UnitError`` with near matches in the message.

    Examples
    --------
    >>> check_code("EUR")
    'EUR'
    """
    if code not in CODES:
        raise UnitError(
            f"{code!r} is not a currency code of ISO 4217{near_matches(code, CODES)}; write one such as EUR"
        )
    return code


@contextmanager
def rates_in_use(usd: Mapping[str, float]) -> Iterator[None]:
    """Read quantities with rates: USD for one unit of each currency.

    Examples
    --------
    >>> from costmodel.foundation.quantities import parse_quantity
    >>> with rates_in_use({"EUR": 1.08}):
    ...     parse_quantity("2.5 EUR/hour", "USD/hour")
    2.7
    """
    token = _RATES.set(_Rates(usd))
    try:
        yield
    finally:
        _RATES.reset(token)


def uses() -> int:
    """Return how often a rate was used since the rates were set; 0 without rates."""
    rates = _RATES.get()
    return 0 if rates is None else rates.used


def usd_for_one(code: str) -> Fraction:
    """Return the current rate of a currency [USD].

    Raises
    ------
    UnitError
        If there is none.
    """
    rates = _RATES.get()
    if rates is None or code not in rates.usd:
        raise UnitError(
            f"{code} needs a dated rate: state it in the scenario, as "
            f"exchange_rates.{code} = {{date = 2026-05-15, rate = USD for one}}"
        )
    rates.used += 1
    return Fraction(repr(rates.usd[code]))
