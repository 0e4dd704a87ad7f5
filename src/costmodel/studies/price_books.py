"""Prices of tokens on a day, from the genai-prices package, LiteLLM's price map, or one's own table.

A **price book** finds a model; a priced model gives the price of a token of each kind at a time and for a length of
prompt. Prices of one model change at few times and few lengths, so many calls share one look-up.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from costmodel.formats.litellm import read_prices
from costmodel.foundation.errors import CatalogError, ScenarioError, missing_extra
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import number_from

TOKENS = 1_000_000
"""Tokens for which prices are quoted [token]."""
TIME_OF_DAY_STEP = timedelta(minutes=15)
"""Within the hours of a day, prices change at quarters of an hour (as those of DeepSeek did)."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Price of a token of each kind [USD/token], and of a call [USD].

    Parameters
    ----------
    input
        Of an uncached input token.
    cache_read, cache_write
        Of a token read from a cache, and written to one.
    output, reasoning
        Of an output token, and of one that reasons.
    request
        Of a call.
    """

    input: float
    cache_read: float
    cache_write: float
    output: float
    reasoning: float
    request: float = 0.0


class PricedModel(ABC):
    """A model whose prices are known."""

    changes: Sequence[datetime] = ()
    """Times from which other prices hold, in order."""
    within_day: bool = False
    """Whether prices change with the hour of the day."""
    lengths: Sequence[int] = ()
    """Lengths of prompt above which other prices hold [token], in order."""

    @abstractmethod
    def rates(self, when: datetime, prompt: int) -> Rates:
        """Return the prices at a time, for a prompt of so many tokens.

        Raises
        ------
        CatalogError
            If no price is known for that time.
        """


class PriceBook(ABC):
    """Prices of many models."""

    name: str

    @abstractmethod
    def find(self, provider: str, model: str, processing: str = "", service_tier: str = "") -> PricedModel:
        """Return a model's prices.

        Raises
        ------
        CatalogError
            If the book does not price it; the message says why.
        """


class PackagedPrices(PriceBook):
    """The prices of the installed genai-prices package: dated, with tiers, cache, batch and service tiers.

    Raises
    ------
    MissingExtraError
        If genai-prices is not installed.
    """

    name = "genai-prices"

    def __init__(self) -> None:
        try:
            import genai_prices.data
        except ImportError:
            raise missing_extra("prices", "packaged token prices") from None
        self._providers = genai_prices.data.providers

    def find(self, provider: str, model: str, processing: str = "", service_tier: str = "") -> PricedModel:
        """Return a model's prices, as the package's own search finds it."""
        from genai_prices import calc_price, types

        context = {key: value for key, value in (("processing", processing), ("service_tier", service_tier)) if value}
        try:
            priced = calc_price(types.Usage(input_tokens=1), model, provider_id=provider or None)
        except LookupError as error:
            raise CatalogError(f"genai-prices: {error}") from None
        if processing and not _has_variant(priced.model, "processing", processing):
            raise CatalogError(f"genai-prices has no price of {model!r} for processing {processing!r}")
        return _Packaged(priced.provider.id, model, priced.model, context)

    def hosts(self, model: str) -> tuple[str, ...]:
        """Return every provider that lists a model under the same identifier."""
        return tuple(owner.id for owner in self._providers if any(entry.id == model for entry in owner.models))


def _has_variant(model: Any, key: str, value: str) -> bool:
    return any(variant.when.get(key) == value for variant in model.price_variants or ())


class _Packaged(PricedModel):
    """A model of the package; rates come from the package's own calculation, one kind of token at a time."""

    def __init__(self, provider: str, reference: str, model: Any, context: Mapping[str, str]) -> None:
        self._provider, self._reference, self._context = provider, reference, dict(context)
        conditional = model.prices if isinstance(model.prices, list) else []
        constraints = [entry.constraint for entry in conditional if entry.constraint is not None]
        constraints += [variant.constraint for variant in model.price_variants or () if variant.constraint is not None]
        starts = {entry.start_date for entry in constraints if hasattr(entry, "start_date")}
        self.changes = tuple(sorted(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in starts))
        self.within_day = any(not hasattr(entry, "start_date") for entry in constraints)
        listed = [entry.prices for entry in conditional] or [model.prices]
        listed += [variant.prices for variant in model.price_variants or ()]
        self.lengths = tuple(sorted({int(tier.start) for prices in listed for tier in _tiers(prices)}))

    def rates(self, when: datetime, prompt: int) -> Rates:
        count, request = max(int(prompt), 1), self._cost(when)
        base = self._cost(when, input_tokens=count)
        output = self._cost(when, input_tokens=count, output_tokens=count)
        reasoning = self._cost(when, input_tokens=count, output_tokens=count, output_reasoning_tokens=count)
        return Rates(
            input=(base - request) / count,
            cache_read=(self._cost(when, input_tokens=count, cache_read_tokens=count) - request) / count,
            cache_write=(self._cost(when, input_tokens=count, cache_write_tokens=count) - request) / count,
            output=(output - base) / count,
            reasoning=(reasoning - base) / count,
            request=request,
        )

    def _cost(self, when: datetime, **usage: int) -> float:
        from genai_prices import calc_price, types

        priced = calc_price(
            types.Usage(**usage),
            self._reference,
            provider_id=self._provider,
            genai_request_timestamp=when,
            price_context=self._context or None,
        )
        return float(priced.total_price)


def _tiers(prices: Any) -> list[Any]:
    return [tier for price in vars(prices).values() if hasattr(price, "tiers") for tier in price.tiers]


