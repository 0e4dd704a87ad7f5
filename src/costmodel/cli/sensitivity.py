"""``costmodel sensitivity``: which assumption carries an output."""

from __future__ import annotations

import warnings
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from costmodel.cli.arguments import Changes, Name
from costmodel.cli.common import print_json, progress, scenario_with
from costmodel.cli.rows import output_units, parameter_units, show, with_units
from costmodel.foundation.errors import InteractionWarning
from costmodel.foundation.tables import Table

TOP = 12
"""Rows shown without ``--all`` [1]."""
REPLICATES = 8
"""Independent samples that the base points are divided among [1]."""


class Method(StrEnum):
    """What is computed."""

    TORNADO = "tornado"
    SOBOL = "sobol"
    MORRIS = "morris"
    GIVEN_DATA = "given-data"
    ELASTICITY = "elasticity"
    EVIDENCE = "evidence"


def sensitivity_command(
    name: Name,
    output: Annotated[list[str], typer.Option(help="What is asked, as user_spend@2030; repeatable.")],
    method: Annotated[
        list[Method] | None, typer.Option(help="Repeatable; by default tornado, Sobol' indices and evidence.")
    ] = None,
    set_: Changes = None,
    base_points: Annotated[int, typer.Option(min=64, help="Base points of Sobol' indices, a power of two.")] = 1024,
    draws: Annotated[int, typer.Option(min=64, help="Draws of the tornado's first-order indices.")] = 4096,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    show_all: Annotated[bool, typer.Option("--all", help="Show every input.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show which inputs carry an output: swings, indices, and how much rests on what nobody has measured."""
    scenario = scenario_with(name, set_)
    tied = bool(scenario.rank_correlations())
    chosen = method or [Method.TORNADO, Method.GIVEN_DATA if tied else Method.SOBOL, Method.EVIDENCE]
    found: dict[str, dict[str, Table]] = {}
    for one in chosen:
        with progress(one.value) as bar:
            found[one.value] = _study(one, scenario, output, base_points, draws, seed, bar)
    if as_json:
        forms = {
            kind: {label: [table.records(), list(table.notes)] for label, table in by_output.items()}
            for kind, by_output in found.items()
        }
        print_json({"scenario": scenario.name, "seed": seed, **forms})
        return
    for kind, by_output in found.items():
        for label, table in by_output.items():
            show(replace(table, title=f"{kind}: {label}"), limit=None if show_all else TOP)


def _study(
    method: Method, scenario: Any, outputs: list[str], base_points: int, draws: int, seed: int, bar: Any
) -> dict[str, Table]:
    """Run one method; return a table by output."""
    if method is Method.TORNADO:
        return _tornado(scenario, outputs, draws, seed)
    if method is Method.EVIDENCE:
        return _evidence(scenario, outputs, base_points, seed, bar)
    from costmodel.analysis import sensitivity as studies
    from costmodel.analysis.one_at_a_time import elasticities

    if method is Method.SOBOL:
        study = studies.sobol_study(
            scenario, outputs, base_points=base_points, replicates=REPLICATES, rng=seed, on_progress=bar
        )
        remarks = (
            f"sum of first-order indices {study.first_sum[k]:.2f} "
            f"({study.first_sum_interval[0, k]:.2f} to {study.first_sum_interval[1, k]:.2f}); {study.runs} runs"
            for k in range(len(study.outputs))
        )
        return {
            label: replace(study.table(label), notes=(said,))
            for label, said in zip(study.outputs, remarks, strict=True)
        }
    if method is Method.MORRIS:
        effects = studies.morris_study(scenario, outputs, rng=seed, on_progress=bar)
        return {label: replace(effects.table(label), notes=(f"{effects.runs} runs",)) for label in effects.outputs}
    if method is Method.GIVEN_DATA:
        indices, ranks = studies.given_data_study(scenario, outputs, draws=draws, rng=seed, on_progress=bar)
        note = f"{indices.draws} draws in {indices.bins} bins; correlated inputs share what they have in common"
        return {label: _joined(indices.table(label), ranks.table(label), note) for label in indices.outputs}
    found = elasticities(scenario, outputs)
    note = "per cent per per cent, at the medians"
    return {label: replace(found.table(label), notes=(note,)) for label in found.outputs}


def _joined(indices: Table, ranks: Table, note: str) -> Table:
    by_input = {row["input"]: row for row in ranks.records()}
    return Table.of(({**row, **by_input[row["input"]]} for row in indices.records()), notes=(note,))


def _tornado(scenario: Any, outputs: list[str], draws: int, seed: int) -> dict[str, Table]:
    from costmodel.analysis.one_at_a_time import tornado

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InteractionWarning)  # said below the table instead
        swings = tornado(scenario, outputs, draws=draws, rng=seed)
    units, own = output_units(scenario, swings.outputs), parameter_units(scenario)
    found = {}
    for k, label in enumerate(swings.outputs):
        lines = [
            f"from the {swings.ranks[0]:.0%} to the {swings.ranks[1]:.0%} quantile of the input, in its unit; "
            f"at medians {swings.base[k]:.6g}"
        ]
        if swings.first_order is not None:
            lines.append(f"sum of first-order indices {swings.first_order.first_sum[k]:.2f}")
        warning = swings.warning(label)
        lines += [f"warning: {warning}"] if warning else []
        if swings.correlated:
            lines.append(f"correlated, which a swing of one input ignores: {', '.join(swings.correlated)}")
        rows = (
            {"input": row["input"], "unit": own.get(str(row["input"]), ""), **row}
            for row in swings.table(label).records()
        )
        table = Table.of(rows, notes=lines)
        found[label] = with_units(table, dict.fromkeys(("low", "high", "swing"), units[label]) | {"first": "1"})
    return found


def _evidence(scenario: Any, outputs: list[str], base_points: int, seed: int, bar: Any) -> dict[str, Table]:
    from costmodel.analysis.evidence import evidence_shares, unmeasured_share_text

    shares = evidence_shares(scenario, outputs, base_points=max(base_points, 1024), rng=seed, on_progress=bar)
    found = {}
    for label in shares.by_grade.outputs:
        lines = [unmeasured_share_text(shares, label)]
        if shares.moved:
            lines.append(f"counted with a weaker input that they are correlated with: {', '.join(shares.moved)}")
        found[label] = replace(shares.table(label), notes=tuple(lines))
    return found
