"""A user's own records: folders, the environment, the command line, installed packages, and tables in a scenario."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from costmodel import catalog, load_scenario, run
from costmodel.catalog import loader, own
from costmodel.catalog.check import check
from costmodel.catalog.own import own_record, record_files
from costmodel.foundation.errors import CatalogError, CostModelError
from costmodel.foundation.provenance import Grade
from costmodel.ownership.accelerator_hour import from_catalog

HEADER = "id,field,value,low,high,unit,price_year,period,known,source,grade,note\n"
ROWS = (
    "Mine-1,bf16,1000,,,TFLOP/s,,,2026-01-05,sheet,published,\n"
    "Mine-1,fp8,2000,,,TFLOP/s,,,2026-01-05,sheet,published,\n"
    "Mine-1,memory,192,,,Gbyte,,,2026-01-05,sheet,published,\n"
    "Mine-1,bandwidth,8,,,Tbyte/s,,,2026-01-05,sheet,published,\n"
    "Mine-1,link,450,,,Gbyte/s,,,2026-01-05,sheet,published,\n"
    "Mine-1,domain,8,,,1,,,2026-01-05,sheet,published,\n"
    "H100-SXM,power,650,,,W,,,2026-01-05,sheet,published,capped\n"
)
SOURCES = '[sheet]\ntitle = "Data sheet of Mine-1"\ndate = "2026-01-05"\n'
MINE = {"name": "a chip of my own", "bf16": "2 PFLOPS", "fp8": 4e15, "memory": "141 GB", "bandwidth": "4.8 TB/s"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "accelerators.csv").write_text(HEADER + ROWS, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return tmp_path


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "costmodel.cli.app", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.contract
def test_names_and_folders_have_a_largest_size(tmp_path: Path) -> None:
    """A name has at most 100 characters, a folder at most 200 files of records."""
    longest = "n" * 100
    assert own_record("accelerators", {**MINE, "name": longest}) == longest
    with pytest.raises(CatalogError, match="at most 100 characters"):
        own_record("accelerators", {**MINE, "name": longest + "n"})
    for number in range(200):
        (tmp_path / f"{number}.csv").touch()
    assert len(record_files(tmp_path)) == 200
    (tmp_path / "one more.toml").touch()
    with pytest.raises(CatalogError, match="201 files of records, at most 200"):
        record_files(tmp_path)


@pytest.mark.contract
def test_a_folder_lies_over_the_catalog_and_leaves_it_as_it_was(folder: Path) -> None:
    own = catalog.extended(folder)
    assert own.accelerator("Mine-1").peak("bf16") == 1000e12
    assert own.accelerator("H100-SXM").power == 650.0
    assert own.accelerator("H100-SXM").memory == catalog.accelerator("H100-SXM").memory
    assert own.accelerator("Mine-1").datum("bf16").grade is Grade.PUBLISHED
    assert own.accelerator("Mine-1").datum("bf16").file == str((folder / "accelerators.csv").resolve())
    assert own.source("sheet").title == "Data sheet of Mine-1"
    assert {datum.record for datum in own.search("sheet mine-1")} == {"Mine-1", "H100-SXM"}
    assert "Mine-1" not in own.as_of("2025-12").names("accelerators")
    assert "Mine-1" in own.as_of("2026-02").names("accelerators")
    assert catalog.accelerator("H100-SXM").power == 700.0
    with pytest.raises(CatalogError, match="Mine-1"):
        catalog.accelerator("Mine-1")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("accelerators.csv", HEADER + "M,bf17,1,,,FLOP/s,,,,sheet,published,\n", r"accelerators\.csv:2: field: 'bf17'"),
        ("accelerators.csv", HEADER + "M,bf16,x,,,FLOP/s,,,,sheet,published,\n", r"accelerators\.csv:2: value"),
        ("accelerators.csv", HEADER + "M,bf16,1,,,byte,,,,sheet,published,\n", r"accelerators\.csv:2: unit"),
        ("accelerators.csv", HEADER + "M,bf16,1,,,FLOP/s,,,,who,published,\n", "'who' is not a key of sources"),
        ("accelerators.csv", "a,b\n", "header must be"),
        (
            "accelerators.csv",
            "id,source,known,grade,colour\n",
            "'colour' is not a column of this table: allowed are id",
        ),
        ("accelerators.csv", "id,source,known,grade,memroy\n", "'memroy' is not a column .* did you mean 'memory'"),
        ("accelerators.csv", "id;source;known\nM;sheet;2026\n", "separated by semicolons: save it with commas"),
        ("accelerator.csv", HEADER, "did you mean 'accelerators'"),
        ("sources.toml", "[sheet]\n", "source 'sheet' needs a title"),
    ],
)
def test_a_folder_that_is_not_well_formed_is_refused_with_file_line_and_field(
    folder: Path, file: str, text: str, message: str
) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        catalog.extended(folder)


@pytest.mark.contract
def test_a_table_as_a_spreadsheet_saves_it_is_read(folder: Path) -> None:
    text = "\ufeffid,source,known,grade,bf16,memory\r\nSheet-1,sheet,2026-01,published,5e14,9.6e10\r\n"
    (folder / "accelerators.csv").write_text(text, encoding="utf-8", newline="")
    assert catalog.extended(folder).accelerator("Sheet-1").memory == 96e9


@pytest.mark.contract
def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such folder"):
        catalog.extended(tmp_path / "none")
    with pytest.raises(CatalogError, match="holds no records"):
        catalog.extended(tmp_path)


@pytest.mark.contract
def test_the_same_checker_looks_at_a_folder(folder: Path) -> None:
    (folder / "accelerators.csv").write_text(
        HEADER + ROWS + "Mine-1,power,90000,,,W,,,2026-01-05,sheet,published,\n", encoding="utf-8"
    )
    found = [str(finding) for finding in check(folders=(folder,)) if str(folder) in str(finding)]
    assert any("90000 W is outside" in text for text in found)


@pytest.mark.contract
def test_the_checker_names_a_folder_s_file_of_sources_that_cannot_be_read(folder: Path) -> None:
    (folder / "sources.toml").write_text("[sheet]\n", encoding="utf-8")
    found = [finding for finding in check(folders=(folder,)) if finding.weight == "fault"]
    assert [(fault.file, fault.line, fault.field) for fault in found] == [(str(folder / "sources.toml"), 1, "source")]
    assert "source 'sheet' needs a title" in found[0].message


@pytest.mark.contract
def test_a_table_that_only_a_folder_has_is_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without the library's own table of this name: it is described as its kind is."""
    packaged = loader.description("accelerators")
    monkeypatch.setattr(own, "folders", lambda: (folder,))
    monkeypatch.setattr(loader, "_packaged_names", lambda: ())
    assert loader.description("accelerators") == packaged != ""


