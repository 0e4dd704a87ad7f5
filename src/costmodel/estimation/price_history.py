"""History of token prices: published declines at fixed capability, and the makers' flagship lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.catalog import Datum, token_price, trend
from costmodel.catalog.periods import decimal_year, month_start, span
from costmodel.estimation.fixed_capability import PriceMove, decline_rate, price_moves
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError, near_matches
from costmodel.foundation.provenance import Grade, weakest

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


@formula()
def blended_price(input_price: Numeric, output_price: Numeric, input_share: Numeric) -> Numeric:
    """Average price per token of a mix of input and output.

    Parameters
    ----------
    input_price, output_price
        Prices per token read and written, >= 0 [USD/token].
    input_share
        Input tokens over all tokens, 0 to 1 [1]; 0.75 is the customary three to one.

    Returns
    -------
    Numeric
        Price per token, input and output together [USD/token].

    Notes
    -----
    ``s p_in + (1 - s) p_out``.

    Examples
    --------
    >>> float(blended_price(1.25, 10.0, 0.75))
    3.4375
    """
    return input_share * input_price + (1.0 - input_share) * output_price


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
    years = month_start(last) - month_start(first)
    rate = trend("Epoch token prices, GPQA").datum("fold_per_year")
    return (
        _pair("MMLU 42", trend("a16z token prices").series("price")),
        _pair("MMLU 64.8", trend("AI Index token prices").series("price")),
        PublishedDecline("MMLU 83", years, ratio.number ** (1.0 / years), ratio.grade),
        PublishedDecline("GPQA, GPT-4 level", None, rate.number, rate.grade),
    )


def _pair(ability: str, prices: tuple[Datum, ...]) -> PublishedDecline:
    """Return the decline between the first and the last of some dated prices."""
    first, last = prices[0], prices[-1]
    years = month_start(last.period or "") - month_start(first.period or "")
    grade = weakest((first.grade, last.grade))
    return PublishedDecline(ability, years, float(np.exp(decline_rate(first.number, last.number, years))), grade)


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
