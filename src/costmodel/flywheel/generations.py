"""Dated hardware generations from the catalog, as a product line of the flywheel (item 2).

A line's price and power per reference accelerator step from one generation to the next: catalog figures scaled by the
reference peak over the generation's 8-bit peak. Your own line needs only the date from which each generation is bought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import costmodel.catalog as catalog
from costmodel.catalog.written import source_table, written
from costmodel.foundation.errors import CatalogError, DomainError

REFERENCE_PEAK = 1.979e15
"""Dense 8-bit peak of the reference accelerator [FLOP/s]: an H100 SXM, the convention of Epoch's chip counts."""
SERVER_POWER_FACTOR = 1.8
"""Power of a server per accelerator over the accelerator's rated power [1]: Cottier et al. 2024, accelerators other
than A100, H100 and V100."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation of accelerators and the date from which it is bought.

    Parameters
    ----------
    start
        First date, ``2024-07`` or ``2024-07-01``.
    accelerator
        Name in the catalog's table of accelerators: its 8-bit peak and rated power are read.
    price
        Name in the catalog's table of accelerator prices.
    form
        Form of sale: ``server``, ``rack``, ``vendor_average``, ``owner_cost``.
    """

    start: str
    accelerator: str
    price: str
    form: str = "server"


def line_of_generations(
    generations: Sequence[Generation],
    *,
    pue: float,
    share: float = 1.0,
    power_factor: float = SERVER_POWER_FACTOR,
    reference_peak: float = REFERENCE_PEAK,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the written form of a product line whose price and power are those of dated generations.

    Parameters
    ----------
    generations
        At least one, in order of their dates.
    pue
        Power usage effectiveness of the sites, at least 1 [1].
    share
        Share of purchases by units, at least 0 [1].
    power_factor
        Server power per accelerator over rated power, above 0 [1].
    reference_peak
        8-bit peak of the reference accelerator, above 0 [FLOP/s].

    Returns
    -------
    tuple
        The line, for ``hardware.lines.NAME``, and the entries that its sources need in ``sources``.

    Raises
    ------
    DomainError
        If there is no generation, or a number is outside its range.
    CatalogError
        If a record, its 8-bit peak or a price in the requested form is missing; the message names it.

    Notes
    -----
    Price and power are divided by the generation's 8-bit peak over the reference's. The grade is the weakest of the
    figures used, the source that of the weakest figure; the note lists the others.

    Examples
    --------
    >>> line, _ = line_of_generations([Generation("2023-01", "H100-SXM", "H100")], pue=1.1)
    >>> line["price"]["value"]["knots"][0][0], round(line["power"]["value"]["knots"][0][1])
    ('2023-01', 1386)
    """
    if not generations:
        raise DomainError("a line needs at least one generation")
    if not (pue >= 1.0 and power_factor > 0.0 and reference_peak > 0.0 and share >= 0.0):
        raise DomainError(f"need pue ≥ 1, power_factor > 0 and share ≥ 0; got {pue!r}, {power_factor!r} and {share!r}")
    prices, powers, read_prices, read_powers = [], [], [], []
    for item in generations:
        chip = catalog.accelerator(item.accelerator)
        peak = _eight_bit(chip, item.accelerator)
        price, power = catalog.accelerator_price(item.price).datum(item.form), chip.datum("power")
        ratio = _number(peak) / reference_peak
        prices.append([item.start, _number(price) / ratio])
        powers.append([item.start, _number(power) * power_factor * pue / ratio])
        read_prices.append((price, peak))
        read_powers.append((power, peak))
    names = ", ".join(f"{item.accelerator} from {item.start}" for item in generations)
    sources: dict[str, Any] = {}
    return (
        {
            "share": share,
            "price": _schedule(prices, read_prices, f"Catalog prices over 8-bit peak: {names}.", sources),
            "power": _schedule(powers, read_powers, f"Rated power × {power_factor:g} × PUE {pue:g}: {names}.", sources),
        },
        sources,
    )


def _number(figure: Any) -> float:
    """Return a figure's value, refusing a blank one."""
    if figure.value is None:
        raise CatalogError(f"{figure.kind} {figure.record!r} has no number for {figure.field}")
    return float(figure.value)


def _eight_bit(chip: Any, name: str) -> Any:
    """Return the 8-bit peak, floating point first."""
    for field in ("fp8", "int8"):
        if chip.all(field):
            return chip.datum(field)
    raise CatalogError(f"accelerator {name!r} has no recorded 8-bit peak")


def _schedule(knots: list[list[Any]], read: list[Any], note: str, sources: dict[str, Any]) -> dict[str, Any]:
    """Return a step schedule with the weakest grade of its figures, and record its sources."""
    figures = [figure for pair in read for figure in pair]
    sources.update(source_table(figures))
    return written(figures, {"knots": knots, "interpolation": "step"}, note=note)