@pytest.mark.contract
def test_the_command_line_and_the_environment_see_a_folder(folder: Path) -> None:
    shown = json.loads(command("catalog", "Mine-1", "--json", "--catalog", str(folder)).stdout)
    assert {row["file"] for row in shown} == {str(folder / "accelerators.csv")}
    assert all("Data sheet of Mine-1" in str(row) for row in shown)
    assert "Mine-1" in command("catalog", "Mine-1", "--catalog", str(folder)).stdout
    ran = command("run", "token-on-h100", "--set", "accelerator=Mine-1", COSTMODEL_CATALOG=str(folder))
    assert ran.returncode == 0 and "0.0" in ran.stdout
    refused = command("run", "token-on-h100", f"--catalog={folder}/none")
    assert refused.returncode == 2 and "no such folder" in refused.stderr
    assert command("list", "--catalog").returncode == 2


@pytest.mark.closed_form
def test_a_table_stands_wherever_an_accelerator_is_named() -> None:
    scenario = load_scenario("token-on-h100").replace({"accelerator": {**MINE, "link": "450 GB/s", "domain": 8}})
    assert scenario.accelerator == "a chip of my own"
    assert catalog.accelerator("a chip of my own").memory == 141e9
    assert run(scenario).blended_cost > 0
    again = type(scenario)(**scenario.written())
    assert again == scenario and again.written()["accelerator"]["memory"] == "141 GB"
    assert type(pickle.loads(pickle.dumps(scenario.accelerator))) is type(scenario.accelerator)
    other = scenario.replace({"accelerator.bf16": "1 PFLOP/s"})
    assert catalog.accelerator(other.accelerator).peak("bf16") == 1e15
    assert catalog.accelerator(scenario.accelerator).peak("bf16") == 2e15


