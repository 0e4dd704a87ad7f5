"""SkyPilot's price lists: accelerators, regions, spot prices, and lists of another form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from costmodel.cli.app import app
from costmodel.formats import skypilot
from costmodel.formats.tables import Unread
from costmodel.foundation.errors import ScenarioError
from costmodel.studies.audit import audit
from costmodel.studies.bill import read_bill

HEAD = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice"
ROWS = """gpu-h100-sxm_1gpu,H100,1,16,200,2.95,eu-north1,,1.25
gpu-h100-sxm_8gpu,H100,8,128,1600,23.60,eu-north1,"{'Gpus': [{'Name': 'H100'}]}",10.00
gpu-h100-sxm_8gpu,H100,8,128,1600,20.00,us-central1,,
gpu-l40s,L40S,1,8,32,1.5484,eu-north1,,
cpu-d3,,0,4,16,0.0992,eu-north1,,
broken,H100,0,4,16,1.0,eu-north1,,
dear,H100,1,4,16,1e9,eu-north1,,
"""


def listed(folder: Path, head: str = HEAD, rows: str = ROWS) -> Path:
    path = folder / "vms.csv"
    path.write_text(f"{head}\n{rows}", encoding="utf-8")
    return path


@pytest.mark.closed_form
def test_prices_are_those_of_an_accelerator_in_each_machine(tmp_path: Path) -> None:
    unread = Unread()
    offers = skypilot.read(listed(tmp_path), unread)
    assert [offer.accelerator for offer in offers] == ["H100", "H100", "H100", "L40S"]
    assert skypilot.prices(offers, ["H100"]) == (20.0 / 8, 2.95)  # the cheapest region of each machine
    assert skypilot.prices(offers, ["H100"], spot=True) == (1.25, 1.25)
    assert skypilot.prices(offers, ["L40S"], spot=True) == ()
    assert sorted(row for row, _ in unread.kept) == [6, 7]


@pytest.mark.contract
@pytest.mark.parametrize("name", ["SpotPrice", "AcceleratorName", "Region"])
def test_a_list_of_another_version_is_refused_by_its_column(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match=f"catalogues v5 to v8: column '{name}' is missing"):
        skypilot.read(listed(tmp_path, head=HEAD.replace(name, "Other")))


@pytest.mark.closed_form
def test_a_bill_is_held_against_the_list(tmp_path: Path) -> None:
    """Eight H100-hours at 10 USD each, while the list's two machines cost 2.50 and 2.95: the median is 2.725."""
    path = tmp_path / "bill.csv"
    path.write_text(
        "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,EffectiveCost,PricingQuantity,PricingUnit,"
        "BillingCurrency\nA,2026-05-01,Usage,8xH100 on demand,80,1,Hours,USD\n",
        encoding="utf-8",
    )
    found = audit(read_bill(path), offers=skypilot.read(listed(tmp_path)))
    market = next(finding for finding in found.findings if "price list" in finding.title)
    assert market.saving[1] == pytest.approx((10.0 - (2.5 + 2.95) / 2) * 8)


@pytest.mark.closed_form
def test_the_list_says_what_a_machine_holds(tmp_path: Path) -> None:
    """Ten hours of a machine whose name does not show that it has eight H100: 80 accelerator-hours at 3 USD."""
    path = tmp_path / "hours.csv"
    path.write_text("date,instance,hours,cost ($)\n2026-05-01,gpu-h100-sxm_8gpu,10,240\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["audit", str(path), "--offers", str(listed(tmp_path)), "--json"])
    (line,) = json.loads(done.stdout)["lines"]
    assert (line["name"], line["quantity"], line["effective_unit_price"]) == ("H100", 80.0, 3.0)


@pytest.mark.contract
def test_a_speck_of_an_accelerator_is_none(tmp_path: Path) -> None:
    unread = Unread()
    assert skypilot.read(listed(tmp_path, rows="speck,H100,1e-300,1,1,5,x,,\n"), unread) == ()
    assert unread.count == 1
