"""Compute, with pyright, the share of the public interface with known types, and fail if it falls.

``python tests/typed_share.py`` prints the share; ``--list`` also prints the symbols with unknown types.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src"
"""Folder of the package: pyright finds its ``py.typed`` through PYTHONPATH, not through an editable install."""
LEAST = 0.95
"""Least share of public symbols with a known type [1]."""


def main(arguments: list[str]) -> int:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pyright",
            "--pythonpath",
            sys.executable,
            "--verifytypes",
            "costmodel",
            "--ignoreexternal",
            "--outputjson",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    if not done.stdout.startswith("{"):
        sys.stderr.write(done.stdout + done.stderr)
        return 2
    form = json.loads(done.stdout)["typeCompleteness"]
    if "--list" in arguments:
        for symbol in form["symbols"]:
            if symbol["isExported"] and not symbol["isTypeKnown"]:
                said = (item["message"] for item in symbol["diagnostics"])
                sys.stdout.write("\n    ".join((symbol["name"], *said)) + "\n")
    share = form["completenessScore"]
    sys.stdout.write(f"pyright knows the types of {share:.1%} of the public interface; {LEAST:.1%} is the least\n")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
