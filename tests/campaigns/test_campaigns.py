"""Short runs of every campaign; ``run.py`` in this folder runs whole campaigns."""

from __future__ import annotations

from pathlib import Path

import pytest
from attack import Campaign, run_campaign, shown
from fuzz import try_input
from run import NAMES, campaign

pytestmark = pytest.mark.law

CASES = {
    "scenarios": 250, "parsers": 250, "commands": 25, "formulas": 60, "ends": 60, "abuses": 12, "corruptions": 10,
    "kills": 2, "writers": 2, "environments": 2, "outputs": 7, "bills": 1, "sessions": 1,
}  # fmt: skip
"""Number of cases of each short run [1]: a few seconds of work."""
STORE = ("zarr", "xarray", "h5netcdf")
NEEDS = {
    "corruptions": STORE, "kills": STORE, "writers": STORE,
    "sessions": ("starlette", "uvicorn", "jinja2", "matplotlib"),
    "outputs": ("pyarrow", "h5netcdf", "xlsxwriter", "jinja2", "matplotlib", "pandas"), "commands": ("rich", "typer"),
    "abuses": ("jinja2", "matplotlib"),
}  # fmt: skip
"""Packages that a campaign needs besides a plain installation."""
MOST_SECONDS = 30.0
"""Time after which a short run begins no new case [s]."""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_breaks(name: str) -> None:
    for extra in NEEDS.get(name, ()):
        pytest.importorskip(extra)
    tally = run_campaign(name, campaign(name), seed=2026, seconds=MOST_SECONDS, cases=CASES[name])
    assert tally.broken == [], shown(name, 2026, tally)
    assert tally.held + tally.refused > 0


CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/*"))
"""Inputs kept by the coverage-guided fuzzer, by reader."""


@pytest.mark.parametrize("name", sorted({path.parent.name for path in CORPUS}))
def test_what_the_fuzzer_kept_is_read_or_refused(name: str, tmp_path: Path) -> None:
    for path in CORPUS:
        if path.parent.name == name:
            try_input(name, path.read_bytes(), tmp_path)


def _broken_case(chance: object, folder: object) -> str | None:
    raise KeyError("not an error of the library")


def test_a_foreign_error_is_a_finding() -> None:
    tally = run_campaign("none", Campaign(_broken_case, 3), seed=0, seconds=10.0)
    assert [index for index, _ in tally.broken] == [0, 1, 2]
    assert "KeyError" in tally.kinds()[0][0]
