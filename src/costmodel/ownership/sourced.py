"""Figures of the catalog as written parameters, with their evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costmodel.catalog import NOT_RECORDED, Datum
from costmodel.foundation.provenance import Grade, weakest

WH_PER_KWH = 1000.0
"""Watt-hours in a kilowatt-hour [1]: the catalog keeps prices per kWh, parameters per Wh."""


def sourced(datum: Datum, *, scale: float = 1.0, value: float | None = None, note: str = "") -> dict[str, Any]:
    """Return a figure as a written parameter.

    Parameters
    ----------
    datum
        The figure.
    scale
        Factor to the unit of the parameter [1].
    value
        A value derived from it, in place of the figure itself.
    note
        What was done, beside the figure's own note.

    Examples
    --------
    >>> from costmodel import catalog
    >>> entry = sourced(catalog.electricity("Ohio").datum("price"), scale=1 / WH_PER_KWH)
    >>> round(entry["value"] * 1e6, 2), entry["source"]
    (79.0, 'eia-epm-2025-04')
    """
    written: dict[str, Any] = {"value": datum.number * scale if value is None else value, "grade": datum.grade.value}
    if datum.source_key != NOT_RECORDED:
        written["source"] = datum.source_key
    described = "; ".join(text for text in (f"{datum.record} {datum.period or ''}".strip(), datum.note, note) if text)
    return {**written, "note": described}


def derived(data: Iterable[Datum], value: float, note: str) -> dict[str, Any]:
    """Return a value derived from several figures: never stronger than the weakest of them.

    Examples
    --------
    >>> from costmodel import catalog
    >>> entry = derived([catalog.electricity("Ohio").datum("price")], 1.0, "an example")
    >>> entry["grade"], entry["note"]
    ('published', 'an example')
    """
    rows = tuple(data)
    grade = weakest(row.grade for row in rows)
    keys = [row.source_key for row in rows if row.grade is grade and row.source_key != NOT_RECORDED]
    written: dict[str, Any] = {"value": value, "grade": grade.value, "note": note}
    if keys:
        written["source"] = keys[0]
    elif grade not in (Grade.ASSUMED, Grade.UNVERIFIED):
        written["grade"] = Grade.UNVERIFIED.value
    return written


def source_table(data: Iterable[Datum]) -> dict[str, dict[str, str]]:
    """Return the table of sources that a scenario with these figures needs.

    Examples
    --------
    >>> from costmodel import catalog
    >>> list(source_table([catalog.electricity("Ohio").datum("price")]))
    ['eia-epm-2025-04']
    """
    table: dict[str, dict[str, str]] = {}
    for datum in data:
        if datum.source_key != NOT_RECORDED:
            entry = {"title": datum.source.title, "date": datum.source.date, "link": datum.source.link}
            table[datum.source_key] = {key: text for key, text in entry.items() if text is not None}
    return table
