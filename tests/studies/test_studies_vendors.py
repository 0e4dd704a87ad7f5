"""Logs and bills by vendors' published rules, audited end to end against sums in decimal arithmetic.

**Tokens.** List prices and rules as the vendors published them. OpenAI: gpt-4o, cached input at half; cached tokens in
the input. Anthropic: Claude Sonnet 4.5, writes at 1.25 and reads at 0.1 of the input, prompts above 200,000 tokens at
twice the input and 1.5 times the output; cached tokens beside the input. Google: Gemini 2.5 Pro, cached input at a
tenth, long prompts as Anthropic. DeepSeek: V3 at half price from 16:30 to 00:30 UTC between 26 February and
5 September 2025.

**Hours.** AWS bills seconds, at least a minute; Google Cloud the same in hours; Azure in units of 100 hours; a
specialist whole minutes. Where only the rule is tested, prices are made up.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from costmodel.cli.app import app
from costmodel.formats import focus
from costmodel.studies.audit import audit
from costmodel.studies.bill import read_bill
from costmodel.studies.usage_cost import price_usage

CENT = Decimal("0.01")
MILLION = Decimal(10**6)
CALLS = 400
LONG = 200_000
"""Length of prompt above which Anthropic and Google charge other prices [token]."""


def cents(amount: object) -> Decimal:
    return Decimal(str(amount)).quantize(CENT, ROUND_HALF_UP)


def openai(when: datetime, fresh: int, read: int, write: int, out: int) -> Decimal:
    return (fresh * Decimal("2.5") + read * Decimal("1.25") + out * Decimal(10)) / MILLION


def anthropic(when: datetime, fresh: int, read: int, write: int, out: int) -> Decimal:
    given, answered = (Decimal(3), Decimal(15)) if fresh + read + write <= LONG else (Decimal(6), Decimal("22.5"))
    return (fresh * given + read * given / 10 + write * given * Decimal("1.25") + out * answered) / MILLION


def google(when: datetime, fresh: int, read: int, write: int, out: int) -> Decimal:
    given, answered = (Decimal("1.25"), Decimal(10)) if fresh + read <= LONG else (Decimal("2.5"), Decimal(15))
    return (fresh * given + read * given / 10 + out * answered) / MILLION


def deepseek(when: datetime, fresh: int, read: int, write: int, out: int) -> Decimal:
    whole = (fresh * Decimal("0.27") + read * Decimal("0.07") + out * Decimal("1.10")) / MILLION
    return whole / 2 if when.time() >= time(16, 30) or when.time() < time(0, 30) else whole


VENDORS: dict[str, tuple[str, str, Callable[..., Decimal], datetime, int]] = {
    "openai": ("gpt-4o", "inclusive", openai, datetime(2026, 5, 1, tzinfo=UTC), 60),
    "anthropic": ("claude-sonnet-4-5", "beside", anthropic, datetime(2026, 5, 1, tzinfo=UTC), 60),
    "google": ("gemini-2.5-pro", "inclusive", google, datetime(2026, 5, 1, tzinfo=UTC), 60),
    "deepseek": ("deepseek-chat", "inclusive", deepseek, datetime(2025, 3, 1, tzinfo=UTC), 150),
}
"""Model, counting of cached tokens, rule, first day and days of each vendor's log."""
HEAD = ("time", "provider", "model", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
        "output_tokens")  # fmt: skip


