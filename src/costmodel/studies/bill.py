"""Read a bill: prices of accelerator-hours and tokens at list and after discounts, by way of pricing.

A row of a bill says what it charges for in words: a unit, a description, a SKU, properties of the price. From these
follow how many accelerator-hours or tokens a row stands for. What is read from free text rather than from a column
that states it is counted as *inferred*, and shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from costmodel.catalog import Catalog
from costmodel.formats import focus, gpu_hours
from costmodel.formats.focus import NO_CURRENCY, Charge, Charges
from costmodel.formats.gpu_hours import Hours
from costmodel.formats.tables import Unread, header
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.outside import number_from

Kind = Literal["accelerator-hours", "tokens", "other"]
"""Unit that a quantity counts; an ``other`` charge has only money."""
Pricing = Literal["on demand", "committed", "spot", "unused commitment", "not usage"]
"""How usage was priced; ``not usage`` for purchases, taxes, credits and adjustments."""

HOURS = {"hour": 1.0, "minute": 1.0 / 60.0, "second": 1.0 / 3600.0, "day": 24.0}
"""Hours of a unit of time [hour]."""
EXAMPLE_ROWS = 5
"""Rows of a line that are named [1]."""
MAX_ACCELERATORS = 1_000_000
"""Most accelerators of one resource [1]."""
_TIME = re.compile(
    r"\s*(?:([0-9.,]+)\s*)?"
    r"(?:(?:(gpu|accelerator|chip|tpu)|instance|vm|node|machine|server|host|compute|usage)s?[- ]?)?"
    r"(hour|hr|h|minute|min|second|sec|s|day)s?(?:\(s\))?\s*",
    re.IGNORECASE,
)
"""A unit of time, alone or of machines or accelerators; other things that are charged by the hour do not match."""
_SHORT = {"hr": "hour", "h": "hour", "min": "minute", "sec": "second", "s": "second"}
_PER_ACCELERATOR = re.compile(r"\b(gpu|accelerator|chip|tpu)s?[- ]?(hour|hr|minute|second)", re.IGNORECASE)
_TOKENS = re.compile(r"^\s*(?:([0-9.,]+)\s*([kKmMbB]?)\s*)?tokens?\s*$", re.IGNORECASE)
_MULTIPLES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_COUNT = re.compile(
    r"\b([0-9]{1,6})\s*[x×-]?\s*(?:x\s*)?(?:nvidia\s+|amd\s+)?(?:gpu|accelerator|[A-Z]{1,2}[0-9]{2,3}[A-Z]?\b|TPU)",
    re.I,
)
_COUNT_KEYS = ("GpuCount", "GPUCount", "AcceleratorCount")
_CHIP_KEYS = ("GpuType", "GpuModel", "AcceleratorType", "AcceleratorName", "GpuName")
_COMMITTED = re.compile(r"\b(commit\w*|reserv\w*|savings? plan)\b", re.IGNORECASE)
_SPOT = re.compile(r"\b(spot|preemptible|interruptible)\b", re.IGNORECASE)
_CACHE_TYPES = {"cacheread": "read", "cachewrite": "write"}
"""What ``TokenType`` says of the cache; drafts had it before ``TokenDirection`` and ``TokenCacheAction``."""
_TERM = re.compile(r"\b(RI|CUD|contract\w*|[0-9]+\s*-?\s*(?:yr|year|month)s?)\b", re.IGNORECASE)
_TIMES = re.compile(r"([0-9])\s*[x×]\s*(?=[A-Za-z])")
_CATEGORY = {"Standard": "on demand", "Committed": "committed", "Dynamic": "spot"}


@dataclass(frozen=True, slots=True)
class Item:
    """Meaning of a charge: what it is for, how it was priced, and its quantity per unit.

    Parameters
    ----------
    kind
        Unit that its quantity counts.
    name
        Accelerator family, as ``H100``, or model; empty where the bill does not say.
    side
        Of tokens: ``input``, ``cached input``, ``cache write``, ``output`` or empty.
    pricing
        Way of pricing.
    per_pricing_unit, per_consumed_unit
        Accelerator-hours or tokens in a pricing unit and in a consumed unit; NaN where the unit counts neither.
    inferred
        What was read from free text.
    """

    kind: Kind
    name: str
    side: str
    pricing: Pricing
    per_pricing_unit: float
    per_consumed_unit: float
    inferred: tuple[str, ...] = ()


@dataclass(slots=True)
class Line:
    """Charges of one kind in one month: quantity and costs.

    Parameters
    ----------
    month, provider, currency
        When, from whom, in which currency.
    kind, name, side, pricing
        What for, as in `Item`.
    rows, examples
        Number of rows, and the numbers of the first of them.
    quantity
        Accelerator-hours or tokens; NaN for other charges.
    cost
        ``list``, ``contracted``, ``effective`` and ``billed`` cost [currency]; NaN where no row states it.
    inferred
        What was read from free text.
    """

    month: str
    provider: str
    currency: str
    kind: Kind
    name: str
    side: str
    pricing: Pricing
    rows: int = 0
    examples: tuple[int, ...] = ()
    quantity: float = 0.0
    cost: dict[str, float] = field(default_factory=dict)
    inferred: tuple[str, ...] = ()

    def unit_price(self, cost: str = "effective") -> float:
        """Return the price of an accelerator-hour or a token [currency]; NaN where there is none.

        Parameters
        ----------
        cost
            ``list``, ``contracted``, ``effective`` or ``billed``.
        """
        return self.cost[cost] / self.quantity if self.quantity > 0.0 else float("nan")


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill in lines, with its totals and what could not be read."""

    lines: tuple[Line, ...]
    rows: int
    unread: Unread
    source: str

    def select(self, kind: Kind | None = None, pricing: Pricing | None = None, name: str | None = None) -> list[Line]:
        """Return the lines of a kind, a way of pricing and a name; all where they are absent."""
        return [
            line
            for line in self.lines
            if (kind is None or line.kind == kind)
            and (pricing is None or line.pricing == pricing)
            and (name is None or line.name == name)
        ]

    def total(self, cost: str = "effective") -> dict[str, float]:
        """Return the total cost by currency [currency]; empty fields count as 0."""
        totals: dict[str, float] = {}
        for line in self.lines:
            value = line.cost[cost]
            totals[line.currency] = totals.get(line.currency, 0.0) + (0.0 if np.isnan(value) else value)
        return totals

    def unit_price(
        self, kind: Kind, cost: str = "effective", pricing: Pricing | None = None, name: str | None = None
    ) -> float:
        """Return the average price of an accelerator-hour or a token [currency].

        Raises
        ------
        DomainError
            If the lines are in several currencies, or there are none.

        Examples
        --------
        See `read_bill`.
        """
        lines = [line for line in self.select(kind, pricing, name) if line.pricing != "not usage"]
        currencies = sorted({line.currency for line in lines})
        if len(currencies) != 1:
            found = ", ".join(currencies) or "no line"
            raise DomainError(f"a unit price needs lines of one currency; the bill has {found} for {kind}")
        quantity = sum(line.quantity for line in lines)
        return sum(line.cost[cost] for line in lines) / quantity if quantity > 0.0 else float("nan")


