"""FOCUS, the FinOps Open Cost and Usage Specification: bills read in blocks, and written.

**Versions.** Cost and usage tables of FOCUS 1.0, 1.1 and 1.2 are read; the renamed provider columns of 1.3 and 1.4
(``ServiceProviderName``, ``HostProviderName``) are accepted, and the properties of models and tokens that the working
draft after 1.4 puts into ``SkuPriceDetails``. Tables of the 0.5 preview (``AmortizedCost``, ``ChargeType``) and the
datasets that 1.3 and later have besides cost and usage (contract commitments, invoice details, billing periods, prices
of SKUs, recommendations) are refused by name. Version 1.2 is written.

**Amounts and dates.** Some examples of the specification went through a spreadsheet: ``"$10,000.00 "``, ``4/1/2025``.
They are read where they have one meaning (`costmodel.formats.spreadsheet`), and counted as unread elsewhere.

**Money.** All cost columns are in ``BillingCurrency``. ``PricingCurrency`` only says in which currency a unit price
was agreed, so it never changes how a cost is read. A table without the column, as some examples of the specification
are, is in no currency (``XXX``).

References
----------
FinOps Foundation, FinOps Open Cost and Usage Specification 1.2 (May 2025), https://focus.finops.org.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.formats.spreadsheet import clear_amount, day_from
from costmodel.formats.tables import Block, BoolArray, IntArray, Unread, distinct_rows, header, read_blocks
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.currencies import CODES
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.tables import spreadsheet_cell

COSTS = ("ListCost", "ContractedCost", "EffectiveCost", "BilledCost")
"""Columns of money, in the billing currency."""
REQUIRED = ("ChargePeriodStart", "ChargeCategory")
"""Columns without which a row has no meaning here."""
PERIOD = ("BillingPeriodStart", "BillingPeriodEnd")
"""Columns of the billing period: the first days of a month and of the next."""
OTHER_CURRENCY = "BilledCurrency"
"""Name of the column ``BillingCurrency`` in some of the specification's own examples."""
NO_CURRENCY = "XXX"
"""Code of ISO 4217 for an amount without a currency, used for a table that lacks ``BillingCurrency``."""
CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
"""Values of ``ChargeCategory`` (FOCUS 1.2, section 2.11)."""
PREVIEW_COLUMNS = ("AmortizedCost", "ChargeType", "InvoiceIssuer", "Provider")
"""Columns that only the 0.5 preview has."""
OTHER_DATASETS = {
    "InvoiceDetailId": "invoice details",
    "ContractCommitmentId": "contract commitments",
    "BillingPeriodStatus": "billing periods",
    "SkuPriceEligibility": "prices of SKUs",
    "RecommendationId": "recommendations",
}
"""Datasets of FOCUS since 1.3 that are no table of charges, by a column that only they have."""
NAMES = (
    "ServiceName",
    "RegionId",
    "ChargeDescription",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "ResourceType",
    "PricingCategory",
    "PricingUnit",
    "ConsumedUnit",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "CapacityReservationStatus",
    "ChargeClass",
)
"""Columns of words that say what was charged."""
MANDATORY_1_2 = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)
"""Columns that every FOCUS 1.2 table has; a writer leaves nullable ones empty."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Description of what a group of equal rows charges for: the words of a row, without its amounts.

    Parameters
    ----------
    month
        Month in which the charge period starts, as ``2026-05``.
    day
        Day in which it starts, as ``2026-05-01``.
    provider
        Who provides the service.
    category
        One of `CATEGORIES`.
    currency
        ISO 4217 code of all its costs.
    words
        The columns of `NAMES`.
    details
        ``SkuPriceDetails`` as a table; empty where it is absent or not an object.
    """

    month: str
    day: str
    provider: str
    category: str
    currency: str
    words: Mapping[str, str]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Charges:
    """A block of a bill: its amounts by row, and what each row charges for.

    Parameters
    ----------
    rows
        Number of each row in the file, ``(row,)``.
    group
        Position in ``charges`` of what each row charges for, ``(row,)``.
    charges
        Descriptions of the charges.
    costs
        ``list``, ``contracted``, ``effective`` and ``billed`` cost, ``(row,)`` each [billing currency]; NaN where a
        field is empty.
    pricing_quantity, consumed_quantity
        Quantities in ``PricingUnit`` and ``ConsumedUnit``, ``(row,)``; NaN where empty.
    """

    rows: IntArray
    group: IntArray
    charges: tuple[Charge, ...]
    costs: Mapping[str, FloatArray]
    pricing_quantity: FloatArray
    consumed_quantity: FloatArray