def log_of(vendor: str, path: Path) -> Decimal:
    """Write a vendor's log and return its cost by the vendor's rule."""
    model, counting, rule, start, days = VENDORS[vendor]
    chance, total = random.Random(vendor), Decimal(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for _ in range(CALLS):
            when = start + timedelta(seconds=chance.randrange(days * 86_400))
            fresh, out = int(10 ** chance.uniform(1, 5.4)), int(10 ** chance.uniform(0, 4))
            read = chance.choice([0, int(10 ** chance.uniform(1, 5.3))])
            write = chance.choice([0, 5_000]) if vendor == "anthropic" else 0
            total += rule(when, fresh, read, write, out)
            given = fresh + read + write if counting == "inclusive" else fresh
            writer.writerow((when.isoformat().replace("+00:00", "Z"), vendor, model, given, read, write, out))
    return total


@pytest.mark.published
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_log_costs_what_the_vendors_rule_says(vendor: str, tmp_path: Path) -> None:
    pytest.importorskip("genai_prices")
    expected = log_of(vendor, tmp_path / "log.csv")
    cost = price_usage(tmp_path / "log.csv", counting=VENDORS[vendor][1])  # type: ignore[arg-type]
    assert cost.calls == CALLS
    assert cost.unpriced == ()
    assert cost.total == pytest.approx(float(expected), rel=1e-12)
    assert cents(cost.total) == cents(expected)


@pytest.mark.published
def test_logs_of_four_vendors_become_one_bill_that_is_audited(tmp_path: Path) -> None:
    """Priced at list, written as FOCUS, read back and audited: no line is above list."""
    pytest.importorskip("genai_prices")
    from costmodel.studies.usage_cost import focus_rows

    total, rows = Decimal(0), []
    for vendor, (_, counting, *_rest) in VENDORS.items():
        total += log_of(vendor, tmp_path / "log.csv")
        rows += focus_rows(price_usage(tmp_path / "log.csv", counting=counting), vendor)  # type: ignore[arg-type]
    (tmp_path / "bill.csv").write_text(focus.write(rows), encoding="utf-8")
    bill = read_bill(tmp_path / "bill.csv")
    assert {line.provider for line in bill.lines} == set(VENDORS)
    assert cents(bill.total()["USD"]) == cents(total)
    above = [f for f in audit(bill).findings if "above list" in f.title]
    assert {f.provider for f in above} <= {"anthropic", "google"}  # long prompts cost more than the list of short ones


CHIP = json.dumps({"GpuCount": 8, "GpuType": "H100"})
COLUMNS = ("ProviderName", "ChargePeriodStart", "ChargeCategory", "ChargeDescription", "ListCost", "EffectiveCost",
           "PricingCategory", "PricingQuantity", "PricingUnit", "CommitmentDiscountStatus", "BillingCurrency",
           "SkuPriceDetails")  # fmt: skip


def seconds_billed(vendor: str, seconds: int) -> tuple[Decimal, str]:
    """Return the quantity and the unit that a vendor bills for a run."""
    if vendor == "Specialist":
        return Decimal(-(-seconds // 60)), "Minutes"
    held = max(seconds, 60)
    if vendor == "AWS":
        return Decimal(held), "Seconds"
    hours = (Decimal(held) / 3600).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return (hours, "Hours") if vendor == "Google Cloud" else (hours / 100, "100 Hours")


HOURS_OF = {"Seconds": Decimal(1) / 3600, "Minutes": Decimal(1) / 60, "Hours": Decimal(1), "100 Hours": Decimal(100)}
LIST = {"AWS": Decimal("55.04"), "Google Cloud": Decimal("88.49"), "Microsoft Azure": Decimal("98.32"),
        "Specialist": Decimal("23.92")}  # fmt: skip
"""Price of a machine-hour of eight H100."""
DISCOUNT = {"on demand": Decimal(1), "committed": Decimal("0.59"), "spot": Decimal("0.4")}


@pytest.mark.closed_form
def test_a_bill_of_four_vendors_adds_up_and_is_audited(tmp_path: Path) -> None:
    """Runs by the second, the minute and in units of 100 hours; a refund, a credit, a tax and an unused commitment."""
    chance = random.Random(3)
    paid, listed, hours = Decimal(0), Decimal(0), {vendor: Decimal(0) for vendor in LIST}
    rows: list[tuple[object, ...]] = []
    for vendor in LIST:
        for _ in range(50):
            quantity, unit = seconds_billed(vendor, chance.randrange(1, 200_000))
            way = chance.choice(list(DISCOUNT))
            sign = -1 if chance.random() < 0.05 else 1  # a refund
            whole = sign * quantity * HOURS_OF[unit]
            cost, held = cents(whole * LIST[vendor]), cents(whole * LIST[vendor] * DISCOUNT[way])
            paid, listed, hours[vendor] = paid + held, listed + cost, hours[vendor] + 8 * whole
            category = {"on demand": "Standard", "committed": "Committed", "spot": "Dynamic"}[way]
            status = "Used" if way == "committed" else ""
            rows.append((vendor, "2026-05-03T00:00:00Z", "Usage", "vm", cost, held, category, sign * quantity, unit,
                         status, "USD", CHIP))  # fmt: skip
        for kind, amount in (("Credit", Decimal("-250.10")), ("Tax", Decimal("81.77"))):
            paid, listed = paid + amount, listed + amount
            rows.append((vendor, "2026-05-31T00:00:00Z", kind, kind, amount, amount, "", "", "", "", "USD", ""))
        paid, listed = paid + Decimal("40.00"), listed + Decimal("40.00")
        rows.append((vendor, "2026-05-31T00:00:00Z", "Usage", "vm", "40.00", "40.00", "Committed", 1, "Hours", "Unused",
                     "USD", CHIP))  # fmt: skip
    path = tmp_path / "bill.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    bill = read_bill(path)
    assert bill.unread.count == 0
    assert (cents(bill.total()["USD"]), cents(bill.total("list")["USD"])) == (paid, listed)
    for vendor in LIST:
        used = [line for line in bill.select("accelerator-hours") if line.provider == vendor]
        used = [line for line in used if line.pricing != "unused commitment"]
        assert sum(line.quantity for line in used) == pytest.approx(float(hours[vendor]), rel=1e-9)
    done = CliRunner().invoke(app, ["audit", str(path), "--json"])
    form = json.loads(done.stdout)
    assert cents(form["totals"]["effective"]["USD"]) == paid
    idle = [finding for finding in form["findings"] if finding["title"] == "a commitment stood idle"]
    assert {finding["provider"]: finding["paid"] for finding in idle} == dict.fromkeys(LIST, 40.0)
    dear = [finding for finding in form["findings"] if "dearer than the market" in finding["title"]]
    assert any(finding["provider"] == "Microsoft Azure" for finding in dear)
    for finding in form["findings"]:
        low, middle, high = finding["saving"]
        assert low <= middle <= high
        assert finding["examples"]