def read_bill(source: str | Path, *, instances: Mapping[str, tuple[str, float]] | None = None) -> Bill:
    r"""Read a FOCUS bill, or a plain table of accelerator-hours by type, into lines.

    Parameters
    ----------
    source
        Path of the bill; see `costmodel.formats.focus` and `costmodel.formats.gpu_hours`.
    instances
        Accelerator and number of accelerators by instance type or SKU, as ``{"p5.48xlarge": ("H100", 8)}``, where
        the bill does not say.

    Returns
    -------
    Bill
        Lines by month, provider, what was charged for and how it was priced.

    Raises
    ------
    ScenarioError
        If the file is not a bill that can be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "bill.csv"
    >>> _ = path.write_text(
    ...     "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,ListCost,EffectiveCost,PricingQuantity,"
    ...     "PricingUnit,BillingCurrency\n"
    ...     "Cloud A,2026-05-01T06:00:00Z,Usage,8-GPU server on demand,55.04,44.03,1.0,Hours,USD\n"
    ...     "Cloud A,2026-05-01T07:00:00Z,Usage,8-GPU server committed,55.04,27.52,1.0,Hours,USD\n")
    >>> bill = read_bill(path)
    >>> round(bill.unit_price("accelerator-hours", "list"), 2), round(bill.unit_price("accelerator-hours"), 2)
    (6.88, 4.47)
    >>> round(bill.unit_price("accelerator-hours", pricing="committed"), 2)
    3.44
    """
    known = instances or {}
    for name, (_, count) in known.items():
        if not 0.0 < count <= MAX_ACCELERATORS:
            raise DomainError(f"instances: {name!r} has {count} accelerators; between 0 and {MAX_ACCELERATORS:,}")
    unread, rows = Unread(), 0
    lines: dict[tuple[str, ...], Line] = {}
    if gpu_hours.is_hours(header(source)):
        for used in gpu_hours.read(source, unread):
            rows += len(used.rows)
            for line in _lines_of_hours(used, known):
                _merge(lines, line)
    else:
        for block in focus.read(source, unread):
            rows += len(block.rows)
            for line in _lines(block, known, unread):
                _merge(lines, line)
    if not rows and not unread.count:
        raise ScenarioError(f"{source}: the bill has no rows")
    order = sorted(
        lines.values(), key=lambda line: (line.month, line.provider, line.kind, line.name, line.side, line.pricing)
    )
    return Bill(tuple(order), rows, unread, str(source))


