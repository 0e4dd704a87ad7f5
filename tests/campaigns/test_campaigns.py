"""A short slice of every campaign; ``run.py`` beside this file runs them whole."""

from __future__ import annotations

import pytest
from attack import Campaign, run_campaign, shown
from run import NAMES, campaign

pytestmark = pytest.mark.law

CASES = {"scenarios": 250, "parsers": 250, "commands": 25}
"""Cases of each campaign's slice [1]: a few seconds of work."""
MOST_SECONDS = 120.0
"""Time after which a slice ends, however many of its cases have run [s]."""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_breaks(name: str) -> None:
    tally = run_campaign(name, campaign(name), seed=2026, seconds=MOST_SECONDS, cases=CASES[name])
    assert tally.broken == [], shown(name, 2026, tally)
    assert tally.held > 0, "no case was honest enough to be taken"


def _broken_case(chance: object, folder: object) -> str | None:
    raise KeyError("not an error of the library")


def test_a_foreign_error_is_a_finding() -> None:
    tally = run_campaign("none", Campaign(_broken_case, 3), seed=0, seconds=10.0)
    assert [index for index, _ in tally.broken] == [0, 1, 2]
    assert "KeyError" in tally.kinds()[0][0]
