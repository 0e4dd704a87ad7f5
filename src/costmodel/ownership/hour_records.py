"""Inputs of an accelerator-hour from catalog records; a missing figure is an error, never a guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from costmodel.catalog import Catalog, Datum, Record
from costmodel.catalog.written import source_table, written
from costmodel.foundation.errors import CatalogError, near_matches
from costmodel.foundation.provenance import Grade
from costmodel.foundation.units import conversion_factor

NETWORK_SHARE = 0.19
"""Network between servers as a share of cluster hardware [1]: Cottier et al. (2024), arXiv 2405.21015."""
SERVER_OVERHEAD = 1.64
"""Price of a server per accelerator over the price of the accelerator alone [1]: Cottier et al. (2024)."""
HOUSE = "Epoch 1 GW GB200"
"""Record of the site that gives the building life and the running cost without energy."""
HOUSE_ENERGY = 0.6
"""Energy in that site's running cost [USD/W/year], from the record's note; the rest is maintenance and staff."""


DEFAULT_REGION = "US industrial"
"""Record of the electricity price by default."""
DEFAULT_PRECISION = "bf16"
"""Precision of the peak by default."""
DEFAULT_OPERATOR = "Epoch default hyperscaler"
"""Record of the power usage effectiveness by default."""
PRICED = ("chip_price", "server_price", "network_price")
"""Figures that come together from one price record."""
FIGURES = (
    *PRICED,
    "it_power",
    "pue",
    "electricity_price",
    "facility_cost_per_watt",
    "facility_life",
    "maintenance_per_watt",
    "peak",
)
"""Figures of an accelerator-hour that the catalog may hold."""
SIDE_FIGURES = ("peak",)
"""Figures that the cost of an hour does not need; outputs that need a missing one are blank."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Names of the records that a scenario asks for."""

    accelerator: str
    region: str
    operator: str
    precision: str


