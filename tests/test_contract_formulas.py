"""Contract of every registered formula: its form in code, its docstring, a strategy, a reference test."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from costmodel.foundation.arrays import STEP_FORMULAS, holds_value
from costmodel.testing import STRATEGIES, registered_formulas

pytestmark = pytest.mark.contract

TESTS = Path(__file__).parent
FORMULAS = registered_formulas()
BANNED_CALLS = {"isinstance", "max", "min", "sum", "any", "all", "float", "int", "bool"}
"""Functions that accept only one number, where a formula may have an array."""
BANNED_ATTRIBUTES = {"clip", "sum", "einsum", "dot", "matmul", "item"}
"""Attributes whose result differs in the last bit with the shape, or that numba does not support."""


def _tree(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of one formula, decorators and docstring included."""
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def _choices(node: ast.FunctionDef) -> set[str]:
    """Return the arguments that select a method and have no numeric value."""
    return {
        argument.arg
        for argument in node.args.args
        if argument.annotation is not None and not holds_value(ast.unparse(argument.annotation))
    }


def _touches_value(expression: ast.expr, choices: set[str]) -> bool:
    """Whether an expression reads anything besides choices and constants."""
    return any(isinstance(part, ast.Name) and part.id not in choices for part in ast.walk(expression))


def violations(node: ast.FunctionDef) -> Iterator[str]:
    """Return the parts of a formula that would differ between a number and an array of numbers."""
    choices = _choices(node)
    for part in (inner for statement in node.body for inner in ast.walk(statement)):
        line = f"line {getattr(part, 'lineno', 0)}"
        if isinstance(part, ast.If | ast.IfExp | ast.While) and _touches_value(part.test, choices):
            yield f"{line}: a branch on a value"
        elif isinstance(part, ast.BoolOp) and _touches_value(part, choices):
            yield f"{line}: 'and' or 'or' on a value"
        elif isinstance(part, ast.Compare) and len(part.ops) > 1:
            yield f"{line}: a chained comparison is an 'and'"
        elif isinstance(part, ast.BinOp | ast.AugAssign) and isinstance(part.op, ast.Pow):
            if _touches_value(part.left if isinstance(part, ast.BinOp) else part.target, choices):
                yield f"{line}: '**' on a value; np.power gives the same last bit for every shape"
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in BANNED_CALLS:
            yield f"{line}: {part.func.id}() on a value"
        elif isinstance(part, ast.Attribute) and part.attr in BANNED_ATTRIBUTES:
            yield f"{line}: .{part.attr}"


def _strings(node: ast.AST, constants: dict[str, str]) -> str | None:
    """Evaluate a string made of literals and constants of its module."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = _strings(left, constants), _strings(right, constants)
            return None if None in parts else "".join(map(str, parts))
        case ast.JoinedStr(values=values):
            pieces = [_strings(v.value if isinstance(v, ast.FormattedValue) else v, constants) for v in values]
            return None if None in pieces else "".join(map(str, pieces))
    return None


def referenced() -> dict[str, str]:
    """Return every name under ``@pytest.mark.reference`` in the tests, with its file."""
    found = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "reference":
                for argument in node.args:
                    name = _strings(argument, constants)
                    if name is not None and ":" in name:
                        found[name] = path.relative_to(TESTS).as_posix()
    return found


REFERENCED = referenced()


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_treats_a_number_and_an_array_alike(name: str) -> None:
    assert list(violations(_tree(FORMULAS[name]))) == []


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_is_public_and_takes_arguments_by_position_or_name(name: str) -> None:
    function = FORMULAS[name]
    assert not function.__name__.startswith("_")
    kinds = {str(parameter.kind) for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {str(inspect.Parameter.POSITIONAL_OR_KEYWORD)}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_documents_arguments_result_and_an_example(name: str) -> None:
    function = FORMULAS[name]
    text = inspect.getdoc(function) or ""
    missing = [title for title in ("Parameters", "Returns", "Examples") if f"{title}\n{'-' * len(title)}" not in text]
    assert missing == []
    stated = text.split("Parameters\n----------")[1].split("\n\n")[0]
    unstated = [
        argument
        for argument in inspect.signature(function).parameters
        if not any(argument in line.split(":")[0].replace(",", " ").split() for line in stated.splitlines())
    ]
    assert unstated == [], "arguments that the docstring does not describe"


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_has_a_strategy(name: str) -> None:
    room = name.split(".")[1]
    assert name in STRATEGIES, f"add {name!r} to STRATEGIES in src/costmodel/testing/{room}.py"
    parameters = inspect.signature(FORMULAS[name]).parameters
    assert set(STRATEGIES[name]) <= set(parameters), "the strategy names an argument that does not exist"
    needed = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
    assert needed <= set(STRATEGIES[name]), "the strategy leaves out an argument"


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_is_pinned_to_an_independent_number(name: str) -> None:
    assert name in REFERENCED, f"mark the test that pins it with @pytest.mark.reference({name!r})"


def _called_by_the_flywheel() -> set[str]:
    """Return the formulas of other rooms that a module of the flywheel calls by name."""
    called = set()
    for path in (Path(inspect.getfile(import_module("costmodel"))).parent / "flywheel").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imported = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        for function in (node.func for node in nodes if isinstance(node, ast.Call)):
            if isinstance(function, ast.Name) and function.id in imported:
                called.add(":".join(imported[function.id]))
            elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                module = ".".join(imported.get(function.value.id, ()))
                called.add(f"{module}:{function.attr}")
    return {name for name in called & FORMULAS.keys() if not name.startswith("costmodel.flywheel.")}


def test_formulas_that_the_flywheel_calls_are_held_to_compile() -> None:
    called = _called_by_the_flywheel()
    assert "costmodel.training.programme:training_budget" in called
    assert sorted(called - STEP_FORMULAS) == [], "register them with formula(step=True)"


def test_strategies_name_formulas_that_exist() -> None:
    assert sorted(set(STRATEGIES) - set(FORMULAS)) == []


def test_reference_marks_name_functions_that_exist() -> None:
    unknown = []
    for name, path in REFERENCED.items():
        module, _, function = name.partition(":")
        target: Any = import_module(module)
        for part in function.split("."):
            target = getattr(target, part, None)
        if target is None:
            unknown.append(f"{name} in {path}")
    assert unknown == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return x ** 2.0", "'**'"),
        ("return x if x > 0.0 else 0.0", "a branch on a value"),
        ("return max(x, y)", "max()"),
        ("return np.clip(x, 0.0, y)", ".clip"),
        ("return np.where(0.0 < x < y, x, y)", "chained"),
        ("return np.where(x and y, x, y)", "'and' or 'or'"),
        ("return x.sum()", ".sum"),
    ],
)
def test_the_check_finds_what_it_forbids(body: str, fault: str) -> None:
    node = ast.parse(f"def f(x, y):\n    {body}\n").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert any(fault in violation for violation in violations(node))


def test_the_check_allows_a_choice_of_method() -> None:
    node = ast.parse("def f(x, kind: str):\n    return x if kind == 'a' else 10**9 * x\n").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert list(violations(node)) == []
