"""An audit of a bill: prices paid, compared with market prices of that month and with the cost of owning.

Every finding names its rows and its basis. An amount is what could have been saved, with an interval; amounts
of different findings overlap (an hour on demand can be compared with the market and with a commitment), so they are
never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TypeAlias

import numpy as np

from costmodel.formats.exchange_rates import shipped
from costmodel.formats.focus import NO_CURRENCY
from costmodel.formats.skypilot import MachineOffer, prices
from costmodel.foundation.errors import CatalogError, MissingExtraError
from costmodel.foundation.tables import Table, Tabled
from costmodel.studies.bill import Bill, Line, accelerator_family
from costmodel.studies.findings import Finding
from costmodel.studies.price_books import PackagedPrices
from costmodel.studies.rates import RANKS, Rate, end_of_month, latest_month, owner_rate, rental_rate
from costmodel.studies.self_serving import Bought, bought, build_against_buy, named_plan
from costmodel.studies.service import Service

HOURS_STEADY = 0.7
"""Share of a month's hours from which use counts as steady: below it a commitment may stand idle (assumed)."""


LEAST_GAP = 0.01
"""Share of a list price below which paying more is rounding [1]."""


@dataclass(frozen=True, slots=True)
class Audit(Tabled):
    """Findings on a bill, largest first, and the charges that could not be judged."""

    bill: Bill
    findings: tuple[Finding, ...]
    not_judged: tuple[str, ...]

    def table(self) -> Table:
        """Return what was bought as a table: quantity, list and paid price of each, and what was paid."""
        rows = []
        for line in self.bill.lines:
            tokens = line.kind == "tokens"
            scale, unit = (1e6, "Mtoken") if tokens else (1.0, "hour")
            paid = line.cost["effective"]
            prices = [line.unit_price(cost) * scale for cost in ("list", "effective")]
            rows.append(
                {
                    "month": line.month,
                    "provider": line.provider,
                    "what": " ".join(part for part in (line.name or line.kind, line.side) if part),
                    "pricing": line.pricing,
                    "quantity": "" if line.kind == "other" else f"{line.quantity / scale:,.2f} {unit}",
                    "list each": None if prices[0] != prices[0] else f"{prices[0]:,.3f}",
                    "paid each": None if prices[1] != prices[1] else f"{prices[1]:,.3f}",
                    "paid": None if np.isnan(paid) else f"{paid:,.2f} {line.currency}",
                }
            )
        return Table.of(rows, self.bill.source)


Judge: TypeAlias = Callable[[Line, float], "Finding | None"]
"""Function that judges a line at an exchange rate of its currency."""


def audit(
    bill: Bill,
    rates: Mapping[str, float] | None = None,
    offers: Sequence[MachineOffer] | None = None,
    serve: Mapping[str, Service] | None = None,
) -> Audit:
    """Judge a bill.

    Parameters
    ----------
    bill
        A bill, as `costmodel.studies.bill.read_bill` returns it.
    rates
        USD for one unit of each currency of the bill other than USD, as ``{"EUR": 1.08}``; where absent, the mean of
        the reference rates of a line's month (extra ``currencies``).
    offers
        Your own price list, as `costmodel.formats.skypilot.read` returns it: on demand and spot are then compared
        with it instead of the catalog's offers.
    serve
        Plans to serve models in-house, by the model's name on the bill; where absent, a model whose shape
        is in the catalog is served as `costmodel.studies.self_serving` assumes.

    Returns
    -------
    Audit
        Findings in USD; lines in a currency without a rate are named as not judged.

    Notes
    -----
    Accelerator-hours are compared with the median offer of the month for the same way of pricing
    (`costmodel.studies.rates.rental_rate`) and with an owner's cost at full use; tokens with the provider's list price
    in the middle of the month, with other hosts of the same model, and, summed over a model, with serving it in-house
    at that volume. The cost of a commitment that stands idle is a saving in full. A commitment is also compared with
    the latest market on record: the change at renewal, where a rise is a negative saving.
    """
    known = {"USD": 1.0, **(rates or {})}
    findings: list[Finding] = []
    skipped: dict[str, None] = {}
    for line in bill.lines:
        if line.pricing == "not usage" or (line.kind == "other" and line.pricing != "unused commitment"):
            continue
        if np.isnan(line.cost["effective"]):
            skipped[f"{line.month}, {line.provider}, {line.name or line.kind}: no effective cost is stated"] = None
            continue
        try:
            rate = known[line.currency] if line.currency in known else _monthly(line)
        except (CatalogError, MissingExtraError) as error:
            skipped[f"{line.currency}: no rate to USD is given ({error}), so its lines are not judged"] = None
            continue
        if line.pricing == "unused commitment":
            findings.append(_idle(line, rate))
        elif line.quantity > 0.0 and line.name:
            judges: tuple[Judge, ...] = (_against_list, _against_hosts) if line.kind == "tokens" else _OF_HOURS
            if offers is not None and line.kind != "tokens":
                judges = (partial(_against_offers, offers), *_OF_HOURS[1:])
            for finding in judges:
                try:
                    found = finding(line, rate)
                except (CatalogError, MissingExtraError) as error:
                    skipped[str(error)] = None
                    continue
                if found is not None:
                    findings.append(found)
        elif line.quantity > 0.0:
            skipped[f"{line.month}, {line.provider}: {line.kind} of which the bill does not say what they are"] = None
        else:
            skipped[f"{line.month}, {line.provider}, {line.name}: {line.quantity:g} {line.kind}, nothing to judge"] = (
                None
            )
    tokens, priced = [], {}
    for line in bill.lines:
        usable = line.kind == "tokens" and line.pricing != "not usage" and line.quantity > 0.0 and line.name
        if usable and not np.isnan(line.cost["effective"]):
            with suppress(CatalogError, MissingExtraError):
                priced[line.currency, line.month] = known.get(line.currency) or _monthly(line)
                tokens.append(line)
    _build(bought(tokens, priced), serve or {}, findings, skipped)
    findings.sort(key=lambda finding: -finding.saving[1])
    return Audit(bill, tuple(findings), tuple(skipped))


