"""Laws of every registered formula: one number or many, the same answer."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.foundation.arrays import STEP_FORMULAS
from costmodel.testing import STRATEGIES, arguments, registered_formulas

pytestmark = pytest.mark.law

FORMULAS = registered_formulas()
COVERED = sorted(FORMULAS.keys() & STRATEGIES.keys())
STEP = sorted(STEP_FORMULAS & STRATEGIES.keys())


def _outputs(result: Any) -> tuple[Any, ...]:
    """Return what a formula gives as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def _values(name: str) -> list[str]:
    """Return the arguments that hold values, as against those that choose a method."""
    parameters = inspect.signature(FORMULAS[name], eval_str=False).parameters
    return [
        key
        for key in STRATEGIES[name]
        if str(parameters[key].annotation).split("[")[0].split(" ")[0] not in {"str", "Literal", "bool", "int"}
    ]


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


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a formula as it stands, and the formulas it calls before it."""
    numba = pytest.importorskip("numba")
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
