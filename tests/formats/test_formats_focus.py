"""FOCUS tables: read by version, refused by name, written so that they read back."""

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
        ("a,b", "'ChargePeriodStart' is missing"),
        ("ChargePeriodStart,BillingCurrency,ChargeCategory", "none of ListCost"),
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
        2: "date is not one that FOCUS knows",
        3: "ChargeCategory is not one that FOCUS knows",
        4: "BillingCurrency is not one that FOCUS knows",
        5: "EffectiveCost is not a number",
    }


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
