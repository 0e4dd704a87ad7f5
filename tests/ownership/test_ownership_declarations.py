"""Bounds, defaults and constants of ownership, each read again from what it means or from its source."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from tests.default_numbers import declared, default_fields, default_numbers

from costmodel import catalog
from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.ownership import (
    accelerator_hour,
    checks,
    class_books,
    filings,
    hour_records,
    macrs,
    project,
    project_inputs,
    site,
    stock,
    tax,
)

pytestmark = pytest.mark.contract

DIVISORS = """
    Books.life Project.accelerators Project.it_power Project.physical_life Project.rent Site.power_limit Site.life
    HourInputs.it_power HourInputs.it_life HourInputs.facility_life HourInputs.peak
"""
PARTS = """
    Contract.share Capital.equity_share Tax.bonus Tax.loss_limit Project.resale_share Project.busy_load
    Project.idle_load HourInputs.salvage HourInputs.busy_load HourInputs.idle_load
"""
BOUNDS = {
    # Signed: a rent may rise.
    **dict.fromkeys(["Project.rent_decline", "HourInputs.rent_decline"], ""),
    # What something is divided by: half a year of life and a fraction of an accelerator are allowed.
    **dict.fromkeys(DIVISORS.split(), "> 0"),
    # Parts of a whole: none and all are allowed.
    **dict.fromkeys(PARTS.split(), "≥ 0 and ≤ 1"),
    # Parts that something is divided by, and parts of which something must be left.
    **dict.fromkeys(["Project.utilisation", "HourInputs.mfu", "AcceleratorHour.utilisation"], "> 0 and ≤ 1"),
    **dict.fromkeys(["Books.salvage_share", "Tax.rate"], "≥ 0 and < 1"),
    # A site draws at least what its equipment draws.
    **dict.fromkeys(["Cooling.pue", "HourInputs.pue"], "≥ 1"),
}
"""All others are amounts or rates of at least 0."""
DEFAULTS = {
    "Tax.rate": 0.21,  # 26 USC 11(b)
    "Tax.loss_limit": 0.8,  # 26 USC 172(a)(2)
    "Project.busy_load": 0.76,  # Newkirk et al., arXiv 2506.14551: training draws about 76 % of rated power
    "HourInputs.busy_load": 0.76,
    "Project.rent_decline": 0.26,  # the same fall in a project and in an hour
    "HourInputs.rent_decline": 0.26,
    # Assumed, as the documentation states them.
    "Project.idle_load": 0.25,
    "HourInputs.idle_load": 0.25,
    "HourInputs.mfu": 0.4,
    "AcceleratorHour.utilisation": 1.0,
    "Books.life": 6.0,
    "Capital.equity_share": 0.6,
    "Capital.equity_cost": 0.12,
    "Capital.debt_cost": 0.07,
    "Project.lag": 0.5,
    "Project.physical_life": 6.0,
    "Project.failure_rate": 0.035,
    "Project.utilisation": 0.75,
    "Project.maintenance_per_watt": 0.3,
    "Site.construction_lag": 1.75,  # the middle of 18 to 24 months
    "Site.life": 20.0,
}
"""Defaults other than 0 and absent."""


DECLARED = tuple(declared(project_inputs, site, accelerator_hour))


def test_every_bound_is_that_of_its_meaning() -> None:
    bounds = {path: kind.specs()[name].bounds() for path, kind, name in DECLARED}
    assert set(BOUNDS) <= set(bounds)
    assert bounds == {path: BOUNDS.get(path, "≥ 0") for path in bounds}


def test_every_default_is_the_stated_one() -> None:
    defaults = {path: kind.model_fields[name].default for path, kind, name in DECLARED}
    assert {path: value for path, value in defaults.items() if isinstance(value, float) and value != 0.0} == DEFAULTS
    fields = project_inputs.Tax.model_fields
    # 26 USC 168(e)(3): equipment over five years, a site's land improvements over fifteen.
    assert (fields["equipment_period"].default, fields["site_period"].default) == (5, 15)
    assert project_inputs.Project.model_fields["years"].default == 6
    assert float(site.AIR.pue) == 1.15


@pytest.mark.parametrize(("years", "allowed"), [(0, False), (1, True), (40, True), (41, False)])
def test_a_project_lasts_one_to_forty_years(years: int, allowed: bool) -> None:
    tables = {
        "name": "short", "accelerators": 1.0, "price": 1e4, "it_power": 1000.0, "rent": 2.0, "years": years,
        "site": {"cost_per_watt": 0.0, "electricity_price": 0.0}, "tax": {"bonus": 0.0},
    }  # fmt: skip
    if allowed:
        assert project_inputs.Project(**tables).years == years
    else:
        with pytest.raises(CostModelError, match="years"):
            project_inputs.Project(**tables)


def test_constants_are_those_of_their_sources() -> None:
    assert (hour_records.NETWORK_SHARE, hour_records.SERVER_OVERHEAD) == (0.19, 1.64)  # Cottier et al. (2024)
    assert tax.PERMANENT_FROM.isoformat() == "2025-01-20"  # acquired after January 19, 2025: P.L. 119-21, section 70301
    assert tax.PHASED_OUT == {2025: 0.40, 2026: 0.20}  # 26 USC 168(k)(6)(A) before that law
    assert macrs.MACRS_FACTORS == {3: 2.0, 5: 2.0, 7: 2.0, 10: 2.0, 15: 1.5, 20: 1.5}  # 26 USC 168(b)(1), (2)
    assert macrs.MACRS_REAL_PROPERTY == (27.5, 39.0)  # 26 USC 168(c)
    assert project_inputs.STEPS == 4 and project.LOWEST_RETURN == -0.9
    assert stock._MOST_FAILURES == 500.0 and class_books._AGE_CLASSES == 64


def test_a_split_of_property_assumes_what_it_says() -> None:
    given = inspect.signature(filings.opening_of).parameters
    assert {name: entry.default for name, entry in given.items() if isinstance(entry.default, float)} == {
        "equipment_shape": 1.5, "site_shape": 1.25, "network_share": 0.19, "building_equipment_share": 0.35,
        "lease_rate": 0.045, "lease_term": 15.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        # One balance: of the day within five days, beside it within a quarter, and no longer.
        ([5], "same"), ([-5], "same"), ([6], "6 days later"), ([-6], "6 days earlier"),
        ([100], "100 days later"), ([-100], "100 days earlier"), ([101], None), ([-101], None),
        # Two: read between them where they are a fiscal year apart at most.
        ([-200, 200], "between"), ([-201, 200], None), ([-90, 311], "90 days earlier"), ([-6, 394], "between"),
    ],
)  # fmt: skip
def test_how_far_off_a_balance_may_be(days: list[int], wanted: str | None) -> None:
    day, datum = date(2024, 6, 30), catalog.company("Meta").all("cash")[0]
    data = tuple(replace(datum, period=(day + timedelta(days=off)).isoformat()) for off in days)
    found = filings._on_day(data, day)
    if wanted is None:
        assert found is None
        return
    assert found is not None
    form, used = found
    assert form["value"] == pytest.approx(datum.number)
    assert len(used) == (2 if wanted == "between" else 1)
    note = str(form.get("note", ""))
    assert wanted in note if wanted != "same" else "days" not in note


def test_whole_numbers_and_shares_are_checked_at_their_ends() -> None:
    assert checks.whole_number("steps", 2, 2) == 2
    assert checks.whole_number("steps", np.int64(7), 2) == 7
    for value in (1, True, 2.0):
        with pytest.raises(DomainError, match="steps must be a whole number of at least 2"):
            checks.whole_number("steps", value, 2)
    assert checks.share_array("part", [0.0, 1.0]).tolist() == [0.0, 1.0]
    for value in (-1e-9, 1.0 + 1e-9):
        with pytest.raises(DomainError, match=r"part must be between 0 and 1"):
            checks.share_array("part", value)


def test_what_functions_take_where_nothing_is_given() -> None:
    """No growth, all of it, no bonus; double declining balance; losses as in 26 USC 172(a)(2)."""
    found = default_numbers("ownership")
    found.pop("filings.opening_of")  # above
    assert found == {
        "accelerator_hour.from_catalog": {"it_life": 4.0, "wacc": 0.07},
        "company.useful_life_effect": {"growth": 0.0, "share_concerned": 1.0},
        "depreciation.declining_balance": {"factor": 2.0},
        "macrs.macrs": {"bonus": 0.0},
        "tax.tax_with_losses": {"loss_limit": 0.8, "opening_losses": 0.0},
        "tax.after_tax_flows": {"loss_limit": 0.8},
    }
    assert default_fields("ownership") == {"OpeningBook": {"shape": 1.0}, "Opening": {"life": 1.0}}