def _lines(block: Charges, instances: Mapping[str, tuple[str, float]], unread: Unread) -> Iterator[Line]:
    """Sum a block's rows by what they charge for."""
    count = len(block.charges)
    if not count:
        return
    items = [item_of(charge, instances) for charge in block.charges]
    by_pricing = np.array([item.per_pricing_unit for item in items])[block.group] * block.pricing_quantity
    by_use = np.array([item.per_consumed_unit for item in items])[block.group] * block.consumed_quantity
    quantity = np.where(np.isnan(by_use), by_pricing, by_use)
    size = np.bincount(block.group, minlength=count)
    amounts = np.bincount(block.group, np.where(np.isnan(quantity), 0.0, quantity), count)
    costs = {}
    for name, values in block.costs.items():
        there = np.bincount(block.group, ~np.isnan(values), count)
        sums = np.bincount(block.group, np.where(np.isnan(values), 0.0, values), count)
        costs[name] = np.where(there > 0, sums, np.nan)
    order = np.argsort(block.group, kind="stable")
    starts = np.searchsorted(block.group[order], np.arange(count))
    for i, (charge, item) in enumerate(zip(block.charges, items, strict=True)):
        first = block.rows[order[starts[i] : starts[i] + min(EXAMPLE_ROWS, int(size[i]))]]
        yield Line(
            charge.month,
            charge.provider,
            charge.currency,
            item.kind,
            item.name,
            item.side,
            item.pricing,
            int(size[i]),
            tuple(int(row) for row in first),
            float(amounts[i]) if item.kind != "other" else float("nan"),
            {name: float(values[i]) for name, values in costs.items()},
            item.inferred,
        )


def _lines_of_hours(used: Hours, instances: Mapping[str, tuple[str, float]]) -> Iterator[Line]:
    """Sum a block's rows of hours by what was used."""
    for i, (month, provider, kind, pricing, currency) in enumerate(used.used):
        inferred: list[str] = []
        chosen = np.flatnonzero(used.group == i)
        name, count = _type(kind, instances, inferred)
        each = np.where(np.isnan(used.accelerators[chosen]), count, used.accelerators[chosen])
        if used.each:
            each = np.ones(len(chosen))
        elif count == 1.0 and np.isnan(used.accelerators[chosen]).any():
            inferred.append("one accelerator assumed")
        cost = used.cost[chosen]
        paid = float(np.nansum(cost)) if not np.isnan(cost).all() else float("nan")
        yield Line(
            month, provider, currency or NO_CURRENCY, "accelerator-hours", name, "",
            _written_pricing(pricing, inferred),
            len(chosen), tuple(int(row) for row in used.rows[chosen[:EXAMPLE_ROWS]]),
            float((used.hours[chosen] * each).sum()),
            {"list": float("nan"), "contracted": float("nan"), "effective": paid, "billed": paid}, tuple(inferred),
        )  # fmt: skip


