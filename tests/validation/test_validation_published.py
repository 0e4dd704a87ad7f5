"""The published tier: every case of the registry, with its kind of evidence."""

from __future__ import annotations

import pytest

from costmodel.validation import Case, cases, run, verdict


@pytest.mark.published
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_published_case(case: Case) -> None:
    outcome = run([case])[0]
    word = verdict(outcome)
    assert word != "FAIL", (
        f"{case.name}: {outcome.value:g} where {case.source} prints {case.published:g} {case.unit} "
        f"({outcome.error:+.2%}, tolerance {case.tolerance:.2%})"
    )
    assert case.tolerance >= 0
    assert case.source.strip()


@pytest.mark.contract
def test_a_recorded_miss_is_still_one() -> None:
    """A recorded miss that is now within its tolerance fails, so that its reason is removed."""
    stale = [case.name for case in cases() if case.miss is not None and verdict(run([case])[0]) == "ok"]
    assert stale == []
