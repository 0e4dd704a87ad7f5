"""Depreciation methods."""

import pytest

from costmodel.ownership.depreciation import straight_line_fraction


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.depreciation:straight_line_fraction")
def test_straight_line_is_even_and_bounded() -> None:
    assert straight_line_fraction(1.5, 6.0) == 0.25
    assert straight_line_fraction(-2.0, 6.0) == 0.0
    assert straight_line_fraction(7.0, 6.0) == 1.0
