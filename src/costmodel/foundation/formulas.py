"""Formulas in scenario files: values written as an expression of the date, evaluated only in a sandbox.

``growth = { formula = "0.9 if year < 2027 else 0.4" }`` is evaluated at the middle of every step, which gives a
schedule. The text is one expression; the Monty interpreter (extra ``sandbox``) runs it in a separate process without
access to files, modules or the network, with limits on time, memory and output. No scenario text runs outside it.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from costmodel.foundation.errors import (
    DomainError,
    MissingExtraError,
    ScenarioError,
    error_line,
    missing_extra,
    near_matches,
)
from costmodel.foundation.quantities import parse_quantity
from costmodel.foundation.schedules import Schedule, TimeGrid

LONGEST = 1000
"""Longest formula [character]."""
TIME_LIMIT = 0.5
"""Time limit of a formula for all steps together [s]."""
KILLED_AFTER = 2.0
"""Time after which the sandbox process is killed [s]."""
MEMORY_LIMIT = 16_000_000
"""Memory limit of a formula [byte]."""
DEEPEST_CALL = 50
"""Largest depth of calls in a formula [1]."""
MATHEMATICS = ("ceil", "exp", "floor", "log", "pi", "sqrt")
"""Names of the standard library's ``math`` that a formula may use."""
BUILT_IN = ("abs", "float", "int", "max", "min", "pow", "range", "round", "sum")
"""Built-in functions that a formula may use."""
_PRELUDE = f"from math import {', '.join(MATHEMATICS)}"
_REASONS = {
    "TimeoutError": f"takes more than {TIME_LIMIT:g} s",
    "MemoryError": f"takes more than {MEMORY_LIMIT / 1e6:g} MB",
}


@dataclass(frozen=True, slots=True)
class Formula:
    """A value as an expression of ``year``, the decimal year at the middle of a step.

    Parameters
    ----------
    text
        Expression in Python's syntax: numbers, operators, comparisons, ``x if … else y`` and the functions of
        ``MATHEMATICS`` and ``BUILT_IN``.
    field_unit
        Unit of the field that holds it.
    unit
        Unit of the expression's values; None: the field's unit.

    Examples
    --------
    >>> Formula.parse({"formula": "0.9 if year < 2027 else 0.4"}, "1/year").written()
    {'formula': '0.9 if year < 2027 else 0.4'}
    """

    text: str
    field_unit: str
    unit: str | None = None

    @classmethod
    def parse(cls, written: Mapping[str, Any], field_unit: str) -> Formula:
        """Parse the written form ``{formula = "…", unit = "…"}`` without running it.

        Raises
        ------
        ScenarioError
            If the form is wrong or the text is not one expression of known names.
        UnitError
            If the unit does not fit the field.
        """
        extra = set(written) - {"formula", "unit"}
        if extra:
            raise ScenarioError(f"a formula takes formula and unit; given also {sorted(map(str, extra))}")
        text, unit = written["formula"], written.get("unit")
        if not isinstance(text, str) or not isinstance(unit, str | None):
            raise ScenarioError(f"formula and unit are texts; given {str(text)[:40]!r} and {str(unit)[:40]!r}")
        _check_text(text)
        formula = cls(text, field_unit, unit)
        formula._factor()
        return formula

    def _factor(self) -> float:
        return 1.0 if self.unit is None else parse_quantity(f"1 {self.unit}", self.field_unit)

    def schedule(self, grid: TimeGrid) -> Schedule:
        """Return the formula as a schedule: its value at the middle of each step of a time grid.

        Raises
        ------
        ScenarioError
            If the formula fails, exceeds the limits on time or memory, or prints.
        DomainError
            If a value is not a finite number.
        MissingExtraError
            If the sandbox is not installed.
        """
        factor = self._factor()
        values = evaluate(self.text, tuple(float(time) for time in grid.mid))
        knots = tuple((date, value * factor) for date, value in zip(grid.dates[:-1], values, strict=True))
        return Schedule(knots, "step")

    def scaled(self, factor: float) -> Formula:
        """Return the formula times a factor."""
        return Formula(scaled_text(self.text, factor), self.field_unit, self.unit)

    def written(self) -> dict[str, Any]:
        """Return the written form."""
        return {"formula": self.text} if self.unit is None else {"formula": self.text, "unit": self.unit}


