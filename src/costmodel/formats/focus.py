"""FOCUS, the FinOps Open Cost and Usage Specification: bills read in blocks, and written.

**Versions.** Cost and usage tables of FOCUS 1.0, 1.1 and 1.2 are read; the renamed provider columns of 1.3 and 1.4
(``ServiceProviderName``, ``HostProviderName``) are accepted, and the properties of models and tokens that the working
draft after 1.4 puts into ``SkuPriceDetails``. Tables of the 0.5 preview (``AmortizedCost``, ``ChargeType``) and the
datasets that 1.3 and later have besides cost and usage (contract commitments, invoice details, billing periods, prices
of SKUs) are refused by name. Version 1.2 is written.

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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.formats.tables import Block, IntArray, Unread, distinct_rows, read_blocks
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.currencies import CODES
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.tables import spreadsheet_cell

COSTS = ("ListCost", "ContractedCost", "EffectiveCost", "BilledCost")
"""Columns of money, in the billing currency."""
REQUIRED = ("ChargePeriodStart", "ChargeCategory")
"""Columns without which a row has no meaning here."""
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
    for block in read_blocks(source, dropped):
        _check_columns(block, source)
        yield _charges(block, dropped)


def _check_columns(block: Block, source: str | Path) -> None:
    preview = [name for name in PREVIEW_COLUMNS if block.has(name)]
    if preview and not block.has("EffectiveCost"):
        raise ScenarioError(f"{source}: column {preview[0]!r} is of the FOCUS 0.5 preview; versions from 1.0 are read")
    missing = [name for name in REQUIRED if not block.has(name)]
    other = next((dataset for name, dataset in OTHER_DATASETS.items() if block.has(name)), "")
    if missing and other:
        raise ScenarioError(f"{source}: this is the FOCUS dataset of {other}; only tables of cost and usage are read")
    if missing:
        raise ScenarioError(f"{source}: not a FOCUS table: column {missing[0]!r} is missing")
    if not any(block.has(name) for name in COSTS):
        raise ScenarioError(f"{source}: not a FOCUS table: none of {', '.join(COSTS)} is there")


def _charges(block: Block, unread: Unread) -> Charges:
    numbers: dict[str, FloatArray] = {}
    good = np.ones(len(block), dtype=np.bool_)
    for name in (*COSTS, "PricingQuantity", "ConsumedQuantity"):
        numbers[name], wrong = block.number(name)
        for position in np.flatnonzero(wrong & good):
            unread.add(int(block.rows[position]), f"{name} is not a number")
        good &= ~wrong
    keys = ["ProviderName", "ServiceProviderName", "ChargePeriodStart", "ChargeCategory", "BillingCurrency", *NAMES]
    coded = {name: block.text(name) for name in keys}
    days = [_day(text) for text in coded["ChargePeriodStart"][1]]
    good = _known(block, good, coded["ChargePeriodStart"][0], [day is not None for day in days], "date", unread)
    categories = [text in CATEGORIES for text in coded["ChargeCategory"][1]]
    good = _known(block, good, coded["ChargeCategory"][0], categories, "ChargeCategory", unread)
    if block.has(OTHER_CURRENCY) and not block.has("BillingCurrency"):
        coded["BillingCurrency"] = block.text(OTHER_CURRENCY)
    elif not block.has("BillingCurrency"):
        coded["BillingCurrency"] = (coded["BillingCurrency"][0], [NO_CURRENCY])
    currencies = [text.upper() in CODES or text == NO_CURRENCY for text in coded["BillingCurrency"][1]]
    good = _known(block, good, coded["BillingCurrency"][0], currencies, "BillingCurrency", unread)
    by_day = {text: i for i, text in enumerate(dict.fromkeys(day or "" for day in days))}
    day_codes = np.array([by_day[day or ""] for day in days], dtype=np.int64)[coded["ChargePeriodStart"][0]]
    stack = np.stack([day_codes if name == "ChargePeriodStart" else coded[name][0] for name in keys])[:, good]
    first, group = distinct_rows(stack)
    texts = {name: (list(by_day) if name == "ChargePeriodStart" else coded[name][1]) for name in keys}
    charges = tuple(
        _charge({name: texts[name][code] for name, code in zip(keys, column, strict=True)}) for column in first
    )
    return Charges(
        rows=block.rows[good],
        group=group,
        charges=charges,
        costs={name[:-4].lower(): numbers[name][good] for name in COSTS},
        pricing_quantity=numbers["PricingQuantity"][good],
        consumed_quantity=numbers["ConsumedQuantity"][good],
    )


def _known(block: Block, good: Any, codes: IntArray, allowed: list[bool], what: str, unread: Unread) -> Any:
    """Leave out, and count, rows whose text is not one that is known."""
    fine = np.array(allowed, dtype=np.bool_)[codes]
    for position in np.flatnonzero(good & ~fine):
        unread.add(int(block.rows[position]), f"{what} is not one that FOCUS knows")
    return good & fine


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


def _day(text: str) -> str | None:
    """Return the day of a date and time, as ``2026-05-01``; None where it is none."""
    from datetime import date

    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None


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
