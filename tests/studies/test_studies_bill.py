"""Bills: prices of an accelerator-hour and a token, from amounts written in the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.studies.audit import audit
from costmodel.studies.bill import Bill, read_bill
from costmodel.studies.rates import Rate, owner_rate, rental_rate

HEAD = (
    "ProviderName,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeDescription,ListCost,EffectiveCost,"
    "PricingQuantity,PricingUnit,PricingCurrency,BillingCurrency"
)
FIRST = (
    "Cloud A,2026-05-01T06:00:00Z,2026-05-01T07:00:00Z,Usage,8-GPU server on demand,55.04,44.03,1.0000,Hours,EUR,USD"
)
SECOND = (
    "Cloud A,2026-05-01T07:00:00Z,2026-05-01T08:00:00Z,Usage,8-GPU server committed,55.04,27.52,1.0000,Hours,USD,USD"
)


def bill_of(folder: Path, *rows: str, head: str = HEAD, **options: object) -> Bill:
    path = folder / "bill.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return read_bill(path, **options)  # type: ignore[arg-type]


@pytest.mark.closed_form
def test_list_and_effective_price_of_an_hour_on_demand_and_committed_apart(tmp_path: Path) -> None:
    bill = bill_of(tmp_path, FIRST, SECOND)
    hours = "accelerator-hours"
    assert bill.unit_price(hours, "list") == pytest.approx(55.04 / 8)
    assert bill.unit_price(hours) == pytest.approx((44.03 + 27.52) / 16)
    assert bill.unit_price(hours, pricing="on demand") == pytest.approx(44.03 / 8)
    assert bill.unit_price(hours, pricing="committed") == pytest.approx(27.52 / 8)
    assert bill.total() == {"USD": pytest.approx(71.55)}  # the currency of the pricing changes nothing
    assert all("number of accelerators from the description" in line.inferred for line in bill.lines)


STATED = (
    "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,EffectiveCost,PricingCategory,PricingQuantity,"
    "PricingUnit,ConsumedQuantity,ConsumedUnit,CommitmentDiscountId,CommitmentDiscountStatus,BillingCurrency,"
    "SkuPriceDetails"
)
CHIP = '"{""GpuCount"": 4, ""GpuType"": ""H200""}"'


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("row", "pricing", "hours"),
    [
        (f"A,2026-05-01,Usage,vm,12,Standard,1,Hours,,,,,USD,{CHIP}", "on demand", 4.0),
        (f"A,2026-05-01,Usage,vm,12,Dynamic,1,Hours,2,Hours,,,USD,{CHIP}", "spot", 8.0),
        (f"A,2026-05-01,Usage,vm,12,Committed,1,Hours,7200,Seconds,c,Used,USD,{CHIP}", "committed", 8.0),
        (f"A,2026-05-01,Usage,vm,12,Committed,3,GPU-Hours,,,c,Unused,USD,{CHIP}", "unused commitment", 3.0),
    ],
)
def test_stated_columns_come_before_words(tmp_path: Path, row: str, pricing: str, hours: float) -> None:
    (line,) = bill_of(tmp_path, row, head=STATED).lines
    assert (line.kind, line.name, line.pricing, line.quantity) == ("accelerator-hours", "H200", pricing, hours)
    assert line.inferred == ()


@pytest.mark.closed_form
def test_tokens_are_priced_by_model_and_side(tmp_path: Path) -> None:
    def row(words: str, cost: float, quantity: float, unit: str, details: str) -> str:
        return f'A,2026-05-01,Usage,{words},{cost},Standard,{quantity},{unit},,,,,USD,"{details}"'

    rows = [
        row("Input", 7.5, 2.5, "1000000 Tokens", '{""ModelId"": ""m"", ""TokenDirection"": ""Input""}'),
        row(
            "Read",
            2.4,
            8.0,
            "1000000 Tokens",
            '{""ModelId"": ""m"", ""TokenDirection"": ""Input"", ""TokenCacheAction"": ""Read""}',
        ),
        row("Output tokens", 22.5, 1500.0, "1K Tokens", '{""ModelId"": ""m""}'),
    ]
    bill = bill_of(tmp_path, *rows, head=STATED)
    prices = {line.side: line.unit_price() * 1e6 for line in bill.select("tokens", name="m")}
    assert prices == pytest.approx({"input": 7.5 / 2.5, "cached input": 2.4 / 8.0, "output": 22.5 / 1.5})


@pytest.mark.closed_form
def test_taxes_and_purchases_are_in_the_total_and_in_no_unit_price(tmp_path: Path) -> None:
    tax = "Cloud A,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z,Tax,VAT,10,10,,,USD,USD"
    bill = bill_of(tmp_path, FIRST, tax)
    assert bill.total()["USD"] == pytest.approx(44.03 + 10)
    assert bill.unit_price("accelerator-hours") == pytest.approx(44.03 / 8)


@pytest.mark.contract
def test_currencies_are_never_added(tmp_path: Path) -> None:
    euro = FIRST.replace("EUR,USD", "EUR,EUR")
    bill = bill_of(tmp_path, FIRST, euro)
    assert set(bill.total()) == {"USD", "EUR"}
    with pytest.raises(DomainError, match="EUR, USD"):
        bill.unit_price("accelerator-hours")


@pytest.mark.contract
def test_instances_name_what_a_sku_holds(tmp_path: Path) -> None:
    row = FIRST.replace("8-GPU server on demand", "server")
    head = HEAD + ",SkuId"
    (line,) = bill_of(tmp_path, f"{row},p5", head=head, instances={"p5": ("H100", 8)}).lines
    assert (line.name, line.quantity) == ("H100", 8.0)
    with pytest.raises(DomainError, match="-1 accelerators"):
        bill_of(tmp_path, f"{row},p5", head=head, instances={"p5": ("H100", -1)})


@pytest.mark.contract
def test_a_bill_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no rows"):
        bill_of(tmp_path)


@pytest.mark.published
def test_rental_rates_are_those_of_the_month() -> None:
    """One-year contracts of an H100: 1.70 (October 2025), 2.35 (March 2026), 2.65 USD/hour (June 2026)."""
    middles = [rental_rate("H100", month, "committed").middle for month in ("2025-11", "2026-04", "2026-06")]
    assert middles == [1.70, 2.35, 2.65]


@pytest.mark.closed_form
def test_half_used_hardware_costs_twice_its_capital_an_hour() -> None:
    full, half = owner_rate("H100"), owner_rate("H100", 0.5)
    assert full.middle < half.middle < 2.0 * full.middle  # energy of an idle chip is lower


@pytest.mark.closed_form
def test_savings_are_the_gap_to_the_rate_and_never_negative() -> None:
    rate = Rate(2.0, 3.0, 5.0, ())
    assert rate.saved(4.0, 10.0) == (0.0, 10.0, 20.0)


@pytest.mark.closed_form
def test_an_audit_names_idle_commitments_in_full_and_dear_hours_by_their_rows(tmp_path: Path) -> None:
    unused = f"A,2026-05-01,Usage,vm,120,Committed,1,Hours,,,c,Unused,USD,{CHIP}"
    dear = '"{""GpuCount"": 8, ""GpuType"": ""H100""}"'
    rows = [unused, f"A,2026-05-02,Usage,vm,80,Standard,1,Hours,,,,,USD,{dear}"]
    found = audit(bill_of(tmp_path, *rows, head=STATED))
    idle = next(f for f in found.findings if "idle" in f.title)
    assert idle.saving == (120.0, 120.0, 120.0)
    market = next(f for f in found.findings if "dearer than the market" in f.title)
    assert market.saving[1] == pytest.approx((10.0 - rental_rate("H100", "2026-05").middle) * 8)
    assert market.examples == (2,)


@pytest.mark.closed_form
def test_tokens_above_list_are_named_with_what_they_cost_too_much(tmp_path: Path) -> None:
    """o3 listed at 2 USD per million input tokens in May 2026; billed at 5 for ten million: 30 USD too much."""
    pytest.importorskip("genai_prices")
    details = '"{""ModelId"": ""o3"", ""TokenDirection"": ""Input""}"'
    row = f"OpenAI,2026-05-01,Usage,tokens,50,Standard,10,1000000 Tokens,,,,,USD,{details}"
    found = audit(bill_of(tmp_path, row, head=STATED))
    above = next(finding for finding in found.findings if "above list" in finding.title)
    assert above.saving == pytest.approx((30.0, 30.0, 30.0))
    assert above.examples == (1,)


@pytest.mark.contract
def test_lines_in_a_currency_without_a_rate_are_named_not_judged(tmp_path: Path) -> None:
    euro = FIRST.replace("8-GPU server", "8xH100 server").replace("EUR,USD", "EUR,EUR")
    bill = bill_of(tmp_path, euro)
    assert audit(bill).findings == ()
    assert "EUR" in audit(bill).not_judged[0]
    assert audit(bill, {"EUR": 1.1}).findings[0].paid == pytest.approx(44.03 * 1.1)
