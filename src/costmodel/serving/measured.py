"""Import of measured throughput: rows of a benchmark that replace the model or calibrate it.

The table's columns, each row one configuration under steady load:

========================  ======================================================  =========
column                    meaning                                                 unit
========================  ======================================================  =========
``accelerator``           what it ran on                                          text
``accelerators``          accelerators of the configuration                       1
``concurrency``           requests in the system                                  1
``input_tokens``          mean input of a request                                 token
``output_tokens``         mean output of a request                                token
``tokens_per_second``     input and output tokens per accelerator                 token/s
``user_speed``            output tokens per second of one user                    token/s
``time_to_first_token``   mean or median, as the source has it; may be empty      s
========================  ======================================================  =========

Further columns are ignored; :data:`INFERENCEX` and :data:`AICONFIGURATOR` name those two tools'
columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, readonly
from costmodel.foundation.errors import DomainError, error_line, near_matches
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import needed_number, number_from
from costmodel.serving.cost import cost_per_token
from costmodel.serving.frontier import pareto_front

COLUMNS = (
    "accelerator",
    "accelerators",
    "concurrency",
    "input_tokens",
    "output_tokens",
    "tokens_per_second",
    "user_speed",
    "time_to_first_token",
)
"""Columns of a throughput table."""
OPTIONAL = frozenset({"time_to_first_token"})
"""Columns that may be missing or empty."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """A table of measured throughput; arrays of shape (row,), read-only.

    Parameters
    ----------
    accelerator
        Accelerator of each row.
    accelerators, concurrency, input_tokens, output_tokens, tokens_per_second, user_speed, time_to_first_token
        Columns as this module's table describes them.
    """

    accelerator: tuple[str, ...]
    accelerators: FloatArray
    concurrency: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray
    tokens_per_second: FloatArray
    user_speed: FloatArray
    time_to_first_token: FloatArray

    def __len__(self) -> int:
        return len(self.accelerator)

    def of(self, accelerator: str) -> Measured:
        """Return the rows of one accelerator.

        Raises
        ------
        DomainError
            If there is none; near matches are in the message.
        """
        keep = [index for index, name in enumerate(self.accelerator) if name == accelerator]
        if not keep:
            known = sorted(set(self.accelerator))
            hint = near_matches(accelerator, known)
            raise DomainError(f"no measured row for {accelerator!r}: there are {', '.join(known)}{hint}")
        columns = [getattr(self, name)[keep] for name in COLUMNS[1:]]
        return Measured(tuple(accelerator for _ in keep), *columns)

    def front(self) -> Measured:
        """Return the rows that no other beats on both user speed and throughput, slowest user first."""
        keep = pareto_front(self.user_speed, -self.tokens_per_second)
        columns = [getattr(self, name)[keep] for name in COLUMNS[1:]]
        return Measured(tuple(self.accelerator[index] for index in keep), *columns)

    def throughput_at(self, user_speed: Numeric) -> Numeric:
        """Return tokens per second per accelerator at a user speed, along the measured front.

        Parameters
        ----------
        user_speed
            Output tokens per second of one user, > 0 [token/s], any shape.

        Returns
        -------
        float or array
            Throughput, log-linear between measured points and that of the slowest point below them; NaN where
            nothing measured is as fast [token/s].
        """
        return throughput_on_front(self.user_speed, self.tokens_per_second, user_speed)

    def cost_at(self, user_speed: Numeric, hour_price: Numeric, utilisation: Numeric = 1.0) -> Numeric:
        """Return the cost per token of input and output at a user speed [USD/token].

        Parameters
        ----------
        user_speed
            Output tokens per second of one user, > 0 [token/s].
        hour_price
            Price of one accelerator-hour, >= 0 [USD/hour].
        utilisation
            Share of paid hours that are busy, 0 < u <= 1 [1].
        """
        return cost_per_token(hour_price, self.throughput_at(user_speed), utilisation)


def throughput_on_front(speeds: FloatArray, rates: FloatArray, user_speed: Numeric) -> Numeric:
    """Return throughput at a user speed along the Pareto front of measured points.

    Parameters
    ----------
    speeds, rates
        Measured user speeds and throughputs, > 0 [token/s], shape (row,).
    user_speed
        Wanted speed, > 0 [token/s], any shape.

    Returns
    -------
    float or array
        Throughput, log-linear between points; NaN beyond the fastest [token/s].

    Examples
    --------
    >>> round(float(throughput_on_front(np.array([10.0, 40.0]), np.array([4000.0, 1000.0]), 20.0)))
    2000
    """
    front = pareto_front(speeds, -rates)
    wanted = np.asarray(user_speed, dtype=np.float64)
    value = np.exp(np.interp(np.log(wanted), np.log(speeds[front]), np.log(rates[front])))
    return np.where(wanted > speeds[front][-1] * (1.0 + 1e-12), np.nan, value)[()]


def read_measured(rows: str | Path | Iterable[Row], layout: Callable[[Row], Row] | None = None) -> Measured:
    """Read a throughput table.

    Parameters
    ----------
    rows
        A CSV file's path, its text, or rows as mappings.
    layout
        Turns a row of another tool into this module's columns, as :func:`inferencex_row` does; absent: the
        columns are already so.

    Raises
    ------
    DomainError
        If a column is missing, or a figure is not a finite number above 0; row and column are named.

    Examples
    --------
    >>> row = {"accelerator": "H100-SXM", "accelerators": 2, "concurrency": 64, "input_tokens": 8192,
    ...        "output_tokens": 1024, "tokens_per_second": 2568, "user_speed": 20}
    >>> table = read_measured([row])
    >>> len(table), round(float(table.throughput_at(20.0)))
    (1, 2568)
    """
    if isinstance(rows, Path) or (isinstance(rows, str) and "\n" not in rows):
        rows = read_text(rows, refused=DomainError)
    if isinstance(rows, str):
        rows = csv_rows(rows, "throughput table", DomainError)
    table = [row if layout is None else _laid_out(row, layout, number) for number, row in enumerate(rows, start=1)]
    if not table:
        raise DomainError("a throughput table needs at least one row")
    values: dict[str, list[float]] = {name: [] for name in COLUMNS[1:]}
    names = []
    for number, row in enumerate(table, start=1):
        names.append(str(_cell(row, "accelerator", number)))
        for column, cells in values.items():
            cells.append(_number(row, column, number))
    return Measured(tuple(names), *(readonly(values[name]) for name in COLUMNS[1:]))


def _laid_out(row: Row, layout: Callable[[Row], Row], number: int) -> Row:
    """Turn one row of another tool into this module's columns; the error names a row that cannot be read."""
    try:
        return layout(row)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise DomainError(f"throughput table, row {number}: cannot be read: {error_line(error)}") from None


