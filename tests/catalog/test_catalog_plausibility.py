"""Plausibility: findings of the check on figures that are readable but probably wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel.catalog import Catalog, Datum
from costmodel.catalog.check_findings import Finding
from costmodel.catalog.loader import table
from costmodel.catalog.plausibility import across, parse_bounds
from costmodel.foundation.errors import CatalogError

pytestmark = pytest.mark.contract

CHIPS = table("accelerators")
SPARSE_HEADLINES = [
    name
    for name, chip in CHIPS.items()
    if chip.text("vendor") in {"NVIDIA", "AMD"} and name not in {"V100-SXM2-32"} and "bf16" in chip
]
LINKED = [name for name, chip in CHIPS.items() if "link" in chip]


def _with(name: str, field: str, times: float) -> list[Finding]:
    """Findings about the accelerators with one figure multiplied."""
    data: list[Datum] = []
    for chip in CHIPS.values():
        for datum in chip:
            hit = chip.name == name and datum.field == field and datum.value is not None
            data.append(replace(datum, value=datum.value * times) if hit and datum.value else datum)
    return list(across(data))


def test_nothing_is_named_as_it_ships() -> None:
    assert list(across([datum for chip in CHIPS.values() for datum in chip])) == []


@pytest.mark.parametrize("name", SPARSE_HEADLINES)
def test_a_sparse_peak_entered_as_dense_is_named(name: str) -> None:
    found = _with(name, "bf16", 2.0)
    assert any(finding.message.startswith(f"{name}: ") and "sparse" in finding.message for finding in found)


@pytest.mark.parametrize("name", ["H100-SXM", "B200", "MI300X", "L40S"])
def test_a_whole_sheet_of_sparse_peaks_is_named_by_its_power(name: str) -> None:
    data = [
        replace(datum, value=datum.value * 2) if chip.name == name and datum.unit == "FLOP/s" and datum.value else datum
        for chip in CHIPS.values()
        for datum in chip
    ]
    named = any("sparse" in finding.message for finding in across(data))
    assert named or name == "L40S"
    # the L40S is far below the frontier: a whole sheet doubled looks like a better chip, and passes


@pytest.mark.parametrize(("launch", "named"), [("2015-06", True), ("2018-06", True), ("2026-06", False)])
def test_the_frontier_of_peaks_per_watt_rises_from_before_the_year_in_which_it_is_stated(
    launch: str, named: bool
) -> None:
    """The H100's 1.4e12 FLOP/s per watt exceed what chips of years before 2021 did: 1.15e12 in 2020, 30 % a year."""
    data = [replace(datum, text=launch) if datum.field == "launch" else datum for datum in CHIPS["H100-SXM"]]
    assert any("the dense frontier of its launch" in finding.message for finding in across(data)) is named


@pytest.mark.parametrize("name", LINKED)
def test_a_bidirectional_link_entered_as_unidirectional_is_named(name: str) -> None:
    found = _with(name, "link", 2.0)
    named = any("bidirectional" in finding.message for finding in found)
    assert named or name in {"H800-SXM", "L40S"}
    # cut-down links that stay below their maker's frontier even when doubled pass


def test_figures_outside_their_bounds_are_named() -> None:
    from datetime import date

    from costmodel.catalog.check import check_file
    from costmodel.catalog.schema import sources

    header = "id,field,value,low,high,unit,price_year,period,known,source,grade,note\n"
    raw = (header + "G,pue,0.9,,,1,,2024,,uptime-2024,secondary,\n").encode()
    found, _ = check_file("pue.csv", raw, sources(), date(2026, 11, 22))
    assert [(finding.line, finding.field) for finding in found if finding.weight == "implausible"] == [(2, "pue")]
    assert "outside 1 to 3" in next(str(finding) for finding in found if finding.weight == "implausible")


def test_a_repeated_line_is_named() -> None:
    from datetime import date

    from costmodel.catalog.check import check_file
    from costmodel.catalog.schema import sources

    header = "id,field,value,low,high,unit,price_year,period,known,source,grade,note\n"
    line = "G,pue,1.1,,,1,,2024,,uptime-2024,secondary,\n"
    found, _ = check_file("pue.csv", (header + line + line).encode(), sources(), date(2026, 11, 22))
    assert any("repeats line 2" in finding.message for finding in found)


def test_a_run_that_outdoes_its_accelerators_is_named() -> None:
    runs = table("training_runs")
    data = [datum for chip in CHIPS.values() for datum in chip]
    for run in runs.values():
        for datum in run:
            tenth = run.name == "Llama2-70B" and datum.field == "chip_hours" and datum.value
            data.append(replace(datum, value=datum.value / 10) if tenth and datum.value else datum)
    # what another table says of the same accelerator does not stand for it
    price = next(iter(table("rentals").values())).data[0]
    chip = runs["Llama2-70B"].text("accelerator")
    for other in ([], [replace(price, record=chip)]):
        found = list(across(data + other))
        assert [finding.field for finding in found] == ["chip_hours"]
        assert found[0].message.startswith("Llama2-70B: 6ND")


def test_the_whole_catalog_is_reachable_by_type() -> None:
    whole = Catalog()
    assert whole.accelerator("TPU-v7").domain == 9216
    assert whole.accelerator("H100-SXM").vendor == "NVIDIA"


BOUNDS = """
[dense_per_watt]
value = 1e12
year = 2022
growth = 1.4
[link_frontier]
NVIDIA = [["2022", "450 Gbyte/s"]]
[doubling]
NVIDIA = [["bf16", "fp8"]]
[accepted]
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"2022", "450', '"2022-13", "450'),  # not a period
        ("Gbyte/s", "Gfurlong/s"),  # not a unit
        ("450 Gbyte", "many Gbyte"),  # not a number
        ("growth = 1.4\n", ""),  # absent
        ("year = 2022", "year = [2022]"),  # of another kind
        ("value = 1e12", "value = 0"),
        ("growth = 1.4", "growth = 0.0"),
    ],
)
def test_what_is_wrong_in_the_file_of_bounds_is_said_with_its_name(right: str, wrong: str) -> None:
    assert parse_bounds(BOUNDS.encode()).links == {"NVIDIA": (("2022", 450e9),)}
    assert right in BOUNDS
    with pytest.raises(CatalogError, match=r"^mine\.toml: "):
        parse_bounds(BOUNDS.replace(right, wrong).encode(), "mine.toml")
