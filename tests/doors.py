"""Find public definitions that no model, study, command or export of the root package reaches.

It builds a static graph of references from the syntax trees alone, without imports. A definition that only validation
cases, strategies of tests or a room's own ``__init__`` refer to has no door. Run it for the list, room by room::

    python tests/doors.py [src/costmodel]
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "costmodel"
NOT_COUNTED = ("cli", "validation", "testing", "explorer")
"""Rooms whose definitions are not counted: the commands, and rooms that only observe others."""
STUDY_ROOMS = ("analysis",)
"""Rooms whose exports are doors themselves."""
ENTRY_ROOMS = ("studies", "reporting", "formats")
"""Rooms whose every public name is a door: users come for a study, a report or a reader of an outside file."""
OUTSIDE = ("validation", "testing")
"""Rooms whose use of a definition does not count as a door."""
BODY = "<module>"
"""Node of a module's own statements, such as registrations."""
_TARGET = re.compile(r"costmodel(?:\.\w+)+:\w+")


@dataclass(slots=True)
class Module:
    """Top-level definitions of one module, and the targets of its names.

    Parameters
    ----------
    name
        Dotted name.
    definitions
        The statements that define each top-level name.
    names
        Target of each imported name: ``module`` or ``module:name``.
    lazy
        Modules of the names that the module imports on first use, from its table.
    statements
        Top-level statements that are not definitions.
    """

    name: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    lazy: dict[str, str] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)

    @property
    def room(self) -> str:
        """The folder of the module below the package, or the module itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else PACKAGE


def _imports(node: ast.AST, module: str, *, package: bool) -> Iterator[tuple[str, str]]:
    """Yield each name that an import statement binds, and its target."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0])
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = module.split(".")[: None if package and node.level == 1 else -(node.level - package)]
            base = ".".join([*parts, *([base] if base else [])])
        for alias in node.names:
            yield alias.asname or alias.name, f"{base}:{alias.name}"


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, including those under ``if`` and ``try``."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try):
            yield from _top_level(statement.body)
            yield from _top_level(statement.orelse)
        else:
            yield statement