def read(source: str | Path, unread: Unread | None = None) -> Iterator[Charges]:
    """Read a FOCUS table in blocks.

    Parameters
    ----------
    source
        Path of a ``.csv``, ``.jsonl`` or ``.ndjson`` file.
    unread
        Counter of rows that cannot be read: a number that is not one, a category or a date that FOCUS does
        not know. They are left out, with their number and the reason.

    Yields
    ------
    Charges
        Rows of a block, with unreadable ones left out.

    Raises
    ------
    ScenarioError
        If the file is not a FOCUS table of a version that is read; the message names the column.
    """
    dropped = Unread() if unread is None else unread
    names = header(source)
    if names:
        _check_columns(names, source)
    for block in read_blocks(source, dropped):
        if not names:
            _check_columns(block.columns, source)
        yield _charges(block, dropped)


def _check_columns(names: Collection[str], source: str | Path) -> None:
    preview = [name for name in PREVIEW_COLUMNS if name in names]
    if preview and "EffectiveCost" not in names:
        raise ScenarioError(f"{source}: column {preview[0]!r} is of the FOCUS 0.5 preview; versions from 1.0 are read")
    missing = [repr(name) for name in REQUIRED if name not in names]
    other = next((dataset for name, dataset in OTHER_DATASETS.items() if name in names), "")
    if missing and other:
        raise ScenarioError(f"{source}: this is the FOCUS dataset of {other}; only tables of cost and usage are read")
    if not any(name in names for name in COSTS):
        missing.append(f"a cost ({', '.join(COSTS)})")
    if missing:
        raise ScenarioError(f"{source}: not a FOCUS table of cost and usage: it lacks {' and '.join(missing)}")


def _charges(block: Block, unread: Unread) -> Charges:
    keys = ["ProviderName", "ServiceProviderName", "ChargePeriodStart", "ChargeCategory", "BillingCurrency", *NAMES]
    coded = {name: block.text(name) for name in keys}
    if block.has(OTHER_CURRENCY) and not block.has("BillingCurrency"):
        coded["BillingCurrency"] = block.text(OTHER_CURRENCY)
    elif not block.has("BillingCurrency"):
        coded["BillingCurrency"] = (coded["BillingCurrency"][0], [NO_CURRENCY])
    numbers: dict[str, FloatArray] = {}
    good = np.ones(len(block), dtype=np.bool_)
    for name in (*COSTS, "PricingQuantity", "ConsumedQuantity"):
        numbers[name], wrong = _numbers(block, name, coded["BillingCurrency"])
        good = _counted(block, good, wrong, f"{name} is not a number", unread)
    coded["ChargePeriodStart"] = _days(block)
    for name, allowed, reason in (
        ("ChargePeriodStart", bool, "ChargePeriodStart is not a date with one meaning, such as 2026-05-01"),
        ("ChargeCategory", CATEGORIES.__contains__, "ChargeCategory is not one that FOCUS knows"),
        ("BillingCurrency", _is_currency, "BillingCurrency is not one that FOCUS knows"),
    ):
        codes, texts = coded[name]
        wrong = np.array([not allowed(text) for text in texts], dtype=np.bool_)[codes]
        good = _counted(block, good, wrong, reason, unread)
    first, group = distinct_rows(np.stack([coded[name][0] for name in keys])[:, good])
    charges = tuple(
        _charge({name: coded[name][1][code] for name, code in zip(keys, column, strict=True)}) for column in first
    )
    return Charges(
        rows=block.rows[good],
        group=group,
        charges=charges,
        costs={name[:-4].lower(): numbers[name][good] for name in COSTS},
        pricing_quantity=numbers["PricingQuantity"][good],
        consumed_quantity=numbers["ConsumedQuantity"][good],
    )


def _is_currency(text: str) -> bool:
    return text.upper() in CODES or text == NO_CURRENCY


def _counted(block: Block, good: BoolArray, wrong: BoolArray, reason: str, unread: Unread) -> BoolArray:
    """Leave out, and count, the rows that are wrong."""
    for position in np.flatnonzero(good & wrong):
        unread.add(int(block.rows[position]), reason)
    return good & ~wrong