def scaled_text(text: str, factor: float) -> str:
    """Return the text of a formula times a factor.

    Examples
    --------
    >>> scaled_text("year - 2020", 1.5)
    '(year - 2020) * 1.5'
    """
    return f"({text}) * {float(factor)!r}"


def _check_text(text: str) -> None:
    """Raise ``ScenarioError`` unless a text is one expression that uses only the names allowed in a formula."""
    if len(text) > LONGEST:
        raise ScenarioError(f"a formula has at most {LONGEST:,} characters; this one has {len(text):,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise ScenarioError(f"formula {_shown(text)} is not one expression: {why}") from None
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    allowed = {"year", *MATHEMATICS, *BUILT_IN, *bound}
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            raise ScenarioError(f"formula {_shown(text)}: {type(node).__name__.lower()} is not allowed")
        if isinstance(node, ast.Name) and node.id not in allowed:
            known = ", ".join(sorted({"year", *MATHEMATICS, *BUILT_IN}))
            hint = near_matches(node.id, allowed)
            raise ScenarioError(f"formula {_shown(text)}: no name {node.id[:40]!r}{hint}; a formula can use {known}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}…")


@lru_cache(maxsize=4096)
def evaluate(text: str, times: tuple[float, ...]) -> tuple[float, ...]:
    """Return the value of a checked formula at decimal years.

    Raises
    ------
    ScenarioError
        If it fails, takes too long or too much memory, or prints.
    DomainError
        If it gives something else than a finite number.
    MissingExtraError
        If the sandbox is not installed.
    """
    try:
        values = run_in_sandbox(f"{_PRELUDE}\n[(\n{text.strip()}\n) for year in times]", {"times": list(times)})
    except ScenarioError as error:
        raise ScenarioError(f"formula {_shown(text)} {error}") from None
    return tuple(_number(value, time, text) for value, time in zip(values, times, strict=True))


def _number(value: Any, time: float, text: str) -> float:
    """Return the value of a formula as a finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    given = f"{value:g}" if isinstance(value, float) else f"a value of type {type(value).__name__}"
    raise DomainError(f"formula {_shown(text)} gives {given} in {time:.2f}: a finite number is needed")


def run_in_sandbox(code: str, inputs: Mapping[str, Any]) -> Any:
    """Run Python text in a sandbox that knows no file, module of others or network, and return its last expression.

    Parameters
    ----------
    code
        Python as Monty reads it.
    inputs
        Values by the names under which the code finds them.

    Raises
    ------
    ScenarioError
        If the code fails, takes more than ``TIME_LIMIT`` or ``MEMORY_LIMIT``, or prints.
    MissingExtraError
        If the sandbox is not installed.
    """
    try:
        import pydantic_monty as monty
    except ImportError:
        raise missing_extra("sandbox", "a formula in a scenario") from None

    limits = monty.ResourceLimits(
        max_feed_duration_secs=TIME_LIMIT, max_memory=MEMORY_LIMIT, max_recursion_depth=DEEPEST_CALL,
        max_suspensions=1, max_total_sleep_secs=0.0,
    )  # fmt: skip
    try:
        with (
            monty.Monty(min_processes=1, max_processes=1, request_timeout=KILLED_AFTER) as pool,
            pool.checkout(limits=limits, os_policy={"random_start": {"seed": 0}}) as session,
        ):
            return session.feed_run(code, inputs=dict(inputs), print_callback=_refuse_output)
    except FileNotFoundError as error:
        raise MissingExtraError(f"a formula in a scenario needs the program of the extra 'sandbox': {error}") from None
    except (monty.MontyError, ValueError, TypeError, RuntimeError) as error:
        said = error_line(error)
        raise ScenarioError(_REASONS.get(said.split(":")[0], f"is stopped: {said}")) from None


def _refuse_output(stream: str, text: str) -> None:
    raise RuntimeError(f"it prints to {stream}; a formula must only return a number")