def _type(text: str, instances: Mapping[str, tuple[str, float]], inferred: list[str]) -> tuple[str, float]:
    """Return the accelerator that a type names, and how many a machine of that type has."""
    if text in instances:
        return instances[text]
    found = _COUNT.search(text)
    if found is not None:
        inferred.append("number of accelerators from the type")
    return accelerator_family(text) or text, 1.0 if found is None else float(found[1])


def _written_pricing(text: str, inferred: list[str]) -> Pricing:
    if re.search(r"\bunused\b|\bidle\b", text, re.IGNORECASE):
        return "unused commitment"
    if _SPOT.search(text):
        return "spot"
    if _COMMITTED.search(text) or _TERM.search(text):
        return "committed"
    if not re.search(r"on.?demand|pay.?as.?you.?go|payg|standard", text, re.IGNORECASE):
        inferred.append("on demand assumed")
    return "on demand"


def _merge(lines: dict[tuple[str, ...], Line], line: Line) -> None:
    key = (line.month, line.provider, line.currency, line.kind, line.name, line.side, line.pricing)
    have = lines.setdefault(key, line)
    if have is line:
        return
    have.rows += line.rows
    have.examples = tuple(sorted({*have.examples, *line.examples})[:EXAMPLE_ROWS])
    have.quantity += line.quantity
    have.inferred = tuple(dict.fromkeys((*have.inferred, *line.inferred)))
    for name, value in line.cost.items():
        both = [part for part in (have.cost[name], value) if not np.isnan(part)]
        have.cost[name] = sum(both) if both else float("nan")


def item_of(charge: Charge, instances: Mapping[str, tuple[str, float]] | None = None) -> Item:
    """Return the meaning of a charge.

    Parameters
    ----------
    charge
        The words of a row.
    instances
        Accelerator and number of accelerators by instance type or SKU.

    Returns
    -------
    Item
        Kind, name, side and pricing; units that it cannot read count nothing.
    """
    inferred: list[str] = []
    pricing = _pricing(charge, inferred)
    units = (charge.words["PricingUnit"], charge.words["ConsumedUnit"])
    tokens = [_tokens_of(unit) for unit in units]
    if not all(np.isnan(tokens)) and not _is_own_currency(charge):
        return Item("tokens", _model(charge), _side(charge), pricing, tokens[0], tokens[1], tuple(inferred))
    name, count = _accelerators(charge, instances or {}, inferred)
    hours = [_hours_of(unit, count) for unit in units]
    if count > 0.0 and not all(np.isnan(hours)):
        return Item("accelerator-hours", name, "", pricing, hours[0], hours[1], tuple(inferred))
    return Item("other", charge.words["ServiceName"], "", pricing, float("nan"), float("nan"), ())


def _pricing(charge: Charge, inferred: list[str]) -> Pricing:
    words = charge.words
    if charge.category != "Usage":
        return "not usage"
    if "Unused" in (words["CommitmentDiscountStatus"], words["CapacityReservationStatus"]):
        return "unused commitment"
    if words["CommitmentDiscountId"] or words["CommitmentDiscountStatus"] == "Used":
        return "committed"
    if words["PricingCategory"] in _CATEGORY:
        return _CATEGORY[words["PricingCategory"]]  # type: ignore[return-value]
    text = f"{words['ChargeDescription']} {words['SkuMeter']}"
    inferred.append("pricing from the description")
    if _SPOT.search(text):
        return "spot"
    return "committed" if _COMMITTED.search(text) else "on demand"


def _tokens_of(unit: str) -> float:
    found = _TOKENS.match(unit)
    if found is None:
        return float("nan")
    return number_from((found[1] or "1").replace(",", "")) * _MULTIPLES[(found[2] or "").lower()]


