"""Contract of every module of the library: its size, forbidden constructs, and the cost of importing it."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import costmodel

pytestmark = pytest.mark.contract

ROOT = Path(costmodel.__file__).parent
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
LONGEST_MODULE = 350
"""Largest number of lines of code of a module, without docstrings, comments and blank lines [1]."""
LONGEST_FUNCTION = 60
"""Largest number of lines of a function, without its docstring [1]."""
HEAVY = ("scipy", "pandas", "pint", "matplotlib", "numba", "typer", "rich", "xarray", "zarr", "dask", "hypothesis")
"""Packages that ``import costmodel`` must not import; functions import them when needed."""
FLOORS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
ABOVE_THE_FLOORS = {"__init__.py", "entry.py", "__main__.py"}


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    docstring = ast.get_docstring(node, clean=False)
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    return length - (docstring.count("\n") + 1 if docstring is not None else 0)


def code_lines(text: str) -> int:
    """Count the lines of code of a module: no documentation, comments or blank lines."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    coded: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            coded.update(range(token.start[0], token.end[0] + 1))
    return len(coded - documented)


def _imports_root(node: ast.AST) -> bool:
    """Whether a statement imports exports of the root package; importing a room from it does not count."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "costmodel" and not node.level and not {name.name for name in node.names} <= FLOORS
    return isinstance(node, ast.Import) and any(name.name == "costmodel" for name in node.names)


def faults(text: str, *, floor: bool) -> Iterator[str]:
    """Return the forbidden constructs of a module."""
    lines = code_lines(text)
    if lines > LONGEST_MODULE:
        yield f"{lines} lines of code; at most {LONGEST_MODULE}"
    for node in ast.walk(ast.parse(text)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > LONGEST_FUNCTION:
            yield f"{line}: {node.name} has {_body_lines(node)} lines; at most {LONGEST_FUNCTION}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{line}: print"
        elif isinstance(node, ast.Assert):
            yield f"{line}: assert validates nothing under python -O"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{line}: a bare except"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and r"\d" in node.value:
            yield f"{line}: takes digits of every script; write [0-9]"
        elif floor and _imports_root(node):
            yield f"{line}: imports the root package from inside"


@pytest.mark.parametrize("name", MODULES)
def test_module_keeps_to_the_style(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    assert list(faults(text, floor=name not in ABOVE_THE_FLOORS)) == []


@pytest.mark.parametrize("name", MODULES)
def test_module_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = 1\n" * 351, "351 lines of code"),
        ("def f():\n" + "    x = 1\n" * 60, "f has 61 lines"),
        ("print(1)\n", "print"),
        ("assert x\n", "assert"),
        ("try:\n    x\nexcept:\n    pass\n", "bare except"),
        ("import costmodel\n", "root package"),
        ('X = r"\\d+"\n', "digits of every script"),
        ("from costmodel import run\n", "root package"),
    ],
)
def test_the_check_finds_what_it_forbids(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text, floor=True))


def test_taking_a_floor_from_the_root_is_allowed() -> None:
    assert list(faults("from costmodel import catalog\n", floor=True)) == []


def test_a_docstring_does_not_count_as_length() -> None:
    assert list(faults('def f():\n    """' + "\n" * 100 + '"""\n    return 1\n', floor=True)) == []


def test_importing_costmodel_loads_nothing_heavy() -> None:
    code = f"import sys, costmodel; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_the_package_exports_exists() -> None:
    assert [name for name in getattr(costmodel, "__all__", []) if not hasattr(costmodel, name)] == []


def test_no_two_files_of_tests_share_a_name() -> None:
    names = Counter(path.name for path in Path(__file__).parent.rglob("*.py"))
    assert not [name for name, count in names.items() if count > 1], "pytest imports each file of tests by its name"
