"""``costmodel show``, ``describe`` and ``diff``: a scenario as text, its parameters explained, and what differs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from costmodel.cli.arguments import Changes, Name, SecondChanges, complete_path
from costmodel.cli.common import escaped, print_json, say, scenario_with
from costmodel.cli.rows import show_or_json
from costmodel.entry import load_scenario


def show_command(
    name: Name,
    set_: Changes = None,
    base: Annotated[
        str | None, typer.Option(help="A built-in scenario: show the difference from it alone, as an inheriting file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False,
) -> None:
    """Show a scenario as a TOML file, its bases merged: what to copy for a scenario of one's own."""
    scenario = scenario_with(name, set_)
    if as_json:
        print_json(scenario.written())
        return
    typer.echo(escaped(scenario.to_toml(base=None if base is None else load_scenario(base)).rstrip("\n")))


def sources_command(
    name: Name,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print a bibliography for BibTeX.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the documents that a scenario's figures come from, and how many inputs rest on each."""
    scenario = load_scenario(name)
    if bibtex:
        say(scenario.bibtex().rstrip("\n"))
        return
    show_or_json(scenario.bibliography(), as_json)


def describe_command(
    name: Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(help="A path, the beginning of one, a pattern with *, or words.", autocompletion=complete_path),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Look parameters up: path, value, unit, bounds, meaning, grade and source."""
    show_or_json(load_scenario(name).describe(" ".join(words or [])), as_json)


def diff_command(
    first: Annotated[str, typer.Argument(help="A built-in scenario or the path of a TOML file.")],
    second: Annotated[str, typer.Argument(help="Another one of the same model.")],
    set_: SecondChanges = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what differs between two scenarios, entry by entry, with units and sources."""
    found = scenario_with(first, None).diff(scenario_with(second, set_))
    if as_json:
        print_json({"scenarios": found.scenarios, "changes": [asdict(row) for row in found.changes]})
        return
    show_or_json(found.table(), False)
