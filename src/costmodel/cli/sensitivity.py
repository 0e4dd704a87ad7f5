"""``costmodel sensitivity``: which assumption carries an output."""

from __future__ import annotations

import warnings
from enum import StrEnum
from typing import Annotated, Any

import typer

from costmodel.cli.common import print_json, progress, scenario_with
from costmodel.cli.rows import output_units, parameter_units, print_lines, print_rows
from costmodel.foundation.errors import InteractionWarning

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
    name: Annotated[str, typer.Argument(help="A built-in scenario (costmodel list) or the path of a TOML file.")],
    output: Annotated[list[str], typer.Option(help="What is asked, as user_spend@2030; repeatable.")],
    method: Annotated[
        list[Method] | None, typer.Option(help="Repeatable; by default tornado, Sobol' indices and evidence.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Replace a parameter; repeatable.")
    ] = None,
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
    found: dict[str, Any] = {}
    for one in chosen:
        with progress(one.value) as bar:
            found[one.value] = _study(one, scenario, output, base_points, draws, seed, bar)
    if as_json:
        print_json({"scenario": scenario.name, "seed": seed, **found})
        return
    for kind, by_output in found.items():
        for label, (rows, lines) in by_output.items():
            print_rows(f"{kind}: {label}", rows, limit=None if show_all else TOP)
            print_lines(lines)


def _study(
    method: Method, scenario: Any, outputs: list[str], base_points: int, draws: int, seed: int, bar: Any
) -> dict[str, tuple[list[dict[str, object]], list[str]]]:
    """Run one method; return rows and remarks by output."""
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
        remarks = {
            label: [
                f"sum of first-order indices {study.first_sum[k]:.2f} "
                f"({study.first_sum_interval[0, k]:.2f} to {study.first_sum_interval[1, k]:.2f}); {study.runs} runs"
            ]
            for k, label in enumerate(study.outputs)
        }
        return {label: (study.rows(label), remarks[label]) for label in study.outputs}
    if method is Method.MORRIS:
        effects = studies.morris_study(scenario, outputs, rng=seed, on_progress=bar)
        return {label: (effects.rows(label), [f"{effects.runs} runs"]) for label in effects.outputs}
    if method is Method.GIVEN_DATA:
        indices, ranks = studies.given_data_study(scenario, outputs, draws=draws, rng=seed, on_progress=bar)
        note = f"{indices.draws} draws in {indices.bins} bins; correlated inputs share what they have in common"
        return {label: (_joined(indices.rows(label), ranks.rows(label)), [note]) for label in indices.outputs}
    found = elasticities(scenario, outputs)
    return {label: (found.rows(label), ["per cent per per cent, at the medians"]) for label in found.outputs}


def _joined(indices: list[dict[str, object]], ranks: list[dict[str, object]]) -> list[dict[str, object]]:
    by_input = {row["input"]: row for row in ranks}
    return [{**row, **by_input[row["input"]]} for row in indices]


def _tornado(
    scenario: Any, outputs: list[str], draws: int, seed: int
) -> dict[str, tuple[list[dict[str, object]], list[str]]]:
    from costmodel.analysis.one_at_a_time import tornado

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InteractionWarning)  # said below the table instead
        swings = tornado(scenario, outputs, draws=draws, rng=seed)
    units, own = output_units(scenario, swings.outputs), parameter_units(scenario)
    found = {}
    for k, label in enumerate(swings.outputs):
        lines = [
            f"from the {swings.ranks[0]:.0%} to the {swings.ranks[1]:.0%} quantile of the input, in its unit; "
            f"low, high and swing in {units[label] or 'the unit of the output'}; at medians {swings.base[k]:.6g}"
        ]
        if swings.first_order is not None:
            lines.append(f"sum of first-order indices {swings.first_order.first_sum[k]:.2f}")
        warning = swings.warning(label)
        lines += [f"warning: {warning}"] if warning else []
        if swings.correlated:
            lines.append(f"correlated, which a swing of one input ignores: {', '.join(swings.correlated)}")
        rows = [{"input": row["input"], "unit": own.get(str(row["input"]), ""), **row} for row in swings.rows(label)]
        found[label] = (rows, lines)
    return found


def _evidence(
    scenario: Any, outputs: list[str], base_points: int, seed: int, bar: Any
) -> dict[str, tuple[list[dict[str, object]], list[str]]]:
    from costmodel.analysis.evidence import evidence_shares, unmeasured_share_text

    shares = evidence_shares(scenario, outputs, base_points=max(base_points, 1024), rng=seed, on_progress=bar)
    found = {}
    for label in shares.by_grade.outputs:
        lines = [unmeasured_share_text(shares, label)]
        if shares.moved:
            lines.append(f"counted with a weaker input that they are correlated with: {', '.join(shares.moved)}")
        found[label] = (shares.rows(label), lines)
    return found
