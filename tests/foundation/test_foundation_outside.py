"""Numbers from outside: every reader accepts the same ones."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel
from costmodel.catalog import extended
from costmodel.compute.architectures import names_a_model
from costmodel.entry import load_result
from costmodel.formats.tables import header
from costmodel.foundation.errors import CatalogError, CostModelError, DomainError
from costmodel.foundation.outside import LARGEST_NUMBER, LONGEST_NUMBER, needed_number, number_from


@pytest.mark.contract
@pytest.mark.parametrize(
    ("entry", "number"),
    [("7", 7.0), (" 1.50 ", 1.5), ("-.5", -0.5), ("+2.", 2.0), ("1E-3", 0.001), (7, 7.0), (np.int64(7), 7.0),
     (np.float32(0.5), 0.5), (LARGEST_NUMBER, 1e60), ("1e60", 1e60), ("0" * (LONGEST_NUMBER - 1) + "7", 7.0)],
)  # fmt: skip
def test_numbers(entry: Any, number: float) -> None:
    assert number_from(entry) == number


NONE: tuple[Any, ...] = (
    "", " ", "-", ".", "1_000", "1 000", "1,000", "٣", "²", "１", "0x10", "1e", "e5", "nan", "inf", "-Infinity", "1e61",
    "1e999", "1e1000", "0" * LONGEST_NUMBER + "7", "7\x00", True, False, np.True_, None, [], {}, math.nan, math.inf,
    -math.inf, 1.1e60, 10**400, -(10**5000), 1 + 0j, b"7",
)  # fmt: skip


@pytest.mark.contract
@pytest.mark.parametrize("place", range(len(NONE)))
def test_what_is_no_number(place: int) -> None:
    assert math.isnan(number_from(NONE[place]))


@pytest.mark.law
@given(st.floats(-LARGEST_NUMBER, LARGEST_NUMBER))
def test_what_python_writes_is_read_to_the_last_bit(number: float) -> None:
    assert number_from(repr(number)) == number


@pytest.mark.contract
@pytest.mark.parametrize("entry", [0, "-1", None, "x", True])
def test_a_needed_number_is_named_where_it_lacks(entry: Any) -> None:
    with pytest.raises(CatalogError, match=r"^row 3: count = .*: a finite number above 0 is needed$"):
        needed_number(entry, "row 3: count", CatalogError, least=0.0, above=True)


@pytest.mark.contract
def test_the_least_number_is_taken_unless_it_is_left_out() -> None:
    assert needed_number(0, "x", least=0.0) == 0.0
    with pytest.raises(DomainError, match="of at least 0 is needed"):
        needed_number(-1e-9, "x", least=0.0)


@pytest.mark.contract
@pytest.mark.parametrize("entry", [10**5000, "9" * 5000], ids=["a number", "a text"])
def test_a_message_stays_short(entry: Any) -> None:
    with pytest.raises(DomainError) as raised:
        needed_number(entry, "x")
    assert len(str(raised.value)) < 120


@pytest.mark.contract
@pytest.mark.parametrize("name", ["x" * 30_000, "a\x00b"], ids=["long", "with a null"])
def test_a_name_that_no_file_can_have_is_none(name: str) -> None:
    for read in (names_a_model, costmodel.load_scenario, load_result, extended, header):
        with contextlib.suppress(CostModelError):
            assert not read(name)


@pytest.mark.contract
def test_an_entry_that_python_does_not_write_is_told_by_its_kind() -> None:
    with pytest.raises(DomainError, match="row 1 = a number of 16610 bits"):
        needed_number(10**5000, "row 1")
    with pytest.raises(DomainError, match="row 1 = a list: a finite number"):
        needed_number([10**5000], "row 1")
