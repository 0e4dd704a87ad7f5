"""Speed (rows per second of processor time) and peak memory of pricing a usage log, by number of rows.

    python benchmarks/usage_rows.py [500000 1000000 2000000 5000000]

Each size is written to a temporary CSV file and priced in a separate process, so that peak memory is measured alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

SIZES = (500_000, 1_000_000, 2_000_000, 5_000_000)
MODELS = (("openai", "gpt-4o"), ("openai", "o3"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro"))
START = datetime(2025, 10, 1, tzinfo=UTC)
SECONDS = 365 * 24 * 3600
WRITTEN_AT_ONCE = 100_000


def write(path: Path, rows: int) -> None:
    """Write a log with distinct times and counts, so that no column repeats."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("time,provider,model,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens\n")
        for first in range(0, rows, WRITTEN_AT_ONCE):
            count = min(WRITTEN_AT_ONCE, rows - first)
            seconds, model = rng.integers(0, SECONDS, count), rng.integers(0, len(MODELS), count)
            given, out = rng.integers(1, 50_000, count), rng.integers(1, 5_000, count)
            cached, thought = (given * rng.random(count)).astype(int), (out * rng.random(count)).astype(int)
            lines = []
            for s, m, i, c, o, r in zip(seconds, model, given, cached, out, thought, strict=True):
                when = START + timedelta(seconds=int(s))
                provider, name = MODELS[m]
                lines.append(f"{when:%Y-%m-%dT%H:%M:%SZ},{provider},{name},{i},{c},{o},{r}\n")
            file.writelines(lines)


def price(path: Path) -> None:
    """Price a log and print calls, seconds of processor time, megabytes and total, without the time of loading."""
    from costmodel.studies.price_books import PackagedPrices
    from costmodel.studies.usage_cost import price_usage

    prices = PackagedPrices()
    start = time.process_time()
    cost = price_usage(path, prices=prices, counting="inclusive")
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed = cost.calls / seconds
    print(f"{cost.calls:>9,} rows  {seconds:6.1f} s  {speed:>9,.0f} rows/s  {peak:6.0f} MB  {cost.total:,.2f} USD")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--price"]:
        price(Path(sys.argv[2]))
        sys.exit()
    for size in [int(text) for text in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.csv"
            write(log, size)
            subprocess.run([sys.executable, __file__, "--price", str(log)], check=True)
