"""``costmodel margin``: a bridge that adds up, and its comparison with another book life."""

from __future__ import annotations

import json
from functools import partial

import pytest


@pytest.fixture
def margin(command):
    """Run ``costmodel margin`` and return status, output and error."""
    return partial(command, "margin")


@pytest.mark.closed_form
def test_the_parts_add_up_and_a_longer_life_charges_less(margin) -> None:
    status, out, _ = margin("bond-flywheel", 2025, 2027, "--book-life", 9, "--json")
    assert status == 0
    bridges = {name: {row["part"]: row["value"] for row in rows} for name, rows in json.loads(out)["bridges"].items()}
    assert list(bridges) == ["as written", "book life 9 years"]
    for parts in bridges.values():
        moved = sum(parts[name] for name in ("depreciation", "energy", "other cost", "revenue"))
        assert parts["margin 2027"] - parts["margin 2025"] == pytest.approx(moved, abs=1e-9)
    written, longer = bridges.values()
    assert longer["margin 2027"] > written["margin 2027"]


@pytest.mark.contract
def test_other_models_and_years_outside_are_refused(margin) -> None:
    status, _, err = margin("h100-hour", 2025, 2026)
    assert status == 2 and "needs a flywheel scenario" in err
    status, _, err = margin("bond-flywheel", 1999, 2026)
    assert status == 2 and "1999" in err and err.count("\n") == 1
