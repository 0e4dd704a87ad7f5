"""Long tables of the integrated-assessment community (IAMC): a row for each variable, region and year.

**Written.** Columns ``model, scenario, region, variable, unit, year, value``, the long form that pyam reads
(``pyam.IamDataFrame(path)``). A variable is a path of names with vertical bars: the output's label, then the names
along its other axes; over draws a quantile, as ``User spend|95th Percentile``. Outputs without years cannot be written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.outputs import TIME_AXES, OutputSpec
from costmodel.foundation.results import SUMMARY_QUANTILES, Result

COLUMNS = ("model", "scenario", "region", "variable", "unit", "year", "value")
"""Columns of the long form."""


def write(result: Result, names: Sequence[str] = (), *, region: str = "World") -> str:
    """Return outputs by year as a long table in CSV.

    Parameters
    ----------
    result
        A result; over draws its 5, 50 and 95 % quantiles are written.
    names
        Outputs with years; all of them where empty.
    region
        Region of the figures.

    Returns
    -------
    str
        The table. A unit without a dimension is empty, as pyam has it; figures that are absent are left out.

    Raises
    ------
    ScenarioError
        If a name has no years, or no output has.
    UnknownParameterError
        If there is no such output.

    Examples
    --------
    >>> import costmodel
    >>> print(write(costmodel.run("bond-flywheel"), ["user_spend"])[:102])
    model,scenario,region,variable,unit,year,value
    costmodel 0.2.0,bond-flywheel,World,User spend,USD,2023
    """
    chosen = [result.spec(name) for name in names] or [s for s in result.outputs().values() if _timed(s)]
    untimed = [spec.name for spec in chosen if not _timed(spec)]
    if untimed:
        raise ScenarioError(f"{untimed[0]}: has no figures by year, so it cannot be in this table")
    if not chosen:
        raise ScenarioError(f"{result.scenario.name}: no output has years, so there is no table of this form")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    head = (f"costmodel {result.version}", result.scenario.name, region)
    for spec in chosen:
        unit = "" if spec.unit == "1" else spec.unit
        for variable, year, value in _rows(result, spec):
            writer.writerow((*head, variable, unit, year, repr(value)))
    return text.getvalue()


def _timed(spec: OutputSpec) -> bool:
    return sum(dim in TIME_AXES for dim in spec.dims) == 1 and spec.kind not in ("date", "code")


def _rows(result: Result, spec: OutputSpec) -> Iterator[tuple[str, int, float]]:
    """Yield variable, year and value of an output."""
    years, values = result.by_year(spec.name)
    dims = [dim for dim in spec.dims if dim not in TIME_AXES]
    labels = result.labels()
    start = spec.label[:1].upper() + spec.label[1:]
    drawn = values.ndim > 1 + len(dims)
    kept = values if result.left_out is None or not drawn else values[..., ~result.left_out]
    for index in np.ndindex(*values.shape[1 : 1 + len(dims)]):
        places = [str(labels[dim][i]) if dim in labels else str(i) for dim, i in zip(dims, index, strict=True)]
        variable = "|".join([start, *places])
        for year, row in zip(years, kept, strict=True):
            found = row[index]
            if not drawn:
                if np.isfinite(found):
                    yield variable, year, float(found)
                continue
            ranks = np.quantile(found, SUMMARY_QUANTILES, method="inverted_cdf")
            for rank, value in zip(SUMMARY_QUANTILES, ranks, strict=True):
                if np.isfinite(value):
                    yield f"{variable}|{100 * rank:g}th Percentile", year, float(value)