def inferencex_row(row: Row) -> Row:
    """Turn a row of InferenceX output into this module's columns.

    Takes ``hw``, ``tp`` (or ``num_gpus``), ``conc``, ``isl``, ``osl``, ``tput_per_gpu``, ``median_intvty`` (or
    ``median_tpot`` in seconds) and ``median_ttft`` in seconds.
    """
    speed = row.get("median_intvty") or _inverse(row, "median_tpot", 1.0)
    return {
        "accelerator": row.get("hw"),
        "accelerators": row.get("num_gpus") or row.get("tp"),
        "concurrency": row.get("conc"),
        "input_tokens": row.get("isl"),
        "output_tokens": row.get("osl"),
        "tokens_per_second": row.get("tput_per_gpu"),
        "user_speed": speed,
        "time_to_first_token": row.get("median_ttft"),
    }


def aiconfigurator_row(row: Row) -> Row:
    """Turn a row of an aiconfigurator table into this module's columns.

    Takes ``system``, ``num_total_gpus`` (or ``tp`` · ``pp`` · ``dp``), ``concurrency``, ``isl``, ``osl``,
    ``tokens/s/gpu`` (output tokens, to which the input that came with them is added), ``tokens/s/user`` and
    ``ttft`` in milliseconds. These rows are that tool's model, not a measurement.
    """
    lengths = [needed_number(row.get(key), key, least=0.0, above=True) for key in ("isl", "osl")]
    copies = [number_from(row.get(key) or 1.0) for key in ("tp", "pp", "dp")]
    output, first = needed_number(row.get("tokens/s/gpu"), "tokens/s/gpu"), row.get("ttft")
    return {
        "accelerator": row.get("system") or row.get("(d)system"),
        "accelerators": row.get("num_total_gpus") or math.prod(copies),
        "concurrency": row.get("concurrency"),
        "input_tokens": lengths[0],
        "output_tokens": lengths[1],
        "tokens_per_second": output * (lengths[0] + lengths[1]) / lengths[1],
        "user_speed": row.get("tokens/s/user"),
        "time_to_first_token": needed_number(first, "ttft") / 1e3 if first not in (None, "") else None,
    }


def _inverse(row: Row, column: str, scale: float) -> float | None:
    """Return ``scale`` over a cell, or nothing where it is empty."""
    cell = row.get(column)
    return scale / needed_number(cell, column, least=0.0, above=True) if cell not in (None, "") else None


def _cell(row: Row, column: str, number: int) -> Any:
    cell = row.get(column)
    if cell is None or cell == "":
        raise DomainError(
            f"throughput table, row {number}: column {column!r} is missing or empty; the columns are "
            f"{', '.join(COLUMNS)}"
        )
    return cell


def _number(row: Row, column: str, number: int) -> float:
    """Return a cell as a finite number above 0; NaN where an optional one is empty."""
    if column in OPTIONAL and row.get(column) in (None, ""):
        return math.nan
    cell = _cell(row, column, number)
    return needed_number(cell, f"throughput table, row {number}: {column}", least=0.0, above=True)
