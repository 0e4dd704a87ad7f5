"""Write catalog figures as scenario parameters: a value with its source, grade and note.

Every written parameter from the catalog comes from here; a derived value is graded no stronger than its weakest
figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costmodel.catalog.records import NOT_RECORDED, Datum
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.provenance import Grade, Provenance, weakest


def written(
    figures: Datum | Iterable[Datum],
    value: Any = None,
    *,
    scale: float = 1.0,
    note: str = "",
    grade: Grade | None = None,
) -> dict[str, Any]:
    """Return a figure, or a value derived from several, as a written parameter.

    Parameters
    ----------
    figures
        One figure, or all figures from which the value is derived.
    value
        Value to write: a number, or the table of a distribution or a schedule; by default the figure itself.
    scale
        Factor from the figure's unit to the parameter's [1]; used only where ``value`` is absent.
    note
        How the value was derived. It follows the record, period and note of a single figure, and stands alone for
        several.
    grade
        Grade of the derivation, such as ``assumed`` for a split; the weakest of it and the figures' grades is
        written.

    Returns
    -------
    dict
        ``value``, ``grade`` and, where they are known, ``source`` and ``note``. The source is that of the weakest
        figure with one on record; a scenario needs it in its ``[sources]``, see :func:`source_table`.

    Raises
    ------
    CatalogError
        If ``value`` is absent, and the figure holds no number or there are several figures.

    Examples
    --------
    >>> from costmodel import catalog
    >>> price = catalog.electricity("Ohio").datum("price")
    >>> written(price)
    {'value': 0.079, 'source': 'eia-epm-2025-04', 'grade': 'published', 'note': 'Ohio 2025-04'}
    >>> written([price], 1.0, note="an example", grade=Grade.ASSUMED)["grade"]
    'assumed'
    """
    rows = (figures,) if isinstance(figures, Datum) else tuple(figures)
    if value is None and len(rows) != 1:
        raise CatalogError(f"{len(rows)} figures need a value: give the one derived from them")
    held = weakest(row.grade for row in rows)
    keys = [row.source_key for row in rows if row.grade is held and row.source_key != NOT_RECORDED]
    if isinstance(figures, Datum):
        about = f"{figures.record} {figures.period or ''}".strip()
        note = "; ".join(text for text in (about, figures.note, note) if text)
    evidence = Provenance(keys[0] if keys else None, held if grade is None else weakest([held, grade]), note or None)
    return evidence.beside(rows[0].number * scale if value is None else value)


def source_table(figures: Iterable[Datum]) -> dict[str, dict[str, str]]:
    """Return the table of sources that a scenario with these figures needs.

    Examples
    --------
    >>> from costmodel import catalog
    >>> list(source_table([catalog.electricity("Ohio").datum("price")]))
    ['eia-epm-2025-04']
    """
    table: dict[str, dict[str, str]] = {}
    for row in figures:
        if row.source_key != NOT_RECORDED:
            entry = {"title": row.source.title, "date": row.source.date, "link": row.source.link}
            table[row.source_key] = {key: text for key, text in entry.items() if text is not None}
    return table
