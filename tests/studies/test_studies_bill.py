"""Bills: prices of an accelerator-hour and a token, from amounts stated in the test."""

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
    assert audit(bill, {"EUR": 1.1}).findings[0].paid == pytest.approx(44.03 * 1.1)
    lira = bill_of(tmp_path, euro.replace("EUR,EUR", "EUR,VND"))
    assert audit(lira).findings == ()
    assert "VND: no rate to USD is given" in audit(lira).not_judged[0]


@pytest.mark.published
def test_a_bill_in_euro_is_judged_at_the_mean_reference_rate_of_its_month(tmp_path: Path) -> None:
    """Daily rates of May 2026 lie between 1.15 and 1.19 dollars a euro."""
    pytest.importorskip("currency_converter")
    euro = FIRST.replace("8-GPU server", "8xH100 server").replace("EUR,USD", "EUR,EUR")
    paid = audit(bill_of(tmp_path, euro)).findings[0].paid
    assert 44.03 * 1.15 < paid < 44.03 * 1.19


@pytest.mark.closed_form
def test_credits_refunds_and_corrections_lower_what_was_paid(tmp_path: Path) -> None:
    """After a refund of half an hour, 1.5 of 2 machine-hours remain, at 66.045 of 88.06; the total has the credit."""
    refund = FIRST.replace("55.04,44.03,1.0000", "-27.52,-22.015,-0.5000")
    credit = "Cloud A,2026-05-31T00:00:00Z,2026-06-01T00:00:00Z,Credit,promotion,-20,-20,,,USD,USD"
    bill = bill_of(tmp_path, FIRST, FIRST, refund, credit)
    (line,) = bill.select("accelerator-hours")
    assert line.quantity == pytest.approx(1.5 * 8)
    assert line.unit_price() == pytest.approx(44.03 / 8)
    assert bill.total()["USD"] == pytest.approx(1.5 * 44.03 - 20)


@pytest.mark.closed_form
def test_empty_fields_may_be_called_null_and_a_table_may_lack_its_currency(tmp_path: Path) -> None:
    """Rows of the specification's example of an unused commitment (FOCUS, commitment discount flexibility)."""
    head = (
        "ChargePeriodStart,ChargeCategory,PricingCategory,PricingQuantity,ListCost,BilledCost,EffectiveCost,"
        "ConsumedQuantity,ConsumedUnit,SkuId,CommitmentDiscountId,CommitmentDiscountStatus"
    )
    rows = [
        "2023-01-01T00:00:00Z,Purchase,Standard,1.00,3.00,1.50,0.00,null,null,VM_LARGE,<commitment-discount-id>,null",
        "2023-01-01T00:00:00Z,Usage,Committed,1.00,3.00,0.00,1.50,1.00,Hour,VM_LARGE,<commitment-discount-id>,Unused",
        "2023-01-01T00:00:00Z,Usage,Standard,1.00,2.00,2.00,2.00,1.00,Hour,VM_MEDIUM,null,null",
    ]
    bill = bill_of(tmp_path, *rows, head=head)
    assert bill.unread.count == 0
    assert bill.total() == {"XXX": 3.5}
    assert [line.cost["effective"] for line in bill.select(pricing="unused commitment")] == [1.5]
    assert "the bill states no currency" in audit(bill).not_judged[0]
    idle = audit(bill_of(tmp_path, *(f"{row},USD" for row in rows), head=f"{head},BillingCurrency")).findings
    assert [(finding.title, finding.saving[1]) for finding in idle] == [("a commitment stood idle", 1.5)]


