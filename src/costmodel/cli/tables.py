"""Tables of a run: by year, with history beside the model; on the screen, as JSON and as files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from costmodel.analysis.targets import Selector
from costmodel.flywheel.growth import loop_gain
from costmodel.flywheel.history import compare_with_history
from costmodel.flywheel.investment import Bound
from costmodel.flywheel.opening import opening_balance
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.errors import missing_extra
from costmodel.foundation.results import Result

WIDTH = 130
"""Columns of a table where the output is not a terminal [1]."""
LABEL_ROOM = 42
"""Columns kept for a row's name and unit [1]."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the yearly table: what it reads, and in which unit it is shown."""

    label: str
    output: str
    unit: str
    scale: float


ROWS = (
    Row("unit cost, constant quality", "fixed_weight_unit_cost", "USD/Mtoken", 1e6),
    Row("unit cost, as served", "average_unit_cost", "USD/Mtoken", 1e6),
    Row("list price, as served", "average_price", "USD/Mtoken", 1e6),
    Row("tokens served", "tokens", "Ttoken", 1e-12),
    Row("accelerators in service", "accelerators_in_service", "M H100e", 1e-6),
    Row("facility power in service", "facility_power", "GW", 1e-9),
    Row("utilisation", "utilisation", "%", 100.0),
    Row("rental price", "rental_price", "USD/H100e-hour", 1.0),
    Row("capex", "capex", "G USD", 1e-9),
    Row("depreciation", "depreciation", "G USD", 1e-9),
    Row("training cost", "training_cost", "G USD", 1e-9),
    Row("inference cost", "inference_cost", "G USD", 1e-9),
    Row("training share of cost", "training_share_of_cost", "%", 100.0),
    Row("training share of compute", "training_share_of_compute", "%", 100.0),
    Row("user spend", "user_spend", "G USD", 1e-9),
    Row("operator cost", "operator_cost", "G USD", 1e-9),
    Row("operating margin", "operating_margin", "%", 100.0),
)
SHOWN_UNITS = {
    "token/month": ("Ttoken/month", 1e-12),
    "USD": ("G USD", 1e-9),
    "USD/year": ("G USD/year", 1e-9),
}
"""Units of observations as the table of history shows them, with the factor."""
HISTORY_COLUMNS = ("at", "figure", "model", "error", "grade", "fit")
"""Columns of the table of history behind the output's name; ``fit`` says whether the scenario was fitted to it."""
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class YearTable:
    """Values by row and year; ``values`` is ``(row, year)``, or ``(row, year, quantile)`` for an ensemble."""

    rows: tuple[Row, ...]
    years: tuple[int, ...]
    values: Any
    notes: tuple[str, ...] = ()

    @classmethod
    def of_ensemble(
        cls,
        scenario: Any,
        draws: int,
        seed: int | None,
        executor: Executor | None,
        on_progress: Callable[[int, int], None] | None,
        weighted: bool,
    ) -> YearTable:
        """Run an ensemble and collect its bands."""
        from costmodel.analysis.ensemble import run_ensemble
        from costmodel.flywheel.shares import BOUND_OUTPUTS, bound_shares

        outputs = [f"{row.output}@*" for row in ROWS]
        result = run_ensemble(
            scenario,
            draws=draws,
            rng=seed,
            outputs=[*outputs, "loop_gain", "runaway", *BOUND_OUTPUTS],
            executor=executor,
            on_progress=on_progress,
        )
        years = scenario.grid.years
        bands = np.array([[result.bands(f"{row.output}@{year}", QUANTILES) for year in years] for row in ROWS])
        scales = np.array([row.scale for row in ROWS])[:, None, None]
        notes = [f"{result.draws} draws, seed {result.design.seed}; columns hold 5 / 50 / 95 %"]
        notes += bound_shares(result, scenario.grid.years)
        if weighted:
            from costmodel.analysis.weights import weighted_note

            notes += weighted_note(scenario, draws, seed)
        return cls(ROWS, years, bands * scales, tuple(notes))

    @classmethod
    def of_outputs(cls, result: Result) -> YearTable:
        """Collect the scalar outputs of a model without years, as one column."""
        rows, values = [], []
        for name, row in result.summary().items():
            keys = [f"p{100 * q:g}" for q in QUANTILES]
            value = np.array([row[key] for key in keys]) if "p50" in row else np.asarray(row["value"])
            if value.ndim == ("p50" in row) and value.dtype.kind in "fiu":
                rows.append(Row(row["label"], name, row["unit"], 1.0))
                values.append([value])
        return cls(tuple(rows), (0,), np.array(values))

    def as_json(self, median: Trajectory) -> dict[str, Any]:
        """Return the table with its history as plain tables."""
        rows = [
            {"output": row.output, "label": row.label, "unit": row.unit, "values": self.values[i].tolist()}
            for i, row in enumerate(self.rows)
        ]
        history = [
            {
                "output": item.observation.output,
                "date": item.observation.date,
                "unit": item.observation.unit,
                "reported": item.observation.value,
                "model": float(item.model),
                "error": float(item.error),
                "grade": item.grade.value,
                "used_in_fit": item.observation.used_in_fit,
                "source": item.observation.source,
            }
            for item in compare_with_history(median)
        ]
        years = [str(year) for year in self.years]
        bounds = dict(zip(years, bounds_by_year(median), strict=True))
        gain = float(np.max(median.loop_gain))
        return {
            "scenario": median.scenario.name, "version": median.version, "years": list(self.years), "rows": rows,
            "bound": bounds, "loop_gain": gain, "history": history, "misses": list(median.scenario.misses),
            "notes": list(self.notes),
            "opening_balance": [
                {"use": line.use, "accelerators": line.accelerators, "share": line.share, "grade": line.grade.value}
                for line in opening_balance(median)
            ],
        }  # fmt: skip


