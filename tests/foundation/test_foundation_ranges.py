"""Ranges of formulas: read from docstrings, and checked for a user's arguments but never for a model's."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from costmodel.catalog.money import to_real
from costmodel.compute.cache import held_tokens
from costmodel.estimation.price_history import blended_price
from costmodel.estimation.scarcity import scarcity_exponent
from costmodel.foundation.arrays import FORMULAS, quiet
from costmodel.foundation.errors import DomainError
from costmodel.foundation.ranges import Guard, Range, documented_ranges, read_range
from costmodel.market.commitment_terms import yearly_rent_ratio
from costmodel.market.decline import moore
from costmodel.serving.cost import cost_per_token, token_revenue, token_revenue_beside
from costmodel.serving.targets import queue_wait
from costmodel.studies.idle_capacity import fill_that_carries
from costmodel.studies.ways import break_even_use
from costmodel.testing import STRATEGIES, arguments, registered_formulas
from costmodel.training.goodput import interruptions

NAMES = sorted(registered_formulas().keys() & STRATEGIES.keys())

STATED = [
    ("Price, > 0 [USD].", "above 0"),
    ("Price, >= 0 [USD].", "at least 0"),
    ("Price, ≥ 0 [USD], any shape.", "at least 0"),
    ("Share, 0 to 1 [1].", "0 to 1"),
    ("Share, above 0 to 1 [1].", "above 0 to 1"),
    ("Share, > 0 to 1 [1].", "above 0 to 1"),
    ("Share, from 0 (excluded) to 1 [1].", "above 0 to 1"),
    ("Share, 0 < u <= 1; 1 leaves idle hours out [1].", "above 0 to 1"),
    ("Share, 0 to below 1 [1].", "0 to below 1"),
    ("Share, 0 to less than 1 [1].", "0 to below 1"),
    ("Share, 0 to 1 less the other [1].", "0 to 1"),
    ("Share, 0 (kept on the server) to 1 [1].", "0 to 1"),
    ("Level, between 0 and 1 exclusive, [1].", "above 0 to below 1"),
    ("Hits, between 0 and ``input_tokens`` [token].", "0 to input_tokens"),
    ("Members, from 1 to ``ranks`` [1].", "1 to ranks"),
    ("Life, ≥ ``term`` [year].", "at least term"),
    ("Energy, non-negative [Wh].", "at least 0"),
    ("Error, not negative.", "at least 0"),
    ("Value, positive, in the same unit.", "above 0"),
    ("Time, positive and much longer than ``checkpoint_time`` [hour].", "above 0"),
    ("Overhead, at least 1 [1]: 2.2 in the source.", "at least 1"),
    ("Elasticity, below 0.", "below 0"),
    ("Elasticity, <= 0 [1].", "at most 0"),
    ("Year-end rate, > −1 [1/year].", "above -1"),
    ("Tokens, at least 1,000 [token].", "at least 1000"),
    ("Growth, signed: positive where it falls [1/year].", "None"),
    ("Exponents of the two, positive where cost falls [1].", "None"),
    ("Overhead, at most ``limit`` [1].", "at most limit"),
    ("Arrivals, 0 to below ``1 / service`` [1/s].", "0 to below 1 / service"),
    ("Share, above ``cost / price`` to 1 [1].", "above cost / price to 1"),
]


@pytest.mark.contract
@pytest.mark.parametrize(("text", "expected"), STATED)
def test_what_a_docstring_states_is_read(text: str, expected: str) -> None:
    assert str(read_range(text)) == expected


@pytest.mark.contract
@pytest.mark.parametrize("name", NAMES)
def test_ranges_of_a_formula_name_its_arguments(name: str) -> None:
    parameters = set(inspect.signature(FORMULAS[name]).parameters)
    for argument, span in documented_ranges(FORMULAS[name]).items():
        assert argument in parameters
        ends = [part for end in (span.low, span.high) if isinstance(end, str) for part in end.split(" / ")]
        assert {part for part in ends if not part.isdecimal()} <= parameters


@pytest.mark.contract
@pytest.mark.parametrize("name", NAMES)
def test_a_formula_states_a_range_in_one_clause(name: str) -> None:
    # The first clause with a range is the one that is read: "above 0, at most 1" would leave out the upper end.
    for argument, span in documented_ranges(FORMULAS[name]).items():
        stated = [clause for clause in re.split(r",(?![0-9])|[;:\[]", span.text) if read_range(clause) is not None]
        assert len(stated) == 1, f"{argument}: {stated}"


@pytest.mark.contract
def test_nearly_every_argument_states_its_range_or_is_signed() -> None:
    total = stated = 0
    for name in NAMES:
        guard = Guard(FORMULAS[name])
        total += len(guard.values)
        stated += len(guard.ranges.keys() & set(guard.values))
    assert stated >= 0.8 * total, f"{stated} of {total}"


@pytest.mark.law
@pytest.mark.parametrize("name", NAMES)
def test_what_the_strategies_try_is_inside_the_ranges_that_docstrings_state(name: str) -> None:
    guard = Guard(FORMULAS[name])

    @settings(max_examples=10)
    @given(arguments(name))
    def law(row: dict[str, Any]) -> None:
        guard.check((), row)

    law()


def _outside(span: Range) -> float | None:
    """Return a number just outside a range with a plain end."""
    if isinstance(span.low, float):
        return span.low if span.above else span.low - 0.5
    if isinstance(span.high, float):
        return span.high if span.below else span.high + 0.5
    return None


@pytest.mark.law
@pytest.mark.parametrize("name", NAMES)
def test_every_formula_refuses_what_lies_outside_its_stated_range(name: str) -> None:
    function = FORMULAS[name]
    ranges = {key: span for key, span in documented_ranges(FORMULAS[name]).items() if key in STRATEGIES[name]}

    @settings(max_examples=2)
    @given(arguments(name))
    def law(row: dict[str, Any]) -> None:
        for argument, span in ranges.items():
            bad = _outside(span)
            if bad is not None:
                with pytest.raises(DomainError, match=f"{argument} = .* outside its range"):
                    function(**{**row, argument: bad})
                with pytest.raises(DomainError, match=f"{argument} = "):
                    function(**{**row, argument: np.array([row[argument], bad])})

    law()


@pytest.mark.contract
def test_a_cached_count_above_the_input_is_refused_and_the_other_convention_has_a_name() -> None:
    with pytest.raises(DomainError, match="cached_tokens = 500 is outside its range, 0 to input_tokens = 100"):
        token_revenue(100, 500, 50, 3e-6, 0.3e-6, 15e-6)
    with pytest.raises(DomainError, match="`token_revenue_beside`"):
        token_revenue(100, 500, 50, 3e-6, 0.3e-6, 15e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.cost:token_revenue_beside")
def test_reads_beside_the_input() -> None:
    # 100 fresh at 3 USD/M, 500 read at 0.3 and 50 written at 15: 0.0003 + 0.00015 + 0.00075
    beside = token_revenue_beside(100, 500, 50, 3e-6, 0.3e-6, 15e-6)
    assert beside == pytest.approx((100 * 3 + 500 * 0.3 + 50 * 15) / 1e6, rel=1e-15)
    assert beside == pytest.approx(token_revenue(600, 500, 50, 3e-6, 0.3e-6, 15e-6), rel=1e-15)


@pytest.mark.contract
def test_a_percentage_where_a_share_is_needed_is_refused_with_the_share() -> None:
    with pytest.raises(DomainError, match=r"utilisation = 60 is outside its range, above 0 to 1; did you mean 0\.6\?"):
        cost_per_token(2.0, 1000.0, 60.0)
    with pytest.raises(DomainError, match="input_share = 75 is outside"):
        blended_price(3e-6, 15e-6, 75)
    with pytest.raises(DomainError, match="index_then = 0 is outside"):
        to_real(100.0, 0.0, 1.1)
    with pytest.raises(DomainError, match="duration = -1 is outside"):
        interruptions(-1, 10)


@pytest.mark.contract
@pytest.mark.parametrize("bad", ["2", "x", {"a": 1}, [1.0, "b"], 10**400])
def test_what_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(DomainError, match=r"hour_price = .* give a number or an array of numbers"):
        cost_per_token(bad, 1000.0)


@pytest.mark.closed_form
def test_whole_numbers_lists_and_short_floats_are_computed_in_double_precision() -> None:
    assert cost_per_token(36, 1000) == 36 / (1000 * 3600)
    assert list(cost_per_token([36, 72], 1000)) == [36 / (1000 * 3600), 72 / (1000 * 3600)]
    short = cost_per_token(np.array([36], dtype=np.int32), np.float32(1000.0))
    assert short.dtype == np.float64
    assert float(short[0]) == 36 / (1000 * 3600)
    large = token_revenue(np.int32(2_000_000_000), np.int32(0), np.int32(2_000_000_000), 1, 1, 1)
    assert large == 4e9


@pytest.mark.contract
def test_nan_passes_and_a_model_is_not_checked() -> None:
    assert np.isnan(cost_per_token(2.0, np.nan))
    with quiet():
        assert cost_per_token(2.0, 1000.0, 60.0) == 2.0 / (1000.0 * 3600 * 60.0)
    with pytest.raises(DomainError):
        cost_per_token(2.0, 1000.0, 60.0)


@pytest.mark.contract
def test_ranges_are_held_where_python_drops_docstrings() -> None:
    code = "from costmodel.serving.cost import cost_per_token; cost_per_token(2.0, 1000.0, 60.0)"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=False)
    assert "outside its range, above 0 to 1" in done.stderr


@pytest.mark.contract
def test_an_end_may_be_a_quotient_of_other_arguments() -> None:
    with pytest.raises(DomainError, match=r"arrivals = 2 is outside its range, 0 to below 1 / mean_service = 0.5"):
        queue_wait(np.array([0.4, 2.0]), 2.0, 0.0)
    with pytest.raises(DomainError, match=r"scaled_share = 0.3 is outside its range, above owned_variable / price "):
        break_even_use(1.0, 0.6, 2.0, 0.3)  # at 0.3 of 2 USD a renter saves less than an owner
    with pytest.raises(DomainError, match="three_year = 2 is outside its range, above one_year / 3 = 2"):
        yearly_rent_ratio(6.0, 2.0)


@pytest.mark.contract
@pytest.mark.parametrize("wrap", [float, lambda number: np.array([0.5, number])])
def test_a_result_without_a_value_is_refused_for_numbers_and_for_arrays(wrap: Any) -> None:
    with pytest.raises(
        DomainError, match=r"^scarcity_exponent: has no finite value at .*, tightness_ratio = 1, since "
    ):
        scarcity_exponent(2.0, 1.0, wrap(1.0))
    with pytest.raises(DomainError, match=r"^moore: has no finite value at cost = 1, rate = -1000, time = 1, since "):
        moore(1.0, wrap(-1000.0), 1.0)


@pytest.mark.contract
def test_a_result_that_is_announced_as_infinite_passes_and_so_does_infinity_of_infinity() -> None:
    assert np.isinf(fill_that_carries(1.0, 1.0, 2.0, 1.0))  # a sold hour loses 1 USD
    assert np.isinf(held_tokens(np.inf, np.inf))
    with quiet():
        assert np.isinf(moore(1.0, np.float64(-1000.0), 1.0))