@pytest.mark.contract
def test_spellings_of_the_specifications_own_examples(tmp_path: Path) -> None:
    """A correction with ``(null)`` in a numeric field, ``BilledCurrency``, and a reservation that is partly idle."""
    head = "ChargePeriodStart,ChargeCategory,EffectiveCost,ListUnitPrice,ConsumedQuantity,BilledCurrency"
    bill = bill_of(tmp_path, "2025-06-01T00:00:00Z,Adjustment,0.002,(null),(null),EUR", head=head)
    assert (bill.unread.count, bill.total()) == (0, {"EUR": 0.002})
    head = "ChargePeriodStart,ChargeCategory,PricingCategory,ServiceName,CapacityReservationStatus,EffectiveCost"
    rows = [f"2025-04-01,Usage,Committed,Compute,{status},{cost}" for status, cost in (("Used", 180), ("Unused", 70))]
    bill = bill_of(tmp_path, *rows, head=head)
    assert [line.cost["effective"] for line in bill.select(pricing="unused commitment")] == [70.0]
    assert [line.cost["effective"] for line in bill.select(pricing="committed")] == [180.0]


@pytest.mark.contract
@pytest.mark.parametrize(("kind", "side"), [("CacheRead", "cached input"), ("CacheWrite", "cache write")])
def test_drafts_of_the_specification_say_in_one_word_what_the_cache_did(tmp_path: Path, kind: str, side: str) -> None:
    details = f'"{{""ModelId"":""solora-neptune-5.0"",""TokenType"":""{kind}""}}"'
    row = f"A,2026-05-01,Usage,input tokens,10,Standard,50,1000000 Tokens,,,,,USD,{details}"
    (line,) = bill_of(tmp_path, row, head=STATED).lines
    assert (line.name, line.side, line.quantity) == ("solora-neptune-5.0", side, 50e6)


@pytest.mark.contract
def test_a_purchase_of_a_providers_own_currency_buys_no_tokens_of_a_model(tmp_path: Path) -> None:
    """The specification's example of a virtual currency called Token; a purchase that names a model buys its tokens."""
    row = "A,2025-04-01,Purchase,Token Purchase For Period 1,0,Standard,100000,Token,,,,,USD,{}"
    assert [line.kind for line in bill_of(tmp_path, row.format(""), head=STATED).lines] == ["other"]
    named = row.format('"{""ModelId"":""m""}"')
    assert [(line.kind, line.name) for line in bill_of(tmp_path, named, head=STATED).lines] == [("tokens", "m")]


@pytest.mark.closed_form
def test_what_is_stored_by_the_hour_is_no_accelerator(tmp_path: Path) -> None:
    """Storage of a context cache in token-hours with an H100 in its description is not an accelerator-hour."""
    row = "A,2026-05-01,Usage,cache storage of an H100 model,6,Standard,6.0,1000000 Token-Hours,,,,,USD,"
    (line,) = bill_of(tmp_path, row, head=STATED).lines
    assert line.kind == "other"


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("unit", "hours"),
    [
        ("Hours", 8.0),
        ("1 Hour", 8.0),
        ("100 Hours", 800.0),
        ("Hrs", 8.0),
        ("Instance-Hours", 8.0),
        ("GPU-Hours", 1.0),
        ("10 GPU Hours", 10.0),
        ("Days", 192.0),
        ("Seconds", 8.0 / 3600.0),
        ("vCPU-Hours", None),
        ("GB-Hours", None),
        ("GiB-Month", None),
        ("1 Month", None),
        ("Requests", None),
    ],
)
def test_hours_are_those_of_the_unit(tmp_path: Path, unit: str, hours: float | None) -> None:
    eight = '"{""GpuCount"": 8, ""GpuType"": ""H100""}"'
    row = f"A,2026-05-01,Usage,vm,12,Standard,1,{unit},,,,,USD,{eight}"
    (line,) = bill_of(tmp_path, row, head=STATED).lines
    assert line.kind == ("other" if hours is None else "accelerator-hours")
    if hours is not None:
        assert line.quantity == pytest.approx(hours)


