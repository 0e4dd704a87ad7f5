"""A user's own company: from a table of yearly figures, and from its filings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costmodel import catalog
from costmodel.formats.companyfacts import read_companyfacts
from costmodel.formats.yearly import read_yearly
from costmodel.foundation.errors import CatalogError, CostModelError, ScenarioError
from costmodel.foundation.provenance import Grade
from costmodel.ownership.filings import filed_balance, opening_of


def fact(val: Any, end: str, filed: str, start: str | None = None, form: str = "10-K") -> dict[str, Any]:
    row = {"end": end, "val": val, "accn": "0000012345-26-000007", "form": form, "filed": filed}
    return row if start is None else {"start": start, **row}


def filing(**concepts: list[dict[str, Any]]) -> dict[str, Any]:
    entries = {name: {"label": name, "units": {"USD": facts}} for name, facts in concepts.items()}
    return {"cik": 12345, "entityName": "Example Inc.", "facts": {"dei": {}, "us-gaap": entries}}


YEAR_24, YEAR_25 = ("2024-01-01", "2024-12-31"), ("2025-01-01", "2025-12-31")
FORM = filing(
    Revenues=[fact(10e9, YEAR_24[1], "2025-02-01", YEAR_24[0]), fact(14e9, YEAR_25[1], "2026-02-01", YEAR_25[0])],
    PaymentsToAcquirePropertyPlantAndEquipment=[
        fact(4e9, YEAR_24[1], "2025-02-01", YEAR_24[0]),
        fact(4e9, YEAR_24[1], "2026-02-01", YEAR_24[0]),  # the year before, repeated in the next filing
        fact(7.5e9, YEAR_25[1], "2026-02-01", YEAR_25[0]),
        fact(1.9e9, "2025-03-31", "2025-05-01", "2025-01-01", "10-Q"),
    ],
    PropertyPlantAndEquipmentNet=[fact(12e9, YEAR_25[1], "2026-02-01")],
    ConstructionInProgressGross=[fact(3e9, YEAR_25[1], "2026-02-01")],
    CashAndCashEquivalentsAtCarryingValue=[fact(2e9, YEAR_25[1], "2026-02-01")],
    LongTermDebt=[fact(5e9, YEAR_25[1], "2026-02-01")],
    SomethingElse=[fact(1.0, YEAR_25[1], "2026-02-01")],
)


@pytest.mark.closed_form
def test_what_a_company_filed_becomes_its_record_and_its_opening_balance() -> None:
    company = read_companyfacts(FORM, "Filed")
    assert {year: datum.number / 1e9 for year, datum in company.annual("capex").items()} == {2024: 4.0, 2025: 7.5}
    assert company.quarterly("capex")["2025-01-01/2025-03-31"].number == 1.9e9
    first = company.annual("capex")[2024]
    assert (first.known, first.grade, first.note) == (
        "2025-02-01",
        Grade.REPORTED,
        "PaymentsToAcquirePropertyPlantAndEquipment",
    )
    assert first.source.link == "https://www.sec.gov/Archives/edgar/data/12345/000001234526000007/"
    assert catalog.company("Filed").annual("revenue")[2025].number == 14e9
    balance = filed_balance("Filed", "2025-12-31")
    assert (balance.value("cash"), balance.value("debt"), balance.value("construction")) == (2e9, 5e9, 3e9)
    assert balance.figures["debt"]["grade"] == "reported"
    opening = opening_of(balance, depreciation=1e9, equipment_life=5.0, site_life=20.0)
    booked = sum(opening[part]["book"]["value"] for part in ("accelerators", "network", "sites") if part in opening)
    assert booked == pytest.approx(12e9 - 3e9, rel=1e-9)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "entityName and facts"),
        ({"entityName": "x", "facts": []}, "entityName and facts"),
        (filing(Revenues=[{"end": "2025-12-31"}]), "needs end, val and filed"),
        (filing(Revenues=[fact("1", "2025-12-31", "2026-02-01")]), "val = '1' is a text, not a number"),
        (filing(Revenues=[fact(True, "2025-12-31", "2026-02-01")]), "val = True: a finite number is needed"),
        (filing(Revenues=[fact(float("inf"), "2025-12-31", "2026-02-01")]), "val = inf: a finite number is needed"),
        (filing(Revenues=[fact(10**400, "2025-12-31", "2026-02-01")]), "a finite number is needed"),
        (filing(Revenues=7), "Revenues: units.USD must be a list of facts"),  # type: ignore[arg-type]
        (filing(Revenues=[fact(1.0, "soon", "2026-02-01")]), "Revenues: "),
        (filing(Other=[fact(1.0, "2025-12-31", "2026-02-01")]), "holds none of"),
    ],
)
def test_what_is_no_such_file_is_refused(form: dict[str, Any], message: str) -> None:
    with pytest.raises((ScenarioError, CatalogError), match=message):
        read_companyfacts(form)


TABLE = """Year,Revenue ($B),Capex ($B),D&A ($B),"Net PP&E ($B)",Cash (USD m),Debt ($B),Heads
2023,7,"2.5",0.6,6,"1,500",3,900
FY2024,10.5,4,0.9,9,(0),4,1000
2025,14,$7.5B,1.4,12,"2,000",5,
"""


@pytest.mark.closed_form
def test_a_table_of_years_is_read_as_people_write_it(tmp_path: Path) -> None:
    file = tmp_path / "acme.csv"
    file.write_text(TABLE, encoding="utf-8")
    table = read_yearly(file, "Acme down")
    company = table.company
    assert table.unread == ("Heads",)
    assert {year: datum.number for year, datum in company.annual("capex").items()} == {
        2023: 2.5e9,
        2024: 4e9,
        2025: 7.5e9,
    }
    assert company.annual("depreciation_and_amortization")[2025].number == 1.4e9
    assert company.datum("cash", "2025-12-31").number == 2000e6
    assert (
        company.datum("cash").grade is Grade.UNVERIFIED and company.datum("cash").source.title == "Acme down: acme.csv"
    )
    balance = filed_balance("Acme down", "2025-12-31")
    assert (balance.value("net_ppe"), balance.value("debt")) == (12e9, 5e9)
    across = tmp_path / "across.csv"
    across.write_text("in USD m,2024,2025\nCapex,4000,7500\nRevenue,10500,14000\n", encoding="utf-8")
    other = read_yearly(across, "Acme across", unit="MUSD", year_end="06-30").company
    assert other.annual("capex")[2025].number == 7.5e9
    assert other.annual("capex")[2025].period == "2024-07-01/2025-06-30"


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a header and a row"),
        ("Year,Capex\n2025,7500\n", "give the unit, as unit='MUSD'"),
        ("Year,Capex ($B)\nlast,7\n", "row 2: 'last' is not a year"),
        ("Year,Capex ($B)\n2025,seven\n", "2025: capex"),
        ("Year,Revenue ($B)\n2025,-7\n", "outside 0"),
        ("Year,Capex (GW)\n2025,7\n", "column 'Capex \\(GW\\)'"),
        ("Year,Heads\n2025,7\n", "no figure is read"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CostModelError, match=message):
        read_yearly(file, "Bad")
    with pytest.raises(CostModelError, match="No such file"):
        read_yearly(tmp_path / "none.csv", "Bad")
    file.write_text(TABLE, encoding="utf-8")
    with pytest.raises(CatalogError, match="give yours another name"):
        read_yearly(file, "Meta")
    with pytest.raises(ScenarioError, match="year_end"):
        read_yearly(file, "Other", year_end="13-40")


@pytest.mark.contract
def test_the_command_line_reads_either_file(tmp_path: Path) -> None:
    facts, table = tmp_path / "facts.json", tmp_path / "acme.csv"
    facts.write_text(json.dumps(FORM), encoding="utf-8")
    table.write_text(TABLE, encoding="utf-8")
    for file in (facts, table):
        done = subprocess.run(
            [sys.executable, "-m", "costmodel.cli.app", "balance", "Mine", "2025-12-31", "--from", str(file)],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "5.0 billion USD" in done.stdout
    assert "not read: Heads" in done.stderr


@pytest.mark.contract
@pytest.mark.parametrize(
    "text",
    [
        "Year;Revenue (USD m);Capex (USD m);PP&E, net (USD m)\n2025;14.000,5;5.000;13.000,0\n",
        "date,revenue_musd,capex_musd,net_ppe_musd\n2025-12-31,14000.5,5000,13000\n",
        ",FY24,FY25\nRevenue ($M),12000,14000.5\nCapEx ($M),(4000),(5000)\nPP&E (net) ($M),10000,13000\n",
        "Year\tRevenue ($B)\tCapex ($B)\tPP&E (net) ($B)\n2025A\t14.0005\t-5\t13\n",
        "Year,Revenue,Capex,Net PP&E\n12/31/2025,$14.0005B,$5B,$13B\n",
    ],
)
def test_other_ways_to_write_the_same_table(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(text)
    found = read_yearly(file, "Odd").company
    assert found.annual("revenue")[2025].value == pytest.approx(14_000.5e6)
    assert found.annual("capex")[2025].value == pytest.approx(5e9)  # payments, for any sign in the table
    assert found.datum("net_ppe").number == pytest.approx(13e9)
