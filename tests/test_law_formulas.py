"""Laws of every registered formula: one number or many, the same answer."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from costmodel.foundation.arrays import STEP_FORMULAS, holds_value
from costmodel.foundation.errors import DomainError
from costmodel.testing import STRATEGIES, arguments, registered_formulas

pytestmark = pytest.mark.law

FORMULAS = registered_formulas()
COVERED = sorted(FORMULAS.keys() & STRATEGIES.keys())
STEP = sorted(STEP_FORMULAS & STRATEGIES.keys())


def _outputs(result: Any) -> tuple[Any, ...]:
    """Return a formula's results as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def _values(name: str) -> list[str]:
    """Return the arguments with values, without those that select a method."""
    parameters = inspect.signature(FORMULAS[name], eval_str=False).parameters
    return [key for key in STRATEGIES[name] if holds_value(parameters[key].annotation)]


def _stack(rows: list[dict[str, Any]], values: list[str]) -> dict[str, Any]:
    """Turn a list of scalar calls into one call with arrays; choices of method come from the first."""
    return {
        key: np.array([row[key] for row in rows], dtype=float) if key in values else rows[0][key] for key in rows[0]
    }


@pytest.mark.parametrize("name", COVERED)
def test_slice_of_an_array_equals_the_scalar(name: str) -> None:
    function, values = FORMULAS[name], _values(name)

    @given(st.lists(arguments(name), min_size=3, max_size=3))
    def law(rows: list[dict[str, Any]]) -> None:
        rows = [{**rows[0], **{key: row[key] for key in values}} for row in rows]
        together = _outputs(function(**_stack(rows, values)))
        for index, row in enumerate(rows):
            for whole, alone in zip(together, _outputs(function(**row)), strict=True):
                assert not isinstance(alone, np.ndarray), "numbers in, an array out"
                assert np.isfinite(alone), f"not finite at {row}"
                part = np.broadcast_to(whole, (3,))[index]
                np.testing.assert_allclose(part, alone, rtol=1e-12, atol=1e-300)

    law()


@pytest.mark.parametrize("name", COVERED)
def test_arguments_broadcast(name: str) -> None:
    function, values = FORMULAS[name], _values(name)
    if not values:
        pytest.skip("no argument holds a value")

    @settings(max_examples=5)
    @given(st.lists(arguments(name), min_size=3, max_size=3))
    def law(rows: list[dict[str, Any]]) -> None:
        stacked = _stack(rows, values)
        tall = {**stacked, values[0]: stacked[values[0]][:2, np.newaxis]}
        shape = (2, 3) if len(values) > 1 else (2, 1)
        for whole in _outputs(function(**tall)):
            grid = np.broadcast_to(whole, shape)
            for i, j in np.ndindex(*shape):
                single = {**rows[0], **{key: rows[j][key] for key in values}, values[0]: rows[i][values[0]]}
                alone = _outputs(function(**single))
                assert any(np.isclose(grid[i, j], part, rtol=1e-12, atol=1e-300) for part in alone)

    law()


def _near(given: Any, expected: Any) -> bool:
    """Whether two results agree wherever the second is a number."""
    return not np.isfinite(expected) or bool(np.isclose(np.ravel(given)[0], expected, rtol=1e-12, atol=1e-300))


@pytest.mark.parametrize("name", COVERED)
def test_whole_numbers_and_numbers_of_32_bits_give_what_doubles_give(name: str) -> None:
    function, values = FORMULAS[name], _values(name)

    @given(arguments(name))
    def law(row: dict[str, Any]) -> None:
        single = {key: np.float32(row[key]) if key in values else row[key] for key in row}
        whole = {key: np.trunc(row[key]) if key in values and 1.0 <= abs(row[key]) < 2**31 else row[key] for key in row}
        integers = [key for key in values if whole[key] == np.trunc(whole[key]) and abs(whole[key]) < 2**31]
        cases = [
            ({key: np.array([single[key]]) if key in values else single[key] for key in row}, single),
            ({key: np.array([whole[key]], dtype=np.int32) if key in integers else whole[key] for key in row}, whole),
            ({key: int(whole[key]) if key in integers else whole[key] for key in row}, whole),
        ]
        for given_form, meant in cases:
            plain = {key: float(meant[key]) if key in values else meant[key] for key in meant}
            try:
                expected = _outputs(function(**plain))
            except DomainError:  # a rounded argument left the range, or met a pole
                with pytest.raises(DomainError):
                    function(**given_form)
                continue
            pairs = list(zip(_outputs(function(**given_form)), expected, strict=True))
            for narrow, wide in pairs:
                assert np.asarray(narrow).dtype == np.float64, "not in double precision"
                assert _near(narrow, wide)

    law()


ABSOLUTE = {"costmodel.ownership.depreciation:rent_value_fraction": 1e-15}
"""Formulas whose result is 1 less a share, with the absolute accuracy of 1."""
ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
"""Relative change of an argument that represents rounding in earlier computations [1]."""
SMALLEST = 1e-12
"""Magnitude below which an argument other than 0 counts as rounding error, in any unit [1]."""


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no wider number to compare with")
@pytest.mark.parametrize("name", COVERED)
def test_no_digits_are_lost_beyond_what_the_arguments_carry(name: str) -> None:
    """Against 64-bit mantissas, the error is within 1e-10, or within the effect of rounded arguments."""
    function, values = FORMULAS[name], _values(name)

    @given(arguments(name))
    def law(row: dict[str, Any]) -> None:
        assume(all(row[key] == 0.0 or abs(row[key]) > SMALLEST for key in values))
        wide = {key: np.longdouble(row[key]) if key in values else row[key] for key in row}
        with np.errstate(all="ignore"):
            exact = np.array(_outputs(function(**wide)), dtype=np.longdouble)
            slack = 1e-10 * np.abs(exact) + ABSOLUTE.get(name, 1e-290)
            for key in values:
                for sign in (1.0, -1.0):
                    moved = {**wide, key: wide[key] * (1.0 + np.longdouble(sign * ROUNDING))}
                    change = np.abs(np.array(_outputs(function(**moved)), dtype=np.longdouble) - exact)
                    slack = slack + np.where(np.isfinite(change), change, np.inf)
            error = np.abs(np.array(_outputs(function(**row)), dtype=np.longdouble) - exact)
        assert np.all(error <= slack), f"{error} where {slack} is allowed"

    law()


@cache
def _compiled(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the wrapped function of a formula unchanged, after the formulas that it calls."""
    numba = pytest.importorskip("numba")
    function = inspect.unwrap(formula)
    assert isinstance(function, types.FunctionType)
    names = {
        key: _compiled(value)
        for key, value in function.__globals__.items()
        if key in function.__code__.co_names and isinstance(value, types.FunctionType)
    }
    code = function.__code__
    copy = types.FunctionType(code, {**function.__globals__, **names}, function.__name__, function.__defaults__)
    compiled: Callable[..., Any] = numba.njit(copy)
    return compiled


@pytest.mark.parametrize("name", STEP)
def test_step_formula_compiles_unchanged(name: str) -> None:
    pytest.importorskip("numba")
    function = FORMULAS[name]
    compiled = _compiled(function)

    @given(arguments(name))
    def law(row: dict[str, Any]) -> None:
        ordered = [row[key] for key in inspect.signature(function).parameters if key in row]
        pairs = zip(_outputs(compiled(*ordered)), _outputs(function(*ordered)), strict=True)
        for fast, plain in pairs:
            np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-300)

    law()
