"""Results as tables: a row for each output and item, a column for each year if any, codes and flags as words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.outputs import TIME_AXES, OutputSpec
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.tables import UNIT, Cell, Table

if TYPE_CHECKING:
    from costmodel.foundation.results import Result

SUMMARY_QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles over draws in a cell [1]."""
MOST_OBJECT = 60
"""Longest text shown for an object that is neither a figure nor a word [character]."""


def table_of(result: Result, names: Sequence[str]) -> Table:
    """Return outputs as one table: a column per year if they have an axis of time, else one column.

    Parameters
    ----------
    result
        A run.
    names
        Outputs, either all with figures by year or all without.

    Raises
    ------
    ScenarioError
        If only some have figures by year.
    """
    chosen = [result.spec(name) for name in names]
    timed = [spec for spec in chosen if has_years(spec)]
    if timed and len(timed) < len(chosen):
        apart = ", ".join(spec.name for spec in chosen if spec not in timed)
        raise ScenarioError(f"{apart}: has no yearly figures; ask for it in a separate table")
    title = result.scenario.title or result.scenario.name
    notes = (*([] if result.draws is None else [f"{result.draws} draws: 5 / 50 / 95 %"]), *result.remarks)
    if not timed:
        return _single(result, chosen, title, notes)
    rows = tuple(row for spec in timed for row in _year_rows(result, spec))
    years = result.by_year(timed[0].name)[0]
    return Table(("output", UNIT, *map(str, years)), rows, title, notes, ranks=SUMMARY_QUANTILES)


def has_years(spec: OutputSpec) -> bool:
    """Return whether an output has yearly figures."""
    return spec.time_axis is not None and spec.kind != "date" and sum(dim in TIME_AXES for dim in spec.dims) == 1


def tables_of(result: Result) -> Iterator[tuple[str, Table]]:
    """Yield every output of a result in tables by their axes, each with a heading: single figures, by year, by item.

    Outputs on an axis that the class lists in ``SIDE_BY_SIDE`` become columns of one table, with a row for each item.
    """
    beside = getattr(type(result), "SIDE_BY_SIDE", ())
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys([*result.first(), *result.outputs()]):
        spec = result.spec(name)
        years = ("year",) if has_years(spec) else ()
        others = tuple(dim for dim in spec.dims if not years or dim != spec.time_axis)
        groups.setdefault((*years, *others), []).append(name)
    for dims in sorted(groups, key=lambda dims: (len(dims), dims != ("year",))):
        heading = f"By {' and '.join(dims)}" if dims else "Outputs"
        together = len(dims) == 1 and dims[0] in beside
        yield heading, _beside(result, dims[0], groups[dims]) if together else table_of(result, groups[dims])


def _beside(result: Result, dim: str, names: Sequence[str]) -> Table:
    """Return outputs of one axis without years as columns, with notes on the basis of each and on blank cells."""
    specs = [result.spec(name) for name in names]
    values = [np.asarray(result[name]) for name in names]
    items = result.labels().get(dim) or range(len(values[0]))
    rows = tuple(
        (str(item), *(cell_of(result, spec, held[i]) for spec, held in zip(specs, values, strict=True)))
        for i, item in enumerate(items)
    )
    notes = [f"{spec.label}: {said}" for spec in specs if (said := result.basis(spec.name))]
    gaps = [held.dtype.kind == "f" and bool(np.isnan(held).any()) for held in values]
    notes += [f"{spec.label}: blank {spec.blank}" for spec, gap in zip(specs, gaps, strict=True) if gap and spec.blank]
    bands = [] if result.draws is None else [f"{result.draws} draws: 5 / 50 / 95 %"]
    heads, units = (dim, *(spec.label for spec in specs)), ("", *map(_unit, specs))
    return Table(
        heads,
        rows,
        result.scenario.title or result.scenario.name,
        (*bands, *notes, *result.remarks),
        units=units,
        ranks=SUMMARY_QUANTILES,
    )


def _single(result: Result, chosen: Sequence[OutputSpec], title: str, notes: tuple[str, ...]) -> Table:
    """Return outputs without years as one column, with the basis of each cost if it is declared."""
    rows = [row for spec in chosen for row in _item_rows(result, spec)]
    columns: tuple[str, ...] = ("output", UNIT, "value", "basis")
    if not any(row[3] for row in rows):
        columns, rows = columns[:3], [row[:3] for row in rows]
    return Table(columns, tuple(rows), title, notes, ranks=SUMMARY_QUANTILES)