@pytest.mark.closed_form
def test_a_commitment_is_held_against_the_market_at_renewal(tmp_path: Path) -> None:
    """A commitment at 1.70, renewed at the 2.65 of June 2026, costs 0.95 more an hour."""
    eight = '"{""GpuCount"": 8, ""GpuType"": ""H100""}"'
    row = f"A,2025-10-01,Usage,vm,13.6,Committed,1,Hours,,,c,Used,USD,{eight}"
    found = audit(bill_of(tmp_path, row, head=STATED)).findings
    renewed = next(finding for finding in found if "renewed" in finding.title)
    assert renewed.saving[1] == pytest.approx((1.70 - 2.65) * 8)
    assert renewed.saving[0] <= renewed.saving[1] <= renewed.saving[2]


PLAIN = "Billing Month,Vendor,GPU Type,# GPUs,Node-Hours,Total Cost (EUR),Purchase Option"


@pytest.mark.closed_form
def test_hours_by_type_under_odd_headers(tmp_path: Path) -> None:
    rows = [
        '2026-05,Neo,8xH100 SXM,,100,"2,400.00",On-Demand',
        "2026-05,Neo,8xH100 SXM,,50,€800,1-year reserved",
        "May 2026,Neo,A100,4,10,(16.00),spot",
        "5/1/2026,Neo,A100,4,10,16.00,spot",
        "2026-05,Neo,A100,4,ten,16.00,spot",
        '2026-05,Neo,A100,4,10,"16,00",spot',
    ]
    bill = bill_of(tmp_path, *rows, head=PLAIN)
    found = {(line.name, line.pricing): (line.quantity, line.cost["effective"], line.currency) for line in bill.lines}
    assert found == {
        ("H100", "on demand"): (800.0, 2400.0, "EUR"),
        ("H100", "committed"): (400.0, 800.0, "EUR"),
        ("A100", "spot"): (40.0, -16.0, "EUR"),
    }
    assert sorted(row for row, _ in bill.unread.kept) == [4, 5, 6]
    hours = bill_of(tmp_path, "2026-05-03,H100,24,2.10", head="date,gpu,GPU hours,price ($/hr)")
    assert [(line.quantity, line.cost["effective"], line.currency) for line in hours.lines] == [
        (24.0, pytest.approx(24 * 2.10), "USD")
    ]


@pytest.mark.closed_form
def test_a_sign_of_money_alone_is_a_header(tmp_path: Path) -> None:
    (line,) = bill_of(tmp_path, "2026-05-01,H100,10,20", head="When,GPU,Hours,$").lines
    assert (line.month, line.cost["effective"], line.currency) == ("2026-05", 20.0, "USD")
    without = audit(bill_of(tmp_path, "2026-05-01,H100,10", head="When,GPU,Hours"))
    assert "no effective cost is stated" in without.not_judged[0]


@pytest.mark.contract
@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("date,gpu,chip,hours,cost", "2026-05,a,b,1,1", "is type the column 'gpu' or 'chip'"),
        ("date;gpu;hours;cost", "2026-05;H100;1;1", "separated by something else than commas"),
    ],
)
def test_a_table_of_hours_that_could_mean_two_things_is_refused(tmp_path: Path, head: str, row: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        bill_of(tmp_path, row, head=head)


@pytest.mark.closed_form
def test_row_numbers_of_a_frame_are_neither_dates_nor_hours(tmp_path: Path) -> None:
    (line,) = bill_of(tmp_path, "0,H100,10,20", head=",GPU,GPU hours,Cost (USD)").lines
    assert (line.month, line.quantity, line.cost["effective"]) == ("", 10.0, 20.0)


@pytest.mark.contract
def test_hours_that_cost_nothing_are_held_against_nothing(tmp_path: Path) -> None:
    done = audit(bill_of(tmp_path, "2026-05,H100,10,0", head="Month,GPU,GPU hours,Cost (USD)"))
    assert done.findings == ()


@pytest.mark.contract
def test_a_unit_of_endless_digits_counts_nothing(tmp_path: Path) -> None:
    row = FIRST.replace(",Hours,", "," + "9" * 400 + " Hours,")
    (line,) = bill_of(tmp_path, row).lines
    assert line.kind == "other"
