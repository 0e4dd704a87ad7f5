"""How many small faults in the code the tests notice: a seeded sample of mutants by room (cosmic-ray, extra `dev`).

Each mutant is one operator, number or branch changed in a copy of the repository; it is killed if the tests of its
room, or with ``--whole`` any test, then fail. Survivors are printed with their line: each is a missing test, or an
equivalent, which changes nothing that anyone can see::

    python tests/mutation.py market foundation --mutants 40 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOMS = (
    "foundation",
    "catalog",
    "compute",
    "training",
    "serving",
    "ownership",
    "market",
    "estimation",
    "flywheel",
    "analysis",
)
"""Rooms that are tried where none is named."""
TIMEOUT = 240.0
"""Time that the tests may take on one mutant before it counts as killed [second]."""
EQUIVALENT = ("core/ReplaceBinaryOperator_BitOr_",)
"""Operators that change annotations alone (``X | None``): nothing evaluates them."""


def _command(room: str, python: str, *, whole: bool) -> str:
    """Return the command that must fail on a mutant."""
    pytest = f"{python} -m pytest -x -q -p no:cacheprovider"
    paths = f"tests/{room} src/costmodel/{room} tests/test_contract_formulas.py"
    return f"sh -c '{pytest} {paths} && {pytest} tests src'" if whole else f"{pytest} {paths}"


def _sample(session: Path, mutants: int, seed: int) -> int:
    """Leave a random choice of the session's mutants to do, and return how many there were in all."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(session) as database:
        items = sorted(
            (
                item
                for item in database.pending_work_items
                if not any(part.operator_name.startswith(EQUIVALENT) for part in item.mutations)
            ),
            key=lambda item: [(str(part.module_path), part.operator_name, part.occurrence) for part in item.mutations],
        )
        chosen = {item.job_id for item in random.Random(seed).sample(items, min(mutants, len(items)))}
        skipped = WorkResult(output="not in the sample", worker_outcome=WorkerOutcome.SKIPPED)
        for job in [item.job_id for item in database.pending_work_items if item.job_id not in chosen]:
            database.set_result(job, skipped)
    return len(items)


def _outcomes(session: Path) -> list[tuple[bool, str]]:
    """Return whether each mutant of the sample was killed, and where it stands."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome

    found = []
    with use_db(session) as database:
        for item, result in database.completed_work_items:
            if result.worker_outcome is not WorkerOutcome.NORMAL:
                continue
            part = item.mutations[0]
            changed = [
                line for line in (result.diff or "").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
            ]
            where = f"{part.module_path}:{part.start_pos[0]} {part.operator_name}\n    " + "\n    ".join(changed)
            found.append((result.test_outcome is not TestOutcome.SURVIVED, where))
    return found


def mutate(repository: Path, room: str, mutants: int, seed: int, *, whole: bool) -> dict[str, Any]:
    """Try a sample of one room's mutants on a copy of the repository.

    Raises
    ------
    RuntimeError
        If the tests fail before anything is changed: nothing could be concluded.
    """
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(
            repository, copy, ignore=shutil.ignore_patterns(".git", ".hypothesis", "__pycache__", ".*_cache")
        )
        command = _command(room, sys.executable, whole=whole)
        config, session = copy / "mutation.toml", copy / "session.sqlite"
        config.write_text(
            "[cosmic-ray]\n"
            f'module-path = "src/costmodel/{room}"\n'
            f"timeout = {TIMEOUT}\n"
            "excluded-modules = []\n"
            f"test-command = {json.dumps(command)}\n"
            '[cosmic-ray.distributor]\nname = "local"\n',
            encoding="utf-8",
        )
        environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
        tool = [sys.executable, "-m", "cosmic_ray.cli"]

        def call(*arguments: str) -> None:
            done = subprocess.run(
                [*tool, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"cosmic-ray {arguments[0]} on {room}: {done.stdout[-2000:]}{done.stderr[-2000:]}")

        call("baseline", config.name)
        call("init", config.name, session.name)
        every = _sample(session, mutants, seed)
        call("exec", config.name, session.name)
        outcomes = _outcomes(session)
    return {
        "room": room,
        "mutants": every,
        "tried": len(outcomes),
        "killed": sum(killed for killed, _ in outcomes),
        "survivors": [where for killed, where in outcomes if not killed],
    }


def main() -> None:
    """Try the rooms named on the command line and print the score of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", default=list(ROOMS), help="rooms of src/costmodel; all if absent")
    parser.add_argument("--mutants", type=int, default=40, help="mutants tried in each room")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--whole", action="store_true", help="ask the whole suite about what a room's tests let pass")
    parser.add_argument("--repository", type=Path, default=Path(__file__).parents[1])
    given = parser.parse_args()
    for room in given.rooms:
        report = mutate(given.repository.resolve(), room, given.mutants, given.seed, whole=given.whole)
        share = report["killed"] / report["tried"] if report["tried"] else float("nan")
        sys.stdout.write(
            f"{room}: {report['killed']} of {report['tried']} killed, {share:.0%} (of {report['mutants']} mutants)\n"
        )
        for survivor in report["survivors"]:
            sys.stdout.write(f"  {survivor}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
