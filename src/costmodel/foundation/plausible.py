"""Reject bare numbers that are implausible for their unit: a price of 160 USD/Wh probably means 160 USD/MWh.

A number without a unit is in the unit that its field declares, which is not always the unit that the user meant. A
number far outside the range of any such quantity is refused, and the message suggests the probable spelling. The ranges
are wider than every known extreme; to enter a more extreme number, write its unit. They apply to the library's own
fields; a user's field may declare its own plausible range.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from costmodel.foundation.errors import DomainError
from costmodel.foundation.quantities import parse_quantity


@dataclass(frozen=True, slots=True)
class Plausible:
    """Plausible range of bare numbers in one unit.

    Parameters
    ----------
    low, high
        Least and greatest magnitude of a number other than 0, in the unit.
    usual
        Range of most such quantities, in the unit; suggested spellings must fall into it.
    spellings
        Units that are common for such a quantity, the most common first.
    """

    low: float
    high: float
    usual: tuple[float, float]
    spellings: tuple[str, ...]


RANGES = {
    "USD/Wh": Plausible(0.0, 0.01, (1e-6, 1e-3), ("USD/kWh", "USD/MWh")),
    "USD/token": Plausible(0.0, 0.1, (1e-9, 1e-3), ("USD/Mtoken", "USD/ktoken")),
    "USD/hour": Plausible(0.0, 1e4, (0.05, 100.0), ("USD/month", "USD/year", "USD/day")),
    "USD/W": Plausible(0.0, 1e3, (1.0, 100.0), ("USD/kW", "USD/MW")),
    "USD/W/year": Plausible(0.0, 1e3, (0.01, 10.0), ("USD/kW/year", "USD/MW/year")),
    "FLOP/s": Plausible(1e6, inf, (1e12, 1e17), ("TFLOP/s", "PFLOP/s", "GFLOP/s")),
    "byte/s": Plausible(1e5, inf, (1e9, 1e14), ("TB/s", "GB/s", "Gbit/s")),
    "byte": Plausible(0.0, inf, (1e9, 1e13), ("GB", "TB")),
    "W": Plausible(0.0, inf, (100.0, 1e10), ("kW", "MW")),
    "s/token": Plausible(0.0, 60.0, (1e-4, 1.0), ("ms/token",)),
    "token": Plausible(0.0, inf, (1e9, 1e15), ("trillion tokens", "billion tokens")),
    "1/year": Plausible(0.0, inf, (1e-3, 0.6), ("%/year",)),
    "year": Plausible(0.0, 200.0, (0.1, 60.0), ("month", "day")),
}
"""Plausible ranges of bare numbers by unit: chosen, not measured, beyond known extremes, such as price caps of
wholesale power of some 10 USD/kWh, tokens at some 600 USD per million, and processors of a few MFLOP/s."""


def refuse_implausible(number: float, unit: str, sizes: tuple[float, float]) -> None:
    """Raise `DomainError` if a bare number is implausible for its unit.

    Parameters
    ----------
    number
        The number as written, in ``unit``.
    unit
        Unit that the field declares.
    sizes
        Least and greatest plausible magnitude of a number other than 0 in the field.

    Raises
    ------
    DomainError
        If the number is implausible; the message gives the probable spelling, and the spelling that keeps the number.

    Examples
    --------
    >>> refuse_implausible(8e-5, "USD/Wh", (0.0, 0.01))
    >>> try:
    ...     refuse_implausible(160.0, "USD/Wh", (0.0, 0.01))
    ... except DomainError as error:
    ...     print(error)
    160 USD/Wh is out of all proportion: did you mean '160 USD/MWh'? If not, write the unit: '160.0 USD/Wh'
    """
    if is_plausible(number, sizes):
        return
    hint = meant(number, unit)
    asked = f"did you mean {hint}? If not," if hint else "if it is meant,"
    raise DomainError(
        f"{number:g} {unit} is out of all proportion: {asked} write the unit: {with_unit(number, unit)!r}"
    )


def meant(number: float, unit: str) -> str:
    """Return the spellings with which a bare number would have a usual size, or an empty string.

    Examples
    --------
    >>> meant(80.0, "byte"), meant(0.08, "USD/Wh")
    ("'80 GB'", "'0.08 USD/kWh'")
    """
    known = RANGES.get(unit)
    if known is None:
        return ""
    low, high = known.usual
    names = [name for name in known.spellings if low <= abs(number) * _size(name, unit) <= high]
    return " or ".join(repr(f"{number:g}{'' if name[0] == '%' else ' '}{name}") for name in names[:2])


def is_plausible(number: float, sizes: tuple[float, float]) -> bool:
    """Return whether a bare number is plausible; 0 always is.

    Examples
    --------
    >>> is_plausible(2.5, (0.0, 0.01)), is_plausible(2.5e-6, (0.0, 0.01))
    (False, True)
    """
    return number == 0.0 or sizes[0] <= abs(number) <= sizes[1]


def with_unit(number: float, unit: str) -> str:
    """Return a number with its unit as text; parsing it gives the same number."""
    return f"{number!r} {unit}"


def _size(name: str, unit: str) -> float:
    """Return the size of a unit, by its spelling, in ``unit``."""
    return parse_quantity(f"1 {name}", unit)
