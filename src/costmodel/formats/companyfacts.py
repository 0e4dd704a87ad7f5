"""SEC companyfacts JSON: read a company's XBRL figures from a file into a catalog record.

Reads the file that ``https://data.sec.gov/api/xbrl/companyfacts/CIK##########.json`` serves, as of 2026: ``facts`` →
taxonomy → concept → ``units`` → facts with ``start`` (flows), ``end``, ``val``, ``accn``, ``form`` and ``filed``.
Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from costmodel.catalog.named_records import Company
from costmodel.catalog.own import add
from costmodel.catalog.periods import span
from costmodel.catalog.records import Datum
from costmodel.foundation.errors import CatalogError, ScenarioError
from costmodel.foundation.files import read_json
from costmodel.foundation.outside import needed_number
from costmodel.foundation.provenance import Grade, Source

MAX_BYTES = 128 * 2**20
"""Largest file that is read [byte]: those of large companies have some 10 MB."""
CONCEPTS: dict[str, tuple[str, ...]] = {
    "revenue": (
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "Revenues",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
        "SalesRevenueNet",
    ),
    "cost_of_revenue": ("CostOfRevenue", "CostOfGoodsAndServicesSold"),
    "operating_income": ("OperatingIncomeLoss",),
    "net_income": ("NetIncomeLoss", "ProfitLoss"),
    "capex": ("PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"),
    "depreciation": ("Depreciation",),
    "depreciation_and_amortization": (
        "DepreciationDepletionAndAmortization",
        "DepreciationAmortizationAndAccretionNet",
        "DepreciationAndAmortization",
    ),
    "net_ppe": (
        "PropertyPlantAndEquipmentNet",
        "PropertyPlantAndEquipmentAndFinanceLeaseRightOfUseAssetAfterAccumulatedDepreciationAndAmortization",
    ),
    "gross_ppe": ("PropertyPlantAndEquipmentGross",),
    "not_in_service": ("ConstructionInProgressGross",),
    "cash": ("CashCashEquivalentsAndShortTermInvestments", "CashAndCashEquivalentsAtCarryingValue"),
    "debt": ("DebtLongtermAndShorttermCombinedAmount", "LongTermDebt", "LongTermDebtNoncurrent"),
    "interest": ("InterestExpense", "InterestExpenseNonoperating"),
    "finance_leases": ("FinanceLeasePrincipalPayments",),
    "finance_lease_debt": ("FinanceLeaseLiability",),
    "remaining_performance_obligations": ("RevenueRemainingPerformanceObligation",),
    "commitments": ("UnrecordedUnconditionalPurchaseObligationBalanceSheetAmount", "PurchaseObligation"),
}
"""Concepts of US GAAP for each field of the catalog's companies, the best first."""


def read_companyfacts(source: str | Path | Mapping[str, Any], name: str | None = None) -> Company:
    """Read a company's reported figures, and make them a record of the catalog in this process.

    Parameters
    ----------
    source
        Path of the file, or its content.
    name
        Name of the company; absent: as in the file.

    Returns
    -------
    Company
        Flows by period and balances by day, each graded ``reported``, with the filing in which it first appeared and
        the day on which that was filed. ``catalog.company(name)`` finds it.

    Raises
    ------
    ScenarioError
        If it is not such a file; the message says where.
    CatalogError
        If it holds none of the figures.

    Examples
    --------
    >>> fact = {"start": "2025-01-01", "end": "2025-12-31", "val": 72220000000, "accn": "0001-26-000001",
    ...         "form": "10-K", "filed": "2026-01-29"}
    >>> form = {"cik": 1, "entityName": "Example Inc.", "facts": {"us-gaap": {
    ...         "PaymentsToAcquirePropertyPlantAndEquipment": {"units": {"USD": [fact]}}}}}
    >>> read_companyfacts(form).annual("capex")[2025].value / 1e9
    72.22
    """
    form, where = (source, "companyfacts") if isinstance(source, Mapping) else (_read(Path(source)), str(source))
    facts = form.get("facts")
    given = form.get("entityName")
    label = name or (given if isinstance(given, str) else "")
    if not isinstance(facts, Mapping) or not label:
        raise ScenarioError(f"{where}: not SEC companyfacts: entityName and facts are needed")
    concepts = {
        key: entry for taxonomy in facts.values() if isinstance(taxonomy, Mapping) for key, entry in taxonomy.items()
    }
    data = [datum for field in CONCEPTS for datum in _of_field(field, concepts, label, form.get("cik"), where)]
    if not data:
        raise CatalogError(f"{where}: holds none of {', '.join(CONCEPTS)} in USD")
    return add(Company("companies", label, tuple(data)))


