"""Cost of logged calls at the prices in force when they were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.formats import usage
from costmodel.formats.tables import Unread
from costmodel.formats.usage import PARTS, Calls, Counting
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import CatalogError
from costmodel.studies.price_books import TIME_OF_DAY_STEP, TOKENS, PackagedPrices, PriceBook, PricedModel, Rates

EXAMPLE_ROWS = 5
"""Rows that are named where calls have no price [1]."""


@dataclass(slots=True)
class UsageLine:
    """Calls of a model in a month.

    Parameters
    ----------
    month, provider, model, processing, service_tier
        Month, and the model and service that were called.
    calls
        Number of calls.
    tokens
        Tokens by kind [token]; ``input`` is uncached, ``reasoning`` a part of ``output``.
    cost
        Cost by kind [USD], with ``request`` for prices per call; ``output`` leaves reasoning out.
    """

    month: str
    provider: str
    model: str
    processing: str
    service_tier: str
    calls: int = 0
    tokens: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    cost: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*PARTS, "request"), 0.0))

    @property
    def total(self) -> float:
        """Cost of all kinds [USD]."""
        return sum(self.cost.values())


@dataclass(slots=True)
class Unpriced:
    """Calls for which no price is known; they are in no total."""

    provider: str
    model: str
    reason: str
    calls: int = 0
    tokens: float = 0.0
    examples: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageCost:
    """The cost of a usage log."""

    lines: tuple[UsageLine, ...]
    unpriced: tuple[Unpriced, ...]
    unread: Unread
    calls: int
    prices: str

    @property
    def total(self) -> float:
        """Cost of the calls that have a price [USD]."""
        return sum(line.total for line in self.lines)


def price_usage(
    source: str | Path,
    *,
    prices: PriceBook | None = None,
    counting: Counting | None = None,
    layout: str | None = None,
) -> UsageCost:
    r"""Price a usage log.

    Parameters
    ----------
    source
        Path of the log; see `costmodel.formats.usage`.
    prices
        Where prices come from; the installed genai-prices package where absent.
    counting
        Whether cached tokens are counted in the input (``inclusive``) or beside it (``beside``); needed for a plain
        table that has them.
    layout
        Format of the log, where its columns do not tell.

    Returns
    -------
    UsageCost
        Lines by month and model; calls without a price are named, and left out of the total.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "prices.csv").write_text("model,from,input,output\no3,2025-01-01,10,40\no3,2025-06-10,2,8\n")
    >>> _ = (folder / "log.csv").write_text(
    ...     "time,provider,model,input_tokens,output_tokens\n"
    ...     "2025-06-01T12:00:00Z,openai,o3,1000,700\n2025-06-13T12:00:00Z,openai,o3,1000,700\n")
    >>> from costmodel.studies.price_books import TablePrices
    >>> cost = price_usage(folder / "log.csv", prices=TablePrices(folder / "prices.csv"))
    >>> round(cost.total, 6)
    0.0456
    """
    book = PackagedPrices() if prices is None else prices
    unread, count = Unread(), 0
    lines: dict[tuple[str, ...], UsageLine] = {}
    unpriced: dict[tuple[str, ...], Unpriced] = {}
    models: dict[tuple[str, str, str, str], PricedModel | str] = {}
    rates: dict[Any, Rates | str] = {}
    for calls in usage.read(source, unread, counting=counting, layout=layout):
        count += len(calls.rows)
        for key in calls.called:
            if key not in models:
                models[key] = _find(book, key)
        _price_block(calls, models, rates, lines, unpriced)
    return UsageCost(
        tuple(sorted(lines.values(), key=lambda line: (line.month, line.provider, line.model))),
        tuple(unpriced.values()),
        unread,
        count,
        book.name,
    )


def _find(book: PriceBook, key: tuple[str, str, str, str]) -> PricedModel | str:
    try:
        return book.find(*key)
    except CatalogError as error:
        return str(error)


def _price_block(
    calls: Calls,
    models: Mapping[tuple[str, str, str, str], PricedModel | str],
    rates: dict[Any, Rates | str],
    lines: dict[tuple[str, ...], UsageLine],
    unpriced: dict[tuple[str, ...], Unpriced],
) -> None:
    """Price a block of calls: those that share model, month and prices at once."""
    order = np.argsort(calls.group, kind="stable")
    bounds = np.searchsorted(calls.group[order], np.arange(len(calls.called) + 1))
    for position, key in enumerate(calls.called):
        rows = order[bounds[position] : bounds[position + 1]]
        model = models[key]
        if isinstance(model, str):
            _leave_out(calls, rows, key, model, unpriced)
            continue
        prompt = calls.tokens["input"][rows] + calls.tokens["cache_read"][rows] + calls.tokens["cache_write"][rows]
        for part, when, length in _alike(model, calls.time[rows], prompt):
            chosen = rows[part]
            found = rates.setdefault((key, when, length), "")
            if found == "":
                found = rates[key, when, length] = _rates(model, when, length)
            if isinstance(found, str):
                _leave_out(calls, chosen, key, found, unpriced)
                continue
            _add(calls, chosen, key, found, lines)


def _rates(model: PricedModel, when: datetime, length: int) -> Rates | str:
    try:
        return model.rates(when, length)
    except CatalogError as error:
        return str(error)


def _alike(model: PricedModel, times: Any, prompt: FloatArray) -> list[tuple[Any, datetime, int]]:
    """Return groups of rows at equal prices: their positions, a time and a length that stand for each."""
    changes = np.array([change.replace(tzinfo=None) for change in model.changes], dtype="datetime64[s]")
    epoch = np.searchsorted(changes, times, side="right")
    lengths = np.array(model.lengths, dtype=np.float64)
    bracket = np.searchsorted(lengths, prompt, side="left")
    part = np.zeros(len(times), dtype=np.int64)
    if model.within_day:
        seconds = (times - times.astype("datetime64[D]")).astype(np.int64)
        part = seconds // int(TIME_OF_DAY_STEP.total_seconds())
    key = (epoch * (len(lengths) + 1) + bracket) * 96 + part
    groups = []
    for value in np.unique(key):
        rows = np.flatnonzero(key == value)
        first = rows[0]
        start = times[first] if epoch[first] == 0 else changes[epoch[first] - 1]
        if model.within_day:
            start = times[first].astype("datetime64[D]") + np.timedelta64(int(part[first]) * 900, "s")
            start = max(start, changes[epoch[first] - 1]) if epoch[first] else start
        when = datetime.fromisoformat(str(start)).replace(tzinfo=UTC)
        groups.append((rows, when, 1 if bracket[first] == 0 else int(lengths[bracket[first] - 1]) + 1))
    return groups


def _add(
    calls: Calls, rows: Any, key: tuple[str, str, str, str], rates: Rates, lines: dict[tuple[str, ...], UsageLine]
) -> None:
    months = calls.time[rows].astype("datetime64[M]")
    for month in np.unique(months):
        chosen = rows[months == month]
        line = lines.setdefault((str(month), *key), UsageLine(str(month), *key))
        line.calls += len(chosen)
        sums = {part: float(calls.tokens[part][chosen].sum()) for part in PARTS}
        for part, amount in sums.items():
            line.tokens[part] += amount
            billed = amount - sums["reasoning"] if part == "output" else amount
            line.cost[part] += billed * getattr(rates, part)
        line.cost["request"] += len(chosen) * rates.request


def _leave_out(
    calls: Calls, rows: Any, key: tuple[str, str, str, str], reason: str, unpriced: dict[tuple[str, ...], Unpriced]
) -> None:
    if not len(rows):
        return
    entry = unpriced.setdefault((key[0], key[1], reason), Unpriced(key[0], key[1], reason))
    entry.calls += len(rows)
    entry.tokens += float(sum(calls.tokens[part][rows].sum() for part in PARTS if part != "reasoning"))
    named = sorted({*entry.examples, *(int(row) for row in calls.rows[rows[:EXAMPLE_ROWS]])})
    entry.examples = tuple(named[:EXAMPLE_ROWS])


def focus_rows(cost: UsageCost, account: str) -> list[dict[str, Any]]:
    """Return the cost of a log as rows of a FOCUS 1.2 table: one for each month, model and kind of token.

    Parameters
    ----------
    cost
        A priced log.
    account
        Identifier of the billing account.

    Returns
    -------
    list of dict
        Rows for `costmodel.formats.focus.write`; what is charged by the call has rows of its own, so that they add up
        to the total. List and effective cost are equal: the prices are list prices.
    """
    return [row for line in cost.lines for row in _focus_rows(line, account)]


def _focus_rows(line: UsageLine, account: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind of token that a line has, and one for what its calls cost as such."""
    common = _period(line.month) | _issued_by(line.provider or "unknown", account)
    common |= {"ServiceName": line.model, "ServiceCategory": "AI and Machine Learning"}
    amounts = dict(line.tokens) | {"output": line.tokens["output"] - line.tokens["reasoning"]}
    for part, amount in amounts.items():
        priced = amount / TOKENS
        if priced > 0.0:
            direction = "Output" if part in {"output", "reasoning"} else "Input"
            action = {"cache_read": "Read", "cache_write": "Write"}.get(part)
            details = {"ModelId": line.model, "TokenDirection": direction}
            details |= {"TokenCacheAction": action} if action else {}
            words = f"{part.replace('_', ' ')} tokens"
            measured = _measured(line.cost[part], amount, "Tokens", priced, f"{TOKENS} Tokens")
            yield common | measured | _sku(f"{line.model}-{part}", line.month, words, details)
    if line.cost["request"] > 0.0:
        measured = _measured(line.cost["request"], line.calls, "Requests", line.calls, "Requests")
        yield common | measured | _sku(f"{line.model}-request", line.month, "requests", {"ModelId": line.model})