def _build(
    models: Sequence[Bought], serve: Mapping[str, Service], findings: list[Finding], skipped: dict[str, None]
) -> None:
    """Compare each model's tokens with serving them in-house; name models that have no plan and no known shape."""
    unknown = sorted({each.name for each in models if named_plan(each.name, serve) is None})
    if unknown:
        skipped[f"build against buy of {', '.join(unknown)}: no such model in the catalog; say how it is served"] = None
    for each in models:
        if each.name not in unknown:
            try:
                findings.append(build_against_buy(each, serve.get(each.name)))
            except CatalogError as error:
                skipped[str(error)] = None


def _finding(
    line: Line, title: str, paid: float, saving: tuple[float, float, float], rests: tuple[str, ...]
) -> Finding:
    return Finding(
        title, line.month, line.provider, line.name, paid, saving, line.rows, line.examples, (*rests, *line.inferred)
    )


def _monthly(line: Line) -> float:
    """Return the mean of the reference rates of a line's month [USD]."""
    if line.currency == NO_CURRENCY or not line.month:
        raise CatalogError("the bill states no currency" if line.currency == NO_CURRENCY else "the row has no month")
    return shipped().monthly(line.currency, line.month)


def _paid(line: Line, rate: float) -> float:
    return line.cost["effective"] * rate


def _idle(line: Line, rate: float) -> Finding:
    paid = _paid(line, rate)
    return _finding(
        line, "a commitment stood idle", paid, (paid, paid, paid), ("rows that the provider marks as unused",)
    )


def _against(line: Line, rate: float, yardstick: Rate, title: str) -> Finding | None:
    price = line.unit_price() * rate
    saving = yardstick.saved(price, line.quantity)
    if saving[1] <= 0.0:
        return None
    text = (
        f"{title}: {price:.2f} USD an hour against {yardstick.middle:.2f} ({yardstick.low:.2f} to {yardstick.high:.2f})"
    )
    return _finding(line, text, _paid(line, rate), saving, yardstick.rests_on)


def _against_market(line: Line, rate: float) -> Finding | None:
    """Compare with what others charged for the same way of pricing."""
    yardstick = rental_rate(line.name, line.month, line.pricing)
    return _against(line, rate, yardstick, f"{line.name} {line.pricing} dearer than the market")


def _against_offers(offers: Sequence[MachineOffer], line: Line, rate: float) -> Finding | None:
    """Compare with a price list: the cheapest region of each machine that has the accelerator."""
    if line.pricing not in ("on demand", "spot"):
        return _against_market(line, rate)
    names = {offer.accelerator for offer in offers if accelerator_family(offer.accelerator) == line.name}
    found = prices(offers, names, spot=line.pricing == "spot")
    if not found:
        raise CatalogError(f"the price list has no {line.pricing} offer of {line.name!r}")
    low, middle, high = np.quantile(found, RANKS)
    yardstick = Rate(float(low), float(middle), float(high), (f"{len(found)} machines of the price list",))
    return _against(line, rate, yardstick, f"{line.name} {line.pricing} dearer than the price list")


