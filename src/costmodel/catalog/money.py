"""Convert money between price years with a price index of the catalog."""

from __future__ import annotations

from dataclasses import replace

from costmodel.catalog.access import Catalog
from costmodel.catalog.records import Datum
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.provenance import weakest
from costmodel.foundation.restated import DEFAULT_INDEX

_WHOLE = Catalog()


@formula()
def to_real(amount: Numeric, index_then: Numeric, index_wanted: Numeric) -> Numeric:
    """Convert an amount in prices of one year into prices of another, by a price index.

    Parameters
    ----------
    amount
        Amount in prices of the year in which it was paid [USD].
    index_then
        Price index of that year, positive.
    index_wanted
        Price index of the year wanted, positive.

    Returns
    -------
    Numeric
        The same purchasing power in money of the year wanted [USD].

    Notes
    -----
    ``amount · index_wanted / index_then``.

    Examples
    --------
    >>> round(float(to_real(100.0, 250.0, 300.0)), 6)
    120.0
    """
    return amount * index_wanted / index_then


def in_money_of(year: int, datum: Datum, index: str = DEFAULT_INDEX, catalog: Catalog = _WHOLE) -> Datum:
    """Return an amount of money in prices of another year.

    Parameters
    ----------
    year
        Year in whose prices the amount is wanted.
    datum
        A recorded figure; returned unchanged if it is not money or its price year is not recorded.
    index
        Name of the price index.
    catalog
        Catalog that holds the index.

    Returns
    -------
    Datum
        The converted figure with its range. Its grade is no stronger than the index's; its note names the conversion.

    Raises
    ------
    CatalogError
        If the index has no figure for one of the two years: a missing year is not extrapolated.

    Examples
    --------
    >>> paid = _WHOLE.company("Alphabet").annual("capex")[2020]
    >>> round(in_money_of(2024, paid).number / paid.number, 3)
    1.212
    """
    if datum.price_year is None or datum.price_year == year:
        return datum
    series = catalog.price_index(index)
    then, wanted = series.datum("index", datum.price_year), series.datum("index", year)

    def real(amount: float | None) -> float | None:
        return None if amount is None else float(to_real(amount, then.number, wanted.number))

    said = f"money of {datum.price_year} in money of {year} by {index}"
    return replace(
        datum,
        value=real(datum.value),
        low=real(datum.low),
        high=real(datum.high),
        price_year=year,
        grade=weakest((datum.grade, then.grade, wanted.grade)),
        note=said if datum.note is None else f"{datum.note}; {said}",
    )


def yearly_levels(index: str = DEFAULT_INDEX, catalog: Catalog = _WHOLE) -> dict[int, float]:
    """Return the levels of a price index by year [1]; their base differs by index.

    Parameters
    ----------
    index
        Name of the price index.
    catalog
        Catalog that holds it.

    Raises
    ------
    CatalogError
        If there is no such index.

    Examples
    --------
    >>> yearly_levels()[2024]
    313.689
    """
    return {int(str(datum.period)): datum.number for datum in catalog.price_index(index).series("index")}
