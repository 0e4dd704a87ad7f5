"""Measured start times of sandboxes on this machine, by kind, and their effect on an agent's task."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from costmodel.foundation.errors import DomainError, ScenarioError, error_line
from costmodel.serving.task import AgentTask, AgentTaskResult, run_task

CODE = "1 + 1"
"""Code that each sandbox runs: as little as possible, so that only its start is measured."""
RUNS = 20
"""Starts of each kind that are measured [1]."""
MOST_RUNS = 10_000
"""Most starts that may be asked for [1]."""
QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles of the start times [1]."""
TIMEOUT = 60.0
"""Time after which one start is given up [s]."""
ENGINES = ("docker", "podman")
"""Programs that start containers, in the order in which they are looked for."""
PUBLISHED = {
    "Monty, a process kept warm": "Monty",
    "Python in this process": "Python in process",
    "Python subprocess": "Python subprocess",
    "container": "Docker",
}
"""Record of the catalog with the published start of a kind."""


@dataclass(frozen=True, slots=True)
class Start:
    """The measured start of one kind of sandbox.

    Parameters
    ----------
    kind
        What was started.
    low, median, high
        5, 50 and 95 % quantile [s]; nan where it is absent.
    runs
        Starts that were measured [1].
    absent
        Why it was not measured; empty where it was.
    """

    kind: str
    low: float
    median: float
    high: float
    runs: int
    absent: str = ""


def measure_starts(runs: int = RUNS) -> tuple[Start, ...]:
    """Measure what each kind of sandbox takes from the call to the result of ``1 + 1`` on this machine.

    Parameters
    ----------
    runs
        Starts of each kind, 1 to ``MOST_RUNS`` [1].

    Returns
    -------
    tuple of Start
        The interpreter Monty in a process kept warm and in a new one, Python in this process (no isolation) and in a
        subprocess, and a container where docker or podman has an image; absent ones with the reason.

    Raises
    ------
    DomainError
        If the number of runs is out of range.
    """
    if not 1 <= runs <= MOST_RUNS:
        raise DomainError(f"runs {runs}: 1 to {MOST_RUNS:,}")
    return (
        _monty_kept(runs),
        _start("Monty, a new process", runs, _monty_new),
        _start("Python in this process", runs, lambda: exec(compile(CODE, "<task>", "eval"), {})),
        _start("Python subprocess", runs, lambda: _finished([sys.executable, "-c", CODE])),
        _container(runs),
    )


def _start(kind: str, runs: int, once: Callable[[], object]) -> Start:
    """Return the quantiles of the time that a call takes; the first is left out."""
    try:
        once()
        times = []
        for _ in range(runs):
            begun = time.perf_counter()
            once()
            times.append(time.perf_counter() - begun)
    except (ImportError, OSError, ScenarioError, subprocess.SubprocessError) as error:
        return Start(kind, np.nan, np.nan, np.nan, 0, error_line(error))
    low, median, high = (float(number) for number in np.quantile(times, QUANTILES))
    return Start(kind, low, median, high, runs)


def _monty_new() -> None:
    """Start a process of the interpreter, run the code in it and end it."""
    from costmodel.foundation.formulas import run_in_sandbox

    run_in_sandbox(CODE, {})


def _monty_kept(runs: int) -> Start:
    """Start sessions of the interpreter in one process that is kept."""
    kind = "Monty, a process kept warm"
    try:
        import pydantic_monty as monty
    except ImportError:
        return Start(kind, np.nan, np.nan, np.nan, 0, 'pip install "ai-costmodel[sandbox]"')

    def session() -> None:
        with pool.checkout() as opened:
            opened.feed_run(CODE)

    with monty.Monty(min_processes=1, max_processes=1) as pool:
        return _start(kind, runs, session)


def _finished(command: list[str]) -> None:
    """Run a command to its end.

    Raises
    ------
    ScenarioError
        If it fails; with the first line of its error output.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ScenarioError(f"{command[0]}: {said[0]}")


def _container(runs: int) -> Start:
    """Start containers of the first image that docker or podman has, without network; nothing is downloaded."""
    engine = next((path for path in map(shutil.which, ENGINES) if path), None)
    if engine is None:
        return Start("container", np.nan, np.nan, np.nan, 0, "neither docker nor podman is installed")
    listed = subprocess.run(
        [engine, "image", "ls", "--quiet"], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    images = listed.stdout.split()
    if not images:
        said = listed.stderr.strip().splitlines()
        return Start(
            "container", np.nan, np.nan, np.nan, 0, said[0] if said else "no image is there; none is downloaded"
        )
    command = [engine, "run", "--rm", "--pull=never", "--network=none", "--entrypoint=true", images[0]]
    return _start("container", runs, lambda: _finished(command))


def with_start(task: AgentTask, start: Start) -> AgentTask:
    """Return an agent's task with the measured start time of its sandbox.

    Raises
    ------
    DomainError
        If the kind was not measured.

    Examples
    --------
    >>> import costmodel
    >>> task = costmodel.load_scenario("agent-task")
    >>> slow = with_start(task, Start("container", 0.4, 0.5, 0.9, 20))
    >>> slow.sandbox.start_time
    0.5
    """
    if start.absent:
        raise DomainError(f"{start.kind} was not measured: {start.absent}")
    note = f"{start.kind}: median of {start.runs} starts, 5 to 95 % {start.low:.2g} to {start.high:.2g} s."
    value = {"value": start.median, "source": "measured", "grade": "reported", "note": note}
    return task.replace({"sources.measured": {"title": "Measured on this machine"}, "sandbox.start_time": value})


def task_with(task: AgentTask, start: Start) -> AgentTaskResult:
    """Return tokens, time and cost of a task at medians, with the measured start time of its sandbox."""
    return run_task(with_start(task, start).resolve())