class LiteLLMPrices(PriceBook):
    """LiteLLM's map of prices, from a file ``model_prices_and_context_window.json``; undated.

    Parameters
    ----------
    path
        The file. Nothing is downloaded.

    Raises
    ------
    ScenarioError
        If the file is not such a map.
    """

    name = "LiteLLM"

    def __init__(self, path: str | Path) -> None:
        self._models = read_prices(path)

    def find(self, provider: str, model: str, processing: str = "", service_tier: str = "") -> PricedModel:
        """Return the prices under ``provider/model``, else under ``model`` where the provider fits."""
        for key in (f"{provider}/{model}", model):
            entry = self._models.get(key)
            owner = "" if entry is None else str(entry.get("litellm_provider", ""))
            if entry is not None and (not provider or key != model or owner.startswith(provider)):
                return _Mapped(key, entry, processing, service_tier)
        raise CatalogError(f"LiteLLM's map has no {model!r} of provider {provider or 'any'!r}")


class _Mapped(PricedModel):
    def __init__(self, key: str, entry: Mapping[str, Any], processing: str, service_tier: str) -> None:
        self._key, self._entry = key, entry
        self._suffix = "_batches" if processing == "batch" else f"_{service_tier}" if service_tier in _TIERS else ""
        if self._suffix and f"input_cost_per_token{self._suffix}" not in entry:
            raise CatalogError(f"LiteLLM's map has no price of {key!r} for {processing or service_tier!r}")
        self.lengths = tuple(sorted(int(found[1]) * 1000 for found in map(_LENGTH.fullmatch, entry) if found))

    def rates(self, when: datetime, prompt: int) -> Rates:
        above = max((length for length in self.lengths if prompt > length), default=0)
        tail = f"_above_{above // 1000}k_tokens" if above else ""
        base = self._price("input_cost_per_token", tail)
        if base is None:
            raise CatalogError(f"LiteLLM's map has no input price of {self._key!r}")
        output = self._price("output_cost_per_token", tail) or 0.0
        read = self._price("cache_read_input_token_cost", tail)
        write = self._price("cache_creation_input_token_cost", tail)
        reasoning = self._price("output_cost_per_reasoning_token", "")
        return Rates(
            input=base,
            cache_read=base if read is None else read,
            cache_write=base if write is None else write,
            output=output,
            reasoning=output if reasoning is None else reasoning,
        )

    def _price(self, name: str, tail: str) -> float | None:
        for key in (f"{name}{tail}{self._suffix}", f"{name}{tail}", f"{name}{self._suffix}", name):
            value = self._entry.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value < 1.0:
                return float(value)
        return None


_TIERS = ("flex", "priority")
_LENGTH = re.compile("input_cost_per_token_above_([0-9]{1,6})k_tokens")


class TablePrices(PriceBook):
    """One's own table, from a CSV: provider, model, from, input, cache_read, cache_write, output.

    Prices are in USD per million tokens; ``from`` is a date, empty for a price that has always held; ``provider``,
    ``cache_read`` and ``cache_write`` may be empty (the input price then holds).

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    ScenarioError
        If a column is missing or a row is not well formed; the message names it.
    """

    name = "own table"

    def __init__(self, path: str | Path) -> None:
        self._rows: dict[str, list[tuple[str, date, Rates]]] = {}
        for number, row in enumerate(csv_rows(read_text(path), str(path)), start=1):
            self._add(row, f"{path}: row {number}")

    def _add(self, row: Mapping[str, str | None], where: str) -> None:
        try:
            model, since = (row["model"] or "").strip(), (row.get("from") or "").strip()
            base, output = (_per_token(row[name]) for name in ("input", "output"))
            read, write = (_per_token(row.get(name) or row["input"]) for name in ("cache_read", "cache_write"))
            start = date.fromisoformat(since) if since else date.min
        except (KeyError, TypeError, ValueError):
            raise ScenarioError(
                f"{where}: needs model, input and output in USD per million tokens, from as a date"
            ) from None
        if not model:
            raise ScenarioError(f"{where}: no model")
        entry = ((row.get("provider") or "").strip().lower(), start, Rates(base, read, write, output, output))
        self._rows.setdefault(model, []).append(entry)

    def find(self, provider: str, model: str, processing: str = "", service_tier: str = "") -> PricedModel:
        """Return the prices in the rows of a model, of a provider where one is given."""
        rows = [row for row in self._rows.get(model, []) if not provider or not row[0] or row[0] == provider]
        if processing or service_tier:
            raise CatalogError(f"the table has no prices for {processing or service_tier!r}")
        if not rows:
            raise CatalogError(f"the table has no {model!r} of provider {provider or 'any'!r}")
        return _Listed(model, sorted(((start, rates) for _, start, rates in rows), key=lambda row: row[0]))


class _Listed(PricedModel):
    def __init__(self, model: str, rows: list[tuple[date, Rates]]) -> None:
        self._model, self._dated = model, rows
        self.changes = tuple(datetime(day.year, day.month, day.day, tzinfo=UTC) for day, _ in rows if day != date.min)

    def rates(self, when: datetime, prompt: int) -> Rates:
        held = [rates for start, rates in self._dated if start <= when.date()]
        if not held:
            raise CatalogError(
                f"no price of {self._model!r} is known for {when.date()}: the first is from {self._dated[0][0]}"
            )
        return held[-1]


def _per_token(text: str | None) -> float:
    value = number_from(text)
    if not 0.0 <= value <= 10_000.0:
        raise ValueError(text)
    return value / TOKENS