def table_of(trajectory: Trajectory) -> YearTable:
    """Return the yearly table of one run."""
    values = [
        [row.scale * float(value[0]) for value in Selector.parse(f"{row.output}@*").select(trajectory, 1)[1]]
        for row in ROWS
    ]
    return YearTable(ROWS, trajectory.scenario.grid.years, np.array(values))


def bounds_by_year(trajectory: Trajectory) -> list[str]:
    """Return the name of what held capex in most steps of each year."""
    names = []
    for year in trajectory.scenario.grid.years:
        codes = np.asarray(trajectory.bound_held[trajectory.scenario.grid.year_steps(year)]).astype(int)
        names.append(Bound(int(np.bincount(codes.ravel()).argmax())).name.lower().replace("_", " "))
    return names


def text_of(value: Any) -> str:
    """Return a figure to four digits, or several with a stroke between them."""
    if np.ndim(value) == 0:
        if np.isnan(value):
            return "–"
        size = abs(float(value))
        return f"{float(value):{',.4g' if size < 1e4 else ',.0f' if size < 1e6 else '.3g'}}"
    return " / ".join(text_of(item) for item in value)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def year_groups(cells: Sequence[Sequence[str]], width: int, room: int = LABEL_ROOM) -> list[range]:
    """Return which columns stand together so that no figure is cut, at least one at a time.

    ``room`` is what the names of the rows take of the width.

    Examples
    --------
    >>> cells = [["123456789"] * 8]
    >>> year_groups(cells, 138), year_groups(cells, 80)
    ([range(0, 8)], [range(0, 3), range(3, 6), range(6, 8)])
    """
    groups, first, taken = [], 0, room
    for j, column in enumerate(zip(*cells, strict=True)):
        needed = max(4, *(len(cell) for cell in column)) + 3
        if j > first and taken + needed > width:
            groups.append(range(first, j))
            first, taken = j, room
        taken += needed
    return [*groups, range(first, len(cells[0]))]


