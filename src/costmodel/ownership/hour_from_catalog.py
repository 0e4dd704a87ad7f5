"""The inputs of an accelerator-hour from catalog records; what is missing is named, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from costmodel.catalog import Catalog, Datum, Record
from costmodel.foundation.errors import CatalogError, near_matches
from costmodel.ownership.accelerator_hour import AcceleratorHour
from costmodel.ownership.sourced import WH_PER_KWH, derived, source_table, sourced

NETWORK_SHARE = 0.19
"""Network between servers as a share of cluster hardware [1]: Cottier et al. (2024), arXiv 2405.21015."""
SERVER_OVERHEAD = 1.64
"""Price of a server per accelerator over that of the accelerator alone [1]: Cottier et al. (2024)."""
HOUSE = "Epoch 1 GW GB200"
"""Record of the site whose building life, and running cost beside energy, are used."""
HOUSE_ENERGY = 0.6
"""Energy in that site's running cost [USD/W/year]: the note of the record; the rest is maintenance and staff."""


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


def from_catalog(
    accelerator: str,
    *,
    price: str | None = None,
    as_of: str | None = None,
    region: str = "US industrial",
    operator: str = "Epoch default hyperscaler",
    precision: str = "bf16",
    it_life: Any = 4.0,
    wacc: Any = 0.07,
    **changes: Any,
) -> AcceleratorHour:
    """Build the cost of an accelerator-hour from the catalog's prices, power and site figures.

    Parameters
    ----------
    accelerator
        Name in the catalog, as ``"H100-SXM"``.
    price
        Which record prices it: ``"vendor"`` (the vendor's average price, with the server's other parts where they
        are recorded), ``"rack"`` (whose price holds the network), ``"owner_cost"`` (what the maker of its own chip
        pays), ``"server"`` or ``"card"``. Absent: the first of these that is recorded in full.
    as_of
        Only prices published by then, as ``"2025-12"``; one whose date of publication is blank belongs to no past.
    region, operator
        Records of the electricity price and the PUE.
    precision
        Precision of the peak for the cost of an operation.
    it_life, wacc
        Years of recovery [year] and cost of capital [1/year]; 4 years and 7 % are those of the published comparison.
    **changes
        Other inputs of `AcceleratorHour`, which replace a record.

    Returns
    -------
    AcceleratorHour
        A scenario whose title names the price record, and whose figures carry their sources.

    Raises
    ------
    CatalogError
        If the accelerator, its price, its power or a site figure is not recorded and not given.

    Notes
    -----
    The network between servers is `NETWORK_SHARE` of hardware for servers; for a rack it is inside the price. Among
    several prices of one day the mean is taken; among days the latest.

    Examples
    --------
    >>> from costmodel.ownership.accelerator_hour import accelerator_hour
    >>> scenario = from_catalog("H100-SXM")
    >>> round(float(accelerator_hour(scenario.resolve()).total), 2)
    1.48
    """
    library = Catalog()
    library.accelerator(accelerator)
    values: dict[str, Any] = {}
    data: list[Datum] = []
    wanted = _Wanted(accelerator, region, operator, precision)
    title = f"{accelerator}, owned"
    if not set(_PRICED) <= set(changes):
        chosen, prices = _prices(library.as_of(as_of) if as_of else library, accelerator, price)
        values, data = {name: getattr(prices, name) for name in _PRICED}, list(prices.data)
        title = f"{title}: price by {chosen} ({data[0].record}, {data[0].period or 'undated'})"
    for field, read in _FIGURES.items():
        if field not in changes:
            datum, values[field] = _read_figure(field, read, library, wanted)
            data.append(datum)
    settings: dict[str, Any] = {
        "name": f"accelerator-hour-{accelerator.lower()}",
        "title": title,
        "accelerator": accelerator,
        "it_life": it_life,
        "wacc": wacc,
        "sources": source_table(data),
        "not_modelled": ("staff, software, storage, spares and tax", "resale value at the end of life"),
    }
    return AcceleratorHour(**{**settings, **values, **changes})


