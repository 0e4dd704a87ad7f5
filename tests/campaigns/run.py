"""Attack the library: ``python tests/campaigns/run.py [NAME …] --seconds N --seed S [--cases N] [--case I]``.

Every case has its own seed, from the campaign's seed and name and the case's number, so that ``--case I`` repeats it
alone. Without ``--cases`` the whole campaign runs, within the time limit. The exit status is 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "src")]

from attack import Campaign, chance_of, report, run_campaign, shown  # noqa: E402

NAMES = (
    "scenarios", "parsers", "commands", "formulas", "ends", "abuses", "corruptions", "kills", "writers", "environments",
    "outputs", "bills", "sessions",
)  # fmt: skip
MOST_MEMORY = 8 * 2**30
"""Limit on a campaign's address space [byte]; a case that needs more is a finding."""


def campaign(name: str) -> Campaign:
    """Return a campaign by its name."""
    found: Campaign = import_module(name).CAMPAIGN
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all where absent")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each campaign [s]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, help="cases of each campaign; the whole campaign where absent")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run one case again, and show how it ends")
    parser.add_argument("--report", type=Path, help="also append each tally to this file, a line of JSON each")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no campaign {', '.join(sorted(unknown))}: known are {', '.join(NAMES)}")
    _limit_memory()
    broken = 0
    for name in given.names or NAMES:
        if given.case is not None:
            with tempfile.TemporaryDirectory() as folder:
                print(campaign(name).case(chance_of(name, given.seed, given.case), Path(folder)))
            continue
        tally = run_campaign(
            name, campaign(name), seed=given.seed, seconds=given.seconds, cases=given.cases, first=given.first
        )
        broken += len(tally.broken)
        print(shown(name, given.seed, tally), flush=True)
        if given.report is not None:
            with given.report.open("a", encoding="utf-8") as file:
                file.write(json.dumps(report(name, given.seed, tally)) + "\n")
    return 1 if broken else 0


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # a system without limits of memory
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    sys.exit(main())