def _hours_of(unit: str, count: float) -> float:
    """Return the accelerator-hours of a unit of time of so many accelerators."""
    found = _TIME.fullmatch(unit)
    if found is None:
        return float("nan")
    word, times = found[3].lower(), number_from((found[1] or "1").replace(",", ""))
    return times * HOURS[_SHORT.get(word, word)] * (1.0 if found[2] else count)


def _accelerators(charge: Charge, instances: Mapping[str, tuple[str, float]], inferred: list[str]) -> tuple[str, float]:
    """Return the accelerator family and how many a resource has; 0 where it has none."""
    words, details = charge.words, charge.details
    text = " ".join(str(words[name]) for name in ("ChargeDescription", "SkuMeter", "SkuId", "ResourceType"))
    for key in (str(details.get("InstanceType", "")), words["SkuId"], words["ResourceType"]):
        if key in instances:
            return instances[key]
    chip = next((str(details[key]) for key in _CHIP_KEYS if key in details), "")
    family = accelerator_family(chip) or accelerator_family(text)
    if family and not chip:
        inferred.append("accelerator from the description")
    stated = next((details[key] for key in _COUNT_KEYS if key in details), None)
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 < stated <= MAX_ACCELERATORS:
        return family, float(stated)
    if any(_PER_ACCELERATOR.search(words[name]) for name in ("PricingUnit", "ConsumedUnit")):
        return family, 1.0
    found = _COUNT.search(text)
    if found is not None:
        inferred.append("number of accelerators from the description")
        return family, float(found[1])
    if family:
        inferred.append("one accelerator assumed")
        return family, 1.0
    return "", 0.0


_FAMILIES: dict[str, re.Pattern[str]] = {}


def accelerator_family(text: str) -> str:
    """Return the accelerator that a text names, as the catalog's families do: ``H100`` of ``H100-SXM``.

    Examples
    --------
    >>> [accelerator_family(text) for text in ("p5, 8xH100 80GB", "Cloud TPU v5e", "disk")]
    ['H100', 'TPU-v5e', '']
    """
    if not _FAMILIES:
        for name in sorted({_family(name) for name in Catalog().names("accelerators")}, key=len, reverse=True):
            words = r"[- _]?".join(re.escape(part) for part in name.split("-"))
            _FAMILIES[name] = re.compile(rf"(?<![A-Za-z0-9]){words}(?![A-Za-z0-9]*[0-9])", re.IGNORECASE)
    spaced = _TIMES.sub(r"\1 ", text)
    return next((name for name, pattern in _FAMILIES.items() if pattern.search(spaced)), "")


_NAMED_WHOLE = ("TPU", "MTIA", "Ascend", "Maia", "Groq", "WSE")
"""First words of names that are no family by themselves, such as TPU of TPU-v5e."""


def _family(name: str) -> str:
    return name if name.startswith(_NAMED_WHOLE) else name.split("-")[0]


def _model(charge: Charge) -> str:
    return str(charge.details.get("ModelId") or charge.details.get("ModelName") or charge.words["SkuId"])


def _is_own_currency(charge: Charge) -> bool:
    """Return whether tokens are a provider's own currency: a purchase of them that names no model."""
    return charge.category == "Purchase" and not {"ModelId", "ModelName"} & charge.details.keys()


def _side(charge: Charge) -> str:
    """Return which tokens a charge is for: from the price's properties, else from the meter and the description."""
    details = {str(key): str(value).lower() for key, value in charge.details.items()}
    direction = details.get("TokenDirection") or details.get("TokenType") or ""
    action = details.get("TokenCacheAction") or _CACHE_TYPES.get(direction, "")
    text = f"{charge.words['SkuMeter']} {charge.words['ChargeDescription']}".lower()
    said = direction or text
    if action == "read" or (not direction and "cache" in text and "write" not in text):
        return "cached input"
    if action == "write" or (not direction and "cache" in text):
        return "cache write"
    return "output" if "output" in said else "input" if "input" in said else ""
