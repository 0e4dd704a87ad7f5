"""FOCUS tables: reading by version, refusals by name, and round trips."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.formats import focus
from costmodel.formats.tables import Unread
from costmodel.foundation.errors import ScenarioError

HEAD = "ProviderName,ChargePeriodStart,ChargeCategory,BillingCurrency,EffectiveCost"


def written(folder: Path, text: str) -> Path:
    path = folder / "bill.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.contract
@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Provider,ChargeType,AmortizedCost,ChargePeriodStart,BillingCurrency,ChargeCategory", "0.5 preview"),
        ("a,b", r"lacks 'ChargePeriodStart' and 'ChargeCategory' and a cost \(ListCost"),
        ("ChargePeriodStart,BillingCurrency,ChargeCategory", r"it lacks a cost \(ListCost"),
        ("BillingPeriodStart,ChargeCategory,BilledCost", "it lacks 'ChargePeriodStart'$"),
        ("RecommendationId,Currency,EstimatedMonthlyCostImpact", "dataset of recommendations"),
        ("ContractCommitmentId,ContractCommitmentCost,BillingCurrency", "dataset of contract commitments"),
        ("InvoiceDetailId,BilledCost,ChargeCategory", "dataset of invoice details"),
        ("BillingPeriodStart,BillingPeriodStatus,InvoiceIssuerName", "dataset of billing periods"),
        ("ChargeCategory,SkuPriceEligibility,UnitPrice,UnitPriceType", "dataset of prices of SKUs"),
    ],
)
def test_what_is_no_focus_table_is_refused_by_name(tmp_path: Path, header: str, said: str) -> None:
    row = ",".join("x" for _ in header.split(","))
    with pytest.raises(ScenarioError, match=said):
        list(focus.read(written(tmp_path, f"{header}\n{row}\n")))


@pytest.mark.contract
def test_another_dataset_is_refused_though_none_of_its_rows_can_be_read(tmp_path: Path) -> None:
    """The specification's example of commitment rates has a comma too many in each row."""
    text = "ChargeCategory,ContractId,SkuPriceEligibility,UnitPrice\nUsage,,,{},0.2992\n"
    with pytest.raises(ScenarioError, match="dataset of prices of SKUs"):
        list(focus.read(written(tmp_path, text)))


@pytest.mark.contract
def test_rows_that_focus_does_not_know_are_counted_with_the_reason(tmp_path: Path) -> None:
    rows = [
        "A,2026-05-01,Usage,USD,1",
        "A,May,Usage,USD,1",
        "A,2026-05-01,Gift,USD,1",
        "A,2026-05-01,Tax,US,1",
        "A,2026-05-01,Tax,USD,one",
    ]
    unread = Unread()
    (block,) = focus.read(written(tmp_path, "\n".join([HEAD, *rows]) + "\n"), unread)
    assert block.rows.tolist() == [1]
    assert dict(unread.kept) == {
        2: "ChargePeriodStart is not a date with one meaning, such as 2026-05-01",
        3: "ChargeCategory is not one that FOCUS knows",
        4: "BillingCurrency is not one that FOCUS knows",
        5: "EffectiveCost is not a number",
    }


MONTH = "BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargeCategory,BillingCurrency,EffectiveCost"


