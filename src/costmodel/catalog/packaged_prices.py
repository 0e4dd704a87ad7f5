"""Token prices of the genai-prices package: dated where the package dates them, and offline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from costmodel.catalog.named_records import TokenPrice
from costmodel.catalog.records import Datum
from costmodel.catalog.schema import sources
from costmodel.foundation.errors import CatalogError, missing_extra, near_matches
from costmodel.foundation.provenance import Grade

SOURCE_KEY = "genai-prices"
"""Key of the package in ``data/sources.toml``."""
_MEASURES = {
    "_mtok": ("", 1e6, "USD/token"),
    "_kcount": ("", 1e3, "USD"),
    "_mchars": ("_characters", 1e6, "USD"),
    "_kpages": ("_pages", 1e3, "USD"),
    "_hours": ("_hours", 1.0, "USD/hour"),
}
"""By suffix of the package's price name: the catalog's suffix, the units priced together [1], and the unit of one."""


def packaged_token_price(model: str, provider: str | None = None) -> TokenPrice:
    """Return a model's token prices as the installed genai-prices package lists them.

    Nothing is downloaded: the package carries its data. Every part is read: ``input``, ``output``, ``cache_read``,
    ``cache_write``, audio, images, searches; a price for longer prompts is named ``input above 200000``. A price has a
    period only where the package dates it; the first entry of a model has none, and holds until the first dated one.
    Prices for certain hours of the day are left out. Use ``TokenPrice.at`` for the price on a day; `costmodel.studies`
    prices calls with processing and service tiers.

    Parameters
    ----------
    model
        Identifier of the model in the package, such as ``"o3"``.
    provider
        Identifier of the provider, such as ``"openai"``; needed where several list the model.

    Raises
    ------
    MissingExtraError
        If genai-prices is not installed.
    CatalogError
        If no provider lists the model, or several do and none is named.
    """
    owners = [(owner, entry) for owner in _providers() for entry in owner.models if entry.id == model]
    if provider is not None:
        owners = [(owner, entry) for owner, entry in owners if owner.id == provider]
    if not owners:
        names = {entry.id for owner in _providers() if provider in {None, owner.id} for entry in owner.models}
        by = "" if provider is None else f" of {provider!r}"
        raise CatalogError(f"no model {model!r}{by} in genai-prices{near_matches(model, names)}")
    if len(owners) > 1:
        listed = ", ".join(repr(owner.id) for owner, _ in owners)
        raise CatalogError(f"several providers list {model!r}: name one of {listed}")
    owner, entry = owners[0]
    data = tuple(_data(owner.id, entry))
    if not data:
        raise CatalogError(f"genai-prices lists {model!r} of {owner.id!r} without any price")
    return TokenPrice("token_prices", model, data)


def packaged_models(provider: str | None = None) -> tuple[str, ...]:
    """Return the identifiers of the models that the package lists, of one provider or of all.

    Raises
    ------
    MissingExtraError
        If genai-prices is not installed.
    """
    listed = {entry.id for owner in _providers() if provider in {None, owner.id} for entry in owner.models}
    return tuple(sorted(listed))


def _providers() -> Any:
    try:
        from genai_prices.data import providers
    except ImportError:
        raise missing_extra("prices", "packaged token prices") from None
    return providers


def _data(provider: str, entry: Any) -> Iterator[Datum]:
    listed = _entries(entry)
    for order, (start, figures) in enumerate(listed, start=1):
        later = listed[order] if order < len(listed) else None
        for field, (value, unit) in figures.items():
            yield Datum(
                kind="token_prices",
                record=entry.id,
                field=field,
                value=value,
                unit=unit,
                price_year=None if start is None else start.year,
                period=_period(start, later[0] if later is not None and field not in later[1] else None),
                source=sources()[SOURCE_KEY],
                source_key=SOURCE_KEY,
                grade=Grade.SECONDARY,
                note=f"provider {provider}" + ("" if start else "; before the first dated change; launch not dated"),
                file=SOURCE_KEY,
                line=order,
            )


def _entries(entry: Any) -> list[tuple[date | None, dict[str, tuple[float, str]]]]:
    """Return the price lists of a model in order, each with the day on which it takes effect."""
    if not isinstance(entry.prices, list):
        return [(None, dict(_figures(entry.prices)))]
    days = [(getattr(row.constraint, "start_date", None), row) for row in entry.prices]
    return [(day, dict(_figures(row.prices))) for day, row in days if day is not None or row.constraint is None]


def _period(start: date | None, until: date | None) -> str | None:
    """Return the period of a price: from a day on, or until the day before the list that drops the part."""
    if until is None:
        return None if start is None else start.isoformat()
    return f"{(start or date.min).isoformat()}/{(until - timedelta(days=1)).isoformat()}"


def _figures(prices: Any) -> Iterator[tuple[str, tuple[float, str]]]:
    """Yield the field, price per unit and unit of every price of an entry; longer prompts have their own fields."""
    for key, price in vars(prices).items():
        ending = next((ending for ending in _MEASURES if key.endswith(ending)), None)
        if price is None or ending is None:
            continue
        own, count, unit = _MEASURES[ending]
        field = key.removesuffix(ending) + own
        yield field, (float(getattr(price, "base", price)) / count, unit)
        for tier in getattr(price, "tiers", ()):
            yield f"{field} above {int(tier.start)}", (float(tier.price) / count, unit)