def print_table(table: YearTable, scenario: Any, median: Trajectory) -> None:
    """Print the yearly table with what held capex and the loop gain; years that do not fit go below."""
    console = _console()
    if np.ndim(table.values) == 3 and not console.is_terminal:
        console = Console(width=max(WIDTH, 60 + 28 * len(table.years)))
    cells = [[text_of(value) for value in values] for values in table.values]
    cells.append(bounds_by_year(median))
    names = [(row.label, row.unit) for row in table.rows] + [("capex held by", "")]
    title = scenario.title or scenario.name
    for years in year_groups(cells, console.width):
        head = [Column("", max_width=LABEL_ROOM - 21), Column("unit", no_wrap=True)]
        shown = Table(*head, *(str(table.years[j]) for j in years), title=title)
        for name, row in zip(names, cells, strict=True):
            shown.add_row(*name, *(row[j] for j in years))
        console.print(shown)
    gain = float(np.max(loop_gain(scenario.resolve())))
    lines = [f"loop gain {gain:.3f} (1 or more would run away)", *table.notes]
    lines += [f"not modelled: {text}" for text in scenario.not_modelled]
    for line in lines:
        console.print(line, highlight=False, markup=False)


def shown_unit(output: str, unit: str) -> tuple[str, float]:
    """Return the unit that an observed output is shown in, and how many of it make one of its own.

    Examples
    --------
    >>> shown_unit("capex", "USD"), shown_unit("training_share_of_compute", "1"), shown_unit("cash", "EUR")
    (('G USD', 1e-09), ('%', 100.0), ('EUR', 1.0))
    """
    if output == "accelerators_shipped":
        return "M H100e", 1e-6
    for row in ROWS:
        if row.output == output and unit in ("1", "USD/hour"):
            return row.unit, row.scale
    return SHOWN_UNITS.get(unit, (unit, 1.0))


def print_history(median: Trajectory) -> None:
    """Print the opening balance, reported figures beside the model's, and the known misses."""
    compared = compare_with_history(median)
    console = _console()
    balance = Table("use", "H100e", "share", "grade", title=f"opening balance, {median.scenario.time.start}")
    for line in opening_balance(median):
        balance.add_row(line.use, f"{line.accelerators:,.0f}", f"{line.share:.1%}", line.grade.value)
    console.print(balance)
    if compared:
        head = [Column("output, unit", max_width=20), *(Column(name, no_wrap=True) for name in HISTORY_COLUMNS)]
        shown = Table(*head, title="history: the known figure, and the model's", box=SIMPLE, pad_edge=False)
        said = ""
        for item in compared:
            row = item.observation
            unit, scale = shown_unit(row.output, row.unit)
            name = f"{row.output.replace('_', ' ')}, {unit}"
            figures = (text_of(scale * row.value), text_of(scale * float(item.model)), f"{float(item.error):+.1%}")
            fitted = "yes" if row.used_in_fit else "no"
            shown.add_row(name if name != said else "", row.date, *figures, item.grade.value, fitted)
            said = name
        console.print(shown)
    for text in median.scenario.misses:
        console.print(f"known miss: {text}", highlight=False, markup=False)


def write_table(path: Path, table: YearTable) -> None:
    """Write a table as CSV, Parquet (extra ``parquet``) or netCDF (extra ``frames``)."""
    records = [
        {"year": year, "output": row.output, "unit": row.unit, **_cells(table.values[i][j])}
        for i, row in enumerate(table.rows)
        for j, year in enumerate(table.years)
    ]
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        return
    try:
        import pandas
    except ImportError:
        raise missing_extra("frames" if path.suffix == ".nc" else "parquet", f"writing {path.suffix}") from None
    frame = pandas.DataFrame(records)
    if path.suffix == ".parquet":
        try:
            frame.to_parquet(path, engine="pyarrow")
        except ImportError:
            raise missing_extra("parquet", "writing .parquet") from None
        return
    try:
        frame.set_index(["output", "year"]).to_xarray().to_netcdf(path, engine="h5netcdf")
    except (ImportError, ValueError):
        raise missing_extra("frames", "writing .nc") from None


def _cells(value: Any) -> dict[str, float]:
    if np.ndim(value) == 0:
        return {"value": float(value)}
    return {f"p{100 * q:g}": float(v) for q, v in zip(QUANTILES, value, strict=True)}
