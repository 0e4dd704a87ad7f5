"""Outputs of a model without a yearly table, on the screen or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Column, Table

from costmodel.cli.common import print_json
from costmodel.cli.rows import console
from costmodel.cli.tables import QUANTILES, text_of, year_groups
from costmodel.foundation.results import OutputSpec, Result
from costmodel.foundation.tables import shown_unit

HEAD = 18
"""Width at which the name of a column folds [1]."""
FIRST = 16
"""Columns kept for the labels of the rows [1]."""


def print_outputs(result: Result, as_json: bool, changes: Sequence[str] = ()) -> None:
    """Print every output of a result: single figures in one table, series in one table for each set of axes.

    Parameters
    ----------
    result
        What was computed; what its class puts first stands first, its remarks come last.
    as_json
        Whether to print JSON: codes then come with their words, remarks under ``remarks``.
    changes
        What was changed in the scenario, for the title.
    """
    summary = result.summary()
    if as_json:
        print_json(_plain(result, summary))
        return
    screen = console()
    banded = any("p50" in row for row in summary.values())
    title = ", ".join(filter(None, [result.scenario.title, "with " * bool(changes) + ", ".join(changes)])) or None
    shown = Table("output", "unit", "5 / 50 / 95 %" if banded else "value", "basis", title=title)
    series: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys([*result.first(), *summary]):
        row = summary[name]
        value, spec = _values(row), result.spec(name)
        dims, numeric = spec.dims, value.dtype.kind in "fiu"
        if dims and numeric:
            series.setdefault(dims, []).append(name)
        else:
            figure = _coded(spec, result[name]) if spec.words else text_of(value) if numeric else _words(value)
            shown.add_row(row["label"], _unit(row), figure, result.basis(name) or "")
    if shown.row_count:
        screen.print(shown)
    elif title:
        screen.print(title, highlight=False, markup=False)
    for dims, names in series.items():
        for table in _tables(result, dims, {name: summary[name] for name in names}, screen.width):
            screen.print(table)
    for remark in result.remarks:
        screen.print(remark, highlight=False, markup=False)


def _plain(result: Result, summary: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a summary as JSON holds it: a code with what it stands for, remarks as an entry of their own."""
    form: dict[str, Any] = {}
    for name, row in summary.items():
        form[name] = {key: np.asarray(value).tolist() for key, value in row.items()}
        spec = result.spec(name)
        if spec.words:
            form[name] |= {"meaning": _coded(spec, result[name]), "words": list(spec.words)}
    if result.remarks:
        form["remarks"] = {"unit": "1", "label": "what to know of these figures", "value": list(result.remarks)}
    return form


def _values(row: Mapping[str, Any]) -> Any:
    """Return an output's figures; over draws its quantiles, on a last axis."""
    if "p50" not in row:
        values = np.asarray(row["value"])
    else:
        values = np.stack([np.asarray(row[f"p{100 * q:g}"]) for q in QUANTILES], axis=-1)
    return values * shown_unit(row["unit"])[1] if _per_token(row) else values


def _unit(row: Mapping[str, Any]) -> str:
    """Return the unit that an output is shown in: prices and costs of tokens per million."""
    return shown_unit(row["unit"])[0] if _per_token(row) else str(row["unit"])


def _per_token(row: Mapping[str, Any]) -> bool:
    return str(row["unit"]).endswith("/token")


def _words(value: Any) -> str:
    """Return what is not a figure; over draws, in how many it holds."""
    if value.dtype.kind == "b" and value.ndim:
        return f"in {int(np.count_nonzero(value))} of {value.size}"
    return str(value)[:60]


def _coded(spec: OutputSpec, codes: Any) -> str:
    """Return the words of codes, the most frequent first."""
    found, counts = np.unique(np.asarray(codes, dtype=int), return_counts=True)
    return "; ".join(spec.words[found[i]] or "nothing" for i in np.argsort(-counts, kind="stable"))


def _tables(
    result: Result, dims: tuple[str, ...], rows: Mapping[str, Mapping[str, Any]], width: int
) -> Iterator[Table]:
    """Yield tables of the outputs with the same axes: the longest axis down, outputs and other axes across."""
    heads, columns, down = [], [], 0
    for name, row in rows.items():
        values = _values(row)
        down = int(np.argmax(values.shape[: len(dims)]))
        values = np.moveaxis(values, down, len(dims) - 1)
        across = dims[:down] + dims[down + 1 :]
        show = _date if result.spec(name).kind == "date" else text_of
        for index in np.ndindex(*values.shape[: len(dims) - 1]):
            places = [_label(result, dim, i) for dim, i in zip(across, index, strict=True)]
            heads.append(", ".join([row["label"], *places, _unit(row)]))
            columns.append([show(value) for value in values[index]])
    labels = [_label(result, dims[down], i) for i in range(len(columns[0]))]
    cells = [*zip(*columns, strict=True), tuple("-" * min(len(head), HEAD) for head in heads)]
    for chosen in year_groups(cells, width, FIRST):
        names = [Column(heads[j], max_width=max(HEAD, *(len(cell) for cell in columns[j]))) for j in chosen]
        table = Table(Column(dims[down], no_wrap=True), *names)
        for i, label in enumerate(labels):
            table.add_row(label, *(columns[j][i] for j in chosen))
        yield table


def _date(value: Any) -> str:
    """Return a date that is a number of years, or several."""
    return f"{float(value):.2f}" if np.ndim(value) == 0 else " / ".join(_date(item) for item in value)


def _label(result: Result, dim: str, index: int) -> str:
    """Return the label of a place on an axis: its name, its year, or its number."""
    labels = result.labels().get(dim, ())
    if index >= len(labels):
        return str(index)
    return f"{labels[index]:.6g}" if isinstance(labels[index], float) else str(labels[index])