def _period(month: str) -> dict[str, Any]:
    year, number = (int(text) for text in month.split("-"))
    start, end = f"{month}-01T00:00:00Z", f"{year + number // 12}-{number % 12 + 1:02d}-01T00:00:00Z"
    return {
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
    }


def _issued_by(provider: str, account: str) -> dict[str, Any]:
    return {
        "BillingAccountId": account,
        "BillingAccountName": account,
        "BillingAccountType": "Usage log",
        "BillingCurrency": "USD",
        "PricingCurrency": "USD",
        "InvoiceIssuerName": provider,
        "ProviderName": provider,
        "PublisherName": provider,
    }


def _measured(cost: float, consumed: float, unit: str, priced: float, priced_unit: str) -> dict[str, Any]:
    """Return amounts of a row: what it cost, and what that is for a unit."""
    costs = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
    prices = ("ContractedUnitPrice", "ListUnitPrice")
    return {
        **dict.fromkeys(costs, cost),
        **{f"{start}{name}": cost / priced for start in ("", "PricingCurrency") for name in prices},
        "ConsumedQuantity": consumed,
        "ConsumedUnit": unit,
        "PricingQuantity": priced,
        "PricingUnit": priced_unit,
    }


def _sku(name: str, month: str, words: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargeDescription": f"{words} of {details['ModelId']}",
        "PricingCategory": "Standard",
        "ServiceSubcategory": "Generative AI",
        "SkuId": name,
        "SkuPriceId": f"{name}-{month}",
        "SkuMeter": words,
        "SkuPriceDetails": details,
    }
