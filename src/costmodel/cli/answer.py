"""``costmodel answer``: answer the questions of the documents, with intervals."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from costmodel.cli.common import executor_of, print_json
from costmodel.cli.files import keep


def answer_command(
    number: Annotated[int | None, typer.Argument(help="Number of a question (default: all).")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List the questions and run nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workers: Annotated[int, typer.Option(help="Number of processes that answer in parallel.")] = 2,
) -> None:
    """Answer the questions of the documents that the library was built around, with intervals and assumptions."""
    from costmodel.answers.question import table_of
    from costmodel.answers.registry import QUESTIONS, answered
    from costmodel.foundation.tables import Table

    if list_only:
        rows = tuple((str(place), question.document, question.text) for place, question in enumerate(QUESTIONS, 1))
        keep(Table(("number", "document", "question"), rows, "questions"))
        for place, question in enumerate(QUESTIONS, 1):
            typer.echo(f"{place:2}  {question.document}: {question.text}")
        return
    with executor_of(workers if number is None else 1) as pool:
        found = answered(number, pool)
    if as_json:
        print_json(
            [
                {"document": question.document, "question": question.text, "answers": [asdict(item) for item in items]}
                for question, items in found
            ]
        )
        return
    keep(table_of(found))
    for question, items in found:
        typer.echo(f"\n{question.document}: {question.text}")
        for _, row in zip(items, table_of([(question, items)]).rows, strict=True):
            claim, _, says, interval, rests = row
            typer.echo(f"  {claim}\n    {says}  [{interval}]\n    rests on {rests}")