def _of_field(field: str, concepts: Mapping[str, Any], label: str, cik: Any, where: str) -> Iterator[Datum]:
    """Yield the figures of one field: for each period the best concept that has it, as first filed and as changed."""
    taken: dict[str, str] = {}
    for concept in CONCEPTS[field]:
        facts = [_fact(fact, concept, where) for fact in _facts_in_usd(concepts.get(concept), concept, where)]
        seen: set[tuple[str, float]] = set()
        for order, (period, value, fact) in enumerate(sorted(facts, key=lambda row: str(row[2]["filed"]))):
            if taken.setdefault(period, concept) != concept or (period, value) in seen:
                continue
            seen.add((period, value))
            yield _datum(field, concept, label, cik, period, value, fact, order)


def _facts_in_usd(entry: Any, concept: str, where: str) -> list[Any]:
    """Return the facts of a concept in USD; none where it is absent or in other units."""
    units = entry.get("units") if isinstance(entry, Mapping) else None
    facts = units.get("USD") if isinstance(units, Mapping) else None
    if facts is not None and not isinstance(facts, list | tuple):
        raise ScenarioError(f"{where}: {concept}: units.USD must be a list of facts")
    return list(facts or ())


def _fact(fact: Any, concept: str, where: str) -> tuple[str, float, Mapping[str, Any]]:
    """Return period, value and the fact itself."""
    if not isinstance(fact, Mapping) or not {"end", "val", "filed"} <= fact.keys():
        raise ScenarioError(f"{where}: {concept}: a fact needs end, val and filed")
    value, start, end = fact["val"], fact.get("start"), fact["end"]
    if isinstance(value, str):
        raise ScenarioError(f"{where}: {concept}: val = {value[:40]!r} is a text, not a number")
    number = needed_number(value, f"{where}: {concept}: val", ScenarioError)
    period = str(end) if start is None else f"{start}/{end}"
    try:
        span(period)
        span(str(fact["filed"]))
    except CatalogError as error:
        raise ScenarioError(f"{where}: {concept}: {error}") from None
    return period, number, fact


def _datum(
    field: str, concept: str, label: str, cik: Any, period: str, value: float, fact: Mapping[str, Any], order: int
) -> Datum:
    number, form = str(fact.get("accn", "")), str(fact.get("form", "filing"))
    archive = f"https://www.sec.gov/Archives/edgar/data/{cik}/{number.replace('-', '')}/" if number and cik else None
    return Datum(
        kind="companies",
        record=label,
        field=field,
        value=value,
        unit="USD",
        price_year=span(period)[1].year,
        period=period,
        known=str(fact["filed"]),
        source=Source(f"{label}, {form} {number}".strip(), str(fact["filed"]), archive),
        source_key=f"sec-{number or fact['filed']}",
        grade=Grade.REPORTED,
        note=concept,
        file="companyfacts",
        line=order,
    )


def _read(path: Path) -> Mapping[str, Any]:
    form = read_json(path, MAX_BYTES)
    if not isinstance(form, Mapping):
        raise ScenarioError(f"{path}: not SEC companyfacts: a JSON object is needed")
    return form
