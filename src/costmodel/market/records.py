"""What the catalog holds about the market: declines at fixed capability, flagship lines, quotes and rents."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.catalog import Datum, rental, token_price, trend
from costmodel.catalog.periods import decimal_year, span
from costmodel.foundation.errors import DomainError, near_matches
from costmodel.foundation.provenance import Grade, weakest
from costmodel.market.fixed_capability import PriceMove, price_moves, yearly_fall
from costmodel.market.list_prices import blended_price
from costmodel.market.terms import TermStructure

__all__ = [
    "FLAGSHIP_LINES",
    "INPUT_SHARE",
    "DatedRent",
    "PublishedDecline",
    "contract_rents",
    "flagship_moves",
    "published_declines",
    "quoted_terms",
]

INPUT_SHARE = 0.75
"""Input tokens over all tokens in a blended price [1]: three to one, the custom of price comparisons; assumed."""

FLAGSHIP_LINES: dict[str, tuple[str, ...]] = {
    "openai": (
        "gpt-3-davinci",
        "gpt-4 (8k)",
        "gpt-4-turbo",
        "gpt-4o-2024-05-13",
        "gpt-4o-2024-08-06",
        "gpt-5",
        "gpt-5.1",
        "gpt-5.2",
        "gpt-5.4",
        "gpt-5.5",
        "gpt-5.6-sol",
        "gpt-6-sol",
    ),
    "anthropic": (
        "claude-v1",
        "claude-2",
        "claude-2.1",
        "claude-3-opus",
        "claude-opus-4",
        "claude-opus-4.1",
        "claude-opus-4.5",
        "claude-opus-4.6",
        "claude-opus-5",
        "claude-opus-5.5",
    ),
    "google": (
        "gemini-1.0-pro",
        "gemini-1.5-pro (<=128k)",
        "gemini-2.5-pro (<=200k)",
        "gemini-3-pro-preview (<=200k)",
        "gemini-4-argon",
    ),
}
"""The main line of each maker, by the names of the price table. Which model is the flagship is a judgement
(grade: assumed); reasoning models beside a line (o1, o3, GPT-4.5) are left out of it."""


@dataclass(frozen=True, slots=True)
class PublishedDecline:
    """A published pair of prices of the same ability, or a published rate.

    Parameters
    ----------
    ability
        Benchmark and score.
    years
        Time between the two prices; absent where only the rate is published [year].
    yearly_fall
        By how many times the price fell per year [1].
    grade
        The weaker of the two prices' evidence.
    """

    ability: str
    years: float | None
    yearly_fall: float
    grade: Grade


def published_declines() -> tuple[PublishedDecline, ...]:
    """Return the published falls of price at fixed capability, each as a rate per year.

    Two pairs of prices (MMLU 42 and 64.8), one ratio over a period (MMLU 83) and one rate (GPQA). A period's
    length is counted on the calendar, whatever the source's own words say.

    Examples
    --------
    >>> [(decline.ability, round(decline.yearly_fall, 1)) for decline in published_declines()]
    [('MMLU 42', 10.0), ('MMLU 64.8', 19.1), ('MMLU 83', 11.9), ('GPQA, GPT-4 level', 40.0)]
    """
    ratio = trend("a16z token prices, MMLU 83").datum("fold")
    first, _, last = (ratio.period or "").partition("/")
    years = _month(last) - _month(first)
    rate = trend("Epoch token prices, GPQA").datum("fold_per_year")
    return (
        _pair("MMLU 42", trend("a16z token prices").series("price")),
        _pair("MMLU 64.8", trend("AI Index token prices").series("price")),
        PublishedDecline("MMLU 83", years, float(yearly_fall(ratio.number, 1.0, years)), ratio.grade),
        PublishedDecline("GPQA, GPT-4 level", None, rate.number, rate.grade),
    )


def _month(period: str) -> float:
    """Return the start of a month as a decimal year, months counted as twelfths."""
    day = span(period)[0]
    return day.year + (day.month - 1) / 12.0


def _pair(ability: str, prices: tuple[Datum, ...]) -> PublishedDecline:
    """Return the decline between the first and the last of some dated prices."""
    first, last = prices[0], prices[-1]
    years = _month(last.period or "") - _month(first.period or "")
    grade = weakest((first.grade, last.grade))
    return PublishedDecline(ability, years, float(yearly_fall(first.number, last.number, years)), grade)


def flagship_moves(maker: str, *, until: str | None = None, input_share: float = INPUT_SHARE) -> tuple[PriceMove, ...]:
    """Return the moves of a maker's flagship list price, blended over input and output.

    Parameters
    ----------
    maker
        One of the makers in ``FLAGSHIP_LINES``.
    until
        Last period whose prices count; all recorded, announced ones included, if absent.
    input_share
        Input tokens over all tokens in the blend [1].

    Raises
    ------
    DomainError
        If there is no such maker.

    Examples
    --------
    >>> rises = [move for move in flagship_moves("openai", until="2026-11") if move.ratio > 1]
    >>> sorted({move.year for move in rises})
    [2023, 2025, 2026]
    """
    if maker not in FLAGSHIP_LINES:
        hint = near_matches(maker, FLAGSHIP_LINES)
        raise DomainError(f"no flagship line of {maker!r}: there are {', '.join(FLAGSHIP_LINES)}{hint}")
    names, times, prices = [], [], []
    for model in FLAGSHIP_LINES[maker]:
        record = token_price(model)
        written = {datum.period: datum.number for datum in record.series("input")}
        for datum in record.series("output"):
            period = datum.period or ""
            if until is None or span(period)[0] <= span(until)[1]:
                names.append(f"{model} ({period})")
                times.append(decimal_year(period))
                prices.append(float(blended_price(written[datum.period], datum.number, input_share)))
    return price_moves(names, times, prices)


def quoted_terms(name: str, period: str | None = None) -> TermStructure:
    """Return the term structure that a cloud's recorded quotes imply.

    Parameters
    ----------
    name
        Name in the catalog's table of rentals, such as ``AWS A100`` or ``AWS p5.48xlarge``.
    period
        Period of the quotes; the latest if absent.

    Raises
    ------
    CatalogError
        If the one-year or the three-year quote is not recorded.

    Examples
    --------
    >>> round(quoted_terms("AWS p5.48xlarge").yearly_ratio, 4)
    0.7247
    """
    record = rental(name)
    return TermStructure(
        record.value("committed_1y", period), record.value("committed_3y", period), record.get("on_demand", period)
    )


@dataclass(frozen=True, slots=True)
class DatedRent:
    """A rent with its date.

    Parameters
    ----------
    time
        Middle of the month that it describes [year].
    rent
        Hourly rent [USD/hour].
    grade
        Evidence.
    """

    time: float
    rent: float
    grade: Grade


def contract_rents(name: str = "H100 market") -> tuple[DatedRent, ...]:
    """Return the recorded one-year contract rents of a market, in order of time.

    Examples
    --------
    >>> [(round(rent.time, 2), rent.rent) for rent in contract_rents()]
    [(2025.79, 1.7), (2026.21, 2.35), (2026.46, 2.65)]
    """
    series = rental(name).series("contract_1y")
    return tuple(DatedRent(_month(d.period or "") + 1 / 24, d.number, d.grade) for d in series)