def _read_figure(field: str, read: _Read, library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    """Read one figure, saying which input may stand in for it where it is missing."""
    try:
        return read(library, wanted)
    except CatalogError as error:
        raise CatalogError(f"{error}; or give {field}") from None


_PRICED = ("chip_price", "server_price", "network_price")


def _prices(library: Catalog, accelerator: str, basis: str | None) -> tuple[str, _Prices]:
    """Return the prices of chip, server and network by the wanted basis, or the first that is recorded."""
    if basis is not None and basis not in _BASES:
        hint = near_matches(basis, _BASES)
        raise CatalogError(f"unknown price basis {basis!r}: allowed are {', '.join(_BASES)}{hint}")
    reasons = []
    for name in _BASES if basis is None else (basis,):
        try:
            return name, _BASES[name](library, accelerator)
        except CatalogError as error:
            reasons.append(f"{name}: {error}")
    raise CatalogError(f"no purchase price of {accelerator!r} is recorded in full ({'; '.join(reasons)})")


def _vendor(library: Catalog, accelerator: str) -> _Prices:
    chip = _latest(_vendor_record(library, accelerator), "vendor_average")
    parts = _like(library, "accelerator_prices", accelerator).datum("server_parts")
    other = parts.number / Catalog().accelerator(accelerator).domain
    server = sourced(parts, value=other, note="parts of a server beside its accelerators, shared by them")
    data = [*chip, parts]
    return _Prices(_entry(chip, "vendor's average price"), server, _network(data, _mean(chip) + other), data)


def _rack(library: Catalog, accelerator: str) -> _Prices:
    rack = _latest(_like(library, "accelerator_prices", accelerator), "rack")
    chip, data = _chip_of(library, accelerator, rack)
    server = derived(data, _mean(rack) - chip["value"], "price of the rack per accelerator, less the accelerator")
    return _Prices(chip, server, derived(rack, 0.0, "inside the price of the rack"), data)


def _server(library: Catalog, accelerator: str) -> _Prices:
    box = _latest(_like(library, "accelerator_prices", accelerator), "server")
    chip, data = _chip_of(library, accelerator, box)
    server = derived(data, _mean(box) - chip["value"], "price of the server per accelerator, less the accelerator")
    return _Prices(chip, server, _network(box, _mean(box)), data)


def _owner_cost(library: Catalog, accelerator: str) -> _Prices:
    chip = _latest(_like(library, "accelerator_prices", accelerator), "owner_cost")
    return _with_overhead(chip, "what the maker of its own chip pays")


def _card(library: Catalog, accelerator: str) -> _Prices:
    return _with_overhead(_latest(_like(library, "accelerator_prices", accelerator), "card"), "price of a card")


def _with_overhead(chip: list[Datum], note: str) -> _Prices:
    price = _mean(chip)
    server = derived(chip, price * (SERVER_OVERHEAD - 1.0), f"server overhead {SERVER_OVERHEAD} of Cottier et al.")
    return _Prices(_entry(chip, note), server, _network(chip, price * SERVER_OVERHEAD), chip)


_BASES: dict[str, Callable[[Catalog, str], _Prices]] = {
    "vendor": _vendor,
    "rack": _rack,
    "owner_cost": _owner_cost,
    "server": _server,
    "card": _card,
}


def _chip_of(library: Catalog, accelerator: str, whole: list[Datum]) -> tuple[dict[str, Any], list[Datum]]:
    """Return what of a server's or rack's price is the chip: the vendor's average, or the overhead taken off."""
    try:
        chip = _latest(_vendor_record(library, accelerator), "vendor_average")
    except CatalogError:
        chip = []
    if chip and _mean(chip) < _mean(whole):
        return _entry(chip, "vendor's average price"), [*whole, *chip]
    part = _mean(whole) / SERVER_OVERHEAD
    return derived(whole, part, f"price over the server overhead {SERVER_OVERHEAD} of Cottier et al."), whole


def _network(data: list[Datum], hardware: float) -> dict[str, Any]:
    cost = hardware * NETWORK_SHARE / (1.0 - NETWORK_SHARE)
    return derived(data, cost, f"{NETWORK_SHARE:.0%} of cluster hardware, Cottier et al.")


def _entry(data: list[Datum], note: str) -> dict[str, Any]:
    return derived(data, _mean(data), f"{note}: {', '.join(f'{row.number:,.0f} ({row.period})' for row in data)}")


def _mean(data: list[Datum]) -> float:
    return sum(row.number for row in data) / len(data)


def _latest(record: Record, field: str) -> list[Datum]:
    """Return every figure of a field's latest period."""
    last = record.datum(field)
    return [row for row in record.all(field) if row.period == last.period]


def _vendor_record(library: Catalog, accelerator: str) -> Record:
    """Return the record of the vendor's average price, which may name several chips, as ``H100/H200``."""
    wanted = set(_short_names(accelerator))
    for name, record in library.table("accelerator_prices").items():
        if wanted & set(name.split("/")) and "vendor_average" in record:
            return record
    raise CatalogError(f"no vendor's average price of {accelerator!r} is recorded")


def _short_names(accelerator: str) -> tuple[str, ...]:
    """Return the names under which a table may list an accelerator: as it stands, and without its form."""
    form = accelerator
    for suffix in ("-SXM", "-NVL72", "-NVL"):
        form = form.replace(suffix, "")
    return tuple(dict.fromkeys((accelerator, form)))


def _like(library: Catalog, table: str, accelerator: str) -> Record:
    """Return an accelerator's record in a table that may list it without its form."""
    records = library.table(table)
    for name in _short_names(accelerator):
        found = records.get(name) or next((r for key, r in records.items() if key.startswith(f"{name}-")), None)
        if found is not None:
            return found
    raise CatalogError(f"nothing about {accelerator!r} is recorded in {table}")


def _power(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = _like(library, "accelerator_hours", wanted.accelerator).datum("it_power")
    return datum, sourced(datum)


def _pue(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.pue(wanted.operator).datum("pue")
    return datum, sourced(datum)


def _electricity(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.electricity(wanted.region).datum("price")
    return datum, sourced(datum, scale=1.0 / WH_PER_KWH)


def _facility(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility("facility only").datum("facility_per_power")
    return datum, sourced(datum)


def _facility_life(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility(HOUSE).datum("building_life")
    return datum, sourced(datum)


def _maintenance(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.facility(HOUSE).datum("opex_per_power")
    return datum, sourced(datum, value=datum.number - HOUSE_ENERGY, note=f"less energy, {HOUSE_ENERGY} USD/W/year")


def _peak(library: Catalog, wanted: _Wanted) -> tuple[Datum, dict[str, Any]]:
    datum = library.accelerator(wanted.accelerator).datum(wanted.precision)
    return datum, sourced(datum)


_FIGURES: dict[str, _Read] = {
    "it_power": _power,
    "pue": _pue,
    "electricity_price": _electricity,
    "facility_cost_per_watt": _facility,
    "facility_life": _facility_life,
    "maintenance_per_watt": _maintenance,
    "peak": _peak,
}
