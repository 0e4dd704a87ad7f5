"""Opening balances from filings: figures, dates, evidence, and the split of property by its depreciation."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.ownership.filings import BALANCES, filed_balance, opening_of, short_lived_share

COMPANIES = ("Alphabet", "Amazon", "CoreWeave", "Meta", "Microsoft", "Oracle")


@pytest.mark.published
@pytest.mark.parametrize(
    ("company", "day", "name", "billion"),
    [
        ("Alphabet", "2024-12-31", "cash", 95.657),  # annual report for 2025, R33
        ("Alphabet", "2025-12-31", "construction", 78.592),  # the same, R36
        ("Alphabet", "2025-12-31", "leases_signed", 5.8 + 52.7),  # the same, R14
        ("Amazon", "2025-09-30", "commitments", 72.933),  # quarterly report, R11
        ("CoreWeave", "2024-12-31", "debt", 7.92634),  # filing of August 2025, R41
        ("Meta", "2024-12-31", "cash", 43.889 + 33.926),  # balance sheet in the report to September 2025
        ("Meta", "2025-12-31", "leases_signed", 103.77),  # annual report for 2025, R16
        ("Microsoft", "2025-06-30", "lease_debt", 3.172 + 43.0),  # annual report for fiscal 2025, R23
        ("Oracle", "2024-05-31", "debt", 10.605 + 76.264),  # annual report for fiscal 2024, R2
    ],
)
def test_a_balance_is_the_filing_s(company: str, day: str, name: str, billion: float) -> None:
    balance = filed_balance(company, day)
    assert balance.value(name) == pytest.approx(billion * 1e9)
    assert balance.figures[name]["grade"] == "reported"
    assert balance.figures[name]["source"] in balance.sources


@pytest.mark.closed_form
def test_a_balance_between_two_days_is_read_between_them() -> None:
    # Microsoft owed 27,145 on finance leases in June 2024 and 46,172 a year of 365 days later; 184 days are past.
    balance = filed_balance("Microsoft", "2024-12-31")
    assert balance.value("lease_debt") == pytest.approx((27145 + 184 / 365 * (46172 - 27145)) * 1e6)
    assert "read between 2024-06-30 and 2025-06-30" in balance.figures["lease_debt"]["note"]


@pytest.mark.contract
def test_a_balance_of_another_day_says_so_and_one_far_off_stays_absent() -> None:
    near = filed_balance("Amazon", "2024-12-31")
    assert near.value("leases_signed") == 67.201e9
    assert "90 days later" in near.figures["leases_signed"]["note"]
    assert "cash" in near.missing
    with pytest.raises(CatalogError, match="cash of Amazon on 2024-12-31 is not recorded"):
        near.value("cash")


@pytest.mark.contract
@pytest.mark.parametrize("company", COMPANIES)
def test_every_figure_is_written_with_its_evidence(company: str) -> None:
    for day in ("2024-12-31", "2025-12-31"):
        balance = filed_balance(company, day)
        assert set(balance.figures) | set(balance.missing) == set(BALANCES)
        assert str(balance).startswith(company)
        for entry in balance.figures.values():
            assert entry["grade"] and entry["note"]
            assert "source" not in entry or entry["source"] in balance.sources


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.filings:short_lived_share")
def test_the_share_gives_back_the_depreciation() -> None:
    # A third is short-lived, over 5 years with shape 1.5, the rest over 20 with shape 1: 0.3/3 + 0.05·2/3.
    assert short_lived_share(0.3 / 3 + 0.05 * 2 / 3, 5.0, 1.5, 20.0, 1.0) == pytest.approx(1 / 3)
    assert short_lived_share(0.01, 5.0, 1.5, 20.0, 1.0) == 0.0
    assert short_lived_share(0.9, 5.0, 1.5, 20.0, 1.0) == 1.0


@pytest.mark.closed_form
def test_an_opening_adds_up_to_the_filing_and_starts_at_its_depreciation() -> None:
    opening = opening_of(filed_balance("Alphabet", "2025-12-31"), depreciation=24e9, equipment_life=6.0, site_life=25.0)
    classes = [opening[name] for name in ("accelerators", "network", "sites")]
    assert sum(row["book"]["value"] for row in classes) == pytest.approx((246.597 - 78.592) * 1e9)
    assert sum(row["construction"]["value"] for row in classes) == pytest.approx(78.592e9)
    start = sum(row["book"]["value"] * row["run_off"]["value"] / row["life"]["value"] for row in classes)
    assert start == pytest.approx(24e9)
    assert opening["network"]["book"]["value"] / opening["accelerators"]["book"]["value"] == pytest.approx(0.19 / 0.81)
    # 58.5 billion paid evenly over 15 years is worth (1 - 1.045^-15)/ln(1.045)/15 of it.
    worth = 58.5e9 * (1 - 1.045**-15) / math.log(1.045) / 15
    assert opening["leases_signed"]["value"] == pytest.approx(worth)
    assert opening["leases_signed"]["grade"] == "assumed"


@pytest.mark.contract
def test_an_opening_without_property_leaves_the_classes_out() -> None:
    balance = filed_balance("Meta", "2025-12-31")
    opening = opening_of(balance, depreciation=20e9, equipment_life=5.5, site_life=27.5)
    assert sorted(opening) == ["cash", "commitments", "debt", "leases_signed"]
    with pytest.raises(DomainError, match="shorter than the life of sites"):
        opening_of(balance, depreciation=20e9, equipment_life=30.0, site_life=27.5)
    with pytest.raises(DomainError, match="network_share must be between 0 and 1"):
        opening_of(balance, depreciation=1.0, equipment_life=5.0, site_life=20.0, network_share=1.5)


@pytest.mark.contract
def test_the_command_shows_a_balance_and_an_opening(command: Callable[..., tuple[int, str, str]]) -> None:
    def ask(*arguments: str) -> str:
        status, out, _ = command("balance", *arguments)
        assert status == 0
        return out

    shown = ask("Alphabet", "2025-12-31", "--opening", "24e9", "6", "25")
    assert "58.5 billion USD" in shown and "not recorded: cash, debt" in shown and "in construction" in shown
    form = json.loads(ask("Alphabet", "2025-12-31", "--opening", "24e9", "6", "25", "--json"))
    total = sum(form["figures"][name]["book"]["value"] for name in ("accelerators", "network", "sites"))
    assert total == pytest.approx((246.597 - 78.592) * 1e9)
    assert form["figures"]["leases_signed"]["source"] in form["sources"]
