"""``costmodel backtest``: forecast from a past date and score the forecast against what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.arguments import Name
from costmodel.cli.common import print_json, progress, scenario_with
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.files import read_text
from costmodel.foundation.tables import Table


def backtest_command(
    name: Name,
    as_of: Annotated[
        str | None, typer.Option(help="Past date of a built-in plan, such as 2024-12-31, or 'all'.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Your own plan file instead: records, priors, cuts, hindsight.")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Draws.")] = 4_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    level: Annotated[float, typer.Option(min=0.01, max=0.99, help="Probability of the intervals.")] = 0.8,
    show_all: Annotated[
        bool, typer.Option("--all", help="List every parameter and what it rests on at that date.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Forecast with what was known at a past date, and report how many outcomes the intervals contain."""
    from costmodel.analysis.backtesting import backtest

    scenario = scenario_with(name, None)
    found = []
    for chosen in _plans(scenario.name, as_of, plan):
        with progress("drawing") as bar:
            read = _reader(scenario)
            found.append(backtest(scenario, chosen, read=read, level=level, draws=draws, rng=seed, on_progress=bar))
    if as_json:
        forms = [_form(item) for item in found]
        print_json(forms if as_of == "all" else forms[0])
        return
    for item in found:
        _print(item, show_all)
    if len(found) > 1:
        rows = (row for item in found for row in _coverage(item))
        show(Table.of(rows, f"coverage of {level:.0%} intervals"))


def _plans(scenario: str, as_of: str | None, path: Path | None) -> list[Any]:
    from costmodel.analysis.backtesting import backtest_dates, plan_for
    from costmodel.analysis.known_at_a_date import Plan

    if (as_of is None) == (path is None):
        raise ScenarioError("give either --as-of for a built-in plan or --plan for a file")
    if path is None:
        dates = backtest_dates(scenario) if as_of == "all" else ()
        return [plan_for(scenario, date) for date in dates or (str(as_of),)]
    return [Plan.from_toml(read_text(path), str(path))]


def _kinds(found: Any) -> dict[str, Any]:
    """Return the forecasts of a backtest by kind; None for one that was not possible."""
    return {
        "unconditional": found.unconditional,
        "weighted by history": found.weighted,
        "conditioned on history": found.conditioned,
    }


def _coverage(found: Any) -> list[dict[str, object]]:
    return [
        {
            "as of": found.as_of.isoformat(),
            "forecast": kind,
            "inside": scored.overall.inside,
            "n": scored.overall.n,
            "share": scored.overall.inside / scored.overall.n,
            "crps": scored.crps,
        }
        for kind, scored in _kinds(found).items()
        if scored is not None
    ]


def _reader(scenario: Any) -> Any:
    """Return the model's own function that reads reported figures from its result, if it has one."""
    if scenario.model != "flywheel":
        return None
    from costmodel.flywheel.history import read_off

    return read_off


def _form(found: Any) -> dict[str, Any]:
    return {
        "scenario": found.scenario,
        "as_of": found.as_of.isoformat(),
        "level": found.level,
        "draws": found.draws,
        "dropped": found.dropped,
        "standing": found.known.counts(),
        "parameters": [{"path": x.path, "standing": x.standing.value, "why": x.why} for x in found.known.lines],
        "hindsight": list(found.hindsight),
        "refusal": found.refusal,
        "forecasts": {
            kind: {
                "effective_draws": scored.effective_draws,
                "crps": scored.crps,
                "inside": scored.overall.inside,
                "n": scored.overall.n,
                "by_output": {key: {"inside": c.inside, "n": c.n} for key, c in scored.by_output.items()},
                "rows": scored.table().records(),
            }
            for kind, scored in _kinds(found).items()
            if scored is not None
        },
    }


def _print(found: Any, show_all: bool) -> None:
    for kind, scored in _kinds(found).items():
        if scored is None:
            print_lines([f"no forecast {kind}: {found.refusal}"])
            continue
        title = f"{found.scenario} from {found.as_of}, {kind}: {found.level:.0%} intervals"
        show(replace(scored.table(), title=title))
        lines = [f"{name}: {held}" for name, held in scored.by_output.items()]
        print_lines([*lines, f"all: {scored.overall}"])
        effective = f"effective draws {scored.effective_draws:.0f} of {found.draws}"
        print_lines([f"mean CRPS of logarithms {scored.crps:.3f}; {effective}"])
    if found.consistent is not None:
        before, after = found.consistent.misfit
        print_lines([f"misfit to history in standard errors: {before:.2f} before conditioning, {after:.2f} after"])
    counts = ", ".join(f"{count} {standing}" for standing, count in found.known.counts().items())
    print_lines([f"parameters: {counts}; draws left out: {found.dropped}"])
    if show_all:
        standing = ({"path": line.path, "standing": line.standing.value, "why": line.why} for line in found.known.lines)
        show(Table.of(standing, "how every parameter stands"))
    grouped: dict[str, list[str]] = {}
    for text in found.hindsight:
        what, _, why = text.partition(": ")
        grouped.setdefault(why, []).append(what)
    print_lines([f"hindsight, in {len(found.hindsight)} places:"])
    for why, places in grouped.items():
        shown = places if show_all else places[:3]
        more = f" and {len(places) - len(shown)} more (--all lists them)" if len(places) > len(shown) else ""
        print_lines([f"  {why}: {', '.join(shown)}{more}"])
