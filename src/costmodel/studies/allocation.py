"""Allocation of a fleet's cost among teams, models or customers, with the cost of idle capacity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.outside import number_from
from costmodel.foundation.tables import Table, Tabled

IdleRule = Literal["apart", "by reservation", "by use"]
"""Rule for idle cost: charged to no user, split by reservation, or split by use."""
IDLE_RULES: tuple[IdleRule, ...] = ("apart", "by reservation", "by use")
CENT = 0.01
"""Smallest amount that an allocation distinguishes [currency]."""
COMPUTE_SLICES = 7
"""Slices of the multiprocessors that NVIDIA's multi-instance GPUs (A100, H100, H200, B200) are split into [1]."""
ShareBy = Literal["compute", "memory"]
"""Part of a slice that is charged for: its multiprocessors, or its memory."""
_SLICE = re.compile(r"(?:([0-9]{1,4})\s*[x×]\s*)?(?:MIG\s*)?([0-9])g\.([0-9]{1,3})gb(?:\+\S+)?", re.IGNORECASE)
_PART = re.compile(r"(?:([0-9]{1,4})\s*[x×]\s*)?([0-9]{1,4})\s*/\s*([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Share:
    """Share of one user in the cost of a fleet.

    Parameters
    ----------
    name
        Team, model or customer.
    reserved, used
        Units reserved and used on average, >= 0 [units].
    own
        Cost of the units used, or of those reserved where use is not given [currency/hour].
    idle
        Its part of the cost of idle units [currency/hour].
    """

    name: str
    reserved: float
    used: float
    own: float
    idle: float

    @property
    def total(self) -> float:
        """Total that it pays [currency/hour]."""
        return self.own + self.idle


@dataclass(frozen=True, slots=True)
class Allocation(Tabled):
    """The cost of a fleet, split; shares and idle capacity add up to the total.

    Parameters
    ----------
    total
        Cost of the fleet [currency/hour].
    shares
        What each user pays.
    idle_units, idle_cost
        Units that nobody uses [units], and the part of their cost that nobody is charged [currency/hour].
    rule
        Who pays for idle capacity.
    """

    total: float
    shares: tuple[Share, ...]
    idle_units: float
    idle_cost: float
    rule: IdleRule

    def __getitem__(self, name: str) -> Share:
        """Return a user's share.

        Raises
        ------
        ScenarioError
            If there is no user of that name.
        """
        for share in self.shares:
            if share.name == name:
                return share
        raise ScenarioError(f"no user {name!r}: there are {', '.join(share.name for share in self.shares)}")

    def table(self) -> Table:
        """Return a table of what each user reserves, uses and pays, to the cent, with idle capacity."""
        exact = self.rounded()
        rows: list[dict[str, Any]] = [
            {"user": share.name, "reserved": share.reserved, "used": share.used, "pays": exact[share.name]}
            for share in self.shares
        ]
        rows.append({"user": "idle", "reserved": None, "used": self.idle_units, "pays": exact["idle"]})
        return Table.of(rows, f"{self.total:,.2f} in all, idle capacity {self.rule}")

    def rounded(self) -> dict[str, float]:
        """Return the shares, and ``idle``, in whole cents that add up to the rounded total exactly.

        Each amount is rounded down, and the cents that are left go to the largest remainders, the first in order
        where they are equal.

        Examples
        --------
        >>> split = allocate(3, 10.0, {"a": 1, "b": 1, "c": 1})
        >>> split.rounded()
        {'a': 3.34, 'b': 3.33, 'c': 3.33, 'idle': 0.0}
        """
        amounts = {share.name: share.total for share in self.shares} | {"idle": self.idle_cost}
        cents = {name: amount / CENT for name, amount in amounts.items()}
        floors = {name: int(value + 1e-9) for name, value in cents.items()}
        left = round(self.total / CENT) - sum(floors.values())
        order = sorted(cents, key=lambda name: floors[name] - cents[name])
        for name in order[:left]:
            floors[name] += 1
        return {name: count / 100 for name, count in floors.items()}


def units_of(text: str, memory: float = 80.0, by: ShareBy = "compute") -> float:
    """Return an amount in accelerators, from whole ones, time slices, or slices of a multi-instance GPU.

    Parameters
    ----------
    text
        A number, a time slice as ``1/4`` (one of four replicas), or a profile as ``1g.10gb``; several as ``2x3g.40gb``.
    memory
        Memory of the accelerator as its profiles count it, > 0 [GB].
    by
        Whether a slice is its share of the multiprocessors (sevenths) or of the memory.

    Returns
    -------
    float
        Accelerators [1]. All slices of one add up to at most 1.

    Raises
    ------
    DomainError
        If the text is none of these, or a slice is larger than the accelerator.

    Notes
    -----
    A full set of slices need not be the whole: seven of ``1g.10gb`` hold 70 of 80 GB, two of ``3g.40gb`` six of seven
    multiprocessor slices. The rest is idle, and is shown as idle.

    Examples
    --------
    >>> units_of("2x3g.40gb", 80.0, "memory"), units_of("1/4"), units_of("3")
    (1.0, 0.25, 3.0)
    >>> round(7 * units_of("1g.10gb"), 12)
    1.0
    """
    plain = text.strip()
    found, part = _SLICE.fullmatch(plain), _PART.fullmatch(plain)
    if by not in ("compute", "memory"):
        raise DomainError(f"by {by!r}: a slice is its share of 'compute' or of 'memory'")
    if found is not None:
        compute, held = int(found[2]) / COMPUTE_SLICES, float(found[3]) / memory
        if not 0.0 < compute <= 1.0 or not 0.0 < held <= 1.0:
            raise DomainError(f"{text!r}: larger than the accelerator ({COMPUTE_SLICES} slices, {memory:g} GB)")
        return int(found[1] or 1) * (compute if by == "compute" else held)
    if part is not None:
        above, below = int(part[2]), int(part[3])
        if not 0 < above <= below:
            raise DomainError(f"{text!r}: a time slice is a part of one, as 1/4")
        return int(part[1] or 1) * above / below
    number = number_from(plain)
    if not number >= 0.0:
        raise DomainError(f"{text!r}: write a number of accelerators, a time slice as 1/4 or a profile as 1g.10gb")
    return number


def allocate(
    units: float,
    hourly_cost: float,
    reserved: Mapping[str, float],
    *,
    used: Mapping[str, float] | None = None,
    idle: IdleRule = "apart",
) -> Allocation:
    """Split the cost of a fleet among its users.

    Parameters
    ----------
    units
        Accelerators of the fleet, or fractions of one, > 0 [units].
    hourly_cost
        Cost of the whole fleet, >= 0 [currency/hour].
    reserved
        Units that each user reserves, >= 0; at most ``units`` in all [units].
    used
        Units that each uses on average, >= 0 [units]; absent: the units reserved. A user may use more than it
        reserves. Use in all is at most ``units``.
    idle
        ``"apart"``: idle units are shown and charged to nobody; ``"by reservation"``: to users in proportion to what
        they reserve; ``"by use"``: in proportion to what they use.

    Returns
    -------
    Allocation
        Own and idle cost of each user.

    Raises
    ------
    DomainError
        If an amount is negative, users reserve or use more than there is, or idle units have nobody to charge.
    ScenarioError
        If the rule is unknown, or ``used`` names a user without a reservation.

    Examples
    --------
    Eight units at 10 USD an hour; a reserves 3, b 1, four stand idle.

    >>> split = allocate(8, 10.0, {"a": 3, "b": 1})
    >>> split["a"].total, split["b"].total, split.idle_cost
    (3.75, 1.25, 5.0)
    >>> split = allocate(8, 10.0, {"a": 3, "b": 1}, idle="by reservation")
    >>> split["a"].total, split["b"].total, split.idle_cost
    (7.5, 2.5, 0.0)
    """
    if idle not in IDLE_RULES:
        raise ScenarioError(f"idle {idle!r}: allowed are {', '.join(IDLE_RULES)}")
    unknown = [] if used is None else [name for name in used if name not in reserved]
    if unknown:
        raise ScenarioError(f"used: {unknown[0]!r} reserves nothing; give it a reservation of 0")
    if not units > 0.0:
        raise DomainError(f"units {units}: a fleet has more than 0")
    _check_amounts("hourly_cost", {"": hourly_cost})
    _check_amounts("reserved", reserved)
    busy = dict(reserved) if used is None else {name: used.get(name, 0.0) for name in reserved}
    _check_amounts("used", busy)
    for what, amounts in (("reserved", reserved), ("used", busy)):
        if sum(amounts.values()) > units * (1.0 + 1e-12):
            raise DomainError(f"{what}: {sum(amounts.values()):g} units in all, but the fleet has {units:g}")
    each = hourly_cost / units
    free = units - sum(busy.values())
    weights = {"apart": {}, "by reservation": dict(reserved), "by use": busy}[idle]
    whole = sum(weights.values())
    if idle != "apart" and free > 0.0 and whole == 0.0:
        raise DomainError(f"idle {idle!r}: {free:g} units stand idle and nobody is there to pay; use idle='apart'")
    shares = tuple(
        Share(
            name, reserved[name], busy[name], busy[name] * each, free * each * weights.get(name, 0.0) / (whole or 1.0)
        )
        for name in reserved
    )
    return Allocation(hourly_cost, shares, free, 0.0 if idle != "apart" else free * each, idle)


def _check_amounts(what: str, amounts: Mapping[str, float]) -> None:
    for name, amount in amounts.items():
        if not 0.0 <= amount < float("inf"):
            raise DomainError(f"{what}{f' of {name!r}' if name else ''}: {amount} is not a finite amount of at least 0")
