"""Which rows of an exam moved since its errors were stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from costmodel.validation.exams import Mark, errors

FOLDER = Path(__file__).parent.parent / "regression"
TOLERANCE = 0.01
"""By which the median of a part may move unnoticed [1]: a point of the error."""
SHOWN = 10
"""Rows that are named at most."""


def store(exam: str, marks: Iterable[Mark]) -> None:
    """Write the error of every row of an exam."""
    found = {
        mark.quantity: {
            str(name): None if np.isnan(error) else round(float(error), 4)
            for name, error in zip(mark.name, errors(mark), strict=True)
        }
        for mark in marks
    }
    path = FOLDER / f"exam-{exam}.json"
    path.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


def moves(exam: str, marks: Iterable[Mark]) -> list[str]:
    """Return what moved: rows that became infeasible, and parts whose median moved, with the rows that moved most."""
    stored = json.loads((FOLDER / f"exam-{exam}.json").read_text(encoding="utf-8"))
    found: list[str] = []
    for mark in marks:
        before = np.array([stored[mark.quantity].get(str(name), np.nan) for name in mark.name], dtype=np.float64)
        found += _moves(mark, before)
    return found


def _moves(mark: Mark, before: np.ndarray) -> list[str]:
    now = errors(mark)
    lost = np.isnan(now) & np.isfinite(before)
    found = [f"{mark.quantity}: {name} is infeasible now: {mark.reason[i]}" for i, name in _rows(mark, lost)]
    for part in np.unique(mark.part):
        inside = mark.part == part
        old, new = (np.nanmedian(np.abs(error[inside])) for error in (before, now))
        if abs(new - old) > TOLERANCE:
            found.append(f"{mark.quantity}, {part}: median error from {old:.1%} to {new:.1%}; moved most:")
            order = np.argsort(-np.abs(np.nan_to_num(now - before)) * inside)[:SHOWN]
            found += [f"  {mark.name[i]}: {before[i]:+.1%} to {now[i]:+.1%}" for i in order]
    return found


def _rows(mark: Mark, mask: np.ndarray) -> list[tuple[int, str]]:
    return [(int(i), str(mark.name[i])) for i in np.flatnonzero(mask)]