@pytest.mark.closed_form
def test_dates_with_slashes_are_read_where_the_billing_period_says_which_number_is_the_month(tmp_path: Path) -> None:
    """April to May is a billing month if the month stands first, 1 January to 1 February if the day does."""
    rows = [
        '4/1/2025,5/1/2025,4/2/2025,Usage,USD,"$10,000.00 "',
        "12/1/25,1/1/26,12/2/25 0:00,Usage,USD,$20.50",
        "1/1/2025,1/2/2025,4/1/2025,Usage,USD,1",
        ",,4/13/2025,Usage,USD,1",
        ",,4/2/2025,Usage,USD,1",
        "4/1/2025,4/2/2025,4/1/2025,Usage,USD,1",
        "2025-04-01T00:00:00Z,2025-05-01T00:00:00Z,2025-04-02T00:00:00Z,Usage,USD,1",
        "1/1/2025,4/1/2025,4/2/2025,Usage,USD,1",
    ]
    unread = Unread()
    (block,) = focus.read(written(tmp_path, "\n".join([MONTH, *rows]) + "\n"), unread)
    days = [block.charges[group].day for group in block.group]
    assert days == ["2025-04-02", "2025-12-02", "2025-01-04", "2025-04-13", "2025-04-02"]
    assert block.costs["effective"].tolist() == [10_000.0, 20.5, 1.0, 1.0, 1.0]
    reason = "ChargePeriodStart is not a date with one meaning, such as 2026-05-01"
    assert unread.kept == [(5, reason), (6, reason), (8, reason)]


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ('"$50,000.00 "', "USD", 50_000.0),
        ('"$1,234"', "AUD", 1_234.0),
        ('"1,234.50"', "EUR", 1_234.5),
        ("€12.50", "EUR", 12.5),
        ("(20.00)", "USD", -20.0),
        ("-$20", "USD", -20.0),
        ('"1,234"', "USD", None),
        ('"€1,234"', "EUR", None),
        ('"1.234,50"', "EUR", None),
        ('"12,34.00"', "USD", None),
        ("€12.50", "USD", None),
        ("$12.50", "EUR", None),
        ("12.50 EUR", "EUR", None),
        ("$", "USD", None),
    ],
)
def test_an_amount_of_a_spreadsheet_is_read_where_it_has_one_meaning(
    tmp_path: Path, text: str, currency: str, amount: float | None
) -> None:
    rows = f"A,2026-05-01,Usage,{currency},{text}\nA,2026-05-01,Usage,{currency},7\n"
    unread = Unread()
    (block,) = focus.read(written(tmp_path, f"{HEAD}\n{rows}"), unread)
    assert block.costs["effective"].tolist() == ([7.0] if amount is None else [amount, 7.0])
    assert unread.kept == ([(1, "EffectiveCost is not a number")] if amount is None else [])


@pytest.mark.contract
def test_the_renamed_provider_column_of_later_versions_is_read(tmp_path: Path) -> None:
    head = "ServiceProviderName,ChargePeriodStart,ChargeCategory,BillingCurrency,ListCost"
    text = f"{head}\nB,2026-05-01T00:00:00Z,Usage,usd,2\n"
    (block,) = focus.read(written(tmp_path, text))
    assert (block.charges[0].provider, block.charges[0].currency) == ("B", "USD")


ROW = {
    "BillingAccountId": "a-1",
    "BillingAccountType": "account",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-05-01T00:00:00Z",
    "BillingPeriodEnd": "2026-06-01T00:00:00Z",
    "ChargePeriodStart": "2026-05-01T00:00:00Z",
    "ChargePeriodEnd": "2026-05-02T00:00:00Z",
    "ChargeCategory": "Usage",
    "InvoiceIssuerName": "A",
    "ProviderName": "A",
    "PublisherName": "A",
    "ServiceCategory": "Compute",
    "ServiceName": "GPU",
    "BilledCost": 0.1,
    "ContractedCost": 0.1,
    "EffectiveCost": 0.1 + 0.2,
    "ListCost": 1e-7,
}


@pytest.mark.closed_form
def test_what_is_written_is_read_back_with_all_its_digits(tmp_path: Path) -> None:
    text = focus.write([{**ROW, "x_team": "a", "SkuPriceDetails": {"GpuCount": 8}}])
    (block,) = focus.read(written(tmp_path, text))
    assert block.costs["effective"].tolist() == [0.1 + 0.2]
    assert block.costs["list"].tolist() == [1e-7]
    assert block.charges[0].details == {"GpuCount": 8}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "said"),
    [({"ProviderName": None}, "row 1: ProviderName is missing"), ({"Team": "a"}, "'Team' is not one of FOCUS 1.2")],
)
def test_a_row_that_focus_does_not_allow_is_not_written(change: dict[str, str | None], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        focus.write([{**ROW, **change}])
