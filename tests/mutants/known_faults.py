"""Insert each fault of ``mutants.toml`` in a copy of the repository, and show that its tests detect it.

Run it by hand, or with a part of a name to try some::

    python tests/mutants/known_faults.py [PART ...]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

LIST = Path(__file__).parent / "mutants.toml"
REPOSITORY = Path(__file__).parents[2]


def mutants() -> list[dict[str, Any]]:
    """Return the listed faults."""
    found: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return found


def stale(mutant: dict[str, Any], root: Path) -> str | None:
    """Say why a fault can no longer be made, if it can't."""
    path = root / mutant["file"]
    if not path.is_file():
        return f"{mutant['file']} is gone"
    times = path.read_text(encoding="utf-8").count(mutant["find"])
    return None if times == 1 else f"its line stands {times} times in {mutant['file']}"


def notices(mutant: dict[str, Any], root: Path) -> bool:
    """Make the fault below ``root``, run its tests and mend it again; return whether they failed."""
    path = root / mutant["file"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutant["find"], mutant["replace"]), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant["tests"]]
        environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    finally:
        path.write_text(text, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{mutant['name']}: the tests did not run: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.returncode == 1


def main() -> None:
    """Try the faults and print which the tests notice; the exit status is 1 if they miss one."""
    chosen = [m for m in mutants() if not sys.argv[1:] or any(part in m["name"] for part in sys.argv[1:])]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder) / "copy"
        shutil.copytree(
            REPOSITORY, root, ignore=shutil.ignore_patterns(".git", "__pycache__", ".hypothesis", ".*_cache")
        )
        for mutant in chosen:
            reason = stale(mutant, root)
            seen = reason is None and notices(mutant, root)
            missed += not seen
            sys.stdout.write(f"{'noticed' if seen else reason or 'NOT NOTICED'}: {mutant['name']}\n")
            sys.stdout.flush()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
