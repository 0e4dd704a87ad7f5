"""Inheritance of scenario files: tables merge, values are replaced as a whole, and a difference is again a file.

``merged(base, difference(base, form)) == form`` for any two written forms. A *value* (a table with ``value``, ``dist``,
``knots`` or ``formula``) is a unit: it is never merged, so that no number keeps the source of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.foundation.errors import ScenarioError, near_matches

REMOVE = "remove"
"""Entry of an inheriting file that lists the paths of the base to drop."""
_VALUE_KEYS = frozenset({"value", "dist", "knots", "formula"})


def is_value(item: Any) -> bool:
    """Return whether a table of a written form is one value: a number with its source, a distribution or a schedule."""
    return isinstance(item, Mapping) and not _VALUE_KEYS.isdisjoint(item)


def bare_value(value: Any) -> Any:
    """Return a written value without its provenance."""
    return value["value"] if isinstance(value, Mapping) and "value" in value else value


def _is_table(item: Any) -> bool:
    return isinstance(item, Mapping) and not is_value(item)


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form with the entries of another merged into it.

    Parameters
    ----------
    base
        A written form.
    change
        Changes: nested tables, and ``remove``, a list of dotted paths of the base to drop.

    Raises
    ------
    ScenarioError
        If a path of ``remove`` is not in the base.

    Examples
    --------
    >>> merged({"energy": {"price": 1.0, "pue": 1.2}, "cap": 3.0}, {"energy": {"pue": 1.1}, "remove": ["cap"]})
    {'energy': {'price': 1.0, 'pue': 1.1}}
    """
    whole = {key: _copy(item) for key, item in base.items()}
    gone = change.get(REMOVE, [])
    if not isinstance(gone, list) or not all(isinstance(path, str) for path in gone):
        raise ScenarioError(f"{REMOVE}: give a list of paths; got {str(gone)[:80]!r}")
    for path in gone:
        _drop(whole, path)
    for key, item in change.items():
        if key != REMOVE:
            _lay_over(whole, key, item)
    return whole


def _copy(item: Any) -> Any:
    return {key: _copy(part) for key, part in item.items()} if isinstance(item, Mapping) else item


def _lay_over(whole: dict[str, Any], key: str, item: Any) -> None:
    if _is_table(item) and _is_table(whole.get(key)):
        for name, part in item.items():
            _lay_over(whole[key], name, part)
    else:
        whole[key] = _copy(item)


def _drop(form: dict[str, Any], path: str) -> None:
    *parents, last = path.split(".")
    node: Any = form
    for part in parents:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        known = list(node) if isinstance(node, dict) else list(form)
        raise ScenarioError(f"{REMOVE}: the base has no {path!r}{near_matches(last, known)}")
    del node[last]


def difference(base: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the smallest form that :func:`merged` combines with ``base`` to give ``form``.

    Examples
    --------
    >>> difference({"a": {"x": 1.0, "y": 2.0}, "b": 3.0}, {"a": {"x": 1.0, "y": 5.0}})
    {'remove': ['b'], 'a': {'y': 5.0}}
    """
    gone: list[str] = []
    change = _changes(base, form, "", gone)
    return {REMOVE: gone, **change} if gone else change


def _changes(base: Mapping[str, Any], form: Mapping[str, Any], prefix: str, gone: list[str]) -> dict[str, Any]:
    gone.extend(f"{prefix}{key}" for key in base if key not in form)
    found: dict[str, Any] = {}
    for key, item in form.items():
        before = base.get(key)
        if before is not None and _is_table(item) and _is_table(before):
            nested = _changes(before, item, f"{prefix}{key}.", gone)
            if nested:
                found[key] = nested
        elif key not in base or not _same(before, item):
            found[key] = _copy(item)
    return found


def _same(one: Any, two: Any) -> bool:
    return type(one) is type(two) and bool(one == two)


def changed_entries(one: Any, two: Any, prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Return the differences between two written forms: dotted path → entries of the first and the second.

    A value is compared as a number, not by its source. An entry that is missing in one form is None there; a missing
    table is one change.

    Examples
    --------
    >>> changed_entries({"a": {"x": {"value": 1.0, "source": "s"}}}, {"a": {"x": 1.0, "y": 2.0}})
    {'a.y': (None, 2.0)}
    """
    bare = bare_value(one), bare_value(two)
    if _is_table(bare[0]) and _is_table(bare[1]):
        found: dict[str, tuple[Any, Any]] = {}
        for key in dict.fromkeys([*bare[0], *bare[1]]):
            found.update(changed_entries(bare[0].get(key), bare[1].get(key), f"{prefix}.{key}" if prefix else key))
        return found
    return {} if bare[0] == bare[1] else {prefix: (one, two)}
