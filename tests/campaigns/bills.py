"""Bills of millions of rows, some of them broken: each row is in the sum or counted as unread, and none is lost."""

from __future__ import annotations

import time
from pathlib import Path

from attack import Campaign, Chance

from costmodel.studies.bill import read_bill

ROWS = 20_000
"""Number of rows of the bill in a short run [1]."""
MOST_MEMORY = 1_500 * 2**20
"""Largest additional memory for reading a bill [byte]."""
HEAD = (
    "ProviderName,ServiceName,ChargePeriodStart,ChargeCategory,BillingCurrency,BilledCost,EffectiveCost,ListCost,"
    "PricingQuantity,PricingUnit,ChargeDescription"
)
BROKEN = (
    "AWS,GPU,2026-05-03T00:00:00Z,Usage,USD,1,1,1",  # cells are missing
    "AWS,GPU,2026-05-03T00:00:00Z,Usage,USD,one,one,1,1,Hours,x",  # a text for a cost
    "AWS,GPU,2026-15-03T00:00:00Z,Usage,USD,1,1,1,1,Hours,x",  # no such month
    "AWS,GPU,2026-05-03T00:00:00Z,Gift,USD,1,1,1,1,Hours,x",  # no such category
    "AWS,GPU,2026-05-03T00:00:00Z,Usage,USD,inf,inf,1,1,Hours,x",
    "AWS,GPU,2026-05-03T00:00:00Z,Usage,USD,1,1,1,1,Hours,x,more,cells",
)


def write_bill(path: Path, rows: int, chance: Chance) -> tuple[int, float]:
    """Write a bill; return its number of broken rows, and the cost of the others [USD]."""
    broken, cost, part = 0, 0, []
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD + "\n")
        for number in range(rows):
            if chance.random() < 0.001:
                broken += 1
                part.append(BROKEN[number % len(BROKEN)])
            else:
                cents = number % 97
                cost += cents
                day = number % 28 + 1
                when, paid = f"2026-05-{day:02}T00:00:00Z", cents / 100
                part.append(f"AWS,GPU {number % 5},{when},Usage,USD,{paid},{paid},1,1,Hours,p5")
            if len(part) == 10_000:
                file.write("\n".join(part) + "\n")
                part = []
        file.write("\n".join(part) + "\n" * bool(part))
    return broken, cost / 100


def check_bill(rows: int, chance: Chance, folder: Path) -> str | None:
    """Write and read a bill; return the faults."""
    import resource

    path = folder / "bill.csv"
    broken, cost = write_bill(path, rows, chance)
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    bill = read_bill(path)
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    found = sum(bill.total().values())
    if bill.unread.count != broken:
        return f"{bill.unread.count} rows are unread, {broken} are broken"
    if bill.rows + bill.unread.count != rows and bill.rows != rows:
        return f"{bill.rows} rows of {rows} are counted"
    if abs(found - cost) > 1e-9 * cost:
        return f"the bill sums to {found}, its rows to {cost}"
    if taken > MOST_MEMORY:
        return f"reading took {taken / 2**20:,.0f} MiB"
    print(f"{rows:,} rows, {broken:,} broken: {time.process_time() - begin:.0f} s, {taken / 2**20:,.0f} MiB")
    return None


def case(chance: Chance, folder: Path) -> str | None:
    return check_bill(ROWS, chance, folder)


CAMPAIGN = Campaign(case, whole=3)

if __name__ == "__main__":  # the whole bill: python tests/campaigns/bills.py 5000000
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as beside:
        sys.exit(check_bill(int(sys.argv[1]), Chance(0), Path(beside)))
