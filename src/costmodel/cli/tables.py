"""Tables of a flywheel run: its outputs by year, the opening balance, and history beside the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from costmodel.cli.rows import print_lines, show
from costmodel.flywheel.history import compare_with_history
from costmodel.flywheel.investment import Bound
from costmodel.flywheel.opening import opening_balance
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.engines import Engine
from costmodel.foundation.result_tables import SUMMARY_QUANTILES, written_rows
from costmodel.foundation.tables import UNIT, Table

if TYPE_CHECKING:
    from concurrent.futures import Executor


def yearly(trajectory: Trajectory, names: Sequence[str]) -> tuple[tuple[str, ...], Table]:
    """Return the yearly table of a run, and how each of its rows is written as an output."""
    written = tuple(text for name in names for text in written_rows(trajectory, name))
    return written, trajectory.table(*names)


def yearly_ensemble(
    median: Trajectory,
    names: Sequence[str],
    draws: int,
    seed: int | None,
    executor: Executor | None,
    on_progress: Callable[[int, int], None] | None,
    weighted: bool,
    engine: Engine,
) -> tuple[tuple[str, ...], Table]:
    """Run an ensemble and return its bands by year, with how each row is written as an output.

    Parameters
    ----------
    median
        The run at medians, which knows labels and units.
    names
        Outputs.
    draws, seed, executor, on_progress, engine
        See :func:`costmodel.run_ensemble`.
    weighted
        Whether bands weighted by the fit to history are added to the notes.
    """
    from costmodel.analysis.ensemble import run_ensemble
    from costmodel.flywheel.shares import BOUND_OUTPUTS, bound_shares

    scenario = median.scenario
    written, table = yearly(median, names)
    outputs = [*(f"{text}@*" for text in written), "loop_gain", "runaway", *BOUND_OUTPUTS]
    result = run_ensemble(
        scenario, draws=draws, rng=seed, outputs=outputs, executor=executor, on_progress=on_progress, engine=engine
    )
    years = scenario.grid.years
    rows = []
    for text, row in zip(written, table.rows, strict=True):
        bands = [tuple(float(value) for value in result.bands(f"{text}@{year}", SUMMARY_QUANTILES)) for year in years]
        rows.append((*row[:2], *bands))
    notes = [f"{result.draws} draws, seed {result.design.seed}: 5 / 50 / 95 %", *bound_shares(result, years)]
    if weighted:
        from costmodel.analysis.weights import weighted_note

        notes += weighted_note(scenario, draws, seed)
    return written, replace(table, rows=tuple(rows), notes=tuple(notes), ranks=SUMMARY_QUANTILES)


def as_json(written: Sequence[str], table: Table, median: Trajectory) -> dict[str, Any]:
    """Return a yearly table with its history as plain tables, figures in canonical units."""
    rows = [
        {"output": text, "label": row[0], "unit": row[1], "values": list(row[2:])}
        for text, row in zip(written, table.rows, strict=True)
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
    years = list(median.scenario.grid.years)
    bounds = dict(zip(map(str, years), bounds_by_year(median), strict=True))
    return {
        "scenario": median.scenario.name, "version": median.version, "years": years, "rows": rows,
        "bound": bounds, "loop_gain": float(np.max(median.loop_gain)), "history": history,
        "misses": list(median.scenario.misses), "notes": list(table.notes),
        "opening_balance": [
            {"use": line.use, "accelerators": line.accelerators, "share": line.share, "grade": line.grade.value}
            for line in opening_balance(median)
        ],
    }  # fmt: skip


def bounds_by_year(trajectory: Trajectory) -> list[str]:
    """Return the name of what held capex in most steps of each year."""
    names = []
    for year in trajectory.scenario.grid.years:
        codes = np.asarray(trajectory.bound_held[trajectory.scenario.grid.year_steps(year)]).astype(int)
        names.append(Bound(int(np.bincount(codes.ravel()).argmax())).name.lower().replace("_", " "))
    return names


def print_run(table: Table, median: Trajectory, *, whole: bool = True) -> None:
    """Print a yearly table; whole, also what held capex, the loop gain, the opening balance and history."""
    if not whole:
        show(table)
        return
    scenario = median.scenario
    held = ("capex limited by", "", *bounds_by_year(median))
    gain = float(np.max(median.loop_gain))
    notes = [f"loop gain {gain:.3f} (1 or more would run away)", *table.notes]
    notes += [f"not modelled: {text}" for text in scenario.not_modelled]
    show(replace(table, rows=(*table.rows, held), notes=tuple(notes)))
    balance = tuple((line.use, line.accelerators, line.share, line.grade.value) for line in opening_balance(median))
    title = f"opening balance, {scenario.time.start}"
    show(Table(("use", "H100e", "share", "grade"), balance, title))
    show(history_table(median))
    print_lines([f"known miss: {text}" for text in scenario.misses])


def history_table(median: Trajectory) -> Table:
    """Return reported figures beside the model's, each with its error, evidence, and whether it was fitted to."""
    rows = []
    for item in compare_with_history(median):
        row = item.observation
        said = row.output.replace("_", " "), row.unit, row.date, row.value, float(item.model)
        rows.append((*said, f"{float(item.error):+.1%}", item.grade.value, "yes" if row.used_in_fit else "no"))
    heads = ("output", UNIT, "at", "figure", "model", "error", "grade", "fit")
    return Table(heads, tuple(rows), "history: the known figure, and the model's")