def _against_commitment(line: Line, rate: float) -> Finding | None:
    """Compare steady use on demand with a year's commitment at market."""
    hours = end_of_month(line.month).day * 24.0
    units = line.quantity / hours
    if line.pricing != "on demand" or units < HOURS_STEADY:
        return None
    yardstick = rental_rate(line.name, line.month, "committed")
    steady = f"use is steady: {units:.1f} accelerators on average over the month"
    found = _against(line, rate, yardstick, f"{line.name} on demand all month, where a commitment would do")
    return None if found is None else _finding(line, found.title, found.paid, found.saving, (*found.rests_on, steady))


def _against_owning(line: Line, rate: float) -> Finding | None:
    """Compare with an owner's cost of an hour at full use, and give the use from which owning is cheaper."""
    yardstick = owner_rate(line.name)
    price = line.unit_price() * rate
    if not price > 0.0:
        return None
    use = yardstick.middle / price
    found = _against(line, rate, yardstick, f"{line.name} owned would be cheaper from {use:.0%} use on")
    return None if found is None or use >= 1.0 else found


def _renewal(line: Line, rate: float) -> Finding | None:
    """Return the cost of a commitment if it were renewed at the last market on record."""
    if line.pricing != "committed":
        return None
    month = latest_month(line.name)
    yardstick = rental_rate(line.name, month, "committed")
    price = line.unit_price() * rate
    gaps = [(price - other) * line.quantity for other in (yardstick.high, yardstick.middle, yardstick.low)]
    title = (
        f"{line.name} commitment, renewed at the market of {month}: {yardstick.middle:.2f} USD an hour "
        f"({yardstick.low:.2f} to {yardstick.high:.2f}) instead of {price:.2f}"
    )
    return _finding(line, title, _paid(line, rate), (gaps[0], gaps[1], gaps[2]), yardstick.rests_on)


_OF_HOURS = (_against_market, _against_commitment, _against_owning, _renewal)
_SIDES = {"input": "input", "cached input": "cache_read", "cache write": "cache_write", "output": "output"}
"""Kind of token in a price book, by the side that a bill names."""


PROVIDERS = {
    "amazon web services": "aws",
    "amazon": "aws",
    "microsoft": "azure",
    "microsoft azure": "azure",
    "google cloud": "google",
    "google cloud platform": "google",
    "mistral ai": "mistral",
    "xai": "x-ai",
    "together ai": "together",
    "fireworks ai": "fireworks",
}
"""Identifier in genai-prices, by the provider's name on a bill in lower case, where the two differ."""


def _provider(line: Line) -> str:
    name = line.provider.lower()
    return PROVIDERS.get(name, name)


def _token_rate(provider: str, line: Line) -> float:
    """Return a provider's list price of a line's tokens in the middle of its month, for a short prompt [USD]."""
    if line.side not in _SIDES:
        raise CatalogError(
            f"{line.month}, {line.name}: tokens of which the bill does not say whether they went in or out"
        )
    when = datetime.fromisoformat(f"{line.month}-15T12:00:00+00:00")
    return float(getattr(_book().find(provider, line.name).rates(when, 1), _SIDES[line.side]))


@cache
def _book() -> PackagedPrices:
    return PackagedPrices()


def _against_list(line: Line, rate: float) -> Finding | None:
    """Compare with the provider's own list price of that month."""
    listed = _token_rate(_provider(line), line)
    price = line.unit_price() * rate
    above = (price - listed) * line.quantity
    if above <= LEAST_GAP * listed * line.quantity:
        return None
    title = f"{line.name} {line.side} above list: {price * 1e6:.2f} USD per million tokens against {listed * 1e6:.2f}"
    rests = (f"list price of {line.provider} in genai-prices, short prompts",)
    return _finding(line, title, _paid(line, rate), (above, above, above), rests)


def _against_hosts(line: Line, rate: float) -> Finding | None:
    """Compare with other hosts that list the same model."""
    others: dict[str, float] = {}
    for host in _book().hosts(line.name):
        if host != _provider(line):
            with suppress(CatalogError):
                others[host] = _token_rate(host, line)
    prices = sorted(price for price in others.values() if price > 0.0)
    if not prices:
        return None
    yardstick = Rate(
        prices[0], float(np.median(prices)), prices[-1], tuple(f"{host} (genai-prices)" for host in others)
    )
    price = line.unit_price() * rate
    saving = yardstick.saved(price, line.quantity)
    if saving[1] <= 0.0:
        return None
    title = (
        f"{line.name} {line.side} dearer than at other hosts: {price * 1e6:.2f} USD per million tokens against "
        f"{yardstick.middle * 1e6:.2f} ({prices[0] * 1e6:.2f} to {prices[-1] * 1e6:.2f})"
    )
    return _finding(line, title, _paid(line, rate), saving, yardstick.rests_on)
