"""Shares of a fleet: parts add up to the total, to the cent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from costmodel.cli.app import app
from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.studies.allocation import IDLE_RULES, allocate, units_of


@pytest.mark.closed_form
def test_idle_apart_by_reservation_and_by_use() -> None:
    """Eight units at 10 USD an hour; a reserves 3, b 1; each uses 1."""
    apart = allocate(8, 10.0, {"a": 3, "b": 1})
    assert (apart["a"].total, apart["b"].total, apart.idle_cost) == (3.75, 1.25, 5.0)
    reserved = allocate(8, 10.0, {"a": 3, "b": 1}, idle="by reservation")
    assert (reserved["a"].total, reserved["b"].total, reserved.idle_cost) == (7.5, 2.5, 0.0)
    used = allocate(8, 10.0, {"a": 3, "b": 1}, used={"a": 1, "b": 1}, idle="by use")
    assert (used["a"].total, used["b"].total) == (5.0, 5.0)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((8, 10.0, {"a": 9}), {}, "9 units in all"),
        ((8, -1.0, {"a": 1}), {}, "hourly_cost"),
        ((0, 1.0, {}), {}, "more than 0"),
        ((8, 10.0, {"a": 1}), {"used": {"b": 1}}, "'b' reserves nothing"),
        ((8, 10.0, {"a": float("nan")}), {}, "'a'"),
        ((8, 10.0, {"a": 0}), {"idle": "by use"}, "nobody is there to pay"),
        ((8, 10.0, {"a": 1}), {"idle": "by luck"}, "allowed are"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple, options: dict, said: str) -> None:
    with pytest.raises(CostModelError, match=said):
        allocate(*arguments, **options)


@pytest.mark.law
@given(
    st.lists(st.floats(0.0, 10.0), min_size=1, max_size=6),
    st.floats(0.01, 1e6),
    st.floats(1.0, 3.0),
    st.sampled_from(IDLE_RULES),
)
def test_parts_add_up_to_the_total_to_the_cent(amounts: list[float], cost: float, room: float, idle: str) -> None:
    reserved = {f"team {i}": amount for i, amount in enumerate(amounts)}
    whole = sum(amounts)
    units = max(whole * room, 0.5)
    if idle != "apart" and whole == 0.0:
        return
    split = allocate(units, cost, reserved, idle=idle)  # type: ignore[arg-type]
    assert sum(share.total for share in split.shares) + split.idle_cost == pytest.approx(cost, rel=1e-12)
    cents = split.rounded()
    assert round(sum(round(value * 100) for value in cents.values())) == round(cost * 100)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("text", "by", "units"),
    [
        ("1g.10gb", "compute", 1 / 7),
        ("7x1g.10gb", "compute", 1.0),
        ("1g.10gb", "memory", 10 / 80),
        ("MIG 3g.40gb", "memory", 0.5),
        ("2 x 3g.40gb", "compute", 6 / 7),
        ("1g.10gb+me", "compute", 1 / 7),
        ("1/4", "compute", 0.25),
        ("3x1/4", "compute", 0.75),
        ("2.5", "memory", 2.5),
    ],
)
def test_slices_of_an_accelerator(text: str, by: str, units: float) -> None:
    assert units_of(text, 80.0, by) == pytest.approx(units, rel=1e-15)  # type: ignore[arg-type]


@pytest.mark.contract
@pytest.mark.parametrize("text", ["8g.80gb", "1g.90gb", "5/4", "-1", "a", "nan", "inf", "0g.10gb", "1/0"])
def test_what_is_no_slice_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        units_of(text)


@pytest.mark.closed_form
def test_slices_and_what_is_idle_add_up_to_the_cent(tmp_path: Path) -> None:
    """Two H100 at 4.10 USD an hour each: a holds 3g.40gb, b 2 x 2g.20gb and a quarter of the other one in time."""
    path = tmp_path / "users.csv"
    path.write_text("user,reserved,used\na,3g.40gb,\nb,2x2g.20gb,\nb,1/4,1/8\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["allocate", str(path), "--units", "2", "--cost", "8.20", "--json"])
    rows = {row["user"]: row for row in json.loads(done.stdout)["rows"]}
    # 4.10 · 3/7 = 1.757, 4.10 · (4/7 + 1/8) = 2.855 and 4.10 · 7/8 = 3.588: two cents go to the largest remainders
    assert [rows[name]["pays"] for name in ("a", "b", "idle")] == [1.76, 2.85, 3.59]
    assert sum(round(100 * row["pays"]) for row in rows.values()) == 820
    assert rows["idle"]["used"] == pytest.approx(2 - 1 - 1 / 8)
