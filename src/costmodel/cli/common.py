"""Helpers shared by the commands: overrides, progress bars, and files written completely or not at all."""

from __future__ import annotations

import json
import math
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from costmodel.entry import load_scenario
from costmodel.foundation import files
from costmodel.foundation.errors import DomainError, ScenarioError, harmless
from costmodel.foundation.toml import check_keys

if TYPE_CHECKING:
    from concurrent.futures import Executor

_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal or reverse its text direction; JSON already escapes those of ASCII."""
MAX_DRAWS = 10_000_000
"""Most draws of one command [1], so that a mistyped digit is an error at once instead of a run of days."""


def scenario_with(name: str, overrides: list[str] | None) -> Any:
    """Load a scenario and apply ``PATH=VALUE`` overrides.

    Raises
    ------
    ScenarioError
        If an override has no ``=``; errors of loading and replacing pass through.
    """
    scenario = load_scenario(name)
    changes: dict[str, Any] = {}
    for text in overrides or []:
        path, sign, value = text.partition("=")
        if not sign or not path.strip():
            raise ScenarioError(f"--set {text!r}: write PATH=VALUE, as in market.chat.price_elasticity=-1.4")
        changes[path.strip()] = parse_value(value.strip())
    return scenario.replace(changes) if changes else scenario


def parse_value(text: str) -> Any:
    """Read a value as TOML (a number, a table, a quoted string), else as plain text such as ``2.5 USD/hour``."""
    check_keys(text, "--set")
    try:
        form = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, more digits than a number has, or too deeply nested
        return text
    return form["value"] if len(form) == 1 else text


def check_draws(draws: int | None) -> None:
    """Raise ``DomainError`` for more draws than a command takes."""
    if draws is not None and draws > MAX_DRAWS:
        raise DomainError(f"--draws {draws}: at most {MAX_DRAWS:,}")


def print_json(form: Any) -> None:
    """Print nested tables as JSON, with null for numbers that are not finite."""
    unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(_plain(form), indent=1, ensure_ascii=not unicode, allow_nan=False)
    typer.echo(escaped(text))


def say(text: str) -> None:
    """Print text from outside, with its terminal control characters escaped."""
    typer.echo(harmless(text))


def escaped(text: str) -> str:
    """Escape the characters in JSON or TOML that control a terminal or reverse its text direction."""
    return text if text.isascii() else _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _plain(form: Any) -> Any:
    if isinstance(form, Mapping):
        return {str(key): _plain(item) for key, item in form.items()}
    if isinstance(form, list | tuple):
        return [_plain(item) for item in form]
    if isinstance(form, float):
        return form if math.isfinite(form) else None
    return form


@contextmanager
def executor_of(workers: int | None) -> Iterator[Executor | None]:
    """Provide a pool of processes, or None for one worker.

    Raises
    ------
    DomainError
        If the number of workers is below 1.
    """
    if workers is not None and workers < 1:
        raise DomainError(f"--workers {workers}: at least 1")
    if workers is None or workers == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers) as pool:
        yield pool


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Provide a callback that draws a progress bar if standard error is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def check_writable(path: Path) -> None:
    """Raise ``ScenarioError`` before the work is done if the file cannot be written."""
    write_whole(path, None)


def write_whole(path: Path, write: Callable[[Path], None] | None) -> None:
    """Write the file of ``--out`` completely or not at all; without ``write``, only check that it can be written.

    Raises
    ------
    ScenarioError
        If the file cannot be written.
    """
    try:
        files.write_whole(path, write)
    except ScenarioError as error:
        raise ScenarioError(f"--out {error}") from None
