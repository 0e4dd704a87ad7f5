"""``costmodel calibrate``: fit an engine to your own benchmark and write a deployment with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.arguments import Changes
from costmodel.cli.common import check_writable, print_json, scenario_with, write_whole
from costmodel.cli.rows import show
from costmodel.foundation.errors import DomainError
from costmodel.foundation.tables import Table


def calibrate_command(
    name: Annotated[str, typer.Argument(help="A deployment: a built-in scenario or the path of a TOML file.")],
    rows: Annotated[
        list[Path],
        typer.Argument(help="Benchmark files: CSV, JSON or JSON lines.", exists=True, dir_okay=False),
    ],
    engine: Annotated[
        str, typer.Option(help="Engine whose profile the fit starts from and is shrunk towards.")
    ] = "pooled",
    accelerators: Annotated[
        int | None, typer.Option(min=1, help="Accelerators that served the benchmark, if the files do not say.")
    ] = None,
    waves: Annotated[
        float | None, typer.Option(min=1.0, help="Requests of a run over its concurrency (default: a long run).")
    ] = None,
    set_: Changes = None,
    out: Annotated[Path | None, typer.Option(help="Write the deployment with the calibrated engine (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Fit a deployment's engine to measured rows of its model and accelerator."""
    from costmodel.formats.benchmarks import read_benchmark
    from costmodel.serving import Deployment, calibrate, engine_names
    from costmodel.serving.calibration import FACTORS
    from costmodel.serving.model import configuration

    scenario = scenario_with(name, set_)
    if not isinstance(scenario, Deployment):
        raise DomainError(f"{name} is a scenario of {scenario.model!r}: calibrate needs a deployment")
    if engine not in engine_names():
        raise DomainError(f"no profile of the engine {engine!r}: there are {', '.join(engine_names())}")
    if out is not None:
        check_writable(out)
    measured = read_benchmark(*rows, accelerators=accelerators, accelerator=scenario.accelerator)
    resolved = scenario.resolve()
    what = configuration(resolved)
    options: dict[str, Any] = {
        "variation_input": resolved.workload.variation_input,
        "variation_output": resolved.workload.variation_output,
        **({} if waves is None else {"waves": waves}),
    }
    found = calibrate(measured, what, engine=engine, mode=scenario.mode, **options)
    table = []
    for factor in FACTORS:
        low, value, high = found.interval(factor)
        table.append(
            {"factor": factor, "10 %": low, "value": value, "90 %": high, "profile": getattr(found.prior, factor)}
        )
    calibrated = scenario.replace({f"engine.{key}": value for key, value in found.written().items()})
    if out is not None:
        write_whole(out, partial(_write, calibrated.to_toml()))
    if as_json:
        print_json({"rows": found.rows, "error": found.error, "factors": table, "engine": found.written()})
        return
    notes = [f"held-back error: every fourth row, predicted from the others, is off by {found.error:.1%} at the median"]
    notes += [] if out is None else [f"written to {out}"]
    show(Table.of(table, f"{found.rows} rows, shrunk towards the profile of {found.prior.name}", notes=notes))


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