def _year_rows(result: Result, spec: OutputSpec) -> Iterator[tuple[Cell, ...]]:
    _, values = result.by_year(spec.name)
    dims = [dim for dim in spec.dims if dim not in TIME_AXES]
    for index in np.ndindex(*values.shape[1 : 1 + len(dims)]):
        rows = values[(slice(None), *index)]
        yield (_named(result, spec, dims, index), _unit(spec), *(cell_of(result, spec, row) for row in rows))


def _item_rows(result: Result, spec: OutputSpec) -> Iterator[tuple[Cell, ...]]:
    values = np.asarray(result[spec.name])
    for index in np.ndindex(*values.shape[: len(spec.dims)]):
        label = _named(result, spec, spec.dims, index)
        yield label, _unit(spec), cell_of(result, spec, np.asarray(values[index])), result.basis(spec.name) or ""


def _unit(spec: OutputSpec) -> str:
    return "" if spec.words or spec.kind in ("code", "date") else spec.unit


def _named(result: Result, spec: OutputSpec, dims: Sequence[str], index: tuple[int, ...]) -> str:
    names = result.labels()
    places = [str(names[dim][i]) if dim in names else str(i) for dim, i in zip(dims, index, strict=True)]
    return ", ".join([spec.label, *places])


def cell_of(result: Result, spec: OutputSpec, values: NDArray[Any]) -> Cell:
    """Return one figure of an output as a cell: quantiles over draws, or words for codes, most frequent first.

    Parameters
    ----------
    result
        The run, with the draws to leave out of statistics.
    spec
        The output.
    values
        Values, shape ``()`` or ``(draw,)``.
    """
    if spec.words:
        return words_of(result.words(spec.name), values)
    if values.dtype.kind == "b":
        return bool(values) if values.ndim == 0 else f"in {int(values.sum())} of {values.size}"
    if values.dtype.kind not in "fiu":
        return str(values)[:MOST_OBJECT]
    if values.ndim == 0:
        found: tuple[float, ...] = (float(values),)
    else:
        kept = values if result.left_out is None else values[~result.left_out]
        found = tuple(float(value) for value in exact_quantile(kept, SUMMARY_QUANTILES))
    if spec.kind == "date":
        return " / ".join(f"{value:.2f}" for value in found)
    return found if values.ndim else found[0]


def words_of(words: Sequence[str], codes: Any) -> str:
    """Return the words of codes, most frequent first."""
    found, counts = np.unique(np.asarray(codes, dtype=int), return_counts=True)
    known = [found[i] for i in np.argsort(-counts, kind="stable") if 0 <= found[i] < len(words)]
    return "; ".join(words[code] or "nothing" for code in known)


def written_rows(result: Result, name: str) -> list[str]:
    """Return the text form of an output for each of its items: ``tokens_by_workload[chat]``."""
    spec, labels = result.spec(name), result.labels()
    dims = [dim for dim in spec.dims if not has_years(spec) or dim not in TIME_AXES]
    shape = dict(zip(spec.dims, np.shape(result[name]), strict=False))
    items = [[str(label) for label in labels.get(dim, range(shape[dim]))] for dim in dims]
    return [f"{name}[{','.join(one)}]" for one in product(*items)] if dims else [name]


def long_of(result: Result, names: Sequence[str] = ()) -> Table:
    """Return outputs with a row for each figure: output, year, unit, and the figure or its quantiles over the draws.

    Parameters
    ----------
    result
        A run.
    names
        Outputs; empty: all. The year of an output without years is blank.
    """
    parts = []
    for name in names or list(result.outputs()):
        written = written_rows(result, name)
        parts.append(long_table(written, table_of(result, [name]), result.draws is not None))
    rows = tuple(row for part in parts for row in part.rows)
    return Table(parts[0].columns, rows, result.scenario.title or result.scenario.name)


def long_table(written: Sequence[str], table: Table, banded: bool | None = None) -> Table:
    """Return a table of outputs with a row for each figure.

    Parameters
    ----------
    written
        Text form of the output of each row.
    table
        Table of output, unit, and a column for each year, or one of values.
    banded
        Whether to give a figure for each of the table's ranks; None: if its cells have several.
    """
    if banded is None:
        banded = any(isinstance(cell, tuple) for row in table.rows for cell in row)
    names = [f"p{100 * rank:g}" for rank in table.ranks] if banded else ["value"]
    rows = []
    for text, row in zip(written, table.rows, strict=True):
        for head, cell in zip(table.columns[2:], row[2:], strict=True):
            if head != "basis":
                year = None if head == "value" else int(head)
                rows.append((year, text, row[1], *(cell if isinstance(cell, tuple) else (cell,) * len(names))))
    return Table(("year", "output", UNIT, *names), tuple(rows), table.title, table.notes)
