"""``costmodel sandbox``: what a sandbox takes to start on this machine, and what that makes of an agent's task."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import check_writable, print_json, scenario_with, write_whole
from costmodel.foundation.errors import ScenarioError


def sandbox_command(
    name: Annotated[str, typer.Argument(help="An agent's task (costmodel list) or the path of a TOML file.")] = (
        "agent-task"
    ),
    runs: Annotated[int, typer.Option(help="Starts of each kind.")] = 20,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the task with the start of --kind measured here, as TOML.")
    ] = None,
    kind: Annotated[str, typer.Option(help="Kind of sandbox that -o writes, by its first letters.")] = "Monty",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how long sandboxes take to start here, beside published figures, and run an agent's task with each."""
    from costmodel.studies.sandbox_start import measure_starts, with_start

    task = scenario_with(name, None)
    if task.model != "agent_task":
        raise ScenarioError(f"{name} is a {task.model}: an agent_task is needed")
    if out is not None:
        check_writable(out)
    starts = measure_starts(runs)
    chosen = [start for start in starts if start.kind.lower().startswith(kind.lower())]
    if not chosen:
        raise ScenarioError(f"--kind {kind!r}: kinds are {', '.join(start.kind for start in starts)}")
    text = None if out is None else with_start(task, chosen[0]).to_toml()
    rows = [_row(task, start) for start in starts]
    if as_json:
        print_json({"task": task.name, "starts": [{**asdict(s), **r} for s, r in zip(starts, rows, strict=True)]})
    else:
        _print(task.name, starts, rows)
    if out is not None and text is not None:
        write_whole(out, lambda path: _write(path, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _row(task: Any, start: Any) -> dict[str, float | None]:
    """Return the published start of a kind [s], and cost [USD] and share of time of a task with the measured one."""
    from costmodel import catalog
    from costmodel.foundation.units import convert
    from costmodel.studies.sandbox_start import PUBLISHED, task_with

    row: dict[str, float | None] = {"published": None, "task_cost": None, "share_of_time": None}
    if start.kind in PUBLISHED:
        data = catalog.record("sandboxes", PUBLISHED[start.kind]).all("start")
        row["published"] = min(convert(item.number, item.unit, "s") for item in data)
    if not start.absent:
        done = task_with(task, start)
        row.update(task_cost=float(done.cost), share_of_time=float(done.start_up_time / done.duration))
    return row


def _print(name: str, starts: tuple[Any, ...], rows: list[dict[str, float | None]]) -> None:
    from costmodel.cli.rows import show
    from costmodel.foundation.tables import Table

    lines = []
    for start, row in zip(starts, rows, strict=True):
        there = not start.absent
        published = row["published"]
        lines.append(
            {
                "sandbox": start.kind,
                "start here [ms]": f"{start.median * 1e3:.3g}" if there else "–",
                "5 … 95 %": f"{start.low * 1e3:.3g} … {start.high * 1e3:.3g}" if there else "",
                "published [ms]": "" if published is None else f"{published * 1e3:.3g}",
                f"{name} [USD]": f"{row['task_cost']:.5f}" if there else "",
                "of its time": f"{row['share_of_time']:.3%}" if there else "",
            }
        )
    absent = [f"{start.kind}: {start.absent}" for start in starts if start.absent]
    show(Table.of(lines, notes=absent))
