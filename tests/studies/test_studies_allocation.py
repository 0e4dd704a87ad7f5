"""Shares of a fleet: parts add up to the total, to the cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import CostModelError
from costmodel.studies.allocation import IDLE_RULES, allocate


@pytest.mark.closed_form
def test_idle_apart_by_reservation_and_by_use() -> None:
    """Eight units at 10 an hour; a reserves 3, b 1; a uses 1, b 1."""
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