def _numbers(block: Block, name: str, currency: tuple[IntArray, list[str]]) -> tuple[FloatArray, BoolArray]:
    """Return a column as numbers, and where a text is none; amounts of spreadsheets count if they have one meaning."""
    values, wrong = block.number(name)
    if wrong.any():
        codes, texts = block.text(name)
        pairs, group = distinct_rows(np.stack([codes, currency[0]])[:, wrong])
        written = [clear_amount(texts[text], currency[1][code].upper()) for text, code in pairs]
        values[wrong] = np.array(written, dtype=np.float64)[group]
        wrong &= np.isnan(values)
    return values, wrong


def _days(block: Block) -> tuple[IntArray, list[str]]:
    """Return the day of each row as a code, ``(row,)``, and the days that the codes stand for; empty where unclear."""
    codes, texts = block.text("ChargePeriodStart")
    read = [day_from(text) for text in texts]
    if None in read:
        (begins, starts), (ends, stops) = (block.text(name) for name in PERIOD)
        rows, codes = distinct_rows(np.stack([codes, begins, ends]))
        read = [day_from(texts[text], (starts[begin], stops[end])) for text, begin, end in rows]
    days: dict[str, int] = {}
    places = np.array([days.setdefault(day or "", len(days)) for day in read], dtype=np.int64)
    return places[codes], list(days)


def _charge(words: Mapping[str, str]) -> Charge:
    day = words["ChargePeriodStart"]
    return Charge(
        month=day[:7],
        day=day,
        provider=words["ServiceProviderName"] or words["ProviderName"],
        category=words["ChargeCategory"],
        currency=words["BillingCurrency"].upper(),
        words={name: words[name] for name in NAMES},
        details=_details(words["SkuPriceDetails"]),
    )


def _details(text: str) -> Mapping[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return form if isinstance(form, dict) else {}


def write(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a FOCUS 1.2 table in CSV.

    Parameters
    ----------
    rows
        Rows by column name. A mandatory column that a row lacks must be one that may be empty.

    Returns
    -------
    str
        The table with every column of FOCUS 1.2, mandatory ones first, then own ones; dates as ISO 8601, money with all
        its digits, and an empty field where a row has none.

    Raises
    ------
    ScenarioError
        If there is no row, a mandatory value is missing, or an own column does not begin with ``x_``.

    Examples
    --------
    >>> write([])
    Traceback (most recent call last):
    ...
    costmodel.foundation.errors.ScenarioError: a FOCUS table needs at least one row
    """
    listed = [dict(row) for row in rows]
    if not listed:
        raise ScenarioError("a FOCUS table needs at least one row")
    own_names = (name for row in listed for name in row if name not in KNOWN_1_2)
    names = dict.fromkeys([*MANDATORY_1_2, *sorted(KNOWN_1_2 - {*MANDATORY_1_2}), *own_names])
    own = [name for name in names if not (name in MANDATORY_1_2 or name in KNOWN_1_2 or name.startswith("x_"))]
    if own:
        raise ScenarioError(f"column {own[0]!r} is not one of FOCUS 1.2: an own column begins with x_")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for number, row in enumerate(listed, start=1):
        for name in MANDATORY_1_2:
            if row.get(name) is None and name not in NULLABLE:
                raise ScenarioError(f"row {number}: {name} is missing, and FOCUS does not let it be empty")
        writer.writerow(_cell(row.get(name)) for name in names)
    return text.getvalue()


NULLABLE = frozenset({"BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"})
"""Mandatory columns that may be empty."""
KNOWN_1_2 = frozenset(
    {
        *MANDATORY_1_2,
        *NAMES,
        "AvailabilityZone",
        "CapacityReservationId",
        "ChargeFrequency",
        "CommitmentDiscountCategory",
        "CommitmentDiscountName",
        "CommitmentDiscountQuantity",
        "CommitmentDiscountType",
        "CommitmentDiscountUnit",
        "ConsumedQuantity",
        "ContractedUnitPrice",
        "InvoiceId",
        "ListUnitPrice",
        "PricingCurrency",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice",
        "RegionName",
        "ResourceId",
        "ResourceName",
        "ServiceSubcategory",
        "SkuPriceId",
        "SubAccountId",
        "SubAccountName",
        "SubAccountType",
        "Tags",
    }
)
"""Columns of FOCUS 1.2."""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return repr(float(value)) if isinstance(value, float) else spreadsheet_cell(str(value))