@pytest.mark.contract
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"bf16": 2e15}, "needs a name"),
        ({"name": "x", "bf17": 2e15}, "did you mean 'bf16'"),
        ({"name": "x", "bf16": "2 GB"}, "wrong dimension"),
        ({"name": "x", "memory": 80}, "did you mean '80 GB'"),
        ({"name": "x", "bf16": True}, "a number in 'FLOP/s'"),
        ({"name": "x", "bf16": float("nan")}, "outside"),
        ({"name": "x", "bf16": {"value": 2e15, "grade": "sure"}}, "grade"),
        ({"name": "x", "bf16": {"worth": 2e15}}, "unknown entry"),
    ],
)
def test_a_table_that_is_no_accelerator_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(CatalogError, match=f"accelerator: .*{message}"):
        load_scenario("token-on-h100").replace({"accelerator": table})
    with pytest.raises(CostModelError, match=message):
        own_record("accelerators", table)


PACKAGE = {
    "own_costs-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own-costs\nVersion: 1.0\n",
    "own_costs-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "own_costs-1.0.dist-info/RECORD": "",
    "own_costs-1.0.dist-info/entry_points.txt": """[costmodel.models]
two_prices = own_costs.model
[costmodel.catalogs]
own_costs = own_costs.model:records
[costmodel.scenarios]
own_costs = own_costs.model:scenarios
[costmodel.formats]
own_format = own_costs.reader
""",
    "own_costs/__init__.py": "",
    "own_costs/reader.py": "def read(text):\n    return text.split()\n",
    "own_costs/model.py": """from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario, register_model
import costmodel.catalog as catalog
HERE = Path(__file__).parent
def records(): return HERE / "records"
def scenarios(): return HERE / "scenarios"
class TwoPrices(Scenario):
    model: Literal["two_prices"] = "two_prices"
    price: Parameter = parameter("USD", ge=0, description="One price.")
@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPricesResult(Result):
    total: Any = output("USD", label="price and memory")
def total(resolved):
    return TwoPricesResult(scenario=resolved, total=resolved.price + catalog.accelerator("Mine-1").memory / 1e9)
register_model("two_prices", TwoPrices, "own_costs.model:total")
""",
    "own_costs/records/accelerators.csv": HEADER + ROWS,
    "own_costs/records/sources.toml": SOURCES,
    "own_costs/scenarios/two-prices.toml": 'name = "two-prices"\nmodel = "two_prices"\nprice = 8.0\n',
}


@pytest.mark.contract
def test_an_installed_package_brings_models_records_scenarios_and_formats(tmp_path: Path) -> None:
    wheel, site = tmp_path / "own_costs-1.0-py3-none-any.whl", tmp_path / "site"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in PACKAGE.items():
            archive.writestr(name, text)
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", ""), str(Path(catalog.__file__).parents[2])])
    listed = command("list", PYTHONPATH=path)
    assert "two-prices" in listed.stdout
    ran = command("run", "two-prices", "--set", "price=$10", "--json", PYTHONPATH=path)
    assert ran.returncode == 0, ran.stderr
    assert str(10 + 192) in ran.stdout
    assert "Mine-1" in command("catalog", "Mine-1", PYTHONPATH=path).stdout
    code = "import costmodel.formats as f; print(f.own_format.read('a b'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['a', 'b']"


@pytest.mark.closed_form
def test_a_table_stands_for_a_region_and_an_operator() -> None:
    listed = from_catalog("H100-SXM", region="Ohio")
    own = from_catalog(
        "H100-SXM",
        region={"name": "our site", "price": {"value": "$50/MWh", "price_year": 2026}},
        operator={"name": "ourselves", "pue": 1.05},
    )
    price = catalog.electricity("Ohio").value("price") / 1e3
    pue = catalog.pue("Epoch default hyperscaler").value("pue")
    assert float(run(own).energy) / float(run(listed).energy) == pytest.approx(50e-6 * 1.05 / (price * pue), rel=1e-12)
    with pytest.raises(CatalogError, match=r"region: .*give price_year"):
        from_catalog("H100-SXM", region={"name": "undated", "price": "$50/MWh"})
