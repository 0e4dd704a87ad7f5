"""Rows per second and peak memory of pricing a log of token usage and of auditing a bill, by number of rows.

Each size is written to a temporary CSV file and read in a process of its own, so that peak memory is measured alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from timing import Row

MODELS = (("openai", "gpt-4o"), ("openai", "o3"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro"))
SKUS = ("p5.48xlarge, 8 H100, on demand", "p5.48xlarge, 8 H100, spot", "g6e.xlarge, 1 L40S, on demand", "storage")
START = datetime(2025, 10, 1, tzinfo=UTC)
SECONDS = 365 * 24 * 3600
WRITTEN_AT_ONCE = 100_000
USAGE_COLUMNS = "time,provider,model,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens"
BILL_COLUMNS = (
    "ProviderName,ServiceName,ChargePeriodStart,ChargeCategory,BillingCurrency,BilledCost,EffectiveCost,ListCost,"
    "PricingQuantity,PricingUnit,ChargeDescription"
)


def usage_lines(rng: np.random.Generator, count: int) -> Iterator[str]:
    """Yield calls with distinct times and counts, so that no column repeats."""
    seconds, model = rng.integers(0, SECONDS, count), rng.integers(0, len(MODELS), count)
    given, out = rng.integers(1, 50_000, count), rng.integers(1, 5_000, count)
    cached, thought = (given * rng.random(count)).astype(int), (out * rng.random(count)).astype(int)
    for s, m, i, c, o, r in zip(seconds, model, given, cached, out, thought, strict=True):
        when = START + timedelta(seconds=int(s))
        provider, name = MODELS[m]
        yield f"{when:%Y-%m-%dT%H:%M:%SZ},{provider},{name},{i},{c},{o},{r}\n"


def bill_lines(rng: np.random.Generator, count: int) -> Iterator[str]:
    """Yield charges of a year with distinct costs."""
    days, sku = rng.integers(0, 365, count), rng.integers(0, len(SKUS), count)
    hours, price = rng.random(count) * 24.0, rng.random(count) * 50.0
    for d, k, h, p in zip(days, sku, hours, price, strict=True):
        when, cost = START + timedelta(days=int(d)), f"{h * p:.6f}"
        kind = "Hours" if k < len(SKUS) - 1 else "GB-Mo"
        text = SKUS[k].replace(",", ";")
        yield f"AWS,Amazon EC2,{when:%Y-%m-%dT00:00:00Z},Usage,USD,{cost},{cost},{cost},{h:.6f},{kind},{text}\n"


def write(path: Path, columns: str, lines: Callable[[np.random.Generator, int], Iterator[str]], rows: int) -> None:
    """Write a table of so many rows."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(columns + "\n")
        for first in range(0, rows, WRITTEN_AT_ONCE):
            file.writelines(lines(rng, min(WRITTEN_AT_ONCE, rows - first)))


def price(path: str) -> float:
    """Price a log; return processor seconds without loading the library."""
    from costmodel.studies.price_books import PackagedPrices
    from costmodel.studies.usage_cost import price_usage

    prices = PackagedPrices()
    start = time.process_time()
    price_usage(path, prices=prices, counting="inclusive")
    return time.process_time() - start


def judge(path: str) -> float:
    """Audit a bill; return processor seconds without loading the library."""
    from costmodel.studies.audit import audit
    from costmodel.studies.bill import read_bill

    start = time.process_time()
    audit(read_bill(path))
    return time.process_time() - start


TABLES = {"usage": (price, USAGE_COLUMNS, usage_lines), "audit": (judge, BILL_COLUMNS, bill_lines)}


def rows_read(count: int) -> list[Row]:
    """Time both kinds of table with so many rows."""
    rows: list[Row] = []
    for name, (_, columns, lines) in TABLES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            write(path, columns, lines, count)
            done = subprocess.run(
                [sys.executable, __file__, name, str(path)], check=True, capture_output=True, text=True
            )
        seconds, megabytes = map(float, done.stdout.split())
        rows.append((f"{name}: {count:,} rows", seconds, f"{count / seconds:,.0f} rows a second, {megabytes:,.0f} MB"))
    return rows


if __name__ == "__main__":
    spent = TABLES[sys.argv[1]][0](sys.argv[2])
    print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
