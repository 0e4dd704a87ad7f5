"""What the commands share: overrides from the command line, progress, files that are whole or absent."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from costmodel.entry import load_scenario
from costmodel.foundation.errors import DomainError, ScenarioError


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
    """Read a value as TOML (a number, a table, a quoted text), else as a plain text such as ``2.5 USD/hour``."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@contextmanager
def executor_of(workers: int | None) -> Iterator[Executor | None]:
    """Give a pool of processes, or nothing for one worker.

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
    with ProcessPoolExecutor(workers) as pool:
        yield pool


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback that draws a progress bar where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its target and move it there: whole or not at all.

    Raises
    ------
    ScenarioError
        If the file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    except OSError as error:
        raise ScenarioError(f"--out {path}: {error.strerror}") from None
    os.close(handle)
    partial = Path(name)
    try:
        write(partial)
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise ScenarioError(f"--out {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
