"""Arguments shared by many commands, with shell completion of scenarios and parameter paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer


def complete_scenario(incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield the built-in scenarios, and files of this folder, that start with the typed text, with their titles.

    Parameters
    ----------
    incomplete
        What was typed.
    """
    from pathlib import Path

    from costmodel.entry import scenario_names

    for name in scenario_names():
        if name.startswith(incomplete):
            yield name, "built in"
    for path in sorted(Path().glob(f"{_plain(incomplete)}*.toml")):
        yield str(path), "file"


def complete_change(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield ``PATH=`` and the meaning of each parameter of the scenario that starts with the typed text.

    Parameters
    ----------
    context
        The command so far; its scenario decides on the parameters.
    incomplete
        What was typed.
    """
    for path, meaning in _parameters(context):
        if path.startswith(incomplete):
            yield f"{path}=", meaning


def complete_path(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield the parameter paths of the scenario that start with the typed text, with their meaning.

    Parameters
    ----------
    context, incomplete
        See `complete_change`.
    """
    return ((path, meaning) for path, meaning in _parameters(context) if path.startswith(incomplete))


def _plain(text: str) -> str:
    """Escape the wildcards of a glob pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in text)


def _parameters(context: Any) -> Iterator[tuple[str, str]]:
    from costmodel.entry import load_scenario
    from costmodel.foundation.errors import CostModelError

    given = [context.params.get(key) for key in ("name", "second", "first")]
    name = next(filter(None, [*given, *context.args]), None)  # an unfinished option leaves the name among the rest
    try:
        scenario = load_scenario(name) if name else None
    except CostModelError:
        return  # a shell has no place for an error
    if scenario is not None:
        for path, _, spec, _ in scenario.walk():
            yield path, spec.description


Name = Annotated[
    str,
    typer.Argument(
        help="A built-in scenario (costmodel list) or the path of a TOML file.", autocompletion=complete_scenario
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Replace a parameter; repeatable.",
        autocompletion=complete_change,
    ),
]
SecondChanges = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Replace a parameter of the second scenario; repeatable.",
        autocompletion=complete_change,
    ),
]
