"""Find the rows of an exam that moved since its errors were stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from costmodel.validation.exams import Mark, errors

FOLDER = Path(__file__).parent.parent / "regression"
TOLERANCE = 0.01
"""Largest move of a part's median error that passes [1]: a percentage point."""
SHOWN = 10
"""Largest number of rows to name [1]."""


def store(exam: str, marks: Iterable[Mark]) -> None:
    """Write the errors of every row of an exam, in every quantity that was measured in it."""
    rows: dict[str, dict[str, float | None]] = {}
    for mark in marks:
        for name, error in zip(mark.name, errors(mark), strict=True):
            rows.setdefault(str(name), {})[mark.quantity] = None if np.isnan(error) else round(float(error), 3)
    quantities = list(dict.fromkeys(quantity for found in rows.values() for quantity in found))
    lines = [
        f"{json.dumps(name)}: {json.dumps([found.get(item, 'none') for item in quantities])}"
        for name, found in rows.items()
    ]
    text = f'{{"quantities": {json.dumps(quantities)}, "rows": {{\n' + ",\n".join(lines) + "\n}}\n"
    (FOLDER / f"exam-{exam}.json").write_text(text, encoding="utf-8")


def moves(exam: str, marks: Iterable[Mark]) -> list[str]:
    """Return the moves: rows that became infeasible or are gone, and parts whose median moved, with their rows."""
    stored = json.loads((FOLDER / f"exam-{exam}.json").read_text(encoding="utf-8"))
    found: list[str] = []
    for mark in marks:
        index = stored["quantities"].index(mark.quantity)
        before = {name: row[index] for name, row in stored["rows"].items() if row[index] != "none"}
        gone = sorted(set(before) - set(mark.name.tolist()))
        found += [f"{mark.quantity}: {name} is not examined any more" for name in gone]
        found += _moves(mark, np.array([before.get(str(name), np.nan) for name in mark.name], dtype=np.float64))
    return found


def _moves(mark: Mark, before: np.ndarray) -> list[str]:
    now = errors(mark)
    lost = np.isnan(now) & np.isfinite(before)
    found = [f"{mark.quantity}: {mark.name[i]} is infeasible now: {mark.reason[i]}" for i in np.flatnonzero(lost)]
    for part in np.unique(mark.part):
        inside = mark.part == part
        old, new = (np.nanmedian(np.abs(error[inside])) for error in (before, now))
        if abs(new - old) > TOLERANCE:
            found.append(f"{mark.quantity}, {part}: median error from {old:.1%} to {new:.1%}; moved most:")
            change = np.where(inside, np.abs(np.nan_to_num(now - before)), 0.0)
            most = [i for i in np.argsort(-change)[:SHOWN] if change[i] > 0.0]
            found += [f"  {mark.name[i]}: {before[i]:+.1%} to {now[i]:+.1%}" for i in most]
    return found
