"""Exams: published measurements compared with the library's predictions, fitted and unseen rows apart.

An exam reads a table of measurements, leaves out rows by a written rule, splits the rest by a rule that was fixed
before anything was fitted, and predicts every row. A `Mark` is its outcome: one row per measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import CatalogError, near_matches

EXAMS: dict[str, str] = {
    "serving": "costmodel.validation.exams_serving:mark",
    "training": "costmodel.validation.exams_training:mark",
}
"""Exams by name, each the function that marks it."""


NORMAL_MEDIAN = 1.4826
"""Standard deviation of a normal law over the median distance from its middle [1]: 1/Φ⁻¹(3/4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Measured rows of one quantity with their predictions.

    Parameters
    ----------
    exam, quantity, unit
        Name of the exam, the measured quantity and its unit.
    source
        Document of the measurements.
    name
        Identifier of each row, shape (row,).
    part
        Part of the split that each row belongs to, such as ``"fitted"`` or ``"unseen"``, shape (row,).
    measured, predicted
        Figures, > 0; the prediction is NaN where the model calls the row infeasible, shape (row,).
    low, high
        80 % interval of the prediction; ``None`` where the model gives none, shape (row,).
    labels
        Columns by which rows can be grouped, each of shape (row,).
    reason
        Reason for which a row is infeasible; empty if it is feasible, shape (row,).
    excluded
        Number of rows left out, by rule.
    line, called
        Line of the short table that several marks share, and the name of this mark in it; empty: a line of its own.
    """

    exam: str
    quantity: str
    unit: str
    source: str
    name: NDArray[np.str_]
    part: NDArray[np.str_]
    measured: FloatArray
    predicted: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    reason: NDArray[np.str_]
    excluded: Mapping[str, int] = field(default_factory=dict)
    line: str = ""
    called: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Errors of a group of rows; NaN where the group has no predicted row.

    Parameters
    ----------
    group
        Name of the group of rows.
    rows, infeasible
        Number of rows, and of those that the model calls infeasible [1].
    bias
        Median of predicted over measured, less 1 [1].
    median, mean
        Median and mean of the absolute relative error [1].
    covered
        Share of the measurements inside the 80 % interval [1]; NaN where no interval is given.
    """

    group: str
    rows: int
    infeasible: int
    bias: float
    median: float
    mean: float
    covered: float


def exam_names() -> tuple[str, ...]:
    """Return the names of all exams.

    Examples
    --------
    >>> "serving" in exam_names()
    True
    """
    return tuple(EXAMS)


def marks(exam: str | None = None) -> tuple[Mark, ...]:
    """Mark one exam, or all.

    Raises
    ------
    CatalogError
        If there is no such exam, or its table is not installed.
    """
    if exam is not None and exam not in EXAMS:
        raise CatalogError(f"no exam {exam!r}: there are {', '.join(EXAMS)}{near_matches(exam, EXAMS)}")
    found: list[Mark] = []
    for name in EXAMS if exam is None else (exam,):
        module, function = EXAMS[name].split(":")
        marking: Callable[[], tuple[Mark, ...]] = getattr(import_module(module), function)
        found += marking()
    return tuple(found)


def errors(mark: Mark) -> FloatArray:
    """Return predicted over measured less 1, NaN where infeasible, shape (row,)."""
    return np.asarray(mark.predicted / mark.measured - 1.0, dtype=np.float64)


def line(mark: Mark, group: str, rows: NDArray[np.bool_]) -> Line:
    """Return the errors of some rows of a mark.

    Parameters
    ----------
    mark
        The marked exam.
    group
        Name of the group of rows.
    rows
        Which rows, shape (row,).
    """
    error = errors(mark)[rows]
    known = error[np.isfinite(error)]
    absolute = np.abs(known)
    covered = np.nan
    if mark.low is not None and mark.high is not None and known.size:
        inside = (mark.low <= mark.measured) & (mark.measured <= mark.high)
        covered = float(np.mean(inside[rows][np.isfinite(error)]))
    empty = known.size == 0
    return Line(
        group=group,
        rows=int(error.size),
        infeasible=int(error.size - known.size),
        bias=np.nan if empty else float(np.median(known)),
        median=np.nan if empty else float(np.median(absolute)),
        mean=np.nan if empty else float(np.mean(absolute)),
        covered=float(covered),
    )


def table(mark: Mark, *by: str) -> tuple[Line, ...]:
    """Return one line per part of the split, or per part and value of some labels.

    Parameters
    ----------
    mark
        The marked exam.
    *by
        Labels of the mark to group by, after the part.

    Raises
    ------
    CatalogError
        If the mark has no such label.
    """
    for name in by:
        if name not in mark.labels:
            hint = near_matches(name, mark.labels)
            raise CatalogError(f"{mark.exam}: no label {name!r}: there are {', '.join(mark.labels)}{hint}")
    keys = [mark.part, *(mark.labels[name] for name in by)]
    names = np.array([" · ".join(row) for row in zip(*keys, strict=True)])
    return tuple(line(mark, str(group), names == group) for group in np.unique(names))


def spread_of_groups(errors: FloatArray, groups: NDArray[np.str_]) -> float:
    """Return the spread of errors to expect on rows of a new group, from groups left out of a fit in turn.

    Parameters
    ----------
    errors
        Logarithm of predicted over measured of every row, its group not fitted, shape (row,); NaN is ignored.
    groups
        Group of each row, shape (row,).

    Returns
    -------
    float
        Standard deviation of a normal law [1].

    Notes
    -----
    ``√(b² + w²)``: b, between groups, is 1.4826 times the median over groups of the size of a group's median error; w,
    within, is 1.4826 times the median over groups of the median distance from it. Medians limit the effect of the two
    or three groups that were measured under untypical conditions; 1.4826 makes them deviations of a normal law.

    Examples
    --------
    >>> round(spread_of_groups(np.array([0.1, 0.1, -0.1, -0.1]), np.array(["a", "a", "b", "b"])), 5)
    0.14826
    """
    known = np.isfinite(errors)
    middles, distances = [], []
    for group in np.unique(groups[known]):
        mine = errors[known & (groups == group)]
        middles.append(abs(np.median(mine)))
        distances.append(np.median(np.abs(mine - np.median(mine))))
    return float(NORMAL_MEDIAN * np.hypot(np.median(middles), np.median(distances)))


def markdown(marked: Iterable[Mark]) -> str:
    """Return the errors of some marks as a table in Markdown, unseen and fitted rows apart.

    Parameters
    ----------
    marked
        The marked exams; those that share a line are listed in it together.
    """
    written = ["| measured | unseen rows: median error | in the 80 % interval | fitted rows: median error |"]
    written.append("|---|---|---|---|")
    lines: dict[str, list[Mark]] = {}
    for mark in marked:
        lines.setdefault(f"{mark.exam}: {mark.line or mark.quantity}", []).append(mark)
    for name, sharing in lines.items():
        figures = [_figures(mark) for mark in sharing]
        cells = (", ".join(filter(None, column)) or "–" for column in zip(*figures, strict=True))
        written.append("| " + " | ".join((name, *cells)) + " |")
    return "\n".join(written)


def _figures(mark: Mark) -> tuple[str, str, str]:
    """Return a mark's cells: error of unseen rows, their share in the interval, error of fitted rows."""
    lines = table(mark)
    unseen = [entry for entry in lines if "unseen" in entry.group]
    fitted = [entry for entry in lines if "unseen" not in entry.group]
    covered = [entry for entry in unseen if np.isfinite(entry.covered)]
    return (
        _listed(unseen, "unseen", "median", mark.called),
        _listed(covered, "unseen", "covered", mark.called),
        _listed(fitted, "fitted", "median", mark.called),
    )


def _listed(lines: Iterable[Line], part: str, field: str, called: str) -> str:
    """Return a figure of several lines in words: the mark, the group without its part, the figure and its rows."""
    found = []
    for entry in lines:
        name = entry.group.replace(part, "").strip(" ,")
        rows = f"{entry.rows:,} rows" if field == "median" else ""
        figure = f"{getattr(entry, field):.1%}" if field == "median" else f"{getattr(entry, field):.0%}"
        found.append(" ".join(filter(None, (called, name, figure, rows and f"({rows})"))))
    return ", ".join(found)
