"""Do the three jobs of the page *Start* as a newcomer would: copy its commands, in this script's environment.

Every block of ``start.md`` below a job's heading is run in an empty folder, and its time printed; one that fails ends
the script with its error. The block that makes the environment stands above the first job, and is left to the reader.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAGE = Path(__file__).with_name("start.md")
RUNNERS = {"bash": ["bash", "-e", "-c"], "python": [sys.executable, "-c"]}


def blocks() -> list[tuple[str, str, str]]:
    """Return the blocks below the headings of jobs: heading, language, code."""
    found = []
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        found += [
            (heading, kind, code) for kind, code in re.findall(r"^```(\w+)\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
        ]
    return found


def main() -> int:
    """Run every block."""
    environment = os.environ | {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
    with tempfile.TemporaryDirectory() as folder:
        for heading, kind, code in blocks():
            start = time.perf_counter()
            done = subprocess.run(
                [*RUNNERS[kind], code], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            print(f"{heading} · {kind}: {time.perf_counter() - start:.1f} s")
            if done.returncode:
                print(done.stdout + done.stderr, file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
