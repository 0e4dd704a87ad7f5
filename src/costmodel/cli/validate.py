"""``costmodel validate``: published numbers beside what the library gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel.cli.common import print_json
from costmodel.cli.rows import show
from costmodel.foundation.tables import Table

if TYPE_CHECKING:
    from costmodel.validation import Outcome

RANGES = "ranges"
"""Word that asks for the flywheel's forward figures beside published ranges."""
PREDICTIONS = "predictions"
"""Word that asks for what the flywheel would have said at past dates."""
EXAMS = "exams"
"""Word that asks for tables of measurements instead of cases."""


def validate_command(
    domain: Annotated[str | None, typer.Argument(help="Only the cases of this domain, such as training.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    by: Annotated[list[str] | None, typer.Option(help="With exams: also group by this label; may repeat.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="With exams: print the table as Markdown.")] = False,
    steps: Annotated[
        list[Path] | None,
        typer.Option(help="With exams: mark measured training steps of your own, a CSV file, instead; may repeat."),
    ] = None,
) -> None:
    """Run the published cases; exit status 1 if one that is not a recorded miss is outside its tolerance.

    `costmodel validate exams` marks tables of measurements instead: fitted and unseen rows apart. `costmodel validate
    ranges` puts the flywheel's forward figures beside published ranges, with their distance. `costmodel validate
    predictions` scores what the flywheel would have said at past dates about what followed.
    """
    from costmodel.cli.exams import exams_table
    from costmodel.validation import as_row, cases, failures, run

    if domain == EXAMS:
        exams_table(by or [], as_json, markdown, steps or [])
        return
    if by or markdown or steps:
        raise typer.BadParameter("it belongs to `costmodel validate exams`", param_hint="--by, --markdown, --steps")
    if domain == RANGES:
        _ranges(as_json)
        return
    if domain == PREDICTIONS:
        _predictions(as_json)
        return
    outcomes = run(cases(domain))
    if as_json:
        print_json([as_row(outcome) for outcome in outcomes])
    else:
        _print(outcomes)
    if failures(outcomes):
        raise typer.Exit(1)


def _ranges(as_json: bool) -> None:
    from costmodel.validation.published_ranges import range_rows

    rows = range_rows()
    if as_json:
        print_json(rows)
        return
    shown = ({key: value for key, value in row.items() if key not in ("source", "caveat")} for row in rows)
    notes = [f"{row['what']}: {row['source'] or 'no figure'}; {row['caveat']}" for row in rows]
    title = "bond-flywheel beside published ranges; distance of the median in logs"
    show(Table.of(shown, title, notes=notes), whole=Table.of(rows, title))


def _predictions(as_json: bool) -> None:
    from costmodel.validation.predictions import NOTES, as_records, prediction_rows, prediction_sums, predictions

    found = predictions()
    if as_json:
        print_json(as_records(found))
        return
    show(replace(prediction_rows(found), title="What the flywheel would have said, and what followed; scores in logs"))
    show(replace(prediction_sums(found), title="by date"))
    show(replace(prediction_sums(found, "group"), title="by what is predicted", notes=NOTES))


def _print(outcomes: tuple[Outcome, ...]) -> None:
    from costmodel.validation import Refused, as_row, verdict

    rows = (
        {
            "case": outcome.case.name,
            "source": outcome.case.source,
            "evidence": outcome.case.evidence.value,
            "published": f"{outcome.case.published:.5g}",
            "model": f"{outcome.value:.5g}",
            "unit": outcome.case.unit,
            "error": f"{outcome.error:+.2%}" if outcome.case.published else f"{outcome.error:+.3g}",
            "tolerance": f"{outcome.case.tolerance:.2%}" if outcome.case.published else f"{outcome.case.tolerance:.3g}",
            "verdict": verdict(outcome),
        }
        for outcome in outcomes
    )
    notes = [f"miss · {one.case.name}: {one.case.miss}" for one in outcomes if verdict(one) == "miss"]
    notes += [f"refused · {one.case.name}: {one.reason}" for one in outcomes if isinstance(one, Refused)]
    counts = {word: sum(verdict(one) == word for one in outcomes) for word in ("ok", "miss", "FAIL")}
    notes += [f"{len(outcomes)} cases: {counts['ok']} ok, {counts['miss']} recorded misses, {counts['FAIL']} failed"]
    show(Table.of(rows, notes=notes), whole=Table.of(map(as_row, outcomes), "published cases"))