def _defined(statement: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
        return [statement.name.id]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    parts = [part for target in targets if target is not None for part in ast.walk(target)]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def read(root: Path) -> dict[str, Module]:
    """Read every module below a package's folder."""
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join([PACKAGE, *(parts[:-1] if package else parts)])
        module = modules[name] = Module(name)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for statement in _top_level(tree.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module.names.update(_imports(statement, name, package=package))
            elif names := _defined(statement):
                for defined in names:
                    module.definitions.setdefault(defined, []).append(statement)
            else:
                module.statements.append(statement)
        if package:
            module.lazy.update(_lazy_table(tree, name))
    return modules


def _lazy_table(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Yield the entries of a package's tables ``{"name": "module"}`` and ``{"module": ("name", ...)}``."""
    for table in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
        for key, value in zip(table.keys, table.values, strict=True):
            left = [key.value] if isinstance(key, ast.Constant) and isinstance(key.value, str) else []
            parts = value.elts if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
            right = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            for name in left:
                for other in right:
                    for label, home in ((name, other), (other, name)):
                        yield label, (home if home.startswith(f"{PACKAGE}.") else f"{package}.{home}")


class Graph:
    """References among the top-level definitions of the package."""

    def __init__(self, modules: dict[str, Module]) -> None:
        self.modules = modules
        self.edges: dict[str, set[str]] = {}
        for module in modules.values():
            for name, statements in module.definitions.items():
                found = {target for part in statements for target in self._named(part, module)}
                self.edges[f"{module.name}:{name}"] = found | {f"{module.name}:{BODY}"}
            self.edges[f"{module.name}:{BODY}"] = {
                target for part in module.statements for target in self._named(part, module)
            }

    def resolve(self, target: str, seen: frozenset[str] = frozenset()) -> str | None:
        """Follow a name through re-exports to the definition, or to a module."""
        if target in seen:
            return None
        home, _, name = target.partition(":")
        module = self.modules.get(home)
        if not name or module is None:
            return home if module is not None else None
        if name in module.definitions:
            return target
        if name in module.names:
            stands_for = module.names[name]
            whole = stands_for.replace(":", ".")
            return whole if whole in self.modules else self.resolve(stands_for, seen | {target})
        if name in module.lazy and f"{module.lazy[name]}" in self.modules:
            return self.resolve(f"{module.lazy[name]}:{name}", seen | {target})
        return f"{home}.{name}" if f"{home}.{name}" in self.modules else None

    def _named(self, statement: ast.stmt, module: Module) -> Iterator[str]:
        """Yield the definitions to which a statement refers."""
        package = any(other.startswith(f"{module.name}.") for other in self.modules)
        local = dict(module.names)
        for node in ast.walk(statement):
            local.update(_imports(node, module.name, package=package))
        for node in ast.walk(statement):
            chain = _chain(node)
            if chain:
                found = self._follow(chain, local, module)
                if found is not None and ":" in found:
                    yield found
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                for text in _TARGET.findall(node.value):
                    found = self.resolve(text)
                    if found is not None:
                        yield found

    def _follow(self, chain: list[str], local: dict[str, str], module: Module) -> str | None:
        """Resolve ``a.b.c`` as far as modules reach."""
        first, *rest = chain
        if first in module.definitions:
            return f"{module.name}:{first}"
        if first not in local:
            return None
        whole = local[first].replace(":", ".")
        found = whole if whole in self.modules else self.resolve(local[first])
        for part in rest:
            if found is None or ":" in found:
                return found
            found = self.resolve(f"{found}:{part}")
        return found

    def reached(self, roots: set[str]) -> set[str]:
        """Return everything that the roots reach without going through rooms that only observe."""
        waiting, found = list(roots), set(roots)
        while waiting:
            node = waiting.pop()
            if self.modules[node.partition(":")[0]].room in OUTSIDE:
                continue
            for target in self.edges.get(node, ()):
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return found

    def roots(self) -> set[str]:
        """Return the commands, the exports of the root, the registered models, the studies and the readers."""
        found = set()
        for module in self.modules.values():
            if module.room == "cli" or module.name == f"{PACKAGE}.entry":
                found |= {f"{module.name}:{name}" for name in [*module.definitions, BODY]}
            if module.room in ENTRY_ROOMS:
                found |= {f"{module.name}:{name}" for name in module.definitions if not name.startswith("_")}
            for statement in module.statements:
                if "register_model" in ast.unparse(statement):
                    found |= set(self._named(statement, module))
            if module.name == PACKAGE or module.name in {f"{PACKAGE}.{room}" for room in STUDY_ROOMS}:
                exported = [*module.names, *module.lazy]
                found |= {
                    target
                    for name in exported
                    if (target := self.resolve(f"{module.name}:{name}")) is not None and ":" in target
                }
        return found

    def public(self) -> dict[str, int]:
        """Return every public function and class that counts, with its lines."""
        return {
            f"{module.name}:{name}": sum((part.end_lineno or part.lineno) - part.lineno + 1 for part in statements)
            for module in self.modules.values()
            if module.room not in NOT_COUNTED
            for name, statements in module.definitions.items()
            if not name.startswith("_") and isinstance(statements[0], ast.FunctionDef | ast.ClassDef)
        }


def _chain(node: ast.AST) -> list[str]:
    """Return ``["a", "b", "c"]`` for ``a.b.c``, and an empty list for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def without_a_door(root: Path) -> tuple[dict[str, int], int]:
    """Return the public definitions without a door with their lines, and the number of all public definitions."""
    graph = Graph(read(root))
    reached, public = graph.reached(graph.roots()), graph.public()
    return {name: lines for name, lines in public.items() if name not in reached}, len(public)


def main() -> None:
    """Print the definitions without a door, room by room."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "src" / PACKAGE
    shut, count = without_a_door(root)
    rooms = Counter(name.split(":")[0].split(".")[1] for name in shut)
    lines = [f"{len(shut)} of {count} public definitions without a door, {sum(shut.values())} lines"]
    for room, number in sorted(rooms.items()):
        lines.append(f"\n{room}: {number}")
        lines += [f"  {name}  {size}" for name, size in shut.items() if name.split(":")[0].split(".")[1] == room]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
