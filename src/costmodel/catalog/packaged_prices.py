"""Token prices of the genai-prices package: dated where the package dates them, and offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costmodel.catalog.records import Datum
from costmodel.catalog.schema import sources
from costmodel.catalog.things import TokenPrice
from costmodel.foundation.errors import CatalogError, missing_extra, near_matches
from costmodel.foundation.provenance import Grade

SOURCE_KEY = "genai-prices"
"""Key of the package in ``data/sources.toml``."""
_MILLION = 1e6
_SIDES = {"input": "input_mtok", "output": "output_mtok"}


def packaged_token_price(model: str, provider: str | None = None) -> TokenPrice:
    """Return a model's token prices as the installed genai-prices package lists them.

    Nothing is downloaded: the package carries its data. A price has a period only where the package says from
    when it holds; the first entry of a model has none, and is its launch price only by chance. Prices that hold
    at certain hours of the day are left out. Use ``TokenPrice.at`` for the price on a day.

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
        raise CatalogError(f"genai-prices lists {model!r} of {owner.id!r} without a price per token")
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
    conditional = entry.prices if isinstance(entry.prices, list) else [None]
    for order, listed in enumerate(conditional, start=1):
        constraint = None if listed is None else listed.constraint
        start = getattr(constraint, "start_date", None)
        if constraint is not None and start is None:
            continue
        prices = entry.prices if listed is None else listed.prices
        for field, name in _SIDES.items():
            price = getattr(prices, name)
            if price is None:
                continue
            tiered = hasattr(price, "base")
            yield Datum(
                kind="token_prices",
                record=entry.id,
                field=field,
                value=float(price.base if tiered else price) / _MILLION,
                unit="USD/token",
                price_year=None if start is None else start.year,
                period=None if start is None else start.isoformat(),
                source=sources()[SOURCE_KEY],
                source_key=SOURCE_KEY,
                grade=Grade.SECONDARY,
                note=_note(provider, tiered, start is None),
                file=SOURCE_KEY,
                line=order,
            )


def _note(provider: str, tiered: bool, undated: bool) -> str:
    parts = [f"provider {provider}"]
    if tiered:
        parts.append("lowest tier")
    if undated:
        parts.append("before the first dated change; launch not dated")
    return "; ".join(parts)