_Read = Callable[[Catalog, _Wanted], tuple[Datum, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Prices:
    """Written prices of chip, server and network, and the figures behind them, the leading one first."""

    chip_price: dict[str, Any]
    server_price: dict[str, Any]
    network_price: dict[str, Any]
    data: list[Datum]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of an accelerator-hour from the catalog.

    Parameters
    ----------
    entries
        Written parameters by name: value, source, grade, note.
    sources
        The table of sources that they need.
    priced_by
        Record of the price, for a title; empty where the price was given.
    """

    entries: dict[str, dict[str, Any]]
    sources: dict[str, dict[str, str]]
    priced_by: str


def figures(
    accelerator: str,
    wanted: Sequence[str],
    *,
    price: str | None = None,
    known_by: str | None = None,
    region: str = DEFAULT_REGION,
    operator: str = DEFAULT_OPERATOR,
    precision: str = DEFAULT_PRECISION,
) -> Figures:
    """Return figures of an accelerator-hour from the catalog.

    Parameters
    ----------
    accelerator
        Name in the catalog, such as ``"H100-SXM"``.
    wanted
        Names of `FIGURES`.
    price
        Basis of the price: ``"vendor"`` (the vendor's average price, with the server's other parts where they are
        recorded), ``"rack"`` (which includes the network), ``"owner_cost"`` (the cost to an owner of a chip of its own
        design), ``"server"``, ``"card"``, or ``"vendor_chip"`` (the vendor's average price, with a server overhead
        where its parts are not recorded). Absent: the first of these that is recorded in full.
    known_by
        Date by which prices must have been published, such as ``"2025-12"``; prices without a date are left out.
    region, operator
        Records of the electricity price and of the power usage effectiveness.
    precision
        Precision of the peak for the cost of an operation.

    Returns
    -------
    Figures
        The figures with their evidence.

    Raises
    ------
    CatalogError
        If the accelerator or a figure is not recorded.

    Notes
    -----
    The network between servers is `NETWORK_SHARE` of hardware for servers; a rack's price includes it. Of several
    prices of one day the mean is used; of several days the latest. Power that is not recorded is estimated from rated
    power (`it_power_over_rated`).

    Examples
    --------
    >>> found = figures("H100-SXM", ["pue", "chip_price"])
    >>> found.entries["pue"]["value"], found.priced_by
    (1.1, ': price by vendor (H100/H200, 2025)')
    """
    library = Catalog()
    library.accelerator(accelerator)
    names = _Wanted(accelerator, region, operator, precision)
    entries: dict[str, dict[str, Any]] = {}
    data: list[Datum] = []
    priced_by = ""
    if set(PRICED) & set(wanted):
        chosen, prices = _prices(library.as_of(known_by) if known_by else library, accelerator, price)
        entries = {name: getattr(prices, name) for name in PRICED if name in wanted}
        data = list(prices.data)
        priced_by = f": price by {chosen} ({data[0].record}, {data[0].period or 'undated'})"
    for field, read in _FIGURES.items():
        if field not in wanted or (field in SIDE_FIGURES and precision not in library.accelerator(accelerator)):
            continue
        datum, entries[field] = _read_figure(field, read, library, names)
        data.append(datum)
    return Figures(entries, source_table(data), priced_by)


def _read_figure(field: str, read: _Read, library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    """Read one figure; the error for a missing one names the input that may be given instead."""
    try:
        return read(library, wanted)
    except CatalogError as error:
        raise CatalogError(f"{error}; or give {field}") from None


def _prices(library: Catalog, accelerator: str, basis: str | None) -> tuple[str, _Prices]:
    """Return the prices of chip, server and network by the wanted basis, or the first that is recorded."""
    if basis is not None and basis not in _BASES:
        hint = near_matches(basis, _BASES)
        raise CatalogError(f"unknown price basis {basis!r}: allowed are {', '.join(_BASES)}{hint}")
    for name in _BASES if basis is None else (basis,):
        try:
            return name, _BASES[name](library, accelerator)
        except CatalogError:
            if basis is not None:
                raise
    raise CatalogError(
        f"no purchase price of {accelerator!r} is recorded in full; give chip_price, server_price and network_price"
    )


def _vendor(library: Catalog, accelerator: str) -> _Prices:
    chip = _latest(_vendor_record(library, accelerator), "vendor_average")
    parts = _like(library, "accelerator_prices", accelerator).datum("server_parts")
    other = parts.number / Catalog().accelerator(accelerator).domain
    server = written(parts, value=other, note="parts of a server beside its accelerators, shared by them")
    data = [*chip, parts]
    return _Prices(_entry(chip, "vendor's average price"), server, _network(data, _mean(chip) + other), data)


def _rack(library: Catalog, accelerator: str) -> _Prices:
    rack = _latest(_like(library, "accelerator_prices", accelerator), "rack")
    chip, data = _chip_of(library, accelerator, rack)
    server = written(data, _mean(rack) - chip["value"], note="price of the rack per accelerator, less the accelerator")
    return _Prices(chip, server, written(rack, 0.0, note="inside the price of the rack"), data)


def _server(library: Catalog, accelerator: str) -> _Prices:
    box = _latest(_like(library, "accelerator_prices", accelerator), "server")
    chip, data = _chip_of(library, accelerator, box)
    server = written(data, _mean(box) - chip["value"], note="price of the server per accelerator, less the accelerator")
    return _Prices(chip, server, _network(box, _mean(box)), data)


def _owner_cost(library: Catalog, accelerator: str) -> _Prices:
    chip = _latest(_like(library, "accelerator_prices", accelerator), "owner_cost")
    return _with_overhead(chip, "what the maker of its own chip pays")


def _card(library: Catalog, accelerator: str) -> _Prices:
    return _with_overhead(_latest(_like(library, "accelerator_prices", accelerator), "card"), "price of a card")


def _vendor_chip(library: Catalog, accelerator: str) -> _Prices:
    return _with_overhead(_latest(_vendor_record(library, accelerator), "vendor_average"), "vendor's average price")


def _with_overhead(chip: list[Datum], note: str) -> _Prices:
    price = _mean(chip)
    server = written(chip, price * (SERVER_OVERHEAD - 1.0), note=f"server overhead {SERVER_OVERHEAD} of Cottier et al.")
    return _Prices(_entry(chip, note), server, _network(chip, price * SERVER_OVERHEAD), chip)


_BASES: dict[str, Callable[[Catalog, str], _Prices]] = {
    "vendor": _vendor,
    "rack": _rack,
    "owner_cost": _owner_cost,
    "server": _server,
    "card": _card,
    "vendor_chip": _vendor_chip,
}


def _chip_of(library: Catalog, accelerator: str, whole: list[Datum]) -> tuple[dict[str, Any], list[Datum]]:
    """Return the chip's part of a server's or rack's price: the vendor's average, or the price without overhead."""
    try:
        chip = _latest(_vendor_record(library, accelerator), "vendor_average")
    except CatalogError:
        chip = []
    if chip and _mean(chip) < _mean(whole):
        return _entry(chip, "vendor's average price"), [*whole, *chip]
    part = _mean(whole) / SERVER_OVERHEAD
    return written(whole, part, note=f"price over the server overhead {SERVER_OVERHEAD} of Cottier et al."), whole


def _network(data: list[Datum], hardware: float) -> dict[str, Any]:
    cost = hardware * NETWORK_SHARE / (1.0 - NETWORK_SHARE)
    return written(data, cost, note=f"{NETWORK_SHARE:.0%} of cluster hardware, Cottier et al.")


def _entry(data: list[Datum], note: str) -> dict[str, Any]:
    return written(data, _mean(data), note=f"{note}: {', '.join(f'{row.number:,.0f} ({row.period})' for row in data)}")


def _mean(data: list[Datum]) -> float:
    return sum(row.number for row in data) / len(data)


def _latest(record: Record, field: str) -> list[Datum]:
    """Return all figures of a field's latest period."""
    last = record.datum(field)
    return [row for row in record.all(field) if row.period == last.period]


def _vendor_record(library: Catalog, accelerator: str) -> Record:
    """Return the record of the vendor's average price, which may cover several chips, as ``H100/H200``."""
    wanted = set(_short_names(accelerator))
    for name, record in library.table("accelerator_prices").items():
        if wanted & set(name.split("/")) and "vendor_average" in record:
            return record
    raise CatalogError(f"no vendor's average price of {accelerator!r} is recorded")


def _short_names(accelerator: str) -> tuple[str, ...]:
    """Return the names under which a table may list an accelerator: in full, and without its form factor."""
    form = accelerator
    for suffix in ("-SXM", "-NVL72", "-NVL"):
        form = form.replace(suffix, "")
    return tuple(dict.fromkeys((accelerator, form)))


def _like(library: Catalog, table: str, accelerator: str) -> Record:
    """Return an accelerator's record in a table that may list it without its form factor."""
    records = library.table(table)
    for name in _short_names(accelerator):
        found = records.get(name) or next((r for key, r in records.items() if key.startswith(f"{name}-")), None)
        if found is not None:
            return found
    raise CatalogError(f"nothing about {accelerator!r} is recorded in {table}")


def _power(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    try:
        datum = _like(library, "accelerator_hours", wanted.accelerator).datum("it_power")
    except CatalogError:
        datum = library.accelerator(wanted.accelerator).datum("power")
        ratio = it_power_over_rated()
        note = f"estimated: {ratio:.2f} times rated power, the median of accelerators with both on record"
        return datum, written([datum], datum.number * ratio, note=note, grade=Grade.ESTIMATED)
    return datum, written(datum)


@cache
def it_power_over_rated() -> float:
    """Return the median of IT power per accelerator, with server and network, over rated power [1].

    Examples
    --------
    >>> 1.0 < it_power_over_rated() < 2.5
    True
    """
    library = Catalog()
    ratios = []
    for name in library.names("accelerators"):
        with suppress(CatalogError):
            whole = _like(library, "accelerator_hours", name).datum("it_power").number
            ratios.append(whole / library.accelerator(name).power)
    return median(ratios)


def _pue(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.pue(wanted.operator).datum("pue")
    return datum, written(datum)


def _electricity(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.electricity(wanted.region).datum("price")
    return datum, written(datum, scale=conversion_factor("USD/kWh", "USD/Wh"))


def _facility(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility("facility only").datum("facility_per_power")
    return datum, written(datum)


def _facility_life(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility(HOUSE).datum("building_life")
    return datum, written(datum)


def _maintenance(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility(HOUSE).datum("opex_per_power")
    return datum, written(datum, value=datum.number - HOUSE_ENERGY, note=f"less energy, {HOUSE_ENERGY} USD/W/year")


def _peak(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.accelerator(wanted.accelerator).datum(wanted.precision)
    return datum, written(datum)


_FIGURES: dict[str, _Read] = {
    "it_power": _power,
    "pue": _pue,
    "electricity_price": _electricity,
    "facility_cost_per_watt": _facility,
    "facility_life": _facility_life,
    "maintenance_per_watt": _maintenance,
    "peak": _peak,
}
